/* model.c: a model's life, and what is known about it. */
#include "automl/engine/model.h"

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

size_t aml_model_choose(const aml_model *m, const double *p) {
    if (m->n_classes == 2) return p[0] > m->threshold;
    size_t best = 0;
    for (size_t i = 1; i < (size_t)m->n_classes; i++)
        if (p[i] > p[best]) best = i;
    return best;
}

/* ---- what it is */

size_t aml_model_outputs(const aml_model *m) {
    return (size_t)aml_task_outputs(m->kind, m->n_classes);
}
const char *aml_model_task(const aml_model *m) { return aml_task_name(m->kind); }
const char *aml_model_metric(const aml_model *m) { return m->metric->name; }
const char *aml_model_target(const aml_model *m) { return m->target; }
const char *aml_model_run(const aml_model *m) { return m->run ? m->run : ""; }
size_t aml_model_classes(const aml_model *m) { return (size_t)m->n_classes; }
const char *aml_model_class(const aml_model *m, size_t i) {
    return i < (size_t)m->n_classes ? m->classes[i] : NULL;
}
double aml_model_threshold(const aml_model *m) { return m->n_classes == 2 ? m->threshold : NAN; }
const char *aml_model_calibration(const aml_model *m) {
    return aml_calibrator_names[m->calibrator.kind];
}
void aml_model_score(const aml_model *m, aml_score *out) { *out = m->score; }

int aml_model_leader(const aml_model *m, size_t i, aml_leader *out) {
    if (i < m->n_leaders) *out = m->leaders[i];
    return i < m->n_leaders;
}

int aml_model_alternative(const aml_model *m, size_t i, aml_alternative *out) {
    if (i < m->n_alternatives) *out = m->alternatives[i];
    return i < m->n_alternatives;
}

int aml_model_forecast(const aml_model *m, aml_forecast *out) {
    if (m->forecast.trials) *out = m->forecast;
    return m->forecast.trials > 0;
}

int aml_model_guardrail(const aml_model *m, size_t i, aml_guardrail *out) {
    if (i < m->guardrails.n) *out = m->guardrails.at[i];
    return i < m->guardrails.n;
}

int aml_model_input(const aml_model *m, size_t i, aml_input_column *out) {
    if (i >= m->inputs.p) return 0;
    const aml_schema_column *c = &m->inputs.columns[i];
    *out = (aml_input_column){.size = sizeof *out,
                              .name = c->name,
                              .kind = aml_kind_name(c->kind),
                              .levels = c->n_levels};
    return 1;
}

int aml_model_part(const aml_model *m, size_t i, aml_part *out) {
    if (i >= m->n_members) return 0;
    const aml_member *p = &m->members[i];
    *out = (aml_part){.size = sizeof *out,
                      .pipeline = p->pipeline,
                      .weight = p->weight,
                      .fits = p->n_fits,
                      .bytes = p->bytes};
    return 1;
}

int aml_model_importance(const aml_model *m, size_t i, const char **name, double *share) {
    if (!m->importance || i >= m->inputs.p) return 0;
    for (size_t c = 0; c < m->inputs.p; c++) { /* the column that i others are before */
        size_t before = 0;
        for (size_t o = 0; o < m->inputs.p; o++)
            before += m->importance[o] > m->importance[c] ||
                      (m->importance[o] == m->importance[c] && o < c);
        if (before != i) continue;
        *name = m->inputs.columns[c].name;
        *share = m->importance[c];
        return 1;
    }
    return 0;
}
