/* neighbours_tree.c: building and searching a k-d tree. */
#include "learners/parts/neighbours_tree.h"

#include <math.h>
#include <string.h>

/* Trees are tried up to this many features and from this many rows on; a leaf costs as much as LEAF_COST panels of a
 * search of all. SAMPLE rows tell how many leaves a query visits. */
enum { MOST_FEATURES = 12, LEAST_ROWS = 2048, LEAF_COST = 100, SAMPLE = 64, MOST_DEPTH = 64 };

/* ---- building */

typedef struct builder {
    aml_neighbour_tree *t;
    const aml_neighbours *m;
    float *key;
} builder;

static float value(const aml_neighbours *m, uint32_t row, size_t j) {
    return m->panel[(row / AML_PANEL * m->p + j) * AML_PANEL + row % AML_PANEL];
}

/* The feature that spreads widest over some of the rows from … to-1. */
static size_t widest(const builder *b, size_t from, size_t to) {
    size_t step = (to - from) / SAMPLE + 1, best = 0;
    float most = -1;
    for (size_t j = 0; j < b->m->p; j++) {
        float lo = INFINITY, hi = -INFINITY;
        for (size_t i = from; i < to; i += step) {
            float v = value(b->m, b->t->row[i], j);
            lo = v < lo ? v : lo;
            hi = v > hi ? v : hi;
        }
        if (hi - lo > most) most = hi - lo, best = j;
    }
    return best;
}

/* The box of a leaf's rows, or of two children. */
static void put_box(const builder *b, size_t node, size_t leaf, size_t to) {
    size_t p = b->m->p;
    float *lo = b->t->box + node * 2 * p, *hi = lo + p;
    for (size_t j = 0; j < p; j++) {
        lo[j] = INFINITY, hi[j] = -INFINITY;
        for (size_t i = leaf * AML_PANEL; i < to; i++) {
            float v = value(b->m, b->t->row[i], j);
            lo[j] = v < lo[j] ? v : lo[j];
            hi[j] = v > hi[j] ? v : hi[j];
        }
    }
}

static void join_boxes(const builder *b, size_t node) {
    size_t p = b->m->p;
    float *lo = b->t->box + node * 2 * p, *hi = lo + p;
    const float *left = b->t->box + (2 * node + 1) * 2 * p, *right = left + 2 * p;
    for (size_t j = 0; j < p; j++) {
        lo[j] = left[j] < right[j] ? left[j] : right[j];
        hi[j] = left[p + j] > right[p + j] ? left[p + j] : right[p + j];
    }
}

static void swap_rows(float *key, uint32_t *row, size_t i, size_t j) {
    float k = key[i];
    uint32_t r = row[i];
    key[i] = key[j], row[i] = row[j];
    key[j] = k, row[j] = r;
}

static float middle_of(float a, float b, float c) {
    float lo = a < b ? a : b, hi = a < b ? b : a;
    return c < lo ? lo : c > hi ? hi : c;
}

/* Brings the `first` smallest of the n rows to the front (Hoare's selection). */
static void divide_rows(const builder *b, size_t from, size_t n, size_t first, size_t feature) {
    uint32_t *row = b->t->row + from;
    float *key = b->key;
    size_t lo = 0, hi = n - 1;
    for (size_t i = 0; i < n; i++) key[i] = value(b->m, row[i], feature);
    while (lo < hi) {
        float pivot = middle_of(key[lo], key[lo + (hi - lo) / 2], key[hi]);
        size_t i = lo, j = hi;
        for (;; i++, j--) {
            while (key[i] < pivot) i++;
            while (key[j] > pivot) j--;
            if (i >= j) break;
            swap_rows(key, row, i, j);
        }
        if (j >= first) hi = j; /* behind j all are at least the pivot */
        else lo = j + 1;
    }
}

static void put_leaf(const builder *b, size_t leaf, size_t to) {
    size_t p = b->m->p;
    float *panel = b->t->panel + leaf * p * AML_PANEL;
    for (size_t i = leaf * AML_PANEL; i < to; i++)
        for (size_t j = 0; j < p; j++)
            panel[j * AML_PANEL + i % AML_PANEL] = value(b->m, b->t->row[i], j);
}

/* Node over leaves a … b-1; the depth is that of halving. */
static void build_node(const builder *b, size_t node, size_t first, size_t end) {
    size_t from = first * AML_PANEL, to = end * AML_PANEL, middle = (first + end) / 2;
    if (to > b->m->n) to = b->m->n;
    if (end - first == 1) {
        put_box(b, node, first, to);
        put_leaf(b, first, to);
        return;
    }
    divide_rows(b, from, to - from, middle * AML_PANEL - from, widest(b, from, to));
    build_node(b, 2 * node + 1, first, middle);
    build_node(b, 2 * node + 2, middle, end);
    join_boxes(b, node);
}

static size_t n_nodes(size_t n_leaves) {
    size_t width = 1;
    while (width < n_leaves) width *= 2;
    return 2 * width;
}

static aml_status build(aml_neighbour_tree *t, const aml_neighbours *m, aml_ctx *ctx) {
    t->n = m->n, t->p = m->p, t->n_leaves = (m->n + AML_PANEL - 1) / AML_PANEL;
    size_t rows = t->n_leaves * AML_PANEL;
    aml_mark mark = aml_arena_mark(ctx->scratch);
    builder b = {.t = t, .m = m};
    t->row = aml_alloc_raw(ctx->keep, rows, sizeof *t->row);
    t->panel = aml_alloc(ctx->keep, rows * m->p, sizeof *t->panel);
    t->box = aml_alloc_raw(ctx->keep, n_nodes(t->n_leaves) * 2 * m->p, sizeof *t->box);
    b.key = aml_alloc_raw(ctx->scratch, m->n, sizeof *b.key);
    if (!t->row || !t->panel || !t->box || !b.key) return AML_ENOMEM;
    for (size_t i = 0; i < m->n; i++) t->row[i] = (uint32_t)i;
    build_node(&b, 0, 0, t->n_leaves);
    aml_arena_release(ctx->scratch, mark);
    return AML_OK;
}

aml_status aml_neighbour_tree_build(const aml_neighbour_tree **out, const aml_neighbours *m,
                                    size_t k, aml_ctx *ctx) {
    *out = NULL;
    if (!m->p || m->p > MOST_FEATURES || m->n < LEAST_ROWS || k > m->n / 16) return AML_OK;
    aml_mark kept = aml_arena_mark(ctx->keep), mark = aml_arena_mark(ctx->scratch);
    aml_neighbour_tree *t = AML_NEW(ctx->keep, aml_neighbour_tree);
    float *distance = AML_ARRAY(ctx->scratch, k, float);
    uint32_t *row = AML_ARRAY(ctx->scratch, k, uint32_t);
    if (!t || !distance || !row) return AML_ENOMEM;
    AML_TRY(build(t, m, ctx));
    size_t visited = 0;
    for (size_t i = 0; i < SAMPLE; i++) {
        float q[MOST_FEATURES];
        for (size_t j = 0; j < m->p; j++) q[j] = value(m, (uint32_t)(i * m->n / SAMPLE), j);
        visited += aml_neighbour_tree_find(distance, row, k, t, q, aml_neighbour_kernels_best());
    }
    aml_arena_release(ctx->scratch, mark);
    if (visited * LEAF_COST <= t->n_leaves * SAMPLE) *out = t;
    else aml_arena_release(ctx->keep, kept);
    return AML_OK;
}

/* ---- searching */

/* The squared distance of q from a box: added like that of two rows. */
static float away(const float *q, const float *box, size_t p) {
    float sum[4] = {0};
    for (size_t j = 0; j < p; j++) {
        float below = box[j] - q[j], above = q[j] - box[p + j];
        float gap = below > 0 ? below : above > 0 ? above : 0;
        sum[j % 4] += gap * gap;
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static bool nearer(float d, uint32_t r, float other, uint32_t other_row) {
    return d < other || (d == other && r < other_row);
}

static void insert(float *distance, uint32_t *row, size_t k, float d, uint32_t r) {
    size_t at = k - 1;
    if (!nearer(d, r, distance[at], row[at])) return;
    for (; at > 0 && nearer(d, r, distance[at - 1], row[at - 1]); at--) {
        distance[at] = distance[at - 1];
        row[at] = row[at - 1];
    }
    distance[at] = d;
    row[at] = r;
}

typedef struct visit {
    float away;
    size_t node, first, end;
} visit;

size_t aml_neighbour_tree_find(float *distance, uint32_t *row, size_t k,
                               const aml_neighbour_tree *t, const float *q,
                               const aml_neighbour_kernels *kernels) {
    visit stack[MOST_DEPTH];
    size_t n = 0, visited = 0, size = 2 * t->p;
    for (size_t i = 0; i < k; i++) distance[i] = INFINITY, row[i] = UINT32_MAX;
    stack[n++] = (visit){0, 0, 0, t->n_leaves};
    while (n) {
        visit v = stack[--n];
        if (v.away > distance[k - 1]) continue;
        if (v.end - v.first == 1) {
            float d[AML_PANEL];
            size_t begin = v.first * AML_PANEL;
            size_t count = t->n - begin < AML_PANEL ? t->n - begin : AML_PANEL;
            kernels->distances(d, q, t->panel + begin * t->p, t->p);
            for (size_t i = 0; i < count; i++)
                if (d[i] <= distance[k - 1]) insert(distance, row, k, d[i], t->row[begin + i]);
            visited++;
            continue;
        }
        size_t middle = (v.first + v.end) / 2;
        visit left = {0, 2 * v.node + 1, v.first, middle},
              right = {0, 2 * v.node + 2, middle, v.end};
        left.away = away(q, t->box + left.node * size, t->p);
        right.away = away(q, t->box + right.node * size, t->p);
        bool left_first = left.away <= right.away;
        stack[n++] = left_first ? right : left;
        stack[n++] = left_first ? left : right;
    }
    return visited;
}
