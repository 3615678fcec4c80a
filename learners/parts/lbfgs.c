/* lbfgs.c: limited-memory BFGS with a preconditioner. */
#include "learners/parts/lbfgs.h"

#include "automl/core/linalg.h"

#include <math.h>
#include <string.h>

enum { PAIRS = 10, PAIRS_WIDE = 5, WIDE = 1 << 20, MOST_TRIALS = 30 };

typedef struct state {
    const aml_lbfgs_problem *problem;
    size_t n, pairs, count; /* count: pairs ever stored; pair i lies at i % pairs */
    double *s, *y, *rho;    /* pairs × n steps and gradient changes, 1 / s'y */
    double *g, *d, *x_new, *g_new, *v;
    double f;
} state;

static aml_status allocate(state *st, const aml_lbfgs_problem *problem, aml_arena *scratch) {
    size_t n = problem->n;
    *st = (state){.problem = problem, .n = n, .pairs = n > WIDE ? PAIRS_WIDE : PAIRS};
    st->s = aml_alloc_raw(scratch, st->pairs * n, sizeof(double));
    st->y = aml_alloc_raw(scratch, st->pairs * n, sizeof(double));
    st->rho = AML_ARRAY(scratch, st->pairs, double);
    st->g = AML_ARRAY(scratch, n, double);
    st->d = AML_ARRAY(scratch, n, double);
    st->x_new = AML_ARRAY(scratch, n, double);
    st->g_new = AML_ARRAY(scratch, n, double);
    st->v = AML_ARRAY(scratch, n, double);
    bool good = st->s && st->y && st->rho && st->g && st->d && st->x_new && st->g_new && st->v;
    return good ? AML_OK : AML_ENOMEM;
}

static void add(double *to, double scale, const double *x, size_t n) {
    for (size_t i = 0; i < n; i++) to[i] += scale * x[i];
}

static void precondition(state *st, double *v) {
    if (st->problem->precondition) st->problem->precondition(v, st->problem->arg);
}

/* How much larger the inverse Hessian is along the last step than the preconditioner says. */
static double last_scale(state *st) {
    size_t n = st->n, at = (st->count - 1) % st->pairs;
    const double *y = st->y + at * n;
    memcpy(st->v, y, n * sizeof *y);
    precondition(st, st->v);
    double yhy = aml_dot(y, st->v, n);
    return yhy > 0 ? 1 / (st->rho[at] * yhy) : 1;
}

/* d = -H g by the two-loop recursion. */
static void direction(state *st) {
    size_t n = st->n, first = st->count > st->pairs ? st->count - st->pairs : 0;
    double alpha[PAIRS] = {0}, scale = st->count ? last_scale(st) : 1;
    for (size_t j = 0; j < n; j++) st->d[j] = -st->g[j];
    for (size_t i = st->count; i-- > first;) {
        size_t at = i % st->pairs;
        alpha[at] = st->rho[at] * aml_dot(st->s + at * n, st->d, n);
        add(st->d, -alpha[at], st->y + at * n, n);
    }
    precondition(st, st->d);
    for (size_t j = 0; j < n; j++) st->d[j] *= scale;
    for (size_t i = first; i < st->count; i++) {
        size_t at = i % st->pairs;
        double beta = st->rho[at] * aml_dot(st->y + at * n, st->d, n);
        add(st->d, alpha[at] - beta, st->s + at * n, n);
    }
}

/* Enough decrease, or as much as rounding can show with a slope that went down (Hager and Zhang
 * 2005). */
static bool good_enough(const state *st, double f, double step, double slope, double slope_new) {
    if (f <= st->f + 1e-4 * step * slope) return true;
    return f <= st->f + 1e-13 * fabs(st->f) && fabs(slope_new) <= 0.9 * fabs(slope);
}

/* Goes back from the full step until it is good enough; *moved says whether it was. */
static aml_status line_search(bool *moved, double *x, state *st, double slope) {
    double step = 1, f;
    size_t n = st->n;
    *moved = false;
    for (int trial = 0; trial < MOST_TRIALS; trial++) {
        for (size_t j = 0; j < n; j++) st->x_new[j] = x[j] + step * st->d[j];
        AML_TRY(st->problem->value(&f, st->g_new, st->x_new, st->problem->arg));
        double slope_new = aml_dot(st->g_new, st->d, n);
        bool finite = isfinite(f) && isfinite(slope_new);
        if (finite && good_enough(st, f, step, slope, slope_new)) {
            *moved = true;
            st->f = f;
            return AML_OK;
        }
        double best = finite ? -slope * step / (2 * (f - st->f - slope * step)) : 0.1;
        step *= best > 0.5 ? 0.5 : best > 0.1 ? best : 0.1;
    }
    return AML_OK;
}

/* Takes the new point over, and its curvature pair where it is sound. */
static void advance(double *x, state *st) {
    size_t n = st->n, at = st->count % st->pairs;
    double *s = st->s + at * n, *y = st->y + at * n, terms = 0;
    for (size_t j = 0; j < n; j++) {
        s[j] = st->x_new[j] - x[j];
        y[j] = st->g_new[j] - st->g[j];
        terms += fabs(s[j] * y[j]);
        x[j] = st->x_new[j];
        st->g[j] = st->g_new[j];
    }
    double sy = aml_dot(s, y, n);
    if (!(sy > 1e-12 * terms) || !isfinite(1 / sy)) return;
    st->rho[at] = 1 / sy;
    st->count++;
}

static aml_status step(bool *more, double *x, state *st, size_t number) {
    const aml_lbfgs_problem *problem = st->problem;
    bool renew = number == 0 || (problem->renew_every && number % problem->renew_every == 0);
    if (renew && problem->renew) AML_TRY(problem->renew(x, problem->arg));
    direction(st);
    double slope = aml_dot(st->g, st->d, st->n);
    if (st->count && !(slope < 0)) { /* rounding spoilt the pairs */
        st->count = 0;
        direction(st);
        slope = aml_dot(st->g, st->d, st->n);
    }
    if (problem->gain) *problem->gain = fmax(-0.5 * slope, 0);
    *more = -slope > problem->tolerance;
    if (!*more) return AML_OK;
    AML_TRY(line_search(more, x, st, slope));
    if (*more) {
        advance(x, st);
    } else if (st->count) {
        st->count = 0;
        *more = true;
    }
    return AML_OK;
}

aml_status aml_lbfgs(double *x, const aml_lbfgs_problem *problem, aml_ctx *ctx) {
    state st;
    AML_TRY(allocate(&st, problem, ctx->scratch));
    AML_TRY(problem->value(&st.f, st.g, x, problem->arg));
    bool more = true;
    for (size_t number = 0; more && number < problem->max_steps; number++) {
        aml_status status = step(&more, x, &st, number);
        if (status == AML_ESTOPPED && number) {
            ctx->truncated = true;
            aml_clear_error();
            return AML_OK;
        }
        if (status) return status;
    }
    return AML_OK;
}
