/* init.c: an experiment to start from. */
#include <string.h>
#include <unistd.h>

#include "automl/cli/cli.h"
#include "automl/cli/table.h"

static void show_next(const cli_call *call, const char *output) {
    char name[1024];
    fprintf(call->out,
            "%s is written. Have a look at it, then: ", cli_clean(name, sizeof name, output));
    cli_put_word(call->out, call->program);
    fputs(" run ", call->out);
    cli_put_word(call->out, output);
    fputc('\n', call->out);
}

static int write_draft(const cli_call *call, const aml_frame *data, const char *output) {
    const cli_args *a = call->args;
    aml_read_options reading = cli_read_options(a);
    aml_train_options o = {.size = sizeof o,
                           .target = a->target,
                           .task = a->task,
                           .metric = a->metric,
                           .drop = a->drop,
                           .weight = a->weight,
                           .group = a->group,
                           .time = a->time,
                           .trials = a->trials,
                           .time_limit = a->time_limit,
                           .threads = a->threads};
    char *text;
    int status =
        cli_report(aml_experiment_draft(&text, data, a->operands[0], output, &reading, &o));
    if (!status && !strcmp(output, "-")) fputs(text, call->out);
    else if (!status) status = cli_report(aml_text_write(text, output));
    if (!status && strcmp(output, "-") != 0) show_next(call, output);
    aml_text_free(text);
    return status;
}

static int run(const cli_call *call) {
    const cli_args *a = call->args;
    const char *output = a->output ? a->output : "experiment.json";
    aml_frame *data = NULL;
    aml_read_options reading = cli_read_options(a);
    if (!a->target)
        return cli_fail(AML_EUSAGE, "name the column to predict: automl init DATA --target COLUMN",
                        "`init` needs --target");
    if (strcmp(output, "-") != 0 && !access(output, F_OK))
        return cli_fail(AML_ECANTCREATE, "remove it, or give another --output",
                        "%s is there already", output);
    int status = strcmp(output, "-") != 0 ? cli_report(aml_check_writable(output)) : 0;
    if (!status) status = cli_report(aml_frame_read(&data, a->operands[0], &reading));
    if (!status && !a->quiet) cli_notes(data);
    if (!status) status = write_draft(call, data, output);
    aml_frame_free(data);
    return status;
}

static const cli_option options[] = {
    CLI_PREDICTED,
    {"output", "FILE", "to write; - is standard output (default: experiment.json)", CLI_TEXT,
     CLI_AT(output)},
    {"time-limit", "TIME", "of the runs: 60s, 5m (default: by the size of the data)", CLI_SECONDS,
     CLI_AT(time_limit)},
    {"trials", "N", "pipelines to try", CLI_COUNT, CLI_AT(trials)},
    {"threads", "N", "threads to use now (default: all cores)", CLI_SMALL, CLI_AT(threads)},
    {"quiet", NULL, "no notes on how DATA was read", CLI_FLAG, CLI_AT(quiet)},
    CLI_READING};

const cli_verb cli_init = {
    .name = "init",
    .summary = "write an experiment for a CSV file, to be edited and run",
    .text =
        "Looks at DATA as `automl check` does and writes a commented experiment for `automl run`: "
        "roles, task, metric, limits by the size of the data, and remarks on what was found.",
    .operands = "a DATA file",
    .usage = "DATA --target COLUMN [OPTION…]",
    .example = "init datasets/iris.csv --target species --output iris.json",
    .min_operands = 1,
    .max_operands = 1,
    CLI_OPTIONS(options),
    .run = run};
