/* values.c: numbers, durations and sizes as they are written on a command line. */
#include <string.h>

#include "automl/cli/args.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool cli_parse_uint(uint64_t *out, const char *s) {
    uint64_t x = 0;
    if (!*s) return false;
    for (; *s; s++) {
        if (!is_digit(*s)) return false;
        uint64_t digit = (uint64_t)(*s - '0');
        if (x > (UINT64_MAX - digit) / 10) return false;
        x = x * 10 + digit;
    }
    *out = x;
    return true;
}

/* Reads digits[.digits] and steps behind it. At most 15 digits each: exact in a double. */
static bool take_decimal(double *out, const char **s) {
    double whole = 0, fraction = 0, scale = 1;
    size_t n = 0, m = 0;
    for (; is_digit(**s); ++*s, n++) whole = whole * 10 + (**s - '0');
    if (**s == '.') {
        for (++*s; is_digit(**s); ++*s, m++) {
            fraction = fraction * 10 + (**s - '0');
            scale *= 10;
        }
    }
    *out = whole + fraction / scale;
    return n + m > 0 && n <= 15 && m <= 15;
}

bool cli_parse_decimal(double *out, const char *s) { return take_decimal(out, &s) && !*s; }

bool cli_parse_number(double *out, const char *s) {
    bool negative = *s == '-';
    if (!cli_parse_decimal(out, s + negative)) return false;
    if (negative) *out = -*out;
    return true;
}

typedef struct unit {
    const char *name;
    double factor;
} unit;

/* The longest unit that `s` begins with; steps behind it. */
static const unit *take_unit(const unit *units, size_t n, const char **s) {
    const unit *best = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(units[i].name);
        if (length <= longest || strncmp(*s, units[i].name, length) != 0) continue;
        longest = length;
        best = &units[i];
    }
    *s += longest;
    return best;
}

bool cli_parse_seconds(double *out, const char *s) {
    static const unit units[] = {{"us", 1e-6}, {"µs", 1e-6}, {"ms", 1e-3}, {"s", 1},
                                 {"m", 60},    {"h", 3600},  {"d", 86400}};
    double sum = 0, x = 0;
    if (cli_parse_decimal(out, s)) return true;
    for (double last = 1e9; *s;) {
        if (!take_decimal(&x, &s)) return false;
        const unit *u = take_unit(units, sizeof units / sizeof *units, &s);
        if (!u || u->factor >= last) return false;
        sum += x * u->factor;
        last = u->factor;
    }
    *out = sum;
    return true;
}

bool cli_parse_bytes(uint64_t *out, const char *s) {
    static const unit units[] = {{"", 1},       {"k", 0x1p10}, {"K", 0x1p10},
                                 {"M", 0x1p20}, {"G", 0x1p30}, {"T", 0x1p40}};
    double x;
    if (!take_decimal(&x, &s)) return false;
    const unit *u = take_unit(units + 1, sizeof units / sizeof *units - 1, &s);
    if (!u) u = units;
    if (u != units && *s == 'i') s++;
    if (*s == 'B') s++;
    if (*s || x * u->factor >= 0x1p62) return false;
    *out = (uint64_t)(x * u->factor);
    return true;
}
