/* csv_values.c: what the text of one cell says: a number, missing, or a number in a wrong form. */
#include <math.h>
#include <string.h>

#include "automl/core/csv_internal.h"

static bool is_digit(char c) { return (unsigned char)(c - '0') < 10; }

static bool one_of(const char *const *words, size_t count, const char *s, size_t n) {
    for (size_t i = 0; i < count; i++)
        if (words[i][0] == s[0] && strlen(words[i]) == n && !memcmp(words[i], s, n)) return true;
    return false;
}

bool aml_is_missing_text(const char *s, size_t n) {
    static const char *const words[] = {"NA",   "N/A",  "n/a", "NaN",  "nan",  "NAN",    "null",
                                        "NULL", "Null", "?",   "#N/A", "#NA",  "<NA>",   "#N/A N/A",
                                        "-nan", "-NaN", "NaT", "N.A.", "n.a.", "#NULL!", "\\N"};
    if (n == 0) return true;
    if (n > 8 || is_digit(*s)) return false;
    return one_of(words, sizeof words / sizeof *words, s, n);
}

bool csv_missing_number(const char *s, size_t n) {
    static const char *const words[] = {"-",  "--",      ".",       "..", "None",    "none",   "na",
                                        "Na", "#VALUE!", "#DIV/0!", "*",  "missing", "Missing"};
    return n && one_of(words, sizeof words / sizeof *words, s, n);
}

static bool decimal_comma(double *out, const char *s, size_t n) {
    char copy[64];
    if (n > sizeof copy) return false;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '.') return false;
        copy[i] = s[i] == ',' ? '.' : s[i];
    }
    return aml_parse_double(out, copy, n);
}

bool csv_number(double *out, const char *s, size_t n, char decimal) {
    return decimal == ',' ? decimal_comma(out, s, n) : aml_parse_double(out, s, n);
}

bool csv_infinite(const char *s, size_t n) {
    static const char *const words[] = {"inf",      "Inf",      "INF",    "infinity",
                                        "Infinity", "INFINITY", "1.#INF", "∞"};
    if (n && (*s == '+' || *s == '-')) s++, n--;
    return n && one_of(words, sizeof words / sizeof *words, s, n);
}

bool csv_thousands(const char *s, size_t n) {
    size_t i = n && (*s == '-' || *s == '+') ? 1 : 0, groups = 0, first = i;
    while (i < n && is_digit(s[i])) i++;
    if (i == first || i - first > 3 || s[first] == '0') return false;
    for (;
         i + 3 < n && s[i] == ',' && is_digit(s[i + 1]) && is_digit(s[i + 2]) && is_digit(s[i + 3]);
         i += 4)
        groups++;
    if (groups && i < n && s[i] == '.')
        for (i++; i < n && is_digit(s[i]); i++) {}
    return groups && i == n;
}

bool csv_long_integer(const char *s, size_t n, double x) {
    if (n < 16 || fabs(x) < 0x1p53 || fabs(x) >= 0x1p63) return false;
    int64_t whole;
    return aml_parse_int64(&whole, s, n) && whole != (int64_t)x;
}
