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
    if (!m) return AML_ENOMEM;
    AML_TRY(aml_linear_fit(m, train, aml_loss_squared, hp[0], ctx));
    *model = m;
    return AML_OK;
}

static aml_status predict(double *out, const void *model, const aml_data *x, aml_ctx *ctx) {
    return aml_linear_predict(out, model, x, NULL, NULL, ctx);
}

static void save(const void *model, aml_writer *w) { aml_linear_save(model, w); }

static aml_status load(void **model, aml_reader *r, aml_ctx *ctx) {
    aml_linear *m = AML_NEW(ctx->keep, aml_linear);
    if (!m) return AML_ENOMEM;
    AML_TRY(aml_linear_load(m, r, ctx));
    if (m->k != 1) return aml_reader_fail(r, "a regression with %zu outputs", m->k);
    *model = m;
    return AML_OK;
}

static double cost(const double *hp, const aml_shape *shape) {
    double p = (double)shape->p, full = p <= 2048 ? 5e-11 * p * p * (double)shape->n : 0;
    (void)hp;
    return full + aml_linear_cost(shape, shape->nnz || p > 2048 ? 40 : 4);
}

static aml_status importance(double *out, const void *model, size_t p) {
    return aml_linear_importance(out, model, p);
}

const aml_learner aml_learner_ridge = {
    .abi = AML_ABI,
    .name = "ridge",
    .summary = "linear regression with an L2 penalty",
    .tasks = AML_REGRESSION,
    .can = AML_CAN_WEIGHTS | AML_CAN_SPARSE | AML_WANTS_DENSE | AML_ANYTIME | AML_REFIT,
    .params = params,
    .fit = fit,
    .predict = predict,
    .save = save,
    .load = load,
    .cost = cost,
    .importance = importance,
};
