/* export.c: a model to the format of another program. */
#include "automl/cli/cli.h"

static int run(const cli_call *call) {
    const cli_args *a = call->args;
    aml_model *model = NULL;
    if (!a->format)
        return cli_fail(AML_EUSAGE, "--format c, json or onnx", "export needs --format");
    if (!a->output)
        return cli_fail(AML_EUSAGE, "--output FILE (- = standard output)", "export needs --output");
    int status = cli_report(aml_check_writable(a->output));
    if (!status) status = cli_load(&model, NULL, a, false);
    if (!status) status = cli_report(aml_model_export(model, a->format, a->output));
    aml_model_free(model);
    return status;
}

static const cli_option options[] = {
    {"format", "FORMAT", "c, json or onnx (required)", CLI_TEXT, CLI_AT(format)},
    {"output", "FILE", "the file to write (required; - = standard output)", CLI_TEXT,
     CLI_AT(output)}};

const cli_verb cli_export = {
    .name = "export",
    .summary = "write a model in the format of another program",
    .text =
        "Writes MODEL, from its input columns to its calibrated predictions, in another format. "
        "c: one file of C99 with its header, without heap and libraries, that predicts the same "
        "bits "
        "(NAME_predict for --output NAME.c; with -DNAME_MAIN a program from CSV to predictions). "
        "json: every operation with its numbers, for readers of one's own. onnx: for ONNX Runtime "
        "and others (ai.onnx 21, ai.onnx.ml 5), an input of [rows, 1] for each column that counts: "
        "double with NaN for missing (dates in seconds since 1970), string with \"\" for missing; "
        "outputs label and probabilities, or value. A model with "
        "a part that has no form in the format is refused, and nothing is written.",
    .operands = "a MODEL",
    .usage = "MODEL --format FORMAT --output FILE",
    .example = "export model.automl --format c --output model.c",
    .min_operands = 1,
    .max_operands = 1,
    CLI_OPTIONS(options),
    .run = run};
