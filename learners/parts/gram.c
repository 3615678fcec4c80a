/* gram.c: inner products of features and of rows. */
#include "learners/parts/gram.h"

#include "automl/core/linalg.h"

#include <math.h>
#include <string.h>

enum { PANEL = 512, CHUNK = 131072 };

typedef struct features {
    const aml_data *x;
    const double *center, *w, *y;
} features;

static void add_features(double *sum, void *arg, size_t begin, size_t end, double *scratch) {
    const features *a = arg;
    size_t p = a->x->x->p, n = end - begin;
    double *x = scratch;
    aml_rows_doubles(x, a->x, a->center, begin, end);
    for (size_t i = 0; i < n; i++, x += p) {
        double wy = a->w[begin + i] * a->y[begin + i], root = sqrt(a->w[begin + i]);
        for (size_t j = 0; j < p; j++) {
            sum[p * p + j] += wy * x[j];
            x[j] *= root;
        }
    }
    aml_dsyrk_lower(p, n, scratch, p, 1, sum, p);
}

aml_status aml_gram_features(double *out, const aml_data *x, const double *center, const double *w,
                             const double *y, aml_ctx *ctx) {
    size_t p = x->x->p, d = p * p + p, chunk = CHUNK / (p + 1) / 8 * 8;
    chunk = chunk < 64 ? 64 : chunk > 1024 ? 1024 : chunk;
    features a = {x, center, w, y};
    aml_mark mark = aml_arena_mark(ctx->scratch);
    aml_sum s;
    AML_TRY(aml_sum_init(&s, x->n, d, chunk, chunk * p, ctx));
    AML_TRY(aml_sum_run(out, &s, add_features, &a, ctx));
    aml_mirror(out, p, p);
    aml_arena_release(ctx->scratch, mark);
    return AML_OK;
}

/* Columns begin … end-1 of all rows: n × (end - begin). */
static void gather(double *out, const aml_data *x, const double *center, size_t begin, size_t end) {
    const aml_design *d = x->x;
    for (size_t i = 0; i < x->n; i++)
        for (size_t j = begin; j < end; j++) {
            size_t row = x->rows[i];
            float v = aml_rows_value(d->dense ? d->dense[row * d->p + j] : d->column[j][row]);
            *out++ = (double)v - center[j];
        }
}

aml_status aml_gram_rows(double *out, const aml_data *x, const double *center, aml_ctx *ctx) {
    size_t n = x->n, p = x->x->p;
    aml_mark mark = aml_arena_mark(ctx->scratch);
    double *panel = aml_alloc_raw(ctx->scratch, n * PANEL, sizeof *panel);
    if (!panel) return AML_ENOMEM;
    memset(out, 0, n * n * sizeof *out);
    for (size_t begin = 0; begin < p; begin += PANEL) {
        size_t end = begin + PANEL < p ? begin + PANEL : p, width = end - begin;
        if (aml_should_stop(ctx)) return aml_stopped();
        gather(panel, x, center, begin, end);
        aml_dgemm(false, true, n, n, width, 1, panel, width, panel, width, 1, out, n);
    }
    aml_arena_release(ctx->scratch, mark);
    return AML_OK;
}

aml_status aml_gram_combine(double *out, const aml_data *x, const double *center, const double *v,
                            size_t k, aml_ctx *ctx) {
    size_t n = x->n, p = x->x->p;
    aml_mark mark = aml_arena_mark(ctx->scratch);
    double *panel = aml_alloc_raw(ctx->scratch, n * PANEL, sizeof *panel);
    if (!panel) return AML_ENOMEM;
    for (size_t begin = 0; begin < p; begin += PANEL) {
        size_t end = begin + PANEL < p ? begin + PANEL : p, width = end - begin;
        gather(panel, x, center, begin, end);
        aml_dgemm(true, false, width, k, n, 1, panel, width, v, k, 0, out + begin * k, k);
    }
    aml_arena_release(ctx->scratch, mark);
    return AML_OK;
}
