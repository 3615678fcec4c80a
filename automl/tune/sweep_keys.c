/* sweep_keys.c: the keys of SWEEP.json: the one place where they are described. Names are those of Azure's sweep
 * job where it has them. */
#include <math.h>
#include <string.h>

#include "automl/tune/sweep_plan.h"

/* ---- readers of their own */

/* What the tuner, or nobody here, reads. */
static aml_status read_node(void *to, const aml_json *x, const aml_key_place *at) {
    (void)at;
    *(const aml_json **)to = x;
    return AML_OK;
}

static void node_schema(aml_string *s) { aml_string_put(s, "{}"); }

static void object_schema(aml_string *s) { aml_string_put(s, "{\"type\":\"object\"}"); }

static void sampler_schema(aml_string *s) {
    aml_string_put(s, "{\"type\":\"string\"},{\"type\":\"object\",\"required\":[\"type\"]}");
}

static void space_schema(aml_string *s) {
    aml_string_put(
        s, "{\"type\":\"object\",\"minProperties\":1},{\"type\":\"string\",\"minLength\":1}");
}

static void constraints_schema(aml_string *s) {
    aml_string_put(s, "{\"type\":\"array\",\"items\":{\"type\":\"string\"}},{\"type\":\"string\"}");
}

#define GOAL_SCHEMA                                                                            \
    "{\"type\":\"object\",\"properties\":{\"primary_metric\":{\"type\":\"string\"},\"goal\":{" \
    "\"type\":\"string\",\"pattern\":\"^(minimize|maximize)$\"}},\"required\":[\"primary_"     \
    "metric\"],"                                                                               \
    "\"additionalProperties\":false}"
static void objective_schema(aml_string *s) {
    aml_string_put(s, GOAL_SCHEMA ",{\"type\":\"array\",\"minItems\":1,\"items\":" GOAL_SCHEMA
                                  "},{\"type\":\"string\"}");
}

static aml_status read_list(void *to, const aml_json *x, const aml_key_place *at) {
    AML_TRY(aml_key_need(x, AML_JSON_ARRAY, at));
    for (const aml_json *item = x->child; item; item = item->next)
        AML_TRY(aml_key_need(item, AML_JSON_OBJECT, at));
    return read_node(to, x, at);
}

static void list_schema(aml_string *s) {
    aml_string_put(s, "{\"type\":\"array\",\"items\":{\"type\":\"object\"}}");
}

static aml_status read_command(void *to, const aml_json *x, const aml_key_place *at) {
    bool good = x->type == AML_JSON_STRING ? *x->string : x->type == AML_JSON_ARRAY && x->size;
    for (const aml_json *word = x->child; good && word; word = word->next)
        good = word->type == AML_JSON_STRING;
    if (!good) return aml_key_expected(x, at, "a text or a list of texts", "what a trial runs");
    return read_node(to, x, at);
}

static void command_schema(aml_string *s) {
    aml_string_put(s, "{\"type\":\"string\",\"minLength\":1},{\"type\":\"array\",\"minItems\":1,"
                      "\"items\":{\"type\":\"string\"}}");
}

/* {"NAME": "text" or number}; of inputs also {"path": "text"}. */
static aml_status read_settings_of(const aml_sweep_setting **to, const aml_json *x,
                                   const aml_key_place *at, bool paths) {
    aml_sweep_setting *list = AML_ARRAY(at->keep, x->size + 1, aml_sweep_setting);
    size_t n = 0;
    if (!list) return AML_ENOMEM;
    AML_TRY(aml_key_need(x, AML_JSON_OBJECT, at));
    for (const aml_json *m = x->child; m; m = m->next) {
        aml_key_place place = aml_key_member(at, m->name);
        const aml_json *value = m;
        if (paths && m->type == AML_JSON_OBJECT) value = aml_json_find(m, "path");
        const char *text = !value                          ? NULL
                           : value->type == AML_JSON_TRUE  ? "true"
                           : value->type == AML_JSON_FALSE ? "false"
                           : value->type == AML_JSON_STRING || value->type == AML_JSON_NUMBER
                               ? value->string
                               : NULL;
        if (!text)
            return aml_key_expected(
                m, &place, paths ? "a text, a number or {\"path\": …}" : "a text or a number",
                NULL);
        list[n++] = (aml_sweep_setting){m->name, text};
    }
    *to = list;
    return AML_OK;
}

static aml_status read_variables(void *to, const aml_json *x, const aml_key_place *at) {
    for (const aml_json *m = x->child; x->type == AML_JSON_OBJECT && m; m = m->next)
        if (!*m->name || strchr(m->name, '='))
            return aml_fail_at(AML_ECONFIG, m->file, m->key_line, m->key_column,
                               "`%.64s` is not a name of an environment variable", m->name);
    return read_settings_of(to, x, at, false);
}

static aml_status read_inputs(void *to, const aml_json *x, const aml_key_place *at) {
    return read_settings_of(to, x, at, true);
}

static void settings_schema(aml_string *s) {
    aml_string_put(s, "{\"type\":\"object\",\"additionalProperties\":{\"type\":[\"string\","
                      "\"number\",\"boolean\"]}}");
}

static void inputs_schema(aml_string *s) { object_schema(s); }
static void variables_schema(aml_string *s) { settings_schema(s); }

static aml_status read_outputs(void *to, const aml_json *x, const aml_key_place *at) {
    const char **list = AML_ARRAY(at->keep, x->size + 1, const char *);
    size_t n = 0;
    if (!list) return AML_ENOMEM;
    AML_TRY(aml_key_need(x, AML_JSON_OBJECT, at));
    for (const aml_json *m = x->child; m; m = m->next) {
        if (!*m->name || *m->name == '.' || strchr(m->name, '/'))
            return aml_fail_at(AML_ECONFIG, m->file, m->key_line, m->key_column,
                               "the output `%.64s` is not a name for a folder", m->name);
        list[n++] = m->name;
    }
    *(const char *const **)to = list;
    return AML_OK;
}

/* {"key": "value"} as "key=value". */
static aml_status read_tags(void *to, const aml_json *x, const aml_key_place *at) {
    const aml_sweep_setting *list;
    const char **tags = AML_ARRAY(at->keep, x->size + 1, const char *);
    if (!tags) return AML_ENOMEM;
    AML_TRY(read_settings_of(&list, x, at, false));
    for (const aml_json *m = x->child; m; m = m->next)
        if (!*m->name || strchr(m->name, '='))
            return aml_fail_at(AML_ECONFIG, m->file, m->key_line, m->key_column,
                               "`%.64s` is not a name for a tag", m->name);
    for (size_t i = 0; list[i].name; i++)
        if (!(tags[i] = aml_printf(at->keep, "%s=%s", list[i].name, list[i].value)))
            return AML_ENOMEM;
    *(const char *const **)to = tags;
    return AML_OK;
}

static void tags_schema(aml_string *s) { settings_schema(s); }

static void outputs_schema(aml_string *s) { object_schema(s); }

static const char *sweep_word(size_t i) { return i ? NULL : "sweep"; }
static const char *folder_word(size_t i) {
    static const char *const words[] = {"code", "trial", NULL};
    return words[i];
}

static aml_status read_folder(void *to, const aml_json *x, const aml_key_place *at) {
    static const aml_key key = {.type = AML_KEY_TEXT, .word = folder_word};
    const char *word;
    AML_TRY(aml_key_read(&word, x, &key, at));
    *(bool *)to = !strcmp(word, "trial");
    return AML_OK;
}

static void folder_schema(aml_string *s) { aml_string_put(s, "{\"enum\":[\"code\",\"trial\"]}"); }

/* True: it inherits. */
static aml_status read_inherit(void *to, const aml_json *x, const aml_key_place *at) {
    static const aml_key flag = {.type = AML_KEY_FLAG};
    bool on;
    AML_TRY(aml_key_read(&on, x, &flag, at));
    *(bool *)to = !on;
    return AML_OK;
}

static void inherit_schema(aml_string *s) { aml_string_put(s, "{\"type\":\"boolean\"}"); }

/* ---- metrics */

typedef struct source_values {
    const char *from, *key, *step_key, *pattern, *stream, *path, *take;
    int group, step_group;
} source_values;

static const char *stream_word(size_t i) {
    static const char *const words[] = {"both", "stdout", "stderr", NULL};
    return words[i];
}

#define SOURCE(key, kind, about)                                \
    {                                                           \
        .name = #key, .summary = about, .type = AML_KEY_##kind, \
        .member = offsetof(source_values, key)                  \
    }
#define SOURCE_WORD(key, words, about)                        \
    {                                                         \
        .name = #key, .summary = about, .type = AML_KEY_TEXT, \
        .member = offsetof(source_values, key), .word = words \
    }
#define SOURCE_GROUP(key, about)                                 \
    {                                                            \
        .name = #key, .summary = about, .type = AML_KEY_INT,     \
        .member = offsetof(source_values, key), .lo = 1, .hi = 9 \
    }
static const aml_key source_keys[] = {
    SOURCE_WORD(
        from, aml_source_word,
        "printed (as JSON or name=value; the default), json, pair, regex, file, exit_status, "
        "wall_time, cpu_time or peak_memory"),
    SOURCE(key, TEXT, "its name in the output or the file (default: that of the metric)"),
    SOURCE(step_key, TEXT,
           "name of the step beside it (default: step, epoch, iteration, iter, round)"),
    SOURCE(pattern, TEXT, "regex: a POSIX extended regular expression with the value in a group"),
    SOURCE_GROUP(group, "regex: the group that holds the value (default 1)"),
    SOURCE_GROUP(step_group, "regex: the group that holds the step"),
    SOURCE_WORD(stream, stream_word, "stdout, stderr or both (default)"),
    SOURCE(path, TEXT, "file: its path, from the trial's folder on"),
    SOURCE_WORD(take, aml_take_word, "last (default), best or first of several values"),
    {0}};

static size_t word_at(const char *(*word)(size_t i), const char *text) {
    size_t i = 0;
    while (text && word(i) && strcmp(word(i), text) != 0) i++;
    return text && word(i) ? i : 0;
}

static aml_status make_source(aml_metric_source *s, const aml_json *x, const source_values *v) {
    s->kind = v->pattern && !v->from ? AML_SOURCE_REGEX
              : v->path && !v->from  ? AML_SOURCE_FILE
                                     : (aml_source_kind)word_at(aml_source_word, v->from);
    s->take = (aml_take)word_at(aml_take_word, v->take);
    s->stream = (int)word_at(stream_word, v->stream);
    s->key = v->key ? v->key : s->name;
    s->step_key = v->step_key;
    s->path = v->path;
    s->group = v->group ? v->group : 1;
    s->step_group = v->step_group;
    bool regex = s->kind == AML_SOURCE_REGEX, file = s->kind == AML_SOURCE_FILE;
    if (regex != (v->pattern != NULL) || file != (v->path != NULL))
        return aml_fail_at(AML_ECONFIG, x->file, x->line, x->column, "the metric `%.64s` has %s",
                           s->name,
                           regex        ? "no `pattern`"
                           : file       ? "no `path`"
                           : v->pattern ? "a `pattern`, which only \"from\": \"regex\" has"
                                        : "a `path`, which only \"from\": \"file\" has");
    if (!regex) return AML_OK;
    aml_status status = aml_source_regex(s, v->pattern);
    aml_error e = *aml_last_error();
    if (status && !e.line) {
        aml_fail_at(status, x->file, x->line, x->column, "%s", e.message);
        if (*e.help) aml_help(status, e.why, "%s", e.help);
    }
    if (status) s->kind = AML_SOURCE_PRINTED; /* nothing to close */
    return status;
}

aml_status aml_sweep_source_text(aml_metric_source *source, const aml_json *x, const char *text,
                                 const aml_key_place *at) {
    source_values v = {0};
    const char *colon = strchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : strlen(text);
    v.from = aml_strndup(at->keep, text, length);
    if (!v.from) return AML_ENOMEM;
    size_t kind = word_at(aml_source_word, v.from);
    if (strcmp(aml_source_word(kind), v.from) != 0) {
        aml_json word = *x;
        word.type = AML_JSON_STRING;
        word.string = v.from;
        return aml_key_unknown(&word, false, "there is no source of metrics", aml_source_word);
    }
    if (kind == AML_SOURCE_REGEX) v.pattern = colon ? colon + 1 : NULL;
    else if (kind == AML_SOURCE_FILE) v.path = colon ? colon + 1 : NULL;
    else if (colon) v.key = colon + 1;
    return make_source(source, x, &v);
}

static aml_status read_metrics(void *to, const aml_json *x, const aml_key_place *at) {
    aml_sweep_plan *plan = to;
    aml_metric_source *list = AML_ARRAY(at->keep, x->size + 1, aml_metric_source);
    if (!list) return AML_ENOMEM;
    AML_TRY(aml_key_need(x, AML_JSON_OBJECT, at));
    plan->sources = list;
    for (const aml_json *m = x->child; m; m = m->next) {
        aml_key_place place = aml_key_member(at, m->name);
        aml_metric_source *s = &list[plan->n_sources];
        source_values v = {0};
        s->name = m->name;
        if (m->type == AML_JSON_STRING) {
            AML_TRY(aml_sweep_source_text(s, m, m->string, &place));
        } else {
            AML_TRY(aml_keys_read(&v, m, source_keys, &place));
            AML_TRY(make_source(s, m, &v));
        }
        plan->n_sources++;
    }
    return AML_OK;
}

static void metrics_schema(aml_string *s) {
    aml_string_put(
        s, "{\"type\":\"object\",\"additionalProperties\":{\"anyOf\":[{\"type\":\"string\"}");
    aml_keys_schema(s, source_keys);
    aml_string_put(s, "]}}");
}

/* ---- the tables */

#define AT(m) .member = offsetof(aml_sweep_plan, m)
#define TEXT(key, place, about) \
    { .name = key, .summary = about, .type = AML_KEY_TEXT, AT(place) }
#define VALUE(key, kind, place, about) \
    { .name = key, .summary = about, .type = AML_KEY_##kind, AT(place) }
#define COUNT(key, kind, place, least, most, about) \
    { .name = key, .summary = about, .type = AML_KEY_##kind, AT(place), .lo = least, .hi = most }
#define OWN(key, place, what, form, about)                                                  \
    {                                                                                       \
        .name = key, .summary = about, .type = AML_KEY_OWN, AT(place), .read = read_##what, \
        .schema = form##_schema                                                             \
    }
#define UNUSED(key, place) OWN(key, place, node, node, "Azure's; not used here")

static const aml_key limit_keys[] = {
    COUNT("max_total_trials", COUNT, max_total_trials, 1, 1e9, "trials to run"),
    COUNT("max_concurrent_trials", INT, max_concurrent_trials, 1, 1000,
          "trials side by side (default 1)"),
    VALUE("exit_score", REAL_AT, exit_score,
          "the sweep ends once a trial scores as well as this in the first objective"),
    COUNT("patience", COUNT, patience, 1, 1e9,
          "the sweep ends after so many trials in a row without a better one"),
    VALUE("timeout", SECONDS, timeout,
          "time for the sweep; what runs then is ended and run anew next time"),
    VALUE("trial_timeout", SECONDS, limits.wall, "time of a trial; what takes longer fails"),
    VALUE("trial_cpu_time", SECONDS, limits.cpu, "CPU time of a trial, all its processes together"),
    VALUE("trial_memory", BYTES, limits.memory, "memory of a trial, all its processes together"),
    VALUE("trial_address_space", BYTES, limits.address_space, "address space of each process"),
    COUNT("trial_processes", COUNT, limits.processes, 1, 1e6, "processes of a trial at once"),
    VALUE("trial_output", BYTES, limits.output,
          "bytes that a trial may print (default: no limit; its files stay small)"),
    VALUE("grace", SECONDS, limits.grace, "between SIGTERM and SIGKILL (default 5s)"),
    COUNT("max_failed_trials", COUNT, max_failed_trials, 1, 1e9,
          "the sweep ends when so many trials have failed (default: when the first 10 have)"),
    {0}};

static const aml_key trial_keys[] = {
    {.name = "command",
     .summary = "what a trial runs: a text or a list of words, with {name} for a parameter",
     .type = AML_KEY_OWN,
     AT(command),
     .read = read_command,
     .schema = command_schema,
     .required = true},
    VALUE("shell", FLAG, shell, "run the command, a text, by /bin/sh (default false)"),
    TEXT("code", code, "the folder that the command runs in (default: that of this file)"),
    OWN("working_folder", alone, folder, folder,
        "code (default), or trial: the trial's own folder"),
    OWN("environment_variables", variables, variables, variables,
        "names and values, with {name} in them too"),
    OWN("inherit_environment", bare, inherit, inherit, "also those of this process (default true)"),
    UNUSED("environment", environment),
    UNUSED("distribution", distribution),
    UNUSED("resources", trial_resources),
    {0}};

const aml_key aml_sweep_keys[] = {
    TEXT("$schema", schema, "the JSON Schema of sweeps, for editors"),
    {.name = "type", .summary = "sweep", .type = AML_KEY_TEXT, AT(type), .word = sweep_word},
    TEXT("name", name, "of the sweep (default: that of its file)"),
    TEXT("display_name", display_name, "for people"),
    TEXT("description", description, "what it is for"),
    TEXT("experiment_name", experiment_name,
         "what it belongs to, in the store too (default: the sweep's name)"),
    OWN("tags", tags, tags, tags, "names and values to find it by in the store"),
    TEXT("output", output, "the sweep's folder (default: NAME.sweep where it is started)"),
    TEXT("store", store,
         "the run store that gets it and its trials, beside this file (default: none)"),
    TEXT(
        "learn_from", learn_from,
        "a run store, beside this file: its ended sweeps of the same space and goal are where this "
        "one begins"),
    {.name = "search_space",
     .summary = "parameters and their distributions",
     .type = AML_KEY_OWN,
     AT(space),
     .read = read_node,
     .schema = space_schema,
     .required = true},
    OWN("initial_trials", initial, list, list,
        "parameters to begin with, a list of objects: those left out get their default"),
    OWN("constraints", constraints, node, constraints,
        "comparisons that every trial's parameters keep: \"batch * layers <= 1024\""),
    OWN("sampling_algorithm", sampler, node, sampler,
        "a name, or an object with type, seed, rule and the sampler's own parameters"),
    {.name = "objective",
     .summary = "primary_metric and goal; a list of several",
     .type = AML_KEY_OWN,
     AT(objective),
     .read = read_node,
     .schema = objective_schema,
     .required = true},
    {.name = "limits",
     .summary = "of the sweep and of each trial",
     .type = AML_KEY_OBJECT,
     .keys = limit_keys},
    OWN("early_termination", scheduler, node, sampler,
        "a name, or an object with type, evaluation_interval, delay_evaluation …"),
    {.name = "trial",
     .summary = "what is run",
     .type = AML_KEY_OBJECT,
     .keys = trial_keys,
     .required = true},
    {.name = "metrics",
     .summary = "where metrics come from, those of the objective and further ones",
     .type = AML_KEY_OWN,
     .read = read_metrics,
     .schema = metrics_schema},
    COUNT("retries", COUNT, retries, 0, 100,
          "how often a trial that failed is tried again (default 0)"),
    VALUE("reproducible", FLAG, reproducible,
          "trial k waits for the results of all trials before k - max_concurrent_trials, so that a "
          "sweep "
          "gives the same trials every time (default false)"),
    VALUE("seed", SEED, seed, "of all random choices (default 0)"),
    VALUE("log_size", BYTES, log_size,
          "of a trial's stdout and stderr that is kept (default 1M each)"),
    OWN("inputs", inputs, inputs, inputs, "values and paths for ${{inputs.name}}"),
    OWN("outputs", outputs, outputs, outputs, "folders of each trial for ${{outputs.name}}"),
    UNUSED("compute", compute),
    UNUSED("identity", identity),
    UNUSED("resources", resources),
    UNUSED("queue_settings", queue_settings),
    {0}};
