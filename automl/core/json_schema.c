/* json_schema.c: the JSON Schema (draft 2020-12) of an object, from the table of its keys. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "automl/core/json_keys.h"

static void put_raw(aml_string *s, const char *name, const char *json) {
    aml_json_key(s, name);
    aml_string_put(s, json);
}

/* A variable of the environment (json_edit.h) may stand for any value. */
#define VARIABLE "[$][{]"

/* "type": one or two of them, and null unless the key has to be there. */
static void put_type(aml_string *s, const aml_key *k, const char *type, const char *other) {
    aml_json_key(s, "type");
    if (k->required && !other) {
        aml_json_put_string(s, type);
        return;
    }
    aml_string_put(s, "[");
    aml_json_put_string(s, type);
    if (other) aml_string_printf(s, ",\"%s\"", other);
    aml_string_put(s, k->required ? "]" : ",\"null\"]");
}

/* What a text may be, as members of a schema. */
static void put_words(aml_string *s, const aml_key *k) {
    const char *w;
    if (!k->word) {
        aml_json_add_number(s, "minLength", 1);
        return;
    }
    aml_json_key(s, "anyOf");
    aml_string_put(s, "[{\"enum\":[");
    for (size_t i = 0; (w = k->word(i)); i++) {
        aml_json_comma(s);
        aml_json_put_string(s, w);
    }
    aml_string_put(s, k->required ? "]}" : ",null]}");
    aml_string_put(s, ",{\"pattern\":\"" VARIABLE "\",\"type\":\"string\"}]");
}

static void put_texts(aml_string *s, const aml_key *k) {
    aml_key item = *k;
    item.required = true;
    aml_json_key(s, "anyOf");
    aml_string_put(s, "[{");
    put_type(s, k, "string", NULL);
    put_words(s, k);
    aml_string_put(s, "},{\"type\":\"array\",\"items\":{\"type\":\"string\"");
    put_words(s, &item);
    aml_string_put(s, "}}]");
}

static void put_number(aml_string *s, const aml_key *k, const char *type) {
    put_type(s, k, type, "string");
    aml_json_add_string(s, "pattern", VARIABLE);
    if (k->lo == 0 && k->hi == 0) return;
    if (isfinite(k->lo)) aml_json_add_number(s, k->open ? "exclusiveMinimum" : "minimum", k->lo);
    if (isfinite(k->hi)) aml_json_add_number(s, k->open ? "exclusiveMaximum" : "maximum", k->hi);
}

static void put_members(aml_string *s, const aml_key *keys);

static void put_value(aml_string *s, const aml_key *k) {
    switch (k->type) {
    case AML_KEY_FLAG:
        put_type(s, k, "boolean", "string");
        aml_json_add_string(s, "pattern", VARIABLE);
        return;
    case AML_KEY_TEXT:
        put_type(s, k, "string", NULL);
        put_words(s, k);
        return;
    case AML_KEY_TEXTS: put_texts(s, k); return;
    case AML_KEY_REAL:
    case AML_KEY_REAL_AT: put_number(s, k, "number"); return;
    case AML_KEY_INT:
    case AML_KEY_COUNT: put_number(s, k, "integer"); return;
    case AML_KEY_SEED:
        put_number(s, k, "integer");
        put_raw(s, "minimum", "0");
        put_raw(s, "maximum", "18446744073709551615");
        return;
    case AML_KEY_SECONDS:
        put_type(s, k, "number", "string");
        put_raw(s, "exclusiveMinimum", "0");
        aml_json_add_string(s, "pattern", VARIABLE "|^([0-9.]+|([0-9.]+(us|µs|ms|s|m|min|h|d))+)$");
        return;
    case AML_KEY_BYTES:
        put_type(s, k, "integer", "string");
        put_raw(s, "minimum", "1");
        aml_json_add_string(s, "pattern", VARIABLE "|^[0-9.]+([bB]|[kKmMgGtT]([iI]?[bB])?)?$");
        return;
    case AML_KEY_OBJECT:
        put_type(s, k, "object", NULL);
        put_members(s, k->keys);
        return;
    case AML_KEY_OWN:
        aml_json_key(s, "anyOf");
        aml_string_put(s, "[");
        k->schema(s);
        aml_string_put(s, ",{\"type\":\"string\",\"pattern\":\"" VARIABLE "\"}");
        aml_string_put(s, k->required ? "]" : ",{\"type\":\"null\"}]");
        return;
    }
}

static void put_members(aml_string *s, const aml_key *keys) {
    size_t n_required = 0;
    aml_json_key(s, "properties");
    aml_string_put(s, "{");
    for (const aml_key *k = keys; k->name; k++) {
        aml_json_key(s, k->name);
        aml_string_put(s, "{");
        if (k->summary) aml_json_add_string(s, "description", k->summary);
        put_value(s, k);
        aml_string_put(s, "}");
        n_required += k->required;
    }
    aml_string_put(s, "}");
    if (n_required) {
        aml_json_key(s, "required");
        aml_string_put(s, "[");
        for (const aml_key *k = keys; k->name; k++) {
            if (!k->required) continue;
            aml_json_comma(s);
            aml_json_put_string(s, k->name);
        }
        aml_string_put(s, "]");
    }
    put_raw(s, "additionalProperties", "false");
}

void aml_keys_schema(aml_string *out, const aml_key *keys) {
    aml_json_comma(out);
    aml_string_put(out, "{");
    aml_keys_schema_members(out, keys);
    aml_string_put(out, "}");
}

void aml_keys_schema_members(aml_string *out, const aml_key *keys) {
    aml_json_key(out, "type");
    aml_string_put(out, "\"object\"");
    put_members(out, keys);
}
