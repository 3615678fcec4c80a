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

static double score(double slope, double curvature, double l1, double l2) {
    double t = fmax(fabs(slope) - l1, 0);
    return t * t / (curvature + l2);
}

/* ---- gains of many cuts at once */

enum { LANES = 16 };

typedef struct side_sums {
    int32_t slope[256 + LANES], curvature[256 + LANES]; /* of the left side of each cut */
    float gain[256 + LANES];                            /* about; below 0 where not allowed */
} side_sums;

typedef struct gain_units {
    double slope_unit, curvature_unit, slope, curvature, base, l1, l2;
    int32_t least, span; /* allowed curvatures of the left side: least … least + span, in units */
} gain_units;

/* gain[b] of n cuts (whole lanes), and the largest of them, in float: which cut is best, not by how much. Without a
 * branch, so that it vectorises: (t + |t|) / 2 is t or 0. */
AML_KERNEL float gains(side_sums *s, size_t n, const gain_units *u) {
    const int32_t *restrict slope = s->slope, *restrict curvature = s->curvature;
    float *restrict gain = s->gain, top[LANES];
    float slope_unit = (float)u->slope_unit, curvature_unit = (float)u->curvature_unit;
    float all = (float)u->slope, curved = (float)u->curvature, l1 = (float)u->l1;
    float l2 = (float)u->l2, best = -1;
    uint32_t least = (uint32_t)u->least, span = (uint32_t)u->span;
    for (size_t k = 0; k < LANES; k++) top[k] = -1;
    for (size_t b = 0; b < n; b += LANES)
        for (size_t k = b; k < b + LANES; k++) {
            float sl = (float)slope[k] * slope_unit, cl = (float)curvature[k] * curvature_unit;
            float sr = fabsf(all - sl) - l1, cr = curved - cl + l2;
            sl = fabsf(sl) - l1;
            sl = 0.5f * (sl + fabsf(sl));
            sr = 0.5f * (sr + fabsf(sr));
            cl += l2;
            float g = (sl * sl * cr + sr * sr * cl) / (cl * cr);
            g = (uint32_t)curvature[k] - least <= span ? g : -1.0f;
            gain[k] = g;
            top[k - b] = g > top[k - b] ? g : top[k - b];
        }
    for (size_t k = 0; k < LANES; k++) best = top[k] > best ? top[k] : best;
    return best;
}

static float gains_plain(side_sums *s, size_t n, const gain_units *u) { return gains(s, n, u); }

AML_AVX2 static float gains_avx2(side_sums *s, size_t n, const gain_units *u) {
    return gains(s, n, u);
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

static double exact_gain(const side_sums *s, size_t b, const gain_units *u) {
    double slope = (double)s->slope[b] * u->slope_unit;
    double curvature = (double)s->curvature[b] * u->curvature_unit;
    return score(slope, curvature, u->l1, u->l2) +
           score(u->slope - slope, u->curvature - curvature, u->l1, u->l2) - u->base;
}

/* The best of n cuts and its gain, or n when none gains. */
static size_t best_cut(double *gain, side_sums *sums, size_t n, const gain_units *u) {
    size_t whole = (n + LANES - 1) / LANES * LANES, b = 0;
    if (u->span < 0 || !n) return n;
    for (size_t k = n; k < whole; k++) sums->slope[k] = sums->curvature[k] = 0; /* not allowed */
    float top = (aml_has_avx2() ? gains_avx2 : gains_plain)(sums, whole, u);
    if (!(top >= 0)) return n;
    while (sums->gain[b] < top) b++;
    *gain = exact_gain(sums, b, u);
    return *gain > 1e-10 ? b : n;
}

/* ---- monotone features */

static double within(aml_bounds b, double v) { return fmax(b.low, fmin(b.high, v)); }

/* What a leaf gains when it predicts v: s²/(c + l2) where v is its best. */
static double gain_at(double slope, double curvature, double v, const gain_units *u) {
    return -(2 * (slope * v + u->l1 * fabs(v)) + (curvature + u->l2) * v * v);
}

/* best_cut where predictions are bound: cuts whose sides would predict in the wrong order are none. */
static size_t best_bound_cut(double *gain, const side_sums *sums, size_t n, const gain_units *u,
                             const aml_split_search *s, int sign) {
    size_t best = n;
    aml_split_rules rules = {.l1 = u->l1, .l2 = u->l2};
    double now = within(s->bounds, aml_leaf_value(&rules, u->slope, u->curvature));
    double base = gain_at(u->slope, u->curvature, now, u);
    *gain = 1e-10;
    for (size_t b = 0; b < n && u->span >= 0; b++) {
        if ((uint32_t)(sums->curvature[b] - u->least) > (uint32_t)u->span) continue;
        double sl = (double)sums->slope[b] * u->slope_unit, sr = u->slope - sl;
        double cl = (double)sums->curvature[b] * u->curvature_unit, cr = u->curvature - cl;
        double vl = within(s->bounds, aml_leaf_value(&rules, sl, cl));
        double vr = within(s->bounds, aml_leaf_value(&rules, sr, cr));
        if ((vr - vl) * sign < 0) continue;
        double g = gain_at(sl, cl, vl, u) + gain_at(sr, cr, vr, u) - base;
        if (g > *gain) *gain = g, best = b;
    }
    return best;
}

void aml_split_bounds(aml_bounds *left, aml_bounds *right, const aml_split_search *s,
                      const aml_split *split) {
    *left = *right = s->bounds;
    int sign = s->rules->monotone ? s->rules->monotone[split->feature] : 0;
    if (!sign || split->category) return;
    uint64_t other = s->total - split->left;
    double l = aml_leaf_value(s->rules, (double)aml_slope(split->left) * s->slope_unit,
                              (double)aml_curvature(split->left) * s->curvature_unit);
    double r = aml_leaf_value(s->rules, (double)aml_slope(other) * s->slope_unit,
                              (double)aml_curvature(other) * s->curvature_unit);
    double middle = (within(s->bounds, l) + within(s->bounds, r)) / 2;
    if (sign > 0) left->high = right->low = middle;
    else left->low = right->high = middle;
}

static size_t choose_cut(double *gain, side_sums *sums, size_t n, const gain_units *u,
                         const aml_split_search *s, int sign) {
    if (!s->rules->monotone) return best_cut(gain, sums, n, u);
    return best_bound_cut(gain, sums, n, u, s, sign);
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
    double gain = 0;
    int sign = s->rules->monotone ? s->rules->monotone[best->feature] : 0;
    size_t at = choose_cut(&gain, &sums, end - first, u, s, sign);
    if (at == end - first || gain <= best->gain) return;
    best->gain = gain;
    best->bin = (uint8_t)(first + at);
    best->left = cut_left(&sums, at);
    best->missing_left = slot[0] ? missing_left : left_is_heavier(s, best->left);
}

static void find_number(aml_split *best, const aml_split_search *s, size_t k, const uint64_t *slot,
                        size_t n_bins, const gain_units *u) {
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
    if (end > first) try_cuts(best, s, slot, first, end, false, u);
    if (slot[0] && end > first) try_cuts(best, s, slot, first, end, true, u);
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
    double gain;
    size_t at = choose_cut(&gain, &c.sums, end - from, &u, s, 0);
    if (at == end - from) return 0;
    best->gain = gain;
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

enum { FEATURES = 8, MOST_BLOCKS = 64 }; /* of a block, at least; of a search, about */

typedef struct find_job {
    const aml_split_search *search;
    size_t n_blocks, size; /* of each, in features */
} find_job;

/* One side of every cut has rows of none but other numbers than 0: are they too few to be a child? */
static bool is_too_rare(const aml_split_search *s, size_t k, const gain_units *u) {
    return aml_curvature(aml_hist_apart_from_zero(s->plan, s->hist, k)) < u->least;
}

static aml_split find_feature(const aml_split_search *s, size_t k, const gain_units *u) {
    const aml_bins *bins = &s->plan->from->bins;
    uint32_t j = s->plan->feature[k];
    uint64_t room[256];
    aml_split split = {.feature = j};
    if (aml_hist_is_sparse(s->plan, k) && is_too_rare(s, k, u)) return split;
    const uint64_t *slot = aml_hist_feature(room, s->plan, s->hist, s->total, k);
    if (bins->level_code[j]) find_category(&split, s, k, slot, bins->n_bins[j]);
    else find_number(&split, s, k, slot, bins->n_bins[j], u);
    return split;
}

static void find_block(void *arg, size_t block, size_t begin, size_t end, int thread) {
    const find_job *job = arg;
    (void)begin, (void)end, (void)thread;
    const aml_split_search *s = job->search + block / job->n_blocks;
    size_t b = block % job->n_blocks, n = s->look ? s->n_look : s->plan->n_features;
    gain_units u = units_of(s, s->rules->l2);
    s->found[b].gain = 0;
    for (size_t i = b * job->size; i < n && i < (b + 1) * job->size; i++) {
        aml_split split = find_feature(s, s->look ? s->look[i] : i, &u);
        if (split.gain > s->found[b].gain) s->found[b] = split;
    }
}

void aml_split_find(aml_split *best, const aml_split_search *s, size_t n_searches, int n_threads) {
    size_t n = s->plan->n_features, size = n / MOST_BLOCKS > FEATURES ? n / MOST_BLOCKS : FEATURES;
    find_job job = {s, n / size + 1, size};
    aml_par_for(n_threads, n_searches * job.n_blocks, 1, find_block, &job);
    for (size_t i = 0; i < n_searches; i++) {
        best[i] = (aml_split){0};
        for (size_t b = 0; b < job.n_blocks; b++)
            if (s[i].found[b].gain > best[i].gain) best[i] = s[i].found[b];
    }
}
