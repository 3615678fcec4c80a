/* few_valued.c: a number with few different values becomes a category, a level for each value. */
#include <math.h>
#include <string.h>

#include "automl/core/sort.h"
#include "automl/core/text.h"
#include "featurize/parts/each.h"
#include "featurize/parts/signature.h"
#include "featurize/parts/table.h"

enum { MAX_VALUES, KEEP_ORIGINAL };
enum { LEAST_VALUES = 2, MOST_VALUES = 255 };

static const aml_param params[] = {{.name = "max_values",
                                    .summary = "Most different values of a number that is turned",
                                    .kind = AML_INT,
                                    .log = true,
                                    .lo = LEAST_VALUES,
                                    .hi = MOST_VALUES,
                                    .fallback = 24},
                                   {.name = "keep_original",
                                    .summary = "Keep the number beside its category",
                                    .kind = AML_CHOICE,
                                    .fallback = 1,
                                    .choices = aml_flag_choices},
                                   {0}};

typedef struct few_state {
    aml_signature signature;
    bool keep_original;
    float **value;    /* per column: its values upwards, NULL = left as it is */
    size_t *n_values; /* per column */
} few_state;

typedef struct fit_job {
    const aml_table *x;
    const aml_data *target;
    size_t most;
    float *value; /* p × (most + 1) */
    size_t *n;    /* found so far; most + 1 = too many */
} fit_job;

/* Place of x among v[0 … n-1], or where it would stand. */
static size_t place_of(const float *v, size_t n, float x) {
    size_t low = 0;
    while (low < n) {
        size_t middle = (low + n) / 2;
        if (v[middle] < x) low = middle + 1;
        else n = middle;
    }
    return low;
}

static aml_status look(void *arg, size_t j, int thread) {
    const fit_job *u = arg;
    const aml_feature *f = &u->x->features[j];
    float *v = u->value + j * (u->most + 1);
    size_t n = 0;
    (void)thread;
    if (f->kind != AML_NUMBER) return AML_OK;
    for (size_t i = 0; n <= u->most && i < u->target->n; i++) {
        float x = f->x[u->target->rows[i]] + 0.0f; /* -0 is 0 */
        size_t at = place_of(v, n, x);
        if (isnan(x) || (at < n && v[at] == x)) continue;
        memmove(v + at + 1, v + at, (n - at) * sizeof *v);
        v[at] = x;
        n++;
    }
    u->n[j] = n;
    return AML_OK;
}

static aml_status fit(void **state, const aml_table *x, const aml_data *target, const double *hp,
                      aml_ctx *ctx) {
    few_state *s = AML_NEW(ctx->keep, few_state);
    fit_job u = {.x = x, .target = target, .most = (size_t)hp[MAX_VALUES]};
    u.value = aml_alloc_raw(ctx->scratch, x->p * (u.most + 2), sizeof *u.value);
    u.n = AML_ARRAY(ctx->scratch, x->p, size_t);
    if (!s || !u.value || !u.n) return AML_ENOMEM;
    AML_TRY(aml_signature_of(&s->signature, x, ctx->keep));
    s->keep_original = hp[KEEP_ORIGINAL] == 1;
    s->value = AML_ARRAY(ctx->keep, x->p, float *);
    s->n_values = AML_ARRAY(ctx->keep, x->p, size_t);
    if (!s->value || !s->n_values) return AML_ENOMEM;
    *state = s;
    AML_TRY(aml_each(ctx, x->p, look, &u));
    for (size_t j = 0; j < x->p; j++) {
        if (u.n[j] < LEAST_VALUES || u.n[j] > u.most) continue;
        s->n_values[j] = u.n[j];
        s->value[j] = aml_copy(ctx->keep, u.value + j * (u.most + 1), u.n[j] * sizeof(float));
        if (!s->value[j]) return AML_ENOMEM;
    }
    return AML_OK;
}

typedef struct apply_job {
    const few_state *s;
    const aml_table *x;
    int32_t **code; /* per column, or NULL */
} apply_job;

static aml_status fill(void *arg, size_t j, int thread) {
    const apply_job *u = arg;
    int32_t *code = u->code[j];
    const float *x = u->x->features[j].x, *v = u->s->value[j];
    size_t n = u->s->n_values[j];
    (void)thread;
    for (size_t i = 0; code && i < u->x->n; i++) {
        size_t at = isnan(x[i]) ? 0 : place_of(v, n, x[i]);
        code[i] = isnan(x[i]) ? -1 : at < n && v[at] == x[i] ? (int32_t)at : -2;
    }
    return AML_OK;
}

static aml_status name_levels(const char *const **out, const float *v, size_t n, aml_arena *keep) {
    const char **levels = AML_ARRAY(keep, n, const char *);
    if (!levels) return AML_ENOMEM;
    for (size_t l = 0; l < n; l++) {
        char text[32];
        levels[l] = aml_strndup(keep, text, aml_format_double(text, (double)v[l]));
        if (!levels[l]) return AML_ENOMEM;
    }
    *out = levels;
    return AML_OK;
}

static aml_status apply(aml_table *out, const void *state, const aml_table *x, aml_ctx *ctx) {
    const few_state *s = state;
    AML_TRY(aml_signature_check(&s->signature, x));
    int32_t **code = AML_ARRAY(ctx->scratch, x->p, int32_t *);
    if (!code) return AML_ENOMEM;
    aml_table_builder b = aml_table_begin(x, 2 * x->p, ctx);
    for (size_t j = 0; j < x->p; j++)
        if (!s->value[j] || s->keep_original) aml_table_share(&b, &x->features[j]);
    for (size_t j = 0; j < x->p; j++) {
        if (!s->value[j]) continue;
        aml_feature made = x->features[j];
        made.name = aml_feature_name(ctx->keep, made.name, ".", "level");
        made.x = NULL;
        made.n_levels = (uint32_t)s->n_values[j];
        AML_TRY(name_levels(&made.levels, s->value[j], s->n_values[j], ctx->keep));
        code[j] = aml_table_new_category(&b, &made);
    }
    AML_TRY(aml_table_end(out, &b));
    return aml_each(ctx, x->p, fill, &(apply_job){s, x, code});
}

static aml_status lower(aml_ir_table *out, const void *state, const aml_ir_table *x, aml_ir *ir) {
    const few_state *s = state;
    aml_ir_columns b = aml_ir_columns_of(ir, x);
    for (size_t j = 0; j < x->n; j++)
        if (!s->value[j] || s->keep_original) aml_ir_push(&b, x->column[j]);
    for (size_t j = 0; j < x->n; j++) {
        if (!s->value[j]) continue;
        aml_ir_op1(ir, AML_OP_FEW_VALUES, x->column[j]);
        aml_ir_array(ir, "value", AML_F32, s->value[j], s->n_values[j]);
        aml_ir_push(&b, aml_ir_out(ir, AML_IR_CODE, s->n_values[j]));
    }
    *out = b.to;
    return ir->status;
}

static void save(const void *state, aml_writer *w) {
    const few_state *s = state;
    aml_signature_save(&s->signature, w);
    aml_put_u8(w, s->keep_original);
    for (size_t j = 0; j < s->signature.p; j++)
        if (s->signature.kind[j] == AML_NUMBER) aml_put_f32s(w, s->value[j], s->n_values[j]);
}

static aml_status load(void **state, aml_reader *r, aml_ctx *ctx) {
    few_state *s = AML_NEW(ctx->keep, few_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_load(&s->signature, r, ctx->keep));
    s->keep_original = aml_get_u8(r) != 0;
    s->value = AML_ARRAY(ctx->keep, s->signature.p, float *);
    s->n_values = AML_ARRAY(ctx->keep, s->signature.p, size_t);
    if (!s->value || !s->n_values) return AML_ENOMEM;
    for (size_t j = 0; j < s->signature.p; j++) {
        if (s->signature.kind[j] != AML_NUMBER) continue;
        float *v = aml_get_f32s(r, ctx->keep, SIZE_MAX, &s->n_values[j]);
        if (!v) return r->status;
        if (s->n_values[j] > MOST_VALUES)
            return aml_reader_fail(r, "%zu values of a number", s->n_values[j]);
        for (size_t i = 0; i < s->n_values[j]; i++)
            if (!isfinite(v[i]) || (i && !(v[i] > v[i - 1])))
                return aml_reader_fail(r, "value %zu of a number", i);
        s->value[j] = s->n_values[j] ? v : NULL;
    }
    *state = s;
    return r->status;
}

extern const aml_step aml_step_few_valued;
const aml_step aml_step_few_valued = {
    .abi = AML_ABI,
    .name = "few_valued",
    .summary = "Turns numbers with few different values into categories",
    .kinds = AML_NUMBER,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .apply = apply,
    .save = AML_FIT(save),
    .load = load,
    .lower = AML_FIT(lower),
};
