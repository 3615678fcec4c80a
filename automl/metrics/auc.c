/* auc.c: area under the ROC curve: the chance that a positive row ranks above a negative one. */
#include "automl/metrics/parts.h"

static aml_status not_defined(void) {
    return aml_help(AML_EDATA, "it compares rows of a class with rows of the others",
                    "use another metric, such as log_loss, or more rows of the rare class");
}

/* Weighted Mann-Whitney statistic; ties count half. */
static aml_status area(double *out, const double *y, const double *w, const double *p,
                       const uint32_t *order, size_t n) {
    aml_sum below = {0}, positive = {0}, won = {0};
    for (size_t i = 0, end; i < n; i = end) {
        aml_sum up = {0}, down = {0};
        for (end = i; end < n && p[order[end]] == p[order[i]]; end++)
            aml_sum_add(y[order[end]] == 1 ? &up : &down, aml_weight(w, order[end]));
        aml_sum_add(&won,
                    aml_sum_value(&up) * (aml_sum_value(&below) + 0.5 * aml_sum_value(&down)));
        aml_sum_add(&below, aml_sum_value(&down));
        aml_sum_add(&positive, aml_sum_value(&up));
    }
    double a = aml_sum_value(&positive), b = aml_sum_value(&below);
    if (a > 0 && b > 0) {
        *out = aml_clip(aml_sum_value(&won) / a / b);
        return AML_OK;
    }
    aml_fail(AML_EDATA, "AUC is not defined: all rows are of one class");
    return not_defined();
}

static aml_status auc(double *out, const double *y, const double *w, const double *pred, size_t n,
                      int k) {
    return aml_one_against_rest(out, area, y, w, pred, n, k);
}

/* Not defined as soon as one class has no weight, as it is not for two. */
static aml_status auc_weighted(double *out, const double *y, const double *w, const double *pred,
                               size_t n, int k) {
    for (int c = 0; k > 2 && c < k; c++) {
        bool found = false;
        for (size_t i = 0; !found && i < n; i++) found = y[i] == c && aml_weight(w, i) > 0;
        if (found) continue;
        aml_fail(AML_EDATA, "AUC is not defined: class %d of %d has no row", c + 1, k);
        return not_defined();
    }
    return auc(out, y, w, pred, n, k);
}

const aml_metric aml_metric_auc = {
    .abi = AML_ABI,
    .name = "auc",
    .summary = "area under the ROC curve",
    .tasks = AML_BINARY,
    .higher_is_better = true,
    .best = 1,
    .worst = 0,
    .score = auc,
};

const aml_metric aml_metric_auc_weighted = {
    .abi = AML_ABI,
    .name = "auc_weighted",
    .summary = "area under the ROC curve; multiclass: each class against the rest, by its weight",
    .tasks = AML_CLASSIFICATION,
    .higher_is_better = true,
    .best = 1,
    .worst = 0,
    .score = auc_weighted,
};
