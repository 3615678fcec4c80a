/* grow.c: growing a tree leaf by leaf. */
#include "learners/parts/grow.h"

#include <math.h>
#include <string.h>

#include "automl/core/par.h"
#include "learners/parts/partition.h"

enum {
    COMPACT_ROWS =
        65536, /* leaves of so many rows are gathered: their sums then stream through memory */
    POOL_BYTES = 256 << 20, /* histograms kept for subtraction */
    POOL_LEAST = 4
};

struct aml_grower {
    const aml_bins *bins;
    const uint32_t *rows;
    const aml_grow_rules *rules;
    aml_ctx *ctx;
    aml_hist_plan plan;
    const aml_round *round;
    bool stopped;

    uint32_t *position, *spare; /* n, 2n */
    uint64_t *gradient;         /* of gathered rows, n */
    uint8_t *store;             /* gathered rows, n × row_bytes */
    aml_row_block moved;        /* partition's spare */

    aml_leaf *leaf;
    uint32_t n_leaves, n_nodes, n_sets;
    aml_node *node; /* 2 × leaves */
    uint8_t *bin;   /* of inner nodes on numbers */
    double *gain;   /* of inner nodes */
    uint32_t *set;

    uint64_t **pool; /* free histograms */
    size_t n_free, n_made, n_most, hist_slots;
    aml_split *found;
    uint32_t *place; /* design feature to its place in the plan */
};

/* ---- memory */

static aml_status alloc_rows(aml_grower *g, size_t n, aml_arena *a) {
    size_t bytes = (g->bins->p + 7) / 8 * 8, most = n < COMPACT_ROWS ? n : COMPACT_ROWS;
    g->position = aml_alloc_raw(a, n, sizeof *g->position);
    g->spare = aml_alloc_raw(a, 2 * n, sizeof *g->spare);
    g->gradient = aml_alloc_raw(a, n, sizeof *g->gradient);
    g->store = aml_alloc_raw(a, n, bytes);
    g->moved.row = aml_alloc_raw(a, most, bytes);
    g->moved.gradient = aml_alloc_raw(a, most, sizeof *g->moved.gradient);
    g->moved.position = g->spare;
    bool ok =
        g->position && g->spare && g->gradient && g->store && g->moved.row && g->moved.gradient;
    return ok ? AML_OK : AML_ENOMEM;
}

static aml_status alloc_nodes(aml_grower *g, aml_arena *a) {
    size_t leaves = g->rules->n_leaves, p = g->bins->p;
    g->leaf = AML_ARRAY(a, leaves, aml_leaf);
    g->node = AML_ARRAY(a, 2 * leaves, aml_node);
    g->bin = AML_ARRAY(a, 2 * leaves, uint8_t);
    g->gain = AML_ARRAY(a, 2 * leaves, double);
    g->set = AML_ARRAY(a, leaves * AML_SET_WORDS, uint32_t);
    g->found = AML_ARRAY(a, p, aml_split);
    g->place = AML_ARRAY(a, p, uint32_t);
    g->hist_slots = 1;
    for (size_t j = 0; j < p; j++) g->hist_slots += g->bins->n_bins[j] + 1u;
    g->n_most = POOL_BYTES / (g->hist_slots * sizeof(uint64_t));
    if (g->n_most < POOL_LEAST) g->n_most = POOL_LEAST;
    if (g->n_most > leaves + 1) g->n_most = leaves + 1;
    g->pool = AML_ARRAY(a, g->n_most, uint64_t *);
    bool ok = g->leaf && g->node && g->bin && g->gain && g->set && g->found && g->place && g->pool;
    return ok ? AML_OK : AML_ENOMEM;
}

aml_grower *aml_grower_new(const aml_bins *bins, const uint32_t *rows, size_t n,
                           const aml_grow_rules *rules, aml_ctx *ctx) {
    aml_grower *g = AML_NEW(ctx->scratch, aml_grower);
    if (!g) return NULL;
    *g = (aml_grower){.bins = bins, .rows = rows, .rules = rules, .ctx = ctx};
    if (aml_hist_plan_init(&g->plan, bins, rows, ctx) || alloc_rows(g, n, ctx->scratch) ||
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
    for (uint32_t i = 0; i < g->n_leaves; i++)
        if (g->leaf[i].hist && (!least || g->leaf[i].split.gain < least->split.gain))
            least = &g->leaf[i];
    uint64_t *hist = least->hist;
    least->hist = NULL;
    return hist;
}

static void give_hist(aml_grower *g, uint64_t **hist) {
    if (*hist) g->pool[g->n_free++] = *hist;
    *hist = NULL;
}

/* ---- leaves */

static bool may_split(const aml_grower *g, const aml_leaf *l) {
    const aml_split_rules *r = &g->rules->split;
    double curvature = (double)aml_curvature(l->total) * g->round->curvature_unit;
    if (g->rules->max_depth && l->depth >= g->rules->max_depth) return false;
    return l->n >= 2 && (double)l->n >= 2 * r->min_rows && curvature >= 2 * r->min_curvature;
}

static void compact(aml_grower *g, aml_leaf *l) {
    if (l->compact || l->n > COMPACT_ROWS) return;
    const uint32_t *position = g->position + l->begin;
    aml_hist_gather(g->store + l->begin * g->plan.row_bytes, &g->plan, position, 0, l->n);
    for (size_t i = 0; i < l->n; i++) g->gradient[l->begin + i] = g->round->gradient[position[i]];
    l->compact = true;
}

static void sum_leaf(aml_grower *g, aml_leaf *l) {
    bool ok;
    compact(g, l);
    if (l->compact)
        ok = aml_hist_sum_rows(l->hist, &g->plan, g->store + l->begin * g->plan.row_bytes, l->n,
                               g->gradient + l->begin, g->ctx);
    else
        ok = aml_hist_sum(l->hist, &g->plan, g->position + l->begin, l->n, g->round->gradient,
                          g->ctx);
    if (!ok) g->stopped = true;
}

static void search_leaf(aml_grower *g, aml_leaf *l) {
    l->split.gain = 0;
    if (g->stopped || !may_split(g, l)) {
        give_hist(g, &l->hist);
        return;
    }
    aml_split_search search = {.plan = &g->plan,
                               .rules = &g->rules->split,
                               .slope_unit = g->round->slope_unit,
                               .curvature_unit = g->round->curvature_unit,
                               .hist = l->hist,
                               .total = l->total,
                               .n_rows = l->n,
                               .rng = aml_rng_child(&g->round->rng, l->node),
                               .found = g->found};
    l->split = aml_split_find(&search);
    if (!(l->split.gain > 0)) give_hist(g, &l->hist);
}

/* Histograms of both children: the smaller is summed, the other is what is left of the parent's. */
static aml_status search_children(aml_grower *g, uint64_t *parent, aml_leaf *a, aml_leaf *b) {
    aml_leaf *small = a->n <= b->n ? a : b, *large = small == a ? b : a;
    bool need_large = may_split(g, large), need_small = may_split(g, small);
    if (!need_large && !need_small) {
        give_hist(g, &parent);
        return AML_OK;
    }
    large->hist = parent; /* not to be taken away meanwhile: gains count */
    large->split.gain = small->split.gain = INFINITY;
    if (need_small || parent) {
        if (!(small->hist = take_hist(g))) return AML_ENOMEM;
        sum_leaf(g, small);
    }
    if (need_large && parent) {
        aml_hist_subtract(parent, small->hist, g->plan.n_slots);
        compact(g, large);
    } else if (need_large) {
        if (!(large->hist = take_hist(g))) return AML_ENOMEM;
        sum_leaf(g, large);
    }
    search_leaf(g, small);
    search_leaf(g, large);
    return AML_OK;
}

/* ---- splitting */

static void put_node(aml_grower *g, const aml_leaf *l, uint32_t child) {
    const aml_split *s = &l->split;
    aml_node *node = g->node + l->node;
    *node = (aml_node){
        .feature = s->feature, .left = child, .kind = s->missing_left ? AML_NODE_MISSING_LEFT : 0u};
    g->gain[l->node] = s->gain;
    g->bin[l->node] = s->bin;
    if (s->category) {
        node->kind |= AML_NODE_CATEGORY | g->n_sets << AML_NODE_SET_SHIFT;
        memcpy(g->set + (size_t)g->n_sets++ * AML_SET_WORDS, s->set, sizeof s->set);
    } else {
        bool last = s->bin >= g->bins->n_bins[s->feature]; /* all numbers left, missing right */
        node->value = last ? INFINITY : g->bins->cut[s->feature][s->bin - 1];
    }
}

static void fill_left(uint8_t left[256], const aml_split *s) {
    for (unsigned c = 0; c < 256; c++)
        left[c] = s->category ? s->set[c / 32] >> c % 32 & 1 : c <= s->bin;
    left[0] = s->missing_left;
}

static size_t divide_rows(aml_grower *g, const aml_leaf *l) {
    uint8_t left[256];
    uint32_t feature = l->split.feature;
    uint32_t *position = g->position + l->begin;
    fill_left(left, &l->split);
    if (!l->compact)
        return aml_partition(position, l->n, g->bins->column[feature], g->rows, left, g->spare,
                             g->plan.n_threads);
    aml_row_block rows = {g->store + l->begin * g->plan.row_bytes, g->gradient + l->begin,
                          position};
    return aml_partition_rows(rows, l->n, g->plan.row_bytes, g->place[feature], left, g->moved);
}

static aml_status split_leaf(aml_grower *g, uint32_t at) {
    aml_leaf *a = g->leaf + at, *b = g->leaf + g->n_leaves, parent = *a;
    size_t n_left = divide_rows(g, a);
    if (!n_left || n_left == parent.n) { /* only rows without weight on one side */
        a->split.gain = 0;
        give_hist(g, &a->hist);
        return AML_OK;
    }
    put_node(g, &parent, g->n_nodes);
    *b = (aml_leaf){.begin = parent.begin + n_left,
                    .n = parent.n - n_left,
                    .total = parent.total - parent.split.left,
                    .node = g->n_nodes + 1,
                    .depth = parent.depth + 1,
                    .compact = parent.compact};
    *a = (aml_leaf){.begin = parent.begin,
                    .n = n_left,
                    .total = parent.split.left,
                    .node = g->n_nodes,
                    .depth = parent.depth + 1,
                    .compact = parent.compact};
    g->n_nodes += 2;
    g->n_leaves++;
    if (g->n_leaves == g->rules->n_leaves) {
        give_hist(g, &parent.hist);
        return AML_OK;
    }
    return search_children(g, parent.hist, a, b);
}

static aml_status start(aml_grower *g) {
    const aml_round *round = g->round;
    aml_leaf *root = g->leaf;
    *root = (aml_leaf){.n = round->n};
    g->n_leaves = g->n_nodes = 1;
    g->n_sets = 0;
    g->node[0] = (aml_node){0};
    for (size_t i = 0; i < round->n; i++)
        g->position[i] = round->position ? round->position[i] : (uint32_t)i;
    for (size_t i = 0; i < round->n; i++) root->total += round->gradient[g->position[i]];
    aml_hist_plan_features(&g->plan, round->feature, round->n_features);
    for (size_t k = 0; k < round->n_features; k++) g->place[round->feature[k]] = (uint32_t)k;
    if (!round->n_features || !may_split(g, root)) return AML_OK;
    if (!(root->hist = take_hist(g))) return AML_ENOMEM;
    sum_leaf(g, root);
    search_leaf(g, root);
    return AML_OK;
}

static aml_status grow(aml_grower *g) {
    AML_TRY(start(g));
    while (g->n_leaves < g->rules->n_leaves && !g->stopped) {
        uint32_t best = 0;
        for (uint32_t i = 1; i < g->n_leaves; i++)
            if (g->leaf[i].split.gain > g->leaf[best].split.gain) best = i;
        if (!(g->leaf[best].split.gain > 0)) break;
        AML_TRY(split_leaf(g, best));
        if (aml_should_stop(g->ctx)) g->stopped = true;
    }
    return AML_OK;
}

aml_status aml_grower_grow(bool *stopped, aml_grower *g, const aml_round *round) {
    g->round = round;
    g->stopped = false;
    AML_TRY(grow(g));
    for (uint32_t i = 0; i < g->n_leaves; i++) {
        aml_leaf *l = g->leaf + i;
        double value =
            aml_leaf_value(&g->rules->split, (double)aml_slope(l->total) * round->slope_unit,
                           (double)aml_curvature(l->total) * round->curvature_unit);
        g->node[l->node] = (aml_node){.value = (float)(value * g->rules->learning_rate)};
        give_hist(g, &l->hist);
    }
    *stopped = g->stopped;
    return AML_OK;
}

/* ---- what came out */

aml_tree aml_grower_tree(const aml_grower *g) {
    return (aml_tree){.node = g->node, .set = g->set, .n_nodes = g->n_nodes, .n_sets = g->n_sets};
}

void aml_grower_gains(double *gain, const aml_grower *g) {
    for (uint32_t i = 0; i < g->n_nodes; i++)
        if (g->node[i].left) gain[g->node[i].feature] += g->gain[i];
}

typedef struct add_job {
    const aml_grower *g;
    float *score;
    const uint32_t *rows;
    const bool *skip;
} add_job;

static void add_leaves(void *arg, size_t block, size_t begin, size_t end, int thread) {
    const add_job *job = arg;
    (void)block, (void)thread;
    for (size_t k = begin; k < end; k++) {
        const aml_leaf *l = job->g->leaf + k;
        const uint32_t *position = job->g->position + l->begin;
        float value = job->g->node[l->node].value;
        for (size_t i = 0; i < l->n; i++) job->score[position[i]] += value;
    }
}

void aml_grower_add(float *score, const aml_grower *g) {
    add_job job = {.g = g, .score = score};
    aml_par_for(g->round->n > 16384 ? g->plan.n_threads : 1, g->n_leaves, 1, add_leaves, &job);
}

static float walk(const aml_grower *g, const uint8_t *row) {
    uint32_t at = 0;
    while (g->node[at].left) {
        const aml_node *node = g->node + at;
        unsigned code = row[node->feature];
        bool left = node->kind & AML_NODE_MISSING_LEFT;
        if (code && node->kind & AML_NODE_CATEGORY)
            left = g->set[(size_t)(node->kind >> AML_NODE_SET_SHIFT) * AML_SET_WORDS + code / 32] >>
                       code % 32 &
                   1;
        else if (code) left = code <= g->bin[at];
        at = node->left + !left;
    }
    return g->node[at].value;
}

static void walk_rows(void *arg, size_t block, size_t begin, size_t end, int thread) {
    const add_job *job = arg;
    const aml_bins *bins = job->g->bins;
    (void)block, (void)thread;
    for (size_t i = begin; i < end; i++)
        if (!job->skip || !job->skip[i])
            job->score[i] += walk(job->g, bins->row + job->rows[i] * bins->stride);
}

void aml_grower_add_rows(float *score, const aml_grower *g, const uint32_t *rows, size_t n,
                         const bool *skip) {
    add_job job = {g, score, rows, skip};
    aml_par_for(g->plan.n_threads, n, 4096, walk_rows, &job);
}
