/* neighbours_vote.h: what the targets of the nearest rows come to, and which number of neighbours is best.
 *
 * Neighbours vote equally or by 1 / distance, times their weight. Class shares count those of the whole training set as
 * one more neighbour, so that no probability is 0 for a class that exists. */
#ifndef AML_LEARNERS_PARTS_NEIGHBOURS_VOTE_H
#define AML_LEARNERS_PARTS_NEIGHBOURS_VOTE_H

#include "learners/parts/neighbours.h"

enum { AML_MOST_NEIGHBOURS = 100 };

typedef struct aml_voters {
    size_t n, n_classes; /* n_classes: 0 for regression */
    bool by_distance;
    const double *y, *w; /* by row of the neighbours; weights have mean 1 */
    const double *prior; /* n_classes shares, or the mean */
} aml_voters;

static inline size_t aml_voters_priors(const aml_voters *v) {
    return v->n_classes ? v->n_classes : 1;
}

/* The prediction from k ≤ AML_MOST_NEIGHBOURS rows, nearest first: n_classes probabilities, one when there are two, or
 * one value. distance: squared. */
void aml_voters_decide(double *out, const aml_voters *v, const uint32_t *row, const float *distance,
                       size_t k);

/* loss[k-1] for k = 1 … most: the weighted mean loss of rows of x, each predicted by its k nearest of the others, as
 * if the fit had been without it: the squared error in units of the largest |target|, or minus the logarithm of the
 * true class's probability. One search serves all k. x: the rows that m was built from; of more than 4096 a random
 * sample, drawn from ctx->rng, is left out one by one. 1 ≤ most < n, most ≤ AML_MOST_NEIGHBOURS. AML_ESTOPPED,
 * AML_ENOMEM. */
aml_status aml_voters_left_out(double *loss, size_t most, const aml_voters *v,
                               const aml_neighbours *m, const aml_data *x, aml_ctx *ctx);

#endif
