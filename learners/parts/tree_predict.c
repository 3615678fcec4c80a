/* tree_predict.c: what trees say of rows: few rows one by one, many in blocks, small trees as masks, others by walks. */
#include "automl/core/par.h"
#include "learners/parts/tree_masks.h"
#include "learners/parts/tree_row.h"

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

/* ---- sums */

/* Where predictions of a block are added up: row i, output c at i * row + c * output. */
typedef struct sums {
    double *at;
    size_t row, output;
} sums;

static inline void add_shares(sums s, size_t i, const aml_tree *tree, const aml_node *leaf) {
    const aml_share *share = tree->share + leaf->kind;
    for (uint32_t k = 0; k < leaf->feature; k++)
        s.at[i * s.row + share[k].class * s.output] += (double)share[k].share;
}

/* c: the tree's own output. */
static inline void add_leaf(sums s, size_t i, size_t c, const aml_tree *tree,
                            const aml_node *leaf) {
    if (leaf->feature) add_shares(s, i, tree, leaf);
    else s.at[i * s.row + c * s.output] += (double)leaf->value;
}

/* ---- blocks */

/* FEW rows are faster one by one. Rows of a block that walk: many, so that what is done once a block and tree is little, and
 * a tree stays in the cache while they walk; but the caches hold them, too. */
enum { FEW = 48, FEW_STEPS = 8, BLOCK_LEAST = 64, BLOCK_MOST = 8192, BLOCK_BYTES = 1 << 21 };
enum { LINE = 64, TREES_A_LOOK = 16 };

typedef struct predict_job {
    double *out;
    const aml_trees *t;
    const aml_tree_plan *plan;
    size_t k;
    const aml_data *x;
    const aml_ctx *ctx;
    bool by_row, walks; /* walks: some trees walk */
    size_t rows;        /* of a block */
    size_t room_bytes;  /* of a thread */
    char *room;
    atomic_bool stopped;
} predict_job;

/* A thread's room. */
typedef struct predict_room {
    void *masks;
    double *sum;
    float *block, *value;
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
    bool masks = job->plan->masks && !job->by_row;
    size_t at = 0, rows = job->walks ? job->rows : 0;
    size_t walkers = job->walks ? ((job->by_row ? job->t->n_trees : rows) + 16) * 4 : 0;
    r->masks = cut_off(memory, &at, masks ? aml_masks_room(job->plan) : 0);
    r->sum = cut_off(memory, &at, masks ? AML_MASK_ROWS * job->k * sizeof(double) : 0);
    r->value = cut_off(memory, &at, job->by_row ? (job->plan->n_lanes + 64) * sizeof(float) : 0);
    r->block = cut_off(memory, &at, (job->by_row ? 1 : rows) * job->t->n_used * sizeof(float));
    r->walkers.row = cut_off(memory, &at, walkers);
    r->walkers.at = cut_off(memory, &at, walkers);
    r->leaf = cut_off(memory, &at, walkers);
    return at;
}

static bool stop(predict_job *job) {
    if (aml_should_stop(job->ctx)) atomic_store(&job->stopped, true);
    return atomic_load(&job->stopped);
}

/* ---- few rows */

static void add_values(double *out, const float *value, uint32_t n, size_t k) {
    for (size_t i = 0, c = 0; i < n; i++) {
        out[c] += (double)value[i];
        if (++c == k) c = 0;
    }
}

static void predict_row(predict_job *job, const predict_room *r, size_t i) {
    const aml_trees *t = job->t;
    const aml_tree_plan *plan = job->plan;
    double *out = job->out + i * job->k;
    aml_trees_gather(r->block, t, job->x, i, 1);
    double sum = aml_words_walk(r->value, plan, t->n_used, r->block, *out);
    if (plan->n_lanes == t->n_trees) {
        if (job->k == 1) *out = sum;
        else add_values(out, r->value, t->n_trees, job->k);
        return;
    }
    aml_row_walk(r->leaf, &r->walkers, plan, t, r->block);
    for (uint32_t n = 0, lane = 0; n < t->n_trees; n++) {
        const aml_tree *tree = t->tree + n;
        if (plan->tree[n].word) out[n % job->k] += (double)r->value[lane++];
        else add_leaf((sums){out, job->k, 1}, 0, n % job->k, tree, tree->node + r->leaf[n]);
    }
}

/* ---- many rows */

static void walk_tree(sums s, const predict_job *job, const predict_room *r, uint32_t number,
                      size_t m) {
    const aml_trees *t = job->t;
    const aml_tree *tree = t->tree + number;
    const aml_step *step = job->plan->tree[number].step;
    if (step) aml_steps_walk(r->leaf, &r->walkers, step, r->block, t->n_used, m);
    else aml_tree_walk(r->leaf, &r->walkers, tree, r->block, t->n_used, m);
    for (size_t i = 0; i < m; i++) add_leaf(s, i, number % job->k, tree, tree->node + r->leaf[i]);
}

static void mask_tree(sums s, const predict_job *job, const predict_room *r, uint32_t number) {
    const aml_tree *tree = job->t->tree + number;
    const aml_plan_tree *masked = job->plan->tree + number;
    uint16_t leaf[AML_MASK_ROWS];
    if (!masked->n) {
        for (size_t i = 0; i < AML_MASK_ROWS; i++)
            add_leaf(s, i, number % job->k, tree, tree->node);
        return;
    }
    if (!tree->n_shares) {
        aml_masks_add(s.at + number % job->k * s.output, r->masks, job->plan, masked);
        return;
    }
    aml_masks_leaves(leaf, r->masks, job->plan, masked);
    for (size_t i = 0; i < AML_MASK_ROWS; i++)
        add_leaf(s, i, number % job->k, tree, tree->node + masked->leaf[leaf[i]]);
}

static void mask_block(predict_job *job, const predict_room *r, size_t begin, size_t m) {
    const aml_tree_plan *plan = job->plan;
    double *out = job->out + begin * job->k;
    sums s = {r->sum, 1, AML_MASK_ROWS};
    aml_masks_take(r->masks, plan, job->t, job->x, begin, m);
    if (job->walks) aml_trees_gather(r->block, job->t, job->x, begin, m);
    for (size_t c = 0; c < job->k; c++)
        for (size_t i = 0; i < AML_MASK_ROWS; i++)
            s.at[c * s.output + i] = i < m ? out[i * job->k + c] : 0;
    for (uint32_t n = 0; n < job->t->n_trees; n++) {
        if (n % TREES_A_LOOK == 0 && stop(job)) return;
        if (plan->tree[n].at || !plan->tree[n].n) mask_tree(s, job, r, n);
        else walk_tree(s, job, r, n, m);
    }
    for (size_t c = 0; c < job->k; c++)
        for (size_t i = 0; i < m; i++) out[i * job->k + c] = s.at[c * s.output + i];
}

static void walk_block(predict_job *job, const predict_room *r, size_t begin, size_t m) {
    aml_trees_gather(r->block, job->t, job->x, begin, m);
    for (uint32_t n = 0; n < job->t->n_trees && !stop(job); n++)
        walk_tree((sums){job->out + begin * job->k, job->k, 1}, job, r, n, m);
}

static void predict_part(void *arg, size_t part, size_t begin, size_t end, int thread) {
    predict_job *job = arg;
    predict_room r;
    (void)part;
    lay_out(&r, job->room + (size_t)thread * job->room_bytes, job);
    if (job->by_row)
        for (size_t i = begin; i < end && !stop(job); i++) predict_row(job, &r, i);
    else if (job->plan->masks) mask_block(job, &r, begin, end - begin);
    else walk_block(job, &r, begin, end - begin);
}

/* ---- all */

static size_t rows_of_block(size_t n, size_t n_used, size_t threads) {
    size_t rows = BLOCK_BYTES / sizeof(float) / (n_used + 1), share = n / (4 * threads);
    if (rows > BLOCK_MOST) rows = BLOCK_MOST;
    if (rows > share) rows = share;
    return rows < BLOCK_LEAST ? BLOCK_LEAST : rows;
}

static void choose_way(predict_job *job, size_t threads) {
    const aml_tree_plan *plan = job->plan;
    size_t n = job->x->n;
    job->by_row = n <= (plan->masks ? FEW : FEW_STEPS);
    if (job->by_row) job->rows = n + 1;
    else job->rows = plan->masks ? AML_MASK_ROWS : rows_of_block(n, job->t->n_used, threads);
    job->walks = (job->by_row ? plan->n_lanes : plan->n_masked) < plan->n_trees;
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

static aml_status predict(double *out, const aml_trees *t, size_t k, const aml_data *x,
                          aml_ctx *ctx) {
    predict_job job = {.out = out, .t = t, .plan = t->plan, .k = k, .x = x, .ctx = ctx};
    predict_room r;
    bool known = t->plan && t->plan->of == t->tree && t->plan->n_trees == t->n_trees;
    if (!known) AML_TRY(aml_tree_plan_make(&job.plan, t, ctx->scratch));
    size_t threads = ctx->n_threads > 1 ? (size_t)ctx->n_threads : 1;
    choose_way(&job, threads);
    size_t blocks = (x->n + job.rows - 1) / job.rows;
    if (threads > blocks) threads = blocks;
    job.room_bytes = lay_out(&r, NULL, &job);
    job.room = aml_alloc_raw(ctx->scratch, threads * job.room_bytes + LINE, 1);
    if (!job.room) return AML_ENOMEM;
    aml_par_for((int)threads, x->n, job.rows, predict_part, &job);
    return atomic_load(&job.stopped) ? aml_stopped() : AML_OK;
}

aml_status aml_trees_predict(double *out, const aml_trees *t, size_t k, const aml_data *x,
                             aml_ctx *ctx) {
    AML_TRY(aml_trees_check(t, x));
    aml_mark mark = aml_arena_mark(ctx->scratch);
    aml_status status = x->n ? predict(out, t, k, x, ctx) : AML_OK;
    aml_arena_release(ctx->scratch, mark);
    return status;
}
