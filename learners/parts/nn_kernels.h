/* nn_kernels.h: the elementwise loops of a network. Every result element depends on its own inputs only, or on sums
 * over rows in row order: the same bits whatever vector width runs. */
#ifndef AML_PARTS_NN_KERNELS_H
#define AML_PARTS_NN_KERNELS_H

#include "learners/parts/nn.h"

/* a = act(z * scale + bias), z and a rows × width. */
void aml_nn_unit_forward(float *a, const float *z, const float *scale, const float *bias,
                         size_t rows, size_t width, aml_nn_activation activation);
/* d_z (set, or added to) = d_a * act' * scale; d_scale and d_bias (width) are added to. */
void aml_nn_unit_backward(float *d_z, bool add, float *d_scale, float *d_bias, const float *d_a,
                          const float *z, const float *scale, const float *bias, size_t rows,
                          size_t width, aml_nn_activation activation);
/* v = random >= threshold ? v * factor : 0. */
void aml_nn_drop(float *v, const uint8_t *random, unsigned threshold, float factor, size_t n);
void aml_nn_add(float *y, const float *x, size_t n);
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

/* One AdamW step (Loshchilov and Hutter 2019) over theta[0 … n-1]; rate and the bias corrections come folded in. */
typedef struct aml_nn_adam {
    float rate, decay, beta1, beta2, correction1, correction2, gradient_factor;
} aml_nn_adam;
void aml_nn_adam_step(float *theta, float *m, float *v, const float *gradient, size_t n,
                      const aml_nn_adam *o);
double aml_nn_square_sum(const float *v, size_t n);

#endif
