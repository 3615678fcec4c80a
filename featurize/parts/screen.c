/* screen.c: an additive model by binned means, and gains beyond it. */
#include "featurize/parts/screen.h"

#include <math.h>
#include <string.h>

#include "automl/core/sort.h"
#include "featurize/parts/each.h"
#include "featurize/parts/levels.h"
#include "featurize/parts/numeric.h"

enum { WIDE_CELLS = 8000000, LEAST_ROWS = 200, PASSES = 4, SHORT_LIST = 4 };
static const double shrinkage = 5; /* rows that a mean of 0 counts for in each bin */

/* ---- the sample */

static size_t count_outputs(const aml_data *target) {
    if (target->task != AML_MULTICLASS) return 1;
    return target->n_classes < AML_SCREEN_CLASSES ? (size_t)target->n_classes : AML_SCREEN_CLASSES;
}

/* The classes with the lowest numbers have their indicator when there are more than AML_SCREEN_CLASSES. */
static void centre(aml_screen *s, const aml_data *target) {
    for (size_t k = 0; k < s->outputs; k++) {
        double *left = s->left + k * s->n, sum = 0;
        for (size_t i = 0; i < s->n; i++) {
            double y = target->y[s->rows[i]];
            left[i] = target->task == AML_MULTICLASS ? y == (double)k : fmin(fmax(y, -3e38), 3e38);
            sum += left[i] / (double)s->n;
        }
        for (size_t i = 0; i < s->n; i++) left[i] -= sum;
    }
}

/* Few extreme values must not decide: beyond five mean absolute deviations they are cut. */
static void cut_extremes(aml_screen *s) {
    double mean = 0;
    for (size_t i = 0; i < s->n; i++) mean += fabs(s->left[i]) / (double)s->n;
    for (size_t i = 0; i < s->n; i++) s->left[i] = fmin(fmax(s->left[i], -5 * mean), 5 * mean);
}

aml_status aml_screen_init(aml_screen *s, const aml_table *x, const aml_data *target,
                           aml_ctx *ctx) {
    size_t most = x->p ? WIDE_CELLS / x->p : AML_SCREEN_ROWS;
    if (most > AML_SCREEN_ROWS) most = AML_SCREEN_ROWS;
    if (most < LEAST_ROWS) most = LEAST_ROWS;
    *s = (aml_screen){.outputs = count_outputs(target)};
    s->rows = aml_spaced_rows(&s->n, target->rows, target->n, most, ctx);
    s->left = AML_ARRAY(ctx->scratch, s->outputs * s->n, double);
    if (!s->rows || !s->left) return AML_ENOMEM;
    centre(s, target);
    if (target->task == AML_REGRESSION) cut_extremes(s);
    return AML_OK;
}

/* ---- bins */

aml_status aml_screen_cut(aml_screen_bins *out, const float *v, size_t n, float *work) {
    float cut[AML_SCREEN_BINS];
    size_t known = 0, n_cuts = 0;
    for (size_t i = 0; i < n; i++)
        if (v[i] == v[i]) work[known++] = v[i];
    AML_TRY(aml_sort_f32(work, known));
    for (size_t k = 1; known && k < AML_SCREEN_BINS; k++) {
        float c = work[k * known / AML_SCREEN_BINS];
        if (c > work[0] && (!n_cuts || c > cut[n_cuts - 1])) cut[n_cuts++] = c;
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t bin = 0;
        for (size_t half = AML_SCREEN_BINS; half; half /= 2)
            while (bin + half <= n_cuts && v[i] >= cut[bin + half - 1]) bin += (uint32_t)half;
        out->bin[i] = v[i] == v[i] ? bin + 1 : 0;
    }
    out->n_bins = n_cuts + 2;
    return AML_OK;
}

static aml_status cut_feature(aml_screen_bins *out, const aml_screen *s, const aml_feature *f,
                              float *v, float *work) {
    if (f->kind == AML_NUMBER) {
        for (size_t i = 0; i < s->n; i++) v[i] = f->x[s->rows[i]];
        return aml_screen_cut(out, v, s->n, work);
    }
    out->n_bins = (size_t)f->n_levels + 2;
    for (size_t i = 0; i < s->n; i++)
        out->bin[i] = (uint32_t)aml_level_row(f->code[s->rows[i]], f->n_levels);
    return AML_OK;
}

static uint64_t pair_of(const aml_screen *s, const aml_feature *f, const aml_feature *g, size_t i) {
    uint64_t a = aml_level_row(f->code[s->rows[i]], f->n_levels);
    return a << 32 | aml_level_row(g->code[s->rows[i]], g->n_levels);
}

void aml_screen_pair(aml_screen_bins *out, const aml_screen *s, const aml_feature *f,
                     const aml_feature *g) {
    memset(out->slot, 0, out->slots * sizeof *out->slot);
    out->n_bins = 0;
    for (size_t i = 0; i < s->n; i++) {
        uint64_t pair = pair_of(s, f, g, i);
        size_t at = (size_t)(pair * 0x9E3779B97F4A7C15u >> 32) & (out->slots - 1);
        while (out->slot[at] && pair_of(s, f, g, out->slot[at] - 1) != pair)
            at = (at + 1) & (out->slots - 1);
        if (out->slot[at]) {
            out->bin[i] = out->bin[out->slot[at] - 1];
            continue;
        }
        out->slot[at] = (uint32_t)i + 1;
        out->bin[i] = (uint32_t)out->n_bins++;
    }
}

/* ---- gains; sum and count have room for n_bins */

static void add_up(double *sum, double *count, const aml_screen_bins *b, const double *left,
                   size_t n) {
    memset(sum, 0, b->n_bins * sizeof *sum);
    memset(count, 0, b->n_bins * sizeof *count);
    for (size_t i = 0; i < n; i++) {
        sum[b->bin[i]] += left[i];
        count[b->bin[i]]++;
    }
}

/* Share of what is left that the other rows of a row's bin foretell; below 0 where they mislead. */
static double gain_of(const aml_screen *s, const aml_screen_bins *b, double *sum, double *count) {
    double before = 0, after = 0;
    for (size_t k = 0; k < s->outputs; k++) {
        const double *left = s->left + k * s->n;
        add_up(sum, count, b, left, s->n);
        for (size_t i = 0; i < s->n; i++) {
            size_t c = b->bin[i];
            double guess = (sum[c] - left[i]) / (count[c] - 1 + shrinkage);
            before += left[i] * left[i];
            after += (left[i] - guess) * (left[i] - guess);
        }
    }
    return before > 0 && isfinite(before) ? 1 - after / before : 0;
}

static void take_off(aml_screen *s, const aml_screen_bins *b, double *sum, double *count) {
    for (size_t k = 0; k < s->outputs; k++) {
        double *left = s->left + k * s->n;
        add_up(sum, count, b, left, s->n);
        for (size_t i = 0; i < s->n; i++) {
            size_t c = b->bin[i];
            left[i] -= sum[c] / (count[c] + shrinkage);
        }
    }
}

/* ---- candidates, over threads */

typedef struct room {
    float *v, *work;
    uint32_t *bin, *slot;
    size_t slots;
    double *sum, *count;
} room;

typedef struct job {
    const aml_screen *s;
    aml_candidate_fn candidate;
    const void *arg;
    room *rooms;  /* one a thread */
    double *gain; /* per candidate */
    double *bins; /* per candidate: those of more than one row */
} job;

static aml_status make_room(room *r, size_t n, size_t most_bins, aml_arena *a) {
    r->v = aml_alloc_raw(a, n, sizeof(float));
    r->work = aml_alloc_raw(a, n, sizeof(float));
    r->bin = aml_alloc_raw(a, n, sizeof(uint32_t));
    for (r->slots = 16; r->slots < 2 * n;) r->slots *= 2;
    r->slot = aml_alloc_raw(a, r->slots, sizeof(uint32_t));
    r->sum = aml_alloc_raw(a, most_bins, sizeof(double));
    r->count = aml_alloc_raw(a, most_bins, sizeof(double));
    return r->v && r->work && r->bin && r->slot && r->sum && r->count ? AML_OK : AML_ENOMEM;
}

static aml_screen_bins bins_in(const room *r) {
    return (aml_screen_bins){.bin = r->bin, .slot = r->slot, .slots = r->slots};
}

static aml_status weigh(void *arg, size_t k, int thread) {
    const job *j = arg;
    room *r = &j->rooms[thread];
    aml_screen_bins b = bins_in(r);
    AML_TRY(j->candidate(&b, j->arg, k, r->v, r->work));
    j->gain[k] = gain_of(j->s, &b, r->sum, r->count);
    for (size_t c = 0; c < b.n_bins; c++) j->bins[k] += r->count[c] > 1;
    return AML_OK;
}

/* Gains of all candidates into j->gain; a candidate has at most so many bins. */
static aml_status weigh_all(job *j, size_t n_candidates, size_t most_bins, aml_ctx *ctx) {
    size_t threads = ctx->n_threads > 1 ? (size_t)ctx->n_threads : 1;
    j->rooms = AML_ARRAY(ctx->scratch, threads, room);
    j->gain = AML_ARRAY(ctx->scratch, n_candidates, double);
    j->bins = AML_ARRAY(ctx->scratch, n_candidates, double);
    if (!j->rooms || !j->gain || !j->bins) return AML_ENOMEM;
    for (size_t t = 0; t < threads; t++)
        AML_TRY(make_room(&j->rooms[t], j->s->n, most_bins, ctx->scratch));
    return aml_each(ctx, n_candidates, weigh, j);
}

/* order[0 … n-1]: the candidates by gain, downwards. */
static aml_status by_gain(uint32_t *order, const double *gain, size_t n, aml_ctx *ctx) {
    double *key = AML_ARRAY(ctx->scratch, n, double);
    if (!key) return AML_ENOMEM;
    for (size_t k = 0; k < n; k++) key[k] = -gain[k];
    return aml_argsort(order, key, n);
}

/* ---- columns */

typedef struct columns_arg {
    const aml_screen *s;
    const aml_table *x;
    const uint32_t *column;
} columns_arg;

static aml_status column_bins(aml_screen_bins *out, const void *arg, size_t k, float *v,
                              float *work) {
    const columns_arg *a = arg;
    return cut_feature(out, a->s, &a->x->features[a->column[k]], v, work);
}

aml_status aml_screen_columns(uint32_t *column, size_t *n, aml_screen *s, const aml_table *x,
                              unsigned kinds, size_t most, aml_ctx *ctx) {
    uint32_t *all = AML_ARRAY(ctx->scratch, x->p, uint32_t),
             *order = AML_ARRAY(ctx->scratch, x->p, uint32_t);
    size_t n_all = 0, most_bins = AML_SCREEN_BINS + 2;
    *n = 0;
    if (!all || !order) return AML_ENOMEM;
    for (size_t c = 0; c < x->p; c++) {
        const aml_feature *f = &x->features[c];
        if (!(f->kind & kinds)) continue;
        all[n_all++] = (uint32_t)c;
        if (f->kind == AML_CATEGORY && (size_t)f->n_levels + 2 > most_bins)
            most_bins = (size_t)f->n_levels + 2;
    }
    columns_arg arg = {s, x, all};
    job j = {.s = s, .candidate = column_bins, .arg = &arg};
    AML_TRY(weigh_all(&j, n_all, most_bins, ctx));
    AML_TRY(by_gain(order, j.gain, n_all, ctx));
    for (size_t k = 0; k < n_all && k < most; k++) column[(*n)++] = all[order[k]];
    room *r = &j.rooms[0];
    for (size_t pass = 0; pass < PASSES; pass++)
        for (size_t k = 0; k < *n; k++) {
            aml_screen_bins b = bins_in(r);
            AML_TRY(cut_feature(&b, s, &x->features[column[k]], r->v, r->work));
            take_off(s, &b, r->sum, r->count);
        }
    return AML_OK;
}

/* ---- choice */

/* Under chance the share explained by k bins of n rows has this standard error. */
static double chance(double n_bins, size_t n) { return sqrt(2 * n_bins) / (double)n; }

typedef struct entrant {
    uint32_t candidate;
    aml_screen_bins bins;
} entrant;

static aml_status enter(entrant *list, size_t *n, const job *j, size_t n_candidates, size_t most,
                        double errors, aml_ctx *ctx) {
    uint32_t *order = AML_ARRAY(ctx->scratch, n_candidates, uint32_t);
    if (!order) return AML_ENOMEM;
    AML_TRY(by_gain(order, j->gain, n_candidates, ctx));
    room *r = &j->rooms[0];
    for (size_t k = 0; k < n_candidates && *n < most; k++) {
        uint32_t c = order[k];
        if (!(j->gain[c] > errors * chance(j->bins[c], j->s->n))) continue;
        entrant *e = &list[(*n)++];
        e->candidate = c;
        e->bins = bins_in(r);
        e->bins.bin = aml_alloc_raw(ctx->scratch, j->s->n, sizeof(uint32_t));
        if (!e->bins.bin) return AML_ENOMEM;
        AML_TRY(j->candidate(&e->bins, j->arg, c, r->v, r->work));
    }
    return AML_OK;
}

aml_status aml_screen_choose(uint32_t *chosen, size_t *n_chosen, aml_screen *s, size_t n_candidates,
                             aml_candidate_fn candidate, const void *arg, size_t most,
                             double errors, aml_ctx *ctx) {
    job j = {.s = s, .candidate = candidate, .arg = arg};
    size_t n = 0, most_bins = s->n + AML_SCREEN_BINS + 2;
    *n_chosen = 0;
    AML_TRY(weigh_all(&j, n_candidates, most_bins, ctx));
    entrant *list = AML_ARRAY(ctx->scratch, SHORT_LIST * most, entrant);
    if (!list) return AML_ENOMEM;
    AML_TRY(enter(list, &n, &j, n_candidates, SHORT_LIST * most, errors, ctx));
    room *r = &j.rooms[0];
    while (*n_chosen < most && n) {
        size_t best = 0;
        double most_gain = -INFINITY;
        for (size_t k = 0; k < n; k++) {
            double gain = gain_of(s, &list[k].bins, r->sum, r->count);
            double beyond = gain - errors * chance(j.bins[list[k].candidate], s->n);
            if (beyond > most_gain) most_gain = beyond, best = k;
        }
        if (!(most_gain > 0)) break;
        if (aml_should_stop(ctx)) return aml_stopped();
        chosen[(*n_chosen)++] = list[best].candidate;
        take_off(s, &list[best].bins, r->sum, r->count);
        list[best] = list[--n];
    }
    return AML_OK;
}
