/* constraints.h: what predictions are held to by the user: columns that they rise or fall with, and columns that may
 * interact. */
#ifndef AML_ENGINE_CONSTRAINTS_H
#define AML_ENGINE_CONSTRAINTS_H

#include "automl/core/learner.h"
#include "automl/engine/profile.h"

/* By input column of the model. */
typedef struct aml_constraints {
    const int8_t *monotone; /* 1, -1 or 0; NULL = none */
    const uint64_t *groups; /* bit by bit, as in aml_data; NULL = all may interact */
    uint64_t together;      /* groups of a feature that is made of all text columns */
    unsigned needs;         /* AML_CAN_…: only learners that can keep them come into question */
} aml_constraints;

/* Reads the options against the data's columns and `view`, the columns in use. AML_EDATA for a name that is not there,
 * AML_EUSAGE for columns or tasks that cannot be held to it. Memory in ctx->keep. */
aml_status aml_constraints_make(aml_constraints *out, const aml_train_options *o,
                                const aml_frame *data, const aml_role *roles, const aml_frame *view,
                                aml_task_kind task, aml_ctx *ctx);

/* Says what is kept, and which of the learners asked for (NULL = all) are left out because they cannot. */
aml_status aml_constraints_report(aml_guardrail_list *list, const aml_constraints *c,
                                  const aml_train_options *o, const aml_frame *view,
                                  aml_task_kind task, aml_ctx *ctx);

/* What that means for the features of train->x, which know their source. Memory in `scratch`. */
aml_status aml_constraints_apply(aml_data *train, const aml_constraints *c, aml_arena *scratch);

#endif
