/* json_write.c: values to JSON text, compact, then indented. */
#include <math.h>
#include <string.h>

#include "automl/core/json.h"

static void put_escaped(aml_string *s, unsigned char c) {
    switch (c) {
    case '"': aml_string_put(s, "\\\""); return;
    case '\\': aml_string_put(s, "\\\\"); return;
    case '\b': aml_string_put(s, "\\b"); return;
    case '\f': aml_string_put(s, "\\f"); return;
    case '\n': aml_string_put(s, "\\n"); return;
    case '\r': aml_string_put(s, "\\r"); return;
    case '\t': aml_string_put(s, "\\t"); return;
    default: aml_string_printf(s, "\\u%04x", (unsigned)c);
    }
}

/* Bytes that are not UTF-8 become U+FFFD: whatever comes in, what goes out is JSON. */
void aml_json_put_string(aml_string *s, const char *text) {
    if (!text) {
        aml_string_put(s, "null");
        return;
    }
    size_t n = strlen(text), from = 0, valid = aml_utf8_valid(text, n);
    aml_string_put(s, "\"");
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        bool broken = i == valid;
        if (!broken && c >= 0x20 && c != '"' && c != '\\') continue;
        aml_string_add(s, text + from, i - from);
        from = i + 1;
        if (broken) {
            aml_string_put(s, "\xEF\xBF\xBD");
            valid = from + aml_utf8_valid(text + from, n - from);
        } else {
            put_escaped(s, c);
        }
    }
    aml_string_add(s, text + from, n - from);
    aml_string_put(s, "\"");
}

void aml_json_put_number(aml_string *s, double x) {
    if (isfinite(x)) aml_string_double(s, x);
    else aml_string_put(s, "null");
}

void aml_json_comma(aml_string *s) {
    if (s->length && !strchr("{[:", s->text[s->length - 1])) aml_string_put(s, ",");
}

void aml_json_key(aml_string *s, const char *name) {
    aml_json_comma(s);
    aml_json_put_string(s, name);
    aml_string_put(s, ":");
}

void aml_json_add_string(aml_string *s, const char *name, const char *text) {
    aml_json_key(s, name);
    aml_json_put_string(s, text);
}

void aml_json_add_number(aml_string *s, const char *name, double x) {
    aml_json_key(s, name);
    aml_json_put_number(s, x);
}

void aml_json_add(aml_string *s, const char *name, const aml_json *x) {
    if (!x) return;
    aml_json_key(s, name);
    aml_json_put(s, x);
}

void aml_json_put(aml_string *out, const aml_json *x) {
    aml_json_put_by(out, x, aml_json_put_string);
}

void aml_json_put_by(aml_string *out, const aml_json *x,
                     void (*put_text)(aml_string *out, const char *text)) {
    switch (x->type) {
    case AML_JSON_NULL: aml_string_put(out, "null"); return;
    case AML_JSON_FALSE: aml_string_put(out, "false"); return;
    case AML_JSON_TRUE: aml_string_put(out, "true"); return;
    case AML_JSON_NUMBER: aml_string_put(out, x->string); return;
    case AML_JSON_STRING: put_text(out, x->string); return;
    default: break;
    }
    aml_string_put(out, x->type == AML_JSON_ARRAY ? "[" : "{");
    for (const aml_json *c = x->child; c; c = c->next) {
        if (x->type == AML_JSON_ARRAY) aml_json_comma(out);
        else aml_json_key(out, c->name);
        aml_json_put_by(out, c, put_text);
    }
    aml_string_put(out, x->type == AML_JSON_ARRAY ? "]" : "}");
}

static void new_line(aml_string *out, size_t depth) {
    aml_string_put(out, "\n");
    while (depth--) aml_string_put(out, "  ");
}

/* Index behind the string that begins at `at`. */
static size_t string_end(const char *s, size_t at, size_t n) {
    for (at++; at < n && s[at] != '"'; at++)
        if (s[at] == '\\') at++;
    return at + 1 < n ? at + 1 : n;
}

void aml_json_pretty(aml_string *out, const char *s, size_t n) {
    size_t depth = 0;
    for (size_t i = 0, end; i < n; i = end) {
        end = s[i] == '"' ? string_end(s, i, n) : i + 1;
        bool opens = s[i] == '{' || s[i] == '[', closes = s[i] == '}' || s[i] == ']';
        bool empty = opens && end < n && (s[end] == '}' || s[end] == ']');
        if (empty) end++;
        if (closes && depth) depth--;
        if (closes) new_line(out, depth);
        aml_string_add(out, s + i, end - i);
        if (opens && !empty) depth++;
        if ((opens && !empty) || s[i] == ',') new_line(out, depth);
        if (s[i] == ':') aml_string_put(out, " ");
    }
}

char *aml_json_finish(aml_string *compact) {
    aml_string s = {0};
    if (!compact->failed) aml_json_pretty(&s, compact->text, compact->length);
    aml_string_put(&s, "\n");
    bool failed = compact->failed || s.failed;
    aml_string_free(compact);
    if (!failed) return s.text;
    aml_string_free(&s);
    return NULL;
}
