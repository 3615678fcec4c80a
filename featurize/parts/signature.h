/* signature.h: what a fitted step remembers of the columns it was fitted on. */
#ifndef AML_FEATURIZE_SIGNATURE_H
#define AML_FEATURIZE_SIGNATURE_H

#include "automl/core/step.h"

typedef struct aml_signature {
    size_t p;
    const uint8_t *kind;      /* p kinds */
    const uint32_t *n_levels; /* p numbers of levels, 0 unless CATEGORY */
} aml_signature;

aml_status aml_signature_of(aml_signature *out, const aml_table *x, aml_arena *keep);

/* AML_EDATA unless x has the same number of columns, of the same kinds and numbers of levels: all
 * that makes it safe to index a fitted step's arrays. */
aml_status aml_signature_check(const aml_signature *s, const aml_table *x);

void aml_signature_save(const aml_signature *s, aml_writer *w);
aml_status aml_signature_load(aml_signature *out, aml_reader *r, aml_arena *keep);

#endif
