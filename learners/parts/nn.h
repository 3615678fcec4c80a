/* nn.h: a feed-forward network for tables, trained by hand-written backpropagation in float32.
 *
 * A row x of p features becomes `inputs` columns (nn_input.c): each a clamped ramp of one feature,
 *     clamp((x[source] - origin) * slope, low, high),
 * which covers both the scaled feature itself and the piecewise-linear encoding of Gorishniy et al.
 * 2022 ("On Embeddings for Numerical Features", eq. 1), followed by `waves` columns
 *     cos(2 pi (frequency * column + phase)),  frequency and phase learnt (their eq. 2).
 * Sparse features come beside them: the most frequent have a row of weights each, which is added to the first product
 * as often as their value says (nn_terms.c).
 * Then `layers` hidden layers of `width` units and a linear head. There are `members` networks that
 * share all hidden weights W and differ in unit scales s, biases b and heads (after Gorishniy et al.
 * 2024, TabM; here the first product is shared too and s of the first layer are random signs):
 *     a_l,m = act((a_l-1,m W_l) * s_l,m + b_l,m)  [+ a_l-1,m when residual and l > 1].
 * The prediction is the mean over members of the softmax, the logistic or the value itself.
 *
 * Training cuts every batch into chunks of fixed size whose gradients are added in chunk order:
 * the result does not depend on the number of threads. */
#ifndef AML_PARTS_NN_H
#define AML_PARTS_NN_H

#include "automl/core/bytes.h"
#include "automl/core/data.h"
#include "automl/core/lower.h"

typedef enum aml_nn_activation { AML_NN_RELU, AML_NN_SILU, AML_NN_SELU } aml_nn_activation;
typedef enum aml_nn_embedding {
    AML_NN_PLAIN,
    AML_NN_PLE,
    AML_NN_PERIODIC,
    AML_NN_BOTH
} aml_nn_embedding;
typedef enum aml_nn_link { AML_NN_VALUE, AML_NN_LOGISTIC, AML_NN_SOFTMAX } aml_nn_link;

enum { AML_NN_MAX_LAYERS = 8, AML_NN_MOST_SPARSE = 1 << 24 };

typedef struct aml_nn_layer {
    size_t in;          /* columns that come in */
    size_t weight;      /* offsets in theta: in × width, row-major */
    size_t scale, bias; /* members × width */
} aml_nn_layer;

/* Sparse features that have weights. */
typedef struct aml_nn_terms {
    size_t q, n;             /* sparse features of a row; those with weights, the most frequent */
    const uint32_t *feature; /* n, upwards */
    const uint32_t *term;    /* q: number among the n, UINT32_MAX = none */
    float factor;            /* of all values: then they are 1 in the quadratic mean */
    float *weight;           /* n × width, row-major */
} aml_nn_terms;

typedef struct aml_nn {
    size_t p;     /* dense features of a row */
    size_t plain; /* the first input columns, one a feature that varies: bent, see nn_input.c */
    size_t ramps,
        waves; /* input columns of each kind (ramps holds the plain ones); inputs is the sum */
    size_t inputs;
    size_t layers, width, members, outputs;
    aml_nn_activation activation;
    aml_nn_link link;
    bool residual;

    const uint32_t *source;                   /* ramps: feature; then waves: input column */
    const float *origin, *slope, *low, *high; /* ramps */

    aml_nn_layer layer[AML_NN_MAX_LAYERS];
    size_t head, head_bias;  /* members × width × outputs, members × outputs */
    size_t frequency, phase; /* waves each */
    size_t n_decay; /* theta[0 … n_decay-1] are weights, the rest scales, biases and waves */
    size_t n_theta;
    float *theta;
    aml_nn_terms terms; /* with weights beside theta: a step moves those of its rows alone */
} aml_nn;

typedef struct aml_nn_options {
    double learning_rate, weight_decay, dropout, label_smoothing;
    double epochs; /* passes over the rows; at least one step is made */
    size_t batch;  /* rows */
} aml_nn_options;

/* Rows in the form that training wants. For AML_NN_VALUE the target is standardised by the caller. */
typedef struct aml_nn_data {
    const aml_design *x; /* dense, and csr where there is one */
    const uint32_t *rows;
    const float *y; /* one value (or class number) a row of the list, not of the design */
    const float *w; /* the same for weights, or NULL */
    size_t n;
    double *held_out; /* n × outputs, or NULL: see data.h */
} aml_nn_data;

/* ---- nn_input.c */

/* Finds scales and quantile bins on (a sample of) the rows and fills plain … high of the net, with the arrays
 * in ctx->keep. `detail` is the number of bins or waves a feature. AML_ENOMEM, AML_ESTOPPED. */
aml_status aml_nn_input_fit(aml_nn *net, const aml_nn_data *d, aml_nn_embedding embedding,
                            size_t detail, aml_ctx *ctx);
/* out: n × inputs. `angle`: n × waves, left for the backward pass. */
void aml_nn_input_forward(float *out, float *angle, const aml_nn *net, const float *dense,
                          const uint32_t *rows, size_t n);
/* Adds the gradient of frequency and phase to `gradient` (laid out like theta), given that of the waves
 * (n × waves);
 * overwrites `angle`. */
void aml_nn_input_backward(float *gradient, const aml_nn *net, const float *d_input,
                           const float *input, float *angle, size_t n);

/* ---- nn_terms.c */

/* Finds the sparse features to have weights, at most `most` of them, and their scale. Once width is known. AML_ENOMEM. */
aml_status aml_nn_terms_fit(aml_nn *net, const aml_nn_data *d, size_t most, aml_ctx *ctx);
/* The map from feature to term, and the weights (0). False when memory is short. */
bool aml_nn_terms_room(aml_nn_terms *terms, size_t width, aml_arena *keep);
/* first (n × width) gets the sum of value times weights added. */
void aml_nn_terms_forward(float *first, const aml_nn *net, const aml_csr *csr, const uint32_t *rows,
                          size_t n);

/* ---- nn_net.c */

/* Sets the offsets and n_theta from the sizes. False when the sizes do not make sense. */
bool aml_nn_layout(aml_nn *net);
/* Allocates theta in `keep` and draws it. AML_ENOMEM. */
aml_status aml_nn_init(aml_nn *net, double wave_scale, aml_rng rng, aml_arena *keep);

/* Buffers of one chunk of at most `rows` rows. */
typedef struct aml_nn_work {
    size_t rows;
    bool trains;
    float *input, *angle, *first; /* rows × inputs, rows × waves, rows × width */
    float *z[AML_NN_MAX_LAYERS], *a[AML_NN_MAX_LAYERS],
        *slope[AML_NN_MAX_LAYERS]; /* members × rows × width; z[0] is `first` */
    uint8_t *random;               /* bytes for the dropout of a layer, when there is any */
    float *out;                    /* members × rows × outputs */
    float *d_out, *d_a, *d_z, *d_first, *d_input;
    float *gradient; /* n_theta */
    float *y, *w;    /* rows */
    bool stopped;
} aml_nn_work;
aml_status aml_nn_work_new(aml_nn_work *work, const aml_nn *net, size_t rows, bool trains,
                           bool drops, aml_arena *scratch);
/* Rows of a chunk: sized so that members × rows is a few hundred. */
size_t aml_nn_chunk(const aml_nn *net);

/* Fills work->out with linear outputs. With dropout > 0 hidden units are dropped by `rng`.
 * False (and work->stopped) when the stop flag came up in between. */
bool aml_nn_forward(aml_nn_work *work, const aml_nn *net, const aml_design *x, const uint32_t *rows,
                    size_t n, double dropout, aml_rng rng, const aml_ctx *ctx);
/* From work->y, work->w and the forward pass: work->gradient (and work->d_first, for the terms) of
 *     1/total * sum_i w_i * (mean over members of the loss of row i)
 * for squared error / 2, logistic or softmax cross-entropy with smoothed labels. */
bool aml_nn_backward(aml_nn_work *work, const aml_nn *net, size_t n, double smoothing, double total,
                     const aml_ctx *ctx);
/* Mean over members through the link, as double: n × outputs. Overwrites work->out. */
void aml_nn_link_mean(double *out, aml_nn_work *work, const aml_nn *net, size_t n);
/* The loss that training lowers, for checks: the gradient above is its derivative. */
double aml_nn_loss(const aml_nn_work *work, const aml_nn *net, size_t n, double smoothing,
                   double total);

/* Predictions of the rows in fixed chunks. AML_ENOMEM, AML_ESTOPPED. */
aml_status aml_nn_predict(double *out, const aml_nn *net, const aml_design *x, const uint32_t *rows,
                          size_t n, aml_ctx *ctx);

/* ---- nn_lower.c: the same by operations of lower.h; returns the vector. */
uint32_t aml_nn_lower(uint32_t x, const aml_nn *net, aml_ir *ir);

/* ---- nn_train.c */

/* Trains theta in place; ends with the average weights of the last steps, or with the average that
 * was best on `valid` when it has rows. Sets ctx->truncated when stopped early. AML_ESTOPPED when
 * stopped before anything was learnt, AML_ENOMEM. */
aml_status aml_nn_train(aml_nn *net, const aml_nn_data *train, const aml_nn_data *valid,
                        const aml_nn_options *o, aml_ctx *ctx);

/* ---- nn_file.c */

void aml_nn_save(const aml_nn *net, aml_writer *w);
aml_status aml_nn_load(aml_nn *net, aml_reader *r, aml_arena *keep);

#endif
