/* linear_curvature.c: the inverse Hessian that the fit of a linear model is preconditioned with. */
#include "learners/parts/linear_fit.h"

#include "automl/core/linalg.h"
#include "learners/parts/linear_dense.h"

#include <math.h>
#include <string.h>

enum { SAMPLE = 8192, SAMPLE_PER_FEATURE = 12, FACTOR_BUDGET = 1 << 24 };
enum { MOST_APART = 128 }; /* features with a matrix for each class of the softmax */
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
    c->n_sums = problem->loss == aml_loss_softmax && c->n_factors == k && p <= MOST_APART ? k : 1;
    c->floats = problem->plain && !problem->rows.own && problem->loss != aml_loss_squared;
    AML_TRY(choose_rows(problem));
    c->sum = AML_ARRAY(scratch, c->n_sums * (size + p) + k, double);
    c->factor = aml_alloc_raw(scratch, c->n_factors * size, sizeof(double));
    c->side = AML_ARRAY(scratch, p + k, double);
    if (!c->sum || !c->factor || !c->side) return AML_ENOMEM;
    return aml_sum_init(&c->pass, c->rows.x.n, c->n_sums * (size + p) + k, chunk,
                        chunk * (2 * p + 2 * k + 1) + (c->floats ? size : 0), problem->ctx);
}

static void add_doubles(double *sum, size_t p, double *scaled, const double *x, const double *h,
                        size_t n) {
    double *mean = sum + p * p, *to = scaled;
    for (size_t i = 0; i < n; i++, x += p, to += p) {
        double root = sqrt(h[i]);
        for (size_t j = 0; j < p; j++) {
            mean[j] += h[i] * x[j];
            to[j] = root * x[j];
        }
    }
    aml_dsyrk_lower(p, n, scaled, p, 1, sum, p);
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

/* The curvatures of one output, or of all together. */
static void curvatures_of(double *out, const double *h, size_t n, size_t k, size_t output,
                          bool together) {
    for (size_t i = 0; i < n; i++, h += k) {
        out[i] = together ? 0 : h[output];
        for (size_t c = 0; together && c < k; c++) out[i] += h[c];
    }
}

static void add_block(double *sum, void *arg, size_t begin, size_t end, double *scratch) {
    const aml_linear_problem *problem = arg;
    const aml_curvature *curvature = &problem->curvature;
    const aml_linear_rows *rows = &curvature->rows;
    size_t p = problem->p, k = problem->k, n = end - begin, chunk = curvature->pass.chunk;
    double *z = scratch, *h = z + chunk * k, *own = h + chunk * k, *x = own + chunk,
           *scaled = x + chunk * p, *intercept = sum + curvature->n_sums * (p * p + p);
    aml_linear_margins(z, x, problem, rows, begin, end);
    problem->loss(z, h, rows->y + begin, rows->w + begin, n, k, problem->shape);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < k; c++) intercept[c] += h[i * k + c];
    if (!p) return;
    if (!curvature->floats && problem->plain && k == 1 && !rows->own) /* margins had no need of x */
        aml_dense_centered(x, rows->x.x->dense, rows->x.rows + begin, n, p, problem->center);
    for (size_t u = 0; u < curvature->n_sums; u++, sum += p * p + p) {
        curvatures_of(own, h, n, k, u, curvature->n_sums == 1);
        if (curvature->floats) add_floats(sum, problem, (float *)x, (float *)scaled, own, begin, n);
        else add_doubles(sum, p, scaled, x, own, n);
    }
}

/* Takes the units of add_floats back out. */
static void restore_units(double *s, const aml_linear_problem *problem) {
    size_t p = problem->p;
    const double *sd = problem->sd;
    double *mean = s + p * p;
    for (size_t i = 0; problem->curvature.floats && i < p; i++) {
        mean[i] *= sd[i];
        for (size_t j = 0; j < p; j++) s[i * p + j] *= sd[i] * sd[j];
    }
}

/* A feature that hardly varies in the sample, as a rare level, gets a part of what it would have if it varied there
 * as it does in all rows. */
static void lift_rare(double *s, const aml_linear_problem *problem, double total) {
    size_t p = problem->p;
    const aml_curvature *c = &problem->curvature;
    if (c->n_sums == 1 && c->rows.x.n == problem->rows.x.n) return;
    for (size_t j = 0; j < p; j++)
        s[j * p + j] = fmax(s[j * p + j], RARE * total * problem->sd[j] * problem->sd[j]);
}

/* Takes the curvature of the means out of S: the intercept moves along. */
static void center(double *s, double *mean, size_t p, double total) {
    for (size_t j = 0; j < p; j++) mean[j] /= total;
    for (size_t i = 0; i < p; i++)
        for (size_t j = 0; j < p; j++) s[i * p + j] -= total * mean[i] * mean[j];
}

/* Of one output; a class that all but vanished keeps a little. */
static double own_total(const double *intercept, size_t k, size_t output, double total) {
    return fmax(intercept[output], 1e-4 / (double)k * total);
}

/* Where there is no curvature at all, or none that can be factorised, the estimate is the identity.
 * */
aml_status aml_curvature_renew(const double *coef, void *arg) {
    aml_linear_problem *problem = arg;
    aml_curvature *c = &problem->curvature;
    size_t p = problem->p, k = problem->k, size = p * p + p;
    double *intercept = c->sum + c->n_sums * size, total = 0;
    problem->at = coef;
    c->ready = false;
    AML_TRY(aml_sum_run(c->sum, &c->pass, add_block, problem, problem->ctx));
    for (size_t o = 0; o < k; o++) total += intercept[o];
    if (!(total > 1e-200) || !isfinite(total)) return AML_OK;
    for (size_t u = 0; u < c->n_sums; u++) {
        double *s = c->sum + u * size,
               of = c->n_sums > 1 ? own_total(intercept, k, u, total) : total;
        restore_units(s, problem);
        center(s, s + p * p, p, of);
        lift_rare(s, problem, of);
    }
    for (size_t f = 0; f < c->n_factors; f++) {
        double share = c->n_sums > 1      ? 1
                       : c->n_factors > 1 ? own_total(intercept, k, f, total) / total
                                          : 1 / (double)k;
        const double *s = c->sum + (c->n_sums > 1 ? f : 0) * size;
        if (aml_should_stop(problem->ctx)) return aml_stopped();
        if (!aml_cholesky_ridge(c->factor + f * p * p, s, p, share, problem->lambda, p))
            return AML_OK;
    }
    for (size_t o = 0; o < k; o++)
        intercept[o] = c->n_factors > 1 ? own_total(intercept, k, o, total) : total / (double)k;
    c->ready = true;
    return AML_OK;
}

/* One output: the features' block without the intercept, then the intercept that goes with it. */
static void apply_output(double *v, const aml_linear_problem *problem, size_t o) {
    const aml_curvature *c = &problem->curvature;
    size_t p = problem->p, k = problem->k, size = p * p + p;
    const double *mean = c->sum + (c->n_sums == 1 ? 0 : o) * size + p * p,
                 *factor = c->factor + (c->n_factors == 1 ? 0 : o) * p * p,
                 *total = c->sum + c->n_sums * size;
    double *side = c->side, *intercept = v + p * k + o, slope = *intercept, along = 0;
    for (size_t j = 0; j < p; j++) side[j] = v[j * k + o] - mean[j] * slope;
    aml_cholesky_solve(factor, p, p, side);
    for (size_t j = 0; j < p; j++) {
        v[j * k + o] = side[j];
        along += mean[j] * side[j];
    }
    *intercept = problem->frozen[o] ? 0 : slope / total[o] - along;
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
