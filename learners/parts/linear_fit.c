/* linear_fit.c: fits a linear model: prepares rows, weights and target, and gives the problem to the
 * method that suits it. */
#include "learners/parts/linear_fit.h"

#include <math.h>

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

/* Smallest matrix first: that of the features, or of the rows; else no matrix at all. */
static aml_status solve(double *coef, aml_linear_problem *problem) {
    size_t n = problem->rows.x.n, p = problem->p;
    if (!problem->q && p > n && n <= AML_LINEAR_LARGEST_MATRIX)
        return aml_linear_dual(coef, problem);
    if (!problem->q && p <= AML_LINEAR_LARGEST_MATRIX)
        return aml_linear_quasi_newton(coef, problem);
    bool done = false;
    if (problem->q) AML_TRY(aml_linear_ascent(&done, coef, problem));
    return done || problem->ctx->truncated ? AML_OK : aml_linear_newton(coef, problem);
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

/* The other way round: a model's coefficients as a start. */
static void start_from(double *coef, const double *start, const aml_linear_problem *problem,
                       double mean, double sd) {
    size_t p = problem->p, k = problem->k;
    double *intercept = coef + (p + problem->q) * k, unit = sd > 0 ? 1 / sd : 0;
    for (size_t j = 0; j < problem->d; j++) coef[j] = start[j] * unit;
    for (size_t c = 0; c < k; c++) {
        intercept[c] -= mean * unit;
        for (size_t j = 0; j < p; j++) intercept[c] += problem->center[j] * coef[j * k + c];
    }
}

/* The target as the loss wants it: numbers of spread 1, classes, or the caller's own. */
static aml_status prepare_target(double *mean, double *sd, aml_linear_problem *problem,
                                 const aml_linear_task *task, const double *w) {
    aml_arena *scratch = problem->ctx->scratch;
    const aml_data *x = &problem->rows.x;
    *mean = 0, *sd = 1;
    problem->rows.y = task->y                          ? task->y
                      : task->loss == aml_loss_squared ? aml_rows_target(mean, sd, x, w, scratch)
                                                       : class_numbers(x, scratch);
    return problem->rows.y ? AML_OK : AML_ENOMEM;
}

static aml_status fit(aml_linear *model, double *coef, double *center, double *sd,
                      aml_linear_problem *problem, const aml_linear_task *task) {
    aml_ctx *ctx = problem->ctx;
    const aml_data *x = &problem->rows.x;
    double total, y_mean, y_sd;
    double *w = aml_rows_weights(&total, x, ctx->scratch);
    problem->frozen = AML_ARRAY(ctx->scratch, problem->k, bool);
    if (!w || !problem->frozen) return AML_ENOMEM;
    for (size_t i = 0; i < x->n; i++) w[i] /= total;
    AML_TRY(aml_rows_moments(center, sd, x, w, 1, ctx));
    problem->rows.w = w;
    problem->center = center;
    problem->sd = sd;
    problem->plain = aml_rows_near(center, sd, problem->p) && aml_rows_plain(x, ctx);
    problem->lambda = task->penalty / total;
    AML_TRY(prepare_target(&y_mean, &y_sd, problem, task, w));
    double *intercept = coef + (problem->p + problem->q) * problem->k;
    if (task->loss == aml_loss_logistic || task->loss == aml_loss_softmax)
        AML_TRY(start_at_shares(intercept, problem, total));
    if (task->start) start_from(coef, task->start, problem, y_mean, y_sd);
    AML_TRY(solve(coef, problem));
    restore(coef, problem, y_mean, y_sd);
    *model = (aml_linear){.p = problem->p,
                          .q = problem->q,
                          .k = problem->k,
                          .coef = coef,
                          .mean = center,
                          .sd = sd,
                          .gain = isfinite(problem->gain) ? problem->gain : 0};
    return AML_OK;
}

aml_status aml_linear_fit(aml_linear *model, const aml_data *train, const aml_linear_task *task,
                          aml_ctx *ctx) {
    size_t p = train->x->p, q = aml_rows_sparse(train);
    size_t k = train->task == AML_MULTICLASS ? (size_t)train->n_classes : 1, d = (p + q + 1) * k;
    double *coef = AML_ARRAY(ctx->keep, d, double), *sd = AML_ARRAY(ctx->keep, p, double);
    double *center = AML_ARRAY(ctx->keep, p, double);
    if (!coef || !sd || !center) return AML_ENOMEM;
    aml_linear_problem problem = {.rows = {.x = *train},
                                  .loss = task->loss,
                                  .shape = task->shape,
                                  .tolerance = task->tolerance,
                                  .p = p,
                                  .q = q,
                                  .k = k,
                                  .d = d,
                                  .ctx = ctx};
    aml_mark mark = aml_arena_mark(ctx->scratch);
    AML_TRY(fit(model, coef, center, sd, &problem, task));
    aml_arena_release(ctx->scratch, mark);
    return AML_OK;
}
