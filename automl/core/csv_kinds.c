/* csv_kinds.c: the kind of a column, from its distinct texts. */
#include <math.h>
#include <string.h>

#include "automl/core/csv_columns.h"
#include "automl/core/par.h"

enum { CELLS = 1 << 15 }; /* of a plain column looked at by a thread */

/* What the cells of a column are. `soft` cells are missing only in a column of numbers. */
typedef struct census {
    size_t missing, numbers, infinite, overflow, thousands, soft;
    size_t bytes, blanks; /* of cells that are not missing */
    size_t levels;        /* distinct texts that are not missing; cells where the column is plain */
    size_t first_bad;     /* first row that is neither number nor missing, or SIZE_MAX */
    csv_verdict bad;      /* what it is */
    csv_column *column;
    const csv_dialect *d;
} census;

static csv_verdict classify(census *t, const csv_level *l) {
    double x;
    if (csv_number(&x, l->text, l->size, t->d->decimal)) {
        t->numbers += l->count;
        if (csv_long_integer(l->text, l->size, x)) t->column->long_integer = true;
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
    if (t->d->thousands == '\1' || !csv_thousands(l->text, l->size)) return CSV_STRAY_TEXT;
    t->thousands += l->count;
    return CSV_THOUSANDS_CELL;
}

static bool take_item(void *arg, const csv_level *l) {
    census *t = arg;
    size_t blanks = 0;
    if (aml_is_missing_text(l->text, l->size)) {
        t->missing += l->count;
        return true;
    }
    for (size_t i = 0; i < l->size; i++) blanks += l->text[i] == ' ';
    t->levels++;
    t->bytes += l->size * l->count;
    t->blanks += blanks * l->count;
    csv_verdict v = classify(t, l);
    if (v == CSV_GOOD || l->row >= t->first_bad) return true;
    t->first_bad = l->row;
    t->bad = v;
    return true;
}

static void take_cells(void *arg, size_t block, size_t begin, size_t end, int thread) {
    census *t = (census *)arg + block;
    (void)thread;
    csv_each_cell(t->column, begin, end, take_item, t);
}

static void add_census(census *t, const census *part) {
    size_t *const to[] = {&t->missing, &t->numbers, &t->infinite, &t->overflow, &t->thousands,
                          &t->soft,    &t->bytes,   &t->blanks,   &t->levels};
    const size_t from[] = {part->missing,  part->numbers,   part->infinite,
                           part->overflow, part->thousands, part->soft,
                           part->bytes,    part->blanks,    part->levels};
    for (size_t i = 0; i < sizeof from / sizeof *from; i++) *to[i] += from[i];
    if (part->first_bad >= t->first_bad) return;
    t->first_bad = part->first_bad;
    t->bad = part->bad;
}

static void take_census(census *t, csv_column *c, size_t n, const csv_dialect *d, int n_threads) {
    size_t n_parts = (n + CELLS - 1) / CELLS;
    *t = (census){.first_bad = SIZE_MAX, .column = c, .d = d};
    census *part = c->plain && n_threads > 1 ? aml_malloc((n_parts + 1) * sizeof *part) : NULL;
    for (size_t i = 0; part && i < n_parts; i++) part[i] = *t;
    if (part) aml_par_for(n_threads, n, CELLS, take_cells, part);
    else csv_each(c, n, take_item, t);
    for (size_t i = 0; part && i < n_parts; i++) add_census(t, &part[i]);
    aml_free(part);
    c->texts->complete = t->missing == 0;
}

/* ---- dates */

typedef struct dates {
    size_t forms[CSV_COMPACT + 1], parsed;
    bool day_first, compact;
    bool points; /* between day, month and year */
    size_t bad, most_bad;
} dates;

static bool count_date(void *arg, const csv_level *l) {
    dates *d = arg;
    double t;
    csv_date_form form = csv_datetime(&t, l->text, l->size, d->day_first, d->compact);
    d->points |= memchr(l->text, '.', l->size < 3 ? l->size : 3) != NULL;
    if (form == CSV_NO_DATE) return true;
    d->forms[form] += l->count;
    d->parsed += l->count;
    return true;
}

/* Month first unless more cells are dates the other way round, or the separator is a point. */
static bool find_day_first(csv_column *c, size_t n, dates *best, bool compact) {
    dates day = {.day_first = true, .compact = compact};
    *best = (dates){.compact = compact};
    csv_each(c, n, count_date, best);
    if (best->parsed && best->forms[CSV_SLASHED] == 0 && best->forms[CSV_YMD] == best->parsed)
        return false;
    csv_each(c, n, count_date, &day);
    if (best->forms[CSV_SLASHED] + day.forms[CSV_SLASHED] == 0) return false;
    c->ambiguous_date = day.parsed == best->parsed;
    if (c->ambiguous_date ? !best->points : day.parsed < best->parsed) return false;
    *best = day;
    return true;
}

static bool count_no_date(void *arg, const csv_level *l) {
    dates *d = arg;
    double t;
    if (aml_is_missing_text(l->text, l->size)) return true;
    if (!csv_datetime(&t, l->text, l->size, false, false) &&
        !csv_datetime(&t, l->text, l->size, true, false))
        d->bad += l->count;
    return d->bad <= d->most_bad;
}

static bool count_no_clock(void *arg, const csv_level *l) {
    dates *d = arg;
    double t;
    bool missing = aml_is_missing_text(l->text, l->size), clock = csv_clock(&t, l->text, l->size);
    if (!missing && !clock) d->bad += l->count;
    d->parsed += clock ? l->count : 0;
    return d->bad <= d->most_bad;
}

/* Times of day, 99 % of the cells or more. */
static bool are_clocks(csv_column *c, size_t n, size_t full) {
    dates d = {.most_bad = full / 100};
    csv_each(c, n, count_no_clock, &d);
    return c->clock = d.bad <= d.most_bad && d.parsed;
}

static bool are_dates(csv_column *c, size_t n, size_t full) {
    dates d = {.most_bad = full / 100};
    size_t most = 0;
    csv_each(c, n, count_no_date, &d); /* says no to nearly every column after a few texts */
    if (d.bad > d.most_bad) return false;
    c->day_first = find_day_first(c, n, &d, false);
    for (int form = CSV_YMD; form <= CSV_COMPACT; form++)
        if (d.forms[form] > most) most = d.forms[form];
    return most * 100 >= full * 99;
}

/* ---- amounts */

typedef struct amounts {
    size_t numbers, amounts, other;
    size_t distinct;  /* amounts */
    csv_amount first; /* with a unit */
    bool mixed;       /* units differ */
    const csv_dialect *d;
} amounts;

static bool count_amount(void *arg, const csv_level *l) {
    amounts *a = arg;
    const csv_amount *first = &a->first;
    csv_amount x;
    if (aml_is_missing_text(l->text, l->size) || csv_missing_number(l->text, l->size)) return true;
    if (csv_number(&x.value, l->text, l->size, a->d->decimal) && isfinite(x.value)) {
        a->numbers += l->count;
        return true;
    }
    if (!csv_amount_parse(&x, l->text, l->size, a->d) || !isfinite(x.value)) {
        a->other += l->count;
        return false;
    }
    if (x.kind && !first->kind) a->first = x;
    a->mixed |= x.kind &&
                (x.unit_size != first->unit_size || memcmp(x.unit, first->unit, x.unit_size) != 0);
    a->amounts += l->count;
    a->distinct++;
    return !a->mixed;
}

/* Amounts in one unit, or plain numbers among them; a few amounts among numbers are a mistake, and "120 Any Street" alone tells
 * of no unit. */
static bool are_amounts(csv_column *c, size_t n, const csv_dialect *d, bool any) {
    amounts a = {.d = d};
    csv_each(c, n, count_amount, &a);
    if (a.other || a.mixed || !a.amounts) return false;
    if (!any && a.amounts * 10 < a.numbers + a.amounts && !d->thousands) return false;
    if (!any && a.first.kind == CSV_MEASURE && (a.amounts < a.numbers || a.distinct < 2))
        return false;
    c->amounts = true;
    c->texts->unit_kind = a.first.kind;
    if (a.first.unit && a.first.unit_size < sizeof c->texts->unit)
        memcpy(c->texts->unit, a.first.unit, a.first.unit_size);
    return true;
}

/* ---- the kind */

static bool add_missing(void *arg, const csv_level *l) {
    csv_dict *d = arg;
    if (aml_is_missing_text(l->text, l->size)) csv_dict_add_text(d, l->text, l->size);
    return true;
}

/* The rule is stated in csv.h. More distinct texts than this do not change it. */
static size_t most_that_matter(const census *t, double full, double words, double length) {
    if (full < 20) return 0;
    if (words >= 6) return (size_t)(0.05 * full) + 51;
    if (words >= 3 || length > 64) return (size_t)(0.3 * full) + 2;
    return words < 1.5 && full >= 50 ? t->levels : 0;
}

/* Distinct texts of a plain column that are not missing, up to `limit`. */
static size_t count_levels(const csv_column *c, const census *t, size_t n, size_t limit) {
    csv_dict missing = {.account = c->account};
    if (!c->plain || limit == 0) return t->levels < limit ? t->levels : limit;
    if (t->missing) csv_each(c, n, add_missing, &missing);
    size_t distinct =
        csv_count_distinct(c->texts->offset, c->texts->bytes, n, limit + missing.n, c->account);
    distinct -= distinct == SIZE_MAX ? 0 : missing.n;
    csv_dict_free(&missing);
    return distinct;
}

static aml_kind kind_of_words(csv_column *c, const census *t, size_t n) {
    double full = (double)(n - t->missing);
    double length = (double)t->bytes / full, words = 1 + (double)t->blanks / full;
    size_t levels = count_levels(c, t, n, most_that_matter(t, full, words, length));
    double distinct = (double)levels;
    if (levels == SIZE_MAX) return 0;
    if (full < 20) return AML_CATEGORY;
    if (t->levels >= 50 && !csv_find_lists(c, n)) return 0;
    if (c->list) return AML_TEXT;
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

static void infer(csv_column *c, size_t n, const csv_dialect *d, int n_threads) {
    census t;
    take_census(&t, c, n, d, n_threads);
    size_t full = n - t.missing - (t.numbers ? t.soft : 0);
    c->kind = AML_NUMBER;
    if (full == 0 || t.numbers - t.overflow == full) return;
    if (are_amounts(c, n, d, false)) return;
    if (t.numbers + t.infinite + t.thousands) c->verdict = judge_bad_numbers(&t, full);
    csv_note_bad(c, t.first_bad, full - t.numbers + t.overflow);
    if (c->verdict) return;
    c->texts->n_bad = 0;
    c->mostly_numbers = t.numbers * 2 > full;
    if (t.numbers == 0 && (are_dates(c, n, full) || are_clocks(c, n, full))) {
        c->kind = AML_DATETIME;
        return;
    }
    c->kind = kind_of_words(c, &t, n);
    if (!c->kind) c->verdict = CSV_SHORT_OF_MEMORY;
}

/* Plain numbers may come back as money, but not as percents or pounds. */
static bool is_other_unit(const csv_column *c) {
    if (!c->schema || !c->texts->unit[0]) return false;
    if (!c->schema->unit)
        return c->texts->unit_kind == CSV_PERCENT || c->texts->unit_kind == CSV_MEASURE;
    return strcmp(c->schema->unit, c->texts->unit) != 0;
}

static void check_numbers(csv_column *c, size_t n, const csv_dialect *d, int n_threads) {
    census t;
    take_census(&t, c, n, d, n_threads);
    if (t.first_bad == SIZE_MAX) return;
    if (are_amounts(c, n, d, true)) {
        if (is_other_unit(c)) c->verdict = CSV_OTHER_UNIT;
        if (c->verdict) csv_note_bad(c, t.first_bad, n - t.missing - t.soft - t.numbers);
        return;
    }
    csv_note_bad(c, t.first_bad, n - t.missing - t.soft - t.numbers + t.overflow);
    c->verdict = t.bad;
}

/* Day first or not, and dates or times of day, whichever more cells are. */
static void find_given_dates(csv_column *c, size_t n) {
    dates d, clocks = {.most_bad = n};
    c->day_first = find_day_first(c, n, &d, true);
    csv_each(c, n, count_no_clock, &clocks);
    c->clock = clocks.parsed > d.parsed;
    if (!c->schema) return;
    c->day_first = c->schema->day_first;
    c->ambiguous_date = false;
}

void csv_judge(csv_column *c, size_t n, const csv_dialect *dialect, int n_threads) {
    c->date_compact = c->kind == AML_DATETIME;
    if (c->kind == AML_CATEGORY && c->schema) { /* read by the schema's levels */
        c->texts->n_levels = c->schema->n_levels;
        return;
    }
    if (c->kind == 0) infer(c, n, dialect, n_threads);
    else if (c->kind == AML_NUMBER) check_numbers(c, n, dialect, n_threads);
    else if (c->kind == AML_DATETIME) find_given_dates(c, n);
    if (c->verdict == CSV_GOOD) csv_convert(c, n, dialect);
}
