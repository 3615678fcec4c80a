/* test_linear.c: linear models, naive Bayes, neighbours and the baseline: optimality conditions,
 * identities, edges. */
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
#include "learners/parts/calibrate.h"
#include "learners/parts/lbfgs.h"
#include "learners/parts/linear.h"
#include "learners/parts/neighbours.h"
#include "learners/parts/rows.h"

extern const aml_learner aml_learner_baseline, aml_learner_ridge, aml_learner_elastic_net,
    aml_learner_logistic, aml_learner_linear_svm, aml_learner_naive_bayes, aml_learner_knn;

static const aml_learner *const learners[] = {&aml_learner_baseline,    &aml_learner_ridge,
                                              &aml_learner_elastic_net, &aml_learner_logistic,
                                              &aml_learner_linear_svm,  &aml_learner_naive_bayes,
                                              &aml_learner_knn,         NULL};

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

static void table_sparse(table *t, size_t q, aml_rng *rng) {
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

static void table_columns(table *t) {
    size_t p = t->design.p;
    float **column = AML_ARRAY(t->keep, p, float *);
    for (size_t j = 0; j < p; j++) {
        column[j] = AML_ARRAY(t->keep, t->n, float);
        for (size_t i = 0; i < t->n; i++) column[j][i] = t->dense[i * p + j];
    }
    t->design.column = (const float *const *)column;
}

/* The target leans on the first three dense and two sparse features. */
static double signal(const table *t, size_t i, size_t shift) {
    double s = 0;
    for (size_t j = 0; j < 3 && j < t->design.p; j++)
        s += (double)t->dense[i * t->design.p + j] * ((double)((j + shift) % 3) - 0.7);
    for (uint64_t e = t->design.csr ? t->csr.start[i] : 0; t->design.csr && e < t->csr.start[i + 1];
         e++)
        if ((t->csr.column[e] + shift) % 3 == 0) s += 0.8 * (double)t->csr.value[e];
    return s;
}

static void table_target(table *t, aml_task_kind task, int n_classes, aml_rng *rng) {
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

static void table_new(table *t, size_t n, size_t p, size_t q, aml_task_kind task, int n_classes) {
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

static void table_free(table *t) {
    aml_arena_free(t->keep);
    aml_arena_free(t->scratch);
}

static void *fitted(table *t, const aml_learner *l, const double *hp) {
    double fallback[16];
    void *model = NULL;
    for (size_t i = 0; !hp && l->params[i].name; i++) fallback[i] = l->params[i].fallback;
    assert_int_equal(l->fit(&model, &t->data, hp ? hp : fallback, &t->ctx), AML_OK);
    return model;
}

static double *predicted(table *t, const aml_learner *l, const void *model) {
    size_t k = (size_t)aml_task_outputs(t->data.task, t->data.n_classes);
    double *out = AML_ARRAY(t->keep, t->data.n * k, double);
    assert_int_equal(l->predict(out, model, &t->data, &t->ctx), AML_OK);
    return out;
}

static size_t outputs(const table *t) {
    return (size_t)aml_task_outputs(t->data.task, t->data.n_classes) * t->data.n;
}

static double largest_gap(const double *a, const double *b, size_t n) {
    double gap = 0;
    for (size_t i = 0; i < n; i++) gap = fmax(gap, fabs(a[i] - b[i]));
    return gap;
}

static void assert_sane(const table *t, const double *out) {
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

/* Runs check for each learner and each task that it has. */
static void for_all(void (*check)(const aml_learner *l, aml_task_kind task, int n_classes)) {
    for (size_t i = 0; learners[i]; i++)
        for (size_t t = 0; t < 3; t++)
            if (learners[i]->tasks & tasks[t].kind)
                check(learners[i], tasks[t].kind, tasks[t].n_classes);
}

/* ---- the minimum is one: the gradient of the penalised loss is zero */

static void slopes_of(double *slope, const double *z, double y, aml_task_kind task, size_t k) {
    double p[8];
    memcpy(p, z, k * sizeof *p);
    if (task == AML_BINARY) aml_link_logistic(p, 1, NULL);
    if (task == AML_MULTICLASS) aml_link_softmax(p, k, NULL);
    for (size_t c = 0; c < k; c++)
        slope[c] = p[c] - (task == AML_MULTICLASS ? (c == (size_t)y) : y);
}

static double gradient_norm(table *t, const aml_linear *m, double penalty) {
    size_t k = m->k, d = (m->p + m->q + 1) * k;
    double *g = AML_ARRAY(t->keep, d, double), *z = AML_ARRAY(t->keep, t->data.n * k, double),
           slope[8], largest = 0;
    assert_int_equal(aml_linear_predict(z, m, &t->data, NULL, NULL, &t->ctx), AML_OK);
    for (size_t j = 0; j < d - k; j++) g[j] = penalty * m->coef[j];
    for (size_t i = 0; i < t->data.n; i++) {
        size_t row = t->rows[i];
        slopes_of(slope, z + i * k, t->y[row], t->data.task, k);
        for (size_t c = 0; c < k; c++) {
            double ws = t->w[row] * slope[c];
            for (size_t j = 0; j < m->p; j++) g[j * k + c] += ws * (double)t->dense[row * m->p + j];
            for (uint64_t e = m->q ? t->csr.start[row] : 0; m->q && e < t->csr.start[row + 1]; e++)
                g[(m->p + t->csr.column[e]) * k + c] += ws * (double)t->csr.value[e];
            g[d - k + c] += ws;
        }
    }
    for (size_t j = 0; j < d; j++) largest = fmax(largest, fabs(g[j]));
    return largest / (double)t->data.n;
}

static void check_gradient(size_t p, size_t q, size_t task, double strength, double limit) {
    table t;
    table_new(&t, 600, p, q, tasks[task].kind, tasks[task].n_classes);
    bool squared = tasks[task].kind == AML_REGRESSION;
    const aml_learner *l = squared ? &aml_learner_ridge : &aml_learner_logistic;
    aml_linear *m = fitted(&t, l, (double[]){strength, 1e-11});
    double norm = gradient_norm(&t, m, squared ? strength : 1 / strength);
    if (!(norm < limit))
        fail_msg("gradient %g for p %zu q %zu task %zu strength %g", norm, p, q, task, strength);
    table_free(&t);
}

static void test_gradient_is_zero(void **state) {
    (void)state;
    const double strength[] = {1e-3, 1, 1e3};
    for (size_t s = 0; s < 3; s++) {
        for (size_t task = 0; task < 3; task++) {
            check_gradient(8, 0, task, strength[s], 2e-6);
            check_gradient(8, 12, task, strength[s], 5e-6);
            check_gradient(0, 12, task, strength[s], 5e-6);
        }
    }
    check_gradient(700, 0, 0, 1, 5e-6); /* more features than rows */
    check_gradient(700, 0, 2, 1, 2e-6);
    check_gradient(2100, 0, 2, 1, 2e-5); /* beyond the full matrix */
}

/* Elastic net: |x'r| = l1 where a coefficient is not zero, less elsewhere. */
static void check_subgradient(size_t n, size_t p, double alpha, double ratio, double limit) {
    table t;
    table_new(&t, n, p, 0, AML_REGRESSION, 0);
    aml_linear *m = fitted(&t, &aml_learner_elastic_net, (double[]){alpha, ratio});
    double *z = predicted(&t, &aml_learner_elastic_net, m), total = 0, mean = 0, square = 0,
           residual = 0;
    for (size_t i = 0; i < t.data.n; i++) {
        size_t row = t.rows[i];
        total += t.w[row];
        mean += t.w[row] * t.y[row];
        residual += t.w[row] * (t.y[row] - z[i]);
    }
    mean /= total;
    for (size_t i = 0; i < t.data.n; i++) square += t.w[t.rows[i]] * pow(t.y[t.rows[i]] - mean, 2);
    double sd = sqrt(square / total);
    assert_true(fabs(residual / total) < 1e-8 * sd);
    for (size_t j = 0; j < p; j++) {
        double pull = 0, coef = m->coef[j] / sd;
        for (size_t i = 0; i < t.data.n; i++)
            pull += t.w[t.rows[i]] / total * (t.y[t.rows[i]] - z[i]) / sd *
                    (double)t.dense[t.rows[i] * p + j];
        pull -= alpha * (1 - ratio) * coef;
        double gap = coef != 0 ? fabs(pull - copysign(alpha * ratio, coef))
                               : fmax(fabs(pull) - alpha * ratio, 0);
        if (gap > limit)
            fail_msg("subgradient %g at %zu (p %zu alpha %g ratio %g)", gap, j, p, alpha, ratio);
    }
    table_free(&t);
}

static void test_subgradient_is_zero(void **state) {
    (void)state;
    check_subgradient(300, 10, 0.1, 0.5, 1e-7);
    check_subgradient(300, 10, 1e-5, 1, 1e-7);
    check_subgradient(300, 10, 1e-2, 0, 1e-7);
    check_subgradient(90, 200, 1e-2, 0.9, 1e-6);
    check_subgradient(60, 2100, 0.1, 0.9, 1e-6); /* on the residuals */
}

/* ---- the same problem told in two ways */

static void test_sparse_and_dense_agree(void **state) {
    (void)state;
    for (size_t task = 0; task < 3; task++) {
        table t;
        table_new(&t, 400, 0, 9, tasks[task].kind, tasks[task].n_classes);
        const aml_learner *l = task == 2 ? &aml_learner_ridge : &aml_learner_logistic;
        double *sparse = predicted(&t, l, fitted(&t, l, (double[]){1, 1e-11}));
        float *dense = AML_ARRAY(t.keep, t.n * 9, float);
        for (size_t i = 0; i < t.n; i++)
            for (uint64_t e = t.csr.start[i]; e < t.csr.start[i + 1]; e++)
                dense[i * 9 + t.csr.column[e]] = t.csr.value[e];
        t.design.p = 9;
        t.design.dense = dense;
        t.design.csr = NULL;
        double *full = predicted(&t, l, fitted(&t, l, (double[]){1, 1e-11}));
        assert_true(largest_gap(sparse, full, outputs(&t)) < (task == 2 ? 1e-6 : 2e-5));
        table_free(&t);
    }
}

/* A row of weight 3 is three rows of weight 1. */
static void check_weights(const aml_learner *l, aml_task_kind task, int n_classes) {
    table t;
    size_t q = l->can & AML_CAN_SPARSE ? 5 : 0;
    if (l == &aml_learner_knn || l == &aml_learner_linear_svm)
        return; /* k counts rows; the split draws rows */
    table_new(&t, 300, 4, q, task, n_classes);
    double hp[8];
    for (size_t i = 0; l->params[i].name; i++) hp[i] = l->params[i].fallback;
    if (l == &aml_learner_naive_bayes) hp[3] = 0;
    for (size_t i = 0; i < t.n; i++) t.w[i] = (double)(i % 4);
    double *weighted = predicted(&t, l, fitted(&t, l, hp));
    aml_data all = t.data;
    uint32_t *repeated = AML_ARRAY(t.keep, 4 * all.n, uint32_t);
    size_t n = 0;
    for (size_t i = 0; i < all.n; i++)
        for (double r = 0; r < t.w[all.rows[i]]; r++) repeated[n++] = all.rows[i];
    t.data.rows = repeated;
    t.data.n = n;
    t.data.w = NULL;
    void *m = fitted(&t, l, hp);
    t.data = all;
    double gap = largest_gap(weighted, predicted(&t, l, m), outputs(&t));
    if (!(gap < 1e-5)) fail_msg("%s: weights and repeated rows differ by %g", l->name, gap);
    table_free(&t);
}
static void test_weights_are_repeated_rows(void **state) {
    (void)state;
    for_all(check_weights);
}

/* A shift of a feature goes into the intercept; its scale does not matter without a penalty. */
static void test_ill_scaled_columns(void **state) {
    (void)state;
    for (size_t task = 0; task < 3; task++) {
        table t;
        table_new(&t, 500, 6, 0, tasks[task].kind, tasks[task].n_classes);
        const aml_learner *l = task == 2 ? &aml_learner_ridge : &aml_learner_logistic;
        double strength = task == 2 ? 1e-4 : 1e4;
        double *before = predicted(&t, l, fitted(&t, l, (double[]){strength, 1e-11}));
        for (size_t i = 0; i < t.n; i++) {
            t.dense[i * 6] = t.dense[i * 6] * 1e12f;
            t.dense[i * 6 + 1] += 4096;
        }
        double *after = predicted(&t, l, fitted(&t, l, (double[]){strength, 1e-11}));
        double gap = largest_gap(before, after, outputs(&t));
        if (!(gap < 2e-3)) fail_msg("task %zu: %g", task, gap);
        table_free(&t);
    }
}

/* ---- what every learner keeps */

static void check_threads(const aml_learner *l, aml_task_kind task, int n_classes) {
    table t;
    table_new(&t, 4000, 6, 8, task, n_classes);
    double *one = predicted(&t, l, fitted(&t, l, NULL));
    for (int n_threads = 2; n_threads <= 5; n_threads += 3) {
        t.ctx.n_threads = n_threads;
        double *many = predicted(&t, l, fitted(&t, l, NULL));
        assert_memory_equal(one, many, outputs(&t) * sizeof *one);
    }
    table_free(&t);
}
static void test_threads_change_nothing(void **state) {
    (void)state;
    for_all(check_threads);
}

/* A row's prediction does not depend on the rows beside it, nor on where its features come from. */
static void check_company(const aml_learner *l, aml_task_kind task, int n_classes) {
    table t;
    table_new(&t, 400, 7, 8, task, n_classes);
    void *m = fitted(&t, l, NULL);
    double *all = predicted(&t, l, m), one[8];
    size_t n = t.data.n, k = outputs(&t) / n;
    t.design.dense = NULL;
    t.data.y = t.data.w = NULL;
    t.data.n = 1;
    for (size_t i = 0; i < n; i += 37) {
        t.data.rows = t.rows + i;
        assert_int_equal(l->predict(one, m, &t.data, &t.ctx), AML_OK);
        assert_memory_equal(one, all + i * k, k * sizeof *one);
    }
    t.data.n = 0;
    assert_int_equal(l->predict(one, m, &t.data, &t.ctx), AML_OK);
    table_free(&t);
}
static void test_company_changes_nothing(void **state) {
    (void)state;
    for_all(check_company);
}

static void check_file(const aml_learner *l, aml_task_kind task, int n_classes) {
    table t;
    table_new(&t, 90, 4, 5, task, n_classes);
    void *m = fitted(&t, l, NULL), *again = NULL;
    double *before = predicted(&t, l, m);
    aml_writer w = {0}, w2 = {0};
    l->save(m, &w);
    assert_int_equal(w.status, AML_OK);
    aml_reader r = {.data = w.data, .size = w.size, .file = "test"};
    assert_int_equal(l->load(&again, &r, &t.ctx), AML_OK);
    assert_int_equal(r.at, w.size);
    assert_memory_equal(before, predicted(&t, l, again), outputs(&t) * sizeof *before);
    l->save(again, &w2);
    assert_int_equal(w2.size, w.size);
    assert_memory_equal(w2.data, w.data, w.size);
    for (size_t size = 0; size < w.size; size += 1 + w.size / 97) {
        aml_reader cut = {.data = w.data, .size = size, .file = "test"};
        assert_int_equal(l->load(&again, &cut, &t.ctx), AML_EDATA);
    }
    aml_rng rng = aml_rng_stream(3, AML_RNG_TEST, 0, 0);
    for (int round = 0; round < 300;
         round++) { /* a damaged file is refused, or gives a model that still works */
        uint32_t at = aml_rng_below(&rng, (uint32_t)w.size);
        unsigned char old = w.data[at];
        w.data[at] = (unsigned char)aml_rng_u32(&rng);
        aml_reader bad = {.data = w.data, .size = w.size, .file = "test"};
        double *out = AML_ARRAY(t.keep, outputs(&t) + 8, double);
        if (l->load(&again, &bad, &t.ctx) == AML_OK && w.data[at] != old && at >= 32 &&
            l->predict(out, again, &t.data, &t.ctx) == AML_OK)
            assert_sane(&t, out);
        w.data[at] = old;
    }
    aml_writer_free(&w);
    aml_writer_free(&w2);
    table_free(&t);
}
static void test_files(void **state) {
    (void)state;
    for_all(check_file);
}

static void check_stop(const aml_learner *l, aml_task_kind task, int n_classes) {
    table t;
    atomic_bool stop = true;
    void *m = NULL;
    double hp[8], *out;
    if (l == &aml_learner_baseline) return; /* it has to be there even when time is up */
    table_new(&t, 300, 4, 0, task, n_classes);
    for (size_t i = 0; l->params[i].name; i++) hp[i] = l->params[i].fallback;
    t.ctx.stop = &stop;
    if (l != &aml_learner_knn) {
        assert_int_equal(l->fit(&m, &t.data, hp, &t.ctx), AML_ESTOPPED);
        table_free(&t);
        return;
    }
    assert_int_equal(l->fit(&m, &t.data, hp, &t.ctx), AML_OK);
    out = AML_ARRAY(t.keep, outputs(&t), double);
    assert_int_equal(l->predict(out, m, &t.data, &t.ctx), AML_ESTOPPED);
    table_free(&t);
}
static void test_stop(void **state) {
    (void)state;
    for_all(check_stop);
}

/* A deadline at any point of the fit: a model that is cut short comes only from who declares it. */
static void check_deadline(const aml_learner *l, aml_task_kind task, int n_classes) {
    enum { POINTS = 40 };
    double hp[8], whole = 0;
    for (size_t i = 0; l->params[i].name; i++) hp[i] = l->params[i].fallback;
    for (int k = 0; k <= POINTS; k++) {
        table t;
        void *m = NULL;
        table_new(&t, 2000, 10, 0, task, n_classes);
        double begin = aml_now();
        t.ctx.deadline = k ? begin + whole * k / POINTS : 0;
        aml_status status = l->fit(&m, &t.data, hp, &t.ctx);
        if (k == 0) whole = aml_now() - begin;
        assert_true(status == AML_OK || status == AML_ESTOPPED);
        assert_true(status || !t.ctx.truncated || (l->can & AML_ANYTIME));
        table_free(&t);
    }
}
static void test_deadline(void **state) {
    (void)state;
    for_all(check_deadline);
}

static void check_memory(const aml_learner *l, aml_task_kind task, int n_classes) {
    table t;
    void *m = NULL;
    double hp[8];
    for (uint64_t failing = 1;; failing++) {
        table_new(&t, 3000, 40, 8, task, n_classes);
        for (size_t i = 0; l->params[i].name; i++) hp[i] = l->params[i].fallback;
        t.ctx.keep = aml_arena_new(NULL);
        aml_fail_alloc(failing, false);
        aml_status status = l->fit(&m, &t.data, hp, &t.ctx);
        bool reached = aml_fail_alloc(0, false) >= failing;
        aml_arena_free(t.ctx.keep);
        table_free(&t);
        assert_int_equal(status, reached ? AML_ENOMEM : AML_OK);
        if (!reached) break;
    }
}
static void test_memory_is_short(void **state) {
    (void)state;
    for_all(check_memory);
}

/* ---- edges */

enum {
    NO_FEATURES,
    ONE_ROW,
    CONSTANT,
    TWINS,
    HUGE_VALUES,
    MISSING,
    FEW_ROWS,
    NO_WEIGHT,
    ONE_CLASS,
    EDGES
};

static void bend(table *t, int edge) {
    size_t p = t->design.p;
    for (size_t i = 0; i < t->n; i++) {
        float *x = t->dense + i * p;
        if (edge == CONSTANT) x[0] = 3, x[1] = 1e30f;
        if (edge == TWINS) x[1] = x[0], x[2] = -2 * x[0];
        if (edge == HUGE_VALUES && i % 2)
            x[0] = i % 4 == 1 ? 1e30f : -1e30f, x[1] = INFINITY, x[2] *= 1e-30f;
        if (edge == MISSING && i % 3 == 0) x[1] = NAN;
        if (edge == NO_WEIGHT) t->w[i] = 0;
        if (edge == ONE_CLASS) t->y[i] = 1;
    }
    table_columns(t);
}

static void check_edges(const aml_learner *l, aml_task_kind task, int n_classes) {
    for (int edge = 0; edge < EDGES; edge++) {
        table t;
        size_t n = edge == ONE_ROW    ? 1
                   : edge == FEW_ROWS ? 12
                                      : 200,
               p = edge == NO_FEATURES ? 0
                   : edge == FEW_ROWS  ? 50
                                       : 5;
        table_new(&t, n, p, edge == FEW_ROWS ? 6 : 0, task, n_classes);
        if (p) bend(&t, edge);
        void *m = fitted(&t, l, NULL);
        double *out = predicted(&t, l, m);
        assert_sane(&t, out);
        double importance[64], sum = 0;
        if (l->importance) assert_int_equal(l->importance(importance, m, p), AML_OK);
        for (size_t j = 0; l->importance && j < p; j++) {
            assert_true(importance[j] >= 0);
            sum += importance[j];
        }
        if (l->importance) assert_true(sum == 0 || fabs(sum - 1) < 1e-9);
        if (edge == ONE_CLASS && task == AML_BINARY) assert_true(out[0] > 0.95);
        if (edge == ONE_ROW && task == AML_REGRESSION)
            assert_true(fabs(out[0] - t.y[0]) < 1e-9 * fabs(t.y[0]));
        aml_shape shape = {.n = n, .p = p, .task = task, .n_classes = n_classes};
        double lo, hi;
        for (size_t i = 0; l->bound && l->params[i].name; i++) {
            lo = l->params[i].lo, hi = l->params[i].hi;
            l->bound(&lo, &hi, i, &shape);
            assert_true(lo <= hi);
        }
        table_free(&t);
    }
}
static void test_edges(void **state) {
    (void)state;
    for_all(check_edges);
}

static void check_learns(const aml_learner *l, aml_task_kind task, int n_classes) {
    table t;
    if (l == &aml_learner_baseline) return;
    table_new(&t, 1500, 5, 0, task, n_classes);
    void *base = fitted(&t, &aml_learner_baseline, NULL), *m = fitted(&t, l, NULL);
    uint32_t held[500];
    for (uint32_t i = 0; i < 500; i++) held[i] = 3 * i + 1;
    t.data.rows = held;
    t.data.n = 500;
    double *out[2] = {predicted(&t, &aml_learner_baseline, base), predicted(&t, l, m)},
           loss[2] = {0};
    size_t k = outputs(&t) / 500;
    for (size_t i = 0; i < 500; i++) {
        for (int which = 0; which < 2; which++) {
            double y = t.y[held[i]], p = out[which][i * k + (k > 1 ? (size_t)y : 0)];
            loss[which] +=
                task == AML_REGRESSION ? (p - y) * (p - y) : -log(k > 1 || y > 0 ? p : 1 - p);
        }
    }
    if (!(loss[1] < 0.8 * loss[0]))
        fail_msg("%s: loss %g, baseline %g", l->name, loss[1] / 500, loss[0] / 500);
    table_free(&t);
}
static void test_all_learn(void **state) {
    (void)state;
    for_all(check_learns);
}

/* ---- one by one */

static void test_baseline_is_the_mean(void **state) {
    (void)state;
    table t;
    table_new(&t, 50, 2, 0, AML_MULTICLASS, 4);
    double *out = predicted(&t, &aml_learner_baseline, fitted(&t, &aml_learner_baseline, NULL)),
           total = 0, two = 0;
    for (size_t i = 0; i < t.data.n; i++) {
        total += t.w[t.rows[i]];
        if (t.y[t.rows[i]] == 2) two += t.w[t.rows[i]];
    }
    assert_true(fabs(out[2] - two / total) < 1e-12);
    table_free(&t);
}

/* Every distance by itself, the nearest by insertion: the reference. */
static void test_neighbours_are_the_nearest(void **state) {
    (void)state;
    table t;
    table_new(&t, 333, 5, 0, AML_REGRESSION, 0);
    for (size_t i = 0; i < t.n * 5; i++) t.dense[i] = roundf(t.dense[i]); /* many ties */
    for (size_t i = 0; i < t.n; i++) t.w[i] = 1;
    const size_t k = 7;
    double *out =
        predicted(&t, &aml_learner_knn, fitted(&t, &aml_learner_knn, (double[]){(double)k, 0}));
    for (size_t i = 0; i < t.data.n; i++) {
        float best[8];
        size_t who[8], found = 0;
        for (size_t r = 0; r < t.data.n; r++) {
            float d = 0;
            for (size_t j = 0; j < 5; j++) {
                float e = t.dense[t.rows[r] * 5 + j] - t.dense[t.rows[i] * 5 + j];
                d += e * e;
            }
            size_t at = found < k ? found++ : k;
            for (; at > 0 && best[at - 1] > d; at--) best[at] = best[at - 1], who[at] = who[at - 1];
            best[at] = d, who[at] = r;
        }
        double mean = 0;
        for (size_t j = 0; j < k; j++) mean += t.y[t.rows[who[j]]] / (double)k;
        assert_true(fabs(mean - out[i]) < 1e-9);
    }
    table_free(&t);
}

/* By distance with k ≥ 1 a training row finds itself: its own target comes back. */
static void test_neighbour_at_distance_zero(void **state) {
    (void)state;
    table t;
    table_new(&t, 200, 4, 0, AML_REGRESSION, 0);
    double *out = predicted(&t, &aml_learner_knn, fitted(&t, &aml_learner_knn, (double[]){9, 1}));
    for (size_t i = 0; i < t.data.n; i++) assert_true(fabs(out[i] - t.y[t.rows[i]]) < 1e-9);
    table_free(&t);
}

/* Bayes' rule by hand, two classes: one dense and three sparse features. */
static void test_naive_bayes_by_hand(void **state) {
    (void)state;
    table t;
    table_new(&t, 120, 1, 3, AML_BINARY, 2);
    const double smoothing = 0.01, alpha = 0.5, pi = acos(-1);
    double *out =
        predicted(&t, &aml_learner_naive_bayes,
                  fitted(&t, &aml_learner_naive_bayes, (double[]){smoothing, alpha, 0, 0}));
    double w[2] = {0}, s1[2] = {0}, s2[2] = {0}, count[2][3] = {{0}}, words[2] = {0};
    for (size_t i = 0; i < t.data.n; i++) {
        size_t row = t.rows[i], c = (size_t)t.y[row];
        double x = (double)t.dense[row];
        w[c] += t.w[row], s1[c] += t.w[row] * x, s2[c] += t.w[row] * x * x;
        for (uint64_t e = t.csr.start[row]; e < t.csr.start[row + 1]; e++) {
            count[c][t.csr.column[e]] += t.w[row] * (double)t.csr.value[e];
            words[c] += t.w[row] * (double)t.csr.value[e];
        }
    }
    double total = w[0] + w[1], mean = (s1[0] + s1[1]) / total,
           all = (s2[0] + s2[1]) / total - mean * mean;
    for (size_t i = 0; i < t.data.n; i++) {
        double z[2];
        for (int c = 0; c < 2; c++) {
            double m = s1[c] / w[c], v = s2[c] / w[c] - m * m + smoothing * all,
                   x = (double)t.dense[t.rows[i]];
            z[c] = log(w[c] / total) - 0.5 * log(2 * pi * v) - (x - m) * (x - m) / (2 * v);
            for (uint64_t e = t.csr.start[t.rows[i]]; e < t.csr.start[t.rows[i] + 1]; e++)
                z[c] += (double)t.csr.value[e] *
                        log((count[c][t.csr.column[e]] + alpha) / (words[c] + 3 * alpha));
        }
        assert_true(fabs(out[i] - 1 / (1 + exp(z[0] - z[1]))) < 1e-9);
    }
    table_free(&t);
}

/* Calibration finds the slope and offset that the labels were drawn with, and keeps the order of
 * the scores. */
static void test_calibration_recovers(void **state) {
    (void)state;
    table t;
    table_new(&t, 3, 1, 0, AML_BINARY, 2);
    enum { N = 20000 };
    double *score = AML_ARRAY(t.keep, N, double), *y = AML_ARRAY(t.keep, N, double);
    aml_rng rng = aml_rng_stream(5, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < N; i++) {
        score[i] = 40 * aml_rng_normal(&rng);
        y[i] = aml_rng_uniform(&rng) < 1 / (1 + exp(-(0.05 * score[i] - 1)));
    }
    aml_calibration c;
    assert_int_equal(aml_calibration_fit(&c, score, y, NULL, N, 1, &t.ctx), AML_OK);
    assert_true(fabs(c.scale - 0.05) < 0.003);
    assert_true(fabs(c.offset[0] + 1) < 0.1);
    for (size_t i = 0; i < N; i++) y[i] = score[i] > 0; /* separable: still finite */
    assert_int_equal(aml_calibration_fit(&c, score, y, NULL, N, 1, &t.ctx), AML_OK);
    assert_true(isfinite(c.scale) && c.scale > 0.05);
    table_free(&t);
}

typedef struct bowl {
    double spread;    /* powers of ten between the flattest and the steepest direction */
    double steep[20]; /* curvature where it was last asked for */
    int calls;
} bowl;

static aml_status bowl_value(double *f, double *g, const double *x, void *arg) {
    bowl *b = arg;
    *f = 0;
    b->calls++;
    for (size_t j = 0; j < 20; j++) {
        double scale = pow(10, b->spread * (double)j / 19), r = x[j] - (double)j;
        *f += scale * (sqrt(1 + r * r) - 1);
        g[j] = scale * r / sqrt(1 + r * r);
    }
    return AML_OK;
}

static aml_status bowl_renew(const double *x, void *arg) {
    bowl *b = arg;
    for (size_t j = 0; j < 20; j++) {
        double r = x[j] - (double)j;
        b->steep[j] = pow(10, b->spread * (double)j / 19) * pow(1 + r * r, -1.5);
    }
    return AML_OK;
}

static void bowl_apply(double *v, void *arg) {
    const bowl *b = arg;
    for (size_t j = 0; j < 20; j++) v[j] /= b->steep[j];
}

static void test_lbfgs_finds_the_bottom(void **state) {
    (void)state;
    for (int preconditioned = 0; preconditioned < 2; preconditioned++) {
        table t;
        bowl b = {.spread = preconditioned ? 12 : 2};
        double x[20] = {0};
        table_new(&t, 3, 1, 0, AML_BINARY, 2);
        aml_lbfgs_problem problem = {
            .n = 20, .arg = &b, .value = bowl_value, .max_steps = 300, .tolerance = 1e-16};
        if (preconditioned)
            problem.precondition = bowl_apply, problem.renew = bowl_renew, problem.renew_every = 4;
        assert_int_equal(aml_lbfgs(x, &problem, &t.ctx), AML_OK);
        for (size_t j = 0; j < 20; j++) assert_true(fabs(x[j] - (double)j) < 1e-6);
        assert_true(b.calls < 300);
        table_free(&t);
    }
}

/* All sums over rows are the same for one thread and many, whatever the sizes. */
static void count_rows(double *sum, void *arg, size_t begin, size_t end, double *scratch) {
    (void)arg, (void)scratch;
    for (size_t i = begin; i < end; i++) {
        sum[0] += 1;
        sum[1] += 1 / (1 + (double)i);
    }
}

static void test_sums_have_one_order(void **state) {
    (void)state;
    table t;
    table_new(&t, 3, 1, 0, AML_BINARY, 2);
    const size_t sizes[] = {0, 1, 31, 32, 33, 5000, 123457};
    for (size_t s = 0; s < 7; s++) {
        double sum[2][2];
        for (int which = 0; which < 2; which++) {
            aml_sum plan;
            t.ctx.n_threads = which ? 4 : 1;
            assert_int_equal(aml_sum_init(&plan, sizes[s], 2, 32, 0, &t.ctx), AML_OK);
            assert_int_equal(aml_sum_run(sum[which], &plan, count_rows, NULL, &t.ctx), AML_OK);
        }
        assert_true(sum[0][0] == (double)sizes[s]);
        assert_memory_equal(sum[0], sum[1], sizeof sum[0]);
    }
    table_free(&t);
}

int main(void) {
    aml_par_init();
    aml_linalg_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradient_is_zero),
        cmocka_unit_test(test_subgradient_is_zero),
        cmocka_unit_test(test_sparse_and_dense_agree),
        cmocka_unit_test(test_weights_are_repeated_rows),
        cmocka_unit_test(test_ill_scaled_columns),
        cmocka_unit_test(test_threads_change_nothing),
        cmocka_unit_test(test_company_changes_nothing),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_memory_is_short),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_all_learn),
        cmocka_unit_test(test_baseline_is_the_mean),
        cmocka_unit_test(test_neighbours_are_the_nearest),
        cmocka_unit_test(test_neighbour_at_distance_zero),
        cmocka_unit_test(test_naive_bayes_by_hand),
        cmocka_unit_test(test_calibration_recovers),
        cmocka_unit_test(test_lbfgs_finds_the_bottom),
        cmocka_unit_test(test_sums_have_one_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
