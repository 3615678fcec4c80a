/* run.c: a training described by an experiment's file. */
#include <stdio.h>
#include <stdlib.h>
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

/* "automl.db" beside the model, unless the user or the experiment say otherwise; on the heap. */
static char *store_path(const char *asked, const char *model) {
    const char *slash = strrchr(model, '/'), *name = asked ? asked : "automl.db";
    size_t n = slash && !asked ? (size_t)(slash - model) + 1 : 0;
    char *path = malloc(n + strlen(name) + 1);
    if (!path) return NULL;
    memcpy(path, model, n);
    memcpy(path + n, name, strlen(name) + 1);
    return path;
}

/* "key=value", NULL-ended, in one block of memory. */
static const char **tags_of(const aml_experiment *e) {
    size_t n = 0, bytes = 0;
    const char *name, *value;
    for (; aml_experiment_tag(e, n, &name, &value); n++) bytes += strlen(name) + strlen(value) + 2;
    const char **tags = calloc(1, (n + 1) * sizeof *tags + bytes + 1);
    char *at = tags ? (char *)(tags + n + 1) : NULL;
    for (size_t i = 0; tags && aml_experiment_tag(e, i, &name, &value); i++) {
        tags[i] = at;
        at += snprintf(at, strlen(name) + strlen(value) + 2, "%s=%s", name, value) + 1;
    }
    return tags;
}

/* Runs it with its history. */
static int run_recorded(cli_job *job) {
    const cli_args *a = job->call->args;
    const char *asked = a->store ? a->store : job->files.store;
    bool none = a->no_store || (asked && !*asked);
    if (none && (a->replay || a->new_run))
        return cli_fail(AML_EUSAGE, "name one: --store FILE",
                        "--%s needs a store, and the experiment has none",
                        a->replay ? "replay" : "new");
    char *path = none ? NULL : store_path(asked, job->files.model);
    const char **tags = tags_of(job->experiment);
    job->store_path = path;
    job->options.experiment = aml_experiment_name(job->experiment);
    job->options.verb = "run";
    job->options.tags = (const char *const *)tags;
    job->options.resume = a->new_run ? -1 : 0;
    job->options.replay = a->replay;
    int status =
        tags && (path || none) ? cli_job_run(job) : cli_fail(AML_ENOMEM, NULL, "out of memory");
    free(tags);
    free(path);
    return status;
}

static int run(const cli_call *call) {
    const cli_args *a = call->args;
    aml_experiment *experiment = NULL;
    if (a->print_schema) return cli_put_text(call, aml_experiment_schema());
    if (!a->n_operands)
        return cli_fail(AML_EUSAGE, "automl run EXPERIMENT [OPTION…]",
                        "`run` needs an EXPERIMENT file");
    if (a->no_store && (a->store || a->new_run || a->replay))
        return cli_fail(AML_EUSAGE, "leave out one of them",
                        "--no-store goes without --store, --new and --replay");
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
        status = run_recorded(&job);
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
    {"store", "FILE", "record the run and its trials here (default: automl.db beside the model)",
     CLI_TEXT, CLI_AT(store)},
    {"no-store", NULL, "record nothing", CLI_FLAG, CLI_AT(no_store)},
    {"new", NULL, "begin a new run, where else one that was killed or stopped would go on",
     CLI_FLAG, CLI_AT(new_run)},
    {"replay", "RUN", "repeat this finished run of the experiment, to the same model byte for byte",
     CLI_TEXT, CLI_AT(replay)},
    {"print-schema", NULL, "print the JSON Schema of experiments, with all keys", CLI_FLAG,
     CLI_AT(print_schema)},
    {"json", NULL, "print JSON", CLI_FLAG, CLI_AT(json)},
    {"quiet", NULL, "no progress and no notes", CLI_FLAG, CLI_AT(quiet)},
    {"no-timings", NULL, "leave out what a clock measured", CLI_FLAG, CLI_AT(no_timings)}};

const cli_verb cli_run = {
    .name = "run",
    .summary = "train as an experiment's file says",
    .text =
        "Does what the JSON file EXPERIMENT describes: data, limits, learners and their spaces, "
        "outputs. "
        "`automl init` writes one to start from. Comments are allowed; ${NAME} is a variable of "
        "the environment.",
    .operands = "an EXPERIMENT file",
    .usage = "EXPERIMENT [OPTION…]",
    .example = "run datasets/breast_cancer.json --set limits.max_trials=5",
    .min_operands = 0,
    .max_operands = 1,
    CLI_OPTIONS(options),
    .run = run};
