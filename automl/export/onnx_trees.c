/* onnx_trees.c: trees as one TreeEnsemble of ai.onnx.ml 5, in double: thresholds that are floats, leaves that are floats
 * and sums in double are what the engine has, so that rows come to the same leaves and sums are the same.
 *
 * Its nodes have a feature, a number and two successors, each a node or a leaf; its leaves have one output and one number. So
 * a tree whose leaves have shares of several classes becomes several: the i-th has the i-th share of each leaf, and what
 * has none is cut down to a leaf of 0. What is added before all trees is a tree of one leaf. */
#include "automl/export/onnx_write.h"

#include <math.h>
#include <string.h>

enum { AT_MOST = 0, MEMBER = 6, SUM = 1, SET_WORDS = 8, CODES = 256 };

/* The operation's attributes. */
typedef struct tree_arrays {
    size_t p, k, n_used, n_trees;
    const double *base;
    const uint32_t *feature, *n_levels, *first_code;
    const uint8_t *level_code;
    const uint32_t *first_node;
    const float *value;
    const uint32_t *node_feature, *child, *node_set, *set;
    const uint8_t *missing_left;
    const uint32_t *first, *count, *class; /* first and count: NULL without shares */
    const float *share;
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

/* ---- features: numbers, then bin codes of categories, then sparse ones; place[u] is feature u's column */

static aml_onnx_value code_column(aml_onnx_writer *w, const tree_arrays *t, aml_onnx_value design,
                                  size_t u) {
    aml_onnx_graph *g = &w->g;
    uint32_t n = t->n_levels[u];
    double *code = aml_onnx_room(w, n + 1, sizeof *code); /* last: not a level */
    if (!code) return "";
    for (uint32_t l = 0; l < n; l++) code[l] = t->level_code[t->first_code[u] + l];
    aml_onnx_value x = aml_onnx_column(g, design, t->feature[u]), end = aml_onnx_f32(g, (float)n);
    aml_onnx_value known =
        aml_onnx_op2(g, "And", aml_onnx_op2(g, "GreaterOrEqual", x, aml_onnx_f32(g, 0)),
                     aml_onnx_op2(g, "Less", x, end));
    aml_onnx_value level =
        aml_onnx_cast(g, aml_onnx_op3(g, "Where", known, x, end), AML_ONNX_INT64);
    return aml_onnx_op2(g, "Gather", aml_onnx_f64s(g, code, n + 1, 0), level);
}

static aml_onnx_value number_columns(aml_onnx_writer *w, const tree_arrays *t,
                                     aml_onnx_value design, uint32_t *place, uint32_t *next) {
    int64_t *column = aml_onnx_room(w, t->n_used, sizeof *column);
    size_t n = 0;
    if (!column) return NULL;
    for (size_t u = 0; u < t->n_used; u++) {
        if (t->feature[u] >= t->p || t->n_levels[u]) continue;
        column[n++] = t->feature[u];
        place[u] = (*next)++;
    }
    if (!n) return NULL;
    aml_onnx_value inputs[] = {design, aml_onnx_i64s(&w->g, column, n)};
    return aml_onnx_cast(
        &w->g, n == t->p ? design : aml_onnx_op_with(&w->g, "Gather", inputs, 2, "axis", 1),
        AML_ONNX_DOUBLE);
}

/* The used columns of one sparse value, which has columns begin … begin + width - 1; from feature *u on. */
static aml_onnx_value entry_columns(aml_onnx_writer *w, const tree_arrays *t, uint32_t sparse,
                                    size_t begin, size_t *u, uint32_t *place, uint32_t *next) {
    size_t end = begin + w->ir->values[sparse].width, n = 0;
    int64_t *column = aml_onnx_room(w, t->n_used, sizeof *column);
    if (!column) return NULL;
    for (; *u < t->n_used && t->feature[*u] - t->p < end; ++*u) {
        column[n++] = (int64_t)(t->feature[*u] - t->p - begin);
        place[*u] = (*next)++;
    }
    if (!n) return NULL;
    const aml_onnx_tensor wanted = {AML_ONNX_INT64, 2, {1, (int64_t)n}, column};
    return aml_onnx_cast(
        &w->g,
        aml_onnx_op2(&w->g, "Equal", aml_onnx_of(w, sparse), aml_onnx_constant(&w->g, &wanted)),
        AML_ONNX_DOUBLE);
}

/* NULL when the trees look at none. */
static aml_onnx_value gather_features(aml_onnx_writer *w, const tree_arrays *t, uint32_t x,
                                      uint32_t *place) {
    const aml_op *design = w->maker[x];
    aml_onnx_value *part = aml_onnx_room(w, t->n_used + design->n_in + 1, sizeof *part), made;
    size_t n = 0, u = 0, begin = 0;
    uint32_t next = 0;
    if (!part || !t->n_used) return NULL;
    made = t->p ? number_columns(w, t, aml_onnx_of(w, x), place, &next) : NULL;
    if (made) part[n++] = made;
    for (; u < t->n_used && t->feature[u] < t->p; u++) {
        if (!t->n_levels[u]) continue;
        part[n++] = code_column(w, t, aml_onnx_of(w, x), u);
        place[u] = next++;
    }
    for (uint32_t i = 0; i < design->n_in; i++) {
        if (w->ir->values[design->in[i]].type != AML_IR_SPARSE) continue;
        made = entry_columns(w, t, design->in[i], begin, &u, place, &next);
        if (made) part[n++] = made;
        begin += w->ir->values[design->in[i]].width;
    }
    return w->g.status ? NULL : aml_onnx_concat(&w->g, part, n);
}

/* ---- nodes; arrays are NULL while they are counted */

typedef struct ensemble {
    size_t n_nodes, n_leaves, n_members, n_roots;
    int64_t *feature, *true_node, *true_leaf, *false_node, *false_leaf, *missing_true, *root;
    double *split, *member, *weight;
    uint8_t *mode;
    int64_t *target;
    const uint32_t *place;
} ensemble;

static size_t put_leaf(ensemble *e, double weight, size_t target) {
    if (e->weight) e->weight[e->n_leaves] = weight, e->target[e->n_leaves] = (int64_t)target;
    return e->n_leaves++;
}

/* A node whose two ways lead to the same leaf. */
static void put_stump(ensemble *e, double weight, size_t target) {
    size_t leaf = put_leaf(e, weight, target), at = e->n_nodes++;
    if (e->root) {
        e->root[e->n_roots] = (int64_t)at;
        e->true_node[at] = e->false_node[at] = (int64_t)leaf;
        e->true_leaf[at] = e->false_leaf[at] = 1;
    }
    e->n_roots++;
}

/* The codes that go left, or those that go right when they are fewer: returns whether they go right. Code 0 is missing. */
static bool put_members(ensemble *e, const tree_arrays *t, uint32_t node) {
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
    for (uint32_t c = 0; c <= most; c++) {
        if (left[c] == right) continue;
        if (e->member) e->member[e->n_members] = c;
        e->n_members++;
    }
    if (e->member) e->member[e->n_members] = NAN; /* ends the node's */
    e->n_members++;
    return right;
}

/* Where a node's child is: a node number or a leaf number, by i in the operation's arrays. */
typedef struct where {
    size_t at;
    bool leaf;
} where;

static void put_node(ensemble *e, const tree_arrays *t, uint32_t node, size_t at, where left,
                     where right) {
    uint32_t u = t->node_feature[node];
    bool category = t->n_levels[u] > 0, turned = category && put_members(e, t, node);
    if (!e->root) return;
    where yes = turned ? right : left, no = turned ? left : right;
    e->feature[at] = e->place[u];
    e->mode[at] = category ? MEMBER : AT_MOST;
    e->split[at] = category ? 0 : (double)t->value[node];
    e->missing_true[at] = !category && t->missing_left[node];
    e->true_node[at] = (int64_t)yes.at, e->true_leaf[at] = yes.leaf;
    e->false_node[at] = (int64_t)no.at, e->false_leaf[at] = no.leaf;
}

static uint32_t shares_of(const tree_arrays *t, uint32_t leaf) {
    return t->count ? t->count[leaf] : 0;
}

/* Nodes begin … end - 1 are a tree, children behind their parents. alive[i]: below node i is a leaf that has a share
 * number `rank`, or (rank 0) any. Returns whether its root is. */
static bool find_alive(bool *alive, const tree_arrays *t, uint32_t begin, uint32_t end,
                       uint32_t rank) {
    for (uint32_t i = end; i-- > begin;) {
        uint32_t child = t->child[i];
        alive[i - begin] = child ? alive[child - begin] || alive[child + 1 - begin]
                                 : !rank || shares_of(t, i) > rank;
    }
    return alive[0];
}

static where put_end(ensemble *e, const tree_arrays *t, size_t tree, uint32_t node, uint32_t rank,
                     bool alive) {
    if (!alive) return (where){put_leaf(e, 0, 0), true};
    if (!shares_of(t, node)) return (where){put_leaf(e, (double)t->value[node], tree % t->k), true};
    uint32_t s = t->first[node] + rank;
    return (where){put_leaf(e, (double)t->share[s], t->class[s]), true};
}

/* Places for living inner nodes in order, then the nodes themselves. */
static void put_tree(ensemble *e, const tree_arrays *t, size_t tree, uint32_t begin, uint32_t end,
                     uint32_t rank, const bool *alive, uint32_t *number) {
    size_t first = e->n_nodes;
    if (!t->child[begin]) {
        where leaf = put_end(e, t, tree, begin, rank, true);
        e->n_leaves--; /* the stump puts it again */
        put_stump(e, e->weight ? e->weight[leaf.at] : 0,
                  e->weight ? (size_t)e->target[leaf.at] : 0);
        return;
    }
    for (uint32_t i = begin; i < end; i++)
        if (t->child[i] && alive[i - begin]) number[i - begin] = (uint32_t)e->n_nodes++;
    for (uint32_t i = begin; i < end; i++) {
        if (!t->child[i] || !alive[i - begin]) continue;
        where way[2];
        for (uint32_t c = 0; c < 2; c++) {
            uint32_t child = t->child[i] + c;
            bool inner = t->child[child] && alive[child - begin];
            way[c] = inner ? (where){number[child - begin], false}
                           : put_end(e, t, tree, child, rank, alive[child - begin]);
        }
        put_node(e, t, i, number[i - begin], way[0], way[1]);
    }
    if (e->root) e->root[e->n_roots] = (int64_t)first;
    e->n_roots++;
}

static void put_all(ensemble *e, const tree_arrays *t, uint32_t n_nodes, bool *alive,
                    uint32_t *number) {
    for (size_t c = 0; c < t->k; c++)
        if (t->base[c] != 0) put_stump(e, t->base[c], c);
    for (size_t tree = 0; tree < t->n_trees; tree++) {
        uint32_t begin = t->first_node[tree],
                 end = tree + 1 < t->n_trees ? t->first_node[tree + 1] : n_nodes;
        for (uint32_t rank = 0; find_alive(alive, t, begin, end, rank); rank++) {
            put_tree(e, t, tree, begin, end, rank, alive, number);
            if (!t->count) break;
        }
    }
}

/* ---- the node of the graph */

static bool make_room(aml_onnx_writer *w, ensemble *e) {
    size_t n = e->n_nodes, l = e->n_leaves;
    int64_t **lists[] = {&e->feature,    &e->true_node,  &e->true_leaf,
                         &e->false_node, &e->false_leaf, &e->missing_true};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        *lists[i] = aml_onnx_room(w, n, sizeof **lists[i]);
    e->root = aml_onnx_room(w, e->n_roots, sizeof *e->root);
    e->target = aml_onnx_room(w, l, sizeof *e->target);
    e->split = aml_onnx_room(w, n, sizeof *e->split);
    e->weight = aml_onnx_room(w, l, sizeof *e->weight);
    e->member = e->n_members ? aml_onnx_room(w, e->n_members, sizeof *e->member) : NULL;
    e->mode = aml_onnx_room(w, n, sizeof *e->mode);
    e->n_nodes = e->n_leaves = e->n_members = e->n_roots = 0;
    return !w->g.status;
}

static aml_onnx_attribute list(const char *name, const int64_t *x, size_t n) {
    return (aml_onnx_attribute){.name = name, .kind = AML_ATTRIBUTE_INTS, .numbers = x, .n = n};
}
static aml_onnx_attribute number(const char *name, size_t x) {
    return (aml_onnx_attribute){.name = name, .kind = AML_ATTRIBUTE_INT, .number = (int64_t)x};
}
static aml_onnx_attribute tensor(const char *name, aml_onnx_type type, const void *x, size_t n) {
    return (aml_onnx_attribute){
        .name = name, .kind = AML_ATTRIBUTE_TENSOR, .tensor = {type, 1, {(int64_t)n}, x}};
}

static aml_onnx_value put_ensemble(aml_onnx_graph *g, const ensemble *e, aml_onnx_value x,
                                   size_t k) {
    size_t n = e->n_nodes;
    const aml_onnx_attribute attributes[] = {
        number("aggregate_function", SUM),
        number("post_transform", 0),
        number("n_targets", k),
        list("tree_roots", e->root, e->n_roots),
        list("nodes_featureids", e->feature, n),
        list("nodes_truenodeids", e->true_node, n),
        list("nodes_trueleafs", e->true_leaf, n),
        list("nodes_falsenodeids", e->false_node, n),
        list("nodes_falseleafs", e->false_leaf, n),
        list("nodes_missing_value_tracks_true", e->missing_true, n),
        list("leaf_targetids", e->target, e->n_leaves),
        tensor("nodes_modes", AML_ONNX_UINT8, e->mode, n),
        tensor("nodes_splits", AML_ONNX_DOUBLE, e->split, n),
        tensor("leaf_weights", AML_ONNX_DOUBLE, e->weight, e->n_leaves),
        tensor("membership_values", AML_ONNX_DOUBLE, e->member, e->n_members)};
    aml_onnx_value out;
    size_t n_attributes = sizeof attributes / sizeof *attributes - !e->n_members;
    aml_onnx_add(g,
                 &(aml_onnx_node){.op = "TreeEnsemble",
                                  .ml = true,
                                  .n_inputs = 1,
                                  .n_outputs = 1,
                                  .n_attributes = n_attributes,
                                  .inputs = &x,
                                  .attributes = attributes},
                 &out);
    return out;
}

/* Trees of one leaf each: a constant. */
static aml_onnx_value sum_stumps(aml_onnx_writer *w, const tree_arrays *t, ensemble *e) {
    double *sum = aml_onnx_room(w, t->k, sizeof *sum);
    if (!sum) return "";
    for (size_t l = 0; l < e->n_leaves; l++) sum[e->target[l]] += e->weight[l];
    return aml_onnx_every_row(w, sum, t->k);
}

void aml_onnx_trees(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    tree_arrays t = read_arrays(w, ops[0]);
    uint32_t n_nodes = (uint32_t)aml_op_attr(ops[0], "value")->n;
    uint32_t *place = aml_onnx_room(w, t.n_used + 1, sizeof *place),
             *number_of = aml_onnx_room(w, n_nodes + 1, sizeof *number_of);
    bool *alive = aml_onnx_room(w, n_nodes + 1, sizeof *alive);
    ensemble e = {.place = place};
    (void)n;
    if (!place || !number_of || !alive) return;
    aml_onnx_value x = gather_features(w, &t, ops[0]->in[0], place);
    put_all(&e, &t, n_nodes, alive, number_of);
    if (w->g.status || !make_room(w, &e)) return;
    put_all(&e, &t, n_nodes, alive, number_of);
    aml_onnx_made(w, ops[0]->first_out,
                  x ? put_ensemble(&w->g, &e, x, t.k) : sum_stumps(w, &t, &e));
}
