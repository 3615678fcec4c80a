/* spread.c: the Sobol sequence in a space. */
#include "search/parts/spread.h"

#include <math.h>

#include "automl/core/special.h"
#include "search/parts/points.h"

enum { MAX_DIMENSIONS = 40 };

/* Coordinates are dealt to the live dimensions in order, so that dead ones use none up; those
 * beyond the sequence's are random. The shift belongs to the search: it must not depend on the
 * trial. */
aml_status aml_spread_new(double *config, const aml_space *space, const aml_told *told,
                          aml_ctx *ctx) {
    double point[MAX_DIMENSIONS];
    size_t used = 0, n = space->n < MAX_DIMENSIONS ? space->n : MAX_DIMENSIONS;
    aml_rng shift = aml_rng_child(&ctx->rng, UINT32_MAX);
    aml_rng own = aml_rng_child(&ctx->rng, (uint32_t)told->n);
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
    if (!aml_space_allows(space, config)) aml_space_random(config, space, &own);
    return aml_make_new(config, space, told, own, ctx->scratch);
}
