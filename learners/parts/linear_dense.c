/* linear_dense.c: margins and gradients from rows of floats. */
#include "learners/parts/linear_dense.h"

#include "learners/parts/simd.h"

typedef double f64x4 __attribute__((vector_size(32), aligned(8), may_alias));

#define LOAD(x) ((f64x4){(double)(x)[0], (double)(x)[1], (double)(x)[2], (double)(x)[3]})

AML_KERNEL double total(const f64x4 *a, const f64x4 *b) {
    f64x4 s = *a + *b;
    return (s[0] + s[1]) + (s[2] + s[3]);
}

AML_KERNEL void margins4(double *z, const float *x0, const float *x1, const float *x2,
                         const float *x3, size_t p, const double *coef, double base) {
    f64x4 a0 = {0}, a1 = {0}, a2 = {0}, a3 = {0}, b0 = {0}, b1 = {0}, b2 = {0}, b3 = {0};
    size_t j = 0;
    for (; j + 8 <= p; j += 8) {
        f64x4 c = *(const f64x4 *)(coef + j), d = *(const f64x4 *)(coef + j + 4);
        a0 += LOAD(x0 + j) * c, b0 += LOAD(x0 + j + 4) * d;
        a1 += LOAD(x1 + j) * c, b1 += LOAD(x1 + j + 4) * d;
        a2 += LOAD(x2 + j) * c, b2 += LOAD(x2 + j + 4) * d;
        a3 += LOAD(x3 + j) * c, b3 += LOAD(x3 + j + 4) * d;
    }
    double rest[4] = {0};
    for (; j < p; j++) {
        rest[0] += (double)x0[j] * coef[j], rest[1] += (double)x1[j] * coef[j];
        rest[2] += (double)x2[j] * coef[j], rest[3] += (double)x3[j] * coef[j];
    }
    z[0] = base + (total(&a0, &b0) + rest[0]), z[1] = base + (total(&a1, &b1) + rest[1]);
    z[2] = base + (total(&a2, &b2) + rest[2]), z[3] = base + (total(&a3, &b3) + rest[3]);
}

AML_KERNEL void gradient4(double *g, const float *x0, const float *x1, const float *x2,
                          const float *x3, size_t p, const double *s) {
    double s0 = s[0], s1 = s[1], s2 = s[2], s3 = s[3];
    size_t j = 0;
    for (; j + 4 <= p; j += 4)
        *(f64x4 *)(g + j) +=
            (LOAD(x0 + j) * s0 + LOAD(x1 + j) * s1) + (LOAD(x2 + j) * s2 + LOAD(x3 + j) * s3);
    for (; j < p; j++)
        g[j] +=
            ((double)x0[j] * s0 + (double)x1[j] * s1) + ((double)x2[j] * s2 + (double)x3[j] * s3);
}

/* The last rows come with the first of them repeated: without a slope, and their margins unread. */
AML_KERNEL void margins(double *z, const float *x, const uint32_t *rows, size_t n, size_t p,
                        const double *coef, double base) {
    double last[4];
    for (size_t i = 0; i < n; i += 4) {
        size_t m = n - i < 4 ? n - i : 4;
        const float *x0 = x + rows[i] * p, *x1 = m > 1 ? x + rows[i + 1] * p : x0,
                    *x2 = m > 2 ? x + rows[i + 2] * p : x0, *x3 = m > 3 ? x + rows[i + 3] * p : x0;
        margins4(m == 4 ? z + i : last, x0, x1, x2, x3, p, coef, base);
        for (size_t l = 0; m < 4 && l < m; l++) z[i + l] = last[l];
    }
}

AML_KERNEL void gradient(double *g, const float *x, const uint32_t *rows, size_t n, size_t p,
                         const double *s) {
    for (size_t i = 0; i < n; i += 4) {
        size_t m = n - i < 4 ? n - i : 4;
        double last[4] = {s[i], m > 1 ? s[i + 1] : 0, m > 2 ? s[i + 2] : 0, m > 3 ? s[i + 3] : 0};
        const float *x0 = x + rows[i] * p, *x1 = m > 1 ? x + rows[i + 1] * p : x0,
                    *x2 = m > 2 ? x + rows[i + 2] * p : x0, *x3 = m > 3 ? x + rows[i + 3] * p : x0;
        gradient4(g, x0, x1, x2, x3, p, last);
    }
}

AML_BEST(margins,
         (double *z, const float *x, const uint32_t *rows, size_t n, size_t p, const double *coef,
          double base),
         (z, x, rows, n, p, coef, base))

AML_BEST(gradient,
         (double *g, const float *x, const uint32_t *rows, size_t n, size_t p, const double *s),
         (g, x, rows, n, p, s))

void aml_dense_margins(double *z, const float *x, const uint32_t *rows, size_t n, size_t p,
                       const double *coef, double base) {
    margins_best(z, x, rows, n, p, coef, base);
}

void aml_dense_gradient(double *g, const float *x, const uint32_t *rows, size_t n, size_t p,
                        const double *s) {
    gradient_best(g, x, rows, n, p, s);
}

AML_KERNEL void centered(double *restrict out, const float *restrict x, const uint32_t *rows,
                         size_t n, size_t p, const double *center) {
    for (size_t i = 0; i < n; i++, out += p) {
        const float *row = x + rows[i] * p;
        for (size_t j = 0; j < p; j++) out[j] = (double)row[j] - center[j];
    }
}

AML_BEST(centered,
         (double *out, const float *x, const uint32_t *rows, size_t n, size_t p,
          const double *center),
         (out, x, rows, n, p, center))

void aml_dense_centered(double *out, const float *x, const uint32_t *rows, size_t n, size_t p,
                        const double *center) {
    centered_best(out, x, rows, n, p, center);
}
