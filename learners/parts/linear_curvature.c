/* linear_curvature.c: the inverse Hessian that the fit of a linear model is preconditioned with. */
#include "learners/parts/linear_fit.h"

#include "automl/core/linalg.h"
#include "learners/parts/linear_dense.h"

#include <math.h>
#include <string.h>

enum { SAMPLE = 8192, SAMPLE_PER_FEATURE = 12, FACTOR_BUDGET = 1 << 24 };
#define RARE 0.1

static size_t matrix_chunk(const aml_linear_problem *problem) {
    size_t rows = 131072 / (problem->p + 1) / 8 * 8;
    return rows < 128 ? 128 : rows > 1024 ? 1024 : rows;
}

/* A squared loss wants its exact matrix; for the others an even sample of the rows does. */
static size_t sample_size(const aml_linear_problem *problem) {
    size_t n = problem->rows.x.n, take = SAMPLE_PER_FEATURE * problem->p;
    if (take < SAMPLE) take = SAMPLE;
    return take >= n || problem->loss == aml_loss_squared ? n : take;
}

static aml_status choose_rows(aml_linear_problem *problem) {
    aml_curvature *c = &problem->curvature;
    const aml_linear_rows *all = &problem->rows;
    size_t n = all->x.n, take = sample_size(problem);
    c->rows = *all;
    if (take == n) return AML_OK;
    aml_arena *scratch = problem->ctx->scratch;
    uint32_t *rows = AML_ARRAY(scratch, take, uint32_t);
    double *y = AML_ARRAY(scratch, take, double), *w = AML_ARRAY(scratch, take, double);
    if (!rows || !y || !w) return AML_ENOMEM;
    for (size_t i = 0; i < take; i++) {
        size_t from = (size_t)((double)i * ((double)n / (double)take));
        rows[i] = all->x.rows[from];
        y[i] = all->y[from];
        w[i] = all->w[from] * ((double)n / (double)take);
    }
    c->rows.x.rows = rows;
    c->rows.x.n = take;
    c->rows.y = y;
    c->rows.w = w;
    return AML_OK;
}

aml_status aml_curvature_init(aml_linear_problem *problem) {
    aml_curvature *c = &problem->curvature;
    size_t p = problem->p, k = problem->k, chunk = matrix_chunk(problem), size = p * p;
    aml_arena *scratch = problem->ctx->scratch;
    double wide = (double)p, n = (double)problem->rows.x.n;
    c->price =
        (wide * (double)sample_size(problem) + (double)k * wide * wide / 3) / (4 * n * (double)k);
    c->n_factors = size * k <= FACTOR_BUDGET ? k : 1;
    c->floats = problem->plain && !problem->rows.own && problem->loss != aml_loss_squared;
    AML_TRY(choose_rows(problem));
    c->sum = AML_ARRAY(scratch, size + p + k, double);
    c->factor = aml_alloc_raw(scratch, c->n_factors * size, sizeof(double));
    c->side = AML_ARRAY(scratch, p + k, double);
    if (!c->sum || !c->factor || !c->side) return AML_ENOMEM;
    return aml_sum_init(&c->pass, c->rows.x.n, size + p + k, chunk,
                        chunk * (p + 2 * k) + (c->floats ? size : 0), problem->ctx);
}

static void add_doubles(double *sum, const aml_linear_problem *problem, double *x, const double *h,
                        size_t n) {
    size_t p = problem->p;
    double *mean = sum + p * p;
    for (size_t i = 0; i < n; i++, x += p) {
        double root = sqrt(h[i]);
        for (size_t j = 0; j < p; j++) {
            mean[j] += h[i] * x[j];
            x[j] *= root;
        }
    }
    aml_dsyrk_lower(p, n, x - n * p, p, 1, sum, p);
}

/* In units of the features' spreads, so that nothing overflows or drowns. */
static void add_floats(double *sum, const aml_linear_problem *problem, float *x, float *product,
                       const double *h, size_t begin, size_t n) {
    size_t p = problem->p;
    double *mean = sum + p * p;
    const aml_data *data = &problem->curvature.rows.x;
    float *to = x;
    for (size_t i = 0; i < n; i++, to += p) {
        const float *from = data->x->dense + data->rows[begin + i] * p;
        double root = sqrt(h[i]);
        for (size_t j = 0; j < p; j++) {
            double v = ((double)from[j] - problem->center[j]) *
                       (problem->sd[j] > 0 ? 1 / problem->sd[j] : 0);
            mean[j] += h[i] * v;
            to[j] = (float)(root * v);
        }
    }
    aml_ssyrk_lower(p, n, x, p, 0, product, p);
    for (size_t j = 0; j < p; j++)
        for (size_t l = 0; l <= j; l++) sum[j * p + l] += (double)product[j * p + l];
}

static void add_block(double *sum, void *arg, size_t begin, size_t end, double *scratch) {
    const aml_linear_problem *problem = arg;
    const aml_curvature *curvature = &problem->curvature;
    const aml_linear_rows *rows = &curvature->rows;
    size_t p = problem->p, k = problem->k, n = end - begin, chunk = curvature->pass.chunk;
    double *z = scratch, *h = z + chunk * k, *x = h + chunk * k;
    double *intercept = sum + p * p + p;
    aml_linear_margins(z, x, problem, rows, begin, end);
    problem->loss(z, h, rows->y + begin, rows->w + begin, n, k, problem->shape);
    for (size_t i = 0; i < n; i++) {
        double together = 0;
        for (size_t c = 0; c < k; c++) {
            together += h[i * k + c];
            intercept[c] += h[i * k + c];
        }
        h[i] = together;
    }
    if (!p) return;
    if (curvature->floats)
        add_floats(sum, problem, (float *)x, (float *)(x + chunk * p), h, begin, n);
    else {
        if (problem->plain && k == 1 && !rows->own) /* the margins had no need of x */
            aml_dense_centered(x, rows->x.x->dense, rows->x.rows + begin, n, p, problem->center);
        add_doubles(sum, problem, x, h, n);
    }
}

/* Takes the units of add_floats back out. */
static void restore_units(aml_linear_problem *problem) {
    size_t p = problem->p;
    double *s = problem->curvature.sum, *mean = s + p * p;
    const double *sd = problem->sd;
    for (size_t i = 0; problem->curvature.floats && i < p; i++) {
        mean[i] *= sd[i];
        for (size_t j = 0; j < p; j++) s[i * p + j] *= sd[i] * sd[j];
    }
}

/* A feature that hardly varies in the sample, as a rare level, gets a part of what it would have if it varied there
 * as it does in all rows. */
static void lift_rare(aml_linear_problem *problem, double total) {
    size_t p = problem->p;
    double *s = problem->curvature.sum;
    if (problem->curvature.rows.x.n == problem->rows.x.n) return;
    for (size_t j = 0; j < p; j++)
        s[j * p + j] = fmax(s[j * p + j], RARE * total * problem->sd[j] * problem->sd[j]);
}

/* factor = Cholesky of share * S + lambda I, with as much of a ridge as rounding asks for. */
static bool factorise(double *factor, const double *s, size_t p, double share, double lambda) {
    for (double ridge = 1e-13; ridge < 1; ridge *= 100) {
        for (size_t j = 0; j < p * p; j++) factor[j] = share * s[j];
        for (size_t j = 0; j < p; j++)
            factor[j * p + j] = fmax(factor[j * p + j], 0) * (1 + ridge) + lambda;
        if (aml_cholesky(factor, p, p)) return true;
    }
    return false;
}

/* Takes the curvature of the means out of S: the intercept moves along. */
static void center(double *s, double *mean, size_t p, double total) {
    for (size_t j = 0; j < p; j++) mean[j] /= total;
    for (size_t i = 0; i < p; i++)
        for (size_t j = 0; j < p; j++) s[i * p + j] -= total * mean[i] * mean[j];
}

static double share_of(const aml_linear_problem *problem, size_t output, double total) {
    const double *intercept = problem->curvature.sum + problem->p * problem->p + problem->p;
    if (problem->curvature.n_factors == 1) return 1 / (double)problem->k;
    return fmax(intercept[output] / total, 1e-4 / (double)problem->k);
}

/* Where there is no curvature at all, or none that can be factorised, the estimate is the identity.
 * */
aml_status aml_curvature_renew(const double *coef, void *arg) {
    aml_linear_problem *problem = arg;
    aml_curvature *c = &problem->curvature;
    size_t p = problem->p, k = problem->k;
    double *mean = c->sum + p * p, *intercept = mean + p, total = 0;
    problem->at = coef;
    c->ready = false;
    AML_TRY(aml_sum_run(c->sum, &c->pass, add_block, problem, problem->ctx));
    for (size_t o = 0; o < k; o++) total += intercept[o];
    if (!(total > 1e-200) || !isfinite(total)) return AML_OK;
    restore_units(problem);
    center(c->sum, mean, p, total);
    lift_rare(problem, total);
    for (size_t f = 0; f < c->n_factors; f++) {
        if (aml_should_stop(problem->ctx)) return aml_stopped();
        if (!factorise(c->factor + f * p * p, c->sum, p, share_of(problem, f, total),
                       problem->lambda))
            return AML_OK;
    }
    for (size_t o = 0; o < k; o++)
        intercept[o] = share_of(problem, c->n_factors == 1 ? 0 : o, total) * total;
    c->ready = true;
    return AML_OK;
}

/* One output: the features' block without the intercept, then the intercept that goes with it. */
static void apply_output(double *v, const aml_linear_problem *problem, size_t o) {
    const aml_curvature *c = &problem->curvature;
    size_t p = problem->p, k = problem->k;
    const double *mean = c->sum + p * p, *factor = c->factor + (c->n_factors == 1 ? 0 : o) * p * p;
    double *side = c->side, *intercept = v + p * k + o, slope = *intercept, along = 0;
    for (size_t j = 0; j < p; j++) side[j] = v[j * k + o] - mean[j] * slope;
    aml_cholesky_solve(factor, p, p, side);
    for (size_t j = 0; j < p; j++) {
        v[j * k + o] = side[j];
        along += mean[j] * side[j];
    }
    *intercept = problem->frozen[o] ? 0 : slope / mean[p + o] - along;
}

/* The softmax does not see what all classes share, and the penalty wants none of it: it would only
 * come back out of the coefficients in many small steps. */
static void take_out_shared(double *v, const aml_linear_problem *problem) {
    size_t k = problem->k;
    for (size_t j = 0; j < problem->p; j++, v += k) {
        double mean = 0;
        for (size_t c = 0; c < k; c++) mean += v[c];
        mean /= (double)k;
        for (size_t c = 0; c < k; c++) v[c] -= mean;
    }
}

void aml_curvature_apply(double *v, void *arg) {
    const aml_linear_problem *problem = arg;
    if (!problem->curvature.ready) return;
    for (size_t o = 0; o < problem->k; o++) apply_output(v, problem, o);
    if (problem->loss == aml_loss_softmax) take_out_shared(v, problem);
}
