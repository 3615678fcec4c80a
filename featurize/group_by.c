/* group_by.c: a number seen within the rows of a category's level: its ratio to their mean, its difference from
 * it, and its rank among them; those stay that say something of the target which number and category do
 * not say by themselves (parts/screen.h). The mean of few rows leans to the mean of all. */
#include <math.h>

#include "automl/core/sort.h"
#include "featurize/parts/levels.h"
#include "featurize/parts/pairs.h"

enum { MAX_NEW, COLUMNS, ERRORS };
enum { KNOTS = 32, RANKED_LEVELS = 1000, RANKED_ROWS = 200000, LEANING = 5 };

static const aml_param params[] = {{.name = "max_new",
                                    .summary = "At most this many new columns",
                                    .kind = AML_INT,
                                    .log = true,
                                    .lo = 1,
                                    .hi = 64,
                                    .fallback = 8},
                                   {.name = "columns",
                                    .summary = "Pairs are made of this many of the best columns",
                                    .kind = AML_INT,
                                    .log = true,
                                    .lo = 2,
                                    .hi = 64,
                                    .fallback = 16},
                                   {.name = "errors",
                                    .summary = "Standard errors beyond chance that a column needs",
                                    .kind = AML_REAL,
                                    .lo = 0,
                                    .hi = 10,
                                    .fallback = 4},
                                   {0}};

typedef enum relation { RATIO, DIFFERENCE, RANK, N_RELATIONS } relation;
static const char *const relation_names[N_RELATIONS] = {".ratio(", ".difference(", ".rank("};

/* table: rows as in levels.h; a mean each, or KNOTS quantiles each. */
typedef struct relative {
    uint32_t number, group;
    relation what;
    size_t n_levels;
    float *table;
} relative;

typedef struct group_state {
    aml_signature signature;
    size_t n;
    relative *relatives;
} group_state;

static size_t width_of(relation what) { return what == RANK ? KNOTS : 1; }

/* Share of the knots below x, those equal to it by half. */
static float rank_of(const float *knot, float x) {
    float below = 0;
    if (isnan(x)) return NAN;
    for (size_t k = 0; k < KNOTS; k++) below += knot[k] < x ? 1.0f : knot[k] == x ? 0.5f : 0.0f;
    return below / KNOTS;
}

static float compute(relation what, const float *at, float x) {
    if (what == RANK) return rank_of(at, x);
    if (what == DIFFERENCE) return aml_to_float((double)x - at[0]);
    return at[0] == 0 ? NAN : aml_to_float((double)x / at[0]);
}

/* ---- what is known of the levels */

/* mean[n_levels + 2] of x over the rows; unseen has the overall mean. total and count have as much room. */
static void level_means(float *mean, double *total, double *count, const aml_feature *f,
                        const aml_feature *g, const uint32_t *rows, size_t n) {
    size_t levels = (size_t)g->n_levels + 2;
    double all = 0, known = 0;
    for (size_t l = 0; l < levels; l++) total[l] = count[l] = 0;
    for (size_t i = 0; i < n; i++) {
        size_t l = aml_level_row(g->code[rows[i]], g->n_levels);
        float x = f->x[rows[i]];
        if (isnan(x)) continue;
        total[l] += x;
        count[l]++;
        all += x;
        known++;
    }
    if (known > 0) all /= known;
    for (size_t l = 0; l < levels; l++)
        mean[l] = aml_to_float((total[l] + LEANING * all) / (count[l] + LEANING));
    mean[levels - 1] = aml_to_float(all);
}

static void put_knots(float *knot, const float *sorted, size_t n) {
    for (size_t k = 0; k < KNOTS; k++) knot[k] = n ? sorted[(2 * k + 1) * n / (2 * KNOTS)] : 0;
}

/* KNOTS quantiles of x for each level; levels of fewer than KNOTS rows and unseen ones have those of all. */
static aml_status level_knots(float *table, const aml_feature *f, const aml_feature *g,
                              const uint32_t *rows, size_t n, aml_ctx *ctx) {
    size_t levels = (size_t)g->n_levels + 2, known = 0;
    float *all = aml_alloc_raw(ctx->scratch, n, sizeof *all),
          *part = aml_alloc_raw(ctx->scratch, n, sizeof *part);
    size_t *begin = AML_ARRAY(ctx->scratch, levels + 2, size_t);
    if (!all || !part || !begin) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        float x = f->x[rows[i]];
        if (isnan(x)) continue;
        all[known++] = x;
        begin[aml_level_row(g->code[rows[i]], g->n_levels) + 2]++;
    }
    for (size_t l = 0; l < levels; l++) begin[l + 1] += begin[l];
    for (size_t i = 0; i < n; i++) {
        float x = f->x[rows[i]];
        if (!isnan(x)) part[begin[aml_level_row(g->code[rows[i]], g->n_levels) + 1]++] = x;
    }
    AML_TRY(aml_sort_f32(all, known));
    for (size_t l = 0; l < levels; l++) {
        size_t m = begin[l + 1] - begin[l];
        bool own = m >= KNOTS && l + 1 < levels;
        if (own) AML_TRY(aml_sort_f32(part + begin[l], m));
        put_knots(table + l * KNOTS, own ? part + begin[l] : all, own ? m : known);
    }
    return AML_OK;
}

static aml_status learn(relative *r, const aml_table *x, const aml_data *target, aml_ctx *ctx) {
    const aml_feature *f = &x->features[r->number], *g = &x->features[r->group];
    size_t levels = (size_t)g->n_levels + 2, step = 1 + target->n / RANKED_ROWS;
    r->n_levels = g->n_levels;
    r->table = AML_ARRAY(ctx->keep, levels * width_of(r->what), float);
    if (!r->table) return AML_ENOMEM;
    if (r->what != RANK) {
        double *total = aml_alloc_raw(ctx->scratch, levels, sizeof *total),
               *count = aml_alloc_raw(ctx->scratch, levels, sizeof *count);
        if (!total || !count) return AML_ENOMEM;
        level_means(r->table, total, count, f, g, target->rows, target->n);
        return AML_OK;
    }
    size_t n = (target->n + step - 1) / step;
    uint32_t *rows = aml_alloc_raw(ctx->scratch, n, sizeof *rows);
    if (!rows) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) rows[i] = target->rows[i * step];
    return level_knots(r->table, f, g, rows, n, ctx);
}

/* ---- choice: every relation of every chosen number and category, learnt on the sample */

typedef struct candidates {
    const aml_screen *s;
    const aml_table *x;
    relative *all;
} candidates;

static aml_status candidate_bins(aml_screen_bins *out, const void *arg, size_t k, float *v,
                                 float *work) {
    const candidates *c = arg;
    const relative *r = &c->all[k];
    const aml_feature *f = &c->x->features[r->number], *g = &c->x->features[r->group];
    for (size_t i = 0; i < c->s->n; i++) {
        uint32_t row = c->s->rows[i];
        size_t l = aml_level_row(g->code[row], g->n_levels);
        v[i] = compute(r->what, r->table + l * width_of(r->what), f->x[row]);
    }
    return aml_screen_cut(out, v, c->s->n, work);
}

static aml_status list_candidates(candidates *c, size_t *n, const uint32_t *number,
                                  size_t n_numbers, const uint32_t *group, size_t n_groups,
                                  aml_ctx *ctx) {
    aml_data sample = {.rows = c->s->rows, .n = c->s->n};
    aml_ctx local = *ctx;
    local.keep = ctx->scratch;
    c->all = AML_ARRAY(ctx->scratch, n_numbers * n_groups * N_RELATIONS, relative);
    *n = 0;
    if (!c->all) return AML_ENOMEM;
    for (size_t i = 0; i < n_numbers; i++)
        for (size_t j = 0; j < n_groups; j++)
            for (int what = 0; what < N_RELATIONS; what++) {
                relative *r = &c->all[*n];
                if (aml_should_stop(ctx)) return aml_stopped();
                if (what == RANK && c->x->features[group[j]].n_levels > RANKED_LEVELS) continue;
                *r = (relative){.number = number[i], .group = group[j], .what = (relation)what};
                AML_TRY(learn(r, c->x, &sample, &local));
                ++*n;
            }
    return AML_OK;
}

static aml_status choose(group_state *s, const aml_table *x, const aml_data *target,
                         const double *hp, aml_ctx *ctx) {
    size_t columns = (size_t)hp[COLUMNS], most = (size_t)hp[MAX_NEW], n_numbers, n_groups, n;
    uint32_t *number = AML_ARRAY(ctx->scratch, columns, uint32_t),
             *group = AML_ARRAY(ctx->scratch, columns, uint32_t),
             *chosen = AML_ARRAY(ctx->scratch, most, uint32_t);
    aml_screen screen;
    if (!number || !group || !chosen) return AML_ENOMEM;
    AML_TRY(aml_screen_init(&screen, x, target, ctx));
    AML_TRY(aml_screen_columns(number, &n_numbers, &screen, x, AML_NUMBER, columns, ctx));
    AML_TRY(aml_screen_columns(group, &n_groups, &screen, x, AML_CATEGORY, columns / 2, ctx));
    candidates c = {.s = &screen, .x = x};
    AML_TRY(list_candidates(&c, &n, number, n_numbers, group, n_groups, ctx));
    AML_TRY(
        aml_screen_choose(chosen, &s->n, &screen, n, candidate_bins, &c, most, hp[ERRORS], ctx));
    for (size_t k = 0; k < s->n; k++) s->relatives[k] = c.all[chosen[k]];
    return AML_OK;
}

static aml_status fit(void **state, const aml_table *x, const aml_data *target, const double *hp,
                      aml_ctx *ctx) {
    group_state *s = AML_NEW(ctx->keep, group_state);
    if (!s) return AML_ENOMEM;
    s->relatives = AML_ARRAY(ctx->keep, (size_t)hp[MAX_NEW], relative);
    if (!s->relatives) return AML_ENOMEM;
    *state = s;
    AML_TRY(aml_signature_of(&s->signature, x, ctx->keep));
    AML_TRY(choose(s, x, target, hp, ctx));
    for (size_t k = 0; k < s->n; k++) {
        if (aml_should_stop(ctx)) return aml_stopped();
        AML_TRY(learn(&s->relatives[k], x, target, ctx));
    }
    return AML_OK;
}

/* ---- columns */

static void *add(aml_table_builder *b, const void *state, const aml_table *x, size_t k,
                 aml_ctx *ctx) {
    const relative *r = &((const group_state *)state)->relatives[k];
    const aml_feature *f = &x->features[r->number], *g = &x->features[r->group];
    char *name = aml_feature_name(ctx->scratch, f->name, relation_names[r->what], g->name);
    return name ? aml_table_crossed(b, aml_feature_name(ctx->keep, name, ")", ""), f, g) : NULL;
}

static aml_status fill(void *arg, size_t k, int thread) {
    const aml_additions *u = arg;
    const relative *r = &((const group_state *)u->state)->relatives[k];
    const aml_feature *f = &u->x->features[r->number], *g = &u->x->features[r->group];
    size_t width = width_of(r->what);
    float *out = u->values[k];
    (void)thread;
    for (size_t i = 0; i < u->x->n; i++)
        out[i] =
            compute(r->what, r->table + aml_level_row(g->code[i], g->n_levels) * width, f->x[i]);
    return AML_OK;
}

static aml_status apply(aml_table *out, const void *state, const aml_table *x, aml_ctx *ctx) {
    const group_state *s = state;
    return aml_table_append(out, &s->signature, x, s->n, s, add, fill, ctx);
}

static aml_status lower(aml_ir_table *out, const void *state, const aml_ir_table *x, aml_ir *ir) {
    static const char *const relations[] = {"ratio", "difference", "rank"};
    const group_state *s = state;
    aml_ir_columns b = aml_ir_columns_of(ir, x);
    for (size_t j = 0; j < x->n; j++) aml_ir_push(&b, x->column[j]);
    for (size_t k = 0; k < s->n; k++) {
        const relative *r = &s->relatives[k];
        size_t width = width_of(r->what);
        aml_ir_op(ir, AML_OP_WITHIN, (uint32_t[]){x->column[r->number], x->column[r->group]}, 2);
        aml_ir_text(ir, "relation", relations[r->what]);
        aml_ir_u32(ir, "n", width);
        aml_ir_array(ir, "table", AML_F32, r->table, (r->n_levels + 2) * width);
        aml_ir_push(&b, aml_ir_number(ir));
    }
    *out = b.to;
    return ir->status;
}

static void save(const void *state, aml_writer *w) {
    const group_state *s = state;
    aml_signature_save(&s->signature, w);
    aml_put_u32(w, (uint32_t)s->n);
    for (size_t k = 0; k < s->n; k++) {
        const relative *r = &s->relatives[k];
        aml_put_u32(w, r->number);
        aml_put_u32(w, r->group);
        aml_put_u8(w, (uint8_t)r->what);
        aml_put_f32s(w, r->table, (r->n_levels + 2) * width_of(r->what));
    }
}

static aml_status load_relative(relative *out, const aml_signature *s, aml_reader *r,
                                aml_arena *keep) {
    out->number = aml_get_u32(r);
    out->group = aml_get_u32(r);
    out->what = (relation)aml_get_u8(r);
    if (r->status) return r->status;
    if (out->number >= s->p || out->group >= s->p || out->what >= N_RELATIONS ||
        s->kind[out->number] != AML_NUMBER || s->kind[out->group] != AML_CATEGORY)
        return aml_reader_fail(r, "a number within a category");
    out->n_levels = s->n_levels[out->group];
    size_t size = (out->n_levels + 2) * width_of(out->what);
    out->table = aml_get_f32s(r, keep, size, NULL);
    for (size_t i = 0; out->table && i < size; i++)
        if (!isfinite(out->table[i])) return aml_reader_fail(r, "the mean of a level");
    return r->status;
}

static aml_status load(void **state, aml_reader *r, aml_ctx *ctx) {
    group_state *s = AML_NEW(ctx->keep, group_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_load(&s->signature, r, ctx->keep));
    s->n = aml_get_u32(r);
    if (!r->status && (double)s->n > params[MAX_NEW].hi)
        return aml_reader_fail(r, "%zu numbers within categories", s->n);
    if (r->status) return r->status;
    s->relatives = AML_ARRAY(ctx->keep, s->n, relative);
    if (!s->relatives) return AML_ENOMEM;
    for (size_t k = 0; k < s->n; k++)
        AML_TRY(load_relative(&s->relatives[k], &s->signature, r, ctx->keep));
    *state = s;
    return AML_OK;
}

extern const aml_step aml_step_group_by;
const aml_step aml_step_group_by = {
    .abi = AML_ABI,
    .name = "group_by",
    .summary = "Adds numbers relative to the mean, or ranked within, their category's level",
    .kinds = AML_NUMBER | AML_CATEGORY,
    .flags = AML_STEP_SELECTS,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .apply = apply,
    .save = AML_FIT(save),
    .load = load,
    .lower = AML_FIT(lower),
};
