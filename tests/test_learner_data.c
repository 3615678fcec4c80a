/* test_learner_data.c: every learner takes odd data: few rows, constant and extreme columns and targets. */
#include "tests/learner_checks.h"

static void expect_fit(const aml_learner *l, aml_task_kind task, problem *q, const char *what) {
    double hp[MOST_PARAMS];
    EXPECT(!prepare(q, l), l, task, what);
    for (int cheap = 0; cheap < 2; cheap++) {
        aml_params_defaults(hp, l->params);
        if (cheap) cheap_hp(hp, l, q);
        fitted f = fit(l, q, hp);
        EXPECT(!f.status, l, task, what);
        EXPECT(valid_predictions(f.out, q), l, task, what);
        fitted g = load(l, q, f.saved.data, f.saved.size, NULL);
        EXPECT(!g.status && same_predictions(&f, &g, q), l, task, what);
        fitted_free(&f);
        fitted_free(&g);
    }
    problem_free(q);
}

static void check_small(const aml_learner *l, aml_task_kind task) {
    for (size_t n = 1; n <= 3; n++)
        expect_fit(l, task, problem_new(l, task, (problem_shape){.n = n, .p = 2}),
                   "one to three rows");
    expect_fit(l, task, problem_new(l, task, (problem_shape){.n = 20, .p = 0}), "no features");
    expect_fit(l, task, problem_new(l, task, (problem_shape){.n = 1, .p = 0}),
               "one row without features");
    expect_fit(l, task, problem_new(l, task, (problem_shape){.n = 10, .p = 40}),
               "more features than rows");
    if (l->can & AML_CAN_SPARSE)
        expect_fit(l, task, problem_new(l, task, (problem_shape){.n = 30, .p = 0, .sparse = true}),
                   "sparse alone");
}
static void small_data_work(void **state) { (void)state, for_all(check_small); }

static void check_targets(const aml_learner *l, aml_task_kind task) {
    problem *q = problem_new(l, task, (problem_shape){.n = 30, .p = 3});
    for (size_t i = 0; i < 30; i++) q->y[i] = 1;
    expect_fit(l, task, q, "one class, or a constant target");
    q = problem_new(l, task, (problem_shape){.n = 30, .p = 3});
    for (size_t i = 0; i < 30; i++) q->y[i] = 0;
    expect_fit(l, task, q, "class 0 alone");
    q = problem_new(l, task, (problem_shape){.n = 30, .p = 3, .weights = true});
    for (size_t i = 0; i < 30; i++) q->w[i] = i % 3 ? 0 : 3;
    expect_fit(l, task, q, "weights of 0");
    if (task != AML_REGRESSION) return;
    const double scales[] = {1e-300, 1e-30, 1e30, 1e150};
    for (size_t s = 0; s < 4; s++) {
        q = problem_new(l, task, (problem_shape){.n = 30, .p = 3});
        for (size_t i = 0; i < 30; i++) q->y[i] *= scales[s];
        expect_fit(l, task, q, "a target of extreme scale");
    }
}
static void odd_targets_work(void **state) { (void)state, for_all(check_targets); }

static void check_features(const aml_learner *l, aml_task_kind task) {
    problem *q = problem_new(l, task, (problem_shape){.n = 40, .p = 4});
    for (size_t j = 0; j < 4; j++)
        for (size_t i = 0; i < 40; i++) q->column[j][i] = j == 2 ? 1 : 0.25f;
    expect_fit(l, task, q, "constant columns");
    for (int sign = -1; sign <= 1; sign += 2) {
        q = problem_new(l, task, (problem_shape){.n = 40, .p = 4});
        for (size_t i = 0; i < 40; i += 7) q->column[0][i] = (float)sign * 1e30f;
        for (size_t i = 0; i < 40; i++) q->column[1][i] *= 1e-38f;
        expect_fit(l, task, q, "huge and tiny values");
    }
    if (!(l->can & AML_CAN_MISSING)) return;
    q = problem_new(l, task, (problem_shape){.n = 40, .p = 4});
    for (size_t i = 0; i < 40; i++) q->column[0][i] = q->column[2][i] = NAN;
    expect_fit(l, task, q, "columns with nothing in them");
}
static void odd_features_work(void **state) { (void)state, for_all(check_features); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_data_work),
        cmocka_unit_test(odd_targets_work),
        cmocka_unit_test(odd_features_work),
    };
    aml_linalg_init();
    aml_par_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
