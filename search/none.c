/* none.c: every trial runs all its folds. */
#include "automl/core/scheduler.h"

static bool keep_going(const double *fold_loss, size_t n_done, size_t n_folds, const aml_told *told,
                       const double *hp) {
    (void)fold_loss, (void)n_done, (void)n_folds, (void)told, (void)hp;
    return true;
}

const aml_scheduler aml_scheduler_none = {
    .abi = AML_ABI,
    .name = "none",
    .summary = "every trial runs all its folds",
    .keep_going = keep_going,
};
