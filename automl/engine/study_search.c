/* study_search.c: the yardstick, then the search. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "automl/core/par.h"
#include "automl/engine/menu.h"
#include "automl/engine/threshold.h"
#include "search/parts/knowledge.h"
#include "search/parts/metafeatures.h"
#include "search/parts/prior.h"

enum { CONCURRENCY = 4, KEEP_TRIALS = 25, LARGE_CELLS = 20000000 };
enum { KNOWN_ROWS = 6000 }; /* the knowledge was made on up to 1,200 rows a table */

static aml_status find_metric(aml_study *s) {
    const char *names[64],
        *name = s->options->metric ? s->options->metric : aml_metric_usual(s->task.kind)->name;
    size_t n = 0;
    for (const aml_metric *const *m = aml_metrics(); *m && n < 64; m++)
        if ((*m)->tasks & (unsigned)s->task.kind) names[n++] = (*m)->name;
    const aml_metric *metric = aml_metric_find(name);
    if (metric && (metric->tasks & (unsigned)s->task.kind)) {
        s->model->metric = metric;
        return AML_OK;
    }
    const char *near = aml_nearest(name, names, n);
    aml_fail(AML_EUSAGE, "metric `%s` is not one for a %s task", name, aml_task_name(s->task.kind));
    return near ? aml_help(AML_EUSAGE, NULL, "did you mean `%s`? `automl catalog` lists them", near)
                : aml_help(AML_EUSAGE, NULL, "`automl catalog` lists them");
}

/* The rows that are scored, fold after fold, with their target. */
static aml_status scored_rows(aml_study *s) {
    aml_bench *b = &s->bench;
    size_t k = s->folds.k, n = 0;
    size_t *begin = AML_ARRAY(s->ctx.keep, k + 1, size_t);
    for (size_t f = 0; f < k; f++) n += s->folds.n_valid[f];
    uint32_t *rows = AML_ARRAY(s->ctx.keep, n, uint32_t),
             *all = AML_ARRAY(s->ctx.keep, s->task.n, uint32_t);
    double *y = AML_ARRAY(s->ctx.keep, n, double),
           *w = s->task.w ? AML_ARRAY(s->ctx.keep, n, double) : NULL;
    if (!begin || !rows || !all || !y || (s->task.w && !w)) return AML_ENOMEM;
    for (size_t f = 0; f < k; f++) {
        for (size_t i = 0; i < s->folds.n_valid[f]; i++) {
            size_t at = begin[f] + i;
            rows[at] = s->folds.valid[f][i];
            y[at] = s->task.y[rows[at]];
            if (w) w[at] = s->task.w[rows[at]];
        }
        begin[f + 1] = begin[f] + s->folds.n_valid[f];
    }
    for (size_t i = 0; i < s->task.n; i++) all[i] = (uint32_t)i;
    b->n_scored = n;
    b->scored = rows;
    b->begin = begin;
    b->all_rows = all;
    b->y = y;
    b->w = w;
    return AML_OK;
}

static aml_status make_bench(aml_study *s) {
    s->bench = (aml_bench){.table = &s->table,
                           .task = &s->task,
                           .metric = s->model->metric,
                           .folds = &s->folds,
                           .constraints = &s->constraints,
                           .n_outputs = aml_task_outputs(s->task.kind, s->task.n_classes),
                           .n_inputs = s->view.p,
                           .refits = !s->options->valid,
                           .seed = s->options->seed,
                           .account = &s->model->account};
    AML_TRY(scored_rows(s));
    size_t limit = s->options->memory_limit;
    s->bench.designs = aml_designs_new(limit ? limit / 3 : (size_t)4 << 30, &s->model->account);
    return s->bench.designs ? AML_OK : AML_ENOMEM;
}

/* The constant predictor: the score to beat, and a model that is always there. */
static aml_status run_yardstick(aml_study *s) {
    aml_trial *t = s->yardstick = aml_calloc(1, sizeof *t);
    if (!t) return AML_ENOMEM;
    t->id = SIZE_MAX;
    if (!aml_compose_yardstick(&t->plan, &s->facts))
        return aml_fail(AML_EINTERNAL, "there is no baseline learner");
    aml_string text = {0};
    aml_plan_text(&text, &t->plan);
    t->text = text.text;
    if (text.failed) return AML_ENOMEM;
    aml_ctx ctx = {.n_threads = s->ctx.n_threads};
    aml_trial_run(t, &s->bench, NULL, NULL, &ctx);
    if (t->state == AML_TRIAL_DONE) return AML_OK;
    return t->status == AML_EDATA
               ? aml_help(aml_fail(AML_EDATA, "%s", t->reason),
                          "the metric cannot be computed on these data", "choose another --metric")
               : aml_fail(t->status, "%s", t->reason);
}

aml_leader aml_leader_of(const aml_study *s, const aml_trial *t) {
    static const char *const states[] = {[AML_TRIAL_PENDING] = "pending",
                                         [AML_TRIAL_DONE] = "done",
                                         [AML_TRIAL_PRUNED] = "pruned",
                                         [AML_TRIAL_FAILED] = "failed"};
    (void)s;
    return (aml_leader){
        .size = sizeof(aml_leader),
        .trial = t->id,
        .pipeline = t->text,
        .learner = t->plan.learner->name,
        .state = states[t->state],
        .reason = t->reason,
        .score = t->score,
        .error = t->error,
        .folds = t->n_folds,
        .folds_done = t->n_done,
        .fit_seconds = t->fit_seconds,
        .bytes = t->bytes,
        .predict_us = t->n_predicted ? 1e6 * t->predict_seconds / (double)t->n_predicted : NAN};
}

aml_progress aml_progress_of(const aml_study *s, const char *stage, const aml_leader *last) {
    return (aml_progress){.size = sizeof(aml_progress),
                          .stage = stage,
                          .trials = s->ended,
                          .failed = s->failed,
                          .trials_limit = s->options->trials,
                          .seconds = aml_now() - s->start + s->options->seconds_used,
                          .limit = s->options->time_limit,
                          .best = s->leader ? s->leader->score : NAN,
                          .best_learner = s->leader ? s->leader->plan.learner->name : "",
                          .metric = s->model->metric->name,
                          .last = last,
                          .run = s->journal ? aml_journal_run(s->journal) : NULL,
                          .restored = s->journal ? aml_journal_count(s->journal) : 0};
}

void aml_study_log(const aml_study *s, aml_log_level level, const char *format, ...) {
    char text[1024];
    va_list args;
    if (!s->options->log) return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    s->options->log(level, text, s->options->log_arg);
}

void aml_study_report(aml_study *s, const char *stage, const aml_leader *last) {
    const aml_progress p = aml_progress_of(s, stage, last);
    if (!last) aml_pace_stage(s, &p);
    if (s->options->progress && s->options->progress(&p, s->options->progress_arg))
        atomic_store(&s->stop, true);
}

/* ---- time */

double aml_study_refit_seconds(const aml_study *s, const aml_trial *t) {
    if (s->folds.k == 1 && t->plan.learner->settle) /* more rows, no rounds in vain */
        return t->fit_seconds * sqrt((double)s->trial_threads / s->ctx.n_threads);
    return 1.5 * t->fit_seconds / (double)t->n_done * (s->folds.k > 1 ? 1.3 : 1.1);
}

enum { LEADERS = 3 };

/* The best finished trials; how many. */
static size_t find_leaders(const aml_trial *out[LEADERS], const aml_study *s) {
    size_t n = 0;
    for (size_t i = 0; i < s->trials.n; i++) {
        const aml_trial *t = s->trials.at[i];
        if (t->state != AML_TRIAL_DONE) continue;
        size_t at = n < LEADERS ? n++ : LEADERS;
        for (; at && out[at - 1]->loss > t->loss; at--)
            if (at < LEADERS) out[at] = out[at - 1];
        if (at < LEADERS) out[at] = t;
    }
    return n;
}

/* Refits of the leaders whose models of folds were too large to keep, or of a holdout do not know all rows. */
static double refit_seconds(const aml_study *s) {
    const aml_trial *leader[LEADERS];
    size_t n = find_leaders(leader, s);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        if (!leader[i]->fits || (s->folds.k == 1 && leader[i]->plan.learner->settle))
            sum += aml_study_refit_seconds(s, leader[i]);
    return sum;
}

double aml_study_leader_bytes(const aml_study *s) {
    const aml_trial *leader[LEADERS];
    size_t n = find_leaders(leader, s);
    double bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += (double)leader[i]->bytes / (leader[i]->fits ? 1 : (double)leader[i]->n_done);
    return bytes;
}

/* 44 MB of forests, grown to the last moment, took 1.3 s. */
double aml_study_closing(const aml_study *s, double bytes) {
    static const double A_BYTE = 3e-8, LEAST = 0.01, MOST = 0.12;
    double limit = fmin(s->deadline - s->start, 20);
    return 0.1 + fmin(LEAST * limit + A_BYTE * bytes, MOST * limit);
}

/* Seconds for the ensemble (some thousand scores of 20,000 rows at most), refits and what comes after. */
static double reserve(const aml_study *s) {
    double limit = s->deadline - s->start;
    double rows = s->bench.n_scored < 20000 ? (double)s->bench.n_scored : 20000;
    double ensemble = 3000 * rows * (40e-9 + 1e-9 * s->bench.n_outputs) / s->ctx.n_threads;
    double closing = aml_study_closing(s, aml_study_leader_bytes(s));
    double want = closing + ensemble + refit_seconds(s);
    double most = 0.1 + (s->folds.k > 1 ? 0.15 : 0.25) * limit;
    return want < most ? want : most;
}

static void log_trial(const aml_study *s, const aml_leader *t) {
    if (!s->options->log) return;
    if (!strcmp(t->state, "failed"))
        aml_study_log(s, AML_LOG_DETAIL, "trial %zu failed: %s (%s)", t->trial, t->reason,
                      t->pipeline);
    else
        aml_study_log(s, AML_LOG_DETAIL, "trial %zu %s: %s %.6g (%s)", t->trial, t->state,
                      s->model->metric->name, t->score, t->pipeline);
}

static double trial_ended(const aml_trial *t, void *arg) {
    aml_study *s = arg;
    aml_leader last = aml_leader_of(s, t);
    s->ended++;
    s->failed += t->state == AML_TRIAL_FAILED;
    if (t->state == AML_TRIAL_DONE && !(t->loss >= s->best)) {
        s->best = t->loss;
        s->leader = t;
    }
    if (t->restored && !aml_journal_replays(s->journal)) return 0;
    const aml_progress p = aml_progress_of(s, "search", &last);
    aml_pace_trial(s, t, &p);
    log_trial(s, &last);
    if (s->journal) aml_study_record(s, t, &last);
    else aml_study_report(s, "search", &last);
    return s->deadline > 0 ? s->deadline - reserve(s) : 0;
}

/* Learners that stop early end sooner on easy data: where there is time for some of their fits, their turn comes before that
 * of others as slow. */
static const double EARLIER = 0.25;

/* What a learner that takes no categories gets is wider: indicators of their levels. */
static aml_shape shape_for(const aml_study *s, const aml_learner *l) {
    enum { MOST_INDICATORS = 64 }; /* of a column; more are mostly rare */
    aml_shape shape = s->facts.shape;
    for (size_t i = 0; i < s->view.p && !(l->can & AML_CAN_CATEGORIES); i++) {
        const aml_column *c = &s->view.columns[i];
        if (c->kind != AML_CATEGORY || c->n_levels < 2) continue;
        shape.p += (c->n_levels < MOST_INDICATORS ? c->n_levels : MOST_INDICATORS) - 1;
    }
    return shape;
}

/* What a fit by each learner's defaults is expected to take. */
static aml_status default_costs(const double **out, aml_study *s) {
    double *cost = AML_ARRAY(s->ctx.keep, s->composer.n_learners, double);
    if (!cost) return AML_ENOMEM;
    for (size_t i = 0; i < s->composer.n_learners; i++) {
        const aml_learner *l = s->composer.learners[i];
        double hp[AML_MAX_PARAMS] = {0};
        aml_params_defaults(hp, l->params);
        aml_shape shape = shape_for(s, l);
        double left = s->deadline > 0 ? s->deadline - aml_now() : INFINITY;
        cost[i] = l->cost ? l->cost(hp, &shape) : 1;
        if ((l->can & AML_EARLY_STOPS) && cost[i] < EARLIER * left) cost[i] *= EARLIER;
        if (!(l->can & AML_ANYTIME) && cost[i] > left) cost[i] = INFINITY; /* not to be tried */
    }
    *out = cost;
    return AML_OK;
}

static aml_status describe_problem(aml_problem *problem, aml_study *s) {
    aml_knowledge *knowledge;
    double *features = AML_ARRAY(s->ctx.keep, AML_METAFEATURES, double);
    if (!features) return AML_ENOMEM;
    s->ctx.rng = aml_rng_stream(s->options->seed, AML_RNG_SAMPLE, 1, 0);
    AML_TRY(aml_metafeatures(features, &s->view, NULL, &s->task, &s->ctx));
    size_t size;
    const char *text = aml_knowledge_text(&size);
    AML_TRY(aml_knowledge_parse(&knowledge, text, size, "the built-in knowledge", s->ctx.keep));
    *problem = (aml_problem){.features = features,
                             .n_features = AML_METAFEATURES,
                             .task = (int)s->task.kind,
                             .metric = s->model->metric->name,
                             .baseline_loss = s->yardstick->loss,
                             .shape = s->facts.shape};
    AML_TRY(default_costs(&problem->default_cost, s));
    const aml_prior *prior;
    AML_TRY(aml_prior_new(&prior, knowledge, problem, s->options->forget, &s->ctx));
    /* What wins on a thousand rows is too tame for many: beyond this the search starts from the defaults. */
    problem->knowledge = s->facts.shape.n <= KNOWN_ROWS ? prior : NULL;
    return AML_OK;
}

static aml_status find_parts(aml_search *search, const aml_train_options *o) {
    const char *sampler = o->sampler ? o->sampler : "auto",
               *scheduler = o->scheduler ? o->scheduler : "race";
    search->sampler = aml_sampler_find(sampler);
    search->scheduler = aml_scheduler_find(scheduler);
    if (!search->sampler)
        return aml_help(aml_fail(AML_EUSAGE, "there is no sampler `%s`", sampler), NULL,
                        "`automl catalog` lists them");
    if (!search->scheduler)
        return aml_help(aml_fail(AML_EUSAGE, "there is no scheduler `%s`", scheduler), NULL,
                        "`automl catalog` lists them");
    if (!search->scheduler->keep_going)
        return aml_help(
            aml_fail(AML_EUSAGE, "the scheduler `%s` judges reports, not folds", scheduler),
            "it is for searches over commands and functions of your own",
            "folds are judged by race (the default) or none");
    return AML_OK;
}

/* Learners to search: those asked for; of an interpretable model only the readable ones. */
static aml_status allowed_learners(const char *const **out, aml_study *s) {
    const aml_train_options *o = s->options;
    size_t n = 0, chosen;
    *out = o->learners;
    AML_TRY(aml_menu_find(&chosen, o));
    if (chosen != AML_INTERPRETABLE) return AML_OK;
    const char **names = AML_ARRAY(s->ctx.keep, 64, const char *);
    if (!names) return AML_ENOMEM;
    for (const aml_learner *const *l = aml_learners(); *l && n < 63; l++) {
        bool asked = !o->learners && !((*l)->can & AML_ON_REQUEST);
        for (size_t i = 0; o->learners && o->learners[i]; i++)
            asked |= !strcmp(o->learners[i], (*l)->name);
        bool fits = ((*l)->tasks & (unsigned)s->task.kind) && ((*l)->can & AML_READABLE);
        if (asked && fits) names[n++] = (*l)->name;
    }
    *out = names;
    if (n) return AML_OK;
    return aml_help(aml_fail(AML_EUSAGE, "none of the learners asked for is interpretable"),
                    "an interpretable model is linear",
                    "allow ridge, elastic_net, logistic or linear_svm");
}

aml_status aml_study_bench(aml_study *s) {
    const char *const *learners;
    AML_TRY(find_metric(s));
    if (s->options->threshold > 0 && s->task.kind != AML_BINARY)
        return aml_help(aml_fail(AML_EUSAGE, "a threshold is for two classes, not for a %s task",
                                 aml_task_name(s->task.kind)),
                        NULL, "leave it out");
    AML_TRY(make_bench(s));
    s->bench.threshold = s->options->threshold > 0 ? s->options->threshold : 0.5;
    s->bench.chooses_threshold =
        !(s->options->threshold > 0) && aml_threshold_serves(s->model->metric, s->task.kind);
    AML_TRY(allowed_learners(&learners, s));
    AML_TRY(aml_composer_init(&s->composer, &s->facts, learners, s->ctx.keep));
    return run_yardstick(s);
}

/* Said when the search ended before its limits. */
static aml_status report_end(aml_study *s) {
    char score[64];
    if (!s->trials.reached && !s->trials.patient) return AML_OK;
    if (!s->trials.reached)
        return aml_guardrail_add(&s->profile.guardrails, s->ctx.keep, "search_ended", "Done",
                                 s->trials.n, "the search ended",
                                 "no better pipeline in %zu trials in a row, after %zu",
                                 s->options->patience, s->trials.n);
    snprintf(score, sizeof score, "%s %.6g", s->model->metric->name, *s->options->exit_score);
    return aml_guardrail_add(&s->profile.guardrails, s->ctx.keep, "search_ended", "Done",
                             s->trials.n, "the search ended", "%s was reached after %zu trials",
                             score, s->trials.n);
}

/* What the trials of all ranks depend on. */
aml_status aml_study_meet(aml_study *s) {
    const aml_bench *b = &s->bench;
    const size_t sizes[] = {
        b->n_scored, (size_t)b->n_outputs, b->folds->k, s->composer.space.n, s->task.n, s->table.p};
    aml_writer w = {0};
    aml_put_string(&w, aml_version());
    aml_put_u64(&w, aml_frame_hash(&s->data, s->options->seed));
    aml_put_u64(&w, aml_hash((const char *)s->task.y, s->task.n * sizeof *s->task.y, 0));
    aml_put_string(&w, b->metric->name);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) aml_put_u64(&w, sizes[i]);
    aml_status status = aml_ranks_agree(s->options->ranks, &w, &s->ctx);
    aml_writer_free(&w);
    return status;
}

aml_status aml_study_serve(aml_study *s) {
    return aml_ranks_serve(s->options->ranks, &s->bench, &s->composer, s->ctx.n_threads);
}

/* A trial at a time for each of the other ranks. */
static void share(aml_search *search, const aml_study *s) {
    int others = aml_ranks_alive(s->options->ranks);
    if (others < 1) return;
    search->ranks = s->options->ranks;
    search->n_workers = (size_t)others < search->concurrency ? others : (int)search->concurrency;
}

aml_status aml_study_search(aml_study *s) {
    const aml_train_options *o = s->options;
    aml_search search = {
        .bench = &s->bench,
        .composer = &s->composer,
        .keep = KEEP_TRIALS,
        .keep_bytes = o->memory_limit ? o->memory_limit / 4 : (size_t)1 << 30,
        .exit_loss = o->exit_score ? aml_metric_loss(s->model->metric, *o->exit_score) : -INFINITY,
        .patience = o->patience,
        .trial_timeout = o->trial_timeout,
        .stop = &s->stop,
        .interrupt = o->stop,
        .journal = s->journal,
        .wait = aml_pace_wait,
        .ended = trial_ended,
        .arg = s};
    AML_TRY(find_parts(&search, o));
    s->best = INFINITY;
    if (!s->view.p)
        return aml_guardrail_add(&s->profile.guardrails, s->ctx.keep, "no_features", "Alerted", 0,
                                 "the model is the baseline", "no column can be used as a feature");
    aml_problem problem;
    AML_TRY(describe_problem(&problem, s));
    search.problem = &problem;
    search.max_trials = o->trials ? o->trials : SIZE_MAX;
    search.deadline = s->deadline > 0 ? s->deadline - reserve(s) : 0;
    int threads = s->ctx.n_threads,
        together = o->max_concurrent_trials ? o->max_concurrent_trials : CONCURRENCY;
    bool large = (double)s->task.n * (double)s->view.p > LARGE_CELLS;
    search.concurrency = (size_t)together;
    search.n_workers = large ? 1 : threads < together ? threads : together;
    search.n_threads = threads / search.n_workers > 1 ? threads / search.n_workers : 1;
    s->trial_threads = search.n_threads;
    if (o->ranks) share(&search, s);
    if (s->journal) AML_TRY(aml_study_restore(s, &search));
    aml_status status = aml_trials_run(&s->trials, &search);
    if (s->journal) AML_TRY(aml_study_recorded(s));
    s->trials.reached = aml_decide_if(s->decisions, s->trials.reached);
    s->trials.patient = aml_decide_if(s->decisions, s->trials.patient);
    return status ? status : report_end(s);
}
