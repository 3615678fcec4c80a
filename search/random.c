/* random.c: uniform choice, without repetition while the space has others. */
#include "automl/core/sampler.h"
#include "search/parts/points.h"

static aml_status suggest(double *config, const aml_space *space, const aml_told *told,
                          const aml_problem *problem, const double *hp, aml_ctx *ctx) {
    (void)problem, (void)hp;
    aml_rng rng = aml_rng_child(&ctx->rng, (uint32_t)told->n);
    return aml_random_new(config, space, told, rng, ctx->scratch);
}

const aml_sampler aml_sampler_random = {
    .abi = AML_ABI,
    .name = "random",
    .summary = "uniform random configurations",
    .suggest = suggest,
};
