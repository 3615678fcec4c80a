/* test_trees.c: what all tree learners promise, and boosting. */
#include "learners/parts/boost_loss.h"
#include "learners/parts/grow.h"
#include "tests/trees_world.h"

extern const aml_learner aml_learner_gbdt, aml_learner_random_forest, aml_learner_extra_trees;
static const aml_learner *const learners[] = {&aml_learner_gbdt, &aml_learner_random_forest,
                                              &aml_learner_extra_trees};
enum { N_LEARNERS = 3, GBDT = 0 };

static const aml_task_kind tasks[] = {AML_BINARY, AML_MULTICLASS, AML_REGRESSION};

/* ---- learners: what all of them promise */

static void test_learners_learn(void **state) {
    (void)state;
    for (size_t t = 0; t < 3; t++)
        for (size_t l = 0; l < N_LEARNERS; l++) {
            world s;
            void *model;
            double hp[32];
            world_open(&s, 4000, tasks[t], 4);
            aml_data train = s.data, test = s.data;
            train.n = 3000;
            test.rows += 3000;
            test.n = 1000;
            defaults(hp, learners[l]);
            set(hp, learners[l], l == GBDT ? "learning_rate" : "max_features",
                l == GBDT ? 0.2 : 0.7);
            double *out = fit_predict(&model, &s, learners[l], hp, &train, &test);
            double error = error_of(&test, s.y, out);
            /* always the same class: 0.4 and more; the mean of the target: 1 */
            assert_true(error < (tasks[t] != AML_REGRESSION ? 0.2 : l == GBDT ? 0.25 : 0.5));
            world_close(&s);
        }
}

static void test_probabilities_sum_to_one(void **state) {
    (void)state;
    for (size_t l = 0; l < N_LEARNERS; l++) {
        world s;
        void *model;
        double hp[32];
        world_open(&s, 600, AML_MULTICLASS, 5);
        defaults(hp, learners[l]);
        double *out = fit_predict(&model, &s, learners[l], hp, &s.data, &s.data);
        for (size_t i = 0; i < 600; i++) {
            assert_true(fabs(out[3 * i] + out[3 * i + 1] + out[3 * i + 2] - 1) < 1e-12);
            for (size_t c = 0; c < 3; c++) assert_true(out[3 * i + c] >= 0);
        }
        world_close(&s);
    }
}

static void test_threads_do_not_matter(void **state) {
    (void)state;
    for (size_t t = 0; t < 3; t++)
        for (size_t l = 0; l < N_LEARNERS; l++) {
            aml_writer file[2] = {{0}, {0}};
            for (int run = 0; run < 2; run++) {
                world s;
                void *model;
                double hp[32];
                world_open(&s, 30000, tasks[t], 6);
                s.ctx.n_threads = run ? 3 : 1;
                defaults(hp, learners[l]);
                set(hp, learners[l], "n_estimators", 6);
                if (l == GBDT) {
                    set(hp, learners[l], "rounds", 6);
                    set(hp, learners[l], "bagging_fraction", 0.8);
                    set(hp, learners[l], "feature_fraction", 0.8);
                }
                fit_predict(&model, &s, learners[l], hp, &s.data, &s.data);
                learners[l]->save(model, &file[run]);
                world_close(&s);
            }
            assert_int_equal(file[0].status, AML_OK);
            assert_int_equal(file[0].size, file[1].size);
            assert_memory_equal(file[0].data, file[1].data, file[0].size);
            aml_writer_free(&file[0]);
            aml_writer_free(&file[1]);
        }
}

static void test_saved_models_predict_the_same(void **state) {
    (void)state;
    for (size_t t = 0; t < 3; t++)
        for (size_t l = 0; l < N_LEARNERS; l++) {
            world s;
            void *model, *again;
            double hp[32];
            world_open(&s, 1500, tasks[t], 7);
            defaults(hp, learners[l]);
            double *out = fit_predict(&model, &s, learners[l], hp, &s.data, &s.data);
            double *back = AML_ARRAY(s.keep, s.data.n * n_outputs(&s.data), double);
            aml_writer w = {0}, w2 = {0};
            learners[l]->save(model, &w);
            aml_reader r = {.data = w.data, .size = w.size, .file = "test"};
            assert_int_equal(learners[l]->load(&again, &r, &s.ctx), AML_OK);
            assert_int_equal(r.at, w.size);
            assert_int_equal(learners[l]->predict(back, again, &s.data, &s.ctx), AML_OK);
            assert_memory_equal(out, back, s.data.n * n_outputs(&s.data) * sizeof *out);
            learners[l]->save(again, &w2);
            assert_int_equal(w.size, w2.size);
            assert_memory_equal(w.data, w2.data, w.size);
            aml_writer_free(&w);
            aml_writer_free(&w2);
            world_close(&s);
        }
}

/* A damaged file is refused, or gives a model that predicts without harm. */
static void test_damaged_models_do_no_harm(void **state) {
    (void)state;
    for (size_t t = 0; t < 3; t++)
        for (size_t l = 0; l < N_LEARNERS; l++) {
            world s;
            void *model;
            double hp[32];
            world_open(&s, 200, tasks[t], 8);
            defaults(hp, learners[l]);
            set(hp, learners[l], "n_estimators", 3);
            if (l == GBDT) set(hp, learners[l], "rounds", 3);
            double *out = fit_predict(&model, &s, learners[l], hp, &s.data, &s.data);
            aml_writer w = {0};
            learners[l]->save(model, &w);
            aml_rng rng = aml_rng_stream(9, AML_RNG_TEST, l, 0);
            for (int trial = 0; trial < 400; trial++) {
                aml_mark mark = aml_arena_mark(s.keep);
                unsigned char *bad = aml_copy(s.keep, w.data, w.size);
                size_t size = trial % 4 ? w.size : aml_rng_below(&rng, (uint32_t)w.size);
                size_t at = aml_rng_below(&rng, (uint32_t)(size + 1)),
                       near = at % 40; /* the head as often as all */
                if (trial % 4)
                    bad[trial % 2 ? near : at % size] ^=
                        (unsigned char)(1u << aml_rng_below(&rng, 8));
                aml_reader r = {.data = bad, .size = size, .file = "test"};
                void *again;
                aml_status status = learners[l]->load(&again, &r, &s.ctx);
                if (trial % 4 == 0) assert_int_equal(status, AML_EDATA);
                if (!status) learners[l]->predict(out, again, &s.data, &s.ctx);
                aml_arena_release(s.keep, mark);
            }
            aml_writer_free(&w);
            world_close(&s);
        }
}

/* ---- learners: awkward data */

static void test_awkward_data(void **state) {
    (void)state;
    for (size_t t = 0; t < 3; t++)
        for (size_t l = 0; l < N_LEARNERS; l++) {
            world s;
            void *model;
            double hp[32];
            world_open(&s, 300, tasks[t], 10);
            defaults(hp, learners[l]);
            for (size_t n = 1; n < 6; n++) { /* few rows */
                aml_data few = s.data;
                few.n = n;
                fit_predict(&model, &s, learners[l], hp, &few, &s.data);
            }
            aml_design none = {.n = 300, .p = 0}; /* no columns */
            assert_int_equal(aml_design_prepare(&none, AML_BUILD_BINS, &s.ctx), AML_OK);
            aml_data blind = s.data;
            blind.x = &none;
            double *out = fit_predict(&model, &s, learners[l], hp, &blind, &blind);
            assert_true(fabs(out[0] - out[299 * n_outputs(&blind)]) < 1e-12);
            for (size_t i = 0; i < 300; i++)
                s.y[i] = tasks[t] == AML_REGRESSION ? -7 : 1; /* one value */
            out = fit_predict(&model, &s, learners[l], hp, &s.data, &s.data);
            for (size_t i = 0; i < 300; i++) {
                double one = tasks[t] == AML_MULTICLASS ? out[3 * i + 1] : out[i];
                assert_true(fabs(one - s.y[i]) < (tasks[t] == AML_REGRESSION ? 1e-9 : 0.01));
            }
            world_close(&s);
        }
}

static void test_huge_targets_stay_finite(void **state) {
    (void)state;
    for (size_t l = 0; l < N_LEARNERS; l++) {
        world s;
        void *model;
        double hp[32];
        world_open(&s, 500, AML_REGRESSION, 11);
        for (size_t i = 0; i < 500; i++) s.y[i] = i % 2 ? 1e308 : -1e308;
        defaults(hp, learners[l]);
        fit_predict(&model, &s, learners[l], hp, &s.data, &s.data);
        for (size_t i = 0; i < 500; i++) s.y[i] = i % 2 ? 1e-308 : 0;
        fit_predict(&model, &s, learners[l], hp, &s.data, &s.data);
        world_close(&s);
    }
}

static void test_unknown_levels_and_missing_values(void **state) {
    (void)state;
    for (size_t l = 0; l < N_LEARNERS; l++) {
        world s;
        void *model;
        double hp[32];
        world_open(&s, 1000, AML_BINARY, 12);
        defaults(hp, learners[l]);
        fit_predict(&model, &s, learners[l], hp, &s.data, &s.data);
        float far[] = {NAN, 1e30f, -1, LEVELS, INFINITY, -INFINITY}, *columns[COLUMNS];
        static uint32_t rows[] = {0, 1, 2, 3, 4, 5};
        for (size_t j = 0; j < COLUMNS; j++) columns[j] = far;
        aml_design d = {
            .n = 6, .p = COLUMNS, .n_levels = s.n_levels, .column = (const float *const *)columns};
        aml_data x = {.x = &d, .rows = rows, .n = 6, .task = AML_BINARY, .n_classes = 2};
        double out[6];
        assert_int_equal(learners[l]->predict(out, model, &x, &s.ctx), AML_OK);
        for (size_t i = 0; i < 6; i++) assert_true(out[i] >= 0 && out[i] <= 1);
        d.p = 2;
        assert_int_equal(learners[l]->predict(out, model, &x, &s.ctx), AML_EDATA);
        world_close(&s);
    }
}

/* ---- weights */

/* A row of weight 2 is the row twice. Exact for trees that look at all rows and features; rounding may turn ties. */
static void test_weights_are_repeated_rows(void **state) {
    (void)state;
    for (size_t t = 0; t < 3; t++) {
        world s;
        void *model;
        double hp[32], apart = 0;
        world_open(&s, 2000, tasks[t], 13);
        size_t k = n_outputs(&s.data), n = 0;
        uint32_t *twice = AML_ARRAY(s.keep, 4000, uint32_t);
        for (uint32_t i = 0; i < 2000; i++) {
            s.w[i] = i % 3 ? 1 : 2;
            for (double c = 0; c < s.w[i]; c++) twice[n++] = i;
        }
        defaults(hp, learners[GBDT]);
        set(hp, learners[GBDT], "min_child_samples", 1); /* rows are not weights */
        set(hp, learners[GBDT], "min_data_per_group", 1);
        set(hp, learners[GBDT], "cat_smooth", 0.1);
        set(hp, learners[GBDT], "rounds",
            1); /* later rounds may take another of two equal splits */
        set(hp, learners[GBDT], "min_child_weight", 5);
        aml_data weighted = s.data, repeated = s.data;
        weighted.w = s.w;
        repeated.rows = twice;
        repeated.n = n;
        double *a = fit_predict(&model, &s, learners[GBDT], hp, &weighted, &s.data);
        double *b = fit_predict(&model, &s, learners[GBDT], hp, &repeated, &s.data);
        double unweighted = 0, *c = fit_predict(&model, &s, learners[GBDT], hp, &s.data, &s.data);
        for (size_t i = 0; i < 2000 * k; i++)
            apart += fabs(a[i] - b[i]), unweighted += fabs(a[i] - c[i]);
        assert_true(apart < 0.01 * unweighted);
        world_close(&s);
    }
}

static void test_rows_of_no_weight_are_not_seen(void **state) {
    (void)state;
    for (size_t t = 0; t < 3; t++)
        for (size_t l = 0; l < N_LEARNERS; l++) {
            world s;
            void *model;
            double hp[32];
            world_open(&s, 1000, tasks[t], 14);
            defaults(hp, learners[l]);
            double *y = aml_copy(s.keep, s.y, 1000 * sizeof *y);
            for (size_t i = 0; i < 1000; i++) { /* half of the rows lie, and weigh nothing */
                s.w[i] = i % 2;
                if (i % 2 == 0) s.y[i] = tasks[t] == AML_REGRESSION ? 1e6 : 1 - fmin(s.y[i], 1);
            }
            aml_data weighted = s.data, truth = s.data;
            weighted.w = s.w;
            double *out = fit_predict(&model, &s, learners[l], hp, &weighted, &truth);
            assert_true(error_of(&truth, y, out) < (tasks[t] == AML_REGRESSION ? 0.8 : 0.3));
            world_close(&s);
        }
}

/* ---- boosting */

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
    aml_grower *g = aml_grower_new(&bins, s.rows, 3000, &rules, &s.ctx);
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
    defaults(hp, learners[GBDT]);
    set(hp, learners[GBDT], "rounds", 1);
    set(hp, learners[GBDT], "learning_rate", 1);
    set(hp, learners[GBDT], "num_leaves", 2);
    set(hp, learners[GBDT], "reg_alpha", 0);
    set(hp, learners[GBDT], "reg_lambda", 0);
    double *out = fit_predict(&model, &s, learners[GBDT], hp, &s.data, &s.data), got = 0, mean = 0;
    assert_int_equal(learners[GBDT]->importance(importance, model, COLUMNS), AML_OK);
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
    defaults(hp, learners[GBDT]);
    set(hp, learners[GBDT], "n_estimators", 2000);
    aml_data train = s.data;
    train.n = 600;
    train.valid = s.rows + 600;
    train.n_valid = 600;
    double *out = fit_predict(&model, &s, learners[GBDT], hp, &train, &s.data), spread = 0;
    for (size_t i = 0; i < 1200; i++) spread = fmax(spread, fabs(out[i] - out[0]));
    aml_writer w = {0};
    learners[GBDT]->save(model, &w);
    assert_true(w.size < 20000); /* a few trees at most; 2000 take a megabyte */
    assert_true(spread < 0.3);
    aml_writer_free(&w);
    world_close(&s);
}

/* ---- stopping */

static void test_stopping(void **state) {
    (void)state;
    for (size_t l = 0; l < N_LEARNERS; l++) {
        world s;
        void *model;
        double hp[32];
        atomic_bool stop = true;
        world_open(&s, 20000, AML_MULTICLASS, 19);
        defaults(hp, learners[l]);
        set(hp, learners[l], "n_estimators", 2000);
        if (l == GBDT) set(hp, learners[l], "rounds", 10000);
        s.ctx.stop = &stop;
        assert_int_equal(learners[l]->fit(&model, &s.data, hp, &s.ctx), AML_ESTOPPED);
        s.ctx.stop = NULL;
        s.ctx.deadline = aml_now() + 1;
        assert_int_equal(learners[l]->fit(&model, &s.data, hp, &s.ctx), AML_OK);
        assert_true(s.ctx.truncated);
        assert_true(aml_now() - s.ctx.deadline <
                    0.5); /* 10 ms of work; a loaded machine may take longer */
        s.ctx.deadline = 0;
        double *out = AML_ARRAY(s.keep, 60000, double);
        assert_int_equal(learners[l]->predict(out, model, &s.data, &s.ctx), AML_OK);
        assert_true(error_of(&s.data, s.y, out) < 0.4);
        world_close(&s);
    }
}

static void test_memory_running_out(void **state) {
    (void)state;
    for (size_t l = 0; l < N_LEARNERS; l++) {
        world s;
        void *model;
        double hp[32];
        bool done = false;
        world_open(&s, 300, AML_MULTICLASS, 20);
        defaults(hp, learners[l]);
        set(hp, learners[l], "n_estimators", 3);
        if (l == GBDT) set(hp, learners[l], "rounds", 3);
        for (uint64_t n = 1; !done; n++) {
            aml_mark mark = aml_arena_mark(s.keep);
            aml_fail_alloc(n, false);
            aml_status status = learners[l]->fit(&model, &s.data, hp, &s.ctx);
            done = aml_fail_alloc(0, false) < n;
            assert_int_equal(status, done ? AML_OK : AML_ENOMEM);
            aml_arena_release(s.keep, mark);
        }
        world_close(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_learners_learn),
        cmocka_unit_test(test_probabilities_sum_to_one),
        cmocka_unit_test(test_threads_do_not_matter),
        cmocka_unit_test(test_saved_models_predict_the_same),
        cmocka_unit_test(test_damaged_models_do_no_harm),
        cmocka_unit_test(test_awkward_data),
        cmocka_unit_test(test_huge_targets_stay_finite),
        cmocka_unit_test(test_unknown_levels_and_missing_values),
        cmocka_unit_test(test_weights_are_repeated_rows),
        cmocka_unit_test(test_rows_of_no_weight_are_not_seen),
        cmocka_unit_test(test_values_and_bins_agree),
        cmocka_unit_test(test_gradients_are_differences),
        cmocka_unit_test(test_first_split_is_the_best),
        cmocka_unit_test(test_early_stopping_keeps_the_best_round),
        cmocka_unit_test(test_stopping),
        cmocka_unit_test(test_memory_running_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
