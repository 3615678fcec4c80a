/* sweep_plan.c: SWEEP.json and options become a plan. */
#include "automl/tune/sweep_plan.h"

#include <string.h>

#include "automl/core/io.h"

enum { MAX_FILE = 16 << 20 };

/* ---- the file */

static aml_status read_document(aml_sweep_plan *plan, const char *path, aml_arena *keep) {
    char *text;
    size_t size;
    aml_json *root;
    AML_TRY(aml_read_file(&text, &size, path, MAX_FILE, NULL));
    aml_status status =
        aml_json_parse(&root, keep, text, size, path, AML_JSON_COMMENTS, AML_ECONFIG);
    aml_free(text);
    if (status) return status;
    const aml_key_place at = {.keep = keep, .path = "", .root = aml_sweep_keys};
    return aml_keys_read(plan, root, aml_sweep_keys, &at);
}

static aml_status place_file(aml_sweep_plan *plan, const char *path, aml_arena *keep) {
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t n = strlen(base);
    if (n > 5 && !strcmp(base + n - 5, ".json")) n -= 5;
    plan->file = aml_strdup(keep, path);
    plan->origin = slash ? aml_strndup(keep, path, (size_t)(slash - path) + (slash == path)) : ".";
    if (!plan->name) plan->name = aml_strndup(keep, base, n);
    const char **beside[] = {&plan->store, &plan->learn_from};
    for (size_t i = 0; i < 2 && plan->origin; i++)
        if (*beside[i] && **beside[i] != '/' &&
            !(*beside[i] = aml_printf(keep, "%s/%s", plan->origin, *beside[i])))
            return AML_ENOMEM;
    return plan->file && plan->origin && plan->name ? AML_OK : AML_ENOMEM;
}

/* ---- the options */

/* A text as if it stood in a file; `option` names its place in messages. */
static const aml_json *text_node(const char *text, const char *option, aml_arena *keep) {
    aml_json *x = AML_NEW(keep, aml_json);
    char *copy = aml_strdup(keep, text);
    if (!x || !copy) return NULL;
    *x = (aml_json){.type = AML_JSON_STRING, .string = copy, .file = option};
    return x;
}

static aml_status set_node(const aml_json **to, const char *text, const char *option,
                           aml_arena *keep) {
    if (!text) return AML_OK;
    size_t n = strspn(text, " \t\n");
    if (text[n] == '{' || text[n] == '[') {
        aml_json *root;
        AML_TRY(aml_json_parse(&root, keep, text, strlen(text), option, AML_JSON_COMMENTS,
                               AML_ECONFIG));
        *to = root;
        return AML_OK;
    }
    *to = text_node(text, option, keep);
    return *to ? AML_OK : AML_ENOMEM;
}

static aml_status copy_words(aml_sweep_plan *plan, const char *const *words, aml_arena *keep) {
    size_t n = 0;
    while (words[n]) n++;
    const char **list = AML_ARRAY(keep, n + 1, const char *);
    for (size_t i = 0; list && i < n; i++)
        if (!(list[i] = aml_strdup(keep, words[i]))) return AML_ENOMEM;
    plan->words = list;
    return list ? AML_OK : AML_ENOMEM;
}

static aml_status add_metric(aml_sweep_plan *plan, const char *text, aml_arena *keep) {
    const char *equals = strchr(text, '=');
    const aml_key_place at = {.keep = keep, .path = "--metric"};
    const aml_json *x = text_node(text, "--metric", keep);
    size_t i = 0;
    if (!x) return AML_ENOMEM;
    if (!equals || equals == text || !equals[1]) {
        aml_fail(AML_EUSAGE, "`%.80s` is not a metric and its source", text);
        return aml_help(AML_EUSAGE, NULL,
                        "write it as NAME=SOURCE: 'loss=regex:loss is ([0-9.]+)'");
    }
    const char *name = aml_strndup(keep, text, (size_t)(equals - text));
    if (!name) return AML_ENOMEM;
    AML_TRY(aml_sweep_source_for(&i, plan, name, keep));
    aml_source_close(&plan->sources[i]);
    plan->sources[i] = (aml_metric_source){.name = name, .key = name};
    return aml_sweep_source_text(&plan->sources[i], x, equals + 1, &at);
}

/* "minimize:loss" is as good as "minimize loss". */
static aml_status set_goals(aml_sweep_plan *plan, const char *text, aml_arena *keep) {
    static const char *const words[] = {"minimize:", "maximize:"};
    char *copy = text ? aml_strdup(keep, text) : NULL;
    if (text && !copy) return AML_ENOMEM;
    for (size_t i = 0; copy && i < 2; i++)
        for (char *s = copy; (s = strstr(s, words[i]));) s[8] = ' ';
    return set_node(&plan->objective, copy, "--goal", keep);
}

static aml_status take_options(aml_sweep_plan *p, const aml_sweep_options *o, aml_arena *keep) {
    AML_TRY(set_node(&p->space, o->space, "--space", keep));
    AML_TRY(set_node(&p->constraints, o->constraints, "--constraints", keep));
    AML_TRY(set_node(&p->sampler, o->sampler, "--sampler", keep));
    AML_TRY(set_node(&p->scheduler, o->scheduler, "--early-termination", keep));
    AML_TRY(set_goals(p, o->goals, keep));
    if (o->command) AML_TRY(copy_words(p, o->command, keep));
    for (size_t i = 0; o->metrics && o->metrics[i]; i++)
        AML_TRY(add_metric(p, o->metrics[i], keep));
    if (o->name && !(p->name = aml_strdup(keep, o->name))) return AML_ENOMEM;
    if (o->output && !(p->output = aml_strdup(keep, o->output))) return AML_ENOMEM;
    if (o->store && !(p->store = aml_strdup(keep, o->store))) return AML_ENOMEM;
    if (o->learn_from && !(p->learn_from = aml_strdup(keep, o->learn_from))) return AML_ENOMEM;
    if (o->seed) p->seed = *o->seed;
    if (o->shell) p->shell = true;
    if (o->trials) p->max_total_trials = o->trials;
    if (o->retries) p->retries = o->retries;
    if (o->max_failed_trials) p->max_failed_trials = o->max_failed_trials;
    if (o->max_concurrent_trials) p->max_concurrent_trials = o->max_concurrent_trials;
    if (o->patience) p->patience = o->patience;
    if (o->exit_score && !(p->exit_score = aml_copy(keep, o->exit_score, sizeof *o->exit_score)))
        return AML_ENOMEM;
    if (o->time_limit > 0) p->timeout = o->time_limit;
    if (o->trial_timeout > 0) p->limits.wall = o->trial_timeout;
    if (o->trial_cpu_limit > 0) p->limits.cpu = o->trial_cpu_limit;
    if (o->trial_memory_limit) p->limits.memory = o->trial_memory_limit;
    return AML_OK;
}

/* ---- sources that nobody named */

aml_status aml_sweep_source_for(size_t *index, aml_sweep_plan *plan, const char *name,
                                aml_arena *keep) {
    for (*index = 0; *index < plan->n_sources; ++*index)
        if (!strcmp(plan->sources[*index].name, name)) return AML_OK;
    aml_metric_source *list = AML_ARRAY(keep, plan->n_sources + 1, aml_metric_source);
    if (!list) return AML_ENOMEM;
    if (plan->n_sources) memcpy(list, plan->sources, plan->n_sources * sizeof *list);
    list[plan->n_sources] = (aml_metric_source){.name = name, .key = name};
    for (size_t i = AML_SOURCE_EXIT_STATUS; i <= AML_SOURCE_PEAK_MEMORY; i++)
        if (!strcmp(aml_source_word(i), name)) list[plan->n_sources].kind = (aml_source_kind)i;
    plan->sources = list;
    plan->n_sources++;
    return AML_OK;
}

/* ---- all of it */

static aml_status check(aml_sweep_plan *p, const aml_sweep_options *o, aml_arena *keep) {
    if (o->path && o->command) {
        aml_fail(AML_EUSAGE, "the command is given twice: in %s and on the command line", o->path);
        return aml_help(AML_EUSAGE, NULL, "leave out one of them");
    }
    if (!p->space || (!p->command && !p->words)) {
        aml_fail(AML_EUSAGE, "a sweep needs %s", !p->space ? "a search space" : "a command");
        return aml_help(
            AML_EUSAGE, NULL,
            "automl tune SWEEP.json, or automl tune --space 'lr=loguniform(1e-4,1e-1)' --goal "
            "minimize:loss -- COMMAND --lr {lr}");
    }
    if (!p->objective) {
        aml_fail(AML_EUSAGE, "a sweep needs a goal");
        return aml_help(AML_EUSAGE, NULL,
                        "--goal minimize:NAME, where the command prints NAME=value");
    }
    if (!p->name) p->name = "tune";
    if (!p->max_concurrent_trials) p->max_concurrent_trials = 1;
    if (!p->output) p->output = aml_printf(keep, "%s.sweep", p->name);
    if (!p->output) return AML_ENOMEM;
    if (!*p->name || strchr(p->name, '/'))
        return aml_fail(AML_ECONFIG, "the sweep's name `%.80s` is not a name for a folder",
                        p->name);
    return AML_OK;
}

aml_status aml_sweep_plan_read(aml_sweep_plan *out, const aml_sweep_options *options,
                               aml_arena *keep) {
    *out = (aml_sweep_plan){.origin = "."};
    if (options->path) AML_TRY(read_document(out, options->path, keep));
    if (options->path) AML_TRY(place_file(out, options->path, keep));
    AML_TRY(take_options(out, options, keep));
    return check(out, options, keep);
}

void aml_sweep_plan_close(aml_sweep_plan *plan) {
    for (size_t i = 0; i < plan->n_sources; i++) aml_source_close(&plan->sources[i]);
}
