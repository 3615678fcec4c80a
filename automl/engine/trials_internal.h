/* trials_internal.h: what the files of trials.h share. */
#ifndef AML_ENGINE_TRIALS_INTERNAL_H
#define AML_ENGINE_TRIALS_INTERNAL_H

#include <pthread.h>

#include "automl/engine/trials.h"

typedef struct aml_team {
    const aml_search *s;
    aml_trials *trials;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    double deadline; /* as it stands */
    size_t next;
    size_t running, begun; /* trials: now, and ever */
    size_t alone;          /* those that wait to be run alone, or are: no other begins */
    aml_status status;
    bool over;
} aml_team;

static inline bool aml_trial_ended(const aml_trial *t) {
    return t->n_folds > 0 && t->state != AML_TRIAL_PENDING;
}
static inline bool aml_trial_before(const aml_trial *a, const aml_trial *b) {
    return a->loss < b->loss || (a->loss == b->loss && a->id < b->id);
}

/* ---- trials.c */

aml_trial *aml_team_trial(const aml_team *m,
                          size_t id); /* with room for its configuration, or NULL */
/* The plan of its configuration, and its text. */
aml_status aml_team_name(aml_trial *t, const aml_team *m);
aml_status aml_team_append(aml_team *m, aml_trial *t); /* the team's from then on */
size_t aml_team_ended_prefix(const aml_team *m); /* so many of the first trials have all ended */
bool aml_team_is_late(const aml_team *m);        /* the time is over, or an end is asked for */

/* ---- what stays in memory (trials_kept.c) */

/* With the lock held: only trials that are kept have their models. Judged by trials that have all ended. */
void aml_team_slim(aml_team *m);
/* Of all trials that are done, best first: calls `kept` for those that are kept. */
void aml_team_each_kept(const aml_search *s, aml_trial *const *at, size_t n,
                        void (*kept)(aml_trial *t, void *arg), void *arg);

/* ---- trials of earlier processes (trials_past.c) */

/* With the lock held: trials as they are in the record, up to the next that is not. */
aml_status aml_team_restore(aml_team *m);
/* With the lock held: the next trial of a run that is repeated; NULL after the last. */
aml_status aml_team_take_again(aml_trial **out, aml_team *m);
/* With the lock held: the result is to be what it was; what the clock said then counts. */
void aml_team_check_again(aml_trial *t, aml_team *m);
/* Models and predictions of those that are kept and have none. */
aml_status aml_team_revive(aml_team *m);

#endif
