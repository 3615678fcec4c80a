/* test_forecast.c: what a longer search is said to bring. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "automl/engine/forecast.h"

enum { N = 64 };

/* Losses whose best falls at trial 20 and, after half of them, 40. */
static void fill(double *loss, double first, double early, double late) {
    for (size_t i = 0; i < N; i++) loss[i] = 1;
    loss[0] = first;
    loss[20] = first - early;
    loss[40] = first - early - late;
    loss[50] = NAN; /* a failure */
}

static void units_do_not_matter(void **state) {
    (void)state;
    double loss[N], gain, high, gain2, high2;
    fill(loss, 0.6, 0.002, 0.001);
    assert_true(aml_forecast_gain(&gain, &high, loss, N, 1));
    for (size_t i = 0; i < N; i++) loss[i] = 10 * loss[i] - 3;
    assert_true(aml_forecast_gain(&gain2, &high2, loss, N, 7));
    assert_true(fabs(gain2 - 10 * gain) < 1e-12 && fabs(high2 - 10 * high) < 1e-12);
    assert_true(gain > 0 && high > gain);
}

static void late_gains_promise_more(void **state) {
    (void)state;
    double flat[N], early[N], late[N], a, b, c, high;
    fill(flat, 0.6, 0, 0);
    fill(early, 0.6, 0.002, 0);
    fill(late, 0.6, 0, 0.002);
    assert_true(aml_forecast_gain(&a, &high, flat, N, 1));
    assert_true(aml_forecast_gain(&b, &high, early, N, 1));
    assert_true(aml_forecast_gain(&c, &high, late, N, 1));
    assert_true(a > 0 && a < b && b < c);
    fill(late, 0.6, 0, 0.3); /* one jump is no trend */
    assert_true(aml_forecast_gain(&c, &high, late, N, 1));
    assert_true(c < 0.01);
}

static void little_is_known_of_few(void **state) {
    (void)state;
    double loss[N], gain, high;
    fill(loss, 0.6, 0, 0);
    assert_false(aml_forecast_gain(&gain, &high, loss, 7, 1));
    assert_false(aml_forecast_gain(&gain, &high, loss, N, 0.6)); /* no better than the baseline */
    for (size_t i = 0; i < N; i++) loss[i] = NAN;
    assert_false(aml_forecast_gain(&gain, &high, loss, N, 1));
    assert_true(isnan(gain) && isnan(high));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_do_not_matter),
        cmocka_unit_test(late_gains_promise_more),
        cmocka_unit_test(little_is_known_of_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
