/* ridge_rows.c: ridge path by a tridiagonal form of the rows' products, where they are fewer than the
 * features. */
#include "learners/parts/ridge_job.h"

#include "automl/core/linalg.h"
#include "automl/core/par.h"
#include "learners/parts/gram.h"
#include "learners/parts/simd.h"

#include <math.h>
#include <string.h>

enum { ROWS = 64 };

/* With rows scaled by the roots s of their weights, the kernel's null vector s belongs to the
 * intercept: lifted by `lift` it adds s s' / (lift + lambda) to the inverse, which comes off at the
 * end. Then the error of a row left out is its dual coefficient over the diagonal of the inverse. For
 * both a tridiagonal form will do: no eigenvectors. */
typedef struct by_row {
    const aml_ridge_job *a;
    bool floats;
    double lift;
    double *root;          /* n: of the weights */
    double *turn;          /* n × n: a row is a basis vector */
    double *d, *e;         /* n: of the tridiagonal form */
    double *ratio, *pivot; /* m × n: the factors L D L' of the tridiagonal form + lambda */
    double *along, *sum;   /* n × m: the target, solved for in the basis, and by row */
    double *diagonal;      /* n × m */
} by_row;

/* *longest: of the diagonal without the lift. */
static aml_status tridiagonal_of_rows(double *longest, by_row *b) {
    const aml_ridge_job *a = b->a;
    size_t n = a->n;
    double trace = 0, *kernel = b->turn;
    if (b->floats)
        AML_TRY(aml_gram_rows_floats(&b->floats, kernel, a->x, a->center, a->sd, a->ctx));
    if (!b->floats) AML_TRY(aml_gram_rows(kernel, a->x, a->center, a->ctx));
    *longest = 0;
    for (size_t i = 0; i < n; i++) {
        double own = a->w[i] * kernel[i * n + i];
        trace += own;
        *longest = fmax(*longest, own);
    }
    b->lift = 2 * trace + 1;
    for (size_t i = 0; i < n; i++)
        for (size_t l = 0; l < n; l++)
            kernel[i * n + l] = b->root[i] * b->root[l] * (kernel[i * n + l] + b->lift);
    return aml_tridiagonal(kernel, n, b->d, b->e);
}

/* No eigenvalue of the tridiagonal form is below: none of its pivots is negative (Sylvester). */
static bool none_below(const by_row *b, double value) {
    double pivot = 1;
    for (size_t j = 0; j < b->a->n; j++) {
        pivot = b->d[j] - value - (j ? b->e[j - 1] * (b->e[j - 1] / pivot) : 0);
        if (!(pivot > 0)) return false;
    }
    return true;
}

static aml_status reduce(by_row *b) {
    double longest, error = AML_RIDGE_ERROR / sqrt((double)b->a->p / AML_GRAM_PANEL);
    AML_TRY(tridiagonal_of_rows(&longest, b));
    double least = error * longest / AML_RIDGE_ENOUGH - b->a->lambda[0];
    if (!b->floats || none_below(b, least)) return AML_OK;
    if (aml_should_stop(b->a->ctx)) return aml_stopped();
    b->floats = false;
    return tridiagonal_of_rows(&longest, b);
}

/* Pivots of a matrix without negative eigenvalues + lambda are lambda at least. */
static void factorise(by_row *b, const double *target) {
    size_t n = b->a->n, m = b->a->m;
    const double *d = b->d, *e = b->e;
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
    const aml_ridge_job *a = b->a;
    size_t m = a->m;
    for (size_t l = 0; l < m; l++) loo[l] = 0;
    for (size_t i = 0; i < a->n; i++) {
        double w = a->w[i], root = b->root[i];
        for (size_t l = 0; l < m; l++) {
            double own = b->diagonal[i * m + l] - w / (b->lift + a->lambda[l]);
            double e = root > 0 && own > 0 ? -b->sum[i * m + l] / (root * own) : 0;
            b->sum[i * m + l] *= root;
            loo[l] += w * e * e;
            if (a->left) a->left[i * m + l] = e;
        }
    }
}

static aml_status allocate(by_row *b) {
    size_t n = b->a->n, m = b->a->m;
    double **each[] = {&b->ratio, &b->pivot, &b->along, &b->sum, &b->diagonal};
    aml_arena *scratch = b->a->ctx->scratch;
    b->turn = aml_alloc_raw(scratch, n * n, sizeof(double));
    b->d = AML_ARRAY(scratch, 3 * n, double);
    if (!b->turn || !b->d) return AML_ENOMEM;
    b->e = b->d + n, b->root = b->e + n;
    for (size_t i = 0; i < n; i++) b->root[i] = sqrt(b->a->w[i]);
    for (size_t i = 0; i < sizeof each / sizeof *each; i++)
        if (!(*each[i] = aml_alloc_raw(scratch, n * m, sizeof(double)))) return AML_ENOMEM;
    return AML_OK;
}

aml_status aml_ridge_by_rows(double *coef, double *loo, aml_ridge_job *a) {
    size_t n = a->n, m = a->m;
    aml_ctx *ctx = a->ctx;
    by_row b = {.a = a, .floats = (double)(n * n) * (double)a->p >= AML_RIDGE_WORTH};
    double *y = AML_ARRAY(ctx->scratch, 2 * n, double), *target = y + n;
    if (!y) return AML_ENOMEM;
    AML_TRY(allocate(&b));
    AML_TRY(aml_rows_moments(a->center, a->sd, a->x, a->w, 1, ctx));
    AML_TRY(reduce(&b));
    if (aml_should_stop(ctx)) return aml_stopped();
    for (size_t i = 0; i < n; i++) y[i] = b.root[i] * a->y[i];
    aml_dgemv(false, n, n, 1, b.turn, n, y, 0, target);
    factorise(&b, target);
    aml_dgemm(true, false, n, m, n, 1, b.turn, n, b.along, m, 0, b.sum, m);
    aml_par_for(ctx->n_threads, n, ROWS, diagonal_of_rows, &b);
    errors_of_rows(loo, &b);
    if (b.floats) return aml_gram_combine_floats(coef, a->x, a->center, a->sd, b.sum, m, ctx);
    return aml_gram_combine(coef, a->x, a->center, b.sum, m, ctx);
}
