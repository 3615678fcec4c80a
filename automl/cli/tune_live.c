/* tune_live.c: what a sweep is doing, on stderr; and the way to end it early. */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "automl/cli/table.h"
#include "automl/cli/tune.h"

static const double redraw = 0.1; /* seconds */

struct cli_tune_live {
    const aml_sweep *sweep;
    bool quiet, json, live, open; /* open: the live line is drawn */
    double drawn, best;
    char cause[64]; /* of the last failure that was told */

    size_t ended;
};

/* A handler can reach nothing else. */
static volatile sig_atomic_t caught, times;

static void on_signal(int number) {
    caught = number;
    times = times + 1;
    if (times > 2) _exit(128 + number); /* the guards see it, and kill what they guard */
}

static void handle(void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler}; /* without SA_RESTART: a wait ends at once */
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

cli_tune_live *cli_tune_start(const cli_args *args) {
    cli_tune_live *l = calloc(1, sizeof *l);
    if (!l) return NULL;
    const char *term = getenv("TERM");
    l->quiet = args->quiet;
    l->json = args->log_json;
    l->live = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0 && !l->json;
    l->best = NAN;
    caught = times = 0;
    handle(on_signal);
    return l;
}

void cli_tune_watch(cli_tune_live *live, const aml_sweep *sweep) { live->sweep = sweep; }

/* ---- the live line */

static void clear_line(cli_tune_live *l) {
    if (l->open) fputs("\r\033[K", stderr);
    l->open = false;
}

/* "12 s", "3m20s", "2h05m" */
static const char *span(char *out, size_t size, double seconds) {
    int s = (int)fmin(fmax(seconds, 0) + 0.5, 1e8);
    if (s < 100) snprintf(out, size, "%d s", s);
    else if (s < 6000) snprintf(out, size, "%dm%02ds", s / 60, s % 60);
    else snprintf(out, size, "%dh%02dm", s / 3600, s / 60 % 60);
    return out;
}

/* By the trials so far, or by the time limit, whichever comes first; -1 = nobody knows. */
static double time_left(const cli_tune_live *l, const aml_sweep_progress *p) {
    double left = p->time_limit > 0 ? p->time_limit - p->seconds : INFINITY;
    size_t ended = p->done + p->pruned + p->failed;
    if (p->limit && l->ended && p->limit >= ended)
        left = fmin(left, p->seconds / (double)l->ended * (double)(p->limit - ended));
    return isfinite(left) ? left : -1;
}

static void draw(cli_tune_live *l, const aml_sweep_progress *p) {
    char text[512], number[CLI_NUMBER], clock[32], left[32];
    size_t n = 0, ended = p->done + p->pruned + p->failed;
    double rest = time_left(l, p);
#define ADD(...) n += n < sizeof text ? (size_t)snprintf(text + n, sizeof text - n, __VA_ARGS__) : 0
    ADD("%s: %s, %zu", p->stopping ? "stopping" : "tune", span(clock, sizeof clock, p->seconds),
        ended);
    if (p->limit) ADD(" of %zu", p->limit);
    ADD(" trials");
    if (p->failed || p->pruned) ADD(" (");
    if (p->pruned) ADD("%zu pruned", p->pruned);
    if (p->failed) ADD("%s%zu failed", p->pruned ? ", " : "", p->failed);
    if (p->failed || p->pruned) ADD(")");
    ADD(", %zu running", p->running);
    if (!isnan(p->best))
        ADD(", best %s %s (trial %zu)", p->metric, cli_number(number, p->best), p->best_trial);
    if (l->ended > 1) ADD(", %.3g/min", 60 * (double)l->ended / p->seconds);
    if (rest >= 0 && !p->stopping) ADD(", %s left", span(left, sizeof left, rest));
#undef ADD
    fprintf(stderr, "\r%.*s\033[K", (int)cli_text_cut(text, cli_width(STDERR_FILENO, 80) - 1),
            text);
    fflush(stderr);
    l->open = true;
}

/* ---- lines */

static bool is_new_best(cli_tune_live *l, const aml_sweep_progress *p) {
    bool fresh = p->last && p->last->id == p->best_trial && !isnan(p->best) &&
                 !strcmp(p->last->state, "done");
    if (fresh) l->best = p->best;
    return fresh;
}

/* On a terminal one failure of a kind is enough. */
static bool is_new_failure(cli_tune_live *l, const aml_sweep_trial *t) {
    if (!*t->cause || !strcmp(l->cause, t->cause)) return false;
    snprintf(l->cause, sizeof l->cause, "%s", t->cause);
    return true;
}

static void print_trial(const cli_tune_live *l, const aml_sweep_progress *p, bool best) {
    const aml_sweep_trial *t = p->last;
    char number[CLI_NUMBER], clean[1024], params[1024];
    const char *metric;
    bool pending = !strcmp(t->state, "pending");
    fprintf(stderr, "trial %zu %s", t->id,
            pending ? *t->cause ? "failed, to be tried again" : "ended" : t->state);
    for (size_t i = 0; (metric = aml_sweep_metric(l->sweep, i)); i++) {
        double value = aml_sweep_value(l->sweep, t->id, i);
        if (isnan(value) || !strcmp(t->state, "failed") || pending) continue;
        fprintf(stderr, "%s %s %s", i ? "," : ":", cli_clean(clean, 256, metric),
                cli_number(number, value));
    }
    if (*t->reason) fprintf(stderr, ": %s", cli_clean(clean, sizeof clean, t->reason));
    if (!isnan(t->seconds)) fprintf(stderr, ", %s s", cli_brief(number, t->seconds));
    fprintf(stderr, "  %s%s\n", cli_clean(params, sizeof params, t->params),
            best ? "  (best)" : "");
}

/* Texts of the engine are valid UTF-8. */
static void put_json_text(const char *text) {
    fputc('"', stderr);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') fprintf(stderr, "\\%c", *text);
        else if ((unsigned char)*text < 32) fprintf(stderr, "\\u%04x", (unsigned)*text);
        else fputc(*text, stderr);
    }
    fputc('"', stderr);
}

static void put_json_number(const char *name, double x) {
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        double back;
        if (sscanf(text, "%lf", &back) == 1 && !(back < x) && !(back > x)) break;
    }
    fprintf(stderr, ",\"%s\":%s", name, isfinite(x) ? text : "null");
}

static void print_json(const cli_tune_live *l, const aml_sweep_progress *p, bool best) {
    const aml_sweep_trial *t = p->last;
    const char *metric;
    fprintf(stderr, "{\"event\":\"trial\",\"trial\":%zu,\"state\":\"%s\"", t->id, t->state);
    if (*t->cause) {
        fputs(",\"cause\":", stderr);
        put_json_text(t->cause);
        fputs(",\"reason\":", stderr);
        put_json_text(t->reason);
    }
    fputs(",\"values\":{", stderr);
    for (size_t i = 0, n = 0; (metric = aml_sweep_metric(l->sweep, i)); i++) {
        char number[40];
        double value = aml_sweep_value(l->sweep, t->id, i);
        if (isnan(value)) continue;
        snprintf(number, sizeof number, "%.17g", value);
        if (n++) fputc(',', stderr);
        put_json_text(metric);
        fprintf(stderr, ":%s", number);
    }
    fputs("},\"params\":", stderr);
    put_json_text(t->params);
    put_json_number("seconds", t->seconds);
    put_json_number("elapsed", p->seconds);
    fprintf(stderr, ",\"done\":%zu,\"pruned\":%zu,\"failed\":%zu,\"running\":%zu,\"is_best\":%s}\n",
            p->done, p->pruned, p->failed, p->running, best ? "true" : "false");
}

int cli_tune_update(const aml_sweep_progress *p, void *live) {
    cli_tune_live *l = live;
    bool best = is_new_best(l, p);
    if (p->last) l->ended++;
    if (l->quiet) return (int)times;
    if (l->json) {
        if (p->last) print_json(l, p, best);
        return (int)times;
    }
    if (p->last && (!l->live || best || is_new_failure(l, p->last))) {
        clear_line(l);
        print_trial(l, p, best);
    }
    if (l->live && cli_now() - l->drawn >= redraw) {
        l->drawn = cli_now();
        draw(l, p);
    }
    return (int)times;
}

int cli_tune_stop(cli_tune_live *live) {
    if (!live) return 0;
    clear_line(live);
    fflush(stderr);
    handle(SIG_DFL);
    free(live);
    return (int)caught;
}
