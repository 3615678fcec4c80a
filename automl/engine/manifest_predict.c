/* manifest_predict.c: what a prediction needs of the manifest: task, classes, inputs, adjustments, members. */
#include <math.h>

#include "automl/engine/catalog.h"
#include "automl/engine/manifest.h"

size_t aml_manifest_count(const aml_json *o, const char *name) {
    double x = aml_json_number(o, name, 0);
    return x >= 0 && x < 9e15 ? (size_t)x : 0;
}

static aml_status read_classes(aml_model *m, const aml_json *list, const char *file) {
    if (!list || list->type != AML_JSON_ARRAY || list->size > 100000)
        return aml_manifest_lacks(file, "classes");
    const char **names = AML_ARRAY(m->arena, list->size + 1, const char *);
    if (!names) return AML_ENOMEM;
    size_t n = 0;
    for (const aml_json *c = list->child; c; c = c->next) {
        if (c->type != AML_JSON_STRING) return aml_manifest_lacks(file, "classes");
        names[n++] = c->string;
    }
    bool right = m->kind == AML_REGRESSION ? n == 0 : m->kind == AML_BINARY ? n == 2 : n > 2;
    if (!right) return aml_manifest_lacks(file, "number of classes");
    m->classes = names;
    m->n_classes = (int)n;
    return AML_OK;
}

static aml_status read_levels(aml_schema_column *c, aml_model *m, const aml_json *list,
                              const char *file) {
    if (!list || list->type != AML_JSON_ARRAY || list->size > INT32_MAX)
        return aml_manifest_lacks(file, "levels");
    const char **levels = AML_ARRAY(m->arena, list->size + 1, const char *);
    if (!levels) return AML_ENOMEM;
    for (const aml_json *l = list->child; l; l = l->next) {
        if (l->type != AML_JSON_STRING) return aml_manifest_lacks(file, "levels");
        levels[c->n_levels++] = l->string;
    }
    c->levels = levels;
    return AML_OK;
}

/* Tables of the levels, so that a row need not make them. */
static aml_status index_levels(aml_model *m) {
    aml_level_index *index = AML_ARRAY(m->arena, m->inputs.p + 1, aml_level_index);
    if (!index) return AML_ENOMEM;
    for (size_t i = 0; i < m->inputs.p; i++) {
        const aml_schema_column *c = &m->inputs.columns[i];
        if (c->kind == AML_CATEGORY)
            AML_TRY(aml_level_index_make(&index[i], c->levels, c->n_levels, m->arena));
    }
    m->inputs.index = index;
    return AML_OK;
}

static aml_status read_inputs(aml_model *m, const aml_json *list, const char *file) {
    if (!list || list->type != AML_JSON_ARRAY) return aml_manifest_lacks(file, "inputs");
    aml_schema_column *columns = AML_ARRAY(m->arena, list->size + 1, aml_schema_column);
    if (!columns) return AML_ENOMEM;
    size_t n = 0;
    for (const aml_json *c = list->child; c; c = c->next, n++) {
        columns[n].name = aml_json_string(c, "name", NULL);
        if (!columns[n].name || !aml_kind_parse(&columns[n].kind, aml_json_string(c, "kind", "")))
            return aml_manifest_lacks(file, "inputs");
        columns[n].day_first = aml_json_bool(c, "day_first", false);
        columns[n].unit = aml_json_string(c, "unit", NULL);
        if (columns[n].kind == AML_CATEGORY)
            AML_TRY(read_levels(&columns[n], m, aml_json_find(c, "levels"), file));
    }
    m->inputs = (aml_schema){.p = n, .columns = columns};
    return index_levels(m);
}

static aml_status read_members(aml_model *m, const aml_json *list, const char *file) {
    if (!list || list->type != AML_JSON_ARRAY || !list->size)
        return aml_manifest_lacks(file, "members");
    m->members = AML_ARRAY(m->arena, list->size, aml_member);
    if (!m->members) return AML_ENOMEM;
    for (const aml_json *x = list->child; x; x = x->next) {
        aml_member *p = &m->members[m->n_members];
        p->pipeline = aml_json_string(x, "pipeline", NULL);
        p->learner = aml_learner_find(aml_json_string(x, "learner", ""));
        p->weight = aml_json_number(x, "weight", NAN);
        size_t fits = aml_manifest_count(x, "fits");
        p->bytes = aml_manifest_count(x, "bytes");
        if (!p->learner)
            return aml_part_missing(file, "learner", aml_json_string(x, "learner", ""));
        if (!p->pipeline || !(p->weight > 0 && p->weight <= 1) || !fits || fits > 1000)
            return aml_manifest_lacks(file, "members");
        if (!(p->learner->tasks & (unsigned)m->kind))
            return aml_manifest_lacks(file, "learner for the task");
        p->fits = AML_ARRAY(m->arena, fits, aml_fit);
        if (!p->fits) return AML_ENOMEM;
        p->n_fits = fits;
        m->n_members++;
    }
    return AML_OK;
}

aml_status aml_manifest_read_predicting(aml_model *m, const aml_json *root, const char *file) {
    m->target = aml_json_string(root, "target", NULL);
    if (!m->target) return aml_manifest_lacks(file, "target");
    if (!aml_task_parse(&m->kind, aml_json_string(root, "task", "")))
        return aml_manifest_lacks(file, "task");
    AML_TRY(read_classes(m, aml_json_find(root, "classes"), file));
    AML_TRY(read_inputs(m, aml_json_find(root, "inputs"), file));
    AML_TRY(aml_read_adjustments(m, root, file));
    return read_members(m, aml_json_find(root, "members"), file);
}
