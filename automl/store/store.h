/* store.h: what the engine writes to the run store and reads back; what users read is in automl.h.
 *
 * All functions may be called from any thread. What a function has written when it returns AML_OK survives a crash of the process
 * and of the machine. AML_EIO (disk full …), AML_EAGAIN (locked for longer than a minute), AML_EDATA (damaged), AML_ENOMEM. */
#ifndef AML_STORE_STORE_H
#define AML_STORE_STORE_H

#include "automl/core/arena.h"

/* A run as it begins. Texts may be NULL. */
typedef struct aml_run_start {
    const char *experiment, *verb, *parent;
    const char *identity; /* runs with the same one, on the same data, are the same search */
    const char *options;  /* JSON */
    const char *task, *metric, *target, *validation;
    bool higher_is_better;
    const char *data, *data_hash;
    size_t rows, columns;
    size_t trials_limit;     /* 0 = none */
    double time_limit;       /* seconds, 0 = none */
    const char *model;       /* the file to be */
    const char *const *tags; /* "key=value" or "key", NULL-ended; or NULL */
} aml_run_start;

/* A run that this process works at. */
typedef struct aml_run_handle {
    int64_t row;
    char id[16];
    size_t trials;  /* that are recorded */
    double seconds; /* that earlier processes worked at it */
    double began;   /* aml_now() when this one began */
    size_t session;
} aml_run_handle;

aml_status aml_store_begin(aml_run_handle *out, aml_store *store, const aml_run_start *start);

/* What a process asks for that looks for its run. */
typedef struct aml_run_wanted {
    const char *experiment, *identity, *data_hash;
    const char *options; /* JSON, with the limits as they are now */
    size_t trials_limit;
    double time_limit;
    bool always; /* a finished run too, whatever its limits were */
} aml_run_wanted;

/* The newest run of that identity that another process left unfinished, or that is finished and whose limits were lower: it becomes
 * this process's own, so that no other takes it. *found says whether there was one; what had been stopped half-way is no longer
 * part of its record. *validation, in `keep`, is that of the run. */
aml_status aml_store_resume(bool *found, aml_run_handle *out, const char **validation,
                            aml_store *store, const aml_run_wanted *wanted, aml_arena *keep);

typedef struct aml_entry_param {
    const char *name;
    double number;    /* NAN: it is a text */
    const char *text; /* or NULL */
} aml_entry_param;

typedef struct aml_entry_metric {
    const char *name;
    int64_t fold, step; /* -1 = of all together */
    double value;
} aml_entry_metric;

/* A trial that has ended. */
typedef struct aml_entry {
    size_t number;
    const char *state; /* "done", "pruned", "failed" */
    const char *learner, *pipeline, *reason;
    double loss, score, error; /* NAN = none */
    size_t folds, folds_done, bytes;
    double fit_seconds, predict_us;
    bool partial; /* it was stopped on the way, by the clock or on request */
    const aml_entry_param *params;
    size_t n_params;
    const aml_entry_metric *metrics;
    size_t n_metrics;
    const void *record; /* all of it, bit by bit, as who wrote it reads it back */
    size_t record_size;
    /* What a later process would have to compute again, or NULL. It goes when the run is finished, unless it is lasting; and
     * that of trials which no longer matter, by their numbers, at once. */
    const void *material;
    size_t material_size;
    bool lasting;
    const size_t *dropped;
    size_t n_dropped;
    bool has_states; /* aml_store_keep may have kept some for this trial: they go */
} aml_entry;

/* Records n trials in one transaction. A number that is recorded already is AML_EINTERNAL. */
aml_status aml_store_append(aml_store *store, const aml_run_handle *run, const aml_entry *entries,
                            size_t n);

/* Gives the records of a run by number; not the partial ones unless asked for. `give` fails: the call fails. */
typedef aml_status (*aml_give_record)(size_t number, const void *record, size_t size, void *arg);
aml_status aml_store_records(aml_store *store, const char *id, bool partial, aml_give_record give,
                             void *arg);

/* Gives the trials of a run by number, as a leaderboard has them; texts live as long as the call. */
typedef aml_status (*aml_give_leader)(const aml_leader *leader, void *arg);
aml_status aml_store_leaders(aml_store *store, const char *id, aml_give_leader give, void *arg);

/* How a run ended. */
typedef struct aml_run_end {
    const char *status; /* "finished", "stopped", "failed" */
    const char *reason;
    double score, low, high, baseline;
    const char *board; /* the manifest of the model, NULL = none */
} aml_run_end;
aml_status aml_store_end(aml_store *store, const aml_run_handle *run, const aml_run_end *end);

/* Of how the run began: its identity, and the hash of its data; in `keep`. */
aml_status aml_store_identity(const char **identity, const char **data_hash, aml_store *store,
                              const char *id, aml_arena *keep);

/* The manifest that the run ended with, in `keep`; "" while there is none. */
aml_status aml_store_board(const char **board, aml_store *store, const char *id, aml_arena *keep);

/* Further things that a run keeps, by name: replaced when there is one. The content is in `keep`; *content NULL: there is none.
 * The material of trial 7 has the name "trial-7". */
aml_status aml_store_put(aml_store *store, const aml_run_handle *run, const char *name,
                         const void *content, size_t size);
/* Likewise for as long as trial `trial` is not recorded, or the run not finished. */
aml_status aml_store_keep(aml_store *store, const aml_run_handle *run, const char *name,
                          size_t trial, const void *content, size_t size);
aml_status aml_store_get(const void **content, size_t *size, aml_store *store, const char *id,
                         const char *name, aml_arena *keep);

#endif
