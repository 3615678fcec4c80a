/* test_learners.c: what every learner of the registry promises, for every task it declares. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "automl/core/linalg.h"
#include "automl/core/par.h"
#include "automl/engine/catalog.h"
#include "learner_problem.h"
#include "learners/parts/watch.h"

#ifdef __SANITIZE_ADDRESS__
enum { SLOWNESS = 8 };
#else
enum { SLOWNESS = 1 };
#endif

/* Says which learner failed, then fails. */
#define EXPECT(condition, learner, task, text)                                                \
    do {                                                                                      \
        if (!(condition)) fail_msg("%s, %s: %s", (learner)->name, aml_task_name(task), text); \
    } while (0)

static const aml_task_kind tasks[] = {AML_BINARY, AML_MULTICLASS, AML_REGRESSION};

typedef void (*check)(const aml_learner *learner, aml_task_kind task);

static void for_all(check f) {
    for (const aml_learner *const *l = aml_learners(); *l; l++)
        for (size_t t = 0; t < 3; t++)
            if ((*l)->tasks & tasks[t]) f(*l, tasks[t]);
}

/* A constant has neither hyperparameters nor a wish for features; all others must learn. */
static bool learns(const aml_learner *learner) {
    return aml_params_count(learner->params) || (learner->can & (AML_WANTS_BINS | AML_WANTS_DENSE));
}

static problem *ready(const aml_learner *learner, aml_task_kind task, problem_shape shape) {
    problem *q = problem_new(learner, task, shape);
    EXPECT(!prepare(q, learner), learner, task, "the design cannot be prepared");
    return q;
}

/* ---- the declaration */

static void check_param(const aml_learner *l, const aml_param *p) {
    double hi = aml_param_hi(p), lo = p->kind == AML_CHOICE ? 0 : p->lo;
    EXPECT(p->summary && *p->summary, l, 1, p->name);
    EXPECT(lo <= hi && p->fallback >= lo && p->fallback <= hi, l, 1, p->name);
    EXPECT(!p->log || lo > 0, l, 1, p->name);
    EXPECT(aml_param_clamp(p, p->fallback) == p->fallback, l, 1, p->name);
    EXPECT(p->kind != AML_CHOICE || aml_param_choices(p) > 0, l, 1, p->name);
    EXPECT(aml_params_find(l->params, p->name) == p - l->params, l, 1, p->name);
}

static void declarations_are_whole(void **state) {
    (void)state;
    size_t n = 0;
    for (const aml_learner *const *at = aml_learners(); *at; at++, n++) {
        const aml_learner *l = *at;
        EXPECT(l->abi == AML_ABI && l->name && l->summary && *l->summary, l, 1,
               "abi, name, summary");
        EXPECT(l->fit && l->predict && l->save && l->load, l, 1, "a function is missing");
        EXPECT(l->tasks && !(l->tasks & ~(unsigned)AML_ANY_TASK), l, 1, "tasks");
        EXPECT(aml_params_count(l->params) <= MOST_PARAMS, l, 1,
               "too many parameters for this test");
        EXPECT(aml_learner_find(l->name) == l, l, 1, "name is not unique");
        for (size_t i = 0; i < aml_params_count(l->params); i++) check_param(l, &l->params[i]);
    }
    assert_true(n > 0);
}

/* ---- predictions */

static void check_learning(const aml_learner *l, aml_task_kind task) {
    double hp[MOST_PARAMS];
    default_hp(hp, l);
    for (int sparse = 0; sparse < (l->can & AML_CAN_SPARSE ? 2 : 1); sparse++) {
        problem *q =
            ready(l, task, (problem_shape){.n = 300, .p = 5, .sparse = sparse, .weights = true});
        fitted f = fit(l, q, hp);
        EXPECT(!f.status, l, task, aml_last_error()->message);
        EXPECT(valid_predictions(f.out, q), l, task, "predictions out of range");
        double loss = mean_loss(f.out, q), constant = constant_loss(q);
        EXPECT(!learns(l) || loss < 0.8 * constant, l, task, "no better than a constant");
        EXPECT(!f.ctx.truncated, l, task, "truncated without a limit");
        fitted_free(&f);
        problem_free(q);
    }
}
static void predictions_beat_a_constant(void **state) { (void)state, for_all(check_learning); }

static void check_random(const aml_learner *l, aml_task_kind task) {
    aml_rng rng = aml_rng_stream(11, AML_RNG_TEST, 0, 0);
    problem *q = ready(l, task, (problem_shape){.n = 120, .p = 4});
    aml_shape shape = shape_of(q);
    for (int k = 0; k < 5 && aml_params_count(l->params); k++) {
        double hp[MOST_PARAMS];
        random_hp(hp, l, q, &rng);
        if (l->cost) {
            double cost = l->cost(hp, &shape);
            EXPECT(isfinite(cost) && cost > 0, l, task, "cost is not a time");
        }
        fitted f = fit(l, q, hp);
        EXPECT(!f.status, l, task, aml_last_error()->message);
        EXPECT(valid_predictions(f.out, q), l, task,
               "predictions out of range with random parameters");
        fitted_free(&f);
    }
    problem_free(q);
}
static void any_hyperparameters_work(void **state) { (void)state, for_all(check_random); }

static void check_bounds(const aml_learner *l, aml_task_kind task) {
    const aml_shape shapes[] = {{1, 0, 0, task, 2},
                                {1, 1, 0, task, 2},
                                {1000, 10, 0, task, 3},
                                {10000000, 5000, 100000000, task, 1000}};
    for (size_t s = 0; l->bound && s < 4; s++) {
        for (size_t i = 0; i < aml_params_count(l->params); i++) {
            double lo = l->params[i].lo, hi = aml_param_hi(&l->params[i]), from = lo, to = hi;
            l->bound(&from, &to, i, &shapes[s]);
            EXPECT(from >= lo && to <= hi && from <= to, l, task, l->params[i].name);
        }
    }
}
static void bounds_narrow(void **state) { (void)state, for_all(check_bounds); }

static void check_importance(const aml_learner *l, aml_task_kind task) {
    if (!l->importance) return;
    double hp[MOST_PARAMS], share[5], sum = 0, noise = 0;
    problem *q = ready(l, task, (problem_shape){.n = 300, .p = 5});
    default_hp(hp, l);
    fitted f = fit(l, q, hp);
    EXPECT(!f.status, l, task, aml_last_error()->message);
    EXPECT(!l->importance(share, f.model, 5), l, task, "importance failed");
    for (int j = 0; j < 5; j++) {
        EXPECT(share[j] >= 0 && isfinite(share[j]), l, task, "a share is negative");
        sum += share[j];
        noise = j > 1 ? fmax(noise, share[j]) : 0;
    }
    EXPECT(sum == 0 || fabs(sum - 1) < 1e-9, l, task, "shares do not sum to 1");
    EXPECT(!learns(l) || share[0] > noise, l, task, "noise is more important than the signal");
    fitted_free(&f);
    problem_free(q);
}
static void importance_finds_the_signal(void **state) { (void)state, for_all(check_importance); }

/* ---- determinism, files */

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

static void check_round_trip(const aml_learner *l, aml_task_kind task) {
    for (int sparse = 0; sparse < (l->can & AML_CAN_SPARSE ? 2 : 1); sparse++) {
        problem *q = ready(l, task, (problem_shape){.n = 200, .p = 6, .sparse = sparse});
        aml_rng rng = aml_rng_stream(5, AML_RNG_TEST, 0, 0);
        for (int k = 0; k < 3; k++) {
            double hp[MOST_PARAMS];
            cheap_hp(hp, l, q);
            if (k) random_hp(hp, l, q, &rng);
            fitted f = fit(l, q, hp);
            EXPECT(!f.status, l, task, aml_last_error()->message);
            fitted g = load(l, q, f.saved.data, f.saved.size, NULL);
            EXPECT(!g.status, l, task, aml_last_error()->message);
            EXPECT(same_predictions(&f, &g, q), l, task, "a loaded model predicts other bits");
            EXPECT(same_saved(&f, &g), l, task, "a loaded model saves other bytes");
            fitted_free(&f);
            fitted_free(&g);
        }
        problem_free(q);
    }
}
static void loaded_models_are_the_same(void **state) { (void)state, for_all(check_round_trip); }

/* Whatever the bytes are: a status or finite memory-safe work, within 64 MB. */
static void try_bytes(const aml_learner *l, aml_task_kind task, const problem *q,
                      const unsigned char *bytes, size_t size) {
    aml_memory account = {.limit = 64 << 20};
    fitted f = load(l, q, bytes, size, &account);
    bool known = !f.status || f.status == AML_EDATA || f.status == AML_ENOMEM;
    EXPECT(known, l, task, "damaged bytes give a status that is none of data or memory");
    fitted_free(&f);
    EXPECT(account.used == 0, l, task, "memory is not given back");
}

static void check_damage(const aml_learner *l, aml_task_kind task) {
    const unsigned char flips[] = {0x01, 0x80, 0xff};
    problem *q = ready(l, task, (problem_shape){.n = 24, .p = 3});
    double hp[MOST_PARAMS];
    cheap_hp(hp, l, q);
    fitted f = fit(l, q, hp);
    EXPECT(!f.status, l, task, aml_last_error()->message);
    size_t size = f.saved.size;
    for (size_t i = 0; i < size; i += i < 200 ? 1 : 1 + size / 400) {
        unsigned char *copy =
            aml_malloc(i); /* exactly as long, so that a read past the end is seen */
        assert_non_null(copy);
        memcpy(copy, f.saved.data, i);
        try_bytes(l, task, q, copy, i);
        aml_free(copy);
        for (int k = 0; k < 3; k++) {
            f.saved.data[i] ^= flips[k];
            try_bytes(l, task, q, f.saved.data, size);
            f.saved.data[i] ^= flips[k];
        }
    }
    fitted_free(&f);
    problem_free(q);
}
static void damaged_models_do_no_harm(void **state) { (void)state, for_all(check_damage); }

/* ---- rows and weights */

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
    default_hp(hp, l);
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
static void weights_are_repeated_rows(void **state) { (void)state, for_all(check_weights); }

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

/* ---- odd data */

static void expect_fit(const aml_learner *l, aml_task_kind task, problem *q, const char *what) {
    double hp[MOST_PARAMS];
    EXPECT(!prepare(q, l), l, task, what);
    for (int cheap = 0; cheap < 2; cheap++) {
        default_hp(hp, l);
        if (cheap) cheap_hp(hp, l, q);
        fitted f = fit(l, q, hp);
        EXPECT(!f.status, l, task, what);
        EXPECT(valid_predictions(f.out, q), l, task, what);
        fitted g = load(l, q, f.saved.data, f.saved.size, NULL);
        EXPECT(!g.status && same_predictions(&f, &g, q), l, task, what);
        fitted_free(&f);
        fitted_free(&g);
    }
    problem_free(q);
}

static void check_small(const aml_learner *l, aml_task_kind task) {
    for (size_t n = 1; n <= 3; n++)
        expect_fit(l, task, problem_new(l, task, (problem_shape){.n = n, .p = 2}),
                   "one to three rows");
    expect_fit(l, task, problem_new(l, task, (problem_shape){.n = 20, .p = 0}), "no features");
    expect_fit(l, task, problem_new(l, task, (problem_shape){.n = 1, .p = 0}),
               "one row without features");
    expect_fit(l, task, problem_new(l, task, (problem_shape){.n = 10, .p = 40}),
               "more features than rows");
    if (l->can & AML_CAN_SPARSE)
        expect_fit(l, task, problem_new(l, task, (problem_shape){.n = 30, .p = 0, .sparse = true}),
                   "sparse alone");
}
static void small_data_work(void **state) { (void)state, for_all(check_small); }

static void check_targets(const aml_learner *l, aml_task_kind task) {
    problem *q = problem_new(l, task, (problem_shape){.n = 30, .p = 3});
    for (size_t i = 0; i < 30; i++) q->y[i] = 1;
    expect_fit(l, task, q, "one class, or a constant target");
    q = problem_new(l, task, (problem_shape){.n = 30, .p = 3});
    for (size_t i = 0; i < 30; i++) q->y[i] = 0;
    expect_fit(l, task, q, "class 0 alone");
    q = problem_new(l, task, (problem_shape){.n = 30, .p = 3, .weights = true});
    for (size_t i = 0; i < 30; i++) q->w[i] = i % 3 ? 0 : 3;
    expect_fit(l, task, q, "weights of 0");
    if (task != AML_REGRESSION) return;
    const double scales[] = {1e-300, 1e-30, 1e30, 1e150};
    for (size_t s = 0; s < 4; s++) {
        q = problem_new(l, task, (problem_shape){.n = 30, .p = 3});
        for (size_t i = 0; i < 30; i++) q->y[i] *= scales[s];
        expect_fit(l, task, q, "a target of extreme scale");
    }
}
static void odd_targets_work(void **state) { (void)state, for_all(check_targets); }

static void check_features(const aml_learner *l, aml_task_kind task) {
    problem *q = problem_new(l, task, (problem_shape){.n = 40, .p = 4});
    for (size_t j = 0; j < 4; j++)
        for (size_t i = 0; i < 40; i++) q->column[j][i] = j == 2 ? 1 : 0.25f;
    expect_fit(l, task, q, "constant columns");
    for (int sign = -1; sign <= 1; sign += 2) {
        q = problem_new(l, task, (problem_shape){.n = 40, .p = 4});
        for (size_t i = 0; i < 40; i += 7) q->column[0][i] = (float)sign * 1e30f;
        for (size_t i = 0; i < 40; i++) q->column[1][i] *= 1e-38f;
        expect_fit(l, task, q, "huge and tiny values");
    }
    if (!(l->can & AML_CAN_MISSING)) return;
    q = problem_new(l, task, (problem_shape){.n = 40, .p = 4});
    for (size_t i = 0; i < 40; i++) q->column[0][i] = q->column[2][i] = NAN;
    expect_fit(l, task, q, "columns with nothing in them");
}
static void odd_features_work(void **state) { (void)state, for_all(check_features); }

/* ---- limits */

/* `stop` up from the start, or a deadline that comes while it works. */
static void check_stopped(const aml_learner *l, aml_task_kind task, const atomic_bool *stop,
                          double seconds) {
    double hp[MOST_PARAMS];
    problem *q = ready(l, task, (problem_shape){.n = 20000, .p = 10});
    default_hp(hp, l);
    fitted f = {.keep = aml_arena_new(NULL), .scratch = aml_arena_new(NULL)};
    f.ctx = context(f.keep, f.scratch);
    f.ctx.stop = stop;
    f.ctx.deadline = aml_now() + seconds;
    clock_t begin = clock(); /* processor time: the machine may be busy */
    f.status = l->fit(&f.model, &q->data, hp, &f.ctx);
    EXPECT(clock() - begin < SLOWNESS * CLOCKS_PER_SEC / 2, l, task,
           "does not look at the clock or the stop flag");
    EXPECT(!f.status || f.status == AML_ESTOPPED, l, task, "a status that is not `stopped`");
    if (!f.status) {
        EXPECT(!f.ctx.truncated || (l->can & AML_ANYTIME), l, task,
               "truncated but not declared anytime");
        f.ctx.stop = NULL;
        f.ctx.deadline = 0;
        f.out = AML_ARRAY(f.keep, q->data.n * outputs(q), double);
        aml_data x = without_target(&q->data);
        EXPECT(!l->predict(f.out, f.model, &x, &f.ctx), l, task,
               "a truncated model does not predict");
        EXPECT(valid_predictions(f.out, q), l, task, "a truncated model predicts out of range");
    }
    fitted_free(&f);
    problem_free(q);
}

static void check_stop(const aml_learner *l, aml_task_kind task) {
    atomic_bool stop = true;
    check_stopped(l, task, &stop, 1000);
    check_stopped(l, task, NULL, 0.03);
}
static void stop_and_deadline_are_kept(void **state) { (void)state, for_all(check_stop); }

static void check_allocations(const aml_learner *l, aml_task_kind task) {
    problem *q = ready(l, task, (problem_shape){.n = 24, .p = 3});
    double hp[MOST_PARAMS];
    cheap_hp(hp, l, q);
    aml_memory account = {0};
    aml_fail_alloc(0, false);
    fitted whole = fit_with(l, q, hp, 1, NULL, &account);
    uint64_t n = aml_fail_alloc(0, false);
    EXPECT(!whole.status && n > 0, l, task, aml_last_error()->message);
    for (uint64_t i = 1; i <= n; i += n > 200 ? 1 + n / 200 : 1) {
        for (int forever = 0; forever < 2; forever++) {
            aml_fail_alloc(i, forever);
            fitted f = fit_with(l, q, hp, 1, NULL, &account);
            aml_fail_alloc(0, false);
            EXPECT(f.status == AML_ENOMEM, l, task, "a failed allocation is not reported");
            fitted_free(&f);
        }
    }
    aml_fail_alloc(0, false);
    fitted again = load(l, q, whole.saved.data, whole.saved.size, &account);
    n = aml_fail_alloc(0, false);
    EXPECT(!again.status, l, task, aml_last_error()->message);
    for (uint64_t i = 1; i <= n; i++) {
        aml_fail_alloc(i, false);
        fitted f = load(l, q, whole.saved.data, whole.saved.size, &account);
        aml_fail_alloc(0, false);
        EXPECT(f.status == AML_ENOMEM, l, task, "a failed allocation is not reported by load");
        fitted_free(&f);
    }
    fitted_free(&again);
    fitted_free(&whole);
    EXPECT(account.used == 0, l, task, "memory is not given back");
    problem_free(q);
}
static void failing_allocations_are_reported(void **state) {
    (void)state, for_all(check_allocations);
}

static void check_memory_limit(const aml_learner *l, aml_task_kind task) {
    problem *q = ready(l, task, (problem_shape){.n = 2000, .p = 5});
    double hp[MOST_PARAMS];
    cheap_hp(hp, l, q);
    aml_memory none = {.limit = 64}, free_account = {0};
    fitted f = fit_with(l, q, hp, 1, NULL, &none);
    EXPECT(f.status == AML_ENOMEM && none.peak <= none.limit, l, task,
           "a limit of 64 bytes is not kept");
    fitted_free(&f);
    f = fit_with(l, q, hp, 1, NULL, &free_account);
    EXPECT(!f.status, l, task, aml_last_error()->message);
    fitted_free(&f);
    for (int part = 1; part < 8; part++) {
        aml_memory account = {.limit = free_account.peak * (size_t)part / 8};
        f = fit_with(l, q, hp, 1, NULL, &account);
        EXPECT(!f.status || f.status == AML_ENOMEM, l, task, "short memory gives another status");
        EXPECT(account.peak <= account.limit, l, task, "the memory limit is not kept");
        fitted_free(&f);
        EXPECT(account.used == 0, l, task, "memory is not given back");
    }
    problem_free(q);
}
static void memory_limits_are_kept(void **state) { (void)state, for_all(check_memory_limit); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(declarations_are_whole),
        cmocka_unit_test(bounds_narrow),
        cmocka_unit_test(predictions_beat_a_constant),
        cmocka_unit_test(any_hyperparameters_work),
        cmocka_unit_test(importance_finds_the_signal),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(held_out_rows_have_no_say),
        cmocka_unit_test(loaded_models_are_the_same),
        cmocka_unit_test(damaged_models_do_no_harm),
        cmocka_unit_test(weights_are_repeated_rows),
        cmocka_unit_test(only_listed_rows_count),
        cmocka_unit_test(designs_are_read_only),
        cmocka_unit_test(small_data_work),
        cmocka_unit_test(odd_targets_work),
        cmocka_unit_test(odd_features_work),
        cmocka_unit_test(stop_and_deadline_are_kept),
        cmocka_unit_test(failing_allocations_are_reported),
        cmocka_unit_test(memory_limits_are_kept),
    };
    aml_linalg_init();
    aml_par_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
