/* bandit.c: stops what is behind the best trial by more than a slack (Azure's bandit policy). At interval n a trial's best value
 * so far is compared with the best of all trials up to the same interval: of a goal to be maximized it must not be
 * below best / (1 + slack_factor), or best - slack_amount; to be minimized, above best * (1 + slack_factor), best +
 * slack_amount. For values below 0 the factor is taken of their size, so that the best itself is never behind. */
#include <math.h>

#include "automl/core/scheduler.h"
#include "search/parts/steps.h"

enum { FACTOR = AML_STEP_OWN, AMOUNT, N_PARAMS };
static const aml_param params[] = {
    AML_STEP_PARAMS,
    [FACTOR] = {.name = "slack_factor",
                .summary = "how far behind the best, as a share of it",
                .kind = AML_REAL,
                .lo = 0,
                .hi = 1e9,
                .fallback = 0,
                .fixed = true},
    [AMOUNT] = {.name = "slack_amount",
                .summary = "or in units of the goal",
                .kind = AML_REAL,
                .lo = 0,
                .hi = 1e300,
                .fallback = 0,
                .fixed = true},
    [N_PARAMS] = {0}};

static const char *check(const double *hp) {
    if (hp[FACTOR] > 0 && hp[AMOUNT] > 0) return "give slack_factor or slack_amount, not both";
    if (!(hp[FACTOR] > 0) && !(hp[AMOUNT] > 0)) return "it needs a slack_factor or a slack_amount";
    return NULL;
}

static bool keep_step(const aml_record *own, const aml_told *told, const double *hp) {
    double best = INFINITY, factor = hp[FACTOR];
    if (!aml_step_is_due(own, hp)) return true;
    for (size_t i = 0; i < told->n; i++)
        best = fmin(best,
                    aml_reports_best(&told->records[i], own->n_reports)); /* NaN is passed over */
    double share = told->maximized ? 1 - 1 / (1 + factor) : factor;
    double slack = hp[AMOUNT] > 0 ? hp[AMOUNT] : fabs(best) * share;
    return !(aml_reports_best(own, own->n_reports) > best + slack);
}

const aml_scheduler aml_scheduler_bandit = {
    .abi = AML_ABI,
    .name = "bandit",
    .summary = "stops a trial whose reports are behind the best one's by more than a slack",
    .params = params,
    .keep_step = keep_step,
    .check = check,
};
