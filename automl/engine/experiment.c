/* experiment.c: an experiment from its file. */
#include "automl/engine/experiment.h"

#include <string.h>

#include "automl/core/io.h"
#include "automl/core/json_edit.h"
#include "automl/engine/experiment_files.h"

enum { MAX_FILE = 4 << 20 };

static aml_status parse(aml_experiment *e, const char *path, const char *const *sets) {
    char *text;
    size_t size;
    aml_status status = aml_read_file(&text, &size, path, MAX_FILE, NULL);
    if (status == AML_EDATA)
        return aml_help(aml_fail_at(AML_ECONFIG, path, 0, 0, "the file is too long"),
                        "an experiment has at most 4 MiB", "is it the right file?");
    if (status) return status;
    status = aml_json_parse(&e->root, e->arena, text, size, path, AML_JSON_COMMENTS, AML_ECONFIG);
    aml_free(text);
    if (!status) status = aml_json_expand(e->root, e->arena);
    if (!status && sets && sets[0] && e->root->type != AML_JSON_OBJECT) return AML_OK;
    for (size_t i = 0; !status && sets && sets[i]; i++)
        status = aml_json_set(e->root, sets[i], "--set", e->arena);
    return status;
}

static aml_status read_all(aml_experiment *e, const char *path, const char *const *sets) {
    const aml_key_place at = {.keep = e->arena, .path = "", .root = aml_experiment_keys};
    e->options.size = sizeof e->options;
    e->reading.size = sizeof e->reading;
    e->files.size = sizeof e->files;
    e->path = aml_strdup(e->arena, path);
    if (!e->path) return AML_ENOMEM;
    AML_TRY(parse(e, path, sets));
    AML_TRY(aml_keys_read(e, e->root, aml_experiment_keys, &at));
    AML_TRY(aml_experiment_place(e));
    AML_TRY(aml_experiment_agree(e));
    if (e->options.featurization)
        e->reading.text = aml_featurization_texts(e->options.featurization);
    e->reading.threads = e->options.threads;
    e->reading.memory_limit = e->options.memory_limit;
    if (!(e->options.time_limit > 0) && !e->options.trials) e->options.time_limit = 60;
    return AML_OK;
}

aml_status aml_experiment_read(aml_experiment **out, const char *path, const char *const *sets) {
    aml_arena *arena = aml_arena_new(NULL);
    aml_experiment *e = arena ? AML_NEW(arena, aml_experiment) : NULL;
    aml_status status = AML_ENOMEM;
    *out = NULL;
    if (e) {
        e->arena = arena;
        status = read_all(e, path, sets);
    }
    if (status) aml_arena_free(arena);
    else *out = e;
    return status;
}

void aml_experiment_free(aml_experiment *e) {
    if (e) aml_arena_free(e->arena);
}

const aml_read_options *aml_experiment_reading(const aml_experiment *e) { return &e->reading; }
const aml_train_options *aml_experiment_options(const aml_experiment *e) { return &e->options; }
const char *aml_experiment_name(const aml_experiment *e) { return e->name; }

const char *aml_experiment_description(const aml_experiment *e) {
    return e->description ? e->description : "";
}

void aml_experiment_paths(const aml_experiment *e, aml_experiment_files *out) {
    size_t size = out->size < sizeof *out ? out->size : sizeof *out;
    memcpy(out, &e->files, size);
    out->size = size;
}

int aml_experiment_tag(const aml_experiment *e, size_t i, const char **name, const char **value) {
    size_t n = 0;
    while (e->tags && e->tags[n].name) n++;
    if (i >= n) return 0;
    *name = e->tags[i].name;
    *value = e->tags[i].value;
    return 1;
}

static char *pretty(aml_string *compact) {
    aml_string s = {0};
    if (!compact->failed) aml_json_pretty(&s, compact->text, compact->length);
    aml_string_put(&s, "\n");
    bool failed = compact->failed || s.failed;
    aml_string_free(compact);
    if (!failed) return s.text;
    aml_string_free(&s);
    return NULL;
}

char *aml_experiment_json(const aml_experiment *e) {
    aml_string s = {0};
    aml_json_put(&s, e->root);
    return pretty(&s);
}

char *aml_experiment_schema(void) {
    aml_string s = {0};
    aml_string_put(&s, "{");
    aml_json_add_string(&s, "$schema", "https://json-schema.org/draft/2020-12/schema");
    aml_json_add_string(&s, "title", "automl experiment");
    aml_json_add_string(&s, "description",
                        "What `automl run` takes. Comments are allowed in the file.");
    aml_keys_schema_members(&s, aml_experiment_keys);
    aml_string_put(&s, "}");
    return pretty(&s);
}
