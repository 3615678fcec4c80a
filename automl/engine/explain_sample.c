/* explain_sample.c: contributions to predictions of which nothing is known but the predictions. */
#include <string.h>

#include "automl/engine/explain.h"

enum { MOST_CELLS = 4000000 };

typedef struct sampling {
    const aml_explaining *job;
    uint32_t *background; /* draws rows of the data */
    double *start;        /* draws × outputs: what is predicted for them */
    double *mean;         /* outputs */
} sampling;

static aml_status predict_composed(double *out, const aml_explaining *job,
                                   const uint32_t *const *from, size_t n, aml_ctx *ctx) {
    aml_table rows;
    aml_batch batch;
    AML_TRY(aml_explain_table(&rows, job->view, from, n, ctx));
    AML_TRY(aml_batch_init(&batch, job->e->m, &rows, ctx));
    return aml_batch_predict(out, &batch, job->exact);
}

/* The orders in which the columns of a row are told: each order, then the same backwards. */
static void draw_orders(uint32_t *order, const aml_explaining *job, uint32_t row, size_t n) {
    size_t p = job->e->p;
    aml_rng rng = aml_rng_stream(job->seed, AML_RNG_SAMPLE, row, 2);
    for (size_t s = 0; s < n; s++) {
        uint32_t *at = order + s * p;
        for (size_t j = 0; j < p; j++) at[j] = s % 2 ? at[-(ptrdiff_t)j - 1] : (uint32_t)j;
        if (s % 2 == 0) aml_rng_shuffle(&rng, at, p);
    }
}

/* Some of the orders of one row. */
typedef struct walks {
    const sampling *s;
    const uint32_t *order; /* n × p */
    size_t first, n;       /* which of the draws */
    uint32_t row, **from;  /* p columns of n (p - 1) + 1 rows */
    double *pred;
} walks;

/* from[j][d (p - 1) + t]: in step t of order d the first t + 1 columns are the row's; the last row is the row. */
static void lay_out(const walks *w) {
    size_t p = w->s->job->e->p;
    for (size_t d = 0; d < w->n; d++)
        for (size_t place = 0; place < p; place++) {
            uint32_t *cells = w->from[w->order[d * p + place]] + d * (p - 1),
                     other = w->s->background[w->first + d];
            for (size_t t = 0; t + 1 < p; t++) cells[t] = place <= t ? w->row : other;
        }
    for (size_t j = 0; j < p; j++) w->from[j][w->n * (p - 1)] = w->row;
}

/* What each step of the orders changes goes to the column that was told. */
static void add_steps(double *out, const walks *w) {
    size_t p = w->s->job->e->p, k = w->s->job->e->k, draws = w->s->job->draws;
    const double *whole = w->pred + w->n * (p - 1) * k;
    for (size_t d = 0; d < w->n; d++)
        for (size_t t = 0; t < p; t++) {
            const double *steps = w->pred + d * (p - 1) * k;
            const double *before = t ? steps + (t - 1) * k : w->s->start + (w->first + d) * k;
            const double *after = t + 1 < p ? steps + t * k : whole;
            double *to = out + w->order[d * p + t] * k;
            for (size_t o = 0; o < k; o++) to[o] += (after[o] - before[o]) / (double)draws;
        }
}

static aml_status walk(double *out, walks *w, aml_ctx *ctx) {
    size_t p = w->s->job->e->p, n = w->n * (p - 1) + 1;
    w->from = AML_ARRAY(ctx->keep, p, uint32_t *);
    w->pred = AML_ARRAY(ctx->keep, n * w->s->job->e->k, double);
    if (!w->from || !w->pred) return AML_ENOMEM;
    for (size_t j = 0; j < p; j++)
        if (!(w->from[j] = AML_ARRAY(ctx->keep, n, uint32_t))) return AML_ENOMEM;
    lay_out(w);
    AML_TRY(predict_composed(w->pred, w->s->job, (const uint32_t *const *)w->from, n, ctx));
    add_steps(out, w);
    return AML_OK;
}

/* Many columns: few orders at a time. */
static aml_status explain_row(void *arg, size_t begin, size_t end, aml_ctx *ctx) {
    const sampling *s = arg;
    const aml_explanation *e = s->job->e;
    size_t p = e->p, k = e->k, draws = s->job->draws, together = MOST_CELLS / (p * p) + 1;
    double *out = e->value + begin * (p + 1) * k;
    uint32_t *order = AML_ARRAY(ctx->scratch, draws * p, uint32_t);
    (void)end;
    if (!order) return AML_ENOMEM;
    draw_orders(order, s->job, e->row[begin], draws);
    for (size_t o = 0; o < k; o++) out[p * k + o] += s->mean[o];
    for (size_t d = 0; d < draws; d += together) {
        walks w = {.s = s, .order = order + d * p, .first = d, .row = e->row[begin]};
        w.n = together < draws - d ? together : draws - d;
        aml_mark mark = aml_arena_mark(ctx->keep);
        AML_TRY(walk(out, &w, ctx));
        aml_arena_release(ctx->keep, mark);
    }
    return AML_OK;
}

/* Rows of the data, without repetition while there are enough, and their predictions. */
static aml_status prepare(sampling *s, aml_ctx *ctx) {
    const aml_explaining *job = s->job;
    size_t n = job->view->n, draws = job->draws, k = job->e->k;
    aml_rng rng = aml_rng_stream(job->seed, AML_RNG_SAMPLE, 0, 3);
    uint32_t *all = AML_ARRAY(ctx->scratch, n, uint32_t);
    const uint32_t **from = AML_ARRAY(ctx->scratch, job->e->p + 1, const uint32_t *);
    s->background = AML_ARRAY(ctx->keep, draws, uint32_t);
    s->start = AML_ARRAY(ctx->keep, draws * k, double);
    s->mean = AML_ARRAY(ctx->keep, k, double);
    if (!all || !from || !s->background || !s->start || !s->mean) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) all[i] = (uint32_t)i;
    aml_rng_shuffle(&rng, all, n);
    for (size_t d = 0; d < draws; d++) s->background[d] = all[d % n];
    for (size_t j = 0; j < job->e->p; j++) from[j] = s->background;
    AML_TRY(predict_composed(s->start, job, from, draws, ctx));
    for (size_t d = 0; d < draws; d++)
        for (size_t o = 0; o < k; o++) s->mean[o] += s->start[d * k + o] / (double)draws;
    return AML_OK;
}

aml_status aml_explain_by_samples(const aml_explaining *job, int threads, aml_ctx *ctx) {
    sampling s = {.job = job};
    if (!job->e->n) return AML_OK;
    AML_TRY(prepare(&s, ctx));
    if (job->e->p) return aml_blocks(job->e->n, 1, threads, explain_row, &s);
    for (size_t i = 0; i < job->e->n * job->e->k; i++) job->e->value[i] += s.mean[i % job->e->k];
    return AML_OK;
}
