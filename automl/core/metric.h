/* metric.h: the contract of a metric. One constant struct, one line in automl/metrics/metrics.def. */
#ifndef AML_CORE_METRIC_H
#define AML_CORE_METRIC_H

#include "automl/core/task.h"

typedef struct aml_metric {
    int abi; /* AML_ABI */
    const char *name, *summary;
    unsigned tasks;
    bool higher_is_better;
    double best, worst; /* worst may be ±INFINITY */
    bool hard;          /* looks at predicted classes only, not at probabilities */
    bool
        lopsided; /* best when one class is always, or hardly ever, predicted: no threshold is chosen by it */
    /* y: class numbers or values; w: weights or NULL (= 1); pred: n × outputs (see aml_task_outputs); k = n_classes
     * (0 for regression). Probabilities become classes by argmax, ties to the lowest; binary: p > 0.5. AML_EDATA when it is
     * not defined for these data (one class only, negative values for a logarithm), AML_ENOMEM. n ≥ 1. */
    aml_status (*score)(double *out, const double *y, const double *w, const double *pred, size_t n,
                        int k);
} aml_metric;

/* Lower is better: the score itself or its negative (best - score for metrics with a finite best). */
double aml_metric_loss(const aml_metric *m, double score);

#endif
