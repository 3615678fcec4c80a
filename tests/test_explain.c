/* test_explain.c: contributions of columns to predictions, and permutation importance. */
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

#include "automl/core/io.h"
#include "automl/core/rng.h"
#include "automl/engine/explain.h"

#define DATA(name) SOURCE_DIR "/datasets/" name

static const char *const trees[] = {"gbdt", "random_forest", "extra_trees", NULL},
                         *const lines[] = {"ridge", "elastic_net", "logistic", "linear_svm", NULL},
                         *const others[] = {"knn", "mlp", "naive_bayes", NULL};

static aml_model *train(const aml_frame *f, const char *target, const char *const *learners,
                        size_t trials) {
    aml_train_options o = {.size = sizeof o,
                           .target = target,
                           .trials = trials,
                           .learners = learners,
                           .validation = "cv3",
                           .threads = 1};
    aml_model *m;
    assert_int_equal(aml_train(&m, f, &o), AML_OK);
    return m;
}

static aml_frame *read_data(const char *path) {
    aml_frame *f;
    assert_int_equal(aml_frame_read(&f, path, NULL), AML_OK);
    return f;
}

static size_t inputs_of(const aml_model *m) {
    aml_input_column c = {.size = sizeof c};
    size_t p = 0;
    while (aml_model_input(m, p, &c)) p++;
    return p;
}

/* ---- sums */

static void check_sums(const aml_model *m, const aml_frame *f) {
    size_t p = inputs_of(m), k = aml_model_outputs(m), n = aml_frame_rows_count(f), rows[12];
    for (size_t i = 0; i < 12; i++) rows[i] = i * n / 12;
    aml_explain_options o = {
        .size = sizeof o, .rows = rows, .n_rows = 12, .draws = 3, .threads = 1};
    aml_explanation *e, *again;
    double *pred = malloc(n * k * sizeof *pred);
    assert_int_equal(aml_model_explain(&e, m, f, &o), AML_OK);
    assert_int_equal(aml_model_predict(pred, m, f, 1), AML_OK);
    const double *value = aml_explanation_values(e);
    for (size_t i = 0; i < 12; i++)
        for (size_t c = 0; c < k; c++) {
            double sum = 0, want = pred[rows[i] * k + c];
            for (size_t j = 0; j <= p; j++) sum += value[(i * (p + 1) + j) * k + c];
            if (!(fabs(sum - want) < 1e-6 * fmax(1, fabs(want))))
                fail_msg("row %zu: %.9g is not %.9g", i, sum, want);
        }
    o.threads = 3;
    assert_int_equal(aml_model_explain(&again, m, f, &o), AML_OK);
    assert_memory_equal(value, aml_explanation_values(again), 12 * (p + 1) * k * sizeof *value);
    assert_non_null(aml_explanation_method(e, 0));
    aml_explanation_free(again);
    aml_explanation_free(e);
    free(pred);
}

static void contributions_sum_to_the_prediction(void **state) {
    (void)state;
    static const struct {
        const char *path, *target;
    } tables[] = {{DATA("breast_cancer.csv"), "diagnosis"},
                  {DATA("iris.csv"), "species"},
                  {DATA("diabetes.csv"), "progression"}};
    const char *const *const sets[] = {trees, lines, others};
    for (size_t t = 0; t < 3; t++) {
        aml_frame *f = read_data(tables[t].path);
        for (size_t s = 0; s < 3; s++) {
            aml_model *m = train(f, tables[t].target, sets[s], 3);
            check_sums(m, f);
            aml_model_free(m);
        }
        aml_frame_free(f);
    }
}

/* ---- a table with dates, texts, categories and gaps; `noise` says nothing, `flat` is never used by the test's learner */

enum { ROWS = 300 };

static aml_frame *mixed_table(int with_target) {
    static double x[ROWS], noise[ROWS], y[ROWS];
    static const char *when[ROWS], *city[ROWS], *remark[ROWS];
    static char date[ROWS][16], text[ROWS][80];
    static const char *const cities[] = {"Rome", "Oslo", "Bern", "Kiev"}, *const words[] = {
                                                                              "good",  "bad",
                                                                              "fine",  "late",
                                                                              "early", "broken"};
    aml_rng rng = aml_rng_stream(3, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < ROWS; i++) {
        uint32_t c = aml_rng_below(&rng, 4), w = aml_rng_below(&rng, 6), v = aml_rng_below(&rng, 6);
        unsigned month = 1 + aml_rng_below(&rng, 12), day = 1 + aml_rng_below(&rng, 28);
        x[i] = aml_rng_below(&rng, 10) ? aml_rng_normal(&rng) : NAN;
        noise[i] = aml_rng_normal(&rng);
        snprintf(date[i], sizeof date[i], "2021-%02u-%02u", month, day);
        snprintf(text[i], sizeof text[i], "the parcel was %s and the box %s on day %u", words[w],
                 words[v], aml_rng_below(&rng, 1000));
        when[i] = date[i];
        city[i] = cities[c];
        remark[i] = text[i];
        y[i] = 3 * (isnan(x[i]) ? 0.5 : x[i]) + c + (w == 1) + (month > 6) +
               0.1 * aml_rng_normal(&rng);
    }
    aml_frame_builder *b = aml_frame_builder_new(ROWS, NULL);
    assert_int_equal(aml_frame_add_numbers(b, "x", x), AML_OK);
    assert_int_equal(aml_frame_add_numbers(b, "noise", noise), AML_OK);
    assert_int_equal(aml_frame_add_texts(b, "when", when), AML_OK);
    assert_int_equal(aml_frame_add_texts(b, "city", city), AML_OK);
    assert_int_equal(aml_frame_add_texts(b, "remark", remark), AML_OK);
    if (with_target) assert_int_equal(aml_frame_add_numbers(b, "y", y), AML_OK);
    aml_frame *f = aml_frame_build(b);
    assert_non_null(f);
    return f;
}

static void all_kinds_of_columns_are_explained(void **state) {
    (void)state;
    aml_frame *f = mixed_table(1);
    const char *const *const sets[] = {trees, lines, others};
    for (size_t s = 0; s < 3; s++) {
        aml_model *m = train(f, "y", sets[s], 3);
        aml_explanation *e;
        const char *name;
        double mean;
        assert_int_equal(inputs_of(m), 5);
        check_sums(m, f);
        assert_int_equal(aml_model_explain(&e, m, f, NULL), AML_OK);
        assert_true(aml_explanation_column(e, 0, &name, &mean) && mean > 1);
        assert_string_equal(name, "x");
        aml_explanation_free(e);
        aml_model_free(m);
    }
    aml_frame_free(f);
}

/* ---- what single learners must give */

/* Of a linear regression a column's contribution is a straight line in its own cells. */
static void lines_are_straight(void **state) {
    (void)state;
    static const char *const ridge[] = {"ridge", NULL};
    aml_frame *f = read_data(DATA("diabetes.csv"));
    aml_model *m = train(f, "progression", ridge, 1);
    aml_explanation *e;
    assert_int_equal(aml_model_explain(&e, m, f, NULL), AML_OK);
    const double *value = aml_explanation_values(e);
    size_t p = inputs_of(m), n = aml_frame_rows_count(f), bmi = 0;
    aml_input_column c = {.size = sizeof c};
    while (aml_model_input(m, bmi, &c) && strcmp(c.name, "bmi")) bmi++;
    double x[3], v[3];
    for (size_t i = 0, found = 0; i < n && found < 3; i++) {
        char text[32];
        x[found] = strtod(aml_frame_text(text, sizeof text, f, "bmi", i), NULL);
        v[found] = value[i * (p + 1) + bmi];
        found += !found || fabs(x[found] - x[found - 1]) > 1;
    }
    double slope = (v[1] - v[0]) / (x[1] - x[0]);
    assert_true(fabs(slope) > 0.1);
    assert_true(fabs(v[2] - v[0] - slope * (x[2] - x[0])) < 1e-4);
    double sum = 0; /* and their mean over the training rows is 0 */
    for (size_t i = 0; i < n; i++) sum += value[i * (p + 1) + bmi];
    assert_true(fabs(sum / (double)n) < 1e-4);
    assert_string_equal(aml_explanation_method(e, 0), "exact");
    aml_explanation_free(e);
    aml_model_free(m);
    aml_frame_free(f);
}

/* Sampled contributions of a sum of functions of single columns have no spread but that of the background: with the same
 * model explained exactly and by samples over all rows, they agree. */
static void samples_agree_with_what_is_exact(void **state) {
    (void)state;
    enum { N = 442, SOME = 5 };
    static const char *const ridge[] = {"ridge", NULL};
    aml_frame *f = read_data(DATA("diabetes.csv")), view;
    aml_model *m = train(f, "progression", ridge, 1);
    aml_arena *keep = aml_arena_new(NULL), *scratch = aml_arena_new(NULL);
    aml_ctx ctx = {.keep = keep, .scratch = scratch, .n_threads = 1};
    size_t p = inputs_of(m), rows[SOME] = {0, 100, 200, 300, 400};
    uint32_t numbers[SOME] = {0, 100, 200, 300, 400};
    aml_explain_options o = {.size = sizeof o, .rows = rows, .n_rows = SOME};
    aml_explanation *exact;
    bool none[16] = {false};
    assert_true(aml_model_fits(m) <= 16);
    assert_int_equal(aml_model_explain(&exact, m, f, &o), AML_OK);
    aml_explanation e = {.m = m, .n = SOME, .p = p, .k = 1, .row = numbers};
    e.value = AML_ARRAY(keep, SOME * (p + 1), double);
    assert_int_equal(aml_conform(&view, &m->inputs, f, &ctx), AML_OK);
    aml_explaining job = {.e = &e, .view = &view, .exact = none, .draws = N};
    assert_int_equal(aml_explain_by_samples(&job, 1, &ctx), AML_OK);
    for (size_t i = 0; i < SOME * (p + 1); i++)
        assert_true(fabs(e.value[i] - aml_explanation_values(exact)[i]) < 1e-3);
    aml_explanation_free(exact);
    aml_arena_free(keep);
    aml_arena_free(scratch);
    aml_model_free(m);
    aml_frame_free(f);
}

/* ---- links */

static void soft_max(double *z, const void *model) {
    double sum = 0;
    (void)model;
    for (size_t i = 0; i < 3; i++) sum += z[i] = exp(z[i]);
    for (size_t i = 0; i < 3; i++) z[i] /= sum;
}

static void logistic(double *z, const void *model) {
    (void)model;
    *z = 1 / (1 + exp(-*z));
}

/* The averaged Jacobian against a fine sum of its formula, and the ends of the line exactly. */
static void links_carry_along_a_line(void **state) {
    (void)state;
    enum { FINE = 20000 };
    const double z0[3] = {0.3, -1, 0.2}, z1[3] = {3, -2, 1.5};
    double a[9], base[3], room[12], want[9] = {0}, p1[3];
    aml_carry(a, base, z0, z1, 3, soft_max, NULL, room);
    for (size_t s = 0; s < FINE; s++) {
        double p[3];
        for (size_t i = 0; i < 3; i++) p[i] = z0[i] + (s + 0.5) / FINE * (z1[i] - z0[i]);
        soft_max(p, NULL);
        for (size_t i = 0; i < 3; i++)
            for (size_t j = 0; j < 3; j++) want[i * 3 + j] += p[i] * ((i == j) - p[j]) / FINE;
    }
    memcpy(p1, z1, sizeof p1);
    soft_max(p1, NULL);
    for (size_t i = 0; i < 3; i++) {
        double moved = 0;
        for (size_t j = 0; j < 3; j++) moved += a[i * 3 + j] * (z1[j] - z0[j]);
        for (size_t j = 0; j < 3; j++) assert_true(fabs(a[i * 3 + j] - want[i * 3 + j]) < 2e-4);
        assert_true(fabs(base[i] + moved - p1[i]) < 1e-12);
    }
    const double far[2][2] = {{-30, 40}, {0.5, 0.5}};
    for (size_t i = 0; i < 2; i++) {
        double from = far[i][0], to = far[i][1];
        aml_carry(a, base, &from, &to, 1, logistic, NULL, room);
        logistic(&from, NULL);
        logistic(&to, NULL);
        assert_true(fabs(*base + *a * (far[i][1] - far[i][0]) - to) < 1e-12);
        assert_true(*base == from && *a > 0);
    }
}

/* ---- permutation importance */

static void shuffled_columns_lose_what_they_tell(void **state) {
    (void)state;
    aml_frame *f = mixed_table(1), *without = mixed_table(0);
    aml_model *m = train(f, "y", trees, 3);
    aml_permutation *p, *again, *none = NULL;
    const char *name;
    double loss, error, other;
    aml_explain_options o = {.size = sizeof o, .threads = 1, .seed = 5};
    assert_int_equal(aml_model_permute(&p, m, f, &o), AML_OK);
    assert_int_equal(aml_permutation_rows(p), ROWS);
    assert_true(aml_permutation_column(p, 0, &name, &loss, &error));
    assert_string_equal(name, "x");
    assert_true(loss > 1 && error > 0 && error < loss / 5);
    o.threads = 3;
    assert_int_equal(aml_model_permute(&again, m, f, &o), AML_OK);
    for (size_t i = 0; aml_permutation_column(p, i, &name, &loss, &error); i++) {
        assert_true(aml_permutation_column(again, i, &name, &other, &error) && other == loss);
        assert_true(strcmp(name, "noise") || loss < 0.15);
    }
    assert_int_equal(aml_model_permute(&none, m, without, &o), AML_EDATA);
    assert_null(none);
    aml_permutation_free(p), aml_permutation_free(again);
    aml_model_free(m);
    aml_frame_free(f), aml_frame_free(without);
}

/* ---- files */

static void csv_lines_sum_up(void **state) {
    (void)state;
    char path[64], *text;
    size_t size;
    aml_frame *f = read_data(DATA("iris.csv"));
    aml_model *m = train(f, "species", lines, 2);
    aml_explanation *e;
    snprintf(path, sizeof path, "/tmp/automl_explain_%ld.csv", (long)getpid());
    assert_int_equal(aml_model_explain(&e, m, f, NULL), AML_OK);
    for (size_t top = 0; top <= 6; top += 2) {
        size_t lines_read = 0;
        assert_int_equal(aml_explanation_csv(e, path, top), AML_OK);
        assert_int_equal(aml_read_file(&text, &size, path, 1 << 30, NULL), AML_OK);
        for (char *save, *line = strtok_r(text, "\n", &save); line;
             line = strtok_r(NULL, "\n", &save), lines_read++) {
            double sum = 0, want = 0;
            size_t field = 0;
            char *rest = line, *cell, *end;
            while ((cell = strsep(&rest, ",")) && lines_read) {
                double x = strtod(cell, &end);
                if (field == 2) want = x;
                else if (field > 2 && *cell && !*end) sum += x;
                field++;
            }
            assert_true(fabs(sum - want) < 1e-9);
        }
        assert_int_equal(lines_read, 3 * 150 + 1);
        aml_free(text);
    }
    char *json = aml_explanation_json(e, NULL, 1);
    assert_non_null(strstr(json, "\"petal_width_cm\""));
    aml_text_free(json);
    unlink(path);
    aml_explanation_free(e);
    aml_model_free(m);
    aml_frame_free(f);
}

static void failures_are_reported(void **state) {
    (void)state;
    static const char *const one[] = {"naive_bayes", NULL};
    aml_frame *f = read_data(DATA("iris.csv"));
    aml_model *m = train(f, "species", one, 1);
    size_t rows[2] = {3, 150};
    aml_explain_options o = {.size = sizeof o, .rows = rows, .n_rows = 2, .draws = 2, .threads = 1};
    aml_explanation *e = NULL;
    assert_int_equal(aml_model_explain(&e, m, f, &o), AML_EUSAGE);
    assert_non_null(strstr(aml_last_error()->message, "151"));
    rows[1] = 4;
    aml_fail_alloc(0, false);
    assert_int_equal(aml_model_explain(&e, m, f, &o), AML_OK);
    aml_explanation_free(e);
    uint64_t calls = aml_fail_alloc(0, false);
    for (uint64_t i = 1; i <= calls; i++) {
        e = NULL;
        aml_fail_alloc(i, false);
        aml_status status = aml_model_explain(&e, m, f, &o);
        aml_fail_alloc(0, false);
        assert_true(status == AML_OK || (status == AML_ENOMEM && !e));
        aml_explanation_free(e);
    }
    assert_true(calls > 10);
    aml_model_free(m);
    aml_frame_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contributions_sum_to_the_prediction),
        cmocka_unit_test(all_kinds_of_columns_are_explained),
        cmocka_unit_test(lines_are_straight),
        cmocka_unit_test(samples_agree_with_what_is_exact),
        cmocka_unit_test(links_carry_along_a_line),
        cmocka_unit_test(shuffled_columns_lose_what_they_tell),
        cmocka_unit_test(csv_lines_sum_up),
        cmocka_unit_test(failures_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
