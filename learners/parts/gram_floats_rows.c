/* gram_floats_rows.c: inner products of rows by float arithmetic, and combinations of rows. */
#include "learners/parts/gram.h"

#include "automl/core/linalg.h"
#include "automl/core/par.h"
#include "learners/parts/simd.h"

#include <math.h>

#define NEAR 16 /* spreads from 0 that a center may be for float arithmetic to take it off */

typedef struct panels {
    const aml_data *x;
    const double *center;
    const float *center_f; /* instead, where all are near 0 */
    float *v, *room;       /* n × k; for each thread n × AML_GRAM_PANEL and AML_GRAM_PANEL × k */
    double unit, *out;
    size_t k;
} panels;

AML_KERNEL void shorten(float *to, const float *from, const double *restrict center, double unit,
                        size_t p) {
    for (size_t j = 0; j < p; j++)
        to[j] = (float)(((double)aml_rows_value(from[j]) - center[j]) * unit);
}

AML_BEST(shorten, (float *to, const float *from, const double *center, double unit, size_t p),
         (to, from, center, unit, p))

AML_KERNEL void shift(float *to, const float *from, const float *restrict center, float unit,
                      size_t p) {
    for (size_t j = 0; j < p; j++) to[j] = (aml_rows_value(from[j]) - center[j]) * unit;
}

AML_BEST(shift, (float *to, const float *from, const float *center, float unit, size_t p),
         (to, from, center, unit, p))

AML_KERNEL void widen(double *restrict sum, const float *restrict part, size_t n) {
    for (size_t j = 0; j < n; j++) sum[j] += (double)part[j];
}

AML_BEST(widen, (double *sum, const float *part, size_t n), (sum, part, n))

/* Rows are far from each other: the next one is asked for before its turn. */
static void ask_for(const float *from, size_t count) {
    for (size_t j = 0; j < count; j += 16) __builtin_prefetch(from + j);
}

/* Features begin … end-1 of all rows. */
static void load_panel(float *x, const panels *a, size_t begin, size_t end) {
    const aml_design *d = a->x->x;
    size_t n = a->x->n, width = end - begin;
    for (size_t i = 0; i < n; i++, x += width) {
        size_t row = a->x->rows[i];
        if (!d->dense)
            for (size_t j = 0; j < width; j++) x[j] = d->column[begin + j][row];
        const float *from = d->dense ? d->dense + row * d->p + begin : x;
        if (d->dense && i + 2 < n) ask_for(d->dense + a->x->rows[i + 2] * d->p + begin, width);
        if (a->center_f) shift_best(x, from, a->center_f + begin, (float)a->unit, width);
        else shorten_best(x, from, a->center + begin, a->unit, width);
    }
}

static void add_panel(double *sum, void *arg, size_t begin, size_t end, double *scratch) {
    const panels *a = arg;
    size_t n = a->x->n, width = end - begin;
    float *x = (float *)scratch, *part = x + n * AML_GRAM_PANEL;
    load_panel(x, a, begin, end);
    aml_ssyrk_rows_lower(n, width, x, width, 0, part, n);
    for (size_t i = 0; i < n; i++) widen_best(sum + i * n, part + i * n, i + 1);
}

/* In units of the largest spread. */
static aml_status prepare(panels *a, const double *sd, aml_ctx *ctx) {
    size_t p = a->x->x->p;
    double largest = 0;
    bool near = true;
    for (size_t j = 0; j < p; j++) {
        largest = fmax(largest, sd[j]);
        near &= fabs(a->center[j]) <= NEAR * sd[j];
    }
    a->unit = largest > 1e-30 ? 1 / largest : 0;
    if (!near) return AML_OK;
    float *center = aml_alloc_raw(ctx->scratch, p, sizeof *center);
    if (!center) return AML_ENOMEM;
    for (size_t j = 0; j < p; j++) center[j] = (float)a->center[j];
    a->center_f = center;
    return AML_OK;
}

aml_status aml_gram_rows_floats(bool *sound, double *out, const aml_data *x, const double *center,
                                const double *sd, aml_ctx *ctx) {
    size_t n = x->n;
    panels a = {.x = x, .center = center};
    aml_mark mark = aml_arena_mark(ctx->scratch);
    aml_sum s;
    AML_TRY(prepare(&a, sd, ctx));
    *sound = a.unit > 0;
    if (!*sound) return AML_OK;
    double square = 1 / (a.unit * a.unit);
    AML_TRY(
        aml_sum_init(&s, x->x->p, n * n, AML_GRAM_PANEL, n * (AML_GRAM_PANEL + n) / 2 + 1, ctx));
    AML_TRY(aml_sum_run(out, &s, add_panel, &a, ctx));
    for (size_t i = 0; i < n; i++) {
        *sound &= isfinite(out[i * n + i]) && out[i * n + i] < 1e30;
        for (size_t l = 0; l <= i; l++) out[i * n + l] *= square;
    }
    aml_mirror(out, n, n);
    aml_arena_release(ctx->scratch, mark);
    return AML_OK;
}

static void combine_panel(void *arg, size_t block, size_t begin, size_t end, int thread) {
    const panels *a = arg;
    size_t n = a->x->n, k = a->k, width = end - begin;
    float *x = a->room + (size_t)thread * (n + k) * AML_GRAM_PANEL, *part = x + n * AML_GRAM_PANEL;
    (void)block;
    load_panel(x, a, begin, end);
    aml_sgemm(true, false, width, k, n, 1, x, width, a->v, k, 0, part, k);
    for (size_t i = 0; i < width * k; i++) a->out[begin * k + i] = (double)part[i] / a->unit;
}

aml_status aml_gram_combine_floats(double *out, const aml_data *x, const double *center,
                                   const double *sd, const double *v, size_t k, aml_ctx *ctx) {
    size_t n = x->n, n_threads = ctx->n_threads > 1 ? (size_t)ctx->n_threads : 1;
    panels a = {.x = x, .center = center, .out = out, .k = k};
    aml_mark mark = aml_arena_mark(ctx->scratch);
    AML_TRY(prepare(&a, sd, ctx));
    a.v = aml_alloc_raw(ctx->scratch, n * k, sizeof *a.v);
    a.room = aml_alloc_raw(ctx->scratch, n_threads * (n + k) * AML_GRAM_PANEL, sizeof *a.room);
    if (!a.v || !a.room) return AML_ENOMEM;
    for (size_t i = 0; i < n * k; i++) a.v[i] = (float)v[i];
    aml_par_for(ctx->n_threads, x->x->p, AML_GRAM_PANEL, combine_panel, &a);
    aml_arena_release(ctx->scratch, mark);
    return AML_OK;
}
