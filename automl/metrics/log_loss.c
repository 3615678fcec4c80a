/* log_loss.c: log_loss and brier: how far probabilities are from what happened. */
#include "automl/metrics/parts.h"

static const double least = 1e-15; /* probabilities are clipped to least … 1 - least */

static double surprise(double p) { return -log(p < least ? least : p > 1 - least ? 1 - least : p); }

static double binary_log_loss(double y, double p) { return surprise(y == 1 ? p : 1 - p); }
static double binary_brier(double y, double p) { return (p - y) * (p - y); }

/* The divisor that makes a row sum to 1; rows of zeros stay zero. */
static double row_sum(const double *p, int k) {
    double sum = 0;
    for (int c = 0; c < k; c++) sum += p[c];
    return sum > 0 ? sum : 1;
}

static double row_log_loss(const double *p, int truth, int k) {
    return surprise(p[truth] / row_sum(p, k));
}

static double row_brier(const double *p, int truth, int k) {
    double sum = row_sum(p, k);
    aml_sum squares = {0};
    for (int c = 0; c < k; c++) {
        double d = p[c] / sum - (c == truth);
        aml_sum_add(&squares, d * d);
    }
    return aml_sum_value(&squares);
}

static aml_status mean_row(double *out, const double *y, const double *w, const double *pred,
                           size_t n, int k, double (*row)(const double *p, int truth, int k)) {
    double total;
    aml_sum sum = {0};
    AML_TRY(aml_weight_total(&total, w, n));
    for (size_t i = 0; i < n; i++)
        aml_sum_add(&sum, aml_weight(w, i) * row(pred + i * (size_t)k, (int)y[i], k));
    return aml_metric_result(out, aml_sum_value(&sum) / total);
}

static aml_status log_loss(double *out, const double *y, const double *w, const double *pred,
                           size_t n, int k) {
    return k > 2 ? mean_row(out, y, w, pred, n, k, row_log_loss)
                 : aml_mean_term(out, y, w, pred, n, binary_log_loss);
}

static aml_status brier(double *out, const double *y, const double *w, const double *pred, size_t n,
                        int k) {
    return k > 2 ? mean_row(out, y, w, pred, n, k, row_brier)
                 : aml_mean_term(out, y, w, pred, n, binary_brier);
}

const aml_metric aml_metric_log_loss = {
    .abi = AML_ABI,
    .name = "log_loss",
    .summary = "mean of -ln of the probability of the true class",
    .tasks = AML_CLASSIFICATION,
    .best = 0,
    .worst = 34.538776394910684, /* -ln 1e-15 */
    .score = log_loss,
};

const aml_metric aml_metric_brier = {
    .abi = AML_ABI,
    .name = "brier",
    .summary = "mean squared error of the probabilities; multiclass: summed over the classes",
    .tasks = AML_CLASSIFICATION,
    .best = 0,
    .worst = 2,
    .score = brier,
};
