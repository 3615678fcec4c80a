/* nn_kernels.h: the elementwise loops of a network. Every result element depends on its own inputs only, or on sums
 * over rows in row order: the same bits whatever vector width runs. */
#ifndef AML_PARTS_NN_KERNELS_H
#define AML_PARTS_NN_KERNELS_H

#include "learners/parts/nn.h"

/* What a hidden layer does with its products: a = act(z * scale + bias) * keep [+ skip]; keep is 0 where
 * random < threshold, else `factor`. `random` (one byte an element) and `skip` may be NULL. */
typedef struct aml_nn_unit {
    const float *scale, *bias; /* width */
    aml_nn_activation activation;
    const uint8_t *random;
    unsigned threshold;
    float factor;
    const float *skip; /* like a */
} aml_nn_unit;

/* z and a: rows × width. `slope`, when not NULL, gets act' * keep. */
void aml_nn_unit_forward(float *a, float *slope, const float *z, const aml_nn_unit *u, size_t rows,
                         size_t width);
/* d_z (set, or added to) = d_a * slope * scale; d_scale and d_bias (width) are added to. */
void aml_nn_unit_backward(float *d_z, bool add, float *d_scale, float *d_bias, const float *d_a,
                          const float *z, const float *slope, const float *scale, size_t rows,
                          size_t width);
/* n bytes of the stream's generator, in an order of their own; room for n rounded up to 256. */
void aml_nn_random(uint8_t *out, size_t n, const aml_rng *rng);

/* Products with a single column w (width), which a tile would waste itself on: out (rows) = x w;
 * sum (width) = x' d; out (rows × width) = d w'. */
void aml_nn_dot_rows(float *out, const float *x, const float *w, size_t rows, size_t width);
void aml_nn_weigh_rows(float *sum, const float *x, const float *d, size_t rows, size_t width);
void aml_nn_outer(float *out, const float *d, const float *w, size_t rows, size_t width);

void aml_nn_add(float *y, const float *x, size_t n);
/* sum (width) += sum over k < n of value[k] * row index[k] of x (rows of width), k upwards. */
void aml_nn_add_weighted(float *sum, const float *x, const uint32_t *index, const float *value,
                         size_t n, size_t width);
void aml_nn_add_rows(float *sum, const float *x, size_t rows,
                     size_t width); /* sum over rows, added */
void aml_nn_add_bias(float *x, const float *bias, size_t rows, size_t width);

/* Softmax of each row, in place. */
void aml_nn_softmax(float *v, size_t rows, size_t k);
/* 1 / (1 + exp(-v)), in place. */
void aml_nn_logistic(float *v, size_t n);

/* Input columns (row stride: inputs): out[i][c] = bent clamp of ramp c; the first `plain` columns also pass through v / sqrt(1 + (v / 4)^2). */
void aml_nn_ramps(float *out, const aml_nn *net, const float *x, const uint32_t *rows, size_t n);
/* angle = frequency * v[source] + phase in turns brought to [-1/2, 1/2]; out = cos(2 pi angle). */
void aml_nn_waves(float *out, float *angle, const aml_nn *net, size_t n);
/* -2 pi sin(2 pi angle). */
void aml_nn_wave_slope(float *out, const float *angle, size_t n);

/* One AdamW step (Loshchilov and Hutter 2019) over theta[0 … n-1]; rate and the bias corrections come folded in.
 * `average` then moves towards theta by the share `blend`. */
typedef struct aml_nn_adam {
    float rate, decay, beta1, beta2, correction1, correction2, gradient_factor, blend;
} aml_nn_adam;
void aml_nn_adam_step(float *theta, float *average, float *m, float *v, const float *gradient,
                      size_t n, const aml_nn_adam *o);
double aml_nn_square_sum(const float *v, size_t n);

#endif
