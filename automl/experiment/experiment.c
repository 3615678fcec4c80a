/* experiment.c: an experiment from its file. */
#include "automl/experiment/experiment.h"

#include <string.h>

#include "automl/core/call.h"
#include "automl/core/json_edit.h"
#include "automl/experiment/experiment_files.h"

static aml_status read_all(aml_experiment *e, const char *text, const char *path,
                           const char *const *sets) {
    const aml_key_place at = {.keep = e->arena, .path = "", .root = aml_experiment_keys};
    e->options.size = sizeof e->options;
    e->reading.size = sizeof e->reading;
    e->files.size = sizeof e->files;
    e->path = aml_strdup(e->arena, path);
    if (!e->path) return AML_ENOMEM;
    AML_TRY(aml_experiment_document(&e->root, text, path, sets, e->arena));
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

/* text NULL: that of the file. */
static aml_status make(aml_experiment **out, const char *text, const char *path,
                       const char *const *sets) {
    aml_arena *arena = aml_arena_new(NULL);
    aml_experiment *e = arena ? AML_NEW(arena, aml_experiment) : NULL;
    aml_status status = AML_ENOMEM;
    if (e) {
        e->arena = arena;
        status = read_all(e, text, path, sets);
    }
    if (status) aml_arena_free(arena);
    else *out = e;
    return status;
}

aml_status aml_experiment_parse(aml_experiment **out, const char *text, const char *path,
                                const char *const *sets) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(text);
    AML_NEED(path);
    return make(out, text, path, sets);
}

aml_status aml_experiment_read(aml_experiment **out, const char *path, const char *const *sets) {
    AML_NEED(out);
    *out = NULL;
    AML_NEED(path);
    return make(out, NULL, path, sets);
}

void aml_experiment_free(aml_experiment *e) {
    if (e) aml_arena_free(e->arena);
}

const aml_read_options *aml_experiment_reading(const aml_experiment *e) {
    AML_NEED_OR(e, NULL);
    return &e->reading;
}
const aml_train_options *aml_experiment_options(const aml_experiment *e) {
    AML_NEED_OR(e, NULL);
    return &e->options;
}
const char *aml_experiment_name(const aml_experiment *e) {
    AML_NEED_OR(e, "");
    return e->name;
}

const char *aml_experiment_description(const aml_experiment *e) {
    AML_NEED_OR(e, "");
    return e->description ? e->description : "";
}

void aml_experiment_paths(const aml_experiment *e, aml_experiment_files *out) {
    AML_NEED_OR(e, );
    AML_NEED_OR(out, );
    aml_call_give(out, &e->files, sizeof *out);
}

int aml_experiment_tag(const aml_experiment *e, size_t i, const char **name, const char **value) {
    AML_NEED_OR(e, 0);
    AML_NEED_OR(name, 0);
    AML_NEED_OR(value, 0);
    size_t n = 0;
    while (e->tags && e->tags[n].name) n++;
    if (i >= n) return 0;
    *name = e->tags[i].name;
    *value = e->tags[i].value;
    return 1;
}

char *aml_experiment_json(const aml_experiment *e) {
    AML_NEED_OR(e, NULL);
    aml_string s = {0};
    aml_json_put_by(&s, e->root, aml_json_put_unexpanded);
    return aml_json_finish(&s);
}

char *aml_experiment_schema(void) {
    aml_string s = {0};
    aml_string_put(&s, "{");
    aml_json_add_string(&s, "$schema", "https://json-schema.org/draft/2020-12/schema");
    aml_json_add_string(&s, "title", "automl experiment");
    aml_json_add_string(&s, "description",
                        "What `automl run` takes. Comments are allowed in the file.");
    aml_keys_schema_members(&s, aml_experiment_keys);
    aml_string_put(&s, ",\"anyOf\":[{\"required\":[\"extends\"]},{\"required\":[\"data\"],"
                       "\"properties\":{\"data\":{\"type\":\"object\",\"required\":[\"train\","
                       "\"target\"],\"properties\":{\"train\":{\"type\":\"string\"},"
                       "\"target\":{\"type\":\"string\"}}}}}]}");
    return aml_json_finish(&s);
}
