/* test_csv_kinds.c: what columns are called: kind, form and unit. */
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

static void test_forms(void **state) {
    (void)state;
    static const struct {
        const char *cells[4];
        aml_kind kind;
        const char *form, *unit;
        double second; /* of numbers and dates */
    } cases[] = {
        {{"1", "2", "3", ""}, AML_NUMBER, "integer", NULL, 2},
        {{"1", "2.5", "3", "NA"}, AML_NUMBER, "real", NULL, 2.5},
        {{"1", "0", "0", ""}, AML_NUMBER, "boolean", NULL, 0},
        {{"0", "0", "0", "0"}, AML_NUMBER, "integer", NULL, 0},
        {{"yes", "no", "no", ""}, AML_CATEGORY, "boolean", NULL, 0},
        {{"FALSE", "TRUE", "FALSE", "NA"}, AML_CATEGORY, "boolean", NULL, 0},
        {{"t", "f", "f", "t"}, AML_CATEGORY, "boolean", NULL, 0},
        {{"yes", "maybe", "no", ""}, AML_CATEGORY, "category", NULL, 0},
        {{"$1", "$2.50", "$3", ""}, AML_NUMBER, "money", "$", 2.5},
        {{"€1.5M", "€20K", "€1B", "€0"}, AML_NUMBER, "money", "€", 20000},
        {{"1 %", "2%", "3%", ""}, AML_NUMBER, "percent", "%", 2},
        {{"12 kg", "1.5 kg", "3 kg", "n/a"}, AML_NUMBER, "quantity", "kg", 1.5},
        {{"36 months", "60 months", "", "36 months"}, AML_NUMBER, "quantity", "months", 60},
        {{"12 kg", "500 g", "3 kg", ""}, AML_CATEGORY, "category", NULL, 0},
        {{"2", "3", "4", "5more"}, AML_CATEGORY, "category", NULL, 0},
        {{"2020-01-01", "1970-01-02", "", ""}, AML_DATETIME, "date", NULL, 86400},
        {{"2020-01-01", "1970-01-02 00:00:07", "", ""}, AML_DATETIME, "datetime", NULL, 86407},
        {{"9:30", "12:05:06", "23:59", ""}, AML_DATETIME, "time", NULL, 43506},
        {{"9:30 AM", "1:00 pm", "12:00 AM", ""}, AML_DATETIME, "time", NULL, 46800},
        {{"9:30", "25:00", "23:59", ""}, AML_CATEGORY, "category", NULL, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        aml_frame *f;
        aml_string s = {0};
        aml_string_put(&s, "x;row\n");
        for (int k = 0; k < 4; k++) aml_string_printf(&s, "%s;%d\n", cases[i].cells[k], k);
        assert_int_equal(parse(&f, NULL, s.text, &(aml_csv_options){.separator = ';'}), AML_OK);
        const aml_column *c = &f->columns[0];
        if (c->kind != cases[i].kind || strcmp(aml_column_form(c), cases[i].form))
            fail_msg("%s: %s, not %s", s.text, aml_column_form(c), cases[i].form);
        assert_int_equal(c->unit != NULL, cases[i].unit != NULL);
        if (c->unit) assert_string_equal(c->unit, cases[i].unit);
        if (c->kind == AML_NUMBER || c->kind == AML_DATETIME)
            assert_true(c->number[1] == cases[i].second);
        aml_frame_free(f);
        aml_string_free(&s);
    }
}

/* n rows, of texts that a function makes. */
static void check_form(char *(*make)(char room[200], aml_rng *r), const char *form) {
    aml_string s = {0};
    aml_rng r = aml_rng_stream(3, AML_RNG_TEST, 0, 0);
    aml_frame *f;
    char room[200];
    aml_string_put(&s, "x,row\n");
    for (int i = 0; i < 500; i++) aml_string_printf(&s, "\"%s\",%d\n", make(room, &r), i);
    assert_int_equal(parse(&f, NULL, s.text, NULL), AML_OK);
    if (strcmp(aml_column_form(&f->columns[0]), form))
        fail_msg("%s: %s, not %s", room, aml_column_form(&f->columns[0]), form);
    aml_frame_free(f);
    aml_string_free(&s);
}

static const char *const tags[] = {"Action", "Comedy",  "Drama", "Film noir", "Horror",
                                   "Music",  "Mystery", "Sport", "Thriller",  "War"};

static char *join(char room[200], aml_rng *r, const char *between) {
    size_t n = 1 + aml_rng_below(r, 5);
    int at = 0;
    for (size_t k = 0; k < n; k++)
        at += snprintf(room + at, 200 - (size_t)at, "%s%s", k ? between : "",
                       tags[aml_rng_below(r, 10)]);
    return room;
}
static char *bars(char room[200], aml_rng *r) { return join(room, r, "|"); }
static char *commas(char room[200], aml_rng *r) { return join(room, r, ", "); }
static char *brackets(char room[200], aml_rng *r) {
    int a = (int)aml_rng_below(r, 9), b = (int)aml_rng_below(r, 9), c = (int)aml_rng_below(r, 9);
    if (a < 5) snprintf(room, 200, "[%d, %d, %d]", a, b, c);
    else snprintf(room, 200, "[%d, %d]", a, b);
    return room;
}
static char *pressure(char room[200], aml_rng *r) {
    snprintf(room, 200, "%u, %u", 90 + aml_rng_below(r, 60), 60 + aml_rng_below(r, 40));
    return room;
}
static char *place(char room[200], aml_rng *r) {
    snprintf(room, 200, "%s, %u", tags[aml_rng_below(r, 10)], aml_rng_below(r, 50));
    return room;
}
static char *prose(char room[200], aml_rng *r) {
    snprintf(room, 200, "well %u is here, and %s came, so we all went %u times",
             aml_rng_below(r, 900), tags[aml_rng_below(r, 10)], aml_rng_below(r, 900));
    return room;
}

static void test_lists(void **state) {
    (void)state;
    check_form(bars, "list");
    check_form(commas, "list");
    check_form(brackets, "list");
    check_form(pressure, "category");
    check_form(place, "category");
    check_form(prose, "text");
}

/* What is given is kept, whatever the cells look like. */
static void test_given(void **state) {
    (void)state;
    static const aml_csv_kind kinds[] = {{"t", AML_DATETIME}, {"w", AML_CATEGORY}};
    check_frame("t,w\n9:30,1 kg\n10:00,2 kg\n", &(aml_csv_options){.kinds = kinds, .n_kinds = 2},
                "t:d|w:c\n1970-01-01T09:30:00|1 kg\n1970-01-01T10:00:00|2 kg");
    aml_kind kind;
    assert_true(aml_kind_parse(&kind, "money") && kind == AML_NUMBER);
    assert_true(aml_kind_parse(&kind, "list") && kind == AML_TEXT);
    assert_false(aml_kind_parse(&kind, "colour"));
}

/* Columns of so many texts that no dictionary holds them: what a cell is, is counted in parts, and the first bad cell is the
 * first of all parts, whoever counts. */
static void test_many(void **state) {
    (void)state;
    enum { MANY = 80000, BAD = 70001, WORSE = 75000 };
    static const aml_csv_kind text[] = {{"n", AML_TEXT}};
    aml_string s = {0};
    aml_string_put(&s, "t,n\n");
    for (size_t i = 2; i < MANY; i++) { /* i: the line */
        if (i % 100) aml_string_printf(&s, "a name of %zu or more", i);
        aml_string_printf(&s, ",%s%zu.5\n", i == BAD || i == WORSE ? "no " : "", i);
    }
    for (int threads = 1; threads < 4; threads += 2) {
        aml_frame *f;
        aml_csv_options o = {.n_threads = threads};
        assert_int_equal(parse(&f, NULL, s.text, &o), AML_EDATA);
        assert_int_equal(aml_last_error()->line, BAD);
        o.kinds = text;
        o.n_kinds = 1;
        assert_int_equal(parse(&f, NULL, s.text, &o), AML_OK);
        assert_int_equal(f->n, MANY - 2);
        assert_int_equal(f->columns[0].kind, AML_TEXT);
        assert_int_equal(f->columns[1].kind, AML_TEXT);
        aml_frame_free(f);
    }
    aml_string_free(&s);
}

int main(void) {
    aml_par_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_given),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
