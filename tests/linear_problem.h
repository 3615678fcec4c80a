/* linear_problem.h: small tables for the tests of learners on numbers, a fit on them and its predictions. */
#ifndef AML_TESTS_LINEAR_PROBLEM_H
#define AML_TESTS_LINEAR_PROBLEM_H

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

extern const aml_learner aml_learner_baseline, aml_learner_ridge, aml_learner_elastic_net,
    aml_learner_glm, aml_learner_logistic, aml_learner_linear_svm, aml_learner_naive_bayes,
    aml_learner_knn;

/* ---- data: n rows of p dense and q sparse features, every third row of the design left out of the
 * list */

typedef struct table {
    aml_arena *keep, *scratch;
    size_t n;
    float *dense;
    double *y, *w;
    uint32_t *rows;
    aml_csr csr;
    aml_design design;
    aml_data data;
    aml_ctx ctx;
} table;

static inline void table_sparse(table *t, size_t q, aml_rng *rng) {
    uint64_t *start = AML_ARRAY(t->keep, t->n + 1, uint64_t);
    uint32_t *column = AML_ARRAY(t->keep, t->n * q, uint32_t);
    float *value = AML_ARRAY(t->keep, t->n * q, float);
    for (size_t i = 0; i < t->n; i++) {
        start[i + 1] = start[i];
        for (size_t j = 0; j < q; j++) {
            if (aml_rng_uniform(rng) > 0.2) continue;
            column[start[i + 1]] = (uint32_t)j;
            value[start[i + 1]++] = (float)(1 + aml_rng_below(rng, 3));
        }
    }
    t->csr = (aml_csr){.n = t->n, .p = q, .start = start, .column = column, .value = value};
    t->design.csr = &t->csr;
}

static inline void table_columns(table *t) {
    size_t p = t->design.p;
    float **column = AML_ARRAY(t->keep, p, float *);
    for (size_t j = 0; j < p; j++) {
        column[j] = AML_ARRAY(t->keep, t->n, float);
        for (size_t i = 0; i < t->n; i++) column[j][i] = t->dense[i * p + j];
    }
    t->design.column = (const float *const *)column;
}

/* The target leans on the first three dense and two sparse features. */
static inline double signal(const table *t, size_t i, size_t shift) {
    double s = 0;
    for (size_t j = 0; j < 3 && j < t->design.p; j++)
        s += (double)t->dense[i * t->design.p + j] * ((double)((j + shift) % 3) - 0.7);
    for (uint64_t e = t->design.csr ? t->csr.start[i] : 0; t->design.csr && e < t->csr.start[i + 1];
         e++)
        if ((t->csr.column[e] + shift) % 3 == 0) s += 0.8 * (double)t->csr.value[e];
    return s;
}

static inline void table_target(table *t, aml_task_kind task, int n_classes, aml_rng *rng) {
    for (size_t i = 0; i < t->n; i++) {
        double best = -INFINITY;
        t->w[i] = 0.2 + 2 * aml_rng_uniform(rng);
        if (task == AML_REGRESSION) t->y[i] = 100 + 7 * signal(t, i, 0) + aml_rng_normal(rng);
        for (int c = 0; c < n_classes; c++) {
            double s = signal(t, i, (size_t)c) + aml_rng_normal(rng);
            if (s > best) best = s, t->y[i] = c;
        }
    }
}

static inline void table_new(table *t, size_t n, size_t p, size_t q, aml_task_kind task,
                             int n_classes) {
    aml_rng rng = aml_rng_stream(7, AML_RNG_TEST, n * 1000 + p, (uint32_t)q);
    *t = (table){.keep = aml_arena_new(NULL), .scratch = aml_arena_new(NULL), .n = n};
    t->dense = AML_ARRAY(t->keep, n * p, float);
    t->y = AML_ARRAY(t->keep, n, double);
    t->w = AML_ARRAY(t->keep, n, double);
    t->rows = AML_ARRAY(t->keep, n, uint32_t);
    for (size_t i = 0; i < n * p; i++)
        t->dense[i] = (float)(aml_rng_normal(&rng) + (double)(i % p % 3));
    t->design = (aml_design){.n = n, .p = p, .dense = t->dense};
    if (q) table_sparse(t, q, &rng);
    table_columns(t);
    table_target(t, task, n_classes, &rng);
    size_t used = 0;
    for (size_t i = n; i-- > 0;)
        if (i % 3 != 1 || n < 3) t->rows[used++] = (uint32_t)i;
    t->data = (aml_data){.x = &t->design,
                         .rows = t->rows,
                         .n = used,
                         .task = task,
                         .n_classes = n_classes,
                         .y = t->y,
                         .w = t->w};
    t->ctx = (aml_ctx){.keep = t->keep,
                       .scratch = t->scratch,
                       .rng = aml_rng_stream(1, AML_RNG_FIT, 0, 0),
                       .n_threads = 1};
}

static inline void table_free(table *t) {
    aml_arena_free(t->keep);
    aml_arena_free(t->scratch);
}

static inline void *fitted(table *t, const aml_learner *l, const double *hp) {
    double fallback[16];
    void *model = NULL;
    aml_params_defaults(fallback, l->params);
    assert_int_equal(l->fit(&model, &t->data, hp ? hp : fallback, &t->ctx), AML_OK);
    return model;
}

static inline double *predicted(table *t, const aml_learner *l, const void *model) {
    size_t k = (size_t)aml_task_outputs(t->data.task, t->data.n_classes);
    double *out = AML_ARRAY(t->keep, t->data.n * k, double);
    assert_int_equal(l->predict(out, model, &t->data, &t->ctx), AML_OK);
    return out;
}

static inline size_t outputs(const table *t) {
    return (size_t)aml_task_outputs(t->data.task, t->data.n_classes) * t->data.n;
}

static inline double largest_gap(const double *a, const double *b, size_t n) {
    double gap = 0;
    for (size_t i = 0; i < n; i++) gap = fmax(gap, fabs(a[i] - b[i]));
    return gap;
}

static inline void assert_sane(const table *t, const double *out) {
    size_t k = (size_t)aml_task_outputs(t->data.task, t->data.n_classes);
    for (size_t i = 0; i < t->data.n; i++) {
        double sum = 0;
        for (size_t c = 0; c < k; c++) {
            double x = out[i * k + c];
            assert_true(isfinite(x));
            if (t->data.task != AML_REGRESSION) assert_true(x >= 0 && x <= 1);
            sum += x;
        }
        if (t->data.task == AML_MULTICLASS) assert_true(fabs(sum - 1) < 1e-9);
    }
}

static const struct {
    aml_task_kind kind;
    int n_classes;
} tasks[] = {{AML_BINARY, 2}, {AML_MULTICLASS, 3}, {AML_REGRESSION, 0}};

#endif
