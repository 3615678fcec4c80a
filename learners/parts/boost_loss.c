/* boost_loss.c: losses: where scores start, what they cost, what they predict. */
#include "learners/parts/boost_loss.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "automl/core/par.h"
#include "learners/parts/exp_f32.h"

enum { BLOCK = AML_BOOST_BLOCK };
enum { PARTS = AML_BOOST_SUMS }; /* losses, then weights */
enum { MOST_SMALL = 256 };       /* classes that fit a byte */

/* ---- start */

static double weight(const aml_data *d, size_t row) { return d->w ? d->w[row] : 1.0; }

/* Weighted mean and deviation; scaled by the largest |y| so that no square overflows. */
static void standardise(aml_boost_loss *l, const aml_data *d) {
    double top = 0, total = 0, sum = 0, squares = 0;
    for (size_t i = 0; i < d->n; i++) top = fmax(top, fabs(d->y[d->rows[i]]));
    l->scale = 1;
    if (top == 0) return;
    for (size_t i = 0; i < d->n; i++) {
        total += weight(d, d->rows[i]);
        sum += weight(d, d->rows[i]) * (d->y[d->rows[i]] / top);
    }
    double mean = total > 0 ? sum / total : 0;
    for (size_t i = 0; i < d->n; i++) {
        double r = d->y[d->rows[i]] / top - mean;
        squares += weight(d, d->rows[i]) * r * r;
    }
    double sd = total > 0 ? sqrt(squares / total) * top : 0;
    l->center = mean * top;
    if (sd > 0 && isfinite(sd)) l->scale = sd;
}

/* Logs of the classes' shares; a class without rows counts as a tenth of one. */
static void log_priors(double *base, size_t n_classes, const aml_data *d) {
    double total = 0;
    for (size_t i = 0; i < d->n; i++) {
        size_t c = (size_t)d->y[d->rows[i]];
        total += weight(d, d->rows[i]);
        if (c < n_classes) base[c] += weight(d, d->rows[i]);
    }
    for (size_t c = 0; c < n_classes; c++)
        base[c] = log(fmax(base[c], 0.1 * fmax(total, 1) / (double)(d->n + 1)));
}

aml_status aml_boost_rows_init(aml_boost_rows *r, const aml_boost_loss *l, const aml_data *d,
                               const uint32_t *rows, size_t n, aml_ctx *ctx) {
    *r = (aml_boost_rows){.rows = rows, .n = n};
    bool few = l->task != AML_REGRESSION && l->n_outputs <= MOST_SMALL;
    void *target = aml_alloc_raw(ctx->scratch, n, few ? sizeof *r->class : sizeof *r->y);
    if (few) r->class = target;
    else r->y = target;
    r->w = d->w ? aml_alloc_raw(ctx->scratch, n, sizeof *r->w) : NULL;
    r->score = aml_alloc_raw(ctx->scratch, n * l->n_outputs, sizeof *r->score);
    r->sums = AML_ARRAY(ctx->scratch, PARTS * (n / BLOCK + 1), double);
    if (!target || (d->w && !r->w) || !r->score || !r->sums) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        double y = d->y[rows[i]];
        if (few) r->class[i] = (uint8_t)y;
        else r->y[i] = (float)(l->task == AML_REGRESSION ? (y - l->center) / l->scale : y);
        if (r->w) r->w[i] = (float)d->w[rows[i]];
    }
    for (size_t k = 0; k < l->n_outputs; k++)
        for (size_t i = 0; i < n; i++) r->score[k * n + i] = (float)l->base[k];
    return AML_OK;
}

static double mean_target(const aml_data *d) {
    double sum = 0, total = 0;
    for (size_t i = 0; i < d->n; i++) {
        sum += weight(d, d->rows[i]) * d->y[d->rows[i]];
        total += weight(d, d->rows[i]);
    }
    return total > 0 ? sum / total : 1;
}

/* Where the best constant is no mean, scores start at a quantile. */
static aml_status start_at_quantile(aml_boost_loss *l) {
    double level = aml_objective_level(&l->objective), start;
    aml_boost_rows *r = &l->train;
    if (l->objective.kind == AML_HUBER) level = 0.5;
    if (l->task != AML_REGRESSION || level < 0) return AML_OK;
    for (size_t i = 0; i < r->n; i++) l->slope[i] = r->y[i];
    AML_TRY(aml_quantile_of(&start, l->slope, r->w, r->n, level));
    l->base[0] = start;
    for (size_t i = 0; i < r->n; i++) r->score[i] = (float)start;
    return AML_OK;
}

aml_status aml_boost_loss_init(aml_boost_loss *l, const aml_data *d, aml_objective objective,
                               aml_ctx *ctx) {
    double prior[2] = {0};
    *l = (aml_boost_loss){.task = d->task, .objective = objective, .scale = 1};
    bool is_log = d->task == AML_REGRESSION && aml_objective_is_log(&objective);
    l->n_outputs = d->task == AML_MULTICLASS ? (size_t)d->n_classes : 1;
    l->base = AML_ARRAY(ctx->keep, l->n_outputs, double);
    l->slope = aml_alloc_raw(ctx->scratch, d->n, 2 * sizeof *l->slope);
    l->packed = aml_alloc_raw(ctx->scratch, d->n, sizeof *l->packed);
    if (!l->base || !l->slope || !l->packed) return AML_ENOMEM;
    l->curvature = l->slope + d->n;
    if (d->task == AML_MULTICLASS) {
        l->top = aml_alloc_raw(ctx->scratch, d->n, 2 * sizeof *l->top);
        if (!l->top) return AML_ENOMEM;
        l->total = l->top + d->n;
    }
    if (is_log) AML_TRY(aml_objective_check(&objective, d));
    if (is_log) l->base[0] = log(fmax(mean_target(d), 1e-30));
    if (d->task == AML_REGRESSION && !is_log) standardise(l, d);
    if (d->task == AML_MULTICLASS) log_priors(l->base, l->n_outputs, d);
    if (d->task == AML_BINARY) {
        log_priors(prior, 2, d);
        l->base[0] = prior[1] - prior[0];
    }
    AML_TRY(aml_boost_rows_init(&l->train, l, d, d->rows, d->n, ctx));
    return start_at_quantile(l);
}

/* ---- loss */

static double row_loss(const aml_boost_loss *l, const aml_boost_rows *r, size_t i) {
    float y = r->class ? (float)r->class[i] : r->y[i], s = r->score[i];
    if (l->task == AML_REGRESSION) return aml_objective_loss(&l->objective, (double)s, (double)y);
    if (l->task == AML_BINARY) {
        float z = y > 0.5f ? -s : s; /* log(1 + exp(z)) */
        return (double)fmaxf(z, 0) + log1p((double)aml_exp_f32(-fabsf(z)));
    }
    float top = s;
    double total = 0;
    for (size_t k = 1; k < l->n_outputs; k++) top = fmaxf(top, r->score[k * r->n + i]);
    for (size_t k = 0; k < l->n_outputs; k++)
        total += (double)aml_exp_f32(r->score[k * r->n + i] - top);
    return log(total) + (double)top - (double)r->score[(size_t)y * r->n + i];
}

typedef struct loss_job {
    const aml_boost_loss *l;
    const aml_boost_rows *r;
} loss_job;

static void loss_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    const loss_job *job = arg;
    double *loss = job->r->sums + PARTS * block, *weight = loss + AML_WATCH_PARTS;
    (void)thread;
    memset(loss, 0, PARTS * sizeof *loss);
    for (size_t i = begin; i < end; i++) {
        double w = job->r->w ? (double)job->r->w[i] : 1.0;
        loss[i % AML_WATCH_PARTS] += w * row_loss(job->l, job->r, i);
        weight[i % AML_WATCH_PARTS] += w;
    }
}

aml_watch_sums aml_boost_loss_by_part(const aml_boost_loss *l, const aml_boost_rows *r,
                                      int n_threads) {
    loss_job job = {l, r};
    aml_watch_sums all = {0};
    aml_par_for(n_threads, r->n, BLOCK, loss_block, &job);
    for (size_t b = 0; b * BLOCK < r->n; b++) {
        for (size_t p = 0; p < AML_WATCH_PARTS; p++) {
            all.loss[p] += r->sums[PARTS * b + p];
            all.weight[p] += r->sums[PARTS * b + AML_WATCH_PARTS + p];
        }
    }
    return all;
}

static void link_softmax(double *out, size_t k) {
    double top = out[0], total = 0;
    for (size_t c = 1; c < k; c++) top = fmax(top, out[c]);
    for (size_t c = 0; c < k; c++) total += out[c] = exp(out[c] - top);
    for (size_t c = 0; c < k; c++) out[c] /= total;
}

aml_status aml_boost_loss_quantile(double *out, const aml_boost_loss *l, const uint32_t *position,
                                   size_t n) {
    const aml_boost_rows *r = &l->train;
    float *residual = aml_malloc((2 * n + 1) * sizeof *residual), *w = residual + n;
    if (!residual) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        residual[i] = r->y[position[i]] - r->score[position[i]];
        w[i] = r->w ? r->w[position[i]] : 1.0f;
        if (l->emphasis) w[i] *= l->emphasis[position[i]];
    }
    aml_status status = aml_quantile_of(out, residual, r->w || l->emphasis ? w : NULL, n,
                                        aml_objective_level(&l->objective));
    aml_free(residual);
    return status;
}

void aml_boost_link(double *out, size_t n, aml_task_kind task, size_t n_outputs, double center,
                    double scale, bool is_log) {
    for (size_t i = 0; i < n; i++) {
        if (task == AML_REGRESSION && is_log) out[i] = exp(fmax(fmin(out[i], 700), -700));
        else if (task == AML_REGRESSION)
            out[i] = fmax(fmin(center + scale * out[i], DBL_MAX), -DBL_MAX);
        else if (task == AML_BINARY) out[i] = 1 / (1 + exp(-out[i]));
        else link_softmax(out + i * n_outputs, n_outputs);
    }
}
