/* sweep_store.c: a sweep as a run of the store. The sweep's folder is what counts: the store hears of what is in it already. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "automl/core/io.h"
#include "automl/tune/sweep.h"

enum { MOST_LEARNT = 50, MOST_AT_ONCE = 256, MOST_CURVE_BYTES = 64 << 20 };

/* ---- the run */

/* The journal's first line has the moment at which the sweep was made: it is the same sweep wherever the folder goes. */
static aml_status identify(char out[24], const aml_sweep *s) {
    char line[1024];
    ssize_t n = pread(s->journal, line, sizeof line, 0);
    if (n <= 0) return aml_fail(AML_EIO, "cannot read %s/trials.jsonl", s->folder);
    const char *end = memchr(line, '\n', (size_t)n);
    uint64_t h = aml_hash(line, end ? (size_t)(end - line) : (size_t)n, 1);
    snprintf(out, 24, "sweep%016llx", (unsigned long long)h);
    return AML_OK;
}

/* Searches of one space for one goal have the same. */
static aml_status describe_search(char out[24], const aml_sweep *s) {
    aml_string text = {0};
    for (size_t g = 0; g < s->n_goals; g++)
        aml_string_printf(&text, "%s%s", s->metrics[g]->maximize ? "+" : "-", s->metrics[g]->name);
    if (s->plan.space) aml_json_put(&text, s->plan.space);
    if (s->plan.constraints) aml_json_put(&text, s->plan.constraints);
    uint64_t h = text.failed ? 0 : aml_hash(text.text, text.length, 2);
    aml_status status = text.failed ? AML_ENOMEM : AML_OK;
    aml_string_free(&text);
    snprintf(out, 24, "%016llx", (unsigned long long)h);
    return status;
}

static char *describe_options(const aml_sweep *s) {
    const aml_sweep_plan *p = &s->plan;
    aml_string text = {0};
    aml_string_put(&text, "{");
    aml_json_add_string(&text, "name", p->name);
    aml_json_add_string(&text, "folder", s->folder);
    aml_json_add_string(&text, "command", s->described);
    aml_json_add(&text, "search_space", p->space);
    aml_json_add(&text, "constraints", p->constraints);
    aml_json_add(&text, "objective", p->objective);
    aml_json_add(&text, "sampling_algorithm", p->sampler);
    aml_json_add(&text, "early_termination", p->scheduler);
    aml_json_add_number(&text, "max_concurrent_trials", p->max_concurrent_trials);
    aml_string_printf(&text, ",\"seed\":%lld}", (long long)(int64_t)p->seed);
    char *out = text.failed ? NULL : aml_strdup(s->keep, text.text);
    aml_string_free(&text);
    return out;
}

static aml_status find_run(aml_sweep *s) {
    const aml_sweep_plan *p = &s->plan;
    char identity[24], search[24];
    const char *options = describe_options(s), *validation;
    const char *experiment = p->experiment_name ? p->experiment_name : p->name;
    bool found;
    if (!options) return AML_ENOMEM;
    AML_TRY(identify(identity, s));
    AML_TRY(describe_search(search, s));
    const aml_run_wanted wanted = {.experiment = experiment,
                                   .identity = identity,
                                   .data_hash = search,
                                   .options = options,
                                   .trials_limit = p->max_total_trials,
                                   .time_limit = p->timeout,
                                   .always = true};
    AML_TRY(aml_store_resume(&found, &s->run, &validation, s->store, &wanted, s->keep));
    if (found) return AML_OK;
    const aml_run_start start = {.experiment = experiment,
                                 .verb = "tune",
                                 .identity = identity,
                                 .options = options,
                                 .metric = s->metrics[0]->name,
                                 .higher_is_better = s->metrics[0]->maximize,
                                 .data_hash = search,
                                 .trials_limit = p->max_total_trials,
                                 .time_limit = p->timeout,
                                 .tags = p->tags};
    return aml_store_begin(&s->run, s->store, &start);
}

/* ---- its trials */

static aml_status put_params(aml_entry *e, const aml_sweep *s, size_t trial, aml_arena *keep) {
    size_t n = 0;
    aml_tuner_value v = {.size = sizeof v};
    while (aml_tuner_value_at(s->tuner, trial, n, &v)) n++;
    aml_entry_param *list = AML_ARRAY(keep, n + 1, aml_entry_param);
    if (!list) return AML_ENOMEM;
    for (size_t i = 0; aml_tuner_value_at(s->tuner, trial, i, &v); i++) {
        aml_entry_param *p = &list[e->n_params++];
        p->number = v.is_number ? v.number : NAN;
        p->name = aml_strdup(keep, v.name);
        p->text = aml_strdup(keep, v.text);
        if (!p->name || !p->text) return AML_ENOMEM;
    }
    e->params = list;
    return AML_OK;
}

/* A line of the trial's curve: {"step":3,"loss":0.5}. */
static void put_line(aml_entry_metric *list, size_t *n, const aml_sweep *s, const aml_json *line) {
    double step = aml_json_number(line, "step", NAN);
    if (!(step >= 0 && step <= 9e15) || step != floor(step)) return;
    for (size_t i = 0; i < s->n_metrics; i++) {
        double value = aml_json_number(line, s->metrics[i]->name, NAN);
        if (isfinite(value))
            list[(*n)++] = (aml_entry_metric){s->metrics[i]->name, -1, (int64_t)step, value};
    }
}

/* What it reported on the way, unless that was once; a curve that cannot be read is none. */
static aml_status put_curve(aml_entry *e, aml_entry_metric *list, const aml_sweep *s, char *text,
                            size_t size, size_t lines, aml_arena *keep) {
    aml_json *line;
    for (size_t at = 0; lines > 1 && at < size;) {
        char *end = memchr(text + at, '\n', size - at);
        if (!end) return AML_OK;
        aml_status status = aml_json_parse(&line, keep, text + at, (size_t)(end - text) - at,
                                           "metrics.jsonl", 0, AML_EDATA);
        if (status == AML_ENOMEM) return status;
        if (!status) put_line(list, &e->n_metrics, s, line);
        at = (size_t)(end - text) + 1;
    }
    return AML_OK;
}

/* The values of the end, and the curves. */
static aml_status put_metrics(aml_entry *e, const aml_sweep *s, size_t trial, aml_arena *keep) {
    const double *values = s->records[trial].values;
    char *text = NULL, *path = aml_printf(keep, "%s/trials/%04zu/metrics.jsonl", s->folder, trial);
    size_t size = 0, lines = 0;
    if (!path) return AML_ENOMEM;
    if (!access(path, R_OK) &&
        aml_read_file(&text, &size, path, MOST_CURVE_BYTES, NULL) == AML_ENOMEM)
        return AML_ENOMEM;
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    aml_entry_metric *list = AML_ARRAY(keep, s->n_metrics * (lines + 1), aml_entry_metric);
    for (size_t i = 0; list && values && i < s->n_metrics; i++)
        if (!isnan(values[i]))
            list[e->n_metrics++] = (aml_entry_metric){s->metrics[i]->name, -1, -1, values[i]};
    e->metrics = list;
    aml_status status = list ? put_curve(e, list, s, text, size, lines, keep) : AML_ENOMEM;
    aml_free(text);
    return status;
}

static aml_status make_entry(aml_entry *e, const aml_sweep *s, size_t trial, aml_arena *keep) {
    const aml_sweep_record *r = &s->records[trial];
    double value = aml_sweep_value(s, trial, 0);
    *e = (aml_entry){.number = trial,
                     .state = aml_sweep_state_word(r->state),
                     .pipeline = r->params,
                     .reason = r->reason,
                     .loss = s->metrics[0]->maximize ? -value : value,
                     .score = value,
                     .error = NAN,
                     .fit_seconds = r->wall,
                     .predict_us = NAN};
    AML_TRY(put_params(e, s, trial, keep));
    return put_metrics(e, s, trial, keep);
}

/* All from trial `first` to the one before `end` that have ended and are not there. */
static aml_status append(aml_sweep *s, size_t first, size_t end) {
    aml_arena *keep = aml_arena_new(NULL);
    if (!keep) return AML_ENOMEM;
    aml_entry *entries = AML_ARRAY(keep, MOST_AT_ONCE, aml_entry);
    aml_status status = entries ? AML_OK : AML_ENOMEM;
    for (size_t at = first; !status && at < end;) {
        aml_mark mark = aml_arena_mark(keep);
        size_t n = 0, from = at;
        for (; !status && at < end && n < MOST_AT_ONCE; at++) {
            const aml_sweep_record *r = &s->records[at];
            if (!r->stored && r->state >= AML_SWEEP_DONE)
                status = make_entry(&entries[n++], s, at, keep);
        }
        if (!status && n) status = aml_store_append(s->store, &s->run, entries, n);
        for (; !status && from < at; from++)
            s->records[from].stored = s->records[from].state >= AML_SWEEP_DONE;
        aml_arena_release(keep, mark);
    }
    aml_arena_free(keep);
    return status;
}

static aml_status note_stored(const aml_leader *l, void *arg) {
    aml_sweep *s = arg;
    if (l->trial < s->n) s->records[l->trial].stored = true;
    return AML_OK;
}

/* ---- life */

aml_status aml_sweep_store_begin(aml_sweep *s) {
    if (!s->plan.store || !*s->plan.store) return AML_OK;
    if (!s->store) AML_TRY(aml_store_open(&s->store, s->plan.store, AML_STORE_CREATE));
    AML_TRY(find_run(s));
    AML_TRY(aml_store_leaders(s->store, s->run.id, note_stored, s));
    return append(s, 0, s->n);
}

aml_status aml_sweep_store_add(aml_sweep *s, size_t trial) {
    return s->store ? append(s, trial, trial + 1) : AML_OK;
}

/* What a later sweep of the same space may begin by. */
static aml_status put_lesson(aml_sweep *s) {
    if (s->n_goals > 1) return AML_OK;
    char *text = aml_tuner_past_json(s->tuner);
    if (!text) return AML_ENOMEM;
    aml_status status = aml_store_put(s->store, &s->run, "trials", text, strlen(text));
    aml_free(text);
    return status;
}

aml_status aml_sweep_store_end(aml_sweep *s, const char *status, const char *reason) {
    if (!s->store || !*s->run.id) return AML_OK;
    AML_TRY(append(s, 0, s->n));
    AML_TRY(put_lesson(s));
    const aml_run_end end = {
        .status = status, .reason = reason, .score = NAN, .low = NAN, .high = NAN, .baseline = NAN};
    return aml_store_end(s->store, &s->run, &end);
}

/* ---- learning from others */

static aml_status learn_one(bool *learnt, aml_sweep *s, aml_store *store, const aml_run_info *r) {
    const void *text;
    size_t size;
    AML_TRY(aml_store_get(&text, &size, store, r->id, "trials", s->keep));
    *learnt = text != NULL;
    return text ? aml_tuner_learn_json(s->tuner, text, size, "run store") : AML_OK;
}

static aml_status learn_all(size_t *n, aml_sweep *s, aml_store *store) {
    char search[24];
    const aml_run_filter newest = {.size = sizeof newest};
    aml_runs *runs;
    size_t take[MOST_LEARNT], found = 0;
    aml_run_info r = {.size = sizeof r};
    AML_TRY(describe_search(search, s));
    AML_TRY(aml_store_list(&runs, store, &newest));
    for (size_t i = 0; found < MOST_LEARNT && aml_runs_at(runs, i, &r); i++)
        if (!strcmp(r.verb, "tune") && !strcmp(r.data_hash, search)) take[found++] = i;
    aml_status status = AML_OK;
    while (found-- > 0 && !status) {
        bool learnt = false;
        aml_runs_at(runs, take[found], &r);
        status = learn_one(&learnt, s, store, &r);
        *n += learnt;
    }
    aml_runs_free(runs);
    return status;
}

aml_status aml_sweep_learn(size_t *n, aml_sweep *s) {
    aml_store *store;
    *n = 0;
    AML_TRY(aml_store_open(&store, s->plan.learn_from, 0));
    aml_status status = learn_all(n, s, store);
    aml_store_close(store);
    return status;
}
