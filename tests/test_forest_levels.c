/* test_forest_levels.c: categories of many levels: how they are ordered, and what forests make of them. */
#include "learners/parts/forest.h"
#include "learners/parts/forest_levels.h"
#include "tests/trees_world.h"

static const aml_task_kind tasks[] = {AML_BINARY, AML_MULTICLASS, AML_REGRESSION};

/* The columns CATEGORY and NOISE become categories of n_levels; what a level of CATEGORY does is in effect. */
static double *open_levels(world *s, size_t n, size_t t, uint32_t n_levels, double noise) {
    world_open(s, n, tasks[t], 31 + t);
    aml_rng rng = aml_rng_stream(5, AML_RNG_TEST, n_levels, 0);
    double *effect = AML_ARRAY(s->keep, n_levels, double);
    for (uint32_t l = 0; l < n_levels; l++) effect[l] = aml_rng_normal(&rng);
    s->n_levels[CATEGORY] = s->n_levels[NOISE] = n_levels;
    for (size_t i = 0; i < n; i++) {
        uint32_t l = aml_rng_below(&rng, n_levels);
        double z = effect[l] + noise * aml_rng_normal(&rng);
        s->column[CATEGORY][i] = aml_rng_below(&rng, 30) ? (float)l : NAN;
        s->column[NOISE][i] = (float)aml_rng_below(&rng, n_levels);
        s->y[i] = tasks[t] == AML_REGRESSION ? 50 + 5 * z
                  : tasks[t] == AML_BINARY   ? z > 0
                                             : (z > 0) + (z > 1);
    }
    s->design.bins = NULL;
    assert_int_equal(aml_design_prepare(&s->design, AML_BUILD_BIN_ROWS, &s->ctx), AML_OK);
    return effect;
}

/* Codes go up with what the levels really do, as far as many rows can tell; a level of no consequence has none. */
static void test_codes_follow_the_target(void **state) {
    (void)state;
    for (size_t t = 0; t < 3; t++)
        for (uint32_t n_levels = 100; n_levels <= 400; n_levels += 300) {
            world s;
            aml_forest_levels levels;
            double *effect = open_levels(&s, 40000, t, n_levels, 0.3), wrong = 0, pairs = 0;
            assert_int_equal(aml_forest_levels_init(&levels, &s.data, true, &s.ctx), AML_OK);
            const uint8_t *code = levels.bins.level_code[CATEGORY];
            assert_true(levels.ordered[CATEGORY] && !levels.ordered[NUMBER]);
            assert_int_equal(levels.bins.n_bins[CATEGORY], n_levels < 255 ? n_levels : 255);
            for (uint32_t a = 0; a < n_levels; a++)
                for (uint32_t b = 0; b < n_levels; b++) {
                    double apart = effect[a] - effect[b], far = fmax(effect[a], -effect[b]);
                    if (apart < 0.4 || (t != 2 && far > 0.5)) continue; /* shares near 0 or 1 */
                    wrong += code[a] < code[b];
                    pairs++;
                }
            /* the class that tells most apart is the first one: it gets rarer */
            assert_true(pairs > 100 && (t == 1 ? wrong > 0.98 * pairs : wrong < 0.02 * pairs));
            for (size_t i = 0; i < s.design.n; i++) {
                float x = s.column[CATEGORY][i];
                uint8_t own = isnan(x) ? 0 : code[(uint32_t)x];
                assert_int_equal(levels.bins.column[CATEGORY][i], own);
                assert_int_equal(levels.bins.row[i * levels.bins.stride + CATEGORY], own);
                for (size_t j = 0; j < 2; j++)
                    assert_int_equal(levels.bins.row[i * levels.bins.stride + j],
                                     s.design.bins->row[i * s.design.bins->stride + j]);
            }
            world_close(&s);
        }
}

/* Levels of one row each tell nothing, and those of few rows share a code instead of being told apart by chance. */
static void test_rare_levels_are_not_trusted(void **state) {
    (void)state;
    enum { N = 6000, MANY = 20 };
    world s;
    aml_forest_levels levels;
    open_levels(&s, N, 2, N, 1);
    for (size_t i = 0; i < N; i++) {
        bool common = i % 2;
        s.column[CATEGORY][i] =
            (float)(common ? i % MANY : i); /* odd numbers up to MANY, or its own */
        s.column[NOISE][i] = (float)i;
        s.y[i] = (common ? (double)(i % MANY) : 0) + aml_rng_normal(&s.ctx.rng);
    }
    s.design.bins = NULL;
    assert_int_equal(aml_design_prepare(&s.design, AML_BUILD_BIN_ROWS, &s.ctx), AML_OK);
    assert_int_equal(aml_forest_levels_init(&levels, &s.data, true, &s.ctx), AML_OK);
    assert_true(levels.ordered[NOISE]); /* as it was: by frequency */
    assert_ptr_equal(levels.bins.level_code[NOISE], s.design.bins->level_code[NOISE]);
    assert_true(levels.ordered[CATEGORY]);
    const uint8_t *code = levels.bins.level_code[CATEGORY];
    assert_int_equal(levels.bins.n_bins[CATEGORY], MANY / 2 + 1);
    for (uint32_t l = 3; l < MANY; l += 2) assert_true(code[l] > code[l - 2]);
    for (uint32_t l = MANY + 2; l < N; l += 2) assert_int_equal(code[l], code[MANY]);
    assert_true(code[MANY] == 1); /* their mean is the lowest */
    world_close(&s);
}

/* A row of weight 2 is a row twice, and rows without weight are none. */
static void test_weights(void **state) {
    (void)state;
    for (size_t t = 0; t < 3; t++) {
        world s;
        aml_forest_levels a, b;
        open_levels(&s, 3000, t, 60, 1);
        uint32_t *twice = AML_ARRAY(s.keep, 6000, uint32_t);
        aml_data weighted = s.data, repeated = s.data;
        weighted.w = s.w;
        repeated.rows = twice;
        repeated.n = 0;
        for (uint32_t i = 0; i < 3000; i++) {
            s.w[i] = i % 3;
            for (uint32_t k = 0; k < i % 3; k++) twice[repeated.n++] = i;
        }
        assert_int_equal(aml_forest_levels_init(&a, &weighted, true, &s.ctx), AML_OK);
        assert_int_equal(aml_forest_levels_init(&b, &repeated, true, &s.ctx), AML_OK);
        assert_true(a.ordered[CATEGORY] && b.ordered[CATEGORY]);
        assert_memory_equal(a.bins.level_code[CATEGORY], b.bins.level_code[CATEGORY], 60);
        world_close(&s);
    }
}

/* One deep tree on all rows: what it learned of each level comes back, so codes mean the same when it grows and when
 * it predicts, with cuts of all kinds. */
static void test_trees_keep_their_levels(void **state) {
    (void)state;
    enum { N = 3000, WIDE = 250 };
    for (size_t t = 0; t < 3; t++)
        for (int kind = 0; kind < 4; kind++) {
            world s;
            aml_forest f;
            aml_forest_rules rules = {.n_trees = 1,
                                      .max_leaves = 1 << 20,
                                      .max_features = 1,
                                      .min_rows = 1,
                                      .random_cuts = kind & 1,
                                      .entropy = kind & 2};
            open_levels(&s, N, t, WIDE, 0);
            assert_int_equal(aml_forest_fit(&f, &s.data, &rules, &s.ctx), AML_OK);
            double *out = AML_ARRAY(s.keep, N * n_outputs(&s.data), double);
            assert_int_equal(aml_forest_predict(out, &f, &s.data, &s.ctx), AML_OK);
            assert_true(error_of(&s.data, s.y, out) < 1e-3);
            world_close(&s);
        }
}

/* 3000 levels of a dozen rows each: most of what they tell is learned. */
static void test_forests_learn_many_levels(void **state) {
    (void)state;
    enum { N = 40000, LEARN = 36000 };
    world s;
    aml_forest f;
    aml_forest_rules rules = {.n_trees = 20,
                              .max_leaves = 1 << 20,
                              .max_features = 0.7,
                              .min_rows = 5,
                              .bootstrap = true};
    open_levels(&s, N, 2, 3000, 1); /* the best possible: sqrt(1/2) */
    aml_data train = s.data, test = s.data;
    train.n = LEARN;
    test.rows += LEARN;
    test.n = N - LEARN;
    assert_int_equal(aml_forest_fit(&f, &train, &rules, &s.ctx), AML_OK);
    double *out = AML_ARRAY(s.keep, test.n, double);
    assert_int_equal(aml_forest_predict(out, &f, &test, &s.ctx), AML_OK);
    assert_true(error_of(&test, s.y, out) < 0.85);
    world_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes_follow_the_target),
        cmocka_unit_test(test_rare_levels_are_not_trusted),
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_trees_keep_their_levels),
        cmocka_unit_test(test_forests_learn_many_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
