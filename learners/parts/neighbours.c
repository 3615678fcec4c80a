/* neighbours.c: blocked distances with the selection of the nearest fused in. */
#include "learners/parts/neighbours.h"

#include "automl/core/par.h"
#include "learners/parts/neighbours_bound.h"
#include "learners/parts/neighbours_coarse.h"
#include "learners/parts/neighbours_nearest.h"
#include "learners/parts/neighbours_tree.h"
#include "learners/parts/rows.h"

#include <math.h>
#include <string.h>

enum { QUERIES = AML_NEIGHBOURS_BLOCK, TILE_FLOATS = 1 << 16, SETTLED = 96, FEW = 3, LONE = 4 };

typedef struct search {
    const aml_neighbours *m;
    const aml_data *x;
    size_t k;
    aml_neighbours_fn fn;
    void *arg;
    const aml_ctx *ctx;
    float *query;           /* for each thread: QUERIES × p (padded) */
    size_t room;            /* of the nearest rows of a query */
    float *distance, *work; /* QUERIES × room, room */
    uint32_t *row;
    int8_t *code; /* QUERIES × the width of bytes */
    float *best;  /* QUERIES × 32 rounds, or NULL */
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

typedef struct halves {
    const aml_neighbours *m;
    float *half;
} halves;

static void half_panels(void *arg, size_t block, size_t begin, size_t end, int thread) {
    const halves *h = arg;
    const aml_neighbours *m = h->m;
    (void)block, (void)thread;
    for (size_t i = begin; i < end; i += AML_PANEL) {
        const float *x = m->panel + i * m->p;
        double square[AML_PANEL] = {0};
        for (size_t j = 0; j < m->p && i < m->n; j++, x += AML_PANEL)
            for (size_t l = 0; l < AML_PANEL; l++) square[l] += (double)x[l] * (double)x[l];
        for (size_t l = 0; l < AML_PANEL; l++)
            h->half[i + l] = i + l < m->n ? half_square(square[l], m->p) : INFINITY;
    }
}

aml_status aml_neighbours_ready(aml_neighbours *m, size_t k, aml_ctx *ctx) {
    size_t rows = (m->n + 2 * AML_PANEL - 1) / AML_PANEL * AML_PANEL;
    float *half = aml_alloc_raw(ctx->keep, rows, sizeof *half);
    if (!half) return AML_ENOMEM;
    aml_par_for(ctx->n_threads, rows, 256 * AML_PANEL, half_panels, &(halves){m, half});
    m->half = half;
    AML_TRY(aml_neighbour_tree_build(&m->tree, m, k, ctx));
    return m->tree ? AML_OK : aml_coarse_build(&m->coarse, m, ctx);
}

/* A query and the nearest rows so far. */
typedef struct seeker {
    const float *query;
    aml_nearest nearest;
    double square;      /* of its length */
    float half;         /* of that, low */
    const int8_t *code; /* the query in bytes, see neighbours_coarse.h */
    float base, error;
} seeker;

/* Rows of a panel that `mask` leaves over. */
static void offer(const search *s, seeker *q, size_t panel, uint32_t mask) {
    float d[AML_PANEL];
    s->kernels->distances(d, q->query, s->m->panel + panel * s->m->p * AML_PANEL, s->m->p);
    for (; mask; mask &= mask - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(mask);
        aml_nearest_offer(&q->nearest, d[i], (uint32_t)(panel * AML_PANEL) + i);
    }
}

/* AML_GROUP queries and what rows must reach to be nearer than the k-th: in floats or in bytes. */
typedef struct group {
    seeker *q;
    bool bytes;
    float limit[AML_GROUP]; /* of the distances, and what that makes: */
    float least[AML_GROUP]; /* of x·q - |x|²/2 */
    aml_coarse_group coarse;
} group;

static void renew(group *g, size_t i, const search *s) {
    const seeker *q = g->q + i;
    float limit = g->limit[i] = fminf(q->nearest.limit, 3e38f);
    g->least[i] = q->half - 0.5f * limit - 1e-37f;
    if (g->bytes) g->coarse.reach[i] = aml_coarse_reach(s->m->coarse, limit, q->error);
}

static aml_panel_pair pair_at(const aml_neighbours *m, size_t panel) {
    size_t size = m->p * AML_PANEL, at = panel * AML_PANEL, next = panel < (m->n - 1) / AML_PANEL;
    const float *x = m->panel + panel * size;
    return (aml_panel_pair){{x, x + next * size}, {m->half + at, m->half + at + AML_PANEL}};
}

static void filter(uint32_t *mask, const search *s, const group *g, size_t panel) {
    const aml_neighbours *m = s->m;
    size_t at = panel * AML_PANEL;
    if (!g->bytes) {
        s->kernels->filter(mask, g->q->query, padded(m->p), g->least, pair_at(m, panel), m->p);
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
static size_t search_group(const search *s, seeker *q, size_t from, size_t to, bool bytes) {
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
            if (q[i].nearest.limit < g.limit[i]) renew(&g, i, s);
        }
    }
    return measured;
}

static size_t tile_panels(const search *s) {
    return 2 * (TILE_FLOATS / (2 * AML_PANEL * (s->m->p + 1)) + 1);
}

static bool stopped(search *s) {
    if (aml_should_stop(s->ctx)) atomic_store(&s->stopped, true);
    return atomic_load(&s->stopped);
}

/* Bounds the k-th nearest by the first SETTLED × k rows. */
static void bound_all(search *s, seeker *q, size_t n, float *best) {
    const aml_neighbours *m = s->m;
    size_t n_panels = (m->n + AML_PANEL - 1) / AML_PANEL, tile = tile_panels(s), to;
    size_t rounds = aml_bound_rounds(s->k), sets = 2 * AML_PANEL * rounds;
    size_t enough = SETTLED * s->k / AML_PANEL / 2 * 2, end = n_panels < enough ? n_panels : enough;
    for (size_t i = 0; i < QUERIES * sets; i++) best[i] = -INFINITY;
    for (size_t from = 0; from < end; from = to) {
        to = from + tile < end ? from + tile : end;
        if (stopped(s)) return;
        for (size_t g = 0; g < n; g += AML_GROUP)
            for (size_t panel = from; panel < to; panel += 2)
                s->kernels->best(best + g * sets + panel / 2 % rounds * 2 * AML_PANEL, sets,
                                 q[g].query, padded(m->p), pair_at(m, panel), m->p);
    }
    for (size_t i = 0; i < n; i++) {
        float score = aml_nearest_select(best + i * sets, sets, s->k);
        if (score > -INFINITY)
            q[i].nearest.limit = aml_bound_distance(score, q[i].half, q[i].square, m->p);
    }
}

/* A block of queries against all rows, tile by tile of what the cache holds. Bytes are used once the k-th nearest rows
 * are near, for as long as they leave few panels over. */
static bool search_all(search *s, seeker *q, size_t n, float *best) {
    size_t n_panels = (s->m->n + AML_PANEL - 1) / AML_PANEL, tile = tile_panels(s), to;
    bool bytes = s->m->coarse != NULL;
    if (best) bound_all(s, q, n, best);
    for (size_t from = 0; from < n_panels; from = to) {
        size_t measured = 0;
        bool settled = best || from * AML_PANEL >= SETTLED * s->k;
        to = from + tile < n_panels ? from + tile : n_panels;
        if (stopped(s)) return false;
        for (size_t g = 0; g < n; g += AML_GROUP)
            measured += search_group(s, q + g, from, to, bytes && settled);
        bytes = bytes && (!settled || measured < n * (to - from) / FEW);
    }
    for (size_t i = 0; i < n; i++) aml_nearest_finish(&q[i].nearest);
    return true;
}

/* Few queries, each by itself: a group would carry along empty ones. */
static bool search_lone(search *s, seeker *q, size_t n) {
    size_t n_panels = (s->m->n + AML_PANEL - 1) / AML_PANEL;
    uint32_t last = 0xFFFFu >> (n_panels * AML_PANEL - s->m->n);
    for (size_t i = 0; i < n; i++) {
        if (stopped(s)) return false;
        for (size_t panel = 0; panel < n_panels; panel++)
            offer(s, q + i, panel, panel + 1 < n_panels ? 0xFFFFu : last);
        aml_nearest_finish(&q[i].nearest);
    }
    return true;
}

static bool search_tree(search *s, seeker *q, size_t n) {
    if (stopped(s)) return false;
    for (size_t i = 0; i < n; i++)
        aml_neighbour_tree_find(q[i].nearest.distance, q[i].nearest.row, s->k, s->m->tree,
                                q[i].query, s->kernels);
    return true;
}

static size_t code_width(const aml_neighbours *m) { return m->coarse ? m->coarse->width : 0; }

/* Queries begin … end-1, padded; those beyond the last, up to `room`, are zeros. */
static void load_queries(float *x, const search *s, size_t begin, size_t end, size_t room) {
    size_t p = s->m->p, width = padded(p), n = end - begin;
    aml_rows_floats(x, s->x, begin, end);
    memset(x + n * p, 0, (room * width - n * p) * sizeof *x);
    for (size_t i = n; width > p && i-- > 0;) {
        memmove(x + i * width, x + i * p, p * sizeof *x);
        memset(x + i * width + p, 0, (width - p) * sizeof *x);
    }
}

static void prepare_query(seeker *q, const search *s, float *x, int8_t *code) {
    const aml_neighbours *m = s->m;
    double square = 0;
    for (size_t j = 0; j < m->p; j++) x[j] = limited(x[j]);
    for (size_t j = 0; j < m->p; j++) square += (double)x[j] * (double)x[j];
    q->query = x;
    q->half = half_square(square, m->p);
    q->square = square;
    q->code = code;
    q->base = q->error = 0;
    if (m->coarse) aml_coarse_query(code, &q->base, &q->error, m->coarse, x);
}

static void find_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    search *s = arg;
    size_t k = s->k, first = (size_t)thread * QUERIES, width = padded(s->m->p);
    size_t n = end - begin, room = n <= LONE ? n : QUERIES;
    seeker seekers[QUERIES];
    (void)block;
    load_queries(s->query + first * width, s, begin, end, room);
    for (size_t i = 0; i < room; i++) {
        seekers[i] = (seeker){.nearest = {.distance = s->distance + (first + i) * s->room,
                                          .work = s->work + (size_t)thread * s->room,
                                          .row = s->row + (first + i) * s->room}};
        aml_nearest_start(&seekers[i].nearest, k, INFINITY);
        prepare_query(seekers + i, s, s->query + (first + i) * width,
                      s->code + (first + i) * code_width(s->m));
    }
    float *best = s->best ? s->best + first * 2 * AML_PANEL * aml_bound_rounds(k) : NULL;
    bool done = s->m->tree  ? search_tree(s, seekers, n)
                : n <= LONE ? search_lone(s, seekers, n)
                            : search_all(s, seekers, n, best);
    for (size_t i = begin; i < end && done; i++) {
        const aml_nearest *found = &seekers[i - begin].nearest;
        s->fn(s->arg, i, found->row, found->distance, k);
    }
}

aml_status aml_neighbours_find(const aml_neighbours *m, size_t k, const aml_data *x,
                               aml_neighbours_fn fn, void *arg, aml_ctx *ctx) {
    size_t n_threads = ctx->n_threads > 1 ? (size_t)ctx->n_threads : 1, slots = n_threads * QUERIES;
    aml_mark mark = aml_arena_mark(ctx->scratch);
    search s = {.m = m, .x = x, .k = k, .fn = fn, .arg = arg, .ctx = ctx};
    s.query = aml_alloc_raw(ctx->scratch, slots * padded(m->p), sizeof(float));
    s.room = aml_nearest_room(k);
    s.distance = aml_alloc_raw(ctx->scratch, slots * s.room, sizeof(float));
    s.work = aml_alloc_raw(ctx->scratch, n_threads * s.room, sizeof(float));
    s.row = aml_alloc_raw(ctx->scratch, slots * s.room, sizeof(uint32_t));
    s.code = aml_alloc_raw(ctx->scratch, slots, code_width(m));
    bool bounded = !m->tree && k >= AML_NEAREST_MANY && m->n >= 2 * AML_BOUND_SETS * k;
    if (bounded)
        s.best =
            aml_alloc_raw(ctx->scratch, slots * 2 * AML_PANEL * aml_bound_rounds(k), sizeof(float));
    if (!s.query || !s.distance || !s.work || !s.row || !s.code || (bounded && !s.best))
        return AML_ENOMEM;
    s.kernels = aml_neighbour_kernels_best();
    atomic_init(&s.stopped, false);
    aml_par_for(ctx->n_threads, x->n, QUERIES, find_block, &s);
    aml_arena_release(ctx->scratch, mark);
    return atomic_load(&s.stopped) ? aml_stopped() : AML_OK;
}
