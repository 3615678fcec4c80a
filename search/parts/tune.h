/* tune.h: Bayesian optimisation in a space of a user, where nothing is known beforehand. */
#ifndef AML_SEARCH_TUNE_H
#define AML_SEARCH_TUNE_H

#include "automl/core/ctx.h"
#include "automl/core/history.h"

/* The next configuration by the logarithm of the expected improvement (Ament et al. 2023) under one Gaussian process over the
 * whole space (krige.h; layout.h: choices at Hamming distance, parameters that are not there at their
 * default), told of warped losses (warp.h); trials in flight count with what is expected of them. The best of
 * random points and of moves around the leaders are improved along the gradient. Needs a record with a
 * loss. Every second suggestion is made within a trust region around the best trial, by a process of the trials near it (Eriksson
 * et al. 2019): one process over a whole space has the same length scales everywhere. A pure function of its arguments
 * and rng. AML_ENOMEM. */
aml_status aml_tune_suggest(double *config, const aml_space *space, const aml_told *told,
                            const aml_rng *rng, aml_arena *scratch);

/* Evenly spread trials, one more than dimensions (from 4 to 10), then aml_tune_suggest. Streams are children of ctx->rng. */
aml_status aml_tune_next(double *config, const aml_space *space, const aml_told *told,
                         aml_ctx *ctx);

#endif
