/* tree_masks.c: many rows through small trees at once, as sets of bits. */
#include "learners/parts/tree_masks.h"

#include <string.h>

#include "learners/parts/simd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { WORDS = AML_MASK_ROWS / 64, MOST_INNER = AML_MASK_LEAVES - 1, PLANES = 10, WORTH = 200 };
enum { MOST_FEATURES = 4096 };
enum { NO_NODE = 2 * MOST_INNER + 1 }; /* its mask is empty */

typedef uint64_t mask __attribute__((vector_size(8 * WORDS)));

/* A thread's room: columns of the rows taken, the masks of the conditions, and those of a tree's nodes. */
typedef struct room {
    mask *condition, *node;
    float *column;
} room;

static room room_of(void *memory, const aml_tree_masks *m) {
    room r = {.condition = memory};
    r.node = r.condition + m->n_conditions;
    r.column = (float *)(r.node + NO_NODE + 1);
    return r;
}

/* ---- the plan */

/* Open addressing; a slot holds 1 + the number of a condition. */
typedef struct table {
    uint32_t *slot;
    size_t size; /* a power of two */
    uint32_t *feature;
    float *threshold;
    bool *missing_left;
    uint32_t n;
} table;

static uint32_t number_of(table *t, uint32_t feature, float threshold, bool missing_left) {
    uint32_t bits;
    memcpy(&bits, &threshold, sizeof bits);
    uint64_t key =
        ((uint64_t)feature << 33 | (uint64_t)bits << 1 | missing_left) * 0x9E3779B97F4A7C15u;
    for (size_t at = (size_t)(key >> 32) & (t->size - 1);; at = (at + 1) & (t->size - 1)) {
        uint32_t k = t->slot[at];
        if (!k) {
            t->feature[t->n] = feature;
            t->threshold[t->n] = threshold;
            t->missing_left[t->n] = missing_left;
            return (t->slot[at] = ++t->n) - 1;
        }
        if (t->feature[k - 1] == feature &&
            !memcmp(t->threshold + k - 1, &threshold, sizeof bits) &&
            t->missing_left[k - 1] == missing_left)
            return k - 1;
    }
}

static uint32_t inner_nodes(const aml_tree *tree) {
    uint32_t n = tree->n_nodes / 2;
    return tree->n_sets || n > MOST_INNER ? 0 : n;
}

/* Room of one tree in the arrays of all. */
typedef struct places {
    uint16_t *at, *leaf;
    uint32_t *on;
    double *value;
} places;

static void plan_tree(aml_mask_tree *plan, places *to, const aml_tree *tree, table *t) {
    uint32_t n = inner_nodes(tree), inner = 0, leaves = 0;
    *plan = (aml_mask_tree){n, to->at, to->on, to->leaf, to->value};
    for (uint32_t i = 0; n && i < tree->n_nodes; i++) {
        const aml_node *node = tree->node + i;
        if (node->left) {
            to->at[inner] = (uint16_t)i;
            to->on[inner++] =
                number_of(t, node->feature, node->value, node->kind & AML_NODE_MISSING_LEFT);
        } else {
            to->value[leaves] = (double)node->value;
            to->leaf[leaves++] = (uint16_t)i;
        }
    }
    for (; leaves % 8; leaves++) to->leaf[leaves] = NO_NODE;
    to->at += inner, to->on += inner, to->leaf += leaves, to->value += leaves;
}

static size_t round_up(size_t bytes) { return (bytes + 63) / 64 * 64; }

aml_status aml_tree_masks_init(aml_tree_masks *out, const aml_trees *trees, size_t n_rows) {
    size_t nodes = 0, leaves = 0, masked = 0;
    table t = {.size = 64};
    *out = (aml_tree_masks){.trees = trees};
    if (n_rows < AML_MASK_ROWS || trees->n_used > MOST_FEATURES) return AML_OK;
    for (uint32_t k = 0; k < trees->n_trees; k++) {
        nodes += inner_nodes(trees->tree + k);
        leaves += inner_nodes(trees->tree + k) / 8 * 8 + 8;
        masked += inner_nodes(trees->tree + k) > 0;
    }
    if (2 * masked < trees->n_trees) return AML_OK; /* the others walk better in larger blocks */
    while (t.size < 2 * nodes) t.size *= 2;
    size_t bytes = round_up(trees->n_trees * sizeof *out->tree) +
                   round_up(leaves * sizeof(double)) + 2 * round_up(nodes * 4) +
                   round_up(nodes * 4) + round_up(nodes) + round_up(nodes * 2) +
                   round_up(leaves * 2);
    char *at = out->memory = aml_malloc(bytes + 64);
    t.slot = aml_calloc(t.size, sizeof *t.slot);
    if (!at || !t.slot) {
        aml_free(t.slot);
        aml_tree_masks_free(out);
        return AML_ENOMEM;
    }
    places to;
    out->tree = (void *)at, at += round_up(trees->n_trees * sizeof *out->tree);
    to.value = (void *)at, at += round_up(leaves * sizeof(double));
    to.on = (void *)at, at += round_up(nodes * 4);
    t.feature = (void *)at, at += round_up(nodes * 4);
    t.threshold = (void *)at, at += round_up(nodes * 4);
    t.missing_left = (void *)at, at += round_up(nodes);
    to.at = (void *)at, at += round_up(nodes * 2);
    to.leaf = (void *)at;
    for (uint32_t k = 0; k < trees->n_trees; k++)
        plan_tree(out->tree + k, &to, trees->tree + k, &t);
    aml_free(t.slot);
    out->feature = t.feature;
    out->threshold = t.threshold;
    out->missing_left = t.missing_left;
    out->n_conditions = t.n;
    out->room_bytes = (t.n + NO_NODE + 1) * sizeof(mask) +
                      round_up(trees->n_used * AML_MASK_ROWS * sizeof(float));
    if (t.n / WORTH > trees->n_trees) aml_tree_masks_free(out);
    return AML_OK;
}

void aml_tree_masks_free(aml_tree_masks *m) {
    aml_free(m->memory);
    *m = (aml_tree_masks){0};
}

/* ---- conditions */

/* Of 64 rows, those on the left: v ≤ threshold; NaN only with missing_left. */
static uint64_t left_of_plain(const float *v, float threshold, bool missing_left) {
    uint64_t bits = 0;
#if defined(__x86_64__)
    __m128 limit = _mm_set1_ps(threshold);
    for (int i = 0; i < 64; i += 4) {
        __m128 x = _mm_loadu_ps(v + i);
        __m128 left = missing_left ? _mm_cmpngt_ps(x, limit) : _mm_cmple_ps(x, limit);
        bits |= (uint64_t)(unsigned)_mm_movemask_ps(left) << i;
    }
#else
    for (int i = 0; i < 64; i++)
        bits |= (uint64_t)(missing_left ? !(v[i] > threshold) : v[i] <= threshold) << i;
#endif
    return bits;
}

static void conditions_plain(mask *out, const aml_tree_masks *m, const float *column) {
    for (size_t c = 0; c < m->n_conditions; c++) {
        const float *v = column + m->feature[c] * (size_t)AML_MASK_ROWS;
        for (int w = 0; w < WORDS; w++)
            out[c][w] = left_of_plain(v + 64 * w, m->threshold[c], m->missing_left[c]);
    }
}

#ifdef AML_AVX512
AML_AVX512 static void conditions_avx512(mask *out, const aml_tree_masks *m, const float *column) {
    for (size_t c = 0; c < m->n_conditions; c++) {
        const float *v = column + m->feature[c] * (size_t)AML_MASK_ROWS;
        __m512 limit = _mm512_set1_ps(m->threshold[c]);
        uint16_t left[AML_MASK_ROWS / 16];
        if (m->missing_left[c])
            for (int i = 0; i < AML_MASK_ROWS / 16; i++)
                left[i] = _mm512_cmp_ps_mask(_mm512_loadu_ps(v + 16 * i), limit, _CMP_NGT_UQ);
        else
            for (int i = 0; i < AML_MASK_ROWS / 16; i++)
                left[i] = _mm512_cmp_ps_mask(_mm512_loadu_ps(v + 16 * i), limit, _CMP_LE_OQ);
        memcpy(out + c, left, sizeof left);
    }
}
#endif

void aml_tree_masks_take(void *memory, const aml_tree_masks *m, const float *block, size_t n_rows) {
    room r = room_of(memory, m);
    size_t p = m->trees->n_used;
    for (size_t i = 0; i < AML_MASK_ROWS; i++)
        for (size_t u = 0; u < p; u++)
            r.column[u * AML_MASK_ROWS + i] = i < n_rows ? block[i * p + u] : 0;
#ifdef AML_AVX512
    if (aml_has_avx512()) {
        conditions_avx512(r.condition, m, r.column);
        return;
    }
#endif
    conditions_plain(r.condition, m, r.column);
}

/* ---- a tree */

/* The number of each leaf goes to its rows, bit k to the plane k; by eights, in which the lower bits are always the same. */
AML_KERNEL void run(uint64_t planes[PLANES][WORDS], const room *r, const aml_mask_tree *tree) {
    mask plane[PLANES] = {{0}}, *node = r->node;
    node[0] = ~(mask){0};
    node[NO_NODE] = (mask){0};
    for (uint32_t k = 0; k < tree->n; k++) {
        mask here = node[tree->at[k]], left = r->condition[tree->on[k]];
        node[2 * k + 1] = here & left;
        node[2 * k + 2] = here & ~left;
    }
    for (uint32_t e = 0; e <= tree->n; e += 8) {
        const uint16_t *leaf = tree->leaf + e;
        mask three = node[leaf[3]], seven = node[leaf[7]], five = node[leaf[5]],
             six = node[leaf[6]];
        mask odd = node[leaf[1]] | five, above = node[leaf[4]] | five | six | seven;
        plane[0] |= odd | three | seven;
        plane[1] |= node[leaf[2]] | three | six | seven;
        plane[2] |= above;
        above |= node[leaf[0]] | node[leaf[1]] | node[leaf[2]] | three;
        for (int k = 3; k < PLANES; k++)
            if (e >> k & 1) plane[k] |= above;
    }
    memcpy(planes, plane, sizeof plane);
}

AML_BEST(run, (uint64_t planes[PLANES][WORDS], const room *r, const aml_mask_tree *tree),
         (planes, r, tree))

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

AML_AVX512 static void run_avx512(uint64_t planes[PLANES][WORDS], const room *r,
                                  const aml_mask_tree *tree) {
    run(planes, r, tree);
}
#endif

void aml_tree_masks_run(uint16_t *leaf, void *memory, const aml_tree_masks *m, uint32_t tree) {
    room r = room_of(memory, m);
    uint64_t planes[PLANES][WORDS];
    int n_planes = 1;
    while (m->tree[tree].n >> n_planes) n_planes++;
#ifdef AML_AVX512
    if (aml_has_avx512()) {
        run_avx512(planes, &r, m->tree + tree);
        number_avx512(leaf, planes, n_planes);
        return;
    }
#endif
    run_best(planes, &r, m->tree + tree);
    number_plain(leaf, planes, n_planes);
}
