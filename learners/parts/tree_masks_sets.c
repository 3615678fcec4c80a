/* tree_masks_sets.c: which of 512 rows have a category of a set. */
#include <string.h>

#include "learners/parts/simd.h"
#include "learners/parts/tree_masks.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { ROWS = AML_MASK_ROWS, WORDS = AML_MASK_WORDS };

static void of_set_plain(uint64_t left[WORDS], const uint8_t *code, const uint8_t set[32]) {
    for (int w = 0; w < WORDS; w++) {
        uint64_t bits = 0;
        for (int i = 0; i < 64; i++) {
            unsigned c = code[64 * w + i];
            bits |= (uint64_t)(set[c / 8] >> c % 8 & 1) << i;
        }
        left[w] = bits;
    }
}

#if defined(__x86_64__)
/* The byte of the set by two table look-ups of 16 bytes, its bit by a third. */
AML_AVX2 static void of_set_avx2(uint64_t left[WORDS], const uint8_t *code, const uint8_t set[32]) {
    __m256i low = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)set));
    __m256i high = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)(set + 16)));
    __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201u);
    uint32_t out[ROWS / 32];
    for (int i = 0; i < ROWS / 32; i++) {
        __m256i c = _mm256_loadu_si256((const void *)(code + 32 * i));
        __m256i at = _mm256_and_si256(_mm256_srli_epi16(c, 3), _mm256_set1_epi8(15));
        __m256i byte =
            _mm256_blendv_epi8(_mm256_shuffle_epi8(low, at), _mm256_shuffle_epi8(high, at), c);
        __m256i one = _mm256_shuffle_epi8(bit, _mm256_and_si256(c, _mm256_set1_epi8(7)));
        out[i] =
            (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_and_si256(byte, one), one));
    }
    memcpy(left, out, sizeof out);
}

AML_AVX512 static void of_set_avx512(uint64_t left[WORDS], const uint8_t *code,
                                     const uint8_t set[32]) {
    __m512i low = _mm512_broadcast_i32x4(_mm_loadu_si128((const void *)set));
    __m512i high = _mm512_broadcast_i32x4(_mm_loadu_si128((const void *)(set + 16)));
    __m512i bit = _mm512_set1_epi64((long long)0x8040201008040201u);
    for (int w = 0; w < WORDS; w++) {
        __m512i c = _mm512_loadu_si512(code + 64 * w);
        __m512i at = _mm512_and_si512(_mm512_srli_epi16(c, 3), _mm512_set1_epi8(15));
        __m512i byte = _mm512_mask_shuffle_epi8(_mm512_shuffle_epi8(low, at),
                                                _mm512_movepi8_mask(c), high, at);
        __m512i one = _mm512_shuffle_epi8(bit, _mm512_and_si512(c, _mm512_set1_epi8(7)));
        left[w] = _mm512_test_epi8_mask(byte, one);
    }
}
#endif

void aml_mask_of_set(uint64_t left[WORDS], const uint8_t *code, const uint32_t set[AML_SET_WORDS]) {
    uint8_t bytes[4 * AML_SET_WORDS];
    for (int i = 0; i < 4 * AML_SET_WORDS; i++) bytes[i] = (uint8_t)(set[i / 4] >> 8 * (i % 4));
#if defined(__x86_64__)
    if (aml_has_avx512()) of_set_avx512(left, code, bytes);
    else if (aml_has_avx2()) of_set_avx2(left, code, bytes);
    else
#endif
        of_set_plain(left, code, bytes);
}
