/* runs.c: the history of runs: list, show, compare, export, delete, tag. */
#include "automl/cli/runs.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char default_store[] = "automl.db";

typedef struct job {
    const cli_call *call;
    const cli_args *a;
    aml_store *store;
    const char *const *words; /* behind the word that says what to do */
    size_t n;
} job;

/* ---- filters */

/* "2026-11-20", "2026-11-20 14:30", or how long ago: "2d", "3h". */
static bool parse_since(double *out, const char *text) {
    struct tm tm = {.tm_isdst = -1};
    double ago;
    char date[64];
    if (cli_parse_seconds(&ago, text)) {
        *out = (double)time(NULL) - ago;
        return true;
    }
    snprintf(date, sizeof date, "%s", text);
    if (strlen(date) > 10 && date[10] == 'T') date[10] = ' ';
    const char *end = strptime(date, "%Y-%m-%d", &tm);
    if (end && *end == ' ') end = strptime(end, " %H:%M", &tm);
    if (end && *end == ':') end = strptime(end, ":%S", &tm);
    if (!end || *end) return false;
    *out = (double)mktime(&tm);
    return true;
}

static int make_filter(aml_run_filter *f, const cli_args *a) {
    *f = (aml_run_filter){.size = sizeof *f,
                          .experiment = a->experiment,
                          .status = a->status,
                          .tag = a->has_tag,
                          .limit = a->limit,
                          .sort = a->sort};
    if (!a->since || parse_since(&f->since, a->since)) return 0;
    return cli_fail(AML_EUSAGE,
                    "write a date, 2026-11-20 or \"2026-11-20 14:30\", or how long ago: 3h, 2d",
                    "`%.80s` is not a value for --since", a->since);
}

static int select_runs(aml_runs **out, const job *j) {
    aml_run_filter f;
    int status = make_filter(&f, j->a);
    return status ? status : cli_report(aml_store_list(out, j->store, &f));
}

/* ---- what to do */

static int list(const job *j) {
    aml_runs *runs = NULL;
    char *text = NULL;
    int status = select_runs(&runs, j);
    if (!status && j->a->json) {
        status = cli_report(aml_store_json(&text, j->store, runs, 0));
        if (!status) status = cli_put_text(j->call, text);
    } else if (!status) {
        status = cli_runs_table(j->call, runs);
    }
    aml_runs_free(runs);
    return status;
}

static int show(const job *j) {
    aml_runs *run = NULL;
    char *text = NULL;
    if (!j->a->json) return cli_runs_show(j->call, j->store, j->words[0]);
    int status = cli_report(aml_store_find(&run, j->store, j->words[0]));
    if (!status) status = cli_report(aml_store_json(&text, j->store, run, 1));
    if (!status) status = cli_put_text(j->call, text);
    aml_runs_free(run);
    return status;
}

static int compare(const job *j) {
    aml_comparison *c = NULL;
    if (!j->a->json) return cli_runs_compare(j->call, j->store, j->words[0], j->words[1]);
    int status = cli_report(aml_store_compare(&c, j->store, j->words[0], j->words[1]));
    if (!status) status = cli_put_text(j->call, aml_comparison_json(c));
    aml_comparison_free(c);
    return status;
}

static int export(const job *j) {
    aml_runs *runs = NULL;
    char *text = NULL;
    int status =
        j->n ? cli_report(aml_store_find(&runs, j->store, j->words[0])) : select_runs(&runs, j);
    if (!status)
        status = cli_report(j->a->csv ? aml_store_csv(&text, j->store, runs)
                                      : aml_store_json(&text, j->store, runs, 1));
    if (!status) status = cli_put_text(j->call, text);
    aml_runs_free(runs);
    return status;
}

static int delete (const job *j) {
    int status = 0;
    for (size_t i = 0; i < j->n && !status; i++) {
        aml_runs *found = NULL;
        aml_run_info run = {.size = sizeof run};
        status = cli_report(aml_store_find(&found, j->store, j->words[i]));
        if (!status) aml_runs_at(found, 0, &run);
        if (!status) status = cli_report(aml_store_delete(j->store, run.id));
        if (!status && !j->a->quiet)
            fprintf(stderr, "deleted run %s with %zu trials\n", run.id, run.trials);
        aml_runs_free(found);
    }
    return status;
}

/* "key=value" sets, "key" sets without a value, "key=" takes away. */
static int tag(const job *j) {
    int status = 0;
    for (size_t i = 1; i < j->n && !status; i++) {
        const char *equals = strchr(j->words[i], '='), *value = equals ? equals + 1 : "";
        size_t n = equals ? (size_t)(equals - j->words[i]) : strlen(j->words[i]);
        char *key = strndup(j->words[i], n);
        if (!key) return cli_fail(AML_ENOMEM, NULL, "out of memory");
        status =
            cli_report(aml_store_tag(j->store, j->words[0], key, equals && !*value ? NULL : value));
        free(key);
    }
    return status;
}

static const struct action {
    const char *name, *usage;
    size_t least, most;
    int (*run)(const job *j);
} actions[] = {{"list", "automl runs list [OPTION…]", 0, 0, list},
               {"show", "automl runs show RUN", 1, 1, show},
               {"compare", "automl runs compare RUN RUN", 2, 2, compare},
               {"export", "automl runs export [RUN] [--csv]", 0, 1, export},
               {"delete", "automl runs delete RUN…", 1, CLI_MAX_OPERANDS, delete},
               {"tag", "automl runs tag RUN KEY=VALUE…", 2, CLI_MAX_OPERANDS, tag}};
enum { ACTIONS = sizeof actions / sizeof *actions };

static int find_action(const struct action **out, const cli_args *a) {
    const char *names[ACTIONS + 1] = {NULL}, *word = a->n_operands ? a->operands[0] : "list";
    char help[128] = "do one of list, show, compare, export, delete, tag";
    for (size_t i = 0; i < ACTIONS; i++) {
        names[i] = actions[i].name;
        *out = &actions[i];
        if (!strcmp(word, names[i])) return 0;
    }
    const char *near = aml_suggest(word, names);
    if (near) snprintf(help, sizeof help, "did you mean `%s`?", near);
    return cli_fail(AML_EUSAGE, help, "`runs` cannot `%.80s`", word);
}

static int run(const cli_call *call) {
    const cli_args *a = call->args;
    const struct action *action = NULL;
    job j = {.call = call, .a = a};
    int status = find_action(&action, a);
    if (status) return status;
    j.n = a->n_operands ? a->n_operands - 1 : 0;
    j.words = a->operands + (a->n_operands > 0);
    if (j.n < action->least || j.n > action->most)
        return cli_fail(AML_EUSAGE, action->usage, "`runs %s` takes %s", action->name,
                        action->least == action->most && !action->most ? "no run"
                        : action->least == 2 && action->most == 2      ? "two runs"
                        : action->most == 1                            ? "one run"
                        : action->least == 2                           ? "a run and tags"
                                                                       : "runs");
    status = cli_report(aml_store_open(&j.store, a->store ? a->store : default_store, 0));
    if (!status) status = action->run(&j);
    aml_store_close(j.store);
    return status;
}

static const cli_option options[] = {
    {"store", "FILE", "of the runs (default: automl.db)", CLI_TEXT, CLI_AT(store)},
    CLI_TITLE("Which runs (list, export)"),
    {"experiment", "NAME", "of this experiment", CLI_TEXT, CLI_AT(experiment)},
    {"status", "WORD", "running, finished, stopped, failed or killed", CLI_TEXT, CLI_AT(status)},
    {"tag", "KEY[=VALUE]", "with this tag", CLI_TEXT, CLI_AT(has_tag)},
    {"since", "TIME", "begun since then: 2026-11-20, \"2026-11-20 14:30\", or 3h, 2d ago", CLI_TEXT,
     CLI_AT(since)},
    {"sort", "KEY",
     "created (default, newest first), updated, experiment, status, trials, seconds, best, score; "
     "-KEY for the other way round",
     CLI_TEXT, CLI_AT(sort)},
    {"limit", "N", "no more than N", CLI_COUNT, CLI_AT(limit)},
    CLI_TITLE("Output"),
    {"all", NULL, "compare: also what is the same", CLI_FLAG, CLI_AT(all)},
    {"json", NULL, "print JSON", CLI_FLAG, CLI_AT(json)},
    {"csv", NULL, "export: CSV, a line a trial", CLI_FLAG, CLI_AT(csv)},
    {"quiet", NULL, "print only errors and the result", CLI_FLAG, CLI_AT(quiet)}};

const cli_verb cli_runs = {
    .name = "runs",
    .summary = "list, show, compare, export, delete or tag the runs of a store",
    .text = "Looks into a file of runs, which `automl run`, `automl train --store FILE` and "
            "`automl tune "
            "--store FILE` write. RUN is its id, a "
            "beginning of it that is unique, or `last`. Without a word it lists; `show` tells all "
            "about a run, with its best trials; `compare` tells what differs between two; `export` "
            "prints runs with all trials, their parameters and scores by fold; `tag RUN KEY=VALUE` "
            "sets a tag, and KEY= takes it away.",
    .operands = "a word",
    .usage =
        "[list | show RUN | compare RUN RUN | export [RUN] | delete RUN… | tag RUN KEY=VALUE…]",
    .example = "runs list --store automl.db --status finished --sort score --limit 10",
    .min_operands = 0,
    .max_operands = CLI_MAX_OPERANDS,
    CLI_OPTIONS(options),
    .run = run};
