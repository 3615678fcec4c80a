/* krige.h: a Gaussian process over all points of a space, with the gradient of its predictions.
 *
 * k(a, b) = signal * M(q), M = (1 + t + t²/3) exp(-t), t = sqrt(5 q), q = sum_j w_j (a_j - b_j)² (Matérn 5/2, one inverse
 * squared length scale a dimension of the space), plus noise on the diagonal; the mean is 0 (Rasmussen and Williams 2006,
 * algorithm 2.1 and eq. 5.9). Length scales have the prior of Hvarfner, Hellsten and Nardi 2024, "Vanilla Bayesian
 * optimization performs great in high dimensions": log-normal around sqrt 2 + log(d) / 2, sd sqrt 3; signal and noise those of
 * Optuna: Gamma(2, 1), and log p = 0.1 log n - 30 n. */
#ifndef AML_SEARCH_KRIGE_H
#define AML_SEARCH_KRIGE_H

#include "automl/core/arena.h"

typedef struct aml_krige {
    size_t n, room, d, n_scales;
    const size_t *scale; /* d: number of a coordinate's length scale */
    double *weight;      /* n_scales */
    double signal, noise;
    double *x;     /* d × room: coordinate j of all points stands together */
    double *y;     /* room */
    double *l;     /* room × room: Cholesky factor */
    double *alpha; /* room: K⁻¹ y */
} aml_krige;

/* Empty, with usual hyperparameters. AML_ENOMEM. */
aml_status aml_krige_new(aml_krige *g, size_t room, size_t d, const size_t *scale, size_t n_scales,
                         aml_arena *arena);
/* n < room. To be followed by learning or factorising before any prediction. */
void aml_krige_add(aml_krige *g, const double *x, double y);
/* Hyperparameters of the highest posterior density on at most `most` points (the best ones and some of the others), by
 * resilient gradient steps (Riedmiller and Braun 1993). AML_ENOMEM. */
aml_status aml_krige_learn(aml_krige *g, size_t most, aml_arena *scratch);
/* Factor and alpha of all points; noise grows where rounding asks for it. */
aml_status aml_krige_factorise(aml_krige *g);
/* One more point believed to have the value that is predicted for it: O(n²). */
void aml_krige_believe(aml_krige *g, const double *x);

/* Negative log posterior density (up to a constant) and its gradient by the logarithms of the weights, signal and
 * noise. `work` has 3 n² + n + d doubles. False when K is not positive definite. */
bool aml_krige_objective(double *value, double *gradient, const aml_krige *g, double *work);

/* Means and variances (without noise) at m points (m × d). AML_ENOMEM. */
aml_status aml_krige_predict(double *mean, double *variance, const aml_krige *g, const double *x,
                             size_t m, aml_arena *scratch);
/* At one point, with gradients (d each). `work` has 3 n doubles. */
void aml_krige_slope(double *mean, double *variance, double *by_mean, double *by_variance,
                     const aml_krige *g, const double *x, double *work);

#endif
