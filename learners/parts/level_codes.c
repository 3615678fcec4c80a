#include "learners/parts/level_codes.h"

#include "automl/core/sort.h"

enum { PARTS = 5, FREQUENT_ROWS = 30 };

typedef struct level_sums {
    size_t n_levels, most;
    double *target, *weight; /* PARTS × n_levels */
    double *all_target, *all_weight, *class_weight;
    double mean, smooth;
    size_t n_own, n_rare;
    uint8_t *own; /* the code that a frequent level has alone, or 0 */
    double *key,
        *rank; /* keys of the rare levels upwards, and the share of their rows below each */
} level_sums;

static size_t part_of(size_t i) { return ((uint32_t)i * 2654435761u >> 8) % PARTS; }

/* The level of a row, or n_levels. */
static size_t level_of(const level_sums *s, float x) {
    return x >= 0 && x < (float)s->n_levels ? (size_t)x : s->n_levels;
}

/* Several classes: the one whose share orders the levels, the most frequent. */
static size_t main_class(const level_sums *s, const aml_data *d) {
    size_t best = 0;
    for (size_t c = 0; c < (size_t)d->n_classes; c++) s->class_weight[c] = 0;
    for (size_t i = 0; i < d->n; i++)
        s->class_weight[(size_t)d->y[d->rows[i]]] += d->w ? d->w[d->rows[i]] : 1;
    for (size_t c = 1; c < (size_t)d->n_classes; c++)
        if (s->class_weight[c] > s->class_weight[best]) best = c;
    return best;
}

static void add_rows(level_sums *s, const aml_data *d, const float *x) {
    double target = 0, weight = 0;
    double class = d->task == AML_MULTICLASS ? (double)main_class(s, d) : 0;
    for (size_t i = 0; i < d->n; i++) {
        size_t row = d->rows[i], level = level_of(s, x[row]);
        double w = d->w ? d->w[row] : 1;
        double y = w * (d->task == AML_MULTICLASS ? d->y[row] == class : d->y[row]);
        target += y;
        weight += w;
        if (level == s->n_levels) continue;
        s->target[part_of(i) * s->n_levels + level] += y;
        s->weight[part_of(i) * s->n_levels + level] += w;
        s->all_target[level] += y;
        s->all_weight[level] += w;
    }
    s->mean = weight > 0 ? target / weight : 0;
}

/* How far a level's mean lies from the mean of all, without the rows of a part (PARTS: with all). */
static double key_of(const level_sums *s, size_t level, size_t part) {
    double y = s->all_target[level], w = s->all_weight[level];
    if (part < PARTS) {
        y -= s->target[part * s->n_levels + level];
        w -= s->weight[part * s->n_levels + level];
    }
    return w > 0 ? (y - s->mean * w) / (w + s->smooth) : 0;
}

/* Levels of many rows have a code each, up to three quarters of the codes: nothing of them is lost. */
static aml_status own_codes(level_sums *s, uint32_t *order) {
    AML_TRY(aml_argsort(order, s->all_weight, s->n_levels));
    for (size_t i = s->n_levels; i-- > 0 && s->n_own < s->most * 3 / 4;)
        if (s->all_weight[order[i]] >= FREQUENT_ROWS) s->own[order[i]] = (uint8_t)++s->n_own;
    return AML_OK;
}

static aml_status rank_levels(level_sums *s, aml_ctx *ctx) {
    uint32_t *order = AML_ARRAY(ctx->scratch, s->n_levels, uint32_t);
    double *key = AML_ARRAY(ctx->scratch, s->n_levels, double), total = 0, below = 0;
    if (!order || !key) return AML_ENOMEM;
    AML_TRY(own_codes(s, order));
    for (size_t l = 0; l < s->n_levels; l++) {
        key[l] = key_of(s, l, PARTS);
        if (!s->own[l]) total += s->all_weight[l];
    }
    AML_TRY(aml_argsort(order, key, s->n_levels));
    for (size_t i = 0; i < s->n_levels; i++) {
        if (s->own[order[i]]) continue;
        double w = s->all_weight[order[i]];
        s->key[s->n_rare] = key[order[i]];
        s->rank[s->n_rare++] = total > 0 ? (below + 0.5 * w) / total : 0;
        below += w;
    }
    return AML_OK;
}

/* Of a rare level: by the one whose key is the first not below. */
static uint8_t shared_code(const level_sums *s, double key) {
    size_t low = 0, high = s->n_rare - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s->key[middle] < key) low = middle + 1;
        else high = middle;
    }
    double codes = (double)(s->most - s->n_own);
    return (uint8_t)(1 + s->n_own + (size_t)(s->rank[low] * (codes - 1) + 0.5));
}

static uint8_t code_of(const level_sums *s, size_t level, size_t part) {
    return s->own[level] ? s->own[level] : shared_code(s, key_of(s, level, part));
}

static aml_status alloc(level_sums *s, size_t n_classes, aml_arena *scratch) {
    s->target = AML_ARRAY(scratch, PARTS * s->n_levels, double);
    s->weight = AML_ARRAY(scratch, PARTS * s->n_levels, double);
    s->all_target = AML_ARRAY(scratch, s->n_levels, double);
    s->all_weight = AML_ARRAY(scratch, s->n_levels, double);
    s->class_weight = AML_ARRAY(scratch, n_classes + 1, double);
    s->own = AML_ARRAY(scratch, s->n_levels, uint8_t);
    s->key = AML_ARRAY(scratch, s->n_levels, double);
    s->rank = AML_ARRAY(scratch, s->n_levels, double);
    bool sums = s->target && s->weight && s->all_target && s->all_weight && s->class_weight;
    return sums && s->own && s->key && s->rank ? AML_OK : AML_ENOMEM;
}

aml_status aml_level_codes(uint8_t *level_code, uint8_t *column, const aml_data *d, size_t feature,
                           double smooth, size_t most, aml_ctx *ctx) {
    const float *x = d->x->column[feature];
    level_sums s = {.n_levels = d->x->n_levels[feature], .most = most, .smooth = smooth};
    aml_mark mark = aml_arena_mark(ctx->scratch);
    AML_TRY(alloc(&s, (size_t)d->n_classes, ctx->scratch));
    add_rows(&s, d, x);
    AML_TRY(rank_levels(&s, ctx));
    for (size_t l = 0; l < s.n_levels; l++) level_code[l] = code_of(&s, l, PARTS);
    for (size_t i = 0; i < d->x->n; i++) {
        size_t level = level_of(&s, x[i]);
        column[i] = level < s.n_levels ? level_code[level] : 0;
    }
    for (size_t i = 0; i < d->n; i++) {
        size_t row = d->rows[i], level = level_of(&s, x[row]);
        if (level < s.n_levels) column[row] = code_of(&s, level, part_of(i));
    }
    aml_arena_release(ctx->scratch, mark);
    return AML_OK;
}
