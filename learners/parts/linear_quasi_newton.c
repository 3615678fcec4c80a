/* linear_quasi_newton.c: fits a linear model to dense features by L-BFGS: the penalised loss with its
 * gradient in one pass over the rows. */
#include "learners/parts/linear_fit.h"

#include "automl/core/linalg.h"
#include "learners/parts/lbfgs.h"
#include "learners/parts/linear_dense.h"

#include <string.h>

enum { MOST_STEPS = 500, RENEW_EVERY = 8 };

/* One output straight from the rows: nothing is copied, and x is left alone. */
static bool direct(const aml_linear_problem *problem, const aml_linear_rows *rows) {
    return problem->plain && problem->k == 1 && !rows->own;
}

void aml_linear_margins(double *z, double *x, const aml_linear_problem *problem,
                        const aml_linear_rows *rows, size_t begin, size_t end) {
    size_t p = problem->p, k = problem->k, n = end - begin;
    const double *coef = problem->at, *intercept = coef + p * k;
    if (direct(problem, rows)) {
        aml_dense_margins(z, rows->x.x->dense, rows->x.rows + begin, n, p, coef, problem->base);
        return;
    }
    if (rows->own) memcpy(x, rows->own + begin * p, n * p * sizeof *x);
    else if (problem->plain)
        aml_dense_centered(x, rows->x.x->dense, rows->x.rows + begin, n, p, problem->center);
    else aml_rows_doubles(x, &rows->x, problem->center, begin, end);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < k; c++) z[i * k + c] = intercept[c];
    if (p && k == 1) aml_dgemv(false, n, p, 1, x, p, coef, 1, z);
    if (p && k > 1) aml_dgemm(false, false, n, k, p, 1, x, p, coef, k, 1, z, k);
}

/* The loss of a block of rows and its gradient in one go, while the block is in the cache. */
static void add_block(double *sum, void *arg, size_t begin, size_t end, double *scratch) {
    const aml_linear_problem *problem = arg;
    const aml_linear_rows *rows = &problem->rows;
    size_t p = problem->p, k = problem->k, n = end - begin;
    double *z = scratch, *x = scratch + problem->chunk * k;
    aml_linear_margins(z, x, problem, rows, begin, end);
    sum[problem->d] +=
        problem->loss(z, NULL, rows->y + begin, rows->w + begin, n, k, problem->shape);
    if (direct(problem, rows))
        aml_dense_gradient(sum, rows->x.x->dense, rows->x.rows + begin, n, p, z);
    else if (p && k == 1) aml_dgemv(true, p, n, 1, x, p, z, 1, sum);
    else if (p) aml_dgemm(true, false, p, k, n, 1, x, p, z, k, 1, sum, k);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < k; c++) sum[p * k + c] += z[i * k + c];
}

static void look_at(aml_linear_problem *problem, const double *coef) {
    problem->at = coef;
    problem->base = coef[problem->p * problem->k];
    for (size_t j = 0; problem->k == 1 && j < problem->p; j++)
        problem->base -= problem->center[j] * coef[j];
}

static aml_status value(double *f, double *g, const double *coef, void *arg) {
    aml_linear_problem *problem = arg;
    size_t p = problem->p, k = problem->k, penalised = p * k;
    look_at(problem, coef);
    AML_TRY(aml_sum_run(problem->sum, &problem->pass, add_block, problem, problem->ctx));
    memcpy(g, problem->sum, problem->d * sizeof *g);
    *f = problem->sum[problem->d] + 0.5 * problem->lambda * aml_dot(coef, coef, penalised);
    for (size_t j = 0; direct(problem, &problem->rows) && j < p; j++)
        g[j] -= problem->center[j] * g[p];
    for (size_t j = 0; j < penalised; j++) g[j] += problem->lambda * coef[j];
    for (size_t c = 0; c < k; c++)
        if (problem->frozen[c]) g[penalised + c] = 0;
    return AML_OK;
}

static aml_status renew(const double *coef, void *arg) {
    look_at(arg, coef);
    return aml_curvature_renew(coef, arg);
}

static aml_status minimise(double *coef, aml_linear_problem *problem) {
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
                               .renew = renew,
                               .renew_every = squared              ? 0
                                              : wait > RENEW_EVERY ? (size_t)wait
                                                                   : RENEW_EVERY,
                               .max_steps = MOST_STEPS,
                               .tolerance = problem->tolerance,
                               .gain = &problem->gain};
    return aml_lbfgs(coef, &lbfgs, ctx);
}

/* One class against the others, each by itself: nothing ties the outputs together. */
static aml_status one_by_one(double *coef, aml_linear_problem *problem) {
    aml_ctx *ctx = problem->ctx;
    size_t n = problem->rows.x.n, p = problem->p, k = problem->k;
    double *side = AML_ARRAY(ctx->scratch, p + 1, double), *y = AML_ARRAY(ctx->scratch, n, double);
    if (!side || !y) return AML_ENOMEM;
    for (size_t o = 0; o < k && !ctx->truncated; o++) {
        aml_mark mark = aml_arena_mark(ctx->scratch);
        aml_linear_problem inner = *problem;
        inner.k = 1;
        inner.d = p + 1;
        inner.rows.y = y;
        inner.frozen = problem->frozen + o;
        for (size_t i = 0; i < n; i++) y[i] = (size_t)problem->rows.y[i] == o;
        for (size_t j = 0; j <= p; j++) side[j] = coef[j * k + o];
        AML_TRY(minimise(side, &inner));
        for (size_t j = 0; j <= p; j++) coef[j * k + o] = side[j];
        problem->gain = inner.gain > problem->gain ? inner.gain : problem->gain;
        aml_arena_release(ctx->scratch, mark);
    }
    return AML_OK;
}

aml_status aml_linear_quasi_newton(double *coef, aml_linear_problem *problem) {
    bool apart = problem->loss == aml_loss_squared_hinge && problem->k > 1;
    return apart ? one_by_one(coef, problem) : minimise(coef, problem);
}
