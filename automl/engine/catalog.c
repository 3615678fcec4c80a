/* catalog.c: the registry: every .def list as a table. */
#include "automl/engine/catalog.h"

#include <string.h>

#define AML_LEARNER(name) extern const aml_learner aml_learner_##name;
#include "learners/learners.def"
#undef AML_LEARNER
#define AML_STEP(name) extern const aml_step aml_step_##name;
#include "featurize/steps.def"
#undef AML_STEP
#define AML_SAMPLER(name) extern const aml_sampler aml_sampler_##name;
#include "search/samplers.def"
#undef AML_SAMPLER
#define AML_SCHEDULER(name) extern const aml_scheduler aml_scheduler_##name;
#include "search/schedulers.def"
#undef AML_SCHEDULER
#define AML_METRIC(name) extern const aml_metric aml_metric_##name;
#include "automl/metrics/metrics.def"
#undef AML_METRIC

static const aml_learner *const learners[] = {
#define AML_LEARNER(name) &aml_learner_##name,
#include "learners/learners.def"
    NULL};
static const aml_step *const steps[] = {
#define AML_STEP(name) &aml_step_##name,
#include "featurize/steps.def"
    NULL};
static const aml_sampler *const samplers[] = {
#define AML_SAMPLER(name) &aml_sampler_##name,
#include "search/samplers.def"
    NULL};
static const aml_scheduler *const schedulers[] = {
#define AML_SCHEDULER(name) &aml_scheduler_##name,
#include "search/schedulers.def"
    NULL};
static const aml_metric *const metrics[] = {
#define AML_METRIC(name) &aml_metric_##name,
#include "automl/metrics/metrics.def"
    NULL};

const aml_learner *const *aml_learners(void) { return learners; }
const aml_step *const *aml_steps(void) { return steps; }
const aml_sampler *const *aml_samplers(void) { return samplers; }
const aml_scheduler *const *aml_schedulers(void) { return schedulers; }
const aml_metric *const *aml_metrics(void) { return metrics; }

#define FIND(list)                                            \
    for (size_t i = 0; (list)[i]; i++)                        \
        if (!strcmp((list)[i]->name, name)) return (list)[i]; \
    return NULL

const aml_learner *aml_learner_find(const char *name) { FIND(learners); }
const aml_step *aml_step_find(const char *name) { FIND(steps); }
const aml_sampler *aml_sampler_find(const char *name) { FIND(samplers); }
const aml_scheduler *aml_scheduler_find(const char *name) { FIND(schedulers); }
const aml_metric *aml_metric_find(const char *name) { FIND(metrics); }

const aml_metric *aml_metric_usual(aml_task_kind task) {
    return aml_metric_find(task == AML_BINARY       ? "auc"
                           : task == AML_MULTICLASS ? "log_loss"
                                                    : "rmse");
}
