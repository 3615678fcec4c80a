/* forest_grow.h: growing one tree of a forest. */
#ifndef AML_LEARNERS_PARTS_FOREST_GROW_H
#define AML_LEARNERS_PARTS_FOREST_GROW_H

#include "learners/parts/forest.h"
#include "learners/parts/forest_levels.h"
#include "learners/parts/histogram.h"

/* The rows of a tree, as they are divided among its nodes. Sums are whole numbers, so they have no order.
 * One output: `value` packs target × weight over weight (histogram.h). Classes: class over weight. */
typedef struct aml_sample {
    uint32_t *row; /* design rows */
    uint64_t *value;
    size_t n;
    uint64_t unit;      /* weight of one row, on average */
    uint32_t n_classes; /* 0: one output */
    bool binary;        /* one output that is 0 or 1 */
    const double *y;    /* exact targets by design row */
    double center, scale;
} aml_sample;

/* The tree that comes out, on the heap. Node features are design features. */
typedef struct aml_grown {
    aml_status status;
    bool stopped;
    aml_node *node;
    uint32_t *set;
    aml_share *share;
    float *cover; /* weight of each node, in units of the sample's values */
    size_t n_nodes, n_sets, n_shares, room, set_room, share_room, cover_room;
    double *gain; /* per design feature */
} aml_grown;

void aml_grown_free(aml_grown *t);

/* A thread's workspace, on the heap; NULL when memory is short. */
typedef struct aml_forest_work aml_forest_work;
aml_forest_work *aml_forest_work_new(const aml_forest_levels *levels, size_t n, uint32_t n_classes,
                                     double max_features);
void aml_forest_work_free(aml_forest_work *w);   /* NULL is fine */
uint32_t *aml_forest_counts(aml_forest_work *w); /* room for n, free until the next tree grows */

/* Grows a tree on the sample, which it reorders. `features`: n_features that can be split on. */
void aml_forest_grow(aml_grown *out, aml_forest_work *w, aml_sample *sample,
                     const uint32_t *features, size_t n_features, const aml_forest_rules *rules,
                     aml_rng rng, const aml_ctx *ctx);

#endif
