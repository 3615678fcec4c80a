/* scale.c: numbers on a common scale. Columns that are constant where they are known go; missing
 * stays missing.
 *
 *   standard         (x - mean) / sd
 *   robust           (x - median) / (IQR / 1.349), the sd where more than half is one value
 *   minmax           to [0, 1] on the training rows
 *   quantile_normal  through up to 1000 quantiles to normal scores, linear in between
 *   yeo_johnson      power transformation, then standard
 *
 * All are clipped to ±clip, so that one far value cannot wreck a model with weights. */
#include <math.h>

#include "automl/core/special.h"
#include "featurize/parts/each.h"
#include "featurize/parts/power.h"
#include "featurize/parts/quantile.h"
#include "featurize/parts/signature.h"
#include "featurize/parts/table.h"

enum { STANDARD, ROBUST, MINMAX, QUANTILE_NORMAL, YEO_JOHNSON };
enum { GRID = 1000, POWER_ROWS = 5000, POLL = 1 << 15 };

static const char *const method_choices[] = {"standard",        "robust",      "minmax",
                                             "quantile_normal", "yeo_johnson", NULL};
static const aml_param params[] = {
    {.name = "method",
     .summary = "How numbers are scaled",
     .kind = AML_CHOICE,
     .fallback = STANDARD,
     .choices = method_choices},
    {.name = "clip",
     .summary = "Scaled values are cut off beyond plus and minus this",
     .kind = AML_REAL,
     .log = true,
     .lo = 1,
     .hi = 1e6,
     .fallback = 10,
     .fixed = true},
    {0}};

typedef struct scale_column {
    double centre, factor, lambda; /* factor 0: the column goes */
    size_t n_grid;
    float *grid, *score; /* quantile_normal: values strictly upwards, normal scores */
} scale_column;

typedef struct scale_state {
    aml_signature signature;
    uint8_t method;
    double clip;
    scale_column *column; /* per column */
} scale_state;

typedef struct fit_job {
    const aml_ctx *ctx;
    const aml_table *x;
    const aml_data *target;
    scale_state *s;
    void **sorted; /* a buffer for each thread */
    void **work;
} fit_job;

static double shaped(const scale_column *c, uint8_t method, double x) {
    return method == YEO_JOHNSON ? aml_power(x, c->lambda) : x;
}

/* Mean and reciprocal sd of the known values, in two passes. */
static aml_status moments(scale_column *c, const fit_job *u, const float *x) {
    const aml_data *target = u->target;
    double n = 0, mean = 0, squares = 0, lo = INFINITY, hi = -INFINITY;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < target->n; i++) {
            double v = x[target->rows[i]];
            if (i % POLL == 0 && aml_should_stop(u->ctx)) return aml_stopped();
            if (isnan(v)) continue;
            v = shaped(c, u->s->method, v);
            n += pass == 0;
            if (pass == 0) mean += v;
            if (pass == 1) squares += (v - mean) * (v - mean);
            lo = fmin(lo, v);
            hi = fmax(hi, v);
        }
        if (pass == 0 && n > 0) mean /= n;
    }
    c->centre = mean;
    c->factor = hi > lo && squares > 0 ? sqrt(n / squares) : 0;
    return AML_OK;
}

static void minmax(scale_column *c, const float *x, const aml_data *target) {
    double lo = INFINITY, hi = -INFINITY;
    for (size_t i = 0; i < target->n; i++) {
        double v = x[target->rows[i]];
        if (v < lo) lo = v;
        if (v > hi) hi = v;
    }
    c->centre = hi > lo ? lo : 0;
    c->factor = hi > lo ? 1 / (hi - lo) : 0;
}

static void robust(scale_column *c, const float *sorted, size_t n) {
    double spread = aml_sorted_quantile(sorted, n, 0.75) - aml_sorted_quantile(sorted, n, 0.25);
    c->centre = aml_sorted_quantile(sorted, n, 0.5);
    if (spread > 0) c->factor = 1.349 / spread;
}

/* Quantile (i + 1/2) / m of n sorted values, Hazen's (type 5): for m = n value i itself. */
static float grid_value(const float *sorted, size_t n, size_t i, size_t m) {
    double at = ((double)i + 0.5) * ((double)n / (double)m) - 0.5;
    return aml_to_float(n > 1 ? aml_sorted_quantile(sorted, n, at / (double)(n - 1)) : sorted[0]);
}

/* The map from values to normal scores through m grid points; equal points share the score of their
 * middle. */
static void score_grid(scale_column *c, const float *sorted, size_t n) {
    size_t m = n < GRID ? n : GRID;
    for (size_t i = 0, j; i < m; i = j) {
        float v = grid_value(sorted, n, i, m);
        for (j = i + 1; j < m && grid_value(sorted, n, j, m) <= v;) j++;
        c->grid[c->n_grid] = v;
        c->score[c->n_grid++] = (float)aml_normal_quantile((double)(i + j) / (2.0 * (double)m));
    }
    c->factor = c->n_grid > 1;
}

static aml_status learn(void *arg, size_t j, int thread) {
    const fit_job *u = arg;
    const aml_feature *f = &u->x->features[j];
    scale_column *c = &u->s->column[j];
    uint8_t method = u->s->method;
    float *sorted = u->sorted[thread];
    size_t n = 0;
    if (f->kind != AML_NUMBER) return AML_OK;
    if (method == STANDARD) return moments(c, u, f->x);
    if (method == MINMAX) {
        minmax(c, f->x, u->target);
        return AML_OK;
    }
    AML_TRY(aml_sorted_sample(sorted, &n, f->x, u->target->rows, u->target->n, AML_QUANTILE_ROWS));
    if (method == QUANTILE_NORMAL) {
        score_grid(c, sorted, n);
        return AML_OK;
    }
    if (method == YEO_JOHNSON) {
        size_t few = n < POWER_ROWS ? n : POWER_ROWS;
        for (size_t i = 0; i < few; i++) sorted[i] = sorted[i * n / few];
        c->lambda = aml_power_fit(sorted, few, u->work[thread]);
    }
    AML_TRY(moments(c, u, f->x));
    if (method == ROBUST && n && c->factor > 0) robust(c, sorted, n);
    return AML_OK;
}

static aml_status buffers(fit_job *u, aml_ctx *ctx) {
    size_t rows = u->target->n < AML_QUANTILE_ROWS ? u->target->n : AML_QUANTILE_ROWS;
    u->sorted = aml_each_room(rows, sizeof(float), ctx);
    u->work = aml_each_room(2 * POWER_ROWS, sizeof(double), ctx);
    if (!u->sorted || !u->work) return AML_ENOMEM;
    for (size_t j = 0; u->s->method == QUANTILE_NORMAL && j < u->x->p; j++) {
        if (u->x->features[j].kind != AML_NUMBER) continue;
        size_t room = rows < GRID ? rows : GRID;
        u->s->column[j].grid = AML_ARRAY(ctx->keep, room, float);
        u->s->column[j].score = AML_ARRAY(ctx->keep, room, float);
        if (!u->s->column[j].grid || !u->s->column[j].score) return AML_ENOMEM;
    }
    return AML_OK;
}

static aml_status fit(void **state, const aml_table *x, const aml_data *target, const double *hp,
                      aml_ctx *ctx) {
    scale_state *s = AML_NEW(ctx->keep, scale_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_of(&s->signature, x, ctx->keep));
    s->column = AML_ARRAY(ctx->keep, x->p, scale_column);
    if (!s->column) return AML_ENOMEM;
    s->method = (uint8_t)hp[0];
    s->clip = hp[1];
    fit_job u = {.ctx = ctx, .x = x, .target = target, .s = s};
    AML_TRY(buffers(&u, ctx));
    *state = s;
    return aml_each(ctx, x->p, learn, &u);
}

static double score(const scale_column *c, float x) {
    size_t lo = 0, hi = c->n_grid - 1;
    if (x <= c->grid[0]) return c->score[0];
    if (x >= c->grid[hi]) return c->score[hi];
    while (hi - lo > 1) {
        size_t middle = (lo + hi) / 2;
        if (c->grid[middle] <= x) lo = middle;
        else hi = middle;
    }
    double share = ((double)x - c->grid[lo]) / ((double)c->grid[hi] - c->grid[lo]);
    return c->score[lo] + share * ((double)c->score[hi] - c->score[lo]);
}

typedef struct apply_job {
    const scale_state *s;
    const aml_table *x;
    float **scaled; /* per column, NULL = none */
} apply_job;

static aml_status scale(void *arg, size_t j, int thread) {
    const apply_job *u = arg;
    const scale_state *s = u->s;
    const scale_column *c = &s->column[j];
    const float *x = u->x->features[j].x;
    float *out = u->scaled[j];
    (void)thread;
    for (size_t i = 0; out && i < u->x->n; i++) {
        double v = x[i];
        if (s->method == QUANTILE_NORMAL) v = isnan(v) ? v : score(c, x[i]);
        else v = (shaped(c, s->method, v) - c->centre) * c->factor;
        out[i] = (float)(v > s->clip ? s->clip : v < -s->clip ? -s->clip : v);
    }
    return AML_OK;
}

static aml_status apply(aml_table *out, const void *state, const aml_table *x, aml_ctx *ctx) {
    const scale_state *s = state;
    AML_TRY(aml_signature_check(&s->signature, x));
    float **scaled = AML_ARRAY(ctx->scratch, x->p, float *);
    if (!scaled) return AML_ENOMEM;
    aml_table_builder b = aml_table_begin(x, x->p, ctx);
    for (size_t j = 0; j < x->p; j++) {
        const aml_feature *f = &x->features[j];
        if (f->kind != AML_NUMBER) aml_table_share(&b, f);
        else if (s->column[j].factor > 0) scaled[j] = aml_table_replace(&b, f);
    }
    AML_TRY(aml_table_end(out, &b));
    return aml_each(ctx, x->p, scale, &(apply_job){s, x, scaled});
}

static void lower_column(aml_ir *ir, const scale_state *s, const scale_column *c, uint32_t x) {
    static const aml_op_kind ops[] = {[STANDARD] = AML_OP_SCALE,
                                      [ROBUST] = AML_OP_SCALE,
                                      [MINMAX] = AML_OP_SCALE,
                                      [QUANTILE_NORMAL] = AML_OP_SCALE_GRID,
                                      [YEO_JOHNSON] = AML_OP_SCALE_POWER};
    aml_ir_op1(ir, ops[s->method], x);
    if (s->method == QUANTILE_NORMAL) {
        aml_ir_array(ir, "grid", AML_F32, c->grid, c->n_grid);
        aml_ir_array(ir, "score", AML_F32, c->score, c->n_grid);
    } else {
        aml_ir_f64(ir, "center", c->centre);
        aml_ir_f64(ir, "factor", c->factor);
    }
    if (s->method == YEO_JOHNSON) aml_ir_f64(ir, "lambda", c->lambda);
    aml_ir_f64(ir, "clip", s->clip);
}

static aml_status lower(aml_ir_table *out, const void *state, const aml_ir_table *x, aml_ir *ir) {
    const scale_state *s = state;
    aml_ir_columns b = aml_ir_columns_of(ir, x);
    for (size_t j = 0; j < x->n; j++) {
        if (s->signature.kind[j] != AML_NUMBER) aml_ir_push(&b, x->column[j]);
        else if (s->column[j].factor > 0) {
            lower_column(ir, s, &s->column[j], x->column[j]);
            aml_ir_push(&b, aml_ir_number(ir));
        }
    }
    *out = b.to;
    return ir->status;
}

static void save(const void *state, aml_writer *w) {
    const scale_state *s = state;
    aml_signature_save(&s->signature, w);
    aml_put_u8(w, s->method);
    aml_put_f64(w, s->clip);
    for (size_t j = 0; j < s->signature.p; j++) {
        const scale_column *c = &s->column[j];
        if (s->signature.kind[j] != AML_NUMBER) continue;
        aml_put_f64(w, c->centre);
        aml_put_f64(w, c->factor);
        aml_put_f64(w, c->lambda);
        if (s->method != QUANTILE_NORMAL) continue;
        aml_put_f32s(w, c->grid, c->n_grid);
        aml_put_f32s(w, c->score, c->n_grid);
    }
}

static bool sound(const scale_column *c, uint8_t method) {
    if (!isfinite(c->centre) || !(c->factor >= 0 && c->factor < 1e60)) return false;
    if (!(fabs(c->lambda) <= AML_POWER_MAX)) return false;
    for (size_t i = 0; i < c->n_grid; i++) {
        if (!isfinite(c->grid[i]) || !isfinite(c->score[i])) return false;
        if (i && !(c->grid[i - 1] < c->grid[i])) return false;
    }
    return method != QUANTILE_NORMAL || c->factor == 0 || c->n_grid > 1;
}

static aml_status load(void **state, aml_reader *r, aml_ctx *ctx) {
    scale_state *s = AML_NEW(ctx->keep, scale_state);
    if (!s) return AML_ENOMEM;
    AML_TRY(aml_signature_load(&s->signature, r, ctx->keep));
    s->column = AML_ARRAY(ctx->keep, s->signature.p, scale_column);
    if (!s->column) return AML_ENOMEM;
    s->method = aml_get_u8(r);
    s->clip = aml_get_f64(r);
    if (!r->status && (s->method > YEO_JOHNSON || !(s->clip > 0 && s->clip < 1e9)))
        return aml_reader_fail(r, "a method of scaling");
    for (size_t j = 0; j < s->signature.p; j++) {
        scale_column *c = &s->column[j];
        if (s->signature.kind[j] != AML_NUMBER) continue;
        c->centre = aml_get_f64(r);
        c->factor = aml_get_f64(r);
        c->lambda = aml_get_f64(r);
        if (s->method == QUANTILE_NORMAL) {
            c->grid = aml_get_f32s(r, ctx->keep, SIZE_MAX, &c->n_grid);
            c->score = aml_get_f32s(r, ctx->keep, c->n_grid, NULL);
        }
        if (r->status) return r->status;
        if (!sound(c, s->method)) return aml_reader_fail(r, "the scale of column %zu", j);
    }
    *state = s;
    return r->status;
}

extern const aml_step aml_step_scale;
const aml_step aml_step_scale = {
    .abi = AML_ABI,
    .name = "scale",
    .summary = "Brings numbers to a common scale",
    .kinds = AML_NUMBER,
    .flags = AML_STEP_KEEPS_ORDER,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .apply = apply,
    .save = AML_FIT(save),
    .load = load,
    .lower = AML_FIT(lower),
};
