/* test_gbdt.c: objectives, bins, sums and growth of boosted trees. */
#include "learners/parts/boost_loss.h"
#include "learners/parts/grow.h"
#include "tests/boost_world.h"

/* Fits on all rows but the last n, and predicts those: they are the rows of s->data afterwards. */
static double *fit_predict_last(void **model, world *s, size_t n) {
    size_t learnt = s->data.n - n;
    s->data.n = learnt;
    fit_predict(model, s);
    s->data.rows += learnt;
    s->data.n = n;
    double *out = AML_ARRAY(s->ctx.keep, n * outputs(s), double);
    assert_int_equal(gbdt->predict(out, *model, &s->data, &s->ctx), AML_OK);
    return out;
}

/* ---- objectives */

static const aml_objective objectives[] = {{AML_ABSOLUTE, 0}, {AML_HUBER, 0.6}, {AML_QUANTILE, 0.2},
                                           {AML_POISSON, 0},  {AML_GAMMA, 0},   {AML_TWEEDIE, 1.3}};
enum { N_OBJECTIVES = sizeof objectives / sizeof *objectives };

static void test_slopes_are_differences(void **state) {
    (void)state;
    aml_rng rng = aml_rng_stream(1, AML_RNG_TEST, 2, 0);
    for (size_t o = 0; o < N_OBJECTIVES; o++)
        for (int k = 0; k < 200; k++) {
            float score = (float)aml_rng_normal(&rng), slope, curvature;
            float y = (float)(0.1 + 2 * aml_rng_uniform(&rng));
            double h = 1e-4, at[3], r = fabs((double)score - (double)y);
            if (r < 1e-3 || fabs(r - objectives[o].alpha) < 1e-3) continue; /* no kinks */
            aml_objective_gradients(&slope, &curvature, objectives + o, &score, &y, 1);
            for (int d = 0; d < 3; d++)
                at[d] = aml_objective_loss(objectives + o, (double)score + (d - 1) * h, (double)y);
            assert_true(fabs((at[2] - at[0]) / (2 * h) - (double)slope) < 1e-4);
            double second = (at[2] - 2 * at[1] + at[0]) / (h * h);
            if (objectives[o].kind == AML_POISSON) second *= exp(0.7);
            if (objectives[o].kind >= AML_POISSON)
                assert_true(fabs(second - (double)curvature) < 1e-3 * (1 + second));
            else assert_true(curvature == 1);
        }
}

static void test_quantiles_cover(void **state) {
    (void)state;
    static const double levels[] = {0.1, 0.5, 0.9};
    for (size_t k = 0; k < 3; k++) {
        world s;
        void *model;
        world_open(&s, 16000, AML_REGRESSION);
        set(&s, "objective", AML_QUANTILE);
        set(&s, "quantile", levels[k]);
        set(&s, "min_child_samples", 100);
        double *out = fit_predict_last(&model, &s, 6000), below = 0;
        for (size_t i = 0; i < 6000; i++) below += s.y[s.data.rows[i]] <= out[i];
        assert_true(fabs(below / 6000 - levels[k]) < 0.05);
        world_close(&s);
    }
}

/* Each beats the best constant by half in its own loss, and is the same from a file. */
static void test_objectives_learn(void **state) {
    (void)state;
    for (size_t o = 0; o < N_OBJECTIVES; o++) {
        world s;
        void *model, *copy;
        double loss = 0, constant = 0, middle = 0;
        bool is_log = aml_objective_is_log(objectives + o);
        world_open(&s, 15000, AML_REGRESSION);
        for (size_t i = 0; i < 15000 && is_log; i++) s.y[i] = exp(s.y[i]);
        set(&s, "objective", objectives[o].kind);
        set(&s, "quantile", 0.5);
        double *out = fit_predict_last(&model, &s, 3000);
        const double *truth = s.y + 12000;
        for (size_t i = 0; i < 3000; i++) middle += (is_log ? log(truth[i]) : truth[i]) / 3000;
        for (size_t i = 0; i < 3000; i++) {
            double p = is_log ? log(out[i]) : out[i], y = is_log ? log(truth[i]) : truth[i];
            loss += fabs(p - y);
            constant += fabs(middle - y);
        }
        assert_true(loss < 0.6 * constant);
        aml_writer w = {0};
        gbdt->save(model, &w);
        assert_int_equal(w.status, AML_OK);
        aml_reader r = {.data = w.data, .size = w.size};
        assert_int_equal(gbdt->load(&copy, &r, &s.ctx), AML_OK);
        double *again = AML_ARRAY(s.ctx.keep, 3000, double);
        assert_int_equal(gbdt->predict(again, copy, &s.data, &s.ctx), AML_OK);
        assert_memory_equal(out, again, 3000 * sizeof *out);
        aml_writer_free(&w);
        world_close(&s);
    }
}

static void test_targets_that_do_not_fit(void **state) {
    (void)state;
    world s;
    void *model;
    world_open(&s, 100, AML_REGRESSION);
    assert_int_equal(aml_design_prepare(&s.design, AML_BUILD_BINS, &s.ctx), AML_OK);
    s.y[7] = -1;
    set(&s, "objective", AML_POISSON);
    assert_int_equal(gbdt->fit(&model, &s.data, s.hp, &s.ctx), AML_EDATA);
    world_close(&s);
}

/* Two rows of a rare class in a leaf of their own: their curvature is tiny, the step towards them is not huge. */
static void test_steps_of_rare_classes_are_bounded(void **state) {
    (void)state;
    world s;
    void *model;
    world_open(&s, 3000, AML_BINARY);
    for (size_t i = 0; i < 3000; i++) {
        s.y[i] = i % 1500 == 0;
        if (s.y[i] > 0) s.column[0][i] = 10;
    }
    set(&s, "rounds", 1);
    set(&s, "learning_rate", 0.3);
    set(&s, "min_child_samples", 1);
    set(&s, "min_child_weight", 1e-3);
    double *out = fit_predict(&model, &s);
    double step = log(out[0] / (1 - out[0])) - log(2.0 / 2998);
    assert_true(step > 1 && step < 0.3 * 8 + 1e-6);
    world_close(&s);
}

/* ---- bins and sums */

static void test_bundles_lose_nothing(void **state) {
    (void)state;
    world s;
    aml_boost_bins b;
    world_open(&s, 3000, AML_BINARY);
    assert_int_equal(aml_design_prepare(&s.design, AML_BUILD_BINS, &s.ctx), AML_OK);
    assert_int_equal(aml_boost_bins_init(&b, &s.data, 10, &s.ctx), AML_OK);
    assert_int_equal(b.n_columns, P - FLAGS + 1);
    for (size_t j = 0; j < P; j++)
        for (size_t i = 0; i < 3000; i++) {
            assert_int_equal(aml_boost_code(&b, i, j), b.bins.column[j][i]);
            if (j != TOWN) assert_int_equal(b.bins.column[j][i], s.design.bins->column[j][i]);
        }
    world_close(&s);
}

/* Three quarters of the codes are of one town each; the other towns keep their effects though they share codes. */
static void test_many_levels_keep_their_order(void **state) {
    (void)state;
    world s;
    aml_boost_bins b;
    world_open(&s, 30000, AML_REGRESSION);
    assert_int_equal(aml_design_prepare(&s.design, AML_BUILD_BINS, &s.ctx), AML_OK);
    assert_int_equal(aml_boost_bins_init(&b, &s.data, 10, &s.ctx), AML_OK);
    double low = 0, high = 0, n_low = 0, n_high = 0;
    for (uint32_t l = 0; l < TOWNS; l++) {
        uint8_t code = b.bins.level_code[TOWN][l];
        assert_true(code >= 1);
        if (code > 191 && code < 212) low += effect_of_town((float)l), n_low++;
        if (code > 235) high += effect_of_town((float)l), n_high++;
    }
    assert_true(high / n_high - low / n_low > 1.3);
    world_close(&s);
}

/* Sums in narrow and wide words, of lists and of all rows, on one and more threads, are what they should be. */
static void test_sums_are_right(void **state) {
    (void)state;
    enum { N = 70000 };
    world s;
    aml_boost_bins b;
    aml_hist_plan plan;
    world_open(&s, N, AML_BINARY);
    s.ctx.n_threads = 3;
    assert_int_equal(aml_design_prepare(&s.design, AML_BUILD_BINS, &s.ctx), AML_OK);
    assert_int_equal(aml_boost_bins_init(&b, &s.data, 10, &s.ctx), AML_OK);
    assert_int_equal(aml_hist_plan_init(&plan, &b, &s.ctx), AML_OK);
    for (uint32_t wide = 0; wide < 2; wide++)
        for (uint32_t part = 0; part < 2; part++) { /* some features; all */
            aml_gradients g = {.top_slope = wide ? 2000 : 15, .top_curvature = wide ? 3000 : 31};
            uint32_t *packed = AML_ARRAY(s.ctx.scratch, N, uint32_t), feature[P], n = 0;
            uint32_t *position = AML_ARRAY(s.ctx.scratch, N, uint32_t);
            uint64_t room[256], *want = AML_ARRAY(s.ctx.scratch, 256, uint64_t);
            for (uint32_t i = 0; i < N; i++) {
                int32_t slope =
                    (int32_t)aml_rng_below(&s.ctx.rng, 2 * g.top_slope) - (int32_t)g.top_slope;
                uint32_t curvature = aml_rng_below(&s.ctx.rng, g.top_curvature + 1);
                packed[i] = ((uint32_t)slope << 16) + curvature;
                if (i % 3) position[n++] = i;
            }
            g.packed = packed;
            size_t n_features = 0;
            for (uint32_t j = part ? 0 : 2; j < P; j++) feature[n_features++] = j;
            aml_hist_plan_features(&plan, feature, n_features);
            uint64_t *hist = AML_ARRAY(s.ctx.scratch, plan.n_slots, uint64_t);
            uint64_t *rest = AML_ARRAY(s.ctx.scratch, plan.n_slots, uint64_t);
            for (uint32_t how = 0; how < 4; how++) {
                const uint32_t *list = how % 2 ? NULL : position;
                size_t rows = list ? n : N;
                aml_hands by = {how < 2 ? 1 : 3, 0};
                uint64_t total = 0;
                for (uint32_t i = 0; i < rows; i++) total += aml_widen(packed[list ? list[i] : i]);
                for (size_t k = 0; k < plan.n_slots; k++) rest[k] = k;
                assert_true(aml_hist_sum(hist, rest, &plan, list, rows, &g, by, &s.ctx));
                for (size_t k = 0; k < plan.n_slots; k++) assert_true(rest[k] == k - hist[k]);
                for (size_t k = 0; k < n_features; k++) {
                    const uint64_t *got = aml_hist_feature(room, &plan, hist, total, k);
                    const uint8_t *code = b.bins.column[feature[k]];
                    memset(want, 0, 256 * sizeof *want);
                    for (uint32_t i = 0; i < rows; i++) {
                        uint32_t at = list ? list[i] : i;
                        want[code[at]] += aml_widen(packed[at]);
                    }
                    assert_memory_equal(got, want, (b.bins.n_bins[feature[k]] + 1u) * sizeof *want);
                }
            }
        }
    world_close(&s);
}

static void test_columns_may_be_permuted(void **state) {
    (void)state;
    double *out[2];
    world s[2];
    for (size_t k = 0; k < 2; k++) {
        void *model;
        world_open(&s[k], 20000, AML_BINARY);
        set(&s[k], "rounds", 20);
        for (size_t j = 0; k && j < P / 2; j++) {
            float *c = s[k].column[j];
            uint32_t levels = s[k].n_levels[j];
            s[k].column[j] = s[k].column[P - 1 - j];
            s[k].n_levels[j] = s[k].n_levels[P - 1 - j];
            s[k].column[P - 1 - j] = c;
            s[k].n_levels[P - 1 - j] = levels;
        }
        out[k] = fit_predict(&model, &s[k]);
    }
    for (size_t i = 0; i < 20000; i++) assert_true(fabs(out[0][i] - out[1][i]) < 1e-6);
    for (size_t k = 0; k < 2; k++) world_close(&s[k]);
}

/* Eight leaves by depth first lie three levels down, by gain first they do not. */
static void test_growing_by_depth(void **state) {
    (void)state;
    for (int by_depth = 0; by_depth < 2; by_depth++) {
        world s;
        aml_boost_bins b;
        aml_boost_loss loss;
        bool stopped;
        uint32_t feature[P], level[16] = {0}, deepest = 0;
        aml_grow_rules rules = {.n_leaves = 8, .learning_rate = 1, .by_depth = by_depth > 0};
        rules.split = (aml_split_rules){.min_rows = 5, .cat_smooth = 10, .cat_l2 = 10};
        world_open(&s, 3000, AML_REGRESSION);
        for (uint32_t j = 0; j < P; j++) feature[j] = j;
        for (size_t i = 0; i < 3000 && !by_depth; i++) s.y[i] += exp(3 * (double)s.column[0][i]);
        assert_int_equal(aml_design_prepare(&s.design, AML_BUILD_BINS, &s.ctx), AML_OK);
        assert_int_equal(aml_boost_bins_init(&b, &s.data, 10, &s.ctx), AML_OK);
        assert_int_equal(aml_boost_loss_init(&loss, &s.data, (aml_objective){0}, &s.ctx), AML_OK);
        aml_boost_loss_update(&loss, 1);
        assert_true(aml_boost_loss_pack(&loss, 0, 1, 1));
        aml_grower *g = aml_grower_new(&b, s.rows, 3000, &rules, NULL, &s.ctx);
        aml_round round = {.gradients = loss.gradients, .n = 3000, .feature = feature};
        round.n_features = P;
        assert_non_null(g);
        assert_int_equal(aml_grower_grow(&stopped, g, &round), AML_OK);
        aml_tree tree = aml_grower_tree(g);
        assert_int_equal(tree.n_nodes, 15);
        for (uint32_t i = 0; i < 15; i++) {
            uint32_t left = tree.node[i].left;
            if (level[i] > deepest) deepest = level[i];
            if (left) level[left] = level[left + 1] = level[i] + 1;
        }
        assert_true(by_depth ? deepest == 3 : deepest > 3);
        world_close(&s);
    }
}

/* 15 rounds and then 25 more are 40 rounds, with sampled rows and features, too. */
static void test_going_on_is_training_longer(void **state) {
    (void)state;
    static const aml_task_kind tasks[] = {AML_REGRESSION, AML_BINARY, AML_MULTICLASS};
    for (size_t t = 0; t < 3; t++) {
        world s;
        void *some, *all, *longer;
        aml_writer a = {0}, b = {0};
        world_open(&s, 2000, tasks[t]);
        set(&s, "bagging_fraction", 0.7);
        set(&s, "feature_fraction", 0.7);
        set(&s, "node_feature_fraction", 0.7);
        set(&s, "row_sampling", tasks[t] == AML_BINARY);
        set(&s, "rounds", 40);
        fit_predict(&all, &s);
        set(&s, "rounds", 15);
        fit_predict(&some, &s);
        set(&s, "rounds", 40);
        assert_int_equal(gbdt->more(&longer, some, &s.data, s.hp, &s.ctx), AML_OK);
        gbdt->save(all, &a);
        gbdt->save(longer, &b);
        assert_int_equal(a.size, b.size);
        assert_memory_equal(a.data, b.data, a.size);
        aml_writer_free(&a);
        aml_writer_free(&b);
        world_close(&s);
    }
}

static void test_bins_as_few_as_asked_for(void **state) {
    (void)state;
    world s;
    void *model;
    world_open(&s, 3000, AML_REGRESSION);
    s.design.max_bins = 63;
    fit_predict(&model, &s);
    for (size_t j = 0; j < P; j++) assert_true(s.design.bins->n_bins[j] <= 63);
    assert_int_equal(s.design.bins->n_bins[0], 63);
    world_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slopes_are_differences),
        cmocka_unit_test(test_quantiles_cover),
        cmocka_unit_test(test_objectives_learn),
        cmocka_unit_test(test_targets_that_do_not_fit),
        cmocka_unit_test(test_steps_of_rare_classes_are_bounded),
        cmocka_unit_test(test_bundles_lose_nothing),
        cmocka_unit_test(test_many_levels_keep_their_order),
        cmocka_unit_test(test_sums_are_right),
        cmocka_unit_test(test_columns_may_be_permuted),
        cmocka_unit_test(test_growing_by_depth),
        cmocka_unit_test(test_going_on_is_training_longer),
        cmocka_unit_test(test_bins_as_few_as_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
