/* test_gbdt_rules.c: what boosted trees are held to: monotone features, groups that interact, sampled features and rows. */
#include "learners/parts/boost_sample.h"
#include "learners/parts/grow_work.h"
#include "tests/boost_world.h"

/* ---- monotone features */

/* Steps against `sign` as column 0 goes over a grid in 50 rows. */
static size_t wrong_steps(world *s, const void *model, int sign) {
    enum { GRID = 60 };
    size_t wrong = 0;
    double out[GRID];
    uint32_t rows[GRID];
    float *column = s->column[0], kept[GRID];
    for (uint32_t i = 0; i < 50; i++) {
        float *others[P];
        for (size_t j = 0; j < P; j++) others[j] = s->column[j];
        for (size_t g = 0; g < GRID; g++) rows[g] = (uint32_t)g;
        memcpy(kept, column, sizeof kept);
        for (size_t j = 0; j < P; j++) {
            others[j] = AML_ARRAY(s->ctx.keep, GRID, float);
            for (size_t g = 0; g < GRID; g++)
                others[j][g] = j ? s->column[j][i] : (float)g * 0.1f - 3;
        }
        aml_design grid = s->design;
        grid.n = GRID;
        grid.column = (const float *const *)others;
        aml_data x = {.x = &grid, .rows = rows, .n = GRID, .task = s->data.task};
        x.n_classes = s->data.n_classes;
        assert_int_equal(gbdt->predict(out, model, &x, &s->ctx), AML_OK);
        for (size_t g = 1; g < GRID; g++) wrong += (out[g] - out[g - 1]) * sign < 0;
    }
    return wrong;
}

static void test_monotone_features_hold(void **state) {
    (void)state;
    static const aml_task_kind tasks[] = {AML_REGRESSION, AML_BINARY};
    for (size_t t = 0; t < 2; t++)
        for (int sign = -1; sign <= 1; sign += 2) {
            world s;
            void *model;
            int8_t monotone[P] = {(int8_t)sign};
            world_open(&s, 3000, tasks[t]);
            fit_predict(&model, &s);
            assert_true(wrong_steps(&s, model, sign) > 100);
            s.data.monotone = monotone;
            fit_predict(&model, &s);
            assert_int_equal(wrong_steps(&s, model, sign), 0);
            world_close(&s);
        }
}

/* ---- interactions */

/* How far the columns i and j are from adding up: f(a, b) - f(a', b) - f(a, b') + f(a', b') at most, over some rows. */
static double interaction(world *s, const void *model, size_t i, size_t j) {
    enum { PAIRS = 200 };
    double most = 0, out[4];
    uint32_t rows[4] = {0, 1, 2, 3};
    float values[P][4], *columns[P];
    for (size_t r = 0; r < PAIRS; r++) {
        for (size_t k = 0; k < P; k++) {
            columns[k] = values[k];
            for (size_t c = 0; c < 4; c++) values[k][c] = s->column[k][r];
        }
        values[i][1] = values[i][3] = s->column[i][r + PAIRS];
        values[j][2] = values[j][3] = s->column[j][r + PAIRS];
        aml_design d = s->design;
        d.n = 4;
        d.column = (const float *const *)columns;
        aml_data x = {.x = &d, .rows = rows, .n = 4, .task = s->data.task};
        assert_int_equal(gbdt->predict(out, model, &x, &s->ctx), AML_OK);
        most = fmax(most, fabs(out[0] - out[1] - out[2] + out[3]));
    }
    return most;
}

/* Groups {0, 2}, {1, 2, 3} and every other feature by itself. */
static void test_only_features_of_a_group_interact(void **state) {
    (void)state;
    static const uint64_t groups[P] = {1, 2, 3, 2};
    for (int by_depth = 0; by_depth < 2; by_depth++) {
        world s;
        void *model;
        size_t apart = 0, together = 0;
        world_open(&s, 3000, AML_REGRESSION);
        set(&s, "grow", by_depth);
        fit_predict(&model, &s);
        assert_true(interaction(&s, model, 0, 1) > 0.1);
        assert_true(interaction(&s, model, 0, 4) > 1e-3);
        s.data.groups = groups;
        fit_predict(&model, &s);
        for (size_t i = 0; i < P; i++)
            for (size_t j = i + 1; j < P; j++) {
                double d = interaction(&s, model, i, j);
                if (groups[i] & groups[j]) together += d > 1e-3;
                else apart += d > 1e-6;
            }
        assert_int_equal(apart, 0);
        assert_int_equal(together, 4);
        world_close(&s);
    }
}

/* ---- sampled features */

/* Each leaf sees as many features as asked for, in their order, each feature about as often. */
static void test_nodes_see_a_share_of_the_features(void **state) {
    (void)state;
    enum { NODES = 4000 };
    world s;
    aml_boost_bins b;
    aml_grow_rules rules = {.n_leaves = 8, .learning_rate = 1, .node_fraction = 0.3};
    uint32_t feature[P], look[P], seen[P] = {0};
    world_open(&s, 500, AML_REGRESSION);
    for (uint32_t j = 0; j < P; j++) feature[j] = j;
    assert_int_equal(aml_design_prepare(&s.design, AML_BUILD_BINS, &s.ctx), AML_OK);
    assert_int_equal(aml_boost_bins_init(&b, &s.data, 10, &s.ctx), AML_OK);
    aml_grower *g = aml_grower_new(&b, s.rows, 500, &rules, NULL, &s.ctx);
    aml_round round = {.n = 500, .feature = feature, .n_features = P, .rng = s.ctx.rng};
    assert_non_null(g);
    g->round = &round;
    aml_hist_plan_features(&g->plan, feature, P);
    for (uint32_t node = 0; node < NODES; node++) {
        aml_leaf leaf = {.node = node, .depth = 1};
        assert_int_equal(aml_grow_features(look, g, &leaf), 3); /* 2.4 upwards */
        for (size_t k = 0; k < 3; k++) {
            assert_true(look[k] < P && (!k || look[k] > look[k - 1]));
            seen[look[k]]++;
        }
    }
    for (size_t j = 0; j < P; j++) assert_true(fabs(seen[j] / (NODES * 3.0 / P) - 1) < 0.15);
    world_close(&s);
}

/* ---- sampled rows */

/* Rows of the largest slopes are all there, of the others as many as asked for, and these stand for all others. */
static void test_rows_of_large_slopes_are_kept(void **state) {
    (void)state;
    enum { N = 20000 };
    static const aml_task_kind tasks[] = {AML_REGRESSION, AML_MULTICLASS};
    for (size_t t = 0; t < 2; t++) {
        world s;
        aml_boost_loss loss;
        aml_boost_sample sample;
        aml_sample_rules rules = {.by_slope = true, .fraction = 1, .top = 0.2, .other = 0.1};
        world_open(&s, N, tasks[t]);
        rules.warm_up = 3;
        assert_int_equal(aml_boost_loss_init(&loss, &s.data, (aml_objective){0}, &s.ctx), AML_OK);
        assert_int_equal(aml_boost_sample_init(&sample, &rules, N, &s.ctx), AML_OK);
        for (size_t i = 0; i < N * loss.n_outputs; i++)
            loss.train.score[i] += (float)aml_rng_normal(&s.ctx.rng);
        aml_boost_loss_update(&loss, 1);
        aml_boost_sample_draw(&sample, &loss, 2, &s.ctx.rng, 1);
        assert_true(sample.n == N && !sample.position && !loss.emphasis);
        aml_boost_sample_draw(&sample, &loss, 3, &s.ctx.rng, 1);
        double least = INFINITY, most = 0, stands_for = 0;
        size_t larger = 0, n = 0;
        for (size_t i = 0; i < N; i++) {
            double size = 0;
            for (size_t o = 0; o < loss.n_outputs; o++) {
                double y = loss.train.class ? (double)loss.train.class[i] : (double)loss.train.y[i];
                double slope = (double)loss.train.score[i] - y;
                if (loss.top) /* softmax */
                    slope = exp((double)loss.train.score[o * N + i] - (double)loss.top[i]) /
                                (double)loss.total[i] -
                            ((double)o == y);
                size += fabs(slope);
            }
            assert_true(fabs(size - (double)sample.size[i]) < 1e-5);
            stands_for += (double)loss.emphasis[i];
            larger += loss.emphasis[i] == 1;
            if (loss.emphasis[i] == 1) least = fmin(least, size);
            else most = fmax(most, size);
            assert_true(sample.in_bag[i] == (loss.emphasis[i] > 0));
            if (sample.in_bag[i]) assert_int_equal(sample.position[n++], i);
        }
        assert_int_equal(n, sample.n);
        assert_true(most <= least + 1e-5);
        assert_true(fabs((double)larger - 0.2 * N) <= 1);
        assert_true(fabs((double)n - 0.3 * N) < 0.01 * N);
        assert_true(fabs(stands_for - N) < 0.07 * N);
        world_close(&s);
    }
}

/* Where all slopes are alike none is larger: the bag is as large, its rows stand for all evenly. */
static void test_rows_of_equal_slopes_are_drawn_evenly(void **state) {
    (void)state;
    enum { N = 20000 };
    world s;
    aml_boost_loss loss;
    aml_boost_sample sample;
    aml_sample_rules rules = {.by_slope = true, .fraction = 1, .top = 0.2, .other = 0.1};
    world_open(&s, N, AML_BINARY);
    for (size_t i = 0; i < N; i++) s.y[i] = (double)(i % 2);
    assert_int_equal(aml_boost_loss_init(&loss, &s.data, (aml_objective){0}, &s.ctx), AML_OK);
    assert_int_equal(aml_boost_sample_init(&sample, &rules, N, &s.ctx), AML_OK);
    aml_boost_sample_draw(&sample, &loss, 0, &s.ctx.rng, 1);
    assert_true(fabs((double)sample.n - 0.3 * N) < 0.01 * N);
    for (size_t i = 0; i < sample.n; i++)
        assert_true(fabsf(loss.emphasis[sample.position[i]] - 1 / 0.3f) < 1e-4f);
    world_close(&s);
}

/* New rows are predicted nearly as well from samples as from all rows, and better than from fewer rounds. */
static void test_sampled_trees_learn(void **state) {
    (void)state;
    enum { N = 12000, TRAIN = 8000 };
    double error[3] = {0};
    for (int how = 0; how < 3; how++) {
        world s;
        void *model;
        world_open(&s, N, AML_REGRESSION);
        if (how == 1) set(&s, "row_sampling", 1);
        if (how == 2) set(&s, "node_feature_fraction", 0.5);
        set(&s, "learning_rate", 0.2);
        aml_data test = s.data;
        s.data.n = TRAIN;
        fit_predict(&model, &s);
        test.rows += TRAIN;
        test.n = N - TRAIN;
        double *out = AML_ARRAY(s.ctx.keep, N, double), all = 0;
        assert_int_equal(gbdt->predict(out, model, &test, &s.ctx), AML_OK);
        for (size_t i = 0; i < test.n; i++) {
            double y = s.y[test.rows[i]];
            error[how] += (out[i] - y) * (out[i] - y) / (double)test.n;
            all += y * y / (double)test.n;
        }
        assert_true(error[how] < 0.4 * all);
        world_close(&s);
    }
    assert_true(error[1] != error[0] && error[1] < 1.15 * error[0]);
    assert_true(error[2] != error[0] && error[2] < 1.15 * error[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_monotone_features_hold),
        cmocka_unit_test(test_only_features_of_a_group_interact),
        cmocka_unit_test(test_nodes_see_a_share_of_the_features),
        cmocka_unit_test(test_rows_of_large_slopes_are_kept),
        cmocka_unit_test(test_rows_of_equal_slopes_are_drawn_evenly),
        cmocka_unit_test(test_sampled_trees_learn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
