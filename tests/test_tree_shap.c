/* test_tree_shap.c: contributions of features to the predictions of trees. */
#include "learners/parts/forest.h"
#include "learners/parts/tree_shap.h"
#include "tests/boost_world.h"

static void test_contributions_sum_to_the_margin(void **state) {
    (void)state;
    static const aml_task_kind tasks[] = {AML_REGRESSION, AML_BINARY, AML_MULTICLASS};
    for (size_t t = 0; t < 3; t++) {
        world s;
        void *model;
        world_open(&s, 2000, tasks[t]);
        double *out = fit_predict(&model, &s);
        size_t k = outputs(&s), n = 100;
        s.data.n = n;
        double *phi = AML_ARRAY(s.ctx.keep, n * (P + 1) * k, double), margin[3];
        assert_int_equal(gbdt->contributions(phi, model, &s.data, &s.ctx), AML_OK);
        for (size_t i = 0; i < n; i++) {
            double total = 0;
            for (size_t o = 0; o < k; o++) {
                margin[o] = 0;
                for (size_t j = 0; j <= P; j++) margin[o] += phi[(i * (P + 1) + j) * k + o];
                total += exp(margin[o]);
            }
            for (size_t o = 0; o < k; o++) {
                double p = tasks[t] == AML_REGRESSION ? margin[o]
                           : tasks[t] == AML_BINARY   ? 1 / (1 + exp(-margin[o]))
                                                      : exp(margin[o]) / total;
                assert_true(fabs(p - out[i * k + o]) < 1e-6);
            }
        }
        world_close(&s);
    }
}

/* Expected value of a tree when only the features of `told` are known. */
static double expected(const aml_tree *tree, uint32_t at, const float *x, unsigned told) {
    const aml_node *node = tree->node + at;
    if (!node->left) return (double)node->value;
    double l = expected(tree, node->left, x, told), r = expected(tree, node->left + 1, x, told);
    if (told >> node->feature & 1) return x[node->feature] <= node->value ? l : r;
    const float *cover = tree->cover + node->left;
    return ((double)cover[0] * l + (double)cover[1] * r) / (double)tree->cover[at];
}

static double shapley(const aml_tree *tree, const float *x, unsigned feature, unsigned p) {
    double sum = 0;
    for (unsigned told = 0; told < 1u << p; told++) {
        if (told >> feature & 1) continue;
        unsigned size = (unsigned)__builtin_popcount(told);
        double weight = tgamma(size + 1.0) * tgamma(p - size) / tgamma(p + 1.0);
        sum += weight * (expected(tree, 0, x, told | 1u << feature) - expected(tree, 0, x, told));
    }
    return sum;
}

/* A random tree over 4 numbers, features repeated along its ways. */
static void test_contributions_are_shapley_values(void **state) {
    (void)state;
    enum { N = 31, F = 4 };
    world s;
    world_open(&s, 40, AML_REGRESSION);
    for (uint32_t seed = 0; seed < 20; seed++) {
        aml_rng rng = aml_rng_stream(seed, AML_RNG_TEST, 3, 0);
        aml_node node[N] = {{0}};
        float cover[N] = {64};
        uint32_t feature[F] = {0, 1, 2, 3}, n_levels[F] = {0}, end = 1;
        uint8_t *none[F] = {0};
        double gain[P] = {0}, phi[40 * (P + 1)] = {0};
        for (uint32_t i = 0; i < N; i++) {
            node[i].value = (float)aml_rng_normal(&rng);
            if (i >= end || end + 2 > N || (i > 2 && !aml_rng_below(&rng, 3))) continue;
            node[i].feature = aml_rng_below(&rng, 3);
            node[i].left = end;
            cover[end] = cover[i] * (float)(0.1 + 0.8 * aml_rng_uniform(&rng));
            cover[end + 1] = cover[i] - cover[end];
            end += 2;
        }
        aml_tree tree = {.node = node, .cover = cover, .n_nodes = end};
        aml_trees trees = {.p = P, .n_used = F, .n_levels = n_levels, .n_trees = 1};
        trees.feature = feature;
        trees.level_code = none;
        trees.tree = &tree;
        trees.gain = gain;
        assert_int_equal(aml_trees_contributions(phi, &trees, 1, &s.data, &s.ctx), AML_OK);
        for (size_t i = 0; i < 40; i++) {
            float x[F] = {s.column[0][i], s.column[1][i], s.column[2][i], 0};
            for (unsigned j = 0; j < 3; j++)
                assert_true(fabs(phi[i * (P + 1) + j] - shapley(&tree, x, j, F)) < 1e-9);
            assert_true(fabs(phi[i * (P + 1) + P] - expected(&tree, 0, x, 0)) < 1e-9);
        }
    }
    world_close(&s);
}

/* ---- forests */

extern const aml_learner aml_learner_random_forest, aml_learner_extra_trees;
static const aml_learner *const forests[] = {&aml_learner_random_forest, &aml_learner_extra_trees};
static const aml_task_kind tasks[] = {AML_REGRESSION, AML_BINARY, AML_MULTICLASS};

static void grow_forest(void **model, world *s, const aml_learner *l, double n_trees,
                        double max_leaves) {
    aml_params_defaults(s->hp, l->params);
    s->hp[aml_params_find(l->params, "n_estimators")] = n_trees;
    s->hp[aml_params_find(l->params, "max_leaves")] = max_leaves;
    assert_int_equal(aml_design_prepare(&s->design, AML_BUILD_BIN_ROWS, &s->ctx), AML_OK);
    assert_int_equal(l->fit(model, &s->data, s->hp, &s->ctx), AML_OK);
}

/* Deep trees; the same from a file, on any number of threads. */
static void test_contributions_of_forests_sum_to_the_prediction(void **state) {
    (void)state;
    enum { ROWS = 40 };
    for (size_t t = 0; t < 3; t++)
        for (size_t l = 0; l < 2; l++) {
            world s;
            void *model, *copy;
            world_open(&s, 1500, tasks[t]);
            grow_forest(&model, &s, forests[l], 15, 32768);
            size_t k = outputs(&s), size = ROWS * (P + 1) * k;
            double *phi = AML_ARRAY(s.ctx.keep, size, double), out[ROWS * 3];
            double *again = AML_ARRAY(s.ctx.keep, size, double);
            s.data.n = ROWS;
            assert_int_equal(forests[l]->predict(out, model, &s.data, &s.ctx), AML_OK);
            assert_int_equal(forests[l]->contributions(phi, model, &s.data, &s.ctx), AML_OK);
            for (size_t i = 0; i < ROWS; i++)
                for (size_t o = 0; o < k; o++) {
                    double sum = 0;
                    for (size_t j = 0; j <= P; j++) sum += phi[(i * (P + 1) + j) * k + o];
                    assert_true(fabs(sum - out[i * k + o]) < 1e-6);
                }
            aml_writer w = {0};
            forests[l]->save(model, &w);
            aml_reader r = {.data = w.data, .size = w.size};
            assert_int_equal(forests[l]->load(&copy, &r, &s.ctx), AML_OK);
            s.ctx.n_threads = 3;
            assert_int_equal(forests[l]->contributions(again, copy, &s.data, &s.ctx), AML_OK);
            assert_memory_equal(phi, again, size * sizeof *phi);
            aml_writer_free(&w);
            world_close(&s);
        }
}

static bool is_left(const aml_tree *tree, const aml_node *node, float v) {
    bool missing_left = node->kind & AML_NODE_MISSING_LEFT;
    if (!(node->kind & AML_NODE_CATEGORY)) return isnan(v) ? missing_left : v <= node->value;
    unsigned code = (unsigned)v;
    const uint32_t *set = tree->set + (size_t)(node->kind >> AML_NODE_SET_SHIFT) * AML_SET_WORDS;
    return code ? set[code / 32] >> code % 32 & 1 : missing_left;
}

/* Expected output `o` of a tree when the features of `told` are known; x: used features, categories as codes. */
static double expected_of(const aml_tree *tree, uint32_t at, const float *x, unsigned told,
                          size_t o) {
    const aml_node *node = tree->node + at;
    double value = node->feature ? 0 : (double)node->value;
    if (!node->left) {
        for (uint32_t c = 0; c < node->feature; c++)
            if (tree->share[node->kind + c].class == o)
                value = (double)tree->share[node->kind + c].share;
        return value;
    }
    if (told >> node->feature & 1)
        return expected_of(tree, node->left + !is_left(tree, node, x[node->feature]), x, told, o);
    const float *cover = tree->cover + node->left;
    return ((double)cover[0] * expected_of(tree, node->left, x, told, o) +
            (double)cover[1] * expected_of(tree, node->left + 1, x, told, o)) /
           (double)tree->cover[at];
}

static double shapley_of(const aml_trees *trees, const float *x, unsigned feature, size_t o) {
    double sum = 0;
    unsigned p = trees->n_used;
    for (unsigned told = 0; told < 1u << p; told++) {
        if (told >> feature & 1) continue;
        unsigned size = (unsigned)__builtin_popcount(told);
        double weight = tgamma(size + 1.0) * tgamma(p - size) / tgamma(p + 1.0);
        for (uint32_t t = 0; t < trees->n_trees; t++)
            sum += weight * (expected_of(trees->tree + t, 0, x, told | 1u << feature, o) -
                             expected_of(trees->tree + t, 0, x, told, o));
    }
    return sum;
}

/* Against all subsets of the features, with categories and missing values; covers are the weights of the rows. */
static void test_contributions_of_forests_are_shapley_values(void **state) {
    (void)state;
    enum { ROWS = 6, N = 400 };
    for (size_t t = 0; t < 3; t++)
        for (size_t l = 0; l < 2; l++) {
            world s;
            void *model;
            float x[P];
            world_open(&s, N, tasks[t]);
            grow_forest(&model, &s, forests[l], 3, 10);
            const aml_trees *trees = &((const aml_forest *)model)->trees;
            const double half =
                tasks[t] == AML_REGRESSION ? 0 : 0.5; /* a tree that knows nothing */
            const double scale = ((const aml_forest *)model)->scale / (trees->n_trees + half);
            size_t k = outputs(&s);
            double phi[ROWS * (P + 1) * 3];
            for (uint32_t n = 0; n < trees->n_trees; n++) {
                const aml_tree *tree = trees->tree + n;
                assert_true(tree->n_nodes == 19 && tree->cover[0] == N);
                for (uint32_t i = 0; i < tree->n_nodes; i++) {
                    uint32_t c = tree->node[i].left;
                    assert_true(!c || tree->cover[c] + tree->cover[c + 1] == tree->cover[i]);
                }
            }
            s.data.n = ROWS;
            assert_int_equal(forests[l]->contributions(phi, model, &s.data, &s.ctx), AML_OK);
            for (size_t i = 0; i < ROWS; i++) {
                aml_trees_gather(x, trees, &s.data, i, 1);
                for (unsigned u = 0; u < trees->n_used; u++)
                    for (size_t o = 0; o < k; o++) {
                        double want = scale * shapley_of(trees, x, u, o);
                        double got = phi[(i * (P + 1) + trees->feature[u]) * k + o];
                        assert_true(fabs(got - want) < 1e-6);
                    }
            }
            world_close(&s);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contributions_sum_to_the_margin),
        cmocka_unit_test(test_contributions_are_shapley_values),
        cmocka_unit_test(test_contributions_of_forests_sum_to_the_prediction),
        cmocka_unit_test(test_contributions_of_forests_are_shapley_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
