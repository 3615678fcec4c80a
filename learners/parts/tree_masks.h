/* tree_masks.h: many rows through small trees at once, as sets of bits.
 *
 * 512 rows are a mask. Each condition of the plan is looked at once for all of them and gives the mask of the rows that
 * go left; a node's mask, split by its condition's, gives those of its children (as in QuickScorer, Lucchese et al.
 * 2015, but forwards). The masks of the leaves become the number of the leaf for each row. */
#ifndef AML_LEARNERS_PARTS_TREE_MASKS_H
#define AML_LEARNERS_PARTS_TREE_MASKS_H

#include "learners/parts/tree_plan.h"

enum { AML_MASK_WORDS = AML_MASK_ROWS / 64 };

typedef uint64_t aml_mask __attribute__((vector_size(8 * AML_MASK_WORDS)));

/* A thread's room at a multiple of 64 in so many bytes. */
size_t aml_masks_room(const aml_tree_plan *plan);

/* Takes the rows begin … begin + m - 1, up to 512. */
void aml_masks_take(void *room, const aml_tree_plan *plan, const aml_trees *t, const aml_data *x,
                    size_t begin, size_t m);

/* leaf[AML_MASK_ROWS]: for each row taken the place of its leaf in the arrays of a small tree. */
void aml_masks_leaves(uint16_t *leaf, void *room, const aml_tree_plan *plan,
                      const aml_plan_tree *tree);

/* sum[AML_MASK_ROWS] += the values of these leaves. */
void aml_masks_add(double *sum, void *room, const aml_tree_plan *plan, const aml_plan_tree *tree);

/* ---- between tree_masks.c, tree_masks_rows.c and tree_masks_sets.c */

/* The masks of the conditions, of the missing values of each slot (behind an empty one), and of a tree's nodes; values
 * and codes of one feature as they come. */
typedef struct aml_mask_room {
    aml_mask *condition, *missing, *node;
    float *value;
    uint8_t *code;
    uint64_t *any_missing; /* is anything in `missing`? */
} aml_mask_room;

aml_mask_room aml_mask_room_of(void *memory, const aml_tree_plan *plan);

/* left[w]: of rows with these codes, those that a set has. */
void aml_mask_of_set(uint64_t left[AML_MASK_WORDS], const uint8_t *code,
                     const uint32_t set[AML_SET_WORDS]);

#endif
