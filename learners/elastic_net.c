/* elastic_net.c: least squares with L1 and L2 penalties by coordinate descent (Friedman, Hastie and
 * Tibshirani 2010). With few features the sweeps run on the covariance matrix and cost nothing per
 * row; with more than twice as many features as rows, or very many, on the residuals. */
#include "automl/core/learner.h"
#include "automl/core/linalg.h"
#include "learners/parts/linear.h"
#include "learners/parts/rows.h"

#include <math.h>
#include <string.h>

enum { ALPHA, L1_RATIO };
enum { LARGEST_COVARIANCE = 2048, MOST_SWEEPS = 2000, LEVELS = 6 };
#define LOOSE 1e-3
#define TOLERANCE \
    1e-8 /* largest change of a coefficient in a sweep, in standard deviations of target and feature */

static const aml_param params[] = {
    [ALPHA] = {.name = "alpha",
               .summary = "strength of the penalty, for a target of standard deviation 1",
               .kind = AML_REAL,
               .log = true,
               .lo = 1e-5,
               .hi = 10,
               .fallback = 1e-2},
    [L1_RATIO] = {.name = "l1_ratio",
                  .summary = "share of the L1 penalty",
                  .kind = AML_REAL,
                  .lo = 0,
                  .hi = 1,
                  .fallback = 0.5},
    {.name = NULL}};

/* Minimised: ½ sum w r² + l1 |coef|_1 + l2 / 2 |coef|², the weights' sum 1, y and x centered, y of
 * spread 1. */
typedef struct problem {
    const aml_data *x;
    const double *w, *center;
    double *y; /* by position; residuals when there is no covariance */
    size_t n, p, chunk;
    double l1, l2;
    double *gram, *slope; /* p × p, and x'(y - x coef): NULL without covariance */
    double *square;       /* p: diagonal of the gram */
    double *coef;
    bool *active;
    float *column; /* p columns of n centered values when there is no covariance */
    aml_ctx *ctx;
} problem;

static void add_covariance(double *sum, void *arg, size_t begin, size_t end, double *scratch) {
    const problem *a = arg;
    size_t p = a->p, n = end - begin;
    double *x = scratch;
    aml_rows_doubles(x, a->x, a->center, begin, end);
    for (size_t i = 0; i < n; i++, x += p) {
        double wy = a->w[begin + i] * a->y[begin + i], root = sqrt(a->w[begin + i]);
        for (size_t j = 0; j < p; j++) {
            sum[p * p + j] += wy * x[j];
            x[j] *= root;
        }
    }
    aml_dsyrk(p, n, scratch, p, 1, sum, p);
}

static bool on_residuals(const problem *a) { return a->p > LARGEST_COVARIANCE || a->p > 2 * a->n; }

static aml_status prepare_columns(problem *a) {
    const aml_design *d = a->x->x;
    a->column = aml_alloc_raw(a->ctx->scratch, a->n * a->p, sizeof *a->column);
    if (!a->column) return AML_ENOMEM;
    for (size_t j = 0; j < a->p; j++) {
        float *to = a->column + j * a->n;
        if (aml_should_stop(a->ctx)) return aml_stopped();
        for (size_t i = 0; i < a->n; i++) {
            size_t row = a->x->rows[i];
            to[i] = (float)((double)aml_rows_value(d->dense ? d->dense[row * a->p + j]
                                                            : d->column[j][row]) -
                            a->center[j]);
            a->square[j] += a->w[i] * (double)to[i] * (double)to[i];
        }
    }
    return AML_OK;
}

static aml_status prepare(problem *a) {
    size_t p = a->p, d = p * p + p;
    aml_ctx *ctx = a->ctx;
    a->coef = AML_ARRAY(ctx->scratch, p, double);
    a->active = AML_ARRAY(ctx->scratch, p, bool);
    a->square = AML_ARRAY(ctx->scratch, p, double);
    if (!a->coef || !a->active || !a->square) return AML_ENOMEM;
    if (on_residuals(a)) return prepare_columns(a);
    aml_sum s;
    a->gram = AML_ARRAY(ctx->scratch, d, double);
    if (!a->gram) return AML_ENOMEM;
    a->slope = a->gram + p * p;
    size_t chunk = aml_rows_chunk(p / 2);
    AML_TRY(aml_sum_init(&s, a->n, d, chunk, chunk * p, ctx));
    AML_TRY(aml_sum_run(a->gram, &s, add_covariance, a, ctx));
    for (size_t j = 0; j < p; j++) a->square[j] = a->gram[j * p + j];
    return AML_OK;
}

static double slope_of(const problem *a, size_t j) {
    if (a->gram) return a->slope[j];
    const float *x = a->column + j * a->n;
    double sum[4] = {0};
    size_t i = 0;
    for (; i + 4 <= a->n; i += 4)
        for (size_t l = 0; l < 4; l++) sum[l] += a->w[i + l] * a->y[i + l] * (double)x[i + l];
    for (; i < a->n; i++) sum[0] += a->w[i] * a->y[i] * (double)x[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static void move(problem *a, size_t j, double change) {
    a->coef[j] += change;
    if (a->gram) {
        const double *row = a->gram + j * a->p;
        for (size_t i = 0; i < a->p; i++) a->slope[i] -= change * row[i];
        return;
    }
    const float *x = a->column + j * a->n;
    for (size_t i = 0; i < a->n; i++) a->y[i] -= change * (double)x[i];
}

/* The best value of one coefficient with the others as they are. */
static double best(const problem *a, size_t j) {
    double pull = slope_of(a, j) + a->square[j] * a->coef[j];
    double shrunk = pull > a->l1 ? pull - a->l1 : pull < -a->l1 ? pull + a->l1 : 0;
    return shrunk / (a->square[j] + a->l2);
}

/* Once over all coefficients, or over the active ones; the largest change is in units of the
 * target's spread. */
static aml_status sweep(double *largest, problem *a, bool all) {
    *largest = 0;
    for (size_t j = 0; j < a->p; j++) {
        if ((!all && !a->active[j]) || !(a->square[j] > 0)) continue;
        if ((!a->gram || j % 64 == 0) && aml_should_stop(a->ctx)) return aml_stopped();
        double change = best(a, j) - a->coef[j];
        if (change == 0 || !isfinite(change)) continue;
        move(a, j, change);
        a->active[j] = true;
        *largest = fmax(*largest, fabs(change) * sqrt(a->square[j]));
    }
    return AML_OK;
}

/* Sweeps until nothing moves: after each one over all coefficients as many over the active ones as
 * it takes. */
static aml_status converge(problem *a, double tolerance, int *sweeps) {
    double change = INFINITY, inner;
    while (change > tolerance && *sweeps < MOST_SWEEPS) {
        AML_TRY(sweep(&change, a, true));
        ++*sweeps;
        for (inner = change; inner > tolerance && *sweeps < MOST_SWEEPS; ++*sweeps)
            AML_TRY(sweep(&inner, a, false));
    }
    return AML_OK;
}

/* From the penalty at which all coefficients are 0 down to the one asked for: each level starts at
 * the last one's solution, and few coefficients are ever active that do not stay. */
static aml_status descend(problem *a) {
    double l1 = a->l1, l2 = a->l2, largest = 0;
    int sweeps = 0;
    for (size_t j = 0; j < a->p; j++) {
        if (aml_should_stop(a->ctx)) return aml_stopped();
        largest = fmax(largest, fabs(slope_of(a, j)));
    }
    double ratio = l1 > 0 && largest > l1 ? pow(largest / l1, 1.0 / LEVELS) : 1;
    aml_status status = AML_OK;
    for (int level = 1; level <= LEVELS && !status; level++) {
        double above = pow(ratio, LEVELS - level);
        if (ratio <= 1 && level < LEVELS) continue;
        a->l1 = l1 * above, a->l2 = l2 * above;
        status = converge(a, level == LEVELS ? TOLERANCE : LOOSE, &sweeps);
    }
    if (status != AML_ESTOPPED || !sweeps) return status;
    a->ctx->truncated = true;
    aml_clear_error();
    return AML_OK;
}

static aml_status solve(aml_linear *m, problem *a, double *coef, double *sd) {
    aml_ctx *ctx = a->ctx;
    double total, y_mean, y_sd, *center = AML_ARRAY(ctx->scratch, a->p, double);
    double *w = aml_rows_weights(&total, a->x, ctx->scratch);
    if (!center || !w) return AML_ENOMEM;
    for (size_t i = 0; i < a->n; i++) w[i] /= total;
    a->w = w;
    a->center = center;
    AML_TRY(aml_rows_moments(center, sd, a->x, w, 1, ctx));
    a->y = aml_rows_target(&y_mean, &y_sd, a->x, w, ctx->scratch);
    if (!a->y) return AML_ENOMEM;
    AML_TRY(prepare(a));
    AML_TRY(descend(a));
    coef[a->p] = y_mean;
    for (size_t j = 0; j < a->p; j++) {
        coef[j] = a->coef[j] * y_sd;
        if (!(fabs(coef[j]) < 1e150)) coef[j] = 0;
        coef[a->p] -= coef[j] * center[j];
    }
    *m = (aml_linear){.p = a->p, .q = 0, .k = 1, .coef = coef, .sd = sd};
    return AML_OK;
}

static aml_status fit(void **model, const aml_data *train, const double *hp, aml_ctx *ctx) {
    size_t p = train->x->p;
    aml_linear *m = AML_NEW(ctx->keep, aml_linear);
    double *coef = AML_ARRAY(ctx->keep, p + 1, double), *sd = AML_ARRAY(ctx->keep, p, double);
    if (!m || !coef || !sd) return AML_ENOMEM;
    problem a = {.x = train,
                 .n = train->n,
                 .p = p,
                 .l1 = hp[ALPHA] * hp[L1_RATIO],
                 .l2 = hp[ALPHA] * (1 - hp[L1_RATIO]),
                 .ctx = ctx};
    AML_TRY(solve(m, &a, coef, sd));
    *model = m;
    return AML_OK;
}

/* Sparse features are not its own: they are left aside. */
static aml_status predict(double *out, const void *model, const aml_data *x, aml_ctx *ctx) {
    aml_design dense = *x->x;
    aml_data view = *x;
    dense.csr = NULL;
    view.x = &dense;
    return aml_linear_predict(out, model, &view, NULL, NULL, ctx);
}

static void save(const void *model, aml_writer *w) { aml_linear_save(model, w); }

static aml_status load(void **model, aml_reader *r, aml_ctx *ctx) {
    aml_linear *m = AML_NEW(ctx->keep, aml_linear);
    if (!m) return AML_ENOMEM;
    AML_TRY(aml_linear_read(m, r, ctx));
    if (m->k != 1 || m->q) return aml_reader_fail(r, "an elastic net with %zu outputs", m->k);
    *model = m;
    return AML_OK;
}

static double cost(const double *hp, const aml_shape *shape) {
    double n = (double)shape->n, p = (double)shape->p, sweeps = hp[ALPHA] < 1e-3 ? 200 : 50;
    double each = p <= LARGEST_COVARIANCE ? p * p * 4e-10 : n * p * 4e-9;
    return 1e-4 + n * p * 3e-9 + (p <= LARGEST_COVARIANCE ? n * p * p * 5e-11 : 0) + sweeps * each;
}

static aml_status importance(double *out, const void *model, size_t p) {
    return aml_linear_importance(out, model, p);
}

const aml_learner aml_learner_elastic_net = {
    .abi = AML_ABI,
    .name = "elastic_net",
    .summary = "linear regression with L1 and L2 penalties",
    .tasks = AML_REGRESSION,
    .can = AML_CAN_WEIGHTS | AML_WANTS_DENSE | AML_ANYTIME | AML_REFIT,
    .params = params,
    .fit = fit,
    .predict = predict,
    .save = save,
    .load = load,
    .cost = cost,
    .importance = importance,
};
