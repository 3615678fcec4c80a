/* boost_loss.c: losses and their gradients. */
#include "learners/parts/boost_loss.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "automl/core/par.h"
#include "learners/parts/exp_f32.h"
#include "learners/parts/simd.h"

enum { BLOCK = 8192, SUMS = 2 * AML_WATCH_PARTS };

static const double ROOM =
    1073741824.0; /* 2^30: the sum of all packed slopes, and of all curvatures */

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
    r->y = aml_alloc_raw(ctx->scratch, n, sizeof *r->y);
    r->w = d->w ? aml_alloc_raw(ctx->scratch, n, sizeof *r->w) : NULL;
    r->score = aml_alloc_raw(ctx->scratch, n * l->n_outputs, sizeof *r->score);
    r->sums = AML_ARRAY(ctx->scratch, SUMS * (n / BLOCK + 1), double);
    if (!r->y || (d->w && !r->w) || !r->score || !r->sums) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        double y = d->y[rows[i]];
        r->y[i] = (float)(l->task == AML_REGRESSION ? (y - l->center) / l->scale : y);
        if (r->w) r->w[i] = (float)d->w[rows[i]];
    }
    for (size_t k = 0; k < l->n_outputs; k++)
        for (size_t i = 0; i < n; i++) r->score[k * n + i] = (float)l->base[k];
    return AML_OK;
}

aml_status aml_boost_loss_init(aml_boost_loss *l, const aml_data *d, aml_ctx *ctx) {
    double prior[2] = {0};
    *l = (aml_boost_loss){.task = d->task, .scale = 1};
    l->n_outputs = d->task == AML_MULTICLASS ? (size_t)d->n_classes : 1;
    l->base = AML_ARRAY(ctx->keep, l->n_outputs, double);
    l->state = aml_alloc_raw(ctx->scratch, d->n * l->n_outputs, sizeof *l->state);
    l->packed = aml_alloc_raw(ctx->scratch, d->n, sizeof *l->packed);
    if (!l->base || !l->state || !l->packed) return AML_ENOMEM;
    if (d->task == AML_REGRESSION) standardise(l, d);
    if (d->task == AML_MULTICLASS) log_priors(l->base, l->n_outputs, d);
    if (d->task == AML_BINARY) {
        log_priors(prior, 2, d);
        l->base[0] = prior[1] - prior[0];
    }
    return aml_boost_rows_init(&l->train, l, d, d->rows, d->n, ctx);
}

/* ---- state */

AML_KERNEL void logistic(float *restrict p, const float *restrict score, size_t n) {
    for (size_t i = 0; i < n; i++) p[i] = 1.0f / (1.0f + aml_exp_f32(-score[i]));
}
static void logistic_plain(float *p, const float *score, size_t n) { logistic(p, score, n); }
AML_AVX2 static void logistic_avx2(float *p, const float *score, size_t n) {
    logistic(p, score, n);
}

enum { STRIP = 64 };

/* Softmax of m ≤ STRIP rows; columns lie `stride` apart. */
AML_KERNEL void softmax(float *p, const float *score, size_t stride, size_t n_outputs, size_t m) {
    float top[STRIP], total[STRIP];
    for (size_t i = 0; i < m; i++) top[i] = score[i], total[i] = 0;
    for (size_t k = 1; k < n_outputs; k++)
        for (size_t i = 0; i < m; i++)
            top[i] = score[k * stride + i] > top[i] ? score[k * stride + i] : top[i];
    for (size_t k = 0; k < n_outputs; k++)
        for (size_t i = 0; i < m; i++) {
            float e = aml_exp_f32(score[k * stride + i] - top[i]);
            p[k * stride + i] = e;
            total[i] += e;
        }
    for (size_t k = 0; k < n_outputs; k++)
        for (size_t i = 0; i < m; i++) p[k * stride + i] /= total[i];
}
static void softmax_plain(float *p, const float *score, size_t stride, size_t n_outputs, size_t m) {
    softmax(p, score, stride, n_outputs, m);
}
AML_AVX2 static void softmax_avx2(float *p, const float *score, size_t stride, size_t n_outputs,
                                  size_t m) {
    softmax(p, score, stride, n_outputs, m);
}

static void update_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    const aml_boost_loss *l = arg;
    const float *score = l->train.score, *y = l->train.y;
    size_t n = l->train.n;
    (void)block, (void)thread;
    if (l->task == AML_REGRESSION) {
        for (size_t i = begin; i < end; i++) l->state[i] = score[i] - y[i];
        return;
    }
    if (l->task == AML_BINARY) {
        (aml_has_avx2() ? logistic_avx2 : logistic_plain)(l->state + begin, score + begin,
                                                          end - begin);
        return;
    }
    for (size_t i = begin; i < end; i += STRIP)
        (aml_has_avx2() ? softmax_avx2 : softmax_plain)(l->state + i, score + i, n, l->n_outputs,
                                                        end - i < STRIP ? end - i : STRIP);
}

void aml_boost_loss_update(aml_boost_loss *l, int n_threads) {
    aml_par_for(n_threads, l->train.n, BLOCK, update_block, l);
}

/* ---- gradients */

typedef struct pack_job {
    const aml_boost_loss *l;
    const float *state;
    float class, factor; /* curvature of a class: factor * p * (1 - p) */
    float to_slope, to_curvature;
    uint32_t salt;
} pack_job;

static inline float slope_of(const pack_job *job, size_t i) {
    float s = job->state[i];
    if (job->l->task == AML_REGRESSION) return s;
    return s - (job->l->train.y[i] == job->class ? 1.0f : 0.0f);
}

static inline float curvature_of(const pack_job *job, size_t i) {
    float p = job->state[i];
    return job->l->task == AML_REGRESSION ? 1.0f : job->factor * (p * (1.0f - p));
}

static void sum_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    const pack_job *job = arg;
    const float *w = job->l->train.w;
    double slopes[4] = {0}, curvatures[4] = {0};
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        float by = w ? w[i] : 1.0f;
        slopes[i % 4] += (double)(fabsf(slope_of(job, i)) * by);
        curvatures[i % 4] += (double)(curvature_of(job, i) * by);
    }
    job->l->train.sums[2 * block] = slopes[0] + slopes[1] + slopes[2] + slopes[3];
    job->l->train.sums[2 * block + 1] =
        curvatures[0] + curvatures[1] + curvatures[2] + curvatures[3];
}

/* 32 well-mixed bits of a position: two fractions in [0, 1) of 16 bits each. */
static inline uint32_t hash(uint32_t x) {
    x *= 0x9E3779B1u;
    x ^= x >> 15;
    x *= 0x85EBCA77u;
    return x ^ x >> 13;
}

AML_KERNEL void pack(const pack_job *job, size_t begin, size_t end) {
    const aml_boost_loss *l = job->l;
    const float *w = l->train.w;
    for (size_t i = begin; i < end; i++) {
        uint32_t h = hash((uint32_t)i ^ job->salt);
        float by = w ? w[i] : 1.0f;
        float s = slope_of(job, i) * by * job->to_slope + (float)(h & 0xFFFF) * 0x1p-16f;
        float c = curvature_of(job, i) * by * job->to_curvature + (float)(h >> 16) * 0x1p-16f;
        int32_t si = (int32_t)floorf(s), ci = (int32_t)floorf(c);
        l->packed[i] = ((uint64_t)(int64_t)si << 32) + (uint64_t)(int64_t)ci;
    }
}
static void pack_plain(const pack_job *job, size_t begin, size_t end) { pack(job, begin, end); }
AML_AVX2 static void pack_avx2(const pack_job *job, size_t begin, size_t end) {
    pack(job, begin, end);
}

static void pack_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    (void)block, (void)thread;
    (aml_has_avx2() ? pack_avx2 : pack_plain)(arg, begin, end);
}

bool aml_boost_loss_pack(aml_boost_loss *l, size_t output, uint32_t salt, int n_threads) {
    size_t n = l->train.n;
    double slopes = 0, curvatures = 0, k = (double)l->n_outputs;
    pack_job job = {.l = l, .state = l->state + output * n, .salt = salt * 0x9E3779B9u};
    job.class = l->task == AML_BINARY ? 1.0f : (float)output;
    job.factor = l->task == AML_MULTICLASS && k > 1 ? (float)(k / (k - 1)) : 1.0f;
    aml_par_for(n_threads, n, BLOCK, sum_block, &job);
    for (size_t b = 0; b < (n + BLOCK - 1) / BLOCK; b++) {
        slopes += l->train.sums[2 * b];
        curvatures += l->train.sums[2 * b + 1];
    }
    if (!(slopes > 1e-30 * (double)n) || !(curvatures > 0)) return false;
    double room = ROOM - (double)(n < ROOM / 2 ? n : 0);
    job.to_slope = (float)fmin(room / slopes, 1e30);
    /* a whole number, so that rows of curvature 1 count alike */
    job.to_curvature = (float)fmin(floor(fmax(room / curvatures, 1)), 1e30);
    aml_par_for(n_threads, n, BLOCK, pack_block, &job);
    l->slope_unit = 1 / (double)job.to_slope;
    l->curvature_unit = 1 / (double)job.to_curvature;
    return true;
}

/* ---- loss */

static double row_loss(const aml_boost_loss *l, const aml_boost_rows *r, size_t i) {
    float y = r->y[i], s = r->score[i];
    if (l->task == AML_REGRESSION) return ((double)s - (double)y) * ((double)s - (double)y);
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
    double *loss = job->r->sums + SUMS * block, *weight = loss + AML_WATCH_PARTS;
    (void)thread;
    memset(loss, 0, SUMS * sizeof *loss);
    for (size_t i = begin; i < end; i++) {
        double w = job->r->w ? (double)job->r->w[i] : 1.0;
        loss[i % AML_WATCH_PARTS] += w * row_loss(job->l, job->r, i);
        weight[i % AML_WATCH_PARTS] += w;
    }
}

aml_watch_sums aml_boost_loss_sums(const aml_boost_loss *l, const aml_boost_rows *r,
                                   int n_threads) {
    loss_job job = {l, r};
    aml_watch_sums all = {0};
    aml_par_for(n_threads, r->n, BLOCK, loss_block, &job);
    for (size_t b = 0; b * BLOCK < r->n; b++) {
        for (size_t p = 0; p < AML_WATCH_PARTS; p++) {
            all.loss[p] += r->sums[SUMS * b + p];
            all.weight[p] += r->sums[SUMS * b + AML_WATCH_PARTS + p];
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

void aml_boost_link(double *out, size_t n, aml_task_kind task, size_t n_outputs, double center,
                    double scale) {
    for (size_t i = 0; i < n; i++) {
        if (task == AML_REGRESSION) out[i] = fmax(fmin(center + scale * out[i], DBL_MAX), -DBL_MAX);
        else if (task == AML_BINARY) out[i] = 1 / (1 + exp(-out[i]));
        else link_softmax(out + i * n_outputs, n_outputs);
    }
}
