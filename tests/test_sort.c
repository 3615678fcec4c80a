/* test_sort.c: sorting: stable, NaN last. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "automl/core/ctx.h"
#include "automl/core/sort.h"

static aml_rng stream(uint64_t a) { return aml_rng_stream(11, AML_RNG_TEST, a, 0); }

static double odd_value(aml_rng *r) {
    static const double odd[] = {0, -0.0, INFINITY, -INFINITY, 1, -1, 5e-324, -5e-324, 1e308};
    switch (aml_rng_below(r, 4)) {
    case 0: return odd[aml_rng_below(r, 9)];
    case 1:
        return aml_rng_below(r, 8) ? (double)aml_rng_below(r, 5) : aml_rng_below(r, 2) ? NAN : -NAN;
    case 2: return aml_rng_normal(r) * exp(50 * aml_rng_normal(r));
    default: return aml_rng_normal(r);
    }
}

static bool goes_before(double a, double b) { return isnan(b) ? !isnan(a) : a < b; }

static void sorts_are_stable_with_nan_last(void **state) {
    aml_rng r = stream(5);
    (void)state;
    for (size_t n = 0; n < 400; n = n < 5 ? n + 1 : n * 2) {
        double x[400];
        float f[400];
        uint32_t o64[400], o32[400];
        for (size_t i = 0; i < n; i++) f[i] = (float)(x[i] = odd_value(&r));
        assert_int_equal(aml_argsort(o64, x, n), AML_OK);
        assert_int_equal(aml_argsort_f32(o32, f, n), AML_OK);
        for (size_t i = 1; i < n; i++) {
            bool same =
                !goes_before(x[o64[i - 1]], x[o64[i]]) && !goes_before(x[o64[i]], x[o64[i - 1]]);
            assert_true(same ? o64[i - 1] < o64[i] : goes_before(x[o64[i - 1]], x[o64[i]]));
            float a = f[o32[i - 1]], b = f[o32[i]];
            same = !goes_before(a, b) && !goes_before(b, a);
            assert_true(same ? o32[i - 1] < o32[i] : goes_before(a, b));
        }
        double y[400];
        memcpy(y, x, n * sizeof *y);
        assert_int_equal(aml_sort_f64(y, n), AML_OK);
        for (size_t i = 0; i < n; i++) assert_memory_equal(&y[i], &x[o64[i]], sizeof *y);
        assert_int_equal(aml_sort_f32(f, n), AML_OK);
        for (size_t i = 1; i < n; i++) assert_false(goes_before(f[i], f[i - 1]));
    }
}

typedef struct item {
    int key, index;
} item;

static int by_key(const void *a, const void *b, void *arg) {
    ++*(size_t *)arg;
    return ((const item *)a)->key - ((const item *)b)->key;
}

static void merge_sort_is_stable(void **state) {
    enum { N = 5000 };
    static item v[N];
    aml_rng r = stream(6);
    size_t compared = 0;
    bool seen[N] = {false};
    (void)state;
    for (int i = 0; i < N; i++) v[i] = (item){(int)aml_rng_below(&r, 300), i};
    assert_int_equal(aml_sort(v, N, sizeof *v, by_key, &compared), AML_OK);
    for (int i = 0; i < N; i++) {
        assert_false(seen[v[i].index]);
        seen[v[i].index] = true;
        if (i)
            assert_true(v[i - 1].key < v[i].key ||
                        (v[i - 1].key == v[i].key && v[i - 1].index < v[i].index));
    }
    assert_true(compared < N * 13);
    aml_fail_alloc(1, false);
    assert_int_equal(aml_sort(v, N, sizeof *v, by_key, &compared), AML_ENOMEM);
    aml_fail_alloc(0, false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorts_are_stable_with_nan_last),
        cmocka_unit_test(merge_sort_is_stable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
