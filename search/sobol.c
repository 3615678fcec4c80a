/* sobol.c: the Sobol sequence, shifted at random (Cranley and Patterson 1976). */
#include <math.h>

#include "automl/core/sampler.h"
#include "automl/core/special.h"
#include "search/parts/points.h"

enum { MAX_DIMENSIONS = 40 };

/* Coordinates are dealt to the live dimensions in order, so that dead ones use none up; those
 * beyond the sequence's are random. The shift belongs to the search: it must not depend on the
 * trial. */
static aml_status suggest(double *config, const aml_space *space, const aml_told *told,
                          const aml_problem *problem, const double *hp, aml_ctx *ctx) {
    double point[MAX_DIMENSIONS];
    size_t used = 0, n = space->n < MAX_DIMENSIONS ? space->n : MAX_DIMENSIONS;
    aml_rng shift = aml_rng_child(&ctx->rng, UINT32_MAX);
    aml_rng own = aml_rng_child(&ctx->rng, (uint32_t)told->n);
    (void)problem, (void)hp;
    if (!n) return AML_OK;
    AML_TRY(aml_sobol(point, n, told->n));
    for (size_t i = 0; i < n; i++) {
        double u = point[i] + aml_rng_uniform(&shift);
        point[i] = u - floor(u);
    }
    for (size_t i = 0; i < space->n; i++) config[i] = NAN;
    for (size_t i = 0; i < space->n; i++) {
        if (!aml_space_live(space, config, i) || space->dims[i].param->fixed) continue;
        config[i] = aml_dim_decode(&space->dims[i], used < n ? point[used] : aml_rng_uniform(&own));
        used++;
    }
    aml_space_repair(config, space);
    return aml_make_new(config, space, told, own, ctx->scratch);
}

const aml_sampler aml_sampler_sobol = {
    .abi = AML_ABI,
    .name = "sobol",
    .summary = "evenly spread points of a low-discrepancy sequence",
    .suggest = suggest,
};
