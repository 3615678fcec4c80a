/* portfolio.c: the pipelines that together did best on past datasets, in a fixed order, then
 * random ones. */
#include <math.h>
#include <string.h>

#include "automl/core/sampler.h"
#include "search/parts/points.h"
#include "search/parts/prior.h"

static aml_status suggest(double *config, const aml_space *space, const aml_told *told,
                          const aml_problem *problem, const double *hp, aml_ctx *ctx) {
    (void)hp;
    aml_advice *advice;
    aml_rng rng = aml_rng_child(&ctx->rng, (uint32_t)told->n);
    AML_TRY(aml_advice_new(&advice, space, told, problem, ctx));
    if (aml_advice_helps(advice)) {
        bool timed = isfinite(told->time_left);
        const size_t *order = timed ? advice->prior->portfolio_timed : advice->prior->portfolio;
        for (size_t k = 0; k < advice->p; k++) {
            const double *next = advice->configs + order[k] * space->n;
            if (!advice->usable[order[k]] || aml_is_told(space, told, next)) continue;
            memcpy(config, next, space->n * sizeof *config);
            return AML_OK;
        }
    } else if (aml_next_default(config, space, told, problem)) {
        return AML_OK;
    }
    return aml_random_new(config, space, told, rng, ctx->scratch);
}

const aml_sampler aml_sampler_portfolio = {
    .abi = AML_ABI,
    .name = "portfolio",
    .summary = "the best set of pipelines of past datasets in a fixed order, then random ones",
    .suggest = suggest,
};
