/* pmf.c: the pipelines of past datasets, chosen by a mixture model of their losses, then random
 * ones. */
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
    .summary =
        "pipelines of past datasets by expected improvement under a mixture over those datasets",
    .suggest = suggest,
};
