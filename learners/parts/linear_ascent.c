/* linear_ascent.c: coordinate ascent on the dual of a linear classifier (Hsieh and others 2008; Yu,
 * Huang and Lin 2011): row by row, its slope is brought to where it fits the margin that it itself
 * moves. coef stays the sum of slope times row, over lambda. Where the rows' own curvature is not far
 * above the penalty, as that of short texts, a few passes do what conjugate gradients need dozens for.
 * The intercept moves as the coefficient of a feature of its own, whose pull back to where it stood is
 * taken off after each pass (the method of multipliers). */
#include "learners/parts/linear_fit.h"

#include "automl/core/par.h"
#include "learners/parts/exp_f64.h"

#include <math.h>
#include <string.h>

enum { MOST_PASSES = 60, MOST_TRIALS = 8, LOOK = 256, AHEAD = 2 };
#define STEEPEST 6.0 /* mean curvature of a row along itself, in penalties, that this is for */
#define NEAR 0.02    /* of its way, that a margin may end from where it belongs */
#define PRIMAL 4     /* what coef may gain, in gains of the dual, about */

/* What the outputs of a fit share. */
typedef struct ascent {
    aml_linear_problem *problem;
    const aml_data *x;
    const double *y, *w;
    size_t n, p, q, k;
    double *length;    /* n: squared, over lambda */
    double reach;      /* their mean: what a slope of 1 moves an intercept */
    bool logistic;     /* or the squared hinge */
    bool plain;        /* values need no bringing into range */
    struct side *side; /* k */
} ascent;

/* One output. */
typedef struct side {
    const ascent *a;
    size_t output;
    double *coef;    /* p + q, then the intercept */
    double *slope;   /* n: minus w * loss' at the margin that the row was left with */
    uint32_t *order; /* n */
    double reach;    /* 0 where the intercept is frozen */
    int passes;
    double left; /* to gain */
    bool stopped;
} side;

static double dense_value(const ascent *a, size_t row, size_t j) {
    const aml_design *d = a->x->x;
    float v = d->dense ? d->dense[row * d->p + j] : d->column[j][row];
    return (double)aml_rows_value(v) - a->problem->center[j];
}

static inline double dot(const double *coef, const uint32_t *column, const float *value, size_t n) {
    double s[4] = {0};
    size_t e = 0;
    for (; e + 4 <= n; e += 4)
        for (size_t l = 0; l < 4; l++) s[l] += (double)value[e + l] * coef[column[e + l]];
    for (; e < n; e++) s[0] += (double)value[e] * coef[column[e]];
    return (s[0] + s[1]) + (s[2] + s[3]);
}

static double margin(const side *s, const uint32_t *column, const float *value, size_t entries,
                     size_t i) {
    const ascent *a = s->a;
    double z = s->coef[a->p + a->q];
    for (size_t j = 0; j < a->p; j++) z += dense_value(a, a->x->rows[i], j) * s->coef[j];
    if (a->plain) return z + dot(s->coef + a->p, column, value, entries);
    for (size_t e = 0; e < entries; e++)
        z += (double)aml_rows_value(value[e]) * s->coef[a->p + column[e]];
    return z;
}

static void move(side *s, const uint32_t *column, const float *value, size_t entries, size_t i,
                 double step) {
    const ascent *a = s->a;
    double *coef = s->coef + a->p, by = step / a->problem->lambda;
    s->coef[a->p + a->q] += s->reach * step;
    for (size_t j = 0; j < a->p; j++) s->coef[j] += by * dense_value(a, a->x->rows[i], j);
    if (a->plain)
        for (size_t e = 0; e < entries; e++) coef[column[e]] += by * (double)value[e];
    else
        for (size_t e = 0; e < entries; e++)
            coef[column[e]] += by * (double)aml_rows_value(value[e]);
}

/* Minus the slope of w times the loss at margin z, and its curvature. */
static inline double slope_at(double *curvature, const side *s, size_t i, double z) {
    const ascent *a = s->a;
    double w = a->w[i], t = (size_t)a->y[i] == (a->k == 1 ? 1 : s->output) ? 1 : -1, along = t * z;
    if (!a->logistic) {
        *curvature = along < 1 ? 2 * w : 0;
        return along < 1 ? 2 * w * t * (1 - along) : 0;
    }
    double e = aml_exp_f64(-fabs(along)), share = 1 / (1 + e);
    *curvature = w * (e * share) * share;
    return w * t * (along >= 0 ? e * share : share);
}

/* The margin m that a row of margin z and slope `before` ends at: m = z + length (slope(m) - before),
 * which has one solution, between z and where the slope at z would take it. Newton's method, bisection
 * where it leaves that interval. Returns the slope there. The logistic curvature changes by no more of
 * it than the margin's step, a short one: after that there is no need to look. */
static double settle(const side *s, size_t i, double z, double before) {
    double length = s->a->length[i] + s->reach, m = z, low = z, high = z;
    for (int trial = 0;; trial++) {
        double curvature, slope = slope_at(&curvature, s, i, m);
        double off = m - z - length * (slope - before), steep = length * curvature;
        if (!trial) low = fmin(z, z - off), high = fmax(z, z - off);
        else if (off < 0) low = m;
        else high = m;
        if (!(fabs(off) > NEAR * fabs(m - z)) || trial == MOST_TRIALS) return slope;
        double step = -off / (1 + steep);
        if (s->a->logistic && fabs(step) < 1 && fabs(step) * steep < NEAR)
            return slope - curvature * step;
        m += step;
        if (!(m > low && m < high)) m = 0.5 * (low + high);
    }
}

/* One row; returns what the dual gains, about. */
static double visit(side *s, size_t i) {
    const ascent *a = s->a;
    const uint32_t *column;
    const float *value;
    size_t entries = aml_rows_entries(&column, &value, a->x, i);
    double before = s->slope[i], largest = a->w[i] * (a->logistic ? 0.25 : 2);
    if (!(largest > 0)) return 0;
    s->slope[i] = settle(s, i, margin(s, column, value, entries, i), before);
    double step = s->slope[i] - before;
    if (step == 0) return 0;
    move(s, column, value, entries, i, step);
    return 0.5 * step * step * (a->length[i] + s->reach + 1 / largest);
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

/* False when the stop flag went up. */
static bool pass(double *gain, side *s, aml_rng *rng) {
    const ascent *a = s->a;
    double pull = 0;
    aml_rng_shuffle(rng, s->order, a->n);
    *gain = 0;
    for (size_t i = 0; i < a->n; i++) {
        if (i % LOOK == 0 && aml_should_stop(a->problem->ctx)) return false;
        if (i + AHEAD < a->n) ask_for(a, s->order[i + AHEAD]);
        *gain += visit(s, s->order[i]);
    }
    for (size_t i = 0; i < a->n; i++) pull += s->slope[i];
    s->coef[a->p + a->q] += s->reach * pull;
    return true;
}

static void one_output(void *arg, size_t o, size_t begin, size_t end, int thread) {
    side *s = ((ascent *)arg)->side + o;
    const ascent *a = s->a;
    aml_rng rng = aml_rng_child(&a->problem->ctx->rng, 0xA5CE + (uint32_t)o);
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

/* Squared lengths of the rows; false where they are too long for this method. */
static bool measure(ascent *a) {
    double sum = 0;
    a->plain = true;
    for (size_t i = 0; i < a->n; i++) {
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
    a->reach = sum;
    return sum * (a->logistic ? 0.25 : 2) < STEEPEST * (double)a->n; /* false for NaN */
}

static aml_status allocate(ascent *a) {
    aml_arena *scratch = a->problem->ctx->scratch;
    a->length = AML_ARRAY(scratch, a->n, double);
    a->side = AML_ARRAY(scratch, a->k, side);
    if (!a->length || !a->side) return AML_ENOMEM;
    for (size_t o = 0; o < a->k; o++) {
        side *s = a->side + o;
        *s = (side){.a = a, .output = o, .left = INFINITY};
        s->coef = AML_ARRAY(scratch, a->p + a->q + 1, double);
        s->slope = AML_ARRAY(scratch, a->n, double);
        s->order = AML_ARRAY(scratch, a->n, uint32_t);
        if (!s->coef || !s->slope || !s->order) return AML_ENOMEM;
    }
    return AML_OK;
}

/* Where the outputs got to. */
static void collect(bool *done, bool *begun, double *coef, ascent *a) {
    *done = *begun = true;
    a->problem->gain = 0;
    for (size_t o = 0; o < a->k; o++) {
        const side *s = a->side + o;
        for (size_t j = 0; j <= a->p + a->q; j++) coef[j * a->k + o] = s->coef[j];
        *begun &= s->passes > 0;
        *done &= !s->stopped && s->passes < MOST_PASSES;
        a->problem->gain = fmax(a->problem->gain, s->left);
        a->problem->steps += s->passes;
    }
}

aml_status aml_linear_ascent(bool *done, double *coef, aml_linear_problem *problem) {
    aml_ctx *ctx = problem->ctx;
    bool logistic = problem->loss == aml_loss_logistic, begun;
    ascent a = {.problem = problem,
                .x = &problem->rows.x,
                .y = problem->rows.y,
                .w = problem->rows.w,
                .n = problem->rows.x.n,
                .p = problem->p,
                .q = problem->q,
                .k = problem->k,
                .logistic = logistic};
    *done = false;
    if ((!logistic && problem->loss != aml_loss_squared_hinge) || !(problem->lambda > 0))
        return AML_OK;
    AML_TRY(allocate(&a));
    if (!measure(&a)) return AML_OK;
    for (size_t o = 0; o < a.k; o++) {
        a.side[o].reach = problem->frozen[o] ? 0 : a.reach;
        a.side[o].coef[a.p + a.q] = coef[(a.p + a.q) * a.k + o];
    }
    aml_par_for(ctx->n_threads, a.k, 1, one_output, &a);
    collect(done, &begun, coef, &a);
    if (*done || !aml_should_stop(ctx)) return AML_OK;
    if (!begun) return aml_stopped();
    ctx->truncated = true;
    return AML_OK;
}
