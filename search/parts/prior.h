/* prior.h: the knowledge of past datasets made ready for one problem, and what it says after some
 * trials. */
#ifndef AML_SEARCH_PRIOR_H
#define AML_SEARCH_PRIOR_H

#include "automl/core/history.h"
#include "search/parts/knowledge.h"
#include "search/parts/mix.h"

/* What problem->knowledge points to; made once before a search, immutable. */
typedef struct aml_prior {
    const aml_knowledge_table *table;
    const aml_mix_prior *mix;  /* relative losses; NULL when the table has no rows */
    const double *weights;     /* mix->n: how much each past dataset counts */
    const double *seconds_log; /* p: predicted for this dataset's size */
    const double *seconds_cov; /* p × p: of what the prediction misses */
    const size_t *portfolio;   /* p: greedy order by loss alone, and by loss per second^0.5 */
    const size_t *portfolio_timed;
    double power; /* relative loss = (loss / baseline)^power, for metrics that are squares */
} aml_prior;

/* The built-in knowledge was made on few rows, and what wins there is too tame for many: problems of
 * more rows than this learn only from others of more. */
enum { AML_KNOWN_ROWS = 6000 };
/* Names of datasets that the user's own runs taught begin with this. */
#define AML_OWN_RUN "run "
/* "classification" or "regression", of many rows "large classification", "large regression". */
const char *aml_prior_table(int task, size_t rows);
/* Which metric of the table orders pipelines as `metric` does (itself, or a near relative; n_metrics: none), and the
 * power of its relative loss that `metric` is. */
size_t aml_prior_metric(double *power, const aml_knowledge_table *t, const char *metric);

/* The table is aml_prior_table's, its metric aml_prior_metric's, or the first. `without`: the name of a past dataset that is left out with its family (honest
 * benchmarks), or NULL. *out = NULL when there is no such table or it has no pipelines. In
 * ctx->keep. AML_ENOMEM. */
aml_status aml_prior_new(const aml_prior **out, const aml_knowledge *k, const aml_problem *problem,
                         const char *without, aml_ctx *ctx);

/* Relative losses beyond the constant predictor's 1 are drawn together: how bad does not matter. */
double aml_relative_loss(double ratio);

/* The prior for one suggestion: pipelines as configurations of the space, the mixture told of the
 * trials. */
typedef struct aml_advice {
    const aml_prior *prior;
    size_t p;
    double *configs; /* p × space->n */
    bool *usable;    /* p: the space has this learner, and no earlier pipeline is the same here */
    size_t *column;  /* told->n: pipeline of each record, or SIZE_MAX */
    aml_mix mix;     /* when prior->mix */
    double *seconds_log; /* p: predictions told of the times seen; NULL when time is no limit */
    double unit;         /* loss of relative loss 1 */
} aml_advice;

/* *out = NULL when problem has no knowledge. In ctx->scratch. AML_ENOMEM. */
aml_status aml_advice_new(aml_advice **out, const aml_space *space, const aml_told *told,
                          const aml_problem *problem, const aml_ctx *ctx);

/* The live dimensions of a configuration by name, numbers with three digits; in `keep`. AML_ENOMEM. */
aml_status aml_pipeline_of(aml_pipeline *out, const aml_space *space, const double *config,
                           aml_arena *keep);

/* mean[p]: expected relative losses by the reweighted past datasets alone. Needs prior->mix.
 * AML_ENOMEM. */
aml_status aml_advice_means(double *mean, const aml_advice *a, aml_arena *scratch);

/* Is there a row to learn from and a pipeline that this space has? `a` may be NULL. */
bool aml_advice_helps(const aml_advice *a);

#endif
