/* sobol.c: evenly spread points. */
#include "automl/core/sampler.h"
#include "search/parts/spread.h"

static aml_status suggest(double *config, const aml_space *space, const aml_told *told,
                          const aml_problem *problem, const double *hp, aml_ctx *ctx) {
    (void)problem, (void)hp;
    return aml_spread_new(config, space, told, ctx);
}

const aml_sampler aml_sampler_sobol = {
    .abi = AML_ABI,
    .name = "sobol",
    .summary = "evenly spread points of a low-discrepancy sequence",
    .suggest = suggest,
};
