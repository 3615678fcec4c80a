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

typedef struct unit_value {
    float a, slope;
} unit_value;

/* Value and slope share their exponential. */
INLINE unit_value activate(float u, aml_nn_activation kind) {
    if (kind == AML_NN_RELU) return (unit_value){u > 0 ? u : 0, u > 0 ? 1 : 0};
    if (kind == AML_NN_SILU) {
        float s = logistic(u), a = u * s;
        return (unit_value){a, s + a * (1 - s)};
    }
    float e = SELU_SCALE * SELU_ALPHA * aml_exp_f32(u);
    return (unit_value){u > 0 ? SELU_SCALE * u : e - SELU_SCALE * SELU_ALPHA,
                        u > 0 ? SELU_SCALE : e};
}

INLINE void activate_row(float *restrict a, float *restrict slope, const float *restrict z,
                         const aml_nn_unit *unit, size_t width, aml_nn_activation kind) {
    const float *restrict scale = unit->scale, *restrict bias = unit->bias;
    if (!slope)
        for (size_t j = 0; j < width; j++) a[j] = activate(z[j] * scale[j] + bias[j], kind).a;
    else
        for (size_t j = 0; j < width; j++) {
            unit_value v = activate(z[j] * scale[j] + bias[j], kind);
            a[j] = v.a;
            slope[j] = v.slope;
        }
}

/* Zero where the unit is left out: a mask of ones or zeros, since a choice would not vectorise. */
INLINE float dropped(float v, uint32_t random, uint32_t threshold, float factor) {
    float kept = v * factor;
    uint32_t bits, mask = (random - threshold) >> 31;
    memcpy(&bits, &kept, sizeof bits);
    bits &= mask - 1;
    memcpy(&kept, &bits, sizeof bits);
    return kept;
}

INLINE void drop_row(float *restrict v, const uint8_t *restrict random, const aml_nn_unit *u,
                     size_t width) {
    for (size_t j = 0; j < width; j++) v[j] = dropped(v[j], random[j], u->threshold, u->factor);
}

INLINE void forward(float *a, float *slope, const float *z, const aml_nn_unit *u, size_t rows,
                    size_t width, aml_nn_activation kind) {
    for (size_t i = 0; i < rows; i++) {
        size_t at = i * width;
        activate_row(a + at, slope ? slope + at : NULL, z + at, u, width, kind);
        if (u->random) drop_row(a + at, u->random + at, u, width);
        if (u->random && slope) drop_row(slope + at, u->random + at, u, width);
        for (size_t j = 0; u->skip && j < width; j++) a[at + j] += u->skip[at + j];
    }
}

WIDE(void, aml_nn_unit_forward,
     (float *a, float *slope, const float *z, const aml_nn_unit *u, size_t rows, size_t width),
     (a, slope, z, u, rows, width)) {
    if (u->activation == AML_NN_RELU) forward(a, slope, z, u, rows, width, AML_NN_RELU);
    else if (u->activation == AML_NN_SILU) forward(a, slope, z, u, rows, width, AML_NN_SILU);
    else forward(a, slope, z, u, rows, width, AML_NN_SELU);
}

INLINE void backward(float *restrict d_z, bool add, float *restrict d_scale, float *restrict d_bias,
                     const float *restrict d_a, const float *restrict z,
                     const float *restrict slope, const float *restrict scale, size_t rows,
                     size_t width) {
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < width; j++) {
            size_t at = i * width + j;
            float d = d_a[at] * slope[at];
            d_scale[j] += d * z[at];
            d_bias[j] += d;
            d_z[at] = (add ? d_z[at] : 0) + d * scale[j];
        }
    }
}

WIDE(void, aml_nn_unit_backward,
     (float *d_z, bool add, float *d_scale, float *d_bias, const float *d_a, const float *z,
      const float *slope, const float *scale, size_t rows, size_t width),
     (d_z, add, d_scale, d_bias, d_a, z, slope, scale, rows, width)) {
    if (add) backward(d_z, true, d_scale, d_bias, d_a, z, slope, scale, rows, width);
    else backward(d_z, false, d_scale, d_bias, d_a, z, slope, scale, rows, width);
}

/* Philox4x32-10 on 16 counters side by side. */
INLINE void philox16(uint32_t out[4][16], const aml_rng *rng, uint32_t block) {
    uint32_t k0 = rng->key[0], k1 = rng->key[1];
    for (uint32_t l = 0; l < 16; l++) {
        out[0][l] = block * 16 + l;
        out[1][l] = rng->counter[1];
        out[2][l] = rng->counter[2];
        out[3][l] = rng->counter[3];
    }
    for (int round = 0; round < 10; round++) {
        for (size_t l = 0; l < 16; l++) {
            uint64_t p0 = (uint64_t)0xD2511F53u * out[0][l], p1 = (uint64_t)0xCD9E8D57u * out[2][l];
            uint32_t n0 = (uint32_t)(p1 >> 32) ^ out[1][l] ^ k0;
            uint32_t n2 = (uint32_t)(p0 >> 32) ^ out[3][l] ^ k1;
            out[1][l] = (uint32_t)p1;
            out[3][l] = (uint32_t)p0;
            out[0][l] = n0;
            out[2][l] = n2;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
}

WIDE(void, aml_nn_random, (uint8_t * out, size_t n, const aml_rng *rng), (out, n, rng)) {
    uint32_t words[4][16];
    for (size_t at = 0; at < n; at += sizeof words) {
        philox16(words, rng, (uint32_t)(at / sizeof words));
        memcpy(out + at, words, sizeof words);
    }
}

/* ---- products with one column */

WIDE(void, aml_nn_dot_rows,
     (float *restrict out, const float *restrict x, const float *restrict w, size_t rows,
      size_t width),
     (out, x, w, rows, width)) {
    for (size_t i = 0; i < rows; i++) {
        const float *row = x + i * width;
        float s[16] = {0}; /* a fixed tree, whatever the width of a vector */
        size_t j = 0;
        for (; j + 16 <= width; j += 16)
            for (size_t l = 0; l < 16; l++) s[l] += row[j + l] * w[j + l];
        for (size_t l = 0; j < width; j++, l++) s[l] += row[j] * w[j];
        for (size_t half = 8; half; half /= 2)
            for (size_t l = 0; l < half; l++) s[l] += s[l + half];
        out[i] = s[0];
    }
}

WIDE(void, aml_nn_weigh_rows,
     (float *restrict sum, const float *restrict x, const float *restrict d, size_t rows,
      size_t width),
     (sum, x, d, rows, width)) {
    memset(sum, 0, width * sizeof *sum);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < width; j++) sum[j] += d[i] * x[i * width + j];
}

WIDE(void, aml_nn_outer,
     (float *restrict out, const float *restrict d, const float *restrict w, size_t rows,
      size_t width),
     (out, d, w, rows, width)) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < width; j++) out[i * width + j] = d[i] * w[j];
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

typedef float sixteen __attribute__((vector_size(64)));

/* 16 sums to a vector, `vectors` of them in registers. */
INLINE void add_weighted(float *restrict sum, const float *restrict x,
                         const uint32_t *restrict index, const float *restrict value, size_t n,
                         size_t width, size_t vectors) {
    sixteen s[4], row[4];
    memcpy(s, sum, vectors * sizeof *s);
    for (size_t k = 0; k < n; k++) {
        memcpy(row, x + (size_t)index[k] * width, vectors * sizeof *row);
        for (size_t j = 0; j < vectors; j++) s[j] += value[k] * row[j];
    }
    memcpy(sum, s, vectors * sizeof *s);
}

WIDE(void, aml_nn_add_weighted,
     (float *restrict sum, const float *restrict x, const uint32_t *restrict index,
      const float *restrict value, size_t n, size_t width),
     (sum, x, index, value, n, width)) {
    size_t j = 0;
    for (; j + 64 <= width; j += 64) add_weighted(sum + j, x + j, index, value, n, width, 4);
    for (; j + 16 <= width; j += 16) add_weighted(sum + j, x + j, index, value, n, width, 1);
    for (; j < width; j++)
        for (size_t k = 0; k < n; k++) sum[j] += value[k] * x[(size_t)index[k] * width + j];
}

WIDE(void, aml_nn_add_bias,
     (float *restrict x, const float *restrict bias, size_t rows, size_t width),
     (x, bias, rows, width)) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < width; j++) x[i * width + j] += bias[j];
}

/* ---- outputs */

enum { FEW = 64 }; /* classes: 16 rows are turned and computed side by side */

INLINE void softmax_together(float *restrict t, size_t k) {
    float most[16], sum[16] = {0};
    memcpy(most, t, sizeof most);
    for (size_t j = 1; j < k; j++)
        for (size_t r = 0; r < 16; r++) most[r] = t[16 * j + r] > most[r] ? t[16 * j + r] : most[r];
    for (size_t j = 0; j < k; j++) {
        for (size_t r = 0; r < 16; r++) {
            t[16 * j + r] = aml_exp_f32(t[16 * j + r] - most[r]);
            sum[r] += t[16 * j + r];
        }
    }
    for (size_t r = 0; r < 16; r++) sum[r] = 1 / sum[r];
    for (size_t j = 0; j < k; j++)
        for (size_t r = 0; r < 16; r++) t[16 * j + r] *= sum[r];
}

INLINE void softmax_row(float *u, size_t k) {
    float most = u[0], sum = 0;
    for (size_t j = 1; j < k; j++) most = u[j] > most ? u[j] : most;
    for (size_t j = 0; j < k; j++) u[j] = aml_exp_f32(u[j] - most);
    for (size_t j = 0; j < k; j++) sum += u[j];
    for (size_t j = 0; j < k; j++) u[j] /= sum;
}

WIDE(void, aml_nn_softmax, (float *v, size_t rows, size_t k), (v, rows, k)) {
    float t[16 * FEW] = {0};
    for (size_t i = 0; k > FEW && i < rows; i++) softmax_row(v + i * k, k);
    for (size_t i = 0; k <= FEW && i < rows; i += 16) {
        size_t n = rows - i < 16 ? rows - i : 16;
        for (size_t r = 0; r < n; r++)
            for (size_t j = 0; j < k; j++) t[16 * j + r] = v[(i + r) * k + j];
        softmax_together(t, k);
        for (size_t r = 0; r < n; r++)
            for (size_t j = 0; j < k; j++) v[(i + r) * k + j] = t[16 * j + r];
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
     (float *restrict theta, float *restrict average, float *restrict m, float *restrict v,
      const float *restrict gradient, size_t n, const aml_nn_adam *o),
     (theta, average, m, v, gradient, n, o)) {
    const aml_nn_adam k = *o;
    for (size_t i = 0; i < n; i++) {
        float g = gradient[i] * k.gradient_factor;
        m[i] = k.beta1 * m[i] + (1 - k.beta1) * g;
        v[i] = k.beta2 * v[i] + (1 - k.beta2) * g * g;
        theta[i] -= k.rate * (m[i] * k.correction1 / (sqrtf(v[i] * k.correction2) + 1e-8f) +
                              k.decay * theta[i]);
        average[i] += k.blend * (theta[i] - average[i]);
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
