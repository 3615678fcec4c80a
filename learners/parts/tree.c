/* tree.c: making, walking and summing trees. */
#include "learners/parts/tree.h"

#include <math.h>
#include <string.h>

#include "automl/core/par.h"
#include "learners/parts/tree_masks.h"
#include "learners/parts/tree_walk.h"

aml_status aml_trees_init(aml_trees *t, const aml_design *design, size_t max_trees,
                          aml_arena *keep) {
    *t = (aml_trees){.p = (uint32_t)design->p};
    t->tree = AML_ARRAY(keep, max_trees, aml_tree);
    t->gain = AML_ARRAY(keep, design->p, double);
    t->used = AML_ARRAY(keep, design->p, bool);
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
    memset(t->used, 0, t->p * sizeof *t->used);
    for (uint32_t k = 0; k < t->n_trees; k++)
        for (uint32_t i = 0; i < t->tree[k].n_nodes; i++)
            if (t->tree[k].node[i].left) t->used[t->tree[k].node[i].feature] = true;
}

static aml_status number_used(aml_trees *t, uint32_t *index, const aml_design *design,
                              const uint8_t *const *level_code, aml_arena *keep) {
    if (t->n_trees < t->n_added) mark_used(t); /* some were dropped */
    for (uint32_t j = 0; j < t->p; j++) t->n_used += index[j] = t->used[j];
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
            t->level_code[u] = aml_copy(keep, level_code[j], t->n_levels[u]);
            if (!t->level_code[u]) return AML_ENOMEM;
        }
        u++;
    }
    return AML_OK;
}

aml_status aml_trees_finish(aml_trees *t, const aml_design *design,
                            const uint8_t *const *level_code, aml_arena *keep) {
    uint32_t *index = aml_calloc(t->p + 1u, sizeof *index);
    if (!index) return AML_ENOMEM;
    aml_status status = number_used(t, index, design, level_code, keep);
    for (uint32_t k = 0; k < t->n_trees && !status && t->n_used < t->p; k++) {
        aml_node *node = (aml_node *)t->tree[k].node; /* ours: aml_trees_add made it */
        for (uint32_t i = 0; i < t->tree[k].n_nodes; i++)
            if (node[i].left) node[i].feature = index[node[i].feature];
    }
    aml_free(index);
    return status;
}

/* ---- predicting */

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

static void add_shares(double *out, const aml_tree *tree, const aml_mask_tree *masked,
                       const uint8_t *leaf, size_t m, size_t k) {
    for (size_t i = 0; i < m; i++) {
        const aml_node *node = tree->node + masked->leaf[leaf[i]];
        for (uint32_t s = 0; s < node->feature; s++) {
            const aml_share *share = tree->share + node->kind + s;
            out[i * k + share->class] += (double)share->share;
        }
    }
}

static void add_values(double *out, const double *value, const uint8_t *leaf, size_t m, size_t k) {
    for (size_t i = 0; i < m; i++) out[i * k] += value[leaf[i]];
}

void aml_trees_gather(float *block, const aml_trees *t, const aml_data *x, size_t begin, size_t m) {
    for (uint32_t u = 0; u < t->n_used; u++) {
        const float *column = x->x->column[t->feature[u]];
        uint32_t n_levels = t->n_levels[u];
        for (size_t i = 0; i < m; i++) {
            float v = column[x->rows[begin + i]];
            if (n_levels)
                v = v >= 0 && v < (float)n_levels ? (float)t->level_code[u][(uint32_t)v] : 0.0f;
            block[i * t->n_used + u] = v;
        }
    }
}

/* Rows of a block: many, so that what is done once a block and tree is little, and a tree stays in the cache while they
 * walk; but the caches hold them, too. */
enum { BLOCK_LEAST = 64, BLOCK_MOST = 8192, BLOCK_BYTES = 1 << 21, LINE = 64 };

typedef struct predict_job {
    double *out;
    const aml_trees *t;
    size_t k;
    const aml_data *x;
    const aml_ctx *ctx;
    aml_tree_masks masks; /* zeros: all trees are walked */
    size_t rows;          /* of a block */
    size_t steps;         /* of the largest tree that is packed; 0 = not worth it */
    size_t room_bytes;    /* of a thread */
    char *room;
    atomic_bool stopped;
} predict_job;

/* A thread's room. */
typedef struct predict_room {
    void *masks;
    float *block;
    aml_step *step;
    aml_walkers walkers;
    uint32_t *leaf;
} predict_room;

static void *cut_off(char *memory, size_t *at, size_t bytes) {
    void *p = memory ? memory + *at : NULL;
    *at += (bytes + LINE - 1) / LINE * LINE;
    return p;
}

/* Lays it out in memory at a multiple of LINE, or nowhere (NULL); returns its bytes. */
static size_t lay_out(predict_room *r, char *memory, const predict_job *job) {
    size_t at = 0, walkers = (job->rows + 16) * sizeof(uint32_t);
    r->masks = cut_off(memory, &at, job->masks.room_bytes);
    r->block = cut_off(memory, &at, job->rows * job->t->n_used * sizeof(float));
    r->step = cut_off(memory, &at, job->steps * sizeof(aml_step));
    r->walkers.row = cut_off(memory, &at, walkers);
    r->walkers.at = cut_off(memory, &at, walkers);
    r->leaf = cut_off(memory, &at, walkers);
    return at;
}

static void walk_tree(double *out, const predict_job *job, const predict_room *r, uint32_t number,
                      size_t m) {
    const aml_trees *t = job->t;
    const aml_tree *tree = t->tree + number;
    if (job->steps && aml_steps_fit(t, tree)) {
        aml_steps_pack(r->step, tree);
        aml_steps_walk(r->leaf, &r->walkers, r->step, r->block, t->n_used, m);
    } else aml_tree_walk(r->leaf, &r->walkers, tree, r->block, t->n_used, m);
    if (tree->n_shares || !job->steps) {
        add_leaves(out, tree, r->leaf, m, job->k, number % job->k);
        return;
    }
    for (size_t i = 0, c = number % job->k; i < m; i++, c += job->k)
        out[c] += (double)tree->node[r->leaf[i]].value;
}

static void predict_block(predict_job *job, char *room, size_t begin, size_t m) {
    const aml_trees *t = job->t;
    const aml_mask_tree *masked = job->masks.tree;
    double *out = job->out + begin * job->k;
    uint8_t leaf[AML_MASK_ROWS];
    predict_room r;
    lay_out(&r, room, job);
    aml_trees_gather(r.block, t, job->x, begin, m);
    if (masked) aml_tree_masks_take(r.masks, &job->masks, r.block, m);
    for (uint32_t k = 0; k < t->n_trees; k++) {
        if (aml_should_stop(job->ctx)) atomic_store(&job->stopped, true);
        if (atomic_load(&job->stopped)) return;
        if (masked && masked[k].n) {
            aml_tree_masks_run(leaf, r.masks, &job->masks, k);
            if (t->tree[k].n_shares) add_shares(out, t->tree + k, masked + k, leaf, m, job->k);
            else add_values(out + k % job->k, masked[k].value, leaf, m, job->k);
        } else walk_tree(out, job, &r, k, m);
    }
}

static void predict_part(void *arg, size_t part, size_t begin, size_t end, int thread) {
    predict_job *job = arg;
    (void)part;
    predict_block(job, job->room + (size_t)thread * job->room_bytes, begin, end - begin);
}

static size_t rows_of_block(size_t n, size_t n_used, size_t threads) {
    size_t rows = BLOCK_BYTES / sizeof(float) / (n_used + 1), share = n / (4 * threads);
    if (rows > BLOCK_MOST) rows = BLOCK_MOST;
    if (rows > share) rows = share;
    return rows < BLOCK_LEAST ? BLOCK_LEAST : rows;
}

static size_t largest_tree(const aml_trees *t) {
    size_t most = 0;
    for (uint32_t k = 0; k < t->n_trees; k++)
        if (aml_steps_fit(t, t->tree + k) && t->tree[k].n_nodes > most) most = t->tree[k].n_nodes;
    return most;
}

aml_status aml_trees_predict(double *out, const aml_trees *t, size_t k, const aml_data *x,
                             aml_ctx *ctx) {
    if (x->x->p != t->p)
        return aml_fail(AML_EDATA, "the model knows %u features, the data have %zu", t->p, x->x->p);
    size_t threads = ctx->n_threads > 1 ? (size_t)ctx->n_threads : 1;
    predict_job job = {.out = out, .t = t, .k = k, .x = x, .ctx = ctx};
    predict_room r;
    AML_TRY(aml_tree_masks_init(&job.masks, t, x->n / threads));
    job.rows = job.masks.tree ? AML_MASK_ROWS : rows_of_block(x->n, t->n_used, threads);
    job.steps = largest_tree(t);
    if (job.steps > 4 * job.rows) job.steps = 0; /* packing would take longer than it saves */
    job.room_bytes = lay_out(&r, NULL, &job);
    char *memory = aml_malloc(threads * job.room_bytes + LINE);
    if (memory) {
        job.room = memory + (LINE - (uintptr_t)memory % LINE) % LINE;
        aml_par_for(ctx->n_threads, x->n, job.rows, predict_part, &job);
    }
    aml_tree_masks_free(&job.masks);
    aml_free(memory);
    if (!memory) return AML_ENOMEM;
    return atomic_load(&job.stopped) ? aml_stopped() : AML_OK;
}

aml_status aml_trees_importance(double *out, const aml_trees *t, size_t p) {
    double total = 0;
    if (p != t->p) return aml_fail(AML_EINVAL, "the model knows %u features, not %zu", t->p, p);
    for (size_t j = 0; j < p; j++) total += t->gain[j];
    for (size_t j = 0; j < p; j++) out[j] = total > 0 ? t->gain[j] / total : 0;
    return AML_OK;
}
