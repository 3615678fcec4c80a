/* test_param.c: hyperparameters as text and as points, spaces with branches, task names. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "automl/core/param.h"
#include "automl/core/task.h"

static const char *const criteria[] = {"gini", "entropy", "log_loss", NULL};
static const char *const learners[] = {"forest", "linear", "knn", NULL};

static const aml_param params[] = {
    {"learning_rate", "step", AML_REAL, true, 1e-3, 1, 0.1, NULL, false},
    {"subsample", "share of rows", AML_REAL, false, 0.25, 1, 1, NULL, false},
    {"leaves", "leaves of a tree", AML_INT, true, 1, 1023, 31, NULL, false},
    {"depth", "levels", AML_INT, false, -1, 12, 6, NULL, false},
    {"criterion", "impurity", AML_CHOICE, false, 0, 0, 1, criteria, false},
    {"verbose", "for users only", AML_INT, false, 0, 9, 3, NULL, true},
    {NULL, NULL, 0, false, 0, 0, 0, NULL, false},
};
enum { N_PARAMS = 6 };

static const aml_param root = {"learner", "which", AML_CHOICE, false, 0, 0, 2, learners, false};

/* learner: forest has leaves and criterion, criterion = entropy has subsample; linear has depth. */
static const aml_dim dims[] = {
    {.name = "learner", .param = &root, .lo = 0, .hi = 2, .parent = -1, .when = 0},
    {.name = "forest.leaves", .param = &params[2], .lo = 1, .hi = 100, .parent = 0, .when = 0},
    {.name = "forest.criterion", .param = &params[4], .lo = 0, .hi = 2, .parent = 0, .when = 0},
    {.name = "forest.subsample", .param = &params[1], .lo = 0.25, .hi = 1, .parent = 2, .when = 1},
    {.name = "linear.depth", .param = &params[3], .lo = -1, .hi = 12, .parent = 0, .when = 1},
    {.name = "linear.verbose", .param = &params[5], .lo = 0, .hi = 9, .parent = 0, .when = 1},
};
enum { N_DIMS = sizeof dims / sizeof *dims };
static const aml_space space = {.n = N_DIMS, .dims = dims};

static aml_dim dim_of(const aml_param *p) {
    return (aml_dim){.name = p->name, .param = p, .lo = p->lo, .hi = aml_param_hi(p), .parent = -1};
}

static void arrays_end_without_a_name(void **state) {
    (void)state;
    assert_int_equal(aml_params_count(params), N_PARAMS);
    assert_int_equal(aml_params_count(NULL), 0);
    for (int i = 0; i < N_PARAMS; i++) assert_int_equal(aml_params_find(params, params[i].name), i);
    assert_int_equal(aml_params_find(params, "leave"), -1);
    assert_int_equal(aml_params_find(NULL, "leaves"), -1);
    assert_int_equal(aml_param_choices(&params[4]), 3);
    assert_int_equal(aml_param_choices(&params[0]), 0);
    assert_true(aml_param_hi(&params[4]) == 2 && aml_param_hi(&params[2]) == 1023);
}

static void clamping_rounds_and_limits(void **state) {
    (void)state;
    assert_true(aml_param_clamp(&params[0], 5) == 1 &&
                aml_param_clamp(&params[0], -INFINITY) == 1e-3);
    assert_true(aml_param_clamp(&params[0], 0.25) == 0.25);
    assert_true(aml_param_clamp(&params[3], 2.6) == 3 && aml_param_clamp(&params[3], -7) == -1);
    assert_true(aml_param_clamp(&params[4], 1.4) == 1 && aml_param_clamp(&params[4], 9) == 2);
    assert_true(aml_param_clamp(&params[2], NAN) == 31);
}

static void text_round_trips(void **state) {
    aml_rng rng = aml_rng_stream(1, AML_RNG_TEST, 0, 0);
    (void)state;
    for (int i = 0; i < N_PARAMS; i++) {
        aml_dim d = dim_of(&params[i]);
        for (int t = 0; t < 200; t++) {
            aml_string s = {0};
            double x = aml_dim_decode(&d, aml_rng_uniform(&rng)), back = NAN;
            aml_param_write(&s, &params[i], x);
            assert_int_equal(aml_param_read(&back, &params[i], s.text), AML_OK);
            assert_true(back == x);
            aml_string_free(&s);
        }
    }
}

static void check_refused(int i, const char *text, const char *message, const char *help) {
    double x = -77;
    assert_int_equal(aml_param_read(&x, &params[i], text), AML_ECONFIG);
    assert_true(x == -77);
    assert_non_null(strstr(aml_last_error()->message, params[i].name));
    if (!strstr(aml_last_error()->message, message)) fail_msg("%s", aml_last_error()->message);
    if (help && !strstr(aml_last_error()->help, help)) fail_msg("%s", aml_last_error()->help);
}

static void wrong_text_is_refused(void **state) {
    (void)state;
    check_refused(0, "2", "from 0.001 to 1, got `2`", NULL);
    check_refused(0, "0", "0.001", NULL);
    check_refused(0, "nan", "a number", NULL);
    check_refused(0, "", "a number", NULL);
    check_refused(0, "0.1x", "`0.1x`", NULL);
    check_refused(2, "3.5", "an integer", NULL);
    check_refused(2, "1024", "from 1 to 1023", NULL);
    check_refused(2, "9e999", "integer", NULL);
    check_refused(4, "ginni", "`ginni`", "did you mean `gini`");
    check_refused(4, "something else", "no choice", "`gini`, `entropy`, `log_loss`");
    check_refused(4, "1", "no choice", "gini");
    check_refused(4, "a\x1B[31m", "\\x1B", NULL);
}

static void encoding_and_decoding_are_inverse(void **state) {
    aml_rng rng = aml_rng_stream(2, AML_RNG_TEST, 0, 0);
    (void)state;
    for (int i = 0; i < N_PARAMS; i++) {
        aml_dim d = dim_of(&params[i]);
        for (int t = 0; t < 500; t++) {
            double u = aml_rng_uniform(&rng), x = aml_dim_decode(&d, u), v = aml_dim_encode(&d, x);
            double again = aml_dim_decode(&d, v);
            assert_true(x >= d.lo && x <= d.hi && v >= 0 && v <= 1);
            if (params[i].kind == AML_REAL)
                assert_true(fabs(v - u) < 1e-12 && fabs(again - x) < 1e-12);
            else assert_true(again == x && x == floor(x));
        }
        assert_true(aml_dim_decode(&d, 0) == d.lo && fabs(aml_dim_decode(&d, 1) - d.hi) < 1e-12);
        assert_true(aml_dim_decode(&d, -3) == d.lo && fabs(aml_dim_decode(&d, 9) - d.hi) < 1e-12);
        assert_true(isnan(aml_dim_encode(&d, NAN)) && isnan(aml_dim_decode(&d, NAN)));
    }
}

/* A whole number's cell has the share of [0, 1] that it has of the scale, the ends too. */
static void cells_are_fair(void **state) {
    aml_dim depth = dim_of(&params[3]), leaves = dim_of(&params[2]);
    size_t count[14] = {0}, ones = 0;
    (void)state;
    for (int i = 0; i < 14000; i++) {
        double u = (i + 0.5) / 14000;
        count[(size_t)(aml_dim_decode(&depth, u) + 1)]++;
        ones += aml_dim_decode(&leaves, u) == 1;
    }
    for (int c = 0; c < 14; c++) assert_int_equal(count[c], 1000);
    assert_true(fabs((double)ones / 14000 - log(1.5 / 0.5) / log(1023.5 / 0.5)) < 1e-3);
    assert_true(fabs(aml_dim_encode(&depth, -1) - 0.5 / 14) < 1e-15);
}

static void narrowed_ranges_hold(void **state) {
    aml_dim d = {.name = "n", .param = &params[2], .lo = 2.3, .hi = 7.9, .parent = -1, .when = 0},
            point = {
                .name = "m", .param = &params[0], .lo = 0.5, .hi = 0.5, .parent = -1, .when = 0};
    (void)state;
    assert_true(aml_dim_decode(&d, 0) == 3 && aml_dim_decode(&d, 1) == 7);
    assert_true(aml_dim_encode(&d, 31) == aml_dim_encode(&d, 7));
    assert_true(aml_dim_decode(&point, 0.9) == 0.5 && aml_dim_encode(&point, 0.5) == 0.5);
    double config[1] = {NAN};
    aml_space_repair(config, &(aml_space){.n = 1, .dims = &d});
    assert_true(config[0] == 7); /* the fallback is 31 */
    aml_dim crossed = {
        .name = "x", .param = &params[2], .lo = 2.3, .hi = 2.6, .parent = -1, .when = 0};
    assert_true(aml_dim_decode(&crossed, 0) == 3 && aml_dim_decode(&crossed, 1) == 3);
}

static void check_whole(const double *config) {
    for (size_t i = 0; i < N_DIMS; i++) {
        assert_int_equal(isnan(config[i]), !aml_space_live(&space, config, i));
        if (!isnan(config[i])) assert_true(config[i] >= dims[i].lo && config[i] <= dims[i].hi);
    }
}

static void branches_are_live_or_dead(void **state) {
    double c[N_DIMS];
    (void)state;
    aml_space_default(c, &space, 0);
    check_whole(c);
    assert_true(c[0] == 0 && c[1] == 31 && c[2] == 1 && c[3] == 1 && isnan(c[4]));
    c[2] = 0; /* another criterion: subsample is no longer live */
    assert_false(aml_space_live(&space, c, 3));
    c[4] = 5; /* and a value where nothing is live */
    aml_space_repair(c, &space);
    check_whole(c);
    c[0] = 1;
    c[2] = 1; /* its child would be live, were it live itself */
    assert_false(aml_space_live(&space, c, 3));
    aml_space_repair(c, &space);
    check_whole(c);
    assert_true(isnan(c[1]) && isnan(c[3]) && c[4] == 6 && c[5] == 3);
    aml_space_default(c, &space, NAN);
    assert_true(c[0] == 2 && isnan(c[1]) && isnan(c[4]));
}

static void random_points_fill_the_space(void **state) {
    aml_rng rng = aml_rng_stream(3, AML_RNG_TEST, 0, 0), same = rng;
    size_t learner[3] = {0}, n_subsample = 0;
    (void)state;
    for (int t = 0; t < 3000; t++) {
        double a[N_DIMS], b[N_DIMS];
        aml_space_random(a, &space, &rng);
        aml_space_random(b, &space, &same);
        check_whole(a);
        assert_true(aml_space_equal(&space, a, b));
        learner[(size_t)a[0]]++;
        n_subsample += !isnan(a[3]);
        if (a[0] == 1) assert_true(a[5] == 3); /* fixed: at its default */
        aml_space_repair(b, &space);
        assert_true(aml_space_equal(&space, a, b));
        b[0] = b[0] == 0 ? 1 : 0;
        assert_false(aml_space_equal(&space, a, b));
    }
    for (int i = 0; i < 3; i++) assert_true(learner[i] > 900 && learner[i] < 1100);
    assert_true(n_subsample > 280 && n_subsample < 390); /* a ninth */
}

static void tasks_have_names(void **state) {
    aml_task_kind kinds[] = {AML_BINARY, AML_MULTICLASS, AML_REGRESSION}, back;
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_true(aml_task_parse(&back, aml_task_name(kinds[i])));
        assert_int_equal(back, kinds[i]);
    }
    assert_false(aml_task_parse(&back, "classification"));
    assert_int_equal(aml_task_outputs(AML_BINARY, 2), 1);
    assert_int_equal(aml_task_outputs(AML_MULTICLASS, 7), 7);
    assert_int_equal(aml_task_outputs(AML_REGRESSION, 0), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_end_without_a_name),
        cmocka_unit_test(clamping_rounds_and_limits),
        cmocka_unit_test(text_round_trips),
        cmocka_unit_test(wrong_text_is_refused),
        cmocka_unit_test(encoding_and_decoding_are_inverse),
        cmocka_unit_test(cells_are_fair),
        cmocka_unit_test(narrowed_ranges_hold),
        cmocka_unit_test(branches_are_live_or_dead),
        cmocka_unit_test(random_points_fill_the_space),
        cmocka_unit_test(tasks_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
