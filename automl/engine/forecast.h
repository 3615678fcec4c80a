/* forecast.h: what a longer search would bring. */
#ifndef AML_ENGINE_FORECAST_H
#define AML_ENGINE_FORECAST_H

#include <stdbool.h>
#include <stddef.h>

/* By how much the lowest of n losses (in the order of the trials, NAN = none) is expected to fall while the search goes on for
 * as long again, and what it falls by less than in 9 of 10 cases. From what the last two doublings brought, drawn towards what
 * doublings usually bring; all as shares of the way from the baseline's loss. False below 8 trials, or when nothing is
 * better than the baseline. */
bool aml_forecast_gain(double *gain, double *high, const double *loss, size_t n, double baseline);

#endif
