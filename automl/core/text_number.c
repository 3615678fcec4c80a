/* text_number.c: doubles from text and back, exactly, without the locale. */
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "automl/core/text.h"
#include "automl/core/text_decimal.h"

/* A decimal literal: digits × 10^exponent. `digits` holds the first 19 significant ones. */
typedef struct decimal {
    uint64_t digits;
    size_t n_digits;   /* significant digits seen */
    int64_t exponent;  /* of `digits` when n_digits ≤ 19 */
    const char *first; /* first significant digit */
    const char *end;   /* behind the last digit or point of the significand */
    bool negative;
} decimal;

enum { EXACT_DIGITS = 19 }; /* 10^19 - 1 < 2^64 */

static bool is_digit(char c) { return (unsigned char)(c - '0') < 10; }

static bool scan_exponent(int64_t *out, const char *s, const char *end) {
    bool negative = s < end && *s == '-';
    if (s < end && (*s == '+' || *s == '-')) s++;
    if (s == end) return false;
    int64_t e = 0;
    for (; s < end; s++) {
        if (!is_digit(*s)) return false;
        if (e < 1000000000000) e = e * 10 + (*s - '0');
    }
    *out = negative ? -e : e;
    return true;
}

static bool scan(decimal *d, const char *s, size_t n) {
    const char *end = s + n;
    d->negative = s < end && *s == '-';
    if (s < end && (*s == '-' || *s == '+')) s++;
    const char *begin = s;
    while (s < end && *s == '0') s++;
    d->first = s;
    uint64_t w = 0;
    while (s < end && is_digit(*s)) w = w * 10 + (uint64_t)(*s++ - '0');
    size_t whole = (size_t)(s - begin), significant = (size_t)(s - d->first), fraction = 0;
    if (s < end && *s == '.') {
        const char *point = ++s;
        if (significant == 0) {
            while (s < end && *s == '0') s++;
            d->first = s;
        }
        const char *from = s;
        while (s < end && is_digit(*s)) w = w * 10 + (uint64_t)(*s++ - '0');
        fraction = (size_t)(s - point);
        significant += (size_t)(s - from);
    }
    if (whole + fraction == 0) return false;
    d->end = s;
    d->digits = w; /* wrapped and unused beyond 19 digits */
    d->n_digits = significant;
    d->exponent = 0;
    if (s < end && ((*s != 'e' && *s != 'E') || !scan_exponent(&d->exponent, s + 1, end)))
        return false;
    d->exponent -= (int64_t)fraction;
    return true;
}

/* Halfway points between doubles have at most 767 significant digits: what lies beyond 800 only
 * matters as "more than zero", which one further digit says. */
static double by_library(const decimal *d) {
    enum { KEPT = 800 };
    char text[KEPT + 32];
    size_t n = 0, dropped = 0;
    bool rest = false;
    for (const char *s = d->first; s < d->end; s++) {
        if (*s == '.') continue;
        if (n < KEPT) {
            text[n++] = *s;
        } else {
            dropped++;
            rest |= *s != '0';
        }
    }
    int64_t exponent = d->exponent + (int64_t)dropped;
    if (rest) {
        text[n++] = '1';
        exponent--;
    }
    if (exponent > 100000) exponent = 100000;
    if (exponent < -100000) exponent = -100000;
    snprintf(text + n, sizeof text - n, "e%d", (int)exponent);
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double x = c ? strtod_l(text, NULL, c)
                 : strtod(text, NULL); /* allowed: without a point any locale reads it alike */
    if (c) freelocale(c);
    return x;
}

/* Most numbers: up to 17 characters, no exponent, a significand that a double holds. */
static inline bool parse_short(double *out, const char *s, size_t n) {
    size_t i = n && (*s == '-' || *s == '+'), digits = n - i, fraction = 0;
    uint64_t w = 0;
    if (n > 17) return false;
    for (; i < n && is_digit(s[i]); i++) w = w * 10 + (uint64_t)(s[i] - '0');
    if (i < n && s[i] == '.') {
        size_t point = ++i;
        digits--;
        for (; i < n && is_digit(s[i]); i++) w = w * 10 + (uint64_t)(s[i] - '0');
        fraction = i - point;
    }
    if (i < n || digits == 0 || w > (uint64_t)1 << 53) return false;
    double x = (double)w / aml_exact_powers[fraction];
    *out = *s == '-' ? -x : x;
    return true;
}

/* Beyond 19 digits: what the first 19 say, where the rest cannot matter. */
static double many_digits(const decimal *d) {
    uint64_t w = 0;
    size_t n = 0;
    double x, above;
    for (const char *s = d->first; n < EXACT_DIGITS; s++) {
        if (*s == '.') continue;
        w = w * 10 + (uint64_t)(*s - '0');
        n++;
    }
    int64_t q = d->exponent + (int64_t)(d->n_digits - n);
    if (aml_decimal_round(&x, w, q) && aml_decimal_round(&above, w + 1, q) && x == above) return x;
    return by_library(d);
}

bool aml_parse_double(double *out, const char *s, size_t n) {
    decimal d;
    double x = 0;
    if (parse_short(out, s, n)) return true;
    if (!scan(&d, s, n)) return false;
    if (d.n_digits > EXACT_DIGITS) x = many_digits(&d);
    else if (d.n_digits && !aml_decimal_to_double(&x, d.digits, d.exponent)) x = by_library(&d);
    *out = d.negative ? -x : x;
    return true;
}

bool aml_parse_int64(int64_t *out, const char *s, size_t n) {
    bool negative = n && *s == '-';
    size_t i = n && (*s == '-' || *s == '+') ? 1 : 0;
    uint64_t x = 0, limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    if (i == n) return false;
    for (; i < n; i++) {
        if (!is_digit(s[i])) return false;
        uint64_t digit = (uint64_t)(s[i] - '0');
        if (x > (limit - digit) / 10) return false;
        x = x * 10 + digit;
    }
    *out = negative ? (int64_t)(0 - x) : (int64_t)x;
    return true;
}

/* ---- shortest text */

/* Writes digits d[0 … n-1] with value 0.d × 10^(exponent + 1), trailing zeros left out. */
static size_t write_decimal(char *out, bool negative, const char *d, int n, int exponent) {
    size_t at = 0;
    while (n > 1 && d[n - 1] == '0') n--;
    if (negative) out[at++] = '-';
    if (exponent < -4 || exponent >= 16) {
        out[at++] = d[0];
        if (n > 1) out[at++] = '.';
        for (int i = 1; i < n; i++) out[at++] = d[i];
        return at +
               (size_t)snprintf(out + at, 8, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
    }
    if (exponent < 0) {
        out[at++] = '0';
        out[at++] = '.';
        for (int i = -1; i > exponent; i--) out[at++] = '0';
    }
    for (int i = 0; i < n || i <= exponent; i++) {
        if (exponent >= 0 && i == exponent + 1) out[at++] = '.';
        out[at++] = i < n ? d[i] : '0';
    }
    out[at] = 0;
    return at;
}

/* Cuts 17 digits to `n`, up or down; may carry into the exponent. */
static void cut_digits(char *to, int *exponent, const char *digits, int n, bool up) {
    memcpy(to, digits, (size_t)n);
    for (int i = n - 1; up && i >= 0; i--) {
        up = to[i] == '9';
        to[i] = (char)(up ? '0' : to[i] + 1);
    }
    if (!up) return;
    to[0] = '1'; /* 99…9 became 100…0; the other digits are 0 by now */
    ++*exponent;
}

static bool reads_back(double x, const char *digits, int n, int exponent) {
    uint64_t w = 0;
    double y;
    for (int i = 0; i < n; i++) w = 10 * w + (uint64_t)(digits[i] - '0');
    return aml_decimal_to_double(&y, w, exponent - n + 1) && y == x;
}

/* 17 digits of most numbers there are, rounded as printf would: x = m / 2^s, and m * 10^k is exact in 128 bits. */
static bool exact_digits(char digits[17], int *exponent, double x) {
    __extension__ typedef unsigned __int128 u128;
    const uint64_t least = 10000000000000000u, e19 = 10000000000000000000u;
    uint64_t bits, d;
    if (!(x >= 1e-5 && x < 1e15)) return false;
    memcpy(&bits, &x, sizeof bits);
    uint64_t m = (bits & (((uint64_t)1 << 52) - 1)) | (uint64_t)1 << 52;
    int s = 1075 - (int)(bits >> 52), ten = -5;
    if (s < 1) return false;
    while (ten < 15 && x >= (ten < -1 ? 1 / aml_exact_powers[-ten - 1] : aml_exact_powers[ten + 1]))
        ten++;
    for (;; ten += d < least ? -1 : 1) {
        int k = 16 - ten;
        if (k < 0 || k > 22) return false;
        u128 scaled = (u128)m * (k > 19 ? e19 : (uint64_t)aml_exact_powers[k]);
        if (k > 19) scaled *= (uint64_t)aml_exact_powers[k - 19];
        u128 half = (u128)1 << (s - 1), rest = scaled & (2 * half - 1);
        d = (uint64_t)(scaled >> s);
        d += rest > half || (rest == half && d & 1);
        if (d >= least && d < 10 * least) break;
    }
    *exponent = ten;
    for (int i = 16; i >= 0; i--, d /= 10) digits[i] = (char)('0' + d % 10);
    return true;
}

/* The same of all numbers. */
static void any_digits(char digits[17], int *exponent, double x) {
    char text[40];
    int64_t parsed = 0;
    snprintf(text, sizeof text, "%.16e", x);
    const char *s =
        strchr(text, 'e'); /* d<point>dddddddddddddddde±xx: the point may be any bytes */
    aml_parse_int64(&parsed, s + 1, strlen(s + 1));
    *exponent = (int)parsed;
    digits[0] = text[0];
    memcpy(digits + 1, s - 16, 16);
}

size_t aml_format_double(char *out, double x) {
    if (isnan(x)) return (size_t)snprintf(out, 32, "nan");
    if (isinf(x)) return (size_t)snprintf(out, 32, x < 0 ? "-inf" : "inf");
    bool negative = signbit(x);
    x = fabs(x);
    if (x < 1e15 && x == (double)(int64_t)x)
        return (size_t)snprintf(out, 32, "%s%lld", negative ? "-" : "", (long long)x);
    char digits[17], cut[17];
    int exponent;
    if (!exact_digits(digits, &exponent, x)) any_digits(digits, &exponent, x);
    for (int n = x < DBL_MIN ? 1 : 15; n < 17; n++) {
        bool nearest = digits[n] >= '5';
        for (int other = 0; other < 2;
             other++) { /* at powers of two the farther one may be the one that fits */
            int e = exponent;
            cut_digits(cut, &e, digits, n, nearest != (other == 1));
            if (reads_back(x, cut, n, e)) return write_decimal(out, negative, cut, n, e);
        }
    }
    return write_decimal(out, negative, digits, 17, exponent);
}
