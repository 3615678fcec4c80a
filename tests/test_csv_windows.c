/* test_csv_windows.c: text in pieces: the same frame whatever the windows, threads and kernels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "automl/core/csv_marks.h"
#include "automl/core/par.h"
#include "automl/core/rng.h"
#include "csv_pieces.h"
#include "frame_text.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void check_same(const char *text, size_t n, aml_csv_options o) {
    char *differs = reading_differs(text, n, o);
    if (differs) fail_msg("%.*s\n%s", (int)n, text, differs);
}

static void test_table(void **state) {
    (void)state;
    char *text = make_table(3000);
    check_same(text, strlen(text),
               (aml_csv_options){.separator = ',', .header = 1, .decimal = '.'});
    aml_free(text);
}

static void test_random_pieces(void **state) {
    (void)state;
    static const char *const pieces[] = {
        ",", ",",  "\n",   "\n", "\r\n", "\r", "\"",       "\"\"",       "\"x,\ny\"",          "ab",
        "1", "22", "-3.5", "NA", "1e5",  " ",  "\xC3\xA9", "2020-01-01", "\"say \"\"hi\"\"\"", ""};
    aml_rng r = aml_rng_stream(21, AML_RNG_TEST, 0, 0);
    for (int i = 0; i < 600; i++) {
        char text[4000];
        size_t n = 0, count = aml_rng_below(&r, 300), width = 1 + aml_rng_below(&r, 4);
        for (size_t k = 0; k < count; k++) {
            /* mostly well-formed rows, with anything in between */
            const char *p = aml_rng_below(&r, 40) == 0   ? pieces[aml_rng_below(&r, COUNT(pieces))]
                            : k % 2 == 0                 ? pieces[9 + aml_rng_below(&r, 10)]
                            : k / 2 % width == width - 1 ? "\n"
                                                         : ",";
            memcpy(text + n, p, strlen(p));
            n += strlen(p);
        }
        check_same(text, n,
                   (aml_csv_options){.separator = ',',
                                     .header = i % 2 ? 1 : -1,
                                     .decimal = '.',
                                     .ragged = (csv_ragged)(i % 3)});
    }
}

/* Separators, line ends and quotes at every place of a 64-byte word. */
static void test_word_borders(void **state) {
    (void)state;
    static const char *const rows[] = {"%sa,b\n1,2\n",
                                       "%sa,b\r\n1,2\r\n",
                                       "%s\"a\",b\n1,2\n",
                                       "\"%s\"\"a\",b\n\"1\",\"2\"\n",
                                       "%sa,\"b,\r\n\"\r\n,\r\n\"\",\"\"\"\"\n",
                                       "%sa,b\r1,2\r"};
    for (size_t k = 0; k < COUNT(rows); k++)
        for (size_t lead = 0; lead < 140; lead++) {
            char text[600], name[201] = "";
            memset(name, 'x', lead);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            int n = snprintf(text, sizeof text, rows[k], name);
#pragma GCC diagnostic pop
            check_same(text, (size_t)n,
                       (aml_csv_options){.separator = ',', .header = 1, .decimal = '.'});
        }
}

static void test_kernels(void **state) {
    (void)state;
    enum { WORDS = 7 };
    static const csv_kernel kernels[] = {CSV_SCALAR, CSV_AVX2, CSV_AVX512};
    aml_rng r = aml_rng_stream(22, AML_RNG_TEST, 0, 0);
    for (int i = 0; i < 300; i++) {
        char text[64 * WORDS];
        for (size_t k = 0; k < sizeof text; k++)
            text[k] = i % 2 ? ",\n\r\"ab"[aml_rng_below(&r, 6)]
                            : (char)(i % 3 ? 1 + aml_rng_below(&r, 127) : aml_rng_below(&r, 256));
        for (size_t k = 0; k < COUNT(kernels); k++) {
            uint64_t mask[4][WORDS];
            csv_marks m = {mask[0], mask[1], mask[2], mask[3], 0, false, false, false, false};
            if (!csv_mark_by(kernels[k], &m, text, WORDS, ',', i % 5 ? '"' : 0)) continue;
            bool any[256] = {0}, high = false;
            for (size_t b = 0; b < sizeof text; b++) {
                const char of[4] = {',', '\n', '\r', '"'};
                any[(unsigned char)text[b]] = true;
                high |= (unsigned char)text[b] >= 128;
                for (size_t c = 0; c < 4; c++)
                    assert_int_equal(mask[c][b / 64] >> b % 64 & 1,
                                     text[b] == of[c] && (c < 3 || i % 5));
            }
            assert_int_equal(m.any_nul, any[0]);
            assert_int_equal(m.any_high, high);
            assert_int_equal(m.any_carriage, any['\r']);
            assert_int_equal(m.any_quote, any['"'] && i % 5);
        }
    }
}

/* So many distinct texts that the dictionary is given up under way. */
static void test_many_words(void **state) {
    (void)state;
    aml_string s = {0};
    aml_rng r = aml_rng_stream(23, AML_RNG_TEST, 0, 0);
    aml_string_put(&s, "id,key,when,v\n");
    for (int i = 0; i < 60000; i++)
        aml_string_printf(&s, "user%d,k%u,2020-01-%02dT10:%02d:%02d,%d\n", i,
                          aml_rng_below(&r, 1u << 30) % 50000, 1 + i % 28, i / 60 % 60, i % 60, i);
    aml_frame *f[2];
    for (int t = 0; t < 2; t++)
        assert_int_equal(parse(&f[t], NULL, s.text, &(aml_csv_options){.n_threads = 1 + 2 * t}),
                         AML_OK);
    assert_int_equal(f[0]->columns[0].kind, AML_IDENTIFIER);
    assert_int_equal(f[0]->columns[1].kind, AML_CATEGORY);
    assert_int_equal(f[0]->columns[2].kind, AML_DATETIME);
    assert_int_equal(f[0]->columns[3].kind, AML_NUMBER);
    char *a = whole_frame(f[0]), *b = whole_frame(f[1]);
    assert_string_equal(a, b);
    aml_free(a);
    aml_free(b);
    aml_string_free(&s);
}

/* A column is text only at its end: it is read again, by other threads than the first time. */
static void test_second_pass(void **state) {
    (void)state;
    aml_string s = {0};
    char *expected = NULL;
    aml_string_put(&s, "v,late,word\n");
    for (int i = 0; i < 20000; i++)
        aml_string_printf(&s, i > 19600 ? "%d,x%d,w%d\n" : "%d,%d,w%d\n", i, i * 7919 % 997,
                          i % 89);
    for (int k = 0; k < 12; k++) {
        aml_frame *f;
        aml_csv_options o = {.n_threads = 1 + k % 4, .window_bytes = k ? 3000 : 0};
        assert_int_equal(parse(&f, NULL, s.text, &o), AML_OK);
        assert_int_equal(f->columns[1].kind, AML_CATEGORY);
        char *got = whole_frame(f);
        if (expected) assert_string_equal(got, expected);
        else expected = got;
        if (got != expected) aml_free(got);
    }
    aml_free(expected);
    aml_string_free(&s);
}

int main(void) {
    aml_par_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),      cmocka_unit_test(test_random_pieces),
        cmocka_unit_test(test_kernels),    cmocka_unit_test(test_word_borders),
        cmocka_unit_test(test_many_words), cmocka_unit_test(test_second_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
