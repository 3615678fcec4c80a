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
    static const char *const words[] = {"NA",   "N/A",  "n/a", "NaN",  "nan",  "NAN",   "null",
                                        "NULL", "Null", "?",   "#N/A", "#NA",  "<NA>",  "#N/A N/A",
                                        "-nan", "-NaN", "NaT", "N.A.", "n.a.", "#NULL!"};
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
    if (i == first || i - first > 3) return false;
    for (;
         i + 3 < n && s[i] == ',' && is_digit(s[i + 1]) && is_digit(s[i + 2]) && is_digit(s[i + 3]);
         i += 4)
        groups++;
    if (groups && i < n && s[i] == '.')
        for (i++; i < n && is_digit(s[i]); i++) {}
    return groups && i == n;
}

/* ---- amounts */

static const char *const currencies[] = {"$",   "€",   "£",   "¥",   "₹",   "US$", "USD", "EUR",
                                         "GBP", "JPY", "CHF", "CNY", "INR", "AUD", "CAD", "kr"};

static size_t currency(const char *s, size_t n, bool at_end) {
    size_t best = 0;
    for (size_t i = 0; i < sizeof currencies / sizeof *currencies; i++) {
        size_t size = strlen(currencies[i]);
        if (size > n || size < best) continue;
        if (!memcmp(at_end ? s + n - size : s, currencies[i], size)) best = size;
    }
    return best;
}

/* Digits in groups of three, the first shorter or as long; copied without what stands between them. 0: they are
 * not. */
static size_t ungroup(char out[64], const char *s, size_t n, char decimal, bool *grouped) {
    size_t used = 0, run = 0, groups = 0;
    char between = 0;
    for (size_t i = 0; i < n; i++) {
        bool last = i + 1 == n || s[i + 1] == decimal;
        if (is_digit(s[i])) {
            out[used++] = s[i];
            run++;
            if (last && groups && run != 3) return 0;
            continue;
        }
        if (s[i] == decimal) {
            for (size_t k = i + 1; k < n; k++)
                if (!is_digit(s[k])) return 0;
            memcpy(out + used, s + i, n - i);
            *grouped = groups > 0;
            return used + n - i;
        }
        bool separates = s[i] == (decimal == ',' ? '.' : ',') || s[i] == '\'' || s[i] == ' ';
        if (!separates || (between && s[i] != between)) return 0;
        if (groups ? run != 3 : run == 0 || run > 3) return 0;
        between = s[i];
        groups++;
        run = 0;
    }
    *grouped = groups > 0;
    return groups && run != 3 ? 0 : used;
}

static void trim(const char **s, size_t *n) {
    while (*n && **s == ' ') ++*s, --*n;
    while (*n && (*s)[*n - 1] == ' ') --*n;
}

static bool take_sign(const char **s, size_t *n, bool *minus) {
    if (!*n || (**s != '-' && **s != '+')) return false;
    *minus = **s == '-';
    ++*s, --*n;
    trim(s, n);
    return true;
}

bool csv_amount(double *out, const char **unit, size_t *unit_size, const char *s, size_t n,
                char decimal) {
    char digits[64];
    bool minus = false, grouped = false;
    *unit_size = 0;
    if (n < 2 || n >= sizeof digits) return false;
    bool bracketed = s[0] == '(' && s[n - 1] == ')';
    if (bracketed) s++, n -= 2;
    trim(&s, &n);
    bool is_signed = !bracketed && take_sign(&s, &n, &minus);
    size_t size = currency(s, n, false);
    if (size) {
        *unit = s;
        s += size, n -= size;
    } else if ((size = n && s[n - 1] == '%' ? 1 : currency(s, n, true))) {
        n -= size;
        *unit = s + n;
    }
    *unit_size = size;
    trim(&s, &n);
    if (!is_signed && !bracketed) take_sign(&s, &n, &minus);
    if (n == 0 || !is_digit(s[0])) return false;
    n = ungroup(digits, s, n, decimal, &grouped);
    if (n == 0 || (!grouped && !size && !bracketed)) return false;
    if (!csv_number(out, digits, n, decimal)) return false;
    if (minus || bracketed) *out = -*out;
    return true;
}

bool csv_long_integer(const char *s, size_t n, double x) {
    if (n < 16 || fabs(x) < 0x1p53 || fabs(x) >= 0x1p63) return false;
    int64_t whole;
    return aml_parse_int64(&whole, s, n) && whole != (int64_t)x;
}
