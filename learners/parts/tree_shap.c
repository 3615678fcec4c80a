/* tree_shap.c: Shapley values of trees. */
#include "learners/parts/tree_shap.h"

#include <math.h>
#include <string.h>

#include "automl/core/par.h"

/* A feature on the way to a node: the share of rows that come this far when it is not told, whether the row itself
 * does, and the weight of the subsets of so many features. */
typedef struct element {
    uint32_t feature;
    double zero, one, weight;
} element;

typedef struct explainer {
    const aml_trees *t;
    const aml_tree *tree;
    const float *x; /* used features of the row */
    double *phi;    /* (p + 1) × k */
    size_t k, output;
} explainer;

static void extend(element *m, size_t depth, double zero, double one, uint32_t feature) {
    m[depth] = (element){feature, zero, one, depth == 0 ? 1 : 0};
    for (size_t i = depth; i-- > 0;) {
        m[i + 1].weight += one * m[i].weight * (double)(i + 1) / (double)(depth + 1);
        m[i].weight *= zero * (double)(depth - i) / (double)(depth + 1);
    }
}

/* The weights as if element `at` had not been there; their sum. With `out` NULL only the sum. */
static double without(element *out, const element *m, size_t depth, size_t at) {
    double one = m[at].one, zero = m[at].zero, next = m[depth].weight, sum = 0;
    for (size_t i = depth; i-- > 0;) {
        double w;
        if (one > 0) {
            w = next * (double)(depth + 1) / ((double)(i + 1) * one);
            next = m[i].weight - w * zero * (double)(depth - i) / (double)(depth + 1);
        } else {
            w = m[i].weight * (double)(depth + 1) / (zero * (double)(depth - i));
        }
        sum += w;
        if (out) out[i].weight = w;
    }
    return sum;
}

static void unwind(element *m, size_t depth, size_t at) {
    without(m, m, depth, at);
    for (size_t i = at; i < depth; i++) {
        m[i].feature = m[i + 1].feature;
        m[i].zero = m[i + 1].zero;
        m[i].one = m[i + 1].one;
    }
}

static bool goes_left(const explainer *e, const aml_node *node) {
    float v = e->x[node->feature];
    if (!(node->kind & AML_NODE_CATEGORY))
        return isnan(v) ? node->kind & AML_NODE_MISSING_LEFT : v <= node->value;
    uint32_t code = (uint32_t)v;
    const uint32_t *set = e->tree->set + (size_t)(node->kind >> AML_NODE_SET_SHIFT) * AML_SET_WORDS;
    return code ? set[code / 32] >> code % 32 & 1 : node->kind & AML_NODE_MISSING_LEFT;
}

/* phi of a design feature += share of the leaf's value; sparse features share the last. */
static void add_leaf(const explainer *e, const aml_node *leaf, size_t feature, double share) {
    double *phi = e->phi + (feature < e->t->p ? feature : e->t->p) * e->k;
    if (!leaf->feature) phi[e->output] += share * (double)leaf->value;
    for (uint32_t s = 0; s < leaf->feature; s++) {
        const aml_share *of = e->tree->share + leaf->kind + s;
        phi[of->class] += share * (double)of->share;
    }
}

/* `parent` holds `depth` elements; this node's stand behind them. */
static void descend(const explainer *e, uint32_t at, size_t depth, const element *parent,
                    double zero, double one, uint32_t feature) {
    const aml_node *node = e->tree->node + at;
    element *m = (element *)parent + depth;
    memcpy(m, parent, depth * sizeof *m);
    extend(m, depth, zero, one, feature);
    if (!node->left) {
        for (size_t i = 1; i <= depth; i++)
            add_leaf(e, node, e->t->feature[m[i].feature],
                     without(NULL, m, depth, i) * (m[i].one - m[i].zero));
        return;
    }
    double in_zero = 1, in_one = 1;
    for (size_t i = 1; i <= depth; i++) {
        if (m[i].feature != node->feature) continue;
        in_zero = m[i].zero;
        in_one = m[i].one;
        unwind(m, depth--, i);
        break;
    }
    uint32_t hot = node->left + !goes_left(e, node), cold = 2 * node->left + 1 - hot;
    const float *cover = e->tree->cover;
    double all = (double)cover[at];
    descend(e, hot, depth + 1, m, in_zero * (double)cover[hot] / all, in_one, node->feature);
    descend(e, cold, depth + 1, m, in_zero * (double)cover[cold] / all, 0, node->feature);
}

/* mean[0 … k): what the trees predict when nothing is told: the means over their leaves. */
static void add_means(double *mean, const aml_trees *t, size_t k) {
    for (uint32_t n = 0; n < t->n_trees; n++) {
        const aml_tree *tree = t->tree + n;
        explainer e = {.t = t, .tree = tree, .phi = mean, .k = k, .output = n % k};
        for (uint32_t i = 0; i < tree->n_nodes; i++)
            if (!tree->node[i].left)
                add_leaf(&e, tree->node + i, 0, (double)tree->cover[i] / (double)tree->cover[0]);
    }
}

/* Levels below node i; children stand behind their parents. */
static size_t depth_of(const aml_tree *tree, size_t *level) {
    size_t most = 0;
    level[0] = 0;
    for (uint32_t i = 0; i < tree->n_nodes; i++) {
        if (level[i] > most) most = level[i];
        if (tree->node[i].left)
            level[tree->node[i].left] = level[tree->node[i].left + 1] = level[i] + 1;
    }
    return most;
}

typedef struct shap_job {
    double *out;
    const aml_trees *t;
    size_t k, room; /* elements a thread */
    const aml_data *x;
    const aml_ctx *ctx;
    element *elements;
    float *values; /* n_used a thread */
    double *mean;  /* k */
    atomic_bool stopped;
} shap_job;

static void explain_rows(void *arg, size_t block, size_t begin, size_t end, int thread) {
    shap_job *job = arg;
    const aml_trees *t = job->t;
    element *room = job->elements + (size_t)thread * job->room;
    float *x = job->values + (size_t)thread * t->n_used;
    (void)block;
    for (size_t i = begin; i < end; i++) {
        explainer e = {.t = t, .x = x, .k = job->k};
        e.phi = job->out + i * (t->p + 1u) * job->k;
        aml_trees_gather(x, t, job->x, i, 1);
        for (size_t o = 0; o < job->k; o++) e.phi[t->p * job->k + o] += job->mean[o];
        for (uint32_t n = 0; n < t->n_trees; n++) {
            if (aml_should_stop(job->ctx)) atomic_store(&job->stopped, true);
            if (atomic_load(&job->stopped)) return;
            e.tree = t->tree + n;
            e.output = n % job->k;
            if (e.tree->node->left) descend(&e, 0, 0, room, 1, 1, UINT32_MAX);
        }
    }
}

static aml_status find_room(size_t *room, const aml_trees *t) {
    size_t most = 0, deepest = 0;
    for (uint32_t n = 0; n < t->n_trees; n++)
        if (t->tree[n].n_nodes > most) most = t->tree[n].n_nodes;
    size_t *level = aml_malloc((most + 1) * sizeof *level);
    if (!level) return AML_ENOMEM;
    for (uint32_t n = 0; n < t->n_trees; n++) {
        size_t depth = depth_of(t->tree + n, level);
        if (depth > deepest) deepest = depth;
    }
    aml_free(level);
    size_t features = deepest < t->n_used ? deepest : t->n_used; /* each once on a way */
    *room = (deepest + 2) * (features + 2);
    return AML_OK;
}

aml_status aml_trees_contributions(double *out, const aml_trees *t, size_t k, const aml_data *x,
                                   aml_ctx *ctx) {
    size_t threads = ctx->n_threads > 1 ? (size_t)ctx->n_threads : 1;
    shap_job job = {.out = out, .t = t, .k = k, .x = x, .ctx = ctx};
    AML_TRY(aml_trees_check(t, x));
    AML_TRY(find_room(&job.room, t));
    job.elements = aml_malloc(threads * job.room * sizeof *job.elements);
    job.values = aml_malloc((threads * t->n_used + 1) * sizeof *job.values);
    job.mean = aml_calloc(k + 1, sizeof *job.mean);
    bool short_of_memory = !job.elements || !job.values || !job.mean;
    if (!short_of_memory) add_means(job.mean, t, k);
    if (!short_of_memory) aml_par_for(ctx->n_threads, x->n, 16, explain_rows, &job);
    aml_free(job.mean);
    aml_free(job.elements);
    aml_free(job.values);
    if (short_of_memory) return AML_ENOMEM;
    return atomic_load(&job.stopped) ? aml_stopped() : AML_OK;
}
