/* ensemble.h: greedy selection with replacement on out-of-fold predictions (Caruana et al. 2004, "Ensemble selection from
 * libraries of models"), and what the result is worth. */
#ifndef AML_ENGINE_ENSEMBLE_H
#define AML_ENGINE_ENSEMBLE_H

#include "automl/engine/decisions.h"
#include "automl/engine/trial.h"

/* Predictions of several candidates for the same scored rows. */
typedef struct aml_candidates {
    size_t n, outputs, rows;
    const float *const *pred; /* n arrays of rows × outputs */
    const double *y, *w;      /* rows; w may be NULL */
    int n_classes;
    const aml_metric *metric;
    const double *us, *bytes; /* what each costs in a model, or NULL: no limits */
    double most_us, most_bytes;
    aml_decisions *decisions; /* when to end; may be NULL */
} aml_candidates;

/* weight[0 … n-1] ≥ 0 with sum 1 that the greedy rounds choose on position[0 … n_positions-1] of the rows, within the
 * limits, which each candidate alone must keep. Ends at the deadline with what there is. AML_ENOMEM. */
aml_status aml_ensemble_select(double *weight, const aml_candidates *c, const uint32_t *position,
                               size_t n_positions, size_t rounds, aml_ctx *ctx);

/* out (rows × outputs) = weighted mean of the candidates at the given positions, elsewhere untouched. */
void aml_ensemble_mix(double *out, const aml_candidates *c, const double *weight,
                      const uint32_t *position, size_t n);

/* Predictions for all rows by weights chosen without the row's own part: part[i] in 0 … n_parts-1. */
aml_status aml_ensemble_crossfit(double *out, const aml_candidates *c, const uint32_t *part,
                                 size_t n_parts, size_t rounds, aml_ctx *ctx);

#endif
