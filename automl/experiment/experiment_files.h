/* experiment_files.h: where the files of an experiment are. */
#ifndef AML_EXPERIMENT_EXPERIMENT_FILES_H
#define AML_EXPERIMENT_EXPERIMENT_FILES_H

#include "automl/experiment/experiment.h"

/* Reads the file, or takes the text for its content (NULL = read it), puts variables in, takes from the experiments that it extends what it does not say itself (their paths made
 * those of its own folder), and makes the settings. */
aml_status aml_experiment_document(aml_json **root, const char *text, const char *path,
                                   const char *const *sets, aml_arena *keep);

/* The keys that hold paths, by number: false after the last. */
bool aml_experiment_path_key(const char **section, const char **key, size_t i);
/* Length of the folder of a path with its last slash; 0 = the current one. */
size_t aml_folder_length(const char *path);

/* Makes the paths that e->path is the origin of, and gives name and model their defaults. */
aml_status aml_experiment_place(aml_experiment *e);

/* The path of `to` for somebody who is in the folder of the file `from`, which need not exist; `to` itself when that cannot
 * be found out. NULL: memory is short. */
char *aml_path_between(const char *from, const char *to, aml_arena *keep);

#endif
