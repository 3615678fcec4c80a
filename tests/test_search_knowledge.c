/* test_search_knowledge.c: what is known of other datasets: its file, which of them are like this one, and by what numbers. */
#include "automl/core/linalg.h"
#include "automl/core/par.h"
#include "search/parts/knowledge.h"
#include "search/parts/metafeatures.h"
#include "search/parts/similarity.h"
#include "search_fixture.h"

#define assert_near(a, b, tolerance) assert_true(fabs((a) - (b)) <= (tolerance))

/* ---- similarity */

/* Datasets of two kinds, told apart by the first meta-feature alone, must weigh by it; threads
 * change nothing. */
static void test_similarity_finds_the_kind(void **state) {
    (void)state;
    enum { n = 60, f = 5, p = 7 };
    aml_ctx ctx = search_ctx(8);
    double x[n * f], rows[n * p], metric[f], w[n], w2[n], query[f] = {2, 0.5, NAN, 0.1, 0},
                                                          same = 0;
    uint32_t family[n];
    for (size_t i = 0; i < n; i++) {
        family[i] = (uint32_t)i;
        for (size_t j = 0; j < f; j++) x[i * f + j] = aml_rng_uniform(&ctx.rng);
        x[i * f] += i % 2 ? 2 : 0;
        for (size_t j = 0; j < p; j++)
            rows[i * p + j] =
                0.4 + (i % 2 ? 0.1 : -0.1) * (j < 3 ? 1 : -1) + 0.02 * aml_rng_normal(&ctx.rng);
    }
    aml_similarity *s;
    assert_int_equal(aml_similarity_learn(metric, x, n, f, family, rows, p, &ctx), AML_OK);
    for (size_t j = 1; j < f; j++) assert_true(metric[0] > metric[j]);
    assert_int_equal(aml_similarity_new(&s, x, n, f, metric, rows, p, &ctx), AML_OK);
    assert_int_equal(aml_similarity_weights(w, s, query, &ctx), AML_OK);
    for (size_t i = 1; i < n; i += 2) same += w[i];
    assert_true(same > 0.75); /* 0.9 is the most: a fifth is spread evenly */
    ctx.n_threads = 3;
    assert_int_equal(aml_similarity_weights(w2, s, query, &ctx), AML_OK);
    assert_memory_equal(w, w2, sizeof w);
    aml_ctx_close(&ctx);
}

/* ---- knowledge */

static aml_knowledge *sample_knowledge(const char *const *datasets, size_t n, size_t first_pipeline,
                                       aml_ctx *ctx) {
    static const char *const features[] = {"log_rows", "share"}, *const metrics[] = {"log_loss",
                                                                                     "auc"};
    static const aml_setting settings[4][2] = {{{"learner", "a"}, {"a.depth", "3"}},
                                               {{"learner", "a"}, {"a.depth", "7"}},
                                               {{"learner", "b"}, {"b.rate", "0.01"}},
                                               {{"learner", "b"}, {"b.rate", "0.1=x"}}};
    static const double learnt[] = {-1.25, 3};
    enum { p = 3 };
    aml_knowledge *k = AML_NEW(ctx->keep, aml_knowledge);
    aml_knowledge_table *t = AML_NEW(ctx->keep, aml_knowledge_table);
    aml_pipeline *pipelines = AML_ARRAY(ctx->keep, p, aml_pipeline);
    aml_knowledge_row *rows = AML_ARRAY(ctx->keep, n, aml_knowledge_row);
    const double **weights = AML_ARRAY(ctx->keep, 2, const double *);
    for (size_t j = 0; j < p; j++) pipelines[j] = (aml_pipeline){2, settings[first_pipeline + j]};
    weights[1] = learnt;
    for (size_t i = 0; i < n; i++) {
        double *x = AML_ARRAY(ctx->keep, 2 + 3 * p, double);
        for (size_t j = 0; j < 2 + 3 * p; j++)
            x[j] = aml_rng_normal(&ctx->rng) * pow(10, (double)aml_rng_below(&ctx->rng, 17) - 8);
        x[3] = NAN;
        x[1] = 0;
        rows[i] = (aml_knowledge_row){datasets[i], (uint32_t)(7 * i), x, x + 2, x + 2 + 2 * p};
    }
    *t = (aml_knowledge_table){"classification", 2, p, n, metrics, pipelines, weights, rows};
    *k = (aml_knowledge){"made by a test", 2, 1, features, t};
    return k;
}

static void test_knowledge_comes_back(void **state) {
    (void)state;
    aml_ctx ctx = search_ctx(9);
    static const char *const names[] = {"adult", "bank", "wine \xc3\xbc"};
    aml_string first = {0}, second = {0};
    aml_knowledge *k = sample_knowledge(names, 3, 0, &ctx), *read;
    aml_knowledge_write(&first, k);
    assert_int_equal(aml_knowledge_parse(&read, first.text, first.length, "k.tsv", ctx.keep),
                     AML_OK);
    aml_knowledge_write(&second, read);
    assert_string_equal(first.text, second.text);
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 6; j++) {
            double a = k->tables[0].rows[i].loss[j], b = read->tables[0].rows[i].loss[j];
            assert_true((isnan(a) && isnan(b)) || fabs(a - b) <= 5e-4 * fabs(a));
        }
    assert_string_equal(read->tables[0].pipelines[2].settings[1].value, "0.01");
    aml_string_free(&first);
    aml_string_free(&second);
    aml_ctx_close(&ctx);
}

static void test_damaged_knowledge_is_refused(void **state) {
    (void)state;
    aml_ctx ctx = search_ctx(10);
    static const char *const names[] = {"a", "b"};
    aml_string s = {0};
    aml_knowledge *read;
    aml_knowledge_write(&s, sample_knowledge(names, 2, 0, &ctx));
    for (size_t i = 0; i < s.length; i++) {
        char old = s.text[i];
        aml_mark mark = aml_arena_mark(ctx.keep);
        assert_int_equal(aml_knowledge_parse(&read, s.text, i, "k.tsv", ctx.keep), AML_EDATA);
        for (int bit = 0; bit < 8; bit++) {
            s.text[i] = (char)(old ^ (1 << bit));
            assert_int_equal(aml_knowledge_parse(&read, s.text, s.length, "k.tsv", ctx.keep),
                             AML_EDATA);
        }
        s.text[i] = old;
        aml_arena_release(ctx.keep, mark);
    }
    aml_string_put(&s, "x\n");
    assert_int_equal(aml_knowledge_parse(&read, s.text, s.length, "k.tsv", ctx.keep), AML_EDATA);
    aml_string_free(&s);
    aml_ctx_close(&ctx);
}

static void test_knowledge_merges(void **state) {
    (void)state;
    aml_ctx ctx = search_ctx(11);
    static const char *const left[] = {"a", "c"}, *const right[] = {"b", "c", "d"};
    aml_knowledge *a = sample_knowledge(left, 2, 0, &ctx), *b = sample_knowledge(right, 3, 1, &ctx),
                  *both, *again;
    assert_int_equal(aml_knowledge_merge(&both, a, b, ctx.keep), AML_OK);
    const aml_knowledge_table *t = &both->tables[0];
    assert_int_equal(t->n_pipelines, 4);
    assert_int_equal(t->n_rows, 4);
    for (size_t i = 0; i < 4; i++) assert_int_equal(t->rows[i].dataset[0], "abcd"[i]);
    assert_near(t->rows[2].loss[0], a->tables[0].rows[1].loss[0], 0); /* only a has pipeline 0 */
    assert_near(t->rows[2].loss[2], a->tables[0].rows[1].loss[2], 0); /* a gap in b */
    assert_near(t->rows[2].loss[1], b->tables[0].rows[1].loss[0], 0);
    assert_near(t->rows[2].loss[3], b->tables[0].rows[1].loss[2], 0);
    assert_true(isnan(t->rows[0].loss[3]) && isnan(t->rows[1].loss[0]));
    aml_string once = {0}, twice = {0};
    assert_int_equal(aml_knowledge_merge(&again, both, both, ctx.keep), AML_OK);
    aml_knowledge_write(&once, both);
    aml_knowledge_write(&twice, again);
    assert_string_equal(once.text, twice.text);
    aml_string_free(&once);
    aml_string_free(&twice);
    aml_ctx_close(&ctx);
}

static void test_compiled_in_knowledge(void **state) {
    (void)state;
    aml_ctx ctx = search_ctx(12);
    size_t size;
    const char *text = aml_knowledge_text(&size);
    aml_knowledge *k;
    assert_int_equal(aml_knowledge_parse(&k, text, size, "built-in", ctx.keep), AML_OK);
    assert_non_null(aml_knowledge_find(k, "classification"));
    assert_non_null(aml_knowledge_find(k, "regression"));
    assert_int_equal(k->n_features, AML_METAFEATURES);
    for (size_t i = 0; i < k->n_features; i++)
        assert_string_equal(k->features[i], aml_metafeature_names[i]);
    aml_ctx_close(&ctx);
}

/* ---- meta-features */

enum { FRAME_ROWS = 300 };

static void numbers_of(double *out, aml_column *columns, size_t p, const double *y,
                       aml_task_kind kind) {
    aml_ctx ctx = search_ctx(13);
    aml_frame f = {.n = FRAME_ROWS, .p = p, .columns = columns, .source = "memory"};
    aml_task task = {
        .kind = kind, .n = FRAME_ROWS, .n_classes = kind == AML_REGRESSION ? 0 : 2, .y = y};
    assert_int_equal(aml_metafeatures(out, &f, NULL, &task, &ctx), AML_OK);
    for (size_t i = 0; i < AML_METAFEATURES; i++) assert_true(isfinite(out[i]));
    aml_ctx_close(&ctx);
}

/* Neither the order nor (beyond rounding) the units of columns matter. */
static void test_metrics_that_are_alike(void **state) {
    (void)state;
    aml_ctx ctx = search_ctx(13);
    size_t size;
    const char *text = aml_knowledge_text(&size);
    aml_knowledge *k;
    double power;
    assert_int_equal(aml_knowledge_parse(&k, text, size, "built in", ctx.keep), AML_OK);
    const aml_knowledge_table *t = aml_knowledge_find(k, aml_prior_table(AML_BINARY, 100));
    assert_string_equal(t->metrics[aml_prior_metric(&power, t, "log_loss")], "log_loss");
    assert_string_equal(t->metrics[aml_prior_metric(&power, t, "auc")], "auc_weighted");
    assert_true(power == 1);
    assert_int_equal(aml_prior_metric(&power, t, "a user's own"), t->n_metrics);
    t = aml_knowledge_find(k, aml_prior_table(AML_REGRESSION, 100));
    assert_string_equal(t->metrics[aml_prior_metric(&power, t, "r2")], "rmse");
    assert_true(power == 0.5);
    assert_null(aml_knowledge_find(k, aml_prior_table(AML_BINARY, AML_KNOWN_ROWS + 1)));
    aml_ctx_close(&ctx);
}

static void test_metafeatures_are_invariant(void **state) {
    (void)state;
    aml_rng rng = aml_rng_stream(1, AML_RNG_TEST, 0, 0);
    static double x[3][FRAME_ROWS], scaled[FRAME_ROWS], y[FRAME_ROWS];
    double a[AML_METAFEATURES], b[AML_METAFEATURES];
    for (size_t i = 0; i < FRAME_ROWS; i++) {
        for (int j = 0; j < 3; j++) x[j][i] = exp(aml_rng_normal(&rng));
        if (i % 11 == 0) x[1][i] = NAN;
        scaled[i] = 1e30 * x[0][i];
        y[i] = x[0][i] + 0.1 * aml_rng_normal(&rng);
    }
    aml_column c[3] = {{.name = "a", .kind = AML_NUMBER, .number = x[0]},
                       {.name = "b", .kind = AML_NUMBER, .number = x[1], .n_missing = 28},
                       {.name = "c", .kind = AML_NUMBER, .number = x[2]}};
    aml_column d[3] = {c[2], c[0], c[1]};
    d[1].number = scaled;
    numbers_of(a, c, 3, y, AML_REGRESSION);
    numbers_of(b, d, 3, y, AML_REGRESSION);
    for (size_t i = 0; i < AML_METAFEATURES; i++) assert_near(a[i], b[i], 1e-6 * (1 + fabs(a[i])));
    bool found = false;
    for (size_t i = 0; i < AML_METAFEATURES; i++)
        if (!strcmp(aml_metafeature_names[i], "relevance_max")) found = a[i] > 0.9;
    assert_true(found);
}

static void test_metafeatures_of_odd_data(void **state) {
    (void)state;
    static double nothing[FRAME_ROWS], constant[FRAME_ROWS], huge[FRAME_ROWS], y[FRAME_ROWS];
    static int32_t codes[FRAME_ROWS];
    double out[AML_METAFEATURES];
    for (size_t i = 0; i < FRAME_ROWS; i++) {
        nothing[i] = NAN, constant[i] = 7, huge[i] = i % 2 ? 1e308 : -1e308, codes[i] = -1,
        y[i] = i == 5;
    }
    aml_column c[4] = {
        {.name = "a", .kind = AML_NUMBER, .number = nothing, .n_missing = FRAME_ROWS},
        {.name = "b", .kind = AML_NUMBER, .number = constant},
        {.name = "c", .kind = AML_DATETIME, .number = huge},
        {.name = "d", .kind = AML_CATEGORY, .code = codes}};
    numbers_of(out, c, 4, y, AML_BINARY);
    numbers_of(out, c, 4, constant, AML_REGRESSION);
    numbers_of(out, c, 4, huge, AML_REGRESSION);
    numbers_of(out, c, 0, y, AML_BINARY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_similarity_finds_the_kind),
        cmocka_unit_test(test_knowledge_comes_back),
        cmocka_unit_test(test_damaged_knowledge_is_refused),
        cmocka_unit_test(test_knowledge_merges),
        cmocka_unit_test(test_compiled_in_knowledge),
        cmocka_unit_test(test_metrics_that_are_alike),
        cmocka_unit_test(test_metafeatures_are_invariant),
        cmocka_unit_test(test_metafeatures_of_odd_data),
    };
    aml_linalg_init();
    aml_par_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
