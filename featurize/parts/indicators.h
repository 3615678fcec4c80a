/* indicators.h: sparse 0/1 columns of categories, by a table that says which level has which column. */
#ifndef AML_FEATURIZE_INDICATORS_H
#define AML_FEATURIZE_INDICATORS_H

#include "automl/core/step.h"

/* out: x without the columns j with place[j] != NULL, and n_new sparse columns behind those of x: a row of level l of
 * column j has 1 in column place[j][l]. UINT32_MAX = none; missing and unseen levels have none. Blocks (scratch) as in
 * step.h, for the new columns. */
aml_status aml_indicators_apply(aml_table *out, const aml_table *x, const uint32_t *const *place,
                                size_t n_new, const aml_block *blocks, size_t n_blocks,
                                aml_ctx *ctx);

#endif
