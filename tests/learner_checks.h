/* learner_checks.h: one check of one promise, run over all learners of the registry and all tasks they declare. */
#ifndef AML_TESTS_LEARNER_CHECKS_H
#define AML_TESTS_LEARNER_CHECKS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "automl/core/linalg.h"
#include "automl/core/par.h"
#include "automl/engine/catalog.h"
#include "tests/learner_problem.h"

/* Says which learner failed, then fails. */
#define EXPECT(condition, learner, task, text)                                                \
    do {                                                                                      \
        if (!(condition)) fail_msg("%s, %s: %s", (learner)->name, aml_task_name(task), text); \
    } while (0)

static const aml_task_kind tasks[] = {AML_BINARY, AML_MULTICLASS, AML_REGRESSION};

typedef void (*check)(const aml_learner *learner, aml_task_kind task);

static inline void for_all(check f) {
    for (const aml_learner *const *l = aml_learners(); *l; l++)
        for (size_t t = 0; t < 3; t++)
            if ((*l)->tasks & tasks[t]) f(*l, tasks[t]);
}

/* A constant has neither hyperparameters nor a wish for features; all others must learn. */
static inline bool learns(const aml_learner *learner) {
    return aml_params_count(learner->params) || (learner->can & (AML_WANTS_BINS | AML_WANTS_DENSE));
}

static inline problem *ready(const aml_learner *learner, aml_task_kind task, problem_shape shape) {
    problem *q = problem_new(learner, task, shape);
    EXPECT(!prepare(q, learner), learner, task, "the design cannot be prepared");
    return q;
}

#endif
