/* automl.h: the public interface of libautoml. automl_plugin.h beside it adds learners and the like at run time.
 *
 * A frame is a table in memory, a model is what training gives and what predicts. What holds everywhere:
 *
 * Errors. All functions that can fail return an aml_status, which is also the exit code that the program uses;
 * aml_last_error() has the text of this thread's last failure, and an object that was to be made is NULL. A required pointer
 * that is NULL is AML_EUSAGE with the function and the name of the argument; functions that give a value give 0,
 * NULL, "" or NAN then, and leave the same error. AML_ENOMEM is possible everywhere.
 *
 * Ownership. Objects are made by aml_*_new, _read, _load, _parse, _open or _train and freed by the caller with the matching
 * _free or _close (NULL is fine). Strings are UTF-8; const char * that is handed out lives as long as the object it
 * came from, char * is freed by aml_text_free. Arguments are needed during the call alone, unless it is said. What reads a
 * model later (explanation, permutation, lineage) goes before the model, a check before its frame.
 *
 * Structs begin with their size: set it with sizeof, in those for results too (0 stands for all that this version
 * has). A zero member means the default. Members are only appended: a program that was compiled with an older header is
 * honoured, what a newer one sets that is not known here is AML_EUSAGE.
 *
 * Threads. Any function may be called from any thread. Frames, models and other results are immutable: any number of threads may
 * use one at once. A tuner, a study and a store have a lock of their own and may be shared too; a builder and a sweep
 * belong to one thread at a time. Nothing may be freed while another thread uses it. Callbacks come from any thread, one at a
 * time. Plug-ins are registered before everything else. */
#ifndef AUTOML_H
#define AUTOML_H

#include <stddef.h>
#include <stdint.h>

#include "automl_status.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(AML_API) /* given by a build that keeps it all to itself */
#elif defined(__GNUC__)
#define AML_API __attribute__((visibility("default")))
#else
#define AML_API
#endif

AML_API const char *aml_version(void);
AML_API const aml_error *aml_last_error(void);
AML_API const char *aml_status_name(aml_status status);
/* The whole block "error[E-DATA]: … --> file:line:column …" as text. */
AML_API void aml_format_error(char *out, size_t size, const aml_error *error);
/* Texts that functions below return as char * are freed with this. */
AML_API void aml_text_free(char *text);

/* To be called first in the main of a program that runs commands (sweeps) through itself: where the program was started to
 * guard one, this does it and returns its exit code; else it returns -1 at once. */
AML_API int aml_guard_main(int argc, char **argv);

/* ---- frames ------------------------------------------------------------------------------- */

typedef struct aml_frame aml_frame;
typedef struct aml_frame_builder aml_frame_builder;
typedef struct aml_memory aml_memory; /* an account of bytes; NULL = unlimited */
typedef struct aml_store aml_store;   /* of runs: see below */

typedef struct aml_read_options {
    size_t size;
    char separator;          /* 0 = detect */
    char decimal;            /* 0 = detect */
    int header;              /* 0 = detect, 1 = yes, -1 = no */
    int threads;             /* 0 = all cores */
    const char *const *text; /* columns never to be parsed as numbers (targets), NULL-ended */
    size_t memory_limit;     /* bytes, 0 = none */
    const char *encoding;    /* NULL = "utf-8"; "latin1", "windows-1252", "utf-16" are converted */
    const char *quote;       /* one character; NULL = a double quote, "none" = quotes are text */
    const char *ragged;      /* rows of another width: NULL = "error", "pad", "skip" */
    /* Lines at the beginning and the end that are not read; 0 = detect titles, comments and totals; AML_NO_LINES = none. */
    size_t skip_lines, skip_footer;
    const char *
        schema; /* a file of aml_frame_write_schema: what it says is taken where no option says otherwise */
    const char *
        thousands; /* between groups of three digits: NULL = detect in each column; one character, or "none" */
    const char
        *escape; /* a character that makes the next one text: NULL = detect a backslash; "none" */
} aml_read_options;
#define AML_NO_LINES ((size_t)-1)

/* Reads a CSV file ("-" = standard input; gzip, zstd by content). options may be NULL. */
AML_API aml_status aml_frame_read(aml_frame **out, const char *path,
                                  const aml_read_options *options);
/* How the file was read, and names and kinds of the columns, as JSON, to be corrected by hand and given as `schema`. */
AML_API aml_status aml_frame_write_schema(const aml_frame *frame, const char *path);
AML_API void aml_frame_free(aml_frame *frame);
AML_API size_t aml_frame_rows_count(const aml_frame *frame);
AML_API size_t aml_frame_columns_count(const aml_frame *frame);
AML_API const char *aml_frame_column_name(const aml_frame *frame, size_t column);
/* A cell as text (numbers in their shortest form, dates in ISO form, "" = missing), cut at size - 1 bytes. */
AML_API const char *aml_frame_text(char *out, size_t size, const aml_frame *frame,
                                   const char *column, size_t row);
/* What was guessed or mended while reading, a sentence each; NULL after the last. */
AML_API const char *aml_frame_note(const aml_frame *frame, size_t i);

/* A frame from columns in memory: all of n values. Values are copied; NaN, NULL and "" are missing. */
AML_API aml_frame_builder *aml_frame_builder_new(size_t n, aml_memory *account);
AML_API aml_status aml_frame_add_numbers(aml_frame_builder *b, const char *name,
                                         const double *values);
AML_API aml_status aml_frame_add_texts(aml_frame_builder *b, const char *name,
                                       const char *const *values);
/* Not copied: the values have to stay as they are until the frame is freed. */
AML_API aml_status aml_frame_borrow_numbers(aml_frame_builder *b, const char *name,
                                            const double *values);
/* The frame, or NULL when memory is short; the builder is gone in both cases. */
AML_API aml_frame *aml_frame_build(aml_frame_builder *b);
AML_API void aml_frame_builder_free(aml_frame_builder *b);

/* ---- Arrow -------------------------------------------------------------------------------- */

/* The Arrow C data and C stream interfaces, as their specification has them. */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4
struct ArrowSchema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    struct ArrowSchema **children, *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};
struct ArrowArray {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct ArrowArray **children, *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};
#endif
#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};
#endif

typedef struct aml_arrow_options {
    size_t size;
    const char *const *skip; /* columns not to be read (of any type), NULL-ended; or NULL */
    /* Columns of text that are categories, so that "007" stays what it is, NULL-ended; or NULL. */
    const char *const *categories;
    size_t memory_limit; /* bytes, 0 = none */
} aml_arrow_options;

/* A frame from a table: an array of structs, whose children are the columns (any other array is a column of its own).
 * Read are whole numbers, floats, decimals, truth values, texts, dates, times, durations (seconds), and dictionaries of them, which are
 * categories. Columns of texts become what aml_frame_read makes of the same texts; timestamps with a time zone are
 * in UTC. Lists, structs, maps, unions and bytes are AML_EDATA by the name of their column.
 *
 * array and schema are consumed: on return their `release` is NULL, whether this failed or not, and they have been released, or
 * will be when the frame is freed. Columns of 64 bit floats that come without nulls in one chunk are not copied: the frame
 * reads them where they are, and owns them. options may be NULL. */
AML_API aml_status aml_frame_from_arrow(aml_frame **out, struct ArrowArray *array,
                                        struct ArrowSchema *schema,
                                        const aml_arrow_options *options);
/* The same from a stream of chunks, which is read to its end and consumed. AML_EIO with the stream's words when it fails. */
AML_API aml_status aml_frame_from_arrow_stream(aml_frame **out, struct ArrowArrayStream *stream,
                                               const aml_arrow_options *options);

/* ---- training ----------------------------------------------------------------------------- */

typedef struct aml_model aml_model;

/* A row of the leaderboard. Scores are in the units of the metric; NAN when there is none. */
typedef struct aml_leader {
    size_t size;
    size_t rank, trial;   /* rank 0: not ranked (failed); the ensemble has trial SIZE_MAX */
    const char *pipeline; /* "gbdt(learning_rate=0.1, …) <- one_hot, scale" */
    const char *learner;  /* "ensemble", "baseline", "gbdt" … */
    const char *state;    /* "done", "pruned", "failed" */
    const char *reason;   /* why it failed; empty else */
    double score, error;  /* mean over folds (ensemble: cross-fitted), and its standard error */
    size_t folds, folds_done;
    double fit_seconds; /* all folds; NAN when unknown (a model read from a file) */
    double predict_us;  /* microseconds a row; NAN when unknown */
    size_t bytes;       /* of the saved models */
    double weight;      /* in the final model; 0 = not in it */
} aml_leader;

/* A check of the data: what was found, and what was done about it. */
typedef struct aml_guardrail {
    size_t size;
    const char *id;      /* "missing_values", "constant_columns", … */
    const char *status;  /* "Passed", "Done" (mended), "Alerted" (for you to look at) */
    const char *message; /* evidence in one sentence, with counts and column names */
    const char *action;  /* what was done; empty when nothing */
    size_t count;        /* columns, rows or classes concerned */
    const char
        *severity;    /* "info", "notice" (something was changed), "warning" (for you to look at) */
    const char *unit; /* what `count` counts: "columns", "rows", …; empty when nothing */
    const char *undo; /* how to have it otherwise; empty when there is nothing to undo */
    const char *const *columns; /* that it is about, NULL-ended, at most 1,000; NULL = none */
} aml_guardrail;

typedef struct aml_progress {
    size_t size;
    const char *stage;     /* "begin" (with a store), "search", "ensemble", "refit" */
    size_t trials, failed; /* finished so far */
    size_t trials_limit;   /* 0 = none */
    double seconds, limit; /* since the start; limit 0 = none */
    double best;           /* best score so far, NAN = none yet */
    const char *best_learner;
    const char *metric;
    const aml_leader *last; /* the trial that just ended, or NULL */
    const char *run;        /* its id in the store, or NULL; first told with the stage "begin" */
    size_t restored;        /* trials that were in the store already */
} aml_progress;
/* Called from any thread, one at a time. Not 0 = stop the search and finish with what there is. */
typedef int (*aml_progress_fn)(const aml_progress *progress, void *arg);

/* What is told while a model is made, besides its progress. */
typedef enum aml_log_level {
    AML_LOG_DETAIL, /* each trial, how the data are taken */
    AML_LOG_INFO,   /* what a user wants to know: which run it is */
    AML_LOG_NOTE,   /* what a user has to know: a run goes on, what is left out of it */
    AML_LOG_WARNING /* something is wrong, and the training goes on */
} aml_log_level;
/* A sentence without a line end. Called from any thread, one at a time; the text is gone when it returns. */
typedef void (*aml_log_fn)(aml_log_level level, const char *text, void *arg);

/* What featurization may do. NULL where one is asked for is "auto". */
typedef struct aml_featurization aml_featurization;
/* "auto", "all" (also steps that seldom earn their time: distances to clusters, principal components), "off" (only what
 * learners cannot do without: no text, no encoding by the target, no further features), or a JSON object, comments allowed, each member optional:
 *     {"mode": "auto" | "all" | "off",
 *      "blocked": ["pca", …],                        steps never to be used (`automl catalog` lists them)
 *      "kinds": {"zip": "category", "id": "drop"},   category, text, number, datetime, drop
 *      "params": {"target_encode": {"smoothing": 20}}}
 * AML_ECONFIG with line and column, and the nearest known word. */
AML_API aml_status aml_featurization_parse(aml_featurization **out, const char *text);
AML_API aml_status aml_featurization_read(aml_featurization **out, const char *path);
AML_API void aml_featurization_free(aml_featurization *f);
/* Columns that are to be categories or texts, NULL-ended: for aml_read_options.text, so that "007" stays what it is. */
AML_API const char *const *aml_featurization_texts(const aml_featurization *f);

/* What is searched of a learner's parameter, when it is less than `automl catalog` says. */
typedef struct aml_param_range {
    size_t size;
    const char *learner, *param;
    double min, max; /* of a number; within the parameter's own range */
    const char *const
        *values; /* only these, NULL-ended, as texts: "31", "gini"; one = fixed. NULL: min to max */
} aml_param_range;

/* ---- several processes ------------------------------------------------------------------------ */

/* One run by all processes that MPI started as one (mpirun, srun): rank 0 leads the search and gets the model, the others fit its
 * trials with the data that they have read themselves. With a limit of trials the leaderboard is that of one process
 * with the same max_concurrent_trials, byte for byte. A rank that dies costs time: another one fits its trial anew. */
typedef struct aml_ranks aml_ranks;
/* Meets the others, once in a process. *out is NULL where MPI has not started several. AML_ECONFIG: it has, but this library was built
 * without MPI; AML_EIO: they cannot reach each other. */
AML_API aml_status aml_ranks_join(aml_ranks **out);
AML_API int aml_ranks_number(const aml_ranks *r); /* 0 leads; NULL is 0, */
AML_API int aml_ranks_count(const aml_ranks *r);  /* and 1 */
AML_API int aml_ranks_lost(aml_ranks *r);         /* of rank 0: so many others have died */
AML_API void aml_ranks_leave(aml_ranks *r);       /* of rank 0: the others are done */
/* For a sweep: a rank but the first runs the commands that rank 0 sends, until it leaves. `guard` as in aml_sweep_options. */
AML_API aml_status aml_ranks_serve_commands(aml_ranks *r, const char *guard);

typedef struct aml_train_options {
    size_t size;
    const char *target;      /* column name; required */
    const char *task;        /* NULL = from the target; "binary", "multiclass", "regression" */
    const char *metric;      /* NULL = auc, log_loss, rmse by task */
    double time_limit;       /* seconds from `seconds_used` on to the saved model; 0 = none */
    double seconds_used;     /* of the time limit, before this call (reading the data) */
    double save_reserve;     /* seconds to leave for the caller's own work after training */
    size_t trials;           /* 0 = none; without trials and time limit: 60 seconds */
    const char *validation;  /* NULL = automatic; "cv5", "holdout0.2" */
    const aml_frame *valid;  /* own validation rows instead of folds, or NULL */
    const char *const *drop; /* columns not to use, NULL-ended */
    const char *weight, *group, *time; /* role columns, or NULL */
    const char *const *learners;       /* allowed learners, NULL-ended; NULL = all */
    const char *sampler;               /* NULL = "auto" */
    const char *scheduler;             /* NULL = "race" */
    int ensemble;                      /* 0 = on, -1 = best single pipeline */
    uint64_t seed;
    int threads;               /* 0 = all cores */
    int max_concurrent_trials; /* 0 = 4; part of the result, unlike threads */
    size_t memory_limit;       /* bytes, 0 = none */
    aml_progress_fn progress;
    void *progress_arg;
    const volatile int
        *stop; /* once it is not 0 the search ends within moments and the model is made of what
                                       there is; another thread or a signal handler may set it; or NULL */
    const char *forget; /* a dataset of the built-in knowledge to be left out, with its family: for
                                       honest benchmarks on data that the knowledge was made with; or NULL */
    /* What every prediction of the model is held to, or NULL; learners that cannot keep it are left out of the search.
     * Columns of numbers, NULL-ended: as one grows and the others stay, the value (of two classes the
     * probability of the second) never falls, or never rises. */
    const char *const *increasing, *const *decreasing;
    /* Groups of columns, NULL-ended lists in a NULL-ended list, 64 at most: only columns of a common group interact. A
     * value is then a sum of functions each of which sees one group or one column of none. Of classes the
     * log-odds of each fitted model are; a mean of several models' probabilities is only nearly so
     * (one fit alone: ensemble -1, validation "holdout0.2"). */
    const char *const *const *interactions;
    const aml_featurization *featurization; /* NULL = auto */
    /* Which of the final models that the run has to choose from: NULL = "best"; "fast": the best that predicts ten times as
     * fast, by the clock; "single": one pipeline, fitted once where its learner can; "interpretable": one linear
     * pipeline, whose terms aml_lineage_at tells (then only such learners are searched). */
    const char *prefer;
    /* What the model keeps, measured on the training rows with one thread, and on its file; 0 = no limit. AML_ECONFIG when
     * nothing that was tried does. What is chosen by the clock may be another model each time. */
    double max_predict_seconds; /* a row */
    size_t max_model_bytes;
    /* Probabilities are calibrated where that lowers the log loss of rows that had no say in it beyond chance and costs
     * nothing of the metric; -1 = never. */
    int calibration;
    /* Two classes: class 1 is predicted where its probability is above this. 0 = 0.5, or, for metrics that see classes only
     * (accuracy, f1, …), what is best by the metric where that pays. */
    double threshold;
    /* The search ends once a pipeline scores as well as this in the units of the metric, NULL = never; or when so many
     * trials in a row were no better than the best before them, 0 = never. */
    const double *exit_score;
    size_t patience;
    /* Seconds that a trial may take on all its folds, 0 = no limit. Learners that can end early (boosted trees, networks,
     * linear ones) do and are scored as they are; a trial of any other fails, and the search goes on. */
    double trial_timeout;
    const aml_param_range *const *ranges; /* NULL-ended; NULL = the learners' own spaces */
    /* Where the run is recorded, or NULL: each trial when it has ended, before `progress` tells of it. A run of the same data and
     * options that was not finished, because its process died or it was stopped, goes on: its trials are not fitted again, and
     * with a limit of trials the model is the one that it would have come to, byte for byte. So does a finished run whose limits
     * (trials, time_limit) were lower. The time limit is of all processes of a run together, without what has to be repeated. */
    aml_store *store;
    const char *experiment;  /* that the run belongs to; NULL = the name of the data file */
    const char *verb;        /* what the run is called by: NULL = "train" */
    const char *const *tags; /* "key=value", NULL-ended; or NULL */
    int resume;              /* 0 = as above, -1 = always a new run */
    const char *
        replay; /* a finished run of these data and options that is to be repeated, whatever the limits: the same trials
                         * in the same order to the same model, byte for byte, or AML_EDATA. What its time limit cut short is
                         * taken from the store. NULL = none */
    const char *
        model_path; /* with a store: where the model is saved before the run counts as finished; or NULL */
    aml_log_fn log; /* or NULL */
    void *log_arg;
    /* The run is shared with other processes, or NULL. Where the number is not 0, aml_train returns when rank 0 has no more trials,
     * and *out is NULL; store, progress and stop are for rank 0. */
    aml_ranks *ranks;
    /* A store, or NULL: its finished runs (the newest hundred) join what the search knows of past data, so that what won on data like
     * these comes first. What a run has learnt is recorded with it: it goes on, and is replayed, by that. */
    const char *learn_from;
} aml_train_options;

AML_API aml_status aml_train(aml_model **out, const aml_frame *data,
                             const aml_train_options *options);

/* ---- studies: training step by step --------------------------------------------------------- */

/* aml_train in a thread of its own, which the caller paces: step by step, or on by itself. With a limit of trials the
 * model is the same, byte for byte, however it was paced. The time limit goes by the clock on the wall, pauses included;
 * it begins with the first step or start.
 *
 *     while (!(status = aml_study_step(study, 1)))
 *         for (size_t i = 0; aml_study_leader(study, i, &leader); i++) ...
 *     status = aml_study_finish(&model, study);
 *
 * Any thread may call these functions at any time, but aml_study_free, which has to be the last. */
typedef struct aml_study aml_study;

/* Checks the options; nothing is run. `data`, and what the options point to, must stay until the study is freed. */
AML_API aml_status aml_study_new(aml_study **out, const aml_frame *data,
                                 const aml_train_options *options);
/* Lets the search go on until the next trial has ended, or for so many seconds, whatever comes first; what is under way
 * then goes on to its end, but no further trial begins. Each ended trial ends one step. AML_ESTOPPED: the search is
 * over, or was stopped, and aml_study_finish gives the model; other failures are those of aml_train. */
AML_API aml_status aml_study_step(aml_study *study, double seconds);
/* From now on it goes on by itself, to the model; steps only wait. AML_ENOMEM when there can be no thread. */
AML_API aml_status aml_study_start(aml_study *study);
/* The search ends within moments; the model is made of what there is. */
AML_API void aml_study_stop(aml_study *study);
/* Runs what is left of the search (aml_study_stop first, to have none of it), and gives the model: the caller's, once.
 * Failures as of aml_train; AML_EUSAGE when the model was given already. */
AML_API aml_status aml_study_finish(aml_model **out, aml_study *study);
/* The trials that have ended, best first; 0 after the last. Texts live as long as the study. Ranks, order and number
 * change as trials end. */
AML_API int aml_study_leader(aml_study *study, size_t i, aml_leader *out);
/* How far it is; 0 before the first trial has ended. `last` is NULL. Texts live as long as the study. */
AML_API int aml_study_progress(aml_study *study, aml_progress *out);
/* Stops it, waits for its end and frees it; NULL is fine. */
AML_API void aml_study_free(aml_study *study);

/* ---- experiments --------------------------------------------------------------------------- */

/* What a training is made of, as a JSON file: data and roles of columns, task, metric, limits, validation, featurization,
 * learners and their spaces, search, which model, constraints, outputs. Every key with its meaning and range is in the
 * schema. Comments are allowed, null is as good as no key. Paths are relative to the file, "-" is standard input.
 * Times and sizes are numbers or "1h30m", "2G". In texts ${NAME} and ${NAME:-default} are variables of the
 * environment, $$ is a dollar. "extends" names another experiment whose keys hold where this one has none: objects are
 * filled member by member, all else is taken or left as a whole, null unsets. */
typedef struct aml_experiment aml_experiment;

/* sets: "limits.max_trials=5", changes to the document, NULL-ended, or NULL; a value is JSON or else text. AML_ECONFIG with
 * file, line and column, what was expected and the nearest known word; AML_ENOINPUT. */
AML_API aml_status aml_experiment_read(aml_experiment **out, const char *path,
                                       const char *const *sets);
/* The same from a text in memory, as if it were the file `path`, which need not exist. */
AML_API aml_status aml_experiment_parse(aml_experiment **out, const char *text, const char *path,
                                        const char *const *sets);
AML_API void aml_experiment_free(aml_experiment *e);

/* For aml_frame_read and aml_train; what it points to is the experiment's. Without a limit of time or trials there is
 * one of 60 seconds. `valid`, `progress` and the like are the caller's to set in a copy. */
AML_API const aml_read_options *aml_experiment_reading(const aml_experiment *e);
AML_API const aml_train_options *aml_experiment_options(const aml_experiment *e);

/* Where things are and go, found from the folder of the experiment; NULL = not asked for. */
typedef struct aml_experiment_files {
    size_t size;
    const char *train, *validation, *test; /* data; validation and test may be NULL */
    const char *model;                     /* default: beside the experiment, NAME.automl */
    const char *const *leaderboard;        /* NULL-ended; ".csv" or ".json" says which */
    const char *predictions, *evaluation;  /* of the test rows: CSV, JSON */
    const char *store; /* of runs: NULL = as the program does without it, "" = none */
} aml_experiment_files;
AML_API void aml_experiment_paths(const aml_experiment *e, aml_experiment_files *out);

AML_API const char *aml_experiment_name(const aml_experiment *e); /* default: that of the file */
AML_API const char *aml_experiment_description(const aml_experiment *e); /* may be empty */
AML_API int aml_experiment_tag(const aml_experiment *e, size_t i, const char **name,
                               const char **value); /* 0 after the last */

/* Are the columns that it names there? AML_EDATA with their place in the experiment, and the nearest column. */
AML_API aml_status aml_experiment_check(const aml_experiment *e, const aml_frame *data);
/* The document as it is used, variables and settings put in. */
AML_API char *aml_experiment_json(const aml_experiment *e);
/* The JSON Schema (draft 2020-12) of experiments, with the learners, metrics and parameters of this build. */
AML_API char *aml_experiment_schema(void);
/* An experiment to start from, with comments, for the data that were read from `path` by `reading` (may be NULL): options may
 * have target (required), task, metric, roles and limits. `output` is where it will be, for the paths in it. AML_EDATA
 * as aml_check_run. */
AML_API aml_status aml_experiment_draft(char **out, const aml_frame *data, const char *path,
                                        const char *output, const aml_read_options *reading,
                                        const aml_train_options *options);

/* The checks alone: a model-less report of the data (profile and guardrails). target may be NULL. */
typedef struct aml_check aml_check;
typedef struct aml_profile {
    size_t size;
    const char *name, *kind, *role; /* role: "feature", "target", "dropped" … */
    size_t missing, distinct;
    double min, mean, max; /* numbers and dates, else NAN */
    const char *top;       /* most frequent values with counts, or first and last date */
    const char *warning;   /* empty when there is none */
    /* What the cells look like: integer, code (whole numbers of few values, maybe categories), real, boolean, money, percent,
     * quantity, category, text, list, date, time, datetime, identifier; and the unit of a number, "" = none. */
    const char *form, *unit;
} aml_profile;
AML_API aml_status aml_check_run(aml_check **out, const aml_frame *data,
                                 const aml_train_options *options);
AML_API int aml_check_profile(const aml_check *c, size_t i,
                              aml_profile *out); /* 0 after the last */
AML_API int aml_check_guardrail(const aml_check *c, size_t i,
                                aml_guardrail *out);    /* 0 after the last */
AML_API const char *aml_check_task(const aml_check *c); /* "" without a target */
AML_API char *aml_check_json(const aml_check *c);
AML_API void aml_check_free(aml_check *c);

/* ---- models ------------------------------------------------------------------------------- */

AML_API aml_status aml_model_save(const aml_model *m, const char *path);
/* Writes a text to a file, beside its place first; "-" = standard output. */
AML_API aml_status aml_text_write(const char *text, const char *path);
/* Can a file be created there? To be asked before hours of training. */
AML_API aml_status aml_check_writable(const char *path);
/* The run of the model that aml_train made with a store; "" else. */
AML_API const char *aml_model_run(const aml_model *m);
AML_API aml_status aml_model_load(aml_model **out, const char *path);
/* The same from the bytes of a model file. They are copied: the caller may free them at once. Errors name "memory". */
AML_API aml_status aml_model_load_memory(aml_model **out, const void *data, size_t size);
AML_API void aml_model_free(aml_model *m);

AML_API const char *aml_model_task(const aml_model *m);
AML_API const char *aml_model_metric(const aml_model *m);
AML_API const char *aml_model_target(const aml_model *m);
AML_API size_t aml_model_classes(const aml_model *m); /* 0 for regression */
AML_API const char *aml_model_class(const aml_model *m, size_t i);

/* The score of the model on rows that are predicted by models fitted, stopped and chosen without them, and the
 * baseline's. The order of the search, and whether to blend at all, have seen these rows: for a score that no
 * decision saw, evaluate on rows kept apart. */
typedef struct aml_score {
    size_t size;
    double value, low, high; /* 95 % interval of the model's score on very many new rows */
    double baseline;
    const char *method; /* how it was estimated, one sentence */
    /* What the model gains on the baseline, and on the best linear pipeline with its score, in units of the metric, positive =
     * better; 95 % intervals over the same rows (paired bootstrap). NAN when there is none, or no time for it. */
    double gain, gain_low, gain_high;
    double linear, linear_gain, linear_gain_low, linear_gain_high;
} aml_score;
AML_API void aml_model_score(const aml_model *m, aml_score *out);

AML_API int aml_model_leader(const aml_model *m, size_t i, aml_leader *out); /* 0 after the last */
AML_API int aml_model_guardrail(const aml_model *m, size_t i,
                                aml_guardrail *out); /* 0 after the last */

/* What a search of twice as many trials is expected to bring, by the curve of the best pipeline's score: 0 when there were
 * too few trials, or the model is one from a file. */
typedef struct aml_forecast {
    size_t size;
    size_t trials; /* as many more */
    double gain,
        high; /* in units of the metric, positive = better: expected, and more than it is in 9 of 10 cases */
} aml_forecast;
AML_API int aml_model_forecast(const aml_model *m, aml_forecast *out);

/* A model that the run could have given: what `prefer` chooses from, within the limits. Told by the model that
 * aml_train made, not by one from a file. */
typedef struct aml_alternative {
    size_t size;
    const char *name;    /* "best", "fast", "single", "interpretable" */
    const char *members; /* the pipeline, or the learners by weight: "gbdt ×2 + mlp" */
    size_t n_members, fits;
    double score, error; /* as those of the model */
    double predict_us; /* microseconds a row on one thread; expected, of the chosen one measured */
    double bytes;      /* of the saved fits, expected; of the chosen one, of the file */
    int chosen;
} aml_alternative;
AML_API int aml_model_alternative(const aml_model *m, size_t i,
                                  aml_alternative *out); /* 0 after the last */

/* Input columns that a prediction needs. */
typedef struct aml_input_column {
    size_t size;
    const char *name, *kind;
    size_t levels;
} aml_input_column;
AML_API int aml_model_input(const aml_model *m, size_t i, aml_input_column *out);

/* What the model is made of. */
typedef struct aml_part {
    size_t size;
    const char *pipeline;
    double weight;
    size_t fits; /* models averaged (folds), 1 when refitted on all rows */
    size_t bytes;
} aml_part;
AML_API int aml_model_part(const aml_model *m, size_t i, aml_part *out);

/* Importance of the input columns (gain shares of the learners that have them, weighted; sum 1). Returns 0
 * after the last; sorted downwards. */
AML_API int aml_model_importance(const aml_model *m, size_t i, const char **name, double *share);

/* What the featurization of a part makes, in the order of its matrix, and where it comes from. */
typedef struct aml_engineered {
    size_t size;
    const char
        *name; /* "date.month", "city=Rome", "price/area"; "note~…" is a run of sparse columns */
    const char *kind; /* "number", "category", "sparse numbers" */
    const char
        *inputs; /* input columns, separated by ", "; "" = all that the first of the steps takes */
    const char *steps; /* that made or changed it, in order: "datetime, impute, scale" */
    size_t columns;    /* 1, or those of the run */
    double importance; /* gain share in the part's first fit; NAN when the learner has none */
    /* Of linear models with one output: what one unit of the feature, as the steps leave it (after `scale` a standard
     * deviation), adds to the prediction or, of classes, to its log-odds or margin. NAN else */
    double coefficient;
} aml_engineered;
typedef struct aml_lineage aml_lineage;
AML_API aml_status aml_lineage_new(aml_lineage **out, const aml_model *m, size_t part);
AML_API int aml_lineage_at(const aml_lineage *l, size_t i,
                           aml_engineered *out); /* 0 after the last */
AML_API void aml_lineage_free(aml_lineage *l);

enum { AML_NO_TIMINGS = 1 };
AML_API char *aml_model_leaderboard_json(const aml_model *m, unsigned flags);
AML_API char *aml_model_leaderboard_csv(const aml_model *m, unsigned flags);
AML_API char *aml_model_inspect_json(const aml_model *m);

/* ---- prediction --------------------------------------------------------------------------- */

/* Reads rows for prediction: the model's input columns by name, whatever their order; `keep` (NULL-ended, may be
 * NULL) names further columns that aml_frame_text will give back; with_target also reads the target. */
AML_API aml_status aml_model_read(aml_frame **out, const aml_model *m, const char *path,
                                  const aml_read_options *options, const char *const *keep,
                                  int with_target);

/* The same of a table in Arrow's arrays, which are consumed (see aml_frame_from_arrow). Cells of text are read as the model's
 * columns have them. A column that is not there is told by what needs it. */
AML_API aml_status aml_model_read_arrow(aml_frame **out, const aml_model *m,
                                        struct ArrowArray *array, struct ArrowSchema *schema,
                                        const char *const *keep, int with_target);
AML_API aml_status aml_model_read_arrow_stream(aml_frame **out, const aml_model *m,
                                               struct ArrowArrayStream *stream,
                                               const char *const *keep, int with_target);

/* Columns of a prediction: the probability of class 1 for binary tasks, of each class for multiclass, the value
 * for regression. */
AML_API size_t aml_model_outputs(const aml_model *m);
/* out: rows × outputs, row-major; the same bits for any number of threads. The frame comes
 * from aml_model_read or has the model's columns by name. */
AML_API aml_status aml_model_predict(double *out, const aml_model *m, const aml_frame *data,
                                     int threads);
/* Two classes: class 1 is predicted where its probability is above this; NAN for other tasks. */
AML_API double aml_model_threshold(const aml_model *m);
/* How probabilities were calibrated: "none", "temperature", "sigmoid", "isotonic". */
AML_API const char *aml_model_calibration(const aml_model *m);
/* Class number of one row of outputs (classification), by the threshold. */
AML_API size_t aml_model_choose(const aml_model *m, const double *outputs);

/* All metrics of the task on rows with a target, and for classes the expected calibration error (mean distance, in ten bins,
 * between the probability of the predicted class and how often it was right): value by number until 0 is returned. */
typedef struct aml_evaluation aml_evaluation;
AML_API aml_status aml_model_evaluate(aml_evaluation **out, const aml_model *m,
                                      const aml_frame *data, int threads);
AML_API int aml_evaluation_metric(const aml_evaluation *e, size_t i, const char **name,
                                  double *value);
AML_API size_t aml_evaluation_rows(const aml_evaluation *e);
AML_API char *aml_evaluation_json(const aml_evaluation *e);
AML_API void aml_evaluation_free(aml_evaluation *e);

/* Writes predictions as CSV ("-" = standard output): prediction[,proba_<class>…][,kept columns]. */
AML_API aml_status aml_model_predict_csv(const aml_model *m, const aml_frame *data,
                                         const char *path, const char *const *keep, int threads);

/* ---- explanation -------------------------------------------------------------------------- */

typedef struct aml_explain_options {
    size_t size;
    const size_t *rows; /* rows of the data, counted from 0; NULL = all */
    size_t n_rows;
    size_t draws; /* of what is found by sampling: orders of the columns a row; 0 = 16 */
    uint64_t seed;
    int threads; /* 0 = all cores; not part of the result */
} aml_explain_options;

/* What each input column adds to each prediction, on the scale of aml_model_predict: from what the model predicts without
 * knowing any column, the contributions lead exactly to the prediction. They are weighted sums over the parts
 * of the model. Trees and linear models tell theirs exactly (Shapley values, of trees along the shares of their
 * training rows), log-odds are carried to probabilities along a straight line; those of all other learners are
 * sampled Shapley values against rows of the data. options may be NULL. The model must outlive the result. */
typedef struct aml_explanation aml_explanation;
AML_API aml_status aml_model_explain(aml_explanation **out, const aml_model *m,
                                     const aml_frame *data, const aml_explain_options *options);
AML_API size_t aml_explanation_rows(const aml_explanation *e);
/* rows × (inputs + 1) × outputs, row-major: the inputs in the order of aml_model_input, then what is predicted without
 * any. They sum to the prediction. */
AML_API const double *aml_explanation_values(const aml_explanation *e);
/* The columns by their mean |contribution| over rows and outputs, downwards; 0 after the last. */
AML_API int aml_explanation_column(const aml_explanation *e, size_t i, const char **name,
                                   double *mean);
/* How the contributions to a part of the model (aml_model_part) were found; NULL after the last. */
AML_API const char *aml_explanation_method(const aml_explanation *e, size_t part);

/* What is lost of the model's metric when a column's cells change places among the rows (permutation importance),
 * on data with a target: mean over 5 shuffles, and its standard error. Columns that stand in for each other
 * lose little each. options: rows, seed, threads. */
typedef struct aml_permutation aml_permutation;
AML_API aml_status aml_model_permute(aml_permutation **out, const aml_model *m,
                                     const aml_frame *data, const aml_explain_options *options);
AML_API int aml_permutation_column(const aml_permutation *p, size_t i, const char **name,
                                   double *loss, double *error); /* downwards; 0 after the last */
AML_API size_t aml_permutation_rows(const aml_permutation *p);   /* with a target */
AML_API double aml_permutation_score(const aml_permutation *p);  /* with all cells in place */
AML_API void aml_permutation_free(aml_permutation *p);

/* CSV ("-" = standard output), a line a row, of several classes a line a row and class: [class,]prediction,base, then the
 * contribution of each column; with top the largest ones of the row only, column_1,contribution_1,…,others. */
AML_API aml_status aml_explanation_csv(const aml_explanation *e, const char *path, size_t top);
/* Columns, methods and, with_rows, each row's contributions; p may be NULL. */
AML_API char *aml_explanation_json(const aml_explanation *e, const aml_permutation *p,
                                   int with_rows);
AML_API void aml_explanation_free(aml_explanation *e);

/* Writes the features that a part (its first fit) makes of the rows, as CSV ("-" = standard output). */
AML_API aml_status aml_model_transform_csv(const aml_model *m, const aml_frame *data, size_t part,
                                           const char *path, int threads);

/* ---- export ------------------------------------------------------------------------------- */

/* Writes the whole pipeline, from the model's inputs to its calibrated prediction, in a format of other programs:
 * "c" (a file of C99 that predicts the same bits, and a header beside it; names begin with that of the file), "json" (the
 * operations in automl/core/lower.h). Files appear whole or not at all; "-" = standard output.
 * AML_EUSAGE for an unknown format, or when parts of the model have no form in it: these are named, and nothing is written. */
AML_API aml_status aml_model_export(const aml_model *model, const char *format, const char *path);
AML_API const char *aml_export_format_name(size_t i); /* NULL after the last */

/* ---- the run store ------------------------------------------------------------------------ */

/* One SQLite file of experiments, their runs and the trials of these. Several processes and threads may use it at once; a
 * store must not lie on a network file system. */
enum { AML_STORE_CREATE = 1 }; /* when there is none */

/* AML_ENOINPUT when there is none, AML_ECANTCREATE, AML_EDATA when the file is no store, is damaged or was made by a newer
 * version, AML_EAGAIN when another process has it locked for too long, AML_EIO. */
AML_API aml_status aml_store_open(aml_store **out, const char *path, unsigned flags);
AML_API void aml_store_close(aml_store *store);

/* What is known about a run. Texts may be empty, numbers NAN. */
typedef struct aml_run_info {
    size_t size;
    const char *id;         /* short; sorts by time */
    const char *experiment; /* runs belong to one */
    const char *verb;       /* "train", "run", "tune", "replay" */
    const char *
        status; /* "running", "finished", "stopped" (on request), "failed", "killed" (its process is gone) */
    const char *reason;  /* why it failed */
    const char *parent;  /* the run that it replays */
    const char *options; /* JSON */
    const char *task, *metric, *target, *validation;
    int higher_is_better;
    const char *data, *data_hash; /* source; hash of the content */
    size_t rows, columns;
    const char *git_commit, *git_branch; /* of the working directory; empty when there is none */
    int git_dirty;                       /* 1: with changes that are not committed; -1: unknown */
    const char *version, *host;
    int cores;
    size_t memory;           /* bytes of the machine */
    double created, updated; /* seconds since 1970 */
    double seconds;          /* of all its processes */
    size_t sessions;         /* processes that worked at it */
    size_t trials_limit;     /* 0 = none */
    double time_limit;       /* 0 = none */
    size_t trials, failed, pruned;
    size_t best_trial; /* SIZE_MAX = none */
    const char *best_learner, *best_pipeline;
    double best, best_error;           /* its score */
    double score, low, high, baseline; /* of the model, with its 95 % interval */
    const char *model;                 /* its file */
    const char *tags;                  /* "key=value, key=value" */
} aml_run_info;

typedef struct aml_run_filter {
    size_t size;
    const char *experiment, *status; /* NULL = any */
    const char *tag;                 /* "key" or "key=value"; NULL = any */
    double since;                    /* seconds since 1970; 0 = any */
    size_t limit;                    /* 0 = none */
    /* "created" (default), "updated", "experiment", "status", "trials", "seconds", "score", "best"; the newest, most or best first, and
     * the other way round with "-" before it. AML_EUSAGE names the nearest. */
    const char *sort;
} aml_run_filter;

typedef struct aml_runs aml_runs;
AML_API aml_status aml_store_list(aml_runs **out, aml_store *store, const aml_run_filter *filter);
/* One run: by its id, a beginning of it that is unique, or "last". AML_EUSAGE when there is none or more than one. */
AML_API aml_status aml_store_find(aml_runs **out, aml_store *store, const char *id);
AML_API size_t aml_runs_count(const aml_runs *runs);
AML_API int aml_runs_at(const aml_runs *runs, size_t i, aml_run_info *out); /* 0 after the last */
AML_API void aml_runs_free(aml_runs *runs);

/* The leaderboard of a run, finished or not: a model that tells what was tried and cannot predict. */
AML_API aml_status aml_store_leaderboard(aml_model **out, aml_store *store, const char *id);

/* What two runs have in common and where they differ: of each member its section ("run", "limits", "options", "data", "code",
 * "machine", "best pipeline", "scores", "timings"), its name and both values. */
typedef struct aml_comparison aml_comparison;
typedef struct aml_compared {
    size_t size;
    const char *section, *name, *a, *b;
    int differs;
} aml_compared;
AML_API aml_status aml_store_compare(aml_comparison **out, aml_store *store, const char *a,
                                     const char *b);
AML_API int aml_comparison_at(const aml_comparison *c, size_t i,
                              aml_compared *out); /* 0 after the last */
AML_API char *aml_comparison_json(const aml_comparison *c);
AML_API void aml_comparison_free(aml_comparison *c);

/* value NULL takes the tag away. */
AML_API aml_status aml_store_tag(aml_store *store, const char *id, const char *key,
                                 const char *value);
/* With its trials, for ever. AML_EAGAIN when it is running. */
AML_API aml_status aml_store_delete(aml_store *store, const char *id);

/* Runs as JSON (an array of objects); with_trials adds the trials of each, with parameters and metrics by fold. */
AML_API aml_status aml_store_json(char **out, aml_store *store, const aml_runs *runs,
                                  int with_trials);
/* A line a trial: run, experiment, status, trial, state, learner, score … and a column for each parameter. */
AML_API aml_status aml_store_csv(char **out, aml_store *store, const aml_runs *runs);

/* ---- tuning: ask, tell, prune -------------------------------------------------------------- */

/* A search over a space of the user's own: what to try is asked for, how it went is told, in any order and from
 * any number of threads (a tuner has a lock of its own). Nothing is run here. With a file (aml_tuner_open) any number of
 * processes share one search.
 *
 * The space is JSON, comments allowed: an object of parameters. A parameter is a number, text or boolean (a
 * constant), a list (a choice), or {"type": …} with the names and the meaning of Azure's sweep jobs:
 *     choice       values            a value may be {"value": V, "space": {…}}: parameters that are there when V is
 *                                    chosen, and so on downwards. Numbers that go up or down have an order
 *     randint      upper             0 … upper - 1
 *     uniform      min_value, max_value
 *     loguniform   min_value, max_value       EXPONENTS: exp(uniform(min_value, max_value))
 *     quniform, qloguniform                   and q: round(x / q) * q
 *     normal, lognormal   mu, sigma           lognormal is exp(normal(mu, sigma))
 *     qnormal, qlognormal                     and q
 * and further ones, whose bounds are values:
 *     int, float   min, max, optional step (min, min + step, …), optional "log": true
 *     log_int, log_float   min, max           the same with "log": true
 *     ordinal      values            in their order
 *     bool                           false, true
 *     constant     value
 * "when": {"booster": "dart"}, or a list of values, says that a parameter is there only with those of another one above it. Or the short
 * form, parameters on lines of their own or separated by semicolons; here all bounds are values:
 *     lr = loguniform(1e-4, 1e-1); depth = int(2, 10); units = int(16, 512, log); share = float(0, 1, step=0.05);
 *     booster = choice(gbtree, dart); drop = uniform(0, 0.5) if booster == dart; seed = 7
 * Constraints are comparisons of sums, products … of parameters, "batch_size * layers <= 1024": a JSON list
 * of texts, or separated by semicolons or lines (expression.h has the whole grammar). Where a parameter in them is not
 * there they hold. All samplers keep to them. */
typedef struct aml_tuner aml_tuner;

typedef struct aml_tuner_options {
    size_t size;
    const char *space;       /* required: JSON or the short form */
    const char *constraints; /* NULL = none */
    /* NULL = "auto"; a name (`automl catalog`), or JSON: {"type": "random", "rule": "sobol", "seed": 7}, with the sampler's
     * own parameters; "grid" and "bayesian" are names too. */
    const char *sampler;
    /* Which trials are stopped early, by their reports: NULL = "none"; a name, or JSON with the names and meaning of Azure's
     * early_termination: {"type": "bandit", "slack_factor": 0.2, "evaluation_interval": 1,
     * "delay_evaluation": 5}, also median_stopping, truncation_selection, asha, hyperband. Reports are values of the
     * first goal. */
    const char *scheduler;
    /* "minimize loss", "maximize accuracy, minimize seconds", or JSON: {"goal": "maximize", "primary_metric":
     * "accuracy"}, or a list of those. NULL = "minimize value". */
    const char *goals;
    uint64_t seed;
    size_t concurrency; /* trials side by side, 0 = 1; what in_order goes by */
    /* Trial k is suggested from the results of trials 0 … k - concurrency only, and asked for when those have ended
     * (AML_EAGAIN before): the same trials whatever ends first. 0 = from all that is told. */
    int in_order;
    size_t
        trials; /* how many there are to be, for samplers and schedulers that plan; 0 = unknown */
} aml_tuner_options;

/* AML_ECONFIG with line and column and the nearest known word. */
AML_API aml_status aml_tuner_new(aml_tuner **out, const aml_tuner_options *options);
/* The search in a file of JSON lines, which grows by a line for each ask, report and tell, under a file lock: all that
 * happens is in it when the call returns. The first line holds the options. A file that is not there is made
 * of `options`; NULL: it must be there (AML_ENOINPUT). With both, the search in the file goes on; another space than
 * the file's is AML_ECONFIG. A last line that a crash has cut is dropped. */
AML_API aml_status aml_tuner_open(aml_tuner **out, const char *path,
                                  const aml_tuner_options *options);
/* The same lines, written at once; and a tuner in memory from such a file. */
AML_API aml_status aml_tuner_save(aml_tuner *t, const char *path);
AML_API aml_status aml_tuner_load(aml_tuner **out, const char *path);
AML_API void aml_tuner_free(aml_tuner *t);

typedef enum aml_outcome {
    AML_OUTCOME_PENDING, /* asked for, nothing told yet */
    AML_OUTCOME_DONE,
    AML_OUTCOME_PRUNED, /* stopped early; its value is that of its last report */
    AML_OUTCOME_FAILED
} aml_outcome;

/* The next trial: its number, from 0 on. AML_EAGAIN: in_order, and an earlier one is to end first. AML_ESTOPPED: there
 * is nothing left to try (a grid is done). */
AML_API aml_status aml_tuner_ask(aml_tuner *t, size_t *trial);
/* Parameters that the next ask is to give, as JSON {"lr": 0.1, …}; those left out get their default. */
AML_API aml_status aml_tuner_enqueue(aml_tuner *t, const char *params);
/* What another search of the same space, constraints and goal was told: samplers auto and pmf begin with what did best there and go
 * on by those of the earlier searches that order this one's trials as they come out. Before the first ask; may be called for
 * several, the newest last. With a file it is part of it. AML_ECONFIG: another space; AML_EUSAGE: it has begun, or has
 * several goals. */
AML_API aml_status aml_tuner_learn(aml_tuner *t, aml_tuner *earlier);
/* A value of the first goal after some steps (epochs, rounds; each report with a larger step). *go_on = 0: the scheduler
 * says that the trial is to be stopped and told as AML_OUTCOME_PRUNED. go_on may be NULL. */
AML_API aml_status aml_tuner_report(aml_tuner *t, size_t trial, double step, double value,
                                    int *go_on);
/* The end of a trial; values: one for each goal, in their units, read when it is DONE (NAN makes it FAILED) and, unless
 * NULL, when it is PRUNED. A trial is told once (AML_EUSAGE). */
AML_API aml_status aml_tuner_tell(aml_tuner *t, size_t trial, aml_outcome outcome,
                                  const double *values);

/* A parameter of a trial. */
typedef struct aml_tuner_value {
    size_t size;
    const char *name;
    const char
        *text; /* as on a command line: "0.001", "gbtree", "true"; lives as long as this struct */
    double number; /* NAN where it is not a number */
    int is_number, is_boolean;
    char room[40];
} aml_tuner_value;
/* The i-th parameter that the trial has, in the order of the space; 0 after the last. */
AML_API int aml_tuner_value_at(aml_tuner *t, size_t trial, size_t i, aml_tuner_value *out);
AML_API char *aml_tuner_params_json(aml_tuner *t, size_t trial); /* {"lr":0.001,"depth":6} */

typedef struct aml_tuner_trial {
    size_t size;
    size_t id;
    aml_outcome outcome;
    double value; /* of the first goal; NAN when there is none */
    size_t steps; /* reports so far */
    double step;  /* of the last one; NAN */
    int on_front; /* DONE, and no other trial is better in one goal and as good in all */
} aml_tuner_trial;
AML_API size_t aml_tuner_trials(aml_tuner *t); /* asked for so far */
AML_API int aml_tuner_trial_at(aml_tuner *t, size_t id, aml_tuner_trial *out); /* 0: no such */
AML_API double aml_tuner_trial_value(aml_tuner *t, size_t id, size_t goal);    /* NAN: none */
AML_API int aml_tuner_trial_report(aml_tuner *t, size_t id, size_t i, double *step,
                                   double *value); /* 0 after the last */

AML_API int aml_tuner_goal(aml_tuner *t, size_t i, const char **name,
                           int *maximize); /* 0 after the last */
/* The i-th best trial that is done, by its value; of several goals the i-th of the Pareto front, in the order
 * of the first. Ties: the earlier one. 0 after the last. */
AML_API int aml_tuner_best(aml_tuner *t, size_t i, size_t *trial);

/* How much of what distinguishes good trials lies in each parameter, for one goal: PED-ANOVA (Watanabe, Bansal and Hutter 2023,
 * "PED-ANOVA: Efficiently quantifying hyperparameter importance in arbitrary subspaces"), the better tenth of the trials
 * against all. Shares, sum 1, downwards; 0 after the last, and with fewer than 10 trials done. */
AML_API int aml_tuner_importance(aml_tuner *t, size_t goal, size_t i, const char **name,
                                 double *share);
/* A number as this library reads them everywhere: "0.5", "-1e-3", in no locale. 0 = the text is not one. */
AML_API int aml_read_number(double *out, const char *text);
/* What a user may want to know of the space, a sentence each; NULL after the last. */
AML_API const char *aml_tuner_note(const aml_tuner *t, size_t i);
/* ---- sweeps: tuning a command -------------------------------------------------------------- */

/* A sweep runs a command again and again with parameters that a tuner suggests, takes its metrics from what it prints, writes
 * or uses, and keeps all of it in a folder:
 *     search.jsonl        the tuner's file (aml_tuner_open)
 *     trials.jsonl        a line for each trial that began or ended, synced before the next begins
 *     best.json           the best trial so far
 *     trials/0007/        stdout.txt and stderr.txt (both ends of long ones), params.json, what the command leaves there
 * The same sweep again goes on where it ended: what was running when it was killed is run anew. */
typedef struct aml_sweep aml_sweep;

/* A trial of a sweep. Numbers are NAN where they are not known. */
typedef struct aml_sweep_trial {
    size_t size;
    size_t id;
    const char *state;  /* "running", "done", "pruned", "failed" */
    const char *reason; /* why it failed, or what else is to be said; empty else */
    const char *
        cause; /* of a failure in one word: "exit 3", "signal 11", "timeout", "memory", "no metric" … */
    const char *params; /* "lr=0.01 depth=6" */
    double seconds, cpu_seconds, peak_memory;
    size_t attempts;
} aml_sweep_trial;

typedef struct aml_sweep_progress {
    size_t size;
    size_t done, pruned, failed, running; /* trials */
    size_t limit;                         /* of trials, 0 = none */
    double seconds, time_limit;           /* of this call; 0 = none */
    double best;                          /* of the first goal, NAN = none yet */
    size_t best_trial;
    const char *metric;
    const aml_sweep_trial *last; /* the trial that just ended, or NULL */
    size_t attempts_failed;      /* that were or will be tried again */
    int stopping;                /* trials are being ended */
} aml_sweep_progress;
/* Called at least ten times a second while trials run. Not 0 = end the sweep: 1 = SIGTERM to what runs, 2 = SIGKILL. */
typedef int (*aml_sweep_progress_fn)(const aml_sweep_progress *progress, void *arg);

/* All but `path`, or `command` and `space`, may be zero. What is given here wins over the file. */
typedef struct aml_sweep_options {
    size_t size;
    const char *path;           /* SWEEP.json */
    const char *const *command; /* words, NULL-ended; {name} in them is a parameter */
    int shell;                  /* the command is one text for /bin/sh */
    const char *space, *constraints, *goals, *sampler, *scheduler; /* as for aml_tuner_new */
    const char *const *metrics; /* "loss=regex:loss is ([0-9.]+)", NULL-ended */
    const char *name, *output;  /* the folder; NULL: NAME.sweep */
    const uint64_t *seed;
    size_t trials, retries, max_failed_trials;
    /* The sweep ends once a trial scores as well as this in the first goal (NULL = never), or after so many trials in a
     * row without a better one (0 = never). */
    const double *exit_score;
    size_t patience;
    int max_concurrent_trials;
    double time_limit, trial_timeout, trial_cpu_limit; /* seconds */
    size_t trial_memory_limit;                         /* bytes */
    const char *guard; /* a program whose main begins with aml_guard_main; NULL = "automl" */
    aml_sweep_progress_fn progress;
    void *progress_arg;
    const volatile int *
        stop; /* once not 0 the sweep ends: its trials get SIGTERM, and are run anew next time; or NULL */
    int dry_run; /* everything is checked, nothing written or run: aml_sweep_command tells the first three trials */
    /* The commands run on the other ranks, in the same folders, or NULL; a rank that dies fails what it runs. */
    aml_ranks *ranks;
    /* A store (made when there is none) that gets the sweep as a run of it, with its trials as they end; "": none, whatever the
     * file says; or NULL. The folder decides: what the store lacks of it is added whenever the sweep goes on. */
    const char *store;
    const char *learn_from; /* a store whose ended sweeps of the same space and goal this one begins by; or NULL */
} aml_sweep_options;

/* Reads and checks all, opens the folder (or makes it) and what is in it; nothing is run. AML_ECONFIG, AML_ENOINPUT,
 * AML_ECANTCREATE, AML_EAGAIN (another process works on it). */
AML_API aml_status aml_sweep_open(aml_sweep **out, const aml_sweep_options *options);
/* Runs until the limits are reached, there is nothing left to try, or it is stopped. AML_ESTOPPED where too many trials
 * failed, with their reason. */
AML_API aml_status aml_sweep_run(aml_sweep *s);
AML_API void aml_sweep_free(aml_sweep *s);

AML_API const char *aml_sweep_folder(const aml_sweep *s);
AML_API const char *aml_sweep_run_id(const aml_sweep *s); /* in the store; "" = in none, or not yet */
AML_API aml_tuner *aml_sweep_tuner(const aml_sweep *s); /* goals, importance, the front */
AML_API const char *aml_sweep_end(
    const aml_sweep
        *s); /* why it ended: "trials", "timeout", "exit_score", "patience", "stopped", "space" … */
AML_API size_t aml_sweep_trials(const aml_sweep *s);
AML_API int aml_sweep_trial_at(const aml_sweep *s, size_t id,
                               aml_sweep_trial *out); /* 0: no such */
/* Metrics: the goals, then the others. */
AML_API const char *aml_sweep_metric(const aml_sweep *s, size_t i); /* NULL after the last */
AML_API double aml_sweep_value(const aml_sweep *s, size_t id, size_t metric); /* NAN = none */
/* What a trial runs, as a shell would have to read it; aml_text_free. */
AML_API char *aml_sweep_command(const aml_sweep *s, size_t id);
/* Trials that failed for one cause; 0 after the last. */
typedef struct aml_sweep_failure_group {
    size_t size;
    const char *cause, *reason; /* the reason is that of its first trial */
    size_t count, trial;
} aml_sweep_failure_group;
AML_API int aml_sweep_failure(const aml_sweep *s, size_t i, aml_sweep_failure_group *out);
/* What a user may want to know, a sentence each; NULL after the last. */
AML_API const char *aml_sweep_note(const aml_sweep *s, size_t i);
AML_API char *aml_sweep_json(const aml_sweep *s, unsigned flags); /* AML_NO_TIMINGS */
AML_API char *aml_sweep_schema(void); /* the JSON Schema of SWEEP.json */

/* ---- catalog ------------------------------------------------------------------------------ */

typedef struct aml_catalog_entry {
    size_t size;
    const char *kind; /* "learner", "step", "sampler", "scheduler", "metric" */
    const char *name, *summary;
    const char *tasks; /* learners and metrics: "binary, multiclass, regression" */
    size_t params;
} aml_catalog_entry;
AML_API int aml_catalog(size_t i, aml_catalog_entry *out); /* 0 after the last */
AML_API char *aml_catalog_json(void);
/* Adds the parts of a shared object (automl_plugin.h): calls its aml_plugin_init, whose failure is passed on. Like the
 * registrations themselves, not while another thread is in this library. AML_ENOINPUT when it cannot be loaded, AML_EDATA
 * when it is no plug-in. It stays loaded. */
AML_API aml_status aml_plugin_load(const char *path);
/* The nearest known word, or NULL; for messages. */
AML_API const char *aml_suggest(const char *word, const char *const *known);

#ifdef __cplusplus
}
#endif
#endif
