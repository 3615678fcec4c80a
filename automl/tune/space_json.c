/* space_json.c: a search space as JSON, and configurations as JSON. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "automl/tune/expression.h"
#include "automl/tune/space.h"

static aml_status read_space(aml_space_maker *m, const aml_json *object, int parent, double when);

static aml_definition definition_at(const aml_json *x, int parent, double when) {
    return (aml_definition){
        .name = x->name, .line = x->line, .column = x->column, .parent = parent, .when = when};
}

/* A plain value as text, NULL for lists, objects and null. */
static const char *text_of(const aml_json *x) {
    switch (x->type) {
    case AML_JSON_TRUE: return "true";
    case AML_JSON_FALSE: return "false";
    case AML_JSON_NUMBER:
    case AML_JSON_STRING: return x->string;
    default: return NULL;
    }
}

/* ---- values of a choice ---- */

static aml_status add_value(aml_definition *d, const aml_space_maker *m, const aml_json *x) {
    const aml_json *plain = x->type == AML_JSON_OBJECT ? aml_json_find(x, "value") : x;
    const char *text = plain ? text_of(plain) : NULL;
    aml_definition at = *d;
    at.line = x->line;
    at.column = x->column;
    for (const aml_json *k = x->type == AML_JSON_OBJECT ? x->child : NULL; k; k = k->next)
        if (strcmp(k->name, "value") != 0 && strcmp(k->name, "space") != 0)
            return aml_space_wrong(m, &at, "the keys are value and space",
                                   "parameter `%s`: unknown key `%.80s`", d->name, k->name);
    if (!text)
        return aml_space_wrong(m, &at, "{\"value\": V, \"space\": {…}} has parameters below it",
                               "parameter `%s`: a value is a text, a number, true or false",
                               d->name);
    d->values[d->n_values] = text;
    d->types[d->n_values++] = plain->type;
    return AML_OK;
}

static aml_status read_values(aml_definition *d, const aml_space_maker *m, const aml_json *list) {
    size_t n = list->type == AML_JSON_ARRAY ? list->size : 1;
    d->values = AML_ARRAY(m->keep, n + 1, const char *);
    d->types = AML_ARRAY(m->keep, n + 1, aml_json_type);
    if (!d->values || !d->types) return AML_ENOMEM;
    if (list->type != AML_JSON_ARRAY) return add_value(d, m, list);
    for (const aml_json *x = list->child; x; x = x->next) AML_TRY(add_value(d, m, x));
    return AML_OK;
}

/* The spaces below the values of the choice that was added last. */
static aml_status read_below(aml_space_maker *m, const aml_json *list, int choice) {
    double value = 0;
    if (!list || list->type != AML_JSON_ARRAY) return AML_OK;
    for (const aml_json *x = list->child; x; x = x->next, value++) {
        const aml_json *below = x->type == AML_JSON_OBJECT ? aml_json_find(x, "space") : NULL;
        if (!below) continue;
        aml_definition at = definition_at(below, choice, value);
        if (below->type != AML_JSON_OBJECT)
            return aml_space_wrong(m, &at, NULL, "`space` is an object of parameters");
        AML_TRY(read_space(m, below, choice, value));
    }
    return AML_OK;
}

/* ---- keys of a parameter ---- */

static const struct key_name {
    const char *name;
    int key;
} number_keys[] = {
    {"min_value", AML_RANGE_MIN}, {"max_value", AML_RANGE_MAX}, {"min", AML_RANGE_MIN},
    {"max", AML_RANGE_MAX},       {"q", AML_RANGE_Q},           {"mu", AML_RANGE_MU},
    {"sigma", AML_RANGE_SIGMA},   {"upper", AML_RANGE_UPPER},   {"step", AML_RANGE_STEP}};
enum { N_NUMBER_KEYS = sizeof number_keys / sizeof *number_keys };
static const char *const other_keys[] = {"type", "values", "value", "log", "default", "when"};

/* {"booster": "dart"}, or {"booster": ["dart", "goss"]}. */
static aml_status read_condition(aml_definition *d, const aml_space_maker *m, const aml_json *x) {
    const aml_json *of = x->type == AML_JSON_OBJECT && x->size == 1 ? x->child : NULL;
    const aml_json *first = of && of->type == AML_JSON_ARRAY ? of->child : of;
    size_t n = 0, most = of && of->type == AML_JSON_ARRAY ? of->size : 1;
    const char **values = AML_ARRAY(m->keep, most + 1, const char *);
    if (!values) return AML_ENOMEM;
    for (const aml_json *v = first; v && n < most; v = v->next)
        if ((values[n] = text_of(v))) n++;
    if (!of || n < most)
        return aml_space_wrong(m, d, "write {\"booster\": \"dart\"}, or a list of values",
                               "parameter `%s`: `when` is an object of one parameter and its value",
                               d->name);
    return aml_space_condition(d, m, of->name, values, n);
}

static aml_status unknown_key(const aml_space_maker *m, const aml_definition *d, const char *key) {
    const char *names[N_NUMBER_KEYS + 6];
    char help[200] = "the keys are type, values, min_value, max_value, q, mu, sigma, upper, min, "
                     "max, step, log, value, default and when";
    for (size_t i = 0; i < N_NUMBER_KEYS; i++) names[i] = number_keys[i].name;
    memcpy(names + N_NUMBER_KEYS, other_keys, sizeof other_keys);
    const char *near = aml_nearest(key, names, N_NUMBER_KEYS + 6);
    if (near) snprintf(help, sizeof help, "did you mean `%s`?", near);
    return aml_space_wrong(m, d, help, "parameter `%s`: unknown key `%.80s`", d->name, key);
}

static aml_status read_key(aml_definition *d, const aml_space_maker *m, const aml_json *x) {
    aml_definition at = *d;
    at.line = x->line;
    at.column = x->column;
    for (size_t i = 0; i < N_NUMBER_KEYS; i++) {
        if (strcmp(x->name, number_keys[i].name) != 0) continue;
        if (x->type != AML_JSON_NUMBER)
            return aml_space_wrong(m, &at, NULL, "parameter `%s`: `%s` must be a number", d->name,
                                   x->name);
        if (d->given[number_keys[i].key])
            return aml_space_wrong(m, &at, "leave one of them out",
                                   "parameter `%s`: `%s` says again what another key said", d->name,
                                   x->name);
        d->number[number_keys[i].key] = x->number;
        d->given[number_keys[i].key] = true;
        return AML_OK;
    }
    if (!strcmp(x->name, "type")) return AML_OK;
    if (!strcmp(x->name, "values") || !strcmp(x->name, "value")) return read_values(d, m, x);
    if (!strcmp(x->name, "default")) {
        d->fallback = text_of(x);
        return d->fallback ? AML_OK
                           : aml_space_wrong(m, &at, NULL,
                                             "parameter `%s`: `default` must be a value", d->name);
    }
    if (!strcmp(x->name, "log")) {
        d->log = x->type == AML_JSON_TRUE;
        return d->log || x->type == AML_JSON_FALSE
                   ? AML_OK
                   : aml_space_wrong(m, &at, NULL, "parameter `%s`: `log` is true or false",
                                     d->name);
    }
    if (!strcmp(x->name, "when")) return AML_OK;
    return unknown_key(m, &at, x->name);
}

static aml_status read_object(aml_space_maker *m, aml_definition *d, const aml_json *x) {
    const aml_json *type = aml_json_find(x, "type"), *list = aml_json_find(x, "values"),
                   *when = aml_json_find(x, "when");
    if (!type || type->type != AML_JSON_STRING)
        return aml_space_wrong(m, d,
                               "such as {\"type\": \"uniform\", \"min_value\": 0, "
                               "\"max_value\": 1}",
                               "parameter `%s` has no type", d->name);
    d->type = type->string;
    for (const aml_json *k = x->child; k; k = k->next) AML_TRY(read_key(d, m, k));
    if (when) AML_TRY(read_condition(d, m, when));
    AML_TRY(aml_space_add(m, d));
    return read_below(m, list, (int)m->n - 1);
}

static aml_status read_space(aml_space_maker *m, const aml_json *object, int parent, double when) {
    for (const aml_json *x = object->child; x; x = x->next) {
        aml_definition d = definition_at(x, parent, when);
        if (x->type == AML_JSON_OBJECT) {
            AML_TRY(read_object(m, &d, x));
            continue;
        }
        if (x->type != AML_JSON_ARRAY && !text_of(x))
            return aml_space_wrong(m, &d, NULL, "parameter `%s` is null", x->name);
        d.type = x->type == AML_JSON_ARRAY ? "choice" : "constant";
        AML_TRY(read_values(&d, m, x));
        AML_TRY(aml_space_add(m, &d));
        if (x->type == AML_JSON_ARRAY) AML_TRY(read_below(m, x, (int)m->n - 1));
    }
    return AML_OK;
}

aml_status aml_user_space_rules(aml_user_space *s, const aml_json *list, const char *file,
                                aml_arena *keep) {
    size_t n = 0;
    if (list->type != AML_JSON_ARRAY)
        return aml_fail_at(AML_ECONFIG, file, list->line, list->column,
                           "constraints are a list of texts");
    aml_rule *rules = AML_ARRAY(keep, list->size + 1, aml_rule);
    if (!rules) return AML_ENOMEM;
    for (const aml_json *x = list->child; x; x = x->next) {
        if (x->type != AML_JSON_STRING)
            return aml_fail_at(AML_ECONFIG, file, x->line, x->column,
                               "a constraint is a text: \"batch_size * layers <= 1024\"");
        rules[n++] =
            (aml_rule){.text = x->string, .file = file, .line = x->line, .column = x->column + 1};
    }
    return aml_rules_set(&s->space, rules, n, keep);
}

aml_status aml_user_space_read(aml_user_space **out, const aml_json *space,
                               const aml_json *constraints, const char *file, aml_arena *keep) {
    aml_space_maker m = {.keep = keep, .file = file};
    if (space->type != AML_JSON_OBJECT)
        return aml_fail_at(AML_ECONFIG, file, space->line, space->column,
                           "a search space is an object of parameters");
    AML_TRY(read_space(&m, space, -1, 0));
    AML_TRY(aml_space_finish(out, &m));
    return constraints ? aml_user_space_rules(*out, constraints, file, keep) : AML_OK;
}

/* ---- configurations ---- */

static void write_value(aml_string *out, const aml_user_space *s, size_t i, double x) {
    const aml_param *p = s->space.dims[i].param;
    aml_json_key(out, s->space.dims[i].name);
    if (p->kind == AML_CHOICE && s->types[i][(size_t)x] == AML_JSON_STRING)
        aml_json_put_string(out, p->choices[(size_t)x]);
    else aml_param_write(out, p, x);
}

void aml_user_space_write(aml_string *out, const aml_user_space *s, const double *config) {
    aml_string_put(out, "{");
    for (size_t i = 0; i < s->space.n; i++)
        if (!isnan(config[i])) write_value(out, s, i, config[i]);
    aml_string_put(out, "}");
}

static aml_status unknown_name(const aml_user_space *s, const aml_json *x, const char *file) {
    const char *names[256];
    size_t n = s->space.n < 256 ? s->space.n : 256;
    for (size_t i = 0; i < n; i++) names[i] = s->space.dims[i].name;
    const char *near = aml_nearest(x->name, names, n);
    aml_fail_at(AML_ECONFIG, file, x->line, x->column,
                "there is no parameter `%.80s` with these values of the others", x->name);
    return near ? aml_help(AML_ECONFIG, NULL, "did you mean `%s`?", near) : AML_ECONFIG;
}

aml_status aml_user_space_config(double *config, const aml_user_space *s, const aml_json *object,
                                 const char *file) {
    size_t used = 0;
    if (object->type != AML_JSON_OBJECT)
        return aml_fail_at(AML_ECONFIG, file, object->line, object->column,
                           "parameters are an object: {\"lr\": 0.1}");
    for (size_t i = 0; i < s->space.n; i++) {
        const aml_dim *d = &s->space.dims[i];
        const aml_json *x = aml_json_find(object, d->name);
        config[i] = NAN;
        if (!aml_space_live(&s->space, config, i)) continue;
        config[i] = d->param->fallback;
        if (!x) continue;
        const char *text = text_of(x);
        if (!text)
            return aml_fail_at(AML_ECONFIG, file, x->line, x->column, "`%s` must be a plain value",
                               d->name);
        AML_TRY(aml_param_read(&config[i], d->param, text));
        used++;
    }
    if (used == object->size) return AML_OK;
    for (const aml_json *x = object->child; x; x = x->next) {
        bool known = false;
        for (size_t i = 0; i < s->space.n && !known; i++)
            known = !strcmp(s->space.dims[i].name, x->name) && !isnan(config[i]);
        if (!known) return unknown_name(s, x, file);
    }
    return AML_OK;
}
