/* test_csv.c: CSV to frames: structure, kinds, options, failures. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "automl/core/csv.h"
#include "automl/core/io.h"
#include "automl/core/par.h"
#include "automl/core/rng.h"
#include "frame_text.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void test_structure(void **state) {
    (void)state;
    static const struct {
        const char *text, *frame;
    } cases[] = {
        {"a,b\n1,x\n2,y\n", "a:n|b:c\n1|x\n2|y"},
        {"a,b\n1,x\n2,y", "a:n|b:c\n1|x\n2|y"},
        {"\xEF\xBB\xBF"
         "a,b\n1,x\n",
         "a:n|b:c\n1|x"},
        {"a,b\r\n1,x\r\n2,y\r\n", "a:n|b:c\n1|x\n2|y"},
        {"a,b\r1,x\r2,y\r", "a:n|b:c\n1|x\n2|y"},
        {"a,b\n1,x\r\n2,y\n", "a:n|b:c\n1|x\n2|y"},
        {"\n\na,b\n\n1,x\n   \n2,y\n\n", "a:n|b:c\n1|x\n2|y"},
        {"a;b\n1;x\n2;y\n", "a:n|b:c\n1|x\n2|y"},
        {"a\tb\n1\tx\n2\ty\n", "a:n|b:c\n1|x\n2|y"},
        {"a|b\n1|x\n2|y\n", "a:n|b:c\n1|x\n2|y"},
        {"a;b\n1,5;x\n2,25;y\n", "a:n|b:c\n1.5|x\n2.25|y"},
        {"a,b\n\"1\",\"x,\"\"y\"\"\"\n2,\"\"\n", "a:n|b:c\n1|x,\"y\"\n2|"},
        {"a,b\n\"1\",\"x\ny\"\n2,z\n", "a:n|b:c\n1|x\ny\n2|z"},
        {"a,b\n1,x\"y\n2,\"z\" \n", "a:n|b:c\n1|x\"y\n2|z"},
        {"a, b \n 1 , x y \n2,\" z \"\n", "a:n|b:c\n1|x y\n2| z "},
        {"a,,b\n1,2,x\n", "a:n|c2:n|b:c\n1|2|x"},
        {"c2,,b\n1,2,x\n", "c2:n|c2_:n|b:c\n1|2|x"},
        {"a,b,\n1,x,\n2,y,\n", "a:n|b:c\n1|x\n2|y"},
        {"1,x\n2,y\n3,x\n", "c1:n|c2:c\n1|x\n2|y\n3|x"},
        {"red,1.5\nred,2.5\n", "c1:c|c2:n\nred|1.5\nred|2.5"},
        {"0,1,2,3\n5,6,7,8\n", "0:n|1:n|2:n|3:n\n5|6|7|8"},
        {"city,1990,1991\nA,1,2\nB,3,4\n", "city:c|1990:n|1991:n\nA|1|2\nB|3|4"},
        {"a,b\n", "a:n|b:n"},
        {"a\n1\n2\n", "a:n\n1\n2"},
        {"a,b\n1,\n,x\n", "a:n|b:c\n1|\n|x"},
        {"\"a \"\"q\"\"\",b\n1,x\n", "a \"q\":n|b:c\n1|x"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) check_frame(cases[i].text, NULL, cases[i].frame);
}

static void test_kinds(void **state) {
    (void)state;
    static const struct {
        const char *text, *frame;
    } cases[] = {
        {"a,b\n1,NA\n?,x\n", "a:n|b:c\n1|\n|x"},
        {"a,b\n1,-\n-,x\nNone,None\n", "a:n|b:c\n1|-\n|x\n|None"},
        {"a,b\nNone,\nNone,\n", "a:c|b:n\nNone|\nNone|"},
        {"a,b\nnan,true\nNULL,false\n1e5,true\n", "a:n|b:c\n|true\n|false\n100000|true"},
        {"d\n2020-01-31\n2020-02-29\n", "d:d\n2020-01-31\n2020-02-29"},
        {"d,v\n2020-02-30,1\n2020-02-31,2\n", "d:c|v:n\n2020-02-30|1\n2020-02-31|2"},
        {"d,v\n2020-01-31T12:30:00Z,1\n2020-02-01 00:00:00+02:00,2\n",
         "d:d|v:n\n2020-01-31T12:30:00|1\n2020-01-31T22:00:00|2"},
        {"d,v\n03/04/2020,1\n03/13/2020,2\n", "d:d|v:n\n2020-03-04|1\n2020-03-13|2"},
        {"d,v\n03/04/2020,1\n13/04/2020,2\n", "d:d|v:n\n2020-04-03|1\n2020-04-13|2"},
        {"d,v\n03.04.2020,1\n04.04.2020,2\n", "d:d|v:n\n2020-04-03|1\n2020-04-04|2"},
        {"d,v\n20200131,1\n20200201,2\n", "d:n|v:n\n20200131|1\n20200201|2"},
        {"a,b\n5,x\n0x1F,y\n", "a:c|b:c\n5|x\n0x1F|y"},
        {"a;b\n$1,234.50;5%\n-$3;12.5 %\n(7);\n", "a:n|b:n\n1234.5|5\n-3|12.5\n-7|"},
        {"a;b\n1.234,5 €;1'000\n17 €;2\n", "a:n|b:n\n1234.5|1000\n17|2"},
        {"a,b\n$5,1\n€6,2\n", "a:c|b:n\n$5|1\n€6|2"},
        {"a;b\n1,2,3;1\n12,34;2\n", "a:c|b:n\n1,2,3|1\n12,34|2"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) check_frame(cases[i].text, NULL, cases[i].frame);
}

/* n rows of one column made by a printf format of the row number, beside a number. */
static aml_kind kind_of(const char *format, int n, int modulus) {
    aml_string s = {0};
    aml_string_put(&s, "x,v\n");
    for (int i = 0; i < n; i++) {
        char cell[200];
        int k = i % modulus;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(cell, sizeof cell, format, k, k * 7 % 11, k * 3 % 5);
#pragma GCC diagnostic pop
        aml_string_printf(&s, "%s,%d\n", cell, i);
    }
    aml_frame *f;
    assert_int_equal(parse(&f, NULL, s.text, NULL), AML_OK);
    aml_kind kind = f->columns[0].kind;
    aml_frame_free(f);
    aml_string_free(&s);
    return kind;
}

static void test_kinds_of_words(void **state) {
    (void)state;
    assert_int_equal(kind_of("user%d", 200, 200), AML_IDENTIFIER);
    assert_int_equal(kind_of("user%d", 200, 100), AML_CATEGORY);
    assert_int_equal(kind_of("user%d", 40, 40), AML_CATEGORY);
    assert_int_equal(kind_of("the %d cats saw %d dogs", 200, 200), AML_TEXT);
    assert_int_equal(kind_of("the %d cats saw %d dogs", 200, 3), AML_CATEGORY);
    assert_int_equal(kind_of("%d", 200, 200), AML_NUMBER);
    assert_int_equal(kind_of("%d km", 40, 40), AML_NUMBER); /* of a unit */
    assert_int_equal(kind_of("%d km", 40, 1), AML_CATEGORY);
}

static void test_levels(void **state) {
    (void)state;
    aml_frame *f;
    assert_int_equal(parse(&f, NULL, "c,v\nb,1\na,2\nz,3\nz,4\nNA,5\nb,6\nz,7\na,8\n", NULL),
                     AML_OK);
    const aml_column *c = &f->columns[0];
    static const int32_t codes[] = {2,  1, 0, 0,
                                    -1, 2, 0, 1}; /* z comes most often, then a and b bytewise */
    assert_int_equal(c->n_levels, 3);
    assert_int_equal(c->n_missing, 1);
    assert_string_equal(c->levels[0], "z");
    assert_string_equal(c->levels[1], "a");
    assert_memory_equal(c->code, codes, sizeof codes);
    assert_true(f->columns[1].integer);
    aml_frame_free(f);
}

static void test_failures(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t size, line, column;
        const char *words[4]; /* in message, why or help */
    } cases[] = {
        {"", 0, 0, 0, {"empty"}},
        {"\n\n\n", 3, 1, 0, {"no header"}},
        {"\xEF\xBB\xBF", 3, 1, 0, {"no header"}},
        {"a,b\n1,2\n3\n", 0, 3, 2, {"row has 1 field,", "header has 2"}},
        {"a,b\n1,2\n3,4,5\n6\n7\n",
         0,
         3,
         5,
         {"row has 3 fields", "header has 2", "2 more rows", "decimal comma"}},
        {"a,b,a\n1,2,3\n", 0, 1, 0, {"duplicate", "`a`", "fields 1 and 3"}},
        {"note\n1,2\n3,4\n", 0, 1, 1, {"1 field", "have 2", "above the header"}},
        {"a,b\n1,\"x\n2,y\n", 0, 2, 3, {"unterminated quote"}},
        {"a,b\n1,\"x\"z\n2,y\n", 0, 2, 6, {"after closing quote"}},
        {"a,b\n1,\"x\ny\"\n2,\"x\"z\n", 0, 4, 6, {"after closing quote"}},
        {"a,b\n1,x\0y\n", 10, 2, 4, {"NUL"}},
        {"a\0,\0b\0\n\0"
         "1\0,\0"
         "2\0\n\0",
         16,
         1,
         2,
         {"NUL", "UTF-16", "iconv"}},
        {"\xFF\xFE"
         "a\0,\0",
         6,
         1,
         1,
         {"UTF-16", "iconv"}},
        {"a,b\n\xC3\xA9,ros\xE9\n", 0, 2, 6, {"UTF-8", "iconv -f LATIN1 -t UTF-8"}},
        {"a,b\n1,\xC3", 0, 2, 3, {"UTF-8"}},
        {"PK\x03\x04zip", 0, 0, 0, {"zip", "xlsx", "CSV"}},
        {"PAR1....", 0, 0, 0, {"Parquet"}},
        {"SQLite format 3", 0, 0, 0, {"SQLite"}},
        {"BZh91AY", 0, 0, 0, {"bzip2"}},
        {"\xFD"
         "7zXZ",
         0,
         0,
         0,
         {"xz"}},
        {"a,b\n1,2\ninf,3\n", 0, 3, 1, {"`inf`", "`a`", "finite"}},
        {"a,b\n1,2\n1e999,3\n", 0, 3, 1, {"overflow", "1e999", "`a`"}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        aml_frame *f;
        size_t n = cases[i].size ? cases[i].size : strlen(cases[i].text);
        if (aml_csv_parse(&f, NULL, cases[i].text, n, "t.csv", NULL) != AML_EDATA)
            fail_msg("accepted: %s", cases[i].text);
        assert_null(f);
        const aml_error *e = aml_last_error();
        char all[2000];
        snprintf(all, sizeof all, "%s\n%s\n%s", e->message, e->why, e->help);
        if (e->line != cases[i].line || e->column != cases[i].column)
            fail_msg("%s: at %zu:%zu, not %zu:%zu", all, e->line, e->column, cases[i].line,
                     cases[i].column);
        for (size_t k = 0; k < 4 && cases[i].words[k]; k++)
            if (!strstr(all, cases[i].words[k])) fail_msg("no `%s` in: %s", cases[i].words[k], all);
        assert_string_equal(e->file, "t.csv");
        assert_true(e->help[0] != 0);
    }
}

/* 200 numbers and one other cell. */
static const char *with_stray(aml_string *s, const char *stray, int at) {
    s->length = 0;
    aml_string_put(s, "a,b\n");
    for (int i = 0; i < 200; i++) {
        if (i == at) aml_string_printf(s, "%s,x\n", stray);
        else aml_string_printf(s, "%d.5,%s\n", i, i % 3 ? "x" : "y");
    }
    return s->text;
}

static void test_stray_text(void **state) {
    (void)state;
    static const struct {
        const char *stray, *word;
        int at;
    } cases[] = {{"oops", "oops", 199},           {"0x1F", "0x1F", 0},
                 {"Total", "Total", 100},         {"a", "header", 50},
                 {"\"1,234.5\"", "thousands", 3}, {"-inf", "-inf", 7},
                 {"1e400", "overflow", 150}};
    aml_string s = {0};
    aml_frame *f;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(parse(&f, NULL, with_stray(&s, cases[i].stray, cases[i].at), NULL),
                         AML_EDATA);
        assert_int_equal(aml_last_error()->line, cases[i].at + 2);
        assert_non_null(strstr(aml_last_error()->message, cases[i].word));
    }
    static const char *const text_columns[] = {"a", NULL};
    aml_csv_options o = {.text_columns = text_columns};
    assert_int_equal(parse(&f, NULL, with_stray(&s, "oops", 10), &o), AML_OK);
    assert_int_equal(f->columns[0].kind, AML_TEXT);
    aml_frame_free(f);
    aml_string_free(&s);
}

static void test_text_columns(void **state) {
    (void)state;
    static const char *const text_columns[] = {"y", "k", NULL};
    aml_csv_options o = {.text_columns = text_columns};
    check_frame("a,y,k\n1,007,NA\n2,1e999, x \n3,,\" x \"\n", &o,
                "a:n|y:t|k:t\n1|007|NA\n2|1e999|x\n3|| x ");
}

static void test_options(void **state) {
    (void)state;
    check_frame("a,b\nc,d\n", &(aml_csv_options){.header = -1}, "c1:c|c2:c\na|b\nc|d");
    check_frame("1,2\n3,4\n", &(aml_csv_options){.header = 1}, "1:n|2:n\n3|4");
    check_frame("a;b,c\n1;2,3\n", &(aml_csv_options){.separator = ';'}, "a:n|b,c:n\n1|2.3");
    check_frame("a;b,c\n1;2,3\n", &(aml_csv_options){.separator = ';', .decimal = '.'},
                "a:n|b,c:c\n1|2,3");
    check_frame("a\n1\n2\n3\n", &(aml_csv_options){.max_rows = 2}, "a:n\n1\n2");
    check_frame("1\n2\n3\n", &(aml_csv_options){.max_rows = 2}, "c1:n\n1\n2");
}

static void test_report(void **state) {
    (void)state;
    aml_frame *f;
    aml_csv_report r;
    assert_int_equal(parse(&f, &r,
                           "\xEF\xBB\xBF"
                           "a;;b\r\n\r\n1,5;2;3\r\n",
                           NULL),
                     AML_OK);
    assert_true(r.bom && r.header && r.separator == ';' && r.decimal == ',');
    assert_string_equal(r.line_end, "CRLF");
    assert_string_equal(r.compression, "none");
    assert_int_equal(r.n_blank_lines, 1);
    assert_int_equal(r.n_bytes, 20);
    assert_int_equal(r.n_notes, 3); /* separator, made-up name, blank line */
    assert_int_equal(f->line[0], 3);
    assert_string_equal(f->source, "t.csv");
    aml_frame_free(f);
}

static void test_threads(void **state) {
    (void)state;
    char *text = make_table(20000), *first = NULL;
    for (int t = 1; t <= 4; t++) {
        aml_frame *f;
        assert_int_equal(parse(&f, NULL, text, &(aml_csv_options){.n_threads = t}), AML_OK);
        assert_int_equal(f->n, 20000);
        assert_int_equal(f->line[19999],
                         2 + 2 * 19999 + 200); /* two lines a row, and the blank ones */
        char *shown = show(f);
        if (first) assert_string_equal(shown, first);
        if (first) aml_free(shown);
        else first = shown;
        aml_frame_free(f);
    }
    aml_free(first);
    aml_free(text);
}

/* Every allocation fails once: a clean AML_ENOMEM, nothing left behind. */
static void test_short_of_memory(void **state) {
    (void)state;
    char *text = make_table(60);
    aml_memory m = {0};
    aml_csv_options o = {.account = &m};
    for (uint64_t n = 1;; n++) {
        aml_frame *f;
        aml_csv_report r;
        aml_fail_alloc(n, false);
        aml_status status = parse(&f, &r, text, &o);
        uint64_t seen = aml_fail_alloc(0, false);
        if (status == AML_OK) aml_frame_free(f);
        else assert_int_equal(status, AML_ENOMEM);
        assert_int_equal(m.used, 0);
        if (seen < n) break;
    }
    for (m.limit = 1000; m.limit < 400000; m.limit += 997) {
        aml_frame *f;
        aml_status status = parse(&f, NULL, text, &o);
        assert_true(status == AML_OK || status == AML_ENOMEM);
        if (!status) aml_frame_free(f);
        assert_int_equal(m.used, 0);
    }
    aml_free(text);
}

/* Pieces of CSV in random order never crash, and every failure says where and what to do. */
static void test_random_text(void **state) {
    (void)state;
    static const char *const pieces[] = {
        ",",  ";", "\n", "\r",    "\r\n", "\"",       "\"\"",       "a",       "1", "2.5",   " ",
        "\t", "-", "NA", "1e999", "inf",  "\xC3\xA9", "2020-01-01", "x y z w", "|", "1,234", "."};
    aml_rng r = aml_rng_stream(11, AML_RNG_TEST, 0, 0);
    for (int i = 0; i < 20000; i++) {
        char text[600] = "";
        size_t n = 0, count = aml_rng_below(&r, 60);
        for (size_t k = 0; k < count; k++) {
            const char *p = pieces[aml_rng_below(&r, COUNT(pieces))];
            memcpy(text + n, p, strlen(p));
            n += strlen(p);
        }
        aml_frame *f;
        aml_csv_options o = {.header = (int)aml_rng_below(&r, 3) - 1,
                             .schema = i % 7 ? NULL : &schema};
        aml_status status = aml_csv_parse(&f, NULL, text, n, "t.csv", &o);
        if (status == AML_OK) aml_frame_free(f);
        else
            assert_true(status == AML_EDATA && aml_last_error()->message[0] &&
                        aml_last_error()->help[0]);
    }
}

static void test_file(void **state) {
    (void)state;
    aml_frame *f;
    aml_csv_report r;
    assert_int_equal(aml_csv_read(&f, &r, SOURCE_DIR "/datasets/iris.csv", NULL), AML_OK);
    assert_true(f->n == 150 && f->p == 5);
    aml_frame_free(f);
    assert_int_equal(aml_csv_read(&f, &r, "/nonexistent/x.csv", NULL), AML_ENOINPUT);
    assert_int_equal(aml_csv_read(&f, &r, "/dev/zero", NULL),
                     AML_EDATA); /* endless, but not read on */
    assert_non_null(strstr(aml_last_error()->message, "NUL"));
}

int main(void) {
    aml_par_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_structure),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_kinds_of_words),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_stray_text),
        cmocka_unit_test(test_text_columns),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_short_of_memory),
        cmocka_unit_test(test_random_text),
        cmocka_unit_test(test_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
