/* progress.c: one live line, redrawn by a thread of its own so that the clock in it goes on. */
#include "automl/cli/progress.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "automl/cli/cli.h"
#include "automl/cli/table.h"

static const double redraw = 0.1, heartbeat = 5; /* seconds */

struct cli_progress {
    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    bool ended, quiet, live, drawn, fresh;
    double began, last_line;
    size_t trials, failed, trials_limit;
    double seconds, limit, seen, best, shown_best; /* `seen`: our clock when `seconds` was told */
    char stage[32], learner[64], metric[64];
};

/* A handler can reach nothing else. */
static volatile int
    caught; /* the type that aml_train_options.stop points to; sig_atomic_t is no other */
static volatile sig_atomic_t line_is_open;

static void on_signal(int number) {
    static const char clear[] = "\r\033[K";
    if (caught) {
        if (line_is_open) (void)!write(STDERR_FILENO, clear, sizeof clear - 1);
        _exit(128 + number);
    }
    caught = number;
}

static void handle(void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* ---- the text */

static size_t add_time(char *out, size_t size, const cli_progress *p, double seconds) {
    int n = p->limit > 0 ? snprintf(out, size, "%.1f of %.5g s", seconds, p->limit)
                         : snprintf(out, size, "%.1f s", seconds);
    return (size_t)n;
}

static void describe(char *out, size_t size, const cli_progress *p) {
    char number[CLI_NUMBER], best[160] = "", limit[32] = "", failed[32] = "", clock[64];
    double seconds = p->seen > 0 ? p->seconds + (cli_now() - p->seen) : cli_now() - p->began;
    const char *stage = caught && !strcmp(p->stage, "search") ? "stopping" : p->stage;
    add_time(clock, sizeof clock, p, seconds);
    if (p->trials_limit) snprintf(limit, sizeof limit, " of %zu", p->trials_limit);
    if (p->failed) snprintf(failed, sizeof failed, " (%zu failed)", p->failed);
    if (!isnan(p->best))
        snprintf(best, sizeof best, ", best %s %s%s%s%s", p->metric, cli_number(number, p->best),
                 p->learner[0] ? " (" : "", p->learner, p->learner[0] ? ")" : "");
    snprintf(out, size, "%s: %s, %zu%s trials%s%s", stage, clock, p->trials, limit, failed, best);
}

static void draw(cli_progress *p) {
    char text[512];
    describe(text, sizeof text, p);
    size_t width = cli_width(STDERR_FILENO, 80);
    fprintf(stderr, "\r%.*s\033[K", (int)cli_text_cut(text, width - 1), text);
    fflush(stderr);
    p->drawn = true;
    line_is_open = 1;
}

static void print_line(cli_progress *p) {
    char text[512];
    describe(text, sizeof text, p);
    fprintf(stderr, "%s\n", text);
    p->last_line = cli_now();
    p->shown_best = p->best;
    p->fresh = false;
}

/* ---- the thread */

static void *watch(void *arg) {
    cli_progress *p = arg;
    struct timespec pause = {.tv_nsec = (long)(redraw * 1e9)};
    for (bool ended = false; !ended;) {
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&p->lock);
        ended = p->ended;
        double now = cli_now();
        if (!ended && p->live && now - p->began > 2 * redraw) draw(p);
        if (!ended && !p->live && (p->fresh || now - p->last_line >= heartbeat)) print_line(p);
        pthread_mutex_unlock(&p->lock);
    }
    return NULL;
}

/* Signals are for the main thread: the threads that it has made block none, but this one would be
 * torn out of its sleep. */
static int start_thread(cli_progress *p) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&p->thread, NULL, watch, p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

cli_progress *cli_progress_start(int quiet) {
    cli_progress *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    pthread_mutex_init(&p->lock, NULL);
    p->quiet = quiet != 0;
    p->live = cli_colour(STDERR_FILENO) ||
              (isatty(STDERR_FILENO) && getenv("TERM") && strcmp(getenv("TERM"), "dumb") != 0);
    p->began = p->last_line = cli_now();
    p->best = p->shown_best = NAN;
    snprintf(p->stage, sizeof p->stage, "search");
    caught = 0;
    line_is_open = 0;
    if (!p->quiet && start_thread(p)) {
        free(p);
        return NULL;
    }
    handle(on_signal);
    return p;
}

static bool differs(double a, double b) {
    return isnan(a) ? !isnan(b) : isnan(b) || a < b || a > b;
}

void cli_progress_log(aml_log_level level, const char *text, void *arg) {
    cli_progress *p = arg;
    if (p->quiet || level == AML_LOG_DETAIL) return;
    pthread_mutex_lock(&p->lock);
    if (p->drawn) fputs("\r\033[K", stderr);
    if (level == AML_LOG_INFO) fprintf(stderr, "%s\n", text);
    else cli_note("%s", text);
    pthread_mutex_unlock(&p->lock);
}

int cli_progress_update(const aml_progress *progress, void *arg) {
    cli_progress *p = arg;
    pthread_mutex_lock(&p->lock);
    p->trials = progress->trials;
    p->failed = progress->failed;
    p->trials_limit = progress->trials_limit;
    p->seconds = progress->seconds;
    p->limit = progress->limit;
    p->seen = cli_now();
    p->best = progress->best;
    if (strcmp(progress->stage, "begin") != 0)
        snprintf(p->stage, sizeof p->stage, "%s", progress->stage);
    if (progress->metric) snprintf(p->metric, sizeof p->metric, "%s", progress->metric);
    snprintf(p->learner, sizeof p->learner, "%s",
             progress->best_learner ? progress->best_learner : "");
    if (differs(p->best, p->shown_best)) p->fresh = true;
    pthread_mutex_unlock(&p->lock);
    return 0;
}

const volatile int *cli_progress_flag(void) { return &caught; }

int cli_progress_stop(cli_progress *p) {
    if (!p) return 0;
    if (!p->quiet) {
        pthread_mutex_lock(&p->lock);
        p->ended = true;
        pthread_mutex_unlock(&p->lock);
        pthread_join(p->thread, NULL);
        if (p->fresh && !p->live) print_line(p);
        if (p->drawn) fputs("\r\033[K", stderr);
    }
    line_is_open = 0;
    handle(SIG_DFL);
    int signal_number = caught;
    pthread_mutex_destroy(&p->lock);
    free(p);
    return signal_number;
}
