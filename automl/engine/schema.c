/* schema.c: how a table is read, as a file that a person may edit:
 * {"reading": {"separator": ";", "skip_lines": 2}, "columns": [{"name": "age", "kind": "number"}, …]}. */
#include <string.h>

#include "automl/core/call.h"
#include "automl/core/io.h"
#include "automl/engine/reading.h"

enum { SCHEMA_LIMIT = 256 << 20 };

static aml_status fail_schema(const char *path, const aml_json *at, const char *what) {
    aml_fail_at(AML_ECONFIG, path, at->line, at->column, "%s", what);
    return aml_help(AML_ECONFIG, NULL,
                    "write {\"columns\": [{\"name\": \"age\", \"kind\": \"number\"}]}; kinds are "
                    "number, category, text, datetime and identifier");
}

/* ---- how to read */

static const char *ragged_word(size_t i) {
    static const char *const words[] = {"error", "pad", "skip", NULL};
    return words[i];
}

static aml_status read_character(void *to, const aml_json *x, const aml_key_place *at) {
    bool tab = x->type == AML_JSON_STRING && !strcmp(x->string, "tab");
    if (x->type != AML_JSON_STRING || (!tab && strlen(x->string) != 1))
        return aml_key_expected(x, at, "one character, or \"tab\"", NULL);
    *(char *)to = tab ? '\t' : *x->string;
    return AML_OK;
}

static aml_status read_header(void *to, const aml_json *x, const aml_key_place *at) {
    static const aml_key flag = {.type = AML_KEY_FLAG};
    bool header;
    AML_TRY(aml_key_read(&header, x, &flag, at));
    *(int *)to = header ? 1 : -1;
    return AML_OK;
}

/* 0 in a file is none, not to be found. */
static aml_status read_lines(void *to, const aml_json *x, const aml_key_place *at) {
    static const aml_key count = {.type = AML_KEY_COUNT, .hi = 1e9};
    size_t n;
    AML_TRY(aml_key_read(&n, x, &count, at));
    *(size_t *)to = n ? n : AML_NO_LINES;
    return AML_OK;
}

static void character_schema(aml_string *s) {
    aml_string_put(s, "{\"type\":\"string\",\"pattern\":\"^(.|\\t|tab)$\"}");
}

static void header_schema(aml_string *s) { aml_string_put(s, "{\"type\":\"boolean\"}"); }

static void lines_schema(aml_string *s) {
    aml_string_put(s, "{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000000000}");
}

#define AT(m) .member = offsetof(aml_read_options, m)
const aml_key aml_reading_keys[] = {
    {.name = "separator",
     .summary = "between fields: one character, or \"tab\"",
     .type = AML_KEY_OWN,
     AT(separator),
     .read = read_character,
     .schema = character_schema},
    {.name = "decimal",
     .summary = "the decimal sign: . or ,",
     .type = AML_KEY_OWN,
     AT(decimal),
     .read = read_character,
     .schema = character_schema},
    {.name = "thousands",
     .summary = "between groups of digits: one character, or none",
     .type = AML_KEY_TEXT,
     AT(thousands)},
    {.name = "quote",
     .summary = "around fields: one character, or none",
     .type = AML_KEY_TEXT,
     AT(quote)},
    {.name = "escape",
     .summary = "makes the next character text: one character, or none",
     .type = AML_KEY_TEXT,
     AT(escape)},
    {.name = "encoding",
     .summary = "of the text: utf-8, latin1, windows-1252, utf-16",
     .type = AML_KEY_TEXT,
     AT(encoding)},
    {.name = "header",
     .summary = "does the first line have the names?",
     .type = AML_KEY_OWN,
     AT(header),
     .read = read_header,
     .schema = header_schema},
    {.name = "ragged",
     .summary = "rows of another width: error, pad or skip",
     .type = AML_KEY_TEXT,
     AT(ragged),
     .word = ragged_word},
    {.name = "skip_lines",
     .summary = "lines above the header to leave out; 0 = none",
     .type = AML_KEY_OWN,
     AT(skip_lines),
     .read = read_lines,
     .schema = lines_schema},
    {.name = "skip_footer",
     .summary = "lines at the end to leave out; 0 = none",
     .type = AML_KEY_OWN,
     AT(skip_footer),
     .read = read_lines,
     .schema = lines_schema},
    {0}};
#undef AT

static void take_reading(aml_read_options *o, const aml_read_options *file) {
    if (!o->separator) o->separator = file->separator;
    if (!o->decimal) o->decimal = file->decimal;
    if (!o->thousands) o->thousands = file->thousands;
    if (!o->quote) o->quote = file->quote;
    if (!o->escape) o->escape = file->escape;
    if (!o->encoding) o->encoding = file->encoding;
    if (!o->header) o->header = file->header;
    if (!o->ragged) o->ragged = file->ragged;
    if (!o->skip_lines) o->skip_lines = file->skip_lines;
    if (!o->skip_footer) o->skip_footer = file->skip_footer;
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
    if (reading) {
        aml_read_options file = {.size = sizeof file};
        aml_key_place at = {.keep = keep, .path = "reading"};
        AML_TRY(aml_keys_read(&file, reading, aml_reading_keys, &at));
        take_reading(o, &file);
    }
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

aml_status aml_frame_write_schema(const aml_frame *frame, const char *path) {
    AML_NEED(frame);
    AML_NEED(path);
    aml_string compact = {0};
    aml_string_put(&compact, "{");
    if (frame->reading) {
        aml_json_key(&compact, "reading");
        aml_string_put(&compact, frame->reading);
    }
    aml_json_key(&compact, "columns");
    aml_string_put(&compact, "[");
    for (size_t j = 0; j < frame->p; j++) {
        const aml_column *c = &frame->columns[j];
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
    char *text = aml_json_finish(&compact);
    aml_status status = text ? aml_write_file(path, text, strlen(text)) : AML_ENOMEM;
    aml_free(text);
    return status;
}
