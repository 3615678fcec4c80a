/* text_decimal.h: w * 10^q to the nearest double (ties to even), without big integers.
 *
 * D. Lemire, Number parsing at a gigabyte per second, Software: Practice and Experience 51 (2021), after an idea
 * of M. Eisel: w times 128 bits of 5^q gives enough bits for all but very few w. */
#ifndef AML_CORE_TEXT_DECIMAL_H
#define AML_CORE_TEXT_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

enum { AML_FIRST_POWER = -342, AML_LAST_POWER = 308 };
extern const uint64_t aml_powers_of_five[AML_LAST_POWER - AML_FIRST_POWER + 1][2];
extern const double aml_exact_powers[23]; /* 10^0 … 10^22, which a double holds */

/* False where the bits do not suffice (never seen, kept as a guard): *out is then unset. */
bool aml_decimal_round(double *out, uint64_t w, int64_t q);

/* The common case inline: both w and the power of ten are exact, so one rounding gives the nearest double. */
static inline bool aml_decimal_to_double(double *out, uint64_t w, int64_t q) {
    if (w <= (uint64_t)1 << 53 && q >= -22 && q <= 22) {
        *out = q < 0 ? (double)(int64_t)w / aml_exact_powers[-q]
                     : (double)(int64_t)w * aml_exact_powers[q];
        return true;
    }
    return aml_decimal_round(out, w, q);
}

#endif
