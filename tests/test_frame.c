/* test_frame.c: frames built in memory, rows of frames, names of kinds. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "automl/core/par.h"
#include "frame_text.h"

static void test_builder(void **state) {
    (void)state;
    aml_memory m = {0};
    static const double x[] = {1, NAN, 3};
    static const char *const words[] = {"b", NULL, "b"}, *const numbers[] = {"1.5", "NA", "2"},
                             *const bad[] = {"1", "2", "\xFF"};
    static const char *const text[] = {"NA", "", "x"}, *const infinite[] = {"1", "2", "1e999"};
    static const double inf[] = {1, 2, HUGE_VAL};
    aml_frame_builder *b = aml_frame_builder_new(3, &m);
    assert_int_equal(aml_frame_add_numbers(b, "x", x), AML_OK);
    assert_int_equal(aml_frame_add_strings(b, "w", words, 0), AML_OK);
    assert_int_equal(aml_frame_add_strings(b, "s", numbers, 0), AML_OK);
    assert_int_equal(aml_frame_add_strings(b, "k", numbers, AML_CATEGORY), AML_OK);
    assert_int_equal(aml_frame_add_strings(b, "t", text, AML_TEXT), AML_OK);
    assert_int_equal(aml_frame_add_strings(b, "x", words, 0), AML_EUSAGE);
    assert_int_equal(aml_frame_add_strings(b, "bad", bad, 0), AML_EDATA);
    assert_int_equal(aml_frame_add_strings(b, "bad", infinite, 0), AML_EDATA);
    assert_int_equal(aml_last_error()->line, 3);
    assert_int_equal(aml_frame_add_numbers(b, "bad", inf), AML_EDATA);
    aml_frame *f = aml_frame_build(b);
    char *shown = show(f);
    assert_string_equal(shown, "x:n|w:c|s:n|k:c|t:t\n1|b|1.5|1.5|\n||||\n3|b|2|2|x");
    assert_int_equal(f->columns[0].n_missing, 1);
    assert_true(f->columns[0].integer && !f->columns[2].integer);
    aml_free(shown);
    aml_frame_free(f);
    assert_int_equal(m.used, 0);
}

static void test_rows(void **state) {
    (void)state;
    aml_memory m = {0};
    aml_frame *f, *g;
    size_t j;
    aml_csv_options o = {.account = &m, .text_columns = (const char *const[]){"t", NULL}};
    assert_int_equal(
        parse(&f, NULL, "n,c,t,d\n1,x,one,2020-01-01\n,y,,\n3,x,three,2020-01-03\n", &o), AML_OK);
    static const uint32_t rows[] = {2, 1, 2};
    assert_int_equal(aml_frame_rows(&g, f, rows, 3, &m), AML_OK);
    aml_frame_free(f);
    char *shown = show(g);
    assert_string_equal(shown, "n:n|c:c|t:t|d:d\n3|x|three|2020-01-03\n|y||\n3|x|three|2020-01-03");
    assert_int_equal(g->columns[2].n_missing, 1);
    assert_int_equal(g->line[0], 4);
    assert_int_equal(aml_frame_need(&j, g, "c", NULL), AML_OK);
    assert_int_equal(j, 1);
    assert_int_equal(aml_frame_need(&j, g, "dd", "target"), AML_EDATA);
    assert_non_null(strstr(aml_last_error()->message, "`dd`"));
    assert_non_null(strstr(aml_last_error()->message, "did you mean `d`?"));
    aml_free(shown);
    aml_frame_free(g);
    assert_int_equal(m.used, 0);
}

static void test_kind_names(void **state) {
    (void)state;
    for (int k = AML_NUMBER; k <= AML_IDENTIFIER; k *= 2) {
        aml_kind back;
        assert_true(aml_kind_parse(&back, aml_kind_name((aml_kind)k)) && (int)back == k);
    }
    aml_kind none;
    assert_false(aml_kind_parse(&none, "colour"));
}

int main(void) {
    aml_par_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_builder),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_kind_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
