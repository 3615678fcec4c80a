/* sort.c: radix sorts on the bits of floating-point keys, and a stable merge sort. */
#include "automl/core/sort.h"

#include <string.h>

#include "automl/core/arena.h"

/* Bits whose unsigned order is the order of the numbers; every NaN goes last, -0 equals +0. */
static uint64_t key64(double x) {
    uint64_t b;
    if (x != x) return UINT64_MAX;
    x += 0.0;
    memcpy(&b, &x, sizeof b);
    return b >> 63 ? ~b : b | (uint64_t)1 << 63;
}

static uint32_t key32(float x) {
    uint32_t b;
    if (x != x) return UINT32_MAX;
    x += 0.0f;
    memcpy(&b, &x, sizeof b);
    return b >> 31 ? ~b : b | (uint32_t)1 << 31;
}

typedef struct pair {
    uint64_t key;
    uint32_t index;
} pair;

/* LSD radix sort of pairs by 11 bits a pass; passes in which all keys agree are skipped. */
static void radix(pair *a, pair *b, size_t n, int bits) {
    pair *start = a;
    for (int shift = 0; shift < bits; shift += 11) {
        size_t count[2049] = {0};
        for (size_t i = 0; i < n; i++) count[(a[i].key >> shift & 2047) + 1]++;
        if (count[(a[0].key >> shift & 2047) + 1] == n) continue;
        for (int d = 0; d < 2048; d++) count[d + 1] += count[d];
        for (size_t i = 0; i < n; i++) b[count[a[i].key >> shift & 2047]++] = a[i];
        pair *t = a;
        a = b;
        b = t;
    }
    if (a != start) memcpy(start, a, n * sizeof *a);
}

static aml_status sort_pairs(pair **out, size_t n, int bits, uint64_t (*key)(const void *, size_t),
                             const void *v) {
    pair *a = aml_malloc(2 * n * sizeof *a);
    if (!a) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) a[i] = (pair){key(v, i), (uint32_t)i};
    radix(a, a + n, n, bits);
    *out = a;
    return AML_OK;
}

static uint64_t at64(const void *v, size_t i) { return key64(((const double *)v)[i]); }
static uint64_t at32(const void *v, size_t i) { return key32(((const float *)v)[i]); }

static aml_status argsort(uint32_t *order, const void *v, size_t n, int bits,
                          uint64_t (*key)(const void *, size_t)) {
    pair *p;
    size_t sorted = 1;
    if (!n) return AML_OK;
    while (sorted < n && key(v, sorted - 1) <= key(v, sorted)) sorted++;
    if (sorted == n) {
        for (size_t i = 0; i < n; i++) order[i] = (uint32_t)i;
        return AML_OK;
    }
    AML_TRY(sort_pairs(&p, n, bits, key, v));
    for (size_t i = 0; i < n; i++) order[i] = p[i].index;
    aml_free(p);
    return AML_OK;
}

aml_status aml_argsort(uint32_t *order, const double *key, size_t n) {
    return argsort(order, key, n, 64, at64);
}

aml_status aml_argsort_f32(uint32_t *order, const float *key, size_t n) {
    return argsort(order, key, n, 32, at32);
}

aml_status aml_sort_f64(double *v, size_t n) {
    pair *p;
    if (n < 2) return AML_OK;
    double *copy = aml_malloc(n * sizeof *v);
    if (!copy) return AML_ENOMEM;
    memcpy(copy, v, n * sizeof *v);
    aml_status status = sort_pairs(&p, n, 64, at64, v);
    if (!status) {
        for (size_t i = 0; i < n; i++) v[i] = copy[p[i].index];
        aml_free(p);
    }
    aml_free(copy);
    return status;
}

enum { FEW = 64 }; /* are sorted by insertion */

static void insertion_sort(uint32_t *a, size_t n) {
    for (size_t i = 1; i < n; i++) {
        uint32_t x = a[i];
        size_t j = i;
        for (; j && a[j - 1] > x; j--) a[j] = a[j - 1];
        a[j] = x;
    }
}

aml_status aml_sort_f32(float *v, size_t n) {
    if (n < 2) return AML_OK;
    uint32_t *a = aml_malloc(2 * n * sizeof *a), *b = a ? a + n : NULL, *from = a;
    if (!a) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) a[i] = key32(v[i]);
    if (n <= FEW) insertion_sort(a, n);
    for (int shift = 0; shift < 32 && n > FEW; shift += 11) {
        size_t count[2049] = {0};
        for (size_t i = 0; i < n; i++) count[(a[i] >> shift & 2047) + 1]++;
        for (int d = 0; d < 2048; d++) count[d + 1] += count[d];
        for (size_t i = 0; i < n; i++) b[count[a[i] >> shift & 2047]++] = a[i];
        uint32_t *t = a;
        a = b;
        b = t;
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t k = a[i], bits = k >> 31 ? k & 0x7FFFFFFFu : ~k;
        if (k == UINT32_MAX) bits = 0x7FC00000u;
        memcpy(&v[i], &bits, sizeof bits);
    }
    aml_free(from);
    return AML_OK;
}

static void merge_sort(char *v, char *tmp, size_t n, size_t size,
                       int (*compare)(const void *, const void *, void *), void *arg) {
    if (n < 2) return;
    size_t half = n / 2, i = 0, j = half, k = 0;
    merge_sort(v, tmp, half, size, compare, arg);
    merge_sort(v + half * size, tmp, n - half, size, compare, arg);
    memcpy(tmp, v, n * size);
    while (i < half && j < n) {
        bool right = compare(tmp + j * size, tmp + i * size, arg) < 0;
        memcpy(v + k++ * size, tmp + (right ? j++ : i++) * size, size);
    }
    memcpy(v + k * size, tmp + i * size, (half - i) * size);
    memcpy(v + (k + half - i) * size, tmp + j * size, (n - j) * size);
}

aml_status aml_sort(void *items, size_t n, size_t size,
                    int (*compare)(const void *a, const void *b, void *arg), void *arg) {
    if (n < 2) return AML_OK;
    char *tmp = aml_malloc(n * size);
    if (!tmp) return AML_ENOMEM;
    merge_sort(items, tmp, n, size, compare, arg);
    aml_free(tmp);
    return AML_OK;
}
