/* show.c: leaderboard, guardrails and scores. */
#include "automl/cli/show.h"

#include <math.h>
#include <string.h>

#include "automl/cli/table.h"

enum { NARROW = 100 }; /* below this a terminal has no room for the sizes */

/* What the rows that are shown have in common. */
typedef struct layout {
    size_t max;
    int decimals; /* that give the smallest score 5 significant digits */
    bool folds;   /* they differ */
    bool timings, sizes;
    bool sweep; /* trials of a command: without learners */
} layout;

/* Trials of a command have no learners. */
static bool is_sweep(const aml_model *m) {
    aml_leader l = {.size = sizeof l};
    return aml_model_leader(m, 0, &l) && !*l.learner;
}

/* The first `max`, and beyond them the best of every learner: what else there is to choose from. */
static bool is_shown(const aml_model *m, const aml_leader *l, size_t max) {
    aml_leader o = {.size = sizeof o};
    if (!l->rank) return false;
    for (size_t i = 0; l->rank > max && aml_model_leader(m, i, &o); i++)
        if (o.rank && o.rank < l->rank && !strcmp(o.learner, l->learner)) return false;
    return true;
}

static layout lay_out(const cli_call *call, const aml_model *m, size_t max, bool timings) {
    layout y = {.max = max,
                .decimals = 4,
                .timings = timings,
                .sizes = call->width >= NARROW && !is_sweep(m)};
    aml_leader l = {.size = sizeof l};
    double least = INFINITY;
    size_t folds = 0;
    for (size_t i = 0; aml_model_leader(m, i, &l); i++) {
        if (!is_shown(m, &l, max)) continue;
        if (l.score != 0 && fabs(l.score) < least) least = fabs(l.score);
        y.folds |= l.folds_done != l.folds || (folds && l.folds != folds);
        folds = l.folds;
    }
    if (isinf(least)) return y;
    int decimals = 4 - (int)floor(log10(least));
    y.decimals = decimals < 0 ? 0 : decimals > 6 ? 6 : decimals;
    return y;
}

static void put_leader(cli_table *t, const aml_leader *l, const layout *y) {
    char cell[CLI_NUMBER], folds[64];
    cli_table_put(t, cli_count(cell, l->rank));
    cli_table_put(t, l->learner);
    cli_table_put(t, cli_fixed(cell, l->score, y->decimals));
    cli_table_put(t, cli_rough(cell, l->error));
    snprintf(folds, sizeof folds, "%zu/%zu", l->folds_done, l->folds);
    cli_table_put(t, y->folds ? folds : "");
    cli_table_put(t, y->timings ? cli_brief(cell, l->fit_seconds) : "");
    cli_table_put(t, y->timings ? cli_brief(cell, l->predict_us) : "");
    cli_table_put(t, y->sizes ? cli_bytes(cell, (double)l->bytes) : "");
    cli_table_put(t, l->weight > 0 ? cli_fixed(cell, l->weight, 3) : "");
    cli_table_put(t, l->pipeline);
}

typedef struct counts {
    size_t ranked, shown, pruned, failed;
} counts;

static counts count_leaders(const aml_model *m, size_t max) {
    aml_leader l = {.size = sizeof l};
    counts c = {0};
    for (size_t i = 0; aml_model_leader(m, i, &l); i++) {
        c.ranked += l.rank > 0;
        c.shown += is_shown(m, &l, max);
        c.pruned += !strcmp(l.state, "pruned");
        c.failed += !strcmp(l.state, "failed");
    }
    return c;
}

/* The rest in one line, and the first failures with their reasons. */
static void show_rest(const cli_call *call, const aml_model *m, size_t max) {
    enum { REASONS = 3 };
    aml_leader l = {.size = sizeof l};
    counts c = count_leaders(m, max);
    char text[1024];
    bool sweep = is_sweep(m);
    if (c.ranked > c.shown)
        fprintf(call->out, "… and %zu more: see automl %s\n", c.ranked - c.shown,
                sweep ? "runs export RUN --csv" : "leaderboard MODEL");
    if (c.pruned)
        fprintf(call->out, "%zu stopped early: they were behind %s\n", c.pruned,
                sweep ? "others at the same step" : "on the first folds");
    if (!c.failed) return;
    fprintf(call->out, "%zu failed\n", c.failed);
    for (size_t i = 0, shown = 0; shown < REASONS && aml_model_leader(m, i, &l); i++) {
        if (strcmp(l.state, "failed") != 0) continue;
        char what[256];
        cli_clean(what, sizeof what, sweep ? l.pipeline : l.learner);
        fprintf(call->out, "  %s: %s\n", what, cli_clean(text, sizeof text, l.reason));
        shown++;
    }
}

bool cli_show_leaders(const cli_call *call, const aml_model *m, size_t max, bool timings) {
    const cli_column columns[] = {{"rank", true},
                                  {"learner", false},
                                  {aml_model_metric(m), true},
                                  {"± error", true},
                                  {"folds", true},
                                  {is_sweep(m) ? "seconds" : "fit s", true},
                                  {"µs/row", true},
                                  {"size", true},
                                  {"weight", true},
                                  {is_sweep(m) ? "parameters" : "pipeline", false}};
    cli_table *t = cli_table_new(columns, sizeof columns / sizeof *columns);
    aml_leader l = {.size = sizeof l};
    layout y = lay_out(call, m, max, timings);
    for (size_t i = 0; aml_model_leader(m, i, &l); i++)
        if (is_shown(m, &l, max)) put_leader(t, &l, &y);
    if (!cli_table_print(t, call->out, call->width, call->colour)) return false;
    show_rest(call, m, max);
    return true;
}

static bool is_told(const aml_alternative *a, bool timings) {
    return timings || a->chosen || strcmp(a->name, "fast") != 0;
}

bool cli_show_menu(const cli_call *call, const aml_model *m, bool timings) {
    const cli_column columns[] = {{"--prefer", false},
                                  {"", false},
                                  {aml_model_metric(m), true},
                                  {"± error", true},
                                  {"ms/1000 rows", true},
                                  {"KB", true},
                                  {"fits", true},
                                  {"made of", false}};
    aml_alternative a = {.size = sizeof a};
    size_t told = 0;
    for (size_t i = 0; aml_model_alternative(m, i, &a); i++) told += is_told(&a, timings);
    if (told < 2) return true;
    cli_table *t = cli_table_new(columns, sizeof columns / sizeof *columns);
    char cell[CLI_NUMBER];
    for (size_t i = 0; aml_model_alternative(m, i, &a); i++) {
        if (!is_told(&a, timings)) continue;
        cli_table_put(t, a.name);
        cli_table_put(t, a.chosen ? "chosen" : "");
        cli_table_put(t, cli_number(cell, a.score));
        cli_table_put(t, cli_rough(cell, a.error));
        cli_table_put(t, timings ? cli_brief(cell, a.predict_us) : "");
        cli_table_put(t, cli_brief(cell, a.bytes / 1000));
        cli_table_put(t, cli_count(cell, a.fits));
        cli_table_put(t, a.members);
    }
    if (!cli_table_print(t, call->out, call->width, call->colour)) return false;
    fputc('\n', call->out);
    return true;
}

void cli_show_guardrail(const cli_call *call, const aml_guardrail *g) {
    char text[2048], clean[4096];
    snprintf(text, sizeof text, "%s%s%s", g->message, g->action[0] ? "; " : "", g->action);
    fprintf(call->out, "%-8s ", g->status);
    cli_wrap(call->out, cli_clean(clean, sizeof clean, text), 9, 9, call->width);
}

void cli_show_guardrails(const cli_call *call, const aml_model *m) {
    aml_guardrail g = {.size = sizeof g};
    for (size_t i = 0; aml_model_guardrail(m, i, &g); i++)
        if (strcmp(g.status, "Passed") != 0) cli_show_guardrail(call, &g);
}

/* "0.12 (0.1 to 0.14)"; what may be chance is called so. */
static void show_gain(const cli_call *call, double gain, double low, double high) {
    char middle[CLI_NUMBER], from[CLI_NUMBER], to[CLI_NUMBER];
    fprintf(call->out, "%s (%s to %s)%s\n", cli_rough(middle, gain), cli_rough(from, low),
            cli_rough(to, high), low > 0 ? "" : ": may be chance");
}

static void show_gains(const cli_call *call, const aml_score *s) {
    char number[CLI_NUMBER];
    if (!isnan(s->gain_low)) {
        fputs("         gain on the baseline ", call->out);
        show_gain(call, s->gain, s->gain_low, s->gain_high);
    }
    if (isnan(s->linear_gain_low)) return;
    fprintf(call->out, "         gain on the best linear pipeline (%s) ",
            cli_number(number, s->linear));
    show_gain(call, s->linear_gain, s->linear_gain_low, s->linear_gain_high);
}

void cli_show_score(const cli_call *call, const aml_model *m) {
    aml_score s = {.size = sizeof s};
    char number[CLI_NUMBER];
    aml_model_score(m, &s);
    if (isnan(s.value)) return;
    fprintf(call->out, "score    %s %s", aml_model_metric(m), cli_number(number, s.value));
    if (!isnan(s.low) && !isnan(s.high)) {
        fprintf(call->out, ", 95 %% interval %s", cli_number(number, s.low));
        fprintf(call->out, " to %s", cli_number(number, s.high));
    }
    if (!isnan(s.baseline)) fprintf(call->out, "; baseline %s", cli_number(number, s.baseline));
    fputc('\n', call->out);
    show_gains(call, &s);
    if (!s.method || !s.method[0]) return;
    fputs("         ", call->out);
    cli_wrap(call->out, s.method, 9, 9, call->width);
}

void cli_show_forecast(const cli_call *call, const aml_model *m) {
    aml_forecast f = {.size = sizeof f};
    char gain[CLI_NUMBER], high[CLI_NUMBER];
    if (!aml_model_forecast(m, &f)) return;
    fprintf(call->out,
            "more     %zu more trials: the best pipeline gains about %s, in 9 of 10 cases less "
            "than %s\n",
            f.trials, cli_rough(gain, f.gain), cli_rough(high, f.high));
}

bool cli_show_evaluation(const cli_call *call, const aml_model *m, const aml_evaluation *e) {
    static const cli_column columns[] = {{"metric", false}, {"value", true}, {"", false}};
    cli_table *t = cli_table_new(columns, 3);
    const char *name;
    double value;
    char number[CLI_NUMBER];
    for (size_t i = 0; aml_evaluation_metric(e, i, &name, &value); i++) {
        cli_table_put(t, name);
        cli_table_put(t, isnan(value) ? "undefined" : cli_number(number, value));
        cli_table_put(t, strcmp(name, aml_model_metric(m)) ? "" : "the metric of the search");
    }
    return cli_table_print(t, call->out, call->width, call->colour);
}
