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

/* The only state of the process besides the last errors: parts that are registered come behind the library's own. */
static const aml_learner *learners[AML_MOST_PARTS + 1] = {
#define AML_LEARNER(name) &aml_learner_##name,
#include "learners/learners.def"
#undef AML_LEARNER
};
static const aml_step *steps[AML_MOST_PARTS + 1] = {
#define AML_STEP(name) &aml_step_##name,
#include "featurize/steps.def"
#undef AML_STEP
};
static const aml_sampler *samplers[AML_MOST_PARTS + 1] = {
#define AML_SAMPLER(name) &aml_sampler_##name,
#include "search/samplers.def"
#undef AML_SAMPLER
};
static const aml_scheduler *schedulers[AML_MOST_PARTS + 1] = {
#define AML_SCHEDULER(name) &aml_scheduler_##name,
#include "search/schedulers.def"
#undef AML_SCHEDULER
};
static const aml_metric *metrics[AML_MOST_PARTS + 1] = {
#define AML_METRIC(name) &aml_metric_##name,
#include "automl/metrics/metrics.def"
#undef AML_METRIC
};

enum {
#define AML_STEP(name) +1
    OWN_STEPS = 0
#include "featurize/steps.def"
#undef AML_STEP
};

const aml_learner *const *aml_learners(void) { return learners; }
const aml_step *const *aml_steps(void) { return steps; }
const aml_sampler *const *aml_samplers(void) { return samplers; }
const aml_scheduler *const *aml_schedulers(void) { return schedulers; }
const aml_metric *const *aml_metrics(void) { return metrics; }
const aml_step *const *aml_steps_added(void) { return steps + OWN_STEPS; }

#define ADD(list, part)                        \
    do {                                       \
        size_t n = 0;                          \
        while ((list)[n]) n++;                 \
        if (n == AML_MOST_PARTS) return false; \
        (list)[n] = part;                      \
        return true;                           \
    } while (0)

bool aml_learner_add(const aml_learner *l) { ADD(learners, l); }
bool aml_step_add(const aml_step *s) { ADD(steps, s); }
bool aml_sampler_add(const aml_sampler *s) { ADD(samplers, s); }
bool aml_scheduler_add(const aml_scheduler *s) { ADD(schedulers, s); }
bool aml_metric_add(const aml_metric *m) { ADD(metrics, m); }

#define FIND(list)                                            \
    for (size_t i = 0; (list)[i]; i++)                        \
        if (!strcmp((list)[i]->name, name)) return (list)[i]; \
    return NULL

const aml_learner *aml_learner_find(const char *name) { FIND(learners); }
const aml_step *aml_step_find(const char *name) { FIND(steps); }
const aml_sampler *aml_sampler_find(const char *name) { FIND(samplers); }
const aml_scheduler *aml_scheduler_find(const char *name) { FIND(schedulers); }
const aml_metric *aml_metric_find(const char *name) { FIND(metrics); }

aml_status aml_part_missing(const char *file, const char *kind, const char *name) {
    char shown[200];
    aml_printable(shown, sizeof shown, name, strlen(name), 40);
    return aml_help(
        aml_fail_at(AML_EDATA, file, 0, 0, "the model needs the %s `%s`", kind, shown),
        "this program has none: it is a plug-in's, or of a newer version",
        "load the plug-in first: automl --plugin FILE.so, aml_plugin_load, aml_register_%s",
        strchr(kind, ' ') ? "step" : kind);
}

const aml_metric *aml_metric_usual(aml_task_kind task) {
    return aml_metric_find(task == AML_BINARY       ? "auc"
                           : task == AML_MULTICLASS ? "log_loss"
                                                    : "rmse");
}
