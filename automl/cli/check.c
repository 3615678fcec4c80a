/* check.c: what a table is like, before any training. */
#include <string.h>

#include "automl/cli/show.h"
#include "automl/cli/table.h"

enum { SOMETHING_FOUND = 1 };

static bool put_profile(const cli_call *call, const aml_check *c) {
    static const cli_column columns[] = {{"column", false}, {"kind", false},    {"role", false},
                                         {"missing", true}, {"distinct", true}, {"min", true},
                                         {"mean", true},    {"max", true},      {"values", false}};
    cli_table *t = cli_table_new(columns, sizeof columns / sizeof *columns);
    aml_profile p = {.size = sizeof p};
    char cell[CLI_NUMBER];
    for (size_t i = 0; aml_check_profile(c, i, &p); i++) {
        cli_table_put(t, p.name);
        char form[64];
        snprintf(form, sizeof form, "%s%s%s", p.form, *p.unit ? " " : "", p.unit);
        cli_table_put(t, form);
        cli_table_put(t, p.role);
        cli_table_put(t, cli_count(cell, p.missing));
        cli_table_put(t, cli_count(cell, p.distinct));
        cli_table_put(t, cli_number(cell, p.min));
        cli_table_put(t, cli_number(cell, p.mean));
        cli_table_put(t, cli_number(cell, p.max));
        cli_table_put(t, p.warning && p.warning[0] ? p.warning : p.top);
    }
    return cli_table_print(t, call->out, call->width, call->colour);
}

/* Returns how many are alerts. */
static size_t put_guardrails(const cli_call *call, const aml_check *c) {
    aml_guardrail g = {.size = sizeof g};
    size_t alerts = 0;
    for (size_t i = 0; aml_check_guardrail(c, i, &g); i++) {
        alerts += !strcmp(g.status, "Alerted");
        if (!call->args->json) cli_show_guardrail(call, &g);
    }
    return alerts;
}

static int show(const cli_call *call, const aml_frame *data, const aml_check *c) {
    const cli_args *a = call->args;
    bool good = true;
    if (!a->json) {
        fprintf(call->out, "%s: %zu rows, %zu columns", a->operands[0], aml_frame_rows_count(data),
                aml_frame_columns_count(data));
        if (aml_check_task(c)[0])
            fprintf(call->out, "; `%s` makes it %s", a->target, aml_check_task(c));
        fputs("\n\n", call->out);
        good = put_profile(call, c);
        fputc('\n', call->out);
    }
    size_t alerts = put_guardrails(call, c);
    if (!good) return cli_fail(AML_ENOMEM, NULL, "out of memory");
    int status = a->json ? cli_put_text(call, aml_check_json(c)) : 0;
    return status ? status : a->strict && alerts ? SOMETHING_FOUND : 0;
}

static int run(const cli_call *call) {
    const cli_args *a = call->args;
    aml_frame *data = NULL;
    aml_check *c = NULL;
    aml_read_options reading = cli_read_options(a);
    aml_train_options o = {.size = sizeof o,
                           .target = a->target,
                           .task = a->task,
                           .weight = a->weight,
                           .drop = a->drop,
                           .threads = a->threads};
    int status = cli_report(aml_frame_read(&data, a->operands[0], &reading));
    if (!status && !a->json) cli_notes(data);
    if (!status && a->write_schema)
        status = cli_report(aml_frame_write_schema(data, a->write_schema));
    if (!status) status = cli_report(aml_check_run(&c, data, &o));
    if (!status) status = show(call, data, c);
    aml_check_free(c);
    aml_frame_free(data);
    return status;
}

static const cli_option options[] = {
    {"target", "COLUMN", "the column to predict; adds checks that need it", CLI_TEXT,
     CLI_AT(target)},
    {"task", "TASK", "binary, multiclass or regression (default: by target)", CLI_TEXT,
     CLI_AT(task)},
    {"drop", "A,B", "columns not to use", CLI_NAMES, CLI_AT(drop)},
    {"weight", "COLUMN", "column of row weights", CLI_TEXT, CLI_AT(weight)},
    {"strict", NULL, "exit with 1 when something is Alerted", CLI_FLAG, CLI_AT(strict)},
    {"threads", "N", "threads to use (default: all cores)", CLI_SMALL, CLI_AT(threads)},
    {"json", NULL, "print JSON", CLI_FLAG, CLI_AT(json)},
    {"write-schema", "FILE", "write the kinds of the columns, to be corrected and read again",
     CLI_TEXT, CLI_AT(write_schema)},
    CLI_READING};

const cli_verb cli_check = {.name = "check",
                            .summary = "profile a CSV file and check it for traps",
                            .text =
                                "Reads DATA as training would, prints a profile of each column and "
                                "what the guardrails say: "
                                "Passed, Done (training mends it) or Alerted (for you to look at).",
                            .operands = "a DATA file",
                            .usage = "DATA [OPTION…]",
                            .example = "check datasets/iris.csv --target species",
                            .min_operands = 1,
                            .max_operands = 1,
                            CLI_OPTIONS(options),
                            .run = run};
