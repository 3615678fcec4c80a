/* neighbours.c: blocked distances with the selection of the nearest fused in. */
#include "learners/parts/neighbours.h"

#include "automl/core/par.h"
#include "learners/parts/rows.h"
#include "learners/parts/simd.h"

#include <string.h>

enum { QUERIES = 64, GROUP = 4, TILE_FLOATS = 1 << 16 };

/* One panel's values of a feature. */
typedef float lanes __attribute__((vector_size(AML_PANEL * sizeof(float))));

typedef struct search {
    const aml_neighbours *m;
    const aml_data *x;
    size_t k;
    aml_neighbours_fn fn;
    void *arg;
    const aml_ctx *ctx;
    float *query, *distance; /* for each thread: QUERIES × p (padded), QUERIES × k */
    uint32_t *row;
    void (*group)(const struct search *s, float *query, float *distance, uint32_t *row, size_t from,
                  size_t to);
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

aml_status aml_neighbours_build(aml_neighbours *out, const aml_data *x, aml_ctx *ctx) {
    size_t p = x->x->p, n_threads = ctx->n_threads > 1 ? (size_t)ctx->n_threads : 1;
    aml_mark mark = aml_arena_mark(ctx->scratch);
    build b = {.panel = aml_alloc(ctx->keep, aml_neighbours_floats(x->n, p), sizeof(float)),
               .x = x};
    b.scratch = aml_alloc_raw(ctx->scratch, n_threads * AML_PANEL * p, sizeof(float));
    if (!b.panel || !b.scratch) return AML_ENOMEM;
    aml_par_for(ctx->n_threads, x->n, AML_PANEL, build_panel, &b);
    aml_arena_release(ctx->scratch, mark);
    *out = (aml_neighbours){.n = x->n, .p = p, .panel = b.panel};
    return AML_OK;
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

AML_KERNEL void select_nearest(float *distance, uint32_t *row, size_t k, const lanes *sum,
                               size_t panel, size_t count) {
    float limit = distance[k - 1], d[AML_PANEL];
    int any = 0;
    memcpy(d, sum, sizeof d);
    for (size_t i = 0; i < AML_PANEL; i++) any |= d[i] < limit;
    if (!any) return;
    for (size_t i = 0; i < count; i++)
        if (d[i] < distance[k - 1])
            insert(distance, row, k, d[i], (uint32_t)(panel * AML_PANEL + i));
}

/* Four queries against panels from … to-1: their sums stay in registers. */
AML_KERNEL void group_body(const search *s, float *query, float *distance, uint32_t *row,
                           size_t from, size_t to) {
    size_t p = s->m->p, k = s->k, n = s->m->n, width = padded(p);
    const float *q0 = query, *q1 = q0 + width, *q2 = q1 + width, *q3 = q2 + width;
    for (size_t panel = from; panel < to; panel++) {
        const float *x = s->m->panel + panel * p * AML_PANEL;
        lanes s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0}, v;
        for (size_t j = 0; j < p; j++, x += AML_PANEL) {
            memcpy(&v, x, sizeof v);
            lanes d0 = v - q0[j], d1 = v - q1[j], d2 = v - q2[j], d3 = v - q3[j];
            s0 += d0 * d0;
            s1 += d1 * d1;
            s2 += d2 * d2;
            s3 += d3 * d3;
        }
        size_t left = n - panel * AML_PANEL, count = left < AML_PANEL ? left : AML_PANEL;
        select_nearest(distance, row, k, &s0, panel, count);
        select_nearest(distance + k, row + k, k, &s1, panel, count);
        select_nearest(distance + 2 * k, row + 2 * k, k, &s2, panel, count);
        select_nearest(distance + 3 * k, row + 3 * k, k, &s3, panel, count);
    }
}

static void group_plain(const search *s, float *query, float *distance, uint32_t *row, size_t from,
                        size_t to) {
    group_body(s, query, distance, row, from, to);
}

AML_AVX2 static void group_avx2(const search *s, float *query, float *distance, uint32_t *row,
                                size_t from, size_t to) {
    group_body(s, query, distance, row, from, to);
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static void group_avx512(const search *s, float *query,
                                                            float *distance, uint32_t *row,
                                                            size_t from, size_t to) {
    group_body(s, query, distance, row, from, to);
}
static bool has_avx512(void) { return __builtin_cpu_supports("avx512f") != 0; }
#else
#define group_avx512 group_plain
static bool has_avx512(void) { return false; }
#endif

/* A block of queries against all rows, tile by tile of what the cache holds. */
static void find_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    search *s = arg;
    size_t p = s->m->p, k = s->k, width = padded(p),
           n_panels = (s->m->n + AML_PANEL - 1) / AML_PANEL;
    size_t tile = TILE_FLOATS / (AML_PANEL * (p + 1)) + 1;
    float *query = s->query + (size_t)thread * QUERIES * width,
          *distance = s->distance + (size_t)thread * QUERIES * k;
    uint32_t *row = s->row + (size_t)thread * QUERIES * k;
    (void)block;
    memset(query, 0, QUERIES * width * sizeof *query);
    for (size_t i = begin; i < end; i++) {
        float *q = query + (i - begin) * width;
        aml_rows_floats(q, s->x, i, i + 1);
        for (size_t j = 0; j < p; j++) q[j] = limited(q[j]);
    }
    for (size_t i = 0; i < QUERIES * k; i++) distance[i] = 3e38f;
    for (size_t from = 0; from < n_panels; from += tile) {
        size_t to = from + tile < n_panels ? from + tile : n_panels;
        if (aml_should_stop(s->ctx)) atomic_store(&s->stopped, true);
        if (atomic_load(&s->stopped)) return;
        for (size_t g = 0; g < end - begin; g += GROUP)
            s->group(s, query + g * width, distance + g * k, row + g * k, from, to);
    }
    for (size_t i = begin; i < end; i++)
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
    s.group = has_avx512() ? group_avx512 : aml_has_avx2() ? group_avx2 : group_plain;
    atomic_init(&s.stopped, false);
    aml_par_for(ctx->n_threads, x->n, QUERIES, find_block, &s);
    aml_arena_release(ctx->scratch, mark);
    return atomic_load(&s.stopped) ? aml_stopped() : AML_OK;
}
