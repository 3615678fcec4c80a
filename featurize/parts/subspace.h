/* subspace.h: leading eigenvectors of a matrix that is known only by its products. */
#ifndef AML_FEATURIZE_SUBSPACE_H
#define AML_FEATURIZE_SUBSPACE_H

#include "automl/core/ctx.h"

/* z (p × l) = c q for the symmetric, positive semidefinite c (p × p); both row-major. */
typedef aml_status (*aml_product_fn)(double *z, const double *q, size_t l, void *arg);

/* vector (p × k, row-major: eigenvectors in its columns) and value[k], downwards, of c, by
 * randomized subspace iteration with 8 more directions and `passes` products, then
 * Rayleigh-Ritz (Halko, Martinsson and Tropp 2011, algorithm 4.4). Each vector's largest entry by
 * size, the first of them, is positive; where c has no further direction value and vector are 0.
 * k ≤ p. Draws from ctx->rng's children, scratch from ctx->scratch. */
aml_status aml_subspace(double *vector, double *value, size_t p, size_t k, int passes,
                        aml_product_fn product, void *arg, aml_ctx *ctx);

/* The same from c itself, which is destroyed. */
aml_status aml_subspace_dense(double *vector, double *value, double *c, size_t p, size_t k,
                              aml_ctx *ctx);

#endif
