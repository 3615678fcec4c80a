/* bootstrap.h: intervals by resampling rows (Efron and Tibshirani 1993). */
#ifndef AML_ENGINE_BOOTSTRAP_H
#define AML_ENGINE_BOOTSTRAP_H

#include "automl/core/ctx.h"
#include "automl/core/metric.h"

/* Scored rows; w may be NULL. other: predictions of another model, or NULL. */
typedef struct aml_resampled {
    const aml_metric *metric;
    const double *y, *w, *pred, *other;
    size_t n, outputs;
    int n_classes;
} aml_resampled;

/* 95 % interval (percentiles) of the metric or, with another model, of what `pred` gains on it, positive = better. NAN
 * when the metric is not defined. At most `most` draws, fewer of many rows; random numbers by ctx->rng. AML_ENOMEM. */
aml_status aml_bootstrap(double *low, double *high, const aml_resampled *rows, size_t most,
                         aml_ctx *ctx);

#endif
