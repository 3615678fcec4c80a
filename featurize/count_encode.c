/* count_encode.c: a category becomes log(1 + how often its level was seen). Missing is a level of
 * its own here, unseen gives 0. */
#include <math.h>

#include "featurize/parts/levels.h"
#include "featurize/parts/table.h"

static const char *const what[] = {"count"};
static const char *const keep_choices[] = {"false", "true", NULL};
static const aml_param params[] = {{.name = "keep_original",
                                    .summary = "Keep the category beside its count",
                                    .kind = AML_CHOICE,
                                    .fallback = 0,
                                    .choices = keep_choices},
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
    aml_encoder *e = AML_NEW(ctx->keep, aml_encoder);
    uint8_t *acts = AML_ARRAY(ctx->scratch, x->p, uint8_t);
    if (!e || !acts) return AML_ENOMEM;
    for (size_t j = 0; j < x->p; j++) acts[j] = x->features[j].kind == AML_CATEGORY;
    AML_TRY(aml_encoder_init(e, x, acts, 1, hp[0] == 1, ctx->keep));
    for (size_t j = 0; j < x->p; j++) {
        if (aml_should_stop(ctx)) return aml_stopped();
        if (acts[j]) AML_TRY(count_levels(e->value[j], &x->features[j], target, ctx));
    }
    *state = e;
    return AML_OK;
}

static aml_status apply(aml_table *out, const void *state, const aml_table *x, aml_ctx *ctx) {
    return aml_encoder_apply(out, NULL, state, what, x, ctx);
}

static void save(const void *state, aml_writer *w) { aml_encoder_save(state, w); }

static aml_status load(void **state, aml_reader *r, aml_ctx *ctx) {
    aml_encoder *e = AML_NEW(ctx->keep, aml_encoder);
    if (!e) return AML_ENOMEM;
    AML_TRY(aml_encoder_load(e, r, ctx->keep));
    if (e->width != 1) return aml_reader_fail(r, "counts of %zu columns", e->width);
    *state = e;
    return AML_OK;
}

extern const aml_step aml_step_count_encode;
const aml_step aml_step_count_encode = {
    .abi = AML_ABI,
    .name = "count_encode",
    .summary = "Turns categories into log counts of their levels",
    .kinds = AML_CATEGORY,
    .params = params,
    .fit = fit,
    .apply = apply,
    .save = save,
    .load = load,
};
