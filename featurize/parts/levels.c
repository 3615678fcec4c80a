/* levels.c: look-up of numbers by level. */
#include "featurize/parts/levels.h"

#include <math.h>

#include "featurize/parts/each.h"
#include "featurize/parts/table.h"

enum { MAX_WIDTH = 64 };

void aml_level_counts(uint32_t *count, const aml_feature *f, const uint32_t *rows, size_t n) {
    for (size_t l = 0; l < (size_t)f->n_levels + 2; l++) count[l] = 0;
    for (size_t i = 0; i < n; i++) count[aml_level_row(f->code[rows[i]], f->n_levels)]++;
}

aml_status aml_encoder_init(aml_encoder *e, const aml_table *x, const uint8_t *acts, size_t width,
                            bool keep_original, aml_arena *keep) {
    *e = (aml_encoder){.width = width, .keep_original = keep_original};
    AML_TRY(aml_signature_of(&e->signature, x, keep));
    e->value = AML_ARRAY(keep, x->p, float *);
    if (!e->value) return AML_ENOMEM;
    for (size_t j = 0; j < x->p; j++) {
        if (!acts[j]) continue;
        e->value[j] = AML_ARRAY(keep, ((size_t)x->features[j].n_levels + 2) * width, float);
        if (!e->value[j]) return AML_ENOMEM;
    }
    return AML_OK;
}

typedef struct lookup {
    const aml_encoder *e;
    const aml_table *x;
    float **column;      /* encoded columns' values, width for each in turn */
    const size_t *first; /* place of input column j in `column` */
} lookup;

static aml_status encode(void *arg, size_t j, int thread) {
    const lookup *u = arg;
    const aml_feature *f = &u->x->features[j];
    const float *value = u->e->value[j];
    size_t width = u->e->width;
    (void)thread;
    for (size_t k = 0; value && k < width; k++) {
        float *out = u->column[u->first[j] + k];
        for (size_t i = 0; i < u->x->n; i++)
            out[i] = value[aml_level_row(f->code[i], f->n_levels) * width + k];
    }
    return AML_OK;
}

aml_status aml_encoder_apply(aml_table *out, float ***column, const aml_encoder *e,
                             const char *const *what, const aml_table *x, aml_ctx *ctx) {
    AML_TRY(aml_signature_check(&e->signature, x));
    size_t room = x->p, n_new = 0;
    for (size_t j = 0; j < x->p; j++) room += e->value[j] ? e->width : 0;
    float **fresh = AML_ARRAY(ctx->scratch, room, float *);
    size_t *first = AML_ARRAY(ctx->scratch, x->p, size_t);
    aml_table_builder b = aml_table_begin(x, room, ctx);
    if (!fresh || !first) return AML_ENOMEM;
    for (size_t j = 0; j < x->p; j++) {
        const aml_feature *f = &x->features[j];
        if (!e->value[j] || e->keep_original) aml_table_share(&b, f);
        first[j] = n_new;
        for (size_t k = 0; e->value[j] && k < e->width; k++)
            fresh[n_new++] =
                aml_table_derived(&b, aml_feature_name(ctx->keep, f->name, ".", what[k]), f);
    }
    AML_TRY(aml_table_end(out, &b));
    if (column) *column = fresh;
    return aml_each(ctx, x->p, encode, &(lookup){e, x, fresh, first});
}

aml_status aml_encoder_lower(aml_ir_table *out, const aml_encoder *e, const aml_ir_table *x,
                             aml_ir *ir) {
    aml_ir_columns b = aml_ir_columns_of(ir, x);
    for (size_t j = 0; j < x->n; j++) {
        if (!e->value[j] || e->keep_original) aml_ir_push(&b, x->column[j]);
        if (!e->value[j]) continue;
        aml_ir_op1(ir, AML_OP_LOOKUP, x->column[j]);
        aml_ir_array(ir, "table", AML_F32, e->value[j],
                     ((size_t)e->signature.n_levels[j] + 2) * e->width);
        for (size_t k = 0; k < e->width; k++) aml_ir_push(&b, aml_ir_number(ir));
    }
    *out = b.to;
    return ir->status;
}

void aml_encoder_save(const aml_encoder *e, aml_writer *w) {
    aml_signature_save(&e->signature, w);
    aml_put_u8(w, (uint8_t)e->width);
    aml_put_u8(w, e->keep_original);
    for (size_t j = 0; j < e->signature.p; j++) {
        if (e->signature.kind[j] != AML_CATEGORY) continue;
        aml_put_u8(w, e->value[j] != NULL);
        if (e->value[j])
            aml_put_f32s(w, e->value[j], ((size_t)e->signature.n_levels[j] + 2) * e->width);
    }
}

aml_status aml_encoder_load(aml_encoder *e, aml_reader *r, aml_arena *keep) {
    AML_TRY(aml_signature_load(&e->signature, r, keep));
    e->width = aml_get_u8(r);
    e->keep_original = aml_get_u8(r) != 0;
    if (!r->status && (e->width < 1 || e->width > MAX_WIDTH))
        return aml_reader_fail(r, "an encoder of %zu columns", e->width);
    e->value = AML_ARRAY(keep, e->signature.p, float *);
    if (!e->value) return AML_ENOMEM;
    for (size_t j = 0; j < e->signature.p && !r->status; j++) {
        if (e->signature.kind[j] != AML_CATEGORY || !aml_get_u8(r)) continue;
        size_t size = ((size_t)e->signature.n_levels[j] + 2) * e->width;
        e->value[j] = aml_get_f32s(r, keep, size, NULL);
        for (size_t i = 0; e->value[j] && i < size; i++)
            if (isinf(e->value[j][i])) return aml_reader_fail(r, "an infinite level value");
    }
    return r->status;
}

aml_status aml_encode_levels(void **state, const aml_table *x, const aml_data *target,
                             aml_level_number number, bool keep_original, aml_ctx *ctx) {
    aml_encoder *e = AML_NEW(ctx->keep, aml_encoder);
    uint8_t *acts = AML_ARRAY(ctx->scratch, x->p, uint8_t);
    if (!e || !acts) return AML_ENOMEM;
    for (size_t j = 0; j < x->p; j++) acts[j] = x->features[j].kind == AML_CATEGORY;
    AML_TRY(aml_encoder_init(e, x, acts, 1, keep_original, ctx->keep));
    for (size_t j = 0; j < x->p; j++) {
        if (aml_should_stop(ctx)) return aml_stopped();
        if (acts[j]) AML_TRY(number(e->value[j], &x->features[j], target, ctx));
    }
    *state = e;
    return AML_OK;
}

aml_status aml_encode_levels_load(void **state, aml_reader *r, aml_ctx *ctx) {
    aml_encoder *e = AML_NEW(ctx->keep, aml_encoder);
    if (!e) return AML_ENOMEM;
    AML_TRY(aml_encoder_load(e, r, ctx->keep));
    if (e->width != 1) return aml_reader_fail(r, "%zu columns for a category", e->width);
    *state = e;
    return AML_OK;
}
