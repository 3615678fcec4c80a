/* csv_amount.c: amounts: "1,234.50", "$5", "(7)", "12.5 %", "36 months", "€1.2M" as numbers. */
#include <string.h>

#include "automl/core/csv_internal.h"

enum { MOST = 64, UNIT = 15 };

static const char *const currencies[] = {"$",   "€",   "£",   "¥",   "₹",   "₽", "₺",
                                         "₩",   "US$", "R$",  "USD", "EUR", "GBP", "JPY",
                                         "CHF", "CNY", "INR", "AUD", "CAD", "kr",  "Rs"};

static bool is_digit(char c) { return (unsigned char)(c - '0') < 10; }
static bool is_letter(char c) { return (unsigned char)((c | 32) - 'a') < 26; }

/* What is left of a text. */
typedef struct rest {
    const char *s;
    size_t n;
} rest;

static void trim(rest *r) {
    while (r->n && *r->s == ' ') r->s++, r->n--;
    while (r->n && r->s[r->n - 1] == ' ') r->n--;
}

static void advance(rest *r, size_t n) {
    r->s += n;
    r->n -= n;
}

/* ---- units */

static size_t currency(const rest *r, bool at_end) {
    size_t best = 0;
    for (size_t i = 0; i < sizeof currencies / sizeof *currencies; i++) {
        size_t size = strlen(currencies[i]);
        if (size > r->n || size < best) continue;
        if (!memcmp(at_end ? r->s + r->n - size : r->s, currencies[i], size)) best = size;
    }
    return best;
}

/* Letters, degrees and the like, blanks between words; a 2 or 3 only behind a length: m2, ft3. */
static bool is_measure(const char *s, size_t n) {
    if (n == 0 || n > UNIT || (!is_letter(*s) && !(*s & 0x80))) return false;
    for (size_t i = 1; i < n; i++) {
        char c = s[i];
        bool power = i + 1 == n && (c == '2' || c == '3') && (s[i - 1] == 'm' || s[i - 1] == 't');
        if (!is_letter(c) && !(c & 0x80) && !strchr("/.^ -", c) && !power) return false;
    }
    return true;
}

/* k, M, B directly behind the digits; with a currency small letters and "bn" too. */
static double take_scale(rest *r, bool money) {
    char c = r->n ? r->s[0] : 0;
    size_t size = r->n == 2 && r->s[1] == 'n' && (c | 32) == 'b' ? 2 : 1;
    if (r->n != size) return 1;
    double scale = c == 'k' || c == 'K'              ? 1e3
                   : c == 'M' || (money && c == 'm') ? 1e6
                   : c == 'B' || (money && c == 'b') ? 1e9
                                                     : 1;
    if (scale > 1) advance(r, size);
    return scale;
}

/* ---- groups of thousands */

/* Bytes of a separator of groups at s, 0 when it is none. */
static size_t group_mark(const char *s, size_t n, const csv_dialect *d) {
    static const char *const blanks[] = {" ", "\xC2\xA0", "\xE2\x80\xAF", "\xE2\x80\x89"};
    if (d->thousands == '\1') return 0;
    if (d->thousands && d->thousands != ' ') return *s == d->thousands;
    if (!d->thousands && (*s == (d->decimal == ',' ? '.' : ',') || *s == '\'')) return 1;
    for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++) {
        size_t size = strlen(blanks[i]);
        if (size <= n && !memcmp(s, blanks[i], size)) return size;
    }
    return 0;
}

/* Bytes of digits in groups of three, the first of one to three and not 0; the digits without what stands between
 * them go to `out`. 0: they are not grouped. */
static size_t take_groups(char *out, size_t *used, const rest *r, const csv_dialect *d) {
    size_t at = 0, n = 0, size, groups = 0;
    const char *mark = NULL;
    while (at < r->n && at < 4 && is_digit(r->s[at])) out[n++] = r->s[at++];
    if (n == 0 || n > 3 || r->s[0] == '0') return 0;
    while (at < r->n && (size = group_mark(r->s + at, r->n - at, d))) {
        const char *digits = r->s + at + size;
        if (r->n - at < size + 3) break;
        if (!is_digit(digits[0]) || !is_digit(digits[1]) || !is_digit(digits[2])) break;
        if (mark && memcmp(mark, r->s + at, size)) break;
        mark = r->s + at;
        memcpy(out + n, digits, 3);
        n += 3;
        at += size + 3;
        groups++;
    }
    *used = groups ? n : 0;
    return groups ? at : 0;
}

/* Digits, in groups or not, with a fraction. *grouped tells. False: none, or out of range. */
static bool take_number(double *out, bool *grouped, rest *r, const csv_dialect *d) {
    char digits[MOST];
    size_t n = 0, at = take_groups(digits, &n, r, d);
    *grouped = at > 0;
    if (!*grouped)
        for (; at < r->n && is_digit(r->s[at]); at++) digits[n++] = r->s[at];
    if (n == 0) return false;
    if (at + 1 < r->n && r->s[at] == d->decimal && is_digit(r->s[at + 1]))
        for (digits[n++] = '.', at++; at < r->n && is_digit(r->s[at]); at++) digits[n++] = r->s[at];
    advance(r, at);
    return csv_number(out, digits, n, '.');
}

/* ---- all of it */

static bool take_sign(rest *r, bool *minus) {
    if (!r->n || (*r->s != '-' && *r->s != '+')) return false;
    *minus = *r->s == '-';
    advance(r, 1);
    trim(r);
    return true;
}

static void set_unit(csv_amount *a, csv_unit kind, const char *unit, size_t size) {
    a->kind = kind;
    a->unit = unit;
    a->unit_size = size;
}

/* What stands behind the digits. False: it is no unit. */
static bool take_unit(csv_amount *a, rest *r) {
    trim(r);
    if (r->n == 0) return true;
    if (a->kind == CSV_MONEY) return false;
    if (r->n == 1 && *r->s == '%') {
        set_unit(a, CSV_PERCENT, r->s, 1);
        return true;
    }
    size_t size = currency(r, true);
    if (!(size == r->n && size) && !is_measure(r->s, r->n)) return false;
    set_unit(a, size == r->n ? CSV_MONEY : CSV_MEASURE, r->s, r->n);
    return true;
}

bool csv_amount_parse(csv_amount *out, const char *s, size_t n, const csv_dialect *d) {
    bool minus = false, grouped, bracketed = n > 2 && s[0] == '(' && s[n - 1] == ')';
    rest r = {s, n};
    *out = (csv_amount){0};
    if (n < 2 || n >= MOST) return false;
    if (bracketed) r = (rest){s + 1, n - 2};
    trim(&r);
    bool is_signed = bracketed || take_sign(&r, &minus);
    size_t size = currency(&r, false);
    if (size) {
        set_unit(out, CSV_MONEY, r.s, size);
        advance(&r, size);
        trim(&r);
    }
    if (!is_signed) take_sign(&r, &minus);
    if (!take_number(&out->value, &grouped, &r, d)) return false;
    double scale = take_scale(&r, size > 0);
    if (!take_unit(out, &r)) return false;
    if (!grouped && !out->kind && !bracketed && scale <= 1) return false;
    out->value *= minus || bracketed ? -scale : scale;
    return true;
}
