/* test_step_crosses.c: known answers of the steps that make columns of several, and of those beside them. */
#include "tests/step_bench.h"

static const char *const ab[] = {"a", "b"}, *const xy[] = {"x", "y"};

static void with_target(bench *b, const double *y, aml_task_kind task, int n_classes) {
    b->target.y = y;
    b->target.task = task;
    b->target.n_classes = n_classes;
}

/* The one column that says it all is the first that is chosen. */
static void test_arithmetic_finds(void **unused) {
    static const char *const names[] = {"p*q", "p/q", "p+q", "p-q"};
    static float p[N], q[N], noise[N];
    static double y[N];
    (void)unused;
    draw(p, N, 1), draw(q, N, 2), draw(noise, N, 3);
    for (size_t i = 0; i < N; i++) p[i] = expf(p[i]), q[i] = expf(q[i]);
    const aml_feature f[] = {numbers("p", p), numbers("noise", noise), numbers("q", q)};
    const aml_table t = {.n = N, .p = 3, .features = f};
    for (int k = 0; k < 4; k++) {
        bench *b = open_bench(N);
        for (size_t i = 0; i < N; i++) {
            double v = k == 0   ? p[i] * q[i]
                       : k == 1 ? p[i] / q[i]
                       : k == 2 ? p[i] + q[i]
                                : p[i] - q[i];
            y[i] = v > (k < 2 ? 1 : k == 2 ? 2.5 : 0);
        }
        with_target(b, y, AML_BINARY, 2);
        run(b, "arithmetic", NULL, &t);
        assert_true(b->out.p > 3);
        /* a ratio and a difference, or their signs, cut the plane alike: any of the two may be first */
        if (k == 0 || k == 2) assert_string_equal(b->out.features[3].name, names[k]);
        const float *first = b->out.features[3].x;
        for (size_t i = 0; k == 0 && i < N; i++)
            assert_true(first[i] == (float)((double)p[i] * q[i]));
        for (size_t j = 0; j < 3; j++) assert_memory_equal(&b->out.features[j], &f[j], sizeof f[j]);
        close_bench(b);
    }
}

static void test_arithmetic_leaves_chance(void **unused) {
    static float x[6][N];
    static double y[N];
    aml_feature f[6];
    aml_rng r = aml_rng_stream(9, AML_RNG_TEST, 0, 0);
    bench *b = open_bench(N);
    (void)unused;
    for (size_t i = 0; i < N; i++) y[i] = aml_rng_normal(&r);
    for (size_t j = 0; j < 6; j++) draw(x[j], N, 20 + j), f[j] = numbers("x", x[j]);
    with_target(b, y, AML_REGRESSION, 0);
    run(b, "arithmetic", NULL, &(aml_table){.n = N, .p = 6, .features = f});
    assert_int_equal(b->out.p, 6);
    close_bench(b);
}

/* Division by zero is missing, what is too large stays finite. */
static void test_arithmetic_extremes(void **unused) {
    static float p[N], q[N];
    static double y[N];
    bench *b = open_bench(N);
    (void)unused;
    draw(p, N, 4), draw(q, N, 5);
    for (size_t i = 0; i < N; i++) y[i] = (p[i] > 0) != (q[i] > 0);
    p[0] = 3e38f, q[0] = 3e38f, p[1] = 1, q[1] = 0, p[2] = NAN, q[2] = 1;
    const aml_feature f[] = {numbers("p", p), numbers("q", q)};
    with_target(b, y, AML_BINARY, 2);
    run(b, "arithmetic", "max_new=64 errors=0", &(aml_table){.n = N, .p = 2, .features = f});
    assert_non_null(column(b, "p*q"));
    for (size_t j = 2; j < b->out.p; j++) {
        for (size_t i = 0; i < N; i++) assert_false(isinf(b->out.features[j].x[i]));
        assert_true(isnan(b->out.features[j].x[2]));
    }
    if (column(b, "p/q")) assert_true(isnan(values(b, "p/q")[1]));
    close_bench(b);
}

/* Exclusive or: neither category says anything, the pair says all. */
static void test_cross(void **unused) {
    static int32_t u[N], v[N];
    static double y[N];
    aml_rng r = aml_rng_stream(6, AML_RNG_TEST, 0, 0);
    bench *b = open_bench(N - 2);
    (void)unused;
    for (size_t i = 0; i < N; i++) {
        u[i] = (int32_t)aml_rng_below(&r, 2);
        v[i] = (int32_t)aml_rng_below(&r, 2);
        y[i] = u[i] != v[i];
    }
    u[N - 1] = -2; /* not trained on */
    v[N - 2] = -1;
    const aml_feature f[] = {codes("u", u, 2, ab), codes("v", v, 2, xy)};
    with_target(b, y, AML_BINARY, 2);
    run(b, "cross", NULL, &(aml_table){.n = N, .p = 2, .features = f});
    const aml_feature *c = column(b, "u&v");
    assert_non_null(c);
    assert_int_equal(c->n_levels, 4);
    assert_int_equal(c->source, 0); /* both columns have source 0 here */
    assert_string_equal(c->levels[1], "a&y");
    for (size_t i = 0; i < N - 2; i++) assert_int_equal(c->code[i], 2 * u[i] + v[i]);
    assert_int_equal(c->code[N - 1], -2);
    assert_int_equal(c->code[N - 2], -2);
    close_bench(b);
}

/* The target hangs on how a number compares with its group. */
static void test_group_by(void **unused) {
    static int32_t g[N];
    static float x[N];
    static double y[N];
    double sum[4] = {0}, count[4] = {0}, all = 0;
    bench *b = open_bench(N);
    (void)unused;
    draw(x, N, 7);
    for (size_t i = 0; i < N; i++) {
        g[i] = (int32_t)(i % 4);
        y[i] = x[i] > 0;
        x[i] += 20 * (float)(g[i] % 3 + 1);
        sum[g[i]] += x[i], count[g[i]]++, all += x[i] / N;
    }
    aml_feature f[] = {numbers("x", x), codes("g", g, 4, NULL)};
    f[1].source = 1;
    with_target(b, y, AML_BINARY, 2);
    run(b, "group_by", "errors=0 max_new=64", &(aml_table){.n = N, .p = 2, .features = f});
    assert_true(b->out.p > 2);
    const aml_feature *first = &b->out.features[2];
    assert_int_equal(first->source, UINT32_MAX);
    assert_int_equal(first->parents[0], 1);
    assert_int_equal(first->parents[1], 2);
    size_t right = 0;
    const float *rank = column(b, "x.rank(g)") ? values(b, "x.rank(g)") : NULL;
    const float *difference = column(b, "x.difference(g)") ? values(b, "x.difference(g)") : NULL;
    assert_true(rank || difference);
    for (size_t i = 0; i < N; i++) {
        double mean = (sum[g[i]] + 5 * all) / (count[g[i]] + 5);
        if (difference) assert_close(difference[i], x[i] - mean, 1e-4);
        if (rank) right += (rank[i] > 0.5f) == (y[i] == 1);
    }
    if (rank) assert_true(right > 0.93 * N);
    close_bench(b);
}

static void test_few_valued(void **unused) {
    static const float x[] = {3, 1, 3, NAN, 2, 7}, many[] = {1, 2, 3, 4, 5, 6};
    static const int32_t expected[] = {2, 0, 2, -1, 1, -2};
    const aml_feature f[] = {numbers("x", x), numbers("many", many)};
    bench *b = open_bench(5);
    (void)unused;
    run(b, "few_valued", "max_values=3", &(aml_table){.n = 6, .p = 2, .features = f});
    assert_int_equal(b->out.p, 3);
    const aml_feature *c = column(b, "x.level");
    assert_non_null(c);
    assert_int_equal(c->n_levels, 3);
    assert_string_equal(c->levels[2], "3");
    assert_memory_equal(c->code, expected, sizeof expected);
    close_bench(b);
    b = open_bench(5);
    run(b, "few_valued", "max_values=3 keep_original=false",
        &(aml_table){.n = 6, .p = 2, .features = f});
    assert_int_equal(b->out.p, 2);
    assert_null(column(b, "x"));
    close_bench(b);
}

static void test_missing_pattern(void **unused) {
    static const float x[] = {1, NAN, NAN, 1, NAN, 1}, y[] = {1, NAN, 1, 1, NAN, NAN};
    const aml_feature f[] = {numbers("x", x), numbers("y", y)};
    bench *b = open_bench(5);
    (void)unused;
    run(b, "missing_pattern", NULL, &(aml_table){.n = 6, .p = 2, .features = f});
    const float *count = values(b, "missing.count");
    const aml_feature *pattern = column(b, "missing.pattern");
    static const float counts[] = {0, 2, 1, 0, 2, 1};
    assert_memory_equal(count, counts, sizeof counts);
    assert_int_equal(pattern->n_levels, 3);
    assert_int_equal(pattern->code[0], pattern->code[3]);
    assert_int_equal(pattern->code[1], pattern->code[4]);
    assert_true(pattern->code[0] != pattern->code[1] && pattern->code[2] >= 0);
    assert_int_equal(pattern->code[5], -2); /* y alone was never missing in training */
    close_bench(b);
}

/* Equal levels share a column, and the number of columns is what was asked for. */
static void test_hash_one_hot(void **unused) {
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    static const int32_t code[] = {0, 1, 2, 3, 4, 5, 0, -1, -2};
    const aml_feature f = codes("city", code, 6, names);
    bench *b = open_bench(9);
    (void)unused;
    run(b, "hash_one_hot", "bits=3 min_levels=1", &(aml_table){.n = 9, .p = 1, .features = &f});
    const aml_csr *c = b->out.csr;
    assert_int_equal(b->out.p, 0);
    assert_int_equal(c->p, 8);
    assert_int_equal(c->start[9], 7);
    assert_int_equal(c->column[0], c->column[6]);
    assert_int_equal(b->out.n_blocks, 1);
    assert_string_equal(b->out.blocks[0].prefix, "city~");
    close_bench(b);
}

/* Weight of evidence: the log odds of a level less those of all rows. */
static void test_log_odds(void **unused) {
    static const int32_t code[] = {0, 0, 0, 0, 1, 1, 1, 1};
    static const double y[] = {1, 1, 1, 0, 0, 0, 1, 0};
    const aml_feature f = codes("c", code, 2, ab);
    bench *b = open_bench(8);
    (void)unused;
    with_target(b, y, AML_BINARY, 2);
    run(b, "target_encode", "value=log_odds smoothing=4 min_levels=2",
        &(aml_table){.n = 8, .p = 1, .features = &f});
    double p = (3 + 4 * 0.5) / (4 + 4);
    assert_close(values(b, "c.target")[0], log(p / (1 - p)), 1e-6);
    assert_close(values(b, "c.target")[4], -log(p / (1 - p)), 1e-6);
    close_bench(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arithmetic_finds),
        cmocka_unit_test(test_arithmetic_leaves_chance),
        cmocka_unit_test(test_arithmetic_extremes),
        cmocka_unit_test(test_cross),
        cmocka_unit_test(test_group_by),
        cmocka_unit_test(test_few_valued),
        cmocka_unit_test(test_missing_pattern),
        cmocka_unit_test(test_hash_one_hot),
        cmocka_unit_test(test_log_odds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
