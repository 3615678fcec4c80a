/* trials.h: the search: trials suggested by a sampler, run side by side. */
#ifndef AML_ENGINE_TRIALS_H
#define AML_ENGINE_TRIALS_H

#include "automl/engine/journal.h"
#include "automl/engine/ranks.h"

typedef struct aml_search {
    const aml_bench *bench;
    const aml_composer *composer;
    const aml_sampler *sampler;
    const aml_scheduler *scheduler;
    const aml_problem *problem;
    size_t max_trials;  /* SIZE_MAX = none */
    size_t concurrency; /* trial k is suggested from the results of trials 0 … k - concurrency */
    int n_workers, n_threads; /* trials side by side, threads inside each */
    size_t keep,
        keep_bytes; /* trials whose models and predictions stay in memory: the best ones, at most so many, and
                                their models at most so large; the best one always; and some special ones (aml_kept) */
    double exit_loss;     /* a trial as good as this is enough; -INFINITY = none */
    size_t patience;      /* so many trials in a row without a better one are enough; 0 = none */
    double trial_timeout; /* seconds a trial, 0 = none */
    double deadline;  /* of the first trials; 0 = none: then time does not matter to any choice */
    aml_ranks *ranks; /* that fit the trials; or NULL */
    atomic_bool *stop;
    const volatile int *interrupt; /* the caller's stop flag, or NULL */
    aml_journal *journal;          /* trials that are in it are not fitted again; or NULL */
    void (*wait)(
        void *arg); /* called before a trial is taken, from any worker; may wait; or NULL */
    /* Called after each trial, one at a time; answers the deadline of the next ones (not for those of an earlier process). */
    double (*ended)(const aml_trial *t, void *arg);
    void *arg;
} aml_search;

typedef struct aml_trials {
    size_t n, room;
    aml_trial **at; /* by id */
    bool reached;   /* it ended with exit_loss */
    bool patient;   /* it ended with patience */
    size_t
        other; /* restored trials whose repetition gave another result: of another machine or library */
} aml_trials;

/* The trials that are in the journal, with the models of those that are kept; aml_trials_run goes on from there. Without it,
 * aml_trials_run takes them from the journal as their numbers come, and has the models made in the end. */
aml_status aml_trials_restore(aml_trials *out, const aml_search *search);

/* Runs until trials, time or the stop flag end it; what was in flight at the deadline counts as failed and is left out.
 * AML_ENOMEM when not even the bookkeeping could be had. */
aml_status aml_trials_run(aml_trials *out, const aml_search *search);
void aml_trials_free(aml_trials *t);

#endif
