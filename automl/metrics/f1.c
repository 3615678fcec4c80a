/* f1.c: precision, recall and their harmonic mean, from the counts of each class. */
#include "automl/core/arena.h"
#include "automl/metrics/parts.h"

static double ratio(double a, double b) { return b > 0 ? a / b : 0; }

static double precision_of(const aml_class_count *c) { return ratio(c->hit, c->guess); }
static double recall_of(const aml_class_count *c) { return ratio(c->hit, c->truth); }
static double f1_of(const aml_class_count *c) { return ratio(2 * c->hit, c->truth + c->guess); }

/* Binary: of class 1. Multiclass: averaged by the weights of the classes. */
static aml_status weighted(double *out, double (*of)(const aml_class_count *), const double *y,
                           const double *w, const double *pred, size_t n, int k) {
    double total;
    aml_class_count *count;
    aml_sum sum = {0};
    AML_TRY(aml_count_classes(&count, &total, y, w, pred, n, k));
    for (int c = 0; c < k; c++) aml_sum_add(&sum, count[c].truth * of(&count[c]));
    double x = k <= 2 ? of(&count[1]) : aml_sum_value(&sum) / total;
    aml_free(count);
    return aml_metric_result(out, x);
}

static aml_status precision(double *out, const double *y, const double *w, const double *pred,
                            size_t n, int k) {
    return weighted(out, precision_of, y, w, pred, n, k);
}

static aml_status recall(double *out, const double *y, const double *w, const double *pred,
                         size_t n, int k) {
    return weighted(out, recall_of, y, w, pred, n, k);
}

static aml_status f1(double *out, const double *y, const double *w, const double *pred, size_t n,
                     int k) {
    return weighted(out, f1_of, y, w, pred, n, k);
}

/* Over the classes that occur in y or among the predicted ones. */
static aml_status f1_macro(double *out, const double *y, const double *w, const double *pred,
                           size_t n, int k) {
    double total;
    aml_class_count *count;
    aml_sum sum = {0};
    size_t n_seen = 0;
    AML_TRY(aml_count_classes(&count, &total, y, w, pred, n, k));
    for (int c = 0; c < k; c++) {
        if (!count[c].seen) continue;
        aml_sum_add(&sum, f1_of(&count[c]));
        n_seen++;
    }
    aml_free(count);
    return aml_metric_result(out, aml_sum_value(&sum) / (double)n_seen);
}

const aml_metric aml_metric_precision = {
    .abi = AML_ABI,
    .name = "precision",
    .summary =
        "share of what is predicted positive that is; multiclass: weighted mean over classes",
    .tasks = AML_CLASSIFICATION,
    .higher_is_better = true,
    .best = 1,
    .worst = 0,
    .hard = true,
    .lopsided = true,
    .score = precision,
};

const aml_metric aml_metric_recall = {
    .abi = AML_ABI,
    .name = "recall",
    .summary = "share of what is positive that is found; multiclass: weighted mean over classes",
    .tasks = AML_CLASSIFICATION,
    .higher_is_better = true,
    .best = 1,
    .worst = 0,
    .hard = true,
    .lopsided = true,
    .score = recall,
};

const aml_metric aml_metric_f1 = {
    .abi = AML_ABI,
    .name = "f1",
    .summary = "harmonic mean of precision and recall; multiclass: weighted mean over classes",
    .tasks = AML_CLASSIFICATION,
    .higher_is_better = true,
    .best = 1,
    .worst = 0,
    .hard = true,
    .score = f1,
};

const aml_metric aml_metric_f1_macro = {
    .abi = AML_ABI,
    .name = "f1_macro",
    .summary = "harmonic mean of precision and recall, plain mean over classes",
    .tasks = AML_CLASSIFICATION,
    .higher_is_better = true,
    .best = 1,
    .worst = 0,
    .hard = true,
    .score = f1_macro,
};
