/* forest.c: sampling rows, growing trees side by side, averaging. */
#include "learners/parts/forest.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "automl/core/par.h"
#include "learners/parts/forest_grow.h"
#include "learners/parts/tree_shap.h"

enum { BATCH = 4 }; /* trees a thread between two collections */

typedef struct forest_job {
    const aml_data *data;
    const aml_forest_rules *rules;
    const aml_forest *forest;
    aml_ctx *ctx;
    uint32_t *feature;
    size_t n_features;
    double weight_unit; /* quantised weight = weight × unit; 1 without weights */
    double *target;     /* per row of the data: standardised, or its class */
    aml_forest_levels levels;
    aml_forest_work **work; /* per thread */
    aml_sample *sample;     /* per thread */
    aml_grown *grown;       /* of this batch */
    size_t first;           /* its first tree */
} forest_job;

/* ---- rows of a tree */

static uint32_t weight_at(const forest_job *job, size_t row) {
    if (!job->data->w) return 1;
    double w = job->data->w[row] * job->weight_unit;
    return w > 0 ? (uint32_t)fmax(1, rint(w)) : 0;
}

/* Do the rows that were drawn weigh anything? */
static bool any_weight(const uint32_t *count, const forest_job *job) {
    const aml_data *d = job->data;
    if (!d->w) return true;
    for (size_t i = 0; i < d->n; i++)
        if (count[i] && weight_at(job, d->rows[i])) return true;
    return false;
}

static void count_rows(uint32_t *count, const forest_job *job, aml_rng *rng) {
    size_t n = job->data->n;
    bool all = !job->rules->bootstrap;
    for (size_t i = 0; i < n; i++) count[i] = all;
    for (size_t i = 0; i < n && !all; i++) count[aml_rng_below(rng, (uint32_t)n)]++;
    if (any_weight(count, job)) return;
    for (size_t i = 0; i < n; i++) count[i] = 1;
}

/* Regression: targets in whole numbers, as fine as the sum of the tree's rows allows. */
static double slope_scale(const forest_job *job, const uint32_t *count) {
    const aml_data *d = job->data;
    double sum = 0;
    for (size_t i = 0; i < d->n; i++) {
        double w = d->w ? weight_at(job, d->rows[i]) : 1;
        sum += fabs(job->target[i]) * count[i] * w;
    }
    return sum > 0 ? fmin(536870912.0 / sum, 1e9) : 1;
}

static void draw_sample(aml_sample *s, const forest_job *job, uint32_t *count, aml_rng *rng) {
    const aml_data *d = job->data;
    count_rows(count, job, rng);
    double scale = d->task == AML_REGRESSION ? slope_scale(job, count) : 1;
    uint64_t weight = 0;
    size_t draws = 0, n = 0;
    for (size_t i = 0; i < d->n;
         i++) { /* a row that is not drawn is written over by the next one */
        uint32_t row = d->rows[i];
        int64_t w = (int64_t)count[i] * weight_at(job, row), y = (int64_t)(job->target[i] * scale);
        s->row[n] = row;
        s->value[n] = s->n_classes ? (uint64_t)y << 32 | (uint64_t)w : aml_pack(y * w, w);
        n += w > 0;
        weight += (uint64_t)w;
        draws += w ? count[i] : 0;
    }
    s->n = n;
    s->unit = draws ? (weight + draws / 2) / draws : 1;
    if (!s->unit) s->unit = 1;
}

/* ---- growing */

static void grow_trees(void *arg, size_t block, size_t begin, size_t end, int thread) {
    forest_job *job = arg;
    aml_sample *s = job->sample + thread;
    (void)block;
    for (size_t k = begin; k < end; k++) {
        aml_rng rng = aml_rng_child(&job->ctx->rng, (uint32_t)(job->first + k));
        aml_grown *t = job->grown + k;
        *t = (aml_grown){.stopped = aml_should_stop(job->ctx)};
        if (t->stopped) continue;
        draw_sample(s, job, aml_forest_counts(job->work[thread]), &rng);
        aml_forest_grow(t, job->work[thread], s, job->feature, job->n_features, job->rules, rng,
                        job->ctx);
    }
}

/* Takes over the finished trees of a batch. */
static aml_status collect(aml_forest *f, forest_job *job, size_t n, bool *stopped) {
    aml_status status = AML_OK;
    for (size_t k = 0; k < n; k++) {
        aml_grown *t = job->grown + k;
        aml_tree tree = {.node = t->node,
                         .set = t->set,
                         .share = t->share,
                         .cover = t->cover,
                         .n_nodes = (uint32_t)t->n_nodes,
                         .n_sets = (uint32_t)t->n_sets,
                         .n_shares = (uint32_t)t->n_shares};
        if (t->status)
            status = aml_fail(AML_ENOMEM, "not enough memory for a tree on %zu rows", job->data->n);
        else if (t->stopped) *stopped = true;
        else if (!status && !*stopped) /* trees keep their numbers: none is added behind a gap */
            status = aml_trees_add(&f->trees, &tree, job->ctx->keep);
        for (size_t j = 0; j < f->trees.p && !status && !*stopped; j++)
            f->trees.gain[j] += t->gain[j];
        aml_grown_free(t);
    }
    return status;
}

static aml_status grow_forest(aml_forest *f, forest_job *job) {
    size_t batch = BATCH * (size_t)job->ctx->n_threads, n_trees = job->rules->n_trees;
    bool stopped = false;
    while (job->first < n_trees && !stopped) {
        size_t n = n_trees - job->first < batch ? n_trees - job->first : batch;
        aml_par_for(job->ctx->n_threads, n, 1, grow_trees, job);
        AML_TRY(collect(f, job, n, &stopped));
        job->first += n;
    }
    if (!f->trees.n_trees) return aml_stopped();
    job->ctx->truncated = stopped;
    return aml_trees_finish(&f->trees, job->data->x, job->levels.bins.level_code, job->ctx->keep);
}

/* Mean and deviation of the target: leaves are kept in float. */
static void standardise(aml_forest *f, const aml_data *d) {
    double top = 0, sum = 0, squares = 0;
    for (size_t i = 0; i < d->n; i++) top = fmax(top, fabs(d->y[d->rows[i]]));
    f->scale = 1;
    if (top == 0 || !d->n) return;
    for (size_t i = 0; i < d->n; i++) sum += d->y[d->rows[i]] / top;
    double mean = sum / (double)d->n;
    for (size_t i = 0; i < d->n; i++) {
        double r = d->y[d->rows[i]] / top - mean;
        squares += r * r;
    }
    double sd = sqrt(squares / (double)d->n) * top;
    f->center = mean * top;
    if (sd > 0 && isfinite(sd)) f->scale = sd;
}

static aml_status alloc(forest_job *job) {
    const aml_data *d = job->data;
    const aml_bins *bins = &job->levels.bins;
    aml_arena *a = job->ctx->scratch;
    size_t threads = (size_t)job->ctx->n_threads;
    uint32_t n_classes = d->task == AML_MULTICLASS ? (uint32_t)d->n_classes : 0;
    job->feature = AML_ARRAY(a, bins->p, uint32_t);
    job->target = AML_ARRAY(a, d->n, double);
    job->work = AML_ARRAY(a, threads, aml_forest_work *);
    job->sample = AML_ARRAY(a, threads, aml_sample);
    job->grown = AML_ARRAY(a, threads * BATCH, aml_grown);
    if (!job->feature || !job->target || !job->work || !job->sample || !job->grown)
        return AML_ENOMEM;
    for (size_t i = 0; i < d->n; i++)
        job->target[i] = (d->y[d->rows[i]] - job->forest->center) / job->forest->scale;
    for (size_t t = 0; t < threads; t++) {
        aml_sample *s = job->sample + t;
        *s = (aml_sample){.n_classes = n_classes,
                          .binary = d->task == AML_BINARY,
                          .y = d->y,
                          .center = job->forest->center,
                          .scale = job->forest->scale};
        s->row = aml_alloc_raw(a, d->n + 1, sizeof *s->row);
        s->value = aml_alloc_raw(a, d->n + 1, sizeof *s->value);
        job->work[t] = aml_forest_work_new(&job->levels, d->n, n_classes, job->rules->max_features);
        if (!s->row || !s->value || !job->work[t]) return AML_ENOMEM;
    }
    for (size_t j = 0; j < bins->p; j++)
        if (bins->n_bins[j] + bins->has_missing[j] > 1)
            job->feature[job->n_features++] = (uint32_t)j;
    return AML_OK;
}

static double weight_unit(const aml_data *d) {
    double sum = 0;
    for (size_t i = 0; i < d->n && d->w; i++) sum += d->w[d->rows[i]];
    return sum > 0 ? fmin(1024, 67108864.0 / sum)
                   : 1; /* 2^26: a bootstrap may draw heavy rows often */
}

aml_status aml_forest_fit(aml_forest *f, const aml_data *train, const aml_forest_rules *rules,
                          aml_ctx *ctx) {
    *f = (aml_forest){.task = train->task, .n_outputs = 1, .scale = 1};
    if (train->task == AML_MULTICLASS) f->n_outputs = (size_t)train->n_classes;
    if (train->task == AML_REGRESSION) standardise(f, train);
    forest_job job = {
        .data = train, .rules = rules, .forest = f, .ctx = ctx, .weight_unit = weight_unit(train)};
    AML_TRY(aml_trees_init(&f->trees, train->x, rules->n_trees, ctx->keep));
    AML_TRY(aml_forest_levels_init(&job.levels, train, !rules->random_cuts, ctx));
    aml_status status = alloc(&job);
    if (!status) status = grow_forest(f, &job);
    for (int t = 0; job.work && t < ctx->n_threads; t++) aml_forest_work_free(job.work[t]);
    return status;
}

/* ---- predict */

/* Half a tree more that knows nothing, so that no class is impossible because none of the trees saw it: sums over trees
 * that add up to `total` become probabilities by x -> keep * x / total + floor. */
static void soften(double *keep, double *floor, const aml_forest *f, uint32_t n_trees) {
    double classes = f->task == AML_MULTICLASS ? (double)f->n_outputs : 2, n = (double)n_trees;
    *keep = n / (n + 0.5);
    *floor = 0.5 / (classes * (n + 0.5));
}

/* Sums over n_trees trees become the prediction. */
static void finish_row(double *out, const aml_forest *f, uint32_t n_trees) {
    size_t k = f->n_outputs;
    double total = f->task == AML_BINARY ? (double)n_trees : 0, keep, floor;
    if (f->task == AML_REGRESSION) {
        double mean = out[0] / (double)n_trees;
        out[0] = fmax(fmin(f->center + f->scale * mean, DBL_MAX), -DBL_MAX);
        return;
    }
    soften(&keep, &floor, f, n_trees);
    for (size_t c = 0; c < k && f->task == AML_MULTICLASS; c++) total += out[c];
    for (size_t c = 0; c < k; c++)
        out[c] = total > 0 ? keep * out[c] / total + floor : 1 / (double)k;
}

/* finish_row. */
aml_status aml_forest_lower(uint32_t *out, const void *model, uint32_t x, aml_ir *ir) {
    const aml_forest *f = model;
    double keep, floor, n = (double)f->trees.n_trees;
    uint32_t z = aml_trees_lower(x, &f->trees, NULL, f->n_outputs, ir);
    if (f->task != AML_REGRESSION) {
        soften(&keep, &floor, f, f->trees.n_trees);
        aml_ir_op1(ir, AML_OP_VOTE, z);
        aml_ir_f64(ir, "keep", keep);
        aml_ir_f64(ir, "floor", floor);
        aml_ir_f64(ir, "total", f->task == AML_BINARY ? n : 0);
        *out = aml_ir_out(ir, AML_IR_VECTOR, f->n_outputs);
        return ir->status;
    }
    aml_ir_op1(ir, AML_OP_DIVIDE, z);
    aml_ir_f64(ir, "by", n);
    aml_ir_op1(ir, AML_OP_AFFINE, aml_ir_out(ir, AML_IR_VECTOR, 1));
    aml_ir_f64(ir, "scale", f->scale);
    aml_ir_array(ir, "offset", AML_F64, &f->center, 1);
    aml_ir_op1(ir, AML_OP_CLAMP, aml_ir_out(ir, AML_IR_VECTOR, 1));
    aml_ir_f64(ir, "low", -DBL_MAX);
    aml_ir_f64(ir, "high", DBL_MAX);
    *out = aml_ir_out(ir, AML_IR_VECTOR, 1);
    return ir->status;
}

/* Of the model's task and features. */
static aml_status check_rows(const aml_forest *f, const aml_data *x) {
    if (f->task != x->task || f->n_outputs != (size_t)aml_task_outputs(x->task, x->n_classes))
        return aml_fail(AML_EDATA, "the model is for another task");
    return aml_trees_check(&f->trees, x);
}

aml_status aml_forest_predict(double *out, const aml_forest *f, const aml_data *x, aml_ctx *ctx) {
    size_t k = f->n_outputs;
    AML_TRY(check_rows(f, x));
    memset(out, 0, x->n * k * sizeof *out);
    AML_TRY(aml_trees_predict(out, &f->trees, k, x, ctx));
    for (size_t i = 0; i < x->n; i++) finish_row(out + i * k, f, f->trees.n_trees);
    return AML_OK;
}

/* Sums over the trees become shares of the prediction; classes are divided by what all of them got, as above. */
static void finish_contributions(double *row, const aml_forest *f) {
    size_t k = f->n_outputs, width = (f->trees.p + 1u) * k;
    double total = 0, scale = f->scale, floor = f->center;
    if (f->task != AML_REGRESSION) soften(&scale, &floor, f, f->trees.n_trees);
    for (size_t j = 0; j < width; j++) total += row[j];
    if (f->task != AML_MULTICLASS || !(total > 0)) total = (double)f->trees.n_trees;
    for (size_t j = 0; j < width; j++) row[j] *= scale / total;
    for (size_t c = 0; c < k; c++) row[width - k + c] += floor;
}

aml_status aml_forest_contributions(double *out, const aml_forest *f, const aml_data *x,
                                    aml_ctx *ctx) {
    size_t k = f->n_outputs, width = (f->trees.p + 1u) * k;
    AML_TRY(check_rows(f, x));
    memset(out, 0, x->n * width * sizeof *out);
    AML_TRY(aml_trees_contributions(out, &f->trees, k, x, ctx));
    for (size_t i = 0; i < x->n; i++) finish_contributions(out + i * width, f);
    return AML_OK;
}

/* ---- out of bag */

/* Room for what one tree needs: its bag, the rows outside it and their places, and its predictions. */
typedef struct outside {
    uint32_t *count, *row, *place;
    double *out;
} outside;

static aml_status add_outside(double *out, uint32_t *n_trees, const outside *o, forest_job *job,
                              uint32_t number) {
    const aml_data *d = job->data;
    const aml_forest *f = job->forest;
    size_t k = f->n_outputs, n = 0;
    aml_rng rng = aml_rng_child(&job->ctx->rng, number);
    aml_trees one = f->trees;
    one.tree += number;
    one.n_trees = 1;
    count_rows(o->count, job, &rng);
    for (uint32_t i = 0; i < d->n; i++) {
        o->row[n] = d->rows[i];
        o->place[n] = i;
        n += !o->count[i];
    }
    aml_data x = *d;
    x.rows = o->row;
    x.n = n;
    memset(o->out, 0, n * k * sizeof *o->out);
    AML_TRY(aml_trees_predict(o->out, &one, k, &x, job->ctx));
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < k; c++) out[o->place[i] * k + c] += o->out[i * k + c];
        n_trees[o->place[i]]++;
    }
    return AML_OK;
}

aml_status aml_forest_out_of_bag(double *out, uint32_t *n_trees, const aml_forest *f,
                                 const aml_data *train, const aml_forest_rules *rules,
                                 aml_ctx *ctx) {
    size_t k = f->n_outputs;
    aml_mark mark = aml_arena_mark(ctx->scratch);
    forest_job job = {
        .data = train, .rules = rules, .forest = f, .ctx = ctx, .weight_unit = weight_unit(train)};
    outside o = {.count = AML_ARRAY(ctx->scratch, train->n, uint32_t),
                 .row = AML_ARRAY(ctx->scratch, train->n + 1, uint32_t),
                 .place = AML_ARRAY(ctx->scratch, train->n + 1, uint32_t),
                 .out = AML_ARRAY(ctx->scratch, train->n * k, double)};
    AML_TRY(check_rows(f, train));
    if (!rules->bootstrap) return aml_fail(AML_EINVAL, "trees on all rows have none out of bag");
    if (!o.count || !o.row || !o.place || !o.out) return AML_ENOMEM;
    memset(out, 0, train->n * k * sizeof *out);
    memset(n_trees, 0, train->n * sizeof *n_trees);
    for (uint32_t t = 0; t < f->trees.n_trees; t++) AML_TRY(add_outside(out, n_trees, &o, &job, t));
    for (size_t i = 0; i < train->n; i++) {
        if (n_trees[i]) finish_row(out + i * k, f, n_trees[i]);
        for (size_t c = 0; c < k && !n_trees[i]; c++) out[i * k + c] = NAN;
    }
    aml_arena_release(ctx->scratch, mark);
    return AML_OK;
}

/* ---- files */

enum { FORMAT = 2 };

void aml_forest_save(const aml_forest *f, aml_writer *w) {
    aml_put_u32(w, FORMAT);
    aml_put_u32(w, (uint32_t)f->task);
    aml_put_u32(w, (uint32_t)f->n_outputs);
    aml_put_f64(w, f->center);
    aml_put_f64(w, f->scale);
    aml_trees_save(&f->trees, w);
}

aml_status aml_forest_load(aml_forest *f, aml_reader *r, aml_ctx *ctx) {
    uint32_t format = aml_get_u32(r);
    if (!r->status && format != FORMAT) return aml_reader_fail(r, "format %u of a forest", format);
    f->task = (aml_task_kind)aml_get_u32(r);
    f->n_outputs = aml_get_u32(r);
    f->center = aml_get_f64(r);
    f->scale = aml_get_f64(r);
    if (r->status) return r->status;
    bool known = f->task == AML_BINARY || f->task == AML_MULTICLASS || f->task == AML_REGRESSION;
    if (!known || !f->n_outputs || (f->task != AML_MULTICLASS && f->n_outputs != 1))
        return aml_reader_fail(r, "a task that is none");
    if (!isfinite(f->center) || !isfinite(f->scale))
        return aml_reader_fail(r, "a scale that is not a number");
    AML_TRY(
        aml_trees_load(&f->trees, 0, f->task == AML_MULTICLASS ? f->n_outputs : 0, r, ctx->keep));
    return f->trees.n_trees ? AML_OK : aml_reader_fail(r, "a forest without trees");
}

/* Growing visits rows and tried features at each level of the tree, predicting walks down. */
double aml_forest_cost(const aml_forest_rules *rules, const aml_shape *shape) {
    double n = (double)shape->n, tried = fmax(1, rules->max_features * (double)shape->p);
    bool several = shape->task == AML_MULTICLASS;
    double pure = shape->task == AML_REGRESSION ? 0.8 : 0.15; /* nodes of one class end early */
    double leaves = fmin(pure * n / fmax(rules->min_rows, 1) + 2, rules->max_leaves);
    double level = 3 + tried * (several ? 3.5 : 2.2), shares = several ? 6 * shape->n_classes : 0;
    return 1e-9 * rules->n_trees * (n * (level * log2(leaves) + shares) + leaves * 300);
}
