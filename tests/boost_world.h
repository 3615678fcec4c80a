/* boost_world.h: generated data for the tests of boosted trees, and how they are fitted. */
#ifndef AML_TESTS_BOOST_WORLD_H
#define AML_TESTS_BOOST_WORLD_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "automl/core/learner.h"

extern const aml_learner aml_learner_gbdt;
static const aml_learner *const gbdt = &aml_learner_gbdt;

enum { P = 8, FLAGS = 3, FIRST_FLAG = 4, TOWN = 7, TOWNS = 900 };

/* Columns 0 … 2 are normal numbers, 3 has gaps, 4 … 6 flags, 7 a category of many levels. */
typedef struct world {
    aml_memory memory;
    aml_ctx ctx;
    aml_design design;
    aml_data data;
    float *column[P];
    uint32_t n_levels[P], *rows;
    double *y, hp[32];
} world;

static inline double effect_of_town(float town) { return fmod((double)town * 37, 11) / 5 - 1; }

static inline void world_open(world *s, size_t n, aml_task_kind task) {
    *s = (world){0};
    s->ctx = (aml_ctx){.keep = aml_arena_new(&s->memory),
                       .scratch = aml_arena_new(&s->memory),
                       .n_threads = 1,
                       .rng = aml_rng_stream(5, AML_RNG_TEST, 1, 0)};
    aml_rng rng = aml_rng_stream(6, AML_RNG_TEST, 0, 0);
    s->rows = AML_ARRAY(s->ctx.keep, n, uint32_t);
    s->y = AML_ARRAY(s->ctx.keep, n, double);
    for (size_t j = 0; j < P; j++) s->column[j] = AML_ARRAY(s->ctx.keep, n, float);
    s->n_levels[TOWN] = TOWNS;
    for (size_t i = 0; i < n; i++) {
        s->rows[i] = (uint32_t)i;
        for (size_t j = 0; j < FIRST_FLAG; j++) s->column[j][i] = (float)aml_rng_normal(&rng);
        if (!aml_rng_below(&rng, 10)) s->column[3][i] = NAN;
        for (size_t j = 0; j < FLAGS; j++)
            s->column[FIRST_FLAG + j][i] = (float)aml_rng_below(&rng, 2);
        s->column[TOWN][i] = (float)aml_rng_below(&rng, TOWNS);
        double a = (double)s->column[0][i], b = (double)s->column[1][i];
        double z = 0.8 * a + sin(3 * a) * 0.4 + a * b * 0.3 + (double)s->column[4][i] -
                   (isnan(s->column[3][i]) ? 0.7 : 0) + effect_of_town(s->column[TOWN][i]) +
                   0.5 * aml_rng_normal(&rng);
        s->y[i] = task == AML_REGRESSION ? z
                  : task == AML_BINARY   ? z > 0.4
                  : z < 0                ? 0
                  : z < 1                ? 2
                                         : 1;
    }
    s->design = (aml_design){
        .n = n, .p = P, .n_levels = s->n_levels, .column = (const float *const *)s->column};
    s->data = (aml_data){.x = &s->design,
                         .rows = s->rows,
                         .n = n,
                         .task = task,
                         .n_classes = task == AML_MULTICLASS ? 3
                                      : task == AML_BINARY   ? 2
                                                             : 0,
                         .y = s->y};
    aml_params_defaults(s->hp, gbdt->params);
}

static inline void world_close(world *s) {
    aml_arena_free(s->ctx.keep);
    aml_arena_free(s->ctx.scratch);
    assert_int_equal(s->memory.used, 0);
}

static inline void set(world *s, const char *name, double value) {
    int k = aml_params_find(gbdt->params, name);
    assert_true(k >= 0);
    s->hp[k] = value;
}

static inline size_t outputs(const world *s) {
    return (size_t)aml_task_outputs(s->data.task, s->data.n_classes);
}

static inline double *fit_predict(void **model, world *s) {
    double *out = AML_ARRAY(s->ctx.keep, s->data.n * outputs(s), double);
    assert_int_equal(aml_design_prepare(&s->design, AML_BUILD_BINS, &s->ctx), AML_OK);
    assert_int_equal(gbdt->fit(model, &s->data, s->hp, &s->ctx), AML_OK);
    assert_int_equal(gbdt->predict(out, *model, &s->data, &s->ctx), AML_OK);
    for (size_t i = 0; i < s->data.n * outputs(s); i++) assert_true(isfinite(out[i]));
    return out;
}

#endif
