/* test_csv_dialect.c: what the reader finds out by itself about a file, that it says so, and that it can be told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "automl/core/csv_internal.h"
#include "automl/core/par.h"
#include "frame_text.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

typedef struct dialect_case {
    const char *text, *frame, *note; /* note NULL: nothing is said */
    aml_csv_options o;
} dialect_case;

static void check_case(const dialect_case *c) {
    aml_frame *f;
    aml_csv_report r;
    if (parse(&f, &r, c->text, &c->o)) fail_msg("%s: %s", c->text, aml_last_error()->message);
    char *shown = show(f);
    if (strcmp(shown, c->frame)) fail_msg("of: %s\ngot: %s", c->text, shown);
    bool noted = c->note ? false : r.n_notes == 0;
    for (size_t i = 0; i < r.n_notes; i++) noted |= c->note && strstr(r.notes[i], c->note);
    if (!noted)
        fail_msg("of: %s\nnote `%s`, got `%s`", c->text, c->note, r.n_notes ? r.notes[0] : "");
    aml_free(shown);
    aml_frame_free(f);
}

static void test_head(void **state) {
    (void)state;
    static const dialect_case cases[] = {
        {"Sales of 2024\na,b\n1,x\n2,y\n", "a:n|b:c\n1|x\n2|y", "1 line above the header", {0}},
        {"Sales of 2024\n\na,b\n1,x\n2,y\n", "a:n|b:c\n1|x\n2|y", "2 lines above", {0}},
        {"Sales,,\nby us,,\n\"a\",b,c\n1,x,2\n2,y,3\n",
         "a:n|b:c|c:n\n1|x|2\n2|y|3",
         "`Sales,,`",
         {0}},
        {"# made by us\n# 2024, May, 3\nx,y\n1,2\n3,4\n", "x:n|y:n\n1|2\n3|4", "2 lines", {0}},
        {"Station,12\r\nFrom,2020\r\n\r\nday,t,h,p\r\n1,2,3,4\r\n2,2,2,2\r\n",
         "day:n|t:n|h:n|p:n\n1|2|3|4\n2|2|2|2",
         "3 lines",
         {0}},
        {"sep=;\na;b\n1;x\n", "a:n|b:c\n1|x", "1 line above", {0}},
        {"Bericht, intern\na;b\n1,5;x\n2,5;y\n", "a:n|b:c\n1.5|x\n2.5|y", "1 line above", {0}},
        {"Notes\n\n1,2\n3,4\n5,6\n", "c1:n|c2:n\n1|2\n3|4\n5|6", "2 lines above", {.header = -1}},
        /* no guess, or another one */
        {"#id,name\n1,x\n2,y\n", "#id:n|name:c\n1|x\n2|y", NULL, {0}},
        {"#id\nx\ny\n", "#id:c\nx\ny", NULL, {0}},
        {"t\nyes\n\"no, yes\"\nso; or; so\nno\nyes\n",
         "t:c\nyes\nno, yes\nso; or; so\nno\nyes",
         NULL,
         {0}}, /* one column: the quotes are there because of commas */
        {"a,b\n1,2\n", "a:n|b:n\n1|2", NULL, {0}},
        {"x,y,z\n1,,\n2,,\n3,4,5\n", "x:n|y:n|z:n\n1||\n2||\n3|4|5", NULL, {0}},
        {"title\nby us\na,b\n1,2\n", "a:n|b:n\n1|2", NULL, {.skip_lines = 2}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) check_case(&cases[i]);
    aml_frame *f;
    aml_csv_options none = {.skip_lines = CSV_NO_LINES};
    assert_int_equal(parse(&f, NULL, cases[0].text, &none), AML_EDATA);
    assert_non_null(strstr(aml_last_error()->help, "--skip-lines"));
}

static void test_tail(void **state) {
    (void)state;
    static const dialect_case cases[] = {
        {"a,b,c\n1,2,3\n4,5,6\nTotal,7,9\n", "a:n|b:n|c:n\n1|2|3\n4|5|6", "1 line at the end", {0}},
        {"a,b,c\nx,2,3\ny,5,6\nTotal:,,9\n", "a:c|b:n|c:n\nx|2|3\ny|5|6", "`Total:`", {0}},
        {"a,b\n1,2\n3,4\nSource: the office\nLast change today\n",
         "a:n|b:n\n1|2\n3|4",
         "2 lines at the end",
         {0}},
        {"a,b,c\n1,2,x\n3,4,y\n\n* estimate\n", "a:n|b:n|c:c\n1|2|x\n3|4|y", "1 line", {0}},
        {"day;v\n2020-01-01;2\n2020-01-02;4\nSumme;6\n",
         "day:d|v:n\n2020-01-01|2\n2020-01-02|4",
         "1 line",
         {0}},
        {"a,b\n1,2\n3,4\n# end\n", "a:n|b:n\n1|2\n3|4", "1 line", {0}},
        /* rows all the same */
        {"a,b,c\nx,2,3\ny,5,6\nTotal,7,9\n", "a:c|b:n|c:n\nx|2|3\ny|5|6\nTotal|7|9", NULL, {0}},
        {"a,b,c\nx,2,3\nJo Do,,\n", "a:c|b:n|c:n\nx|2|3\nJo Do||", NULL, {0}},
        {"x\nred\nTotal\n", "x:c\nred\nTotal", NULL, {0}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) check_case(&cases[i]);
    aml_frame *f;
    aml_string s = {0}; /* a table of statistics ends with one of them */
    aml_string_put(&s, "stat,a,b\n");
    for (int i = 0; i < 20; i++) aml_string_printf(&s, "%s,%d,\n", i % 2 ? "Mean" : "Max", i);
    assert_int_equal(aml_csv_parse(&f, NULL, s.text, s.length, "t.csv", NULL), AML_OK);
    assert_int_equal(f->n, 20);
    aml_frame_free(f);
    aml_string_free(&s);
    /* A file that was cut off is no file with a remark. */
    assert_int_equal(parse(&f, NULL, "a,b\nx y,1\nz w,2\nu v", NULL), AML_EDATA);
    aml_csv_options none = {.skip_footer = CSV_NO_LINES};
    assert_int_equal(parse(&f, NULL, cases[0].text, &none), AML_OK);
    assert_int_equal(f->n, 3);
    aml_frame_free(f);
}

/* The end is the same whatever the windows. */
static void test_tail_in_windows(void **state) {
    (void)state;
    aml_string s = {0};
    aml_string_put(&s, "a,b,c\n");
    for (int i = 0; i < 400; i++) aml_string_printf(&s, "%d,x%d,%d\n", i, i % 7, i * i);
    aml_string_put(&s, "\nTotal,,5\nSource: us\n\nmade by us\n");
    for (size_t window = 64; window < 9000; window += window / 2 + 13)
        for (int threads = 1; threads <= 3; threads++) {
            aml_frame *f;
            aml_csv_report r;
            aml_csv_options o = {.window_bytes = window, .n_threads = threads};
            assert_int_equal(aml_csv_parse(&f, &r, s.text, s.length, "t.csv", &o), AML_OK);
            assert_int_equal(f->n, 400);
            assert_int_equal(f->columns[0].kind, AML_NUMBER);
            assert_int_equal(r.skip_footer, 4);
            aml_frame_free(f);
        }
    aml_string_free(&s);
}

static void test_escape(void **state) {
    (void)state;
    static const char slash[] = "a,b\n\"say \\\"hi\\\", you\",1\n\"C:\\\\dir\\\\\",2\n";
    static const dialect_case cases[] = {
        {slash, "a:c|b:n\nsay \"hi\", you|1\nC:\\dir\\|2", "backslash", {0}},
        {slash, "a:c|b:n\nsay \"hi\", you|1\nC:\\dir\\|2", NULL, {.escape = '\\'}},
        {"a,b\nx\\,y,1\n\\N,2\nu\\\nv,3\n", "a:c|b:n\nx,y|1\n|2\nu\nv|3", NULL, {.escape = '\\'}},
        {"a,b\n\"x^\"\",1\n", "a:c|b:n\nx\"|1", NULL, {.escape = '^'}},
        {"a,b\n\"C:\\dir\\\",1\n\"D:\\\",2\n", "a:c|b:n\nC:\\dir\\|1\nD:\\|2", NULL, {0}},
        {"a,b\n5\\\" nail,1\n\"x\",2\n", "a:c|b:n\n5\\\" nail|1\nx|2", NULL, {0}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) check_case(&cases[i]);
    aml_frame *f;
    aml_csv_options none = {.escape = '\1'};
    assert_int_equal(parse(&f, NULL, slash, &none), AML_EDATA);
    assert_non_null(strstr(aml_last_error()->help, "--escape"));
    /* in many windows, with every byte of it at their borders */
    aml_string s = {0};
    aml_string_put(&s, "a,b\n");
    for (int i = 0; i < 300; i++)
        aml_string_printf(&s, "\"%d \\\"q\\\\\\\" \\n, z\",%d\n", i % 3, i);
    for (size_t window = 64; window < 200; window++) {
        aml_csv_options o = {.window_bytes = window, .escape = '\\', .n_threads = 2};
        assert_int_equal(aml_csv_parse(&f, NULL, s.text, s.length, "t.csv", &o), AML_OK);
        assert_int_equal(f->n, 300);
        assert_int_equal(f->columns[0].n_levels, 3);
        assert_string_equal(f->columns[0].levels[0], "0 \"q\\\" n, z");
        aml_frame_free(f);
    }
    aml_string_free(&s);
}

/* A row whose end is escaped would be lost. */
static void test_escape_at_the_end(void **state) {
    (void)state;
    static const char *const endings[] = {"\\", "\\\n", "\\\r", "\\\\\\"};
    static const char *const fine[] = {"", "\n", "\\\\", "\\\r\n", "\\ "};
    for (size_t window = 0; window < 100; window += 33) {
        aml_csv_options o = {.window_bytes = window, .escape = '\\'};
        for (size_t i = 0; i < COUNT(endings); i++) {
            char text[200];
            aml_frame *f;
            snprintf(text, sizeof text, "a,b\n%0*d,2\n3,x%s", 60, 1, endings[i]);
            assert_int_equal(parse(&f, NULL, text, &o), AML_EDATA);
            assert_non_null(strstr(aml_last_error()->message, "escape"));
            assert_int_equal(aml_last_error()->line, 3);
        }
        for (size_t i = 0; i < COUNT(fine); i++) {
            char text[200];
            aml_frame *f;
            snprintf(text, sizeof text, "a,b\n%0*d,2\n3,x%s", 60, 1, fine[i]);
            assert_int_equal(parse(&f, NULL, text, &o), AML_OK);
            assert_int_equal(f->n, 2);
            aml_frame_free(f);
        }
    }
}

static void test_decimal(void **state) {
    (void)state;
    static const char commas[] = "numbers have a decimal comma", amounts[] = "amounts";
    static const dialect_case cases[] = {
        {"a,b\n\"1,5\",1\n\"2,75\",2\n", "a:n|b:n\n1.5|1\n2.75|2", commas, {0}},
        {"a,b\n\"1,5\",1.5\n\"2,75\",2.5\n", "a:c|b:n\n1,5|1.5\n2,75|2.5", NULL, {.decimal = '.'}},
        {"a;b\n1.234;1\n2.500;2\n", "a:n|b:n\n1.234|1\n2.5|2", "semicolons", {0}},
        {"a;b\n1.234,5;1\n2.500;2\n", "a:n|b:n\n1234.5|1\n2500|2", commas, {0}},
        {"a;b\n1.234.567;1\n2.500;2\n", "a:n|b:n\n1234567|1\n2500|2", commas, {0}},
        {"a\tb\n1,234\t1\n950\t2\n", "a:n|b:n\n1234|1\n950|2", amounts, {0}},
        {"a\tb\n0,234\t1\n1,950\t2\n", "a:n|b:n\n0.234|1\n1.95|2", commas, {0}},
        {"a,b\n\"1,234\",1\n\"12,950\",2\n", "a:n|b:n\n1234|1\n12950|2", amounts, {0}},
        {"a,b,c\n\"1,2\",\"1,2\",1.5\n\"3,4\",\"5,6\",2\n",
         "a:c|b:c|c:n\n1,2|1,2|1.5\n3,4|5,6|2",
         NULL,
         {0}},
        {"a,b\n\"1,2\",1\n\"3,4,5\",2\n", "a:c|b:n\n1,2|1\n3,4,5|2", NULL, {0}},
        {"a;b\n1\xE2\x80\xAF"
         "234,5;1\n2\xC2\xA0"
         "000;2\n",
         "a:c|b:n\n1\xE2\x80\xAF"
         "234,5|1\n2\xC2\xA0"
         "000|2",
         "semicolons",
         {.thousands = '\1'}},
        {"a;b\n1\xE2\x80\xAF"
         "234,5;1\n9\xE2\x80\xAF"
         "000;2\n",
         "a:n|b:n\n1234.5|1\n9000|2",
         amounts,
         {0}},
        {"a\n1_000\n2_500_000\n", "a:n\n1000\n2500000", amounts, {.thousands = '_'}},
        {"a,b\n\"1,234\",1\n\"12,950\",2\n",
         "a:c|b:n\n1,234|1\n12,950|2",
         NULL,
         {.thousands = '\1', .decimal = '.'}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) check_case(&cases[i]);
}

/* One number among 199 without groups: a mistake, unless the person says what the separator is. */
static void test_thousands_given(void **state) {
    (void)state;
    aml_string s = {0};
    aml_frame *f;
    aml_string_put(&s, "a,b\n");
    for (int i = 0; i < 200; i++)
        aml_string_printf(&s, i == 77 ? "\"1,0%02d\",%d\n" : "%d,%d\n", i, i);
    assert_int_equal(parse(&f, NULL, s.text, NULL), AML_EDATA);
    assert_non_null(strstr(aml_last_error()->help, "--thousands"));
    assert_int_equal(parse(&f, NULL, s.text, &(aml_csv_options){.thousands = ','}), AML_OK);
    assert_true(f->columns[0].kind == AML_NUMBER && f->columns[0].number[77] == 1077);
    aml_frame_free(f);
    aml_string_free(&s);
}

static void test_amounts(void **state) {
    (void)state;
    static const csv_dialect d = {.decimal = '.'};
    static const struct {
        const char *text;
        double value;
        const char *unit;
        csv_unit kind;
    } cases[] = {
        {"$1,234.50", 1234.5, "$", CSV_MONEY},
        {"-$5", -5, "$", CSV_MONEY},
        {"$-5", -5, "$", CSV_MONEY},
        {"(7)", -7, "", CSV_NO_UNIT},
        {"12.5 %", 12.5, "%", CSV_PERCENT},
        {"5 EUR", 5, "EUR", CSV_MONEY},
        {"36 months", 36, "months", CSV_MEASURE},
        {"7.5km/h", 7.5, "km/h", CSV_MEASURE},
        {"3 m2", 3, "m2", CSV_MEASURE},
        {"20 °C", 20, "°C", CSV_MEASURE},
        {"€1.2M", 1.2e6, "€", CSV_MONEY},
        {"£30k", 30e3, "£", CSV_MONEY},
        {"1.5M", 1.5e6, "", CSV_NO_UNIT},
        {"1'000'000", 1e6, "", CSV_NO_UNIT},
        {"-1,000 kg", -1000, "kg", CSV_MEASURE},
    };
    static const char *const none[] = {"12",     "1.5", "0x1F", "1,23", "0,123", "2020-01-01",
                                       "12:30",  "1/2", "$",    "kg",   "12 3",  "1,234,56",
                                       "5 kg 3", "-",   "$5$",  "1e5"};
    csv_amount a;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (!csv_amount_parse(&a, cases[i].text, strlen(cases[i].text), &d))
            fail_msg("%s is none", cases[i].text);
        assert_true(a.value == cases[i].value && a.kind == cases[i].kind);
        assert_int_equal(a.unit_size, strlen(cases[i].unit));
        if (a.unit_size) assert_memory_equal(a.unit, cases[i].unit, a.unit_size);
    }
    for (size_t i = 0; i < COUNT(none); i++)
        if (csv_amount_parse(&a, none[i], strlen(none[i]), &d)) fail_msg("%s is one", none[i]);
}

int main(void) {
    aml_par_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_tail),
        cmocka_unit_test(test_tail_in_windows),
        cmocka_unit_test(test_escape),
        cmocka_unit_test(test_escape_at_the_end),
        cmocka_unit_test(test_decimal),
        cmocka_unit_test(test_thousands_given),
        cmocka_unit_test(test_amounts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
