/* compose.c: the space of learners, their parameters and featurizations; and its points as plans. */
#include "automl/engine/compose.h"

#include <math.h>
#include <string.h>

#include "automl/engine/ranges.h"
#include "automl/engine/recipe.h"

/* The yardstick is searched only when it is asked for by name. */
static bool is_allowed(const aml_learner *l, const aml_facts *f, const char *const *allowed) {
    if (!(l->tasks & (unsigned)f->shape.task) || (l->can & f->needs) != f->needs) return false;
    if (!allowed || !allowed[0]) return !(l->can & (AML_YARDSTICK | AML_ON_REQUEST));
    for (size_t i = 0; allowed[i]; i++)
        if (!strcmp(allowed[i], l->name)) return true;
    return false;
}

static aml_status check_names(const char *const *allowed) {
    const char *names[64];
    size_t n = 0;
    for (const aml_learner *const *l = aml_learners(); *l && n < 64; l++) names[n++] = (*l)->name;
    for (size_t i = 0; allowed && allowed[i]; i++) {
        if (aml_learner_find(allowed[i])) continue;
        const char *near = aml_nearest(allowed[i], names, n);
        aml_fail(AML_EUSAGE, "there is no learner `%s`", allowed[i]);
        return near ? aml_help(AML_EUSAGE, NULL, "did you mean `%s`? `automl catalog` lists them",
                               near)
                    : aml_help(AML_EUSAGE, NULL, "`automl catalog` lists them");
    }
    return AML_OK;
}

static void put_dim(aml_dim *d, const char *name, const aml_param *p, size_t when) {
    *d = (aml_dim){.name = name,
                   .param = p,
                   .lo = p->lo,
                   .hi = aml_param_hi(p),
                   .parent = 0,
                   .when = (double)when};
}

static aml_status no_learner(const aml_facts *f) {
    if (f->needs)
        return aml_help(
            aml_fail(AML_EUSAGE, "none of the learners asked for can keep the constraints"),
            "increasing and decreasing columns and interactions are kept exactly or not at all",
            "allow gbdt");
    return aml_help(aml_fail(AML_EUSAGE, "none of the learners asked for can do a %s task",
                             aml_task_name(f->shape.task)),
                    NULL, "`automl catalog` shows which learner does what");
}

aml_status aml_composer_init(aml_composer *c, const aml_facts *facts, const char *const *allowed,
                             aml_arena *keep) {
    *c = (aml_composer){.facts = *facts};
    AML_TRY(check_names(allowed));
    AML_TRY(aml_ranges_check(facts->ranges));
    size_t n_all = 0, n_dims = 1;
    for (const aml_learner *const *l = aml_learners(); *l; l++, n_all++)
        n_dims += aml_params_count((*l)->params) + AML_MAX_CHOICES;
    const char **names = AML_ARRAY(keep, n_all + 1, const char *);
    aml_dim *dims = AML_ARRAY(keep, n_dims, aml_dim);
    c->learners = AML_ARRAY(keep, n_all + 1, const aml_learner *);
    if (!names || !dims || !c->learners) return AML_ENOMEM;

    size_t d = 1;
    for (const aml_learner *const *at = aml_learners(); *at; at++) {
        const aml_learner *l = *at;
        if (!is_allowed(l, facts, allowed)) continue;
        size_t when = c->n_learners;
        names[when] = l->name;
        c->learners[c->n_learners++] = l;
        for (size_t p = 0; l->params && l->params[p].name; p++) {
            const aml_param_range *range = aml_range_find(facts->ranges, l, p);
            if (l->params[p].fixed && !range) continue;
            put_dim(&dims[d], aml_printf(keep, "%s.%s", l->name, l->params[p].name), &l->params[p],
                    when);
            if (!dims[d].name) return AML_ENOMEM;
            if (l->bound) l->bound(&dims[d].lo, &dims[d].hi, p, &facts->shape);
            if (range) AML_TRY(aml_range_apply(&dims[d], range, keep));
            d++;
        }
        const aml_param *extra[AML_MAX_CHOICES];
        size_t n_extra = aml_recipe_params(extra, l, facts, keep);
        if (n_extra == SIZE_MAX) return AML_ENOMEM;
        for (size_t e = 0; e < n_extra; e++) {
            put_dim(&dims[d], aml_printf(keep, "%s.%s", l->name, extra[e]->name), extra[e], when);
            if (!dims[d++].name) return AML_ENOMEM;
        }
    }
    if (!c->n_learners) return no_learner(facts);
    c->choice = (aml_param){
        .name = "learner", .summary = "the learner", .kind = AML_CHOICE, .choices = names};
    dims[0] = (aml_dim){
        .name = "learner", .param = &c->choice, .hi = (double)c->n_learners - 1, .parent = -1};
    c->space = (aml_space){.n = d, .dims = dims};
    return AML_OK;
}

/* ---- plans */

void aml_compose(aml_plan *plan, const aml_composer *c, const double *config) {
    *plan = (aml_plan){.learner = c->learners[(size_t)config[0]]};
    const aml_param *params = plan->learner->params;
    aml_params_defaults(plan->hp, params);
    aml_recipe recipe = {0};
    for (size_t d = 1; d < c->space.n; d++) {
        const aml_dim *dim = &c->space.dims[d];
        if (!aml_space_live(&c->space, config, d)) continue;
        const char *name = strchr(dim->name, '.') + 1;
        int i = aml_params_find(params, name);
        if (i >= 0 && dim->param == &params[i]) plan->hp[i] = config[d];
        else aml_recipe_take(&recipe, dim->param, config[d]);
    }
    aml_recipe_steps(plan, &recipe, &c->facts);
}

bool aml_compose_yardstick(aml_plan *plan, const aml_facts *facts) {
    for (const aml_learner *const *l = aml_learners(); *l; l++) {
        if (!((*l)->can & AML_YARDSTICK) || !((*l)->tasks & (unsigned)facts->shape.task)) continue;
        *plan = (aml_plan){.learner = *l};
        aml_params_defaults(plan->hp, (*l)->params);
        return true;
    }
    return false;
}

unsigned aml_plan_build(const aml_plan *plan) {
    if (plan->learner->can & AML_YARDSTICK) return AML_NO_FEATURES;
    return aml_learner_wants(plan->learner);
}

bool aml_plan_sees_target(const aml_plan *plan) {
    for (size_t i = 0; i < plan->n_steps; i++)
        if (plan->steps[i].step->flags & (AML_STEP_TARGET | AML_STEP_SELECTS)) return true;
    return false;
}

bool aml_plan_keeps_order(const aml_plan *plan) {
    for (size_t i = 0; i < plan->n_steps; i++) {
        const aml_step *step = plan->steps[i].step;
        if ((step->kinds & AML_NUMBER) && !(step->flags & AML_STEP_KEEPS_ORDER)) return false;
    }
    return true;
}

/* ---- names */

/* Numbers in names have four digits: they are to be read; the model keeps them exactly. */
static double four_digits(double x) {
    if (x == 0 || !isfinite(x)) return x;
    double digits = 3 - floor(log10(fabs(x)));
    if (digits < 0 || digits > 22) return x;
    double unit = pow(10, digits);
    return round(x * unit) / unit;
}

static void put_value(aml_string *out, const aml_param *p, double x) {
    if (p->kind == AML_REAL) x = four_digits(x);
    aml_param_write(out, p, x);
}

static void put_params(aml_string *out, const aml_param *params, const double *hp, bool all) {
    size_t shown = 0;
    for (size_t i = 0; i < aml_params_count(params); i++) {
        if (!all && hp[i] == params[i].fallback) continue;
        aml_string_put(out, shown++ ? ", " : "(");
        aml_string_put(out, params[i].name);
        aml_string_put(out, "=");
        if (all) aml_param_write(out, &params[i], hp[i]);
        else put_value(out, &params[i], hp[i]);
    }
    if (shown) aml_string_put(out, ")");
}

static void put_steps(aml_string *out, const aml_plan *plan, bool all) {
    for (size_t i = 0; i < plan->n_steps; i++) {
        if (i) aml_string_put(out, ", ");
        aml_string_put(out, plan->steps[i].step->name);
        put_params(out, plan->steps[i].step->params, plan->steps[i].hp, all);
    }
}

void aml_plan_text(aml_string *out, const aml_plan *plan) {
    aml_string_put(out, plan->learner->name);
    put_params(out, plan->learner->params, plan->hp, false);
    if (plan->n_steps) aml_string_put(out, " <- ");
    put_steps(out, plan, false);
}

void aml_plan_features_text(aml_string *out, const aml_plan *plan) { put_steps(out, plan, true); }
