/* transform.c: rows to the features that a pipeline of the model makes of them. */
#include "automl/cli/cli.h"

static int run(const cli_call *call) {
    const cli_args *a = call->args;
    const char *path = a->output ? a->output : "-";
    size_t part = a->part ? (size_t)a->part - 1 : 0;
    aml_model *model = NULL;
    aml_frame *data = NULL;
    int status = cli_report(aml_check_writable(path));
    if (!status) status = cli_load(&model, &data, a, false);
    if (!status) status = cli_report(aml_model_transform_csv(model, data, part, path, a->threads));
    if (!status && a->output && !a->quiet)
        fprintf(stderr, "%zu rows written to %s\n", aml_frame_rows_count(data), path);
    aml_frame_free(data);
    aml_model_free(model);
    return status;
}

static const cli_option options[] = {
    {"part", "N", "which pipeline of the model, as `inspect` lists them (default: 1)", CLI_SMALL,
     CLI_AT(part)},
    {"output", "FILE", "CSV file to write (default: standard output)", CLI_TEXT, CLI_AT(output)},
    {"threads", "N", "threads to use (default: all cores)", CLI_SMALL, CLI_AT(threads)},
    {"quiet", NULL, "print nothing but errors", CLI_FLAG, CLI_AT(quiet)},
    CLI_READING};

const cli_verb cli_transform = {
    .name = "transform",
    .summary = "write the features that a model makes of a CSV file",
    .text =
        "Sends the rows of DATA through the featurization of one pipeline of MODEL (that of its "
        "first fit, where it has one for each fold) and writes the features as CSV, one line a "
        "row, in the order of DATA. `automl inspect` says where each feature comes from.",
    .operands = "a MODEL and a DATA file",
    .usage = "MODEL DATA [OPTION…]",
    .example = "transform model.automl datasets/iris.csv --output features.csv",
    .min_operands = 2,
    .max_operands = 2,
    CLI_OPTIONS(options),
    .run = run};
