/* random_forest.c: random forest: bootstrapped trees, best cuts on random features. */
#include "learners/parts/forest.h"
#include "learners/parts/forest_learner.h"

static aml_status fit(void **model, const aml_data *train, const double *hp, aml_ctx *ctx) {
    return aml_forest_learn(AML_RANDOM_FOREST, model, train, hp, ctx);
}

const aml_learner aml_learner_random_forest = {
    .abi = AML_ABI,
    .name = "random_forest",
    .summary = "random forest",
    .tasks = AML_ANY_TASK,
    .can = AML_FOREST_CAN,
    .params = AML_FIT(aml_forest_params),
    .fit = AML_FIT(fit),
    .predict = aml_forest_apply,
    .save = AML_FIT(aml_forest_put),
    .load = aml_forest_get,
    .bound = AML_FIT(aml_forest_bound),
    .cost = AML_FIT(aml_forest_seconds),
    .importance = AML_FIT(aml_forest_importance),
    .contributions = AML_FIT(aml_forest_explain),
    .lower = AML_FIT(aml_forest_lower),
};
