/* hyperband.c: Hyperband (Li et al. 2018, algorithm 1) with asynchronous halving in its brackets. Bracket s of s_max …
 * 0 begins with max_steps / eta^s steps and has ceil((s_max + 1) / (s + 1) * eta^s) trials in a round; trials go
 * to brackets in the order of their numbers, and are judged by those of their own. */
#include <math.h>

#include "automl/core/scheduler.h"
#include "search/parts/steps.h"

enum { MIN_STEPS, MAX_STEPS, REDUCTION, N_PARAMS };
static const aml_param params[] = {
    [MIN_STEPS] = {.name = "min_steps",
                   .summary = "least steps of a trial",
                   .kind = AML_REAL,
                   .lo = 1e-9,
                   .hi = 1e12,
                   .fallback = 1,
                   .fixed = true},
    [MAX_STEPS] = {.name = "max_steps",
                   .summary = "steps of a trial that runs to its end",
                   .kind = AML_REAL,
                   .lo = 0,
                   .hi = 1e12,
                   .fallback = 0,
                   .fixed = true},
    [REDUCTION] = {.name = "reduction_factor",
                   .summary = "one in so many goes on from a rung, for so many times the steps",
                   .kind = AML_REAL,
                   .lo = 1.1,
                   .hi = 1000,
                   .fallback = 3,
                   .fixed = true},
    [N_PARAMS] = {0}};

static const char *check(const double *hp) {
    if (!(hp[MAX_STEPS] > 0))
        return "it needs max_steps: the steps of a trial that runs to its end";
    return hp[MAX_STEPS] < hp[MIN_STEPS] ? "max_steps must not be less than min_steps" : NULL;
}

static int most_bracket(const double *hp) {
    return (int)floor(log(hp[MAX_STEPS] / hp[MIN_STEPS]) / log(hp[REDUCTION]) + 1e-9);
}

static int bracket_of(size_t id, const double *hp) {
    int most = most_bracket(hp);
    double round = 0, at;
    for (int s = most; s >= 0; s--)
        round += ceil((most + 1.0) / (s + 1.0) * pow(hp[REDUCTION], s) - 1e-9);
    at = fmod((double)id, round);
    for (int s = most; s > 0; s--) {
        at -= ceil((most + 1.0) / (s + 1.0) * pow(hp[REDUCTION], s) - 1e-9);
        if (at < 0) return s;
    }
    return 0;
}

typedef struct bracket {
    int s;
    const double *hp;
} bracket;

static bool is_same(const aml_record *r, const void *arg) {
    const bracket *b = arg;
    return bracket_of(r->id, b->hp) == b->s;
}

static bool keep_step(const aml_record *own, const aml_told *told, const double *hp) {
    bracket b = {bracket_of(own->id, hp), hp};
    double first = hp[MAX_STEPS] / pow(hp[REDUCTION], b.s);
    if (!b.s || own->steps[own->n_reports - 1] >= hp[MAX_STEPS]) return true;
    return aml_rung_passes(own, told, first, hp[REDUCTION], is_same, &b);
}

const aml_scheduler aml_scheduler_hyperband = {
    .abi = AML_ABI,
    .name = "hyperband",
    .summary = "successive halving in brackets that begin with more and more steps",
    .params = params,
    .keep_step = keep_step,
    .check = check,
};
