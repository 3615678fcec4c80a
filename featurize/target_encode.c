/* target_encode.c: a category becomes the smoothed mean of the target over its level.
 *
 * Value of a level: (Σ w y + s · prior) / (Σ w + s), with the prior the mean over all training rows
 * (Micci-Barreca 2001, with the additive smoothing that is usual now). Missing is a level of its
 * own, unseen levels get the prior. Or its log odds less those of the prior, the weight of evidence
 * (Good 1950). Binary: share of class 1; multiclass: a share for each class,
 * of the MAX_CLASSES most frequent ones when there are more; regression: mean.
 *
 * Training rows get values from the other four of five random parts of them, prior included, so
 * that a row's own target has no part in its own value. (Only which classes are the most frequent,
 * beyond MAX_CLASSES, is decided on all training rows.) */
#include <math.h>

#include "automl/core/sort.h"
#include "featurize/parts/each.h"
#include "featurize/parts/levels.h"
#include "featurize/parts/table.h"

enum { MAX_CLASSES = 20, PARTS = 5, NO_PART = 255, POLL = 1 << 16 };
enum { SMOOTHING, MIN_LEVELS, KEEP_ORIGINAL, VALUE, COLUMNS };

static const char *const columns_choices[] = {"all", "crossed", NULL};
static const char *const value_choices[] = {"mean", "log_odds", NULL};
static const aml_param params[] = {{.name = "smoothing",
                                    .summary = "Rows that the overall mean counts for",
                                    .kind = AML_REAL,
                                    .log = true,
                                    .lo = 1,
                                    .hi = 100,
                                    .fallback = 10},
                                   {.name = "min_levels",
                                    .summary = "Columns with fewer levels are left as they are",
                                    .kind = AML_INT,
                                    .log = true,
                                    .lo = 2,
                                    .hi = 1000,
                                    .fallback = 10},
                                   {.name = "keep_original",
                                    .summary = "Keep the category beside its means",
                                    .kind = AML_CHOICE,
                                    .fallback = 0,
                                    .choices = aml_flag_choices},
                                   {.name = "value",
                                    .summary = "Means, or for classes log odds beyond the overall "
                                               "ones (weight of evidence)",
                                    .kind = AML_CHOICE,
                                    .fallback = 0,
                                    .choices = value_choices},
                                   {.name = "columns",
                                    .summary = "All categories, or those made of several columns",
                                    .kind = AML_CHOICE,
                                    .fallback = 0,
                                    .choices = columns_choices},
                                   {0}};

typedef struct target_state {
    aml_encoder encoder;
    uint32_t *classes; /* multiclass: the class of each new column; else one 0 */
    double smoothing;
    bool multiclass;
    bool log_odds; /* only while fitting */
} target_state;

/* What the target says of each row: numbers to average, one for each new column. */
typedef struct source {
    const aml_data *target;
    size_t width;
    int *slot; /* class to new column, -1 = none; NULL for regression */
    double smoothing;
    bool log_odds;
    const uint8_t *part; /* per training row, in order of target->rows */
    double *prior;       /* (PARTS + 1) × width: without part f, then with all */
} source;

static double weight(const source *s, size_t row) { return s->target->w ? s->target->w[row] : 1; }

static void add(double *sum, const source *s, size_t row, double w) {
    double y = s->target->y[row];
    if (!s->slot) sum[0] += w * fmin(fmax(y, -3e38), 3e38);
    else if (s->slot[(size_t)y] >= 0) sum[s->slot[(size_t)y]] += w;
}

/* The overall mean without the rows of one part; without any rows what is known of nothing. */
static void set_prior(double *prior, const source *s, uint8_t without) {
    double total = 0;
    for (size_t k = 0; k < s->width; k++) prior[k] = 0;
    for (size_t i = 0; i < s->target->n; i++) {
        size_t row = s->target->rows[i];
        if (s->part[i] == without) continue;
        total += weight(s, row);
        add(prior, s, row, weight(s, row));
    }
    double none = !s->slot ? 0 : 1 / (double)s->target->n_classes;
    for (size_t k = 0; k < s->width; k++) prior[k] = total > 0 ? prior[k] / total : none;
}

static double log_odds(double p) {
    p = fmin(fmax(p, 1e-6), 1 - 1e-6);
    return log(p / (1 - p));
}

/* sum[(n_levels + 2) × width] becomes the encoding of each level; total[n_levels + 2] is room. */
static aml_status encode(double *sum, double *total, const source *s, const aml_feature *f,
                         uint8_t without, const aml_ctx *ctx) {
    size_t levels = (size_t)f->n_levels + 2, width = s->width;
    const double *prior = s->prior + (without < PARTS ? without : PARTS) * width;
    for (size_t l = 0; l < levels; l++) total[l] = 0;
    for (size_t l = 0; l < levels * width; l++) sum[l] = 0;
    for (size_t i = 0; i < s->target->n; i++) {
        size_t row = s->target->rows[i], l = aml_level_row(f->code[row], f->n_levels);
        if (i % POLL == 0 && aml_should_stop(ctx)) return aml_stopped();
        if (s->part[i] == without || l == levels - 1) continue;
        total[l] += weight(s, row);
        add(sum + l * width, s, row, weight(s, row));
    }
    for (size_t l = 0; l < levels; l++)
        for (size_t k = 0; k < width; k++) {
            double *v = &sum[l * width + k];
            *v = (*v + s->smoothing * prior[k]) / (total[l] + s->smoothing);
            if (s->log_odds) *v = log_odds(*v) - log_odds(prior[k]);
        }
    return AML_OK;
}

/* classes[0 … width-1]: the most frequent, ties to the lower, then upwards. */
static aml_status choose_classes(uint32_t *classes, size_t width, const aml_data *target,
                                 aml_ctx *ctx) {
    size_t k = (size_t)target->n_classes, n = 0;
    double *count = AML_ARRAY(ctx->scratch, k, double);
    uint32_t *order = AML_ARRAY(ctx->scratch, k, uint32_t);
    uint8_t *chosen = AML_ARRAY(ctx->scratch, k, uint8_t);
    if (!count || !order || !chosen) return AML_ENOMEM;
    for (size_t i = 0; i < target->n; i++) count[(size_t)target->y[target->rows[i]]]--;
    AML_TRY(aml_argsort(order, count, k));
    for (size_t i = 0; i < width; i++) chosen[order[i]] = 1;
    for (size_t c = 0; c < k; c++)
        if (chosen[c]) classes[n++] = (uint32_t)c;
    return AML_OK;
}

static size_t columns_of(const aml_data *target) {
    if (target->task != AML_MULTICLASS) return 1;
    return target->n_classes < MAX_CLASSES ? (size_t)target->n_classes : MAX_CLASSES;
}

/* Cuts the training rows into random parts (all NO_PART when not cut) and takes the means. */
static aml_status prepare(source *s, const target_state *t, const aml_data *target, bool cut,
                          aml_ctx *ctx) {
    *s = (source){.target = target, .width = t->encoder.width, .smoothing = t->smoothing};
    s->log_odds = t->log_odds && target->task != AML_REGRESSION;
    uint8_t *part = AML_ARRAY(ctx->scratch, target->n, uint8_t);
    uint32_t *order = AML_ARRAY(ctx->scratch, target->n, uint32_t);
    s->prior = AML_ARRAY(ctx->scratch, (PARTS + 1) * s->width, double);
    if (!part || !order || !s->prior) return AML_ENOMEM;
    if (target->task != AML_REGRESSION) {
        s->slot = AML_ARRAY(ctx->scratch, (size_t)target->n_classes, int);
        if (!s->slot) return AML_ENOMEM;
        for (int c = 0; c < target->n_classes; c++) s->slot[c] = t->multiclass ? -1 : c - 1;
        for (size_t k = 0; t->multiclass && k < s->width; k++) s->slot[t->classes[k]] = (int)k;
    }
    aml_rng rng = aml_rng_child(&ctx->rng, 0);
    for (size_t i = 0; i < target->n; i++) order[i] = (uint32_t)i;
    if (cut) aml_rng_shuffle(&rng, order, target->n);
    for (size_t i = 0; i < target->n; i++) part[order[i]] = cut ? (uint8_t)(i % PARTS) : NO_PART;
    s->part = part;
    for (uint8_t f = 0; cut && f < PARTS; f++) set_prior(s->prior + f * s->width, s, f);
    set_prior(s->prior + PARTS * s->width, s, PARTS);
    return AML_OK;
}

typedef struct job {
    const aml_ctx *ctx;
    const aml_table *x;
    const source *s;
    const aml_encoder *e;
    double **sum, **total; /* per column */
    float **column;        /* cross-fitting: the new columns, first[j] on for column j */
    size_t *first;
} job;

static aml_status learn(void *arg, size_t j, int thread) {
    const job *u = arg;
    const aml_feature *f = &u->x->features[j];
    (void)thread;
    if (!u->e->value[j]) return AML_OK;
    AML_TRY(encode(u->sum[j], u->total[j], u->s, f, PARTS, u->ctx));
    size_t size = ((size_t)f->n_levels + 2) * u->s->width;
    for (size_t i = 0; i < size; i++) u->e->value[j][i] = aml_to_float(u->sum[j][i]);
    return AML_OK;
}

static aml_status cross_fit(void *arg, size_t j, int thread) {
    const job *u = arg;
    const aml_feature *f = &u->x->features[j];
    const aml_data *target = u->s->target;
    size_t width = u->s->width;
    (void)thread;
    for (uint8_t part = 0; u->e->value[j] && part < PARTS; part++) {
        AML_TRY(encode(u->sum[j], u->total[j], u->s, f, part, u->ctx));
        for (size_t i = 0; i < target->n; i++) {
            size_t row = target->rows[i];
            const double *v = u->sum[j] + aml_level_row(f->code[row], f->n_levels) * width;
            for (size_t k = 0; u->s->part[i] == part && k < width; k++)
                u->column[u->first[j] + k][row] = aml_to_float(v[k]);
        }
    }
    return AML_OK;
}

static aml_status room(job *u, aml_ctx *ctx) {
    size_t n_new = 0;
    u->sum = AML_ARRAY(ctx->scratch, u->x->p, double *);
    u->total = AML_ARRAY(ctx->scratch, u->x->p, double *);
    u->first = AML_ARRAY(ctx->scratch, u->x->p, size_t);
    if (!u->sum || !u->total || !u->first) return AML_ENOMEM;
    for (size_t j = 0; j < u->x->p; j++) {
        size_t levels = (size_t)u->x->features[j].n_levels + 2;
        u->first[j] = n_new;
        if (!u->e->value[j]) continue;
        n_new += u->s->width;
        u->sum[j] = AML_ARRAY(ctx->scratch, levels * u->s->width, double);
        u->total[j] = AML_ARRAY(ctx->scratch, levels, double);
        if (!u->sum[j] || !u->total[j]) return AML_ENOMEM;
    }
    return AML_OK;
}

static aml_status fit(void **state, const aml_table *x, const aml_data *target, const double *hp,
                      aml_ctx *ctx) {
    size_t width = columns_of(target);
    target_state *t = AML_NEW(ctx->keep, target_state);
    uint8_t *acts = AML_ARRAY(ctx->scratch, x->p, uint8_t);
    if (!t || !acts) return AML_ENOMEM;
    t->smoothing = hp[SMOOTHING];
    t->multiclass = target->task == AML_MULTICLASS;
    t->log_odds = hp[VALUE] == 1;
    t->classes = AML_ARRAY(ctx->keep, width, uint32_t);
    if (!t->classes) return AML_ENOMEM;
    if (t->multiclass) AML_TRY(choose_classes(t->classes, width, target, ctx));
    for (size_t j = 0; j < x->p; j++)
        acts[j] = x->features[j].kind == AML_CATEGORY &&
                  x->features[j].n_levels >= hp[MIN_LEVELS] &&
                  (hp[COLUMNS] == 0 || x->features[j].source == UINT32_MAX);
    AML_TRY(aml_encoder_init(&t->encoder, x, acts, width, hp[KEEP_ORIGINAL] == 1, ctx->keep));
    source s;
    AML_TRY(prepare(&s, t, target, false, ctx));
    job u = {.ctx = ctx, .x = x, .s = &s, .e = &t->encoder};
    AML_TRY(room(&u, ctx));
    *state = t;
    return aml_each(ctx, x->p, learn, &u);
}

static aml_status encoded(aml_table *out, float ***column, const target_state *t,
                          const aml_table *x, aml_ctx *ctx) {
    size_t width = t->encoder.width;
    const char **what = AML_ARRAY(ctx->scratch, width, const char *);
    if (!what) return AML_ENOMEM;
    for (size_t k = 0; k < width; k++) {
        what[k] = t->multiclass ? aml_feature_number(ctx->scratch, "target", "", t->classes[k])
                                : "target";
        if (!what[k]) return AML_ENOMEM;
    }
    return aml_encoder_apply(out, column, &t->encoder, what, x, ctx);
}

static aml_status apply(aml_table *out, const void *state, const aml_table *x, aml_ctx *ctx) {
    return encoded(out, NULL, state, x, ctx);
}

static aml_status fit_apply(aml_table *out, void **state, const aml_table *x,
                            const aml_data *target, const double *hp, aml_ctx *ctx) {
    const target_state *t = *state;
    source s;
    (void)hp;
    job u = {.ctx = ctx, .x = x, .s = &s, .e = &t->encoder};
    AML_TRY(encoded(out, &u.column, t, x, ctx));
    AML_TRY(prepare(&s, t, target, true, ctx));
    AML_TRY(room(&u, ctx));
    return aml_each(ctx, x->p, cross_fit, &u);
}

static aml_status lower(aml_ir_table *out, const void *state, const aml_ir_table *x, aml_ir *ir) {
    return aml_encoder_lower(out, &((const target_state *)state)->encoder, x, ir);
}

static void save(const void *state, aml_writer *w) {
    const target_state *t = state;
    aml_encoder_save(&t->encoder, w);
    aml_put_u8(w, t->multiclass);
    aml_put_f64(w, t->smoothing);
    aml_put_u32s(w, t->classes, t->encoder.width);
}

static aml_status load(void **state, aml_reader *r, aml_ctx *ctx) {
    target_state *t = AML_NEW(ctx->keep, target_state);
    if (!t) return AML_ENOMEM;
    AML_TRY(aml_encoder_load(&t->encoder, r, ctx->keep));
    t->multiclass = aml_get_u8(r) != 0;
    t->smoothing = aml_get_f64(r);
    t->classes = aml_get_u32s(r, ctx->keep, t->encoder.width, NULL);
    *state = t;
    return r->status;
}

extern const aml_step aml_step_target_encode;
const aml_step aml_step_target_encode = {
    .abi = AML_ABI,
    .name = "target_encode",
    .summary = "Turns categories into smoothed target means, cross-fitted on training rows",
    .kinds = AML_CATEGORY,
    .flags = AML_STEP_TARGET,
    .params = AML_FIT(params),
    .fit = AML_FIT(fit),
    .apply = apply,
    .save = AML_FIT(save),
    .load = load,
    .lower = AML_FIT(lower),
    .fit_apply = AML_FIT(fit_apply),
};
