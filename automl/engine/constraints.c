/* constraints.c: from names of columns to what learners keep. */
#include "automl/engine/constraints.h"

#include <string.h>

#include "automl/engine/catalog.h"

enum { MOST_GROUPS = 64 };

typedef struct maker {
    const aml_frame *data, *view;
    const aml_role *roles;
} maker;

/* The column's number in the view, or -1 for a feature that is not used: it keeps any promise. */
static aml_status find(int *out, const maker *m, const char *name, const char *what) {
    size_t c;
    AML_TRY(aml_frame_need(&c, m->data, name, what));
    if (m->roles[c] != AML_FEATURE)
        return aml_help(aml_fail(AML_EUSAGE, "column `%s` is no feature", name), NULL,
                        "name columns that the model may use as %s", what);
    *out = aml_frame_find(m->view, name);
    return AML_OK;
}

static aml_status set_signs(int8_t *sign, const maker *m, const char *const *names, int8_t value,
                            const char *what) {
    for (size_t i = 0; names && names[i]; i++) {
        int c = -1;
        AML_TRY(find(&c, m, names[i], what));
        if (c < 0) continue;
        aml_kind kind = m->view->columns[c].kind;
        if (kind != AML_NUMBER)
            return aml_help(aml_fail(AML_EUSAGE, "column `%s` cannot be %s: it is a %s", names[i],
                                     what, aml_kind_name(kind)),
                            NULL, "name columns of numbers; `automl check` shows the kinds");
        if (sign[c] && sign[c] != value)
            return aml_help(
                aml_fail(AML_EUSAGE, "column `%s` is increasing and decreasing", names[i]), NULL,
                "name it once");
        sign[c] = value;
    }
    return AML_OK;
}

static aml_status set_groups(uint64_t *groups, const maker *m,
                             const char *const *const *interactions) {
    for (size_t g = 0; interactions[g]; g++) {
        if (g == MOST_GROUPS)
            return aml_help(
                aml_fail(AML_EUSAGE, "more than %d groups of interactions", MOST_GROUPS), NULL,
                "join some of them");
        for (size_t i = 0; interactions[g][i]; i++) {
            int c = -1;
            AML_TRY(find(&c, m, interactions[g][i], "interacting"));
            if (c >= 0) groups[c] |= (uint64_t)1 << g;
        }
    }
    return AML_OK;
}

/* Text columns are made into features together: they have to be allowed to interact. */
static aml_status join_texts(uint64_t *together, const uint64_t *groups, const aml_frame *view) {
    size_t n = 0, last = 0;
    *together = UINT64_MAX;
    for (size_t i = 0; i < view->p; i++) {
        if (view->columns[i].kind != AML_TEXT) continue;
        *together &= groups[i];
        if (n++ && !*together)
            return aml_help(aml_fail(AML_EUSAGE,
                                     "the text columns `%s` and `%s` are in no common group",
                                     view->columns[last].name, view->columns[i].name),
                            "texts become features together",
                            "put them into one group of interactions, or drop one");
        last = i;
    }
    return AML_OK;
}

static bool any(const char *const *names) { return names && names[0]; }

aml_status aml_constraints_make(aml_constraints *out, const aml_train_options *o,
                                const aml_frame *data, const aml_role *roles, const aml_frame *view,
                                aml_task_kind task, aml_ctx *ctx) {
    maker m = {.data = data, .view = view, .roles = roles};
    *out = (aml_constraints){0};
    if (any(o->increasing) || any(o->decreasing)) {
        int8_t *sign = AML_ARRAY(ctx->keep, view->p + 1, int8_t);
        if (!sign) return AML_ENOMEM;
        if (task == AML_MULTICLASS)
            return aml_help(
                aml_fail(AML_EUSAGE, "predictions of several classes have no direction"),
                "increasing and decreasing columns need numbers or two classes",
                "leave them out, or predict one class against the others");
        AML_TRY(set_signs(sign, &m, o->increasing, 1, "increasing"));
        AML_TRY(set_signs(sign, &m, o->decreasing, -1, "decreasing"));
        out->monotone = sign;
        out->needs |= AML_CAN_MONOTONE;
    }
    if (!o->interactions || !o->interactions[0]) return AML_OK;
    uint64_t *groups = AML_ARRAY(ctx->keep, view->p + 1, uint64_t);
    if (!groups) return AML_ENOMEM;
    AML_TRY(set_groups(groups, &m, o->interactions));
    AML_TRY(join_texts(&out->together, groups, view));
    out->groups = groups;
    out->needs |= AML_CAN_GROUPS;
    return AML_OK;
}

/* ---- what is said about it */

/* "; rising with `a`, `b`": nothing when there is no such column. */
static aml_status put_signed(aml_string *s, const aml_constraints *c, const aml_frame *view,
                             int8_t sign, const char *text, aml_ctx *ctx) {
    uint32_t *columns = AML_ARRAY(ctx->scratch, view->p + 1, uint32_t);
    size_t n = 0;
    if (!columns) return AML_ENOMEM;
    for (size_t i = 0; c->monotone && i < view->p; i++)
        if (c->monotone[i] == sign) columns[n++] = (uint32_t)i;
    if (!n) return AML_OK;
    char *names = aml_name_list(view, columns, n, ctx->scratch);
    if (!names) return AML_ENOMEM;
    aml_string_printf(s, "%s%s %s", s->length ? "; " : "", text, names);
    return AML_OK;
}

static bool is_asked_for(const aml_learner *l, const char *const *allowed) {
    if (!any(allowed)) return !(l->can & (AML_YARDSTICK | AML_ON_REQUEST));
    for (size_t i = 0; allowed[i]; i++)
        if (!strcmp(allowed[i], l->name)) return true;
    return false;
}

aml_status aml_constraints_report(aml_guardrail_list *list, const aml_constraints *c,
                                  const aml_train_options *o, const aml_frame *view,
                                  aml_task_kind task, aml_ctx *ctx) {
    aml_string what = {0}, without = {0};
    size_t n = 0;
    if (!c->needs) return AML_OK;
    aml_status status = put_signed(&what, c, view, 1, "predictions never fall with", ctx);
    if (!status) status = put_signed(&what, c, view, -1, "predictions never rise with", ctx);
    if (c->groups)
        aml_string_printf(&what, "%scolumns interact within their groups alone",
                          what.length ? "; " : "");
    if (!what.length) aml_string_put(&what, "the columns held to something are not used");
    for (const aml_learner *const *l = aml_learners(); *l; l++) {
        if (!((*l)->tasks & (unsigned)task) || !is_asked_for(*l, o->learners)) continue;
        if (((*l)->can & c->needs) == c->needs) continue;
        aml_string_printf(&without, "%s%s",
                          n++ ? ", " : "learners that cannot keep it are left out: ", (*l)->name);
    }
    if (what.failed || without.failed) status = AML_ENOMEM;
    if (!status)
        status = aml_guardrail_add(list, ctx->keep, "constraints", "Done", n,
                                   without.text ? without.text : "", "%s", what.text);
    aml_string_free(&what);
    aml_string_free(&without);
    return status;
}

/* ---- features */

aml_status aml_constraints_apply(aml_data *train, const aml_constraints *c, aml_arena *scratch) {
    const aml_design *x = train->x;
    if (!c->needs || !x->source) return AML_OK;
    int8_t *sign = AML_ARRAY(scratch, x->p + 1, int8_t);
    uint64_t *groups = AML_ARRAY(scratch, x->p + 1, uint64_t);
    if (!sign || !groups) return AML_ENOMEM;
    for (size_t j = 0; j < x->p; j++) {
        bool mixed = x->source[j] == UINT32_MAX;
        if (c->monotone && !mixed && !x->n_levels[j]) sign[j] = c->monotone[x->source[j]];
        if (c->groups) groups[j] = mixed ? c->together : c->groups[x->source[j]];
    }
    if (c->monotone) train->monotone = sign;
    if (c->groups) train->groups = groups;
    return AML_OK;
}
