/* test_number_learners.c: what the linear models, naive Bayes, the neighbours and the baseline keep:
 * weights, threads, files, stops, memory, edges. */
#include "linear_problem.h"

static const aml_learner *const learners[] = {
    &aml_learner_baseline,    &aml_learner_ridge,    &aml_learner_elastic_net,
    &aml_learner_glm,         &aml_learner_logistic, &aml_learner_linear_svm,
    &aml_learner_naive_bayes, &aml_learner_knn,      NULL};

/* Runs check for each learner and each task that it has. */
static void for_all(void (*check)(const aml_learner *l, aml_task_kind task, int n_classes)) {
    for (size_t i = 0; learners[i]; i++)
        for (size_t t = 0; t < 3; t++)
            if (learners[i]->tasks & tasks[t].kind)
                check(learners[i], tasks[t].kind, tasks[t].n_classes);
}

/* A row of weight 3 is three rows of weight 1. */
static void check_weights(const aml_learner *l, aml_task_kind task, int n_classes) {
    table t;
    size_t q = l->can & AML_CAN_SPARSE ? 5 : 0;
    if (l == &aml_learner_knn || l == &aml_learner_linear_svm)
        return; /* k counts rows; the split draws rows */
    table_new(&t, 300, 4, q, task, n_classes);
    double hp[8];
    for (size_t i = 0; l->params[i].name; i++)
        hp[i] = strcmp(l->params[i].name, "tolerance") ? l->params[i].fallback : 1e-13;
    if (l == &aml_learner_naive_bayes) hp[3] = 0;
    for (size_t i = 0; i < t.n; i++) t.w[i] = (double)(i % 4);
    double *weighted = predicted(&t, l, fitted(&t, l, hp));
    aml_data all = t.data;
    uint32_t *repeated = AML_ARRAY(t.keep, 4 * all.n, uint32_t);
    size_t n = 0;
    for (size_t i = 0; i < all.n; i++)
        for (double r = 0; r < t.w[all.rows[i]]; r++) repeated[n++] = all.rows[i];
    t.data.rows = repeated;
    t.data.n = n;
    t.data.w = NULL;
    void *m = fitted(&t, l, hp);
    t.data = all;
    double gap = largest_gap(weighted, predicted(&t, l, m), outputs(&t));
    if (!(gap < 1e-5)) fail_msg("%s: weights and repeated rows differ by %g", l->name, gap);
    table_free(&t);
}
static void test_weights_are_repeated_rows(void **state) {
    (void)state;
    for_all(check_weights);
}

/* ---- what every learner keeps */

static void check_threads(const aml_learner *l, aml_task_kind task, int n_classes) {
    table t;
    table_new(&t, 4000, 6, 8, task, n_classes);
    double *one = predicted(&t, l, fitted(&t, l, NULL));
    for (int n_threads = 2; n_threads <= 5; n_threads += 3) {
        t.ctx.n_threads = n_threads;
        double *many = predicted(&t, l, fitted(&t, l, NULL));
        assert_memory_equal(one, many, outputs(&t) * sizeof *one);
    }
    table_free(&t);
}
static void test_threads_change_nothing(void **state) {
    (void)state;
    for_all(check_threads);
}

/* A row's prediction does not depend on the rows beside it, nor on where its features come from. */
static void check_company(const aml_learner *l, aml_task_kind task, int n_classes) {
    table t;
    table_new(&t, 400, 7, 8, task, n_classes);
    void *m = fitted(&t, l, NULL);
    double *all = predicted(&t, l, m), one[8];
    size_t n = t.data.n, k = outputs(&t) / n;
    t.design.dense = NULL;
    t.data.y = t.data.w = NULL;
    t.data.n = 1;
    for (size_t i = 0; i < n; i += 37) {
        t.data.rows = t.rows + i;
        assert_int_equal(l->predict(one, m, &t.data, &t.ctx), AML_OK);
        assert_memory_equal(one, all + i * k, k * sizeof *one);
    }
    t.data.n = 0;
    assert_int_equal(l->predict(one, m, &t.data, &t.ctx), AML_OK);
    table_free(&t);
}
static void test_company_changes_nothing(void **state) {
    (void)state;
    for_all(check_company);
}

static void check_file(const aml_learner *l, aml_task_kind task, int n_classes) {
    table t;
    table_new(&t, 90, 4, 5, task, n_classes);
    void *m = fitted(&t, l, NULL), *again = NULL;
    double *before = predicted(&t, l, m);
    aml_writer w = {0}, w2 = {0};
    l->save(m, &w);
    assert_int_equal(w.status, AML_OK);
    aml_reader r = {.data = w.data, .size = w.size, .file = "test"};
    assert_int_equal(l->load(&again, &r, &t.ctx), AML_OK);
    assert_int_equal(r.at, w.size);
    assert_memory_equal(before, predicted(&t, l, again), outputs(&t) * sizeof *before);
    l->save(again, &w2);
    assert_int_equal(w2.size, w.size);
    assert_memory_equal(w2.data, w.data, w.size);
    for (size_t size = 0; size < w.size; size += 1 + w.size / 97) {
        aml_reader cut = {.data = w.data, .size = size, .file = "test"};
        assert_int_equal(l->load(&again, &cut, &t.ctx), AML_EDATA);
    }
    aml_rng rng = aml_rng_stream(3, AML_RNG_TEST, 0, 0);
    for (int round = 0; round < 300;
         round++) { /* a damaged file is refused, or gives a model that still works */
        uint32_t at = aml_rng_below(&rng, (uint32_t)w.size);
        unsigned char old = w.data[at];
        w.data[at] = (unsigned char)aml_rng_u32(&rng);
        aml_reader bad = {.data = w.data, .size = w.size, .file = "test"};
        double *out = AML_ARRAY(t.keep, outputs(&t) + 8, double);
        if (l->load(&again, &bad, &t.ctx) == AML_OK && w.data[at] != old && at >= 32 &&
            l->predict(out, again, &t.data, &t.ctx) == AML_OK)
            assert_sane(&t, out);
        w.data[at] = old;
    }
    aml_writer_free(&w);
    aml_writer_free(&w2);
    table_free(&t);
}
static void test_files(void **state) {
    (void)state;
    for_all(check_file);
}

static void check_stop(const aml_learner *l, aml_task_kind task, int n_classes) {
    table t;
    atomic_bool stop = true;
    void *m = NULL;
    double hp[8], *out;
    if (l == &aml_learner_baseline) return; /* it has to be there even when time is up */
    table_new(&t, 300, 4, 0, task, n_classes);
    aml_params_defaults(hp, l->params);
    t.ctx.stop = &stop;
    if (l != &aml_learner_knn) {
        assert_int_equal(l->fit(&m, &t.data, hp, &t.ctx), AML_ESTOPPED);
        table_free(&t);
        return;
    }
    assert_int_equal(l->fit(&m, &t.data, hp, &t.ctx), AML_OK);
    out = AML_ARRAY(t.keep, outputs(&t), double);
    assert_int_equal(l->predict(out, m, &t.data, &t.ctx), AML_ESTOPPED);
    table_free(&t);
}
static void test_stop(void **state) {
    (void)state;
    for_all(check_stop);
}

/* A deadline at any point of the fit: a model that is cut short comes only from who declares it. */
static void check_deadline(const aml_learner *l, aml_task_kind task, int n_classes) {
    enum { POINTS = 40 };
    double hp[8], whole = 0;
    aml_params_defaults(hp, l->params);
    for (int k = 0; k <= POINTS; k++) {
        table t;
        void *m = NULL;
        table_new(&t, 2000, 10, 0, task, n_classes);
        double begin = aml_now();
        t.ctx.deadline = k ? begin + whole * k / POINTS : 0;
        aml_status status = l->fit(&m, &t.data, hp, &t.ctx);
        if (k == 0) whole = aml_now() - begin;
        assert_true(status == AML_OK || status == AML_ESTOPPED);
        assert_true(status || !t.ctx.truncated || (l->can & AML_ANYTIME));
        table_free(&t);
    }
}
static void test_deadline(void **state) {
    (void)state;
    for_all(check_deadline);
}

static void check_memory(const aml_learner *l, aml_task_kind task, int n_classes) {
    table t;
    void *m = NULL;
    double hp[8];
    for (uint64_t failing = 1;; failing++) {
        table_new(&t, 3000, 40, 8, task, n_classes);
        aml_params_defaults(hp, l->params);
        t.ctx.keep = aml_arena_new(NULL);
        aml_fail_alloc(failing, false);
        aml_status status = l->fit(&m, &t.data, hp, &t.ctx);
        bool reached = aml_fail_alloc(0, false) >= failing;
        aml_arena_free(t.ctx.keep);
        table_free(&t);
        assert_int_equal(status, reached ? AML_ENOMEM : AML_OK);
        if (!reached) break;
    }
}
static void test_memory_is_short(void **state) {
    (void)state;
    for_all(check_memory);
}

/* ---- edges */

enum {
    NO_FEATURES,
    ONE_ROW,
    CONSTANT,
    TWINS,
    HUGE_VALUES,
    MISSING,
    FEW_ROWS,
    NO_WEIGHT,
    ONE_CLASS,
    EDGES
};

static void bend(table *t, int edge) {
    size_t p = t->design.p;
    for (size_t i = 0; i < t->n; i++) {
        float *x = t->dense + i * p;
        if (edge == CONSTANT) x[0] = 3, x[1] = 1e30f;
        if (edge == TWINS) x[1] = x[0], x[2] = -2 * x[0];
        if (edge == HUGE_VALUES && i % 2)
            x[0] = i % 4 == 1 ? 1e30f : -1e30f, x[1] = INFINITY, x[2] *= 1e-30f;
        if (edge == MISSING && i % 3 == 0) x[1] = NAN;
        if (edge == NO_WEIGHT) t->w[i] = 0;
        if (edge == ONE_CLASS) t->y[i] = 1;
    }
    table_columns(t);
}

static void check_edges(const aml_learner *l, aml_task_kind task, int n_classes) {
    for (int edge = 0; edge < EDGES; edge++) {
        table t;
        size_t n = edge == ONE_ROW    ? 1
                   : edge == FEW_ROWS ? 12
                                      : 200,
               p = edge == NO_FEATURES ? 0
                   : edge == FEW_ROWS  ? 50
                                       : 5;
        table_new(&t, n, p, edge == FEW_ROWS ? 6 : 0, task, n_classes);
        if (p) bend(&t, edge);
        void *m = fitted(&t, l, NULL);
        double *out = predicted(&t, l, m);
        assert_sane(&t, out);
        double importance[64], sum = 0;
        if (l->importance) assert_int_equal(l->importance(importance, m, p), AML_OK);
        for (size_t j = 0; l->importance && j < p; j++) {
            assert_true(importance[j] >= 0);
            sum += importance[j];
        }
        if (l->importance) assert_true(sum == 0 || fabs(sum - 1) < 1e-9);
        if (edge == ONE_CLASS && task == AML_BINARY) assert_true(out[0] > 0.95);
        if (edge == ONE_ROW && task == AML_REGRESSION)
            assert_true(fabs(out[0] - t.y[0]) < 1e-9 * fabs(t.y[0]));
        aml_shape shape = {.n = n, .p = p, .task = task, .n_classes = n_classes};
        double lo, hi;
        for (size_t i = 0; l->bound && l->params[i].name; i++) {
            lo = l->params[i].lo, hi = l->params[i].hi;
            l->bound(&lo, &hi, i, &shape);
            assert_true(lo <= hi);
        }
        table_free(&t);
    }
}
static void test_edges(void **state) {
    (void)state;
    for_all(check_edges);
}

static void check_learns(const aml_learner *l, aml_task_kind task, int n_classes) {
    table t;
    if (l == &aml_learner_baseline) return;
    table_new(&t, 1500, 5, 0, task, n_classes);
    void *base = fitted(&t, &aml_learner_baseline, NULL), *m = fitted(&t, l, NULL);
    uint32_t held[500];
    for (uint32_t i = 0; i < 500; i++) held[i] = 3 * i + 1;
    t.data.rows = held;
    t.data.n = 500;
    double *out[2] = {predicted(&t, &aml_learner_baseline, base), predicted(&t, l, m)},
           loss[2] = {0};
    size_t k = outputs(&t) / 500;
    for (size_t i = 0; i < 500; i++) {
        for (int which = 0; which < 2; which++) {
            double y = t.y[held[i]], p = out[which][i * k + (k > 1 ? (size_t)y : 0)];
            loss[which] +=
                task == AML_REGRESSION ? (p - y) * (p - y) : -log(k > 1 || y > 0 ? p : 1 - p);
        }
    }
    if (!(loss[1] < 0.8 * loss[0]))
        fail_msg("%s: loss %g, baseline %g", l->name, loss[1] / 500, loss[0] / 500);
    table_free(&t);
}
static void test_all_learn(void **state) {
    (void)state;
    for_all(check_learns);
}

int main(void) {
    aml_par_init();
    aml_linalg_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_are_repeated_rows),
        cmocka_unit_test(test_threads_change_nothing),
        cmocka_unit_test(test_company_changes_nothing),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_memory_is_short),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_all_learn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
