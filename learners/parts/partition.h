/* partition.h: dividing the rows of a leaf between its children; both sides keep their order. */
#ifndef AML_LEARNERS_PARTS_PARTITION_H
#define AML_LEARNERS_PARTS_PARTITION_H

#include "automl/core/data.h"

/* Positions by the codes of one feature: left[code] is 1 or 0. `spare` has room for 2n. Returns the size of the left
 * side. Large leaves are divided in fixed blocks on n_threads threads. */
size_t aml_partition(uint32_t *position, size_t n, const uint8_t *column, const uint32_t *rows,
                     const uint8_t left[256], uint32_t *spare, int n_threads);

/* Rows that lie gathered, `bytes` each (whole words), with their gradients and positions; `byte` is the place of the
 * code. The spares have room for n. */
typedef struct aml_row_block {
    uint8_t *row;
    uint64_t *gradient;
    uint32_t *position;
} aml_row_block;
size_t aml_partition_rows(aml_row_block rows, size_t n, size_t bytes, size_t byte,
                          const uint8_t left[256], aml_row_block spare);

#endif
