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

static int load_run(aml_model **out, const cli_args *a) {
    aml_store *store = NULL;
    int status = cli_report(aml_store_open(&store, a->store, 0));
    if (!status) status = cli_report(aml_store_leaderboard(out, store, a->operands[0]));
    aml_store_close(store);
    return status;
}

static int run(const cli_call *call) {
    aml_model *m = NULL;
    const cli_args *a = call->args;
    int status = a->store ? load_run(&m, a) : cli_load(&m, NULL, a, false);
    if (!status) status = show(call, m);
    aml_model_free(m);
    return status;
}

static const cli_option options[] = {
    {"store", "FILE", "where the run is recorded: then RUN is its id, or `last`", CLI_TEXT,
     CLI_AT(store)},
    {"json", NULL, "print JSON", CLI_FLAG, CLI_AT(json)},
    {"csv", NULL, "print CSV", CLI_FLAG, CLI_AT(csv)},
    {"no-timings", NULL, "leave out what a clock measured", CLI_FLAG, CLI_AT(no_timings)}};

const cli_verb cli_leaderboard = {
    .name = "leaderboard",
    .summary = "show the pipelines that were tried, best first",
    .text = "Prints the leaderboard that MODEL was chosen from: all pipelines that were tried, "
            "best first. "
            "A model file holds no timings, so that the same search gives the same file. With "
            "--store it is that of a run, finished or not.",
    .operands = "a MODEL file, or a RUN with --store",
    .usage = "MODEL | RUN --store FILE [OPTION…]",
    .example = "leaderboard model.automl --csv",
    .min_operands = 1,
    .max_operands = 1,
    CLI_OPTIONS(options),
    .run = run};
