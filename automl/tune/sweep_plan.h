/* sweep_plan.h: what a sweep is to do: SWEEP.json, or the options of aml_sweep_options, as one struct. */
#ifndef AML_TUNE_SWEEP_PLAN_H
#define AML_TUNE_SWEEP_PLAN_H

#include "automl/core/json_keys.h"
#include "automl/tune/metric_source.h"

typedef struct aml_sweep_setting {
    const char *name, *value;
} aml_sweep_setting;

typedef struct aml_sweep_plan {
    const char *file;   /* SWEEP.json, or NULL */
    const char *origin; /* the folder that relative paths begin in: that of the file; "." */
    const char *schema, *type, *name, *display_name, *description, *experiment_name;
    const aml_json *compute, *identity, *resources, *queue_settings; /* Azure's; not used here */
    const char *const *tags; /* "key=value", NULL-ended; or NULL */
    const char *output;      /* the sweep's folder */
    const char *store;       /* the run store that hears of it, or NULL */
    const char *learn_from;  /* the one whose sweeps it begins by, or NULL */
    uint64_t seed;

    /* For the tuner, which reads them itself; NULL = not given. */
    const aml_json *space, *constraints, *sampler, *scheduler, *objective;
    const aml_json *initial; /* configurations to begin with */
    bool reproducible;

    size_t max_total_trials; /* 0 = no limit */
    int max_concurrent_trials;
    double timeout;
    const double *exit_score;
    size_t patience;
    aml_process_limits limits; /* of a trial */
    size_t retries, max_failed_trials, log_size;

    const aml_json *command;  /* a text, or a list of texts */
    const char *const *words; /* the same from a command line, NULL-ended; or NULL */
    bool shell, alone;        /* alone: the working folder is the trial's own */
    bool bare;                /* the trial does not inherit our environment */
    const char *code;         /* the working folder; NULL: origin */
    const aml_json *environment, *distribution, *trial_resources; /* Azure's; not used here */
    const aml_sweep_setting *variables, *inputs;                  /* ended by a NULL name */
    const char *const *outputs; /* names of folders below the trial's, NULL-ended; or NULL */

    aml_metric_source *sources; /* in the order of the file; goals without a source are added */
    size_t n_sources;
} aml_sweep_plan;

extern const aml_key aml_sweep_keys[];

/* Reads the file and what the options say besides, which wins; checks all that can be checked without the tuner. In `keep`.
 * AML_ECONFIG with line and column, AML_ENOINPUT, AML_EUSAGE. */
aml_status aml_sweep_plan_read(aml_sweep_plan *out, const aml_sweep_options *options,
                               aml_arena *keep);
void aml_sweep_plan_close(aml_sweep_plan *plan);

/* "regex:loss is ([0-9]+)", "file:out.json", "wall_time": a source as one text. `x` is its place. */
aml_status aml_sweep_source_text(aml_metric_source *source, const aml_json *x, const char *text,
                                 const aml_key_place *at);
/* Adds a source for a metric that has none: what its name says ("wall_time"), else what is printed. */
aml_status aml_sweep_source_for(size_t *index, aml_sweep_plan *plan, const char *name,
                                aml_arena *keep);

#endif
