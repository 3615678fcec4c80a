/* sort.h: stable sorting, the same everywhere: ties keep their order. */
#ifndef AML_CORE_SORT_H
#define AML_CORE_SORT_H

#include "automl/core/status.h"

#include <stdint.h>

/* order[0 … n-1] = the permutation that sorts `key` upwards, NaN last, ties by index.
 * Allocates 32n bytes of heap for the time of the call; AML_ENOMEM. */
aml_status aml_argsort(uint32_t *order, const double *key, size_t n);
aml_status aml_argsort_f32(uint32_t *order, const float *key, size_t n);

/* Sorts values upwards in place, NaN last; radix sort, AML_ENOMEM. */
aml_status aml_sort_f32(float *v, size_t n);
aml_status aml_sort_f64(double *v, size_t n);

/* Stable merge sort of n items of `size` bytes; compare returns <0, 0, >0. */
aml_status aml_sort(void *items, size_t n, size_t size,
                    int (*compare)(const void *a, const void *b, void *arg), void *arg);

#endif
