/* gbdt.c: gradient-boosted trees on binned features, grown leaf by leaf. */
#include <math.h>
#include <string.h>

#include "automl/core/par.h"
#include "learners/parts/boost_sample.h"
#include "learners/parts/grow.h"
#include "learners/parts/tree_shap.h"

enum {
    LEARNING_RATE,
    NUM_LEAVES,
    MAX_DEPTH,
    MIN_CHILD_SAMPLES,
    MIN_CHILD_WEIGHT,
    FEATURE_FRACTION,
    NODE_FRACTION,
    BAGGING_FRACTION,
    REG_ALPHA,
    REG_LAMBDA,
    CAT_SMOOTH,
    CAT_L2,
    MIN_GROUP,
    EXTRA_TREES,
    N_ESTIMATORS,
    ROUNDS,
    OBJECTIVE,
    QUANTILE,
    HUBER_DELTA,
    TWEEDIE_POWER,
    GROW,
    ROW_SAMPLING,
    GOSS_TOP,
    GOSS_OTHER
};

static const char *const no_yes[] = {"no", "yes", NULL};
static const char *const samplings[] = {"uniform", "goss", NULL};
static const char *const orders[] = {"by_gain", "by_depth", NULL};
/* in the order of aml_objective_kind */
static const char *const objectives[] = {"squared", "absolute", "huber",   "quantile",
                                         "poisson", "gamma",    "tweedie", NULL};

static const aml_param params[] = {
    {"learning_rate", "shrinkage of each tree", AML_REAL, true, 0.01, 0.3, 0.1, NULL, false},
    {"num_leaves", "leaves of a tree", AML_INT, true, 4, 255, 31, NULL, false},
    {"max_depth", "depth of a tree; 16 = any", AML_INT, false, 2, 16, 16, NULL, true},
    {"min_child_samples", "rows of a leaf, about", AML_INT, true, 1, 100, 20, NULL, false},
    {"min_child_weight", "curvature of a leaf", AML_REAL, true, 1e-3, 10, 1e-3, NULL, false},
    {"feature_fraction", "share of the features a tree may use", AML_REAL, false, 0.3, 1, 1, NULL,
     false},
    {"node_feature_fraction", "share of these that a node may use", AML_REAL, false, 0.1, 1, 1,
     NULL, true},
    {"bagging_fraction", "share of the rows a tree learns from", AML_REAL, false, 0.5, 1, 1, NULL,
     false},
    {"reg_alpha", "L1 penalty on leaf values", AML_REAL, true, 1e-4, 10, 1e-4, NULL, false},
    {"reg_lambda", "L2 penalty on leaf values", AML_REAL, true, 1e-4, 100, 1e-4, NULL, false},
    {"cat_smooth", "shrinks the order of rare levels", AML_REAL, true, 0.1, 100, 10, NULL, false},
    {"cat_l2", "L2 penalty of splits on sorted levels", AML_REAL, true, 0.01, 100, 10, NULL, false},
    {"min_data_per_group", "rows between two cuts along sorted levels", AML_INT, true, 1, 1000, 100,
     NULL, true},
    {"extra_trees", "one random cut a feature", AML_CHOICE, false, 0, 1, 0, no_yes, false},
    {"n_estimators", "rounds at most, with rows to stop early on", AML_INT, true, 1, 10000, 2000,
     NULL, true},
    {"rounds", "rounds without such rows; 0 = 10 / learning_rate", AML_INT, false, 0, 10000, 0,
     NULL, true},
    {"objective", "loss of regression", AML_CHOICE, false, 0, 6, 0, objectives, true},
    {"quantile", "level of the objective quantile", AML_REAL, false, 0.001, 0.999, 0.5, NULL, true},
    {"huber_delta", "where Huber's loss turns linear, in deviations of the target", AML_REAL, true,
     0.001, 100, 1, NULL, true},
    {"tweedie_power", "power of Tweedie's variance", AML_REAL, false, 1.01, 1.99, 1.5, NULL, true},
    {"grow", "which leaf is split next: of the largest gain, or of the least depth first",
     AML_CHOICE, false, 0, 1, 0, orders, true},
    {"row_sampling", "rows of a tree: bagging_fraction of all, or those of large gradients (goss)",
     AML_CHOICE, false, 0, 1, 0, samplings, true},
    {"goss_top", "goss: share of the rows, those of the largest gradients", AML_REAL, false, 0.01,
     0.9, 0.2, NULL, true},
    {"goss_other", "goss: share of the rows, drawn from the others", AML_REAL, false, 0.01, 0.9,
     0.1, NULL, true},
    {0}};

typedef struct gbdt {
    aml_task_kind task;
    size_t n_outputs;
    bool is_log; /* scores are logarithms of what is predicted */
    double center, scale;
    double *base;
    aml_trees trees; /* n_outputs trees a round */
} gbdt;

/* ---- fit */

typedef struct boosting {
    const aml_data *data;
    const double *hp;
    aml_ctx *ctx;
    gbdt *model;
    aml_boost_loss loss;
    aml_boost_rows valid;
    aml_grow_rules rules;
    aml_boost_bins bins;
    aml_grower *grower;
    uint32_t *feature, *drawn; /* that can be split on; of this tree */
    size_t n_features, n_drawn;
    aml_boost_sample sample;
    size_t round, max_rounds, idle;
    aml_watch watch;
    bool stopped, by_quantile; /* leaf values are quantiles of residuals */
    atomic_int status;         /* of threads */
} boosting;

static void set_rules(boosting *b) {
    const double *hp = b->hp;
    b->rules = (aml_grow_rules){.n_leaves = (uint32_t)hp[NUM_LEAVES],
                                .max_depth = hp[MAX_DEPTH] >= 16 ? 0 : (uint32_t)hp[MAX_DEPTH],
                                .by_depth = hp[GROW] > 0,
                                .learning_rate = hp[LEARNING_RATE],
                                .node_fraction = hp[NODE_FRACTION],
                                .groups = b->data->groups,
                                .split = {.min_rows = hp[MIN_CHILD_SAMPLES],
                                          .min_curvature = hp[MIN_CHILD_WEIGHT],
                                          .l1 = hp[REG_ALPHA],
                                          .l2 = hp[REG_LAMBDA],
                                          .cat_smooth = hp[CAT_SMOOTH],
                                          .cat_l2 = hp[CAT_L2],
                                          .min_group = fmin(hp[MIN_GROUP], (double)b->data->n / 50),
                                          .random_cuts = hp[EXTRA_TREES] > 0}};
    if (b->rules.n_leaves < 2) b->rules.n_leaves = 2;
    if (b->data->task != AML_MULTICLASS) b->rules.split.monotone = b->data->monotone;
    bool watched = b->data->n_valid > 0;
    double rounds = hp[ROUNDS] > 0 ? hp[ROUNDS] : round(10 / hp[LEARNING_RATE]);
    b->max_rounds = (size_t)(watched ? hp[N_ESTIMATORS] : rounds);
    double patience = round(5 / hp[LEARNING_RATE]);
    b->watch = aml_watch_begin((size_t)(patience < 20 ? 20 : patience > 200 ? 200 : patience));
}

static aml_status alloc(boosting *b) {
    const aml_bins *bins = &b->bins.bins;
    aml_arena *scratch = b->ctx->scratch;
    b->feature = AML_ARRAY(scratch, bins->p, uint32_t);
    b->drawn = AML_ARRAY(scratch, bins->p, uint32_t);
    if (!b->feature || !b->drawn) return AML_ENOMEM;
    for (size_t j = 0; j < bins->p; j++)
        if (bins->n_bins[j] + bins->has_missing[j] > 1) b->feature[b->n_features++] = (uint32_t)j;
    b->grower = aml_grower_new(&b->bins, b->data->rows, b->data->n, &b->rules, b->ctx);
    return b->grower ? AML_OK : AML_ENOMEM;
}

static void hold_out(boosting *b, unsigned keep) {
    size_t n = b->valid.n, k = b->loss.n_outputs;
    for (size_t i = 0; i < n; i++)
        for (size_t o = 0; keep >> i % AML_WATCH_PARTS & 1 && o < k; o++)
            b->data->held_out[i * k + o] = b->valid.score[o * n + i];
}

static aml_objective objective_of(const double *hp) {
    aml_objective o = {(aml_objective_kind)hp[OBJECTIVE], 0};
    if (o.kind == AML_QUANTILE) o.alpha = hp[QUANTILE];
    if (o.kind == AML_HUBER) o.alpha = hp[HUBER_DELTA];
    if (o.kind == AML_TWEEDIE) o.alpha = hp[TWEEDIE_POWER];
    return o;
}

static aml_sample_rules sample_rules(const double *hp) {
    return (aml_sample_rules){.by_slope = hp[ROW_SAMPLING] > 0,
                              .fraction = hp[BAGGING_FRACTION],
                              .top = hp[GOSS_TOP],
                              .other = hp[GOSS_OTHER],
                              .warm_up = (size_t)ceil(1 / hp[LEARNING_RATE])};
}

static aml_status begin(boosting *b) {
    gbdt *m = b->model;
    aml_sample_rules sampling = sample_rules(b->hp);
    set_rules(b);
    AML_TRY(aml_boost_loss_init(&b->loss, b->data, objective_of(b->hp), b->ctx));
    AML_TRY(aml_boost_rows_init(&b->valid, &b->loss, b->data, b->data->valid, b->data->n_valid,
                                b->ctx));
    AML_TRY(aml_boost_bins_init(&b->bins, b->data, b->hp[CAT_SMOOTH], b->ctx));
    AML_TRY(aml_boost_sample_init(&b->sample, &sampling, b->data->n, b->ctx));
    AML_TRY(alloc(b));
    if (b->data->held_out) hold_out(b, ~0u); /* the start, should no tree come */
    m->task = b->data->task;
    m->n_outputs = b->loss.n_outputs;
    m->center = b->loss.center;
    m->scale = b->loss.scale;
    m->is_log = m->task == AML_REGRESSION && aml_objective_is_log(&b->loss.objective);
    m->base = b->loss.base;
    return aml_trees_init(&m->trees, b->data->x, b->max_rounds * m->n_outputs, b->ctx->keep);
}

/* A draw without replacement, in the order of the columns. */
static void draw_features(boosting *b, const aml_rng *rng) {
    aml_rng own = aml_rng_child(rng, 1);
    size_t want = (size_t)ceil(b->hp[FEATURE_FRACTION] * (double)b->n_features);
    b->n_drawn = 0;
    for (size_t k = 0; k < b->n_features && b->n_drawn < want; k++)
        if (aml_rng_below(&own, (uint32_t)(b->n_features - k)) < want - b->n_drawn)
            b->drawn[b->n_drawn++] = b->feature[k];
}

static void renew_leaf(void *arg, size_t block, size_t begin, size_t end, int thread) {
    boosting *b = arg;
    (void)block, (void)thread;
    for (size_t k = begin; k < end; k++) {
        double sums[2], value = 0;
        size_t n;
        const uint32_t *position = aml_grower_rows(&n, b->grower, (uint32_t)k);
        aml_boost_loss_sums(sums, &b->loss, position, n);
        aml_status status = AML_OK;
        if (b->by_quantile) status = aml_boost_loss_quantile(&value, &b->loss, position, n);
        else value = aml_leaf_value(&b->rules.split, sums[0], sums[1]);
        if (status) atomic_store(&b->status, (int)status);
        aml_grower_set_value(b->grower, (uint32_t)k, value);
    }
}

/* Splits are found in rounded gradients, leaf values come from the gradients themselves. */
static aml_status renew_leaves(boosting *b) {
    uint32_t n = aml_grower_leaves(b->grower);
    b->by_quantile = b->loss.task == AML_REGRESSION && aml_objective_level(&b->loss.objective) >= 0;
    if (n > 1) aml_par_for(b->ctx->n_threads, n, 1, renew_leaf, b);
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
        AML_TRY(renew_leaves(b));
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
           b->rules.split.random_cuts || b->rules.node_fraction < 1;
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

static aml_status boost(boosting *b) {
    while (b->round < b->max_rounds && !b->stopped) {
        bool grew = false;
        AML_TRY(add_round(b, &grew));
        if (should_end(b, grew)) break;
    }
    if (!b->round && b->stopped) return aml_stopped();
    b->ctx->truncated = b->stopped;
    size_t rounds = b->valid.n ? b->watch.round[AML_WATCH_ALL] : b->round;
    b->model->trees.n_trees = (uint32_t)(rounds * b->loss.n_outputs);
    return aml_trees_finish(&b->model->trees, b->data->x, b->bins.bins.level_code, b->ctx->keep);
}

/* ---- going on */

/* Adds one tree of `from` to the scores of some rows. */
static aml_status replay_tree(boosting *b, const gbdt *from, uint32_t tree, aml_boost_rows *r) {
    size_t k = b->loss.n_outputs;
    aml_mark mark = aml_arena_mark(b->ctx->scratch);
    double *out = AML_ARRAY(b->ctx->scratch, r->n, double);
    float *score = r->score + tree % k * r->n;
    aml_data x = *b->data;
    aml_trees one = from->trees;
    if (!out) return AML_ENOMEM;
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
static aml_status copy_tree(boosting *b, const gbdt *from, uint32_t number) {
    aml_tree tree = from->trees.tree[number];
    aml_node *node = aml_copy(b->ctx->scratch, tree.node, tree.n_nodes * sizeof *node);
    if (!node) return AML_ENOMEM;
    for (uint32_t i = 0; i < tree.n_nodes; i++)
        if (node[i].left) node[i].feature = from->trees.feature[node[i].feature];
    tree.node = node;
    return aml_trees_add(&b->model->trees, &tree, b->ctx->keep);
}

static aml_status replay(boosting *b, const gbdt *from) {
    size_t k = b->loss.n_outputs;
    const aml_trees *old = &from->trees;
    if (old->p != b->data->x->p || from->n_outputs != k || from->task != b->data->task)
        return aml_fail(AML_EINVAL, "the model was fitted on other data");
    for (uint32_t n = 0; n < old->n_trees && b->round < b->max_rounds; n++) {
        AML_TRY(copy_tree(b, from, n));
        AML_TRY(replay_tree(b, from, n, &b->loss.train));
        AML_TRY(replay_tree(b, from, n, &b->valid));
        if ((n + 1) % k) continue;
        b->round++;
        should_end(b, true);
    }
    memcpy(b->model->trees.gain, old->gain, old->p * sizeof *old->gain);
    return AML_OK;
}

/* From nothing, or from a finished model. */
static aml_status fit_from(void **model, const gbdt *from, const aml_data *train, const double *hp,
                           aml_ctx *ctx) {
    gbdt *m = AML_NEW(ctx->keep, gbdt);
    boosting b = {.data = train, .hp = hp, .ctx = ctx, .model = m};
    if (!m) return AML_ENOMEM;
    AML_TRY(begin(&b));
    if (from) AML_TRY(replay(&b, from));
    AML_TRY(boost(&b));
    if (b.valid.n && train->held_out)
        aml_boost_link(train->held_out, b.valid.n, m->task, m->n_outputs, m->center, m->scale,
                       m->is_log);
    *model = m;
    return AML_OK;
}

static aml_status more(void **model, const void *from, const aml_data *train, const double *hp,
                       aml_ctx *ctx) {
    return fit_from(model, from, train, hp, ctx);
}

static aml_status fit(void **model, const aml_data *train, const double *hp, aml_ctx *ctx) {
    return fit_from(model, NULL, train, hp, ctx);
}

/* ---- predict */

static aml_status predict(double *out, const void *model, const aml_data *x, aml_ctx *ctx) {
    const gbdt *m = model;
    if (m->task != x->task || m->n_outputs != (size_t)aml_task_outputs(x->task, x->n_classes))
        return aml_fail(AML_EDATA, "the model is for another task");
    for (size_t i = 0; i < x->n; i++)
        memcpy(out + i * m->n_outputs, m->base, m->n_outputs * sizeof *out);
    AML_TRY(aml_trees_predict(out, &m->trees, m->n_outputs, x, ctx));
    aml_boost_link(out, x->n, m->task, m->n_outputs, m->center, m->scale, m->is_log);
    return AML_OK;
}

static aml_status contributions(double *out, const void *model, const aml_data *x, aml_ctx *ctx) {
    const gbdt *m = model;
    size_t k = m->n_outputs, width = (m->trees.p + 1u) * k;
    memset(out, 0, x->n * width * sizeof *out);
    AML_TRY(aml_trees_contributions(out, &m->trees, k, x, ctx));
    for (size_t i = 0; i < x->n; i++) {
        double *row = out + i * width, *last = row + m->trees.p * k;
        for (size_t o = 0; o < k; o++) last[o] += m->base[o];
        if (m->task != AML_REGRESSION || m->is_log) continue;
        for (size_t j = 0; j < width; j++) row[j] *= m->scale;
        *last += m->center;
    }
    return AML_OK;
}

/* ---- files */

enum { FORMAT = 1 };

static void save(const void *model, aml_writer *w) {
    const gbdt *m = model;
    aml_put_u32(w, FORMAT);
    aml_put_u32(w, (uint32_t)m->task);
    aml_put_u32(w, m->is_log);
    aml_put_f64(w, m->center);
    aml_put_f64(w, m->scale);
    aml_put_f64s(w, m->base, m->n_outputs);
    aml_trees_save(&m->trees, w);
}

static aml_status check(const gbdt *m, aml_reader *r) {
    bool known = m->task == AML_BINARY || m->task == AML_MULTICLASS || m->task == AML_REGRESSION;
    if (!known || !m->n_outputs || (m->task != AML_MULTICLASS && m->n_outputs != 1))
        return aml_reader_fail(r, "a task that is none");
    bool finite = isfinite(m->center) && isfinite(m->scale);
    for (size_t k = 0; k < m->n_outputs; k++) finite &= isfinite(m->base[k]) != 0;
    return finite ? AML_OK : aml_reader_fail(r, "a start that is not a number");
}

static aml_status load(void **model, aml_reader *r, aml_ctx *ctx) {
    gbdt *m = AML_NEW(ctx->keep, gbdt);
    if (!m) return AML_ENOMEM;
    uint32_t format = aml_get_u32(r);
    if (!r->status && format != FORMAT)
        return aml_reader_fail(r, "format %u of boosted trees", format);
    m->task = (aml_task_kind)aml_get_u32(r);
    m->is_log = aml_get_u32(r) != 0;
    m->center = aml_get_f64(r);
    m->scale = aml_get_f64(r);
    m->base = aml_get_f64s(r, ctx->keep, SIZE_MAX, &m->n_outputs);
    if (r->status) return r->status;
    AML_TRY(check(m, r));
    AML_TRY(aml_trees_load(&m->trees, 0, r, ctx->keep));
    *model = m;
    return AML_OK;
}

/* ---- the learner */

/* A leaf needs rows: few rows allow few leaves. */
static void bound(double *lo, double *hi, size_t param, const aml_shape *shape) {
    double n = (double)shape->n;
    if (param == NUM_LEAVES) *hi = fmax(*lo, fmin(*hi, ceil(n / 4)));
    if (param == MIN_CHILD_SAMPLES) *hi = fmax(*lo, fmin(*hi, ceil(n / 10)));
}

/* Seconds on one thread, measured at 20 000 to a million rows of 9 to 54 features: adds to histograms, visits of rows,
 * and scans of histograms. */
static double cost(const double *hp, const aml_shape *shape) {
    double n = (double)shape->n, p = (double)shape->p * hp[FEATURE_FRACTION],
           leaves = hp[NUM_LEAVES];
    double outputs = shape->task == AML_MULTICLASS ? shape->n_classes : 1;
    double rounds = fmin(hp[N_ESTIMATORS], 15 / hp[LEARNING_RATE]);
    double rows = n * hp[BAGGING_FRACTION] * (p * (0.5 + 0.25 * log2(leaves)) + 20);
    return 1e-9 * rounds * outputs * (rows + leaves * p * 256);
}

static aml_status importance(double *out, const void *model, size_t p) {
    return aml_trees_importance(out, &((const gbdt *)model)->trees, p);
}

const aml_learner aml_learner_gbdt = {.abi = AML_ABI,
                                      .name = "gbdt",
                                      .summary = "gradient-boosted trees",
                                      .tasks = AML_ANY_TASK,
                                      .can = AML_CAN_WEIGHTS | AML_CAN_MISSING |
                                             AML_CAN_CATEGORIES | AML_WANTS_BINS | AML_ANYTIME |
                                             AML_EARLY_STOPS,
                                      .params = params,
                                      .fit = fit,
                                      .predict = predict,
                                      .save = save,
                                      .load = load,
                                      .bound = bound,
                                      .cost = cost,
                                      .importance = importance,
                                      .contributions = contributions,
                                      .more = more};
