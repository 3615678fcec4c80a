/* lbfgs.h: minimises a smooth convex function: limited-memory BFGS (Nocedal and Wright 2006,
 * algorithm 7.4) around a preconditioner that the caller provides and may renew on the way. */
#ifndef AML_LEARNERS_PARTS_LBFGS_H
#define AML_LEARNERS_PARTS_LBFGS_H

#include "automl/core/ctx.h"

typedef struct aml_lbfgs_problem {
    size_t n;
    void *arg;
    /* *f = the value at x, g = its gradient. f may be infinite; AML_ESTOPPED when interrupted. */
    aml_status (*value)(double *f, double *g, const double *x, void *arg);
    /* v = an estimate of the inverse Hessian times v (positive definite). NULL = the identity. */
    void (*precondition)(double *v, void *arg);
    /* Renews the estimate at x; called before the first step and every `renew_every` steps. NULL = never. */
    aml_status (*renew)(const double *x, void *arg);
    size_t renew_every; /* 0 = only before the first step */
    size_t max_steps;
    double tolerance; /* ends when g' H g, twice the expected gain of a step, is at most this */
    double *gain;     /* out: half of g' H g where it ended; may be NULL */
} aml_lbfgs_problem;

/* x: start in, minimiser out. Ends at the tolerance, at max_steps or where rounding lets nothing
 * improve: all AML_OK. Interrupted after the first step it keeps the best x and sets
 * ctx->truncated; before that AML_ESTOPPED. */
aml_status aml_lbfgs(double *x, const aml_lbfgs_problem *problem, aml_ctx *ctx);

#endif
