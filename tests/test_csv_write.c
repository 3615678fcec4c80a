/* test_csv_write.c: what is written as CSV reads back as it was. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "automl/core/par.h"
#include "frame_text.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* What was written reads back as the same frame. */
static void test_round_trip(void **state) {
    (void)state;
    char *text = make_table(500);
    aml_frame *f, *g;
    aml_string s = {0};
    assert_int_equal(parse(&f, NULL, text, NULL), AML_OK);
    for (size_t i = 0; i <= f->n; i++) {
        for (size_t j = 0; j < f->p; j++) {
            char room[64];
            size_t n;
            const char *cell =
                i ? aml_frame_cell(&n, &f->columns[j], i - 1, room) : f->columns[j].name;
            if (!i) n = strlen(cell);
            if (j) aml_string_put(&s, ",");
            aml_csv_put(&s, cell, n, false);
        }
        aml_string_put(&s, "\n");
    }
    assert_int_equal(parse(&g, NULL, s.text, NULL), AML_OK);
    char *a = show(f), *b = show(g);
    assert_string_equal(a, b);
    assert_memory_equal(f->columns[0].number, g->columns[0].number, f->n * sizeof(double));
    aml_free(a);
    aml_free(b);
    aml_frame_free(f);
    aml_frame_free(g);
    aml_string_free(&s);
    aml_free(text);
}

static void test_put(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool neutralise;
        const char *out;
    } cases[] = {{"plain", true, "plain"}, {"", true, ""},
                 {"a,b", true, "\"a,b\""}, {"a\"b", true, "\"a\"\"b\""},
                 {"\"", true, "\"\"\"\""}, {"a\nb", true, "\"a\nb\""},
                 {" a", true, "\" a\""},   {"=1+1", true, "'=1+1"},
                 {"=1+1", false, "=1+1"},  {"-5.5", true, "-5.5"},
                 {"+1e5", true, "+1e5"},   {"-x", true, "'-x"},
                 {"@A1", true, "'@A1"},    {"=\"a\"", true, "\"'=\"\"a\"\"\""},
                 {"\tx", true, "'\tx"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        aml_string s = {0};
        aml_csv_put(&s, cases[i].text, strlen(cases[i].text), cases[i].neutralise);
        assert_string_equal(s.text, cases[i].out);
        aml_string_free(&s);
    }
}

int main(void) {
    aml_par_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
