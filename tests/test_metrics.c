/* test_metrics.c: every metric against scikit-learn's values, and what all of them promise. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "automl/core/arena.h"
#include "automl/core/json.h"
#include "automl/core/metric.h"
#include "automl/core/rng.h"

#ifndef SOURCE_DIR
#define SOURCE_DIR "."
#endif

#define AML_METRIC(name) extern const aml_metric aml_metric_##name;
#include "automl/metrics/metrics.def"
#undef AML_METRIC
static const aml_metric *const metrics[] = {
#define AML_METRIC(name) &aml_metric_##name,
#include "automl/metrics/metrics.def"
    NULL};
#undef AML_METRIC
enum { N_METRICS = sizeof metrics / sizeof *metrics - 1, N = 60, MOST_CLASSES = 4 };

static const aml_metric *find(const char *name) {
    for (size_t m = 0; metrics[m]; m++)
        if (!strcmp(metrics[m]->name, name)) return metrics[m];
    return NULL;
}

/* ---- scikit-learn's values ---- */

static char *read_text(const char *path, size_t *length) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    *length = (size_t)ftell(f);
    rewind(f);
    char *text = malloc(*length + 1);
    assert_int_equal(fread(text, 1, *length, f), *length);
    fclose(f);
    return text;
}

/* The numbers of an array, of rows of arrays too, one after the other; NULL for null. */
static double *numbers(aml_arena *a, const aml_json *v, size_t n) {
    if (v->type == AML_JSON_NULL) return NULL;
    double *out = AML_ARRAY(a, n, double);
    size_t at = 0;
    for (const aml_json *row = v->child; row; row = row->next) {
        if (row->type == AML_JSON_NUMBER) out[at++] = row->number;
        for (const aml_json *x = row->child; x; x = x->next) out[at++] = x->number;
    }
    assert_int_equal(at, n);
    return out;
}

static void check_value(const aml_json *c, const aml_json *want, const double *y, const double *w,
                        const double *pred, size_t n, int k) {
    const aml_metric *m = find(want->name);
    double got = NAN;
    if (!m) fail_msg("no metric %s", want->name);
    aml_status status = m->score(&got, y, w, pred, n, k);
    if (want->type == AML_JSON_NULL) {
        if (status != AML_EDATA)
            fail_msg("%s of %s: not defined, but is %.17g (status %d)", m->name,
                     aml_json_string(c, "name", ""), got, (int)status);
        return;
    }
    double error = fabs(got - want->number), scale = fmax(1, fabs(want->number));
    if (status || !(error <= 1e-12 * scale))
        fail_msg("%s of %s: %.17g, not %.17g (status %d)", m->name, aml_json_string(c, "name", ""),
                 got, want->number, (int)status);
}

static void agrees_with_reference(void **state) {
    size_t length, n_values = 0;
    bool seen[N_METRICS] = {false};
    aml_json *root;
    char *text = read_text(SOURCE_DIR "/tests/reference/metrics.json", &length);
    aml_arena *a = aml_arena_new(NULL);
    (void)state;
    assert_int_equal(aml_json_parse(&root, a, text, length, "metrics.json", 0, AML_EDATA), AML_OK);
    const aml_json *cases = aml_json_find(root, "cases");
    for (const aml_json *c = cases->child; c; c = c->next) {
        size_t n = (size_t)aml_json_number(c, "n", 0);
        int k = (int)aml_json_number(c, "n_classes", -1);
        double *y = numbers(a, aml_json_find(c, "y"), n), *w = numbers(a, aml_json_find(c, "w"), n);
        double *pred = numbers(a, aml_json_find(c, "pred"), n * (size_t)(k > 2 ? k : 1));
        for (const aml_json *v = aml_json_find(c, "expected")->child; v; v = v->next, n_values++) {
            check_value(c, v, y, w, pred, n, k);
            for (size_t m = 0; m < N_METRICS; m++) seen[m] |= !strcmp(metrics[m]->name, v->name);
        }
    }
    assert_true(n_values > 300);
    for (size_t m = 0; m < N_METRICS; m++)
        if (!seen[m]) fail_msg("%s has no reference value", metrics[m]->name);
    aml_arena_free(a);
    free(text);
}

/* ---- what all metrics promise ---- */

typedef struct sample {
    double y[3 * N], w[3 * N], pred[3 * N * MOST_CLASSES];
    size_t n;
    int k;
} sample;

static size_t outputs(int k) { return k > 2 ? (size_t)k : 1; }

/* Rows that every metric is defined for; weights 1, 2 or 3; some ties. */
static sample draw(int k, uint64_t seed) {
    aml_rng rng = aml_rng_stream(seed, AML_RNG_TEST, (uint64_t)k, 0);
    sample s = {.n = N, .k = k};
    for (size_t i = 0; i < N; i++) {
        double sum = 0;
        s.y[i] = k ? (double)(i < (size_t)k ? i : aml_rng_below(&rng, (uint32_t)k))
                   : 3 * aml_rng_uniform(&rng);
        s.w[i] = 1 + aml_rng_below(&rng, 3);
        for (size_t c = 0; c < outputs(k); c++) {
            double near = 0.6 * (k > 2 ? s.y[i] == (double)c : s.y[i]);
            double p = floor(16 * (0.1 + near + aml_rng_uniform(&rng)));
            sum += s.pred[i * outputs(k) + c] = p;
        }
        for (size_t c = 0; c < outputs(k); c++)
            s.pred[i * outputs(k) + c] /= k > 2 ? sum : k ? 27 : 16;
    }
    return s;
}

static const int class_numbers[] = {0, 2, 3, MOST_CLASSES};

static bool takes(const aml_metric *m, int k) {
    return m->tasks & (k > 2 ? AML_MULTICLASS : k ? AML_BINARY : AML_REGRESSION);
}

/* Calls check for each metric and each kind of sample it takes. */
static void for_all(void (*check)(const aml_metric *m, sample *s)) {
    for (size_t m = 0; m < N_METRICS; m++)
        for (size_t t = 0; t < 4; t++) {
            sample s = draw(class_numbers[t], m);
            if (takes(metrics[m], s.k)) check(metrics[m], &s);
        }
}

static double score(const aml_metric *m, const sample *s, const double *w) {
    double out = NAN;
    if (m->score(&out, s->y, w, s->pred, s->n, s->k))
        fail_msg("%s: %s", m->name, aml_last_error()->message);
    return out;
}

static void near(const aml_metric *m, double a, double b) {
    if (!(fabs(a - b) <= 1e-12 * fmax(1, fabs(a))))
        fail_msg("%s: %.17g is not %.17g", m->name, a, b);
}

static void keep_the_contract(void **state) {
    (void)state;
    for (size_t i = 0; i < N_METRICS; i++) {
        const aml_metric *m = metrics[i];
        assert_int_equal(m->abi, AML_ABI);
        assert_true(m->name && m->summary && m->score && m->tasks &&
                    !(m->tasks & ~(unsigned)AML_ANY_TASK));
        assert_ptr_equal(find(m->name), m);
        assert_true(m->higher_is_better ? m->best > m->worst : m->best < m->worst);
        assert_true(isfinite(m->best));
    }
}

static void check_range(const aml_metric *m, sample *s) {
    double x = score(m, s, s->w), lo = fmin(m->best, m->worst), hi = fmax(m->best, m->worst);
    if (!(x >= lo && x <= hi)) fail_msg("%s: %.17g is not in %g … %g", m->name, x, lo, hi);
}
static void stay_in_range(void **state) {
    (void)state;
    for_all(check_range);
}

static void check_perfect(const aml_metric *m, sample *s) {
    double before = score(m, s, s->w);
    memset(s->pred, 0, sizeof s->pred);
    for (size_t i = 0; i < s->n; i++)
        if (s->k > 2) s->pred[i * outputs(s->k) + (size_t)s->y[i]] = 1;
        else s->pred[i] = s->y[i];
    double after = score(m, s, s->w);
    near(m, after, m->best);
    assert_true(aml_metric_loss(m, after) < aml_metric_loss(m, before));
}
static void are_best_when_perfect(void **state) {
    (void)state;
    for_all(check_perfect);
}

/* A row of weight 3 is three rows; not so for ranks, which count rows whatever their weight. */
static void check_repeats(const aml_metric *m, sample *s) {
    sample r = {.k = s->k};
    if (!strcmp(m->name, "spearman_correlation")) return;
    for (size_t i = 0; i < s->n; i++)
        for (double t = 0; t < s->w[i]; t++, r.n++) {
            r.y[r.n] = s->y[i];
            memcpy(r.pred + r.n * outputs(s->k), s->pred + i * outputs(s->k),
                   outputs(s->k) * sizeof *s->pred);
        }
    near(m, score(m, s, s->w), score(m, &r, NULL));
}
static void take_weights_as_repeated_rows(void **state) {
    (void)state;
    for_all(check_repeats);
}

static void check_weights(const aml_metric *m, sample *s) {
    double ones[N], scaled[N];
    for (size_t i = 0; i < N; i++) {
        ones[i] = 1;
        scaled[i] = 0.25 * s->w[i];
    }
    assert_true(score(m, s, NULL) == score(m, s, ones));
    near(m, score(m, s, s->w), score(m, s, scaled));
}
static void know_weights_up_to_a_factor(void **state) {
    (void)state;
    for_all(check_weights);
}

static void check_order(const aml_metric *m, sample *s) {
    sample r = {.n = s->n, .k = s->k};
    for (size_t i = 0; i < s->n; i++) {
        size_t j = s->n - 1 - i, size = outputs(s->k);
        r.y[i] = s->y[j];
        r.w[i] = s->w[j];
        memcpy(r.pred + i * size, s->pred + j * size, size * sizeof *s->pred);
    }
    near(m, score(m, s, s->w), score(m, &r, r.w));
}
static void do_not_see_the_order_of_rows(void **state) {
    (void)state;
    for_all(check_order);
}

static void check_zero_weights(const aml_metric *m, sample *s) {
    double out = -7;
    memset(s->w, 0, sizeof s->w);
    if (m->score(&out, s->y, s->w, s->pred, s->n, s->k) != AML_EDATA)
        fail_msg("%s: %g", m->name, out);
}
static void refuse_weights_of_zero(void **state) {
    (void)state;
    for_all(check_zero_weights);
}

static void check_memory(const aml_metric *m, sample *s) {
    double out, want = score(m, s, s->w);
    aml_fail_alloc(0, false);
    near(m, score(m, s, s->w), want);
    uint64_t calls = aml_fail_alloc(0, false);
    for (uint64_t i = 1; i <= calls; i++) {
        aml_fail_alloc(i, false);
        aml_status status = m->score(&out, s->y, s->w, s->pred, s->n, s->k);
        aml_fail_alloc(0, false);
        if (status != AML_ENOMEM) fail_msg("%s: allocation %d of %d", m->name, (int)i, (int)calls);
    }
}
static void survive_short_memory(void **state) {
    (void)state;
    for_all(check_memory);
}

/* ---- single cases ---- */

static void auc_needs_two_classes(void **state) {
    double y[] = {1, 1, 1}, p[] = {0.2, 0.5, 0.7}, out;
    (void)state;
    assert_int_equal(find("auc")->score(&out, y, NULL, p, 3, 2), AML_EDATA);
    assert_non_null(strstr(aml_last_error()->message, "one class"));
    double y3[] = {0, 1, 1}, p3[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    assert_int_equal(find("auc_weighted")->score(&out, y3, NULL, p3, 3, 3), AML_EDATA);
    assert_non_null(strstr(aml_last_error()->message, "class 3 of 3"));
}

/* The definition: pairs of a positive and a negative row, ties half. */
static void auc_counts_pairs(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        sample s = draw(2, 100 + seed);
        double won = 0, all = 0;
        for (size_t i = 0; i < s.n; i++)
            for (size_t j = 0; j < s.n; j++) {
                if (s.y[i] != 1 || s.y[j] != 0) continue;
                double pair = s.w[i] * s.w[j];
                all += pair;
                won += s.pred[i] > s.pred[j] ? pair : s.pred[i] == s.pred[j] ? pair / 2 : 0;
            }
        near(find("auc"), score(find("auc"), &s, s.w), won / all);
    }
}

static void infinite_scores_do_not_get_out(void **state) {
    double y[] = {1e308, -1e308}, p[] = {-1e308, 1e308}, out = 5;
    (void)state;
    for (size_t m = 0; m < N_METRICS; m++) {
        if (!takes(metrics[m], 0)) continue;
        aml_status status = metrics[m]->score(&out, y, NULL, p, 2, 0);
        if (status ? status != AML_EDATA : !isfinite(out))
            fail_msg("%s: %g", metrics[m]->name, out);
    }
}

static void not_a_number_is_refused(void **state) {
    (void)state;
    for (size_t m = 0; m < N_METRICS; m++)
        for (size_t t = 0; t < 4; t++) {
            sample s = draw(class_numbers[t], m);
            double out = 5;
            if (!takes(metrics[m], s.k) || metrics[m]->hard) continue;
            for (size_t c = 0; c < outputs(s.k); c++) s.pred[7 * outputs(s.k) + c] = NAN;
            if (metrics[m]->score(&out, s.y, s.w, s.pred, s.n, s.k) != AML_EDATA)
                fail_msg("%s: %g", metrics[m]->name, out);
        }
}

/* Constants in y or prediction that rounding could tear apart. */
static void constants_are_seen(void **state) {
    double y[] = {0.1, 0.1, 0.1, 0.7}, p[] = {0.3, 0.2, 0.1, 5}, w[] = {0.3, 0.7, 1.1, 0}, out;
    (void)state;
    assert_int_equal(find("r2")->score(&out, y, w, p, 4, 0), AML_OK);
    assert_true(out == 0);
    assert_int_equal(find("spearman_correlation")->score(&out, y, w, p, 4, 0), AML_EDATA);
    assert_non_null(strstr(aml_last_error()->message, "target"));
    assert_int_equal(find("spearman_correlation")->score(&out, p, w, y, 4, 0), AML_EDATA);
    assert_non_null(strstr(aml_last_error()->message, "prediction"));
}

static void classes_that_do_not_occur_are_left_out(void **state) {
    double y[] = {0, 1, 0}, p[] = {0.8, 0.1, 0.1, 0.2, 0.7, 0.1, 0.9, 0.1, 0}, out;
    (void)state;
    assert_int_equal(find("f1_macro")->score(&out, y, NULL, p, 3, 3), AML_OK);
    assert_true(out == 1);
    assert_int_equal(find("balanced_accuracy")->score(&out, y, NULL, p, 3, 3), AML_OK);
    assert_true(out == 1);
}

static void the_median_steps_over_rows_without_weight(void **state) {
    double y[] = {1, -2, 3}, p[] = {0, 0, 0}, w[] = {1, 0, 1}, out;
    (void)state;
    assert_int_equal(find("median_absolute_error")->score(&out, y, w, p, 3, 0), AML_OK);
    assert_true(out == 2);
}

static void one_row_is_enough(void **state) {
    double y[] = {2}, p[] = {3}, out;
    (void)state;
    assert_int_equal(find("rmse")->score(&out, y, NULL, p, 1, 0), AML_OK);
    assert_true(out == 1);
    assert_int_equal(find("median_absolute_error")->score(&out, y, NULL, p, 1, 0), AML_OK);
    assert_true(out == 1);
    assert_int_equal(find("r2")->score(&out, y, NULL, p, 1, 0), AML_EDATA);
    y[0] = 1;
    p[0] = 0.25;
    assert_int_equal(find("log_loss")->score(&out, y, NULL, p, 1, 2), AML_OK);
    assert_true(fabs(out - log(4)) < 1e-15);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_reference),
        cmocka_unit_test(keep_the_contract),
        cmocka_unit_test(stay_in_range),
        cmocka_unit_test(are_best_when_perfect),
        cmocka_unit_test(take_weights_as_repeated_rows),
        cmocka_unit_test(know_weights_up_to_a_factor),
        cmocka_unit_test(do_not_see_the_order_of_rows),
        cmocka_unit_test(refuse_weights_of_zero),
        cmocka_unit_test(survive_short_memory),
        cmocka_unit_test(auc_needs_two_classes),
        cmocka_unit_test(auc_counts_pairs),
        cmocka_unit_test(infinite_scores_do_not_get_out),
        cmocka_unit_test(not_a_number_is_refused),
        cmocka_unit_test(constants_are_seen),
        cmocka_unit_test(classes_that_do_not_occur_are_left_out),
        cmocka_unit_test(the_median_steps_over_rows_without_weight),
        cmocka_unit_test(one_row_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
