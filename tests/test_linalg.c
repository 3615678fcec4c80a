/* test_linalg.c: linear algebra against sums by hand, and distributions against their quantiles. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "automl/core/ctx.h"
#include "automl/core/linalg.h"
#include "automl/core/special.h"

static aml_rng stream(uint64_t a) { return aml_rng_stream(11, AML_RNG_TEST, a, 0); }

static double *random_matrix(size_t m, size_t n, aml_rng *r) {
    double *a = malloc(m * n * sizeof *a);
    for (size_t i = 0; i < m * n; i++) a[i] = aml_rng_normal(r);
    return a;
}

static double op_at(const double *a, size_t lda, bool t, size_t i, size_t j) {
    return t ? a[j * lda + i] : a[i * lda + j];
}

static void products_are_products(void **state) {
    enum { M = 7, K = 5, N = 6, LD = 8 };
    aml_rng r = stream(7);
    (void)state;
    for (int t = 0; t < 4; t++) {
        bool ta = t & 1, tb = t & 2;
        double *a = random_matrix(8, LD, &r), *b = random_matrix(8, LD, &r),
               *c = random_matrix(8, LD, &r);
        double *before = malloc(64 * sizeof *before);
        float fa[64], fb[64], fc[64];
        memcpy(before, c, 64 * sizeof *before);
        for (int i = 0; i < 64; i++) {
            fa[i] = (float)a[i];
            fb[i] = (float)b[i];
            fc[i] = (float)c[i];
        }
        aml_dgemm(ta, tb, M, N, K, 0.5, a, LD, b, LD, 2, c, LD);
        aml_sgemm(ta, tb, M, N, K, 0.5f, fa, LD, fb, LD, 2, fc, LD);
        for (size_t i = 0; i < 8; i++)
            for (size_t j = 0; j < LD; j++) {
                double want = before[i * LD + j];
                if (i < M && j < N) {
                    want *= 2;
                    for (size_t k = 0; k < K; k++)
                        want += 0.5 * op_at(a, LD, ta, i, k) * op_at(b, LD, tb, k, j);
                }
                assert_true(fabs(c[i * LD + j] - want) < 1e-13);
                assert_true(fabs(fc[i * LD + j] - want) < 1e-5);
            }
        double x[K], y[M] = {0};
        for (size_t k = 0; k < K; k++) x[k] = b[k];
        double *dense = malloc(M * K * sizeof *dense);
        for (size_t i = 0; i < M; i++)
            for (size_t k = 0; k < K; k++)
                dense[ta ? k * M + i : i * K + k] = op_at(a, LD, ta, i, k);
        aml_dgemv(ta, M, K, 1, dense, ta ? M : K, x, 0, y);
        for (size_t i = 0; i < M; i++) {
            double want = 0;
            for (size_t k = 0; k < K; k++) want += op_at(a, LD, ta, i, k) * x[k];
            assert_true(fabs(y[i] - want) < 1e-13);
        }
        free(dense);
        free(a);
        free(b);
        free(c);
        free(before);
    }
}

static void cholesky_solves(void **state) {
    aml_rng r = stream(8);
    (void)state;
    for (size_t n = 1; n <= 40; n += 13) {
        double *x = random_matrix(n + 5, n, &r), *a = malloc(n * n * sizeof *a),
               *l = malloc(n * n * sizeof *l);
        double *b = random_matrix(n, 1, &r), *s = malloc(n * sizeof *s);
        aml_dsyrk(n, n + 5, x, n, 0, a, n);
        memcpy(l, a, n * n * sizeof *l);
        memcpy(s, b, n * sizeof *s);
        assert_true(aml_cholesky(l, n, n));
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j <= i; j++) {
                assert_true(fabs(a[i * n + j] - a[j * n + i]) == 0);
                assert_true(fabs(aml_dot(l + i * n, l + j * n, j + 1) - a[i * n + j]) < 1e-11);
            }
        aml_cholesky_solve(l, n, n, s);
        for (size_t i = 0; i < n; i++) assert_true(fabs(aml_dot(a + i * n, s, n) - b[i]) < 1e-8);
        memcpy(s, b, n * sizeof *s);
        aml_cholesky_half(l, n, n, false, s);
        for (size_t i = 0; i < n; i++)
            assert_true(fabs(aml_dot(l + i * n, s, i + 1) - b[i]) < 1e-10);
        a[0] = -1;
        assert_false(aml_cholesky(a, n, n));
        free(x);
        free(a);
        free(l);
        free(b);
        free(s);
    }
}

static void eigenvectors_diagonalise(void **state) {
    enum { N = 12 };
    aml_rng r = stream(9);
    double *x = random_matrix(N, N, &r), a[N * N], v[N * N], w[N];
    (void)state;
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) a[i * N + j] = v[i * N + j] = x[i * N + j] + x[j * N + i];
    assert_int_equal(aml_eigen(v, N, w), AML_OK);
    for (size_t k = 0; k < N; k++) {
        if (k) assert_true(w[k] >= w[k - 1]);
        for (size_t i = 0; i < N; i++) {
            double av = 0;
            for (size_t j = 0; j < N; j++) av += a[i * N + j] * v[j * N + k];
            assert_true(fabs(av - w[k] * v[i * N + k]) < 1e-12);
        }
    }
    free(x);
}

static void tridiagonal_form_is_similar(void **state) {
    enum { N = 11 };
    aml_rng r = stream(11);
    double *x = random_matrix(N, N, &r), a[N * N], q[N * N], d[N], e[N];
    (void)state;
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) a[i * N + j] = q[i * N + j] = x[i * N + j] + x[j * N + i];
    assert_int_equal(aml_tridiagonal(q, N, d, e), AML_OK);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) {
            double unit = 0, t = 0;
            for (size_t k = 0; k < N; k++) {
                unit += q[i * N + k] * q[j * N + k];
                for (size_t l = 0; l < N; l++) t += q[i * N + k] * a[k * N + l] * q[j * N + l];
            }
            double is = i == j ? d[i] : i == j + 1 ? e[j] : j == i + 1 ? e[i] : 0;
            assert_true(fabs(unit - (i == j)) < 1e-13 && fabs(t - is) < 1e-12);
        }
    free(x);
}

static void columns_become_orthonormal(void **state) {
    enum { M = 30, N = 6 };
    aml_rng r = stream(10);
    double *a = random_matrix(M, N, &r), gram[N * N];
    (void)state;
    for (size_t i = 0; i < M; i++) a[i * N + 3] = 2 * a[i * N] - a[i * N + 1]; /* dependent */
    assert_int_equal(aml_orthonormalise(a, M, N), AML_OK);
    aml_dsyrk(N, M, a, N, 0, gram, N);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++)
            assert_true(fabs(gram[i * N + j] - (i == j && i != 3)) < 1e-13);
    free(a);
}

static void sums_are_right_for_every_length(void **state) {
    double x[40], y[40];
    float fx[40], fy[40];
    (void)state;
    for (size_t i = 0; i < 40; i++) {
        fx[i] = (float)(x[i] = (double)i + 1);
        fy[i] = (float)(y[i] = (double)(i % 7));
    }
    double want = 0;
    for (size_t n = 0; n < 40; n++) {
        assert_true(aml_dot(x, y, n) == want && (double)aml_dot_f32(fx, fy, n) == want);
        want += x[n] * y[n];
    }
}

static void distributions_are_inverse_to_their_quantiles(void **state) {
    double first[40], second[40];
    (void)state;
    for (double p = 0.001; p < 1; p += 0.0499) {
        assert_true(fabs(aml_normal_cdf(aml_normal_quantile(p)) - p) < 1e-12);
        assert_true(fabs(aml_student_cdf(aml_student_quantile(p, 4), 4) - p) < 1e-9);
    }
    double h = 1e-5, slope = (aml_normal_cdf(0.3 + h) - aml_normal_cdf(0.3 - h)) / (2 * h);
    assert_true(fabs(slope - aml_normal_pdf(0.3)) < 1e-9);
    assert_true(fabs(aml_lgamma(11) - log(3628800)) < 1e-12);
    assert_int_equal(aml_sobol(first, 40, 5), AML_OK);
    assert_int_equal(aml_sobol(second, 40, 6), AML_OK);
    for (int i = 0; i < 40; i++) assert_true(first[i] > 0 && first[i] < 1 && first[i] != second[i]);
    assert_int_equal(aml_sobol(first, 41, 0), AML_EUSAGE);
    assert_int_equal(aml_sobol(first, 0, 0), AML_EUSAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_products),
        cmocka_unit_test(cholesky_solves),
        cmocka_unit_test(eigenvectors_diagonalise),
        cmocka_unit_test(tridiagonal_form_is_similar),
        cmocka_unit_test(columns_become_orthonormal),
        cmocka_unit_test(sums_are_right_for_every_length),
        cmocka_unit_test(distributions_are_inverse_to_their_quantiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
