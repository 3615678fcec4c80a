/* profile.h: what the columns are like, which of them become features, and the guardrails. */
#ifndef AML_ENGINE_PROFILE_H
#define AML_ENGINE_PROFILE_H

#include "automl/core/ctx.h"
#include "automl/core/task.h"
#include "automl/engine/guardrails.h"

typedef enum aml_role {
    AML_FEATURE,
    AML_ASKED, /* given: a feature even where it looks like an identifier; found: AML_FEATURE */
    AML_TARGET,
    AML_WEIGHT,
    AML_GROUP,
    AML_TIME,
    AML_DROPPED_BY_USER,
    AML_DROPPED
} aml_role;

typedef struct aml_column_facts {
    aml_role role;
    size_t missing,
        distinct; /* distinct values that are not missing (of a sample beyond 200,000 rows) */
    double min, mean, max; /* NUMBER, DATETIME; NAN else */
    double mode_share;     /* of the most frequent value among all rows */
    bool identifier;
    bool asked;          /* its role was given as AML_ASKED */
    const char *warning; /* "" or a sentence */
} aml_column_facts;

typedef struct aml_data_profile {
    size_t p;
    aml_column_facts *columns;
    aml_guardrail_list guardrails;
} aml_data_profile;

/* Facts of every column, roles given; decides which features are dropped and says so. Memory in ctx->keep. */
aml_status aml_profile_columns(aml_data_profile *out, const aml_frame *f, const aml_role *roles,
                               aml_ctx *ctx);
/* What concerns the target (leak.c): rows maps the task's rows to the frame's. */
aml_status aml_profile_target(aml_data_profile *p, const aml_frame *f, const aml_task *task,
                              const uint32_t *rows, aml_ctx *ctx);

/* "`a`, `b` and 3 more": for messages. */
char *aml_name_list(const aml_frame *f, const uint32_t *columns, size_t n, aml_arena *keep);

#endif
