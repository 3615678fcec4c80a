/* test_learner_rows.c: what every learner makes of row lists, weights and threads. */
#include "learners/parts/watch.h"
#include "tests/learner_checks.h"

/* At each of two places x, a row of class (value) 1 and one of class 0 that weighs 4, or is there four times. Any ten
 * consecutive rows of a place have the same share of 1: which of the tied neighbours count does not matter. */
static double mean_prediction(const aml_learner *l, aml_task_kind task, bool weights) {
    size_t period = weights ? 2 : 5, n = 160 * period;
    problem *q = problem_new(l, task, (problem_shape){.n = n, .p = 3, .weights = weights});
    for (size_t i = 0; i < n; i++) {
        q->y[i] = i % period == 0;
        if (weights) q->w[i] = i % period ? 4 : 1;
        for (size_t j = 0; j < 3; j++) q->column[j][i] = (float)(i / period % 2);
    }
    EXPECT(!prepare(q, l), l, task, "the design cannot be prepared");
    double hp[MOST_PARAMS], sum = 0;
    aml_params_defaults(hp, l->params);
    fitted f = fit(l, q, hp);
    EXPECT(!f.status, l, task, aml_last_error()->message);
    size_t k = outputs(q);
    for (size_t i = 0; i < n; i++) sum += f.out[i * k + (task == AML_MULTICLASS)] / (double)n;
    fitted_free(&f);
    problem_free(q);
    return sum;
}

static void check_weights(const aml_learner *l, aml_task_kind task) {
    if (!(l->can & AML_CAN_WEIGHTS)) return;
    double weighted = mean_prediction(l, task, true), repeated = mean_prediction(l, task, false);
    EXPECT(fabs(weighted - repeated) < 0.08, l, task, "weights are not repeated rows");
    EXPECT(weighted < 0.35, l, task, "weights do not count");
}
static void weights_count_as_repeated_rows(void **state) { (void)state, for_all(check_weights); }

/* Rows outside the list keep their values as a set (bins and scales of the design are shared) but change places
 * and targets. */
static void disturb_others(problem *q, size_t used, aml_task_kind task, aml_rng *rng) {
    size_t n = q->design.n;
    for (size_t i = used; i < n; i++) {
        for (size_t j = 0; j < q->design.p; j++) {
            size_t k = used + aml_rng_below(rng, (uint32_t)(n - used));
            float t = q->column[j][i];
            q->column[j][i] = q->column[j][k];
            q->column[j][k] = t;
        }
        q->y[i] = task == AML_REGRESSION ? 1e6 * aml_rng_normal(rng)
                                         : aml_rng_below(rng, (uint32_t)q->data.n_classes);
        if (q->w) q->w[i] = 1000;
    }
}

static void check_rows(const aml_learner *l, aml_task_kind task) {
    aml_rng rng = aml_rng_stream(13, AML_RNG_TEST, 0, 0);
    problem *q = ready(l, task, (problem_shape){.n = 160, .p = 4, .weights = true});
    double hp[MOST_PARAMS];
    cheap_hp(hp, l, q);
    q->data.n = 100;
    aml_rng_shuffle(&rng, q->rows, 100);
    fitted before = fit(l, q, hp);
    disturb_others(q, 100, task, &rng);
    EXPECT(!prepare(q, l), l, task, "the design cannot be prepared");
    fitted after = fit(l, q, hp);
    EXPECT(!before.status && !after.status, l, task, aml_last_error()->message);
    EXPECT(same_predictions(&before, &after, q), l, task, "rows outside the list have influence");
    EXPECT(same_saved(&before, &after), l, task, "rows outside the list change the model");

    uint32_t turned[100];
    double out[100 * CLASSES];
    size_t k = outputs(q);
    for (size_t i = 0; i < 100; i++) turned[i] = q->rows[99 - i];
    aml_data x = without_target(&q->data);
    x.rows = turned;
    EXPECT(!l->predict(out, after.model, &x, &after.ctx), l, task, "predict failed");
    for (size_t i = 0; i < 100; i++)
        for (size_t j = 0; j < k; j++)
            EXPECT(fabs(out[(99 - i) * k + j] - after.out[i * k + j]) < 1e-4, l, task,
                   "predictions out of order");
    fitted_free(&before);
    fitted_free(&after);
    problem_free(q);
}
static void only_listed_rows_count(void **state) { (void)state, for_all(check_rows); }

static uint64_t design_hash(const problem *q) {
    const aml_design *d = &q->design;
    uint64_t h = 0;
    for (size_t j = 0; j < d->p; j++) h = aml_hash(d->column[j], d->n * sizeof(float), h);
    if (d->dense) h = aml_hash(d->dense, d->n * d->p * sizeof(float), h);
    if (d->bins) {
        h = aml_hash(d->bins->row, d->bins->n * d->bins->stride, h);
        for (size_t j = 0; j < d->p; j++) h = aml_hash(d->bins->column[j], d->n, h);
    }
    h = aml_hash(q->y, d->n * sizeof *q->y, h);
    h = aml_hash(q->w, d->n * sizeof *q->w, h);
    return aml_hash(q->rows, d->n * sizeof *q->rows, h);
}

static void check_design_unchanged(const aml_learner *l, aml_task_kind task) {
    problem *q = ready(l, task, (problem_shape){.n = 150, .p = 5, .weights = true});
    double hp[MOST_PARAMS];
    cheap_hp(hp, l, q);
    uint64_t before = design_hash(q);
    fitted f = fit(l, q, hp);
    EXPECT(!f.status && design_hash(q) == before, l, task, "the design was written to");
    fitted_free(&f);
    problem_free(q);
}
static void designs_are_read_only(void **state) { (void)state, for_all(check_design_unchanged); }

/* ---- threads, and rows to stop early on */

static void check_threads(const aml_learner *l, aml_task_kind task) {
    const int threads[] = {2, 4};
    problem *q = ready(l, task, (problem_shape){.n = 900, .p = 5, .weights = true});
    double hp[MOST_PARAMS];
    cheap_hp(hp, l, q);
    if (l->can & AML_EARLY_STOPS) {
        q->data.valid = q->rows + 700;
        q->data.n_valid = 200;
        q->data.n = 700;
    }
    fitted one = fit(l, q, hp);
    EXPECT(!one.status, l, task, aml_last_error()->message);
    for (int t = 0; t < 2; t++) {
        fitted many = fit_with(l, q, hp, threads[t], NULL, NULL);
        EXPECT(!many.status, l, task, "fails with threads");
        EXPECT(same_predictions(&one, &many, q), l, task,
               "predictions depend on the number of threads");
        EXPECT(same_saved(&one, &many), l, task, "the model depends on the number of threads");
        fitted_free(&many);
    }
    fitted_free(&one);
    problem_free(q);
}
static void threads_change_nothing(void **state) { (void)state, for_all(check_threads); }

/* What is said of a watched row may not depend on its own target: rows of one part of the watched ones
 * (learners/parts/watch.h) get other targets, and their predictions stay. */
static void check_held_out(const aml_learner *l, aml_task_kind task) {
    enum { TRAINED = 500, WATCHED = 203, PART = AML_WATCH_PARTS };
    if (!(l->can & AML_EARLY_STOPS)) return;
    problem *q = ready(l, task, (problem_shape){.n = TRAINED + WATCHED, .p = 5, .weights = true});
    double hp[MOST_PARAMS], *out[2];
    size_t k = (size_t)aml_task_outputs(task, q->data.n_classes);
    cheap_hp(hp, l, q);
    q->data.valid = q->rows + TRAINED;
    q->data.n_valid = WATCHED;
    q->data.n = TRAINED;
    for (int turn = 0; turn < 2; turn++) {
        q->data.held_out = out[turn] = calloc(WATCHED * k, sizeof(double));
        for (size_t i = 0; i < WATCHED * k; i++) out[turn][i] = NAN;
        for (size_t i = 3; turn && i < WATCHED; i += PART) {
            double *y = &q->y[q->data.valid[i]];
            *y = task == AML_REGRESSION ? *y + 0.3 : fmod(*y + 1, q->data.n_classes);
        }
        fitted f = fit(l, q, hp);
        EXPECT(!f.status, l, task, aml_last_error()->message);
        fitted_free(&f);
    }
    for (size_t i = 0; i < WATCHED * k; i++) {
        EXPECT(isfinite(out[0][i]), l, task, "a watched row has no prediction");
        bool same = out[0][i] == out[1][i];
        EXPECT(same || i / k % PART != 3, l, task, "a row's own target had a say");
    }
    free(out[0]);
    free(out[1]);
    problem_free(q);
}
static void held_out_rows_have_no_say(void **state) { (void)state, for_all(check_held_out); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_count_as_repeated_rows), cmocka_unit_test(only_listed_rows_count),
        cmocka_unit_test(designs_are_read_only),          cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(held_out_rows_have_no_say),
    };
    aml_linalg_init();
    aml_par_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
