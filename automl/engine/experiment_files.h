/* experiment_files.h: where the files of an experiment are. */
#ifndef AML_ENGINE_EXPERIMENT_FILES_H
#define AML_ENGINE_EXPERIMENT_FILES_H

#include "automl/engine/experiment.h"

/* Makes the paths that e->path is the origin of, and gives name and model their defaults. */
aml_status aml_experiment_place(aml_experiment *e);

/* The path of `to` for somebody who is in the folder of the file `from`, which need not exist; `to` itself when that cannot
 * be found out. NULL: memory is short. */
char *aml_path_between(const char *from, const char *to, aml_arena *keep);

#endif
