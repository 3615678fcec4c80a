/* bo.h: Bayesian optimisation in a conditional, mixed space. */
#ifndef AML_SEARCH_BO_H
#define AML_SEARCH_BO_H

#include "search/parts/points.h"
#include "search/parts/prior.h"

/* The next configuration by the expected improvement of Gaussian processes, one for each group of
 * the space (gp.h), told of warped losses (warp.h); trials in flight count with their expected
 * loss. Candidates are local moves around the five best trials, random points and the pipelines of
 * `advice` (NULL = none). With `use_prior` the pipelines' expected losses, smoothed, are the mean
 * of the processes, as far as the trials bear them out. Under a time limit: improvement per
 * second^0.5; `problem` (NULL = nothing known) says what groups cost that have no times yet. Needs at least one record with a loss. A pure function of its arguments and rng. AML_ENOMEM. */
aml_status aml_bo_suggest(double *config, const aml_space *space, const aml_told *told,
                          const aml_advice *advice, bool use_prior, const aml_problem *problem,
                          const aml_rng *rng, aml_arena *scratch);

#endif
