/* nn_kernels.c: the elementwise loops of a network, compiled for several vector widths. */
#include "learners/parts/nn_kernels.h"

#include <math.h>
#include <string.h>

#include "learners/parts/exp_f32.h"

#define INLINE static inline __attribute__((always_inline))

/* Heads the body of an exported function: compiled three times and chosen by the processor at each call; without
 * contraction all give the same bits. (target_clones does this too, but does not link with clang 14.) */
#if defined(__x86_64__)
#define WIDE(type, name, parameters, arguments)                                \
    INLINE type name##_any parameters;                                         \
    __attribute__((target("avx512f"))) static type name##_avx512 parameters {  \
        return name##_any arguments;                                           \
    }                                                                          \
    __attribute__((target("avx2"))) static type name##_avx2 parameters {       \
        return name##_any arguments;                                           \
    }                                                                          \
    type name parameters {                                                     \
        if (__builtin_cpu_supports("avx512f")) return name##_avx512 arguments; \
        if (__builtin_cpu_supports("avx2")) return name##_avx2 arguments;      \
        return name##_any arguments;                                           \
    }                                                                          \
    INLINE type name##_any parameters
#else
#define WIDE(type, name, parameters, arguments) type name parameters
#endif

/* ---- functions of one number that vectorise */

INLINE float nearest(float x) { return (x + 12582912.0f) - 12582912.0f; } /* |x| < 2^22 */

INLINE float clamp(float x, float lo, float hi) {
    x = x > lo ? x : lo; /* NaN becomes lo */
    return x < hi ? x : hi;
}

INLINE float logistic(float x) { return 1 / (1 + aml_exp_f32(-x)); }

/* sin and cos of pi t, |t| ≤ 1/2. */
INLINE float sin_pi(float t) {
    float u = t * t;
    return t *
           (3.14159265f +
            u * (-5.16771278f +
                 u * (2.55016404f + u * (-0.599264529f + u * (0.0821458866f + u * -0.00737043f)))));
}
INLINE float cos_pi(float t) {
    float u = t * t;
    return 1 + u * (-4.93480220f +
                    u * (4.05871213f +
                         u * (-1.33526277f +
                              u * (0.235330630f + u * (-0.0258068914f + u * 0.00192957f)))));
}

/* ---- units */

#define SELU_SCALE 1.05070098735548f
#define SELU_ALPHA 1.67326324235438f

INLINE float activate(float u, aml_nn_activation kind) {
    if (kind == AML_NN_RELU) return u > 0 ? u : 0;
    if (kind == AML_NN_SILU) return u * logistic(u);
    return SELU_SCALE * (u > 0 ? u : SELU_ALPHA * (aml_exp_f32(u) - 1));
}

INLINE float slope_at(float u, aml_nn_activation kind) {
    if (kind == AML_NN_RELU) return u > 0 ? 1 : 0;
    if (kind == AML_NN_SILU) {
        float s = logistic(u);
        return s * (1 + u * (1 - s));
    }
    return SELU_SCALE * (u > 0 ? 1 : SELU_ALPHA * aml_exp_f32(u));
}

INLINE void forward(float *restrict a, const float *restrict z, const float *restrict scale,
                    const float *restrict bias, size_t rows, size_t width, aml_nn_activation kind) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < width; j++)
            a[i * width + j] = activate(z[i * width + j] * scale[j] + bias[j], kind);
}

WIDE(void, aml_nn_unit_forward,
     (float *a, const float *z, const float *scale, const float *bias, size_t rows, size_t width,
      aml_nn_activation activation),
     (a, z, scale, bias, rows, width, activation)) {
    if (activation == AML_NN_RELU) forward(a, z, scale, bias, rows, width, AML_NN_RELU);
    else if (activation == AML_NN_SILU) forward(a, z, scale, bias, rows, width, AML_NN_SILU);
    else forward(a, z, scale, bias, rows, width, AML_NN_SELU);
}

INLINE void backward(float *restrict d_z, bool add, float *restrict d_scale, float *restrict d_bias,
                     const float *restrict d_a, const float *restrict z,
                     const float *restrict scale, const float *restrict bias, size_t rows,
                     size_t width, aml_nn_activation kind) {
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < width; j++) {
            size_t at = i * width + j;
            float d = d_a[at] * slope_at(z[at] * scale[j] + bias[j], kind);
            d_scale[j] += d * z[at];
            d_bias[j] += d;
            d_z[at] = (add ? d_z[at] : 0) + d * scale[j];
        }
    }
}

INLINE void backward_kind(float *d_z, bool add, float *d_scale, float *d_bias, const float *d_a,
                          const float *z, const float *scale, const float *bias, size_t rows,
                          size_t width, aml_nn_activation kind) {
    if (kind == AML_NN_RELU)
        backward(d_z, add, d_scale, d_bias, d_a, z, scale, bias, rows, width, AML_NN_RELU);
    else if (kind == AML_NN_SILU)
        backward(d_z, add, d_scale, d_bias, d_a, z, scale, bias, rows, width, AML_NN_SILU);
    else backward(d_z, add, d_scale, d_bias, d_a, z, scale, bias, rows, width, AML_NN_SELU);
}

WIDE(void, aml_nn_unit_backward,
     (float *d_z, bool add, float *d_scale, float *d_bias, const float *d_a, const float *z,
      const float *scale, const float *bias, size_t rows, size_t width,
      aml_nn_activation activation),
     (d_z, add, d_scale, d_bias, d_a, z, scale, bias, rows, width, activation)) {
    if (add)
        backward_kind(d_z, true, d_scale, d_bias, d_a, z, scale, bias, rows, width, activation);
    else backward_kind(d_z, false, d_scale, d_bias, d_a, z, scale, bias, rows, width, activation);
}

WIDE(void, aml_nn_drop,
     (float *restrict v, const uint8_t *restrict random, unsigned threshold, float factor,
      size_t n),
     (v, random, threshold, factor, n)) {
    uint32_t from = threshold; /* a mask of ones or zeros: a choice would not vectorise */
    for (size_t i = 0; i < n; i++) {
        float kept = v[i] * factor;
        uint32_t bits, mask = ((uint32_t)random[i] - from) >> 31;
        memcpy(&bits, &kept, sizeof bits);
        bits &= mask - 1;
        memcpy(&v[i], &bits, sizeof bits);
    }
}

WIDE(void, aml_nn_add, (float *restrict y, const float *restrict x, size_t n), (y, x, n)) {
    for (size_t i = 0; i < n; i++) y[i] += x[i];
}

WIDE(void, aml_nn_add_rows,
     (float *restrict sum, const float *restrict x, size_t rows, size_t width),
     (sum, x, rows, width)) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < width; j++) sum[j] += x[i * width + j];
}

WIDE(void, aml_nn_add_bias,
     (float *restrict x, const float *restrict bias, size_t rows, size_t width),
     (x, bias, rows, width)) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < width; j++) x[i * width + j] += bias[j];
}

/* ---- outputs */

WIDE(void, aml_nn_softmax, (float *restrict v, size_t rows, size_t k), (v, rows, k)) {
    for (size_t i = 0; i < rows; i++) {
        float *u = v + i * k, most = u[0], sum = 0;
        for (size_t j = 1; j < k; j++) most = u[j] > most ? u[j] : most;
        for (size_t j = 0; j < k; j++) u[j] = aml_exp_f32(u[j] - most);
        for (size_t j = 0; j < k; j++) sum += u[j];
        for (size_t j = 0; j < k; j++) u[j] /= sum;
    }
}

WIDE(void, aml_nn_logistic, (float *v, size_t n), (v, n)) {
    for (size_t i = 0; i < n; i++) v[i] = logistic(v[i]);
}

/* ---- inputs */

WIDE(void, aml_nn_ramps,
     (float *restrict out, const aml_nn *net, const float *restrict x,
      const uint32_t *restrict rows, size_t n),
     (out, net, x, rows, n)) {
    const uint32_t *restrict source = net->source;
    const float *restrict origin = net->origin, *restrict slope = net->slope;
    const float *restrict low = net->low, *restrict high = net->high;
    for (size_t i = 0; i < n; i++) {
        const float *restrict row = x + (size_t)rows[i] * net->p;
        float *restrict o = out + i * net->inputs;
        for (size_t c = 0; c < net->ramps; c++)
            o[c] = clamp((row[source[c]] - origin[c]) * slope[c], low[c], high[c]);
        for (size_t c = 0; c < net->plain; c++) o[c] = o[c] / sqrtf(1 + o[c] * o[c] * (1.0f / 16));
    }
}

WIDE(void, aml_nn_waves, (float *restrict out, float *restrict angle, const aml_nn *net, size_t n),
     (out, angle, net, n)) {
    const uint32_t *restrict source = net->source + net->ramps;
    const float *restrict frequency = net->theta + net->frequency, *restrict phase =
                                                                       net->theta + net->phase;
    for (size_t i = 0; i < n; i++) {
        float *restrict o = out + i * net->inputs, *restrict t = angle + i * net->waves;
        for (size_t c = 0; c < net->waves; c++) {
            float turns = clamp(frequency[c] * o[source[c]] + phase[c], -1e6f, 1e6f);
            t[c] = turns - nearest(turns);
        }
        for (size_t c = 0; c < net->waves; c++) {
            float s = sin_pi(t[c]);
            o[net->ramps + c] = 1 - 2 * s * s;
        }
    }
}

WIDE(void, aml_nn_wave_slope, (float *out, const float *angle, size_t n), (out, angle, n)) {
    for (size_t i = 0; i < n; i++) out[i] = -12.5663706f * sin_pi(angle[i]) * cos_pi(angle[i]);
}

/* ---- steps */

WIDE(void, aml_nn_adam_step,
     (float *restrict theta, float *restrict m, float *restrict v, const float *restrict gradient,
      size_t n, const aml_nn_adam *o),
     (theta, m, v, gradient, n, o)) {
    const aml_nn_adam k = *o;
    for (size_t i = 0; i < n; i++) {
        float g = gradient[i] * k.gradient_factor;
        m[i] = k.beta1 * m[i] + (1 - k.beta1) * g;
        v[i] = k.beta2 * v[i] + (1 - k.beta2) * g * g;
        theta[i] -= k.rate * (m[i] * k.correction1 / (sqrtf(v[i] * k.correction2) + 1e-8f) +
                              k.decay * theta[i]);
    }
}

WIDE(double, aml_nn_square_sum, (const float *v, size_t n), (v, n)) {
    double s[8] = {0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t k = 0; k < 8; k++) s[k] += (double)v[i + k] * (double)v[i + k];
    for (; i < n; i++) s[0] += (double)v[i] * (double)v[i];
    return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}
