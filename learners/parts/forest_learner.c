/* forest_learner.c: parameters and plumbing of random forest and extra trees. */
#include "learners/parts/forest_learner.h"

#include <math.h>

#include "learners/parts/forest.h"

enum { N_ESTIMATORS, MAX_FEATURES, MIN_SAMPLES_LEAF, MAX_LEAVES, CRITERION };

static const char *const criteria[] = {"gini", "entropy", NULL};

const aml_param aml_forest_params[] = {
    {"n_estimators", "number of trees", AML_INT, true, 1, 2000, 200, NULL, true},
    {"max_features", "share of the features tried at a node; 0 = square root (classes) or a third",
     AML_REAL, false, 0, 1, 0, NULL, false},
    {"min_samples_leaf", "rows of a leaf", AML_INT, true, 1, 64, 1, NULL, false},
    {"max_leaves", "leaves of a tree", AML_INT, true, 8, 32768, 32768, NULL, false},
    {"criterion", "impurity of classes", AML_CHOICE, false, 0, 1, 0, criteria, false},
    {0}};

static aml_forest_rules rules_of(const double *hp, size_t p, aml_task_kind task) {
    double share = hp[MAX_FEATURES];
    if (!(share > 0)) share = task == AML_REGRESSION ? 1.0 / 3 : 1 / sqrt((double)p + 1e-9);
    return (aml_forest_rules){.n_trees = (uint32_t)hp[N_ESTIMATORS],
                              .max_leaves = (uint32_t)hp[MAX_LEAVES],
                              .max_features = share,
                              .min_rows = hp[MIN_SAMPLES_LEAF],
                              .entropy = hp[CRITERION] > 0 && task != AML_REGRESSION};
}

aml_status aml_forest_learn(aml_forest_kind kind, void **model, const aml_data *train,
                            const double *hp, aml_ctx *ctx) {
    aml_forest *f = AML_NEW(ctx->keep, aml_forest);
    aml_forest_rules rules = rules_of(hp, train->x->p, train->task);
    rules.bootstrap = kind == AML_RANDOM_FOREST;
    rules.random_cuts = kind == AML_EXTRA_TREES;
    if (!f) return AML_ENOMEM;
    AML_TRY(aml_forest_fit(f, train, &rules, ctx));
    *model = f;
    return AML_OK;
}

aml_status aml_forest_apply(double *out, const void *model, const aml_data *x, aml_ctx *ctx) {
    return aml_forest_predict(out, model, x, ctx);
}

void aml_forest_put(const void *model, aml_writer *w) { aml_forest_save(model, w); }

aml_status aml_forest_get(void **model, aml_reader *r, aml_ctx *ctx) {
    aml_forest *f = AML_NEW(ctx->keep, aml_forest);
    if (!f) return AML_ENOMEM;
    AML_TRY(aml_forest_load(f, r, ctx));
    *model = f;
    return AML_OK;
}

void aml_forest_bound(double *lo, double *hi, size_t param, const aml_shape *shape) {
    double n = (double)shape->n;
    if (param == MAX_LEAVES) *hi = fmax(*lo, fmin(*hi, n));
    if (param == MIN_SAMPLES_LEAF) *hi = fmax(*lo, fmin(*hi, ceil(n / 20)));
}

double aml_forest_seconds(const double *hp, const aml_shape *shape) {
    aml_forest_rules rules = rules_of(hp, shape->p, shape->task);
    return aml_forest_cost(&rules, shape);
}

aml_status aml_forest_importance(double *out, const void *model, size_t p) {
    return aml_trees_importance(out, &((const aml_forest *)model)->trees, p);
}

aml_status aml_forest_explain(double *out, const void *model, const aml_data *x, aml_ctx *ctx) {
    return aml_forest_contributions(out, model, x, ctx);
}
