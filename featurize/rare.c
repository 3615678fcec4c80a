/* rare.c: rare category levels are folded into one level "other". */
#include "automl/core/sort.h"
#include "featurize/parts/each.h"
#include "featurize/parts/levels.h"
#include "featurize/parts/table.h"

static const aml_param params[] = {{.name = "min_count",
                                    .summary = "Levels seen less often are folded",
                                    .kind = AML_INT,
                                    .log = true,
                                    .lo = 1,
                                    .hi = 200,
                                    .fallback = 3},
                                   {.name = "max_levels",
                                    .summary = "Only the most frequent levels are kept",
                                    .kind = AML_INT,
                                    .log = true,
                                    .lo = 2,
                                    .hi = 10000,
                                    .fallback = 200},
                                   {0}};

/* What becomes of a level. */
enum { KEPT, FOLDED, UNSEEN };

typedef struct rare_column {
    uint8_t *fate; /* per old level */
    int32_t *code; /* per old level */
    uint32_t n_kept;
    bool other;   /* there is a level n_kept for all that is folded, and for unseen ones */
    bool changed; /* not simply all levels as they were */
} rare_column;

typedef struct rare_state {
    aml_signature signature;
    rare_column *column; /* per column */
} rare_state;

static aml_status number_levels(rare_column *c, uint32_t n_levels, aml_arena *keep) {
    c->code = AML_ARRAY(keep, n_levels, int32_t);
    if (!c->code) return AML_ENOMEM;
    for (uint32_t l = 0; l < n_levels; l++) {
        if (c->fate[l] == KEPT) c->code[l] = (int32_t)c->n_kept++;
        c->other |= c->fate[l] == FOLDED;
        c->changed |= c->fate[l] != KEPT;
    }
    for (uint32_t l = 0; l < n_levels; l++)
        if (c->fate[l] != KEPT) c->code[l] = c->other ? (int32_t)c->n_kept : -2;
    return AML_OK;
}

static aml_status learn(rare_column *c, const aml_feature *f, const aml_data *target,
                        const double *hp, aml_ctx *ctx) {
    size_t levels = f->n_levels;
    c->fate = AML_ARRAY(ctx->keep, levels, uint8_t);
    uint32_t *count = AML_ARRAY(ctx->scratch, levels + 2, uint32_t);
    uint32_t *order = AML_ARRAY(ctx->scratch, levels, uint32_t);
    double *key = AML_ARRAY(ctx->scratch, levels, double);
    if (!c->fate || !count || !order || !key) return AML_ENOMEM;
    aml_level_counts(count, f, target->rows, target->n);
    for (size_t l = 0; l < levels; l++) key[l] = -(double)count[l];
    AML_TRY(aml_argsort(order, key, levels));
    for (size_t i = 0; i < levels; i++) {
        uint32_t l = order[i];
        bool keep = count[l] >= hp[0] && (double)i < hp[1];
        c->fate[l] = !count[l] ? UNSEEN : keep ? KEPT : FOLDED;
    }
    return number_levels(c, f->n_levels, ctx->keep);
}

static aml_status fit(void **state, const aml_table *x, const aml_data *target, const double *hp,
                      aml_ctx *ctx) {
    rare_state *s = AML_NEW(ctx->keep, rare_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_of(&s->signature, x, ctx->keep));
    s->column = AML_ARRAY(ctx->keep, x->p, rare_column);
    if (!s->column) return AML_ENOMEM;
    for (size_t j = 0; j < x->p; j++) {
        if (x->features[j].kind != AML_CATEGORY) continue;
        if (aml_should_stop(ctx)) return aml_stopped();
        AML_TRY(learn(&s->column[j], &x->features[j], target, hp, ctx));
    }
    *state = s;
    return AML_OK;
}

typedef struct apply_job {
    const rare_state *s;
    const aml_table *x;
    int32_t **code; /* per column, NULL = shared */
} apply_job;

static aml_status recode(void *arg, size_t j, int thread) {
    const apply_job *u = arg;
    const aml_feature *f = &u->x->features[j];
    const rare_column *c = &u->s->column[j];
    int32_t unseen = c->other ? (int32_t)c->n_kept : -2, *out = u->code[j];
    (void)thread;
    for (size_t i = 0; out && i < u->x->n; i++) {
        size_t l = aml_level_row(f->code[i], f->n_levels);
        out[i] = l < f->n_levels ? c->code[l] : l == f->n_levels ? -1 : unseen;
    }
    return AML_OK;
}

static aml_status kept_levels(const char *const **out, const rare_column *c, const aml_feature *f,
                              aml_ctx *ctx) {
    *out = NULL;
    if (!f->levels) return AML_OK;
    const char **levels = AML_ARRAY(ctx->keep, (size_t)c->n_kept + 1, const char *);
    if (!levels) return AML_ENOMEM;
    for (uint32_t l = 0; l < f->n_levels; l++)
        if (c->fate[l] == KEPT) levels[c->code[l]] = f->levels[l];
    levels[c->n_kept] = "other";
    *out = levels;
    return AML_OK;
}

static aml_status apply(aml_table *out, const void *state, const aml_table *x, aml_ctx *ctx) {
    const rare_state *s = state;
    AML_TRY(aml_signature_check(&s->signature, x));
    int32_t **code = AML_ARRAY(ctx->scratch, x->p, int32_t *);
    aml_table_builder b = aml_table_begin(x, x->p, ctx);
    if (!code) return AML_ENOMEM;
    for (size_t j = 0; j < x->p; j++) {
        const aml_feature *f = &x->features[j];
        const rare_column *c = &s->column[j];
        const char *const *levels;
        if (!c->changed) {
            aml_table_share(&b, f);
            continue;
        }
        AML_TRY(kept_levels(&levels, c, f, ctx));
        code[j] = aml_table_category(&b, f, c->n_kept + c->other, levels);
    }
    AML_TRY(aml_table_end(out, &b));
    return aml_each(ctx, x->p, recode, &(apply_job){s, x, code});
}

static aml_status lower(aml_ir_table *out, const void *state, const aml_ir_table *x, aml_ir *ir) {
    const rare_state *s = state;
    aml_ir_columns b = aml_ir_columns_of(ir, x);
    for (size_t j = 0; j < x->n; j++) {
        const rare_column *c = &s->column[j];
        uint32_t n_levels = s->signature.n_levels[j];
        if (!c->changed) {
            aml_ir_push(&b, x->column[j]);
            continue;
        }
        aml_ir_op1(ir, AML_OP_RECODE, x->column[j]);
        int32_t *table = aml_ir_new(ir, "table", AML_I32, (size_t)n_levels + 2);
        for (uint32_t l = 0; table && l < n_levels; l++) table[l] = c->code[l];
        if (table) table[n_levels] = -1;
        if (table) table[n_levels + 1] = c->other ? (int32_t)c->n_kept : -2;
        aml_ir_push(&b, aml_ir_out(ir, AML_IR_CODE, c->n_kept + c->other));
    }
    *out = b.to;
    return ir->status;
}

static void save(const void *state, aml_writer *w) {
    const rare_state *s = state;
    aml_signature_save(&s->signature, w);
    for (size_t j = 0; j < s->signature.p; j++)
        if (s->signature.kind[j] == AML_CATEGORY)
            aml_put_u8s(w, s->column[j].fate, s->signature.n_levels[j]);
}

static aml_status load(void **state, aml_reader *r, aml_ctx *ctx) {
    rare_state *s = AML_NEW(ctx->keep, rare_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_load(&s->signature, r, ctx->keep));
    s->column = AML_ARRAY(ctx->keep, s->signature.p, rare_column);
    if (!s->column) return AML_ENOMEM;
    for (size_t j = 0; j < s->signature.p; j++) {
        if (s->signature.kind[j] != AML_CATEGORY) continue;
        rare_column *c = &s->column[j];
        c->fate = aml_get_u8s(r, ctx->keep, s->signature.n_levels[j], NULL);
        if (!c->fate) return r->status;
        for (uint32_t l = 0; l < s->signature.n_levels[j]; l++)
            if (c->fate[l] > UNSEEN) return aml_reader_fail(r, "a level of column %zu", j);
        AML_TRY(number_levels(c, s->signature.n_levels[j], ctx->keep));
    }
    *state = s;
    return AML_OK;
}

extern const aml_step aml_step_rare;
const aml_step aml_step_rare = {
    .abi = AML_ABI,
    .name = "rare",
    .summary = "Folds rare category levels into one",
    .kinds = AML_CATEGORY,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .apply = apply,
    .save = AML_FIT(save),
    .load = load,
    .lower = AML_FIT(lower),
};
