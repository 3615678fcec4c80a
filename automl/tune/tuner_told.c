/* tuner_told.c: what samplers and schedulers are told of the trials. */
#include <math.h>
#include <string.h>

#include "automl/tune/tuner.h"

const double *aml_record_goals(const aml_record *r) { return r->goals ? r->goals : &r->loss; }

bool aml_dominates(const double *a, const double *b, size_t n) {
    bool better = false;
    for (size_t g = 0; g < n; g++) {
        if (a[g] > b[g]) return false;
        better |= a[g] < b[g];
    }
    return better;
}

/* A trial that is not to be seen yet is one in flight. */
static aml_status copy_visible(aml_told *told, const aml_tuner *t, size_t trial,
                               aml_arena *scratch) {
    aml_record *copy = aml_copy(scratch, t->records, t->n * sizeof *copy);
    if (!copy) return AML_ENOMEM;
    for (size_t i = 0; i < t->n; i++)
        if (i != trial && i + t->concurrency > trial)
            copy[i] = (aml_record){
                .id = i, .state = AML_TRIAL_PENDING, .config = copy[i].config, .loss = NAN};
    told->records = copy;
    return AML_OK;
}

/* Several goals as one loss (Knowles 2006, "ParEGO", eq. 2): goals scaled to what was seen of them, weights drawn anew for
 * each suggestion. */
static aml_status combine(aml_told *told, const aml_tuner *t, aml_arena *scratch) {
    double lo[AML_MOST_GOALS], hi[AML_MOST_GOALS], weight[AML_MOST_GOALS], sum = 0;
    size_t m = t->n_goals;
    aml_rng stream = aml_rng_stream(t->seed, AML_RNG_SEARCH, 1, 0),
            rng = aml_rng_child(&stream, (uint32_t)told->n);
    aml_record *copy = aml_copy(scratch, told->records, told->n * sizeof *copy);
    if (!copy) return AML_ENOMEM;
    for (size_t g = 0; g < m; g++) {
        lo[g] = INFINITY;
        hi[g] = -INFINITY;
        weight[g] = -log(1 - aml_rng_uniform(&rng)); /* uniform on the simplex */
        sum += weight[g];
    }
    for (size_t i = 0; i < told->n; i++)
        for (size_t g = 0; g < m && copy[i].goals; g++) {
            lo[g] = fmin(lo[g], copy[i].goals[g]);
            hi[g] = fmax(hi[g], copy[i].goals[g]);
        }
    for (size_t i = 0; i < told->n; i++) {
        if (!copy[i].goals) {
            if (copy[i].state == AML_TRIAL_PRUNED) copy[i].loss = NAN;
            continue;
        }
        double most = 0, total = 0;
        for (size_t g = 0; g < m; g++) {
            double range = hi[g] > lo[g] ? hi[g] - lo[g] : 1;
            double part = weight[g] / sum * (copy[i].goals[g] - lo[g]) / range;
            most = fmax(most, part);
            total += part;
        }
        copy[i].loss = most + 0.05 * total;
    }
    told->records = copy;
    return AML_OK;
}

static aml_status tell(aml_told *told, const aml_tuner *t, size_t trial, aml_arena *scratch) {
    size_t left = t->planned > t->n ? t->planned - t->n : 0;
    *told = (aml_told){.n = t->n,
                       .records = t->records,
                       .time_left = INFINITY,
                       .trials_left = t->planned ? left : SIZE_MAX,
                       .concurrency = t->concurrency,
                       .n_goals = t->n_goals,
                       .maximized = t->goals[0].maximize,
                       .n_past = t->n_goals == 1 ? t->n_past : 0,
                       .past = t->past};
    return t->in_order && t->n ? copy_visible(told, t, trial, scratch) : AML_OK;
}

aml_status aml_tuner_tell_sampler(aml_told *told, const aml_tuner *t, aml_arena *scratch) {
    AML_TRY(tell(told, t, t->n, scratch));
    if (t->n_goals == 1 || !t->n || (t->sampler->can & AML_SAMPLER_GOALS)) return AML_OK;
    return combine(told, t, scratch);
}

aml_status aml_tuner_tell_scheduler(aml_told *told, const aml_tuner *t, size_t trial,
                                    aml_arena *scratch) {
    return tell(told, t, trial, scratch);
}
