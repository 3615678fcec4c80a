/* test_learner_limits.c: every learner keeps limits of time and memory. */
#include <time.h>

#include "tests/learner_checks.h"

#ifdef __SANITIZE_ADDRESS__
enum { SLOWNESS = 8 };
#else
enum { SLOWNESS = 1 };
#endif

/* `stop` up from the start, or a deadline that comes while it works. */
static void check_stopped(const aml_learner *l, aml_task_kind task, const atomic_bool *stop,
                          double seconds) {
    double hp[MOST_PARAMS];
    problem *q = ready(l, task, (problem_shape){.n = 20000, .p = 10});
    aml_params_defaults(hp, l->params);
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
        cmocka_unit_test(stop_and_deadline_are_kept),
        cmocka_unit_test(failing_allocations_are_reported),
        cmocka_unit_test(memory_limits_are_kept),
    };
    aml_linalg_init();
    aml_par_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
