/* test_search_parts.c: the models behind the samplers, each against a direct computation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "automl/core/linalg.h"
#include "automl/core/par.h"
#include "search/parts/acquisition.h"
#include "search/parts/gp.h"
#include "search/parts/knowledge.h"
#include "search/parts/metafeatures.h"
#include "search/parts/mix.h"
#include "search/parts/similarity.h"
#include "search/parts/warp.h"

#define assert_near(a, b, tolerance) assert_true(fabs((a) - (b)) <= (tolerance))

static aml_ctx new_ctx(uint32_t seed) {
    aml_ctx ctx = {.keep = aml_arena_new(NULL), .scratch = aml_arena_new(NULL), .n_threads = 1};
    ctx.rng = aml_rng_stream(seed, AML_RNG_TEST, 0, 0);
    assert_non_null(ctx.keep);
    assert_non_null(ctx.scratch);
    return ctx;
}

static void free_ctx(aml_ctx *ctx) {
    aml_arena_free(ctx->keep);
    aml_arena_free(ctx->scratch);
}

/* Gauss-Jordan with pivoting: slow, and nothing in common with Cholesky. a (n × n) becomes its
 * inverse. */
static void invert_plainly(double *a, size_t n) {
    double b[64 * 64] = {0};
    for (size_t i = 0; i < n; i++) b[i * n + i] = 1;
    for (size_t c = 0; c < n; c++) {
        size_t pivot = c;
        for (size_t i = c; i < n; i++)
            if (fabs(a[i * n + c]) > fabs(a[pivot * n + c])) pivot = i;
        for (size_t j = 0; j < n; j++) {
            double t = a[c * n + j], u = b[c * n + j];
            a[c * n + j] = a[pivot * n + j], a[pivot * n + j] = t;
            b[c * n + j] = b[pivot * n + j], b[pivot * n + j] = u;
        }
        double own = a[c * n + c];
        for (size_t j = 0; j < n; j++) a[c * n + j] /= own, b[c * n + j] /= own;
        for (size_t i = 0; i < n; i++) {
            double f = i == c ? 0 : a[i * n + c];
            for (size_t j = 0; j < n; j++)
                a[i * n + j] -= f * a[c * n + j], b[i * n + j] -= f * b[c * n + j];
        }
    }
    memcpy(a, b, n * n * sizeof *a);
}

/* ---- expected improvement ---- */

static void test_improvement_is_the_integral(void **state) {
    (void)state;
    for (double mean = -3; mean <= 3; mean += 0.75) {
        double sd = 0.7, best = 0.2, sum = 0, step = 1e-3;
        for (double y = mean - 9 * sd + step / 2; y < best; y += step)
            sum += step * (best - y) * exp(-0.5 * (y - mean) * (y - mean) / (sd * sd)) /
                   (sd * sqrt(2 * M_PI));
        assert_near(aml_expected_improvement(mean, sd, best), sum, 1e-6);
    }
}

static void test_improvement_table(void **state) {
    (void)state;
    aml_improvement_table t;
    aml_improvement_table_init(&t);
    for (double z = -7; z < 7; z += 0.00173)
        assert_near(aml_improvement_at(&t, z), aml_expected_improvement(-z, 1, 0), 2e-9);
}

static void test_log_improvement(void **state) {
    (void)state;
    for (double z = -24; z < 6; z += 0.37)
        assert_near(aml_log_expected_improvement(-z, 1, 0), log(aml_expected_improvement(-z, 1, 0)),
                    1e-9);
    double before = aml_log_expected_improvement(24.999999, 1, 0);
    double behind = aml_log_expected_improvement(25.000001, 1, 0);
    assert_near(before, behind, 1e-3);
    assert_true(before > behind);
    assert_true(isfinite(aml_log_expected_improvement(1e5, 1e-3, 0)));
}

/* ---- Gaussian process ---- */

enum { N = 17, D = 3, M = 5 };
static const size_t scales[D] = {0, 1, 1};

static void fill_gp(aml_gp *g, aml_rng *rng, aml_arena *arena) {
    double x[D];
    assert_int_equal(aml_gp_new(g, N, D, scales, 2, arena), AML_OK);
    g->weight[0] = 3, g->weight[1] = 0.4, g->noise = 0.05, g->signal = 1.7;
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < D; j++) x[j] = aml_rng_uniform(rng);
        aml_gp_append(g, x, sin(5 * x[0]) + x[1] + 0.1 * aml_rng_normal(rng));
    }
    aml_gp_solve(g);
}

static void test_gp_against_direct_solve(void **state) {
    (void)state;
    aml_ctx ctx = new_ctx(1);
    aml_gp g;
    double k[N * N], points[M * D], mean[M], variance[M];
    fill_gp(&g, &ctx.rng, ctx.keep);
    for (size_t i = 0; i < M * D; i++) points[i] = aml_rng_uniform(&ctx.rng);
    assert_int_equal(aml_gp_predict(mean, variance, &g, points, M, ctx.scratch), AML_OK);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++)
            k[i * N + j] = aml_gp_kernel(&g, g.x + i * D, g.x + j * D) + (i == j ? g.noise : 0);
    invert_plainly(k, N);
    for (size_t p = 0; p < M; p++) {
        double m = 0, v = g.level + g.signal;
        for (size_t i = 0; i < N; i++)
            for (size_t j = 0; j < N; j++) {
                double a = aml_gp_kernel(&g, g.x + i * D, points + p * D);
                m += a * k[i * N + j] * g.y[j];
                v -= a * k[i * N + j] * aml_gp_kernel(&g, g.x + j * D, points + p * D);
            }
        assert_near(mean[p], m, 1e-9);
        assert_near(variance[p], v, 1e-9);
    }
    free_ctx(&ctx);
}

static void test_gp_gradient_is_the_difference(void **state) {
    (void)state;
    aml_ctx ctx = new_ctx(2);
    aml_gp g;
    double gradient[4], ignored[4], above, below, step = 1e-5;
    fill_gp(&g, &ctx.rng, ctx.keep);
    double *work = AML_ARRAY(ctx.scratch, 4 * N * N + N, double), value;
    double *logs[4] = {&g.weight[0], &g.weight[1], &g.signal, &g.noise};
    assert_true(aml_gp_objective(&value, gradient, &g, work));
    for (int j = 0; j < 4; j++) {
        double x = *logs[j];
        *logs[j] = x * exp(step);
        assert_true(aml_gp_objective(&above, ignored, &g, work));
        *logs[j] = x * exp(-step);
        assert_true(aml_gp_objective(&below, ignored, &g, work));
        *logs[j] = x;
        assert_near(gradient[j], (above - below) / (2 * step), 1e-5);
    }
    assert_int_equal(aml_gp_fit(&g, ctx.scratch), AML_OK);
    assert_true(aml_gp_objective(&above, ignored, &g, work));
    assert_true(above < value);
    free_ctx(&ctx);
}

static void test_warp_is_monotone(void **state) {
    (void)state;
    aml_ctx ctx = new_ctx(3);
    double loss[40], last = -INFINITY;
    aml_warp w;
    for (int i = 0; i < 40; i++) loss[i] = i % 7 == 0 ? 0.5 : exp(2 * aml_rng_normal(&ctx.rng));
    loss[3] = 1e9;
    assert_int_equal(aml_warp_new(&w, loss, 40, ctx.keep), AML_OK);
    for (double x = -2; x < 1e10; x += 0.01 + 0.01 * fabs(x)) {
        double y = aml_warp_apply(&w, x);
        assert_true(y >= last && y < 4);
        last = y;
    }
    assert_near(aml_warp_apply(&w, w.centre), 0, 1e-12);
    assert_int_equal(aml_warp_new(&w, (double[]){2, 2, 2}, 3, ctx.keep), AML_OK);
    assert_near(aml_warp_apply(&w, 2), 0, 1e-12);
    free_ctx(&ctx);
}

/* ---- mixture ---- */

enum { ROWS = 9, COLUMNS = 6 };

static void fill_matrix(double *y, size_t n, size_t p, aml_rng *rng) {
    for (size_t i = 0; i < n; i++) {
        double level = 0.3 + 0.3 * aml_rng_uniform(rng), slope = aml_rng_normal(rng);
        for (size_t j = 0; j < p; j++)
            y[i * p + j] =
                level + 0.05 * slope * (double)j / (double)p + 0.03 * aml_rng_normal(rng);
    }
}

/* Conditioning one by one must be the textbook's conditional of each component, and its weight. */
static void test_mixture_against_dense_formula(void **state) {
    (void)state;
    static const size_t seen[3] = {4, 1, 3};
    static const double value[3] = {0.41, 0.37, 0.5};
    aml_ctx ctx = new_ctx(4);
    aml_mix_prior *prior;
    aml_mix start, m;
    double y[ROWS * COLUMNS], k[9], log_weight[ROWS];
    fill_matrix(y, ROWS, COLUMNS, &ctx.rng);
    assert_int_equal(aml_mix_prior_new(&prior, y, ROWS, COLUMNS, &ctx), AML_OK);
    assert_int_equal(aml_mix_start(&start, prior, NULL, ctx.keep), AML_OK);
    assert_int_equal(aml_mix_start(&m, prior, NULL, ctx.keep), AML_OK);
    for (int t = 0; t < 3; t++) aml_mix_observe(&m, seen[t], value[t]);
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++) k[a * 3 + b] = start.c[seen[a] * COLUMNS + seen[b]];
    invert_plainly(k, 3);
    for (size_t i = 0; i < ROWS; i++) {
        double distance = 0;
        for (size_t j = 0; j < COLUMNS; j++) {
            double mean = start.z[i * COLUMNS + j];
            for (int a = 0; a < 3; a++)
                for (int b = 0; b < 3; b++)
                    mean += start.c[j * COLUMNS + seen[a]] * k[a * 3 + b] *
                            (value[b] - start.z[i * COLUMNS + seen[b]]);
            assert_near(m.z[i * COLUMNS + j], mean, 1e-10);
        }
        for (int a = 0; a < 3; a++)
            for (int b = 0; b < 3; b++)
                distance += (value[a] - start.z[i * COLUMNS + seen[a]]) * k[a * 3 + b] *
                            (value[b] - start.z[i * COLUMNS + seen[b]]);
        log_weight[i] = start.log_weight[i] - 0.8 * 0.5 * distance;
        assert_near(m.log_weight[i] - m.log_weight[0], log_weight[i] - log_weight[0], 1e-9);
    }
    for (size_t j = 0; j < COLUMNS; j++)
        for (size_t l = 0; l < COLUMNS; l++) {
            double c = start.c[j * COLUMNS + l];
            for (int a = 0; a < 3; a++)
                for (int b = 0; b < 3; b++)
                    c -= start.c[j * COLUMNS + seen[a]] * k[a * 3 + b] *
                         start.c[seen[b] * COLUMNS + l];
            assert_near(m.c[j * COLUMNS + l], c, 1e-12);
        }
    free_ctx(&ctx);
}

static void test_mixture_ends(void **state) {
    (void)state;
    aml_ctx ctx = new_ctx(5);
    aml_mix_prior *prior;
    aml_mix m;
    double y[ROWS * COLUMNS], w[ROWS], sum = 0;
    bool seen[COLUMNS] = {false};
    fill_matrix(y, ROWS, COLUMNS, &ctx.rng);
    assert_int_equal(aml_mix_prior_new(&prior, y, ROWS, COLUMNS, &ctx), AML_OK);
    assert_int_equal(aml_mix_start(&m, prior, NULL, ctx.keep), AML_OK);
    for (size_t t = 0; t < COLUMNS; t++) {
        size_t pick = aml_mix_pick(&m, NULL);
        assert_true(pick < COLUMNS && !seen[pick]);
        seen[pick] = true;
        if (t % 2) aml_mix_believe(&m, pick);
        else aml_mix_observe(&m, pick, y[pick]);
    }
    assert_int_equal(aml_mix_pick(&m, NULL), COLUMNS);
    aml_mix_weights(w, &m);
    for (size_t i = 0; i < ROWS; i++) sum += w[i];
    assert_near(sum, 1, 1e-12);
    free_ctx(&ctx);
}

/* Gaps of a nearly rank-1 matrix come back close to what was taken away. */
static void test_gaps_are_filled(void **state) {
    (void)state;
    enum { n = 60, p = 8 };
    aml_ctx ctx = new_ctx(6);
    double full[n * p], y[n * p], error = 0, spread = 0;
    aml_mix_prior *prior;
    for (size_t i = 0; i < n; i++) {
        double u = aml_rng_normal(&ctx.rng);
        for (size_t j = 0; j < p; j++)
            y[i * p + j] = full[i * p + j] =
                0.5 + 0.1 * u * (j % 2 ? -1 : 1) + 0.005 * aml_rng_normal(&ctx.rng);
    }
    for (size_t i = 0; i < n; i++) y[i * p + i % p] = NAN;
    assert_int_equal(aml_mix_prior_new(&prior, y, n, p, &ctx), AML_OK);
    for (size_t i = 0; i < n; i++) {
        double d = prior->rows[i * p + i % p] - full[i * p + i % p];
        error += d * d;
        spread += (full[i * p + i % p] - 0.5) * (full[i * p + i % p] - 0.5);
    }
    assert_true(error < 0.05 * spread);
    free_ctx(&ctx);
}

/* The portfolio's first column has the lowest mean; each next one the lowest mean best-so-far of
 * all. */
static void test_portfolio_is_greedy(void **state) {
    (void)state;
    aml_ctx ctx = new_ctx(7);
    double y[ROWS * COLUMNS], best[ROWS];
    size_t order[COLUMNS];
    aml_mix_prior *prior;
    for (size_t i = 0; i < ROWS * COLUMNS; i++) y[i] = aml_rng_uniform(&ctx.rng);
    for (size_t i = 0; i < ROWS; i++) best[i] = INFINITY;
    assert_int_equal(aml_mix_prior_new(&prior, y, ROWS, COLUMNS, &ctx), AML_OK);
    assert_int_equal(aml_greedy_portfolio(order, prior, NULL, ctx.scratch), AML_OK);
    for (size_t k = 0; k < 3; k++) {
        double lowest = INFINITY, own = 0;
        for (size_t j = 0; j < COLUMNS; j++) {
            double sum = 0;
            for (size_t i = 0; i < ROWS; i++) sum += fmin(best[i], y[i * COLUMNS + j]);
            lowest = fmin(lowest, sum);
            if (j == order[k]) own = sum;
        }
        assert_near(own, lowest, 1e-12);
        for (size_t i = 0; i < ROWS; i++) best[i] = fmin(best[i], y[i * COLUMNS + order[k]]);
    }
    free_ctx(&ctx);
}

/* ---- similarity ---- */

/* Datasets of two kinds, told apart by the first meta-feature alone, must weigh by it; threads
 * change nothing. */
static void test_similarity_finds_the_kind(void **state) {
    (void)state;
    enum { n = 60, f = 5, p = 7 };
    aml_ctx ctx = new_ctx(8);
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
    free_ctx(&ctx);
}

/* ---- knowledge ---- */

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
    aml_ctx ctx = new_ctx(9);
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
    free_ctx(&ctx);
}

static void test_damaged_knowledge_is_refused(void **state) {
    (void)state;
    aml_ctx ctx = new_ctx(10);
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
    free_ctx(&ctx);
}

static void test_knowledge_merges(void **state) {
    (void)state;
    aml_ctx ctx = new_ctx(11);
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
    free_ctx(&ctx);
}

static void test_compiled_in_knowledge(void **state) {
    (void)state;
    aml_ctx ctx = new_ctx(12);
    size_t size;
    const char *text = aml_knowledge_text(&size);
    aml_knowledge *k;
    assert_int_equal(aml_knowledge_parse(&k, text, size, "built-in", ctx.keep), AML_OK);
    assert_non_null(aml_knowledge_find(k, "classification"));
    assert_non_null(aml_knowledge_find(k, "regression"));
    assert_int_equal(k->n_features, AML_METAFEATURES);
    for (size_t i = 0; i < k->n_features; i++)
        assert_string_equal(k->features[i], aml_metafeature_names[i]);
    free_ctx(&ctx);
}

/* ---- meta-features ---- */

enum { FRAME_ROWS = 300 };

static void numbers_of(double *out, aml_column *columns, size_t p, const double *y,
                       aml_task_kind kind) {
    aml_ctx ctx = new_ctx(13);
    aml_frame f = {.n = FRAME_ROWS, .p = p, .columns = columns, .source = "memory"};
    aml_task task = {
        .kind = kind, .n = FRAME_ROWS, .n_classes = kind == AML_REGRESSION ? 0 : 2, .y = y};
    assert_int_equal(aml_metafeatures(out, &f, NULL, &task, &ctx), AML_OK);
    for (size_t i = 0; i < AML_METAFEATURES; i++) assert_true(isfinite(out[i]));
    free_ctx(&ctx);
}

/* Neither the order nor (beyond rounding) the units of columns matter. */
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
        cmocka_unit_test(test_improvement_is_the_integral),
        cmocka_unit_test(test_improvement_table),
        cmocka_unit_test(test_log_improvement),
        cmocka_unit_test(test_gp_against_direct_solve),
        cmocka_unit_test(test_gp_gradient_is_the_difference),
        cmocka_unit_test(test_warp_is_monotone),
        cmocka_unit_test(test_mixture_against_dense_formula),
        cmocka_unit_test(test_mixture_ends),
        cmocka_unit_test(test_gaps_are_filled),
        cmocka_unit_test(test_portfolio_is_greedy),
        cmocka_unit_test(test_similarity_finds_the_kind),
        cmocka_unit_test(test_knowledge_comes_back),
        cmocka_unit_test(test_damaged_knowledge_is_refused),
        cmocka_unit_test(test_knowledge_merges),
        cmocka_unit_test(test_compiled_in_knowledge),
        cmocka_unit_test(test_metafeatures_are_invariant),
        cmocka_unit_test(test_metafeatures_of_odd_data),
    };
    aml_linalg_init();
    aml_par_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
