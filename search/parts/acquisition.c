/* acquisition.c: what a normal belief about a loss is worth. */
#include "search/parts/acquisition.h"

#include <math.h>

static const double inverse_sqrt_2pi = 0.39894228040143267794;
static const double inverse_sqrt_2 = 0.70710678118654752440;

/* phi(z) + z Phi(z): the expected improvement in units of sd. */
static double unit_improvement(double z) {
    double h = inverse_sqrt_2pi * exp(-0.5 * z * z) + 0.5 * z * erfc(-z * inverse_sqrt_2);
    return h > 0 ? h : 0;
}

double aml_expected_improvement(double mean, double sd, double best) {
    return sd * unit_improvement((best - mean) / sd);
}

double aml_log_expected_improvement(double mean, double sd, double best) {
    double z = (best - mean) / sd;
    if (z > -25) return log(sd) + log(unit_improvement(z));
    double q = 1 / (z * z); /* phi(z) / z² (1 - 3/z² + 15/z⁴ - …) */
    return log(sd) - 0.5 * z * z + log(inverse_sqrt_2pi * q * (1 - 3 * q + 15 * q * q));
}

static const double table_end = 6, knots_a_unit = 64;

void aml_improvement_table_init(aml_improvement_table *t) {
    for (int k = 0; k < AML_IMPROVEMENT_KNOTS; k++) {
        double z = k / knots_a_unit - table_end;
        t->value[k] = unit_improvement(z);
        t->slope[k] = 0.5 * erfc(-z * inverse_sqrt_2) / knots_a_unit;
    }
}

double aml_improvement_at(const aml_improvement_table *t, double z) {
    if (z <= -table_end) return 0;
    if (z >= table_end) return z;
    double at = (z + table_end) * knots_a_unit;
    int k = (int)at;
    double u = at - k, rise = t->value[k + 1] - t->value[k];
    double c = 3 * rise - 2 * t->slope[k] - t->slope[k + 1],
           d = t->slope[k] + t->slope[k + 1] - 2 * rise;
    return t->value[k] + u * (t->slope[k] + u * (c + u * d));
}
