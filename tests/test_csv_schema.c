/* test_csv_schema.c: CSV read by the columns that a model wants. */
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

static void test_schema(void **state) {
    (void)state;
    aml_frame *f;
    aml_csv_report r;
    assert_int_equal(
        parse(&f, &r,
              "z,a,d,c\n1,-,01/02/2020,blue\n2,5,,purple\n3,6,20200301,red\n4,7,1/2/20,NA\n",
              &by_schema),
        AML_OK);
    char *shown = show(f);
    assert_string_equal(shown,
                        "c:c|a:n|d:d\nblue||2020-02-01\n|5|\nred|6|2020-03-01\n|7|2020-02-01");
    static const int32_t codes[] = {1, -2, 0, -1};
    assert_memory_equal(f->columns[0].code, codes, sizeof codes);
    assert_int_equal(f->columns[0].n_unseen, 1);
    assert_int_equal(f->columns[0].n_missing, 1);
    assert_string_equal(f->columns[0].levels[0], "red");
    assert_int_equal(r.n_ignored, 1);
    assert_string_equal(r.ignored[0], "z");
    aml_free(shown);
    aml_frame_free(f);
    check_frame("c,a,d,o\n", &by_schema, "c:c|a:n|o:t|d:d");
    check_frame("1,NA\n2,x y\n",
                &(aml_csv_options){.header = -1, .schema = &(aml_schema){.p = 2, .columns = schema_columns + 1}},
                "a:n|o:t\n1|\n2|x y");
}

static void test_schema_failures(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t line;
        const char *words[3];
    } cases[] = {
        {"a,d\n1,\n", 1, {"missing column `c`"}},
        {"x\n1\n", 1, {"missing columns `c`, `a`, `d`"}},
        {"C,a,d\nred,1,\n", 1, {"missing column `c`", "did you mean `C`"}},
        {"a,c,d\n1,red,\nred,red,\n", 3, {"`red`", "`a`"}},
        {"a,c,d\n1,red,\ninf,red,\n", 3, {"`inf`", "`a`"}},
        {"a,c,d\n1,red,soon\n2,red,later\n", 2, {"`soon`", "`d`", "YYYY"}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        aml_frame *f;
        assert_int_equal(parse(&f, NULL, cases[i].text, &by_schema), AML_EDATA);
        const aml_error *e = aml_last_error();
        char all[2000];
        snprintf(all, sizeof all, "%s\n%s\n%s", e->message, e->why, e->help);
        assert_int_equal(e->line, cases[i].line);
        for (size_t k = 0; k < 3 && cases[i].words[k]; k++)
            if (!strstr(all, cases[i].words[k])) fail_msg("no `%s` in: %s", cases[i].words[k], all);
    }
}

/* A model that knows a column in one unit is not given another one. */
static void test_units(void **state) {
    (void)state;
    static const struct {
        const char *unit, *cells, *word; /* word NULL: it is read */
    } cases[] = {{"kg", "5 kg\n7\n", NULL},    {"kg", "5\n7\n", NULL},
                 {"kg", "5 kg\n7 kg\n", NULL}, {"kg", "5 lb\n7\n", "`5 lb`"},
                 {NULL, "$5\n7\n", NULL},      {NULL, "5%\n7\n", "plain numbers"},
                 {"$", "5 €\n7\n", "`5 €`"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        const aml_schema_column column = {.name = "x", .kind = AML_NUMBER, .unit = cases[i].unit};
        const aml_schema one = {.p = 1, .columns = &column};
        char text[60];
        aml_frame *f;
        snprintf(text, sizeof text, "x\n%s", cases[i].cells);
        aml_status status = parse(&f, NULL, text, &(aml_csv_options){.schema = &one});
        assert_int_equal(status, cases[i].word ? AML_EDATA : AML_OK);
        if (!status) assert_true(f->columns[0].number[0] == 5 && f->columns[0].number[1] == 7);
        if (!status) aml_frame_free(f);
        else assert_non_null(strstr(aml_last_error()->message, cases[i].word));
    }
}

int main(void) {
    aml_par_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema),
        cmocka_unit_test(test_schema_failures),
        cmocka_unit_test(test_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
