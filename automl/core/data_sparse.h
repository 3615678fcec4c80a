/* data_sparse.h: bins of the sparse features of a design: part of aml_design_prepare. */
#ifndef AML_CORE_DATA_SPARSE_H
#define AML_CORE_DATA_SPARSE_H

#include "automl/core/data.h"

/* Cut as the same features would be if they were dense. AML_ENOMEM, AML_ESTOPPED. */
aml_status aml_sparse_bins_build(aml_design *d, size_t max_bins, size_t max_sample, aml_ctx *ctx);

#endif
