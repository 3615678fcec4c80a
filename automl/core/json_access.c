/* json_access.c: looking up what was parsed. */
#include <string.h>

#include "automl/core/json.h"

const aml_json *aml_json_find(const aml_json *object, const char *name) {
    if (!object || object->type != AML_JSON_OBJECT) return NULL;
    for (const aml_json *m = object->child; m; m = m->next)
        if (!strcmp(m->name, name)) return m;
    return NULL;
}

const aml_json *aml_json_at(const aml_json *array, size_t i) {
    const aml_json *v = array ? array->child : NULL;
    while (v && i--) v = v->next;
    return v;
}

double aml_json_number(const aml_json *object, const char *name, double fallback) {
    const aml_json *v = aml_json_find(object, name);
    return v && v->type == AML_JSON_NUMBER ? v->number : fallback;
}

size_t aml_json_count(const aml_json *object, const char *name, size_t fallback) {
    double x = aml_json_number(object, name, -1);
    return x >= 0 && x <= 9007199254740992.0 && x == (double)(size_t)x ? (size_t)x : fallback;
}

const char *aml_json_string(const aml_json *object, const char *name, const char *fallback) {
    const aml_json *v = aml_json_find(object, name);
    return v && v->type == AML_JSON_STRING ? v->string : fallback;
}

bool aml_json_bool(const aml_json *object, const char *name, bool fallback) {
    const aml_json *v = aml_json_find(object, name);
    return v && (v->type == AML_JSON_TRUE || v->type == AML_JSON_FALSE) ? v->type == AML_JSON_TRUE
                                                                        : fallback;
}
