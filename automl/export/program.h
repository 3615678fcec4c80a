/* program.h: a whole model in the intermediate form, and the writers of it. */
#ifndef AML_EXPORT_PROGRAM_H
#define AML_EXPORT_PROGRAM_H

#include "automl/core/lower.h"
#include "automl/engine/model.h"

/* Operations from the model's inputs to its prediction. Borrows from the model; memory in the arena. */
typedef struct aml_program {
    aml_ir ir;
    const aml_model *model;
    uint32_t result; /* a vector: calibrated, of aml_model_outputs(model) */
} aml_program;

/* AML_EUSAGE when a part of the model cannot be lowered: all such parts are named. */
aml_status aml_program_make(aml_program *out, const aml_model *m, aml_arena *keep);

/* What a writer is told beside the program. */
typedef struct aml_export_names {
    const char *prefix; /* of identifiers */
    const char
        *beside; /* file name, without folders, of the second file; NULL = there is to be none */
} aml_export_names;

/* Writers append the file to `out`; `beside` is a second file for some of them (a header), or stays empty. */
typedef struct aml_export_format {
    const char *name;
    const char *suffix; /* of the second file, or NULL */
    aml_status (*write)(aml_string *out, aml_string *beside, const aml_program *p,
                        const aml_export_names *names, aml_arena *scratch);
} aml_export_format;

aml_status aml_export_json(aml_string *out, aml_string *beside, const aml_program *p,
                           const aml_export_names *names, aml_arena *scratch);
aml_status aml_export_c(aml_string *out, aml_string *beside, const aml_program *p,
                        const aml_export_names *names, aml_arena *scratch);

/* A name as an identifier of C and of other languages; NULL when memory is short. */
char *aml_export_identifier(const char *name, aml_arena *keep);

aml_status aml_export_onnx(aml_string *out, aml_string *beside, const aml_program *p,
                           const aml_export_names *names, aml_arena *scratch);

#endif
