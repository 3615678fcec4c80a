/* job.h: a training from data to model and leaderboard, whoever describes it. */
#ifndef AML_CLI_JOB_H
#define AML_CLI_JOB_H

#include "automl/cli/cli.h"

typedef struct cli_job {
    const cli_call *call; /* its arguments json, quiet and no_timings count */
    aml_experiment_files files;
    aml_read_options reading;
    aml_train_options options;
    const aml_experiment *experiment; /* that it comes from, or NULL */
    const char *source;               /* file of the experiment, or NULL */
    const char *store_path;           /* where the run is recorded, or NULL */
    /* made on the way */
    aml_store *store;
    aml_frame *data, *valid, *test;
    aml_model *model;
    aml_evaluation *evaluation;
    int stopped_by; /* signal */
} cli_job;

/* Everything that can be wrong is said before hours of work; then it reads, trains, saves and prints. Exit code. */
int cli_job_run(cli_job *job);
/* The first part of it: are the files there, can the outputs be written, are the data and the columns as the experiment
 * has them? The data that were read stay in the job. */
int cli_job_prepare(cli_job *job);
void cli_job_free(cli_job *job);

/* Can the file be read? `option` names it in the message. */
int cli_need_file(const char *path, const char *option, const char *help);

/* result.c: prints what was found. */
int cli_job_show(const cli_job *job);

#endif
