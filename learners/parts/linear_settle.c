/* linear_settle.c: Newton's method for the slopes of one row. */
#include "learners/parts/linear_settle.h"

#include <math.h>
#include <string.h>

#include "learners/parts/exp_f64.h"
#include "learners/parts/simd.h"

enum { MOST_TRIALS = 8 };
#define NEAR 0.02 /* of its way, that a margin may end from where it belongs */

double aml_settle_curvature(aml_linear_loss loss) {
    return loss == aml_loss_logistic        ? 0.25
           : loss == aml_loss_softmax       ? 0.5
           : loss == aml_loss_squared_hinge ? 2
                                            : 0;
}

/* ---- each output by itself */

/* Minus the slope of w times the loss at margin m, and its curvature; t: 1 or -1. */
static inline double slope_at(double *curvature, bool logistic, double w, double t, double m) {
    double along = t * m;
    if (!logistic) {
        *curvature = along < 1 ? 2 * w : 0;
        return along < 1 ? 2 * w * t * (1 - along) : 0;
    }
    double e = aml_exp_f64(-fabs(along)), share = 1 / (1 + e);
    *curvature = w * (e * share) * share;
    return w * t * (along >= 0 ? e * share : share);
}

/* The solution lies between z and where the slope at z would take it: bisection where Newton's step leaves that. The
 * logistic curvature changes by no more of it than the margin's step, a short one: after that there is no need to
 * look. */
static double settle_one(bool logistic, double w, double t, double length, double z,
                         double before) {
    double m = z, low = z, high = z;
    for (int trial = 0;; trial++) {
        double curvature, slope = slope_at(&curvature, logistic, w, t, m);
        double off = m - z - length * (slope - before), steep = length * curvature;
        if (!trial) low = fmin(z, z - off), high = fmax(z, z - off);
        else if (off < 0) low = m;
        else high = m;
        if (!(fabs(off) > NEAR * fabs(m - z)) || trial == MOST_TRIALS) return slope;
        double step = -off / (1 + steep);
        if (logistic && fabs(step) < 1 && fabs(step) * steep < NEAR)
            return slope - curvature * step;
        m += step;
        if (!(m > low && m < high)) m = 0.5 * (low + high);
    }
}

/* ---- softmax */

AML_KERNEL void shares(double *p, size_t k) {
    double largest = p[0], total = 0;
    for (size_t c = 1; c < k; c++) largest = p[c] > largest ? p[c] : largest;
    for (size_t c = 0; c < k; c++) p[c] = aml_exp_f64(p[c] - largest);
    for (size_t c = 0; c < k; c++) total += p[c];
    for (size_t c = 0; c < k; c++) p[c] /= total;
}

AML_BEST(shares, (double *p, size_t k), (p, k))

/* off = m - z - length (slope(m) - before), and p, the shares at m; returns the largest |off|. */
static double look(double *off, double *p, const double *m, const double *z, const double *before,
                   const aml_settling *row) {
    double most = 0;
    memcpy(p, m, row->width * sizeof *p);
    shares_best(p, row->width);
    for (size_t c = 0; c < row->width; c++) {
        double slope = row->w * ((c == row->target) - p[c]);
        off[c] = m[c] - z[c] - (row->length + row->reach[c]) * (slope - before[c]);
        most = fmax(most, fabs(off[c]));
    }
    return most;
}

/* step = -J^-1 off, J = I + w length (diag p - p p'), by the formula of Sherman and Morrison. */
static double newton(double *step, const double *off, const double *p, const aml_settling *row) {
    double above = 0, below = 1, most = 0;
    for (size_t c = 0; c < row->width; c++) {
        double u = row->w * (row->length + row->reach[c]) * p[c];
        above += p[c] * off[c] / (1 + u);
        below -= p[c] * u / (1 + u);
    }
    for (size_t c = 0; c < row->width; c++) {
        double u = row->w * (row->length + row->reach[c]) * p[c];
        step[c] = -(off[c] + u * above / below) / (1 + u);
        most = fmax(most, fabs(step[c]));
    }
    return most;
}

/* A step after which m is farther off is halved. Short ones need no second look. */
static void settle_softmax(double *slope, const double *z, const double *before,
                           const aml_settling *row, double *room) {
    size_t k = row->width;
    double *m = room, *off = m + k, *p = off + k, *step = p + k, way = 0, last = INFINITY;
    memcpy(m, z, k * sizeof *m);
    memset(step, 0, k * sizeof *step);
    for (int trial = 0;; trial++) {
        double most = look(off, p, m, z, before, row), shift = 0;
        bool worse = most > last;
        if (!(most > NEAR * way) || trial == MOST_TRIALS) break;
        if (!worse) {
            double longest = newton(step, off, p, row);
            last = most;
            if (longest < 0.5 && longest * row->w * row->length < NEAR) {
                for (size_t c = 0; c < k; c++) shift += p[c] * step[c];
                for (size_t c = 0; c < k; c++) p[c] += p[c] * (step[c] - shift);
                break;
            }
        }
        way = 0;
        for (size_t c = 0; c < k; c++) {
            if (worse) step[c] *= 0.5;
            m[c] += worse ? -step[c] : step[c];
            way = fmax(way, fabs(m[c] - z[c]));
        }
    }
    for (size_t c = 0; c < k; c++) slope[c] = row->w * ((c == row->target) - p[c]);
}

void aml_settle(double *slope, const double *z, const double *before, const aml_settling *row,
                double *room) {
    if (row->loss == aml_loss_softmax) {
        settle_softmax(slope, z, before, row, room);
        return;
    }
    bool logistic = row->loss == aml_loss_logistic;
    for (size_t c = 0; c < row->width; c++)
        slope[c] = settle_one(logistic, row->w, c == row->target ? 1 : -1,
                              row->length + row->reach[c], z[c], before[c]);
}
