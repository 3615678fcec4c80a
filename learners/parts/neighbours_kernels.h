/* neighbours_kernels.h: distances of panels of rows, for several instruction sets.
 *
 * The distance of two rows is defined once, in aml_panel_distances: squared differences added in four interleaved sums,
 * without contraction, the same bits everywhere. Most rows need no distance: a bound from below, by products alone,
 * tells that they are too far. Bounds may differ between processors, what they lead to does not. */
#ifndef AML_LEARNERS_PARTS_NEIGHBOURS_KERNELS_H
#define AML_LEARNERS_PARTS_NEIGHBOURS_KERNELS_H

#include <stddef.h>
#include <stdint.h>

enum { AML_PANEL = 16, AML_GROUP = 12 };

/* Two panels (p × 16 values each) with |x|² / 2 of their rows, taken low (infinite = no row). */
typedef struct aml_panel_pair {
    const float *x[2], *half[2];
} aml_panel_pair;

/* The same in bytes (neighbours_coarse.h): codes, their starts, and the largest error. */
typedef struct aml_coarse_pair {
    const uint8_t *x[2];
    const int32_t *start[2];
    float error;
} aml_coarse_pair;

/* A group of queries in bytes, `width` each: what they need to be near a row. */
typedef struct aml_coarse_group {
    const int8_t *code;
    float base[AML_PANEL], reach[AML_PANEL]; /* of AML_GROUP */
} aml_coarse_group;

typedef struct aml_neighbour_kernels {
    /* mask[q]: bit i = row i of the pair may be nearer to query q (of AML_GROUP, `width` apart) than it needs to be:
     * x·q - |x|²/2 > least[q]. */
    void (*filter)(uint32_t *mask, const float *query, size_t width, const float *least,
                   aml_panel_pair pair, size_t p);
    /* The same by bytes: x·q + start > base - (reach + error)² / 2. NULL where floats are as quick. */
    void (*coarse)(uint32_t *mask, const aml_coarse_group *q, const aml_coarse_pair *pair,
                   size_t width);
    /* The squared distances of a panel's rows from q. */
    void (*distances)(float out[AML_PANEL], const float *q, const float *panel, size_t p);
    /* best[q * stride + i]: the larger of itself and x·q - |x|²/2 of row i of the pair, for the AML_GROUP queries. */
    void (*best)(float *best, size_t stride, const float *query, size_t width, aml_panel_pair pair,
                 size_t p);
} aml_neighbour_kernels;

/* Those for this processor. */
const aml_neighbour_kernels *aml_neighbour_kernels_best(void);

#endif
