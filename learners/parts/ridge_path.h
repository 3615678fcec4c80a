/* ridge_path.h: ridge regression for many penalties at once, with the exact errors of leaving out each
 * row in turn: one eigendecomposition of the features' products, or one tridiagonal form of the rows'
 * where they are fewer (Elden 1977; Golub, Heath and Wahba 1979; Hoerl and Kennard 1970). */
#ifndef AML_LEARNERS_PARTS_RIDGE_PATH_H
#define AML_LEARNERS_PARTS_RIDGE_PATH_H

#include "learners/parts/rows.h"

/* Minimised for each alpha: sum of w_i (y_i - x_i coef - intercept)² / 2 + alpha / 2 * |coef|². A row
 * left out goes with all its weight. */
typedef struct aml_ridge_path {
    size_t n_alphas;
    double *coef; /* (p + 1) × n_alphas, intercepts last; ctx->scratch */
    double *loo;  /* n_alphas: weighted mean of the squared errors of rows left out */
    double
        *left; /* n × n_alphas: prediction of a row from all others, less its target; when asked */
    double *mean, *sd; /* p: of the features */
    size_t best;       /* the alpha of the least loo; of two the larger alpha */
} aml_ridge_path;

/* Dense features only, and rows or features at most a few thousand. */
bool aml_ridge_path_possible(const aml_data *train);

/* alpha: upwards, > 0. Results in ctx->scratch. AML_ENOMEM, AML_ESTOPPED. */
aml_status aml_ridge_path_fit(aml_ridge_path *out, const aml_data *train, const double *alpha,
                              size_t n_alphas, bool each_row, aml_ctx *ctx);

#endif
