/* trees_world.h: generated data for the tests of tree learners, and how they are fitted and scored. */
#ifndef AML_TESTS_TREES_WORLD_H
#define AML_TESTS_TREES_WORLD_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "automl/core/learner.h"

/* ---- a world of generated data: two numbers with gaps, noise, a category, a constant, an empty column */

enum {
    COLUMNS = 6,
    NUMBER = 0,
    GAPS = 1,
    NOISE = 2,
    CATEGORY = 3,
    CONSTANT = 4,
    EMPTY = 5,
    LEVELS = 40
};

typedef struct world {
    aml_memory memory;
    aml_arena *keep, *scratch;
    aml_ctx ctx;
    aml_design design;
    float *column[COLUMNS];
    uint32_t n_levels[COLUMNS], *rows;
    double *y, *w;
    aml_data data;
} world;

static inline double target_of(const world *s, size_t i, aml_task_kind task) {
    double a = (double)s->column[NUMBER][i], b = (double)s->column[GAPS][i],
           c = (double)s->column[CATEGORY][i];
    double z = sin(3 * a) + (isnan(b) ? 1.5 : b * a) + (isnan(c) ? 0 : fmod(c * 7, 5) - 2);
    if (task == AML_REGRESSION) return 1000 + 10 * z;
    if (task == AML_BINARY) return z > 0.3;
    return z < -0.7 ? 0 : z < 0.8 ? 2 : 1;
}

static inline void world_open(world *s, size_t n, aml_task_kind task, uint64_t seed) {
    *s = (world){0};
    s->keep = aml_arena_new(&s->memory);
    s->scratch = aml_arena_new(&s->memory);
    s->ctx = (aml_ctx){.keep = s->keep,
                       .scratch = s->scratch,
                       .n_threads = 1,
                       .rng = aml_rng_stream(seed, AML_RNG_TEST, 1, 0)};
    aml_rng rng = aml_rng_stream(seed, AML_RNG_TEST, 0, 0);
    s->rows = AML_ARRAY(s->keep, n, uint32_t);
    s->y = AML_ARRAY(s->keep, n, double);
    s->w = AML_ARRAY(s->keep, n, double);
    for (size_t j = 0; j < COLUMNS; j++) s->column[j] = AML_ARRAY(s->keep, n, float);
    s->n_levels[CATEGORY] = LEVELS;
    for (size_t i = 0; i < n; i++) {
        s->rows[i] = (uint32_t)i;
        s->w[i] = 1;
        s->column[NUMBER][i] = (float)aml_rng_normal(&rng);
        s->column[GAPS][i] = aml_rng_below(&rng, 10) ? (float)aml_rng_normal(&rng) : NAN;
        s->column[NOISE][i] = (float)aml_rng_below(&rng, 7);
        s->column[CATEGORY][i] = aml_rng_below(&rng, 30) ? (float)aml_rng_below(&rng, LEVELS) : NAN;
        s->column[CONSTANT][i] = 3;
        s->column[EMPTY][i] = NAN;
        s->y[i] = target_of(s, i, task);
    }
    s->design = (aml_design){
        .n = n, .p = COLUMNS, .n_levels = s->n_levels, .column = (const float *const *)s->column};
    s->data = (aml_data){.x = &s->design,
                         .rows = s->rows,
                         .n = n,
                         .task = task,
                         .n_classes = task == AML_MULTICLASS ? 3
                                      : task == AML_BINARY   ? 2
                                                             : 0,
                         .y = s->y};
    assert_int_equal(aml_design_prepare(&s->design, AML_BUILD_BIN_ROWS, &s->ctx), AML_OK);
}

static inline void world_close(world *s) {
    aml_arena_free(s->keep);
    aml_arena_free(s->scratch);
    assert_int_equal(s->memory.used, 0);
}

static inline size_t n_outputs(const aml_data *d) {
    return d->task == AML_MULTICLASS ? (size_t)d->n_classes : 1;
}

/* The defaults, with fewer trees. */
static inline void defaults(double hp[32], const aml_learner *l) {
    for (size_t i = 0; l->params[i].name; i++) {
        hp[i] = l->params[i].fallback;
        if (!strcmp(l->params[i].name, "n_estimators")) hp[i] = 40;
        if (!strcmp(l->params[i].name, "rounds")) hp[i] = 40;
    }
}

static inline void set(double *hp, const aml_learner *l, const char *name, double value) {
    size_t i = 0;
    while (strcmp(l->params[i].name, name)) i++;
    hp[i] = value;
}

static inline double *fit_predict(void **model, world *s, const aml_learner *l, const double *hp,
                                  const aml_data *train, const aml_data *x) {
    double *out = AML_ARRAY(s->keep, x->n * n_outputs(x), double);
    s->ctx.truncated = false;
    assert_int_equal(l->fit(model, train, hp, &s->ctx), AML_OK);
    assert_int_equal(l->predict(out, *model, x, &s->ctx), AML_OK);
    for (size_t i = 0; i < x->n * n_outputs(x); i++) assert_true(isfinite(out[i]));
    return out;
}

/* Share of wrong rows, or root mean squared error over the target's deviation. */
static inline double error_of(const aml_data *x, const double *y, const double *out) {
    double wrong = 0, mean = 0, squares = 0;
    size_t k = n_outputs(x);
    for (size_t i = 0; i < x->n; i++) mean += y[x->rows[i]] / (double)x->n;
    for (size_t i = 0; i < x->n; i++) {
        double t = y[x->rows[i]];
        size_t top = 0;
        for (size_t c = 1; c < k; c++)
            if (out[i * k + c] > out[i * k + top]) top = c;
        if (x->task == AML_REGRESSION) wrong += (out[i] - t) * (out[i] - t);
        else if (x->task == AML_BINARY) wrong += (out[i] > 0.5) != (t > 0.5);
        else wrong += top != (size_t)t;
        squares += (t - mean) * (t - mean);
    }
    return x->task == AML_REGRESSION ? sqrt(wrong / squares) : wrong / (double)x->n;
}

#endif
