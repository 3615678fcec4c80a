/* gp.h: a Gaussian process over points.
 *
 * k(a, b) = level + signal * M(q),  M = (1 + t + t²/3) exp(-t),  t = sqrt(5 q),  q = sum_j w_s(j)
 * (a_j - b_j)² (Matérn 5/2 with inverse squared length scales w; coordinates may share one), plus
 * noise on the diagonal. Rasmussen and Williams 2006, algorithm 2.1 and eq. 5.9. The mean is 0:
 * callers subtract theirs. */
#ifndef AML_SEARCH_GP_H
#define AML_SEARCH_GP_H

#include "automl/core/ctx.h"

typedef struct aml_gp {
    size_t n, room, d, n_scales;
    const size_t *scale; /* d: number of a coordinate's length scale */
    double *weight;      /* n_scales */
    double level, signal, noise;
    double *x, *y; /* room × d, room */
    double *l;     /* room × room: Cholesky factor of the first n rows */
    double *alpha; /* room: K⁻¹ y, when solved */
} aml_gp;

/* Empty, with weights 1, level 0.3, signal 1, noise 0.01. AML_ENOMEM. */
aml_status aml_gp_new(aml_gp *g, size_t room, size_t d, const size_t *scale, size_t n_scales,
                      aml_arena *arena);

/* Adds an observation and its row of the factor: O(n²). n < room. */
void aml_gp_append(aml_gp *g, const double *x, double y);

/* alpha from the factor; after the last append, before any prediction. */
void aml_gp_solve(aml_gp *g);

/* Hyperparameters (not level) of the highest posterior density, by a few resilient gradient steps
 * on a subset of the points; the factor is made anew. Priors as Optuna's: log p = -sum(0.1 / w +
 * 0.1 w) + log s - s + 0.1 log n - 30 n. AML_ENOMEM. */
aml_status aml_gp_fit(aml_gp *g, aml_arena *scratch);

/* Negative log posterior density (up to a constant) and its gradient by the logarithms of w,
 * signal and noise (n_scales + 2 values) for all points. `work` has 4 n² + n doubles. False when K
 * is not positive definite. */
bool aml_gp_objective(double *value, double *gradient, const aml_gp *g, double *work);

/* Mean and variance (without noise) at m points x (m × d). AML_ENOMEM. */
aml_status aml_gp_predict(double *mean, double *variance, const aml_gp *g, const double *x,
                          size_t m, aml_arena *scratch);

/* Covariance of two points. */
double aml_gp_kernel(const aml_gp *g, const double *a, const double *b);

#endif
