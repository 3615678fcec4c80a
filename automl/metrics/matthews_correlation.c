/* matthews_correlation.c: correlation of true and predicted classes (Gorodkin 2004, "Comparing two
 * K-category assignments by a K-category correlation coefficient"). */
#include "automl/core/arena.h"
#include "automl/metrics/parts.h"

/* Shares instead of counts: with s = 1, (c - sum t p) / sqrt((1 - sum p^2) (1 - sum t^2)). */
static aml_status matthews(double *out, const double *y, const double *w, const double *pred,
                           size_t n, int k) {
    double total;
    aml_class_count *count;
    aml_sum both = {0}, truths = {0}, guesses = {0};
    AML_TRY(aml_count_classes(&count, &total, y, w, pred, n, k));
    for (int c = 0; c < k; c++) {
        double t = count[c].truth / total, p = count[c].guess / total;
        aml_sum_add(&both, count[c].hit / total - t * p);
        aml_sum_add(&truths, t * (1 - t));
        aml_sum_add(&guesses, p * (1 - p));
    }
    aml_free(count);
    double below = aml_sum_value(&truths) * aml_sum_value(&guesses);
    return aml_metric_result(out, below > 0 ? aml_clip(aml_sum_value(&both) / sqrt(below)) : 0);
}

const aml_metric aml_metric_matthews_correlation = {
    .abi = AML_ABI,
    .name = "matthews_correlation",
    .summary = "correlation of true and predicted classes; 0 when either is constant",
    .tasks = AML_CLASSIFICATION,
    .higher_is_better = true,
    .best = 1,
    .worst = -1,
    .hard = true,
    .score = matthews,
};
