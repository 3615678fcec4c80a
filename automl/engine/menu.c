/* menu.c: best, fast, single, interpretable. */
#include "automl/engine/menu.h"

#include <math.h>
#include <string.h>

enum { ROUNDS = 25, TIMES_FASTER = 10 };

const char *const aml_menu_names[AML_MENU + 1] = {"best", "fast", "single", "interpretable", NULL};

aml_status aml_menu_find(size_t *out, const aml_train_options *o) {
    *out = AML_BEST;
    if (!o->prefer) return AML_OK;
    for (*out = 0; aml_menu_names[*out]; ++*out)
        if (!strcmp(aml_menu_names[*out], o->prefer)) return AML_OK;
    const char *near = aml_nearest(o->prefer, aml_menu_names, AML_MENU);
    aml_fail(AML_EUSAGE, "`%s` is none of the models to prefer", o->prefer);
    return near ? aml_help(AML_EUSAGE, NULL, "did you mean `%s`?", near)
                : aml_help(AML_EUSAGE, NULL, "prefer best, fast, single or interpretable");
}

static aml_wish wish_of(const aml_study *s, double tighter) {
    const aml_train_options *o = s->options;
    bool alone = o->ensemble < 0;
    return (aml_wish){
        .rounds = alone ? 1 : ROUNDS,
        .most_us = o->max_predict_seconds > 0 ? 1e6 * o->max_predict_seconds * tighter : INFINITY,
        .most_bytes = o->max_model_bytes ? (double)o->max_model_bytes * tighter : INFINITY,
        .share = 0.7};
}

/* ---- what to do when there is none */

/* The trial that takes least of what is limited. */
static const aml_trial *cheapest(const aml_study *s, bool by_time) {
    const aml_trial *best = NULL;
    double least = INFINITY;
    for (size_t i = 0; i < s->trials.n; i++) {
        const aml_trial *t = s->trials.at[i];
        if (t->state != AML_TRIAL_DONE || !(t->loss < s->yardstick->loss)) continue;
        double cost = by_time ? aml_trial_us(t, 1) : aml_trial_bytes(t, 1);
        if (cost < least) best = t, least = cost;
    }
    return best;
}

static aml_status nothing_fits(const aml_study *s) {
    const aml_train_options *o = s->options;
    const aml_trial *fast = cheapest(s, true), *small = cheapest(s, false);
    if (o->max_predict_seconds > 0 && fast &&
        !(aml_trial_us(fast, 1) <= 1e6 * o->max_predict_seconds))
        return aml_help(
            aml_fail(AML_ECONFIG, "no pipeline that was tried predicts a row in %.3g µs",
                     1e6 * o->max_predict_seconds),
            "max_predict_time is a limit that the model keeps",
            "the fastest is %s with %.3g µs: allow more, or other learners and featurization",
            fast->plan.learner->name, aml_trial_us(fast, 1));
    if (o->max_model_bytes && small && !(aml_trial_bytes(small, 1) <= (double)o->max_model_bytes))
        return aml_help(aml_fail(AML_ECONFIG, "no model that was tried is as small as %zu bytes",
                                 o->max_model_bytes),
                        "max_model_size is a limit that the model keeps",
                        "the smallest is %s with about %.0f bytes: allow more, or other learners",
                        small->plan.learner->name, aml_trial_bytes(small, 1));
    return aml_help(aml_fail(AML_ECONFIG, "no model that was tried keeps the limits"),
                    "max_predict_time and max_model_size are limits that the model keeps",
                    "allow more of one of them, or a longer search");
}

static aml_status copy_choice(aml_choice *to, const aml_choice *from, aml_study *s) {
    *to = *from;
    to->pred = aml_copy(s->ctx.keep, from->pred,
                        s->bench.n_scored * (size_t)s->bench.n_outputs * sizeof *from->pred);
    return to->pred ? AML_OK : AML_ENOMEM;
}

/* Nothing is ten times as fast: the fastest pipeline that is better than a constant. */
static aml_status fastest(aml_menu *menu, aml_study *s, aml_wish wish) {
    const aml_trial *t = cheapest(s, true);
    if (!t) return AML_OK;
    wish.most_us = fmin(wish.most_us, aml_trial_us(t, 1));
    AML_TRY(aml_choose(&menu->at[AML_FAST], s, &menu->parts, &wish));
    if (!menu->at[AML_FAST].n) AML_TRY(copy_choice(&menu->at[AML_FAST], &menu->at[AML_BEST], s));
    return aml_guardrail_add(&s->profile.guardrails, s->ctx.keep, "prefer_fast", "Alerted", 0,
                             "the fastest pipeline is chosen",
                             "nothing that was tried predicts %d times as fast as the best model, "
                             "but %.1f times",
                             TIMES_FASTER, menu->at[AML_BEST].us / menu->at[AML_FAST].us);
}

/* ---- the entries */

static bool has_time(const aml_study *s, size_t entry, size_t chosen) {
    return entry == chosen || s->deadline <= 0 ||
           aml_decide_if(s->decisions, aml_now() < s->deadline);
}

static aml_status make_fast(aml_menu *menu, aml_study *s, aml_wish wish) {
    const aml_choice *best = &menu->at[AML_BEST];
    if (best->trial[0] == s->yardstick || !has_time(s, AML_FAST, menu->chosen)) return AML_OK;
    aml_wish fast = wish;
    fast.most_us = fmin(wish.most_us, best->us / TIMES_FASTER);
    fast.share = 0.3;
    AML_TRY(aml_choose(&menu->at[AML_FAST], s, &menu->parts, &fast));
    if (menu->chosen == AML_FAST && !menu->at[AML_FAST].n) return fastest(menu, s, wish);
    return AML_OK;
}

static aml_status make_interpretable(aml_menu *menu, aml_study *s, aml_wish wish) {
    if (!has_time(s, AML_INTERPRETABLE, menu->chosen)) return AML_OK;
    wish.rounds = 1;
    wish.readable = true;
    wish.share = 0.2;
    return aml_choose(&menu->at[AML_INTERPRETABLE], s, &menu->parts, &wish);
}

aml_status aml_menu_make(aml_menu *menu, aml_study *s, double tighter) {
    *menu = (aml_menu){0};
    aml_wish wish = wish_of(s, tighter), alone = wish;
    alone.rounds = 1;
    alone.once = true;
    alone.share = 0.2;
    AML_TRY(aml_menu_find(&menu->chosen, s->options));
    AML_TRY(aml_parts_make(&menu->parts, s));
    AML_TRY(aml_choose(&menu->at[AML_BEST], s, &menu->parts, &wish));
    if (!menu->at[AML_BEST].n) return nothing_fits(s);
    if (has_time(s, AML_SINGLE, menu->chosen))
        AML_TRY(aml_choose(&menu->at[AML_SINGLE], s, &menu->parts, &alone));
    AML_TRY(make_fast(menu, s, wish));
    AML_TRY(make_interpretable(menu, s, wish));
    if (!menu->at[menu->chosen].n) return nothing_fits(s);
    return AML_OK;
}

/* ---- telling */

/* The learners of an ensemble by weight, "gbdt ×3 + mlp"; of one pipeline its text. */
static const char *members_text(const aml_choice *c, aml_arena *keep) {
    aml_string text = {0};
    bool seen[AML_MOST_CANDIDATES] = {false};
    size_t n = 0, told = 0;
    for (size_t i = 0; i < c->n; i++) n += c->weight[i] > 0;
    for (;;) {
        size_t best = c->n, times = 0;
        for (size_t i = 0; i < c->n; i++)
            if (!seen[i] && c->weight[i] > 0 && (best == c->n || c->weight[i] > c->weight[best]))
                best = i;
        if (best == c->n) break;
        const aml_trial *t = c->trial[best];
        for (size_t i = 0; i < c->n; i++) {
            bool same = c->weight[i] > 0 && c->trial[i]->plan.learner == t->plan.learner;
            seen[i] |= same;
            times += same;
        }
        aml_string_printf(&text, "%s%s", told++ ? " + " : "",
                          n > 1 ? t->plan.learner->name : t->text);
        if (times > 1) aml_string_printf(&text, " ×%zu", times);
    }
    const char *kept = text.failed ? NULL : aml_strdup(keep, text.text ? text.text : "");
    aml_string_free(&text);
    return kept;
}

static size_t count_members(const aml_choice *c, size_t *fits) {
    size_t n = 0;
    *fits = 0;
    for (size_t i = 0; i < c->n; i++) {
        if (!(c->weight[i] > 0)) continue;
        n++;
        *fits += c->fits[i];
    }
    return n;
}

static bool is_same(const aml_choice *a, const aml_choice *b) {
    for (size_t i = 0; i < a->n && a->n == b->n; i++)
        if (a->trial[i] != b->trial[i] || a->weight[i] != b->weight[i] || a->fits[i] != b->fits[i])
            return false;
    return a->n == b->n;
}

aml_status aml_menu_tell(aml_study *s, const aml_menu *menu, double us, double bytes) {
    aml_model *m = s->model;
    m->alternatives = AML_ARRAY(m->arena, AML_MENU, aml_alternative);
    if (!m->alternatives) return AML_ENOMEM;
    for (size_t i = 0; i < AML_MENU; i++) {
        const aml_choice *c = &menu->at[i];
        bool chosen = i == menu->chosen, measured = is_same(c, &menu->at[menu->chosen]);
        if (!c->n || (c->trial[0] == s->yardstick && !chosen)) continue;
        aml_alternative *a = &m->alternatives[m->n_alternatives++];
        *a = (aml_alternative){.size = sizeof *a,
                               .name = aml_menu_names[i],
                               .members = members_text(c, m->arena),
                               .score = chosen ? m->score.value : c->score,
                               .error = c->error,
                               .predict_us = measured ? us : c->us,
                               .bytes = measured ? bytes : c->bytes,
                               .chosen = chosen};
        if (!a->members) return AML_ENOMEM;
        a->n_members = count_members(c, &a->fits);
    }
    return AML_OK;
}
