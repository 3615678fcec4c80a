/* test_arrow.c: frames from Arrow's arrays: every type, offsets, nulls, chunks; and that all is released once. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include "arrow_table.h"
#include "automl/core/arrow.h"
#include "frame_text.h"

static int check_released(void **state) {
    (void)state;
    assert_int_equal(arrow_errors, 0);
    assert_int_equal(arrow_live, 0);
    return 0;
}

/* A table of one column. */
static aml_status read_one(aml_frame **f, struct ArrowArray a, struct ArrowSchema s,
                           const aml_arrow_options *o) {
    struct ArrowArray table = arrow_array(a.length, 0, 1);
    struct ArrowSchema columns = arrow_schema("+s", "");
    arrow_child(&table, a);
    arrow_field(&columns, s);
    aml_status status = aml_frame_from_arrow(f, &table, &columns, o);
    assert_null(table.release);
    assert_null(columns.release);
    return status;
}

static void expect(struct ArrowArray a, struct ArrowSchema s, const char *expected) {
    aml_frame *f;
    if (read_one(&f, a, s, NULL)) fail_msg("%s", aml_last_error()->message);
    char *shown = show(f);
    assert_string_equal(shown, expected);
    aml_free(shown);
    aml_frame_free(f);
    check_released(NULL);
}

static void expect_error(struct ArrowArray a, struct ArrowSchema s, const char *text) {
    aml_frame *f;
    assert_int_equal(read_one(&f, a, s, NULL), AML_EDATA);
    assert_null(f);
    if (!strstr(aml_last_error()->message, text)) fail_msg("%s", aml_last_error()->message);
    check_released(NULL);
}

/* Rows 1 to 3 of four values, of which the second row is null. */
static void expect_values(const char *format, const void *values, size_t width,
                          const char *expected) {
    static const uint8_t valid[] = {0x0B};
    struct ArrowArray a = arrow_array(3, 1, 2);
    arrow_buffer(&a, 0, valid, 1);
    arrow_buffer(&a, 1, values, 4 * width);
    expect(a, arrow_schema(format, "x"), expected);
}
#define VALUES(format, type, expected, ...) \
    expect_values(format, (const type[4]){__VA_ARGS__}, sizeof(type), expected)

static void test_numbers(void **state) {
    (void)state;
    VALUES("c", int8_t, "x:n\n-3\n\n127", 1, -3, 9, 127);
    VALUES("C", uint8_t, "x:n\n3\n\n255", 1, 3, 9, 255);
    VALUES("s", int16_t, "x:n\n-300\n\n5", 1, -300, 9, 5);
    VALUES("S", uint16_t, "x:n\n300\n\n65535", 1, 300, 9, 65535);
    VALUES("i", int32_t, "x:n\n-70000\n\n5", 1, -70000, 9, 5);
    VALUES("I", uint32_t, "x:n\n3\n\n4294967295", 1, 3, 9, UINT32_MAX);
    VALUES("l", int64_t, "x:n\n-9007199254740992\n\n5", 1, -(INT64_C(1) << 53), 9, 5);
    VALUES("L", uint64_t, "x:n\n1.8446744073709552e+19\n\n5", 1, UINT64_MAX, 9, 5);
    VALUES("e", uint16_t, "x:n\n-2\n\n5.960464477539063e-08", 0, 0xC000, 0, 1);
    VALUES("f", float, "x:n\n0.5\n\n", 1, 0.5F, 9, NAN);
    VALUES("g", double, "x:n\n0.1\n\n-1e+300", 1, 0.1, 9, -1e300);
    VALUES("tDm", int64_t, "x:n\n1.5\n\n-0.25", 0, 1500, 9, -250);
}

static void test_dates(void **state) {
    (void)state;
    VALUES("tdD", int32_t, "x:d\n1969-12-31\n\n2020-02-29", 1, -1, 9, 18321);
    VALUES("tdm", int64_t, "x:d\n1970-01-02\n\n1970-01-01", 1, 86400000, 9, 0);
    VALUES("tss:", int64_t, "x:d\n1969-12-31T23:59:59\n\n2001-09-09T01:46:40", 1, -1, 9,
           1000000000);
    VALUES("tsm:UTC", int64_t, "x:d\n1969-12-31T23:59:59.999\n\n1970-01-01", 1, -1, 9, 0);
    VALUES("tsu:Europe/Rome", int64_t, "x:d\n2001-09-09T01:46:40.000001\n\n1970-01-01", 1,
           INT64_C(1000000000000001), 9, 0);
    VALUES("tsn:", int64_t, "x:d\n2001-09-09T01:46:40.5\n\n1970-01-01", 1,
           INT64_C(1000000000500000000), 9, 0);
    VALUES("tts", int32_t, "x:d\n1970-01-01T01:00:00\n\n1970-01-01", 1, 3600, 9, 0);
    VALUES("ttn", int64_t, "x:d\n1970-01-01T00:00:00.5\n\n1970-01-01", 1, 500000000, 9, 0);
    struct ArrowArray a = arrow_array(1, 0, 2);
    arrow_buffer(&a, 1, (const int64_t[]){INT64_MAX}, 8);
    expect_error(a, arrow_schema("tss:", "when"), "column `when` is beyond the years");
}

static void test_decimals(void **state) {
    (void)state;
    static const struct {
        uint64_t low, high;
    } values[4] = {{0, 0},
                   {(uint64_t)-12345, UINT64_MAX},
                   {0, 0},
                   {UINT64_C(0x6765C793FA10079D), UINT64_C(0x204FCE5E3E250261)}};
    expect_values("d:38,2", values, 16, "x:n\n-123.45\n\n4.294967296e+35");
    struct ArrowArray a = arrow_array(2, 0, 2);
    arrow_buffer(&a, 1,
                 (const uint64_t[]){1, 0, 0, 0, (uint64_t)-25, UINT64_MAX, UINT64_MAX, UINT64_MAX},
                 64);
    expect(a, arrow_schema("d:70,1,256", "x"), "x:n\n0.1\n-2.5");
    a = arrow_array(2, 0, 2);
    arrow_buffer(&a, 1, (const int32_t[]){-7, 70}, 8);
    expect(a, arrow_schema("d:9,-2,32", "x"), "x:n\n-700\n7000");
}

static void test_truth(void **state) {
    (void)state;
    struct ArrowArray a = arrow_array(3, 6, 2);
    arrow_buffer(&a, 1, (const uint8_t[]){0x40, 0x01}, 2);
    expect(a, arrow_schema("b", "x"), "x:c\ntrue\nfalse\ntrue");
    a = arrow_array(2, 0, 0);
    expect(a, arrow_schema("n", "x"), "x:n\n\n");
}

static void test_texts(void **state) {
    (void)state;
    static const char *const words[] = {"b", NULL, "è", "b"}, *const dates[] = {"2020-01-02", NULL};
    expect(arrow_texts_of(words, 4), arrow_schema("u", "x"), "x:c\nb\n\nè\nb");
    expect(arrow_texts_of(dates, 2), arrow_schema("u", "x"), "x:d\n2020-01-02\n");
    struct ArrowArray a = arrow_array(2, 1, 3);
    arrow_buffer(&a, 1, (const int64_t[]){0, 1, 3, 3}, 32);
    arrow_buffer(&a, 2, "abc", 3);
    expect(a, arrow_schema("U", "x"), "x:c\nbc\n");
    a = arrow_array(2, 0, 4);
    static const char views[32] = "\3\0\0\0ab,\0\0\0\0\0\0\0\0\0\15\0\0\0long\0\0\0\0\1\0\0\0";
    arrow_buffer(&a, 1, views, 32);
    arrow_buffer(&a, 2, "-long enough 1", 14);
    arrow_buffer(&a, 3, (const int64_t[]){14}, 8);
    expect(a, arrow_schema("vu", "x"), "x:c\nab,\nlong enough 1");
}

/* Texts that do not fit are told by their place. */
static void test_bad_texts(void **state) {
    (void)state;
    static const char *const latin[] = {"a", "\xE8"}, *const infinite[] = {"1", "inf", "2"};
    expect_error(arrow_texts_of(latin, 2), arrow_schema("u", "x"),
                 "value 2 of column `x` is not UTF-8");
    expect_error(arrow_texts_of(infinite, 3), arrow_schema("u", "x"), "`inf` in the column");
    struct ArrowArray a = arrow_array(1, 0, 3);
    arrow_buffer(&a, 1, (const int32_t[]){0, 2}, 8);
    arrow_buffer(&a, 2, "a", 2);
    expect_error(a, arrow_schema("u", "x"), "has a NUL byte");
}

static struct ArrowSchema dictionary_schema(const char *keys, const char *values) {
    struct ArrowSchema s = arrow_schema(keys, "x");
    s.dictionary = arrow_schema_copy(arrow_schema(values, ""));
    return s;
}

static void test_dictionaries(void **state) {
    (void)state;
    static const char *const texts[] = {"7", NULL, "8"};
    struct ArrowArray a = arrow_array(4, 0, 2);
    arrow_buffer(&a, 1, (const int8_t[]){2, 0, 1, 2}, 4);
    arrow_dictionary(&a, arrow_texts_of(texts, 3));
    expect(a, dictionary_schema("c", "u"), "x:c\n8\n7\n\n8");
    struct ArrowArray numbers = arrow_array(2, 1, 2);
    arrow_buffer(&numbers, 1, (const int64_t[]){0, 10, 20}, 24);
    a = arrow_array(2, 0, 2);
    arrow_buffer(&a, 1, (const uint32_t[]){1, 0}, 8);
    arrow_dictionary(&a, numbers);
    expect(a, dictionary_schema("I", "l"), "x:c\n20\n10");
    a = arrow_array(1, 0, 2);
    arrow_buffer(&a, 1, (const int8_t[]){3}, 1);
    arrow_dictionary(&a, arrow_texts_of(texts, 3));
    expect_error(a, dictionary_schema("c", "u"), "numbers beyond its dictionary");
}

static void test_refused(void **state) {
    (void)state;
    static const char *const formats[] = {"+l", "+s", "+m", "z", "w:16", "tiM", "d:1", "+r", "?"};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        expect_error(arrow_array(1, 0, 1), arrow_schema(formats[i], "odd one"),
                     "column `odd one` holds");
    expect_error(arrow_array(1, 0, 1), arrow_schema("l", "x"), "too few buffers");
    expect_error(arrow_array(1, 0, 2), arrow_schema("l", "x"), "has no values");
    struct ArrowArray a = arrow_array(2, 0, 3);
    arrow_buffer(&a, 1, (const int32_t[]){0, 2, 1}, 12);
    arrow_buffer(&a, 2, "abc", 3);
    expect_error(a, arrow_schema("u", "x"), "offsets that fall");
    a = arrow_array(2, 0, 2);
    arrow_buffer(&a, 1, (const double[]){1, HUGE_VAL}, 16);
    expect_error(a, arrow_schema("g", "x"), "value 2 of column `x` is infinite");
}

/* ---- tables */

static struct ArrowArray floats(const double *values, int64_t n) {
    struct ArrowArray a = arrow_array(n, 0, 2);
    arrow_buffer(&a, 1, values, (size_t)n * sizeof *values);
    return a;
}

static struct ArrowSchema table_schema(void) {
    struct ArrowSchema s = arrow_schema("+s", "");
    arrow_field(&s, arrow_schema("g", "x"));
    arrow_field(&s, arrow_schema("u", "zip"));
    return s;
}

static struct ArrowArray table_of(const double *x, const char *const *words, int64_t n) {
    struct ArrowArray t = arrow_array(n, 0, 1);
    arrow_child(&t, floats(x, n));
    arrow_child(&t, arrow_texts_of(words, n));
    return t;
}

/* A column of plain floats is read where it is, and released with the frame. */
static void test_borrowing(void **state) {
    (void)state;
    static const double x[] = {1, 2.5, NAN};
    static const char *const zip[] = {"001", "002", "001"};
    struct ArrowArray t = table_of(x, zip, 3);
    struct ArrowSchema s = table_schema();
    const double *where = t.children[0]->buffers[1];
    aml_frame *f;
    const char *const text[] = {"zip", NULL};
    aml_arrow_options o = {.size = sizeof o, .categories = text, .memory_limit = 1 << 20};
    assert_int_equal(aml_frame_from_arrow(&f, &t, &s, &o), AML_OK);
    assert_ptr_equal(f->columns[0].number, where);
    assert_int_equal(arrow_live, 1);
    char *shown = show(f);
    assert_string_equal(shown, "x:n|zip:c\n1|001\n2.5|002\n|001");
    assert_int_equal(f->columns[0].n_missing, 1);
    aml_free(shown);
    aml_frame_free(f);
    check_released(NULL);
}

static void test_options(void **state) {
    (void)state;
    static const double x[] = {1, 2};
    static const char *const zip[] = {"001", "002"};
    struct ArrowArray t = table_of(x, zip, 2);
    struct ArrowSchema s = table_schema();
    aml_frame *f;
    const char *const skip[] = {"x", NULL};
    aml_arrow_options o = {.size = sizeof o, .skip = skip};
    assert_int_equal(aml_frame_from_arrow(&f, &t, &s, &o), AML_OK);
    char *shown = show(f);
    assert_string_equal(shown, "zip:n\n1\n2");
    aml_free(shown);
    aml_frame_free(f);
    t = table_of(x, zip, 2);
    s = table_schema();
    o = (aml_arrow_options){.size = sizeof o, .memory_limit = 100};
    assert_int_equal(aml_frame_from_arrow(&f, &t, &s, &o), AML_ENOMEM);
    assert_int_equal(aml_frame_from_arrow(&f, &t, &s, &o), AML_EUSAGE); /* released */
    t = table_of(x, zip, 2);
    t.length = 3;
    s = table_schema();
    assert_int_equal(aml_frame_from_arrow(&f, &t, &s, NULL), AML_EDATA);
    t = table_of(x, zip, 2);
    s = arrow_schema("+s", "");
    assert_int_equal(aml_frame_from_arrow(&f, &t, &s, NULL), AML_EDATA);
}

/* The offset of the table adds to that of its columns, and its nulls to theirs. */
static void test_offsets(void **state) {
    (void)state;
    static const double x[] = {1, 2, 3, 4};
    static const char *const words[] = {"a", "b", NULL, "d"};
    struct ArrowArray t = table_of(x, words, 4);
    struct ArrowSchema s = table_schema();
    arrow_buffer(&t, 0, (const uint8_t[]){0x06}, 1);
    t.offset = 1;
    t.length = 3;
    aml_frame *f;
    assert_int_equal(aml_frame_from_arrow(&f, &t, &s, NULL), AML_OK);
    char *shown = show(f);
    assert_string_equal(shown, "x:n|zip:c\n2|b\n3|\n|");
    aml_free(shown);
    aml_frame_free(f);
}

/* ---- streams */

typedef struct chunks {
    int next, n, fail_at, closed;
    bool bad_schema;
} chunks;

static int give_schema(struct ArrowArrayStream *s, struct ArrowSchema *out) {
    if (((chunks *)s->private_data)->bad_schema) return EINVAL;
    *out = table_schema();
    return 0;
}

static int give_chunk(struct ArrowArrayStream *s, struct ArrowArray *out) {
    static const double x[] = {1, 2, 3};
    static const char *const words[] = {"a", "b", "a"};
    chunks *c = s->private_data;
    out->release = NULL;
    if (c->next == c->fail_at) return EIO;
    if (c->next < c->n) *out = table_of(x + c->next, words + c->next, c->next == 1 ? 0 : 2);
    c->next++;
    return 0;
}

static const char *last_error(struct ArrowArrayStream *s) {
    return ((chunks *)s->private_data)->bad_schema ? NULL : "the pipe broke";
}

static void close_stream(struct ArrowArrayStream *s) {
    ((chunks *)s->private_data)->closed++;
    s->release = NULL;
}

static void read_stream(chunks c, aml_status expected, const char *text) {
    struct ArrowArrayStream s = {give_schema, give_chunk, last_error, close_stream, &c};
    aml_frame *f;
    assert_int_equal(aml_frame_from_arrow_stream(&f, &s, NULL), expected);
    assert_null(s.release);
    assert_int_equal(c.closed, 1);
    char *shown = expected ? NULL : show(f);
    if (!strstr(expected ? aml_last_error()->message : shown, text))
        fail_msg("%s", expected ? aml_last_error()->message : shown);
    aml_free(shown);
    aml_frame_free(f);
    check_released(NULL);
}

static void test_streams(void **state) {
    (void)state;
    read_stream((chunks){.n = 2, .fail_at = -1}, AML_OK, "x:n|zip:c\n1|a\n2|b");
    read_stream((chunks){.n = 0, .fail_at = -1}, AML_OK, "x:n|zip:n");
    read_stream((chunks){.n = 3, .fail_at = 2}, AML_EIO, "the pipe broke");
    read_stream((chunks){.bad_schema = true}, AML_EIO, "Invalid argument");
}

/* At whatever allocation memory ends, all is released. */
static void test_memory(void **state) {
    (void)state;
    static const double x[] = {1, 2, 3};
    static const char *const words[] = {"a", "b", "a"};
    aml_status status = AML_ENOMEM;
    for (uint64_t n = 1; status; n++) {
        struct ArrowArray t = table_of(x, words, 3);
        struct ArrowSchema s = table_schema();
        aml_frame *f;
        aml_fail_alloc(n, false);
        status = aml_frame_from_arrow(&f, &t, &s, NULL);
        aml_fail_alloc(0, false);
        assert_true(status == AML_OK || status == AML_ENOMEM);
        aml_frame_free(f);
        check_released(NULL);
    }
}

static void write_cell(char out[32], int kind, int i) {
    switch (kind) {
    case 0: snprintf(out, 32, "w%d", i % 9); break;
    case 1: snprintf(out, 32, "key-%d", i); break;
    case 2: snprintf(out, 32, "2020-01-%02d", 1 + i % 28); break;
    default: snprintf(out, 32, "$%d,000", 1 + i); break;
    }
}

/* The same values from CSV. */
static void test_like_csv(void **state) {
    (void)state;
    enum { N = 200 };
    static char words[N][32];
    const char *values[N];
    for (int kind = 0; kind < 4; kind++) {
        aml_string csv = {0};
        aml_frame *f, *g;
        aml_string_put(&csv, "x\n");
        for (int i = 0; i < N; i++) {
            write_cell(words[i], kind, i);
            values[i] = i % 50 == 7 ? NULL : words[i];
            aml_string_printf(&csv, "\"%s\"\n", values[i] ? values[i] : "");
        }
        assert_int_equal(parse(&f, NULL, csv.text, &(aml_csv_options){0}), AML_OK);
        assert_int_equal(read_one(&g, arrow_texts_of(values, N), arrow_schema("u", "x"), NULL),
                         AML_OK);
        assert_true(aml_frame_hash(f, 1) == aml_frame_hash(g, 1));
        assert_int_equal(f->columns[0].form, g->columns[0].form);
        aml_frame_free(f);
        aml_frame_free(g);
        aml_string_free(&csv);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_numbers, check_released),
        cmocka_unit_test_teardown(test_dates, check_released),
        cmocka_unit_test_teardown(test_decimals, check_released),
        cmocka_unit_test_teardown(test_truth, check_released),
        cmocka_unit_test_teardown(test_texts, check_released),
        cmocka_unit_test_teardown(test_bad_texts, check_released),
        cmocka_unit_test_teardown(test_dictionaries, check_released),
        cmocka_unit_test_teardown(test_refused, check_released),
        cmocka_unit_test_teardown(test_borrowing, check_released),
        cmocka_unit_test_teardown(test_options, check_released),
        cmocka_unit_test_teardown(test_offsets, check_released),
        cmocka_unit_test_teardown(test_streams, check_released),
        cmocka_unit_test_teardown(test_memory, check_released),
        cmocka_unit_test_teardown(test_like_csv, check_released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
