/* model.c: a model's life, and what is known about it. */
#include "automl/engine/model.h"

#include "automl/core/call.h"

#include <math.h>

aml_model *aml_model_new(void) {
    aml_model *m = aml_calloc(1, sizeof *m);
    if (!m) return NULL;
    m->threshold = 0.5;
    m->arena = aml_arena_new(&m->account);
    if (m->arena) return m;
    aml_free(m);
    return NULL;
}

void aml_model_free(aml_model *m) {
    if (!m) return;
    for (size_t i = 0; i < m->n_members; i++)
        for (size_t f = 0; f < m->members[i].n_fits; f++) aml_fit_free(&m->members[i].fits[f]);
    aml_arena_free(m->arena);
    aml_free(m);
}

aml_status aml_model_predicts(const aml_model *m) {
    if (m->n_members && m->members[0].n_fits) return AML_OK;
    return aml_help(aml_fail(AML_EUSAGE, "the leaderboard of a run is no model: it cannot predict"),
                    NULL, "load the model file of the run: aml_model_load");
}

size_t aml_model_choose(const aml_model *m, const double *outputs) {
    AML_NEED_OR(m, 0);
    AML_NEED_OR(outputs, 0);
    if (m->n_classes == 2) return outputs[0] > m->threshold;
    size_t best = 0;
    for (size_t i = 1; i < (size_t)m->n_classes; i++)
        if (outputs[i] > outputs[best]) best = i;
    return best;
}

/* ---- what it is */

size_t aml_model_outputs(const aml_model *m) {
    AML_NEED_OR(m, 0);
    return (size_t)aml_task_outputs(m->kind, m->n_classes);
}
const char *aml_model_task(const aml_model *m) {
    AML_NEED_OR(m, "");
    return aml_task_name(m->kind);
}
const char *aml_model_metric(const aml_model *m) {
    AML_NEED_OR(m, "");
    return m->metric->name;
}
const char *aml_model_target(const aml_model *m) {
    AML_NEED_OR(m, "");
    return m->target;
}
const char *aml_model_run(const aml_model *m) {
    AML_NEED_OR(m, "");
    return m->run ? m->run : "";
}
size_t aml_model_classes(const aml_model *m) {
    AML_NEED_OR(m, 0);
    return (size_t)m->n_classes;
}
const char *aml_model_class(const aml_model *m, size_t i) {
    AML_NEED_OR(m, NULL);
    return i < (size_t)m->n_classes ? m->classes[i] : NULL;
}
double aml_model_threshold(const aml_model *m) {
    AML_NEED_OR(m, NAN);
    return m->n_classes == 2 ? m->threshold : NAN;
}
const char *aml_model_calibration(const aml_model *m) {
    AML_NEED_OR(m, "");
    return aml_calibrator_names[m->calibrator.kind];
}
void aml_model_score(const aml_model *m, aml_score *out) {
    AML_NEED_OR(m, );
    AML_NEED_OR(out, );
    aml_call_give(out, &m->score, sizeof *out);
}

int aml_model_leader(const aml_model *m, size_t i, aml_leader *out) {
    AML_NEED_OR(m, 0);
    AML_NEED_OR(out, 0);
    return i < m->n_leaders && aml_call_give(out, &m->leaders[i], sizeof *out);
}

int aml_model_alternative(const aml_model *m, size_t i, aml_alternative *out) {
    AML_NEED_OR(m, 0);
    AML_NEED_OR(out, 0);
    return i < m->n_alternatives && aml_call_give(out, &m->alternatives[i], sizeof *out);
}

int aml_model_forecast(const aml_model *m, aml_forecast *out) {
    AML_NEED_OR(m, 0);
    AML_NEED_OR(out, 0);
    return m->forecast.trials && aml_call_give(out, &m->forecast, sizeof *out);
}

int aml_model_guardrail(const aml_model *m, size_t i, aml_guardrail *out) {
    AML_NEED_OR(m, 0);
    AML_NEED_OR(out, 0);
    return i < m->guardrails.n && aml_call_give(out, &m->guardrails.at[i], sizeof *out);
}

int aml_model_input(const aml_model *m, size_t i, aml_input_column *out) {
    AML_NEED_OR(m, 0);
    AML_NEED_OR(out, 0);
    if (i >= m->inputs.p) return 0;
    const aml_schema_column *c = &m->inputs.columns[i];
    const aml_input_column x = {
        .name = c->name, .kind = aml_kind_name(c->kind), .levels = c->n_levels};
    return aml_call_give(out, &x, sizeof x);
}

int aml_model_part(const aml_model *m, size_t i, aml_part *out) {
    AML_NEED_OR(m, 0);
    AML_NEED_OR(out, 0);
    if (i >= m->n_members) return 0;
    const aml_member *p = &m->members[i];
    const aml_part x = {
        .pipeline = p->pipeline, .weight = p->weight, .fits = p->n_fits, .bytes = p->bytes};
    return aml_call_give(out, &x, sizeof x);
}

int aml_model_importance(const aml_model *m, size_t i, const char **name, double *share) {
    AML_NEED_OR(m, 0);
    AML_NEED_OR(name, 0);
    AML_NEED_OR(share, 0);
    if (!m->importance || i >= m->inputs.p) return 0;
    for (size_t c = 0; c < m->inputs.p; c++) { /* the column that i others are before */
        size_t before = 0;
        for (size_t o = 0; o < m->inputs.p; o++)
            before += m->importance[o] > m->importance[c] ||
                      (o < c && m->importance[o] == m->importance[c]);
        if (before != i) continue;
        *name = m->inputs.columns[c].name;
        *share = m->importance[c];
        return 1;
    }
    return 0;
}
