/* linear_fit.h: what linear_fit.c and linear_curvature.c share: the problem of one fit.
 * Coefficients count from the centered dense features during a fit; the row sums are divided by the
 * sum of the weights. */
#ifndef AML_LEARNERS_PARTS_LINEAR_FIT_H
#define AML_LEARNERS_PARTS_LINEAR_FIT_H

#include "learners/parts/linear.h"
#include "learners/parts/rows.h"

/* Rows with their targets and weights by position. */
typedef struct aml_linear_rows {
    aml_data x;
    const double *y, *w;
} aml_linear_rows;

/* An estimate of the inverse Hessian: for output c the dense block is (share_c * S + lambda I)^-1
 * with S the curvature of all outputs together, centered by its own means; sparse features have its
 * diagonal. */
typedef struct aml_curvature {
    aml_linear_rows rows; /* all, or an even sample */
    bool full;            /* S is a matrix, not only its diagonal */
    double price;         /* of a renewal, in passes over the rows */
    size_t n_factors;     /* Cholesky factors: k, or 1 when k of them would be too large */
    double *sum;          /* S (p × p or p), then p means, q sparse diagonals, k intercepts */
    double *factor;       /* n_factors × p × p, or × p */
    double *diagonal;     /* k × q */
    double *side;         /* p + k: one output's part of a vector */
    aml_sum pass;
    bool ready;
} aml_curvature;

typedef struct aml_linear_problem {
    aml_linear_rows rows;
    aml_linear_loss loss;
    size_t p, q, k, d;    /* d = (p + q + 1) * k */
    double lambda;        /* penalty / sum of weights */
    const double *center; /* p */
    bool *frozen;         /* k: intercepts that stay */
    const double *at;     /* the coefficients of the pass that runs */
    double *sum;          /* d + 1 */
    size_t chunk;
    aml_sum pass;
    aml_curvature curvature;
    aml_ctx *ctx;
} aml_linear_problem;

/* x: the centered block begin … end-1 of rows; z: its margins at problem->at. */
void aml_linear_margins(double *z, double *x, const aml_linear_problem *problem,
                        const aml_linear_rows *rows, size_t begin, size_t end);

aml_status aml_curvature_init(aml_linear_problem *problem);
aml_status aml_curvature_renew(const double *coef,
                               void *problem); /* as aml_lbfgs_problem wants them */
void aml_curvature_apply(double *v, void *problem);

#endif
