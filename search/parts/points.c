/* points.c: moving about in a space of configurations. */
#include "search/parts/points.h"

#include <math.h>
#include <string.h>

aml_groups aml_space_groups(const aml_space *space) {
    aml_groups g = {1, 0, false};
    if (!space->n || space->dims[0].param->kind != AML_CHOICE) return g;
    for (size_t i = 1; i < space->n; i++) g.rooted |= space->dims[i].parent == 0;
    if (!g.rooted) return g;
    g.first = ceil(space->dims[0].lo);
    double last = fmin(floor(space->dims[0].hi), aml_param_hi(space->dims[0].param));
    g.n = last > g.first ? (size_t)(last - g.first) + 1 : 1;
    return g;
}

size_t aml_group_of(const aml_groups *groups, const double *config) {
    if (!groups->rooted) return 0;
    double g = config[0] - groups->first;
    return g > 0 && g < (double)groups->n ? (size_t)g : 0;
}

bool aml_is_told(const aml_space *space, const aml_told *told, const double *config) {
    for (size_t i = 0; i < told->n; i++)
        if (aml_space_equal(space, told->records[i].config, config)) return true;
    return false;
}

static bool movable(const aml_space *space, const aml_groups *groups, const double *config,
                    size_t i) {
    const aml_dim *d = &space->dims[i];
    return !isnan(config[i]) && !d->param->fixed && d->hi > d->lo && (i || !groups->rooted);
}

static double other_choice(const aml_dim *d, double x, aml_rng *rng) {
    double lo = ceil(d->lo), hi = fmin(floor(d->hi), aml_param_hi(d->param));
    if (!(hi > lo)) return x;
    double y = lo + aml_rng_below(rng, (uint32_t)(hi - lo));
    return y >= x ? y + 1 : y;
}

static double moved(const aml_dim *d, double x, double scale, aml_rng *rng) {
    if (aml_dim_is_nominal(d)) return other_choice(d, x, rng);
    double step = scale * aml_rng_normal(rng), u = aml_dim_encode(d, x) + step;
    double y = aml_dim_decode(d, u < 0 ? -u : u > 1 ? 2 - u : u);
    double unit = d->step > 0 ? d->step : d->param->kind == AML_REAL ? 0 : 1;
    if (unit > 0 && y == x) y = step < 0 ? x - unit : x + unit;
    return y < d->lo ? d->lo : y > d->hi ? d->hi : y;
}

void aml_perturb(double *config, const aml_space *space, const double *from, double scale,
                 aml_rng *rng) {
    aml_groups groups = aml_space_groups(space);
    uint32_t n = 0, forced;
    for (size_t i = 0; i < space->n; i++) n += movable(space, &groups, from, i);
    memmove(config, from, space->n * sizeof *config);
    if (!n) return;
    forced = aml_rng_below(rng, n);
    for (size_t i = 0; i < space->n; i++) {
        if (!movable(space, &groups, from, i)) continue;
        bool chosen = aml_rng_uniform(rng) < 0.35;
        if (chosen || !forced) config[i] = moved(&space->dims[i], from[i], scale, rng);
        forced--;
    }
    aml_space_repair(config, space);
}

aml_status aml_make_new(double *config, const aml_space *space, const aml_told *told, aml_rng rng,
                        aml_arena *scratch) {
    enum { NEAR = 48, FAR = 64 };
    if (!aml_is_told(space, told, config)) return AML_OK;
    double *from = aml_copy(scratch, config, space->n * sizeof *config);
    if (!from) return AML_ENOMEM;
    for (int i = 0; i < NEAR; i++) {
        aml_perturb(config, space, from, 0.02 * (1 + i), &rng);
        if (aml_space_allows(space, config) && !aml_is_told(space, told, config)) return AML_OK;
    }
    for (int i = 0; i < FAR; i++) {
        aml_space_random(config, space, &rng);
        if (!aml_is_told(space, told, config)) return AML_OK;
    }
    return AML_OK;
}

aml_status aml_random_new(double *config, const aml_space *space, const aml_told *told, aml_rng rng,
                          aml_arena *scratch) {
    aml_space_random(config, space, &rng);
    return aml_make_new(config, space, told, rng, scratch);
}

bool aml_next_default(double *config, const aml_space *space, const aml_told *told,
                      const aml_problem *problem) {
    aml_groups groups = aml_space_groups(space);
    double cheapest = INFINITY, root = groups.first, cost;
    bool found = false;
    if (!groups.rooted) root = space->n ? space->dims[0].param->fallback : 0;
    for (size_t g = 0; g < groups.n; g++) {
        double value = root + (double)g;
        aml_space_default(config, space, value);
        if (aml_is_told(space, told, config)) continue;
        cost = problem && problem->default_cost && groups.rooted
                   ? problem->default_cost[(size_t)value]
                   : 0;
        if (isnan(cost)) cost = 0;
        if (isinf(cost) || (found && cost >= cheapest)) continue;
        found = true;
        cheapest = cost;
        groups.first = value;
    }
    if (found) aml_space_default(config, space, groups.rooted ? groups.first : root);
    return found;
}

bool aml_has_loss(const aml_record *r) {
    return (r->state == AML_TRIAL_DONE || r->state == AML_TRIAL_PRUNED) && isfinite(r->loss);
}

size_t aml_best_records(size_t *best, size_t max, const aml_told *told) {
    size_t n = 0;
    for (size_t i = 0; i < told->n; i++) {
        if (!aml_has_loss(&told->records[i])) continue;
        size_t at = n;
        while (at && told->records[best[at - 1]].loss > told->records[i].loss) at--;
        if (at == max) continue;
        if (n < max) n++;
        memmove(best + at + 1, best + at, (n - at - 1) * sizeof *best);
        best[at] = i;
    }
    return n;
}

void aml_pick_subset(bool *taken, const double *y, size_t n, size_t m) {
    for (size_t k = 0; k < m / 2; k++) {
        size_t best = n;
        for (size_t i = 0; i < n; i++)
            if (!taken[i] && (best == n || y[i] < y[best])) best = i;
        taken[best] = true;
    }
    size_t rest = n - m / 2, want = m - m / 2, seen = 0;
    for (size_t i = 0; i < n; i++) {
        if (taken[i]) continue;
        taken[i] = seen * want / rest != (seen + 1) * want / rest;
        seen++;
    }
}
