/* test_score_doors.c: the scoring library from outside: names as other writers of JSON spell them, rows that are all numbers,
 * and functions that are called wrongly. */
#include "score_fixture.h"

enum { HEADER = 28, ENTRY = 24, BEGIN = HEADER + 2 * ENTRY + 4 };

static rows *all;
static char *data; /* a model of two classes, the second "yes" */
static size_t size;

/* ---- another manifest in the same file */

static void put_crc(char *at, const char *bytes, size_t n) {
    uint32_t crc = aml_crc32(0, bytes, n);
    memcpy(at, &crc, sizeof crc);
}

static void put_size(char *at, uint64_t n) { memcpy(at, &n, sizeof n); }

/* The file with `to` for the first `from` of its manifest, lengths and checksums mended. */
static char *rewritten(size_t *n, const char *from, const char *to) {
    uint64_t manifest;
    memcpy(&manifest, data + HEADER + 16, sizeof manifest);
    const char *at = memmem(data + BEGIN, (size_t)manifest, from, strlen(from));
    if (!at) fail_msg("%s is not in the manifest", from);
    *n = size - strlen(from) + strlen(to);
    char *out = aml_malloc(*n), *rest = out + (at - data) + strlen(to);
    assert_non_null(out);
    memcpy(out, data, (size_t)(at - data));
    memcpy(out + (at - data), to, strlen(to));
    memcpy(rest, at + strlen(from), size - (size_t)(at - data) - strlen(from));
    manifest += strlen(to) - strlen(from);
    put_size(out + 16, *n);
    put_crc(out + 24, out, 24);
    put_size(out + HEADER + 16, manifest);
    put_size(out + HEADER + ENTRY + 8, BEGIN + manifest);
    put_crc(out + HEADER + 4, out + BEGIN, (size_t)manifest);
    put_crc(out + HEADER + ENTRY + 4, out + BEGIN + manifest, *n - BEGIN - (size_t)manifest);
    put_crc(out + BEGIN - 4, out + HEADER, 2 * ENTRY);
    return out;
}

/* Both load it with that name of the second class, or both refuse it where it is NULL. */
static void expect_name(const char *spelled, const char *name) {
    aml_model *engine = NULL;
    aml_score_model *model = NULL;
    size_t n;
    char *bytes = rewritten(&n, "\"yes\"", spelled);
    aml_status one = aml_model_load_memory(&engine, bytes, n),
               two = aml_score_load_memory(&model, bytes, n);
    if (one != two) fail_msg("%s: %d by the engine, %d by the scorer", spelled, one, two);
    assert_int_equal(one, name ? AML_OK : AML_EDATA);
    if (name) assert_string_equal(aml_score_class(model, 1), name);
    if (name) assert_string_equal(engine->classes[1], name);
    aml_model_free(engine);
    aml_score_free(model);
    aml_free(bytes);
}

static void reads_every_spelling(void **state) {
    (void)state;
    expect_name("\"yes\"", "yes");
    expect_name("\"\\u0079\\u0065s\"", "yes");
    expect_name("\"\\u00E9\\u732b\"", "é猫");
    expect_name("\"\\ud83d\\uDE00!\"", "😀!");
    expect_name("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t");
}

static void refuses_what_is_no_text(void **state) {
    static const char *const wrong[] = {"\"\\ud83d\"",
                                        "\"\\ud83dx\"",
                                        "\"\\ud83d\\n\"",
                                        "\"\\ud83d\\u0041\"",
                                        "\"\\ud83d\\uzzzz\"",
                                        "\"\\ude00\"",
                                        "\"\\u00g0\"",
                                        "\"\\u12\"",
                                        "\"\\u0000\"",
                                        "\"\\x41\"",
                                        "\"\xff\xfe\"",
                                        "\"\xed\xa0\x80\"",
                                        "yes",
                                        "\"yes\"\"",
                                        "{\"yes\":\"}",
                                        "[\"yes\"",
                                        "\"yes\":1",
                                        "-",
                                        "1e999",
                                        "0x10",
                                        "nul",
                                        "{\"a\" \"b\"}"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) expect_name(wrong[i], NULL);
}

/* Deeper than any manifest: refused, and not by the end of the stack. */
static void refuses_depth(void **state) {
    static char deep[200001];
    (void)state;
    memset(deep, '[', sizeof deep - 1);
    expect_name(deep, NULL);
}

/* ---- rows, misuse */

static void takes_rows_of_numbers(void **state) {
    enum { N = 5 };
    aml_score_model *m;
    aml_scorer *s;
    double numbers[N * WIDTH], a[N], b[N];
    aml_cell cells[N * WIDTH];
    (void)state;
    for (size_t i = 0; i < N * WIDTH; i++) {
        numbers[i] = i % 7 ? (double)i / 4 : NAN;
        cells[i] = (aml_cell){.number = numbers[i]};
    }
    assert_int_equal(aml_score_load_memory(&m, data, size), AML_OK);
    assert_int_equal(aml_scorer_new(&s, m), AML_OK);
    assert_int_equal(aml_scorer_numbers(a, s, numbers, N), AML_OK);
    assert_int_equal(aml_scorer_rows(b, s, cells, N), AML_OK);
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(aml_scorer_numbers(a, s, numbers, 0), AML_OK);
    numbers[0] = -INFINITY;
    assert_int_equal(aml_scorer_numbers(a, s, numbers, N), AML_EDATA);
    assert_non_null(strstr(aml_score_last_error()->message, column_names[0]));
    aml_scorer_free(s);
    aml_score_free(m);
}

static void lacks(aml_status status, const char *name) {
    assert_int_equal(status, AML_EUSAGE);
    assert_non_null(strstr(aml_score_last_error()->message, name));
}

static void names_what_is_missing(void **state) {
    aml_score_model *m, *other;
    aml_scorer *s;
    aml_score_input in = {.size = sizeof in};
    double x = 0;
    const char *text = NULL;
    aml_cell cell = {.number = 0};
    char shown[200] = "-";
    (void)state;
    assert_int_equal(aml_score_load_memory(&m, data, size), AML_OK);
    assert_int_equal(aml_scorer_new(&s, m), AML_OK);
    lacks(aml_score_load(NULL, "x"), "out");
    lacks(aml_score_load(&other, NULL), "path");
    assert_null(other);
    lacks(aml_score_load_memory(NULL, data, size), "out");
    lacks(aml_scorer_new(NULL, m), "out");
    lacks(aml_scorer_row(NULL, s, &cell), "out");
    lacks(aml_scorer_row(&x, NULL, &cell), "s");
    lacks(aml_scorer_rows(&x, s, NULL, 1), "cells");
    lacks(aml_scorer_numbers(NULL, s, &x, 1), "out");
    lacks(aml_scorer_numbers(&x, NULL, &x, 1), "s");
    lacks(aml_scorer_numbers(&x, s, NULL, 1), "cells");
    lacks(aml_scorer_texts(NULL, s, &text, 1), "out");
    lacks(aml_scorer_texts(&x, s, NULL, 1), "cells");
    assert_false(aml_score_input_at(NULL, 0, &in));
    assert_null(aml_score_class(NULL, 0));
    assert_null(aml_score_level(NULL, 0, 0));
    assert_int_equal(aml_score_find(m, NULL), -1);
    aml_score_format_error(NULL, 0, aml_score_last_error());
    aml_score_format_error(shown, sizeof shown, NULL);
    assert_string_equal(shown, "-");
    aml_scorer_texts(&x, s, NULL, 1);
    aml_score_format_error(shown, sizeof shown, aml_score_last_error());
    assert_non_null(strstr(shown, "cells"));
    aml_scorer_free(s);
    aml_scorer_free(NULL);
    aml_score_free(NULL);
    aml_score_free(m);
}

/* ---- */

static int setup(void **state) {
    char path[] = "/tmp/test_score_XXXXXX";
    (void)state;
    all = make_rows();
    world *w = world_new(all, AML_BINARY);
    aml_model *m = make_model(&(recipe){"gbdt", "datetime multi_hot text_hash", 1}, 1, w);
    close(mkstemp(path));
    assert_int_equal(aml_model_save(m, path), AML_OK);
    assert_int_equal(aml_read_file(&data, &size, path, SIZE_MAX, NULL), AML_OK);
    unlink(path);
    aml_model_free(m);
    world_free(w);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    aml_free(all);
    aml_free(data);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_spelling),  cmocka_unit_test(refuses_what_is_no_text),
        cmocka_unit_test(refuses_depth),         cmocka_unit_test(takes_rows_of_numbers),
        cmocka_unit_test(names_what_is_missing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
