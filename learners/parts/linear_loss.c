/* linear_loss.c: the losses of linear models: value, slope and curvature. */
#include "learners/parts/linear.h"

#include <math.h>

double aml_loss_squared(double *z, double *h, const double *y, const double *w, size_t n,
                        size_t k) {
    double sum = 0;
    (void)k;
    for (size_t i = 0; i < n; i++) {
        double r = z[i] - y[i];
        sum += 0.5 * w[i] * r * r;
        z[i] = w[i] * r;
        if (h) h[i] = w[i];
    }
    return sum;
}

/* log(1 + e) for 0 ≤ e ≤ 1; log alone would lose small e, and log1p takes three times as long. */
static double log_one_plus(double e) { return e < 1e-4 ? e * (1 - e * (0.5 - e / 3)) : log(1 + e); }

double aml_loss_logistic(double *z, double *h, const double *y, const double *w, size_t n,
                         size_t k) {
    double sum = 0;
    (void)k;
    for (size_t i = 0; i < n; i++) {
        double e = exp(-fabs(z[i])), p = z[i] >= 0 ? 1 / (1 + e) : e / (1 + e);
        double over = z[i] > 0 ? z[i] : 0;
        sum += w[i] * (over - y[i] * z[i] + log_one_plus(e));
        z[i] = w[i] * (p - y[i]);
        if (h) h[i] = w[i] * e / ((1 + e) * (1 + e));
    }
    return sum;
}

double aml_loss_softmax(double *z, double *h, const double *y, const double *w, size_t n,
                        size_t k) {
    double sum = 0;
    for (size_t i = 0; i < n; i++, z += k) {
        size_t label = (size_t)y[i];
        double largest = z[0], total = 0, own = z[label];
        for (size_t c = 1; c < k; c++) largest = z[c] > largest ? z[c] : largest;
        for (size_t c = 0; c < k; c++) total += z[c] = exp(z[c] - largest);
        sum += w[i] * (log(total) + largest - own);
        double scale = 1 / total;
        for (size_t c = 0; c < k; c++) {
            double p = z[c] * scale;
            if (h) h[i * k + c] = w[i] * p * (1 - p);
            z[c] = w[i] * p;
        }
        z[label] -= w[i];
    }
    return sum;
}

double aml_loss_squared_hinge(double *z, double *h, const double *y, const double *w, size_t n,
                              size_t k) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < k; c++) {
            size_t at = i * k + c;
            double t = (size_t)y[i] == (k == 1 ? 1 : c) ? 1 : -1, gap = 1 - t * z[at];
            if (!(gap > 0)) gap = 0;
            sum += w[i] * gap * gap;
            z[at] = -2 * w[i] * t * gap;
            if (h) h[at] = gap > 0 ? 2 * w[i] : 0;
        }
    }
    return sum;
}
