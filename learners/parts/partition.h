/* partition.h: dividing the rows of a leaf between its children; both sides keep their order. */
#ifndef AML_LEARNERS_PARTS_PARTITION_H
#define AML_LEARNERS_PARTS_PARTITION_H

#include "learners/parts/boost_bins.h"

/* Codes of one feature that go left: bit c of 256. */
typedef struct aml_code_set {
    uint32_t word[8];
} aml_code_set;

typedef struct aml_partition_job {
    uint32_t *position; /* n, divided in place */
    bool fresh;         /* they are 0 … n-1 and not yet written */
    size_t n;
    const uint8_t *column; /* codes by design row, readable 16 bytes beyond the last; or NULL: */
    const aml_boost_bins *sparse;
    size_t feature;       /* a sparse one of these */
    const uint32_t *rows; /* position to design row; NULL: the same */
    aml_code_set left;
    uint32_t *spare; /* room for n */
} aml_partition_job;

/* Returns the size of the left side. Large leaves are divided in fixed blocks on n_threads threads. */
size_t aml_partition(const aml_partition_job *job, int n_threads);

#endif
