/* experiment.h: an experiment as it is read: the document, and what it says in the engine's terms. */
#ifndef AML_EXPERIMENT_EXPERIMENT_H
#define AML_EXPERIMENT_EXPERIMENT_H

#include "automl/core/json_keys.h"

typedef struct aml_tag {
    const char *name, *value;
} aml_tag;

struct aml_experiment {
    aml_arena *arena; /* of all there is here */
    aml_json *root;
    const char *path, *folder; /* of the file; folder "" = the current one */
    const char *schema, *extends, *name, *description;
    const aml_tag *tags; /* ended by one without a name */
    aml_train_options options;
    aml_read_options reading;
    aml_experiment_files files;
};

/* The table of all keys (experiment_keys.c); members are those of aml_experiment. */
extern const aml_key aml_experiment_keys[];

/* "learners": ["gbdt"], or {"gbdt": {"num_leaves": {"min": 4, "max": 64}, "max_depth": [4, 8]}}; `to` is the experiment
 * (experiment_learners.c). */
aml_status aml_experiment_learners(void *to, const aml_json *x, const aml_key_place *at);
void aml_experiment_learners_schema(aml_string *out);

/* What no table can say: keys that exclude or need each other, files that are the same (experiment_check.c). */
aml_status aml_experiment_agree(const aml_experiment *e);

#endif
