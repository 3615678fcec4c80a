/* runs_show.c: runs as tables. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "automl/cli/runs.h"
#include "automl/cli/show.h"
#include "automl/cli/table.h"

enum { SHOWN = 10, WHEN = 32 };

static const char *when(char out[WHEN], double seconds) {
    time_t t = (time_t)seconds;
    struct tm tm;
    if (!localtime_r(&t, &tm) || !strftime(out, WHEN, "%Y-%m-%d %H:%M", &tm)) *out = 0;
    return out;
}

/* "0.4 s", "12 s", "3m20s", "1h05m" */
static const char *how_long(char out[WHEN], double s) {
    unsigned long n = s > 0 ? (unsigned long)(s + 0.5) : 0;
    if (s < 9.95) snprintf(out, WHEN, "%.1f s", s > 0 ? s : 0);
    else if (n < 60) snprintf(out, WHEN, "%lu s", n);
    else if (n < 3600) snprintf(out, WHEN, "%lum%02lus", n / 60, n % 60);
    else snprintf(out, WHEN, "%luh%02lum", n / 3600, n / 60 % 60);
    return out;
}

/* "3f2a91c", with "+" behind it when there were changes. */
static const char *commit_of(char out[WHEN], const aml_run_info *r) {
    snprintf(out, WHEN, "%.7s%s", r->git_commit, *r->git_commit && r->git_dirty > 0 ? "+" : "");
    return out;
}

/* ---- list */

static void put_run(cli_table *t, const aml_run_info *r) {
    char cell[CLI_NUMBER], text[WHEN];
    cli_table_put(t, r->id);
    cli_table_put(t, r->experiment);
    cli_table_put(t, r->status);
    cli_table_put(t, when(text, r->created));
    cli_table_put(t, how_long(text, r->seconds));
    cli_table_put(t, cli_count(cell, r->trials));
    cli_table_put(t, r->metric);
    cli_table_put(t, cli_number(cell, r->score));
    cli_table_put(t, cli_number(cell, r->best));
    cli_table_put(t, cli_rough(cell, r->best_error));
    cli_table_put(t, r->best_learner);
    cli_table_put(t, commit_of(text, r));
    cli_table_put(t, r->tags);
}

int cli_runs_table(const cli_call *call, const aml_runs *runs) {
    static const cli_column columns[] = {
        {"run", false}, {"experiment", false}, {"status", false},       {"begun", false},
        {"took", true}, {"trials", true},      {"metric", false},       {"model", true},
        {"best", true}, {"± error", true},     {"best learner", false}, {"commit", false},
        {"tags", false}};
    cli_table *t = cli_table_new(columns, sizeof columns / sizeof *columns);
    aml_run_info r = {.size = sizeof r};
    for (size_t i = 0; aml_runs_at(runs, i, &r); i++) put_run(t, &r);
    if (!cli_table_print(t, call->out, call->width, call->colour))
        return cli_fail(AML_ENOMEM, NULL, "out of memory");
    if (!aml_runs_count(runs) && !call->args->quiet) cli_note("no run is like that");
    return 0;
}

/* ---- show */

static void put_line(const cli_call *call, const char *name, const char *text) {
    char clean[4096];
    if (!*text) return;
    fprintf(call->out, "%-12s ", name);
    cli_wrap(call->out, cli_clean(clean, sizeof clean, text), 13, 13, call->width);
}

static bool is_sweep(const aml_run_info *r) { return !strcmp(r->verb, "tune"); }

static void put_data(const cli_call *call, const aml_run_info *r) {
    char text[1024];
    if (is_sweep(r)) {
        snprintf(text, sizeof text, "%s %s", r->higher_is_better ? "maximize" : "minimize",
                 r->metric);
        put_line(call, "goal", text);
        put_line(call, "options", r->options);
        return;
    }
    snprintf(text, sizeof text, "%s, %zu rows, %zu columns, content %s", r->data, r->rows,
             r->columns, r->data_hash);
    put_line(call, "data", text);
    snprintf(text, sizeof text, "%s of `%s`, metric %s, validation %s", r->task, r->target,
             r->metric, r->validation);
    put_line(call, "task", text);
    put_line(call, "options", r->options);
}

static void put_origin(const cli_call *call, const aml_run_info *r) {
    char text[1024], size[CLI_NUMBER];
    if (*r->git_commit) {
        snprintf(text, sizeof text, "%s%s%s, %s", r->git_commit, *r->git_branch ? " on " : "",
                 r->git_branch,
                 r->git_dirty < 0   ? "changes unknown"
                 : r->git_dirty > 0 ? "with uncommitted changes"
                                    : "clean");
        put_line(call, "commit", text);
    }
    snprintf(text, sizeof text, "%s, %d cores, %s; automl %s", r->host, r->cores,
             cli_bytes(size, (double)r->memory), r->version);
    put_line(call, "machine", text);
}

static void put_times(const cli_call *call, const aml_run_info *r) {
    char text[256], took[WHEN], begun[WHEN];
    snprintf(text, sizeof text, "%s, took %s", when(begun, r->created), how_long(took, r->seconds));
    if (r->sessions > 1)
        snprintf(text + strlen(text), sizeof text - strlen(text), " in %zu processes", r->sessions);
    put_line(call, "begun", text);
    snprintf(text, sizeof text, "%zu, %zu stopped early, %zu failed", r->trials, r->pruned,
             r->failed);
    put_line(call, "trials", text);
}

static void put_head(const cli_call *call, const aml_run_info *r) {
    char text[1024];
    snprintf(text, sizeof text, "%s of experiment %s, %s: %s", r->id, r->experiment, r->verb,
             r->status);
    put_line(call, "run", text);
    put_line(call, "reason", r->reason);
    put_line(call, "replays", r->parent);
    put_line(call, "tags", r->tags);
    put_times(call, r);
    put_data(call, r);
    put_origin(call, r);
    put_line(call, "model", r->model);
}

static int show_board(const cli_call *call, aml_store *store, const aml_run_info *r) {
    aml_model *board = NULL;
    if (!r->trials || aml_store_leaderboard(&board, store, r->id)) return 0;
    fputc('\n', call->out);
    bool good = cli_show_leaders(call, board, SHOWN, true);
    if (good && !isnan(r->score)) fputc('\n', call->out);
    cli_show_score(call, board);
    aml_model_free(board);
    return good ? 0 : cli_fail(AML_ENOMEM, NULL, "out of memory");
}

int cli_runs_show(const cli_call *call, aml_store *store, const char *id) {
    aml_runs *found = NULL;
    aml_run_info r = {.size = sizeof r};
    int status = cli_report(aml_store_find(&found, store, id));
    if (status) return status;
    aml_runs_at(found, 0, &r);
    put_head(call, &r);
    status = show_board(call, store, &r);
    aml_runs_free(found);
    return status;
}

/* ---- compare */

static void put_same(const cli_call *call, const aml_comparison *c) {
    char text[4096] = "";
    aml_compared line = {.size = sizeof line};
    for (size_t i = 0; aml_comparison_at(c, i, &line); i++) {
        size_t n = strlen(text);
        if (line.differs || n + strlen(line.name) + 3 > sizeof text) continue;
        snprintf(text + n, sizeof text - n, "%s%s", n ? ", " : "", line.name);
    }
    if (!*text) return;
    fputs("\nthe same: ", call->out);
    cli_wrap(call->out, text, 10, 10, call->width);
}

/* Both values have their share of the line. */
static void put_value(cli_table *t, const cli_call *call, const char *text) {
    enum { NAMES = 46, LEAST = 20 };
    char cell[512];
    size_t share = call->width > NAMES + 2 * LEAST ? (call->width - NAMES) / 2 : LEAST;
    size_t n = cli_text_cut(text, share - 1);
    snprintf(cell, sizeof cell, "%.*s%s", (int)n, text, text[n] ? "…" : "");
    cli_table_put(t, cell);
}

static bool put_differences(const cli_call *call, const aml_comparison *c) {
    static const cli_column columns[] = {
        {"", false}, {"", false}, {"", false}, {"first", false}, {"second", false}};
    cli_table *t = cli_table_new(columns, 5);
    aml_compared line = {.size = sizeof line};
    const char *section = "";
    for (size_t i = 0; aml_comparison_at(c, i, &line); i++) {
        if (!line.differs && !call->args->all) continue;
        cli_table_put(t, strcmp(section, line.section) ? line.section : "");
        cli_table_put(t, line.name);
        cli_table_put(t, call->args->all && line.differs ? "≠" : "");
        put_value(t, call, line.a);
        put_value(t, call, line.b);
        section = line.section;
    }
    return cli_table_print(t, call->out, call->width, call->colour);
}

int cli_runs_compare(const cli_call *call, aml_store *store, const char *a, const char *b) {
    aml_comparison *c = NULL;
    int status = cli_report(aml_store_compare(&c, store, a, b));
    if (status) return status;
    bool good = put_differences(call, c);
    if (!call->args->all) put_same(call, c);
    aml_comparison_free(c);
    return good ? 0 : cli_fail(AML_ENOMEM, NULL, "out of memory");
}
