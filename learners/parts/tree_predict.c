/* tree_predict.c: what trees say of rows: small trees as masks, others by walks, in blocks of rows. */
#include <stdint.h>

#include "automl/core/par.h"
#include "learners/parts/tree_masks.h"
#include "learners/parts/tree_walk.h"

/* ---- leaves */

/* out: of the row's classes. */
static inline void add_shares(double *out, const aml_tree *tree, const aml_node *leaf) {
    const aml_share *share = tree->share + leaf->kind;
    for (uint32_t s = 0; s < leaf->feature; s++) out[share[s].class] += (double)share[s].share;
}

static void add_leaves(double *out, const aml_tree *tree, const uint32_t *leaf, size_t m, size_t k,
                       size_t column) {
    for (size_t i = 0; i < m; i++) {
        const aml_node *node = tree->node + leaf[i];
        if (!node->feature) out[i * k + column] += (double)node->value;
        else add_shares(out + i * k, tree, node);
    }
}

/* The same for places in the arrays of a masked tree. */
static void add_places(double *out, const aml_tree *tree, const aml_mask_tree *masked,
                       const uint16_t *place, size_t m, size_t k, size_t column) {
    for (size_t i = 0; i < m && tree->n_shares; i++)
        add_shares(out + i * k, tree, tree->node + masked->leaf[place[i]]);
    for (size_t i = 0; i < m && !tree->n_shares; i++)
        out[i * k + column] += masked->value[place[i]];
}

/* ---- rows */

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

/* ---- blocks */

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
    uint16_t leaf[AML_MASK_ROWS];
    predict_room r;
    lay_out(&r, room, job);
    aml_trees_gather(r.block, t, job->x, begin, m);
    if (masked) aml_tree_masks_take(r.masks, &job->masks, r.block, m);
    for (uint32_t k = 0; k < t->n_trees; k++) {
        if (aml_should_stop(job->ctx)) atomic_store(&job->stopped, true);
        if (atomic_load(&job->stopped)) return;
        if (masked && masked[k].n) {
            aml_tree_masks_run(leaf, r.masks, &job->masks, k);
            add_places(out, t->tree + k, masked + k, leaf, m, job->k, k % job->k);
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
    predict_room r;
    AML_TRY(aml_tree_masks_init(&job.masks, t, x->n / threads));
    job.rows = job.masks.tree ? AML_MASK_ROWS : rows_of_block(x->n, t->n_used, threads);
    job.steps = largest_tree(t);
    if (job.steps > 4 * job.rows) job.steps = 0; /* packing would take longer than it saves */
    job.room_bytes = lay_out(&r, NULL, &job);
    aml_mark mark = aml_arena_mark(ctx->scratch);
    char *memory = aml_alloc_raw(ctx->scratch, threads * job.room_bytes + LINE, 1);
    if (memory) {
        job.room = memory + (LINE - (uintptr_t)memory % LINE) % LINE;
        aml_par_for(ctx->n_threads, x->n, job.rows, predict_part, &job);
    }
    aml_tree_masks_free(&job.masks);
    aml_arena_release(ctx->scratch, mark);
    if (!memory) return AML_ENOMEM;
    return atomic_load(&job.stopped) ? aml_stopped() : AML_OK;
}
