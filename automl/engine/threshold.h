/* threshold.h: the probability of the second of two classes from which it is predicted, chosen by a metric. */
#ifndef AML_ENGINE_THRESHOLD_H
#define AML_ENGINE_THRESHOLD_H

#include "automl/core/arena.h"
#include "automl/core/metric.h"

/* Rows with their probabilities of class 1; w may be NULL. */
typedef struct aml_labelled {
    size_t n;
    const double *y, *w, *p;
} aml_labelled;

/* Can the metric be won by a threshold: it looks at classes only, and not in favour of one of them? */
bool aml_threshold_serves(const aml_metric *metric, aml_task_kind task);

/* The middle of the best neighbourhood among a hundred thresholds, closer to each other where they call the rarer class;
 * 0.5 when no metric is defined for any. Looks at 20,000 rows at most. AML_ENOMEM. */
aml_status aml_threshold_best(double *out, const aml_metric *metric, const aml_labelled *rows,
                              aml_arena *scratch);

/* The metric with the threshold that is best for these very rows: to compare pipelines by, not to be believed. */
aml_status aml_threshold_score(double *score, const aml_metric *metric, const aml_labelled *rows,
                               aml_arena *scratch);

/* The predicted class for metrics that look at classes only: 0 or 1 beside the threshold, in place. */
void aml_harden(double *p, size_t n, double threshold);

#endif
