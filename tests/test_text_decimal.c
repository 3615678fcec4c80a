/* test_text_decimal.c: numbers from text against strtod, bit for bit.
 *
 *   test_text_decimal [COUNT]      numbers of each family (default 20000; 2000000 makes ten million) */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "automl/core/rng.h"
#include "automl/core/text.h"

static size_t count = 20000;

static void same_as_library(const char *text) {
    double x = 0, y = strtod(text, NULL);
    if (!aml_parse_double(&x, text, strlen(text))) fail_msg("no number: %s", text);
    if (memcmp(&x, &y, sizeof x)) fail_msg("%s: %a, not %a", text, x, y);
}

static uint64_t bits(aml_rng *r) {
    return (uint64_t)aml_rng_below(r, 1u << 31) << 40 ^ (uint64_t)aml_rng_below(r, 1u << 31) << 20 ^
           aml_rng_below(r, 1u << 31);
}

static double any_double(aml_rng *r) {
    uint64_t b = bits(r);
    double x;
    memcpy(&x, &b, sizeof x);
    return isfinite(x) ? x : 0.1;
}

/* Every bit pattern, shortest to longest text. */
static void test_bit_patterns(void **state) {
    (void)state;
    aml_rng r = aml_rng_stream(1, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < count; i++) {
        char text[64];
        snprintf(text, sizeof text, "%.*e", (int)(i % 20), any_double(&r));
        same_as_library(text);
    }
}

/* As people and programs write them. */
static void test_everyday(void **state) {
    (void)state;
    aml_rng r = aml_rng_stream(2, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < count; i++) {
        char text[400];
        double x = aml_rng_normal(&r) * (i % 3 ? 1 : 1e6);
        snprintf(text, sizeof text, i % 2 ? "%.*f" : "%.*g", (int)(i % 21), x);
        same_as_library(text);
    }
}

/* 1 to 25 random digits, a point anywhere, an exponent or none. */
static void test_digits(void **state) {
    (void)state;
    aml_rng r = aml_rng_stream(3, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < count; i++) {
        char text[64];
        size_t n = 0, digits = 1 + aml_rng_below(&r, 25), point = aml_rng_below(&r, 30);
        if (i % 4 == 0) text[n++] = '-';
        for (size_t k = 0; k < digits; k++) {
            if (k == point) text[n++] = '.';
            text[n++] = (char)('0' + aml_rng_below(&r, 10));
        }
        text[n] = 0;
        if (i % 3 == 0)
            snprintf(text + n, sizeof text - n, "e%d", (int)aml_rng_below(&r, 700) - 350);
        same_as_library(text);
    }
}

/* The middle between two neighbours, in full (up to 767 digits), and a little to either side of it. */
static void test_halfway(void **state) {
    (void)state;
    aml_rng r = aml_rng_stream(4, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < count; i++) {
        char text[1200];
        double x = fabs(any_double(&r));
        if (i % 2) x = ldexp(1 + (double)aml_rng_below(&r, 1u << 30), (int)(i % 120) - 60);
        long double middle = ((long double)x + (long double)nextafter(x, INFINITY)) / 2;
        if (!(middle < 1e308L)) continue;
        int n = snprintf(text, sizeof text, "%.*Le", i % 2 ? 60 : 780, middle);
        same_as_library(text);
        char *e = strchr(text, 'e'), tail[16];
        snprintf(tail, sizeof tail, "%s", e);
        snprintf(e, sizeof text - (size_t)n, "1%s", tail);
        same_as_library(text);
        e[-1] = e[-1] == '0' ? '1' : (char)(e[-1] - 1);
        same_as_library(text);
    }
}

/* Around the largest, the smallest normal and the smallest numbers, and powers of two and ten. */
static void test_edges(void **state) {
    (void)state;
    static const char *const edges[] = {"1.7976931348623157e308",
                                        "1.7976931348623158e308",
                                        "1.7976931348623159e308",
                                        "2.2250738585072011e-308",
                                        "2.2250738585072014e-308",
                                        "4.9406564584124654e-324",
                                        "2.4703282292062327e-324",
                                        "2.4703282292062328e-324",
                                        "9007199254740993",
                                        "9007199254740992.5",
                                        "0.000000000000000000000000000000000000000001",
                                        "123456789012345678901234567890",
                                        "18446744073709551615",
                                        "18446744073709551616",
                                        "0e999999999999",
                                        "1e-999999999999",
                                        "-0.0"};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) same_as_library(edges[i]);
    for (int e = -345; e <= 309; e++) {
        char text[64];
        for (int digit = 1; digit < 10; digit++) {
            snprintf(text, sizeof text, "%de%d", digit, e);
            same_as_library(text);
        }
    }
    for (int e = -1074; e < 1024; e++) {
        char text[64];
        for (int precision = 14; precision < 20; precision++) {
            snprintf(text, sizeof text, "%.*e", precision, ldexp(1, e));
            same_as_library(text);
        }
    }
}

int main(int argc, char **argv) {
    if (argc > 1) count = (size_t)strtoul(argv[1], NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bit_patterns), cmocka_unit_test(test_everyday),
        cmocka_unit_test(test_digits),       cmocka_unit_test(test_halfway),
        cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
