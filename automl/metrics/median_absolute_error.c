/* median_absolute_error.c: the error that half of the rows do not exceed. */
#include "automl/core/arena.h"
#include "automl/core/sort.h"
#include "automl/metrics/parts.h"

/* The first error at which the cumulated weight reaches half of the total; where it is that half,
 * the mean of it and the next error with weight. 2^-52 is scikit-learn's tolerance of "is". */
static double weighted_median(const double *error, const double *w, const uint32_t *order,
                              size_t n) {
    double total = 0, below = 0;
    if (isnan(error[order[n - 1]])) return NAN;
    for (size_t i = 0; i < n; i++) total += aml_weight(w, order[i]);
    for (size_t i = 0; i < n; i++) {
        below += aml_weight(w, order[i]);
        if (!(below >= 0.5 * total)) continue;
        size_t next = i + 1;
        while (next < n && !(aml_weight(w, order[next]) > 0)) next++;
        if (below - 0.5 * total > 0x1p-52 || next == n) return error[order[i]];
        return 0.5 * error[order[i]] + 0.5 * error[order[next]];
    }
    return error[order[n - 1]];
}

static aml_status median_absolute_error(double *out, const double *y, const double *w,
                                        const double *pred, size_t n, int k) {
    double total;
    (void)k;
    AML_TRY(aml_weight_total(&total, w, n));
    double *error = aml_malloc(n * sizeof *error);
    uint32_t *order = aml_malloc(n * sizeof *order);
    aml_status status = error && order ? AML_OK : AML_ENOMEM;
    for (size_t i = 0; !status && i < n; i++) error[i] = fabs(y[i] - pred[i]);
    if (!status) status = aml_argsort(order, error, n);
    if (!status) status = aml_metric_result(out, weighted_median(error, w, order, n));
    aml_free(error);
    aml_free(order);
    return status;
}

const aml_metric aml_metric_median_absolute_error = {
    .abi = AML_ABI,
    .name = "median_absolute_error",
    .summary = "median of the absolute errors",
    .tasks = AML_REGRESSION,
    .best = 0,
    .worst = INFINITY,
    .score = median_absolute_error,
};
