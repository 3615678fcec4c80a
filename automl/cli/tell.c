/* tell.c: how a trial of a search went, for shells. */
#include <math.h>
#include <string.h>

#include "automl/cli/cli.h"

enum { MOST_VALUES = 8 };

static int bad_value(const char *text) {
    return cli_fail(AML_EUSAGE, "a number, or with several goals numbers with commas between them",
                    "`%.80s` is not a value", text);
}

static int read_values(double *values, size_t *n, const char *text) {
    char one[64];
    for (*n = 0; *n < MOST_VALUES; text++) {
        size_t length = strcspn(text, ",");
        if (length >= sizeof one) return bad_value(text);
        memcpy(one, text, length);
        one[length] = 0;
        bool none = !strcmp(one, "nan") || !strcmp(one, "inf") || !strcmp(one, "-inf");
        if (none) values[*n] = NAN;
        else if (!aml_read_number(&values[*n], one)) return bad_value(text);
        ++*n;
        text += length;
        if (!*text) return 0;
    }
    return bad_value(text);
}

static int read_state(aml_outcome *out, const cli_args *a) {
    static const char *const known[] = {"done", "pruned", "failed", NULL};
    const char *text = a->state ? a->state : "done";
    for (int i = 0; known[i]; i++) {
        if (strcmp(known[i], text) != 0) continue;
        *out = (aml_outcome)(AML_OUTCOME_DONE + i);
        return 0;
    }
    return cli_fail(AML_EUSAGE, "it is done, pruned or failed", "there is no state `%.80s`", text);
}

static int check_values(aml_tuner *t, size_t n) {
    const char *name;
    int maximize;
    size_t goals = 0;
    while (aml_tuner_goal(t, goals, &name, &maximize)) goals++;
    if (n == goals) return 0;
    return cli_fail(AML_EUSAGE, "give one for each goal, with commas between them",
                    "the search has %zu goal%s, but %zu value%s came", goals, goals == 1 ? "" : "s",
                    n, n == 1 ? "" : "s");
}

/* A report: "go on" or "stop" is the answer. */
static int report(const cli_call *call, aml_tuner *t, size_t trial, const double *values,
                  size_t n) {
    double step;
    int go_on = 1;
    if (!aml_read_number(&step, call->args->step)) return bad_value(call->args->step);
    if (call->args->state)
        return cli_fail(AML_EUSAGE, "report first, then tell how it ended",
                        "--step and --state exclude each other");
    if (n != 1) return cli_fail(AML_EUSAGE, NULL, "a report is one value, of the first goal");
    int status = cli_report(aml_tuner_report(t, trial, step, values[0], &go_on));
    if (!status) fputs(go_on ? "go on\n" : "stop\n", call->out);
    return status;
}

static int tell(const cli_call *call, aml_tuner *t) {
    const cli_args *a = call->args;
    double values[MOST_VALUES];
    uint64_t trial;
    size_t n = 0;
    aml_outcome outcome = AML_OUTCOME_DONE;
    if (!cli_parse_uint(&trial, a->operands[1]))
        return cli_fail(AML_EUSAGE, "`automl ask` prints it", "`%.80s` is not a number of a trial",
                        a->operands[1]);
    int status = a->n_operands > 2 ? read_values(values, &n, a->operands[2]) : 0;
    if (!status) status = read_state(&outcome, a);
    if (status) return status;
    if (a->step) return report(call, t, trial, values, n);
    if (outcome == AML_OUTCOME_DONE || n) status = check_values(t, n);
    return status ? status : cli_report(aml_tuner_tell(t, trial, outcome, n ? values : NULL));
}

static int run(const cli_call *call) {
    aml_tuner *t;
    int status = cli_report(aml_tuner_open(&t, call->args->operands[0], NULL));
    if (!status) status = tell(call, t);
    aml_tuner_free(t);
    return status;
}

static const cli_option options[] = {
    {"step", "N", "a report after N steps, not the end: prints `go on` or `stop`", CLI_TEXT,
     CLI_AT(step)},
    {"state", "STATE", "done (default), pruned (stopped early) or failed", CLI_TEXT,
     CLI_AT(state)}};

const cli_verb cli_tell = {
    .name = "tell",
    .summary = "tell how a trial of such a search went",
    .text =
        "Writes the result of a trial that `automl ask` gave to the file STATE: its value, with "
        "several goals one for each with commas between them. With --step it is a value on the "
        "way, and the answer on standard output says whether the trial is worth going on with; "
        "one that was stopped is then told with --state pruned. A value of nan makes it "
        "failed.",
    .operands = "a STATE file and a TRIAL",
    .usage = "STATE TRIAL [VALUE[,VALUE…]] [OPTION…]",
    .example = "tell search.jsonl 0 0.125",
    .min_operands = 2,
    .max_operands = 3,
    CLI_OPTIONS(options),
    .run = run};
