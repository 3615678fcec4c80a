/* forest_quantile.c: quantiles of the target by the leaves that rows share with training rows. */
#include <math.h>
#include <string.h>

#include "automl/core/par.h"
#include "automl/core/sort.h"
#include "learners/parts/forest.h"

enum { BLOCK = 64 };

/* The leaf of a design row. */
static uint32_t leaf_of(const aml_trees *t, const aml_tree *tree, const aml_design *x,
                        uint32_t row) {
    uint32_t at = 0;
    while (tree->node[at].left) {
        const aml_node *node = tree->node + at;
        uint32_t u = node->feature, n_levels = t->n_levels[u];
        float v = x->column[t->feature[u]][row];
        bool left = node->kind & AML_NODE_MISSING_LEFT;
        if (node->kind & AML_NODE_CATEGORY) {
            unsigned code = v >= 0 && v < (float)n_levels ? t->level_code[u][(uint32_t)v] : 0;
            const uint32_t *set =
                tree->set + (size_t)(node->kind >> AML_NODE_SET_SHIFT) * AML_SET_WORDS;
            if (code) left = set[code / 32] >> code % 32 & 1;
        } else if (!isnan(v)) left = v <= node->value;
        at = node->left + !left;
    }
    return at;
}

typedef struct quantile_job {
    const aml_forest *f;
    const aml_data *train, *x;
    const double *quantile;
    size_t m;
    uint32_t **start;      /* tree by tree: where the rows of each node begin along `member`, */
    uint32_t **member;     /* training rows by leaf: their ranks by target */
    double **total;        /* and the weight of each node's rows */
    const uint32_t *order; /* training positions by target */
    const aml_ctx *ctx;
    double *weight, *out; /* weight: train->n a thread */
    atomic_bool stopped;
} quantile_job;

static double weight_of(const aml_data *d, uint32_t position) {
    return d->w ? fmax(d->w[d->rows[position]], 0) : 1;
}

/* Sorts the training rows by leaf (a counting sort; ranks stay upwards). */
static aml_status list_leaves(quantile_job *job, uint32_t k, uint32_t *leaf, aml_arena *a) {
    const aml_tree *tree = job->f->trees.tree + k;
    size_t n = job->train->n;
    uint32_t *start = AML_ARRAY(a, tree->n_nodes + 2u, uint32_t);
    uint32_t *member = AML_ARRAY(a, n, uint32_t);
    double *total = AML_ARRAY(a, tree->n_nodes, double);
    if (!start || !member || !total) return AML_ENOMEM;
    for (size_t r = 0; r < n; r++) {
        uint32_t at = job->order[r];
        leaf[r] = leaf_of(&job->f->trees, tree, job->train->x, job->train->rows[at]);
        start[leaf[r] + 2]++;
        total[leaf[r]] += weight_of(job->train, at);
    }
    for (uint32_t i = 2; i < tree->n_nodes + 2u; i++) start[i] += start[i - 1];
    for (size_t r = 0; r < n; r++) member[start[leaf[r] + 1]++] = (uint32_t)r;
    job->start[k] = start, job->member[k] = member, job->total[k] = total;
    return AML_OK;
}

static void predict_row(const quantile_job *job, double *weight, size_t i) {
    const aml_trees *t = &job->f->trees;
    const aml_data *d = job->train;
    double sum = 0;
    memset(weight, 0, d->n * sizeof *weight);
    for (uint32_t k = 0; k < t->n_trees; k++) {
        uint32_t leaf = leaf_of(t, t->tree + k, job->x->x, job->x->rows[i]);
        double total = job->total[k][leaf];
        for (uint32_t j = job->start[k][leaf]; j < job->start[k][leaf + 1] && total > 0; j++) {
            uint32_t r = job->member[k][j];
            double w = weight_of(d, job->order[r]) / total;
            weight[r] += w;
            sum += w;
        }
    }
    for (size_t q = 0; q < job->m; q++) {
        double below = 0, want = job->quantile[q] * sum * (1 - 1e-12);
        size_t r = 0;
        while (r + 1 < d->n && (below += weight[r]) < want) r++;
        job->out[i * job->m + q] = d->y[d->rows[job->order[r]]];
    }
}

static void predict_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    quantile_job *job = arg;
    (void)block;
    for (size_t i = begin; i < end; i++) {
        if (aml_should_stop(job->ctx)) atomic_store(&job->stopped, true);
        if (atomic_load(&job->stopped)) return;
        predict_row(job, job->weight + (size_t)thread * job->train->n, i);
    }
}

static aml_status prepare(quantile_job *job, aml_arena *a) {
    const aml_data *d = job->train;
    uint32_t n_trees = job->f->trees.n_trees;
    double *y = AML_ARRAY(a, d->n, double);
    uint32_t *order = AML_ARRAY(a, d->n, uint32_t), *leaf = AML_ARRAY(a, d->n, uint32_t);
    job->start = AML_ARRAY(a, n_trees, uint32_t *);
    job->member = AML_ARRAY(a, n_trees, uint32_t *);
    job->total = AML_ARRAY(a, n_trees, double *);
    job->weight = AML_ARRAY(a, (size_t)job->ctx->n_threads * d->n, double);
    if (!y || !order || !leaf || !job->start || !job->member || !job->total || !job->weight)
        return AML_ENOMEM;
    for (size_t i = 0; i < d->n; i++) y[i] = d->y[d->rows[i]];
    AML_TRY(aml_argsort(order, y, d->n));
    job->order = order;
    for (uint32_t k = 0; k < n_trees; k++) AML_TRY(list_leaves(job, k, leaf, a));
    return AML_OK;
}

aml_status aml_forest_quantiles(double *out, const aml_forest *f, const aml_data *train,
                                const double *quantile, size_t m, const aml_data *x, aml_ctx *ctx) {
    aml_mark mark = aml_arena_mark(ctx->scratch);
    quantile_job job = {.f = f, .train = train, .x = x, .quantile = quantile, .m = m};
    job.ctx = ctx;
    job.out = out;
    if (f->task != AML_REGRESSION || !train->n)
        return aml_fail(AML_EINVAL, "quantiles are of numbers that were learnt");
    if (train->x->p != f->trees.p || x->x->p != f->trees.p)
        return aml_fail(AML_EDATA, "the model knows %u features", f->trees.p);
    AML_TRY(prepare(&job, ctx->scratch));
    aml_par_for(ctx->n_threads, x->n, BLOCK, predict_block, &job);
    aml_arena_release(ctx->scratch, mark);
    return atomic_load(&job.stopped) ? aml_stopped() : AML_OK;
}
