/* accuracy.c: the share of rows whose class is right. */
#include "automl/metrics/parts.h"

static aml_status accuracy(double *out, const double *y, const double *w, const double *pred,
                           size_t n, int k) {
    double total;
    aml_sum hit = {0};
    AML_TRY(aml_weight_total(&total, w, n));
    for (size_t i = 0; i < n; i++)
        if (aml_hard_class(pred, i, k) == (size_t)y[i]) aml_sum_add(&hit, aml_weight(w, i));
    return aml_metric_result(out, aml_sum_value(&hit) / total);
}

const aml_metric aml_metric_accuracy = {
    .abi = AML_ABI,
    .name = "accuracy",
    .summary = "share of rows whose class is right",
    .tasks = AML_CLASSIFICATION,
    .higher_is_better = true,
    .best = 1,
    .worst = 0,
    .hard = true,
    .score = accuracy,
};
