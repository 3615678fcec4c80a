/* test_text.c: numbers, strings, names and files. */
#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "automl/core/io.h"
#include "automl/core/rng.h"
#include "automl/core/text.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void same_bits(double a, double b) { assert_memory_equal(&a, &b, sizeof a); }

static void as_strtod(const char *text) {
    double x;
    assert_true(aml_parse_double(&x, text, strlen(text)));
    same_bits(x, strtod(text, NULL));
}

static void test_parse_double(void **state) {
    (void)state;
    static const char *const good[] = {"0",
                                       "-0",
                                       "1",
                                       "+1",
                                       "-1.5",
                                       ".5",
                                       "5.",
                                       "1e3",
                                       "1E-3",
                                       "1e+3",
                                       "0.1",
                                       "123456789012345678",
                                       "1e22",
                                       "1e23",
                                       "9007199254740993",
                                       "9007199254740992.5",
                                       "9007199254740993.0000000000000000000000000000001",
                                       "2.2250738585072011e-308",
                                       "2.2250738585072014e-308",
                                       "4.9e-324",
                                       "2.4703282292062327e-324",
                                       "2.4703282292062328e-324",
                                       "1.7976931348623157e308",
                                       "1.7976931348623159e308",
                                       "1e999",
                                       "-1e999",
                                       "1e-999",
                                       "0e999999999999999999999",
                                       "1e99999999999999999999",
                                       "00000000000000000000000000000000012.5",
                                       "0.000000000000000000000000000000000000000000001e45",
                                       "179769313486231580793728971405301e276"};
    for (size_t i = 0; i < COUNT(good); i++) as_strtod(good[i]);
    static const char *const bad[] = {"",    "+",     "-",    ".",    "e5",      "1e",  "1e+",
                                      " 1",  "1 ",    "0x1F", "inf",  "nan",     "1,5", "1.2.3",
                                      "--1", "1e5.5", "1f",   "1e5 ", "\xC2\xBD"};
    double x;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(aml_parse_double(&x, bad[i], strlen(bad[i])));
}

static void test_parse_random(void **state) {
    (void)state;
    aml_rng r = aml_rng_stream(7, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < 200000; i++) {
        char text[1000];
        size_t n = 0, digits = 1 + aml_rng_below(&r, i % 100 ? 24 : 900),
               point = aml_rng_below(&r, 30);
        for (size_t k = 0; k < digits; k++) {
            if (k == point) text[n++] = '.';
            text[n++] = (char)('0' + aml_rng_below(&r, 10));
        }
        snprintf(text + n, 16, "e%d",
                 (int)aml_rng_below(&r, i % 3 ? 60 : 700) - (i % 3 ? 30 : 350));
        as_strtod(text);
    }
}

/* Texts exactly half-way between neighbours, and a little beyond. */
static void test_parse_halfway(void **state) {
    (void)state;
    aml_rng r = aml_rng_stream(8, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < 5000; i++) {
        uint64_t w =
            (aml_rng_u64(&r) >> 10 | (uint64_t)1 << 53) | 1; /* 54 bits, the last one set */
        char text[1200];
        int n = snprintf(text, sizeof text, "%llu", (unsigned long long)w);
        as_strtod(text);
        memset(text + n, '0', 900);
        text[n] = '.';
        text[n + 899] = '1';
        text[n + 900] = 0;
        as_strtod(text);
    }
}

static void test_format_double(void **state) {
    (void)state;
    static const struct {
        double x;
        const char *text;
    } cases[] = {{0, "0"},
                 {-0.0, "-0"},
                 {1, "1"},
                 {-12, "-12"},
                 {0.1, "0.1"},
                 {1.5, "1.5"},
                 {1e300, "1e+300"},
                 {1e15, "1000000000000000"},
                 {1e16, "1e+16"},
                 {0.0001, "0.0001"},
                 {0.00001, "1e-05"},
                 {5e-324, "5e-324"},
                 {DBL_MAX, "1.7976931348623157e+308"},
                 {DBL_MIN, "2.2250738585072014e-308"},
                 {1.0 / 3, "0.3333333333333333"},
                 {0x1p-44, "5.684341886080802e-14"},
                 {123456.789, "123456.789"},
                 {1e22, "1e+22"},
                 {NAN, "nan"},
                 {HUGE_VAL, "inf"},
                 {-HUGE_VAL, "-inf"}};
    char out[32];
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(aml_format_double(out, cases[i].x), strlen(cases[i].text));
        assert_string_equal(out, cases[i].text);
    }
}

/* The first 17 digits as a whole number; *n of them are there. */
static int64_t digits_of(size_t *n, const char *text) {
    int64_t w = 0;
    *n = 0;
    for (; *text && *text != 'e'; text++)
        if (*text != '.' && (*n || *text != '0')) w = 10 * w + (*text - '0'), ++*n;
    for (size_t i = *n; i < 17; i++) w *= 10;
    return w;
}

/* Numbers as predictions have them, and the edges of their decades: digits that printf gives, as few as read back. */
static void test_format_digits(void **state) {
    (void)state;
    aml_rng rng = aml_rng_stream(11, AML_RNG_TEST, 0, 0);
    for (int i = 0; i < 200000; i++) {
        double x = pow(10, (double)(i % 24) - 7), y;
        char out[32], all[40];
        size_t n, n_all;
        if (i % 3 == 1) x *= aml_rng_uniform(&rng);
        if (i % 3 == 2) x = nextafter(x, i % 2 ? 0 : 1e300);
        if (x == floor(x)) continue;
        size_t length = aml_format_double(out, x);
        assert_int_equal(length, strlen(out));
        assert_true(aml_parse_double(&y, out, length) && y == x);
        snprintf(all, sizeof all, "%.16e", x);
        int64_t w = digits_of(&n, out), want = digits_of(&n_all, all);
        if (w < want / 2) w *= 10; /* 1 is near to 0.99…9 */
        int64_t off = llabs(w - want);
        assert_true(n < 16 ? off <= 100 : n == 16 ? off < 10 : off == 0);
    }
}

static void test_format_round_trip(void **state) {
    (void)state;
    aml_rng r = aml_rng_stream(9, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < 200000; i++) {
        uint64_t bits = aml_rng_u64(&r);
        double x, y = 0;
        memcpy(&x, &bits, sizeof x);
        if (i % 2) x = aml_rng_uniform(&r);
        if (i % 5 == 0) x = ldexp(1, (int)aml_rng_below(&r, 2098) - 1074);
        if (!isfinite(x)) continue;
        char out[32];
        size_t n = aml_format_double(out, x);
        assert_true(n < sizeof out && aml_parse_double(&y, out, n));
        same_bits(x, y);
    }
}

static void test_locale(void **state) {
    (void)state;
    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "fr_FR.UTF-8")) skip();
    char out[32];
    double x;
    aml_format_double(out, 1.0 / 3);
    bool parsed = aml_parse_double(&x, "1.2345678901234567890123", 24);
    setlocale(LC_ALL, "C");
    assert_string_equal(out, "0.3333333333333333");
    assert_true(parsed);
    same_bits(x, 1.2345678901234567890123);
}

static void test_parse_int(void **state) {
    (void)state;
    int64_t x;
    assert_true(aml_parse_int64(&x, "-9223372036854775808", 20) && x == INT64_MIN);
    assert_true(aml_parse_int64(&x, "9223372036854775807", 19) && x == INT64_MAX);
    assert_true(aml_parse_int64(&x, "+007", 4) && x == 7);
    static const char *const bad[] = {
        "",   "-",   "9223372036854775808",    "-9223372036854775809", "1.0",
        " 1", "1e3", "99999999999999999999999"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(aml_parse_int64(&x, bad[i], strlen(bad[i])));
}

static void test_quantities(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t bytes;
    } sizes[] = {{"123", 123},
                 {"64k", 65536},
                 {"512M", (size_t)512 << 20},
                 {"2G", (size_t)2 << 30},
                 {"1.5GiB", (size_t)3 << 29},
                 {"1t", (size_t)1 << 40},
                 {"7B", 7}};
    size_t bytes;
    for (size_t i = 0; i < COUNT(sizes); i++)
        assert_true(aml_parse_bytes(&bytes, sizes[i].text) && bytes == sizes[i].bytes);
    assert_false(aml_parse_bytes(&bytes, "") || aml_parse_bytes(&bytes, "-1") ||
                 aml_parse_bytes(&bytes, "2X") || aml_parse_bytes(&bytes, "99999999999T") ||
                 aml_parse_bytes(&bytes, "1 G"));
    static const struct {
        const char *text;
        double seconds;
    } times[] = {{"60s", 60},    {"5m", 300},   {"1h30m", 5400}, {"250ms", 0.25},  {"90", 90},
                 {"1.5h", 5400}, {"1d", 86400}, {"2min", 120},   {"1m500ms", 60.5}};
    double seconds;
    for (size_t i = 0; i < COUNT(times); i++) {
        assert_true(aml_parse_seconds(&seconds, times[i].text));
        same_bits(seconds, times[i].seconds);
    }
    static const char *const bad[] = {"", "s", "-5s", "5x", "1m1h", "1h30", "5 s", "1e3", "1s1s"};
    for (size_t i = 0; i < COUNT(bad); i++) assert_false(aml_parse_seconds(&seconds, bad[i]));
}

static void test_string(void **state) {
    (void)state;
    aml_string s = {0};
    for (int i = 0; i < 1000; i++) aml_string_printf(&s, "%d,", i);
    aml_string_double(&s, 0.1);
    assert_int_equal(s.length, 3890 + 3);
    assert_string_equal(s.text + s.length - 7, "999,0.1");
    size_t before = s.length;
    aml_fail_alloc(1, true);
    for (int i = 0; i < 10000; i++) aml_string_put(&s, "more");
    aml_fail_alloc(0, false);
    assert_true(s.failed && s.length >= before && !s.text[s.length]);
    aml_string_free(&s);
    assert_null(s.text);
}

static void test_distance(void **state) {
    (void)state;
    static const struct {
        const char *a, *b;
        size_t d;
    } cases[] = {{"", "", 0},
                 {"a", "", 1},
                 {"kitten", "sitting", 3},
                 {"budget", "buget", 1},
                 {"ab", "ba", 1},
                 {"Trials", "trials", 0},
                 {"lgo", "log", 1},
                 {"abc", "xyz", 3},
                 {"ca", "abc", 3}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(aml_edit_distance(cases[i].a, cases[i].b), cases[i].d);
        assert_int_equal(aml_edit_distance(cases[i].b, cases[i].a), cases[i].d);
    }
    static const char *const names[] = {"budget", "seed", "trials", "threads"};
    assert_string_equal(aml_nearest("buget", names, 4), "budget");
    assert_string_equal(aml_nearest("THREAD", names, 4), "threads");
    assert_null(aml_nearest("colour", names, 4));
    assert_null(aml_nearest("x", NULL, 0));
}

static void test_utf8(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t valid, width;
    } cases[] = {{"plain text longer than a word", 29, 29},
                 {"\xC3\xA9t\xC3\xA9", 5, 3},
                 {"\xE6\xBC\xA2\xE5\xAD\x97", 6, 4},
                 {"\xF0\x9F\x98\x80", 4, 2},
                 {"e\xCC\x81", 3, 1},
                 {"a\xFF", 1, 2},
                 {"a\xC0\x80", 1, 3},
                 {"\xED\xA0\x80", 0, 3},
                 {"\xF4\x90\x80\x80", 0, 4},
                 {"abcdefgh\xE2\x82", 8, 10},
                 {"", 0, 0}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t n = strlen(cases[i].text);
        assert_int_equal(aml_utf8_valid(cases[i].text, n), cases[i].valid);
        assert_int_equal(aml_text_width(cases[i].text, n), cases[i].width);
    }
}

/* ---- files */

static char folder[] = "/tmp/automl_test_XXXXXX";
static char *in_folder(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    static const char *const names[] = {"a", "b", "gz", "zst", "link"};
    for (size_t i = 0; i < COUNT(names); i++) unlink(in_folder(names[i]));
    return rmdir(folder); /* fails when a temporary file was left */
}

static void test_write_read(void **state) {
    (void)state;
    aml_memory m = {0};
    char *data;
    size_t size;
    assert_int_equal(aml_write_file(in_folder("a"), "first", 5), AML_OK);
    assert_int_equal(aml_write_file(in_folder("a"), "hello\0there", 11), AML_OK);
    assert_int_equal(aml_read_file(&data, &size, in_folder("a"), 11, &m), AML_OK);
    assert_int_equal(size, 11);
    assert_int_equal(m.used, 12);
    assert_memory_equal(data, "hello\0there", 12);
    aml_memory_release(&m, size + 1);
    aml_free(data);
    assert_int_equal(aml_read_file(&data, &size, in_folder("a"), 10, &m), AML_EDATA);
    assert_null(data);
    m.limit = 4;
    assert_int_equal(aml_read_file(&data, &size, in_folder("a"), 100, &m), AML_ENOMEM);
    assert_int_equal(m.used, 0);
}

static void test_input_failures(void **state) {
    (void)state;
    aml_input *in;
    assert_int_equal(aml_input_open(&in, "/nonexistent/x.csv"), AML_ENOINPUT);
    assert_non_null(strstr(aml_last_error()->message, "/nonexistent/x.csv: No such file"));
    assert_int_equal(aml_input_open(&in, "/tmp"), AML_ENOINPUT);
    assert_non_null(strstr(aml_last_error()->message, "is a directory"));
    assert_null(in);
}

static void test_output_failures(void **state) {
    (void)state;
    char *big = aml_calloc(1 << 20, 1);
    assert_int_equal(aml_write_file("/dev/full", "x", 1), AML_EIO);
    assert_non_null(strstr(aml_last_error()->message, "No space left on device"));
    assert_int_equal(aml_write_file("/dev/full", big, 1 << 20), AML_EIO);
    assert_int_equal(aml_write_file("/dev/null", big, 1 << 20), AML_OK);
    assert_int_equal(aml_write_file("/nonexistent/x", "x", 1), AML_ECANTCREATE);
    assert_int_equal(aml_write_file("/tmp", "x", 1), AML_ECANTCREATE);
    assert_int_equal(aml_check_writable("/nonexistent/x"), AML_ECANTCREATE);
    assert_int_equal(aml_check_writable(in_folder("b")), AML_OK);
    assert_int_not_equal(access(in_folder("b"), F_OK), 0);
    aml_free(big);
}

static void test_output_pieces(void **state) {
    (void)state;
    aml_output *o;
    struct stat st;
    assert_int_equal(aml_write_file(in_folder("b"), "old", 3), AML_OK);
    assert_int_equal(chmod(in_folder("b"), 0640), 0);
    assert_int_equal(aml_output_open(&o, in_folder("b")), AML_OK);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(aml_output_write(o, "0123456789", 10), AML_OK);
    assert_true(!stat(in_folder("b"), &st) && st.st_size == 3); /* not there before the commit */
    assert_int_equal(aml_output_commit(o), AML_OK);
    assert_true(!stat(in_folder("b"), &st) && st.st_size == 1000000 && (st.st_mode & 0777) == 0640);
    assert_int_equal(aml_output_open(&o, in_folder("b")), AML_OK);
    aml_output_write(o, "x", 1);
    aml_output_drop(o);
    assert_true(!stat(in_folder("b"), &st) && st.st_size == 1000000);
    char target[512];
    snprintf(target, sizeof target, "%s", in_folder("b"));
    assert_int_equal(symlink(target, in_folder("link")), 0);
    assert_int_equal(aml_write_file(in_folder("link"), "new", 3), AML_OK);
    assert_true(!lstat(in_folder("link"), &st) && S_ISLNK(st.st_mode));
    assert_true(!stat(target, &st) && st.st_size == 3);
}

/* Reads all of a file in odd pieces. */
static aml_status read_through(char *out, size_t *n, const char *path, const char *kind) {
    aml_input *in;
    size_t got = 1;
    *n = 0;
    aml_status status = aml_input_open(&in, path);
    if (status) return status;
    assert_string_equal(aml_input_compression(in), kind);
    while (!status && got) {
        status = aml_input_read(in, out + *n, 777, &got);
        *n += got;
    }
    aml_input_close(in);
    return status;
}

static size_t gzip(unsigned char *to, size_t room, const char *data, size_t n) {
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)data;
    z.avail_in = (unsigned)n;
    z.next_out = to;
    z.avail_out = (unsigned)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return room - z.avail_out;
}

enum { PLAIN = 300000 };

static void compressed(const char *name, const char *kind, const unsigned char *packed, size_t size,
                       const char *plain) {
    char *out = aml_malloc(2 * PLAIN + 4096);
    size_t n;
    assert_int_equal(aml_write_file(in_folder(name), packed, size), AML_OK);
    assert_int_equal(read_through(out, &n, in_folder(name), kind), AML_OK);
    assert_int_equal(n, 2 * PLAIN);
    assert_memory_equal(out, plain, PLAIN);
    assert_memory_equal(out + PLAIN, plain, PLAIN);
    for (size_t cut = 20; cut < size; cut += size / 7) {
        if (cut == size / 2) continue; /* a whole member */
        assert_int_equal(aml_write_file(in_folder(name), packed, cut), AML_OK);
        assert_int_equal(read_through(out, &n, in_folder(name), kind), AML_EDATA);
        assert_non_null(strstr(aml_last_error()->message, kind));
    }
    aml_free(out);
}

static void test_compression(void **state) {
    (void)state;
    char *plain = aml_malloc(PLAIN);
    unsigned char *packed = aml_malloc(4 * PLAIN);
    aml_rng r = aml_rng_stream(3, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < PLAIN; i++) plain[i] = (char)('0' + aml_rng_below(&r, 10));
    size_t n = gzip(packed, 2 * PLAIN, plain, PLAIN); /* two members */
    n += gzip(packed + n, 2 * PLAIN, plain, PLAIN);
    compressed("gz", "gzip", packed, n, plain);
    n = ZSTD_compress(packed, 2 * PLAIN, plain, PLAIN, 3);
    n += ZSTD_compress(packed + n, 2 * PLAIN, plain, PLAIN, 3);
    compressed("zst", "zstd", packed, n, plain);
    assert_int_equal(aml_crc32(0, "123456789", 9), 0xCBF43926u);
    aml_free(plain);
    aml_free(packed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_double),    cmocka_unit_test(test_parse_random),
        cmocka_unit_test(test_parse_halfway),   cmocka_unit_test(test_format_double),
        cmocka_unit_test(test_format_digits),   cmocka_unit_test(test_format_round_trip),
        cmocka_unit_test(test_locale),          cmocka_unit_test(test_parse_int),
        cmocka_unit_test(test_quantities),      cmocka_unit_test(test_string),
        cmocka_unit_test(test_distance),        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_write_read),      cmocka_unit_test(test_input_failures),
        cmocka_unit_test(test_output_failures), cmocka_unit_test(test_output_pieces),
        cmocka_unit_test(test_compression),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
