/* tree_row.h: one row through many trees side by side, for the least time until it is predicted.
 *
 * A tree is words of 4 bytes in breadth-first order: of an inner node the feature it asks, the code or the set of its
 * condition, which children are leaves and how far they are; of a leaf its value. Sixteen trees walk in the lanes of a
 * register, several registers at a time, so that the latencies of memory overlap. */
#ifndef AML_LEARNERS_PARTS_TREE_ROW_H
#define AML_LEARNERS_PARTS_TREE_ROW_H

#include "learners/parts/tree_plan.h"

/* Writes the words of those small trees that fit: their features are coded, and few; leaves have values. Of the arrays of
 * `tree`, masks are there. AML_ENOMEM. */
aml_status aml_words_make(aml_tree_plan *plan, aml_plan_tree *tree, const aml_trees *t,
                          aml_arena *keep);

/* value[0 … n_lanes - 1] of the leaves of the trees with words, in their order, and room for 64 more; x: n_used values
 * as of aml_trees_gather. Returns the sum + all of them, one after the other. */
double aml_words_walk(float *value, const aml_tree_plan *plan, uint32_t n_used, const float *x,
                      double sum);

#endif
