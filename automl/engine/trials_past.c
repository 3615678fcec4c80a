/* trials_past.c: trials of earlier processes of a run: from the record, or run once more. */
#include <math.h>
#include <string.h>

#include "automl/core/par.h"
#include "automl/core/sort.h"
#include "automl/engine/trials_internal.h"

/* The next trial of the record, the team's from here on. */
static aml_status restore_next(aml_trial **out, aml_team *m) {
    aml_trial *t = aml_team_trial(m, m->next++);
    aml_status status = t ? aml_journal_restore(t, m->s->journal) : AML_ENOMEM;
    if (!status) status = aml_team_name(t, m);
    if (!status) status = aml_team_append(m, t);
    if (status) aml_trial_free(t);
    else *out = t;
    return status;
}

/* What they were suggested from does not matter any more. */
aml_status aml_team_restore(aml_team *m) {
    const aml_search *s = m->s;
    while (!m->over && m->next < s->max_trials && aml_journal_knows(s->journal, m->next)) {
        if (m->trials->n < m->next) { /* one before them is being suggested */
            pthread_cond_wait(&m->changed, &m->lock);
            continue;
        }
        aml_trial *t;
        AML_TRY(restore_next(&t, m));
        if (s->ended) s->ended(t, s->arg);
    }
    return AML_OK;
}

/* Can a trial be run once more to the same end? Not where the clock or a shortage ended it. */
static bool is_repeatable(const aml_trial *t) {
    bool ended = t->state == AML_TRIAL_DONE || t->state == AML_TRIAL_PRUNED;
    return ended && t->status == AML_OK && !t->truncated;
}

aml_status aml_team_take_again(aml_trial **out, aml_team *m) {
    const aml_search *s = m->s;
    while (m->next < s->max_trials && aml_journal_knows(s->journal, m->next)) {
        aml_trial *t;
        AML_TRY(restore_next(&t, m));
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
        return AML_OK;
    }
    return AML_OK;
}

void aml_team_check_again(aml_trial *t, aml_team *m) {
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

/* ---- models and predictions of those that are kept */

typedef struct revival {
    aml_team *m;
    size_t n;
    aml_trial **at; /* best first */
} revival;

static const double A_MOMENT = 10; /* seconds for the best one, whoever wants an end */

/* Fits it as it was fitted then: the same seeds, so the same bits. What the clock said then stays in the record. */
static void revive(void *arg, size_t i, size_t begin, size_t end, int thread) {
    revival *r = arg;
    aml_team *m = r->m;
    const aml_search *s = m->s;
    aml_trial *t = r->at[i], again = {.id = t->id, .plan = t->plan, .config = t->config};
    (void)begin, (void)end, (void)thread;
    bool late = aml_team_is_late(m);
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
    return aml_trial_before(y, x) - aml_trial_before(x, y);
}

static void add_lacking(aml_trial *t, void *arg) {
    revival *r = arg;
    if (t->restored && !t->out_of_fold) r->at[r->n++] = t;
}

aml_status aml_team_revive(aml_team *m) {
    aml_trials *list = m->trials;
    size_t n = 0;
    revival r = {m, 0, aml_calloc(list->n + 1, sizeof *r.at)};
    aml_trial **done = aml_calloc(list->n + 1, sizeof *done);
    aml_status status = r.at && done ? AML_OK : AML_ENOMEM;
    for (size_t i = 0; !status && i < list->n; i++)
        if (aml_trial_ended(list->at[i]) && list->at[i]->state == AML_TRIAL_DONE)
            done[n++] = list->at[i];
    if (!status) status = aml_sort(done, n, sizeof *done, by_loss, NULL);
    if (!status) aml_team_each_kept(m->s, done, n, add_lacking, &r);
    if (!status) aml_par_for(m->s->n_workers, r.n, 1, revive, &r);
    aml_free(r.at);
    aml_free(done);
    return status;
}
