/* one_hot.c: a category becomes one 0/1 column for each of its most frequent levels; sparse when
 * that makes many columns. Missing, unseen and less frequent levels are 0 in all of them. */

#include "automl/core/sort.h"
#include "featurize/parts/each.h"
#include "featurize/parts/indicators.h"
#include "featurize/parts/levels.h"
#include "featurize/parts/table.h"

enum { MAX_LEVELS, SPARSE_FROM };

static const aml_param params[] = {{.name = "max_levels",
                                    .summary = "Only this many most frequent levels get a column",
                                    .kind = AML_INT,
                                    .log = true,
                                    .lo = 2,
                                    .hi = 10000,
                                    .fallback = 100},
                                   {.name = "sparse_from",
                                    .summary = "From this many new columns on they are sparse",
                                    .kind = AML_INT,
                                    .log = true,
                                    .lo = 1,
                                    .hi = 1e9,
                                    .fallback = 256,
                                    .fixed = true},
                                   {0}};

typedef struct hot_column {
    uint8_t *hot;    /* per level: has it a column? */
    uint32_t *place; /* per level: number of its new column, UINT32_MAX = none */
} hot_column;

typedef struct hot_state {
    aml_signature signature;
    hot_column *column; /* per column */
    size_t n_new;
    bool sparse;
} hot_state;

/* Numbers the new columns by column, then level. */
static aml_status number_columns(hot_state *s, aml_arena *keep) {
    uint32_t next = 0;
    for (size_t j = 0; j < s->signature.p; j++) {
        hot_column *c = &s->column[j];
        if (!c->hot) continue;
        c->place = AML_ARRAY(keep, s->signature.n_levels[j], uint32_t);
        if (!c->place) return AML_ENOMEM;
        for (uint32_t l = 0; l < s->signature.n_levels[j]; l++)
            c->place[l] = c->hot[l] ? next++ : UINT32_MAX;
    }
    s->n_new = next;
    return AML_OK;
}

static aml_status learn(hot_column *c, const aml_feature *f, const aml_data *target,
                        double max_levels, aml_ctx *ctx) {
    size_t levels = f->n_levels;
    c->hot = AML_ARRAY(ctx->keep, levels, uint8_t);
    uint32_t *count = AML_ARRAY(ctx->scratch, levels + 2, uint32_t);
    uint32_t *order = AML_ARRAY(ctx->scratch, levels, uint32_t);
    double *key = AML_ARRAY(ctx->scratch, levels, double);
    if (!c->hot || !count || !order || !key) return AML_ENOMEM;
    aml_level_counts(count, f, target->rows, target->n);
    for (size_t l = 0; l < levels; l++) key[l] = -(double)count[l];
    AML_TRY(aml_argsort(order, key, levels));
    for (size_t i = 0; i < levels && (double)i < max_levels; i++)
        c->hot[order[i]] = count[order[i]] > 0;
    return AML_OK;
}

static aml_status fit(void **state, const aml_table *x, const aml_data *target, const double *hp,
                      aml_ctx *ctx) {
    hot_state *s = AML_NEW(ctx->keep, hot_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_of(&s->signature, x, ctx->keep));
    s->column = AML_ARRAY(ctx->keep, x->p, hot_column);
    if (!s->column) return AML_ENOMEM;
    for (size_t j = 0; j < x->p; j++) {
        if (aml_should_stop(ctx)) return aml_stopped();
        if (x->features[j].kind == AML_CATEGORY)
            AML_TRY(learn(&s->column[j], &x->features[j], target, hp[MAX_LEVELS], ctx));
    }
    AML_TRY(number_columns(s, ctx->keep));
    s->sparse = (double)s->n_new >= hp[SPARSE_FROM];
    *state = s;
    return AML_OK;
}

typedef struct job {
    const hot_state *s;
    const aml_table *x;
    float **dense; /* n_new columns, all 0 */
} job;

static uint32_t place_of(const job *u, size_t j, size_t row) {
    const aml_feature *f = &u->x->features[j];
    size_t l = aml_level_row(f->code[row], f->n_levels);
    return l < f->n_levels ? u->s->column[j].place[l] : UINT32_MAX;
}

static aml_status fill_dense(void *arg, size_t j, int thread) {
    const job *u = arg;
    (void)thread;
    for (size_t i = 0; u->s->column[j].hot && i < u->x->n; i++) {
        uint32_t place = place_of(u, j, i);
        if (place != UINT32_MAX) u->dense[place][i] = 1;
    }
    return AML_OK;
}

static aml_status dense_columns(aml_table_builder *b, const job *u, aml_ctx *ctx) {
    for (size_t j = 0; j < u->x->p; j++) {
        const aml_feature *f = &u->x->features[j];
        if (!u->s->column[j].hot) {
            aml_table_share(b, f);
            continue;
        }
        for (uint32_t l = 0; l < f->n_levels; l++) {
            if (!u->s->column[j].hot[l]) continue;
            const char *name = f->levels ? aml_feature_name(ctx->keep, f->name, "=", f->levels[l])
                                         : aml_feature_number(ctx->keep, f->name, "=#", l);
            float *v = aml_table_derived(b, name, f);
            if (!v) return AML_ENOMEM;
            for (size_t i = 0; i < u->x->n; i++) v[i] = 0;
            u->dense[u->s->column[j].place[l]] = v;
        }
    }
    return AML_OK;
}

/* A block for each category column, named by its levels. */
static aml_status describe(aml_block **out, size_t *n, const hot_state *s, const aml_table *x,
                           aml_ctx *ctx) {
    aml_block *block = *out = AML_ARRAY(ctx->scratch, x->p, aml_block);
    if (!block) return AML_ENOMEM;
    for (size_t j = 0; j < x->p; j++) {
        const aml_feature *f = &x->features[j];
        if (!s->column[j].hot) continue;
        const char **names = AML_ARRAY(ctx->keep, (size_t)f->n_levels + 1, const char *);
        block->prefix = aml_feature_name(ctx->keep, f->name, f->levels ? "=" : "=#", "");
        block->source = f->source;
        if (!names || !block->prefix) return AML_ENOMEM;
        for (uint32_t l = 0; l < f->n_levels; l++)
            if (s->column[j].hot[l]) names[block->n_columns++] = f->levels ? f->levels[l] : NULL;
        block->names = f->levels ? names : NULL;
        block++;
    }
    *n = (size_t)(block - *out);
    return AML_OK;
}

static aml_status sparse_apply(aml_table *out, const hot_state *s, const aml_table *x,
                               aml_ctx *ctx) {
    const uint32_t **place = AML_ARRAY(ctx->scratch, x->p, const uint32_t *);
    aml_block *blocks;
    size_t n_blocks;
    if (!place) return AML_ENOMEM;
    for (size_t j = 0; j < x->p; j++) place[j] = s->column[j].place;
    AML_TRY(describe(&blocks, &n_blocks, s, x, ctx));
    return aml_indicators_apply(out, x, place, s->n_new, blocks, n_blocks, ctx);
}

static aml_status apply(aml_table *out, const void *state, const aml_table *x, aml_ctx *ctx) {
    const hot_state *s = state;
    AML_TRY(aml_signature_check(&s->signature, x));
    if (s->sparse) return sparse_apply(out, s, x, ctx);
    job u = {.s = s, .x = x};
    aml_table_builder b = aml_table_begin(x, x->p + s->n_new, ctx);
    u.dense = AML_ARRAY(ctx->scratch, s->n_new, float *);
    if (!u.dense) return AML_ENOMEM;
    AML_TRY(dense_columns(&b, &u, ctx));
    AML_TRY(aml_table_end(out, &b));
    return aml_each(ctx, x->p, fill_dense, &u);
}

/* The places of a column's levels, counted from its own first. */
static void lower_places(aml_ir *ir, const hot_column *c, uint32_t n_levels) {
    int32_t *place = aml_ir_new(ir, "place", AML_I32, n_levels), next = 0;
    for (uint32_t l = 0; place && l < n_levels; l++) place[l] = c->hot[l] ? next++ : -1;
}

static aml_status lower(aml_ir_table *out, const void *state, const aml_ir_table *x, aml_ir *ir) {
    const hot_state *s = state;
    aml_ir_columns b = aml_ir_columns_of(ir, x);
    for (size_t j = 0; j < x->n; j++) {
        const hot_column *c = &s->column[j];
        size_t n_hot = 0;
        if (!c->hot) {
            aml_ir_push(&b, x->column[j]);
            continue;
        }
        for (uint32_t l = 0; l < s->signature.n_levels[j]; l++) n_hot += c->hot[l];
        aml_ir_op1(ir, s->sparse ? AML_OP_INDICATOR : AML_OP_ONE_HOT, x->column[j]);
        lower_places(ir, c, s->signature.n_levels[j]);
        if (s->sparse) aml_ir_push(&b, aml_ir_out(ir, AML_IR_SPARSE, n_hot));
        for (size_t k = 0; !s->sparse && k < n_hot; k++) aml_ir_push(&b, aml_ir_number(ir));
    }
    *out = b.to;
    return ir->status;
}

static void save(const void *state, aml_writer *w) {
    const hot_state *s = state;
    aml_signature_save(&s->signature, w);
    aml_put_u8(w, s->sparse);
    for (size_t j = 0; j < s->signature.p; j++)
        if (s->column[j].hot) aml_put_u8s(w, s->column[j].hot, s->signature.n_levels[j]);
}

static aml_status load(void **state, aml_reader *r, aml_ctx *ctx) {
    hot_state *s = AML_NEW(ctx->keep, hot_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_load(&s->signature, r, ctx->keep));
    s->column = AML_ARRAY(ctx->keep, s->signature.p, hot_column);
    if (!s->column) return AML_ENOMEM;
    s->sparse = aml_get_u8(r) != 0;
    for (size_t j = 0; j < s->signature.p; j++) {
        if (s->signature.kind[j] != AML_CATEGORY) continue;
        s->column[j].hot = aml_get_u8s(r, ctx->keep, s->signature.n_levels[j], NULL);
        if (!s->column[j].hot) return r->status;
    }
    AML_TRY(number_columns(s, ctx->keep));
    *state = s;
    return r->status;
}

extern const aml_step aml_step_one_hot;
const aml_step aml_step_one_hot = {
    .abi = AML_ABI,
    .name = "one_hot",
    .summary = "Turns categories into one 0/1 column for each level",
    .kinds = AML_CATEGORY,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .apply = apply,
    .save = AML_FIT(save),
    .load = load,
    .lower = AML_FIT(lower),
};
