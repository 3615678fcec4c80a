/* tuner_parts.c: what a tuner is made of: space, sampler, scheduler and goals, as JSON or as short texts. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "automl/core/call.h"
#include "automl/core/json_param.h"
#include "automl/engine/catalog.h"
#include "automl/tune/tuner.h"

static aml_status wrong(const aml_json *at, const char *help, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static aml_status wrong(const aml_json *at, const char *help, const char *format, ...) {
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    aml_fail_at(AML_ECONFIG, at->file, at->line, at->column, "%s", text);
    return help ? aml_help(AML_ECONFIG, NULL, "%s", help) : AML_ECONFIG;
}

/* ---- samplers and schedulers ---- */

typedef struct plug_in {
    const char *what, *name;
    const aml_param *params;
    const void *it;
} plug_in;

static const char *const sampler_aliases[][2] = {{"bayesian", "bayes"}, {"gp", "bayes"}};

static plug_in sampler_at(size_t i) {
    const aml_sampler *s = aml_samplers()[i];
    return s ? (plug_in){"sampler", s->name, s->params, s} : (plug_in){0};
}

static plug_in scheduler_at(size_t i) {
    const aml_scheduler *s = aml_schedulers()[i];
    return s ? (plug_in){"scheduler", s->name, s->params, s} : (plug_in){0};
}

/* Schedulers that judge folds alone have no place here. */
static bool is_usable(const plug_in *p) {
    const aml_scheduler *s = p->it;
    return strcmp(p->what, "scheduler") != 0 || s->keep_step || !strcmp(p->name, "none");
}

static aml_status find(plug_in *out, plug_in (*at)(size_t), const char *name, const aml_json *x) {
    const char *names[64];
    char help[512] = "they are ", shown[256];
    size_t n = 0, k = strlen(help);
    for (size_t i = 0; i < sizeof sampler_aliases / sizeof *sampler_aliases; i++)
        if (at == sampler_at && !strcmp(sampler_aliases[i][0], name)) name = sampler_aliases[i][1];
    for (size_t i = 0; at(i).it && n < 64; i++) {
        plug_in p = at(i);
        if (!is_usable(&p)) continue;
        *out = p;
        if (!strcmp(p.name, name)) return AML_OK;
        names[n++] = p.name;
        if (k < sizeof help)
            k += (size_t)snprintf(help + k, sizeof help - k, "%s%s", n > 1 ? ", " : "", p.name);
    }
    const char *near = aml_nearest(name, names, n);
    if (near) snprintf(help, sizeof help, "did you mean `%s`?", near);
    aml_printable(shown, sizeof shown, name, strlen(name), 60);
    return wrong(x, help, "there is no %s `%s`", at(0).what, shown);
}

/* A name, or {"type": name, its parameters}; keys that are not parameters of it are left to `other`. */
static aml_status read_plug_in(plug_in *out, double *hp, const aml_json *x, plug_in (*at)(size_t),
                               aml_status (*other)(bool *taken, aml_tuner *t, const aml_json *key),
                               aml_tuner *t) {
    const aml_json *type = x->type == AML_JSON_OBJECT ? aml_json_find(x, "type") : x;
    aml_key_place place = {.keep = t->arena, .path = ""};
    if (!type || type->type != AML_JSON_STRING)
        return wrong(x, "{\"type\": \"…\"}, or the name alone", "a %s needs its type", at(0).what);
    AML_TRY(find(out, at, type->string, type));
    aml_params_defaults(hp, out->params);
    for (const aml_json *k = x->type == AML_JSON_OBJECT ? x->child : NULL; k; k = k->next) {
        bool taken = k == type;
        size_t i;
        if (!taken && other) AML_TRY(other(&taken, t, k));
        if (taken) continue;
        char owner[80];
        snprintf(owner, sizeof owner, "the %s %s", out->what, out->name);
        if (!out->params)
            return wrong(k, NULL, "%s has no parameters, such as `%.60s`", owner, k->name);
        AML_TRY(aml_json_param_find(&i, k, out->params, owner));
        AML_TRY(aml_json_param(&hp[i], k, &out->params[i], &place));
    }
    return AML_OK;
}

/* Azure's further keys of {"type": "random"}. */
static aml_status read_sampler_key(bool *taken, aml_tuner *t, const aml_json *k) {
    int64_t seed;
    if (!strcmp(k->name, "seed")) {
        if (k->type != AML_JSON_NUMBER || !aml_parse_int64(&seed, k->string, strlen(k->string)))
            return wrong(k, NULL, "`seed` must be an integer");
        t->seed = (uint64_t)seed;
        *taken = true;
    } else if (!strcmp(k->name, "rule")) {
        bool sobol = k->type == AML_JSON_STRING && !strcmp(k->string, "sobol");
        if (!sobol && (k->type != AML_JSON_STRING || strcmp(k->string, "random") != 0))
            return wrong(k, NULL, "`rule` is random or sobol");
        if (sobol) t->sampler = aml_sampler_find("sobol");
        *taken = true;
    }
    return AML_OK;
}

static aml_status read_sampler(aml_tuner *t, const aml_json *x) {
    plug_in p;
    t->sampler = NULL;
    AML_TRY(read_plug_in(&p, t->sampler_hp, x, sampler_at, read_sampler_key, t));
    if (!t->sampler) t->sampler = p.it;
    else if (strcmp(p.name, "random") != 0)
        return wrong(x, NULL, "`rule` belongs to the sampler random");
    return AML_OK;
}

static aml_status read_scheduler(aml_tuner *t, const aml_json *x) {
    plug_in p;
    AML_TRY(read_plug_in(&p, t->scheduler_hp, x, scheduler_at, NULL, t));
    t->scheduler = p.it;
    if (t->scheduler->check) {
        const char *what = t->scheduler->check(t->scheduler_hp);
        if (what) return wrong(x, NULL, "the scheduler %s: %s", p.name, what);
    }
    return AML_OK;
}

/* ---- goals ---- */

static aml_status add_goal(aml_tuner *t, const aml_json *at, const char *name, bool maximize) {
    for (size_t g = 0; g < t->n_goals; g++)
        if (!strcmp(t->goals[g].name, name))
            return wrong(at, NULL, "there are two goals `%.80s`", name);
    if (t->n_goals == AML_MOST_GOALS)
        return wrong(at, NULL, "there are more than %d goals", AML_MOST_GOALS);
    t->goals[t->n_goals].name = aml_strdup(t->arena, name);
    t->goals[t->n_goals].maximize = maximize;
    return t->goals[t->n_goals++].name ? AML_OK : AML_ENOMEM;
}

static aml_status read_direction(bool *maximize, const aml_json *at, const char *word) {
    static const char *const words[] = {"minimize", "maximize", "minimise",
                                        "maximise", "min",      "max"};
    for (size_t i = 0; i < 6; i++) {
        *maximize = i % 2;
        if (!strcmp(word, words[i])) return AML_OK;
    }
    return wrong(at, NULL, "a goal is to minimize or to maximize, not to `%.60s`", word);
}

/* "minimize loss, maximize:accuracy"; a name alone is to be minimized. */
static aml_status read_goals_text(aml_tuner *t, const aml_json *at) {
    const char *item;
    size_t size, next = 0, n = strlen(at->string);
    while (aml_next_item(&item, &size, &next, at->string, n, ',')) {
        const char *blank = memchr(item, ' ', size), *colon = memchr(item, ':', size);
        if (colon && (!blank || colon < blank)) blank = colon;
        bool maximize = false;
        char *first = aml_strndup(t->arena, item, blank ? (size_t)(blank - item) : size);
        if (!first) return AML_ENOMEM;
        if (!blank) {
            AML_TRY(add_goal(t, at, first, false));
            continue;
        }
        size_t skip = (size_t)(blank - item);
        while (skip < size && strchr(" :", item[skip])) skip++;
        AML_TRY(read_direction(&maximize, at, first));
        char *name = aml_strndup(t->arena, item + skip, size - skip);
        if (!name) return AML_ENOMEM;
        AML_TRY(add_goal(t, at, name, maximize));
    }
    return t->n_goals ? AML_OK : wrong(at, "such as minimize loss", "there is no goal");
}

static aml_status read_goals(aml_tuner *t, const aml_json *x) {
    if (x->type == AML_JSON_STRING) return read_goals_text(t, x);
    if (x->type == AML_JSON_ARRAY) {
        for (const aml_json *g = x->child; g; g = g->next) AML_TRY(read_goals(t, g));
        return t->n_goals ? AML_OK : wrong(x, NULL, "the list of goals is empty");
    }
    static const char *const keys[] = {"goal", "primary_metric"};
    const char *goal = "minimize", *metric = NULL;
    for (const aml_json *k = x->child; k; k = k->next) {
        if (strcmp(k->name, keys[0]) != 0 && strcmp(k->name, keys[1]) != 0)
            return aml_key_unknown_of(k, true, "unknown key", keys, 2);
        if (k->type != AML_JSON_STRING) return wrong(k, NULL, "`%s` must be a text", k->name);
        if (k->name[0] == 'g') goal = k->string;
        else metric = k->string;
    }
    bool maximize;
    if (x->type != AML_JSON_OBJECT || !metric)
        return wrong(x, NULL, "a goal is {\"goal\": \"minimize\", \"primary_metric\": \"loss\"}");
    AML_TRY(read_direction(&maximize, x, goal));
    return add_goal(t, x, metric, maximize);
}

/* ---- the first line of the file, which holds all that ---- */

static aml_status make_header(aml_tuner *t, const aml_tuner_parts *parts) {
    aml_string s = {0};
    aml_string_put(&s, "{");
    aml_json_add_number(&s, "automl_tuner", 1);
    aml_json_add(&s, "space", parts->space);
    aml_json_add(&s, "constraints", parts->constraints);
    aml_json_add(&s, "sampler", parts->sampler);
    aml_json_add(&s, "scheduler", parts->scheduler);
    aml_json_add(&s, "goals", parts->goals);
    aml_string_printf(&s, ",\"seed\":%lld", (long long)(int64_t)t->seed);
    aml_json_add_number(&s, "concurrency", (double)t->concurrency);
    aml_json_add_number(&s, "trials", (double)t->planned);
    aml_json_key(&s, "in_order");
    aml_string_put(&s, t->in_order ? "true}" : "false}");
    t->header = s.failed ? NULL : aml_strdup(t->arena, s.text);
    aml_string_free(&s);
    return t->header ? AML_OK : AML_ENOMEM;
}

static const aml_json *part(aml_json **parsed, const char *header, const char *name,
                            aml_arena *scratch) {
    if (!*parsed && aml_json_parse(parsed, scratch, header, strlen(header), "", 0, AML_EDATA))
        return NULL;
    return aml_json_find(*parsed, name);
}

bool aml_tuner_same_search(const char *a, const char *b, aml_arena *scratch) {
    static const char *const names[] = {"space", "constraints", "goals"};
    aml_json *in_a = NULL, *in_b = NULL;
    bool same = true;
    for (size_t i = 0; i < 3 && same; i++) {
        aml_string x = {0}, y = {0};
        aml_json_add(&x, names[i], part(&in_a, a, names[i], scratch));
        aml_json_add(&y, names[i], part(&in_b, b, names[i], scratch));
        same = x.length == y.length && (!x.length || !memcmp(x.text, y.text, x.length));
        aml_string_free(&x);
        aml_string_free(&y);
    }
    return same;
}

/* ---- */

static aml_status read_space(aml_tuner *t, const aml_tuner_parts *parts) {
    aml_user_space *space;
    const aml_json *x = parts->space, *rules = parts->constraints;
    if (!x) return aml_fail(AML_EINVAL, "a tuner needs a search space");
    if (x->type != AML_JSON_STRING && (!rules || rules->type != AML_JSON_STRING)) {
        AML_TRY(aml_user_space_read(&space, x, rules, x->file, t->arena));
    } else {
        aml_string text = {0}, list = {0};
        if (x->type == AML_JSON_STRING) aml_string_put(&text, x->string);
        else aml_json_put(&text, x);
        if (rules && rules->type == AML_JSON_STRING) aml_string_put(&list, rules->string);
        else if (rules) aml_json_put(&list, rules);
        aml_status status = text.failed || list.failed
                                ? AML_ENOMEM
                                : aml_user_space_parse(&space, text.text, list.text, t->arena);
        aml_string_free(&text);
        aml_string_free(&list);
        AML_TRY(status);
    }
    t->space = space;
    return AML_OK;
}

aml_status aml_tuner_read_parts(aml_tuner *t, const aml_tuner_parts *parts) {
    t->seed = parts->seed;
    t->concurrency = parts->concurrency ? parts->concurrency : 1;
    t->planned = parts->trials;
    t->in_order = parts->in_order;
    t->n_goals = 0;
    t->sampler = aml_sampler_find("auto");
    t->scheduler = aml_scheduler_find("none");
    AML_TRY(read_space(t, parts));
    if (parts->sampler) AML_TRY(read_sampler(t, parts->sampler));
    if (parts->scheduler) AML_TRY(read_scheduler(t, parts->scheduler));
    AML_TRY(parts->goals ? read_goals(t, parts->goals)
                         : add_goal(t, &(aml_json){.file = ""}, "value", false));
    return make_header(t, parts);
}

/* A text of the options as JSON: as it is when it begins with a bracket, else a text. */
static aml_status node_of(const aml_json **out, const char *text, const char *what,
                          aml_arena *keep) {
    *out = NULL;
    if (!text) return AML_OK;
    char first = text[strspn(text, " \t\r\n")];
    if (first == '{' || first == '[' || first == '/') {
        aml_json *parsed;
        AML_TRY(aml_json_parse(&parsed, keep, text, strlen(text), what, AML_JSON_COMMENTS,
                               AML_ECONFIG));
        *out = parsed;
        return AML_OK;
    }
    aml_json *node = AML_NEW(keep, aml_json);
    if (!node) return AML_ENOMEM;
    *node = (aml_json){.type = AML_JSON_STRING,
                       .string = aml_strdup(keep, text),
                       .line = 1,
                       .column = 1,
                       .file = what};
    *out = node;
    return node->string ? AML_OK : AML_ENOMEM;
}

aml_status aml_tuner_read_options(aml_tuner *t, const aml_tuner_options *options) {
    aml_tuner_options o;
    AML_TRY(aml_call_options(&o, sizeof o, options, "aml_tuner_options"));
    if (!o.space) return aml_fail(AML_EINVAL, "a tuner needs a search space");
    aml_tuner_parts parts = {
        .seed = o.seed, .concurrency = o.concurrency, .trials = o.trials, .in_order = o.in_order};
    AML_TRY(node_of(&parts.space, o.space, "search space", t->arena));
    AML_TRY(node_of(&parts.constraints, o.constraints, "constraints", t->arena));
    AML_TRY(node_of(&parts.sampler, o.sampler, "sampler", t->arena));
    AML_TRY(node_of(&parts.scheduler, o.scheduler, "scheduler", t->arena));
    AML_TRY(node_of(&parts.goals, o.goals, "goals", t->arena));
    return aml_tuner_read_parts(t, &parts);
}
