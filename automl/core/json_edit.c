/* json_edit.c: variables and settings in a document. */
#include "automl/core/json_edit.h"

#include <stdlib.h>
#include <string.h>

static aml_status wrong(const aml_json *x, const char *what, const char *word, size_t n) {
    char shown[256];
    aml_fail_at(AML_ECONFIG, x->file, x->line, x->column, "%s `%s`", what,
                aml_printable(shown, sizeof shown, word, n, 60));
    return AML_ECONFIG;
}

/* ---- variables */

static bool is_name(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++) {
        bool letter = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') || s[i] == '_';
        if (!letter && !(i && s[i] >= '0' && s[i] <= '9')) return false;
    }
    return n > 0;
}

/* s is behind "${", up to the brace at s[n]. */
static aml_status put_variable(aml_string *out, const aml_json *x, const char *s, size_t n) {
    const char *fallback = strstr(s, ":-");
    size_t length = fallback && fallback < s + n ? (size_t)(fallback - s) : n;
    char name[256];
    if (!is_name(s, length) || length >= sizeof name || memchr(s, '$', n))
        return aml_help(wrong(x, "not the name of a variable:", s, length), NULL,
                        "write ${NAME} or ${NAME:-default}; $$ for a dollar");
    memcpy(name, s, length);
    name[length] = 0;
    const char *value = getenv(name);
    if (value && aml_utf8_valid(value, strlen(value)) < strlen(value))
        return wrong(x, "not UTF-8: the variable", name, length);
    if (value && (*value || length == n)) {
        aml_string_put(out, value);
        return AML_OK;
    }
    if (length == n)
        return aml_help(wrong(x, "the environment has no variable", name, length), NULL,
                        "set it, or give a default: ${%s:-…}", name);
    aml_string_add(out, s + length + 2, n - length - 2);
    return AML_OK;
}

static aml_status expand_text(aml_string *out, const aml_json *x) {
    const char *s = x->string;
    while (*s) {
        size_t plain = strcspn(s, "$");
        aml_string_add(out, s, plain);
        s += plain;
        if (!*s) break;
        const char *end = s[1] == '{' ? strchr(s, '}') : NULL;
        if (s[1] == '{' && !end) return wrong(x, "`${` without its brace:", s, strlen(s));
        if (end) AML_TRY(put_variable(out, x, s + 2, (size_t)(end - s) - 2));
        else aml_string_put(out, "$");
        s = end ? end + 1 : s + 1 + (s[1] == '$');
    }
    return out->failed ? AML_ENOMEM : AML_OK;
}

aml_status aml_json_expand(aml_json *x, aml_arena *keep) {
    for (aml_json *m = x->child; m; m = m->next) AML_TRY(aml_json_expand(m, keep));
    if (x->type != AML_JSON_STRING || !strchr(x->string, '$')) return AML_OK;
    aml_string s = {0};
    aml_status status = expand_text(&s, x);
    if (!status) {
        /* one variable and nothing else may stand for a number */
        x->untyped =
            !strncmp(x->string, "${", 2) && strchr(x->string, '}') && !strchr(x->string, '}')[1];
        x->string = aml_strdup(keep, s.text ? s.text : "");
        if (!x->string) status = AML_ENOMEM;
    }
    aml_string_free(&s);
    return status;
}

void aml_json_put_unexpanded(aml_string *out, const char *text) {
    aml_string plain = {0};
    if (!text) out->failed = true;
    for (; text && *text; text++) {
        bool dollar = *text == '$' && (text[1] == '$' || text[1] == '{');
        aml_string_add(&plain, dollar ? "$$" : text, dollar ? 2 : 1);
    }
    aml_json_put_string(out, plain.text ? plain.text : "");
    out->failed |= plain.failed;
    aml_string_free(&plain);
}

aml_status aml_json_settle(aml_json *x, aml_arena *keep) {
    static const char *const words[] = {"false", "true"};
    aml_json *value;
    if (!x->untyped) return AML_OK;
    for (int i = 0; i < 2; i++)
        if (!strcmp(x->string, words[i])) x->type = i ? AML_JSON_TRUE : AML_JSON_FALSE;
    if (x->type != AML_JSON_STRING || !strchr("-0123456789", x->string[0])) return AML_OK;
    aml_status status =
        aml_json_parse(&value, keep, x->string, strlen(x->string), x->file, 0, AML_ECONFIG);
    if (status == AML_ENOMEM) return status;
    if (!status && value->type == AML_JSON_NUMBER) {
        x->type = AML_JSON_NUMBER;
        x->number = value->number;
    }
    return AML_OK;
}

/* ---- settings */

/* The member of that name, made where there is none. */
static aml_json *member(aml_json *object, const char *name, size_t n, const char *file,
                        aml_arena *keep) {
    aml_json **link = &object->child;
    for (; *link; link = &(*link)->next)
        if (strlen((*link)->name) == n && !strncmp((*link)->name, name, n)) return *link;
    aml_json *m = AML_NEW(keep, aml_json);
    if (!m) return NULL;
    *m = (aml_json){.name = aml_strndup(keep, name, n), .file = file};
    if (!m->name) return NULL;
    object->size++;
    return *link = m;
}

static aml_status set_value(aml_json *x, const char *value, const char *file, aml_arena *keep) {
    aml_json was = *x, *parsed;
    *x = (aml_json){.type = AML_JSON_STRING, .string = value, .untyped = true};
    if (!strcmp(value, "null")) x->type = AML_JSON_NULL;
    if (*value && strchr("{[\"", *value)) {
        AML_TRY(aml_json_parse(&parsed, keep, value, strlen(value), file, 0, AML_ECONFIG));
        *x = *parsed;
    }
    x->name = was.name;
    x->next = was.next;
    x->file = file;
    return AML_OK;
}

aml_status aml_json_set(aml_json *root, const char *setting, const char *option, aml_arena *keep) {
    char shown[256];
    const char *equals = strchr(setting, '='), *s = setting;
    const char *file = aml_printf(keep, "%s %s", option, setting);
    if (!file) return AML_ENOMEM;
    aml_printable(shown, sizeof shown, setting, strlen(setting), 60);
    const char *gap = strstr(setting, "..");
    if (!equals || equals == setting || *setting == '.' || equals[-1] == '.' ||
        (gap && gap < equals))
        return aml_help(aml_fail(AML_EUSAGE, "`%s` is not a value for %s", shown, option), NULL,
                        "write it as key=value: limits.max_trials=5");
    if (aml_utf8_valid(setting, strlen(setting)) < strlen(setting))
        return aml_fail(AML_EUSAGE, "the value of %s is not UTF-8: `%s`", option, shown);
    for (aml_json *x = root;;) {
        size_t n = strcspn(s, ".=");
        if (x->type == AML_JSON_NULL) x->type = AML_JSON_OBJECT;
        if (x->type != AML_JSON_OBJECT) {
            aml_fail_at(AML_ECONFIG, file, 0, 0, "`%.*s` is not an object: it has no keys",
                        (int)(s - setting - 1), setting);
            return aml_help(AML_ECONFIG, NULL, "set the whole of it");
        }
        x = member(x, s, n, file, keep);
        if (!x) return AML_ENOMEM;
        s += n + 1;
        if (s > equals) return set_value(x, equals + 1, file, keep);
    }
}
