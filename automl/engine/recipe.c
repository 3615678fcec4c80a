/* recipe.c: which steps stand before a learner. The learner's flags decide, never its name. */
#include "automl/engine/recipe.h"

#include <string.h>

enum { MANY_LEVELS = 8 };     /* from here on target encoding is worth trying */
enum { HASHED_LEVELS = 200 }; /* and from here on sharing columns */
enum { CROSSED_COLUMNS = 1000, PCA_COLUMNS = 4 };

/* ---- what is searched */

static bool native(const aml_learner *l) {
    return (l->can & AML_CAN_CATEGORIES) && (l->can & AML_CAN_MISSING);
}

/* Texts' terms as they are: linear models learn from thousands of them in no time. Trees do as well from a few dense
 * columns, many times faster. */
static bool takes_terms(const aml_learner *l) { return (l->can & AML_CAN_SPARSE) && !native(l); }

static bool may(const aml_facts *f, const char *step) {
    return aml_featurization_allows(f->featurization, step);
}

/* Trees cross columns by themselves: with classes they lose by crosses with target means (bench_features), and gain at
 * times with numbers. */
static bool may_cross(const aml_learner *l, const aml_facts *f) {
    return may(f, "cross") && (!native(l) || f->shape.task == AML_REGRESSION);
}

static const aml_param *choice(const char *name, const char *summary, const char *const *list,
                               size_t n, aml_arena *keep) {
    aml_param *p = AML_NEW(keep, aml_param);
    const char **choices = AML_ARRAY(keep, n + 1, const char *);
    if (!p || !choices) return NULL;
    memcpy(choices, list, n * sizeof *choices);
    *p = (aml_param){.name = name, .summary = summary, .kind = AML_CHOICE, .choices = choices};
    return p;
}

static const aml_param *encode_param(const aml_learner *l, const aml_facts *f, aml_arena *keep) {
    const char *list[5];
    size_t n = 0;
    list[n++] = native(l) ? "native" : "one_hot";
    if (may(f, "target_encode")) list[n++] = "target";
    if (native(l) && may(f, "count_encode")) list[n++] = "count";
    if (!native(l) && may(f, "target_encode") && f->shape.task != AML_REGRESSION)
        list[n++] = "log_odds";
    if (!native(l) && (l->can & AML_CAN_SPARSE) && f->most_levels >= HASHED_LEVELS &&
        may(f, "hash_one_hot"))
        list[n++] = "hashed";
    return choice("encode", "how categories become features", list, n, keep);
}

/* "plain" first; sets of steps that add features, and all of them together. Clusters and components only on request: they
 * took more of the search's time than they gave back (bench/automl/ablate.py). */
static const aml_param *features_param(const aml_learner *l, const aml_facts *f, aml_arena *keep) {
    const char *list[8] = {"plain"};
    size_t n = 1, levels = f->n_categories + f->n_few;
    if (f->n_numbers >= 2 && may(f, "arithmetic")) list[n++] = "arithmetic";
    if (f->n_numbers && f->n_categories && may(f, "group_by")) list[n++] = "grouped";
    if (levels >= 2 && may_cross(l, f)) list[n++] = "crossed";
    if (f->missing && may(f, "missing_pattern")) list[n++] = "missing";
    size_t adding = n - 1;
    bool rare = !native(l) && aml_featurization_is_all(f->featurization);
    if (rare && f->n_numbers >= 2 && may(f, "cluster_distance")) list[n++] = "clusters";
    if (rare && f->n_numbers >= PCA_COLUMNS && may(f, "pca")) list[n++] = "pca";
    if (adding >= 2) list[n++] = "all";
    return choice("features", "what is added to the columns", list, n, keep);
}

/* A step that was registered at run time, in front of all others. */
static const aml_param *own_param(const aml_facts *f, aml_arena *keep) {
    const char *list[AML_MOST_PARTS + 1] = {"none"};
    size_t n = 1;
    for (const aml_step *const *s = aml_steps_added(); *s; s++)
        if (((*s)->kinds & f->kinds) && may(f, (*s)->name)) list[n++] = (*s)->name;
    return choice("own", "a step of your own", list, n, keep);
}

static const aml_param *scale_param(const aml_facts *f, aml_arena *keep) {
    static const char *const list[] = {"standard", "quantile"};
    (void)f;
    return choice("scale", "how numbers are scaled", list, 2, keep);
}

static const aml_param *terms_param(const aml_facts *f, aml_arena *keep) {
    static const char *const list[] = {"both", "words", "chars"}, *const words[] = {"words"};
    return choice("terms", "what is counted in texts", f->words_only ? words : list,
                  f->words_only ? 1 : 3, keep);
}

static const aml_param components = {.name = "components",
                                     .summary = "dense columns that stand for a text's terms",
                                     .kind = AML_INT,
                                     .log = true,
                                     .lo = 16,
                                     .hi = 256,
                                     .fallback = 64};

size_t aml_recipe_params(const aml_param *out[AML_MAX_CHOICES], const aml_learner *l,
                         const aml_facts *f, aml_arena *keep) {
    size_t n = 0;
    if ((l->can & AML_YARDSTICK) || aml_featurization_is_off(f->featurization)) return 0;
    bool dense = (l->can & AML_WANTS_DENSE) && (f->kinds & (AML_NUMBER | AML_DATETIME));
    if ((f->kinds & AML_CATEGORY) && f->most_levels >= MANY_LEVELS)
        out[n++] = encode_param(l, f, keep);
    if (dense && may(f, "scale")) out[n++] = scale_param(f, keep);
    /* columns made of several could break what predictions are held to */
    if (f->shape.p <= CROSSED_COLUMNS && !f->needs) out[n++] = features_param(l, f, keep);
    if ((f->kinds & AML_TEXT) && may(f, "text_hash")) {
        out[n++] = terms_param(f, keep);
        if (!takes_terms(l)) out[n++] = &components;
    }
    if (*aml_steps_added() && !f->needs) out[n++] = own_param(f, keep);
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        if (!out[i]) return SIZE_MAX;
        if (out[i]->kind != AML_CHOICE || aml_param_choices(out[i]) > 1) out[used++] = out[i];
    }
    return used;
}

void aml_recipe_take(aml_recipe *r, const aml_param *param, double value) {
    const struct {
        const char *name, **text;
    } texts[] = {{"encode", &r->encode},
                 {"scale", &r->scale},
                 {"features", &r->features},
                 {"terms", &r->terms},
                 {"own", &r->own}};
    if (param->kind != AML_CHOICE) r->components = value;
    for (size_t i = 0; param->kind == AML_CHOICE && i < sizeof texts / sizeof *texts; i++)
        if (!strcmp(param->name, texts[i].name)) *texts[i].text = param->choices[(size_t)value];
}

/* ---- steps */

typedef struct cook {
    aml_plan *plan;
    const aml_recipe *r;
    const aml_facts *f;
} cook;

static aml_plan_step *add(const cook *c, const char *name) {
    aml_plan *plan = c->plan;
    const aml_step *step = may(c->f, name) ? aml_step_find(name) : NULL;
    if (!step || plan->n_steps == AML_MAX_STEPS) return NULL;
    aml_plan_step *s = &plan->steps[plan->n_steps++];
    s->step = step;
    for (size_t i = 0; i < AML_MAX_PARAMS; i++) s->hp[i] = 0;
    aml_params_defaults(s->hp, step->params);
    return s;
}

static void set(aml_plan_step *s, const char *param, double value) {
    int i = s ? aml_params_find(s->step->params, param) : -1;
    if (i >= 0) s->hp[i] = aml_param_clamp(&s->step->params[i], value);
}

static void choose(aml_plan_step *s, const char *param, const char *text) {
    int i = s ? aml_params_find(s->step->params, param) : -1;
    if (i >= 0) (void)aml_param_read(&s->hp[i], &s->step->params[i], text);
}

static bool is(const char *chosen, const char *text) { return chosen && !strcmp(chosen, text); }

/* Is the set of steps wanted, by itself or as one of all? */
static bool wants(const cook *c, const char *set_name) {
    return is(c->r->features, set_name) ||
           (is(c->r->features, "all") && strcmp(set_name, "clusters") != 0);
}

static bool crosses(const cook *c) {
    bool tree = native(c->plan->learner);
    return c->f->n_categories + c->f->n_few >= 2 && may_cross(c->plan->learner, c->f) &&
           (tree ? is(c->r->features, "crossed") : wants(c, "crossed"));
}

static aml_plan_step *encode_target(const cook *c, const char *value) {
    aml_plan_step *s = add(c, "target_encode");
    set(s, "min_levels", MANY_LEVELS);
    choose(s, "keep_original", "false");
    choose(s, "value", value);
    return s;
}

/* Columns made of the ones there are, before categories become numbers. */
static void add_features(const cook *c) {
    const aml_facts *f = c->f;
    if (f->missing && wants(c, "missing")) add(c, "missing_pattern");
    if (f->n_numbers >= 2 && wants(c, "arithmetic")) add(c, "arithmetic");
    if (f->n_numbers && f->n_categories && wants(c, "grouped")) add(c, "group_by");
    if (!crosses(c)) return;
    if (f->n_few) add(c, "few_valued");
    add(c, "cross");
    aml_plan_step *s =
        encode_target(c, "mean"); /* as a category a cross would be learnt by heart */
    set(s, "min_levels", 2);
    choose(s, "columns", "crossed");
}

static void add_text(const cook *c) {
    if (!(c->f->kinds & AML_TEXT)) return;
    const char *usual = c->f->words_only ? "words" : "both";
    choose(add(c, "text_hash"), "terms", c->r->terms ? c->r->terms : usual);
    if (takes_terms(c->plan->learner)) return;
    aml_plan_step *s = add(c, "text_svd");
    if (c->r->components > 0) set(s, "components", c->r->components);
}

/* Learners that take categories and missing values as they are: trees. */
static void native_steps(const cook *c) {
    if (c->f->kinds & AML_DATETIME) add(c, "datetime");
    if (c->f->n_lists) add(c, "multi_hot");
    add_features(c);
    add_text(c);
    if (!(c->f->kinds & AML_CATEGORY)) return;
    if (is(c->r->encode, "target")) encode_target(c, "mean");
    if (is(c->r->encode, "count")) choose(add(c, "count_encode"), "keep_original", "true");
}

/* Categories to numbers; what may not be one-hot encoded becomes codes. */
static void encode_dense(const cook *c) {
    bool sparse = c->plan->learner->can & AML_CAN_SPARSE;
    if (is(c->r->encode, "target")) encode_target(c, "mean");
    if (is(c->r->encode, "log_odds")) encode_target(c, "log_odds");
    if (is(c->r->encode, "hashed")) add(c, "hash_one_hot");
    add(c, "rare");
    aml_plan_step *s = add(c, "one_hot");
    if (!s) add(c, "ordinal");
    if (!sparse) set(s, "sparse_from", 1e9);
}

/* Learners that want numbers of similar size and no gaps. */
static void dense_steps(const cook *c) {
    if (c->f->missing) add(c, "missing_flags");
    if (c->f->kinds & AML_DATETIME) choose(add(c, "datetime"), "cyclic", "true");
    if (c->f->n_lists) add(c, "multi_hot");
    add_features(c);
    if ((c->f->kinds & AML_CATEGORY) || (c->f->n_few && crosses(c)) ||
        (c->f->missing && wants(c, "missing")))
        encode_dense(c);
    add(c, "impute");
    choose(add(c, "scale"), "method", is(c->r->scale, "quantile") ? "quantile_normal" : "standard");
    if (wants(c, "clusters")) add(c, "cluster_distance");
    if (is(c->r->features, "pca")) add(c, "pca");
    add_text(c);
}

void aml_recipe_steps(aml_plan *plan, const aml_recipe *r, const aml_facts *f) {
    const cook c = {plan, r, f};
    if (plan->learner->can & AML_YARDSTICK) return;
    if (r->own && strcmp(r->own, "none") != 0) add(&c, r->own);
    if (native(plan->learner)) native_steps(&c);
    else dense_steps(&c);
    for (size_t i = 0; i < plan->n_steps; i++)
        aml_featurization_set(f->featurization, plan->steps[i].step, plan->steps[i].hp);
}
