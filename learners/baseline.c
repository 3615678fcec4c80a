/* baseline.c: the constant that every model has to beat: class shares, or the mean. */
#include "automl/core/learner.h"

#include <math.h>
#include <string.h>

#include "learners/parts/rows.h"

enum { MOST_OUTPUTS = 1 << 20 };

typedef struct baseline {
    size_t k;
    bool shares;         /* probabilities, else a mean */
    const double *value; /* k: what every row gets */
} baseline;

static double weight(const aml_data *x, size_t i) { return x->w ? x->w[x->rows[i]] : 1; }

static void shares(double *out, size_t n_classes, const aml_data *train, bool weighted) {
    double total = 0;
    memset(out, 0, n_classes * sizeof *out);
    for (size_t i = 0; i < train->n; i++) {
        double w = weighted ? weight(train, i) : 1;
        out[(size_t)train->y[train->rows[i]]] += w;
        total += w;
    }
    if (!(total > 0) && weighted) {
        shares(out, n_classes, train, false);
        return;
    }
    for (size_t c = 0; c < n_classes; c++) out[c] = fmin(out[c] / total, 1);
}

/* A running mean: no sum that could overflow. */
static double mean_target(const aml_data *train, bool weighted) {
    double mean = 0, total = 0;
    for (size_t i = 0; i < train->n; i++) {
        double w = weighted ? weight(train, i) : 1, y = train->y[train->rows[i]];
        total += w;
        if (w > 0) mean += w / total * y - w / total * mean;
    }
    return total > 0 || !weighted ? mean : mean_target(train, false);
}

static aml_status fit(void **model, const aml_data *train, const double *hp, aml_ctx *ctx) {
    (void)hp;
    baseline *m = AML_NEW(ctx->keep, baseline);
    size_t n_classes = train->task == AML_REGRESSION ? 1 : (size_t)train->n_classes;
    double *value = AML_ARRAY(ctx->keep, n_classes, double);
    if (!m || !value) return AML_ENOMEM;
    m->k = (size_t)aml_task_outputs(train->task, train->n_classes);
    m->shares = train->task != AML_REGRESSION;
    m->value = value;
    if (train->task == AML_REGRESSION) value[0] = mean_target(train, true);
    else shares(value, n_classes, train, true);
    if (train->task == AML_BINARY) value[0] = value[1];
    *model = m;
    return AML_OK;
}

static aml_status predict(double *out, const void *model, const aml_data *x, aml_ctx *ctx) {
    const baseline *m = model;
    (void)ctx;
    AML_TRY(aml_rows_check_outputs(x, m->k));
    for (size_t i = 0; i < x->n; i++) memcpy(out + i * m->k, m->value, m->k * sizeof *out);
    return AML_OK;
}

/* Nothing but what is predicted without any feature. */
static aml_status contributions(double *out, const void *model, const aml_data *x, aml_ctx *ctx) {
    const baseline *m = model;
    size_t features = x->x->p * m->k;
    (void)ctx;
    AML_TRY(aml_rows_check_outputs(x, m->k));
    for (size_t i = 0; i < x->n; i++, out += features + m->k) {
        for (size_t j = 0; j < features; j++) out[j] = 0;
        memcpy(out + features, m->value, m->k * sizeof *out);
    }
    return AML_OK;
}

static aml_status lower(uint32_t *out, const void *model, uint32_t x, aml_ir *ir) {
    const baseline *m = model;
    (void)x;
    aml_ir_op(ir, AML_OP_CONSTANT, NULL, 0);
    aml_ir_array(ir, "value", AML_F64, m->value, m->k);
    *out = aml_ir_out(ir, AML_IR_VECTOR, m->k);
    return ir->status;
}

static void save(const void *model, aml_writer *w) {
    const baseline *m = model;
    aml_put_u8(w, m->shares);
    aml_put_f64s(w, m->value, m->k);
}

static bool sound(const baseline *m) {
    double sum = 0;
    for (size_t c = 0; c < m->k; c++) {
        if (!isfinite(m->value[c]) || (m->shares && !(m->value[c] >= 0 && m->value[c] <= 1)))
            return false;
        sum += m->value[c];
    }
    return !m->shares || m->k == 1 || fabs(sum - 1) < 1e-9;
}

static aml_status load(void **model, aml_reader *r, aml_ctx *ctx) {
    baseline *m = AML_NEW(ctx->keep, baseline);
    if (!m) return AML_ENOMEM;
    uint8_t are_shares = aml_get_u8(r);
    m->shares = are_shares;
    m->value = aml_get_f64s(r, ctx->keep, SIZE_MAX, &m->k);
    if (r->status) return r->status;
    if (!m->k || m->k > MOST_OUTPUTS || are_shares > 1)
        return aml_reader_fail(r, "a baseline with %zu outputs", m->k);
    if (!sound(m)) return aml_reader_fail(r, "a baseline out of range");
    *model = m;
    return AML_OK;
}

static double cost(const double *hp, const aml_shape *shape) {
    (void)hp;
    return 3e-6 + 2.3e-9 * (double)shape->n;
}

static aml_status importance(double *out, const void *model, size_t p) {
    (void)model;
    for (size_t j = 0; j < p; j++) out[j] = 0;
    return AML_OK;
}

static const aml_param params[] = {{.name = NULL}};

const aml_learner aml_learner_baseline = {
    .abi = AML_ABI,
    .name = "baseline",
    .summary = "constant prediction: class shares or the mean",
    .tasks = AML_ANY_TASK,
    .can = AML_CAN_WEIGHTS | AML_CAN_MISSING | AML_CAN_CATEGORIES | AML_CAN_SPARSE | AML_YARDSTICK |
           AML_REFIT | AML_CAN_MONOTONE | AML_CAN_GROUPS,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .predict = predict,
    .save = AML_FIT(save),
    .load = load,
    .cost = AML_FIT(cost),
    .importance = AML_FIT(importance),
    .contributions = AML_FIT(contributions),
    .lower = AML_FIT(lower),
};
