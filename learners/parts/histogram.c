/* histogram.c: summing gradients over bins. */
#include "learners/parts/histogram.h"

#include <stdlib.h>
#include <string.h>

#include "automl/core/par.h"
#include "learners/parts/simd.h"

enum {
    L1_BYTES = 40960,      /* sums of the columns that are taken together */
    BLOCK_BYTES = 1 << 18, /* gathered rows: they stay in the L2 cache */
    MIN_ROWS = 32,
    BLOCK_MAX = 4096,
    NARROW_LEAST = 1024, /* rows between two transfers to wide sums, at least */
    TOP_SLOPES = 32767,  /* what both halves of a narrow sum hold */
    TOP_CURVATURES = 65535,
    CHUNK_ADDS = 1 << 20,  /* work between two looks at the clock, at most, */
    CHUNK_LEAST = 1 << 16, /* and what is worth another thread's while */
    JOIN_SLOTS = 16384,    /* that a thread joins at a time */
    ROWS_AHEAD = 8,        /* brought near: of wide rows, and of narrow ones */
    PREFETCH = 24
};

static size_t block_rows(size_t row_bytes) {
    size_t rows = BLOCK_BYTES / row_bytes;
    return rows > BLOCK_MAX ? BLOCK_MAX : rows < MIN_ROWS ? MIN_ROWS : rows;
}

static size_t sparse_slots(const aml_boost_bins *b) {
    return b->csr ? b->sparse->first[b->csr->p] + 1u : 0;
}

size_t aml_hist_most_slots(const aml_hist_plan *p) {
    return p->slots * p->from->n_columns + sparse_slots(p->from);
}

static size_t row_bytes_of(size_t n_columns) { return (n_columns + 4 + 7) / 8 * 8; }

aml_status aml_hist_plan_init(aml_hist_plan *p, const aml_boost_bins *from, aml_ctx *ctx) {
    size_t features = from->bins.p, row_bytes = row_bytes_of(from->n_columns);
    *p = (aml_hist_plan){.from = from};
    p->n_threads = ctx->n_threads > 1 ? ctx->n_threads : 1;
    p->slots = from->n_codes <= 64 ? 64 : 256;
    p->run = AML_ARRAY(ctx->scratch, from->n_columns, aml_run);
    p->column = AML_ARRAY(ctx->scratch, from->n_columns + 1, uint32_t);
    p->feature = AML_ARRAY(ctx->scratch, features, uint32_t);
    p->place = AML_ARRAY(ctx->scratch, features, uint32_t);
    p->room = AML_ARRAY(ctx->scratch, (size_t)p->n_threads, aml_hist_room);
    if (!p->run || !p->column || !p->feature || !p->place || !p->room) return AML_ENOMEM;
    for (int t = 0; t < p->n_threads; t++) {
        aml_hist_room *room = p->room + t;
        size_t slots = p->slots * from->n_columns, all = aml_hist_most_slots(p);
        room->gathered = aml_alloc_raw(ctx->scratch, block_rows(row_bytes), row_bytes);
        room->narrow = AML_ARRAY(ctx->scratch, slots, uint32_t);
        room->partial = t ? aml_alloc_raw(ctx->scratch, all, sizeof(uint64_t)) : NULL;
        if (!room->gathered || !room->narrow || (t && !room->partial)) return AML_ENOMEM;
    }
    return AML_OK;
}

/* Columns in use, and the place of each feature's among them. */
static void find_columns(aml_hist_plan *p) {
    const uint32_t *column = p->from->column;
    size_t n_dense = 0; /* features, which come first */
    while (n_dense < p->n_features && p->feature[n_dense] < p->from->n_dense) n_dense++;
    p->n_columns = 0;
    for (uint32_t c = 0; c < p->from->n_columns; c++) p->column[c] = UINT32_MAX;
    for (size_t k = 0; k < n_dense; k++) p->column[column[p->feature[k]]] = 0;
    for (uint32_t c = 0; c < p->from->n_columns; c++)
        if (!p->column[c]) p->column[c] = (uint32_t)p->n_columns++;
    for (size_t k = 0; k < n_dense; k++) p->place[k] = p->column[column[p->feature[k]]];
    for (size_t k = n_dense; k < p->n_features; k++)
        p->place[k] = p->feature[k] - (uint32_t)p->from->n_dense;
    for (uint32_t c = 0; c < p->from->n_columns; c++)
        if (p->column[c] != UINT32_MAX) p->column[p->column[c]] = c;
}

void aml_hist_plan_features(aml_hist_plan *p, const uint32_t *feature, size_t n_features) {
    p->n_features = n_features;
    for (size_t k = 0; k < n_features; k++) p->feature[k] = feature[k];
    find_columns(p);
    p->n_dense = p->n_columns * p->slots;
    p->n_slots = p->n_dense + sparse_slots(p->from);
    p->row_bytes = p->row_work = row_bytes_of(p->n_columns);
    const aml_csr *csr = p->from->csr;
    if (csr && csr->n) p->row_work += (size_t)(csr->start[csr->n] / csr->n);
    p->n_runs = 0;
    for (uint32_t c = 0; c < p->n_columns; c++) {
        aml_run *last = p->n_runs ? &p->run[p->n_runs - 1] : NULL;
        if (last && last->from + last->bytes == p->column[c]) last->bytes++;
        else p->run[p->n_runs++] = (aml_run){p->column[c], c, 1};
    }
    p->words = p->n_columns == p->from->n_columns ? (p->n_columns + 15) / 16 : 0;
}

/* Slots of a sparse feature, and what is left of the total for the code of 0. */
static const uint64_t *sparse_feature(uint64_t room[256], const aml_hist_plan *p,
                                      const uint64_t *hist, uint64_t total, size_t j) {
    const aml_sparse_bins *b = p->from->sparse;
    const uint64_t *slot = hist + p->n_dense;
    room[0] = 0;
    for (uint32_t s = b->first[j]; s < b->first[j + 1]; s++) {
        room[aml_sparse_code(b, j, s)] = slot[s];
        total -= slot[s];
    }
    room[b->zero[j]] = total;
    return room;
}

uint64_t aml_hist_apart_from_zero(const aml_hist_plan *p, const uint64_t *hist, size_t k) {
    const uint32_t *first = p->from->sparse->first + p->place[k];
    uint64_t sum = 0;
    for (uint32_t s = first[0]; s < first[1]; s++) sum += hist[p->n_dense + s];
    return sum;
}

const uint64_t *aml_hist_feature(uint64_t room[256], const aml_hist_plan *p, const uint64_t *hist,
                                 uint64_t total, size_t k) {
    if (aml_hist_is_sparse(p, k)) return sparse_feature(room, p, hist, total, p->place[k]);
    const aml_member *m = p->from->member[p->feature[k]];
    const uint64_t *slot = hist + p->place[k] * p->slots;
    if (!m) return slot;
    size_t n_codes = p->from->bins.n_bins[p->feature[k]] + 1u;
    for (size_t c = 0, i = 0; c < n_codes; c++) {
        uint64_t sum = 0;
        for (; i < m->end[c]; i++) sum += slot[m->order[i]];
        room[c] = sum;
        total -= sum;
    }
    room[m->common] = total;
    return room;
}

/* ---- gathering */

/* Copies in pieces: what is too much, the gradient or the next row writes over. */
static inline void copy_row(uint8_t *to, const uint8_t *row, const aml_hist_plan *p) {
    if (p->words) {
        for (size_t k = 0; k < p->words; k++) memcpy(to + 16 * k, row + 16 * k, 16);
        return;
    }
    for (size_t r = 0; r < p->n_runs; r++)
        for (size_t k = 0; k < p->run[r].bytes; k += 8)
            memcpy(to + p->run[r].to + k, row + p->run[r].from + k, 8);
}

static inline void copy_exactly(uint8_t *to, const uint8_t *row, const aml_hist_plan *p) {
    for (size_t r = 0; r < p->n_runs; r++)
        memcpy(to + p->run[r].to, row + p->run[r].from, p->run[r].bytes);
}

/* From positions, or from `first` on where there are none. */
static void gather(uint8_t *out, const aml_hist_plan *p, const uint32_t *gradient,
                   const uint32_t *position, size_t first, size_t n) {
    size_t stride = p->from->stride, bytes = p->row_bytes;
    for (size_t i = 0; i < n; i++, out += bytes) {
        size_t at = position ? position[i] : first + i;
        const uint8_t *row = p->from->row + at * stride;
        if (position && i + ROWS_AHEAD < n)
            for (size_t k = 0; k < stride + 63; k += 64)
                __builtin_prefetch(p->from->row + position[i + ROWS_AHEAD] * stride + k);
        if (i + 1 < n) copy_row(out, row, p);
        else copy_exactly(out, row, p);
        memcpy(out + bytes - 4, gradient + at, 4);
    }
}

/* ---- the kernels */

/* Rows that lie `row_step` bytes apart with gradients `gradient_step` apart, or, with positions, anywhere. */
typedef struct tile {
    size_t first, n_columns; /* of the plan */
    const uint8_t *row, *gradient;
    size_t row_step, gradient_step, n;
    const uint32_t *position; /* or NULL */
} tile;

/* g to the slots of one row's codes: byte by byte, as loads are cheaper than shifts. */
#define AML_ADD_CODES(to, codes, slots, n_words, tail)                          \
    do {                                                                        \
        const uint8_t *c_ = (codes);                                            \
        for (size_t w_ = 0; w_ < (n_words); w_++, c_ += 8, to += 8 * (slots)) { \
            to[c_[0]] += g;                                                     \
            to[(slots) + c_[1]] += g;                                           \
            to[2 * (slots) + c_[2]] += g;                                       \
            to[3 * (slots) + c_[3]] += g;                                       \
            to[4 * (slots) + c_[4]] += g;                                       \
            to[5 * (slots) + c_[5]] += g;                                       \
            to[6 * (slots) + c_[6]] += g;                                       \
            to[7 * (slots) + c_[7]] += g;                                       \
        }                                                                       \
        for (size_t k_ = 0; k_ < (tail); k_++) to[k_ * (slots) + c_[k_]] += g;  \
    } while (0)

/* One body for narrow and wide sums: `sum` is uint32_t or uint64_t, `widen` makes it of a gradient. */
#define AML_ADD_ROWS(name, sum, widen)                                                        \
    static inline __attribute__((always_inline)) void name(sum *restrict hist, const tile *t, \
                                                           size_t slots, size_t tail) {       \
        const uint8_t *restrict row = t->row + t->first, *restrict gradient = t->gradient;    \
        const uint32_t *position = t->position;                                               \
        size_t words = t->n_columns / 8, n = t->n, step = t->row_step;                        \
        size_t gradient_step = t->gradient_step, last = t->n_columns - 1;                     \
        for (size_t i = 0; i < n && !position; i++, row += step, gradient += gradient_step) { \
            uint32_t narrow;                                                                  \
            memcpy(&narrow, gradient, 4);                                                     \
            sum g = widen(narrow), *to = hist;                                                \
            AML_ADD_CODES(to, row, slots, words, tail);                                       \
        }                                                                                     \
        for (size_t i = 0; i < n && position; i++) {                                          \
            size_t at = position[i], ahead = position[i + PREFETCH < n ? i + PREFETCH : i];   \
            uint32_t narrow;                                                                  \
            __builtin_prefetch(row + ahead * step);                                           \
            __builtin_prefetch(row + ahead * step + last);                                    \
            __builtin_prefetch(gradient + 4 * ahead);                                         \
            memcpy(&narrow, gradient + 4 * at, 4);                                            \
            sum g = widen(narrow), *to = hist;                                                \
            AML_ADD_CODES(to, row + at * step, slots, words, tail);                           \
        }                                                                                     \
    }
#define AML_AS_IT_IS(gradient) (gradient)
AML_ADD_ROWS(add_narrow, uint32_t, AML_AS_IT_IS)
AML_ADD_ROWS(add_wide, uint64_t, aml_widen)

/* A constant tail unrolls. */
#define AML_ADD_TAILS(name, sum, body, slots)    \
    static void name(sum *hist, const tile *t) { \
        switch (t->n_columns % 8) {              \
        case 0: body(hist, t, slots, 0); break;  \
        case 1: body(hist, t, slots, 1); break;  \
        case 2: body(hist, t, slots, 2); break;  \
        case 3: body(hist, t, slots, 3); break;  \
        case 4: body(hist, t, slots, 4); break;  \
        case 5: body(hist, t, slots, 5); break;  \
        case 6: body(hist, t, slots, 6); break;  \
        default: body(hist, t, slots, 7); break; \
        }                                        \
    }
AML_ADD_TAILS(add_narrow_64, uint32_t, add_narrow, 64)
AML_ADD_TAILS(add_narrow_256, uint32_t, add_narrow, 256)
AML_ADD_TAILS(add_wide_64, uint64_t, add_wide, 64)
AML_ADD_TAILS(add_wide_256, uint64_t, add_wide, 256)

AML_KERNEL void transfer(uint64_t *restrict hist, uint32_t *restrict narrow, size_t n) {
    for (size_t s = 0; s < n; s++) {
        uint32_t v = narrow[s];
        hist[s] += aml_widen(v);
        narrow[s] = 0;
    }
}
static void transfer_plain(uint64_t *hist, uint32_t *narrow, size_t n) {
    transfer(hist, narrow, n);
}
AML_AVX2 static void transfer_avx2(uint64_t *hist, uint32_t *narrow, size_t n) {
    transfer(hist, narrow, n);
}

/* ---- blocks and threads */

typedef struct sum_job {
    uint64_t *hist;
    const aml_hist_plan *p;
    const uint32_t *position;
    size_t n;
    const aml_gradients *gradients;
    bool is_narrow;              /* summed in 32 bits first */
    size_t n_tiles, tile, block; /* columns a tile, rows a block */
    bool in_place;
    int thread; /* -1: several */
    const aml_ctx *ctx;
    atomic_bool stopped;
} sum_job;

static void add_tiles(uint64_t *hist, uint32_t *narrow, const sum_job *job, tile t) {
    const aml_hist_plan *p = job->p;
    bool few = p->slots == 64;
    for (size_t first = 0; first < p->n_columns; first += job->tile) {
        t.first = first;
        t.n_columns = p->n_columns - first < job->tile ? p->n_columns - first : job->tile;
        size_t at = first * p->slots;
        if (job->is_narrow) (few ? add_narrow_64 : add_narrow_256)(narrow + at, &t);
        else (few ? add_wide_64 : add_wide_256)(hist + at, &t);
    }
}

/* Rows in place where all their columns are wanted and they are read once; else gathered in a cached block. */
static tile rows_of(const sum_job *job, const aml_hist_room *room, size_t begin, size_t n) {
    const aml_hist_plan *p = job->p;
    const uint32_t *position = job->position ? job->position + begin : NULL;
    const uint32_t *gradient = job->gradients->packed;
    if (!job->in_place) {
        gather(room->gathered, p, gradient, position, begin, n);
        return (tile){.row = room->gathered,
                      .gradient = room->gathered + p->row_bytes - sizeof *gradient,
                      .row_step = p->row_bytes,
                      .gradient_step = p->row_bytes,
                      .n = n};
    }
    size_t step = p->from->stride, first = position ? 0 : begin;
    return (tile){.row = p->from->row + first * step,
                  .gradient = (const uint8_t *)(gradient + first),
                  .row_step = step,
                  .gradient_step = sizeof *gradient,
                  .n = n,
                  .position = position};
}

/* What no slot gets more of from a tile: the sums of |slope| and of curvature where its gradients lie together. */
static void weigh(size_t *slopes, size_t *curvatures, const tile *t, const aml_gradients *top) {
    uint32_t s = 0, c = 0;
    if (t->position) {
        *slopes = t->n * top->top_slope;
        *curvatures = t->n * top->top_curvature;
        return;
    }
    for (size_t i = 0; i < t->n; i++) {
        uint32_t g;
        memcpy(&g, t->gradient + i * t->gradient_step, sizeof g);
        s += (uint32_t)abs((int32_t)g >> 16);
        c += g & 0xFFFF;
    }
    *slopes = s;
    *curvatures = c;
}

static void transfer_best(uint64_t *hist, uint32_t *narrow, size_t n) {
    (aml_has_avx2() ? transfer_avx2 : transfer_plain)(hist, narrow, n);
}

/* Makes room in the narrow sums for a tile. */
static void hold(uint64_t *hist, aml_hist_room *room, size_t n_slots, const tile *t,
                 const aml_gradients *top) {
    size_t slopes, curvatures;
    weigh(&slopes, &curvatures, t, top);
    room->slopes += slopes;
    room->curvatures += curvatures;
    if (room->slopes <= TOP_SLOPES && room->curvatures <= TOP_CURVATURES) return;
    transfer_best(hist, room->narrow, n_slots);
    room->slopes = slopes;
    room->curvatures = curvatures;
}

static uint64_t *partial_of(aml_hist_room *room, size_t n_slots) {
    if (!room->has_partial) memset(room->partial, 0, n_slots * sizeof *room->partial);
    room->has_partial = true;
    return room->partial;
}

static void sum_dense(sum_job *job, uint64_t *hist, aml_hist_room *room, size_t begin, size_t end) {
    for (size_t i = begin; i < end; i += job->block) {
        tile t = rows_of(job, room, i, end - i < job->block ? end - i : job->block);
        if (job->is_narrow) hold(hist, room, job->p->n_dense, &t, job->gradients);
        add_tiles(hist, room->narrow, job, t);
    }
}

/* The entries of sparse features, at once in wide sums: their table is as large as it is. */
static void sum_sparse(const sum_job *job, uint64_t *hist, size_t begin, size_t end) {
    const aml_boost_bins *from = job->p->from;
    const uint64_t *start = from->csr->start;
    const uint32_t *slot = from->sparse->slot;
    for (size_t i = begin; i < end; i++) {
        size_t at = job->position ? job->position[i] : i, row = from->design_row[at];
        uint64_t g = aml_widen(job->gradients->packed[at]);
        if (job->position && i + ROWS_AHEAD < end)
            __builtin_prefetch(slot + start[from->design_row[job->position[i + ROWS_AHEAD]]]);
        for (uint64_t e = start[row]; e < start[row + 1]; e++) hist[slot[e]] += g;
    }
}

static void sum_chunk(void *arg, size_t chunk, size_t begin, size_t end, int thread) {
    sum_job *job = arg;
    size_t at = (size_t)(job->thread < 0 ? thread : job->thread), n_slots = job->p->n_slots;
    aml_hist_room *room = job->p->room + at;
    uint64_t *hist = job->thread < 0 && at ? partial_of(room, n_slots) : job->hist;
    (void)chunk;
    if (aml_should_stop(job->ctx)) atomic_store(&job->stopped, true);
    if (atomic_load(&job->stopped)) return;
    if (job->p->n_columns) sum_dense(job, hist, room, begin, end);
    if (job->p->from->csr) sum_sparse(job, hist + job->p->n_dense, begin, end);
}

static void choose_tiles(sum_job *job) {
    const aml_hist_plan *p = job->p;
    const aml_gradients *g = job->gradients;
    size_t slope = g->top_slope ? TOP_SLOPES / g->top_slope : 0,
           curvature = g->top_curvature ? TOP_CURVATURES / g->top_curvature : TOP_CURVATURES;
    size_t rows = slope < curvature ? slope : curvature; /* that surely fit narrow sums */
    job->is_narrow = rows >= NARROW_LEAST && job->n >= NARROW_LEAST;
    size_t bytes = p->n_dense * (job->is_narrow ? sizeof(uint32_t) : sizeof(uint64_t));
    job->n_tiles = job->n < MIN_ROWS ? 1 : (bytes + L1_BYTES - 1) / L1_BYTES;
    if (!job->n_tiles) job->n_tiles = 1;
    job->in_place = p->words && (job->n_tiles == 1 || !job->position);
    job->block = job->n_tiles == 1 && job->in_place ? BLOCK_MAX : block_rows(p->row_bytes);
    if (job->is_narrow && job->block > rows) job->block = rows;
    job->tile = ((p->n_columns + job->n_tiles - 1) / job->n_tiles + 7) / 8 * 8;
}

/* Positions a chunk: some for each thread, as long as they are worth it. */
static size_t chunk_rows(const aml_hist_plan *p, size_t n, int n_threads) {
    size_t most = CHUNK_ADDS / p->row_work + 1, least = CHUNK_LEAST / p->row_work;
    size_t rows = n / (4 * (size_t)n_threads);
    rows = rows < least ? least : rows > most ? most : rows;
    return (rows + NARROW_LEAST - 1) / NARROW_LEAST * NARROW_LEAST;
}

typedef struct join_job {
    uint64_t *hist, *rest;
    aml_hist_room *first;
    int n_rooms;
    size_t n_narrow; /* slots that are summed in 32 bits */
} join_job;

/* What the threads have goes to the histogram. */
static void join_slots(void *arg, size_t block, size_t begin, size_t end, int thread) {
    const join_job *job = arg;
    uint64_t *restrict hist = job->hist, *restrict rest = job->rest;
    (void)block, (void)thread;
    for (aml_hist_room *room = job->first; room < job->first + job->n_rooms; room++) {
        for (size_t s = begin; s < end && room->has_partial; s++) hist[s] += room->partial[s];
        size_t narrow = end < job->n_narrow ? end : job->n_narrow;
        if (begin < narrow && (room->slopes | room->curvatures))
            transfer_best(hist + begin, room->narrow + begin, narrow - begin);
    }
    for (size_t s = begin; s < end && rest; s++) rest[s] -= hist[s];
}

bool aml_hist_sum(uint64_t *hist, uint64_t *rest, const aml_hist_plan *p, const uint32_t *position,
                  size_t n, const aml_gradients *gradients, aml_hands by, const aml_ctx *ctx) {
    sum_job job = {
        .hist = hist, .p = p, .position = position, .n = n, .gradients = gradients, .ctx = ctx};
    size_t chunk = chunk_rows(p, n, by.n_threads);
    choose_tiles(&job);
    if (n < 2 * chunk || n * p->row_work < 8 * p->n_slots) by.n_threads = 1;
    job.thread = by.n_threads > 1 ? -1 : by.thread;
    join_job join = {.hist = hist,
                     .rest = rest,
                     .first = p->room + (by.n_threads > 1 ? 0 : by.thread),
                     .n_rooms = by.n_threads,
                     .n_narrow = p->n_dense};
    for (aml_hist_room *room = join.first; room < join.first + join.n_rooms; room++) {
        room->slopes = room->curvatures = 0;
        room->has_partial = false;
    }
    memset(hist, 0, p->n_slots * sizeof *hist);
    aml_par_for(by.n_threads, n, chunk, sum_chunk, &job);
    aml_par_for(by.n_threads, p->n_slots, JOIN_SLOTS, join_slots, &join);
    return !atomic_load(&job.stopped);
}
