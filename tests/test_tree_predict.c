/* test_tree_predict.c: predictions of rows, few or many at once, are those of walks row by row, bit by bit, by every
 * instruction set. The kernels are compiled once more for this test (tests.cmake), so that it can limit what they use. */
#include "learners/parts/forest.h"
#include "learners/parts/tree_plan.h"
#include "tests/trees_world.h"

int aml_simd_limit; /* 0: none, 1: AVX2, 2: AVX-512 */

enum { ROWS = 2600, TREES = 7 };

/* ---- as the file and the contract of trees say */

static float value_at(const aml_design *x, uint32_t p, uint32_t feature, uint32_t row) {
    if (feature < p) return x->column[feature][row];
    for (uint64_t e = x->csr->start[row]; e < x->csr->start[row + 1]; e++)
        if (x->csr->column[e] == feature - p) return x->csr->value[e];
    return 0;
}

static bool goes_left(const aml_trees *t, const aml_tree *tree, const aml_node *node,
                      const aml_design *x, uint32_t row) {
    uint32_t u = node->feature, n_levels = t->n_levels[u];
    float v = value_at(x, t->p, t->feature[u], row);
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

/* The rows of d by each instruction set, n of them at once; start: what there is before the trees. */
static void check_rows(const aml_trees *t, size_t k, const aml_data *d, aml_ctx *ctx,
                       const double *want, double start, size_t n) {
    double *out = AML_ARRAY(ctx->keep, n * k, double);
    for (aml_simd_limit = 0; aml_simd_limit <= 2; aml_simd_limit++) {
        size_t before = aml_arena_bytes(ctx->scratch);
        aml_data part = *d;
        part.n = n;
        for (size_t i = 0; i < n * k; i++) out[i] = start;
        assert_int_equal(aml_trees_predict(out, t, k, &part, ctx), AML_OK);
        assert_memory_equal(out, want, n * k * sizeof *want);
        assert_int_equal(aml_arena_bytes(ctx->scratch), before);
    }
}

static const double *wanted(const aml_trees *t, size_t k, const aml_data *d, aml_arena *keep,
                            double start) {
    double *want = AML_ARRAY(keep, d->n * k, double);
    for (size_t i = 0; i < d->n; i++) {
        for (size_t c = 0; c < k; c++) want[i * k + c] = start;
        add_row(want + i * k, t, k, d->x, d->rows[i]);
    }
    return want;
}

/* ---- trees that were learnt */

static void check(world *s, aml_task_kind task, uint32_t max_leaves, int threads) {
    aml_forest f;
    aml_forest_rules rules = {.n_trees = TREES,
                              .max_leaves = max_leaves,
                              .max_features = 0.5,
                              .min_rows = 1,
                              .bootstrap = true};
    size_t k = task == AML_MULTICLASS ? 3 : 1;
    assert_int_equal(aml_forest_fit(&f, &s->data, &rules, &s->ctx), AML_OK);
    s->ctx.n_threads = threads;
    const double *want = wanted(&f.trees, k, &s->data, s->keep, 0);
    check_rows(&f.trees, k, &s->data, &s->ctx, want, 0, ROWS);
    check_rows(&f.trees, k, &s->data, &s->ctx, want, 0, 5);
}

/* 100 leaves: masks; all leaves: packed nodes; sets of categories too. */
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

/* ---- trees out of nothing, over values that are hard */

typedef struct shape {
    const char *what;
    uint32_t p, q, n_levels; /* every fourth dense feature is a category, where there are levels */
    uint32_t n_trees, leaves, grid, outputs; /* grid: thresholds of a feature, about */
} shape;

static const shape shapes[] = {
    {"31 leaves", 28, 0, 0, 60, 31, 200, 1},
    {"one leaf and few", 3, 0, 0, 70, 1, 5, 2},
    {"255 leaves", 28, 0, 0, 20, 255, 240, 1},
    {"257 leaves, three outputs", 70, 0, 0, 20, 257, 100, 3},
    {"the most leaves for masks", 3, 0, 0, 4, 1024, 100, 1},
    {"too many leaves for masks", 9, 0, 0, 3, 1200, 250, 1},
    {"more thresholds than codes", 2, 0, 0, 40, 63, 3000, 1},
    {"features beyond those of words", 600, 0, 0, 50, 40, 50, 1},
    {"categories", 8, 0, 255, 65, 31, 100, 1},
    {"categories of few levels", 130, 0, 3, 30, 40, 100, 2},
    {"categories, large trees", 8, 0, 200, 3, 1500, 100, 1},
    {"sparse", 3, 40, 0, 20, 31, 100, 1},
    {"sparse, large trees", 3, 40, 9, 4, 1300, 100, 1},
};

typedef struct grove {
    const shape *is;
    world world; /* its arenas */
    aml_design design;
    aml_csr csr;
    aml_data data;
    aml_trees trees;
    const uint8_t **level_code;
    aml_rng rng;
} grove;

enum { MANY = 1000 };

static float hard_value(aml_rng *rng, uint32_t grid) {
    static const float hard[] = {NAN,    INFINITY, -INFINITY, 0.0f,   -0.0f,
                                 1e-45f, 3.4e38f,  -3.4e38f,  -1e-45f};
    uint32_t pick = aml_rng_below(rng, 40);
    if (pick < sizeof hard / sizeof *hard) return hard[pick];
    return (float)aml_rng_below(rng, grid) / 8 - 5;
}

static void make_columns(grove *g) {
    const shape *is = g->is;
    aml_arena *keep = g->world.keep;
    float **column = AML_ARRAY(keep, is->p, float *);
    uint32_t *n_levels = AML_ARRAY(keep, is->p, uint32_t), *rows = AML_ARRAY(keep, MANY, uint32_t);
    g->level_code = AML_ARRAY(keep, is->p, const uint8_t *);
    for (uint32_t j = 0; j < is->p; j++) {
        column[j] = AML_ARRAY(keep, MANY, float);
        n_levels[j] = j % 4 == 3 ? is->n_levels : 0;
        uint8_t *code = AML_ARRAY(keep, n_levels[j] + 1, uint8_t);
        for (uint32_t l = 0; l < n_levels[j]; l++) code[l] = (uint8_t)(1 + l % 255);
        g->level_code[j] = code;
        for (size_t i = 0; i < MANY; i++) /* levels that are not known, too */
            column[j][i] = n_levels[j] && aml_rng_below(&g->rng, 9)
                               ? (float)aml_rng_below(&g->rng, n_levels[j] + 3) - 1
                               : hard_value(&g->rng, is->grid);
    }
    for (uint32_t i = 0; i < MANY; i++) rows[i] = MANY - 1 - i;
    g->design = (aml_design){
        .n = MANY, .p = is->p, .n_levels = n_levels, .column = (const float *const *)column};
    g->data = (aml_data){.x = &g->design, .rows = rows, .n = MANY, .task = AML_REGRESSION};
}

static void make_sparse(grove *g) {
    uint32_t q = g->is->q;
    if (!q) return;
    uint64_t *start = AML_ARRAY(g->world.keep, MANY + 1, uint64_t);
    uint32_t *column = AML_ARRAY(g->world.keep, MANY * (size_t)q, uint32_t);
    float *value = AML_ARRAY(g->world.keep, MANY * (size_t)q, float);
    for (size_t i = 0; i < MANY; i++) {
        start[i + 1] = start[i];
        for (uint32_t j = 0; j < q; j++) {
            if (aml_rng_below(&g->rng, 3)) continue;
            column[start[i + 1]] = j;
            value[start[i + 1]++] = hard_value(&g->rng, g->is->grid);
        }
    }
    g->csr = (aml_csr){MANY, q, start, column, value};
    g->design.csr = &g->csr;
}

/* A random leaf is split until there are enough; threshold and feature at random. */
static void make_tree(grove *g) {
    const shape *is = g->is;
    uint32_t n = 1, leaves = is->leaves == 1 ? 1 + aml_rng_below(&g->rng, 3) : is->leaves;
    aml_arena *keep = g->world.keep;
    aml_node *node = AML_ARRAY(keep, 2 * leaves, aml_node);
    uint32_t *set = AML_ARRAY(keep, leaves * (size_t)AML_SET_WORDS, uint32_t), n_sets = 0;
    float *cover = AML_ARRAY(keep, 2 * leaves, float);
    for (uint32_t i = 0; i < 2 * leaves; i++) cover[i] = 1;
    while (n < 2 * leaves - 1) {
        uint32_t at = aml_rng_below(&g->rng, n), feature = aml_rng_below(&g->rng, is->p + is->q);
        if (node[at].left) continue;
        float limit = hard_value(&g->rng, is->grid);
        uint32_t kind = aml_rng_below(&g->rng, 2) ? AML_NODE_MISSING_LEFT : 0;
        if (feature < is->p && g->design.n_levels[feature]) {
            for (int w = 0; w < AML_SET_WORDS; w++)
                set[n_sets * AML_SET_WORDS + (uint32_t)w] = aml_rng_u32(&g->rng);
            kind |= AML_NODE_CATEGORY | n_sets++ << AML_NODE_SET_SHIFT;
            limit = 0;
        }
        node[at] = (aml_node){isnan(limit) ? 0 : limit, feature, n, kind};
        n += 2;
    }
    for (uint32_t i = 0; i < n; i++)
        if (!node[i].left) node[i].value = (float)aml_rng_normal(&g->rng);
    aml_tree tree = {.node = node, .set = set, .cover = cover, .n_nodes = n, .n_sets = n_sets};
    assert_int_equal(aml_trees_add(&g->trees, &tree, keep), AML_OK);
}

static void grove_open(grove *g, const shape *is) {
    *g = (grove){.is = is, .rng = aml_rng_stream(7, AML_RNG_TEST, 5, is->p)};
    world_open(&g->world, 4, AML_REGRESSION, 1);
    make_columns(g);
    make_sparse(g);
    aml_arena *keep = g->world.keep;
    assert_int_equal(aml_trees_init(&g->trees, &g->design, is->n_trees, keep), AML_OK);
    for (uint32_t k = 0; k < is->n_trees; k++) make_tree(g);
    assert_int_equal(aml_trees_finish(&g->trees, &g->design, g->level_code, keep), AML_OK);
}

static void test_hard_values(void **state) {
    static const size_t numbers[] = {1, 2, 8, 9, 48, 49, 63, 64, 65, 511, 512, 513, MANY};
    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        grove g;
        grove_open(&g, shapes + s);
        size_t k = shapes[s].outputs;
        const double *want = wanted(&g.trees, k, &g.data, g.world.keep, 0.1);
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
            g.world.ctx.n_threads = 1 + (int)i % 3;
            check_rows(&g.trees, k, &g.data, &g.world.ctx, want, 0.1, numbers[i]);
        }
        world_close(&g.world);
    }
}

/* A row in its place, or behind others: the same. */
static void test_rows_alone(void **state) {
    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s += 2) {
        grove g;
        grove_open(&g, shapes + s);
        size_t k = shapes[s].outputs;
        const double *want = wanted(&g.trees, k, &g.data, g.world.keep, -3);
        for (size_t i = 0; i < MANY; i += 17) {
            aml_data one = g.data;
            one.rows += i;
            check_rows(&g.trees, k, &one, &g.world.ctx, want + i * k, -3, 1);
        }
        world_close(&g.world);
    }
}

/* Trees as they were saved are those that were learnt, and a part of them is scored as such. */
static void test_files_and_parts(void **state) {
    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        grove g;
        aml_writer w = {0};
        grove_open(&g, shapes + s);
        aml_trees_save(&g.trees, &w);
        assert_int_equal(w.status, AML_OK);
        aml_reader r = {.data = w.data, .size = w.size, .file = "trees"};
        aml_trees loaded;
        assert_int_equal(aml_trees_load(&loaded, shapes[s].q, 0, &r, g.world.keep), AML_OK);
        aml_writer_free(&w);
        assert_true(loaded.plan && loaded.plan->masks == g.trees.plan->masks);
        assert_int_equal(loaded.plan->n_lanes, g.trees.plan->n_lanes);
        for (int half = 0; half < 2; half++) {
            if (half) loaded.tree += 1, loaded.n_trees -= 1;
            const double *want = wanted(&loaded, 1, &g.data, g.world.keep, 0);
            check_rows(&loaded, 1, &g.data, &g.world.ctx, want, 0, MANY);
            check_rows(&loaded, 1, &g.data, &g.world.ctx, want, 0, 3);
        }
        world_close(&g.world);
    }
}

/* Which way is taken for which trees: else a test above would not see what it is there for. */
static void test_ways(void **state) {
    static const struct {
        bool masks, lanes;
    } ways[] = {{1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {1, 0},
                {1, 0}, {1, 1}, {1, 1}, {0, 0}, {1, 1}, {0, 0}};
    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        grove g;
        grove_open(&g, shapes + s);
        assert_true(g.trees.plan->masks == ways[s].masks);
        assert_int_equal(g.trees.plan->n_lanes, ways[s].lanes ? shapes[s].n_trees : 0);
        world_close(&g.world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ways_of_predicting), cmocka_unit_test(test_hard_values),
        cmocka_unit_test(test_rows_alone), cmocka_unit_test(test_files_and_parts),
        cmocka_unit_test(test_ways)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
