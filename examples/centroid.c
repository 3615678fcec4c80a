/* centroid.c: a plug-in: a learner that predicts the class whose mean is nearest, and a metric that it may be searched by. */
#include <automl_plugin.h>
#include <math.h>

/* ---- the learner: probabilities fall with the squared distance to the classes' means */

static const aml_param params[] = {{.name = "sharpness",
                                    .summary = "how fast probabilities fall with the distance",
                                    .kind = AML_REAL,
                                    .log = true,
                                    .lo = 0.01,
                                    .hi = 100,
                                    .fallback = 1},
                                   {0}};

typedef struct model {
    uint32_t p, k;
    double sharpness;
    double *mean; /* k × p */
} model;

static aml_status fit(void **out, const aml_data *d, const double *hp, aml_ctx *ctx) {
    size_t p = d->x->p, k = (size_t)d->n_classes;
    model *m = AML_NEW(ctx->keep, model);
    double *mean = AML_ARRAY(ctx->keep, k * p, double), *sum = AML_ARRAY(ctx->scratch, k, double);
    if (!m || !mean || !sum) return AML_ENOMEM;
    for (size_t i = 0; i < d->n; i++) {
        size_t row = d->rows[i], c = (size_t)d->y[row];
        double w = d->w ? d->w[row] : 1;
        sum[c] += w;
        for (size_t j = 0; j < p; j++) mean[c * p + j] += w * (double)d->x->dense[row * p + j];
        if (i % 4096 == 0 && aml_should_stop(ctx)) return aml_stopped();
    }
    for (size_t c = 0; c < k; c++)
        for (size_t j = 0; j < p && sum[c] > 0; j++) mean[c * p + j] /= sum[c];
    *m = (model){(uint32_t)p, (uint32_t)k, hp[0], mean};
    *out = m;
    return AML_OK;
}

static aml_status predict(double *out, const void *state, const aml_data *d, aml_ctx *ctx) {
    const model *m = state;
    double *z = AML_ARRAY(ctx->scratch, m->k, double);
    if (!z) return AML_ENOMEM;
    for (size_t i = 0; i < d->n; i++) {
        const float *x = d->x->dense + (size_t)d->rows[i] * m->p;
        double nearest = INFINITY, sum = 0;
        for (size_t c = 0; c < m->k; c++) {
            z[c] = 0;
            for (size_t j = 0; j < m->p; j++) {
                double gap = (double)x[j] - m->mean[c * m->p + j];
                z[c] += gap * gap;
            }
            if (z[c] < nearest) nearest = z[c];
        }
        for (size_t c = 0; c < m->k; c++) sum += z[c] = exp(m->sharpness * (nearest - z[c]));
        if (m->k == 2) out[i] = z[1] / sum;
        for (size_t c = 0; m->k > 2 && c < m->k; c++) out[i * m->k + c] = z[c] / sum;
    }
    return AML_OK;
}

static void save(const void *state, aml_writer *w) {
    const model *m = state;
    aml_put_u32(w, m->p);
    aml_put_u32(w, m->k);
    aml_put_f64(w, m->sharpness);
    aml_put_f64s(w, m->mean, (size_t)m->p * m->k);
}

static aml_status load(void **out, aml_reader *r, aml_ctx *ctx) {
    model *m = AML_NEW(ctx->keep, model);
    if (!m) return AML_ENOMEM;
    m->p = aml_get_u32(r);
    m->k = aml_get_u32(r);
    m->sharpness = aml_get_f64(r);
    if (m->k < 2 || m->k > 1000) return aml_reader_fail(r, "%u centroids", m->k);
    m->mean = aml_get_f64s(r, ctx->keep, (size_t)m->p * m->k, NULL);
    *out = m;
    return r->status;
}

static const aml_learner centroid = {.abi = AML_ABI,
                                     .name = "centroid",
                                     .summary = "the class whose mean is nearest",
                                     .tasks = AML_CLASSIFICATION,
                                     .can = AML_CAN_WEIGHTS | AML_WANTS_DENSE | AML_REFIT,
                                     .params = params,
                                     .fit = fit,
                                     .predict = predict,
                                     .save = save,
                                     .load = load};

/* ---- the metric: the Brier score, 1/n Σ w (p - y)², of two classes (Brier 1950) */

static aml_status brier(double *out, const double *y, const double *w, const double *pred, size_t n,
                        int k) {
    double sum = 0, weights = 0;
    (void)k;
    for (size_t i = 0; i < n; i++) {
        double weight = w ? w[i] : 1, gap = pred[i] - y[i];
        sum += weight * gap * gap;
        weights += weight;
    }
    if (!(weights > 0)) return aml_fail(AML_EDATA, "no row has a weight");
    *out = sum / weights;
    return AML_OK;
}

static const aml_metric brier_score = {.abi = AML_ABI,
                                       .name = "brier_score",
                                       .summary = "mean squared error of the probability",
                                       .tasks = AML_BINARY,
                                       .higher_is_better = false,
                                       .best = 0,
                                       .worst = 1,
                                       .score = brier};

aml_status aml_plugin_init(void) {
    aml_status status = aml_register_learner(&centroid);
    return status ? status : aml_register_metric(&brier_score);
}
