/* pca.c: number columns become their principal components. Missing counts as the mean. */
#include <math.h>
#include <string.h>

#include "automl/core/linalg.h"
#include "featurize/parts/each.h"
#include "featurize/parts/numeric.h"
#include "featurize/parts/product.h"
#include "featurize/parts/subspace.h"
#include "featurize/parts/table.h"

enum { SHARE, COMPONENTS, KEEP_ORIGINAL };
/* Up to DENSE columns by the covariance matrix, else by subspace iteration. Sums over rows are made
 * in PARTS parts, whatever the number of threads. */
enum { DENSE = 500, PARTS = 8, PASSES = 5, ROWS = 20000, ROWS_A_COLUMN = 4 };

static const aml_param params[] = {{.name = "share",
                                    .summary = "Share of the variance to keep",
                                    .kind = AML_REAL,
                                    .lo = 0.5,
                                    .hi = 0.9999,
                                    .fallback = 0.95},
                                   {.name = "components",
                                    .summary = "At most this many components",
                                    .kind = AML_INT,
                                    .log = true,
                                    .lo = 1,
                                    .hi = 512,
                                    .fallback = 64},
                                   {.name = "keep_original",
                                    .summary = "Keep the numbers beside their components",
                                    .kind = AML_CHOICE,
                                    .fallback = 0,
                                    .choices = aml_flag_choices},
                                   {0}};

typedef struct pca_state {
    aml_signature signature;
    aml_numeric numeric;
    bool keep_original;
    size_t k;
    double *vector; /* numeric.m × k */
} pca_state;

typedef struct fit_job {
    aml_ctx *ctx;
    const aml_table *x;
    const aml_numeric *numeric;
    const uint32_t *rows;
    size_t n;
    const double *q; /* m × l, or NULL: the covariance itself is wanted */
    size_t l;
    double *sum[PARTS]; /* m × l, or m × m */
    double *block[PARTS], *scores[PARTS];
} fit_job;

static aml_status add_part(void *arg, size_t part, int thread) {
    const fit_job *u = arg;
    size_t m = u->numeric->m, l = u->l, step = aml_numeric_block(u->numeric);
    size_t end = (part + 1) * u->n / PARTS;
    double *block = u->block[part], *sum = u->sum[part], *scores = u->scores[part];
    (void)thread;
    memset(sum, 0, m * (u->q ? l : m) * sizeof *sum);
    for (size_t i = part * u->n / PARTS; i < end; i += step) {
        size_t stop = i + step < end ? i + step : end, b = stop - i;
        if (aml_should_stop(u->ctx)) return aml_stopped();
        aml_numeric_gather(block, u->numeric, u->x, u->rows, i, stop);
        if (!u->q) {
            aml_dsyrk(m, b, block, m, 1, sum, m);
            continue;
        }
        aml_dgemm(false, false, b, l, m, 1, block, m, u->q, l, 0, scores, l);
        aml_dgemm(true, false, m, l, b, 1, block, m, scores, l, 1, sum, l);
    }
    return AML_OK;
}

/* out = Σ over rows of x x' (q, when given) / n. */
static aml_status add_up(double *out, fit_job *u) {
    size_t size = u->numeric->m * (u->q ? u->l : u->numeric->m);
    AML_TRY(aml_each(u->ctx, PARTS, add_part, u));
    for (size_t i = 0; i < size; i++) {
        double sum = 0;
        for (size_t part = 0; part < PARTS; part++) sum += u->sum[part][i];
        out[i] = sum / (double)u->n;
    }
    return AML_OK;
}

static aml_status product(double *z, const double *q, size_t l, void *arg) {
    fit_job *u = arg;
    u->q = q;
    u->l = l;
    return add_up(z, u);
}

static aml_status buffers(fit_job *u, size_t width) {
    size_t m = u->numeric->m, step = aml_numeric_block(u->numeric);
    for (size_t part = 0; part < PARTS; part++) {
        u->sum[part] = aml_alloc_raw(u->ctx->scratch, m * width, sizeof(double));
        u->block[part] = aml_alloc_raw(u->ctx->scratch, m * step, sizeof(double));
        u->scores[part] = aml_alloc_raw(u->ctx->scratch, width * step, sizeof(double));
        if (!u->sum[part] || !u->block[part] || !u->scores[part]) return AML_ENOMEM;
    }
    return AML_OK;
}

static aml_status eigenvectors(double *vector, double *value, size_t k, fit_job *u) {
    size_t m = u->numeric->m;
    if (m > DENSE) {
        AML_TRY(buffers(u, k + 16));
        return aml_subspace(vector, value, m, k, PASSES, product, u, u->ctx);
    }
    double *c = aml_alloc_raw(u->ctx->scratch, m * m, sizeof *c);
    if (!c) return AML_ENOMEM;
    AML_TRY(buffers(u, m));
    AML_TRY(add_up(c, u));
    return aml_subspace_dense(vector, value, c, m, k, u->ctx);
}

/* The first components that make up the share of the variance, none without length. */
static size_t enough(const double *value, size_t most, double share, double variance) {
    double sum = 0;
    size_t k = 0;
    while (k < most && value[k] > 0 && sum < share * variance) sum += value[k++];
    return k;
}

static aml_status fit(void **state, const aml_table *x, const aml_data *target, const double *hp,
                      aml_ctx *ctx) {
    double variance;
    fit_job u = {.ctx = ctx, .x = x};
    pca_state *s = AML_NEW(ctx->keep, pca_state);
    if (!s) return AML_ENOMEM;
    *state = s;
    AML_TRY(aml_signature_of(&s->signature, x, ctx->keep));
    s->keep_original = hp[KEEP_ORIGINAL] == 1;
    size_t most = aml_table_count(x, AML_NUMBER) * ROWS_A_COLUMN;
    u.rows = aml_spaced_rows(&u.n, target->rows, target->n, most > ROWS ? most : ROWS, ctx);
    if (!u.rows) return AML_ENOMEM;
    AML_TRY(aml_numeric_fit(&s->numeric, &variance, x, u.rows, u.n, false, ctx));
    size_t m = s->numeric.m, k = (size_t)hp[COMPONENTS] < m ? (size_t)hp[COMPONENTS] : m;
    u.numeric = &s->numeric;
    double *vector = aml_alloc_raw(ctx->scratch, m * k, sizeof *vector);
    double *value = aml_alloc_raw(ctx->scratch, k, sizeof *value);
    if (!vector || !value) return AML_ENOMEM;
    if (k && variance > 0) {
        AML_TRY(eigenvectors(vector, value, k, &u));
        s->k = enough(value, k, hp[SHARE], variance);
    }
    s->vector = aml_alloc_raw(ctx->keep, m * s->k, sizeof *s->vector);
    if (!s->vector) return AML_ENOMEM;
    for (size_t i = 0; i < m; i++)
        for (size_t c = 0; c < s->k; c++) s->vector[i * s->k + c] = vector[i * k + c];
    return AML_OK;
}

typedef struct apply_job {
    const pca_state *s;
    const aml_table *x;
    float **component;        /* k columns */
    double **block, **scores; /* one a thread */
} apply_job;

static aml_status project(void *arg, size_t item, int thread) {
    const apply_job *u = arg;
    const aml_numeric *numeric = &u->s->numeric;
    size_t k = u->s->k, m = numeric->m, step = aml_numeric_block(numeric);
    size_t begin = item * step, end = begin + step < u->x->n ? begin + step : u->x->n;
    double *block = u->block[thread], *scores = u->scores[thread];
    aml_numeric_gather(block, numeric, u->x, NULL, begin, end);
    aml_product(scores, block, u->s->vector, end - begin, m, k);
    for (size_t c = 0; c < k; c++)
        for (size_t i = begin; i < end; i++)
            u->component[c][i] = aml_to_float(scores[(i - begin) * k + c]);
    return AML_OK;
}

static aml_status columns(aml_table_builder *b, apply_job *u, aml_ctx *ctx) {
    for (size_t j = 0; j < u->x->p; j++)
        if (u->x->features[j].kind != AML_NUMBER || u->s->keep_original)
            aml_table_share(b, &u->x->features[j]);
    for (size_t c = 0; c < u->s->k; c++)
        u->component[c] =
            aml_table_number(b, aml_feature_number(ctx->keep, "pca", "", c + 1), UINT32_MAX);
    return b->failed ? AML_ENOMEM : AML_OK;
}

static aml_status apply(aml_table *out, const void *state, const aml_table *x, aml_ctx *ctx) {
    const pca_state *s = state;
    AML_TRY(aml_signature_check(&s->signature, x));
    size_t threads = (size_t)ctx->n_threads, step = aml_numeric_block(&s->numeric);
    apply_job u = {.s = s, .x = x};
    u.component = AML_ARRAY(ctx->scratch, s->k, float *);
    u.block = AML_ARRAY(ctx->scratch, threads, double *);
    u.scores = AML_ARRAY(ctx->scratch, threads, double *);
    if (!u.component || !u.block || !u.scores) return AML_ENOMEM;
    for (size_t t = 0; t < threads; t++) {
        u.block[t] = aml_alloc_raw(ctx->scratch, step * s->numeric.m, sizeof(double));
        u.scores[t] = aml_alloc_raw(ctx->scratch, step * s->k, sizeof(double));
        if (!u.block[t] || !u.scores[t]) return AML_ENOMEM;
    }
    aml_table_builder b = aml_table_begin(x, x->p + s->k, ctx);
    AML_TRY(columns(&b, &u, ctx));
    AML_TRY(aml_table_end(out, &b));
    return s->k ? aml_each(ctx, (x->n + step - 1) / step, project, &u) : AML_OK;
}

static aml_status lower(aml_ir_table *out, const void *state, const aml_ir_table *x, aml_ir *ir) {
    const pca_state *s = state;
    aml_ir_columns b = aml_ir_columns_of(ir, x);
    for (size_t j = 0; j < x->n; j++)
        if (s->signature.kind[j] != AML_NUMBER || s->keep_original) aml_ir_push(&b, x->column[j]);
    if (s->k) {
        aml_numeric_lower(ir, AML_OP_PROJECT, &s->numeric, x);
        aml_ir_array(ir, "matrix", AML_F64, s->vector, s->numeric.m * s->k);
    }
    for (size_t c = 0; c < s->k; c++) aml_ir_push(&b, aml_ir_number(ir));
    *out = b.to;
    return ir->status;
}

static void save(const void *state, aml_writer *w) {
    const pca_state *s = state;
    aml_signature_save(&s->signature, w);
    aml_numeric_save(&s->numeric, w);
    aml_put_u8(w, s->keep_original);
    aml_put_u32(w, (uint32_t)s->k);
    aml_put_f64s(w, s->vector, s->numeric.m * s->k);
}

static aml_status load(void **state, aml_reader *r, aml_ctx *ctx) {
    pca_state *s = AML_NEW(ctx->keep, pca_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_load(&s->signature, r, ctx->keep));
    AML_TRY(aml_numeric_load(&s->numeric, &s->signature, r, ctx->keep));
    s->keep_original = aml_get_u8(r) != 0;
    s->k = aml_get_u32(r);
    if (!r->status && s->k > s->numeric.m) return aml_reader_fail(r, "%zu components", s->k);
    s->vector = aml_get_f64s(r, ctx->keep, s->numeric.m * s->k, NULL);
    for (size_t i = 0; s->vector && i < s->numeric.m * s->k; i++)
        if (!(fabs(s->vector[i]) <= 1.001)) return aml_reader_fail(r, "a principal component");
    *state = s;
    return r->status;
}

extern const aml_step aml_step_pca;
const aml_step aml_step_pca = {
    .abi = AML_ABI,
    .name = "pca",
    .summary = "Turns numbers into their principal components",
    .kinds = AML_NUMBER,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .apply = apply,
    .save = AML_FIT(save),
    .load = load,
    .lower = AML_FIT(lower),
};
