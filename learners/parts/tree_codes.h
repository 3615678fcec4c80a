/* tree_codes.h: the code of a number: how many of its feature's AML_CODES cuts are below (tree_plan.h). First among every
 * sixteenth, then among sixteen; the cuts go upwards, so that those below come first. NaN has any code. */
#ifndef AML_LEARNERS_PARTS_TREE_CODES_H
#define AML_LEARNERS_PARTS_TREE_CODES_H

#include "learners/parts/simd.h"
#include "learners/parts/tree_plan.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* How many of sixteen are below v. */
AML_KERNEL unsigned aml_below(const float *cut, float v) {
#if defined(__x86_64__)
    __m128 x = _mm_set1_ps(v);
    int bits = 1 << 16;
    for (int i = 0; i < 16; i += 4)
        bits |= _mm_movemask_ps(_mm_cmpnlt_ps(_mm_loadu_ps(cut + i), x)) << i;
    return (unsigned)__builtin_ctz((unsigned)bits);
#else
    unsigned n = 0;
    for (int i = 0; i < 16; i++) n += cut[i] < v;
    return n;
#endif
}

AML_KERNEL uint8_t aml_code_plain(const float *cut, float v) {
    unsigned part = aml_below(cut + AML_CODES, v) & (AML_COARSE - 1);
    return (uint8_t)(AML_COARSE * part + (aml_below(cut + AML_COARSE * part, v) & 15));
}

#if defined(__x86_64__)
AML_AVX2 static inline unsigned aml_below_avx2(const float *cut, __m256 x) {
    __m256 low = _mm256_cmp_ps(_mm256_loadu_ps(cut), x, _CMP_NLT_UQ);
    __m256 high = _mm256_cmp_ps(_mm256_loadu_ps(cut + 8), x, _CMP_NLT_UQ);
    unsigned bits = (unsigned)_mm256_movemask_ps(low) | (unsigned)_mm256_movemask_ps(high) << 8;
    return (unsigned)__builtin_ctz(bits | 1u << 16);
}

AML_AVX2 static inline uint8_t aml_code_avx2(const float *cut, float v) {
    __m256 x = _mm256_set1_ps(v);
    unsigned part = aml_below_avx2(cut + AML_CODES, x) & (AML_COARSE - 1);
    return (uint8_t)(AML_COARSE * part + (aml_below_avx2(cut + AML_COARSE * part, x) & 15));
}

AML_AVX512 static inline uint8_t aml_code_avx512(const float *cut, float v) {
    __m512 x = _mm512_set1_ps(v), coarse = _mm512_loadu_ps(cut + AML_CODES);
    unsigned below = _mm512_cmp_ps_mask(coarse, x, _CMP_LT_OQ);
    unsigned part = (unsigned)__builtin_popcount(below) & (AML_COARSE - 1);
    below = _mm512_cmp_ps_mask(_mm512_loadu_ps(cut + AML_COARSE * part), x, _CMP_LT_OQ);
    return (uint8_t)(AML_COARSE * part + (unsigned)__builtin_popcount(below));
}
#endif

#endif
