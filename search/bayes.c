/* bayes.c: Bayesian optimisation with Gaussian processes, from scratch. */
#include "automl/core/sampler.h"
#include "search/parts/bo.h"
#include "search/parts/tune.h"

/* Random trials before the model: one more than dimensions, from 4 to 8. */
static size_t startup(const aml_space *space, const aml_groups *groups) {
    size_t n = groups->n > 1 ? groups->n + 4 : space->n + 1;
    return groups->n > 1 ? n : n < 4 ? 4 : n > 8 ? 8 : n;
}

static aml_status suggest(double *config, const aml_space *space, const aml_told *told,
                          const aml_problem *problem, const double *hp, aml_ctx *ctx) {
    enum { RANDOM_EVERY = 10 };
    (void)hp;
    aml_advice *advice;
    aml_groups groups = aml_space_groups(space);
    aml_rng rng = aml_rng_child(&ctx->rng, (uint32_t)told->n);
    size_t best;
    if (!problem) return aml_tune_next(config, space, told, ctx);
    if (told->n < groups.n && aml_next_default(config, space, told, problem)) return AML_OK;
    bool blind = told->n < startup(space, &groups) || !aml_best_records(&best, 1, told);
    if (blind || told->n % RANDOM_EVERY == RANDOM_EVERY - 1)
        return aml_random_new(config, space, told, rng, ctx->scratch);
    AML_TRY(aml_advice_new(&advice, space, told, problem, ctx));
    return aml_bo_suggest(config, space, told, advice, false, problem, &rng, ctx->scratch);
}

const aml_sampler aml_sampler_bayes = {
    .abi = AML_ABI,
    .name = "bayes",
    .summary = "expected improvement under Gaussian processes fitted to this search's own trials",
    .suggest = suggest,
};
