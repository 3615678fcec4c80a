/* tree_walk.c: rows walk down a tree side by side, so that the latencies of memory overlap. */
#include "learners/parts/tree_plan.h"

#include <math.h>

#include "learners/parts/simd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* ---- over the tree itself */

/* One step of the n walkers, without a branch on the data. Those that come to a leaf leave it in leaf[row] and drop out.
 * Returns how many walk on. */
AML_KERNEL size_t walk_step(const aml_walkers *w, size_t n, uint32_t *leaf, const aml_tree *tree,
                            const float *x, size_t stride, bool sets) {
    size_t left_over = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t row = w->row[i];
        const aml_node *here = tree->node + w->at[i];
        uint32_t missing_left = here->kind & AML_NODE_MISSING_LEFT;
        float v = x[row * stride + here->feature];
        uint32_t left = v <= here->value, missing = isnan(v);
        if (sets) {
            bool category = here->kind & AML_NODE_CATEGORY;
            uint32_t code = (uint32_t)(category ? v : 0.0f);
            size_t set = category ? here->kind >> AML_NODE_SET_SHIFT : 0;
            uint32_t bit = tree->set[set * AML_SET_WORDS + code / 32] >> (code % 32) & 1;
            left = category ? bit : left;
            missing = category ? !code : missing;
        }
        left = missing ? missing_left : left;
        uint32_t at = here->left + !left;
        leaf[row] = at;
        w->row[left_over] = row;
        w->at[left_over] = at;
        left_over += tree->node[at].left != 0;
    }
    return left_over;
}

static size_t begin(uint32_t *leaf, const aml_walkers *w, size_t m) {
    for (size_t i = 0; i < m; i++) w->row[i] = (uint32_t)i, w->at[i] = leaf[i] = 0;
    return m;
}

void aml_tree_walk(uint32_t *leaf, const aml_walkers *w, const aml_tree *tree, const float *x,
                   size_t stride, size_t m) {
    size_t n = begin(leaf, w, m);
    if (!tree->node->left) return;
    if (tree->n_sets)
        while (n) n = walk_step(w, n, leaf, tree, x, stride, true);
    else
        while (n) n = walk_step(w, n, leaf, tree, x, stride, false);
}

/* ---- over packed nodes */

enum { MISSING_LEFT = 1, LEFT_IS_LEAF = 2, RIGHT_IS_LEAF = 4, FEATURE_SHIFT = 3, CHILD_SHIFT = 15 };

bool aml_steps_fit(const aml_trees *t, const aml_tree *tree) {
    return !tree->n_sets && t->n_used <= AML_STEP_FEATURES && tree->n_nodes <= AML_STEP_NODES;
}

void aml_steps_pack(aml_step *out, const aml_tree *tree) {
    for (uint32_t i = 0; i < tree->n_nodes; i++) {
        const aml_node *node = tree->node + i;
        uint32_t left = node->left;
        out[i] = (aml_step){.value = node->value};
        if (!left) continue;
        out[i].how = left << CHILD_SHIFT | node->feature << FEATURE_SHIFT |
                     (node->kind & AML_NODE_MISSING_LEFT ? MISSING_LEFT : 0u) |
                     (tree->node[left].left ? 0u : LEFT_IS_LEAF) |
                     (tree->node[left + 1].left ? 0u : RIGHT_IS_LEAF);
    }
}

static size_t packed_step(const aml_walkers *w, size_t n, uint32_t *leaf, const aml_step *step,
                          const float *x, size_t stride) {
    size_t left_over = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t row = w->row[i];
        aml_step here = step[w->at[i]];
        float v = x[row * stride + (here.how >> FEATURE_SHIFT & (AML_STEP_FEATURES - 1))];
        uint32_t missing = !!isnan(v), left = (uint32_t)(v <= here.value) | (missing & here.how);
        uint32_t at = (here.how >> CHILD_SHIFT) + (left ^ 1);
        leaf[row] = at;
        w->row[left_over] = row;
        w->at[left_over] = at;
        left_over += ~here.how >> (2 - left) & 1; /* no branch on the data */
    }
    return left_over;
}

#ifdef AML_AVX512
AML_AVX512 static size_t packed_step_avx512(const aml_walkers *w, size_t n, uint32_t *leaf,
                                            const aml_step *step, const float *x, size_t stride) {
    const __m512i evens =
        _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    const __m512i odds = _mm512_add_epi32(evens, _mm512_set1_epi32(1));
    const __m512i width = _mm512_set1_epi32((int)stride);
    size_t left_over = 0;
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 here = (__mmask16)(n - i >= 16 ? 0xffffu : (1u << (n - i)) - 1);
        __m512i row = _mm512_maskz_loadu_epi32(here, w->row + i);
        __m512i at = _mm512_maskz_loadu_epi32(here, w->at + i); /* others: the root, of row 0 */
        __m512i a = _mm512_i32gather_epi64(_mm512_castsi512_si256(at), step, 8);
        __m512i b = _mm512_i32gather_epi64(_mm512_extracti64x4_epi64(at, 1), step, 8);
        __m512 value = _mm512_castsi512_ps(_mm512_permutex2var_epi32(a, evens, b));
        __m512i how = _mm512_permutex2var_epi32(a, odds, b);
        __m512i feature = _mm512_and_si512(_mm512_srli_epi32(how, FEATURE_SHIFT),
                                           _mm512_set1_epi32(AML_STEP_FEATURES - 1));
        __m512 v =
            _mm512_i32gather_ps(_mm512_add_epi32(_mm512_mullo_epi32(row, width), feature), x, 4);
        __mmask16 missing = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
        __mmask16 left = _mm512_cmp_ps_mask(v, value, _CMP_LE_OQ) |
                         _mm512_mask_test_epi32_mask(missing, how, _mm512_set1_epi32(MISSING_LEFT));
        __mmask16 end_left = _mm512_test_epi32_mask(how, _mm512_set1_epi32(LEFT_IS_LEAF));
        __mmask16 end_right = _mm512_test_epi32_mask(how, _mm512_set1_epi32(RIGHT_IS_LEAF));
        __mmask16 done = (__mmask16)(here & ((left & end_left) | (~left & end_right)));
        __mmask16 on = (__mmask16)(here & ~done);
        __m512i next = _mm512_srli_epi32(how, CHILD_SHIFT);
        next = _mm512_mask_add_epi32(next, (__mmask16)~left, next, _mm512_set1_epi32(1));
        if (done) _mm512_mask_i32scatter_epi32(leaf, done, row, next, 4);
        _mm512_storeu_si512(w->row + left_over, _mm512_maskz_compress_epi32(on, row));
        _mm512_storeu_si512(w->at + left_over, _mm512_maskz_compress_epi32(on, next));
        left_over += (size_t)__builtin_popcount(on);
    }
    return left_over;
}
#endif

static void walk_few(uint32_t *leaf, const aml_walkers *w, const aml_step *step, const float *x,
                     size_t stride, size_t m) {
    size_t n = begin(leaf, w, m);
    if (!step->how) return;
#ifdef AML_AVX512
    if (aml_has_avx512() && m * stride < INT32_MAX) {
        while (n) n = packed_step_avx512(w, n, leaf, step, x, stride);
        return;
    }
#endif
    while (n) n = packed_step(w, n, leaf, step, x, stride);
}

/* As many rows at a time as stay in the first cache. */
void aml_steps_walk(uint32_t *leaf, const aml_walkers *w, const aml_step *step, const float *x,
                    size_t stride, size_t m) {
    enum { BYTES = 3 << 13, LEAST = 64 };
    size_t rows = BYTES / sizeof *x / (stride + 1);
    if (rows < LEAST) rows = LEAST;
    for (size_t i = 0; i < m; i += rows)
        walk_few(leaf + i, w, step, x + i * stride, stride, m - i < rows ? m - i : rows);
}

/* ---- one row, several trees */

static uint32_t leaf_of(const aml_tree *tree, const float *x) {
    uint32_t at = 0;
    while (tree->node[at].left) {
        const aml_node *node = tree->node + at;
        const uint32_t *set =
            tree->set + (size_t)(node->kind >> AML_NODE_SET_SHIFT) * AML_SET_WORDS;
        float v = x[node->feature];
        bool category = node->kind & AML_NODE_CATEGORY, missing = category ? v == 0 : isnan(v);
        bool left = node->kind & AML_NODE_MISSING_LEFT;
        if (!missing && category) left = set[(uint32_t)v / 32] >> (uint32_t)v % 32 & 1;
        else if (!missing) left = v <= node->value;
        at = node->left + !left;
    }
    return at;
}

static size_t row_step(const aml_walkers *w, size_t n, uint32_t *leaf, const aml_plan_tree *tree,
                       const float *x) {
    size_t left_over = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t number = w->row[i];
        aml_step here = tree[number].step[w->at[i]];
        float v = x[here.how >> FEATURE_SHIFT & (AML_STEP_FEATURES - 1)];
        uint32_t missing = !!isnan(v), left = (uint32_t)(v <= here.value) | (missing & here.how);
        uint32_t at = (here.how >> CHILD_SHIFT) + (left ^ 1);
        leaf[number] = at;
        w->row[left_over] = number;
        w->at[left_over] = at;
        left_over += ~here.how >> (2 - left) & 1;
    }
    return left_over;
}

void aml_row_walk(uint32_t *leaf, const aml_walkers *w, const aml_tree_plan *plan,
                  const aml_trees *t, const float *x) {
    size_t n = 0;
    for (uint32_t k = 0; k < t->n_trees; k++) {
        const aml_plan_tree *tree = plan->tree + k;
        leaf[k] = 0;
        if (tree->word || !tree->n) continue;
        if (tree->step) w->row[n] = k, w->at[n++] = 0;
        else leaf[k] = leaf_of(t->tree + k, x);
    }
    while (n) n = row_step(w, n, leaf, plan->tree, x);
}
