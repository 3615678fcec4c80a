/* sweep.h: the inside of aml_sweep (automl.h): what its files share. */
#ifndef AML_TUNE_SWEEP_H
#define AML_TUNE_SWEEP_H

#include "automl/store/store.h"
#include "automl/tune/command.h"
#include "automl/tune/sweep_plan.h"
#include "automl/tune/tuner.h"

typedef enum aml_sweep_state {
    AML_SWEEP_PENDING, /* asked for; not begun, or to be begun anew */
    AML_SWEEP_RUNNING,
    AML_SWEEP_DONE,
    AML_SWEEP_PRUNED,
    AML_SWEEP_FAILED
} aml_sweep_state;
const char *aml_sweep_state_word(size_t i); /* NULL after the last */

/* What is known of a trial, by its number in the tuner. Texts are in the sweep's memory. */
typedef struct aml_sweep_record {
    aml_sweep_state state;
    const char *params, *reason, *cause; /* NULL = "" */
    double *values;                      /* of the metrics; NULL = none yet */
    double wall, cpu, peak;
    size_t failures; /* attempts that failed and were tried again */
    bool foreign;    /* its end was told by somebody else, through the tuner's file */
    bool stored;     /* the run store has it */
} aml_sweep_record;

typedef struct aml_sweep_slot aml_sweep_slot;

struct aml_sweep {
    aml_arena *keep;
    aml_sweep_plan plan;
    aml_tuner *tuner;
    aml_command *command;
    aml_command_names names;
    char *folder, *code; /* absolute */
    const char *guard;
    aml_ranks *ranks; /* that run the commands, or NULL */
    aml_sweep_progress_fn progress;
    void *progress_arg;
    const volatile int *stop;
    bool dry; /* nothing is written or run */

    aml_store *store; /* that hears of it, or NULL */
    aml_run_handle run;

    int journal;           /* trials.jsonl, locked */
    const char *described; /* the command, as the journal's first line has it */

    aml_metric_source **metrics; /* goals first */
    size_t n_metrics, n_goals;
    bool reads_exit; /* a metric is the exit status: it is no failure then */
    bool reports;    /* the scheduler wants to hear of values on the way */

    aml_sweep_record *records;
    size_t n, room;
    size_t counts[AML_SWEEP_FAILED + 1]; /* records by state */
    size_t retried;                      /* failures that were tried again */
    size_t best;                         /* trial; SIZE_MAX = none yet */
    size_t front;                        /* what best.json holds, as one number */
    size_t failed_before;                /* trials that failed in earlier calls */
    const char **notes;
    size_t n_notes;
    char end[160];

    /* while it runs */
    aml_processes *processes;
    aml_sweep_slot *runs; /* max_concurrent_trials slots */
    double began, told;   /* steady clock; told: the last progress */
    int stopping;         /* 1: ending what runs, 2: at once */
    aml_status fault;     /* what ends the sweep, with its text in `error` */
    aml_error error;
};

/* A slot in use: trial and what it has reported so far. */
struct aml_sweep_slot {
    aml_sweep *sweep;
    bool used, pruned;
    size_t trial, slot;
    aml_process *process;
    aml_metric_track *tracks; /* n_metrics */
    size_t lines;             /* of metrics.jsonl */
    double last_step;         /* that the tuner knows */
    char *folder;
    int curve; /* metrics.jsonl; -1 */
};

double aml_sweep_clock(void);                          /* steady, seconds */
aml_status aml_sweep_grow(aml_sweep *s, size_t trial); /* a record for it and all before */
void aml_sweep_set_state(aml_sweep *s, size_t trial, aml_sweep_state state);

/* sweep_folder.c */
aml_status aml_sweep_open_folder(aml_sweep *s); /* makes it, locks it, names it */
aml_status aml_sweep_check_program(const aml_sweep *s);
aml_status aml_sweep_trial_folder(char **out, const aml_sweep *s, size_t trial);
aml_status aml_sweep_write_best(aml_sweep *s);

/* sweep_journal.c: trials.jsonl. */
aml_status aml_sweep_read_journal(aml_sweep *s);
aml_status aml_sweep_note_command(
    aml_sweep *s); /* the first line; again when the command is another one */
aml_status aml_sweep_note_begin(aml_sweep *s, size_t trial);
void aml_sweep_note_best(aml_sweep *s, size_t trial); /* is it better than the best so far? */
typedef struct aml_sweep_ending {
    aml_sweep_state state; /* PENDING: it was stopped with the sweep */
    bool retry;
    const char *reason, *cause;
    const double *values; /* NULL = none */
    const aml_process_result *result;
    size_t reports;
} aml_sweep_ending;
/* Puts it into the record too. */
aml_status aml_sweep_note_end(aml_sweep *s, size_t trial, const aml_sweep_ending *e);

/* sweep_trial.c: one trial. */
aml_status aml_sweep_begin(aml_sweep_slot *run, size_t trial);
aml_status aml_sweep_finish(aml_sweep_slot *run, const aml_process_result *result);

/* sweep_judge.c: what the end of a command means. */
void aml_sweep_judge(aml_sweep_ending *out, double *values, char *cause, size_t cause_size,
                     char *reason, size_t reason_size, aml_sweep_slot *run,
                     const aml_process_result *result);

/* sweep_store.c: the sweep as a run of the store; nothing happens without one. */
aml_status aml_sweep_store_begin(aml_sweep *s); /* and all that ended already */
/* From ended sweeps of another store, newest last, before the first trial; *n of them. */
aml_status aml_sweep_learn(size_t *n, aml_sweep *s);
aml_status aml_sweep_store_add(aml_sweep *s, size_t trial);
aml_status aml_sweep_store_end(aml_sweep *s, const char *status, const char *reason);

/* sweep_view.c */
void aml_sweep_put_params(aml_string *out, aml_tuner *t, size_t trial); /* "lr=0.1 depth=3" */
/* The best trial by the first goal. False: there is none yet. */
bool aml_sweep_best(size_t *trial, const aml_sweep *s);
void aml_sweep_fill(aml_sweep_trial *out, const aml_sweep *s, size_t trial);

#endif
