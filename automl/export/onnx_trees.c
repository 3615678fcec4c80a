/* onnx_trees.c: trees as one TreeEnsemble of ai.onnx.ml 5, in double: thresholds that are floats, leaves that are floats
 * and sums in double are what the engine has, so that rows come to the same leaves and sums are the same.
 *
 * Its nodes have a feature, a number and two successors, each a node or a leaf; its leaves have one output and one number. So
 * a tree whose leaves have shares of several classes becomes several: the i-th has the i-th share of each leaf, and what
 * has none is cut down to a leaf of 0. What is added before all trees is a tree of one leaf. */
#include <math.h>

#include "automl/export/onnx_forest.h"

enum { SET_WORDS = 8, CODES = 256 };

/* The operation's attributes, and notes on its features and nodes. */
typedef struct tree_arrays {
    size_t p, k, n_used, n_trees;
    uint32_t n_nodes;
    const double *base;
    const uint32_t *feature, *n_levels, *first_code;
    const uint8_t *level_code;
    const uint32_t *first_node;
    const float *value;
    const uint32_t *node_feature, *child, *node_set, *set;
    const uint8_t *missing_left;
    const uint32_t *first, *count, *class; /* first and count: NULL without shares */
    const float *share;
    uint32_t *place; /* per feature: its column */
    size_t *number;  /* per node: its number in the ensemble */
    bool *alive;
} tree_arrays;

static const uint32_t *numbers(const aml_op *op, const char *name) {
    const aml_attr *a = aml_op_find(op, name);
    return a && a->n ? a->v.u32 : NULL;
}

static tree_arrays read_arrays(const aml_onnx_writer *w, const aml_op *op) {
    return (tree_arrays){.p = w->ir->values[op->in[0]].width,
                         .k = w->ir->values[op->first_out].width,
                         .n_used = aml_op_attr(op, "feature")->n,
                         .n_trees = aml_op_attr(op, "first_node")->n,
                         .n_nodes = (uint32_t)aml_op_attr(op, "value")->n,
                         .base = aml_op_attr(op, "base")->v.f64,
                         .feature = numbers(op, "feature"),
                         .n_levels = numbers(op, "n_levels"),
                         .first_code = numbers(op, "first_code"),
                         .level_code = aml_op_attr(op, "level_code")->v.u8,
                         .first_node = numbers(op, "first_node"),
                         .value = aml_op_attr(op, "value")->v.f32,
                         .node_feature = numbers(op, "node_feature"),
                         .child = numbers(op, "child"),
                         .node_set = numbers(op, "node_set"),
                         .set = numbers(op, "set"),
                         .missing_left = aml_op_attr(op, "missing_left")->v.u8,
                         .first = numbers(op, "first"),
                         .count = numbers(op, "count"),
                         .class = numbers(op, "class"),
                         .share = aml_op_attr(op, "share")->v.f32};
}

/* ---- features: numbers, then bin codes of categories, then sparse ones. Codes are one more than the engine's, missing is
 * 1: ONNX Runtime before 1.23 does not find what stands beside a 0 in a set */

static aml_onnx_value code_column(aml_onnx_writer *w, const tree_arrays *t, aml_onnx_value design,
                                  size_t u) {
    aml_onnx_graph *g = &w->g;
    uint32_t n = t->n_levels[u];
    double *code = aml_onnx_room(w, n + 1, sizeof *code); /* last: not a level */
    if (!code) return "";
    for (uint32_t l = 0; l < n; l++) code[l] = t->level_code[t->first_code[u] + l] + 1;
    code[n] = 1;
    aml_onnx_value x = aml_onnx_column(g, design, t->feature[u]), end = aml_onnx_f32(g, (float)n);
    aml_onnx_value known =
        aml_onnx_op2(g, "And", aml_onnx_op2(g, "GreaterOrEqual", x, aml_onnx_f32(g, 0)),
                     aml_onnx_op2(g, "Less", x, end));
    aml_onnx_value level =
        aml_onnx_cast(g, aml_onnx_op3(g, "Where", known, x, end), AML_ONNX_INT64);
    return aml_onnx_op2(g, "Gather", aml_onnx_f64s(g, code, n + 1, 0), level);
}

static aml_onnx_value number_columns(aml_onnx_writer *w, const tree_arrays *t,
                                     aml_onnx_value design, uint32_t *next) {
    int64_t *column = aml_onnx_room(w, t->n_used, sizeof *column);
    size_t n = 0;
    if (!column) return NULL;
    for (size_t u = 0; u < t->n_used; u++) {
        if (t->feature[u] >= t->p || t->n_levels[u]) continue;
        column[n++] = t->feature[u];
        t->place[u] = (*next)++;
    }
    if (!n) return NULL;
    aml_onnx_value inputs[] = {design, aml_onnx_i64s(&w->g, column, n)};
    return aml_onnx_cast(
        &w->g, n == t->p ? design : aml_onnx_op_with(&w->g, "Gather", inputs, 2, "axis", 1),
        AML_ONNX_DOUBLE);
}

/* The used columns of one sparse value, which has columns begin … begin + width - 1; from feature *u on. */
static aml_onnx_value entry_columns(aml_onnx_writer *w, const tree_arrays *t, uint32_t sparse,
                                    size_t begin, size_t *u, uint32_t *next) {
    size_t end = begin + w->ir->values[sparse].width, n = 0;
    int64_t *column = aml_onnx_room(w, t->n_used, sizeof *column);
    if (!column) return NULL;
    for (; *u < t->n_used && t->feature[*u] - t->p < end; ++*u) {
        column[n++] = (int64_t)(t->feature[*u] - t->p - begin);
        t->place[*u] = (*next)++;
    }
    if (!n) return NULL;
    const aml_onnx_tensor wanted = {AML_ONNX_INT64, 2, {1, (int64_t)n}, column};
    return aml_onnx_cast(
        &w->g,
        aml_onnx_op2(&w->g, "Equal", aml_onnx_of(w, sparse), aml_onnx_constant(&w->g, &wanted)),
        AML_ONNX_DOUBLE);
}

/* NULL when the trees look at none. */
static aml_onnx_value gather_features(aml_onnx_writer *w, const tree_arrays *t, uint32_t x) {
    const aml_op *design = w->maker[x];
    aml_onnx_value *part = aml_onnx_room(w, t->n_used + design->n_in + 1, sizeof *part), made;
    size_t n = 0, u = 0, begin = 0;
    uint32_t next = 0;
    if (!part || !t->n_used) return NULL;
    made = t->p ? number_columns(w, t, aml_onnx_of(w, x), &next) : NULL;
    if (made) part[n++] = made;
    for (; u < t->n_used && t->feature[u] < t->p; u++) {
        if (!t->n_levels[u]) continue;
        part[n++] = code_column(w, t, aml_onnx_of(w, x), u);
        t->place[u] = next++;
    }
    for (uint32_t i = 0; i < design->n_in; i++) {
        if (w->ir->values[design->in[i]].type != AML_IR_SPARSE) continue;
        made = entry_columns(w, t, design->in[i], begin, &u, &next);
        if (made) part[n++] = made;
        begin += w->ir->values[design->in[i]].width;
    }
    return w->g.status ? NULL : aml_onnx_concat(&w->g, part, n);
}

/* ---- nodes */

/* The codes that go left, or those that go right when they are fewer: returns whether they go right. Code 0 is missing. */
static bool put_members(aml_onnx_forest *f, const tree_arrays *t, uint32_t node) {
    uint32_t u = t->node_feature[node], most = 0;
    const uint32_t *set = t->set + (size_t)SET_WORDS * t->node_set[node];
    bool left[CODES];
    size_t n_left = 0;
    for (uint32_t l = 0; l < t->n_levels[u]; l++) {
        uint32_t code = t->level_code[t->first_code[u] + l];
        if (code > most) most = code;
    }
    for (uint32_t c = 0; c <= most; c++) {
        left[c] = c ? set[c / 32] >> (c % 32) & 1 : t->missing_left[node] != 0;
        n_left += left[c];
    }
    bool right = 2 * n_left > most + 1;
    for (uint32_t c = 0; c <= most; c++)
        if (left[c] != right) aml_onnx_forest_member(f, c + 1);
    aml_onnx_forest_member(f, NAN);
    return right;
}

static void put_node(aml_onnx_forest *f, const tree_arrays *t, uint32_t node, size_t at,
                     aml_onnx_branch left, aml_onnx_branch right) {
    uint32_t u = t->node_feature[node];
    aml_onnx_split split = {.mode = AML_ONNX_AT_MOST,
                            .feature = t->place[u],
                            .value = (double)t->value[node],
                            .missing_first = t->missing_left[node] != 0};
    bool turned = false;
    if (t->n_levels[u]) {
        split = (aml_onnx_split){.mode = AML_ONNX_MEMBER, .feature = t->place[u]};
        turned = put_members(f, t, node);
    }
    aml_onnx_forest_set(f, at, &split, turned ? right : left, turned ? left : right);
}

static uint32_t shares_of(const tree_arrays *t, uint32_t leaf) {
    return t->count ? t->count[leaf] : 0;
}

/* Nodes begin … end - 1 are a tree, children behind their parents. alive[i]: below node i is a leaf that has a share
 * number `rank`, or (rank 0) any. Returns whether its root is. */
static bool find_alive(const tree_arrays *t, uint32_t begin, uint32_t end, uint32_t rank) {
    for (uint32_t i = end; i-- > begin;) {
        uint32_t child = t->child[i];
        t->alive[i] =
            child ? t->alive[child] || t->alive[child + 1] : !rank || shares_of(t, i) > rank;
    }
    return t->alive[begin];
}

static size_t put_end(aml_onnx_forest *f, const tree_arrays *t, size_t tree, uint32_t node,
                      uint32_t rank) {
    if (!t->alive[node]) return aml_onnx_forest_leaf(f, 0, 0);
    if (!shares_of(t, node)) return aml_onnx_forest_leaf(f, (double)t->value[node], tree % t->k);
    uint32_t s = t->first[node] + rank;
    return aml_onnx_forest_leaf(f, (double)t->share[s], t->class[s]);
}

static bool goes_on(const tree_arrays *t, uint32_t node) {
    return t->child[node] && t->alive[node];
}

/* Numbers for the nodes that go on, then the nodes themselves. */
static void put_tree(aml_onnx_forest *f, const tree_arrays *t, size_t tree, uint32_t begin,
                     uint32_t end, uint32_t rank) {
    if (!goes_on(t, begin)) {
        aml_onnx_forest_stump(f, put_end(f, t, tree, begin, rank));
        return;
    }
    for (uint32_t i = begin; i < end; i++)
        if (goes_on(t, i)) t->number[i] = aml_onnx_forest_node(f);
    for (uint32_t i = begin; i < end; i++) {
        if (!goes_on(t, i)) continue;
        aml_onnx_branch way[2];
        for (uint32_t c = 0; c < 2; c++) {
            uint32_t child = t->child[i] + c;
            way[c] = goes_on(t, child) ? (aml_onnx_branch){t->number[child], false}
                                       : (aml_onnx_branch){put_end(f, t, tree, child, rank), true};
        }
        put_node(f, t, i, t->number[i], way[0], way[1]);
    }
    aml_onnx_forest_root(f, t->number[begin]);
}

static void put_all(aml_onnx_forest *f, const tree_arrays *t) {
    for (size_t c = 0; c < t->k; c++)
        if (t->base[c] != 0) aml_onnx_forest_stump(f, aml_onnx_forest_leaf(f, t->base[c], c));
    for (size_t tree = 0; tree < t->n_trees; tree++) {
        uint32_t begin = t->first_node[tree],
                 end = tree + 1 < t->n_trees ? t->first_node[tree + 1] : t->n_nodes;
        for (uint32_t rank = 0; find_alive(t, begin, end, rank); rank++) {
            put_tree(f, t, tree, begin, end, rank);
            if (!t->count) break;
        }
    }
}

/* ---- the operation */

/* Trees of one leaf each: a constant. */
static aml_onnx_value sum_stumps(aml_onnx_writer *w, const tree_arrays *t,
                                 const aml_onnx_forest *f) {
    double *sum = aml_onnx_room(w, t->k, sizeof *sum);
    if (!sum) return "";
    for (size_t l = 0; l < f->n_leaves; l++) sum[f->target[l]] += f->weight[l];
    return aml_onnx_every_row(w, sum, t->k);
}

void aml_onnx_trees(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    tree_arrays t = read_arrays(w, ops[0]);
    t.place = aml_onnx_room(w, t.n_used, sizeof *t.place);
    t.number = aml_onnx_room(w, t.n_nodes, sizeof *t.number);
    t.alive = aml_onnx_room(w, t.n_nodes, sizeof *t.alive);
    aml_onnx_forest f = {0};
    (void)n;
    if (w->g.status) return;
    aml_onnx_value x = gather_features(w, &t, ops[0]->in[0]);
    put_all(&f, &t);
    if (!aml_onnx_forest_room(w, &f)) return;
    put_all(&f, &t);
    aml_onnx_made(w, ops[0]->first_out,
                  x ? aml_onnx_forest_put(&w->g, &f, x, t.k) : sum_stumps(w, &t, &f));
}
