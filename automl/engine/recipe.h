/* recipe.h: the featurization before a learner: what of it is searched, and the steps that a choice gives. */
#ifndef AML_ENGINE_RECIPE_H
#define AML_ENGINE_RECIPE_H

#include "automl/engine/compose.h"

enum { AML_MAX_CHOICES = 8 }; /* featurization dimensions of a learner */

/* The featurization dimensions of a learner for these data (memory in keep); SIZE_MAX: memory is short. */
size_t aml_recipe_params(const aml_param *out[AML_MAX_CHOICES], const aml_learner *l,
                         const aml_facts *f, aml_arena *keep);

/* What was chosen: texts of those dimensions by name, NULL = its default; a number for `components`. */
typedef struct aml_recipe {
    const char *encode, *scale, *features, *terms, *own;
    double components; /* 0 = the default */
} aml_recipe;

/* Takes the value of the dimension `param`. */
void aml_recipe_take(aml_recipe *r, const aml_param *param, double value);

/* Adds the steps before plan->learner. */
void aml_recipe_steps(aml_plan *plan, const aml_recipe *r, const aml_facts *f);

#endif
