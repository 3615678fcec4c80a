/* pmf.c: the pipelines of past datasets, chosen by a mixture model of their losses, then random
 * ones. */
#include <math.h>
#include <string.h>

#include "automl/core/sampler.h"
#include "search/parts/past.h"
#include "search/parts/points.h"
#include "search/parts/prior.h"

static aml_status suggest(double *config, const aml_space *space, const aml_told *told,
                          const aml_problem *problem, const double *hp, aml_ctx *ctx) {
    (void)hp;
    aml_advice *advice;
    aml_rng rng = aml_rng_child(&ctx->rng, (uint32_t)told->n);
    if (!problem && told->n_past) {
        bool found;
        AML_TRY(aml_past_pick(&found, config, space, told, ctx->scratch));
        return found ? AML_OK : aml_random_new(config, space, told, rng, ctx->scratch);
    }
    AML_TRY(aml_advice_new(&advice, space, told, problem, ctx));
    if (aml_advice_helps(advice)) {
        size_t pick = aml_mix_pick(&advice->mix, advice->seconds_log);
        if (pick < advice->p) {
            memcpy(config, advice->configs + pick * space->n, space->n * sizeof *config);
            return AML_OK;
        }
    } else if (aml_next_default(config, space, told, problem)) {
        return AML_OK;
    }
    return aml_random_new(config, space, told, rng, ctx->scratch);
}

const aml_sampler aml_sampler_pmf = {
    .abi = AML_ABI,
    .name = "pmf",
    .summary = "what did best on past datasets, or in earlier searches of the space, by expected "
               "improvement "
               "under a mixture over those",
    .suggest = suggest,
};
