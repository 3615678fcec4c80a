/* experiment_learners.c: which learners are searched, and where. */
#include <string.h>

#include "automl/core/json_param.h"
#include "automl/engine/catalog.h"
#include "automl/experiment/experiment.h"

static const char *learner_word(size_t i) {
    const aml_learner *learner = aml_learners()[i];
    return learner ? learner->name : NULL;
}

/* ---- one parameter */

typedef struct bounds {
    const double *min, *max;
} bounds;

static const aml_key bound_keys[] = {
    {.name = "min", .type = AML_KEY_REAL_AT, .member = offsetof(bounds, min)},
    {.name = "max", .type = AML_KEY_REAL_AT, .member = offsetof(bounds, max)},
    {0}};

static aml_status read_bounds(aml_param_range *r, const aml_json *x, const aml_param *p,
                              const aml_key_place *at) {
    bounds b = {0};
    double value;
    if (p->kind == AML_CHOICE)
        return aml_key_expected(x, at, "one of the choices, or a list of them", p->summary);
    AML_TRY(aml_keys_read(&b, x, bound_keys, at));
    for (const aml_json *m = x->child; m; m = m->next) {
        aml_key_place place = aml_key_member(at, m->name);
        if (m->type != AML_JSON_NULL) AML_TRY(aml_json_param(&value, m, p, &place));
    }
    r->min = b.min ? *b.min : p->lo;
    r->max = b.max ? *b.max : p->hi;
    if (r->min <= r->max) return AML_OK;
    aml_fail_at(AML_ECONFIG, x->file, x->line, x->column, "`%s` has min %g above max %g", at->path,
                r->min, r->max);
    return aml_help(AML_ECONFIG, NULL, "%s can be from %g to %g", p->name, p->lo, p->hi);
}

/* The text of a scalar, checked. */
static aml_status read_value(const char **out, const aml_json *x, const aml_param *p,
                             const aml_key_place *at) {
    double value;
    AML_TRY(aml_json_param(&value, x, p, at));
    *out = x->type == AML_JSON_TRUE ? "true" : x->type == AML_JSON_FALSE ? "false" : x->string;
    return AML_OK;
}

static aml_status read_range(aml_param_range *r, const aml_json *x, const aml_param *p,
                             const aml_key_place *at) {
    if (x->type == AML_JSON_OBJECT) return read_bounds(r, x, p, at);
    bool list = x->type == AML_JSON_ARRAY;
    if (list && !x->size)
        return aml_key_expected(x, at, "a value, a list of values or {\"min\": …, \"max\": …}",
                                p->summary);
    const char **values = AML_ARRAY(at->keep, x->size + 2, const char *);
    if (!values) return AML_ENOMEM;
    if (!list) AML_TRY(read_value(&values[0], x, p, at));
    size_t i = 0;
    for (const aml_json *item = list ? x->child : NULL; item; item = item->next, i++) {
        aml_key_place place = aml_key_element(at, i);
        AML_TRY(read_value(&values[i], item, p, &place));
    }
    r->values = values;
    return AML_OK;
}

/* ---- learners */

/* Reads the parameters of one learner, behind the n ranges there are. */
static aml_status read_space(const aml_param_range **ranges, size_t *n, const aml_json *space,
                             const aml_key_place *at) {
    const aml_learner *learner = aml_learner_find(space->name);
    if (!learner) return aml_key_unknown(space, true, "there is no learner", learner_word);
    aml_key_place place = aml_key_member(at, learner->name);
    AML_TRY(aml_key_need(space, AML_JSON_OBJECT, &place));
    for (const aml_json *x = space->child; x; x = x->next) {
        size_t i;
        AML_TRY(aml_json_param_find(&i, x, learner->params, learner->name));
        if (x->type == AML_JSON_NULL) continue;
        aml_param_range *r = AML_NEW(at->keep, aml_param_range);
        aml_key_place param = aml_key_member(&place, x->name);
        if (!r) return AML_ENOMEM;
        *r = (aml_param_range){
            .size = sizeof *r, .learner = learner->name, .param = learner->params[i].name};
        AML_TRY(read_range(r, x, &learner->params[i], &param));
        ranges[(*n)++] = r;
    }
    return AML_OK;
}

aml_status aml_experiment_learners(void *to, const aml_json *x, const aml_key_place *at) {
    static const aml_key names = {
        .type = AML_KEY_TEXTS, .word = learner_word, .summary = "learners to use"};
    aml_experiment *e = to;
    size_t n_params = 0, n_learners = 0, n_ranges = 0;
    if ((x->type == AML_JSON_ARRAY || x->type == AML_JSON_OBJECT) && !x->size)
        return aml_key_expected(x, at, "at least one learner", "leave it out to use all");
    if (x->type != AML_JSON_OBJECT) return aml_key_read(&e->options.learners, x, &names, at);
    for (const aml_json *m = x->child; m; m = m->next) n_params += m->size;
    const char **learners = AML_ARRAY(at->keep, x->size + 1, const char *);
    const aml_param_range **ranges = AML_ARRAY(at->keep, n_params + 1, const aml_param_range *);
    if (!learners || !ranges) return AML_ENOMEM;
    for (const aml_json *m = x->child; m; m = m->next) {
        if (m->type == AML_JSON_NULL) continue;
        AML_TRY(read_space(ranges, &n_ranges, m, at));
        learners[n_learners++] = m->name;
    }
    e->options.learners = learners;
    e->options.ranges = ranges;
    return AML_OK;
}

/* ---- schema */

static void put_space(aml_string *s, const aml_param *p) {
    aml_json_key(s, p->name);
    aml_string_put(s, "{\"anyOf\":[{\"type\":\"null\"}");
    aml_param_schema(s, p);
    aml_string_put(s, ",{\"type\":\"array\",\"minItems\":1,\"items\":");
    aml_param_schema(s, p);
    aml_string_put(s, "}");
    for (int i = 0; i < 2 && p->kind != AML_CHOICE; i++) {
        aml_string_put(s, i ? ",\"max\":" : ",{\"type\":\"object\",\"properties\":{\"min\":");
        aml_param_schema(s, p);
    }
    if (p->kind != AML_CHOICE) aml_string_put(s, "},\"additionalProperties\":false}");
    aml_string_put(s, "]}");
}

void aml_experiment_learners_schema(aml_string *s) {
    aml_string_put(s, "{\"enum\":[");
    for (size_t i = 0; learner_word(i); i++) {
        aml_json_comma(s);
        aml_json_put_string(s, learner_word(i));
    }
    aml_string_put(s, "]},{\"type\":\"array\",\"minItems\":1,\"items\":{\"enum\":[");
    for (size_t i = 0; learner_word(i); i++) {
        aml_json_comma(s);
        aml_json_put_string(s, learner_word(i));
    }
    aml_string_put(s, "]}},{\"type\":\"object\",\"minProperties\":1,"
                      "\"additionalProperties\":false,\"properties\":{");
    for (const aml_learner *const *l = aml_learners(); *l; l++) {
        aml_json_key(s, (*l)->name);
        aml_string_put(s, "{\"type\":[\"object\",\"null\"],\"additionalProperties\":false,"
                          "\"properties\":{");
        for (const aml_param *p = (*l)->params; p && p->name; p++) put_space(s, p);
        aml_string_put(s, "}}");
    }
    aml_string_put(s, "}}");
}
