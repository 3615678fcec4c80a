/* elastic_net.c: least squares with L1 and L2 penalties, on dense and sparse features. */
#include "automl/core/learner.h"
#include "learners/parts/enet.h"
#include "learners/parts/linear.h"

#include <math.h>

enum { ALPHA, L1_RATIO };
enum { MOST_LEVELS = 20 };
#define FACTOR 2.0      /* between two penalties on the way */
#define ON_THE_WAY 1e-3 /* duality gaps, in units of the target's variance */
#define AT_THE_END 1e-11

static const aml_param params[] = {
    [ALPHA] = {.name = "alpha",
               .summary = "strength of the penalty, for a target of standard deviation 1",
               .kind = AML_REAL,
               .log = true,
               .lo = 1e-5,
               .hi = 10,
               .fallback = 1e-2},
    [L1_RATIO] = {.name = "l1_ratio",
                  .summary = "share of the L1 penalty",
                  .kind = AML_REAL,
                  .lo = 0,
                  .hi = 1,
                  .fallback = 0.5},
    {.name = NULL}};

/* From the penalty at which all coefficients are 0 down to the one asked for: few features ever enter
 * the working set that do not stay. */
static aml_status descend(aml_enet *e, double l1, double l2) {
    double steps = ceil(log(aml_enet_largest(e) / l1) / log(FACTOR));
    int levels = steps > MOST_LEVELS ? MOST_LEVELS : steps > 1 ? (int)steps : 1;
    double ratio = levels > 1 ? pow(aml_enet_largest(e) / l1, 1.0 / levels) : 1;
    aml_status status = AML_OK;
    int level = 1;
    for (; level <= levels && !status; level++) {
        double above = pow(ratio, levels - level);
        status =
            aml_enet_solve(e, l1 * above, l2 * above, level == levels ? AT_THE_END : ON_THE_WAY);
    }
    if (status != AML_ESTOPPED || level <= 2) return status;
    e->ctx->truncated = true;
    aml_clear_error();
    return AML_OK;
}

/* Without an L1 penalty it is a ridge regression; otherwise alpha is for a target of spread 1. */
static aml_status fit_ridge(aml_linear *m, const aml_data *train, double alpha, aml_ctx *ctx) {
    double total;
    if (!aml_rows_weights(&total, train, ctx->scratch)) return AML_ENOMEM;
    aml_linear_task task = {.loss = aml_loss_squared, .penalty = alpha * total, .tolerance = 1e-18};
    return aml_linear_fit(m, train, &task, ctx);
}

static aml_status fit(void **model, const aml_data *train, const double *hp, aml_ctx *ctx) {
    double l1 = hp[ALPHA] * hp[L1_RATIO], l2 = hp[ALPHA] * (1 - hp[L1_RATIO]);
    aml_linear *m = AML_NEW(ctx->keep, aml_linear);
    aml_enet e;
    if (!m) return AML_ENOMEM;
    *model = m;
    if (!(l1 > 0)) return fit_ridge(m, train, hp[ALPHA], ctx);
    AML_TRY(aml_enet_init(&e, train, ctx));
    AML_TRY(descend(&e, l1, l2));
    double *coef = AML_ARRAY(ctx->keep, e.d + 1, double);
    double *mean = aml_copy(ctx->keep, e.center, e.p * sizeof *mean);
    double *sd = aml_copy(ctx->keep, e.sd, e.p * sizeof *sd);
    if (!coef || !mean || !sd) return AML_ENOMEM;
    aml_enet_coef(coef, &e);
    *m = (aml_linear){
        .p = e.p, .q = e.q, .k = 1, .coef = coef, .mean = mean, .sd = sd, .gain = e.gap};
    return AML_OK;
}

static double cost(const double *hp, const aml_shape *shape) {
    double n = (double)shape->n, p = (double)shape->p;
    double levels = pow(fmax(hp[ALPHA] * hp[L1_RATIO], 1e-5), -0.31);
    double set = fmin(fmin(p, n), 500) + (shape->nnz ? 300 : 0), pass = n * p + (double)shape->nnz;
    double products = p <= 2 * n && p <= 2048 ? n * p * p * 1e-11 : n * set * set * 4e-11;
    return 6e-5 + products + pass * 4.3e-9 + levels * set * set * 17e-9;
}

const aml_learner aml_learner_elastic_net = {
    .abi = AML_ABI,
    .name = "elastic_net",
    .summary = "linear regression with L1 and L2 penalties",
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
