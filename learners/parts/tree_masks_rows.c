/* tree_masks_rows.c: rows to codes, and codes to the masks of conditions. */
#include <math.h>
#include <string.h>

#include "learners/parts/tree_codes.h"
#include "learners/parts/tree_masks.h"

enum { ROWS = AML_MASK_ROWS, WORDS = AML_MASK_WORDS };

/* ---- values */

static void gather_sparse(float *out, uint32_t column, const aml_csr *s, const uint32_t *rows,
                          size_t m) {
    for (size_t i = 0; i < m; i++) {
        uint64_t low = s->start[rows[i]], high = s->start[rows[i] + 1], end = high;
        while (low < high) {
            uint64_t middle = (low + high) / 2;
            if (s->column[middle] < column) low = middle + 1;
            else high = middle;
        }
        out[i] = low < end && s->column[low] == column ? s->value[low] : 0.0f;
    }
}

/* The values of a number; rows beyond the m are as if 0. */
static void gather(float *out, const aml_trees *t, uint32_t u, const aml_data *x, size_t begin,
                   size_t m) {
    const uint32_t *rows = x->rows + begin;
    uint32_t j = t->feature[u];
    if (j < t->p) {
        const float *column = x->x->column[j];
        for (size_t i = 0; i < m; i++) out[i] = column[rows[i]];
    } else gather_sparse(out, j - t->p, x->x->csr, rows, m);
    for (size_t i = m; i < ROWS; i++) out[i] = 0;
}

/* The bin codes of a category: 0 for what is missing or not known. */
static void gather_codes(uint8_t *out, const aml_trees *t, uint32_t u, const aml_data *x,
                         size_t begin, size_t m) {
    const uint32_t *rows = x->rows + begin;
    const float *column = x->x->column[t->feature[u]];
    const uint8_t *code = t->level_code[u];
    float n_levels = (float)t->n_levels[u];
    for (size_t i = 0; i < m; i++) {
        float v = column[rows[i]];
        out[i] = v >= 0 && v < n_levels ? code[(uint32_t)v] : 0;
    }
    for (size_t i = m; i < ROWS; i++) out[i] = 0;
}

/* ---- codes of numbers */

/* The mask of NaN; are there any? */
static uint64_t find_missing_plain(aml_mask *out, const float *v) {
    uint64_t any = 0;
    for (int w = 0; w < WORDS; w++) {
        uint64_t bits = 0;
#if defined(__x86_64__)
        for (int i = 0; i < 64; i += 4) {
            __m128 x = _mm_loadu_ps(v + 64 * w + i);
            bits |= (uint64_t)(unsigned)_mm_movemask_ps(_mm_cmpunord_ps(x, x)) << i;
        }
#else
        for (int i = 0; i < 64; i++) bits |= (uint64_t) !!isnan(v[64 * w + i]) << i;
#endif
        (*out)[w] = bits;
        any |= bits;
    }
    return any;
}

static void code_plain(uint8_t *code, const float *v, const float *cut) {
    for (size_t i = 0; i < ROWS; i++) code[i] = aml_code_plain(cut, v[i]);
}

#if defined(__x86_64__)
AML_AVX2 static void code_avx2(uint8_t *code, const float *v, const float *cut) {
    for (size_t i = 0; i < ROWS; i++) code[i] = aml_code_avx2(cut, v[i]);
}
#endif

#ifdef AML_AVX512
AML_AVX512 static uint64_t find_missing_avx512(aml_mask *out, const float *v) {
    uint16_t bits[ROWS / 16];
    uint64_t any = 0;
    for (int i = 0; i < ROWS / 16; i++) {
        __m512 x = _mm512_loadu_ps(v + 16 * i);
        any |= bits[i] = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
    }
    memcpy(out, bits, sizeof bits);
    return any;
}

AML_AVX512 static void code_avx512(uint8_t *code, const float *v, const float *cut) {
    for (size_t i = 0; i < ROWS; i++) code[i] = aml_code_avx512(cut, v[i]);
}
#endif

/* The codes of numbers; missing ones go right, whatever is asked. */
static uint64_t code_best(uint8_t *code, aml_mask *missing, const float *v, const float *cut) {
    uint64_t any;
#if defined(__x86_64__)
    if (aml_has_avx512()) {
        code_avx512(code, v, cut);
        any = find_missing_avx512(missing, v);
    } else if (aml_has_avx2()) {
        code_avx2(code, v, cut);
        any = find_missing_plain(missing, v);
    } else
#endif
    {
        code_plain(code, v, cut);
        any = find_missing_plain(missing, v);
    }
    for (size_t i = 0; i < ROWS && any; i++)
        if ((*missing)[i / 64] >> i % 64 & 1) code[i] = AML_CODE_MISSING;
    return any;
}

/* ---- conditions of codes */

AML_KERNEL uint64_t up_to(const uint8_t *code, uint8_t limit) {
    uint64_t bits = 0;
#if defined(__x86_64__)
    __m128i most = _mm_set1_epi8((char)limit);
    for (int i = 0; i < 64; i += 16) {
        __m128i c = _mm_loadu_si128((const __m128i *)(const void *)(code + i));
        __m128i left = _mm_cmpeq_epi8(_mm_min_epu8(c, most), c);
        bits |= (uint64_t)(unsigned)_mm_movemask_epi8(left) << i;
    }
#else
    for (int i = 0; i < 64; i++) bits |= (uint64_t)(code[i] <= limit) << i;
#endif
    return bits;
}

static void ask_codes_plain(aml_mask *out, const uint8_t *code, const aml_condition *c, size_t n) {
    for (size_t k = 0; k < n; k++)
        for (int w = 0; w < WORDS; w++) out[k][w] = up_to(code + 64 * w, (uint8_t)c[k].code);
}

#if defined(__x86_64__)
AML_AVX2 static void ask_codes_avx2(aml_mask *out, const uint8_t *code, const aml_condition *c,
                                    size_t n) {
    for (size_t k = 0; k < n; k++) {
        __m256i most = _mm256_set1_epi8((char)c[k].code);
        uint32_t left[ROWS / 32];
        for (int i = 0; i < ROWS / 32; i++) {
            __m256i here = _mm256_loadu_si256((const __m256i *)(const void *)(code + 32 * i));
            left[i] = (uint32_t)_mm256_movemask_epi8(
                _mm256_cmpeq_epi8(_mm256_min_epu8(here, most), here));
        }
        memcpy(out + k, left, sizeof left);
    }
}

AML_AVX512 static void ask_codes_avx512(aml_mask *out, const uint8_t *code, const aml_condition *c,
                                        size_t n) {
    __m512i row[WORDS];
    for (int w = 0; w < WORDS; w++) row[w] = _mm512_loadu_si512(code + 64 * w);
    for (size_t k = 0; k < n; k++) {
        __m512i most = _mm512_set1_epi8((char)c[k].code);
        for (int w = 0; w < WORDS; w++) out[k][w] = _mm512_cmple_epu8_mask(row[w], most);
    }
}
#endif

static void ask_codes(aml_mask *out, const uint8_t *code, const aml_condition *c, size_t n) {
#if defined(__x86_64__)
    if (aml_has_avx512()) ask_codes_avx512(out, code, c, n);
    else if (aml_has_avx2()) ask_codes_avx2(out, code, c, n);
    else
#endif
        ask_codes_plain(out, code, c, n);
}

/* ---- conditions of values with more cuts than codes */

AML_KERNEL void ask_floats(aml_mask *out, const float *v, const aml_condition *c, size_t n) {
    for (size_t k = 0; k < n; k++)
        for (int w = 0; w < WORDS; w++) {
            uint64_t bits = 0;
            for (int i = 0; i < 64; i++) bits |= (uint64_t)(v[64 * w + i] <= c[k].limit) << i;
            out[k][w] = bits;
        }
}

AML_BEST(ask_floats, (aml_mask * out, const float *v, const aml_condition *c, size_t n),
         (out, v, c, n))

#ifdef AML_AVX512
AML_AVX512 static void ask_floats_avx512(aml_mask *out, const float *v, const aml_condition *c,
                                         size_t n) {
    for (size_t k = 0; k < n; k++) {
        __m512 limit = _mm512_set1_ps(c[k].limit);
        uint16_t left[ROWS / 16];
        for (int i = 0; i < ROWS / 16; i++)
            left[i] = _mm512_cmp_ps_mask(_mm512_loadu_ps(v + 16 * i), limit, _CMP_LE_OQ);
        memcpy(out + k, left, sizeof left);
    }
}
#endif

/* ---- all slots */

static void ask_numbers(const aml_mask_room *r, const aml_tree_plan *plan, const aml_plan_slot *s,
                        aml_mask *missing) {
    const aml_condition *c = plan->condition + s->first;
    aml_mask *out = r->condition + s->first;
    size_t n = s->end - s->first;
    if (s->kind == AML_SLOT_CODES) {
        const float *cut = plan->feature[s->feature].cut;
        *r->any_missing |= code_best(r->code, missing, r->value, cut);
        ask_codes(out, r->code, c, n);
        return;
    }
#ifdef AML_AVX512
    if (aml_has_avx512()) {
        *r->any_missing |= find_missing_avx512(missing, r->value);
        ask_floats_avx512(out, r->value, c, n);
        return;
    }
#endif
    *r->any_missing |= find_missing_plain(missing, r->value);
    ask_floats_best(out, r->value, c, n);
}

void aml_masks_take(void *memory, const aml_tree_plan *plan, const aml_trees *t, const aml_data *x,
                    size_t begin, size_t m) {
    aml_mask_room r = aml_mask_room_of(memory, plan);
    *r.any_missing = 0;
    r.missing[0] = (aml_mask){0};
    for (uint32_t k = 0; k < plan->n_slots; k++) {
        const aml_plan_slot *s = plan->slot + k;
        if (s->kind != AML_SLOT_SETS) {
            gather(r.value, t, s->feature, x, begin, m);
            ask_numbers(&r, plan, s, r.missing + k + 1);
            continue;
        }
        gather_codes(r.code, t, s->feature, x, begin, m);
        for (uint32_t c = s->first; c < s->end; c++)
            aml_mask_of_set((uint64_t *)(r.condition + c), r.code,
                            plan->set[plan->condition[c].set]);
    }
}
