/* cells.h: a caller's cells as the table that a model's featurization begins with. */
#ifndef AML_SCORE_CELLS_H
#define AML_SCORE_CELLS_H

#include "automl/core/step.h"
#include "automl/score/model.h"

/* rows × p cells, row-major, in one of three forms: the others are NULL. */
typedef struct aml_cells {
    const aml_cell *cells;
    const double *numbers;
    const char *const *texts;
    size_t p;
    size_t first; /* number of the first row among the caller's, for messages */
} aml_cells;

/* A table of rows 0 … n - 1, as aml_table_from_frame makes it of a frame that conforms to the model. Memory in
 * ctx->keep; texts may stay the caller's. AML_EDATA names row and column. */
aml_status aml_cells_table(aml_table *out, const aml_cells *c, size_t n, const aml_schema *inputs,
                           aml_ctx *ctx);

#endif
