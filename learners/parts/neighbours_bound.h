/* neighbours_bound.h: how far the k-th nearest row can be, before any distance is measured. Of many sets of rows the
 * largest score x·q - |x|²/2 of each is kept; the k-th largest of them is reached by k rows at least. With many sets
 * for each k this is hardly more than the distance of the k-th nearest of the rows that were looked at. */
#ifndef AML_LEARNERS_PARTS_NEIGHBOURS_BOUND_H
#define AML_LEARNERS_PARTS_NEIGHBOURS_BOUND_H

#include <stddef.h>

enum { AML_BOUND_SETS = 4 }; /* for each of k, at least */

/* Rows are dealt out in pairs of panels: pair i goes to 32 sets, those of i modulo this. */
static inline size_t aml_bound_rounds(size_t k) { return (AML_BOUND_SETS * k + 31) / 32; }

/* The largest squared distance, as rows are measured, of a row of p features with that score from a query with
 * `half` (see neighbours_kernels.h) and |q|² = square. */
float aml_bound_distance(float score, float half, double square, size_t p);

#endif
