/* tree_row.c: one row through many trees side by side. */
#include "learners/parts/tree_row.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "learners/parts/tree_codes.h"

/* A word: used feature | code << 8 | flags | distance of the left child << 20. */
enum { CODE_SHIFT = 8, LEFT_IS_LEAF = 16, RIGHT_IS_LEAF = 17, MISSING_LEFT = 18, CATEGORY = 19 };
enum { FAR_SHIFT = 20, MOST_SETS = 256, LANES = 64, WALKERS = 512 };

static_assert(2 * AML_MASK_LEAVES <= 1 << (32 - FAR_SHIFT), "nodes of a small tree");

/* ---- making */

static bool fits(const aml_tree_plan *plan, const aml_plan_tree *tree, const aml_tree *from) {
    if (from->n_shares || from->n_sets > MOST_SETS) return false;
    if (!tree->at) return from->n_nodes == 1;
    for (uint32_t i = 0; i < from->n_nodes; i++) {
        const aml_node *node = from->node + i;
        if (!node->left) continue;
        bool category = node->kind & AML_NODE_CATEGORY;
        if (node->feature >= AML_ROW_FEATURES) return false;
        if (!category && !plan->feature[node->feature].n_cuts) return false;
    }
    return true;
}

/* A tree of one leaf gets a node above it that lets all codes go left. */
static uint32_t words_of(const aml_tree *tree) { return tree->n_nodes > 1 ? tree->n_nodes : 3; }

static void put_leaf(uint32_t *word, float value) {
    const uint32_t leaves = 1u << LEFT_IS_LEAF | 1u << RIGHT_IS_LEAF;
    word[0] = (AML_CODES - 1) << CODE_SHIFT | leaves | 1u << FAR_SHIFT;
    memcpy(word + 1, &value, sizeof value);
    word[2] = word[1];
}

static void put_words(uint32_t *word, const aml_tree_plan *plan, const aml_plan_tree *tree,
                      const aml_tree *from) {
    uint32_t sets = 0, inner = 0;
    if (from->n_nodes == 1) put_leaf(word, from->node->value);
    for (uint32_t i = 0; i < from->n_nodes && from->n_nodes > 1; i++) {
        const aml_node *node = from->node + i;
        uint32_t left = node->left;
        if (!left) {
            memcpy(word + i, &node->value, sizeof *word);
            continue;
        }
        uint32_t on = tree->on[inner++];
        bool category = node->kind & AML_NODE_CATEGORY;
        uint32_t code = category ? sets++ : plan->condition[on].code;
        word[i] = node->feature | code << CODE_SHIFT |
                  (uint32_t)!from->node[left].left << LEFT_IS_LEAF |
                  (uint32_t)!from->node[left + 1].left << RIGHT_IS_LEAF |
                  (uint32_t) !!(node->kind & AML_NODE_MISSING_LEFT) << MISSING_LEFT |
                  (uint32_t)category << CATEGORY | (left - i) << FAR_SHIFT;
    }
}

/* The words of the first three nodes of each tree stand together, too. */
static aml_status put_lanes(aml_tree_plan *plan, aml_plan_tree *tree, const aml_trees *t,
                            size_t n_words, aml_arena *keep) {
    size_t n = plan->n_lanes + (size_t)LANES;
    uint32_t *word = aml_alloc_raw(keep, n_words, sizeof *word), *lane[AML_LANE_KINDS];
    if (!word) return AML_ENOMEM;
    for (int i = 0; i < AML_LANE_KINDS; i++) {
        plan->lane[i] = lane[i] = AML_ARRAY(keep, n, uint32_t);
        if (!lane[i]) return AML_ENOMEM;
    }
    uint32_t at = 0, k = 0;
    for (uint32_t number = 0; number < t->n_trees; number++) {
        if (!fits(plan, tree + number, t->tree + number)) continue;
        put_words(word + at, plan, tree + number, t->tree + number);
        tree[number].word = word + at;
        lane[AML_LANE_ROOT][k] = at;
        lane[AML_LANE_SET][k] = tree[number].set;
        for (int i = 0; i < 3; i++) lane[AML_LANE_WORD + i][k] = word[at + (uint32_t)i];
        at += words_of(t->tree + number);
        k++;
    }
    plan->word = word;
    return AML_OK;
}

aml_status aml_words_make(aml_tree_plan *plan, aml_plan_tree *tree, const aml_trees *t,
                          aml_arena *keep) {
    size_t n_words = 0;
    for (uint32_t k = 0; k < t->n_trees; k++) {
        if (!fits(plan, tree + k, t->tree + k)) continue;
        plan->n_lanes++;
        n_words += words_of(t->tree + k);
    }
    if (n_words > INT32_MAX) plan->n_lanes = 0;
    return plan->n_lanes ? put_lanes(plan, tree, t, n_words, keep) : AML_OK;
}

/* ---- codes */

/* Returns whether a number is missing. */
AML_KERNEL bool code_all(uint16_t *code, const aml_tree_plan *plan, uint32_t n, const float *x,
                         uint8_t (*code_of)(const float *cut, float v)) {
    bool missing = false;
    for (uint32_t u = 0; u < n; u++) {
        const aml_plan_feature *f = plan->feature + u;
        code[u] = AML_CODE_MISSING;
        if (f->category) code[u] = (uint16_t)x[u];
        else if (isnan(x[u])) missing = true;
        else if (f->cut) code[u] = code_of(f->cut, x[u]); /* no word asks the others */
    }
    return missing;
}

/* ---- walks */

/* A sum that follows the walks: of the values up to `done`. */
typedef struct following {
    double sum;
    uint32_t done;
} following;

AML_KERNEL void follow(following *f, const float *value, uint32_t end) {
    for (; f->done < end; f->done++) f->sum += (double)value[f->done];
}

/* Without a branch on the data: who comes to a leaf leaves it in at_leaf and drops out. */
AML_KERNEL size_t step_all(uint32_t *at, uint32_t *who, size_t n, uint32_t *at_leaf,
                           const aml_tree_plan *plan, const uint32_t *sets, const uint16_t *code) {
    size_t left_over = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t word = plan->word[at[i]], limit = word >> CODE_SHIFT & 0xff, me = who[i];
        uint32_t c = code[word & 0xff];
        uint32_t right = (c > limit) & ~((c == AML_CODE_MISSING) & word >> MISSING_LEFT);
        if (sets) {
            uint32_t category = word >> CATEGORY & 1;
            const uint32_t *set = plan->set[category ? sets[me] + limit : 0];
            right = category ? ~set[c / 32] >> c % 32 & 1 : right;
        }
        uint32_t next = at[i] + (word >> FAR_SHIFT) + right;
        at_leaf[me] = next;
        at[left_over] = next;
        who[left_over] = me;
        left_over += ~word >> (LEFT_IS_LEAF + right) & 1;
    }
    return left_over;
}

static double walk(float *value, const aml_tree_plan *plan, const uint16_t *code, double sum) {
    uint32_t at[WALKERS], who[WALKERS], leaf[WALKERS];
    following f = {sum, 0};
    for (uint32_t k = 0; k < plan->n_lanes; k += WALKERS) {
        const uint32_t *sets = plan->n_sets ? plan->lane[AML_LANE_SET] + k : NULL;
        size_t m = plan->n_lanes - k < WALKERS ? plan->n_lanes - k : WALKERS, n = m;
        for (uint32_t i = 0; i < m; i++) at[i] = plan->lane[AML_LANE_ROOT][k + i], who[i] = i;
        while (n) n = step_all(at, who, n, leaf, plan, sets, code);
        for (uint32_t i = 0; i < m; i++) memcpy(value + k + i, plan->word + leaf[i], sizeof *value);
    }
    follow(&f, value, plan->n_lanes);
    return f.sum;
}

#ifdef AML_AVX512
enum { GROUPS = LANES / 16, TABLE = 64, A_STEP = 8 };

/* What a row brings, and how much of it has to be looked at. */
typedef struct lane_row {
    const uint16_t *code;
    uint32_t n_codes;
    bool missing, sets;
} lane_row;

typedef struct lanes {
    __m512i at, set;
    __mmask16 on;
} lanes;

#define AML_LANES AML_AVX512 static inline __attribute__((always_inline))

/* Codes of 64 features are looked up in two registers. */
AML_LANES __m512i look_up(__m512i word, const lane_row *row) {
    __m512i c = _mm512_permutex2var_epi16(_mm512_loadu_si512(row->code), word,
                                          _mm512_loadu_si512(row->code + 32));
    for (uint32_t s = TABLE; s < row->n_codes; s += TABLE) {
        __m512i part = _mm512_and_si512(word, _mm512_set1_epi32(0xc0));
        __m512i more = _mm512_permutex2var_epi16(_mm512_loadu_si512(row->code + s), word,
                                                 _mm512_loadu_si512(row->code + s + 32));
        c = _mm512_mask_mov_epi32(c, _mm512_cmpeq_epi32_mask(part, _mm512_set1_epi32((int)s)),
                                  more);
    }
    return _mm512_and_si512(c, _mm512_set1_epi32(0xff));
}

AML_LANES __mmask16 has(__m512i word, int flag) {
    return _mm512_test_epi32_mask(word, _mm512_set1_epi32(1 << flag));
}

/* Which lanes of categories go right. */
AML_LANES __mmask16 right_of_sets(__mmask16 ask, __m512i c, __m512i set, __m512i limit,
                                  const aml_tree_plan *plan) {
    __m512i at = _mm512_slli_epi32(_mm512_add_epi32(set, limit), 3);
    at = _mm512_add_epi32(at, _mm512_srli_epi32(c, 5));
    __m512i bits = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), ask, at, plan->set, 4);
    bits = _mm512_srlv_epi32(bits, _mm512_and_si512(c, _mm512_set1_epi32(31)));
    return _mm512_mask_testn_epi32_mask(ask, bits, _mm512_set1_epi32(1));
}

/* One step of 16 trees from these words; returns who went right. */
AML_LANES __mmask16 step_sixteen(lanes *l, __m512i word, const aml_tree_plan *plan,
                                 const lane_row *row) {
    __m512i c = look_up(word, row);
    __m512i limit = _mm512_and_si512(_mm512_srli_epi32(word, CODE_SHIFT), _mm512_set1_epi32(0xff));
    __mmask16 right = _mm512_cmpgt_epu32_mask(c, limit);
    if (row->missing)
        right &= ~(has(word, MISSING_LEFT) &
                   _mm512_cmpeq_epi32_mask(c, _mm512_set1_epi32(AML_CODE_MISSING)));
    if (row->sets) {
        __mmask16 ask = l->on & has(word, CATEGORY);
        if (ask) right = (__mmask16)((right & ~ask) | right_of_sets(ask, c, l->set, limit, plan));
    }
    __m512i next = _mm512_add_epi32(l->at, _mm512_srli_epi32(word, FAR_SHIFT));
    next = _mm512_mask_add_epi32(next, right, next, _mm512_set1_epi32(1));
    l->at = _mm512_mask_mov_epi32(l->at, l->on, next);
    l->on &= (__mmask16) ~((right & has(word, RIGHT_IS_LEAF)) | (~right & has(word, LEFT_IS_LEAF)));
    return right;
}

/* The first two steps need no gathering. */
AML_LANES void begin_sixteen(lanes *l, uint32_t k, const aml_tree_plan *plan, const lane_row *row) {
    uint32_t n = plan->n_lanes > k ? plan->n_lanes - k : 0;
    const uint32_t *const *lane = plan->lane;
    l->at = _mm512_loadu_si512(lane[AML_LANE_ROOT] + k);
    l->set = _mm512_loadu_si512(lane[AML_LANE_SET] + k);
    l->on = (__mmask16)(n < 16 ? (1u << n) - 1 : 0xffffu);
    __mmask16 right = step_sixteen(l, _mm512_loadu_si512(lane[AML_LANE_WORD] + k), plan, row);
    __m512i word = _mm512_mask_mov_epi32(_mm512_loadu_si512(lane[AML_LANE_WORD + 1] + k), right,
                                         _mm512_loadu_si512(lane[AML_LANE_WORD + 2] + k));
    step_sixteen(l, word, plan, row);
}

/* Sums follow a group behind, some at each step: they wait for one another, the walks do not wait for them. */
AML_LANES double walk_avx512(float *value, const aml_tree_plan *plan, const lane_row *row,
                             double sum) {
    following f = {sum, 0};
    for (uint32_t k = 0; k < plan->n_lanes; k += LANES) {
        lanes l[GROUPS];
        for (uint32_t g = 0; g < GROUPS; g++) begin_sixteen(l + g, k + 16 * g, plan, row);
        while (l[0].on | l[1].on | l[2].on | l[3].on) {
            for (uint32_t g = 0; g < GROUPS; g++)
                step_sixteen(l + g, _mm512_i32gather_epi32(l[g].at, plan->word, 4), plan, row);
            follow(&f, value, f.done + A_STEP < k ? f.done + A_STEP : k);
        }
        for (uint32_t g = 0; g < GROUPS; g++)
            _mm512_storeu_ps(value + k + 16 * g, _mm512_i32gather_ps(l[g].at, plan->word, 4));
    }
    follow(&f, value, plan->n_lanes);
    return f.sum;
}

AML_AVX512 static double code_and_walk_avx512(float *value, const aml_tree_plan *plan, uint32_t n,
                                              const float *x, double sum) {
    uint16_t code[AML_ROW_FEATURES] = {0};
    lane_row row = {.code = code, .n_codes = n};
    row.missing = code_all(code, plan, n, x, aml_code_avx512);
    row.sets = plan->n_sets;
    if (row.missing || row.sets) return walk_avx512(value, plan, &row, sum);
    if (n <= TABLE)
        return walk_avx512(value, plan, &(lane_row){.code = code, .n_codes = TABLE}, sum);
    return walk_avx512(value, plan, &(lane_row){.code = code, .n_codes = n}, sum);
}
#endif

double aml_words_walk(float *value, const aml_tree_plan *plan, uint32_t n_used, const float *x,
                      double sum) {
    uint32_t n = n_used < AML_ROW_FEATURES ? n_used : AML_ROW_FEATURES;
    if (!plan->n_lanes) return sum;
#ifdef AML_AVX512
    if (aml_has_avx512()) return code_and_walk_avx512(value, plan, n, x, sum);
#endif
    uint16_t code[AML_ROW_FEATURES] = {0};
    code_all(code, plan, n, x, aml_code_plain);
    return walk(value, plan, code, sum);
}
