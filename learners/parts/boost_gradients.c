/* boost_gradients.c: slopes and curvatures of the losses, and packing them. */
#include <math.h>
#include <string.h>

#include "automl/core/arena.h"
#include "automl/core/par.h"
#include "learners/parts/boost_loss.h"
#include "learners/parts/exp_f32.h"
#include "learners/parts/simd.h"

enum { BLOCK = AML_BOOST_BLOCK, LANES = 16 };
enum { SUM_SLOPE, SUM_SQUARE, SUM_CURVATURE, TOP_SLOPE, TOP_CURVATURE, N_STATS };
_Static_assert((int)N_STATS <= (int)AML_BOOST_SUMS, "room for the statistics of a block");

static const double ROOM =
    1073741824.0; /* 2^30: the sum of all packed slopes, and of all curvatures */

enum { STRIP = 256 }; /* rows that are brought together */

/* The softmax of m rows: top and total, their scores `stride` apart. */
AML_KERNEL void softmax(float *restrict top, float *restrict total, const float *score,
                        size_t stride, size_t n_outputs, size_t m) {
    for (size_t i = 0; i < m; i++) top[i] = score[i], total[i] = 0;
    for (size_t k = 1; k < n_outputs; k++)
        for (size_t i = 0; i < m; i++)
            top[i] = score[k * stride + i] > top[i] ? score[k * stride + i] : top[i];
    for (size_t k = 0; k < n_outputs; k++)
        for (size_t i = 0; i < m; i++) total[i] += aml_exp_f32(score[k * stride + i] - top[i]);
}
static void softmax_plain(float *top, float *total, const float *score, size_t stride,
                          size_t n_outputs, size_t m) {
    softmax(top, total, score, stride, n_outputs, m);
}
AML_AVX2 static void softmax_avx2(float *top, float *total, const float *score, size_t stride,
                                  size_t n_outputs, size_t m) {
    softmax(top, total, score, stride, n_outputs, m);
}

static void update_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    const aml_boost_loss *l = arg;
    (void)block, (void)thread;
    for (size_t i = begin; i < end; i += STRIP)
        (aml_has_avx2() ? softmax_avx2
                        : softmax_plain)(l->top + i, l->total + i, l->train.score + i, l->train.n,
                                         l->n_outputs, end - i < STRIP ? end - i : STRIP);
}

void aml_boost_loss_update(aml_boost_loss *l, int n_threads) {
    if (l->top) aml_par_for(n_threads, l->train.n, BLOCK, update_block, l);
}

typedef struct gradient_in {
    const float *score, *top, *total, *y, *w, *emphasis;
    float class, factor; /* curvature of a class: factor * p * (1 - p) */
    const aml_objective *objective;
} gradient_in;

/* Slopes and curvatures of n rows. One loop a loss, without a branch in it. */
AML_KERNEL void gradients(float *restrict slope, float *restrict curvature, aml_task_kind task,
                          gradient_in in, size_t n) {
    const float *restrict score = in.score, *restrict y = in.y, *restrict w = in.w;
    const float *restrict top = in.top, *restrict total = in.total;
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
            float p = aml_exp_f32(score[i] - top[i]) / total[i];
            slope[i] = p - (y[i] == in.class ? 1.0f : 0.0f);
            curvature[i] = in.factor * (p * (1.0f - p));
        }
    if (w)
        for (size_t i = 0; i < n; i++) slope[i] *= w[i], curvature[i] *= w[i];
    if (in.emphasis)
        for (size_t i = 0; i < n; i++) slope[i] *= in.emphasis[i], curvature[i] *= in.emphasis[i];
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

/* A class weighs k / (k - 1) times its curvature: its score moves against the others'. */
static float curvature_factor(const aml_boost_loss *l) {
    return l->n_outputs > 1 ? (float)l->n_outputs / (float)(l->n_outputs - 1) : 1.0f;
}

typedef struct pack_job {
    const aml_boost_loss *l;
    size_t output;
    float to_slope, to_curvature, top_slope, top_curvature;
    uint32_t salt;
} pack_job;

/* The targets of m ≤ STRIP rows from `first` on: where they lie, or in `room`. */
AML_KERNEL const float *targets(float *room, const aml_boost_rows *r, size_t first, size_t m) {
    if (!r->class) return r->y + first;
    for (size_t i = 0; i < m; i++) room[i] = (float)r->class[first + i];
    return room;
}

/* Slopes and curvatures of m ≤ STRIP rows from i on. */
AML_KERNEL void gradient_strip(float *slope, float *curvature, const aml_boost_loss *l,
                               size_t output, size_t i, size_t m) {
    const aml_boost_rows *r = &l->train;
    float room[STRIP];
    gradient_in in = {.score = r->score + output * r->n + i,
                      .top = l->top ? l->top + i : NULL,
                      .total = l->total ? l->total + i : NULL,
                      .y = targets(room, r, i, m),
                      .w = r->w ? r->w + i : NULL,
                      .emphasis = l->emphasis ? l->emphasis + i : NULL,
                      .class = (float)output,
                      .factor = curvature_factor(l),
                      .objective = &l->objective};
    gradients(slope, curvature, l->task, in, m);
}

AML_KERNEL void gradient_rows(const pack_job *job, size_t block, size_t begin, size_t end) {
    const aml_boost_loss *l = job->l;
    for (size_t i = begin; i < end; i += STRIP)
        gradient_strip(l->slope + i, l->curvature + i, l, job->output, i,
                       end - i < STRIP ? end - i : STRIP);
    statistics(l->train.sums + N_STATS * block, l->slope + begin, l->curvature + begin,
               end - begin);
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

/* The nearest float. Through memory: gcc 12 vectorises two neighbours (double)(float)x of ours and forgets to round. */
static float rounded(double x) {
    volatile float out = (float)x;
    return out;
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
    job->to_slope = rounded(fmin(to_slope, 1e30));
    job->to_curvature = rounded(fmin(to_curvature, 1e30));
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
    double stat[N_STATS] = {0};
    pack_job job = {.l = l, .output = output, .salt = salt * 0x9E3779B9u};
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

typedef struct size_job {
    const aml_boost_loss *l;
    float *size;
    bool first;
} size_job;

static void add_sizes(void *arg, size_t block, size_t begin, size_t end, int thread) {
    const size_job *job = arg;
    const float *slope = job->l->slope;
    (void)block, (void)thread;
    for (size_t i = begin; i < end; i++)
        job->size[i] = fabsf(slope[i]) + (job->first ? 0.0f : job->size[i]);
}

void aml_boost_loss_sizes(float *size, aml_boost_loss *l, int n_threads) {
    const float *emphasis = l->emphasis;
    l->emphasis = NULL;
    for (size_t output = 0; output < l->n_outputs; output++) {
        pack_job job = {.l = l, .output = output};
        size_job add = {l, size, output == 0};
        aml_par_for(n_threads, l->train.n, BLOCK, gradient_block, &job);
        aml_par_for(n_threads, l->train.n, BLOCK, add_sizes, &add);
    }
    l->emphasis = emphasis;
}

/* ---- leaves */

enum { TABLES = 4, MOST_BLOCKS = 64 };

/* Slope and curvature, added at once. */
typedef double pair __attribute__((vector_size(16)));

typedef struct leaf_job {
    const aml_boost_loss *l;
    size_t output, n_leaves, block;
    const uint8_t *leaf;
    pair *sums; /* 256 a block */
} leaf_job;

/* Rows of one leaf often follow one another: neighbours go to tables of their own, so that an add need not wait for
 * the last. */
AML_KERNEL void leaf_rows(pair *out, const leaf_job *job, size_t begin, size_t end) {
    pair table[TABLES][256];
    for (size_t t = 0; t < TABLES; t++)
        for (size_t k = 0; k < 256; k++) table[t][k] = (pair){0, 0};
    for (size_t i = begin; i < end; i += STRIP) {
        float slope[STRIP], curvature[STRIP];
        size_t m = end - i < STRIP ? end - i : STRIP;
        const uint8_t *leaf = job->leaf + i;
        gradient_strip(slope, curvature, job->l, job->output, i, m);
        for (size_t k = 0; k < m; k++)
            table[k % TABLES][leaf[k]] += (pair){(double)slope[k], (double)curvature[k]};
    }
    for (size_t k = 0; k < job->n_leaves; k++)
        out[k] = (table[0][k] + table[1][k]) + (table[2][k] + table[3][k]);
}
static void leaf_rows_plain(pair *out, const leaf_job *job, size_t begin, size_t end) {
    leaf_rows(out, job, begin, end);
}
AML_AVX2 static void leaf_rows_avx2(pair *out, const leaf_job *job, size_t begin, size_t end) {
    leaf_rows(out, job, begin, end);
}

static void leaf_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    const leaf_job *job = arg;
    (void)thread;
    (aml_has_avx2() ? leaf_rows_avx2 : leaf_rows_plain)(job->sums + block * job->n_leaves, job,
                                                        begin, end);
}

aml_status aml_boost_loss_leaf_sums(double (*out)[2], const aml_boost_loss *l, size_t output,
                                    const uint8_t *leaf, size_t n_leaves, int n_threads) {
    size_t n = l->train.n, block = BLOCK;
    if (n > (size_t)BLOCK * MOST_BLOCKS) block = (n / MOST_BLOCKS / STRIP + 1) * STRIP;
    size_t n_blocks = (n + block - 1) / block;
    leaf_job job = {.l = l, .output = output, .n_leaves = n_leaves, .block = block, .leaf = leaf};
    job.sums = aml_malloc((n_blocks * n_leaves + 1) * sizeof *job.sums);
    if (!job.sums) return AML_ENOMEM;
    aml_par_for(n_threads, n, block, leaf_block, &job);
    for (size_t k = 0; k < n_leaves; k++) {
        pair all = {0, 0};
        for (size_t b = 0; b < n_blocks; b++) all += job.sums[b * n_leaves + k];
        out[k][0] = all[0];
        out[k][1] = all[1];
    }
    aml_free(job.sums);
    return AML_OK;
}
