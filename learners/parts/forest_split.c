/* forest_split.c: splits of forest nodes on binned features.
 *
 * A side with weight w and sum s is worth s²/w (squared error and Gini) or the sum of x log x over its classes less
 * w log w (entropy); a cut gains what its sides are worth beyond the node. Only codes that occur in the node are looked at. */
#include "learners/parts/forest_split.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- worth of a side */

static inline double xlogx(const aml_forest_node *d, uint64_t x) {
    return x < AML_XLOGX ? d->xlogx[x] : (double)x * log((double)x);
}

static double worth_one(const aml_forest_node *d, uint64_t s, uint64_t w) {
    return xlogx(d, s) + xlogx(d, w - s) - xlogx(d, w);
}

/* One output: slope s and weight w on the left. */
static double gain_one(const aml_forest_node *d, int64_t s, int64_t w) {
    if (aml_forest_plain(d)) return aml_cut_gain((double)s, (double)w, &d->whole);
    uint64_t left = (uint64_t)s, weight = (uint64_t)w, all = (uint64_t)aml_slope(d->total);
    return worth_one(d, left, weight) + worth_one(d, all - left, d->weight - weight) - d->worth;
}

/* Class sums of both sides while rows move from right to left. */
typedef struct tally {
    uint64_t w_left, w_right;
    uint64_t squares_left, squares_right; /* Gini */
    double logs_left, logs_right;         /* entropy */
} tally;

static inline void move(tally *t, const aml_forest_node *d, uint32_t class, uint32_t w) {
    uint64_t l = d->left[class], r = d->class_total[class] - l;
    d->left[class] += w;
    t->w_left += w;
    t->w_right -= w;
    if (d->rules->entropy) {
        t->logs_left += xlogx(d, l + w) - xlogx(d, l);
        t->logs_right += xlogx(d, r - w) - xlogx(d, r);
    } else {
        t->squares_left += w * (2 * l + w);
        t->squares_right -= w * (2 * r - w);
    }
}

static double gain_of_tally(const tally *t, const aml_forest_node *d) {
    if (d->rules->entropy)
        return t->logs_left - xlogx(d, t->w_left) + t->logs_right - xlogx(d, t->w_right) - d->worth;
    return (double)t->squares_left / (double)t->w_left +
           (double)t->squares_right / (double)t->w_right - d->worth;
}

static tally whole(const aml_forest_node *d) {
    return (tally){.w_right = d->weight, .squares_right = d->squares, .logs_right = d->logs};
}

enum { SORTED = 6 };

/* Squared error of few rows: no cut is better than one along the targets themselves. */
static double best_order(const aml_forest_node *d) {
    double slope[SORTED], weight[SORTED], s = 0, w = 0, most = 0;
    for (size_t i = 0; i < d->n; i++) {
        double own = (double)aml_slope(d->value[i]), of = (double)aml_curvature(d->value[i]);
        size_t k = i;
        for (; k && own * weight[k - 1] < slope[k - 1] * of; k--)
            slope[k] = slope[k - 1], weight[k] = weight[k - 1];
        slope[k] = own, weight[k] = of;
    }
    for (size_t i = 0; i + 1 < d->n; i++) {
        s += slope[i], w += weight[i];
        most = fmax(most, aml_cut_gain(s, w, &d->whole));
    }
    return most;
}

/* Two rows are apart with any cut; classes are apart at best. */
static double most_gain(const aml_forest_node *d) {
    double w = (double)d->weight;
    if (d->n == 2) return -DBL_MAX;
    if (d->n_classes && !d->rules->entropy) return (w - d->worth) * (1 - 1e-12);
    if (!aml_forest_plain(d)) return -d->worth * (1 - 1e-12);
    double s = (double)aml_slope(d->total);
    if (d->binary) return s * (w - s) / (w * w) * (1 - 1e-6); /* gains of floats */
    return d->n <= SORTED ? best_order(d) * (1 - 1e-6) : INFINITY;
}

void aml_forest_weigh(aml_forest_node *d) {
    int64_t slope = aml_slope(d->total);
    d->whole = aml_whole_of(slope, (int64_t)d->weight, (int64_t)d->least);
    d->squares = 0;
    d->logs = d->worth = 0;
    if (!d->n_classes && !aml_forest_plain(d)) d->worth = worth_one(d, (uint64_t)slope, d->weight);
    for (uint32_t c = 0; c < d->n_classes; c++) {
        uint64_t x = d->class_total[c];
        d->squares += x * x;
        if (d->rules->entropy) d->logs += xlogx(d, x);
    }
    if (d->n_classes)
        d->worth = d->rules->entropy ? d->logs - xlogx(d, d->weight)
                                     : (double)d->squares / (double)d->weight;
    d->enough = most_gain(d);
}

static uint32_t class_of(uint64_t value) { return (uint32_t)(value >> 32); }
static uint32_t weight_in(uint64_t value) { return (uint32_t)value; }

/* ---- the codes that occur */

enum { FEW_ROWS = 96, ROWS_PER_LEVEL = 30 };

typedef struct present {
    size_t n;
    uint8_t code[256];     /* upwards */
    uint64_t sum[256];     /* one output: packed sums, by code */
    const uint32_t *table; /* classes: their weights, by code; or, where rows are fewer, NULL and */
    uint32_t head[256];    /* 1 + the last row of the code, then d->next */
    double key[256];       /* categories: what they are ordered by, by code */
} present;

/* Codes of few rows: put together in a register, since what is stored in bytes is slow to load in one piece. */
static void gather_few(uint8_t *code, const uint8_t *const *at, size_t n, uint32_t feature) {
    typedef uint8_t half_lanes __attribute__((vector_size(AML_LANES / 2)));
    typedef uint8_t lanes __attribute__((vector_size(AML_LANES)));
    if (n <= AML_LANES / 2) {
        half_lanes v;
#pragma GCC unroll 8
        for (size_t k = 0; k < AML_LANES / 2; k++) v[k] = at[k][feature];
        memcpy(code, &v, sizeof v);
        memcpy(code + AML_LANES / 2, &v, sizeof v);
        return;
    }
    for (size_t c = 0; c < n; c += AML_LANES) {
        lanes v;
#pragma GCC unroll 16
        for (size_t k = 0; k < AML_LANES; k++) v[k] = at[c + k][feature];
        memcpy(code + c, &v, sizeof v);
    }
}

void aml_forest_gather(const aml_forest_node *d, uint32_t feature) {
    if (d->few) {
        gather_few(d->code, d->at, d->n, feature);
        return;
    }
    size_t step;
    const uint8_t *codes = aml_code_view_of(&step, &d->view, feature);
    const uint32_t *restrict row = d->row; /* bytes that are written could be anything else */
    uint8_t *restrict code = d->code;
    size_t n = d->n;
    if (step == 1)
        for (size_t i = 0; i < n; i++) code[i] = codes[row[i]];
    else
        for (size_t i = 0; i < n; i++) code[i] = codes[row[i] * step];
    memset(code + n, code[0], AML_LANES);
}

static void list_codes(present *p, const aml_forest_node *d) {
    uint64_t bits[4] = {0};
    for (size_t i = 0; i < d->n; i++) bits[d->code[i] >> 6] |= (uint64_t)1 << (d->code[i] & 63);
    p->n = 0;
    for (unsigned k = 0; k < 4; k++)
        for (uint64_t b = bits[k]; b; b &= b - 1)
            p->code[p->n++] = (uint8_t)(64 * k + (unsigned)__builtin_ctzll(b));
}

static void sum_codes(present *p, const aml_forest_node *d) {
    if (d->n < FEW_ROWS) {
        list_codes(p, d);
        for (size_t k = 0; k < p->n; k++) p->sum[p->code[k]] = 0;
        for (size_t i = 0; i < d->n; i++) p->sum[d->code[i]] += d->value[i];
        return;
    }
    memset(p->sum, 0, sizeof p->sum);
    for (size_t i = 0; i < d->n; i++) p->sum[d->code[i]] += d->value[i];
    p->n = 0;
    for (unsigned c = 0; c < 256; c++)
        if (p->sum[c]) p->code[p->n++] = (uint8_t)c;
}

/* By code and class: a code moves at once, not row by row. */
static void tabulate(present *p, const aml_forest_node *d) {
    size_t k = d->n_classes;
    for (size_t c = 0; c < p->n; c++) memset(d->table + p->code[c] * k, 0, k * sizeof *d->table);
    for (size_t i = 0; i < d->n; i++)
        d->table[d->code[i] * k + class_of(d->value[i])] += weight_in(d->value[i]);
    p->table = d->table;
}

static void link_codes(present *p, const aml_forest_node *d) {
    list_codes(p, d);
    p->table = NULL;
    if (d->n >= p->n * d->n_classes) {
        tabulate(p, d);
        return;
    }
    for (size_t k = 0; k < p->n; k++) p->head[p->code[k]] = 0;
    for (size_t i = 0; i < d->n; i++) {
        d->next[i] = p->head[d->code[i]];
        p->head[d->code[i]] = (uint32_t)i + 1;
    }
}

static void move_code(tally *t, const present *p, const aml_forest_node *d, uint8_t code) {
    if (p->table) {
        const uint32_t *w = p->table + (size_t)code * d->n_classes;
        for (uint32_t c = 0; c < d->n_classes; c++)
            if (w[c]) move(t, d, c, w[c]);
        return;
    }
    for (uint32_t i = p->head[code]; i; i = d->next[i - 1])
        move(t, d, class_of(d->value[i - 1]), weight_in(d->value[i - 1]));
}

/* ---- cuts along the order of the codes */

typedef struct trial {
    aml_cut *best;
    const aml_forest_node *d;
    const present *p;
    size_t found;    /* codes on the left of the best cut, 0 = none */
    size_t only;     /* the only cut to try (codes on the left), 0 = all */
    uint64_t w_left; /* of the best cut */
} trial;

static bool is_better(const aml_cut *best, const aml_forest_node *d, uint64_t w_left, double gain) {
    return w_left >= d->least && d->weight - w_left >= d->least && gain > best->gain;
}

static void judge(trial *t, size_t n_left, uint64_t w_left, double gain) {
    if (!is_better(t->best, t->d, w_left, gain)) return;
    t->best->gain = gain;
    t->found = n_left;
    t->w_left = w_left;
}

/* Codes code[first … n_cuts-1] go left one after the other. */
static void run_one(trial *t, size_t first, size_t n_cuts) {
    const aml_forest_node *d = t->d;
    int64_t s = 0, w = 0, all_w = (int64_t)d->weight;
    for (size_t k = first; k < n_cuts; k++) {
        uint64_t sum = t->p->sum[t->p->code[k]];
        s += aml_slope(sum);
        w += aml_curvature(sum);
        if (t->only && t->only != k + 1) continue;
        if (w < all_w) judge(t, k + 1, (uint64_t)w, gain_one(d, s, w));
    }
}

static void clear_left(const aml_forest_node *d) {
    if (d->n > d->n_classes) memset(d->left, 0, d->n_classes * sizeof *d->left);
    else
        for (size_t i = 0; i < d->n; i++) d->left[class_of(d->value[i])] = 0;
}

static void run_classes(trial *t, size_t first, size_t n_cuts) {
    tally sums = whole(t->d);
    for (size_t k = first; k < n_cuts; k++) {
        move_code(&sums, t->p, t->d, t->p->code[k]);
        if (t->only && t->only != k + 1) continue;
        if (sums.w_right) judge(t, k + 1, sums.w_left, gain_of_tally(&sums, t->d));
    }
    clear_left(t->d);
}

static size_t run(trial *t, size_t first, size_t n_cuts) {
    t->found = 0;
    if (t->d->n_classes) run_classes(t, first, n_cuts);
    else run_one(t, first, n_cuts);
    return t->found;
}

/* The classes of the rows with left[code], row by row or, where there are many, summed first. */
static tally side_by_rows(const aml_forest_node *d, const uint8_t left[256]) {
    tally sums = whole(d);
    for (size_t i = 0; i < d->n; i++)
        if (left[d->code[i]]) move(&sums, d, class_of(d->value[i]), weight_in(d->value[i]));
    return sums;
}

static tally side_by_classes(const aml_forest_node *d, const uint8_t left[256]) {
    tally sums = {0};
    for (size_t i = 0; i < d->n; i++)
        d->left[class_of(d->value[i])] += weight_in(d->value[i]) & -(uint32_t)left[d->code[i]];
    for (uint32_t c = 0; c < d->n_classes; c++) {
        uint64_t l = d->left[c], r = d->class_total[c] - l;
        sums.w_left += l, sums.w_right += r;
        if (d->rules->entropy) sums.logs_left += xlogx(d, l), sums.logs_right += xlogx(d, r);
        else sums.squares_left += l * l, sums.squares_right += r * r;
    }
    return sums;
}

/* Gain of the rows with left[code] on the left; their weight in *w_left. */
static double gain_of_side(uint64_t *w_left, const aml_forest_node *d, const uint8_t left[256]) {
    if (!d->n_classes) {
        uint64_t sum = 0;
        for (size_t i = 0; i < d->n; i++) sum += d->value[i] & -(uint64_t)left[d->code[i]];
        int64_t s = aml_slope(sum), w = aml_curvature(sum);
        *w_left = (uint64_t)w;
        return w && w < (int64_t)d->weight ? gain_one(d, s, w) : -INFINITY;
    }
    tally sums = d->n < d->n_classes ? side_by_rows(d, left) : side_by_classes(d, left);
    clear_left(d);
    *w_left = sums.w_left;
    return sums.w_left && sums.w_right ? gain_of_tally(&sums, d) : -INFINITY;
}

/* One random cut of a number that is never missing here. */
static void try_random_number(aml_cut *best, const aml_forest_node *d, uint32_t feature,
                              unsigned lo, unsigned hi) {
    uint8_t left[256];
    uint64_t w_left;
    unsigned bin = aml_forest_random_bin(d->bins, feature, lo, hi, d->rng, d->kernels);
    for (unsigned c = 0; c < 256; c++) left[c] = c <= bin;
    double gain = gain_of_side(&w_left, d, left);
    if (!is_better(best, d, w_left, gain)) return;
    *best = (aml_cut){.gain = gain, .feature = feature, .bin = (uint16_t)bin};
    best->missing_left = 2 * w_left >= d->weight;
}

static void try_number(aml_cut *best, const aml_forest_node *d, const present *p,
                       uint32_t feature) {
    trial t = {.best = best, .d = d, .p = p};
    bool missing = !p->code[0];
    size_t first = missing, bin = 0;
    if (d->rules->random_cuts && p->n - first > 1) {
        bin = aml_forest_random_bin(d->bins, feature, p->code[first], p->code[p->n - 1], d->rng,
                                    d->kernels);
        t.only = first;
        while (t.only < p->n && p->code[t.only] <= bin) t.only++;
    }
    /* missing right: the last cut has all numbers on the left */
    for (int missing_left = 0; missing_left <= missing; missing_left++) {
        size_t n_left =
            run(&t, missing_left ? 0 : first, missing && !missing_left ? p->n : p->n - 1);
        if (!n_left || n_left <= first) continue;
        bool all = n_left == p->n;
        size_t lower = p->code[n_left - 1], upper = all ? 0 : p->code[n_left];
        best->feature = feature;
        best->category = false;
        best->open = NULL;
        best->bin = (uint16_t)(all   ? d->bins->n_bins[feature]
                               : bin ? bin
                                     : (lower + upper - 1) / 2);
        best->missing_left = missing_left;
        if (!missing) best->missing_left = 2 * t.w_left >= d->weight;
    }
}

static double key_of(const present *p, const aml_forest_node *d, uint8_t code, uint32_t class) {
    if (!d->n_classes) return (double)aml_slope(p->sum[code]) / (double)aml_curvature(p->sum[code]);
    uint64_t all = 0, own = 0;
    if (p->table) {
        const uint32_t *w = p->table + (size_t)code * d->n_classes;
        for (uint32_t c = 0; c < d->n_classes; c++) all += w[c];
        return (double)w[class] / (double)all;
    }
    for (uint32_t i = p->head[code]; i; i = d->next[i - 1]) {
        all += (uint32_t)d->value[i - 1];
        if (d->value[i - 1] >> 32 == class) own += (uint32_t)d->value[i - 1];
    }
    return (double)own / (double)all;
}

/* Orders the codes by their mean, or by the share of the node's most frequent class. */
static void order_levels(present *p, const aml_forest_node *d) {
    uint32_t class = 0;
    for (uint32_t c = 1; c < d->n_classes; c++)
        if (d->class_total[c] > d->class_total[class]) class = c;
    for (size_t k = 0; k < p->n; k++) {
        uint8_t code = p->code[k];
        size_t at = k;
        p->key[code] = key_of(p, d, code, class);
        for (; at && p->key[p->code[at - 1]] > p->key[code]; at--) p->code[at] = p->code[at - 1];
        p->code[at] = code;
    }
}

/* Codes not seen in the node follow the many. */
static void put_set(aml_cut *best, const aml_forest_node *d, const present *p,
                    const uint8_t left[256], uint64_t w_left) {
    uint8_t side[256];
    memset(side, 2 * w_left >= d->weight, sizeof side);
    for (size_t k = 0; k < p->n; k++) side[p->code[k]] = left[p->code[k]];
    memset(best->set, 0, sizeof best->set);
    for (unsigned c = 0; c < 256; c++) best->set[c / 32] |= (uint32_t)side[c] << c % 32;
    best->missing_left = side[0];
    best->category = true;
    best->open = NULL;
}

/* A random half of the levels: few rows a level say little about their order. */
static void try_random_category(aml_cut *best, const aml_forest_node *d, uint32_t feature,
                                const present *p) {
    uint8_t left[256] = {0};
    uint64_t w_left;
    for (size_t k = 0; k < p->n; k++) left[p->code[k]] = aml_rng_u32(d->rng) & 1;
    double gain = gain_of_side(&w_left, d, left);
    if (!is_better(best, d, w_left, gain)) return;
    best->gain = gain;
    best->feature = feature;
    put_set(best, d, p, left, w_left);
}

static void try_category(aml_cut *best, const aml_forest_node *d, present *p, uint32_t feature) {
    trial t = {.best = best, .d = d, .p = p};
    uint8_t left[256] = {0};
    order_levels(p, d);
    if (d->rules->random_cuts) t.only = 1 + aml_rng_below(d->rng, (uint32_t)(p->n - 1));
    size_t n_left = run(&t, 0, p->n - 1);
    if (!n_left) return;
    for (size_t k = 0; k < n_left; k++) left[p->code[k]] = 1;
    best->feature = feature;
    put_set(best, d, p, left, t.w_left);
}

static bool try_codes(aml_cut *best, const aml_forest_node *d, uint32_t feature, bool category) {
    present p;
    uint8_t lo, hi;
    if (!category && aml_forest_plain(d)) return aml_forest_try_number(best, d, feature);
    aml_forest_gather(d, feature);
    d->kernels->range(&lo, &hi, d->code, d->n);
    if (lo == hi) return false;
    if (d->rules->random_cuts && !category && lo) {
        try_random_number(best, d, feature, lo, hi);
        return true;
    }
    if (d->n_classes) link_codes(&p, d);
    else sum_codes(&p, d);
    bool rich = d->n >= ROWS_PER_LEVEL * p.n;
    if (category && d->rules->random_cuts && !rich) try_random_category(best, d, feature, &p);
    else if (category) try_category(best, d, &p, feature);
    else try_number(best, d, &p, feature);
    return true;
}

/* A cut along ordered codes as a set of them. */
static void put_order(aml_cut *best, const aml_forest_node *d) {
    aml_forest_close(best, d);
    memset(best->set, 0, sizeof best->set);
    for (unsigned c = 1; c <= best->bin; c++) best->set[c / 32] |= (uint32_t)1 << c % 32;
    best->set[0] |= best->missing_left;
    best->category = true;
}

bool aml_forest_try(aml_cut *best, const aml_forest_node *d, uint32_t feature) {
    double gain = best->gain;
    bool category = d->bins->level_code[feature] != NULL, ordered = category && d->ordered[feature];
    bool varies = try_codes(best, d, feature, category && !ordered);
    if (ordered && best->gain > gain) put_order(best, d);
    return varies;
}
