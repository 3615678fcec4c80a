/* grow_leaf.c: splitting one leaf: its sums, its best split, its rows. */
#include <math.h>
#include <string.h>

#include "automl/core/par.h"
#include "learners/parts/grow_work.h"
#include "learners/parts/partition.h"

/* ---- leaves */

static bool may_split(const aml_grower *g, const aml_leaf *l) {
    const aml_split_rules *r = &g->rules->split;
    double curvature = (double)aml_curvature(l->total) * g->round->gradients.curvature_unit;
    if (g->rules->max_depth && l->depth >= g->rules->max_depth) return false;
    return l->n >= 2 && (double)l->n >= 2 * r->min_rows && curvature >= 2 * r->min_curvature;
}

void aml_grow_sum(aml_grower *g, aml_leaf *l, uint64_t *rest, aml_hands by) {
    const uint32_t *position = l->fresh ? NULL : g->position + l->begin;
    if (!aml_hist_sum(l->hist, rest, &g->plan, position, l->n, &g->round->gradients, by, g->ctx))
        atomic_store(&g->stopped, true);
}

/* In the room of thread number `room`. */
static aml_split_search search_of(const aml_grower *g, const aml_leaf *l, int room) {
    return (aml_split_search){.plan = &g->plan,
                              .rules = &g->rules->split,
                              .slope_unit = g->round->gradients.slope_unit,
                              .curvature_unit = g->round->gradients.curvature_unit,
                              .hist = l->hist,
                              .total = l->total,
                              .n_rows = l->n,
                              .rng = aml_rng_child(&g->round->rng, l->node),
                              .look = g->look ? g->look[room] : NULL,
                              .found = g->found[room],
                              .bounds = l->bounds};
}

void aml_grow_search(aml_grower *g, aml_leaf *const *leaf, size_t n, aml_hands by) {
    aml_split_search search[2];
    aml_split found[2];
    aml_leaf *of[2];
    size_t n_searches = 0;
    if (n > 1 && by.n_threads < 2) { /* one room */
        for (size_t i = 0; i < n; i++) aml_grow_search(g, leaf + i, 1, by);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        leaf[i]->split.gain = 0;
        if (atomic_load(&g->stopped) || !may_split(g, leaf[i])) continue;
        int room = by.n_threads > 1 ? (int)n_searches : by.thread;
        aml_split_search *s = &search[n_searches];
        *s = search_of(g, leaf[i], room);
        if (g->look) s->n_look = aml_grow_features(g->look[room], g, leaf[i]);
        of[n_searches++] = leaf[i];
    }
    if (n_searches) aml_split_find(found, search, n_searches, by.n_threads);
    for (size_t i = 0; i < n_searches; i++) of[i]->split = found[i];
}

/* Histograms of both children: the smaller is summed, the other is what is left of the parent's. */
static void search_children(aml_grower *g, const aml_grow_item *item, uint64_t *parent,
                            aml_hands by) {
    aml_leaf *a = g->leaf + item->leaf, *b = g->leaf + item->other;
    aml_leaf *small = a->n <= b->n ? a : b, *large = small == a ? b : a;
    bool need_large = may_split(g, large), need_small = may_split(g, small);
    small->hist = item->hist;
    large->hist = parent ? parent : item->second;
    if (need_small || (need_large && parent)) aml_grow_sum(g, small, parent, by);
    if (need_large && !parent) aml_grow_sum(g, large, NULL, by);
    aml_grow_search(g, (aml_leaf *[]){small, large}, 2, by);
}

/* ---- splitting */

static void put_node(aml_grower *g, const aml_leaf *l, const aml_grow_item *item) {
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

static size_t divide_rows(aml_grower *g, const aml_leaf *l, aml_hands by) {
    uint32_t feature = l->split.feature;
    bool is_dense = feature < g->from->n_dense;
    aml_partition_job job = {.position = g->position + l->begin,
                             .fresh = l->fresh,
                             .n = l->n,
                             .column = is_dense ? g->bins->column[feature] : NULL,
                             .sparse = is_dense ? NULL : g->from,
                             .feature = feature,
                             .rows = g->rows,
                             .left = codes_on_the_left(&l->split),
                             .spare = g->spare + l->begin};
    return aml_partition(&job, by.n_threads);
}

void aml_grow_split(aml_grower *g, const aml_grow_item *item, aml_hands by) {
    aml_leaf *a = g->leaf + item->leaf, *b = g->leaf + item->other, parent = *a;
    size_t n_left = divide_rows(g, a, by);
    aml_leaf child = {.depth = parent.depth + 1,
                      .busy = true,
                      .groups = parent.groups,
                      .feature = parent.split.feature};
    if (g->rules->groups) child.groups &= g->rules->groups[child.feature];
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
    aml_split_search search = search_of(g, &parent, by.thread);
    aml_split_bounds(&a->bounds, &b->bounds, &search, &parent.split);
    if (!item->last) search_children(g, item, parent.hist, by);
    else a->hist = parent.hist;
}
