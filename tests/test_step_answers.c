/* test_step_answers.c: steps on dates, missing cells and categories against answers known otherwise. */
#include <time.h>

#include "tests/step_bench.h"

static void test_datetime_agrees_with_gmtime(void **unused) {
    (void)unused;
    double t[N];
    aml_rng r = aml_rng_stream(1, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < N; i++) t[i] = floor(6e10 * (2 * aml_rng_uniform(&r) - 1));
    t[0] = 951782399; /* 2000-02-28T23:59:59, then the leap day, and 1 March */
    t[1] = 951782400;
    t[2] = 951868800;
    t[3] = 1709251200; /* 2024-03-01 */
    t[4] = -1;
    t[5] = NAN;
    bench *b = open_bench(N);
    aml_feature f = {.name = "d", .kind = AML_DATETIME, .time = t};
    run(b, "datetime", NULL, &(aml_table){.n = N, .p = 1, .features = &f});
    for (size_t i = 0; i < N; i++) {
        if (i == 5) continue;
        time_t seconds = (time_t)t[i];
        struct tm c;
        gmtime_r(&seconds, &c);
        assert_int_equal(values(b, "d.year")[i], c.tm_year + 1900);
        assert_int_equal(values(b, "d.month")[i], c.tm_mon + 1);
        assert_int_equal(values(b, "d.day")[i], c.tm_mday);
        assert_int_equal(values(b, "d.weekday")[i], (c.tm_wday + 6) % 7);
        assert_int_equal(values(b, "d.yearday")[i], c.tm_yday + 1);
        assert_int_equal(values(b, "d.hour")[i], c.tm_hour);
        assert_int_equal(values(b, "d.minute")[i], c.tm_hour * 60 + c.tm_min);
        assert_true(values(b, "d.days")[i] == (float)(t[i] / 86400));
    }
    assert_true(isnan(values(b, "d.year")[5]) && isnan(values(b, "d.days")[5]));
    close_bench(b);
}

static void test_datetime_drops_what_is_constant(void **unused) {
    (void)unused;
    double t[N];
    for (size_t i = 0; i < N; i++) t[i] = 86400.0 * (double)(i % 28) + 1609459200.0;
    bench *b = open_bench(N);
    aml_feature f = {.name = "d", .kind = AML_DATETIME, .time = t}; /* January 2021 at midnight */
    run(b, "datetime", "cyclic=true", &(aml_table){.n = N, .p = 1, .features = &f});
    assert_null(column(b, "d.year"));
    assert_null(column(b, "d.month"));
    assert_null(column(b, "d.month_sin"));
    assert_null(column(b, "d.hour"));
    assert_null(column(b, "d.minute"));
    assert_true(column(b, "d.days") && column(b, "d.day") && column(b, "d.yearday"));
    for (size_t i = 0; i < N; i++) {
        double angle = 2 * M_PI * values(b, "d.weekday")[i] / 7;
        assert_close(values(b, "d.weekday_sin")[i], sin(angle), 1e-6);
        assert_close(values(b, "d.weekday_cos")[i], cos(angle), 1e-6);
    }
    run(b, "datetime", NULL, &(aml_table){.n = N, .p = 1, .features = &f});
    assert_null(column(b, "d.weekday_sin"));
    close_bench(b);
}

static void test_missing_flags(void **unused) {
    (void)unused;
    float some[10] = {1, NAN, 3, 4, 5, NAN, 7, 8, 9, 10}, none[10] = {0}, all[10];
    int32_t code[10] = {0, -1, 1, 1, 0, 0, 0, 1, 1, -2};
    for (size_t i = 0; i < 10; i++) all[i] = NAN;
    aml_feature f[] = {numbers("some", some), numbers("none", none), numbers("all", all),
                       codes("code", code, 2, NULL)};
    bench *b = open_bench(10);
    run(b, "missing_flags", "min_share=0.15", &(aml_table){.n = 10, .p = 4, .features = f});
    assert_int_equal(b->out.p, 5);
    for (size_t i = 0; i < 10; i++)
        assert_true(values(b, "some.missing")[i] == (float)(i == 1 || i == 5));
    run(b, "missing_flags", "min_share=0.1", &(aml_table){.n = 10, .p = 4, .features = f});
    assert_int_equal(b->out.p, 6);
    for (size_t i = 0; i < 10; i++) assert_true(values(b, "code.missing")[i] == (float)(i == 1));
    close_bench(b);
}

static void test_impute(void **unused) {
    (void)unused;
    static const char *const levels[] = {"a", "b", "c"};
    float x[6] = {1, NAN, 2, 100, 4, NAN}, full[6] = {1, 2, 3, 4, 5, 6};
    int32_t code[6] = {2, -1, 1, 1, 2, -2};
    aml_feature f[] = {numbers("x", x), codes("c", code, 3, levels), numbers("full", full)};
    aml_table t = {.n = 6, .p = 3, .features = f};
    bench *b = open_bench(6);
    run(b, "impute", "number=median category=most_frequent", &t);
    assert_close(values(b, "x")[1], 3, 0);
    assert_close(values(b, "x")[3], 100, 0);
    assert_ptr_equal(values(b, "full"), full);
    assert_int_equal(column(b, "c")->code[1], 1); /* a tie: the first */
    assert_int_equal(column(b, "c")->code[5], 1);
    assert_int_equal(column(b, "c")->n_levels, 3);
    run(b, "impute", "number=mean category=own_level", &t);
    assert_close(values(b, "x")[5], 107 / 4.0, 1e-6);
    assert_int_equal(column(b, "c")->code[1], 3);
    assert_int_equal(column(b, "c")->code[0], 2);
    assert_int_equal(column(b, "c")->n_levels, 4);
    assert_string_equal(column(b, "c")->levels[3], "missing");
    run(b, "impute", "number=constant constant=-7.5", &t);
    assert_close(values(b, "x")[1], -7.5, 0);
    close_bench(b);
}

static void test_rare(void **unused) {
    (void)unused;
    static const char *const levels[] = {"a", "b", "c", "d", "e"};
    /* a 4, b 1, c 3, d 2, e only after the training rows */
    int32_t code[14] = {0, 0, 0, 0, 1, 2, 2, 2, 3, 3, 4, -1, -2, 1};
    aml_feature f = codes("x", code, 5, levels);
    bench *b = open_bench(10);
    run(b, "rare", "min_count=2 max_levels=2", &(aml_table){.n = 14, .p = 1, .features = &f});
    const int32_t want[14] = {0, 0, 0, 0, 2, 1, 1, 1, 2, 2, 2, -1, 2, 2};
    assert_memory_equal(column(b, "x")->code, want, sizeof want);
    assert_int_equal(column(b, "x")->n_levels, 3);
    assert_string_equal(column(b, "x")->levels[1], "c");
    assert_string_equal(column(b, "x")->levels[2], "other");
    run(b, "rare", "min_count=1 max_levels=100", &(aml_table){.n = 14, .p = 1, .features = &f});
    assert_int_equal(column(b, "x")->n_levels, 4); /* nothing folded: no "other" */
    assert_int_equal(column(b, "x")->code[10], -2);
    assert_int_equal(column(b, "x")->code[12], -2);
    assert_int_equal(column(b, "x")->code[13], 1);
    close_bench(b);
}

static void test_one_hot(void **unused) {
    (void)unused;
    static const char *const levels[] = {"Rome", "Oslo", "Bern", "Riga"};
    int32_t code[9] = {0, 1, 1, 2, 2, 2, -1, -2, 3};
    aml_feature f = codes("city", code, 4, levels);
    bench *b = open_bench(8);
    run(b, "one_hot", NULL, &(aml_table){.n = 9, .p = 1, .features = &f});
    assert_int_equal(b->out.p, 3); /* Riga is not among the training rows */
    for (size_t i = 0; i < 9; i++) {
        assert_true(values(b, "city=Rome")[i] == (float)(code[i] == 0));
        assert_true(values(b, "city=Oslo")[i] == (float)(code[i] == 1));
        assert_true(values(b, "city=Bern")[i] == (float)(code[i] == 2));
    }
    run(b, "one_hot", "max_levels=2", &(aml_table){.n = 9, .p = 1, .features = &f});
    assert_int_equal(b->out.p, 2);
    assert_null(column(b, "city=Rome"));
    close_bench(b);
}

static void test_one_hot_sparse_is_dense(void **unused) {
    (void)unused;
    int32_t code[2][N];
    aml_rng r = aml_rng_stream(2, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < N; i++) {
        code[0][i] = (int32_t)aml_rng_below(&r, 32) - 2;
        code[1][i] = (int32_t)aml_rng_below(&r, 7) - 2;
    }
    uint64_t start[N + 1];
    uint32_t column_of[N];
    float value[N];
    for (size_t i = 0; i < N; i++) start[i] = i, column_of[i] = (uint32_t)i % 4, value[i] = 3;
    start[N] = N;
    aml_csr before = {N, 4, start, column_of, value};
    aml_feature f[] = {codes("a", code[0], 30, NULL), codes("b", code[1], 5, NULL)};
    bench *b = open_bench(N), *d = open_bench(N);
    run(b, "one_hot", "sparse_from=10",
        &(aml_table){.n = N, .p = 2, .features = f, .csr = &before});
    run(d, "one_hot", "sparse_from=1000", &(aml_table){.n = N, .p = 2, .features = f});
    const aml_csr *c = b->out.csr;
    assert_int_equal(b->out.p, 0);
    assert_int_equal(c->p, 4 + d->out.p);
    for (size_t i = 0; i < N; i++) {
        float sum = 0;
        for (size_t j = 0; j < d->out.p; j++) sum += d->out.features[j].x[i];
        assert_int_equal(c->start[i + 1] - c->start[i], 1 + sum);
        assert_int_equal(c->column[c->start[i]], i % 4);
        for (uint64_t e = c->start[i] + 1; e < c->start[i + 1]; e++)
            assert_true(d->out.features[c->column[e] - 4].x[i] == 1 && c->value[e] == 1);
    }
    close_bench(b);
    close_bench(d);
}

static void test_ordinal_and_count(void **unused) {
    (void)unused;
    int32_t code[9] = {0, 1, 1, 2, 2, 2, -1, -2, 3};
    aml_feature f = codes("x", code, 4, NULL);
    bench *b = open_bench(8); /* an unseen level has no count, wherever it is */
    run(b, "ordinal", NULL, &(aml_table){.n = 9, .p = 1, .features = &f});
    const float rank[6] = {2, 1, 1, 0, 0, 0};
    assert_memory_equal(values(b, "x.rank"), rank, sizeof rank);
    for (size_t i = 6; i < 9; i++) assert_true(isnan(values(b, "x.rank")[i]));
    run(b, "count_encode", NULL, &(aml_table){.n = 9, .p = 1, .features = &f});
    const double count[9] = {1, 2, 2, 3, 3, 3, 1, 0, 0};
    for (size_t i = 0; i < 9; i++) assert_close(values(b, "x.count")[i], log1p(count[i]), 1e-6);
    close_bench(b);
}

static void test_target_encode(void **unused) {
    (void)unused;
    int32_t code[8] = {0, 0, 0, 1, 1, -1, -2, 2};
    double y[8] = {1, 2, 6, 10, 20, 3, 0, 0}, w[8] = {1, 1, 2, 1, 1, 4, 9, 9};
    aml_feature f = codes("x", code, 3, NULL);
    aml_table t = {.n = 8, .p = 1, .features = &f};
    bench *b = open_bench(6);
    b->target.y = y;
    b->target.w = w;
    run(b, "target_encode", "smoothing=10 min_levels=2", &t);
    double prior = (1 + 2 + 12 + 10 + 20 + 12) / 10.0;
    assert_close(values(b, "x.target")[0], (15 + 10 * prior) / 14, 1e-6);
    assert_close(values(b, "x.target")[3], (30 + 10 * prior) / 12, 1e-6);
    assert_close(values(b, "x.target")[5], (12 + 10 * prior) / 14, 1e-6);
    assert_close(values(b, "x.target")[6], prior, 1e-6);
    assert_close(values(b, "x.target")[7], prior, 1e-6);
    run(b, "target_encode", "min_levels=4", &t);
    assert_int_equal(b->out.features[0].kind, AML_CATEGORY);
    run(b, "target_encode", "min_levels=2 keep_original=true", &t);
    assert_int_equal(b->out.p, 2);
    close_bench(b);
}

/* Shares of classes add up to 1, and on pure noise cross-fitted codes of single rows are priors. */
static void test_target_encode_classes(void **unused) {
    (void)unused;
    int32_t code[N];
    double y[N];
    aml_rng r = aml_rng_stream(3, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < N; i++) {
        code[i] = (int32_t)i;
        y[i] = (double)aml_rng_below(&r, 4);
    }
    aml_feature f = codes("x", code, N, NULL);
    aml_table t = {.n = N, .p = 1, .features = &f};
    bench *b = open_bench(N);
    b->target.y = y;
    b->target.task = AML_MULTICLASS;
    b->target.n_classes = 4;
    run(b, "target_encode", "smoothing=1", &t);
    assert_int_equal(b->out.p, 4);
    for (size_t i = 0; i < N; i++) {
        double sum = 0;
        for (size_t k = 0; k < 4; k++) sum += b->out.features[k].x[i];
        assert_close(sum, 1, 1e-6);
        assert_true(b->out.features[(size_t)y[i]].x[i] > 0.5); /* its own target leaks here … */
    }
    run(b, "target_encode", "smoothing=1 training", &t);
    for (size_t i = 0; i < N; i++) /* … and not here */
        for (size_t k = 0; k < 4; k++) assert_close(b->out.features[k].x[i], 0.25, 0.06);
    close_bench(b);
}

/* A weight of 2 is the row twice. */
static void test_target_encode_weights(void **unused) {
    (void)unused;
    int32_t code[N];
    double y[N], w[N];
    aml_rng r = aml_rng_stream(8, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < N; i++) {
        code[i] = (int32_t)aml_rng_below(&r, 20);
        y[i] = aml_rng_normal(&r);
        w[i] = i < N / 4 ? 2 : 1;
    }
    aml_feature f = codes("x", code, 20, NULL);
    aml_table t = {.n = N, .p = 1, .features = &f};
    bench *b = open_bench(N / 2), *twice = open_bench(N / 2 + N / 4);
    for (uint32_t i = 0; i < N / 4; i++) twice->rows[N / 2 + i] = i;
    b->target.y = twice->target.y = y;
    b->target.w = w;
    run(b, "target_encode", NULL, &t);
    run(twice, "target_encode", NULL, &t);
    for (size_t i = 0; i < N; i++)
        assert_close(values(b, "x.target")[i], values(twice, "x.target")[i], 1e-6);
    close_bench(b);
    close_bench(twice);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_datetime_agrees_with_gmtime),
        cmocka_unit_test(test_datetime_drops_what_is_constant),
        cmocka_unit_test(test_missing_flags),
        cmocka_unit_test(test_impute),
        cmocka_unit_test(test_rare),
        cmocka_unit_test(test_one_hot),
        cmocka_unit_test(test_one_hot_sparse_is_dense),
        cmocka_unit_test(test_ordinal_and_count),
        cmocka_unit_test(test_target_encode),
        cmocka_unit_test(test_target_encode_classes),
        cmocka_unit_test(test_target_encode_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
