/* calibrate.c: scores to probabilities. */
#include "learners/parts/calibrate.h"

#include "learners/parts/lbfgs.h"
#include "learners/parts/linear.h"
#include "learners/parts/rows.h"

#include <math.h>
#include <string.h>

enum { LEAST_ROWS = 20, SHARE = 5, CHUNK = 256, MOST_STEPS = 200 };
#define LARGEST 1e12
#define PENALTY 1.0 /* on the logarithm-like departure of scale * spread from 0, in rows */

typedef struct problem {
    const double *score, *y, *w;
    size_t n, k;
    double unit, total;  /* scores are divided by their spread */
    const double *at;    /* scale, then k offsets */
    double *sum, *steep; /* value, slopes of scale and offsets; the same for their curvature */
    aml_sum pass;
    aml_ctx *ctx;
} problem;

/* sum: loss, d scale, k d offset, curvature of scale, k curvatures of offset. */
static void add_rows(double *sum, void *arg, size_t begin, size_t end, double *scratch) {
    const problem *p = arg;
    size_t k = p->k, n = end - begin;
    double *z = scratch, *h = scratch + CHUNK * k;
    const double *score = p->score + begin * k;
    for (size_t i = 0; i < n * k; i++) z[i] = p->at[0] * (score[i] / p->unit) + p->at[1 + i % k];
    sum[0] += (k == 1 ? aml_loss_logistic : aml_loss_softmax)(z, h, p->y + begin, p->w + begin, n,
                                                              k, NULL);
    for (size_t i = 0; i < n * k; i++) {
        double s = score[i] / p->unit;
        sum[1] += z[i] * s;
        sum[2 + i % k] += z[i];
        sum[2 + k] += h[i] * s * s;
        sum[3 + k + i % k] += h[i];
    }
}

static aml_status value(double *f, double *g, const double *at, void *arg) {
    problem *p = arg;
    double ridge = PENALTY / p->total;
    p->at = at;
    AML_TRY(aml_sum_run(p->sum, &p->pass, add_rows, p, p->ctx));
    *f = p->sum[0];
    for (size_t j = 0; j <= p->k; j++) {
        *f += 0.5 * ridge * at[j] * at[j];
        g[j] = p->sum[1 + j] + ridge * at[j];
    }
    return AML_OK;
}

static aml_status renew(const double *at, void *arg) {
    problem *p = arg;
    p->at = at;
    AML_TRY(aml_sum_run(p->sum, &p->pass, add_rows, p, p->ctx));
    for (size_t j = 0; j <= p->k; j++) p->steep[j] = p->sum[2 + p->k + j] + PENALTY / p->total;
    return AML_OK;
}

static void precondition(double *v, void *arg) {
    const problem *p = arg;
    for (size_t j = 0; j <= p->k; j++) v[j] /= p->steep[j];
}

static double spread(const double *score, size_t n) {
    double largest = 0, sum = 0;
    for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(score[i]));
    if (!(largest > 0)) return 1;
    for (size_t i = 0; i < n; i++) sum += (score[i] / largest) * (score[i] / largest);
    return largest * sqrt(sum / (double)n);
}

aml_status aml_calibration_fit(aml_calibration *out, const double *score, const double *y,
                               const double *w, size_t n, size_t k, aml_ctx *ctx) {
    double *weights = AML_ARRAY(ctx->scratch, n, double), *offset = AML_ARRAY(ctx->keep, k, double);
    problem p = {.score = score,
                 .y = y,
                 .w = weights,
                 .n = n,
                 .k = k,
                 .unit = spread(score, n * k),
                 .ctx = ctx};
    double *at = AML_ARRAY(ctx->scratch, k + 1, double);
    p.sum = AML_ARRAY(ctx->scratch, 3 + 2 * k, double);
    p.steep = AML_ARRAY(ctx->scratch, k + 1, double);
    if (!weights || !offset || !at || !p.sum || !p.steep) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) p.total += w ? w[i] : 1;
    if (!(p.total > 0)) return aml_calibration_none(out, k, ctx);
    for (size_t i = 0; i < n; i++) weights[i] = (w ? w[i] : 1) / p.total;
    AML_TRY(aml_sum_init(&p.pass, n, 3 + 2 * k, CHUNK, CHUNK * 2 * k, ctx));
    at[0] = 1;
    aml_lbfgs_problem lbfgs = {.n = k + 1,
                               .arg = &p,
                               .value = value,
                               .precondition = precondition,
                               .renew = renew,
                               .renew_every = 5,
                               .max_steps = MOST_STEPS,
                               .tolerance = 1e-12};
    AML_TRY(aml_lbfgs(at, &lbfgs, ctx));
    if (ctx->truncated) return aml_stopped();
    double scale = at[0] / p.unit;
    *out =
        (aml_calibration){.k = k, .scale = scale > 0 ? fmin(scale, LARGEST) : 0, .offset = offset};
    for (size_t c = 0; c < k; c++) offset[c] = at[1 + c];
    return AML_OK;
}

aml_status aml_calibration_none(aml_calibration *out, size_t k, aml_ctx *ctx) {
    *out = (aml_calibration){.k = k, .scale = 1, .offset = AML_ARRAY(ctx->keep, k, double)};
    return out->offset ? AML_OK : AML_ENOMEM;
}

void aml_calibration_apply(double *score, size_t k, const void *calibration) {
    const aml_calibration *c = calibration;
    for (size_t j = 0; j < k; j++) score[j] = c->scale * score[j] + c->offset[j];
    if (k == 1) aml_link_logistic(score, 1, NULL);
    else aml_link_softmax(score, k, NULL);
}

uint32_t aml_calibration_lower(uint32_t z, const aml_calibration *c, aml_ir *ir) {
    aml_ir_op1(ir, AML_OP_AFFINE, z);
    aml_ir_f64(ir, "scale", c->scale);
    aml_ir_array(ir, "offset", AML_F64, c->offset, c->k);
    return aml_lower_probabilities(aml_ir_out(ir, AML_IR_VECTOR, c->k), ir);
}

void aml_calibration_save(const aml_calibration *c, aml_writer *w) {
    aml_put_f64(w, c->scale);
    aml_put_f64s(w, c->offset, c->k);
}

aml_status aml_calibration_load(aml_calibration *c, size_t k, aml_reader *r, aml_ctx *ctx) {
    c->k = k;
    c->scale = aml_get_f64(r);
    c->offset = aml_get_f64s(r, ctx->keep, k, NULL);
    if (r->status) return r->status;
    bool good = c->scale >= 0 && c->scale <= LARGEST;
    for (size_t j = 0; j < k; j++) good = good && fabs(c->offset[j]) <= LARGEST;
    return good ? AML_OK : aml_reader_fail(r, "a calibration out of range");
}

/* More than one class among the rows. */
static bool mixed(const aml_data *d) {
    for (size_t i = 1; i < d->n; i++)
        if (d->y[d->rows[i]] != d->y[d->rows[0]]) return true; /* NOLINT: class numbers are exact */
    return false;
}

aml_status aml_calibration_split(bool *possible, aml_data *inner, aml_data *rest,
                                 const aml_data *train, aml_ctx *ctx) {
    uint32_t *rows = aml_copy(ctx->scratch, train->rows, train->n * sizeof *rows);
    aml_rng rng = aml_rng_child(&ctx->rng, 0xCA11B);
    if (!rows) return AML_ENOMEM;
    aml_rng_shuffle(&rng, rows, train->n);
    size_t n = train->n / SHARE;
    *rest = *inner = *train;
    rest->rows = rows;
    rest->n = n;
    inner->rows = rows + n;
    inner->n = train->n - n;
    *possible = n >= LEAST_ROWS && mixed(rest) && mixed(inner);
    return AML_OK;
}
