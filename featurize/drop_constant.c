/* drop_constant.c: columns without two different values go. */
#include <string.h>

#include "featurize/parts/each.h"
#include "featurize/parts/signature.h"
#include "featurize/parts/table.h"

typedef struct drop_state {
    aml_signature signature;
    uint8_t *constant; /* per column */
} drop_state;

typedef struct job {
    const aml_table *x;
    const aml_data *target;
    uint8_t *constant;
} job;

static bool same_number(double a, double b) { return a == b || (a != a && b != b); }

static bool same_cell(const aml_feature *f, size_t a, size_t b) {
    if (f->kind == AML_NUMBER) return same_number(f->x[a], f->x[b]);
    if (f->kind == AML_DATETIME) return same_number(f->time[a], f->time[b]);
    if (f->kind == AML_CATEGORY) return f->code[a] == f->code[b];
    size_t n = f->offset[a + 1] - f->offset[a];
    if (n != f->offset[b + 1] - f->offset[b]) return false;
    return !n || !memcmp(f->bytes + f->offset[a], f->bytes + f->offset[b], n);
}

static aml_status look(void *arg, size_t j, int thread) {
    const job *u = arg;
    const uint32_t *rows = u->target->rows;
    size_t i = 1;
    (void)thread;
    while (i < u->target->n && same_cell(&u->x->features[j], rows[0], rows[i])) i++;
    u->constant[j] = i >= u->target->n;
    return AML_OK;
}

static aml_status fit(void **state, const aml_table *x, const aml_data *target, const double *hp,
                      aml_ctx *ctx) {
    drop_state *s = AML_NEW(ctx->keep, drop_state);
    (void)hp;
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_of(&s->signature, x, ctx->keep));
    s->constant = AML_ARRAY(ctx->keep, x->p, uint8_t);
    if (!s->constant) return AML_ENOMEM;
    *state = s;
    return aml_each(ctx, x->p, look, &(job){x, target, s->constant});
}

static aml_status apply(aml_table *out, const void *state, const aml_table *x, aml_ctx *ctx) {
    const drop_state *s = state;
    AML_TRY(aml_signature_check(&s->signature, x));
    aml_table_builder b = aml_table_begin(x, x->p, ctx);
    for (size_t j = 0; j < x->p; j++)
        if (!s->constant[j]) aml_table_share(&b, &x->features[j]);
    return aml_table_end(out, &b);
}

static aml_status lower(aml_ir_table *out, const void *state, const aml_ir_table *x, aml_ir *ir) {
    const drop_state *s = state;
    aml_ir_columns b = aml_ir_columns_of(ir, x);
    for (size_t j = 0; j < x->n; j++)
        if (!s->constant[j]) aml_ir_push(&b, x->column[j]);
    *out = b.to;
    return ir->status;
}

static void save(const void *state, aml_writer *w) {
    const drop_state *s = state;
    aml_signature_save(&s->signature, w);
    aml_put_u8s(w, s->constant, s->signature.p);
}

static aml_status load(void **state, aml_reader *r, aml_ctx *ctx) {
    drop_state *s = AML_NEW(ctx->keep, drop_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_load(&s->signature, r, ctx->keep));
    s->constant = aml_get_u8s(r, ctx->keep, s->signature.p, NULL);
    *state = s;
    return r->status;
}

extern const aml_step aml_step_drop_constant;
const aml_step aml_step_drop_constant = {
    .abi = AML_ABI,
    .name = "drop_constant",
    .summary = "Drops columns that are constant on the training rows",
    .kinds = AML_NUMBER | AML_CATEGORY | AML_TEXT | AML_DATETIME,
    .flags = AML_STEP_KEEPS_ORDER,
    .fit = AML_FIT(fit),
    .apply = apply,
    .save = AML_FIT(save),
    .load = load,
    .lower = AML_FIT(lower),
};
