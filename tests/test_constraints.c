/* test_constraints.c: what the user holds predictions to, from the options to the predictions of a saved model. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "automl/automl.h"
#include "automl/core/rng.h"

enum { ROWS = 400, NUMBERS = 4 };

/* Numbers a, b, c, d, some of b missing, and a category of many levels; the target rises with a, but for a dent, and a
 * and b interact, and the category with both. */
typedef struct table {
    double number[NUMBERS][ROWS], value[ROWS];
    const char *level[ROWS], *class[ROWS];
} table;

static const char *const names[NUMBERS] = {"a", "b", "c", "d"};
static const char *const levels[] = {"n", "o", "p", "q", "r", "s", "t", "u", "v", "w"};

static void fill(table *t) {
    aml_rng rng = aml_rng_stream(1, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < ROWS; i++) {
        uint32_t level = aml_rng_below(&rng, 10);
        for (size_t j = 0; j < NUMBERS; j++) t->number[j][i] = aml_rng_uniform(&rng) * 6 - 3;
        double a = t->number[0][i], b = t->number[1][i];
        if (aml_rng_below(&rng, 12) == 0) b = t->number[1][i] = NAN;
        double dent = fabs(a) < 0.7 ? -3 : 0, product = isnan(b) ? 0 : a * b;
        t->value[i] = a + dent + product + (level % 3) * a * 0.7 + 0.3 * aml_rng_normal(&rng);
        t->level[i] = levels[level];
        t->class[i] = t->value[i] > 0 ? "yes" : "no";
    }
}

/* Rows first … first + n - 1; with y = 0 no target, 1 the value, 2 the class. */
static aml_frame *frame_of(const table *t, size_t n, int y) {
    aml_frame_builder *b = aml_frame_builder_new(n, NULL);
    for (size_t j = 0; j < NUMBERS; j++)
        assert_int_equal(aml_frame_add_numbers(b, names[j], t->number[j]), AML_OK);
    assert_int_equal(aml_frame_add_texts(b, "level", t->level), AML_OK);
    if (y == 1) assert_int_equal(aml_frame_add_numbers(b, "y", t->value), AML_OK);
    if (y == 2) assert_int_equal(aml_frame_add_texts(b, "y", t->class), AML_OK);
    aml_frame *f = aml_frame_build(b);
    assert_non_null(f);
    return f;
}

static aml_train_options with_trials(size_t trials) {
    return (aml_train_options){.size = sizeof(aml_train_options),
                               .target = "y",
                               .trials = trials,
                               .validation = "cv3",
                               .threads = 1};
}

/* Trains, saves and loads: what counts is what a model file predicts. */
static aml_model *train(const table *t, int y, const aml_train_options *o) {
    char path[64];
    aml_model *m, *loaded;
    aml_frame *f = frame_of(t, ROWS, y);
    snprintf(path, sizeof path, "/tmp/automl_constraints_%ld.automl", (long)getpid());
    assert_int_equal(aml_train(&m, f, o), AML_OK);
    assert_int_equal(aml_model_save(m, path), AML_OK);
    assert_int_equal(aml_model_load(&loaded, path), AML_OK);
    unlink(path);
    aml_frame_free(f);
    aml_model_free(m);
    return loaded;
}

static void predict(double *out, const aml_model *m, const table *t, size_t n) {
    aml_frame *f = frame_of(t, n, 0);
    assert_int_equal(aml_model_predict(out, m, f, 1), AML_OK);
    aml_frame_free(f);
}

/* Steps against `sign` as one number goes up, in 40 rows. */
static size_t wrong_steps(const aml_model *m, const table *t, size_t number, int sign) {
    enum { GRID = 80 };
    size_t wrong = 0;
    double out[GRID];
    table *grid = malloc(sizeof *grid);
    for (size_t i = 0; i < 40; i++) {
        for (size_t g = 0; g < GRID; g++) {
            for (size_t j = 0; j < NUMBERS; j++) grid->number[j][g] = t->number[j][i];
            grid->level[g] = t->level[i];
            grid->number[number][g] = -4 + 0.1 * (double)g;
        }
        predict(out, m, grid, GRID);
        for (size_t g = 1; g < GRID; g++) wrong += (out[g] - out[g - 1]) * sign < 0;
    }
    free(grid);
    return wrong;
}

static void blends_rise_and_fall_as_told(void **state) {
    (void)state;
    static const char *const a[] = {"a", NULL}, *const b[] = {"b", "c", NULL};
    table *t = malloc(sizeof *t);
    fill(t);
    for (int y = 1; y <= 2; y++) {
        aml_train_options o = with_trials(8);
        aml_model *m = train(t, y, &o);
        assert_true(wrong_steps(m, t, 0, 1) > 100);
        assert_true(wrong_steps(m, t, 1, -1) > 100);
        aml_model_free(m);
        o.increasing = a;
        o.decreasing = b;
        m = train(t, y, &o);

        double base[1], high[1];
        assert_int_equal(wrong_steps(m, t, 0, 1), 0);
        assert_int_equal(wrong_steps(m, t, 1, -1), 0);
        assert_int_equal(wrong_steps(m, t, 2, -1), 0);
        table one = *t; /* and it has learnt something */
        one.number[0][0] = -3;
        predict(base, m, &one, 1);
        one.number[0][0] = 3;
        predict(high, m, &one, 1);
        assert_true(*high > *base + 0.2);
        aml_model_free(m);
    }
    free(t);
}

/* How far two columns (NUMBERS: the category) are from adding up, on the scale where they should. */
static double interaction(const aml_model *m, const table *t, size_t i, size_t j, bool classes) {
    enum { PAIRS = 90 };
    double out[4], most = 0;
    table *q = malloc(sizeof *q);
    for (size_t r = 0; r < PAIRS; r++) {
        for (size_t c = 0; c < 4; c++) {
            size_t from[2] = {c & 1 ? r + PAIRS : r, c & 2 ? r + PAIRS : r};
            for (size_t k = 0; k <= NUMBERS; k++) {
                size_t row = k == i ? from[0] : k == j ? from[1] : r;
                if (k == NUMBERS) q->level[c] = t->level[row];
                else q->number[k][c] = t->number[k][row];
            }
        }
        predict(out, m, q, 4);
        for (size_t c = 0; classes && c < 4; c++) out[c] = log(out[c] / (1 - out[c]));
        most = fmax(most, fabs(out[0] - out[1] - out[2] + out[3]));
    }
    free(q);
    return most;
}

/* Groups {a, level} and {b, c, d}: values of blends, log-odds of a single fit. */
static void only_groups_interact(void **state) {
    (void)state;
    static const char *const one[] = {"a", "level", NULL}, *const other[] = {"b", "c", "d", NULL},
                             *const *const groups[] = {one, other, NULL};
    table *t = malloc(sizeof *t);
    fill(t);
    for (int y = 1; y <= 2; y++) {
        aml_train_options o = with_trials(6);
        bool classes = y == 2;
        if (classes) o.validation = "holdout0.3", o.ensemble = -1;
        o.interactions = groups;
        aml_model *m = train(t, y, &o);
        for (size_t j = 1; j < NUMBERS; j++) {
            assert_true(interaction(m, t, 0, j, classes) < 1e-5);
            assert_true(interaction(m, t, NUMBERS, j, classes) < 1e-5);
        }
        assert_true(interaction(m, t, 0, NUMBERS, classes) > 1e-3);
        aml_model_free(m);
    }
    free(t);
}

/* It says which learners are left out; a caller who knows fewer options is unharmed. */
static void it_says_who_is_left_out(void **state) {
    (void)state;
    static const char *const a[] = {"a", NULL};
    table *t = malloc(sizeof *t);
    aml_guardrail g = {.size = sizeof g};
    aml_model *m;
    fill(t);
    aml_frame *f = frame_of(t, ROWS, 1);
    aml_train_options o = with_trials(1);
    o.increasing = a;
    assert_int_equal(aml_train(&m, f, &o), AML_OK);
    size_t i = 0;
    while (aml_model_guardrail(m, i, &g) && strcmp(g.id, "constraints")) i++;
    assert_string_equal(g.id, "constraints");
    assert_non_null(strstr(g.message, "`a`"));
    assert_non_null(strstr(g.action, "ridge"));
    assert_null(strstr(g.action, "gbdt"));
    aml_model_free(m);
    o.size = offsetof(aml_train_options, increasing);
    assert_int_equal(aml_train(&m, f, &o), AML_OK);
    for (i = 0; aml_model_guardrail(m, i, &g); i++) assert_string_not_equal(g.id, "constraints");
    aml_model_free(m);
    aml_frame_free(f);
    free(t);
}

static void what_cannot_be_kept_is_refused(void **state) {
    (void)state;
    static const char *const ridge[] = {"ridge", NULL}, *const unknown[] = {"aa", NULL},
                             *const category[] = {"level", NULL}, *const target[] = {"y", NULL},
                             *const a[] = {"a", NULL}, *const *const groups[] = {unknown, NULL};
    const struct {
        const char *const *increasing, *const *decreasing, *const *drop, *const *learners;
        const char *const *const *interactions;
        aml_status status;
        const char *word;
    } cases[] = {{unknown, NULL, NULL, NULL, NULL, AML_EDATA, "`aa`"},
                 {NULL, category, NULL, NULL, NULL, AML_EUSAGE, "category"},
                 {target, NULL, NULL, NULL, NULL, AML_EUSAGE, "`y`"},
                 {a, NULL, a, NULL, NULL, AML_EUSAGE, "`a`"},
                 {a, a, NULL, NULL, NULL, AML_EUSAGE, "`a`"},
                 {a, NULL, NULL, ridge, NULL, AML_EUSAGE, "learners"},
                 {NULL, NULL, NULL, NULL, groups, AML_EDATA, "`aa`"}};
    table *t = malloc(sizeof *t);
    fill(t);
    aml_frame *f = frame_of(t, ROWS, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        aml_train_options o = with_trials(1);
        aml_model *m = NULL;
        o.increasing = cases[i].increasing;
        o.decreasing = cases[i].decreasing;
        o.interactions = cases[i].interactions;
        o.drop = cases[i].drop;
        o.learners = cases[i].learners;
        assert_int_equal(aml_train(&m, f, &o), cases[i].status);
        if (!strstr(aml_last_error()->message, cases[i].word))
            fail_msg("case %zu: %s", i, aml_last_error()->message);
        assert_true(aml_last_error()->help[0] != 0);
    }
    aml_frame_free(f);
    free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blends_rise_and_fall_as_told),
        cmocka_unit_test(only_groups_interact),
        cmocka_unit_test(it_says_who_is_left_out),
        cmocka_unit_test(what_cannot_be_kept_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
