/* study_steps.c: a study in a thread of its own, paced by its caller: the aml_study_ functions of automl.h. */
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "automl/core/call.h"
#include "automl/core/linalg.h"
#include "automl/core/par.h"
#include "automl/engine/study.h"

typedef struct standing { /* of a trial that has ended */
    aml_leader leader;
    double loss;
} standing;

/* What the caller's threads and the study's share. The lock is never held while either does its work. */
typedef struct aml_pace {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool has_thread, joined;
    bool runs;     /* by itself */
    bool searched; /* the search is over; the model is made once it runs by itself */
    bool over;     /* the thread is at its end */
    bool given;    /* the model is the caller's */
    int steps;     /* callers who are in a step */
    size_t ended, told;
    aml_status status;
    aml_error error;
    aml_train_options options;
    const aml_frame *data;
    aml_arena *keep;
    size_t n, room;
    standing *board; /* best first */
    aml_progress progress;
} aml_pace;

/* ---- in the study's threads */

static bool may_go(const aml_pace *p, const aml_study *s) {
    const volatile int *asked = s->options->stop;
    return p->runs || (p->steps && !p->searched) || atomic_load(&s->stop) || (asked && *asked);
}

void aml_pace_wait(void *study) {
    aml_study *s = study;
    aml_pace *p = s->pace;
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    while (!may_go(p, s)) pthread_cond_wait(&p->changed, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

static bool before(const standing *a, const standing *b) {
    bool x = !strcmp(a->leader.state, "done"), y = !strcmp(b->leader.state, "done");
    if (x != y) return x;
    if (isnan(a->loss) || isnan(b->loss)) return isnan(b->loss) && !isnan(a->loss);
    return a->loss < b->loss || (!(a->loss > b->loss) && a->leader.trial < b->leader.trial);
}

static aml_status insert(aml_pace *p, standing x) {
    if (p->n == p->room) {
        size_t room = 2 * p->room + 16;
        standing *board = aml_realloc(p->board, room * sizeof *board);
        if (!board) return AML_ENOMEM;
        p->board = board;
        p->room = room;
    }
    x.leader.pipeline = aml_strdup(p->keep, x.leader.pipeline);
    x.leader.reason = aml_strdup(p->keep, x.leader.reason);
    if (!x.leader.pipeline || !x.leader.reason) return AML_ENOMEM;
    size_t at = p->n++;
    for (; at && before(&x, &p->board[at - 1]); at--) p->board[at] = p->board[at - 1];
    p->board[at] = x;
    return AML_OK;
}

static void take_progress(aml_pace *p, const aml_progress *now) {
    const char *run = p->progress.run;
    p->progress = *now;
    p->progress.last = NULL;
    p->progress.run = run || !now->run ? run : aml_strdup(p->keep, now->run);
}

void aml_pace_trial(aml_study *s, const aml_trial *t, const aml_progress *now) {
    aml_pace *p = s->pace;
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    if (insert(p, (standing){*now->last, t->loss})) atomic_store(&s->stop, true);
    take_progress(p, now);
    p->ended++;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

void aml_pace_stage(aml_study *s, const aml_progress *now) {
    aml_pace *p = s->pace;
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    take_progress(p, now);
    bool begins = !strcmp(now->stage, "begin"); /* the search follows */
    if (!begins) p->searched = true;
    pthread_cond_broadcast(&p->changed);
    while (!begins && !p->runs) pthread_cond_wait(&p->changed, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

static void *run(void *arg) {
    aml_study *s = arg;
    aml_pace *p = s->pace;
    aml_par_init();
    aml_linalg_init();
    double late = aml_now() - s->start; /* since aml_study_new */
    s->start += late;
    if (s->deadline > 0) s->deadline += late;
    aml_status status = aml_study_run(s, p->data);
    pthread_mutex_lock(&p->lock);
    p->status = status;
    if (status) p->error = *aml_last_error();
    p->searched = p->over = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* ---- in the caller's */

static aml_pace *pace_new(void) {
    aml_pace *p = aml_calloc(1, sizeof *p);
    if (!p || !(p->keep = aml_arena_new(NULL))) {
        aml_free(p);
        return NULL;
    }
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&p->changed, &clock);
    pthread_condattr_destroy(&clock);
    pthread_mutex_init(&p->lock, NULL);
    return p;
}

static void pace_free(aml_pace *p) {
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    aml_arena_free(p->keep);
    aml_free(p->board);
    aml_free(p);
}

aml_status aml_study_new(aml_study **out, const aml_frame *data, const aml_train_options *options) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(data);
    AML_NEED(options);
    aml_train_options o;
    AML_TRY(aml_study_options(&o, options));
    aml_study *s = aml_calloc(1, sizeof *s);
    aml_pace *p = s ? pace_new() : NULL;
    if (!p) {
        aml_free(s);
        return AML_ENOMEM;
    }
    p->options = o;
    p->data = data;
    aml_status status = aml_study_init(s, &p->options, data);
    s->pace = p;
    *out = s;
    if (!status) return AML_OK;
    aml_study_free(s);
    *out = NULL;
    return status;
}

/* With the lock held. Signals are for the caller's threads. */
static aml_status start_thread(aml_study *s) {
    aml_pace *p = s->pace;
    sigset_t all, was;
    if (p->has_thread) return AML_OK;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &was);
    p->has_thread = !pthread_create(&p->thread, NULL, run, s);
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    return p->has_thread ? AML_OK : aml_fail(AML_ENOMEM, "cannot start a thread for the study");
}

/* With the lock held: what a step says that no trial has ended. */
static aml_status standing_of(const aml_pace *p) {
    if (!p->searched) return AML_OK;
    if (p->over && p->status) {
        aml_set_error(&p->error);
        return p->status;
    }
    return aml_help(aml_fail(AML_ESTOPPED, "the search is over"), NULL,
                    "aml_study_finish gives the model");
}

static struct timespec after(double seconds) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    double whole = floor(seconds);
    t.tv_sec += (time_t)whole;
    t.tv_nsec += (long)((seconds - whole) * 1e9);
    if (t.tv_nsec < 1000000000) return t;
    t.tv_nsec -= 1000000000;
    t.tv_sec++;
    return t;
}

aml_status aml_study_step(aml_study *study, double seconds) {
    static const double LONGEST = 1e9;
    AML_NEED(study);
    aml_pace *p = study->pace;
    if (!(seconds >= 0)) return aml_fail(AML_EUSAGE, "a step of %g seconds", seconds);
    const struct timespec until = after(fmin(seconds, LONGEST));
    pthread_mutex_lock(&p->lock);
    aml_status status = start_thread(study);
    p->steps++;
    pthread_cond_broadcast(&p->changed);
    for (int late = 0; !status && !late && p->told == p->ended && !p->searched;)
        late = pthread_cond_timedwait(&p->changed, &p->lock, &until);
    p->steps--;
    if (!status && p->told < p->ended) p->told++;
    else if (!status) status = standing_of(p);
    pthread_mutex_unlock(&p->lock);
    return status;
}

aml_status aml_study_start(aml_study *study) {
    AML_NEED(study);
    aml_pace *p = study->pace;
    pthread_mutex_lock(&p->lock);
    aml_status status = start_thread(study);
    p->runs = !status;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return status;
}

void aml_study_stop(aml_study *study) {
    AML_NEED_OR(study, );
    aml_pace *p = study->pace;
    pthread_mutex_lock(&p->lock);
    atomic_store(&study->stop, true);
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

/* Waits for the thread's end; then the study's own memory is no longer needed. */
static void join(aml_study *s) {
    aml_pace *p = s->pace;
    pthread_mutex_lock(&p->lock);
    while (p->has_thread && !p->over) pthread_cond_wait(&p->changed, &p->lock);
    bool first = !p->joined;
    p->joined = true;
    pthread_mutex_unlock(&p->lock);
    if (!first) return;
    if (p->has_thread) pthread_join(p->thread, NULL);
    aml_study_clear(s);
    if (p->over && !p->status) return;
    aml_model_free(s->model);
    s->model = NULL;
}

aml_status aml_study_finish(aml_model **out, aml_study *study) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(study);
    aml_pace *p = study->pace;
    AML_TRY(aml_study_start(study));
    join(study);
    pthread_mutex_lock(&p->lock);
    aml_status status = p->status;
    if (status) aml_set_error(&p->error);
    else if (p->given) status = aml_fail(AML_EUSAGE, "the model of this study was given already");
    else *out = study->model;
    p->given = true;
    pthread_mutex_unlock(&p->lock);
    return status;
}

int aml_study_leader(aml_study *study, size_t i, aml_leader *out) {
    AML_NEED_OR(study, 0);
    AML_NEED_OR(out, 0);
    aml_pace *p = study->pace;
    pthread_mutex_lock(&p->lock);
    int found = i < p->n;
    if (found) {
        aml_leader l = p->board[i].leader;
        l.rank = strcmp(l.state, "done") ? 0 : i + 1;
        aml_call_give(out, &l, sizeof l);
    }
    pthread_mutex_unlock(&p->lock);
    return found;
}

int aml_study_progress(aml_study *study, aml_progress *out) {
    AML_NEED_OR(study, 0);
    AML_NEED_OR(out, 0);
    aml_pace *p = study->pace;
    pthread_mutex_lock(&p->lock);
    int found = p->progress.stage && aml_call_give(out, &p->progress, sizeof *out);
    pthread_mutex_unlock(&p->lock);
    return found;
}

void aml_study_free(aml_study *study) {
    if (!study) return;
    aml_pace *p = study->pace;
    aml_study_stop(study);
    if (p->has_thread) (void)aml_study_start(study);
    join(study);
    if (!p->given) aml_model_free(study->model);
    pace_free(p);
    aml_free(study);
}
