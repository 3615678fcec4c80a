/* calibration.c: temperature, sigmoid and isotonic calibration by maximum likelihood. */
#include "automl/engine/calibration.h"

#include <math.h>
#include <string.h>

#include "automl/core/sort.h"

enum { STEPS = 50, MOST_KNOTS = 100, BINS = 10, MOST_ROWS = 20000 };
static const double LEAST =
    1e-7;                      /* probabilities are taken as no less, and no more than 1 - LEAST */
static const double PRIOR = 2; /* rows that the identity is worth */
static const double SLOPE_MIN = 0.05, SLOPE_MAX = 20;

const char *const aml_calibrator_names[] = {"none", "temperature", "sigmoid", "isotonic", NULL};

static double clamp(double x, double lo, double hi) { return x < lo ? lo : x > hi ? hi : x; }
static double logit(double p) {
    p = clamp(p, LEAST, 1 - LEAST);
    return log(p / (1 - p));
}
static double logistic(double z) { return 1 / (1 + exp(-z)); }
static double log_of(double p) { return log(clamp(p, LEAST, 1)); }

/* ---- apply */

static void apply_temperature(double *p, double slope, size_t k) {
    double most = -INFINITY, sum = 0;
    for (size_t c = 0; c < k; c++) {
        p[c] = slope * log_of(p[c]);
        if (p[c] > most) most = p[c];
    }
    for (size_t c = 0; c < k; c++) sum += p[c] = exp(p[c] - most);
    for (size_t c = 0; c < k; c++) p[c] /= sum;
}

static double apply_curve(double p, const aml_calibrator *c) {
    size_t lo = 0, hi = c->n - 1;
    p = clamp(p, 0, 1);
    while (hi - lo > 1) {
        size_t middle = (lo + hi) / 2;
        if (c->from[middle] <= p) lo = middle;
        else hi = middle;
    }
    double width = c->from[hi] - c->from[lo];
    return c->to[lo] + (width > 0 ? (p - c->from[lo]) / width : 0) * (c->to[hi] - c->to[lo]);
}

void aml_calibrator_apply(double *p, const aml_calibrator *c, size_t k) {
    switch (c->kind) {
    case AML_AS_IT_IS: return;
    case AML_TEMPERATURE: apply_temperature(p, c->slope, k); return;
    case AML_SIGMOID: *p = logistic(c->slope * logit(*p) + c->offset); return;
    case AML_ISOTONIC: *p = apply_curve(*p, c); return;
    }
}

/* ---- fit: one number, or two, by Newton's steps */

typedef struct rows_of {
    const double *y, *w, *pred;
    size_t k, n;
    const uint32_t *at;
} rows_of;

static double weight(const rows_of *r, size_t i) { return r->w ? r->w[r->at[i]] : 1; }

/* Slope and curvature of the log loss as the temperature's slope grows: the mean log-probability of the classes, less
 * that of the true one, and its variance. */
static void temperature_terms(double *gradient, double *curvature, const rows_of *r,
                              const double *logs, double slope) {
    *gradient = PRIOR * (slope - 1);
    *curvature = PRIOR;
    for (size_t i = 0; i < r->n; i++) {
        const double *l = logs + i * r->k;
        double most = -INFINITY, total = 0, mean = 0, square = 0;
        for (size_t c = 0; c < r->k; c++) most = l[c] > most ? l[c] : most;
        for (size_t c = 0; c < r->k; c++) {
            double p = exp(slope * (l[c] - most));
            total += p;
            mean += p * l[c];
            square += p * l[c] * l[c];
        }
        mean /= total;
        *gradient += weight(r, i) * (mean - l[(size_t)r->y[r->at[i]]]);
        *curvature += weight(r, i) * (square / total - mean * mean);
    }
}

/* By no more than MOST_ROWS of the rows, evenly spread. */
static aml_status fit_temperature(aml_calibrator *out, const rows_of *all, aml_ctx *ctx) {
    rows_of r = *all;
    r.n = all->n < MOST_ROWS ? all->n : MOST_ROWS;
    uint32_t *at = AML_ARRAY(ctx->scratch, r.n, uint32_t);
    double *logs = AML_ARRAY(ctx->scratch, r.n * r.k, double), g, h;
    if (!at || !logs) return AML_ENOMEM;
    for (size_t i = 0; i < r.n; i++) {
        at[i] = all->at[i * all->n / r.n];
        for (size_t c = 0; c < r.k; c++) logs[i * r.k + c] = log_of(r.pred[at[i] * r.k + c]);
    }
    r.at = at;
    for (int step = 0; step < STEPS; step++) {
        temperature_terms(&g, &h, &r, logs, out->slope);
        double next = clamp(out->slope - g / h, out->slope / 2, out->slope * 2);
        next = clamp(next, SLOPE_MIN, SLOPE_MAX);
        bool done = fabs(next - out->slope) < 1e-9 * out->slope;
        out->slope = next;
        if (done) break;
    }
    return AML_OK;
}

static void fit_sigmoid(aml_calibrator *out, const rows_of *r) {
    for (int step = 0; step < STEPS; step++) {
        double ga = PRIOR * (out->slope - 1), gb = PRIOR * out->offset, aa = PRIOR, ab = 0,
               bb = PRIOR;
        for (size_t i = 0; i < r->n; i++) {
            double x = logit(r->pred[r->at[i]]), p = logistic(out->slope * x + out->offset);
            double w = weight(r, i), d = w * (p - r->y[r->at[i]]), v = w * p * (1 - p);
            ga += d * x, gb += d;
            aa += v * x * x, ab += v * x, bb += v;
        }
        double det = aa * bb - ab * ab, da = (bb * ga - ab * gb) / det,
               db = (aa * gb - ab * ga) / det;
        double share = fmin(1, 2 / (fabs(da) + fabs(db) + 1e-300)); /* no step beyond 2 */
        out->slope = clamp(out->slope - share * da, SLOPE_MIN, SLOPE_MAX);
        out->offset -= share * db;
        if (fabs(da) + fabs(db) < 1e-9) break;
    }
}

/* ---- fit: pool adjacent violators */

typedef struct block {
    double weight, p, y; /* sums */
} block;

static double mean_y(const block *b) { return b->y / b->weight; }

static size_t pool(block *blocks, const rows_of *r, const uint32_t *order) {
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) {
        size_t row = r->at[order[i]];
        double w = weight(r, order[i]);
        if (!(w > 0)) continue;
        blocks[n++] = (block){w, w * r->pred[row], w * r->y[row]};
        while (n > 1 && mean_y(&blocks[n - 2]) >= mean_y(&blocks[n - 1])) {
            block *to = &blocks[n - 2], *from = &blocks[--n];
            to->weight += from->weight, to->p += from->p, to->y += from->y;
        }
    }
    return n;
}

/* Blocks of few rows join their neighbours, so that the curve does not follow noise; each is drawn to its own mean p. */
static aml_status make_curve(aml_calibrator *out, const block *blocks, size_t n, aml_ctx *ctx) {
    double *from = AML_ARRAY(ctx->keep, MOST_KNOTS + 2, double),
           *to = AML_ARRAY(ctx->keep, MOST_KNOTS + 2, double), total = 0;
    if (!from || !to) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) total += blocks[i].weight;
    block sum = {0};
    size_t knots = 1;
    for (size_t i = 0; i < n; i++) {
        sum.weight += blocks[i].weight, sum.p += blocks[i].p, sum.y += blocks[i].y;
        if (sum.weight < fmax(20, total / MOST_KNOTS) && i + 1 < n) continue;
        double p = sum.p / sum.weight, y = (sum.y + PRIOR * p) / (sum.weight + PRIOR);
        if (p > from[knots - 1] && y > to[knots - 1] && p < 1 && y < 1) {
            from[knots] = p;
            to[knots++] = y;
        }
        sum = (block){0};
    }
    from[knots] = to[knots] = 1;
    out->n = knots + 1;
    out->from = from;
    out->to = to;
    return AML_OK;
}

static aml_status fit_isotonic(aml_calibrator *out, const rows_of *r, aml_ctx *ctx) {
    double *p = AML_ARRAY(ctx->scratch, r->n + 1, double);
    uint32_t *order = AML_ARRAY(ctx->scratch, r->n + 1, uint32_t);
    block *blocks = AML_ARRAY(ctx->scratch, r->n + 1, block);
    if (!p || !order || !blocks) return AML_ENOMEM;
    for (size_t i = 0; i < r->n; i++) p[i] = r->pred[r->at[i]];
    AML_TRY(aml_argsort(order, p, r->n));
    return make_curve(out, blocks, pool(blocks, r, order), ctx);
}

aml_status aml_calibrator_fit(aml_calibrator *out, aml_calibrator_kind kind, const double *y,
                              const double *w, const double *pred, size_t k, const uint32_t *rows,
                              size_t n, aml_ctx *ctx) {
    rows_of r = {.y = y, .w = w, .pred = pred, .k = k, .n = n, .at = rows};
    aml_mark mark = aml_arena_mark(ctx->scratch);
    *out = (aml_calibrator){.kind = kind, .slope = 1};
    aml_status status = AML_OK;
    if (kind == AML_TEMPERATURE) status = fit_temperature(out, &r, ctx);
    if (kind == AML_SIGMOID) fit_sigmoid(out, &r);
    if (kind == AML_ISOTONIC) status = fit_isotonic(out, &r, ctx);
    aml_arena_release(ctx->scratch, mark);
    return status;
}

/* ---- how far off */

double aml_calibration_error(const double *y, const double *pred, size_t n, size_t k) {
    double said[BINS] = {0}, right[BINS] = {0}, error = 0;
    for (size_t i = 0; i < n; i++) {
        const double *p = pred + i * k;
        size_t class = k == 1 ? *p > 0.5 : 0;
        for (size_t c = 1; c < k; c++)
            if (p[c] > p[class]) class = c;
        double sure = k == 1 ? (class ? *p : 1 - *p) : p[class];
        size_t bin = (size_t)clamp(sure * BINS, 0, BINS - 1);
        said[bin] += sure;
        right[bin] += y[i] == (double)class;
    }
    for (size_t b = 0; b < BINS; b++) error += fabs(said[b] - right[b]);
    return n ? error / (double)n : NAN;
}
