/* test_learners.c: every learner of the registry is declared whole, and learns, for every task it declares. */
#include "tests/learner_checks.h"

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
    aml_params_defaults(hp, l->params);
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
    aml_params_defaults(hp, l->params);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(declarations_are_whole),
        cmocka_unit_test(predictions_beat_a_constant),
        cmocka_unit_test(any_hyperparameters_work),
        cmocka_unit_test(bounds_narrow),
        cmocka_unit_test(importance_finds_the_signal),
    };
    aml_linalg_init();
    aml_par_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
