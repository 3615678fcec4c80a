/* auto.c: past datasets first, then Bayesian optimisation with what they said as its prior mean. */
#include <math.h>
#include <string.h>

#include "automl/core/sampler.h"
#include "search/parts/bo.h"

/* Pipelines of the matrix before the continuous search (the last of them by the mixture's guard);
 * random trials only where nothing is known. */
enum { FROM_MATRIX = 8, BLIND_TRIALS = 4, RANDOM_EVERY = 10 };

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

static aml_status suggest(double *config, const aml_space *space, const aml_told *told,
                          const aml_problem *problem, const double *hp, aml_ctx *ctx) {
    (void)hp;
    aml_advice *advice;
    aml_rng rng = aml_rng_child(&ctx->rng, (uint32_t)told->n);
    size_t best;
    AML_TRY(aml_advice_new(&advice, space, told, problem, ctx));
    bool informed = aml_advice_helps(advice);
    if (informed && from_matrix(advice, told) < FROM_MATRIX && pick_pipeline(config, advice, space))
        return AML_OK;
    if (!informed && aml_next_default(config, space, told, problem)) return AML_OK;
    bool turn = told->n < BLIND_TRIALS || told->n % RANDOM_EVERY == RANDOM_EVERY - 1;
    if (!aml_best_records(&best, 1, told) || (!informed && turn))
        return aml_random_new(config, space, told, rng, ctx->scratch);
    return aml_bo_suggest(config, space, told, advice, true, &rng, ctx->scratch);
}

const aml_sampler aml_sampler_auto = {
    .abi = AML_ABI,
    .name = "auto",
    .summary = "past datasets' pipelines by the mixture model, then Bayesian optimisation that "
               "starts from it",
    .suggest = suggest,
};
