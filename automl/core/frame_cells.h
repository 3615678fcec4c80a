/* frame_cells.h: a column of a frame from cells that something else holds as text. */
#ifndef AML_CORE_FRAME_CELLS_H
#define AML_CORE_FRAME_CELLS_H

#include "automl/core/csv.h"

/* The text of cell i, not NUL-ended; NULL or size 0 = missing. It need not outlive the next call. */
typedef const char *aml_cell_fn(void *arg, size_t i, size_t *size);

typedef struct aml_cells {
    const char *name;
    size_t n;
    aml_cell_fn *at;
    void *arg;
    aml_kind kind;                 /* 0 = as the CSV reader finds it */
    const aml_schema_column *want; /* of a model, for units and the order of dates; or NULL */
} aml_cells;

/* The cells are read once, in order, and nothing of them is kept. AML_EDATA: text that is not UTF-8, holds NUL or is longer than 16 MiB, or what
 * the CSV reader refuses in a column. */
aml_status aml_column_of_cells(aml_column *out, const aml_cells *cells, aml_memory *account,
                               aml_arena *keep);

#endif
