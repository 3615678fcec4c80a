/* onnx_forest.c: the arrays of a TreeEnsemble. */
#include "automl/export/onnx_forest.h"

enum { SUM = 1 }; /* of its aggregate functions */

size_t aml_onnx_forest_node(aml_onnx_forest *f) { return f->n_nodes++; }

size_t aml_onnx_forest_leaf(aml_onnx_forest *f, double weight, size_t target) {
    if (f->root) f->weight[f->n_leaves] = weight, f->target[f->n_leaves] = (int64_t)target;
    return f->n_leaves++;
}

void aml_onnx_forest_set(aml_onnx_forest *f, size_t node, const aml_onnx_split *split,
                         aml_onnx_branch first, aml_onnx_branch second) {
    if (!f->root) return;
    f->mode[node] = (uint8_t)split->mode;
    f->feature[node] = (int64_t)split->feature;
    f->split[node] = split->value;
    f->missing_first[node] = split->missing_first;
    f->first[node] = (int64_t)first.at, f->first_leaf[node] = first.leaf;
    f->second[node] = (int64_t)second.at, f->second_leaf[node] = second.leaf;
}

void aml_onnx_forest_root(aml_onnx_forest *f, size_t node) {
    if (f->root) f->root[f->n_roots] = (int64_t)node;
    f->n_roots++;
}

void aml_onnx_forest_stump(aml_onnx_forest *f, size_t leaf) {
    size_t node = aml_onnx_forest_node(f);
    aml_onnx_branch both = {leaf, true};
    aml_onnx_forest_set(f, node, &(aml_onnx_split){.mode = AML_ONNX_AT_MOST}, both, both);
    aml_onnx_forest_root(f, node);
}

bool aml_onnx_forest_room(aml_onnx_writer *w, aml_onnx_forest *f) {
    int64_t **lists[] = {&f->feature, &f->first,       &f->first_leaf,
                         &f->second,  &f->second_leaf, &f->missing_first};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        *lists[i] = aml_onnx_room(w, f->n_nodes, sizeof **lists[i]);
    f->target = aml_onnx_room(w, f->n_leaves, sizeof *f->target);
    f->split = aml_onnx_room(w, f->n_nodes, sizeof *f->split);
    f->weight = aml_onnx_room(w, f->n_leaves, sizeof *f->weight);
    f->mode = aml_onnx_room(w, f->n_nodes, sizeof *f->mode);
    f->root = aml_onnx_room(w, f->n_roots, sizeof *f->root);
    f->n_nodes = f->n_leaves = f->n_roots = 0;
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

aml_onnx_value aml_onnx_forest_put(aml_onnx_graph *g, const aml_onnx_forest *f, aml_onnx_value x,
                                   size_t n_targets) {
    size_t n = f->n_nodes;
    const aml_onnx_attribute attributes[] = {
        number("aggregate_function", SUM),
        number("post_transform", 0),
        number("n_targets", n_targets),
        list("tree_roots", f->root, f->n_roots),
        list("nodes_featureids", f->feature, n),
        list("nodes_truenodeids", f->first, n),
        list("nodes_trueleafs", f->first_leaf, n),
        list("nodes_falsenodeids", f->second, n),
        list("nodes_falseleafs", f->second_leaf, n),
        list("nodes_missing_value_tracks_true", f->missing_first, n),
        list("leaf_targetids", f->target, f->n_leaves),
        tensor("nodes_modes", AML_ONNX_UINT8, f->mode, n),
        tensor("nodes_splits", AML_ONNX_DOUBLE, f->split, n),
        tensor("leaf_weights", AML_ONNX_DOUBLE, f->weight, f->n_leaves)};
    aml_onnx_value out;
    size_t n_attributes = sizeof attributes / sizeof *attributes;
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
