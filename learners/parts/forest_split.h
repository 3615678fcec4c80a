/* forest_split.h: the best split of a forest's node on one feature. */
#ifndef AML_LEARNERS_PARTS_FOREST_SPLIT_H
#define AML_LEARNERS_PARTS_FOREST_SPLIT_H

#include "learners/parts/forest_grow.h"

/* Better splits have larger `gain`; the parent's own value is taken off by the caller. */
typedef struct aml_cut {
    double gain;
    uint32_t feature;
    uint16_t bin; /* number: codes 1 … bin go left */
    bool category, missing_left;
    uint32_t set[AML_SET_WORDS]; /* category: codes that go left */
} aml_cut;

enum { AML_XLOGX = 4096 };

/* A node under examination and the workspace of its examination. */
typedef struct aml_forest_node {
    const aml_bins *bins;
    const aml_forest_rules *rules;
    const uint32_t *row; /* n rows and values */
    const uint64_t *value;
    size_t n;
    uint32_t n_classes;
    bool binary;
    uint64_t total;              /* one output: packed sums */
    const uint32_t *class_total; /* classes: weight of each, and of all */
    uint64_t weight, least;      /* weight of the node, and what a child needs */
    uint64_t squares;            /* classes: sum of the squares of class_total, */
    double logs;                 /* and with entropy of x log x */
    aml_rng *rng;
    uint8_t *code;         /* n */
    uint32_t *next, *left; /* n; n_classes zeros, and zeros again after use */
    const double *xlogx;   /* AML_XLOGX values of x log x */
} aml_forest_node;

/* Puts the best cut on `feature` into *best when it is better; false when the feature is constant here. */
bool aml_forest_try(aml_cut *best, const aml_forest_node *node, uint32_t feature);

/* Sets squares and logs, and returns the worth of the node as a whole: its split gains the difference. */
double aml_forest_worth(aml_forest_node *node);

#endif
