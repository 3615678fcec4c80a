/* linear_fit.c: fits a linear model: the penalised loss with its gradient, and the target's
 * preparation. */
#include "learners/parts/linear_fit.h"

#include "automl/core/linalg.h"
#include "learners/parts/lbfgs.h"

#include <math.h>
#include <string.h>

enum { MOST_STEPS = 500, RENEW_EVERY = 8 };

void aml_linear_margins(double *z, double *x, const aml_linear_problem *problem,
                        const aml_linear_rows *rows, size_t begin, size_t end) {
    size_t p = problem->p, k = problem->k, n = end - begin;
    const double *coef = problem->at, *sparse = coef + p * k,
                 *intercept = coef + (p + problem->q) * k;
    aml_rows_doubles(x, &rows->x, problem->center, begin, end);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < k; c++) z[i * k + c] = intercept[c];
    if (p && k == 1) aml_dgemv(false, n, p, 1, x, p, coef, 1, z);
    if (p && k > 1) aml_dgemm(false, false, n, k, p, 1, x, p, coef, k, 1, z, k);
    for (size_t i = begin; problem->q && i < end; i++, z += k) {
        const uint32_t *column;
        const float *value;
        size_t entries = aml_rows_entries(&column, &value, &rows->x, i);
        for (size_t e = 0; e < entries; e++) {
            double v = (double)aml_rows_value(value[e]);
            for (size_t c = 0; c < k; c++) z[c] += v * sparse[column[e] * k + c];
        }
    }
}

static void add_sparse_gradient(double *sum, const aml_linear_problem *problem, const double *slope,
                                size_t begin, size_t end) {
    size_t k = problem->k;
    for (size_t i = begin; i < end; i++, slope += k) {
        const uint32_t *column;
        const float *value;
        size_t entries = aml_rows_entries(&column, &value, &problem->rows.x, i);
        for (size_t e = 0; e < entries; e++) {
            double v = (double)aml_rows_value(value[e]);
            for (size_t c = 0; c < k; c++) sum[column[e] * k + c] += v * slope[c];
        }
    }
}

/* The loss of a block of rows and its gradient in one go, while the block is in the cache. */
static void add_block(double *sum, void *arg, size_t begin, size_t end, double *scratch) {
    const aml_linear_problem *problem = arg;
    size_t p = problem->p, q = problem->q, k = problem->k, n = end - begin;
    double *x = scratch, *z = scratch + problem->chunk * p;
    aml_linear_margins(z, x, problem, &problem->rows, begin, end);
    sum[problem->d] +=
        problem->loss(z, NULL, problem->rows.y + begin, problem->rows.w + begin, n, k);
    if (p && k == 1) aml_dgemv(true, p, n, 1, x, p, z, 1, sum);
    if (p && k > 1) aml_dgemm(true, false, p, k, n, 1, x, p, z, k, 1, sum, k);
    if (q) add_sparse_gradient(sum + p * k, problem, z, begin, end);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < k; c++) sum[(p + q) * k + c] += z[i * k + c];
}

static aml_status value(double *f, double *g, const double *coef, void *arg) {
    aml_linear_problem *problem = arg;
    size_t k = problem->k, penalised = problem->d - k;
    problem->at = coef;
    AML_TRY(aml_sum_run(problem->sum, &problem->pass, add_block, problem, problem->ctx));
    memcpy(g, problem->sum, problem->d * sizeof *g);
    *f = problem->sum[problem->d] + 0.5 * problem->lambda * aml_dot(coef, coef, penalised);
    for (size_t j = 0; j < penalised; j++) g[j] += problem->lambda * coef[j];
    for (size_t c = 0; c < k; c++)
        if (problem->frozen[c]) g[penalised + c] = 0;
    return AML_OK;
}

static double *class_numbers(const aml_data *x, aml_arena *arena) {
    double *y = aml_alloc_raw(arena, x->n, sizeof *y);
    for (size_t i = 0; y && i < x->n; i++) y[i] = x->y[x->rows[i]];
    return y;
}

/* Starts at the class shares, and freezes the intercepts of classes that no row has. */
static aml_status start_at_shares(double *intercept, aml_linear_problem *problem, double total) {
    size_t n_classes = problem->k == 1 ? 2 : problem->k;
    const aml_linear_rows *rows = &problem->rows;
    double *share = AML_ARRAY(problem->ctx->scratch, n_classes, double);
    if (!share) return AML_ENOMEM;
    for (size_t i = 0; i < rows->x.n; i++) share[(size_t)rows->y[i]] += rows->w[i];
    for (size_t c = 0; c < n_classes; c++) {
        bool absent = share[c] <= 0;
        if (absent) share[c] = 0.5 / (total + 1);
        problem->frozen[problem->k == 1 ? 0 : c] |= absent;
    }
    if (problem->k == 1) {
        intercept[0] = log(share[1]) - log(share[0]);
    } else {
        for (size_t c = 0; c < n_classes; c++) intercept[c] = log(share[c]);
    }
    return AML_OK;
}

static aml_status solve(double *coef, aml_linear_problem *problem) {
    size_t p = problem->p, k = problem->k;
    aml_ctx *ctx = problem->ctx;
    bool squared = problem->loss == aml_loss_squared;
    problem->chunk = aml_rows_chunk(p + k);
    problem->sum = AML_ARRAY(ctx->scratch, problem->d + 1, double);
    if (!problem->sum) return AML_ENOMEM;
    AML_TRY(aml_sum_init(&problem->pass, problem->rows.x.n, problem->d + 1, problem->chunk,
                         problem->chunk * (p + k), ctx));
    AML_TRY(aml_curvature_init(problem));
    double wait = problem->curvature.price / 4;
    aml_lbfgs_problem lbfgs = {.n = problem->d,
                               .arg = problem,
                               .value = value,
                               .precondition = aml_curvature_apply,
                               .renew = aml_curvature_renew,
                               .renew_every = squared              ? 0
                                              : wait > RENEW_EVERY ? (size_t)wait
                                                                   : RENEW_EVERY,
                               .max_steps = MOST_STEPS,
                               .tolerance = squared ? 1e-18 : 1e-11};
    return aml_lbfgs(coef, &lbfgs, ctx);
}

/* Coefficients of the features and the target as they came; what overflowed becomes 0. */
static void restore(double *coef, const aml_linear_problem *problem, double mean, double sd) {
    size_t p = problem->p, k = problem->k;
    double *intercept = coef + (p + problem->q) * k;
    for (size_t j = 0; j < problem->d; j++) {
        coef[j] *= sd;
        if (!(fabs(coef[j]) < 1e150)) coef[j] = 0;
    }
    for (size_t c = 0; c < k; c++) {
        intercept[c] += mean;
        for (size_t j = 0; j < p; j++) intercept[c] -= problem->center[j] * coef[j * k + c];
    }
}

static aml_status fit(aml_linear *model, double *coef, double *sd, aml_linear_problem *problem,
                      double penalty) {
    aml_ctx *ctx = problem->ctx;
    const aml_data *x = &problem->rows.x;
    double total, y_mean = 0, y_sd = 1, *center = AML_ARRAY(ctx->scratch, problem->p, double);
    double *w = aml_rows_weights(&total, x, ctx->scratch);
    problem->frozen = AML_ARRAY(ctx->scratch, problem->k, bool);
    if (!w || !center || !problem->frozen) return AML_ENOMEM;
    for (size_t i = 0; i < x->n; i++) w[i] /= total;
    AML_TRY(aml_rows_moments(center, sd, x, w, 1, ctx));
    bool squared = problem->loss == aml_loss_squared;
    problem->rows.w = w;
    problem->rows.y = squared ? aml_rows_target(&y_mean, &y_sd, x, w, ctx->scratch)
                              : class_numbers(x, ctx->scratch);
    if (!problem->rows.y) return AML_ENOMEM;
    problem->center = center;
    problem->lambda = penalty / total;
    double *intercept = coef + (problem->p + problem->q) * problem->k;
    if (problem->loss == aml_loss_logistic || problem->loss == aml_loss_softmax)
        AML_TRY(start_at_shares(intercept, problem, total));
    AML_TRY(solve(coef, problem));
    restore(coef, problem, y_mean, y_sd);
    *model =
        (aml_linear){.p = problem->p, .q = problem->q, .k = problem->k, .coef = coef, .sd = sd};
    return AML_OK;
}

aml_status aml_linear_fit(aml_linear *model, const aml_data *train, aml_linear_loss loss,
                          double penalty, aml_ctx *ctx) {
    size_t p = train->x->p, q = aml_rows_sparse(train);
    size_t k = train->task == AML_MULTICLASS ? (size_t)train->n_classes : 1, d = (p + q + 1) * k;
    double *coef = AML_ARRAY(ctx->keep, d, double), *sd = AML_ARRAY(ctx->keep, p, double);
    if (!coef || !sd) return AML_ENOMEM;
    aml_linear_problem problem = {
        .rows = {.x = *train}, .loss = loss, .p = p, .q = q, .k = k, .d = d, .ctx = ctx};
    aml_mark mark = aml_arena_mark(ctx->scratch);
    AML_TRY(fit(model, coef, sd, &problem, penalty));
    aml_arena_release(ctx->scratch, mark);
    return AML_OK;
}
