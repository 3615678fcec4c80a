/* product.c: tiles of rows and columns in registers. Nothing is fused, so that wider vectors give the same bits. */
#include "featurize/parts/product.h"

#include <string.h>

enum { ROWS = 4, COLUMNS = 8 };

#define INLINE static inline __attribute__((always_inline))

INLINE void tile(double *c, const double *a, const double *b, size_t rows, size_t m, size_t k) {
    double sum[ROWS][COLUMNS] = {{0}};
    for (size_t i = 0; i < m; i++)
        for (size_t r = 0; r < rows; r++)
            for (size_t j = 0; j < COLUMNS; j++) sum[r][j] += a[r * m + i] * b[i * k + j];
    for (size_t r = 0; r < rows; r++) memcpy(c + r * k, sum[r], sizeof sum[r]);
}

INLINE void row_strip(double *c, const double *a, const double *b, size_t rows, size_t m,
                      size_t k) {
    size_t j = 0;
    for (; j + COLUMNS <= k; j += COLUMNS) tile(c + j, a, b + j, rows, m, k);
    for (; j < k; j++)
        for (size_t r = 0; r < rows; r++) {
            double sum = 0;
            for (size_t i = 0; i < m; i++) sum += a[r * m + i] * b[i * k + j];
            c[r * k + j] = sum;
        }
}

INLINE void multiply(double *c, const double *a, const double *b, size_t n, size_t m, size_t k) {
    size_t i = 0;
    for (; i + ROWS <= n; i += ROWS) row_strip(c + i * k, a + i * m, b, ROWS, m, k);
    for (; i < n; i++) row_strip(c + i * k, a + i * m, b, 1, m, k);
}

static void multiply_plain(double *c, const double *a, const double *b, size_t n, size_t m,
                           size_t k) {
    multiply(c, a, b, n, m, k);
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void multiply_avx2(double *c, const double *a,
                                                          const double *b, size_t n, size_t m,
                                                          size_t k) {
    multiply(c, a, b, n, m, k);
}

void aml_product(double *c, const double *a, const double *b, size_t n, size_t m, size_t k) {
    (__builtin_cpu_supports("avx2") ? multiply_avx2 : multiply_plain)(c, a, b, n, m, k);
}
#else
void aml_product(double *c, const double *a, const double *b, size_t n, size_t m, size_t k) {
    multiply_plain(c, a, b, n, m, k);
}
#endif
