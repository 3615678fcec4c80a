/* neighbours.c: blocked distances with the selection of the nearest fused in. */
#include "learners/parts/neighbours.h"

#include "automl/core/par.h"
#include "learners/parts/neighbours_tree.h"
#include "learners/parts/rows.h"

#include <math.h>
#include <string.h>

enum { QUERIES = 8 * AML_GROUP, TILE_FLOATS = 1 << 16 };

typedef struct search {
    const aml_neighbours *m;
    const aml_data *x;
    size_t k;
    aml_neighbours_fn fn;
    void *arg;
    const aml_ctx *ctx;
    float *query, *distance; /* for each thread: QUERIES × p (padded), QUERIES × k */
    uint32_t *row;
    const aml_neighbour_kernels *kernels;
    atomic_bool stopped;
} search;

static size_t padded(size_t p) { return (p + 15) / 16 * 16; }

size_t aml_neighbours_floats(size_t n, size_t p) {
    return (n + AML_PANEL - 1) / AML_PANEL * AML_PANEL * p;
}

static float limited(float x) {
    return x > AML_NEIGHBOURS_LIMIT    ? AML_NEIGHBOURS_LIMIT
           : x < -AML_NEIGHBOURS_LIMIT ? -AML_NEIGHBOURS_LIMIT
                                       : x;
}

typedef struct build {
    float *panel;
    const aml_data *x;
    float *scratch;
} build;

static void build_panel(void *arg, size_t block, size_t begin, size_t end, int thread) {
    build *b = arg;
    size_t p = b->x->x->p;
    float *rows = b->scratch + (size_t)thread * AML_PANEL * p,
          *to = b->panel + block * AML_PANEL * p;
    aml_rows_floats(rows, b->x, begin, end);
    for (size_t i = 0; i < end - begin; i++)
        for (size_t j = 0; j < p; j++) to[j * AML_PANEL + i] = limited(rows[i * p + j]);
}

aml_status aml_neighbours_build(aml_neighbours *out, const aml_data *x, size_t k, aml_ctx *ctx) {
    size_t p = x->x->p, n_threads = ctx->n_threads > 1 ? (size_t)ctx->n_threads : 1;
    aml_mark mark = aml_arena_mark(ctx->scratch);
    build b = {.panel = aml_alloc(ctx->keep, aml_neighbours_floats(x->n, p), sizeof(float)),
               .x = x};
    b.scratch = aml_alloc_raw(ctx->scratch, n_threads * AML_PANEL * p, sizeof(float));
    if (!b.panel || !b.scratch) return AML_ENOMEM;
    aml_par_for(ctx->n_threads, x->n, AML_PANEL, build_panel, &b);
    aml_arena_release(ctx->scratch, mark);
    *out = (aml_neighbours){.n = x->n, .p = p, .panel = b.panel};
    return aml_neighbours_ready(out, k, ctx);
}

/* Half the square of a length, so much too small that with all roundings of a bound and of a distance (each below
 * (p + 4) 2^-24 of the squares) a row is never held to be farther than it is. */
static float half_square(double square, size_t p) {
    return (float)(0.5 * square * (1 - 8 * ((double)p + 8) * 0x1p-24));
}

aml_status aml_neighbours_ready(aml_neighbours *m, size_t k, aml_ctx *ctx) {
    size_t rows = (m->n + 2 * AML_PANEL - 1) / AML_PANEL * AML_PANEL;
    float *half = aml_alloc_raw(ctx->keep, rows, sizeof *half);
    if (!half) return AML_ENOMEM;
    for (size_t i = 0; i < rows; i++) {
        const float *x = m->panel + i / AML_PANEL * m->p * AML_PANEL + i % AML_PANEL;
        double square = 0;
        for (size_t j = 0; j < m->p && i < m->n; j++)
            square += (double)x[j * AML_PANEL] * (double)x[j * AML_PANEL];
        half[i] = i < m->n ? half_square(square, m->p) : INFINITY;
    }
    m->half = half;
    return aml_neighbour_tree_build(&m->tree, m, k, ctx);
}

/* Puts a row among the k nearest, kept upwards; rows come in order, so an equal one stays behind.
 * */
static void insert(float *distance, uint32_t *row, size_t k, float d, uint32_t r) {
    size_t at = k - 1;
    for (; at > 0 && distance[at - 1] > d; at--) {
        distance[at] = distance[at - 1];
        row[at] = row[at - 1];
    }
    distance[at] = d;
    row[at] = r;
}

/* A query and the nearest rows so far. */
typedef struct seeker {
    const float *query;
    float *distance;
    uint32_t *row;
    float half; /* of the query's own square */
} seeker;

/* What x·q - |x|²/2 must exceed for row x to be nearer than the k-th. */
static float least_of(const seeker *q, size_t k) {
    return q->half - 0.5f * q->distance[k - 1] - 1e-37f;
}

/* Rows of a panel that `mask` leaves over. */
static void offer(const search *s, const seeker *q, size_t panel, uint32_t mask) {
    float d[AML_PANEL];
    s->kernels->distances(d, q->query, s->m->panel + panel * s->m->p * AML_PANEL, s->m->p);
    for (; mask; mask &= mask - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(mask);
        if (d[i] < q->distance[s->k - 1])
            insert(q->distance, q->row, s->k, d[i], (uint32_t)(panel * AML_PANEL) + i);
    }
}

/* A group of queries against panels from … to-1. */
static void search_group(const search *s, const seeker *q, size_t from, size_t to) {
    const aml_neighbours *m = s->m;
    size_t size = m->p * AML_PANEL, width = padded(m->p), last = (m->n - 1) / AML_PANEL;
    uint32_t mask[AML_GROUP];
    float least[AML_GROUP];
    for (size_t g = 0; g < AML_GROUP; g++) least[g] = least_of(q + g, s->k);
    for (size_t panel = from; panel < to; panel += 2) {
        const float *x = m->panel + panel * size, *half = m->half + panel * AML_PANEL;
        aml_panel_pair pair = {{x, panel < last ? x + size : x}, {half, half + AML_PANEL}};
        s->kernels->filter(mask, q->query, width, least, pair, m->p);
        for (size_t g = 0; g < AML_GROUP; g++) {
            if (!mask[g]) continue;
            if (mask[g] & 0xffff) offer(s, q + g, panel, mask[g] & 0xffff);
            if (mask[g] >> 16) offer(s, q + g, panel + 1, mask[g] >> 16);
            least[g] = least_of(q + g, s->k);
        }
    }
}

/* A block of queries against all rows, tile by tile of what the cache holds. */
static bool search_all(search *s, const seeker *q, size_t n) {
    size_t p = s->m->p, n_panels = (s->m->n + AML_PANEL - 1) / AML_PANEL;
    size_t tile = 2 * (TILE_FLOATS / (2 * AML_PANEL * (p + 1)) + 1);
    for (size_t from = 0; from < n_panels; from += tile) {
        size_t to = from + tile < n_panels ? from + tile : n_panels;
        if (aml_should_stop(s->ctx)) atomic_store(&s->stopped, true);
        if (atomic_load(&s->stopped)) return false;
        for (size_t g = 0; g < n; g += AML_GROUP) search_group(s, q + g, from, to);
    }
    return true;
}

static bool search_tree(search *s, const seeker *q, size_t n) {
    if (aml_should_stop(s->ctx)) atomic_store(&s->stopped, true);
    if (atomic_load(&s->stopped)) return false;
    for (size_t i = 0; i < n; i++)
        aml_neighbour_tree_find(q[i].distance, q[i].row, s->k, s->m->tree, q[i].query, s->kernels);
    return true;
}

static void find_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    search *s = arg;
    size_t p = s->m->p, k = s->k, width = padded(p), first = (size_t)thread * QUERIES;
    float *query = s->query + first * width, *distance = s->distance + first * k;
    uint32_t *row = s->row + first * k;
    seeker seekers[QUERIES];
    (void)block;
    memset(query, 0, QUERIES * width * sizeof *query);
    for (size_t i = 0; i < QUERIES * k; i++) distance[i] = 3e38f;
    for (size_t i = 0; i < QUERIES; i++) {
        float *q = query + i * width;
        double square = 0;
        if (begin + i < end) aml_rows_floats(q, s->x, begin + i, begin + i + 1);
        for (size_t j = 0; j < p; j++) q[j] = limited(q[j]);
        for (size_t j = 0; j < p; j++) square += (double)q[j] * (double)q[j];
        seekers[i] = (seeker){q, distance + i * k, row + i * k, half_square(square, p)};
    }
    bool done =
        s->m->tree ? search_tree(s, seekers, end - begin) : search_all(s, seekers, end - begin);
    for (size_t i = begin; i < end && done; i++)
        s->fn(s->arg, i, row + (i - begin) * k, distance + (i - begin) * k, k);
}

aml_status aml_neighbours_find(const aml_neighbours *m, size_t k, const aml_data *x,
                               aml_neighbours_fn fn, void *arg, aml_ctx *ctx) {
    size_t n_threads = ctx->n_threads > 1 ? (size_t)ctx->n_threads : 1, slots = n_threads * QUERIES;
    aml_mark mark = aml_arena_mark(ctx->scratch);
    search s = {.m = m, .x = x, .k = k, .fn = fn, .arg = arg, .ctx = ctx};
    s.query = aml_alloc_raw(ctx->scratch, slots * padded(m->p), sizeof(float));
    s.distance = aml_alloc_raw(ctx->scratch, slots * k, sizeof(float));
    s.row = aml_alloc_raw(ctx->scratch, slots * k, sizeof(uint32_t));
    if (!s.query || !s.distance || !s.row) return AML_ENOMEM;
    s.kernels = aml_neighbour_kernels_best();
    atomic_init(&s.stopped, false);
    aml_par_for(ctx->n_threads, x->n, QUERIES, find_block, &s);
    aml_arena_release(ctx->scratch, mark);
    return atomic_load(&s.stopped) ? aml_stopped() : AML_OK;
}
