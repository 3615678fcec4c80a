/* study.h: one training from the table to the model, as a list of stages. */
#ifndef AML_ENGINE_STUDY_H
#define AML_ENGINE_STUDY_H

#include "automl/engine/ensemble.h"
#include "automl/engine/model.h"
#include "automl/engine/target.h"
#include "automl/engine/trials.h"
#include "search/parts/knowledge.h"

struct aml_study {
    const aml_train_options *options;
    aml_journal *journal;     /* of its run in the store, or NULL */
    aml_decisions *decisions; /* of the journal's run, or NULL */
    aml_model *model;         /* in the making; its account counts all bytes of the run */
    aml_ctx ctx;              /* keep and scratch of the run, n_threads */
    double start, deadline;   /* deadline 0 = none */
    size_t table_bytes;       /* of the caller's frame, counted while the study lasts */
    atomic_bool stop;
    /* data (study_data.c) */
    aml_frame data;  /* the caller's, with columns of the kinds that the user asked for */
    aml_frame *made; /* owns those columns, or NULL */
    aml_frame *rows; /* usable rows, when they are not all */
    const aml_frame *frame;
    size_t n_left_out; /* columns that the featurization option leaves out */
    const uint32_t *left_out;
    aml_target target;
    aml_task task; /* of all rows of the table: learning and own validation rows */
    aml_data_profile profile;
    aml_frame view; /* the feature columns */
    aml_table table;
    aml_facts facts;
    aml_constraints constraints;
    aml_folds folds;
    const char *
        validation; /* "cv5", "holdout0.2": what made the folds; set before: what is to make them */
    /* search (study_search.c) */
    aml_composer composer;
    aml_bench bench;
    aml_trial *yardstick;
    aml_knowledge *knowledge; /* built in, and what runs of the user taught */
    aml_problem problem;
    int trial_threads; /* of one trial */
    size_t n_refits;   /* fits on all rows so far */
    aml_trials trials;
    double best; /* loss so far */
    const aml_trial *leader;
    size_t ended, failed;
    /* of a study that is run step by step (study_steps.c), or NULL */
    struct aml_pace *pace;
};

/* A study of `options` (kept, not copied), without its stages; and its end, in which the model is not freed: it is to be freed later. */
aml_status aml_study_init(aml_study *s, const aml_train_options *options, const aml_frame *data);
void aml_study_clear(aml_study *s);

/* The stages, in this order. */
aml_status aml_study_data(aml_study *s, const aml_frame *data);
aml_status aml_study_bench(aml_study *s); /* metric, folds with their targets, space, yardstick */
aml_status aml_study_meet(aml_study *s);  /* with options->ranks: do all have the same? */
aml_status aml_study_serve(aml_study *s); /* of ranks but the first: in place of what follows */
aml_status aml_study_search(aml_study *s);
aml_status aml_study_problem(aml_study *s); /* of the search: what is known before it */
aml_status aml_study_conclude(aml_study *s);

/* Is the trial fitted once more on all rows in the end, if there is time? */
bool aml_study_refits(const aml_study *s, const aml_trial *t);
/* Is the trial's model there, or is there time for one: of an anytime learner for a good part of it? */
bool aml_study_delivers(const aml_study *s, const aml_trial *t);
/* Seconds from the last refit to the deadline: a model of so many bytes is put together, measured and handed over. */
double aml_study_closing(const aml_study *s, double bytes);
double aml_study_leader_bytes(const aml_study *s); /* what a model of the best trials may have */
/* What one more fit of a trial, on all rows, is expected to take. */
double aml_study_refit_seconds(const aml_study *s, const aml_trial *t);

/* Roles of the columns by the options; AML_EDATA for a name that is not there. roles has room for f->p. */
aml_status aml_study_roles(aml_role *roles, size_t *target, const aml_frame *f,
                           const aml_train_options *o);

/* The caller's options as this version knows them, with the default limit. AML_EUSAGE for what cannot be meant. */
aml_status aml_study_options(aml_train_options *out, const aml_train_options *options);
/* All stages of a study that is initialised. */
aml_status aml_study_run(aml_study *s, const aml_frame *data);

/* Tells the caller how far it is; last: the trial that just ended, or NULL. */
void aml_study_report(aml_study *s, const char *stage, const aml_leader *last);
/* Tells the caller's log; nothing when it has none. */
void aml_study_log(const aml_study *s, aml_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

aml_progress aml_progress_of(const aml_study *s, const char *stage, const aml_leader *last);

/* ---- as a run in the store (study_run.c); the first of them makes s->journal */

aml_status aml_study_open_run(aml_study *s, const aml_frame *data); /* before the data */
aml_status aml_study_begin_run(aml_study *s);                       /* after the bench */
aml_status aml_study_restore(aml_study *s, aml_search *search);     /* before the search */
void aml_study_record(aml_study *s, const aml_trial *t, const aml_leader *last);
aml_status aml_study_recorded(aml_study *s); /* after the search */
/* The model is there and saved, or not because of `status`, which is passed on. */
aml_status aml_study_end_run(aml_study *s, aml_status status);

aml_leader aml_leader_of(const aml_study *s, const aml_trial *t);

/* ---- step by step (study_steps.c); they do nothing in a study without a pace */

void aml_pace_wait(void *study); /* until the next trial may begin */
void aml_pace_trial(aml_study *s, const aml_trial *t, const aml_progress *p); /* has ended */
void aml_pace_stage(aml_study *s, const aml_progress *p);                     /* begins */

#endif
