/* cross.c: two categories become one, with a level for each pair of levels, where the pair says something
 * of the target that neither says by itself (parts/screen.h). Missing counts as a level. */
#include <stdlib.h>
#include <string.h>

#include "automl/core/sort.h"
#include "featurize/parts/levels.h"
#include "featurize/parts/pairs.h"

enum { MAX_NEW, COLUMNS, MIN_COUNT, ERRORS };

static const aml_param params[] = {{.name = "max_new",
                                    .summary = "At most this many new categories",
                                    .kind = AML_INT,
                                    .log = true,
                                    .lo = 1,
                                    .hi = 64,
                                    .fallback = 8},
                                   {.name = "columns",
                                    .summary = "Pairs are made of this many of the best categories",
                                    .kind = AML_INT,
                                    .log = true,
                                    .lo = 2,
                                    .hi = 64,
                                    .fallback = 16},
                                   {.name = "min_count",
                                    .summary = "Rows that a pair of levels needs to be a level",
                                    .kind = AML_INT,
                                    .log = true,
                                    .lo = 1,
                                    .hi = 100,
                                    .fallback = 3},
                                   {.name = "errors",
                                    .summary = "Standard errors beyond chance that a cross needs",
                                    .kind = AML_REAL,
                                    .lo = 0,
                                    .hi = 10,
                                    .fallback = 4},
                                   {0}};

/* Level c stands for row first[c] of column a's levels and row second[c] of b's (levels.h). */
typedef struct crossing {
    uint32_t a, b;
    size_t n_levels;
    uint32_t *first, *second;
    uint32_t *slot; /* open-addressed: level + 1 */
    size_t mask;
} crossing;

typedef struct cross_state {
    aml_signature signature;
    size_t n;
    crossing *crossings;
} cross_state;

/* ---- the levels of a crossing */

static size_t start_of(uint32_t a, uint32_t b, size_t mask) {
    return (size_t)(((uint64_t)a << 32 | b) * 0x9E3779B97F4A7C15u >> 32) & mask;
}

/* The level of a pair, or SIZE_MAX. */
static size_t find_level(const crossing *c, uint32_t a, uint32_t b) {
    for (size_t at = start_of(a, b, c->mask); c->slot[at]; at = (at + 1) & c->mask)
        if (c->first[c->slot[at] - 1] == a && c->second[c->slot[at] - 1] == b)
            return c->slot[at] - 1;
    return SIZE_MAX;
}

static aml_status index_levels(crossing *c, aml_arena *keep) {
    size_t room = 16;
    while (room < 2 * c->n_levels) room *= 2;
    c->mask = room - 1;
    c->slot = AML_ARRAY(keep, room, uint32_t);
    if (!c->slot) return AML_ENOMEM;
    for (size_t l = 0; l < c->n_levels; l++) {
        size_t at = start_of(c->first[l], c->second[l], c->mask);
        while (c->slot[at]) at = (at + 1) & c->mask;
        c->slot[at] = (uint32_t)l + 1;
    }
    return AML_OK;
}

/* The pairs of training rows, sorted; the frequent ones become levels. */
static aml_status learn(crossing *c, const aml_table *x, const aml_data *target, double min_count,
                        aml_ctx *ctx) {
    const aml_feature *f = &x->features[c->a], *g = &x->features[c->b];
    double *pair = aml_alloc_raw(ctx->scratch, target->n, sizeof *pair),
           width = (double)g->n_levels + 2;
    if (!pair) return AML_ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < target->n; i++) {
        size_t row = target->rows[i], a = aml_level_row(f->code[row], f->n_levels),
               b = aml_level_row(g->code[row], g->n_levels);
        if (a <= f->n_levels && b <= g->n_levels) pair[n++] = (double)a * width + (double)b;
    }
    AML_TRY(aml_sort_f64(pair, n));
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && pair[end] == pair[i];) end++;
        if ((double)(end - i) >= min_count) pair[c->n_levels++] = pair[i];
    }
    c->first = AML_ARRAY(ctx->keep, c->n_levels, uint32_t);
    c->second = AML_ARRAY(ctx->keep, c->n_levels, uint32_t);
    if (!c->first || !c->second) return AML_ENOMEM;
    for (size_t l = 0; l < c->n_levels; l++) {
        c->first[l] = (uint32_t)(pair[l] / width);
        c->second[l] = (uint32_t)(pair[l] - c->first[l] * width);
    }
    return index_levels(c, ctx->keep);
}

/* ---- choice */

static aml_status pair_bins(aml_screen_bins *out, const void *arg, size_t k, float *v,
                            float *work) {
    const aml_pairs *p = arg;
    uint32_t a, b;
    (void)v, (void)work;
    aml_pair_at(&a, &b, p, k);
    aml_screen_pair(out, &p->screen, &p->x->features[a], &p->x->features[b]);
    return AML_OK;
}

static aml_status fit(void **state, const aml_table *x, const aml_data *target, const double *hp,
                      aml_ctx *ctx) {
    cross_state *s = AML_NEW(ctx->keep, cross_state);
    aml_pairs pairs = {.ways = 1};
    if (!s) return AML_ENOMEM;
    *state = s;
    AML_TRY(aml_signature_of(&s->signature, x, ctx->keep));
    AML_TRY(aml_pairs_choose(&pairs, x, target, AML_CATEGORY, (size_t)hp[COLUMNS],
                             (size_t)hp[MAX_NEW], hp[ERRORS], pair_bins, ctx));
    s->n = pairs.n_chosen;
    s->crossings = AML_ARRAY(ctx->keep, s->n, crossing);
    if (!s->crossings) return AML_ENOMEM;
    for (size_t k = 0; k < s->n; k++) {
        if (aml_should_stop(ctx)) return aml_stopped();
        aml_pair_at(&s->crossings[k].a, &s->crossings[k].b, &pairs, pairs.chosen[k]);
        AML_TRY(learn(&s->crossings[k], x, target, hp[MIN_COUNT], ctx));
    }
    return AML_OK;
}

/* ---- columns */

static aml_status fill(void *arg, size_t k, int thread) {
    const aml_additions *u = arg;
    const crossing *c = &((const cross_state *)u->state)->crossings[k];
    const aml_feature *f = &u->x->features[c->a], *g = &u->x->features[c->b];
    int32_t *code = u->values[k];
    (void)thread;
    for (size_t i = 0; i < u->x->n; i++) {
        size_t level = find_level(c, (uint32_t)aml_level_row(f->code[i], f->n_levels),
                                  (uint32_t)aml_level_row(g->code[i], g->n_levels));
        code[i] = level == SIZE_MAX ? -2 : (int32_t)level;
    }
    return AML_OK;
}

static const char *level_text(const aml_feature *f, uint32_t l) {
    return l < f->n_levels ? f->levels[l] : "";
}

/* "Rome&red"; NULL where a column's own levels have no texts. */
static aml_status name_levels(const char *const **out, const crossing *c, const aml_feature *f,
                              const aml_feature *g, aml_ctx *ctx) {
    *out = NULL;
    if ((f->n_levels && !f->levels) || (g->n_levels && !g->levels)) return AML_OK;
    const char **levels = AML_ARRAY(ctx->keep, c->n_levels + 1, const char *);
    if (!levels) return AML_ENOMEM;
    for (size_t l = 0; l < c->n_levels; l++) {
        levels[l] = aml_feature_name(ctx->keep, level_text(f, c->first[l]), "&",
                                     level_text(g, c->second[l]));
        if (!levels[l]) return AML_ENOMEM;
    }
    *out = levels;
    return AML_OK;
}

static void *add(aml_table_builder *b, const void *state, const aml_table *x, size_t k,
                 aml_ctx *ctx) {
    const crossing *c = &((const cross_state *)state)->crossings[k];
    const aml_feature *f = &x->features[c->a], *g = &x->features[c->b];
    aml_feature made = {.name = aml_feature_name(ctx->keep, f->name, "&", g->name),
                        .n_levels = (uint32_t)c->n_levels};
    if (name_levels(&made.levels, c, f, g, ctx)) return NULL;
    aml_feature_cross(&made, f, g);
    return aml_table_new_category(b, &made);
}

static aml_status apply(aml_table *out, const void *state, const aml_table *x, aml_ctx *ctx) {
    const cross_state *s = state;
    return aml_table_append(out, &s->signature, x, s->n, s, add, fill, ctx);
}

static aml_status lower(aml_ir_table *out, const void *state, const aml_ir_table *x, aml_ir *ir) {
    const cross_state *s = state;
    aml_ir_columns b = aml_ir_columns_of(ir, x);
    for (size_t j = 0; j < x->n; j++) aml_ir_push(&b, x->column[j]);
    for (size_t k = 0; k < s->n; k++) {
        const crossing *c = &s->crossings[k];
        aml_ir_op(ir, AML_OP_CROSS, (uint32_t[]){x->column[c->a], x->column[c->b]}, 2);
        aml_ir_array(ir, "first", AML_U32, c->first, c->n_levels);
        aml_ir_array(ir, "second", AML_U32, c->second, c->n_levels);
        aml_ir_push(&b, aml_ir_out(ir, AML_IR_CODE, c->n_levels));
    }
    *out = b.to;
    return ir->status;
}

static void save(const void *state, aml_writer *w) {
    const cross_state *s = state;
    aml_signature_save(&s->signature, w);
    aml_put_u32(w, (uint32_t)s->n);
    for (size_t k = 0; k < s->n; k++) {
        const crossing *c = &s->crossings[k];
        aml_put_u32(w, c->a);
        aml_put_u32(w, c->b);
        aml_put_u32s(w, c->first, c->n_levels);
        aml_put_u32s(w, c->second, c->n_levels);
    }
}

static aml_status load_crossing(crossing *c, const aml_signature *s, aml_reader *r,
                                aml_arena *keep) {
    c->a = aml_get_u32(r);
    c->b = aml_get_u32(r);
    if (!r->status && (c->a >= s->p || c->b >= s->p || s->kind[c->a] != AML_CATEGORY ||
                       s->kind[c->b] != AML_CATEGORY))
        return aml_reader_fail(r, "a crossing of columns %u and %u", c->a, c->b);
    c->first = aml_get_u32s(r, keep, SIZE_MAX, &c->n_levels);
    c->second = aml_get_u32s(r, keep, c->n_levels, NULL);
    if (!c->first || !c->second) return r->status;
    for (size_t l = 0; l < c->n_levels; l++)
        if (c->first[l] > s->n_levels[c->a] || c->second[l] > s->n_levels[c->b] ||
            (l && (c->first[l] < c->first[l - 1] ||
                   (c->first[l] == c->first[l - 1] && c->second[l] <= c->second[l - 1]))))
            return aml_reader_fail(r, "level %zu of a crossing", l);
    return index_levels(c, keep);
}

static aml_status load(void **state, aml_reader *r, aml_ctx *ctx) {
    cross_state *s = AML_NEW(ctx->keep, cross_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_load(&s->signature, r, ctx->keep));
    s->n = aml_get_u32(r);
    if (!r->status && (double)s->n > params[MAX_NEW].hi)
        return aml_reader_fail(r, "%zu crossings", s->n);
    if (r->status) return r->status;
    s->crossings = AML_ARRAY(ctx->keep, s->n, crossing);
    if (!s->crossings) return AML_ENOMEM;
    for (size_t k = 0; k < s->n; k++)
        AML_TRY(load_crossing(&s->crossings[k], &s->signature, r, ctx->keep));
    *state = s;
    return r->status;
}

extern const aml_step aml_step_cross;
const aml_step aml_step_cross = {
    .abi = AML_ABI,
    .name = "cross",
    .summary = "Adds a category for each pair of levels of two categories that go together",
    .kinds = AML_CATEGORY,
    .flags = AML_STEP_SELECTS,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .apply = apply,
    .save = AML_FIT(save),
    .load = load,
    .lower = AML_FIT(lower),
};
