/* text.c: growing strings, quantities with units, the nearest name, hashing. */
#include "automl/core/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool reserve(aml_string *s, size_t more) {
    if (s->failed || more > SIZE_MAX / 4 - s->length) {
        s->failed = true;
        return false;
    }
    size_t need = s->length + more + 1, room = s->room ? s->room : 64;
    if (need <= s->room) return true;
    while (room < need) room *= 2;
    char *text = aml_realloc(s->text, room);
    if (!text) {
        s->failed = true;
        return false;
    }
    s->text = text;
    s->room = room;
    return true;
}

void aml_string_add(aml_string *s, const char *text, size_t length) {
    if (!reserve(s, length)) return;
    if (length) memcpy(s->text + s->length, text, length);
    s->length += length;
    s->text[s->length] = 0;
}

void aml_string_put(aml_string *s, const char *text) { aml_string_add(s, text, strlen(text)); }

void aml_string_printf(aml_string *s, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) s->failed = true;
    if (n >= 0 && reserve(s, (size_t)n)) {
        vsnprintf(s->text + s->length, (size_t)n + 1, format, again);
        s->length += (size_t)n;
    }
    va_end(again);
}

void aml_string_double(aml_string *s, double x) {
    char digits[32];
    aml_string_add(s, digits, aml_format_double(digits, x));
}

void aml_string_free(aml_string *s) {
    aml_free(s->text);
    *s = (aml_string){0};
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

static bool same_word(const char *a, const char *b) {
    while (*a && lower(*a) == lower(*b)) a++, b++;
    return lower(*a) == lower(*b);
}

/* Length of the leading digits and point. */
static size_t number_length(const char *s) { return strspn(s, "0123456789."); }

bool aml_parse_bytes(size_t *out, const char *s) {
    static const struct {
        const char *unit;
        int shift;
    } units[] = {{"", 0},     {"b", 0},   {"k", 10},   {"kb", 10}, {"kib", 10},
                 {"m", 20},   {"mb", 20}, {"mib", 20}, {"g", 30},  {"gb", 30},
                 {"gib", 30}, {"t", 40},  {"tb", 40},  {"tib", 40}};
    double x;
    size_t n = number_length(s);
    if (!aml_parse_double(&x, s, n)) return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (!same_word(s + n, units[i].unit)) continue;
        x = floor(ldexp(x, units[i].shift));
        if (!(x < 0x1p63)) return false;
        *out = (size_t)x;
        return true;
    }
    return false;
}

static double unit_seconds(const char *unit, size_t n) {
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"us", 1e-6}, {"µs", 1e-6}, {"ms", 1e-3}, {"s", 1},
                 {"m", 60},    {"min", 60},  {"h", 3600},  {"d", 86400}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strlen(units[i].name) == n && !strncmp(unit, units[i].name, n)) return units[i].seconds;
    return 0;
}

bool aml_parse_seconds(double *out, const char *s) {
    double sum = 0, last = HUGE_VAL;
    if (!*s) return false;
    for (bool first = true; *s; first = false) {
        double x;
        size_t n = number_length(s);
        if (!aml_parse_double(&x, s, n)) return false;
        s += n;
        size_t u = strcspn(s, "0123456789.");
        double unit = u == 0 && first ? 1 : unit_seconds(s, u);
        if (unit <= 0 || unit >= last) return false;
        sum += x * unit;
        last = unit;
        s += u;
    }
    if (!isfinite(sum)) return false;
    *out = sum;
    return true;
}

enum { COMPARED = 255 };

/* The row above and the one before it, as swaps reach back two. */
size_t aml_edit_distance(const char *a, const char *b) {
    uint16_t rows[3][COMPARED + 1];
    size_t n = strnlen(a, COMPARED), m = strnlen(b, COMPARED);
    for (size_t j = 0; j <= m; j++) rows[0][j] = (uint16_t)j;
    for (size_t i = 1; i <= n; i++) {
        uint16_t *now = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];
        now[0] = (uint16_t)i;
        for (size_t j = 1; j <= m; j++) {
            bool same = lower(a[i - 1]) == lower(b[j - 1]);
            unsigned best = up[j - 1] + (same ? 0u : 1u);
            if (up[j] + 1u < best) best = up[j] + 1u;
            if (now[j - 1] + 1u < best) best = now[j - 1] + 1u;
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]) && up2[j - 2] + 1u < best)
                best = up2[j - 2] + 1u;
            now[j] = (uint16_t)best;
        }
    }
    return rows[n % 3][m];
}

const char *aml_nearest(const char *word, const char *const *names, size_t n) {
    size_t length = strlen(word), limit = length / 4 > 2 ? length / 4 : 2;
    const char *best = NULL;
    for (size_t i = 0; i < n; i++) {
        size_t d = aml_edit_distance(word, names[i]);
        if (d > limit || (best && d >= aml_edit_distance(word, best))) continue;
        if (d < length || d < strlen(names[i])) best = names[i];
    }
    for (size_t i = 0; i < n && !best && length > 1; i++) /* its beginning, or a word of it */
        if (strstr(names[i], word)) best = names[i];
    return best;
}

uint64_t aml_hash(const void *data, size_t n, uint64_t seed) {
    const unsigned char *p = data;
    uint64_t h = 0xCBF29CE484222325u ^ seed;
    for (size_t i = 0; i < n; i++) h = (h ^ p[i]) * 0x100000001B3u;
    return h;
}
