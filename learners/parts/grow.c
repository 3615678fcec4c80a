/* grow.c: growing a tree leaf by leaf. */
#include "learners/parts/grow.h"

#include <math.h>
#include <string.h>

#include "automl/core/par.h"
#include "learners/parts/partition.h"

enum {
    COMPACT_ROWS =
        65536, /* leaves of so many rows are gathered: their sums then stream through memory */
    ALONE_ROWS = 32768,     /* larger leaves are split one by one, with all threads */
    BATCH_MOST = 32,        /* leaves split at a time */
    POOL_BYTES = 256 << 20, /* histograms kept for subtraction */
    POOL_LEAST = 4
};

/* A leaf that is being split, and what was set aside for it. */
typedef struct work_item {
    uint32_t leaf, other;    /* `other` becomes the right child */
    uint32_t child, set;     /* nodes child, child + 1; its set of codes */
    uint64_t *hist, *second; /* for the children; `second` when the parent's was taken away */
    bool last;               /* no leaf is split after it */
} work_item;

struct aml_grower {
    const aml_bins *bins;
    const aml_boost_bins *from;
    const aml_grow_rules *rules;
    aml_ctx *ctx;
    aml_hist_plan plan;
    const aml_round *round;
    atomic_bool stopped;

    uint32_t *position, *spare; /* n */
    uint8_t *store;             /* gathered rows, n × row_bytes */
    uint8_t **moved;            /* partition's spare, one a thread */
    aml_split **found;          /* one a thread */

    aml_leaf *leaf;
    uint32_t n_leaves, n_nodes, n_sets;
    aml_node *node; /* 2 × leaves */
    uint8_t *bin;   /* of inner nodes on numbers */
    double *gain;   /* of inner nodes */
    float *cover;   /* rows of each node */
    uint32_t *set;

    uint64_t **pool; /* free histograms */
    size_t n_free, n_made, n_most, hist_slots;
    uint32_t *place; /* design feature to the place of its column in the plan */
    work_item item[BATCH_MOST];
};

/* ---- memory */

static aml_status alloc_rows(aml_grower *g, size_t n, aml_arena *a) {
    size_t p = g->bins->p, bytes = (g->from->n_columns + 4 + 7) / 8 * 8,
           threads = (size_t)g->plan.n_threads;
    size_t most = n < COMPACT_ROWS ? n : COMPACT_ROWS;
    g->position = aml_alloc_raw(a, n, sizeof *g->position);
    g->spare = aml_alloc_raw(a, n, sizeof *g->spare);
    g->store = aml_alloc_raw(a, n, bytes);
    g->moved = AML_ARRAY(a, threads, uint8_t *);
    g->found = AML_ARRAY(a, threads, aml_split *);
    if (!g->position || !g->spare || !g->store || !g->moved || !g->found) return AML_ENOMEM;
    for (size_t t = 0; t < threads; t++) {
        g->moved[t] = aml_alloc_raw(a, most, bytes);
        g->found[t] = AML_ARRAY(a, p, aml_split);
        if (!g->moved[t] || !g->found[t]) return AML_ENOMEM;
    }
    return AML_OK;
}

static aml_status alloc_nodes(aml_grower *g, aml_arena *a) {
    size_t leaves = g->rules->n_leaves, p = g->bins->p;
    g->leaf = AML_ARRAY(a, leaves, aml_leaf);
    g->node = AML_ARRAY(a, 2 * leaves, aml_node);
    g->bin = AML_ARRAY(a, 2 * leaves, uint8_t);
    g->gain = AML_ARRAY(a, 2 * leaves, double);
    g->cover = AML_ARRAY(a, 2 * leaves, float);
    g->set = AML_ARRAY(a, leaves * AML_SET_WORDS, uint32_t);
    g->place = AML_ARRAY(a, p, uint32_t);
    g->hist_slots = g->plan.slots * g->from->n_columns + 1;
    g->n_most = POOL_BYTES / (g->hist_slots * sizeof(uint64_t));
    if (g->n_most < POOL_LEAST) g->n_most = POOL_LEAST;
    if (g->n_most > leaves + 1) g->n_most = leaves + 1;
    g->pool = AML_ARRAY(a, g->n_most, uint64_t *);
    bool ok = g->leaf && g->node && g->bin && g->gain && g->cover && g->set && g->place && g->pool;
    return ok ? AML_OK : AML_ENOMEM;
}

aml_grower *aml_grower_new(const aml_boost_bins *from, const uint32_t *rows, size_t n,
                           const aml_grow_rules *rules, aml_ctx *ctx) {
    aml_grower *g = AML_NEW(ctx->scratch, aml_grower);
    if (!g) return NULL;
    *g = (aml_grower){.bins = &from->bins, .from = from, .rules = rules, .ctx = ctx};
    if (aml_hist_plan_init(&g->plan, from, rows, n, ctx) || alloc_rows(g, n, ctx->scratch) ||
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
    uint64_t *hist = least->hist;
    least->hist = NULL;
    return hist;
}

static void give_hist(aml_grower *g, uint64_t **hist) {
    if (*hist) g->pool[g->n_free++] = *hist;
    *hist = NULL;
}

/* ---- leaves */

/* Who works: all threads on one leaf, or thread number `thread` alone. */
typedef struct hands {
    int n_threads, thread;
} hands;

static bool may_split(const aml_grower *g, const aml_leaf *l) {
    const aml_split_rules *r = &g->rules->split;
    double curvature = (double)aml_curvature(l->total) * g->round->gradients.curvature_unit;
    if (g->rules->max_depth && l->depth >= g->rules->max_depth) return false;
    return l->n >= 2 && (double)l->n >= 2 * r->min_rows && curvature >= 2 * r->min_curvature;
}

typedef struct gather_job {
    const aml_grower *g;
    size_t begin;
} gather_job;

static void gather_part(void *arg, size_t block, size_t begin, size_t end, int thread) {
    const gather_job *job = arg;
    const aml_grower *g = job->g;
    (void)block, (void)thread;
    aml_hist_gather(g->store + (job->begin + begin) * g->plan.row_bytes, &g->plan,
                    &g->round->gradients, g->position + job->begin + begin, end - begin);
}

/* Small leaves are gathered once: from then on their rows are moved, not looked up. */
static void sum_leaf(aml_grower *g, aml_leaf *l, hands by) {
    aml_hist_rows rows = {.n = l->n};
    if (!l->compact && !l->fresh && l->n <= COMPACT_ROWS) {
        gather_job job = {g, l->begin};
        aml_par_for(by.n_threads, l->n, 8192, gather_part, &job);
        l->compact = true;
    }
    if (l->compact) rows.gathered = g->store + l->begin * g->plan.row_bytes;
    else if (!l->fresh) rows.position = g->position + l->begin;
    if (!aml_hist_sum(l->hist, &g->plan, rows, &g->round->gradients, by.n_threads, by.thread,
                      g->ctx))
        atomic_store(&g->stopped, true);
}

static aml_split_search search_of(const aml_grower *g, const aml_leaf *l, hands by) {
    return (aml_split_search){.plan = &g->plan,
                              .rules = &g->rules->split,
                              .slope_unit = g->round->gradients.slope_unit,
                              .curvature_unit = g->round->gradients.curvature_unit,
                              .hist = l->hist,
                              .total = l->total,
                              .n_rows = l->n,
                              .rng = aml_rng_child(&g->round->rng, l->node),
                              .found = g->found[by.thread],
                              .bounds = l->bounds,
                              .n_threads = by.n_threads};
}

static void search_leaf(aml_grower *g, aml_leaf *l, hands by) {
    aml_split_search search = search_of(g, l, by);
    l->split.gain = 0;
    if (atomic_load(&g->stopped) || !may_split(g, l)) return;
    l->split = aml_split_find(&search);
}

/* Histograms of both children: the smaller is summed, the other is what is left of the parent's. */
static void search_children(aml_grower *g, const work_item *item, uint64_t *parent, hands by) {
    aml_leaf *a = g->leaf + item->leaf, *b = g->leaf + item->other;
    aml_leaf *small = a->n <= b->n ? a : b, *large = small == a ? b : a;
    bool need_large = may_split(g, large), need_small = may_split(g, small);
    small->hist = item->hist;
    large->hist = parent ? parent : item->second;
    if (need_small || (need_large && parent)) sum_leaf(g, small, by);
    if (need_large && parent) aml_hist_subtract(parent, small->hist, g->plan.n_slots);
    else if (need_large) sum_leaf(g, large, by);
    search_leaf(g, small, by);
    search_leaf(g, large, by);
}

/* ---- splitting */

static void put_node(aml_grower *g, const aml_leaf *l, const work_item *item) {
    const aml_split *s = &l->split;
    aml_node *node = g->node + l->node;
    *node = (aml_node){.feature = s->feature,
                       .left = item->child,
                       .kind = s->missing_left ? AML_NODE_MISSING_LEFT : 0u};
    g->gain[l->node] = s->gain;
    g->bin[l->node] = s->bin;
    if (s->category) {
        node->kind |= AML_NODE_CATEGORY | item->set << AML_NODE_SET_SHIFT;
        memcpy(g->set + (size_t)item->set * AML_SET_WORDS, s->set, sizeof s->set);
    } else {
        bool last = s->bin >= g->bins->n_bins[s->feature]; /* all numbers left, missing right */
        node->value = last ? INFINITY : g->bins->cut[s->feature][s->bin - 1];
    }
}

static aml_code_set codes_on_the_left(const aml_split *s) {
    aml_code_set set = {{0}};
    if (s->category) memcpy(set.word, s->set, sizeof set.word);
    for (unsigned c = 0; c <= s->bin && !s->category; c++) set.word[c / 32] |= 1u << c % 32;
    set.word[0] = (set.word[0] & ~1u) | s->missing_left;
    return set;
}

/* The codes of a bundle whose member's codes are in `set`. */
static aml_code_set bundled(const aml_code_set *set, const uint8_t *member) {
    aml_code_set out = {{0}};
    for (unsigned c = 0; c < 256; c++)
        out.word[c / 32] |= (set->word[member[c] / 32] >> member[c] % 32 & 1) << c % 32;
    return out;
}

static size_t divide_rows(aml_grower *g, const aml_leaf *l, hands by) {
    uint32_t feature = l->split.feature;
    aml_code_set left = codes_on_the_left(&l->split);
    if (l->compact) {
        size_t bytes = g->plan.row_bytes;
        aml_row_block rows = {g->store + l->begin * bytes, g->position + l->begin};
        aml_row_block spare = {g->moved[by.thread], g->spare + l->begin};
        const uint8_t *member = g->from->member[feature];
        aml_code_set set = member ? bundled(&left, member) : left;
        return aml_partition_rows(rows, l->n, bytes, g->place[feature], &set, spare);
    }
    aml_partition_job job = {.position = g->position + l->begin,
                             .fresh = l->fresh,
                             .n = l->n,
                             .column = g->bins->column[feature],
                             .rows = g->plan.rows,
                             .left = left,
                             .spare = g->spare + l->begin};
    return aml_partition(&job, by.n_threads);
}

static void split_leaf(aml_grower *g, const work_item *item, hands by) {
    aml_leaf *a = g->leaf + item->leaf, *b = g->leaf + item->other, parent = *a;
    size_t n_left = divide_rows(g, a, by);
    aml_leaf child = {.depth = parent.depth + 1, .compact = parent.compact, .busy = true};
    *b = child;
    b->node = item->child + 1;
    b->hist = item->hist;
    a->fresh = false;
    a->split.gain = 0;
    if (!a->hist) a->hist = item->second;
    if (!n_left || n_left == parent.n) return; /* only rows without weight on one side */
    put_node(g, &parent, item);
    *a = child;
    a->begin = parent.begin;
    a->n = n_left;
    a->total = parent.split.left;
    a->node = item->child;
    b->begin = parent.begin + n_left;
    b->n = parent.n - n_left;
    b->total = parent.total - parent.split.left;
    g->cover[a->node] = (float)a->n;
    g->cover[b->node] = (float)b->n;
    aml_split_search search = search_of(g, &parent, by);
    aml_split_bounds(&a->bounds, &b->bounds, &search, &parent.split);
    if (!item->last) search_children(g, item, parent.hist, by);
    else a->hist = parent.hist;
}

/* ---- batches */

static bool comes_before(const aml_grower *g, uint32_t i, uint32_t j) {
    const aml_leaf *a = g->leaf + i, *b = g->leaf + j;
    if (g->rules->by_depth && a->depth != b->depth) return a->depth < b->depth;
    return a->split.gain > b->split.gain;
}

/* Up to k leaves to split, in the order that they are due. */
static size_t choose_leaves(work_item *item, const aml_grower *g, size_t k) {
    size_t n = 0;
    for (uint32_t i = 0; i < g->n_leaves; i++) {
        if (!(g->leaf[i].split.gain > 0) || (n == k && !comes_before(g, i, item[n - 1].leaf)))
            continue;
        if (n < k) n++;
        size_t at = n - 1;
        for (; at && comes_before(g, i, item[at - 1].leaf); at--) item[at] = item[at - 1];
        item[at] = (work_item){.leaf = i};
    }
    return n;
}

static size_t batch_size(const aml_grower *g) {
    size_t k = (g->rules->n_leaves - g->n_leaves) / 8, free = g->n_free + g->n_most - g->n_made;
    if (k > BATCH_MOST) k = BATCH_MOST;
    if (k > free) k = free;
    return k ? k : 1;
}

/* Nodes, a place among the leaves and histograms for each of the batch. */
static aml_status reserve(aml_grower *g, size_t n) {
    for (size_t i = 0; i < n; i++) g->leaf[g->item[i].leaf].busy = true;
    for (size_t i = 0; i < n; i++) {
        work_item *item = g->item + i;
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
    uint32_t item[BATCH_MOST];
    size_t n;
} batch_job;

static void split_items(void *arg, size_t block, size_t begin, size_t end, int thread) {
    batch_job *job = arg;
    (void)block;
    for (size_t i = begin; i < end; i++)
        split_leaf(job->g, job->g->item + job->item[i], (hands){1, thread});
}

static aml_status split_batch(aml_grower *g) {
    batch_job small = {.g = g};
    size_t n = choose_leaves(g->item, g, batch_size(g));
    AML_TRY(reserve(g, n));
    for (uint32_t i = 0; i < n; i++) {
        bool alone = n == 1 || g->leaf[g->item[i].leaf].n > ALONE_ROWS;
        if (alone) split_leaf(g, g->item + i, (hands){g->plan.n_threads, 0});
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

static aml_status start(aml_grower *g) {
    const aml_round *round = g->round;
    aml_leaf *root = g->leaf;
    hands all = {g->plan.n_threads, 0};
    *root = (aml_leaf){.n = round->n, .fresh = !round->position, .bounds = {-INFINITY, INFINITY}};
    g->n_leaves = g->n_nodes = 1;
    g->n_sets = 0;
    g->node[0] = (aml_node){0};
    g->cover[0] = (float)round->n;
    aml_hist_plan_features(&g->plan, round->feature, round->n_features);
    for (size_t k = 0; k < round->n_features; k++) g->place[round->feature[k]] = g->plan.place[k];
    if (!round->n_features || round->n < 2) return AML_OK;
    if (round->position) memcpy(g->position, round->position, round->n * sizeof *g->position);
    if (!(root->hist = take_hist(g))) return AML_ENOMEM;
    sum_leaf(g, root, all);
    for (size_t s = 0; s < g->plan.slots; s++) root->total += root->hist[s];
    search_leaf(g, root, all);
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
    *stopped = atomic_load(&g->stopped);
    return AML_OK;
}

/* ---- what came out */

uint32_t aml_grower_leaves(const aml_grower *g) { return g->n_leaves; }

const uint32_t *aml_grower_rows(size_t *n, const aml_grower *g, uint32_t k) {
    *n = g->leaf[k].n;
    return g->position + g->leaf[k].begin;
}

void aml_grower_set_value(aml_grower *g, uint32_t k, double value) {
    aml_bounds b = g->leaf[k].bounds;
    value = fmax(b.low, fmin(b.high, value));
    g->node[g->leaf[k].node] = (aml_node){.value = (float)(value * g->rules->learning_rate)};
}

aml_tree aml_grower_tree(const aml_grower *g) {
    return (aml_tree){.node = g->node,
                      .set = g->set,
                      .cover = g->cover,
                      .n_nodes = g->n_nodes,
                      .n_sets = g->n_sets};
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

static float walk(const aml_grower *g, size_t row) {
    uint32_t at = 0;
    while (g->node[at].left) {
        const aml_node *node = g->node + at;
        unsigned code = aml_boost_code(g->from, row, node->feature);
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
    (void)block, (void)thread;
    for (size_t i = begin; i < end; i++)
        if (!job->skip || !job->skip[i]) job->score[i] += walk(job->g, job->rows[i]);
}

void aml_grower_add_rows(float *score, const aml_grower *g, const uint32_t *rows, size_t n,
                         const bool *skip) {
    add_job job = {g, score, rows, skip};
    aml_par_for(g->plan.n_threads, n, 4096, walk_rows, &job);
}
