/* missing_flags.c: a 0/1 column beside each column of which a share is missing. */
#include <math.h>

#include "featurize/parts/each.h"
#include "featurize/parts/signature.h"
#include "featurize/parts/table.h"

static const aml_param params[] = {{.name = "min_share",
                                    .summary = "Least share of missing cells that gets a flag",
                                    .kind = AML_REAL,
                                    .log = true,
                                    .lo = 1e-4,
                                    .hi = 0.5,
                                    .fallback = 0.01},
                                   {0}};

typedef struct flags_state {
    aml_signature signature;
    uint8_t *flagged; /* per column */
} flags_state;

static bool is_missing(const aml_feature *f, size_t i) {
    if (f->kind == AML_NUMBER) return isnan(f->x[i]);
    if (f->kind == AML_DATETIME) return isnan(f->time[i]);
    return f->kind == AML_CATEGORY && f->code[i] == -1;
}

typedef struct fit_job {
    const aml_table *x;
    const aml_data *target;
    double min_share;
    uint8_t *flagged;
} fit_job;

static aml_status look(void *arg, size_t j, int thread) {
    const fit_job *u = arg;
    size_t missing = 0, n = u->target->n;
    (void)thread;
    for (size_t i = 0; i < n; i++) missing += is_missing(&u->x->features[j], u->target->rows[i]);
    u->flagged[j] = missing && missing < n && (double)missing >= u->min_share * (double)n;
    return AML_OK;
}

static aml_status fit(void **state, const aml_table *x, const aml_data *target, const double *hp,
                      aml_ctx *ctx) {
    flags_state *s = AML_NEW(ctx->keep, flags_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_of(&s->signature, x, ctx->keep));
    s->flagged = AML_ARRAY(ctx->keep, x->p, uint8_t);
    if (!s->flagged) return AML_ENOMEM;
    *state = s;
    return aml_each(ctx, x->p, look, &(fit_job){x, target, hp[0], s->flagged});
}

typedef struct apply_job {
    const aml_table *x;
    float **flag; /* per column, NULL = none */
} apply_job;

static aml_status mark(void *arg, size_t j, int thread) {
    const apply_job *u = arg;
    float *flag = u->flag[j];
    (void)thread;
    for (size_t i = 0; flag && i < u->x->n; i++) flag[i] = is_missing(&u->x->features[j], i);
    return AML_OK;
}

static aml_status apply(aml_table *out, const void *state, const aml_table *x, aml_ctx *ctx) {
    const flags_state *s = state;
    AML_TRY(aml_signature_check(&s->signature, x));
    float **flag = AML_ARRAY(ctx->scratch, x->p, float *);
    if (!flag) return AML_ENOMEM;
    aml_table_builder b = aml_table_begin(x, 2 * x->p, ctx);
    for (size_t j = 0; j < x->p; j++) aml_table_share(&b, &x->features[j]);
    for (size_t j = 0; j < x->p; j++) {
        const aml_feature *f = &x->features[j];
        if (s->flagged[j])
            flag[j] =
                aml_table_derived(&b, aml_feature_name(ctx->keep, f->name, ".", "missing"), f);
    }
    AML_TRY(aml_table_end(out, &b));
    return aml_each(ctx, x->p, mark, &(apply_job){x, flag});
}

static aml_status lower(aml_ir_table *out, const void *state, const aml_ir_table *x, aml_ir *ir) {
    const flags_state *s = state;
    aml_ir_columns b = aml_ir_columns_of(ir, x);
    for (size_t j = 0; j < x->n; j++) aml_ir_push(&b, x->column[j]);
    for (size_t j = 0; j < x->n; j++) {
        if (!s->flagged[j]) continue;
        aml_ir_op1(ir, AML_OP_MISSING, x->column[j]);
        aml_ir_push(&b, aml_ir_number(ir));
    }
    *out = b.to;
    return ir->status;
}

static void save(const void *state, aml_writer *w) {
    const flags_state *s = state;
    aml_signature_save(&s->signature, w);
    aml_put_u8s(w, s->flagged, s->signature.p);
}

static aml_status load(void **state, aml_reader *r, aml_ctx *ctx) {
    flags_state *s = AML_NEW(ctx->keep, flags_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_load(&s->signature, r, ctx->keep));
    s->flagged = aml_get_u8s(r, ctx->keep, s->signature.p, NULL);
    *state = s;
    return r->status;
}

extern const aml_step aml_step_missing_flags;
const aml_step aml_step_missing_flags = {
    .abi = AML_ABI,
    .name = "missing_flags",
    .summary = "Adds a 0/1 column for each column with missing cells",
    .kinds = AML_NUMBER | AML_CATEGORY | AML_DATETIME,
    .flags = AML_STEP_KEEPS_ORDER,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .apply = apply,
    .save = AML_FIT(save),
    .load = load,
    .lower = AML_FIT(lower),
};
