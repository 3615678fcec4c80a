/* prior.c: the knowledge of past datasets made ready for one problem. */
#include "search/parts/prior.h"

#include <math.h>
#include <string.h>

#include "automl/core/linalg.h"
#include "search/parts/similarity.h"

double aml_relative_loss(double ratio) {
    if (!(ratio > 1)) return ratio;
    return 1 + 0.3 * (1 - 1 / ratio);
}

/* Metrics that order pipelines much as one of the knowledge does; power: of its relative loss. */
static const struct {
    const char *metric, *like;
    double power;
} relatives[] = {{"auc", "auc_weighted", 1},
                 {"average_precision", "auc_weighted", 1},
                 {"brier", "log_loss", 1},
                 {"balanced_accuracy", "accuracy", 1},
                 {"f1", "accuracy", 1},
                 {"f1_macro", "accuracy", 1},
                 {"precision", "accuracy", 1},
                 {"recall", "accuracy", 1},
                 {"norm_macro_recall", "accuracy", 1},
                 {"matthews_correlation", "accuracy", 1},
                 {"normalized_root_mean_squared_error", "rmse", 1},
                 {"r2", "rmse", 0.5},
                 {"rmsle", "rmse", 1},
                 {"spearman_correlation", "rmse", 0.5},
                 {"median_absolute_error", "mae", 1},
                 {"mape", "mae", 1},
                 {"pinball", "mae", 1},
                 {"pinball_0.1", "mae", 1},
                 {"pinball_0.9", "mae", 1}};

size_t aml_prior_metric(double *power, const aml_knowledge_table *t, const char *metric) {
    *power = 1;
    for (size_t m = 0; metric && m < t->n_metrics; m++)
        if (!strcmp(t->metrics[m], metric)) return m;
    for (size_t r = 0; metric && r < sizeof relatives / sizeof *relatives; r++) {
        if (strcmp(relatives[r].metric, metric)) continue;
        for (size_t m = 0; m < t->n_metrics; m++) {
            if (strcmp(t->metrics[m], relatives[r].like)) continue;
            *power = relatives[r].power;
            return m;
        }
    }
    return t->n_metrics;
}

/* ---- preparing ---- */

typedef struct preparation {
    const aml_knowledge *k;
    const aml_knowledge_table *t;
    size_t n, p, metric;
    const aml_knowledge_row **rows; /* those that count */
} preparation;

static aml_status choose_rows(preparation *q, const char *without, aml_arena *scratch) {
    const aml_knowledge_row *left_out = NULL;
    q->rows = AML_ARRAY(scratch, q->t->n_rows, const aml_knowledge_row *);
    if (!q->rows) return AML_ENOMEM;
    for (size_t i = 0; without && i < q->t->n_rows; i++)
        if (!strcmp(q->t->rows[i].dataset, without)) left_out = &q->t->rows[i];
    for (size_t i = 0; i < q->t->n_rows; i++) {
        const aml_knowledge_row *row = &q->t->rows[i];
        size_t known = 0;
        for (size_t j = 0; j < q->p; j++) known += !isnan(row->loss[q->metric * q->p + j]);
        if (known && !(left_out && row->family == left_out->family)) q->rows[q->n++] = row;
    }
    return AML_OK;
}

static aml_status prepare_losses(aml_prior *prior, const preparation *q, aml_ctx *ctx) {
    double *y = AML_ARRAY(ctx->scratch, q->n * q->p, double);
    aml_mix_prior *mix;
    if (!y) return AML_ENOMEM;
    for (size_t i = 0; i < q->n; i++)
        for (size_t j = 0; j < q->p; j++)
            y[i * q->p + j] = aml_relative_loss(q->rows[i]->loss[q->metric * q->p + j]);
    AML_TRY(aml_mix_prior_new(&mix, y, q->n, q->p, ctx));
    prior->mix = mix;
    return AML_OK;
}

enum { FEWEST = 8 }; /* datasets that can say what likeness is */

static const double OWN =
    10; /* what the user's own runs count more: their data come from where these come from */

static aml_status prepare_weights(aml_prior *prior, const preparation *q,
                                  const aml_problem *problem, aml_ctx *ctx) {
    size_t f = q->k->n_features;
    if (!problem->features || problem->n_features != f || !f || q->n < FEWEST) return AML_OK;
    double *x = AML_ARRAY(ctx->scratch, q->n * f, double),
           *weights = AML_ARRAY(ctx->keep, q->n, double);
    aml_similarity *similarity;
    aml_ctx local = *ctx;
    local.keep = ctx->scratch;
    if (!x || !weights) return AML_ENOMEM;
    for (size_t i = 0; i < q->n; i++) memcpy(x + i * f, q->rows[i]->features, f * sizeof *x);
    AML_TRY(aml_similarity_new(&similarity, x, q->n, f, q->t->weights[q->metric], prior->mix->rows,
                               q->p, &local));
    AML_TRY(aml_similarity_weights(weights, similarity, problem->features, &local));
    for (size_t i = 0; i < q->n; i++)
        if (!strncmp(q->rows[i]->dataset, AML_OWN_RUN, strlen(AML_OWN_RUN))) weights[i] *= OWN;
    prior->weights = weights;
    return AML_OK;
}

/* ---- seconds ---- */

enum { SIZE_TERMS = 7 };

static double feature_named(const aml_knowledge *k, const double *features, const char *name) {
    for (size_t i = 0; i < k->n_features; i++)
        if (!strcmp(k->features[i], name) && isfinite(features[i])) return features[i];
    return 0;
}

/* 1, n, p, c, n p, n², p² of the logarithms of rows, columns and classes. */
static void size_terms(double *out, double n, double p, double c) {
    const double terms[SIZE_TERMS] = {1, n, p, c, n * p, n * n, p * p};
    memcpy(out, terms, sizeof terms);
}

/* Ridge regression of log seconds on the terms: what it predicts here, and what it leaves over in
 * each row. */
static aml_status regress_seconds(double *here, double *left, const double *x, const double *query,
                                  size_t n, size_t p, aml_arena *scratch) {
    double gram[SIZE_TERMS * SIZE_TERMS], *b = AML_ARRAY(scratch, SIZE_TERMS, double);
    if (!b) return AML_ENOMEM;
    aml_dsyrk(SIZE_TERMS, n, x, SIZE_TERMS, 0, gram, SIZE_TERMS);
    for (size_t i = 0; i < SIZE_TERMS; i++) gram[i * SIZE_TERMS + i] += 0.5;
    if (!aml_cholesky(gram, SIZE_TERMS, SIZE_TERMS))
        return aml_fail(AML_EINTERNAL, "the regression of run times is singular");
    for (size_t j = 0; j < p; j++) {
        memset(b, 0, SIZE_TERMS * sizeof *b);
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < SIZE_TERMS; k++) b[k] += x[i * SIZE_TERMS + k] * left[i * p + j];
        aml_cholesky_solve(gram, SIZE_TERMS, SIZE_TERMS, b);
        here[j] = aml_dot(query, b, SIZE_TERMS);
        for (size_t i = 0; i < n; i++)
            left[i * p + j] -= aml_dot(x + i * SIZE_TERMS, b, SIZE_TERMS);
    }
    return AML_OK;
}

static aml_status prepare_seconds(aml_prior *prior, const preparation *q,
                                  const aml_problem *problem, aml_ctx *ctx) {
    static const double ridge = 0.01,
                        machine = 0.25; /* variances: noise, and how fast this machine is */
    size_t n = q->n, p = q->p;
    double *y = AML_ARRAY(ctx->scratch, n * p, double),
           *x = AML_ARRAY(ctx->scratch, n * SIZE_TERMS, double);
    double *here = AML_ARRAY(ctx->keep, p, double), *cov = AML_ARRAY(ctx->keep, p * p, double);
    double query[SIZE_TERMS];
    aml_mix_prior *filled, *left;
    aml_ctx local = *ctx;
    local.keep = ctx->scratch;
    if (!y || !x || !here || !cov) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const double *f = q->rows[i]->features;
        memcpy(y + i * p, q->rows[i]->seconds_log, p * sizeof *y);
        size_terms(x + i * SIZE_TERMS, feature_named(q->k, f, "log_rows"),
                   feature_named(q->k, f, "log_columns"), feature_named(q->k, f, "log_classes"));
    }
    size_terms(query, log((double)problem->shape.n + 1), log((double)problem->shape.p + 1),
               problem->shape.n_classes > 0 ? log((double)problem->shape.n_classes) : 0);
    AML_TRY(aml_mix_prior_new(&filled, y, n, p, &local));
    AML_TRY(regress_seconds(here, filled->rows, x, query, n, p, ctx->scratch));
    AML_TRY(aml_mix_prior_new(&left, filled->rows, n, p, &local));
    for (size_t k = 0; k < p * p; k++) cov[k] = left->covariance[k] + machine;
    for (size_t j = 0; j < p; j++) cov[j * p + j] += ridge;
    prior->seconds_log = here;
    prior->seconds_cov = cov;
    return AML_OK;
}

static aml_status prepare_portfolios(aml_prior *prior, size_t p, aml_ctx *ctx) {
    size_t *order = AML_ARRAY(ctx->keep, p, size_t), *timed = AML_ARRAY(ctx->keep, p, size_t);
    if (!order || !timed) return AML_ENOMEM;
    prior->portfolio = order;
    prior->portfolio_timed = timed;
    AML_TRY(aml_greedy_portfolio(order, prior->mix, NULL, ctx->scratch));
    return aml_greedy_portfolio(timed, prior->mix, prior->seconds_log, ctx->scratch);
}

const char *aml_prior_table(int task, size_t rows) {
    bool large = rows > AML_KNOWN_ROWS;
    if (task == AML_REGRESSION) return large ? "large regression" : "regression";
    return large ? "large classification" : "classification";
}

aml_status aml_prior_new(const aml_prior **out, const aml_knowledge *k, const aml_problem *problem,
                         const char *without, aml_ctx *ctx) {
    const char *name = aml_prior_table(problem->task, problem->shape.n);
    preparation q = {.k = k, .t = aml_knowledge_find(k, name)};
    *out = NULL;
    if (!q.t || !q.t->n_pipelines || !q.t->n_metrics) return AML_OK;
    aml_prior *prior = AML_NEW(ctx->keep, aml_prior);
    if (!prior) return AML_ENOMEM;
    prior->table = q.t;
    q.p = q.t->n_pipelines;
    q.metric = aml_prior_metric(&prior->power, q.t, problem->metric);
    if (q.metric == q.t->n_metrics) q.metric = 0; /* one of a user: as good a guess as any */
    AML_TRY(choose_rows(&q, without, ctx->scratch));
    if (q.n) {
        AML_TRY(prepare_losses(prior, &q, ctx));
        AML_TRY(prepare_weights(prior, &q, problem, ctx));
        AML_TRY(prepare_seconds(prior, &q, problem, ctx));
        AML_TRY(prepare_portfolios(prior, q.p, ctx));
    }
    *out = prior;
    return AML_OK;
}
