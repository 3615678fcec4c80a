/* test_datetime.c: dates and times from text, and the calendar. */
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

static void test_datetime(void **state) {
    (void)state;
    static const struct {
        const char *text, *iso;
        bool day_first;
    } cases[] = {{"1970-01-01", "1970-01-01", false},
                 {"2011-03-01T12:30:00", "2011-03-01T12:30:00", false},
                 {"2011-03-01 12:30", "2011-03-01T12:30:00", false},
                 {"2011/3/1", "2011-03-01", false},
                 {"2011-03-01T12:30:00.25Z", "2011-03-01T12:30:00.25", false},
                 {"2011-03-01T12:30:00-0330", "2011-03-01T16:00:00", false},
                 {"2000-02-29", "2000-02-29", false},
                 {"03/01/2011", "2011-03-01", false},
                 {"03/01/2011", "2011-01-03", true},
                 {"3.1.11", "2011-01-03", true},
                 {"3/1/69 1:05 PM", "1969-03-01T13:05:00", false},
                 {"12 March 2020", "2020-03-12", false},
                 {"12-Mar-20", "2020-03-12", false},
                 {"12MAR2020", "2020-03-12", false},
                 {"Mar 12, 2020", "2020-03-12", false},
                 {"Thursday, March 12, 2020 12:00 AM", "2020-03-12", false},
                 {"1949-01", "1949-01-01", false},
                 {"1998 Q3", "1998-07-01", false},
                 {"1998Q1", "1998-01-01", false},
                 {"1972 Jul", "1972-07-01", false},
                 {"20141013T093000", "2014-10-13T09:30:00", false},
                 {"1899-12-31 23:59:59", "1899-12-31T23:59:59", false},
                 {"2020-12-31T24:00:00", "2021-01-01", false},
                 {"0001-01-01", "0001-01-01", false},
                 {"9999-12-31", "9999-12-31", false}};
    double t;
    char out[40];
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (!aml_parse_datetime(&t, cases[i].text, strlen(cases[i].text), cases[i].day_first,
                                false))
            fail_msg("no date: %s", cases[i].text);
        assert_int_equal(aml_format_datetime(out, t), strlen(cases[i].iso));
        assert_string_equal(out, cases[i].iso);
    }
    static const char *const bad[] = {"",
                                      "2020",
                                      "20200131",
                                      "2019-02-29",
                                      "1900-02-29",
                                      "2020-13-01",
                                      "2020-00-10",
                                      "31/31/2020",
                                      "2020-01-01T25:00",
                                      "2020-01-01T12:60",
                                      "2020-01-01x",
                                      "12:30:00",
                                      "1/2",
                                      "Marsh 12, 2020",
                                      "2020-01-01 12:30 XM",
                                      "1.5.3",
                                      "0000-01-01",
                                      "12-2020-01"};
    for (size_t i = 0; i < COUNT(bad); i++)
        if (aml_parse_datetime(&t, bad[i], strlen(bad[i]), false, false))
            fail_msg("a date: %s", bad[i]);
    assert_true(aml_parse_datetime(&t, "20200131", 8, false, true));
    assert_int_equal(aml_format_datetime(out, NAN), 0);
}

/* Every day of four centuries, there and back. */
static void test_calendar(void **state) {
    (void)state;
    for (int64_t day = -140000; day < 150000; day++) {
        char text[40];
        double t;
        size_t n = aml_format_datetime(text, (double)day * 86400);
        assert_true(aml_parse_datetime(&t, text, n, false, false));
        assert_true(t == (double)day * 86400);
    }
}

int main(void) {
    aml_par_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_datetime),
        cmocka_unit_test(test_calendar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
