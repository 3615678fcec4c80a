/* test_core.c: arenas, bytes, errors, clock, threads. */
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
#include "automl/core/par.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_memory_is_aligned_zeroed_apart),
        cmocka_unit_test(limits_hold_and_accounts_balance),
        cmocka_unit_test(release_goes_back_to_the_mark),
        cmocka_unit_test(allocations_fail_when_told),
        cmocka_unit_test(bytes_round_trip_and_truncations_are_seen),
        cmocka_unit_test(lengths_are_not_trusted),
        cmocka_unit_test(writers_remember_short_memory),
        cmocka_unit_test(errors_become_a_block_of_text),
        cmocka_unit_test(every_status_has_a_name),
        cmocka_unit_test(untrusted_text_is_made_printable),
        cmocka_unit_test(stop_is_asked_for),
        cmocka_unit_test(blocks_cover_each_row_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
