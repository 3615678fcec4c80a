/* functions.h: functions to be minimised, with their spaces, for benches of samplers. Written from the definitions in
 * Hansen, Finck, Ros and Auger 2009, "Real-parameter black-box optimization benchmarking 2009: noiseless functions
 * definitions" (shifts and rotations are drawn here, so values are not those of the original instances), and a
 * few mixed and conditional ones of our own. The optimum of all of the first kind is 0.
 *
 * Built into bench_tuning and, as a shared library, read by peers.py, so that all optimisers see the same
 * functions. */
#ifndef BENCH_TUNING_FUNCTIONS_H
#define BENCH_TUNING_FUNCTIONS_H

#include <stddef.h>

/* Parameters are handed over as numbers: values of numbers, numbers of choices; NaN where not there. */
enum { MOST_INPUTS = 16 };

size_t tuning_functions(void);
const char *tuning_name(size_t f);
/* The space in the short form (automl.h); names are in the order of the inputs. */
const char *tuning_space(size_t f);
size_t tuning_inputs(size_t f);
/* Instance: other shifts, rotations and noise. */
double tuning_value(size_t f, unsigned instance, const double *x);

#endif
