/* csv_decimal.c: point or comma, by the numbers that can be read with one of them only. */
#include <string.h>

#include "automl/core/csv_internal.h"

typedef struct votes {
    size_t comma, point; /* numbers that are some with this decimal sign only */
    size_t either;       /* with a comma, and numbers both ways: 1,234 */
    size_t points;       /* with a point, and numbers both ways: 1.234 */
    size_t plain;        /* whole numbers of up to three digits */
    size_t other;
} votes;

static bool reads(csv_cell c, const csv_dialect *d, char decimal) {
    csv_dialect with = *d;
    csv_amount a;
    double x;
    with.decimal = decimal;
    return csv_number(&x, c.text, c.size, decimal) || csv_amount_parse(&a, c.text, c.size, &with);
}

static void weigh_cell(votes *v, csv_cell c, const csv_dialect *d) {
    double x;
    bool has_comma = memchr(c.text, ',', c.size) != NULL;
    if (aml_is_missing_text(c.text, c.size)) return;
    if (!has_comma && !memchr(c.text, '.', c.size)) {
        bool number = csv_number(&x, c.text, c.size, '.');
        v->plain += number && c.size <= 3;
        v->other += !number;
        return;
    }
    bool comma = reads(c, d, ','), point = reads(c, d, '.');
    if (!comma && !point) v->other++;
    else if (!comma) v->point++;
    else if (!point) v->comma++;
    else if (has_comma) v->either++;
    else v->points++;
}

/* Between commas as separators there are quoted lists, too: a column counts if it is all numbers. Whole numbers below
 * 1,000 beside 1,234 show groups of thousands. */
static void weigh_column(votes *all, const csv_sample *s, size_t column, const csv_dialect *d) {
    votes v = {0};
    for (size_t i = 1; i < s->n_rows; i++) weigh_cell(&v, csv_sample_cell(s, i, column), d);
    if (d->separator == ',' && v.other) return;
    all->comma += v.comma;
    all->point += v.point;
    all->points += v.points;
    if (v.plain && v.either && !v.comma && !v.point) all->point += v.either;
    else all->either += v.either;
}

char csv_find_decimal(const csv_sample *s, const csv_dialect *d) {
    votes v = {0};
    for (size_t j = 0; j < s->width; j++) weigh_column(&v, s, j, d);
    if (d->separator == ',' && v.point) return '.';
    if (v.comma != v.point) return v.comma > v.point ? ',' : '.';
    return v.either > v.points && d->separator != ',' ? ',' : '.';
}
