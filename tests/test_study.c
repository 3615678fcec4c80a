/* test_study.c: a training that is paced by its caller comes to the model of aml_train. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "automl/automl.h"
#include "automl/core/io.h"

enum { ROWS = 120, TRIALS = 9 };

static aml_frame *table(void) {
    double x[ROWS], z[ROWS], y[ROWS];
    for (int i = 0; i < ROWS; i++) {
        x[i] = (i * 37) % ROWS;
        z[i] = (i * 53) % 17;
        y[i] = 2 * x[i] + z[i] * z[i] + i % 5;
    }
    aml_frame_builder *b = aml_frame_builder_new(ROWS, NULL);
    assert_int_equal(aml_frame_add_numbers(b, "x", x), AML_OK);
    assert_int_equal(aml_frame_add_numbers(b, "z", z), AML_OK);
    assert_int_equal(aml_frame_add_numbers(b, "y", y), AML_OK);
    return aml_frame_build(b);
}

static aml_train_options options(size_t trials) {
    static const char *const learners[] = {"ridge", "knn", "gbdt", NULL};
    return (aml_train_options){.size = sizeof(aml_train_options),
                               .target = "y",
                               .trials = trials,
                               .learners = learners,
                               .threads = 2,
                               .seed = 3};
}

static void bytes_of(char **bytes, size_t *size, const aml_model *m) {
    char path[] = "/tmp/automl_study_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(aml_model_save(m, path), AML_OK);
    assert_int_equal(aml_read_file(bytes, size, path, 1 << 26, NULL), AML_OK);
    unlink(path);
}

static void assert_same(const aml_model *a, const aml_model *b) {
    char *x, *y;
    size_t n, m;
    bytes_of(&x, &n, a);
    bytes_of(&y, &m, b);
    assert_int_equal(n, m);
    assert_memory_equal(x, y, n);
    aml_free(x);
    aml_free(y);
}

typedef struct fixture {
    aml_frame *data;
    aml_model *model; /* of aml_train */
} fixture;

static int setup(void **state) {
    fixture *f = calloc(1, sizeof *f);
    aml_train_options o = options(TRIALS);
    f->data = table();
    *state = f;
    return (int)aml_train(&f->model, f->data, &o);
}

static int teardown(void **state) {
    fixture *f = *state;
    aml_model_free(f->model);
    aml_frame_free(f->data);
    free(f);
    return 0;
}

static size_t leaders(aml_study *s, double *best) {
    aml_leader l = {.size = sizeof l};
    size_t n = 0;
    double before = -INFINITY;
    for (; aml_study_leader(s, n, &l); n++) {
        if (!strcmp(l.state, "done")) {
            assert_int_equal(l.rank, n + 1);
            assert_true(l.score >= before);
            before = l.score;
        }
        if (!n) *best = l.score;
    }
    return n;
}

static void steps_lead_to_the_model_of_train(void **state) {
    fixture *f = *state;
    aml_study *s;
    aml_model *m;
    aml_train_options o = options(TRIALS);
    aml_progress p = {.size = sizeof p};
    double best = NAN;
    size_t steps = 0;
    assert_int_equal(aml_study_new(&s, f->data, &o), AML_OK);
    assert_int_equal(leaders(s, &best), 0);
    assert_int_equal(aml_study_progress(s, &p), 0);
    while (aml_study_step(s, 100) == AML_OK) {
        steps++;
        assert_true(leaders(s, &best) >= steps);
        assert_int_equal(aml_study_progress(s, &p), 1);
        assert_true(p.trials >= steps);
        assert_true(p.best == best);
    }
    assert_int_equal(steps, TRIALS);
    assert_int_equal(aml_last_error()->status, AML_ESTOPPED);
    assert_int_equal(aml_study_finish(&m, s), AML_OK);
    assert_same(m, f->model);
    aml_model *again;
    assert_int_equal(aml_study_finish(&again, s), AML_EUSAGE);
    assert_null(again);
    assert_int_equal(leaders(s, &best), TRIALS);
    aml_study_free(s);
    aml_model_free(m);
}

static void in_the_background_too(void **state) {
    fixture *f = *state;
    aml_study *s;
    aml_model *m;
    aml_train_options o = options(TRIALS);
    assert_int_equal(aml_study_new(&s, f->data, &o), AML_OK);
    assert_int_equal(aml_study_start(s), AML_OK);
    assert_int_equal(aml_study_finish(&m, s), AML_OK);
    aml_study_free(s);
    assert_same(m, f->model);
    aml_model_free(m);
}

static void nothing_begins_between_steps(void **state) {
    fixture *f = *state;
    aml_study *s;
    aml_train_options o = options(100000);
    double best;
    o.max_concurrent_trials = 1;
    assert_int_equal(aml_study_new(&s, f->data, &o), AML_OK);
    assert_int_equal(aml_study_step(s, 100), AML_OK);
    size_t n = leaders(s, &best);
    usleep(50000);
    assert_true(leaders(s, &best) <= n + 1); /* the one that was under way */
    aml_study_free(s);
}

static void *stop_soon(void *study) {
    usleep(30000);
    aml_study_stop(study);
    return NULL;
}

static void another_thread_stops_it(void **state) {
    fixture *f = *state;
    aml_study *s;
    aml_model *m;
    pthread_t thread;
    aml_train_options o = options(1000000);
    assert_int_equal(aml_study_new(&s, f->data, &o), AML_OK);
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, s), 0);
    while (!aml_study_step(s, 1)) continue;
    pthread_join(thread, NULL);
    assert_int_equal(aml_study_finish(&m, s), AML_OK);
    double p[ROWS];
    assert_int_equal(aml_model_predict(p, m, f->data, 1), AML_OK);
    aml_study_free(s);
    aml_model_free(m);
}

static void an_end_at_any_point_leaves_nothing(void **state) {
    fixture *f = *state;
    aml_study *s;
    aml_train_options o = options(TRIALS);
    for (int steps = 0; steps < 3; steps++) {
        assert_int_equal(aml_study_new(&s, f->data, &o), AML_OK);
        for (int i = 0; i < steps; i++) assert_int_equal(aml_study_step(s, 0.001), AML_OK);
        aml_study_stop(s);
        aml_study_free(s);
    }
    aml_study_free(NULL);
}

static void failures_are_those_of_train(void **state) {
    fixture *f = *state;
    aml_study *s;
    aml_model *m;
    aml_train_options o = options(3);
    o.target = "nothing";
    assert_int_equal(aml_study_new(&s, f->data, &o), AML_OK);
    aml_status status = AML_OK;
    while (!status) status = aml_study_step(s, 1);
    assert_int_equal(status, AML_EDATA);
    assert_non_null(strstr(aml_last_error()->message, "nothing"));
    assert_int_equal(aml_study_finish(&m, s), AML_EDATA);
    assert_null(m);
    aml_study_free(s);
    o.threads = -1;
    assert_int_equal(aml_study_new(&s, f->data, &o), AML_EUSAGE);
    assert_null(s);
    o = options(3);
    assert_int_equal(aml_study_new(&s, f->data, &o), AML_OK);
    assert_int_equal(aml_study_step(s, NAN), AML_EUSAGE);
    assert_int_equal(aml_study_step(s, -1), AML_EUSAGE);
    aml_study_free(s);
}

typedef struct said {
    size_t n[4];
} said;

static void hear(aml_log_level level, const char *text, void *arg) {
    said *s = arg;
    assert_true(text && *text && !strchr(text, '\n'));
    s->n[level]++;
}

static void the_log_tells_each_trial(void **state) {
    fixture *f = *state;
    aml_model *m;
    said s = {0};
    aml_train_options o = options(4);
    o.log = hear;
    o.log_arg = &s;
    assert_int_equal(aml_train(&m, f->data, &o), AML_OK);
    assert_true(s.n[AML_LOG_DETAIL] >= 4);
    aml_model_free(m);
}

/* A caller who knows fewer members than there are, and one who knows more. */
static void sizes_are_honoured(void **state) {
    fixture *f = *state;
    union {
        aml_train_options o;
        char bytes[4096];
    } u = {.o = options(2)};
    aml_model *m;
    u.o.progress_arg = NULL;
    u.o.log = (aml_log_fn)(uintptr_t)1; /* beyond the size: not to be called */
    u.o.size = offsetof(aml_train_options, log);
    assert_int_equal(aml_train(&m, f->data, &u.o), AML_OK);
    aml_leader l = {.size = offsetof(aml_leader, score), .score = 77};
    assert_int_equal(aml_model_leader(m, 0, &l), 1);
    assert_true(l.score == 77);
    assert_int_equal(l.size, offsetof(aml_leader, score));
    assert_int_equal(l.rank, 1);
    aml_model_free(m);
    u.o.log = NULL;
    u.o.size = sizeof u;
    assert_int_equal(aml_train(&m, f->data, &u.o), AML_OK);
    aml_model_free(m);
    u.bytes[4000] = 1;
    assert_int_equal(aml_train(&m, f->data, &u.o), AML_EUSAGE);
    assert_non_null(strstr(aml_last_error()->message, "aml_train_options"));
    u.o.size = 0;
    assert_int_equal(aml_train(&m, f->data, &u.o), AML_EUSAGE);
    u.o.size = SIZE_MAX;
    assert_int_equal(aml_train(&m, f->data, &u.o), AML_EUSAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_lead_to_the_model_of_train),
        cmocka_unit_test(in_the_background_too),
        cmocka_unit_test(nothing_begins_between_steps),
        cmocka_unit_test(another_thread_stops_it),
        cmocka_unit_test(an_end_at_any_point_leaves_nothing),
        cmocka_unit_test(failures_are_those_of_train),
        cmocka_unit_test(the_log_tells_each_trial),
        cmocka_unit_test(sizes_are_honoured),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
