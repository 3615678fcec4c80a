/* linear_model.c: what can be done with a fitted linear model: margins, save, load, importance. */
#include "learners/parts/linear.h"

#include "automl/core/par.h"
#include "learners/parts/rows.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 256, MOST_FEATURES = 1 << 28, MOST_OUTPUTS = 1 << 20 };
#define LARGEST_COEF 1e200

typedef struct prediction {
    double *out;
    const aml_linear *model;
    const aml_data *x;
    aml_linear_link link;
    const void *arg;
    const aml_ctx *ctx;
    atomic_bool stopped;
} prediction;

static float dense_value(const aml_design *d, size_t row, size_t j) {
    return aml_rows_value(d->dense ? d->dense[row * d->p + j] : d->column[j][row]);
}

/* Plain loops in the order of the features, so that a row gives the same bits in any company. */
static void margins(double *z, const aml_linear *m, const aml_data *x, size_t i) {
    size_t k = m->k;
    const double *coef = m->coef;
    memcpy(z, coef + (m->p + m->q) * k, k * sizeof *z);
    for (size_t j = 0; j < m->p; j++, coef += k) {
        double v = (double)dense_value(x->x, x->rows[i], j);
        for (size_t c = 0; c < k; c++) z[c] += v * coef[c];
    }
    if (!m->q) return;
    const uint32_t *column;
    const float *value;
    size_t n = aml_rows_entries(&column, &value, x, i);
    for (size_t e = 0; e < n; e++) {
        double v = (double)aml_rows_value(value[e]);
        for (size_t c = 0; c < k; c++) z[c] += v * coef[column[e] * k + c];
    }
}

static void predict_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    prediction *p = arg;
    size_t k = p->model->k;
    (void)block, (void)thread;
    if (aml_should_stop(p->ctx)) atomic_store(&p->stopped, true);
    if (atomic_load(&p->stopped)) return;
    for (size_t i = begin; i < end; i++) {
        margins(p->out + i * k, p->model, p->x, i);
        if (p->link) p->link(p->out + i * k, k, p->arg);
    }
}

aml_status aml_linear_predict(double *out, const aml_linear *model, const aml_data *x,
                              aml_linear_link link, const void *arg, aml_ctx *ctx) {
    AML_TRY(aml_rows_check(x, model->p, model->q, model->k));
    prediction p = {.out = out, .model = model, .x = x, .link = link, .arg = arg, .ctx = ctx};
    atomic_init(&p.stopped, false);
    aml_par_for(ctx->n_threads, x->n, BLOCK, predict_block, &p);
    return atomic_load(&p.stopped) ? aml_stopped() : AML_OK;
}

aml_status aml_linear_rescale(aml_linear *m, double unit, double shift, aml_ctx *ctx) {
    size_t d = (m->p + m->q + 1) * m->k;
    double *coef = aml_alloc_raw(ctx->keep, d, sizeof *coef);
    if (!coef) return AML_ENOMEM;
    for (size_t j = 0; j < d; j++) {
        coef[j] = unit * m->coef[j] + (j + m->k >= d ? shift : 0);
        if (!(fabs(coef[j]) < LARGEST_COEF))
            coef[j] = j + m->k >= d ? copysign(LARGEST_COEF, shift) : 0;
    }
    m->coef = coef;
    return AML_OK;
}

void aml_link_logistic(double *z, size_t k, const void *arg) {
    (void)k, (void)arg;
    double e = exp(-fabs(*z));
    *z = *z >= 0 ? 1 / (1 + e) : e / (1 + e);
}

void aml_link_softmax(double *z, size_t k, const void *arg) {
    double largest = z[0], sum = 0;
    (void)arg;
    for (size_t c = 1; c < k; c++) largest = z[c] > largest ? z[c] : largest;
    for (size_t c = 0; c < k; c++) sum += z[c] = exp(z[c] - largest);
    for (size_t c = 0; c < k; c++) z[c] /= sum;
}

aml_status aml_linear_predict_values(double *out, const void *model, const aml_data *x,
                                     aml_ctx *ctx) {
    return aml_linear_predict(out, model, x, NULL, NULL, ctx);
}

aml_status aml_linear_lower(uint32_t *out, const void *model, uint32_t x, aml_ir *ir) {
    const aml_linear *m = model;
    aml_ir_op1(ir, AML_OP_LINEAR, x);
    aml_ir_array(ir, "coef", AML_F64, m->coef, (m->p + m->q + 1) * m->k);
    *out = aml_ir_out(ir, AML_IR_VECTOR, m->k);
    return ir->status;
}

uint32_t aml_lower_probabilities(uint32_t z, aml_ir *ir) {
    size_t k = ir->status ? 1 : ir->values[z].width;
    aml_ir_op1(ir, k == 1 ? AML_OP_SIGMOID : AML_OP_SOFTMAX, z);
    if (k == 1) aml_ir_u32(ir, "stable", 1);
    return aml_ir_out(ir, AML_IR_VECTOR, k);
}

void aml_linear_save(const void *model, aml_writer *w) {
    const aml_linear *m = model;
    aml_put_u64(w, m->p);
    aml_put_u64(w, m->q);
    aml_put_u64(w, m->k);
    aml_put_f64s(w, m->coef, (m->p + m->q + 1) * m->k);
    aml_put_f64s(w, m->mean, m->p);
    aml_put_f64s(w, m->sd, m->p);
    aml_put_f64(w, m->gain);
}

static bool all_within(const double *v, size_t n, double lo, double hi) {
    for (size_t i = 0; i < n; i++)
        if (!(v[i] >= lo && v[i] <= hi)) return false;
    return true;
}

aml_status aml_linear_read(aml_linear *m, aml_reader *r, aml_ctx *ctx) {
    uint64_t p = aml_get_u64(r), q = aml_get_u64(r), k = aml_get_u64(r);
    if (r->status) return r->status;
    if (p > MOST_FEATURES || q > MOST_FEATURES || !k || k > MOST_OUTPUTS)
        return aml_reader_fail(r, "a linear model of impossible size");
    size_t n = (size_t)((p + q + 1) * k);
    m->p = (size_t)p, m->q = (size_t)q, m->k = (size_t)k;
    m->coef = aml_get_f64s(r, ctx->keep, n, NULL);
    m->mean = aml_get_f64s(r, ctx->keep, m->p, NULL);
    m->sd = aml_get_f64s(r, ctx->keep, m->p, NULL);
    m->gain = aml_get_f64(r);
    if (r->status) return r->status;
    if (!all_within(m->coef, n, -LARGEST_COEF, LARGEST_COEF) ||
        !all_within(m->mean, m->p, -LARGEST_COEF, LARGEST_COEF) ||
        !all_within(m->sd, m->p, 0, LARGEST_COEF) || !all_within(&m->gain, 1, 0, LARGEST_COEF))
        return aml_reader_fail(r, "a coefficient is out of range");
    return AML_OK;
}

aml_status aml_linear_load(void **model, aml_reader *r, aml_ctx *ctx) {
    aml_linear *m = AML_NEW(ctx->keep, aml_linear);
    if (!m) return AML_ENOMEM;
    AML_TRY(aml_linear_read(m, r, ctx));
    *model = m;
    return AML_OK;
}

aml_status aml_linear_load_regression(void **model, aml_reader *r, aml_ctx *ctx) {
    AML_TRY(aml_linear_load(model, r, ctx));
    const aml_linear *m = *model;
    return m->k == 1 ? AML_OK : aml_reader_fail(r, "a regression with %zu outputs", m->k);
}

static void explain_row(double *out, const aml_linear *m, const aml_data *x, size_t i) {
    size_t k = m->k;
    double *base = out + m->p * k;
    margins(base, m, x, i);
    for (size_t j = 0; j < m->p; j++) {
        double v = (double)dense_value(x->x, x->rows[i], j) - m->mean[j];
        for (size_t c = 0; c < k; c++) base[c] -= out[j * k + c] = v * m->coef[j * k + c];
    }
}

static void explain_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    prediction *p = arg;
    (void)block, (void)thread;
    if (aml_should_stop(p->ctx)) atomic_store(&p->stopped, true);
    if (atomic_load(&p->stopped)) return;
    size_t width = (p->model->p + 1) * p->model->k;
    for (size_t i = begin; i < end; i++) explain_row(p->out + i * width, p->model, p->x, i);
}

aml_status aml_linear_contributions(double *out, const void *model, const aml_data *x,
                                    aml_ctx *ctx) {
    const aml_linear *m = model;
    AML_TRY(aml_rows_check(x, m->p, m->q, m->k));
    prediction p = {.out = out, .model = m, .x = x, .ctx = ctx};
    atomic_init(&p.stopped, false);
    aml_par_for(ctx->n_threads, x->n, BLOCK, explain_block, &p);
    return atomic_load(&p.stopped) ? aml_stopped() : AML_OK;
}

aml_status aml_linear_importance(double *out, const void *model, size_t p) {
    const aml_linear *m = model;
    double sum = 0;
    for (size_t j = 0; j < p; j++) {
        out[j] = 0;
        for (size_t c = 0; j < m->p && c < m->k; c++)
            out[j] += fabs(m->coef[j * m->k + c]) * m->sd[j];
        sum += out[j];
    }
    for (size_t j = 0; j < p; j++) out[j] = sum > 0 && isfinite(sum) ? out[j] / sum : 0;
    return AML_OK;
}

double aml_linear_class_cost(const aml_shape *s, const aml_linear_prices *price, double c) {
    double k = s->task == AML_MULTICLASS ? s->n_classes : 1, n = (double)s->n, p = (double)s->p;
    double rows = fmin(n, fmax(8192, 12 * p)), matrix = p < 2048 ? rows * p * p * price->matrix : 0;
    double dense = n * (price->value * p + price->row) * pow(c, price->growth) + matrix;
    return k * (3e-5 + dense + (double)s->nnz * price->entry * pow(fmax(c / price->easy, 1), 0.4));
}

double aml_linear_cost(const aml_shape *s, double passes) {
    double k = s->task == AML_MULTICLASS ? s->n_classes : 1, n = (double)s->n, p = (double)s->p;
    double pass = (n * p * 0.8e-9 + (double)s->nnz * 3e-9) * k;
    double rows = n < 16384 + 16 * p ? n : 16384 + 16 * p,
           solve = p < 2048 ? p * p * rows * (k > 1 ? 6e-10 * k : 1.4e-10) : 0;
    return 3e-5 + passes * pass + solve;
}
