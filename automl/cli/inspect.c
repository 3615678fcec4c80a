/* inspect.c: what is inside a model file. */
#include <string.h>

#include "automl/cli/show.h"
#include "automl/cli/table.h"

enum { MOST = 20 };

static void put_head(const cli_call *call, const aml_model *m) {
    char text[512];
    fprintf(call->out, "task     %s\n", aml_model_task(m));
    fprintf(call->out, "target   %s\n", cli_clean(text, sizeof text, aml_model_target(m)));
    size_t k = aml_model_classes(m);
    if (k) fputs("classes  ", call->out);
    for (size_t i = 0; i < k && i < MOST; i++)
        fprintf(call->out, "%s%s", i ? ", " : "",
                cli_clean(text, sizeof text, aml_model_class(m, i)));
    if (k > MOST) fprintf(call->out, " and %zu more", k - MOST);
    if (k) fputc('\n', call->out);
    char number[CLI_NUMBER];
    if (k == 2)
        fprintf(call->out, "labels   %s from a probability of %s on\n",
                cli_clean(text, sizeof text, aml_model_class(m, 1)),
                cli_number(number, aml_model_threshold(m)));
    bool calibrated = strcmp(aml_model_calibration(m), "none") != 0;
    if (calibrated) fprintf(call->out, "proba    calibrated: %s\n", aml_model_calibration(m));
    cli_show_score(call, m);
}

static bool put_parts(const cli_call *call, const aml_model *m) {
    static const cli_column columns[] = {
        {"weight", true}, {"fits", true}, {"size", true}, {"pipeline", false}};
    cli_table *t = cli_table_new(columns, 4);
    aml_part p = {.size = sizeof p};
    char cell[CLI_NUMBER];
    for (size_t i = 0; aml_model_part(m, i, &p); i++) {
        cli_table_put(t, cli_fixed(cell, p.weight, 3));
        cli_table_put(t, cli_count(cell, p.fits));
        cli_table_put(t, cli_bytes(cell, (double)p.bytes));
        cli_table_put(t, p.pipeline);
    }
    fputc('\n', call->out);
    return cli_table_print(t, call->out, call->width, call->colour);
}

static bool put_inputs(const cli_call *call, const aml_model *m) {
    static const cli_column columns[] = {{"input", false}, {"kind", false}, {"levels", true}};
    cli_table *t = cli_table_new(columns, 3);
    aml_input_column c = {.size = sizeof c};
    char cell[CLI_NUMBER];
    for (size_t i = 0; aml_model_input(m, i, &c); i++) {
        cli_table_put(t, c.name);
        cli_table_put(t, c.kind);
        cli_table_put(t, cli_count(cell, c.levels));
    }
    fputc('\n', call->out);
    return cli_table_print(t, call->out, call->width, call->colour);
}

static bool put_importance(const cli_call *call, const aml_model *m) {
    static const cli_column columns[] = {{"importance", true}, {"input", false}};
    const char *name;
    double share;
    char cell[CLI_NUMBER];
    if (!aml_model_importance(m, 0, &name, &share) || !(share > 0)) return true;
    cli_table *t = cli_table_new(columns, 2);
    for (size_t i = 0; i < MOST && aml_model_importance(m, i, &name, &share); i++) {
        cli_table_put(t, cli_fixed(cell, share, 4));
        cli_table_put(t, name);
    }
    fputc('\n', call->out);
    return cli_table_print(t, call->out, call->width, call->colour);
}

/* What the featurization of each part makes: the first of each, all with --json. */
static bool put_features(const cli_call *call, const aml_model *m) {
    static const cli_column columns[] = {
        {"part", true},        {"feature", false}, {"columns", true}, {"importance", true},
        {"coefficient", true}, {"from", false},    {"by", false}};
    cli_table *t = cli_table_new(columns, 7);
    aml_part p = {.size = sizeof p};
    aml_engineered e = {.size = sizeof e};
    char cell[CLI_NUMBER];
    for (size_t part = 0; aml_model_part(m, part, &p); part++) {
        aml_lineage *l;
        if (aml_lineage_new(&l, m, part)) continue;
        size_t i = 0, more = 0;
        for (; aml_lineage_at(l, i, &e); i++) {
            if (i >= MOST) {
                more++;
                continue;
            }
            cli_table_put(t, cli_count(cell, part + 1));
            cli_table_put(t, e.name);
            cli_table_put(t, e.columns > 1 ? cli_count(cell, e.columns) : "");
            cli_table_put(t, e.importance > 0 ? cli_fixed(cell, e.importance, 4) : "");
            cli_table_put(t, cli_number(cell, e.coefficient));
            cli_table_put(t, e.inputs);
            cli_table_put(t, e.steps);
        }
        if (more) {
            char text[64];
            snprintf(text, sizeof text, "and %zu more (--json)", more);
            cli_table_put(t, cli_count(cell, part + 1));
            cli_table_put(t, text);
            for (int k = 0; k < 5; k++) cli_table_put(t, "");
        }
        aml_lineage_free(l);
    }
    fputc('\n', call->out);
    return cli_table_print(t, call->out, call->width, call->colour);
}

static int show(const cli_call *call, const aml_model *m) {
    if (call->args->json) return cli_put_text(call, aml_model_inspect_json(m));
    put_head(call, m);
    bool good = put_parts(call, m) && put_importance(call, m) && put_inputs(call, m) &&
                put_features(call, m);
    return good ? 0 : cli_fail(AML_ENOMEM, NULL, "out of memory");
}

static int run(const cli_call *call) {
    aml_model *m = NULL;
    int status = cli_load(&m, NULL, call->args, false);
    if (!status) status = show(call, m);
    aml_model_free(m);
    return status;
}

static const cli_option options[] = {
    {"json", NULL, "print JSON, with all there is to know", CLI_FLAG, CLI_AT(json)}};

const cli_verb cli_inspect = {.name = "inspect",
                              .summary = "show what is inside a model file",
                              .text = "Prints what MODEL predicts, its score, the pipelines it is "
                                      "made of and their weights, which "
                                      "columns matter, the columns it needs, and the features "
                                      "made of them: from which columns, by which steps.",
                              .operands = "a MODEL file",
                              .usage = "MODEL [OPTION…]",
                              .example = "inspect model.automl",
                              .min_operands = 1,
                              .max_operands = 1,
                              CLI_OPTIONS(options),
                              .run = run};
