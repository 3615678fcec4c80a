/* tpe.c: the tree-structured Parzen estimator (Bergstra, Bardenet, Bengio and Kégl 2011; multivariate, with the choices that
 * Watanabe 2023, "Tree-structured Parzen estimator: understanding its algorithm components", found to matter).
 *
 * The better trials and the others each make a mixture (parzen.h); of points drawn from the first the one is
 * suggested whose density there is largest beside that of the second. Trials in flight count among the
 * others, so that nothing is tried beside them (constant liar); failed ones too. Of several goals the better ones are those
 * that fewest dominate. */
#include <math.h>
#include <string.h>

#include "automl/core/sampler.h"
#include "automl/core/sort.h"
#include "search/parts/parzen.h"
#include "search/parts/points.h"
#include "search/parts/spread.h"

enum { STARTUP, CANDIDATES, GAMMA, MOST_GOOD, N_PARAMS };
static const aml_param params[] = {
    [STARTUP] = {.name = "n_startup",
                 .summary = "evenly spread trials before the model",
                 .kind = AML_INT,
                 .lo = 1,
                 .hi = 10000,
                 .fallback = 10,
                 .fixed = true},
    [CANDIDATES] = {.name = "n_candidates",
                    .summary = "points that a suggestion is chosen from",
                    .kind = AML_INT,
                    .lo = 1,
                    .hi = 10000,
                    .fallback = 48,
                    .fixed = true},
    [GAMMA] = {.name = "gamma",
               .summary = "share of the trials that count as good",
               .kind = AML_REAL,
               .lo = 0.01,
               .hi = 0.9,
               .fallback = 0.15,
               .fixed = true},
    [MOST_GOOD] = {.name = "most_good",
                   .summary = "at most so many of them",
                   .kind = AML_INT,
                   .lo = 1,
                   .hi = 10000,
                   .fallback = 25,
                   .fixed = true},
    [N_PARAMS] = {0}};

/* ---- order ---- */

static bool dominates(const double *a, const double *b, size_t n) {
    bool better = false;
    for (size_t g = 0; g < n; g++) {
        if (a[g] > b[g]) return false;
        better |= a[g] < b[g];
    }
    return better;
}

/* A number to sort by: losses of trials that are done, then those stopped early (the later the better), then the rest. */
static aml_status make_keys(double *key, const aml_told *told, size_t *n_known) {
    double worst = -INFINITY;
    *n_known = 0;
    for (size_t i = 0; i < told->n; i++) {
        const aml_record *r = &told->records[i];
        key[i] = aml_has_loss(r) ? r->loss : NAN;
        if (r->state == AML_TRIAL_DONE && r->goals && told->n_goals > 1) {
            key[i] = 0;
            for (size_t k = 0; k < told->n; k++)
                if (told->records[k].goals &&
                    dominates(told->records[k].goals, r->goals, told->n_goals))
                    key[i]++;
        }
        if (isnan(key[i])) continue;
        ++*n_known;
        if (r->state == AML_TRIAL_DONE) worst = fmax(worst, key[i]);
    }
    if (!isfinite(worst)) return AML_OK;
    for (size_t i = 0; i < told->n; i++) {
        const aml_record *r = &told->records[i];
        if (r->state != AML_TRIAL_PRUNED || isnan(key[i]) || !r->n_reports) continue;
        double early = 1 / (1 + fmax(r->steps[r->n_reports - 1], 0)); /* 0 … 1 */
        double bad = 0.5 + atan(key[i] - worst) / 4;                  /* within a step: by loss */
        key[i] = worst + (1 + fabs(worst)) * (1 + early + 1e-6 * bad);
    }
    return AML_OK;
}

/* ---- choice ---- */

typedef struct search {
    const aml_space *space;
    const aml_told *told;
    aml_parzen good, bad;
    const double *hp;
    aml_rng rng;
    aml_arena *scratch;
} search;

static aml_status learn(search *s, size_t *n_known) {
    size_t n = s->told->n;
    double *key = AML_ARRAY(s->scratch, n + 1, double),
           *weight = AML_ARRAY(s->scratch, n + 1, double);
    uint32_t *order = AML_ARRAY(s->scratch, n + 1, uint32_t);
    const double **configs = AML_ARRAY(s->scratch, n + 1, const double *);
    if (!key || !weight || !order || !configs) return AML_ENOMEM;
    AML_TRY(make_keys(key, s->told, n_known));
    if (*n_known < 2) return AML_OK;
    AML_TRY(aml_argsort(order, key, n));
    size_t n_good = (size_t)ceil(s->hp[GAMMA] * (double)*n_known), most = (size_t)s->hp[MOST_GOOD];
    if (n_good > most) n_good = most;
    for (size_t i = 0; i < n; i++) configs[i] = s->told->records[order[i]].config;
    /* the better a good one, the heavier: its distance from the first that is not good */
    double limit = key[order[n_good < *n_known ? n_good : *n_known - 1]], sum = 0;
    for (size_t i = 0; i < n_good; i++) sum += weight[i] = limit - key[order[i]];
    for (size_t i = 0; i < n_good; i++)
        weight[i] = sum > 0 && isfinite(sum) ? weight[i] / sum * (double)n_good : 1;
    AML_TRY(aml_parzen_new(&s->good, s->space, configs, weight, n_good, true, 0.0, s->scratch));
    return aml_parzen_new(&s->bad, s->space, configs + n_good, NULL, n - n_good, false, 0,
                          s->scratch);
}

static double score_of(const search *s, const double *config, bool top) {
    return aml_parzen_log_density(&s->good, config, top) -
           aml_parzen_log_density(&s->bad, config, top);
}

/* The best of the points drawn; top: by the parameters alone that hang on nothing, else among those not tried yet. */
static void choose_from(double *config, double *best, search *s, double *one, bool top) {
    for (double k = 0; k < s->hp[CANDIDATES]; k++) {
        aml_parzen_draw(one, &s->good, &s->rng);
        double score = top || aml_space_allows(s->space, one) ? score_of(s, one, top) : NAN;
        if (!(score > *best) || (!top && aml_is_told(s->space, s->told, one))) continue;
        *best = score;
        memcpy(config, one, s->space->n * sizeof *one);
    }
}

/* Parameters that others hang on are chosen first, by themselves: a branch with many narrow parameters would else look better
 * than it is. Then the others are, given those. */
static aml_status choose_by_levels(double *config, double *best, search *s, double *one) {
    double top = -INFINITY;
    choose_from(config, &top, s, one, true);
    if (!isfinite(top)) return AML_OK;
    memcpy(one, config, s->space->n * sizeof *one);
    for (double k = 0; k < s->hp[CANDIDATES]; k++) {
        AML_TRY(aml_parzen_draw_below(one, &s->good, &s->rng));
        double score = aml_space_allows(s->space, one) ? score_of(s, one, false) : NAN;
        if (!(score > *best) || aml_is_told(s->space, s->told, one)) continue;
        *best = score;
        memcpy(config, one, s->space->n * sizeof *one);
    }
    return AML_OK;
}

static aml_status choose(double *config, search *s) {
    double *one = AML_ARRAY(s->scratch, s->space->n, double), best = -INFINITY;
    bool conditional = false;
    if (!one) return AML_ENOMEM;
    for (size_t j = 0; j < s->space->n; j++) conditional |= s->space->dims[j].parent >= 0;
    if (conditional) AML_TRY(choose_by_levels(config, &best, s, one));
    if (!isfinite(best)) choose_from(config, &best, s, one, false);
    if (isfinite(best)) return AML_OK;
    return aml_random_new(config, s->space, s->told, aml_rng_child(&s->rng, 1), s->scratch);
}

static aml_status suggest(double *config, const aml_space *space, const aml_told *told,
                          const aml_problem *problem, const double *hp, aml_ctx *ctx) {
    double usual[N_PARAMS];
    for (size_t i = 0; i < N_PARAMS; i++) usual[i] = hp ? hp[i] : params[i].fallback;
    search s = {.space = space, .told = told, .hp = usual, .scratch = ctx->scratch};
    size_t n_known = 0;
    if (problem && aml_next_default(config, space, told, problem)) return AML_OK;
    s.rng = aml_rng_child(&ctx->rng, (uint32_t)told->n);
    if ((double)told->n < usual[STARTUP]) return aml_spread_new(config, space, told, ctx);
    AML_TRY(learn(&s, &n_known));
    if (n_known < 2) return aml_random_new(config, space, told, s.rng, ctx->scratch);
    return choose(config, &s);
}

const aml_sampler aml_sampler_tpe = {
    .abi = AML_ABI,
    .name = "tpe",
    .summary =
        "tree-structured Parzen estimator over all dimensions together; any space, several goals",
    .params = params,
    .suggest = suggest,
    .can = AML_SAMPLER_GOALS,
};
