/* test_linear_parts.c: losses against differences, paths against single fits and refits without a row,
 * dense against sparse, and what the losses of glm are for. */
#include "linear_problem.h"

#include "learners/parts/enet.h"
#include "learners/parts/exp_f64.h"
#include "learners/parts/linear.h"
#include "learners/parts/ridge_path.h"

/* ---- losses */

static void check_loss(aml_linear_loss loss, size_t k, double y, const double *shape, double at) {
    const double w = 1.7, eps = 1e-6;
    for (size_t c = 0; c < k; c++) {
        double z[3] = {at, 0.3, -0.8}, h[3], up[3], down[3];
        memcpy(up, z, sizeof z);
        memcpy(down, z, sizeof z);
        up[c] += eps;
        down[c] -= eps;
        double f_up = loss(up, NULL, &y, &w, 1, k, shape);
        double f_down = loss(down, NULL, &y, &w, 1, k, shape);
        loss(z, h, &y, &w, 1, k, shape);
        assert_true(fabs((f_up - f_down) / (2 * eps) - z[c]) < 1e-7);
        assert_true(fabs((up[c] - down[c]) / (2 * eps) - h[c]) < 1e-7);
    }
}

static void test_losses_agree_with_differences(void **state) {
    (void)state;
    const double huber[] = {0.9}, quantile[] = {0.3, 0.25};
    for (double at = -3.03; at < 3; at += 0.37) {
        check_loss(aml_loss_squared, 1, 0.4, NULL, at);
        check_loss(aml_loss_logistic, 1, 1, NULL, at);
        check_loss(aml_loss_logistic, 1, 0, NULL, at);
        check_loss(aml_loss_softmax, 3, 2, NULL, at);
        check_loss(aml_loss_squared_hinge, 3, 1, NULL, at);
        check_loss(aml_loss_huber, 1, 0.4, huber, at);
        check_loss(aml_loss_pinball, 1, 0.4, quantile, at);
        check_loss(aml_loss_poisson, 1, 2, NULL, at);
    }
}

static void test_exp_and_log(void **state) {
    (void)state;
    for (double x = -700; x < 700; x += 0.37)
        assert_true(fabs(aml_exp_f64(x) / exp(x) - 1) < 5e-16 * 2);
    for (double x = 1e-17; x <= 1; x *= 1.07)
        assert_true(fabs(aml_log1p_unit(x) / log1p(x) - 1) < 1e-15);
    assert_true(aml_log1p_unit(0) == 0 && aml_exp_f64(0) == 1);
    assert_true(isfinite(aml_exp_f64(1e9)) && isfinite(aml_exp_f64(NAN)));
}

/* ---- ridge */

static const double penalties[] = {1e-3, 0.3, 20, 4000};

static void check_left_out(size_t n, size_t p, double limit) {
    table t;
    table_new(&t, n, p, 0, AML_REGRESSION, 0);
    aml_ridge_path path, other;
    assert_int_equal(aml_ridge_path_fit(&path, &t.data, penalties, 4, true, &t.ctx), AML_OK);
    aml_data rest = t.data;
    size_t rows = t.data.n;
    double mean[4] = {0}, total = 0;
    for (size_t i = 0; i < rows; i++) total += t.w[t.rows[i]];
    for (size_t i = 0; i < rows; i++) {
        uint32_t *list = AML_ARRAY(t.keep, rows, uint32_t), out = t.rows[i];
        for (size_t l = 0; l + 1 < rows; l++) list[l] = t.rows[l < i ? l : l + 1];
        rest.rows = list;
        rest.n = rows - 1;
        assert_int_equal(aml_ridge_path_fit(&other, &rest, penalties, 4, false, &t.ctx), AML_OK);
        for (size_t a = 0; a < 4; a++) {
            double z = other.coef[p * 4 + a] - t.y[out];
            for (size_t j = 0; j < p; j++)
                z += other.coef[j * 4 + a] * (double)t.dense[out * p + j];
            mean[a] += t.w[out] / total * z * z;
            double gap = fabs(z - path.left[i * 4 + a]);
            if (!(gap < limit * fmax(1, fabs(z))))
                fail_msg("p %zu row %zu: %g of %g", p, i, gap, z);
        }
    }
    for (size_t a = 0; a < 4; a++) assert_true(fabs(mean[a] / path.loo[a] - 1) < 1e-8);
    for (size_t a = 0; a < 4; a++) assert_true(path.loo[path.best] <= path.loo[a]);
    table_free(&t);
}

static void test_rows_left_out(void **state) {
    (void)state;
    check_left_out(90, 6, 1e-9);
    check_left_out(45, 29, 1e-9);
    check_left_out(45, 80, 1e-9); /* by rows */
}

static void test_ridge_path_is_single_fits(void **state) {
    (void)state;
    for (size_t p = 5; p < 200; p += 110) {
        table t;
        table_new(&t, 120, p, 0, AML_REGRESSION, 0);
        aml_ridge_path path;
        assert_int_equal(aml_ridge_path_fit(&path, &t.data, penalties, 4, false, &t.ctx), AML_OK);
        for (size_t a = 0; a < 4; a++) {
            const aml_linear *m = fitted(&t, &aml_learner_ridge, (double[]){penalties[a], 0});
            for (size_t j = 0; j <= p; j++)
                assert_true(fabs(m->coef[j] - path.coef[j * 4 + a]) < 1e-6);
        }
        const aml_linear *best = fitted(&t, &aml_learner_ridge, (double[]){1, 1});
        assert_true(best->p == p && isfinite(best->coef[p]));
        table_free(&t);
    }
}

/* Large enough for float arithmetic: against single fits, and against refits without a row. */
static void check_large(size_t n, size_t p, bool collinear) {
    table t;
    table_new(&t, n, p, 0, AML_REGRESSION, 0);
    for (size_t i = 0; collinear && i < t.n; i++) /* but for a part in ten thousand */
        t.dense[i * p + 1] = t.dense[i * p] + 1e-4F * t.dense[i * p + 2];
    aml_ridge_path path, other;
    assert_int_equal(aml_ridge_path_fit(&path, &t.data, penalties, 4, true, &t.ctx), AML_OK);
    for (size_t a = 0; a < 4; a++) {
        const aml_linear *m = fitted(&t, &aml_learner_ridge, (double[]){penalties[a], 0});
        for (size_t j = 0; j <= p; j++)
            if (!(fabs(m->coef[j] - path.coef[j * 4 + a]) < 2e-5))
                fail_msg("%zu x %zu: coefficient %zu %g, alone %g", n, p, j, path.coef[j * 4 + a],
                         m->coef[j]);
    }
    aml_data rest = t.data;
    uint32_t *list = AML_ARRAY(t.keep, t.data.n, uint32_t);
    rest.rows = list;
    rest.n--;
    for (size_t i = 0; i < t.data.n; i += t.data.n / 3) {
        for (size_t l = 0; l < rest.n; l++) list[l] = t.rows[l < i ? l : l + 1];
        assert_int_equal(aml_ridge_path_fit(&other, &rest, penalties, 4, false, &t.ctx), AML_OK);
        for (size_t a = 0; a < 4; a++) {
            double z = other.coef[p * 4 + a] - t.y[t.rows[i]];
            for (size_t j = 0; j < p; j++)
                z += other.coef[j * 4 + a] * (double)t.dense[t.rows[i] * p + j];
            if (!(fabs(z - path.left[i * 4 + a]) < 2e-5))
                fail_msg("%zu x %zu: row %zu left out %g, refit %g", n, p, i, path.left[i * 4 + a],
                         z);
        }
    }
    table_free(&t);
}

static void test_ridge_path_in_floats(void **state) {
    (void)state;
    check_large(2000, 300, false);
    check_large(2000, 300, true);
    check_large(420, 1500, false);
}

/* ---- elastic net */

static void as_dense(table *t) {
    size_t q = t->csr.p;
    float *dense = AML_ARRAY(t->keep, t->n * q, float);
    for (size_t i = 0; i < t->n; i++)
        for (uint64_t e = t->csr.start[i]; e < t->csr.start[i + 1]; e++)
            dense[i * q + t->csr.column[e]] = t->csr.value[e];
    t->design.p = q;
    t->design.dense = dense;
    t->design.csr = NULL;
}

static void check_sparse(const aml_learner *l, aml_task_kind task, const double *hp, double limit) {
    table t;
    table_new(&t, 400, 0, 40, task, task == AML_REGRESSION ? 0 : 3 - (task == AML_BINARY));
    double *sparse = predicted(&t, l, fitted(&t, l, hp));
    as_dense(&t);
    double gap = largest_gap(sparse, predicted(&t, l, fitted(&t, l, hp)), outputs(&t));
    if (!(gap < limit)) fail_msg("%s: sparse and dense differ by %g", l->name, gap);
    table_free(&t);
}

static void test_sparse_is_dense(void **state) {
    (void)state;
    check_sparse(&aml_learner_elastic_net, AML_REGRESSION, (double[]){0.03, 0.7}, 1e-4);
    check_sparse(&aml_learner_elastic_net, AML_REGRESSION, (double[]){0.03, 0}, 1e-4);
    check_sparse(&aml_learner_ridge, AML_REGRESSION, (double[]){2, 0}, 1e-5);
    check_sparse(&aml_learner_glm, AML_REGRESSION, (double[]){0, 1, 1.35, 0.5}, 1e-2);
    check_sparse(&aml_learner_glm, AML_REGRESSION, (double[]){2, 1, 1.35, 0.5}, 1e-2);
    check_sparse(&aml_learner_linear_svm, AML_BINARY, (double[]){0.5, 1e-12}, 1e-4);
    check_sparse(&aml_learner_linear_svm, AML_MULTICLASS, (double[]){0.5, 1e-12}, 1e-4);
}

/* Rows of 5 in 3000 words: at the end of a fit the penalty balances the slopes of the loss. */
static void check_balance(const aml_learner *l, aml_task_kind task, int n_classes, double c,
                          aml_linear_loss loss) {
    enum { N = 900, Q = 3000, WORDS = 5 };
    table t;
    table_new(&t, N, 0, 1, task, n_classes);
    aml_rng rng = aml_rng_stream(3, AML_RNG_TEST, 0, 0);
    uint32_t *column = AML_ARRAY(t.keep, N * WORDS, uint32_t);
    float *value = AML_ARRAY(t.keep, N * WORDS, float);
    uint64_t *start = AML_ARRAY(t.keep, N + 1, uint64_t);
    for (size_t i = 0; i < N; i++) {
        t.y[i] = (double)aml_rng_below(&rng, (uint32_t)n_classes);
        start[i + 1] = (i + 1) * WORDS;
        for (uint32_t e = 0; e < WORDS; e++) { /* upwards; the class shows in half of the words */
            uint32_t word = aml_rng_below(&rng, Q / WORDS);
            if (e % 2) word = word / 8 * 8 + (uint32_t)t.y[i];
            column[i * WORDS + e] = e * (Q / WORDS) + word % (Q / WORDS);
            value[i * WORDS + e] = (float)(0.2 + 0.3 * aml_rng_uniform(&rng));
        }
    }
    t.csr = (aml_csr){.n = N, .p = Q, .start = start, .column = column, .value = value};
    const aml_linear *m = fitted(&t, l, (double[]){c, 1e-13});
    double *g = AML_ARRAY(t.keep, (Q + 1) * m->k, double), z[3], y;
    for (size_t i = 0; i < t.data.n; i++) {
        size_t row = t.rows[i];
        for (size_t o = 0; o < m->k; o++) {
            z[o] = m->coef[Q * m->k + o];
            for (uint64_t e = start[row]; e < start[row + 1]; e++)
                z[o] += (double)value[e] * m->coef[column[e] * m->k + o];
        }
        y = t.y[row];
        loss(z, NULL, &y, &t.w[row], 1, m->k, NULL);
        for (size_t o = 0; o < m->k; o++) {
            g[Q * m->k + o] += z[o];
            for (uint64_t e = start[row]; e < start[row + 1]; e++)
                g[column[e] * m->k + o] += (double)value[e] * z[o];
        }
    }
    for (size_t j = 0; j < Q * m->k; j++) g[j] += m->coef[j] / c;
    for (size_t j = 0; j < (Q + 1) * m->k; j++)
        if (!(fabs(g[j]) < 1e-3)) fail_msg("%s, C %g: slope %g at %zu", l->name, c, g[j], j);
    table_free(&t);
}

static void test_sparse_classifiers_end_where_nothing_pulls(void **state) {
    (void)state;
    for (double c = 0.01; c < 200; c *= 10) { /* coordinate ascent, then conjugate gradients */
        check_balance(&aml_learner_logistic, AML_BINARY, 2, c, aml_loss_logistic);
        check_balance(&aml_learner_linear_svm, AML_BINARY, 2, c, aml_loss_squared_hinge);
        check_balance(&aml_learner_linear_svm, AML_MULTICLASS, 3, c, aml_loss_squared_hinge);
        check_balance(&aml_learner_logistic, AML_MULTICLASS, 3, c, aml_loss_softmax);
    }
}

/* A path of warm starts ends where a fit from nothing does, and its gap is what was asked for. */
static void check_enet_path(size_t n, size_t p, size_t q) {
    table t;
    table_new(&t, n, p, q, AML_REGRESSION, 0);
    aml_enet warm, cold;
    assert_int_equal(aml_enet_init(&warm, &t.data, &t.ctx), AML_OK);
    double largest = aml_enet_largest(&warm);
    assert_int_equal(aml_enet_solve(&warm, largest * 1.001, 0.01, 1e-13), AML_OK);
    for (size_t j = 0; j < p + q; j++) assert_true(warm.coef[j] == 0);
    for (double l1 = largest; l1 > 0.005 * largest; l1 *= 0.7) {
        assert_int_equal(aml_enet_solve(&warm, l1, 0.01, 1e-13), AML_OK);
        assert_true(warm.gap <= 1e-13);
        assert_int_equal(aml_enet_init(&cold, &t.data, &t.ctx), AML_OK);
        assert_int_equal(aml_enet_solve(&cold, l1, 0.01, 1e-13), AML_OK);
        assert_true(largest_gap(warm.coef, cold.coef, p + q) < 1e-5);
        for (size_t j = 0; j < p + q; j++) { /* the conditions of optimality */
            double pull = warm.slope[j] - 0.01 * warm.coef[j];
            double gap = warm.coef[j] != 0 ? fabs(pull - copysign(l1, warm.coef[j]))
                                           : fmax(fabs(pull) - l1, 0);
            assert_true(gap < 2e-6);
        }
    }
    table_free(&t);
}

static void test_enet_path_is_single_fits(void **state) {
    (void)state;
    check_enet_path(200, 20, 0);
    check_enet_path(90, 300, 0); /* no products of all features */
    check_enet_path(150, 5, 60);
}

/* ---- glm */

static void test_quantile_covers(void **state) {
    (void)state;
    const double share[] = {0.1, 0.5, 0.9};
    for (size_t s = 0; s < 3; s++) {
        table t;
        table_new(&t, 6000, 5, 0, AML_REGRESSION, 0);
        double *out = predicted(&t, &aml_learner_glm,
                                fitted(&t, &aml_learner_glm, (double[]){1, 0.01, 1, share[s]}));
        double below = 0, total = 0;
        for (size_t i = 0; i < t.data.n; i++) {
            total += t.w[t.rows[i]];
            if (t.y[t.rows[i]] < out[i]) below += t.w[t.rows[i]];
        }
        assert_true(fabs(below / total - share[s]) < 0.01);
        table_free(&t);
    }
}

/* A tenth of the targets far off: Huber's coefficients stay, the squared loss's do not. */
static void test_huber_resists_outliers(void **state) {
    (void)state;
    table t;
    const size_t p = 5;
    table_new(&t, 3000, p, 0, AML_REGRESSION, 0);
    const aml_linear *clean = fitted(&t, &aml_learner_ridge, (double[]){0.1, 0});
    for (size_t i = 0; i < t.n; i += 10) t.y[i] += 500;
    const aml_linear *squared = fitted(&t, &aml_learner_ridge, (double[]){0.1, 0}),
                     *huber = fitted(&t, &aml_learner_glm, (double[]){0, 0.1, 1.35, 0.5});
    assert_true(fabs(squared->coef[p] - clean->coef[p]) > 20);
    assert_true(largest_gap(huber->coef, clean->coef, p + 1) < 0.5);
    table_free(&t);
}

/* The intercept is not penalised: the mean prediction is the mean count; and the rates are found. */
static void test_poisson_counts(void **state) {
    (void)state;
    table t;
    table_new(&t, 4000, 3, 0, AML_REGRESSION, 0);
    for (size_t i = 0; i < t.n; i++) t.y[i] = exp(0.5 + 0.4 * (double)t.dense[i * 3]);
    const aml_linear *m = fitted(&t, &aml_learner_glm, (double[]){2, 1e-3, 1, 0.5});
    double *out = predicted(&t, &aml_learner_glm, m), sum = 0, mean = 0;
    for (size_t i = 0; i < t.data.n; i++) {
        sum += t.w[t.rows[i]] * out[i];
        mean += t.w[t.rows[i]] * t.y[t.rows[i]];
    }
    assert_true(fabs(sum / mean - 1) < 1e-4);
    assert_true(fabs(m->coef[0] - 0.4) < 1e-3 && fabs(m->coef[1]) < 1e-3);
    table_free(&t);
}

/* A fit that starts at its own solution stays there, and says how near it came. */
static void test_warm_start(void **state) {
    (void)state;
    table t;
    table_new(&t, 900, 6, 0, AML_BINARY, 2);
    aml_linear_task task = {.loss = aml_loss_logistic, .penalty = 2, .tolerance = 1e-13};
    aml_linear cold, warm;
    assert_int_equal(aml_linear_fit(&cold, &t.data, &task, &t.ctx), AML_OK);
    assert_true(cold.gain <= 0.5e-13);
    task.start = cold.coef;
    assert_int_equal(aml_linear_fit(&warm, &t.data, &task, &t.ctx), AML_OK);
    assert_true(largest_gap(cold.coef, warm.coef, 7) < 1e-6);
    table_free(&t);
}

int main(void) {
    aml_par_init();
    aml_linalg_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_losses_agree_with_differences),
        cmocka_unit_test(test_exp_and_log),
        cmocka_unit_test(test_rows_left_out),
        cmocka_unit_test(test_ridge_path_is_single_fits),
        cmocka_unit_test(test_ridge_path_in_floats),
        cmocka_unit_test(test_sparse_is_dense),
        cmocka_unit_test(test_sparse_classifiers_end_where_nothing_pulls),
        cmocka_unit_test(test_enet_path_is_single_fits),
        cmocka_unit_test(test_quantile_covers),
        cmocka_unit_test(test_huber_resists_outliers),
        cmocka_unit_test(test_poisson_counts),
        cmocka_unit_test(test_warm_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
