/* level_codes.h: codes for a category of more levels than there are codes. The most frequent levels have a code each, up
 * to three quarters of the codes. The others share the rest in the order of their mean target, so that a cut along the
 * codes parts high from low; there a learning row's code comes from the targets of other rows only (Micci-Barreca 2001,
 * cross-fitted): by its own it would know the answer, and an identifier would look like the best feature. */
#ifndef AML_LEARNERS_PARTS_LEVEL_CODES_H
#define AML_LEARNERS_PARTS_LEVEL_CODES_H

#include "automl/core/data.h"

/* level_code[n_levels] = 1 … most for rows that were not learnt from; column[x->n] = code of each row of the design, 0 =
 * missing or unseen. Means are over data->rows, shrunk by `smooth` rows (multiclass: shares of the most frequent class).
 * Equal numbers of rows have each shared code, about. AML_ENOMEM. */
aml_status aml_level_codes(uint8_t *level_code, uint8_t *column, const aml_data *data,
                           size_t feature, double smooth, size_t most, aml_ctx *ctx);

#endif
