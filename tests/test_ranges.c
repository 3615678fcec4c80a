/* test_ranges.c: spaces narrowed by the user, and trials that take too long. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "automl/engine/ranges.h"

static aml_frame *table(size_t n) {
    aml_frame_builder *b = aml_frame_builder_new(n, NULL);
    double *x = aml_calloc(n, sizeof *x), *y = aml_calloc(n, sizeof *y);
    assert_true(b && x && y);
    for (int j = 0; j < 4; j++) {
        char name[8];
        snprintf(name, sizeof name, "x%d", j);
        for (size_t i = 0; i < n; i++) {
            x[i] = fmod((double)(i + 1) * (7.31 + j * 3.77), 10);
            y[i] += (j + 1) * x[i] + fmod(x[i], 1);
        }
        assert_int_equal(aml_frame_add_numbers(b, name, x), AML_OK);
    }
    assert_int_equal(aml_frame_add_numbers(b, "y", y), AML_OK);
    aml_free(x);
    aml_free(y);
    return aml_frame_build(b);
}

static double value_of(const char *pipeline, const char *name) {
    char key[64];
    snprintf(key, sizeof key, "%s=", name);
    const char *at = strstr(pipeline, key);
    double x = NAN;
    if (!at) return NAN;
    at += strlen(key);
    assert_true(aml_parse_double(&x, at, strcspn(at, ",)")));
    return x;
}

/* What is tried is only what is allowed: from a range, of a list, or fixed. */
static void search_stays_within(void **state) {
    static const char *const leaves[] = {"20", "9", NULL}, *const child[] = {"7", NULL};
    const aml_param_range rate = {sizeof rate, "gbdt", "learning_rate", 0.2, 0.3, NULL},
                          leaf = {sizeof leaf, "gbdt", "num_leaves", 0, 0, leaves},
                          rows = {sizeof rows, "gbdt", "min_child_samples", 0, 0, child};
    const aml_param_range *const ranges[] = {&rate, &leaf, &rows, NULL};
    static const char *const learners[] = {"gbdt", NULL};
    aml_frame *f = table(300);
    aml_model *m = NULL;
    aml_train_options o = {.size = sizeof o,
                           .target = "y",
                           .trials = 12,
                           .learners = learners,
                           .ranges = ranges,
                           .threads = 1};
    aml_leader l = {.size = sizeof l};
    size_t seen = 0, nine = 0;
    (void)state;
    assert_int_equal(aml_train(&m, f, &o), AML_OK);
    for (size_t i = 0; aml_model_leader(m, i, &l); i++) {
        if (strcmp(l.learner, "gbdt") != 0) continue;
        double r = value_of(l.pipeline, "learning_rate"), n = value_of(l.pipeline, "num_leaves");
        assert_true(r >= 0.2 && r <= 0.3);
        assert_true(n == 9 || n == 20);
        assert_true(value_of(l.pipeline, "min_child_samples") == 7);
        nine += n == 9;
        seen++;
    }
    assert_int_equal(seen, 12);
    assert_true(nine > 0 && nine < seen);
    aml_model_free(m);
    aml_frame_free(f);
}

static void listed_values_encode_and_decode(void **state) {
    static const aml_param p = {.name = "n", .kind = AML_INT, .lo = 1, .hi = 100, .log = true};
    static const double values[] = {2, 8, 64};
    const aml_dim d = {
        .name = "n", .param = &p, .lo = 2, .hi = 64, .parent = -1, .values = values, .n_values = 3};
    const aml_space s = {.n = 1, .dims = &d};
    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_true(aml_dim_decode(&d, aml_dim_encode(&d, values[i])) == values[i]);
    assert_true(aml_dim_decode(&d, 0) == 2 && aml_dim_decode(&d, 1) == 64);
    double x = 20; /* nearer to 8 than to 64 by its logarithm */
    aml_space_repair(&x, &s);
    assert_true(x == 8);
    x = 100;
    aml_space_repair(&x, &s);
    assert_true(x == 64);
}

static void bad_ranges_are_refused(void **state) {
    static const char *const none[] = {NULL}, *const word[] = {"big", NULL};
    static const aml_param_range bad[] = {{sizeof *bad, "gbtd", "num_leaves", 2, 9, NULL},
                                          {sizeof *bad, "gbdt", "leaves", 2, 9, NULL},
                                          {sizeof *bad, "gbdt", "num_leaves", 9, 2, NULL},
                                          {sizeof *bad, "gbdt", "num_leaves", -9, 2, NULL},
                                          {sizeof *bad, "gbdt", "num_leaves", 2.2, 2.8, NULL},
                                          {sizeof *bad, "gbdt", "num_leaves", NAN, 9, NULL},
                                          {sizeof *bad, "gbdt", "num_leaves", 2, 9, none},
                                          {sizeof *bad, "gbdt", "num_leaves", 2, 9, word},
                                          {sizeof *bad, "knn", "weights", 0, 1, NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const aml_param_range *const ranges[] = {&bad[i], NULL};
        assert_int_not_equal(aml_ranges_check(ranges), AML_OK);
        assert_true(aml_last_error()->message[0]);
    }
}

/* A learner that cannot end early fails, one that can is scored, and the run has a model. */
static void slow_trials_fail_alone(void **state) {
    static const char *const learners[] = {"knn", "ridge", NULL};
    aml_frame *f = table(20000);
    aml_model *m = NULL;
    aml_train_options o = {.size = sizeof o,
                           .target = "y",
                           .trials = 4,
                           .learners = learners,
                           .trial_timeout = 0.02,
                           .threads = 1};
    aml_leader l = {.size = sizeof l};
    size_t failed = 0;
    (void)state;
    assert_int_equal(aml_train(&m, f, &o), AML_OK);
    for (size_t i = 0; aml_model_leader(m, i, &l); i++) {
        if (strcmp(l.state, "failed") != 0) continue;
        assert_non_null(strstr(l.reason, "trial timeout of 0.02 s"));
        failed++;
    }
    assert_true(failed > 0);
    aml_model_free(m);
    aml_frame_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(search_stays_within), cmocka_unit_test(listed_values_encode_and_decode),
        cmocka_unit_test(bad_ranges_are_refused), cmocka_unit_test(slow_trials_fail_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
