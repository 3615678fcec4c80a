/* forest_number.c: cuts of numbers in nodes whose gain is that of sums: the work of most forests. */
#include <math.h>
#include <string.h>

#include "learners/parts/forest_split.h"

unsigned aml_forest_random_bin(const aml_bins *bins, uint32_t feature, unsigned lo, unsigned hi,
                               aml_rng *rng, const aml_forest_kernels *kernels) {
    const float *cut = bins->cut[feature], *first = cut + lo - 1;
    float from = first[0], to = cut[hi - 2], share = (float)(aml_rng_u32(rng) >> 8) * 0x1p-24f;
    float at = from + (to - from) * share;
    if (!isfinite(to - from)) return lo + aml_rng_below(rng, hi - lo);
    if (at > to) at = to;
    return lo + (unsigned)kernels->below(first, hi - lo - 1, at); /* the first cut not below */
}

unsigned aml_forest_part(const aml_bins *bins, uint32_t feature, unsigned a, unsigned b,
                         bool by_value, aml_rng *rng, const aml_forest_kernels *kernels) {
    unsigned lo = a < b ? a : b, hi = a < b ? b : a;
    if (!lo) return bins->n_bins[feature];
    if (by_value) return aml_forest_random_bin(bins, feature, lo, hi, rng, kernels);
    return lo + aml_rng_below(rng, hi - lo);
}

/* Takes a cut if it is better; w_left is on its left. */
static bool take(aml_cut *best, const aml_forest_node *d, uint32_t feature, double gain,
                 uint64_t w_left, bool missing, bool missing_left) {
    if (!(gain > best->gain)) return false;
    best->gain = gain;
    best->feature = feature;
    best->category = false;
    best->open = NULL;
    best->missing_left = missing ? missing_left : 2 * w_left >= d->weight;
    return true;
}

/* ---- one random cut */

static void judge_side(aml_cut *best, const aml_forest_node *d, uint32_t feature, unsigned bin,
                       bool missing, bool missing_left) {
    unsigned from = missing && !missing_left;
    uint64_t left = d->few ? d->kernels->few_side(d->few, d->code, d->n, from, bin)
                           : d->kernels->side(d->value, d->code, d->n, from, bin);
    int64_t w = aml_curvature(left), slope = aml_slope(left);
    if (w < d->whole.least || w > d->whole.most) return;
    if (d->few) slope += w * d->whole.shift;
    double gain = aml_cut_gain((double)slope, (double)w, &d->whole);
    if (take(best, d, feature, gain, (uint64_t)w, missing, missing_left)) best->bin = (uint16_t)bin;
}

static unsigned smallest_above(const aml_forest_node *d, unsigned code) {
    unsigned least = 256;
    for (size_t i = 0; i < d->n; i++) {
        unsigned own = d->code[i] > code ? d->code[i] : 256u;
        least = own < least ? own : least;
    }
    return least;
}

static bool try_random(aml_cut *best, const aml_forest_node *d, uint32_t feature) {
    uint8_t least, most;
    d->kernels->range(&least, &most, d->code, d->n);
    if (least == most) return false;
    unsigned lo = least, hi = most;
    bool missing = !lo;
    if (missing) lo = smallest_above(d, 0);
    unsigned bin = lo < hi ? aml_forest_random_bin(d->bins, feature, lo, hi, d->rng, d->kernels)
                           : d->bins->n_bins[feature]; /* missing or not */
    judge_side(best, d, feature, bin, missing, false);
    if (missing && lo < hi) judge_side(best, d, feature, bin, missing, true);
    return true;
}

/* ---- the best cut */

/* Anywhere between the last code on the left and the next one: trees whose thresholds differ err less alike than trees that
 * share the thresholds of 255 bins. */
static void set_bin(aml_cut *best, const aml_forest_node *d, unsigned lower, unsigned upper) {
    best->bin = (uint16_t)(upper > 255 ? d->bins->n_bins[best->feature]
                                       : lower + aml_rng_below(d->rng, upper - lower));
}

static bool has_missing(const aml_forest_node *d, uint32_t feature) {
    return d->bins->has_missing[feature] && memchr(d->code, 0, d->n);
}

/* What a cut of few rows comes to is looked up once it is known to be the best of all features. */
static bool try_few(aml_cut *best, const aml_forest_node *d, uint32_t feature) {
    bool missing = has_missing(d, feature), varies = false;
    for (int missing_left = 0; missing_left <= missing; missing_left++) {
        aml_few_cuts *cuts = d->cuts + (best->open == d->cuts);
        d->kernels->few(cuts, d->few, d->code, d->n, missing && !missing_left, &d->whole);
        varies = cuts->varies;
        if (!varies || cuts->most < 0 || !(aml_few_gain(cuts->most) > best->gain)) continue;
        best->gain = aml_few_gain(cuts->most);
        best->feature = feature;
        best->category = false;
        best->missing_left = missing_left;
        best->missing = missing;
        best->open = cuts;
    }
    return varies;
}

void aml_forest_close(aml_cut *best, const aml_forest_node *d) {
    if (!best->open) return;
    aml_scan s = d->kernels->few_best(best->open, d->n);
    if (best->missing && !s.code)
        best->missing_left = false, s.upper = 256; /* the other way round */
    if (!best->missing) best->missing_left = 2 * s.weight >= d->weight;
    set_bin(best, d, s.code, s.upper);
    best->open = NULL;
}

static bool try_many(aml_cut *best, const aml_forest_node *d, uint32_t feature) {
    uint64_t by_code[256];
    uint8_t lo, hi;
    d->kernels->range(&lo, &hi, d->code, d->n);
    if (lo == hi) return false;
    unsigned begin = lo & ~(AML_LANES - 1u), end = (hi | (AML_LANES - 1u)) + 1;
    memset(by_code + begin, 0, (end - begin) * sizeof *by_code);
    for (size_t i = 0; i < d->n; i++) by_code[d->code[i]] += d->value[i];
    uint64_t missing = lo ? 0 : by_code[0];
    if (!lo) by_code[0] = 0;
    for (int missing_left = 0; missing_left <= !lo; missing_left++) {
        uint64_t before = missing_left ? missing : 0;
        aml_scan s = d->kernels->many(by_code, lo, hi, before, &d->whole, best->gain);
        if (missing_left && !s.code) continue;
        if (take(best, d, feature, s.gain, s.weight, !lo, missing_left))
            set_bin(best, d, s.code, s.upper);
    }
    return true;
}

/* Two rows: any cut between them parts them, and all gain the same. */
static bool try_two(aml_cut *best, const aml_forest_node *d, uint32_t feature) {
    unsigned a = d->at[0][feature], b = d->at[1][feature], lo = a < b ? a : b, hi = a < b ? b : a;
    if (lo == hi) return false;
    uint64_t left = d->value[a > b];
    double slope = (double)aml_slope(left), weight = (double)aml_curvature(left);
    double gain = aml_cut_gain(slope, weight, &d->whole);
    if (aml_curvature(left) < d->whole.least || aml_curvature(left) > d->whole.most) return true;
    if (!lo) left = d->value[a < b]; /* missing goes right */
    if (!take(best, d, feature, gain, (uint64_t)aml_curvature(left), !lo, false)) return true;
    best->bin = (uint16_t)aml_forest_part(d->bins, feature, a, b, d->rules->random_cuts, d->rng,
                                          d->kernels);
    return true;
}

bool aml_forest_try_number(aml_cut *best, const aml_forest_node *d, uint32_t feature) {
    if (d->few && d->n == 2) return try_two(best, d, feature);
    aml_forest_gather(d, feature);
    if (d->rules->random_cuts) return try_random(best, d, feature);
    return d->few ? try_few(best, d, feature) : try_many(best, d, feature);
}
