/* tree_lower.c: trees in the intermediate form: their nodes in arrays. */
#include <string.h>

#include "learners/parts/tree.h"

typedef struct totals {
    size_t nodes, sets, shares;
} totals;

/* Arrays over the nodes of all trees. */
typedef struct node_arrays {
    float *value;
    uint32_t *feature, *child, *set, *first, *count;
    uint8_t *missing_left;
} node_arrays;

static totals count(const aml_trees *t) {
    totals n = {0};
    for (uint32_t k = 0; k < t->n_trees; k++) {
        n.nodes += t->tree[k].n_nodes;
        n.sets += t->tree[k].n_sets;
        n.shares += t->tree[k].n_shares;
    }
    return n;
}

/* at: what lies before this tree. */
static void put_node(const node_arrays *a, const aml_node *node, size_t i, const totals *at) {
    a->value[i] = node->value;
    if (!node->left) {
        if (a->count) a->count[i] = node->feature;
        if (a->first && node->feature) a->first[i] = (uint32_t)(at->shares + node->kind);
        return;
    }
    bool category = node->kind & AML_NODE_CATEGORY;
    a->feature[i] = node->feature;
    a->child[i] = (uint32_t)(at->nodes + node->left);
    a->missing_left[i] = node->kind & AML_NODE_MISSING_LEFT;
    if (category) a->set[i] = (uint32_t)(at->sets + (node->kind >> AML_NODE_SET_SHIFT));
}

static void put_nodes(const node_arrays *a, uint32_t *first_node, const aml_trees *t) {
    totals at = {0};
    for (uint32_t k = 0; k < t->n_trees; k++) {
        const aml_tree *tree = &t->tree[k];
        first_node[k] = (uint32_t)at.nodes;
        for (uint32_t i = 0; i < tree->n_nodes; i++) put_node(a, &tree->node[i], at.nodes + i, &at);
        at.nodes += tree->n_nodes;
        at.sets += tree->n_sets;
        at.shares += tree->n_shares;
    }
}

static void put_sets(uint32_t *set, const aml_trees *t) {
    for (uint32_t k = 0; k < t->n_trees; k++) {
        size_t n = (size_t)t->tree[k].n_sets * AML_SET_WORDS;
        if (n) memcpy(set, t->tree[k].set, n * sizeof *set);
        set += n;
    }
}

static void put_shares(uint32_t *class, float *share, const aml_trees *t) {
    for (uint32_t k = 0; k < t->n_trees; k++)
        for (uint32_t s = 0; s < t->tree[k].n_shares; s++) {
            *class ++ = t->tree[k].share[s].class;
            *share++ = t->tree[k].share[s].share;
        }
}

static void lower_levels(const aml_trees *t, aml_ir *ir) {
    size_t n = 0;
    for (uint32_t u = 0; u < t->n_used; u++) n += t->n_levels[u];
    uint32_t *first = aml_ir_new(ir, "first_code", AML_U32, t->n_used);
    uint8_t *code = aml_ir_new(ir, "level_code", AML_U8, n);
    if (!first || !code) return;
    n = 0;
    for (uint32_t u = 0; u < t->n_used; u++) {
        first[u] = (uint32_t)n;
        if (t->n_levels[u]) memcpy(code + n, t->level_code[u], t->n_levels[u]);
        n += t->n_levels[u];
    }
}

static void lower_nodes(const aml_trees *t, aml_ir *ir) {
    totals n = count(t);
    uint32_t *first_node = aml_ir_new(ir, "first_node", AML_U32, t->n_trees);
    node_arrays a = {.value = aml_ir_new(ir, "value", AML_F32, n.nodes),
                     .feature = aml_ir_new(ir, "node_feature", AML_U32, n.nodes),
                     .child = aml_ir_new(ir, "child", AML_U32, n.nodes),
                     .missing_left = aml_ir_new(ir, "missing_left", AML_U8, n.nodes),
                     .set = aml_ir_new(ir, "node_set", AML_U32, n.sets ? n.nodes : 0),
                     .first = aml_ir_new(ir, "first", AML_U32, n.shares ? n.nodes : 0),
                     .count = aml_ir_new(ir, "count", AML_U32, n.shares ? n.nodes : 0)};
    uint32_t *set = aml_ir_new(ir, "set", AML_U32, n.sets * AML_SET_WORDS);
    uint32_t *class = aml_ir_new(ir, "class", AML_U32, n.shares);
    float *share = aml_ir_new(ir, "share", AML_F32, n.shares);
    if (ir->status) return;
    if (!n.shares) a.first = a.count = NULL;
    put_nodes(&a, first_node, t);
    put_sets(set, t);
    put_shares(class, share, t);
}

uint32_t aml_trees_lower(uint32_t x, const aml_trees *t, const double *base, size_t k, aml_ir *ir) {
    aml_ir_op1(ir, AML_OP_TREES, x);
    if (base) aml_ir_array(ir, "base", AML_F64, base, k);
    else aml_ir_new(ir, "base", AML_F64, k);
    aml_ir_array(ir, "feature", AML_U32, t->feature, t->n_used);
    aml_ir_array(ir, "n_levels", AML_U32, t->n_levels, t->n_used);
    lower_levels(t, ir);
    lower_nodes(t, ir);
    return aml_ir_out(ir, AML_IR_VECTOR, k);
}
