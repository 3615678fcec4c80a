/* forest_number.c: cuts of numbers in nodes whose gain is that of sums: the work of most forests. */
#include <math.h>
#include <string.h>

#include "learners/parts/forest_split.h"

unsigned aml_forest_random_bin(const aml_forest_node *d, uint32_t feature, unsigned lo,
                               unsigned hi) {
    const float *cut = d->bins->cut[feature], *first = cut + lo - 1;
    float from = first[0], to = cut[hi - 2], share = (float)(aml_rng_u32(d->rng) >> 8) * 0x1p-24f;
    float at = from + (to - from) * share;
    if (!isfinite(to - from)) return lo + aml_rng_below(d->rng, hi - lo);
    if (at > to) at = to;
    return lo + (unsigned)d->kernels->below(first, hi - lo - 1, at); /* the first cut not below */
}

/* Takes a cut behind code `lower` if it is better. */
static bool take(aml_cut *best, const aml_forest_node *d, uint32_t feature, double gain,
                 uint64_t left, bool missing, bool missing_left) {
    if (!(gain > best->gain)) return false;
    best->gain = gain;
    best->feature = feature;
    best->category = false;
    best->missing_left = missing ? missing_left : 2 * (uint64_t)aml_curvature(left) >= d->weight;
    return true;
}

/* ---- one random cut */

static void judge_side(aml_cut *best, const aml_forest_node *d, uint32_t feature, unsigned bin,
                       bool missing, bool missing_left) {
    unsigned from = missing && !missing_left;
    uint64_t left = d->few ? d->kernels->few_side(d->few, d->code, d->n, from, bin)
                           : d->kernels->side(d->value, d->code, d->n, from, bin);
    int64_t w = aml_curvature(left);
    if (w < d->whole.least || w > d->whole.most) return;
    double gain = aml_cut_gain((double)aml_slope(left), (double)w, d->whole);
    if (take(best, d, feature, gain, left, missing, missing_left)) best->bin = (uint16_t)bin;
}

static unsigned smallest_above(const aml_forest_node *d, unsigned code) {
    unsigned least = 256;
    for (size_t i = 0; i < d->n; i++) {
        unsigned own = d->code[i] > code ? d->code[i] : 256u;
        least = own < least ? own : least;
    }
    return least;
}

static void try_random(aml_cut *best, const aml_forest_node *d, uint32_t feature, unsigned lo,
                       unsigned hi) {
    bool missing = !lo;
    if (missing) lo = smallest_above(d, 0);
    unsigned bin = lo < hi ? aml_forest_random_bin(d, feature, lo, hi)
                           : d->bins->n_bins[feature]; /* missing or not */
    judge_side(best, d, feature, bin, missing, false);
    if (missing && lo < hi) judge_side(best, d, feature, bin, missing, true);
}

/* ---- the best cut */

/* Halfway between the last code on the left and the next one. */
static void set_bin(aml_cut *best, const aml_forest_node *d, unsigned lower, unsigned upper) {
    best->bin = (uint16_t)(upper > 255 ? d->bins->n_bins[best->feature] : (lower + upper - 1) / 2);
}

static void try_few(aml_cut *best, const aml_forest_node *d, uint32_t feature, bool missing) {
    for (int missing_left = 0; missing_left <= missing; missing_left++) {
        aml_scan s =
            d->kernels->few(d->few, d->code, d->n, missing && !missing_left, d->whole, best->gain);
        if (take(best, d, feature, s.gain, s.left, missing, missing_left))
            set_bin(best, d, s.code, smallest_above(d, s.code));
    }
}

static void try_many(aml_cut *best, const aml_forest_node *d, uint32_t feature, unsigned lo,
                     unsigned hi) {
    uint64_t by_code[256], left[256];
    bool missing = !lo;
    memset(by_code + lo, 0, (hi - lo + 1) * sizeof *by_code);
    for (size_t i = 0; i < d->n; i++) by_code[d->code[i]] += d->value[i];
    unsigned first = missing ? 1 : lo;
    for (int missing_left = 0; missing_left <= missing; missing_left++) {
        uint64_t sum = missing_left ? by_code[0] : 0;
        size_t n = hi - first + (missing && !missing_left); /* last: all numbers left */
        for (size_t k = 0; k < n; k++) left[k] = sum += by_code[first + k];
        aml_scan s = d->kernels->many(left, n, d->whole, best->gain);
        if (!take(best, d, feature, s.gain, s.left, missing, missing_left)) continue;
        unsigned lower = first + s.code, upper = lower + 1;
        while (upper <= hi && !by_code[upper]) upper++;
        set_bin(best, d, lower, upper <= hi ? upper : 256);
    }
}

/* Two rows: any cut between them parts them, and all gain the same. */
static bool try_two(aml_cut *best, const aml_forest_node *d, uint32_t feature) {
    unsigned a = d->at[0][feature], b = d->at[1][feature], lo = a < b ? a : b, hi = a < b ? b : a;
    if (lo == hi) return false;
    uint64_t left = d->value[a > b];
    double slope = (double)aml_slope(left), weight = (double)aml_curvature(left);
    double gain = aml_cut_gain(slope, weight, d->whole);
    if (aml_curvature(left) < d->whole.least || aml_curvature(left) > d->whole.most) return true;
    if (!lo) left = d->value[a < b]; /* missing goes right */
    if (!take(best, d, feature, gain, left, !lo, false)) return true;
    if (!lo) best->bin = d->bins->n_bins[feature];
    else if (d->rules->random_cuts) best->bin = (uint16_t)aml_forest_random_bin(d, feature, lo, hi);
    else set_bin(best, d, lo, hi);
    return true;
}

bool aml_forest_try_number(aml_cut *best, const aml_forest_node *d, uint32_t feature) {
    uint8_t lo, hi;
    if (d->few && d->n == 2) return try_two(best, d, feature);
    aml_forest_gather(d, feature);
    d->kernels->range(&lo, &hi, d->code, d->n);
    if (lo == hi) return false;
    if (d->rules->random_cuts) try_random(best, d, feature, lo, hi);
    else if (d->few) try_few(best, d, feature, !lo);
    else try_many(best, d, feature, lo, hi);
    return true;
}
