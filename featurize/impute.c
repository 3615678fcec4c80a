/* impute.c: missing numbers and categories get a value. */
#include <math.h>
#include <string.h>

#include "featurize/parts/each.h"
#include "featurize/parts/levels.h"
#include "featurize/parts/quantile.h"
#include "featurize/parts/table.h"

enum { MEDIAN, MEAN, CONSTANT };
enum { MOST_FREQUENT, OWN_LEVEL };

static const char *const number_choices[] = {"median", "mean", "constant", NULL};
static const char *const category_choices[] = {"most_frequent", "own_level", NULL};
static const aml_param params[] = {{.name = "number",
                                    .summary = "What missing numbers become",
                                    .kind = AML_CHOICE,
                                    .fallback = MEDIAN,
                                    .choices = number_choices},
                                   {.name = "category",
                                    .summary = "What missing and unseen categories become",
                                    .kind = AML_CHOICE,
                                    .fallback = OWN_LEVEL,
                                    .choices = category_choices},
                                   {.name = "constant",
                                    .summary = "The constant for missing numbers",
                                    .kind = AML_REAL,
                                    .lo = -1e9,
                                    .hi = 1e9,
                                    .fallback = 0,
                                    .fixed = true},
                                   {0}};

typedef struct impute_state {
    aml_signature signature;
    float *number;   /* per column */
    uint32_t *level; /* per column; n_levels = the level of its own */
} impute_state;

typedef struct fit_job {
    const aml_table *x;
    const aml_data *target;
    const double *hp;
    impute_state *s;
    void **sorted; /* one buffer a thread */
    void **count;  /* one buffer a thread */
} fit_job;

static double mean(const aml_feature *f, const aml_data *target) {
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < target->n; i++) {
        double v = f->x[target->rows[i]];
        if (isnan(v)) continue;
        sum += v;
        n++;
    }
    return n ? sum / (double)n : 0;
}

static aml_status median(float *out, const aml_feature *f, const aml_data *target, float *sorted) {
    size_t m;
    AML_TRY(aml_sorted_sample(sorted, &m, f->x, target->rows, target->n, AML_QUANTILE_ROWS));
    *out = m ? aml_to_float(aml_sorted_quantile(sorted, m, 0.5)) : 0;
    return AML_OK;
}

/* The level seen most often, the first of them; own level where none was seen. */
static uint32_t most_frequent(const aml_feature *f, const aml_data *target, uint32_t *count) {
    uint32_t best = 0;
    aml_level_counts(count, f, target->rows, target->n);
    for (uint32_t l = 1; l < f->n_levels; l++)
        if (count[l] > count[best]) best = l;
    return f->n_levels && count[best] ? best : f->n_levels;
}

static aml_status learn(void *arg, size_t j, int thread) {
    const fit_job *u = arg;
    const aml_feature *f = &u->x->features[j];
    if (f->kind == AML_CATEGORY) {
        u->s->level[j] =
            u->hp[1] == OWN_LEVEL ? f->n_levels : most_frequent(f, u->target, u->count[thread]);
    } else if (f->kind == AML_NUMBER) {
        if (u->hp[0] == MEDIAN) return median(&u->s->number[j], f, u->target, u->sorted[thread]);
        u->s->number[j] = aml_to_float(u->hp[0] == MEAN ? mean(f, u->target) : u->hp[2]);
    }
    return AML_OK;
}

static aml_status buffers(fit_job *u, aml_ctx *ctx) {
    size_t levels = 0;
    size_t rows = u->target->n < AML_QUANTILE_ROWS ? u->target->n : AML_QUANTILE_ROWS;
    for (size_t j = 0; j < u->x->p; j++)
        if (u->s->signature.n_levels[j] > levels) levels = u->s->signature.n_levels[j];
    u->sorted = aml_each_room(rows, sizeof(float), ctx);
    u->count = aml_each_room(levels + 2, sizeof(uint32_t), ctx);
    return u->sorted && u->count ? AML_OK : AML_ENOMEM;
}

static aml_status fit(void **state, const aml_table *x, const aml_data *target, const double *hp,
                      aml_ctx *ctx) {
    impute_state *s = AML_NEW(ctx->keep, impute_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_of(&s->signature, x, ctx->keep));
    s->number = AML_ARRAY(ctx->keep, x->p, float);
    s->level = AML_ARRAY(ctx->keep, x->p, uint32_t);
    if (!s->number || !s->level) return AML_ENOMEM;
    fit_job u = {.x = x, .target = target, .hp = hp, .s = s};
    AML_TRY(buffers(&u, ctx));
    *state = s;
    return aml_each(ctx, x->p, learn, &u);
}

typedef struct apply_job {
    const impute_state *s;
    const aml_table *x;
    float **number; /* per column: new values, NULL = shared */
    int32_t **code;
} apply_job;

static aml_status fill(void *arg, size_t j, int thread) {
    const apply_job *u = arg;
    const aml_feature *f = &u->x->features[j];
    float *x = u->number[j];
    int32_t *code = u->code[j];
    (void)thread;
    for (size_t i = 0; x && i < u->x->n; i++) x[i] = isnan(f->x[i]) ? u->s->number[j] : f->x[i];
    for (size_t i = 0; code && i < u->x->n; i++) {
        bool seen = aml_level_row(f->code[i], f->n_levels) < f->n_levels;
        code[i] = seen ? f->code[i] : (int32_t)u->s->level[j];
    }
    return AML_OK;
}

/* The levels with "missing" behind them when that is what missing cells become. */
static aml_status with_own_level(const char *const **out, const aml_feature *f, bool own,
                                 aml_ctx *ctx) {
    *out = f->levels;
    if (!own || !f->levels) return AML_OK;
    const char **levels = AML_ARRAY(ctx->keep, (size_t)f->n_levels + 1, const char *);
    if (!levels) return AML_ENOMEM;
    if (f->n_levels) memcpy(levels, f->levels, f->n_levels * sizeof *levels);
    levels[f->n_levels] = "missing";
    *out = levels;
    return AML_OK;
}

static bool any_missing(const aml_feature *f, size_t n) {
    size_t i = 0;
    while (i < n && !isnan(f->x[i])) i++;
    return i < n;
}

static aml_status apply(aml_table *out, const void *state, const aml_table *x, aml_ctx *ctx) {
    const impute_state *s = state;
    AML_TRY(aml_signature_check(&s->signature, x));
    apply_job u = {.s = s, .x = x};
    u.number = AML_ARRAY(ctx->scratch, x->p, float *);
    u.code = AML_ARRAY(ctx->scratch, x->p, int32_t *);
    aml_table_builder b = aml_table_begin(x, x->p, ctx);
    if (!u.number || !u.code) return AML_ENOMEM;
    for (size_t j = 0; j < x->p; j++) {
        const aml_feature *f = &x->features[j];
        if (f->kind == AML_CATEGORY) {
            bool own = s->level[j] == f->n_levels;
            const char *const *levels;
            AML_TRY(with_own_level(&levels, f, own, ctx));
            u.code[j] = aml_table_category(&b, f, f->n_levels + own, levels);
        } else if (f->kind == AML_NUMBER && any_missing(f, x->n)) {
            u.number[j] = aml_table_replace(&b, f);
        } else {
            aml_table_share(&b, f);
        }
    }
    AML_TRY(aml_table_end(out, &b));
    return aml_each(ctx, x->p, fill, &u);
}

/* What missing and unseen cells become, behind the levels themselves. */
static void lower_codes(aml_ir *ir, uint32_t column, uint32_t n_levels, uint32_t level) {
    aml_ir_op1(ir, AML_OP_RECODE, column);
    int32_t *table = aml_ir_new(ir, "table", AML_I32, (size_t)n_levels + 2);
    for (uint32_t l = 0; table && l < n_levels + 2; l++)
        table[l] = (int32_t)(l < n_levels ? l : level);
}

static aml_status lower(aml_ir_table *out, const void *state, const aml_ir_table *x, aml_ir *ir) {
    const impute_state *s = state;
    aml_ir_columns b = aml_ir_columns_of(ir, x);
    for (size_t j = 0; j < x->n; j++) {
        uint32_t n_levels = s->signature.n_levels[j];
        if (s->signature.kind[j] == AML_CATEGORY) {
            bool own = s->level[j] == n_levels;
            lower_codes(ir, x->column[j], n_levels, s->level[j]);
            aml_ir_push(&b, aml_ir_out(ir, AML_IR_CODE, n_levels + own));
        } else if (s->signature.kind[j] == AML_NUMBER) {
            aml_ir_op1(ir, AML_OP_IMPUTE, x->column[j]);
            aml_ir_f32(ir, "value", (double)s->number[j]);
            aml_ir_push(&b, aml_ir_number(ir));
        } else aml_ir_push(&b, x->column[j]);
    }
    *out = b.to;
    return ir->status;
}

static void save(const void *state, aml_writer *w) {
    const impute_state *s = state;
    aml_signature_save(&s->signature, w);
    aml_put_f32s(w, s->number, s->signature.p);
    aml_put_u32s(w, s->level, s->signature.p);
}

static aml_status load(void **state, aml_reader *r, aml_ctx *ctx) {
    impute_state *s = AML_NEW(ctx->keep, impute_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_load(&s->signature, r, ctx->keep));
    s->number = aml_get_f32s(r, ctx->keep, s->signature.p, NULL);
    s->level = aml_get_u32s(r, ctx->keep, s->signature.p, NULL);
    if (!s->number || !s->level) return r->status;
    for (size_t j = 0; j < s->signature.p; j++)
        if (!isfinite(s->number[j]) || s->level[j] > s->signature.n_levels[j])
            return aml_reader_fail(r, "an imputed value of column %zu", j);
    *state = s;
    return AML_OK;
}

extern const aml_step aml_step_impute;
const aml_step aml_step_impute = {
    .abi = AML_ABI,
    .name = "impute",
    .summary = "Fills missing numbers and categories",
    .kinds = AML_NUMBER | AML_CATEGORY,
    .flags = AML_STEP_KEEPS_ORDER,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .apply = apply,
    .save = AML_FIT(save),
    .load = load,
    .lower = AML_FIT(lower),
};
