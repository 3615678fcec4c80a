/* tree.c: making, walking and summing trees. */
#include "learners/parts/tree.h"

#include <math.h>
#include <string.h>

#include "automl/core/par.h"

aml_status aml_trees_init(aml_trees *t, const aml_design *design, size_t max_trees,
                          aml_arena *keep) {
    *t = (aml_trees){.p = (uint32_t)design->p};
    if (design->csr) t->q = (uint32_t)design->csr->p;
    t->tree = AML_ARRAY(keep, max_trees, aml_tree);
    t->gain = AML_ARRAY(keep, design->p, double);
    t->used = AML_ARRAY(keep, (size_t)t->p + t->q, bool);
    return t->tree && t->gain && t->used ? AML_OK : AML_ENOMEM;
}

/* ---- making */

/* Breadth-first: nodes near the root share cache lines, and the children of the i-th inner node are 2i + 1, 2i + 2,
 * so that files need no links. */
static uint32_t order_nodes(aml_node *node, float *cover, bool *used, const aml_tree *grown) {
    uint32_t end = 1;
    node[0] = grown->node[0];
    cover[0] = grown->cover[0];
    for (uint32_t i = 0; i < end; i++) {
        if (!node[i].left) continue;
        used[node[i].feature] = true;
        memcpy(node + end, grown->node + node[i].left, 2 * sizeof *node);
        memcpy(cover + end, grown->cover + node[i].left, 2 * sizeof *cover);
        node[i].left = end;
        end += 2;
    }
    return end;
}

/* Shares follow one another in the order of their leaves; those of no leaf are left behind. */
static aml_share *order_shares(aml_tree *tree, aml_node *node, const aml_share *grown,
                               aml_arena *keep) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < tree->n_nodes; i++)
        if (!node[i].left) tree->n_shares += node[i].feature;
    aml_share *share = aml_alloc_raw(keep, tree->n_shares, sizeof *share);
    for (uint32_t i = 0; i < tree->n_nodes && share; i++) {
        if (node[i].left) continue;
        memcpy(share + n, grown + node[i].kind, node[i].feature * sizeof *share);
        node[i].kind = n;
        n += node[i].feature;
    }
    return share;
}

void aml_tree_sum_covers(float *cover, const aml_node *node, uint32_t n_nodes) {
    for (uint32_t i = n_nodes; i-- > 0;)
        if (node[i].left) cover[i] = cover[node[i].left] + cover[node[i].left + 1];
}

aml_status aml_trees_add(aml_trees *t, const aml_tree *grown, aml_arena *keep) {
    aml_tree tree = {.n_nodes = grown->n_nodes, .n_sets = grown->n_sets};
    aml_node *node = aml_alloc_raw(keep, tree.n_nodes, sizeof *node);
    tree.set = aml_copy(keep, grown->set, (size_t)tree.n_sets * AML_SET_WORDS * sizeof *tree.set);
    float *cover = aml_alloc_raw(keep, tree.n_nodes, sizeof *cover);
    if (!node || !tree.set || !cover) return AML_ENOMEM;
    tree.cover = cover;
    tree.n_nodes = order_nodes(node, cover, t->used, grown); /* the grower may have dropped some */
    aml_tree_sum_covers(cover, node, tree.n_nodes);
    tree.node = node;
    if (grown->n_shares) {
        tree.share = order_shares(&tree, node, grown->share, keep);
        if (!tree.share) return AML_ENOMEM;
    }
    t->tree[t->n_trees++] = tree;
    t->n_added++;
    return AML_OK;
}

static void mark_used(aml_trees *t) {
    memset(t->used, 0, ((size_t)t->p + t->q) * sizeof *t->used);
    for (uint32_t k = 0; k < t->n_trees; k++)
        for (uint32_t i = 0; i < t->tree[k].n_nodes; i++)
            if (t->tree[k].node[i].left) t->used[t->tree[k].node[i].feature] = true;
}

static aml_status number_used(aml_trees *t, uint32_t *index, const aml_design *design,
                              const uint8_t *const *level_code, aml_arena *keep) {
    if (t->n_trees < t->n_added) mark_used(t); /* some were dropped */
    for (uint32_t j = 0; j < t->p + t->q; j++) t->n_used += index[j] = t->used[j];
    t->feature = AML_ARRAY(keep, t->n_used, uint32_t);
    t->n_levels = AML_ARRAY(keep, t->n_used, uint32_t);
    t->level_code = AML_ARRAY(keep, t->n_used, uint8_t *);
    if (!t->feature || !t->n_levels || !t->level_code) return AML_ENOMEM;
    for (uint32_t j = 0, u = 0; j < t->p + t->q; j++) {
        if (!index[j]) continue;
        index[j] = u;
        t->feature[u] = j;
        t->n_levels[u] = design->n_levels && j < t->p ? design->n_levels[j] : 0;
        if (t->n_levels[u]) {
            t->level_code[u] = aml_copy(keep, level_code[j], t->n_levels[u]);
            if (!t->level_code[u]) return AML_ENOMEM;
        }
        u++;
    }
    return AML_OK;
}

aml_status aml_trees_finish(aml_trees *t, const aml_design *design,
                            const uint8_t *const *level_code, aml_arena *keep) {
    uint32_t *index = aml_calloc((size_t)t->p + t->q + 1, sizeof *index);
    if (!index) return AML_ENOMEM;
    aml_status status = number_used(t, index, design, level_code, keep);
    for (uint32_t k = 0; k < t->n_trees && !status && t->n_used < t->p + t->q; k++) {
        aml_node *node = (aml_node *)t->tree[k].node; /* ours: aml_trees_add made it */
        for (uint32_t i = 0; i < t->tree[k].n_nodes; i++)
            if (node[i].left) node[i].feature = index[node[i].feature];
    }
    aml_free(index);
    return status;
}

/* ---- walking */

enum { BLOCK_LEAST = 64, BLOCK_MOST = 1024, BLOCK_BYTES = 1 << 18 };

/* A row on its way: which of the block, and at which node. */
typedef struct walker {
    uint32_t row, at;
} walker;

/* One step of the n walkers, without a branch on the data: the memory's latencies overlap. Those that come to a leaf
 * leave it in leaf[row] and drop out. Returns how many walk on. */
static inline __attribute__((always_inline)) size_t step(walker *walkers, size_t n, uint32_t *leaf,
                                                         const aml_tree *tree, const float *x,
                                                         size_t stride, bool sets) {
    size_t left_over = 0;
    for (size_t i = 0; i < n; i++) {
        walker w = walkers[i];
        const aml_node *here = tree->node + w.at;
        uint32_t missing_left = here->kind & AML_NODE_MISSING_LEFT;
        float v = x[w.row * stride + here->feature];
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
        w.at = here->left + !left;
        leaf[w.row] = w.at;
        walkers[left_over] = w;
        left_over += tree->node[w.at].left != 0;
    }
    return left_over;
}

static void walk(uint32_t *leaf, walker *walkers, const aml_tree *tree, const float *x,
                 size_t stride, size_t m) {
    size_t n = tree->node->left ? m : 0;
    for (size_t i = 0; i < m; i++) walkers[i] = (walker){(uint32_t)i, leaf[i] = 0};
    if (tree->n_sets)
        while (n) n = step(walkers, n, leaf, tree, x, stride, true);
    else
        while (n) n = step(walkers, n, leaf, tree, x, stride, false);
}

static void add_leaves(double *out, const aml_tree *tree, const uint32_t *leaf, size_t m, size_t k,
                       size_t column) {
    for (size_t i = 0; i < m; i++) {
        const aml_node *node = tree->node + leaf[i];
        if (!node->feature) out[i * k + column] += (double)node->value;
        for (uint32_t s = 0; s < node->feature; s++) {
            const aml_share *share = tree->share + node->kind + s;
            out[i * k + share->class] += (double)share->share;
        }
    }
}

/* The sparse features of a row among the used ones from u on; both lists are in order. */
static void gather_sparse(float *out, const aml_trees *t, uint32_t u, const aml_csr *s,
                          size_t row) {
    uint64_t e = s->start[row], end = s->start[row + 1];
    for (; u < t->n_used; u++) {
        uint32_t column = t->feature[u] - t->p;
        while (e < end && s->column[e] < column) e++;
        out[u] = e < end && s->column[e] == column ? s->value[e] : 0.0f;
    }
}

void aml_trees_gather(float *block, const aml_trees *t, const aml_data *x, size_t begin, size_t m) {
    uint32_t n_dense = 0;
    for (; n_dense < t->n_used && t->feature[n_dense] < t->p; n_dense++) {
        uint32_t u = n_dense;
        const float *column = x->x->column[t->feature[u]];
        uint32_t n_levels = t->n_levels[u];
        for (size_t i = 0; i < m; i++) {
            float v = column[x->rows[begin + i]];
            if (n_levels)
                v = v >= 0 && v < (float)n_levels ? (float)t->level_code[u][(uint32_t)v] : 0.0f;
            block[i * t->n_used + u] = v;
        }
    }
    for (size_t i = 0; i < m && n_dense < t->n_used; i++)
        gather_sparse(block + i * t->n_used, t, n_dense, x->x->csr, x->rows[begin + i]);
}

typedef struct predict_job {
    double *out;
    const aml_trees *t;
    size_t k;
    const aml_data *x;
    const aml_ctx *ctx;
    size_t rows;  /* of a block: many, so that a tree stays in the cache while they walk */
    float *block; /* rows × n_used a thread */
    atomic_bool stopped;
} predict_job;

static void predict_block(predict_job *job, float *block, size_t begin, size_t m) {
    const aml_trees *t = job->t;
    walker walkers[BLOCK_MOST];
    uint32_t leaf[BLOCK_MOST];
    aml_trees_gather(block, t, job->x, begin, m);
    for (uint32_t k = 0; k < t->n_trees; k++) {
        const aml_tree *tree = t->tree + k;
        if (aml_should_stop(job->ctx)) atomic_store(&job->stopped, true);
        if (atomic_load(&job->stopped)) return;
        walk(leaf, walkers, tree, block, t->n_used, m);
        add_leaves(job->out + begin * job->k, tree, leaf, m, job->k, k % job->k);
    }
}

static void predict_part(void *arg, size_t part, size_t begin, size_t end, int thread) {
    predict_job *job = arg;
    (void)part;
    predict_block(job, job->block + (size_t)thread * job->rows * job->t->n_used, begin,
                  end - begin);
}

static size_t rows_of_block(size_t n, size_t n_used, size_t threads) {
    size_t rows = BLOCK_BYTES / sizeof(float) / (n_used + 1), share = n / (4 * threads);
    if (rows > BLOCK_MOST) rows = BLOCK_MOST;
    if (rows > share) rows = share;
    return rows < BLOCK_LEAST ? BLOCK_LEAST : rows;
}

aml_status aml_trees_check(const aml_trees *t, const aml_data *x) {
    size_t p = x->x->p, q = x->x->csr ? x->x->csr->p : 0;
    if (p == t->p && q == t->q) return AML_OK;
    if (!q && !t->q)
        return aml_fail(AML_EDATA, "the model knows %u features, the data have %zu", t->p, p);
    return aml_fail(AML_EDATA,
                    "the model knows %u dense and %u sparse features, the data have %zu and %zu",
                    t->p, t->q, p, q);
}

aml_status aml_trees_predict(double *out, const aml_trees *t, size_t k, const aml_data *x,
                             aml_ctx *ctx) {
    AML_TRY(aml_trees_check(t, x));
    size_t threads = ctx->n_threads > 1 ? (size_t)ctx->n_threads : 1;
    predict_job job = {.out = out, .t = t, .k = k, .x = x, .ctx = ctx};
    job.rows = rows_of_block(x->n, t->n_used, threads);
    job.block = aml_malloc((threads * job.rows * t->n_used + 1) * sizeof *job.block);
    if (!job.block) return AML_ENOMEM;
    aml_par_for(ctx->n_threads, x->n, job.rows, predict_part, &job);
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
