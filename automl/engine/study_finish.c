/* study_finish.c: from the trials to the model: ensemble, refits, leaderboard. */
#include <math.h>
#include <string.h>

#include "automl/core/sort.h"
#include "automl/engine/study.h"

enum { MOST_CANDIDATES = 20, ROUNDS = 25, PARTS = 5, WHOLE = 0xFFFFFF };

/* Rows that are predicted by the same models and weights, one range after the other: only within them are scores
 * comparable. Folds, or five random shares of a holdout. */
typedef struct parts {
    size_t n;
    uint32_t *of;    /* part of each scored row, 0 … n-1 */
    size_t n_ranges; /* scored together: the folds, or the parts of a holdout */
    uint32_t *range; /* of each scored row */
} parts;

typedef struct choice {
    aml_candidates candidates;
    aml_trial *trial[MOST_CANDIDATES];
    double weight[MOST_CANDIDATES];
    parts parts;
    double *crossfit; /* scored × outputs */
    double score, error;
} choice;

/* ---- candidates: the best complete trials, or the baseline when none is better */

static void pick_candidates(choice *c, const aml_study *s, const float **pred) {
    size_t n = 0;
    for (size_t i = 0; i < s->trials.n; i++) {
        aml_trial *t = s->trials.at[i];
        if (t->state != AML_TRIAL_DONE || !t->out_of_fold) continue;
        size_t at = n < MOST_CANDIDATES ? n++ : MOST_CANDIDATES;
        while (at > 0 && c->trial[at - 1]->loss > t->loss) {
            if (at < MOST_CANDIDATES) c->trial[at] = c->trial[at - 1];
            at--;
        }
        if (at < MOST_CANDIDATES) c->trial[at] = t;
    }
    if (!n || !(c->trial[0]->loss < s->yardstick->loss)) c->trial[0] = s->yardstick, n = 1;
    for (size_t i = 0; i < n; i++) pred[i] = c->trial[i]->out_of_fold;
    c->candidates = (aml_candidates){.n = n,
                                     .outputs = (size_t)s->bench.n_outputs,
                                     .rows = s->bench.n_scored,
                                     .pred = pred,
                                     .y = s->bench.y,
                                     .w = s->bench.w,
                                     .n_classes = s->task.n_classes,
                                     .metric = s->model->metric};
}

/* Nothing was finished on all folds: a trial that was stopped on the way is better than the baseline. */
static aml_trial *unfinished(const aml_study *s) {
    aml_trial *best = NULL;
    for (size_t i = 0; i < s->trials.n; i++) {
        aml_trial *t = s->trials.at[i];
        if (t->state != AML_TRIAL_PRUNED || !t->fits || !isfinite(t->loss)) continue;
        if (!best || t->loss < best->loss) best = t;
    }
    return best && best->loss < s->yardstick->loss ? best : NULL;
}

static aml_status make_parts(parts *p, const aml_study *s) {
    const aml_bench *b = &s->bench;
    aml_rng rng = aml_rng_stream(b->seed, AML_RNG_ENSEMBLE, 1, 0);
    size_t k = b->folds->k;
    p->n = k > 1 && k < PARTS ? k : PARTS;
    p->n_ranges = k > 1 ? k : PARTS;
    p->of = AML_ARRAY(s->ctx.keep, b->n_scored, uint32_t);
    p->range = AML_ARRAY(s->ctx.keep, b->n_scored, uint32_t);
    if (!p->of || !p->range) return AML_ENOMEM;
    for (size_t f = 0; f < k; f++) {
        for (size_t i = b->begin[f]; i < b->begin[f + 1]; i++) {
            p->range[i] = k > 1 ? (uint32_t)f : aml_rng_below(&rng, PARTS);
            p->of[i] = p->range[i] % (uint32_t)p->n;
        }
    }
    return AML_OK;
}

/* Mean score over the ranges, as trials are scored; of all rows together where a range alone has no score. */
static aml_status score_ranges(double *score, double *error, const aml_study *s, const parts *p,
                               const double *pred) {
    const aml_bench *b = &s->bench;
    size_t k = (size_t)b->n_outputs;
    double *y = AML_ARRAY(s->ctx.scratch, b->n_scored, double),
           *w = AML_ARRAY(s->ctx.scratch, b->n_scored, double);
    double *q = AML_ARRAY(s->ctx.scratch, b->n_scored * k, double),
           *one = AML_ARRAY(s->ctx.scratch, p->n_ranges, double);
    double sum = 0, weight = 0, square = 0;
    if (!y || !w || !q || !one) return AML_ENOMEM;
    for (size_t r = 0; r < p->n_ranges; r++) {
        size_t n = 0;
        for (size_t i = 0; i < b->n_scored; i++) {
            if (p->range[i] != r) continue;
            y[n] = b->y[i];
            if (b->w) w[n] = b->w[i];
            memcpy(q + n++ * k, pred + i * k, k * sizeof *q);
        }
        one[r] = NAN;
        if (n &&
            b->metric->score(&one[r], y, b->w ? w : NULL, q, n, s->task.n_classes) == AML_ENOMEM)
            return AML_ENOMEM;
        sum += (double)n * (n ? one[r] : 0);
        weight += (double)n;
    }
    *score = sum / weight;
    for (size_t r = 0; r < p->n_ranges; r++) square += pow(one[r] - *score, 2);
    *error = p->n_ranges > 1 ? sqrt(square / (double)(p->n_ranges - 1) / (double)p->n_ranges) : NAN;
    if (isfinite(*score)) return AML_OK;
    *error = NAN;
    aml_status status = b->metric->score(score, b->y, b->w, pred, b->n_scored, s->task.n_classes);
    if (status) *score = NAN;
    return status == AML_ENOMEM ? status : AML_OK;
}

static void drop_small_weights(double *weight, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (weight[i] < 0.03) weight[i] = 0;
        sum += weight[i];
    }
    for (size_t i = 0; i < n; i++) weight[i] /= sum;
}

/* Weights by so many greedy rounds, and what they are worth on rows that had no say. */
static aml_status choose_by(choice *c, aml_study *s, size_t rounds, const uint32_t *all,
                            double begin, double share) {
    double left = s->deadline - begin;
    s->ctx.deadline = s->deadline > 0 ? begin + 0.5 * share * left : 0;
    AML_TRY(
        aml_ensemble_select(c->weight, &c->candidates, all, s->bench.n_scored, rounds, &s->ctx));
    s->ctx.deadline = s->deadline > 0 ? begin + share * left : 0;
    AML_TRY(aml_ensemble_crossfit(c->crossfit, &c->candidates, c->parts.of, c->parts.n, rounds,
                                  &s->ctx));
    s->ctx.deadline = 0;
    return score_ranges(&c->score, &c->error, s, &c->parts, c->crossfit);
}

/* The best single pipeline, unless an ensemble is better on rows that had no say in it. */
static aml_status choose(choice *c, aml_study *s) {
    size_t n = s->bench.n_scored, k = (size_t)s->bench.n_outputs;
    uint32_t *all = AML_ARRAY(s->ctx.keep, n, uint32_t);
    const float **pred = AML_ARRAY(s->ctx.keep, MOST_CANDIDATES, const float *);
    c->crossfit = AML_ARRAY(s->ctx.keep, n * k, double);
    double *other = AML_ARRAY(s->ctx.keep, n * k, double), begin = aml_now();
    if (!all || !pred || !c->crossfit || !other) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) all[i] = (uint32_t)i;
    pick_candidates(c, s, pred);
    AML_TRY(make_parts(&c->parts, s));
    AML_TRY(choose_by(c, s, 1, all, begin, 0.1));
    if (s->options->ensemble < 0 || c->candidates.n < 2) return AML_OK;
    choice mixed = *c;
    mixed.crossfit = other;
    AML_TRY(choose_by(&mixed, s, ROUNDS, all, begin, 0.7));
    if (aml_metric_loss(s->model->metric, mixed.score) <
        aml_metric_loss(s->model->metric, c->score))
        *c = mixed;
    drop_small_weights(c->weight, c->candidates.n);
    return AML_OK;
}

/* ---- members */

static bool wants_refit(const aml_study *s, const aml_trial *t) {
    if (!s->bench.refits) return false;
    return (t->plan.learner->can & AML_REFIT) || t->plan.learner->can & AML_YARDSTICK ||
           s->task.time;
}

/* The trial's fits from fold `first` on become the member's: of folds forward in time the last has seen most. */
static void take_folds(aml_member *member, aml_trial *t, size_t first) {
    for (size_t f = first; f < t->n_done; f++) {
        member->fits[member->n_fits++] = t->fits[f];
        t->fits[f] = (aml_fit){0};
    }
}

/* Moves a trial's fits into the model; learners that gain by it are fitted once more on all rows, if there is time. */
static aml_status add_member(aml_study *s, aml_trial *t, double weight) {
    aml_model *m = s->model;
    aml_member *member = &m->members[m->n_members];
    *member = (aml_member){.pipeline = aml_strdup(m->arena, t->text),
                           .learner = t->plan.learner,
                           .weight = weight,
                           .fits = AML_ARRAY(m->arena, t->n_folds, aml_fit)};
    if (!member->pipeline || !member->fits) return AML_ENOMEM;
    bool time = s->deadline <= 0 || aml_now() + aml_study_refit_seconds(s, t) < s->deadline;
    if (wants_refit(s, t) && time) {
        aml_lease lease = {0};
        aml_ctx ctx = s->ctx;
        ctx.deadline = s->deadline;
        ctx.rng = aml_rng_stream(s->bench.seed, AML_RNG_FIT, t->id, WHOLE);
        aml_status status =
            aml_fit_plan(&member->fits[0], &lease, &t->plan, &s->bench, WHOLE, s->bench.all_rows,
                         s->table.n, NULL, 0, NULL, INFINITY, &ctx);
        aml_designs_give_back(s->bench.designs, &lease);
        if (!status) member->n_fits = 1;
        else aml_fit_free(&member->fits[0]);
        if (status && status != AML_ESTOPPED && status != AML_ENOMEM) return status;
    }
    if (!member->n_fits && !t->fits)
        return AML_OK; /* too large to keep, and no time to fit it again: left out */
    if (!member->n_fits) take_folds(member, t, s->task.time ? t->n_done - 1 : 0);
    m->n_members++;
    aml_writer w = {0};
    for (size_t f = 0; f < member->n_fits; f++) member->learner->save(member->fits[f].model, &w);
    member->bytes = w.size;
    aml_writer_free(&w);
    return w.status;
}

static aml_status add_importance(aml_study *s, const aml_trial *t, double weight) {
    aml_model *m = s->model;
    if (!t->importance) return AML_OK;
    if (!m->importance && !(m->importance = AML_ARRAY(m->arena, m->inputs.p + 1, double)))
        return AML_ENOMEM;
    double sum = 0;
    for (size_t i = 0; i < m->inputs.p; i++) sum += t->importance[i];
    for (size_t i = 0; sum > 0 && i < m->inputs.p; i++)
        m->importance[i] += weight * t->importance[i] / sum;
    return AML_OK;
}

/* Sum 1 again after some were left out. */
static void weigh_members(aml_model *m, choice *c) {
    double sum = 0;
    for (size_t i = 0; i < m->n_members; i++) sum += m->members[i].weight;
    for (size_t i = 0; i < m->n_members; i++) m->members[i].weight /= sum;
    for (size_t i = 0; i < c->candidates.n; i++) c->weight[i] /= sum;
}

static aml_status assemble(aml_study *s, choice *c) {
    aml_model *m = s->model;
    m->members = AML_ARRAY(m->arena, MOST_CANDIDATES, aml_member);
    if (!m->members) return AML_ENOMEM;
    uint32_t order[MOST_CANDIDATES];
    double key[MOST_CANDIDATES];
    for (size_t i = 0; i < c->candidates.n; i++) key[i] = -c->weight[i];
    AML_TRY(aml_argsort(order, key, c->candidates.n));
    for (size_t i = 0; i < c->candidates.n; i++) {
        size_t at = order[i];
        if (!(c->weight[at] > 0)) continue;
        size_t before = m->n_members;
        AML_TRY(add_member(s, c->trial[at], c->weight[at]));
        if (m->n_members == before) c->weight[at] = 0;
        else AML_TRY(add_importance(s, c->trial[at], c->weight[at]));
    }
    if (!m->n_members) AML_TRY(add_member(s, s->yardstick, 1));
    weigh_members(m, c);
    double sum = 0;
    for (size_t i = 0; m->importance && i < m->inputs.p; i++) sum += m->importance[i];
    for (size_t i = 0; sum > 0 && i < m->inputs.p; i++) m->importance[i] /= sum;
    if (!(sum > 0)) m->importance = NULL;
    return AML_OK;
}

/* ---- leaderboard */

static int better(const void *a, const void *b, void *arg) {
    const aml_leader *x = a, *y = b;
    const aml_metric *metric = arg;
    bool dx = !strcmp(x->state, "done"), dy = !strcmp(y->state, "done");
    if (dx != dy) return dx ? -1 : 1;
    double lx = aml_metric_loss(metric, x->score), ly = aml_metric_loss(metric, y->score);
    if (isnan(lx) || isnan(ly)) return isnan(lx) - isnan(ly);
    if (lx != ly) return lx < ly ? -1 : 1;
    return 0;
}

static aml_status copy_texts(aml_leader *l, aml_arena *keep) {
    l->pipeline = aml_strdup(keep, l->pipeline);
    l->reason = aml_strdup(keep, l->reason);
    return l->pipeline && l->reason ? AML_OK : AML_ENOMEM;
}

static aml_leader ensemble_leader(const aml_study *s, double error) {
    const aml_model *m = s->model;
    aml_leader l = {.size = sizeof l,
                    .trial = SIZE_MAX,
                    .pipeline = aml_printf(m->arena, "ensemble of %zu pipelines", m->n_members),
                    .learner = "ensemble",
                    .state = "done",
                    .reason = "",
                    .score = m->score.value,
                    .error = error,
                    .folds = s->folds.k,
                    .folds_done = s->folds.k,
                    .weight = 1};
    return l;
}

static double weight_of(const choice *c, const aml_trial *t) {
    for (size_t i = 0; i < c->candidates.n; i++)
        if (c->trial[i] == t) return c->weight[i];
    return 0;
}

static aml_status make_leaderboard(aml_study *s, const choice *c, double error) {
    aml_model *m = s->model;
    aml_leader *l = m->leaders = AML_ARRAY(m->arena, s->trials.n + 2, aml_leader);
    if (!l) return AML_ENOMEM;
    if (m->n_members > 1) {
        l[m->n_leaders++] = ensemble_leader(s, error);
        for (size_t i = 0; i < m->n_members; i++) l[0].bytes += m->members[i].bytes;
    }
    for (size_t i = 0; i <= s->trials.n; i++) {
        const aml_trial *t = i < s->trials.n ? s->trials.at[i] : s->yardstick;
        if (t->status == AML_ESTOPPED && !t->n_done) continue; /* in flight at the deadline */
        aml_leader *at = &l[m->n_leaders++];
        *at = aml_leader_of(s, t);
        at->weight = weight_of(c, t);
        AML_TRY(copy_texts(at, m->arena));
        if (m->n_members > 1 && at->weight > 0) {
            l[0].fit_seconds += at->fit_seconds;
            l[0].predict_us += at->predict_us * (double)t->n_folds;
        }
    }
    AML_TRY(aml_sort(l, m->n_leaders, sizeof *l, better, (void *)(uintptr_t)m->metric));
    for (size_t i = 0, rank = 0; i < m->n_leaders; i++)
        if (!strcmp(l[i].state, "done")) l[i].rank = ++rank;
    return AML_OK;
}

static aml_status copy_guardrails(aml_study *s) {
    aml_model *m = s->model;
    for (size_t i = 0; i < s->profile.guardrails.n; i++) {
        const aml_guardrail *g = &s->profile.guardrails.at[i];
        const char *id = aml_strdup(m->arena, g->id);
        if (!id) return AML_ENOMEM;
        AML_TRY(aml_guardrail_add(&m->guardrails, m->arena, id, g->status, g->count, g->action,
                                  "%s", g->message));
        AML_TRY(aml_guardrail_names(&m->guardrails, m->arena, g->columns));
    }
    m->validation = aml_strdup(m->arena, s->folds.scheme);
    return m->validation ? AML_OK : AML_ENOMEM;
}

/* Said when all that was tried is no better than a constant. */
static aml_status report_no_signal(aml_study *s) {
    if (!s->leader) return AML_OK; /* nothing could be finished: said elsewhere */
    return aml_guardrail_add(&s->profile.guardrails, s->ctx.keep, "no_signal", "Alerted", 0,
                             "the model is the baseline",
                             "none of %zu pipelines predicts better than a constant", s->ended);
}

/* The model of a trial that lacks folds: scored by the folds it has. */
static aml_status finish_unfinished(aml_study *s, aml_trial *t) {
    const choice none = {0};
    aml_model *m = s->model;
    m->members = AML_ARRAY(m->arena, 1, aml_member);
    if (!m->members) return AML_ENOMEM;
    m->score = (aml_score){.size = sizeof m->score,
                           .value = t->score,
                           .low = NAN,
                           .high = NAN,
                           .baseline = s->yardstick->score,
                           .method = "only some of the folds could be finished in the time"};
    AML_TRY(add_importance(s, t, 1));
    AML_TRY(add_member(s, t, 1));
    return make_leaderboard(s, &none, NAN);
}

aml_status aml_study_finish(aml_study *s) {
    choice c = {0};
    aml_study_report(s, "ensemble", NULL);
    AML_TRY(choose(&c, s));
    if (c.trial[0] == s->yardstick) AML_TRY(report_no_signal(s));
    AML_TRY(copy_guardrails(s));
    aml_trial *partial = c.trial[0] == s->yardstick ? unfinished(s) : NULL;
    if (partial) return finish_unfinished(s, partial);
    AML_TRY(aml_study_score(s, c.score, c.crossfit));
    aml_study_report(s, "refit", NULL);
    AML_TRY(assemble(s, &c));
    return make_leaderboard(s, &c, c.error);
}
