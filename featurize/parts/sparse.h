/* sparse.h: sparse features side by side. */
#ifndef AML_FEATURIZE_SPARSE_H
#define AML_FEATURIZE_SPARSE_H

#include "automl/core/step.h"

/* Where a step that adds sparse columns b to a (may be NULL) makes b: aml_csr_beside copies it if
 * there is an a, and shares it if not. */
aml_arena *aml_csr_arena(const aml_csr *a, aml_ctx *ctx);

/* *out = a and b side by side, columns of a first; in ctx->keep. Without columns in one of them it
 * is the other. Both have the same rows. */
aml_status aml_csr_beside(const aml_csr **out, const aml_csr *a, const aml_csr *b, aml_ctx *ctx);

/* As aml_csr_beside, for the sparse part of a table that a step makes of x: *out gets x's sparse columns and blocks,
 * and the new ones behind them. */
aml_status aml_sparse_add(aml_table *out, const aml_table *x, const aml_csr *fresh,
                          const aml_block *blocks, size_t n_blocks, aml_ctx *ctx);

/* start[i + 1] holds the entries of row i: turns them into starts. */
void aml_csr_starts(uint64_t *start, size_t n);

#endif
