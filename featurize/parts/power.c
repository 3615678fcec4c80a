/* power.c: Yeo-Johnson by way of u = sign(x) log(1 + |x|), which is all that a change of lambda
 * does not touch. */
#include "featurize/parts/power.h"

#include <math.h>

static double of_log(double u, double lambda) {
    double power = u >= 0 ? lambda : 2 - lambda, v = fabs(u);
    double y = fabs(power) < 1e-8 ? v : expm1(power * v) / power;
    return u >= 0 ? y : -y;
}

double aml_power(double x, double lambda) { return of_log(copysign(log1p(fabs(x)), x), lambda); }

/* Log-likelihood a value; -inf where rounding has eaten the differences between the values. */
static double likelihood(const double *u, double *y, size_t n, double mean_u, double lambda) {
    double mean = 0, variance = 0;
    for (size_t i = 0; i < n; i++) {
        y[i] = of_log(u[i], lambda);
        mean += y[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) variance += (y[i] - mean) * (y[i] - mean) / (double)n;
    if (!(variance > 1e-20 * mean * mean) || !(variance > 0)) return -INFINITY;
    return (lambda - 1) * mean_u - 0.5 * log(variance);
}

double aml_power_fit(const float *x, size_t n, double *work) {
    enum { GRID = 12, STEPS = 24 };
    double *u = work, *y = work + n, mean_u = 0, best = 1, top = -INFINITY;
    const double width = 2.0 * AML_POWER_MAX / GRID, ratio = 0.6180339887498949;
    for (size_t i = 0; i < n; i++) {
        u[i] = copysign(log1p(fabs((double)x[i])), (double)x[i]);
        mean_u += u[i] / (double)n;
    }
    for (int g = 0; g <= GRID; g++) {
        double at = -AML_POWER_MAX + width * g, value = likelihood(u, y, n, mean_u, at);
        if (value > top) {
            top = value;
            best = at;
        }
    }
    if (!(top > -INFINITY)) return 1;
    double lo = fmax(best - width, -AML_POWER_MAX), hi = fmin(best + width, AML_POWER_MAX);
    double a = hi - ratio * (hi - lo), b = lo + ratio * (hi - lo);
    double fa = likelihood(u, y, n, mean_u, a), fb = likelihood(u, y, n, mean_u, b);
    for (int s = 0; s < STEPS; s++) {
        if (fa >= fb) {
            hi = b, b = a, fb = fa;
            a = hi - ratio * (hi - lo);
            fa = likelihood(u, y, n, mean_u, a);
        } else {
            lo = a, a = b, fa = fb;
            b = lo + ratio * (hi - lo);
            fb = likelihood(u, y, n, mean_u, b);
        }
    }
    return 0.5 * (lo + hi);
}
