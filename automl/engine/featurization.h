/* featurization.h: what the user wants of the featurization: steps that may not be used, kinds of columns, parameters
 * of steps. NULL stands for "auto" everywhere. */
#ifndef AML_ENGINE_FEATURIZATION_H
#define AML_ENGINE_FEATURIZATION_H

#include "automl/core/ctx.h"
#include "automl/core/json_keys.h"
#include "automl/core/step.h"

/* "auto", "off" or an object, as part of a larger document, in whose memory it is: it need not be freed. And its schemas,
 * one for each form. */
aml_status aml_featurization_take(aml_featurization **out, const aml_json *x,
                                  const aml_key_place *at);
void aml_featurization_schema(aml_string *out);

bool aml_featurization_is_off(const aml_featurization *f);
bool aml_featurization_is_all(const aml_featurization *f);
bool aml_featurization_allows(const aml_featurization *f, const char *step);
/* Puts the user's parameters of a step into hp. */
void aml_featurization_set(const aml_featurization *f, const aml_step *step, double *hp);

/* Which columns of the frame the user does not want, or cannot be used without the steps he blocked: drop[j] = true for
 * a column to be left out. asked[j] = true for one whose kind he told. AML_EDATA for a column that is not there. */
aml_status aml_featurization_drops(bool *drop, bool *asked, const aml_featurization *f,
                                   const aml_frame *data);

/* data with columns of the kinds asked for; *made (or NULL) owns those that had to be made anew. The columns of `out` are
 * in ctx->keep. AML_EDATA when a column cannot be of a kind. */
aml_status aml_featurization_kinds(aml_frame *out, aml_frame **made, const aml_featurization *f,
                                   const aml_frame *data, aml_ctx *ctx);

/* What it says as compact JSON, the same for equal ones; "auto" when NULL. */
void aml_featurization_put(aml_string *out, const aml_featurization *f);

#endif
