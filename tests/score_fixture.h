/* score_fixture.h: rows of every kind of column as text, and models of given plans fitted on them, for what compares the
 * scoring library with the engine. */
#ifndef AML_TESTS_SCORE_FIXTURE_H
#define AML_TESTS_SCORE_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "automl/automl_score.h"
#include "automl/core/io.h"
#include "automl/engine/predict.h"
#include "featurize/parts/table.h"

enum { SEEN = 220, NEW = 90, ROWS = SEEN + NEW, WIDTH = 8, CELL = 96 };

typedef struct rows {
    char cell[ROWS][WIDTH][CELL];
    double y[ROWS];
} rows;

static const char *const column_names[WIDTH] = {"size", "price", "city", "code",
                                                "when", "note",  "tags", "gap"};
static const aml_kind column_kinds[WIDTH] = {AML_NUMBER,   AML_NUMBER, AML_CATEGORY, AML_CATEGORY,
                                             AML_DATETIME, AML_TEXT,   AML_TEXT,     AML_NUMBER};

static inline void fill_cells(rows *x, size_t i) {
    static const char *const cities[] = {"Rome", "Oslo", "Bern", "Riga", "Lima", "K\"iel", "été"};
    static const char *const words[] = {"red", "Large", "old", "BLUE", "small", "42", "猫", "ждет"};
    aml_rng r = aml_rng_stream(7, AML_RNG_TEST, i, 0);
    bool fresh = i >= SEEN;
    double z = aml_rng_normal(&r), u = aml_rng_uniform(&r);
    char(*c)[CELL] = x->cell[i];
    uint32_t city = aml_rng_below(&r, 7), hour = aml_rng_below(&r, 24);
    snprintf(c[0], CELL, "%.17g", z * 3);
    snprintf(c[1], CELL, i % 3 ? "$%d,%03d.50" : "%d%03d", 1 + (int)(u * 8), (int)(i * 37 % 1000));
    snprintf(c[2], CELL, "%s", fresh && i % 5 == 0 ? "Atlantis" : cities[city]);
    snprintf(c[3], CELL, "%u", fresh && i % 7 == 0 ? 99u : aml_rng_below(&r, 12));
    snprintf(c[4], CELL, "2023-%02u-%02u %02u:30:00", 1 + aml_rng_below(&r, 12),
             1 + aml_rng_below(&r, 28), hour);
    c[5][0] = 0;
    for (size_t w = 0, n = 2 + aml_rng_below(&r, 5); w < n; w++)
        snprintf(c[5] + strlen(c[5]), CELL - strlen(c[5]), "%s%s", w ? (w == 2 ? ", " : " ") : "",
                 words[aml_rng_below(&r, 8)]);
    snprintf(c[6], CELL, "%s|%s", words[aml_rng_below(&r, 4)], words[4 + aml_rng_below(&r, 4)]);
    snprintf(c[7], CELL, "%u", aml_rng_below(&r, 3));
    for (size_t j = 0; j < WIDTH; j++)
        if (!aml_rng_below(&r, j == 7 ? 3 : 12))
            snprintf(c[j], CELL, "%s", aml_rng_below(&r, 2) ? "" : "NA");
    x->y[i] = 2 * z + (city < 3) - (hour < 6) + 0.3 * aml_rng_normal(&r);
}

static inline rows *make_rows(void) {
    rows *x = aml_calloc(1, sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < ROWS; i++) fill_cells(x, i);
    return x;
}

/* Rows begin … end - 1 as CSV. */
static inline char *rows_csv(const rows *x, size_t begin, size_t end) {
    aml_string s = {0};
    for (size_t j = 0; j < WIDTH; j++) {
        aml_string_put(&s, j ? "," : "");
        aml_string_put(&s, column_names[j]);
    }
    for (size_t i = begin; i < end; i++) {
        aml_string_put(&s, "\n");
        for (size_t j = 0; j < WIDTH; j++) {
            aml_string_put(&s, j ? "," : "");
            aml_csv_put(&s, x->cell[i][j], strlen(x->cell[i][j]), false);
        }
    }
    aml_string_put(&s, "\n");
    assert_false(s.failed);
    return s.text;
}

static inline aml_frame *rows_frame(const rows *x, size_t begin, size_t end) {
    aml_csv_kind kinds[WIDTH];
    aml_frame *f;
    for (size_t j = 0; j < WIDTH; j++) kinds[j] = (aml_csv_kind){column_names[j], column_kinds[j]};
    char *text = rows_csv(x, begin, end);
    aml_csv_options o = {.kinds = kinds, .n_kinds = WIDTH, .header = 1};
    assert_int_equal(aml_csv_parse(&f, NULL, text, strlen(text), "rows.csv", &o), AML_OK);
    aml_free(text);
    return f;
}

/* ---- models */

/* What is fitted: names of steps, each with at most one parameter that is not its default ("scale.method=robust"),
 * separated by blanks, and a learner. */
typedef struct recipe {
    const char *learner, *steps;
    double weight;
} recipe;

static inline void plan_step(aml_plan *plan, const char *text) {
    char name[64], value[64] = "";
    const char *dot = strchr(text, '.'), *equal = strchr(text, '=');
    snprintf(name, sizeof name, "%.*s", (int)(dot ? dot - text : (int)strlen(text)), text);
    aml_plan_step *s = &plan->steps[plan->n_steps++];
    s->step = aml_step_find(name);
    if (!s->step) fail_msg("no step %s", name);
    aml_params_defaults(s->hp, s->step->params);
    if (!dot) return;
    snprintf(name, sizeof name, "%.*s", (int)(equal - dot - 1), dot + 1);
    snprintf(value, sizeof value, "%s", equal + 1);
    int i = aml_params_find(s->step->params, name);
    assert_true(i >= 0);
    assert_int_equal(aml_param_read(&s->hp[i], &s->step->params[i], value), AML_OK);
}

static inline aml_plan make_plan(const recipe *r) {
    aml_plan plan = {.learner = aml_learner_find(r->learner)};
    if (!plan.learner) fail_msg("no learner %s", r->learner);
    aml_params_defaults(plan.hp, plan.learner->params);
    char copy[400];
    snprintf(copy, sizeof copy, "%s", r->steps);
    for (char *at = copy, *end; *at; at = end) {
        end = at + strcspn(at, " ");
        if (*end) *end++ = 0;
        if (*at) plan_step(&plan, at);
    }
    return plan;
}

/* The training rows and their target. */
typedef struct world {
    aml_frame *frame;
    aml_table table;
    aml_data target;
    double y[SEEN];
    uint32_t all[SEEN];
    aml_arena *keep, *scratch;
    aml_ctx ctx;
} world;

static const char *const class_names[] = {"no", "so,so", "yes"};

static inline world *world_new(const rows *x, aml_task_kind task) {
    world *w = aml_calloc(1, sizeof *w);
    assert_non_null(w);
    w->keep = aml_arena_new(NULL);
    w->scratch = aml_arena_new(NULL);
    w->ctx = (aml_ctx){.keep = w->keep,
                       .scratch = w->scratch,
                       .n_threads = 1,
                       .rng = aml_rng_stream(3, AML_RNG_TEST, 0, 0)};
    w->frame = rows_frame(x, 0, SEEN);
    assert_int_equal(aml_table_from_frame(&w->table, w->frame, NULL, &w->ctx), AML_OK);
    ((aml_feature *)w->table.features)[6].list = '|'; /* as the reader finds it in longer tables */
    for (uint32_t i = 0; i < SEEN; i++) {
        w->all[i] = i;
        w->y[i] = task == AML_REGRESSION ? x->y[i]
                  : task == AML_BINARY   ? x->y[i] > 0
                                         : (x->y[i] > -1) + (x->y[i] > 1);
    }
    w->target = (aml_data){.rows = w->all, .n = SEEN, .task = task, .y = w->y};
    w->target.n_classes = task == AML_BINARY ? 2 : task == AML_MULTICLASS ? 3 : 0;
    return w;
}

static inline void world_free(world *w) {
    aml_frame_free(w->frame);
    aml_arena_free(w->keep);
    aml_arena_free(w->scratch);
    aml_free(w);
}

static inline void fit_one(aml_fit *fit, const aml_plan *plan, world *w, aml_chain *shared) {
    aml_design design;
    fit->arena = aml_arena_new(NULL);
    if (shared) {
        fit->chain = aml_chain_hold(shared);
        assert_int_equal(aml_chain_apply(&design, shared, &w->table, &w->ctx), AML_OK);
        assert_int_equal(aml_design_prepare(&design, aml_plan_build(plan) & AML_BUILD_ALL, &w->ctx),
                         AML_OK);
    } else {
        aml_status status =
            aml_chain_fit(&fit->chain, &design, plan, &w->table, &w->target, NULL, &w->ctx);
        if (status) fail_msg("%s: %s", plan->learner->name, aml_last_error()->message);
    }
    aml_data train = w->target;
    train.x = &design;
    aml_ctx ctx = w->ctx;
    ctx.keep = fit->arena;
    aml_status status = plan->learner->fit(&fit->model, &train, plan->hp, &ctx);
    if (status) fail_msg("%s: %s", plan->learner->name, aml_last_error()->message);
}

/* A model of the recipes, each a member of two fits whose chains are shared where the steps are the same. */
static inline aml_model *make_model(const recipe *recipes, size_t n, world *w) {
    aml_model *m = aml_model_new();
    assert_non_null(m);
    m->kind = w->target.task;
    m->n_classes = w->target.n_classes;
    m->classes = m->n_classes == 2 ? class_names + 1 : class_names;
    m->metric = aml_metric_usual(m->kind);
    m->target = "y";
    m->validation = m->fingerprint = m->version = "";
    m->score = (aml_score){.size = sizeof m->score, .method = ""};
    aml_schema_column *inputs = AML_ARRAY(m->arena, WIDTH, aml_schema_column);
    for (size_t j = 0; j < WIDTH; j++) {
        const aml_column *c = &w->frame->columns[j];
        inputs[j] = (aml_schema_column){.name = column_names[j],
                                        .kind = c->kind,
                                        .levels = c->levels,
                                        .n_levels = c->n_levels,
                                        .day_first = c->day_first,
                                        .unit = c->unit};
    }
    m->inputs = (aml_schema){.p = WIDTH, .columns = inputs};
    m->members = AML_ARRAY(m->arena, n, aml_member);
    for (size_t i = 0; i < n; i++) {
        aml_plan plan = make_plan(&recipes[i]);
        aml_member *p = &m->members[m->n_members++];
        *p = (aml_member){.pipeline = recipes[i].learner,
                          .learner = plan.learner,
                          .weight = recipes[i].weight,
                          .fits = AML_ARRAY(m->arena, 2, aml_fit)};
        aml_chain *shared = NULL;
        for (size_t o = 0; o < i; o++)
            if (!strcmp(recipes[o].steps, recipes[i].steps)) shared = m->members[o].fits[0].chain;
        for (p->n_fits = 0; p->n_fits < 2; p->n_fits++) {
            fit_one(&p->fits[p->n_fits], &plan, w, shared);
            shared = p->fits[0].chain;
            w->ctx.rng = aml_rng_child(&w->ctx.rng, 1);
        }
    }
    return m;
}

#endif
