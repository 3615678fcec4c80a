/* trial.c: the folds of one trial. */
#include "automl/engine/trial.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "automl/core/checkpoint.h"
#include "automl/engine/threshold.h"

enum { LARGE_FITS = 4 << 20 }; /* bytes of all folds */
enum { TIMED_ROWS = 1000 };
static const double PREDICTABLE = 0.9; /* share of the time left that an anytime fit may take */

static aml_data data_of(const aml_bench *b, const aml_design *design, const uint32_t *rows,
                        size_t n) {
    return (aml_data){.x = design,
                      .rows = rows,
                      .n = n,
                      .task = b->task->kind,
                      .n_classes = b->task->n_classes,
                      .y = b->task->y,
                      .w = b->task->w};
}

aml_status aml_fit_plan(aml_fit *out, aml_lease *lease, const aml_plan *plan, const aml_bench *b,
                        size_t fold, const uint32_t *rows, size_t n, const uint32_t *valid,
                        size_t n_valid, double *held_out, double seconds, aml_ctx *ctx) {
    bool supervised = aml_plan_sees_target(plan);
    aml_data target =
        supervised ? data_of(b, NULL, rows, n) : data_of(b, NULL, b->all_rows, b->table->n);
    AML_TRY(aml_designs_get(lease, b->designs, plan, fold, b->table, &target, b->seed, ctx));
    out->chain = aml_chain_hold(lease->chain);
    out->arena = aml_arena_new(b->account);
    if (!out->arena) return AML_ENOMEM;
    aml_data train = data_of(b, lease->design, rows, n);
    train.valid = valid;
    train.n_valid = n_valid;
    train.held_out = held_out;
    assert(!b->constraints->monotone || aml_plan_keeps_order(plan));
    AML_TRY(aml_constraints_apply(&train, b->constraints, ctx->scratch));
    aml_ctx own = *ctx;
    own.keep = out->arena;
    if (ctx->deadline > 0) own.deadline = fmin(ctx->deadline, aml_now() + seconds);
    if (own.checkpoint) own.checkpoint->begin(own.checkpoint, fold);
    aml_status status = plan->learner->fit(&out->model, &train, plan->hp, &own);
    ctx->truncated = own.truncated;
    return status;
}

aml_status aml_fit_importance(double *sum, size_t n_inputs, const aml_plan *plan,
                              const aml_fit *fit, const aml_design *design, aml_ctx *ctx) {
    if (!plan->learner->importance || !design->source) return AML_OK;
    double *share = AML_ARRAY(ctx->scratch, design->p + 1, double);
    if (!share) return AML_ENOMEM;
    AML_TRY(plan->learner->importance(share, fit->model, design->p));
    for (size_t j = 0; j < design->p; j++) {
        if (!isfinite(share[j])) continue;
        if (design->source[j] < n_inputs) sum[design->source[j]] += share[j];
        for (size_t k = 0; design->parents && k < 2; k++) /* of two columns: half each */
            if (design->parents[j][k] && design->parents[j][k] <= n_inputs)
                sum[design->parents[j][k] - 1] += share[j] / 2;
    }
    return AML_OK;
}

/* Predictions of the fold's valid rows. A learner that chose its rounds by these rows has left better ones in `out`:
 * then some rows are enough, to see how fast it is. */
static aml_status predict_fold(double *out, aml_trial *t, const aml_bench *b, size_t f,
                               const aml_design *design, aml_ctx *ctx) {
    size_t n = b->folds->n_valid[f], k = (size_t)b->n_outputs;
    bool held_out = t->plan.learner->can & AML_EARLY_STOPS;
    size_t rows = held_out && n > TIMED_ROWS ? TIMED_ROWS : n;
    double *to = held_out ? aml_alloc_raw(ctx->scratch, rows * k, sizeof *to) : out;
    if (!to) return AML_ENOMEM;
    aml_data x = data_of(b, design, b->folds->valid[f], rows);
    x.y = x.w = NULL;
    double start = aml_now();
    AML_TRY(t->plan.learner->predict(to, t->fits[f].model, &x, ctx));
    t->predict_seconds += aml_now() - start;
    t->n_predicted += rows;
    return AML_OK;
}

aml_status aml_bench_score(double *score, const aml_bench *b, const double *y, const double *w,
                           const double *pred, size_t n, aml_arena *scratch) {
    const aml_labelled rows = {.n = n, .y = y, .w = w, .p = pred};
    if (b->chooses_threshold) return aml_threshold_score(score, b->metric, &rows, scratch);
    if (b->task->kind != AML_BINARY || !b->metric->hard || b->threshold == 0.5)
        return b->metric->score(score, y, w, pred, n, b->task->n_classes);
    double *classes = AML_ARRAY(scratch, n, double);
    if (!classes) return AML_ENOMEM;
    memcpy(classes, pred, n * sizeof *classes);
    aml_harden(classes, n, b->threshold);
    return b->metric->score(score, y, w, classes, n, b->task->n_classes);
}

/* Keeps the predictions of a fold in out_of_fold, and their score. */
static aml_status score_fold(aml_trial *t, const aml_bench *b, size_t f, const double *out,
                             aml_arena *scratch) {
    size_t n = b->folds->n_valid[f], k = (size_t)b->n_outputs;
    for (size_t i = 0; i < n * k; i++) {
        if (!isfinite(out[i]))
            return aml_fail(AML_EINTERNAL, "%s predicted a number that is not finite",
                            t->plan.learner->name);
        t->out_of_fold[b->begin[f] * k + i] = (float)out[i];
    }
    const double *w = b->w ? b->w + b->begin[f] : NULL;
    aml_status status =
        aml_bench_score(&t->fold_score[f], b, b->y + b->begin[f], w, out, n, scratch);
    if (status == AML_ENOMEM) return status;
    if (status) t->fold_score[f] = NAN; /* not defined for this fold alone: see pool */
    t->fold_loss[f] = aml_metric_loss(b->metric, t->fold_score[f]);
    return AML_OK;
}

/* What a fit may take: of an anytime learner its share of the trial's time, so that all folds get as far as each other
 * and there is time left to predict. */
static double fit_seconds(const aml_trial *t, size_t f, const aml_ctx *ctx) {
    if (!(ctx->deadline > 0)) return INFINITY;
    double patience = t->patience > 0 ? t->patience - t->fit_seconds : INFINITY;
    if (!(t->plan.learner->can & AML_ANYTIME)) return patience;
    return fmin(patience, PREDICTABLE * (ctx->deadline - aml_now())) / (double)(t->n_folds - f);
}

static aml_status run_fold(aml_trial *t, const aml_bench *b, size_t f, aml_ctx *ctx) {
    const aml_folds *folds = b->folds;
    aml_lease lease = {0};
    double *out =
        aml_alloc_raw(ctx->scratch, folds->n_valid[f] * (size_t)b->n_outputs, sizeof *out);
    if (!out) return AML_ENOMEM;
    double start = aml_now();
    ctx->rng = aml_rng_stream(b->seed, AML_RNG_FIT, t->id, (uint32_t)f);
    ctx->truncated = false;
    aml_status status = aml_fit_plan(&t->fits[f], &lease, &t->plan, b, f, folds->train[f],
                                     folds->n_train[f], folds->valid[f], folds->n_valid[f],
                                     t->plan.learner->can & AML_EARLY_STOPS ? out : NULL,
                                     fit_seconds(t, f, ctx), ctx);
    t->fit_seconds += aml_now() - start + (ctx->checkpoint ? ctx->checkpoint->seconds : 0);
    t->truncated |= ctx->truncated;
    if (!status) status = predict_fold(out, t, b, f, lease.design, ctx);
    if (!status) status = score_fold(t, b, f, out, ctx->scratch);
    if (!status && t->importance)
        status = aml_fit_importance(t->importance, b->n_inputs, &t->plan, &t->fits[f], lease.design,
                                    ctx);
    aml_designs_give_back(b->designs, &lease);
    return status;
}

/* Scores of all predictions so far taken together, where a fold alone has no score (one class in it). */
static aml_status pool(aml_trial *t, const aml_bench *b) {
    size_t n = b->begin[t->n_done], k = (size_t)b->n_outputs;
    double *p = aml_malloc((n * k + 1) * sizeof *p);
    if (!p) return AML_ENOMEM;
    for (size_t i = 0; i < n * k; i++) p[i] = t->out_of_fold[i];
    aml_status status = b->metric->score(&t->score, b->y, b->w, p, n, b->task->n_classes);
    aml_free(p);
    return status;
}

static aml_status summarise(aml_trial *t, const aml_bench *b) {
    double sum = 0, square = 0, weight = 0;
    for (size_t f = 0; f < t->n_done; f++) {
        double n = (double)b->folds->n_valid[f];
        sum += n * t->fold_score[f];
        weight += n;
    }
    t->score = sum / weight;
    for (size_t f = 0; f < t->n_done; f++) square += pow(t->fold_score[f] - t->score, 2);
    size_t k = t->n_done;
    t->error = k > 1 ? sqrt(square / (double)(k - 1) / (double)k) : NAN;
    if (!isfinite(t->score)) {
        t->error = NAN;
        AML_TRY(pool(t, b));
    }
    t->loss = aml_metric_loss(b->metric, t->score);
    return AML_OK;
}

static size_t saved_bytes(const aml_trial *t) {
    aml_writer w = {.counts = true};
    for (size_t f = 0; f < t->n_done; f++) t->plan.learner->save(t->fits[f].model, &w);
    return w.size;
}

static aml_status allocate(aml_trial *t, const aml_bench *b) {
    size_t k = b->folds->k;
    t->n_folds = k;
    t->fits = aml_calloc(k, sizeof *t->fits);
    t->fold_loss = aml_calloc(k, sizeof(double));
    t->fold_score = aml_calloc(k, sizeof(double));
    t->out_of_fold = aml_calloc(b->n_scored * (size_t)b->n_outputs, sizeof(float));
    if (t->plan.learner->importance) {
        t->importance = aml_calloc(b->n_inputs + 1, sizeof(double));
        if (!t->importance) return AML_ENOMEM;
    }
    return t->fits && t->fold_loss && t->fold_score && t->out_of_fold ? AML_OK : AML_ENOMEM;
}

static void fail(aml_trial *t, aml_status status) {
    t->state = AML_TRIAL_FAILED;
    t->status = status;
    t->loss = t->score = t->error = NAN;
    memcpy(t->reason, aml_last_error()->message, sizeof t->reason - 1);
    t->reason[sizeof t->reason - 1] = 0;
}

static void drop_fits(aml_trial *t) {
    for (size_t f = 0; t->fits && f < t->n_folds; f++) aml_fit_free(&t->fits[f]);
    aml_free(t->fits);
    t->fits = NULL;
}

/* Was it the trial's own time that ended it, not the end of the search? */
static bool has_timed_out(const aml_trial *t, double end, const aml_ctx *run) {
    bool stopped = (run->stop && atomic_load(run->stop)) || (run->interrupt && *run->interrupt);
    return t->timeout > 0 && !stopped && (run->deadline <= 0 || end < run->deadline);
}

void aml_trial_run(aml_trial *t, const aml_bench *b, aml_keep_going going, void *arg,
                   aml_ctx *ctx) {
    aml_status status = allocate(t, b);
    aml_arena *scratch = status ? NULL : aml_arena_new(b->account);
    if (!status && !scratch) status = AML_ENOMEM;
    aml_ctx own = *ctx;
    double end = aml_now() + t->timeout;
    own.scratch = scratch;
    if (t->timeout > 0 && (own.deadline <= 0 || end < own.deadline)) own.deadline = end;
    t->state = AML_TRIAL_DONE;
    for (size_t f = 0; !status && f < b->folds->k; f++) {
        aml_mark mark = aml_arena_mark(scratch);
        status = run_fold(t, b, f, &own);
        aml_arena_release(scratch, mark);
        if (status) break;
        t->n_done = f + 1;
        if (going && f + 1 < b->folds->k && !going(t, arg)) {
            t->state = AML_TRIAL_PRUNED;
            break;
        }
    }
    aml_arena_free(scratch);
    t->timed_out = status == AML_ESTOPPED && has_timed_out(t, end, ctx);
    if (t->timed_out) {
        aml_fail(status, "took longer than the trial timeout of %g s; %zu of %zu folds were done",
                 t->timeout, t->n_done, t->n_folds);
    } else if (status == AML_ESTOPPED && t->n_done) {
        status = AML_OK; /* the folds that are done may be all there is at the deadline */
        t->state = AML_TRIAL_PRUNED;
        t->status = AML_ESTOPPED;
        memcpy(t->reason, "stopped at the deadline", sizeof "stopped at the deadline");
    }
    if (!status) status = summarise(t, b);
    if (!status && !isfinite(t->loss))
        status = aml_fail(AML_EDATA, "%s is not defined for these predictions", b->metric->name);
    if (status) {
        fail(t, status);
        aml_trial_slim(t);
        return;
    }
    t->bytes = saved_bytes(t);
    t->held = t->bytes;
    if (b->refits && (t->plan.learner->can & AML_REFIT) && t->bytes > LARGE_FITS &&
        t->state == AML_TRIAL_DONE) {
        drop_fits(t);
        t->held = 0;
    }
    if (t->state == AML_TRIAL_PRUNED && !t->status) aml_trial_slim(t);
}

void aml_trial_slim(aml_trial *t) {
    drop_fits(t);
    aml_free(t->out_of_fold);
    t->out_of_fold = NULL;
}

void aml_trial_forget(aml_trial *t) {
    aml_trial_slim(t);
    aml_free(t->fold_loss);
    aml_free(t->fold_score);
    aml_free(t->importance);
    t->fold_loss = t->fold_score = t->importance = NULL;
}

void aml_trial_free(aml_trial *t) {
    if (!t) return;
    aml_trial_forget(t);
    aml_free(t->text);
    aml_free(t->config);
    aml_free(t);
}
