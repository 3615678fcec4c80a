/* cost.c: what predicting costs, by the clock. */
#include <math.h>

#include "automl/engine/choice.h"
#include "automl/engine/predict.h"
#include "featurize/parts/table.h"

enum { MOST_ROWS = 500, MODEL_ROWS = 1000, REPEATS = 3 };
static const double A_MOMENT = 0.02; /* seconds: beyond it nothing is repeated */
static const double MOST_SECONDS = 1, MOST_SHARE = 0.03; /* of all trials; of the time left */

size_t aml_trial_final_fits(const aml_study *s, const aml_trial *t) {
    return aml_study_refits(s, t) || s->task.time ? 1 : t->n_done;
}

double aml_trial_us(const aml_trial *t, size_t fits) {
    size_t chains = aml_plan_sees_target(&t->plan) ? fits : 1;
    return t->features_us * (double)chains + t->row_us * (double)fits;
}

double aml_trial_bytes(const aml_trial *t, size_t fits) {
    return (double)t->bytes / (double)t->n_done * (double)fits;
}

/* ---- one trial */

static double least(double seconds, double least_so_far) { return fmin(seconds, least_so_far); }

/* Rows that take about ten milliseconds, as far as is known. */
static size_t rows_for(const aml_trial *t, const aml_study *s) {
    double us = t->n_predicted ? 1e6 * t->predict_seconds / (double)t->n_predicted : 1;
    double rows = fmin(MOST_ROWS, fmax(16, 1e4 / (us + 1)));
    return rows < (double)s->table.n ? (size_t)rows : s->table.n;
}

static aml_status time_fit(aml_trial *t, const aml_study *s, const aml_table *rows,
                           const uint32_t *all, aml_ctx *ctx) {
    double features = INFINITY, predicting = INFINITY, begin = aml_now();
    size_t k = (size_t)s->bench.n_outputs;
    double *out = AML_ARRAY(ctx->keep, rows->n * k, double);
    if (!out) return AML_ENOMEM;
    for (int i = 0; i < REPEATS && (!i || aml_now() - begin < A_MOMENT); i++) {
        aml_design design;
        double start = aml_now();
        AML_TRY(aml_chain_apply(&design, t->fits[0].chain, rows, ctx));
        double made = aml_now();
        aml_data x = {.x = &design,
                      .rows = all,
                      .n = rows->n,
                      .task = s->task.kind,
                      .n_classes = s->task.n_classes};
        AML_TRY(t->plan.learner->predict(out, t->fits[0].model, &x, ctx));
        features = least(made - start, features);
        predicting = least(aml_now() - made, predicting);
    }
    t->features_us = 1e6 * features / (double)rows->n;
    t->row_us = 1e6 * predicting / (double)rows->n;
    return AML_OK;
}

static aml_status measure(aml_trial *t, const aml_study *s) {
    aml_ctx ctx;
    aml_table rows;
    size_t n = rows_for(t, s);
    aml_status status = aml_ctx_open(&ctx, 1);
    if (!status) status = aml_table_slice(&rows, &s->table, 0, n, ctx.keep);
    if (!status) status = time_fit(t, s, &rows, s->bench.all_rows, &ctx);
    aml_ctx_close(&ctx);
    return status;
}

aml_status aml_costs_measure(aml_study *s) {
    double begin = aml_now(), until = begin + MOST_SECONDS;
    if (s->deadline > 0) until = fmin(until, begin + MOST_SHARE * (s->deadline - begin));
    for (size_t i = 0; i < s->trials.n; i++) {
        aml_trial *t = s->trials.at[i];
        if (t->n_predicted) t->row_us = 1e6 * t->predict_seconds / (double)t->n_predicted;
        if (t->state != AML_TRIAL_DONE || !t->fits || aml_now() > until) continue;
        AML_TRY(measure(t, s));
    }
    for (size_t i = 0; i < s->trials.n; i++) {
        aml_trial *t = s->trials.at[i];
        if (t->state != AML_TRIAL_DONE || !t->fits) continue;
        t->features_us = aml_decide(s->decisions, t->features_us);
        t->row_us = aml_decide(s->decisions, t->row_us);
    }
    return AML_OK;
}

/* ---- the model */

static aml_status time_model(double *us, const aml_study *s, aml_ctx *ctx) {
    aml_table rows;
    size_t n = s->table.n < MODEL_ROWS ? s->table.n : MODEL_ROWS;
    double best = INFINITY, begin = aml_now();
    double *out = AML_ARRAY(ctx->keep, n * (size_t)s->bench.n_outputs + 1, double);
    if (!out) return AML_ENOMEM;
    AML_TRY(aml_table_slice(&rows, &s->table, 0, n, ctx->keep));
    for (int i = 0; i < REPEATS && (!i || aml_now() - begin < A_MOMENT); i++) {
        aml_batch batch;
        double start = aml_now();
        AML_TRY(aml_batch_init(&batch, s->model, &rows, ctx));
        AML_TRY(aml_batch_predict(out, &batch, NULL));
        best = least(aml_now() - start, best);
    }
    *us = n ? 1e6 * best / (double)n : NAN;
    return AML_OK;
}

aml_status aml_model_measure(double *us, aml_study *s) {
    aml_ctx ctx;
    aml_status status = aml_ctx_open(&ctx, 1);
    if (!status) status = time_model(us, s, &ctx);
    aml_ctx_close(&ctx);
    return status;
}
