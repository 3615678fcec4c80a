/* forest_work.h: what a thread has at hand while it grows trees: rows, room, and the nodes that are open. Only for the
 * files that grow forests. */
#ifndef AML_LEARNERS_PARTS_FOREST_WORK_H
#define AML_LEARNERS_PARTS_FOREST_WORK_H

#include "learners/parts/forest_grow.h"
#include "learners/parts/forest_split.h"

/* A node whose split is known but not made. */
typedef struct aml_open_node {
    size_t begin, n;
    uint32_t node;
    double gain;
    aml_cut cut;
} aml_open_node;

struct aml_forest_work {
    const aml_bins *bins;
    const bool *ordered;
    uint8_t *code;
    uint32_t *next, *spare_row, *class_total, *left, *table, *feature;
    uint64_t *spare_value;
    double *xlogx;
    uint8_t *near;    /* copies of code rows by place in the sample, or NULL */
    uint32_t *origin; /* their design rows; `row` of the sample is the place */
    size_t near_rows; /* nodes up to this size use them */
    const aml_forest_kernels *kernels;
    aml_few few;                /* the rows of a small node, */
    aml_few_cuts cuts[2];       /* its cuts, */
    const uint8_t *at[AML_FEW]; /* and the codes */
    /* of the tree at hand */
    const aml_forest_rules *rules;
    aml_sample *sample;
    size_t n_features, n_tried, worked;
    uint64_t least; /* weight of a leaf */
    bool pairs;     /* nodes of two rows are done with at once */
    aml_rng rng;
    const aml_ctx *ctx;
    aml_grown *out;
    aml_open_node *open; /* a stack, or a heap by gain when leaves are limited */
    size_t n_open, room;
    bool best_first;
};

/* Makes room for `more` items of `size`; doubles. */
bool aml_grow_room(void *array, size_t *room, size_t used, size_t more, size_t size);

/* ---- codes: where nodes read them */

/* Of a node of n rows. */
aml_code_view aml_forest_view(const aml_forest_work *w, size_t n);
/* Copies the codes of a node's rows. */
void aml_forest_bring_near(aml_forest_work *w, size_t begin, size_t n);
/* Lays out the rows of a small node for the kernels. */
void aml_forest_unpack(aml_forest_work *w, aml_forest_node *d);

/* ---- open nodes: a stack, or a heap; there is room */

void aml_forest_push(aml_forest_work *w, const aml_open_node *x);
aml_open_node aml_forest_pop(aml_forest_work *w);

/* ---- leaves */

/* The packed sums of a node (one output; else w->class_total), and its weight. */
uint64_t aml_forest_sum(aml_forest_work *w, size_t begin, size_t n, uint64_t *weight);
/* Have all rows the same target? */
bool aml_forest_is_pure(const aml_forest_work *w, size_t begin, size_t n);
/* Makes node `at` a leaf; total and weight are those of aml_forest_sum. False when memory is short. */
bool aml_forest_put_leaf(aml_forest_work *w, uint32_t at, size_t begin, size_t n, uint64_t total,
                         uint64_t weight);

#endif
