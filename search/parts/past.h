/* past.h: earlier searches of the same space as a start for the next one. */
#ifndef AML_SEARCH_PAST_H
#define AML_SEARCH_PAST_H

#include "automl/core/ctx.h"
#include "automl/core/history.h"

/* The best configurations of the earlier searches (told->past) are the columns of a matrix, the searches its rows; entries are
 * what a Gaussian process of each search's trials (krige.h) expects there, on its warped scale. A row weighs the more, the
 * better it orders this search's trials as they came out: a share of pairs, so that no scale has to be common to the searches
 * (as the ranking loss of Feurer, Letham and Bakshy 2018, "Scalable meta-learning for Bayesian optimization using
 * ranking-weighted Gaussian process ensembles"). The next column is the one of the lowest weighted mean at first, then the
 * one that improves most, in the weighted mean over the rows, on the best that was tried.
 * *found: there is one that is expected to improve. A pure function of its arguments. AML_ENOMEM. */
aml_status aml_past_pick(bool *found, double *config, const aml_space *space, const aml_told *told,
                         aml_arena *scratch);

#endif
