/* asha.c: asynchronous successive halving (Li et al. 2020, "A system for massively parallel hyperparameter tuning"), in its
 * stopping form: at each rung a trial goes on when it is among the best 1 / reduction_factor of those that
 * came there so far. */
#include "automl/core/scheduler.h"
#include "search/parts/steps.h"

enum { MIN_STEPS, REDUCTION, SKIP, N_PARAMS };
static const aml_param params[] = {
    [MIN_STEPS] = {.name = "min_steps",
                   .summary = "steps at the first rung",
                   .kind = AML_REAL,
                   .lo = 1e-9,
                   .hi = 1e12,
                   .fallback = 1,
                   .fixed = true},
    [REDUCTION] = {.name = "reduction_factor",
                   .summary = "one in so many goes on from a rung, for so many times the steps",
                   .kind = AML_REAL,
                   .lo = 1.1,
                   .hi = 1000,
                   .fallback = 3,
                   .fixed = true},
    [SKIP] = {.name = "min_early_stopping_rate",
              .summary = "rungs that are passed over at the beginning",
              .kind = AML_INT,
              .lo = 0,
              .hi = 100,
              .fallback = 0,
              .fixed = true},
    [N_PARAMS] = {0}};

static bool keep_step(const aml_record *own, const aml_told *told, const double *hp) {
    double first = hp[MIN_STEPS];
    for (int k = 0; k < (int)hp[SKIP]; k++) first *= hp[REDUCTION];
    return aml_rung_passes(own, told, first, hp[REDUCTION], NULL, NULL);
}

const aml_scheduler aml_scheduler_asha = {
    .abi = AML_ABI,
    .name = "asha",
    .summary = "asynchronous successive halving: one in three goes on from each rung",
    .params = params,
    .keep_step = keep_step,
};
