/* schema.c: how a table is read, as a file that a person may edit:
 * {"reading": {"separator": ";", "skip_lines": 2}, "columns": [{"name": "age", "kind": "number"}, …]}. */
#include <string.h>

#include "automl/core/io.h"
#include "automl/core/json.h"
#include "automl/engine/reading.h"

enum { SCHEMA_LIMIT = 256 << 20 };

static aml_status fail_schema(const char *path, const aml_json *at, const char *what) {
    aml_fail_at(AML_ECONFIG, path, at->line, at->column, "%s", what);
    return aml_help(AML_ECONFIG, NULL,
                    "write {\"columns\": [{\"name\": \"age\", \"kind\": \"number\"}]}; kinds are "
                    "number, category, text, datetime and identifier");
}

/* ---- how to read */

static const char *const keys[] = {"separator",  "decimal",     "thousands", "quote",
                                   "escape",     "encoding",    "header",    "ragged",
                                   "skip_lines", "skip_footer", NULL};

static aml_status fail_key(const char *path, const aml_json *at, const char *what) {
    size_t n = 0;
    while (keys[n]) n++;
    const char *near = aml_nearest(at->name, keys, n);
    aml_fail_at(AML_ECONFIG, path, at->line, at->column, "%s `%.60s`", what, at->name);
    if (near && strcmp(near, at->name) != 0)
        return aml_help(AML_ECONFIG, NULL, "did you mean `%s`?", near);
    return aml_help(AML_ECONFIG, NULL,
                    "\"separator\": \";\", \"decimal\": \",\", \"thousands\": \".\", \"quote\": "
                    "\"'\", \"escape\": \"none\", \"encoding\": \"latin1\", \"header\": true, "
                    "\"ragged\": \"pad\", \"skip_lines\": 2, \"skip_footer\": 0");
}

static aml_status take_character(char *out, const char *path, const aml_json *x) {
    if (x->type != AML_JSON_STRING || strlen(x->string) != 1)
        return fail_key(path, x, "one character is wanted for");
    if (!*out) *out = *x->string;
    return AML_OK;
}

static aml_status take_text(const char **out, const char *path, const aml_json *x) {
    if (x->type != AML_JSON_STRING || !*x->string) return fail_key(path, x, "a text is wanted for");
    if (!*out) *out = x->string;
    return AML_OK;
}

/* 0 in a file is none, not to be found. */
static aml_status take_lines(size_t *out, const char *path, const aml_json *x) {
    if (x->type != AML_JSON_NUMBER || !(x->number >= 0 && x->number < 1e9))
        return fail_key(path, x, "a whole number of lines is wanted for");
    if (!*out) *out = x->number > 0 ? (size_t)x->number : AML_NO_LINES;
    return AML_OK;
}

static aml_status take_header(int *out, const char *path, const aml_json *x) {
    if (x->type != AML_JSON_TRUE && x->type != AML_JSON_FALSE)
        return fail_key(path, x, "true or false is wanted for");
    if (!*out) *out = x->type == AML_JSON_TRUE ? 1 : -1;
    return AML_OK;
}

static aml_status take_key(aml_read_options *o, const char *path, const aml_json *x) {
    const char *key = x->name;
    if (!strcmp(key, "separator")) return take_character(&o->separator, path, x);
    if (!strcmp(key, "decimal")) return take_character(&o->decimal, path, x);
    if (!strcmp(key, "thousands")) return take_text(&o->thousands, path, x);
    if (!strcmp(key, "quote")) return take_text(&o->quote, path, x);
    if (!strcmp(key, "escape")) return take_text(&o->escape, path, x);
    if (!strcmp(key, "encoding")) return take_text(&o->encoding, path, x);
    if (!strcmp(key, "ragged")) return take_text(&o->ragged, path, x);
    if (!strcmp(key, "header")) return take_header(&o->header, path, x);
    if (!strcmp(key, "skip_lines")) return take_lines(&o->skip_lines, path, x);
    if (!strcmp(key, "skip_footer")) return take_lines(&o->skip_footer, path, x);
    return fail_key(path, x, "there is no key");
}

aml_status aml_reading_take(aml_read_options *o, const char *path, const aml_json *object) {
    if (object->type != AML_JSON_OBJECT)
        return fail_schema(path, object, "`reading` is an object of options");
    for (const aml_json *x = object->child; x; x = x->next) AML_TRY(take_key(o, path, x));
    return AML_OK;
}

/* ---- kinds */

static aml_status read_kinds(aml_csv_kind **out, size_t *n, const char *path,
                             const aml_json *columns, aml_arena *keep) {
    if (columns->type != AML_JSON_ARRAY)
        return fail_schema(path, columns, "`columns` is a list of columns");
    aml_csv_kind *kinds = *out = AML_ARRAY(keep, columns->size, aml_csv_kind);
    if (!kinds) return AML_ENOMEM;
    for (const aml_json *c = columns->child; c; c = c->next) {
        const char *name = aml_json_string(c, "name", NULL),
                   *kind = aml_json_string(c, "kind", NULL);
        if (!name) return fail_schema(path, c, "a column needs a `name`");
        if (!kind) continue; /* left to be found */
        if (!aml_kind_parse(&kinds[*n].kind, kind))
            return fail_schema(path, c, "a `kind` that does not exist");
        kinds[(*n)++].name = name;
    }
    return AML_OK;
}

aml_status aml_schema_read(aml_csv_kind **kinds, size_t *n_kinds, aml_read_options *o,
                           aml_arena *keep) {
    char *text;
    size_t size;
    aml_json *root;
    AML_TRY(aml_read_file(&text, &size, o->schema, SCHEMA_LIMIT, NULL));
    aml_status status =
        aml_json_parse(&root, keep, text, size, o->schema, AML_JSON_COMMENTS, AML_ECONFIG);
    aml_free(text);
    AML_TRY(status);
    if (root->type != AML_JSON_OBJECT)
        return fail_schema(o->schema, root, "a schema is an object with a list of `columns`");
    const aml_json *columns = aml_json_find(root, "columns"),
                   *reading = aml_json_find(root, "reading");
    if (!columns && !reading)
        return fail_schema(o->schema, root, "a schema is an object with a list of `columns`");
    if (reading) AML_TRY(aml_reading_take(o, o->schema, reading));
    return columns ? read_kinds(kinds, n_kinds, o->schema, columns, keep) : AML_OK;
}

/* ---- writing */

static void put_mark(aml_string *s, const char *key, char mark) {
    const char text[2] = {mark, 0};
    aml_json_add_string(s, key, mark && mark != '\1' ? text : "none");
}

char *aml_reading_json(const aml_csv_report *r, const aml_csv_options *o, aml_arena *keep) {
    aml_string s = {0};
    aml_string_put(&s, "{");
    put_mark(&s, "separator", r->separator);
    put_mark(&s, "decimal", r->decimal);
    if (o->thousands) put_mark(&s, "thousands", o->thousands);
    put_mark(&s, "quote", o->quote ? o->quote : '"');
    put_mark(&s, "escape", r->escape);
    aml_json_add_string(&s, "encoding", o->encoding ? o->encoding : "utf-8");
    aml_json_key(&s, "header");
    aml_string_put(&s, r->header ? "true" : "false");
    aml_json_add_number(&s, "skip_lines", (double)r->skip_lines);
    aml_json_add_number(&s, "skip_footer", (double)r->skip_footer);
    aml_string_put(&s, "}");
    char *copy = s.failed ? NULL : aml_strdup(keep, s.text);
    aml_string_free(&s);
    return copy;
}

aml_status aml_frame_write_schema(const aml_frame *f, const char *path) {
    aml_string compact = {0}, s = {0};
    aml_string_put(&compact, "{");
    if (f->reading) {
        aml_json_key(&compact, "reading");
        aml_string_put(&compact, f->reading);
    }
    aml_json_key(&compact, "columns");
    aml_string_put(&compact, "[");
    for (size_t j = 0; j < f->p; j++) {
        const aml_column *c = &f->columns[j];
        aml_json_comma(&compact);
        aml_string_put(&compact, "{");
        aml_json_add_string(&compact, "name", c->name);
        aml_json_add_string(&compact, "kind", aml_kind_name(c->kind));
        if (strcmp(aml_column_form(c), aml_kind_name(c->kind)) != 0)
            aml_json_add_string(&compact, "form", aml_column_form(c));
        if (c->unit) aml_json_add_string(&compact, "unit", c->unit);
        aml_string_put(&compact, "}");
    }
    aml_string_put(&compact, "]}");
    if (!compact.failed) aml_json_pretty(&s, compact.text, compact.length);
    aml_string_put(&s, "\n");
    aml_status status =
        compact.failed || s.failed ? AML_ENOMEM : aml_write_file(path, s.text, s.length);
    aml_string_free(&compact);
    aml_string_free(&s);
    return status;
}
