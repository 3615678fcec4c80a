/* enet.h: least squares with L1 and L2 penalties on dense and sparse features, one penalty after the
 * other from the last one's solution.
 *
 * Coordinate descent with covariance updates (Friedman, Hastie and Tibshirani 2010) runs on a working
 * set that the sequential strong rule proposes and the conditions of optimality correct (Tibshirani
 * and others 2012), until the duality gap is small; where it is slow, Newton steps on the
 * coefficients that are not 0 finish it. Rows are read only for the products of features that enter
 * the set and to check all others. Products of all features are made at once where they are fewer
 * than the rows, by float arithmetic; for tolerances that this does not reach, slopes that are read
 * from the rows correct it. */
#ifndef AML_LEARNERS_PARTS_ENET_H
#define AML_LEARNERS_PARTS_ENET_H

#include "learners/parts/rows.h"

#define AML_ENET_ROUGH 1e-7 /* the least tolerance that products by float arithmetic are good for */

/* Minimised: ½ sum w r² + l1 |coef|_1 + l2 / 2 |coef|², the weights' sum 1, features centered, y of
 * mean 0 and spread 1. */
typedef struct aml_enet {
    const aml_data *x;
    size_t n, p, q, d;             /* d = p + q */
    bool plain;                    /* the dense values can be read as they are */
    const double *w, *y, *center;  /* by position; center: d */
    double y_mean, y_sd, square_y; /* square_y: 1, or 0 where y is constant */
    double *sd;                    /* p */
    double *coef;                  /* d */
    double *slope, *xy;            /* d + 1: [x 1]' W (y - x coef) and [x 1]' W y */
    double *pull;                  /* d: xy, as far as the products go with it: slope + all coef */
    double *all;                   /* d × d products, or NULL when there are too many features */
    bool floats, exact;            /* `all` is from floats; xy from the rows all the same */
    double l1, gap;                /* of the last solution; gap in units of the target's variance */
    size_t size, room;             /* the working set, and how many fit */
    uint32_t *member;              /* features of the set, in the order of their entry */
    uint32_t *place;               /* d: a feature's place in the set, UINT32_MAX outside */
    double *gram;                  /* room × room: products of the set's features */
    double *b, *c;                 /* room: their coefficients and slopes during a descent */
    double *step,
        *slack;     /* a Newton step (4 × room, three of them its work), and its right-hand side */
    double *factor; /* its Cholesky factor */
    aml_ctx *ctx;
} aml_enet;

/* Into ctx->scratch. AML_ENOMEM, AML_ESTOPPED. */
aml_status aml_enet_init(aml_enet *e, const aml_data *train, aml_ctx *ctx);
/* The smallest l1 at which all coefficients are 0. */
double aml_enet_largest(const aml_enet *e);
/* l1 > 0; e->coef is the start and the solution. At most 4096 features can be other than 0: those
 * with the largest slopes. Ends with e->gap ≤ tolerance, or where rounding lets nothing improve. For
 * a tolerance of AML_ENET_ROUGH or more the gap itself is known to about 1e-8. */
aml_status aml_enet_solve(aml_enet *e, double l1, double l2, double tolerance);
/* out: d + 1 coefficients of the features and the target as they came, the intercept last. */
void aml_enet_coef(double *out, const aml_enet *e);

#endif
