/* trials.c: workers that take the next trial under one lock. Trial k sees the results of trials 0 … k - concurrency
 * only (under a deadline: all there are), so that the number of threads does not change what is tried. */
#include "automl/engine/trials.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "automl/core/par.h"
#include "automl/core/sort.h"

enum { CHEAP = 30, AFFORDABLE = 8 }; /* times in the time left */
static const double REFIT = 2;       /* what a fit on all rows may take, in fits of a fold */
enum { MOST_LEARNERS = 64 };
enum { SPECIAL = 64 }; /* times in the bytes that may be kept */

typedef struct team {
    const aml_search *s;
    aml_trials *trials;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    double deadline; /* as it stands */
    size_t next;
    aml_status status;
    bool over;
} team;

static bool ended(const aml_trial *t) { return t->n_folds > 0 && t->state != AML_TRIAL_PENDING; }

/* How many of the first trials have all ended. */
static size_t ended_prefix(const team *m) {
    size_t i = 0;
    while (i < m->trials->n && ended(m->trials->at[i])) i++;
    return i;
}

/* Is the result of trial i to be seen by the suggestion of trial k? */
static bool visible(const team *m, size_t i, size_t k) {
    if (!ended(m->trials->at[i])) return false;
    return m->deadline > 0 || i + m->s->concurrency <= k;
}

static aml_record record_of(const team *m, size_t i, size_t k) {
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

static aml_status tell(aml_told *told, const team *m, size_t k, aml_arena *scratch) {
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

static aml_status suggest(double *config, const team *m, const aml_told *told, aml_arena *scratch) {
    const aml_search *s = m->s;
    double hp[AML_MAX_PARAMS] = {0};
    for (size_t i = 0; i < aml_params_count(s->sampler->params); i++)
        hp[i] = s->sampler->params[i].fallback;
    aml_ctx ctx = {
        .keep = scratch,
        .scratch = scratch,
        .n_threads = 1,
        .rng = aml_rng_stream(s->bench->seed, AML_RNG_SEARCH, 0, 0)}; /* samplers draw by told->n */
    AML_TRY(s->sampler->suggest(config, &s->composer->space, told, s->problem, hp, &ctx));
    aml_space_repair(config, &s->composer->space);
    return AML_OK;
}

static aml_trial *trial_new(const team *m, size_t id) {
    aml_trial *t = aml_calloc(1, sizeof *t);
    if (!t) return NULL;
    t->id = id;
    t->config = aml_calloc(m->s->composer->space.n, sizeof(double));
    if (t->config) return t;
    aml_trial_free(t);
    return NULL;
}

static aml_status append(aml_trials *list, aml_trial *t) {
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

/* What a trial may take: a third of the time left, or twice as long as the best so far took, but not the time for a fit
 * on all rows. The first ones are the model that there will be in any case. */
static double patience(const team *m, const aml_learner *learner) {
    const aml_trial *best = NULL;
    double left = m->deadline - aml_now(), k = (double)m->s->bench->folds->k;
    if (!(m->deadline > 0)) return 0;
    if (learner->can & AML_REFIT) left /= 1 + REFIT / k;
    for (size_t i = 0; i < m->trials->n; i++) {
        const aml_trial *t = m->trials->at[i];
        if (ended(t) && t->state == AML_TRIAL_DONE && (!best || t->loss < best->loss)) best = t;
    }
    if (!best) return fmax(0.7 * left, 1e-3);
    double twice = 2 * (best->fit_seconds + best->predict_seconds);
    return fmax(fmin(fmax(left / 3, twice), left), 1e-3);
}

/* Have the trials that trial k may see shown that no more are needed? */
static bool is_enough(team *m, size_t k) {
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

static aml_status name_plan(aml_trial *t, const team *m) {
    aml_string text = {0};
    aml_compose(&t->plan, m->s->composer, t->config);
    aml_plan_text(&text, &t->plan);
    t->text = text.text;
    return text.failed ? AML_ENOMEM : AML_OK;
}

/* Trials as they are in the record, up to the next that is not; what they were suggested from does not matter any more. */
static aml_status restore(team *m) {
    const aml_search *s = m->s;
    while (!m->over && m->next < s->max_trials && aml_journal_knows(s->journal, m->next)) {
        if (m->trials->n < m->next) { /* one before them is being suggested */
            pthread_cond_wait(&m->changed, &m->lock);
            continue;
        }
        aml_trial *t = trial_new(m, m->next++);
        aml_status status = t ? aml_journal_restore(t, s->journal) : AML_ENOMEM;
        if (!status) status = name_plan(t, m);
        if (!status) status = append(m->trials, t);
        if (status) aml_trial_free(t);
        if (status) return status;
        if (s->ended) s->ended(t, s->arg);
    }
    return AML_OK;
}

static bool is_late(const team *m) {
    const aml_search *s = m->s;
    if (atomic_load(s->stop) || (s->interrupt && *s->interrupt)) return true;
    return m->deadline > 0 && aml_now() >= m->deadline;
}

/* Can a trial be run once more to the same end? Not where the clock or a shortage ended it. */
static bool is_repeatable(const aml_trial *t) {
    bool ended = t->state == AML_TRIAL_DONE || t->state == AML_TRIAL_PRUNED;
    return ended && t->status == AML_OK && !t->truncated;
}

/* The next trial of a run that is repeated. */
static aml_status take_again(aml_trial **out, team *m) {
    const aml_search *s = m->s;
    while (!*out && m->next < s->max_trials && aml_journal_knows(s->journal, m->next)) {
        aml_trial *t = trial_new(m, m->next++);
        aml_status status = t ? aml_journal_restore(t, s->journal) : AML_ENOMEM;
        if (!status) status = name_plan(t, m);
        if (!status) status = append(m->trials, t);
        if (status) aml_trial_free(t);
        if (status) return status;
        if (!is_repeatable(t)) {
            if (t->status == AML_ESTOPPED && t->n_done) aml_journal_revive(t, s->journal);
            if (s->ended) s->ended(t, s->arg);
            continue;
        }
        aml_free(t->fold_loss);
        aml_free(t->fold_score);
        *t = (aml_trial){.id = t->id,
                         .plan = t->plan,
                         .text = t->text,
                         .config = t->config,
                         .repeats = t->n_done};
        *out = t;
    }
    return AML_OK;
}

/* With the lock held: the next trial, ready to run; NULL with OK when the search is over. */
static aml_status take(aml_trial **out, team *m, aml_arena *scratch) {
    const aml_search *s = m->s;
    *out = NULL;
    if (aml_journal_replays(s->journal)) return m->over || is_late(m) ? AML_OK : take_again(out, m);
    AML_TRY(restore(m));
    size_t k = m->next;
    if (m->over || k >= s->max_trials || atomic_load(s->stop) || (s->interrupt && *s->interrupt))
        return AML_OK;
    if (m->deadline > 0 && aml_now() >= m->deadline) return AML_OK;
    m->next++;
    if (m->deadline <= 0)
        while (!m->over && k >= s->concurrency && ended_prefix(m) + s->concurrency <= k)
            pthread_cond_wait(&m->changed, &m->lock);
    while (!m->over && m->trials->n < k)
        pthread_cond_wait(&m->changed, &m->lock); /* suggestions in order */
    m->over = m->over || is_enough(m, k);
    if (m->over) return AML_OK;
    aml_trial *t = trial_new(m, k);
    aml_told told;
    aml_status status = t ? tell(&told, m, k, scratch) : AML_ENOMEM;
    if (!status) status = suggest(t->config, m, &told, scratch);
    if (!status) status = name_plan(t, m);
    if (!status) t->patience = patience(m, t->plan.learner);
    if (!status) t->timeout = s->trial_timeout;
    if (!status) status = append(m->trials, t);
    if (status) aml_trial_free(t);
    else *out = t;
    pthread_cond_broadcast(&m->changed);
    return status;
}

typedef struct judge {
    team *m;
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
static bool exempt(const team *m, const aml_trial *t, const aml_told *told) {
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
    team *m = j->m;
    const aml_search *s = m->s;
    double hp[AML_MAX_PARAMS] = {0};
    if (t->repeats) return t->n_done < t->repeats;
    for (size_t i = 0; i < aml_params_count(s->scheduler->params); i++)
        hp[i] = s->scheduler->params[i].fallback;
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

static bool before(const aml_trial *a, const aml_trial *b) {
    return a->loss < b->loss || (a->loss == b->loss && a->id < b->id);
}

static bool is_small(const aml_trial *t, const aml_search *s) {
    double out_of_fold = 4.0 * (double)s->bench->n_scored * s->bench->n_outputs;
    return SPECIAL * fmax((double)t->held, out_of_fold) <= (double)s->keep_bytes;
}

/* Of use to a model that is held to something: the best of its learner, or at least twice as fast as all better ones. */
static bool is_special(aml_kept *why, const team *m, const aml_trial *t, size_t n) {
    double us = t->predict_seconds / (double)t->n_predicted;
    if (!is_small(t, m->s)) return false;
    bool first = true, fast = true;
    for (size_t j = 0; j < n; j++) {
        const aml_trial *o = m->trials->at[j];
        if (!ended(o) || o->state != AML_TRIAL_DONE || !before(o, t)) continue;
        first &= o->plan.learner != t->plan.learner;
        fast &= 2 * us < o->predict_seconds / (double)o->n_predicted;
    }
    *why = first ? AML_KEPT_LEARNER : AML_KEPT_FAST;
    return first || fast;
}

/* Among the first n trials: is it in the longest run from the best on that fits, or a special one? Once it is not it never will be
 * again: so what is kept in the end does not depend on who ended first, and can be told from the records alone. */
static bool is_kept(const team *m, aml_trial *t, size_t n) {
    size_t better = 0, bytes = t->held;
    for (size_t j = 0; j < n; j++) {
        const aml_trial *o = m->trials->at[j];
        if (!ended(o) || o->state != AML_TRIAL_DONE || !before(o, t)) continue;
        better++;
        bytes += o->held;
    }
    if (!better || (better < m->s->keep && bytes <= m->s->keep_bytes)) return true;
    return is_special(&t->kept, m, t, n);
}

/* With the lock held: only trials that are kept have their models. Judged by trials that have all ended. */
static void slim_losers(team *m) {
    size_t n = m->deadline > 0 ? m->trials->n : ended_prefix(m);
    for (size_t i = 0; i < n; i++) {
        aml_trial *t = m->trials->at[i];
        if (ended(t) && t->out_of_fold && !is_kept(m, t, n)) aml_trial_slim(t);
    }
}

/* The result is to be what it was; what the clock said then counts. */
static void check_repeated(aml_trial *t, team *m) {
    aml_trial was = {.id = t->id};
    was.config = aml_calloc(m->s->composer->space.n + 1, sizeof(double));
    bool known = was.config && !aml_journal_restore(&was, m->s->journal);
    if (t->status == AML_ESTOPPED) known = false; /* asked to end: the search is over */
    else if (!known || was.state != t->state || memcmp(&was.loss, &t->loss, sizeof t->loss) != 0)
        m->trials->other++;
    if (known) {
        t->fit_seconds = was.fit_seconds;
        t->predict_seconds = was.predict_seconds;
        t->n_predicted = was.n_predicted;
    }
    aml_free(was.fold_loss);
    aml_free(was.fold_score);
    aml_free(was.config);
}

static void run_one(team *m, aml_trial *t, double deadline) {
    const aml_search *s = m->s;
    aml_trial work = *t; /* the shared one changes only under the lock */
    aml_ctx ctx = {.n_threads = s->n_threads,
                   .deadline = deadline,
                   .stop = s->stop,
                   .interrupt = s->interrupt};
    judge j = {m, t->id};
    aml_trial_run(&work, s->bench, going, &j, &ctx);
    pthread_mutex_lock(&m->lock);
    if (work.repeats) check_repeated(&work, m);
    *t = work;
    slim_losers(m);
    if (s->ended) m->deadline = s->ended(t, s->arg);
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
}

static void worker(void *arg, size_t block, size_t begin, size_t end, int thread) {
    team *m = arg;
    (void)block, (void)begin, (void)end, (void)thread;
    for (;;) {
        aml_arena *scratch = aml_arena_new(NULL);
        aml_trial *t = NULL;
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

/* ---- trials of earlier processes: models and predictions of those that are kept */

typedef struct revival {
    team *m;
    size_t n;
    aml_trial **at; /* best first */
} revival;

static const double A_MOMENT = 10; /* seconds for the best one, whoever wants an end */

/* Fits it as it was fitted then: the same seeds, so the same bits. What the clock said then stays in the record. */
static void revive(void *arg, size_t i, size_t begin, size_t end, int thread) {
    revival *r = arg;
    team *m = r->m;
    const aml_search *s = m->s;
    aml_trial *t = r->at[i], again = {.id = t->id, .plan = t->plan, .config = t->config};
    (void)begin, (void)end, (void)thread;
    bool late = is_late(m);
    if (late && (i || t->fit_seconds > A_MOMENT)) return;
    aml_ctx ctx = {.n_threads = s->n_threads};
    if (!late) ctx.deadline = m->deadline, ctx.stop = s->stop, ctx.interrupt = s->interrupt;
    if (aml_journal_revive(t, s->journal)) return;
    if (!t->truncated) aml_trial_run(&again, s->bench, NULL, NULL, &ctx);
    bool same = again.state == AML_TRIAL_DONE && !memcmp(&again.loss, &t->loss, sizeof t->loss);
    if (same) {
        t->fits = again.fits;
        t->out_of_fold = again.out_of_fold;
        t->importance = again.importance;
        again.fits = NULL, again.out_of_fold = NULL, again.importance = NULL;
    } else if (again.status != AML_ESTOPPED) {
        pthread_mutex_lock(&m->lock);
        m->trials->other++;
        pthread_mutex_unlock(&m->lock);
    }
    aml_trial_slim(&again);
    aml_free(again.fold_loss);
    aml_free(again.fold_score);
    aml_free(again.importance);
}

static int by_loss(const void *a, const void *b, void *arg) {
    const aml_trial *x = *(aml_trial *const *)a, *y = *(aml_trial *const *)b;
    (void)arg;
    return before(y, x) - before(x, y);
}

/* Of all trials, best first: those that are kept (is_kept) and lack their models. `at` has room for all. */
static void find_lacking(revival *r, aml_trial *const *at, size_t n) {
    const aml_search *s = r->m->s;
    const aml_learner *seen[MOST_LEARNERS];
    size_t bytes = 0, n_seen = 0;
    double least = INFINITY; /* microseconds a row of those before */
    for (size_t i = 0; i < n; i++) {
        aml_trial *t = at[i];
        double us = t->predict_seconds / (double)t->n_predicted;
        bool first = true;
        bytes += t->held;
        for (size_t k = 0; k < n_seen; k++) first &= seen[k] != t->plan.learner;
        if (first && n_seen < MOST_LEARNERS) seen[n_seen++] = t->plan.learner;
        bool good = !i || (i < s->keep && bytes <= s->keep_bytes);
        bool special = is_small(t, s) && (first || 2 * us < least);
        least = fmin(least, us);
        if (!good && special) t->kept = first ? AML_KEPT_LEARNER : AML_KEPT_FAST;
        if ((good || special) && t->restored && !t->out_of_fold) r->at[r->n++] = t;
    }
}

static aml_status revive_kept(team *m) {
    aml_trials *list = m->trials;
    size_t n = 0;
    revival r = {m, 0, aml_calloc(list->n + 1, sizeof *r.at)};
    aml_trial **done = aml_calloc(list->n + 1, sizeof *done);
    aml_status status = r.at && done ? AML_OK : AML_ENOMEM;
    for (size_t i = 0; !status && i < list->n; i++)
        if (ended(list->at[i]) && list->at[i]->state == AML_TRIAL_DONE) done[n++] = list->at[i];
    if (!status) status = aml_sort(done, n, sizeof *done, by_loss, NULL);
    if (!status) find_lacking(&r, done, n);
    if (!status) aml_par_for(m->s->n_workers, r.n, 1, revive, &r);
    aml_free(r.at);
    aml_free(done);
    return status;
}

static void start(team *m, aml_trials *list, const aml_search *s) {
    *m = (team){.s = s, .trials = list, .deadline = s->deadline, .next = list->n};
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->changed, NULL);
}

static aml_status finish(team *m, aml_status status) {
    pthread_cond_destroy(&m->changed);
    pthread_mutex_destroy(&m->lock);
    return status;
}

aml_status aml_trials_restore(aml_trials *out, const aml_search *s) {
    team m;
    start(&m, out, s);
    aml_status status = restore(&m);
    return finish(&m, status ? status : revive_kept(&m));
}

aml_status aml_trials_run(aml_trials *out, const aml_search *s) {
    team m;
    start(&m, out, s);
    aml_par_for(s->n_workers, (size_t)s->n_workers, 1, worker, &m);
    return finish(&m, m.status ? m.status : revive_kept(&m));
}

void aml_trials_free(aml_trials *t) {
    for (size_t i = 0; i < t->n; i++) aml_trial_free(t->at[i]);
    aml_free(t->at);
    *t = (aml_trials){0};
}
