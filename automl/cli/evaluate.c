/* evaluate.c: how good a model is on rows whose target is known. */
#include "automl/cli/show.h"

static int show(const cli_call *call, const aml_model *model, const aml_evaluation *e) {
    if (call->args->json) return cli_put_text(call, aml_evaluation_json(e));
    fprintf(call->out, "%s on %zu rows with `%s`\n\n", call->args->operands[0],
            aml_evaluation_rows(e), aml_model_target(model));
    return cli_show_evaluation(call, model, e) ? 0 : cli_fail(AML_ENOMEM, NULL, "out of memory");
}

static int run(const cli_call *call) {
    const cli_args *a = call->args;
    aml_model *model = NULL;
    aml_frame *data = NULL;
    aml_evaluation *e = NULL;
    int status = cli_load(&model, &data, a, true);
    if (!status) status = cli_report(aml_model_evaluate(&e, model, data, a->threads));
    if (!status) status = show(call, model, e);
    aml_evaluation_free(e);
    aml_frame_free(data);
    aml_model_free(model);
    return status;
}

static const cli_option options[] = {
    {"json", NULL, "print JSON", CLI_FLAG, CLI_AT(json)},
    {"threads", "N", "threads to use (default: all cores)", CLI_SMALL, CLI_AT(threads)},
    {"quiet", NULL, "no notes on how DATA was read", CLI_FLAG, CLI_AT(quiet)},
    CLI_READING};

const cli_verb cli_evaluate = {.name = "evaluate",
                               .summary = "score a model on rows whose target is known",
                               .text = "Predicts the rows of DATA, compares with its target "
                                       "column, and prints every metric of the task.",
                               .operands = "a MODEL and a DATA file",
                               .usage = "MODEL DATA [OPTION…]",
                               .example = "evaluate model.automl datasets/iris.csv",
                               .min_operands = 2,
                               .max_operands = 2,
                               CLI_OPTIONS(options),
                               .run = run};
