/* neighbours.c: blocked distances with the selection of the nearest fused in. */
#include "learners/parts/neighbours.h"

#include "automl/core/par.h"
#include "learners/parts/neighbours_coarse.h"
#include "learners/parts/neighbours_tree.h"
#include "learners/parts/rows.h"

#include <math.h>
#include <string.h>

enum { QUERIES = AML_NEIGHBOURS_BLOCK, TILE_FLOATS = 1 << 16, SETTLED = 96, FEW = 3 };

typedef struct search {
    const aml_neighbours *m;
    const aml_data *x;
    size_t k;
    aml_neighbours_fn fn;
    void *arg;
    const aml_ctx *ctx;
    float *query, *distance; /* for each thread: QUERIES × p (padded), QUERIES × k */
    uint32_t *row;
    int8_t *code; /* QUERIES × the width of bytes */
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
    AML_TRY(aml_neighbour_tree_build(&m->tree, m, k, ctx));
    return m->tree ? AML_OK : aml_coarse_build(&m->coarse, m, ctx);
}

/* Puts a row among the k nearest, kept upwards; rows come in order, so an equal one stays behind. */
static void insert(float *distance, uint32_t *row, size_t k, float d, uint32_t r) {
    size_t at = 0;
    for (size_t n = k - 1; n;) {
        size_t half = n / 2;
        bool behind = distance[at + half] <= d;
        at = behind ? at + half + 1 : at;
        n = behind ? n - half - 1 : half;
    }
    memmove(distance + at + 1, distance + at, (k - 1 - at) * sizeof *distance);
    memmove(row + at + 1, row + at, (k - 1 - at) * sizeof *row);
    distance[at] = d;
    row[at] = r;
}

/* A query and the nearest rows so far. */
typedef struct seeker {
    const float *query;
    float *distance;
    uint32_t *row;
    float half;         /* of the query's own square */
    const int8_t *code; /* the query in bytes, see neighbours_coarse.h */
    float base, error;
} seeker;

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

/* AML_GROUP queries and what rows must reach to be nearer than the k-th: in floats or in bytes. */
typedef struct group {
    const seeker *q;
    bool bytes;
    float least[AML_GROUP]; /* of x·q - |x|²/2 */
    aml_coarse_group coarse;
} group;

static void renew(group *g, size_t i, const search *s) {
    const seeker *q = g->q + i;
    float farthest = q->distance[s->k - 1];
    g->least[i] = q->half - 0.5f * farthest - 1e-37f;
    if (g->bytes) g->coarse.reach[i] = aml_coarse_reach(s->m->coarse, farthest, q->error);
}

static void filter(uint32_t *mask, const search *s, const group *g, size_t panel) {
    const aml_neighbours *m = s->m;
    size_t size = m->p * AML_PANEL, at = panel * AML_PANEL, next = panel < (m->n - 1) / AML_PANEL;
    const float *x = m->panel + panel * size;
    if (!g->bytes) {
        aml_panel_pair pair = {{x, x + next * size}, {m->half + at, m->half + at + AML_PANEL}};
        s->kernels->filter(mask, g->q->query, padded(m->p), g->least, pair, m->p);
        return;
    }
    const aml_coarse_rows *c = m->coarse;
    const uint8_t *code = c->code + at * c->width;
    aml_coarse_pair pair = {{code, code + AML_PANEL * c->width},
                            {c->start + at, c->start + at + AML_PANEL},
                            c->error[panel / 2]};
    s->kernels->coarse(mask, &g->coarse, &pair, c->width);
}

/* A group of queries against panels from … to-1, from even. Returns how many panels were measured. */
static size_t search_group(const search *s, const seeker *q, size_t from, size_t to, bool bytes) {
    uint32_t mask[AML_GROUP];
    group g = {.q = q, .bytes = bytes, .coarse.code = q->code};
    size_t measured = 0;
    for (size_t i = 0; i < AML_GROUP; i++) {
        g.coarse.base[i] = q[i].base;
        renew(&g, i, s);
    }
    for (size_t panel = from; panel < to; panel += 2) {
        filter(mask, s, &g, panel);
        for (size_t i = 0; i < AML_GROUP; i++) {
            if (!mask[i]) continue;
            if (mask[i] & 0xffff) offer(s, q + i, panel, mask[i] & 0xffff), measured++;
            if (mask[i] >> 16) offer(s, q + i, panel + 1, mask[i] >> 16), measured++;
            renew(&g, i, s);
        }
    }
    return measured;
}

/* A block of queries against all rows, tile by tile of what the cache holds. Bytes are used once the k-th nearest rows
 * are near, for as long as they leave few panels over. */
static bool search_all(search *s, const seeker *q, size_t n) {
    size_t p = s->m->p, n_panels = (s->m->n + AML_PANEL - 1) / AML_PANEL, to;
    size_t tile = 2 * (TILE_FLOATS / (2 * AML_PANEL * (p + 1)) + 1);
    bool bytes = s->m->coarse != NULL;
    for (size_t from = 0; from < n_panels; from = to) {
        size_t measured = 0;
        bool settled = from * AML_PANEL >= SETTLED * s->k;
        to = from + tile < n_panels ? from + tile : n_panels;
        if (aml_should_stop(s->ctx)) atomic_store(&s->stopped, true);
        if (atomic_load(&s->stopped)) return false;
        for (size_t g = 0; g < n; g += AML_GROUP)
            measured += search_group(s, q + g, from, to, bytes && settled);
        bytes = bytes && (!settled || measured < n * (to - from) / FEW);
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

static size_t code_width(const aml_neighbours *m) { return m->coarse ? m->coarse->width : 0; }

/* The i-th query of a block; those beyond the last are zeros. */
static void prepare_query(seeker *q, const search *s, float *x, int8_t *code, size_t i,
                          size_t end) {
    const aml_neighbours *m = s->m;
    double square = 0;
    memset(x, 0, padded(m->p) * sizeof *x);
    if (i < end) aml_rows_floats(x, s->x, i, i + 1);
    for (size_t j = 0; j < m->p; j++) x[j] = limited(x[j]);
    for (size_t j = 0; j < m->p; j++) square += (double)x[j] * (double)x[j];
    q->query = x;
    q->half = half_square(square, m->p);
    q->code = code;
    q->base = q->error = 0;
    if (m->coarse) aml_coarse_query(code, &q->base, &q->error, m->coarse, x);
}

static void find_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    search *s = arg;
    size_t k = s->k, first = (size_t)thread * QUERIES, width = padded(s->m->p);
    float *distance = s->distance + first * k;
    uint32_t *row = s->row + first * k;
    seeker seekers[QUERIES];
    (void)block;
    for (size_t i = 0; i < QUERIES * k; i++) distance[i] = 3e38f;
    for (size_t i = 0; i < QUERIES; i++) {
        seekers[i] = (seeker){.distance = distance + i * k, .row = row + i * k};
        prepare_query(seekers + i, s, s->query + (first + i) * width,
                      s->code + (first + i) * code_width(s->m), begin + i, end);
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
    s.code = aml_alloc_raw(ctx->scratch, slots, code_width(m));
    if (!s.query || !s.distance || !s.row || !s.code) return AML_ENOMEM;
    s.kernels = aml_neighbour_kernels_best();
    atomic_init(&s.stopped, false);
    aml_par_for(ctx->n_threads, x->n, QUERIES, find_block, &s);
    aml_arena_release(ctx->scratch, mark);
    return atomic_load(&s.stopped) ? aml_stopped() : AML_OK;
}
