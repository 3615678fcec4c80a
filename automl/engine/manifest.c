/* manifest.c: what is known about a model as JSON, written and read. */
#include "automl/engine/manifest.h"

#include <math.h>
#include <string.h>

#include "automl/core/json.h"
#include "automl/engine/catalog.h"

/* ---- writing */

void aml_put_leader(aml_string *s, const aml_leader *l, unsigned flags) {
    aml_json_comma(s);
    aml_string_put(s, "{");
    aml_json_add_number(s, "rank", (double)l->rank);
    aml_json_add_number(s, "trial", l->trial == SIZE_MAX ? NAN : (double)l->trial);
    aml_json_add_string(s, "learner", l->learner);
    aml_json_add_string(s, "pipeline", l->pipeline);
    aml_json_add_string(s, "state", l->state);
    if (l->reason[0]) aml_json_add_string(s, "reason", l->reason);
    aml_json_add_number(s, "score", l->score);
    aml_json_add_number(s, "error", l->error);
    aml_json_add_number(s, "folds", (double)l->folds);
    aml_json_add_number(s, "folds_done", (double)l->folds_done);
    aml_json_add_number(s, "bytes", (double)l->bytes);
    aml_json_add_number(s, "weight", l->weight);
    if (!(flags & AML_NO_TIMINGS)) {
        aml_json_key(s, "timings");
        aml_string_put(s, "{");
        aml_json_add_number(s, "fit_seconds", l->fit_seconds);
        aml_json_add_number(s, "predict_us_per_row", l->predict_us);
        aml_string_put(s, "}");
    }
    aml_string_put(s, "}");
}

static void put_names(aml_string *s, const char *key, const char *const *names) {
    aml_json_key(s, key);
    aml_string_put(s, "[");
    for (; *names; names++) {
        aml_json_comma(s);
        aml_json_put_string(s, *names);
    }
    aml_string_put(s, "]");
}

void aml_put_guardrails(aml_string *s, const aml_guardrail_list *list) {
    aml_string_put(s, "[");
    for (size_t i = 0; i < list->n; i++) {
        const aml_guardrail *g = &list->at[i];
        aml_json_comma(s);
        aml_string_put(s, "{");
        aml_json_add_string(s, "id", g->id);
        aml_json_add_string(s, "status", g->status);
        aml_json_add_string(s, "message", g->message);
        aml_json_add_string(s, "action", g->action);
        aml_json_add_number(s, "count", (double)g->count);
        aml_json_add_string(s, "severity", g->severity);
        aml_json_add_string(s, "unit", g->unit);
        aml_json_add_string(s, "undo", g->undo);
        if (g->columns) put_names(s, "columns", g->columns);
        aml_string_put(s, "}");
    }
    aml_string_put(s, "]");
}

static void put_inputs(aml_string *s, const aml_schema *inputs) {
    aml_string_put(s, "[");
    for (size_t i = 0; i < inputs->p; i++) {
        const aml_schema_column *c = &inputs->columns[i];
        aml_json_comma(s);
        aml_string_put(s, "{");
        aml_json_add_string(s, "name", c->name);
        aml_json_add_string(s, "kind", aml_kind_name(c->kind));
        if (c->day_first) {
            aml_json_key(s, "day_first");
            aml_string_put(s, "true");
        }
        if (c->unit) aml_json_add_string(s, "unit", c->unit);
        if (c->kind == AML_CATEGORY) {
            aml_json_key(s, "levels");
            aml_string_put(s, "[");
            for (uint32_t l = 0; l < c->n_levels; l++) {
                aml_json_comma(s);
                aml_json_put_string(s, c->levels[l]);
            }
            aml_string_put(s, "]");
        }
        aml_string_put(s, "}");
    }
    aml_string_put(s, "]");
}

static void put_members(aml_string *s, const aml_model *m) {
    aml_string_put(s, "[");
    for (size_t i = 0; i < m->n_members; i++) {
        const aml_member *p = &m->members[i];
        aml_json_comma(s);
        aml_string_put(s, "{");
        aml_json_add_string(s, "pipeline", p->pipeline);
        aml_json_add_string(s, "learner", p->learner->name);
        aml_json_add_number(s, "weight", p->weight);
        aml_json_add_number(s, "fits", (double)p->n_fits);
        aml_json_add_number(s, "bytes", (double)p->bytes);
        aml_string_put(s, "}");
    }
    aml_string_put(s, "]");
}

aml_status aml_manifest_write(aml_string *s, const aml_model *m) {
    aml_string_put(s, "{");
    aml_json_add_string(s, "automl", m->version);
    aml_json_add_string(s, "task", aml_task_name(m->kind));
    aml_json_add_string(s, "metric", m->metric->name);
    aml_json_add_string(s, "target", m->target);
    aml_json_key(s, "classes");
    aml_string_put(s, "[");
    for (int i = 0; i < m->n_classes; i++) {
        aml_json_comma(s);
        aml_json_put_string(s, m->classes[i]);
    }
    aml_string_put(s, "]");
    aml_json_add_number(s, "rows", (double)m->n_rows);
    aml_json_add_string(s, "data_fingerprint", m->fingerprint);
    aml_json_add_string(s, "validation", m->validation);
    aml_json_key(s, "seed");
    aml_string_printf(s, "\"%llu\"", (unsigned long long)m->seed);
    aml_json_key(s, "inputs");
    put_inputs(s, &m->inputs);
    aml_json_key(s, "score");
    aml_put_score(s, &m->score);
    aml_put_adjustments(s, m);
    aml_put_numbers(s, "importance", m->importance, m->importance ? m->inputs.p : 0);
    aml_json_key(s, "members");
    put_members(s, m);
    aml_json_key(s, "leaderboard");
    aml_string_put(s, "[");
    for (size_t i = 0; i < m->n_leaders; i++) aml_put_leader(s, &m->leaders[i], AML_NO_TIMINGS);
    aml_string_put(s, "]");
    aml_json_key(s, "guardrails");
    aml_put_guardrails(s, &m->guardrails);
    aml_string_put(s, "}");
    return s->failed ? AML_ENOMEM : AML_OK;
}

/* ---- reading: a manifest that lacks a part is a damaged model */

static double number_or_nan(const aml_json *o, const char *name) {
    return aml_json_number(o, name, NAN);
}

static aml_status read_importance(aml_model *m, const aml_json *list, const char *file) {
    if (!list || list->type != AML_JSON_ARRAY) return aml_manifest_lacks(file, "importance");
    if (!list->size) return AML_OK;
    if (list->size != m->inputs.p) return aml_manifest_lacks(file, "importance");
    m->importance = AML_ARRAY(m->arena, m->inputs.p + 1, double);
    if (!m->importance) return AML_ENOMEM;
    size_t i = 0;
    for (const aml_json *x = list->child; x; x = x->next, i++)
        m->importance[i] = x->type == AML_JSON_NUMBER ? x->number : 0;
    return AML_OK;
}

static aml_status read_leaders(aml_model *m, const aml_json *list, const char *file) {
    if (!list || list->type != AML_JSON_ARRAY) return aml_manifest_lacks(file, "leaderboard");
    m->leaders = AML_ARRAY(m->arena, list->size + 1, aml_leader);
    if (!m->leaders) return AML_ENOMEM;
    for (const aml_json *x = list->child; x; x = x->next) {
        aml_leader *l = &m->leaders[m->n_leaders++];
        double trial = number_or_nan(x, "trial");
        *l = (aml_leader){.size = sizeof *l,
                          .rank = aml_manifest_count(x, "rank"),
                          .trial = trial >= 0 ? (size_t)trial : SIZE_MAX,
                          .pipeline = aml_json_string(x, "pipeline", ""),
                          .learner = aml_json_string(x, "learner", ""),
                          .state = aml_json_string(x, "state", ""),
                          .reason = aml_json_string(x, "reason", ""),
                          .score = number_or_nan(x, "score"),
                          .error = number_or_nan(x, "error"),
                          .folds = aml_manifest_count(x, "folds"),
                          .folds_done = aml_manifest_count(x, "folds_done"),
                          .bytes = aml_manifest_count(x, "bytes"),
                          .weight = aml_json_number(x, "weight", 0),
                          .fit_seconds = NAN,
                          .predict_us = NAN};
    }
    return AML_OK;
}

static aml_status read_guardrails(aml_model *m, const aml_json *list, const char *file) {
    if (!list || list->type != AML_JSON_ARRAY) return aml_manifest_lacks(file, "guardrails");
    for (const aml_json *x = list->child; x; x = x->next) {
        AML_TRY(aml_guardrail_add(&m->guardrails, m->arena, aml_json_string(x, "id", ""),
                                  aml_json_string(x, "status", ""), aml_manifest_count(x, "count"),
                                  aml_json_string(x, "action", ""), "%s",
                                  aml_json_string(x, "message", "")));
        const aml_json *columns = aml_json_find(x, "columns");
        size_t n = 0;
        if (!columns || columns->type != AML_JSON_ARRAY) continue;
        const char **names = AML_ARRAY(m->arena, columns->size + 1, const char *);
        if (!names) return AML_ENOMEM;
        for (const aml_json *c = columns->child; c; c = c->next)
            if (c->type == AML_JSON_STRING) names[n++] = c->string;
        AML_TRY(aml_guardrail_names(&m->guardrails, m->arena, names));
    }
    return AML_OK;
}

aml_status aml_manifest_read(aml_model *m, const char *text, size_t length, const char *file) {
    aml_json *root;
    AML_TRY(aml_json_parse(&root, m->arena, text, length, file, 0, AML_EDATA));
    if (root->type != AML_JSON_OBJECT) return aml_manifest_lacks(file, "object");
    m->version = aml_json_string(root, "automl", "");
    m->metric = aml_metric_find(aml_json_string(root, "metric", ""));
    m->validation = aml_json_string(root, "validation", "");
    m->fingerprint = aml_json_string(root, "data_fingerprint", "");
    m->n_rows = aml_manifest_count(root, "rows");
    int64_t seed = 0;
    const char *seed_text = aml_json_string(root, "seed", "0");
    if (aml_parse_int64(&seed, seed_text, strlen(seed_text))) m->seed = (uint64_t)seed;
    if (!m->metric) return aml_part_missing(file, "metric", aml_json_string(root, "metric", ""));
    AML_TRY(aml_manifest_read_predicting(m, root, file));
    AML_TRY(read_importance(m, aml_json_find(root, "importance"), file));
    AML_TRY(read_leaders(m, aml_json_find(root, "leaderboard"), file));
    AML_TRY(read_guardrails(m, aml_json_find(root, "guardrails"), file));
    return aml_read_score(m, aml_json_find(root, "score"), file);
}
