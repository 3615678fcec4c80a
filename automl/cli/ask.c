/* ask.c: the next trial of a search whose state is in a file, for shells. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "automl/cli/cli.h"
#include "automl/cli/table.h"

enum { MOST_SPACE = 1 << 20, SHOWN = 10 };

/* The whole of a file as text, freed by the caller; NULL: the message is printed. */
static char *read_text(const char *path) {
    FILE *f = fopen(path, "rb");
    char *text = f ? malloc(MOST_SPACE + 1) : NULL;
    size_t n = text ? fread(text, 1, MOST_SPACE + 1, f) : 0;
    if (!f)
        cli_fail(errno == ENOMEM ? AML_ENOMEM : AML_ENOINPUT, NULL, "cannot open %s: %s", path,
                 strerror(errno));
    else if (!text) cli_fail(AML_ENOMEM, NULL, "out of memory");
    else if (n > MOST_SPACE) cli_fail(AML_ECONFIG, NULL, "%s is too long for a search space", path);
    if (f) fclose(f);
    if (text && n > MOST_SPACE) {
        free(text);
        return NULL;
    }
    if (text) text[n] = 0;
    return text;
}

static int open_search(aml_tuner **t, const cli_args *a) {
    const char *path = a->operands[0];
    char *text = NULL;
    *t = NULL;
    if (!a->space && !a->space_file) {
        if (access(path, F_OK))
            return cli_fail(AML_ENOINPUT,
                            "begin with: automl ask STATE --space 'lr = loguniform(1e-4, 0.1)'",
                            "there is no search in %s yet", path);
        return cli_report(aml_tuner_open(t, path, NULL));
    }
    if (a->space && a->space_file)
        return cli_fail(AML_EUSAGE, NULL, "--space and --space-file exclude each other");
    if (a->space_file && !(text = read_text(a->space_file))) return AML_ENOINPUT;
    aml_tuner_options o = {.size = sizeof o,
                           .space = text ? text : a->space,
                           .constraints = a->constraints,
                           .sampler = a->sampler,
                           .scheduler = a->early_termination,
                           .goals = a->goal,
                           .seed = a->seed};
    int status = cli_report(aml_tuner_open(t, path, &o));
    free(text);
    for (size_t i = 0; !status && !a->quiet && aml_tuner_note(*t, i); i++)
        cli_note("%s", aml_tuner_note(*t, i));
    return status;
}

/* 'text' for a POSIX shell, whatever is in it. */
static void put_quoted(FILE *out, const char *text) {
    if (*text && text[strspn(text, "0123456789+-.eE")] == 0) {
        fputs(text, out);
        return;
    }
    fputc('\'', out);
    for (; *text; text++) fputs(*text == '\'' ? "'\\''" : (char[]){*text, 0}, out);
    fputc('\'', out);
}

/* Assignments for `eval`; characters that names of variables cannot have become underscores. */
static void put_shell(FILE *out, aml_tuner *t, size_t trial) {
    aml_tuner_value v = {.size = sizeof v};
    fprintf(out, "trial=%zu", trial);
    for (size_t i = 0; aml_tuner_value_at(t, trial, i, &v); i++) {
        fputc(' ', out);
        if (v.name[0] >= '0' && v.name[0] <= '9') fputc('_', out);
        for (const char *c = v.name; *c; c++) {
            bool fits = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                        (*c >= '0' && *c <= '9') || *c == '_';
            fputc(fits ? *c : '_', out);
        }
        fputc('=', out);
        put_quoted(out, v.text);
    }
    fputc('\n', out);
}

static int put_trial(const cli_call *call, aml_tuner *t, size_t trial) {
    if (call->args->shell) {
        put_shell(call->out, t, trial);
        return 0;
    }
    char *params = aml_tuner_params_json(t, trial);
    if (!params) return cli_fail(AML_ENOMEM, NULL, "out of memory");
    fprintf(call->out, "{\"trial\":%zu,\"params\":%s}\n", trial, params);
    aml_text_free(params);
    return 0;
}

/* ---- the best ---- */

static void put_values(cli_table *table, aml_tuner *t, size_t trial) {
    char number[CLI_NUMBER];
    const char *name;
    int maximize;
    for (size_t g = 0; aml_tuner_goal(t, g, &name, &maximize); g++)
        cli_table_put(table, cli_number(number, aml_tuner_trial_value(t, trial, g)));
}

static int show_best(const cli_call *call, aml_tuner *t) {
    cli_column columns[16] = {{"trial", true}};
    size_t n = 1, trial, shown = 0, most = call->args->top ? call->args->top : SHOWN;
    const char *name;
    int maximize;
    char number[CLI_NUMBER];
    double share;
    for (size_t g = 0; g < 8 && aml_tuner_goal(t, g, &name, &maximize); g++)
        columns[n++] = (cli_column){name, true};
    columns[n++] = (cli_column){"parameters", false};
    cli_table *table = cli_table_new(columns, n);
    for (; shown < most && aml_tuner_best(t, shown, &trial); shown++) {
        char *params = aml_tuner_params_json(t, trial);
        snprintf(number, sizeof number, "%zu", trial);
        cli_table_put(table, number);
        put_values(table, t, trial);
        cli_table_put(table, params);
        aml_text_free(params);
    }
    if (!cli_table_print(table, call->out, call->width, call->colour))
        return cli_fail(AML_ENOMEM, NULL, "out of memory");
    if (!shown) fputs("no trial is done yet\n", call->out);
    for (size_t i = 0; i < 8 && aml_tuner_importance(t, 0, i, &name, &share) && share >= 0.005; i++)
        fprintf(call->out, "%s%s %.0f %%", i ? ", " : "\nimportance: ", name, 100 * share);
    if (aml_tuner_importance(t, 0, 0, &name, &share)) fputc('\n', call->out);
    return 0;
}

static int show_best_json(const cli_call *call, aml_tuner *t) {
    size_t trial, most = call->args->top ? call->args->top : SHOWN;
    const char *name;
    int maximize;
    fputc('[', call->out);
    for (size_t i = 0; i < most && aml_tuner_best(t, i, &trial); i++) {
        char *params = aml_tuner_params_json(t, trial);
        if (!params) return cli_fail(AML_ENOMEM, NULL, "out of memory");
        fprintf(call->out, "%s{\"trial\":%zu,\"params\":%s,\"values\":[", i ? ",\n " : "", trial,
                params);
        for (size_t g = 0; aml_tuner_goal(t, g, &name, &maximize); g++)
            fprintf(call->out, "%s%.17g", g ? "," : "", aml_tuner_trial_value(t, trial, g));
        fputs("]}", call->out);
        aml_text_free(params);
    }
    fputs("]\n", call->out);
    return 0;
}

static int run(const cli_call *call) {
    aml_tuner *t;
    size_t trial;
    int status = open_search(&t, call->args);
    if (!status && call->args->best) {
        status = call->args->json ? show_best_json(call, t) : show_best(call, t);
    } else if (!status) {
        status = cli_report(aml_tuner_ask(t, &trial));
        if (!status) status = put_trial(call, t, trial);
    }
    aml_tuner_free(t);
    return status;
}

static const cli_option options[] = {
    {"space", "TEXT", "parameters, in the short form or as JSON (first time)", CLI_TEXT,
     CLI_AT(space)},
    {"space-file", "FILE", "the same, from a file", CLI_TEXT, CLI_AT(space_file)},
    {"constraints", "TEXT", "what must hold: 'batch * layers <= 1024; depth < layers'", CLI_TEXT,
     CLI_AT(constraints)},
    {"goal", "GOALS", "'minimize loss' (default: minimize value); several: a Pareto front",
     CLI_TEXT, CLI_AT(goal)},
    {"sampler", "HOW", "what suggests parameters: a name, or JSON (default: auto)", CLI_TEXT,
     CLI_AT(sampler)},
    {"early-termination", "HOW", "what stops trials by their reports: a name, or JSON", CLI_TEXT,
     CLI_AT(early_termination)},
    {"seed", "N", "the same seed gives the same trials (default: 0)", CLI_SEED, CLI_AT(seed)},
    {"shell", NULL, "print assignments for `eval` instead of JSON", CLI_FLAG, CLI_AT(shell)},
    {"best", NULL, "ask for no trial: show the best ones so far", CLI_FLAG, CLI_AT(best)},
    {"top", "N", "so many of them (default: 10)", CLI_COUNT, CLI_AT(top)},
    {"json", NULL, "print the best as JSON", CLI_FLAG, CLI_AT(json)},
    {"quiet", NULL, "print no notes", CLI_FLAG, CLI_AT(quiet)}};

const cli_verb cli_ask = {
    .name = "ask",
    .summary = "ask for the next trial of a search of your own",
    .text = "Prints the parameters of the next trial of the search in the file STATE, as a line of "
            "JSON or as shell assignments; the first time with --space, which makes the file. Run "
            "the trial, then say how it went with `automl tell`. The file grows by a line for each "
            "call; any number of processes may share it.\n"
            "\n"
            "Parameters: lr=loguniform(1e-4,0.1); depth=int(2,10); width=int(16,512,log); "
            "share=uniform(0,1); booster=choice(gbtree,dart); drop=uniform(0,0.5) if "
            "booster==dart; flag=bool(); also quniform, qloguniform, normal, lognormal, randint, "
            "ordinal. In this form all bounds are values.",
    .operands = "a STATE file",
    .usage = "STATE [--space TEXT] [OPTION…]",
    .example = "ask search.jsonl --space 'lr=loguniform(1e-4,0.1); depth=int(2,10)'",
    .min_operands = 1,
    .max_operands = 1,
    CLI_OPTIONS(options),
    .run = run};
