/* test_forest.c: how forests split, what they predict out of bag, and their quantiles. */
#include "learners/parts/forest.h"
#include "learners/parts/forest_kernels.h"
#include "tests/trees_world.h"

static const aml_task_kind tasks[] = {AML_BINARY, AML_MULTICLASS, AML_REGRESSION};

/* One tree on all rows and features: nothing is left to chance. */
static aml_forest_rules certain(void) {
    return (aml_forest_rules){
        .n_trees = 1, .max_leaves = 1 << 20, .max_features = 1, .min_rows = 1};
}

static aml_forest_rules forest_of(uint32_t n_trees) {
    return (aml_forest_rules){.n_trees = n_trees,
                              .max_leaves = 1 << 20,
                              .max_features = 0.6,
                              .min_rows = 2,
                              .bootstrap = true};
}

static double *predict(world *s, const aml_forest *f, const aml_data *x) {
    double *out = AML_ARRAY(s->keep, x->n * n_outputs(x), double);
    assert_int_equal(aml_forest_predict(out, f, x, &s->ctx), AML_OK);
    return out;
}

/* ---- kernels */

typedef struct node_rows {
    size_t n;
    uint8_t code[320];
    uint64_t value[320];
    int64_t slope, weight;
} node_rows;

static void draw_rows(node_rows *r, aml_rng *rng, size_t n, uint32_t codes, bool missing) {
    *r = (node_rows){.n = n};
    for (size_t i = 0; i < n; i++) {
        int64_t w = 1 + aml_rng_below(rng, 3), s = (int64_t)aml_rng_below(rng, 2001) - 1000;
        r->code[i] = (uint8_t)(!missing + aml_rng_below(rng, codes));
        r->value[i] = aml_pack(s * w, w);
        r->slope += s * w;
        r->weight += w;
    }
    memset(r->code + n, r->code[0], AML_LANES);
}

/* The best gain of all cuts, by the definition; codes of `missing` go right. */
static double best_gain(const node_rows *r, const aml_whole *all, bool missing_right) {
    double best = -INFINITY;
    for (unsigned cut = 0; cut < 256; cut++) {
        double s = 0, w = 0;
        for (size_t i = 0; i < r->n; i++) {
            bool left = r->code[i] <= cut && !(missing_right && !r->code[i]);
            s += left ? (double)aml_slope(r->value[i]) : 0;
            w += left ? (double)aml_curvature(r->value[i]) : 0;
        }
        double rest = all->weight - w, t = (double)r->slope - s;
        if (w < (double)all->least || rest < (double)all->least) continue;
        double gain = s * s / w + t * t / rest - (double)r->slope * (double)r->slope / all->weight;
        best = fmax(best, gain / all->weight);
    }
    return best;
}

static void check_gain(double got, double want) {
    if (want == -INFINITY) assert_true(got == -INFINITY);
    else assert_true(fabs(got - want) <= 1e-5 * fabs(want) + 1e-3); /* floats */
}

/* What lies on the left of a cut, and the next code above it. */
static void check_sides(const node_rows *r, const aml_scan *s, bool missing_right) {
    uint64_t weight = 0;
    unsigned upper = 256;
    for (size_t i = 0; i < r->n; i++) {
        unsigned code = missing_right && !r->code[i] ? 256 : r->code[i];
        if (code <= s->code) weight += (uint64_t)aml_curvature(r->value[i]);
        else if (code < upper) upper = code;
    }
    assert_int_equal(s->weight, weight);
    assert_int_equal(s->upper, upper);
}

static void lay_out(aml_few *few, const node_rows *r, int32_t shift, bool narrow) {
    *few = (aml_few){.narrow = narrow};
    for (size_t i = 0; i < r->n; i++) {
        few->weight[i] = (int32_t)aml_curvature(r->value[i]);
        few->slope[i] = (int32_t)aml_slope(r->value[i]) - shift * few->weight[i];
        few->packed[i] = few->slope[i] * 65536 + few->weight[i];
    }
}

static void check_few(const node_rows *r, const aml_whole *all, bool missing_right, bool narrow) {
    const aml_forest_kernels *k = aml_forest_kernels_best();
    aml_few few;
    aml_few_cuts cuts;
    bool varies = false;
    double want = best_gain(r, all, missing_right);
    lay_out(&few, r, all->shift, narrow);
    for (size_t i = 1; i < r->n; i++) varies |= r->code[i] != r->code[0];
    k->few(&cuts, &few, r->code, r->n, missing_right, all);
    assert_true(cuts.varies == varies);
    if (!varies) return;
    check_gain(cuts.most < 0 ? -INFINITY : aml_few_gain(cuts.most), want);
    if (cuts.most < 0) return;
    aml_scan s = k->few_best(&cuts, r->n);
    check_gain(s.gain, want);
    check_sides(r, &s, missing_right);
}

static void check_many(const node_rows *r, const aml_whole *all, bool missing_left) {
    const aml_forest_kernels *k = aml_forest_kernels_best();
    uint64_t by_code[256] = {0}, missing = 0;
    for (size_t i = 0; i < r->n; i++) by_code[r->code[i]] += r->value[i];
    missing = by_code[0];
    by_code[0] = 0;
    aml_scan s = k->many(by_code, 1, 255, missing_left ? missing : 0, all, -INFINITY);
    check_gain(s.gain, best_gain(r, all, !missing_left));
    if (s.gain == -INFINITY) return;
    aml_scan none = k->many(by_code, 1, 255, missing_left ? missing : 0, all, s.gain);
    assert_true(none.gain == -INFINITY); /* not better than itself */
    uint64_t weight = missing_left ? (uint64_t)aml_curvature(missing) : 0;
    for (size_t c = 1; c <= s.code; c++) weight += (uint64_t)aml_curvature(by_code[c]);
    assert_int_equal(s.weight, weight);
    assert_true(s.upper == 256 || by_code[s.upper]);
}

static void test_cuts_are_the_best_of_all(void **state) {
    (void)state;
    aml_rng rng = aml_rng_stream(1, AML_RNG_TEST, 0, 0);
    for (int trial = 0; trial < 900; trial++) {
        node_rows r;
        bool missing = trial % 3 == 0;
        size_t n = 2 + aml_rng_below(&rng, trial % 2 ? AML_FEW - 1 : 299);
        draw_rows(&r, &rng, n, 1 + aml_rng_below(&rng, 250), missing);
        aml_whole all = aml_whole_of(r.slope, r.weight, 1 + trial % 4);
        for (int right = 0; right <= missing && n <= AML_FEW; right++)
            check_few(&r, &all, right, false);
        for (int left = 0; left <= missing; left++) check_many(&r, &all, left);
    }
}

/* Classes 0 and 1: sums of all rows fit in one number. */
static void test_narrow_sums(void **state) {
    (void)state;
    aml_rng rng = aml_rng_stream(3, AML_RNG_TEST, 0, 0);
    for (int trial = 0; trial < 300; trial++) {
        node_rows r;
        draw_rows(&r, &rng, 2 + aml_rng_below(&rng, AML_FEW - 1), 1 + aml_rng_below(&rng, 99),
                  false);
        r.slope = 0;
        for (size_t i = 0; i < r.n; i++) {
            int64_t w = aml_curvature(r.value[i]), y = aml_slope(r.value[i]) > 0;
            r.value[i] = aml_pack(y * w, w);
            r.slope += y * w;
        }
        aml_whole all = aml_whole_of(r.slope, r.weight, 1 + trial % 3);
        check_few(&r, &all, false, true);
    }
}

static void test_sums_and_ranges(void **state) {
    (void)state;
    const aml_forest_kernels *k = aml_forest_kernels_best();
    aml_rng rng = aml_rng_stream(2, AML_RNG_TEST, 0, 0);
    for (int trial = 0; trial < 600; trial++) {
        node_rows r;
        aml_few few;
        float v[300];
        uint8_t lo, hi, least = 255, most = 0;
        size_t n = 1 + aml_rng_below(&rng, trial % 2 ? AML_FEW : 299), below = 0;
        draw_rows(&r, &rng, n, 1 + aml_rng_below(&rng, 255), trial % 3 == 0);
        unsigned from = trial % 2, to = from + aml_rng_below(&rng, 255);
        uint64_t sum = 0;
        for (size_t i = 0; i < n; i++) {
            if (r.code[i] >= from && r.code[i] <= to) sum += r.value[i];
            least = r.code[i] < least ? r.code[i] : least;
            most = r.code[i] > most ? r.code[i] : most;
            v[i] = (float)i;
            below += (double)i < (double)to + 0.5;
        }
        assert_true(k->side(r.value, r.code, n, from, to) == sum);
        if (n <= AML_FEW) {
            lay_out(&few, &r, 0, false);
            assert_true(k->few_side(&few, r.code, n, from, to) == sum);
        }
        k->range(&lo, &hi, r.code, n);
        assert_int_equal(lo, least);
        assert_int_equal(hi, most);
        assert_int_equal(k->below(v, n, (float)to + 0.5f), below);
    }
}

/* ---- trees */

/* A tree on all rows and features does not ask for their order. */
static void test_order_of_rows_does_not_matter(void **state) {
    (void)state;
    for (size_t t = 0; t < 3; t++) {
        world s;
        aml_forest f, g;
        aml_forest_rules rules = certain();
        world_open(&s, 1200, tasks[t], 21);
        aml_data mixed = s.data;
        uint32_t *rows = aml_copy(s.keep, s.rows, 1200 * sizeof *rows);
        aml_rng rng = aml_rng_stream(22, AML_RNG_TEST, t, 0);
        aml_rng_shuffle(&rng, rows, 1200);
        mixed.rows = rows;
        rules.min_rows = 5;
        assert_int_equal(aml_forest_fit(&f, &s.data, &rules, &s.ctx), AML_OK);
        assert_int_equal(aml_forest_fit(&g, &mixed, &rules, &s.ctx), AML_OK);
        double *a = predict(&s, &f, &s.data), *b = predict(&s, &g, &s.data), apart = 0;
        for (size_t i = 0; i < 1200 * n_outputs(&s.data); i++)
            apart += fabs(a[i] - b[i]) > 1e-5 * fabs(a[i]);
        assert_true(apart <=
                    0.01 *
                        1200); /* features are drawn in turn: of equal cuts either may be taken */
        world_close(&s);
    }
}

static void test_weights_are_repeated_rows(void **state) {
    (void)state;
    for (size_t t = 0; t < 2; t++) {
        world s;
        aml_forest f, g;
        aml_forest_rules rules = certain();
        world_open(&s, 1500, tasks[t], 23);
        uint32_t *twice = AML_ARRAY(s.keep, 3000, uint32_t);
        aml_data weighted = s.data, repeated = s.data;
        repeated.n = 0;
        repeated.rows = twice;
        weighted.w = s.w;
        for (uint32_t i = 0; i < 1500; i++) {
            s.w[i] = i % 3 ? 1 : 2;
            for (double c = 0; c < s.w[i]; c++) twice[repeated.n++] = i;
        }
        rules.max_leaves = 40;
        rules.min_rows = 0.7; /* of the mean weight, which is 4 / 3: every row may be a leaf */
        assert_int_equal(aml_forest_fit(&f, &weighted, &rules, &s.ctx), AML_OK);
        assert_int_equal(aml_forest_fit(&g, &repeated, &rules, &s.ctx), AML_OK);
        double *a = predict(&s, &f, &s.data), *b = predict(&s, &g, &s.data), apart = 0;
        size_t n = 1500 * n_outputs(&s.data);
        for (size_t i = 0; i < n; i++) apart += fabs(a[i] - b[i]) > 1e-6;
        assert_true(apart <= 0.02 * (double)n);
        world_close(&s);
    }
}

/* ---- out of bag */

static void test_out_of_bag_is_what_other_trees_predict(void **state) {
    (void)state;
    enum { N = 150, TREES = 12 };
    for (size_t t = 0; t < 3; t++) {
        world s;
        aml_forest f;
        aml_forest_rules rules = forest_of(TREES);
        uint32_t counted[N];
        world_open(&s, N, tasks[t], 24);
        size_t k = n_outputs(&s.data);
        assert_int_equal(aml_forest_fit(&f, &s.data, &rules, &s.ctx), AML_OK);
        double *out = AML_ARRAY(s.keep, N * k, double), want[N * 3] = {0};
        assert_int_equal(aml_forest_out_of_bag(out, counted, &f, &s.data, &rules, &s.ctx), AML_OK);
        size_t n_out[N] = {0};
        for (uint32_t tree = 0; tree < TREES; tree++) {
            aml_forest one = f;
            aml_rng rng = aml_rng_child(&s.ctx.rng, tree); /* the bag is its first N draws */
            bool in[N] = {false};
            for (size_t i = 0; i < N; i++) in[aml_rng_below(&rng, N)] = true;
            one.trees.tree += tree;
            one.trees.n_trees = 1;
            double *p = predict(&s, &one, &s.data);
            for (size_t i = 0; i < N; i++) {
                if (in[i]) continue;
                n_out[i]++;
                for (size_t c = 0; c < k; c++) want[i * k + c] += p[i * k + c];
            }
        }
        for (size_t i = 0; i < N; i++) {
            assert_int_equal(counted[i], n_out[i]);
            for (size_t c = 0; c < k; c++) {
                double mean = want[i * k + c] / (double)n_out[i], got = out[i * k + c];
                if (tasks[t] !=
                    AML_REGRESSION) /* half a tree that knows nothing: of one, and of n */
                    mean = (1.5 * mean * (double)n_out[i] + (n_out[i] ? 0.5 : 0) / (k > 1 ? 3 : 2) -
                            0.5 * (double)n_out[i] / (k > 1 ? 3 : 2)) /
                           ((double)n_out[i] + 0.5);
                if (!n_out[i]) assert_true(isnan(got));
                else assert_true(fabs(got - mean) <= 1e-6 * (1 + fabs(mean)));
            }
        }
        world_close(&s);
    }
}

/* On a target of pure noise the bag shines and the rest does not. */
static void test_out_of_bag_error_is_honest(void **state) {
    (void)state;
    enum { N = 600 };
    world s;
    aml_forest f;
    aml_forest_rules rules = forest_of(60);
    uint32_t counted[N];
    double out[N];
    world_open(&s, N, AML_REGRESSION, 25);
    for (size_t i = 0; i < N; i++) s.y[i] = aml_rng_normal(&s.ctx.rng);
    assert_int_equal(aml_forest_fit(&f, &s.data, &rules, &s.ctx), AML_OK);
    assert_int_equal(aml_forest_out_of_bag(out, counted, &f, &s.data, &rules, &s.ctx), AML_OK);
    assert_true(error_of(&s.data, s.y, predict(&s, &f, &s.data)) < 0.7);
    assert_true(error_of(&s.data, s.y, out) > 0.95);
    rules.bootstrap = false;
    assert_int_equal(aml_forest_out_of_bag(out, counted, &f, &s.data, &rules, &s.ctx), AML_EINVAL);
    world_close(&s);
}

/* ---- quantiles */

static void test_quantiles_cover(void **state) {
    (void)state;
    enum { N = 4000, LEARN = 3000, M = 3 };
    world s;
    aml_forest f;
    aml_forest_rules rules = forest_of(60);
    const double q[M] = {0.05, 0.5, 0.95};
    world_open(&s, N, AML_REGRESSION, 26);
    rules.min_rows = 10;
    rules.max_features = 1;
    for (size_t i = 0; i < N; i++) { /* noise that grows to the right */
        double spread = s.column[NUMBER][i] > 0 ? 4 : 1;
        s.y[i] = 3 * (double)s.column[NUMBER][i] + spread * aml_rng_normal(&s.ctx.rng);
    }
    aml_data train = s.data, test = s.data;
    train.n = LEARN;
    test.rows += LEARN;
    test.n = N - LEARN;
    assert_int_equal(aml_forest_fit(&f, &train, &rules, &s.ctx), AML_OK);
    double *out = AML_ARRAY(s.keep, test.n * M, double), covered = 0, half = 0, width[2] = {0},
           count[2] = {0};
    double *again = AML_ARRAY(s.keep, test.n * M, double);
    assert_int_equal(aml_forest_quantiles(out, &f, &train, q, M, &test, &s.ctx), AML_OK);
    s.ctx.n_threads = 3;
    assert_int_equal(aml_forest_quantiles(again, &f, &train, q, M, &test, &s.ctx), AML_OK);
    assert_memory_equal(out, again, test.n * M * sizeof *out);
    for (size_t i = 0; i < test.n; i++) {
        double y = s.y[test.rows[i]], *o = out + i * M;
        int right = s.column[NUMBER][test.rows[i]] > 0;
        assert_true(o[0] <= o[1] && o[1] <= o[2]);
        covered += (y >= o[0] && y <= o[2]) / (double)test.n;
        half += (y <= o[1]) / (double)test.n;
        width[right] += o[2] - o[0];
        count[right]++;
    }
    assert_true(covered > 0.85 && covered < 0.96);
    assert_true(half > 0.44 && half < 0.56);
    assert_true(width[1] / count[1] > 2 * width[0] / count[0]);
    world_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts_are_the_best_of_all),
        cmocka_unit_test(test_narrow_sums),
        cmocka_unit_test(test_sums_and_ranges),
        cmocka_unit_test(test_order_of_rows_does_not_matter),
        cmocka_unit_test(test_weights_are_repeated_rows),
        cmocka_unit_test(test_out_of_bag_is_what_other_trees_predict),
        cmocka_unit_test(test_out_of_bag_error_is_honest),
        cmocka_unit_test(test_quantiles_cover),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
