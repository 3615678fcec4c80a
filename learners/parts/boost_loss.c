/* boost_loss.c: losses and their gradients. */
#include "learners/parts/boost_loss.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "automl/core/par.h"
#include "learners/parts/exp_f32.h"
#include "learners/parts/simd.h"

enum { BLOCK = 8192, LANES = 16 };
enum { SUM_SLOPE, SUM_SQUARE, SUM_CURVATURE, TOP_SLOPE, TOP_CURVATURE, N_STATS };
enum { PARTS = 2 * AML_WATCH_PARTS }; /* losses, then weights; no fewer than N_STATS */

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
    r->sums = AML_ARRAY(ctx->scratch, PARTS * (n / BLOCK + 1), double);
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
    l->slope = aml_alloc_raw(ctx->scratch, d->n, sizeof *l->slope);
    l->curvature = aml_alloc_raw(ctx->scratch, d->n, sizeof *l->curvature);
    l->packed = aml_alloc_raw(ctx->scratch, d->n, sizeof *l->packed);
    if (!l->base || !l->slope || !l->curvature || !l->packed) return AML_ENOMEM;
    if (d->task == AML_MULTICLASS) {
        l->share = aml_alloc_raw(ctx->scratch, d->n * l->n_outputs, sizeof *l->share);
        if (!l->share) return AML_ENOMEM;
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

/* ---- gradients */

enum { STRIP = 64 };

/* Softmax of m ≤ STRIP rows; columns lie `stride` apart. */
AML_KERNEL void softmax(float *p, const float *score, size_t stride, size_t n_outputs, size_t m) {
    float top[STRIP], total[STRIP];
    for (size_t i = 0; i < m; i++) top[i] = score[i], total[i] = 0;
    for (size_t k = 1; k < n_outputs; k++)
        for (size_t i = 0; i < m; i++)
            top[i] = score[k * stride + i] > top[i] ? score[k * stride + i] : top[i];
    for (size_t k = 0; k < n_outputs; k++) {
        const float *restrict s = score + k * stride;
        float *restrict to = p + k * stride;
        for (size_t i = 0; i < m; i++) {
            float e = aml_exp_f32(s[i] - top[i]);
            to[i] = e;
            total[i] += e;
        }
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
    (void)block, (void)thread;
    for (size_t i = begin; i < end; i += STRIP)
        (aml_has_avx2() ? softmax_avx2 : softmax_plain)(l->share + i, l->train.score + i,
                                                        l->train.n, l->n_outputs,
                                                        end - i < STRIP ? end - i : STRIP);
}

void aml_boost_loss_update(aml_boost_loss *l, int n_threads) {
    if (l->share) aml_par_for(n_threads, l->train.n, BLOCK, update_block, l);
}

typedef struct gradient_in {
    const float *score, *share, *y, *w;
    float class, factor; /* curvature of a class: factor * p * (1 - p) */
    const aml_objective *objective;
} gradient_in;

/* Slopes and curvatures of n rows. One loop a loss, without a branch in it. */
AML_KERNEL void gradients(float *restrict slope, float *restrict curvature, aml_task_kind task,
                          gradient_in in, size_t n) {
    const float *restrict score = in.score, *restrict share = in.share, *restrict y = in.y,
                          *restrict w = in.w;
    if (task == AML_REGRESSION && in.objective->kind != AML_SQUARED)
        aml_objective_gradients(slope, curvature, in.objective, score, y, n);
    else if (task == AML_REGRESSION)
        for (size_t i = 0; i < n; i++) slope[i] = score[i] - y[i], curvature[i] = 1.0f;
    else if (task == AML_BINARY)
        for (size_t i = 0; i < n; i++) {
            float p = 1.0f / (1.0f + aml_exp_f32(-score[i]));
            slope[i] = p - y[i];
            curvature[i] = p * (1.0f - p);
        }
    else
        for (size_t i = 0; i < n; i++) {
            float p = share[i];
            slope[i] = p - (y[i] == in.class ? 1.0f : 0.0f);
            curvature[i] = in.factor * (p * (1.0f - p));
        }
    if (w)
        for (size_t i = 0; i < n; i++) slope[i] *= w[i], curvature[i] *= w[i];
}

/* What the units are chosen by: summed in lanes, so that any width of register gives the same bits. */
AML_KERNEL void statistics(double *stat, const float *restrict slope,
                           const float *restrict curvature, size_t n) {
    float lane[N_STATS][LANES] = {{0}};
    for (size_t i = 0; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++) {
            float s = fabsf(slope[i + k]), c = curvature[i + k];
            lane[SUM_SLOPE][k] += s;
            lane[SUM_SQUARE][k] += s * s;
            lane[SUM_CURVATURE][k] += c;
            lane[TOP_SLOPE][k] = s > lane[TOP_SLOPE][k] ? s : lane[TOP_SLOPE][k];
            lane[TOP_CURVATURE][k] = c > lane[TOP_CURVATURE][k] ? c : lane[TOP_CURVATURE][k];
        }
    for (size_t i = n / LANES * LANES; i < n; i++) {
        float s = fabsf(slope[i]), c = curvature[i];
        lane[SUM_SLOPE][0] += s;
        lane[SUM_SQUARE][0] += s * s;
        lane[SUM_CURVATURE][0] += c;
        lane[TOP_SLOPE][0] = fmaxf(lane[TOP_SLOPE][0], s);
        lane[TOP_CURVATURE][0] = fmaxf(lane[TOP_CURVATURE][0], c);
    }
    for (size_t j = 0; j < N_STATS; j++) stat[j] = 0;
    for (size_t k = 0; k < LANES; k++) {
        for (size_t j = 0; j < TOP_SLOPE; j++) stat[j] += (double)lane[j][k];
        for (size_t j = TOP_SLOPE; j < N_STATS; j++) stat[j] = fmax(stat[j], (double)lane[j][k]);
    }
}

typedef struct pack_job {
    const aml_boost_loss *l;
    size_t output;
    float factor, to_slope, to_curvature, top_slope, top_curvature;
    uint32_t salt;
} pack_job;

AML_KERNEL void gradient_rows(const pack_job *job, size_t block, size_t begin, size_t end) {
    const aml_boost_loss *l = job->l;
    const aml_boost_rows *r = &l->train;
    gradient_in in = {.score = r->score + job->output * r->n + begin,
                      .share = l->share ? l->share + job->output * r->n + begin : NULL,
                      .y = r->y + begin,
                      .w = r->w ? r->w + begin : NULL,
                      .class = (float)job->output,
                      .factor = job->factor,
                      .objective = &l->objective};
    gradients(l->slope + begin, l->curvature + begin, l->task, in, end - begin);
    statistics(r->sums + N_STATS * block, l->slope + begin, l->curvature + begin, end - begin);
}
static void gradient_rows_plain(const pack_job *job, size_t block, size_t begin, size_t end) {
    gradient_rows(job, block, begin, end);
}
AML_AVX2 static void gradient_rows_avx2(const pack_job *job, size_t block, size_t begin,
                                        size_t end) {
    gradient_rows(job, block, begin, end);
}

static void gradient_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    (void)thread;
    (aml_has_avx2() ? gradient_rows_avx2 : gradient_rows_plain)(arg, block, begin, end);
}

/* ---- packing */

/* 32 well-mixed bits of a position: two fractions in [0, 1) of 16 bits each. */
static inline uint32_t hash(uint32_t x) {
    x *= 0x9E3779B1u;
    x ^= x >> 15;
    x *= 0x85EBCA77u;
    return x ^ x >> 13;
}

AML_KERNEL void pack(uint32_t *restrict packed, const float *restrict slope,
                     const float *restrict curvature, pack_job job, size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++) {
        uint32_t h = hash((uint32_t)i ^ job.salt);
        float s = slope[i] * job.to_slope, c = curvature[i] * job.to_curvature;
        s = floorf(s + (float)(int32_t)(h & 0xFFFF) * 0x1p-16f);
        c = floorf(c + (float)(int32_t)(h >> 16) * 0x1p-16f);
        s = s < -job.top_slope ? -job.top_slope : s; /* what rounding may have added */
        s = s > job.top_slope ? job.top_slope : s;
        c = c > job.top_curvature ? job.top_curvature : c;
        packed[i] = ((uint32_t)(int32_t)s << 16) + (uint32_t)(int32_t)c;
    }
}
static void pack_plain(const pack_job *job, size_t begin, size_t end) {
    pack(job->l->packed, job->l->slope, job->l->curvature, *job, begin, end);
}
AML_AVX2 static void pack_avx2(const pack_job *job, size_t begin, size_t end) {
    pack(job->l->packed, job->l->slope, job->l->curvature, *job, begin, end);
}

static void pack_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    (void)block, (void)thread;
    (aml_has_avx2() ? pack_avx2 : pack_plain)(arg, begin, end);
}

enum { COARSE_ROWS = 16384, COARSE_SLOPE = 15, COARSE_CURVATURE = 31, FINE = 32767 };

/* Would rounding to steps of top / levels add little to the variance of the slopes? */
static bool is_fine(const double *stat, double n, double levels) {
    double step = stat[TOP_SLOPE] / levels;
    double noise = fmin(step * step / 6, stat[SUM_SLOPE] / n * step);
    return noise * n <= 0.03 * stat[SUM_SQUARE];
}

/* How many whole numbers stand for the largest slope and curvature, and the units. */
static void choose_units(pack_job *job, aml_gradients *g, const double *stat, size_t rows) {
    double n = (double)rows, room = ROOM - n, slopes = FINE, curvatures = FINE;
    if (rows >= COARSE_ROWS && is_fine(stat, n, COARSE_SLOPE)) slopes = COARSE_SLOPE;
    else if (rows >= COARSE_ROWS && is_fine(stat, n, 2 * COARSE_SLOPE)) slopes = 2 * COARSE_SLOPE;
    if (slopes < FINE) curvatures = COARSE_CURVATURE;
    bool even = stat[SUM_CURVATURE] >= (1 - 1e-5) * n * stat[TOP_CURVATURE];
    if (even) curvatures = 1; /* rows that are all alike are counted */
    double to_slope = slopes / stat[TOP_SLOPE], to_curvature = curvatures / stat[TOP_CURVATURE];
    to_slope = fmin(to_slope, room / stat[SUM_SLOPE]);
    to_curvature = fmin(to_curvature, room / stat[SUM_CURVATURE]);
    if (even) to_curvature *= 1 + 1e-6; /* a little more than 1, which is cut off */
    else if (to_curvature >= 1) to_curvature = floor(to_curvature); /* whole weights stay whole */
    job->to_slope = (float)fmin(to_slope, 1e30);
    job->to_curvature = (float)fmin(to_curvature, 1e30);
    job->top_slope = (float)slopes;
    job->top_curvature = (float)curvatures;
    *g = (aml_gradients){.packed = job->l->packed,
                         .top_slope = (uint32_t)slopes,
                         .top_curvature = (uint32_t)curvatures,
                         .slope_unit = 1 / (double)job->to_slope,
                         .curvature_unit = 1 / (double)job->to_curvature};
}

bool aml_boost_loss_pack(aml_boost_loss *l, size_t output, uint32_t salt, int n_threads) {
    size_t n = l->train.n;
    double stat[N_STATS] = {0}, k = (double)l->n_outputs;
    pack_job job = {.l = l, .output = output, .salt = salt * 0x9E3779B9u};
    job.factor = k > 1 ? (float)(k / (k - 1)) : 1.0f;
    aml_par_for(n_threads, n, BLOCK, gradient_block, &job);
    for (size_t b = 0; b < (n + BLOCK - 1) / BLOCK; b++) {
        const double *block = l->train.sums + N_STATS * b;
        for (size_t j = 0; j < TOP_SLOPE; j++) stat[j] += block[j];
        for (size_t j = TOP_SLOPE; j < N_STATS; j++) stat[j] = fmax(stat[j], block[j]);
    }
    if (!(stat[SUM_SLOPE] > 1e-30 * (double)n) || !(stat[SUM_CURVATURE] > 0)) return false;
    choose_units(&job, &l->gradients, stat, n);
    aml_par_for(n_threads, n, BLOCK, pack_block, &job);
    return true;
}

void aml_boost_loss_sums(double sums[2], const aml_boost_loss *l, const uint32_t *position,
                         size_t n) {
    double slope[4] = {0}, curvature[4] = {0};
    for (size_t i = 0; i < n; i++) {
        slope[i % 4] += (double)l->slope[position[i]];
        curvature[i % 4] += (double)l->curvature[position[i]];
    }
    sums[0] = slope[0] + slope[1] + slope[2] + slope[3];
    sums[1] = curvature[0] + curvature[1] + curvature[2] + curvature[3];
}

/* ---- loss */

static double row_loss(const aml_boost_loss *l, const aml_boost_rows *r, size_t i) {
    float y = r->y[i], s = r->score[i];
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
    }
    aml_status status =
        aml_quantile_of(out, residual, r->w ? w : NULL, n, aml_objective_level(&l->objective));
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
