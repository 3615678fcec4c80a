/* linear_dual.c: more features than rows: the best coefficients are a combination of the rows
 * (Kimeldorf and Wahba 1971), so that with K = x x' = L L' it is the rows of L that are fitted, n
 * features of the same inner products, and coef = x' L'^-1 v. The start gives the intercepts alone. */
#include "learners/parts/linear_fit.h"

#include "automl/core/linalg.h"
#include "learners/parts/gram.h"

#include <math.h>
#include <string.h>

#define RIDGE 1e-13 /* of the mean diagonal: K is singular, its features being centered */

static bool factorise(double *l, const double *kernel, size_t n) {
    double mean = 0;
    for (size_t i = 0; i < n; i++) mean += kernel[i * n + i] / (double)n;
    for (double ridge = RIDGE; ridge < 1; ridge *= 100) {
        memcpy(l, kernel, n * n * sizeof *l);
        for (size_t i = 0; i < n; i++) l[i * n + i] += ridge * (mean > 0 ? mean : 1);
        if (aml_cholesky(l, n, n)) break;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++) l[i * n + j] = 0;
    return isfinite(mean);
}

/* coef = x' L'^-1 v, output by output. */
static aml_status carry_back(double *coef, double *v, const double *l,
                             const aml_linear_problem *problem) {
    size_t n = problem->rows.x.n, k = problem->k;
    double *side = AML_ARRAY(problem->ctx->scratch, n, double);
    if (!side) return AML_ENOMEM;
    for (size_t c = 0; c < k; c++) {
        for (size_t i = 0; i < n; i++) side[i] = v[i * k + c];
        aml_cholesky_half(l, n, n, true, side);
        for (size_t i = 0; i < n; i++) v[i * k + c] = side[i];
    }
    return aml_gram_combine(coef, &problem->rows.x, problem->center, v, k, problem->ctx);
}

aml_status aml_linear_dual(double *coef, aml_linear_problem *problem) {
    size_t n = problem->rows.x.n, p = problem->p, k = problem->k;
    aml_arena *scratch = problem->ctx->scratch;
    double *kernel = AML_ARRAY(scratch, n * n, double), *l = AML_ARRAY(scratch, n * n, double);
    double *v = AML_ARRAY(scratch, (n + 1) * k, double), *zero = AML_ARRAY(scratch, n, double);
    if (!kernel || !l || !v || !zero) return AML_ENOMEM;
    AML_TRY(aml_gram_rows(kernel, &problem->rows.x, problem->center, problem->ctx));
    if (!factorise(l, kernel, n)) return aml_linear_newton(coef, problem);
    aml_linear_problem inner = *problem;
    inner.rows.own = l;
    inner.p = n;
    inner.d = (n + 1) * k;
    inner.center = zero;
    inner.plain = false;
    memcpy(v + n * k, coef + p * k, k * sizeof *v);
    AML_TRY(aml_linear_quasi_newton(v, &inner));
    memcpy(coef + p * k, v + n * k, k * sizeof *v);
    problem->gain = inner.gain;
    return carry_back(coef, v, l, problem);
}
