/* scheduler.h: the contract of a scheduler: which trials may go on. One constant struct in one file, one line in
 * search/schedulers.def. */
#ifndef AML_CORE_SCHEDULER_H
#define AML_CORE_SCHEDULER_H

#include "automl/core/history.h"

typedef struct aml_scheduler {
    int abi; /* AML_ABI */
    const char *name, *summary;
    const aml_param *params;
    /* Folds of learners: may be NULL. After n_done of n_folds folds of a trial with these fold losses: is the rest worth its time? */
    bool (*keep_going)(const double *fold_loss, size_t n_done, size_t n_folds, const aml_told *told,
                       const double *hp);
    /* Reports of trials: may be NULL. `own` has just reported; is the rest of it worth its time? told: the trials, `own`
     * among them. A function of its arguments. */
    bool (*keep_step)(const aml_record *own, const aml_told *told, const double *hp);
    /* What is wrong with these parameters taken together, or NULL; may be NULL. */
    const char *(*check)(const double *hp);
} aml_scheduler;

#endif
