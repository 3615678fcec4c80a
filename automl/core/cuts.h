/* cuts.h: where the values of a number are cut into bins. */
#ifndef AML_CORE_CUTS_H
#define AML_CORE_CUTS_H

#include <stddef.h>

/* Cuts of n sorted values, and of as many zeros more as said, into bins of about equal numbers of rows: a bin has the
 * values above the last cut and up to its own. A value that is as frequent as a whole bin gets one of its own, and a
 * bin ends early at a wide gap, so that a far cluster of values is not lumped with the next. Returns the number of
 * cuts, at most max_bins - 1, upwards. */
size_t aml_cut_quantiles(float *cut, const float *sorted, size_t n, size_t zeros, size_t max_bins);

#endif
