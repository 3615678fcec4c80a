/* forest_levels.c: how much the levels of a category differ, and codes in their order. */
#include "learners/parts/forest_levels.h"

#include <math.h>
#include <string.h>

#include "automl/core/sort.h"

enum { MOST_CODES = 255, NO_CLASS = -1, COMMON = 16 };

/* Sums over the levels of a feature. Weights have mean 1; targets are a number, or whether a row has a class. */
typedef struct level_sums {
    const aml_data *data;
    double unit;          /* weight × unit has mean 1 */
    double center, scale; /* of numbers: ±1 about 0 at most */
    double *target, *weight, *key;
    uint32_t *order, *group; /* group: of each level */
    uint8_t *code;           /* of each group */
    double doubt;            /* rows at which a mean is signal and noise in equal parts */
    double rows;             /* of a level, in the mean */
} level_sums;

static double weight_at(const level_sums *s, size_t row) {
    return s->data->w ? s->data->w[row] * s->unit : 1;
}

static double target_at(const level_sums *s, size_t row, int class) {
    if (class != NO_CLASS) return s->data->y[row] == class;
    return (s->data->y[row] - s->center) / s->scale;
}

/* ---- variance components */

static double square(double x) { return x * x; }

/* Sums targets less their mean; returns the variance between levels, as s->doubt tells; 0 when none shows. */
static double sum_levels(level_sums *s, size_t feature, int class) {
    const aml_data *d = s->data;
    uint32_t n_levels = d->x->n_levels[feature];
    const float *x = d->x->column[feature];
    double total = 0, mean = 0, all = 0, between = 0, squares = 0, n = 0;
    memset(s->target, 0, n_levels * sizeof *s->target);
    memset(s->weight, 0, n_levels * sizeof *s->weight);
    for (size_t i = 0; i < d->n; i++) {
        size_t row = d->rows[i];
        if (!(x[row] >= 0 && x[row] < (float)n_levels)) continue;
        double w = weight_at(s, row), y = target_at(s, row, class);
        s->target[(uint32_t)x[row]] += w * y;
        s->weight[(uint32_t)x[row]] += w;
        total += w;
        mean += w * y;
        all += w * y * y;
    }
    s->doubt = INFINITY;
    s->rows = 0;
    if (!(total > 0)) return 0;
    mean /= total;
    all -= total * mean * mean;
    for (uint32_t l = 0; l < n_levels; l++) {
        if (!(s->weight[l] > 0)) continue;
        s->target[l] -= mean * s->weight[l];
        between += square(s->target[l]) / s->weight[l];
        squares += square(s->weight[l]);
        n++;
    }
    s->rows = total / fmax(n, 1);
    if (n < 2 || total < n + 1) return 0; /* one level, or hardly a row that shares its level */
    double within = fmax(all - between, 0) / (total - n);
    double apart = (between / (n - 1) - within) * (n - 1) / (total - squares / total);
    if (!(apart > 1e-9 * all / total)) return 0;
    s->doubt = within / apart;
    return apart;
}

static bool is_common(const double *share, int class, int n_classes) {
    double top = 0;
    for (int c = 0; c < n_classes; c++) top = fmax(top, share[c]);
    return share[class] >= fmin(top, 1.0 / COMMON);
}

/* Sums of the target, or of the class that tells levels apart best. */
static bool sum_target(level_sums *s, size_t feature, const double *share) {
    if (s->data->task != AML_MULTICLASS) return sum_levels(s, feature, NO_CLASS) > 0;
    double most = 0;
    int best = NO_CLASS, n_classes = s->data->n_classes;
    for (int c = 0; c < n_classes; c++) {
        if (!is_common(share, c, n_classes)) continue;
        double apart = sum_levels(s, feature, c);
        if (apart > most) best = c;
        most = fmax(most, apart);
    }
    return best != NO_CLASS && sum_levels(s, feature, best) > 0;
}

/* ---- codes */

/* Levels to groups: each is one, but of more levels than codes those in doubt are together. Sums become those of the
 * groups, which are never behind their levels. Returns how many there are. */
static uint32_t group_levels(level_sums *s, uint32_t n_levels) {
    uint32_t n = 0, doubtful = UINT32_MAX;
    for (uint32_t l = 0; l < n_levels; l++) {
        double target = s->target[l], weight = s->weight[l];
        bool together = n_levels > MOST_CODES && weight < fmax(s->doubt, 2);
        if (together && doubtful != UINT32_MAX) {
            s->target[doubtful] += target;
            s->weight[doubtful] += weight;
            s->group[l] = doubtful;
            continue;
        }
        if (together) doubtful = n;
        s->target[n] = target;
        s->weight[n] = weight;
        s->group[l] = n++;
    }
    return n;
}

/* Codes 1 … upwards along the shrunk means; neighbours of about equal weight share one when there are too many. Returns
 * how many there are, 0 when all levels are one group. */
static aml_status code_levels(uint8_t *code, uint16_t *n_codes, level_sums *s, uint32_t n_levels) {
    uint32_t n = group_levels(s, n_levels);
    double total = 0, before = 0;
    *n_codes = 0;
    if (n < 2) return AML_OK;
    for (uint32_t g = 0; g < n; g++) {
        s->key[g] = s->weight[g] > 0 ? s->target[g] / (s->weight[g] + s->doubt) : 0;
        total += s->weight[g];
    }
    AML_TRY(aml_argsort(s->order, s->key, n));
    for (uint32_t k = 0; k < n; k++) {
        uint32_t g = s->order[k];
        double at = (before + 0.5 * s->weight[g]) / total;
        s->code[g] =
            (uint8_t)(n <= MOST_CODES ? k + 1 : 1 + (uint32_t)(at * (MOST_CODES - 1) + 0.5));
        before += s->weight[g];
    }
    for (uint32_t l = 0; l < n_levels; l++) code[l] = s->code[s->group[l]];
    *n_codes = (uint16_t)(n < MOST_CODES ? n : MOST_CODES);
    return AML_OK;
}

/* ---- bins */

/* A copy of the design's bins that may be written to. */
typedef struct copied_bins {
    uint8_t *row;
    const uint8_t **column, **level_code;
    uint16_t *n_bins;
    bool *ordered;
} copied_bins;

static aml_status copy_bins(copied_bins *c, const aml_bins *bins, aml_arena *a) {
    size_t p = bins->p;
    c->row = aml_alloc_raw(a, bins->n * bins->stride + 64, 1);
    c->column = aml_copy(a, bins->column, p * sizeof *c->column);
    c->level_code = aml_copy(a, bins->level_code, p * sizeof *c->level_code);
    c->n_bins = aml_copy(a, bins->n_bins, p * sizeof *c->n_bins);
    if (!c->row || !c->column || !c->level_code || !c->n_bins) return AML_ENOMEM;
    memcpy(c->row, bins->row, bins->n * bins->stride);
    memset(c->row + bins->n * bins->stride, 0, 64);
    return AML_OK;
}

/* Levels whose means are more noise than signal stay in the order of the design's codes: that one knows no target, while
 * an order by means of rows that are then learnt from would let every tree look up the answer. */
static aml_status recode(copied_bins *c, level_sums *s, size_t feature, const double *share,
                         aml_ctx *ctx) {
    const aml_design *x = s->data->x;
    uint32_t n_levels = x->n_levels[feature];
    const float *level = x->column[feature];
    size_t stride = x->bins->stride;
    uint16_t n_codes = 0;
    if (aml_should_stop(ctx)) return aml_stopped();
    c->ordered[feature] = true;
    if (!sum_target(s, feature, share) || s->rows < s->doubt) return AML_OK;
    uint8_t *code = aml_alloc_raw(ctx->scratch, n_levels, 1);
    uint8_t *column = aml_alloc(ctx->scratch, x->n + 16, 1);
    if (!code || !column) return AML_ENOMEM;
    AML_TRY(code_levels(code, &n_codes, s, n_levels));
    if (!n_codes) return AML_OK;
    for (size_t i = 0; i < x->n; i++) {
        bool known = level[i] >= 0 && level[i] < (float)n_levels;
        column[i] = c->row[i * stride + feature] = known ? code[(uint32_t)level[i]] : 0;
    }
    c->level_code[feature] = code;
    c->column[feature] = column;
    c->n_bins[feature] = n_codes;
    return AML_OK;
}

/* Weights and targets in common units; the shares of the classes. */
static void measure(level_sums *s, double *share) {
    const aml_data *d = s->data;
    double total = 0, lo = INFINITY, hi = -INFINITY;
    for (size_t i = 0; i < d->n; i++) {
        total += d->w ? d->w[d->rows[i]] : 1;
        lo = fmin(lo, d->y[d->rows[i]]);
        hi = fmax(hi, d->y[d->rows[i]]);
    }
    s->unit = total > 0 ? (double)d->n / total : 1;
    s->center = lo / 2 + hi / 2;
    s->scale = hi > lo ? hi / 2 - lo / 2 : 1;
    for (size_t i = 0; i < d->n && share; i++)
        share[(size_t)d->y[d->rows[i]]] += weight_at(s, d->rows[i]) / (double)d->n;
}

static bool is_many(const aml_data *d, size_t feature) {
    return d->x->n_levels && d->x->n_levels[feature] >= AML_MANY_LEVELS;
}

aml_status aml_forest_levels_init(aml_forest_levels *out, const aml_data *d, bool order,
                                  aml_ctx *ctx) {
    size_t p = d->x->p, most = 0;
    aml_arena *a = ctx->scratch;
    level_sums s = {.data = d};
    copied_bins c = {.ordered = AML_ARRAY(a, p, bool)};
    double *share = NULL;
    *out = (aml_forest_levels){.bins = *d->x->bins, .ordered = c.ordered};
    if (!c.ordered) return AML_ENOMEM;
    for (size_t j = 0; j < p && order; j++)
        if (is_many(d, j) && d->x->n_levels[j] > most) most = d->x->n_levels[j];
    if (!most) return AML_OK;
    s.target = aml_alloc_raw(a, most, sizeof *s.target);
    s.weight = aml_alloc_raw(a, most, sizeof *s.weight);
    s.key = aml_alloc_raw(a, most, sizeof *s.key);
    s.order = aml_alloc_raw(a, most, sizeof *s.order);
    s.group = aml_alloc_raw(a, most, sizeof *s.group);
    s.code = aml_alloc_raw(a, most, 1);
    if (d->task == AML_MULTICLASS) share = AML_ARRAY(a, (size_t)d->n_classes, double);
    if (!s.target || !s.weight || !s.key || !s.order || !s.group || !s.code ||
        (d->task == AML_MULTICLASS && !share))
        return AML_ENOMEM;
    measure(&s, share);
    AML_TRY(copy_bins(&c, d->x->bins, a));
    for (size_t j = 0; j < p; j++)
        if (is_many(d, j)) AML_TRY(recode(&c, &s, j, share, ctx));
    out->bins.row = c.row;
    out->bins.column = c.column;
    out->bins.level_code = c.level_code;
    out->bins.n_bins = c.n_bins;
    return AML_OK;
}
