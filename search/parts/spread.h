/* spread.h: points of a low-discrepancy sequence in a space. */
#ifndef AML_SEARCH_SPREAD_H
#define AML_SEARCH_SPREAD_H

#include "automl/core/ctx.h"
#include "automl/core/history.h"

/* Point number told->n of the Sobol sequence, shifted at random (Cranley and Patterson 1976); a new and
 * allowed one if that can be had. AML_ENOMEM. */
aml_status aml_spread_new(double *config, const aml_space *space, const aml_told *told,
                          aml_ctx *ctx);

#endif
