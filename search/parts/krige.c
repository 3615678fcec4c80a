/* krige.c: a Gaussian process over all points of a space. */
#include "search/parts/krige.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "automl/core/linalg.h"
#include "search/parts/points.h"

static const double least_noise = 1e-6;

aml_status aml_krige_new(aml_krige *g, size_t room, size_t d, const size_t *scale, size_t n_scales,
                         aml_arena *arena) {
    *g = (aml_krige){.room = room, .d = d, .n_scales = n_scales, .scale = scale};
    g->signal = 1;
    g->noise = 1e-3;
    g->weight = AML_ARRAY(arena, n_scales, double);
    g->x = AML_ARRAY(arena, room * d, double);
    g->y = AML_ARRAY(arena, room, double);
    g->l = aml_alloc_raw(arena, room * room, sizeof *g->l);
    g->alpha = AML_ARRAY(arena, room, double);
    if (!g->weight || !g->x || !g->y || !g->l || !g->alpha) return AML_ENOMEM;
    for (size_t j = 0; j < n_scales; j++) g->weight[j] = 2;
    return AML_OK;
}

void aml_krige_add(aml_krige *g, const double *x, double y) {
    assert(g->n < g->room);
    for (size_t j = 0; j < g->d; j++) g->x[j * g->room + g->n] = x[j];
    g->y[g->n++] = y;
}

/* Distances q of a point to all, then what the kernel makes of them. */
static void distances(double *q, const aml_krige *g, const double *x, size_t n) {
    memset(q, 0, n * sizeof *q);
    for (size_t j = 0; j < g->d; j++) {
        const double *column = g->x + j * g->room, w = g->weight[g->scale[j]], at = x[j];
        for (size_t i = 0; i < n; i++) q[i] += w * (column[i] - at) * (column[i] - at);
    }
}

static double matern(double q) {
    double t = sqrt(5 * q);
    return (1 + t + t * t / 3) * exp(-t);
}

/* The same, and its derivative by q. */
static double matern_both(double *slope, double q) {
    double t = sqrt(5 * q), fall = exp(-t);
    *slope = -5.0 / 6 * (1 + t) * fall;
    return (1 + t + t * t / 3) * fall;
}

static void point_at(double *x, const aml_krige *g, size_t i) {
    for (size_t j = 0; j < g->d; j++) x[j] = g->x[j * g->room + i];
}

/* ---- hyperparameters ---- */

/* -log p of the logarithms of the weights w = 1 / length²: normal, lengths grow as the root of d (Hvarfner et al. 2024, "Vanilla
 * Bayesian optimization performs great in high dimensions"). Their sd of 2 sqrt 3 lets few trials say that most parameters do
 * not matter; mean and sd here are those of bench/tuning. */
static double penalty(double *gradient, const aml_krige *g) {
    double value = 0, *by_signal = gradient + g->n_scales, *by_noise = by_signal + 1;
    double centre = 1.5 - log((double)g->n_scales), variance = 2;
    for (size_t j = 0; j < g->n_scales; j++) {
        double off = log(g->weight[j]) - centre;
        value += off * off / (2 * variance);
        gradient[j] = off / variance;
    }
    value += g->signal - log(g->signal) + 30 * g->noise - 0.1 * log(g->noise);
    *by_signal = g->signal - 1;
    *by_noise = 30 * g->noise - 0.1;
    return value;
}

/* Half the trace of (K⁻¹ - alpha alpha') dK for each logarithm. inverse, m and slope: lower triangles of K⁻¹, of the kernel
 * without its signal, and of its derivatives by the distance. */
static void add_gradient(double *gradient, const aml_krige *g, const double *inverse,
                         const double *alpha, const double *m, double *slope) {
    size_t n = g->n;
    double by_signal = 0, by_noise = 0;
    for (size_t i = 0; i < n; i++) {
        double own = inverse[i * n + i] - alpha[i] * alpha[i];
        by_signal += 0.5 * own;
        by_noise += 0.5 * own;
        for (size_t k = 0; k < i; k++) {
            double pair = inverse[i * n + k] - alpha[i] * alpha[k];
            by_signal += pair * m[i * n + k];
            slope[i * n + k] *= pair;
        }
    }
    gradient[g->n_scales] += by_signal * g->signal;
    gradient[g->n_scales + 1] += by_noise * g->noise;
    for (size_t j = 0; j < g->d; j++) {
        const double *x = g->x + j * g->room;
        double sum = 0;
        for (size_t i = 0; i < n; i++) {
            double part[4] = {0};
            size_t k = 0;
            for (; k + 4 <= i; k += 4)
                for (size_t c = 0; c < 4; c++)
                    part[c] += slope[i * n + k + c] * (x[i] - x[k + c]) * (x[i] - x[k + c]);
            for (; k < i; k++) part[0] += slope[i * n + k] * (x[i] - x[k]) * (x[i] - x[k]);
            sum += (part[0] + part[1]) + (part[2] + part[3]);
        }
        gradient[g->scale[j]] += sum * g->signal * g->weight[g->scale[j]];
    }
}

bool aml_krige_objective(double *value, double *gradient, const aml_krige *g, double *work) {
    size_t n = g->n;
    double *k = work, *m = k + n * n, *slope = m + n * n, *alpha = slope + n * n, *x = alpha + n,
           log_det = 0;
    for (size_t i = 0; i < n; i++) {
        point_at(x, g, i);
        distances(m + i * n, g, x, i);
        for (size_t j = 0; j < i; j++) {
            m[i * n + j] = matern_both(&slope[i * n + j], m[i * n + j]);
            k[i * n + j] = g->signal * m[i * n + j];
        }
        k[i * n + i] = g->signal + g->noise;
    }
    if (!aml_cholesky(k, n, n)) return false;
    for (size_t i = 0; i < n; i++) log_det += log(k[i * n + i]);
    memcpy(alpha, g->y, n * sizeof *alpha);
    aml_cholesky_solve(k, n, n, alpha);
    *value = log_det + 0.5 * aml_dot(alpha, g->y, n) + penalty(gradient, g);
    if (!aml_cholesky_invert(k, n, n)) return false;
    add_gradient(gradient, g, k, alpha, m, slope);
    return true;
}

static void set_logs(aml_krige *g, double *logs) {
    size_t s = g->n_scales;
    for (size_t j = 0; j < s + 2; j++) {
        double lo = j < s ? -11 : j == s ? -5 : log(least_noise), hi = j < s ? 8 : j == s ? 5 : 1;
        logs[j] = fmin(fmax(logs[j], lo), hi);
    }
    for (size_t j = 0; j < s; j++) g->weight[j] = exp(logs[j]);
    g->signal = exp(logs[s]);
    g->noise = exp(logs[s + 1]);
}

static aml_status climb(aml_krige *g, aml_arena *scratch) {
    enum { STEPS = 40, FEW = 4 };
    size_t m = g->n_scales + 2, n = g->n, idle = 0;
    double *work = aml_alloc_raw(scratch, 3 * n * n + n + g->d, sizeof *work), value;
    double *logs = AML_ARRAY(scratch, 5 * m, double), lowest = INFINITY;
    double *best = logs + m, *gradient = best + m, *last = gradient + m, *step = last + m;
    if (!work || !logs) return AML_ENOMEM;
    for (size_t j = 0; j < m; j++) {
        double x = j < g->n_scales ? g->weight[j] : j == g->n_scales ? g->signal : g->noise;
        logs[j] = best[j] = log(x);
        step[j] = 0.5;
    }
    for (size_t k = 0; k < STEPS && idle < FEW; k++) {
        set_logs(g, logs);
        if (!aml_krige_objective(&value, gradient, g, work)) break;
        idle = value < lowest - 0.01 ? 0 : idle + 1;
        if (value < lowest) {
            lowest = value;
            memcpy(best, logs, m * sizeof *best);
        }
        for (size_t j = 0; j < m; j++) {
            double sign = gradient[j] * last[j];
            step[j] = fmin(fmax(step[j] * (sign > 0 ? 1.4 : sign < 0 ? 0.5 : 1), 0.01), 2);
            logs[j] -= copysign(gradient[j] != 0 ? step[j] : 0, gradient[j]);
            last[j] = gradient[j];
        }
    }
    set_logs(g, best);
    return AML_OK;
}

static aml_status choose(aml_krige *sub, const aml_krige *g, size_t m, aml_arena *scratch) {
    bool *taken = AML_ARRAY(scratch, g->n, bool);
    double *x = AML_ARRAY(scratch, g->d, double);
    if (!taken || !x) return AML_ENOMEM;
    aml_pick_subset(taken, g->y, g->n, m);
    for (size_t i = 0; i < g->n; i++) {
        if (!taken[i]) continue;
        point_at(x, g, i);
        aml_krige_add(sub, x, g->y[i]);
    }
    return AML_OK;
}

aml_status aml_krige_learn(aml_krige *g, size_t most, aml_arena *scratch) {
    enum { FEWEST = 4 };
    aml_krige sub;
    size_t m = g->n < most ? g->n : most;
    if (m < FEWEST) return AML_OK;
    aml_mark mark = aml_arena_mark(scratch);
    AML_TRY(aml_krige_new(&sub, m, g->d, g->scale, g->n_scales, scratch));
    AML_TRY(choose(&sub, g, m, scratch));
    AML_TRY(climb(&sub, scratch));
    memcpy(g->weight, sub.weight, g->n_scales * sizeof *g->weight);
    g->signal = sub.signal;
    g->noise = sub.noise;
    aml_arena_release(scratch, mark);
    return AML_OK;
}

aml_status aml_krige_factorise(aml_krige *g) {
    double x[256];
    double *at = g->d <= 256 ? x : aml_malloc(g->d * sizeof *at);
    if (!at) return AML_ENOMEM;
    for (bool done = false; !done;) {
        for (size_t i = 0; i < g->n; i++) {
            double *row = g->l + i * g->room;
            point_at(at, g, i);
            distances(row, g, at, i);
            for (size_t j = 0; j < i; j++) row[j] = g->signal * matern(row[j]);
            row[i] = g->signal + g->noise;
        }
        done = aml_cholesky(g->l, g->n, g->room) || g->noise > g->signal;
        if (!done) g->noise *= 10;
    }
    memcpy(g->alpha, g->y, g->n * sizeof *g->y);
    aml_cholesky_solve(g->l, g->n, g->room, g->alpha);
    if (at != x) aml_free(at);
    return AML_OK;
}

void aml_krige_believe(aml_krige *g, const double *x) {
    size_t n = g->n;
    double *row = g->l + n * g->room, mean = 0;
    distances(row, g, x, n);
    for (size_t i = 0; i < n; i++) {
        row[i] = g->signal * matern(row[i]);
        mean += row[i] * g->alpha[i];
    }
    aml_cholesky_half(g->l, n, g->room, false, row);
    row[n] = sqrt(fmax(g->signal + g->noise - aml_dot(row, row, n), least_noise));
    aml_krige_add(g, x, mean);
    memcpy(g->alpha, g->y, g->n * sizeof *g->y);
    aml_cholesky_solve(g->l, g->n, g->room, g->alpha);
}

/* ---- prediction ---- */

aml_status aml_krige_predict(double *mean, double *variance, const aml_krige *g, const double *x,
                             size_t m, aml_arena *scratch) {
    aml_mark mark = aml_arena_mark(scratch);
    double *k = aml_alloc_raw(scratch, g->n * m + g->n, sizeof *k), *q = k + g->n * m;
    if (!k) return AML_ENOMEM;
    for (size_t j = 0; j < m; j++) {
        distances(q, g, x + j * g->d, g->n);
        mean[j] = 0;
        for (size_t i = 0; i < g->n; i++) {
            k[i * m + j] = g->signal * matern(q[i]);
            mean[j] += g->alpha[i] * k[i * m + j];
        }
        variance[j] = g->signal;
    }
    aml_cholesky_half_many(g->l, g->n, g->room, k, m);
    for (size_t i = 0; i < g->n; i++)
        for (size_t j = 0; j < m; j++) variance[j] -= k[i * m + j] * k[i * m + j];
    for (size_t j = 0; j < m; j++) variance[j] = fmax(variance[j], 1e-12);
    aml_arena_release(scratch, mark);
    return AML_OK;
}

void aml_krige_slope(double *mean, double *variance, double *by_mean, double *by_variance,
                     const aml_krige *g, const double *x, double *work) {
    size_t n = g->n;
    double *q = work, *k = work + n, *v = k + n;
    distances(q, g, x, n);
    for (size_t i = 0; i < n; i++) {
        double slope;
        k[i] = v[i] = g->signal * matern_both(&slope, q[i]);
        q[i] = g->signal * slope;
    }
    aml_cholesky_solve(g->l, n, g->room, v);
    *mean = aml_dot(k, g->alpha, n);
    *variance = fmax(g->signal - aml_dot(k, v, n), 1e-12);
    for (size_t j = 0; j < g->d; j++) {
        const double *column = g->x + j * g->room, w = 2 * g->weight[g->scale[j]];
        double to_mean = 0, to_variance = 0;
        for (size_t i = 0; i < n; i++) {
            double slope = q[i] * w * (x[j] - column[i]);
            to_mean += g->alpha[i] * slope;
            to_variance += v[i] * slope;
        }
        by_mean[j] = to_mean;
        by_variance[j] = -2 * to_variance;
    }
}
