/* tree_plan.h: trees as they score: made once, when all trees are there, and only read from then on.
 *
 * What the trees ask of rows is listed: conditions (a feature and a threshold, or a set of codes), those on one feature
 * side by side as a slot. Values become codes by the thresholds that occur, which is exact: v ≤ cut[c] is code(v) ≤ c.
 * Small trees are kept for blocks of many rows as lists of conditions (tree_masks.h) and for single rows as words of 4
 * bytes (tree_row.h), large ones as steps (tree_walk.h). A plan takes about half the memory of its trees. */
#ifndef AML_LEARNERS_PARTS_TREE_PLAN_H
#define AML_LEARNERS_PARTS_TREE_PLAN_H

#include "learners/parts/tree_walk.h"

enum {
    AML_MASK_ROWS = 512,
    AML_MASK_LEAVES = 1024,
    AML_NO_NODE = 2 * AML_MASK_LEAVES - 1, /* its mask is empty */
    AML_MOST_CUTS = 254,                   /* of a coded feature */
    AML_CODES = 256,
    AML_CODE_MISSING = 255,
    AML_COARSE = 16,       /* every sixteenth cut, behind the AML_CODES */
    AML_ROW_FEATURES = 256 /* used features of rows that go one by one */
};

/* Values of a used feature: its code is the number of cuts below. */
typedef struct aml_plan_feature {
    bool category;    /* its codes come as values */
    uint32_t n_cuts;  /* upwards, without repeats */
    const float *cut; /* up to AML_MOST_CUTS: AML_CODES and AML_COARSE of them, infinity behind */
} aml_plan_feature;

typedef enum { AML_SLOT_CODES, AML_SLOT_FLOATS, AML_SLOT_SETS } aml_slot_kind;

/* Conditions first … end - 1 on one feature. */
typedef struct aml_plan_slot {
    aml_slot_kind kind;
    uint32_t feature, first, end;
} aml_plan_slot;

/* Rows that go left: those of codes up to `code`; of values up to `limit`; of codes in plan->set[set]. */
typedef union aml_condition {
    uint32_t code, set;
    float limit;
} aml_condition;

/* Leaves and inner nodes in the order of the tree's nodes; the k-th inner node has the children 2k + 1 and 2k + 2. */
typedef struct aml_plan_tree {
    uint32_t n;              /* inner nodes */
    const uint16_t *at;      /* masks: n node numbers; NULL = not for masks */
    const uint32_t *on;      /* n conditions */
    const uint16_t *missing; /* 1 + the slot whose missing values go left, too; or 0 */
    const uint16_t *leaf;    /* n + 1 node numbers, and more up to a multiple of 8 */
    const float *value;      /* of each leaf, and room for 32 */
    const uint32_t *word;    /* or NULL */
    const aml_step *step;    /* or NULL */
    uint32_t set;            /* its first one in the plan */
} aml_plan_tree;

/* Of trees with words: where these and their sets begin among all, and the first three of them. */
enum { AML_LANE_ROOT, AML_LANE_SET, AML_LANE_WORD, AML_LANE_KINDS = AML_LANE_WORD + 3 };

struct aml_tree_plan {
    const aml_tree *of; /* the n_trees that it is of: it says nothing about some of them alone */
    uint32_t n_trees;
    const aml_plan_feature *feature; /* trees->n_used */
    uint32_t n_slots, n_conditions, n_sets;
    const aml_plan_slot *slot;
    const aml_condition *condition;
    const uint32_t (*set)[AML_SET_WORDS]; /* code 0 as the node says */
    const aml_plan_tree *tree;
    bool masks; /* do blocks of rows go by masks? */
    const uint32_t *word;
    uint32_t n_lanes, n_masked;           /* trees with words; for masks, or of one leaf */
    const uint32_t *lane[AML_LANE_KINDS]; /* n_lanes each, and 64 more */
};

/* In the arena. AML_ENOMEM. */
aml_status aml_tree_plan_make(const aml_tree_plan **out, const aml_trees *t, aml_arena *keep);

#endif
