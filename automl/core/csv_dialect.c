/* csv_dialect.c: separator, decimal sign and header, judged from the first records. */
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

/* The share of records that have the most frequent number of fields (two or more), a little less where the
 * first record has another number. */
static double consistency(size_t *mode, const char *text, size_t length, const csv_dialect *d) {
    size_t counts[RECORDS], n = sample_counts(counts, text, length, d), best = 0;
    *mode = 0;
    for (size_t i = 0; i < n; i++) {
        size_t same = 0;
        for (size_t k = 0; k < n; k++) same += counts[k] == counts[i];
        if (counts[i] < 2 || same <= best) continue;
        best = same;
        *mode = counts[i];
    }
    if (best == 0) return 0;
    return (double)best / (double)n * (counts[0] == *mode ? 1 : 0.8);
}

char csv_find_separator(const char *text, size_t length, char quote) {
    static const char candidates[4] = {',', ';', '\t', '|'};
    char best = ',';
    double best_score = 0;
    size_t best_mode = 0;
    for (size_t i = 0; i < sizeof candidates; i++) {
        size_t mode;
        double score = consistency(&mode, text, length, &(csv_dialect){candidates[i], quote, '.'});
        if (score < best_score || (score <= best_score && mode <= best_mode)) continue;
        best_score = score;
        best_mode = mode;
        best = candidates[i];
    }
    return best;
}

/* ---- decimal sign */

char csv_find_decimal(const csv_sample *s, char separator) {
    size_t commas = 0, points = 0, unit_size;
    const char *unit;
    double x;
    if (separator == ',') return '.';
    for (size_t i = 0; i < s->n_rows * s->width; i++) {
        const char *text = s->cells[i].text;
        size_t size = s->cells[i].size;
        if (memchr(text, ',', size)) {
            if (csv_number(&x, text, size, ',')) commas++;
            else if (csv_amount(&x, &unit, &unit_size, text, size, ',')) commas++;
            else points += csv_amount(&x, &unit, &unit_size, text, size, '.');
        } else if (memchr(text, '.', size)) {
            points += csv_number(&x, text, size, '.');
        }
    }
    return commas > points ? ',' : '.';
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

static void look_below(below *b, const csv_cell *cells, size_t n, size_t width, char decimal) {
    double t;
    *b = (below){0};
    for (size_t r = 1; r < n && r <= COMPARED_ROWS; r++) {
        csv_cell cell = cells[r * width];
        cell_class class = classify(cell, decimal);
        b->numbers += class == NUMBER;
        b->years += class == NUMBER && is_year(cell);
        if (class != WORD) continue;
        b->words++;
        b->repeated += same_text(cell, cells[0]);
        b->dates += csv_datetime(&t, cell.text, cell.size, true, false) != CSV_NO_DATE;
    }
}

static void weigh_column(evidence *e, const csv_cell *cells, size_t n, size_t width, char decimal) {
    below b;
    double t;
    int64_t whole;
    const char *first = cells[0].text;
    size_t size = cells[0].size;
    look_below(&b, cells, n, width, decimal);
    bool dates = b.dates && b.dates == b.words && b.numbers == 0;
    bool numbers = b.numbers > 0 && b.words * 20 <= b.numbers;
    switch (classify(cells[0], decimal)) {
    case NOTHING: break;
    case NUMBER:
        e->numbers++;
        e->broken += !aml_parse_int64(&whole, first, size);
        e->years += is_year(cells[0]) && numbers && b.years == 0;
        e->fits += numbers && b.words == 0;
        break;
    case WORD:
        e->repeated += b.repeated && !numbers;
        if (csv_datetime(&t, first, size, true, false)) e->fits += dates;
        else e->breaks += dates || numbers;
    }
}

/* 0, 1, 2, … as tables without names are often written. */
static bool counts_up(const csv_cell *cells, size_t width) {
    for (size_t j = 0; j < width; j++) {
        int64_t k;
        if (!aml_parse_int64(&k, cells[j].text, cells[j].size)) return false;
        if (k != (int64_t)j) return false;
    }
    return width >= 4;
}

static bool all_different(const csv_cell *cells, size_t width) {
    csv_dict seen = {0};
    bool different = true;
    for (size_t j = 0; j < width && different; j++) {
        if (cells[j].size == 0) continue;
        int64_t before = (int64_t)seen.n;
        different = csv_dict_add_text(&seen, cells[j].text, cells[j].size) == before;
    }
    csv_dict_free(&seen);
    return different;
}

bool csv_find_header(const csv_sample *s, char decimal) {
    evidence e = {0};
    size_t n = s->n_rows, width = s->width;
    if (counts_up(s->cells, width)) return true;
    for (size_t j = 0; j < width; j++) weigh_column(&e, s->cells + j, n, width, decimal);
    if (e.repeated && (e.numbers || e.breaks <= e.fits)) return false;
    if (e.numbers == 0) return e.breaks >= e.fits || n < 2;
    /* Numbers are names where they are years, or where a word stands above numbers. */
    bool names = (e.years > 1 && e.years == e.numbers) || e.breaks > 0;
    return names && e.broken == 0 && all_different(s->cells, width);
}
