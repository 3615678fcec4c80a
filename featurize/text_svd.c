/* text_svd.c: sparse columns become a few dense ones: the leading right singular vectors of the
 * training rows, by randomized subspace iteration (latent semantic analysis). */
#include <math.h>
#include <string.h>

#include "featurize/parts/each.h"
#include "featurize/parts/numeric.h"
#include "featurize/parts/subspace.h"
#include "featurize/parts/table.h"

enum { ROWS = 20000, PASSES = 4, BLOCK = 256 };

static const aml_param params[] = {{.name = "components",
                                    .summary = "Number of dense columns",
                                    .kind = AML_INT,
                                    .log = true,
                                    .lo = 2,
                                    .hi = 300,
                                    .fallback = 64},
                                   {0}};

typedef struct svd_state {
    aml_signature signature;
    size_t p, k;   /* sparse columns in, dense columns out */
    float *vector; /* p × k */
} svd_state;

/* The training rows used, row by row and column by column. */
typedef struct matrix {
    aml_ctx *ctx;
    const aml_csr *csr;
    const uint32_t *rows;
    size_t n, l;
    uint64_t *start; /* p + 1: entries of a column */
    uint32_t *row;
    float *value;
    const double *q; /* p × l */
    double *scores;  /* n × l: x q */
    double *z;       /* p × l: x' x q */
} matrix;

static aml_status by_column(matrix *m) {
    size_t p = m->csr->p, nnz = 0;
    const uint64_t *start = m->csr->start;
    for (size_t i = 0; i < m->n; i++) nnz += start[m->rows[i] + 1] - start[m->rows[i]];
    m->start = AML_ARRAY(m->ctx->scratch, p + 2, uint64_t);
    m->row = aml_alloc_raw(m->ctx->scratch, nnz, sizeof *m->row);
    m->value = aml_alloc_raw(m->ctx->scratch, nnz, sizeof *m->value);
    if (!m->start || !m->row || !m->value) return AML_ENOMEM;
    for (size_t i = 0; i < m->n; i++)
        for (uint64_t e = start[m->rows[i]]; e < start[m->rows[i] + 1]; e++)
            m->start[m->csr->column[e] + 2]++;
    for (size_t j = 0; j <= p; j++) m->start[j + 1] += m->start[j];
    for (size_t i = 0; i < m->n; i++)
        for (uint64_t e = start[m->rows[i]]; e < start[m->rows[i] + 1]; e++) {
            uint64_t to = m->start[m->csr->column[e] + 1]++;
            m->row[to] = (uint32_t)i;
            m->value[to] = m->csr->value[e];
        }
    return AML_OK;
}

static void add(double *to, const double *from, double factor, size_t l) {
    for (size_t k = 0; k < l; k++) to[k] += factor * from[k];
}

static aml_status multiply(void *arg, size_t block, int thread) {
    const matrix *m = arg;
    size_t end = (block + 1) * BLOCK < m->n ? (block + 1) * BLOCK : m->n;
    (void)thread;
    for (size_t i = block * BLOCK; i < end; i++) {
        double *to = m->scores + i * m->l;
        memset(to, 0, m->l * sizeof *to);
        for (uint64_t e = m->csr->start[m->rows[i]]; e < m->csr->start[m->rows[i] + 1]; e++)
            add(to, m->q + m->csr->column[e] * m->l, m->csr->value[e], m->l);
    }
    return AML_OK;
}

static aml_status multiply_back(void *arg, size_t block, int thread) {
    const matrix *m = arg;
    size_t p = m->csr->p, end = (block + 1) * BLOCK < p ? (block + 1) * BLOCK : p;
    (void)thread;
    for (size_t j = block * BLOCK; j < end; j++) {
        double *to = m->z + j * m->l;
        memset(to, 0, m->l * sizeof *to);
        for (uint64_t e = m->start[j]; e < m->start[j + 1]; e++)
            add(to, m->scores + m->row[e] * m->l, m->value[e], m->l);
    }
    return AML_OK;
}

static aml_status product(double *z, const double *q, size_t l, void *arg) {
    matrix *m = arg;
    m->z = z;
    m->q = q;
    m->l = l;
    AML_TRY(aml_each(m->ctx, (m->n + BLOCK - 1) / BLOCK, multiply, m));
    return aml_each(m->ctx, (m->csr->p + BLOCK - 1) / BLOCK, multiply_back, m);
}

static aml_status learn(svd_state *s, const aml_table *x, const aml_data *target, size_t k,
                        aml_ctx *ctx) {
    matrix m = {.ctx = ctx, .csr = x->csr};
    m.rows = aml_spaced_rows(&m.n, target->rows, target->n, ROWS, ctx);
    if (!m.rows) return AML_ENOMEM;
    AML_TRY(by_column(&m));
    double *vector = aml_alloc_raw(ctx->scratch, s->p * k, sizeof *vector);
    double *value = aml_alloc_raw(ctx->scratch, k, sizeof *value);
    m.scores = aml_alloc_raw(ctx->scratch, m.n * (k + 16), sizeof *m.scores);
    if (!vector || !value || !m.scores) return AML_ENOMEM;
    AML_TRY(aml_subspace(vector, value, s->p, k, PASSES, product, &m, ctx));
    while (s->k < k && value[s->k] > 0) s->k++;
    s->vector = aml_alloc_raw(ctx->keep, s->p * s->k, sizeof *s->vector);
    if (!s->vector) return AML_ENOMEM;
    for (size_t j = 0; j < s->p; j++)
        for (size_t c = 0; c < s->k; c++) s->vector[j * s->k + c] = (float)vector[j * k + c];
    return AML_OK;
}

static aml_status fit(void **state, const aml_table *x, const aml_data *target, const double *hp,
                      aml_ctx *ctx) {
    svd_state *s = AML_NEW(ctx->keep, svd_state);
    if (!s) return AML_ENOMEM;
    *state = s;
    AML_TRY(aml_signature_of(&s->signature, x, ctx->keep));
    s->p = x->csr ? x->csr->p : 0;
    size_t k = (size_t)hp[0] < s->p ? (size_t)hp[0] : s->p;
    return k && target->n ? learn(s, x, target, k, ctx) : AML_OK;
}

typedef struct apply_job {
    const svd_state *s;
    const aml_csr *csr;
    float **column; /* k */
    double **sum;   /* k for each thread */
} apply_job;

static aml_status project(void *arg, size_t block, int thread) {
    const apply_job *u = arg;
    size_t k = u->s->k, n = u->csr->n, end = (block + 1) * BLOCK < n ? (block + 1) * BLOCK : n;
    double *sum = u->sum[thread];
    for (size_t i = block * BLOCK; i < end; i++) {
        memset(sum, 0, k * sizeof *sum);
        for (uint64_t e = u->csr->start[i]; e < u->csr->start[i + 1]; e++) {
            const float *v = u->s->vector + u->csr->column[e] * k;
            for (size_t c = 0; c < k; c++) sum[c] += (double)u->csr->value[e] * v[c];
        }
        for (size_t c = 0; c < k; c++) u->column[c][i] = aml_to_float(sum[c]);
    }
    return AML_OK;
}

static aml_status apply(aml_table *out, const void *state, const aml_table *x, aml_ctx *ctx) {
    const svd_state *s = state;
    AML_TRY(aml_signature_check(&s->signature, x));
    if ((x->csr ? x->csr->p : 0) != s->p)
        return aml_fail(AML_EDATA, "a step fitted on %zu sparse columns got %zu", s->p,
                        x->csr ? x->csr->p : 0);
    apply_job u = {.s = s, .csr = x->csr};
    u.column = AML_ARRAY(ctx->scratch, s->k, float *);
    u.sum = AML_ARRAY(ctx->scratch, (size_t)ctx->n_threads, double *);
    if (!u.column || !u.sum) return AML_ENOMEM;
    for (size_t t = 0; t < (size_t)ctx->n_threads; t++) {
        u.sum[t] = AML_ARRAY(ctx->scratch, s->k, double);
        if (!u.sum[t]) return AML_ENOMEM;
    }
    aml_table_builder b = aml_table_begin(x, x->p + s->k, ctx);
    b.table.csr = NULL;
    b.table.n_blocks = 0;
    for (size_t j = 0; j < x->p; j++) aml_table_share(&b, &x->features[j]);
    for (size_t c = 0; c < s->k; c++)
        u.column[c] =
            aml_table_number(&b, aml_feature_number(ctx->keep, "svd", "", c + 1), UINT32_MAX);
    AML_TRY(aml_table_end(out, &b));
    return s->k ? aml_each(ctx, (x->n + BLOCK - 1) / BLOCK, project, &u) : AML_OK;
}

static aml_status lower(aml_ir_table *out, const void *state, const aml_ir_table *x, aml_ir *ir) {
    const svd_state *s = state;
    aml_ir_table dense = {.n = x->n, .column = x->column};
    aml_ir_columns b = aml_ir_columns_of(ir, &dense);
    for (size_t j = 0; j < x->n; j++) aml_ir_push(&b, x->column[j]);
    if (s->k) {
        aml_ir_op(ir, AML_OP_PROJECT_SPARSE, x->sparse, x->n_sparse);
        aml_ir_array(ir, "matrix", AML_F32, s->vector, s->p * s->k);
    }
    for (size_t c = 0; c < s->k; c++) aml_ir_push(&b, aml_ir_number(ir));
    *out = b.to;
    return ir->status;
}

static void save(const void *state, aml_writer *w) {
    const svd_state *s = state;
    aml_signature_save(&s->signature, w);
    aml_put_u64(w, s->p);
    aml_put_u32(w, (uint32_t)s->k);
    aml_put_f32s(w, s->vector, s->p * s->k);
}

static aml_status load(void **state, aml_reader *r, aml_ctx *ctx) {
    svd_state *s = AML_NEW(ctx->keep, svd_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_load(&s->signature, r, ctx->keep));
    s->p = aml_get_u64(r);
    s->k = aml_get_u32(r);
    if (!r->status && (s->p > UINT32_MAX || s->k > s->p || (double)s->k > params[0].hi))
        return aml_reader_fail(r, "%zu components", s->k);
    s->vector = aml_get_f32s(r, ctx->keep, s->p * s->k, NULL);
    for (size_t i = 0; s->vector && i < s->p * s->k; i++)
        if (!(fabsf(s->vector[i]) <= 1.001f)) return aml_reader_fail(r, "a singular vector");
    *state = s;
    return r->status;
}

extern const aml_step aml_step_text_svd;
const aml_step aml_step_text_svd = {
    .abi = AML_ABI,
    .name = "text_svd",
    .summary = "Turns sparse columns into a few dense components",
    .kinds = 0,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .apply = apply,
    .save = AML_FIT(save),
    .load = load,
    .lower = AML_FIT(lower),
};
