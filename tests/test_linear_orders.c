/* test_linear_orders.c: what must not matter to linear models: the order of rows and of columns; and products
 * of features by float arithmetic beside those in doubles. */
#include "linear_problem.h"

#include "learners/parts/gram.h"

/* ---- the same table in another order */

static void turn_rows(table *t) {
    for (size_t i = 0, n = t->data.n; i < n / 2; i++) {
        uint32_t row = t->rows[i];
        t->rows[i] = t->rows[n - 1 - i];
        t->rows[n - 1 - i] = row;
    }
}

static void turn_columns(table *t) {
    size_t p = t->design.p;
    for (size_t i = 0; i < t->n; i++)
        for (size_t j = 0; j < p / 2; j++) {
            float *row = t->dense + i * p, v = row[j];
            row[j] = row[p - 1 - j];
            row[p - 1 - j] = v;
        }
}

static void check_orders(const aml_learner *l, size_t task, size_t n, size_t p, const double *hp,
                         double limit) {
    table t;
    table_new(&t, n, p, 0, tasks[task].kind, tasks[task].n_classes);
    double *before = predicted(&t, l, fitted(&t, l, hp));
    turn_columns(&t);
    double gap = largest_gap(before, predicted(&t, l, fitted(&t, l, hp)), outputs(&t));
    if (!(gap < limit)) fail_msg("%s: columns turned round, %g at p %zu", l->name, gap, p);
    turn_rows(&t);
    void *turned = fitted(&t, l, hp);
    turn_rows(&t);
    gap = largest_gap(before, predicted(&t, l, turned), outputs(&t));
    if (!(gap < limit)) fail_msg("%s: rows turned round, %g at p %zu", l->name, gap, p);
    table_free(&t);
}

static void test_orders_do_not_matter(void **state) {
    (void)state;
    check_orders(&aml_learner_ridge, 2, 300, 12, (double[]){1, 0}, 1e-6);
    check_orders(&aml_learner_ridge, 2, 300, 12, (double[]){1, 1}, 1e-6);
    check_orders(&aml_learner_ridge, 2, 60, 300, (double[]){1, 1}, 1e-6);
    check_orders(&aml_learner_elastic_net, 2, 300, 12, (double[]){1e-2, 0.7}, 1e-4);
    check_orders(&aml_learner_elastic_net, 2, 90, 400, (double[]){1e-2, 0.9}, 1e-3);
    check_orders(&aml_learner_glm, 2, 300, 12, (double[]){0, 1, 1.35, 0.5}, 1e-3);
    for (size_t task = 0; task < 2; task++)
        check_orders(&aml_learner_logistic, task, 300, 12, (double[]){1, 1e-12}, 1e-5);
}

/* ---- products in floats */

static void test_float_products_are_near(void **state) {
    enum { P = 9 };
    table t;
    bool sound = false;
    double exact[P * P + P], out[P * P + P], center[P], sd[P], found[P], spread[P];
    double total, y_mean, y_sd;
    (void)state;
    table_new(&t, 9000, P, 0, AML_REGRESSION, 0);
    for (size_t i = 0; i < t.n; i++) {
        t.dense[i * P + 1] += 5000;                       /* far from 0 */
        t.dense[i * P + 2] = 0.1F;                        /* constant */
        t.dense[i * P + 3] = i % 1200 == 0 ? 1 : 0;       /* rare */
        t.dense[i * P + 4] *= 1e12F;                      /* large */
        if (i % 50 == 0) t.dense[i * P + 5] = (float)NAN; /* counts as 0 */
    }
    double *w = aml_rows_weights(&total, &t.data, t.keep);
    for (size_t i = 0; i < t.data.n; i++) w[i] /= total;
    double *y = aml_rows_target(&y_mean, &y_sd, &t.data, w, t.keep);
    assert_int_equal(aml_rows_moments(center, sd, &t.data, w, 1, &t.ctx), AML_OK);
    assert_int_equal(aml_gram_features(exact, &t.data, center, w, y, &t.ctx), AML_OK);
    assert_int_equal(aml_gram_floats(&sound, out, found, spread, &t.data, w, y, &t.ctx), AML_OK);
    assert_true(sound);
    assert_true(spread[2] == 0);
    for (size_t i = 0; i < P; i++) {
        assert_true(fabs(found[i] - center[i]) <= 1e-7 * sd[i]);
        assert_true(fabs(spread[i] - sd[i]) <= 1e-6 * sd[i]);
        assert_true(fabs(out[P * P + i] - exact[P * P + i]) <= 1e-6 * sd[i]);
        for (size_t j = 0; j < P; j++)
            assert_true(fabs(out[i * P + j] - exact[i * P + j]) <= 1e-6 * sd[i] * sd[j]);
    }
    t.dense[t.rows[7] * P + 2] = 1e30F; /* its square is no float */
    assert_int_equal(aml_gram_floats(&sound, out, found, spread, &t.data, w, y, &t.ctx), AML_OK);
    assert_false(sound);
    table_free(&t);
}

int main(void) {
    aml_par_init();
    aml_linalg_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders_do_not_matter),
        cmocka_unit_test(test_float_products_are_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
