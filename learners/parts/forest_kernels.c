/* forest_kernels.c: cuts of forest nodes, several at a time. */
#include "learners/parts/forest_kernels.h"

#include <math.h>
#include <string.h>

#include "learners/parts/simd.h"

#if defined(__SSE4_1__)
#include <smmintrin.h>
#endif

typedef uint8_t bytes __attribute__((vector_size(AML_LANES)));
typedef int32_t ints __attribute__((vector_size(4 * AML_LANES)));
typedef uint32_t uints __attribute__((vector_size(4 * AML_LANES)));
typedef int32_t half_ints __attribute__((vector_size(2 * AML_LANES)));
typedef int64_t longs __attribute__((vector_size(4 * AML_LANES)));
typedef int64_t quad __attribute__((vector_size(2 * AML_LANES)));
typedef int64_t pair __attribute__((vector_size(AML_LANES)));
typedef int32_t few_ints __attribute__((vector_size(AML_LANES)));
typedef double doubles __attribute__((vector_size(4 * AML_LANES)));

/* Gains of the cuts, read as whole numbers when the largest is looked for: for doubles that are not negative the order
 * is the same, and whole numbers have one in which any number of lanes may look. NONE is below all. */
enum { NONE = -1, MOST = 256, NO_CODE = 256 };
typedef union gains {
    _Alignas(64) double gain[MOST];
    _Alignas(64) int64_t bits[MOST];
} gains;

/* Do both sides weigh enough? */
AML_KERNEL int64_t judge(int64_t bits, int64_t weight, int64_t least, int64_t most) {
    int64_t light = (least - 1 - weight) & (weight - most - 1); /* negative: it does */
    return light < 0 ? bits : NONE;
}

AML_KERNEL int64_t largest(const gains *g, size_t n) {
    int64_t most = NONE;
    for (size_t i = 0; i < n; i++) most = g->bits[i] > most ? g->bits[i] : most;
    return most;
}

AML_KERNEL double gain_of(int64_t bits) {
    double gain;
    memcpy(&gain, &bits, sizeof gain);
    return gain;
}

AML_KERNEL bool beats(int64_t bits, double above) { return bits != NONE && gain_of(bits) > above; }

/* ---- few rows: each is a cut, and is compared with all; no order is needed */

/* A note for compilers: comparisons of vectors stay vectors only as long as each is used by itself, as a mask. */
#define CHOOSE(mask, yes, no) (((mask) & (yes)) | (~(mask) & (no)))

/* 16 codes from c on. */
AML_KERNEL void codes_at(ints *out, const uint8_t *code, size_t c) {
    bytes b;
    memcpy(&b, code + c, sizeof b);
    *out = __builtin_convertvector(b, ints);
}

/* Gains of 8 cuts as bits; those too light on a side are NONE. */
AML_KERNEL void gains_of(longs *out, const half_ints *slope, const half_ints *weight,
                         aml_whole all) {
    doubles s = __builtin_convertvector(*slope, doubles);
    doubles w = __builtin_convertvector(*weight, doubles);
    doubles cross = s * all.weight - all.slope * w;
    longs bits = (longs)(cross * cross / (w * (all.weight - w)));
    half_ints light = ((int32_t)all.least - 1 - *weight) & (*weight - (int32_t)all.most - 1);
    *out = bits | ~__builtin_convertvector(light >> 31, longs);
}

/* The sums of the cuts behind rows c … c+15, or c … c+31: two share the loads. */
AML_KERNEL void sum_left(aml_few *sum, const aml_few *rows, const int32_t *code, size_t n, size_t c,
                         int sets) {
    ints own[2], slope[2] = {{0}, {0}}, weight[2] = {{0}, {0}};
    memcpy(own, code + c, (size_t)sets * sizeof *own);
    for (size_t j = 0; j < n; j++)
        for (int k = 0; k < sets; k++) {
            ints left = code[j] <= own[k];
            slope[k] += left & rows->slope[j];
            weight[k] += left & rows->weight[j];
        }
    memcpy(sum->slope + c, slope, (size_t)sets * sizeof *slope);
    memcpy(sum->weight + c, weight, (size_t)sets * sizeof *weight);
}

AML_KERNEL int64_t few_gains(int64_t *gain, const aml_few *sum, size_t n, aml_whole all) {
    longs top = (longs){0} + NONE;
    for (size_t c = 0; c < n; c += AML_LANES / 2) {
        half_ints slope, weight;
        longs bits, more;
        memcpy(&slope, sum->slope + c, sizeof slope);
        memcpy(&weight, sum->weight + c, sizeof weight);
        gains_of(&bits, &slope, &weight, all);
        more = bits > top;
        top = CHOOSE(more, bits, top);
        memcpy(gain + c, &bits, sizeof bits);
    }
    quad four[2];
    pair two[2];
    memcpy(four, &top, sizeof four);
    quad larger = four[0] > four[1];
    four[0] = CHOOSE(larger, four[0], four[1]);
    memcpy(two, four, sizeof two);
    pair above = two[0] > two[1];
    two[0] = CHOOSE(above, two[0], two[1]);
    return two[0][0] > two[0][1] ? two[0][0] : two[0][1];
}

AML_KERNEL aml_scan few_body(const aml_few *rows, const uint8_t *byte, size_t n, bool missing_right,
                             aml_whole all, double above) {
    aml_few sum;
    _Alignas(64) int32_t code[AML_FEW];
    _Alignas(64) int64_t gain[AML_FEW];
    for (size_t c = 0; c < n; c += AML_LANES) {
        ints own, missing;
        codes_at(&own, byte, c);
        missing = own == 0;
        own |= missing & (missing_right ? NO_CODE : 0);
        memcpy(code + c, &own, sizeof own);
    }
    size_t c = 0;
    for (; c + AML_LANES < n; c += 2 * AML_LANES) sum_left(&sum, rows, code, n, c, 2);
    if (c < n) sum_left(&sum, rows, code, n, c, 1);
    int64_t most = few_gains(gain, &sum, n, all);
    if (!beats(most, above)) return (aml_scan){.gain = -INFINITY};
    size_t at = n;
    for (size_t i = 0; i < n; i++)
        if (gain[i] == most && (at == n || code[i] < code[at])) at = i;
    return (aml_scan){gain_of(most), (uint32_t)code[at], aml_pack(sum.slope[at], sum.weight[at])};
}

/* ---- many rows: sums by code */

/* 32 bits to double without a conversion, which not every processor has: behind the exponent of 2^52. */
AML_KERNEL double from_bits(uint64_t low) {
    uint64_t bits = low | 0x4330000000000000u;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x - 4503599627370496.0;
}

AML_KERNEL aml_scan many_body(const uint64_t *sum, size_t n, aml_whole all, double above) {
    gains g;
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        double weight = from_bits(sum[i] & 0xffffffffu);
        double slope = from_bits((sum[i] >> 32) ^ 0x80000000u) - 2147483648.0;
        g.gain[i] = aml_cut_gain(slope, weight, all);
    }
    for (size_t i = 0; i < n; i++)
        g.bits[i] = judge(g.bits[i], (int64_t)(sum[i] & 0xffffffffu), all.least, all.most);
    int64_t most = largest(&g, n);
    if (!beats(most, above)) return (aml_scan){.gain = -INFINITY};
    while (g.bits[at] != most) at++;
    return (aml_scan){gain_of(most), (uint32_t)at, sum[at]};
}

AML_KERNEL uint64_t side_body(const uint64_t *value, const uint8_t *code, size_t n, unsigned from,
                              unsigned to) {
    uint64_t sum = 0;
    uint8_t first = (uint8_t)from, span = (uint8_t)(to - from);
    for (size_t i = 0; i < n; i++) sum += (uint8_t)(code[i] - first) <= span ? value[i] : 0;
    return sum;
}

AML_KERNEL int32_t sum_lanes(const ints *v) {
    half_ints half[2];
    few_ints quarter[2];
    memcpy(half, v, sizeof half);
    half[0] += half[1];
    memcpy(quarter, half, sizeof quarter);
    quarter[0] += quarter[1];
    return (quarter[0][0] + quarter[0][1]) + (quarter[0][2] + quarter[0][3]);
}

AML_KERNEL uint64_t few_side_body(const aml_few *rows, const uint8_t *code, size_t n, unsigned from,
                                  unsigned to) {
    ints slope = {0}, weight = {0};
    for (size_t c = 0; c < n; c += AML_LANES) {
        ints s, w, here, left;
        codes_at(&here, code, c);
        left = (uints)here - from <= (uint32_t)(to - from);
        memcpy(&s, rows->slope + c, sizeof s);
        memcpy(&w, rows->weight + c, sizeof w);
        slope += left & s;
        weight += left & w;
    }
    return aml_pack(sum_lanes(&slope), sum_lanes(&weight));
}

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

/* ---- one set of functions for each instruction set */

#define KERNELS(name, target)                                                                    \
    target static aml_scan few_##name(const aml_few *rows, const uint8_t *byte, size_t n,        \
                                      bool missing_right, aml_whole all, double above) {         \
        return few_body(rows, byte, n, missing_right, all, above);                               \
    }                                                                                            \
    target static aml_scan many_##name(const uint64_t *sum, size_t n, aml_whole all,             \
                                       double above) {                                           \
        return many_body(sum, n, all, above);                                                    \
    }                                                                                            \
    target static uint64_t side_##name(const uint64_t *value, const uint8_t *code, size_t n,     \
                                       unsigned from, unsigned to) {                             \
        return side_body(value, code, n, from, to);                                              \
    }                                                                                            \
    target static uint64_t few_side_##name(const aml_few *rows, const uint8_t *code, size_t n,   \
                                           unsigned from, unsigned to) {                         \
        return few_side_body(rows, code, n, from, to);                                           \
    }                                                                                            \
    target static size_t below_##name(const float *v, size_t n, float x) {                       \
        return below_body(v, n, x);                                                              \
    }                                                                                            \
    static const aml_forest_kernels kernels_##name = {few_##name,      many_##name, side_##name, \
                                                      few_side_##name, range,       below_##name};

KERNELS(plain, )
#if defined(__x86_64__)
#if defined(__clang__)
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#else
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")))
#endif
KERNELS(avx2, AML_AVX2)
KERNELS(avx512, AVX512)
#endif

const aml_forest_kernels *aml_forest_kernels_best(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return &kernels_avx512;
    if (aml_has_avx2()) return &kernels_avx2;
#endif
    return &kernels_plain;
}
