/* json_param.h: values of hyperparameters in JSON: {"learning_rate": 0.1, "boosting": "dart"}. */
#ifndef AML_CORE_JSON_PARAM_H
#define AML_CORE_JSON_PARAM_H

#include "automl/core/json_keys.h"
#include "automl/core/param.h"

/* The parameter that x is named after, as its number in `params`. AML_ECONFIG: `owner` ("the step") has no such one. */
aml_status aml_json_param_find(size_t *out, const aml_json *x, const aml_param *params,
                               const char *owner);
/* A number, a text or a flag as the parameter's value. AML_ECONFIG with the place, and the range or the nearest choice. */
aml_status aml_json_param(double *out, const aml_json *x, const aml_param *param,
                          const aml_key_place *at);

/* Schemas: of a value, and of an object that gives values to some of the parameters. */
void aml_param_schema(aml_string *out, const aml_param *param);
void aml_params_schema(aml_string *out, const aml_param *params);

#endif
