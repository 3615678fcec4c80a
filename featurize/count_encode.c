/* count_encode.c: a category becomes log(1 + how often its level was seen). Missing is a level of
 * its own here, unseen gives 0. */
#include <math.h>

#include "featurize/parts/levels.h"
#include "featurize/parts/table.h"

static const char *const what[] = {"count"};
static const aml_param params[] = {{.name = "keep_original",
                                    .summary = "Keep the category beside its count",
                                    .kind = AML_CHOICE,
                                    .fallback = 0,
                                    .choices = aml_flag_choices},
                                   {0}};

static aml_status count_levels(float *value, const aml_feature *f, const aml_data *target,
                               aml_ctx *ctx) {
    size_t levels = (size_t)f->n_levels + 2;
    uint32_t *count = AML_ARRAY(ctx->scratch, levels, uint32_t);
    if (!count) return AML_ENOMEM;
    aml_level_counts(count, f, target->rows, target->n);
    for (size_t l = 0; l < levels; l++) value[l] = (float)log1p(count[l]);
    value[levels - 1] = 0;
    return AML_OK;
}

static aml_status fit(void **state, const aml_table *x, const aml_data *target, const double *hp,
                      aml_ctx *ctx) {
    return aml_encode_levels(state, x, target, count_levels, hp[0] == 1, ctx);
}

static aml_status apply(aml_table *out, const void *state, const aml_table *x, aml_ctx *ctx) {
    return aml_encoder_apply(out, NULL, state, what, x, ctx);
}

static aml_status lower(aml_ir_table *out, const void *state, const aml_ir_table *x, aml_ir *ir) {
    return aml_encoder_lower(out, state, x, ir);
}

static void save(const void *state, aml_writer *w) { aml_encoder_save(state, w); }

extern const aml_step aml_step_count_encode;
const aml_step aml_step_count_encode = {
    .abi = AML_ABI,
    .name = "count_encode",
    .summary = "Turns categories into log counts of their levels",
    .kinds = AML_CATEGORY,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .apply = apply,
    .save = AML_FIT(save),
    .load = aml_encode_levels_load,
    .lower = AML_FIT(lower),
};
