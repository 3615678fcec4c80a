/* csv_columns.c: the cells of a judged column as numbers, dates, codes or text. */
#include "automl/core/csv_columns.h"

#include <math.h>
#include <string.h>

#include "automl/core/sort.h"

void csv_note_bad(csv_column *c, size_t row, size_t count) {
    if (row == SIZE_MAX) return;
    c->bad_row = row;
    c->bad = c->ref[row];
    c->n_bad = count;
}

static const char *cell(size_t *size, const csv_column *c, const char *text, size_t row) {
    *size = csv_ref_size(c->ref[row]);
    return text + csv_ref_at(c->ref[row]);
}

bool csv_find_levels(csv_column *c, const char *text, size_t n) {
    if (aml_memory_charge(c->dict.account, n * sizeof *c->code)) return false;
    c->code_bytes = n * sizeof *c->code;
    c->code = aml_malloc(c->code_bytes);
    if (!c->code) return false;
    for (size_t i = 0; i < n; i++) {
        size_t size;
        const char *s = cell(&size, c, text, i);
        int64_t level = csv_dict_add(&c->dict, s, size);
        if (level < 0) return false;
        csv_level *l = &c->dict.levels[level];
        if (l->count++ == 0) l->row = i;
        c->code[i] = (int32_t)level;
    }
    return true;
}

/* ---- numbers and dates: over the references, which have the same size */

void csv_judge_numbers(csv_column *c, size_t n) {
    c->n_missing = 0;
    c->integer = true;
    for (size_t i = 0; i < n; i++) {
        double x = c->number[i];
        if (isnan(x)) c->n_missing++;
        else if (x != trunc(x)) c->integer = false;
    }
    if (c->n_missing == n) c->integer = false;
}

static double *level_numbers(const csv_column *c, char decimal) {
    double *values = aml_malloc(c->dict.n * sizeof *values);
    for (size_t k = 0; values && k < c->dict.n; k++)
        if (!csv_number(&values[k], c->dict.levels[k].text, c->dict.levels[k].size, decimal))
            values[k] = NAN;
    return values;
}

static double *level_dates(csv_column *c, bool compact) {
    double *values = aml_malloc(c->dict.n * sizeof *values);
    size_t full = 0, bad = 0, first = SIZE_MAX;
    for (size_t k = 0; values && k < c->dict.n; k++) {
        const csv_level *l = &c->dict.levels[k];
        if (aml_is_missing_text(l->text, l->size)) {
            values[k] = NAN;
            continue;
        }
        full += l->count;
        if (csv_datetime(&values[k], l->text, l->size, c->day_first, compact)) continue;
        values[k] = NAN;
        bad += l->count;
        if (first == SIZE_MAX) first = l->row;
    }
    csv_note_bad(c, first, bad);
    if (bad * 2 > full) c->verdict = CSV_BAD_DATES;
    return values;
}

static void spread(csv_column *c, double *values, size_t n) {
    if (!values) {
        c->verdict = CSV_SHORT_OF_MEMORY;
        return;
    }
    double *out = (double *)(void *)c->ref;
    for (size_t i = 0; i < n; i++) memcpy(&out[i], &values[c->code[i]], sizeof *out);
    aml_free(values);
    c->number = out;
    csv_judge_numbers(c, n);
}

/* ---- text */

static void to_text(csv_column *c, const char *text, size_t n) {
    for (size_t i = 0; i < n; i++) {
        size_t size;
        const char *s = cell(&size, c, text, i);
        if (!c->verbatim && aml_is_missing_text(s, size)) {
            c->ref[i] = csv_ref_make(csv_ref_at(c->ref[i]), 0, false);
            size = 0;
        }
        c->n_missing += size == 0;
        c->n_bytes += size;
    }
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
    int32_t *rank = aml_malloc(c->dict.n * sizeof *rank);
    c->order = aml_malloc(c->dict.n * sizeof *c->order);
    uint32_t m = 0;
    c->verdict = CSV_SHORT_OF_MEMORY;
    for (size_t k = 0; rank && c->order && k < c->dict.n; k++) {
        rank[k] = -1;
        if (!aml_is_missing_text(c->dict.levels[k].text, c->dict.levels[k].size))
            c->order[m++] = (uint32_t)k;
    }
    if (rank && c->order && !aml_sort(c->order, m, sizeof *c->order, by_count, c->dict.levels)) {
        for (uint32_t k = 0; k < m; k++) rank[c->order[k]] = (int32_t)k;
        for (size_t i = 0; i < n; i++) {
            c->code[i] = rank[c->code[i]];
            c->n_missing += c->code[i] < 0;
        }
        c->n_levels = m;
        c->verdict = CSV_GOOD;
    }
    aml_free(rank);
}

static void known_codes(csv_column *c, const char *text, size_t n) {
    for (size_t i = 0; i < n; i++) {
        size_t size;
        const char *s = cell(&size, c, text, i);
        int64_t level = csv_dict_find(&c->dict, s, size);
        bool missing = level < 0 && aml_is_missing_text(s, size);
        c->code[i] = level >= 0 ? (int32_t)level : missing ? -1 : -2;
        c->n_missing += missing;
        c->n_unseen += level < 0 && !missing;
    }
}

void csv_to_known_category(csv_column *c, const char *text, size_t n) {
    c->verdict = CSV_SHORT_OF_MEMORY;
    if (aml_memory_charge(c->dict.account, n * sizeof *c->code)) return;
    c->code_bytes = n * sizeof *c->code;
    c->code = aml_malloc(c->code_bytes);
    if (!c->code) return;
    for (uint32_t k = 0; k < c->schema->n_levels; k++)
        if (csv_dict_add(&c->dict, c->schema->levels[k], strlen(c->schema->levels[k])) < 0) return;
    c->n_levels = c->schema->n_levels;
    known_codes(c, text, n);
    c->verdict = CSV_GOOD;
}

void csv_convert(csv_column *c, const char *text, size_t n, char decimal) {
    switch (c->kind) {
    case AML_NUMBER: spread(c, level_numbers(c, decimal), n); break;
    case AML_DATETIME: spread(c, level_dates(c, c->date_compact), n); break;
    case AML_CATEGORY: to_category(c, n); break;
    case AML_TEXT:
    case AML_IDENTIFIER: to_text(c, text, n); break;
    }
}

void csv_column_free(csv_column *c) {
    csv_dict_free(&c->dict);
    aml_memory_release(c->dict.account, c->code_bytes);
    aml_free(c->code);
    aml_free(c->order);
    c->code_bytes = 0;
    c->code = NULL;
    c->order = NULL;
}

/* ---- into the frame */

static aml_status finish_category(aml_column *out, const csv_column *c, size_t n, aml_arena *keep) {
    const char **levels = AML_ARRAY(keep, c->n_levels, const char *);
    out->code = aml_copy(keep, c->code, n * sizeof *out->code);
    if (!levels || !out->code) return AML_ENOMEM;
    for (uint32_t k = 0; k < c->n_levels; k++) {
        const csv_level *l = c->schema ? NULL : &c->dict.levels[c->order[k]];
        levels[k] =
            l ? aml_strndup(keep, l->text, l->size) : aml_strdup(keep, c->schema->levels[k]);
        if (!levels[k]) return AML_ENOMEM;
    }
    out->levels = levels;
    out->n_levels = c->n_levels;
    return AML_OK;
}

static aml_status finish_text(aml_column *out, const csv_column *c, const char *text, size_t n,
                              aml_arena *keep) {
    uint64_t *offset = aml_alloc_raw(keep, n + 1, sizeof *offset);
    char *bytes = aml_alloc_raw(keep, c->n_bytes, 1);
    uint64_t at = 0;
    if (!offset || !bytes) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        size_t size;
        const char *s = cell(&size, c, text, i);
        offset[i] = at;
        memcpy(bytes + at, s, size);
        at += size;
    }
    offset[n] = at;
    out->offset = offset;
    out->bytes = bytes;
    return AML_OK;
}

aml_status csv_finish(aml_column *out, csv_column *c, const char *text, size_t n, aml_arena *keep) {
    *out = (aml_column){.name = c->name,
                        .kind = c->kind,
                        .n_missing = c->n_missing,
                        .n_unseen = c->n_unseen,
                        .integer = c->kind == AML_NUMBER && c->integer,
                        .day_first = c->kind == AML_DATETIME && c->day_first};
    if (c->kind == AML_CATEGORY) return finish_category(out, c, n, keep);
    if (c->kind == AML_TEXT || c->kind == AML_IDENTIFIER) return finish_text(out, c, text, n, keep);
    out->number = c->ref ? aml_copy(keep, c->number, n * sizeof *out->number) : c->number;
    return out->number ? AML_OK : AML_ENOMEM;
}
