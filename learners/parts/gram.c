/* gram.c: inner products of features and of rows. */
#include "learners/parts/gram.h"

#include "automl/core/linalg.h"
#include "automl/core/par.h"

#include <math.h>

enum { CHUNK = 131072 };

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

typedef struct panels {
    const aml_data *x;
    const double *center, *v; /* v: n × k */
    double *out, *room;       /* room: n × AML_GRAM_PANEL for each thread */
    size_t k;
} panels;

static void add_panel(double *sum, void *arg, size_t begin, size_t end, double *scratch) {
    const panels *a = arg;
    size_t n = a->x->n;
    aml_rows_panel(scratch, a->x, a->center, begin, end);
    aml_dsyrk_rows_lower(n, end - begin, scratch, end - begin, 1, sum, n);
}

aml_status aml_gram_rows(double *out, const aml_data *x, const double *center, aml_ctx *ctx) {
    size_t n = x->n;
    panels a = {.x = x, .center = center};
    aml_mark mark = aml_arena_mark(ctx->scratch);
    aml_sum s;
    AML_TRY(aml_sum_init(&s, x->x->p, n * n, AML_GRAM_PANEL, n * AML_GRAM_PANEL, ctx));
    AML_TRY(aml_sum_run(out, &s, add_panel, &a, ctx));
    aml_mirror(out, n, n);
    aml_arena_release(ctx->scratch, mark);
    return AML_OK;
}

static void combine_panel(void *arg, size_t block, size_t begin, size_t end, int thread) {
    const panels *a = arg;
    size_t n = a->x->n, k = a->k, width = end - begin;
    double *panel = a->room + (size_t)thread * n * AML_GRAM_PANEL;
    (void)block;
    aml_rows_panel(panel, a->x, a->center, begin, end);
    aml_dgemm(true, false, width, k, n, 1, panel, width, a->v, k, 0, a->out + begin * k, k);
}

aml_status aml_gram_combine(double *out, const aml_data *x, const double *center, const double *v,
                            size_t k, aml_ctx *ctx) {
    aml_mark mark = aml_arena_mark(ctx->scratch);
    size_t n_threads = ctx->n_threads > 1 ? (size_t)ctx->n_threads : 1;
    double *room = aml_alloc_raw(ctx->scratch, n_threads * x->n * AML_GRAM_PANEL, sizeof *room);
    if (!room) return AML_ENOMEM;
    panels a = {.x = x, .center = center, .v = v, .out = out, .room = room, .k = k};
    aml_par_for(ctx->n_threads, x->x->p, AML_GRAM_PANEL, combine_panel, &a);
    aml_arena_release(ctx->scratch, mark);
    return AML_OK;
}
