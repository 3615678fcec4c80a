/* run.c: a training described by an experiment's file. */
#include <string.h>

#include "automl/cli/job.h"
#include "automl/cli/table.h"

/* What would be run. */
static int show_plan(cli_job *j) {
    const aml_train_options *o = &j->options;
    aml_check *check = NULL;
    char name[256], target[256], model[1024];
    int status = cli_job_prepare(j);
    if (!status && j->call->args->json)
        return cli_put_text(j->call, aml_experiment_json(j->experiment));
    if (!status) status = cli_report(aml_check_run(&check, j->data, o));
    if (!status)
        fprintf(j->call->out, "%s: %s task: `%s`, %zu rows, %zu columns; the model would be %s\n",
                cli_clean(name, sizeof name, aml_experiment_name(j->experiment)),
                aml_check_task(check), cli_clean(target, sizeof target, o->target),
                aml_frame_rows_count(j->data), aml_frame_columns_count(j->data),
                cli_clean(model, sizeof model, j->files.model));
    aml_check_free(check);
    return status;
}

static int run(const cli_call *call) {
    const cli_args *a = call->args;
    aml_experiment *experiment = NULL;
    int status =
        cli_report(aml_experiment_read(&experiment, a->operands[0], (const char *const *)a->sets));
    if (status) return status;
    cli_job job = {.call = call,
                   .options = *aml_experiment_options(experiment),
                   .reading = *aml_experiment_reading(experiment),
                   .experiment = experiment,
                   .source = a->operands[0]};
    job.files.size = sizeof job.files;
    aml_experiment_paths(experiment, &job.files);
    if (a->dry_run) {
        status = show_plan(&job);
        cli_job_free(&job);
    } else {
        status = cli_job_run(&job);
    }
    aml_experiment_free(experiment);
    return status;
}

static const cli_option options[] = {
    {"set", "KEY=VALUE", "change the experiment: limits.max_trials=5; again for more", CLI_EACH,
     CLI_AT(sets)},
    {"dry-run", NULL,
     "check the experiment and the data, run nothing (with --json: the experiment "
     "as it is used)",
     CLI_FLAG, CLI_AT(dry_run)},
    {"json", NULL, "print JSON", CLI_FLAG, CLI_AT(json)},
    {"quiet", NULL, "no progress and no notes", CLI_FLAG, CLI_AT(quiet)},
    {"no-timings", NULL, "leave out what a clock measured", CLI_FLAG, CLI_AT(no_timings)}};

const cli_verb cli_run = {
    .name = "run",
    .summary = "train as an experiment's file says",
    .text =
        "Does what the JSON file EXPERIMENT describes: data, limits, learners and their spaces, "
        "outputs. "
        "`automl init` writes one to start from, `automl catalog --schema` prints the JSON "
        "Schema with all keys. Comments are allowed; ${NAME} is a variable of the environment.",
    .operands = "an EXPERIMENT file",
    .usage = "EXPERIMENT [OPTION…]",
    .example = "run datasets/breast_cancer.json --set limits.max_trials=5",
    .min_operands = 1,
    .max_operands = 1,
    CLI_OPTIONS(options),
    .run = run};
