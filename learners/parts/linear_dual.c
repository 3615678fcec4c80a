/* linear_dual.c: more features than rows: the best coefficients are a combination of the rows
 * (Kimeldorf and Wahba 1971), so that with K = x x' = L L' it is the rows of L that are fitted, n
 * features of the same inner products, and coef = x' L'^-1 v. */
#include "learners/parts/linear_fit.h"

#include "automl/core/linalg.h"
#include "automl/core/par.h"

#include <math.h>
#include <string.h>

enum { PANEL = 512 };
#define RIDGE 1e-13 /* of the mean diagonal: K is singular, its features being centered */

/* Columns begin … end-1 of all rows, centered: n × (end - begin). */
static void gather(double *out, const aml_linear_problem *problem, size_t begin, size_t end) {
    const aml_data *x = &problem->rows.x;
    const aml_design *d = x->x;
    for (size_t i = 0; i < x->n; i++)
        for (size_t j = begin; j < end; j++) {
            size_t row = x->rows[i];
            float v = aml_rows_value(d->dense ? d->dense[row * d->p + j] : d->column[j][row]);
            *out++ = (double)v - problem->center[j];
        }
}

static aml_status inner_products(double *kernel, double *panel, const aml_linear_problem *problem) {
    size_t n = problem->rows.x.n, p = problem->p;
    for (size_t begin = 0; begin < p; begin += PANEL) {
        size_t end = begin + PANEL < p ? begin + PANEL : p;
        if (aml_should_stop(problem->ctx)) return aml_stopped();
        gather(panel, problem, begin, end);
        aml_dgemm(false, true, n, n, end - begin, 1, panel, end - begin, panel, end - begin, 1,
                  kernel, n);
    }
    return AML_OK;
}

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
static aml_status carry_back(double *coef, double *v, double *panel, const double *l,
                             const aml_linear_problem *problem) {
    size_t n = problem->rows.x.n, p = problem->p, k = problem->k;
    double *side = AML_ARRAY(problem->ctx->scratch, n, double);
    if (!side) return AML_ENOMEM;
    for (size_t c = 0; c < k; c++) {
        for (size_t i = 0; i < n; i++) side[i] = v[i * k + c];
        aml_cholesky_half(l, n, n, true, side);
        for (size_t i = 0; i < n; i++) v[i * k + c] = side[i];
    }
    for (size_t begin = 0; begin < p; begin += PANEL) {
        size_t end = begin + PANEL < p ? begin + PANEL : p;
        gather(panel, problem, begin, end);
        aml_dgemm(true, false, end - begin, k, n, 1, panel, end - begin, v, k, 0, coef + begin * k,
                  k);
    }
    return AML_OK;
}

aml_status aml_linear_dual(double *coef, aml_linear_problem *problem) {
    size_t n = problem->rows.x.n, p = problem->p, k = problem->k;
    aml_arena *scratch = problem->ctx->scratch;
    double *kernel = AML_ARRAY(scratch, n * n, double), *l = AML_ARRAY(scratch, n * n, double);
    double *panel = AML_ARRAY(scratch, n * PANEL, double);
    double *v = AML_ARRAY(scratch, (n + 1) * k, double), *zero = AML_ARRAY(scratch, n, double);
    if (!kernel || !l || !panel || !v || !zero) return AML_ENOMEM;
    AML_TRY(inner_products(kernel, panel, problem));
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
    return carry_back(coef, v, panel, l, problem);
}
