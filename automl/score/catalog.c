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

aml_status aml_part_missing(const char *file, const char *kind, const char *name) {
    char shown[200];
    aml_printable(shown, sizeof shown, name, strlen(name), 40);
    return aml_help(
        aml_fail_at(AML_EDATA, file, 0, 0, "the model needs the %s `%s`", kind, shown),
        "the scoring library has none: it is a plug-in's, or of a newer version",
        "predict with libautoml, or upgrade");
}
