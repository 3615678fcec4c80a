/* test_step_numbers.c: steps on numbers and text against answers known otherwise. */
#include "automl/core/linalg.h"
#include "automl/core/sort.h"
#include "automl/core/special.h"
#include "tests/step_bench.h"

static double mean_of(const float *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    return sum / (double)n;
}

static double sd_of(const float *x, size_t n) {
    double sum = 0, m = mean_of(x, n);
    for (size_t i = 0; i < n; i++) sum += (x[i] - m) * (x[i] - m);
    return sqrt(sum / (double)n);
}

static void test_scale_standard_and_minmax(void **unused) {
    (void)unused;
    float x[N], huge[N], same[N];
    draw(x, N, 1);
    for (size_t i = 0; i < N; i++) {
        huge[i] = 1e38f * x[i] / 2;
        x[i] = 1e6f + x[i];
        same[i] = 0.1f;
    }
    aml_feature f[] = {numbers("x", x), numbers("huge", huge), numbers("same", same)};
    aml_table t = {.n = N, .p = 3, .features = f};
    bench *b = open_bench(N);
    run(b, "scale", NULL, &t);
    assert_int_equal(b->out.p, 2);
    for (size_t j = 0; j < 2; j++) {
        assert_close(mean_of(b->out.features[j].x, N), 0, 1e-5);
        assert_close(sd_of(b->out.features[j].x, N), 1, 1e-5);
    }
    x[7] = 3e38f; /* not a training row any more */
    b->rows[7] = 8;
    run(b, "scale", NULL, &t);
    assert_true(values(b, "x")[7] == 10);
    run(b, "scale", "method=minmax", &t);
    float lo = 1, hi = 0;
    for (size_t i = 0; i < N; i++) {
        if (i == 7) continue;
        lo = fminf(lo, values(b, "x")[i]);
        hi = fmaxf(hi, values(b, "x")[i]);
    }
    assert_true(lo == 0 && hi == 1);
    close_bench(b);
}

static void test_scale_robust(void **unused) {
    (void)unused;
    float x[101], y[101], zeros[101] = {0};
    for (size_t i = 0; i < 101; i++) x[i] = (float)i;
    memcpy(y, x, sizeof x);
    y[100] = 1e30f; /* one wild value changes nothing */
    for (size_t i = 0; i < 5; i++) zeros[3 * i] = 5;
    aml_feature f[] = {numbers("x", x), numbers("y", y), numbers("zeros", zeros)};
    bench *b = open_bench(101);
    run(b, "scale", "method=robust", &(aml_table){.n = 101, .p = 3, .features = f});
    for (size_t i = 0; i < 100; i++) {
        assert_close(values(b, "x")[i], ((double)i - 50) / (50 / 1.349), 1e-6);
        assert_true(values(b, "x")[i] == values(b, "y")[i]);
    }
    assert_true(values(b, "y")[100] == 10);
    assert_close(sd_of(values(b, "zeros"), 101), 1, 1e-4);
    close_bench(b);
}

static void test_scale_quantile_normal(void **unused) {
    (void)unused;
    float x[N], ties[N];
    draw(x, N, 2);
    for (size_t i = 0; i < N; i++) {
        x[i] = expf(3 * x[i]);
        ties[i] = i < 300 ? 0 : x[i];
    }
    aml_feature f[] = {numbers("x", x), numbers("ties", ties)};
    bench *b = open_bench(N);
    run(b, "scale", "method=quantile_normal", &(aml_table){.n = N, .p = 2, .features = f});
    const float *z = values(b, "x");
    uint32_t order[N];
    assert_int_equal(aml_argsort_f32(order, x, N), AML_OK);
    for (size_t i = 0; i < N; i++) /* ranks to normal scores, whatever the values were */
        assert_close(z[order[i]], aml_normal_quantile(((double)i + 0.5) / N), 1e-5);
    for (size_t i = 1; i < N; i++) assert_true(z[order[i]] >= z[order[i - 1]]);
    assert_close(values(b, "ties")[0], aml_normal_quantile(0.3), 0.01);
    close_bench(b);
}

static void test_scale_yeo_johnson(void **unused) {
    (void)unused;
    float x[N], z[N];
    draw(z, N, 3);
    for (size_t i = 0; i < N; i++) x[i] = expf(2 + 0.5f * z[i]) - 1; /* lambda 0 makes it normal */
    aml_feature f = numbers("x", x);
    bench *b = open_bench(N);
    run(b, "scale", "method=yeo_johnson", &(aml_table){.n = N, .p = 1, .features = &f});
    double m = mean_of(z, N), s = sd_of(z, N);
    for (size_t i = 0; i < N; i++) assert_close(values(b, "x")[i], (z[i] - m) / s, 0.25);
    assert_close(mean_of(values(b, "x"), N), 0, 1e-5);
    assert_close(sd_of(values(b, "x"), N), 1, 1e-5);
    close_bench(b);
}

/* All components: a rotation, so distances stay; and they are uncorrelated, widest first. */
static void test_pca_rotates(void **unused) {
    (void)unused;
    enum { P = 6 };
    static float x[P][N];
    aml_feature f[P];
    for (size_t j = 0; j < P; j++) {
        draw(x[j], N, 10 + j);
        for (size_t i = 0; j && i < N; i++) x[j][i] = x[j][i] * (float)j + x[0][i] * 3;
        f[j] = numbers("x", x[j]);
    }
    bench *b = open_bench(N);
    run(b, "pca", "share=0.9999", &(aml_table){.n = N, .p = P, .features = f});
    assert_int_equal(b->out.p, P);
    for (size_t i = 1; i < 50; i++) {
        double before = 0, after = 0;
        for (size_t j = 0; j < P; j++) {
            before += pow(x[j][i] - x[j][0], 2);
            after += pow(b->out.features[j].x[i] - b->out.features[j].x[0], 2);
        }
        assert_close(after / before, 1, 1e-4);
    }
    for (size_t j = 0; j < P; j++)
        for (size_t k = 0; k <= j; k++) {
            double dot = 0;
            for (size_t i = 0; i < N; i++)
                dot += (double)b->out.features[j].x[i] * b->out.features[k].x[i] / N;
            if (k < j) assert_close(dot, 0, 1e-4);
        }
    for (size_t j = 1; j < P; j++)
        assert_true(sd_of(b->out.features[j].x, N) <= sd_of(b->out.features[j - 1].x, N));
    run(b, "pca", "share=0.5", &(aml_table){.n = N, .p = P, .features = f});
    assert_int_equal(b->out.p, 1);
    assert_string_equal(b->out.features[0].name, "pca1");
    close_bench(b);
}

/* Beyond 500 columns another way is taken: it finds the three directions that there are. */
static void test_pca_wide(void **unused) {
    (void)unused;
    enum { P = 600, ROWS = 200 };
    static float x[P][ROWS], base[3][ROWS];
    static aml_feature f[P];
    for (size_t k = 0; k < 3; k++) draw(base[k], ROWS, 20 + k);
    for (size_t j = 0; j < P; j++) {
        for (size_t i = 0; i < ROWS; i++)
            x[j][i] = 9 * base[0][i] + (float)(j % 7) * base[1][i] - (float)(j % 5) * base[2][i];
        f[j] = numbers("x", x[j]);
    }
    bench *b = open_bench(ROWS);
    run(b, "pca", "share=0.9999", &(aml_table){.n = ROWS, .p = P, .features = f});
    assert_int_equal(b->out.p, 3);
    for (size_t i = 1; i < 50; i++) {
        double before = 0, after = 0;
        for (size_t j = 0; j < P; j++) before += pow(x[j][i] - x[j][0], 2);
        for (size_t j = 0; j < 3; j++)
            after += pow(b->out.features[j].x[i] - b->out.features[j].x[0], 2);
        assert_close(after / before, 1, 1e-4);
    }
    close_bench(b);
}

static void test_drop_constant(void **unused) {
    (void)unused;
    float same[4] = {3, 3, 3, 9}, gone[4] = {NAN, NAN, NAN, 1}, mixed[4] = {3, NAN, 3, 3};
    int32_t code[4] = {1, 1, 1, 0};
    uint64_t offset[5] = {0, 2, 4, 6, 9}, other[5] = {0, 2, 4, 5, 9};
    aml_feature f[] = {numbers("same", same),
                       numbers("gone", gone),
                       numbers("mixed", mixed),
                       codes("code", code, 2, NULL),
                       {.name = "text", .kind = AML_TEXT, .bytes = "abababxyz", .offset = offset},
                       {.name = "more", .kind = AML_TEXT, .bytes = "abababxyz", .offset = other}};
    bench *b = open_bench(3);
    run(b, "drop_constant", NULL, &(aml_table){.n = 4, .p = 6, .features = f});
    assert_int_equal(b->out.p, 2);
    assert_true(column(b, "mixed") && column(b, "more"));
    close_bench(b);
}

static double entry(const aml_csr *c, size_t row, uint32_t col) {
    for (uint64_t e = c->start[row]; e < c->start[row + 1]; e++)
        if (c->column[e] == col) return c->value[e];
    return 0;
}

static double similarity(const aml_csr *c, size_t a, size_t b) {
    double sum = 0;
    for (uint32_t j = 0; j < c->p; j++) sum += entry(c, a, j) * entry(c, b, j);
    return sum;
}

/* Cosines of TF-IDF rows worked out by hand: words and pairs that two of the five rows have. */
static void test_text_hash(void **unused) {
    (void)unused;
    static const char *const rows[] = {"red fish", "Red, FISH red", "blue fish", "blue", ""};
    char bytes[200] = "";
    uint64_t offset[6] = {0};
    for (size_t i = 0; i < 5; i++) {
        offset[i + 1] = offset[i] + strlen(rows[i]);
        memcpy(bytes + offset[i], rows[i], strlen(rows[i]));
    }
    aml_feature f = {.name = "t", .kind = AML_TEXT, .bytes = bytes, .offset = offset};
    bench *b = open_bench(5);
    run(b, "text_hash", NULL, &(aml_table){.n = 5, .p = 1, .features = &f});
    const aml_csr *c = b->out.csr;
    assert_int_equal(c->p, 4); /* red 2, fish 3, blue 2, "red fish" 2 */
    double two = log(6 / 3.0) + 1, three = log(6 / 4.0) + 1, tf = 1 + log(2);
    double row0[3] = {two, three, two}, row1[3] = {two * tf, three, two}, row2[2] = {two, three};
    double n0 = sqrt(aml_dot(row0, row0, 3)), n1 = sqrt(aml_dot(row1, row1, 3));
    double n2 = sqrt(aml_dot(row2, row2, 2));
    for (size_t i = 0; i < 4; i++) assert_close(similarity(c, i, i), 1, 1e-6);
    assert_close(similarity(c, 0, 1), aml_dot(row0, row1, 3) / n0 / n1, 1e-6);
    assert_close(similarity(c, 0, 2), three * three / n0 / n2, 1e-6);
    assert_close(similarity(c, 2, 3), two / n2, 1e-6);
    assert_close(similarity(c, 0, 3), 0, 0);
    assert_int_equal(c->start[5] - c->start[4], 0);
    assert_close(values(b, "t.length")[1], log1p(13), 1e-6);
    assert_close(values(b, "t.words")[1], log1p(3), 1e-6);
    assert_close(values(b, "t.capitals")[1], 5 / 13.0, 1e-6);
    assert_close(values(b, "t.punctuation")[1], 1 / 13.0, 1e-6);
    assert_close(values(b, "t.digits")[4], 0, 0);
    run(b, "text_hash", "min_df=3 form=false", &(aml_table){.n = 5, .p = 1, .features = &f});
    assert_int_equal(b->out.csr->p, 1); /* fish */
    assert_int_equal(b->out.p, 0);
    close_bench(b);
}

/* More terms than allowed: the most frequent ones stay. */
static void test_text_hash_most_terms(void **unused) {
    (void)unused;
    static char bytes[N * 12];
    uint64_t offset[N + 1] = {0};
    for (size_t i = 0, at = 0; i < N; i++) {
        at += (size_t)snprintf(bytes + at, 12, "x%zu %s", i / 2, i % 2 ? "often" : "");
        offset[i + 1] = at;
    }
    aml_feature f = {.name = "t", .kind = AML_TEXT, .bytes = bytes, .offset = offset};
    bench *b = open_bench(N);
    run(b, "text_hash", "bits=18 max_terms=100", &(aml_table){.n = N, .p = 1, .features = &f});
    const aml_csr *c = b->out.csr;
    assert_int_equal(c->p, 100);
    for (size_t i = 1; i < N; i += 2) assert_true(c->start[i + 1] > c->start[i]);
    run(b, "text_hash", "bits=18 max_terms=1000", &(aml_table){.n = N, .p = 1, .features = &f});
    assert_in_range(b->out.csr->p, 240, 251); /* 250 numbers and "often", but for collisions */
    close_bench(b);
}

/* Of a sparse matrix of rank 3 three components keep all inner products. */
static void test_text_svd(void **unused) {
    (void)unused;
    enum { ROWS = 300, P = 40, RANK = 3 };
    static uint64_t start[ROWS + 1];
    static uint32_t col[ROWS * P];
    static float value[ROWS * P], base[RANK][P];
    for (size_t k = 0; k < RANK; k++) draw(base[k], P, 30 + k);
    size_t at = 0;
    aml_rng r = aml_rng_stream(4, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < ROWS; i++) {
        double c[RANK];
        for (size_t k = 0; k < RANK; k++) c[k] = aml_rng_below(&r, 3) ? aml_rng_normal(&r) : 0;
        start[i] = at;
        for (uint32_t j = 0; j < P; j++) {
            double v = c[0] * base[0][j] + c[1] * base[1][j] + c[2] * base[2][j];
            if (v == 0) continue;
            col[at] = j;
            value[at++] = (float)v;
        }
    }
    start[ROWS] = at;
    aml_csr csr = {ROWS, P, start, col, value};
    bench *b = open_bench(ROWS);
    run(b, "text_svd", "components=10",
        &(aml_table){.n = ROWS, .p = 0, .features = NULL, .csr = &csr});
    assert_null(b->out.csr);
    assert_true(b->out.p >= RANK);
    for (size_t i = 0; i < 40; i++) {
        double dot = 0;
        for (size_t k = 0; k < RANK; k++)
            dot += (double)b->out.features[k].x[i] * b->out.features[k].x[i + 100];
        assert_close(dot, similarity(&csr, i, i + 100), 1e-3);
    }
    close_bench(b);
}

/* Two far groups: each row is near one centre and far from the other. */
static void test_cluster_distance(void **unused) {
    (void)unused;
    float x[N], y[N];
    draw(x, N, 5);
    draw(y, N, 6);
    for (size_t i = 0; i < N; i++) {
        x[i] += i % 2 ? 50 : 0;
        y[i] += i % 2 ? 50 : 0;
    }
    aml_feature f[] = {numbers("x", x), numbers("y", y)};
    bench *b = open_bench(N);
    run(b, "cluster_distance", "clusters=2", &(aml_table){.n = N, .p = 2, .features = f});
    assert_int_equal(b->out.p, 4);
    const float *one = values(b, "cluster1"), *two = values(b, "cluster2");
    for (size_t i = 0; i < N; i++) {
        bool with_first = (i % 2 == 0) == (one[0] < two[0]);
        assert_true((with_first ? one : two)[i] < 0.3 && (with_first ? two : one)[i] > 2);
    }
    for (size_t i = 0; i < N; i++) x[i] = y[i] = (float)(i % 2);
    run(b, "cluster_distance", "clusters=8", &(aml_table){.n = N, .p = 2, .features = f});
    assert_int_equal(b->out.p, 4); /* no more centres than different rows */
    close_bench(b);
}

/* Of a column of 400 numbers with ties, a heavy tail and gaps, all that a step makes of it never falls as it grows. */
static void expect_order(const aml_step *step, const char *settings) {
    float x[N];
    uint32_t order[N];
    double key[N];
    size_t n = 0;
    draw(x, N, 21);
    for (size_t i = 0; i < N; i++) {
        x[i] = i % 7 ? i % 5 ? x[i] * x[i] * x[i] : roundf(x[i]) : NAN;
        if (!isnan(x[i])) key[n++] = (double)x[i];
    }
    aml_feature f[] = {numbers("x", x)};
    aml_table t = {.n = N, .p = 1, .features = f};
    bench *b = open_bench(N);
    run(b, step->name, settings, &t);
    assert_int_equal(aml_argsort(order, key, n), AML_OK);
    uint32_t row[N];
    for (uint32_t i = 0, k = 0; i < N; i++)
        if (!isnan(x[i])) row[k++] = i;
    assert_true(b->out.p > 0);
    for (size_t j = 0; j < b->out.p; j++) {
        const aml_feature *out = &b->out.features[j];
        if (out->kind != AML_NUMBER) fail_msg("%s makes no number of one", step->name);
        for (size_t i = 1; i < n; i++)
            if (!(out->x[row[order[i]]] >= out->x[row[order[i - 1]]]))
                fail_msg("%s %s: %s falls", step->name, settings, out->name);
    }
    close_bench(b);
}

/* With each choice of each of its parameters. */
static void test_steps_that_keep_order_do(void **unused) {
    (void)unused;
    size_t kept = 0;
    for (const aml_step *const *s = aml_steps(); *s; s++) {
        if (!((*s)->flags & AML_STEP_KEEPS_ORDER)) continue;
        kept++;
        expect_order(*s, "");
        for (const aml_param *p = (*s)->params; p && p->name; p++)
            for (size_t c = 0; c < aml_param_choices(p); c++) {
                char settings[200];
                snprintf(settings, sizeof settings, "%s=%s", p->name, p->choices[c]);
                expect_order(*s, settings);
            }
    }
    assert_true(kept > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scale_standard_and_minmax),
        cmocka_unit_test(test_scale_robust),
        cmocka_unit_test(test_scale_quantile_normal),
        cmocka_unit_test(test_scale_yeo_johnson),
        cmocka_unit_test(test_pca_rotates),
        cmocka_unit_test(test_pca_wide),
        cmocka_unit_test(test_drop_constant),
        cmocka_unit_test(test_text_hash),
        cmocka_unit_test(test_text_hash_most_terms),
        cmocka_unit_test(test_text_svd),
        cmocka_unit_test(test_cluster_distance),
        cmocka_unit_test(test_steps_that_keep_order_do),
    };
    aml_linalg_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
