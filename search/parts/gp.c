/* gp.c: a Gaussian process over points. */
#include "search/parts/gp.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "automl/core/linalg.h"
#include "search/parts/points.h"

static const double least_noise = 1e-6;

aml_status aml_gp_new(aml_gp *g, size_t room, size_t d, const size_t *scale, size_t n_scales,
                      aml_arena *arena) {
    *g = (aml_gp){.room = room, .d = d, .n_scales = n_scales, .scale = scale};
    g->level = 0.3;
    g->signal = 1;
    g->noise = 0.01;
    g->weight = AML_ARRAY(arena, n_scales, double);
    g->x = AML_ARRAY(arena, room * d, double);
    g->y = AML_ARRAY(arena, room, double);
    g->l = aml_alloc_raw(arena, room * room, sizeof *g->l);
    g->alpha = AML_ARRAY(arena, room, double);
    if (!g->weight || !g->x || !g->y || !g->l || !g->alpha) return AML_ENOMEM;
    for (size_t j = 0; j < n_scales; j++) g->weight[j] = 1;
    return AML_OK;
}

static double matern(double q) {
    double t = sqrt(5 * q);
    return (1 + t + t * t / 3) * exp(-t);
}

static double distance(const aml_gp *g, const double *a, const double *b) {
    double q = 0;
    for (size_t j = 0; j < g->d; j++) q += g->weight[g->scale[j]] * (a[j] - b[j]) * (a[j] - b[j]);
    return q;
}

double aml_gp_kernel(const aml_gp *g, const double *a, const double *b) {
    return g->level + g->signal * matern(distance(g, a, b));
}

void aml_gp_append(aml_gp *g, const double *x, double y) {
    assert(g->n < g->room);
    size_t n = g->n;
    double *row = g->l + n * g->room, own = g->level + g->signal + g->noise;
    for (size_t i = 0; i < n; i++) row[i] = aml_gp_kernel(g, x, g->x + i * g->d);
    aml_cholesky_half(g->l, n, g->room, false, row);
    double rest = own - aml_dot(row, row, n);
    row[n] = sqrt(fmax(rest, least_noise));
    memmove(g->x + n * g->d, x, g->d * sizeof *x);
    g->y[n] = y;
    g->n++;
}

void aml_gp_solve(aml_gp *g) {
    memcpy(g->alpha, g->y, g->n * sizeof *g->y);
    aml_cholesky_solve(g->l, g->n, g->room, g->alpha);
}

/* ---- hyperparameters ---- */

/* inverse (n × n, symmetric) of l l': first l⁻¹ row by row in `half`, then half' half. */
static void invert(double *inverse, double *half, const double *l, size_t n) {
    memset(half, 0, n * n * sizeof *half);
    for (size_t i = 0; i < n; i++) {
        double *row = half + i * n;
        for (size_t k = 0; k < i; k++) {
            double f = -l[i * n + k];
            for (size_t j = 0; j <= k; j++) row[j] += f * half[k * n + j];
        }
        row[i] = 1;
        for (size_t j = 0; j <= i; j++) row[j] /= l[i * n + i];
    }
    memset(inverse, 0, n * n * sizeof *inverse);
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i <= k; i++) {
            double f = half[k * n + i];
            for (size_t j = 0; j <= i; j++) inverse[i * n + j] += f * half[k * n + j];
        }
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++) inverse[i * n + j] = inverse[j * n + i];
}

static double penalty(double *gradient, const aml_gp *g) {
    double value = 0, *by_signal = gradient + g->n_scales, *by_noise = by_signal + 1;
    for (size_t j = 0; j < g->n_scales; j++) {
        value += 0.1 / g->weight[j] + 0.1 * g->weight[j];
        gradient[j] = -0.1 / g->weight[j] + 0.1 * g->weight[j];
    }
    value += g->signal - log(g->signal) + 30 * g->noise - 0.1 * log(g->noise);
    *by_signal = g->signal - 1;
    *by_noise = 30 * g->noise - 0.1;
    return value;
}

/* Adds half the trace of (K⁻¹ - alpha alpha') dK for each logarithm. `q` holds the pairs'
 * distances. */
static void add_gradient(double *gradient, const aml_gp *g, const double *inverse,
                         const double *alpha, const double *q) {
    size_t n = g->n;
    double *by_signal = gradient + g->n_scales, *by_noise = by_signal + 1;
    for (size_t i = 0; i < n; i++) {
        double own = inverse[i * n + i] - alpha[i] * alpha[i];
        *by_signal += 0.5 * own * g->signal;
        *by_noise += 0.5 * own * g->noise;
        for (size_t j = 0; j < i; j++) {
            double c = inverse[i * n + j] - alpha[i] * alpha[j], t = sqrt(5 * q[i * n + j]);
            double e = exp(-t), slope = -(5.0 / 6) * (1 + t) * e * g->signal * c;
            const double *a = g->x + i * g->d, *b = g->x + j * g->d;
            *by_signal += c * g->signal * (1 + t + t * t / 3) * e;
            for (size_t k = 0; k < g->d; k++) {
                size_t s = g->scale[k];
                gradient[s] += slope * g->weight[s] * (a[k] - b[k]) * (a[k] - b[k]);
            }
        }
    }
}

bool aml_gp_objective(double *value, double *gradient, const aml_gp *g, double *work) {
    size_t n = g->n;
    double *k = work, *inverse = k + n * n, *half = inverse + n * n, *q = half + n * n;
    double *alpha = q + n * n, log_det = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            q[i * n + j] = distance(g, g->x + i * g->d, g->x + j * g->d);
            k[i * n + j] = g->level + g->signal * matern(q[i * n + j]);
        }
        k[i * n + i] = g->level + g->signal + g->noise;
    }
    if (!aml_cholesky(k, n, n)) return false;
    for (size_t i = 0; i < n; i++) log_det += log(k[i * n + i]);
    memcpy(alpha, g->y, n * sizeof *alpha);
    aml_cholesky_solve(k, n, n, alpha);
    *value = log_det + 0.5 * aml_dot(alpha, g->y, n) + penalty(gradient, g);
    invert(inverse, half, k, n);
    add_gradient(gradient, g, inverse, alpha, q);
    return true;
}

/* The hyperparameters as logarithms, within limits: n_scales weights, signal, noise. */
static void set_logs(aml_gp *g, double *logs) {
    size_t s = g->n_scales;
    for (size_t j = 0; j < s + 2; j++) {
        double lo = j < s ? -9 : j == s ? -5 : log(least_noise), hi = j < s ? 7 : j == s ? 4 : 1;
        logs[j] = fmin(fmax(logs[j], lo), hi);
    }
    for (size_t j = 0; j < s; j++) g->weight[j] = exp(logs[j]);
    g->signal = exp(logs[s]);
    g->noise = exp(logs[s + 1]);
}

/* Resilient steps (Riedmiller and Braun 1993): only signs of the gradient count, so no line search
 * is needed. */
static aml_status climb(aml_gp *g, aml_arena *scratch) {
    enum { STEPS = 16 };
    size_t m = g->n_scales + 2, n = g->n;
    double *work = aml_alloc_raw(scratch, 4 * n * n + n, sizeof *work);
    double *logs = AML_ARRAY(scratch, 5 * m, double), lowest = INFINITY, value;
    double *best = logs + m, *gradient = best + m, *last = gradient + m, *step = last + m;
    if (!work || !logs) return AML_ENOMEM;
    for (size_t j = 0; j < m; j++) {
        double x = j < g->n_scales ? g->weight[j] : j == g->n_scales ? g->signal : g->noise;
        logs[j] = best[j] = log(x);
        step[j] = 0.5;
    }
    for (int k = 0; k < STEPS; k++) {
        set_logs(g, logs);
        if (!aml_gp_objective(&value, gradient, g, work)) break;
        if (value < lowest) {
            lowest = value;
            memcpy(best, logs, m * sizeof *best);
        }
        for (size_t j = 0; j < m; j++) {
            double sign = gradient[j] * last[j];
            step[j] = fmin(fmax(step[j] * (sign > 0 ? 1.3 : sign < 0 ? 0.5 : 1), 0.01), 1.5);
            logs[j] -= copysign(gradient[j] != 0 ? step[j] : 0, gradient[j]);
            last[j] = gradient[j];
        }
    }
    set_logs(g, best);
    return AML_OK;
}

static aml_status choose(aml_gp *sub, const aml_gp *g, size_t m, aml_arena *scratch) {
    bool *taken = AML_ARRAY(scratch, g->n, bool);
    if (!taken) return AML_ENOMEM;
    aml_pick_subset(taken, g->y, g->n, m);
    for (size_t i = 0; i < g->n; i++) {
        if (!taken[i]) continue;
        memcpy(sub->x + sub->n * g->d, g->x + i * g->d, g->d * sizeof *g->x);
        sub->y[sub->n++] = g->y[i];
    }
    return AML_OK;
}

static void factorise(aml_gp *g) {
    size_t n = g->n;
    g->n = 0;
    for (size_t i = 0; i < n; i++) aml_gp_append(g, g->x + i * g->d, g->y[i]);
}

aml_status aml_gp_fit(aml_gp *g, aml_arena *scratch) {
    enum { FEWEST = 4, SUBSET = 40 };
    aml_gp sub;
    size_t m = g->n < SUBSET ? g->n : SUBSET;
    if (m >= FEWEST) {
        aml_mark mark = aml_arena_mark(scratch);
        AML_TRY(aml_gp_new(&sub, m, g->d, g->scale, g->n_scales, scratch));
        memcpy(sub.weight, g->weight, g->n_scales * sizeof *g->weight);
        sub.level = g->level;
        sub.signal = g->signal;
        sub.noise = g->noise;
        AML_TRY(choose(&sub, g, m, scratch));
        AML_TRY(climb(&sub, scratch));
        memcpy(g->weight, sub.weight, g->n_scales * sizeof *g->weight);
        g->signal = sub.signal;
        g->noise = sub.noise;
        aml_arena_release(scratch, mark);
    }
    factorise(g);
    return AML_OK;
}

/* ---- prediction ---- */

/* b (n × m) = l⁻¹ b, by blocks of rows: all but the diagonal blocks is a matrix product. */
static void solve_many(double *b, const aml_gp *g, size_t m) {
    enum { BLOCK = 32 };
    for (size_t i0 = 0; i0 < g->n; i0 += BLOCK) {
        size_t i1 = i0 + BLOCK < g->n ? i0 + BLOCK : g->n;
        aml_dgemm(false, false, i1 - i0, m, i0, -1, g->l + i0 * g->room, g->room, b, m, 1,
                  b + i0 * m, m);
        for (size_t i = i0; i < i1; i++) {
            double *row = b + i * m, own = 1 / g->l[i * g->room + i];
            for (size_t k = i0; k < i; k++) {
                const double f = g->l[i * g->room + k], *other = b + k * m;
                for (size_t j = 0; j < m; j++) row[j] -= f * other[j];
            }
            for (size_t j = 0; j < m; j++) row[j] *= own;
        }
    }
}

aml_status aml_gp_predict(double *mean, double *variance, const aml_gp *g, const double *x,
                          size_t m, aml_arena *scratch) {
    aml_mark mark = aml_arena_mark(scratch);
    double *k = aml_alloc_raw(scratch, g->n * m, sizeof *k);
    if (!k) return AML_ENOMEM;
    for (size_t i = 0; i < g->n; i++)
        for (size_t j = 0; j < m; j++)
            k[i * m + j] = aml_gp_kernel(g, g->x + i * g->d, x + j * g->d);
    for (size_t j = 0; j < m; j++) mean[j] = 0, variance[j] = g->level + g->signal;
    for (size_t i = 0; i < g->n; i++)
        for (size_t j = 0; j < m; j++) mean[j] += g->alpha[i] * k[i * m + j];
    solve_many(k, g, m);
    for (size_t i = 0; i < g->n; i++)
        for (size_t j = 0; j < m; j++) variance[j] -= k[i * m + j] * k[i * m + j];
    for (size_t j = 0; j < m; j++) variance[j] = fmax(variance[j], 1e-12);
    aml_arena_release(scratch, mark);
    return AML_OK;
}
