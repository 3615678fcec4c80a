/* sweep_run.c: runs the trials of a sweep side by side until it is to end. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "automl/tune/sweep.h"

#include "automl/core/call.h"

enum { FIRST_FAILURES = 10 /* when so many failed and none succeeded, none will */ };
static const double tick = 0.1; /* seconds between looks at what runs */

static size_t running(const aml_sweep *s) { return aml_processes_running(s->processes); }

static bool is_over(const aml_sweep *s) {
    return s->plan.timeout > 0 && aml_sweep_clock() - s->began >= s->plan.timeout;
}

/* ---- the end */

static void end_by(aml_sweep *s, const char *why) {
    if (!s->end[0]) snprintf(s->end, sizeof s->end, "%s", why);
}

static void stop(aml_sweep *s, int how) {
    if (how <= s->stopping) return;
    s->stopping = how;
    aml_processes_stop(s->processes, how > 1);
}

/* What ends the sweep before its time; the first one counts. */
static void fault(aml_sweep *s, aml_status status) {
    if (!status || s->fault) return;
    s->fault = status;
    s->error = *aml_last_error();
    end_by(s, "failure");
    stop(s, 1);
}

static size_t latest_failure(const aml_sweep *s) {
    size_t i = s->n;
    while (i && s->records[i - 1].state != AML_SWEEP_FAILED) i--;
    return i ? i - 1 : 0;
}

static aml_status too_many(const aml_sweep *s, size_t trial) {
    const char *reason = s->records[trial].reason;
    aml_fail(AML_ESTOPPED, "%zu of %zu trials failed; the last of them, trial %zu: %.300s",
             s->counts[AML_SWEEP_FAILED], s->n, trial, reason ? reason : "");
    return aml_help(AML_ESTOPPED, NULL, "what it printed is in %.200s/trials/%04zu", s->folder,
                    trial);
}

static void check_failures(aml_sweep *s) {
    size_t most = s->plan.max_failed_trials;
    size_t failed = s->counts[AML_SWEEP_FAILED] - s->failed_before;
    bool hopeless = !most && failed >= FIRST_FAILURES && !s->counts[AML_SWEEP_DONE] &&
                    !s->counts[AML_SWEEP_PRUNED];
    if (s->stopping || !(hopeless || (most && failed >= most))) return;
    end_by(s, "failures");
    fault(s, too_many(s, latest_failure(s)));
}

/* As good as was asked for, or no better for long. */
static bool is_enough(aml_sweep *s) {
    size_t best, since = 0;
    const double *target = s->plan.exit_score;
    if ((!target && !s->plan.patience) || !aml_sweep_best(&best, s)) return false;
    double value = aml_sweep_value(s, best, 0);
    bool good = target && (s->metrics[0]->maximize ? value >= *target : value <= *target);
    for (size_t i = best + 1; i < s->n; i++) since += s->records[i].state >= AML_SWEEP_DONE;
    bool long_ago = s->plan.patience && since >= s->plan.patience;
    if (good || long_ago) end_by(s, good ? "exit_score" : "patience");
    return good || long_ago;
}

/* ---- beginning trials */

static aml_sweep_slot *free_slot(aml_sweep *s) {
    for (int i = 0; i < s->plan.max_concurrent_trials; i++)
        if (!s->runs[i].used) return &s->runs[i];
    return NULL;
}

/* One that was interrupted or is to be tried again, else a new one. False: there is none for now. */
static bool next_trial(aml_sweep *s, size_t *trial) {
    for (size_t i = 0; s->counts[AML_SWEEP_PENDING] && i < s->n; i++) {
        *trial = i;
        if (s->records[i].state == AML_SWEEP_PENDING) return true;
    }
    if (s->plan.max_total_trials && s->n >= s->plan.max_total_trials) {
        end_by(s, "trials");
        return false;
    }
    aml_status status = aml_tuner_ask(s->tuner, trial);
    if (!status) status = aml_sweep_grow(s, *trial);
    if (!status) return true;
    if (status == AML_ESTOPPED) end_by(s, "space");
    else if (status != AML_EAGAIN) fault(s, status);
    return false;
}

static void begin_trials(aml_sweep *s) {
    aml_sweep_slot *run;
    size_t trial;
    while (!s->stopping && !is_over(s) && !is_enough(s) && (run = free_slot(s)) &&
           next_trial(s, &trial))
        fault(s, aml_sweep_begin(run, trial));
}

/* ---- progress */

static void tell_progress(aml_sweep *s, const aml_sweep_trial *last) {
    double now = aml_sweep_clock();
    size_t best = 0;
    if (!s->progress || (!last && now - s->told < tick)) return;
    s->told = now;
    bool any = aml_sweep_best(&best, s);
    aml_sweep_progress p = {.size = sizeof p,
                            .done = s->counts[AML_SWEEP_DONE],
                            .pruned = s->counts[AML_SWEEP_PRUNED],
                            .failed = s->counts[AML_SWEEP_FAILED],
                            .running = running(s),
                            .limit = s->plan.max_total_trials,
                            .seconds = now - s->began,
                            .time_limit = s->plan.timeout,
                            .best = any ? aml_sweep_value(s, best, 0) : NAN,
                            .best_trial = best,
                            .metric = s->metrics[0]->name,
                            .last = last,
                            .attempts_failed = s->retried,
                            .stopping = s->stopping};
    int asked = s->progress(&p, s->progress_arg);
    if (asked) end_by(s, "stopped");
    if (asked) stop(s, asked);
}

/* best.json anew when the best trial, or of several goals the front, is another one. */
static void keep_best(aml_sweep *s) {
    size_t sum = 1, trial;
    if (s->n_goals == 1 && aml_sweep_best(&trial, s)) sum += trial + 1;
    for (size_t i = 0; s->n_goals > 1 && aml_tuner_best(s->tuner, i, &trial); i++)
        sum = sum * 31 + trial + 1;
    if (sum == s->front || sum == 1) return;
    s->front = sum;
    fault(s, aml_sweep_write_best(s));
}

static void end_trial(aml_sweep *s, aml_sweep_slot *run, const aml_process_result *result) {
    size_t trial = run->trial;
    aml_sweep_trial told = {.size = sizeof told};
    fault(s, aml_sweep_finish(run, result));
    fault(s, aml_sweep_store_add(s, trial));
    if (s->records[trial].state >= AML_SWEEP_DONE) keep_best(s);
    aml_sweep_fill(&told, s, trial);
    tell_progress(s, &told);
    check_failures(s);
    if (!s->stopping && is_enough(s)) stop(s, 1);
}

static void look_around(aml_sweep *s) {
    if (s->stop && *s->stop) {
        end_by(s, "stopped");
        stop(s, 1);
    }
    if (is_over(s) && running(s)) {
        end_by(s, "timeout");
        stop(s, 1);
    }
    tell_progress(s, NULL);
}

static aml_status prepare(aml_sweep *s) {
    size_t n = (size_t)s->plan.max_concurrent_trials;
    s->began = aml_sweep_clock();
    s->told = -INFINITY;
    s->end[0] = 0;
    s->stopping = 0;
    s->fault = AML_OK;
    s->failed_before = s->counts[AML_SWEEP_FAILED];
    s->runs = aml_calloc(n, sizeof *s->runs);
    if (!s->runs) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        s->runs[i] = (aml_sweep_slot){.sweep = s, .slot = i, .curve = -1};
        s->runs[i].tracks = aml_calloc(s->n_metrics, sizeof *s->runs[i].tracks);
        if (!s->runs[i].tracks) return AML_ENOMEM;
    }
    AML_TRY(aml_processes_new(&s->processes, s->guard));
    return s->ranks ? aml_processes_share(s->processes, s->ranks) : AML_OK;
}

/* What the store says of the end. */
static void close_run(aml_sweep *s) {
    bool stopped = !strcmp(s->end, "stopped");
    fault(s, aml_sweep_store_end(s,
                                 s->fault  ? "failed"
                                 : stopped ? "stopped"
                                           : "finished",
                                 s->fault ? s->error.message : NULL));
}

static void clean_up(aml_sweep *s) {
    aml_processes_free(s->processes);
    s->processes = NULL;
    for (int i = 0; s->runs && i < s->plan.max_concurrent_trials; i++) {
        aml_free(s->runs[i].folder);
        aml_free(s->runs[i].tracks);
    }
    aml_free(s->runs);
    s->runs = NULL;
}

aml_status aml_sweep_run(aml_sweep *s) {
    AML_NEED(s);
    const aml_process_result *result;
    void *user;
    if (s->dry) return aml_fail(AML_EUSAGE, "the sweep was opened for a dry run");
    aml_status status = prepare(s);
    if (!status) status = aml_sweep_store_begin(s);
    if (status) {
        clean_up(s);
        return status;
    }
    for (;;) {
        begin_trials(s);
        if (!running(s)) break;
        if (aml_processes_wait(s->processes, tick, &result, &user)) end_trial(s, user, result);
        look_around(s);
    }
    if (is_over(s)) end_by(s, "timeout");
    if (s->counts[AML_SWEEP_FAILED] == s->n && s->n) fault(s, too_many(s, latest_failure(s)));
    clean_up(s);
    fault(s, s->n ? aml_sweep_write_best(s) : AML_OK);
    close_run(s);
    if (s->fault) aml_set_error(&s->error);
    return s->fault;
}
