/* tree.h: trees as they are kept, walked, saved and loaded; shared by boosting and forests. */
#ifndef AML_LEARNERS_PARTS_TREE_H
#define AML_LEARNERS_PARTS_TREE_H

#include "automl/core/learner.h"

enum {
    AML_NODE_MISSING_LEFT = 1,
    AML_NODE_CATEGORY = 2,
    AML_NODE_SET_SHIFT = 2,
    AML_SET_WORDS = 8
};

/* Children lie side by side behind their parent. A number goes left when it is ≤ value; a category when the bit of
 * its bin code is in the node's set; NaN, and levels not known, by AML_NODE_MISSING_LEFT. */
typedef struct aml_node {
    float value;      /* inner number: threshold; leaf: its value */
    uint32_t feature; /* inner: feature; leaf: number of shares */
    uint32_t left;    /* children are left and left + 1; 0 = leaf */
    uint32_t kind;    /* inner: flags, number of the set << AML_NODE_SET_SHIFT; leaf: first share */
} aml_node;

/* A leaf of many classes keeps the classes it saw only. */
typedef struct aml_share {
    uint32_t class;
    float share;
} aml_share;

typedef struct aml_tree {
    const aml_node *node;
    const uint32_t *set; /* AML_SET_WORDS a set: bit c = code c goes left */
    const aml_share *share;
    const float *cover; /* training rows that came to each node, or their weight; > 0 */
    uint32_t n_nodes, n_sets, n_shares;
} aml_tree;

typedef struct aml_tree_plan aml_tree_plan; /* tree_plan.h */

/* Trees over n_used of the p dense and q sparse features; node features count along `feature`. */
typedef struct aml_trees {
    uint32_t p, q, n_used;
    uint32_t *feature;    /* n_used feature numbers, upwards; p + j: sparse feature j */
    uint32_t *n_levels;   /* per used feature; 0 = number */
    uint8_t **level_code; /* per used category: bin code of each level */
    uint32_t n_trees;
    aml_tree *tree;
    double *gain; /* p: total gain of the splits on each dense feature */
    bool *used;   /* p + q: which features trees that were added split on; NULL in loaded ones */
    uint32_t n_added; /* and how many trees; more than n_trees when some were dropped */
    const aml_tree_plan
        *plan; /* how they score; made for each call when there is none, or of other trees */
} aml_trees;

/* Room for max_trees over the features of the design. */
aml_status aml_trees_init(aml_trees *t, const aml_design *design, size_t max_trees,
                          aml_arena *keep);

/* Appends a copy of a tree whose nodes name features of the design, in breadth-first order. The arrays of `grown`
 * stay the caller's; shares that no leaf has are left out. */
aml_status aml_trees_add(aml_trees *t, const aml_tree *grown, aml_arena *keep);

/* The cover of an inner node is the sum of its children's, from the last node to the root: leaves' covers are enough to
 * get the same bits again. */
void aml_tree_sum_covers(float *cover, const aml_node *node, uint32_t n_nodes);

/* Once all trees are there: numbers the used features. level_code: per feature, what the trees' sets speak of. */
aml_status aml_trees_finish(aml_trees *t, const aml_design *design,
                            const uint8_t *const *level_code, aml_arena *keep);

/* out (x->n × k, row-major, set by the caller) += the trees. A leaf with shares adds each to its class, one without
 * adds its value to column (tree number mod k). Row by row in the order of the trees. */
aml_status aml_trees_predict(double *out, const aml_trees *t, size_t k, const aml_data *x,
                             aml_ctx *ctx);

/* Values of the used features of rows begin … begin + m - 1, row-major; categories as bin codes. */
void aml_trees_gather(float *block, const aml_trees *t, const aml_data *x, size_t begin, size_t m);

/* Gain share of each dense feature, among these. */
aml_status aml_trees_importance(double *out, const aml_trees *t, size_t p);

/* tree_lower.c: the trees in the intermediate form, from base[0 … k-1] (NULL: 0); returns the vector of k. */
uint32_t aml_trees_lower(uint32_t x, const aml_trees *t, const double *base, size_t k, aml_ir *ir);

/* n_classes bounds the shares of loaded trees. q is not in the file: the caller says it. */
void aml_trees_save(const aml_trees *t, aml_writer *w);
aml_status aml_trees_load(aml_trees *t, uint32_t q, size_t n_classes, aml_reader *r,
                          aml_arena *keep);

/* AML_EDATA when the data have other numbers of features. */
aml_status aml_trees_check(const aml_trees *t, const aml_data *x);

#endif
