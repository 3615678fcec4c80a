/* reading.c: options of reading, and schema files: {"columns": [{"name": "age", "kind": "number"}, …]}. */
#include "automl/engine/reading.h"

#include <string.h>

#include "automl/core/io.h"
#include "automl/core/json.h"
#include "automl/core/par.h"

enum { SCHEMA_LIMIT = 256 << 20 };

static aml_status fail_schema(const char *path, const aml_json *at, const char *what) {
    aml_fail_at(AML_ECONFIG, path, at->line, at->column, "%s", what);
    return aml_help(AML_ECONFIG, NULL,
                    "write {\"columns\": [{\"name\": \"age\", \"kind\": \"number\"}]}; kinds are "
                    "number, category, text, datetime and identifier");
}

static aml_status read_kinds(aml_csv_options *out, const char *path, const aml_json *root,
                             aml_arena *keep) {
    const aml_json *columns = aml_json_find(root, "columns");
    if (root->type != AML_JSON_OBJECT || !columns || columns->type != AML_JSON_ARRAY)
        return fail_schema(path, root, "a schema is an object with a list of `columns`");
    aml_csv_kind *kinds = AML_ARRAY(keep, columns->size, aml_csv_kind);
    if (!kinds) return AML_ENOMEM;
    size_t n = 0;
    for (const aml_json *c = columns->child; c; c = c->next) {
        const char *name = aml_json_string(c, "name", NULL),
                   *kind = aml_json_string(c, "kind", NULL);
        if (!name) return fail_schema(path, c, "a column needs a `name`");
        if (!kind) continue; /* left to be found */
        if (!aml_kind_parse(&kinds[n].kind, kind))
            return fail_schema(path, c, "a `kind` that does not exist");
        kinds[n++].name = name;
    }
    out->kinds = kinds;
    out->n_kinds = n;
    return AML_OK;
}

static aml_status read_schema(aml_csv_options *out, const char *path, aml_arena *keep) {
    char *text;
    size_t size;
    aml_json *root;
    AML_TRY(aml_read_file(&text, &size, path, SCHEMA_LIMIT, NULL));
    aml_status status =
        aml_json_parse(&root, keep, text, size, path, AML_JSON_COMMENTS, AML_ECONFIG);
    aml_free(text);
    return status ? status : read_kinds(out, path, root, keep);
}

static aml_status fail_choice(const char *option, const char *value, const char *choices) {
    aml_fail(AML_EUSAGE, "%s cannot be `%.40s`", option, value);
    return aml_help(AML_EUSAGE, NULL, "use %s", choices);
}

static aml_status choose(aml_csv_options *out, const aml_read_options *o) {
    const char *r = o->ragged ? o->ragged : "error", *q = o->quote ? o->quote : "\"";
    if (!strcmp(r, "pad")) out->ragged = CSV_RAGGED_PAD;
    else if (!strcmp(r, "skip")) out->ragged = CSV_RAGGED_SKIP;
    else if (strcmp(r, "error") != 0) return fail_choice("ragged", r, "error, pad or skip");
    if (!strcmp(q, "none")) out->quote = '\1';
    else if (strlen(q) == 1 && (unsigned char)*q < 128) out->quote = *q;
    else return fail_choice("quote", q, "one character, or none");
    return AML_OK;
}

aml_status aml_reading_options(aml_csv_options *out, const aml_read_options *options,
                               aml_arena *keep) {
    aml_read_options o = {.size = sizeof o};
    /* Callers that were compiled with an older header have a smaller struct. */
    if (options) memcpy(&o, options, options->size < sizeof o ? options->size : sizeof o);
    *out = (aml_csv_options){.separator = o.separator,
                             .decimal = o.decimal,
                             .header = o.header,
                             .text_columns = o.text,
                             .encoding = o.encoding,
                             .skip_lines = o.skip_lines,
                             .skip_footer = o.skip_footer,
                             .n_threads = o.threads > 0 ? o.threads : aml_par_cores()};
    AML_TRY(choose(out, &o));
    return o.schema ? read_schema(out, o.schema, keep) : AML_OK;
}

/* ---- writing */

aml_status aml_frame_write_schema(const aml_frame *f, const char *path) {
    aml_string compact = {0}, s = {0};
    aml_string_put(&compact, "{\"columns\":[");
    for (size_t j = 0; j < f->p; j++) {
        const aml_column *c = &f->columns[j];
        aml_json_comma(&compact);
        aml_string_put(&compact, "{");
        aml_json_key(&compact, "name");
        aml_json_put_string(&compact, c->name);
        aml_json_key(&compact, "kind");
        aml_json_put_string(&compact, aml_kind_name(c->kind));
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
