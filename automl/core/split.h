/* split.h: rows to folds. */
#ifndef AML_CORE_SPLIT_H
#define AML_CORE_SPLIT_H

#include "automl/core/rng.h"
#include "automl/core/task.h"

/* A way to validate: fold f trains on train[f] and is scored on valid[f]. Every row is in at most one valid list. */
typedef struct aml_folds {
    size_t k;
    const uint32_t *const *train;
    const size_t *n_train;
    const uint32_t *const *valid;
    const size_t *n_valid;
    const char
        *scheme; /* "stratified 5-fold", "grouped 5-fold", "time-ordered 5-fold", "holdout 20 %" */
} aml_folds;

/* k folds: by group when task->group is set (sizes balanced, class shares kept as far as groups allow), forward in time
 * when task->time is set (fold f trains on all rows before its valid block; rows of equal time stay together), else
 * stratified by class or by target quantile. k is lowered when classes, groups or rows are too few; at least 2 rows
 * are needed (AML_EDATA). */
aml_status aml_split_kfold(aml_folds *out, const aml_task *task, size_t k, aml_rng rng,
                           aml_arena *keep);

/* One fold: a share of the rows (0 < share < 1) is for validation, by the same rules (time: the last rows). */
aml_status aml_split_holdout(aml_folds *out, const aml_task *task, double share, aml_rng rng,
                             aml_arena *keep);

/* At most n rows chosen evenly (stratified by class, without order), upwards. rows has room for n. Returns how many. */
size_t aml_split_sample(uint32_t *rows, const aml_task *task, size_t n, aml_rng rng);

#endif
