/* predict.c: rows to predictions. */
#include "automl/cli/cli.h"

static int run(const cli_call *call) {
    const cli_args *a = call->args;
    const char *path = a->output ? a->output : "-";
    aml_model *model = NULL;
    aml_frame *data = NULL;
    int status = cli_report(aml_check_writable(path));
    if (!status) status = cli_load(&model, &data, a, false);
    if (!status) status = cli_report(aml_model_predict_csv(model, data, path, a->keep, a->threads));
    if (!status && a->output && !a->quiet)
        fprintf(stderr, "%zu predictions written to %s\n", aml_frame_rows_count(data), path);
    aml_frame_free(data);
    aml_model_free(model);
    return status;
}

static const cli_option options[] = {
    {"output", "FILE", "CSV file to write (default: standard output)", CLI_TEXT, CLI_AT(output)},
    {"keep", "A,B", "columns of DATA to copy behind the predictions", CLI_NAMES, CLI_AT(keep)},
    {"threads", "N", "threads to use (default: all cores)", CLI_SMALL, CLI_AT(threads)},
    {"quiet", NULL, "print nothing but errors", CLI_FLAG, CLI_AT(quiet)},
    CLI_READING};

const cli_verb cli_predict = {
    .name = "predict",
    .summary = "predict the rows of a CSV file with a model",
    .text =
        "Predicts each row of DATA with MODEL and writes CSV: the column `prediction`, for classes "
        "a column proba_CLASS each, then the columns to keep; one line a row, in the order of "
        "DATA. "
        "Columns are found by name, in any order; DATA need not have the target.",
    .operands = "a MODEL and a DATA file",
    .usage = "MODEL DATA [OPTION…]",
    .example = "predict model.automl datasets/iris.csv --output predictions.csv",
    .min_operands = 2,
    .max_operands = 2,
    CLI_OPTIONS(options),
    .run = run};
