/* linear_loss.c: the losses of linear models: value, slope and curvature. */
#include "learners/parts/linear.h"

#include "learners/parts/exp_f64.h"
#include "learners/parts/simd.h"

#include <math.h>

#define LARGEST_LOG_MEAN 300.0 /* of a count: its exponential and its square are finite */

double aml_loss_squared(double *z, double *h, const double *y, const double *w, size_t n, size_t k,
                        const double *shape) {
    double sum = 0;
    (void)k, (void)shape;
    for (size_t i = 0; i < n; i++) {
        double r = z[i] - y[i];
        sum += 0.5 * w[i] * r * r;
        z[i] = w[i] * r;
        if (h) h[i] = w[i];
    }
    return sum;
}

/* In pieces: the sum goes in the order of the rows, all else is for the vector unit. */
enum { PIECE = 64 };

AML_KERNEL void logistic_piece(double *restrict value, double *restrict z, double *restrict h,
                               const double *restrict y, const double *restrict w, size_t n) {
    for (size_t i = 0; i < n; i++) {
        double size = fabs(z[i]), e = aml_exp_f64(-size), scale = 1 / (1 + e);
        double p = z[i] >= 0 ? scale : e * scale, over = z[i] > 0 ? z[i] : 0;
        value[i] = w[i] * (over - y[i] * z[i] + aml_log1p_unit(e));
        h[i] = w[i] * (e * scale) * scale;
        z[i] = w[i] * (p - y[i]);
    }
}

AML_BEST(logistic_piece,
         (double *value, double *z, double *h, const double *y, const double *w, size_t n),
         (value, z, h, y, w, n))

double aml_loss_logistic(double *z, double *h, const double *y, const double *w, size_t n, size_t k,
                         const double *shape) {
    double sum = 0, value[PIECE], unused[PIECE];
    (void)k, (void)shape;
    for (size_t i = 0; i < n; i += PIECE) {
        size_t m = n - i < PIECE ? n - i : PIECE;
        logistic_piece_best(value, z + i, h ? h + i : unused, y + i, w + i, m);
        for (size_t j = 0; j < m; j++) sum += value[j];
    }
    return sum;
}

AML_KERNEL void exp_all(double *z, size_t n) {
    for (size_t i = 0; i < n; i++) z[i] = aml_exp_f64(z[i]);
}

AML_BEST(exp_all, (double *z, size_t n), (z, n))

double aml_loss_softmax(double *z, double *h, const double *y, const double *w, size_t n, size_t k,
                        const double *shape) {
    double sum = 0;
    (void)shape;
    for (size_t i = 0; i < n; i++) {
        double *row = z + i * k, largest = row[0];
        for (size_t c = 1; c < k; c++) largest = row[c] > largest ? row[c] : largest;
        for (size_t c = 0; c < k; c++) row[c] -= largest;
        sum -= w[i] * row[(size_t)y[i]];
    }
    exp_all_best(z, n * k);
    for (size_t i = 0; i < n; i++, z += k) {
        double total = 0;
        for (size_t c = 0; c < k; c++) total += z[c];
        sum += w[i] * log(total);
        double scale = 1 / total;
        for (size_t c = 0; c < k; c++) {
            double p = z[c] * scale;
            if (h) h[i * k + c] = w[i] * p * (1 - p);
            z[c] = w[i] * p;
        }
        z[(size_t)y[i]] -= w[i];
    }
    return sum;
}

double aml_loss_squared_hinge(double *z, double *h, const double *y, const double *w, size_t n,
                              size_t k, const double *shape) {
    double sum = 0;
    (void)shape;
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

double aml_loss_huber(double *z, double *h, const double *y, const double *w, size_t n, size_t k,
                      const double *shape) {
    double sum = 0, delta = shape[0];
    (void)k;
    for (size_t i = 0; i < n; i++) {
        double r = z[i] - y[i], size = fabs(r);
        bool inside = size <= delta;
        sum += w[i] * (inside ? 0.5 * r * r : delta * (size - 0.5 * delta));
        z[i] = w[i] * (inside ? r : copysign(delta, r));
        if (h) h[i] = inside ? w[i] : 0;
    }
    return sum;
}

double aml_loss_pinball(double *z, double *h, const double *y, const double *w, size_t n, size_t k,
                        const double *shape) {
    double sum = 0, quantile = shape[0], width = shape[1];
    (void)k;
    for (size_t i = 0; i < n; i++) {
        double r = y[i] - z[i], size = fabs(r);
        bool inside = size <= width;
        sum += w[i] *
               ((quantile - 0.5) * r + 0.5 * (inside ? 0.5 * r * r / width + 0.5 * width : size));
        z[i] = -w[i] * (quantile - 0.5 + 0.5 * (inside ? r / width : copysign(1, r)));
        if (h) h[i] = inside ? 0.5 * w[i] / width : 0;
    }
    return sum;
}

double aml_loss_poisson(double *z, double *h, const double *y, const double *w, size_t n, size_t k,
                        const double *shape) {
    double sum = 0;
    (void)k, (void)shape;
    for (size_t i = 0; i < n; i++) {
        double at = fmin(z[i], LARGEST_LOG_MEAN), mean = aml_exp_f64(at), over = z[i] - at;
        sum += w[i] * (mean * (1 + over) - y[i] * z[i]); /* linear beyond the largest */
        z[i] = w[i] * (mean - y[i]);
        if (h) h[i] = w[i] * mean;
    }
    return sum;
}
