/* sweep.c: opens a sweep: its plan, its tuner, its folder, and what was done so far. */
#include "automl/tune/sweep.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "automl/core/call.h"
#include "automl/engine/ranks.h"

enum { PREVIEW = 3 /* trials of a dry run */ };

double aml_sweep_clock(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- records */

aml_status aml_sweep_grow(aml_sweep *s, size_t trial) {
    size_t room = s->room ? s->room : 64;
    while (room <= trial) room *= 2;
    if (room > s->room) {
        aml_sweep_record *records = aml_realloc(s->records, room * sizeof *records);
        if (!records) return AML_ENOMEM;
        s->records = records;
        s->room = room;
    }
    for (; s->n <= trial; s->n++) {
        aml_string params = {0};
        aml_sweep_put_params(&params, s->tuner, s->n);
        s->records[s->n] = (aml_sweep_record){
            .wall = NAN,
            .cpu = NAN,
            .peak = NAN,
            .params = params.failed ? NULL : aml_strdup(s->keep, params.text ? params.text : "")};
        aml_string_free(&params);
        if (!s->records[s->n].params) return AML_ENOMEM;
        s->counts[AML_SWEEP_PENDING]++;
    }
    return AML_OK;
}

void aml_sweep_set_state(aml_sweep *s, size_t trial, aml_sweep_state state) {
    s->counts[s->records[trial].state]--;
    s->records[trial].state = state;
    s->counts[state]++;
}

/* ---- what the sweep is made of */

static aml_status list_names(aml_sweep *s) {
    const aml_space *space = &s->tuner->space->space;
    const char **params = AML_ARRAY(s->keep, space->n + 1, const char *);
    size_t n = 0;
    for (const aml_sweep_setting *i = s->plan.inputs; i && i->name; i++) n++;
    const char **inputs = AML_ARRAY(s->keep, n + 1, const char *);
    if (!params || !inputs) return AML_ENOMEM;
    for (size_t i = 0; i < space->n; i++) params[i] = space->dims[i].name;
    for (size_t i = 0; i < n; i++) inputs[i] = s->plan.inputs[i].name;
    s->names = (aml_command_names){params, inputs, s->plan.outputs};
    return AML_OK;
}

/* The command as it is written, to be known again. */
static aml_status describe_command(aml_sweep *s) {
    aml_string text = {0};
    const aml_json *c = s->plan.command;
    if (s->plan.shell) aml_string_put(&text, "shell: ");
    if (s->plan.words || c->type == AML_JSON_ARRAY) {
        const char *const *w = s->plan.words;
        for (const aml_json *x = w ? NULL : c->child; x; x = x->next) {
            if (x != c->child) aml_string_put(&text, " ");
            aml_command_quote(&text, x->string);
        }
        for (; w && *w; w++) {
            if (w != s->plan.words) aml_string_put(&text, " ");
            aml_command_quote(&text, *w);
        }
    } else {
        aml_string_put(&text, c->string);
    }
    s->described = text.failed ? NULL : aml_strdup(s->keep, text.text);
    aml_string_free(&text);
    return s->described ? AML_OK : AML_ENOMEM;
}

static aml_status read_command(aml_sweep *s) {
    AML_TRY(aml_command_read(&s->command, s->plan.command, s->plan.words, s->plan.shell, &s->names,
                             s->keep));
    for (const aml_sweep_setting *v = s->plan.variables; v && v->name; v++)
        AML_TRY(aml_command_check_text(s->plan.command, v->value, &s->names));
    return describe_command(s);
}

/* Goals first, then the other metrics of the file. */
static aml_status order_metrics(aml_sweep *s) {
    const char *name;
    int maximize;
    size_t index;
    for (s->n_goals = 0; aml_tuner_goal(s->tuner, s->n_goals, &name, &maximize); s->n_goals++) {
        name = aml_strdup(s->keep, name); /* this tuner gives way to the one with a file */
        if (!name) return AML_ENOMEM;
        AML_TRY(aml_sweep_source_for(&index, &s->plan, name, s->keep));
    }
    s->metrics = AML_ARRAY(s->keep, s->plan.n_sources, aml_metric_source *);
    if (!s->metrics) return AML_ENOMEM;
    for (; aml_tuner_goal(s->tuner, s->n_metrics, &name, &maximize); s->n_metrics++) {
        aml_sweep_source_for(&index, &s->plan, name, s->keep);
        s->plan.sources[index].maximize = maximize != 0;
        s->metrics[s->n_metrics] = &s->plan.sources[index];
    }
    for (size_t i = 0; i < s->plan.n_sources; i++) {
        bool goal = false;
        for (size_t k = 0; k < s->n_goals; k++) goal |= s->metrics[k] == &s->plan.sources[i];
        if (!goal) s->metrics[s->n_metrics++] = &s->plan.sources[i];
        s->reads_exit |= s->plan.sources[i].kind == AML_SOURCE_EXIT_STATUS;
    }
    s->reports = s->tuner->scheduler->keep_step && aml_source_is_printed(s->metrics[0]->kind);
    return AML_OK;
}

/* The user's own configurations. */
static aml_status check_initial(aml_sweep *s) {
    const aml_json *list = s->plan.initial;
    const aml_user_space *space = s->tuner->space;
    double *config = AML_ARRAY(s->keep, space->space.n, double);
    if (!config) return AML_ENOMEM;
    for (const aml_json *x = list ? list->child : NULL; x; x = x->next) {
        aml_status status = aml_user_space_config(config, space, x, x->file);
        aml_error e = *aml_last_error();
        if (!status && !aml_space_allows(&space->space, config))
            status = aml_fail_at(AML_ECONFIG, x->file, x->line, x->column,
                                 "this trial breaks a constraint");
        else if (status == AML_ECONFIG && !e.line)
            aml_fail_at(status, x->file, x->line, x->column, "%s", e.message);
        if (status) return status;
    }
    return AML_OK;
}

/* That nothing keeps to the constraints is seen when the first trial is asked for. */
static aml_status check_first(aml_sweep *s) {
    size_t trial;
    if (s->plan.initial) return AML_OK;
    aml_status status = aml_tuner_ask(s->tuner, &trial);
    return status == AML_ECONFIG ? status : AML_OK;
}

static aml_status open_tuner(aml_sweep *s) {
    const aml_sweep_plan *p = &s->plan;
    const aml_tuner_parts parts = {.space = p->space,
                                   .constraints = p->constraints,
                                   .sampler = p->sampler,
                                   .scheduler = p->scheduler,
                                   .goals = p->objective,
                                   .seed = p->seed,
                                   .concurrency = (size_t)p->max_concurrent_trials,
                                   .trials = p->max_total_trials,
                                   .in_order = p->reproducible};
    /* First without a file: what is wrong with the plan is said before a folder is made. */
    AML_TRY(aml_tuner_make(&s->tuner, &parts));
    AML_TRY(check_initial(s));
    AML_TRY(list_names(s));
    AML_TRY(read_command(s));
    AML_TRY(order_metrics(s));
    AML_TRY(aml_sweep_check_program(s));
    if (s->dry) return AML_OK;
    AML_TRY(check_first(s));
    AML_TRY(aml_sweep_open_folder(s));
    char *path = aml_printf(s->keep, "%s/search.jsonl", s->folder);
    aml_tuner *kept;
    if (!path) return AML_ENOMEM;
    AML_TRY(aml_tuner_make_at(&kept, path, &parts));
    aml_tuner_free(s->tuner);
    s->tuner = kept;
    return list_names(s);
}

/* ---- what was done so far */

static aml_status other_command(const aml_sweep *s, const char *before) {
    aml_fail(AML_ECONFIG, "%s holds trials of another command", s->folder);
    return aml_help(AML_ECONFIG, NULL,
                    "that was: %.300s; give the new one a folder of its own (--output)", before);
}

/* A trial that was told through the tuner's file alone, by hand. */
static aml_status take_foreign(aml_sweep *s, size_t trial) {
    aml_sweep_record *r = &s->records[trial];
    aml_tuner_trial t = {.size = sizeof t};
    aml_tuner_trial_at(s->tuner, trial, &t);
    if (t.outcome == AML_OUTCOME_PENDING || r->state >= AML_SWEEP_DONE) return AML_OK;
    r->foreign = true;
    r->values = AML_ARRAY(s->keep, s->n_metrics, double);
    if (!r->values) return AML_ENOMEM;
    for (size_t i = 0; i < s->n_metrics; i++)
        r->values[i] = i < s->n_goals ? aml_tuner_trial_value(s->tuner, trial, i) : NAN;
    r->cause = r->reason = t.outcome == AML_OUTCOME_FAILED ? "told" : "";
    aml_sweep_set_state(s, trial,
                        t.outcome == AML_OUTCOME_DONE     ? AML_SWEEP_DONE
                        : t.outcome == AML_OUTCOME_PRUNED ? AML_SWEEP_PRUNED
                                                          : AML_SWEEP_FAILED);
    if (t.outcome == AML_OUTCOME_DONE) aml_sweep_note_best(s, trial);
    return AML_OK;
}

static aml_status enqueue(aml_sweep *s) {
    const aml_json *list = s->plan.initial;
    for (const aml_json *x = list ? list->child : NULL; x; x = x->next) {
        aml_string text = {0};
        aml_json_put(&text, x);
        aml_status status = text.failed ? AML_ENOMEM : aml_tuner_enqueue(s->tuner, text.text);
        aml_string_free(&text);
        if (status) return status;
    }
    return AML_OK;
}

static aml_status read_past(aml_sweep *s) {
    const char *command = s->described;
    size_t n = aml_tuner_trials(s->tuner);
    if (n) AML_TRY(aml_sweep_grow(s, n - 1));
    AML_TRY(aml_sweep_read_journal(s));
    if (!s->n && !s->tuner->n_queued) AML_TRY(enqueue(s));
    for (size_t i = 0; i < s->n; i++) AML_TRY(take_foreign(s, i));
    if (!strcmp(command, s->described)) return AML_OK;
    /* Results of two commands are not to be mixed; those of one that never worked are none. */
    if (s->counts[AML_SWEEP_DONE] || s->counts[AML_SWEEP_PRUNED])
        return other_command(s, s->described);
    s->described = command;
    return aml_sweep_note_command(s);
}

/* The first trials, as far as they do not depend on results. */
static aml_status preview(aml_sweep *s) {
    size_t most = s->plan.max_total_trials, trial;
    s->folder = aml_strdup(s->keep, s->plan.output);
    if (!s->folder) return AML_ENOMEM;
    AML_TRY(enqueue(s));
    for (size_t n = 0; n < PREVIEW && (!most || n < most); n++) {
        aml_status status = aml_tuner_ask(s->tuner, &trial);
        if (status == AML_ESTOPPED || status == AML_EAGAIN) return AML_OK;
        if (!status) status = aml_sweep_grow(s, trial);
        if (status) return status;
    }
    return AML_OK;
}

static aml_status add_note(aml_sweep *s, const char *text) {
    const char **notes = AML_ARRAY(s->keep, s->n_notes + 2, const char *);
    if (!notes || !text) return AML_ENOMEM;
    for (size_t i = 0; i < s->n_notes; i++) notes[i] = s->notes[i];
    notes[s->n_notes++] = text;
    s->notes = notes;
    return AML_OK;
}

/* Before the first trial; from then on it is in the tuner's file. */
static aml_status learn(aml_sweep *s) {
    size_t n = 0;
    if (!s->plan.learn_from) return AML_OK;
    if (s->n_goals > 1)
        return add_note(s, "learn_from is not used: with several goals trials have no one loss");
    if (!s->n && !s->tuner->n_past) AML_TRY(aml_sweep_learn(&n, s));
    else n = s->tuner->n_past;
    return add_note(s, aml_printf(s->keep, "learnt from %zu earlier sweep%s of %s", n,
                                  n == 1 ? "" : "s", s->plan.learn_from));
}

static aml_status take_notes(aml_sweep *s) {
    const struct {
        const char *name;
        const void *given;
    } unused[] = {{"compute", s->plan.compute},
                  {"identity", s->plan.identity},
                  {"resources", s->plan.resources},
                  {"queue_settings", s->plan.queue_settings},
                  {"trial.environment", s->plan.environment},
                  {"trial.distribution", s->plan.distribution},
                  {"trial.resources", s->plan.trial_resources}};
    const char *note;
    for (size_t i = 0; (note = aml_tuner_note(s->tuner, i)); i++)
        AML_TRY(add_note(s, aml_strdup(s->keep, note)));
    for (size_t i = 0; i < sizeof unused / sizeof *unused; i++)
        if (unused[i].given)
            AML_TRY(add_note(s, aml_printf(s->keep, "`%s` is not used: trials run on this machine",
                                           unused[i].name)));
    for (const char *const *p = s->names.params; *p; p++)
        if (!aml_command_uses(s->command, *p) && !s->plan.variables)
            AML_TRY(add_note(
                s, aml_printf(s->keep,
                              "{%s} is not in the command, which gets it in the environment "
                              "alone (AUTOML_PARAM_%s)",
                              *p, *p)));
    int others = s->ranks ? aml_ranks_alive(s->ranks) : 0;
    if (others <= s->plan.max_concurrent_trials) return AML_OK;
    return add_note(s, aml_printf(s->keep,
                                  "%d ranks can run commands, and %d run side by side: "
                                  "max_concurrent_trials",
                                  others, s->plan.max_concurrent_trials));
}

aml_status aml_sweep_open(aml_sweep **out, const aml_sweep_options *options) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(options);
    aml_sweep_options o;
    AML_TRY(aml_call_options(&o, sizeof o, options, "aml_sweep_options"));
    aml_sweep *s = aml_calloc(1, sizeof *s);
    if (!s) return AML_ENOMEM;
    s->journal = -1;
    s->best = SIZE_MAX;
    s->keep = aml_arena_new(NULL);
    aml_status status = s->keep ? aml_sweep_plan_read(&s->plan, &o, s->keep) : AML_ENOMEM;
    if (!status) {
        s->ranks = o.ranks;
        s->guard = aml_strdup(s->keep, o.guard ? o.guard : "automl");
        s->progress = o.progress;
        s->progress_arg = o.progress_arg;
        s->stop = o.stop;
        s->dry = o.dry_run != 0;
        status = s->guard ? open_tuner(s) : AML_ENOMEM;
    }
    if (!status) status = s->dry ? preview(s) : read_past(s);
    if (!status && !s->dry) status = learn(s);
    if (!status) status = take_notes(s);
    if (status) {
        aml_sweep_free(s);
        return status;
    }
    *out = s;
    return AML_OK;
}

void aml_sweep_free(aml_sweep *s) {
    if (!s) return;
    aml_sweep_plan_close(&s->plan);
    aml_tuner_free(s->tuner);
    aml_store_close(s->store);
    if (s->journal >= 0) close(s->journal);
    aml_free(s->records);
    aml_arena_free(s->keep);
    aml_free(s);
}
