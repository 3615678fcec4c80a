/* adjust.h: what is done to the predictions of the members' mean: calibration, and the threshold between two classes. */
#ifndef AML_ENGINE_ADJUST_H
#define AML_ENGINE_ADJUST_H

#include "automl/engine/choice.h"

/* Calibrates where that lowers the log loss of rows that had no say in it by more than chance and takes nothing of the
 * metric, and chooses the threshold that the options ask for. Sets the model's calibrator and threshold; c->pred becomes what
 * is then predicted for rows by adjustments that they had no say in (for metrics that see classes, 0 and 1), and
 * c->score and c->error with it. Memory in ctx->keep. */
aml_status aml_adjust(aml_choice *c, aml_study *s, const aml_parts *p);

/* The predicted class of each row for metrics that look at classes only: 0 or 1 beside the threshold, in place. */
void aml_harden(double *pred, size_t n, double threshold);

#endif
