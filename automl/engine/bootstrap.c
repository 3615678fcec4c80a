/* bootstrap.c: resampling by weights: each draw counts a row a random number of times. */
#include "automl/engine/bootstrap.h"

#include <math.h>

#include "automl/core/par.h"
#include "automl/core/sort.h"

enum { ENOUGH_DRAWS = 200, FEWEST_DRAWS = 40 }; /* to read quantiles off; of very many rows */
enum { MOST_ROWS_DRAWN = 4000000 };

/* Predictions of one number a row upwards, with their targets: metrics that sort have nothing left to do. */
typedef struct sorted {
    uint32_t *order; /* NULL: the rows stay as they are */
    const double *y, *pred;
} sorted;

typedef struct job {
    const aml_resampled *rows;
    sorted own, other;
    aml_rng rng;
    double *value;
    _Atomic int status;
} job;

static aml_status sort_rows(sorted *s, const aml_resampled *r, const double *pred, aml_ctx *ctx) {
    *s = (sorted){.y = r->y, .pred = pred};
    if (!pred || r->outputs != 1) return AML_OK;
    double *y = AML_ARRAY(ctx->scratch, r->n, double), *p = AML_ARRAY(ctx->scratch, r->n, double);
    uint32_t *order = AML_ARRAY(ctx->scratch, r->n, uint32_t);
    if (!y || !p || !order) return AML_ENOMEM;
    AML_TRY(aml_argsort(order, pred, r->n));
    for (size_t i = 0; i < r->n; i++) y[i] = r->y[order[i]], p[i] = pred[order[i]];
    *s = (sorted){order, y, p};
    return AML_OK;
}

static aml_status score_sorted(double *out, const aml_resampled *r, const sorted *s,
                               const double *w, double *room) {
    for (size_t i = 0; s->order && i < r->n; i++) room[i] = w[s->order[i]];
    return r->metric->score(out, s->y, s->order ? room : w, s->pred, r->n, r->n_classes);
}

static aml_status score(double *out, const job *j, const double *w, double *room) {
    double other;
    AML_TRY(score_sorted(out, j->rows, &j->own, w, room));
    if (!j->other.pred) return AML_OK;
    AML_TRY(score_sorted(&other, j->rows, &j->other, w, room));
    *out = j->rows->metric->higher_is_better ? *out - other : other - *out;
    return AML_OK;
}

static void one_draw(void *arg, size_t b, size_t begin, size_t end, int thread) {
    job *j = arg;
    const aml_resampled *r = j->rows;
    (void)begin, (void)end, (void)thread;
    double *w = aml_calloc(2 * r->n, sizeof *w), *room = w ? w + r->n : NULL;
    if (!w) {
        j->status = AML_ENOMEM;
        return;
    }
    aml_rng rng = aml_rng_child(&j->rng, (uint32_t)b);
    for (size_t i = 0; i < r->n; i++) w[aml_rng_below(&rng, (uint32_t)r->n)] += 1;
    for (size_t i = 0; r->w && i < r->n; i++) w[i] *= r->w[i];
    if (score(&j->value[b], j, w, room)) j->value[b] = NAN;
    aml_free(w);
}

/* Too few draws for quantiles: as of a normal distribution. */
static void by_moments(double *low, double *high, const double *value, size_t n) {
    double mean = 0, square = 0;
    for (size_t i = 0; i < n; i++) mean += value[i] / (double)n;
    for (size_t i = 0; i < n; i++) square += pow(value[i] - mean, 2);
    double half = 1.96 * sqrt(square / (double)(n - 1));
    *low = mean - half;
    *high = mean + half;
}

aml_status aml_bootstrap(double *low, double *high, const aml_resampled *rows, size_t most,
                         aml_ctx *ctx) {
    size_t draws = MOST_ROWS_DRAWN / (rows->n + 1);
    draws = draws < FEWEST_DRAWS ? FEWEST_DRAWS : draws > most ? most : draws;
    *low = *high = NAN;
    job j = {.rows = rows, .rng = ctx->rng, .value = AML_ARRAY(ctx->scratch, draws, double)};
    if (!j.value) return AML_ENOMEM;
    AML_TRY(sort_rows(&j.own, rows, rows->pred, ctx));
    AML_TRY(sort_rows(&j.other, rows, rows->other, ctx));
    aml_par_for(ctx->n_threads, draws, 1, one_draw, &j);
    if (j.status) return (aml_status)j.status;
    AML_TRY(aml_sort_f64(j.value, draws));
    size_t valid = draws;
    while (valid && isnan(j.value[valid - 1])) valid--;
    if (valid < draws / 2 || valid < 2) return AML_OK;
    if (valid < ENOUGH_DRAWS) {
        by_moments(low, high, j.value, valid);
        return AML_OK;
    }
    *low = j.value[(size_t)(0.025 * (double)(valid - 1) + 0.5)];
    *high = j.value[(size_t)(0.975 * (double)(valid - 1) + 0.5)];
    return AML_OK;
}
