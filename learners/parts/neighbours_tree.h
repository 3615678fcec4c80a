/* neighbours_tree.h: a k-d tree over rows (Friedman, Bentley and Finkel 1977), for few features: halves along the
 * widest feature down to panels of 16 rows, with the box around the rows of every node. It finds the same rows at the
 * same distances as a search of all: what a box is away is computed like a distance, and rounding keeps the order. */
#ifndef AML_LEARNERS_PARTS_NEIGHBOURS_TREE_H
#define AML_LEARNERS_PARTS_NEIGHBOURS_TREE_H

#include "learners/parts/neighbours.h"

struct aml_neighbour_tree {
    size_t n, p, n_leaves;
    uint32_t *row; /* 16 a leaf, the last may have fewer */
    float *panel;  /* of the leaves, as in aml_neighbours */
    float *box;    /* node i: p lower and p upper limits; children 2i + 1 and 2i + 2 */
};

/* NULL in *out when a search of all rows for k neighbours is quicker, by the leaves that rows of the sample visit.
 * AML_ENOMEM. */
aml_status aml_neighbour_tree_build(const aml_neighbour_tree **out, const aml_neighbours *m,
                                    size_t k, aml_ctx *ctx);

/* The k nearest rows of q, nearest first, ties by row. Returns the number of leaves visited. */
size_t aml_neighbour_tree_find(float *distance, uint32_t *row, size_t k,
                               const aml_neighbour_tree *t, const float *q,
                               const aml_neighbour_kernels *kernels);

#endif
