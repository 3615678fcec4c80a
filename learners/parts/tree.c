/* tree.c: making, walking and summing trees. */
#include "learners/parts/tree.h"

#include <math.h>
#include <string.h>

#include "automl/core/par.h"

aml_status aml_trees_init(aml_trees *t, const aml_design *design, size_t max_trees, aml_arena *keep) {
    *t = (aml_trees){.p = (uint32_t)design->p};
    t->tree = AML_ARRAY(keep, max_trees, aml_tree);
    t->gain = AML_ARRAY(keep, design->p, double);
    return t->tree && t->gain ? AML_OK : AML_ENOMEM;
}

/* ---- making */

/* Breadth-first: nodes near the root share cache lines, and the children of the i-th inner node are 2i + 1, 2i + 2,
 * so that files need no links. */
aml_status aml_trees_add(aml_trees *t, const aml_tree *grown, aml_arena *keep) {
    uint32_t n = grown->n_nodes, end = 1;
    aml_tree tree = {.n_nodes = n, .n_sets = grown->n_sets, .n_shares = grown->n_shares};
    aml_node *node = aml_alloc_raw(keep, n, sizeof *node);
    tree.set = aml_copy(keep, grown->set, tree.n_sets * AML_SET_WORDS * sizeof *tree.set);
    tree.share = aml_copy(keep, grown->share, tree.n_shares * sizeof *tree.share);
    if (!node || !tree.set || !tree.share) return AML_ENOMEM;
    node[0] = grown->node[0];
    for (uint32_t i = 0; i < end; i++) {
        if (!node[i].left) continue;
        memcpy(node + end, grown->node + node[i].left, 2 * sizeof *node);
        node[i].left = end;
        end += 2;
    }
    tree.node = node;
    t->tree[t->n_trees++] = tree;
    return AML_OK;
}

static aml_status number_used(aml_trees *t, uint32_t *index, const aml_design *design, aml_arena *keep) {
    for (uint32_t k = 0; k < t->n_trees; k++)
        for (uint32_t i = 0; i < t->tree[k].n_nodes; i++)
            if (t->tree[k].node[i].left) index[t->tree[k].node[i].feature] = 1;
    for (uint32_t j = 0; j < t->p; j++) t->n_used += index[j];
    t->feature = AML_ARRAY(keep, t->n_used, uint32_t);
    t->n_levels = AML_ARRAY(keep, t->n_used, uint32_t);
    t->level_code = AML_ARRAY(keep, t->n_used, uint8_t *);
    if (!t->feature || !t->n_levels || !t->level_code) return AML_ENOMEM;
    for (uint32_t j = 0, u = 0; j < t->p; j++) {
        if (!index[j]) continue;
        index[j] = u;
        t->feature[u] = j;
        t->n_levels[u] = design->n_levels ? design->n_levels[j] : 0;
        if (t->n_levels[u]) {
            t->level_code[u] = aml_copy(keep, design->bins->level_code[j], t->n_levels[u]);
            if (!t->level_code[u]) return AML_ENOMEM;
        }
        u++;
    }
    return AML_OK;
}

aml_status aml_trees_finish(aml_trees *t, const aml_design *design, aml_arena *keep) {
    uint32_t *index = aml_calloc(t->p + 1u, sizeof *index);
    if (!index) return AML_ENOMEM;
    aml_status status = number_used(t, index, design, keep);
    for (uint32_t k = 0; k < t->n_trees && !status; k++) {
        aml_node *node = (aml_node *)t->tree[k].node; /* ours: aml_trees_add made it */
        for (uint32_t i = 0; i < t->tree[k].n_nodes; i++)
            if (node[i].left) node[i].feature = index[node[i].feature];
    }
    aml_free(index);
    return status;
}

/* ---- walking */

enum { LANES = 8, BLOCK = 64, PART = 256 };

static inline bool goes_left(const aml_node *node, const uint32_t *set, float x) {
    if (!(node->kind & AML_NODE_CATEGORY)) return isnan(x) ? node->kind & AML_NODE_MISSING_LEFT : x <= node->value;
    uint32_t code = (uint32_t)x;
    if (!code) return node->kind & AML_NODE_MISSING_LEFT;
    return set[(size_t)(node->kind >> AML_NODE_SET_SHIFT) * AML_SET_WORDS + code / 32] >> (code % 32) & 1;
}

/* The leaves of m ≤ LANES rows of `stride` values each; rows walk side by side to hide the memory's latency. */
static void walk(uint32_t *leaf, const aml_tree *tree, const float *x, size_t stride, size_t m) {
    const aml_node *node = tree->node;
    uint32_t at[LANES] = {0}, moving = node->left;
    while (moving) {
        moving = 0;
        for (size_t i = 0; i < m; i++) {
            const aml_node *here = node + at[i];
            if (!here->left) continue;
            at[i] = here->left + !goes_left(here, tree->set, x[i * stride + here->feature]);
            moving |= node[at[i]].left;
        }
    }
    memcpy(leaf, at, m * sizeof *at);
}

/* The same for trees of numbers alone, without a branch on the data. */
static void walk_numbers(uint32_t *leaf, const aml_tree *tree, const float *x, size_t stride) {
    const aml_node *node = tree->node;
    uint32_t at[LANES] = {0}, moving = node->left;
    while (moving) {
        moving = 0;
        for (size_t i = 0; i < LANES; i++) {
            const aml_node *here = node + at[i];
            uint32_t inner = here->left ? UINT32_MAX : 0;
            float v = x[i * stride + (here->feature & inner)];
            uint32_t right = !(v <= here->value), missing = isnan(v);
            right ^= missing & here->kind & AML_NODE_MISSING_LEFT; /* NaN went right above */
            at[i] = inner ? here->left + right : at[i];
            moving |= node[at[i]].left;
        }
    }
    memcpy(leaf, at, sizeof at);
}

static void add_leaves(double *out, const aml_tree *tree, const uint32_t *leaf, size_t m, size_t k, size_t column) {
    for (size_t i = 0; i < m; i++) {
        const aml_node *node = tree->node + leaf[i];
        if (!node->feature) out[i * k + column] += (double)node->value;
        for (uint32_t s = 0; s < node->feature; s++) {
            const aml_share *share = tree->share + node->kind + s;
            out[i * k + share->class] += (double)share->share;
        }
    }
}

/* Values of the used features of m rows, row-major; categories as bin codes. */
static void gather(float *block, const aml_trees *t, const aml_data *x, size_t begin, size_t m) {
    for (uint32_t u = 0; u < t->n_used; u++) {
        const float *column = x->x->column[t->feature[u]];
        uint32_t n_levels = t->n_levels[u];
        for (size_t i = 0; i < m; i++) {
            float v = column[x->rows[begin + i]];
            if (n_levels) v = v >= 0 && v < (float)n_levels ? (float)t->level_code[u][(uint32_t)v] : 0.0f;
            block[i * t->n_used + u] = v;
        }
    }
}

typedef struct predict_job {
    double *out;
    const aml_trees *t;
    size_t k;
    const aml_data *x;
    const aml_ctx *ctx;
    float *block; /* BLOCK × n_used a thread */
    atomic_bool stopped;
} predict_job;

static void predict_block(const predict_job *job, float *block, size_t begin, size_t m) {
    const aml_trees *t = job->t;
    gather(block, t, job->x, begin, m);
    for (uint32_t k = 0; k < t->n_trees; k++) {
        const aml_tree *tree = t->tree + k;
        bool numbers = !tree->n_sets && t->n_used;
        for (size_t i = 0; i < m; i += LANES) {
            uint32_t leaf[LANES];
            size_t lanes = m - i < LANES ? m - i : LANES;
            if (numbers && lanes == LANES) walk_numbers(leaf, tree, block + i * t->n_used, t->n_used);
            else walk(leaf, tree, block + i * t->n_used, t->n_used, lanes);
            add_leaves(job->out + (begin + i) * job->k, tree, leaf, lanes, job->k, k % job->k);
        }
    }
}

static void predict_part(void *arg, size_t part, size_t begin, size_t end, int thread) {
    predict_job *job = arg;
    (void)part;
    if (aml_should_stop(job->ctx)) atomic_store(&job->stopped, true);
    for (size_t i = begin; i < end && !atomic_load(&job->stopped); i += BLOCK) {
        size_t m = end - i < BLOCK ? end - i : BLOCK;
        predict_block(job, job->block + (size_t)thread * BLOCK * job->t->n_used, i, m);
    }
}

aml_status aml_trees_predict(double *out, const aml_trees *t, size_t k, const aml_data *x, aml_ctx *ctx) {
    if (x->x->p != t->p) return aml_fail(AML_EDATA, "the model knows %u features, the data have %zu", t->p, x->x->p);
    predict_job job = {.out = out, .t = t, .k = k, .x = x, .ctx = ctx};
    size_t threads = ctx->n_threads > 1 ? (size_t)ctx->n_threads : 1;
    job.block = aml_malloc((threads * BLOCK * t->n_used + 1) * sizeof *job.block);
    if (!job.block) return AML_ENOMEM;
    aml_par_for(ctx->n_threads, x->n, PART, predict_part, &job);
    aml_free(job.block);
    return atomic_load(&job.stopped) ? aml_stopped() : AML_OK;
}

aml_status aml_trees_importance(double *out, const aml_trees *t, size_t p) {
    double total = 0;
    if (p != t->p) return aml_fail(AML_EINVAL, "the model knows %u features, not %zu", t->p, p);
    for (size_t j = 0; j < p; j++) total += t->gain[j];
    for (size_t j = 0; j < p; j++) out[j] = total > 0 ? t->gain[j] / total : 0;
    return AML_OK;
}
