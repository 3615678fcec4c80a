/* csv_names.c: names of the fields, and which of them the frame wants. */
#include <string.h>

#include "automl/core/csv_internal.h"

enum { LISTED = 10 };

static bool number_names(csv_reader *r) {
    for (size_t j = 0; j < r->width; j++)
        if (!(r->names[j] = aml_printf(r->keep, "c%zu", j + 1))) return false;
    return true;
}

static const char *header_name(csv_reader *r, size_t j) {
    csv_cell cell = csv_sample_cell(&r->sample, 0, j);
    char *room = cell.escaped ? aml_alloc_raw(r->work, cell.size, 1) : NULL;
    if (cell.escaped && !room) return NULL;
    cell = csv_unescape(room, cell, &r->dialect);
    const char *text = cell.text;
    size_t n = cell.size;
    while (n && text[n - 1] == ' ') n--;
    while (n && *text == ' ') text++, n--;
    return n ? aml_strndup(r->keep, text, n) : aml_printf(r->keep, "c%zu", j + 1);
}

static bool in_header(const csv_reader *r, size_t j) {
    return csv_sample_cell(&r->sample, 0, j).size > 0;
}

static aml_status fail_duplicate(const csv_reader *r, const char *name, size_t first,
                                 size_t again) {
    char shown[280];
    aml_printable(shown, sizeof shown, name, strlen(name), 60);
    aml_fail_at(AML_EDATA, r->stream.name, 1, 0, "duplicate column name `%s`: fields %zu and %zu",
                shown, first + 1, again + 1);
    return aml_help(AML_EDATA, "columns are told apart by their names alone",
                    "rename one of them, or remove it");
}

static aml_status given_names(csv_reader *r, csv_dict *seen) {
    size_t *place = AML_ARRAY(r->work, r->width, size_t); /* field of each name */
    if (!place) return AML_ENOMEM;
    for (size_t j = 0; j < r->width; j++) {
        if (!in_header(r, j)) continue;
        const char *name = r->names[j] = header_name(r, j);
        int64_t before = (int64_t)seen->n,
                at = name ? csv_dict_add_text(seen, name, strlen(name)) : -1;
        if (at < 0) return AML_ENOMEM;
        if (at != before) return fail_duplicate(r, name, place[at], j);
        place[at] = j;
    }
    return AML_OK;
}

/* A field without a name is called by its place, unless another one is called so. */
static aml_status made_up_names(csv_reader *r, csv_dict *seen) {
    for (size_t j = 0; j < r->width; j++) {
        if (in_header(r, j)) continue;
        const char *name = header_name(r, j);
        while (name && csv_dict_find_text(seen, name, strlen(name)) != CSV_NO_LEVEL)
            name = aml_printf(r->keep, "%s_", name);
        if (!name || csv_dict_add_text(seen, name, strlen(name)) < 0) return AML_ENOMEM;
        r->names[j] = name;
    }
    return AML_OK;
}

aml_status csv_name_fields(csv_reader *r) {
    r->names = AML_ARRAY(r->work, r->width, const char *);
    if (!r->names) return AML_ENOMEM;
    if (!r->header) {
        if (!number_names(r)) return AML_ENOMEM;
        return csv_note(
            r, "the first line is read as data: there is no header, columns are named c1 to c%zu",
            r->width);
    }
    csv_dict seen = {.account = r->options->account};
    aml_status status = given_names(r, &seen);
    if (!status) status = made_up_names(r, &seen);
    csv_dict_free(&seen);
    return status;
}

/* ---- which columns */

static bool is_text_column(const csv_reader *r, const char *name) {
    const char *const *t = r->options->text_columns;
    for (; t && *t; t++)
        if (!strcmp(*t, name)) return true;
    return false;
}

static void want(csv_reader *r, size_t field, const aml_schema_column *schema) {
    csv_column *c = &r->columns[r->n_columns++];
    c->name = r->names[field];
    c->field = field;
    c->schema = schema;
    c->verbatim = is_text_column(r, c->name);
    c->kind = schema ? schema->kind : c->verbatim ? AML_TEXT : 0;
    c->unnamed = r->header && !in_header(r, field);
}

static aml_status fail_positions(const csv_reader *r) {
    aml_fail_at(AML_EDATA, r->stream.name, 1, 0,
                "rows have %zu fields, the model expects %zu columns", r->width,
                r->options->schema->p);
    return aml_help(AML_EDATA, "without a header, columns are taken by their place",
                    "give the file a header, or the columns in the model's order");
}

static aml_status fail_missing(const csv_reader *r, const char *first, const char *list, size_t n) {
    aml_fail_at(AML_EDATA, r->stream.name, 1, 0, "missing column%s %s", n > 1 ? "s" : "", list);
    const char *near = r->width <= 1000 ? aml_nearest(first, r->names, r->width) : NULL;
    if (near && n == 1)
        return aml_help(AML_EDATA, "the model needs it", "did you mean `%s`, which the file has?",
                        near);
    return aml_help(AML_EDATA,
                    "the model needs them: columns are matched by the names in the first line",
                    "add the column%s, or give the file its header line", n > 1 ? "s" : "");
}

static aml_status match_schema(csv_reader *r, csv_dict *fields, bool *used) {
    const aml_schema *schema = r->options->schema;
    aml_string list = {0};
    const char *first = NULL;
    size_t missing = 0;
    for (size_t k = 0; k < schema->p; k++) {
        const aml_schema_column *c = &schema->columns[k];
        int64_t field = csv_dict_find_text(fields, c->name, strlen(c->name));
        if (field >= 0) {
            want(r, (size_t)field, c);
            used[field] = true;
            continue;
        }
        if (c->optional) continue;
        if (missing++ < LISTED)
            aml_string_printf(&list, "%s`%s`", missing > 1 ? ", " : "", c->name);
        if (!first) first = c->name;
    }
    if (missing > LISTED) aml_string_printf(&list, " and %zu more", missing - LISTED);
    aml_status status = list.failed ? AML_ENOMEM
                        : missing   ? fail_missing(r, first, list.text, missing)
                                    : AML_OK;
    aml_string_free(&list);
    return status;
}

static aml_status note_ignored(csv_reader *r, const bool *used) {
    r->ignored = AML_ARRAY(r->keep, LISTED, const char *);
    if (!r->ignored) return AML_ENOMEM;
    for (size_t j = 0; j < r->width; j++) {
        if (used[j]) continue;
        if (r->n_ignored < LISTED) r->ignored[r->n_ignored] = r->names[j];
        r->n_ignored++;
    }
    return AML_OK;
}

static aml_status choose_by_name(csv_reader *r) {
    csv_dict fields = {.account = r->options->account};
    bool *used = AML_ARRAY(r->work, r->width, bool);
    aml_status status = used ? AML_OK : AML_ENOMEM;
    for (size_t j = 0; j < r->width && !status; j++)
        if (csv_dict_add_text(&fields, r->names[j], strlen(r->names[j])) < 0) status = AML_ENOMEM;
    if (!status) status = match_schema(r, &fields, used);
    if (!status) status = note_ignored(r, used);
    csv_dict_free(&fields);
    return status;
}

/* Kinds that a person gave. */
static aml_status set_kinds(csv_reader *r) {
    const aml_csv_options *o = r->options;
    csv_dict names = {.account = o->account};
    aml_status status = AML_OK;
    for (size_t j = 0; o->n_kinds && j < r->n_columns && !status; j++)
        if (csv_dict_add_text(&names, r->columns[j].name, strlen(r->columns[j].name)) < 0)
            status = AML_ENOMEM;
    for (size_t i = 0; i < o->n_kinds && !status; i++) {
        int64_t at = csv_dict_find_text(&names, o->kinds[i].name, strlen(o->kinds[i].name));
        if (at >= 0 && !r->columns[at].verbatim) r->columns[at].kind = o->kinds[i].kind;
    }
    csv_dict_free(&names);
    return status;
}

aml_status csv_choose_columns(csv_reader *r) {
    const aml_schema *schema = r->options->schema;
    size_t most = schema ? schema->p : r->width;
    r->columns = AML_ARRAY(r->work, most, csv_column);
    if (!r->columns) return AML_ENOMEM;
    if (schema && r->header) return choose_by_name(r);
    if (schema && schema->p != r->width) return fail_positions(r);
    for (size_t j = 0; j < most; j++) {
        if (schema) r->names[j] = schema->columns[j].name;
        want(r, j, schema ? &schema->columns[j] : NULL);
    }
    return schema ? AML_OK : set_kinds(r);
}
