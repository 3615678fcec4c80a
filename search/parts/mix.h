/* mix.h: a mixture of Gaussians over past datasets that predicts a new row of a (dataset x
 * pipeline) matrix of losses, and picks the next pipeline to try.
 *
 * Row i of the matrix is y_i, m their mean, S their covariance, shrunk by a tenth to its diagonal.
 * A new row is  y ~ sum_i w_i N(m + a (y_i - m), h² S + nugget² I + offset² 11'),  a² = 1 - h².
 * One observation changes all centres, the one shared covariance and the weights exactly, by a
 * matrix of rank 1. Losses are in units where 1 is the loss of a constant prediction. */
#ifndef AML_SEARCH_MIX_H
#define AML_SEARCH_MIX_H

#include "automl/core/ctx.h"
#include "search/parts/acquisition.h"

/* What is prepared once for a matrix; immutable afterwards. */
typedef struct aml_mix_prior {
    size_t n, p;
    double *mean;       /* p */
    double *rows;       /* n × p, gaps filled */
    double *covariance; /* p × p, shrunk to its diagonal */
} aml_mix_prior;

/* y: n × p (n, p ≥ 1), NaN = gap, filled with its expectation under the Gaussian (EM). In
 * ctx->keep. AML_ENOMEM. */
aml_status aml_mix_prior_new(aml_mix_prior **out, const double *y, size_t n, size_t p,
                             aml_ctx *ctx);

/* The belief about one new dataset. Memory lies in the arena it was started in. */
typedef struct aml_mix {
    const aml_mix_prior *prior;
    double *z;            /* n × p centres */
    double *c;            /* p × p covariance shared by the components */
    double *prior_weight; /* n, sum 1 */
    double *log_weight;   /* n, any constant */
    double *row_best;     /* n: lowest entry of each past row among the columns tried */
    bool *open;           /* p: may be picked */
    size_t seen;          /* observations and beliefs so far */
    double best;          /* lowest loss observed, INFINITY at first */
    double *work;         /* n + p */
    aml_improvement_table improvement;
} aml_mix;

/* weights: n values > 0, or NULL for equal ones. All columns are open. AML_ENOMEM. */
aml_status aml_mix_start(aml_mix *m, const aml_mix_prior *prior, const double *weights,
                         aml_arena *arena);

void aml_mix_observe(aml_mix *m, size_t column, double y);

/* For a trial in flight: the column counts as tried with its expected outcome (Kriging believer). */
void aml_mix_believe(aml_mix *m, size_t column);

/* Current weights of the components, sum 1, with a share of the prior ones mixed in. */
void aml_mix_weights(double *w, const aml_mix *m);

/* The column to try next, or p when none is open. At first the lowest expected loss, then the
 * highest expected improvement; every 4th from the 8th on the column that would have helped the
 * past datasets most. seconds_log: log of the predicted seconds per column (improvement per
 * second^0.5), or NULL. */
size_t aml_mix_pick(aml_mix *m, const double *seconds_log);

/* order[0 … p-1]: each column lowers the mean best loss of the rows most given those before it, per
 * second^0.5 when seconds_log is given; ties and the useless rest by mean loss. AML_ENOMEM. */
aml_status aml_greedy_portfolio(size_t *order, const aml_mix_prior *prior,
                                const double *seconds_log, aml_arena *scratch);

#endif
