/* test_split.c: what folds promise: nothing lost, nothing leaked, shares kept. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "automl/core/sort.h"
#include "automl/core/split.h"

enum { MOST = 3000 };

typedef struct sample {
    aml_task task;
    double y[MOST], time[MOST];
    uint32_t group[MOST];
} sample;

/* Classes with shares 1/2, 1/4, 1/8 … (the last two alike), each with at least one row; k = 0: a
 * regression. */
static sample *draw(size_t n, int k, uint64_t seed) {
    aml_rng rng = aml_rng_stream(seed, AML_RNG_TEST, n, (uint32_t)k);
    sample *s = calloc(1, sizeof *s);
    assert_non_null(s);
    for (size_t i = 0; i < n; i++) {
        int c = 0;
        while (c < k - 1 && aml_rng_below(&rng, 2)) c++;
        s->y[i] = !k ? exp(aml_rng_normal(&rng)) : i < (size_t)k ? (double)i : c;
        s->time[i] = (double)aml_rng_below(&rng, (uint32_t)n / 3 + 1);
        s->group[i] = 1000 * aml_rng_below(&rng, (uint32_t)n / 8 + 2);
    }
    s->task = (aml_task){.kind = k > 2 ? AML_MULTICLASS
                                 : k   ? AML_BINARY
                                       : AML_REGRESSION,
                         .n = n,
                         .n_classes = k,
                         .y = s->y};
    return s;
}

static aml_rng stream(uint64_t seed) { return aml_rng_stream(seed, AML_RNG_SPLIT, 0, 0); }

/* Lists go upwards within range; train and valid share no row. Counts how often each row is
 * validated. */
static void check_lists(const aml_folds *f, size_t n, size_t *validated) {
    memset(validated, 0, n * sizeof *validated);
    assert_true(f->k >= 1);
    for (size_t i = 0; i < f->k; i++) {
        char *seen = calloc(n, 1);
        assert_true(f->n_train[i] >= 1 && f->n_valid[i] >= 1);
        for (size_t j = 0; j < f->n_train[i]; j++) {
            assert_true(f->train[i][j] < n && (!j || f->train[i][j] > f->train[i][j - 1]));
            seen[f->train[i][j]] = 1;
        }
        for (size_t j = 0; j < f->n_valid[i]; j++) {
            assert_true(f->valid[i][j] < n && (!j || f->valid[i][j] > f->valid[i][j - 1]));
            assert_int_equal(seen[f->valid[i][j]], 0);
            validated[f->valid[i][j]]++;
        }
        free(seen);
    }
}

static bool same_folds(const aml_folds *a, const aml_folds *b) {
    if (a->k != b->k) return false;
    for (size_t f = 0; f < a->k; f++) {
        if (a->n_valid[f] != b->n_valid[f] || a->n_train[f] != b->n_train[f]) return false;
        if (memcmp(a->valid[f], b->valid[f], a->n_valid[f] * sizeof **a->valid)) return false;
        if (memcmp(a->train[f], b->train[f], a->n_train[f] * sizeof **a->train)) return false;
    }
    return true;
}

static size_t rows_of(const double *y, const uint32_t *rows, size_t n, int c) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += y[rows ? rows[i] : i] == c;
    return count;
}

/* ---- stratified ---- */

static void every_row_is_validated_once(void **state) {
    static const int classes[] = {0, 2, 5};
    size_t validated[MOST];
    (void)state;
    for (size_t n = 2; n <= 1300; n = n * 3 / 2 + 1)
        for (int t = 0; t < 3; t++)
            for (size_t k = 2; k <= 10; k += 4) {
                if (n < (size_t)classes[t]) continue;
                sample *s = draw(n, classes[t], k);
                aml_arena *a = aml_arena_new(NULL);
                aml_folds f;
                assert_int_equal(aml_split_kfold(&f, &s->task, k, stream(n), a), AML_OK);
                check_lists(&f, n, validated);
                for (size_t i = 0; i < n; i++) assert_int_equal(validated[i], 1);
                for (size_t i = 0; i < f.k; i++) {
                    assert_int_equal(f.n_train[i] + f.n_valid[i], n);
                    assert_true(f.n_valid[i] == n / f.k || f.n_valid[i] == n / f.k + 1);
                }
                aml_arena_free(a);
                free(s);
            }
}

static void classes_are_shared_out_within_one(void **state) {
    (void)state;
    for (int k = 2; k <= 6; k++) {
        sample *s = draw(997, k, 3);
        aml_arena *a = aml_arena_new(NULL);
        aml_folds f;
        assert_int_equal(aml_split_kfold(&f, &s->task, 5, stream(1), a), AML_OK);
        assert_int_equal(f.k, 5);
        assert_string_equal(f.scheme, "stratified 5-fold");
        for (int c = 0; c < k; c++) {
            size_t all = rows_of(s->y, NULL, 997, c);
            for (size_t i = 0; i < 5; i++) {
                size_t here = rows_of(s->y, f.valid[i], f.n_valid[i], c);
                assert_true(here == all / 5 || here == all / 5 + 1);
            }
        }
        aml_arena_free(a);
        free(s);
    }
}

/* Stratified by quantile, means of folds differ much less than those of random fifths would. */
static void target_quantiles_are_shared_out(void **state) {
    sample *s = draw(1000, 0, 4);
    aml_arena *a = aml_arena_new(NULL);
    aml_folds f;
    uint32_t order[1000], rank[1000];
    (void)state;
    assert_int_equal(aml_argsort(order, s->y, 1000), AML_OK);
    for (uint32_t i = 0; i < 1000; i++) rank[order[i]] = i;
    assert_int_equal(aml_split_kfold(&f, &s->task, 5, stream(2), a), AML_OK);
    for (size_t i = 0; i < 5; i++) {
        size_t tenth[10] = {0};
        for (size_t j = 0; j < f.n_valid[i]; j++) tenth[rank[f.valid[i][j]] / 100]++;
        for (int t = 0; t < 10; t++) assert_true(tenth[t] >= 18 && tenth[t] <= 22);
    }
    aml_arena_free(a);
    free(s);
}

static void rare_classes_lower_k(void **state) {
    double y[40] = {1, 1, 1};
    aml_task t = {.kind = AML_BINARY, .n = 40, .n_classes = 2, .y = y};
    aml_arena *a = aml_arena_new(NULL);
    aml_folds f;
    (void)state;
    assert_int_equal(aml_split_kfold(&f, &t, 10, stream(1), a), AML_OK);
    assert_int_equal(f.k, 3);
    for (size_t i = 0; i < 3; i++) assert_int_equal(rows_of(y, f.valid[i], f.n_valid[i], 1), 1);
    y[1] = y[2] = 0;
    assert_int_equal(aml_split_kfold(&f, &t, 10, stream(1), a), AML_OK);
    assert_int_equal(f.k, 2);
    t.kind = AML_MULTICLASS;
    t.n_classes = 3;
    for (size_t i = 20; i < 40; i++) y[i] = 2;
    assert_int_equal(aml_split_kfold(&f, &t, 10, stream(1), a), AML_OK);
    assert_int_equal(f.k, 3);
    assert_string_equal(f.scheme, "stratified 3-fold");
    t.n = 1;
    assert_int_equal(aml_split_kfold(&f, &t, 5, stream(1), a), AML_EDATA);
    assert_int_equal(aml_split_holdout(&f, &t, 0.2, stream(1), a), AML_EDATA);
    t.n = 40;
    assert_int_equal(aml_split_kfold(&f, &t, 1, stream(1), a), AML_EUSAGE);
    assert_int_equal(aml_split_holdout(&f, &t, 1, stream(1), a), AML_EUSAGE);
    assert_int_equal(aml_split_holdout(&f, &t, NAN, stream(1), a), AML_EUSAGE);
    aml_arena_free(a);
}

static void holdout_keeps_the_share(void **state) {
    size_t validated[MOST];
    (void)state;
    for (int k = 0; k <= 5; k += k ? 3 : 2)
        for (size_t n = 5; n < 2000; n = n * 2 + 1) {
            sample *s = draw(n, k, n);
            aml_arena *a = aml_arena_new(NULL);
            aml_folds f;
            assert_int_equal(aml_split_holdout(&f, &s->task, 0.2, stream(5), a), AML_OK);
            assert_int_equal(f.k, 1);
            assert_string_equal(f.scheme, "holdout 20 %");
            check_lists(&f, n, validated);
            assert_int_equal(f.n_train[0] + f.n_valid[0], n);
            assert_true(fabs((double)f.n_valid[0] - 0.2 * (double)n) <= 1 + k);
            for (int c = 0; c < k; c++) {
                size_t all = rows_of(s->y, NULL, n, c),
                       here = rows_of(s->y, f.valid[0], f.n_valid[0], c);
                if (all >= 2) assert_true(here >= 1 && here < all);
                assert_true(fabs((double)here - 0.2 * (double)all) <= 1);
            }
            aml_arena_free(a);
            free(s);
        }
}

static void holdout_has_small_classes_on_both_sides(void **state) {
    double y[20] = {1, 1};
    aml_task t = {.kind = AML_BINARY, .n = 20, .n_classes = 2, .y = y};
    aml_arena *a = aml_arena_new(NULL);
    (void)state;
    for (double share = 0.05; share < 1; share += 0.1) {
        aml_folds f;
        assert_int_equal(aml_split_holdout(&f, &t, share, stream(1), a), AML_OK);
        assert_int_equal(rows_of(y, f.valid[0], f.n_valid[0], 1), 1);
        assert_int_equal(rows_of(y, f.train[0], f.n_train[0], 1), 1);
    }
    aml_arena_free(a);
}

/* ---- groups ---- */

static void check_groups(const sample *s, const aml_folds *f) {
    for (size_t i = 0; i < f->k; i++)
        for (size_t j = 0; j < f->n_valid[i]; j++)
            for (size_t t = 0; t < f->n_train[i]; t++)
                if (s->group[f->valid[i][j]] == s->group[f->train[i][t]])
                    fail_msg("group %u is on both sides", s->group[f->valid[i][j]]);
}

static void groups_stay_together(void **state) {
    size_t validated[MOST];
    (void)state;
    for (int k = 0; k <= 5; k += k ? 3 : 2)
        for (size_t n = 40; n < 800; n *= 3) {
            sample *s = draw(n, k, n);
            aml_arena *a = aml_arena_new(NULL);
            aml_folds f;
            s->task.group = s->group;
            s->task.time = s->time; /* groups come first */
            assert_int_equal(aml_split_kfold(&f, &s->task, 4, stream(6), a), AML_OK);
            assert_non_null(strstr(f.scheme, "grouped "));
            check_lists(&f, n, validated);
            check_groups(s, &f);
            for (size_t i = 0; i < n; i++) assert_int_equal(validated[i], 1);
            assert_int_equal(aml_split_holdout(&f, &s->task, 0.25, stream(6), a), AML_OK);
            assert_string_equal(f.scheme, "grouped holdout 25 %");
            check_lists(&f, n, validated);
            check_groups(s, &f);
            assert_int_equal(f.n_train[0] + f.n_valid[0], n);
            aml_arena_free(a);
            free(s);
        }
}

/* Many small groups: sizes and class shares come out nearly even. */
static void groups_are_balanced(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        sample *s = draw(2000, 4, seed);
        aml_arena *a = aml_arena_new(NULL);
        aml_folds f;
        s->task.group = s->group;
        for (size_t i = 0; i < 2000; i++)
            s->group[i] = (uint32_t)(i * i / 8000) * 7; /* 1 … 89 rows */
        assert_int_equal(aml_split_kfold(&f, &s->task, 5, stream(seed), a), AML_OK);
        assert_int_equal(f.k, 5);
        for (size_t i = 0; i < 5; i++) {
            assert_true(fabs((double)f.n_valid[i] - 400) <= 40);
            for (int c = 0; c < 4; c++) {
                double all = (double)rows_of(s->y, NULL, 2000, c) / 5;
                assert_true(fabs((double)rows_of(s->y, f.valid[i], f.n_valid[i], c) - all) <=
                            0.25 * all);
            }
        }
        assert_int_equal(aml_split_holdout(&f, &s->task, 0.2, stream(seed), a), AML_OK);
        assert_true(fabs((double)f.n_valid[0] - 400) <= 60);
        aml_arena_free(a);
        free(s);
    }
}

static void few_groups_lower_k(void **state) {
    double y[12] = {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1};
    uint32_t group[12] = {5, 5, 5, 5, 5, 5, 5, 5, 9, 9, 7, 7};
    aml_task t = {.kind = AML_BINARY, .n = 12, .n_classes = 2, .y = y, .group = group};
    aml_arena *a = aml_arena_new(NULL);
    aml_folds f;
    (void)state;
    assert_int_equal(aml_split_kfold(&f, &t, 5, stream(1), a), AML_OK);
    assert_int_equal(f.k, 3);
    for (size_t i = 0; i < 12; i++) group[i] = i < 6;
    assert_int_equal(aml_split_holdout(&f, &t, 0.2, stream(1), a), AML_OK);
    assert_int_equal(f.n_valid[0], 6);
    memset(group, 0, sizeof group);
    assert_int_equal(aml_split_kfold(&f, &t, 5, stream(1), a), AML_EDATA);
    assert_int_equal(aml_split_holdout(&f, &t, 0.5, stream(1), a), AML_EDATA);
    assert_non_null(strstr(aml_last_error()->message, "one group"));
    aml_arena_free(a);
}

/* ---- time ---- */

static double limit(const sample *s, const uint32_t *rows, size_t n, bool latest) {
    double x = s->time[rows[0]];
    for (size_t i = 1; i < n; i++)
        if (latest ? s->time[rows[i]] > x : s->time[rows[i]] < x) x = s->time[rows[i]];
    return x;
}

static void training_lies_before_validation(void **state) {
    size_t validated[MOST];
    (void)state;
    for (size_t n = 12; n < 2000; n = n * 2 + 3) {
        sample *s = draw(n, 2, n);
        aml_arena *a = aml_arena_new(NULL);
        aml_folds f;
        s->task.time = s->time;
        assert_int_equal(aml_split_kfold(&f, &s->task, 4, stream(7), a), AML_OK);
        check_lists(&f, n, validated);
        for (size_t i = 0; i < f.k; i++) {
            double last = limit(s, f.train[i], f.n_train[i], true);
            double first = limit(s, f.valid[i], f.n_valid[i], false);
            assert_true(last < first);
            if (i) assert_int_equal(f.n_train[i], f.n_train[i - 1] + f.n_valid[i - 1]);
            if (n > 200)
                assert_true(fabs((double)f.n_valid[i] - (double)n / 5) <= 0.05 * (double)n);
        }
        assert_int_equal(f.n_train[f.k - 1] + f.n_valid[f.k - 1], n);
        assert_int_equal(aml_split_holdout(&f, &s->task, 0.2, stream(7), a), AML_OK);
        assert_string_equal(f.scheme, "time-ordered holdout 20 %");
        assert_true(limit(s, f.train[0], f.n_train[0], true) <
                    limit(s, f.valid[0], f.n_valid[0], false));
        assert_int_equal(f.n_train[0] + f.n_valid[0], n);
        aml_arena_free(a);
        free(s);
    }
}

static void few_times_lower_k(void **state) {
    double y[9] = {0}, time[9] = {3, 1, 2, 1, 3, 2, 1, NAN, NAN};
    aml_task t = {.kind = AML_REGRESSION, .n = 9, .y = y, .time = time};
    aml_arena *a = aml_arena_new(NULL);
    aml_folds f;
    (void)state;
    assert_int_equal(aml_split_kfold(&f, &t, 8, stream(1), a), AML_OK);
    assert_int_equal(f.k, 3); /* times 1, 2, 3, unknown */
    assert_int_equal(f.n_train[0], 3);
    assert_int_equal(f.n_valid[2], 2);
    assert_int_equal(f.valid[2][0], 7);
    for (size_t i = 0; i < 9; i++)
        time[i] = i < 3 ? (double)i : 3; /* the wished cuts are all behind */
    assert_int_equal(aml_split_kfold(&f, &t, 3, stream(1), a), AML_OK);
    assert_int_equal(f.k, 3);
    for (size_t i = 0; i < 3; i++) assert_int_equal(f.n_train[i], i + 1);
    for (size_t i = 0; i < 9; i++) time[i] = 4;
    assert_int_equal(aml_split_kfold(&f, &t, 3, stream(1), a), AML_EDATA);
    assert_non_null(strstr(aml_last_error()->message, "one time"));
    aml_arena_free(a);
}

/* ---- all ways ---- */

static aml_status split(aml_folds *f, sample *s, int way, aml_rng rng, aml_arena *a) {
    s->task.group = way % 3 == 1 ? s->group : NULL;
    s->task.time = way % 3 == 2 ? s->time : NULL;
    return way < 3 ? aml_split_kfold(f, &s->task, 5, rng, a)
                   : aml_split_holdout(f, &s->task, 0.3, rng, a);
}

static void same_seed_same_folds(void **state) {
    sample *s = draw(500, 3, 8);
    (void)state;
    for (int way = 0; way < 6; way++) {
        aml_arena *a = aml_arena_new(NULL);
        aml_folds f, same, other;
        assert_int_equal(split(&f, s, way, stream(1), a), AML_OK);
        assert_int_equal(split(&same, s, way, stream(1), a), AML_OK);
        assert_int_equal(split(&other, s, way, stream(2), a), AML_OK);
        assert_true(same_folds(&f, &same));
        assert_int_equal(same_folds(&f, &other), way % 3 == 2); /* time leaves nothing to chance */
        aml_arena_free(a);
    }
    free(s);
}

static void short_memory_is_survived(void **state) {
    sample *s = draw(300, 3, 9);
    (void)state;
    for (int way = 0; way < 6; way++) {
        uint64_t calls = 1;
        for (uint64_t i = 0; i <= calls; i++) {
            aml_arena *a = aml_arena_new(NULL);
            aml_folds f;
            aml_fail_alloc(i, false);
            aml_status status = split(&f, s, way, stream(1), a);
            uint64_t seen = aml_fail_alloc(0, false);
            if (!i) calls = seen;
            assert_int_equal(status, i ? AML_ENOMEM : AML_OK);
            aml_arena_free(a);
        }
        assert_true(calls >= 3);
    }
    free(s);
}

/* ---- a sample ---- */

static void samples_are_stratified(void **state) {
    uint32_t rows[MOST], again[MOST];
    (void)state;
    for (int k = 0; k <= 100; k = k ? k * 7 : 2)
        for (size_t n = 1; n < 1500; n = n * 2 + 1) {
            sample *s = draw(1000, k, n);
            size_t got = aml_split_sample(rows, &s->task, n, stream(n));
            assert_int_equal(got, n < 1000 ? n : 1000);
            assert_int_equal(aml_split_sample(again, &s->task, n, stream(n)), got);
            assert_memory_equal(rows, again, got * sizeof *rows);
            for (size_t i = 0; i < got; i++)
                assert_true(rows[i] < 1000 && (!i || rows[i] > rows[i - 1]));
            for (int c = 0; c < k; c++) {
                size_t all = rows_of(s->y, NULL, 1000, c), here = rows_of(s->y, rows, got, c);
                double share = (double)(all * got) / 1000;
                assert_true(fabs((double)here - share) <= 3 + 2.0 * k * (double)all / 1000);
                if (n >= 2 * (size_t)k) assert_true(here >= (all < 2 ? all : 2));
            }
            free(s);
        }
}

/* Over many seeds each row of a class is as likely as the others. */
static void samples_are_even(void **state) {
    size_t count[30] = {0};
    double y[30] = {0};
    aml_task t = {.kind = AML_BINARY, .n = 30, .n_classes = 2, .y = y};
    uint32_t rows[9];
    (void)state;
    for (size_t i = 0; i < 10; i++) y[3 * i] = 1;
    for (uint64_t seed = 0; seed < 3000; seed++) {
        assert_int_equal(aml_split_sample(rows, &t, 9, stream(seed)), 9);
        for (size_t i = 0; i < 9; i++) count[rows[i]]++;
    }
    for (size_t i = 0; i < 30; i++) assert_true(count[i] > 780 && count[i] < 1020);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_validated_once),
        cmocka_unit_test(classes_are_shared_out_within_one),
        cmocka_unit_test(target_quantiles_are_shared_out),
        cmocka_unit_test(rare_classes_lower_k),
        cmocka_unit_test(holdout_keeps_the_share),
        cmocka_unit_test(holdout_has_small_classes_on_both_sides),
        cmocka_unit_test(groups_stay_together),
        cmocka_unit_test(groups_are_balanced),
        cmocka_unit_test(few_groups_lower_k),
        cmocka_unit_test(training_lies_before_validation),
        cmocka_unit_test(few_times_lower_k),
        cmocka_unit_test(same_seed_same_folds),
        cmocka_unit_test(short_memory_is_survived),
        cmocka_unit_test(samples_are_stratified),
        cmocka_unit_test(samples_are_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
