/* test_core.c: arenas, random numbers, sorting, bytes, errors, threads, linear algebra. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "automl/core/bytes.h"
#include "automl/core/ctx.h"
#include "automl/core/linalg.h"
#include "automl/core/par.h"
#include "automl/core/sort.h"
#include "automl/core/special.h"

static aml_rng stream(uint64_t a) { return aml_rng_stream(11, AML_RNG_TEST, a, 0); }

/* ---- arenas ---- */

static void arena_memory_is_aligned_zeroed_apart(void **state) {
    static const size_t sizes[] = {1, 3, 16, 63, 64, 65, 1000, 5000, 70000, 3000000};
    enum { N_SIZES = sizeof sizes / sizeof *sizes };
    unsigned char *p[3 * N_SIZES];
    aml_arena *a = aml_arena_new(NULL);
    (void)state;
    for (size_t i = 0; i < 3 * N_SIZES; i++) {
        size_t size = sizes[i % N_SIZES];
        p[i] = aml_alloc(a, size, 1);
        assert_int_equal((uintptr_t)p[i] % (size < 64 ? 16 : 64), 0);
        for (size_t j = 0; j < size; j++) assert_int_equal(p[i][j], 0);
        memset(p[i], (int)i + 1, size);
    }
    for (size_t i = 0; i < 3 * N_SIZES; i++)
        for (size_t j = 0; j < sizes[i % N_SIZES]; j++) assert_int_equal(p[i][j], i + 1);
    assert_non_null(aml_alloc(a, 0, 8));
    assert_null(aml_alloc(a, SIZE_MAX / 2, 4));
    assert_int_equal(aml_last_error()->status, AML_ENOMEM);
    assert_string_equal(aml_printf(a, "%d %s", 7, "x"), "7 x");
    assert_string_equal(aml_strndup(a, "abcdef", 3), "abc");
    aml_arena_free(a);
    aml_arena_free(NULL);
}

static void limits_hold_and_accounts_balance(void **state) {
    aml_memory all = {.limit = 1 << 20}, share = {.parent = &all, .limit = 1 << 19};
    aml_memory open = {.parent = &all};
    aml_arena *a = aml_arena_new(&share), *b = aml_arena_new(&all);
    (void)state;
    while (aml_alloc(a, 1000, 1)) {}
    assert_int_equal(aml_last_error()->status, AML_ENOMEM);
    assert_non_null(strstr(aml_last_error()->message, "memory limit"));
    assert_true(share.used <= share.limit && share.used == aml_arena_bytes(a) &&
                all.used == share.used);
    assert_null(aml_alloc(b, 1 << 20, 1)); /* of the parent too little is left */
    assert_non_null(aml_alloc(b, 1 << 18, 1));
    assert_true(all.used == aml_arena_bytes(a) + aml_arena_bytes(b));
    assert_true(all.peak >= all.used && all.peak <= all.limit);
    assert_int_equal(aml_memory_charge(&open, 1 << 20), AML_ENOMEM); /* the parent refuses: */
    assert_int_equal(open.used, 0);                                  /* the child is not charged */
    aml_arena_free(a);
    assert_int_equal(share.used, 0);
    assert_non_null(aml_alloc(b, 1 << 19, 1));
    aml_arena_free(b);
    assert_int_equal(all.used, 0);
}

static void release_goes_back_to_the_mark(void **state) {
    aml_memory m = {0};
    aml_arena *a = aml_arena_new(&m);
    (void)state;
    aml_mark empty = aml_arena_mark(a);
    int *kept = AML_ARRAY(a, 10, int);
    kept[9] = 5;
    aml_mark mark = aml_arena_mark(a);
    size_t before = aml_arena_bytes(a);
    char *first = aml_alloc(a, 100, 1);
    for (int i = 0; i < 100; i++) assert_non_null(aml_alloc(a, 10000, 1));
    aml_arena_release(a, mark);
    assert_int_equal(aml_arena_bytes(a), before);
    assert_int_equal(m.used, before);
    assert_ptr_equal(aml_alloc(a, 100, 1), first);
    assert_int_equal(kept[9], 5);
    aml_arena_release(a, empty);
    assert_int_equal(m.used, 0);
    aml_arena_free(a);
}

static void allocations_fail_when_told(void **state) {
    void *p[5];
    (void)state;
    aml_fail_alloc(3, false);
    for (int i = 0; i < 5; i++) p[i] = aml_malloc(8);
    assert_int_equal(aml_fail_alloc(2, true), 5);
    assert_true(p[0] && p[1] && !p[2] && p[3] && p[4]);
    for (int i = 0; i < 5; i++) aml_free(p[i]);
    for (int i = 0; i < 5; i++) p[i] = aml_calloc(8, 1);
    aml_fail_alloc(0, false);
    assert_true(p[0] && !p[1] && !p[2] && !p[3] && !p[4]);
    aml_free(p[0]);
    aml_arena *a = aml_arena_new(NULL);
    aml_fail_alloc(1, false);
    assert_null(aml_alloc(a, 1, 1));
    assert_non_null(aml_alloc(a, 1, 1)); /* the arena lives on */
    aml_fail_alloc(0, false);
    aml_arena_free(a);
}

/* ---- random numbers ---- */

/* Random123's known answers. */
static void philox_gives_the_known_answers(void **state) {
    static const uint32_t known[3][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d,
         0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09,
         0x94fdcceb, 0x5001e420, 0x24126ea1},
    };
    (void)state;
    for (int i = 0; i < 3; i++) {
        uint32_t out[4];
        aml_philox(out, known[i], known[i] + 4);
        assert_memory_equal(out, known[i] + 6, sizeof out);
    }
}

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void streams_differ_by_name(void **state) {
    enum { N = 20000 };
    uint64_t *first = malloc(N * sizeof *first);
    size_t n = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 5; seed++)
        for (int purpose = AML_RNG_SPLIT; purpose <= AML_RNG_TEST; purpose++)
            for (uint64_t a = 0; a < 10; a++)
                for (uint32_t b = 0; b < 5; b++) {
                    aml_rng r = aml_rng_stream(seed, (aml_purpose)purpose, a, b);
                    for (uint32_t item = 0; item < 9; item++) {
                        aml_rng child = aml_rng_child(&r, item);
                        first[n++] = aml_rng_u64(&child);
                    }
                    first[n++] = aml_rng_u64(&r);
                }
    assert_int_equal(n, N);
    qsort(first, N, sizeof *first, by_value);
    for (size_t i = 1; i < N; i++) assert_true(first[i] != first[i - 1]);
    free(first);
}

static void children_do_not_depend_on_what_was_drawn(void **state) {
    aml_rng r = stream(1), c1 = aml_rng_child(&r, 7);
    (void)state;
    uint64_t want = aml_rng_u64(&c1);
    aml_rng before = r;
    aml_rng_child(&r, 3);
    assert_memory_equal(&before, &r, sizeof r);
    for (int i = 0; i < 1000; i++) aml_rng_u32(&r);
    aml_rng c2 = aml_rng_child(&r, 7);
    assert_true(aml_rng_u64(&c2) == want);
}

/* Pearson's statistic against equal shares: mean n_cells - 1, and its standard deviation. */
static double chi_square(const size_t *count, size_t n_cells, size_t n) {
    double x = 0, want = (double)n / (double)n_cells;
    for (size_t i = 0; i < n_cells; i++)
        x += ((double)count[i] - want) * ((double)count[i] - want) / want;
    return (x - (double)(n_cells - 1)) / sqrt(2 * (double)(n_cells - 1));
}

static void draws_are_uniform(void **state) {
    enum { N = 200000 };
    size_t tens[10] = {0}, cells[256] = {0}, pairs[1024] = {0}, low[64] = {0}, thirds[3] = {0};
    aml_rng r = stream(2);
    (void)state;
    for (size_t i = 0; i < N; i++) {
        double u = aml_rng_uniform(&r), v = aml_rng_uniform(&r);
        assert_true(u >= 0 && u < 1);
        cells[(size_t)(256 * u)]++;
        pairs[(size_t)(32 * u) * 32 + (size_t)(32 * v)]++;
        low[(uint64_t)(u * 0x1p53) & 63]++;
        tens[aml_rng_below(&r, 10)]++;
        thirds[aml_rng_below(&r, 3u << 30) % 3]++; /* 2^32 words do not fall evenly on 3 * 2^30 */
    }
    assert_true(fabs(chi_square(tens, 10, N)) < 4 && fabs(chi_square(cells, 256, N)) < 4);
    assert_true(fabs(chi_square(thirds, 3, N)) < 4);
    assert_true(fabs(chi_square(pairs, 1024, N)) < 4 && fabs(chi_square(low, 64, N)) < 4);
    for (int i = 0; i < 100; i++) assert_int_equal(aml_rng_below(&r, 1), 0);
    for (int i = 0; i < 1000; i++) assert_true(aml_rng_below(&r, 0x80000001u) <= 0x80000000u);
}

static void normals_have_their_moments(void **state) {
    enum { N = 200000 };
    aml_rng r = stream(3);
    double m[5] = {0};
    size_t cells[50] = {0};
    (void)state;
    for (size_t i = 0; i < N; i++) {
        double x = aml_rng_normal(&r), p = 1;
        for (int k = 0; k < 5; k++, p *= x) m[k] += p / N;
        cells[(size_t)(50 * aml_normal_cdf(x))]++;
    }
    assert_true(fabs(m[1]) < 0.01 && fabs(m[2] - 1) < 0.015 && fabs(m[3]) < 0.04 &&
                fabs(m[4] - 3) < 0.12);
    assert_true(fabs(chi_square(cells, 50, N)) < 4);
}

static void shuffles_are_fair(void **state) {
    size_t seen[24] = {0};
    aml_rng r = stream(4);
    (void)state;
    for (int t = 0; t < 48000; t++) {
        uint32_t v[4] = {0, 1, 2, 3}, rank = 0;
        aml_rng_shuffle(&r, v, 4);
        for (uint32_t i = 0; i < 4; i++) { /* Lehmer code */
            uint32_t smaller = 0;
            for (uint32_t j = i + 1; j < 4; j++) smaller += v[j] < v[i];
            rank = rank * (4 - i) + smaller;
        }
        seen[rank]++;
    }
    assert_true(fabs(chi_square(seen, 24, 48000)) < 4);
    aml_rng_shuffle(&r, NULL, 0);
}

/* ---- sorting ---- */

static double odd_value(aml_rng *r) {
    static const double odd[] = {0, -0.0, INFINITY, -INFINITY, 1, -1, 5e-324, -5e-324, 1e308};
    switch (aml_rng_below(r, 4)) {
    case 0: return odd[aml_rng_below(r, 9)];
    case 1:
        return aml_rng_below(r, 8) ? (double)aml_rng_below(r, 5) : aml_rng_below(r, 2) ? NAN : -NAN;
    case 2: return aml_rng_normal(r) * exp(50 * aml_rng_normal(r));
    default: return aml_rng_normal(r);
    }
}

static bool goes_before(double a, double b) { return isnan(b) ? !isnan(a) : a < b; }

static void sorts_are_stable_with_nan_last(void **state) {
    aml_rng r = stream(5);
    (void)state;
    for (size_t n = 0; n < 400; n = n < 5 ? n + 1 : n * 2) {
        double x[400];
        float f[400];
        uint32_t o64[400], o32[400];
        for (size_t i = 0; i < n; i++) f[i] = (float)(x[i] = odd_value(&r));
        assert_int_equal(aml_argsort(o64, x, n), AML_OK);
        assert_int_equal(aml_argsort_f32(o32, f, n), AML_OK);
        for (size_t i = 1; i < n; i++) {
            bool same =
                !goes_before(x[o64[i - 1]], x[o64[i]]) && !goes_before(x[o64[i]], x[o64[i - 1]]);
            assert_true(same ? o64[i - 1] < o64[i] : goes_before(x[o64[i - 1]], x[o64[i]]));
            float a = f[o32[i - 1]], b = f[o32[i]];
            same = !goes_before(a, b) && !goes_before(b, a);
            assert_true(same ? o32[i - 1] < o32[i] : goes_before(a, b));
        }
        double y[400];
        memcpy(y, x, n * sizeof *y);
        assert_int_equal(aml_sort_f64(y, n), AML_OK);
        for (size_t i = 0; i < n; i++) assert_memory_equal(&y[i], &x[o64[i]], sizeof *y);
        assert_int_equal(aml_sort_f32(f, n), AML_OK);
        for (size_t i = 1; i < n; i++) assert_false(goes_before(f[i], f[i - 1]));
    }
}

typedef struct item {
    int key, index;
} item;

static int by_key(const void *a, const void *b, void *arg) {
    ++*(size_t *)arg;
    return ((const item *)a)->key - ((const item *)b)->key;
}

static void merge_sort_is_stable(void **state) {
    enum { N = 5000 };
    static item v[N];
    aml_rng r = stream(6);
    size_t compared = 0;
    bool seen[N] = {false};
    (void)state;
    for (int i = 0; i < N; i++) v[i] = (item){(int)aml_rng_below(&r, 300), i};
    assert_int_equal(aml_sort(v, N, sizeof *v, by_key, &compared), AML_OK);
    for (int i = 0; i < N; i++) {
        assert_false(seen[v[i].index]);
        seen[v[i].index] = true;
        if (i)
            assert_true(v[i - 1].key < v[i].key ||
                        (v[i - 1].key == v[i].key && v[i - 1].index < v[i].index));
    }
    assert_true(compared < N * 13);
    aml_fail_alloc(1, false);
    assert_int_equal(aml_sort(v, N, sizeof *v, by_key, &compared), AML_ENOMEM);
    aml_fail_alloc(0, false);
}

/* ---- bytes ---- */

static void put_all(aml_writer *w) {
    aml_put_u8(w, 0xAB);
    aml_put_u32(w, 0x01020304);
    aml_put_u64(w, 0x1122334455667788u);
    aml_put_f32(w, -1.5f);
    aml_put_f64(w, 0x1.fffffffffffffp-1022);
    aml_put_string(w, "h\xC3\xA9llo");
    aml_put_f32s(w, (float[]){1, INFINITY}, 2);
    aml_put_f64s(w, (double[]){0.1, -0.0, NAN}, 3);
    aml_put_u8s(w, (uint8_t[]){9, 8, 7}, 3);
    aml_put_u32s(w, NULL, 0);
    aml_put_bytes(w, "raw", 3);
}

static void get_all(aml_reader *r, aml_arena *a) {
    size_t n = 77;
    bool ok = aml_get_u8(r) == 0xAB && aml_get_u32(r) == 0x01020304;
    ok = ok && aml_get_u64(r) == 0x1122334455667788u && aml_get_f32(r) == -1.5f;
    ok = ok && aml_get_f64(r) == 0x1.fffffffffffffp-1022;
    const char *text = aml_get_string(r, a);
    ok = ok && text && !strcmp(text, "h\xC3\xA9llo");
    const float *f = aml_get_f32s(r, a, 2, NULL);
    ok = ok && f && f[0] == 1 && f[1] == INFINITY;
    const double *d = aml_get_f64s(r, a, SIZE_MAX, &n);
    ok = ok && d && n == 3 && d[0] == 0.1 && signbit(d[1]) && isnan(d[2]);
    const uint8_t *u = aml_get_u8s(r, a, 3, NULL);
    ok = ok && u && u[0] == 9 && u[2] == 7;
    ok = ok && aml_get_u32s(r, a, SIZE_MAX, &n) && n == 0;
    for (int i = 0; i < 3; i++) ok = ok && aml_get_u8(r) == "raw"[i];
    assert_int_equal(ok, r->status == AML_OK);
}

static void bytes_round_trip_and_truncations_are_seen(void **state) {
    aml_writer w = {0};
    (void)state;
    put_all(&w);
    assert_int_equal(w.status, AML_OK);
    assert_memory_equal(w.data, "\xAB\x04\x03\x02\x01\x88\x77", 7); /* little-endian */
    for (size_t n = 0; n <= w.size; n++) {
        aml_arena *a = aml_arena_new(NULL);
        unsigned char *copy = malloc(n ? n : 1);
        memcpy(copy, w.data, n);
        aml_reader r = {.data = copy, .size = n, .file = "m.automl"};
        get_all(&r, a);
        assert_int_equal(r.status, n < w.size ? AML_EDATA : AML_OK);
        if (r.status) assert_non_null(strstr(aml_last_error()->message, "damaged model"));
        assert_int_equal(r.status ? 0 : aml_get_u64(&r), 0); /* nothing behind the end */
        assert_int_equal(r.status, AML_EDATA);
        free(copy);
        aml_arena_free(a);
    }
    aml_writer_free(&w);
}

/* Lengths that lie: beyond the data, beyond memory, not what was expected. */
static void lengths_are_not_trusted(void **state) {
    static const uint64_t lies[] = {4, 1000, (uint64_t)1 << 32, (uint64_t)1 << 61, UINT64_MAX};
    (void)state;
    for (size_t i = 0; i < 5; i++)
        for (int kind = 0; kind < 5; kind++) {
            aml_arena *a = aml_arena_new(NULL);
            aml_writer w = {0};
            aml_put_u64(&w, lies[i]);
            aml_put_bytes(&w, "abc", 3);
            aml_reader r = {.data = w.data, .size = w.size};
            const void *p = kind == 0   ? (const void *)aml_get_string(&r, a)
                            : kind == 1 ? (const void *)aml_get_u8s(&r, a, SIZE_MAX, NULL)
                            : kind == 2 ? (const void *)aml_get_u32s(&r, a, SIZE_MAX, NULL)
                            : kind == 3 ? (const void *)aml_get_f32s(&r, a, SIZE_MAX, NULL)
                                        : (const void *)aml_get_f64s(&r, a, SIZE_MAX, NULL);
            assert_null(p);
            assert_int_equal(r.status, AML_EDATA);
            aml_writer_free(&w);
            aml_arena_free(a);
        }
    aml_arena *a = aml_arena_new(NULL);
    aml_writer w = {0};
    aml_put_u8s(&w, (uint8_t[]){1, 0, 3}, 3);
    aml_reader wrong = {.data = w.data, .size = w.size}, nul = wrong;
    assert_null(aml_get_u8s(&wrong, a, 4, NULL));
    assert_int_equal(wrong.status, AML_EDATA);
    assert_null(aml_get_string(&nul, a));
    assert_int_equal(nul.status, AML_EDATA);
    aml_writer_free(&w);
    aml_arena_free(a);
}

static void writers_remember_short_memory(void **state) {
    (void)state;
    for (uint64_t i = 1; i < 3; i++) {
        aml_writer w = {0};
        double zeros[500] = {0};
        aml_fail_alloc(i, false);
        aml_put_u8(&w, 1);
        aml_put_f64s(&w, zeros, 500);
        aml_put_u8(&w, 2);
        aml_fail_alloc(0, false);
        assert_int_equal(w.status, AML_ENOMEM);
        aml_writer_free(&w);
    }
}

/* ---- errors, clock ---- */

static aml_status passes_up(aml_status s) {
    AML_TRY(s);
    return AML_OK;
}

static void errors_become_a_block_of_text(void **state) {
    char text[2048];
    (void)state;
    assert_int_equal(aml_fail_at(AML_EDATA, "x.csv", 3, 7, "bad cell `%s`", "q"), AML_EDATA);
    aml_help(AML_EDATA, "numbers only", "write %d", 5);
    aml_format_error(text, sizeof text, aml_last_error());
    assert_string_equal(text,
                        "error[E-DATA]: bad cell `q`\n  --> x.csv:3:7\n   = why: numbers only\n"
                        "   = help: write 5\n");
    for (size_t size = 1; size < 60; size++) {
        char *part = malloc(size);
        aml_format_error(part, size, aml_last_error());
        assert_true(strlen(part) < size && !strncmp(part, text, strlen(part)));
        free(part);
    }
    assert_int_equal(aml_fail(AML_EUSAGE, "k is %d", 0), AML_EUSAGE);
    aml_format_error(text, sizeof text, aml_last_error());
    assert_string_equal(text, "error[E-USAGE]: k is 0\n");
    assert_int_equal(passes_up(AML_EIO), AML_EIO);
    assert_int_equal(passes_up(AML_OK), AML_OK);
    aml_error kept = *aml_last_error();
    aml_clear_error();
    assert_int_equal(aml_last_error()->status, AML_OK);
    assert_string_equal(aml_last_error()->message, "");
    aml_set_error(&kept);
    assert_string_equal(aml_last_error()->message, "k is 0");
}

static void every_status_has_a_name(void **state) {
    static const aml_status all[] = {AML_OK,        AML_EUSAGE,  AML_EDATA,       AML_ENOINPUT,
                                     AML_EINTERNAL, AML_ENOMEM,  AML_ECANTCREATE, AML_EIO,
                                     AML_EAGAIN,    AML_ECONFIG, AML_ESTOPPED};
    enum { N = sizeof all / sizeof *all };
    (void)state;
    for (size_t i = 0; i < N; i++) {
        assert_string_not_equal(aml_status_name(all[i]), "E-UNKNOWN");
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(aml_status_name(all[i]), aml_status_name(all[j]));
    }
}

static void untrusted_text_is_made_printable(void **state) {
    char out[64];
    (void)state;
    assert_string_equal(aml_printable(out, sizeof out, "a\x1B[b", 4, 10), "a\\x1B[b");
    assert_string_equal(aml_printable(out, sizeof out, "x\xE2\x80\xAEy", 5, 10), "x\\u202Ey");
    assert_string_equal(aml_printable(out, sizeof out, "abcdef", 6, 3), "abc\xE2\x80\xA6");
    assert_string_equal(aml_printable(out, sizeof out, "ab\xC3\xA9", 4, 3), "ab\xE2\x80\xA6");
    assert_string_equal(aml_printable(out, sizeof out, "", 0, 3), "");
}

static void stop_is_asked_for(void **state) {
    atomic_bool flag = false;
    aml_ctx ctx = {.n_threads = 1, .stop = &flag};
    (void)state;
    assert_false(aml_should_stop(&ctx));
    ctx.deadline = aml_now() + 3600;
    assert_false(aml_should_stop(&ctx));
    ctx.deadline = aml_now() - 1e-3;
    assert_true(aml_should_stop(&ctx));
    ctx.deadline = 0;
    flag = true;
    assert_true(aml_should_stop(&ctx));
    assert_int_equal(aml_stopped(), AML_ESTOPPED);
}

/* ---- threads ---- */

typedef struct tally {
    _Atomic int seen[1000];
    size_t n, size;
    int n_threads;
    _Atomic bool wrong;
} tally;

static void count_rows(void *arg, size_t block, size_t begin, size_t end, int thread) {
    tally *t = arg;
    if (begin != block * t->size || end <= begin || end > t->n || thread < 0 ||
        thread >= t->n_threads)
        t->wrong = true;
    for (size_t i = begin; i < end; i++) t->seen[i]++;
}

static void blocks_cover_each_row_once(void **state) {
    (void)state;
    for (int n_threads = 1; n_threads <= 4; n_threads++)
        for (size_t n = 0; n <= 1000; n += 250)
            for (size_t size = 1; size <= 2000; size = size * 7 + 3) {
                tally t = {.n = n, .size = size, .n_threads = n_threads};
                aml_par_for(n_threads, n, size, count_rows, &t);
                assert_false(t.wrong);
                for (size_t i = 0; i < 1000; i++) assert_int_equal(t.seen[i], i < n);
            }
    assert_true(aml_par_cores() >= 1);
}

/* ---- linear algebra ---- */

static double *random_matrix(size_t m, size_t n, aml_rng *r) {
    double *a = malloc(m * n * sizeof *a);
    for (size_t i = 0; i < m * n; i++) a[i] = aml_rng_normal(r);
    return a;
}

static double op_at(const double *a, size_t lda, bool t, size_t i, size_t j) {
    return t ? a[j * lda + i] : a[i * lda + j];
}

static void products_are_products(void **state) {
    enum { M = 7, K = 5, N = 6, LD = 8 };
    aml_rng r = stream(7);
    (void)state;
    for (int t = 0; t < 4; t++) {
        bool ta = t & 1, tb = t & 2;
        double *a = random_matrix(8, LD, &r), *b = random_matrix(8, LD, &r),
               *c = random_matrix(8, LD, &r);
        double *before = malloc(64 * sizeof *before);
        float fa[64], fb[64], fc[64];
        memcpy(before, c, 64 * sizeof *before);
        for (int i = 0; i < 64; i++) {
            fa[i] = (float)a[i];
            fb[i] = (float)b[i];
            fc[i] = (float)c[i];
        }
        aml_dgemm(ta, tb, M, N, K, 0.5, a, LD, b, LD, 2, c, LD);
        aml_sgemm(ta, tb, M, N, K, 0.5f, fa, LD, fb, LD, 2, fc, LD);
        for (size_t i = 0; i < 8; i++)
            for (size_t j = 0; j < LD; j++) {
                double want = before[i * LD + j];
                if (i < M && j < N) {
                    want *= 2;
                    for (size_t k = 0; k < K; k++)
                        want += 0.5 * op_at(a, LD, ta, i, k) * op_at(b, LD, tb, k, j);
                }
                assert_true(fabs(c[i * LD + j] - want) < 1e-13);
                assert_true(fabs(fc[i * LD + j] - want) < 1e-5);
            }
        double x[K], y[M] = {0};
        for (size_t k = 0; k < K; k++) x[k] = b[k];
        double *dense = malloc(M * K * sizeof *dense);
        for (size_t i = 0; i < M; i++)
            for (size_t k = 0; k < K; k++)
                dense[ta ? k * M + i : i * K + k] = op_at(a, LD, ta, i, k);
        aml_dgemv(ta, M, K, 1, dense, ta ? M : K, x, 0, y);
        for (size_t i = 0; i < M; i++) {
            double want = 0;
            for (size_t k = 0; k < K; k++) want += op_at(a, LD, ta, i, k) * x[k];
            assert_true(fabs(y[i] - want) < 1e-13);
        }
        free(dense);
        free(a);
        free(b);
        free(c);
        free(before);
    }
}

static void cholesky_solves(void **state) {
    aml_rng r = stream(8);
    (void)state;
    for (size_t n = 1; n <= 40; n += 13) {
        double *x = random_matrix(n + 5, n, &r), *a = malloc(n * n * sizeof *a),
               *l = malloc(n * n * sizeof *l);
        double *b = random_matrix(n, 1, &r), *s = malloc(n * sizeof *s);
        aml_dsyrk(n, n + 5, x, n, 0, a, n);
        memcpy(l, a, n * n * sizeof *l);
        memcpy(s, b, n * sizeof *s);
        assert_true(aml_cholesky(l, n, n));
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j <= i; j++) {
                assert_true(fabs(a[i * n + j] - a[j * n + i]) == 0);
                assert_true(fabs(aml_dot(l + i * n, l + j * n, j + 1) - a[i * n + j]) < 1e-11);
            }
        aml_cholesky_solve(l, n, n, s);
        for (size_t i = 0; i < n; i++) assert_true(fabs(aml_dot(a + i * n, s, n) - b[i]) < 1e-8);
        memcpy(s, b, n * sizeof *s);
        aml_cholesky_half(l, n, n, false, s);
        for (size_t i = 0; i < n; i++)
            assert_true(fabs(aml_dot(l + i * n, s, i + 1) - b[i]) < 1e-10);
        a[0] = -1;
        assert_false(aml_cholesky(a, n, n));
        free(x);
        free(a);
        free(l);
        free(b);
        free(s);
    }
}

static void eigenvectors_diagonalise(void **state) {
    enum { N = 12 };
    aml_rng r = stream(9);
    double *x = random_matrix(N, N, &r), a[N * N], v[N * N], w[N];
    (void)state;
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) a[i * N + j] = v[i * N + j] = x[i * N + j] + x[j * N + i];
    assert_int_equal(aml_eigen(v, N, w), AML_OK);
    for (size_t k = 0; k < N; k++) {
        if (k) assert_true(w[k] >= w[k - 1]);
        for (size_t i = 0; i < N; i++) {
            double av = 0;
            for (size_t j = 0; j < N; j++) av += a[i * N + j] * v[j * N + k];
            assert_true(fabs(av - w[k] * v[i * N + k]) < 1e-12);
        }
    }
    free(x);
}

static void columns_become_orthonormal(void **state) {
    enum { M = 30, N = 6 };
    aml_rng r = stream(10);
    double *a = random_matrix(M, N, &r), gram[N * N];
    (void)state;
    for (size_t i = 0; i < M; i++) a[i * N + 3] = 2 * a[i * N] - a[i * N + 1]; /* dependent */
    assert_int_equal(aml_orthonormalise(a, M, N), AML_OK);
    aml_dsyrk(N, M, a, N, 0, gram, N);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++)
            assert_true(fabs(gram[i * N + j] - (i == j && i != 3)) < 1e-13);
    free(a);
}

static void sums_are_right_for_every_length(void **state) {
    double x[40], y[40];
    float fx[40], fy[40];
    (void)state;
    for (size_t i = 0; i < 40; i++) {
        fx[i] = (float)(x[i] = (double)i + 1);
        fy[i] = (float)(y[i] = (double)(i % 7));
    }
    double want = 0;
    for (size_t n = 0; n < 40; n++) {
        assert_true(aml_dot(x, y, n) == want && (double)aml_dot_f32(fx, fy, n) == want);
        want += x[n] * y[n];
    }
}

static void distributions_are_inverse_to_their_quantiles(void **state) {
    double first[40], second[40];
    (void)state;
    for (double p = 0.001; p < 1; p += 0.0499) {
        assert_true(fabs(aml_normal_cdf(aml_normal_quantile(p)) - p) < 1e-12);
        assert_true(fabs(aml_student_cdf(aml_student_quantile(p, 4), 4) - p) < 1e-9);
    }
    double h = 1e-5, slope = (aml_normal_cdf(0.3 + h) - aml_normal_cdf(0.3 - h)) / (2 * h);
    assert_true(fabs(slope - aml_normal_pdf(0.3)) < 1e-9);
    assert_true(fabs(aml_lgamma(11) - log(3628800)) < 1e-12);
    assert_int_equal(aml_sobol(first, 40, 5), AML_OK);
    assert_int_equal(aml_sobol(second, 40, 6), AML_OK);
    for (int i = 0; i < 40; i++) assert_true(first[i] > 0 && first[i] < 1 && first[i] != second[i]);
    assert_int_equal(aml_sobol(first, 41, 0), AML_EUSAGE);
    assert_int_equal(aml_sobol(first, 0, 0), AML_EUSAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_memory_is_aligned_zeroed_apart),
        cmocka_unit_test(limits_hold_and_accounts_balance),
        cmocka_unit_test(release_goes_back_to_the_mark),
        cmocka_unit_test(allocations_fail_when_told),
        cmocka_unit_test(philox_gives_the_known_answers),
        cmocka_unit_test(streams_differ_by_name),
        cmocka_unit_test(children_do_not_depend_on_what_was_drawn),
        cmocka_unit_test(draws_are_uniform),
        cmocka_unit_test(normals_have_their_moments),
        cmocka_unit_test(shuffles_are_fair),
        cmocka_unit_test(sorts_are_stable_with_nan_last),
        cmocka_unit_test(merge_sort_is_stable),
        cmocka_unit_test(bytes_round_trip_and_truncations_are_seen),
        cmocka_unit_test(lengths_are_not_trusted),
        cmocka_unit_test(writers_remember_short_memory),
        cmocka_unit_test(errors_become_a_block_of_text),
        cmocka_unit_test(every_status_has_a_name),
        cmocka_unit_test(untrusted_text_is_made_printable),
        cmocka_unit_test(stop_is_asked_for),
        cmocka_unit_test(blocks_cover_each_row_once),
        cmocka_unit_test(products_are_products),
        cmocka_unit_test(cholesky_solves),
        cmocka_unit_test(eigenvectors_diagonalise),
        cmocka_unit_test(columns_become_orthonormal),
        cmocka_unit_test(sums_are_right_for_every_length),
        cmocka_unit_test(distributions_are_inverse_to_their_quantiles),
    };
    aml_linalg_init();
    aml_par_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
