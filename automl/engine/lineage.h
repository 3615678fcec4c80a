/* lineage.h: where each engineered feature of a fitted pipeline comes from. */
#ifndef AML_ENGINE_LINEAGE_H
#define AML_ENGINE_LINEAGE_H

#include "automl/engine/model.h"

/* The features of a part as JSON: an array of objects name, kind, inputs, steps, columns, importance. */
aml_status aml_put_lineage(aml_string *s, const aml_model *m, size_t part);

#endif
