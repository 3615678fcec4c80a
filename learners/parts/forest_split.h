/* forest_split.h: the best split of a forest's node on one feature. */
#ifndef AML_LEARNERS_PARTS_FOREST_SPLIT_H
#define AML_LEARNERS_PARTS_FOREST_SPLIT_H

#include "learners/parts/forest_grow.h"
#include "learners/parts/forest_kernels.h"

/* gain: what the two sides are worth beyond the node as a whole, in plain nodes divided by its weight; -INFINITY = no
 * cut yet. */
typedef struct aml_cut {
    double gain;
    uint32_t feature;
    uint16_t bin; /* number: codes 1 … bin go left */
    bool category, missing_left;
    const aml_few_cuts
        *open;    /* bin, and missing_left unless some are missing, are still to be found there */
    bool missing; /* with open */
    uint32_t set[AML_SET_WORDS]; /* category: codes that go left */
} aml_cut;

enum { AML_XLOGX = 4096 };

/* Where a node reads codes: in columns when its rows lie close, in rows (of the design, or copies) when they are far
 * apart and the codes of a row share a cache line. */
typedef struct aml_code_view {
    const aml_bins *bins;
    const uint8_t *rows; /* NULL: columns */
} aml_code_view;

/* The code of row r is at r × step. */
static inline const uint8_t *aml_code_view_of(size_t *step, const aml_code_view *v,
                                              uint32_t feature) {
    *step = v->rows ? v->bins->stride : 1;
    return v->rows ? v->rows + feature : v->bins->column[feature];
}

/* A node under examination and the workspace of its examination. */
typedef struct aml_forest_node {
    const aml_bins *bins;
    const bool *ordered; /* per feature: see forest_levels.h */
    const aml_forest_rules *rules;
    aml_code_view view;
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
    double worth;       /* of the node as a whole */
    double enough;      /* no cut gains more, as far as it is known */
    aml_whole whole;    /* one output */
    const aml_few *few; /* its rows when they are few, else NULL, */
    aml_few_cuts *cuts; /* and two rooms for cuts: of the best feature, and of the one at hand */
    const uint8_t **at; /* the codes of each of the few rows */
    const aml_forest_kernels *kernels;
    uint8_t *code;         /* n, and a lane more */
    uint32_t *next, *left; /* n; n_classes zeros, and zeros again after use */
    uint32_t *table;       /* classes: 256 × n_classes */
    const double *xlogx;   /* AML_XLOGX values of x log x */
} aml_forest_node;

/* Puts the best cut on `feature` into *best when it is better; false when the feature is constant here. */
bool aml_forest_try(aml_cut *best, const aml_forest_node *node, uint32_t feature);

/* Sets squares, logs, worth, enough and whole. */
void aml_forest_weigh(aml_forest_node *node);

/* Is the node's gain that of sums alone: one output, squared error or Gini? */
static inline bool aml_forest_plain(const aml_forest_node *d) {
    return !d->n_classes && !(d->rules->entropy && d->binary);
}

/* The codes of the node's rows into d->code, and some of them again up to whole lanes. */
void aml_forest_gather(const aml_forest_node *d, uint32_t feature);

/* A random cut between codes lo < hi, uniform over the values between them as far as the bins tell: codes up to it
 * go left. */
unsigned aml_forest_random_bin(const aml_bins *bins, uint32_t feature, unsigned lo, unsigned hi,
                               aml_rng *rng, const aml_forest_kernels *kernels);

/* A random cut between two different codes: of values or of codes alike. All numbers go left when one code is 0,
 * missing. */
unsigned aml_forest_part(const aml_bins *bins, uint32_t feature, unsigned a, unsigned b,
                         bool by_value, aml_rng *rng, const aml_forest_kernels *kernels);

/* Sets what the best cut still leaves open. */
void aml_forest_close(aml_cut *best, const aml_forest_node *node);

/* aml_forest_try for a number, or ordered codes, in a plain node. */
bool aml_forest_try_number(aml_cut *best, const aml_forest_node *d, uint32_t feature);

#endif
