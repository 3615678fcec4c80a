/* json_param.c: values of hyperparameters in JSON. */
#include "automl/core/json_param.h"

#include <stdio.h>
#include <string.h>

enum { MOST_PARAMS = 64, SHOWN = 60 };

aml_status aml_json_param_find(size_t *out, const aml_json *x, const aml_param *params,
                               const char *owner) {
    const char *names[MOST_PARAMS];
    char what[128];
    int i = aml_params_find(params, x->name);
    if (i < 0) {
        size_t n = 0;
        for (; n < aml_params_count(params) && n < MOST_PARAMS; n++) names[n] = params[n].name;
        snprintf(what, sizeof what, "%s has no parameter", owner);
        return aml_key_unknown_of(x, true, what, names, n);
    }
    *out = (size_t)i;
    return AML_OK;
}

aml_status aml_json_param(double *out, const aml_json *x, const aml_param *p,
                          const aml_key_place *at) {
    const char *text = x->type == AML_JSON_TRUE    ? "true"
                       : x->type == AML_JSON_FALSE ? "false"
                                                   : x->string;
    if (!text) return aml_key_expected(x, at, "a number, a text, true or false", p->summary);
    aml_status status = aml_param_read(out, p, text);
    if (status != AML_ECONFIG) return status;
    aml_error e = *aml_last_error();
    char shown[SHOWN * 4 + 4];
    aml_printable(shown, sizeof shown, at->path, strlen(at->path), SHOWN);
    aml_fail_at(status, x->file, x->line, x->column, "%s: %s", shown, e.message);
    if (e.help[0] || p->summary) aml_help(status, NULL, "%s", e.help[0] ? e.help : p->summary);
    return status;
}

void aml_param_schema(aml_string *s, const aml_param *p) {
    aml_json_comma(s);
    aml_string_put(s, "{");
    if (p->summary) aml_json_add_string(s, "description", p->summary);
    if (p->kind == AML_CHOICE) {
        bool flag = p->choices == aml_flag_choices;
        aml_json_key(s, "enum");
        aml_string_put(s, "[");
        for (size_t i = 0; i < aml_param_choices(p); i++) {
            aml_json_comma(s);
            if (flag) aml_string_put(s, p->choices[i]);
            else aml_json_put_string(s, p->choices[i]);
        }
        aml_string_put(s, "]}");
        return;
    }
    aml_json_add_string(s, "type", p->kind == AML_INT ? "integer" : "number");
    aml_json_add_number(s, "minimum", p->lo);
    aml_json_add_number(s, "maximum", p->hi);
    aml_json_add_number(s, "default", p->fallback);
    aml_string_put(s, "}");
}

void aml_params_schema(aml_string *s, const aml_param *params) {
    aml_json_comma(s);
    aml_string_put(s, "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
    for (const aml_param *p = params; p && p->name; p++) {
        aml_json_key(s, p->name);
        aml_param_schema(s, p);
    }
    aml_string_put(s, "}}");
}
