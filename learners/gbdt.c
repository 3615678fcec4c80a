/* gbdt.c: gradient-boosted trees on binned features, grown leaf by leaf. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "learners/parts/boost.h"
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
    {"min_child_weight", "curvature of a leaf", AML_REAL, true, 1e-3, 10, 0.1, NULL, false},
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

/* ---- fit */

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

static aml_grow_rules grow_rules(const double *hp, const aml_data *train) {
    aml_split_rules split = {.min_rows = hp[MIN_CHILD_SAMPLES],
                             .min_curvature = hp[MIN_CHILD_WEIGHT],
                             .l1 = hp[REG_ALPHA],
                             .l2 = hp[REG_LAMBDA],
                             .cat_smooth = hp[CAT_SMOOTH],
                             .cat_l2 = hp[CAT_L2],
                             .min_group = fmin(hp[MIN_GROUP], (double)train->n / 50),
                             .random_cuts = hp[EXTRA_TREES] > 0,
                             .monotone = train->task == AML_MULTICLASS ? NULL : train->monotone};
    return (aml_grow_rules){.n_leaves = (uint32_t)fmax(2, fmin(hp[NUM_LEAVES], AML_LEAVES_MOST)),
                            .max_depth = hp[MAX_DEPTH] >= 16 ? 0 : (uint32_t)hp[MAX_DEPTH],
                            .by_depth = hp[GROW] > 0,
                            .learning_rate = hp[LEARNING_RATE],
                            .node_fraction = hp[NODE_FRACTION],
                            .groups = train->groups,
                            .split = split};
}

static void save(const void *model, aml_writer *w);
static aml_status load(void **model, aml_reader *r, aml_ctx *ctx);

static aml_boost_rules rules_of(const double *hp, const aml_data *train) {
    double rounds = hp[ROUNDS] > 0 ? hp[ROUNDS] : round(10 / hp[LEARNING_RATE]);
    double patience = fmax(20, fmin(200, round(5 / hp[LEARNING_RATE])));
    return (aml_boost_rules){.grow = grow_rules(hp, train),
                             .sample = sample_rules(hp),
                             .objective = objective_of(hp),
                             .feature_fraction = hp[FEATURE_FRACTION],
                             .max_rounds = (size_t)(train->n_valid ? hp[N_ESTIMATORS] : rounds),
                             .patience = (size_t)patience,
                             .save = save};
}

/* What was said of dense features, with 0 for the sparse ones behind them. */
static aml_status pad(const void **said, size_t size, const aml_data *train, aml_ctx *ctx) {
    size_t p = train->x->p, q = train->x->csr ? train->x->csr->p : 0;
    if (!*said || !q) return AML_OK;
    uint8_t *out = aml_alloc(ctx->scratch, p + q, size);
    if (!out) return AML_ENOMEM;
    memcpy(out, *said, p * size);
    *said = out;
    return AML_OK;
}

static aml_status more(void **model, const void *from, const aml_data *train, const double *hp,
                       aml_ctx *ctx) {
    aml_boosted *m = AML_NEW(ctx->keep, aml_boosted);
    aml_boost_rules rules = rules_of(hp, train);
    if (!m) return AML_ENOMEM;
    const void *groups = rules.grow.groups, *monotone = rules.grow.split.monotone;
    AML_TRY(pad(&groups, sizeof *rules.grow.groups, train, ctx));
    AML_TRY(pad(&monotone, sizeof *rules.grow.split.monotone, train, ctx));
    rules.grow.groups = groups;
    rules.grow.split.monotone = monotone;
    AML_TRY(aml_boost_fit(m, from, train, &rules, ctx));
    *model = m;
    return AML_OK;
}

/* On from a checkpoint, where there is one. */
static aml_status fit(void **model, const aml_data *train, const double *hp, aml_ctx *ctx) {
    void *from = NULL;
    aml_reader r;
    aml_ctx own = *ctx;
    own.keep = ctx->scratch;
    if (aml_checkpoint_open(&r, ctx) && load(&from, &r, &own)) from = NULL;
    aml_status status = more(model, from, train, hp, ctx);
    return from && status == AML_EINVAL ? more(model, NULL, train, hp, ctx) : status;
}

/* ---- predict */

/* Of the model's task and features. */
static aml_status check_rows(const aml_boosted *m, const aml_data *x) {
    if (m->task != x->task || m->n_outputs != (size_t)aml_task_outputs(x->task, x->n_classes))
        return aml_fail(AML_EDATA, "the model is for another task");
    return aml_trees_check(&m->trees, x);
}

static aml_status predict(double *out, const void *model, const aml_data *x, aml_ctx *ctx) {
    const aml_boosted *m = model;
    AML_TRY(check_rows(m, x));
    for (size_t i = 0; i < x->n; i++)
        memcpy(out + i * m->n_outputs, m->base, m->n_outputs * sizeof *out);
    AML_TRY(aml_trees_predict(out, &m->trees, m->n_outputs, x, ctx));
    aml_boost_link(out, x->n, m->task, m->n_outputs, m->center, m->scale, m->is_log);
    return AML_OK;
}

static aml_status contributions(double *out, const void *model, const aml_data *x, aml_ctx *ctx) {
    const aml_boosted *m = model;
    size_t k = m->n_outputs, width = (m->trees.p + 1u) * k;
    AML_TRY(check_rows(m, x));
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

/* Numbers without a logarithm have their scale in the contributions. */
static void link_of(double *z, const void *model) {
    const aml_boosted *m = model;
    if (m->task == AML_REGRESSION && !m->is_log) return;
    aml_boost_link(z, 1, m->task, m->n_outputs, m->center, m->scale, m->is_log);
}

/* aml_boost_link. */
static uint32_t lower_link(uint32_t z, const aml_boosted *m, aml_ir *ir) {
    if (m->task == AML_MULTICLASS) {
        aml_ir_op1(ir, AML_OP_SOFTMAX, z);
        return aml_ir_out(ir, AML_IR_VECTOR, m->n_outputs);
    }
    if (m->task == AML_BINARY) {
        aml_ir_op1(ir, AML_OP_SIGMOID, z);
        aml_ir_u32(ir, "stable", 0);
        return aml_ir_out(ir, AML_IR_VECTOR, 1);
    }
    if (!m->is_log) {
        aml_ir_op1(ir, AML_OP_AFFINE, z);
        aml_ir_f64(ir, "scale", m->scale);
        aml_ir_array(ir, "offset", AML_F64, &m->center, 1);
        z = aml_ir_out(ir, AML_IR_VECTOR, 1);
    }
    aml_ir_op1(ir, AML_OP_CLAMP, z);
    aml_ir_f64(ir, "low", m->is_log ? -700 : -DBL_MAX);
    aml_ir_f64(ir, "high", m->is_log ? 700 : DBL_MAX);
    z = aml_ir_out(ir, AML_IR_VECTOR, 1);
    if (!m->is_log) return z;
    aml_ir_op1(ir, AML_OP_EXP, z);
    return aml_ir_out(ir, AML_IR_VECTOR, 1);
}

static aml_status lower(uint32_t *out, const void *model, uint32_t x, aml_ir *ir) {
    const aml_boosted *m = model;
    *out = lower_link(aml_trees_lower(x, &m->trees, m->base, m->n_outputs, ir), m, ir);
    return ir->status;
}

/* ---- files */

enum { FORMAT = 3, WITHOUT_SPARSE = 2 };

static void save(const void *model, aml_writer *w) {
    const aml_boosted *m = model;
    aml_put_u32(w, FORMAT);
    aml_put_u32(w, (uint32_t)m->task);
    aml_put_u32(w, m->is_log);
    aml_put_f64(w, m->center);
    aml_put_f64(w, m->scale);
    aml_put_f64s(w, m->base, m->n_outputs);
    aml_put_u32(w, m->trees.q);
    aml_trees_save(&m->trees, w);
}

static aml_status check(const aml_boosted *m, aml_reader *r) {
    bool known = m->task == AML_BINARY || m->task == AML_MULTICLASS || m->task == AML_REGRESSION;
    if (!known || !m->n_outputs || (m->task != AML_MULTICLASS && m->n_outputs != 1))
        return aml_reader_fail(r, "a task that is none");
    bool finite = isfinite(m->center) && isfinite(m->scale);
    for (size_t k = 0; k < m->n_outputs; k++) finite &= isfinite(m->base[k]) != 0;
    return finite ? AML_OK : aml_reader_fail(r, "a start that is not a number");
}

static aml_status load(void **model, aml_reader *r, aml_ctx *ctx) {
    aml_boosted *m = AML_NEW(ctx->keep, aml_boosted);
    if (!m) return AML_ENOMEM;
    uint32_t format = aml_get_u32(r);
    if (!r->status && format != FORMAT && format != WITHOUT_SPARSE)
        return aml_reader_fail(r, "format %u of boosted trees", format);
    m->task = (aml_task_kind)aml_get_u32(r);
    m->is_log = aml_get_u32(r) != 0;
    m->center = aml_get_f64(r);
    m->scale = aml_get_f64(r);
    m->base = aml_get_f64s(r, ctx->keep, SIZE_MAX, &m->n_outputs);
    if (r->status) return r->status;
    AML_TRY(check(m, r));
    uint32_t q = format == WITHOUT_SPARSE ? 0 : aml_get_u32(r);
    AML_TRY(aml_trees_load(&m->trees, q, 0, r, ctx->keep));
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

/* Seconds, measured at 700 to 250 000 rows of 3 to 73 features. Watched rows stop the fit after some rounds, fewer of
 * classes; a round visits rows, adds to histograms and scans them. */
static double cost(const double *hp, const aml_shape *shape) {
    double n = (double)shape->n, p = (double)shape->p * hp[FEATURE_FRACTION];
    double leaves =
        fmin(hp[NUM_LEAVES], fmax(2, n * hp[BAGGING_FRACTION] / fmax(2, hp[MIN_CHILD_SAMPLES])));
    double outputs = shape->task == AML_MULTICLASS ? shape->n_classes : 1;
    double ease = shape->task == AML_MULTICLASS ? 0.25 : shape->task == AML_BINARY ? 0.6 : 1;
    double rounds = fmin(hp[N_ESTIMATORS], 1000 * ease * pow(0.1 / hp[LEARNING_RATE], 0.7));
    double entries = (double)shape->nnz / fmax(n, 1);
    double tree = n * (12 + (0.25 * p + 1.0 * entries) * log2(leaves)) + 200 * leaves;
    return 1e-9 * rounds * (outputs * tree + 30e3);
}

static void settle(double *hp, const void *model) {
    const aml_boosted *m = model;
    hp[ROUNDS] = fmax(1, (double)(m->trees.n_trees / m->n_outputs));
}

static aml_status importance(double *out, const void *model, size_t p) {
    return aml_trees_importance(out, &((const aml_boosted *)model)->trees, p);
}

const aml_learner aml_learner_gbdt = {
    .abi = AML_ABI,
    .name = "gbdt",
    .summary = "gradient-boosted trees",
    .tasks = AML_ANY_TASK,
    .can = AML_CAN_WEIGHTS | AML_CAN_MISSING | AML_CAN_CATEGORIES | AML_CAN_SPARSE |
           AML_WANTS_BINS | AML_ANYTIME | AML_EARLY_STOPS | AML_CAN_MONOTONE | AML_CAN_GROUPS,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .predict = predict,
    .save = AML_FIT(save),
    .load = load,
    .bound = AML_FIT(bound),
    .cost = AML_FIT(cost),
    .importance = AML_FIT(importance),
    .contributions = AML_FIT(contributions),
    .link = AML_FIT(link_of),
    .more = AML_FIT(more),
    .settle = AML_FIT(settle),
    .lower = AML_FIT(lower),
};
