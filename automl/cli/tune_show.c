/* tune_show.c: what a sweep has found, for people. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "automl/cli/table.h"
#include "automl/cli/tune.h"

enum { MOST_COLUMNS = 24, SHOWN = 10, MOST_PARAMS = 10 };

/* ---- the best trials */

typedef struct board {
    cli_column columns[MOST_COLUMNS];
    size_t n, n_metrics;
    bool timed;                      /* a metric is called seconds already */
    const char *params[MOST_PARAMS]; /* one column each, or none */
    size_t n_params;
    char *names; /* owns them */
} board;

static void add_column(board *b, const char *heading, bool right) {
    if (b->n < MOST_COLUMNS) b->columns[b->n++] = (cli_column){heading, right};
}

static bool has_param(const board *b, const char *name) {
    for (size_t i = 0; i < b->n_params; i++)
        if (!strcmp(b->params[i], name)) return true;
    return false;
}

/* The parameters of the trials that are shown; too many for columns: false. */
static bool list_params(board *b, aml_tuner *t, size_t shown) {
    aml_tuner_value v = {.size = sizeof v};
    size_t trial;
    for (size_t i = 0; i < shown && aml_tuner_best(t, i, &trial); i++)
        for (size_t k = 0; aml_tuner_value_at(t, trial, k, &v); k++) {
            if (has_param(b, v.name)) continue;
            if (b->n_params == MOST_PARAMS) return false;
            b->params[b->n_params++] = v.name;
        }
    return true;
}

static const char *param_text(char *out, size_t size, aml_tuner *t, size_t trial,
                              const char *name) {
    aml_tuner_value v = {.size = sizeof v};
    for (size_t k = 0; aml_tuner_value_at(t, trial, k, &v); k++) {
        if (strcmp(v.name, name) != 0) continue;
        if (v.is_number && strlen(v.text) > 9) return cli_number(out, v.number);
        snprintf(out, size, "%s", v.text);
        return out;
    }
    return "";
}

static void make_columns(board *b, const aml_sweep *s, size_t shown) {
    const char *metric;
    add_column(b, "rank", true);
    add_column(b, "trial", true);
    for (; (metric = aml_sweep_metric(s, b->n_metrics)) && b->n_metrics < 8; b->n_metrics++)
        add_column(b, metric, true);
    for (size_t i = 0; i < b->n; i++) b->timed |= !strcmp(b->columns[i].heading, "seconds");
    add_column(b, "seconds", true);
    if (list_params(b, aml_sweep_tuner(s), shown)) {
        for (size_t i = 0; i < b->n_params; i++) add_column(b, b->params[i], true);
    } else {
        b->n_params = 0;
        add_column(b, "parameters", false);
    }
}

static void put_row(cli_table *t, const board *b, const aml_sweep *s, size_t rank, size_t trial,
                    bool timings) {
    char text[CLI_NUMBER], param[256];
    aml_sweep_trial row = {.size = sizeof row};
    aml_sweep_trial_at(s, trial, &row);
    snprintf(text, sizeof text, "%zu", rank);
    cli_table_put(t, text);
    snprintf(text, sizeof text, "%zu", trial);
    cli_table_put(t, text);
    for (size_t i = 0; i < b->n_metrics; i++)
        cli_table_put(t, cli_number(text, aml_sweep_value(s, trial, i)));
    cli_table_put(t, timings && !b->timed ? cli_brief(text, row.seconds) : "");
    if (!b->n_params) cli_table_put(t, row.params);
    for (size_t i = 0; i < b->n_params; i++)
        cli_table_put(t, param_text(param, sizeof param, aml_sweep_tuner(s), trial, b->params[i]));
}

static bool show_best(const cli_call *call, const aml_sweep *s, bool front) {
    board b = {.n = 0};
    size_t most = call->args->top ? call->args->top : SHOWN, trial, total = 0;
    if (!aml_tuner_best(aml_sweep_tuner(s), 0, &trial)) return true;
    make_columns(&b, s, most);
    fputc('\n', call->out);
    cli_table *t = cli_table_new(b.columns, b.n);
    for (; aml_tuner_best(aml_sweep_tuner(s), total, &trial); total++)
        if (total < most) put_row(t, &b, s, total + 1, trial, !call->args->no_timings);
    if (front)
        fprintf(call->out, "Pareto front: %zu trial%s, none better in all goals\n\n", total,
                total == 1 ? "" : "s");
    bool good = cli_table_print(t, call->out, call->width, call->colour);
    if (total > most) fprintf(call->out, "… and %zu more (--top %zu)\n", total - most, total);
    return good;
}

/* ---- the rest */

static void show_counts(const cli_call *call, const aml_sweep *s, double seconds) {
    size_t counts[4] = {0};
    static const char *const words[] = {"done", "pruned", "failed", "pending"};
    char name[512];
    aml_sweep_trial t = {.size = sizeof t};
    for (size_t i = 0; aml_sweep_trial_at(s, i, &t); i++)
        for (size_t k = 0; k < 4; k++) counts[k] += !strcmp(t.state, words[k]);
    fprintf(call->out, "%zu trials:", aml_sweep_trials(s));
    for (size_t k = 0, n = 0; k < 4; k++)
        if (counts[k]) fprintf(call->out, "%s %zu %s", n++ ? "," : "", counts[k], words[k]);
    fprintf(call->out, "; in %s", cli_clean(name, sizeof name, aml_sweep_folder(s)));
    if (!call->args->no_timings) fprintf(call->out, ", after %.1f s", seconds);
    fputc('\n', call->out);
}

static bool show_importance(const cli_call *call, const aml_sweep *s) {
    static const cli_column columns[] = {{"parameter", false}, {"importance", true}, {"", false}};
    const char *name;
    double share;
    char text[CLI_NUMBER], bar[32];
    if (!aml_tuner_importance(aml_sweep_tuner(s), 0, 0, &name, &share)) return true;
    cli_table *t = cli_table_new(columns, 3);
    for (size_t i = 0; i < SHOWN && aml_tuner_importance(aml_sweep_tuner(s), 0, i, &name, &share);
         i++) {
        size_t n = (size_t)(20 * share + 0.5);
        cli_table_put(t, name);
        cli_table_put(t, cli_fixed(text, share, 2));
        snprintf(bar, sizeof bar, "%.*s", (int)n, "####################");
        cli_table_put(t, bar);
    }
    fputc('\n', call->out);
    return cli_table_print(t, call->out, call->width, call->colour);
}

static bool show_failures(const cli_call *call, const aml_sweep *s) {
    static const cli_column columns[] = {
        {"failed", true}, {"cause", false}, {"such as trial", true}, {"reason", false}};
    aml_sweep_failure_group g = {.size = sizeof g};
    char text[CLI_NUMBER];
    if (!aml_sweep_failure(s, 0, &g)) return true;
    cli_table *t = cli_table_new(columns, 4);
    for (size_t i = 0; i < SHOWN && aml_sweep_failure(s, i, &g); i++) {
        cli_table_put(t, cli_count(text, g.count));
        cli_table_put(t, g.cause);
        snprintf(text, sizeof text, "%zu", g.trial);
        cli_table_put(t, text);
        cli_table_put(t, g.reason);
    }
    fputc('\n', call->out);
    return cli_table_print(t, call->out, call->width, call->colour);
}

static bool show_next(const cli_call *call, const aml_sweep *s) {
    size_t trial;
    char *clean, *command;
    if (!aml_tuner_best(aml_sweep_tuner(s), 0, &trial)) return true;
    command = aml_sweep_command(s, trial);
    size_t size = command ? 4 * strlen(command) + 8 : 0;
    clean = command ? malloc(size) : NULL;
    if (clean) fprintf(call->out, "\nbest     %s\n", cli_clean(clean, size, command));
    bool good = clean != NULL;
    free(clean);
    aml_text_free(command);
    return good;
}

bool cli_tune_show(const cli_call *call, const aml_sweep *s, double seconds) {
    const char *name;
    int maximize;
    bool several = aml_tuner_goal(aml_sweep_tuner(s), 1, &name, &maximize) != 0;
    show_counts(call, s, seconds);
    bool good = show_best(call, s, several);
    good = show_importance(call, s) && good;
    good = show_failures(call, s) && good;
    return show_next(call, s) && good;
}
