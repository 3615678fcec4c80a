/* test_csv_corpus.c: files as the world makes them: each is read as it was meant, or refused with the place and the
 * way out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "automl/core/par.h"
#include "automl/core/rng.h"
#include "csv_pieces.h"
#include "frame_text.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* ---- a good table of 200 rows, and what can be done to it */

enum { ROWS = 200 };

typedef struct edit {
    size_t line;      /* 1 is the header, 0: none */
    const char *text; /* the line instead */
    const char *cell; /* or the first cell instead */
} edit;

static void put_table(aml_string *s, const edit *e, const char *separator, const char *end) {
    aml_rng r = aml_rng_stream(31, AML_RNG_TEST, 0, 0);
    static const char *const colours[] = {"red", "green", "blue"};
    for (size_t line = 1; line <= ROWS + 1; line++) {
        double a = aml_rng_normal(&r), b = aml_rng_normal(&r);
        const char *colour = colours[aml_rng_below(&r, 3)], *sep = separator;
        bool edited = e && e->line == line;
        if (edited && e->text) aml_string_put(s, e->text);
        else if (line == 1) aml_string_printf(s, "a%sb%sc%sy", sep, sep, sep);
        else if (edited) aml_string_printf(s, "%s%s%.6f%s%s%s1", e->cell, sep, b, sep, colour, sep);
        else
            aml_string_printf(s, "%.6f%s%.6f%s%s%s%d", a, sep, b, sep, colour, sep,
                              (int)aml_rng_below(&r, 2));
        aml_string_put(s, end);
    }
    assert_false(s->failed);
}

static void check_failure(const char *text, size_t n, const aml_csv_options *o, size_t line,
                          const char *const words[4]) {
    aml_frame *f;
    char all[2000];
    if (aml_csv_parse(&f, NULL, text, n, "t.csv", o) != AML_EDATA)
        fail_msg("accepted, but should fail for `%s`", words[0]);
    const aml_error *e = aml_last_error();
    snprintf(all, sizeof all, "%s\n%s\n%s", e->message, e->why, e->help);
    if (e->line != line) fail_msg("%s: line %zu, not %zu", all, e->line, line);
    for (size_t k = 0; k < 4 && words[k]; k++)
        if (!strstr(all, words[k])) fail_msg("no `%s` in: %s", words[k], all);
    assert_true(e->help[0] != 0);
}

/* ---- refused */

static void test_refused(void **state) {
    (void)state;
    static const struct {
        edit edit;
        const char *words[4];
    } cases[] = {
        {{51, "0.1,0.2,red", NULL}, {"row has 3 fields", "has 4"}},
        {{51, "0.1,0.2,red,1,9,9", NULL}, {"row has 6 fields", "has 4"}},
        {{51, "1,5,0.2,red,1", NULL}, {"row has 5 fields", "decimal comma"}},
        {{10, "1,2,\"never closed,1", NULL}, {"unterminated"}},
        {{10, "1,2,\"red\"x,1", NULL}, {"after closing quote"}},
        {{1, "a,a,c,y", NULL}, {"duplicate", "`a`"}},
        {{151, "Total,,,200", NULL}, {"Total", "`a`"}},
        {{101, "a,b,c,y", NULL}, {"header comes again"}},
        {{10, NULL, "inf"}, {"`inf`", "`a`"}},
        {{10, NULL, "1e999"}, {"1e999", "overflow"}},
        {{10, NULL, "0x1F"}, {"0x1F"}},
        {{10, NULL, "\"1,234.5\""}, {"thousands"}},
        {{200, NULL, "oops"}, {"oops"}},
        {{10, "1,2,ros\xE9,1", NULL}, {"UTF-8", "--encoding latin1"}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        aml_string s = {0};
        put_table(&s, &cases[i].edit, ",", "\n");
        size_t line = cases[i].edit.line;
        check_failure(s.text, s.length, NULL, line, cases[i].words);
        /* the same when the file comes in many pieces */
        check_failure(s.text, s.length,
                      &(aml_csv_options){.window_bytes = 1000, .header = 1, .n_threads = 3}, line,
                      cases[i].words);
        aml_string_free(&s);
    }
}

static void test_long(void **state) {
    (void)state;
    static const char *const field[4] = {"field", "limit of 16 MiB"};
    static const char *const quote[4] = {"unterminated"};
    size_t n = (20u << 20) + 64;
    char *text = malloc(n);
    assert_non_null(text);
    memset(text, 'x', n);
    memcpy(text, "a,b\n1,2\n", 8);
    memcpy(text + n - 3, ",2\n", 3);
    check_failure(text, n, NULL, 3, field);
    text[8] = '"';
    check_failure(text, n, NULL, 3, quote);
    free(text);
}

/* ---- read as meant */

static void check_good(const char *text, size_t n, const aml_csv_options *o, const char *expected,
                       const char *note) {
    aml_frame *f;
    aml_csv_report r;
    if (aml_csv_parse(&f, &r, text, n, "t.csv", o))
        fail_msg("%s: %s", note ? note : "", aml_last_error()->message);
    bool noted = !note;
    for (size_t i = 0; note && i < r.n_notes; i++) noted |= strstr(r.notes[i], note) != NULL;
    if (!noted) fail_msg("no note `%s`", note);
    char *shown = show(f);
    assert_string_equal(shown, expected);
    aml_free(shown);
    aml_frame_free(f);
}

static char *good_frame(void) {
    aml_string s = {0};
    aml_frame *f;
    put_table(&s, NULL, ",", "\n");
    assert_int_equal(aml_csv_parse(&f, NULL, s.text, s.length, "t.csv", NULL), AML_OK);
    char *shown = show(f);
    aml_frame_free(f);
    aml_string_free(&s);
    return shown;
}

static void replace(aml_string *s, char from, char to) {
    for (size_t i = 0; i < s->length; i++)
        if (s->text[i] == from) s->text[i] = to;
}

/* The same table in other dress gives the same frame. */
static void test_dress(void **state) {
    (void)state;
    static const struct {
        const char *separator, *end, *note;
        char decimal;
    } cases[] = {{",", "\r\n", NULL, '.'},         {",", "\r", NULL, '.'},
                 {";", "\n", "semicolons", '.'},   {"\t", "\n", "tabs", '.'},
                 {"|", "\r\n", "bars", '.'},       {";", "\n", "decimal comma", ','},
                 {",", "\n\n", "blank lines", '.'}};
    char *expected = good_frame();
    for (size_t i = 0; i < COUNT(cases); i++) {
        aml_string s = {0};
        put_table(&s, NULL, cases[i].separator, cases[i].end);
        if (cases[i].decimal == ',') replace(&s, '.', ',');
        check_good(s.text, s.length, NULL, expected, cases[i].note);
        aml_string_free(&s);
    }
    aml_free(expected);
}

static const aml_csv_kind b_is_category[] = {{"b", AML_CATEGORY}};
static const aml_csv_kind when_is_date[] = {{"when", AML_DATETIME}};

/* Left out, mended, or given by options. */
static void test_options(void **state) {
    (void)state;
    static const struct {
        const char *text;
        aml_csv_options o;
        const char *frame, *note;
    } cases[] = {
        {"title\nby us\na,b\n1,2\n", {.skip_lines = 2}, "a:n|b:n\n1|2", NULL},
        {"a,b\n1,2\nTotal,2\nend\n", {.skip_footer = 2}, "a:n|b:n\n1|2", NULL},
        {"a,b\n1,2\n3\n4,5,6\n", {.ragged = CSV_RAGGED_PAD}, "a:n|b:n\n1|2\n3|\n4|5", "2 rows"},
        {"a,b\n1,2\n3\n4,5,6\n", {.ragged = CSV_RAGGED_SKIP}, "a:n|b:n\n1|2", "left out"},
        {"a,b\n'x,1',2\n'it''s',3\n", {.quote = '\''}, "a:c|b:n\nx,1|2\nit's|3", NULL},
        {"a,b\n\"x,2\n", {.quote = '\1', .header = 1}, "a:c|b:n\n\"x|2", NULL},
        {"a,b\nros\xE9,1\n\x80,2\n",
         {.encoding = "Latin1"},
         "a:c|b:n\nros\xC3\xA9|1\n\xC2\x80|2",
         NULL},
        {"a,b\n\x80,2\n", {.encoding = "windows-1252"}, "a:c|b:n\n\xE2\x82\xAC|2", NULL},
        {"a,b\n1.5,2020\n", {.kinds = b_is_category, .n_kinds = 1}, "a:n|b:c\n1.5|2020", NULL},
        {"id,when\n20200131,20200131\n",
         {.kinds = when_is_date, .n_kinds = 1},
         "id:n|when:d\n20200131|2020-01-31",
         NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check_good(cases[i].text, strlen(cases[i].text), &cases[i].o, cases[i].frame,
                   cases[i].note);
    aml_frame *f;
    assert_int_equal(parse(&f, NULL, "a\n1\n", &(aml_csv_options){.encoding = "klingon"}),
                     AML_EUSAGE);
}

static void test_utf16(void **state) {
    (void)state;
    static const char text[] = "a,b\r\n1,\xC3\xA9\xF0\x9F\x98\x80\r\n";
    static const uint16_t units[] = {'a', ',',    'b',    '\r',   '\n', '1',
                                     ',', 0x00E9, 0xD83D, 0xDE00, '\r', '\n'};
    for (int big = 0; big < 2; big++)
        for (int mark = 0; mark < 2; mark++) {
            char bytes[2 * COUNT(units) + 2];
            size_t n = 0;
            if (mark) n = 2, memcpy(bytes, big ? "\xFE\xFF" : "\xFF\xFE", 2);
            for (size_t i = 0; i < COUNT(units); i++) {
                bytes[n++] = (char)(big ? units[i] >> 8 : units[i] & 255);
                bytes[n++] = (char)(big ? units[i] & 255 : units[i] >> 8);
            }
            const char *name = mark ? "utf-16" : big ? "utf-16be" : "utf-16le";
            check_good(bytes, n, &(aml_csv_options){.encoding = name},
                       "a:n|b:c\n1|\xC3\xA9\xF0\x9F\x98\x80", NULL);
            static const char *const words[2][4] = {{"NUL"}, {"UTF-16", "--encoding", "iconv"}};
            check_failure(bytes, n, NULL, 1, words[mark]);
        }
    check_good(text, sizeof text - 1, NULL, "a:n|b:c\n1|\xC3\xA9\xF0\x9F\x98\x80", NULL);
}

/* The situations of the csv-spectrum collection, in files of our own. */
static void test_spectrum(void **state) {
    (void)state;
    static const struct {
        const char *text, *frame;
    } cases[] = {
        {"name,street,zip\nAda,\"1 Lane, Flat 2\",10115\n",
         "name:c|street:c|zip:n\nAda|1 Lane, Flat 2|10115"},
        {"a,b,c\n1,\"\",\"\"\n2,3,4\n", "a:n|b:n|c:n\n1||\n2|3|4"},
        {"a,b,c\r\n1,\"\",\"\"\r\n2,3,4\r\n", "a:n|b:n|c:n\n1||\n2|3|4"},
        {"a,b\n1,\"say \"\"yes\"\" now\"\n2,x\n", "a:n|b:c\n1|say \"yes\" now\n2|x"},
        {"key,val\n1,\"{\"\"kind\"\": \"\"dot\"\", \"\"at\"\": [1, 2]}\"\n",
         "key:n|val:c\n1|{\"kind\": \"dot\", \"at\": [1, 2]}"},
        {"a,b,c\n1,2,3\n\"Two\nlines\",5,6\n7,8,9\n", "a:c|b:n|c:n\n1|2|3\nTwo\nlines|5|6\n7|8|9"},
        {"a,b,c\r\n1,2,3\r\n\"Two\r\nlines\",5,6\r\n", "a:c|b:n|c:n\n1|2|3\nTwo\r\nlines|5|6"},
        {"a,b\n1,\"x \n\"\"y\"\"\"\n3,4\n", "a:n|b:c\n1|x \n\"y\"\n3|4"},
        {"a,b,c\n1,2,3\n", "a:n|b:n|c:n\n1|2|3"},
        {"a,b,c\n1,2,3\n4,5,\xCA\xA4\n", "a:n|b:n|c:c\n1|2|3\n4|5|\xCA\xA4"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check_good(cases[i].text, strlen(cases[i].text), NULL, cases[i].frame, NULL);
}

/* A pipe cannot be read twice, but a column may turn out to be text at its end. */
static void test_pipe(void **state) {
    (void)state;
    int ends[2];
    char path[40];
    aml_frame *f;
    aml_string s = {0};
    aml_string_put(&s, "n,late\n");
    for (int i = 0; i < 3000; i++)
        aml_string_printf(&s, "%d,%s\n", i, i % 3 || i < 2000 ? "7" : "x");
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], s.text, s.length), (ssize_t)s.length);
    close(ends[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    assert_int_equal(
        aml_csv_read(&f, NULL, path, &(aml_csv_options){.window_bytes = 1000, .n_threads = 2}),
        AML_OK);
    close(ends[0]);
    assert_int_equal(f->n, 3000);
    assert_int_equal(f->columns[1].kind, AML_CATEGORY);
    assert_int_equal(f->columns[1].n_levels, 2);
    assert_int_equal(aml_frame_line(f, 2999), 3001);
    aml_frame_free(f);
    aml_string_free(&s);
}

int main(void) {
    aml_par_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused), cmocka_unit_test(test_long),
        cmocka_unit_test(test_dress),   cmocka_unit_test(test_options),
        cmocka_unit_test(test_utf16),   cmocka_unit_test(test_spectrum),
        cmocka_unit_test(test_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
