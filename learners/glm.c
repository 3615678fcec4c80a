/* glm.c: linear regression for other losses than the squared one: Huber's (outliers count less), a
 * quantile's, and Poisson's with its logarithmic link (counts). */
#include "automl/core/learner.h"
#include "automl/core/sort.h"
#include "learners/parts/linear.h"
#include "learners/parts/rows.h"

#include <float.h>
#include <math.h>

enum { LOSS, ALPHA, DELTA, QUANTILE };
enum { HUBER, PINBALL, POISSON };
#define TOLERANCE 1e-9
#define LARGEST_LOG 650.0

static const char *const losses[] = {"huber", "quantile", "poisson", NULL};
static const aml_param params[] = {
    [LOSS] = {.name = "loss",
              .summary = "what is minimised",
              .kind = AML_CHOICE,
              .fallback = HUBER,
              .choices = losses},
    [ALPHA] = {.name = "alpha",
               .summary = "weight of the squared coefficients against the sum of losses",
               .kind = AML_REAL,
               .log = true,
               .lo = 1e-4,
               .hi = 1e4,
               .fallback = 1},
    [DELTA] = {.name = "delta",
               .summary = "huber: residuals beyond it are outliers, in robust standard deviations",
               .kind = AML_REAL,
               .lo = 0.5,
               .hi = 5,
               .fallback = 1.35},
    [QUANTILE] = {.name = "quantile",
                  .summary = "quantile: the share of the target that lies below the prediction",
                  .kind = AML_REAL,
                  .lo = 0.01,
                  .hi = 0.99,
                  .fallback = 0.5,
                  .fixed = true},
    {.name = NULL}};

typedef struct glm {
    aml_linear linear; /* first: what linear models share reads it */
    double counts;     /* 1 where the logarithm of the mean is linear, else 0 */
    double shift;      /* counts from here: the smallest target where one is negative */
} glm;

/* The weighted median of v. */
static aml_status median(double *out, const double *v, const double *w, size_t n, aml_ctx *ctx) {
    uint32_t *order = AML_ARRAY(ctx->scratch, n, uint32_t);
    double total = 0, below = 0;
    if (!order) return AML_ENOMEM;
    AML_TRY(aml_argsort(order, v, n));
    for (size_t i = 0; i < n; i++) total += w[i];
    *out = n ? v[order[n - 1]] : 0;
    for (size_t i = 0; i < n; i++) {
        below += w[order[i]];
        if (below < 0.5 * total) continue;
        *out = v[order[i]];
        break;
    }
    return AML_OK;
}

/* The median absolute deviation from `center`, in standard deviations of a normal distribution; where
 * it is 0 the mean one, and 1 where that is 0 as well. */
static aml_status spread(double *out, const double *v, double center, const double *w, size_t n,
                         aml_ctx *ctx) {
    double *size = AML_ARRAY(ctx->scratch, n, double), mean = 0, total = 0;
    if (!size) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) size[i] = fabs(v[i] - center);
    AML_TRY(median(out, size, w, n, ctx));
    for (size_t i = 0; i < n; i++) total += w[i];
    for (size_t i = 0; i < n; i++) mean += w[i] / total * size[i];
    *out = *out > 1e-9 * mean ? 1.4826 * *out : mean > 0 ? mean : 1;
    return AML_OK;
}

/* The target by position in robust units, and its weights. */
typedef struct target {
    double *y, *w, center, unit;
} target;

static aml_status robust_target(target *t, const aml_data *train, aml_ctx *ctx) {
    double total;
    t->w = aml_rows_weights(&total, train, ctx->scratch);
    t->y = AML_ARRAY(ctx->scratch, train->n, double);
    if (!t->w || !t->y) return AML_ENOMEM;
    for (size_t i = 0; i < train->n; i++) t->y[i] = train->y[train->rows[i]];
    AML_TRY(median(&t->center, t->y, t->w, train->n, ctx));
    AML_TRY(spread(&t->unit, t->y, t->center, t->w, train->n, ctx));
    for (size_t i = 0; i < train->n; i++) t->y[i] = (t->y[i] - t->center) / t->unit;
    return AML_OK;
}

static aml_status residual_spread(double *out, const aml_linear *m, const aml_data *train,
                                  const target *t, aml_ctx *ctx) {
    double *r = AML_ARRAY(ctx->scratch, train->n, double);
    if (!r) return AML_ENOMEM;
    AML_TRY(aml_linear_predict(r, m, train, NULL, NULL, ctx));
    for (size_t i = 0; i < train->n; i++) r[i] = t->y[i] - r[i];
    return spread(out, r, 0, t->w, train->n, ctx);
}

/* A wide parabola first, for a sound start; then the one asked for, in units of what the last fit
 * leaves, and for a quantile ever narrower ones. */
static aml_status fit_robust(aml_linear *m, const aml_data *train, const double *hp, aml_ctx *ctx) {
    target t;
    AML_TRY(robust_target(&t, train, ctx));
    bool huber = (int)hp[LOSS] == HUBER;
    const double widths[] = {0.3, 0.1, 0.03};
    double shape[2] = {huber ? hp[DELTA] : hp[QUANTILE], 1}, left;
    aml_linear_task task = {.loss = huber ? aml_loss_huber : aml_loss_pinball,
                            .shape = shape,
                            .penalty = hp[ALPHA],
                            .tolerance = TOLERANCE,
                            .y = t.y};
    AML_TRY(aml_linear_fit(m, train, &task, ctx));
    for (int step = 0; step < 3 && !ctx->truncated; step++) {
        AML_TRY(residual_spread(&left, m, train, &t, ctx));
        if (huber) shape[0] = hp[DELTA] * left;
        else shape[1] = widths[step] * left;
        task.start = m->coef;
        AML_TRY(aml_linear_fit(m, train, &task, ctx));
    }
    return aml_linear_rescale(m, t.unit, t.center, ctx);
}

/* Divided by their mean: the same model with another intercept, and a loss of common size. */
static aml_status fit_counts(glm *m, const aml_data *train, double alpha, aml_ctx *ctx) {
    double total, least = 0, largest = 0, mean = 0;
    double *w = aml_rows_weights(&total, train, ctx->scratch);
    double *y = AML_ARRAY(ctx->scratch, train->n, double);
    if (!w || !y) return AML_ENOMEM;
    for (size_t i = 0; i < train->n; i++) least = fmin(least, train->y[train->rows[i]]);
    for (size_t i = 0; i < train->n; i++) {
        y[i] = train->y[train->rows[i]] - least;
        largest = fmax(largest, y[i]);
    }
    for (size_t i = 0; i < train->n && largest > 0; i++) mean += w[i] / total * (y[i] / largest);
    mean = mean > 0 ? mean * largest : 1;
    for (size_t i = 0; i < train->n; i++) y[i] /= mean;
    aml_linear_task task = {
        .loss = aml_loss_poisson, .penalty = alpha / mean, .tolerance = TOLERANCE, .y = y};
    AML_TRY(aml_linear_fit(&m->linear, train, &task, ctx));
    m->counts = 1;
    m->shift = least;
    return aml_linear_rescale(&m->linear, 1, log(mean), ctx);
}

static aml_status fit(void **model, const aml_data *train, const double *hp, aml_ctx *ctx) {
    glm *m = AML_NEW(ctx->keep, glm);
    if (!m) return AML_ENOMEM;
    if ((int)hp[LOSS] == POISSON) AML_TRY(fit_counts(m, train, hp[ALPHA], ctx));
    else AML_TRY(fit_robust(&m->linear, train, hp, ctx));
    *model = m;
    return AML_OK;
}

static void count_link(double *z, size_t k, const void *arg) {
    const glm *m = arg;
    (void)k;
    *z = exp(fmin(*z, LARGEST_LOG)) + m->shift;
}

static aml_status predict(double *out, const void *model, const aml_data *x, aml_ctx *ctx) {
    const glm *m = model;
    return aml_linear_predict(out, &m->linear, x, m->counts > 0 ? count_link : NULL, m, ctx);
}

static void link_of(double *z, const void *model) {
    const glm *m = model;
    if (m->counts > 0) count_link(z, 1, m);
}

static void save(const void *model, aml_writer *w) {
    const glm *m = model;
    aml_linear_save(&m->linear, w);
    aml_put_f64(w, m->counts);
    aml_put_f64(w, m->shift);
}

static aml_status load(void **model, aml_reader *r, aml_ctx *ctx) {
    glm *m = AML_NEW(ctx->keep, glm);
    if (!m) return AML_ENOMEM;
    AML_TRY(aml_linear_read(&m->linear, r, ctx));
    m->counts = aml_get_f64(r);
    m->shift = aml_get_f64(r);
    if (r->status) return r->status;
    if (m->linear.k != 1 || !isfinite(m->counts) || !isfinite(m->shift))
        return aml_reader_fail(r, "a regression out of range");
    *model = m;
    return AML_OK;
}

static aml_status lower(uint32_t *out, const void *model, uint32_t x, aml_ir *ir) {
    const glm *m = model;
    AML_TRY(aml_linear_lower(out, &m->linear, x, ir));
    if (!(m->counts > 0)) return ir->status;
    aml_ir_op1(ir, AML_OP_CLAMP, *out);
    aml_ir_f64(ir, "low", -DBL_MAX);
    aml_ir_f64(ir, "high", LARGEST_LOG);
    aml_ir_op1(ir, AML_OP_EXP, aml_ir_out(ir, AML_IR_VECTOR, 1));
    aml_ir_op1(ir, AML_OP_AFFINE, aml_ir_out(ir, AML_IR_VECTOR, 1));
    aml_ir_f64(ir, "scale", 1);
    aml_ir_array(ir, "offset", AML_F64, &m->shift, 1);
    *out = aml_ir_out(ir, AML_IR_VECTOR, 1);
    return ir->status;
}

static double cost(const double *hp, const aml_shape *shape) {
    double passes = (int)hp[LOSS] == POISSON ? 20 : 60;
    return aml_linear_cost(shape, shape->nnz ? 5 * passes : passes);
}

const aml_learner aml_learner_glm = {
    .abi = AML_ABI,
    .name = "glm",
    .summary = "linear regression for outliers, quantiles or counts",
    .tasks = AML_REGRESSION,
    .can = AML_CAN_WEIGHTS | AML_CAN_SPARSE | AML_WANTS_DENSE | AML_ANYTIME | AML_REFIT |
           AML_READABLE | AML_ON_REQUEST,
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
