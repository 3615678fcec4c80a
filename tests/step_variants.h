/* step_variants.h: every step with every setting of its parameters, one at a time, for the tests of their contract. */
#ifndef AML_TESTS_STEP_VARIANTS_H
#define AML_TESTS_STEP_VARIANTS_H

#include "automl/core/linalg.h"
#include "automl/core/par.h"
#include "tests/step_fixture.h"

enum { MAX_PARAMS = 16 };

typedef struct variant {
    const aml_step *step;
    double hp[MAX_PARAMS];
    size_t number;
} variant;

/* Setting 0 is the default; then each parameter at each choice, or at its limits. */
static inline bool set_variant(variant *v, const aml_step *step, size_t number) {
    const aml_param *params = step->params;
    size_t n = params ? aml_params_count(params) : 0, left = number;
    assert_true(n <= MAX_PARAMS);
    v->step = step;
    v->number = number;
    aml_params_defaults(v->hp, params);
    if (!left--) return true;
    for (size_t k = 0; k < n; k++) {
        size_t choices = params[k].kind == AML_CHOICE ? aml_param_choices(&params[k]) : 2;
        if (left < choices) {
            v->hp[k] = params[k].kind == AML_CHOICE ? (double)left
                       : left                       ? params[k].hi
                                                    : params[k].lo;
            return true;
        }
        left -= choices;
    }
    return false;
}

static inline void for_all(void (*check)(const variant *v)) {
    for (const aml_step *const *s = aml_steps(); *s; s++) {
        variant v;
        for (size_t number = 0; set_variant(&v, *s, number); number++) check(&v);
    }
}

/* Fits, and saves the state to bytes. */
static inline void fit_bytes(aml_writer *w, void **state, const variant *v, const fixture *x,
                             bench *b) {
    assert_int_equal(v->step->fit(state, &x->table, &x->target, v->hp, &b->ctx), AML_OK);
    if (w) v->step->save(*state, w);
}

static inline void apply_to(aml_table *out, const variant *v, const void *state, const aml_table *x,
                            bench *b) {
    assert_int_equal(v->step->apply(out, state, x, &b->ctx), AML_OK);
}

/* Finite or NaN; codes within the levels; sparse columns upwards. */
static inline void assert_sound(const aml_table *t) {
    for (size_t j = 0; j < t->p; j++) {
        const aml_feature *f = &t->features[j];
        assert_non_null(f->name);
        for (size_t i = 0; i < t->n; i++) {
            if (f->kind == AML_NUMBER) assert_false(isinf(f->x[i]));
            if (f->kind == AML_CATEGORY)
                assert_in_range(f->code[i] + 2, 0, (uintmax_t)f->n_levels + 1);
        }
    }
    for (size_t i = 0; t->csr && i < t->n; i++)
        for (uint64_t e = t->csr->start[i]; e < t->csr->start[i + 1]; e++) {
            assert_true(t->csr->column[e] < t->csr->p);
            assert_true(isfinite(t->csr->value[e]));
            if (e > t->csr->start[i]) assert_true(t->csr->column[e] > t->csr->column[e - 1]);
        }
}

/* A test over all variants. */
#define CONTRACT(name, check)                \
    static void test_##name(void **unused) { \
        (void)unused;                        \
        for_all(check);                      \
    }

#endif
