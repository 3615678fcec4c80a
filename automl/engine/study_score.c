/* study_score.c: the score of the model on rows that had no say in it, with its interval. */
#include <math.h>
#include <string.h>

#include "automl/engine/bootstrap.h"
#include "automl/engine/choice.h"

enum { MOST_DRAWS = 500, PAIRED_DRAWS = 250 };

/* No row was wrong, so resampling finds no spread. Up to three in n may be wrong all the same (1 - 3/n is the lower end
 * of the 95 % interval for 0 errors in n: the rule of three): the score with three predictions turned round. */
static aml_status three_wrong(double *bad, const aml_study *s, const double *pred) {
    const aml_bench *b = &s->bench;
    size_t n = b->n_scored, k = (size_t)b->n_outputs;
    double *q = aml_alloc_raw(s->ctx.scratch, n * k, sizeof *q);
    if (!q) return AML_ENOMEM;
    memcpy(q, pred, n * k * sizeof *q);
    for (size_t i = 0; i < 3; i++) {
        size_t row = (2 * i + 1) * n / 6, class = (size_t)b->y[row];
        double *p = q + row * k, *other = k > 1 ? &p[(class + 1) % k] : NULL, was = *p;
        if (!other) *p = 1 - *p;
        else was = p[class], p[class] = *other, *other = was;
    }
    aml_status status = b->metric->score(bad, b->y, b->w, q, n, s->task.n_classes);
    return status == AML_ENOMEM ? status : AML_OK;
}

/* The model's own noise: folds share most of their rows, so that their models, and what was chosen by them, err together, which
 * resampling rows does not show (Nadeau and Bengio 2003). And what it gains on the scored ones by learning from all rows, or by
 * averaging those of all folds: up to this share of the way to the best score, or of the way from the baseline where that is
 * shorter. Both measured (bench_honest). */
static const double MODELS_NOISE = 1.15, LAST_GAIN = 0.12;

/* Low and high around the score, of the interval that resampling rows gives. */
static void widen(aml_score *score, double low, double high, const aml_metric *metric) {
    double *better = metric->higher_is_better ? &score->high : &score->low;
    double rest = fmin(fabs(metric->best - score->value), fabs(score->baseline - score->value));
    score->low = score->value + MODELS_NOISE * low;
    score->high = score->value + MODELS_NOISE * high;
    if (isfinite(rest)) *better += (metric->higher_is_better ? 1 : -1) * LAST_GAIN * rest;
    if (metric->higher_is_better && score->high > metric->best) score->high = metric->best;
    if (!metric->higher_is_better && score->low < metric->best) score->low = metric->best;
}

static aml_resampled rows_of(const aml_study *s, const double *pred, const double *other) {
    const aml_bench *b = &s->bench;
    return (aml_resampled){.metric = b->metric,
                           .y = b->y,
                           .w = b->w,
                           .pred = pred,
                           .other = other,
                           .n = b->n_scored,
                           .outputs = (size_t)b->n_outputs,
                           .n_classes = s->task.n_classes};
}

static aml_status set_interval(aml_score *score, aml_study *s, const double *pred) {
    const aml_bench *b = &s->bench;
    double pooled = NAN, low, high;
    const aml_resampled rows = rows_of(s, pred, NULL);
    if (b->metric->score(&pooled, b->y, b->w, pred, b->n_scored, s->task.n_classes)) pooled = NAN;
    s->ctx.rng = aml_rng_stream(b->seed, AML_RNG_BOOTSTRAP, 0, 0);
    AML_TRY(aml_bootstrap(&low, &high, &rows, MOST_DRAWS, &s->ctx));
    bool spread = high > low;
    widen(score, low - pooled, high - pooled, b->metric);
    if (spread || s->task.kind == AML_REGRESSION || !isfinite(score->low)) return AML_OK;
    return three_wrong(b->metric->higher_is_better ? &score->low : &score->high, s, pred);
}

/* ---- what the model gains on simpler ones, by the same rows */

static aml_status compare(double gain[3], aml_study *s, const double *pred, const double *other,
                          uint32_t stream) {
    const aml_bench *b = &s->bench;
    const aml_resampled rows = rows_of(s, pred, other);
    double x, y;
    if (s->deadline > 0 && aml_decide_if(s->decisions, aml_now() > s->deadline)) return AML_OK;
    if (b->metric->score(&x, b->y, b->w, pred, b->n_scored, s->task.n_classes) ||
        b->metric->score(&y, b->y, b->w, other, b->n_scored, s->task.n_classes))
        return AML_OK;
    gain[0] = b->metric->higher_is_better ? x - y : y - x;
    s->ctx.rng = aml_rng_stream(b->seed, AML_RNG_BOOTSTRAP, stream, 0);
    return aml_bootstrap(&gain[1], &gain[2], &rows, PAIRED_DRAWS, &s->ctx);
}

static aml_status compare_with_baseline(aml_score *score, aml_study *s, const double *pred) {
    double gain[3] = {NAN, NAN, NAN};
    size_t n = s->bench.n_scored, k = (size_t)s->bench.n_outputs;
    double *constant = AML_ARRAY(s->ctx.keep, n * k, double),
           *mean = AML_ARRAY(s->ctx.keep, k, double);
    if (!constant || !mean) return AML_ENOMEM;
    for (size_t i = 0; i < n * k; i++) mean[i % k] += s->yardstick->out_of_fold[i] / (double)n;
    for (size_t i = 0; i < n * k; i++) constant[i] = mean[i % k]; /* not one a fold */
    AML_TRY(compare(gain, s, pred, constant, 1));
    score->gain = gain[0], score->gain_low = gain[1], score->gain_high = gain[2];
    return AML_OK;
}

static aml_status compare_with_linear(aml_score *score, aml_study *s, const aml_choice *c,
                                      const aml_choice *linear) {
    double gain[3] = {NAN, NAN, NAN};
    size_t cells = s->bench.n_scored * (size_t)s->bench.n_outputs;
    if (!linear->n || linear->trial[0] == s->yardstick) return AML_OK;
    if (!memcmp(c->pred, linear->pred, cells * sizeof *c->pred))
        return AML_OK; /* it is the model */
    AML_TRY(compare(gain, s, c->pred, linear->pred, 2));
    score->linear = linear->score;
    score->linear_gain = gain[0];
    score->linear_gain_low = gain[1], score->linear_gain_high = gain[2];
    return AML_OK;
}

aml_status aml_study_score(aml_study *s, const aml_choice *c, const aml_choice *linear) {
    aml_score *score = &s->model->score;
    *score = (aml_score){.size = sizeof *score,
                         .value = c->score,
                         .baseline = s->yardstick->score,
                         .low = NAN,
                         .high = NAN,
                         .gain = NAN,
                         .gain_low = NAN,
                         .gain_high = NAN,
                         .linear = NAN,
                         .linear_gain = NAN,
                         .linear_gain_low = NAN,
                         .linear_gain_high = NAN};
    score->method =
        s->folds.k > 1
            ? "folds: each row is predicted by models that were fitted, stopped and weighted "
              "without it, but chosen with it; the interval is of the score on very many new "
              "rows, on a small test it varies more"
            : "holdout: each row is predicted by models that were fitted, stopped and weighted "
              "without it, but chosen with it; the interval is of the score on very many new "
              "rows, on a small test it varies more";
    AML_TRY(set_interval(score, s, c->pred));
    if (c->trial[0] == s->yardstick) return AML_OK;
    AML_TRY(compare_with_baseline(score, s, c->pred));
    return compare_with_linear(score, s, c, linear);
}
