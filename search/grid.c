/* grid.c: every combination once; of real numbers some evenly spread ones. */
#include <math.h>
#include <string.h>

#include "automl/core/sampler.h"
#include "search/parts/points.h"

enum { POINTS, N_PARAMS };
static const aml_param params[] = {
    [POINTS] = {.name = "points",
                .summary = "values of a parameter that has more than so many",
                .kind = AML_INT,
                .lo = 1,
                .hi = 1000,
                .fallback = 5,
                .fixed = true},
    [N_PARAMS] = {0}};

/* Positions of one dimension: all its values, or `points` of them from end to end. */
static size_t count(const aml_dim *d, size_t points) {
    double values = aml_dim_values(d);
    if (d->param->fixed) return 1;
    if (aml_dim_is_nominal(d) || values <= (double)points) return (size_t)values;
    return points;
}

static double value(const aml_dim *d, size_t k, size_t n) {
    if (d->param->fixed) return d->param->fallback;
    if (d->spread > 0) return aml_dim_decode(d, ((double)k + 0.5) / (double)n);
    return aml_dim_decode(d, n > 1 ? (double)k / (double)(n - 1) : 0.5);
}

/* The next in the order of an odometer, the last live dimension fastest; false after the last. Positions that come to the
 * same value are passed over. */
static bool advance(double *config, size_t *at, const aml_space *space, size_t points) {
    for (size_t i = space->n; i-- > 0;) {
        const aml_dim *d = &space->dims[i];
        if (isnan(config[i])) continue;
        size_t n = count(d, points);
        while (++at[i] < n && value(d, at[i], n) == value(d, at[i] - 1, n)) continue;
        if (at[i] < n) {
            for (size_t j = i + 1; j < space->n; j++) at[j] = 0;
            return true;
        }
    }
    return false;
}

static void place(double *config, const size_t *at, const aml_space *space, size_t points) {
    for (size_t i = 0; i < space->n; i++) config[i] = NAN;
    for (size_t i = 0; i < space->n; i++)
        if (aml_space_live(space, config, i))
            config[i] = value(&space->dims[i], at[i], count(&space->dims[i], points));
}

static aml_status suggest(double *config, const aml_space *space, const aml_told *told,
                          const aml_problem *problem, const double *hp, aml_ctx *ctx) {
    size_t *at = AML_ARRAY(ctx->scratch, space->n + 1, size_t), visited = 1, behind = 0;
    size_t points = (size_t)(hp ? hp[POINTS] : params[POINTS].fallback);
    if (!at) return AML_ENOMEM;
    if (problem && aml_next_default(config, space, told, problem)) return AML_OK;
    for (;; visited++) {
        place(config, at, space, points);
        /* trials told in the order of the grid need no search */
        bool next =
            behind < told->n && aml_space_equal(space, told->records[behind].config, config);
        if (next) behind++;
        else if (aml_space_allows(space, config) && !aml_is_told(space, told, config))
            return AML_OK;
        if (!advance(config, at, space, points)) break;
    }
    return aml_help(aml_fail(AML_ESTOPPED, "the grid is done: %zu points", visited), NULL,
                    "there is nothing left to try; another sampler goes on between the points");
}

const aml_sampler aml_sampler_grid = {
    .abi = AML_ABI,
    .name = "grid",
    .summary = "every combination of values once; of real numbers, evenly spread ones",
    .params = params,
    .suggest = suggest,
};
