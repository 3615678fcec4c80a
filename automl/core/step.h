/* step.h: the contract of a featurization step, and the table that flows through steps. One constant struct in one
 * file, one line in featurize/steps.def. */
#ifndef AML_CORE_STEP_H
#define AML_CORE_STEP_H

#include "automl/core/bytes.h"
#include "automl/core/data.h"
#include "automl/core/lower.h"
#include "automl/core/param.h"

/* One column between steps. Values are borrowed: columns that a step does not touch are shared.
 *
 * Names follow one rule, so that they say where a feature comes from: a column that only changes its values keeps its
 * name; a number or flag made of column A is "A.what" ("date.month", "city.target", "age.missing"); the indicator of a
 * level is "A=level"; of two columns "A*B" "A/B" "A+B" "A-B" (arithmetic), "A&B" (a category for each pair of levels),
 * "A.ratio(B)" "A.difference(B)" "A.rank(B)" (number A within the rows of a level of B); "A~12" is hashed
 * bucket 12 of A, "A~word12" and "A~char12" a hashed term of text A; "pca1", "svd1", "cluster1" are made of all number (sparse) columns. */
typedef struct aml_feature {
    const char
        *name; /* documented rule: source column, then what was done: "date.month", "city=Rome" */
    aml_kind kind;       /* NUMBER, CATEGORY, TEXT, DATETIME */
    const float *x;      /* NUMBER; NaN = missing */
    const int32_t *code; /* CATEGORY; -1 = missing, -2 = unseen */
    uint32_t n_levels;
    const char *const *levels; /* may be NULL after folding */
    const double *time;        /* DATETIME; NaN = missing */
    const char *bytes;         /* TEXT */
    const uint64_t *offset;
    char list;           /* TEXT of lists, in training: what separates their items; else 0 */
    uint32_t source;     /* number of the input column it comes from (UINT32_MAX = several) */
    uint32_t parents[2]; /* of several: 1 + the numbers of two input columns; 0 = more, not told */
} aml_feature;

/* A run of sparse columns that one step made of one input column. Column i of it is named prefix + names[i], or
 * prefix + i when names is NULL. */
typedef struct aml_block {
    const char *prefix; /* "city=", "note~" */
    const char *const *names;
    uint32_t source, n_columns;
} aml_block;

typedef struct aml_table {
    size_t n, p;
    const aml_feature *features;
    const aml_csr *csr; /* sparse numbers beside the columns, or NULL */
    size_t n_blocks;    /* what the sparse columns are, in order; 0 = not told */
    const aml_block *blocks;
} aml_table;

enum {
    AML_STEP_TARGET = 1, /* sees the target: is fitted inside each fold, on training rows only */
    AML_STEP_KEEPS_ORDER = 2, /* of a number column that it consumes it makes numbers that never
                               * fall as that grows */
    AML_STEP_SELECTS = 4      /* the target only chooses which columns there are, no value knows it:
                          * fitted inside each fold too, but without cross-fitting */
};

typedef struct aml_step {
    int abi; /* AML_ABI */
    const char *name, *summary;
    unsigned
        kinds; /* kinds of columns that it consumes; others pass through untouched and in order */
    unsigned flags;
    const aml_param *params;

    /* Learns from rows[0 … n_rows-1] of x only. y, w (by row of x; w may be NULL) are for TARGET and SELECTS steps.
     * State in ctx->keep. */
    aml_status (*fit)(void **state, const aml_table *x, const aml_data *target, const double *hp,
                      aml_ctx *ctx);

    /* out: a table over the same rows; new columns and the column list in ctx->keep. Works on tables with the same
     * columns as the one it was fitted on (n may be 0). */
    aml_status (*apply)(aml_table *out, const void *state, const aml_table *x, aml_ctx *ctx);

    void (*save)(const void *state, aml_writer *w);
    aml_status (*load)(void **state, aml_reader *r, aml_ctx *ctx);

    /* Optional, for encoders that see the target: as apply, but the rows it was fitted on get values that do not
     * know their own target (cross-fitted). Called right after fit with the same x and target. */
    aml_status (*fit_apply)(aml_table *out, void **state, const aml_table *x,
                            const aml_data *target, const double *hp, aml_ctx *ctx);

    /* Optional: says by operations of the form (lower.h) what apply does to a row, column by column in the same order:
     * the same bits. The state must outlive the form. NULL = the step cannot be exported. */
    aml_status (*lower)(aml_ir_table *out, const void *state, const aml_ir_table *x, aml_ir *ir);
} aml_step;

/* In fit and fit_apply, target->rows / n are the training rows, target->y and w are indexed by row of the table,
 * target->x is NULL. */

#endif
