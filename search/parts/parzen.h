/* parzen.h: a density over a conditional, mixed space: a mixture with one component for each point, and a wide one.
 *
 * A component is a product over the dimensions of its point: normals in [0, 1] (aml_dim_encode), of a common width or as
 * wide as the way to the next points, cut off at the ends and summed over the cells of dimensions with few values; for choices without an order the point's value or, with
 * a little weight, any. A dimension that a point does not have is uniform in its component. */
#ifndef AML_SEARCH_PARZEN_H
#define AML_SEARCH_PARZEN_H

#include "automl/core/arena.h"
#include "automl/core/param.h"

typedef struct aml_parzen {
    const aml_space *space;
    size_t n;           /* components, the wide one last */
    const double *x;    /* space->n × n: encoded; few values: their numbers; NaN: not there */
    double *weight;     /* n: cumulative, to draw from */
    double *log_weight; /* n: with what all dimensions bring that are always there */
    double *width;      /* space->n × n: of each component; NULL: common ones */
    double *scale;      /* space->n × n: logarithm of what its normal is multiplied with */
    struct aml_parzen_dim *dims; /* space->n */
} aml_parzen;

/* n points with weights (NULL: equal); the wide component has weight 1. near: widths by the distance to the next points in
 * each dimension, the larger of both sides, at least 1 / min(100, n + 1) and `least`. AML_ENOMEM. */
aml_status aml_parzen_new(aml_parzen *p, const aml_space *space, const double *const *configs,
                          const double *weight, size_t n, bool near, double least,
                          aml_arena *arena);
/* A whole configuration, allowed or not. */
void aml_parzen_draw(double *config, const aml_parzen *p, aml_rng *rng);
/* Keeps the parameters that hang on nothing and draws the others anew, from the components as far as they explain those. */
aml_status aml_parzen_draw_below(double *config, const aml_parzen *p, aml_rng *rng);
/* Logarithm of the density (probability, where values are few) of a whole configuration; top: of the parameters that
 * hang on nothing alone. */
double aml_parzen_log_density(const aml_parzen *p, const double *config, bool top);

#endif
