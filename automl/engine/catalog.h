/* catalog.h: the registry of plug-ins, made from the .def lists, and what is added at run time (engine/catalog.c). Lists end with NULL. */
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

/* Steps that were registered at run time: the end of aml_steps. */
const aml_step *const *aml_steps_added(void);

enum { AML_MOST_PARTS = 60 }; /* of a kind */
/* One more, which is checked and stays (engine/plugin.c); false when there are too many. */
bool aml_learner_add(const aml_learner *l);
bool aml_step_add(const aml_step *s);
bool aml_sampler_add(const aml_sampler *s);
bool aml_scheduler_add(const aml_scheduler *s);
bool aml_metric_add(const aml_metric *m);

/* By name; NULL when there is none. */
const aml_learner *aml_learner_find(const char *name);
const aml_step *aml_step_find(const char *name);
const aml_sampler *aml_sampler_find(const char *name);
const aml_scheduler *aml_scheduler_find(const char *name);
const aml_metric *aml_metric_find(const char *name);
/* AML_EDATA: a model is made of a part that is not known here, "learner `foo`". */
aml_status aml_part_missing(const char *file, const char *kind, const char *name);
/* The metric of a task when none is asked for. */
const aml_metric *aml_metric_usual(aml_task_kind task);

#endif
