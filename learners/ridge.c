/* ridge.c: least squares with an L2 penalty, on dense and sparse features. */
#include "automl/core/learner.h"
#include "learners/parts/linear.h"
#include "learners/parts/ridge_path.h"

#include <math.h>

enum { ALPHA, CHOOSE };
enum { GIVEN, LEAVE_ONE_OUT };
enum { PENALTIES = 25 };

static const char *const ways[] = {"given", "leave_one_out", NULL};
static const aml_param params[] = {
    [ALPHA] = {.name = "alpha",
               .summary = "weight of the squared coefficients against the sum of squared errors",
               .kind = AML_REAL,
               .log = true,
               .lo = 1e-4,
               .hi = 1e4,
               .fallback = 1},
    [CHOOSE] = {.name = "choose_alpha",
                .summary = "alpha as given, or the one with the least error of rows left out",
                .kind = AML_CHOICE,
                .fallback = GIVEN,
                .choices = ways},
    {.name = NULL}};

/* Penalties from 1e-4 to 1e5 by factors of about 2.4, and the fit with the best. */
static aml_status fit_best(aml_linear *m, const aml_data *train, aml_ctx *ctx) {
    size_t p = train->x->p;
    double alpha[PENALTIES];
    aml_ridge_path path;
    double *coef = AML_ARRAY(ctx->keep, p + 1, double);
    if (!coef) return AML_ENOMEM;
    for (int i = 0; i < PENALTIES; i++) alpha[i] = pow(10, -4 + 9.0 * i / (PENALTIES - 1));
    AML_TRY(aml_ridge_path_fit(&path, train, alpha, PENALTIES, false, ctx));
    for (size_t j = 0; j <= p; j++) coef[j] = path.coef[j * PENALTIES + path.best];
    *m = (aml_linear){.p = p, .k = 1, .coef = coef};
    m->mean = aml_copy(ctx->keep, path.mean, p * sizeof *m->mean);
    m->sd = aml_copy(ctx->keep, path.sd, p * sizeof *m->sd);
    return m->mean && m->sd ? AML_OK : AML_ENOMEM;
}

static aml_status fit(void **model, const aml_data *train, const double *hp, aml_ctx *ctx) {
    aml_linear *m = AML_NEW(ctx->keep, aml_linear);
    aml_linear_task task = {.loss = aml_loss_squared, .penalty = hp[ALPHA], .tolerance = 1e-18};
    bool best = (int)hp[CHOOSE] == LEAVE_ONE_OUT && aml_ridge_path_possible(train);
    if (!m) return AML_ENOMEM;
    AML_TRY(best ? fit_best(m, train, ctx) : aml_linear_fit(m, train, &task, ctx));
    *model = m;
    return AML_OK;
}

static double cost(const double *hp, const aml_shape *shape) {
    double n = (double)shape->n, p = (double)shape->p, least = fmin(n, p);
    bool choose = (int)hp[CHOOSE] == LEAVE_ONE_OUT;
    if (shape->nnz || least > 2048) return aml_linear_cost(shape, 40);
    double products = n * p * least * (choose ? 2e-11 : 1.3e-11);
    double cubes = choose || p > n ? least * least * least * 1.3e-10 : 0;
    return (choose ? 2 : 1) * (3e-5 + n * (3.7e-9 * p + 22e-9)) + products + cubes;
}

const aml_learner aml_learner_ridge = {
    .abi = AML_ABI,
    .name = "ridge",
    .summary = "linear regression with an L2 penalty",
    .tasks = AML_REGRESSION,
    .can =
        AML_CAN_WEIGHTS | AML_CAN_SPARSE | AML_WANTS_DENSE | AML_ANYTIME | AML_REFIT | AML_READABLE,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .predict = aml_linear_predict_values,
    .save = AML_FIT(aml_linear_save),
    .load = aml_linear_load_regression,
    .cost = AML_FIT(cost),
    .importance = AML_FIT(aml_linear_importance),
    .contributions = AML_FIT(aml_linear_contributions),
    .lower = AML_FIT(aml_linear_lower),
};
