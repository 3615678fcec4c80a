/* numeric.h: the number columns of a table as centred blocks of rows. */
#ifndef AML_FEATURIZE_NUMERIC_H
#define AML_FEATURIZE_NUMERIC_H

#include "featurize/parts/signature.h"

typedef struct aml_numeric {
    size_t m;         /* number columns */
    uint32_t *column; /* m places in the table, upwards */
    double *centre;   /* m means of the known values */
    double *factor;   /* m: 1, or reciprocal sd (0 for a constant column) */
} aml_numeric;

/* Means (and with `standardise` sds) on the rows, in ctx->keep. *variance, when not NULL, gets the
 * sum of the columns' variances after `factor`, missing values taken as the mean. */
aml_status aml_numeric_fit(aml_numeric *u, double *variance, const aml_table *x,
                           const uint32_t *rows, size_t n, bool standardise, aml_ctx *ctx);

/* block ((end - begin) × m, row-major) = (value - centre) · factor of rows[begin … end-1], or of the
 * rows begin … end-1 themselves when `rows` is NULL; missing gives 0. */
void aml_numeric_gather(double *block, const aml_numeric *u, const aml_table *x,
                        const uint32_t *rows, size_t begin, size_t end);

/* How many rows make a block of moderate size. */
size_t aml_numeric_block(const aml_numeric *u);

/* At most `max` of the rows, evenly spaced, in ctx->scratch; the rows themselves if no more. */
const uint32_t *aml_spaced_rows(size_t *n_out, const uint32_t *rows, size_t n, size_t max,
                                aml_ctx *ctx);

/* Begins an operation on these columns, with their means and factors. */
void aml_numeric_lower(aml_ir *ir, aml_op_kind kind, const aml_numeric *u, const aml_ir_table *x);

void aml_numeric_save(const aml_numeric *u, aml_writer *w);
/* The signature is the step's own, already loaded. */
aml_status aml_numeric_load(aml_numeric *u, const aml_signature *signature, aml_reader *r,
                            aml_arena *keep);

#endif
