/* csv_kinds.c: the kind of a column, from its distinct texts. */
#include <math.h>
#include <string.h>

#include "automl/core/csv_columns.h"

/* What the cells of a column are. `soft` cells are missing only in a column of numbers. */
typedef struct census {
    size_t missing, numbers, infinite, overflow, thousands, soft;
    size_t bytes, blanks; /* of cells that are not missing */
    size_t levels;        /* distinct texts that are not missing */
    size_t first_bad;     /* first row that is neither number nor missing, or SIZE_MAX */
    csv_verdict bad;      /* what it is */
} census;

static csv_verdict classify(census *t, const csv_level *l, char decimal, csv_column *c) {
    double x;
    if (csv_number(&x, l->text, l->size, decimal)) {
        t->numbers += l->count;
        if (csv_long_integer(l->text, l->size, x)) c->long_integer = true;
        if (isfinite(x)) return CSV_GOOD;
        t->overflow += l->count;
        return CSV_OVERFLOW_CELL;
    }
    if (csv_infinite(l->text, l->size)) {
        t->infinite += l->count;
        return CSV_INFINITE_CELL;
    }
    if (csv_missing_number(l->text, l->size)) {
        t->soft += l->count;
        return CSV_GOOD;
    }
    if (!csv_thousands(l->text, l->size)) return CSV_STRAY_TEXT;
    t->thousands += l->count;
    return CSV_THOUSANDS_CELL;
}

/* Levels come in the order of their first rows. */
static void take_census(census *t, csv_column *c, char decimal) {
    *t = (census){.first_bad = SIZE_MAX};
    for (size_t k = 0; k < c->dict.n; k++) {
        const csv_level *l = &c->dict.levels[k];
        if (aml_is_missing_text(l->text, l->size)) {
            t->missing += l->count;
            continue;
        }
        size_t blanks = 0;
        for (size_t i = 0; i < l->size; i++) blanks += l->text[i] == ' ';
        t->levels++;
        t->bytes += l->size * l->count;
        t->blanks += blanks * l->count;
        csv_verdict v = classify(t, l, decimal, c);
        if (v == CSV_GOOD || t->first_bad != SIZE_MAX) continue;
        t->first_bad = l->row;
        t->bad = v;
    }
}

/* ---- dates */

typedef struct dates {
    size_t forms[CSV_COMPACT + 1], parsed;
} dates;

static void count_dates(dates *d, const csv_column *c, bool day_first, bool compact) {
    *d = (dates){0};
    for (size_t k = 0; k < c->dict.n; k++) {
        double t;
        const csv_level *l = &c->dict.levels[k];
        csv_date_form form = csv_datetime(&t, l->text, l->size, day_first, compact);
        if (form == CSV_NO_DATE) continue;
        d->forms[form] += l->count;
        d->parsed += l->count;
    }
}

/* Month first unless more cells are dates the other way round, or the separator is a point. */
static bool find_day_first(csv_column *c, dates *best, bool compact) {
    dates day;
    bool points = false;
    count_dates(best, c, false, compact);
    count_dates(&day, c, true, compact);
    if (best->forms[CSV_SLASHED] + day.forms[CSV_SLASHED] == 0) return false;
    for (size_t k = 0; k < c->dict.n && !points; k++) {
        const csv_level *l = &c->dict.levels[k];
        points = memchr(l->text, '.', l->size < 3 ? l->size : 3) != NULL;
    }
    c->ambiguous_date = day.parsed == best->parsed;
    if (c->ambiguous_date ? !points : day.parsed < best->parsed) return false;
    *best = day;
    return true;
}

/* A look at the first texts says no for nearly every column that holds no dates. */
static bool looks_like_dates(const csv_column *c) {
    size_t seen = 0, good = 0;
    for (size_t k = 0; k < c->dict.n && seen < 50; k++) {
        double t;
        const csv_level *l = &c->dict.levels[k];
        if (aml_is_missing_text(l->text, l->size)) continue;
        seen++;
        good += csv_datetime(&t, l->text, l->size, false, false) ||
                csv_datetime(&t, l->text, l->size, true, false);
    }
    return good * 10 > seen * 8;
}

static bool are_dates(csv_column *c, size_t full) {
    dates d;
    size_t most = 0;
    if (!looks_like_dates(c)) return false;
    c->day_first = find_day_first(c, &d, false);
    for (int form = CSV_YMD; form <= CSV_COMPACT; form++)
        if (d.forms[form] > most) most = d.forms[form];
    return most * 100 >= full * 99;
}

/* ---- the kind */

/* The rule is stated in csv.h. */
static aml_kind kind_of_words(const census *t, size_t n) {
    double full = (double)(n - t->missing), distinct = (double)t->levels;
    double length = (double)t->bytes / full, words = 1 + (double)t->blanks / full;
    if (full < 20) return AML_CATEGORY;
    if (distinct >= 0.3 * full && (words >= 3 || length > 64)) return AML_TEXT;
    if (distinct >= 0.05 * full && distinct >= 50 && words >= 6) return AML_TEXT;
    if (distinct > 0.95 * full && full >= 50 && words < 1.5) return AML_IDENTIFIER;
    return AML_CATEGORY;
}

static csv_verdict judge_bad_numbers(const census *t, size_t full) {
    if (t->numbers + t->infinite == full) return t->bad;
    if (t->thousands && t->numbers + t->infinite + t->thousands == full) return CSV_THOUSANDS_CELL;
    return full >= 100 && (t->numbers + t->infinite) * 100 >= full * 99 ? t->bad : CSV_GOOD;
}

static void infer(csv_column *c, size_t n, char decimal) {
    census t;
    take_census(&t, c, decimal);
    size_t full = n - t.missing - (t.numbers ? t.soft : 0);
    c->kind = AML_NUMBER;
    if (full == 0 || t.numbers - t.overflow == full) return;
    if (t.numbers + t.infinite + t.thousands) c->verdict = judge_bad_numbers(&t, full);
    csv_note_bad(c, t.first_bad, full - t.numbers + t.overflow);
    if (c->verdict) return;
    c->n_bad = 0;
    c->mostly_numbers = t.numbers * 2 > full;
    c->kind = t.numbers == 0 && are_dates(c, full) ? AML_DATETIME : kind_of_words(&t, n);
}

static void check_numbers(csv_column *c, size_t n, char decimal) {
    census t;
    take_census(&t, c, decimal);
    if (t.first_bad == SIZE_MAX) return;
    csv_note_bad(c, t.first_bad, n - t.missing - t.soft - t.numbers + t.overflow);
    c->verdict = t.bad;
}

void csv_judge(csv_column *c, char *text, size_t n, char decimal) {
    dates d;
    bool distinct = c->kind != AML_TEXT && c->kind != AML_IDENTIFIER;
    c->date_compact = c->kind == AML_DATETIME;
    c->verdict = CSV_GOOD;
    for (size_t i = 0; i < n; i++) c->ref[i] = csv_unescape(text, c->ref[i]);
    if (c->kind == AML_CATEGORY && c->schema) {
        csv_to_known_category(c, text, n);
        return;
    }
    if (distinct && !csv_find_levels(c, text, n)) {
        c->verdict = CSV_SHORT_OF_MEMORY;
        return;
    }
    if (c->kind == 0) infer(c, n, decimal);
    else if (c->kind == AML_NUMBER) check_numbers(c, n, decimal);
    else if (c->kind == AML_DATETIME)
        c->day_first = c->schema ? c->schema->day_first : find_day_first(c, &d, true);
    if (c->verdict == CSV_GOOD) csv_convert(c, text, n, decimal);
}
