/* auto.c: past datasets first, then Bayesian optimisation with what they said as its prior mean; in spaces of users, where
 * there are none, Bayesian optimisation and densities in turn. */
#include <math.h>
#include <string.h>

#include "automl/core/sampler.h"
#include "search/parts/bo.h"
#include "search/parts/past.h"
#include "search/parts/tune.h"

extern const aml_sampler aml_sampler_tpe;

/* Pipelines of the matrix before the continuous search (the last of them by the mixture's guard);
 * random trials only where nothing is known. */
enum { FROM_MATRIX = 8, BLIND_TRIALS = 4, RANDOM_EVERY = 10 };
/* Every so many trials a learner that had no turn yet: an ensemble lives on different opinions. */
enum {
    VARIETY_EVERY = 2,
    TURNS = 100, /* a turn takes at most this part of the time left, for one fit */
    FIRST_TURNS = 4
};

static size_t from_matrix(const aml_advice *a, const aml_told *told) {
    size_t n = 0;
    for (size_t i = 0; i < told->n; i++) n += a->column[i] < a->p;
    return n;
}

static bool pick_pipeline(double *config, aml_advice *a, const aml_space *space) {
    size_t pick = aml_mix_pick(&a->mix, a->seconds_log);
    if (pick >= a->p) return false;
    memcpy(config, a->configs + pick * space->n, space->n * sizeof *config);
    return true;
}

/* The default of the cheapest learner that was not tried at all. */
static bool pick_untried(double *config, const aml_space *space, const aml_told *told,
                         const aml_problem *problem) {
    aml_groups groups = aml_space_groups(space);
    double cheapest = INFINITY, pick = NAN;
    if (!groups.rooted) return false;
    for (size_t g = 0; g < groups.n; g++) {
        double value = groups.first + (double)g, cost = 0;
        bool tried = false;
        for (size_t i = 0; i < told->n; i++) tried = tried || told->records[i].config[0] == value;
        if (problem && problem->default_cost) cost = problem->default_cost[(size_t)value];
        if (tried || !(cost < cheapest)) continue;
        cheapest = cost;
        pick = value;
    }
    if (isnan(pick) || cheapest * TURNS > told->time_left) return false;
    aml_space_default(config, space, pick);
    return true;
}

/* Where nothing is known learners have a turn by their defaults, the cheapest first, while a fit may end in the time left. */
static bool pick_default(double *config, const aml_space *space, const aml_told *told,
                         const aml_problem *problem) {
    if (!aml_next_default(config, space, told, problem)) return false;
    if (told->n < FIRST_TURNS || !problem || !problem->default_cost) return true;
    return !aml_space_groups(space).rooted ||
           problem->default_cost[(size_t)config[0]] < told->time_left;
}

/* A space of a user: what earlier searches of it found, if there were any; then Gaussian processes, global and in a trust region in turn; every fourth trial is one of densities, which
 * rest on other assumptions (a mixture of methods is best on functions of all kinds: bench/tuning). */
static aml_status suggest_user(double *config, const aml_space *space, const aml_told *told,
                               aml_ctx *ctx) {
    enum { DENSITY_EVERY = 4, FEWEST = 8, FROM_PAST = 8, PAST_EVERY = 5 };
    bool found = false;
    if (told->n_past && (told->n < FROM_PAST || told->n % PAST_EVERY == 0))
        AML_TRY(aml_past_pick(&found, config, space, told, ctx->scratch));
    if (found) return AML_OK;
    if (told->n > FEWEST && told->n % DENSITY_EVERY == 0)
        return aml_sampler_tpe.suggest(config, space, told, NULL, NULL, ctx);
    return aml_tune_next(config, space, told, ctx);
}

static aml_status suggest(double *config, const aml_space *space, const aml_told *told,
                          const aml_problem *problem, const double *hp, aml_ctx *ctx) {
    (void)hp;
    aml_advice *advice;
    aml_rng rng = aml_rng_child(&ctx->rng, (uint32_t)told->n);
    size_t best;
    if (!problem) return suggest_user(config, space, told, ctx);
    AML_TRY(aml_advice_new(&advice, space, told, problem, ctx));
    bool informed = aml_advice_helps(advice);
    bool variety = told->n % VARIETY_EVERY == VARIETY_EVERY - 1;
    if (informed && variety && pick_untried(config, space, told, problem)) return AML_OK;
    if (informed && from_matrix(advice, told) < FROM_MATRIX && pick_pipeline(config, advice, space))
        return AML_OK;
    if (!informed && pick_default(config, space, told, problem)) return AML_OK;
    bool turn = told->n < BLIND_TRIALS || told->n % RANDOM_EVERY == RANDOM_EVERY - 1;
    if (!aml_best_records(&best, 1, told) || (!informed && turn))
        return aml_random_new(config, space, told, rng, ctx->scratch);
    return aml_bo_suggest(config, space, told, advice, true, problem, &rng, ctx->scratch);
}

const aml_sampler aml_sampler_auto = {
    .abi = AML_ABI,
    .name = "auto",
    .summary =
        "learners: past datasets' pipelines by the mixture model, then Bayesian optimisation "
        "that starts from it; other spaces: bayes and tpe together",
    .suggest = suggest,
};
