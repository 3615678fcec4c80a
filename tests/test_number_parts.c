/* test_number_parts.c: baseline, neighbours, naive Bayes, calibration, L-BFGS and sums by hand. */
#include "linear_problem.h"

#include "learners/parts/calibrate.h"
#include "learners/parts/lbfgs.h"
#include "learners/parts/rows.h"

/* ---- one by one */

static void test_baseline_is_the_mean(void **state) {
    (void)state;
    table t;
    table_new(&t, 50, 2, 0, AML_MULTICLASS, 4);
    double *out = predicted(&t, &aml_learner_baseline, fitted(&t, &aml_learner_baseline, NULL)),
           total = 0, two = 0;
    for (size_t i = 0; i < t.data.n; i++) {
        total += t.w[t.rows[i]];
        if (t.y[t.rows[i]] == 2) two += t.w[t.rows[i]];
    }
    assert_true(fabs(out[2] - two / total) < 1e-12);
    table_free(&t);
}

/* Every distance by itself, the nearest by insertion: the reference. */
static void test_neighbours_are_the_nearest(void **state) {
    (void)state;
    table t;
    table_new(&t, 333, 5, 0, AML_REGRESSION, 0);
    for (size_t i = 0; i < t.n * 5; i++) t.dense[i] = roundf(t.dense[i]); /* many ties */
    for (size_t i = 0; i < t.n; i++) t.w[i] = 1;
    const size_t k = 7;
    double *out =
        predicted(&t, &aml_learner_knn, fitted(&t, &aml_learner_knn, (double[]){(double)k, 0}));
    for (size_t i = 0; i < t.data.n; i++) {
        float best[8];
        size_t who[8], found = 0;
        for (size_t r = 0; r < t.data.n; r++) {
            float d = 0;
            for (size_t j = 0; j < 5; j++) {
                float e = t.dense[t.rows[r] * 5 + j] - t.dense[t.rows[i] * 5 + j];
                d += e * e;
            }
            size_t at = found < k ? found++ : k;
            for (; at > 0 && best[at - 1] > d; at--) best[at] = best[at - 1], who[at] = who[at - 1];
            best[at] = d, who[at] = r;
        }
        double mean = 0;
        for (size_t j = 0; j < k; j++) mean += t.y[t.rows[who[j]]] / (double)k;
        assert_true(fabs(mean - out[i]) < 1e-9);
    }
    table_free(&t);
}

/* By distance with k ≥ 1 a training row finds itself: its own target comes back. */
static void test_neighbour_at_distance_zero(void **state) {
    (void)state;
    table t;
    table_new(&t, 200, 4, 0, AML_REGRESSION, 0);
    double *out = predicted(&t, &aml_learner_knn, fitted(&t, &aml_learner_knn, (double[]){9, 1}));
    for (size_t i = 0; i < t.data.n; i++) assert_true(fabs(out[i] - t.y[t.rows[i]]) < 1e-9);
    table_free(&t);
}

/* Bayes' rule by hand, two classes: one dense and three sparse features. */
static void test_naive_bayes_by_hand(void **state) {
    (void)state;
    table t;
    table_new(&t, 120, 1, 3, AML_BINARY, 2);
    const double smoothing = 0.01, alpha = 0.5, pi = acos(-1);
    double *out =
        predicted(&t, &aml_learner_naive_bayes,
                  fitted(&t, &aml_learner_naive_bayes, (double[]){smoothing, alpha, 0, 0}));
    double w[2] = {0}, s1[2] = {0}, s2[2] = {0}, count[2][3] = {{0}}, words[2] = {0};
    for (size_t i = 0; i < t.data.n; i++) {
        size_t row = t.rows[i], c = (size_t)t.y[row];
        double x = (double)t.dense[row];
        w[c] += t.w[row], s1[c] += t.w[row] * x, s2[c] += t.w[row] * x * x;
        for (uint64_t e = t.csr.start[row]; e < t.csr.start[row + 1]; e++) {
            count[c][t.csr.column[e]] += t.w[row] * (double)t.csr.value[e];
            words[c] += t.w[row] * (double)t.csr.value[e];
        }
    }
    double total = w[0] + w[1], mean = (s1[0] + s1[1]) / total,
           all = (s2[0] + s2[1]) / total - mean * mean;
    for (size_t i = 0; i < t.data.n; i++) {
        double z[2];
        for (int c = 0; c < 2; c++) {
            double m = s1[c] / w[c], v = s2[c] / w[c] - m * m + smoothing * all,
                   x = (double)t.dense[t.rows[i]];
            z[c] = log(w[c] / total) - 0.5 * log(2 * pi * v) - (x - m) * (x - m) / (2 * v);
            for (uint64_t e = t.csr.start[t.rows[i]]; e < t.csr.start[t.rows[i] + 1]; e++)
                z[c] += (double)t.csr.value[e] *
                        log((count[c][t.csr.column[e]] + alpha) / (words[c] + 3 * alpha));
        }
        assert_true(fabs(out[i] - 1 / (1 + exp(z[0] - z[1]))) < 1e-9);
    }
    table_free(&t);
}

/* Calibration finds the slope and offset that the labels were drawn with, and keeps the order of
 * the scores. */
static void test_calibration_recovers(void **state) {
    (void)state;
    table t;
    table_new(&t, 3, 1, 0, AML_BINARY, 2);
    enum { N = 20000 };
    double *score = AML_ARRAY(t.keep, N, double), *y = AML_ARRAY(t.keep, N, double);
    aml_rng rng = aml_rng_stream(5, AML_RNG_TEST, 0, 0);
    for (size_t i = 0; i < N; i++) {
        score[i] = 40 * aml_rng_normal(&rng);
        y[i] = aml_rng_uniform(&rng) < 1 / (1 + exp(-(0.05 * score[i] - 1)));
    }
    aml_calibration c;
    assert_int_equal(aml_calibration_fit(&c, score, y, NULL, N, 1, &t.ctx), AML_OK);
    assert_true(fabs(c.scale - 0.05) < 0.003);
    assert_true(fabs(c.offset[0] + 1) < 0.1);
    for (size_t i = 0; i < N; i++) y[i] = score[i] > 0; /* separable: still finite */
    assert_int_equal(aml_calibration_fit(&c, score, y, NULL, N, 1, &t.ctx), AML_OK);
    assert_true(isfinite(c.scale) && c.scale > 0.05);
    table_free(&t);
}

typedef struct bowl {
    double spread;    /* powers of ten between the flattest and the steepest direction */
    double steep[20]; /* curvature where it was last asked for */
    int calls;
} bowl;

static aml_status bowl_value(double *f, double *g, const double *x, void *arg) {
    bowl *b = arg;
    *f = 0;
    b->calls++;
    for (size_t j = 0; j < 20; j++) {
        double scale = pow(10, b->spread * (double)j / 19), r = x[j] - (double)j;
        *f += scale * (sqrt(1 + r * r) - 1);
        g[j] = scale * r / sqrt(1 + r * r);
    }
    return AML_OK;
}

static aml_status bowl_renew(const double *x, void *arg) {
    bowl *b = arg;
    for (size_t j = 0; j < 20; j++) {
        double r = x[j] - (double)j;
        b->steep[j] = pow(10, b->spread * (double)j / 19) * pow(1 + r * r, -1.5);
    }
    return AML_OK;
}

static void bowl_apply(double *v, void *arg) {
    const bowl *b = arg;
    for (size_t j = 0; j < 20; j++) v[j] /= b->steep[j];
}

static void test_lbfgs_finds_the_bottom(void **state) {
    (void)state;
    for (int preconditioned = 0; preconditioned < 2; preconditioned++) {
        table t;
        bowl b = {.spread = preconditioned ? 12 : 2};
        double x[20] = {0};
        table_new(&t, 3, 1, 0, AML_BINARY, 2);
        aml_lbfgs_problem problem = {
            .n = 20, .arg = &b, .value = bowl_value, .max_steps = 300, .tolerance = 1e-16};
        if (preconditioned)
            problem.precondition = bowl_apply, problem.renew = bowl_renew, problem.renew_every = 4;
        assert_int_equal(aml_lbfgs(x, &problem, &t.ctx), AML_OK);
        for (size_t j = 0; j < 20; j++) assert_true(fabs(x[j] - (double)j) < 1e-6);
        assert_true(b.calls < 300);
        table_free(&t);
    }
}

/* All sums over rows are the same for one thread and many, whatever the sizes. */
static void count_rows(double *sum, void *arg, size_t begin, size_t end, double *scratch) {
    (void)arg, (void)scratch;
    for (size_t i = begin; i < end; i++) {
        sum[0] += 1;
        sum[1] += 1 / (1 + (double)i);
    }
}

static void test_sums_have_one_order(void **state) {
    (void)state;
    table t;
    table_new(&t, 3, 1, 0, AML_BINARY, 2);
    const size_t sizes[] = {0, 1, 31, 32, 33, 5000, 123457};
    for (size_t s = 0; s < 7; s++) {
        double sum[2][2];
        for (int which = 0; which < 2; which++) {
            aml_sum plan;
            t.ctx.n_threads = which ? 4 : 1;
            assert_int_equal(aml_sum_init(&plan, sizes[s], 2, 32, 0, &t.ctx), AML_OK);
            assert_int_equal(aml_sum_run(sum[which], &plan, count_rows, NULL, &t.ctx), AML_OK);
        }
        assert_true(sum[0][0] == (double)sizes[s]);
        assert_memory_equal(sum[0], sum[1], sizeof sum[0]);
    }
    table_free(&t);
}

int main(void) {
    aml_par_init();
    aml_linalg_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_baseline_is_the_mean),
        cmocka_unit_test(test_neighbours_are_the_nearest),
        cmocka_unit_test(test_neighbour_at_distance_zero),
        cmocka_unit_test(test_naive_bayes_by_hand),
        cmocka_unit_test(test_calibration_recovers),
        cmocka_unit_test(test_lbfgs_finds_the_bottom),
        cmocka_unit_test(test_sums_have_one_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
