/* forest_kernels.h: the loops in which a forest of one output spends its time, for several instruction sets; all give
 * the same bits.
 *
 * A cut with slope s and weight w on the left of a node with S and W gains r² W / (w (W - w)), r = s - w S/W: what the
 * two sides are worth (s²/w each) beyond the node itself (S²/W), without the cancellation. Within a node W is the same
 * for all cuts: gains are those divided by it. Sums are whole numbers; the gains of the kernels are floats, so slopes
 * are taken from about their mean: a multiple of the weight, which changes no gain. */
#ifndef AML_LEARNERS_PARTS_FOREST_KERNELS_H
#define AML_LEARNERS_PARTS_FOREST_KERNELS_H

#include <string.h>

#include "learners/parts/histogram.h"

enum { AML_FEW = 64, AML_LANES = 16 };

/* A node as a whole, and the least and the most weight of its left side. */
typedef struct aml_whole {
    double mean, weight;
    int64_t least, most;
    int32_t shift; /* the whole number next to the mean: slope - shift × weight is about 0 */
} aml_whole;

/* The rows of a small node, padded to whole lanes with rows of no slope and no weight. Slopes are shifted. */
typedef struct aml_few {
    int32_t slope[AML_FEW];
    int32_t weight[AML_FEW];
    int32_t packed[AML_FEW]; /* narrow: (slope << 16) + weight, and so are sums of any of them */
    bool narrow;
} aml_few;

/* The best cut of a sum by codes: codes up to `code` go left, and `upper` is the next that occurs (256: none does).
 * gain -INFINITY = none above the one given. */
typedef struct aml_scan {
    double gain;
    uint32_t code, upper;
    uint64_t weight; /* on the left */
} aml_scan;

/* The cuts of few rows on one feature: one a row, padded to whole lanes. */
typedef struct aml_few_cuts {
    int32_t code[AML_FEW];
    int32_t weight[AML_FEW]; /* on the left */
    int32_t gain[AML_FEW];   /* the bits of a float; -1 = a side is too light */
    int32_t most;
    bool varies; /* is there more than one code? else nothing of the above is set */
} aml_few_cuts;

typedef struct aml_forest_kernels {
    /* All cuts of n ≤ AML_FEW rows; `code` can be read up to whole lanes, which hold codes of the rows. Code 0 is
     * missing: below all, or above. */
    void (*few)(aml_few_cuts *cuts, const aml_few *rows, const uint8_t *code, size_t n,
                bool missing_right, const aml_whole *all);
    /* The best of them, of equals the lowest. */
    aml_scan (*few_best)(const aml_few_cuts *cuts, size_t n);
    /* The best of all cuts behind the codes first … last, of equals the lowest; by_code: their sums, and 0 for the rest
     * of their groups of 16 codes. `before` is left of all. */
    aml_scan (*many)(const uint64_t *by_code, unsigned first, unsigned last, uint64_t before,
                     const aml_whole *all, double above);
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

aml_whole aml_whole_of(int64_t slope, int64_t weight, int64_t least);

/* A gain from its bits. */
static inline double aml_few_gain(int32_t bits) {
    float gain;
    memcpy(&gain, &bits, sizeof gain);
    return (double)gain;
}

/* The gain of one cut. */
static inline double aml_cut_gain(double slope, double weight, const aml_whole *all) {
    double rest = slope - weight * all->mean;
    return rest * rest / (weight * (all->weight - weight));
}

#endif
