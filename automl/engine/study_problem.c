/* study_problem.c: what is known before the search: what a fit by each learner's defaults takes, and which pipelines did well on data
 * like these. */
#include <math.h>
#include <string.h>

#include "automl/engine/lessons.h"
#include "search/parts/metafeatures.h"
#include "search/parts/prior.h"

/* Learners that stop early end sooner on easy data: where there is time for some of their fits, their turn comes before that
 * of others as slow. */
static const double EARLIER = 0.25;

/* What a learner that takes no categories gets is wider: indicators of their levels. */
static aml_shape shape_for(const aml_study *s, const aml_learner *l) {
    enum { MOST_INDICATORS = 64 }; /* of a column; more are mostly rare */
    aml_shape shape = s->facts.shape;
    for (size_t i = 0; i < s->view.p && !(l->can & AML_CAN_CATEGORIES); i++) {
        const aml_column *c = &s->view.columns[i];
        if (c->kind != AML_CATEGORY || c->n_levels < 2) continue;
        shape.p += (c->n_levels < MOST_INDICATORS ? c->n_levels : MOST_INDICATORS) - 1;
    }
    return shape;
}

/* What a fit by each learner's defaults is expected to take. */
static aml_status default_costs(const double **out, aml_study *s) {
    double *cost = AML_ARRAY(s->ctx.keep, s->composer.n_learners, double);
    if (!cost) return AML_ENOMEM;
    for (size_t i = 0; i < s->composer.n_learners; i++) {
        const aml_learner *l = s->composer.learners[i];
        double hp[AML_MAX_PARAMS] = {0};
        aml_params_defaults(hp, l->params);
        aml_shape shape = shape_for(s, l);
        double left = s->deadline > 0 ? s->deadline - aml_now() : INFINITY;
        cost[i] = l->cost ? l->cost(hp, &shape) : 1;
        if ((l->can & AML_EARLY_STOPS) && cost[i] < EARLIER * left) cost[i] *= EARLIER;
        if (!(l->can & AML_ANYTIME) && cost[i] > left) cost[i] = INFINITY; /* not to be tried */
    }
    *out = cost;
    return AML_OK;
}

/* A run that goes on, or is repeated, learns from what it learnt from at first. */
static aml_status recall(bool *found, aml_lessons *lessons, aml_study *s) {
    const void *text = NULL;
    size_t size = 0;
    if (s->journal) AML_TRY(aml_journal_get(&text, &size, s->journal, "learnt"));
    *found = text != NULL;
    return text ? aml_lessons_parse(lessons, text, size, s->ctx.keep) : AML_OK;
}

static aml_status learn_from(aml_lessons *lessons, aml_study *s) {
    bool found;
    AML_TRY(recall(&found, lessons, s));
    if (found) return AML_OK;
    AML_TRY(aml_lessons_read(lessons, s->options->learn_from, s->ctx.keep));
    aml_study_log(s, AML_LOG_NOTE, "learnt from %zu finished run%s of %s", lessons->runs,
                  lessons->runs == 1 ? "" : "s", s->options->learn_from);
    if (lessons->left_out)
        aml_study_log(s, AML_LOG_NOTE, "%zu of other versions of automl are left out",
                      lessons->left_out);
    if (!s->journal || !lessons->knowledge) return AML_OK;
    aml_string text = {0};
    aml_knowledge_write(&text, lessons->knowledge);
    aml_status status =
        text.failed ? AML_ENOMEM : aml_journal_put(s->journal, "learnt", text.text, text.length);
    aml_string_free(&text);
    return status;
}

static aml_status find_knowledge(aml_study *s) {
    size_t size;
    const char *text = aml_knowledge_text(&size);
    aml_lessons lessons = {0};
    AML_TRY(aml_knowledge_parse(&s->knowledge, text, size, "the built-in knowledge", s->ctx.keep));
    if (!s->options->learn_from) return AML_OK;
    AML_TRY(learn_from(&lessons, s));
    if (!lessons.knowledge) return AML_OK;
    return aml_knowledge_merge(&s->knowledge, s->knowledge, lessons.knowledge, s->ctx.keep);
}

aml_status aml_study_problem(aml_study *s) {
    double *features = AML_ARRAY(s->ctx.keep, AML_METAFEATURES, double);
    if (!features) return AML_ENOMEM;
    s->ctx.rng = aml_rng_stream(s->options->seed, AML_RNG_SAMPLE, 1, 0);
    AML_TRY(aml_metafeatures(features, &s->view, NULL, &s->task, &s->ctx));
    s->problem = (aml_problem){.features = features,
                               .n_features = AML_METAFEATURES,
                               .task = (int)s->task.kind,
                               .metric = s->model->metric->name,
                               .baseline_loss = s->yardstick->loss,
                               .shape = s->facts.shape};
    AML_TRY(default_costs(&s->problem.default_cost, s));
    AML_TRY(find_knowledge(s));
    const aml_prior *prior;
    AML_TRY(aml_prior_new(&prior, s->knowledge, &s->problem, s->options->forget, &s->ctx));
    s->problem.knowledge = prior;
    return AML_OK;
}
