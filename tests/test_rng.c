/* test_rng.c: random numbers: known answers, named streams, distributions, shuffles. */
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
#include "automl/core/special.h"

static aml_rng stream(uint64_t a) { return aml_rng_stream(11, AML_RNG_TEST, a, 0); }

/* Random123's known answers. */
static void philox_gives_the_known_answers(void **state) {
    static const uint32_t known[3][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d,
         0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09,
         0x94fdcceb, 0x5001e420, 0x24126ea1},
    };
    (void)state;
    for (int i = 0; i < 3; i++) {
        uint32_t out[4];
        aml_philox(out, known[i], known[i] + 4);
        assert_memory_equal(out, known[i] + 6, sizeof out);
    }
}

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void streams_differ_by_name(void **state) {
    enum { N = 20000 };
    uint64_t *first = malloc(N * sizeof *first);
    size_t n = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 5; seed++)
        for (int purpose = AML_RNG_SPLIT; purpose <= AML_RNG_TEST; purpose++)
            for (uint64_t a = 0; a < 10; a++)
                for (uint32_t b = 0; b < 5; b++) {
                    aml_rng r = aml_rng_stream(seed, (aml_purpose)purpose, a, b);
                    for (uint32_t item = 0; item < 9; item++) {
                        aml_rng child = aml_rng_child(&r, item);
                        first[n++] = aml_rng_u64(&child);
                    }
                    first[n++] = aml_rng_u64(&r);
                }
    assert_int_equal(n, N);
    qsort(first, N, sizeof *first, by_value);
    for (size_t i = 1; i < N; i++) assert_true(first[i] != first[i - 1]);
    free(first);
}

static void children_do_not_depend_on_what_was_drawn(void **state) {
    aml_rng r = stream(1), c1 = aml_rng_child(&r, 7);
    (void)state;
    uint64_t want = aml_rng_u64(&c1);
    aml_rng before = r;
    aml_rng_child(&r, 3);
    assert_memory_equal(&before, &r, sizeof r);
    for (int i = 0; i < 1000; i++) aml_rng_u32(&r);
    aml_rng c2 = aml_rng_child(&r, 7);
    assert_true(aml_rng_u64(&c2) == want);
}

/* Pearson's statistic against equal shares: mean n_cells - 1, and its standard deviation. */
static double chi_square(const size_t *count, size_t n_cells, size_t n) {
    double x = 0, want = (double)n / (double)n_cells;
    for (size_t i = 0; i < n_cells; i++)
        x += ((double)count[i] - want) * ((double)count[i] - want) / want;
    return (x - (double)(n_cells - 1)) / sqrt(2 * (double)(n_cells - 1));
}

static void draws_are_uniform(void **state) {
    enum { N = 200000 };
    size_t tens[10] = {0}, cells[256] = {0}, pairs[1024] = {0}, low[64] = {0}, thirds[3] = {0};
    aml_rng r = stream(2);
    (void)state;
    for (size_t i = 0; i < N; i++) {
        double u = aml_rng_uniform(&r), v = aml_rng_uniform(&r);
        assert_true(u >= 0 && u < 1);
        cells[(size_t)(256 * u)]++;
        pairs[(size_t)(32 * u) * 32 + (size_t)(32 * v)]++;
        low[(uint64_t)(u * 0x1p53) & 63]++;
        tens[aml_rng_below(&r, 10)]++;
        thirds[aml_rng_below(&r, 3u << 30) % 3]++; /* 2^32 words do not fall evenly on 3 * 2^30 */
    }
    assert_true(fabs(chi_square(tens, 10, N)) < 4 && fabs(chi_square(cells, 256, N)) < 4);
    assert_true(fabs(chi_square(thirds, 3, N)) < 4);
    assert_true(fabs(chi_square(pairs, 1024, N)) < 4 && fabs(chi_square(low, 64, N)) < 4);
    for (int i = 0; i < 100; i++) assert_int_equal(aml_rng_below(&r, 1), 0);
    for (int i = 0; i < 1000; i++) assert_true(aml_rng_below(&r, 0x80000001u) <= 0x80000000u);
}

static void normals_have_their_moments(void **state) {
    enum { N = 200000 };
    aml_rng r = stream(3);
    double m[5] = {0};
    size_t cells[50] = {0};
    (void)state;
    for (size_t i = 0; i < N; i++) {
        double x = aml_rng_normal(&r), p = 1;
        for (int k = 0; k < 5; k++, p *= x) m[k] += p / N;
        cells[(size_t)(50 * aml_normal_cdf(x))]++;
    }
    assert_true(fabs(m[1]) < 0.01 && fabs(m[2] - 1) < 0.015 && fabs(m[3]) < 0.04 &&
                fabs(m[4] - 3) < 0.12);
    assert_true(fabs(chi_square(cells, 50, N)) < 4);
}

static void shuffles_are_fair(void **state) {
    size_t seen[24] = {0};
    aml_rng r = stream(4);
    (void)state;
    for (int t = 0; t < 48000; t++) {
        uint32_t v[4] = {0, 1, 2, 3}, rank = 0;
        aml_rng_shuffle(&r, v, 4);
        for (uint32_t i = 0; i < 4; i++) { /* Lehmer code */
            uint32_t smaller = 0;
            for (uint32_t j = i + 1; j < 4; j++) smaller += v[j] < v[i];
            rank = rank * (4 - i) + smaller;
        }
        seen[rank]++;
    }
    assert_true(fabs(chi_square(seen, 24, 48000)) < 4);
    aml_rng_shuffle(&r, NULL, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_known_answers),
        cmocka_unit_test(streams_differ_by_name),
        cmocka_unit_test(children_do_not_depend_on_what_was_drawn),
        cmocka_unit_test(draws_are_uniform),
        cmocka_unit_test(normals_have_their_moments),
        cmocka_unit_test(shuffles_are_fair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
