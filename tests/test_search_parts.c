/* test_search_parts.c: the models behind the samplers, each against a direct computation. */
#include "automl/core/linalg.h"
#include "automl/core/par.h"
#include "search/parts/acquisition.h"
#include "search/parts/gp.h"
#include "search/parts/knowledge.h"
#include "search/parts/mix.h"
#include "search/parts/warp.h"
#include "search_fixture.h"

#define assert_near(a, b, tolerance) assert_true(fabs((a) - (b)) <= (tolerance))

/* Gauss-Jordan with pivoting: slow, and nothing in common with Cholesky. a (n × n) becomes its
 * inverse. */
static void invert_plainly(double *a, size_t n) {
    double b[64 * 64] = {0};
    for (size_t i = 0; i < n; i++) b[i * n + i] = 1;
    for (size_t c = 0; c < n; c++) {
        size_t pivot = c;
        for (size_t i = c; i < n; i++)
            if (fabs(a[i * n + c]) > fabs(a[pivot * n + c])) pivot = i;
        for (size_t j = 0; j < n; j++) {
            double t = a[c * n + j], u = b[c * n + j];
            a[c * n + j] = a[pivot * n + j], a[pivot * n + j] = t;
            b[c * n + j] = b[pivot * n + j], b[pivot * n + j] = u;
        }
        double own = a[c * n + c];
        for (size_t j = 0; j < n; j++) a[c * n + j] /= own, b[c * n + j] /= own;
        for (size_t i = 0; i < n; i++) {
            double f = i == c ? 0 : a[i * n + c];
            for (size_t j = 0; j < n; j++)
                a[i * n + j] -= f * a[c * n + j], b[i * n + j] -= f * b[c * n + j];
        }
    }
    memcpy(a, b, n * n * sizeof *a);
}

/* ---- expected improvement */

static void test_improvement_is_the_integral(void **state) {
    (void)state;
    for (double mean = -3; mean <= 3; mean += 0.75) {
        double sd = 0.7, best = 0.2, sum = 0, step = 1e-3;
        for (double y = mean - 9 * sd + step / 2; y < best; y += step)
            sum += step * (best - y) * exp(-0.5 * (y - mean) * (y - mean) / (sd * sd)) /
                   (sd * sqrt(2 * M_PI));
        assert_near(aml_expected_improvement(mean, sd, best), sum, 1e-6);
    }
}

static void test_improvement_table(void **state) {
    (void)state;
    aml_improvement_table t;
    aml_improvement_table_init(&t);
    for (double z = -7; z < 7; z += 0.00173)
        assert_near(aml_improvement_at(&t, z), aml_expected_improvement(-z, 1, 0), 2e-9);
}

static void test_log_improvement(void **state) {
    (void)state;
    for (double z = -24; z < 6; z += 0.37)
        assert_near(aml_log_expected_improvement(-z, 1, 0), log(aml_expected_improvement(-z, 1, 0)),
                    1e-9);
    double before = aml_log_expected_improvement(24.999999, 1, 0);
    double behind = aml_log_expected_improvement(25.000001, 1, 0);
    assert_near(before, behind, 1e-3);
    assert_true(before > behind);
    assert_true(isfinite(aml_log_expected_improvement(1e5, 1e-3, 0)));
}

/* ---- Gaussian process */

enum { N = 17, D = 3, M = 5 };
static const size_t scales[D] = {0, 1, 1};

static void fill_gp(aml_gp *g, aml_rng *rng, aml_arena *arena) {
    double x[D];
    assert_int_equal(aml_gp_new(g, N, D, scales, 2, arena), AML_OK);
    g->weight[0] = 3, g->weight[1] = 0.4, g->noise = 0.05, g->signal = 1.7;
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < D; j++) x[j] = aml_rng_uniform(rng);
        aml_gp_append(g, x, sin(5 * x[0]) + x[1] + 0.1 * aml_rng_normal(rng));
    }
    aml_gp_solve(g);
}

static void test_gp_against_direct_solve(void **state) {
    (void)state;
    aml_ctx ctx = search_ctx(1);
    aml_gp g;
    double k[N * N], points[M * D], mean[M], variance[M];
    fill_gp(&g, &ctx.rng, ctx.keep);
    for (size_t i = 0; i < M * D; i++) points[i] = aml_rng_uniform(&ctx.rng);
    assert_int_equal(aml_gp_predict(mean, variance, &g, points, M, ctx.scratch), AML_OK);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++)
            k[i * N + j] = aml_gp_kernel(&g, g.x + i * D, g.x + j * D) + (i == j ? g.noise : 0);
    invert_plainly(k, N);
    for (size_t p = 0; p < M; p++) {
        double m = 0, v = g.level + g.signal;
        for (size_t i = 0; i < N; i++)
            for (size_t j = 0; j < N; j++) {
                double a = aml_gp_kernel(&g, g.x + i * D, points + p * D);
                m += a * k[i * N + j] * g.y[j];
                v -= a * k[i * N + j] * aml_gp_kernel(&g, g.x + j * D, points + p * D);
            }
        assert_near(mean[p], m, 1e-9);
        assert_near(variance[p], v, 1e-9);
    }
    aml_ctx_close(&ctx);
}

static void test_gp_gradient_is_the_difference(void **state) {
    (void)state;
    aml_ctx ctx = search_ctx(2);
    aml_gp g;
    double gradient[4], ignored[4], above, below, step = 1e-5;
    fill_gp(&g, &ctx.rng, ctx.keep);
    double *work = AML_ARRAY(ctx.scratch, 4 * N * N + N, double), value;
    double *logs[4] = {&g.weight[0], &g.weight[1], &g.signal, &g.noise};
    assert_true(aml_gp_objective(&value, gradient, &g, work));
    for (int j = 0; j < 4; j++) {
        double x = *logs[j];
        *logs[j] = x * exp(step);
        assert_true(aml_gp_objective(&above, ignored, &g, work));
        *logs[j] = x * exp(-step);
        assert_true(aml_gp_objective(&below, ignored, &g, work));
        *logs[j] = x;
        assert_near(gradient[j], (above - below) / (2 * step), 1e-5);
    }
    assert_int_equal(aml_gp_fit(&g, ctx.scratch), AML_OK);
    assert_true(aml_gp_objective(&above, ignored, &g, work));
    assert_true(above < value);
    aml_ctx_close(&ctx);
}

static void test_warp_is_monotone(void **state) {
    (void)state;
    aml_ctx ctx = search_ctx(3);
    double loss[40], last = -INFINITY;
    aml_warp w;
    for (int i = 0; i < 40; i++) loss[i] = i % 7 == 0 ? 0.5 : exp(2 * aml_rng_normal(&ctx.rng));
    loss[3] = 1e9;
    assert_int_equal(aml_warp_new(&w, loss, 40, ctx.keep), AML_OK);
    for (double x = -2; x < 1e10; x += 0.01 + 0.01 * fabs(x)) {
        double y = aml_warp_apply(&w, x);
        assert_true(y >= last && y < 4);
        last = y;
    }
    assert_near(aml_warp_apply(&w, w.centre), 0, 1e-12);
    assert_int_equal(aml_warp_new(&w, (double[]){2, 2, 2}, 3, ctx.keep), AML_OK);
    assert_near(aml_warp_apply(&w, 2), 0, 1e-12);
    aml_ctx_close(&ctx);
}

/* ---- mixture */

enum { ROWS = 9, COLUMNS = 6 };

static void fill_matrix(double *y, size_t n, size_t p, aml_rng *rng) {
    for (size_t i = 0; i < n; i++) {
        double level = 0.3 + 0.3 * aml_rng_uniform(rng), slope = aml_rng_normal(rng);
        for (size_t j = 0; j < p; j++)
            y[i * p + j] =
                level + 0.05 * slope * (double)j / (double)p + 0.03 * aml_rng_normal(rng);
    }
}

/* Conditioning one by one must be the textbook's conditional of each component, and its weight. */
static void test_mixture_against_dense_formula(void **state) {
    (void)state;
    static const size_t seen[3] = {4, 1, 3};
    static const double value[3] = {0.41, 0.37, 0.5};
    aml_ctx ctx = search_ctx(4);
    aml_mix_prior *prior;
    aml_mix start, m;
    double y[ROWS * COLUMNS], k[9], log_weight[ROWS];
    fill_matrix(y, ROWS, COLUMNS, &ctx.rng);
    assert_int_equal(aml_mix_prior_new(&prior, y, ROWS, COLUMNS, &ctx), AML_OK);
    assert_int_equal(aml_mix_start(&start, prior, NULL, ctx.keep), AML_OK);
    assert_int_equal(aml_mix_start(&m, prior, NULL, ctx.keep), AML_OK);
    for (int t = 0; t < 3; t++) aml_mix_observe(&m, seen[t], value[t]);
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++) k[a * 3 + b] = start.c[seen[a] * COLUMNS + seen[b]];
    invert_plainly(k, 3);
    for (size_t i = 0; i < ROWS; i++) {
        double distance = 0;
        for (size_t j = 0; j < COLUMNS; j++) {
            double mean = start.z[i * COLUMNS + j];
            for (int a = 0; a < 3; a++)
                for (int b = 0; b < 3; b++)
                    mean += start.c[j * COLUMNS + seen[a]] * k[a * 3 + b] *
                            (value[b] - start.z[i * COLUMNS + seen[b]]);
            assert_near(m.z[i * COLUMNS + j], mean, 1e-10);
        }
        for (int a = 0; a < 3; a++)
            for (int b = 0; b < 3; b++)
                distance += (value[a] - start.z[i * COLUMNS + seen[a]]) * k[a * 3 + b] *
                            (value[b] - start.z[i * COLUMNS + seen[b]]);
        log_weight[i] = start.log_weight[i] - 0.8 * 0.5 * distance;
        assert_near(m.log_weight[i] - m.log_weight[0], log_weight[i] - log_weight[0], 1e-9);
    }
    for (size_t j = 0; j < COLUMNS; j++)
        for (size_t l = 0; l < COLUMNS; l++) {
            double c = start.c[j * COLUMNS + l];
            for (int a = 0; a < 3; a++)
                for (int b = 0; b < 3; b++)
                    c -= start.c[j * COLUMNS + seen[a]] * k[a * 3 + b] *
                         start.c[seen[b] * COLUMNS + l];
            assert_near(m.c[j * COLUMNS + l], c, 1e-12);
        }
    aml_ctx_close(&ctx);
}

static void test_mixture_ends(void **state) {
    (void)state;
    aml_ctx ctx = search_ctx(5);
    aml_mix_prior *prior;
    aml_mix m;
    double y[ROWS * COLUMNS], w[ROWS], sum = 0;
    bool seen[COLUMNS] = {false};
    fill_matrix(y, ROWS, COLUMNS, &ctx.rng);
    assert_int_equal(aml_mix_prior_new(&prior, y, ROWS, COLUMNS, &ctx), AML_OK);
    assert_int_equal(aml_mix_start(&m, prior, NULL, ctx.keep), AML_OK);
    for (size_t t = 0; t < COLUMNS; t++) {
        size_t pick = aml_mix_pick(&m, NULL);
        assert_true(pick < COLUMNS && !seen[pick]);
        seen[pick] = true;
        if (t % 2) aml_mix_believe(&m, pick);
        else aml_mix_observe(&m, pick, y[pick]);
    }
    assert_int_equal(aml_mix_pick(&m, NULL), COLUMNS);
    aml_mix_weights(w, &m);
    for (size_t i = 0; i < ROWS; i++) sum += w[i];
    assert_near(sum, 1, 1e-12);
    aml_ctx_close(&ctx);
}

/* Gaps of a nearly rank-1 matrix come back close to what was taken away. */
static void test_gaps_are_filled(void **state) {
    (void)state;
    enum { n = 60, p = 8 };
    aml_ctx ctx = search_ctx(6);
    double full[n * p], y[n * p], error = 0, spread = 0;
    aml_mix_prior *prior;
    for (size_t i = 0; i < n; i++) {
        double u = aml_rng_normal(&ctx.rng);
        for (size_t j = 0; j < p; j++)
            y[i * p + j] = full[i * p + j] =
                0.5 + 0.1 * u * (j % 2 ? -1 : 1) + 0.005 * aml_rng_normal(&ctx.rng);
    }
    for (size_t i = 0; i < n; i++) y[i * p + i % p] = NAN;
    assert_int_equal(aml_mix_prior_new(&prior, y, n, p, &ctx), AML_OK);
    for (size_t i = 0; i < n; i++) {
        double d = prior->rows[i * p + i % p] - full[i * p + i % p];
        error += d * d;
        spread += (full[i * p + i % p] - 0.5) * (full[i * p + i % p] - 0.5);
    }
    assert_true(error < 0.05 * spread);
    aml_ctx_close(&ctx);
}

/* The portfolio's first column has the lowest mean; each next one the lowest mean best-so-far of
 * all. */
static void test_portfolio_is_greedy(void **state) {
    (void)state;
    aml_ctx ctx = search_ctx(7);
    double y[ROWS * COLUMNS], best[ROWS];
    size_t order[COLUMNS];
    aml_mix_prior *prior;
    for (size_t i = 0; i < ROWS * COLUMNS; i++) y[i] = aml_rng_uniform(&ctx.rng);
    for (size_t i = 0; i < ROWS; i++) best[i] = INFINITY;
    assert_int_equal(aml_mix_prior_new(&prior, y, ROWS, COLUMNS, &ctx), AML_OK);
    assert_int_equal(aml_greedy_portfolio(order, prior, NULL, ctx.scratch), AML_OK);
    for (size_t k = 0; k < 3; k++) {
        double lowest = INFINITY, own = 0;
        for (size_t j = 0; j < COLUMNS; j++) {
            double sum = 0;
            for (size_t i = 0; i < ROWS; i++) sum += fmin(best[i], y[i * COLUMNS + j]);
            lowest = fmin(lowest, sum);
            if (j == order[k]) own = sum;
        }
        assert_near(own, lowest, 1e-12);
        for (size_t i = 0; i < ROWS; i++) best[i] = fmin(best[i], y[i * COLUMNS + order[k]]);
    }
    aml_ctx_close(&ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_improvement_is_the_integral),
        cmocka_unit_test(test_improvement_table),
        cmocka_unit_test(test_log_improvement),
        cmocka_unit_test(test_gp_against_direct_solve),
        cmocka_unit_test(test_gp_gradient_is_the_difference),
        cmocka_unit_test(test_warp_is_monotone),
        cmocka_unit_test(test_mixture_against_dense_formula),
        cmocka_unit_test(test_mixture_ends),
        cmocka_unit_test(test_gaps_are_filled),
        cmocka_unit_test(test_portfolio_is_greedy),
    };
    aml_linalg_init();
    aml_par_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
