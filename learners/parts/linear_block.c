/* linear_block.c: a preconditioner with the features' joint curvature. */
#include "learners/parts/linear_block.h"

#include "automl/core/linalg.h"

#include <math.h>
#include <string.h>

enum { LARGEST = 2048, FACTOR_BUDGET = 1 << 25 };

/* What a product of two entries of a row costs beside one of an entry with a coefficient; and a step of a factorisation. */
static const double PAIR = 0.7, STEP = 0.05;

void aml_linear_block_init(aml_linear_block *b, const aml_linear_matrix *m, double lambda) {
    size_t size = m->p + m->q + 1;
    double pairs = 0, entries = 0, d = (double)size, k = (double)m->k;
    *b = (aml_linear_block){
        .matrix = m, .size = size, .k = m->k, .lambda = lambda, .price = INFINITY};
    if (size > LARGEST || size * size * m->k > FACTOR_BUDGET || !m->n) return;
    for (size_t i = 0; i < m->n; i++) {
        const uint32_t *column;
        const float *value;
        double here = (double)(m->p + 1 + (m->q ? aml_rows_entries(&column, &value, m->x, i) : 0));
        pairs += here * here / 2;
        entries += here;
    }
    b->price = (PAIR * pairs + STEP * k * d * d * d / 3) / (2 * entries * k);
}

/* The row's entries that are not 0, columns upwards, the intercept last. */
static size_t gather(uint32_t *at, double *x, const aml_linear_matrix *m, size_t i) {
    size_t n = m->p, entries = 0;
    const uint32_t *column = NULL;
    const float *value = NULL;
    if (n) aml_rows_doubles(x, m->x, m->center, i, i + 1);
    for (size_t j = 0; j < n; j++) at[j] = (uint32_t)j;
    if (m->q) entries = aml_rows_entries(&column, &value, m->x, i);
    for (size_t e = 0; e < entries; e++) {
        at[n] = (uint32_t)m->p + column[e];
        x[n++] = (double)aml_rows_value(value[e]);
    }
    at[n] = (uint32_t)(m->p + m->q);
    x[n] = 1;
    return n + 1;
}

static void add_rows(double *sum, void *arg, size_t begin, size_t end, double *scratch) {
    const aml_linear_block *b = arg;
    double *x = scratch;
    uint32_t *at = (uint32_t *)(scratch + b->size);
    for (size_t i = begin; i < end; i++) {
        size_t n = gather(at, x, b->matrix, i);
        double h = 0;
        for (size_t c = 0; c < b->k; c++) h += b->curvature[i * b->k + c];
        if (!(h > 0)) continue;
        for (size_t j = 0; j < n; j++) {
            double *row = sum + at[j] * b->size, v = h * x[j];
            for (size_t l = 0; l <= j; l++) row[at[l]] += v * x[l];
        }
    }
}

static aml_status make_room(aml_linear_block *b, aml_ctx *ctx) {
    size_t area = b->size * b->size, k = b->k;
    b->sum = aml_alloc_raw(ctx->scratch, area, sizeof *b->sum);
    b->factor = aml_alloc_raw(ctx->scratch, k * area, sizeof *b->factor);
    b->side = aml_alloc_raw(ctx->scratch, k * b->size, sizeof *b->side);
    b->value = aml_alloc_raw(ctx->scratch, k, sizeof *b->value);
    b->vector = aml_alloc_raw(ctx->scratch, k * k, sizeof *b->vector);
    if (!b->sum || !b->factor || !b->side || !b->value || !b->vector) return AML_ENOMEM;
    return aml_sum_init(&b->pass, b->matrix->n, area, 256, 2 * b->size, ctx);
}

/* Next to no curvature beside that of the others. */
static bool is_flat(const aml_linear_block *b, size_t c) {
    return !(b->value[c] > 1e-9 * b->value[b->k - 1]);
}

aml_status aml_linear_block_make(aml_linear_block *b, const double *curvature, const double *mean,
                                 aml_ctx *ctx) {
    size_t d = b->size, k = b->k;
    if (!b->sum) AML_TRY(make_room(b, ctx));
    b->curvature = curvature;
    b->ready = false;
    AML_TRY(aml_sum_run(b->sum, &b->pass, add_rows, b, ctx));
    double total = b->sum[d * d - 1]; /* of the intercept: that of all rows */
    if (!(total > 1e-200) || !isfinite(total)) return AML_OK;
    memcpy(b->vector, mean, k * k * sizeof *mean);
    AML_TRY(aml_eigen(b->vector, k, b->value));
    for (size_t c = 0; c < k; c++) {
        if (aml_should_stop(ctx)) return aml_stopped();
        double *factor = b->factor + c * d * d, scale = b->value[c] / total;
        if (!is_flat(b, c) && !aml_cholesky_ridge(factor, b->sum, d, scale, b->lambda, d - 1))
            return AML_OK;
    }
    b->ready = true;
    return AML_OK;
}

/* side (k × size) = v' turned to the eigenvectors; out = side turned back. */
void aml_linear_block_apply(double *out, const aml_linear_block *b, const double *v) {
    size_t d = b->size, k = b->k;
    aml_dgemm(true, true, k, d, k, 1, b->vector, k, v, k, 0, b->side, d);
    for (size_t c = 0; c < k; c++) {
        double *side = b->side + c * d;
        if (is_flat(b, c)) memset(side, 0, d * sizeof *side);
        else aml_cholesky_solve(b->factor + c * d * d, d, d, side);
    }
    aml_dgemm(true, true, d, k, k, 1, b->side, d, b->vector, k, 0, out, k);
}
