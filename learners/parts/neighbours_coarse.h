/* neighbours_coarse.h: rows in whole numbers of a byte, by which most rows are told to be too far at a quarter of the
 * cost of floats.
 *
 * With û the rounding of a row x, in steps from a centre, and e = |x - û| its error, the triangle inequality gives
 * |x - q| ≥ |û - v̂| - e(x) - e(q): a row can only be nearer than d when |û - v̂| ≤ d + e(x) + e(q), where the left side
 * is exact in whole numbers. No row that is nearer is lost; those that are left over are measured in floats. */
#ifndef AML_LEARNERS_PARTS_NEIGHBOURS_COARSE_H
#define AML_LEARNERS_PARTS_NEIGHBOURS_COARSE_H

#include "learners/parts/neighbours.h"

struct aml_coarse_rows {
    size_t p, width;      /* features, and bytes of a row: whole fours */
    float step;           /* of all features */
    const float *centre;  /* p */
    const uint8_t *code;  /* û + 128 in panels: byte b of row i is at
                            i / 16 * 16 * width + b / 4 * 64 + i % 16 * 4 + b % 4 */
    const int32_t *start; /* -|û|² / 2 of each row, up; far below for those that are none */
    const float *error;   /* for each two panels: the largest e in steps, up */
};

/* NULL in *out when the processor is not quicker with bytes, or where floats are few. AML_ENOMEM. */
aml_status aml_coarse_build(const aml_coarse_rows **out, const aml_neighbours *m, aml_ctx *ctx);

/* A query in the same steps: v̂ (width values), base = |v̂|² / 2 + 128 Σ v̂, down, and e(q) in steps, up. */
void aml_coarse_query(int8_t *code, float *base, float *error, const aml_coarse_rows *c,
                      const float *q);

/* d + e(q) in steps, up, when the k-th nearest is at the squared distance `square`. */
float aml_coarse_reach(const aml_coarse_rows *c, float square, float error);

#endif
