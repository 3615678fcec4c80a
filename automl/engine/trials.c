/* trials.c: workers that take the next trial under one lock. Trial k sees the results of trials 0 … k - concurrency
 * only (under a deadline: all there are), so that the number of threads does not change what is tried. */
#include <math.h>
#include <string.h>

#include "automl/core/par.h"
#include "automl/engine/trials_internal.h"

enum { CHEAP = 30, AFFORDABLE = 8 }; /* times in the time left */
static const double REFIT = 2;       /* what a fit on all rows may take, in fits of a fold */

/* How many of the first trials have all ended. */
size_t aml_team_ended_prefix(const aml_team *m) {
    size_t i = 0;
    while (i < m->trials->n && aml_trial_ended(m->trials->at[i])) i++;
    return i;
}

/* Is the result of trial i to be seen by the suggestion of trial k? */
static bool visible(const aml_team *m, size_t i, size_t k) {
    if (!aml_trial_ended(m->trials->at[i])) return false;
    return m->deadline > 0 || i + m->s->concurrency <= k;
}

static aml_record record_of(const aml_team *m, size_t i, size_t k) {
    const aml_trial *t = m->trials->at[i];
    aml_record r = {.id = i, .state = AML_TRIAL_PENDING, .config = t->config, .loss = NAN};
    if (!visible(m, i, k)) return r;
    r.state = t->state;
    r.loss = t->loss;
    r.seconds = m->deadline > 0 ? t->fit_seconds + t->predict_seconds : 0;
    r.fold_loss = t->fold_loss;
    r.n_done = t->n_done;
    r.n_folds = t->n_folds;
    return r;
}

static aml_status tell(aml_told *told, const aml_team *m, size_t k, aml_arena *scratch) {
    aml_record *records = AML_ARRAY(scratch, k + 1, aml_record);
    if (!records) return AML_ENOMEM;
    for (size_t i = 0; i < k; i++) records[i] = record_of(m, i, k);
    aml_records_align(records, k);
    double left = m->deadline > 0 ? m->deadline - aml_now() : INFINITY;
    *told =
        (aml_told){.n = k,
                   .records = records,
                   .time_left = left > 0 ? left : 0,
                   .concurrency = m->s->concurrency,
                   .trials_left = m->s->max_trials == SIZE_MAX ? SIZE_MAX : m->s->max_trials - k};
    return AML_OK;
}

static aml_status suggest(double *config, const aml_team *m, const aml_told *told,
                          aml_arena *scratch) {
    const aml_search *s = m->s;
    double hp[AML_MAX_PARAMS] = {0};
    aml_params_defaults(hp, s->sampler->params);
    aml_ctx ctx = {
        .keep = scratch,
        .scratch = scratch,
        .n_threads = 1,
        .rng = aml_rng_stream(s->bench->seed, AML_RNG_SEARCH, 0, 0)}; /* samplers draw by told->n */
    AML_TRY(s->sampler->suggest(config, &s->composer->space, told, s->problem, hp, &ctx));
    aml_space_repair(config, &s->composer->space);
    return AML_OK;
}

aml_trial *aml_team_trial(const aml_team *m, size_t id) {
    aml_trial *t = aml_calloc(1, sizeof *t);
    if (!t) return NULL;
    t->id = id;
    t->config = aml_calloc(m->s->composer->space.n, sizeof(double));
    if (t->config) return t;
    aml_trial_free(t);
    return NULL;
}

aml_status aml_team_append(aml_team *m, aml_trial *t) {
    aml_trials *list = m->trials;
    if (list->n == list->room) {
        size_t room = list->room * 2 + 16;
        aml_trial **at = aml_realloc(list->at, room * sizeof *at);
        if (!at) return AML_ENOMEM;
        list->at = at;
        list->room = room;
    }
    list->at[list->n++] = t;
    return AML_OK;
}

aml_status aml_team_name(aml_trial *t, const aml_team *m) {
    aml_string text = {0};
    aml_compose(&t->plan, m->s->composer, t->config);
    aml_plan_text(&text, &t->plan);
    t->text = text.text;
    return text.failed ? AML_ENOMEM : AML_OK;
}

bool aml_team_is_late(const aml_team *m) {
    const aml_search *s = m->s;
    if (atomic_load(s->stop) || (s->interrupt && *s->interrupt)) return true;
    return m->deadline > 0 && aml_now() >= m->deadline;
}

/* What a trial may take: a third of the time left, or twice as long as the best so far took, but not the time for a fit
 * on all rows. The first ones are the model that there will be in any case. */
static double patience(const aml_team *m, const aml_learner *learner) {
    const aml_trial *best = NULL;
    double left = m->deadline - aml_now(), k = (double)m->s->bench->folds->k;
    if (!(m->deadline > 0)) return 0;
    if (learner->can & AML_REFIT) left /= 1 + REFIT / k;
    for (size_t i = 0; i < m->trials->n; i++) {
        const aml_trial *t = m->trials->at[i];
        if (aml_trial_ended(t) && t->state == AML_TRIAL_DONE && (!best || t->loss < best->loss))
            best = t;
    }
    if (!best) return fmax(0.7 * left, 1e-3);
    double twice = 2 * (best->fit_seconds + best->predict_seconds);
    return fmax(fmin(fmax(left / 3, twice), left), 1e-3);
}

/* Have the trials that trial k may see shown that no more are needed? */
static bool is_enough(aml_team *m, size_t k) {
    double best = INFINITY;
    size_t since = 0;
    for (size_t i = 0; i < k; i++) {
        if (!visible(m, i, k)) continue;
        const aml_trial *t = m->trials->at[i];
        bool better = t->state == AML_TRIAL_DONE && t->loss < best;
        if (better) best = t->loss;
        since = better ? 0 : since + 1;
    }
    m->trials->reached = best <= m->s->exit_loss;
    m->trials->patient = m->s->patience && since >= m->s->patience && isfinite(best);
    return m->trials->reached || m->trials->patient;
}

/* With the lock held: the next trial, ready to run; NULL with OK when the search is over. */
static aml_status take(aml_trial **out, aml_team *m, aml_arena *scratch) {
    const aml_search *s = m->s;
    *out = NULL;
    if (aml_journal_replays(s->journal))
        return m->over || aml_team_is_late(m) ? AML_OK : aml_team_take_again(out, m);
    AML_TRY(aml_team_restore(m));
    size_t k = m->next;
    if (m->over || k >= s->max_trials || atomic_load(s->stop) || (s->interrupt && *s->interrupt))
        return AML_OK;
    if (m->deadline > 0 && aml_now() >= m->deadline) return AML_OK;
    m->next++;
    if (m->deadline <= 0)
        while (!m->over && k >= s->concurrency && aml_team_ended_prefix(m) + s->concurrency <= k)
            pthread_cond_wait(&m->changed, &m->lock);
    while (!m->over && m->trials->n < k)
        pthread_cond_wait(&m->changed, &m->lock); /* suggestions in order */
    m->over = m->over || is_enough(m, k);
    if (m->over) return AML_OK;
    aml_trial *t = aml_team_trial(m, k);
    aml_told told;
    aml_status status = t ? tell(&told, m, k, scratch) : AML_ENOMEM;
    if (!status) status = suggest(t->config, m, &told, scratch);
    if (!status) status = aml_team_name(t, m);
    if (!status) t->patience = patience(m, t->plan.learner);
    if (!status) t->timeout = s->trial_timeout;
    if (!status) status = aml_team_append(m, t);
    if (status) aml_trial_free(t);
    else *out = t;
    pthread_cond_broadcast(&m->changed);
    return status;
}

typedef struct judge {
    aml_team *m;
    size_t id;
} judge;

static double mean(const double *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    return sum / (double)n;
}

/* Is the trial behind the leader, on the folds it has, by no more than a hundredth of what the leader gained? */
static bool is_near(const aml_trial *t, const aml_told *told, double baseline) {
    const aml_record *leader = NULL;
    for (size_t i = 0; i < told->n; i++) {
        const aml_record *r = &told->records[i];
        if (r->state == AML_TRIAL_DONE && (!leader || r->loss < leader->loss)) leader = r;
    }
    if (!leader) return true;
    double best = mean(leader->fold_loss, t->n_done);
    return mean(t->fold_loss, t->n_done) - best < 0.01 * (baseline - best);
}

/* An ensemble lives on different opinions: where no trial of its learner is complete yet, one is no race if what is left
 * of it is cheap, or affordable and it comes near. */
static bool exempt(const aml_team *m, const aml_trial *t, const aml_told *told) {
    for (size_t i = 0; i < told->n; i++)
        if (told->records[i].state == AML_TRIAL_DONE &&
            m->trials->at[i]->plan.learner == t->plan.learner)
            return false;
    double rest = t->fit_seconds / (double)t->n_done * (double)(t->n_folds - t->n_done);
    if (m->deadline > 0 && AFFORDABLE * rest > told->time_left) return false;
    if ((t->plan.learner->can & AML_REFIT) && (m->deadline <= 0 || CHEAP * rest < told->time_left))
        return true;
    return is_near(t, told, m->s->problem->baseline_loss);
}

/* Asks the scheduler, showing it what this trial may see. */
static bool going(const aml_trial *t, void *arg) {
    judge *j = arg;
    aml_team *m = j->m;
    const aml_search *s = m->s;
    double hp[AML_MAX_PARAMS] = {0};
    if (t->repeats) return t->n_done < t->repeats;
    aml_params_defaults(hp, s->scheduler->params);
    aml_arena *scratch = aml_arena_new(NULL);
    aml_told told;
    bool answer = true;
    pthread_mutex_lock(&m->lock);
    if (scratch && !tell(&told, m, j->id, scratch) && !exempt(m, t, &told))
        answer = s->scheduler->keep_going(t->fold_loss, t->n_done, t->n_folds, &told, hp);
    pthread_mutex_unlock(&m->lock);
    aml_arena_free(scratch);
    return answer;
}

/* ---- a trial that memory was too short for beside others runs again when they have ended */

static size_t enter(aml_team *m, bool alone) {
    pthread_mutex_lock(&m->lock);
    m->alone += alone;
    while (alone ? m->running > 0 : m->alone > 0) pthread_cond_wait(&m->changed, &m->lock);
    bool company = m->running++ > 0;
    size_t begun = ++m->begun;
    pthread_mutex_unlock(&m->lock);
    return company ? 0 : begun;
}

/* Was there any other between? `entered` is what enter() gave. */
static bool leave(aml_team *m, bool alone, size_t entered) {
    pthread_mutex_lock(&m->lock);
    m->running--;
    m->alone -= alone;
    bool company = entered != m->begun;
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
    return company;
}

static void run_alone_if_short(aml_trial *work, const aml_trial *t, aml_team *m, judge *j,
                               aml_ctx *ctx) {
    const aml_search *s = m->s;
    size_t entered = enter(m, false);
    aml_trial_run(work, s->bench, going, j, ctx);
    bool company = leave(m, false, entered);
    if (work->status != AML_ENOMEM || aml_team_is_late(m)) return;
    entered = enter(m, true);
    if (aml_designs_trim(s->bench->designs) || company) {
        aml_trial_forget(work);
        *work = *t;
        aml_trial_run(work, s->bench, going, j, ctx);
    }
    leave(m, true, entered);
}

static void run_one(aml_team *m, aml_trial *t, double deadline) {
    const aml_search *s = m->s;
    aml_trial work = *t; /* the shared one changes only under the lock */
    aml_ctx ctx = {.n_threads = s->n_threads,
                   .deadline = deadline,
                   .stop = s->stop,
                   .interrupt = s->interrupt};
    judge j = {m, t->id};
    aml_trial_checkpoint states;
    ctx.checkpoint = aml_journal_checkpoint(&states, s->journal, &work);
    if (s->ranks) aml_ranks_run(s->ranks, &work, s->bench, s->composer->space.n, going, &j, &ctx);
    else run_alone_if_short(&work, t, m, &j, &ctx);
    aml_journal_checkpoint_end(&states);
    pthread_mutex_lock(&m->lock);
    if (work.repeats) aml_team_check_again(&work, m);
    *t = work;
    aml_team_slim(m);
    if (s->ended) m->deadline = s->ended(t, s->arg);
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
}

static void worker(void *arg, size_t block, size_t begin, size_t end, int thread) {
    aml_team *m = arg;
    (void)block, (void)begin, (void)end, (void)thread;
    for (;;) {
        aml_arena *scratch = aml_arena_new(NULL);
        aml_trial *t = NULL;
        if (m->s->wait) m->s->wait(m->s->arg);
        pthread_mutex_lock(&m->lock);
        aml_status status = scratch ? take(&t, m, scratch) : AML_ENOMEM;
        if (status || !t) {
            if (status) m->status = status;
            m->over = m->over || status;
            pthread_cond_broadcast(&m->changed);
            pthread_mutex_unlock(&m->lock);
            aml_arena_free(scratch);
            return;
        }
        double deadline = m->deadline;
        pthread_mutex_unlock(&m->lock);
        aml_arena_free(scratch);
        run_one(m, t, deadline);
    }
}

static void start(aml_team *m, aml_trials *list, const aml_search *s) {
    *m = (aml_team){.s = s, .trials = list, .deadline = s->deadline, .next = list->n};
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->changed, NULL);
}

static aml_status finish(aml_team *m, aml_status status) {
    pthread_cond_destroy(&m->changed);
    pthread_mutex_destroy(&m->lock);
    return status;
}

aml_status aml_trials_restore(aml_trials *out, const aml_search *s) {
    aml_team m;
    start(&m, out, s);
    aml_status status = aml_team_restore(&m);
    return finish(&m, status ? status : aml_team_revive(&m));
}

aml_status aml_trials_run(aml_trials *out, const aml_search *s) {
    aml_team m;
    start(&m, out, s);
    aml_par_for(s->n_workers, (size_t)s->n_workers, 1, worker, &m);
    return finish(&m, m.status ? m.status : aml_team_revive(&m));
}

void aml_trials_free(aml_trials *t) {
    for (size_t i = 0; i < t->n; i++) aml_trial_free(t->at[i]);
    aml_free(t->at);
    *t = (aml_trials){0};
}
