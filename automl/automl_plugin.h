/* automl_plugin.h: learners, featurization steps, samplers, schedulers and metrics of your own, added at run time.
 *
 * A part is one constant struct, as the library's own are (automl/core/learner.h, step.h, sampler.h, scheduler.h and
 * metric.h have the contracts). Once registered it is in aml_catalog; a learner and a step are searched with the others,
 * samplers, schedulers and metrics are asked for by name; models keep the names of what they are made of, and a program that loads one
 * has to have registered the same parts (AML_EDATA names the one that is missing).
 *
 *     static const aml_learner centroid = {.abi = AML_ABI, .name = "centroid", …};
 *     aml_status status = aml_register_learner(&centroid);
 *
 * A shared object that does so in a function `aml_status aml_plugin_init(void)` is loaded by aml_plugin_load (automl.h) and
 * by `automl --plugin FILE.so VERB …`.
 *
 * Threads: register first, then use the library. A registration must not go on while another thread is in a function of this
 * library; registrations among each other may. What a part's functions are called with is theirs alone, but they are called from
 * several threads at once, each with a context of its own: no globals.
 *
 * The struct is copied, what it points to (names, parameters, functions) must stay. There is no way back. At most 60 parts of a
 * kind, the library's own among them. In C++ these headers need C++11; the designated initialisers of C come with C++20. */
#ifndef AUTOML_PLUGIN_H
#define AUTOML_PLUGIN_H

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "automl/automl.h"

#ifdef __cplusplus
extern "C" {
#endif

#include "automl/core/checkpoint.h"
#include "automl/core/learner.h"
#include "automl/core/metric.h"
#include "automl/core/par.h"
#include "automl/core/sampler.h"
#include "automl/core/scheduler.h"
#include "automl/core/step.h"

typedef enum aml_plugin_kind {
    AML_PLUGIN_LEARNER = 1,
    AML_PLUGIN_STEP,
    AML_PLUGIN_SAMPLER,
    AML_PLUGIN_SCHEDULER,
    AML_PLUGIN_METRIC
} aml_plugin_kind;

/* `size` is that of the struct as the caller knows it: members that it does not know are 0. AML_EUSAGE names what is wrong:
 * another AML_ABI or a newer struct, a name that is taken or none ([a-z][a-z0-9_]*, at most 40 bytes), a member that is missing, a
 * parameter without a range. AML_ENOMEM. */
AML_API aml_status aml_register_part(aml_plugin_kind kind, const void *part, size_t size);

static inline aml_status aml_register_learner(const aml_learner *learner) {
    return aml_register_part(AML_PLUGIN_LEARNER, learner, sizeof *learner);
}
/* The search tries it before all other steps of a pipeline, where the data have columns of its kinds: the dimension "own". */
static inline aml_status aml_register_step(const aml_step *step) {
    return aml_register_part(AML_PLUGIN_STEP, step, sizeof *step);
}
static inline aml_status aml_register_sampler(const aml_sampler *sampler) {
    return aml_register_part(AML_PLUGIN_SAMPLER, sampler, sizeof *sampler);
}
static inline aml_status aml_register_scheduler(const aml_scheduler *scheduler) {
    return aml_register_part(AML_PLUGIN_SCHEDULER, scheduler, sizeof *scheduler);
}
static inline aml_status aml_register_metric(const aml_metric *metric) {
    return aml_register_part(AML_PLUGIN_METRIC, metric, sizeof *metric);
}

/* What aml_plugin_load calls in a shared object. */
AML_API aml_status aml_plugin_init(void);

#ifdef __cplusplus
}
#endif
#endif
