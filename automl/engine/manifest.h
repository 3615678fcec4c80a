/* manifest.h: what the files of the manifest share. */
#ifndef AML_ENGINE_MANIFEST_H
#define AML_ENGINE_MANIFEST_H

#include "automl/core/json.h"
#include "automl/engine/model.h"

/* A manifest that lacks a part is a damaged model: AML_EDATA. */
aml_status aml_manifest_lacks(const char *file, const char *what);

/* A whole number of 0 or more; 0 when there is none. */
size_t aml_manifest_count(const aml_json *o, const char *name);

/* All that predicting needs: the scoring library reads nothing else. */
aml_status aml_manifest_read_predicting(aml_model *m, const aml_json *root, const char *file);

void aml_put_numbers(aml_string *s, const char *key, const double *x, size_t n);

/* Calibration and threshold, as members of the object that is being written, and back. */
void aml_put_adjustments(aml_string *s, const aml_model *m);
aml_status aml_read_adjustments(aml_model *m, const aml_json *root, const char *file);

aml_status aml_read_score(aml_model *m, const aml_json *o, const char *file);

#endif
