/* test_schedulers.c: early stopping by reports, through the public interface, beside the documented examples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "automl/automl.h"

static aml_tuner *tuner_of(const char *scheduler, const char *goals) {
    aml_tuner_options o = {.size = sizeof o,
                           .space = "x = uniform(0, 1)",
                           .sampler = "random",
                           .scheduler = scheduler,
                           .goals = goals};
    aml_tuner *t;
    if (aml_tuner_new(&t, &o)) fail_msg("%s", aml_last_error()->message);
    return t;
}

static size_t new_trial(aml_tuner *t) {
    size_t id = 0;
    assert_int_equal(aml_tuner_ask(t, &id), AML_OK);
    return id;
}

static int go_on(aml_tuner *t, size_t trial, double step, double value) {
    int answer = -1;
    assert_int_equal(aml_tuner_report(t, trial, step, value, &answer), AML_OK);
    return answer;
}

/* Reports all values of a new trial; the number of the report that stopped it, 0 = none. */
static int run(aml_tuner *t, const double *values, int n) {
    size_t id = new_trial(t);
    for (int i = 0; i < n; i++) {
        if (go_on(t, id, i + 1, values[i])) continue;
        aml_tuner_tell(t, id, AML_OUTCOME_PRUNED, NULL);
        return i + 1;
    }
    aml_tuner_tell(t, id, AML_OUTCOME_DONE, &values[n - 1]);
    return 0;
}

static void bandit_leaves_a_slack(void **state) {
    (void)state;
    /* the documented example: best 0.8, slack_factor 0.2: below 0.66 it ends */
    aml_tuner *t =
        tuner_of("{\"type\": \"bandit\", \"slack_factor\": 0.2, \"evaluation_interval\": "
                 "2, \"delay_evaluation\": 4}",
                 "maximize accuracy");
    const double best[] = {0.8, 0.8, 0.8, 0.8, 0.8, 0.9}, low[] = {0.1, 0.2, 0.3, 0.66, 0.5, 0.75},
                 lower[] = {0.1, 0.2, 0.3, 0.67, 0.9, 0.1},
                 late[] = {0.66, 0.1, 0.1, 0.68, 0.1, 0.1};
    assert_int_equal(run(t, best, 6), 0);
    assert_int_equal(run(t, low, 6), 4);
    assert_int_equal(run(t, lower, 6), 0);
    assert_int_equal(run(t, late, 6), 6); /* 0.68 < 0.9 / 1.2 */
    aml_tuner_free(t);
    t = tuner_of("{\"type\": \"bandit\", \"slack_amount\": 1}", "minimize loss");
    const double down[] = {5, 4, 3}, behind[] = {6, 5.01, 2}, beside[] = {6, 5, 4};
    assert_int_equal(run(t, down, 3), 0);
    assert_int_equal(run(t, behind, 3), 2);
    assert_int_equal(run(t, beside, 3), 0);
    aml_tuner_free(t);
    t = tuner_of("{\"type\": \"bandit\", \"slack_factor\": 0.5}", "minimize loss");
    const double below[] = {-2, -2}, near[] = {-1, -1}, far[] = {-0.99, -5};
    assert_int_equal(run(t, below, 2), 0); /* the best is never behind itself */
    assert_int_equal(run(t, near, 2), 0);
    assert_int_equal(run(t, far, 2), 1);
    aml_tuner_free(t);
}

static void median_is_of_running_means(void **state) {
    (void)state;
    aml_tuner *t = tuner_of("{\"type\": \"median_stopping\", \"delay_evaluation\": 2}", NULL);
    const double a[] = {4, 2, 2}, b[] = {6, 4, 2}, c[] = {9, 4.5, 1}, d[] = {9, 4.9, 4.9};
    assert_int_equal(run(t, a, 3), 0);
    assert_int_equal(run(t, b, 3), 0); /* means after 2: 3, 5; median 4, best 4 */
    assert_int_equal(run(t, c, 3), 0); /* 3, 5, 6.75: median 5, best 4.5; after 3: 2.67, 4, 4.83 */
    assert_int_equal(run(t, d, 3),
                     3); /* after 2: median 5.875; after 3 of 2.67 4 4.83 6.27: 4.42 */
    aml_tuner_free(t);
}

static void truncation_cuts_the_worst(void **state) {
    (void)state;
    aml_tuner *t = tuner_of("{\"type\": \"truncation_selection\", \"truncation_percentage\": 20}",
                            "maximize score");
    for (int i = 0; i < 4; i++) assert_int_equal(run(t, (double[]){0.9 - 0.1 * i}, 1), 0);
    assert_int_equal(run(t, (double[]){0.1}, 1), 1); /* the worst of five */
    assert_int_equal(run(t, (double[]){0.55}, 1), 0);
    aml_tuner_free(t);
    t = tuner_of("{\"type\": \"truncation_selection\", \"truncation_percentage\": 20, "
                 "\"exclude_finished_jobs\": true}",
                 "maximize score");
    for (int i = 0; i < 9; i++) assert_int_equal(run(t, (double[]){0.9}, 1), 0);
    assert_int_equal(run(t, (double[]){0.1}, 1), 0); /* alone among those that run */
    aml_tuner_free(t);
}

static void halving_keeps_a_third(void **state) {
    (void)state;
    aml_tuner *t = tuner_of("asha", NULL);
    size_t id[9], kept = 0;
    for (int i = 0; i < 9; i++) id[i] = new_trial(t);
    for (int i = 0; i < 9; i++) kept += (size_t)go_on(t, id[i], 1, i + 1);
    assert_int_equal(kept, 1);            /* the first; the later ones are worse and worse */
    assert_true(go_on(t, id[0], 2, 0.9)); /* not a rung */
    assert_true(go_on(t, id[0], 3, 0.8));
    assert_true(go_on(t, id[1], 3, 0.7));   /* whoever goes on all the same is judged at the rung */
    assert_false(go_on(t, id[2], 3, 0.75)); /* second of three */
    assert_true(go_on(t, id[1], 10, 5));    /* first at rung 9 */
    aml_tuner_free(t);
}

static void a_jump_is_judged_at_the_highest_rung(void **state) {
    (void)state;
    aml_tuner *t =
        tuner_of("{\"type\": \"asha\", \"min_steps\": 2, \"reduction_factor\": 2}", NULL);
    size_t a = new_trial(t), b = new_trial(t), c = new_trial(t);
    assert_true(go_on(t, a, 1, 5));
    assert_true(go_on(t, a, 8, 1)); /* rungs 2, 4 and 8 at once */
    assert_true(go_on(t, b, 1, 9));
    assert_false(go_on(t, b, 2, 9)); /* of a at rung 2: 1 */
    assert_false(go_on(t, c, 8, 2));
    aml_tuner_free(t);
}

static void brackets_judge_their_own(void **state) {
    (void)state;
    aml_tuner *t = tuner_of("{\"type\": \"hyperband\", \"max_steps\": 9}", NULL);
    int stopped = 0;
    /* a round: 9 trials of bracket 2, 5 of bracket 1, 3 of bracket 0 */
    for (int i = 0; i < 17; i++) {
        size_t id = new_trial(t);
        int at = 0;
        for (int step = 1; step <= 9 && !at; step++)
            if (!go_on(t, id, step, 100 + i)) at = step;
        if (i > 0 && i < 9) assert_int_equal(at, 1);
        else if (i > 9 && i < 14) assert_int_equal(at, 3);
        else assert_int_equal(at, 0);
        stopped += at > 0;
    }
    assert_int_equal(stopped, 12);
    aml_tuner_free(t);
}

static void parameters_are_checked(void **state) {
    (void)state;
    static const char *const bad[] = {
        "{\"type\": \"bandit\"}",
        "{\"type\": \"bandit\", \"slack_factor\": 0.1, \"slack_amount\": 1}",
        "{\"type\": \"bandit\", \"slack_facto\": 0.1}",
        "{\"type\": \"bandid\"}",
        "{\"type\": \"truncation_selection\"}",
        "{\"type\": \"truncation_selection\", \"truncation_percentage\": 100}",
        "hyperband",
        "race",
        "{\"type\": \"median_stopping\", \"evaluation_interval\": 0}",
        "{\"evaluation_interval\": 1}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        aml_tuner_options o = {.size = sizeof o, .space = "x = uniform(0, 1)", .scheduler = bad[i]};
        aml_tuner *t;
        assert_int_equal(aml_tuner_new(&t, &o), AML_ECONFIG);
        assert_true(aml_last_error()->line == 1 && strlen(aml_last_error()->message) > 10);
    }
}

/* Whatever the rule, a trial that is best at every report is never stopped. */
static void the_best_is_never_stopped(void **state) {
    (void)state;
    static const char *const all[] = {
        "none",
        "asha",
        "{\"type\": \"bandit\", \"slack_factor\": 0.1}",
        "median_stopping",
        "{\"type\": \"truncation_selection\", \"truncation_percentage\": 50}",
        "{\"type\": \"hyperband\", \"max_steps\": 27}"};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        aml_tuner *t = tuner_of(all[k], "maximize x");
        for (int i = 0; i < 30; i++) {
            double curve[27];
            for (int j = 0; j < 27; j++)
                curve[j] = (i % 7 == 6 ? 1 + i : 0.01 * (i % 5)) + 0.001 * j;
            int at = run(t, curve, 27);
            if (i % 7 == 6) assert_int_equal(at, 0);
        }
        aml_tuner_free(t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bandit_leaves_a_slack),
        cmocka_unit_test(median_is_of_running_means),
        cmocka_unit_test(truncation_cuts_the_worst),
        cmocka_unit_test(halving_keeps_a_third),
        cmocka_unit_test(a_jump_is_judged_at_the_highest_rung),
        cmocka_unit_test(brackets_judge_their_own),
        cmocka_unit_test(parameters_are_checked),
        cmocka_unit_test(the_best_is_never_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
