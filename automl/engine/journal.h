/* journal.h: the run of a study in the store: records of its trials, written as they end, and those of an earlier process of the
 * same run to go on from. The search sees nothing else of the store. */
#ifndef AML_ENGINE_JOURNAL_H
#define AML_ENGINE_JOURNAL_H

#include "automl/core/checkpoint.h"
#include "automl/engine/decisions.h"
#include "automl/engine/fits.h"
#include "automl/engine/trial.h"
#include "automl/store/store.h"

typedef struct aml_journal aml_journal;

/* Looks for the run of these options and data that is to go on, else for none. options and data are kept. */
aml_status aml_journal_open(aml_journal **out, const aml_train_options *options,
                            const aml_frame *data);
void aml_journal_free(aml_journal *j); /* a run that has not ended counts as failed; NULL is fine */

const char *aml_journal_run(const aml_journal *j); /* its id, "" before it begins */
size_t aml_journal_count(const aml_journal *j);    /* trials of earlier processes */
double aml_journal_seconds(const aml_journal *j);  /* that these worked */
/* The validation that was chosen then, NULL in a new run. */
const char *aml_journal_validation(const aml_journal *j);

/* Is a finished run repeated, and had that one a time limit? Its trials are the records; what the clock decided then is among the
 * decisions, of the present run else. */
bool aml_journal_replays(const aml_journal *j); /* NULL: no */
bool aml_journal_was_timed(const aml_journal *j);
aml_decisions *aml_journal_decisions(aml_journal *j);

/* What only becomes known on the way. Begins a new run; of one that goes on nothing is changed. */
typedef struct aml_journal_facts {
    const char *task, *metric, *validation;
    bool higher_is_better;
    const aml_space *space; /* kept, like the bench */
    const aml_bench *bench;
    atomic_bool *stop; /* kept; set when the caller's `progress` asks for an end */
} aml_journal_facts;
aml_status aml_journal_begin(aml_journal *j, const aml_journal_facts *facts);

/* Is there a record of trial k? */
bool aml_journal_knows(const aml_journal *j, size_t k);
/* Makes it the content of `t`: what the trial came to, without models and predictions. AML_EDATA when it is not one of this search. */
aml_status aml_journal_restore(aml_trial *t, const aml_journal *j);
/* Its models and predictions, where they are in the store: of trials whose fits took much longer than it takes to write what came
 * of them, and of those that the clock cut short, which cannot be repeated. */
bool aml_journal_revive(aml_trial *t, const aml_journal *j);

/* States of the fits of a trial (checkpoint.h), for a later process that does the same trial again; they go when it is recorded.
 * For ctx->checkpoint; NULL: none are kept. `c` is to be ended in every case, and must not outlive the trial. */
typedef struct aml_trial_checkpoint {
    aml_checkpoint base;
    aml_journal *j;
    size_t trial, part; /* part: the fold, or the number for a fit on all rows */
    const double *config;
    double began;
    aml_arena *keep;
} aml_trial_checkpoint;
aml_checkpoint *aml_journal_checkpoint(aml_trial_checkpoint *c, aml_journal *j, const aml_trial *t);
void aml_journal_checkpoint_end(aml_trial_checkpoint *c);
/* Seconds between two states of a fit at least: 10. Tests make it short. */
extern double aml_checkpoint_interval;

/* Records a trial that has ended, by a thread of the journal's own, so that the search does not wait for the disk; then tells the
 * caller of the study, who so hears of nothing that could get lost. Must not be called from two threads at once. */
aml_status aml_journal_add(aml_journal *j, const aml_trial *t, const aml_progress *progress);
/* Waits until all is recorded. The failure of an earlier record, too. */
aml_status aml_journal_flush(aml_journal *j);

/* A fit on all rows that the clock cut short cannot be repeated: it is kept by its number, and given again. */
aml_status aml_journal_keep_fit(aml_journal *j, size_t number, const aml_fit_of *fit);
aml_status aml_journal_give_fit(bool *found, aml_journal *j, size_t number, const aml_fit_of *fit);

/* Further texts that the run keeps; of one that is repeated, or goes on, those that it had. *text NULL: none. */
aml_status aml_journal_put(aml_journal *j, const char *name, const void *text, size_t size);
aml_status aml_journal_get(const void **text, size_t *size, aml_journal *j, const char *name);

/* model NULL: there is none because of `status`, the thread's last error. */
aml_status aml_journal_end(aml_journal *j, const aml_model *model, aml_status status, bool stopped);

/* ---- a trial as bytes (journal_record.c) */

aml_status aml_record_write(aml_writer *w, const aml_trial *t, size_t n_config);
/* Memory on the heap, as aml_trial_free frees it. */
aml_status aml_record_read(aml_trial *t, const void *bytes, size_t size, size_t n_config,
                           const aml_bench *bench);
/* AML_EDATA when its configuration is none of the space. */
aml_status aml_record_check(const aml_trial *t, const aml_space *space);

/* Predictions of the scored rows, models and importance of a trial that has them; and back, to a trial whose record was read.
 * AML_EDATA: the bytes are not of this trial. */
aml_status aml_material_write(aml_writer *w, const aml_trial *t, const aml_bench *bench);
aml_status aml_material_read(aml_trial *t, const void *bytes, size_t size, const aml_bench *bench);

/* ---- options as JSON (journal_options.c) */

/* A JSON object of all that decides the result; `limits` adds what only decides how far and how fast. */
void aml_options_put(aml_string *out, const aml_train_options *o, bool limits);

#endif
