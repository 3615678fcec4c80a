/* cuts.c: cutting the values of a number into bins. */
#include "automl/core/cuts.h"

#include <stdbool.h>

/* Distinct values upwards, the zeros at their place. */
typedef struct cursor {
    const float *v;
    size_t n, at, zeros; /* zeros that are still to come */
} cursor;

/* How often the next value occurs; 0 = there is none. */
static size_t next(float *value, cursor *c) {
    size_t start = c->at, more = 0;
    bool zero = c->zeros && (start == c->n || c->v[start] >= 0);
    *value = zero ? 0 : start < c->n ? c->v[start] : 0;
    if (zero) {
        more = c->zeros;
        c->zeros = 0;
    }
    while (c->at < c->n && c->v[c->at] == *value) c->at++;
    return c->at - start + more;
}

static size_t count_distinct(cursor c) {
    size_t n = 0;
    float value;
    while (next(&value, &c)) n++;
    return n;
}

/* Between neighbours a < b of the data: a value c with a ≤ c < b. */
static float middle(float a, float b) {
    float c = (float)(((double)a + (double)b) / 2);
    return c >= a && c < b ? c : a;
}

size_t aml_cut_quantiles(float *cut, const float *sorted, size_t n, size_t zeros, size_t max_bins) {
    cursor c = {sorted, n, 0, zeros};
    size_t n_cuts = 0, in_bin = 0, left = n + zeros, bins_left = max_bins;
    size_t distinct = count_distinct(c), following;
    float value, first, after;
    size_t count = next(&value, &c);
    first = value;
    for (; (following = next(&after, &c)) && bins_left > 1; value = after, count = following) {
        in_bin += count;
        distinct--;
        double mean = (double)left / (double)bins_left;
        bool next_is_large = (double)following >= mean && (double)in_bin >= 0.5 * mean;
        double width = (double)value - (double)first, gap = (double)after - (double)value;
        bool at_a_gap = width > 0 && gap > 20 * width && (double)in_bin >= 0.25 * mean;
        if (!((double)in_bin >= mean || next_is_large || at_a_gap || distinct < bins_left))
            continue;
        cut[n_cuts++] = middle(value, after);
        first = after;
        left -= in_bin;
        in_bin = 0;
        bins_left--;
    }
    return n_cuts;
}
