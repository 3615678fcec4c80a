/* numeric.c: means, and gathering across columns. */
#include "featurize/parts/numeric.h"

#include <math.h>

#include "featurize/parts/each.h"
#include "featurize/parts/table.h"

static aml_status columns_of(aml_numeric *u, const aml_signature *signature, aml_arena *keep) {
    u->column = AML_ARRAY(keep, signature->p, uint32_t);
    if (!u->column) return AML_ENOMEM;
    u->m = 0;
    for (size_t j = 0; j < signature->p; j++)
        if (signature->kind[j] == AML_NUMBER) u->column[u->m++] = (uint32_t)j;
    return AML_OK;
}

typedef struct job {
    aml_numeric *u;
    const aml_table *x;
    const uint32_t *rows;
    size_t n;
    bool standardise;
    double *variance; /* per number column */
} job;

static aml_status learn(void *arg, size_t k, int thread) {
    const job *a = arg;
    const float *x = a->x->features[a->u->column[k]].x;
    double sum = 0, squares = 0, known = 0, lo = INFINITY, hi = -INFINITY;
    (void)thread;
    for (size_t i = 0; i < a->n; i++) {
        double v = x[a->rows[i]];
        if (isnan(v)) continue;
        known++;
        sum += v;
        lo = fmin(lo, v);
        hi = fmax(hi, v);
    }
    double mean = known > 0 ? sum / known : 0;
    for (size_t i = 0; i < a->n; i++) {
        double v = x[a->rows[i]];
        if (!isnan(v)) squares += (v - mean) * (v - mean);
    }
    if (!(hi > lo)) squares = 0;
    a->u->centre[k] = mean;
    a->u->factor[k] = !a->standardise ? 1 : squares > 0 ? sqrt(known / squares) : 0;
    double f = a->u->factor[k];
    a->variance[k] = a->n ? squares * f * f / (double)a->n : 0;
    return AML_OK;
}

aml_status aml_numeric_fit(aml_numeric *u, double *variance, const aml_table *x,
                           const uint32_t *rows, size_t n, bool standardise, aml_ctx *ctx) {
    aml_signature signature;
    AML_TRY(aml_signature_of(&signature, x, ctx->scratch));
    AML_TRY(columns_of(u, &signature, ctx->keep));
    u->centre = AML_ARRAY(ctx->keep, u->m, double);
    u->factor = AML_ARRAY(ctx->keep, u->m, double);
    job a = {u, x, rows, n, standardise, AML_ARRAY(ctx->scratch, u->m, double)};
    if (!u->centre || !u->factor || !a.variance) return AML_ENOMEM;
    AML_TRY(aml_each(ctx, u->m, learn, &a));
    if (variance) *variance = 0;
    for (size_t k = 0; variance && k < u->m; k++) *variance += a.variance[k];
    return AML_OK;
}

void aml_numeric_gather(double *block, const aml_numeric *u, const aml_table *x,
                        const uint32_t *rows, size_t begin, size_t end) {
    for (size_t k = 0; k < u->m; k++) {
        const float *v = x->features[u->column[k]].x;
        for (size_t i = begin; i < end; i++) {
            double d = ((double)v[rows ? rows[i] : i] - u->centre[k]) * u->factor[k];
            block[(i - begin) * u->m + k] = isnan(d) ? 0 : d;
        }
    }
}

size_t aml_numeric_block(const aml_numeric *u) {
    size_t rows = ((size_t)1 << 18) / (u->m + 1);
    return rows > 256 ? 256 : rows < 16 ? 16 : rows;
}

const uint32_t *aml_spaced_rows(size_t *n_out, const uint32_t *rows, size_t n, size_t max,
                                aml_ctx *ctx) {
    *n_out = n < max ? n : max;
    if (n <= max) return rows;
    uint32_t *few = aml_alloc_raw(ctx->scratch, max, sizeof *few);
    for (size_t i = 0; few && i < max; i++) few[i] = rows[i * n / max];
    return few;
}

void aml_numeric_lower(aml_ir *ir, aml_op_kind kind, const aml_numeric *u, const aml_ir_table *x) {
    uint32_t *in = AML_ARRAY(ir->keep, u->m + 1, uint32_t);
    if (!in) {
        ir->status = AML_ENOMEM;
        return;
    }
    for (size_t k = 0; k < u->m; k++) in[k] = x->column[u->column[k]];
    aml_ir_op(ir, kind, in, u->m);
    aml_ir_array(ir, "center", AML_F64, u->centre, u->m);
    aml_ir_array(ir, "factor", AML_F64, u->factor, u->m);
}

void aml_numeric_save(const aml_numeric *u, aml_writer *w) {
    aml_put_f64s(w, u->centre, u->m);
    aml_put_f64s(w, u->factor, u->m);
}

aml_status aml_numeric_load(aml_numeric *u, const aml_signature *signature, aml_reader *r,
                            aml_arena *keep) {
    AML_TRY(columns_of(u, signature, keep));
    u->centre = aml_get_f64s(r, keep, u->m, NULL);
    u->factor = aml_get_f64s(r, keep, u->m, NULL);
    if (!u->centre || !u->factor) return r->status;
    for (size_t k = 0; k < u->m; k++)
        if (!(fabs(u->centre[k]) < 1e39) || !(u->factor[k] >= 0 && u->factor[k] < 1e60))
            return aml_reader_fail(r, "the mean of number column %zu", k);
    return AML_OK;
}
