/* test_gbdt_sparse.c: boosted trees on sparse features: the same trees as on the same features dense. */
#include "tests/boost_world.h"

#include "automl/core/par.h"

enum { N = 3000, N_DENSE = 3 };

/* A world, and the same one with its columns from N_DENSE on as sparse features. */
typedef struct twins {
    world dense, sparse;
    aml_csr csr;
    uint64_t *start;
    uint32_t *column;
    float *value;
} twins;

/* Numbers of all kinds beside 0: few and many, of either sign, missing, next to 0 and 0 itself. */
static float cell(aml_rng *rng, size_t j, size_t i) {
    if (aml_rng_below(rng, 4)) return 0;
    if (j == 3) return (float)aml_rng_normal(rng);
    if (j == 4) return i % 17 == 0 ? NAN : (float)aml_rng_below(rng, 3);
    if (j == 5) return aml_rng_below(rng, 50) ? 1.0f : -1e-30f;
    return j == 6 ? -2.0f : i == 5 ? 7.0f : 0.0f;
}

static void twins_open(twins *t, aml_task_kind task) {
    world *both[] = {&t->dense, &t->sparse};
    for (int k = 0; k < 2; k++) {
        world *s = both[k];
        world_open(s, N, task);
        aml_rng rng = aml_rng_stream(9, AML_RNG_TEST, 0, 0);
        s->n_levels[TOWN] = 0;
        for (size_t i = 0; i < N; i++)
            for (size_t j = N_DENSE; j < P; j++) {
                float v = s->column[j][i] = cell(&rng, j, i);
                if (task == AML_REGRESSION && !isnan(v)) s->y[i] += (double)v * (double)(j - 2);
            }
    }
    aml_arena *a = t->sparse.ctx.keep;
    t->start = AML_ARRAY(a, N + 1, uint64_t);
    t->column = AML_ARRAY(a, N * P, uint32_t);
    t->value = AML_ARRAY(a, N * P, float);
    for (size_t i = 0, at = 0; i < N; i++, t->start[i] = at)
        for (size_t j = N_DENSE; j < P; j++) {
            float v = t->sparse.column[j][i];
            if (v == 0 && i % 9) continue; /* some zeros are written down */
            t->column[at] = (uint32_t)(j - N_DENSE);
            t->value[at++] = v;
        }
    t->csr = (aml_csr){N, P - N_DENSE, t->start, t->column, t->value};
    t->sparse.design.csr = &t->csr;
    t->sparse.design.p = N_DENSE;
}

static void twins_close(twins *t) {
    world_close(&t->dense);
    world_close(&t->sparse);
}

static void set_both(twins *t, const char *name, double value) {
    set(&t->dense, name, value);
    set(&t->sparse, name, value);
}

static void expect_same(twins *t) {
    void *model[2];
    size_t k = t->dense.data.task == AML_MULTICLASS ? 3 : 1;
    double *a = fit_predict(&model[0], &t->dense), *b = fit_predict(&model[1], &t->sparse);
    assert_memory_equal(a, b, N * k * sizeof *a);
}

static void test_sparse_as_dense(void **state) {
    (void)state;
    static const aml_task_kind tasks[] = {AML_REGRESSION, AML_BINARY, AML_MULTICLASS};
    for (size_t task = 0; task < 3; task++)
        for (int how = 0; how < 4; how++) {
            twins t;
            twins_open(&t, tasks[task]);
            t.sparse.ctx.n_threads = 1 + how;
            if (how == 1) set_both(&t, "bagging_fraction", 0.5);
            if (how == 2) set_both(&t, "feature_fraction", 0.5);
            if (how == 3) set_both(&t, "extra_trees", 1);
            set_both(&t, "rounds", 10);
            expect_same(&t);
            twins_close(&t);
        }
}

/* Rows to watch are walked down trees whose nodes ask for sparse features. */
static void test_sparse_rows_are_watched(void **state) {
    (void)state;
    twins t;
    uint32_t valid[500];
    twins_open(&t, AML_BINARY);
    for (uint32_t i = 0; i < 500; i++) valid[i] = 2500 + i;
    world *both[] = {&t.dense, &t.sparse};
    for (int k = 0; k < 2; k++) {
        both[k]->data.n = 2500;
        both[k]->data.valid = valid;
        both[k]->data.n_valid = 500;
    }
    set_both(&t, "n_estimators", 30);
    void *model[2];
    double *a = fit_predict(&model[0], &t.dense), *b = fit_predict(&model[1], &t.sparse);
    assert_memory_equal(a, b, 2500 * sizeof *a);
    twins_close(&t);
}

/* Sparse features are free where dense ones are bound, and of no group. */
static void test_sparse_beside_bound_features(void **state) {
    (void)state;
    static const int8_t monotone[P] = {1, -1};
    static const uint64_t groups[P] = {1, 1, 2};
    twins t;
    twins_open(&t, AML_REGRESSION);
    t.dense.data.monotone = t.sparse.data.monotone = monotone;
    t.dense.data.groups = t.sparse.data.groups = groups;
    set_both(&t, "rounds", 10);
    expect_same(&t);
    twins_close(&t);
}

static void test_sparse_models_are_files(void **state) {
    (void)state;
    twins t;
    void *model, *loaded;
    aml_writer w = {0};
    twins_open(&t, AML_REGRESSION);
    world *s = &t.sparse;
    set(s, "rounds", 10);
    double *out = fit_predict(&model, s);
    gbdt->save(model, &w);
    assert_int_equal(w.status, AML_OK);
    aml_reader r = {.data = w.data, .size = w.size, .file = "test"};
    assert_int_equal(gbdt->load(&loaded, &r, &s->ctx), AML_OK);
    double *again = AML_ARRAY(s->ctx.keep, N, double);
    assert_int_equal(gbdt->predict(again, loaded, &s->data, &s->ctx), AML_OK);
    assert_memory_equal(out, again, N * sizeof *out);
    s->design.csr = NULL;
    assert_int_equal(gbdt->predict(again, loaded, &s->data, &s->ctx), AML_EDATA);
    aml_writer_free(&w);
    twins_close(&t);
}

/* What each feature adds sums to the score; what sparse ones add is in the last part. */
static void test_sparse_contributions(void **state) {
    (void)state;
    twins t;
    void *model;
    twins_open(&t, AML_REGRESSION);
    world *s = &t.sparse;
    set(s, "rounds", 10);
    double *out = fit_predict(&model, s), apart = 0;
    double *phi = AML_ARRAY(s->ctx.keep, N * (N_DENSE + 1), double), share[N_DENSE];
    assert_int_equal(gbdt->contributions(phi, model, &s->data, &s->ctx), AML_OK);
    for (size_t i = 0; i < N; i++) {
        double sum = 0;
        for (size_t j = 0; j <= N_DENSE; j++) sum += phi[i * (N_DENSE + 1) + j];
        assert_true(fabs(sum - out[i]) < 1e-6 * (1 + fabs(out[i])));
        apart = fmax(apart, fabs(phi[i * (N_DENSE + 1) + N_DENSE] - phi[N_DENSE]));
    }
    assert_true(apart > 1);
    assert_int_equal(gbdt->importance(share, model, N_DENSE), AML_OK);
    twins_close(&t);
}

/* 2000 rows of 50 000 columns, 20 entries a row: a table would take 100 MB in bytes. */
static void test_memory_grows_with_the_entries(void **state) {
    (void)state;
    enum { ROWS = 2000, COLUMNS = 50000, WIDTH = 20 };
    twins t;
    world *s = &t.sparse;
    twins_open(&t, AML_REGRESSION);
    uint64_t *start = AML_ARRAY(s->ctx.keep, N + 1, uint64_t);
    uint32_t *column = AML_ARRAY(s->ctx.keep, N * WIDTH, uint32_t);
    float *value = AML_ARRAY(s->ctx.keep, N * WIDTH, float);
    aml_rng rng = aml_rng_stream(3, AML_RNG_TEST, 0, 0);
    for (size_t i = 0, at = 0; i < N; i++, start[i] = at)
        for (uint32_t k = 0; k < WIDTH; k++) {
            column[at] = k * (COLUMNS / WIDTH) + aml_rng_below(&rng, k ? COLUMNS / WIDTH : 5);
            if (!k) s->y[i] = column[at] == 3 ? 5 : 0;
            value[at++] = 1;
        }
    aml_csr csr = {N, COLUMNS, start, column, value};
    s->design.csr = &csr;
    s->design.p = 0;
    s->data.n = ROWS;
    set(s, "rounds", 30);
    size_t before = s->memory.used;
    void *model;
    double *out = fit_predict(&model, s), worst = 0;
    for (size_t i = 0; i < ROWS; i++) worst = fmax(worst, fabs(out[i] - s->y[i]));
    assert_true(worst < 0.5);
    assert_true(s->memory.peak - before < (size_t)40 << 20);
    twins_close(&t);
}

int main(void) {
    aml_par_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sparse_as_dense),
                                       cmocka_unit_test(test_sparse_rows_are_watched),
                                       cmocka_unit_test(test_sparse_beside_bound_features),
                                       cmocka_unit_test(test_sparse_models_are_files),
                                       cmocka_unit_test(test_sparse_contributions),
                                       cmocka_unit_test(test_memory_grows_with_the_entries)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
