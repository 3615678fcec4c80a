/* catalog.h: the registry of plug-ins, made from the .def lists (engine/catalog.c). Lists end with NULL. */
#ifndef AML_ENGINE_CATALOG_H
#define AML_ENGINE_CATALOG_H

#include "automl/core/learner.h"
#include "automl/core/metric.h"
#include "automl/core/sampler.h"
#include "automl/core/scheduler.h"
#include "automl/core/step.h"

const aml_learner *const *aml_learners(void);
const aml_step *const *aml_steps(void);
const aml_sampler *const *aml_samplers(void);
const aml_scheduler *const *aml_schedulers(void);
const aml_metric *const *aml_metrics(void);

/* By name; NULL when there is none. */
const aml_learner *aml_learner_find(const char *name);
const aml_step *aml_step_find(const char *name);
const aml_sampler *aml_sampler_find(const char *name);
const aml_scheduler *aml_scheduler_find(const char *name);
const aml_metric *aml_metric_find(const char *name);
/* The metric of a task when none is asked for. */
const aml_metric *aml_metric_usual(aml_task_kind task);

#endif
