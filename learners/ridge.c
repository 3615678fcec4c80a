/* ridge.c: least squares with an L2 penalty, on dense and sparse features. */
#include "automl/core/learner.h"
#include "learners/parts/linear.h"

#include <math.h>

static const aml_param params[] = {
    {.name = "alpha",
     .summary = "weight of the squared coefficients against the sum of squared errors",
     .kind = AML_REAL,
     .log = true,
     .lo = 1e-4,
     .hi = 1e4,
     .fallback = 1},
    {.name = NULL}};

static aml_status fit(void **model, const aml_data *train, const double *hp, aml_ctx *ctx) {
    aml_linear *m = AML_NEW(ctx->keep, aml_linear);
    aml_linear_task task = {.loss = aml_loss_squared, .penalty = hp[0], .tolerance = 1e-18};
    if (!m) return AML_ENOMEM;
    AML_TRY(aml_linear_fit(m, train, &task, ctx));
    *model = m;
    return AML_OK;
}

static double cost(const double *hp, const aml_shape *shape) {
    double p = (double)shape->p, full = p <= 2048 ? 5e-11 * p * p * (double)shape->n : 0;
    (void)hp;
    return full + aml_linear_cost(shape, shape->nnz || p > 2048 ? 40 : 4);
}

const aml_learner aml_learner_ridge = {
    .abi = AML_ABI,
    .name = "ridge",
    .summary = "linear regression with an L2 penalty",
    .tasks = AML_REGRESSION,
    .can = AML_CAN_WEIGHTS | AML_CAN_SPARSE | AML_WANTS_DENSE | AML_ANYTIME | AML_REFIT,
    .params = params,
    .fit = fit,
    .predict = aml_linear_predict_values,
    .save = aml_linear_save,
    .load = aml_linear_load_regression,
    .cost = cost,
    .importance = aml_linear_importance,
};
