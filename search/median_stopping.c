/* median_stopping.c: stops what is worse than the median (Golovin et al. 2017, "Google Vizier", section 3.2.2; Azure's policy of
 * that name): at interval n, a trial whose best value so far is worse than the median, over all trials that came
 * so far, of the means of their first n reports. */
#include <math.h>

#include "automl/core/arena.h"
#include "automl/core/scheduler.h"
#include "automl/core/sort.h"
#include "search/parts/steps.h"

static const aml_param params[] = {AML_STEP_PARAMS, {0}};

static bool keep_step(const aml_record *own, const aml_told *told, const double *hp) {
    size_t n = 0;
    if (!aml_step_is_due(own, hp)) return true;
    double *mean = aml_malloc((told->n + 1) * sizeof *mean), median = INFINITY;
    if (!mean) return true;
    for (size_t i = 0; i < told->n; i++)
        if (told->records[i].n_reports >= own->n_reports)
            mean[n++] = aml_reports_mean(&told->records[i], own->n_reports);
    if (n && !aml_sort_f64(mean, n)) median = 0.5 * (mean[(n - 1) / 2] + mean[n / 2]);
    aml_free(mean);
    return !(aml_reports_best(own, own->n_reports) > median);
}

const aml_scheduler aml_scheduler_median_stopping = {
    .abi = AML_ABI,
    .name = "median_stopping",
    .summary = "stops a trial whose best report is worse than the median of all trials' means",
    .params = params,
    .keep_step = keep_step,
};
