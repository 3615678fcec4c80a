/* logistic.c: logistic regression, binary and multinomial, with an L2 penalty, on dense and sparse
 * features. */
#include "automl/core/learner.h"
#include "learners/parts/linear.h"

#include <math.h>

enum { C, TOLERANCE };

static const aml_param params[] = {
    {.name = "C",
     .summary = "weight of the losses against half the squared coefficients",
     .kind = AML_REAL,
     .log = true,
     .lo = 1e-3,
     .hi = 1e4,
     .fallback = 1},
    AML_LINEAR_TOLERANCE,
    {.name = NULL}};

static aml_status fit(void **model, const aml_data *train, const double *hp, aml_ctx *ctx) {
    aml_linear *m = AML_NEW(ctx->keep, aml_linear);
    aml_linear_task task = {.loss =
                                train->task == AML_BINARY ? aml_loss_logistic : aml_loss_softmax,
                            .penalty = 1 / hp[C],
                            .tolerance = hp[TOLERANCE]};
    if (!m) return AML_ENOMEM;
    AML_TRY(aml_linear_fit(m, train, &task, ctx));
    *model = m;
    return AML_OK;
}

static aml_status predict(double *out, const void *model, const aml_data *x, aml_ctx *ctx) {
    const aml_linear *m = model;
    return aml_linear_predict(out, m, x, m->k == 1 ? aml_link_logistic : aml_link_softmax, NULL,
                              ctx);
}

static void link_of(double *z, const void *model) {
    size_t k = ((const aml_linear *)model)->k;
    if (k == 1) aml_link_logistic(z, k, NULL);
    else aml_link_softmax(z, k, NULL);
}

static aml_status lower(uint32_t *out, const void *model, uint32_t x, aml_ir *ir) {
    AML_TRY(aml_linear_lower(out, model, x, ir));
    *out = aml_lower_probabilities(*out, ir);
    return ir->status;
}

static double cost(const double *hp, const aml_shape *shape) {
    static const aml_linear_prices price = {
        .row = 53e-9, .value = 10e-9, .matrix = 0.14e-9, .entry = 19e-9, .growth = 0.08, .easy = 1};
    return aml_linear_class_cost(shape, &price, hp[C]);
}

const aml_learner aml_learner_logistic = {
    .abi = AML_ABI,
    .name = "logistic",
    .summary = "logistic regression with an L2 penalty",
    .tasks = AML_CLASSIFICATION,
    .can =
        AML_CAN_WEIGHTS | AML_CAN_SPARSE | AML_WANTS_DENSE | AML_ANYTIME | AML_REFIT | AML_READABLE,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .predict = predict,
    .save = AML_FIT(aml_linear_save),
    .load = aml_linear_load,
    .cost = AML_FIT(cost),
    .importance = AML_FIT(aml_linear_importance),
    .contributions = AML_FIT(aml_linear_contributions),
    .link = AML_FIT(link_of),
    .lower = AML_FIT(lower),
};
