/* ordinal.c: a category becomes its level's rank by frequency; missing and unseen become NaN. */
#include <math.h>

#include "automl/core/sort.h"
#include "featurize/parts/levels.h"
#include "featurize/parts/table.h"

static const char *const what[] = {"rank"};

static aml_status rank(float *value, const aml_feature *f, const aml_data *target, aml_ctx *ctx) {
    size_t levels = f->n_levels;
    uint32_t *count = AML_ARRAY(ctx->scratch, levels + 2, uint32_t);
    uint32_t *order = AML_ARRAY(ctx->scratch, levels, uint32_t);
    double *key = AML_ARRAY(ctx->scratch, levels, double);
    if (!count || !order || !key) return AML_ENOMEM;
    aml_level_counts(count, f, target->rows, target->n);
    for (size_t l = 0; l < levels; l++) key[l] = -(double)count[l];
    AML_TRY(aml_argsort(order, key, levels));
    for (size_t i = 0; i < levels; i++) value[order[i]] = count[order[i]] ? (float)i : NAN;
    value[levels] = value[levels + 1] = NAN;
    return AML_OK;
}

static aml_status fit(void **state, const aml_table *x, const aml_data *target, const double *hp,
                      aml_ctx *ctx) {
    (void)hp;
    return aml_encode_levels(state, x, target, rank, false, ctx);
}

static aml_status apply(aml_table *out, const void *state, const aml_table *x, aml_ctx *ctx) {
    return aml_encoder_apply(out, NULL, state, what, x, ctx);
}

static aml_status lower(aml_ir_table *out, const void *state, const aml_ir_table *x, aml_ir *ir) {
    return aml_encoder_lower(out, state, x, ir);
}

static void save(const void *state, aml_writer *w) { aml_encoder_save(state, w); }

extern const aml_step aml_step_ordinal;
const aml_step aml_step_ordinal = {
    .abi = AML_ABI,
    .name = "ordinal",
    .summary = "Turns categories into ranks by frequency",
    .kinds = AML_CATEGORY,
    .fit = AML_FIT(fit),
    .apply = apply,
    .save = AML_FIT(save),
    .load = aml_encode_levels_load,
    .lower = AML_FIT(lower),
};
