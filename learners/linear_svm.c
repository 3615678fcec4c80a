/* linear_svm.c: linear support vector machine with the squared hinge loss, one class against the
 * others; its margins become probabilities on a fifth of the rows that a first fit leaves out. */
#include "automl/core/learner.h"
#include "learners/parts/calibrate.h"
#include "learners/parts/linear.h"
#include "learners/parts/rows.h"

#include <math.h>

enum { C, TOLERANCE };
#define ROUGHER 1000 /* the tolerance of the fit that only calibrates */

typedef struct linear_svm {
    aml_linear linear; /* first: what linear models share reads it */
    aml_calibration calibration;
} linear_svm;

static const aml_param params[] = {
    {.name = "C",
     .summary = "weight of the losses against half the squared coefficients",
     .kind = AML_REAL,
     .log = true,
     .lo = 1e-4,
     .hi = 1e3,
     .fallback = 0.1},
    AML_LINEAR_TOLERANCE,
    {.name = NULL}};

/* Half a fit is none: there would be no time left to calibrate it. */
static aml_status fit_linear(aml_linear *out, const aml_data *train, const double *start,
                             double tolerance, double c, aml_ctx *ctx) {
    aml_linear_task task = {
        .loss = aml_loss_squared_hinge, .penalty = 1 / c, .tolerance = tolerance, .start = start};
    AML_TRY(aml_linear_fit(out, train, &task, ctx));
    return ctx->truncated ? aml_stopped() : AML_OK;
}

/* Too few rows for a split: the margins of the training rows have to do. */
static aml_status calibrate(linear_svm *m, const aml_data *train, const double *hp, aml_ctx *ctx) {
    aml_data inner, rest;
    aml_linear first = m->linear;
    bool possible;
    size_t k = m->linear.k;
    AML_TRY(aml_calibration_split(&possible, &inner, &rest, train, ctx));
    if (possible)
        AML_TRY(fit_linear(&first, &inner, m->linear.coef, ROUGHER * hp[TOLERANCE], hp[C], ctx));
    else rest = *train;
    double *score = AML_ARRAY(ctx->scratch, rest.n * k, double),
           *y = AML_ARRAY(ctx->scratch, rest.n, double);
    double total, *w = aml_rows_weights(&total, &rest, ctx->scratch);
    if (!score || !y || !w) return AML_ENOMEM;
    for (size_t i = 0; i < rest.n; i++) y[i] = rest.y[rest.rows[i]];
    AML_TRY(aml_linear_predict(score, &first, &rest, NULL, NULL, ctx));
    return aml_calibration_fit(&m->calibration, score, y, w, rest.n, k, ctx);
}

static aml_status fit(void **model, const aml_data *train, const double *hp, aml_ctx *ctx) {
    linear_svm *m = AML_NEW(ctx->keep, linear_svm);
    if (!m) return AML_ENOMEM;
    AML_TRY(fit_linear(&m->linear, train, NULL, hp[TOLERANCE], hp[C], ctx));
    AML_TRY(calibrate(m, train, hp, ctx));
    *model = m;
    return AML_OK;
}

static aml_status predict(double *out, const void *model, const aml_data *x, aml_ctx *ctx) {
    const linear_svm *m = model;
    return aml_linear_predict(out, &m->linear, x, aml_calibration_apply, &m->calibration, ctx);
}

static void link_of(double *z, const void *model) {
    const linear_svm *m = model;
    aml_calibration_apply(z, m->linear.k, &m->calibration);
}

static void save(const void *model, aml_writer *w) {
    const linear_svm *m = model;
    aml_linear_save(&m->linear, w);
    aml_calibration_save(&m->calibration, w);
}

static aml_status load(void **model, aml_reader *r, aml_ctx *ctx) {
    linear_svm *m = AML_NEW(ctx->keep, linear_svm);
    if (!m) return AML_ENOMEM;
    AML_TRY(aml_linear_read(&m->linear, r, ctx));
    AML_TRY(aml_calibration_load(&m->calibration, m->linear.k, r, ctx));
    *model = m;
    return AML_OK;
}

static aml_status lower(uint32_t *out, const void *model, uint32_t x, aml_ir *ir) {
    const linear_svm *m = model;
    AML_TRY(aml_linear_lower(out, &m->linear, x, ir));
    *out = aml_calibration_lower(*out, &m->calibration, ir);
    return ir->status;
}

static double cost(const double *hp, const aml_shape *shape) {
    static const aml_linear_prices price = {.row = 207e-9, /* with the fit that calibrates */
                                            .matrix = 0.63e-9,
                                            .entry = 30e-9,
                                            .growth = 0.04,
                                            .easy = 0.1};
    return aml_linear_class_cost(shape, &price, hp[C]);
}

const aml_learner aml_learner_linear_svm = {
    .abi = AML_ABI,
    .name = "linear_svm",
    .summary = "linear support vector machine, calibrated",
    .tasks = AML_CLASSIFICATION,
    .can = AML_CAN_WEIGHTS | AML_CAN_SPARSE | AML_WANTS_DENSE | AML_REFIT | AML_READABLE,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .predict = predict,
    .save = AML_FIT(save),
    .load = load,
    .cost = AML_FIT(cost),
    .importance = AML_FIT(aml_linear_importance),
    .contributions = AML_FIT(aml_linear_contributions),
    .link = AML_FIT(link_of),
    .lower = AML_FIT(lower),
};
