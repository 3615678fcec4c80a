/* cuts.h: where the values of a number are cut into bins. */
#ifndef AML_CORE_CUTS_H
#define AML_CORE_CUTS_H

#include <stddef.h>
#include <stdint.h>

/* A value, and how often it occurs. */
typedef struct aml_cut_value {
    float value;
    uint32_t count;
} aml_cut_value;

/* The distinct ones of n sorted values. Returns how many. */
size_t aml_cut_values(aml_cut_value *out, const float *sorted, size_t n);

/* Cuts of n values upwards into bins of about equal numbers of rows: a bin has the values above the last cut and up to
 * its own. A value that is as frequent as a whole bin gets one of its own, and a bin ends early at a wide gap, so that
 * a far cluster of values is not lumped with the next. Returns the number of cuts, at most max_bins - 1. */
size_t aml_cut_quantiles(float *cut, const aml_cut_value *v, size_t n, size_t max_bins);

#endif
