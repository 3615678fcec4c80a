/* linear_matrix.h: the rows of a fit as one wide matrix of dense and sparse features: products with
 * coefficients, by row, and with slopes, by column, neither of which depends on the number of threads. */
#ifndef AML_LEARNERS_PARTS_LINEAR_MATRIX_H
#define AML_LEARNERS_PARTS_LINEAR_MATRIX_H

#include "learners/parts/rows.h"

typedef struct aml_linear_matrix {
    const aml_data *x;
    size_t n, p, q, k;
    const double *center; /* p, taken off the dense features */
    size_t *start;        /* q + 1: the sparse entries once more, column by column */
    uint32_t *position;   /* of their rows */
    bool plain;           /* their values need no bringing into range */
    float *value;
    aml_sum pass; /* of the dense features and the intercepts */
} aml_linear_matrix;

/* Of a row's sparse entries: their sum with k = 1 coefficients each (values that need no bringing into range), and added to
 * z (k) with k each. */
double aml_linear_row_dot(const double *coef, const uint32_t *column, const float *value,
                          size_t entries);
void aml_linear_row_add(double *z, const double *coef, const uint32_t *column, const float *value,
                        size_t entries, size_t k);

/* Into ctx->scratch; center and x are borrowed. AML_ENOMEM, AML_ESTOPPED. */
aml_status aml_linear_matrix_init(aml_linear_matrix *m, const aml_data *x, const double *center,
                                  size_t k, aml_ctx *ctx);

/* z (n × k) = x coef + intercepts for coef ((p + q + 1) × k, the intercepts last). */
aml_status aml_linear_matrix_product(double *z, const aml_linear_matrix *m, const double *coef,
                                     aml_ctx *ctx);
/* g ((p + q + 1) × k) = [x 1]' s for s (n × k). */
aml_status aml_linear_matrix_transposed(double *g, aml_linear_matrix *m, const double *s,
                                        aml_ctx *ctx);
/* The same with the squares of the entries of x. */
aml_status aml_linear_matrix_squares(double *g, aml_linear_matrix *m, const double *s,
                                     aml_ctx *ctx);

#endif
