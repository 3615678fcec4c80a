/* mlp_fixture.h: a fit of `mlp`, with all that it leaves. */
#ifndef AML_TESTS_MLP_FIXTURE_H
#define AML_TESTS_MLP_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "automl/core/learner.h"
#include "automl/core/linalg.h"
#include "automl/core/par.h"

extern const aml_learner aml_learner_mlp;

static inline void set_hp(double *hp, const char *name, double value) {
    int i = aml_params_find(aml_learner_mlp.params, name);
    assert_true(i >= 0);
    hp[i] = value;
}

/* The model's bytes; predictions of the first n rows of the design, which are the same one row at a time. */
static inline aml_writer fitted_bytes(double *out, size_t n, const aml_data *train,
                                      const double *hp, int threads) {
    const aml_learner *l = &aml_learner_mlp;
    size_t k = train->n_classes > 2 ? (size_t)train->n_classes : 1;
    aml_ctx ctx;
    assert_int_equal(aml_ctx_open(&ctx, threads), AML_OK);
    ctx.rng = aml_rng_stream(5, AML_RNG_FIT, 0, 0);
    uint32_t *rows = AML_ARRAY(ctx.keep, n, uint32_t);
    double *one = AML_ARRAY(ctx.keep, k, double);
    void *model;
    aml_writer w = {0};
    assert_int_equal(l->fit(&model, train, hp, &ctx), AML_OK);
    for (size_t i = 0; i < n; i++) rows[i] = (uint32_t)i;
    aml_data all = {
        .x = train->x, .rows = rows, .n = n, .task = train->task, .n_classes = train->n_classes};
    assert_int_equal(l->predict(out, model, &all, &ctx), AML_OK);
    all.n = 1;
    for (size_t i = 0; i < n; i++, all.rows++) {
        assert_int_equal(l->predict(one, model, &all, &ctx), AML_OK);
        assert_memory_equal(one, out + k * i, k * sizeof *one);
    }
    l->save(model, &w);
    aml_ctx_close(&ctx);
    return w;
}

#endif
