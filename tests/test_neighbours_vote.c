/* test_neighbours_vote.c: losses of rows left out, for all numbers of neighbours at once, and the choice by them. */
#include "linear_problem.h"

#include "learners/parts/neighbours_vote.h"

enum { K, WEIGHTS, CHOOSE };

/* Some rows are equal, some weigh much, some nothing, and one class has a row alone. */
static void table_open(table *t, size_t n, size_t p, size_t kind, double spread) {
    table_new(t, n, p, 0, tasks[kind].kind, tasks[kind].n_classes);
    for (size_t i = 0; i < n * p; i++) t->dense[i] = roundf(t->dense[i] * (float)spread);
    for (size_t i = 0; i < n; i++) t->w[i] = i % 7 == 3 ? 0 : t->w[i] * (i % 5 ? 1 : 4);
    for (size_t i = 0; i < n && tasks[kind].n_classes == 3; i++)
        t->y[i] = i == t->data.rows[5] ? 2 : fmin(t->y[i], 1);
}

/* The rows that weigh something, and what k-NN keeps of them. */
static aml_data kept_rows(aml_voters *v, const table *t, bool by_distance) {
    aml_data kept = t->data;
    uint32_t *rows = AML_ARRAY(t->keep, kept.n, uint32_t);
    double total = 0, *y = AML_ARRAY(t->keep, kept.n, double),
           *w = AML_ARRAY(t->keep, kept.n, double), *prior = AML_ARRAY(t->keep, 3, double);
    kept.rows = rows;
    kept.n = 0;
    for (size_t i = 0; i < t->data.n; i++)
        if (t->w[t->data.rows[i]] > 0) rows[kept.n++] = t->data.rows[i];
    for (size_t i = 0; i < kept.n; i++) total += t->w[rows[i]];
    for (size_t i = 0; i < kept.n; i++) {
        y[i] = t->y[rows[i]];
        w[i] = t->w[rows[i]] * (double)kept.n / total;
        if (kept.n_classes) prior[(size_t)y[i]] += t->w[rows[i]] / total;
    }
    *v = (aml_voters){kept.n, (size_t)kept.n_classes, by_distance, y, w, prior};
    return kept;
}

/* Loss of one row under a model that was fitted without it. */
static double loss_without(table *t, const aml_data *kept, size_t left, const double *hp) {
    aml_data train = *kept, one = *kept;
    uint32_t *rows = AML_ARRAY(t->scratch, kept->n, uint32_t);
    double out[3], y = t->y[kept->rows[left]], top = 0;
    void *model = NULL;
    for (size_t i = 0; i < kept->n; i++) top = fmax(top, fabs(t->y[kept->rows[i]]));
    train.rows = rows;
    train.n = 0;
    for (size_t i = 0; i < kept->n; i++)
        if (i != left) rows[train.n++] = kept->rows[i];
    one.rows += left;
    one.n = 1;
    assert_int_equal(aml_learner_knn.fit(&model, &train, hp, &t->ctx), AML_OK);
    assert_int_equal(aml_learner_knn.predict(out, model, &one, &t->ctx), AML_OK);
    if (!kept->n_classes) return (out[0] - y) / top * ((out[0] - y) / top);
    double p = kept->n_classes == 2 ? (y == 1 ? out[0] : 1 - out[0]) : out[(size_t)y];
    return -log(fmax(p, 1e-15));
}

/* One fit for each row and k is the reference. */
static void test_losses_are_those_of_fits_without_the_row(void **state) {
    (void)state;
    enum { MOST = 9 };
    for (size_t kind = 0; kind < 3; kind++)
        for (int by_distance = 0; by_distance < 2; by_distance++) {
            table t;
            aml_voters v;
            aml_neighbours m;
            double loss[MOST];
            table_open(&t, 160, 3, kind, by_distance ? 20 : 1);
            aml_data kept = kept_rows(&v, &t, by_distance);
            assert_int_equal(aml_neighbours_build(&m, &kept, MOST + 1, &t.ctx), AML_OK);
            assert_int_equal(aml_voters_left_out(loss, MOST, &v, &m, &kept, &t.ctx), AML_OK);
            for (size_t k = 1; k <= MOST; k++) {
                double want = 0, hp[] = {(double)k, by_distance, 0};
                for (size_t i = 0; i < kept.n; i++)
                    want += v.w[i] * loss_without(&t, &kept, i, hp) / (double)kept.n;
                assert_true(fabs(loss[k - 1] - want) <= 1e-9 * (1 + want));
                assert_true(want > 0);
            }
            table_free(&t);
        }
}

/* More equal rows than are looked at: the row itself may not be among those found. */
static void test_many_equal_rows(void **state) {
    (void)state;
    table t;
    aml_voters v;
    aml_neighbours m;
    double loss[4];
    table_open(&t, 60, 2, 2, 0);
    aml_data kept = kept_rows(&v, &t, false);
    assert_int_equal(aml_neighbours_build(&m, &kept, 5, &t.ctx), AML_OK);
    assert_int_equal(aml_voters_left_out(loss, 4, &v, &m, &kept, &t.ctx), AML_OK);
    for (size_t k = 1; k <= 4; k++) {
        double want = 0, hp[] = {(double)k, 0, 0};
        for (size_t i = 0; i < kept.n; i++)
            want += v.w[i] * loss_without(&t, &kept, i, hp) / (double)kept.n;
        assert_true(fabs(loss[k - 1] - want) <= 1e-9 * want);
    }
    table_free(&t);
}

/* The learner takes the best k, and is then the learner with that k given. */
static void test_learner_takes_the_best(void **state) {
    (void)state;
    size_t distinct = 0, last = 0;
    for (size_t kind = 0; kind < 3; kind++) {
        table t;
        aml_voters v;
        aml_neighbours m;
        aml_writer given = {0}, chosen = {0};
        double loss[AML_MOST_NEIGHBOURS];
        table_open(&t, kind == 2 ? 90 : 900, 3, kind, 30);
        aml_data kept = kept_rows(&v, &t, true);
        size_t most = kept.n - 1 < AML_MOST_NEIGHBOURS ? kept.n - 1 : AML_MOST_NEIGHBOURS, k = 1;
        assert_int_equal(aml_neighbours_build(&m, &kept, most + 1, &t.ctx), AML_OK);
        assert_int_equal(aml_voters_left_out(loss, most, &v, &m, &kept, &t.ctx), AML_OK);
        for (size_t i = 1; i <= most; i++)
            if (loss[i - 1] < loss[k - 1]) k = i;
        aml_learner_knn.save(fitted(&t, &aml_learner_knn, (double[]){(double)k, 1, 0}), &given);
        t.ctx.n_threads = 3;
        aml_learner_knn.save(fitted(&t, &aml_learner_knn, (double[]){1, 1, 1}), &chosen);
        assert_int_equal(given.size, chosen.size);
        assert_memory_equal(given.data, chosen.data, given.size);
        distinct += k > 1 && k != last;
        last = k;
        aml_writer_free(&given);
        aml_writer_free(&chosen);
        table_free(&t);
    }
    assert_true(distinct >= 2);
}

/* A sample of the rows tells about the same as all of them, at any number of threads. */
static void test_many_rows_are_sampled(void **state) {
    (void)state;
    enum { MOST = 20 };
    table t;
    aml_voters v;
    aml_neighbours m;
    double loss[MOST], again[MOST], error = 0;
    table_open(&t, 9000, 2, 2, 30);
    aml_data kept = kept_rows(&v, &t, false);
    assert_true(kept.n > 4096);
    assert_int_equal(aml_neighbours_build(&m, &kept, MOST + 1, &t.ctx), AML_OK);
    assert_int_equal(aml_voters_left_out(loss, MOST, &v, &m, &kept, &t.ctx), AML_OK);
    t.ctx.n_threads = 3;
    assert_int_equal(aml_voters_left_out(again, MOST, &v, &m, &kept, &t.ctx), AML_OK);
    assert_memory_equal(loss, again, sizeof loss);
    for (size_t i = 0; i < kept.n; i += 61) {
        double hp[] = {MOST, 0, 0};
        error += v.w[i] * loss_without(&t, &kept, i, hp) * 61 / (double)kept.n;
    }
    assert_true(fabs(loss[MOST - 1] - error) < 0.4 * error);
    table_free(&t);
}

/* One row has no other: k stays as given. A stop is passed on. */
static void test_edges(void **state) {
    (void)state;
    table t;
    atomic_bool stop = true;
    void *model = NULL;
    double hp[] = {5, 1, 1};
    table_new(&t, 60, 2, 0, AML_BINARY, 2);
    size_t n = t.data.n;
    for (t.data.n = 1; t.data.n <= 3; t.data.n++)
        assert_sane(&t, predicted(&t, &aml_learner_knn, fitted(&t, &aml_learner_knn, hp)));
    t.data.n = n;
    t.ctx.stop = &stop;
    assert_int_equal(aml_learner_knn.fit(&model, &t.data, hp, &t.ctx), AML_ESTOPPED);
    table_free(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_losses_are_those_of_fits_without_the_row),
        cmocka_unit_test(test_many_equal_rows),
        cmocka_unit_test(test_learner_takes_the_best),
        cmocka_unit_test(test_many_rows_are_sampled),
        cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
