/* history.c: losses of trials that did not run all folds. */
#include "automl/core/history.h"

#include <math.h>

static const aml_record *best_done(const aml_record *records, size_t n) {
    const aml_record *best = NULL;
    for (size_t i = 0; i < n; i++) {
        const aml_record *r = &records[i];
        if (r->state == AML_TRIAL_DONE && r->fold_loss && (!best || r->loss < best->loss)) best = r;
    }
    return best;
}

void aml_records_align(aml_record *records, size_t n) {
    const aml_record *best = best_done(records, n);
    for (size_t i = 0; best && i < n; i++) {
        aml_record *r = &records[i];
        double behind = 0;
        if (r->state != AML_TRIAL_PRUNED || !r->n_done || r->n_done > best->n_done) continue;
        for (size_t f = 0; f < r->n_done; f++)
            behind += (r->fold_loss[f] - best->fold_loss[f]) / (double)r->n_done;
        if (isfinite(behind)) r->loss = best->loss + behind;
    }
}
