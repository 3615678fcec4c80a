/* warp.h: losses on a scale that a Gaussian process can work with.
 *
 * The better half of the losses keeps its shape; the worse half is replaced by normal quantiles of
 * its ranks (half-rank warping of Vizier, Song et al. 2024, section 3.2): how bad a bad trial was
 * must not matter. The median becomes 0, the better half has standard deviation 1. */
#ifndef AML_SEARCH_WARP_H
#define AML_SEARCH_WARP_H

#include "automl/core/arena.h"

typedef struct aml_warp {
    size_t n;
    double *from, *to; /* n knots, both upwards */
    double centre, scale;
} aml_warp;

/* From n ≥ 1 finite losses. AML_ENOMEM. */
aml_status aml_warp_new(aml_warp *w, const double *loss, size_t n, aml_arena *arena);

/* Monotone for any finite loss: linear below the median, between the knots above it, constant
 * beyond the last. */
double aml_warp_apply(const aml_warp *w, double loss);

#endif
