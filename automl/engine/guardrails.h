/* guardrails.h: what was found in the data and what was done about it, as records. */
#ifndef AML_ENGINE_GUARDRAILS_H
#define AML_ENGINE_GUARDRAILS_H

#include "automl/core/frame.h"

enum { AML_GUARDRAIL_COLUMNS = 1000 }; /* names that one keeps */

typedef struct aml_guardrail_list {
    size_t n, room;
    aml_guardrail *at;
} aml_guardrail_list;

/* Adds one; texts are copied into keep. status: "Passed", "Done", "Alerted". */
aml_status aml_guardrail_add(aml_guardrail_list *list, aml_arena *keep, const char *id,
                             const char *status, size_t count, const char *action,
                             const char *format, ...) __attribute__((format(printf, 7, 8)));

/* Names the columns that the last one is about: numbers in a frame, or a list of names ended by NULL (or NULL). */
aml_status aml_guardrail_columns(aml_guardrail_list *list, aml_arena *keep, const aml_frame *f,
                                 const uint32_t *columns, size_t n);
aml_status aml_guardrail_names(aml_guardrail_list *list, aml_arena *keep, const char *const *names);

#endif
