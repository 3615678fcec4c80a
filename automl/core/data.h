/* data.h: what learners see: an immutable design shared by all trials, and row lists into it. */
#ifndef AML_CORE_DATA_H
#define AML_CORE_DATA_H

#include "automl/core/ctx.h"
#include "automl/core/task.h"

/* Sparse features, row by row: entries start[i] … start[i+1]-1, columns upwards in a row. */
typedef struct aml_csr {
    size_t n, p;
    const uint64_t *start;
    const uint32_t *column;
    const float *value;
} aml_csr;

/* Features in at most 255 bins: code 0 is missing, 1 … n_bins[j] the values upwards. A number x has the first
 * code c with x ≤ cut[j][c-1] (the last bin has no cut); a category level l has code level_code[j][l], the
 * codes of rare levels are shared. Rows, where they were asked for, lie padded to `stride` bytes (a multiple of 16). */
typedef struct aml_bins {
    size_t n, p, stride;
    const uint8_t *row;               /* n × stride, or NULL */
    const uint8_t *const *column;     /* p columns of n codes, and 16 bytes beyond */
    const uint16_t *n_bins;           /* codes in use without code 0; at most 255 */
    const float *const *cut;          /* number: n_bins[j]-1 upper limits; category: NULL */
    const uint8_t *const *level_code; /* category: one code a level; number: NULL */
    const bool *has_missing;          /* does any row have code 0 */
} aml_bins;

/* The same for sparse features, by entry. A feature has a slot for each of its codes upwards but the one of the number 0,
 * code 0 only where has_missing: slots first[j] … first[j+1]-1. An entry of the code of 0 has slot first[p]. */
typedef struct aml_sparse_bins {
    const uint32_t *slot;    /* one an entry of the csr */
    const uint32_t *first;   /* p + 1 */
    const uint8_t *zero;     /* code of the number 0 */
    const uint16_t *n_bins;  /* as of aml_bins */
    const float *const *cut; /* likewise */
    const bool *has_missing; /* likewise */
} aml_sparse_bins;

/* The code of a slot of feature j. */
static inline unsigned aml_sparse_code(const aml_sparse_bins *b, size_t j, uint32_t slot) {
    unsigned code = slot - b->first[j] + !b->has_missing[j];
    return code + (code >= b->zero[j]);
}

/* n rows of p features after featurization, column by column, and what was built from it once for all. */
typedef struct aml_design {
    size_t n, p;
    const char *const *names; /* p engineered names */
    const uint32_t
        *source; /* p numbers of the input columns they come from (UINT32_MAX = several), or NULL */
    const uint32_t
        *n_levels; /* per feature: 0 = number, else a category with codes 0 … n_levels-1 */
    const float *const
        *column;          /* n values each; NaN = missing or unseen; categories hold their code */
    const aml_csr *csr;   /* further, sparse features (numbers), or NULL */
    const float *dense;   /* n × p row-major, NaN as 0, when prepared */
    const aml_bins *bins; /* when prepared */
    const aml_sparse_bins *sparse_bins; /* of csr, when bins are prepared */
    uint16_t max_bins;                  /* of a feature, 2 … 255; 0 = 255 */
    const uint32_t (*parents)[2];       /* p: 1 + input columns of features of several; or NULL */
} aml_design;

enum {
    AML_BUILD_DENSE = 1,
    AML_BUILD_BINS = 2,     /* columns of codes */
    AML_BUILD_BIN_ROWS = 8, /* and the same by row */
    AML_BUILD_ALL = 11
};

/* Builds what is asked for and not there yet, into `keep`. Numbers are cut at quantiles of a sample of the rows
 * (all distinct values when they are few), categories by frequency. AML_ENOMEM, AML_ESTOPPED. */
aml_status aml_design_prepare(aml_design *d, unsigned what, aml_ctx *ctx);
/* The dense form alone, which is all that predictions look at. */
aml_status aml_design_dense(aml_design *d, aml_ctx *ctx);

/* What hyperparameter ranges and cost depend on. */
typedef struct aml_shape {
    size_t n, p; /* rows, dense features */
    size_t nnz;  /* sparse entries */
    aml_task_kind task;
    int n_classes;
} aml_shape;

/* Rows of a design with their target. y and w are indexed by row of the design, like the columns. */
typedef struct aml_data {
    const aml_design *x;
    const uint32_t *rows; /* n row numbers of the design */
    size_t n;
    aml_task_kind task;
    int n_classes;
    const double *y;       /* NULL when predicting */
    const double *w;       /* NULL = all 1 */
    const uint32_t *valid; /* rows to stop early on, not to learn from */
    size_t n_valid;        /* 0 = none: the learner goes by its own schedule */
    /* n_valid × outputs, or NULL: where a learner that stops early by the valid rows leaves predictions of them in
     * whose making their own targets had no say. */
    double *held_out;
    /* per feature: 1 = predictions never fall as the number grows, -1 = never rise, 0 = free; NULL = all free.
     * For learners that can (AML_CAN_MONOTONE) */
    const int8_t *monotone;
    /* per feature: the groups it belongs to, bit by bit (64 at most). Only features of a common group interact: the
     * prediction is a sum of functions each of which sees one group; features of no group stay by themselves. NULL =
     * all may interact. For learners that can (AML_CAN_GROUPS) */
    const uint64_t *groups;
} aml_data;

#endif
