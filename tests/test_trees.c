/* test_trees.c: what all tree learners promise. */
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
                    set(hp, learners[l], "node_feature_fraction", 0.7);
                    set(hp, learners[l], "row_sampling", tasks[t] == AML_MULTICLASS);
                    set(hp, learners[l], "learning_rate", 0.3);
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
            assert_int_equal(aml_design_prepare(&none, AML_BUILD_BIN_ROWS, &s.ctx), AML_OK);
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
        cmocka_unit_test(test_stopping),
        cmocka_unit_test(test_memory_running_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
