/* forest_kernels.c: cuts of forest nodes, several at a time. */
#include "learners/parts/forest_kernels.h"

#include <math.h>
#include <string.h>

#include "learners/parts/simd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

aml_whole aml_whole_of(int64_t slope, int64_t weight, int64_t least) {
    aml_whole all = {.mean = (double)slope / (double)weight,
                     .weight = (double)weight,
                     .least = least,
                     .most = weight - least};
    all.shift = (int32_t)(all.mean + (all.mean < 0 ? -0.5 : 0.5));
    return all;
}

/* Gains are read as whole numbers when the largest is looked for: for floats that are not negative the order is the
 * same, and whole numbers have one in which any number of lanes may look. NONE is below all. */
enum { NONE = -1, NO_CODE = 256 };

/* A note for compilers: comparisons of vectors stay vectors only as long as each is used by itself, as a mask. */
#define CHOOSE(mask, yes, no) (((mask) & (yes)) | (~(mask) & (no)))

#if defined(__SSE4_1__)
/* The smallest byte: of two neighbours in each of eight words, and then of the words. */
AML_KERNEL unsigned smallest(__m128i v) {
    __m128i of_two = _mm_and_si128(_mm_min_epu8(v, _mm_srli_epi16(v, 8)), _mm_set1_epi16(255));
    return (unsigned)_mm_extract_epi16(_mm_minpos_epu16(of_two), 0);
}

static void range(uint8_t *lo, uint8_t *hi, const uint8_t *code, size_t n) {
    __m128i least = _mm_loadu_si128((const void *)code), most = least;
    for (size_t i = AML_LANES; i < n; i += AML_LANES) {
        __m128i own = _mm_loadu_si128((const void *)(code + i));
        least = _mm_min_epu8(least, own);
        most = _mm_max_epu8(most, own);
    }
    *lo = (uint8_t)smallest(least);
    *hi = (uint8_t)(255 - smallest(_mm_xor_si128(most, _mm_set1_epi8(-1))));
}
#else
static void range(uint8_t *lo, uint8_t *hi, const uint8_t *code, size_t n) {
    *lo = *hi = code[0];
    for (size_t i = 1; i < n; i++) {
        *lo = code[i] < *lo ? code[i] : *lo;
        *hi = code[i] > *hi ? code[i] : *hi;
    }
}
#endif

AML_KERNEL size_t below_body(const float *v, size_t n, float x) {
    uint32_t count = 0;
    for (size_t i = 0; i < n; i++) count += v[i] < x;
    return count;
}

AML_KERNEL uint64_t side_body(const uint64_t *value, const uint8_t *code, size_t n, unsigned from,
                              unsigned to) {
    uint64_t sum = 0;
    uint8_t first = (uint8_t)from, span = (uint8_t)(to - from);
    for (size_t i = 0; i < n; i++) sum += (uint8_t)(code[i] - first) <= span ? value[i] : 0;
    return sum;
}

/* ---- one set of functions for each instruction set, in vectors as long as its registers */

#define LANES 4
#define NAME(what) what##_plain
#define TARGET
#include "learners/parts/forest_lanes.h"

#if defined(__x86_64__)
#define LANES 8
#define NAME(what) what##_avx2
#define TARGET AML_AVX2
#include "learners/parts/forest_lanes.h"

#define LANES 16
#define NAME(what) what##_avx512
#if defined(__clang__)
#define TARGET AML_AVX512
#else
#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")))
#endif
#include "learners/parts/forest_lanes.h"
#endif

const aml_forest_kernels *aml_forest_kernels_best(void) {
#if defined(__x86_64__)
    if (aml_has_avx512()) return &kernels_avx512;
    if (aml_has_avx2()) return &kernels_avx2;
#endif
    return &kernels_plain;
}
