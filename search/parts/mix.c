/* mix.c: a mixture of Gaussians over past datasets. */
#include "search/parts/mix.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "automl/core/linalg.h"

static const double shrinkage = 0.1; /* of the covariance to its diagonal */
static const double smoothing = 0.4; /* h */
static const double nugget = 0.01, offset = 0.03;
static const double temper = 0.8; /* of the likelihood: the rows are not the truth */
static const double prior_share = 0.05;
static const double cost_exponent = 0.5;

/* ---- the matrix ---- */

static void moments(aml_mix_prior *q, double *centred, const double *extra) {
    size_t n = q->n, p = q->p;
    memset(q->mean, 0, p * sizeof *q->mean);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < p; j++) q->mean[j] += q->rows[i * p + j] / (double)n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < p; j++) centred[i * p + j] = q->rows[i * p + j] - q->mean[j];
    aml_dsyrk(p, n, centred, p, 0, q->covariance, p);
    for (size_t k = 0; k < p * p; k++)
        q->covariance[k] = (q->covariance[k] + (extra ? extra[k] : 0)) / (double)n;
}

static void shrink(double *c, size_t p, double ridge) {
    for (size_t i = 0; i < p; i++)
        for (size_t j = 0; j < p; j++) {
            if (i == j) c[i * p + j] += ridge;
            else c[i * p + j] *= 1 - shrinkage;
        }
}

/* A gap starts at its column's mean plus what the row's known entries deviate on average. */
static void fill_gaps(double *rows, const double *y, size_t n, size_t p, double *mean) {
    for (size_t j = 0; j < p; j++) {
        double sum = 0, count = 0;
        for (size_t i = 0; i < n; i++)
            if (!isnan(y[i * p + j])) sum += y[i * p + j], count++;
        mean[j] = count > 0 ? sum / count : 1;
    }
    for (size_t i = 0; i < n; i++) {
        double sum = 0, count = 0;
        for (size_t j = 0; j < p; j++)
            if (!isnan(y[i * p + j])) sum += y[i * p + j] - mean[j], count++;
        for (size_t j = 0; j < p; j++)
            rows[i * p + j] =
                isnan(y[i * p + j]) ? mean[j] + (count > 0 ? sum / count : 0) : y[i * p + j];
    }
}

typedef struct em_work {
    double *s, *block, *cross, *r, *extra;
    size_t *known, *gaps;
} em_work;

/* Replaces the gaps of one row by their expectation; adds their covariance to `extra`. Returns the
 * change. */
static double expect_row(aml_mix_prior *q, const double *y, size_t row, em_work *w) {
    size_t p = q->p, n_known = 0, n_gaps = 0;
    double *x = q->rows + row * p, change = 0;
    for (size_t j = 0; j < p; j++) {
        if (isnan(y[row * p + j])) w->gaps[n_gaps++] = j;
        else w->known[n_known++] = j;
    }
    if (!n_gaps) return 0;
    for (size_t a = 0; a < n_known; a++) {
        for (size_t b = 0; b <= a; b++)
            w->block[a * n_known + b] = w->s[w->known[a] * p + w->known[b]];
        w->r[a] = x[w->known[a]] - q->mean[w->known[a]];
    }
    if (!aml_cholesky(w->block, n_known, n_known)) return 0;
    aml_cholesky_half(w->block, n_known, n_known, false, w->r);
    for (size_t g = 0; g < n_gaps; g++) {
        double *half = w->cross + g * n_known;
        for (size_t a = 0; a < n_known; a++) half[a] = w->s[w->gaps[g] * p + w->known[a]];
        aml_cholesky_half(w->block, n_known, n_known, false, half);
        double next = q->mean[w->gaps[g]] + aml_dot(half, w->r, n_known);
        change = fmax(change, fabs(next - x[w->gaps[g]]));
        x[w->gaps[g]] = next;
    }
    for (size_t g = 0; g < n_gaps; g++)
        for (size_t h = 0; h < n_gaps; h++)
            w->extra[w->gaps[g] * p + w->gaps[h]] +=
                w->s[w->gaps[g] * p + w->gaps[h]] -
                aml_dot(w->cross + g * n_known, w->cross + h * n_known, n_known);
    return change;
}

static aml_status expect_gaps(aml_mix_prior *q, const double *y, double *centred,
                              aml_arena *scratch) {
    enum { ROUNDS = 10 };
    size_t n = q->n, p = q->p;
    em_work w = {.s = AML_ARRAY(scratch, p * p, double),
                 .block = AML_ARRAY(scratch, p * p, double),
                 .cross = AML_ARRAY(scratch, p * p, double),
                 .r = AML_ARRAY(scratch, p, double),
                 .extra = AML_ARRAY(scratch, p * p, double),
                 .known = AML_ARRAY(scratch, p, size_t),
                 .gaps = AML_ARRAY(scratch, p, size_t)};
    if (!w.s || !w.block || !w.cross || !w.r || !w.extra || !w.known || !w.gaps) return AML_ENOMEM;
    for (int round = 0; round < ROUNDS; round++) {
        double change = 0;
        memcpy(w.s, q->covariance, p * p * sizeof(double));
        shrink(w.s, p, 1e-5);
        memset(w.extra, 0, p * p * sizeof(double));
        for (size_t i = 0; i < n; i++) change = fmax(change, expect_row(q, y, i, &w));
        moments(q, centred, w.extra);
        if (change < 1e-3) break;
    }
    return AML_OK;
}

aml_status aml_mix_prior_new(aml_mix_prior **out, const double *y, size_t n, size_t p,
                             aml_ctx *ctx) {
    assert(n >= 1 && p >= 1);
    aml_mix_prior *q = AML_NEW(ctx->keep, aml_mix_prior);
    double *centred = AML_ARRAY(ctx->scratch, n * p, double);
    if (!q || !centred) return AML_ENOMEM;
    q->n = n;
    q->p = p;
    q->mean = AML_ARRAY(ctx->keep, p, double);
    q->rows = AML_ARRAY(ctx->keep, n * p, double);
    q->covariance = AML_ARRAY(ctx->keep, p * p, double);
    if (!q->mean || !q->rows || !q->covariance) return AML_ENOMEM;
    bool gaps = false;
    for (size_t k = 0; k < n * p; k++) gaps |= isnan(y[k]);
    fill_gaps(q->rows, y, n, p, q->mean);
    moments(q, centred, NULL);
    if (gaps) AML_TRY(expect_gaps(q, y, centred, ctx->scratch));
    shrink(q->covariance, p, 0);
    *out = q;
    return AML_OK;
}

/* ---- the belief about one row ---- */

aml_status aml_mix_start(aml_mix *m, const aml_mix_prior *prior, const double *weights,
                         aml_arena *arena) {
    size_t n = prior->n, p = prior->p;
    double sum = 0, a = sqrt(1 - smoothing * smoothing);
    *m = (aml_mix){.prior = prior, .best = INFINITY};
    m->z = aml_alloc_raw(arena, n * p, sizeof *m->z);
    m->c = aml_alloc_raw(arena, p * p, sizeof *m->c);
    m->prior_weight = AML_ARRAY(arena, n, double);
    m->log_weight = AML_ARRAY(arena, n, double);
    m->row_best = AML_ARRAY(arena, n, double);
    m->open = AML_ARRAY(arena, p, bool);
    m->work = AML_ARRAY(arena, n + p, double);
    if (!m->z || !m->c || !m->prior_weight || !m->log_weight || !m->row_best || !m->open ||
        !m->work)
        return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) sum += weights ? weights[i] : 1;
    for (size_t i = 0; i < n; i++) {
        m->prior_weight[i] = (weights ? weights[i] : 1) / sum;
        m->log_weight[i] = log(m->prior_weight[i] + 1e-300);
        m->row_best[i] = INFINITY;
        for (size_t j = 0; j < p; j++)
            m->z[i * p + j] = prior->mean[j] + a * (prior->rows[i * p + j] - prior->mean[j]);
    }
    for (size_t k = 0; k < p * p; k++)
        m->c[k] = smoothing * smoothing * prior->covariance[k] + offset * offset;
    for (size_t j = 0; j < p; j++) m->c[j * p + j] += nugget * nugget;
    for (size_t j = 0; j < p; j++) m->open[j] = true;
    aml_improvement_table_init(&m->improvement);
    return AML_OK;
}

/* Centres and covariance given that `column` has the loss y. */
static void condition(aml_mix *m, size_t column, double y) {
    size_t n = m->prior->n, p = m->prior->p;
    double v = m->c[column * p + column], *g = m->work;
    for (size_t j = 0; j < p; j++) g[j] = m->c[column * p + j] / v;
    for (size_t i = 0; i < n; i++) {
        double *z = m->z + i * p, r = y - z[column];
        for (size_t j = 0; j < p; j++) z[j] += r * g[j];
    }
    for (size_t i = 0; i < p; i++) {
        double *c = m->c + i * p, ci = g[i] * v;
        for (size_t j = 0; j < p; j++) c[j] -= ci * g[j];
    }
}

static void mark_tried(aml_mix *m, size_t column) {
    size_t p = m->prior->p;
    m->open[column] = false;
    m->seen++;
    for (size_t i = 0; i < m->prior->n; i++)
        m->row_best[i] = fmin(m->row_best[i], m->prior->rows[i * p + column]);
}

/* Below this the column is known to rounding: a further look at it says nothing. */
static const double known_variance = 1e-10;

void aml_mix_observe(aml_mix *m, size_t column, double y) {
    size_t p = m->prior->p;
    double v = m->c[column * p + column];
    m->best = fmin(m->best, y);
    if (v > known_variance) {
        for (size_t i = 0; i < m->prior->n; i++) {
            double r = y - m->z[i * p + column];
            m->log_weight[i] -= temper * 0.5 * r * r / v;
        }
        condition(m, column, y);
    }
    mark_tried(m, column);
}

void aml_mix_believe(aml_mix *m, size_t column) {
    size_t n = m->prior->n, p = m->prior->p;
    double *w = m->work + p, mean = 0;
    aml_mix_weights(w, m);
    for (size_t i = 0; i < n; i++) mean += w[i] * m->z[i * p + column];
    if (m->c[column * p + column] > known_variance) condition(m, column, mean);
    mark_tried(m, column);
}

void aml_mix_weights(double *w, const aml_mix *m) {
    size_t n = m->prior->n;
    double top = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++) top = fmax(top, m->log_weight[i]);
    for (size_t i = 0; i < n; i++) sum += w[i] = exp(m->log_weight[i] - top);
    for (size_t i = 0; i < n; i++)
        w[i] = (1 - prior_share) * w[i] / sum + prior_share * m->prior_weight[i];
}

/* ---- picking ---- */

static double per_cost(double gain, const double *seconds_log, size_t column) {
    return seconds_log ? gain * exp(-cost_exponent * seconds_log[column]) : gain;
}

static void expected_losses(double *mean, const aml_mix *m, const double *w) {
    size_t n = m->prior->n, p = m->prior->p;
    memset(mean, 0, p * sizeof *mean);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < p; j++) mean[j] += w[i] * m->z[i * p + j];
}

/* The open column of the lowest expected loss; with costs, of the most gained on the worst column
 * per cost. */
static size_t pick_first(aml_mix *m, const double *w, const double *seconds_log) {
    size_t p = m->prior->p, pick = p;
    double *mean = m->work, worst = -INFINITY, top = -INFINITY;
    expected_losses(mean, m, w);
    for (size_t j = 0; j < p; j++) worst = fmax(worst, mean[j]);
    for (size_t j = 0; j < p; j++) {
        if (!m->open[j]) continue;
        double gain = per_cost(worst - mean[j], seconds_log, j);
        if (gain > top) top = gain, pick = j;
    }
    return pick;
}

static size_t pick_guard(aml_mix *m, const double *seconds_log) {
    size_t n = m->prior->n, p = m->prior->p, pick = p;
    double top = 0, *gain = m->work;
    memset(gain, 0, p * sizeof *gain);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < p; j++) {
            double better = m->row_best[i] - m->prior->rows[i * p + j];
            gain[j] += better > 0 ? better : 0;
        }
    for (size_t j = 0; j < p; j++) {
        double g = m->open[j] ? per_cost(gain[j], seconds_log, j) : 0;
        if (g > top) top = g, pick = j;
    }
    return pick;
}

static size_t pick_improvement(aml_mix *m, const double *w, const double *seconds_log) {
    size_t n = m->prior->n, p = m->prior->p, pick = p;
    double heaviest = 0, top = 0;
    for (size_t i = 0; i < n; i++) heaviest = w[i] > heaviest ? w[i] : heaviest;
    for (size_t j = 0; j < p; j++) {
        double gain = 0, sd = sqrt(fmax(m->c[j * p + j], known_variance));
        for (size_t i = 0; i < n && m->open[j]; i++)
            if (w[i] > 1e-4 * heaviest)
                gain +=
                    w[i] * aml_improvement_at(&m->improvement, (m->best - m->z[i * p + j]) / sd);
        gain = per_cost(sd * gain, seconds_log, j);
        if (gain > top) top = gain, pick = j;
    }
    return pick;
}

size_t aml_mix_pick(aml_mix *m, const double *seconds_log) {
    enum { GUARD_FROM = 4, GUARD_EVERY = 4 };
    size_t p = m->prior->p, pick = p;
    double *w = m->work + p;
    aml_mix_weights(w, m);
    if (m->seen >= GUARD_FROM && m->seen % GUARD_EVERY == GUARD_EVERY - 1)
        pick = pick_guard(m, seconds_log);
    if (pick == p && isfinite(m->best)) pick = pick_improvement(m, w, seconds_log);
    return pick == p ? pick_first(m, w, seconds_log) : pick;
}

/* ---- greedy portfolio ---- */

aml_status aml_greedy_portfolio(size_t *order, const aml_mix_prior *prior,
                                const double *seconds_log, aml_arena *scratch) {
    size_t n = prior->n, p = prior->p;
    double *best = AML_ARRAY(scratch, n, double), *gain = AML_ARRAY(scratch, p, double);
    bool *used = AML_ARRAY(scratch, p, bool);
    if (!best || !gain || !used) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        best[i] = -INFINITY;
        for (size_t j = 0; j < p; j++) best[i] = fmax(best[i], prior->rows[i * p + j]);
    }
    for (size_t k = 0; k < p; k++) {
        memset(gain, 0, p * sizeof *gain);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < p; j++) gain[j] += fmax(best[i] - prior->rows[i * p + j], 0);
        size_t pick = p;
        for (size_t j = 0; j < p; j++) {
            if (used[j]) continue;
            gain[j] = per_cost(gain[j], seconds_log, j);
            bool more = pick == p || gain[j] > gain[pick] + 1e-12 * (double)n;
            bool same = !more && gain[j] >= gain[pick] - 1e-12 * (double)n;
            if (more || (same && prior->mean[j] < prior->mean[pick])) pick = j;
        }
        order[k] = pick;
        used[pick] = true;
        for (size_t i = 0; i < n; i++) best[i] = fmin(best[i], prior->rows[i * p + pick]);
    }
    return AML_OK;
}
