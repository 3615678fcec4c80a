/* model.c: the public side of a model: loading, and what it wants and gives. */
#include "automl/score/model.h"

#include <math.h>
#include <string.h>

#include "automl/core/call.h"
#include "automl/engine/manifest.h"

/* The manifest, of which nothing but what a prediction needs is read. */
aml_status aml_manifest_read(aml_model *m, const char *text, size_t length, const char *file) {
    aml_json *root;
    AML_TRY(aml_json_parse(&root, m->arena, text, length, file, 0, AML_EDATA));
    if (root->type != AML_JSON_OBJECT) return aml_manifest_lacks(file, "object");
    return aml_manifest_read_predicting(m, root, file);
}

const char *aml_score_version(void) { return AUTOML_VERSION; }
const aml_error *aml_score_last_error(void) { return aml_last_error(); }
void aml_score_format_error(char *out, size_t size, const aml_error *error) {
    if (!out || !size || !error) return;
    aml_format_error(out, size, error);
}

/* ---- loading */

static aml_status wrap(aml_score_model **out, aml_model *m) {
    aml_score_model *model = aml_calloc(1, sizeof *model);
    if (!model) {
        aml_model_free(m);
        return AML_ENOMEM;
    }
    model->m = m;
    *out = model;
    return AML_OK;
}

aml_status aml_score_load(aml_score_model **out, const char *path) {
    aml_model *m;
    AML_NEED(out);
    *out = NULL;
    AML_NEED(path);
    AML_TRY(aml_model_load(&m, path));
    return wrap(out, m);
}

aml_status aml_score_load_memory(aml_score_model **out, const void *data, size_t size) {
    aml_model *m;
    AML_NEED(out);
    *out = NULL;
    AML_NEED(data);
    AML_TRY(aml_model_load_memory(&m, data, size));
    return wrap(out, m);
}

void aml_score_free(aml_score_model *model) {
    if (model) aml_model_free(model->m);
    aml_free(model);
}

/* ---- what it is */

const char *aml_score_task(const aml_score_model *m) {
    AML_NEED_OR(m, "");
    return aml_model_task(m->m);
}

const char *aml_score_target(const aml_score_model *m) {
    AML_NEED_OR(m, "");
    return m->m->target;
}

size_t aml_score_classes(const aml_score_model *m) {
    AML_NEED_OR(m, 0);
    return aml_model_classes(m->m);
}

const char *aml_score_class(const aml_score_model *m, size_t i) {
    AML_NEED_OR(m, NULL);
    return aml_model_class(m->m, i);
}

size_t aml_score_outputs(const aml_score_model *m) {
    AML_NEED_OR(m, 0);
    return aml_model_outputs(m->m);
}

double aml_score_threshold(const aml_score_model *m) {
    AML_NEED_OR(m, NAN);
    return aml_model_threshold(m->m);
}

size_t aml_score_choose(const aml_score_model *m, const double *outputs) {
    AML_NEED_OR(m, 0);
    AML_NEED_OR(outputs, 0);
    return m->m->n_classes ? aml_model_choose(m->m, outputs) : 0;
}

size_t aml_score_inputs(const aml_score_model *m) {
    AML_NEED_OR(m, 0);
    return m->m->inputs.p;
}

int aml_score_input_at(const aml_score_model *m, size_t i, aml_score_input *out) {
    aml_score_input all = {.size = sizeof all};
    AML_NEED_OR(m, 0);
    AML_NEED_OR(out, 0);
    if (i >= m->m->inputs.p) return 0;
    const aml_schema_column *c = &m->m->inputs.columns[i];
    all.name = c->name;
    all.kind = aml_kind_name(c->kind);
    all.levels = c->n_levels;
    return aml_call_give(out, &all, sizeof all);
}

const char *aml_score_level(const aml_score_model *m, size_t input, size_t level) {
    AML_NEED_OR(m, NULL);
    const aml_schema *s = &m->m->inputs;
    bool known = input < s->p && level < s->columns[input].n_levels;
    return known ? s->columns[input].levels[level] : NULL;
}

ptrdiff_t aml_score_find(const aml_score_model *m, const char *name) {
    AML_NEED_OR(m, -1);
    AML_NEED_OR(name, -1);
    const aml_schema *s = &m->m->inputs;
    for (size_t i = 0; i < s->p; i++)
        if (!strcmp(s->columns[i].name, name)) return (ptrdiff_t)i;
    return -1;
}
