/* test_featurization.c: the featurization option, where features come from, and the matrix they make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "automl/automl.h"
#include "automl/core/csv.h"
#include "automl/core/io.h"
#include "automl/core/rng.h"

/* 300 rows: two numbers whose product decides, with the first alone and the city; a code that looks like a number, a date, a
 * note, a category. */
static aml_frame *made(void) {
    static const char *const cities[] = {"Rome", "Oslo", "Bern"};
    aml_string s = {0};
    aml_rng r = aml_rng_stream(1, AML_RNG_TEST, 0, 0);
    aml_string_put(&s, "a,b,zip,day,note,city,y\n");
    for (size_t i = 0; i < 300; i++) {
        double a = aml_rng_normal(&r), b = aml_rng_normal(&r);
        uint32_t zip = 100 + aml_rng_below(&r, 5), city = aml_rng_below(&r, 3);
        aml_string_printf(
            &s, "%.4f,%.4f,%05u,2020-%02u-%02u,%s day number %u of the year in %s,%s,%s\n", a, b,
            zip, 1 + aml_rng_below(&r, 12), 1 + aml_rng_below(&r, 28),
            aml_rng_below(&r, 2) ? "a good" : "another bad", aml_rng_below(&r, 300),
            cities[aml_rng_below(&r, 3)], cities[city], a * b + a + city > 1 ? "yes" : "no");
    }
    aml_frame *f;
    const char *const texts[] = {"zip", NULL};
    const aml_csv_options o = {.n_threads = 1, .text_columns = texts};
    assert_false(s.failed);
    assert_int_equal(aml_csv_parse(&f, NULL, s.text, s.length, "made.csv", &o), AML_OK);
    aml_string_free(&s);
    return f;
}

static aml_model *train(const aml_frame *f, const char *featurization, const char *learner) {
    const char *const learners[] = {learner, NULL};
    aml_featurization *wanted;
    aml_model *m;
    assert_int_equal(aml_featurization_parse(&wanted, featurization), AML_OK);
    const aml_train_options o = {.size = sizeof o,
                                 .target = "y",
                                 .trials = 1,
                                 .threads = 1,
                                 .learners = learners,
                                 .validation = "cv3",
                                 .featurization = wanted};
    assert_int_equal(aml_train(&m, f, &o), AML_OK);
    aml_featurization_free(wanted);
    return m;
}

static bool made_of(const aml_model *m, const char *name, const char *inputs, const char *steps) {
    aml_lineage *l;
    aml_engineered e = {.size = sizeof e};
    bool found = false;
    assert_int_equal(aml_lineage_new(&l, m, 0), AML_OK);
    for (size_t i = 0; aml_lineage_at(l, i, &e); i++)
        found = found ||
                (!strcmp(e.name, name) && !strcmp(e.inputs, inputs) && !strcmp(e.steps, steps));
    aml_lineage_free(l);
    return found;
}

static void test_lineage(void **state) {
    (void)state;
    aml_frame *f = made();
    aml_model *m = train(f, "{\"kinds\": {\"zip\": \"category\"}}", "logistic");
    assert_true(made_of(m, "a", "a", "impute, scale"));
    assert_true(made_of(m, "day.month", "day", "datetime, impute, scale"));
    assert_true(made_of(m, "day.month_sin", "day", "datetime, impute, scale"));
    assert_true(made_of(m, "city=Rome", "city", "one_hot, scale"));
    assert_true(made_of(m, "zip=00101", "zip", "one_hot, scale"));
    assert_true(made_of(m, "note~word…", "note", "text_hash"));
    assert_true(made_of(m, "note.length", "note", "text_hash"));
    char *json = aml_model_inspect_json(m);
    assert_non_null(strstr(json, "\"day.month_sin\""));
    aml_text_free(json);
    aml_lineage *l;
    assert_int_equal(aml_lineage_new(&l, m, 99), AML_EUSAGE);
    aml_model_free(m);
    aml_frame_free(f);
}

static void test_off_and_kinds(void **state) {
    (void)state;
    aml_frame *f = made();
    aml_model *m = train(f, "off", "logistic");
    assert_false(made_of(m, "note~word…", "note", "text_hash"));
    aml_model_free(m);
    m = train(f,
              "{\"kinds\": {\"b\": \"drop\", \"a\": \"category\"}, // comment\n"
              " \"blocked\": [\"datetime\"], \"params\": {\"one_hot\": {\"max_levels\": 2}}}",
              "logistic");
    aml_input_column c = {.size = sizeof c};
    for (size_t i = 0; aml_model_input(m, i, &c); i++) {
        assert_string_not_equal(c.name, "b");
        assert_string_not_equal(c.name, "day");
        if (!strcmp(c.name, "a")) assert_string_equal(c.kind, "category");
    }
    aml_guardrail g = {.size = sizeof g};
    bool told = false;
    for (size_t i = 0; aml_model_guardrail(m, i, &g); i++) {
        assert_true(g.severity[0]);
        told = told || !strcmp(g.id, "columns_left_out");
        if (strcmp(g.id, "columns_left_out") != 0) continue;
        assert_int_equal(g.count, 2);
        assert_string_equal(g.columns[0], "b");
        assert_string_equal(g.columns[1], "day");
        assert_null(g.columns[2]);
        assert_true(g.undo[0]);
    }
    assert_true(told);
    /* of three cities two have a column */
    assert_true(made_of(m, "city=Rome", "city", "one_hot, scale") +
                    made_of(m, "city=Oslo", "city", "one_hot, scale") +
                    made_of(m, "city=Bern", "city", "one_hot, scale") ==
                2);
    aml_model_free(m);
    aml_frame_free(f);
}

/* How many of 20 random pipelines have steps that are offered on request only. */
static size_t count_rare_steps(const char *mode) {
    static const char *const learners[] = {"ridge", NULL};
    aml_frame *data;
    aml_featurization *wanted;
    aml_model *m;
    aml_leader l = {.size = sizeof l};
    size_t n = 0;
    assert_int_equal(aml_frame_read(&data, SOURCE_DIR "/datasets/diabetes.csv", NULL), AML_OK);
    assert_int_equal(aml_featurization_parse(&wanted, mode), AML_OK);
    const aml_train_options o = {.size = sizeof o,
                                 .target = "progression",
                                 .trials = 20,
                                 .threads = 1,
                                 .learners = learners,
                                 .sampler = "random",
                                 .featurization = wanted};
    assert_int_equal(aml_train(&m, data, &o), AML_OK);
    for (size_t i = 0; aml_model_leader(m, i, &l); i++)
        n += strstr(l.pipeline, "cluster_distance") || strstr(l.pipeline, "pca");
    aml_model_free(m);
    aml_featurization_free(wanted);
    aml_frame_free(data);
    return n;
}

static void test_all(void **state) {
    (void)state;
    assert_int_equal(count_rare_steps("auto"), 0);
    assert_in_range(count_rare_steps("all"), 1, 20);
    assert_int_equal(
        count_rare_steps("{\"mode\": \"all\", \"blocked\": [\"pca\", \"cluster_distance\"]}"), 0);
}

static void test_errors(void **state) {
    static const struct {
        const char *text, *word;
    } bad[] = {{"[]", "must be"},
               {"{\"blokced\": []}", "blocked"},
               {"{\"blocked\": [\"one_hott\"]}", "one_hot"},
               {"{\"blocked\": 3}", "must be a list"},
               {"{\"kinds\": {\"a\": \"categroy\"}}", "category"},
               {"{\"params\": {\"one_hot\": {\"max_level\": 3}}}", "max_levels"},
               {"{\"params\": {\"one_hot\": {\"max_levels\": [3]}}}", "params.one_hot.max_levels"},
               {"{\"params\": {\"one_hot\": {\"max_levels\": -3}}}", "max_levels"},
               {"{\"mode\": \"of\"}", "off"},
               {"on", ""}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        aml_featurization *f;
        assert_int_equal(aml_featurization_parse(&f, bad[i].text), AML_ECONFIG);
        const aml_error *e = aml_last_error();
        assert_true(strstr(e->message, bad[i].word) || strstr(e->help, bad[i].word));
    }
}

/* The matrix has a line a row, a name a column, and unseen levels are marked. */
static void test_transform(void **state) {
    (void)state;
    char path[64], *text;
    size_t size, lines = 0, commas = 0;
    aml_frame *f = made();
    aml_model *m = train(f, "{\"blocked\": [\"text_hash\"]}", "gbdt");
    snprintf(path, sizeof path, "/tmp/automl_features_%ld.csv", (long)getpid());
    assert_int_equal(aml_model_transform_csv(m, f, 0, path, 2), AML_OK);
    assert_int_equal(aml_read_file(&text, &size, path, 1 << 24, NULL), AML_OK);
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    for (size_t i = 0; text[i] != '\n'; i++) commas += text[i] == ',';
    assert_int_equal(lines, 301);
    aml_lineage *l;
    aml_engineered e = {.size = sizeof e};
    size_t columns = 0;
    assert_int_equal(aml_lineage_new(&l, m, 0), AML_OK);
    while (aml_lineage_at(l, columns, &e)) columns++;
    assert_int_equal(commas + 1, columns);
    aml_lineage_free(l);
    aml_free(text);
    unlink(path);
    assert_int_equal(aml_model_transform_csv(m, f, 7, path, 1), AML_EUSAGE);
    aml_model_free(m);
    aml_frame_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lineage),
                                       cmocka_unit_test(test_off_and_kinds),
                                       cmocka_unit_test(test_all), cmocka_unit_test(test_errors),
                                       cmocka_unit_test(test_transform)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
