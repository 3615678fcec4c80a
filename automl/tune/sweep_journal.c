/* sweep_journal.c: trials.jsonl: a line when a trial begins and one when it ends; the latter is on the disk before the tuner
 * hears of it. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "automl/core/io.h"
#include "automl/tune/sweep.h"

enum { FORMAT = 1 };

const char *aml_sweep_state_word(size_t i) {
    static const char *const words[] = {"pending", "running", "done", "pruned", "failed"};
    return i < sizeof words / sizeof *words ? words[i] : NULL;
}

/* ---- writing */

typedef char journal_path[PATH_MAX + 16];

static const char *path_of(journal_path out, const aml_sweep *s) {
    snprintf(out, sizeof(journal_path), "%s/trials.jsonl", s->folder);
    return out;
}

static aml_status not_written(const aml_sweep *s) {
    int code = errno;
    journal_path path;
    return aml_fail_errno(AML_EIO, code, "write", path_of(path, s));
}

static aml_status append(const aml_sweep *s, aml_string *line, bool sync) {
    aml_status status = line->failed ? AML_ENOMEM : AML_OK;
    const char *at = line->text;
    for (size_t left = line->length; !status && left;) {
        ssize_t n = write(s->journal, at, left);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) status = not_written(s);
        at += n > 0 ? n : 0;
        left -= n > 0 ? (size_t)n : 0;
    }
    if (!status && sync && fdatasync(s->journal)) status = not_written(s);
    aml_string_free(line);
    return status;
}

static void put_time(aml_string *out) {
    char text[40];
    struct timespec t;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &t);
    gmtime_r(&t.tv_sec, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    aml_json_add_string(out, "time", text);
}

aml_status aml_sweep_note_command(aml_sweep *s) {
    aml_string line = {0};
    aml_string_printf(&line, "{\"automl_sweep\":%d", FORMAT);
    aml_json_add_string(&line, "version", aml_version());
    aml_json_add_string(&line, "name", s->plan.name);
    aml_json_add_string(&line, "command", s->described);
    put_time(&line);
    aml_string_put(&line, "}\n");
    return append(s, &line, true);
}

aml_status aml_sweep_note_begin(aml_sweep *s, size_t trial) {
    aml_string line = {0};
    char *params = aml_tuner_params_json(s->tuner, trial);
    if (!params) return AML_ENOMEM;
    aml_string_printf(&line, "{\"begin\":%zu", trial);
    aml_json_add_number(&line, "attempt", (double)(s->records[trial].failures + 1));
    put_time(&line);
    aml_json_key(&line, "params");
    aml_string_put(&line, params);
    aml_string_put(&line, "}\n");
    aml_text_free(params);
    return append(s, &line, false);
}

static void put_values(aml_string *out, const aml_sweep *s, const double *values) {
    aml_json_key(out, "values");
    aml_string_put(out, "{");
    for (size_t i = 0; values && i < s->n_metrics; i++)
        if (!isnan(values[i])) aml_json_add_number(out, s->metrics[i]->name, values[i]);
    aml_string_put(out, "}");
}

static void put_result(aml_string *out, const aml_process_result *r) {
    if (r->end == AML_PROCESS_EXITED) aml_json_add_number(out, "exit", r->code);
    else if (r->by_signal) aml_json_add_number(out, "signal", r->code);
    aml_json_add_number(out, "seconds", r->wall);
    aml_json_add_number(out, "cpu_seconds", r->cpu);
    aml_json_add_number(out, "peak_memory", (double)r->peak_memory);
    aml_json_add_number(out, "processes", (double)r->processes);
    if (r->left_behind) aml_json_add_number(out, "left_behind", (double)r->left_behind);
    aml_json_add_number(out, "stdout_bytes", (double)r->output[0]);
    aml_json_add_number(out, "stderr_bytes", (double)r->output[1]);
}

/* ---- the record */

static aml_status copy_text(const char **to, aml_sweep *s, const char *text) {
    *to = text && *text ? aml_strdup(s->keep, text) : "";
    return *to ? AML_OK : AML_ENOMEM;
}

/* Of one goal the tuner could tell it too, but not at once. */
void aml_sweep_note_best(aml_sweep *s, size_t trial) {
    const double *values = s->records[trial].values;
    const double *best = s->best == SIZE_MAX ? NULL : s->records[s->best].values;
    if (!best || (s->metrics[0]->maximize ? values[0] > best[0] : values[0] < best[0]) ||
        (!(values[0] < best[0]) && !(values[0] > best[0]) && trial < s->best))
        s->best = trial;
}

static aml_status set_record(aml_sweep *s, size_t trial, const aml_sweep_ending *e, double wall,
                             double cpu, double peak) {
    aml_sweep_record *r = &s->records[trial];
    AML_TRY(copy_text(&r->reason, s, e->reason));
    AML_TRY(copy_text(&r->cause, s, e->cause));
    r->wall = wall;
    r->cpu = cpu;
    r->peak = peak;
    r->failures += e->retry;
    s->retried += e->retry;
    if (e->values && !r->values) r->values = AML_ARRAY(s->keep, s->n_metrics, double);
    if (e->values && !r->values) return AML_ENOMEM;
    if (e->values) memcpy(r->values, e->values, s->n_metrics * sizeof *r->values);
    aml_sweep_set_state(s, trial, e->retry ? AML_SWEEP_PENDING : e->state);
    if (e->state == AML_SWEEP_DONE && r->values) aml_sweep_note_best(s, trial);
    return AML_OK;
}

aml_status aml_sweep_note_end(aml_sweep *s, size_t trial, const aml_sweep_ending *e) {
    const aml_process_result *r = e->result;
    aml_string line = {0};
    aml_string_printf(&line, "{\"end\":%zu", trial);
    aml_json_add_string(&line, "state",
                        e->state == AML_SWEEP_PENDING ? "stopped" : aml_sweep_state_word(e->state));
    if (e->retry) {
        aml_json_key(&line, "retry");
        aml_string_put(&line, "true");
    }
    if (e->cause && *e->cause) aml_json_add_string(&line, "cause", e->cause);
    if (e->reason && *e->reason) aml_json_add_string(&line, "reason", e->reason);
    put_values(&line, s, e->values);
    if (e->reports > 1) aml_json_add_number(&line, "reports", (double)e->reports);
    put_result(&line, r);
    put_time(&line);
    aml_string_put(&line, "}\n");
    AML_TRY(append(s, &line, true));
    return set_record(s, trial, e, r->wall, r->cpu, (double)r->peak_memory);
}

/* ---- reading */

static aml_status broken(const aml_sweep *s, size_t line) {
    char path[4096];
    aml_string name = {0};
    aml_string_printf(&name, "%s/trials.jsonl", s->folder);
    aml_printable(path, sizeof path, name.text ? name.text : "", name.length, 900);
    aml_string_free(&name);
    aml_fail_at(AML_EDATA, path, line, 0, "the line is not of a sweep");
    return aml_help(AML_EDATA, "the file holds the trials of a sweep, a line for each event",
                    "take back what was changed, or give the sweep another folder (--output)");
}

static aml_status read_header(aml_sweep *s, const aml_json *x, size_t line) {
    const char *command = aml_json_string(x, "command", "");
    if (aml_json_number(x, "automl_sweep", 0) < FORMAT ||
        aml_json_number(x, "automl_sweep", 0) > FORMAT)
        return broken(s, line);
    s->described = strcmp(command, s->described) ? aml_strdup(s->keep, command) : s->described;
    return s->described ? AML_OK : AML_ENOMEM;
}

static size_t state_of(const char *word) {
    size_t i = 0;
    while (aml_sweep_state_word(i) && strcmp(aml_sweep_state_word(i), word) != 0) i++;
    return aml_sweep_state_word(i) ? i : AML_SWEEP_PENDING;
}

/* The journal is written before the tuner hears of an end: what it does not know yet is told now. */
static aml_status tell_again(aml_sweep *s, size_t trial) {
    const aml_sweep_record *r = &s->records[trial];
    if (s->tuner->records[trial].state != AML_TRIAL_PENDING || r->state < AML_SWEEP_DONE)
        return AML_OK;
    aml_outcome outcome = r->state == AML_SWEEP_DONE     ? AML_OUTCOME_DONE
                          : r->state == AML_SWEEP_PRUNED ? AML_OUTCOME_PRUNED
                                                         : AML_OUTCOME_FAILED;
    return aml_tuner_tell(s->tuner, trial, outcome,
                          outcome == AML_OUTCOME_FAILED ? NULL : r->values);
}

static aml_status read_end(aml_sweep *s, const aml_json *x, size_t trial, aml_arena *scratch) {
    const aml_json *list = aml_json_find(x, "values");
    double *values = AML_ARRAY(scratch, s->n_metrics, double);
    if (!values) return AML_ENOMEM;
    for (size_t i = 0; i < s->n_metrics; i++)
        values[i] = list ? aml_json_number(list, s->metrics[i]->name, NAN) : NAN;
    aml_sweep_ending e = {.state = (aml_sweep_state)state_of(aml_json_string(x, "state", "")),
                          .retry = aml_json_bool(x, "retry", false),
                          .reason = aml_json_string(x, "reason", ""),
                          .cause = aml_json_string(x, "cause", ""),
                          .values = list && list->size ? values : NULL};
    AML_TRY(set_record(s, trial, &e, aml_json_number(x, "seconds", NAN),
                       aml_json_number(x, "cpu_seconds", NAN),
                       aml_json_number(x, "peak_memory", NAN)));
    return tell_again(s, trial);
}

/* A trial that the tuner's file lacks, as it may after a loss of power: it is put there again. */
static aml_status ask_again(aml_sweep *s, const aml_json *x, size_t line, aml_arena *scratch) {
    aml_tuner *t = s->tuner;
    aml_string text = {0};
    const aml_json *params = aml_json_find(x, "params");
    double *config = AML_ARRAY(scratch, t->space->space.n, double);
    if (!config) return AML_ENOMEM;
    if (!params || params->type != AML_JSON_OBJECT) return broken(s, line);
    AML_TRY(aml_user_space_config(config, t->space, params, "trials.jsonl"));
    pthread_mutex_lock(&t->lock);
    aml_status status = aml_tuner_enter(t);
    aml_tuner_line_ask(&text, t, config);
    if (!status) status = aml_tuner_write(t, &text);
    if (!status) status = aml_tuner_apply_ask(t, config);
    aml_tuner_leave(t);
    pthread_mutex_unlock(&t->lock);
    aml_string_free(&text);
    return status ? status : aml_sweep_grow(s, t->n - 1);
}

static aml_status read_event(aml_sweep *s, const aml_json *x, size_t line, aml_arena *scratch) {
    if (line == 1 || aml_json_find(x, "automl_sweep")) return read_header(s, x, line);
    double begin = aml_json_number(x, "begin", -1), end = aml_json_number(x, "end", -1);
    double trial = begin >= 0 ? begin : end;
    if (begin >= 0 && (size_t)begin == aml_tuner_trials(s->tuner))
        return ask_again(s, x, line, scratch);
    if (!(trial >= 0 && trial < (double)aml_tuner_trials(s->tuner))) return broken(s, line);
    return begin >= 0 ? AML_OK : read_end(s, x, (size_t)trial, scratch);
}

/* That a known trial has begun is no news: half of the lines need not be read. */
static bool is_known(const aml_sweep *s, const char *line, size_t n) {
    static const char begin[] = "{\"begin\":";
    size_t at = sizeof begin - 1, trial = 0;
    if (n < at || memcmp(line, begin, at) != 0 || line[n - 1] != '}') return false;
    for (; at < n && line[at] >= '0' && line[at] <= '9' && trial < s->n; at++)
        trial = 10 * trial + (size_t)(line[at] - '0');
    return at < n && line[at] == ',' && trial < s->n;
}

static aml_status read_lines(aml_sweep *s, const char *text, size_t size, size_t *whole) {
    aml_arena *scratch = aml_arena_new(NULL);
    aml_status status = scratch ? AML_OK : AML_ENOMEM;
    size_t line = 0;
    for (const char *end; !status && (end = memchr(text + *whole, '\n', size - *whole));) {
        aml_mark mark = aml_arena_mark(scratch);
        aml_json *x;
        size_t n = (size_t)(end - text) - *whole;
        line++;
        if (is_known(s, text + *whole, n)) {
            *whole += n + 1;
            continue;
        }
        status = aml_json_parse(&x, scratch, text + *whole, n, "trials.jsonl", 0, AML_EDATA);
        if (status == AML_EDATA || (!status && x->type != AML_JSON_OBJECT))
            status = broken(s, line);
        if (!status) status = read_event(s, x, line, scratch);
        aml_arena_release(scratch, mark);
        if (!status) *whole += n + 1;
    }
    aml_arena_free(scratch);
    return status;
}

aml_status aml_sweep_read_journal(aml_sweep *s) {
    journal_path path;
    char *text;
    size_t size, whole = 0;
    AML_TRY(aml_read_file(&text, &size, path_of(path, s), (size_t)1 << 40, NULL));
    aml_status status = read_lines(s, text, size, &whole);
    if (!status && whole < size && text[whole] != '{') status = broken(s, 0);
    aml_free(text);
    if (status) return status;
    /* What a crash has cut in the middle of a line. */
    if (whole < size && ftruncate(s->journal, (off_t)whole))
        return aml_fail_errno(AML_EIO, errno, "mend", path);
    return whole ? AML_OK : aml_sweep_note_command(s);
}
