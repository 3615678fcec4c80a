/* onnx_forest.h: a TreeEnsemble of ai.onnx.ml 5 in double, node by node: a sum of trees over the columns of a matrix.
 *
 * Everything is put twice: once to count, then, after aml_onnx_forest_room, to fill the arrays. */
#ifndef AML_EXPORT_ONNX_FOREST_H
#define AML_EXPORT_ONNX_FOREST_H

#include "automl/export/onnx_write.h"

/* What leads to the first of two ways; the modes of the operator. */
typedef enum aml_onnx_mode {
    AML_ONNX_AT_MOST = 0, /* ≤ split */
    AML_ONNX_LESS = 1     /* < split */
} aml_onnx_mode;

/* A way ends at a leaf, or at a node. */
typedef struct aml_onnx_branch {
    size_t at;
    bool leaf;
} aml_onnx_branch;

typedef struct aml_onnx_split {
    aml_onnx_mode mode;
    size_t feature;
    double value;
    bool missing_first; /* NaN takes the first way */
} aml_onnx_split;

typedef struct aml_onnx_forest {
    size_t n_nodes, n_leaves, n_roots;
    int64_t *root; /* NULL while things are counted, as all below */
    int64_t *feature, *first, *first_leaf, *second, *second_leaf, *missing_first;
    double *split, *weight;
    uint8_t *mode;
    int64_t *target;
} aml_onnx_forest;

/* Numbers of a new node, which is set later, and of a new leaf, which adds weight to output `target`. */
size_t aml_onnx_forest_node(aml_onnx_forest *f);
size_t aml_onnx_forest_leaf(aml_onnx_forest *f, double weight, size_t target);
void aml_onnx_forest_set(aml_onnx_forest *f, size_t node, const aml_onnx_split *split,
                         aml_onnx_branch first, aml_onnx_branch second);
void aml_onnx_forest_root(aml_onnx_forest *f, size_t node);
/* A tree that is this leaf, whatever the row. */
void aml_onnx_forest_stump(aml_onnx_forest *f, size_t leaf);

/* Arrays for what was counted, in the graph's arena; false when memory is short. */
bool aml_onnx_forest_room(aml_onnx_writer *w, aml_onnx_forest *f);

/* [rows, n_targets] of x, double [rows, features ≥ 1]. */
aml_onnx_value aml_onnx_forest_put(aml_onnx_graph *g, const aml_onnx_forest *f, aml_onnx_value x,
                                   size_t n_targets);

#endif
