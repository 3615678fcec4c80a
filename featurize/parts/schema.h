/* schema.h: what a fitted step remembers of the columns it was fitted on. */
#ifndef AML_FEATURIZE_SCHEMA_H
#define AML_FEATURIZE_SCHEMA_H

#include "automl/core/step.h"

typedef struct aml_schema {
    size_t p;
    const uint8_t *kind;      /* p kinds */
    const uint32_t *n_levels; /* p numbers of levels, 0 unless CATEGORY */
} aml_schema;

aml_status aml_schema_of(aml_schema *out, const aml_table *x, aml_arena *keep);

/* AML_EDATA unless x has the same number of columns, of the same kinds and numbers of levels: all
 * that makes it safe to index a fitted step's arrays. */
aml_status aml_schema_check(const aml_schema *s, const aml_table *x);

void aml_schema_save(const aml_schema *s, aml_writer *w);
aml_status aml_schema_load(aml_schema *out, aml_reader *r, aml_arena *keep);

#endif
