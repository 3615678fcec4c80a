/* linear_curvature.c: the inverse Hessian that the fit of a linear model is preconditioned with. */
#include "learners/parts/linear_fit.h"

#include "automl/core/linalg.h"

#include <math.h>
#include <string.h>

enum {
    LARGEST_FULL = 2048,
    DEAREST_FULL = 128,
    SAMPLE = 16384,
    SAMPLE_PER_FEATURE = 16,
    FACTOR_BUDGET = 1 << 24
};

static size_t matrix_size(const aml_linear_problem *problem) {
    return problem->curvature.full ? problem->p * problem->p : problem->p;
}

static size_t matrix_chunk(const aml_linear_problem *problem) {
    size_t rows = 65536 / (problem->p + 1) / 8 * 8;
    return rows < 64 ? 64 : rows > 512 ? 512 : rows;
}

static size_t sample_size(const aml_linear_problem *problem, bool full) {
    size_t n = problem->rows.x.n, take = SAMPLE_PER_FEATURE * problem->p;
    if (take < SAMPLE) take = SAMPLE;
    return take >= n || (problem->loss == aml_loss_squared && full) ? n : take;
}

/* A matrix pays unless it costs as much as all the steps it could save; a squared loss needs one
 * step with it. */
static void choose_matrix(aml_linear_problem *problem) {
    aml_curvature *c = &problem->curvature;
    double p = (double)problem->p, k = (double)problem->k, n = (double)problem->rows.x.n;
    c->price = (p * (double)sample_size(problem, true) + k * p * p / 3) / (4 * n * k);
    c->full = problem->p <= LARGEST_FULL &&
              (problem->loss == aml_loss_squared || c->price <= DEAREST_FULL);
    if (!c->full) c->price = 1;
}

/* A squared loss wants its exact matrix; for the others an even sample of the rows does. */
static aml_status choose_rows(aml_linear_problem *problem) {
    aml_curvature *c = &problem->curvature;
    const aml_linear_rows *all = &problem->rows;
    size_t n = all->x.n, take = sample_size(problem, c->full);
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
    size_t p = problem->p, q = problem->q, k = problem->k, chunk = matrix_chunk(problem);
    aml_arena *scratch = problem->ctx->scratch;
    choose_matrix(problem);
    c->n_factors = matrix_size(problem) * k <= FACTOR_BUDGET ? k : 1;
    size_t size = matrix_size(problem), n_sums = size + p + q + k;
    AML_TRY(choose_rows(problem));
    c->sum = AML_ARRAY(scratch, n_sums, double);
    c->factor = AML_ARRAY(scratch, c->n_factors * size, double);
    c->diagonal = AML_ARRAY(scratch, k * q, double);
    c->side = AML_ARRAY(scratch, p + k, double);
    if (!c->sum || !c->factor || !c->diagonal || !c->side) return AML_ENOMEM;
    return aml_sum_init(&c->pass, c->rows.x.n, n_sums, chunk, chunk * (p + 2 * k), problem->ctx);
}

static void add_dense(double *sum, const aml_linear_problem *problem, double *x, const double *h,
                      size_t n) {
    size_t p = problem->p;
    double *mean = sum + matrix_size(problem);
    for (size_t i = 0; i < n; i++, x += p) {
        double root = sqrt(h[i]);
        for (size_t j = 0; j < p; j++) {
            mean[j] += h[i] * x[j];
            x[j] *= root;
        }
    }
    x -= n * p;
    if (problem->curvature.full) {
        aml_dsyrk(p, n, x, p, 1, sum, p);
        return;
    }
    for (size_t i = 0; i < n; i++, x += p)
        for (size_t j = 0; j < p; j++) sum[j] += x[j] * x[j];
}

static void add_sparse(double *sum, const aml_linear_rows *rows, const double *h, size_t begin,
                       size_t end) {
    for (size_t i = begin; i < end; i++) {
        const uint32_t *column;
        const float *value;
        size_t entries = aml_rows_entries(&column, &value, &rows->x, i);
        for (size_t e = 0; e < entries; e++) {
            double v = (double)aml_rows_value(value[e]);
            sum[column[e]] += h[i - begin] * v * v;
        }
    }
}

static void add_block(double *sum, void *arg, size_t begin, size_t end, double *scratch) {
    const aml_linear_problem *problem = arg;
    const aml_linear_rows *rows = &problem->curvature.rows;
    size_t p = problem->p, q = problem->q, k = problem->k, n = end - begin,
           chunk = problem->curvature.pass.chunk;
    double *x = scratch, *z = scratch + chunk * p, *h = z + chunk * k;
    double *sparse = sum + matrix_size(problem) + p, *intercept = sparse + q;
    aml_linear_margins(z, x, problem, rows, begin, end);
    problem->loss(z, h, rows->y + begin, rows->w + begin, n, k);
    for (size_t i = 0; i < n; i++) {
        double together = 0;
        for (size_t c = 0; c < k; c++) {
            together += h[i * k + c];
            intercept[c] += h[i * k + c];
        }
        h[i] = together;
    }
    if (p) add_dense(sum, problem, x, h, n);
    if (q) add_sparse(sparse, rows, h, begin, end);
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
static void center(double *s, double *mean, size_t p, bool full, double total) {
    for (size_t j = 0; j < p; j++) mean[j] /= total;
    for (size_t i = 0; i < p; i++) {
        if (!full) s[i] = fmax(s[i] - total * mean[i] * mean[i], 0);
        for (size_t j = 0; full && j < p; j++) s[i * p + j] -= total * mean[i] * mean[j];
    }
}

static double share_of(const aml_linear_problem *problem, size_t output, double total) {
    const double *intercept =
        problem->curvature.sum + matrix_size(problem) + problem->p + problem->q;
    if (problem->curvature.n_factors == 1) return 1 / (double)problem->k;
    return fmax(intercept[output] / total, 1e-4 / (double)problem->k);
}

/* Where there is no curvature at all, or none that can be factorised, the estimate is the identity.
 * */
aml_status aml_curvature_renew(const double *coef, void *arg) {
    aml_linear_problem *problem = arg;
    aml_curvature *c = &problem->curvature;
    size_t p = problem->p, q = problem->q, k = problem->k, size = matrix_size(problem);
    double *mean = c->sum + size, *sparse = mean + p, *intercept = sparse + q, total = 0;
    problem->at = coef;
    c->ready = false;
    AML_TRY(aml_sum_run(c->sum, &c->pass, add_block, problem, problem->ctx));
    for (size_t o = 0; o < k; o++) total += intercept[o];
    if (!(total > 1e-200) || !isfinite(total)) return AML_OK;
    center(c->sum, mean, p, c->full, total);
    for (size_t f = 0; f < c->n_factors; f++) {
        double share = share_of(problem, f, total), *factor = c->factor + f * size;
        if (aml_should_stop(problem->ctx)) return aml_stopped();
        if (c->full && !factorise(factor, c->sum, p, share, problem->lambda)) return AML_OK;
        for (size_t j = 0; !c->full && j < p; j++) factor[j] = share * c->sum[j] + problem->lambda;
    }
    for (size_t o = 0; o < k; o++) {
        double share = share_of(problem, c->n_factors == 1 ? 0 : o, total);
        for (size_t j = 0; j < q; j++) c->diagonal[o * q + j] = share * sparse[j] + problem->lambda;
        intercept[o] = share * total;
    }
    c->ready = true;
    return AML_OK;
}

/* One output: the features' block without the intercept, then the intercept that goes with it. */
static void apply_output(double *v, const aml_linear_problem *problem, size_t o) {
    const aml_curvature *c = &problem->curvature;
    size_t p = problem->p, q = problem->q, k = problem->k, size = matrix_size(problem);
    const double *mean = c->sum + size, *factor = c->factor + (c->n_factors == 1 ? 0 : o) * size;
    double *side = c->side, *intercept = v + (p + q) * k + o, slope = *intercept, along = 0;
    for (size_t j = 0; j < p; j++) side[j] = v[j * k + o] - mean[j] * slope;
    if (c->full) aml_cholesky_solve(factor, p, p, side);
    else
        for (size_t j = 0; j < p; j++) side[j] /= factor[j];
    for (size_t j = 0; j < p; j++) {
        v[j * k + o] = side[j];
        along += mean[j] * side[j];
    }
    for (size_t j = 0; j < q; j++) v[(p + j) * k + o] /= c->diagonal[o * q + j];
    *intercept = problem->frozen[o] ? 0 : slope / mean[p + q + o] - along;
}

/* The softmax does not see what all classes share, and the penalty wants none of it: it would only
 * come back out of the coefficients in many small steps. */
static void take_out_shared(double *v, const aml_linear_problem *problem) {
    size_t k = problem->k, n_rows = problem->p + problem->q;
    for (size_t j = 0; j < n_rows; j++, v += k) {
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
