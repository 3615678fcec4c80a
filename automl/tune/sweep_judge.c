/* sweep_judge.c: what the end of a command means for its trial. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "automl/core/io.h"
#include "automl/tune/sweep.h"

/* The last line that says something, of stderr, else of stdout. */
static void last_words(char *out, size_t size, const aml_process_result *r) {
    *out = 0;
    for (int i = 1; i >= 0 && !*out; i--) {
        const char *text = r->tail[i];
        size_t n = r->n_tail[i];
        while (n && strchr(" \t\r\n", text[n - 1])) n--;
        size_t from = n;
        while (from && text[from - 1] != '\n' && text[from - 1] != '\r') from--;
        if (n > from) aml_printable(out, size, text + from, n - from, 200);
    }
}

static void say_exit(char *cause, size_t cause_size, char *reason, size_t size,
                     const aml_process_result *r) {
    char words[900];
    last_words(words, sizeof words, r);
    snprintf(cause, cause_size, "exit %d", r->code);
    snprintf(reason, size, "exit status %d%s%.300s", r->code, *words ? ": " : "", words);
}

static void say_signal(char *cause, size_t cause_size, char *reason, size_t size,
                       const aml_process_result *r) {
    const char *name = sigabbrev_np(r->code);
    snprintf(cause, cause_size, "signal %s", name ? name : "?");
    snprintf(reason, size, "killed by signal %d (SIG%s)%s", r->code, name ? name : "?",
             r->code == SIGKILL ? ", not by us: the system was out of memory, or somebody did it"
                                : "");
}

static void say_limit(char *cause, size_t cause_size, char *reason, size_t size,
                      const aml_process_limits *l, const aml_process_result *r) {
    const double mb = 1024 * 1024;
    const char *word = "timeout";
    snprintf(reason, size, "ended after %.4g s (trial_timeout)", l->wall);
    if (r->end == AML_PROCESS_CPU) {
        word = "cpu time";
        snprintf(reason, size, "ended after %.4g s of CPU time (trial_cpu_time)", l->cpu);
    } else if (r->end == AML_PROCESS_MEMORY) {
        word = "memory";
        snprintf(reason, size, "used %.4g MiB of memory, %.4g are allowed (trial_memory)",
                 (double)r->peak_memory / mb, (double)l->memory / mb);
    } else if (r->end == AML_PROCESS_TREE) {
        word = "processes";
        snprintf(reason, size, "had %zu processes, %zu are allowed (trial_processes)", r->processes,
                 l->processes);
    } else if (r->end == AML_PROCESS_OUTPUT) {
        word = "output";
        snprintf(reason, size, "printed more than %zu bytes (trial_output)", l->output);
    }
    snprintf(cause, cause_size, "%s", word);
}

static void say_refused(char *cause, size_t cause_size, char *reason, size_t size,
                        const aml_process_result *r) {
    snprintf(cause, cause_size, "not started");
    snprintf(reason, size, "cannot %s: %s",
             !strcmp(r->what, "folder")    ? "enter the working folder"
             : !strcmp(r->what, "limits")  ? "set the limits"
             : !strcmp(r->what, "program") ? "run the program"
                                           : "start a process",
             aml_errno_text(r->code));
}

/* The values of all metrics; false, with the reason, when a goal's is missing. Other metrics may be. */
static bool take_values(double *values, char *cause, size_t cause_size, char *reason, size_t size,
                        aml_sweep_slot *run, const aml_process_result *r) {
    const aml_sweep *s = run->sweep;
    char text[512];
    bool good = true;
    for (size_t i = 0; i < s->n_metrics; i++) {
        aml_source_end(&run->tracks[i], s->metrics[i], r, run->folder);
        values[i] = aml_source_value(text, sizeof text, &run->tracks[i], s->metrics[i], r);
        if (!isnan(values[i]) || i >= s->n_goals || !good) continue;
        good = false;
        char words[900] = "";
        if (!run->tracks[i].reports) last_words(words, sizeof words, r);
        snprintf(cause, cause_size, "%s", run->tracks[i].reports ? "bad metric" : "no metric");
        snprintf(reason, size, "%s%s%.200s", text, *words ? "; the last line was: " : "", words);
    }
    return good;
}

void aml_sweep_judge(aml_sweep_ending *out, double *values, char *cause, size_t cause_size,
                     char *reason, size_t reason_size, aml_sweep_slot *run,
                     const aml_process_result *r) {
    const aml_sweep *s = run->sweep;
    *out = (aml_sweep_ending){.state = AML_SWEEP_FAILED,
                              .reason = reason,
                              .cause = cause,
                              .values = values,
                              .result = r,
                              .reports = run->tracks[0].reports};
    *cause = *reason = 0;
    bool good = take_values(values, cause, cause_size, reason, reason_size, run, r);
    switch (r->end) {
    case AML_PROCESS_EXITED:
        if (r->code && !s->reads_exit) say_exit(cause, cause_size, reason, reason_size, r);
        else if (good) out->state = AML_SWEEP_DONE;
        break;
    case AML_PROCESS_SIGNALLED: say_signal(cause, cause_size, reason, reason_size, r); break;
    case AML_PROCESS_WALL:
    case AML_PROCESS_CPU:
    case AML_PROCESS_MEMORY:
    case AML_PROCESS_TREE:
    case AML_PROCESS_OUTPUT:
        say_limit(cause, cause_size, reason, reason_size, &s->plan.limits, r);
        break;
    case AML_PROCESS_STOPPED:
        out->state = run->pruned ? AML_SWEEP_PRUNED : AML_SWEEP_PENDING;
        if (!good) out->values = NULL;
        *cause = *reason = 0;
        break;
    case AML_PROCESS_REFUSED: say_refused(cause, cause_size, reason, reason_size, r); break;
    case AML_PROCESS_LOST:
        snprintf(cause, cause_size, "lost");
        snprintf(reason, reason_size, "the process that watched over it was killed");
        break;
    }
}
