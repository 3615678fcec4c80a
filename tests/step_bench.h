/* step_bench.h: one featurization step run on columns given as arrays. */
#ifndef AML_TESTS_STEP_BENCH_H
#define AML_TESTS_STEP_BENCH_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "automl/engine/catalog.h"

enum { N = 500 };

typedef struct bench {
    aml_arena *arena;
    aml_ctx ctx;
    uint32_t rows[N];
    aml_data target;
    aml_table out;
    void *state;
} bench;

static inline bench *open_bench(size_t n_rows) {
    aml_arena *arena = aml_arena_new(NULL);
    bench *b = AML_NEW(arena, bench);
    assert_non_null(b);
    b->arena = arena;
    b->ctx = (aml_ctx){.keep = arena,
                       .scratch = arena,
                       .n_threads = 1,
                       .rng = aml_rng_stream(1, AML_RNG_STEP, 0, 0)};
    for (uint32_t i = 0; i < n_rows; i++) b->rows[i] = i;
    b->target = (aml_data){.rows = b->rows, .n = n_rows, .task = AML_REGRESSION};
    return b;
}

static inline void close_bench(bench *b) { aml_arena_free(b->arena); }

/* Fits step `name` with defaults but for the settings "name=value …" and applies it to x. */
static inline void run(bench *b, const char *name, const char *settings, const aml_table *x) {
    const aml_step *s = aml_step_find(name);
    double hp[16];
    assert_non_null(s);
    size_t n = s->params ? aml_params_count(s->params) : 0;
    for (size_t k = 0; k < n; k++) {
        char text[200], key[64], value[64] = {0};
        const aml_param *p = &s->params[k];
        hp[k] = p->fallback;
        snprintf(key, sizeof key, " %s=", p->name);
        snprintf(text, sizeof text, " %s", settings ? settings : "");
        const char *at = strstr(text, key);
        if (!at) continue;
        memcpy(value, at + strlen(key), strcspn(at + strlen(key), " "));
        assert_int_equal(aml_param_read(&hp[k], p, value), AML_OK);
    }
    assert_int_equal(s->fit(&b->state, x, &b->target, hp, &b->ctx), AML_OK);
    if (s->fit_apply && b->target.y && settings && strstr(settings, "training"))
        assert_int_equal(s->fit_apply(&b->out, &b->state, x, &b->target, hp, &b->ctx), AML_OK);
    else assert_int_equal(s->apply(&b->out, b->state, x, &b->ctx), AML_OK);
}

static inline const aml_feature *column(const bench *b, const char *name) {
    for (size_t j = 0; j < b->out.p; j++)
        if (!strcmp(b->out.features[j].name, name)) return &b->out.features[j];
    return NULL;
}

static inline const float *values(const bench *b, const char *name) {
    const aml_feature *f = column(b, name);
    if (!f) fail_msg("no column %s", name);
    assert_int_equal(f->kind, AML_NUMBER);
    return f->x;
}

static inline aml_feature numbers(const char *name, const float *x) {
    return (aml_feature){.name = name, .kind = AML_NUMBER, .x = x};
}

static inline aml_feature codes(const char *name, const int32_t *code, uint32_t n_levels,
                                const char *const *levels) {
    return (aml_feature){
        .name = name, .kind = AML_CATEGORY, .code = code, .n_levels = n_levels, .levels = levels};
}

static inline void draw(float *x, size_t n, uint64_t seed) {
    aml_rng r = aml_rng_stream(seed, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < n; i++) x[i] = (float)aml_rng_normal(&r);
}

static inline void assert_close(double a, double b, double tolerance) {
    if (!(fabs(a - b) <= tolerance)) fail_msg("%.9g is not within %g of %.9g", a, tolerance, b);
}

#endif
