/* nn_net.c: sizes, first weights, forward and backward pass of a chunk of rows. */
#include <math.h>
#include <string.h>

#include "automl/core/par.h"
#include "learners/parts/nn_gemm.h"
#include "learners/parts/nn_kernels.h"

/* ---- sizes and first weights */

static bool sizes_make_sense(const aml_nn *net) {
    if (net->layers < 1 || net->layers > AML_NN_MAX_LAYERS || net->width < 1 || net->width > 8192)
        return false;
    if (net->members < 1 || net->members > 256 || net->outputs < 1 || net->outputs > 1u << 24)
        return false;
    if (net->p > 1u << 24 || net->ramps > 1u << 28 || net->waves > 1u << 28) return false;
    if (net->plain > net->ramps || net->inputs != net->ramps + net->waves) return false;
    double units = (double)(net->members * net->width);
    double all = (double)net->width * (double)(net->inputs + net->layers * net->width) +
                 units * (double)(net->outputs + 2 * net->layers);
    return all < 4e9;
}

bool aml_nn_layout(aml_nn *net) {
    if (!sizes_make_sense(net)) return false;
    size_t at = 0, units = net->members * net->width;
    for (size_t l = 0; l < net->layers; l++) {
        net->layer[l].in = l ? net->width : net->inputs;
        net->layer[l].weight = at;
        at += net->layer[l].in * net->width;
    }
    net->head = at;
    net->n_decay = at += units * net->outputs;
    for (size_t l = 0; l < net->layers; l++) {
        net->layer[l].scale = at;
        net->layer[l].bias = at += units;
        at += units;
    }
    net->head_bias = at;
    net->frequency = at += net->members * net->outputs;
    net->phase = at += net->waves;
    net->n_theta = at + net->waves;
    return true;
}

static void draw_normal(float *v, size_t n, double deviation, aml_rng rng) {
    for (size_t i = 0; i < n; i++) v[i] = (float)(deviation * aml_rng_normal(&rng));
}

static void draw_uniform(float *v, size_t n, double half, aml_rng rng) {
    for (size_t i = 0; i < n; i++) v[i] = (float)(half * (2 * aml_rng_uniform(&rng) - 1));
}

/* Random signs make the members see different halves of the shared first layer. */
static void draw_scales(float *v, size_t n, bool signs, aml_rng rng) {
    for (size_t i = 0; i < n; i++) v[i] = signs && aml_rng_below(&rng, 2) ? -1 : 1;
}

aml_status aml_nn_init(aml_nn *net, double wave_scale, aml_rng rng, aml_arena *keep) {
    float *theta = net->theta = AML_ARRAY(keep, net->n_theta, float);
    if (!theta) return AML_ENOMEM;
    double gain = net->activation == AML_NN_SELU ? 1 : 2;
    for (size_t l = 0; l < net->layers; l++) {
        const aml_nn_layer *layer = &net->layer[l];
        uint32_t item = 4 * (uint32_t)l;
        double deviation = sqrt(gain / (double)(layer->in ? layer->in : 1));
        draw_normal(theta + layer->weight, layer->in * net->width, deviation,
                    aml_rng_child(&rng, item));
        draw_scales(theta + layer->scale, net->members * net->width, !l && net->members > 1,
                    aml_rng_child(&rng, item + 1));
        draw_uniform(theta + layer->bias, net->members * net->width, l ? 0.1 : 0.5,
                     aml_rng_child(&rng, item + 2));
    }
    draw_normal(theta + net->head, net->members * net->width * net->outputs,
                sqrt(0.5 / (double)net->width), aml_rng_child(&rng, 1000));
    draw_normal(theta + net->frequency, net->waves, wave_scale, aml_rng_child(&rng, 1001));
    draw_uniform(theta + net->phase, net->waves, 0.5, aml_rng_child(&rng, 1002));
    return AML_OK;
}

/* ---- buffers */

size_t aml_nn_chunk(const aml_nn *net) {
    size_t rows = 512 / net->members;
    return rows > 64 ? 64 : rows < 16 ? 16 : rows;
}

static aml_status backward_buffers(aml_nn_work *work, const aml_nn *net, size_t rows, bool drops,
                                   aml_arena *a) {
    size_t units = rows * net->members * net->width;
    work->d_out = AML_ARRAY(a, rows * net->members * net->outputs, float);
    work->d_a = AML_ARRAY(a, units, float);
    work->d_z = AML_ARRAY(a, units, float);
    work->d_first = AML_ARRAY(a, rows * net->width, float);
    work->d_input = AML_ARRAY(a, rows * net->waves, float);
    work->gradient = AML_ARRAY(a, net->n_theta, float);
    work->y = AML_ARRAY(a, rows, float);
    work->w = AML_ARRAY(a, rows, float);
    work->random = AML_ARRAY(a, drops ? units + 256 : 0, uint8_t);
    for (size_t l = 0; l < net->layers; l++)
        if (!(work->slope[l] = AML_ARRAY(a, units, float))) return AML_ENOMEM;
    if (!work->d_out || !work->d_a || !work->d_z || !work->d_first || !work->d_input)
        return AML_ENOMEM;
    return work->random && work->gradient && work->y && work->w ? AML_OK : AML_ENOMEM;
}

aml_status aml_nn_work_new(aml_nn_work *work, const aml_nn *net, size_t rows, bool trains,
                           bool drops, aml_arena *scratch) {
    *work = (aml_nn_work){.rows = rows, .trains = trains};
    size_t units = rows * net->members * net->width;
    work->input = AML_ARRAY(scratch, rows * net->inputs, float);
    work->angle = AML_ARRAY(scratch, rows * net->waves, float);
    work->first = AML_ARRAY(scratch, rows * net->width, float);
    work->out = AML_ARRAY(scratch, rows * net->members * net->outputs, float);
    if (!work->input || !work->angle || !work->first || !work->out) return AML_ENOMEM;
    for (size_t l = 0; l < net->layers; l++) {
        bool own = trains || l < 2; /* a prediction needs only the layer before */
        work->z[l] = !l ? work->first : own ? AML_ARRAY(scratch, units, float) : work->z[l - 1];
        work->a[l] = own ? AML_ARRAY(scratch, units, float) : work->a[l - 2];
        if (!work->z[l] || !work->a[l]) return AML_ENOMEM;
    }
    return trains ? backward_buffers(work, net, rows, drops, scratch) : AML_OK;
}

/* ---- forward */

static unsigned drop_threshold(double dropout) { return (unsigned)(dropout * 256 + 0.5); }
static float drop_factor(double dropout) { return 256.0f / (float)(256 - drop_threshold(dropout)); }

/* Activations of layer l from its products. */
static void activate(aml_nn_work *work, const aml_nn *net, size_t l, size_t n, double dropout,
                     const aml_rng *rng) {
    const float *scale = net->theta + net->layer[l].scale, *bias = net->theta + net->layer[l].bias;
    size_t block = n * net->width;
    aml_nn_unit unit = {.activation = net->activation,
                        .threshold = drop_threshold(dropout),
                        .factor = drop_factor(dropout)};
    if (unit.threshold) aml_nn_random(work->random, net->members * block, rng);
    for (size_t m = 0; m < net->members; m++) {
        size_t at = m * block;
        unit.scale = scale + m * net->width;
        unit.bias = bias + m * net->width;
        unit.random = unit.threshold ? work->random + at : NULL;
        unit.skip = l && net->residual ? work->a[l - 1] + at : NULL;
        aml_nn_unit_forward(work->a[l] + at, work->trains ? work->slope[l] + at : NULL,
                            l ? work->z[l] + at : work->first, &unit, n, net->width);
    }
}

static void forward_layer(aml_nn_work *work, const aml_nn *net, size_t l, size_t n) {
    const aml_nn_layer *layer = &net->layer[l];
    const float *from = l ? work->a[l - 1] : work->input;
    size_t rows = l ? net->members * n : n;
    if (layer->in)
        aml_nn_gemm(false, false, rows, net->width, layer->in, from, layer->in,
                    net->theta + layer->weight, net->width, false, work->z[l], net->width);
    else memset(work->z[l], 0, rows * net->width * sizeof(float));
}

static void forward_head(aml_nn_work *work, const aml_nn *net, size_t n) {
    const float *top = work->a[net->layers - 1];
    for (size_t m = 0; m < net->members; m++) {
        float *out = work->out + m * n * net->outputs;
        if (net->outputs == 1)
            aml_nn_dot_rows(out, top + m * n * net->width, net->theta + net->head + m * net->width,
                            n, net->width);
        else
            aml_nn_gemm(false, false, n, net->outputs, net->width, top + m * n * net->width,
                        net->width, net->theta + net->head + m * net->width * net->outputs,
                        net->outputs, false, out, net->outputs);
        aml_nn_add_bias(out, net->theta + net->head_bias + m * net->outputs, n, net->outputs);
    }
}

bool aml_nn_forward(aml_nn_work *work, const aml_nn *net, const aml_design *x, const uint32_t *rows,
                    size_t n, double dropout, aml_rng rng, const aml_ctx *ctx) {
    aml_nn_input_forward(work->input, work->angle, net, x->dense, rows, n);
    for (size_t l = 0; l < net->layers; l++) {
        if (aml_should_stop(ctx)) return !(work->stopped = true);
        aml_rng layer_rng = aml_rng_child(&rng, (uint32_t)l);
        forward_layer(work, net, l, n);
        if (!l && net->terms.n) aml_nn_terms_forward(work->first, net, x->csr, rows, n);
        activate(work, net, l, n, dropout, &layer_rng);
    }
    forward_head(work, net, n);
    return true;
}

/* ---- loss */

static float target(const aml_nn *net, float y, size_t j, float smoothing) {
    float k = net->link == AML_NN_LOGISTIC ? 2 : (float)net->outputs;
    bool hit = net->link == AML_NN_LOGISTIC ? y > 0.5f : y >= 0 && (size_t)y == j;
    return (hit ? 1 - smoothing : 0) + smoothing / k;
}

/* d loss / d out; all three links have the form prediction - target. */
static void d_loss(aml_nn_work *work, const aml_nn *net, size_t n, float smoothing, double total) {
    size_t k = net->outputs, rows = net->members * n;
    float *d = work->d_out, each = (float)(1 / (total * (double)net->members));
    memcpy(d, work->out, rows * k * sizeof *d);
    if (net->link == AML_NN_SOFTMAX) aml_nn_softmax(d, rows, k);
    if (net->link == AML_NN_LOGISTIC) aml_nn_logistic(d, rows);
    for (size_t m = 0; m < net->members; m++) {
        for (size_t i = 0; i < n; i++, d += k) {
            float y = work->y[i], w = work->w[i] * each;
            size_t hit = net->link == AML_NN_SOFTMAX ? (size_t)y : 0;
            float rest = net->link == AML_NN_SOFTMAX ? target(net, -1, 0, smoothing) : 0;
            float top = net->link == AML_NN_VALUE ? y : target(net, y, hit, smoothing);
            for (size_t j = 0; j < k; j++) d[j] = (d[j] - (j == hit ? top : rest)) * w;
        }
    }
}

static double row_loss(const aml_nn *net, const float *out, float y, double smoothing) {
    if (net->link == AML_NN_VALUE)
        return 0.5 * ((double)out[0] - (double)y) * ((double)out[0] - (double)y);
    if (net->link == AML_NN_LOGISTIC) {
        double u = (double)out[0], t = (double)target(net, y, 0, (float)smoothing);
        return fmax(u, 0) + log1p(exp(-fabs(u))) - t * u;
    }
    double most = (double)out[0], sum = 0, loss = 0;
    for (size_t j = 1; j < net->outputs; j++) most = fmax(most, (double)out[j]);
    for (size_t j = 0; j < net->outputs; j++) sum += exp((double)out[j] - most);
    for (size_t j = 0; j < net->outputs; j++)
        loss -= (double)target(net, y, j, (float)smoothing) * ((double)out[j] - most - log(sum));
    return loss;
}

double aml_nn_loss(const aml_nn_work *work, const aml_nn *net, size_t n, double smoothing,
                   double total) {
    double sum = 0;
    for (size_t i = 0; i < net->members * n; i++)
        sum += (double)work->w[i % n] *
               row_loss(net, work->out + i * net->outputs, work->y[i % n], smoothing);
    return sum / (total * (double)net->members);
}

/* ---- backward */

static void backward_head(aml_nn_work *work, const aml_nn *net, size_t n) {
    const float *top = work->a[net->layers - 1];
    size_t k = net->outputs, width = net->width;
    for (size_t m = 0; m < net->members; m++, top += n * width) {
        const float *d = work->d_out + m * n * k, *head = net->theta + net->head + m * width * k;
        float *d_head = work->gradient + net->head + m * width * k,
              *d_top = work->d_a + m * n * width;
        aml_nn_add_rows(work->gradient + net->head_bias + m * k, d, n, k);
        if (k == 1) {
            aml_nn_weigh_rows(d_head, top, d, n, width);
            aml_nn_outer(d_top, d, head, n, width);
        } else {
            aml_nn_gemm(true, false, width, k, n, top, width, d, k, false, d_head, k);
            aml_nn_gemm(false, true, n, width, k, d, k, head, k, false, d_top, width);
        }
    }
}

/* d_a of layer l to d of its products (shared by the members in the first layer). */
static float *backward_units(aml_nn_work *work, const aml_nn *net, size_t l, size_t n) {
    const aml_nn_layer *layer = &net->layer[l];
    size_t block = n * net->width;
    float *d_z = l ? work->d_z : work->d_first;
    for (size_t m = 0; m < net->members; m++) {
        size_t scale = layer->scale + m * net->width, bias = layer->bias + m * net->width;
        aml_nn_unit_backward(l ? d_z + m * block : d_z, !l && m, work->gradient + scale,
                             work->gradient + bias, work->d_a + m * block,
                             l ? work->z[l] + m * block : work->first, work->slope[l] + m * block,
                             net->theta + scale, n, net->width);
    }
    return d_z;
}

/* Where a layer adds to the one before, d_a stays and the layer's own share is added to it. */
static void backward_layer(aml_nn_work *work, const aml_nn *net, size_t l, size_t n) {
    const aml_nn_layer *layer = &net->layer[l];
    size_t rows = l ? net->members * n : n;
    float *d_z = backward_units(work, net, l, n);
    if (!layer->in) return;
    aml_nn_gemm(true, false, layer->in, net->width, rows, l ? work->a[l - 1] : work->input,
                layer->in, d_z, net->width, false, work->gradient + layer->weight, net->width);
    if (l)
        aml_nn_gemm(false, true, rows, layer->in, net->width, d_z, net->width,
                    net->theta + layer->weight, net->width, net->residual, work->d_a, layer->in);
    else if (net->waves) /* nothing before the ramps learns */
        aml_nn_gemm(false, true, rows, net->waves, net->width, d_z, net->width,
                    net->theta + layer->weight + net->ramps * net->width, net->width, false,
                    work->d_input, net->waves);
}

bool aml_nn_backward(aml_nn_work *work, const aml_nn *net, size_t n, double smoothing, double total,
                     const aml_ctx *ctx) {
    d_loss(work, net, n, (float)smoothing, total);
    memset(work->gradient + net->n_decay, 0, (net->n_theta - net->n_decay) * sizeof(float));
    backward_head(work, net, n);
    for (size_t l = net->layers; l-- > 0;) {
        if (aml_should_stop(ctx)) return !(work->stopped = true);
        backward_layer(work, net, l, n);
    }
    if (net->waves)
        aml_nn_input_backward(work->gradient, net, work->d_input, work->input, work->angle, n);
    return true;
}

/* ---- prediction */

/* Weights of a strange model file may be large enough for infinite sums, and differences of these. */
static void keep_finite(float *z, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(z[i]) < 1e30f)) z[i] = z[i] > 0 ? 1e30f : z[i] < 0 ? -1e30f : 0;
}

void aml_nn_link_mean(double *out, aml_nn_work *work, const aml_nn *net, size_t n) {
    size_t k = net->outputs, rows = net->members * n;
    keep_finite(work->out, rows * k);
    if (net->link == AML_NN_SOFTMAX) aml_nn_softmax(work->out, rows, k);
    if (net->link == AML_NN_LOGISTIC) aml_nn_logistic(work->out, rows);
    for (size_t i = 0; i < n * k; i++) {
        double sum = 0;
        for (size_t m = 0; m < net->members; m++) sum += (double)work->out[m * n * k + i];
        out[i] = sum / (double)net->members;
    }
    for (size_t i = 0; net->link == AML_NN_SOFTMAX && i < n;
         i++) { /* float sums are 1 to 1e-7 only */
        double sum = 0;
        for (size_t j = 0; j < k; j++) sum += out[i * k + j];
        for (size_t j = 0; j < k; j++) out[i * k + j] /= sum;
    }
}

typedef struct prediction {
    double *out;
    const aml_nn *net;
    const aml_design *x;
    const uint32_t *rows;
    aml_nn_work *work; /* one a thread */
    const aml_ctx *ctx;
} prediction;

static void predict_chunk(void *arg, size_t block, size_t begin, size_t end, int thread) {
    prediction *job = arg;
    aml_nn_work *work = &job->work[thread];
    (void)block;
    if (work->stopped) return;
    if (aml_nn_forward(work, job->net, job->x, job->rows + begin, end - begin, 0, job->ctx->rng,
                       job->ctx))
        aml_nn_link_mean(job->out + begin * job->net->outputs, work, job->net, end - begin);
}

aml_status aml_nn_predict(double *out, const aml_nn *net, const aml_design *x, const uint32_t *rows,
                          size_t n, aml_ctx *ctx) {
    size_t chunk = aml_nn_chunk(net), n_works = ctx->n_threads > 1 ? (size_t)ctx->n_threads : 1;
    aml_mark mark = aml_arena_mark(ctx->scratch);
    prediction job = {out, net, x, rows, AML_ARRAY(ctx->scratch, n_works, aml_nn_work), ctx};
    if (!job.work) return AML_ENOMEM;
    for (size_t t = 0; t < n_works; t++)
        AML_TRY(
            aml_nn_work_new(&job.work[t], net, n < chunk ? n : chunk, false, false, ctx->scratch));
    aml_par_for(ctx->n_threads, n, chunk, predict_chunk, &job);
    bool stopped = false;
    for (size_t t = 0; t < n_works; t++) stopped |= job.work[t].stopped;
    aml_arena_release(ctx->scratch, mark);
    return stopped ? aml_stopped() : AML_OK;
}
