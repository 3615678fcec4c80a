/* boost_bins.c: ordering the levels of categories, and bundling features. */
#include "learners/parts/boost_bins.h"

#include <string.h>

#include "automl/core/par.h"
#include "learners/parts/level_codes.h"

enum {
    MOST_CODES = 255,
    FEW_CODES = AML_FEW_CODES,
    OPEN_BUNDLES = 4,
    ROWS_PER_CODE = 8,
    BLOCK = 4096
};

/* ---- categories of many levels */

static aml_status recode(aml_boost_bins *b, const aml_data *d, size_t feature, double smooth,
                         aml_ctx *ctx) {
    uint8_t *code = aml_alloc_raw(ctx->keep, d->x->n_levels[feature], 1);
    uint8_t *column = aml_alloc(ctx->scratch, d->x->n + 16, 1);
    if (!code || !column) return AML_ENOMEM;
    AML_TRY(aml_level_codes(code, column, d, feature, smooth, MOST_CODES, ctx));
    ((const uint8_t **)b->bins.level_code)[feature] = code; /* ours: recode_all made them */
    ((const uint8_t **)b->bins.column)[feature] = column;
    ((uint16_t *)b->bins.n_bins)[feature] = MOST_CODES;
    return aml_should_stop(ctx) ? aml_stopped() : AML_OK;
}

static bool has_many_levels(const aml_data *d, size_t feature) {
    return d->x->n_levels && d->x->n_levels[feature] > d->x->bins->n_bins[feature];
}

static aml_status recode_all(aml_boost_bins *b, const aml_data *d, double smooth, aml_ctx *ctx) {
    size_t p = d->x->p;
    bool changed = false;
    for (size_t j = 0; j < p; j++) changed |= has_many_levels(d, j);
    if (!changed) return AML_OK;
    b->bins.level_code = aml_copy(ctx->scratch, b->bins.level_code, p * sizeof(uint8_t *));
    b->bins.column = aml_copy(ctx->scratch, b->bins.column, p * sizeof(uint8_t *));
    b->bins.n_bins = aml_copy(ctx->scratch, b->bins.n_bins, p * sizeof(uint16_t));
    if (!b->bins.level_code || !b->bins.column || !b->bins.n_bins) return AML_ENOMEM;
    for (size_t j = 0; j < p; j++)
        if (has_many_levels(d, j)) AML_TRY(recode(b, d, j, smooth, ctx));
    return AML_OK;
}

/* ---- bundles */

typedef struct bundle {
    uint8_t *code; /* n */
    size_t n_codes, n_members;
    uint32_t *feature;
    aml_member *member; /* of each feature */
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
            g->member[g->n_members].code[at] = (uint8_t)k;
            count++;
        }
    for (size_t m = 0; m < g->n_members; m++) {
        uint8_t was[256];
        memcpy(was, g->member[m].code, sizeof was);
        for (size_t c = 0; c < count; c++) g->member[m].code[c] = was[old[c]];
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
    for (size_t j = 0; j < b->n_dense; j++) {
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

/* Lists the column's codes by the feature's. */
static void order_codes(aml_member *m, size_t n_codes) {
    size_t count[FEW_CODES] = {0}, n = 0;
    m->common = 0;
    for (size_t c = 0; c < n_codes; c++) count[m->code[c]]++;
    for (size_t k = 1; k < FEW_CODES; k++)
        if (count[k] > count[m->common]) m->common = (uint8_t)k;
    for (size_t k = 0; k < FEW_CODES; k++) {
        for (size_t c = 0; c < n_codes && k != m->common; c++)
            if (m->code[c] == k) m->order[n++] = (uint8_t)c;
        m->end[k] = (uint16_t)n;
    }
}

typedef struct fill_job {
    uint8_t *row;
    const uint8_t **source; /* codes of each column, by design row */
    const uint32_t *rows;   /* by position */
    size_t n_columns, stride;
} fill_job;

static void fill_rows(void *arg, size_t block, size_t begin, size_t end, int thread) {
    const fill_job *job = arg;
    (void)block, (void)thread;
    memset(job->row + begin * job->stride, 0, (end - begin) * job->stride);
    for (size_t first = begin; first < end; first += 64) {
        size_t last = first + 64 < end ? first + 64 : end;
        for (size_t c = 0; c < job->n_columns; c++)
            for (size_t i = first; i < last; i++)
                job->row[i * job->stride + c] = job->source[c][job->rows[i]];
    }
}

/* Columns in the order of their first feature; features that never vary have none of their own. */
static aml_status fill(aml_boost_bins *b, const bundle *g, size_t n_bundles, const aml_data *d,
                       aml_ctx *ctx) {
    const uint8_t **source = AML_ARRAY(ctx->scratch, b->bins.p, const uint8_t *);
    if (!source) return AML_ENOMEM;
    for (size_t j = 0; j < b->n_dense; j++) b->column[j] = UINT32_MAX;
    for (size_t k = 0; k < n_bundles; k++) {
        for (size_t m = 0; m < g[k].n_members; m++) {
            b->column[g[k].feature[m]] = (uint32_t)b->n_columns;
            b->member[g[k].feature[m]] = g[k].n_members > 1 ? g[k].member + m : NULL;
            order_codes(g[k].member + m, g[k].n_codes);
        }
        bool one = g[k].n_members == 1;
        if (g[k].n_members)
            source[b->n_columns++] = one ? b->bins.column[g[k].feature[0]] : g[k].code;
        if (g[k].n_codes > b->n_codes) b->n_codes = g[k].n_codes;
    }
    aml_member *constant = AML_ARRAY(ctx->scratch, 2, aml_member);
    if (!constant) return AML_ENOMEM;
    memset(constant[1].code, 1, sizeof constant[1].code);
    for (size_t j = 0; j < b->n_dense; j++) {
        if (b->column[j] != UINT32_MAX) continue;
        b->column[j] = 0;
        b->member[j] = constant + !b->bins.has_missing[j];
        if (b->bins.n_bins[j] + b->bins.has_missing[j] < 2) continue;
        b->member[j] = NULL;
        b->column[j] = (uint32_t)b->n_columns;
        source[b->n_columns++] = b->bins.column[j];
        if (b->bins.n_bins[j] + 1u > b->n_codes) b->n_codes = b->bins.n_bins[j] + 1u;
    }
    b->stride = b->n_columns ? (b->n_columns + 3) / 4 * 4 : 4;
    if (b->n && b->stride > SIZE_MAX / 2 / b->n)
        return aml_fail(AML_ENOMEM, "the data are too large");
    uint8_t *row = aml_alloc_raw(ctx->scratch, b->n * b->stride + 64, 1);
    if (!row) return AML_ENOMEM;
    memset(row + b->n * b->stride, 0, 64);
    fill_job job = {row, source, d->rows, b->n_columns, b->stride};
    aml_par_for(ctx->n_threads, b->n, BLOCK, fill_rows, &job);
    b->row = row;
    return aml_should_stop(ctx) ? aml_stopped() : AML_OK;
}

/* ---- sparse features */

/* What is known of each feature, sparse ones behind the dense ones. */
static aml_status append_sparse(aml_boost_bins *b, const aml_data *d, aml_ctx *ctx) {
    size_t p = b->n_dense, q = d->x->csr->p;
    uint16_t *n_bins = AML_ARRAY(ctx->scratch, p + q, uint16_t);
    bool *has_missing = AML_ARRAY(ctx->scratch, p + q, bool);
    const float **cut = AML_ARRAY(ctx->scratch, p + q, const float *);
    const uint8_t **level_code = AML_ARRAY(ctx->scratch, p + q, const uint8_t *);
    if (!n_bins || !has_missing || !cut || !level_code) return AML_ENOMEM;
    b->csr = d->x->csr;
    b->sparse = d->x->sparse_bins;
    for (size_t j = 0; j < p + q; j++) {
        bool is_sparse = j >= p;
        n_bins[j] = is_sparse ? b->sparse->n_bins[j - p] : b->bins.n_bins[j];
        has_missing[j] = is_sparse ? b->sparse->has_missing[j - p] : b->bins.has_missing[j];
        cut[j] = is_sparse ? b->sparse->cut[j - p] : b->bins.cut[j];
        level_code[j] = is_sparse ? NULL : b->bins.level_code[j];
    }
    b->bins.n_bins = n_bins;
    b->bins.has_missing = has_missing;
    b->bins.cut = cut;
    b->bins.level_code = level_code;
    b->bins.p = p + q;
    return AML_OK;
}

aml_status aml_boost_bins_init(aml_boost_bins *b, const aml_data *d, double smooth, aml_ctx *ctx) {
    size_t p = d->x->p, n_bundles = 0, n = d->x->n;
    bundle open[OPEN_BUNDLES] = {{0}};
    *b = (aml_boost_bins){.bins = *d->x->bins, .n = d->n, .n_dense = p, .design_row = d->rows};
    b->column = AML_ARRAY(ctx->scratch, p, uint32_t);
    b->member = AML_ARRAY(ctx->scratch, p, const aml_member *);
    if (!b->column || !b->member) return AML_ENOMEM;
    AML_TRY(recode_all(b, d, smooth, ctx));
    size_t most = n / ROWS_PER_CODE < 256 ? n / ROWS_PER_CODE : 256;
    AML_TRY(find_bundles(open, &n_bundles, b, most, ctx));
    AML_TRY(fill(b, open, n_bundles, d, ctx));
    return d->x->csr ? append_sparse(b, d, ctx) : AML_OK;
}

/* ---- as learnt */

static void levels_of_codes(float *column, const aml_boost_bins *b, const aml_data *d,
                            size_t feature) {
    float level[256] = {0};
    for (uint32_t l = d->x->n_levels[feature]; l-- > 0;)
        level[b->bins.level_code[feature][l]] = (float)l;
    for (size_t i = 0; i < d->n; i++) {
        uint8_t code = b->bins.column[feature][d->rows[i]];
        if (code) column[d->rows[i]] = level[code];
    }
}

aml_status aml_boost_bins_as_learnt(aml_design *out, const aml_boost_bins *b, const aml_data *d,
                                    aml_ctx *ctx) {
    *out = *d->x;
    for (size_t j = 0; j < d->x->p; j++) {
        if (!has_many_levels(d, j)) continue;
        float *column = aml_copy(ctx->scratch, d->x->column[j], d->x->n * sizeof *column);
        if (out->column == d->x->column)
            out->column = aml_copy(ctx->scratch, d->x->column, d->x->p * sizeof *out->column);
        if (!column || !out->column) return AML_ENOMEM;
        ((const float **)out->column)[j] = column;
        levels_of_codes(column, b, d, j);
    }
    return AML_OK;
}
