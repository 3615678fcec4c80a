/* ranges.c: spaces of learners narrowed by the user. */
#include "automl/engine/ranges.h"

#include <math.h>
#include <string.h>

static aml_status check(const aml_param_range *r) {
    double value;
    const aml_learner *l = r->learner && r->param ? aml_learner_find(r->learner) : NULL;
    if (!l)
        return aml_help(aml_fail(AML_EUSAGE, "there is no learner `%s` to narrow the space of",
                                 r->learner ? r->learner : ""),
                        NULL, "`automl catalog` lists them");
    int i = aml_params_find(l->params, r->param);
    if (i < 0)
        return aml_help(aml_fail(AML_EUSAGE, "%s has no parameter `%s`", l->name, r->param), NULL,
                        "`automl catalog --json` lists them");
    const aml_param *p = &l->params[i];
    for (size_t k = 0; r->values && r->values[k]; k++)
        AML_TRY(aml_param_read(&value, p, r->values[k]));
    if (r->values ? !r->values[0] : p->kind == AML_CHOICE)
        return aml_fail(AML_EUSAGE, "%s.%s needs a list of values", l->name, p->name);
    bool whole = p->kind != AML_INT || floor(r->max) >= ceil(r->min);
    if (!r->values && !(r->min <= r->max && r->min >= p->lo && r->max <= p->hi && whole))
        return aml_fail(AML_EUSAGE, "%s.%s can be from %g to %g, not from %g to %g", l->name,
                        p->name, p->lo, p->hi, r->min, r->max);
    return AML_OK;
}

aml_status aml_ranges_check(const aml_param_range *const *ranges) {
    for (size_t i = 0; ranges && ranges[i]; i++) AML_TRY(check(ranges[i]));
    return AML_OK;
}

const aml_param_range *aml_range_find(const aml_param_range *const *ranges, const aml_learner *l,
                                      size_t param) {
    for (size_t i = 0; ranges && ranges[i]; i++)
        if (!strcmp(ranges[i]->learner, l->name) &&
            !strcmp(ranges[i]->param, l->params[param].name))
            return ranges[i];
    return NULL;
}

/* Puts x into an ascending list of n values, unless it is there. */
static size_t insert(double *values, size_t n, double x) {
    size_t i = n;
    while (i && values[i - 1] > x) i--;
    if (i && values[i - 1] == x) return n;
    memmove(values + i + 1, values + i, (n - i) * sizeof *values);
    values[i] = x;
    return n + 1;
}

static double within(double x, double lo, double hi) { return x < lo ? lo : x > hi ? hi : x; }

aml_status aml_range_apply(aml_dim *d, const aml_param_range *r, aml_arena *keep) {
    size_t n = 0;
    if (!r->values) {
        d->lo = within(d->lo, r->min, r->max);
        d->hi = within(d->hi, r->min, r->max);
        return AML_OK;
    }
    while (r->values[n]) n++;
    double *values = AML_ARRAY(keep, n + 1, double), x;
    if (!values) return AML_ENOMEM;
    for (size_t i = 0; r->values[i]; i++) {
        AML_TRY(aml_param_read(&x, d->param, r->values[i]));
        d->n_values = insert(values, d->n_values, x);
    }
    d->values = values;
    d->lo = values[0];
    d->hi = values[d->n_values - 1];
    return AML_OK;
}
