/* boost_bins.c: ordering the levels of categories, and bundling features. */
#include "learners/parts/boost_bins.h"

#include <string.h>

#include "automl/core/par.h"
#include "automl/core/sort.h"

enum { MOST_CODES = 255, FEW_CODES = 32, OPEN_BUNDLES = 4, ROWS_PER_CODE = 8, BLOCK = 4096 };

/* ---- categories of many levels */

typedef struct level_sums {
    double *target, *weight, *key;
    uint32_t *order;
} level_sums;

static double target_of(const aml_data *d, size_t row) {
    return d->task == AML_MULTICLASS ? d->y[row] == 0 : d->y[row];
}

static double sum_levels(level_sums *s, const aml_data *d, size_t feature) {
    uint32_t n_levels = d->x->n_levels[feature];
    const float *x = d->x->column[feature];
    double target = 0, weight = 0;
    memset(s->target, 0, n_levels * sizeof *s->target);
    memset(s->weight, 0, n_levels * sizeof *s->weight);
    for (size_t i = 0; i < d->n; i++) {
        size_t row = d->rows[i];
        double w = d->w ? d->w[row] : 1, y = w * target_of(d, row);
        target += y;
        weight += w;
        if (!(x[row] >= 0 && x[row] < (float)n_levels)) continue;
        s->target[(uint32_t)x[row]] += y;
        s->weight[(uint32_t)x[row]] += w;
    }
    return weight > 0 ? target / weight : 0;
}

/* Codes 1 … MOST_CODES of about equal weight along the order. */
static aml_status order_levels(uint8_t *code, level_sums *s, const aml_data *d, size_t feature,
                               double smooth) {
    uint32_t n_levels = d->x->n_levels[feature];
    double mean = sum_levels(s, d, feature), total = 0, before = 0;
    for (uint32_t k = 0; k < n_levels; k++) {
        s->key[k] = (s->target[k] - mean * s->weight[k]) / (s->weight[k] + smooth);
        total += s->weight[k];
    }
    AML_TRY(aml_argsort(s->order, s->key, n_levels));
    for (uint32_t k = 0; k < n_levels; k++) {
        double middle = before + 0.5 * s->weight[s->order[k]];
        double at = total > 0 ? middle / total : 0;
        code[s->order[k]] = (uint8_t)(1 + (uint32_t)(at * (MOST_CODES - 1) + 0.5));
        before += s->weight[s->order[k]];
    }
    return AML_OK;
}

static aml_status recode(aml_boost_bins *b, level_sums *s, const aml_data *d, size_t feature,
                         double smooth, aml_ctx *ctx) {
    uint32_t n_levels = d->x->n_levels[feature];
    const float *x = d->x->column[feature];
    uint8_t *code = aml_alloc_raw(ctx->keep, n_levels, 1);
    uint8_t *column = aml_alloc(ctx->scratch, d->x->n + 16, 1);
    if (!code || !column) return AML_ENOMEM;
    AML_TRY(order_levels(code, s, d, feature, smooth));
    for (size_t i = 0; i < d->x->n; i++)
        column[i] = x[i] >= 0 && x[i] < (float)n_levels ? code[(uint32_t)x[i]] : 0;
    ((const uint8_t **)b->bins.level_code)[feature] = code; /* ours: recode_all made them */
    ((const uint8_t **)b->bins.column)[feature] = column;
    ((uint16_t *)b->bins.n_bins)[feature] = MOST_CODES;
    return aml_should_stop(ctx) ? aml_stopped() : AML_OK;
}

static bool has_many_levels(const aml_data *d, size_t feature) {
    return d->x->n_levels && d->x->n_levels[feature] > d->x->bins->n_bins[feature];
}

static aml_status recode_all(bool *changed, aml_boost_bins *b, const aml_data *d, double smooth,
                             aml_ctx *ctx) {
    size_t p = d->x->p, most = 0;
    level_sums s;
    for (size_t j = 0; j < p; j++)
        if (has_many_levels(d, j) && d->x->n_levels[j] > most) most = d->x->n_levels[j];
    *changed = most > 0;
    if (!most) return AML_OK;
    b->bins.level_code = aml_copy(ctx->scratch, b->bins.level_code, p * sizeof(uint8_t *));
    b->bins.column = aml_copy(ctx->scratch, b->bins.column, p * sizeof(uint8_t *));
    b->bins.n_bins = aml_copy(ctx->scratch, b->bins.n_bins, p * sizeof(uint16_t));
    s.target = aml_alloc_raw(ctx->scratch, most, sizeof *s.target);
    s.weight = aml_alloc_raw(ctx->scratch, most, sizeof *s.weight);
    s.key = aml_alloc_raw(ctx->scratch, most, sizeof *s.key);
    s.order = aml_alloc_raw(ctx->scratch, most, sizeof *s.order);
    if (!b->bins.level_code || !b->bins.column || !b->bins.n_bins || !s.target || !s.weight ||
        !s.key || !s.order)
        return AML_ENOMEM;
    for (size_t j = 0; j < p; j++)
        if (has_many_levels(d, j)) AML_TRY(recode(b, &s, d, j, smooth, ctx));
    return AML_OK;
}

/* ---- bundles */

typedef struct bundle {
    uint8_t *code; /* n */
    size_t n_codes, n_members;
    uint32_t *feature;
    uint8_t (*member)[256]; /* of each feature: its code by the bundle's */
} bundle;

/* Numbers the pairs of codes that occur; false when there are more than `most`. */
static bool number_pairs(uint16_t number[256][FEW_CODES], const bundle *g, const uint8_t *column,
                         size_t n, size_t most) {
    size_t count = 0;
    memset(number, 0, 256 * sizeof number[0]);
    for (size_t i = 0; i < n; i++) {
        uint16_t *at = &number[g->code[i]][column[i]];
        if (*at) continue;
        if (count == most) return false;
        *at = (uint16_t)++count;
    }
    return true;
}

static void join(bundle *g, uint32_t feature, const uint8_t *column, size_t n,
                 uint16_t number[256][FEW_CODES]) {
    uint8_t old[256];
    size_t count = 0;
    for (size_t c = 0; c < 256; c++)
        for (size_t k = 0; k < FEW_CODES; k++) {
            if (!number[c][k]) continue;
            size_t at = number[c][k] - 1u;
            old[at] = (uint8_t)c;
            g->member[g->n_members][at] = (uint8_t)k;
            count++;
        }
    for (size_t m = 0; m < g->n_members; m++) {
        uint8_t was[256];
        memcpy(was, g->member[m], sizeof was);
        for (size_t c = 0; c < count; c++) g->member[m][c] = was[old[c]];
    }
    for (size_t i = 0; i < n; i++) g->code[i] = (uint8_t)(number[g->code[i]][column[i]] - 1);
    g->feature[g->n_members++] = feature;
    g->n_codes = count;
}

static aml_status open_bundle(bundle *g, size_t n, size_t p, aml_ctx *ctx) {
    g->code = aml_alloc(ctx->scratch, n, 1);
    g->feature = AML_ARRAY(ctx->scratch, p, uint32_t);
    g->member = aml_alloc(ctx->scratch, p, sizeof *g->member);
    return g->code && g->feature && g->member ? AML_OK : AML_ENOMEM;
}

/* Each feature of few codes joins the first bundle with room for it. */
static aml_status find_bundles(bundle *g, size_t *n_bundles, const aml_boost_bins *b, size_t most,
                               aml_ctx *ctx) {
    uint16_t(*number)[FEW_CODES] = aml_alloc_raw(ctx->scratch, 256, sizeof *number);
    if (!number) return AML_ENOMEM;
    for (size_t j = 0; j < b->bins.p; j++) {
        size_t codes = b->bins.n_bins[j] + 1u, k = 0, n = b->bins.n;
        if (codes > FEW_CODES || b->bins.n_bins[j] + b->bins.has_missing[j] < 2) continue;
        for (; k < OPEN_BUNDLES; k++) {
            if (k == *n_bundles) {
                AML_TRY(open_bundle(g + k, n, b->bins.p, ctx));
                ++*n_bundles;
            }
            if (!number_pairs(number, g + k, b->bins.column[j], n, most)) continue;
            join(g + k, (uint32_t)j, b->bins.column[j], n, number);
            break;
        }
        if (aml_should_stop(ctx)) return aml_stopped();
    }
    return AML_OK;
}

typedef struct fill_job {
    uint8_t *row;
    const uint8_t **source; /* codes of each column */
    size_t n_columns, stride;
} fill_job;

static void fill_rows(void *arg, size_t block, size_t begin, size_t end, int thread) {
    const fill_job *job = arg;
    (void)block, (void)thread;
    memset(job->row + begin * job->stride, 0, (end - begin) * job->stride);
    for (size_t first = begin; first < end; first += 64) {
        size_t last = first + 64 < end ? first + 64 : end;
        for (size_t c = 0; c < job->n_columns; c++)
            for (size_t i = first; i < last; i++) job->row[i * job->stride + c] = job->source[c][i];
    }
}

/* Columns in the order of their first feature; features that never vary have none of their own. */
static aml_status fill(aml_boost_bins *b, const bundle *g, size_t n_bundles, aml_ctx *ctx) {
    const uint8_t **source = AML_ARRAY(ctx->scratch, b->bins.p, const uint8_t *);
    if (!source) return AML_ENOMEM;
    for (size_t j = 0; j < b->bins.p; j++) b->column[j] = UINT32_MAX;
    b->n_columns = 0;
    for (size_t k = 0; k < n_bundles; k++) {
        for (size_t m = 0; m < g[k].n_members; m++) {
            b->column[g[k].feature[m]] = (uint32_t)b->n_columns;
            b->member[g[k].feature[m]] = g[k].n_members > 1 ? g[k].member[m] : NULL;
        }
        bool one = g[k].n_members == 1;
        if (g[k].n_members)
            source[b->n_columns++] = one ? b->bins.column[g[k].feature[0]] : g[k].code;
        if (g[k].n_codes > b->n_codes) b->n_codes = g[k].n_codes;
    }
    uint8_t *constant = aml_alloc_raw(ctx->scratch, 512, 1);
    if (!constant) return AML_ENOMEM;
    memset(constant, 0, 256);
    memset(constant + 256, 1, 256);
    for (size_t j = 0; j < b->bins.p; j++) {
        if (b->column[j] != UINT32_MAX) continue;
        b->column[j] = 0;
        b->member[j] = constant + (b->bins.has_missing[j] ? 0 : 256);
        if (b->bins.n_bins[j] + b->bins.has_missing[j] < 2) continue;
        b->member[j] = NULL;
        b->column[j] = (uint32_t)b->n_columns;
        source[b->n_columns++] = b->bins.column[j];
    }
    b->stride = (b->n_columns + 15) / 16 * 16;
    if (!b->stride) b->stride = 16;
    uint8_t *row = aml_alloc_raw(ctx->scratch, b->bins.n * b->stride + 64, 1);
    if (!row) return AML_ENOMEM;
    memset(row + b->bins.n * b->stride, 0, 64);
    fill_job job = {row, source, b->n_columns, b->stride};
    aml_par_for(ctx->n_threads, b->bins.n, BLOCK, fill_rows, &job);
    b->row = row;
    return AML_OK;
}

aml_status aml_boost_bins_init(aml_boost_bins *b, const aml_data *d, double smooth, aml_ctx *ctx) {
    size_t p = d->x->p, n_bundles = 0, n_members = 0, n = d->x->n;
    bundle open[OPEN_BUNDLES] = {{0}};
    bool changed;
    *b = (aml_boost_bins){.bins = *d->x->bins, .n_columns = p};
    b->row = b->bins.row;
    b->stride = b->bins.stride;
    b->column = AML_ARRAY(ctx->scratch, p, uint32_t);
    b->member = AML_ARRAY(ctx->scratch, p, const uint8_t *);
    if (!b->column || !b->member) return AML_ENOMEM;
    AML_TRY(recode_all(&changed, b, d, smooth, ctx));
    size_t most = n / ROWS_PER_CODE < 256 ? n / ROWS_PER_CODE : 256;
    AML_TRY(find_bundles(open, &n_bundles, b, most, ctx));
    for (size_t k = 0; k < n_bundles; k++)
        n_members += open[k].n_members ? open[k].n_members - 1 : 0;
    for (size_t j = 0; j < p; j++) {
        b->column[j] = (uint32_t)j;
        if (b->bins.n_bins[j] + 1u > b->n_codes) b->n_codes = b->bins.n_bins[j] + 1u;
    }
    return changed || n_members ? fill(b, open, n_bundles, ctx) : AML_OK;
}
