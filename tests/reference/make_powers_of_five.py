"""Writes automl/core/text_powers.c: 128 bits of 5^q, the table of the Eisel-Lemire conversion.

    python3 tests/reference/make_powers_of_five.py > automl/core/text_powers.c

5^q = c * 2^k with 2^127 <= c < 2^128; c is cut off for q >= 0 and rounded up for q < 0 (Lemire 2021, section 5).
"""

FIRST, LAST = -342, 308


def bits128(q):
    if q >= 0:
        c = 5**q
        shift = c.bit_length() - 128
        return c >> shift if shift > 0 else c << -shift
    d = 5**-q
    shift = d.bit_length() + 128  # 2^shift / d has 128 or 129 bits
    c = (1 << shift) // d + 1
    while c >= 1 << 128:
        c >>= 1
    return c


print("/* text_powers.c: 128 bits of 5^q; written by tests/reference/make_powers_of_five.py. */")
print('#include "automl/core/text_decimal.h"\n')
print("/* clang-format off */")
print("const uint64_t aml_powers_of_five[AML_LAST_POWER - AML_FIRST_POWER + 1][2] = {")
for q in range(FIRST, LAST + 1, 2):
    row = [bits128(k) for k in (q, q + 1) if k <= LAST]
    print("    " + " ".join("{0x%016x, 0x%016x}," % (c >> 64, c & (1 << 64) - 1) for c in row))
print("};\n/* clang-format on */")
