/* quantile.h: quantiles of a column on some rows. */
#ifndef AML_FEATURIZE_QUANTILE_H
#define AML_FEATURIZE_QUANTILE_H

#include <stdint.h>

#include "automl/core/status.h"

enum { AML_QUANTILE_ROWS = 100000 }; /* more rows are sampled: quantiles to 0.3 % of a rank */

/* The values of x that are not missing on rows[0 … n-1], sorted upwards; of more than `max` rows,
 * `max` evenly spaced ones count. `out` has room for min(n, max). AML_ENOMEM. */
aml_status aml_sorted_sample(float *out, size_t *count, const float *x, const uint32_t *rows,
                             size_t n, size_t max);

/* Quantile p in [0, 1] of n ≥ 1 sorted values, linear between neighbours (Hyndman and Fan's type
 * 7). */
double aml_sorted_quantile(const float *sorted, size_t n, double p);

#endif
