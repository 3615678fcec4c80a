/* importance.h: how much of what distinguishes good trials lies in each parameter. */
#ifndef AML_SEARCH_IMPORTANCE_H
#define AML_SEARCH_IMPORTANCE_H

#include "automl/core/param.h"

/* PED-ANOVA (Watanabe, Bansal and Hutter 2023, eq. 15) with all trials as the subspace and their better tenth as the target:
 * share[d] is the Pearson divergence of the two densities of dimension d, estimated on a grid of 50 (Parzen windows of
 * Scott's width) or over the choices. A dimension that is not always live counts with the square of its
 * share among the better ones over that among all. Sum 1, or all 0 when nothing differs. n ≥ 1 finite losses; configs[i] has
 * space->n values. AML_ENOMEM. */
aml_status aml_importance(double *share, const aml_space *space, const double *const *configs,
                          const double *loss, size_t n);

#endif
