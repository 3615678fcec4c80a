/* text_decimal.c: Eisel and Lemire's conversion; names follow the paper's algorithm 1. */
#include "automl/core/text_decimal.h"

#include <math.h>
#include <string.h>

__extension__ typedef unsigned __int128 u128;

const double aml_exact_powers[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* w * 5^q, its upper 128 bits; the second word of the power only where it can matter. */
static u128 product(uint64_t w, const uint64_t power[2]) {
    u128 z = (u128)w * power[0];
    const uint64_t spare = ~(uint64_t)0 >> 55; /* bits below the 55 that rounding looks at */
    if (((uint64_t)(z >> 64) & spare) == spare) z += (u128)w * power[1] >> 64;
    return z;
}

static double assemble(uint64_t mantissa, int64_t exponent) {
    uint64_t bits = mantissa | (uint64_t)exponent << 52;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Half a unit up; an even neighbour is reached by the bit that `m` still has below its last. */
static double subnormal(uint64_t m, int64_t exponent) {
    if (exponent <= -63) return 0;
    m >>= 1 - exponent;
    m = (m + (m & 1)) >> 1;
    return assemble(m, 0); /* 2^52 is the smallest normal one: its bit is the exponent 1 */
}

bool aml_decimal_round(double *out, uint64_t w, int64_t q) {
    if (w == 0 || q < AML_FIRST_POWER) return *out = 0, true;
    if (q > AML_LAST_POWER) return *out = INFINITY, true;
    int lead = __builtin_clzll(w);
    u128 z = product(w << lead, aml_powers_of_five[q - AML_FIRST_POWER]);
    uint64_t high = (uint64_t)(z >> 64), low = (uint64_t)z;
    if (low == ~(uint64_t)0 && (q < -27 || q > 55)) return false;
    int upper = (int)(high >> 63);
    uint64_t m = high >> (upper + 9); /* 54 bits: one to round by */
    /* 217706 / 2^16 is log2(10): the exponent of 10^q. */
    int64_t exponent = ((217706 * q) >> 16) + 63 + upper - lead + 1023;
    if (exponent <= 0) return *out = subnormal(m, exponent), true;
    bool halfway = low <= 1 && q >= -4 && q <= 23 && (m & 3) == 1 && m << (upper + 9) == high;
    if (halfway) m &= ~(uint64_t)1;
    m = (m + (m & 1)) >> 1;
    if (m >> 53) m >>= 1, exponent++;
    if (exponent >= 0x7FF) return *out = INFINITY, true;
    *out = assemble(m & (((uint64_t)1 << 52) - 1), exponent);
    return true;
}
