/* grow.h: one boosted tree, grown leaf by leaf, the leaf with the largest gain first.
 *
 * While many leaves are still to come, several are split at a time: an eighth of what is left. They would be split
 * sooner or later anyway, so that threads can work side by side on small leaves; how many does not depend on the
 * number of threads. */
#ifndef AML_LEARNERS_PARTS_GROW_H
#define AML_LEARNERS_PARTS_GROW_H

#include "learners/parts/boost_split.h"

enum { AML_LEAVES_MOST = 255, AML_NO_LEAF = 255 }; /* leaves of a tree; the number of none */

typedef struct aml_grow_rules {
    uint32_t n_leaves;      /* at most, 2 … AML_LEAVES_MOST */
    uint32_t max_depth;     /* 0 = any */
    bool by_depth;          /* leaves of the least depth first, else of the largest gain */
    double learning_rate;   /* leaf values are multiplied by it */
    double node_fraction;   /* share of the features that are looked at for a leaf; 0 = all */
    const uint64_t *groups; /* aml_data.groups, or NULL */
    aml_split_rules split;
} aml_grow_rules;

/* A leaf of the tree, and its rows: positions[begin … begin + n). */
typedef struct aml_leaf {
    size_t begin, n;
    uint64_t total; /* packed sums */
    uint64_t *hist; /* or NULL */
    uint32_t node, depth;
    bool fresh;      /* the root without a list of positions: 0 … n-1, not written yet */
    bool busy;       /* being split */
    uint64_t groups; /* that all features above it belong to */
    aml_split split;
    aml_bounds bounds; /* of its value */
    uint32_t feature;  /* that its parent was split on */
} aml_leaf;

/* What a round hands over. */
typedef struct aml_round {
    aml_gradients gradients;
    const uint32_t *position; /* positions to learn from, upwards; NULL = all n */
    size_t n;
    const uint32_t *feature; /* features to split on, upwards */
    size_t n_features;
    aml_rng rng;
} aml_round;

typedef struct aml_grower aml_grower;

/* Room for trees over n rows, in ctx->scratch; NULL when memory is short. rows: position to design row. `room` is used
 * while a tree grows and until the next: 2 n numbers, or NULL for room of its own. */
aml_grower *aml_grower_new(const aml_boost_bins *bins, const uint32_t *rows, size_t n,
                           const aml_grow_rules *rules, uint32_t *room, aml_ctx *ctx);

/* Grows one tree. Once the stop flag is up it ends with the leaves there are; `stopped` says so. */
aml_status aml_grower_grow(bool *stopped, aml_grower *g, const aml_round *round);

/* The tree just grown: valid until the next one. Node features are design features. */
aml_tree aml_grower_tree(const aml_grower *g);
/* The leaves of the tree just grown: positions of leaf k, and what it predicts. */
uint32_t aml_grower_leaves(const aml_grower *g);
const uint32_t *aml_grower_rows(size_t *n, const aml_grower *g, uint32_t k);
/* For each of all positions the number of its leaf, AML_NO_LEAF where it was not learnt from: of a tree of two leaves or
 * more, until the next. */
const uint8_t *aml_grower_leaf_of(const aml_grower *g);
/* `value` is brought into the leaf's bounds and multiplied by the learning rate. */
void aml_grower_set_value(aml_grower *g, uint32_t k, double value);
/* score[position] += value of its leaf, for the positions that were learnt from. */
void aml_grower_add(float *score, const aml_grower *g);
/* The same for n other design rows (rows[i]), or for those i with skip[i] false. */
void aml_grower_add_rows(float *score, const aml_grower *g, const uint32_t *rows, size_t n,
                         const bool *skip);
/* gain[feature] += gain of each split on a dense feature. */
void aml_grower_gains(double *gain, const aml_grower *g);

#endif
