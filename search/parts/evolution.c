/* evolution.c: CMA-ES. */
#include "search/parts/evolution.h"

#include <math.h>
#include <string.h>

#include "automl/core/linalg.h"

static void set_weights(aml_evolution *e) {
    size_t n = e->lambda, mu = n / 2;
    double sum = 0, squares = 0, below = 0, below_squares = 0, d = (double)e->d;
    for (size_t i = 0; i < n; i++) {
        double w = e->weight[i] = log(0.5 * ((double)n + 1)) - log((double)i + 1);
        if (i < mu) sum += w, squares += w * w;
        else below += w, below_squares += w * w;
    }
    e->mu_eff = sum * sum / squares;
    double mu_below = below * below / below_squares;
    e->c_sigma = (e->mu_eff + 2) / (d + e->mu_eff + 5);
    e->d_sigma = 1 + 2 * fmax(0, sqrt((e->mu_eff - 1) / (d + 1)) - 1) + e->c_sigma;
    e->c_c = (4 + e->mu_eff / d) / (d + 4 + 2 * e->mu_eff / d);
    e->c_1 = 2 / ((d + 1.3) * (d + 1.3) + e->mu_eff);
    e->c_mu = fmin(1 - e->c_1,
                   2 * (0.25 + e->mu_eff + 1 / e->mu_eff - 2) / ((d + 2) * (d + 2) + e->mu_eff));
    e->chi = sqrt(d) * (1 - 1 / (4 * d) + 1 / (21 * d * d));
    double least = fmin(1 + e->c_1 / e->c_mu, 1 + 2 * mu_below / (e->mu_eff + 2));
    least = fmin(least, (1 - e->c_1 - e->c_mu) / (d * e->c_mu));
    for (size_t i = 0; i < n; i++) e->weight[i] *= i < mu ? 1 / sum : least / -below;
}

aml_status aml_evolution_new(aml_evolution *e, size_t d, size_t lambda, const double *mean,
                             double sigma, aml_arena *arena) {
    *e = (aml_evolution){.d = d, .lambda = lambda, .sigma = sigma, .arena = arena};
    e->mean = aml_copy(arena, mean, d * sizeof *mean);
    e->c = AML_ARRAY(arena, d * d, double);
    e->b = AML_ARRAY(arena, d * d, double);
    e->root = AML_ARRAY(arena, d, double);
    e->p_sigma = AML_ARRAY(arena, d, double);
    e->p_c = AML_ARRAY(arena, d, double);
    e->weight = AML_ARRAY(arena, lambda, double);
    e->recent = AML_ARRAY(arena, AML_EVOLUTION_MEMORY, double);
    if (!e->mean || !e->c || !e->b || !e->root || !e->p_sigma || !e->p_c || !e->weight ||
        !e->recent)
        return AML_ENOMEM;
    for (size_t i = 0; i < d; i++) e->c[i * d + i] = e->b[i * d + i] = e->root[i] = 1;
    set_weights(e);
    return AML_OK;
}

/* b diag(root)^power b' y */
static void transform(double *out, const aml_evolution *e, const double *y, int power,
                      double *work) {
    size_t d = e->d;
    for (size_t k = 0; k < d; k++) {
        work[k] = 0;
        for (size_t i = 0; i < d; i++) work[k] += e->b[i * d + k] * y[i];
        work[k] *= power < 0 ? 1 / e->root[k] : e->root[k];
    }
    for (size_t i = 0; i < d; i++) {
        out[i] = 0;
        for (size_t k = 0; k < d; k++) out[i] += e->b[i * d + k] * work[k];
    }
}

static double length(const double *x, size_t d) {
    double sum = 0;
    for (size_t i = 0; i < d; i++) sum += x[i] * x[i];
    return sqrt(sum);
}

static aml_status decompose(aml_evolution *e) {
    size_t d = e->d;
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < i; j++)
            e->c[j * d + i] = e->c[i * d + j] = 0.5 * (e->c[j * d + i] + e->c[i * d + j]);
    memcpy(e->b, e->c, d * d * sizeof *e->b);
    AML_TRY(aml_eigen(e->b, d, e->root));
    for (size_t k = 0; k < d; k++) {
        if (!(e->root[k] > 1e-20 * e->root[d - 1]) || !isfinite(e->root[k]))
            return aml_fail(AML_EINTERNAL, "the covariance matrix has degenerated");
        e->root[k] = sqrt(e->root[k]);
    }
    return AML_OK;
}

/* Steps y_i of the points in units of sigma, and their lengths in the strategy's own measure. */
static void find_steps(double *y, double *norm, const aml_evolution *e, const double *const *x,
                       double *work) {
    size_t d = e->d;
    double most = e->chi + 2 * sqrt(1 + 1 / (double)d) + 2; /* hardly ever beyond */
    for (size_t i = 0; i < e->lambda; i++) {
        double *row = y + i * d;
        for (size_t j = 0; j < d; j++) row[j] = (x[i][j] - e->mean[j]) / e->sigma;
        transform(work, e, row, -1, work + d);
        norm[i] = length(work, d);
        if (norm[i] <= most) continue;
        for (size_t j = 0; j < d; j++) row[j] *= most / norm[i];
        norm[i] = most;
    }
}

static void adapt(aml_evolution *e, const double *y, const double *norm, const double *mean_step,
                  double *work) {
    size_t d = e->d;
    transform(work, e, mean_step, -1, work + d);
    double keep = sqrt(e->c_sigma * (2 - e->c_sigma) * e->mu_eff), total = 0;
    for (size_t j = 0; j < d; j++)
        e->p_sigma[j] = (1 - e->c_sigma) * e->p_sigma[j] + keep * work[j];
    double path = length(e->p_sigma, d);
    double unbiased = path / sqrt(1 - pow(1 - e->c_sigma, 2 * ((double)e->generation + 1)));
    bool short_path = unbiased < (1.4 + 2 / ((double)d + 1)) * e->chi;
    for (size_t j = 0; j < d; j++) {
        e->p_c[j] *= 1 - e->c_c;
        if (short_path) e->p_c[j] += sqrt(e->c_c * (2 - e->c_c) * e->mu_eff) * mean_step[j];
    }
    for (size_t i = 0; i < e->lambda; i++) total += e->weight[i];
    double lost = short_path ? 0 : e->c_1 * e->c_c * (2 - e->c_c);
    double old = 1 + lost - e->c_1 - e->c_mu * total;
    for (size_t j = 0; j < d * d; j++) e->c[j] *= old;
    for (size_t j = 0; j < d; j++)
        for (size_t k = 0; k < d; k++) e->c[j * d + k] += e->c_1 * e->p_c[j] * e->p_c[k];
    for (size_t i = 0; i < e->lambda; i++) {
        const double *row = y + i * d;
        double w = e->c_mu * e->weight[i];
        if (w < 0) w *= (double)d / fmax(norm[i] * norm[i], 1e-12);
        for (size_t j = 0; j < d; j++)
            for (size_t k = 0; k < d; k++) e->c[j * d + k] += w * row[j] * row[k];
    }
    e->sigma *= exp(fmin(1, e->c_sigma / e->d_sigma * (path / e->chi - 1)));
}

aml_status aml_evolution_update(aml_evolution *e, const double *const *x, const double *loss) {
    size_t d = e->d, mu = e->lambda / 2;
    aml_mark mark = aml_arena_mark(e->arena);
    double *y = AML_ARRAY(e->arena, e->lambda * (d + 1) + 3 * d, double);
    if (!y) return AML_ENOMEM;
    double *norm = y + e->lambda * d, *step = norm + e->lambda, *work = step + d;
    find_steps(y, norm, e, x, work);
    for (size_t i = 0; i < mu; i++)
        for (size_t j = 0; j < d; j++) step[j] += e->weight[i] * y[i * d + j];
    for (size_t j = 0; j < d; j++) e->mean[j] = fmin(fmax(e->mean[j] + e->sigma * step[j], 0), 1);
    adapt(e, y, norm, step, work);
    e->recent[e->generation % AML_EVOLUTION_MEMORY] = loss[0];
    e->generation++;
    aml_arena_release(e->arena, mark);
    return isfinite(e->sigma) ? decompose(e)
                              : aml_fail(AML_EINTERNAL, "the step size has degenerated");
}

bool aml_evolution_is_done(const aml_evolution *e) {
    double widest = 0, lo = INFINITY, hi = -INFINITY;
    size_t span = 10 + (size_t)ceil(30 * (double)e->d / (double)e->lambda);
    for (size_t j = 0; j < e->d; j++) widest = fmax(widest, sqrt(e->c[j * e->d + j]));
    if (e->sigma * widest < 1e-5) return true;
    if (span > AML_EVOLUTION_MEMORY) span = AML_EVOLUTION_MEMORY;
    if (e->generation < span) return false;
    for (size_t k = 1; k <= span; k++) {
        double loss = e->recent[(e->generation - k) % AML_EVOLUTION_MEMORY];
        lo = fmin(lo, loss);
        hi = fmax(hi, loss);
    }
    return hi - lo <= 1e-12 * fmax(fabs(lo), 1e-300);
}

static bool draw_once(double *x, const aml_evolution *e, const double *least, double *z,
                      aml_rng *rng) {
    size_t d = e->d;
    bool inside = true;
    for (size_t k = 0; k < d; k++) z[k] = aml_rng_normal(rng) * e->root[k];
    for (size_t i = 0; i < d; i++) {
        double step = 0, sd = e->sigma * sqrt(e->c[i * d + i]);
        for (size_t k = 0; k < d; k++) step += e->b[i * d + k] * z[k];
        x[i] = e->mean[i] + e->sigma * step * (sd < least[i] ? least[i] / sd : 1);
        inside &= x[i] >= 0 && x[i] <= 1;
    }
    return inside;
}

void aml_evolution_draw(double *x, const aml_evolution *e, const double *least, aml_rng *rng) {
    enum { TRIES = 30, MOST = 128 };
    double room[MOST];
    double *z = e->d <= MOST ? room : aml_malloc(e->d * sizeof *z);
    for (int k = 0; k < TRIES; k++)
        if (z && draw_once(x, e, least, z, rng)) break;
    for (size_t i = 0; i < e->d; i++) x[i] = z ? fmin(fmax(x[i], 0), 1) : e->mean[i];
    if (z != room) aml_free(z);
}
