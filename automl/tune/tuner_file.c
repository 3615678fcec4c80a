/* tuner_file.c: a tuner's state as JSON lines in a file that several processes may share. The first line says what the
 * search is, each further one what happened; a line is written whole under the file's lock. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "automl/core/call.h"
#include "automl/core/io.h"
#include "automl/tune/tuner.h"

enum { FORMAT = 1 };
static const char *const state_words[] = {"pending", "done", "pruned", "failed"};

/* ---- lines ---- */

void aml_tuner_line_ask(aml_string *out, const aml_tuner *t, const double *config) {
    aml_string_printf(out, "{\"ask\":%zu,\"params\":", t->n);
    aml_user_space_write(out, t->space, config);
    aml_string_put(out, "}\n");
}

void aml_tuner_line_queue(aml_string *out, const aml_tuner *t, const double *config) {
    aml_string_put(out, "{\"queue\":");
    aml_user_space_write(out, t->space, config);
    aml_string_put(out, "}\n");
}

void aml_tuner_line_past(aml_string *out, const aml_json *trials) {
    aml_string_put(out, "{\"learn\":");
    aml_json_put(out, trials);
    aml_string_put(out, "}\n");
}

void aml_tuner_line_report(aml_string *out, size_t trial, double step, double value) {
    aml_string_printf(out, "{\"report\":%zu", trial);
    aml_json_add_number(out, "step", step);
    aml_json_add_number(out, "value", value);
    aml_string_put(out, "}\n");
}

void aml_tuner_line_tell(aml_string *out, const aml_tuner *t, size_t trial, aml_outcome outcome,
                         const double *values) {
    aml_string_printf(out, "{\"tell\":%zu,\"state\":\"%s\"", trial, state_words[outcome]);
    if (values && outcome != AML_OUTCOME_FAILED) {
        aml_json_key(out, "values");
        aml_string_put(out, "[");
        for (size_t g = 0; g < t->n_goals; g++) {
            aml_json_comma(out);
            aml_json_put_number(out, values[g]);
        }
        aml_string_put(out, "]");
    }
    aml_string_put(out, "}\n");
}

/* ---- reading ---- */

static aml_status broken(const aml_tuner *t, const char *path, const char *what) {
    aml_fail_at(AML_EDATA, path, t->line + 1, 0, "%s", what);
    return aml_help(AML_EDATA, "the file holds the state of a search, a line for each event",
                    "is it another file? if it was edited, take the change back");
}

/* The trial that a line is about, which must be in flight. */
static aml_status trial_of(size_t *out, const aml_tuner *t, const aml_json *x, const char *path) {
    double id = x->type == AML_JSON_NUMBER ? x->number : -1;
    if (!(id >= 0 && id < (double)t->n) || id != floor(id))
        return broken(t, path, "the line is about a trial that was not asked for");
    *out = (size_t)id;
    return t->records[*out].state == AML_TRIAL_PENDING
               ? AML_OK
               : broken(t, path, "the line is about a trial that has ended");
}

static aml_status read_tell(aml_tuner *t, const aml_json *x, const aml_json *id, const char *path) {
    const aml_json *list = aml_json_find(x, "values");
    const char *state = aml_json_string(x, "state", "");
    double values[AML_MOST_GOALS];
    size_t trial = 0, n = 0;
    int outcome = AML_OUTCOME_DONE;
    while (outcome <= AML_OUTCOME_FAILED && strcmp(state_words[outcome], state) != 0) outcome++;
    AML_TRY(trial_of(&trial, t, id, path));
    if (outcome > AML_OUTCOME_FAILED) return broken(t, path, "there is no such state");
    for (const aml_json *v = list ? list->child : NULL; v && n < t->n_goals; v = v->next)
        values[n++] = v->type == AML_JSON_NUMBER ? v->number : NAN;
    bool all = list && list->type == AML_JSON_ARRAY && list->size == t->n_goals;
    if (list && !all) return broken(t, path, "the number of values is not that of the goals");
    return aml_tuner_apply_tell(t, trial, (aml_outcome)outcome, all ? values : NULL);
}

static aml_status read_event(aml_tuner *t, const aml_json *x, const char *path,
                             aml_arena *scratch) {
    const aml_json *id, *params = aml_json_find(x, "params");
    size_t trial = 0;
    if ((id = aml_json_find(x, "report"))) {
        AML_TRY(trial_of(&trial, t, id, path));
        return aml_tuner_apply_report(t, trial, aml_json_number(x, "step", 0),
                                      aml_json_number(x, "value", NAN));
    }
    if ((id = aml_json_find(x, "tell"))) return read_tell(t, x, id, path);
    if ((id = aml_json_find(x, "learn"))) return aml_tuner_apply_past(t, id, path);
    const aml_json *queued = aml_json_find(x, "queue");
    id = aml_json_find(x, "ask");
    if (!queued && (!id || !params || id->number != (double)t->n))
        return broken(t, path, "the line is not what should come next");
    double *config = AML_ARRAY(scratch, t->space->space.n, double);
    if (!config) return AML_ENOMEM;
    AML_TRY(aml_user_space_config(config, t->space, queued ? queued : params, path));
    return queued ? aml_tuner_apply_queue(t, config) : aml_tuner_apply_ask(t, config);
}

static aml_status read_header(aml_tuner *t, const aml_json *x, const char *path) {
    aml_tuner_parts parts = {
        .space = aml_json_find(x, "space"),
        .constraints = aml_json_find(x, "constraints"),
        .sampler = aml_json_find(x, "sampler"),
        .scheduler = aml_json_find(x, "scheduler"),
        .goals = aml_json_find(x, "goals"),
        .concurrency = aml_json_count(x, "concurrency", 1),
        .trials = aml_json_count(x, "trials", 0),
        .in_order = aml_json_bool(x, "in_order", false),
    };
    const aml_json *seed = aml_json_find(x, "seed");
    double format = aml_json_number(x, "automl_tuner", 0);
    int64_t number = 0;
    if (!format || !parts.space) return broken(t, path, "this is not the state of a search");
    if (format != FORMAT) return broken(t, path, "the state is of another version of this program");
    if (seed && seed->type == AML_JSON_NUMBER)
        aml_parse_int64(&number, seed->string, strlen(seed->string));
    parts.seed = (uint64_t)number;
    const char *before = t->header;
    AML_TRY(aml_tuner_read_parts(t, &parts));
    if (!before || aml_tuner_same_search(before, t->header, t->arena)) return AML_OK;
    aml_fail_at(AML_ECONFIG, path, 1, 0, "the file holds a search of another space");
    return aml_help(AML_ECONFIG, NULL, "give the new search a file of its own");
}

/* All whole lines of text. */
static aml_status read_lines(aml_tuner *t, char *text, size_t size, const char *path) {
    aml_arena *scratch = aml_arena_new(NULL);
    aml_status status = scratch ? AML_OK : AML_ENOMEM;
    for (char *end; !status && (end = memchr(text, '\n', size)); t->line++) {
        size_t length = (size_t)(end - text);
        aml_mark mark = aml_arena_mark(scratch);
        aml_json *x;
        aml_arena *keep = t->line ? scratch : t->arena; /* the first one is kept */
        status = aml_json_parse(&x, keep, text, length, path, 0, AML_EDATA);
        if (status == AML_EDATA) status = broken(t, path, "the line is not JSON");
        if (!status) status = t->line ? read_event(t, x, path, scratch) : read_header(t, x, path);
        if (status) break;
        aml_arena_release(scratch, mark);
        t->read += length + 1;
        size -= length + 1;
        text = end + 1;
    }
    aml_arena_free(scratch);
    return status;
}

aml_status aml_tuner_read_file(aml_tuner *t, const char *path) {
    char *text;
    size_t size;
    AML_TRY(aml_read_file(&text, &size, path, SIZE_MAX / 4, NULL));
    aml_status status = read_lines(t, text, size, path);
    aml_free(text);
    if (!status && !t->header) status = broken(t, path, "the file is empty");
    return status;
}

/* ---- the shared file ---- */

static aml_status failed(const aml_tuner *t, const char *what) {
    return aml_fail_errno(AML_EIO, errno, what, t->path);
}

/* Whether the rest of the file, which has no end of a line, can be what a writer that died has left. */
static bool is_cut_line(const aml_tuner *t, const char *text, size_t size) {
    const char *begin = t->line ? "{\"" : "{\"automl_tuner\":";
    size_t n = strlen(begin);
    return !memcmp(text, begin, size < n ? size : n);
}

/* What others have appended. A last line without an end is of a writer that died: it held the lock, so it is gone, and
 * the line with it. */
static aml_status catch_up(aml_tuner *t) {
    struct stat st;
    if (fstat(t->fd, &st)) return failed(t, "read");
    size_t size = (size_t)st.st_size, got = 0;
    if (size < t->read)
        return aml_fail(AML_EDATA, "%s has become shorter while it was in use", t->path);
    if (size == t->read) return AML_OK;
    size -= t->read;
    char *text = aml_malloc(size);
    if (!text) return AML_ENOMEM;
    while (got < size) {
        ssize_t n = pread(t->fd, text + got, size - got, (off_t)(t->read + got));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        got += (size_t)n;
    }
    aml_status status = got < size ? failed(t, "read") : read_lines(t, text, size, t->path);
    size_t cut = (size_t)st.st_size - t->read;
    if (!status && cut && !is_cut_line(t, text + size - cut, cut))
        status = broken(t, t->path, "this is not the state of a search");
    aml_free(text);
    if (!status && cut && ftruncate(t->fd, (off_t)t->read)) status = failed(t, "write");
    return status;
}

void aml_tuner_leave(aml_tuner *t) {
    if (t->fd >= 0) flock(t->fd, LOCK_UN);
}

aml_status aml_tuner_enter(aml_tuner *t) {
    if (t->fd < 0) return AML_OK;
    while (flock(t->fd, LOCK_EX))
        if (errno != EINTR) return failed(t, "lock");
    aml_status status = catch_up(t);
    if (status) aml_tuner_leave(t);
    return status;
}

aml_status aml_tuner_write(aml_tuner *t, const aml_string *line) {
    if (line->failed) return AML_ENOMEM;
    if (t->fd < 0) return AML_OK;
    for (size_t done = 0; done < line->length;) {
        ssize_t n = pwrite(t->fd, line->text + done, line->length - done, (off_t)(t->read + done));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            aml_status status = failed(t, "write");
            if (ftruncate(t->fd, (off_t)t->read)) return status; /* the next reader drops it */
            return status;
        }
        done += (size_t)n;
    }
    t->read += line->length;
    t->line++;
    return AML_OK;
}

static aml_status begin_file(aml_tuner *t) {
    aml_string line = {0};
    if (t->line) return AML_OK; /* it was there */
    aml_string_put(&line, t->header);
    aml_string_put(&line, "\n");
    aml_status status = aml_tuner_write(t, &line);
    aml_string_free(&line);
    return status;
}

aml_status aml_tuner_open_file(aml_tuner *t, const char *path) {
    bool make = t->header != NULL;
    t->path = aml_strdup(t->arena, path);
    if (!t->path) return AML_ENOMEM;
    t->fd = open(path, O_RDWR | O_CLOEXEC | (make ? O_CREAT : 0), 0666);
    if (t->fd < 0 && make) return aml_fail_errno(AML_ECANTCREATE, errno, "create", path);
    if (t->fd < 0) {
        bool missing = errno == ENOENT;
        aml_status status = aml_fail_errno(AML_ENOINPUT, errno, "open", path);
        return missing ? aml_help(status, NULL, "a new search needs its space") : status;
    }
    aml_status status = aml_tuner_enter(t);
    if (!status && !t->header) status = broken(t, path, "the file is empty");
    if (!status) status = begin_file(t);
    aml_tuner_leave(t);
    return status;
}

void aml_tuner_close_file(aml_tuner *t) {
    if (t->fd >= 0) close(t->fd);
    t->fd = -1;
}

/* ---- saving ---- */

static void put_end(aml_string *out, const aml_tuner *t, const aml_record *r) {
    double values[AML_MOST_GOALS];
    bool any = isfinite(r->loss);
    for (size_t g = 0; g < t->n_goals; g++) {
        double loss = r->goals ? r->goals[g] : g ? NAN : r->loss;
        values[g] = t->goals[g].maximize ? -loss : loss;
    }
    if (r->state == AML_TRIAL_PENDING) return;
    if (t->n_goals > 1 && !r->goals) any = false;
    aml_tuner_line_tell(out, t, r->id, (aml_outcome)r->state, any ? values : NULL);
}

static void put_trial(aml_string *out, const aml_tuner *t, const aml_record *r) {
    aml_string_printf(out, "{\"ask\":%zu,\"params\":", r->id);
    aml_user_space_write(out, t->space, r->config);
    aml_string_put(out, "}\n");
    for (size_t i = 0; i < r->n_reports; i++)
        aml_tuner_line_report(out, r->id, r->steps[i],
                              t->goals[0].maximize ? -r->reports[i] : r->reports[i]);
    put_end(out, t, r);
}

aml_status aml_tuner_save(aml_tuner *t, const char *path) {
    AML_NEED(t);
    AML_NEED(path);
    aml_string text = {0};
    pthread_mutex_lock(&t->lock);
    aml_string_put(&text, t->header);
    aml_string_put(&text, "\n");
    aml_tuner_save_past(&text, t);
    for (size_t i = 0; i < t->n; i++) put_trial(&text, t, &t->records[i]);
    for (size_t i = 0; i < t->n_queued; i++)
        aml_tuner_line_queue(&text, t, t->queue + i * t->space->space.n);
    pthread_mutex_unlock(&t->lock);
    aml_status status = text.failed ? AML_ENOMEM : aml_write_file(path, text.text, text.length);
    aml_string_free(&text);
    return status;
}
