/* test_search.c: the contract of samplers over the registry: what they suggest is valid, new and repeatable, whatever happened. */
#include "automl/core/linalg.h"
#include "automl/core/par.h"
#include "search/parts/points.h"
#include "search_fixture.h"

static double smooth_loss(const double *config) {
    return 0.3 + (isnan(config[0]) ? 0 : 0.05 * sin(3 * config[0]));
}

/* Gives the problem knowledge of datasets that are like it. */
static void inform(aml_problem *problem, aml_ctx *ctx) {
    static const double feature = 0.8;
    const aml_prior *prior;
    problem->features = &feature;
    problem->n_features = 1;
    assert_int_equal(aml_prior_new(&prior, tree_knowledge(ctx), problem, NULL, ctx), AML_OK);
    problem->knowledge = prior;
}

static void check_config(const aml_space *space, const double *config) {
    double whole_config[MOST_DIMS];
    memcpy(whole_config, config, space->n * sizeof *config);
    aml_space_repair(whole_config, space);
    assert_true(aml_space_equal(space, config, whole_config));
    for (size_t i = 0; i < space->n; i++) {
        assert_true(aml_space_live(space, config, i) == !isnan(config[i]));
        if (!isnan(config[i]))
            assert_true(config[i] >= space->dims[i].lo && config[i] <= space->dims[i].hi);
    }
}

/* Valid, the same when asked again, new while there is anything new; with trials in flight, failed
 * and pruned. */
static void run_conformance(const aml_sampler *s, const named_space *n, const aml_problem *problem,
                            double time_left) {
    static history h;
    double config[MOST_DIMS], again[MOST_DIMS];
    clear(&h);
    h.told.time_left = time_left;
    for (size_t t = 0; t < 36; t++) {
        aml_status status = ask(config, s, &n->space, &h, problem, 11);
        if (status == AML_ESTOPPED) { /* a grid is done */
            assert_ptr_equal(s, aml_sampler_find("grid"));
            return;
        }
        assert_int_equal(status, AML_OK);
        assert_int_equal(ask(again, s, &n->space, &h, problem, 11), AML_OK);
        assert_memory_equal(config, again, n->space.n * sizeof *config);
        check_config(&n->space, config);
        if (!n->configs || t < n->configs) assert_false(aml_is_told(&n->space, &h.told, config));
        aml_trial_state state = t % 9 == 7   ? AML_TRIAL_FAILED
                                : t % 9 == 4 ? AML_TRIAL_PRUNED
                                : t > 30     ? AML_TRIAL_PENDING
                                             : AML_TRIAL_DONE;
        tell(&h, config, n->space.n, state, smooth_loss(config));
    }
}

static void test_samplers_keep_the_contract(void **state) {
    (void)state;
    aml_ctx ctx = search_ctx(3);
    aml_problem problem = {.task = AML_BINARY,
                           .metric = "log_loss",
                           .baseline_loss = 1,
                           .shape = {1000, 10, 0, AML_BINARY, 2}};
    aml_problem informed = problem;
    const double cost[] = {3, 1, 2};
    inform(&informed, &ctx);
    informed.default_cost = problem.default_cost = cost;
    for (const aml_sampler *const *s = aml_samplers(); *s; s++) {
        assert_int_equal((*s)->abi, AML_ABI);
        assert_true((*s)->name && (*s)->summary);
        for (size_t k = 0; k < N_SPACES; k++) {
            run_conformance(*s, &spaces[k], NULL, INFINITY);
            run_conformance(*s, &spaces[k], &problem, 100);
            run_conformance(*s, &spaces[k], &informed, INFINITY);
            informed.baseline_loss = NAN;
            run_conformance(*s, &spaces[k], &informed, 30);
            informed.baseline_loss = 1;
        }
    }
    aml_ctx_close(&ctx);
}

/* Whichever allocation fails, the answer is AML_ENOMEM or a whole configuration, and nothing leaks. */
static void test_samplers_without_memory(void **state) {
    (void)state;
    aml_ctx ctx = search_ctx(3);
    aml_problem problem = {.task = AML_BINARY, .baseline_loss = 1};
    static history h;
    double config[MOST_DIMS];
    inform(&problem, &ctx);
    for (const aml_sampler *const *s = aml_samplers(); *s; s++) {
        clear(&h);
        h.told.time_left = 60;
        for (size_t t = 0; t < 24; t++) {
            assert_int_equal(ask(config, *s, &spaces[0].space, &h, &problem, 1), AML_OK);
            tell(&h, config, MOST_DIMS, AML_TRIAL_DONE, tree_space_loss(config, 0.4));
        }
        for (uint64_t n = 1; n < 40; n++) {
            aml_ctx own = {
                .keep = aml_arena_new(NULL), .scratch = aml_arena_new(NULL), .n_threads = 1};
            aml_fail_alloc(n, true);
            aml_status status =
                (*s)->suggest(config, &spaces[0].space, &h.told, &problem, NULL, &own);
            aml_fail_alloc(0, false);
            assert_true(status == AML_OK || status == AML_ENOMEM);
            if (!status) check_config(&spaces[0].space, config);
            aml_arena_free(own.keep);
            aml_arena_free(own.scratch);
        }
    }
    aml_ctx_close(&ctx);
}

/* All trials failed, all equal, infinite losses: still valid suggestions. */
static void test_samplers_survive_bad_luck(void **state) {
    (void)state;
    static history h;
    static const double losses[] = {NAN, 0.25, INFINITY, 1e300, -1e300, 0};
    double config[MOST_DIMS];
    for (const aml_sampler *const *s = aml_samplers(); *s; s++)
        for (size_t l = 0; l < sizeof losses / sizeof *losses; l++) {
            clear(&h);
            for (size_t t = 0; t < 25; t++) {
                assert_int_equal(ask(config, *s, &spaces[0].space, &h, NULL, 5), AML_OK);
                check_config(&spaces[0].space, config);
                bool odd = l >= 2 && t % 2;
                tell(&h, config, spaces[0].space.n, l ? AML_TRIAL_DONE : AML_TRIAL_FAILED,
                     odd ? 0.1 : losses[l]);
            }
        }
}

static void test_samplers_after_long_searches(void **state) {
    (void)state;
    aml_ctx ctx = search_ctx(3);
    aml_problem problem = {.task = AML_BINARY, .baseline_loss = 1};
    const aml_space *space = &spaces[0].space;
    static history h;
    double config[MOST_DIMS];
    inform(&problem, &ctx);
    for (const aml_sampler *const *s = aml_samplers(); *s; s++) {
        aml_rng rng = aml_rng_stream(1, AML_RNG_TEST, 0, 0);
        clear(&h);
        while (h.told.n < MOST_TRIALS) {
            bool early = h.told.n < 8; /* of the matrix, so that `auto` is behind them */
            if (early) ask(config, aml_sampler_find("portfolio"), space, &h, &problem, 1);
            else aml_space_random(config, space, &rng);
            tell(&h, config, MOST_DIMS, AML_TRIAL_DONE, tree_space_loss(config, 0.4));
        }
        for (uint64_t k = 0; k < 10; k++) {
            h.told.n = MOST_TRIALS - k; /* not one of the random ones every time */
            assert_int_equal(ask(config, *s, space, &h, &problem, k), AML_OK);
            check_config(space, config);
            assert_false(aml_is_told(space, &h.told, config));
        }
    }
    aml_ctx_close(&ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samplers_keep_the_contract),
        cmocka_unit_test(test_samplers_without_memory),
        cmocka_unit_test(test_samplers_survive_bad_luck),
        cmocka_unit_test(test_samplers_after_long_searches),
    };
    aml_linalg_init();
    aml_par_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
