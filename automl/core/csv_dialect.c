/* csv_dialect.c: separator, escape and header, judged from the first records. */
#include <string.h>

#include "automl/core/csv_internal.h"

enum { RECORDS = 200, SAMPLE = 1 << 19, COMPARED_ROWS = 200 };

/* ---- separator */

static size_t sample_counts(size_t counts[RECORDS], const char *text, size_t length,
                            const csv_dialect *d) {
    size_t n = 0, at = 0;
    while (n < RECORDS && at < length && at < SAMPLE) {
        size_t end, fields = csv_count_fields(&end, text, length, at, d);
        if (end > at) counts[n++] = fields;
        at = end + 1;
    }
    return n;
}

/* The share of records that have the most frequent number of fields (two or more). Lines before the first such record
 * may be titles, which tells a little against it. */
static double consistency(size_t *mode, const char *text, size_t length, const csv_dialect *d) {
    enum { TITLES = 30 };
    size_t counts[RECORDS], n = sample_counts(counts, text, length, d), best = 0, before = 0;
    *mode = 0;
    for (size_t i = 0; i < n; i++) {
        size_t same = 0;
        for (size_t k = 0; k < n; k++) same += counts[k] == counts[i];
        if (counts[i] < 2 || same <= best) continue;
        best = same;
        *mode = counts[i];
    }
    if (best == 0) return 0;
    while (counts[before] != *mode) before++;
    bool titles = before && before <= TITLES && best > 2 && best > before;
    return (double)best / (double)(titles ? n - before : n) * (before ? 0.8 : 1);
}

/* One column, some of whose cells are quoted for the sake of this separator. */
static bool guards_one_column(const char *text, size_t length, const csv_dialect *d) {
    size_t counts[RECORDS], n = sample_counts(counts, text, length, d);
    for (size_t i = 0; i < n; i++)
        if (counts[i] != 1) return false;
    return memchr(text, d->separator, length < SAMPLE ? length : SAMPLE) != NULL;
}

char csv_find_separator(const char *text, size_t length, char quote, char escape) {
    static const char candidates[4] = {',', ';', '\t', '|'};
    static const double doubtful = 0.5; /* of the records agree */
    char best = ',';
    double best_score = 0;
    size_t best_mode = 0;
    for (size_t i = 0; i < sizeof candidates; i++) {
        size_t mode;
        csv_dialect d = {.separator = candidates[i], .quote = quote, .escape = escape};
        double score = consistency(&mode, text, length, &d);
        if (score < best_score || (score <= best_score && mode <= best_mode)) continue;
        best_score = score;
        best_mode = mode;
        best = candidates[i];
    }
    for (size_t i = 0; i < sizeof candidates && best_score < doubtful; i++) {
        csv_dialect d = {.separator = candidates[i], .quote = quote, .escape = escape};
        if (guards_one_column(text, length, &d)) return candidates[i];
    }
    return best;
}

char csv_named_separator(const char *text, size_t length) {
    size_t i = length && text[0] == '"';
    if (length < i + 6 || memcmp(text + i, "sep=", 4) != 0) return 0;
    const char *behind = text + i + 5;
    if (i && *behind++ != '"') return 0;
    return behind < text + length && (*behind == '\n' || *behind == '\r') ? text[i + 4] : 0;
}

/* ---- escape */

/* Quotes that close before other text than blanks, or not at all. */
static size_t count_odd_quotes(const char *text, size_t length, const csv_dialect *d) {
    size_t odd = 0;
    for (size_t at = 0; at < length && at < SAMPLE; at++) {
        if (text[at] == d->quote) {
            size_t i = csv_closing_quote(text, length, at, d);
            if (i == SIZE_MAX) return odd + 1;
            for (i++; i < length && text[i] == ' '; i++) {}
            odd += i < length && text[i] != d->separator && text[i] != '\n' && text[i] != '\r';
        }
        at = csv_field_end(text, length, at, d);
    }
    return odd;
}

char csv_find_escape(const char *text, size_t length, const csv_dialect *d) {
    csv_dialect with = *d;
    const char *at = text, *end = text + length;
    with.escape = '\\';
    while (at < end && (at = memchr(at, '\\', (size_t)(end - at))) && at + 1 < end &&
           at[1] != d->quote)
        at++;
    if (!d->quote || !at || at + 1 >= end) return 0;
    return count_odd_quotes(text, length, d) && !count_odd_quotes(text, length, &with) ? '\\' : 0;
}

/* ---- header */

typedef enum cell_class { NOTHING, NUMBER, WORD } cell_class;

static cell_class classify(csv_cell c, char decimal) {
    double x;
    if (aml_is_missing_text(c.text, c.size)) return NOTHING;
    return csv_number(&x, c.text, c.size, decimal) || csv_infinite(c.text, c.size) ? NUMBER : WORD;
}

static bool same_text(csv_cell a, csv_cell b) {
    return a.size == b.size && !memcmp(a.text, b.text, a.size);
}

/* What the first row holds, against the rows below. */
typedef struct evidence {
    size_t numbers;  /* numbers in the first row */
    size_t broken;   /* of these, not whole */
    size_t years;    /* of these, 1800 to 2100 above other numbers */
    size_t breaks;   /* words above columns of numbers or dates */
    size_t fits;     /* numbers or dates above columns of the same */
    size_t repeated; /* words that come again below in their column of words */
} evidence;

static bool is_year(csv_cell c) {
    int64_t year;
    return aml_parse_int64(&year, c.text, c.size) && year >= 1800 && year <= 2100;
}

/* A column below the first row. */
typedef struct below {
    size_t numbers, years, words, dates, repeated;
} below;

static void look_below(below *b, const csv_sample *s, size_t column, char decimal) {
    double t;
    csv_cell first = csv_sample_cell(s, 0, column);
    *b = (below){0};
    for (size_t r = 1; r < s->n_rows && r <= COMPARED_ROWS; r++) {
        csv_cell cell = csv_sample_cell(s, r, column);
        cell_class class = classify(cell, decimal);
        b->numbers += class == NUMBER;
        b->years += class == NUMBER && is_year(cell);
        if (class != WORD) continue;
        b->words++;
        b->repeated += same_text(cell, first);
        b->dates += csv_datetime(&t, cell.text, cell.size, true, false) != CSV_NO_DATE;
    }
}

static void weigh_column(evidence *e, const csv_sample *s, size_t column, char decimal) {
    below b;
    double t;
    int64_t whole;
    csv_cell first = csv_sample_cell(s, 0, column);
    look_below(&b, s, column, decimal);
    bool dates = b.dates && b.dates == b.words && b.numbers == 0;
    bool numbers = b.numbers > 0 && b.words * 20 <= b.numbers;
    switch (classify(first, decimal)) {
    case NOTHING: break;
    case NUMBER:
        e->numbers++;
        e->broken += !aml_parse_int64(&whole, first.text, first.size);
        e->years += is_year(first) && numbers && b.years == 0;
        e->fits += numbers && b.words == 0;
        break;
    case WORD:
        e->repeated += b.repeated && !numbers;
        if (csv_datetime(&t, first.text, first.size, true, false)) e->fits += dates;
        else e->breaks += dates || numbers;
    }
}

/* 0, 1, 2, … as tables without names are often written. */
static bool counts_up(const csv_sample *s) {
    for (size_t j = 0; j < s->width; j++) {
        csv_cell cell = csv_sample_cell(s, 0, j);
        int64_t k;
        if (!aml_parse_int64(&k, cell.text, cell.size) || k != (int64_t)j) return false;
    }
    return s->width >= 4;
}

static bool all_different(const csv_sample *s) {
    csv_dict seen = {0};
    bool different = true;
    for (size_t j = 0; j < s->width && different; j++) {
        csv_cell cell = csv_sample_cell(s, 0, j);
        if (cell.size == 0) continue;
        int64_t before = (int64_t)seen.n;
        different = csv_dict_add_text(&seen, cell.text, cell.size) == before;
    }
    csv_dict_free(&seen);
    return different;
}

bool csv_find_header(const csv_sample *s, char decimal) {
    evidence e = {0};
    if (counts_up(s)) return true;
    for (size_t j = 0; j < s->width; j++) weigh_column(&e, s, j, decimal);
    if (e.repeated && (e.numbers || e.breaks <= e.fits)) return false;
    if (e.numbers == 0) return e.breaks >= e.fits || s->n_rows < 2;
    /* Numbers are names where they are years, or where a word stands above numbers. */
    bool names = (e.years > 1 && e.years == e.numbers) || e.breaks > 0;
    return names && e.broken == 0 && all_different(s);
}
