/* boost_objective.h: what boosted trees may descend on a numeric target.
 *
 * s is a score, y the target, r = s - y. Squared error, absolute error, Huber's loss and the pinball loss see target
 * and scores less the mean, over the deviation; the others have scores that are logarithms of the mean m = exp(s). */
#ifndef AML_LEARNERS_PARTS_BOOST_OBJECTIVE_H
#define AML_LEARNERS_PARTS_BOOST_OBJECTIVE_H

#include "automl/core/data.h"

typedef enum aml_objective_kind {
    AML_SQUARED,  /* r² */
    AML_ABSOLUTE, /* |r| */
    AML_HUBER, /* r² / 2 up to |r| = alpha deviations of the target, then alpha (|r| - alpha / 2) */
    AML_QUANTILE, /* alpha max(-r, 0) + (1 - alpha) max(r, 0) */
    AML_POISSON,  /* m - y s */
    AML_GAMMA,    /* y / m + s */
    AML_TWEEDIE   /* m^(2-alpha) / (2-alpha) - y m^(1-alpha) / (1-alpha), 1 < alpha < 2 */
} aml_objective_kind;

typedef struct aml_objective {
    aml_objective_kind kind;
    double alpha;
} aml_objective;

/* Are scores logarithms? */
bool aml_objective_is_log(const aml_objective *o);

/* Slope and curvature of n rows. Where the loss has no curvature it is 1; Poisson's is exp(0.7) times its own, which
 * bounds the step (Chen and Guestrin's max_delta_step, as LightGBM and XGBoost default to). Not for AML_SQUARED. */
void aml_objective_gradients(float *slope, float *curvature, const aml_objective *o,
                             const float *score, const float *y, size_t n);

double aml_objective_loss(const aml_objective *o, double score, double y);

/* AML_EDATA when a row of the data has a target that the objective is not defined for. */
aml_status aml_objective_check(const aml_objective *o, const aml_data *data);

/* The level below which a share of the residuals shall lie, for objectives whose best constant is a quantile; else -1. */
double aml_objective_level(const aml_objective *o);

/* The smallest value with at least `level` of the weight (NULL = equal) at or below it. Sorts in place. AML_ENOMEM. */
aml_status aml_quantile_of(double *out, float *value, const float *weight, size_t n, double level);

#endif
