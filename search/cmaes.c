/* cmaes.c: covariance matrix adaptation with restarts of doubled populations (IPOP, Auger and Hansen 2005).
 *
 * Trials are taken in blocks of the population's size, in the order of their numbers; a block whose trials have all ended
 * moves the distribution, and the next trial is drawn from what the blocks before it left: so the state follows from
 * what is told, whatever order trials end in. Numbers and ordered choices are coordinates; one with steps varies at least so
 * much that it changes its value once in a generation (the idea of CMA-ES with margin, Hamano et al. 2022). Other
 * choices are drawn as often as the better trials have their values. */
#include <math.h>
#include <string.h>

#include "automl/core/sampler.h"
#include "automl/core/sort.h"
#include "automl/core/special.h"
#include "search/parts/evolution.h"
#include "search/parts/points.h"

enum { SIGMA, POPULATION, N_PARAMS };
static const aml_param params[] = {
    [SIGMA] = {.name = "sigma",
               .summary = "first step size, as a share of the range",
               .kind = AML_REAL,
               .lo = 1e-3,
               .hi = 1,
               .fallback = 0.2,
               .fixed = true},
    [POPULATION] = {.name = "population",
                    .summary = "trials in a generation; 0: 4 + 3 log(dimensions)",
                    .kind = AML_INT,
                    .lo = 0,
                    .hi = 10000,
                    .fallback = 0,
                    .fixed = true},
    [N_PARAMS] = {0}};

typedef struct search {
    const aml_space *space;
    const aml_told *told;
    size_t d;
    size_t *dim;   /* d: dimension of each coordinate */
    double *x;     /* told->n × d */
    double *least; /* d */
    aml_evolution e;
    aml_arena *scratch;
} search;

static aml_status lay_out(search *s) {
    size_t n = s->space->n;
    s->dim = AML_ARRAY(s->scratch, n + 1, size_t);
    if (!s->dim) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const aml_dim *d = &s->space->dims[i];
        if (!aml_dim_is_nominal(d) && !d->param->fixed && aml_dim_values(d) > 1) s->dim[s->d++] = i;
    }
    s->x = AML_ARRAY(s->scratch, s->told->n * s->d + 1, double);
    s->least = AML_ARRAY(s->scratch, s->d + 1, double);
    if (!s->x || !s->least) return AML_ENOMEM;
    for (size_t k = 0; k < s->told->n; k++)
        for (size_t j = 0; j < s->d; j++) {
            const aml_dim *d = &s->space->dims[s->dim[j]];
            double v = s->told->records[k].config[s->dim[j]];
            s->x[k * s->d + j] = aml_dim_encode(d, isnan(v) ? d->param->fallback : v);
        }
    return AML_OK;
}

/* Coordinates with steps leave their cell with a probability of one in a generation. */
static void set_least(search *s) {
    double rare = 1 / ((double)s->d * (double)s->e.lambda);
    double quantile = -aml_normal_quantile(0.5 * rare);
    for (size_t j = 0; j < s->d; j++) {
        const aml_dim *d = &s->space->dims[s->dim[j]];
        double from, to;
        aml_dim_cell(&from, &to, d, aml_dim_decode(d, s->e.mean[j]));
        s->least[j] = fmax(0.5 * (to - from) / quantile, 1e-9);
    }
}

/* The block of trials from `begin` on, the best first. */
static aml_status sort_block(const double **x, double *loss, const search *s, size_t begin) {
    size_t n = s->e.lambda;
    uint32_t *order = AML_ARRAY(s->scratch, n, uint32_t);
    double *key = AML_ARRAY(s->scratch, n, double);
    if (!order || !key) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const aml_record *r = &s->told->records[begin + i];
        key[i] = aml_has_loss(r) ? r->loss : INFINITY;
    }
    AML_TRY(aml_argsort(order, key, n));
    for (size_t i = 0; i < n; i++) {
        x[i] = s->x + (begin + order[i]) * s->d;
        loss[i] = key[order[i]];
    }
    return AML_OK;
}

static bool has_ended(const search *s, size_t begin) {
    if (begin + s->e.lambda > s->told->n) return false;
    for (size_t i = 0; i < s->e.lambda; i++)
        if (s->told->records[begin + i].state == AML_TRIAL_PENDING) return false;
    return true;
}

static aml_status restart(search *s, size_t lambda, double sigma, const aml_rng *rng, bool first) {
    double *mean = AML_ARRAY(s->scratch, s->d, double);
    aml_rng own = aml_rng_child(rng, (uint32_t)lambda);
    if (!mean) return AML_ENOMEM;
    for (size_t j = 0; j < s->d; j++) mean[j] = first ? 0.5 : aml_rng_uniform(&own);
    return aml_evolution_new(&s->e, s->d, lambda, mean, sigma, s->scratch);
}

/* All blocks that have ended, from the first on. */
static aml_status replay(search *s, const double *hp, const aml_rng *rng) {
    size_t lambda = (size_t)hp[POPULATION];
    if (lambda < 2) lambda = 4 + (size_t)floor(3 * log((double)s->d));
    AML_TRY(restart(s, lambda, hp[SIGMA], rng, true));
    for (size_t begin = 0; has_ended(s, begin);) {
        const double **x = AML_ARRAY(s->scratch, s->e.lambda, const double *);
        double *loss = AML_ARRAY(s->scratch, s->e.lambda, double);
        if (!x || !loss) return AML_ENOMEM;
        AML_TRY(sort_block(x, loss, s, begin));
        begin += s->e.lambda;
        aml_status status = aml_evolution_update(&s->e, x, loss);
        if (status == AML_ENOMEM) return status;
        if (status || aml_evolution_is_done(&s->e))
            AML_TRY(restart(s, 2 * s->e.lambda, 0.3, rng, false));
    }
    set_least(s);
    return AML_OK;
}

/* A value of a choice without an order, as often as the better quarter of the trials has it. */
static double draw_choice(const search *s, size_t dim, const size_t *best, size_t n, aml_rng *rng) {
    const aml_dim *d = &s->space->dims[dim];
    size_t values = (size_t)aml_dim_values(d);
    double share = (double)n / ((double)n + (double)values);
    if (aml_rng_uniform(rng) < share) {
        double v = s->told->records[best[aml_rng_below(rng, (uint32_t)n)]].config[dim];
        if (!isnan(v)) return v;
    }
    return aml_dim_decode(d, aml_rng_uniform(rng));
}

static aml_status draw(double *config, search *s, const aml_rng *stream) {
    enum { TRIES = 200, MOST_BEST = 64 };
    size_t best[MOST_BEST], most = s->told->n / 4, n;
    double *x = AML_ARRAY(s->scratch, s->d + 1, double);
    aml_rng rng = *stream;
    if (!x) return AML_ENOMEM;
    n = aml_best_records(best, most < MOST_BEST ? most : MOST_BEST, s->told);
    for (int k = 0; k < TRIES; k++) {
        if (s->d) aml_evolution_draw(x, &s->e, s->least, &rng);
        for (size_t i = 0; i < s->space->n; i++)
            config[i] = aml_dim_is_nominal(&s->space->dims[i]) ? draw_choice(s, i, best, n, &rng)
                                                               : s->space->dims[i].param->fallback;
        for (size_t j = 0; j < s->d; j++)
            config[s->dim[j]] = aml_dim_decode(&s->space->dims[s->dim[j]], x[j]);
        aml_space_repair(config, s->space);
        if (aml_space_allows(s->space, config)) break;
    }
    return aml_make_new(config, s->space, s->told, rng, s->scratch);
}

static aml_status suggest(double *config, const aml_space *space, const aml_told *told,
                          const aml_problem *problem, const double *hp, aml_ctx *ctx) {
    double usual[N_PARAMS];
    for (size_t i = 0; i < N_PARAMS; i++) usual[i] = hp ? hp[i] : params[i].fallback;
    search s = {.space = space, .told = told, .scratch = ctx->scratch};
    aml_rng rng = aml_rng_child(&ctx->rng, (uint32_t)told->n);
    /* where datasets and learners are, the cheapest defaults have their turn */
    if (problem && aml_next_default(config, space, told, problem)) return AML_OK;
    AML_TRY(lay_out(&s));
    if (s.d) AML_TRY(replay(&s, usual, &ctx->rng));
    return draw(config, &s, &rng);
}

const aml_sampler aml_sampler_cmaes = {
    .abi = AML_ABI,
    .name = "cmaes",
    .summary = "covariance matrix adaptation evolution strategy, with restarts; for many cheap "
               "trials in numbers",
    .params = params,
    .suggest = suggest,
};
