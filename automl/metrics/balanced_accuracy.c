/* balanced_accuracy.c: mean recall of the classes, as it is and against chance. */
#include "automl/core/arena.h"
#include "automl/metrics/parts.h"

/* Classes without weight in y are left out. */
static aml_status balanced_accuracy(double *out, const double *y, const double *w,
                                    const double *pred, size_t n, int k) {
    double total;
    aml_class_count *count;
    aml_sum recall = {0};
    size_t n_classes = 0;
    AML_TRY(aml_count_classes(&count, &total, y, w, pred, n, k));
    for (int c = 0; c < k; c++) {
        if (!(count[c].truth > 0)) continue;
        aml_sum_add(&recall, count[c].hit / count[c].truth);
        n_classes++;
    }
    aml_free(count);
    return aml_metric_result(out, aml_sum_value(&recall) / (double)n_classes);
}

static aml_status norm_macro_recall(double *out, const double *y, const double *w,
                                    const double *pred, size_t n, int k) {
    double recall, chance = 1.0 / k;
    AML_TRY(balanced_accuracy(&recall, y, w, pred, n, k));
    return aml_metric_result(out, (recall - chance) / (1 - chance));
}

const aml_metric aml_metric_balanced_accuracy = {
    .abi = AML_ABI,
    .name = "balanced_accuracy",
    .summary = "mean recall of the classes",
    .tasks = AML_CLASSIFICATION,
    .higher_is_better = true,
    .best = 1,
    .worst = 0,
    .hard = true,
    .score = balanced_accuracy,
};

const aml_metric aml_metric_norm_macro_recall = {
    .abi = AML_ABI,
    .name = "norm_macro_recall",
    .summary = "mean recall of the classes, scaled so that chance is 0",
    .tasks = AML_CLASSIFICATION,
    .higher_is_better = true,
    .best = 1,
    .worst = -1,
    .hard = true,
    .score = norm_macro_recall,
};
