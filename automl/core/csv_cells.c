/* csv_cells.c: the cells of a window into columns: runs of numbers, and words one column at a time. */
#include <string.h>

#include "automl/core/csv_internal.h"

static bool make_scratch(csv_worker *w, size_t want, aml_memory *account) {
    if (want <= w->scratch_room) return true;
    want += want / 2 + 64;
    if (aml_memory_charge(account, want - w->scratch_room)) return false;
    char *more = aml_realloc(w->scratch, want);
    if (!more) {
        aml_memory_release(account, want - w->scratch_room);
        return false;
    }
    w->scratch = more;
    w->scratch_room = want;
    return true;
}

/* The text of a cell, doubled quotes undone in the scratch room from `at` on. Eight bytes behind it are readable.
 * text NULL: out of memory. */
static inline csv_cell plain_cell(csv_worker *w, const csv_reader *r, size_t row, size_t field,
                                  size_t at) {
    const csv_rows *rows = &w->rows;
    const uint32_t *end = rows->field_end + rows->first[row] + field;
    uint32_t begin = field ? end[-1] + 1 : rows->start[row];
    const char *text = w->window.text;
    if (*end <= begin) return (csv_cell){.text = text};
    char first = text[begin], last = text[*end - 1];
    if (first != ' ' && last != ' ' && (first != r->dialect.quote || !first) && !r->dialect.escape)
        return (csv_cell){.text = text + begin, .size = *end - begin};
    csv_cell cell = csv_cell_at(&w->window, rows, row, field, &r->dialect);
    if (!cell.escaped) return cell;
    if (!make_scratch(w, at + cell.size + 16, r->options->account)) return (csv_cell){0};
    return csv_unescape(w->scratch + at, cell, &r->dialect);
}

/* ---- words */

static bool put_codes(csv_column *c, csv_worker *w, const csv_reader *r, size_t row) {
    csv_words *words = &c->texts->words[w->thread];
    int32_t *code = c->texts->code + row;
    for (size_t i = 0; i < w->rows.n; i++) {
        csv_cell cell = plain_cell(w, r, i, c->field, 0);
        int64_t k = cell.text ? csv_dict_add(&words->dict, cell.text, cell.size) : CSV_NO_MEMORY;
        if (k < 0) return false;
        csv_level *level = &words->dict.levels[k];
        if (level->count++ == 0) level->row = row + i;
        code[i] = (int32_t)k;
    }
    words->n_cells += w->rows.n;
    if (csv_words_too_many(words)) c->plain = true;
    return true;
}

/* The dictionary holds the schema's levels and is only looked into. */
static bool put_known_codes(csv_column *c, csv_worker *w, const csv_reader *r, size_t row) {
    csv_words *words = &c->texts->words[w->thread];
    const csv_dict *known = &c->texts->words[0].dict;
    int32_t *code = c->texts->code + row;
    size_t n_missing = 0, n_unseen = 0;
    for (size_t i = 0; i < w->rows.n; i++) {
        csv_cell cell = plain_cell(w, r, i, c->field, 0);
        if (!cell.text) return false;
        int64_t k = csv_dict_find(known, cell.text, cell.size);
        bool missing = k < 0 && aml_is_missing_text(cell.text, cell.size);
        code[i] = k >= 0 ? (int32_t)k : missing ? -1 : -2;
        n_missing += missing;
        if (k >= 0 || missing) continue;
        if (n_unseen++ == 0 && !csv_words_note_unseen(words, cell.text, cell.size, row + i))
            return false;
    }
    c->n_missing += n_missing;
    c->texts->n_unseen += n_unseen;
    return true;
}

static bool put_text(csv_column *c, csv_worker *w, const csv_reader *r, size_t row) {
    size_t n = w->rows.n, at = 0, sizes = n * sizeof(uint32_t);
    if (n == 0) return true;
    if (!make_scratch(w, sizes, r->options->account)) return false;
    for (size_t i = 0; i < n; i++) {
        csv_cell cell = plain_cell(w, r, i, c->field, sizes + at);
        if (!cell.text || !make_scratch(w, sizes + at + cell.size + 16, r->options->account))
            return false;
        if (cell.text != w->scratch + sizes + at)
            memcpy(w->scratch + sizes + at, cell.text, cell.size);
        uint32_t size = (uint32_t)cell.size;
        memcpy(w->scratch + i * sizeof size, &size, sizeof size);
        at += cell.size;
    }
    csv_segment *s = csv_segment_add(&c->texts->words[w->thread], row, n, at);
    if (s) memcpy(s->size, w->scratch, sizes + at);
    return s != NULL;
}

static bool put_words(csv_column *c, csv_worker *w, const csv_reader *r, size_t row) {
    if (c->plain) return put_text(c, w, r, row);
    if (c->schema && c->kind == AML_CATEGORY) return put_known_codes(c, w, r, row);
    return put_codes(c, w, r, row);
}

/* ---- all columns */

bool csv_put_cells(csv_reader *r, csv_worker *w, size_t row, bool again) {
    for (size_t k = 0; k < r->n_columns;) {
        csv_column **c = r->by_field + k;
        size_t n = 0;
        while (k + n < r->n_columns && n < CSV_RUN && c[n]->number && !c[n]->mixed &&
               c[n]->field == c[0]->field + n)
            n++;
        if (n && !again) csv_put_numbers(c, n, r, w, row);
        else if (n == 0 && !c[0]->number && (!again || c[0]->mixed) && !put_words(c[0], w, r, row))
            return false;
        k += n ? n : 1;
    }
    return true;
}
