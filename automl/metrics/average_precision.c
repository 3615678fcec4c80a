/* average_precision.c: precision averaged over the steps of recall, without interpolation. */
#include "automl/metrics/parts.h"

/* From the top: each distinct threshold adds its precision times the positives it adds. */
static aml_status mean_precision(double *out, const double *y, const double *w, const double *p,
                                 const uint32_t *order, size_t n) {
    aml_sum found = {0}, taken = {0}, sum = {0};
    for (size_t i = n, end; i > 0; i = end) {
        aml_sum step = {0};
        for (end = i; end > 0 && p[order[end - 1]] == p[order[i - 1]]; end--) {
            double weight = aml_weight(w, order[end - 1]);
            aml_sum_add(&taken, weight);
            if (y[order[end - 1]] == 1) aml_sum_add(&step, weight);
        }
        double gain = aml_sum_value(&step), all = aml_sum_value(&taken);
        aml_sum_add(&found, gain);
        if (all > 0) aml_sum_add(&sum, gain * (aml_sum_value(&found) / all));
    }
    double positive = aml_sum_value(&found);
    if (!(positive > 0)) {
        aml_fail(AML_EDATA, "average precision is not defined: no row is positive");
        return aml_help(AML_EDATA, NULL,
                        "use another metric, such as log_loss, or more positive rows");
    }
    *out = aml_clip(aml_sum_value(&sum) / positive);
    return AML_OK;
}

static aml_status average_precision(double *out, const double *y, const double *w,
                                    const double *pred, size_t n, int k) {
    return aml_one_against_rest(out, mean_precision, y, w, pred, n, k);
}

const aml_metric aml_metric_average_precision = {
    .abi = AML_ABI,
    .name = "average_precision",
    .summary = "mean precision over the steps of recall; multiclass: each class against the rest",
    .tasks = AML_CLASSIFICATION,
    .higher_is_better = true,
    .best = 1,
    .worst = 0,
    .score = average_precision,
};
