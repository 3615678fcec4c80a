/* logistic.c: logistic regression, binary and multinomial, with an L2 penalty, on dense and sparse
 * features. */
#include "automl/core/learner.h"
#include "learners/parts/linear.h"

static const aml_param params[] = {
    {.name = "C",
     .summary = "weight of the losses against half the squared coefficients",
     .kind = AML_REAL,
     .log = true,
     .lo = 1e-3,
     .hi = 1e4,
     .fallback = 1},
    {.name = NULL}};

static aml_status fit(void **model, const aml_data *train, const double *hp, aml_ctx *ctx) {
    aml_linear *m = AML_NEW(ctx->keep, aml_linear);
    aml_linear_loss loss = train->task == AML_BINARY ? aml_loss_logistic : aml_loss_softmax;
    if (!m) return AML_ENOMEM;
    AML_TRY(aml_linear_fit(m, train, loss, 1 / hp[0], ctx));
    *model = m;
    return AML_OK;
}

static aml_status predict(double *out, const void *model, const aml_data *x, aml_ctx *ctx) {
    const aml_linear *m = model;
    return aml_linear_predict(out, m, x, m->k == 1 ? aml_link_logistic : aml_link_softmax, NULL,
                              ctx);
}

static void save(const void *model, aml_writer *w) { aml_linear_save(model, w); }

static aml_status load(void **model, aml_reader *r, aml_ctx *ctx) {
    aml_linear *m = AML_NEW(ctx->keep, aml_linear);
    if (!m) return AML_ENOMEM;
    AML_TRY(aml_linear_load(m, r, ctx));
    *model = m;
    return AML_OK;
}

static double cost(const double *hp, const aml_shape *shape) {
    double passes = (hp[0] > 10 ? 25 : 12) * (shape->task == AML_MULTICLASS || shape->nnz ? 5 : 1);
    return aml_linear_cost(shape, passes);
}

static aml_status importance(double *out, const void *model, size_t p) {
    return aml_linear_importance(out, model, p);
}

const aml_learner aml_learner_logistic = {
    .abi = AML_ABI,
    .name = "logistic",
    .summary = "logistic regression with an L2 penalty",
    .tasks = AML_CLASSIFICATION,
    .can = AML_CAN_WEIGHTS | AML_CAN_SPARSE | AML_WANTS_DENSE | AML_ANYTIME | AML_REFIT,
    .params = params,
    .fit = fit,
    .predict = predict,
    .save = save,
    .load = load,
    .cost = cost,
    .importance = importance,
};
