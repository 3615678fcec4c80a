/* linear_fit.h: what the files of the fit of a linear model share: the problem of one fit.
 * Coefficients count from the centered dense features during a fit; the row sums are divided by the
 * sum of the weights. */
#ifndef AML_LEARNERS_PARTS_LINEAR_FIT_H
#define AML_LEARNERS_PARTS_LINEAR_FIT_H

#include "learners/parts/linear.h"
#include "learners/parts/linear_matrix.h"
#include "learners/parts/rows.h"

enum { AML_LINEAR_LARGEST_MATRIX = 2048 }; /* features with a Hessian of their own */

/* Rows with their targets and weights by position. */
typedef struct aml_linear_rows {
    aml_data x;
    const double *own; /* x.n × p, in place of the dense features; or NULL */
    const double *y, *w;
} aml_linear_rows;

/* An estimate of the inverse Hessian of the dense features: for output c (share_c * S + lambda I)^-1
 * with S the curvature of all outputs together, centered by its own means; or (S_c + lambda I)^-1. */
typedef struct aml_curvature {
    aml_linear_rows rows; /* all, or an even sample */
    double price;         /* of a renewal, in passes over the rows */
    size_t n_factors;     /* Cholesky factors: k, or 1 when k of them would be too large */
    bool floats;          /* S is summed in floats: good enough for steps, not for a closed form */
    size_t n_sums;        /* 1, or k: S of each output */
    double *sum;          /* n_sums of S (p × p, its lower triangle) with p means; k intercepts */
    double *factor;       /* n_factors × p × p */
    double *side;         /* p + k: one output's part of a vector */
    aml_sum pass;
    bool ready;
} aml_curvature;

typedef struct aml_linear_problem {
    aml_linear_rows rows;
    aml_linear_loss loss;
    const double *shape;
    size_t p, q, k, d;    /* d = (p + q + 1) * k */
    double lambda;        /* penalty / sum of weights */
    double tolerance;     /* as aml_lbfgs wants it */
    const double *center; /* p */
    const double *sd;     /* p */
    bool plain;           /* the dense values can be read as they are, their centers are near */
    bool *frozen;         /* k: intercepts that stay */
    const double *at;     /* the coefficients of the pass that runs */
    double base;          /* k = 1: their intercept less the centers' part */
    double *sum;          /* d + 1 */
    size_t chunk;
    aml_sum pass;
    aml_curvature curvature;
    int steps;
    double gain;
    aml_ctx *ctx;
} aml_linear_problem;

/* x: the centered block begin … end-1 of rows; z: its margins at problem->at. */
void aml_linear_margins(double *z, double *x, const aml_linear_problem *problem,
                        const aml_linear_rows *rows, size_t begin, size_t end);

aml_status aml_curvature_init(aml_linear_problem *problem);
aml_status aml_curvature_renew(const double *coef,
                               void *problem); /* as aml_lbfgs_problem wants them */
void aml_curvature_apply(double *v, void *problem);

/* Each minimises from coef on, where what it finds goes. Interrupted after a first step: AML_OK and
 * ctx->truncated. */
aml_status aml_linear_quasi_newton(double *coef, aml_linear_problem *problem); /* q = 0 */
aml_status aml_linear_newton(double *coef, aml_linear_problem *problem);
/* Logistic loss, softmax or squared hinge. *done is false for rows that it does not suit, and where it takes too many
 * passes: coef is then a start for another method. */
aml_status aml_linear_ascent(bool *done, double *coef, aml_linear_problem *problem);
/* Rows n < p, q = 0: on n features that span the same space (the rows' inner products), and back. */
aml_status aml_linear_dual(double *coef, aml_linear_problem *problem);

#endif
