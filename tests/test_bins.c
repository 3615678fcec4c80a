/* test_bins.c: bins of a design. */
#include "tests/trees_world.h"

static void test_codes_follow_cuts(void **state) {
    (void)state;
    world s;
    world_open(&s, 5000, AML_REGRESSION, 1);
    const aml_bins *b = s.design.bins;
    for (size_t j = 0; j < COLUMNS; j++)
        for (size_t i = 0; i < s.design.n; i++) {
            float x = s.column[j][i];
            unsigned c = b->column[j][i];
            assert_int_equal(b->row[i * b->stride + j], c);
            assert_true(c <= b->n_bins[j]);
            assert_int_equal(isnan(x), c == 0);
            if (!c || s.n_levels[j]) continue;
            if (c < b->n_bins[j]) assert_true(x <= b->cut[j][c - 1]);
            if (c > 1) assert_true(x > b->cut[j][c - 2]);
        }
    assert_int_equal(b->n_bins[NOISE], 7);
    assert_int_equal(b->n_bins[CONSTANT], 1);
    assert_int_equal(b->n_bins[EMPTY], 1);
    assert_true(b->n_bins[NUMBER] > 200);
    assert_true(b->has_missing[GAPS] && !b->has_missing[NUMBER]);
    world_close(&s);
}

static void test_quantile_bins_are_even(void **state) {
    (void)state;
    world s;
    world_open(&s, 20000, AML_REGRESSION, 2);
    size_t count[256] = {0}, n_bins = s.design.bins->n_bins[NUMBER];
    for (size_t i = 0; i < s.design.n; i++) count[s.design.bins->column[NUMBER][i]]++;
    for (size_t c = 1; c <= n_bins; c++)
        assert_in_range(count[c], 20000 / n_bins / 2, 2 * 20000 / n_bins);
    world_close(&s);
}

static void test_odd_numbers_are_binned(void **state) {
    (void)state;
    float x[] = {-INFINITY, -3e38f, -1, -0.0f, 0, 1e-45f, 1, 3e38f, INFINITY, NAN};
    const float *columns[] = {x};
    aml_memory memory = {0};
    aml_ctx ctx = {.keep = aml_arena_new(&memory), .scratch = NULL, .n_threads = 1};
    aml_design d = {.n = 10, .p = 1, .n_levels = NULL, .column = columns};
    assert_int_equal(aml_design_prepare(&d, AML_BUILD_BINS | AML_BUILD_DENSE, &ctx), AML_OK);
    static const uint8_t want[] = {1, 2, 3, 4, 4, 5, 6, 7, 8, 0};
    for (size_t i = 0; i < 10; i++) assert_int_equal(d.bins->column[0][i], want[i]);
    for (size_t i = 0; i < 9; i++) assert_true(d.dense[i] == x[i]);
    assert_true(d.dense[9] == 0);
    aml_arena_free(ctx.keep);
}

static void test_frequent_levels_have_own_codes(void **state) {
    (void)state;
    enum { N = 5000, MANY = 400 };
    static float x[N];
    const float *columns[] = {x};
    uint32_t n_levels = MANY;
    size_t count[MANY] = {0}, shared = 0;
    aml_rng rng = aml_rng_stream(3, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < N; i++) {
        double u = aml_rng_uniform(&rng);
        x[i] = (float)(uint32_t)(MANY * u * u);
        count[(size_t)x[i]]++;
    }
    aml_memory memory = {0};
    aml_ctx ctx = {.keep = aml_arena_new(&memory), .n_threads = 2};
    aml_design d = {.n = N, .p = 1, .n_levels = &n_levels, .column = columns};
    assert_int_equal(aml_design_prepare(&d, AML_BUILD_BINS, &ctx), AML_OK);
    const uint8_t *code = d.bins->level_code[0];
    assert_int_equal(d.bins->n_bins[0], 255);
    for (size_t a = 0; a < MANY; a++) {
        shared += code[a] == 255;
        for (size_t b = 0; b < MANY; b++)
            if (code[a] < code[b]) assert_true(count[a] >= count[b]);
    }
    assert_int_equal(shared, MANY - 254);
    aml_arena_free(ctx.keep);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes_follow_cuts),
        cmocka_unit_test(test_quantile_bins_are_even),
        cmocka_unit_test(test_odd_numbers_are_binned),
        cmocka_unit_test(test_frequent_levels_have_own_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
