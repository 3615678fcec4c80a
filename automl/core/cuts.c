/* cuts.c: cutting the values of a number into bins. */
#include "automl/core/cuts.h"

#include <stdbool.h>

size_t aml_cut_values(aml_cut_value *out, const float *sorted, size_t n) {
    size_t n_values = 0;
    for (size_t i = 0; i < n; i++) {
        if (!i || sorted[i] != sorted[i - 1]) out[n_values++] = (aml_cut_value){sorted[i], 0};
        out[n_values - 1].count++;
    }
    return n_values;
}

/* Between neighbours a < b of the data: a value c with a ≤ c < b. */
static float middle(float a, float b) {
    float c = (float)(((double)a + (double)b) / 2);
    return c >= a && c < b ? c : a;
}

size_t aml_cut_quantiles(float *cut, const aml_cut_value *v, size_t n, size_t max_bins) {
    size_t n_cuts = 0, in_bin = 0, left = 0, bins_left = max_bins, first = 0;
    for (size_t i = 0; i < n; i++) left += v[i].count;
    for (size_t i = 0; i + 1 < n && bins_left > 1; i++) {
        in_bin += v[i].count;
        double mean = (double)left / (double)bins_left;
        bool next_is_large = (double)v[i + 1].count >= mean && (double)in_bin >= 0.5 * mean;
        double width = (double)v[i].value - (double)v[first].value;
        double gap = (double)v[i + 1].value - (double)v[i].value;
        bool at_a_gap = width > 0 && gap > 20 * width && (double)in_bin >= 0.25 * mean;
        if (!((double)in_bin >= mean || next_is_large || at_a_gap || n - 1 - i < bins_left))
            continue;
        cut[n_cuts++] = middle(v[i].value, v[i + 1].value);
        first = i + 1;
        left -= in_bin;
        in_bin = 0;
        bins_left--;
    }
    return n_cuts;
}
