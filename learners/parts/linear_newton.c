/* linear_newton.c: Newton's method for wide and sparse linear models: each system is solved by
 * conjugate gradients as far as it pays (Dembo and Steihaug 1983), preconditioned with the diagonal
 * until those solves have cost as much as the joint curvature does, then with that; the step is
 * searched along its line (Galli and Lin 2021). The margins follow the steps, so that neither the
 * line search nor the new gradient reads the rows once more. */
#include "learners/parts/linear_fit.h"

#include "automl/core/linalg.h"
#include "learners/parts/linear_block.h"

#include <math.h>
#include <string.h>

enum { MOST_STEPS = 200, MOST_SOLVES = 500, MOST_TRIALS = 30, LEFT = 10, FEWEST = 5 };

typedef struct newton {
    aml_linear_problem *problem;
    aml_linear_matrix matrix;
    size_t n, k, d, penalised;
    double lambda, f;
    double *z, *slope, *curvature; /* n × k: margins, w * loss' and w * loss'' at them */
    double *along, *zd, *trial; /* n × k: the margins' change with the step and with a direction */
    double *g, *inverse;        /* d: gradient, and the inverse of the Hessian's diagonal */
    double *step, *r, *dir, *hd, *flat; /* d: conjugate gradients; flat: r preconditioned */
    aml_linear_block block;
    double *mean;   /* k × k: curvature of outputs with outputs, summed over rows */
    double solves;  /* since the block was made */
    bool cut_short; /* the last conjugate gradients */
} newton;

static double *numbers(const newton *t, size_t count) {
    return aml_alloc_raw(t->problem->ctx->scratch, count, sizeof(double));
}

static aml_status allocate(newton *t) {
    size_t rows = t->n * t->k;
    t->z = numbers(t, rows), t->slope = numbers(t, rows), t->curvature = numbers(t, rows);
    t->along = numbers(t, rows), t->zd = numbers(t, rows), t->trial = numbers(t, rows);
    t->g = numbers(t, t->d), t->inverse = numbers(t, t->d), t->step = numbers(t, t->d);
    t->r = numbers(t, t->d), t->dir = numbers(t, t->d), t->hd = numbers(t, t->d);
    t->flat = numbers(t, t->d), t->mean = numbers(t, t->k * t->k);
    bool good = t->z && t->slope && t->curvature && t->along && t->zd && t->trial && t->g &&
                t->inverse && t->step && t->r && t->dir && t->hd && t->flat && t->mean;
    return good ? AML_OK : AML_ENOMEM;
}

/* The loss at the margins in `slope`, which become slopes, and the curvatures. */
static double evaluate(newton *t) {
    const aml_linear_problem *a = t->problem;
    double sum = 0;
    for (size_t i = 0; i < t->n; i += 1024) {
        size_t n = t->n - i < 1024 ? t->n - i : 1024;
        sum += a->loss(t->slope + i * t->k, t->curvature + i * t->k, a->rows.y + i, a->rows.w + i,
                       n, t->k, a->shape);
    }
    return sum;
}

static void hold_frozen(const newton *t, double *g) {
    for (size_t c = 0; c < t->k; c++)
        if (t->problem->frozen[c]) g[t->penalised + c] = 0;
}

/* How the outputs curve together. */
static void sum_curvature(newton *t) {
    const aml_linear_problem *a = t->problem;
    size_t k = t->k;
    memset(t->mean, 0, k * k * sizeof *t->mean);
    for (size_t i = 0; i < t->n; i++) {
        double w = a->rows.w[i];
        const double *slope = t->slope + i * k, *h = t->curvature + i * k;
        for (size_t c = 0; c < k; c++) t->mean[c * k + c] += h[c];
        if (a->loss != aml_loss_softmax || !(w > 0)) continue;
        size_t label = (size_t)a->rows.y[i];
        for (size_t c = 0; c < k; c++)
            for (size_t l = 0; l < c; l++)
                t->mean[c * k + l] -=
                    (slope[c] + (c == label) * w) * (slope[l] + (l == label) * w) / w;
    }
    aml_mirror(t->mean, k, k);
}

/* Value, gradient and diagonal at coef, whose margins are z. */
static aml_status linearise(newton *t, const double *coef) {
    aml_ctx *ctx = t->problem->ctx;
    memcpy(t->slope, t->z, t->n * t->k * sizeof *t->z);
    t->f = evaluate(t) + 0.5 * t->lambda * aml_dot(coef, coef, t->penalised);
    AML_TRY(aml_linear_matrix_transposed(t->g, &t->matrix, t->slope, ctx));
    AML_TRY(aml_linear_matrix_squares(t->inverse, &t->matrix, t->curvature, ctx));
    for (size_t j = 0; j < t->penalised; j++) {
        t->g[j] += t->lambda * coef[j];
        t->inverse[j] += t->lambda;
    }
    hold_frozen(t, t->g);
    for (size_t j = 0; j < t->d; j++)
        t->inverse[j] = t->inverse[j] > 1e-200 ? 1 / t->inverse[j] : 0;
    if (t->solves < t->block.price) return AML_OK;
    t->solves = 0;
    sum_curvature(t);
    return aml_linear_block_make(&t->block, t->curvature, t->mean, ctx);
}

/* s = the curvature of the loss times the change u of the margins, both n × k. */
static void curve(double *s, const newton *t, const double *u) {
    const aml_linear_problem *a = t->problem;
    size_t k = t->k;
    if (a->loss != aml_loss_softmax) {
        for (size_t i = 0; i < t->n * k; i++) s[i] = t->curvature[i] * u[i];
        return;
    }
    for (size_t i = 0; i < t->n; i++, s += k, u += k) {
        double w = a->rows.w[i], mean = 0;
        const double *slope = t->slope + i * k; /* w (p - 1) for the row's class, else w p */
        size_t label = (size_t)a->rows.y[i];
        for (size_t c = 0; c < k; c++) mean += slope[c] * u[c];
        mean = w > 0 ? mean / w + u[label] : 0;
        for (size_t c = 0; c < k; c++) s[c] = slope[c] * (u[c] - mean);
        s[label] += w * (u[label] - mean);
    }
}

static aml_status hessian_times_dir(newton *t) {
    aml_ctx *ctx = t->problem->ctx;
    AML_TRY(aml_linear_matrix_product(t->zd, &t->matrix, t->dir, ctx));
    curve(t->trial, t, t->zd);
    AML_TRY(aml_linear_matrix_transposed(t->hd, &t->matrix, t->trial, ctx));
    for (size_t j = 0; j < t->penalised; j++) t->hd[j] += t->lambda * t->dir[j];
    hold_frozen(t, t->hd);
    return AML_OK;
}

/* What is added to the scores of all classes alike changes nothing. */
static void take_common_off(const newton *t, double *v, size_t n) {
    size_t k = t->k;
    if (t->problem->loss != aml_loss_softmax) return;
    for (size_t j = 0; j < n; j++, v += k) {
        double mean = 0;
        for (size_t c = 0; c < k; c++) mean += v[c] / (double)k;
        for (size_t c = 0; c < k; c++) v[c] -= mean;
    }
}

/* flat = r preconditioned; returns their product. */
static double flatten(newton *t, const double *r) {
    if (t->block.ready) {
        aml_linear_block_apply(t->flat, &t->block, r);
    } else {
        for (size_t j = 0; j < t->d; j++) t->flat[j] = t->inverse[j] * r[j];
        take_common_off(t, t->flat, t->d / t->k);
    }
    hold_frozen(t, t->flat);
    return aml_dot(r, t->flat, t->d);
}

/* Solves with the diagonal alone are no more than what the block costs. */
static int most_solves(const newton *t) {
    double left = t->block.price - t->solves;
    return t->block.ready || left > MOST_SOLVES ? MOST_SOLVES : left > FEWEST ? (int)left : FEWEST;
}

static void add(double *to, double scale, const double *x, size_t n) {
    for (size_t i = 0; i < n; i++) to[i] += scale * x[i];
}

/* H step = -g until the residual has shrunk by `forcing`, or what is left to gain does not matter
 * any more; *gain: what the quadratic promises; *left: about what it would still gain. */
static aml_status conjugate_gradients(double *gain, double *left, newton *t, double forcing) {
    size_t d = t->d, rows = t->n * t->k;
    memset(t->step, 0, d * sizeof *t->step);
    memset(t->along, 0, rows * sizeof *t->along);
    for (size_t j = 0; j < d; j++) t->r[j] = -t->g[j];
    double rr = flatten(t, t->r), enough = rr * forcing * forcing;
    memcpy(t->dir, t->flat, d * sizeof *t->dir);
    *gain = 0;
    *left = INFINITY;
    int most = most_solves(t);
    for (int solve = 0; solve < most && rr > enough && 2 * *left > t->problem->tolerance;
         solve++, t->solves++) {
        AML_TRY(hessian_times_dir(t));
        double curvature = aml_dot(t->dir, t->hd, d);
        if (!(curvature > 0) || !isfinite(curvature)) break;
        double a = rr / curvature, before = rr;
        add(t->step, a, t->dir, d);
        add(t->along, a, t->zd, rows);
        add(t->r, -a, t->hd, d);
        *left = LEFT * (solve + 1) * 0.5 * a * rr;
        *gain += 0.5 * a * rr;
        rr = flatten(t, t->r);
        for (size_t j = 0; j < d; j++) t->dir[j] = t->flat[j] + rr / before * t->dir[j];
    }
    t->cut_short = rr > enough && 2 * *left > t->problem->tolerance;
    return AML_OK;
}

/* Halves the step until the value falls by a part of what its slope promises. */
static bool line_search(newton *t, double *coef) {
    size_t d = t->d, rows = t->n * t->k, m = t->penalised;
    double slope = aml_dot(t->g, t->step, d), cw = aml_dot(coef, t->step, m),
           ww = aml_dot(t->step, t->step, m), base = 0.5 * t->lambda * aml_dot(coef, coef, m);
    double length = 1;
    if (!(slope < 0)) return false;
    for (int trial = 0; trial < MOST_TRIALS; trial++, length *= 0.5) {
        for (size_t i = 0; i < rows; i++) t->slope[i] = t->z[i] + length * t->along[i];
        double f = evaluate(t) + base + t->lambda * length * (cw + 0.5 * length * ww);
        if (!isfinite(f) || f > t->f + 1e-3 * length * slope + 1e-15 * fabs(t->f)) continue;
        add(coef, length, t->step, d);
        add(t->z, length, t->along, rows);
        return true;
    }
    return false;
}

/* What the next step may gain: the gains fall faster and faster. */
static double next_gain(double gain, double before) {
    return before > gain ? gain * (gain / before) : gain;
}

static aml_status iterate(newton *t, double *coef) {
    double first = 0, before = 0, gain, left;
    for (int number = 0; number < MOST_STEPS; number++, before = gain) {
        AML_TRY(linearise(t, coef));
        double now = flatten(t, t->g);
        if (!number) first = now;
        if (!(now > 1e-30)) break;
        double forcing =
            t->problem->loss == aml_loss_squared ? 1e-8 : 0.3 * sqrt(sqrt(now / first));
        AML_TRY(conjugate_gradients(&gain, &left, t, fmin(forcing, 0.3)));
        if (!line_search(t, coef)) break;
        t->problem->steps++;
        t->problem->gain = next_gain(gain, before);
        if (t->cut_short || 2 * left <= t->problem->tolerance)
            t->problem->gain = fmax(t->problem->gain, left);
        if (2 * t->problem->gain <= t->problem->tolerance) break;
    }
    return AML_OK;
}

aml_status aml_linear_newton(double *coef, aml_linear_problem *problem) {
    newton t = {.problem = problem,
                .n = problem->rows.x.n,
                .k = problem->k,
                .d = problem->d,
                .penalised = problem->d - problem->k,
                .lambda = problem->lambda};
    AML_TRY(
        aml_linear_matrix_init(&t.matrix, &problem->rows.x, problem->center, t.k, problem->ctx));
    AML_TRY(allocate(&t));
    take_common_off(&t, coef, t.matrix.p + t.matrix.q);
    aml_linear_block_init(&t.block, &t.matrix, t.lambda);
    AML_TRY(aml_linear_matrix_product(t.z, &t.matrix, coef, problem->ctx));
    aml_status status = iterate(&t, coef);
    if (status != AML_ESTOPPED || !problem->steps) return status;
    problem->ctx->truncated = true;
    aml_clear_error();
    return AML_OK;
}
