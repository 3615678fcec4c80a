/* spearman_correlation.c: correlation of the ranks of target and prediction. */
#include "automl/core/arena.h"
#include "automl/core/sort.h"
#include "automl/metrics/parts.h"

/* rank: from 1, ties share their mean, less the mean of all; weights do not matter. */
static aml_status average_ranks(double *rank, uint32_t *order, const double *x, size_t n) {
    AML_TRY(aml_argsort(order, x, n));
    if (isnan(x[order[n - 1]])) return aml_metric_result(rank, NAN);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && x[order[end]] == x[order[i]];) end++;
        for (size_t j = i; j < end; j++) rank[order[j]] = 0.5 * ((double)(i + end) - (double)n);
    }
    return AML_OK;
}

/* Takes the weighted mean away. False when all rows with weight are alike. */
static bool centre(double *x, const double *w, size_t n, double total) {
    aml_sum sum = {0};
    double lo = INFINITY, hi = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        if (!(aml_weight(w, i) > 0)) continue;
        lo = fmin(lo, x[i]);
        hi = fmax(hi, x[i]);
        aml_sum_add(&sum, aml_weight(w, i) * x[i]);
    }
    double mean = aml_sum_value(&sum) / total;
    for (size_t i = 0; i < n; i++) x[i] -= mean;
    return hi > lo;
}

static aml_status correlation(double *out, const double *a, const double *b, const double *w,
                              size_t n) {
    aml_sum aa = {0}, ab = {0}, bb = {0};
    for (size_t i = 0; i < n; i++) {
        aml_sum_add(&aa, aml_weight(w, i) * a[i] * a[i]);
        aml_sum_add(&ab, aml_weight(w, i) * a[i] * b[i]);
        aml_sum_add(&bb, aml_weight(w, i) * b[i] * b[i]);
    }
    double below = sqrt(aml_sum_value(&aa)) * sqrt(aml_sum_value(&bb));
    return aml_metric_result(out, aml_clip(aml_sum_value(&ab) / below));
}

static aml_status constant(const char *what) {
    return aml_fail(AML_EDATA, "the rank correlation is not defined: the %s is constant", what);
}

static aml_status spearman_correlation(double *out, const double *y, const double *w,
                                       const double *pred, size_t n, int k) {
    double total;
    (void)k;
    AML_TRY(aml_weight_total(&total, w, n));
    double *a = aml_malloc(n * sizeof *a), *b = aml_malloc(n * sizeof *b);
    uint32_t *order = aml_malloc(n * sizeof *order);
    aml_status status = a && b && order ? AML_OK : AML_ENOMEM;
    if (!status) status = average_ranks(a, order, y, n);
    if (!status) status = average_ranks(b, order, pred, n);
    if (!status && !centre(a, w, n, total)) status = constant("target");
    if (!status && !centre(b, w, n, total)) status = constant("prediction");
    if (!status) status = correlation(out, a, b, w, n);
    aml_free(a);
    aml_free(b);
    aml_free(order);
    return status;
}

const aml_metric aml_metric_spearman_correlation = {
    .abi = AML_ABI,
    .name = "spearman_correlation",
    .summary = "correlation of the ranks of target and prediction",
    .tasks = AML_REGRESSION,
    .higher_is_better = true,
    .best = 1,
    .worst = -1,
    .score = spearman_correlation,
};
