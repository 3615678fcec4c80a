/* catalog.c: the learners and steps that models can be made of. */
#include "automl/engine/catalog.h"

#include <string.h>

#define AML_LEARNER(name) extern const aml_learner aml_learner_##name;
#include "learners/learners.def"
#undef AML_LEARNER
#define AML_STEP(name) extern const aml_step aml_step_##name;
#include "featurize/steps.def"
#undef AML_STEP

static const aml_learner *const learners[] = {
#define AML_LEARNER(name) &aml_learner_##name,
#include "learners/learners.def"
    NULL};
static const aml_step *const steps[] = {
#define AML_STEP(name) &aml_step_##name,
#include "featurize/steps.def"
    NULL};

const aml_learner *aml_learner_find(const char *name) {
    for (const aml_learner *const *l = learners; *l; l++)
        if (!strcmp((*l)->name, name)) return *l;
    return NULL;
}

const aml_step *aml_step_find(const char *name) {
    for (const aml_step *const *s = steps; *s; s++)
        if (!strcmp((*s)->name, name)) return *s;
    return NULL;
}
