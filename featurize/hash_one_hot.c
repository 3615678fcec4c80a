/* hash_one_hot.c: a category with many levels becomes sparse 0/1 columns that its levels share by the hash of
 * their text: as wide as asked for, whatever the number of levels. */
#include <string.h>

#include "automl/core/text.h"
#include "featurize/parts/each.h"
#include "featurize/parts/indicators.h"
#include "featurize/parts/signature.h"
#include "featurize/parts/table.h"

enum { BITS, MIN_LEVELS };
enum { LEAST_BITS = 3, MOST_BITS = 18 };

static const aml_param params[] = {{.name = "bits",
                                    .summary = "A category becomes 2^bits columns",
                                    .kind = AML_INT,
                                    .lo = LEAST_BITS,
                                    .hi = MOST_BITS,
                                    .fallback = 10},
                                   {.name = "min_levels",
                                    .summary = "Columns with fewer levels are left as they are",
                                    .kind = AML_INT,
                                    .log = true,
                                    .lo = 1,
                                    .hi = 100000,
                                    .fallback = 200},
                                   {0}};

typedef struct hash_state {
    aml_signature signature;
    uint8_t bits;
    uint32_t **place; /* per column: the new column of each level, or NULL = left as it is */
    size_t n_hashed;  /* columns */
} hash_state;

static aml_status hash_levels(uint32_t **out, const aml_feature *f, unsigned bits, uint32_t first,
                              aml_arena *keep) {
    uint32_t *place = *out = AML_ARRAY(keep, f->n_levels, uint32_t);
    if (!place) return AML_ENOMEM;
    for (uint32_t l = 0; l < f->n_levels; l++) {
        uint64_t h =
            f->levels ? aml_hash(f->levels[l], strlen(f->levels[l]), 0) : aml_hash(&l, sizeof l, 0);
        place[l] = first + (uint32_t)(h * 0x9E3779B97F4A7C15u >> (64 - bits));
    }
    return AML_OK;
}

static aml_status fit(void **state, const aml_table *x, const aml_data *target, const double *hp,
                      aml_ctx *ctx) {
    hash_state *s = AML_NEW(ctx->keep, hash_state);
    (void)target; /* hashing learns from no row */
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_of(&s->signature, x, ctx->keep));
    s->bits = (uint8_t)hp[BITS];
    s->place = AML_ARRAY(ctx->keep, x->p, uint32_t *);
    if (!s->place) return AML_ENOMEM;
    for (size_t j = 0; j < x->p; j++) {
        const aml_feature *f = &x->features[j];
        if (f->kind != AML_CATEGORY || f->n_levels < hp[MIN_LEVELS]) continue;
        if (aml_should_stop(ctx)) return aml_stopped();
        uint32_t first = (uint32_t)(s->n_hashed++ << s->bits);
        AML_TRY(hash_levels(&s->place[j], f, s->bits, first, ctx->keep));
    }
    *state = s;
    return AML_OK;
}

static aml_status apply(aml_table *out, const void *state, const aml_table *x, aml_ctx *ctx) {
    const hash_state *s = state;
    AML_TRY(aml_signature_check(&s->signature, x));
    aml_block *block = AML_ARRAY(ctx->scratch, s->n_hashed, aml_block);
    size_t n = 0;
    if (!block) return AML_ENOMEM;
    for (size_t j = 0; j < x->p; j++) {
        if (!s->place[j]) continue;
        block[n] = (aml_block){.prefix = aml_feature_name(ctx->keep, x->features[j].name, "~", ""),
                               .source = x->features[j].source,
                               .n_columns = (uint32_t)1 << s->bits};
        if (!block[n++].prefix) return AML_ENOMEM;
    }
    return aml_indicators_apply(out, x, (const uint32_t *const *)s->place, n << s->bits, block, n,
                                ctx);
}

static aml_status lower(aml_ir_table *out, const void *state, const aml_ir_table *x, aml_ir *ir) {
    const hash_state *s = state;
    aml_ir_columns b = aml_ir_columns_of(ir, x);
    uint32_t mask = ((uint32_t)1 << s->bits) - 1;
    for (size_t j = 0; j < x->n; j++) {
        uint32_t n_levels = s->signature.n_levels[j];
        if (!s->place[j]) {
            aml_ir_push(&b, x->column[j]);
            continue;
        }
        aml_ir_op1(ir, AML_OP_INDICATOR, x->column[j]);
        int32_t *place = aml_ir_new(ir, "place", AML_I32, n_levels);
        for (uint32_t l = 0; place && l < n_levels; l++)
            place[l] = (int32_t)(s->place[j][l] & mask);
        aml_ir_push(&b, aml_ir_out(ir, AML_IR_SPARSE, (size_t)mask + 1));
    }
    *out = b.to;
    return ir->status;
}

static void save(const void *state, aml_writer *w) {
    const hash_state *s = state;
    aml_signature_save(&s->signature, w);
    aml_put_u8(w, s->bits);
    for (size_t j = 0; j < s->signature.p; j++) {
        if (s->signature.kind[j] != AML_CATEGORY) continue;
        aml_put_u8(w, s->place[j] != NULL);
        if (s->place[j]) aml_put_u32s(w, s->place[j], s->signature.n_levels[j]);
    }
}

static aml_status load(void **state, aml_reader *r, aml_ctx *ctx) {
    hash_state *s = AML_NEW(ctx->keep, hash_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_load(&s->signature, r, ctx->keep));
    s->bits = aml_get_u8(r);
    if (!r->status && (s->bits < LEAST_BITS || s->bits > MOST_BITS))
        return aml_reader_fail(r, "%u bits of a hash", s->bits);
    s->place = AML_ARRAY(ctx->keep, s->signature.p, uint32_t *);
    if (!s->place) return AML_ENOMEM;
    for (size_t j = 0; j < s->signature.p && !r->status; j++) {
        if (s->signature.kind[j] != AML_CATEGORY || !aml_get_u8(r)) continue;
        size_t n = s->signature.n_levels[j];
        s->place[j] = aml_get_u32s(r, ctx->keep, n, NULL);
        for (size_t l = 0; s->place[j] && l < n; l++)
            if (s->place[j][l] >> s->bits != s->n_hashed)
                return aml_reader_fail(r, "the hashed column of level %zu", l);
        s->n_hashed++;
    }
    *state = s;
    return r->status;
}

extern const aml_step aml_step_hash_one_hot;
const aml_step aml_step_hash_one_hot = {
    .abi = AML_ABI,
    .name = "hash_one_hot",
    .summary = "Turns categories with many levels into sparse 0/1 columns shared by hash",
    .kinds = AML_CATEGORY,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .apply = apply,
    .save = AML_FIT(save),
    .load = load,
    .lower = AML_FIT(lower),
};
