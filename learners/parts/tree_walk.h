/* tree_walk.h: rows walk down a tree side by side, over nodes of 8 bytes. */
#ifndef AML_LEARNERS_PARTS_TREE_WALK_H
#define AML_LEARNERS_PARTS_TREE_WALK_H

#include "learners/parts/tree.h"

enum { AML_STEP_FEATURES = 1 << 12, AML_STEP_NODES = 1 << 17 };

/* A node of a tree without sets. how: left child << 15 | feature << 3 | flags. */
typedef struct aml_step {
    float value;
    uint32_t how;
} aml_step;

/* A row on its way: which of the block, and at which node. */
typedef struct aml_walkers {
    uint32_t *row, *at;
} aml_walkers;

/* Can the tree be packed? */
bool aml_steps_fit(const aml_trees *t, const aml_tree *tree);
void aml_steps_pack(aml_step *out, const aml_tree *tree);

/* leaf[i] = node of row i of m; x: m × stride values as of aml_trees_gather; room of `walkers`: m + 16. */
void aml_steps_walk(uint32_t *leaf, const aml_walkers *walkers, const aml_step *step,
                    const float *x, size_t stride, size_t m);

/* The same over the tree itself; its sets are looked at. */
void aml_tree_walk(uint32_t *leaf, const aml_walkers *walkers, const aml_tree *tree, const float *x,
                   size_t stride, size_t m);

/* The other way round: leaf[k] = node that one row comes to in each tree that has no words; room of `walkers`: trees + 16. */
void aml_row_walk(uint32_t *leaf, const aml_walkers *walkers, const aml_tree_plan *plan,
                  const aml_trees *t, const float *x);

#endif
