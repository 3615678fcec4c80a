/* test_tree_shap.c: contributions of features to the predictions of trees. */
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contributions_sum_to_the_margin),
        cmocka_unit_test(test_contributions_are_shapley_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
