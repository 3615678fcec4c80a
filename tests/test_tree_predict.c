/* test_tree_predict.c: predictions of many rows at once are those of walks row by row, bit by bit. */
#include "learners/parts/forest.h"
#include "tests/trees_world.h"

enum { ROWS = 2600, TREES = 7 };

static bool goes_left(const aml_trees *t, const aml_tree *tree, const aml_node *node,
                      const aml_design *x, uint32_t row) {
    uint32_t u = node->feature, n_levels = t->n_levels[u];
    float v = x->column[t->feature[u]][row];
    bool missing_left = node->kind & AML_NODE_MISSING_LEFT;
    if (!(node->kind & AML_NODE_CATEGORY)) return isnan(v) ? missing_left : v <= node->value;
    unsigned code = v >= 0 && v < (float)n_levels ? t->level_code[u][(uint32_t)v] : 0;
    const uint32_t *set = tree->set + (size_t)(node->kind >> AML_NODE_SET_SHIFT) * AML_SET_WORDS;
    return code ? set[code / 32] >> code % 32 & 1 : missing_left;
}

static void add_row(double *out, const aml_trees *t, size_t k, const aml_design *x, uint32_t row) {
    for (uint32_t number = 0; number < t->n_trees; number++) {
        const aml_tree *tree = t->tree + number;
        const aml_node *node = tree->node;
        while (node->left) node = tree->node + node->left + !goes_left(t, tree, node, x, row);
        if (!node->feature) out[number % k] += (double)node->value;
        for (uint32_t s = 0; s < node->feature; s++)
            out[tree->share[node->kind + s].class] += (double)tree->share[node->kind + s].share;
    }
}

static void check(world *s, aml_task_kind task, uint32_t max_leaves, int threads) {
    aml_forest f;
    aml_forest_rules rules = {.n_trees = TREES,
                              .max_leaves = max_leaves,
                              .max_features = 0.5,
                              .min_rows = 1,
                              .bootstrap = true};
    size_t k = task == AML_MULTICLASS ? 3 : 1;
    double *out = AML_ARRAY(s->keep, ROWS * k, double);
    assert_int_equal(aml_forest_fit(&f, &s->data, &rules, &s->ctx), AML_OK);
    s->ctx.n_threads = threads;
    assert_int_equal(aml_trees_predict(out, &f.trees, k, &s->data, &s->ctx), AML_OK);
    for (uint32_t i = 0; i < ROWS; i++) {
        double want[3] = {0};
        add_row(want, &f.trees, k, &s->design, s->rows[i]);
        assert_memory_equal(out + i * k, want, k * sizeof *want);
    }
}

/* 100 leaves: masks; all leaves: packed nodes; sets of categories: neither. */
static void test_ways_of_predicting(void **state) {
    static const aml_task_kind tasks[] = {AML_BINARY, AML_MULTICLASS, AML_REGRESSION};
    (void)state;
    for (int trial = 0; trial < 12; trial++) {
        world s;
        aml_task_kind task = tasks[trial % 3];
        world_open(&s, ROWS, task, 31);
        if (trial / 3 % 2) { /* all numbers */
            s.n_levels[CATEGORY] = 0;
            s.design.bins = NULL;
            assert_int_equal(
                aml_design_prepare(&s.design, AML_BUILD_BINS | AML_BUILD_BIN_ROWS, &s.ctx), AML_OK);
        }
        for (uint32_t i = 0; i < ROWS; i++) s.rows[i] = ROWS - 1 - i;
        check(&s, task, trial / 6 ? 100 : 1 << 20, 1 + trial % 2);
        world_close(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ways_of_predicting)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
