/* csv_rows.c: masks of a window to the rows and cells in it. */
#include <string.h>

#include "automl/core/csv_internal.h"

static aml_status grow(uint32_t **a, size_t bytes_before, size_t bytes, aml_memory *account) {
    AML_TRY(aml_memory_charge(account, bytes - bytes_before));
    uint32_t *more = aml_realloc(*a, bytes);
    if (more) *a = more;
    else aml_memory_release(account, bytes - bytes_before);
    return more ? AML_OK : AML_ENOMEM;
}

static aml_status make_room(csv_rows *r, size_t n_ends, size_t n_rows, aml_memory *account) {
    if (n_ends > r->room_ends) {
        AML_TRY(grow(&r->field_end, r->room_ends * 4, n_ends * 4, account));
        r->charged += (n_ends - r->room_ends) * 4;
        r->room_ends = n_ends;
    }
    if (n_rows <= r->room_rows) return AML_OK;
    uint32_t **parts[] = {&r->first, &r->next, &r->start, &r->line};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        AML_TRY(grow(parts[i], r->room_rows * 4, n_rows * 4, account));
        r->charged += (n_rows - r->room_rows) * 4;
    }
    r->room_rows = n_rows;
    return AML_OK;
}

void csv_rows_free(csv_rows *r, aml_memory *account) {
    aml_memory_release(account, r->charged);
    aml_free(r->field_end);
    aml_free(r->first);
    aml_free(r->next);
    aml_free(r->start);
    aml_free(r->line);
    *r = (csv_rows){0};
}

/* ---- where fields end */

static size_t count_bits(const uint64_t *a, const uint64_t *b, size_t n_words) {
    size_t n = 0;
    for (size_t k = 0; k < n_words; k++) n += (size_t)__builtin_popcountll(a[k] | b[k]);
    return n;
}

/* Writes the places of bits; up to seven more words are overwritten. Returns behind the last. */
static inline uint32_t *put_places(uint32_t *to, uint64_t bits, uint32_t at) {
    size_t n = (size_t)__builtin_popcountll(bits);
    for (size_t done = 0; done < n; done += 8)
        for (size_t i = done; i < done + 8; i++) {
            to[i] = at + (uint32_t)__builtin_ctzll(bits | (uint64_t)1 << 63);
            bits &= bits - 1;
        }
    return to + n;
}

/* ---- rows */

typedef struct builder {
    csv_rows *rows;
    const csv_window *w;
    const csv_dialect *d;
    size_t width;
    csv_ragged ragged;
    uint32_t start, first; /* of the row: byte, field */
    uint32_t spare;        /* behind the last field: ends of mended rows */
} builder;

static bool blank(const char *text, size_t begin, size_t end) {
    while (begin < end && text[begin] == ' ') begin++;
    return begin == end;
}

static void note_flaw(builder *b, csv_flaw_kind kind, size_t at, size_t fields) {
    csv_flaw *f = &b->rows->flaw;
    if (f->count++) return;
    f->kind = kind;
    f->at = at;
    f->fields = fields;
}

/* A row of another width: refused, left out, or made as wide as it should be. False: it is left out. */
static bool mend_row(builder *b, uint32_t fields) {
    csv_rows *r = b->rows;
    uint32_t *ends = r->field_end, first = b->first, end = ends[first + fields - 1];
    bool longer = fields > b->width;
    if (b->ragged != CSV_RAGGED_ERROR) r->n_ragged++;
    else note_flaw(b, CSV_WIDTH, longer ? ends[first + b->width - 1] + 1 : end, fields);
    if (b->ragged == CSV_RAGGED_SKIP) return false;
    if (b->ragged == CSV_RAGGED_ERROR || longer) return true;
    for (uint32_t k = 0; k < b->width; k++) ends[b->spare + k] = k < fields ? ends[first + k] : end;
    r->first[r->n] = b->spare;
    b->spare += (uint32_t)b->width;
    r->next[r->n] = b->spare;
    return true;
}

/* Behind the closing quote there may be blanks only. */
static bool text_behind_quote(size_t *at, const builder *b, size_t begin, size_t end) {
    const char *text = b->w->text;
    char quote = b->d->quote;
    if (!quote || begin >= end || text[begin] != quote) return false;
    size_t i;
    i = csv_closing_quote(text, end, begin, b->d);
    *at = i + 1;
    return i != SIZE_MAX && !blank(text, i + 1, end);
}

/* What only a look at each field can tell. */
static void check_fields(builder *b, uint32_t fields) {
    const uint32_t *ends = b->rows->field_end + b->first;
    for (uint32_t k = 0; k < fields; k++) {
        size_t begin = k ? ends[k - 1] + 1 : b->start, end = ends[k], at;
        bool longer = end > begin + CSV_FIELD_LIMIT;
        if (!longer && !text_behind_quote(&at, b, begin, end)) continue;
        note_flaw(b, longer ? CSV_LONG_FIELD : CSV_AFTER_QUOTE, longer ? begin : at, fields);
        return;
    }
}

/* A line ends at byte `at`, which ends field number `last`. */
static inline void end_row(builder *b, uint32_t at, uint32_t last, bool look) {
    csv_rows *r = b->rows;
    const char *text = b->w->text;
    uint32_t fields = last + 1 - b->first, end = at;
    bool pair = at > b->start && text[at] == '\n' && text[at - 1] == '\r';
    if (pair) r->field_end[last] = --end;
    if (pair) r->n_pair++;
    else if (text[at] == '\n') r->n_feed++;
    else r->n_carriage++;
    if (fields == 1 && blank(text, b->start, end)) {
        r->n_blank++;
    } else {
        if (look) check_fields(b, fields);
        r->start[r->n] = b->start;
        r->first[r->n] = b->first;
        r->next[r->n] = last + 1;
        r->n += fields == b->width || !b->width || mend_row(b, fields);
    }
    b->start = at + 1;
    b->first = last + 1;
}

static void put_rows(builder *b, bool look) {
    csv_rows *r = b->rows;
    const csv_window *w = b->w;
    uint32_t *to = r->field_end;
    for (size_t k = 0; 64 * k < w->length; k++) {
        uint64_t within =
            w->length - 64 * k >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << (w->length - 64 * k)) - 1;
        uint64_t ends = w->end[k] & within, all = (w->marks.separator[k] & within) | ends;
        uint32_t before = (uint32_t)(to - r->field_end), at = (uint32_t)(64 * k);
        to = put_places(to, all, at);
        for (; ends; ends &= ends - 1) {
            uint64_t lower = (ends & -ends) - 1;
            end_row(b, at + (uint32_t)__builtin_ctzll(ends),
                    before + (uint32_t)__builtin_popcountll(all & lower), look);
        }
    }
}

/* Lines before each row, from the mask of all line ends. */
static void number_lines(csv_rows *r, const csv_window *w) {
    uint32_t lines = 0;
    size_t k = 0;
    for (size_t i = 0; i < r->n; i++) {
        for (; 64 * (k + 1) <= r->start[i]; k++)
            lines += (uint32_t)__builtin_popcountll(w->line[k]);
        uint64_t lower = ((uint64_t)1 << r->start[i] % 64) - 1;
        r->line[i] = lines + (uint32_t)__builtin_popcountll(w->line[k] & lower);
    }
}

aml_status csv_rows_find(csv_rows *r, const csv_window *w, const csv_dialect *d, size_t width,
                         csv_ragged ragged, aml_memory *account) {
    size_t n_words = (w->length + 63) / 64, n_rows = count_bits(w->end, w->end, n_words),
           n_ends = count_bits(w->marks.separator, w->end, n_words);
    /* A row that is too short takes `width` spare places. */
    size_t spare = ragged == CSV_RAGGED_PAD ? n_rows * width : 0;
    if (spare + n_ends > UINT32_MAX / 2)
        return aml_fail(AML_ENOMEM, "out of memory for rows of %zu cells", width);
    r->n = r->n_blank = r->n_ragged = r->n_feed = r->n_pair = r->n_carriage = 0;
    r->flaw = (csv_flaw){0};
    AML_TRY(make_room(r, n_ends + spare + 8, n_rows + 1, account));
    builder b = {
        .rows = r, .w = w, .d = d, .width = width, .ragged = ragged, .spare = (uint32_t)n_ends + 8};
    put_rows(&b, w->irregular || w->length > CSV_FIELD_LIMIT);
    r->n_feed -= w->closed; /* it is not in the file */
    r->plain = r->n == w->n_lines;
    r->skip = 0;
    if (!r->plain) number_lines(r, w);
    return AML_OK;
}

void csv_rows_drop_first(csv_rows *r) {
    if (r->n == 0) return;
    r->n--;
    r->skip = r->plain;
    memmove(r->first, r->first + 1, r->n * sizeof *r->first);
    memmove(r->next, r->next + 1, r->n * sizeof *r->next);
    memmove(r->start, r->start + 1, r->n * sizeof *r->start);
    memmove(r->line, r->line + 1, r->n * sizeof *r->line);
}

/* ---- cells */

csv_cell csv_cell_at(const csv_window *w, const csv_rows *r, size_t row, size_t field,
                     const csv_dialect *d) {
    size_t k = r->first[row] + field;
    if (k >= r->next[row]) return (csv_cell){.text = w->text};
    size_t begin = field ? r->field_end[k - 1] + 1 : r->start[row], end = r->field_end[k];
    const char *text = w->text;
    if (begin >= end) return (csv_cell){.text = text};
    if (d->quote && text[begin] == d->quote) {
        size_t last = end - 1;
        while (last > begin && text[last] == ' ') last--;
        if (last > begin && text[last] == d->quote) {
            size_t size = last - begin - 1;
            bool escaped = memchr(text + begin + 1, d->quote, size) ||
                           (d->escape && memchr(text + begin + 1, d->escape, size));
            return (csv_cell){text + begin + 1, size, escaped, true};
        }
    }
    while (begin < end && text[begin] == ' ') begin++;
    while (begin < end && text[end - 1] == ' ') end--;
    bool escaped = d->escape && memchr(text + begin, d->escape, end - begin);
    return (csv_cell){text + begin, end - begin, escaped, false};
}

csv_cell csv_unescape(char *room, csv_cell cell, const csv_dialect *d) {
    size_t n = 0;
    if (!cell.escaped || (cell.size == 2 && !memcmp(cell.text, "\\N", 2))) return cell;
    for (size_t i = 0; i < cell.size; i++) {
        bool escape = d->escape && cell.text[i] == d->escape && i + 1 < cell.size;
        if (escape) i++;
        room[n++] = cell.text[i];
        if (!escape && cell.quoted && cell.text[i] == d->quote) i++;
    }
    return (csv_cell){.text = room, .size = n};
}
