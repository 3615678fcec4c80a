/* mae.c: metrics of absolute errors: mae, mape, and the pinball losses of three quantiles. */
#include "automl/metrics/parts.h"

static double distance(double y, double p) { return fabs(y - p); }

static double relative(double y, double p) {
    double size = fabs(y);
    return fabs(y - p) / (size > 0x1p-52 ? size : 0x1p-52);
}

static double pinball(double y, double p, double alpha) {
    double d = y - p;
    return d >= 0 ? alpha * d : (alpha - 1) * d;
}

static double tilt_10(double y, double p) { return pinball(y, p, 0.1); }
static double tilt_50(double y, double p) { return pinball(y, p, 0.5); }
static double tilt_90(double y, double p) { return pinball(y, p, 0.9); }

#define MEAN_OF(name, term)                                                                   \
    static aml_status name(double *out, const double *y, const double *w, const double *pred, \
                           size_t n, int k) {                                                 \
        (void)k;                                                                              \
        return aml_mean_term(out, y, w, pred, n, term);                                       \
    }
MEAN_OF(mae, distance)
MEAN_OF(mape, relative)
MEAN_OF(pinball_10, tilt_10)
MEAN_OF(pinball_50, tilt_50)
MEAN_OF(pinball_90, tilt_90)

const aml_metric aml_metric_mae = {
    .abi = AML_ABI,
    .name = "mae",
    .summary = "mean absolute error",
    .tasks = AML_REGRESSION,
    .best = 0,
    .worst = INFINITY,
    .score = mae,
};

const aml_metric aml_metric_mape = {
    .abi = AML_ABI,
    .name = "mape",
    .summary = "mean absolute error as a fraction of the target; huge where the target is 0",
    .tasks = AML_REGRESSION,
    .best = 0,
    .worst = INFINITY,
    .score = mape,
};

const aml_metric aml_metric_pinball = {
    .abi = AML_ABI,
    .name = "pinball",
    .summary = "quantile loss of the median: half the mean absolute error",
    .tasks = AML_REGRESSION,
    .best = 0,
    .worst = INFINITY,
    .score = pinball_50,
};

const aml_metric aml_metric_pinball_0_1 = {
    .abi = AML_ABI,
    .name = "pinball_0.1",
    .summary = "quantile loss of the 10 % quantile",
    .tasks = AML_REGRESSION,
    .best = 0,
    .worst = INFINITY,
    .score = pinball_10,
};

const aml_metric aml_metric_pinball_0_9 = {
    .abi = AML_ABI,
    .name = "pinball_0.9",
    .summary = "quantile loss of the 90 % quantile",
    .tasks = AML_REGRESSION,
    .best = 0,
    .worst = INFINITY,
    .score = pinball_90,
};
