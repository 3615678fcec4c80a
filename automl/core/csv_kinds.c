/* csv_kinds.c: the kind of a column from all of its cells, and the column itself. */
#include <math.h>
#include <string.h>

#include "automl/core/csv_internal.h"
#include "automl/core/sort.h"

/* What all the cells of a column are. `soft` cells are missing only in a column of numbers. */
typedef struct census {
    size_t missing, numbers, infinite, overflow, thousands, soft, other;
    size_t bytes, blanks; /* of cells that are not missing */
    size_t first_bad;     /* first row that is neither number nor missing */
    csv_verdict bad;      /* what it is */
} census;

static const char *cell(size_t *size, const csv_column *c, const char *text, size_t row) {
    *size = csv_ref_size(c->ref[row]);
    return text + csv_ref_at(c->ref[row]);
}

static void note_bad(csv_column *c, size_t row) {
    if (row == SIZE_MAX) return;
    c->bad_row = row;
    c->bad = c->ref[row];
}

static csv_verdict classify(census *t, const char *s, size_t n, char decimal, csv_column *c) {
    double x;
    if (csv_number(&x, s, n, decimal)) {
        t->numbers++;
        if (csv_long_integer(s, n, x)) c->long_integer = true;
        if (isfinite(x)) return CSV_GOOD;
        t->overflow++;
        return CSV_OVERFLOW_CELL;
    }
    if (csv_infinite(s, n)) {
        t->infinite++;
        return CSV_INFINITE_CELL;
    }
    if (csv_missing_number(s, n)) {
        t->soft++;
        return CSV_GOOD;
    }
    if (csv_thousands(s, n)) {
        t->thousands++;
        return CSV_THOUSANDS_CELL;
    }
    t->other++;
    return CSV_STRAY_TEXT;
}

static void take_census(census *t, csv_column *c, const char *text, size_t n, char decimal) {
    *t = (census){.first_bad = SIZE_MAX};
    for (size_t i = 0; i < n; i++) {
        size_t size;
        const char *s = cell(&size, c, text, i);
        if (aml_is_missing_text(s, size)) {
            t->missing++;
            continue;
        }
        t->bytes += size;
        for (size_t k = 0; k < size; k++) t->blanks += s[k] == ' ';
        csv_verdict v = classify(t, s, size, decimal, c);
        if (v == CSV_GOOD || t->first_bad != SIZE_MAX) continue;
        t->first_bad = i;
        t->bad = v;
    }
}

/* ---- numbers */

static bool to_numbers(csv_column *c, const char *text, size_t n, char decimal) {
    double *out = (double *)(void *)c->ref; /* same size, written behind what was read */
    bool good = true;
    for (size_t i = 0; i < n; i++) {
        size_t size;
        double x;
        const char *s = cell(&size, c, text, i);
        if (csv_number(&x, s, size, decimal) && isfinite(x)) {
            if (csv_long_integer(s, size, x)) c->long_integer = true;
        } else {
            x = NAN;
            if (good && !aml_is_missing_text(s, size) && !csv_missing_number(s, size)) {
                good = false;
                note_bad(c, i);
            }
        }
        memcpy(&out[i], &x, sizeof x);
    }
    c->number = out;
    csv_judge_numbers(c, n);
    return good;
}

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

/* ---- dates */

typedef struct dates {
    size_t forms[CSV_COMPACT + 1], parsed;
} dates;

static void count_dates(dates *d, const csv_column *c, const char *text, size_t n, bool day_first, bool compact) {
    *d = (dates){0};
    for (size_t i = 0; i < n; i++) {
        size_t size;
        double t;
        const char *s = cell(&size, c, text, i);
        csv_date_form form = csv_datetime(&t, s, size, day_first, compact);
        d->forms[form]++;
        d->parsed += form != CSV_NO_DATE;
    }
}

/* Month first unless more cells are dates the other way round, or the separator is a point. */
static bool find_day_first(csv_column *c, dates *best, const char *text, size_t n, bool compact) {
    dates day;
    count_dates(best, c, text, n, false, compact);
    count_dates(&day, c, text, n, true, compact);
    if (best->forms[CSV_SLASHED] + day.forms[CSV_SLASHED] == 0) return false;
    size_t size, first = 0;
    while (first + 1 < n && csv_ref_size(c->ref[first]) == 0) first++;
    const char *s = cell(&size, c, text, first);
    bool points = memchr(s, '.', size < 4 ? size : 4) != NULL, same = day.parsed == best->parsed;
    c->ambiguous_date = same;
    if (!same ? day.parsed < best->parsed : !points) return false;
    *best = day;
    return true;
}

/* A look at the first cells says no for nearly every column that holds no dates. */
static bool looks_like_dates(const csv_column *c, const char *text, size_t n) {
    size_t seen = 0, good = 0;
    for (size_t i = 0; i < n && seen < 50; i++) {
        size_t size;
        double t;
        const char *s = cell(&size, c, text, i);
        if (aml_is_missing_text(s, size)) continue;
        seen++;
        good += csv_datetime(&t, s, size, false, false) || csv_datetime(&t, s, size, true, false);
    }
    return good * 10 > seen * 8;
}

static bool are_dates(csv_column *c, const census *t, const char *text, size_t n) {
    dates d;
    size_t full = n - t->missing, most = 0;
    if (full == 0 || !looks_like_dates(c, text, n)) return false;
    c->day_first = find_day_first(c, &d, text, n, false);
    for (int form = CSV_YMD; form <= CSV_COMPACT; form++)
        if (d.forms[form] > most) most = d.forms[form];
    return most * 100 >= full * 99;
}

static void to_dates(csv_column *c, const char *text, size_t n, bool compact) {
    double *out = (double *)(void *)c->ref;
    size_t full = 0;
    for (size_t i = 0; i < n; i++) {
        size_t size;
        double x = NAN;
        const char *s = cell(&size, c, text, i);
        bool missing = aml_is_missing_text(s, size);
        full += !missing;
        if (!csv_datetime(&x, s, size, c->day_first, compact)) {
            x = NAN;
            c->n_missing++;
            if (!missing && c->n_bad++ == 0) note_bad(c, i);
        }
        memcpy(&out[i], &x, sizeof x);
    }
    c->number = out;
    if (c->n_bad * 2 > full) c->verdict = CSV_BAD_DATES;
}

/* ---- categories and text */

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

/* Distinct texts, counted. */
static bool build_dict(csv_column *c, const char *text, size_t n) {
    for (size_t i = 0; i < n; i++) {
        size_t size;
        const char *s = cell(&size, c, text, i);
        if (aml_is_missing_text(s, size)) continue;
        int64_t level = csv_dict_add(&c->dict, s, size);
        if (level < 0) return false;
        c->dict.levels[level].count++;
    }
    return true;
}

static int by_count(const void *a, const void *b, void *arg) {
    const csv_level *levels = arg, *x = &levels[*(const uint32_t *)a], *y = &levels[*(const uint32_t *)b];
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    int order = memcmp(x->text, y->text, x->size < y->size ? x->size : y->size);
    return order ? order : (x->size > y->size) - (x->size < y->size);
}

static bool sort_levels(csv_column *c, uint32_t **rank) {
    size_t n = c->dict.n;
    c->order = aml_malloc(n * sizeof *c->order);
    *rank = aml_malloc(n * sizeof **rank);
    if (!c->order || !*rank) return false;
    for (size_t k = 0; k < n; k++) c->order[k] = (uint32_t)k;
    if (aml_sort(c->order, n, sizeof *c->order, by_count, c->dict.levels)) return false;
    for (size_t k = 0; k < n; k++) (*rank)[c->order[k]] = (uint32_t)k;
    return true;
}

/* Codes are written over the references: each is read before its place is reached. */
static void to_codes(csv_column *c, const char *text, size_t n, const uint32_t *rank) {
    char *out = (char *)c->ref;
    for (size_t i = 0; i < n; i++) {
        size_t size;
        const char *s = cell(&size, c, text, i);
        int32_t code = -1;
        if (aml_is_missing_text(s, size)) {
            c->n_missing++;
        } else {
            int64_t level = csv_dict_find(&c->dict, s, size);
            code = level < 0 ? -2 : rank ? (int32_t)rank[level] : (int32_t)level;
            c->n_unseen += level < 0;
        }
        memcpy(out + i * sizeof code, &code, sizeof code);
    }
}

static bool to_category(csv_column *c, const char *text, size_t n) {
    uint32_t *rank = NULL;
    bool good = (c->dict.n || build_dict(c, text, n)) && sort_levels(c, &rank);
    if (good) to_codes(c, text, n, rank);
    aml_free(rank);
    return good;
}

static bool to_known_category(csv_column *c, const char *text, size_t n) {
    for (uint32_t k = 0; k < c->schema->n_levels; k++) {
        const char *level = c->schema->levels[k];
        if (csv_dict_add(&c->dict, level, strlen(level)) != (int64_t)k) return false;
    }
    to_codes(c, text, n, NULL);
    return true;
}

/* ---- the kind */

/* The rule is stated in csv.h. */
static aml_kind kind_of_words(const csv_column *c, const census *t, size_t n) {
    double full = (double)(n - t->missing), distinct = (double)c->dict.n;
    double length = (double)t->bytes / full, words = 1 + (double)t->blanks / full;
    if (full < 20) return AML_CATEGORY;
    if (words >= 3 && distinct >= 0.3 * full) return AML_TEXT;
    if (words >= 6 && distinct >= 0.05 * full && distinct >= 50) return AML_TEXT;
    if (length > 64 && distinct >= 0.3 * full) return AML_TEXT;
    if (full >= 50 && distinct > 0.95 * full && words < 1.5) return AML_IDENTIFIER;
    return AML_CATEGORY;
}

static csv_verdict judge_bad_numbers(const census *t, size_t full) {
    if (t->numbers + t->infinite == full) return t->bad;
    if (t->thousands && t->numbers + t->infinite + t->thousands == full) return CSV_THOUSANDS_CELL;
    return full >= 100 && (t->numbers + t->infinite) * 100 >= full * 99 ? t->bad : CSV_GOOD;
}

static void infer(csv_column *c, const char *text, size_t n, char decimal) {
    census t;
    take_census(&t, c, text, n, decimal);
    size_t full = n - t.missing - (t.numbers ? t.soft : 0);
    note_bad(c, t.first_bad);
    c->n_bad = full - t.numbers + t.overflow;
    if (full == 0 || t.numbers - t.overflow == full) {
        c->kind = AML_NUMBER;
        to_numbers(c, text, n, decimal);
        return;
    }
    if (t.numbers + t.infinite + t.thousands) c->verdict = judge_bad_numbers(&t, full);
    if (c->verdict) return;
    c->mostly_numbers = t.numbers * 2 > full;
    c->n_bad = 0;
    if (t.numbers == 0 && are_dates(c, &t, text, n)) {
        c->kind = AML_DATETIME;
        to_dates(c, text, n, false);
        return;
    }
    if (!build_dict(c, text, n)) {
        c->verdict = CSV_SHORT_OF_MEMORY;
        return;
    }
    c->kind = kind_of_words(c, &t, n);
    if (c->kind != AML_CATEGORY) to_text(c, text, n);
    else if (!to_category(c, text, n)) c->verdict = CSV_SHORT_OF_MEMORY;
}

static void read_dates(csv_column *c, const char *text, size_t n) {
    dates d;
    if (c->schema) c->day_first = c->schema->day_first;
    else c->day_first = find_day_first(c, &d, text, n, true);
    to_dates(c, text, n, true);
}

static void read_numbers(csv_column *c, const char *text, size_t n, char decimal) {
    census t;
    take_census(&t, c, text, n, decimal);
    note_bad(c, t.first_bad);
    c->n_bad = n - t.missing - t.soft - t.numbers + t.overflow;
    if (t.first_bad != SIZE_MAX) c->verdict = t.bad;
    else to_numbers(c, text, n, decimal);
}

void csv_judge(csv_column *c, char *text, size_t n, char decimal) {
    bool good = true;
    for (size_t i = 0; i < n; i++) c->ref[i] = csv_unescape(text, c->ref[i]);
    c->verdict = CSV_GOOD;
    switch (c->kind) {
    case AML_NUMBER: read_numbers(c, text, n, decimal); break;
    case AML_DATETIME: read_dates(c, text, n); break;
    case AML_TEXT:
    case AML_IDENTIFIER: to_text(c, text, n); break;
    case AML_CATEGORY: good = c->schema ? to_known_category(c, text, n) : to_category(c, text, n); break;
    default: infer(c, text, n, decimal);
    }
    if (!good) c->verdict = CSV_SHORT_OF_MEMORY;
}

void csv_column_free(csv_column *c) {
    csv_dict_free(&c->dict);
    aml_free(c->order);
    c->order = NULL;
}

/* ---- into the frame */

static aml_status finish_category(aml_column *out, const csv_column *c, size_t n, aml_arena *keep) {
    size_t n_levels = c->dict.n;
    const char **levels = AML_ARRAY(keep, n_levels, const char *);
    out->code = aml_copy(keep, c->ref, n * sizeof *out->code);
    if (!levels || !out->code) return AML_ENOMEM;
    for (size_t k = 0; k < n_levels; k++) {
        const csv_level *l = &c->dict.levels[c->order ? c->order[k] : k];
        levels[k] = aml_strndup(keep, l->text, l->size);
        if (!levels[k]) return AML_ENOMEM;
    }
    out->levels = levels;
    out->n_levels = (uint32_t)n_levels;
    return AML_OK;
}

static aml_status finish_text(aml_column *out, const csv_column *c, const char *text, size_t n, aml_arena *keep) {
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
    *out = (aml_column){.name = c->name, .kind = c->kind, .n_missing = c->n_missing, .n_unseen = c->n_unseen,
                        .integer = c->kind == AML_NUMBER && c->integer,
                        .day_first = c->kind == AML_DATETIME && c->day_first};
    if (c->kind == AML_CATEGORY) return finish_category(out, c, n, keep);
    if (c->kind == AML_TEXT || c->kind == AML_IDENTIFIER) return finish_text(out, c, text, n, keep);
    out->number = c->ref ? aml_copy(keep, c->number, n * sizeof *out->number) : c->number;
    return out->number ? AML_OK : AML_ENOMEM;
}
