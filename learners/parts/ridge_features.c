/* ridge_features.c: ridge path by an eigendecomposition of the features' products. A row's leverage is
 * a sum over its parts along the eigenvectors: by float arithmetic where that will do, and once more
 * in doubles for rows that all but determine their own prediction. */
#include "learners/parts/ridge_job.h"

#include "automl/core/linalg.h"
#include "learners/parts/gram.h"
#include "learners/parts/simd.h"

#include <math.h>
#include <string.h>

enum { CHUNK = 256 };
#define FREE 0.01 /* the least share of a row's error that is not its own doing, for floats */

typedef struct features {
    const aml_ridge_job *job;
    bool floats;
    double *vectors, *values; /* eigenvectors of the features' products in columns */
    double *shrink, *weight;  /* p × m: 1 / (value + lambda), and times vectors' x'y */
    const double *coef;       /* p × m */
    float *unit, *turned;     /* p: one over the spreads; p × p: spread times vector */
    float *shrink_f;          /* p × m */
} features;

static double positive(double x) { return x > 0 ? x : 0; }

/* Errors of a row, given the sums of squared parts times shrink. */
static void row_left_out(double *sum, const features *f, size_t i, const double *fit,
                         const double *own) {
    const aml_ridge_job *a = f->job;
    double w = a->w[i], y = a->y[i];
    for (size_t l = 0; l < a->m; l++) {
        double rest = 1 - w * (1 + own[l]);
        double e = (fit[l] - y) / (rest > 1e-12 ? rest : 1e-12);
        sum[l] += w * e * e;
        if (a->left) a->left[i * a->m + l] = e;
    }
}

/* Adds the squared errors of a block of rows: with t = vectors' x of a row, its prediction is the sum
 * of t times weight, and its own part in that w (1 + sum of t² shrink). */
static void add_doubles(double *sum, void *arg, size_t begin, size_t end, double *scratch) {
    const features *f = arg;
    const aml_ridge_job *a = f->job;
    size_t n = end - begin, p = a->p, m = a->m;
    double *x = scratch, *t = x + CHUNK * p, *fit = t + CHUNK * p, *own = fit + CHUNK * m;
    aml_rows_doubles(x, a->x, a->center, begin, end);
    aml_dgemm(false, false, n, p, p, 1, x, p, f->vectors, p, 0, t, p);
    aml_dgemm(false, false, n, m, p, 1, t, p, f->weight, m, 0, fit, m);
    for (size_t i = 0; i < n * p; i++) t[i] *= t[i];
    aml_dgemm(false, false, n, m, p, 1, t, p, f->shrink, m, 0, own, m);
    for (size_t i = 0; i < n; i++) row_left_out(sum, f, begin + i, fit + i * m, own + i * m);
}

AML_KERNEL void narrow(float *restrict to, const double *restrict from, const float *restrict unit,
                       size_t p) {
    for (size_t j = 0; j < p; j++) to[j] = (float)from[j] * unit[j];
}

AML_BEST(narrow, (float *to, const double *from, const float *unit, size_t p), (to, from, unit, p))

AML_KERNEL void square(float *t, size_t n) {
    for (size_t j = 0; j < n; j++) t[j] *= t[j];
}

AML_BEST(square, (float *t, size_t n), (t, n))

/* The same for one row, by doubles. */
static void exactly(double *own, const features *f, const double *x, double *t) {
    size_t p = f->job->p, m = f->job->m;
    aml_dgemm(false, false, 1, p, p, 1, x, p, f->vectors, p, 0, t, p);
    for (size_t j = 0; j < p; j++) t[j] *= t[j];
    aml_dgemm(false, false, 1, m, p, 1, t, p, f->shrink, m, 0, own, m);
}

/* The same with the parts in floats. */
static void add_floats(double *sum, void *arg, size_t begin, size_t end, double *scratch) {
    const features *f = arg;
    const aml_ridge_job *a = f->job;
    size_t n = end - begin, p = a->p, m = a->m;
    double *x = scratch, *fit = x + CHUNK * p, *own = fit + CHUNK * m, *row = own + m;
    float *small = (float *)(row + p), *t = small + CHUNK * p, *part = t + CHUNK * p;
    aml_rows_doubles(x, a->x, a->center, begin, end);
    aml_dgemm(false, false, n, m, p, 1, x, p, f->coef, m, 0, fit, m);
    for (size_t i = 0; i < n; i++) narrow_best(small + i * p, x + i * p, f->unit, p);
    aml_sgemm(false, false, n, p, p, 1, small, p, f->turned, p, 0, t, p);
    square_best(t, n * p);
    aml_sgemm(false, false, n, m, p, 1, t, p, f->shrink_f, m, 0, part, m);
    for (size_t i = 0; i < n; i++) {
        for (size_t l = 0; l < m; l++) own[l] = (double)part[i * m + l];
        if (!(1 - a->w[begin + i] * (1 + own[0]) > FREE)) exactly(own, f, x + i * p, row);
        row_left_out(sum, f, begin + i, fit + i * m, own);
    }
}

static size_t room(const features *f) {
    size_t p = f->job->p, m = f->job->m;
    return f->floats ? CHUNK * (2 * p + m + m / 2 + 1) + m + p + 2 * CHUNK : 2 * CHUNK * (p + m);
}

/* In floats: every eigenvalue is known well enough for the smallest penalty. The products' errors are
 * relative to the features' spreads. */
static bool known(const features *f) {
    const aml_ridge_job *a = f->job;
    size_t p = a->p;
    double error = AML_RIDGE_ERROR / sqrt((double)a->n / AML_GRAM_CHUNK + 1);
    for (size_t k = 0; k < p; k++) {
        double length = 0;
        for (size_t j = 0; j < p; j++) {
            double v = f->vectors[j * p + k] * a->sd[j];
            length += v * v;
        }
        double floor = positive(f->values[k]) + a->lambda[0];
        if (error * length > AML_RIDGE_ENOUGH * floor) return false;
    }
    return true;
}

static aml_status decompose(features *f, double *gram) {
    aml_ridge_job a = *f->job;
    f->vectors = gram;
    if (f->floats) AML_TRY(aml_gram_floats(&f->floats, gram, a.center, a.sd, a.x, a.w, a.y, a.ctx));
    if (f->floats) {
        AML_TRY(aml_eigen(gram, a.p, f->values));
        if (known(f)) return AML_OK;
        f->floats = false;
    }
    if (aml_should_stop(a.ctx)) return aml_stopped();
    AML_TRY(aml_rows_moments(a.center, a.sd, a.x, a.w, 1, a.ctx));
    AML_TRY(aml_gram_features(gram, a.x, a.center, a.w, a.y, a.ctx));
    return aml_eigen(gram, a.p, f->values);
}

/* coef = vectors (shrink vectors' x'y). */
static void solve(double *coef, features *f, const double *xy) {
    const aml_ridge_job *a = f->job;
    size_t p = a->p, m = a->m;
    for (size_t j = 0; j < p; j++) {
        double along = 0;
        for (size_t i = 0; i < p; i++) along += f->vectors[i * p + j] * xy[i];
        for (size_t l = 0; l < m; l++) {
            f->shrink[j * m + l] = 1 / (positive(f->values[j]) + a->lambda[l]);
            f->weight[j * m + l] = along * f->shrink[j * m + l];
        }
    }
    aml_dgemm(false, false, p, m, p, 1, f->vectors, p, f->weight, m, 0, coef, m);
    f->coef = coef;
}

/* Eigenvectors and shrinkage as floats; squared parts times shrink are of the size of leverages. */
static aml_status to_floats(features *f) {
    const aml_ridge_job *a = f->job;
    size_t p = a->p, m = a->m;
    f->unit = aml_alloc_raw(a->ctx->scratch, p, sizeof(float));
    f->turned = aml_alloc_raw(a->ctx->scratch, p * p, sizeof(float));
    f->shrink_f = aml_alloc_raw(a->ctx->scratch, p * m, sizeof(float));
    if (!f->unit || !f->turned || !f->shrink_f) return AML_ENOMEM;
    for (size_t j = 0; j < p; j++) {
        bool varies = a->sd[j] > 1e-30;
        f->unit[j] = varies ? (float)(1 / a->sd[j]) : 0;
        for (size_t k = 0; k < p; k++) {
            double scale = sqrt(f->shrink[k * m]); /* of the smallest penalty: the largest */
            f->turned[j * p + k] =
                varies ? (float)(f->vectors[j * p + k] / (double)f->unit[j] * scale) : 0;
        }
    }
    for (size_t k = 0; k < p; k++)
        for (size_t l = 0; l < m; l++)
            f->shrink_f[k * m + l] = (float)(f->shrink[k * m + l] / f->shrink[k * m]);
    return AML_OK;
}

aml_status aml_ridge_by_features(double *coef, double *loo, aml_ridge_job *a) {
    size_t p = a->p, m = a->m;
    aml_ctx *ctx = a->ctx;
    aml_sum s;
    features f = {.job = a,
                  .floats = a->n >= 2 * p && (double)a->n * (double)(p * p) >= AML_RIDGE_WORTH,
                  .values = AML_ARRAY(ctx->scratch, p, double),
                  .shrink = AML_ARRAY(ctx->scratch, p * m, double),
                  .weight = AML_ARRAY(ctx->scratch, p * m, double)};
    double *gram = aml_alloc_raw(ctx->scratch, p * p + p, sizeof *gram);
    if (!gram || !f.values || !f.shrink || !f.weight) return AML_ENOMEM;
    AML_TRY(decompose(&f, gram));
    if (aml_should_stop(ctx)) return aml_stopped();
    solve(coef, &f, gram + p * p);
    if (f.floats) AML_TRY(to_floats(&f));
    AML_TRY(aml_sum_init(&s, a->n, m, CHUNK, room(&f), ctx));
    return aml_sum_run(loo, &s, f.floats ? add_floats : add_doubles, &f, ctx);
}
