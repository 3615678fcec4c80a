/* study_finish.c: from the trials to the model: choice, refits, score. */
#include <math.h>
#include <string.h>

#include "automl/core/sort.h"
#include "automl/engine/adjust.h"
#include "automl/engine/forecast.h"
#include "automl/engine/menu.h"

enum { WHOLE = 0xFFFFFF, ATTEMPTS = 4 };

/* Nothing better than the baseline was finished on all folds: a trial that was stopped on the way and is. */
static aml_trial *unfinished(const aml_study *s) {
    aml_trial *best = NULL;
    if (s->leader && s->leader->loss < s->yardstick->loss) return NULL;
    for (size_t i = 0; i < s->trials.n; i++) {
        aml_trial *t = s->trials.at[i];
        if (t->state != AML_TRIAL_PRUNED || !t->fits || !isfinite(t->loss)) continue;
        if (!best || t->loss < best->loss) best = t;
    }
    return best && best->loss < s->yardstick->loss ? best : NULL;
}

/* ---- members */

/* Which trial each member of the model comes from. */
typedef struct origins {
    aml_trial *trial[AML_MOST_CANDIDATES];
    bool refitted[AML_MOST_CANDIDATES];
} origins;

bool aml_study_refits(const aml_study *s, const aml_trial *t) {
    if (!s->bench.refits) return false;
    if (s->folds.k == 1 && t->plan.learner->settle && t->fits) return true; /* held-out rows, too */
    return (t->plan.learner->can & AML_REFIT) || t->plan.learner->can & AML_YARDSTICK ||
           s->task.time;
}

/* When refits have to end for a model of so many bytes. */
static double last_refit(const aml_study *s, double bytes) {
    return s->deadline - aml_study_closing(s, bytes);
}

bool aml_study_delivers(const aml_study *s, const aml_trial *t) {
    static const double PART = 0.25;
    if (t->fits || s->deadline <= 0) return true;
    double part = t->plan.learner->can & AML_ANYTIME ? PART : 1;
    return aml_decide_if(s->decisions, aml_now() + part * aml_study_refit_seconds(s, t) <
                                           last_refit(s, aml_study_leader_bytes(s)));
}

/* Of folds forward in time the last has seen most. */
static size_t first_fold(const aml_study *s, const aml_trial *t) {
    return s->task.time ? t->n_done - 1 : 0;
}

/* The trial's fits become the member's, and come back to the trial. */
static void take_folds(aml_member *member, aml_trial *t, size_t first, size_t n) {
    for (size_t f = first; f < t->n_done && member->n_fits < n; f++) {
        member->fits[member->n_fits++] = t->fits[f];
        t->fits[f] = (aml_fit){0};
    }
}

static void give_back(aml_member *member, aml_trial *t, size_t first, bool refitted) {
    for (size_t f = 0; f < member->n_fits; f++) {
        if (refitted) aml_fit_free(&member->fits[f]);
        else t->fits[first + f] = member->fits[f];
    }
}

/* The mean of what the folds came to by stopping early. */
static void settle(aml_plan *plan, const aml_trial *t) {
    double sum[AML_MAX_PARAMS] = {0};
    size_t n = aml_params_count(plan->learner->params);
    for (size_t f = 0; f < t->n_done; f++) {
        double hp[AML_MAX_PARAMS];
        memcpy(hp, t->plan.hp, sizeof hp);
        plan->learner->settle(hp, t->fits[f].model);
        for (size_t i = 0; i < n; i++) sum[i] += hp[i] - t->plan.hp[i];
    }
    for (size_t i = 0; i < n; i++)
        if (sum[i] != 0) plan->hp[i] += sum[i] / (double)t->n_done;
}

/* On all rows. A fit that cannot get as far as that on fewer rows did is not taken. */
static aml_status refit(aml_member *member, aml_study *s, const aml_trial *t, double until) {
    aml_lease lease = {0};
    aml_plan plan = t->plan;
    if (plan.learner->settle && t->fits) settle(&plan, t);
    aml_ctx ctx = s->ctx;
    ctx.deadline = until;
    ctx.rng = aml_rng_stream(s->bench.seed, AML_RNG_FIT, t->id, WHOLE);
    const aml_fit_of fit = {&member->fits[0], plan.learner};
    bool known = false;
    aml_status status = AML_OK;
    if (s->journal) status = aml_journal_give_fit(&known, s->journal, s->n_refits, &fit);
    aml_trial_checkpoint states;
    ctx.checkpoint = aml_journal_checkpoint(&states, s->journal, t);
    if (!status && !known)
        status = aml_fit_plan(fit.fit, &lease, &plan, &s->bench, WHOLE, s->bench.all_rows,
                              s->table.n, NULL, 0, NULL, INFINITY, &ctx);
    aml_journal_checkpoint_end(&states);
    aml_designs_give_back(s->bench.designs, &lease);
    if (!status && ctx.truncated && s->journal)
        AML_TRY(aml_journal_keep_fit(s->journal, s->n_refits, &fit));
    s->n_refits++;
    bool good = !status && !(plan.learner->settle && ctx.truncated);
    if (aml_decide_if(s->decisions, good) && !status) member->n_fits = 1;
    else aml_fit_free(&member->fits[0]);
    return status == AML_ESTOPPED || status == AML_ENOMEM ? AML_OK : status;
}

/* When the fit of a member on all rows has to end, 0 = never; below 0 where there is no time for it. Members whose models
 * are not there share the time by what they need. */
static double refit_until(const aml_study *s, const aml_choice *c, const uint32_t *order,
                          size_t i) {
    const aml_trial *t = c->trial[order[i]];
    double now = aml_now(), last = last_refit(s, c->bytes), left = last - now,
           need = aml_study_refit_seconds(s, t), all = 0;
    if (s->deadline <= 0) return 0;
    for (size_t j = i; j < c->n; j++) {
        const aml_trial *o = c->trial[order[j]];
        if (c->weight[order[j]] > 0 && !o->fits) all += aml_study_refit_seconds(s, o);
    }
    double until = t->fits && all + need >= left ? -1
                   : t->fits || all < left       ? last
                                                 : now + left * need / all;
    return aml_decide_if(s->decisions, until >= 0) ? fmax(until, 0) : -1;
}

/* Moves so many of a trial's fits into the model; learners that gain by it are fitted once more on all rows, if there is
 * time. */
static aml_status add_member(origins *from, aml_study *s, aml_trial *t, double weight, size_t fits,
                             double until) {
    aml_model *m = s->model;
    aml_member *member = &m->members[m->n_members];
    *member = (aml_member){.pipeline = aml_strdup(m->arena, t->text),
                           .learner = t->plan.learner,
                           .weight = weight,
                           .fits = AML_ARRAY(m->arena, t->n_folds, aml_fit)};
    if (!member->pipeline || !member->fits) return AML_ENOMEM;
    bool once = fits == 1 && t->plan.learner->settle && s->bench.refits && s->folds.k > 1;
    if ((aml_study_refits(s, t) || once) && until >= 0) AML_TRY(refit(member, s, t, until));
    from->trial[m->n_members] = t;
    from->refitted[m->n_members] = member->n_fits > 0;
    if (!member->n_fits && !t->fits)
        return AML_OK; /* too large to keep, and no time to fit it again: left out */
    if (!member->n_fits) take_folds(member, t, first_fold(s, t), fits);
    m->n_members++;
    aml_writer w = {.counts = true};
    for (size_t f = 0; f < member->n_fits; f++) member->learner->save(member->fits[f].model, &w);
    member->bytes = w.size;
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
static void weigh_members(aml_model *m, aml_choice *c) {
    double sum = 0;
    for (size_t i = 0; i < m->n_members; i++) sum += m->members[i].weight;
    for (size_t i = 0; i < m->n_members; i++) m->members[i].weight /= sum;
    for (size_t i = 0; i < c->n; i++) c->weight[i] /= sum;
}

static aml_status assemble(origins *from, aml_study *s, aml_choice *c) {
    aml_model *m = s->model;
    m->members = AML_ARRAY(m->arena, AML_MOST_CANDIDATES, aml_member);
    if (!m->members) return AML_ENOMEM;
    uint32_t order[AML_MOST_CANDIDATES];
    double key[AML_MOST_CANDIDATES];
    for (size_t i = 0; i < c->n; i++) key[i] = -c->weight[i];
    AML_TRY(aml_argsort(order, key, c->n));
    for (size_t i = 0; i < c->n; i++) {
        size_t at = order[i], before = m->n_members;
        if (!(c->weight[at] > 0)) continue;
        AML_TRY(add_member(from, s, c->trial[at], c->weight[at], c->fits[at],
                           refit_until(s, c, order, i)));
        if (m->n_members == before) c->weight[at] = 0;
        else AML_TRY(add_importance(s, c->trial[at], c->weight[at]));
    }
    if (!m->n_members) AML_TRY(add_member(from, s, s->yardstick, 1, 1, s->deadline));
    weigh_members(m, c);
    double sum = 0;
    for (size_t i = 0; m->importance && i < m->inputs.p; i++) sum += m->importance[i];
    for (size_t i = 0; sum > 0 && i < m->inputs.p; i++) m->importance[i] /= sum;
    if (!(sum > 0)) m->importance = NULL;
    return AML_OK;
}

/* What assemble did, undone. */
static void take_apart(const origins *from, aml_study *s) {
    aml_model *m = s->model;
    for (size_t i = 0; i < m->n_members; i++)
        give_back(&m->members[i], from->trial[i], first_fold(s, from->trial[i]), from->refitted[i]);
    m->n_members = 0;
    m->importance = NULL;
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
    return AML_OK;
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
    aml_model *m = s->model;
    origins from;
    m->members = AML_ARRAY(m->arena, 1, aml_member);
    if (!m->members) return AML_ENOMEM;
    m->score = (aml_score){.size = sizeof m->score,
                           .value = t->score,
                           .low = NAN,
                           .high = NAN,
                           .baseline = s->yardstick->score,
                           .gain = NAN,
                           .gain_low = NAN,
                           .gain_high = NAN,
                           .linear = NAN,
                           .linear_gain = NAN,
                           .linear_gain_low = NAN,
                           .linear_gain_high = NAN,
                           .method = "only some of the folds could be finished in the time"};
    AML_TRY(add_importance(s, t, 1));
    double last = last_refit(s, (double)t->bytes);
    bool any = s->deadline > 0, time = aml_now() + aml_study_refit_seconds(s, t) < last;
    time = aml_decide_if(s->decisions, time);
    AML_TRY(add_member(&from, s, t, 1, t->n_done, !any ? 0 : time ? last : -1));
    AML_TRY(copy_guardrails(s));
    return aml_study_board(s, NULL);
}

/* ---- limits of the model */

/* By how much the model is beyond its limits, measured; 1 or less: it keeps them. */
static aml_status measure(double *excess, double *us, double *bytes, aml_study *s) {
    const aml_train_options *o = s->options;
    *excess = 0;
    AML_TRY(aml_model_measure(us, s));
    *us = aml_decide(s->decisions, *us);
    AML_TRY(aml_model_bytes(bytes, s->model));
    if (o->max_predict_seconds > 0) *excess = fmax(*excess, *us / (1e6 * o->max_predict_seconds));
    if (o->max_model_bytes) *excess = fmax(*excess, *bytes / (double)o->max_model_bytes);
    return AML_OK;
}

static aml_status still_beyond(double us, double bytes) {
    return aml_help(
        aml_fail(AML_ECONFIG,
                 "the model does not keep its limits: it takes %.3g µs a row and %.0f bytes", us,
                 bytes),
        "max_predict_time and max_model_size are limits that the model keeps",
        "allow more; a file of few columns and levels is smaller");
}

/* A leaderboard that makes the file larger than it may be loses its end. */
static aml_status fit_board(aml_study *s) {
    aml_model *m = s->model;
    double bytes, limit = (double)s->options->max_model_bytes;
    while (limit > 0 && m->n_leaders > 1) {
        AML_TRY(aml_model_bytes(&bytes, m));
        if (bytes <= limit) return AML_OK;
        m->n_leaders /= 2;
    }
    return AML_OK;
}

static aml_status forecast(aml_study *s) {
    aml_forecast *f = &s->model->forecast;
    double *loss = AML_ARRAY(s->ctx.scratch, s->trials.n + 1, double);
    if (!loss) return AML_ENOMEM;
    for (size_t i = 0; i < s->trials.n; i++) {
        const aml_trial *t = s->trials.at[i];
        loss[i] = t->state == AML_TRIAL_DONE ? t->loss : NAN;
    }
    *f = (aml_forecast){.size = sizeof *f, .trials = s->trials.n};
    if (!aml_forecast_gain(&f->gain, &f->high, loss, s->trials.n, s->yardstick->loss))
        f->trials = 0;
    return AML_OK;
}

/* ---- the whole */

/* The chosen entry, then the others while there is time, so that their scores can be compared: before the refits have to
 * end, or later where it takes next to nothing. What the model keeps of it is the chosen one's. */
static aml_status adjust(aml_adjusted *told, aml_study *s, aml_menu *menu) {
    static const double NEXT_TO_NOTHING = 0.05; /* of the time left */
    aml_model *m = s->model;
    aml_choice *chosen = &menu->at[menu->chosen];
    double begin = aml_now(), last = last_refit(s, chosen->bytes);
    AML_TRY(aml_adjust(told, chosen, s, &menu->parts));
    double took = aml_now() - begin, threshold = m->threshold;
    const aml_calibrator calibrator = m->calibrator;
    for (size_t i = 0; i < AML_MENU; i++) {
        aml_choice *c = &menu->at[i];
        aml_adjusted untold;
        if (c == chosen || !c->n) continue;
        double now = aml_now();
        bool time = now + took < last || took < NEXT_TO_NOTHING * (s->deadline - now);
        if (s->deadline > 0 && !aml_decide_if(s->decisions, time)) c->n = 0;
        else AML_TRY(aml_adjust(&untold, c, s, &menu->parts));
    }
    m->calibrator = calibrator;
    m->threshold = threshold;
    return AML_OK;
}

/* Choice, score, members; once more with tighter limits while what comes of it is beyond them. */
static aml_status make_model(aml_menu *menu, aml_adjusted *told, double *us, double *bytes,
                             aml_study *s) {
    double tighter = 1, excess;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        origins from;
        AML_TRY(aml_menu_make(menu, s, tighter));
        aml_choice *c = &menu->at[menu->chosen];
        AML_TRY(adjust(told, s, menu));
        AML_TRY(aml_study_score(s, c, &menu->at[AML_INTERPRETABLE]));
        aml_study_report(s, "refit", NULL);
        AML_TRY(assemble(&from, s, c));
        AML_TRY(measure(&excess, us, bytes, s));
        if (excess <= 1) return AML_OK;
        if (attempt + 1 < ATTEMPTS) take_apart(&from, s);
        tighter *= 0.9 / excess;
    }
    return still_beyond(*us, *bytes);
}

aml_status aml_study_conclude(aml_study *s) {
    aml_menu menu;
    aml_adjusted told;
    double us, bytes;
    aml_study_report(s, "ensemble", NULL);
    s->model->validation = aml_strdup(s->model->arena, s->folds.scheme);
    if (!s->model->validation) return AML_ENOMEM;
    aml_trial *partial = unfinished(s);
    if (partial) return finish_unfinished(s, partial);
    if (!s->leader || !(s->leader->loss < s->yardstick->loss)) AML_TRY(report_no_signal(s));
    AML_TRY(aml_costs_measure(s));
    AML_TRY(make_model(&menu, &told, &us, &bytes, s));
    AML_TRY(aml_adjust_tell(s, &told));
    AML_TRY(copy_guardrails(s));
    AML_TRY(aml_study_board(s, &menu.at[menu.chosen]));
    AML_TRY(aml_menu_tell(s, &menu, us, bytes));
    AML_TRY(forecast(s));
    return fit_board(s);
}
