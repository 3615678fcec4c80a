/* linear_ascent.c: coordinate ascent on the dual of a linear classifier (Hsieh and others 2008; Yu,
 * Huang and Lin 2011): row by row, its slopes are brought to where they fit the margins that they
 * themselves move. coef stays the sum of slope times row, over lambda. Where the rows' own curvature is
 * not far above the penalty, as that of short texts, a few passes do what conjugate gradients need
 * dozens for. The intercepts move as coefficients of a feature of their own, whose pull back to where
 * they stood is taken off after each pass (the method of multipliers). */
#include "learners/parts/linear_fit.h"

#include "automl/core/par.h"
#include "learners/parts/linear_settle.h"
#include "learners/parts/simd.h"

#include <math.h>
#include <string.h>

enum { MOST_PASSES = 60, LOOK = 256, AHEAD = 2, BLOCK = 8 };
#define STEEPEST 6.0 /* mean curvature of a row along itself, in penalties, that this is for */
#define PRIMAL 4     /* what coef may gain, in gains of the dual, about */

/* What the blocks of outputs share. */
typedef struct ascent {
    aml_linear_problem *problem;
    const aml_data *x;
    const double *y, *w;
    size_t n, p, q, k;
    double *length; /* n: squared, over lambda */
    double mean;    /* of them: what a slope of 1 moves an intercept */
    double most;    /* the largest curvature of the loss */
    bool plain;     /* values need no bringing into range */
    struct side *side;
} ascent;

/* Outputs that are fitted together: of the softmax all, else up to BLOCK. */
typedef struct side {
    const ascent *a;
    size_t first, width; /* outputs */
    double *coef;        /* (p + q + 1) × width, intercepts last */
    double *slope;       /* n × width: minus w * loss' at the margins that the row was left with */
    double *reach;       /* width: the mean length, 0 where the intercept is frozen */
    double *z, *step;    /* width */
    double *room;        /* for aml_settle */
    uint32_t *order;     /* n */
    int passes;
    double left; /* to gain */
    bool stopped;
} side;

static double dense_value(const ascent *a, size_t row, size_t j) {
    const aml_design *d = a->x->x;
    float v = d->dense ? d->dense[row * d->p + j] : d->column[j][row];
    return (double)aml_rows_value(v) - a->problem->center[j];
}

/* ---- products of a row */

AML_KERNEL void scatter(double *restrict coef, const double *restrict step, const uint32_t *column,
                        const float *value, size_t entries, size_t width) {
    for (size_t e = 0; e < entries; e++) {
        double *to = coef + column[e] * width, v = (double)aml_rows_value(value[e]);
        for (size_t c = 0; c < width; c++) to[c] += v * step[c];
    }
}

AML_BEST(scatter,
         (double *coef, const double *step, const uint32_t *column, const float *value,
          size_t entries, size_t width),
         (coef, step, column, value, entries, width))

static void margins(side *s, const uint32_t *column, const float *value, size_t entries, size_t i) {
    const ascent *a = s->a;
    size_t width = s->width;
    const double *coef = s->coef + a->p * width;
    memcpy(s->z, coef + a->q * width, width * sizeof *s->z);
    for (size_t j = 0; j < a->p; j++) {
        double v = dense_value(a, a->x->rows[i], j);
        for (size_t c = 0; c < width; c++) s->z[c] += v * s->coef[j * width + c];
    }
    if (width == 1 && a->plain) s->z[0] += aml_linear_row_dot(coef, column, value, entries);
    else aml_linear_row_add(s->z, coef, column, value, entries, width);
}

static void move(side *s, const uint32_t *column, const float *value, size_t entries, size_t i) {
    const ascent *a = s->a;
    size_t width = s->width;
    double *coef = s->coef + a->p * width, *intercept = coef + a->q * width, *step = s->step;
    for (size_t c = 0; c < width; c++) {
        intercept[c] += s->reach[c] * step[c];
        step[c] /= a->problem->lambda;
    }
    for (size_t j = 0; j < a->p; j++) {
        double v = dense_value(a, a->x->rows[i], j);
        for (size_t c = 0; c < width; c++) s->coef[j * width + c] += v * step[c];
    }
    if (width == 1 && a->plain)
        for (size_t e = 0; e < entries; e++) coef[column[e]] += step[0] * (double)value[e];
    else scatter_best(coef, step, column, value, entries, width);
}

/* ---- passes */

/* One row; returns what the dual gains, about. */
static double visit(side *s, size_t i) {
    const ascent *a = s->a;
    const uint32_t *column;
    const float *value;
    size_t entries = aml_rows_entries(&column, &value, a->x, i), width = s->width;
    double w = a->w[i], *slope = s->slope + i * width, gain = 0;
    if (!(w > 0)) return 0;
    margins(s, column, value, entries, i);
    aml_settling row = {.loss = a->problem->loss,
                        .w = w,
                        .target = (size_t)a->y[i] - (a->k == 1 ? 1 : s->first),
                        .length = a->length[i],
                        .reach = s->reach,
                        .width = width};
    aml_settle(s->step, s->z, slope, &row, s->room);
    for (size_t c = 0; c < width; c++) {
        double step = s->step[c] - slope[c];
        slope[c] = s->step[c];
        s->step[c] = step;
        gain += 0.5 * step * step * (a->length[i] + s->reach[c] + 1 / (w * a->most));
    }
    if (gain > 0) move(s, column, value, entries, i);
    return gain;
}

static void ask_for(const ascent *a, size_t i) {
    const uint32_t *column;
    const float *value;
    size_t entries = aml_rows_entries(&column, &value, a->x, i);
    for (size_t e = 0; e < entries; e += 16) {
        __builtin_prefetch(column + e);
        __builtin_prefetch(value + e);
    }
}

/* What the intercepts' pull adds to them. */
static void follow_pull(side *s) {
    double *intercept = s->coef + (s->a->p + s->a->q) * s->width;
    for (size_t c = 0; c < s->width; c++) {
        double pull = 0;
        for (size_t i = 0; i < s->a->n; i++) pull += s->slope[i * s->width + c];
        intercept[c] += s->reach[c] * pull;
    }
}

/* False when the stop flag went up. */
static bool pass(double *gain, side *s, aml_rng *rng) {
    const ascent *a = s->a;
    size_t rows = LOOK / s->width + 1;
    aml_rng_shuffle(rng, s->order, a->n);
    *gain = 0;
    for (size_t i = 0; i < a->n; i++) {
        if (i % rows == 0 && aml_should_stop(a->problem->ctx)) return false;
        if (i + AHEAD < a->n) ask_for(a, s->order[i + AHEAD]);
        *gain += visit(s, s->order[i]);
    }
    follow_pull(s);
    return true;
}

static void one_side(void *arg, size_t number, size_t begin, size_t end, int thread) {
    side *s = ((ascent *)arg)->side + number;
    const ascent *a = s->a;
    aml_rng rng = aml_rng_child(&a->problem->ctx->rng, 0xA5CE + (uint32_t)number);
    double gain, before = 0;
    (void)begin, (void)end, (void)thread;
    for (size_t i = 0; i < a->n; i++) s->order[i] = (uint32_t)i;
    for (; s->passes < MOST_PASSES; s->passes++, before = gain) {
        s->stopped = !pass(&gain, s, &rng);
        if (s->stopped) return;
        double ratio = s->passes ? gain / before : 1;
        s->left = PRIMAL * gain * (ratio < 0.5 ? ratio / (1 - ratio) : 1);
        if (2 * s->left <= a->problem->tolerance) return;
    }
}

/* ---- the whole */

/* Squared lengths of the rows; false where they are too long for this method, or the stop flag went up. */
static bool measure(ascent *a) {
    double sum = 0;
    a->plain = true;
    for (size_t i = 0; i < a->n; i++) {
        if (i % 4096 == 0 && aml_should_stop(a->problem->ctx)) return false;
        const uint32_t *column;
        const float *value;
        size_t entries = aml_rows_entries(&column, &value, a->x, i);
        double square = 0;
        for (size_t e = 0; e < entries; e++) {
            float v = aml_rows_value(value[e]);
            a->plain &= v == value[e]; /* NOLINT: as it was */
            square += (double)v * (double)v;
        }
        for (size_t j = 0; j < a->p; j++) {
            double v = dense_value(a, a->x->rows[i], j);
            square += v * v;
        }
        a->length[i] = square / a->problem->lambda;
        sum += a->w[i] * a->length[i];
    }
    a->mean = sum;
    return sum * a->most < STEEPEST * (double)a->n; /* false for NaN */
}

static aml_status prepare_side(side *s, const double *coef, const ascent *a) {
    aml_arena *scratch = a->problem->ctx->scratch;
    size_t d = a->p + a->q, width = s->width;
    s->coef = AML_ARRAY(scratch, (d + 1) * width, double);
    s->slope = AML_ARRAY(scratch, a->n * width, double);
    s->order = AML_ARRAY(scratch, a->n, uint32_t);
    s->z = AML_ARRAY(scratch, (3 + AML_SETTLE_ROOM) * width, double);
    if (!s->coef || !s->slope || !s->order || !s->z) return AML_ENOMEM;
    s->step = s->z + width, s->reach = s->step + width, s->room = s->reach + width;
    for (size_t c = 0; c < width; c++) {
        s->coef[d * width + c] = coef[d * a->k + s->first + c];
        s->reach[c] = a->problem->frozen[s->first + c] ? 0 : a->mean;
    }
    return AML_OK;
}

/* Where the sides got to. */
static void collect(bool *done, bool *begun, double *coef, const ascent *a, size_t n_sides) {
    *done = *begun = true;
    a->problem->gain = 0;
    for (const side *s = a->side; s < a->side + n_sides; s++) {
        for (size_t j = 0; j <= a->p + a->q; j++)
            for (size_t c = 0; c < s->width; c++)
                coef[j * a->k + s->first + c] = s->coef[j * s->width + c];
        *begun &= s->passes > 0;
        *done &= !s->stopped && s->passes < MOST_PASSES;
        a->problem->gain = fmax(a->problem->gain, s->left);
        a->problem->steps += s->passes;
    }
}

aml_status aml_linear_ascent(bool *done, double *coef, aml_linear_problem *problem) {
    aml_ctx *ctx = problem->ctx;
    size_t n = problem->rows.x.n, k = problem->k;
    size_t block = problem->loss == aml_loss_softmax ? k : BLOCK, n_sides = (k + block - 1) / block;
    ascent a = {.problem = problem,
                .x = &problem->rows.x,
                .y = problem->rows.y,
                .w = problem->rows.w,
                .n = n,
                .p = problem->p,
                .q = problem->q,
                .k = k,
                .most = aml_settle_curvature(problem->loss)};
    bool begun;
    *done = false;
    if (!(a.most > 0) || !(problem->lambda > 0)) return AML_OK;
    a.length = AML_ARRAY(ctx->scratch, n, double);
    a.side = AML_ARRAY(ctx->scratch, n_sides, side);
    if (!a.length || !a.side) return AML_ENOMEM;
    if (!measure(&a)) return AML_OK;
    for (size_t i = 0; i < n_sides; i++) {
        size_t first = i * block, width = k - first < block ? k - first : block;
        a.side[i] = (side){.a = &a, .first = first, .width = width, .left = INFINITY};
        AML_TRY(prepare_side(a.side + i, coef, &a));
    }
    aml_par_for(ctx->n_threads, n_sides, 1, one_side, &a);
    collect(done, &begun, coef, &a, n_sides);
    if (*done || !aml_should_stop(ctx)) return AML_OK;
    if (!begun) return aml_stopped();
    ctx->truncated = true;
    return AML_OK;
}
