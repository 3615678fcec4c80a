/* test_neighbours.c: the k nearest rows, found by a search of all rows and by a tree. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "learners/parts/neighbours_tree.h"

/* ---- a table of rows */

typedef struct table {
    aml_arena *keep, *scratch;
    aml_ctx ctx;
    aml_design design;
    aml_data data;
    float *dense;
} table;

/* `values` different numbers a feature (0: as many as floats), moved by `offset`. */
static void table_open(table *t, size_t n, size_t p, uint32_t values, float offset, uint64_t seed) {
    *t = (table){.keep = aml_arena_new(NULL), .scratch = aml_arena_new(NULL)};
    t->ctx = (aml_ctx){.keep = t->keep, .scratch = t->scratch, .n_threads = 1};
    aml_rng rng = aml_rng_stream(seed, AML_RNG_TEST, 0, 0);
    t->dense = AML_ARRAY(t->keep, n * p, float);
    uint32_t *rows = AML_ARRAY(t->keep, n, uint32_t);
    for (size_t i = 0; i < n; i++) rows[i] = (uint32_t)i;
    for (size_t i = 0; i < n * p; i++)
        t->dense[i] =
            offset + (values ? (float)aml_rng_below(&rng, values) : (float)aml_rng_normal(&rng));
    t->design = (aml_design){.n = n, .p = p, .dense = t->dense};
    t->data = (aml_data){.x = &t->design, .rows = rows, .n = n};
}

static void table_close(table *t) {
    aml_arena_free(t->keep);
    aml_arena_free(t->scratch);
}

/* ---- what is found */

typedef struct found {
    size_t k;
    uint32_t *row;
    float *distance;
} found;

static void note(void *arg, size_t query, const uint32_t *row, const float *distance, size_t k) {
    found *f = arg;
    assert_int_equal(k, f->k);
    memcpy(f->row + query * k, row, k * sizeof *row);
    memcpy(f->distance + query * k, distance, k * sizeof *distance);
}

static found find(table *t, const aml_neighbours *m, size_t k, const aml_data *x, int n_threads) {
    found f = {.k = k};
    f.row = AML_ARRAY(t->keep, x->n * k, uint32_t);
    f.distance = AML_ARRAY(t->keep, x->n * k, float);
    t->ctx.n_threads = n_threads;
    assert_int_equal(aml_neighbours_find(m, k, x, note, &f, &t->ctx), AML_OK);
    return f;
}

static double exact(const table *t, size_t a, const table *u, size_t b) {
    double sum = 0;
    for (size_t j = 0; j < t->design.p; j++) {
        double d = (double)t->dense[a * t->design.p + j] - (double)u->dense[b * t->design.p + j];
        sum += d * d;
    }
    return sum;
}

/* Each distance is that of its row, they go upwards with ties by row, and no row that was left out is nearer. */
static void check(const found *f, const table *t, const table *queries, double slack) {
    size_t n = t->design.n, p = t->design.p;
    bool *in = calloc(n, sizeof *in);
    for (size_t q = 0; q < queries->design.n; q++) {
        const uint32_t *row = f->row + q * f->k;
        const float *distance = f->distance + q * f->k;
        double last = (double)distance[f->k - 1], scale = slack * ((double)p + 4) * 0x1p-23;
        memset(in, 0, n * sizeof *in);
        for (size_t i = 0; i < f->k; i++) {
            double d = exact(t, row[i], queries, q);
            assert_true(row[i] < n && !in[row[i]]);
            in[row[i]] = true;
            assert_true(fabs(d - (double)distance[i]) <= scale * d);
            if (i) assert_true(distance[i] >= distance[i - 1]);
            if (i && distance[i] == distance[i - 1]) assert_true(row[i] > row[i - 1]);
        }
        for (size_t i = 0; i < n; i++) {
            double d = exact(t, i, queries, q);
            if (!in[i]) assert_true(d >= last * (1 - 2 * scale));
            if (!in[i] && !slack && d == last) assert_true(i > row[f->k - 1]);
        }
    }
    free(in);
}

/* ---- tests */

static const struct {
    size_t n, p, k;
    uint32_t values; /* few: many rows are equal, and distances exact */
    float offset;
} cases[] = {
    {1, 3, 1, 0, 0},       {15, 1, 15, 0, 0},      {16, 5, 3, 0, 0},      {17, 4, 17, 2, 0},
    {33, 7, 5, 0, 0},      {700, 2, 10, 0, 0},     {700, 2, 10, 4, 0},    {3000, 3, 7, 0, 0},
    {3000, 3, 20, 9, 0},   {900, 30, 10, 0, 0},    {900, 33, 10, 2, 0},   {900, 50, 100, 0, 0},
    {500, 13, 9, 0, 1e4},  {5000, 1, 5, 100, 0},   {2500, 6, 4, 0, -300}, {9001, 13, 6, 0, 0},
    {8000, 22, 5, 4, 0},   {7019, 8, 7, 0, 1e3},   {4701, 14, 24, 0, 0},  {5000, 20, 40, 3, 0},
    {6000, 16, 100, 2, 0}, {3000, 18, 60, 0, 1e3}, {2000, 30, 100, 1, 5},
};

static void test_nearest_rows_are_those_of_a_search_in_double(void **state) {
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        table t, queries;
        aml_neighbours m;
        table_open(&t, cases[c].n, cases[c].p, cases[c].values, cases[c].offset, c);
        table_open(&queries, 101, cases[c].p, cases[c].values, cases[c].offset, 100 + c);
        assert_int_equal(aml_neighbours_build(&m, &t.data, cases[c].k, &t.ctx), AML_OK);
        found f = find(&t, &m, cases[c].k, &queries.data, 1);
        check(&f, &t, &queries, cases[c].values ? 0 : 1);
        table_close(&t);
        table_close(&queries);
    }
}

/* The same rows at the same distances, to the last bit. */
static void test_tree_finds_what_a_search_of_all_finds(void **state) {
    (void)state;
    size_t trees = 0;
    for (size_t c = 0; c < 6; c++) {
        size_t p = 1 + c % 3, k = c % 2 ? 12 : 3;
        table t, queries;
        aml_neighbours m;
        table_open(&t, 60000 + 7 * c, p, c < 4 ? 0 : 3000, 0, 30 + c);
        table_open(&queries, 300, p, c < 4 ? 0 : 3000, 0, 60 + c);
        assert_int_equal(aml_neighbours_build(&m, &t.data, k, &t.ctx), AML_OK);
        if (m.tree) {
            trees++;
            found a = find(&t, &m, k, &queries.data, 1);
            m.tree = NULL;
            found b = find(&t, &m, k, &queries.data, 1);
            assert_memory_equal(a.row, b.row, 300 * k * sizeof *a.row);
            assert_memory_equal(a.distance, b.distance, 300 * k * sizeof *a.distance);
        }
        table_close(&t);
        table_close(&queries);
    }
    assert_true(trees >= 4);
}

/* Bytes, too, with values far out in some rows, in some features, or in queries alone. */
static void test_bytes_find_what_floats_find(void **state) {
    (void)state;
    enum { N = 12003, Q = 150, K = 9 };
    for (size_t c = 0; c < 6; c++) {
        size_t p = 5 + 7 * c;
        table t, queries;
        aml_neighbours m;
        table_open(&t, N, p, c == 3 ? 5 : 0, c == 4 ? 50 : 0, 90 + c);
        table_open(&queries, Q, p, c == 3 ? 5 : 0, c == 4 ? 50 : 0, 190 + c);
        for (size_t i = 0; i < N && c == 1; i += 97) t.dense[i * p + i % p] *= 1e3f;
        for (size_t i = 0; i < N && c == 2; i++) t.dense[i * p + 1] *= 1e-20f, t.dense[i * p] *= 90;
        for (size_t i = 0; i < Q && c == 5; i++) queries.dense[i * p + i % p] *= 1e12f;
        assert_int_equal(aml_neighbours_build(&m, &t.data, K, &t.ctx), AML_OK);
        assert_null(m.tree);
        assert_int_equal(m.coarse != NULL, aml_neighbour_kernels_best()->coarse != NULL);
        found a = find(&t, &m, K, &queries.data, 1);
        m.coarse = NULL;
        found b = find(&t, &m, K, &queries.data, 1);
        assert_memory_equal(a.row, b.row, Q * K * sizeof *a.row);
        assert_memory_equal(a.distance, b.distance, Q * K * sizeof *a.distance);
        table_close(&t);
        table_close(&queries);
    }
}

static void test_neither_batch_nor_threads_matter(void **state) {
    (void)state;
    enum { N = 500, K = 8 };
    for (size_t p = 2; p <= 40; p += 19) {
        table t;
        aml_neighbours m;
        table_open(&t, 2000, p, 0, 0, p);
        assert_int_equal(aml_neighbours_build(&m, &t.data, K, &t.ctx), AML_OK);
        aml_data x = t.data;
        x.n = N;
        found all = find(&t, &m, K, &x, 1), more = find(&t, &m, K, &x, 3);
        assert_memory_equal(all.row, more.row, N * K * sizeof *all.row);
        assert_memory_equal(all.distance, more.distance, N * K * sizeof *all.distance);
        for (size_t i = 0; i < N; i += 37) {
            aml_data one = t.data;
            one.rows += i;
            one.n = 1;
            found alone = find(&t, &m, K, &one, 1);
            assert_memory_equal(alone.row, all.row + i * K, K * sizeof *alone.row);
            assert_memory_equal(alone.distance, all.distance + i * K, K * sizeof *all.distance);
            assert_int_equal(alone.row[0], i); /* itself, at 0 */
            assert_true(alone.distance[0] == 0);
        }
        table_close(&t);
    }
}

/* Values at the limits: products overflow nowhere, and equal rows are still found at 0. */
static void test_huge_values(void **state) {
    (void)state;
    table t;
    aml_neighbours m;
    table_open(&t, 200, 6, 0, 0, 5);
    for (size_t i = 0; i < 200 * 6; i++) t.dense[i] *= i % 7 ? 1e-20f : 1e30f;
    assert_int_equal(aml_neighbours_build(&m, &t.data, 2, &t.ctx), AML_OK);
    found f = find(&t, &m, 2, &t.data, 1);
    for (size_t i = 0; i < 200; i++) {
        assert_true(f.distance[2 * i] == 0);
        assert_true(isfinite(f.distance[2 * i + 1]) && f.row[2 * i + 1] < 200);
    }
    table_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nearest_rows_are_those_of_a_search_in_double),
        cmocka_unit_test(test_tree_finds_what_a_search_of_all_finds),
        cmocka_unit_test(test_bytes_find_what_floats_find),
        cmocka_unit_test(test_neither_batch_nor_threads_matter),
        cmocka_unit_test(test_huge_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
