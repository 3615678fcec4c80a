/* test_linear.c: linear models: gradients, conditions of optimality, the same problem told in two ways. */
#include "linear_problem.h"

#include "learners/parts/linear.h"

/* ---- the minimum is one: the gradient of the penalised loss is zero */

static void slopes_of(double *slope, const double *z, double y, aml_task_kind task, size_t k) {
    double p[8];
    memcpy(p, z, k * sizeof *p);
    if (task == AML_BINARY) aml_link_logistic(p, 1, NULL);
    if (task == AML_MULTICLASS) aml_link_softmax(p, k, NULL);
    for (size_t c = 0; c < k; c++)
        slope[c] = p[c] - (task == AML_MULTICLASS ? (c == (size_t)y) : y);
}

static double gradient_norm(table *t, const aml_linear *m, double penalty) {
    size_t k = m->k, d = (m->p + m->q + 1) * k;
    double *g = AML_ARRAY(t->keep, d, double), *z = AML_ARRAY(t->keep, t->data.n * k, double),
           slope[8], largest = 0;
    assert_int_equal(aml_linear_predict(z, m, &t->data, NULL, NULL, &t->ctx), AML_OK);
    for (size_t j = 0; j < d - k; j++) g[j] = penalty * m->coef[j];
    for (size_t i = 0; i < t->data.n; i++) {
        size_t row = t->rows[i];
        slopes_of(slope, z + i * k, t->y[row], t->data.task, k);
        for (size_t c = 0; c < k; c++) {
            double ws = t->w[row] * slope[c];
            for (size_t j = 0; j < m->p; j++) g[j * k + c] += ws * (double)t->dense[row * m->p + j];
            for (uint64_t e = m->q ? t->csr.start[row] : 0; m->q && e < t->csr.start[row + 1]; e++)
                g[(m->p + t->csr.column[e]) * k + c] += ws * (double)t->csr.value[e];
            g[d - k + c] += ws;
        }
    }
    for (size_t j = 0; j < d; j++) largest = fmax(largest, fabs(g[j]));
    return largest / (double)t->data.n;
}

static void check_gradient(size_t p, size_t q, size_t task, double strength, double limit) {
    table t;
    table_new(&t, 600, p, q, tasks[task].kind, tasks[task].n_classes);
    bool squared = tasks[task].kind == AML_REGRESSION;
    const aml_learner *l = squared ? &aml_learner_ridge : &aml_learner_logistic;
    aml_linear *m = fitted(&t, l, (double[]){strength, 1e-11});
    double norm = gradient_norm(&t, m, squared ? strength : 1 / strength);
    if (!(norm < limit))
        fail_msg("gradient %g for p %zu q %zu task %zu strength %g", norm, p, q, task, strength);
    table_free(&t);
}

static void test_gradient_is_zero(void **state) {
    (void)state;
    const double strength[] = {1e-3, 1, 1e3};
    for (size_t s = 0; s < 3; s++) {
        for (size_t task = 0; task < 3; task++) {
            check_gradient(8, 0, task, strength[s], 2e-6);
            check_gradient(8, 12, task, strength[s], 5e-6);
            check_gradient(0, 12, task, strength[s], 5e-6);
        }
    }
    check_gradient(700, 0, 0, 1, 5e-6); /* more features than rows */
    check_gradient(700, 0, 2, 1, 2e-6);
    check_gradient(2100, 0, 2, 1, 2e-5); /* beyond the full matrix */
}

/* Elastic net: |x'r| = l1 where a coefficient is not zero, less elsewhere. */
static void check_subgradient(size_t n, size_t p, double alpha, double ratio, double limit) {
    table t;
    table_new(&t, n, p, 0, AML_REGRESSION, 0);
    aml_linear *m = fitted(&t, &aml_learner_elastic_net, (double[]){alpha, ratio});
    double *z = predicted(&t, &aml_learner_elastic_net, m), total = 0, mean = 0, square = 0,
           residual = 0;
    for (size_t i = 0; i < t.data.n; i++) {
        size_t row = t.rows[i];
        total += t.w[row];
        mean += t.w[row] * t.y[row];
        residual += t.w[row] * (t.y[row] - z[i]);
    }
    mean /= total;
    for (size_t i = 0; i < t.data.n; i++) square += t.w[t.rows[i]] * pow(t.y[t.rows[i]] - mean, 2);
    double sd = sqrt(square / total);
    assert_true(fabs(residual / total) < 1e-8 * sd);
    for (size_t j = 0; j < p; j++) {
        double pull = 0, coef = m->coef[j] / sd;
        for (size_t i = 0; i < t.data.n; i++)
            pull += t.w[t.rows[i]] / total * (t.y[t.rows[i]] - z[i]) / sd *
                    (double)t.dense[t.rows[i] * p + j];
        pull -= alpha * (1 - ratio) * coef;
        double gap = coef != 0 ? fabs(pull - copysign(alpha * ratio, coef))
                               : fmax(fabs(pull) - alpha * ratio, 0);
        if (gap > limit)
            fail_msg("subgradient %g at %zu (p %zu alpha %g ratio %g)", gap, j, p, alpha, ratio);
    }
    table_free(&t);
}

static void test_subgradient_is_zero(void **state) {
    (void)state;
    check_subgradient(300, 10, 0.1, 0.5, 1e-7);
    check_subgradient(300, 10, 1e-5, 1, 1e-7);
    check_subgradient(300, 10, 1e-2, 0, 1e-7);
    check_subgradient(90, 200, 1e-2, 0.9, 1e-6);
    check_subgradient(60, 2100, 0.1, 0.9, 1e-6); /* on the residuals */
}

/* ---- the same problem told in two ways */

static void test_sparse_and_dense_agree(void **state) {
    (void)state;
    for (size_t task = 0; task < 3; task++) {
        table t;
        table_new(&t, 400, 0, 9, tasks[task].kind, tasks[task].n_classes);
        const aml_learner *l = task == 2 ? &aml_learner_ridge : &aml_learner_logistic;
        double *sparse = predicted(&t, l, fitted(&t, l, (double[]){1, 1e-11}));
        float *dense = AML_ARRAY(t.keep, t.n * 9, float);
        for (size_t i = 0; i < t.n; i++)
            for (uint64_t e = t.csr.start[i]; e < t.csr.start[i + 1]; e++)
                dense[i * 9 + t.csr.column[e]] = t.csr.value[e];
        t.design.p = 9;
        t.design.dense = dense;
        t.design.csr = NULL;
        double *full = predicted(&t, l, fitted(&t, l, (double[]){1, 1e-11}));
        assert_true(largest_gap(sparse, full, outputs(&t)) < (task == 2 ? 1e-6 : 2e-5));
        table_free(&t);
    }
}

/* A shift of a feature goes into the intercept; its scale does not matter without a penalty. */
static void test_ill_scaled_columns(void **state) {
    (void)state;
    for (size_t task = 0; task < 3; task++) {
        table t;
        table_new(&t, 500, 6, 0, tasks[task].kind, tasks[task].n_classes);
        const aml_learner *l = task == 2 ? &aml_learner_ridge : &aml_learner_logistic;
        double strength = task == 2 ? 1e-4 : 1e4;
        double *before = predicted(&t, l, fitted(&t, l, (double[]){strength, 1e-11}));
        for (size_t i = 0; i < t.n; i++) {
            t.dense[i * 6] = t.dense[i * 6] * 1e12f;
            t.dense[i * 6 + 1] += 4096;
        }
        double *after = predicted(&t, l, fitted(&t, l, (double[]){strength, 1e-11}));
        double gap = largest_gap(before, after, outputs(&t));
        if (!(gap < 2e-3)) fail_msg("task %zu: %g", task, gap);
        table_free(&t);
    }
}

int main(void) {
    aml_par_init();
    aml_linalg_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradient_is_zero),
        cmocka_unit_test(test_subgradient_is_zero),
        cmocka_unit_test(test_sparse_and_dense_agree),
        cmocka_unit_test(test_ill_scaled_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
