/* tree_masks.h: many rows through small trees at once, as sets of bits.
 *
 * 512 rows are a mask. Each condition that occurs in the trees (feature, threshold, where NaN goes) is looked at once
 * for all of them and gives the mask of the rows that go left; a node's mask, split by its condition's, gives those of
 * its children (as in QuickScorer, Lucchese et al. 2015, but forwards). The masks of the leaves become the number of
 * the leaf for each row. For trees of up to 1024 leaves that have no sets. */
#ifndef AML_LEARNERS_PARTS_TREE_MASKS_H
#define AML_LEARNERS_PARTS_TREE_MASKS_H

#include "learners/parts/tree.h"

enum { AML_MASK_ROWS = 512, AML_MASK_LEAVES = 1024 };

/* The k-th of the n inner nodes has the children 2k + 1 and 2k + 2. */
typedef struct aml_mask_tree {
    uint32_t n;           /* 0: not for masks */
    const uint16_t *at;   /* n node numbers */
    const uint32_t *on;   /* n conditions */
    const uint16_t *leaf; /* n + 1 node numbers, and more up to a multiple of 8 */
    const double *value;  /* of each leaf */
} aml_mask_tree;

typedef struct aml_tree_masks {
    const aml_trees *trees;
    aml_mask_tree *tree;
    size_t n_conditions, room_bytes;
    const uint32_t *feature; /* of each condition: number of the used feature */
    const float *threshold;
    const bool *missing_left;
    void *memory;
} aml_tree_masks;

/* Makes the plan for predicting n_rows a thread; out->tree is NULL when walking is faster: few rows, large trees, or too
 * many features or conditions. On the heap. AML_ENOMEM. */
aml_status aml_tree_masks_init(aml_tree_masks *out, const aml_trees *trees, size_t n_rows);
void aml_tree_masks_free(aml_tree_masks *m); /* zeros are fine */

/* room: of a thread, room_bytes at a multiple of 64. Takes up to 512 rows: block as of aml_trees_gather. */
void aml_tree_masks_take(void *room, const aml_tree_masks *m, const float *block, size_t n_rows);

/* leaf[AML_MASK_ROWS]: for each row taken the place of its leaf in the arrays of a tree of n > 0. */
void aml_tree_masks_run(uint16_t *leaf, void *room, const aml_tree_masks *m, uint32_t tree);

#endif
