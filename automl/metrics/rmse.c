/* rmse.c: metrics of squared errors: rmse, its share of the target's range, r2, and rmsle. */
#include "automl/metrics/parts.h"

static double square(double y, double p) { return (y - p) * (y - p); }

static double log_square(double y, double p) {
    double d = log1p(p) - log1p(y);
    return d * d;
}

static aml_status rmse(double *out, const double *y, const double *w, const double *pred, size_t n,
                       int k) {
    (void)k;
    AML_TRY(aml_mean_term(out, y, w, pred, n, square));
    *out = sqrt(*out);
    return AML_OK;
}

/* Of the rows with weight; w may be NULL for all. */
static void range(double *lo, double *hi, const double *y, const double *w, size_t n) {
    *lo = INFINITY;
    *hi = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        if (!(aml_weight(w, i) > 0)) continue;
        *lo = fmin(*lo, y[i]);
        *hi = fmax(*hi, y[i]);
    }
}

static aml_status normalized_rmse(double *out, const double *y, const double *w, const double *pred,
                                  size_t n, int k) {
    double error, lo, hi;
    range(&lo, &hi, y, NULL, n);
    if (!(hi > lo))
        return aml_fail(AML_EDATA, "the error has no range to be divided by: y is constant");
    AML_TRY(rmse(&error, y, w, pred, n, k));
    return aml_metric_result(out, error / (hi - lo));
}

/* A constant y has nothing to explain: 1 when it is met exactly, else 0. */
static aml_status r2(double *out, const double *y, const double *w, const double *pred, size_t n,
                     int k) {
    double total, lo, hi;
    aml_sum sum = {0}, left = {0}, all = {0};
    (void)k;
    if (n < 2) return aml_fail(AML_EDATA, "r2 needs at least 2 rows");
    AML_TRY(aml_weight_total(&total, w, n));
    range(&lo, &hi, y, w, n);
    for (size_t i = 0; i < n; i++) aml_sum_add(&sum, aml_weight(w, i) * (y[i] - lo));
    double mean = aml_sum_value(&sum) / total;
    for (size_t i = 0; i < n; i++) {
        aml_sum_add(&left, aml_weight(w, i) * square(y[i], pred[i]));
        aml_sum_add(&all, aml_weight(w, i) * square(y[i] - lo, mean));
    }
    double unexplained = aml_sum_value(&left), variance = aml_sum_value(&all);
    if (variance > 0) return aml_metric_result(out, 1 - unexplained / variance);
    return aml_metric_result(out, unexplained > 0 ? 0 : 1);
}

static aml_status rmsle(double *out, const double *y, const double *w, const double *pred, size_t n,
                        int k) {
    (void)k;
    for (size_t i = 0; i < n; i++) {
        if (y[i] > -1 && pred[i] > -1) continue;
        aml_fail(AML_EDATA, "rmsle is not defined: a %s is -1 or below",
                 y[i] > -1 ? "prediction" : "target value");
        return aml_help(AML_EDATA, "it is taken from ln(1 + x)", "use rmse or mae");
    }
    AML_TRY(aml_mean_term(out, y, w, pred, n, log_square));
    *out = sqrt(*out);
    return AML_OK;
}

const aml_metric aml_metric_rmse = {
    .abi = AML_ABI,
    .name = "rmse",
    .summary = "root of the mean squared error",
    .tasks = AML_REGRESSION,
    .best = 0,
    .worst = INFINITY,
    .score = rmse,
};

const aml_metric aml_metric_normalized_root_mean_squared_error = {
    .abi = AML_ABI,
    .name = "normalized_root_mean_squared_error",
    .summary = "root of the mean squared error, divided by the range of the target",
    .tasks = AML_REGRESSION,
    .best = 0,
    .worst = INFINITY,
    .score = normalized_rmse,
};

const aml_metric aml_metric_r2 = {
    .abi = AML_ABI,
    .name = "r2",
    .summary = "share of the target's variance that is explained",
    .tasks = AML_REGRESSION,
    .higher_is_better = true,
    .best = 1,
    .worst = -INFINITY,
    .score = r2,
};

const aml_metric aml_metric_rmsle = {
    .abi = AML_ABI,
    .name = "rmsle",
    .summary = "root of the mean squared error of ln(1 + x); for values above -1",
    .tasks = AML_REGRESSION,
    .best = 0,
    .worst = INFINITY,
    .score = rmsle,
};
