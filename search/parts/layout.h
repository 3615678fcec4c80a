/* layout.h: configurations of one group as points for a kernel. */
#ifndef AML_SEARCH_LAYOUT_H
#define AML_SEARCH_LAYOUT_H

#include "search/parts/points.h"

/* Numbers become their place in [0, 1]; a choice of two becomes 0 or 1, of more one coordinate for
 * each value, such that two different values are at squared distance 1 (Hamming). A dimension that
 * is not live takes its default, so that it tells only points apart that both have it. Dimensions
 * of other groups are left out. */
typedef struct aml_layout {
    size_t n;            /* coordinates */
    size_t n_scales;     /* dimensions behind them: length scales of a kernel */
    const size_t *dim;   /* n: dimension of the space */
    const size_t *scale; /* n: number of the length scale */
    const double *value; /* n: NaN for a number, else the choice that this coordinate stands for */
} aml_layout;

/* AML_ENOMEM. */
aml_status aml_layout_new(aml_layout *out, const aml_space *space, const aml_groups *groups,
                          size_t group, aml_arena *arena);

void aml_layout_encode(double *x, const aml_layout *layout, const aml_space *space,
                       const double *config);

#endif
