/* csv_numbers.c: cells of columns of numbers, in place. Up to 16 characters are one vector. */
#include <math.h>
#include <string.h>

#ifdef __SSE4_1__
#include <smmintrin.h>
#endif

#include "automl/core/csv_internal.h"
#include "automl/core/text_decimal.h"

#ifdef __SSE4_1__

/* The n (1 … 16) characters before `end`: digits with at most one point. *m gets the number without the point,
 * *fraction the digits behind it, -1 without one. */
static inline bool digits16(uint64_t *m, int *fraction, const char *end, size_t n, char decimal) {
    const __m128i place = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(end - 16));
    __m128i d = _mm_sub_epi8(x, _mm_set1_epi8('0'));
    __m128i keep = _mm_cmpgt_epi8(place, _mm_set1_epi8((char)(15 - (int)n)));
    __m128i good = _mm_cmpeq_epi8(_mm_min_epu8(d, _mm_set1_epi8(9)), d);
    unsigned kept = 0xFFFFu << (16 - n) & 0xFFFFu,
             digits = (unsigned)_mm_movemask_epi8(good) & kept;
    unsigned points = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_set1_epi8(decimal))) & kept;
    if ((digits | points) != kept || (points & (points - 1)) || digits == 0) return false;
    int point = points ? __builtin_ctz(points) : -1;
    *fraction = points ? 15 - point : -1;
    /* What stands before the point moves over it. */
    __m128i from = _mm_sub_epi8(_mm_sub_epi8(place, _mm_set1_epi8(1)),
                                _mm_cmpgt_epi8(place, _mm_set1_epi8((char)point)));
    d = _mm_shuffle_epi8(_mm_and_si128(d, keep), from);
    __m128i pairs =
        _mm_maddubs_epi16(d, _mm_setr_epi8(10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1));
    __m128i fours = _mm_madd_epi16(pairs, _mm_setr_epi16(100, 1, 100, 1, 100, 1, 100, 1));
    __m128i eights = _mm_madd_epi16(_mm_packus_epi32(fours, fours),
                                    _mm_setr_epi16(10000, 1, 10000, 1, 10000, 1, 10000, 1));
    uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights);
    *m = (both & 0xFFFFFFFFu) * 100000000u + (both >> 32);
    return true;
}

/* 17 to 24 characters with a point: a short lead, and 16 more. */
static bool long_number(double *out, const char *s, size_t n, char decimal) {
    size_t lead = n - 16, point = SIZE_MAX;
    uint64_t w = 0, rest;
    int fraction;
    for (size_t i = 0; i < lead; i++) {
        unsigned digit = (unsigned char)(s[i] - '0');
        if (digit < 10) w = w * 10 + digit;
        else if (s[i] == decimal && point == SIZE_MAX) point = i;
        else return false;
    }
    if (w > 999 || !digits16(&rest, &fraction, s + n, 16, decimal)) return false;
    if ((point == SIZE_MAX) == (fraction < 0)) return false;
    if (fraction < 0) {
        fraction = (int)(lead - 1 - point) + 16;
        w = w * 10000000000000000u + rest;
    } else {
        w = w * 1000000000000000u + rest;
    }
    return aml_decimal_to_double(out, w, -fraction);
}

/* Without a branch: signs cannot be foretold. */
static inline double signed_by(double x, size_t minus) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits ^= (uint64_t)minus << 63;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Plain numbers: digits, a point, a minus. False: look again. */
static inline bool quick_number(double *out, const char *s, size_t n, char decimal) {
    uint64_t m;
    int fraction;
    size_t minus = *s == '-';
    double x;
    s += minus;
    n -= minus;
    if (n - 1 < 16) {
        if (!digits16(&m, &fraction, s + n, n, decimal) || m >> 53) return false;
        x = (double)(int64_t)m;
        if (fraction > 0) x /= aml_exact_powers[fraction];
    } else if (n - 17 >= 8 || !long_number(&x, s, n, decimal)) {
        return false;
    }
    *out = signed_by(x, minus);
    return true;
}

#else

static inline bool quick_number(double *out, const char *s, size_t n, char decimal) {
    return n < 16 && csv_number(out, s, n, decimal) && isfinite(*out);
}

#endif

/* What the cells of a run said: bit k is of column k. */
typedef struct findings {
    uint32_t soft, mixed, long_integer;
} findings;

static double slow_number(findings *f, uint32_t bit, csv_cell cell, char decimal) {
    double x = NAN;
    const char *s = cell.text;
    size_t n = cell.size;
    if (n == 0) return NAN;
    if (csv_number(&x, s, n, decimal) && isfinite(x)) {
        if (n >= 16 && csv_long_integer(s, n, x)) f->long_integer |= bit;
        return x;
    }
    if (aml_is_missing_text(s, n)) return NAN;
    *(csv_missing_number(s, n) ? &f->soft : &f->mixed) |= bit;
    return NAN;
}

static void count(csv_column *c, const double *x, size_t n) {
    size_t missing = 0, broken = 0;
    for (size_t i = 0; i < n; i++) {
        missing += isnan(x[i]);
        broken += x[i] != trunc(x[i]) && !isnan(x[i]);
    }
    if (missing) atomic_fetch_add_explicit(&c->n_missing, missing, memory_order_relaxed);
    if (broken && !c->broken) c->broken = true;
}

void csv_put_numbers(csv_column **columns, size_t n_columns, const csv_reader *r,
                     const csv_worker *w, size_t row) {
    double *out[CSV_RUN];
    findings f = {0};
    size_t field = columns[0]->field;
    const csv_rows *rows = &w->rows;
    const char *text = w->window.text, decimal = r->dialect.decimal;
    for (size_t k = 0; k < n_columns; k++) out[k] = columns[k]->number + row;
    for (size_t i = 0; i < rows->n; i++) {
        const uint32_t *end = rows->field_end + rows->first[i] + field;
        uint32_t begin = field ? end[-1] + 1 : rows->start[i];
        for (size_t k = 0; k < n_columns; k++) {
            double x = NAN;
            if (end[k] > begin && !quick_number(&x, text + begin, end[k] - begin, decimal))
                x = slow_number(&f, 1u << k,
                                csv_cell_at(&w->window, rows, i, field + k, &r->dialect), decimal);
            out[k][i] = x;
            begin = end[k] + 1;
        }
    }
    for (size_t k = 0; k < n_columns; k++) {
        csv_column *c = columns[k];
        if (f.soft >> k & 1) c->soft = true;
        if (f.mixed >> k & 1) c->mixed = true;
        if (f.long_integer >> k & 1) c->long_integer = true;
        count(c, out[k], rows->n);
    }
}
