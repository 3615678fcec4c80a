/* tree.c: making trees. */
#include "learners/parts/tree_plan.h"

#include <string.h>

aml_status aml_trees_init(aml_trees *t, const aml_design *design, size_t max_trees,
                          aml_arena *keep) {
    *t = (aml_trees){.p = (uint32_t)design->p};
    if (design->csr) t->q = (uint32_t)design->csr->p;
    t->tree = AML_ARRAY(keep, max_trees, aml_tree);
    t->gain = AML_ARRAY(keep, design->p, double);
    t->used = AML_ARRAY(keep, (size_t)t->p + t->q, bool);
    return t->tree && t->gain && t->used ? AML_OK : AML_ENOMEM;
}

/* ---- making */

/* Breadth-first: nodes near the root share cache lines, and the children of the i-th inner node are 2i + 1, 2i + 2,
 * so that files need no links. */
static uint32_t order_nodes(aml_node *node, float *cover, bool *used, const aml_tree *grown) {
    uint32_t end = 1;
    node[0] = grown->node[0];
    cover[0] = grown->cover[0];
    for (uint32_t i = 0; i < end; i++) {
        if (!node[i].left) continue;
        used[node[i].feature] = true;
        memcpy(node + end, grown->node + node[i].left, 2 * sizeof *node);
        memcpy(cover + end, grown->cover + node[i].left, 2 * sizeof *cover);
        node[i].left = end;
        end += 2;
    }
    return end;
}

/* Shares follow one another in the order of their leaves; those of no leaf are left behind. */
static aml_share *order_shares(aml_tree *tree, aml_node *node, const aml_share *grown,
                               aml_arena *keep) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < tree->n_nodes; i++)
        if (!node[i].left) tree->n_shares += node[i].feature;
    aml_share *share = aml_alloc_raw(keep, tree->n_shares, sizeof *share);
    for (uint32_t i = 0; i < tree->n_nodes && share; i++) {
        if (node[i].left) continue;
        memcpy(share + n, grown + node[i].kind, node[i].feature * sizeof *share);
        node[i].kind = n;
        n += node[i].feature;
    }
    return share;
}

void aml_tree_sum_covers(float *cover, const aml_node *node, uint32_t n_nodes) {
    for (uint32_t i = n_nodes; i-- > 0;)
        if (node[i].left) cover[i] = cover[node[i].left] + cover[node[i].left + 1];
}

aml_status aml_trees_add(aml_trees *t, const aml_tree *grown, aml_arena *keep) {
    aml_tree tree = {.n_nodes = grown->n_nodes, .n_sets = grown->n_sets};
    aml_node *node = aml_alloc_raw(keep, tree.n_nodes, sizeof *node);
    tree.set = aml_copy(keep, grown->set, (size_t)tree.n_sets * AML_SET_WORDS * sizeof *tree.set);
    float *cover = aml_alloc_raw(keep, tree.n_nodes, sizeof *cover);
    if (!node || !tree.set || !cover) return AML_ENOMEM;
    tree.cover = cover;
    tree.n_nodes = order_nodes(node, cover, t->used, grown); /* the grower may have dropped some */
    aml_tree_sum_covers(cover, node, tree.n_nodes);
    tree.node = node;
    if (grown->n_shares) {
        tree.share = order_shares(&tree, node, grown->share, keep);
        if (!tree.share) return AML_ENOMEM;
    }
    t->tree[t->n_trees++] = tree;
    t->n_added++;
    return AML_OK;
}

static void mark_used(aml_trees *t) {
    memset(t->used, 0, ((size_t)t->p + t->q) * sizeof *t->used);
    for (uint32_t k = 0; k < t->n_trees; k++)
        for (uint32_t i = 0; i < t->tree[k].n_nodes; i++)
            if (t->tree[k].node[i].left) t->used[t->tree[k].node[i].feature] = true;
}

static aml_status number_used(aml_trees *t, uint32_t *index, const aml_design *design,
                              const uint8_t *const *level_code, aml_arena *keep) {
    if (t->n_trees < t->n_added) mark_used(t); /* some were dropped */
    for (uint32_t j = 0; j < t->p + t->q; j++) t->n_used += index[j] = t->used[j];
    t->feature = AML_ARRAY(keep, t->n_used, uint32_t);
    t->n_levels = AML_ARRAY(keep, t->n_used, uint32_t);
    t->level_code = AML_ARRAY(keep, t->n_used, uint8_t *);
    if (!t->feature || !t->n_levels || !t->level_code) return AML_ENOMEM;
    for (uint32_t j = 0, u = 0; j < t->p + t->q; j++) {
        if (!index[j]) continue;
        index[j] = u;
        t->feature[u] = j;
        t->n_levels[u] = design->n_levels && j < t->p ? design->n_levels[j] : 0;
        if (t->n_levels[u]) {
            t->level_code[u] = aml_copy(keep, level_code[j], t->n_levels[u]);
            if (!t->level_code[u]) return AML_ENOMEM;
        }
        u++;
    }
    return AML_OK;
}

aml_status aml_trees_finish(aml_trees *t, const aml_design *design,
                            const uint8_t *const *level_code, aml_arena *keep) {
    uint32_t *index = aml_calloc((size_t)t->p + t->q + 1, sizeof *index);
    if (!index) return AML_ENOMEM;
    aml_status status = number_used(t, index, design, level_code, keep);
    for (uint32_t k = 0; k < t->n_trees && !status && t->n_used < t->p + t->q; k++) {
        aml_node *node = (aml_node *)t->tree[k].node; /* ours: aml_trees_add made it */
        for (uint32_t i = 0; i < t->tree[k].n_nodes; i++)
            if (node[i].left) node[i].feature = index[node[i].feature];
    }
    aml_free(index);
    return status ? status : aml_tree_plan_make(&t->plan, t, keep);
}

aml_status aml_trees_importance(double *out, const aml_trees *t, size_t p) {
    double total = 0;
    if (p != t->p) return aml_fail(AML_EINVAL, "the model knows %u features, not %zu", t->p, p);
    for (size_t j = 0; j < p; j++) total += t->gain[j];
    for (size_t j = 0; j < p; j++) out[j] = total > 0 ? t->gain[j] / total : 0;
    return AML_OK;
}
