/* quantile.c: sorted samples. */
#include "featurize/parts/quantile.h"

#include "automl/core/sort.h"

aml_status aml_sorted_sample(float *out, size_t *count, const float *x, const uint32_t *rows,
                             size_t n, size_t max) {
    size_t take = n < max ? n : max, m = 0;
    for (size_t i = 0; i < take; i++) {
        float v = x[rows[take == n ? i : i * n / take]];
        if (v == v) out[m++] = v;
    }
    *count = m;
    return aml_sort_f32(out, m);
}

double aml_sorted_quantile(const float *sorted, size_t n, double p) {
    double at = p * (double)(n - 1);
    size_t i = (size_t)at;
    if (i + 1 >= n) return sorted[n - 1];
    double share = at - (double)i;
    return (double)sorted[i] * (1 - share) + (double)sorted[i + 1] * share;
}
