/* compose.h: from the data to a search space, and from a configuration to a plan. */
#ifndef AML_ENGINE_COMPOSE_H
#define AML_ENGINE_COMPOSE_H

#include "automl/engine/catalog.h"
#include "automl/engine/featurization.h"

enum { AML_MAX_STEPS = 20, AML_MAX_PARAMS = 32 };

typedef struct aml_plan_step {
    const aml_step *step;
    double hp[AML_MAX_PARAMS];
} aml_plan_step;

/* A pipeline to be fitted: featurization steps, then a learner. */
typedef struct aml_plan {
    const aml_learner *learner;
    double hp[AML_MAX_PARAMS];
    size_t n_steps;
    aml_plan_step steps[AML_MAX_STEPS];
} aml_plan;

/* What decides which learners and steps come into question. */
typedef struct aml_facts {
    aml_shape shape;
    unsigned kinds;                         /* kinds of the feature columns */
    uint32_t most_levels;                   /* of a category column */
    bool missing;                           /* any missing cell in a feature */
    unsigned needs;                         /* AML_CAN_…: what a learner has to be able to keep */
    size_t n_numbers, n_categories;         /* columns of these kinds */
    size_t n_few;                           /* numbers with few different values */
    size_t n_lists;                         /* texts that are lists of items */
    bool words_only;                        /* runs of characters would take too much memory */
    const aml_featurization *featurization; /* what the user wants; NULL = auto */
    const aml_param_range *const *ranges;   /* of the learners' parameters; NULL = their own */
} aml_facts;

/* The space of all plans: dimension 0 chooses the learner. Lives in `keep`. */
typedef struct aml_composer {
    aml_facts facts;
    aml_space space;
    const aml_learner **learners; /* by value of dimension 0 */
    size_t n_learners;
    aml_param choice;
} aml_composer;

/* allowed: learner names ended by NULL, or NULL for all. AML_EUSAGE for an unknown one, when none fits, or for a range
 * that is none. */
aml_status aml_composer_init(aml_composer *out, const aml_facts *facts, const char *const *allowed,
                             aml_arena *keep);

void aml_compose(aml_plan *out, const aml_composer *c, const double *config);

/* The plan of the learner that is the yardstick; false when there is none for the task. */
bool aml_compose_yardstick(aml_plan *out, const aml_facts *facts);

/* "gbdt(learning_rate=0.1, num_leaves=31) <- datetime, one_hot": what differs from the defaults is named. */
void aml_plan_text(aml_string *out, const aml_plan *plan);
/* Names the featurization alone, with all parameters: equal texts, equal designs. */
void aml_plan_features_text(aml_string *out, const aml_plan *plan);
enum { AML_NO_FEATURES = 4 };                  /* beside AML_BUILD_…: the learner looks at none */
unsigned aml_plan_build(const aml_plan *plan); /* what designs for the learner need */
bool aml_plan_sees_target(const aml_plan *plan); /* has a step with AML_STEP_TARGET or _SELECTS */
bool aml_plan_keeps_order(const aml_plan *plan); /* numbers go only through steps that keep order */

#endif
