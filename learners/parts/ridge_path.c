/* ridge_path.c: ridge regression for many penalties: prepares the problem, and brings what was found
 * back into the target's units. */
#include "learners/parts/ridge_path.h"

#include "learners/parts/ridge_job.h"

#include <math.h>

enum { LARGEST = 2048 };

bool aml_ridge_path_possible(const aml_data *train) {
    size_t p = train->x->p, least = p < train->n ? p : train->n;
    return !aml_rows_sparse(train) && least <= LARGEST && train->n > 1;
}

static void restore(aml_ridge_path *out, const aml_ridge_job *a, double mean, double sd) {
    size_t p = a->p, m = a->m;
    for (size_t l = 0; l < m; l++) out->coef[p * m + l] = mean;
    for (size_t j = 0; j < p; j++)
        for (size_t l = 0; l < m; l++) {
            double c = out->coef[j * m + l] * sd;
            out->coef[j * m + l] = fabs(c) < 1e150 ? c : 0;
            out->coef[p * m + l] -= a->center[j] * out->coef[j * m + l];
        }
    for (size_t i = 0; a->left && i < a->n * m; i++) a->left[i] *= sd;
    for (size_t l = 0; l < m; l++)
        if (out->loo[l] <= out->loo[out->best]) out->best = l;
    for (size_t l = 0; l < m; l++) out->loo[l] *= sd * sd;
}

aml_status aml_ridge_path_fit(aml_ridge_path *out, const aml_data *train, const double *alpha,
                              size_t n_alphas, bool each_row, aml_ctx *ctx) {
    size_t n = train->n, p = train->x->p, m = n_alphas;
    double total, mean, y_sd, *w = aml_rows_weights(&total, train, ctx->scratch);
    double *center = AML_ARRAY(ctx->scratch, p, double), *sd = AML_ARRAY(ctx->scratch, p, double),
           *lambda = AML_ARRAY(ctx->scratch, m, double);
    aml_ridge_job a = {.x = train, .w = w, .n = n, .p = p, .m = m, .ctx = ctx};
    *out = (aml_ridge_path){.n_alphas = m, .mean = center, .sd = sd};
    out->coef = AML_ARRAY(ctx->scratch, (p + 1) * m, double);
    out->loo = AML_ARRAY(ctx->scratch, m, double);
    if (each_row) out->left = a.left = AML_ARRAY(ctx->scratch, n * m, double);
    if (!w || !center || !sd || !lambda || !out->coef || !out->loo || (each_row && !a.left))
        return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) w[i] /= total;
    for (size_t l = 0; l < m; l++) lambda[l] = alpha[l] / total;
    a.center = center, a.sd = sd, a.lambda = lambda;
    a.y = aml_rows_target(&mean, &y_sd, train, w, ctx->scratch);
    if (!a.y) return AML_ENOMEM;
    AML_TRY((p > n ? aml_ridge_by_rows : aml_ridge_by_features)(out->coef, out->loo, &a));
    restore(out, &a, mean, y_sd);
    return AML_OK;
}
