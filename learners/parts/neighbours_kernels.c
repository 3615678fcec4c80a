/* neighbours_kernels.c: distances of panels, and bounds of them. */
#include "learners/parts/neighbours_kernels.h"

#include <string.h>

#include "learners/parts/simd.h"

typedef float lanes __attribute__((vector_size(AML_PANEL * sizeof(float))));
typedef int32_t marks __attribute__((vector_size(AML_PANEL * sizeof(float))));

AML_KERNEL void distances_body(float out[AML_PANEL], const float *q, const float *panel, size_t p) {
    lanes sum[4] = {{0}, {0}, {0}, {0}}, v;
    size_t j = 0;
    for (; j + 4 <= p; j += 4)
        for (size_t k = 0; k < 4; k++) {
            memcpy(&v, panel + (j + k) * AML_PANEL, sizeof v);
            lanes d = v - q[j + k];
            sum[k] += d * d;
        }
    for (size_t k = 0; j + k < p; k++) {
        memcpy(&v, panel + (j + k) * AML_PANEL, sizeof v);
        lanes d = v - q[j + k];
        sum[k] += d * d;
    }
    v = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    memcpy(out, &v, sizeof v);
}

/* x·q - |x|²/2 of four queries at a time and the rows of one panel: their sums stay in registers. */
enum { TOGETHER = 4 };

AML_KERNEL void scores_body(lanes score[TOGETHER], const float *query, size_t width, const float *x,
                            const float *half, size_t p) {
    lanes v;
    for (size_t k = 0; k < TOGETHER; k++) score[k] = (lanes){0};
    for (size_t j = 0; j < p; j++) {
        memcpy(&v, x + j * AML_PANEL, sizeof v);
        for (size_t k = 0; k < TOGETHER; k++) score[k] += v * query[k * width + j];
    }
    memcpy(&v, half, sizeof v);
    for (size_t k = 0; k < TOGETHER; k++) score[k] -= v;
}

AML_KERNEL void filter_body(uint32_t *mask, const float *query, size_t width, const float *least,
                            aml_panel_pair pair, size_t p) {
    lanes score[TOGETHER];
    memset(mask, 0, AML_GROUP * sizeof *mask);
    for (int side = 0; side < 2; side++)
        for (size_t g = 0; g < AML_GROUP; g += TOGETHER) {
            scores_body(score, query + g * width, width, pair.x[side], pair.half[side], p);
            for (size_t k = 0; k < TOGETHER; k++) {
                marks near = score[k] > least[g + k];
                for (uint32_t i = 0; i < AML_PANEL; i++)
                    mask[g + k] |= ((uint32_t)near[i] & 1) << (i + (side ? AML_PANEL : 0));
            }
        }
}

AML_KERNEL void best_body(float *best, size_t stride, const float *query, size_t width,
                          aml_panel_pair pair, size_t p) {
    lanes score[TOGETHER];
    for (size_t side = 0; side < 2; side++)
        for (size_t g = 0; g < AML_GROUP; g += TOGETHER) {
            scores_body(score, query + g * width, width, pair.x[side], pair.half[side], p);
            for (size_t k = 0; k < TOGETHER; k++) {
                float *to = best + (g + k) * stride + side * AML_PANEL;
                for (size_t i = 0; i < AML_PANEL; i++)
                    to[i] = score[k][i] > to[i] ? score[k][i] : to[i];
            }
        }
}

static void distances_plain(float out[AML_PANEL], const float *q, const float *panel, size_t p) {
    distances_body(out, q, panel, p);
}
static void filter_plain(uint32_t *mask, const float *query, size_t width, const float *least,
                         aml_panel_pair pair, size_t p) {
    filter_body(mask, query, width, least, pair, p);
}
static void best_plain(float *best, size_t stride, const float *query, size_t width,
                       aml_panel_pair pair, size_t p) {
    best_body(best, stride, query, width, pair, p);
}
static const aml_neighbour_kernels plain = {filter_plain, NULL, distances_plain, best_plain};

#if defined(__x86_64__)
#include <immintrin.h>

#define FMA __attribute__((target("avx2,fma")))
#define WIDE __attribute__((target("avx512f")))
#define BYTES __attribute__((target("avx512f,avx512vnni")))
#define INLINE static inline __attribute__((always_inline))

FMA static void distances_avx2(float out[AML_PANEL], const float *q, const float *panel, size_t p) {
    distances_body(out, q, panel, p);
}

/* Six queries by 16 rows: 12 sums, two values and a factor are all the registers there are. */
enum { SIX = 6 };

FMA INLINE void scores_avx2(__m256 *a, __m256 *b, const float *q, size_t width, const float *x,
                            const float *half, size_t p) {
#pragma GCC unroll 6
    for (size_t k = 0; k < SIX; k++) a[k] = b[k] = _mm256_setzero_ps();
    for (size_t j = 0; j < p; j++) {
        __m256 low = _mm256_loadu_ps(x + j * AML_PANEL);
        __m256 high = _mm256_loadu_ps(x + j * AML_PANEL + 8);
#pragma GCC unroll 6
        for (size_t k = 0; k < SIX; k++) {
            __m256 v = _mm256_broadcast_ss(q + k * width + j);
            a[k] = _mm256_fmadd_ps(v, low, a[k]);
            b[k] = _mm256_fmadd_ps(v, high, b[k]);
        }
    }
#pragma GCC unroll 6
    for (size_t k = 0; k < SIX; k++) {
        a[k] = _mm256_sub_ps(a[k], _mm256_loadu_ps(half));
        b[k] = _mm256_sub_ps(b[k], _mm256_loadu_ps(half + 8));
    }
}

FMA static void filter_avx2(uint32_t *mask, const float *query, size_t width, const float *least,
                            aml_panel_pair pair, size_t p) {
    memset(mask, 0, AML_GROUP * sizeof *mask);
    for (int side = 0; side < 2; side++)
        for (size_t g = 0; g < AML_GROUP; g += SIX) {
            __m256 a[SIX], b[SIX];
            scores_avx2(a, b, query + g * width, width, pair.x[side], pair.half[side], p);
#pragma GCC unroll 6
            for (size_t k = 0; k < SIX; k++) {
                __m256 t = _mm256_set1_ps(least[g + k]);
                unsigned m = (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(a[k], t, _CMP_GT_OQ));
                unsigned n = (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(b[k], t, _CMP_GT_OQ));
                mask[g + k] |= (m | n << 8) << (side ? AML_PANEL : 0);
            }
        }
}

FMA static void best_avx2(float *best, size_t stride, const float *query, size_t width,
                          aml_panel_pair pair, size_t p) {
    for (size_t side = 0; side < 2; side++)
        for (size_t g = 0; g < AML_GROUP; g += SIX) {
            __m256 a[SIX], b[SIX];
            scores_avx2(a, b, query + g * width, width, pair.x[side], pair.half[side], p);
#pragma GCC unroll 6
            for (size_t k = 0; k < SIX; k++) {
                float *to = best + (g + k) * stride + side * AML_PANEL;
                _mm256_storeu_ps(to, _mm256_max_ps(a[k], _mm256_loadu_ps(to)));
                _mm256_storeu_ps(to + 8, _mm256_max_ps(b[k], _mm256_loadu_ps(to + 8)));
            }
        }
}
static const aml_neighbour_kernels avx2 = {filter_avx2, NULL, distances_avx2, best_avx2};

WIDE static void distances_avx512(float out[AML_PANEL], const float *q, const float *panel,
                                  size_t p) {
    distances_body(out, q, panel, p);
}

/* Twelve queries by 32 rows: 24 sums. */
WIDE INLINE void scores_avx512(__m512 *a, __m512 *b, const float *query, size_t width,
                               aml_panel_pair pair, size_t p) {
    const float *x0 = pair.x[0], *x1 = pair.x[1];
#pragma GCC unroll 12
    for (size_t k = 0; k < AML_GROUP; k++) a[k] = b[k] = _mm512_setzero_ps();
    for (size_t j = 0; j < p; j++) {
        __m512 low = _mm512_loadu_ps(x0 + j * AML_PANEL),
               high = _mm512_loadu_ps(x1 + j * AML_PANEL);
#pragma GCC unroll 12
        for (size_t k = 0; k < AML_GROUP; k++) {
            __m512 v = _mm512_set1_ps(query[k * width + j]);
            a[k] = _mm512_fmadd_ps(v, low, a[k]);
            b[k] = _mm512_fmadd_ps(v, high, b[k]);
        }
    }
    __m512 low = _mm512_loadu_ps(pair.half[0]), high = _mm512_loadu_ps(pair.half[1]);
#pragma GCC unroll 12
    for (size_t k = 0; k < AML_GROUP; k++) {
        a[k] = _mm512_sub_ps(a[k], low);
        b[k] = _mm512_sub_ps(b[k], high);
    }
}

WIDE static void filter_avx512(uint32_t *mask, const float *query, size_t width, const float *least,
                               aml_panel_pair pair, size_t p) {
    __m512 a[AML_GROUP], b[AML_GROUP];
    scores_avx512(a, b, query, width, pair, p);
#pragma GCC unroll 12
    for (size_t k = 0; k < AML_GROUP; k++) {
        __m512 t = _mm512_set1_ps(least[k]);
        unsigned m = _mm512_cmp_ps_mask(a[k], t, _CMP_GT_OQ);
        unsigned n = _mm512_cmp_ps_mask(b[k], t, _CMP_GT_OQ);
        mask[k] = m | n << AML_PANEL;
    }
}

WIDE static void best_avx512(float *best, size_t stride, const float *query, size_t width,
                             aml_panel_pair pair, size_t p) {
    __m512 a[AML_GROUP], b[AML_GROUP];
    scores_avx512(a, b, query, width, pair, p);
#pragma GCC unroll 12
    for (size_t k = 0; k < AML_GROUP; k++) {
        float *to = best + k * stride;
        _mm512_storeu_ps(to, _mm512_max_ps(a[k], _mm512_loadu_ps(to)));
        _mm512_storeu_ps(to + AML_PANEL, _mm512_max_ps(b[k], _mm512_loadu_ps(to + AML_PANEL)));
    }
}
static const aml_neighbour_kernels avx512 = {filter_avx512, NULL, distances_avx512, best_avx512};

/* The whole numbers that products must exceed, low enough for all roundings. */
BYTES static void limits(int32_t limit[AML_PANEL], const aml_coarse_group *q, float error) {
    const float slack = 1 + 0x1p-20f, lowest = -4e8f;
    __m512 reach = _mm512_add_ps(_mm512_loadu_ps(q->reach), _mm512_set1_ps(error * slack));
    __m512 half = _mm512_mul_ps(_mm512_mul_ps(reach, _mm512_set1_ps(0.5f * slack)), reach);
    __m512 least = _mm512_sub_ps(_mm512_loadu_ps(q->base), half);
    least = _mm512_max_ps(least, _mm512_set1_ps(lowest));
    _mm512_store_si512(limit, _mm512_cvttps_epi32(least));
}

/* sum += products of four bytes. As an instruction: from the intrinsic gcc 12 copies each sum to and fro. */
BYTES static inline void add_products(__m512i *sum, __m512i x, __m512i q) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(*sum) : "v"(x), "v"(q));
}

BYTES static void coarse_vnni(uint32_t *mask, const aml_coarse_group *q,
                              const aml_coarse_pair *pair, size_t width) {
    _Alignas(64) int32_t limit[AML_PANEL];
    const uint8_t *x0 = pair->x[0], *x1 = pair->x[1];
    __m512i a[AML_GROUP], b[AML_GROUP];
    limits(limit, q, pair->error);
#pragma GCC unroll 12
    for (size_t k = 0; k < AML_GROUP; k++) {
        a[k] = _mm512_loadu_si512(pair->start[0]);
        b[k] = _mm512_loadu_si512(pair->start[1]);
    }
    for (size_t j = 0; j < width; j += 4) {
        __m512i low = _mm512_loadu_si512(x0 + j * AML_PANEL),
                high = _mm512_loadu_si512(x1 + j * AML_PANEL);
#pragma GCC unroll 12
        for (size_t k = 0; k < AML_GROUP; k++) {
            int32_t four;
            memcpy(&four, q->code + k * width + j, sizeof four);
            __m512i v = _mm512_set1_epi32(four);
            add_products(&a[k], low, v);
            add_products(&b[k], high, v);
        }
    }
#pragma GCC unroll 12
    for (size_t k = 0; k < AML_GROUP; k++) {
        __m512i t = _mm512_set1_epi32(limit[k]);
        unsigned m = _mm512_cmpgt_epi32_mask(a[k], t), n = _mm512_cmpgt_epi32_mask(b[k], t);
        mask[k] = m | n << AML_PANEL;
    }
}
static const aml_neighbour_kernels vnni = {filter_avx512, coarse_vnni, distances_avx512,
                                           best_avx512};
#endif

const aml_neighbour_kernels *aml_neighbour_kernels_best(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vnni")) return &vnni;
    if (__builtin_cpu_supports("avx512f")) return &avx512;
    if (aml_has_avx2() && __builtin_cpu_supports("fma")) return &avx2;
#endif
    return &plain;
}
