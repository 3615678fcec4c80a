/* adjust.h: what is done to the predictions of the members' mean: calibration, and the threshold between two classes. */
#ifndef AML_ENGINE_ADJUST_H
#define AML_ENGINE_ADJUST_H

#include "automl/engine/choice.h"

/* What came of it, on rows that had no say in it. */
typedef struct aml_adjusted {
    double loss_before, loss_after; /* log loss; both 0 when there is no calibration */
    double score, at_half;          /* the metric by the threshold that was chosen, and by 0.5 */
} aml_adjusted;

/* Calibrates where that lowers the log loss of rows that had no say in it by more than chance and takes nothing of the
 * metric, and chooses the threshold that the options ask for. Sets the model's calibrator and threshold; c->pred becomes what
 * is then predicted for rows by adjustments that they had no say in (for metrics that see classes, 0 and 1), and
 * c->score and c->error with it. Memory in ctx->keep. */
aml_status aml_adjust(aml_adjusted *out, aml_choice *c, aml_study *s, const aml_parts *p);

/* Adds what was done to the model to the guardrails. */
aml_status aml_adjust_tell(aml_study *s, const aml_adjusted *a);

#endif
