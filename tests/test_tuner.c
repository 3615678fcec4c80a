/* test_tuner.c: ask, report, tell through the public interface, and the file that keeps them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "automl/automl.h"

static const char *const space_text = "lr = loguniform(1e-4, 1e-1); depth = int(2, 10)\n"
                                      "booster = choice(gbtree, dart); seed = 7\n"
                                      "drop = uniform(0, 0.5) if booster == dart";

static aml_tuner *tuner_of(const char *space, const char *sampler, const char *goals) {
    aml_tuner_options o = {
        .size = sizeof o, .space = space, .sampler = sampler, .goals = goals, .seed = 3};
    aml_tuner *t;
    if (aml_tuner_new(&t, &o)) fail_msg("%s", aml_last_error()->message);
    return t;
}

static aml_tuner_value value_named(aml_tuner *t, size_t trial, const char *name) {
    aml_tuner_value v = {.size = sizeof v};
    for (size_t i = 0; aml_tuner_value_at(t, trial, i, &v); i++)
        if (!strcmp(v.name, name)) {
            if (v.text >= v.room && v.text < v.room + sizeof v.room) v.text = "(number)";
            return v;
        }
    return (aml_tuner_value){.number = NAN};
}

static size_t asked(aml_tuner *t) {
    size_t id = SIZE_MAX;
    if (aml_tuner_ask(t, &id)) fail_msg("%s", aml_last_error()->message);
    return id;
}

static double quality(aml_tuner *t, size_t id) {
    double lr = value_named(t, id, "lr").number, depth = value_named(t, id, "depth").number;
    return pow(log10(lr) + 2, 2) + 0.01 * pow(depth - 6, 2);
}

/* ---- asking and telling ---- */

static void trials_have_their_parameters(void **state) {
    (void)state;
    aml_tuner *t = tuner_of(space_text, "random", NULL);
    size_t dart = 0;
    for (size_t i = 0; i < 60; i++) {
        assert_int_equal(asked(t), i);
        double lr = value_named(t, i, "lr").number, depth = value_named(t, i, "depth").number;
        assert_true(lr >= 1e-4 && lr <= 0.1 && depth >= 2 && depth <= 10 && depth == floor(depth));
        aml_tuner_value booster = value_named(t, i, "booster");
        assert_false(booster.is_number);
        bool has_drop = !isnan(value_named(t, i, "drop").number);
        assert_int_equal(has_drop, !strcmp(booster.text, "dart"));
        assert_true(value_named(t, i, "seed").number == 7);
        dart += has_drop;
    }
    assert_true(dart > 15 && dart < 45);
    assert_int_equal(aml_tuner_trials(t), 60);
    aml_tuner_free(t);
}

static void the_best_comes_first(void **state) {
    (void)state;
    aml_tuner *t = tuner_of(space_text, "random", "maximize accuracy");
    const char *name;
    int maximize;
    assert_true(aml_tuner_goal(t, 0, &name, &maximize));
    assert_string_equal(name, "accuracy");
    assert_true(maximize && !aml_tuner_goal(t, 1, &name, &maximize));
    for (size_t i = 0; i < 20; i++) {
        double x = i == 7 ? 9 : (double)(i % 5);
        size_t id = asked(t);
        assert_int_equal(aml_tuner_tell(t, id, i == 3 ? AML_OUTCOME_FAILED : AML_OUTCOME_DONE, &x),
                         AML_OK);
    }
    size_t best = 0, second = 0, n = 0;
    assert_true(aml_tuner_best(t, 0, &best) && aml_tuner_best(t, 1, &second));
    assert_int_equal(best, 7);
    assert_int_equal(second, 4);
    while (aml_tuner_best(t, n, &best)) n++;
    assert_int_equal(n, 19);
    aml_tuner_trial row = {.size = sizeof row};
    assert_true(aml_tuner_trial_at(t, 7, &row));
    assert_true(row.value == 9 && row.on_front && row.outcome == AML_OUTCOME_DONE);
    assert_true(aml_tuner_trial_at(t, 3, &row) && row.outcome == AML_OUTCOME_FAILED);
    assert_true(isnan(row.value) && !aml_tuner_trial_at(t, 20, &row));
    aml_tuner_free(t);
}

static void a_front_is_of_those_not_beaten(void **state) {
    (void)state;
    static const double values[][2] = {{1, 5}, {2, 6}, {3, 9}, {1, 4}, {3, 9}, {0.5, 5}};
    aml_tuner *t = tuner_of("x = uniform(0, 1)", "random", "minimize loss, maximize speed");
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(aml_tuner_tell(t, asked(t), AML_OUTCOME_DONE, values[i]), AML_OK);
    static const size_t front[] = {5, 1, 2, 4};
    size_t id, n = 0;
    for (; aml_tuner_best(t, n, &id); n++) assert_int_equal(id, front[n]);
    assert_int_equal(n, 4);
    assert_true(aml_tuner_trial_value(t, 2, 1) == 9);
    aml_tuner_free(t);
}

static void misuse_is_an_error(void **state) {
    (void)state;
    aml_tuner *t = tuner_of(space_text, "random", NULL);
    double x = 1;
    assert_int_equal(aml_tuner_tell(t, 0, AML_OUTCOME_DONE, &x), AML_EUSAGE);
    size_t id = asked(t);
    assert_int_equal(aml_tuner_tell(t, id, AML_OUTCOME_DONE, NULL), AML_EUSAGE);
    assert_int_equal(aml_tuner_report(t, id, 2, 1, NULL), AML_OK);
    assert_int_equal(aml_tuner_report(t, id, 2, 1, NULL), AML_EUSAGE);
    assert_int_equal(aml_tuner_report(t, id, NAN, 1, NULL), AML_EUSAGE);
    assert_int_equal(aml_tuner_tell(t, id, AML_OUTCOME_PRUNED, NULL), AML_OK);
    assert_int_equal(aml_tuner_tell(t, id, AML_OUTCOME_DONE, &x), AML_EUSAGE);
    aml_tuner_trial row = {.size = sizeof row};
    assert_true(aml_tuner_trial_at(t, id, &row) && row.value == 1 && row.step == 2);
    x = NAN;
    assert_int_equal(aml_tuner_tell(t, asked(t), AML_OUTCOME_DONE, &x), AML_OK);
    assert_true(aml_tuner_trial_at(t, 1, &row) && row.outcome == AML_OUTCOME_FAILED);
    aml_tuner_free(t);
}

static void enqueued_ones_come_first(void **state) {
    (void)state;
    aml_tuner *t = tuner_of(space_text, "random", NULL);
    assert_int_equal(aml_tuner_enqueue(t, "{\"depth\": 9, \"booster\": \"dart\", \"drop\": 0.25}"),
                     AML_OK);
    assert_int_equal(aml_tuner_enqueue(t, "{\"dept\": 9}"), AML_ECONFIG);
    assert_non_null(strstr(aml_last_error()->help, "depth"));
    assert_int_equal(aml_tuner_enqueue(t, "{\"drop\": 0.1}"), AML_ECONFIG);
    size_t id = asked(t);
    assert_true(value_named(t, id, "depth").number == 9);
    assert_true(value_named(t, id, "drop").number == 0.25);
    char *json = aml_tuner_params_json(t, id);
    assert_non_null(strstr(json, "\"booster\":\"dart\",\"seed\":7,\"drop\":0.25"));
    aml_text_free(json);
    assert_true(value_named(t, asked(t), "depth").number <= 10);
    aml_tuner_free(t);
}

static void order_makes_trials_the_same(void **state) {
    (void)state;
    aml_tuner *t;
    aml_tuner_options o = {.size = sizeof o, .space = space_text, .concurrency = 3, .in_order = 1};
    assert_int_equal(aml_tuner_new(&t, &o), AML_OK);
    size_t id;
    double x = 1;
    for (size_t i = 0; i < 3; i++) asked(t);
    assert_int_equal(aml_tuner_ask(t, &id), AML_EAGAIN);
    assert_int_equal(aml_tuner_tell(t, 1, AML_OUTCOME_DONE, &x), AML_OK);
    assert_int_equal(aml_tuner_ask(t, &id), AML_EAGAIN);
    assert_int_equal(aml_tuner_tell(t, 0, AML_OUTCOME_DONE, &x), AML_OK);
    assert_int_equal(aml_tuner_ask(t, &id), AML_OK);
    assert_int_equal(aml_tuner_ask(t, &id), AML_OK);
    assert_int_equal(aml_tuner_ask(t, &id), AML_EAGAIN);
    aml_tuner_free(t);
}

static void constraints_are_kept(void **state) {
    (void)state;
    static const char *const samplers[] = {"auto",  "bayes",  "tpe", "cmaes",
                                           "sobol", "random", "grid"};
    for (size_t k = 0; k < sizeof samplers / sizeof *samplers; k++) {
        aml_tuner_options o = {.size = sizeof o,
                               .space = "a = uniform(0, 1); b = int(1, 64, log); c = choice(x, y); "
                                        "d = uniform(0, 1) if c == y",
                               .constraints = "a * b <= 4; d < 0.5; a + d > 0.2",
                               .sampler = samplers[k],
                               .seed = k};
        aml_tuner *t;
        assert_int_equal(aml_tuner_new(&t, &o), AML_OK);
        for (size_t i = 0; i < 40; i++) {
            size_t id = asked(t);
            double a = value_named(t, id, "a").number, b = value_named(t, id, "b").number,
                   d = value_named(t, id, "d").number, loss = a + 1 / b;
            assert_true(a * b <= 4 && (isnan(d) || (d < 0.5 && a + d > 0.2)));
            aml_tuner_tell(t, id, i % 9 == 8 ? AML_OUTCOME_FAILED : AML_OUTCOME_DONE, &loss);
        }
        aml_tuner_free(t);
    }
    aml_tuner_options o = {.size = sizeof o, .space = "a = uniform(0, 1)", .constraints = "a > 2"};
    aml_tuner *t;
    size_t id;
    assert_int_equal(aml_tuner_new(&t, &o), AML_OK);
    assert_int_equal(aml_tuner_ask(t, &id), AML_ECONFIG);
    aml_tuner_free(t);
}

/* Fronts of two circles' centres: all points between (0, 0) and (1, 1) are best. How near do the trials come to them? */
static double distance_from_front(const char *sampler) {
    aml_tuner *t =
        tuner_of("x = uniform(-3, 3); y = uniform(-3, 3)", sampler, "minimize a, minimize b");
    double sum = 0;
    size_t id, n = 0;
    for (size_t i = 0; i < 80; i++) {
        id = asked(t);
        double x = value_named(t, id, "x").number, y = value_named(t, id, "y").number;
        double values[] = {x * x + y * y, (x - 1) * (x - 1) + (y - 1) * (y - 1)};
        aml_tuner_tell(t, id, AML_OUTCOME_DONE, values);
    }
    for (; aml_tuner_best(t, n, &id); n++)
        sum += fabs(value_named(t, id, "x").number - value_named(t, id, "y").number);
    aml_tuner_free(t);
    return sum / (double)n;
}

static void several_goals_are_searched(void **state) {
    (void)state;
    double random = distance_from_front("random");
    assert_true(distance_from_front("tpe") < 0.7 * random);
    assert_true(distance_from_front("auto") < 0.5 * random);
}

/* ---- importance ---- */

static void what_matters_is_important(void **state) {
    (void)state;
    aml_tuner *t = tuner_of(space_text, "random", NULL);
    const char *name;
    double share, sum = 0, first = 0;
    for (size_t i = 0; i < 9; i++) {
        double x = quality(t, asked(t));
        aml_tuner_tell(t, i, AML_OUTCOME_DONE, &x);
    }
    assert_false(aml_tuner_importance(t, 0, 0, &name, &share));
    for (size_t i = 9; i < 300; i++) {
        double x = quality(t, asked(t));
        aml_tuner_tell(t, i, AML_OUTCOME_DONE, &x);
    }
    for (size_t i = 0; aml_tuner_importance(t, 0, i, &name, &share); i++) {
        if (!i) assert_string_equal(name, "lr"), first = share;
        if (!strcmp(name, "seed")) assert_true(share == 0);
        sum += share;
    }
    assert_true(first > 0.5 && fabs(sum - 1) < 1e-9);
    aml_tuner_free(t);
}

/* ---- files ---- */

static void file_name(char *out, size_t size, const char *name) {
    snprintf(out, size, "%s/tuner_%ld_%s.jsonl", BINARY_DIR, (long)getpid(), name);
    unlink(out);
}

static aml_tuner *open_at(const char *path, const char *space) {
    aml_tuner_options o = {
        .size = sizeof o, .space = space, .sampler = "random", .goals = "maximize acc", .seed = 5};
    aml_tuner *t;
    if (aml_tuner_open(&t, path, space ? &o : NULL)) fail_msg("%s", aml_last_error()->message);
    return t;
}

static void expect_same(aml_tuner *a, aml_tuner *b) {
    size_t n = aml_tuner_trials(a);
    assert_int_equal(n, aml_tuner_trials(b));
    for (size_t i = 0; i < n; i++) {
        char *x = aml_tuner_params_json(a, i), *y = aml_tuner_params_json(b, i);
        assert_string_equal(x, y);
        aml_text_free(x);
        aml_text_free(y);
        aml_tuner_trial p = {.size = sizeof p}, q = {.size = sizeof q};
        assert_true(aml_tuner_trial_at(a, i, &p) && aml_tuner_trial_at(b, i, &q));
        assert_int_equal(p.outcome, q.outcome);
        assert_int_equal(p.steps, q.steps);
        assert_true(p.value == q.value || (isnan(p.value) && isnan(q.value)));
    }
}

static void a_file_keeps_everything(void **state) {
    (void)state;
    char path[512], copy[512];
    file_name(path, sizeof path, "keep");
    file_name(copy, sizeof copy, "copy");
    aml_tuner *t = open_at(path, space_text), *other = open_at(path, NULL), *loaded;
    for (size_t i = 0; i < 12; i++) {
        aml_tuner *one = i % 2 ? t : other;
        size_t id = asked(one);
        double x = 0.1 * (double)i;
        assert_int_equal(id, i);
        assert_int_equal(aml_tuner_report(other, id, 1, x / 2, NULL), AML_OK);
        if (i == 5) continue;
        assert_int_equal(aml_tuner_tell(t, id, i == 4 ? AML_OUTCOME_PRUNED : AML_OUTCOME_DONE, &x),
                         AML_OK);
    }
    assert_int_equal(aml_tuner_enqueue(t, "{\"depth\": 3}"), AML_OK);
    expect_same(t, other);
    assert_int_equal(aml_tuner_load(&loaded, path), AML_OK);
    expect_same(t, loaded);
    assert_int_equal(aml_tuner_save(t, copy), AML_OK);
    aml_tuner_free(other);
    other = open_at(copy, NULL);
    expect_same(t, other);
    assert_true(value_named(other, asked(other), "depth").number == 3);
    assert_true(value_named(t, asked(t), "depth").number == 3);
    assert_true(value_named(other, asked(other), "lr").number ==
                value_named(t, asked(t), "lr").number);
    aml_tuner_free(other);
    aml_tuner_free(loaded);
    aml_tuner_free(t);
    unlink(path);
    unlink(copy);
}

/* A search in which `drop` is best near `centre`. */
static aml_tuner *searched(double centre, uint64_t seed) {
    const aml_tuner_options o = {
        .size = sizeof o, .space = "a = uniform(0, 1); b = choice(x, y)", .seed = seed};
    aml_tuner *t;
    assert_int_equal(aml_tuner_new(&t, &o), AML_OK);
    for (size_t i = 0; i < 25; i++) {
        size_t id = asked(t);
        double a = value_named(t, id, "a").number - centre;
        double loss = a * a + !strcmp(value_named(t, id, "b").text, "x");
        assert_int_equal(
            aml_tuner_tell(t, id, i % 9 ? AML_OUTCOME_DONE : AML_OUTCOME_FAILED, &loss), AML_OK);
    }
    return t;
}

static void earlier_searches_are_where_the_next_begins(void **state) {
    (void)state;
    const aml_tuner_options o = {
        .size = sizeof o, .space = "a = uniform(0, 1); b = choice(x, y)", .seed = 5};
    const aml_tuner_options elsewhere = {.size = sizeof o, .space = "a = uniform(0, 2)"};
    const aml_tuner_options two = {
        .size = sizeof o, .space = "a = uniform(0, 1); b = choice(x, y)", .goals = "u, v"};
    char path[512];
    aml_tuner *past[] = {searched(0.8, 1), searched(0.75, 2)}, *t, *again, *other, *kept;
    file_name(path, sizeof path, "learn");
    assert_int_equal(aml_tuner_open(&t, path, &o), AML_OK);
    for (int i = 0; i < 2; i++) assert_int_equal(aml_tuner_learn(t, past[i]), AML_OK);
    size_t id = asked(t);
    assert_true(fabs(value_named(t, id, "a").number - 0.78) < 0.06);
    assert_string_equal(value_named(t, id, "b").text, "y");
    assert_int_equal(aml_tuner_learn(t, past[0]), AML_EUSAGE); /* it has begun */
    /* What was learnt is in the file, and in a copy of it. */
    assert_int_equal(aml_tuner_open(&again, path, NULL), AML_OK);
    assert_int_equal(aml_tuner_save(again, path), AML_OK);
    assert_int_equal(aml_tuner_load(&kept, path), AML_OK);
    assert_int_equal(asked(t), asked(kept));
    expect_same(t, kept);
    assert_int_equal(aml_tuner_learn(t, t), AML_EUSAGE);
    assert_int_equal(aml_tuner_new(&other, &elsewhere), AML_OK);
    assert_int_equal(aml_tuner_learn(other, past[0]), AML_ECONFIG);
    aml_tuner_free(other);
    assert_int_equal(aml_tuner_new(&other, &two), AML_OK);
    assert_int_equal(aml_tuner_learn(other, past[0]), AML_ECONFIG); /* other goals */
    aml_tuner_free(other);
    for (int i = 0; i < 2; i++) aml_tuner_free(past[i]);
    aml_tuner_free(t);
    aml_tuner_free(again);
    aml_tuner_free(kept);
    unlink(path);
}

static void a_cut_line_is_dropped(void **state) {
    (void)state;
    char path[512];
    file_name(path, sizeof path, "cut");
    aml_tuner *t = open_at(path, space_text);
    for (size_t i = 0; i < 3; i++) asked(t);
    aml_tuner_free(t);
    FILE *f = fopen(path, "a");
    fputs("{\"ask\":3,\"para", f);
    fclose(f);
    t = open_at(path, NULL);
    assert_int_equal(aml_tuner_trials(t), 3);
    assert_int_equal(asked(t), 3);
    aml_tuner_free(t);
    t = open_at(path, NULL);
    assert_int_equal(aml_tuner_trials(t), 4);
    aml_tuner_free(t);
    unlink(path);
}

static void other_files_are_refused(void **state) {
    (void)state;
    char path[512];
    aml_tuner *t;
    aml_tuner_options o = {.size = sizeof o, .space = "x = uniform(0, 1)"};
    file_name(path, sizeof path, "other");
    assert_int_equal(aml_tuner_open(&t, path, NULL), AML_ENOINPUT);
    assert_null(t);
    t = open_at(path, space_text);
    aml_tuner_free(t);
    assert_int_equal(aml_tuner_open(&t, path, &o), AML_ECONFIG);
    static const char *const bad[] = {"{}\n",
                                      "x\n",
                                      "{\"automl_tuner\":9,\"space\":\"x=1\"}\n",
                                      "{\"automl_tuner\":1,\"space\":\"x=uniform(0,1)\"}\n{}\n",
                                      "{\"automl_tuner\":1,\"space\":\"x=uniform(0,1)\"}\n"
                                      "{\"tell\":0,\"state\":\"done\",\"values\":[1]}\n",
                                      "{\"automl_tuner\":1,\"space\":\"x=uniform(0,1)\"}\n"
                                      "{\"ask\":0,\"params\":{\"x\":2}}\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        FILE *f = fopen(path, "w");
        fputs(bad[i], f);
        fclose(f);
        aml_status status = aml_tuner_open(&t, path, NULL);
        assert_true(status == AML_EDATA || status == AML_ECONFIG);
    }
    unlink(path);
}

/* Processes and threads share one file: no trial is given twice, none is lost. */
static void *worker(void *arg) {
    aml_tuner *t = arg;
    for (int i = 0; i < 25; i++) {
        size_t id;
        double x = i;
        if (aml_tuner_ask(t, &id) || aml_tuner_report(t, id, 1, x, NULL) ||
            aml_tuner_tell(t, id, AML_OUTCOME_DONE, &x))
            return t;
    }
    return NULL;
}

static void many_may_share_a_file(void **state) {
    (void)state;
    enum { PROCESSES = 4, THREADS = 2 };
    char path[512];
    file_name(path, sizeof path, "shared");
    aml_tuner_free(open_at(path, space_text));
    for (int p = 0; p < PROCESSES; p++) {
        if (fork()) continue;
        aml_tuner *t;
        pthread_t thread[THREADS];
        void *bad = NULL, *result;
        if (aml_tuner_open(&t, path, NULL)) _exit(1);
        for (int i = 0; i < THREADS; i++) pthread_create(&thread[i], NULL, worker, t);
        for (int i = 0; i < THREADS; i++) {
            pthread_join(thread[i], &result);
            if (result) bad = result;
        }
        aml_tuner_free(t);
        _exit(bad != NULL);
    }
    for (int p = 0; p < PROCESSES; p++) {
        int code = 1;
        wait(&code);
        assert_int_equal(code, 0);
    }
    aml_tuner *t = open_at(path, NULL);
    aml_tuner_trial row = {.size = sizeof row};
    assert_int_equal(aml_tuner_trials(t), PROCESSES * THREADS * 25);
    for (size_t i = 0; aml_tuner_trial_at(t, i, &row); i++)
        assert_int_equal(row.outcome, AML_OUTCOME_DONE);
    aml_tuner_free(t);
    unlink(path);
}

/* Whoever finds that the file is damaged lets go of it. */
static void a_damaged_file_is_let_go(void **state) {
    (void)state;
    char path[512];
    size_t trial;
    file_name(path, sizeof path, "damaged");
    aml_tuner *a = open_at(path, space_text), *b = open_at(path, NULL);
    assert_int_equal(aml_tuner_ask(a, &trial), AML_OK);
    assert_int_equal(truncate(path, 10), 0);
    assert_int_equal(aml_tuner_trials(a), 1); /* as it was known */
    alarm(20);
    assert_int_equal(aml_tuner_ask(b, &trial), AML_EDATA);
    alarm(0);
    aml_tuner_free(a);
    aml_tuner_free(b);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trials_have_their_parameters),
        cmocka_unit_test(the_best_comes_first),
        cmocka_unit_test(a_front_is_of_those_not_beaten),
        cmocka_unit_test(misuse_is_an_error),
        cmocka_unit_test(enqueued_ones_come_first),
        cmocka_unit_test(order_makes_trials_the_same),
        cmocka_unit_test(constraints_are_kept),
        cmocka_unit_test(several_goals_are_searched),
        cmocka_unit_test(what_matters_is_important),
        cmocka_unit_test(a_file_keeps_everything),
        cmocka_unit_test(earlier_searches_are_where_the_next_begins),
        cmocka_unit_test(a_cut_line_is_dropped),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(many_may_share_a_file),
        cmocka_unit_test(a_damaged_file_is_let_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
