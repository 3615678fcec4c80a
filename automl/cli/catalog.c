/* catalog.c: the parts that a search can use. */
#include <string.h>

#include "automl/cli/cli.h"
#include "automl/cli/table.h"

static bool put_kind(const cli_call *call, const char *kind) {
    const cli_column columns[] = {
        {kind, false}, {"params", true}, {"tasks", false}, {"what it is", false}};
    cli_table *t = cli_table_new(columns, 4);
    aml_catalog_entry e = {.size = sizeof e};
    char cell[CLI_NUMBER];
    for (size_t i = 0; aml_catalog(i, &e); i++) {
        if (strcmp(e.kind, kind) != 0) continue;
        cli_table_put(t, e.name);
        cli_table_put(t, cli_count(cell, e.params));
        cli_table_put(t, e.tasks);
        cli_table_put(t, e.summary);
    }
    return cli_table_print(t, call->out, call->width, call->colour);
}

static int run(const cli_call *call) {
    aml_catalog_entry e = {.size = sizeof e};
    const char *last = "";
    if (call->args->json) return cli_put_text(call, aml_catalog_json());
    for (size_t i = 0; aml_catalog(i, &e); i++) {
        if (!strcmp(e.kind, last)) continue;
        if (i) fputc('\n', call->out);
        last = e.kind;
        if (!put_kind(call, last)) return cli_fail(AML_ENOMEM, NULL, "out of memory");
    }
    return 0;
}

static const cli_option options[] = {
    {"json", NULL, "print JSON, with every hyperparameter and its range", CLI_FLAG, CLI_AT(json)}};

const cli_verb cli_catalog = {.name = "catalog",
                              .summary = "list learners, steps, samplers, schedulers, metrics",
                              .text = "Lists the parts that a search can use; their names are what "
                                      "--learners, --metric, --sampler "
                                      "and --scheduler of `automl train` take.",
                              .operands = "nothing",
                              .usage = "[OPTION…]",
                              .example = "catalog --json",
                              .max_operands = 0,
                              CLI_OPTIONS(options),
                              .run = run};
