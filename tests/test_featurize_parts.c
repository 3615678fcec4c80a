/* test_featurize_parts.c: what featurization steps are made of. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "automl/core/linalg.h"
#include "featurize/parts/each.h"
#include "featurize/parts/power.h"
#include "featurize/parts/quantile.h"
#include "featurize/parts/sparse.h"
#include "featurize/parts/subspace.h"
#include "featurize/parts/table.h"
#include "featurize/parts/words.h"

static aml_ctx open_ctx(void) {
    aml_arena *arena = aml_arena_new(NULL);
    assert_non_null(arena);
    return (aml_ctx){.keep = arena,
                     .scratch = arena,
                     .n_threads = 2,
                     .rng = aml_rng_stream(1, AML_RNG_TEST, 0, 0)};
}

static void close_ctx(aml_ctx *ctx) { aml_arena_free(ctx->keep); }

/* ---- each */

static aml_status square(void *arg, size_t item, int thread) {
    size_t *out = arg;
    assert_in_range(thread, 0, 1);
    out[item] = item * item;
    return AML_OK;
}

static aml_status refuse_7(void *arg, size_t item, int thread) {
    (void)arg;
    (void)thread;
    return item == 7 ? aml_fail(AML_EDATA, "item %zu", item) : AML_OK;
}

static void test_each(void **unused) {
    (void)unused;
    aml_ctx ctx = open_ctx();
    size_t out[100];
    atomic_bool stop = true;
    assert_int_equal(aml_each(&ctx, 100, square, out), AML_OK);
    for (size_t i = 0; i < 100; i++) assert_int_equal(out[i], i * i);
    aml_clear_error();
    assert_int_equal(aml_each(&ctx, 100, refuse_7, NULL), AML_EDATA);
    assert_string_equal(aml_last_error()->message, "item 7");
    ctx.stop = &stop;
    assert_int_equal(aml_each(&ctx, 100, square, out), AML_ESTOPPED);
    close_ctx(&ctx);
}

/* ---- tables */

static void test_frame_to_table(void **unused) {
    (void)unused;
    static const char *const levels[] = {"a", "b"};
    double x[4] = {1.5, NAN, INFINITY, -1e300}, when[4] = {0, 1, 2, NAN}, most[4] = {FLT_MAX, 0};
    int32_t code[4] = {1, 0, -1, -2};
    uint64_t offset[5] = {0, 1, 1, 2, 3};
    aml_column columns[] = {
        {.name = "x", .kind = AML_NUMBER, .number = x},
        {.name = "key", .kind = AML_IDENTIFIER, .bytes = "abc", .offset = offset},
        {.name = "c", .kind = AML_CATEGORY, .code = code, .levels = levels, .n_levels = 2},
        {.name = "left out", .kind = AML_NUMBER, .number = x},
        {.name = "when", .kind = AML_DATETIME, .number = when},
        {.name = "text", .kind = AML_TEXT, .bytes = "abc", .offset = offset},
        {.name = "most", .kind = AML_NUMBER, .number = most}};
    const uint8_t use[7] = {1, 1, 1, 0, 1, 1, 1};
    aml_frame frame = {.n = 4, .p = 7, .columns = columns};
    aml_ctx ctx = open_ctx();
    aml_table t;
    aml_design d;
    assert_int_equal(aml_table_from_frame(&t, &frame, use, &ctx), AML_OK);
    assert_int_equal(t.p, 5);
    const aml_feature *f = t.features;
    assert_true(f[0].x[0] == 1.5f && isnan(f[0].x[1]) && f[0].x[2] == 3e38f && f[0].x[3] == -3e38f);
    assert_ptr_equal(f[1].code, code);
    assert_int_equal(f[1].source, 2);
    assert_ptr_equal(f[2].time, when);
    assert_ptr_equal(f[3].bytes, columns[5].bytes);
    assert_true(f[4].x[0] == 3e38f);
    assert_int_equal(aml_table_to_design(&d, &t, &ctx), AML_EINTERNAL);
    assert_non_null(strstr(aml_last_error()->message, "`when`"));
    t.p = 2;
    assert_int_equal(aml_table_to_design(&d, &t, &ctx), AML_OK);
    assert_int_equal(d.p, 2);
    assert_ptr_equal(d.column[0], f[0].x);
    assert_int_equal(d.n_levels[0], 0);
    assert_int_equal(d.n_levels[1], 2);
    assert_true(d.column[1][0] == 1 && d.column[1][1] == 0);
    assert_true(isnan(d.column[1][2]) && isnan(d.column[1][3]));
    assert_int_equal(aml_table_from_frame(&t, &frame, NULL, &ctx), AML_OK);
    assert_int_equal(t.p, 6);
    close_ctx(&ctx);
}

/* ---- quantiles */

static void test_quantiles(void **unused) {
    (void)unused;
    float x[8] = {5, 1, NAN, 3, 2, 4, 99, 99}, sorted[6];
    const uint32_t rows[6] = {0, 1, 2, 3, 4, 5};
    size_t n;
    assert_int_equal(aml_sorted_sample(sorted, &n, x, rows, 6, 100), AML_OK);
    assert_int_equal(n, 5);
    for (size_t i = 0; i < 5; i++) assert_true(sorted[i] == (float)(i + 1));
    assert_true(aml_sorted_quantile(sorted, 5, 0) == 1 && aml_sorted_quantile(sorted, 5, 1) == 5);
    assert_true(aml_sorted_quantile(sorted, 5, 0.625) == 3.5);
    assert_int_equal(aml_sorted_sample(sorted, &n, x, rows, 6, 2), AML_OK);
    assert_true(n == 2 && sorted[0] == 3 && sorted[1] == 5);
}

/* ---- sparse */

static void test_beside(void **unused) {
    (void)unused;
    const uint64_t start_a[4] = {0, 1, 1, 3}, start_b[4] = {0, 0, 2, 3};
    const uint32_t column_a[3] = {1, 0, 2}, column_b[3] = {0, 1, 0};
    const float value_a[3] = {1, 2, 3}, value_b[3] = {4, 5, 6};
    const aml_csr a = {3, 3, start_a, column_a, value_a}, b = {3, 2, start_b, column_b, value_b};
    const aml_csr empty = {3, 0, start_a, NULL, NULL}, *c;
    aml_ctx ctx = open_ctx();
    assert_int_equal(aml_csr_beside(&c, &a, &b, &ctx), AML_OK);
    const uint64_t start[4] = {0, 1, 3, 6};
    const uint32_t column[6] = {1, 3, 4, 0, 2, 3};
    const float value[6] = {1, 4, 5, 2, 3, 6};
    assert_int_equal(c->p, 5);
    assert_memory_equal(c->start, start, sizeof start);
    assert_memory_equal(c->column, column, sizeof column);
    assert_memory_equal(c->value, value, sizeof value);
    assert_int_equal(aml_csr_beside(&c, &a, &empty, &ctx), AML_OK);
    assert_ptr_equal(c, &a);
    assert_int_equal(aml_csr_beside(&c, NULL, &empty, &ctx), AML_OK);
    assert_null(c);
    assert_int_equal(aml_csr_beside(&c, NULL, &b, &ctx), AML_OK);
    assert_ptr_equal(c->value, value_b);
    close_ctx(&ctx);
}

/* ---- power */

static void test_power(void **unused) {
    (void)unused;
    for (double x = -50; x <= 50; x += 0.37) {
        assert_true(fabs(aml_power(x, 1) - x) < 1e-12 * (1 + fabs(x)));
        assert_true(fabs(aml_power(x, 0) + aml_power(-x, 2)) < 1e-12); /* ψ(-x, 2-λ) = -ψ(x, λ) */
        assert_true(fabs(aml_power(x, 1e-9) / aml_power(x, 0) - 1) < 1e-6);
        for (double lambda = -3; lambda <= 3; lambda += 0.5) {
            double d = (aml_power(x + 1e-5, lambda) - aml_power(x - 1e-5, lambda)) / 2e-5;
            double power = x >= 0 ? lambda - 1 : 1 - lambda;
            assert_true(fabs(d / pow(1 + fabs(x), power) - 1) < 1e-4); /* ψ' */
        }
    }
    assert_true(isfinite(aml_power(3e38, 3)) && isfinite(aml_power(-3e38, -3)));
}

/* Samples made normal by a known lambda give it back, and nothing is better nearby. */
static void test_power_fit(void **unused) {
    (void)unused;
    enum { N = 4000 };
    static float x[N];
    static double work[2 * N];
    for (double lambda = -0.5; lambda <= 1.6; lambda += 0.5) {
        aml_rng r = aml_rng_stream(2, AML_RNG_TEST, 0, 0);
        for (size_t i = 0; i < N; i++) {
            double y = fmin(fmax(0.6 * aml_rng_normal(&r), -1.9), 1.9), power;
            power = y >= 0 ? lambda : 2 - lambda;
            double v =
                fabs(power) < 1e-9 ? expm1(fabs(y)) : pow(1 + power * fabs(y), 1 / power) - 1;
            x[i] = (float)copysign(v, y);
        }
        double found = aml_power_fit(x, N, work);
        if (!(fabs(found - lambda) < 0.1)) fail_msg("%g, found %g", lambda, found);
    }
    for (size_t i = 0; i < N; i++) x[i] = 5;
    assert_true(aml_power_fit(x, N, work) == 1);
    for (size_t i = 0; i < N; i++) x[i] = 2000 + (float)(i % 10); /* far from 0: no runaway */
    assert_true(fabs(aml_power_fit(x, N, work)) <= AML_POWER_MAX);
}

/* ---- subspace */

typedef struct dense {
    size_t p;
    const double *c;
} dense;

static aml_status multiply(double *z, const double *q, size_t l, void *arg) {
    const dense *d = arg;
    aml_dgemm(false, false, d->p, l, d->p, 1, d->c, d->p, q, l, 0, z, l);
    return AML_OK;
}

/* Eigenvalues 2^-j in a random basis: both ways agree, vectors are orthonormal and fulfil c v = w v. */
static void test_subspace(void **unused) {
    (void)unused;
    enum { P = 60, K = 5 };
    static double basis[P * P], scaled[P * P], c[P * P], copy[P * P], v[2][P * K], w[2][K];
    aml_ctx ctx = open_ctx();
    aml_rng r = aml_rng_stream(3, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < P * P; i++) basis[i] = aml_rng_normal(&r);
    assert_int_equal(aml_orthonormalise(basis, P, P), AML_OK);
    for (size_t i = 0; i < P * P; i++) scaled[i] = basis[i] * exp2(-(double)(i % P));
    aml_dgemm(false, true, P, P, P, 1, scaled, P, basis, P, 0, c, P);
    memcpy(copy, c, sizeof c);
    dense d = {P, c};
    assert_int_equal(aml_subspace(v[0], w[0], P, K, 5, multiply, &d, &ctx), AML_OK);
    assert_int_equal(aml_subspace_dense(v[1], w[1], copy, P, K, &ctx), AML_OK);
    for (size_t k = 0; k < K; k++) {
        assert_true(fabs(w[0][k] / exp2(-(double)k) - 1) < 1e-9);
        assert_true(fabs(w[1][k] / exp2(-(double)k) - 1) < 1e-9);
        double top = 0;
        for (size_t i = 0; i < P; i++) {
            assert_true(fabs(v[0][i * K + k] - v[1][i * K + k]) < 1e-6);
            if (fabs(v[0][i * K + k]) > fabs(top)) top = v[0][i * K + k];
        }
        assert_true(top > 0);
    }
    memset(c, 0, sizeof c);
    c[0] = 4; /* one direction only */
    assert_int_equal(aml_subspace(v[0], w[0], P, K, 5, multiply, &d, &ctx), AML_OK);
    assert_true(fabs(w[0][0] - 4) < 1e-12 && fabs(v[0][0] - 1) < 1e-12);
    for (size_t k = 1; k < K; k++) assert_true(w[0][k] == 0 && v[0][k] == 0);
    close_ctx(&ctx);
}

/* ---- words */

static void assert_words(const char *a, const char *b, bool same, size_t n_words) {
    aml_terms s = {0}, t = {0};
    aml_text_counts m, n;
    assert_int_equal(aml_text_terms(&s, &m, a, strlen(a), AML_WORD_TERMS), AML_OK);
    assert_int_equal(aml_text_terms(&t, &n, b, strlen(b), AML_WORD_TERMS), AML_OK);
    assert_int_equal(m.words, n_words);
    assert_int_equal(s.n, n_words ? 2 * n_words - 1 : 0);
    bool equal = s.n == t.n && !memcmp(s.hash, t.hash, s.n * sizeof *s.hash);
    assert_int_equal(equal, same);
    aml_terms_free(&s);
    aml_terms_free(&t);
}

static void test_words(void **unused) {
    (void)unused;
    assert_words("Hello, WORLD", "hello world", true, 2);
    assert_words("hello world", "world hello", false, 2);
    assert_words("hello world", "hello worlds", false, 2);
    assert_words("don't 'quoted'", "don't quoted", true, 2);
    assert_words("don\xE2\x80\x99t", "don t", false, 1);
    assert_words("ÉTÉ ЖДЁТ ΑΒΓ", "été ждёт αβγ", true, 3);
    assert_words("a_b2 x", "a_b2\tX", true, 2);
    assert_words("猫犬", "猫 犬", true, 2);
    assert_words("«ok»…", "ok", true, 1);
    assert_words("", " \n.", true, 0);
    assert_words("caf\xE9 \xff\xff", "cafe", false, 2);
}

static void test_characters(void **unused) {
    (void)unused;
    aml_terms t = {0};
    aml_text_counts n;
    assert_int_equal(aml_text_terms(&t, &n, "ab", 2, AML_CHAR_TERMS), AML_OK);
    assert_int_equal(t.n, 3); /* " ab", "ab ", " ab " */
    assert_int_equal(aml_text_terms(&t, &n, "a", 1, AML_CHAR_TERMS), AML_OK);
    assert_int_equal(t.n, 1);
    assert_int_equal(aml_text_terms(&t, &n, "abcde", 5, AML_CHAR_TERMS), AML_OK);
    assert_int_equal(t.n, 5 + 4 + 3);
    uint32_t abc = t.hash[1]; /* after " ab" */
    assert_int_equal(aml_text_terms(&t, &n, "xabcx", 5, AML_CHAR_TERMS), AML_OK);
    bool found = false;
    for (size_t i = 0; i < t.n; i++) found |= t.hash[i] == abc;
    assert_int_equal(t.n, 12);
    assert_true(found);
    /* Tokens part at white space, not at punctuation; blanks around them are one. */
    assert_int_equal(aml_text_terms(&t, &n, " a!  b\n", 7, AML_CHAR_TERMS), AML_OK);
    assert_int_equal(t.n, 3 + 1);
    assert_int_equal(n.words, 2);
    assert_int_equal(aml_text_terms(&t, &n, "!!!", 3, AML_CHAR_TERMS), AML_OK);
    assert_int_equal(t.n, 3 + 2 + 1);
    assert_int_equal(n.words, 0);
    aml_terms_free(&t);
}

/* Any bytes: never more terms than there is room for, all code points counted. */
static void test_words_of_noise(void **unused) {
    (void)unused;
    aml_rng r = aml_rng_stream(5, AML_RNG_TEST, 0, 0);
    aml_terms t = {0};
    for (size_t k = 0; k < 3000; k++) {
        size_t n = aml_rng_below(&r, 40);
        char *s = aml_malloc(n); /* exactly so long */
        uint32_t kind = aml_rng_below(&r, 3);
        for (size_t i = 0; i < n; i++)
            s[i] = (char)(kind == 0   ? aml_rng_below(&r, 256)
                          : kind == 1 ? 0xE0 + aml_rng_below(&r, 32)
                                      : (unsigned char)"a b."[aml_rng_below(&r, 4)]);
        aml_text_counts c;
        assert_int_equal(aml_text_terms(&t, &c, s, n, AML_WORD_TERMS | AML_CHAR_TERMS), AML_OK);
        assert_true(t.n <= t.room && t.n <= 4 * n + 16);
        assert_true(c.chars <= n && c.words <= c.chars);
        assert_true(c.digits + c.upper + c.punctuation <= c.chars);
        aml_free(s);
    }
    aml_terms_free(&t);
}

static int compare(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void test_sort_terms(void **unused) {
    (void)unused;
    enum { N = 500 };
    uint32_t v[N], want[N], other[N];
    aml_rng r = aml_rng_stream(6, AML_RNG_TEST, 0, 0);
    for (size_t n = 0; n < N; n += 7) {
        for (size_t i = 0; i < n; i++) want[i] = v[i] = aml_rng_below(&r, n % 2 ? 1 << 20 : 50);
        qsort(want, n, sizeof *want, compare);
        aml_sort_terms(v, other, n);
        if (n) assert_memory_equal(v, want, n * sizeof *v);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each),       cmocka_unit_test(test_frame_to_table),
        cmocka_unit_test(test_quantiles),  cmocka_unit_test(test_beside),
        cmocka_unit_test(test_power),      cmocka_unit_test(test_power_fit),
        cmocka_unit_test(test_subspace),   cmocka_unit_test(test_words),
        cmocka_unit_test(test_characters), cmocka_unit_test(test_words_of_noise),
        cmocka_unit_test(test_sort_terms),
    };
    aml_linalg_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
