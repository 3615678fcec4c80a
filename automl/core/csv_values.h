/* csv_values.h: what the text of one cell says: numbers, amounts, dates. */
#ifndef AML_CORE_CSV_VALUES_H
#define AML_CORE_CSV_VALUES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct csv_dialect {
    char separator, quote, decimal;
    char escape;    /* 0 = none */
    char thousands; /* 0 = of each column its own; '\1' = none */
} csv_dialect;

/* ---- csv_values.c: what one cell says */
bool csv_number(double *out, const char *s, size_t n,
                char decimal); /* true for an overflow, with ±inf */
bool csv_missing_number(const char *s,
                        size_t n); /* spellings of missing only in a column of numbers: - . None */
bool csv_infinite(const char *s, size_t n);               /* inf, Infinity, … */
bool csv_thousands(const char *s, size_t n);              /* 1,234 or 1,234,567.8 */
bool csv_long_integer(const char *s, size_t n, double x); /* digits that a double does not keep */

/* ---- csv_amount.c: numbers as people write them */
typedef enum csv_unit { CSV_NO_UNIT, CSV_MONEY, CSV_PERCENT, CSV_MEASURE } csv_unit;
typedef struct csv_amount {
    double value;
    csv_unit kind;
    const char *unit; /* "$", "%", "kg"; within the text */
    size_t unit_size;
} csv_amount;
/* A number with groups of thousands, a currency before or behind it, a percent sign or another unit behind it (letters and
 * the like, at most 15 bytes), k, M or B for thousands, millions, billions, or parentheses for a minus. False for
 * a plain number, too. */
bool csv_amount_parse(csv_amount *out, const char *s, size_t n, const csv_dialect *d);

/* ---- datetime.c */
typedef enum csv_date_form {
    CSV_NO_DATE,
    CSV_YMD,
    CSV_YM,
    CSV_SLASHED,
    CSV_NAMED,
    CSV_COMPACT
} csv_date_form;
/* As aml_parse_datetime, telling the form; CSV_NO_DATE when it is none. */
csv_date_form csv_datetime(double *seconds, const char *s, size_t n, bool day_first, bool compact);
/* A time of day alone, h:mm[:ss[.fraction]] [AM|PM], to seconds since midnight. */
bool csv_clock(double *seconds, const char *s, size_t n);

#endif
