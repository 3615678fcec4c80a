/* grow_work.h: what growing a tree works on: shared by grow.c (which leaves, and when), grow_leaf.c (splitting one) and
 * grow_tree.c (what came out). */
#ifndef AML_LEARNERS_PARTS_GROW_WORK_H
#define AML_LEARNERS_PARTS_GROW_WORK_H

#include "learners/parts/grow.h"

enum { AML_BATCH_MOST = 32 }; /* leaves split at a time */

/* A leaf that is being split, and what was set aside for it. */
typedef struct aml_grow_item {
    uint32_t leaf, other;    /* `other` becomes the right child */
    uint32_t child, set;     /* nodes child, child + 1; its set of codes */
    uint64_t *hist, *second; /* for the children; `second` when the parent's was taken away */
    bool last;               /* no leaf is split after it */
} aml_grow_item;

struct aml_grower {
    const aml_bins *bins;
    const aml_boost_bins *from;
    const aml_grow_rules *rules;
    aml_ctx *ctx;
    aml_hist_plan plan;
    const aml_round *round;
    atomic_bool stopped;

    const uint32_t *rows; /* position to design row; NULL: the same */
    size_t n;
    uint32_t *position, *spare; /* n */
    uint8_t *leaf_of;           /* n, where `spare` was: once the tree is grown */
    aml_split **found;          /* room of a search, one a thread */
    uint32_t **look;            /* features to look at for a leaf, one a thread; NULL: all */

    aml_leaf *leaf;
    uint32_t n_leaves, n_nodes, n_sets;
    aml_node *node; /* 2 × leaves */
    uint8_t *bin;   /* of inner nodes on numbers */
    double *gain;   /* of inner nodes */
    float *cover;   /* rows of each node */
    uint32_t *set;

    uint64_t **pool; /* free histograms */
    size_t n_free, n_made, n_most, hist_slots;
    aml_grow_item item[AML_BATCH_MOST];
};

/* Writes to `look` which features of the plan the leaf may be split on: those that may interact with the features
 * above it, and of these a random share. Returns how many. */
size_t aml_grow_features(uint32_t *look, const aml_grower *g, const aml_leaf *l);

/* Sums the rows of a leaf, and takes them from `rest`, if there is one. */
void aml_grow_sum(aml_grower *g, aml_leaf *l, uint64_t *rest, aml_hands by);

/* The best splits of n ≤ 2 leaves that are summed; the gain is 0 where a leaf may not be split. */
void aml_grow_search(aml_grower *g, aml_leaf *const *leaf, size_t n, aml_hands by);

/* Divides a leaf into `item->leaf` and `item->other`, and finds the best splits of both. */
void aml_grow_split(aml_grower *g, const aml_grow_item *item, aml_hands by);

/* Fills leaf_of. */
void aml_grow_number_leaves(aml_grower *g);

#endif
