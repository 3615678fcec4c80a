/* data.c: what a design builds once for all learners: the dense matrix and the bins. */
#include "automl/core/data.h"

#include <math.h>
#include <string.h>

#include "automl/core/cuts.h"
#include "automl/core/data_sparse.h"
#include "automl/core/par.h"
#include "automl/core/sort.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
    MAX_BINS = 255,      /* codes 1 … 255 */
    MAX_SAMPLE = 200000, /* rows that the cuts are made from */
    BLOCK = 1024,        /* rows transposed or coded between two looks at the clock */
    CUT_ROOM = 256,
    COLUMN_SPARE = 16
};

/* ---- dense */

typedef struct dense_job {
    const aml_design *d;
    float *out;
    const aml_ctx *ctx;
    atomic_bool stopped;
} dense_job;

static void dense_rows(void *arg, size_t block, size_t begin, size_t end, int thread) {
    dense_job *job = arg;
    size_t p = job->d->p;
    (void)block, (void)thread;
    if (aml_should_stop(job->ctx)) atomic_store(&job->stopped, true);
    if (atomic_load(&job->stopped)) return;
    for (size_t first = begin; first < end; first += 16) { /* 16 rows: their lines stay in cache */
        size_t last = first + 16 < end ? first + 16 : end;
        for (size_t j = 0; j < p; j++) {
            const float *x = job->d->column[j];
            for (size_t i = first; i < last; i++) job->out[i * p + j] = isnan(x[i]) ? 0.0f : x[i];
        }
    }
}

aml_status aml_design_dense(aml_design *d, aml_ctx *ctx) {
    dense_job job = {.d = d, .ctx = ctx};
    if (d->p && d->n > SIZE_MAX / sizeof(float) / d->p)
        return aml_fail(AML_ENOMEM, "the data are too large");
    job.out = aml_alloc_raw(ctx->keep, d->n * d->p, sizeof(float));
    if (!job.out) return AML_ENOMEM;
    aml_par_for(ctx->n_threads, d->n, BLOCK, dense_rows, &job);
    if (atomic_load(&job.stopped)) return aml_stopped();
    d->dense = job.out;
    return AML_OK;
}

/* ---- bins */

typedef struct bins_job {
    const aml_design *d;
    const aml_ctx *ctx;
    size_t cut_room, max_bins;
    uint8_t **column, **level_code;
    float **cut;
    uint16_t *n_bins;
    bool *has_missing;
    atomic_int status;
} bins_job;

static aml_status cut_number(float *cut, uint16_t *n_bins, const float *x, size_t n,
                             size_t max_bins) {
    size_t m = n < MAX_SAMPLE ? n : MAX_SAMPLE, used = 0;
    float *v = aml_malloc((m + 1) * sizeof *v);
    if (!v) return AML_ENOMEM;
    for (size_t i = 0; i < m; i++) {
        float value = x[(size_t)((uint64_t)i * n / m)];
        if (!isnan(value)) v[used++] = value;
    }
    aml_status status = aml_sort_f32(v, used);
    if (!status) {
        size_t n_cuts = aml_cut_quantiles(cut, v, used, 0, max_bins);
        for (size_t k = n_cuts; k < CUT_ROOM; k++) cut[k] = INFINITY;
        *n_bins = (uint16_t)(n_cuts + 1);
    }
    aml_free(v);
    return status;
}

/* 1 + the number of cuts below x by two searches of 16, among every 16th cut and then between two of them; missing
 * is 0. */
static bool code_numbers_plain(uint8_t *out, const float *x, size_t n, const float *cut) {
    float coarse[16];
    bool missing = false;
    for (int k = 0; k < 16; k++) coarse[k] = cut[16 * k + 15];
    for (size_t i = 0; i < n; i++) {
        int32_t at = 0, fine = 0;
        for (int k = 0; k < 16; k++) at += coarse[k] < x[i];
        if (at > 15) at = 15;
        const float *c = cut + 16 * at;
        for (int k = 0; k < 16; k++) fine += c[k] < x[i];
        bool none = isnan(x[i]);
        out[i] = none ? 0 : (uint8_t)(1 + 16 * at + fine);
        missing |= none;
    }
    return missing;
}

#if defined(__x86_64__)
/* How many of c[0 … 15] lie below v; they rise, so that counting is enough. */
__attribute__((target("avx2,popcnt"))) static inline unsigned count_below(__m256 low, __m256 high,
                                                                          __m256 v) {
    unsigned a = (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(low, v, _CMP_LT_OQ));
    unsigned b = (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(high, v, _CMP_LT_OQ));
    return (unsigned)__builtin_popcount(a | b << 8);
}

__attribute__((target("avx2,popcnt"))) static bool code_numbers_avx2(uint8_t *out, const float *x,
                                                                     size_t n, const float *cut) {
    float coarse[16];
    bool missing = false;
    for (int k = 0; k < 16; k++) coarse[k] = k < 15 ? cut[16 * k + 15] : INFINITY;
    __m256 low = _mm256_loadu_ps(coarse), high = _mm256_loadu_ps(coarse + 8);
    for (size_t i = 0; i < n; i++) {
        __m256 v = _mm256_broadcast_ss(x + i);
        unsigned at = 16 * count_below(low, high, v);
        unsigned code =
            1 + at + count_below(_mm256_loadu_ps(cut + at), _mm256_loadu_ps(cut + at + 8), v);
        bool none = isnan(x[i]);
        out[i] = none ? 0 : (uint8_t)code;
        missing |= none;
    }
    return missing;
}
#define HAS_AVX2() __builtin_cpu_supports("avx2")
#else
#define code_numbers_avx2 code_numbers_plain
#define HAS_AVX2() 0
#endif

static aml_status stop_or_ok(const aml_ctx *ctx) {
    return aml_should_stop(ctx) ? aml_stopped() : AML_OK;
}

enum { STRETCH = 1 << 20 }; /* rows coded between two looks at the clock */

static aml_status bin_number(bins_job *job, size_t j) {
    size_t n = job->d->n;
    const float *x = job->d->column[j];
    float cut[CUT_ROOM];
    AML_TRY(cut_number(cut, &job->n_bins[j], x, n, job->max_bins));
    memcpy(job->cut[j], cut, (job->n_bins[j] - 1u) * sizeof *cut);
    bool missing = false, avx2 = HAS_AVX2();
    for (size_t i = 0; i < n; i += STRETCH) {
        size_t m = n - i < STRETCH ? n - i : STRETCH;
        AML_TRY(stop_or_ok(job->ctx));
        missing |=
            (avx2 ? code_numbers_avx2 : code_numbers_plain)(job->column[j] + i, x + i, m, cut);
    }
    job->has_missing[j] = missing;
    return AML_OK;
}

/* Codes 1 … in the order of frequency; beyond max_bins levels the rarest share the last code. */
static aml_status code_levels(uint8_t *code, const float *x, size_t n, uint32_t n_levels,
                              size_t max_bins) {
    double *key = aml_calloc(n_levels, sizeof *key);
    uint32_t *order = aml_malloc(n_levels * sizeof *order);
    aml_status status = key && order ? AML_OK : AML_ENOMEM;
    if (!status) {
        for (size_t i = 0; i < n; i++)
            if (x[i] >= 0 && x[i] < (float)n_levels) key[(uint32_t)x[i]] -= 1;
        status = aml_argsort(order, key, n_levels);
    }
    if (!status)
        for (uint32_t k = 0; k < n_levels; k++)
            code[order[k]] = (uint8_t)(k + 1 < max_bins ? k + 1 : max_bins);
    aml_free(key);
    aml_free(order);
    return status;
}

static aml_status bin_category(bins_job *job, size_t j) {
    size_t n = job->d->n;
    uint32_t n_levels = job->d->n_levels[j];
    const float *x = job->d->column[j];
    uint8_t *code = job->level_code[j], *out = job->column[j];
    AML_TRY(code_levels(code, x, n, n_levels, job->max_bins));
    job->n_bins[j] = (uint16_t)(n_levels < job->max_bins ? n_levels : job->max_bins);
    for (size_t i = 0; i < n; i++) {
        bool known = x[i] >= 0 && x[i] < (float)n_levels;
        out[i] = known ? code[(uint32_t)x[i]] : 0;
        job->has_missing[j] |= !known;
    }
    return stop_or_ok(job->ctx);
}

static void bin_columns(void *arg, size_t block, size_t begin, size_t end, int thread) {
    bins_job *job = arg;
    (void)block, (void)thread;
    for (size_t j = begin; j < end && !atomic_load(&job->status); j++) {
        aml_status status = job->level_code[j] ? bin_category(job, j) : bin_number(job, j);
        if (status) atomic_store(&job->status, (int)status);
    }
}

static size_t max_bins_of(const aml_design *d) {
    return d->max_bins >= 2 && d->max_bins < MAX_BINS ? d->max_bins : MAX_BINS;
}

static aml_status bins_alloc(bins_job *job, aml_arena *keep) {
    size_t n = job->d->n, p = job->d->p;
    job->max_bins = max_bins_of(job->d);
    job->cut_room = n < MAX_BINS ? n : MAX_BINS - 1;
    job->column = AML_ARRAY(keep, p, uint8_t *);
    job->level_code = AML_ARRAY(keep, p, uint8_t *);
    job->cut = AML_ARRAY(keep, p, float *);
    job->n_bins = AML_ARRAY(keep, p, uint16_t);
    job->has_missing = AML_ARRAY(keep, p, bool);
    if (!job->column || !job->level_code || !job->cut || !job->n_bins || !job->has_missing)
        return AML_ENOMEM;
    for (size_t j = 0; j < p; j++) {
        uint32_t n_levels = job->d->n_levels ? job->d->n_levels[j] : 0;
        /* spare bytes: kernels may read whole words behind the last code */
        job->column[j] = aml_alloc_raw(keep, n + COLUMN_SPARE, 1);
        if (n_levels) job->level_code[j] = AML_ARRAY(keep, n_levels, uint8_t);
        else job->cut[j] = AML_ARRAY(keep, job->cut_room, float);
        if (!job->column[j] || !(n_levels ? (void *)job->level_code[j] : (void *)job->cut[j]))
            return AML_ENOMEM;
    }
    for (size_t j = 0; j < p; j++) memset(job->column[j] + n, 0, COLUMN_SPARE);
    return AML_OK;
}

static aml_status build_bins(aml_design *d, aml_ctx *ctx) {
    bins_job job = {.d = d, .ctx = ctx};
    aml_bins *bins = AML_NEW(ctx->keep, aml_bins);
    if (!bins) return AML_ENOMEM;
    AML_TRY(bins_alloc(&job, ctx->keep));
    aml_par_for(ctx->n_threads, d->p, 1, bin_columns, &job);
    /* the text of a failure stayed with its thread */
    aml_status status = (aml_status)atomic_load(&job.status);
    if (status == AML_ESTOPPED) return aml_stopped();
    if (status)
        return aml_fail(status, "not enough memory for the bins of %zu × %zu values", d->n, d->p);
    *bins = (aml_bins){.n = d->n,
                       .p = d->p,
                       .column = (const uint8_t *const *)job.column,
                       .n_bins = job.n_bins,
                       .cut = (const float *const *)job.cut,
                       .level_code = (const uint8_t *const *)job.level_code,
                       .has_missing = job.has_missing};
    d->bins = bins;
    return AML_OK;
}

/* ---- bins by row */

typedef struct rows_job {
    const aml_bins *bins;
    uint8_t *row;
    size_t stride;
    const aml_ctx *ctx;
    atomic_bool stopped;
} rows_job;

static void transpose_rows(void *arg, size_t block, size_t begin, size_t end, int thread) {
    rows_job *job = arg;
    size_t p = job->bins->p, stride = job->stride;
    (void)block, (void)thread;
    if (aml_should_stop(job->ctx)) atomic_store(&job->stopped, true);
    if (atomic_load(&job->stopped)) return;
    memset(job->row + begin * stride, 0, (end - begin) * stride);
    for (size_t first = begin; first < end; first += 64) {
        size_t last = first + 64 < end ? first + 64 : end;
        for (size_t j = 0; j < p; j++) {
            const uint8_t *code = job->bins->column[j];
            for (size_t i = first; i < last; i++) job->row[i * stride + j] = code[i];
        }
    }
}

static aml_status build_bin_rows(aml_design *d, aml_ctx *ctx) {
    aml_bins *bins = aml_copy(ctx->keep, d->bins, sizeof *bins);
    size_t n = d->n, stride = d->p ? (d->p + 15) / 16 * 16 : 16;
    if (!bins) return AML_ENOMEM;
    if (n && stride > SIZE_MAX / 2 / n) return aml_fail(AML_ENOMEM, "the data are too large");
    rows_job job = {.bins = bins, .stride = stride, .ctx = ctx};
    job.row = aml_alloc_raw(ctx->keep, n * stride + 64, 1); /* read in whole words */
    if (!job.row) return AML_ENOMEM;
    memset(job.row + n * stride, 0, 64);
    aml_par_for(ctx->n_threads, n, BLOCK, transpose_rows, &job);
    if (atomic_load(&job.stopped)) return aml_stopped();
    bins->row = job.row;
    bins->stride = stride;
    d->bins = bins;
    return AML_OK;
}

aml_status aml_design_prepare(aml_design *d, unsigned what, aml_ctx *ctx) {
    if (what & AML_BUILD_DENSE && !d->dense) AML_TRY(aml_design_dense(d, ctx));
    if (what & (AML_BUILD_BINS | AML_BUILD_BIN_ROWS) && !d->bins) AML_TRY(build_bins(d, ctx));
    if (what & (AML_BUILD_BINS | AML_BUILD_BIN_ROWS) && d->csr && !d->sparse_bins)
        AML_TRY(aml_sparse_bins_build(d, max_bins_of(d), MAX_SAMPLE, ctx));
    if (what & AML_BUILD_BIN_ROWS && !d->bins->row) AML_TRY(build_bin_rows(d, ctx));
    return AML_OK;
}
