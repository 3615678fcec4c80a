/* histogram.c: summing gradients over bins. */
#include "learners/parts/histogram.h"

#include <string.h>

#include "automl/core/par.h"

enum {
    TILE_SLOTS = 4096,     /* 32 KB of sums */
    BLOCK_BYTES = 1 << 16, /* gathered rows: they stay in the L2 cache */
    MIN_ROWS = 32,
    BLOCK_MAX = 4096,
    CHUNK_ADDS = 1 << 20, /* work between two looks at the clock */
    PREFETCH = 16
};

static size_t block_rows(size_t row_bytes) {
    size_t rows = BLOCK_BYTES / (row_bytes ? row_bytes : 1);
    return rows > BLOCK_MAX ? BLOCK_MAX : rows < MIN_ROWS ? MIN_ROWS : rows;
}

static size_t words_of(size_t bytes) { return (bytes + 7) / 8; }

aml_status aml_hist_plan_init(aml_hist_plan *p, const aml_bins *bins, const uint32_t *rows,
                              aml_ctx *ctx) {
    size_t words = words_of(bins->p), row_bytes = 8 * words, n_slots = 0;
    *p = (aml_hist_plan){.bins = bins, .rows = rows};
    p->n_threads = ctx->n_threads > 1 ? ctx->n_threads : 1;
    size_t threads = (size_t)p->n_threads;
    for (size_t j = 0; j < bins->p; j++) n_slots += bins->n_bins[j] + 1u;
    p->block_bytes = row_bytes * MIN_ROWS > BLOCK_BYTES ? row_bytes * MIN_ROWS : BLOCK_BYTES;
    p->run = AML_ARRAY(ctx->scratch, bins->p, aml_run);
    p->feature = AML_ARRAY(ctx->scratch, row_bytes, uint32_t);
    p->offset = AML_ARRAY(ctx->scratch, row_bytes, uint32_t);
    p->tile = AML_ARRAY(ctx->scratch, words + 1, uint32_t);
    p->gathered = AML_ARRAY(ctx->scratch, threads * p->block_bytes, uint8_t);
    p->gradients = AML_ARRAY(ctx->scratch, threads * BLOCK_MAX, uint64_t);
    p->partial = AML_ARRAY(ctx->scratch, (threads - 1) * n_slots, uint64_t);
    if (!p->run || !p->feature || !p->offset || !p->tile || !p->gathered || !p->gradients ||
        !p->partial)
        return AML_ENOMEM;
    return AML_OK;
}

static void find_runs(aml_hist_plan *p) {
    p->n_runs = 0;
    for (uint32_t k = 0; k < p->n_features; k++) {
        aml_run *last = p->n_runs ? &p->run[p->n_runs - 1] : NULL;
        if (last && last->from + last->bytes == p->feature[k]) last->bytes++;
        else p->run[p->n_runs++] = (aml_run){p->feature[k], k, 1};
    }
}

void aml_hist_plan_features(aml_hist_plan *p, const uint32_t *feature, size_t n_features) {
    size_t slots = 0, in_tile = 0;
    p->n_features = n_features;
    p->row_bytes = 8 * words_of(n_features);
    p->n_tiles = 0;
    p->tile[0] = 0;
    for (size_t k = 0; k < p->row_bytes; k += 8) {
        size_t word = 0;
        for (size_t i = k; i < k + 8 && i < n_features; i++) {
            p->offset[i] = (uint32_t)(slots + word);
            p->feature[i] = feature[i];
            word += p->bins->n_bins[feature[i]] + 1u;
        }
        if (in_tile && in_tile + word > TILE_SLOTS) {
            p->tile[++p->n_tiles] = (uint32_t)(k / 8);
            in_tile = 0;
        }
        in_tile += word;
        slots += word;
    }
    p->n_slots = slots;
    find_runs(p);
    p->tile[++p->n_tiles] = (uint32_t)(p->row_bytes / 8);
}

/* ---- the kernel */

/* Sums whole words of 8 codes, and `tail` codes of one more word. */
static inline __attribute__((always_inline)) void add_codes(
    uint64_t *restrict hist, const uint32_t *restrict offset, size_t n_words, size_t tail,
    const uint8_t *restrict row, size_t row_bytes, const uint64_t *restrict gradient, size_t n) {
    for (size_t i = 0; i < n; i++, row += row_bytes) {
        uint64_t g = gradient[i], codes;
        const uint32_t *o = offset;
        for (size_t w = 0; w < n_words; w++, o += 8) {
            memcpy(&codes, row + 8 * w, sizeof codes);
            hist[o[0] + (codes & 255)] += g;
            hist[o[1] + (codes >> 8 & 255)] += g;
            hist[o[2] + (codes >> 16 & 255)] += g;
            hist[o[3] + (codes >> 24 & 255)] += g;
            hist[o[4] + (codes >> 32 & 255)] += g;
            hist[o[5] + (codes >> 40 & 255)] += g;
            hist[o[6] + (codes >> 48 & 255)] += g;
            hist[o[7] + (codes >> 56)] += g;
        }
        memcpy(&codes, row + 8 * n_words, tail ? sizeof codes : 0);
        for (size_t k = 0; k < tail; k++) hist[o[k] + (codes >> 8 * k & 255)] += g;
    }
}

static void add_tile(uint64_t *hist, const uint32_t *o, size_t features, const uint8_t *row,
                     size_t row_bytes, const uint64_t *gradient, size_t n) {
    size_t w = features / 8;
    switch (features % 8) { /* a constant tail unrolls */
    case 0: add_codes(hist, o, w, 0, row, row_bytes, gradient, n); break;
    case 1: add_codes(hist, o, w, 1, row, row_bytes, gradient, n); break;
    case 2: add_codes(hist, o, w, 2, row, row_bytes, gradient, n); break;
    case 3: add_codes(hist, o, w, 3, row, row_bytes, gradient, n); break;
    case 4: add_codes(hist, o, w, 4, row, row_bytes, gradient, n); break;
    case 5: add_codes(hist, o, w, 5, row, row_bytes, gradient, n); break;
    case 6: add_codes(hist, o, w, 6, row, row_bytes, gradient, n); break;
    default: add_codes(hist, o, w, 7, row, row_bytes, gradient, n); break;
    }
}

static void add_rows(uint64_t *hist, const aml_hist_plan *p, const uint8_t *row,
                     const uint64_t *gradient, size_t n) {
    for (size_t t = 0; t < p->n_tiles; t++) {
        size_t first = 8 * (size_t)p->tile[t], end = 8 * (size_t)p->tile[t + 1];
        if (end > p->n_features) end = p->n_features;
        add_tile(hist, p->offset + first, end - first, row + first, p->row_bytes, gradient, n);
    }
}

/* Copies whole words: what is too much, the next run or the next row writes over. */
static inline void copy_words(uint8_t *to, const uint8_t *from, size_t bytes) {
    for (size_t k = 0; k < bytes; k += 8) memcpy(to + k, from + k, 8);
}

void aml_hist_gather(uint8_t *out, const aml_hist_plan *p, const uint32_t *position, size_t first,
                     size_t n) {
    size_t stride = p->bins->stride, bytes = p->row_bytes;
    for (size_t i = 0; i < n; i++, out += bytes) {
        const uint8_t *row =
            p->bins->row + (size_t)p->rows[position ? position[i] : first + i] * stride;
        if (position && i + PREFETCH < n)
            __builtin_prefetch(p->bins->row + (size_t)p->rows[position[i + PREFETCH]] * stride);
        for (size_t r = 0; r < p->n_runs; r++) {
            const aml_run *run = p->run + r;
            if (i + 1 == n) memcpy(out + run->to, row + run->from, run->bytes);
            else copy_words(out + run->to, row + run->from, run->bytes);
        }
    }
}

/* ---- blocks and threads */

typedef struct sum_job {
    uint64_t *hist;
    const aml_hist_plan *p;
    const uint32_t *position;
    const uint8_t *row; /* gathered rows, or NULL */
    const uint64_t *gradient;
    const aml_ctx *ctx;
    atomic_bool stopped;
} sum_job;

static void sum_chunk(void *arg, size_t chunk, size_t begin, size_t end, int thread) {
    sum_job *job = arg;
    const aml_hist_plan *p = job->p;
    size_t at = (size_t)thread, room = block_rows(p->row_bytes);
    uint64_t *hist = at ? p->partial + (at - 1) * p->n_slots : job->hist;
    (void)chunk;
    if (aml_should_stop(job->ctx)) atomic_store(&job->stopped, true);
    if (atomic_load(&job->stopped)) return;
    if (job->row) {
        for (size_t i = begin; i < end; i += room)
            add_rows(hist, p, job->row + i * p->row_bytes, job->gradient + i,
                     end - i < room ? end - i : room);
        return;
    }
    uint64_t *gradients = p->gradients + at * BLOCK_MAX;
    uint8_t *rows = p->gathered + at * p->block_bytes;
    for (size_t i = begin; i < end; i += room) {
        size_t m = end - i < room ? end - i : room;
        const uint32_t *position = job->position ? job->position + i : NULL;
        aml_hist_gather(rows, p, position, i, m);
        for (size_t k = 0; position && k < m; k++) gradients[k] = job->gradient[position[k]];
        add_rows(hist, p, rows, position ? gradients : job->gradient + i, m);
    }
}

static bool sum(sum_job *job, size_t n) {
    const aml_hist_plan *p = job->p;
    size_t n_slots = p->n_slots, room = block_rows(p->row_bytes);
    size_t chunk = CHUNK_ADDS / (p->row_bytes + 1) / room * room;
    if (chunk < room) chunk = room;
    int n_threads = n > 2 * chunk && n * p->row_bytes > 8 * n_slots ? p->n_threads : 1;
    memset(job->hist, 0, n_slots * sizeof *job->hist);
    memset(p->partial, 0, (size_t)(n_threads - 1) * n_slots * sizeof *job->hist);
    aml_par_for(n_threads, n, chunk, sum_chunk, job);
    for (int t = 1; t < n_threads; t++) {
        const uint64_t *part = p->partial + (size_t)(t - 1) * n_slots;
        for (size_t s = 0; s < p->n_slots; s++) job->hist[s] += part[s];
    }
    return !atomic_load(&job->stopped);
}

bool aml_hist_sum(uint64_t *hist, aml_hist_plan *p, const uint32_t *position, size_t n,
                  const uint64_t *gradient, const aml_ctx *ctx) {
    sum_job job = {.hist = hist, .p = p, .position = position, .gradient = gradient, .ctx = ctx};
    return sum(&job, n);
}

bool aml_hist_sum_rows(uint64_t *hist, aml_hist_plan *p, const uint8_t *row, size_t n,
                       const uint64_t *gradient, const aml_ctx *ctx) {
    sum_job job = {.hist = hist, .p = p, .row = row, .gradient = gradient, .ctx = ctx};
    return sum(&job, n);
}

void aml_hist_subtract(uint64_t *a, const uint64_t *b, size_t n_slots) {
    for (size_t s = 0; s < n_slots; s++) a[s] -= b[s];
}
