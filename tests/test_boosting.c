/* test_boosting.c: single steps of boosting against direct computation. */
#include "learners/parts/boost_loss.h"
#include "learners/parts/grow.h"
#include "tests/trees_world.h"

extern const aml_learner aml_learner_gbdt;
static const aml_learner *const gbdt = &aml_learner_gbdt;

static const aml_task_kind tasks[] = {AML_BINARY, AML_MULTICLASS, AML_REGRESSION};

/* Predictions from raw values equal the scores that the fit kept by bins. */
static void test_values_and_bins_agree(void **state) {
    (void)state;
    world s;
    world_open(&s, 3000, AML_REGRESSION, 15);
    aml_boost_loss loss;
    assert_int_equal(aml_boost_loss_init(&loss, &s.data, (aml_objective){0}, &s.ctx), AML_OK);
    uint32_t features[COLUMNS];
    for (uint32_t j = 0; j < COLUMNS; j++) features[j] = j;
    aml_grow_rules rules = {
        .n_leaves = 63,
        .learning_rate = 0.3,
        .split = {.min_rows = 3, .min_curvature = 1e-3, .cat_smooth = 1, .cat_l2 = 1}};
    aml_boost_bins bins;
    assert_int_equal(aml_boost_bins_init(&bins, &s.data, 10, &s.ctx), AML_OK);
    aml_grower *g = aml_grower_new(&bins, s.rows, 3000, &rules, NULL, &s.ctx);
    aml_trees trees;
    assert_non_null(g);
    assert_int_equal(aml_trees_init(&trees, &s.design, 10, s.keep), AML_OK);
    float *by_walk = aml_copy(s.keep, loss.train.score, 3000 * sizeof *by_walk);
    for (uint32_t round = 0; round < 10; round++) {
        bool stopped;
        aml_boost_loss_update(&loss, 1);
        assert_true(aml_boost_loss_pack(&loss, 0, round, 1));
        aml_round r = {.gradients = loss.gradients,
                       .n = 3000,
                       .feature = features,
                       .n_features = COLUMNS,
                       .rng = s.ctx.rng};
        assert_int_equal(aml_grower_grow(&stopped, g, &r), AML_OK);
        aml_grower_add(loss.train.score, g);
        aml_grower_add_rows(by_walk, g, s.rows, 3000, NULL);
        aml_tree tree = aml_grower_tree(g);
        assert_true(tree.n_nodes > 60 && tree.n_sets > 0);
        assert_int_equal(aml_trees_add(&trees, &tree, s.keep), AML_OK);
    }
    assert_int_equal(aml_trees_finish(&trees, &s.design, bins.bins.level_code, s.keep), AML_OK);
    assert_memory_equal(by_walk, loss.train.score, 3000 * sizeof *by_walk);
    for (uint32_t k = 0; k < 10;
         k++) { /* tree by tree: float sums of one tree are exact in double */
        aml_trees one = trees;
        double *out = AML_ARRAY(s.keep, 3000, double);
        one.tree = trees.tree + k;
        one.n_trees = 1;
        assert_int_equal(aml_trees_predict(out, &one, 1, &s.data, &s.ctx), AML_OK);
        for (size_t i = 0; i < 3000; i++) {
            const aml_node *leaf = one.tree->node, *nodes = leaf;
            while (leaf->left) {
                size_t j = trees.feature[leaf->feature];
                unsigned code = bins.bins.column[j][i];
                bool left = leaf->kind & AML_NODE_MISSING_LEFT;
                if (code && leaf->kind & AML_NODE_CATEGORY)
                    left =
                        one.tree->set[(leaf->kind >> 2) * AML_SET_WORDS + code / 32] >> code % 32 &
                        1;
                else if (code) left = s.column[j][i] <= leaf->value;
                leaf = nodes + leaf->left + !left;
            }
            assert_true(out[i] == (double)leaf->value);
        }
        for (size_t i = 0; i < 3000; i++) by_walk[i] -= (float)out[i];
    }
    for (size_t i = 0; i < 3000; i++) assert_true(fabsf(by_walk[i] - (float)loss.base[0]) < 1e-5f);
    world_close(&s);
}

/* What rows were packed with is a float, and the unit is one over it: no compiler may leave out the rounding. */
static bool is_over_float(double unit) { return 1 / (double)(float)(1 / unit) == unit; }

/* The slope of the loss is its difference quotient, the curvature that of the slope (multiclass: times k / (k-1)). */
static void test_gradients_are_differences(void **state) {
    (void)state;
    for (size_t t = 0; t < 3; t++) {
        world s;
        aml_boost_loss loss;
        world_open(&s, 50, tasks[t], 16);
        assert_int_equal(aml_boost_loss_init(&loss, &s.data, (aml_objective){0}, &s.ctx), AML_OK);
        aml_boost_rows *r = &loss.train;
        for (size_t i = 0; i < 50 * loss.n_outputs; i++)
            r->score[i] += (float)(aml_rng_normal(&s.ctx.rng) * 0.5);
        aml_boost_loss_update(&loss, 1);
        assert_true(aml_boost_loss_pack(&loss, 0, 1, 1));
        assert_true(is_over_float(loss.gradients.slope_unit));
        assert_true(is_over_float(loss.gradients.curvature_unit));
        for (size_t i = 0; i < 50; i++) {
            uint64_t packed = aml_widen(loss.packed[i]);
            double slope = (double)aml_slope(packed) * loss.gradients.slope_unit, at[3];
            double curvature = (double)aml_curvature(packed) * loss.gradients.curvature_unit;
            float middle = r->score[i], h = 0.02f;
            for (int k = -1; k <= 1; k++) {
                r->score[i] = middle + (float)k * h;
                aml_watch_sums sums = aml_boost_loss_by_part(&loss, r, 1);
                at[k + 1] = 0;
                for (size_t p = 0; p < AML_WATCH_PARTS; p++)
                    at[k + 1] += sums.loss[p] * (tasks[t] == AML_REGRESSION ? 0.5 : 1);
            }
            r->score[i] = middle;
            assert_true(fabs((at[2] - at[0]) / (2 * (double)h) - slope) < 2e-4);
            double second = (at[2] - 2 * at[1] + at[0]) / ((double)h * (double)h);
            if (tasks[t] == AML_MULTICLASS) second *= 1.5;
            assert_true(fabs(second - curvature) < 5e-3);
        }
        world_close(&s);
    }
}

/* The split that is found gains what trying all cuts on raw values gains. */
static void test_first_split_is_the_best(void **state) {
    (void)state;
    enum { N = 400 };
    world s;
    void *model;
    double hp[32], best = 0, importance[COLUMNS];
    world_open(&s, N, AML_REGRESSION, 17);
    for (size_t i = 0; i < N; i++)
        s.y[i] = (double)s.column[NOISE][i] * (double)s.column[NOISE][i] + (double)(i % 5);
    defaults(hp, gbdt);
    set(hp, gbdt, "rounds", 1);
    set(hp, gbdt, "learning_rate", 1);
    set(hp, gbdt, "num_leaves", 2);
    set(hp, gbdt, "reg_alpha", 0);
    set(hp, gbdt, "reg_lambda", 0);
    double *out = fit_predict(&model, &s, gbdt, hp, &s.data, &s.data), got = 0, mean = 0;
    assert_int_equal(gbdt->importance(importance, model, COLUMNS), AML_OK);
    assert_true(importance[NOISE] == 1);
    for (size_t i = 0; i < N; i++) mean += s.y[i] / N;
    for (size_t i = 0; i < N; i++)
        got += (s.y[i] - mean) * (s.y[i] - mean) - (s.y[i] - out[i]) * (s.y[i] - out[i]);
    for (double cut = 0.5; cut < 6; cut++) {
        double sum[2] = {0}, count[2] = {0};
        for (size_t i = 0; i < N; i++) {
            int right = (double)s.column[NOISE][i] > cut;
            sum[right] += s.y[i] - mean;
            count[right]++;
        }
        best = fmax(best, sum[0] * sum[0] / count[0] + sum[1] * sum[1] / count[1]);
    }
    assert_true(fabs(got - best) < 1e-3 * best);
    world_close(&s);
}

static void test_early_stopping_keeps_the_best_round(void **state) {
    (void)state;
    world s;
    void *model;
    double hp[32];
    world_open(&s, 1200, AML_BINARY, 18);
    for (size_t i = 0; i < 1200; i++) s.y[i] = aml_rng_below(&s.ctx.rng, 2); /* nothing to learn */
    defaults(hp, gbdt);
    set(hp, gbdt, "n_estimators", 2000);
    aml_data train = s.data;
    train.n = 600;
    train.valid = s.rows + 600;
    train.n_valid = 600;
    double *out = fit_predict(&model, &s, gbdt, hp, &train, &s.data), spread = 0;
    for (size_t i = 0; i < 1200; i++) spread = fmax(spread, fabs(out[i] - out[0]));
    aml_writer w = {0};
    gbdt->save(model, &w);
    assert_true(w.size < 20000); /* a few trees at most; 2000 take a megabyte */
    assert_true(spread < 0.3);
    aml_writer_free(&w);
    world_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_and_bins_agree),
        cmocka_unit_test(test_gradients_are_differences),
        cmocka_unit_test(test_first_split_is_the_best),
        cmocka_unit_test(test_early_stopping_keeps_the_best_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
