/* test_step_answers.c: each featurization step against answers known otherwise. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "automl/core/linalg.h"
#include "automl/core/sort.h"
#include "automl/core/special.h"
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

static bench *open_bench(size_t n_rows) {
    aml_arena *arena = aml_arena_new(NULL);
    bench *b = AML_NEW(arena, bench);
    assert_non_null(b);
    b->arena = arena;
    b->ctx = (aml_ctx){.keep = arena, .scratch = arena, .n_threads = 1,
                       .rng = aml_rng_stream(1, AML_RNG_STEP, 0, 0)};
    for (uint32_t i = 0; i < n_rows; i++) b->rows[i] = i;
    b->target = (aml_data){.rows = b->rows, .n = n_rows, .task = AML_REGRESSION};
    return b;
}

static void close_bench(bench *b) { aml_arena_free(b->arena); }

/* Fits step `name` with defaults but for the settings "name=value …" and applies it to x. */
static void run(bench *b, const char *name, const char *settings, const aml_table *x) {
    const aml_step *s = aml_step_find(name);
    double hp[16];
    assert_non_null(s);
    size_t n = s->params ? aml_params_count(s->params) : 0;
    for (size_t k = 0; k < n; k++) {
        char key[64];
        const aml_param *p = &s->params[k];
        hp[k] = p->fallback;
        snprintf(key, sizeof key, "%s=", p->name);
        const char *at = settings ? strstr(settings, key) : NULL;
        if (!at) continue;
        char value[64] = {0};
        memcpy(value, at + strlen(key), strcspn(at + strlen(key), " "));
        assert_int_equal(aml_param_read(&hp[k], p, value), AML_OK);
    }
    assert_int_equal(s->fit(&b->state, x, &b->target, hp, &b->ctx), AML_OK);
    if (s->fit_apply && b->target.y && settings && strstr(settings, "training"))
        assert_int_equal(s->fit_apply(&b->out, &b->state, x, &b->target, hp, &b->ctx), AML_OK);
    else
        assert_int_equal(s->apply(&b->out, b->state, x, &b->ctx), AML_OK);
}

static const aml_feature *column(const bench *b, const char *name) {
    for (size_t j = 0; j < b->out.p; j++)
        if (!strcmp(b->out.features[j].name, name)) return &b->out.features[j];
    return NULL;
}

static const float *values(const bench *b, const char *name) {
    const aml_feature *f = column(b, name);
    if (!f) fail_msg("no column %s", name);
    assert_int_equal(f->kind, AML_NUMBER);
    return f->x;
}

static aml_feature numbers(const char *name, const float *x) {
    return (aml_feature){.name = name, .kind = AML_NUMBER, .x = x};
}

static aml_feature codes(const char *name, const int32_t *code, uint32_t n_levels,
                         const char *const *levels) {
    return (aml_feature){
        .name = name, .kind = AML_CATEGORY, .code = code, .n_levels = n_levels, .levels = levels};
}

static void draw(float *x, size_t n, uint64_t seed) {
    aml_rng r = aml_rng_stream(seed, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < n; i++) x[i] = (float)aml_rng_normal(&r);
}

static void assert_close(double a, double b, double tolerance) {
    if (!(fabs(a - b) <= tolerance)) fail_msg("%.9g is not within %g of %.9g", a, tolerance, b);
}

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
    run(b, "datetime", NULL, &(aml_table){N, 1, &f, NULL});
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
    run(b, "datetime", "cycles=both", &(aml_table){N, 1, &f, NULL});
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
    run(b, "datetime", "cycles=cycles", &(aml_table){N, 1, &f, NULL});
    assert_null(column(b, "d.weekday"));
    assert_true(column(b, "d.weekday_cos") && column(b, "d.days"));
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
    run(b, "missing_flags", "min_share=0.15", &(aml_table){10, 4, f, NULL});
    assert_int_equal(b->out.p, 5);
    for (size_t i = 0; i < 10; i++)
        assert_true(values(b, "some.missing")[i] == (float)(i == 1 || i == 5));
    run(b, "missing_flags", "min_share=0.1", &(aml_table){10, 4, f, NULL});
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
    aml_table t = {6, 3, f, NULL};
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
    run(b, "rare", "min_count=2 max_levels=2", &(aml_table){14, 1, &f, NULL});
    const int32_t want[14] = {0, 0, 0, 0, 2, 1, 1, 1, 2, 2, 2, -1, 2, 2};
    assert_memory_equal(column(b, "x")->code, want, sizeof want);
    assert_int_equal(column(b, "x")->n_levels, 3);
    assert_string_equal(column(b, "x")->levels[1], "c");
    assert_string_equal(column(b, "x")->levels[2], "other");
    run(b, "rare", "min_count=1 max_levels=100", &(aml_table){14, 1, &f, NULL});
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
    run(b, "one_hot", NULL, &(aml_table){9, 1, &f, NULL});
    assert_int_equal(b->out.p, 3); /* Riga is not among the training rows */
    for (size_t i = 0; i < 9; i++) {
        assert_true(values(b, "city=Rome")[i] == (float)(code[i] == 0));
        assert_true(values(b, "city=Oslo")[i] == (float)(code[i] == 1));
        assert_true(values(b, "city=Bern")[i] == (float)(code[i] == 2));
    }
    run(b, "one_hot", "max_levels=2", &(aml_table){9, 1, &f, NULL});
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
    run(b, "one_hot", "sparse_from=10", &(aml_table){N, 2, f, &before});
    run(d, "one_hot", "sparse_from=1000", &(aml_table){N, 2, f, NULL});
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
    bench *b = open_bench(7);
    run(b, "ordinal", NULL, &(aml_table){9, 1, &f, NULL});
    const float rank[6] = {2, 1, 1, 0, 0, 0};
    assert_memory_equal(values(b, "x.rank"), rank, sizeof rank);
    for (size_t i = 6; i < 9; i++) assert_true(isnan(values(b, "x.rank")[i]));
    run(b, "count_encode", NULL, &(aml_table){9, 1, &f, NULL});
    const double count[9] = {1, 2, 2, 3, 3, 3, 1, 0, 0};
    for (size_t i = 0; i < 9; i++) assert_close(values(b, "x.count")[i], log1p(count[i]), 1e-6);
    close_bench(b);
}

static void test_target_encode(void **unused) {
    (void)unused;
    int32_t code[8] = {0, 0, 0, 1, 1, -1, -2, 2};
    double y[8] = {1, 2, 6, 10, 20, 3, 0, 0}, w[8] = {1, 1, 2, 1, 1, 4, 9, 9};
    aml_feature f = codes("x", code, 3, NULL);
    aml_table t = {8, 1, &f, NULL};
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
    run(b, "target_encode", "min_levels=2 keep_original=yes", &t);
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
    aml_table t = {N, 1, &f, NULL};
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

static double mean_of(const float *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    return sum / (double)n;
}

static double sd_of(const float *x, size_t n) {
    double sum = 0, m = mean_of(x, n);
    for (size_t i = 0; i < n; i++) sum += (x[i] - m) * (x[i] - m);
    return sqrt(sum / (double)n);
}

static void test_scale_standard_and_minmax(void **unused) {
    (void)unused;
    float x[N], huge[N], same[N];
    draw(x, N, 1);
    for (size_t i = 0; i < N; i++) {
        huge[i] = 1e38f * x[i] / 2;
        x[i] = 1e6f + x[i];
        same[i] = 0.1f;
    }
    aml_feature f[] = {numbers("x", x), numbers("huge", huge), numbers("same", same)};
    aml_table t = {N, 3, f, NULL};
    bench *b = open_bench(N);
    run(b, "scale", NULL, &t);
    assert_int_equal(b->out.p, 2);
    for (size_t j = 0; j < 2; j++) {
        assert_close(mean_of(b->out.features[j].x, N), 0, 1e-5);
        assert_close(sd_of(b->out.features[j].x, N), 1, 1e-5);
    }
    x[7] = 3e38f; /* not a training row any more */
    b->rows[7] = 8;
    run(b, "scale", NULL, &t);
    assert_true(values(b, "x")[7] == 10);
    run(b, "scale", "method=minmax", &t);
    float lo = 1, hi = 0;
    for (size_t i = 0; i < N; i++) {
        if (i == 7) continue;
        lo = fminf(lo, values(b, "x")[i]);
        hi = fmaxf(hi, values(b, "x")[i]);
    }
    assert_true(lo == 0 && hi == 1);
    close_bench(b);
}

static void test_scale_robust(void **unused) {
    (void)unused;
    float x[101], y[101], zeros[101] = {0};
    for (size_t i = 0; i < 101; i++) x[i] = (float)i;
    memcpy(y, x, sizeof x);
    y[100] = 1e30f; /* one wild value changes nothing */
    for (size_t i = 0; i < 5; i++) zeros[3 * i] = 5;
    aml_feature f[] = {numbers("x", x), numbers("y", y), numbers("zeros", zeros)};
    bench *b = open_bench(101);
    run(b, "scale", "method=robust", &(aml_table){101, 3, f, NULL});
    for (size_t i = 0; i < 100; i++) {
        assert_close(values(b, "x")[i], ((double)i - 50) / (50 / 1.349), 1e-6);
        assert_true(values(b, "x")[i] == values(b, "y")[i]);
    }
    assert_true(values(b, "y")[100] == 10);
    assert_close(sd_of(values(b, "zeros"), 101), 1, 1e-4);
    close_bench(b);
}

static void test_scale_quantile_normal(void **unused) {
    (void)unused;
    float x[N], ties[N];
    draw(x, N, 2);
    for (size_t i = 0; i < N; i++) {
        x[i] = expf(3 * x[i]);
        ties[i] = i < 300 ? 0 : x[i];
    }
    aml_feature f[] = {numbers("x", x), numbers("ties", ties)};
    bench *b = open_bench(N);
    run(b, "scale", "method=quantile_normal", &(aml_table){N, 2, f, NULL});
    const float *z = values(b, "x");
    uint32_t order[N];
    assert_int_equal(aml_argsort_f32(order, x, N), AML_OK);
    for (size_t i = 0; i < N; i++) /* ranks to normal scores, whatever the values were */
        assert_close(z[order[i]], aml_normal_quantile(((double)i + 0.5) / N), 1e-5);
    for (size_t i = 1; i < N; i++) assert_true(z[order[i]] >= z[order[i - 1]]);
    assert_close(values(b, "ties")[0], aml_normal_quantile(0.3), 0.01);
    close_bench(b);
}

static void test_scale_yeo_johnson(void **unused) {
    (void)unused;
    float x[N], z[N];
    draw(z, N, 3);
    for (size_t i = 0; i < N; i++) x[i] = expf(2 + 0.5f * z[i]) - 1; /* lambda 0 makes it normal */
    aml_feature f = numbers("x", x);
    bench *b = open_bench(N);
    run(b, "scale", "method=yeo_johnson", &(aml_table){N, 1, &f, NULL});
    double m = mean_of(z, N), s = sd_of(z, N);
    for (size_t i = 0; i < N; i++) assert_close(values(b, "x")[i], (z[i] - m) / s, 0.25);
    assert_close(mean_of(values(b, "x"), N), 0, 1e-5);
    assert_close(sd_of(values(b, "x"), N), 1, 1e-5);
    close_bench(b);
}

/* All components: a rotation, so distances stay; and they are uncorrelated, widest first. */
static void test_pca_rotates(void **unused) {
    (void)unused;
    enum { P = 6 };
    static float x[P][N];
    aml_feature f[P];
    for (size_t j = 0; j < P; j++) {
        draw(x[j], N, 10 + j);
        for (size_t i = 0; j && i < N; i++) x[j][i] = x[j][i] * (float)j + x[0][i] * 3;
        f[j] = numbers("x", x[j]);
    }
    bench *b = open_bench(N);
    run(b, "pca", "share=0.9999", &(aml_table){N, P, f, NULL});
    assert_int_equal(b->out.p, P);
    for (size_t i = 1; i < 50; i++) {
        double before = 0, after = 0;
        for (size_t j = 0; j < P; j++) {
            before += pow(x[j][i] - x[j][0], 2);
            after += pow(b->out.features[j].x[i] - b->out.features[j].x[0], 2);
        }
        assert_close(after / before, 1, 1e-4);
    }
    for (size_t j = 0; j < P; j++)
        for (size_t k = 0; k <= j; k++) {
            double dot = 0;
            for (size_t i = 0; i < N; i++)
                dot += (double)b->out.features[j].x[i] * b->out.features[k].x[i] / N;
            if (k < j) assert_close(dot, 0, 1e-4);
        }
    for (size_t j = 1; j < P; j++)
        assert_true(sd_of(b->out.features[j].x, N) <= sd_of(b->out.features[j - 1].x, N));
    run(b, "pca", "share=0.5", &(aml_table){N, P, f, NULL});
    assert_int_equal(b->out.p, 1);
    assert_string_equal(b->out.features[0].name, "pca1");
    close_bench(b);
}

/* Beyond 500 columns another way is taken: it finds the three directions that there are. */
static void test_pca_wide(void **unused) {
    (void)unused;
    enum { P = 600, ROWS = 200 };
    static float x[P][ROWS], base[3][ROWS];
    static aml_feature f[P];
    for (size_t k = 0; k < 3; k++) draw(base[k], ROWS, 20 + k);
    for (size_t j = 0; j < P; j++) {
        for (size_t i = 0; i < ROWS; i++)
            x[j][i] = 9 * base[0][i] + (float)(j % 7) * base[1][i] - (float)(j % 5) * base[2][i];
        f[j] = numbers("x", x[j]);
    }
    bench *b = open_bench(ROWS);
    run(b, "pca", "share=0.9999", &(aml_table){ROWS, P, f, NULL});
    assert_int_equal(b->out.p, 3);
    for (size_t i = 1; i < 50; i++) {
        double before = 0, after = 0;
        for (size_t j = 0; j < P; j++) before += pow(x[j][i] - x[j][0], 2);
        for (size_t j = 0; j < 3; j++)
            after += pow(b->out.features[j].x[i] - b->out.features[j].x[0], 2);
        assert_close(after / before, 1, 1e-4);
    }
    close_bench(b);
}

static void test_drop_constant(void **unused) {
    (void)unused;
    float same[4] = {3, 3, 3, 9}, gone[4] = {NAN, NAN, NAN, 1}, mixed[4] = {3, NAN, 3, 3};
    int32_t code[4] = {1, 1, 1, 0};
    uint64_t offset[5] = {0, 2, 4, 6, 9}, other[5] = {0, 2, 4, 5, 9};
    aml_feature f[] = {numbers("same", same), numbers("gone", gone), numbers("mixed", mixed),
                       codes("code", code, 2, NULL),
                       {.name = "text", .kind = AML_TEXT, .bytes = "abababxyz", .offset = offset},
                       {.name = "more", .kind = AML_TEXT, .bytes = "abababxyz", .offset = other}};
    bench *b = open_bench(3);
    run(b, "drop_constant", NULL, &(aml_table){4, 6, f, NULL});
    assert_int_equal(b->out.p, 2);
    assert_true(column(b, "mixed") && column(b, "more"));
    close_bench(b);
}

static double entry(const aml_csr *c, size_t row, uint32_t col) {
    for (uint64_t e = c->start[row]; e < c->start[row + 1]; e++)
        if (c->column[e] == col) return c->value[e];
    return 0;
}

static double similarity(const aml_csr *c, size_t a, size_t b) {
    double sum = 0;
    for (uint32_t j = 0; j < c->p; j++) sum += entry(c, a, j) * entry(c, b, j);
    return sum;
}

/* Cosines of TF-IDF rows worked out by hand: words and pairs that two of the five rows have. */
static void test_text_hash(void **unused) {
    (void)unused;
    static const char *const rows[] = {"red fish", "Red, FISH red", "blue fish", "blue", ""};
    char bytes[200] = "";
    uint64_t offset[6] = {0};
    for (size_t i = 0; i < 5; i++) {
        strcat(bytes, rows[i]);
        offset[i + 1] = strlen(bytes);
    }
    aml_feature f = {.name = "t", .kind = AML_TEXT, .bytes = bytes, .offset = offset};
    bench *b = open_bench(5);
    run(b, "text_hash", NULL, &(aml_table){5, 1, &f, NULL});
    const aml_csr *c = b->out.csr;
    assert_int_equal(c->p, 4); /* red 2, fish 3, blue 2, "red fish" 2 */
    double two = log(6 / 3.0) + 1, three = log(6 / 4.0) + 1, tf = 1 + log(2);
    double row0[3] = {two, three, two}, row1[3] = {two * tf, three, two}, row2[2] = {two, three};
    double n0 = sqrt(aml_dot(row0, row0, 3)), n1 = sqrt(aml_dot(row1, row1, 3));
    double n2 = sqrt(aml_dot(row2, row2, 2));
    for (size_t i = 0; i < 4; i++) assert_close(similarity(c, i, i), 1, 1e-6);
    assert_close(similarity(c, 0, 1), aml_dot(row0, row1, 3) / n0 / n1, 1e-6);
    assert_close(similarity(c, 0, 2), three * three / n0 / n2, 1e-6);
    assert_close(similarity(c, 2, 3), two / n2, 1e-6);
    assert_close(similarity(c, 0, 3), 0, 0);
    assert_int_equal(c->start[5] - c->start[4], 0);
    assert_close(values(b, "t.length")[1], log1p(13), 1e-6);
    assert_close(values(b, "t.words")[1], log1p(3), 1e-6);
    assert_close(values(b, "t.capitals")[1], 5 / 13.0, 1e-6);
    assert_close(values(b, "t.punctuation")[1], 1 / 13.0, 1e-6);
    assert_close(values(b, "t.digits")[4], 0, 0);
    close_bench(b);
}

/* Of a sparse matrix of rank 3 three components keep all inner products. */
static void test_text_svd(void **unused) {
    (void)unused;
    enum { ROWS = 300, P = 40, RANK = 3 };
    static uint64_t start[ROWS + 1];
    static uint32_t col[ROWS * P];
    static float value[ROWS * P], base[RANK][P];
    for (size_t k = 0; k < RANK; k++) draw(base[k], P, 30 + k);
    size_t at = 0;
    aml_rng r = aml_rng_stream(4, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < ROWS; i++) {
        double c[RANK];
        for (size_t k = 0; k < RANK; k++) c[k] = aml_rng_below(&r, 3) ? aml_rng_normal(&r) : 0;
        start[i] = at;
        for (uint32_t j = 0; j < P; j++) {
            double v = c[0] * base[0][j] + c[1] * base[1][j] + c[2] * base[2][j];
            if (v == 0) continue;
            col[at] = j;
            value[at++] = (float)v;
        }
    }
    start[ROWS] = at;
    aml_csr csr = {ROWS, P, start, col, value};
    bench *b = open_bench(ROWS);
    run(b, "text_svd", "components=10", &(aml_table){ROWS, 0, NULL, &csr});
    assert_null(b->out.csr);
    assert_true(b->out.p >= RANK);
    for (size_t i = 0; i < 40; i++) {
        double dot = 0;
        for (size_t k = 0; k < RANK; k++)
            dot += (double)b->out.features[k].x[i] * b->out.features[k].x[i + 100];
        assert_close(dot, similarity(&csr, i, i + 100), 1e-3);
    }
    close_bench(b);
}

/* Two far groups: each row is near one centre and far from the other. */
static void test_cluster_distance(void **unused) {
    (void)unused;
    float x[N], y[N];
    draw(x, N, 5);
    draw(y, N, 6);
    for (size_t i = 0; i < N; i++) {
        x[i] += i % 2 ? 50 : 0;
        y[i] += i % 2 ? 50 : 0;
    }
    aml_feature f[] = {numbers("x", x), numbers("y", y)};
    bench *b = open_bench(N);
    run(b, "cluster_distance", "clusters=2", &(aml_table){N, 2, f, NULL});
    assert_int_equal(b->out.p, 4);
    const float *one = values(b, "cluster1"), *two = values(b, "cluster2");
    for (size_t i = 0; i < N; i++) {
        bool with_first = (i % 2 == 0) == (one[0] < two[0]);
        assert_true((with_first ? one : two)[i] < 0.3 && (with_first ? two : one)[i] > 2);
    }
    for (size_t i = 0; i < N; i++) x[i] = y[i] = (float)(i % 2);
    run(b, "cluster_distance", "clusters=8", &(aml_table){N, 2, f, NULL});
    assert_int_equal(b->out.p, 4); /* no more centres than different rows */
    close_bench(b);
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
        cmocka_unit_test(test_scale_standard_and_minmax),
        cmocka_unit_test(test_scale_robust),
        cmocka_unit_test(test_scale_quantile_normal),
        cmocka_unit_test(test_scale_yeo_johnson),
        cmocka_unit_test(test_pca_rotates),
        cmocka_unit_test(test_pca_wide),
        cmocka_unit_test(test_drop_constant),
        cmocka_unit_test(test_text_hash),
        cmocka_unit_test(test_text_svd),
        cmocka_unit_test(test_cluster_distance),
    };
    aml_linalg_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
