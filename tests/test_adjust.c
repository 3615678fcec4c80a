/* test_adjust.c: calibration, and the threshold between two classes. */
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
#include "automl/core/arena.h"
#include "automl/engine/calibration.h"

enum { N = 4000, K = 3, ROWS = 700 };

/* ---- calibrators */

typedef struct sample {
    double y[N], pred[N * K], truth[N * K];
    uint32_t all[N];
} sample;

static double logistic(double z) { return 1 / (1 + exp(-z)); }

static double log_loss(const double *y, const double *p, size_t k) {
    double sum = 0;
    for (size_t i = 0; i < N; i++)
        sum -= log(k == 1 ? (y[i] == 1 ? p[i] : 1 - p[i]) : p[i * k + (size_t)y[i]]);
    return sum / N;
}

/* Classes drawn by `truth`; what is said has logits of twice the size. */
static sample *overconfident(size_t k) {
    sample *s = calloc(1, sizeof *s);
    aml_rng rng = aml_rng_stream(7, AML_RNG_TEST, k, 0);
    for (size_t i = 0; i < N; i++) {
        double z[K], sum = 0, wide = 0, u = aml_rng_uniform(&rng);
        s->all[i] = (uint32_t)i;
        for (size_t c = 0; c < k; c++) z[c] = 1.5 * aml_rng_normal(&rng);
        if (k == 1) {
            s->truth[i] = logistic(z[0]);
            s->pred[i] = logistic(2 * z[0] + 1);
            s->y[i] = u < s->truth[i];
            continue;
        }
        for (size_t c = 0; c < k; c++) sum += exp(z[c]), wide += exp(2 * z[c]);
        for (size_t c = 0; c < k; c++) {
            s->truth[i * k + c] = exp(z[c]) / sum;
            s->pred[i * k + c] = exp(2 * z[c]) / wide;
        }
        while (s->y[i] + 1 < (double)k && u > s->truth[i * k + (size_t)s->y[i]])
            u -= s->truth[i * k + (size_t)s->y[i]++];
    }
    return s;
}

static void fit_and_apply(aml_calibrator *c, aml_calibrator_kind kind, sample *s, size_t k,
                          aml_ctx *ctx) {
    assert_int_equal(aml_calibrator_fit(c, kind, s->y, NULL, s->pred, k, s->all, N, ctx), AML_OK);
    for (size_t i = 0; i < N; i++) aml_calibrator_apply(s->pred + i * k, c, k);
}

static void known_distortions_are_undone(void **state) {
    (void)state;
    static const struct {
        aml_calibrator_kind kind;
        size_t k;
        double slope, offset;
    } cases[] = {
        {AML_TEMPERATURE, K, 0.5, 0}, {AML_SIGMOID, 1, 0.5, -0.5}, {AML_ISOTONIC, 1, 1, 0}};
    for (size_t i = 0; i < 3; i++) {
        size_t k = cases[i].k;
        sample *s = overconfident(k);
        aml_ctx ctx = {.keep = aml_arena_new(NULL), .scratch = aml_arena_new(NULL), .n_threads = 1};
        aml_calibrator c;
        double before = log_loss(s->y, s->pred, k), best = log_loss(s->y, s->truth, k),
               error = aml_calibration_error(s->y, s->pred, N, k);
        fit_and_apply(&c, cases[i].kind, s, k, &ctx);
        assert_true(fabs(c.slope - cases[i].slope) < 0.03);
        assert_true(fabs(c.offset - cases[i].offset) < 0.06);
        double after = log_loss(s->y, s->pred, k);
        assert_true(after - best < 0.03 * (before - best));
        assert_true(aml_calibration_error(s->y, s->pred, N, k) < 0.35 * error);
        aml_arena_free(ctx.keep), aml_arena_free(ctx.scratch);
        free(s);
    }
}

static void order_is_kept(void **state) {
    (void)state;
    sample *s = overconfident(1);
    for (aml_calibrator_kind kind = AML_SIGMOID; kind <= AML_ISOTONIC; kind++) {
        aml_ctx ctx = {.keep = aml_arena_new(NULL), .scratch = aml_arena_new(NULL), .n_threads = 1};
        aml_calibrator c;
        assert_int_equal(aml_calibrator_fit(&c, kind, s->y, NULL, s->pred, 1, s->all, N, &ctx),
                         AML_OK);
        double last = -1;
        for (int i = 0; i <= 1000; i++) {
            double p = i / 1000.0;
            aml_calibrator_apply(&p, &c, 1);
            assert_true(p >= 0 && p <= 1 && p > last);
            last = p;
        }
        aml_arena_free(ctx.keep), aml_arena_free(ctx.scratch);
    }
    free(s);
}

/* A weight of 2 is a row twice. */
static void weights_count_rows(void **state) {
    (void)state;
    sample *s = overconfident(1);
    static double w[N];
    static uint32_t twice[N];
    for (size_t i = 0; i < N; i++) w[i] = i < N / 2 ? 2 : 0, twice[i] = (uint32_t)(i / 2);
    for (aml_calibrator_kind kind = AML_SIGMOID; kind <= AML_ISOTONIC; kind++) {
        aml_ctx ctx = {.keep = aml_arena_new(NULL), .scratch = aml_arena_new(NULL), .n_threads = 1};
        aml_calibrator a, b;
        assert_int_equal(aml_calibrator_fit(&a, kind, s->y, w, s->pred, 1, s->all, N, &ctx),
                         AML_OK);
        assert_int_equal(aml_calibrator_fit(&b, kind, s->y, NULL, s->pred, 1, twice, N, &ctx),
                         AML_OK);
        for (double x = 0.05; x < 1; x += 0.1) {
            double p = x, q = x;
            aml_calibrator_apply(&p, &a, 1);
            aml_calibrator_apply(&q, &b, 1);
            assert_true(fabs(p - q) < 1e-9);
        }
        aml_arena_free(ctx.keep), aml_arena_free(ctx.scratch);
    }
    free(s);
}

/* ---- models: two numbers, each five times with little noise: naive Bayes takes them for ten witnesses */

static aml_frame *table(double share, double steep) {
    static double x[10][ROWS];
    static const char *y[ROWS];
    char name[10][8];
    aml_rng rng = aml_rng_stream(11, AML_RNG_TEST, (uint64_t)(100 * share), 1);
    aml_frame_builder *b = aml_frame_builder_new(ROWS, NULL);
    for (size_t i = 0; i < ROWS; i++) {
        double base[2] = {aml_rng_normal(&rng), aml_rng_normal(&rng)};
        double logit = steep * (base[0] + base[1]) + log(share / (1 - share));
        for (size_t j = 0; j < 10; j++) x[j][i] = base[j % 2] + 0.3 * aml_rng_normal(&rng);
        y[i] = aml_rng_uniform(&rng) < logistic(logit) ? "yes" : "no";
    }
    for (size_t j = 0; j < 10; j++) {
        snprintf(name[j], sizeof name[j], "x%zu", j);
        assert_int_equal(aml_frame_add_numbers(b, name[j], x[j]), AML_OK);
    }
    assert_int_equal(aml_frame_add_texts(b, "y", y), AML_OK);
    aml_frame *f = aml_frame_build(b);
    assert_non_null(f);
    return f;
}

static aml_model *train(const aml_frame *f, const char *learner, const char *metric,
                        int calibration, double threshold) {
    const char *const learners[] = {learner, NULL};
    aml_train_options o = {.size = sizeof o,
                           .target = "y",
                           .metric = metric,
                           .trials = 2,
                           .threads = 1,
                           .learners = learners,
                           .calibration = calibration,
                           .threshold = threshold};
    aml_model *m;
    if (aml_train(&m, f, &o)) fail_msg("%s", aml_last_error()->message);
    return m;
}

static double value_of(const aml_model *m, const aml_frame *f, const char *metric) {
    aml_evaluation *e;
    const char *name;
    double x, found = NAN;
    assert_int_equal(aml_model_evaluate(&e, m, f, 1), AML_OK);
    for (size_t i = 0; aml_evaluation_metric(e, i, &name, &x); i++)
        if (!strcmp(name, metric)) found = x;
    aml_evaluation_free(e);
    return found;
}

static void overconfident_members_are_calibrated(void **state) {
    (void)state;
    aml_frame *f = table(0.5, 5), *fresh = table(0.51, 5);
    aml_model *m = train(f, "naive_bayes", "log_loss", 0, 0),
              *raw = train(f, "naive_bayes", "log_loss", -1, 0);
    assert_string_not_equal(aml_model_calibration(m), "none");
    assert_string_equal(aml_model_calibration(raw), "none");
    assert_true(value_of(m, fresh, "log_loss") < value_of(raw, fresh, "log_loss"));
    assert_true(value_of(m, fresh, "expected_calibration_error") <
                0.6 * value_of(raw, fresh, "expected_calibration_error"));
    assert_true(fabs(value_of(m, fresh, "auc") - value_of(raw, fresh, "auc")) < 1e-12);
    aml_model_free(m), aml_model_free(raw);

    aml_frame_free(f);
    f = table(0.5, 1);
    m = train(f, "logistic", "log_loss", 0, 0); /* nothing to mend */
    assert_string_equal(aml_model_calibration(m), "none");
    aml_model_free(m);
    aml_frame_free(f), aml_frame_free(fresh);
}

static int format_of(const char *path) {
    FILE *in = fopen(path, "rb");
    unsigned char head[9] = {0};
    assert_non_null(in);
    assert_int_equal(fread(head, 1, sizeof head, in), sizeof head);
    fclose(in);
    return head[8];
}

static void files_and_explanations_know_it(void **state) {
    (void)state;
    char path[64];
    snprintf(path, sizeof path, "/tmp/automl_adjust_%ld.automl", (long)getpid());
    aml_frame *f = table(0.2, 1);
    aml_model *m = train(f, "naive_bayes", "f1", 0, 0), *loaded,
              *raw = train(f, "naive_bayes", "log_loss", -1, 0);
    static double p[ROWS], q[ROWS];
    assert_int_equal(aml_model_save(raw, path), AML_OK);
    assert_int_equal(format_of(path), 1); /* older programs read it */
    assert_int_equal(aml_model_save(m, path), AML_OK);
    assert_int_equal(format_of(path), 2);
    assert_int_equal(aml_model_load(&loaded, path), AML_OK);
    assert_int_equal(aml_model_predict(p, m, f, 1), AML_OK);
    assert_int_equal(aml_model_predict(q, loaded, f, 2), AML_OK);
    assert_memory_equal(p, q, sizeof p);
    assert_true(aml_model_threshold(m) == aml_model_threshold(loaded));
    assert_string_equal(aml_model_calibration(m), aml_model_calibration(loaded));

    aml_explanation *e;
    const size_t rows[] = {0, 5, 100};
    aml_explain_options o = {.size = sizeof o, .rows = rows, .n_rows = 3, .threads = 1};
    assert_int_equal(aml_model_explain(&e, m, f, &o), AML_OK);
    for (size_t i = 0; i < 3; i++) {
        double sum = 0;
        for (size_t j = 0; j < 11; j++) sum += aml_explanation_values(e)[i * 11 + j];
        assert_true(fabs(sum - p[rows[i]]) < 1e-9);
    }
    aml_explanation_free(e);
    aml_model_free(m), aml_model_free(loaded), aml_model_free(raw);
    aml_frame_free(f);
    unlink(path);
}

/* ---- threshold */

static void the_metric_chooses_the_threshold(void **state) {
    (void)state;
    aml_frame *f = table(0.12, 1), *fresh = table(0.121, 1);
    aml_model *m = train(f, "logistic", "f1", 0, 0), *half = train(f, "logistic", "f1", 0, 0.5);
    double t = aml_model_threshold(m), p[2] = {0};
    assert_true(t > 0.1 && t < 0.45);
    assert_true(aml_model_threshold(half) == 0.5);
    assert_true(value_of(m, fresh, "f1") > value_of(half, fresh, "f1"));
    p[0] = t - 1e-9;
    assert_int_equal(aml_model_choose(m, p), 0);
    p[0] = t + 1e-9;
    assert_int_equal(aml_model_choose(m, p), 1);
    aml_score s = {.size = sizeof s}, h = {.size = sizeof h};
    aml_model_score(m, &s);
    aml_model_score(half, &h);
    assert_true(s.value > h.value && s.low < s.value && s.value < s.high);
    aml_model_free(m), aml_model_free(half);

    m = train(f, "logistic", "recall", 0, 0); /* no threshold is needed to call all of them yes */
    assert_true(aml_model_threshold(m) == 0.5);
    aml_model_free(m);
    m = train(f, "logistic", "auc", 0, 0.3);
    assert_true(aml_model_threshold(m) == 0.3);
    aml_model_free(m);
    aml_frame_free(f), aml_frame_free(fresh);
}

static void thresholds_are_checked(void **state) {
    (void)state;
    aml_frame *f = table(0.5, 1);
    aml_model *m;
    aml_train_options o = {.size = sizeof o, .target = "y", .trials = 1, .threshold = 1.5};
    assert_int_equal(aml_train(&m, f, &o), AML_EUSAGE);
    o.threshold = 0.4;
    o.target = "x1";
    assert_int_equal(aml_train(&m, f, &o), AML_EUSAGE);
    assert_non_null(strstr(aml_last_error()->message, "two classes"));
    aml_frame_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_distortions_are_undone),
        cmocka_unit_test(order_is_kept),
        cmocka_unit_test(weights_count_rows),
        cmocka_unit_test(overconfident_members_are_calibrated),
        cmocka_unit_test(files_and_explanations_know_it),
        cmocka_unit_test(the_metric_chooses_the_threshold),
        cmocka_unit_test(thresholds_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
