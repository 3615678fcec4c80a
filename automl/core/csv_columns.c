/* csv_columns.c: the cells of a judged column as numbers, dates, codes or text. */
#include "automl/core/csv_columns.h"

#include <math.h>
#include <string.h>

#include "automl/core/sort.h"

void csv_drop_array(csv_column *c, void **a, size_t bytes) {
    if (!*a) return;
    aml_memory_release(c->account, bytes);
    c->charged -= bytes;
    aml_free(*a);
    *a = NULL;
}

void csv_note_bad(csv_column *c, size_t row, size_t count) {
    csv_texts *t = c->texts;
    size_t size;
    if (row == SIZE_MAX) return;
    const char *text = csv_text_at(&size, c, row);
    aml_free(t->bad);
    t->bad_row = row;
    t->n_bad = count;
    t->bad = aml_malloc(size + 1);
    if (!t->bad) {
        c->verdict = CSV_SHORT_OF_MEMORY;
        return;
    }
    memcpy(t->bad, text, size);
    t->bad[size] = 0;
    t->bad_size = size;
}

/* ---- numbers and dates */

typedef struct conversion {
    csv_column *column;
    double *to; /* of the levels, or of the rows of a plain column */
    const csv_dialect *d;
    bool dates;
    size_t full, bad, first;
} conversion;

static bool convert_item(void *arg, const csv_level *l) {
    conversion *v = arg;
    const csv_column *c = v->column;
    double *to = &v->to[c->plain ? l->row : (size_t)(l - c->texts->words[0].dict.levels)];
    *to = NAN;
    if (!v->dates) {
        csv_amount a;
        if (csv_number(to, l->text, l->size, v->d->decimal)) return true;
        *to = c->amounts && csv_amount_parse(&a, l->text, l->size, v->d) ? a.value : NAN;
        return true;
    }
    if (aml_is_missing_text(l->text, l->size)) return true;
    v->full += l->count;
    if (c->clock ? csv_clock(to, l->text, l->size)
                 : csv_datetime(to, l->text, l->size, c->day_first, c->date_compact) != CSV_NO_DATE)
        return true;
    *to = NAN;
    v->bad += l->count;
    if (l->row < v->first) v->first = l->row;
    return true;
}

static void count_numbers(csv_column *c, size_t n) {
    size_t n_missing = 0;
    c->broken = false;
    for (size_t i = 0; i < n; i++) {
        double x = c->number[i];
        if (isnan(x)) n_missing++;
        else if (x != trunc(x)) c->broken = true;
    }
    c->n_missing = n_missing;
}

static void drop_texts(csv_column *c, size_t n) {
    if (c->plain) {
        csv_drop_array(c, (void **)&c->texts->bytes, c->texts->offset[n] + 8);
        csv_drop_array(c, (void **)&c->texts->offset, (n + 1) * sizeof *c->texts->offset);
    } else {
        csv_drop_array(c, (void **)&c->texts->code, c->texts->code_room * sizeof *c->texts->code);
    }
    csv_words_free(&c->texts->words[0]);
}

/* Each distinct text is looked at once, each cell of a plain column. */
static void to_numbers(csv_column *c, size_t n, const csv_dialect *d) {
    conversion v = {.column = c, .d = d, .dates = c->kind == AML_DATETIME, .first = SIZE_MAX};
    size_t n_levels = c->texts->words[0].dict.n;
    double *of_level = c->plain ? NULL : aml_malloc((n_levels + 1) * sizeof *of_level);
    double *number = csv_new_array(c, n, sizeof *number);
    c->verdict = CSV_SHORT_OF_MEMORY;
    if (number && (c->plain || of_level)) {
        c->verdict = CSV_GOOD;
        v.to = c->plain ? number : of_level;
        csv_each(c, n, convert_item, &v);
        for (size_t i = 0; !c->plain && i < n; i++) number[i] = of_level[c->texts->code[i]];
        if (v.dates) csv_note_bad(c, v.first, v.bad);
        if (v.bad * 2 > v.full) c->verdict = CSV_BAD_DATES;
        drop_texts(c, n);
        c->number = number;
        count_numbers(c, n);
    } else {
        csv_drop_array(c, (void **)&number, n * sizeof *number);
    }
    aml_free(of_level);
}

/* ---- text */

static bool to_plain(csv_column *c, size_t n) {
    size_t bytes = 0, size;
    uint64_t at = 0;
    for (size_t i = 0; i < n; i++) {
        csv_text_at(&size, c, i);
        bytes += size;
    }
    uint64_t *offset = csv_new_array(c, n + 1, sizeof *offset);
    char *to = csv_new_array(c, bytes + 8, 1);
    c->texts->bytes = to;
    c->texts->offset = offset;
    if (!offset || !to) return false;
    for (size_t i = 0; i < n; i++) {
        const char *text = csv_text_at(&size, c, i);
        offset[i] = at;
        memcpy(to + at, text, size);
        at += size;
    }
    offset[n] = at;
    csv_drop_array(c, (void **)&c->texts->code, c->texts->code_room * sizeof *c->texts->code);
    csv_words_free(&c->texts->words[0]);
    c->plain = true;
    return true;
}

/* Spellings of missing leave no bytes. */
static void to_text(csv_column *c, size_t n) {
    uint64_t at = 0, begin = 0;
    if (!c->plain && !to_plain(c, n)) {
        c->verdict = CSV_SHORT_OF_MEMORY;
        return;
    }
    for (size_t i = 0; !c->texts->complete && i < n; i++) {
        size_t size = c->texts->offset[i + 1] - begin;
        const char *text = c->texts->bytes + begin;
        begin = c->texts->offset[i + 1];
        if (!c->verbatim && aml_is_missing_text(text, size)) size = 0;
        if (size) memmove(c->texts->bytes + at, text, size);
        c->n_missing += size == 0;
        c->texts->offset[i] = at;
        at += size;
    }
    c->texts->text_size = c->texts->offset[n];
    if (!c->texts->complete) c->texts->offset[n] = at;
}

/* ---- categories */

static int by_count(const void *a, const void *b, void *arg) {
    const csv_level *levels = arg, *x = &levels[*(const uint32_t *)a],
                    *y = &levels[*(const uint32_t *)b];
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    int order = memcmp(x->text, y->text, x->size < y->size ? x->size : y->size);
    return order ? order : (x->size > y->size) - (x->size < y->size);
}

/* Levels that are spellings of missing get code -1 and are left out. */
static void to_category(csv_column *c, size_t n) {
    csv_texts *t = c->texts;
    c->verdict = CSV_SHORT_OF_MEMORY;
    if (c->plain && !csv_encode(c, n)) return;
    const csv_dict *d = &t->words[0].dict;
    int32_t *rank = aml_malloc((d->n + 1) * sizeof *rank);
    t->order = aml_malloc((d->n + 1) * sizeof *t->order);
    uint32_t m = 0;
    size_t n_missing = 0;
    for (size_t k = 0; rank && t->order && k < d->n; k++) {
        rank[k] = -1;
        if (!aml_is_missing_text(d->levels[k].text, d->levels[k].size)) t->order[m++] = (uint32_t)k;
    }
    if (rank && t->order && !aml_sort(t->order, m, sizeof *t->order, by_count, d->levels)) {
        for (uint32_t k = 0; k < m; k++) rank[t->order[k]] = (int32_t)k;
        for (size_t i = 0; i < n; i++) {
            t->code[i] = rank[t->code[i]];
            n_missing += t->code[i] < 0;
        }
        c->n_missing = n_missing;
        t->n_levels = m;
        c->verdict = CSV_GOOD;
    }
    aml_free(rank);
}

void csv_convert(csv_column *c, size_t n, const csv_dialect *d) {
    switch (c->kind) {
    case AML_NUMBER:
    case AML_DATETIME: to_numbers(c, n, d); break;
    case AML_CATEGORY: to_category(c, n); break;
    case AML_TEXT:
    case AML_IDENTIFIER: to_text(c, n); break;
    }
}

static void free_texts(csv_texts *t, size_t n_threads) {
    for (size_t k = 0; t->words && k < n_threads; k++) csv_words_free(&t->words[k]);
    aml_free(t->code);
    aml_free(t->offset);
    aml_free(t->bytes);
    aml_free(t->order);
    aml_free(t->bad);
}

void csv_column_free(csv_column *c, size_t n_threads) {
    if (c->texts) free_texts(c->texts, n_threads);
    aml_memory_release(c->account, c->charged);
    if (!c->kept) aml_free(c->number);
    c->texts = NULL;
    c->number = NULL;
    c->kept = false;
    c->charged = 0;
}

/* ---- into the frame */

/* Large arrays are handed over as they are, without the room they have left. */
static const void *hand_over(csv_column *c, void **array, size_t room, size_t used,
                             aml_arena *keep) {
    enum { LARGE = 1 << 16 };
    void *a = *array;
    if (used < LARGE) {
        a = aml_copy(keep, *array, used);
        if (a) csv_drop_array(c, array, room);
        return a;
    }
    void *less = used < room ? aml_realloc(a, used) : a;
    a = less ? less : a;
    *array = NULL;
    c->charged -= room;
    aml_memory_release(c->account, room - used);
    if (aml_arena_adopt(keep, a, used)) {
        aml_memory_release(c->account, used);
        aml_free(a);
        return NULL;
    }
    return a;
}

static aml_status finish_category(aml_column *out, csv_column *c, size_t n, aml_arena *keep) {
    csv_texts *t = c->texts;
    const char **levels = AML_ARRAY(keep, t->n_levels, const char *);
    if (!levels) return AML_ENOMEM;
    for (uint32_t k = 0; k < t->n_levels; k++) {
        const csv_level *l = c->schema ? NULL : &t->words[0].dict.levels[t->order[k]];
        levels[k] =
            l ? aml_strndup(keep, l->text, l->size) : aml_strdup(keep, c->schema->levels[k]);
        if (!levels[k]) return AML_ENOMEM;
    }
    out->levels = levels;
    out->n_levels = t->n_levels;
    out->code =
        hand_over(c, (void **)&t->code, t->code_room * sizeof *t->code, n * sizeof *t->code, keep);
    return out->code ? AML_OK : AML_ENOMEM;
}

static aml_status finish_text(aml_column *out, csv_column *c, size_t n, aml_arena *keep) {
    csv_texts *t = c->texts;
    size_t used = t->offset[n];
    out->bytes = hand_over(c, (void **)&t->bytes, t->text_size + 8, used, keep);
    if (!out->bytes) return AML_ENOMEM;
    size_t bytes = (n + 1) * sizeof *t->offset;
    out->offset = hand_over(c, (void **)&t->offset, bytes, bytes, keep);
    return out->offset ? AML_OK : AML_ENOMEM;
}

aml_status csv_find_unseen(aml_csv_unseen *out, const csv_column *c, size_t n_threads,
                           aml_arena *keep) {
    const csv_words *words = c->texts ? c->texts->words : NULL, *first = NULL;
    for (size_t t = 0; words && t < n_threads; t++)
        if (words[t].unseen && (!first || words[t].unseen_row < first->unseen_row))
            first = &words[t];
    if (!first) return AML_OK;
    *out = (aml_csv_unseen){aml_strdup(keep, first->unseen), first->unseen_row};
    return out->text ? AML_OK : AML_ENOMEM;
}

aml_status csv_finish(aml_column *out, csv_column *c, size_t n, aml_arena *keep) {
    *out = (aml_column){.name = c->name,
                        .kind = c->kind,
                        .n_missing = c->n_missing,
                        .n_unseen = c->texts ? c->texts->n_unseen : 0,
                        .integer = c->kind == AML_NUMBER && !c->broken && c->n_missing < n,
                        .form = c->form,
                        .list = c->list,
                        .day_first = c->kind == AML_DATETIME && c->day_first};
    if (c->amounts && c->texts->unit[0] && !(out->unit = aml_strdup(keep, c->texts->unit)))
        return AML_ENOMEM;
    if (c->kind == AML_CATEGORY) return finish_category(out, c, n, keep);
    if (c->kind == AML_TEXT || c->kind == AML_IDENTIFIER) return finish_text(out, c, n, keep);
    if (c->kept) out->number = c->number;
    else out->number = hand_over(c, (void **)&c->number, c->charged, n * sizeof *c->number, keep);
    return out->number ? AML_OK : AML_ENOMEM;
}
