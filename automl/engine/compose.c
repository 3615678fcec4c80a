/* compose.c: which steps stand before a learner. The learner's flags decide, never its name. */
#include "automl/engine/compose.h"

#include <math.h>
#include <string.h>

/* Featurization choices, searched beside the learner's own parameters. */
static const char *const native_encodings[] = {"native", "target", NULL};
static const char *const dense_encodings[] = {"one_hot", "target", NULL};
static const char *const scalings[] = {"standard", "quantile", NULL};
enum { NATIVE, TARGET };
enum { STANDARD, QUANTILE };

static const aml_param encode_native = {.name = "encode",
                                        .kind = AML_CHOICE,
                                        .choices = native_encodings,
                                        .summary = "how categories become features"};
static const aml_param encode_dense = {.name = "encode",
                                       .kind = AML_CHOICE,
                                       .choices = dense_encodings,
                                       .summary = "how categories become features"};
static const aml_param scale_dense = {
    .name = "scale", .kind = AML_CHOICE, .choices = scalings, .summary = "how numbers are scaled"};

enum { MANY_LEVELS = 8 }; /* from here on target encoding is worth trying */

/* The featurization dimensions of a learner for these data: at most 2. */
static size_t feature_params(const aml_param *out[2], const aml_learner *l, const aml_facts *f) {
    size_t n = 0;
    bool many = (f->kinds & AML_CATEGORY) && f->most_levels >= MANY_LEVELS;
    if (l->can & AML_CAN_CATEGORIES) {
        if (many) out[n++] = &encode_native;
    } else if (many) {
        out[n++] = &encode_dense;
    }
    if ((l->can & AML_WANTS_DENSE) && (f->kinds & (AML_NUMBER | AML_DATETIME)))
        out[n++] = &scale_dense;
    return n;
}

/* The yardstick is searched only when it is asked for by name. */
static bool is_allowed(const aml_learner *l, const aml_facts *f, const char *const *allowed) {
    if (!(l->tasks & (unsigned)f->shape.task)) return false;
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

aml_status aml_composer_init(aml_composer *c, const aml_facts *facts, const char *const *allowed,
                             aml_arena *keep) {
    *c = (aml_composer){.facts = *facts};
    AML_TRY(check_names(allowed));
    size_t n_all = 0, n_dims = 1;
    for (const aml_learner *const *l = aml_learners(); *l; l++, n_all++)
        n_dims += aml_params_count((*l)->params) + 2;
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
            if (l->params[p].fixed) continue;
            put_dim(&dims[d], aml_printf(keep, "%s.%s", l->name, l->params[p].name), &l->params[p],
                    when);
            if (!dims[d].name) return AML_ENOMEM;
            if (l->bound) l->bound(&dims[d].lo, &dims[d].hi, p, &facts->shape);
            d++;
        }
        const aml_param *extra[2];
        size_t n_extra = feature_params(extra, l, facts);
        for (size_t e = 0; e < n_extra; e++) {
            put_dim(&dims[d], aml_printf(keep, "%s.%s", l->name, extra[e]->name), extra[e], when);
            if (!dims[d++].name) return AML_ENOMEM;
        }
    }
    if (!c->n_learners)
        return aml_help(aml_fail(AML_EUSAGE, "none of the learners asked for can do a %s task",
                                 aml_task_name(facts->shape.task)),
                        NULL, "`automl catalog` shows which learner does what");
    c->choice = (aml_param){
        .name = "learner", .summary = "the learner", .kind = AML_CHOICE, .choices = names};
    dims[0] = (aml_dim){
        .name = "learner", .param = &c->choice, .hi = (double)c->n_learners - 1, .parent = -1};
    c->space = (aml_space){.n = d, .dims = dims};
    return AML_OK;
}

/* ---- plans */

static aml_plan_step *add(aml_plan *plan, const char *name) {
    const aml_step *step = aml_step_find(name);
    if (!step || plan->n_steps == AML_MAX_STEPS) return NULL;
    aml_plan_step *s = &plan->steps[plan->n_steps++];
    s->step = step;
    for (size_t i = 0; i < AML_MAX_PARAMS; i++) s->hp[i] = 0;
    for (size_t i = 0; i < aml_params_count(step->params); i++) s->hp[i] = step->params[i].fallback;
    return s;
}

static void set(aml_plan_step *s, const char *param, double value) {
    int i = s ? aml_params_find(s->step->params, param) : -1;
    if (i >= 0) s->hp[i] = aml_param_clamp(&s->step->params[i], value);
}

static void choose(aml_plan_step *s, const char *param, const char *choice) {
    int i = s ? aml_params_find(s->step->params, param) : -1;
    if (i >= 0) (void)aml_param_read(&s->hp[i], &s->step->params[i], choice);
}

typedef struct choices {
    int encode, scale;
} choices;

static void add_text(aml_plan *plan, const aml_facts *f) {
    if (!(f->kinds & AML_TEXT)) return;
    add(plan, "text_hash");
    if (!(plan->learner->can & AML_CAN_SPARSE)) add(plan, "text_svd");
}

/* Learners that take categories and missing values as they are: trees. */
static void native_steps(aml_plan *plan, const aml_facts *f, choices c) {
    if (f->kinds & AML_DATETIME) add(plan, "datetime");
    add_text(plan, f);
    if ((f->kinds & AML_CATEGORY) && c.encode == TARGET) {
        aml_plan_step *s = add(plan, "target_encode");
        set(s, "min_levels", MANY_LEVELS);
        choose(s, "keep_original", "false");
    }
}

/* Learners that want numbers of similar size and no gaps. */
static void dense_steps(aml_plan *plan, const aml_facts *f, choices c) {
    if (f->missing) add(plan, "missing_flags");
    if (f->kinds & AML_DATETIME) choose(add(plan, "datetime"), "cyclic", "true");
    if ((f->kinds & AML_CATEGORY) && c.encode == TARGET) {
        aml_plan_step *s = add(plan, "target_encode");
        set(s, "min_levels", MANY_LEVELS);
        choose(s, "keep_original", "false");
    }
    if (f->kinds & AML_CATEGORY) {
        add(plan, "rare");
        aml_plan_step *s = add(plan, "one_hot");
        if (!(plan->learner->can & AML_CAN_SPARSE)) set(s, "sparse_from", 1e9);
    }
    add(plan, "impute");
    choose(add(plan, "scale"), "method", c.scale == QUANTILE ? "quantile_normal" : "standard");
    add_text(plan, f);
}

static void add_steps(aml_plan *plan, const aml_facts *f, choices c) {
    unsigned can = plan->learner->can;
    if ((can & AML_CAN_CATEGORIES) && (can & AML_CAN_MISSING)) native_steps(plan, f, c);
    else if (!(can & AML_YARDSTICK)) dense_steps(plan, f, c);
}

void aml_compose(aml_plan *plan, const aml_composer *c, const double *config) {
    *plan = (aml_plan){.learner = c->learners[(size_t)config[0]]};
    const aml_param *params = plan->learner->params;
    for (size_t i = 0; i < aml_params_count(params); i++) plan->hp[i] = params[i].fallback;
    choices chosen = {0, 0};
    for (size_t d = 1; d < c->space.n; d++) {
        const aml_dim *dim = &c->space.dims[d];
        if (!aml_space_live(&c->space, config, d)) continue;
        const char *name = strchr(dim->name, '.') + 1;
        int i = aml_params_find(params, name);
        if (dim->param == &encode_native || dim->param == &encode_dense)
            chosen.encode = (int)config[d];
        else if (dim->param == &scale_dense) chosen.scale = (int)config[d];
        else if (i >= 0) plan->hp[i] = config[d];
    }
    add_steps(plan, &c->facts, chosen);
}

bool aml_compose_yardstick(aml_plan *plan, const aml_facts *facts) {
    for (const aml_learner *const *l = aml_learners(); *l; l++) {
        if (!((*l)->can & AML_YARDSTICK) || !((*l)->tasks & (unsigned)facts->shape.task)) continue;
        *plan = (aml_plan){.learner = *l};
        for (size_t i = 0; i < aml_params_count((*l)->params); i++)
            plan->hp[i] = (*l)->params[i].fallback;
        return true;
    }
    return false;
}

unsigned aml_plan_build(const aml_plan *plan) {
    unsigned can = plan->learner->can;
    if (can & AML_YARDSTICK) return AML_NO_FEATURES;
    return (can & AML_WANTS_DENSE ? (unsigned)AML_BUILD_DENSE : 0) |
           (can & AML_WANTS_BINS ? (unsigned)AML_BUILD_BINS : 0) |
           (can & AML_WANTS_BIN_ROWS ? (unsigned)AML_BUILD_BIN_ROWS : 0);
}

bool aml_plan_sees_target(const aml_plan *plan) {
    for (size_t i = 0; i < plan->n_steps; i++)
        if (plan->steps[i].step->flags & AML_STEP_TARGET) return true;
    return false;
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
