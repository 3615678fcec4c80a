/* boost_split.c: scanning histograms for the best split. */
#include "learners/parts/boost_split.h"

#include <math.h>
#include <string.h>

#include "automl/core/par.h"
#include "learners/parts/simd.h"

enum { ONE_VS_REST = 4, FEW_LEVELS = 32 };

double aml_leaf_value(const aml_split_rules *r, double slope, double curvature) {
    double t = fabs(slope) - r->l1;
    if (t <= 0 || curvature + r->l2 <= 0) return 0;
    return copysign(t, -slope) / (curvature + r->l2);
}

/* Without a branch, so that loops over it vectorise: (t + |t|) / 2 is t or 0. */
static inline double score(double slope, double curvature, double l1, double l2) {
    double t = fabs(slope) - l1;
    t = 0.5 * (t + fabs(t));
    return t * t / (curvature + l2);
}

/* ---- gains of many cuts at once */

typedef struct side_sums {
    int32_t slope[256], curvature[256]; /* of the left side of each cut */
    double gain[256];                   /* of each cut, allowed or not */
} side_sums;

typedef struct gain_units {
    double slope_unit, curvature_unit, slope, curvature, base, l1, l2;
    int32_t least, span; /* allowed curvatures of the left side: least … least + span, in units */
} gain_units;

/* gain[b] of n cuts. Everything by value, so that nothing aliases and the loop vectorises. */
AML_KERNEL void gains(double *restrict gain, const int32_t *restrict slope,
                      const int32_t *restrict curvature, size_t n, gain_units u) {
    for (size_t b = 0; b < n; b++) {
        double sl = (double)slope[b] * u.slope_unit, cl = (double)curvature[b] * u.curvature_unit;
        double sr = u.slope - sl, cr = u.curvature - cl;
        gain[b] = score(sl, cl, u.l1, u.l2) + score(sr, cr, u.l1, u.l2) - u.base;
    }
}

static void gains_plain(side_sums *s, size_t n, const gain_units *u) {
    gains(s->gain, s->slope, s->curvature, n, *u);
}

AML_AVX2 static void gains_avx2(side_sums *s, size_t n, const gain_units *u) {
    gains(s->gain, s->slope, s->curvature, n, *u);
}

static gain_units units_of(const aml_split_search *s, double l2) {
    gain_units u = {.slope_unit = s->slope_unit,
                    .curvature_unit = s->curvature_unit,
                    .l1 = s->rules->l1,
                    .l2 = l2};
    u.slope = (double)aml_slope(s->total) * u.slope_unit;
    u.curvature = (double)aml_curvature(s->total) * u.curvature_unit;
    u.base = score(u.slope, u.curvature, u.l1, s->rules->l2);
    /* rows are taken to share the curvature evenly; half a row is forgiven to rounding */
    double by_rows = (s->rules->min_rows - 0.5) * u.curvature / (double)s->n_rows;
    double least = by_rows > s->rules->min_curvature ? by_rows : s->rules->min_curvature;
    double total = (double)aml_curvature(s->total);
    least = ceil(least / u.curvature_unit);
    if (!(least >= 1)) least = 1;
    u.least = 2 * least <= total ? (int32_t)least : INT32_MAX;
    u.span = 2 * least <= total ? (int32_t)(total - 2 * least) : -1;
    return u;
}

/* The best of n cuts, or n when none gains. */
static size_t best_cut(side_sums *sums, size_t n, const gain_units *u) {
    size_t best = n;
    double gain = 1e-10;
    if (u->span < 0) return n;
    (aml_has_avx2() ? gains_avx2 : gains_plain)(sums, n, u);
    for (size_t b = 0; b < n; b++)
        if (sums->gain[b] > gain && sums->curvature[b] >= u->least &&
            sums->curvature[b] - u->least <= u->span)
            gain = sums->gain[b], best = b;
    return best;
}

static void put_cut(side_sums *sums, size_t at, uint64_t left) {
    sums->slope[at] = (int32_t)aml_slope(left);
    sums->curvature[at] = (int32_t)aml_curvature(left);
}

static uint64_t cut_left(const side_sums *sums, size_t at) {
    return aml_pack(sums->slope[at], sums->curvature[at]);
}

static bool left_is_heavier(const aml_split_search *s, uint64_t left) {
    return 2 * aml_curvature(left) >= aml_curvature(s->total);
}

/* ---- numbers */

/* Tries cuts first … end-1, where cut b has codes 1 … b on the left, with missing values on one side. */
static void try_cuts(aml_split *best, const aml_split_search *s, const uint64_t *slot, size_t first,
                     size_t end, bool missing_left, const gain_units *u) {
    side_sums sums;
    uint64_t left = missing_left ? slot[0] : 0;
    for (size_t b = 1; b < first; b++) left += slot[b];
    for (size_t b = first; b < end; b++) put_cut(&sums, b - first, left += slot[b]);
    size_t at = best_cut(&sums, end - first, u);
    if (at == end - first || sums.gain[at] <= best->gain) return;
    best->gain = sums.gain[at];
    best->bin = (uint8_t)(first + at);
    best->left = cut_left(&sums, at);
    best->missing_left = slot[0] ? missing_left : left_is_heavier(s, best->left);
}

static void find_number(aml_split *best, const aml_split_search *s, size_t k, const uint64_t *slot,
                        size_t n_bins) {
    gain_units u = units_of(s, s->rules->l2);
    size_t first = 1, end = n_bins;
    while (first < end && !slot[first]) first++;
    while (end > first && !slot[end]) end--;
    if (s->rules->random_cuts && end > first) {
        aml_rng rng = aml_rng_child(&s->rng, (uint32_t)k);
        first += aml_rng_below(&rng, (uint32_t)(end - first));
        end = first + 1;
    } else if (slot[0] && end <= n_bins && slot[end]) {
        end++; /* all numbers left, missing right */
    }
    if (end > first) try_cuts(best, s, slot, first, end, false, &u);
    if (slot[0] && end > first) try_cuts(best, s, slot, first, end, true, &u);
}

/* ---- categories */

typedef struct level {
    double key;
    uint8_t code;
} level;

static void sort_levels(level *v, size_t n) {
    for (size_t i = 1; i < n; i++) {
        level x = v[i];
        size_t j = i;
        for (; j && v[j - 1].key > x.key; j--) v[j] = v[j - 1];
        v[j] = x;
    }
}

static size_t present_levels(level *v, const aml_split_search *s, const uint64_t *slot,
                             size_t n_bins) {
    size_t n = 0;
    for (size_t c = 0; c <= n_bins; c++) {
        if (!slot[c]) continue;
        double slope = (double)aml_slope(slot[c]) * s->slope_unit;
        double curvature = (double)aml_curvature(slot[c]) * s->curvature_unit;
        v[n++] = (level){slope / (curvature + s->rules->cat_smooth), (uint8_t)c};
    }
    return n;
}

static void put_set(aml_split *best, const aml_split_search *s, const uint64_t *slot, size_t n_bins,
                    const level *v, size_t n_left) {
    memset(best->set, 0, sizeof best->set);
    for (size_t i = 0; i < n_left; i++) best->set[v[i].code / 32] |= 1u << v[i].code % 32;
    if (left_is_heavier(s, best->left)) /* levels not seen here follow the many */
        for (size_t c = 0; c <= n_bins; c++)
            if (!slot[c]) best->set[c / 32] |= 1u << c % 32;
    best->missing_left = best->set[0] & 1;
    best->category = true;
}

typedef struct level_cuts {
    side_sums sums;
    uint8_t first[256], n_left[256]; /* levels first … first + n_left - 1 of the order go left */
    size_t n;
} level_cuts;

static void put_level_cut(level_cuts *c, uint64_t left, size_t first, size_t n_left) {
    put_cut(&c->sums, c->n, left);
    c->first[c->n] = (uint8_t)first;
    c->n_left[c->n++] = (uint8_t)n_left;
}

/* Up to FEW_LEVELS from either end against all others: few, and with some rows between two cuts, so that noise does
 * not sort itself into two halves. */
static void cut_order(level_cuts *c, const aml_split_search *s, const uint64_t *slot,
                      const level *v, size_t n) {
    double per_row = (double)aml_curvature(s->total) / (double)s->n_rows;
    size_t most = n / 2 < FEW_LEVELS ? n / 2 : FEW_LEVELS;
    for (int from_end = 0; from_end < 2; from_end++) {
        uint64_t left = 0;
        double since = 0;
        for (size_t i = 0; i < most && i < n - 1; i++) {
            uint64_t x = slot[v[from_end ? n - 1 - i : i].code];
            left += x;
            since += (double)aml_curvature(x);
            if (since < s->rules->min_group * per_row) continue;
            since = 0;
            put_level_cut(c, left, from_end ? n - 1 - i : 0, i + 1);
        }
    }
}

static size_t drop_rare(level *v, size_t n, const aml_split_search *s, const uint64_t *slot) {
    double least = s->rules->cat_smooth * (double)aml_curvature(s->total) / (double)s->n_rows;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if ((double)aml_curvature(slot[v[i].code]) >= least) v[kept++] = v[i];
    return kept;
}

/* Few present levels are tried one against the rest, many in their order. Returns how many levels, from v[*first] on,
 * go left; 0 = no split. */
static size_t best_levels(size_t *first, aml_split *best, const aml_split_search *s, size_t k,
                          const uint64_t *slot, level *v, size_t n) {
    level_cuts c;
    bool alone = n <= ONE_VS_REST;
    gain_units u = units_of(s, s->rules->l2 + (alone ? 0 : s->rules->cat_l2));
    c.n = 0;
    if (!alone) n = drop_rare(v, n, s, slot);
    if (!alone) sort_levels(v, n);
    if (!alone && n > 1) cut_order(&c, s, slot, v, n);
    for (size_t i = 0; i < n && alone; i++) put_level_cut(&c, slot[v[i].code], i, 1);
    if (!c.n) return 0;
    size_t from = 0, end = c.n;
    if (s->rules->random_cuts) {
        aml_rng rng = aml_rng_child(&s->rng, (uint32_t)k);
        from = aml_rng_below(&rng, (uint32_t)c.n);
        end = from + 1;
        put_cut(&c.sums, 0, cut_left(&c.sums, from));
    }
    size_t at = best_cut(&c.sums, end - from, &u);
    if (at == end - from) return 0;
    best->gain = c.sums.gain[at];
    best->left = cut_left(&c.sums, at);
    *first = c.first[from + at];
    return c.n_left[from + at];
}

static void find_category(aml_split *best, const aml_split_search *s, size_t k,
                          const uint64_t *slot, size_t n_bins) {
    level v[256];
    size_t n = present_levels(v, s, slot, n_bins);
    size_t first, n_left = n < 2 ? 0 : best_levels(&first, best, s, k, slot, v, n);
    if (n_left) put_set(best, s, slot, n_bins, v + first, n_left);
}

/* ---- all features */

static void find_features(void *arg, size_t block, size_t begin, size_t end, int thread) {
    aml_split_search *s = arg;
    (void)block, (void)thread;
    for (size_t k = begin; k < end; k++) {
        uint32_t j = s->plan->feature[k];
        const uint64_t *slot = s->hist + s->plan->offset[k];
        s->found[k] = (aml_split){.feature = j};
        if (s->plan->bins->level_code[j])
            find_category(&s->found[k], s, k, slot, s->plan->bins->n_bins[j]);
        else find_number(&s->found[k], s, k, slot, s->plan->bins->n_bins[j]);
    }
}

aml_split aml_split_find(aml_split_search *s) {
    aml_split best = {0};
    size_t n = s->plan->n_features;
    int n_threads = s->plan->n_slots > 8192 ? s->plan->n_threads : 1;
    aml_par_for(n_threads, n, 16, find_features, s);
    for (size_t k = 0; k < n; k++)
        if (s->found[k].gain > best.gain) best = s->found[k];
    return best;
}
