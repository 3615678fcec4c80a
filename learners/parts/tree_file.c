/* tree_file.c: trees to bytes and back. Links are not written: in breadth-first order the children of the i-th inner
 * node are nodes 2i + 1 and 2i + 2. */
#include <math.h>

#include "learners/parts/tree.h"

enum { LEAF = 1, MISSING_LEFT = 2, CATEGORY = 4, KNOWN = LEAF | MISSING_LEFT | CATEGORY };

static void put_node(aml_writer *w, const aml_node *node) {
    unsigned flags = (node->kind & AML_NODE_MISSING_LEFT ? MISSING_LEFT : 0u) |
                     (node->kind & AML_NODE_CATEGORY ? CATEGORY : 0u);
    if (!node->left) {
        aml_put_u8(w, LEAF);
        aml_put_u32(w, node->feature);
        if (!node->feature) aml_put_f32(w, node->value);
        return;
    }
    aml_put_u8(w, (uint8_t)flags);
    aml_put_u32(w, node->feature);
    if (flags & CATEGORY) aml_put_u32(w, node->kind >> AML_NODE_SET_SHIFT);
    else aml_put_f32(w, node->value);
}

static void put_tree(aml_writer *w, const aml_tree *tree) {
    aml_put_u32(w, tree->n_nodes);
    aml_put_u32s(w, tree->set, (size_t)tree->n_sets * AML_SET_WORDS);
    for (uint32_t i = 0; i < tree->n_nodes; i++) put_node(w, tree->node + i);
    for (uint32_t i = 0; i < tree->n_nodes; i++)
        if (!tree->node[i].left) aml_put_f32(w, tree->cover[i]);
    aml_put_u32(w, tree->n_shares);
    for (uint32_t i = 0; i < tree->n_shares; i++) {
        aml_put_u32(w, tree->share[i].class);
        aml_put_f32(w, tree->share[i].share);
    }
}

void aml_trees_save(const aml_trees *t, aml_writer *w) {
    aml_put_u32(w, t->p);
    aml_put_u32s(w, t->feature, t->n_used);
    aml_put_u32s(w, t->n_levels, t->n_used);
    for (uint32_t u = 0; u < t->n_used; u++)
        if (t->n_levels[u]) aml_put_u8s(w, t->level_code[u], t->n_levels[u]);
    aml_put_f64s(w, t->gain, t->p);
    aml_put_u32(w, t->n_trees);
    for (uint32_t k = 0; k < t->n_trees; k++) put_tree(w, t->tree + k);
}

/* ---- back */

/* Leaf shares follow one another in the order of the leaves. */
typedef struct place {
    uint32_t n_nodes, next_child, next_share;
} place;

static aml_status get_leaf(aml_node *node, place *at, size_t n_classes, aml_reader *r) {
    node->feature = aml_get_u32(r);
    node->kind = at->next_share;
    if (!node->feature) node->value = aml_get_f32(r);
    if (node->feature > n_classes || node->feature > UINT32_MAX - at->next_share)
        return aml_reader_fail(r, "a leaf of %u classes", node->feature);
    if (!isfinite(node->value)) return aml_reader_fail(r, "a leaf that is not a number");
    at->next_share += node->feature;
    return r->status;
}

static aml_status get_inner(aml_node *node, unsigned flags, const aml_trees *t, uint32_t n_sets,
                            place *at, aml_reader *r) {
    node->feature = aml_get_u32(r);
    node->kind = flags & MISSING_LEFT ? AML_NODE_MISSING_LEFT : 0u;
    if (node->feature >= t->n_used)
        return aml_reader_fail(r, "a split on feature %u of %u", node->feature, t->n_used);
    if (!(flags & CATEGORY) != !t->n_levels[node->feature])
        return aml_reader_fail(r, "a split of the wrong kind");
    if (flags & CATEGORY) {
        uint32_t set = aml_get_u32(r);
        if (set >= n_sets) return aml_reader_fail(r, "set %u of %u", set, n_sets);
        node->kind |= AML_NODE_CATEGORY | set << AML_NODE_SET_SHIFT;
    } else {
        node->value = aml_get_f32(r);
        if (isnan(node->value)) return aml_reader_fail(r, "a threshold that is not a number");
    }
    if (at->n_nodes - at->next_child < 2) return aml_reader_fail(r, "a tree with too few nodes");
    node->left = at->next_child;
    at->next_child += 2;
    return r->status;
}

static aml_status get_shares(aml_tree *tree, const place *at, size_t n_classes, aml_reader *r,
                             aml_arena *keep) {
    uint32_t n = aml_get_u32(r);
    if (r->status) return r->status;
    if (n != at->next_share || n > (r->size - r->at) / 8)
        return aml_reader_fail(r, "%u leaf shares", n);
    aml_share *share = AML_ARRAY(keep, n, aml_share);
    if (!share) return AML_ENOMEM;
    for (uint32_t i = 0; i < n; i++) {
        share[i] = (aml_share){aml_get_u32(r), aml_get_f32(r)};
        if (share[i].class >= n_classes || !(share[i].share >= 0 && share[i].share <= 1))
            return aml_reader_fail(r, "a leaf share of class %u", share[i].class);
    }
    tree->share = share;
    tree->n_shares = n;
    return r->status;
}

static aml_status get_covers(aml_tree *tree, aml_reader *r, aml_arena *keep) {
    float *cover = AML_ARRAY(keep, tree->n_nodes, float);
    if (!cover) return AML_ENOMEM;
    for (uint32_t i = 0; i < tree->n_nodes && !r->status; i++) {
        if (tree->node[i].left) continue;
        cover[i] = aml_get_f32(r);
        if (!r->status && !(cover[i] > 0 && isfinite(cover[i])))
            return aml_reader_fail(r, "a node that no row came to");
    }
    if (r->status) return r->status;
    aml_tree_sum_covers(cover, tree->node, tree->n_nodes);
    tree->cover = cover;
    return isfinite(cover[0]) ? AML_OK : aml_reader_fail(r, "covers beyond all bounds");
}

static aml_status get_tree(aml_tree *tree, const aml_trees *t, size_t n_classes, aml_reader *r,
                           aml_arena *keep) {
    size_t set_words;
    uint32_t n = aml_get_u32(r);
    place at = {.n_nodes = n, .next_child = 1};
    tree->set = aml_get_u32s(r, keep, SIZE_MAX, &set_words);
    if (r->status) return r->status;
    if (!n || n > (r->size - r->at) / 5) return aml_reader_fail(r, "a tree of %u nodes", n);
    if (set_words % AML_SET_WORDS || set_words / AML_SET_WORDS >= 1u << 30)
        return aml_reader_fail(r, "%zu words of category sets", set_words);
    aml_node *node = AML_ARRAY(keep, n, aml_node);
    if (!node) return AML_ENOMEM;
    tree->n_sets = (uint32_t)(set_words / AML_SET_WORDS);
    for (uint32_t i = 0; i < n; i++) {
        unsigned flags = aml_get_u8(r);
        if (r->status) return r->status;
        if (flags & ~(unsigned)KNOWN || i >= at.next_child)
            return aml_reader_fail(r, "a node that is none");
        if (flags & LEAF) AML_TRY(get_leaf(node + i, &at, n_classes, r));
        else AML_TRY(get_inner(node + i, flags, t, tree->n_sets, &at, r));
    }
    if (at.next_child != n)
        return aml_reader_fail(r, "a tree of %u nodes with links to %u", n, at.next_child);
    tree->node = node;
    tree->n_nodes = n;
    AML_TRY(get_covers(tree, r, keep));
    return get_shares(tree, &at, n_classes, r, keep);
}

static aml_status get_features(aml_trees *t, aml_reader *r, aml_arena *keep) {
    size_t n;
    t->p = aml_get_u32(r);
    t->feature = aml_get_u32s(r, keep, SIZE_MAX, &n);
    if (r->status) return r->status;
    if (n > t->p) return aml_reader_fail(r, "%zu of %u features", n, t->p);
    t->n_used = (uint32_t)n;
    for (size_t u = 0; u < n; u++)
        if (t->feature[u] >= t->p || (u && t->feature[u] <= t->feature[u - 1]))
            return aml_reader_fail(r, "feature %u", t->feature[u]);
    t->n_levels = aml_get_u32s(r, keep, n, NULL);
    t->level_code = AML_ARRAY(keep, n, uint8_t *);
    if (r->status) return r->status;
    if (!t->level_code) return AML_ENOMEM;
    for (size_t u = 0; u < n; u++)
        if (t->n_levels[u]) t->level_code[u] = aml_get_u8s(r, keep, t->n_levels[u], NULL);
    t->gain = aml_get_f64s(r, keep, t->p, NULL);
    if (r->status) return r->status;
    for (size_t j = 0; j < t->p; j++)
        if (!(t->gain[j] >= 0 && isfinite(t->gain[j])))
            return aml_reader_fail(r, "a gain that is not a number");
    return AML_OK;
}

aml_status aml_trees_load(aml_trees *t, size_t n_classes, aml_reader *r, aml_arena *keep) {
    *t = (aml_trees){0};
    AML_TRY(get_features(t, r, keep));
    uint32_t n = aml_get_u32(r);
    if (r->status) return r->status;
    if (n > (r->size - r->at) / 16) return aml_reader_fail(r, "%u trees", n);
    t->tree = AML_ARRAY(keep, n, aml_tree);
    if (!t->tree) return AML_ENOMEM;
    for (uint32_t k = 0; k < n; k++) AML_TRY(get_tree(t->tree + k, t, n_classes, r, keep));
    t->n_trees = n;
    return AML_OK;
}
