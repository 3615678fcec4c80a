/* metafeatures.h: numbers that describe a dataset, to find past ones like it. */
#ifndef AML_SEARCH_METAFEATURES_H
#define AML_SEARCH_METAFEATURES_H

#include "automl/core/ctx.h"
#include "automl/core/frame.h"
#include "automl/core/task.h"

enum { AML_METAFEATURES = 36 };
extern const char *const aml_metafeature_names[AML_METAFEATURES];

/* out[AML_METAFEATURES], always finite. use[p] tells which columns are features (NULL = all); the
 * task's rows are the frame's. At most 2,000 rows (drawn by ctx->rng) and 256 columns are looked
 * at. AML_ENOMEM. */
aml_status aml_metafeatures(double *out, const aml_frame *f, const uint8_t *use,
                            const aml_task *task, aml_ctx *ctx);

#endif
