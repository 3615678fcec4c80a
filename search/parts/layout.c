/* layout.c: configurations of one group as points for a kernel. */
#include "search/parts/layout.h"

#include <math.h>

/* Can the dimension be live when the root has this value? */
static bool reachable(const aml_space *space, const aml_groups *groups, double root, size_t dim) {
    if (!groups->rooted) return true;
    if (!dim) return false; /* the same for the whole group */
    while (space->dims[dim].parent > 0) dim = (size_t)space->dims[dim].parent;
    return space->dims[dim].parent < 0 || aml_dim_lives_with(&space->dims[dim], root);
}

static size_t coordinates(const aml_dim *d) {
    size_t choices = aml_dim_is_nominal(d) ? aml_param_choices(d->param) : 0;
    if (d->param->fixed || !(d->hi > d->lo)) return 0;
    return choices > 2 ? choices : 1;
}

aml_status aml_layout_new(aml_layout *out, const aml_space *space, const aml_groups *groups,
                          size_t group, aml_arena *arena) {
    double root = groups->first + (double)group;
    size_t n = 0, n_scales = 0;
    for (size_t i = 0; i < space->n; i++) n += coordinates(&space->dims[i]);
    size_t *dim = AML_ARRAY(arena, n, size_t), *scale = AML_ARRAY(arena, n, size_t);
    double *value = AML_ARRAY(arena, n, double);
    if (!dim || !scale || !value) return AML_ENOMEM;
    n = 0;
    for (size_t i = 0; i < space->n; i++) {
        size_t k = reachable(space, groups, root, i) ? coordinates(&space->dims[i]) : 0;
        bool choice = aml_dim_is_nominal(&space->dims[i]);
        for (size_t c = 0; c < k; c++) {
            dim[n] = i;
            scale[n] = n_scales;
            value[n++] = !choice ? NAN : k == 1 ? 1 : (double)c;
        }
        n_scales += k > 0;
    }
    *out = (aml_layout){n, n_scales, dim, scale, value};
    return AML_OK;
}

void aml_layout_encode(double *x, const aml_layout *layout, const aml_space *space,
                       const double *config) {
    const double half = 0.70710678118654752440; /* two coordinates differ: 1/2 + 1/2 */
    for (size_t i = 0; i < layout->n; i++) {
        const aml_dim *d = &space->dims[layout->dim[i]];
        double v = config[layout->dim[i]];
        if (isnan(v)) v = d->param->fallback;
        if (isnan(layout->value[i])) x[i] = aml_dim_encode(d, v);
        else x[i] = v != layout->value[i] ? 0 : aml_param_choices(d->param) > 2 ? half : 1;
    }
}
