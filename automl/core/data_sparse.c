/* data_sparse.c: bins of sparse features, in memory that grows with the entries. */
#include "automl/core/data_sparse.h"

#include <math.h>

#include "automl/core/cuts.h"
#include "automl/core/par.h"
#include "automl/core/sort.h"

enum { COLUMNS = 256, ROWS = 1024 }; /* done between two looks at the clock */

typedef struct sparse_job {
    const aml_csr *csr;
    size_t max_bins, sample; /* rows that the cuts are made from */
    uint64_t *end;           /* per column: where its entries of the sample end in `value` */
    uint32_t *missing;       /* per column, of the sample */
    float *value;            /* other than 0 and NaN */
    float *cut, **cuts;
    uint16_t *n_bins;
    uint8_t *zero;
    bool *has_missing;
    uint32_t *first, *slot;
    const aml_ctx *ctx;
    atomic_int status;
} sparse_job;

static size_t row_of_sample(const sparse_job *job, size_t i) {
    return (size_t)((uint64_t)i * job->csr->n / job->sample);
}

static bool counts(float v) { return v != 0 && !isnan(v); }

/* The values of each column, one column after the other. */
static aml_status turn(sparse_job *job, aml_ctx *ctx) {
    const aml_csr *s = job->csr;
    uint64_t total = 0;
    job->end = AML_ARRAY(ctx->scratch, s->p + 1, uint64_t);
    job->missing = AML_ARRAY(ctx->scratch, s->p, uint32_t);
    if (!job->end || !job->missing) return AML_ENOMEM;
    for (size_t i = 0; i < job->sample; i++) {
        size_t row = row_of_sample(job, i);
        for (uint64_t e = s->start[row]; e < s->start[row + 1]; e++) {
            job->end[s->column[e]] += counts(s->value[e]);
            job->missing[s->column[e]] += isnan(s->value[e]) != 0;
        }
    }
    for (size_t j = 0; j < s->p; j++) {
        uint64_t count = job->end[j];
        job->end[j] = total; /* the start; it moves on to the end */
        total += count;
    }
    job->value = aml_alloc_raw(ctx->scratch, (size_t)total, sizeof *job->value);
    if (!job->value) return AML_ENOMEM;
    for (size_t i = 0; i < job->sample; i++) {
        size_t row = row_of_sample(job, i);
        for (uint64_t e = s->start[row]; e < s->start[row + 1]; e++)
            if (counts(s->value[e])) job->value[job->end[s->column[e]]++] = s->value[e];
    }
    return aml_should_stop(ctx) ? aml_stopped() : AML_OK;
}

static size_t start_of(const sparse_job *job, size_t column) {
    return column ? (size_t)job->end[column - 1] : 0;
}

/* Room for the cuts of all columns: each has at most one cut fewer than distinct values, 0 included. */
static aml_status alloc(sparse_job *job, aml_ctx *ctx) {
    size_t p = job->csr->p, nnz = (size_t)job->csr->start[job->csr->n], total = 0;
    if (nnz >= UINT32_MAX) return aml_fail(AML_ENOMEM, "more than 4 billion sparse entries");
    job->cuts = AML_ARRAY(ctx->keep, p, float *);
    job->n_bins = AML_ARRAY(ctx->keep, p, uint16_t);
    job->zero = AML_ARRAY(ctx->keep, p, uint8_t);
    job->has_missing = AML_ARRAY(ctx->keep, p, bool);
    job->first = AML_ARRAY(ctx->keep, p + 1, uint32_t);
    job->slot = aml_alloc_raw(ctx->keep, nnz, sizeof *job->slot);
    for (size_t j = 0; j < p; j++) {
        size_t most = (size_t)job->end[j] - start_of(job, j);
        total += most < job->max_bins ? most : job->max_bins - 1;
    }
    job->cut = aml_alloc_raw(ctx->keep, total, sizeof *job->cut);
    if (!job->cuts || !job->n_bins || !job->zero || !job->has_missing || !job->first ||
        !job->slot || !job->cut)
        return AML_ENOMEM;
    total = 0;
    for (size_t j = 0; j < p; j++) {
        size_t most = (size_t)job->end[j] - start_of(job, j);
        job->cuts[j] = job->cut + total;
        total += most < job->max_bins ? most : job->max_bins - 1;
    }
    return AML_OK;
}

/* 1 + the number of cuts below x. */
static uint8_t code_of(const sparse_job *job, size_t column, float x) {
    const float *cut = job->cuts[column];
    size_t low = 0, high = job->n_bins[column] - 1u;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (cut[middle] < x) low = middle + 1;
        else high = middle;
    }
    return (uint8_t)(low + 1);
}

/* The values of a column with 0 at its place. */
static size_t list_values(aml_cut_value *v, sparse_job *job, size_t j) {
    size_t start = start_of(job, j), m = (size_t)job->end[j] - start;
    size_t zeros = job->sample - m - job->missing[j], n = aml_cut_values(v, job->value + start, m);
    size_t at = n;
    if (!zeros) return n;
    for (; at && v[at - 1].value > 0; at--) v[at] = v[at - 1];
    v[at] = (aml_cut_value){0, (uint32_t)zeros};
    return n + 1;
}

static aml_status cut_column(sparse_job *job, size_t j) {
    size_t start = start_of(job, j), m = (size_t)job->end[j] - start;
    aml_cut_value *v = aml_malloc((m + 1) * sizeof *v);
    aml_status status = v ? aml_sort_f32(job->value + start, m) : AML_ENOMEM;
    if (!status) {
        size_t n = list_values(v, job, j);
        job->n_bins[j] = (uint16_t)(aml_cut_quantiles(job->cuts[j], v, n, job->max_bins) + 1);
        job->zero[j] = code_of(job, j, 0);
    }
    aml_free(v);
    return status;
}

static void cut_columns(void *arg, size_t block, size_t begin, size_t end, int thread) {
    sparse_job *job = arg;
    (void)block, (void)thread;
    if (aml_should_stop(job->ctx)) atomic_store(&job->status, AML_ESTOPPED);
    for (size_t j = begin; j < end && !atomic_load(&job->status); j++) {
        aml_status status = cut_column(job, j);
        if (status) atomic_store(&job->status, (int)status);
    }
}

static void place_entries(void *arg, size_t block, size_t begin, size_t end, int thread) {
    sparse_job *job = arg;
    const aml_csr *s = job->csr;
    (void)block, (void)thread;
    if (aml_should_stop(job->ctx)) atomic_store(&job->status, AML_ESTOPPED);
    if (atomic_load(&job->status)) return;
    for (uint64_t e = s->start[begin]; e < s->start[end]; e++) {
        size_t j = s->column[e];
        bool missing = isnan(s->value[e]);
        uint8_t code = missing ? 0 : code_of(job, j, s->value[e]), zero = job->zero[j];
        job->slot[e] = job->first[j] + code - !job->has_missing[j] - (code > zero);
        if (code == zero) job->slot[e] = job->first[s->p];
    }
}

static aml_status status_of(sparse_job *job) {
    aml_status status = (aml_status)atomic_load(&job->status);
    if (status == AML_ESTOPPED) return aml_stopped();
    if (status) return aml_fail(status, "not enough memory for the bins of sparse features");
    return AML_OK;
}

aml_status aml_sparse_bins_build(aml_design *d, size_t max_bins, size_t max_sample, aml_ctx *ctx) {
    const aml_csr *s = d->csr;
    sparse_job job = {.csr = s, .max_bins = max_bins, .ctx = ctx};
    aml_sparse_bins *bins = AML_NEW(ctx->keep, aml_sparse_bins);
    if (!bins) return AML_ENOMEM;
    job.sample = s->n < max_sample ? s->n : max_sample;
    aml_mark mark = aml_arena_mark(ctx->scratch);
    AML_TRY(turn(&job, ctx));
    AML_TRY(alloc(&job, ctx));
    aml_par_for(ctx->n_threads, s->p, COLUMNS, cut_columns, &job);
    AML_TRY(status_of(&job));
    for (uint64_t e = 0; e < s->start[s->n]; e++)
        if (isnan(s->value[e])) job.has_missing[s->column[e]] = true;
    uint64_t total = 0;
    for (size_t j = 0; j < s->p; j++) {
        job.first[j] = (uint32_t)total;
        total += job.n_bins[j] - 1u + job.has_missing[j];
    }
    job.first[s->p] = (uint32_t)total;
    aml_par_for(ctx->n_threads, s->n, ROWS, place_entries, &job);
    AML_TRY(status_of(&job));
    if (ctx->scratch != ctx->keep) aml_arena_release(ctx->scratch, mark);
    *bins = (aml_sparse_bins){.slot = job.slot,
                              .first = job.first,
                              .zero = job.zero,
                              .n_bins = job.n_bins,
                              .has_missing = job.has_missing,
                              .cut = (const float *const *)job.cuts};
    d->sparse_bins = bins;
    return AML_OK;
}
