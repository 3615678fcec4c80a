/* test_checkpoint.c: a fit that goes on from any of its states comes to the bits of one that was never interrupted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "automl/core/checkpoint.h"
#include "tests/learner_problem.h"

extern const aml_learner aml_learner_gbdt, aml_learner_mlp;

enum { MOST_STATES = 64 };

/* Keeps every state there is. */
typedef struct recorder {
    aml_checkpoint base;
    size_t n;
    aml_writer state[MOST_STATES];
} recorder;

static void record(aml_checkpoint *c, const void *state, size_t size) {
    recorder *r = (recorder *)c;
    if (r->n < MOST_STATES) aml_put_bytes(&r->state[r->n++], state, size);
}

static void forget(recorder *r) {
    for (size_t i = 0; i < r->n; i++) aml_writer_free(&r->state[i]);
    r->n = 0;
}

typedef struct result {
    fitted f;
    double *held_out;
} result;

/* A fit on three quarters of the rows; `watched`: the others are watched. */
static result fit_from(const aml_learner *l, const problem *q, const double *hp, bool watched,
                       int n_threads, aml_checkpoint *checkpoint) {
    result r = {.f = {.keep = aml_arena_new(NULL), .scratch = aml_arena_new(NULL)}};
    size_t n = q->data.n / 4 * 3, k = outputs(q);
    aml_data train = q->data;
    train.n = n;
    if (watched) {
        train.valid = q->rows + n;
        train.n_valid = q->data.n - n;
        train.held_out = r.held_out = AML_ARRAY(r.f.keep, train.n_valid * k, double);
    }
    r.f.ctx = context(r.f.keep, r.f.scratch);
    r.f.ctx.n_threads = n_threads;
    r.f.ctx.checkpoint = checkpoint;
    assert_int_equal(l->fit(&r.f.model, &train, hp, &r.f.ctx), AML_OK);
    l->save(r.f.model, &r.f.saved);
    assert_int_equal(r.f.saved.status, AML_OK);
    return r;
}

static void assert_same(const result *a, const result *b, const problem *q) {
    assert_int_equal(a->f.saved.size, b->f.saved.size);
    assert_memory_equal(a->f.saved.data, b->f.saved.data, a->f.saved.size);
    size_t cells = (q->data.n - q->data.n / 4 * 3) * outputs(q);
    if (a->held_out) assert_memory_equal(a->held_out, b->held_out, cells * sizeof(double));
}

static void go_on(const result *whole, const aml_writer *state, size_t size, const aml_learner *l,
                  const problem *q, const double *hp, int n_threads) {
    aml_checkpoint from = {.state = state->data, .size = size, .due = INFINITY};
    result r = fit_from(l, q, hp, whole->held_out != NULL, n_threads, &from);
    assert_same(whole, &r, q);
    fitted_free(&r.f);
}

static void check(const aml_learner *l, aml_task_kind task, bool watched, bool sparse,
                  const double *hp) {
    problem *q = problem_new(
        l, task, (problem_shape){.n = 400, .p = 6, .weights = true, .sparse = sparse, .seed = 5});
    recorder all = {.base = {.due = -INFINITY, .keep = record}};
    assert_int_equal(prepare(q, l), AML_OK);
    result whole = fit_from(l, q, hp, watched, 1, NULL);
    result kept = fit_from(l, q, hp, watched, 1, &all.base);
    assert_same(&whole, &kept, q); /* keeping states changes nothing */
    assert_true(all.n > 2);
    for (size_t i = 0; i < all.n; i += 1 + all.n / 4)
        go_on(&whole, &all.state[i], all.state[i].size, l, q, hp, 1 + (int)(i & 1));
    const aml_writer *last = &all.state[all.n - 1];
    for (size_t size = 0; size < last->size;
         size += 1 + last->size / 7) /* cut short: from the start */
        go_on(&whole, last, size, l, q, hp, 1);
    forget(&all);
    fitted_free(&whole.f);
    fitted_free(&kept.f);
    problem_free(q);
}

static void set(double *hp, const aml_learner *l, const char *name, double x) {
    for (size_t i = 0; i < aml_params_count(l->params); i++)
        if (!strcmp(l->params[i].name, name)) hp[i] = x;
}

static const aml_task_kind tasks[] = {AML_BINARY, AML_MULTICLASS, AML_REGRESSION};

static void boosted_trees(void **state) {
    (void)state;
    const aml_learner *l = &aml_learner_gbdt;
    for (int i = 0; i < 12; i++) {
        double hp[MOST_PARAMS];
        aml_params_defaults(hp, l->params);
        set(hp, l, "learning_rate", 0.2);
        set(hp, l, "n_estimators", 60);
        set(hp, l, "rounds", 25);
        if (i % 2) set(hp, l, "bagging_fraction", 0.6), set(hp, l, "feature_fraction", 0.5);
        if (i >= 9) set(hp, l, "row_sampling", 1), set(hp, l, "extra_trees", 1);
        check(l, tasks[i % 3], i % 4 < 2, i >= 6, hp);
    }
}

static void networks(void **state) {
    (void)state;
    const aml_learner *l = &aml_learner_mlp;
    for (int i = 0; i < 12; i++) {
        double hp[MOST_PARAMS];
        aml_params_defaults(hp, l->params);
        set(hp, l, "width", 16);
        set(hp, l, "members", 2);
        set(hp, l, "epochs", 8);
        if (i % 2) set(hp, l, "dropout", 0.2);
        check(l, tasks[i % 3], i % 4 < 2, i >= 6, hp);
    }
}

int main(void) {
    const struct CMUnitTest all[] = {cmocka_unit_test(boosted_trees), cmocka_unit_test(networks)};
    return cmocka_run_group_tests(all, NULL, NULL);
}
