/* boost.c: boosting round by round. */
#include "learners/parts/boost.h"

#include <math.h>
#include <string.h>

#include "automl/core/par.h"

typedef struct boosting {
    const aml_data *data;
    const aml_boost_rules *rules;
    aml_ctx *ctx;
    aml_boosted *model;
    aml_boost_loss loss;
    aml_boost_rows valid;
    aml_boost_bins bins;
    aml_grower *grower;
    uint32_t *feature, *drawn; /* that can be split on; of this tree */
    size_t n_features, n_drawn;
    aml_boost_sample sample;
    size_t round, idle;
    aml_watch watch;
    bool stopped, over; /* by the clock; after the rounds of an earlier model, by what is watched */
    atomic_int status;  /* of threads */
} boosting;

static aml_status alloc(boosting *b) {
    const aml_bins *bins = &b->bins.bins;
    aml_arena *scratch = b->ctx->scratch;
    b->feature = AML_ARRAY(scratch, bins->p, uint32_t);
    b->drawn = AML_ARRAY(scratch, bins->p, uint32_t);
    if (!b->feature || !b->drawn) return AML_ENOMEM;
    for (size_t j = 0; j < bins->p; j++)
        if (bins->n_bins[j] + bins->has_missing[j] > 1) b->feature[b->n_features++] = (uint32_t)j;
    /* positions take the room of gradients that are packed */
    b->grower = aml_grower_new(&b->bins, b->data->rows, b->data->n, &b->rules->grow,
                               (void *)b->loss.slope, b->ctx);
    return b->grower ? AML_OK : AML_ENOMEM;
}

static void hold_out(boosting *b, unsigned keep) {
    size_t n = b->valid.n, k = b->loss.n_outputs;
    for (size_t i = 0; i < n; i++)
        for (size_t o = 0; keep >> i % AML_WATCH_PARTS & 1 && o < k; o++)
            b->data->held_out[i * k + o] = b->valid.score[o * n + i];
}

static aml_status begin(boosting *b) {
    aml_boosted *m = b->model;
    const aml_boost_rules *r = b->rules;
    b->watch = aml_watch_begin(r->patience);
    AML_TRY(aml_boost_loss_init(&b->loss, b->data, r->objective, b->ctx));
    AML_TRY(aml_boost_rows_init(&b->valid, &b->loss, b->data, b->data->valid, b->data->n_valid,
                                b->ctx));
    AML_TRY(aml_boost_bins_init(&b->bins, b->data, r->grow.split.cat_smooth, b->ctx));
    AML_TRY(aml_boost_sample_init(&b->sample, &r->sample, b->data->n, b->ctx));
    AML_TRY(alloc(b));
    if (b->data->held_out) hold_out(b, ~0u); /* the start, should no tree come */
    m->task = b->data->task;
    m->n_outputs = b->loss.n_outputs;
    m->center = b->loss.center;
    m->scale = b->loss.scale;
    m->is_log = m->task == AML_REGRESSION && aml_objective_is_log(&b->loss.objective);
    m->base = b->loss.base;
    return aml_trees_init(&m->trees, b->data->x, r->max_rounds * m->n_outputs, b->ctx->keep);
}

/* A draw without replacement, in the order of the columns. */
static void draw_features(boosting *b, const aml_rng *rng) {
    aml_rng own = aml_rng_child(rng, 1);
    size_t want = (size_t)ceil(b->rules->feature_fraction * (double)b->n_features);
    b->n_drawn = 0;
    for (size_t k = 0; k < b->n_features && b->n_drawn < want; k++)
        if (aml_rng_below(&own, (uint32_t)(b->n_features - k)) < want - b->n_drawn)
            b->drawn[b->n_drawn++] = b->feature[k];
}

/* Newton's step of classes goes no further: where a class is rare and believed to be absent, curvature is next to
 * nothing, and one row of it would throw all others of its leaf off for good. */
static const double FURTHEST = 8;

static aml_status renew_by_sums(boosting *b, size_t output) {
    double sums[AML_LEAVES_MOST][2];
    uint32_t n = aml_grower_leaves(b->grower);
    AML_TRY(aml_boost_loss_leaf_sums(sums, &b->loss, output, aml_grower_leaf_of(b->grower), n,
                                     b->ctx->n_threads));
    for (uint32_t k = 0; k < n; k++) {
        double value = aml_leaf_value(&b->rules->grow.split, sums[k][0], sums[k][1]);
        if (b->loss.task != AML_REGRESSION) value = fmax(-FURTHEST, fmin(FURTHEST, value));
        aml_grower_set_value(b->grower, k, value);
    }
    return AML_OK;
}

static void renew_by_quantile(void *arg, size_t block, size_t begin, size_t end, int thread) {
    boosting *b = arg;
    (void)block, (void)thread;
    for (size_t k = begin; k < end; k++) {
        double value = 0;
        size_t n;
        const uint32_t *position = aml_grower_rows(&n, b->grower, (uint32_t)k);
        aml_status status = aml_boost_loss_quantile(&value, &b->loss, position, n);
        if (status) atomic_store(&b->status, (int)status);
        aml_grower_set_value(b->grower, (uint32_t)k, value);
    }
}

/* Splits are found in rounded gradients, leaf values come from the gradients themselves. */
static aml_status renew_leaves(boosting *b, size_t output) {
    uint32_t n = aml_grower_leaves(b->grower);
    bool by_quantile =
        b->loss.task == AML_REGRESSION && aml_objective_level(&b->loss.objective) >= 0;
    if (n < 2) return AML_OK;
    if (!by_quantile) return renew_by_sums(b, output);
    aml_par_for(b->ctx->n_threads, n, 1, renew_by_quantile, b);
    if (!atomic_load(&b->status)) return AML_OK;
    return aml_fail(AML_ENOMEM, "not enough memory for the leaves of a tree");
}

/* Grows the tree of one output and adds it to the scores and the model. */
static aml_status add_tree(boosting *b, size_t output, const aml_rng *rng, bool *grew) {
    aml_rng own = aml_rng_child(rng, (uint32_t)output + 2);
    size_t n = b->data->n, n_valid = b->valid.n;
    static const aml_node zero;
    static const float one = 1;
    aml_tree tree = {.node = &zero, .cover = &one, .n_nodes = 1};
    aml_rng rounding = aml_rng_child(&own, 2);
    uint32_t salt = aml_rng_u32(&rounding);
    if (b->sample.n && aml_boost_loss_pack(&b->loss, output, salt, b->ctx->n_threads)) {
        draw_features(b, &own);
        aml_round round = {.gradients = b->loss.gradients,
                           .position = b->sample.position,
                           .n = b->sample.n,
                           .feature = b->drawn,
                           .n_features = b->n_drawn,
                           .rng = own};
        AML_TRY(aml_grower_grow(&b->stopped, b->grower, &round));
        AML_TRY(renew_leaves(b, output));
        tree = aml_grower_tree(b->grower);
        if (tree.n_nodes > 1) {
            float *score = b->loss.train.score + output * n;
            aml_grower_add(score, b->grower);
            if (b->sample.in_bag)
                aml_grower_add_rows(score, b->grower, b->data->rows, n, b->sample.in_bag);
            aml_grower_add_rows(b->valid.score + output * n_valid, b->grower, b->valid.rows,
                                n_valid, NULL);
            aml_grower_gains(b->model->trees.gain, b->grower);
            *grew = true;
        } else {
            tree = (aml_tree){.node = &zero, .cover = &one, .n_nodes = 1};
        }
    }
    return aml_trees_add(&b->model->trees, &tree, b->ctx->keep);
}

/* One tree an output. An unfinished round of several is taken back. */
static aml_status add_round(boosting *b, bool *grew) {
    aml_rng rng = aml_rng_child(&b->ctx->rng, (uint32_t)b->round);
    size_t k = b->loss.n_outputs;
    aml_boost_loss_update(&b->loss, b->ctx->n_threads);
    aml_boost_sample_draw(&b->sample, &b->loss, b->round, &rng, b->ctx->n_threads);
    for (size_t output = 0; output < k && !b->stopped; output++) {
        AML_TRY(add_tree(b, output, &rng, grew));
        if (aml_should_stop(b->ctx)) b->stopped = true;
    }
    size_t done = b->model->trees.n_trees - b->round * k;
    if (done == k) b->round++;
    else b->model->trees.n_trees = (uint32_t)(b->round * k);
    return AML_OK;
}

/* Trees that differ by chance: after one that found no split, the next may find some. */
static bool is_random(const boosting *b) {
    return aml_boost_sample_draws(&b->sample) || b->n_drawn < b->n_features ||
           b->rules->grow.split.random_cuts || b->rules->grow.node_fraction < 1;
}

/* Keeps count of the loss on the watched rows. */
static bool should_end(boosting *b, bool grew) {
    b->idle = grew ? 0 : b->idle + 1;
    if (b->idle >= (is_random(b) ? 5 : 1)) return true;
    if (!b->valid.n) return false;
    aml_watch_sums sums = aml_boost_loss_by_part(&b->loss, &b->valid, b->ctx->n_threads);
    unsigned best = aml_watch_see(&b->watch, &sums, b->round);
    if (best && b->data->held_out) hold_out(b, best);
    return aml_watch_over(&b->watch);
}

/* The model so far as a checkpoint: it is finished as the last one is, in a copy. */
static aml_status keep_state(boosting *b) {
    aml_arena *scratch = b->ctx->scratch;
    aml_mark mark = aml_arena_mark(scratch);
    aml_boosted m = *b->model;
    aml_tree *tree = aml_copy(scratch, m.trees.tree, m.trees.n_trees * sizeof *tree);
    aml_writer w = {0};
    if (!tree) return AML_ENOMEM;
    for (uint32_t k = 0; k < m.trees.n_trees; k++) {
        tree[k].node = aml_copy(scratch, tree[k].node, tree[k].n_nodes * sizeof *tree[k].node);
        if (!tree[k].node) return AML_ENOMEM;
    }
    m.trees.tree = tree;
    AML_TRY(aml_trees_finish(&m.trees, b->data->x, b->bins.bins.level_code, scratch));
    b->rules->save(&m, &w);
    aml_checkpoint_keep(b->ctx, &w);
    aml_arena_release(scratch, mark);
    return AML_OK;
}

static aml_status boost(boosting *b) {
    while (b->round < b->rules->max_rounds && !b->stopped && !b->over) {
        bool grew = false;
        AML_TRY(add_round(b, &grew));
        if (should_end(b, grew)) break;
        if (!b->stopped && aml_checkpoint_due(b->ctx)) AML_TRY(keep_state(b));
    }
    if (!b->round && b->stopped) return aml_stopped();
    b->ctx->truncated = b->stopped;
    size_t rounds = b->valid.n ? b->watch.round[AML_WATCH_ALL] : b->round;
    b->model->trees.n_trees = (uint32_t)(rounds * b->loss.n_outputs);
    return aml_trees_finish(&b->model->trees, b->data->x, b->bins.bins.level_code, b->ctx->keep);
}

/* ---- going on */

/* Adds one tree of `from` to the scores of some rows. */
static aml_status replay_tree(boosting *b, const aml_design *design, const aml_boosted *from,
                              uint32_t tree, aml_boost_rows *r) {
    size_t k = b->loss.n_outputs;
    aml_mark mark = aml_arena_mark(b->ctx->scratch);
    double *out = AML_ARRAY(b->ctx->scratch, r->n, double);
    float *score = r->score + tree % k * r->n;
    aml_data x = *b->data;
    aml_trees one = from->trees;
    if (!out) return AML_ENOMEM;
    x.x = design;
    x.rows = r->rows;
    x.n = r->n;
    one.tree = from->trees.tree + tree;
    one.n_trees = 1;
    AML_TRY(aml_trees_predict(out, &one, 1, &x, b->ctx));
    for (size_t i = 0; i < r->n; i++) score[i] += (float)out[i];
    aml_arena_release(b->ctx->scratch, mark);
    return AML_OK;
}

/* A copy of a finished tree, its nodes naming features of the design again. */
static aml_status copy_tree(boosting *b, const aml_boosted *from, uint32_t number) {
    aml_mark mark = aml_arena_mark(b->ctx->scratch);
    aml_tree tree = from->trees.tree[number];
    aml_node *node = aml_copy(b->ctx->scratch, tree.node, tree.n_nodes * sizeof *node);
    if (!node) return AML_ENOMEM;
    for (uint32_t i = 0; i < tree.n_nodes; i++)
        if (node[i].left) node[i].feature = from->trees.feature[node[i].feature];
    tree.node = node;
    AML_TRY(aml_trees_add(&b->model->trees, &tree, b->ctx->keep));
    aml_arena_release(b->ctx->scratch, mark);
    return AML_OK;
}

static aml_status replay(boosting *b, const aml_boosted *from) {
    size_t k = b->loss.n_outputs;
    const aml_trees *old = &from->trees;
    aml_design learnt;
    AML_TRY(aml_boost_bins_as_learnt(&learnt, &b->bins, b->data, b->ctx));
    size_t q = b->data->x->csr ? b->data->x->csr->p : 0;
    if (old->p != b->data->x->p || old->q != q || from->n_outputs != k ||
        from->task != b->data->task)
        return aml_fail(AML_EINVAL, "the model was fitted on other data");
    bool grew = false;
    for (uint32_t n = 0; n < old->n_trees && b->round < b->rules->max_rounds && !b->over; n++) {
        AML_TRY(copy_tree(b, from, n));
        AML_TRY(replay_tree(b, &learnt, from, n, &b->loss.train));
        AML_TRY(replay_tree(b, b->data->x, from, n, &b->valid));
        grew |= old->tree[n].n_nodes > 1;
        if ((n + 1) % k) continue;
        b->round++;
        b->over = should_end(b, grew);
        grew = false;
    }
    memcpy(b->model->trees.gain, old->gain, old->p * sizeof *old->gain);
    return AML_OK;
}

/* ---- all of it */

typedef struct fit_job {
    boosting *b;
    const aml_boosted *from;
    aml_status status;
} fit_job;

static aml_status fit_all(boosting *b, const aml_boosted *from) {
    AML_TRY(begin(b));
    if (from) AML_TRY(replay(b, from));
    return boost(b);
}

static void fit_in_team(void *arg) {
    fit_job *job = arg;
    job->status = fit_all(job->b, job->from);
}

aml_status aml_boost_fit(aml_boosted *m, const aml_boosted *from, const aml_data *train,
                         const aml_boost_rules *rules, aml_ctx *ctx) {
    boosting b = {.data = train, .rules = rules, .ctx = ctx, .model = m};
    fit_job job = {.b = &b, .from = from};
    aml_par_team(ctx->n_threads, fit_in_team, &job);
    AML_TRY(job.status);
    if (b.valid.n && train->held_out)
        aml_boost_link(train->held_out, b.valid.n, m->task, m->n_outputs, m->center, m->scale,
                       m->is_log);
    return AML_OK;
}
