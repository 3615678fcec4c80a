/* leaderboard.c: what was tried on the way to a model. */
#include <stdint.h>

#include "automl/cli/show.h"

static int show(const cli_call *call, const aml_model *m) {
    const cli_args *a = call->args;
    unsigned flags = a->no_timings ? AML_NO_TIMINGS : 0;
    if (a->json) return cli_put_text(call, aml_model_leaderboard_json(m, flags));
    if (a->csv) return cli_put_text(call, aml_model_leaderboard_csv(m, flags));
    if (!cli_show_leaders(call, m, SIZE_MAX, !a->no_timings))
        return cli_fail(AML_ENOMEM, NULL, "out of memory");
    fputc('\n', call->out);
    cli_show_score(call, m);
    return 0;
}

static int run(const cli_call *call) {
    aml_model *m = NULL;
    int status = cli_load(&m, NULL, call->args, false);
    if (!status) status = show(call, m);
    aml_model_free(m);
    return status;
}

static const cli_option options[] = {
    {"json", NULL, "print JSON", CLI_FLAG, CLI_AT(json)},
    {"csv", NULL, "print CSV", CLI_FLAG, CLI_AT(csv)},
    {"no-timings", NULL, "leave out what a clock measured", CLI_FLAG, CLI_AT(no_timings)}};

const cli_verb cli_leaderboard = {
    .name = "leaderboard",
    .summary = "show the pipelines that were tried, best first",
    .text = "Prints the leaderboard that MODEL was chosen from: all pipelines that were tried, "
            "best first. "
            "A model file holds no timings, so that the same search gives the same file.",
    .operands = "a MODEL file",
    .usage = "MODEL [OPTION…]",
    .example = "leaderboard model.automl --csv",
    .min_operands = 1,
    .max_operands = 1,
    CLI_OPTIONS(options),
    .run = run};
