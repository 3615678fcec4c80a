/* tree_file.c: trees to bytes and back, in few of them: forests have millions of nodes. Links are not written: in
 * breadth-first order the children of the i-th inner node are nodes 2i + 1 and 2i + 2. Thresholds are numbers of a
 * table, whole numbers take as many bytes as they need. */
#include <math.h>

#include "automl/core/sort.h"
#include "learners/parts/tree_plan.h"

/* The first byte of a node. Inner: then its feature, and the number of its set or threshold. Leaf: then its value or
 * shares, and its cover. */
enum {
    LEAF = 1,
    MISSING_LEFT = 2,
    CATEGORY = 4,
    INNER = MISSING_LEFT | CATEGORY,
    WHOLE_COVER = 2,
    VALUE = 0,   /* what a leaf has: a value, */
    ZERO = 4,    /* 0, */
    ONE = 8,     /* 1, */
    CLASS = 12,  /* one class alone, */
    SHARES = 16, /* or a number of shares */
    CONTENT = 28
};

/* ---- whole numbers: seven bits a byte, the low ones first */

static void put_count(aml_writer *w, uint32_t x) {
    for (; x > 127; x >>= 7) aml_put_u8(w, (uint8_t)(x | 128));
    aml_put_u8(w, (uint8_t)x);
}

static uint32_t get_count(aml_reader *r) {
    uint64_t x = 0;
    for (unsigned at = 0; at < 35; at += 7) {
        uint8_t byte = aml_get_u8(r);
        x |= (uint64_t)(byte & 127) << at;
        if (byte < 128) break;
        if (at == 28) aml_reader_fail(r, "a number without end");
    }
    if (x > UINT32_MAX) aml_reader_fail(r, "a number of more than 32 bits");
    return r->status ? 0 : (uint32_t)x;
}

/* ---- thresholds: those of each used feature, upwards */

typedef struct thresholds {
    size_t *start; /* n_used + 1 */
    size_t *size;  /* n_used */
    float *value;
} thresholds;

static bool has_threshold(const aml_node *node) {
    return node->left && !(node->kind & AML_NODE_CATEGORY);
}

/* Calls for each threshold: with value NULL it counts. */
static void list_thresholds(size_t *size, float *value, const size_t *start, const aml_trees *t) {
    for (uint32_t k = 0; k < t->n_trees; k++)
        for (uint32_t i = 0; i < t->tree[k].n_nodes; i++) {
            const aml_node *node = t->tree[k].node + i;
            if (!has_threshold(node)) continue;
            if (value) value[start[node->feature] + size[node->feature]] = node->value;
            size[node->feature]++;
        }
}

static size_t drop_repeats(float *v, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!kept || v[i] != v[kept - 1]) v[kept++] = v[i];
    return kept;
}

static aml_status thresholds_init(thresholds *h, const aml_trees *t) {
    h->start = aml_calloc(t->n_used + 1u, sizeof *h->start);
    h->size = aml_calloc(t->n_used + 1u, sizeof *h->size);
    if (!h->start || !h->size) return AML_ENOMEM;
    list_thresholds(h->size, NULL, NULL, t);
    for (uint32_t u = 0; u < t->n_used; u++) {
        h->start[u + 1] = h->start[u] + h->size[u];
        h->size[u] = 0;
    }
    h->value = aml_malloc((h->start[t->n_used] + 1) * sizeof *h->value);
    if (!h->value) return AML_ENOMEM;
    list_thresholds(h->size, h->value, h->start, t);
    for (uint32_t u = 0; u < t->n_used; u++) {
        AML_TRY(aml_sort_f32(h->value + h->start[u], h->size[u]));
        h->size[u] = drop_repeats(h->value + h->start[u], h->size[u]);
    }
    return AML_OK;
}

static void thresholds_free(thresholds *h) {
    aml_free(h->start);
    aml_free(h->size);
    aml_free(h->value);
}

static uint32_t find_threshold(const thresholds *h, const aml_node *node) {
    const float *v = h->value + h->start[node->feature];
    size_t lo = 0, hi = h->size[node->feature] - 1;
    while (lo < hi) {
        size_t middle = (lo + hi) / 2;
        if (v[middle] < node->value) lo = middle + 1;
        else hi = middle;
    }
    return (uint32_t)lo;
}

/* ---- writing */

static unsigned content_of(const aml_node *leaf, const aml_share *share) {
    if (leaf->feature == 1 && share[leaf->kind].share == 1) return CLASS;
    if (leaf->feature) return SHARES;
    if (leaf->value == 1) return ONE;
    return leaf->value == 0 && !signbit(leaf->value) ? ZERO : VALUE;
}

static void put_leaf(aml_writer *w, const aml_node *leaf, const aml_share *share, float cover) {
    bool whole = cover < 0x1p24f && cover == floorf(cover);
    unsigned content = content_of(leaf, share);
    aml_put_u8(w, (uint8_t)(LEAF | content | (whole ? WHOLE_COVER : 0u)));
    if (content == SHARES) put_count(w, leaf->feature);
    for (uint32_t s = 0; s < leaf->feature; s++) {
        put_count(w, share[leaf->kind + s].class);
        if (content == SHARES) aml_put_f32(w, share[leaf->kind + s].share);
    }
    if (content == VALUE) aml_put_f32(w, leaf->value);
    if (whole) put_count(w, (uint32_t)cover);
    else aml_put_f32(w, cover);
}

static void put_inner(aml_writer *w, const aml_node *node, const thresholds *h) {
    bool category = node->kind & AML_NODE_CATEGORY;
    aml_put_u8(w, (uint8_t)((node->kind & AML_NODE_MISSING_LEFT ? MISSING_LEFT : 0u) |
                            (category ? CATEGORY : 0u)));
    put_count(w, node->feature);
    put_count(w, category ? node->kind >> AML_NODE_SET_SHIFT : find_threshold(h, node));
}

static void put_tree(aml_writer *w, const aml_tree *tree, const thresholds *h) {
    aml_put_u32(w, tree->n_nodes);
    aml_put_u32(w, tree->n_shares);
    aml_put_u32s(w, tree->set, (size_t)tree->n_sets * AML_SET_WORDS);
    for (uint32_t i = 0; i < tree->n_nodes; i++) {
        if (tree->node[i].left) put_inner(w, tree->node + i, h);
        else put_leaf(w, tree->node + i, tree->share, tree->cover[i]);
    }
}

void aml_trees_save(const aml_trees *t, aml_writer *w) {
    thresholds h = {0};
    aml_put_u32(w, t->p);
    aml_put_u32s(w, t->feature, t->n_used);
    aml_put_u32s(w, t->n_levels, t->n_used);
    for (uint32_t u = 0; u < t->n_used; u++)
        if (t->n_levels[u]) aml_put_u8s(w, t->level_code[u], t->n_levels[u]);
    aml_put_f64s(w, t->gain, t->p);
    aml_put_u32(w, t->n_trees);
    aml_status status = thresholds_init(&h, t);
    for (uint32_t u = 0; u < t->n_used && !status; u++)
        aml_put_f32s(w, h.value + h.start[u], h.size[u]);
    for (uint32_t k = 0; k < t->n_trees && !status; k++) put_tree(w, t->tree + k, &h);
    if (status && !w->status) w->status = status;
    thresholds_free(&h);
}

/* ---- back */

/* The tree being read. Leaf shares follow one another in the order of the leaves. */
typedef struct place {
    const aml_trees *t;
    const float *const *threshold; /* per used feature */
    const size_t *n_thresholds;
    size_t n_classes;
    uint32_t n_nodes, n_shares, next_child, next_share;
} place;

static aml_status get_shares(aml_node *leaf, aml_share *share, place *at, unsigned content,
                             aml_reader *r) {
    uint32_t n = content == CLASS ? 1 : get_count(r);
    if (r->status) return r->status;
    if (!n || n > at->n_shares - at->next_share) return aml_reader_fail(r, "%u leaf shares", n);
    leaf->feature = n;
    leaf->kind = at->next_share;
    for (uint32_t s = at->next_share; s < at->next_share + n; s++) {
        share[s].class = get_count(r);
        share[s].share = content == CLASS ? 1 : aml_get_f32(r);
        if (share[s].class >= at->n_classes || !(share[s].share >= 0 && share[s].share <= 1))
            return aml_reader_fail(r, "a leaf share of class %u", share[s].class);
    }
    at->next_share += n;
    return r->status;
}

static aml_status get_leaf(aml_node *leaf, float *cover, aml_share *share, unsigned flags,
                           place *at, aml_reader *r) {
    unsigned content = flags & CONTENT;
    if (flags & ~(unsigned)(LEAF | WHOLE_COVER | CONTENT) || content > SHARES)
        return aml_reader_fail(r, "a leaf that is none");
    if (content == VALUE) leaf->value = aml_get_f32(r);
    else if (content < CLASS) leaf->value = content == ONE;
    else AML_TRY(get_shares(leaf, share, at, content, r));
    *cover = flags & WHOLE_COVER ? (float)get_count(r) : aml_get_f32(r);
    if (r->status) return r->status;
    if (content == VALUE && !isfinite(leaf->value))
        return aml_reader_fail(r, "a leaf whose value is not finite");
    return *cover > 0 && isfinite(*cover) ? AML_OK : aml_reader_fail(r, "a node no row came to");
}

static aml_status get_inner(aml_node *node, unsigned flags, uint32_t n_sets, place *at,
                            aml_reader *r) {
    uint32_t number;
    node->feature = get_count(r);
    number = get_count(r);
    if (r->status) return r->status;
    node->kind = flags & MISSING_LEFT ? AML_NODE_MISSING_LEFT : 0u;
    if (flags & ~(unsigned)INNER) return aml_reader_fail(r, "a node that is none");
    if (node->feature >= at->t->n_used)
        return aml_reader_fail(r, "a split on feature %u of %u", node->feature, at->t->n_used);
    if (!(flags & CATEGORY) != !at->t->n_levels[node->feature])
        return aml_reader_fail(r, "a split of the wrong kind");
    if (number >= (flags & CATEGORY ? n_sets : at->n_thresholds[node->feature]))
        return aml_reader_fail(r, "set or threshold %u of a split", number);
    if (flags & CATEGORY) node->kind |= AML_NODE_CATEGORY | number << AML_NODE_SET_SHIFT;
    else node->value = at->threshold[node->feature][number];
    if (at->n_nodes - at->next_child < 2) return aml_reader_fail(r, "a tree with too few nodes");
    node->left = at->next_child;
    at->next_child += 2;
    return AML_OK;
}

static aml_status get_nodes(aml_node *node, float *cover, aml_share *share, uint32_t n_sets,
                            place *at, aml_reader *r) {
    for (uint32_t i = 0; i < at->n_nodes; i++) {
        unsigned flags = aml_get_u8(r);
        if (r->status) return r->status;
        if (i >= at->next_child) return aml_reader_fail(r, "a node without parent");
        if (flags & LEAF) AML_TRY(get_leaf(node + i, cover + i, share, flags, at, r));
        else AML_TRY(get_inner(node + i, flags, n_sets, at, r));
    }
    if (at->next_child != at->n_nodes || at->next_share != at->n_shares)
        return aml_reader_fail(r, "a tree of %u nodes with links to %u", at->n_nodes,
                               at->next_child);
    return AML_OK;
}

static aml_status get_tree(aml_tree *tree, place at, aml_reader *r, aml_arena *keep) {
    size_t set_words;
    at.n_nodes = aml_get_u32(r);
    at.n_shares = aml_get_u32(r);
    at.next_child = 1;
    tree->set = aml_get_u32s(r, keep, SIZE_MAX, &set_words);
    if (r->status) return r->status;
    if (!at.n_nodes || at.n_nodes > (r->size - r->at) / 2) /* bytes of the shortest node */
        return aml_reader_fail(r, "a tree of %u nodes", at.n_nodes);
    if (at.n_shares > r->size - r->at) return aml_reader_fail(r, "%u leaf shares", at.n_shares);
    if (set_words % AML_SET_WORDS || set_words / AML_SET_WORDS >= 1u << 30)
        return aml_reader_fail(r, "%zu words of category sets", set_words);
    aml_node *node = AML_ARRAY(keep, at.n_nodes, aml_node);
    aml_share *share = AML_ARRAY(keep, at.n_shares, aml_share);
    float *cover = AML_ARRAY(keep, at.n_nodes, float);
    if (!node || !share || !cover) return AML_ENOMEM;
    tree->n_sets = (uint32_t)(set_words / AML_SET_WORDS);
    AML_TRY(get_nodes(node, cover, share, tree->n_sets, &at, r));
    aml_tree_sum_covers(cover, node, at.n_nodes);
    if (!isfinite(cover[0])) return aml_reader_fail(r, "covers beyond all bounds");
    tree->node = node;
    tree->cover = cover;
    tree->share = share;
    tree->n_nodes = at.n_nodes;
    tree->n_shares = at.n_shares;
    return AML_OK;
}

static aml_status get_features(aml_trees *t, aml_reader *r, aml_arena *keep) {
    size_t n;
    t->p = aml_get_u32(r);
    t->feature = aml_get_u32s(r, keep, SIZE_MAX, &n);
    if (r->status) return r->status;
    uint64_t all = (uint64_t)t->p + t->q;
    if (n > all) return aml_reader_fail(r, "%zu of %u features", n, t->p);
    t->n_used = (uint32_t)n;
    for (size_t u = 0; u < n; u++)
        if (t->feature[u] >= all || (u && t->feature[u] <= t->feature[u - 1]))
            return aml_reader_fail(r, "feature %u", t->feature[u]);
    t->n_levels = aml_get_u32s(r, keep, n, NULL);
    t->level_code = AML_ARRAY(keep, n, uint8_t *);
    if (r->status) return r->status;
    if (!t->level_code) return AML_ENOMEM;
    for (size_t u = 0; u < n; u++)
        if (t->n_levels[u] && t->feature[u] >= t->p)
            return aml_reader_fail(r, "levels of a sparse feature");
        else if (t->n_levels[u]) t->level_code[u] = aml_get_u8s(r, keep, t->n_levels[u], NULL);
    t->gain = aml_get_f64s(r, keep, t->p, NULL);
    if (r->status) return r->status;
    for (size_t j = 0; j < t->p; j++)
        if (!(t->gain[j] >= 0 && isfinite(t->gain[j])))
            return aml_reader_fail(r, "a gain that is not a number");
    return AML_OK;
}

static aml_status get_thresholds(place *at, aml_reader *r, aml_arena *keep) {
    const float **threshold = AML_ARRAY(keep, at->t->n_used, const float *);
    size_t *n = AML_ARRAY(keep, at->t->n_used, size_t);
    if (!threshold || !n) return AML_ENOMEM;
    for (uint32_t u = 0; u < at->t->n_used; u++) {
        threshold[u] = aml_get_f32s(r, keep, SIZE_MAX, n + u);
        if (r->status) return r->status;
        for (size_t i = 0; i < n[u]; i++)
            if (isnan(threshold[u][i])) return aml_reader_fail(r, "a threshold that is no number");
    }
    at->threshold = threshold;
    at->n_thresholds = n;
    return AML_OK;
}

aml_status aml_trees_load(aml_trees *t, uint32_t q, size_t n_classes, aml_reader *r,
                          aml_arena *keep) {
    place at = {.t = t, .n_classes = n_classes};
    *t = (aml_trees){.q = q};
    AML_TRY(get_features(t, r, keep));
    uint32_t n = aml_get_u32(r);
    if (r->status) return r->status;
    AML_TRY(get_thresholds(&at, r, keep));
    if (n > (r->size - r->at) / 16) return aml_reader_fail(r, "%u trees", n);
    t->tree = AML_ARRAY(keep, n, aml_tree);
    if (!t->tree) return AML_ENOMEM;
    for (uint32_t k = 0; k < n; k++) AML_TRY(get_tree(t->tree + k, at, r, keep));
    t->n_trees = n;
    return aml_tree_plan_make(&t->plan, t, keep);
}
