/* ensemble.c: greedy ensemble selection and its cross-fitted predictions. */
#include "automl/engine/ensemble.h"

#include <math.h>
#include <string.h>

#include "automl/core/par.h"
#include "automl/core/sort.h"
#include "automl/engine/catalog.h"

enum { MOST_ROWS = 20000 }; /* selection looks at no more rows than this */

typedef struct round_job {
    const aml_candidates *c;
    const aml_metric *second; /* breaks ties of metrics that see classes only; may be NULL */
    const uint32_t *position;
    size_t n, taken;
    const size_t *count; /* how often each was taken */
    const double *sum, *y, *w;
    double *mixed; /* one buffer a candidate */
    double *loss;
} round_job;

/* Would the model keep the limits with candidate i? */
static bool is_affordable(const aml_candidates *c, const size_t *count, size_t i) {
    double us = 0, bytes = 0;
    for (size_t j = 0; c->us && j < c->n; j++) {
        if (!count[j] && j != i) continue;
        us += c->us[j];
        bytes += c->bytes[j];
    }
    return !c->us || (us <= c->most_us && bytes <= c->most_bytes);
}

static void try_candidate(void *arg, size_t i, size_t begin, size_t end, int thread) {
    round_job *j = arg;
    const aml_candidates *c = j->c;
    size_t k = c->outputs;
    double *p = j->mixed + i * j->n * k, share = 1.0 / (double)(j->taken + 1), score;
    (void)begin, (void)end, (void)thread;
    j->loss[i] = INFINITY;
    if (!is_affordable(c, j->count, i)) return;
    for (size_t r = 0; r < j->n; r++)
        for (size_t o = 0; o < k; o++)
            p[r * k + o] = (j->sum[r * k + o] + c->pred[i][j->position[r] * k + o]) * share;
    if (c->metric->score(&score, j->y, j->w, p, j->n, c->n_classes)) return;
    j->loss[i] = aml_metric_loss(c->metric, score);
    if (j->second && !j->second->score(&score, j->y, j->w, p, j->n, c->n_classes))
        j->loss[i] += 1e-3 * aml_metric_loss(j->second, score);
}

/* Evenly thinned positions when there are more than selection needs. */
static size_t thin(uint32_t *out, const uint32_t *position, size_t n) {
    size_t m = n < MOST_ROWS ? n : MOST_ROWS;
    for (size_t i = 0; i < m; i++) out[i] = position[i * n / m];
    return m;
}

static aml_status select_greedily(double *weight, const aml_candidates *c, round_job *j,
                                  size_t rounds, aml_ctx *ctx) {
    size_t k = c->outputs, *count = AML_ARRAY(ctx->scratch, c->n, size_t),
           *best_count = AML_ARRAY(ctx->scratch, c->n, size_t);
    double *sum = AML_ARRAY(ctx->scratch, j->n * k, double);
    if (!count || !best_count || !sum) return AML_ENOMEM;
    j->sum = sum;
    j->count = count;
    double best = INFINITY;
    size_t best_taken = 0;
    for (j->taken = 0; j->taken < rounds; j->taken++) {
        if (j->taken && aml_decide_if(c->decisions, aml_should_stop(ctx))) break;
        aml_par_for(ctx->n_threads, c->n, 1, try_candidate, j);
        size_t pick = 0;
        for (size_t i = 1; i < c->n; i++) {
            bool closer = j->loss[i] == j->loss[pick] && count[i] > count[pick];
            if (j->loss[i] < j->loss[pick] || closer) pick = i;
        }
        for (size_t r = 0; r < j->n; r++)
            for (size_t o = 0; o < k; o++) sum[r * k + o] += c->pred[pick][j->position[r] * k + o];
        count[pick]++;
        if (!(j->loss[pick] < best) && j->taken) continue;
        best = j->loss[pick];
        best_taken = j->taken + 1;
        memcpy(best_count, count, c->n * sizeof *count);
    }
    for (size_t i = 0; i < c->n; i++) weight[i] = (double)best_count[i] / (double)best_taken;
    return AML_OK;
}

aml_status aml_ensemble_select(double *weight, const aml_candidates *c, const uint32_t *position,
                               size_t n_positions, size_t rounds, aml_ctx *ctx) {
    aml_mark mark = aml_arena_mark(ctx->scratch);
    size_t room = n_positions < MOST_ROWS ? n_positions : MOST_ROWS;
    uint32_t *rows = AML_ARRAY(ctx->scratch, room, uint32_t);
    double *y = AML_ARRAY(ctx->scratch, room, double), *w = AML_ARRAY(ctx->scratch, room, double);
    round_job j = {.c = c, .position = rows, .y = y, .w = c->w ? w : NULL};
    j.loss = AML_ARRAY(ctx->scratch, c->n, double);
    j.mixed = aml_alloc_raw(ctx->scratch, c->n * room * c->outputs, sizeof(double));
    if (!rows || !y || !w || !j.loss || !j.mixed) return AML_ENOMEM;
    j.n = thin(rows, position, n_positions);
    for (size_t i = 0; i < j.n; i++) {
        y[i] = c->y[rows[i]];
        if (c->w) w[i] = c->w[rows[i]];
    }
    if (c->metric->hard) j.second = aml_metric_find("log_loss");
    aml_status status = select_greedily(weight, c, &j, rounds, ctx);
    aml_arena_release(ctx->scratch, mark);
    return status;
}

void aml_ensemble_mix(double *out, const aml_candidates *c, const double *weight,
                      const uint32_t *position, size_t n) {
    size_t k = c->outputs;
    for (size_t r = 0; r < n; r++) {
        double *p = out + position[r] * k;
        for (size_t o = 0; o < k; o++) p[o] = 0;
        for (size_t i = 0; i < c->n; i++)
            for (size_t o = 0; weight[i] > 0 && o < k; o++)
                p[o] += weight[i] * c->pred[i][position[r] * k + o];
    }
}

aml_status aml_ensemble_crossfit(double *out, const aml_candidates *c, const uint32_t *part,
                                 size_t n_parts, size_t rounds, aml_ctx *ctx) {
    uint32_t *in = AML_ARRAY(ctx->scratch, c->rows, uint32_t),
             *rest = AML_ARRAY(ctx->scratch, c->rows, uint32_t);
    double *weight = AML_ARRAY(ctx->scratch, c->n, double);
    if (!in || !rest || !weight) return AML_ENOMEM;
    for (size_t f = 0; f < n_parts; f++) {
        size_t n_in = 0, n_rest = 0;
        for (size_t i = 0; i < c->rows; i++) {
            if (part[i] == f) in[n_in++] = (uint32_t)i;
            else rest[n_rest++] = (uint32_t)i;
        }
        if (!n_in) continue;
        if (!n_rest) memcpy(rest, in, (n_rest = n_in) * sizeof *in);
        AML_TRY(aml_ensemble_select(weight, c, rest, n_rest, rounds, ctx));
        aml_ensemble_mix(out, c, weight, in, n_in);
    }
    return AML_OK;
}
