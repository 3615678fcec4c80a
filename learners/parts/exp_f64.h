/* exp_f64.h: exp and log(1 + x) in double that the compiler can vectorise, the same bits on every path. */
#ifndef AML_LEARNERS_PARTS_EXP_F64_H
#define AML_LEARNERS_PARTS_EXP_F64_H

#include <stdint.h>
#include <string.h>

/* By Horner's rule, the highest power's coefficient first; unrolled, since n is a constant. */
static inline __attribute__((always_inline)) double aml_series(double x, const double *c, int n) {
    double y = c[0];
    for (int i = 1; i < n; i++) y = y * x + c[i];
    return y;
}

/* Relative error below 4e-16; x is clamped to [-708, 709]. NaN gives a finite value. The range is
 * reduced by a two-part ln 2, the rest is Taylor's series, whose first term left out is 2e-16. */
static inline double aml_exp_f64(double x) {
    const double shift = 0x1.8p52; /* adding it leaves the nearest integer in the lowest bits */
    x = x > -708.0 ? x : -708.0;
    x = x < 709.0 ? x : 709.0;
    double t = x * 0x1.71547652b82fep0 + shift, k = t - shift;
    double r = (x - k * 0x1.62e42fee00000p-1) - k * 0x1.a39ef35793c76p-33;
    static const double inverse_factorials[] = {
        1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
        1.0 / 720,       1.0 / 120,      1.0 / 24,      1.0 / 6,      0.5};
    double y = aml_series(r, inverse_factorials, 11);
    y = y * (r * r) + r + 1.0;
    uint64_t bits;
    double scale;
    memcpy(&bits, &t, sizeof bits);
    bits = (bits + 1023) << 52;
    memcpy(&scale, &bits, sizeof scale);
    return y * scale;
}

/* log(1 + x) for 0 ≤ x ≤ 1, relative error below 1e-15: 2 atanh(s) with |s| ≤ 0.1716, by its series. */
static inline double aml_log1p_unit(double x) {
    const double root = 1.4142135623730951;
    double less = x > 0.41421356 ? 1 - root : 0.0, add = x > 0.41421356 ? 0.34657359027997264 : 0.0;
    double s = (x + less) / (2 + x - less), q = s * s;
    static const double inverse_odds[] = {1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13,
                                          1.0 / 11, 1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3};
    double y = aml_series(q, inverse_odds, 10);
    return 2 * s * (1 + q * y) + add;
}

#endif
