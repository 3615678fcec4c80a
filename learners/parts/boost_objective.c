/* boost_objective.c: losses on numeric targets. */
#include "learners/parts/boost_objective.h"

#include <math.h>

#include "automl/core/sort.h"
#include "learners/parts/exp_f32.h"

bool aml_objective_is_log(const aml_objective *o) { return o->kind >= AML_POISSON; }

double aml_objective_level(const aml_objective *o) {
    return o->kind == AML_ABSOLUTE ? 0.5 : o->kind == AML_QUANTILE ? o->alpha : -1;
}

static float sign(float x) { return (float)(x > 0) - (float)(x < 0); }

void aml_objective_gradients(float *slope, float *curvature, const aml_objective *o,
                             const float *score, const float *y, size_t n) {
    float a = (float)o->alpha;
    for (size_t i = 0; i < n; i++) {
        float r = score[i] - y[i], s = r, c = 1.0f;
        switch (o->kind) {
        case AML_SQUARED: break;
        case AML_ABSOLUTE: s = sign(r); break;
        case AML_HUBER: s = r > a ? a : r < -a ? -a : r; break;
        case AML_QUANTILE: s = r > 0 ? 1.0f - a : r < 0 ? -a : 0; break;
        case AML_POISSON:
            c = aml_exp_f32(score[i]);
            s = c - y[i];
            c *= 2.01375271f; /* exp(0.7) */
            break;
        case AML_GAMMA:
            c = y[i] * aml_exp_f32(-score[i]);
            s = 1.0f - c;
            break;
        case AML_TWEEDIE: {
            float u = y[i] * aml_exp_f32((1 - a) * score[i]), v = aml_exp_f32((2 - a) * score[i]);
            s = v - u;
            c = (2 - a) * v + (a - 1) * u;
            break;
        }
        }
        slope[i] = s;
        curvature[i] = c;
    }
}

double aml_objective_loss(const aml_objective *o, double s, double y) {
    double r = s - y, a = o->alpha;
    switch (o->kind) {
    case AML_SQUARED: return r * r;
    case AML_ABSOLUTE: return fabs(r);
    case AML_HUBER: return fabs(r) <= a ? r * r / 2 : a * (fabs(r) - a / 2);
    case AML_QUANTILE: return r > 0 ? (1 - a) * r : -a * r;
    case AML_POISSON: return exp(s) - y * s;
    case AML_GAMMA: return y * exp(-s) + s;
    case AML_TWEEDIE: return exp((2 - a) * s) / (2 - a) - y * exp((1 - a) * s) / (1 - a);
    }
    return 0;
}

aml_status aml_objective_check(const aml_objective *o, const aml_data *d) {
    for (size_t i = 0; i < d->n && aml_objective_is_log(o); i++) {
        double y = d->y[d->rows[i]];
        if (y < 0 || (o->kind == AML_GAMMA && y == 0))
            return aml_fail(AML_EDATA, "this objective needs a target %s 0, row %u has %g",
                            o->kind == AML_GAMMA ? "above" : "of at least", d->rows[i], y);
    }
    return AML_OK;
}

aml_status aml_quantile_of(double *out, float *value, const float *weight, size_t n, double level) {
    double total = 0, below = 0;
    size_t k = 0;
    *out = 0;
    if (!n) return AML_OK;
    if (!weight) {
        AML_TRY(aml_sort_f32(value, n));
        double at = ceil(level * (double)n) - 1;
        *out = (double)value[at < 0 ? 0 : (size_t)at];
        return AML_OK;
    }
    uint32_t *order = aml_malloc(n * sizeof *order);
    aml_status status = order ? aml_argsort_f32(order, value, n) : AML_ENOMEM;
    for (size_t i = 0; i < n; i++) total += (double)weight[i];
    for (; k < n && !status; k++) {
        below += (double)weight[order[k]];
        *out = (double)value[order[k]];
        if (below >= level * total && below > 0) break;
    }
    aml_free(order);
    return status;
}
