/* neighbours_vote.c: votes of neighbours, and losses of rows left out for all numbers of neighbours at once. */
#include "learners/parts/neighbours_vote.h"

#include <math.h>
#include <string.h>

/* A neighbour's vote before its weight; one at distance 0 outvotes all others. */
static double vote_of(const aml_voters *v, double nearest, double distance) {
    if (!v->by_distance) return 1;
    if (nearest > 0) return 1 / sqrt(distance);
    return distance > 0 ? 0 : 1;
}

/* The neighbours' votes, their mean about 1. */
static double votes(double *vote, const aml_voters *v, const uint32_t *row, const float *distance,
                    size_t k) {
    double raw = 0, total = 0;
    for (size_t i = 0; i < k; i++)
        raw += vote[i] = vote_of(v, (double)distance[0], (double)distance[i]);
    for (size_t i = 0; i < k; i++) total += vote[i] *= v->w[row[i]] * ((double)k / raw);
    return total;
}

void aml_voters_decide(double *out, const aml_voters *v, const uint32_t *row, const float *distance,
                       size_t k) {
    double vote[AML_MOST_NEIGHBOURS], total = votes(vote, v, row, distance, k);
    if (!v->n_classes) {
        double mean = 0;
        for (size_t i = 0; i < k; i++) mean += vote[i] / total * v->y[row[i]];
        *out = mean;
        return;
    }
    size_t outputs = v->n_classes == 2 ? 1 : v->n_classes, first = outputs == 1 ? 1 : 0;
    for (size_t c = 0; c < outputs; c++) out[c] = v->prior[first + c];
    for (size_t i = 0; i < k; i++) {
        size_t label = (size_t)v->y[row[i]];
        if (label >= first) out[label - first] += vote[i];
    }
    for (size_t c = 0; c < outputs; c++) out[c] /= total + 1;
    if (outputs == 1) out[0] = fmin(out[0], 1);
}

/* ---- rows left out */

enum { MOST_LEFT_OUT = 4096 };

typedef struct left_out {
    const aml_voters *v;
    const uint32_t *place; /* of each query among the rows, or NULL: the same */
    size_t most;
    double *sum;  /* `most` for each block of queries */
    double scale; /* of regression targets */
} left_out;

/* The others among most + 1 rows found: all but the row itself, or, where as many are equal to it, the last. */
static void others(uint32_t *row, float *distance, const uint32_t *found, const float *far,
                   size_t most, uint32_t self) {
    size_t n = 0;
    for (size_t i = 0; i <= most && n < most; i++) {
        if (found[i] == self) continue;
        row[n] = found[i];
        distance[n++] = far[i];
    }
}

static double log_loss(double p) { return -log(fmax(p, 1e-15)); }

/* Adds the loss of a row for each k: sums over its neighbours are those of k - 1 and one more. Shares and weights are
 * those of a fit without the row. */
static void add_losses(double *sum, const left_out *l, size_t self, const uint32_t *row,
                       const float *distance) {
    const aml_voters *v = l->v;
    double n = (double)v->n, own = v->w[self], y = v->y[self], rest = n - own;
    double unit = rest > 0 ? (n - 1) / rest : 1, prior = 0, raw = 0, total = 0, right = 0;
    if (v->n_classes) prior = rest > 0 ? fmax(n * v->prior[(size_t)y] - own, 0) / rest : 0;
    for (size_t i = 0; i < l->most; i++) {
        double vote = vote_of(v, (double)distance[0], (double)distance[i]), w = v->w[row[i]];
        raw += vote;
        total += vote * w;
        if (!v->n_classes) {
            right += vote * w * ((v->y[row[i]] - y) / l->scale);
            double e = right / total;
            sum[i] += own * e * e;
            continue;
        }
        right += v->y[row[i]] == y ? vote * w : 0;
        double each = unit * (double)(i + 1) / raw;
        sum[i] += own * log_loss((prior + each * right) / (each * total + 1));
    }
}

static void leave_out(void *arg, size_t query, const uint32_t *found, const float *far, size_t k) {
    const left_out *l = arg;
    uint32_t row[AML_MOST_NEIGHBOURS];
    float distance[AML_MOST_NEIGHBOURS];
    size_t self = l->place ? l->place[query] : query;
    (void)k;
    others(row, distance, found, far, l->most, (uint32_t)self);
    add_losses(l->sum + query / AML_NEIGHBOURS_BLOCK * l->most, l, self, row, distance);
}

/* Places of a random sample, upwards (Knuth's selection sampling). */
static void draw_places(uint32_t *place, size_t n, aml_rng rng) {
    for (uint32_t i = 0, k = 0; k < MOST_LEFT_OUT; i++)
        if (aml_rng_below(&rng, (uint32_t)n - i) < MOST_LEFT_OUT - k) place[k++] = i;
}

/* Of targets, which may be huge. */
static double scale_of(const aml_voters *v) {
    double top = 0;
    for (size_t i = 0; i < v->n && !v->n_classes; i++) top = fmax(top, fabs(v->y[i]));
    return top > 0 ? top : 1;
}

aml_status aml_voters_left_out(double *loss, size_t most, const aml_voters *v,
                               const aml_neighbours *m, const aml_data *x, aml_ctx *ctx) {
    aml_mark mark = aml_arena_mark(ctx->scratch);
    aml_data queries = *x;
    left_out l = {.v = v, .most = most, .scale = scale_of(v)};
    if (x->n > MOST_LEFT_OUT) {
        uint32_t *place = AML_ARRAY(ctx->scratch, MOST_LEFT_OUT, uint32_t);
        uint32_t *rows = AML_ARRAY(ctx->scratch, MOST_LEFT_OUT, uint32_t);
        if (!place || !rows) return AML_ENOMEM;
        draw_places(place, x->n, ctx->rng);
        for (size_t i = 0; i < MOST_LEFT_OUT; i++) rows[i] = x->rows[place[i]];
        queries.rows = rows;
        queries.n = MOST_LEFT_OUT;
        l.place = place;
    }
    size_t n_blocks = (queries.n + AML_NEIGHBOURS_BLOCK - 1) / AML_NEIGHBOURS_BLOCK;
    l.sum = AML_ARRAY(ctx->scratch, n_blocks * most, double);
    if (!l.sum) return AML_ENOMEM;
    AML_TRY(aml_neighbours_find(m, most + 1, &queries, leave_out, &l, ctx));
    double total = 0;
    for (size_t i = 0; i < queries.n; i++) total += v->w[l.place ? l.place[i] : i];
    memset(loss, 0, most * sizeof *loss);
    for (size_t b = 0; b < n_blocks; b++)
        for (size_t k = 0; k < most; k++) loss[k] += l.sum[b * most + k];
    for (size_t k = 0; k < most; k++) loss[k] /= total;
    aml_arena_release(ctx->scratch, mark);
    return AML_OK;
}
