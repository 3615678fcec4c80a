/* sweep_trial.c: one trial of a sweep: its environment, what it reports, its end. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "automl/core/call.h"
#include "automl/core/io.h"
#include "automl/tune/sweep.h"

enum { MOST_CURVE_LINES = 100000 };

/* ---- values for the command */

typedef struct trial_values {
    const aml_sweep_slot *run;
    aml_arena *arena; /* for texts made here */
} trial_values;

static const char *param_text(const trial_values *v, const char *name) {
    aml_tuner_value p = {.size = sizeof p};
    for (size_t i = 0; aml_tuner_value_at(v->run->sweep->tuner, v->run->trial, i, &p); i++)
        if (!strcmp(p.name, name)) return aml_strdup(v->arena, p.text);
    return NULL;
}

/* 31 bits, which every program takes for a seed. */
static unsigned trial_seed(const aml_sweep_slot *run) {
    uint64_t trial = run->trial;
    return (unsigned)(aml_hash(&trial, sizeof trial, run->sweep->tuner->seed) & 0x7fffffff);
}

static const char *own_text(const trial_values *v, const char *name) {
    const aml_sweep_slot *r = v->run;
    if (!strcmp(name, "trial")) return aml_printf(v->arena, "%zu", r->trial);
    if (!strcmp(name, "attempt"))
        return aml_printf(v->arena, "%zu", r->sweep->records[r->trial].failures + 1);
    if (!strcmp(name, "slot")) return aml_printf(v->arena, "%zu", r->slot);
    if (!strcmp(name, "seed")) return aml_printf(v->arena, "%u", trial_seed(r));
    if (!strcmp(name, "output")) return r->folder;
    if (!strcmp(name, "params")) return aml_printf(v->arena, "%s/params.json", r->folder);
    return NULL;
}

/* A file beside the sweep's by its absolute path, for the command may run elsewhere; all else is a value. */
static const char *input_text(const trial_values *v, const char *name) {
    const aml_sweep_plan *plan = &v->run->sweep->plan;
    for (const aml_sweep_setting *i = plan->inputs; i && i->name; i++) {
        if (strcmp(i->name, name) != 0) continue;
        char *path = aml_printf(v->arena, "%s/%s", plan->origin, i->value);
        char *real = path && *i->value && *i->value != '/' ? realpath(path, NULL) : NULL;
        const char *text = real ? aml_strdup(v->arena, real) : i->value;
        free(real);
        return text;
    }
    return NULL;
}

static const char *value_text(const void *arg, const char *kind, const char *name) {
    const trial_values *v = arg;
    if (!strcmp(kind, "search_space")) return param_text(v, name);
    if (!strcmp(kind, "inputs")) return input_text(v, name);
    if (!strcmp(kind, "outputs")) return aml_printf(v->arena, "%s/%s", v->run->folder, name);
    return own_text(v, name);
}

/* "--lr", "0.1", "--depth", "3" */
static const char *const *list_args(const trial_values *v) {
    aml_tuner_value p = {.size = sizeof p};
    size_t n = 0;
    while (aml_tuner_value_at(v->run->sweep->tuner, v->run->trial, n, &p)) n++;
    const char **list = AML_ARRAY(v->arena, 2 * n + 1, const char *);
    for (size_t i = 0; list && i < n; i++) {
        aml_tuner_value_at(v->run->sweep->tuner, v->run->trial, i, &p);
        list[2 * i] = aml_printf(v->arena, "--%s", p.name);
        list[2 * i + 1] = aml_strdup(v->arena, p.text);
        if (!list[2 * i] || !list[2 * i + 1]) return NULL;
    }
    return list;
}

/* ---- the environment */

typedef struct settings {
    const char **list;
    size_t n, room;
    aml_arena *arena;
    bool failed;
} settings;

static void put(settings *s, const char *setting) {
    if (s->n + 1 >= s->room) {
        size_t room = s->room ? 2 * s->room : 128;
        const char **list = AML_ARRAY(s->arena, room, const char *);
        if (list && s->n) memcpy(list, s->list, s->n * sizeof *list);
        if (list) s->list = list;
        s->room = list ? room : s->room;
        s->failed |= !list;
    }
    s->failed |= !setting;
    if (s->failed) return;
    s->list[s->n++] = setting;
    s->list[s->n] = NULL;
}

/* In place of one of the same name, if there is one. */
static void set(settings *s, const char *name, const char *value) {
    size_t length = strlen(name);
    const char *setting = value ? aml_printf(s->arena, "%s=%s", name, value) : NULL;
    for (size_t i = 0; i < s->n && setting; i++)
        if (!strncmp(s->list[i], name, length) && s->list[i][length] == '=') {
            s->list[i] = setting;
            return;
        }
    put(s, setting);
}

static void set_params(settings *s, const aml_sweep_slot *run) {
    aml_tuner_value p = {.size = sizeof p};
    for (size_t i = 0; aml_tuner_value_at(run->sweep->tuner, run->trial, i, &p); i++) {
        static const char *const prefixes[] = {"AUTOML_PARAM", "AZUREML_SWEEP"};
        for (size_t k = 0; k < 2; k++) {
            char *name = aml_printf(s->arena, "%s_%s", prefixes[k], p.name);
            for (char *c = name; c && *c; c++)
                if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                      (*c >= '0' && *c <= '9')))
                    *c = '_';
            if (name) set(s, name, p.text);
            else s->failed = true;
        }
    }
}

/* What tells our ranks from each other: a command that uses MPI itself is none of them. */
static bool is_of_mpi(const char *setting) {
    static const char *const prefixes[] = {"OMPI_", "PMIX_", "PMI_"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (!strncmp(setting, prefixes[i], strlen(prefixes[i]))) return true;
    return false;
}

static const char *const *make_environment(const trial_values *v,
                                           const aml_command_values *values) {
    static const char *const own[][2] = {{"AUTOML_TRIAL", "trial"},   {"AUTOML_ATTEMPT", "attempt"},
                                         {"AUTOML_SLOT", "slot"},     {"AUTOML_SEED", "seed"},
                                         {"AUTOML_OUTPUT", "output"}, {"AUTOML_PARAMS", "params"}};
    const aml_sweep *sweep = v->run->sweep;
    settings s = {.arena = v->arena};
    put(&s, "AUTOML=1");
    for (size_t i = 0; !sweep->plan.bare && environ[i]; i++)
        if (strncmp(environ[i], "AUTOML", 6) != 0 && !(sweep->ranks && is_of_mpi(environ[i])))
            put(&s, environ[i]);
    set(&s, "AUTOML_SWEEP", sweep->folder);
    /* Python keeps what it prints to itself until it ends, unless told so: no early termination then. */
    if (!sweep->plan.bare && !getenv("PYTHONUNBUFFERED")) set(&s, "PYTHONUNBUFFERED", "1");
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        set(&s, own[i][0], own_text(v, own[i][1]));
    set_params(&s, v->run);
    for (const aml_sweep_setting *e = sweep->plan.variables; e && e->name; e++)
        set(&s, e->name, aml_command_fill_text(e->value, values, v->arena));
    return s.failed ? NULL : s.list;
}

/* ---- reports on the way */

static void write_curve(aml_sweep_slot *run, size_t metric) {
    const aml_metric_track *t = &run->tracks[metric];
    aml_string line = {0}, path = {0};
    if (run->lines++ >= MOST_CURVE_LINES) return;
    if (run->curve < 0) {
        aml_string_printf(&path, "%s/metrics.jsonl", run->folder);
        if (!path.failed)
            run->curve = open(path.text, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        aml_string_free(&path);
    }
    aml_string_put(&line, "{");
    aml_json_add_number(&line, "step", t->step);
    aml_json_add_number(&line, run->sweep->metrics[metric]->name, t->value);
    aml_string_put(&line, "}\n");
    if (run->curve >= 0 && !line.failed) (void)!write(run->curve, line.text, line.length);
    aml_string_free(&line);
}

static void report(aml_sweep_slot *run) {
    aml_sweep *s = run->sweep;
    const aml_metric_track *t = &run->tracks[0];
    int go_on = 1;
    if (!s->reports || run->pruned || !isfinite(t->value) || !(t->step > run->last_step)) return;
    run->last_step = t->step;
    if (aml_tuner_report(s->tuner, run->trial, t->step, t->value, &go_on) || go_on) return;
    run->pruned = true;
    aml_process_stop(run->process, false);
}

static void on_line(void *arg, int stream, const char *line, size_t length) {
    aml_sweep_slot *run = arg;
    for (size_t i = 0; i < run->sweep->n_metrics; i++) {
        if (!aml_source_line(&run->tracks[i], run->sweep->metrics[i], stream, line, length))
            continue;
        write_curve(run, i);
        if (i == 0) report(run);
    }
}

/* ---- the command of a trial, to be read */

static void put_words(aml_string *out, const char *const *words) {
    for (size_t i = 0; words && words[i]; i++) {
        if (i) aml_string_put(out, " ");
        aml_command_quote(out, words[i]);
    }
    if (!words) out->failed = true;
}

char *aml_sweep_command(const aml_sweep *s, size_t id) {
    AML_NEED_OR(s, NULL);
    aml_sweep *sweep = (aml_sweep *)(uintptr_t)s;
    aml_arena *arena = aml_arena_new(NULL);
    aml_string text = {0};
    if (!arena || id >= s->n) {
        aml_arena_free(arena);
        return NULL;
    }
    aml_sweep_slot run = {.sweep = sweep, .trial = id};
    run.folder = aml_printf(arena, "%s/trials/%04zu", s->folder, id);
    trial_values v = {&run, arena};
    aml_command_values values = {value_text, &v, list_args(&v)};
    if (run.folder && values.args) {
        const char *const *words = aml_command_fill(s->command, &values, arena);
        if (words && s->plan.shell) aml_string_put(&text, words[2]);
        else put_words(&text, words);
    }
    aml_arena_free(arena);
    if (!text.failed && text.text) return text.text;
    aml_string_free(&text);
    return NULL;
}

/* ---- begin and end */

static aml_status write_params(const aml_sweep_slot *run, aml_arena *arena) {
    char *path = aml_printf(arena, "%s/params.json", run->folder);
    char *params = aml_tuner_params_json(run->sweep->tuner, run->trial);
    aml_status status = path && params ? aml_write_file(path, params, strlen(params)) : AML_ENOMEM;
    aml_text_free(params);
    return status;
}

static aml_status make_outputs(const aml_sweep_slot *run, aml_arena *arena) {
    for (const char *const *name = run->sweep->plan.outputs; name && *name; name++) {
        char *path = aml_printf(arena, "%s/%s", run->folder, *name);
        if (!path) return AML_ENOMEM;
        if (mkdir(path, 0777) && errno != EEXIST)
            return aml_fail_errno(AML_ECANTCREATE, errno, "make the folder", path);
    }
    return AML_OK;
}

static aml_status start(aml_sweep_slot *run, aml_arena *arena) {
    const aml_sweep *s = run->sweep;
    trial_values v = {run, arena};
    aml_command_values values = {value_text, &v, list_args(&v)};
    if (!values.args) return AML_ENOMEM;
    aml_process_spec spec = {.argv = aml_command_fill(s->command, &values, arena),
                             .env = make_environment(&v, &values),
                             .folder = s->plan.alone ? run->folder : s->code,
                             .log = {aml_printf(arena, "%s/stdout.txt", run->folder),
                                     aml_printf(arena, "%s/stderr.txt", run->folder)},
                             .log_bytes = s->plan.log_size,
                             .limits = s->plan.limits,
                             .on_line = on_line,
                             .arg = run};
    if (!spec.argv || !spec.env || !spec.log[0] || !spec.log[1]) return AML_ENOMEM;
    AML_TRY(write_params(run, arena));
    AML_TRY(make_outputs(run, arena));
    return aml_process_start(&run->process, s->processes, &spec, run);
}

static void leave(aml_sweep_slot *run) {
    if (run->curve >= 0) close(run->curve);
    aml_free(run->folder);
    run->folder = NULL;
    run->curve = -1;
    run->used = false;
}

aml_status aml_sweep_begin(aml_sweep_slot *run, size_t trial) {
    aml_sweep *s = run->sweep;
    aml_arena *arena = aml_arena_new(NULL);
    aml_tuner_trial known = {.size = sizeof known};
    if (!arena) return AML_ENOMEM;
    memset(run->tracks, 0, s->n_metrics * sizeof *run->tracks);
    run->used = true;
    run->pruned = false;
    run->trial = trial;
    run->lines = 0;
    run->curve = -1;
    run->process = NULL;
    aml_tuner_trial_at(s->tuner, trial, &known); /* its reports before it was interrupted */
    run->last_step = known.steps ? known.step : -INFINITY;
    aml_status status = aml_sweep_note_begin(s, trial);
    if (!status) status = aml_sweep_trial_folder(&run->folder, s, trial);
    if (!status) status = start(run, arena);
    aml_arena_free(arena);
    if (status) leave(run);
    else aml_sweep_set_state(s, trial, AML_SWEEP_RUNNING);
    return status;
}

static aml_status tell(aml_sweep *s, size_t trial, const aml_sweep_ending *e) {
    aml_outcome outcome = e->state == AML_SWEEP_DONE     ? AML_OUTCOME_DONE
                          : e->state == AML_SWEEP_PRUNED ? AML_OUTCOME_PRUNED
                                                         : AML_OUTCOME_FAILED;
    if (e->retry || e->state == AML_SWEEP_PENDING) return AML_OK;
    return aml_tuner_tell(s->tuner, trial, outcome,
                          outcome == AML_OUTCOME_FAILED ? NULL : e->values);
}

aml_status aml_sweep_finish(aml_sweep_slot *run, const aml_process_result *result) {
    aml_sweep *s = run->sweep;
    char cause[64], reason[700];
    aml_sweep_ending e;
    double *values = aml_calloc(s->n_metrics, sizeof *values);
    if (!values) return AML_ENOMEM;
    aml_sweep_judge(&e, values, cause, sizeof cause, reason, sizeof reason, run, result);
    e.retry = e.state == AML_SWEEP_FAILED && s->records[run->trial].failures < s->plan.retries;
    aml_status status = aml_sweep_note_end(s, run->trial, &e);
    if (!status) status = tell(s, run->trial, &e);
    aml_free(values);
    leave(run);
    return status;
}
