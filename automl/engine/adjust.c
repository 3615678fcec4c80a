/* adjust.c: calibration and threshold, kept only where rows that had no say in them are better off. */
#include "automl/engine/adjust.h"

#include <math.h>
#include <string.h>

#include "automl/engine/threshold.h"

enum { ENOUGH_FOR_A_CURVE = 2000 };
static const double CLEARLY = 2; /* standard errors */

/* ---- rows without their own part */

typedef struct split_rows {
    uint32_t *in, *rest;
    size_t n_in, n_rest;
} split_rows;

static aml_status split_part(split_rows *r, const aml_study *s, const aml_parts *p, size_t part) {
    size_t n = s->bench.n_scored;
    r->in = AML_ARRAY(s->ctx.scratch, n, uint32_t);
    r->rest = AML_ARRAY(s->ctx.scratch, n, uint32_t);
    if (!r->in || !r->rest) return AML_ENOMEM;
    r->n_in = r->n_rest = 0;
    for (size_t i = 0; i < n; i++) {
        if (p->of[i] == part) r->in[r->n_in++] = (uint32_t)i;
        else r->rest[r->n_rest++] = (uint32_t)i;
    }
    return AML_OK;
}

static uint32_t *every_row(const aml_study *s) {
    uint32_t *all = AML_ARRAY(s->ctx.keep, s->bench.n_scored, uint32_t);
    for (size_t i = 0; all && i < s->bench.n_scored; i++) all[i] = (uint32_t)i;
    return all;
}

/* ---- calibration */

static double row_loss(const double *p, double y, size_t k) {
    double right = k == 1 ? (y == 1 ? *p : 1 - *p) : p[(size_t)y];
    return -log(fmin(1, fmax(1e-15, right)));
}

/* out: pred calibrated by the rows of other parts. */
static aml_status crossfit(double *out, aml_calibrator_kind kind, const double *pred, aml_study *s,
                           const aml_parts *p) {
    const aml_bench *b = &s->bench;
    size_t k = (size_t)b->n_outputs;
    memcpy(out, pred, b->n_scored * k * sizeof *out);
    for (size_t part = 0; part < p->n; part++) {
        aml_mark mark = aml_arena_mark(s->ctx.scratch);
        split_rows r;
        aml_calibrator c;
        AML_TRY(split_part(&r, s, p, part));
        AML_TRY(aml_calibrator_fit(&c, kind, b->y, b->w, pred, k, r.rest, r.n_rest, &s->ctx));
        for (size_t i = 0; i < r.n_in; i++) aml_calibrator_apply(out + r.in[i] * k, &c, k);
        aml_arena_release(s->ctx.scratch, mark);
    }
    return AML_OK;
}

/* Mean gain in log loss, clear of chance over rows, and in all parts but one at most. */
static bool is_better(double *gain, const double *out, const double *pred, const aml_study *s,
                      const aml_parts *p) {
    const aml_bench *b = &s->bench;
    size_t k = (size_t)b->n_outputs, n = b->n_scored, won = 0;
    double sum = 0, square = 0, total = 0, part_sum[64] = {0};
    for (size_t i = 0; i < n; i++) {
        double w = b->w ? b->w[i] : 1;
        double d = row_loss(pred + i * k, b->y[i], k) - row_loss(out + i * k, b->y[i], k);
        sum += w * d;
        square += w * w * d * d;
        total += w;
        part_sum[p->of[i] % 64] += w * d;
    }
    for (size_t part = 0; part < p->n && part < 64; part++) won += part_sum[part] > 0;
    *gain = sum / total;
    double error = sqrt(fmax(0, square - sum * sum / (double)n));
    return sum > CLEARLY * error && won + 1 >= p->n;
}

/* The metric of the search must not lose by it. */
static aml_status keeps_score(bool *out, double *score, double *error, const aml_choice *c,
                              const double *pred, aml_study *s, const aml_parts *p) {
    const aml_metric *metric = s->model->metric;
    AML_TRY(aml_parts_score(score, error, NULL, s, p, pred));
    double before = aml_metric_loss(metric, c->score), after = aml_metric_loss(metric, *score);
    *out = s->bench.chooses_threshold || after <= before + 1e-9 * fabs(before);
    return AML_OK;
}

static double mean_loss(const double *pred, const aml_study *s) {
    const aml_bench *b = &s->bench;
    size_t k = (size_t)b->n_outputs;
    double sum = 0, total = 0;
    for (size_t i = 0; i < b->n_scored; i++) {
        double w = b->w ? b->w[i] : 1;
        sum += w * row_loss(pred + i * k, b->y[i], k);
        total += w;
    }
    return sum / total;
}

static aml_status calibrate(aml_adjusted *a, aml_choice *c, aml_study *s, const aml_parts *p) {
    const aml_bench *b = &s->bench;
    size_t k = (size_t)b->n_outputs, n = b->n_scored;
    double *out = AML_ARRAY(s->ctx.keep, n * k, double), best = 0, score = NAN, error = NAN;
    double *chosen = AML_ARRAY(s->ctx.keep, n * k, double);
    uint32_t *all = every_row(s);
    if (!out || !chosen || !all) return AML_ENOMEM;
    aml_calibrator_kind kind = AML_AS_IT_IS;
    bool curve = k == 1 && n >= ENOUGH_FOR_A_CURVE && !s->constraints.needs;
    const aml_calibrator_kind tried[] = {k == 1 ? AML_SIGMOID : AML_TEMPERATURE,
                                         curve ? AML_ISOTONIC : AML_AS_IT_IS};
    for (size_t i = 0; i < 2 && tried[i]; i++) {
        double gain, new_score, new_error;
        bool kept;
        AML_TRY(crossfit(out, tried[i], c->pred, s, p));
        AML_TRY(keeps_score(&kept, &new_score, &new_error, c, out, s, p));
        if (!kept || !is_better(&gain, out, c->pred, s, p) || !(gain > best)) continue;
        if (kind && !is_better(&gain, out, chosen, s, p)) continue; /* a curve needs a reason */
        kind = tried[i];
        best = mean_loss(c->pred, s) - mean_loss(out, s);
        score = new_score, error = new_error;
        memcpy(chosen, out, n * k * sizeof *out);
    }
    if (!kind) return AML_OK;
    double before = mean_loss(c->pred, s);
    aml_ctx ctx = s->ctx;
    ctx.keep = s->model->arena;
    AML_TRY(aml_calibrator_fit(&s->model->calibrator, kind, b->y, b->w, c->pred, k, all, n, &ctx));
    memcpy(c->pred, chosen, n * k * sizeof *out);
    c->score = score, c->error = error;
    a->loss_before = before;
    a->loss_after = before - best;
    return AML_OK;
}

/* ---- threshold */

/* By the given rows. */
static aml_status threshold_of(double *out, const double *pred, const uint32_t *rows, size_t n,
                               aml_study *s) {
    const aml_bench *b = &s->bench;
    double *p = AML_ARRAY(s->ctx.scratch, n, double), *y = AML_ARRAY(s->ctx.scratch, n, double),
           *w = AML_ARRAY(s->ctx.scratch, n, double);
    if (!p || !y || !w) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        p[i] = pred[rows[i]], y[i] = b->y[rows[i]], w[i] = b->w ? b->w[rows[i]] : 1;
    }
    const aml_labelled some = {.n = n, .y = y, .w = w, .p = p};
    return aml_threshold_best(out, b->metric, &some, s->ctx.scratch);
}

/* out: 0 and 1 by thresholds that the rows of other parts chose. */
static aml_status crossfit_threshold(double *out, const double *pred, aml_study *s,
                                     const aml_parts *p) {
    for (size_t part = 0; part < p->n; part++) {
        aml_mark mark = aml_arena_mark(s->ctx.scratch);
        split_rows r;
        double threshold;
        AML_TRY(split_part(&r, s, p, part));
        AML_TRY(threshold_of(&threshold, pred, r.rest, r.n_rest, s));
        for (size_t i = 0; i < r.n_in; i++) out[r.in[i]] = pred[r.in[i]] > threshold;
        aml_arena_release(s->ctx.scratch, mark);
    }
    return AML_OK;
}

/* Is the mean over the ranges better, by more than half its standard error? */
static aml_status pays(bool *out, const double *after, const double *before, aml_study *s,
                       const aml_parts *p) {
    double *a = AML_ARRAY(s->ctx.scratch, p->n_ranges, double),
           *b = AML_ARRAY(s->ctx.scratch, p->n_ranges, double), x, y, error, sum = 0, square = 0;
    if (!a || !b) return AML_ENOMEM;
    AML_TRY(aml_parts_score(&x, &error, a, s, p, after));
    AML_TRY(aml_parts_score(&y, &error, b, s, p, before));
    double n = (double)p->n_ranges;
    for (size_t r = 0; r < p->n_ranges; r++) {
        double d =
            aml_metric_loss(s->model->metric, b[r]) - aml_metric_loss(s->model->metric, a[r]);
        sum += d;
        square += d * d;
    }
    double spread = sqrt(fmax(0, square / n - sum / n * sum / n) / (n - 1));
    *out = sum / n > 0.5 * spread && sum > 0;
    return AML_OK;
}

/* By the metric, where it sees classes and can be won by a threshold. */
static aml_status choose_threshold(aml_adjusted *a, aml_choice *c, aml_study *s,
                                   const aml_parts *p) {
    size_t n = s->bench.n_scored;
    double *half = AML_ARRAY(s->ctx.keep, n, double), *out = AML_ARRAY(s->ctx.keep, n, double),
           at_half, error;
    uint32_t *all = every_row(s);
    bool better;
    if (!half || !out || !all) return AML_ENOMEM;
    memcpy(half, c->pred, n * sizeof *half);
    aml_harden(half, n, 0.5);
    AML_TRY(crossfit_threshold(out, c->pred, s, p));
    AML_TRY(pays(&better, out, half, s, p));
    if (!better) return AML_OK;
    AML_TRY(threshold_of(&s->model->threshold, c->pred, all, n, s));
    AML_TRY(aml_parts_score(&at_half, &error, NULL, s, p, half));
    AML_TRY(aml_parts_score(&c->score, &c->error, NULL, s, p, out));
    memcpy(c->pred, out, n * sizeof *out);
    *a = (aml_adjusted){a->loss_before, a->loss_after, c->score, at_half};
    return AML_OK;
}

/* c->pred becomes classes, by thresholds that the rows had no say in. */
static aml_status decide(aml_adjusted *a, aml_choice *c, aml_study *s, const aml_parts *p) {
    bool chooses = s->bench.chooses_threshold;
    s->bench.chooses_threshold = false;
    if (!chooses) aml_harden(c->pred, s->bench.n_scored, s->model->threshold);
    if (chooses) AML_TRY(choose_threshold(a, c, s, p));
    return aml_parts_score(&c->score, &c->error, NULL, s, p, c->pred);
}

aml_status aml_adjust(aml_adjusted *a, aml_choice *c, aml_study *s, const aml_parts *p) {
    aml_model *m = s->model;
    *a = (aml_adjusted){0};
    m->calibrator = (aml_calibrator){0};
    m->threshold = s->options->threshold > 0 ? s->options->threshold : 0.5;
    if (s->task.kind == AML_REGRESSION || c->trial[0] == s->yardstick) return AML_OK;
    if (s->options->calibration >= 0) AML_TRY(calibrate(a, c, s, p));
    if (s->task.kind != AML_BINARY || !m->metric->hard) return AML_OK;
    const aml_bench was = s->bench;
    s->bench.threshold = 0.5; /* from here on scores are of classes */
    aml_status status = decide(a, c, s, p);
    s->bench = was;
    return status;
}

/* ---- telling */

aml_status aml_adjust_tell(aml_study *s, const aml_adjusted *a) {
    const aml_model *m = s->model;
    aml_guardrail_list *list = &s->profile.guardrails;
    if (m->calibrator.kind)
        AML_TRY(aml_guardrail_add(
            list, s->ctx.keep, "calibration", "Done", 0, "probabilities are calibrated",
            "%s calibration lowers the log loss of rows that had no say in "
            "it from %.4g to %.4g",
            aml_calibrator_names[m->calibrator.kind], a->loss_before, a->loss_after));
    if (m->threshold == 0.5 || s->options->threshold > 0) return AML_OK;
    return aml_guardrail_add(list, s->ctx.keep, "threshold", "Done", 0,
                             "it decides which class is predicted",
                             "class `%.80s` is predicted from a probability of %.3g on: %s %.4g on "
                             "rows that had no say in it, at 0.5 it is %.4g",
                             m->classes[1], m->threshold, m->metric->name, a->score, a->at_half);
}
