/* test_engine.c: the whole engine on small tables: what comes out, that it repeats, and that nothing breaks it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "automl/automl.h"
#include "automl/core/arena.h"
#include "automl/core/csv.h"
#include "automl/core/io.h"
#include "automl/core/rng.h"

#define DATA(name) SOURCE_DIR "/datasets/" name

static aml_frame *read_data(const char *path) {
    aml_frame *f;
    assert_int_equal(aml_frame_read(&f, path, NULL), AML_OK);
    return f;
}

static aml_frame *parse(const char *text) {
    aml_frame *f;
    const aml_csv_options o = {.n_threads = 1};
    assert_int_equal(aml_csv_parse(&f, NULL, text, strlen(text), "test.csv", &o), AML_OK);
    return f;
}

static aml_train_options quick(const char *target, size_t trials) {
    return (aml_train_options){
        .size = sizeof(aml_train_options), .target = target, .trials = trials, .threads = 1};
}

static const char *const cheap[] = {"logistic", "naive_bayes", "ridge", "knn", NULL};

static char *slurp(const char *path, size_t *size) {
    char *data;
    assert_int_equal(aml_read_file(&data, size, path, 1 << 30, NULL), AML_OK);
    return data;
}

static const char *temporary(char path[64]) {
    snprintf(path, 64, "/tmp/automl_test_%ld.automl", (long)getpid());
    return path;
}

/* ---- results */

static void threads_do_not_change_a_byte(void **state) {
    (void)state;
    aml_frame *f = read_data(DATA("iris.csv"));
    char *first_json = NULL, *first_bytes = NULL, path[64];
    size_t first_size = 0;
    const int threads[] = {1, 2, 4, 8};
    for (int i = 0; i < 4; i++) {
        aml_train_options o = quick("species", 12);
        o.threads = threads[i];
        aml_model *m;
        assert_int_equal(aml_train(&m, f, &o), AML_OK);
        assert_int_equal(aml_model_save(m, temporary(path)), AML_OK);
        char *json = aml_model_leaderboard_json(m, AML_NO_TIMINGS);
        size_t size;
        char *bytes = slurp(path, &size);
        if (i) {
            assert_string_equal(json, first_json);
            assert_int_equal(size, first_size);
            assert_memory_equal(bytes, first_bytes, size);
            aml_text_free(json);
            aml_free(bytes);
        } else {
            first_json = json, first_bytes = bytes, first_size = size;
        }
        aml_model_free(m);
    }
    aml_text_free(first_json);
    aml_free(first_bytes);
    aml_frame_free(f);
    unlink(path);
}

/* Predictions of a model as it is and as a fresh load of its file, and the file written again. */
static void saved_models_are_the_same(void **state) {
    (void)state;
    static const struct {
        const char *path, *target;
    } tables[] = {{DATA("breast_cancer.csv"), "diagnosis"},
                  {DATA("wine.csv"), "class"},
                  {DATA("diabetes.csv"), "progression"}};
    for (size_t t = 0; t < 3; t++) {
        char path[64];
        size_t n, size, again_size;
        aml_frame *f = read_data(tables[t].path);
        aml_train_options o = quick(tables[t].target, 9);
        aml_model *m, *loaded;
        assert_int_equal(aml_train(&m, f, &o), AML_OK);
        assert_int_equal(aml_model_save(m, temporary(path)), AML_OK);
        char *bytes = slurp(path, &size);
        assert_int_equal(aml_model_load(&loaded, path), AML_OK);
        n = aml_frame_rows_count(f) * aml_model_outputs(m);
        double *a = calloc(n, sizeof *a), *b = calloc(n, sizeof *b), *c = calloc(n, sizeof *c);
        assert_int_equal(aml_model_predict(a, m, f, 1), AML_OK);
        assert_int_equal(aml_model_predict(b, loaded, f, 1), AML_OK);
        assert_int_equal(aml_model_predict(c, loaded, f, 3), AML_OK);
        assert_memory_equal(a, b, n * sizeof *a);
        assert_memory_equal(a, c, n * sizeof *a);
        for (size_t i = 0; i < n; i++) assert_true(isfinite(a[i]));
        assert_int_equal(aml_model_save(loaded, path), AML_OK);
        char *again = slurp(path, &again_size);
        assert_int_equal(size, again_size);
        assert_memory_equal(bytes, again, size);
        free(a), free(b), free(c);
        aml_free(bytes), aml_free(again);
        aml_model_free(m), aml_model_free(loaded);
        aml_frame_free(f);
        unlink(path);
    }
}

static void it_learns(void **state) {
    (void)state;
    static const struct {
        const char *path, *target;
        double at_least; /* share of the baseline's loss that must go */
    } tables[] = {{DATA("breast_cancer.csv"), "diagnosis", 0.9},
                  {DATA("wine.csv"), "class", 0.8},
                  {DATA("diabetes.csv"), "progression", 0.2}};
    for (size_t t = 0; t < 3; t++) {
        aml_frame *f = read_data(tables[t].path);
        aml_train_options o = quick(tables[t].target, 9);
        aml_model *m;
        assert_int_equal(aml_train(&m, f, &o), AML_OK);
        aml_score s = {.size = sizeof s};
        aml_model_score(m, &s);
        bool auc = !strcmp(aml_model_metric(m), "auc");
        double loss = auc ? 1 - s.value : s.value, base = auc ? 1 - s.baseline : s.baseline;
        assert_true(loss < (1 - tables[t].at_least) * base);
        assert_true(s.low <= s.value && s.value <= s.high && s.low < s.high);
        aml_leader l = {.size = sizeof l};
        assert_true(aml_model_leader(m, 0, &l) && l.rank == 1);
        double weight = 0;
        for (size_t i = 0; aml_model_leader(m, i, &l); i++)
            if (l.trial != SIZE_MAX) weight += l.weight;
        assert_true(fabs(weight - 1) < 1e-9);
        aml_model_free(m);
        aml_frame_free(f);
    }
}

/* With the target shuffled nothing can be learnt: a score beyond chance would be a leak. */
static void shuffled_targets_give_chance(void **state) {
    (void)state;
    enum { N = 300 };
    aml_frame_builder *b = aml_frame_builder_new(N, NULL);
    static double x[N], z[N];
    static const char *c[N], *y[N];
    static char level[N][16];
    aml_rng rng = aml_rng_stream(5, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < N; i++) {
        x[i] = aml_rng_normal(&rng);
        z[i] = aml_rng_uniform(&rng);
        snprintf(level[i], sizeof level[i], "level%u",
                 aml_rng_below(&rng, 60)); /* many levels: bait for encoders */
        c[i] = level[i];
        y[i] = aml_rng_below(&rng, 2) ? "yes" : "no";
    }
    assert_int_equal(aml_frame_add_numbers(b, "x", x), AML_OK);
    assert_int_equal(aml_frame_add_numbers(b, "z", z), AML_OK);
    assert_int_equal(aml_frame_add_texts(b, "c", c), AML_OK);
    assert_int_equal(aml_frame_add_texts(b, "y", y), AML_OK);
    aml_frame *f = aml_frame_build(b);
    assert_non_null(f);
    aml_train_options o = quick("y", 12);
    aml_model *m;
    assert_int_equal(aml_train(&m, f, &o), AML_OK);
    aml_score s = {.size = sizeof s};
    aml_model_score(m, &s);
    assert_true(s.value > 0.36 && s.value < 0.64);
    aml_model_free(m);
    aml_frame_free(f);
}

/* ---- prediction on other tables */

static const char *const training =
    "a,b,c,y\n1,2.5,red,no\n2,3.5,blue,no\n3,1.5,red,no\n4,0.5,blue,no\n5,2.0,red,no\n6,7.5,green,"
    "yes\n7,8.5,blue,yes\n8,6.5,red,yes\n"
    "9,9.5,green,yes\n10,7.0,blue,yes\n1.5,2.2,red,no\n2.5,3.1,blue,no\n7.5,8.1,green,yes\n8.5,6.1,"
    "green,yes\n";

static aml_model *small_model(void) {
    aml_frame *f = parse(training);
    aml_train_options o = quick("y", 6);
    o.learners = cheap;
    aml_model *m;
    assert_int_equal(aml_train(&m, f, &o), AML_OK);
    aml_frame_free(f);
    return m;
}

static aml_status predict_text(double *out, const aml_model *m, const char *text) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/automl_test_%ld.csv", (long)getpid());
    assert_int_equal(aml_write_file(path, text, strlen(text)), AML_OK);
    aml_frame *f = NULL;
    aml_status status = aml_model_read(&f, m, path, NULL, NULL, 0);
    if (!status) status = aml_model_predict(out, m, f, 1);
    aml_frame_free(f);
    unlink(path);
    return status;
}

static void columns_go_by_name(void **state) {
    (void)state;
    aml_model *m = small_model();
    double p[2], q[2];
    assert_int_equal(predict_text(p, m, "a,b,c\n3,2,red\n8,7,green\n"), AML_OK);
    assert_int_equal(predict_text(q, m, "z,c,b,a\nx,red,2,3\ny,green,7,8\n"), AML_OK);
    assert_memory_equal(p, q, sizeof p);
    assert_true(p[0] < 0.5 && p[1] > 0.5);
    assert_int_equal(predict_text(q, m, "a,b,c\n3,2,purple\n,,\n"), AML_OK); /* unseen, missing */
    assert_true(isfinite(q[0]) && isfinite(q[1]));
    aml_model_free(m);
}

static void wrong_columns_are_refused(void **state) {
    (void)state;
    aml_model *m = small_model();
    double p[2];
    assert_int_equal(predict_text(p, m, "a,b\n3,2\n8,7\n"), AML_EDATA);
    assert_non_null(strstr(aml_last_error()->message, "`c`"));
    assert_int_equal(predict_text(p, m, "a,b,c\n3,2,red\nred,7,green\n"), AML_EDATA);
    assert_non_null(strstr(aml_last_error()->message, "red"));
    assert_int_equal(aml_last_error()->line, 3);
    aml_model_free(m);
}

/* A frame of memory and the text of the same table train the same model. */
static void memory_is_as_good_as_text(void **state) {
    (void)state;
    static const double a[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1.5, 2.5, 7.5, 8.5},
                        b[] = {2.5, 3.5, 1.5, 0.5, 2, 7.5, 8.5, 6.5, 9.5, 7, 2.2, 3.1, 8.1, 6.1};
    static const char *const c[] = {"red", "blue",  "red",  "blue", "red",  "green", "blue",
                                    "red", "green", "blue", "red",  "blue", "green", "green"};
    static const char *const y[] = {"no",  "no",  "no",  "no", "no", "yes", "yes",
                                    "yes", "yes", "yes", "no", "no", "yes", "yes"};
    aml_frame_builder *builder = aml_frame_builder_new(14, NULL);
    assert_int_equal(aml_frame_add_numbers(builder, "a", a), AML_OK);
    assert_int_equal(aml_frame_add_numbers(builder, "b", b), AML_OK);
    assert_int_equal(aml_frame_add_texts(builder, "c", c), AML_OK);
    assert_int_equal(aml_frame_add_texts(builder, "y", y), AML_OK);
    aml_frame *f = aml_frame_build(builder);
    assert_non_null(f);
    aml_train_options o = quick("y", 6);
    o.learners = cheap;
    aml_model *m, *other = small_model();
    assert_int_equal(aml_train(&m, f, &o), AML_OK);
    char *x = aml_model_leaderboard_json(m, AML_NO_TIMINGS),
         *z = aml_model_leaderboard_json(other, AML_NO_TIMINGS);
    assert_string_equal(x, z);
    aml_text_free(x), aml_text_free(z);
    aml_model_free(m), aml_model_free(other);
    aml_frame_free(f);
}

/* ---- bad tables */

static void bad_targets_are_explained(void **state) {
    (void)state;
    static const struct {
        const char *text, *target, *task, *word;
        aml_status status;
    } cases[] = {
        {"a,y\n1,2\n2,3\n3,4\n", "yy", NULL, "`y`", AML_EDATA},
        {"a,y\n1,b\n2,b\n3,b\n", "y", NULL, "one class", AML_EDATA},
        {"a,y\n1,\n2,\n3,\n", "y", NULL, "missing", AML_EDATA},
        {"a,y\n1,2\n", "y", NULL, "one row", AML_EDATA},
        {"a,y\n", "y", NULL, "no rows", AML_EDATA},
        {"a,y\n1,b\n2,c\n3,b\n4,c\n", "y", "regression", "not a number", AML_EDATA},
        {"a,y\n1,b\n2,c\n3,b\n4,c\n", "y", "banana", "banana", AML_EUSAGE},
        {"a,y\n1,b\n2,c\n3,d\n4,c\n1,b\n2,c\n3,d\n4,c\n", "y", "binary", "3 classes", AML_EDATA},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        aml_frame *f = parse(cases[i].text);
        aml_train_options o = quick(cases[i].target, 3);
        o.task = cases[i].task;
        aml_model *m = NULL;
        assert_int_equal(aml_train(&m, f, &o), cases[i].status);
        assert_null(m);
        const aml_error *e = aml_last_error();
        if (!strstr(e->message, cases[i].word) && !strstr(e->help, cases[i].word))
            fail_msg("case %zu: %s / %s", i, e->message, e->help);
        assert_true(e->help[0] != 0);
        aml_frame_free(f);
    }
}

static void odd_tables_give_a_model(void **state) {
    (void)state;
    static const char *const cases[] = {
        "a,y\n1,b\n2,c\n",                                               /* two rows, two classes */
        "a,y\n1,b\n1,c\n1,b\n1,c\n1,b\n",                                /* constant feature */
        "a,b,y\n,1,b\n,2,c\n,3,b\n,4,c\n,5,b\n,6,c\n",                   /* all-missing feature */
        "a,y\n1e308,1.5\n-1e308,2.5\n1e-320,3.25\n0,1.75\n5,2\n7,9.5\n", /* the ends of the number range */
        "a,y\n1,b\n2,c\n3,d\n4,e\n5,b\n6,c\n7,d\n8,e\n9,b\n10,b\n", /* few rows a class */
        "y\n1\n2\n3\n4\n5.5\n6\n",                                  /* no features */
        "a,y\n1,1\n2,1\n3,1\n4,1\n5,1\n6,1\n7,1\n8,2\n",            /* a class with one row */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        aml_frame *f = parse(cases[i]);
        aml_train_options o = quick("y", 8);
        aml_model *m = NULL;
        aml_status status = aml_train(&m, f, &o);
        if (status) fail_msg("case %zu: %s", i, aml_last_error()->message);
        double p[64] = {NAN};
        assert_int_equal(aml_model_predict(p, m, f, 1), AML_OK);
        for (size_t k = 0; k < aml_frame_rows_count(f) * aml_model_outputs(m); k++)
            assert_true(isfinite(p[k]));
        aml_model_free(m);
        aml_frame_free(f);
    }
}

static void guardrails_see_it(void **state) {
    (void)state;
    aml_string s = {0};
    aml_rng rng = aml_rng_stream(3, AML_RNG_TEST, 0, 0);
    aml_string_put(&s, "id,constant,x,copy,leak,hole,y\n");
    for (int i = 0; i < 400; i++) {
        bool y = aml_rng_below(&rng, 10) == 0;
        int x = (int)aml_rng_below(&rng, 1000);
        aml_string_printf(&s, "%d,7,%d.5,%d.5,%d,%s,%d\n", i + 1000, x, x,
                          (y ? 500 : 100) + (int)aml_rng_below(&rng, 50), i % 3 ? "1.5" : "", y);
    }
    aml_frame *f = parse(s.text);
    aml_train_options o = quick("y", 2);
    aml_check *c;
    assert_int_equal(aml_check_run(&c, f, &o), AML_OK);
    static const struct {
        const char *id, *status, *word;
    } expected[] = {{"constant_columns", "Done", "`constant`"},
                    {"identifier_columns", "Done", "`id`"},
                    {"duplicate_columns", "Done", "`copy`"},
                    {"missing_values", "Done", "`hole`"},
                    {"leak_suspects", "Alerted", "`leak`"},
                    {"class_balance", "Alerted", "`1`"},
                    {"duplicate_rows", "Passed", ""}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        aml_guardrail g = {.size = sizeof g};
        size_t k = 0;
        while (aml_check_guardrail(c, k, &g) && strcmp(g.id, expected[i].id)) k++;
        assert_string_equal(g.id, expected[i].id);
        assert_string_equal(g.status, expected[i].status);
        if (!strstr(g.message, expected[i].word)) fail_msg("%s: %s", g.id, g.message);
    }
    char *json = aml_check_json(c);
    assert_non_null(json);
    aml_text_free(json);
    aml_check_free(c);
    aml_frame_free(f);
    aml_string_free(&s);
}

/* ---- files */

static void damaged_models_are_refused(void **state) {
    (void)state;
    char path[64];
    size_t size;
    aml_model *m = small_model(), *other = NULL;
    assert_int_equal(aml_model_save(m, temporary(path)), AML_OK);
    char *bytes = slurp(path, &size);
    for (size_t i = 0; i < size; i++) { /* a flipped byte at every position */
        bytes[i] ^= (char)(1 << i % 8);
        assert_int_equal(aml_write_file(path, bytes, size), AML_OK);
        if (aml_model_load(&other, path) != AML_EDATA)
            fail_msg("byte %zu of %zu flipped: not refused", i, size);
        bytes[i] ^= (char)(1 << i % 8);
    }
    for (size_t i = 0; i < size; i += 1 + size / 3000) { /* cut short */
        assert_int_equal(aml_write_file(path, bytes, i), AML_OK);
        if (aml_model_load(&other, path) != AML_EDATA)
            fail_msg("cut at %zu of %zu: not refused", i, size);
    }
    char *longer = malloc(size + 5);
    memcpy(longer, bytes, size);
    memcpy(longer + size, "junk", 5);
    assert_int_equal(aml_write_file(path, longer, size + 4), AML_OK);
    assert_int_equal(aml_model_load(&other, path), AML_EDATA);
    assert_non_null(strstr(aml_last_error()->message, "trailing"));
    free(longer);
    aml_free(bytes);
    aml_model_free(m);
    unlink(path);
}

/* ---- short of memory */

static aml_status train_and_predict(const aml_frame *f) {
    static const char *const one[] = {"naive_bayes", NULL};
    aml_train_options o = quick("y", 1);
    o.learners = one;
    o.validation = "cv2";
    aml_model *m = NULL;
    double p[32];
    aml_status status = aml_train(&m, f, &o);
    if (!status) status = aml_model_predict(p, m, f, 1);
    aml_model_free(m);
    return status;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    aml_frame *f = parse(training);
    aml_fail_alloc(0, false);
    assert_int_equal(train_and_predict(f), AML_OK);
    uint64_t calls = aml_fail_alloc(0, false), failures = 0;
    for (int forever = 0; forever < 2; forever++) {
        for (uint64_t n = 1; n <= calls; n += forever ? 7 : 1) {
            aml_fail_alloc(n, forever);
            aml_status status = train_and_predict(f);
            aml_fail_alloc(0, false);
            if (status && status != AML_ENOMEM)
                fail_msg("allocation %llu: %d %s", (unsigned long long)n, status,
                         aml_last_error()->message);
            failures += status != AML_OK;
        }
    }
    print_message("%llu allocations, %llu failures reported\n", (unsigned long long)calls,
                  (unsigned long long)failures);
    assert_true(failures > 20);
    aml_frame_free(f);
}

static void memory_limit_is_kept(void **state) {
    (void)state;
    aml_frame *f = read_data(DATA("digits.csv"));
    for (size_t limit = 1 << 16; limit <= (size_t)1 << 28; limit *= 4) {
        aml_train_options o = quick("digit", 3);
        o.learners = cheap;
        o.memory_limit = limit;
        aml_model *m = NULL;
        aml_status status = aml_train(&m, f, &o);
        assert_true(status == AML_OK || status == AML_ENOMEM);
        if (limit == (size_t)1 << 28) assert_int_equal(status, AML_OK);
        aml_model_free(m);
    }
    aml_frame_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_change_a_byte),
        cmocka_unit_test(saved_models_are_the_same),
        cmocka_unit_test(it_learns),
        cmocka_unit_test(shuffled_targets_give_chance),
        cmocka_unit_test(columns_go_by_name),
        cmocka_unit_test(wrong_columns_are_refused),
        cmocka_unit_test(memory_is_as_good_as_text),
        cmocka_unit_test(bad_targets_are_explained),
        cmocka_unit_test(odd_tables_give_a_model),
        cmocka_unit_test(guardrails_see_it),
        cmocka_unit_test(damaged_models_are_refused),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(memory_limit_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
