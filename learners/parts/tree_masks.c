/* tree_masks.c: many rows through small trees at once, as sets of bits. */
#include "learners/parts/tree_masks.h"

#include <string.h>

#include "learners/parts/simd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { WORDS = AML_MASK_WORDS, PLANES = 10, SHORT_PLANES = 8 };

/* ---- room */

enum { NODES = AML_NO_NODE + 1, VALUES = AML_MASK_ROWS * sizeof(float), LINE = 64 };

size_t aml_masks_room(const aml_tree_plan *plan) {
    size_t masks = (size_t)plan->n_conditions + plan->n_slots + 1 + NODES;
    return masks * sizeof(aml_mask) + VALUES + AML_MASK_ROWS + LINE;
}

aml_mask_room aml_mask_room_of(void *memory, const aml_tree_plan *plan) {
    aml_mask_room r = {.condition = memory};
    r.missing = r.condition + plan->n_conditions;
    r.node = r.missing + plan->n_slots + 1;
    r.value = (float *)(r.node + NODES);
    r.code = (uint8_t *)(r.value + AML_MASK_ROWS);
    r.any_missing = (uint64_t *)(void *)(r.code + AML_MASK_ROWS);
    return r;
}

/* ---- leaves */

/* The masks of all nodes, each behind its parent. */
AML_KERNEL void split(const aml_mask_room *r, const aml_plan_tree *tree, bool missing) {
    aml_mask *node = r->node;
    node[0] = ~(aml_mask){0};
    node[AML_NO_NODE] = (aml_mask){0};
    for (uint32_t k = 0; k < tree->n; k++) {
        aml_mask here = node[tree->at[k]], left = r->condition[tree->on[k]];
        if (missing) left |= r->missing[tree->missing[k]];
        node[2 * k + 1] = here & left;
        node[2 * k + 2] = here & ~left;
    }
}

/* The number of each leaf goes to its rows, bit k to the plane k; by eights, in which the lower bits are always the same. */
AML_KERNEL void run(uint64_t planes[PLANES][WORDS], const aml_mask_room *r,
                    const aml_plan_tree *tree) {
    aml_mask plane[PLANES] = {{0}}, *node = r->node;
    if (*r->any_missing) split(r, tree, true);
    else split(r, tree, false);
    for (uint32_t e = 0; e <= tree->n; e += 8) {
        const uint16_t *leaf = tree->leaf + e;
        aml_mask three = node[leaf[3]], seven = node[leaf[7]], five = node[leaf[5]],
                 six = node[leaf[6]];
        aml_mask odd = node[leaf[1]] | five, above = node[leaf[4]] | five | six | seven;
        plane[0] |= odd | three | seven;
        plane[1] |= node[leaf[2]] | three | six | seven;
        plane[2] |= above;
        above |= node[leaf[0]] | node[leaf[1]] | node[leaf[2]] | three;
        for (int k = 3; k < PLANES; k++)
            if (e >> k & 1) plane[k] |= above;
    }
    memcpy(planes, plane, sizeof plane);
}

AML_BEST(run, (uint64_t planes[PLANES][WORDS], const aml_mask_room *r, const aml_plan_tree *tree),
         (planes, r, tree))

static int planes_of(const aml_plan_tree *tree) {
    int n = 1;
    while (tree->n >> n) n++;
    return n;
}

/* 8 × 8 bits, a row a byte (Warren 2002, section 7-3). */
static uint64_t transpose(uint64_t x) {
    uint64_t t = (x ^ (x >> 7)) & 0x00AA00AA00AA00AAu;
    x ^= t ^ (t << 7);
    t = (x ^ (x >> 14)) & 0x0000CCCC0000CCCCu;
    x ^= t ^ (t << 14);
    t = (x ^ (x >> 28)) & 0x00000000F0F0F0F0u;
    return x ^ t ^ (t << 28);
}

static void number_plain(uint16_t *leaf, uint64_t planes[PLANES][WORDS], int n_planes) {
    for (int w = 0; w < WORDS; w++)
        for (int b = 0; b < 64; b += 8) {
            uint64_t low = 0, high = 0;
            for (int k = 0; k < n_planes && k < 8; k++) low |= (planes[k][w] >> b & 0xff) << 8 * k;
            for (int k = 8; k < n_planes; k++) high |= (planes[k][w] >> b & 0xff) << 8 * (k - 8);
            low = transpose(low);
            high = n_planes > 8 ? transpose(high) : 0;
            for (int i = 0; i < 8; i++)
                leaf[64 * w + b + i] =
                    (uint16_t)((low >> 8 * i & 0xff) | (high >> 8 * i & 0xff) << 8);
        }
}

#ifdef AML_AVX512
AML_AVX512 static void run_avx512(uint64_t planes[PLANES][WORDS], const aml_mask_room *r,
                                  const aml_plan_tree *tree) {
    run(planes, r, tree);
}

AML_AVX512 static void number_avx512(uint16_t *leaf, uint64_t planes[PLANES][WORDS], int n_planes) {
    for (int i = 0; i < AML_MASK_ROWS / 32; i++) {
        __m512i number = _mm512_setzero_si512();
        for (int k = 0; k < n_planes; k++) {
            __mmask32 rows = (__mmask32)(planes[k][i / 2] >> 32 * (i % 2));
            number = _mm512_or_si512(number, _mm512_maskz_set1_epi16(rows, (short)(1 << k)));
        }
        _mm512_storeu_si512(leaf + 32 * i, number);
    }
}
#endif

void aml_masks_leaves(uint16_t *leaf, void *memory, const aml_tree_plan *plan,
                      const aml_plan_tree *tree) {
    aml_mask_room r = aml_mask_room_of(memory, plan);
    uint64_t planes[PLANES][WORDS];
    int n_planes = planes_of(tree);
#ifdef AML_AVX512
    if (aml_has_avx512()) {
        run_avx512(planes, &r, tree);
        number_avx512(leaf, planes, n_planes);
        return;
    }
#endif
    run_best(planes, &r, tree);
    number_plain(leaf, planes, n_planes);
}

/* ---- sums */

static void add_plain(double *sum, uint64_t planes[PLANES][WORDS], int n_planes,
                      const float *value) {
    uint16_t leaf[AML_MASK_ROWS];
    number_plain(leaf, planes, n_planes);
    for (size_t i = 0; i < AML_MASK_ROWS; i++) sum[i] += (double)value[leaf[i]];
}

#if defined(__x86_64__)
/* Up to 256 leaves: a byte a row, from the bit of each plane. */
AML_AVX2 static void add_avx2(double *sum, uint64_t planes[PLANES][WORDS], int n_planes,
                              const float *value) {
    const __m256i spread =
        _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201u);
    uint8_t leaf[AML_MASK_ROWS];
    for (int i = 0; i < AML_MASK_ROWS / 32; i++) {
        __m256i number = _mm256_setzero_si256();
        for (int k = 0; k < n_planes; k++) {
            int rows = (int)(uint32_t)(planes[k][i / 2] >> 32 * (i % 2));
            __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(rows), spread);
            __m256i there = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit);
            number =
                _mm256_or_si256(number, _mm256_and_si256(there, _mm256_set1_epi8((char)(1 << k))));
        }
        _mm256_storeu_si256((__m256i *)(void *)(leaf + 32 * i), number);
    }
    for (size_t i = 0; i < AML_MASK_ROWS; i++) sum[i] += (double)value[leaf[i]];
}
#endif

#ifdef AML_AVX512
AML_AVX512 static inline void add_sixteen(double *sum, __m512 value) {
    __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(value)),
            high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(value, 1));
    _mm512_storeu_pd(sum, _mm512_add_pd(_mm512_loadu_pd(sum), low));
    _mm512_storeu_pd(sum + 8, _mm512_add_pd(_mm512_loadu_pd(sum + 8), high));
}

/* Up to 256 leaves: numbers of a byte; up to 32: their values lie in two registers. */
AML_AVX512 static void add_short(double *sum, uint64_t planes[PLANES][WORDS], int n_planes,
                                 const float *value) {
    uint8_t leaf[AML_MASK_ROWS] __attribute__((aligned(64)));
    __m512 low = _mm512_loadu_ps(value), high = _mm512_loadu_ps(value + 16);
    for (int w = 0; w < WORDS; w++) {
        __m512i number = _mm512_maskz_set1_epi8(planes[0][w], 1);
        for (int k = 1; k < n_planes; k++)
            number = _mm512_mask_add_epi8(number, planes[k][w], number,
                                          _mm512_set1_epi8((char)(1 << k)));
        _mm512_store_si512(leaf + 64 * w, number);
    }
    for (int i = 0; i < AML_MASK_ROWS && n_planes <= 5; i += 16) {
        __m512i at = _mm512_cvtepu8_epi32(_mm_load_si128((const __m128i *)(leaf + i)));
        add_sixteen(sum + i, _mm512_permutex2var_ps(low, at, high));
    }
    for (int i = 0; i < AML_MASK_ROWS && n_planes > 5; i += 16) {
        __m512i at = _mm512_cvtepu8_epi32(_mm_load_si128((const __m128i *)(leaf + i)));
        add_sixteen(sum + i, _mm512_i32gather_ps(at, value, 4));
    }
}

AML_AVX512 static void add_long(double *sum, uint64_t planes[PLANES][WORDS], int n_planes,
                                const float *value) {
    uint16_t leaf[AML_MASK_ROWS];
    number_avx512(leaf, planes, n_planes);
    for (int i = 0; i < AML_MASK_ROWS; i += 16) {
        __m512i at = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(leaf + i)));
        add_sixteen(sum + i, _mm512_i32gather_ps(at, value, 4));
    }
}

AML_AVX512 static void add_avx512(double *sum, const aml_mask_room *r, const aml_plan_tree *tree) {
    uint64_t planes[PLANES][WORDS];
    int n_planes = planes_of(tree);
    run(planes, r, tree);
    if (n_planes <= SHORT_PLANES) add_short(sum, planes, n_planes, tree->value);
    else add_long(sum, planes, n_planes, tree->value);
}
#endif

void aml_masks_add(double *sum, void *memory, const aml_tree_plan *plan,
                   const aml_plan_tree *tree) {
    aml_mask_room r = aml_mask_room_of(memory, plan);
#ifdef AML_AVX512
    if (aml_has_avx512()) {
        add_avx512(sum, &r, tree);
        return;
    }
#endif
    uint64_t planes[PLANES][WORDS];
    int n_planes = planes_of(tree);
    run_best(planes, &r, tree);
#if defined(__x86_64__)
    if (aml_has_avx2() && n_planes <= SHORT_PLANES) {
        add_avx2(sum, planes, n_planes, tree->value);
        return;
    }
#endif
    add_plain(sum, planes, n_planes, tree->value);
}
