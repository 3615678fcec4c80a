/* truncation_selection.c: stops the worst share of the trials (Azure's policy of that name): at interval n, a trial that is
 * among the worst truncation_percentage per cent, rounded down, of the trials that came so far, by their best value up to
 * there. */
#include <math.h>

#include "automl/core/scheduler.h"
#include "search/parts/steps.h"

enum { PERCENTAGE = AML_STEP_OWN, EXCLUDE_FINISHED, N_PARAMS };
static const aml_param params[] = {
    AML_STEP_PARAMS,
    [PERCENTAGE] = {.name = "truncation_percentage",
                    .summary = "per cent of the trials to be stopped at each interval",
                    .kind = AML_REAL,
                    .lo = 0,
                    .hi = 99,
                    .fallback = 0,
                    .fixed = true},
    [EXCLUDE_FINISHED] = {.name = "exclude_finished_jobs",
                          .summary = "trials that have ended are not counted",
                          .kind = AML_CHOICE,
                          .choices = aml_flag_choices,
                          .fixed = true},
    [N_PARAMS] = {0}};

static const char *check(const double *hp) {
    return hp[PERCENTAGE] > 0 ? NULL : "it needs a truncation_percentage, from 1 to 99";
}

static bool keep_step(const aml_record *own, const aml_told *told, const double *hp) {
    size_t n = 0, better = 0, interval = own->n_reports;
    if (!aml_step_is_due(own, hp)) return true;
    double mine = aml_reports_best(own, interval);
    for (size_t i = 0; i < told->n; i++) {
        const aml_record *r = &told->records[i];
        if (r->n_reports < interval) continue;
        if (hp[EXCLUDE_FINISHED] != 0 && r->state != AML_TRIAL_PENDING) continue;
        double other = aml_reports_best(r, interval);
        n++;
        better += r->id != own->id && (other < mine || (other == mine && r->id < own->id));
    }
    size_t cut = (size_t)floor(hp[PERCENTAGE] / 100 * (double)n + 1e-9);
    return better + cut < n;
}

const aml_scheduler aml_scheduler_truncation_selection = {
    .abi = AML_ABI,
    .name = "truncation_selection",
    .summary = "stops the worst so many per cent of the trials at each interval",
    .params = params,
    .keep_step = keep_step,
    .check = check,
};
