/* forest_kernels.h: the loops in which a forest of one output spends its time, for several instruction sets; all give
 * the same bits.
 *
 * A cut with slope s and weight w on the left of a node with S and W gains (s W - S w)² / (w (W - w) W): what the two
 * sides are worth (s²/w each) beyond the node itself (S²/W), without the cancellation. */
#ifndef AML_LEARNERS_PARTS_FOREST_KERNELS_H
#define AML_LEARNERS_PARTS_FOREST_KERNELS_H

#include "learners/parts/histogram.h"

enum { AML_FEW = 64, AML_LANES = 16 };

/* The rows of a small node, padded to whole lanes with rows of no slope and no weight. */
typedef struct aml_few {
    int32_t slope[AML_FEW];
    int32_t weight[AML_FEW];
} aml_few;

/* A node as a whole, and the least and the most weight of its left side. */
typedef struct aml_whole {
    double slope, weight;
    int64_t least, most;
} aml_whole;

/* The best cut: codes up to `code` go left. Of equals the lowest. gain -INFINITY = none above the one given. */
typedef struct aml_scan {
    double gain;   /* times W */
    uint32_t code; /* many: its place along `sum` */
    uint64_t left; /* packed sums */
} aml_scan;

typedef struct aml_forest_kernels {
    /* All cuts of n ≤ AML_FEW rows; `code` can be read up to whole lanes. Code 0 is missing: below all, or above. */
    aml_scan (*few)(const aml_few *rows, const uint8_t *code, size_t n, bool missing_right,
                    aml_whole all, double above);
    /* All cuts behind n ≤ 256 codes: sum[i] is what goes left with the i-th. */
    aml_scan (*many)(const uint64_t *sum, size_t n, aml_whole all, double above);
    /* Sum of the values with from ≤ code ≤ to. */
    uint64_t (*side)(const uint64_t *value, const uint8_t *code, size_t n, unsigned from,
                     unsigned to);
    uint64_t (*few_side)(const aml_few *rows, const uint8_t *code, size_t n, unsigned from,
                         unsigned to);
    /* The smallest and largest of n ≥ 1 codes; those up to whole lanes count too. */
    void (*range)(uint8_t *lo, uint8_t *hi, const uint8_t *code, size_t n);
    /* How many of n upward values are below x. */
    size_t (*below)(const float *v, size_t n, float x);
} aml_forest_kernels;

/* Those for this processor. */
const aml_forest_kernels *aml_forest_kernels_best(void);

/* gain × W of one cut. */
static inline double aml_cut_gain(double slope, double weight, aml_whole all) {
    double cross = slope * all.weight - all.slope * weight;
    return cross * cross / (weight * (all.weight - weight));
}

#endif
