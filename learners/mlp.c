/* mlp.c: a multilayer perceptron for tables: numeric embeddings and an ensemble that shares its weights. */
#include <math.h>
#include <string.h>

#include "automl/core/learner.h"
#include "learners/parts/nn.h"
#include "learners/parts/rows.h"

enum {
    LAYERS,
    WIDTH,
    ACTIVATION,
    RESIDUAL,
    EMBEDDING,
    DETAIL,
    WAVE_SCALE,
    MEMBERS,
    LEARNING_RATE,
    WEIGHT_DECAY,
    DROPOUT,
    LABEL_SMOOTHING,
    BATCH_SIZE,
    EPOCHS
};

static const char *const activations[] = {"relu", "silu", "selu", NULL};
static const char *const switches[] = {"off", "on", NULL};
static const char *const embeddings[] = {"none", "ple", "periodic", "both", NULL};

static const aml_param params[] = {
    [LAYERS] = {"layers", "hidden layers", AML_INT, false, 1, 4, 2, NULL, false},
    [WIDTH] = {"width", "units of a hidden layer", AML_INT, true, 32, 512, 128, NULL, false},
    [ACTIVATION] = {"activation", "what a unit does with its sum", AML_CHOICE, false, 0, 2, 0,
                    activations, false},
    [RESIDUAL] = {"residual", "layers add to the layer before", AML_CHOICE, false, 0, 1, 0,
                  switches, false},
    [EMBEDDING] = {"embedding",
                   "encoding of numbers: as they are, piecewise linear, waves, half of each",
                   AML_CHOICE, false, 0, 3, 3, embeddings, false},
    [DETAIL] = {"detail", "bins and waves a feature", AML_INT, true, 4, 64, 24, NULL, false},
    [WAVE_SCALE] = {"wave_scale", "spread of the waves' first frequencies", AML_REAL, true, 0.02, 2,
                    0.1, NULL, false},
    [MEMBERS] = {"members", "networks that share their weights and are averaged", AML_INT, true, 1,
                 16, 4, NULL, false},
    [LEARNING_RATE] = {"learning_rate", "largest step of AdamW", AML_REAL, true, 1e-4, 3e-2, 3e-3,
                       NULL, false},
    [WEIGHT_DECAY] = {"weight_decay", "pull of the weights to zero", AML_REAL, true, 1e-5, 1, 1e-2,
                      NULL, false},
    [DROPOUT] = {"dropout", "share of units left out at a step", AML_REAL, false, 0, 0.5, 0.05,
                 NULL, false},
    [LABEL_SMOOTHING] = {"label_smoothing", "share of a label spread over all classes", AML_REAL,
                         false, 0, 0.2, 0, NULL, false},
    [BATCH_SIZE] = {"batch_size", "rows of a step", AML_INT, true, 32, 1024, 128, NULL, false},
    [EPOCHS] = {"epochs",
                "passes over 10,000 rows; fewer rows get more, as the root of their number",
                AML_INT, true, 4, 100, 40, NULL, false},
    {0}};

enum { MOST_TERMS = 1 << 14, TEXT_ENTRIES = 32, TEXT_PASSES = 10 };

typedef struct mlp {
    aml_nn net;
    double centre, spread;  /* regression: of the target */
    double lowest, highest; /* regression: predictions are kept between them */
} mlp;

/* ---- fit */

/* Mean 0 and deviation 1 of the target over the rows that count. */
static void scale_target(mlp *m, const aml_data *d) {
    double weight = 0, mean = 0, square = 0;
    m->lowest = INFINITY, m->highest = -INFINITY;
    for (size_t i = 0; i < d->n; i++) {
        double y = d->y[d->rows[i]], w = d->w ? d->w[d->rows[i]] : 1;
        if (!(w > 0)) continue;
        weight += w;
        mean += (y - mean) * (w / weight);
        m->lowest = fmin(m->lowest, y), m->highest = fmax(m->highest, y);
    }
    if (!(weight > 0)) m->lowest = m->highest = 0;
    double largest = fmax(m->highest - mean, mean - m->lowest), unit = largest > 0 ? largest : 1;
    for (size_t i = 0; i < d->n; i++) {
        double u = (d->y[d->rows[i]] - mean) / unit, w = d->w ? d->w[d->rows[i]] : 1;
        if (w > 0) square += u * u * w;
    }
    double deviation = weight > 0 ? unit * sqrt(square / weight) : 1,
           reach = m->highest - m->lowest;
    m->centre = mean;
    m->spread = deviation > 0 && isfinite(deviation) ? deviation : 1;
    m->lowest -= reach / 4, m->highest += reach / 4;
}

/* Target and weights of a row list as float, weights brought to mean 1. */
static aml_status take_rows(aml_nn_data *out, const mlp *m, const aml_data *d, const uint32_t *rows,
                            size_t n, aml_arena *scratch) {
    float *y = aml_alloc_raw(scratch, n, sizeof *y),
          *w = d->w ? aml_alloc_raw(scratch, n, sizeof *w) : NULL;
    if (!y || (d->w && !w)) return AML_ENOMEM;
    double sum = 0, largest = 0;
    for (size_t i = 0; i < n; i++) {
        double u = (d->y[rows[i]] - m->centre) / m->spread;
        y[i] = (float)fmax(-1e6, fmin(1e6, u));
        if (w) largest = fmax(largest, d->w[rows[i]]);
    }
    for (size_t i = 0; w && i < n; i++) sum += d->w[rows[i]] / (largest > 0 ? largest : 1);
    for (size_t i = 0; w && i < n; i++)
        w[i] = sum > 0 ? (float)(d->w[rows[i]] / largest * ((double)n / sum)) : 1;
    *out = (aml_nn_data){.x = d->x, .rows = rows, .y = y, .w = w, .n = n};
    return AML_OK;
}

static void set_sizes(aml_nn *net, const aml_data *d, const double *hp) {
    *net = (aml_nn){.p = d->x->p,
                    .layers = (size_t)hp[LAYERS],
                    .width = (size_t)hp[WIDTH],
                    .members = (size_t)hp[MEMBERS],
                    .activation = (aml_nn_activation)hp[ACTIVATION],
                    .residual = hp[RESIDUAL] > 0.5};
    net->outputs = (size_t)aml_task_outputs(d->task, d->n_classes);
    net->link = d->task == AML_REGRESSION ? AML_NN_VALUE
                : d->task == AML_BINARY   ? AML_NN_LOGISTIC
                                          : AML_NN_SOFTMAX;
}

/* Few rows get more passes and smaller batches: at least some hundred steps in all. Rows of many sparse entries, texts,
 * are learnt by heart in as many: they get a tenth. */
static aml_nn_options schedule(const double *hp, size_t n, double entries) {
    double passes = fmax(1, sqrt(10000 / fmax((double)n, 2500)));
    if (entries > TEXT_ENTRIES) passes /= TEXT_PASSES;
    size_t batch = (size_t)hp[BATCH_SIZE], most = n / 16 > 32 ? n / 16 : 32;
    return (aml_nn_options){.learning_rate = hp[LEARNING_RATE],
                            .weight_decay = hp[WEIGHT_DECAY],
                            .dropout = hp[DROPOUT],
                            .label_smoothing = hp[LABEL_SMOOTHING],
                            .epochs = hp[EPOCHS] * passes,
                            .batch = batch < most ? batch : most};
}

static double entries_a_row(const aml_data *d) {
    const aml_csr *s = d->x->csr;
    double entries = 0;
    for (size_t i = 0; s && i < d->n; i++)
        entries += (double)(s->start[d->rows[i] + 1] - s->start[d->rows[i]]);
    return d->n ? entries / (double)d->n : 0;
}

/* Values of the net in the target's own scale, within its range. */
static void to_target(double *out, const mlp *m, size_t n) {
    for (size_t i = 0; m->net.link == AML_NN_VALUE && i < n; i++)
        out[i] = fmax(m->lowest, fmin(m->highest, m->centre + m->spread * out[i]));
}

static aml_status fit(void **model, const aml_data *d, const double *hp, aml_ctx *ctx) {
    mlp *m = AML_NEW(ctx->keep, mlp);
    if (!m) return AML_ENOMEM;
    m->spread = 1;
    if (d->task == AML_REGRESSION) scale_target(m, d);
    aml_nn_data train, valid;
    AML_TRY(take_rows(&train, m, d, d->rows, d->n, ctx->scratch));
    AML_TRY(take_rows(&valid, m, d, d->valid, d->n_valid, ctx->scratch));
    valid.held_out = d->held_out;
    set_sizes(&m->net, d, hp);
    AML_TRY(aml_nn_input_fit(&m->net, &train, (aml_nn_embedding)hp[EMBEDDING], (size_t)hp[DETAIL],
                             ctx));
    AML_TRY(aml_nn_terms_fit(&m->net, &train, MOST_TERMS, ctx));
    if (!aml_nn_layout(&m->net))
        return aml_fail(AML_ENOMEM, "a network of %zu inputs and %zu outputs is too large",
                        m->net.inputs, m->net.outputs);
    AML_TRY(aml_nn_init(&m->net, hp[WAVE_SCALE], aml_rng_child(&ctx->rng, 0), ctx->keep));
    aml_nn_options o = schedule(hp, d->n, entries_a_row(d));
    AML_TRY(aml_nn_train(&m->net, &train, &valid, &o, ctx));
    if (d->held_out) to_target(d->held_out, m, d->n_valid);
    *model = m;
    return AML_OK;
}

/* ---- predict */

static aml_status predict(double *out, const void *model, const aml_data *x, aml_ctx *ctx) {
    const mlp *m = model;
    AML_TRY(aml_rows_check(x, m->net.p, m->net.terms.q, m->net.outputs));
    AML_TRY(aml_nn_predict(out, &m->net, x->x, x->rows, x->n, ctx));
    to_target(out, m, x->n);
    return AML_OK;
}

static aml_status lower(uint32_t *out, const void *model, uint32_t x, aml_ir *ir) {
    const mlp *m = model;
    *out = aml_nn_lower(x, &m->net, ir);
    if (m->net.link != AML_NN_VALUE) return ir->status;
    aml_ir_op1(ir, AML_OP_AFFINE, *out);
    aml_ir_f64(ir, "scale", m->spread);
    aml_ir_array(ir, "offset", AML_F64, &m->centre, 1);
    aml_ir_op1(ir, AML_OP_CLAMP, aml_ir_out(ir, AML_IR_VECTOR, 1));
    aml_ir_f64(ir, "low", m->lowest);
    aml_ir_f64(ir, "high", m->highest);
    *out = aml_ir_out(ir, AML_IR_VECTOR, 1);
    return ir->status;
}

/* ---- save, load */

static void save(const void *model, aml_writer *w) {
    const mlp *m = model;
    aml_nn_save(&m->net, w);
    aml_put_f64(w, m->centre);
    aml_put_f64(w, m->spread);
    aml_put_f64(w, m->lowest);
    aml_put_f64(w, m->highest);
}

static aml_status load(void **model, aml_reader *r, aml_ctx *ctx) {
    mlp *m = AML_NEW(ctx->keep, mlp);
    if (!m) return AML_ENOMEM;
    AML_TRY(aml_nn_load(&m->net, r, ctx->keep));
    m->centre = aml_get_f64(r);
    m->spread = aml_get_f64(r);
    m->lowest = aml_get_f64(r);
    m->highest = aml_get_f64(r);
    if (r->status) return r->status;
    if (!isfinite(m->centre) || !isfinite(m->spread) || !isfinite(m->lowest) ||
        !isfinite(m->highest))
        return aml_reader_fail(r, "scale of the target");
    *model = m;
    return AML_OK;
}

/* ---- hints */

static void bound(double *lo, double *hi, size_t param, const aml_shape *shape) {
    double rows = (double)shape->n, columns = (double)(shape->p ? shape->p : 1);
    if (param == BATCH_SIZE) *hi = fmax(*lo, fmin(*hi, rows / 8));
    if (param == DETAIL) *hi = fmax(*lo, fmin(*hi, 4096 / columns));
    if (param == WIDTH && rows < 2000) *hi = 256;
    if (param == MEMBERS && rows > 100000) *hi = 8;
}

/* Nanoseconds, least squares over fits of bench_mlp with AVX-512: a multiplication and addition of the
 * products, a weight of a sparse entry, an element of a hidden layer, of the outputs, of the inputs, and a parameter's step. */
static const double product_ns = 0.0097, entry_ns = 0.9, unit_ns = 3, output_ns = 3.4,
                    input_ns = 1.5, step_ns = 1;

/* Of many features most are flags from one-hot encoding, which are neither cut into bins nor waved. */
static double cost(const double *hp, const aml_shape *shape) {
    double p = (double)shape->p, numbers = p > 24 ? 24 + (p - 24) / 4 : p,
           detail = fmin(hp[DETAIL], 4096 / (p + 1));
    aml_nn_embedding embedding = (aml_nn_embedding)hp[EMBEDDING];
    double each = numbers * detail * (embedding == AML_NN_BOTH ? 0.5 : 1);
    double ramps = p + (embedding == AML_NN_PLE || embedding == AML_NN_BOTH ? each : 0),
           waves = embedding == AML_NN_PERIODIC || embedding == AML_NN_BOTH ? each : 0;
    double width = hp[WIDTH], members = hp[MEMBERS], layers = hp[LAYERS];
    double outputs = aml_task_outputs(shape->task, shape->n_classes);
    double hidden = (layers - 1) * width, units = members * layers * width;
    double theta = width * (ramps + waves + hidden) + members * width * (outputs + 2 * layers);
    double entries = shape->n ? (double)shape->nnz / (double)shape->n : 0;
    aml_nn_options o = schedule(hp, shape->n, entries);
    double row = product_ns * width * (2 * ramps + 3 * waves + 3 * members * (hidden + outputs)) +
                 unit_ns * units + entry_ns * width * entries + output_ns * members * outputs +
                 input_ns * (ramps + waves) + step_ns * theta / (double)o.batch;
    return 1e-9 * row * (double)shape->n * o.epochs + 1e-3;
}

const aml_learner aml_learner_mlp = {
    .abi = AML_ABI,
    .name = "mlp",
    .summary =
        "multilayer perceptron with numeric embeddings, averaged over members that share weights",
    .tasks = AML_ANY_TASK,
    .can = AML_CAN_WEIGHTS | AML_CAN_SPARSE | AML_WANTS_DENSE | AML_ANYTIME | AML_EARLY_STOPS,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .predict = predict,
    .save = AML_FIT(save),
    .load = load,
    .bound = AML_FIT(bound),
    .cost = AML_FIT(cost),
    .lower = AML_FIT(lower),
};
