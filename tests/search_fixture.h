/* search_fixture.h: a context, spaces to search, a history that samplers are asked with, and knowledge of like datasets. */
#ifndef AML_TESTS_SEARCH_FIXTURE_H
#define AML_TESTS_SEARCH_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "automl/engine/catalog.h"
#include "search/parts/prior.h"

/* Arenas and random numbers of a test's own. */
static inline aml_ctx search_ctx(uint32_t seed) {
    aml_ctx ctx;
    assert_int_equal(aml_ctx_open(&ctx, 1), AML_OK);
    ctx.rng = aml_rng_stream(seed, AML_RNG_TEST, 0, 0);
    return ctx;
}

/* ---- spaces */

static const char *const learners[] = {"linear", "tree", "knn", NULL};
static const char *const penalties[] = {"none", "l2", "elastic", NULL};
static const char *const yes_no[] = {"no", "yes", NULL};
static const aml_param root = {.name = "learner", .kind = AML_CHOICE, .choices = learners};
static const aml_param penalty = {
    .name = "penalty", .kind = AML_CHOICE, .choices = penalties, .fallback = 1};
static const aml_param strength = {
    .name = "c", .kind = AML_REAL, .log = true, .lo = 1e-4, .hi = 1e4, .fallback = 1};
static const aml_param mix = {.name = "mix", .kind = AML_REAL, .lo = 0, .hi = 1, .fallback = 0.5};
static const aml_param depth = {.name = "depth", .kind = AML_INT, .lo = 1, .hi = 20, .fallback = 6};
static const aml_param leaf = {
    .name = "leaf", .kind = AML_INT, .log = true, .lo = 1, .hi = 256, .fallback = 1};
static const aml_param neighbours = {
    .name = "k", .kind = AML_INT, .log = true, .lo = 1, .hi = 64, .fallback = 5};
static const aml_param weigh = {.name = "weigh", .kind = AML_CHOICE, .choices = yes_no};
static const aml_param unit = {.name = "u", .kind = AML_REAL, .lo = 0, .hi = 1, .fallback = 0.5};
static const aml_param knob = {
    .name = "f", .kind = AML_REAL, .lo = 0, .hi = 9, .fallback = 2, .fixed = true};
static const aml_param whole = {.name = "i", .kind = AML_INT, .lo = 0, .hi = 3, .fallback = 1};

static const aml_dim tree_dims[] = {
    {.name = "learner", .param = &root, .lo = 0, .hi = 2, .parent = -1, .when = 0},
    {.name = "linear.penalty", .param = &penalty, .lo = 0, .hi = 2, .parent = 0, .when = 0},
    {.name = "linear.c", .param = &strength, .lo = 1e-4, .hi = 1e4, .parent = 0, .when = 0},
    {.name = "linear.mix", .param = &mix, .lo = 0, .hi = 1, .parent = 1, .when = 2},
    {.name = "tree.depth", .param = &depth, .lo = 1, .hi = 20, .parent = 0, .when = 1},
    {.name = "tree.leaf", .param = &leaf, .lo = 1, .hi = 100, .parent = 0, .when = 1},
    {.name = "knn.k", .param = &neighbours, .lo = 1, .hi = 64, .parent = 0, .when = 2},
    {.name = "knn.weigh", .param = &weigh, .lo = 0, .hi = 1, .parent = 0, .when = 2}};
static const aml_dim line_dims[] = {
    {.name = "u", .param = &unit, .lo = 0, .hi = 1, .parent = -1, .when = 0}};
static const aml_dim whole_dims[] = {
    {.name = "i", .param = &whole, .lo = 0, .hi = 3, .parent = -1, .when = 0}};
static const aml_dim choice_dims[] = {
    {.name = "a", .param = &penalty, .lo = 0, .hi = 2, .parent = -1, .when = 0},
    {.name = "b", .param = &weigh, .lo = 0, .hi = 1, .parent = -1, .when = 0}};
static const aml_dim one_learner_dims[] = {
    {.name = "learner", .param = &root, .lo = 1, .hi = 1, .parent = -1, .when = 0},
    {.name = "tree.depth", .param = &depth, .lo = 1, .hi = 20, .parent = 0, .when = 1},
    {.name = "tree.f", .param = &knob, .lo = 0, .hi = 9, .parent = 0, .when = 1}};
static const aml_dim cube_dims[] = {
    {.name = "x", .param = &unit, .lo = 0, .hi = 1, .parent = -1, .when = 0},
    {.name = "y", .param = &unit, .lo = 0, .hi = 1, .parent = -1, .when = 0},
    {.name = "z", .param = &unit, .lo = 0, .hi = 1, .parent = -1, .when = 0}};

typedef struct named_space {
    const char *name;
    aml_space space;
    size_t configs; /* how many there are; 0 = practically endless */
} named_space;
static const named_space spaces[] = {{"learners", {.n = 8, .dims = tree_dims}, 0},
                                     {"line", {.n = 1, .dims = line_dims}, 0},
                                     {"whole", {.n = 1, .dims = whole_dims}, 4},
                                     {"choices", {.n = 2, .dims = choice_dims}, 6},
                                     {"one learner", {.n = 3, .dims = one_learner_dims}, 20},
                                     {"cube", {.n = 3, .dims = cube_dims}, 0}};
enum { N_SPACES = sizeof spaces / sizeof *spaces, MOST_DIMS = 8, MOST_TRIALS = 200 };

/* ---- a search */

typedef struct history {
    aml_record records[MOST_TRIALS];
    double configs[MOST_TRIALS][MOST_DIMS];
    aml_told told;
} history;

static inline void clear(history *h) {
    h->told = (aml_told){
        .records = h->records, .time_left = INFINITY, .trials_left = SIZE_MAX, .concurrency = 1};
}

static inline void tell(history *h, const double *config, size_t dims, aml_trial_state state,
                        double loss) {
    size_t i = h->told.n++;
    memcpy(h->configs[i], config, dims * sizeof *config);
    h->records[i] = (aml_record){.id = i,
                                 .state = state,
                                 .config = h->configs[i],
                                 .loss = loss,
                                 .seconds = 0.5 + (double)(i % 3),
                                 .n_done = 5,
                                 .n_folds = 5};
    if (state == AML_TRIAL_PENDING || state == AML_TRIAL_FAILED) h->records[i].loss = NAN;
    if (state == AML_TRIAL_PRUNED) h->records[i].n_done = 2;
}

static inline aml_status ask(double *config, const aml_sampler *s, const aml_space *space,
                             const history *h, const aml_problem *problem, uint64_t seed) {
    aml_ctx ctx = search_ctx(1);
    double hp[16];
    ctx.rng = aml_rng_stream(seed, AML_RNG_SEARCH, 0, 0);
    aml_params_defaults(hp, s->params);
    aml_status status = s->suggest(config, space, &h->told, problem, hp, &ctx);
    aml_ctx_close(&ctx);
    return status;
}

/* ---- knowledge for the space of three learners */

enum { PIPELINES = 12, DATASETS = 40 };

/* Datasets differ in which learner suits them; within one the tree wants a depth that depends on
 * the first feature. */
static inline double tree_space_loss(const double *config, double kind) {
    double loss = 0.5;
    if (config[0] == 0) loss = 0.30 + 0.25 * kind + 0.01 * fabs(log10(config[2]) - 1);
    if (config[0] == 1) {
        double ideal = 4 + 12 * kind;
        loss = 0.35 - 0.15 * kind + 0.002 * (config[4] - ideal) * (config[4] - ideal) +
               0.01 * log(config[5]);
    }
    if (config[0] == 2) loss = 0.45 + 0.02 * fabs(log(config[6]) - 2) + 0.01 * config[7];
    return loss;
}

static inline aml_knowledge *tree_knowledge(aml_ctx *ctx) {
    static const char *const features[] = {"kind"}, *const metrics[] = {"log_loss"};
    aml_knowledge *k = AML_NEW(ctx->keep, aml_knowledge);
    aml_knowledge_table *t = AML_NEW(ctx->keep, aml_knowledge_table);
    aml_pipeline *pipelines = AML_ARRAY(ctx->keep, PIPELINES, aml_pipeline);
    aml_knowledge_row *rows = AML_ARRAY(ctx->keep, DATASETS, aml_knowledge_row);
    const double **weights = AML_ARRAY(ctx->keep, 1, const double *);
    double configs[PIPELINES][MOST_DIMS];
    for (size_t j = 0; j < PIPELINES; j++) {
        aml_setting *s = AML_ARRAY(ctx->keep, MOST_DIMS, aml_setting);
        size_t n = 0;
        aml_space_random(configs[j], &spaces[0].space, &ctx->rng);
        for (size_t i = 0; i < MOST_DIMS; i++) {
            aml_string text = {0};
            if (isnan(configs[j][i])) continue;
            aml_param_write(&text, tree_dims[i].param, configs[j][i]);
            s[n++] = (aml_setting){tree_dims[i].name, aml_strdup(ctx->keep, text.text)};
            aml_string_free(&text);
        }
        if (j == 5) s[0].value = "a learner that this space does not have";
        pipelines[j] = (aml_pipeline){n, s};
    }
    for (size_t i = 0; i < DATASETS; i++) {
        double *x = AML_ARRAY(ctx->keep, 1 + 2 * PIPELINES, double);
        x[0] = aml_rng_uniform(&ctx->rng);
        for (size_t j = 0; j < PIPELINES; j++) {
            x[1 + j] = tree_space_loss(configs[j], x[0]) + 0.005 * aml_rng_normal(&ctx->rng);
            x[1 + PIPELINES + j] = configs[j][0] + 0.1 * aml_rng_normal(&ctx->rng);
        }
        rows[i] = (aml_knowledge_row){aml_printf(ctx->keep, "set%02zu", i), (uint32_t)i, x, x + 1,
                                      x + 1 + PIPELINES};
    }
    *t = (aml_knowledge_table){"classification", 1,         PIPELINES, DATASETS,
                               metrics,          pipelines, weights,   rows};
    *k = (aml_knowledge){"made by a test", 1, 1, features, t};
    return k;
}

#endif
