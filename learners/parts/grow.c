/* grow.c: growing a tree leaf by leaf. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "automl/core/par.h"
#include "learners/parts/grow_work.h"

enum {
    ALONE_ROWS = 32768,     /* larger leaves are split one by one, with all threads, */
    FEW_ALONE_ROWS = 8192,  /* and when there are few smaller ones, those of more than this */
    POOL_BYTES = 256 << 20, /* histograms kept for subtraction */
    POOL_LEAST = 4
};

/* ---- memory */

static bool rows_are_positions(const uint32_t *rows, size_t n) {
    size_t i = 0;
    while (i < n && rows[i] == i) i++;
    return i == n;
}

static aml_status alloc_rows(aml_grower *g, size_t n, uint32_t *room, aml_arena *a) {
    size_t p = g->bins->p, threads = (size_t)g->plan.n_threads;
    if (!room) room = aml_alloc_raw(a, n, 2 * sizeof *room);
    g->found = AML_ARRAY(a, threads, aml_split *);
    if (!room || !g->found) return AML_ENOMEM;
    g->position = room;
    g->spare = room + n;
    g->leaf_of = (uint8_t *)g->spare;
    g->n = n;
    for (size_t t = 0; t < threads; t++)
        if (!(g->found[t] = AML_ARRAY(a, AML_SPLIT_ROOM(p), aml_split))) return AML_ENOMEM;
    if (!g->rules->groups && !(g->rules->node_fraction > 0 && g->rules->node_fraction < 1))
        return AML_OK;
    g->look = AML_ARRAY(a, threads, uint32_t *);
    if (!g->look) return AML_ENOMEM;
    for (size_t t = 0; t < threads; t++)
        if (!(g->look[t] = AML_ARRAY(a, p, uint32_t))) return AML_ENOMEM;
    return AML_OK;
}

static aml_status alloc_nodes(aml_grower *g, aml_arena *a) {
    size_t leaves = g->rules->n_leaves;
    g->leaf = AML_ARRAY(a, leaves, aml_leaf);
    g->node = AML_ARRAY(a, 2 * leaves, aml_node);
    g->bin = AML_ARRAY(a, 2 * leaves, uint8_t);
    g->gain = AML_ARRAY(a, 2 * leaves, double);
    g->cover = AML_ARRAY(a, 2 * leaves, float);
    g->set = AML_ARRAY(a, leaves * AML_SET_WORDS, uint32_t);
    g->hist_slots = aml_hist_most_slots(&g->plan) + 1;
    g->n_most = POOL_BYTES / (g->hist_slots * sizeof(uint64_t));
    if (g->n_most < POOL_LEAST) g->n_most = POOL_LEAST;
    if (g->n_most > leaves + 1) g->n_most = leaves + 1;
    g->pool = AML_ARRAY(a, g->n_most, uint64_t *);
    bool ok = g->leaf && g->node && g->bin && g->gain && g->cover && g->set && g->pool;
    return ok ? AML_OK : AML_ENOMEM;
}

aml_grower *aml_grower_new(const aml_boost_bins *from, const uint32_t *rows, size_t n,
                           const aml_grow_rules *rules, uint32_t *room, aml_ctx *ctx) {
    aml_grower *g = AML_NEW(ctx->scratch, aml_grower);
    if (!g) return NULL;
    *g = (aml_grower){.bins = &from->bins, .from = from, .rules = rules, .ctx = ctx};
    if (!rows_are_positions(rows, n)) g->rows = rows;
    if (aml_hist_plan_init(&g->plan, from, ctx) || alloc_rows(g, n, room, ctx->scratch) ||
        alloc_nodes(g, ctx->scratch))
        return NULL;
    return g;
}

/* A histogram for a leaf: a free one, a new one, or the one of the leaf that will be split last, if ever. */
static uint64_t *take_hist(aml_grower *g) {
    if (g->n_free) return g->pool[--g->n_free];
    if (g->n_made < g->n_most) {
        uint64_t *hist = aml_alloc_raw(g->ctx->scratch, g->hist_slots, sizeof *hist);
        if (hist) g->n_made++;
        return hist;
    }
    aml_leaf *least = NULL;
    for (uint32_t i = 0; i < g->n_leaves; i++) {
        aml_leaf *l = g->leaf + i;
        if (l->hist && !l->busy && (!least || l->split.gain < least->split.gain)) least = l;
    }
    assert(least); /* there are more histograms than leaves that are busy */
    uint64_t *hist = least->hist;
    least->hist = NULL;
    return hist;
}

static void give_hist(aml_grower *g, uint64_t **hist) {
    if (*hist) g->pool[g->n_free++] = *hist;
    *hist = NULL;
}

/* ---- batches */

static bool comes_before(const aml_grower *g, uint32_t i, uint32_t j) {
    const aml_leaf *a = g->leaf + i, *b = g->leaf + j;
    if (g->rules->by_depth && a->depth != b->depth) return a->depth < b->depth;
    return a->split.gain > b->split.gain;
}

/* Up to k leaves to split, in the order that they are due. */
static size_t choose_leaves(aml_grow_item *item, const aml_grower *g, size_t k) {
    size_t n = 0;
    for (uint32_t i = 0; i < g->n_leaves; i++) {
        if (!(g->leaf[i].split.gain > 0) || (n == k && !comes_before(g, i, item[n - 1].leaf)))
            continue;
        if (n < k) n++;
        size_t at = n - 1;
        for (; at && comes_before(g, i, item[at - 1].leaf); at--) item[at] = item[at - 1];
        item[at] = (aml_grow_item){.leaf = i};
    }
    return n;
}

static size_t batch_size(const aml_grower *g) {
    size_t k = (g->rules->n_leaves - g->n_leaves) / 8, free = g->n_free + g->n_most - g->n_made;
    if (k > AML_BATCH_MOST) k = AML_BATCH_MOST;
    if (k > free) k = free;
    return k ? k : 1;
}

/* Nodes, a place among the leaves and histograms for each of the batch. */
static aml_status reserve(aml_grower *g, size_t n) {
    for (size_t i = 0; i < n; i++) g->leaf[g->item[i].leaf].busy = true;
    for (size_t i = 0; i < n; i++) {
        aml_grow_item *item = g->item + i;
        aml_leaf *l = g->leaf + item->leaf;
        item->other = g->n_leaves;
        item->child = g->n_nodes;
        if (l->split.category) item->set = g->n_sets++;
        item->last = g->n_leaves + 1 == g->rules->n_leaves;
        if (!item->last && !(item->hist = take_hist(g))) return AML_ENOMEM;
        if (!item->last && !l->hist && !(item->second = take_hist(g))) return AML_ENOMEM;
        g->node[g->n_nodes] = g->node[g->n_nodes + 1] = (aml_node){0};
        g->leaf[g->n_leaves] = (aml_leaf){0};
        g->n_nodes += 2;
        g->n_leaves++;
    }
    return AML_OK;
}

/* Histograms that nobody will look at go back. */
static void settle(aml_grower *g, aml_leaf *l) {
    l->busy = false;
    if (!(l->split.gain > 0)) give_hist(g, &l->hist);
}

typedef struct batch_job {
    aml_grower *g;
    uint32_t item[AML_BATCH_MOST];
    size_t n;
} batch_job;

static void split_items(void *arg, size_t block, size_t begin, size_t end, int thread) {
    batch_job *job = arg;
    (void)block;
    for (size_t i = begin; i < end; i++)
        aml_grow_split(job->g, job->g->item + job->item[i], (aml_hands){1, thread});
}

/* Few leaves of different sizes would keep some threads waiting for the last. */
static size_t alone_rows(const aml_grower *g, size_t n) {
    size_t n_small = 0;
    for (size_t i = 0; i < n; i++) n_small += g->leaf[g->item[i].leaf].n <= ALONE_ROWS;
    return n_small < 3 * (size_t)g->plan.n_threads ? FEW_ALONE_ROWS : ALONE_ROWS;
}

static aml_status split_batch(aml_grower *g) {
    batch_job small = {.g = g};
    size_t n = choose_leaves(g->item, g, batch_size(g));
    AML_TRY(reserve(g, n));
    size_t most = alone_rows(g, n);
    for (uint32_t i = 0; i < n; i++) {
        bool alone = n == 1 || g->leaf[g->item[i].leaf].n > most;
        if (alone) aml_grow_split(g, g->item + i, (aml_hands){g->plan.n_threads, 0});
        else small.item[small.n++] = i;
    }
    aml_par_for(g->plan.n_threads, small.n, 1, split_items, &small);
    for (size_t i = 0; i < n; i++) {
        settle(g, g->leaf + g->item[i].leaf);
        settle(g, g->leaf + g->item[i].other);
    }
    return AML_OK;
}

static bool has_split(const aml_grower *g) {
    for (uint32_t i = 0; i < g->n_leaves; i++)
        if (g->leaf[i].split.gain > 0) return true;
    return false;
}

/* ---- the tree */

static uint64_t total_of(const aml_grower *g, const uint64_t *hist) {
    const aml_round *round = g->round;
    uint64_t total = 0;
    for (size_t s = 0; s < g->plan.slots && g->plan.n_columns; s++) total += hist[s];
    for (size_t i = 0; i < round->n && !g->plan.n_columns; i++)
        total += aml_widen(round->gradients.packed[round->position ? round->position[i] : i]);
    return total;
}

static aml_status start(aml_grower *g) {
    const aml_round *round = g->round;
    aml_leaf *root = g->leaf;
    aml_hands all = {g->plan.n_threads, 0};
    *root = (aml_leaf){.n = round->n,
                       .fresh = !round->position,
                       .groups = UINT64_MAX,
                       .bounds = {-INFINITY, INFINITY}};
    g->n_leaves = g->n_nodes = 1;
    g->n_sets = 0;
    g->node[0] = (aml_node){0};
    g->cover[0] = (float)round->n;
    aml_hist_plan_features(&g->plan, round->feature, round->n_features);
    if (!round->n_features || round->n < 2) return AML_OK;
    if (round->position) memcpy(g->position, round->position, round->n * sizeof *g->position);
    if (!(root->hist = take_hist(g))) return AML_ENOMEM;
    aml_grow_sum(g, root, NULL, all);
    root->total = total_of(g, root->hist);
    aml_grow_search(g, &root, 1, all);
    settle(g, root);
    return AML_OK;
}

aml_status aml_grower_grow(bool *stopped, aml_grower *g, const aml_round *round) {
    g->round = round;
    atomic_store(&g->stopped, false);
    AML_TRY(start(g));
    while (g->n_leaves < g->rules->n_leaves && !atomic_load(&g->stopped) && has_split(g)) {
        AML_TRY(split_batch(g));
        if (aml_should_stop(g->ctx)) atomic_store(&g->stopped, true);
    }
    for (uint32_t i = 0; i < g->n_leaves; i++) {
        aml_leaf *l = g->leaf + i;
        double slope = (double)aml_slope(l->total) * round->gradients.slope_unit;
        double curvature = (double)aml_curvature(l->total) * round->gradients.curvature_unit;
        aml_grower_set_value(g, i, aml_leaf_value(&g->rules->split, slope, curvature));
        l->busy = false;
        give_hist(g, &l->hist);
    }
    if (g->n_leaves > 1) aml_grow_number_leaves(g);
    *stopped = atomic_load(&g->stopped);
    return AML_OK;
}
