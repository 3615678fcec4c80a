/* exp_f32.h: exp in float that the compiler can vectorise, the same bits on every path. */
#ifndef AML_LEARNERS_PARTS_EXP_F32_H
#define AML_LEARNERS_PARTS_EXP_F32_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Relative error below 3e-7; x is clamped to [-87, 88]. NaN gives a finite value. Polynomial of the Cephes
 * library's expf (Moshier). */
static inline float aml_exp_f32(float x) {
    x = x > -87.0f ? x : -87.0f;
    x = x < 88.0f ? x : 88.0f;
    float k = rintf(x * 1.44269504f);
    float r = x - k * 0.693359375f;
    r = r + k * 2.12194440e-4f;
    float y = 1.9875691500e-4f;
    y = y * r + 1.3981999507e-3f;
    y = y * r + 8.3334519073e-3f;
    y = y * r + 4.1665795894e-2f;
    y = y * r + 1.6666665459e-1f;
    y = y * r + 5.0000001201e-1f;
    y = y * r * r + r + 1.0f;
    int32_t bits = ((int32_t)k + 127) << 23;
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return y * scale;
}

#endif
