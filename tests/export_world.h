/* export_world.h: models of every step and every learner on nasty columns, for the tests of what is exported. */
#ifndef AML_TESTS_EXPORT_WORLD_H
#define AML_TESTS_EXPORT_WORLD_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "automl/core/par.h"
#include "automl/engine/model.h"
#include "featurize/parts/table.h"

enum { ROWS = 300, NEW_ROWS = 150, NUMBERS = 6, CODES = 3, TIMES = 1, TEXTS = 2 };
enum { COLUMNS = NUMBERS + CODES + TIMES + TEXTS, CELL = 96, MEMBERS = 64 };

/* Names that no language takes as they are, two that look alike, levels with all kinds of characters. */
static const char *const column_names[COLUMNS] = {"int",
                                                  "a b",
                                                  "a_b",
                                                  "*/ \"quoted\"\\",
                                                  "9 lives?"
                                                  "?/",
                                                  "größe",
                                                  "city",
                                                  "odd\nlevels,",
                                                  "many",
                                                  "when",
                                                  "list",
                                                  "note"};
static const char *const cities[] = {"Rome", "Oslo", "Bern", "Riga", "Lima"};
static const char *const odd[] = {"a \"quote\"",
                                  "back\\slash",
                                  "line\nbreak",
                                  "comma, or two",
                                  "?"
                                  "?/trigraph",
                                  "猫 été",
                                  "%d %s",
                                  "1.50",
                                  "NaN?"};
static const char *const items[] = {"Action", "Comedy", "Sci-Fi, new", "[Drama]", "猫"};
static const char *const words[] = {"the",  "Quick",  "brown", "fox",      "jumps",
                                    "over", "LAZY",   "dog",   "42",       "ждет",
                                    "été",  "don't!", "猫犬",  "\xff\xfe", "naïve"};
enum { N_CITIES = 5, N_ODD = 9, N_MANY = 40, N_ITEMS = 5, N_WORDS = 15 };
#define COUNT(a) (sizeof(a) / sizeof *(a))

/* A frame whose cells are functions of the seed, and whose target is one of pairs of them; rows that no model has seen have levels that it does not know. */
typedef struct export_rows {
    size_t n;
    double number[NUMBERS + TIMES][ROWS], y[ROWS];
    int32_t code[CODES][ROWS];
    char text[TEXTS][ROWS * CELL];
    uint64_t offset[TEXTS][ROWS + 1];
    char many[N_MANY + 1][8];
    const char *levels[CODES][N_MANY + 1];
    aml_column columns[COLUMNS];
    aml_frame frame;
} export_rows;

static inline double number_cell(size_t j, aml_rng *r) {
    static const double wild[] = {0.0,   -0.0,     1e300,  -1e300,    3.4e38, -3.5e38,
                                  1e-45, 1e-320,   1e30,   -2e30,     1e15,   16777217,
                                  0.1,   INFINITY, 1e-300, -INFINITY, 7,      1e22};
    double z = aml_rng_normal(r);
    if (j == 0) return (double)aml_rng_below(r, 4);
    if (j == 3) return aml_rng_below(r, 3) ? z : wild[aml_rng_below(r, COUNT(wild))];
    if (!aml_rng_below(r, 6)) return NAN;
    if (j == 4) return exp(3 * z);
    return j == 5 ? floor(3 * z) / 2 : z;
}

static inline void text_cell(char *to, size_t *n, size_t k, aml_rng *r) {
    size_t parts = aml_rng_below(r, 7), at = 0;
    for (size_t i = 0; i < parts; i++) {
        const char *part = k ? words[aml_rng_below(r, N_WORDS)] : items[aml_rng_below(r, N_ITEMS)];
        const char *gap = k                     ? (aml_rng_below(r, 4) ? " " : ", ")
                          : aml_rng_below(r, 3) ? "|"
                                                : " | ";
        int size = snprintf(to + at, CELL - at, "%s%s", part, i + 1 < parts ? gap : "");
        if (size < 0 || at + (size_t)size >= CELL) break;
        at += (size_t)size;
    }
    *n = at;
}

static inline void finish_columns(export_rows *x, bool seen) {
    static const uint32_t n_levels[CODES] = {N_CITIES, N_ODD, N_MANY};
    for (size_t j = 0; j < NUMBERS; j++)
        x->columns[j] = (aml_column){.kind = AML_NUMBER, .number = x->number[j]};
    for (size_t k = 0; k < CODES; k++) {
        x->columns[NUMBERS + k] = (aml_column){.kind = AML_CATEGORY,
                                               .code = x->code[k],
                                               .levels = x->levels[k],
                                               .n_levels = n_levels[k] + !seen};
    }
    x->columns[NUMBERS + CODES] = (aml_column){.kind = AML_DATETIME, .number = x->number[NUMBERS]};
    for (size_t k = 0; k < TEXTS; k++)
        x->columns[NUMBERS + CODES + TIMES + k] = (aml_column){
            .kind = AML_TEXT, .bytes = x->text[k], .offset = x->offset[k], .list = k ? 0 : '|'};
    for (size_t j = 0; j < COLUMNS; j++) x->columns[j].name = column_names[j];
    x->frame = (aml_frame){.n = x->n, .p = COLUMNS, .columns = x->columns, .source = "test"};
}

static inline void name_levels(export_rows *x) {
    static const char *const *const known[] = {cities, odd};
    static const size_t n_known[] = {N_CITIES, N_ODD};
    for (size_t k = 0; k < 2; k++) {
        memcpy(x->levels[k], known[k], n_known[k] * sizeof *known[k]);
        x->levels[k][n_known[k]] = "never seen";
    }
    for (size_t l = 0; l <= N_MANY; l++) {
        snprintf(x->many[l], sizeof x->many[l], "m%zu", l * l);
        x->levels[2][l] = x->many[l];
    }
}

static inline void make_rows(export_rows *x, size_t n, uint64_t seed, bool seen, int n_classes) {
    *x = (export_rows){.n = n};
    name_levels(x);
    for (size_t i = 0; i < n; i++) {
        aml_rng r = aml_rng_stream(seed, AML_RNG_TEST, i, 0);
        for (size_t j = 0; j < NUMBERS; j++) x->number[j][i] = number_cell(j, &r);
        x->number[NUMBERS][i] =
            aml_rng_below(&r, 7) ? 4e8 * aml_rng_normal(&r) + (i % 3 ? 0 : 0.25) : NAN;
        if (!seen && i < 4) x->number[NUMBERS][i] = i % 2 ? 1e18 : -1e18;
        x->code[0][i] = (int32_t)aml_rng_below(&r, N_CITIES + !seen);
        x->code[1][i] = (int32_t)aml_rng_below(&r, N_ODD + !seen);
        x->code[2][i] = (int32_t)aml_rng_below(&r, 1 + aml_rng_below(&r, N_MANY + !seen));
        for (size_t k = 0; k < CODES; k++)
            if (!aml_rng_below(&r, 10)) x->code[k][i] = -1;
        for (size_t k = 0; k < TEXTS; k++) {
            size_t size;
            text_cell(x->text[k] + x->offset[k][i], &size, k, &r);
            x->offset[k][i + 1] = x->offset[k][i] + size;
        }
        double a = isnan(x->number[1][i]) ? 0 : x->number[1][i];
        int city = x->code[0][i], other = x->code[1][i];
        double product = x->number[2][i] * x->number[5][i];
        double z = (isnan(product) ? 0 : 0.9 * product) + 2.5 * a + 3 * ((city ^ other) & 1) - 1.5 +
                   0.7 * (i % 5 == 0) + 0.3 * aml_rng_normal(&r) - 0.5;
        x->number[1][i] *= pow(4, city + 2); /* what counts is its rank in the city */
        x->y[i] = n_classes == 2 ? z > 0.3
                  : n_classes    ? (z > -0.4) + (z > 0.7)
                                 : fabs(10 + 3 * z) + 0.1;
    }
    finish_columns(x, seen);
}

/* ---- models */

static inline const char *const *class_names(void) {
    static const char *const names[] = {"no", "yes, \"indeed\"", "größer"};
    return names;
}

static inline aml_model *new_model(const aml_frame *f, aml_task_kind kind) {
    aml_model *m = aml_model_new();
    assert_non_null(m);
    aml_schema_column *inputs = AML_ARRAY(m->arena, f->p, aml_schema_column);
    m->members = AML_ARRAY(m->arena, MEMBERS, aml_member);
    assert_true(inputs && m->members);
    for (size_t j = 0; j < f->p; j++)
        inputs[j] = (aml_schema_column){.name = f->columns[j].name,
                                        .kind = f->columns[j].kind,
                                        .levels = f->columns[j].levels,
                                        .n_levels = f->columns[j].n_levels};
    m->kind = kind;
    m->n_classes = kind == AML_REGRESSION ? 0 : kind == AML_BINARY ? 2 : 3;
    m->classes = class_names();
    m->metric = aml_metric_usual(kind);
    m->target = "target */ \"y\"";
    m->version = aml_version();
    m->inputs = (aml_schema){.p = f->p, .columns = inputs};
    return m;
}

static inline void set_hp(double *hp, const aml_param *params, const char *name, double x) {
    int i = aml_params_find(params, name);
    if (i >= 0) hp[i] = x;
}

/* Not all formats can say what is done to texts. */
static bool without_texts;

static inline void add_step(aml_plan *p, const char *name) {
    if (without_texts && !strcmp(name, "text_hash")) return;
    aml_plan_step *s = &p->steps[p->n_steps++];
    s->step = aml_step_find(name);
    assert_non_null(s->step);
    aml_params_defaults(s->hp, s->step->params);
}

/* Small models: the point is what they compute, not how well. */
static inline void set_learner(aml_plan *p, const char *name) {
    p->learner = aml_learner_find(name);
    assert_non_null(p->learner);
    aml_params_defaults(p->hp, p->learner->params);
    set_hp(p->hp, p->learner->params, "n_estimators", 5);
    set_hp(p->hp, p->learner->params, "rounds", 6);
    set_hp(p->hp, p->learner->params, "min_child_samples", 3);
    set_hp(p->hp, p->learner->params, "min_data_per_group", 4);
    set_hp(p->hp, p->learner->params, "epochs", 4);
    set_hp(p->hp, p->learner->params, "width", 40);
    set_hp(p->hp, p->learner->params, "members", 3);
    set_hp(p->hp, p->learner->params, "detail", 4);
}

/* Fits the plan and adds it to the model. */
static inline void add_member(aml_model *m, const aml_plan *plan, const export_rows *x,
                              double weight) {
    aml_arena *keep = aml_arena_new(NULL), *scratch = aml_arena_new(NULL),
              *arena = aml_arena_new(NULL);
    aml_ctx ctx = {.keep = keep,
                   .scratch = scratch,
                   .n_threads = 1,
                   .rng = aml_rng_stream(5, AML_RNG_TEST, 1, 2)};
    aml_table table;
    assert_true(m->n_members < MEMBERS);
    aml_member *to = &m->members[m->n_members++];
    aml_fit *fit = AML_NEW(m->arena, aml_fit);
    uint32_t rows[ROWS];
    for (uint32_t i = 0; i < x->n; i++) rows[i] = i;
    aml_data target = {
        .rows = rows, .n = x->n, .task = m->kind, .n_classes = m->n_classes, .y = x->y};
    aml_design design = {0};
    assert_true(keep && scratch && arena && fit);
    assert_int_equal(aml_table_from_frame(&table, &x->frame, NULL, &ctx), AML_OK);
    assert_int_equal(aml_chain_fit(&fit->chain, &design, plan, &table, &target, &m->account, &ctx),
                     AML_OK);
    target.x = &design;
    ctx.keep = fit->arena = arena;
    aml_status status = plan->learner->fit(&fit->model, &target, plan->hp, &ctx);
    if (status) fail_msg("%s: %s", plan->learner->name, aml_last_error()->message);
    *to = (aml_member){.pipeline = plan->learner->name,
                       .learner = plan->learner,
                       .weight = weight,
                       .n_fits = 1,
                       .fits = fit};
    aml_arena_free(keep);
    aml_arena_free(scratch);
}

/* ---- plans */

static inline void set_last(aml_plan *p, const char *param, double x) {
    aml_plan_step *s = &p->steps[p->n_steps - 1];
    set_hp(s->hp, s->step->params, param, x);
}

/* Everything that learners on numbers want; `sparse`: text stays sparse, or categories become so where there is none. */
static inline void add_usual_steps(aml_plan *p, bool sparse) {
    add_step(p, "datetime");
    add_step(p, "text_hash");
    if (!sparse && !without_texts) {
        add_step(p, "text_svd");
        set_last(p, "components", 5);
    }
    add_step(p, "impute");
    add_step(p, "one_hot");
    if (sparse && without_texts) set_last(p, "sparse_from", 1);
    add_step(p, "scale");
}

/* Setting 0 is the default; then each choice, and for steps each limit, one at a time. False when there are no more. */
static inline bool set_variant(double *hp, const aml_param *params, size_t number, bool limits) {
    if (!number--) return true;
    for (size_t k = 0; params && k < aml_params_count(params); k++) {
        bool choice = params[k].kind == AML_CHOICE;
        size_t n = choice ? aml_param_choices(&params[k]) : limits ? 2 : 0;
        if (number < n) {
            hp[k] = choice ? (double)number : number ? params[k].hi : params[k].lo;
            return true;
        }
        number -= n;
    }
    return false;
}

#endif
