/* enet_rows.c: slopes and products of features, row by row. */
#include "learners/parts/enet_rows.h"

#include "automl/core/linalg.h"
#include "learners/parts/linear_dense.h"

#include <math.h>
#include <string.h>

void aml_enet_sparse_means(double *mean, const aml_enet *e) {
    for (size_t i = 0; e->q && i < e->n; i++) {
        const uint32_t *column;
        const float *value;
        size_t entries = aml_rows_entries(&column, &value, e->x, i);
        for (size_t l = 0; l < entries; l++)
            mean[column[l]] += e->w[i] * (double)aml_rows_value(value[l]);
    }
}

typedef struct slopes {
    const aml_enet *e;
    const double *coef;
    double constant; /* what the centers that come off at the end take off every row */
} slopes;

/* A block's residuals times their weights. */
static void weigh(double *r, const slopes *s, size_t begin, size_t end) {
    const aml_enet *e = s->e;
    for (size_t i = begin; i < end; i++, r++) {
        const uint32_t *column;
        const float *value;
        size_t entries = e->q ? aml_rows_entries(&column, &value, e->x, i) : 0;
        double z = *r;
        for (size_t l = 0; l < entries; l++)
            z += (double)aml_rows_value(value[l]) * s->coef[e->p + column[l]];
        *r = e->w[i] * (e->y[i] - z);
    }
}

/* Centers of features come off at the end where values are read as they are: sum[d] is the sum of the
 * weighted residuals. */
static void add_slopes(double *sum, void *arg, size_t begin, size_t end, double *scratch) {
    const slopes *s = arg;
    const aml_enet *e = s->e;
    size_t p = e->p, n = end - begin;
    double *r = scratch, *x = scratch + n;
    const uint32_t *rows = e->x->rows + begin;
    for (size_t i = 0; i < n; i++) r[i] = s->constant;
    if (e->plain) {
        aml_dense_margins(r, e->x->x->dense, rows, n, p, s->coef, s->constant);
    } else if (p) {
        aml_rows_doubles(x, e->x, e->center, begin, end);
        aml_dgemv(false, n, p, 1, x, p, s->coef, 1, r);
    }
    weigh(r, s, begin, end);
    if (e->plain) aml_dense_gradient(sum, e->x->x->dense, rows, n, p, r);
    else if (p) aml_dgemv(true, p, n, 1, x, p, r, 1, sum);
    for (size_t i = 0; i < n; i++) {
        const uint32_t *column;
        const float *value;
        size_t entries = e->q ? aml_rows_entries(&column, &value, e->x, begin + i) : 0;
        sum[e->d] += r[i];
        for (size_t l = 0; l < entries; l++)
            sum[p + column[l]] += (double)aml_rows_value(value[l]) * r[i];
    }
}

aml_status aml_enet_slopes(double *out, const aml_enet *e, const double *coef) {
    size_t d = e->d, chunk = aml_rows_chunk(e->p + 1);
    slopes s = {.e = e, .coef = coef};
    aml_sum plan;
    aml_mark mark = aml_arena_mark(e->ctx->scratch);
    double *sum = aml_alloc_raw(e->ctx->scratch, d + 1, sizeof *sum);
    if (!sum) return AML_ENOMEM;
    for (size_t j = e->plain ? 0 : e->p; j < d; j++) s.constant -= e->center[j] * coef[j];
    AML_TRY(aml_sum_init(&plan, e->n, d + 1, chunk, chunk * (e->p + 1), e->ctx));
    AML_TRY(aml_sum_run(sum, &plan, add_slopes, &s, e->ctx));
    for (size_t j = 0; j < d; j++)
        out[j] = sum[j] - (e->plain || j >= e->p ? e->center[j] * sum[d] : 0);
    out[d] = sum[d];
    aml_arena_release(e->ctx->scratch, mark);
    return AML_OK;
}

typedef struct products {
    const aml_enet *e;
    size_t first;
} products;

/* The members' values of one row, centered, times the root of its weight. */
static void gather_row(double *out, const aml_enet *e, size_t i) {
    const aml_design *d = e->x->x;
    size_t row = e->x->rows[i], p = e->p;
    double root = sqrt(e->w[i]);
    for (size_t l = 0; l < e->size; l++) {
        size_t j = e->member[l];
        double v = 0;
        if (j < p) v = (double)aml_rows_value(d->dense ? d->dense[row * p + j] : d->column[j][row]);
        out[l] = root * (v - e->center[j]);
    }
    if (!e->q) return;
    const uint32_t *column;
    const float *value;
    size_t entries = aml_rows_entries(&column, &value, e->x, i);
    for (size_t l = 0; l < entries; l++) {
        uint32_t place = e->place[p + column[l]];
        if (place != UINT32_MAX) out[place] += root * (double)aml_rows_value(value[l]);
    }
}

static void add_products(double *sum, void *arg, size_t begin, size_t end, double *scratch) {
    const products *a = arg;
    size_t m = a->e->size, n = end - begin, added = m - a->first;
    for (size_t i = 0; i < n; i++) gather_row(scratch + i * m, a->e, begin + i);
    aml_dgemm(true, false, added, m, n, 1, scratch + a->first, m, scratch, m, 1, sum, m);
}

aml_status aml_enet_products(aml_enet *e, size_t first) {
    size_t m = e->size, added = m - first, chunk = aml_rows_chunk(m);
    products a = {.e = e, .first = first};
    aml_sum plan;
    aml_mark mark = aml_arena_mark(e->ctx->scratch);
    double *sum = aml_alloc_raw(e->ctx->scratch, added * m, sizeof *sum);
    if (!sum) return AML_ENOMEM;
    AML_TRY(aml_sum_init(&plan, e->n, added * m, chunk, chunk * m, e->ctx));
    AML_TRY(aml_sum_run(sum, &plan, add_products, &a, e->ctx));
    for (size_t i = first; i < m; i++)
        for (size_t l = 0; l <= i; l++)
            e->gram[i * e->room + l] = e->gram[l * e->room + i] = sum[(i - first) * m + l];
    aml_arena_release(e->ctx->scratch, mark);
    return AML_OK;
}
