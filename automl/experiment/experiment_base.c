/* experiment_base.c: the document of an experiment, with those that it extends put under it. */
#include <string.h>

#include "automl/core/io.h"
#include "automl/core/json_edit.h"
#include "automl/experiment/experiment_files.h"

enum { MAX_FILE = 4 << 20, DEEPEST = 8 };

static aml_status parse(aml_json **root, const char *text, size_t size, const char *path,
                        aml_arena *keep) {
    AML_TRY(aml_json_parse(root, keep, text, size, path, AML_JSON_COMMENTS, AML_ECONFIG));
    return aml_json_expand(*root, keep);
}

static aml_status read_document(aml_json **root, const char *path, aml_arena *keep) {
    char *text;
    size_t size;
    aml_status status = aml_read_file(&text, &size, path, MAX_FILE, NULL);
    if (status == AML_EDATA)
        return aml_help(aml_fail_at(AML_ECONFIG, path, 0, 0, "the file is too long"),
                        "an experiment has at most 4 MiB", "is it the right file?");
    if (status) return status;
    status = parse(root, text, size, path, keep);
    aml_free(text);
    return status;
}

/* What `over` does not say is taken from `under`, member by member of objects. */
static void fill(aml_json *over, aml_json *under) {
    aml_json **end = &over->child;
    while (*end) end = &(*end)->next;
    for (aml_json *m = under->child, *next; m; m = next) {
        aml_json *own = (aml_json *)aml_json_find(over, m->name);
        next = m->next;
        if (own && own->type == AML_JSON_OBJECT && m->type == AML_JSON_OBJECT) fill(own, m);
        if (own) continue;
        m->next = NULL;
        *end = m;
        end = &m->next;
        over->size++;
    }
}

/* Paths of a document in another folder, for somebody who is in the folder of the one that extends it. */
static aml_status move_path(aml_json *x, const char *folder, aml_arena *keep) {
    for (aml_json *item = x->child; item; item = item->next) AML_TRY(move_path(item, folder, keep));
    if (x->type != AML_JSON_STRING || x->string[0] == '/' || !strcmp(x->string, "-")) return AML_OK;
    x->string = aml_printf(keep, "%s%s", folder, x->string);
    return x->string ? AML_OK : AML_ENOMEM;
}

static aml_status move_paths(aml_json *root, const char *folder, aml_arena *keep) {
    const char *section, *key;
    for (size_t i = 0; folder[0] && aml_experiment_path_key(&section, &key, i); i++) {
        const aml_json *x = aml_json_find(aml_json_find(root, section), key);
        if (x) AML_TRY(move_path((aml_json *)x, folder, keep));
    }
    return AML_OK;
}

static aml_status cannot_extend(const aml_json *x, aml_status status) {
    aml_error error = *aml_last_error();
    aml_fail_at(status, x->file, x->line, x->column, "%s", error.message);
    return aml_help(status, NULL,
                    "`extends` names another experiment, found from this one's folder");
}

static aml_status extend(aml_json *root, int depth, aml_arena *keep) {
    const aml_key_place at = {.keep = keep, .path = "extends"};
    aml_json *x = (aml_json *)aml_json_find(root, "extends"), *base;
    if (!x || x->type == AML_JSON_NULL) return AML_OK;
    AML_TRY(aml_key_need(x, AML_JSON_STRING, &at));
    if (depth == DEEPEST) {
        aml_fail_at(AML_ECONFIG, x->file, x->line, x->column,
                    "experiments extend each other more than %d times", DEEPEST);
        return aml_help(AML_ECONFIG, NULL, "does one extend itself?");
    }
    char *folder = aml_strndup(keep, x->string, aml_folder_length(x->string));
    char *path = x->string[0] == '/' ? aml_strdup(keep, x->string)
                                     : aml_printf(keep, "%.*s%s", (int)aml_folder_length(x->file),
                                                  x->file, x->string);
    if (!folder || !path) return AML_ENOMEM;
    aml_status status = read_document(&base, path, keep);
    if (status == AML_ENOINPUT) return cannot_extend(x, status);
    if (status) return status;
    const aml_key_place top = {.keep = keep, .path = ""};
    AML_TRY(aml_key_need(base, AML_JSON_OBJECT, &top));
    AML_TRY(extend(base, depth + 1, keep));
    AML_TRY(move_paths(base, folder, keep));
    fill(root, base);
    x->type = AML_JSON_NULL; /* done */
    return AML_OK;
}

aml_status aml_experiment_document(aml_json **root, const char *text, const char *path,
                                   const char *const *sets, aml_arena *keep) {
    if (text) AML_TRY(parse(root, text, strlen(text), path, keep));
    else AML_TRY(read_document(root, path, keep));
    if ((*root)->type != AML_JSON_OBJECT) return AML_OK; /* for the table to refuse */
    AML_TRY(extend(*root, 0, keep));
    for (size_t i = 0; sets && sets[i]; i++) AML_TRY(aml_json_set(*root, sets[i], "--set", keep));
    const aml_json *late = aml_json_find(*root, "extends");
    if (!late || late->type == AML_JSON_NULL) return AML_OK;
    aml_fail_at(AML_ECONFIG, late->file, 0, 0, "`extends` cannot be set from outside");
    return aml_help(AML_ECONFIG, NULL, "write it in the file");
}
