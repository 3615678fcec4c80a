/* neighbours_bound.c: the distance that a score stands for. */
#include "learners/parts/neighbours_bound.h"

#include <math.h>

/* With e more than all relative roundings: d ≤ |x|² + |q|² - 2 x·q within e (|x|² + |q|²), and |x|² ≤ 2 |q|² + 2 d. */
float aml_bound_distance(float score, float half, double square, size_t p) {
    double e = 24 * ((double)p + 8) * 0x1p-24;
    if (e > 0.1) return INFINITY;
    double d = (2 * ((double)half - (double)score) + 4 * e * square) / (1 - 4 * e);
    return (float)(fmax(d, 0) * (1 + 0x1p-20) + 1e-36);
}
