/* boost_split.h: the best split of a leaf, found in its histogram. */
#ifndef AML_LEARNERS_PARTS_BOOST_SPLIT_H
#define AML_LEARNERS_PARTS_BOOST_SPLIT_H

#include "learners/parts/histogram.h"
#include "learners/parts/tree.h"

typedef struct aml_split_rules {
    double min_rows, min_curvature; /* of a child; rows are estimated from the curvature */
    double l1, l2;                  /* penalties on a leaf's value */
    double cat_smooth,
        cat_l2;       /* categories: shrinks the order of rare levels, penalty of sorted splits, */
    double min_group; /* and rows between two cuts along the order */
    bool random_cuts; /* one random cut a feature instead of the best one */
    const int8_t *monotone; /* per feature: 1, -1 or 0; or NULL */
} aml_split_rules;

/* Gain of a split: s(l)²/(c(l) + l2) + s(r)²/(c(r) + l2) - s²/(c + l2) in the gradients' own units, each |s| less l1
 * (Chen and Guestrin 2016, eq. 7, times 2). */
typedef struct aml_split {
    double gain;      /* > 0, or 0: no split */
    uint64_t left;    /* packed sums of the left side */
    uint32_t feature; /* of the design */
    uint8_t bin;      /* number: codes 1 … bin go left */
    bool category, missing_left;
    uint32_t set[AML_SET_WORDS]; /* category: codes that go left */
} aml_split;

/* What a leaf may predict, so that splits above it on monotone features hold. */
typedef struct aml_bounds {
    double low, high;
} aml_bounds;

typedef struct aml_split_search {
    const aml_hist_plan *plan;
    const aml_split_rules *rules;
    double slope_unit, curvature_unit; /* of one in the packed sums */
    const uint64_t *hist;
    uint64_t total;
    size_t n_rows;
    aml_bounds bounds;    /* with monotone features */
    aml_rng rng;          /* for random cuts */
    const uint32_t *look; /* features of the plan to look at, upwards; NULL = all */
    size_t n_look;
    aml_split *found; /* AML_SPLIT_ROOM(plan->n_features) */
} aml_split_search;

#define AML_SPLIT_ROOM(n_features) ((n_features) / 8 + 1)

/* best[i] = the first of the best splits of search i < n_searches (≥ 1) over the features looked at. */
void aml_split_find(aml_split *best, const aml_split_search *s, size_t n_searches, int n_threads);

/* What a leaf without further split predicts, and s²/(c + l2) that it has gained. */
double aml_leaf_value(const aml_split_rules *r, double slope, double curvature);

/* The bounds of the children of a split: between them lies the middle of what both would predict. */
void aml_split_bounds(aml_bounds *left, aml_bounds *right, const aml_split_search *s,
                      const aml_split *split);

#endif
