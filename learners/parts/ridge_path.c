/* ridge_path.c: ridge regression for many penalties, with the errors of rows left out. */
#include "learners/parts/ridge_path.h"

#include "automl/core/linalg.h"
#include "automl/core/par.h"
#include "learners/parts/gram.h"
#include "learners/parts/simd.h"

#include <math.h>
#include <string.h>

enum { LARGEST = 2048, CHUNK = 256, ROWS = 64 };

typedef struct job {
    const aml_data *x;
    const double *w, *y, *center; /* by position, weights of sum 1, y of mean 0 and spread 1 */
    size_t n, p, m;               /* m: penalties */
    double *lambda;               /* m: penalties of the mean loss */
    double *vectors, *values;     /* eigenvectors of the features' products in columns */
    double *shrink, *weight;      /* p × m: 1 / (value + lambda), and times vectors' x'y */
    double *left;                 /* n × m or NULL */
    aml_ctx *ctx;
} job;

bool aml_ridge_path_possible(const aml_data *train) {
    size_t p = train->x->p, least = p < train->n ? p : train->n;
    return !aml_rows_sparse(train) && least <= LARGEST && train->n > 1;
}

static double positive(double x) { return x > 0 ? x : 0; }

/* Adds the squared errors of a block of rows: with t = vectors' x of a row, its prediction is the sum
 * of t times weight, and its own part in that w (1 + sum of t² shrink). */
static void add_left_out(double *sum, void *arg, size_t begin, size_t end, double *scratch) {
    const job *a = arg;
    size_t n = end - begin, p = a->p, m = a->m;
    double *x = scratch, *t = x + CHUNK * p, *fit = t + CHUNK * p, *own = fit + CHUNK * m;
    aml_rows_doubles(x, a->x, a->center, begin, end);
    aml_dgemm(false, false, n, p, p, 1, x, p, a->vectors, p, 0, t, p);
    aml_dgemm(false, false, n, m, p, 1, t, p, a->weight, m, 0, fit, m);
    for (size_t i = 0; i < n * p; i++) t[i] *= t[i];
    aml_dgemm(false, false, n, m, p, 1, t, p, a->shrink, m, 0, own, m);
    for (size_t i = 0; i < n; i++) {
        double w = a->w[begin + i], y = a->y[begin + i];
        for (size_t l = 0; l < m; l++) {
            double rest = 1 - w * (1 + own[i * m + l]);
            double e = (fit[i * m + l] - y) / (rest > 1e-12 ? rest : 1e-12);
            sum[l] += w * e * e;
            if (a->left) a->left[(begin + i) * m + l] = e;
        }
    }
}

static aml_status by_features(double *coef, double *loo, job *a) {
    size_t p = a->p, m = a->m;
    aml_ctx *ctx = a->ctx;
    aml_sum s;
    double *gram = aml_alloc_raw(ctx->scratch, p * p + p, sizeof *gram), *xy = gram + p * p;
    a->values = AML_ARRAY(ctx->scratch, p, double);
    a->shrink = AML_ARRAY(ctx->scratch, p * m, double);
    a->weight = AML_ARRAY(ctx->scratch, p * m, double);
    if (!gram || !a->values || !a->shrink || !a->weight) return AML_ENOMEM;
    AML_TRY(aml_gram_features(gram, a->x, a->center, a->w, a->y, ctx));
    AML_TRY(aml_eigen(gram, p, a->values));
    a->vectors = gram;
    if (aml_should_stop(ctx)) return aml_stopped();
    for (size_t j = 0; j < p; j++) {
        double along = 0;
        for (size_t i = 0; i < p; i++) along += gram[i * p + j] * xy[i];
        for (size_t l = 0; l < m; l++) {
            a->shrink[j * m + l] = 1 / (positive(a->values[j]) + a->lambda[l]);
            a->weight[j * m + l] = along * a->shrink[j * m + l];
        }
    }
    aml_dgemm(false, false, p, m, p, 1, gram, p, a->weight, m, 0, coef, m);
    AML_TRY(aml_sum_init(&s, a->n, m, CHUNK, 2 * CHUNK * (p + m), ctx));
    return aml_sum_run(loo, &s, add_left_out, a, ctx);
}

/* With rows scaled by the roots s of their weights, the kernel's null vector s belongs to the
 * intercept: lifted by `lift` it adds s s' / (lift + lambda) to the inverse, which comes off at the
 * end. Then the error of a row left out is its dual coefficient over the diagonal of the inverse. For
 * both a tridiagonal form will do: no eigenvectors. */
typedef struct by_row {
    const job *a;
    double lift;
    double *turn;          /* n × n: a row is a basis vector */
    double *ratio, *pivot; /* m × n: the factors L D L' of the tridiagonal form + lambda */
    double *along, *sum;   /* n × m: the target, solved for in the basis, and by row */
    double *diagonal;      /* n × m */
} by_row;

static aml_status tridiagonal_of_rows(by_row *b, double *d, double *e) {
    const job *a = b->a;
    size_t n = a->n;
    double trace = 0, *kernel = b->turn;
    AML_TRY(aml_gram_rows(kernel, a->x, a->center, a->ctx));
    for (size_t i = 0; i < n; i++) trace += a->w[i] * kernel[i * n + i];
    b->lift = 2 * trace + 1;
    for (size_t i = 0; i < n; i++)
        for (size_t l = 0; l < n; l++)
            kernel[i * n + l] = sqrt(a->w[i] * a->w[l]) * (kernel[i * n + l] + b->lift);
    return aml_tridiagonal(kernel, n, d, e);
}

/* Pivots of a matrix without negative eigenvalues + lambda are lambda at least. */
static void factorise(by_row *b, const double *d, const double *e, const double *target) {
    size_t n = b->a->n, m = b->a->m;
    for (size_t l = 0; l < m; l++) {
        double lambda = b->a->lambda[l], *ratio = b->ratio + l * n, *pivot = b->pivot + l * n;
        double *z = b->along + l;
        for (size_t j = 0; j < n; j++) {
            ratio[j] = j ? e[j - 1] / pivot[j - 1] : 0;
            pivot[j] = fmax(d[j] + lambda - (j ? ratio[j] * e[j - 1] : 0), lambda);
            z[j * m] = target[j] - (j ? ratio[j] * z[(j - 1) * m] : 0);
        }
        for (size_t j = n; j-- > 0;)
            z[j * m] = z[j * m] / pivot[j] - (j + 1 < n ? ratio[j + 1] * z[(j + 1) * m] : 0);
    }
}

AML_KERNEL void eliminate(double *restrict v, double *restrict out, const double *restrict row,
                          double ratio, double inverse, size_t n) {
    for (size_t i = 0; i < n; i++) {
        v[i] = row[i] - ratio * v[i];
        out[i] += v[i] * v[i] * inverse;
    }
}

AML_BEST(eliminate,
         (double *v, double *out, const double *row, double ratio, double inverse, size_t n),
         (v, out, row, ratio, inverse, n))

/* The diagonal of the inverse for a block of rows: q_i' (L D L')^-1 q_i for their parts q_i in the
 * basis. */
static void diagonal_of_rows(void *arg, size_t block, size_t begin, size_t end, int thread) {
    const by_row *b = arg;
    size_t n = b->a->n, m = b->a->m, size = end - begin;
    double v[ROWS], out[ROWS];
    (void)block, (void)thread;
    for (size_t l = 0; l < m; l++) {
        memset(v, 0, sizeof v);
        memset(out, 0, sizeof out);
        for (size_t j = 0; j < n; j++)
            eliminate_best(v, out, b->turn + j * n + begin, b->ratio[l * n + j],
                           1 / b->pivot[l * n + j], size);
        for (size_t i = 0; i < size; i++) b->diagonal[(begin + i) * m + l] = out[i];
    }
}

static void errors_of_rows(double *loo, by_row *b) {
    const job *a = b->a;
    size_t m = a->m;
    for (size_t l = 0; l < m; l++) loo[l] = 0;
    for (size_t i = 0; i < a->n; i++) {
        double w = a->w[i], root = sqrt(w);
        for (size_t l = 0; l < m; l++) {
            double own = b->diagonal[i * m + l] - w / (b->lift + a->lambda[l]);
            double e = root > 0 && own > 0 ? -b->sum[i * m + l] / (root * own) : 0;
            b->sum[i * m + l] *= root;
            loo[l] += w * e * e;
            if (a->left) a->left[i * m + l] = e;
        }
    }
}

static aml_status by_rows(double *coef, double *loo, job *a) {
    size_t n = a->n, m = a->m;
    aml_ctx *ctx = a->ctx;
    aml_arena *scratch = ctx->scratch;
    by_row b = {.a = a,
                .turn = aml_alloc_raw(scratch, n * n, sizeof(double)),
                .ratio = aml_alloc_raw(scratch, n * m, sizeof(double)),
                .pivot = aml_alloc_raw(scratch, n * m, sizeof(double)),
                .along = aml_alloc_raw(scratch, n * m, sizeof(double)),
                .sum = aml_alloc_raw(scratch, n * m, sizeof(double)),
                .diagonal = aml_alloc_raw(scratch, n * m, sizeof(double))};
    double *d = AML_ARRAY(scratch, 4 * n, double), *y = d + 2 * n, *target = d + 3 * n;
    if (!b.turn || !b.ratio || !b.pivot || !b.along || !b.sum || !b.diagonal || !d)
        return AML_ENOMEM;
    AML_TRY(tridiagonal_of_rows(&b, d, d + n));
    if (aml_should_stop(ctx)) return aml_stopped();
    for (size_t i = 0; i < n; i++) y[i] = sqrt(a->w[i]) * a->y[i];
    aml_dgemv(false, n, n, 1, b.turn, n, y, 0, target);
    factorise(&b, d, d + n, target);
    aml_dgemm(true, false, n, m, n, 1, b.turn, n, b.along, m, 0, b.sum, m);
    aml_par_for(ctx->n_threads, n, ROWS, diagonal_of_rows, &b);
    errors_of_rows(loo, &b);
    return aml_gram_combine(coef, a->x, a->center, b.sum, m, ctx);
}

/* Coefficients and errors in units of the target. */
static void restore(aml_ridge_path *out, const job *a, double mean, double sd) {
    size_t p = a->p, m = a->m;
    for (size_t l = 0; l < m; l++) out->coef[p * m + l] = mean;
    for (size_t j = 0; j < p; j++)
        for (size_t l = 0; l < m; l++) {
            double c = out->coef[j * m + l] * sd;
            out->coef[j * m + l] = fabs(c) < 1e150 ? c : 0;
            out->coef[p * m + l] -= a->center[j] * out->coef[j * m + l];
        }
    for (size_t i = 0; a->left && i < a->n * m; i++) a->left[i] *= sd;
    for (size_t l = 0; l < m; l++)
        if (out->loo[l] <= out->loo[out->best]) out->best = l;
    for (size_t l = 0; l < m; l++) out->loo[l] *= sd * sd;
}

aml_status aml_ridge_path_fit(aml_ridge_path *out, const aml_data *train, const double *alpha,
                              size_t n_alphas, bool each_row, aml_ctx *ctx) {
    size_t n = train->n, p = train->x->p, m = n_alphas;
    double total, mean, sd, *w = aml_rows_weights(&total, train, ctx->scratch);
    double *center = AML_ARRAY(ctx->scratch, p, double);
    job a = {.x = train, .w = w, .center = center, .n = n, .p = p, .m = m, .ctx = ctx};
    *out = (aml_ridge_path){.n_alphas = m};
    out->coef = AML_ARRAY(ctx->scratch, (p + 1) * m, double);
    out->loo = AML_ARRAY(ctx->scratch, m, double);
    out->mean = center;
    out->sd = AML_ARRAY(ctx->scratch, p, double);
    a.lambda = AML_ARRAY(ctx->scratch, m, double);
    if (each_row) out->left = a.left = AML_ARRAY(ctx->scratch, n * m, double);
    if (!w || !center || !out->coef || !out->loo || !out->sd || !a.lambda || (each_row && !a.left))
        return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) w[i] /= total;
    for (size_t l = 0; l < m; l++) a.lambda[l] = alpha[l] / total;
    AML_TRY(aml_rows_moments(center, out->sd, train, w, 1, ctx));
    a.y = aml_rows_target(&mean, &sd, train, w, ctx->scratch);
    if (!a.y) return AML_ENOMEM;
    AML_TRY((p > n ? by_rows : by_features)(out->coef, out->loo, &a));
    restore(out, &a, mean, sd);
    return AML_OK;
}
