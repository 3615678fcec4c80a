/* nn_input.c: features to input columns: robust scaling, quantile ramps, learnt waves. */
#include "learners/parts/nn_kernels.h"

#include <math.h>

#include "automl/core/sort.h"

enum { SAMPLE = 16384, MOST_INPUTS = 4096 };

typedef struct columns {
    uint32_t *source;
    float *origin, *slope, *low, *high;
    size_t n;
} columns;

static void ramp(columns *c, uint32_t source, float origin, float slope, float low, float high) {
    c->source[c->n] = source;
    c->origin[c->n] = origin;
    c->slope[c->n] = slope < 1e30f ? slope : 1e30f;
    c->low[c->n] = low;
    c->high[c->n++] = high;
}

/* The values of a feature in a sample of the rows that count, upwards; returns how many. */
static size_t sorted_sample(float *v, const aml_nn_data *d, size_t p, size_t feature,
                            aml_status *status) {
    size_t m = d->n < SAMPLE ? d->n : SAMPLE, n = 0;
    for (size_t i = 0; i < m; i++) {
        size_t at = i * d->n / m;
        float x = d->x->dense[(size_t)d->rows[at] * p + feature];
        if (isfinite(x) && (!d->w || d->w[at] > 0)) v[n++] = x;
    }
    *status = aml_sort_f32(v, n);
    return n;
}

/* Median to 0 and the interquartile range to 1.35, as for a normal; rare values by the whole range
 * (Holzmüller et al. 2024, "Better by default", section 3.1). */
static void scaled(columns *c, uint32_t feature, const float *v, size_t n) {
    float range = v[n - 1 - (n - 1) / 4] - v[(n - 1) / 4], slope = 1.35f / range;
    if (!(range > 0) || !(slope < 1e30f)) slope = 2 / (v[n - 1] - v[0]);
    ramp(c, feature, v[n / 2], slope, -1e6f, 1e6f);
}

static void encoded(columns *c, uint32_t feature, const float *v, size_t n, size_t bins) {
    size_t first = c->n;
    float from = v[0];
    for (size_t t = 1; t <= bins; t++) {
        float to = v[t * (n - 1) / bins];
        if (!(to > from)) continue;
        ramp(c, feature, from / 2 + to / 2, 2 / (to - from), -1, 1);
        from = to;
    }
    if (c->n == first + 1) c->n = first; /* one bin says no more than the scaled feature */
}

static bool room(columns *c, size_t n, aml_arena *keep) {
    c->source = AML_ARRAY(keep, n, uint32_t);
    c->origin = AML_ARRAY(keep, n, float);
    c->slope = AML_ARRAY(keep, n, float);
    c->low = AML_ARRAY(keep, n, float);
    c->high = AML_ARRAY(keep, n, float);
    return c->source && c->origin && c->slope && c->low && c->high;
}

static bool has_three_values(const float *v, size_t n) {
    for (size_t i = 1; i + 1 < n; i++)
        if (v[i] > v[0] && v[i] < v[n - 1]) return true;
    return false;
}

/* `many`: the plain columns of more than two values, for waves; *n_many of them. */
static aml_status fit_columns(columns *plain, columns *bins, uint32_t *many, size_t *n_many,
                              const aml_nn_data *d, size_t p, size_t detail, aml_ctx *ctx) {
    size_t m = d->n < SAMPLE ? d->n : SAMPLE;
    float *v = aml_alloc_raw(ctx->scratch, m, sizeof *v);
    if (!v) return AML_ENOMEM;
    for (size_t j = 0; j < p; j++) {
        if (aml_should_stop(ctx)) return aml_stopped();
        aml_status status;
        size_t n = sorted_sample(v, d, p, j, &status);
        AML_TRY(status);
        if (n < 2 || !(v[n - 1] > v[0])) continue;
        scaled(plain, (uint32_t)j, v, n);
        if (!has_three_values(v, n)) continue;
        many[(*n_many)++] = (uint32_t)(plain->n - 1);
        if (detail) encoded(bins, (uint32_t)j, v, n, detail);
    }
    return AML_OK;
}

static void append(columns *to, const columns *from) {
    for (size_t i = 0; i < from->n; i++)
        ramp(to, from->source[i], from->origin[i], from->slope[i], from->low[i], from->high[i]);
}

aml_status aml_nn_input_fit(aml_nn *net, const aml_nn_data *d, aml_nn_embedding embedding,
                            size_t detail, aml_ctx *ctx) {
    size_t p = net->p, most = p < MOST_INPUTS ? MOST_INPUTS / (p + 1) : 0;
    if (embedding == AML_NN_BOTH) detail = (detail + 1) / 2;
    if (detail > most) detail = most;
    size_t n_bins = embedding == AML_NN_PLE || embedding == AML_NN_BOTH ? detail : 0;
    size_t n_waves = embedding == AML_NN_PERIODIC || embedding == AML_NN_BOTH ? detail : 0;
    columns all = {0}, bins = {0};
    uint32_t *many = AML_ARRAY(ctx->scratch, p, uint32_t);
    size_t n_many = 0;
    if (!many || !room(&all, p * (1 + n_bins + n_waves), ctx->keep) ||
        !room(&bins, p * n_bins, ctx->scratch))
        return AML_ENOMEM;
    if (p && d->n) AML_TRY(fit_columns(&all, &bins, many, &n_many, d, p, n_bins, ctx));
    net->plain = all.n;
    append(&all, &bins);
    net->ramps = all.n;
    net->waves = n_many * n_waves;
    net->inputs = net->ramps + net->waves;
    for (size_t i = 0; i < net->waves; i++) all.source[net->ramps + i] = many[i / n_waves];
    net->source = all.source;
    net->origin = all.origin;
    net->slope = all.slope;
    net->low = all.low;
    net->high = all.high;
    return AML_OK;
}

void aml_nn_input_forward(float *out, float *angle, const aml_nn *net, const float *dense,
                          const uint32_t *rows, size_t n) {
    if (net->ramps) aml_nn_ramps(out, net, dense, rows, n);
    if (net->waves) aml_nn_waves(out, angle, net, n);
}

/* d_turns is left in the buffer of the angles, which is not needed any more. */
void aml_nn_input_backward(float *gradient, const aml_nn *net, const float *d_input,
                           const float *input, float *angle, size_t n) {
    const uint32_t *source = net->source + net->ramps;
    float *frequency = gradient + net->frequency, *phase = gradient + net->phase;
    aml_nn_wave_slope(angle, angle, n * net->waves);
    for (size_t i = 0; i < n; i++) {
        const float *row = input + i * net->inputs, *d = d_input + i * net->waves;
        for (size_t c = 0; c < net->waves; c++) {
            float d_turns = d[c] * angle[i * net->waves + c];
            phase[c] += d_turns;
            frequency[c] += d_turns * row[source[c]];
        }
    }
}
