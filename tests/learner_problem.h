/* learner_problem.h: small generated problems that suit what a learner declares, and a fit with all that it leaves. */
#ifndef AML_TESTS_LEARNER_PROBLEM_H
#define AML_TESTS_LEARNER_PROBLEM_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "automl/core/learner.h"

enum { MOST_PARAMS = 64, CLASSES = 3, LEVELS = 4 };

/* The columns may be written to (raw) until the design is prepared. */
typedef struct problem {
    aml_arena *arena;
    aml_design design;
    aml_data data;
    float **column; /* p of n */
    double *y, *w;
    uint32_t *rows;
    uint64_t *start;
    uint32_t *sparse_column;
    float *sparse_value;
    aml_csr csr;
} problem;

typedef struct problem_shape {
    size_t n, p;
    bool weights, sparse;
    uint32_t seed;
} problem_shape;

/* Columns 0 and 1 carry the signal; every third is a category where the learner takes them; every
 * twentieth cell of the others is missing where it may be. */
static inline void fill_columns(problem *q, unsigned can, aml_rng *rng) {
    size_t n = q->design.n, p = q->design.p;
    uint32_t *n_levels = AML_ARRAY(q->arena, p, uint32_t);
    for (size_t j = 0; j < p; j++) {
        bool category = j % 3 == 2 && (can & AML_CAN_CATEGORIES);
        n_levels[j] = category ? LEVELS : 0;
        for (size_t i = 0; i < n; i++) {
            float x = category ? (float)aml_rng_below(rng, LEVELS) : (float)aml_rng_normal(rng);
            bool missing = (can & AML_CAN_MISSING) && j > 1 && aml_rng_below(rng, 20) == 0;
            q->column[j][i] = missing ? NAN : x;
        }
    }
    q->design.n_levels = n_levels;
}

static inline void fill_sparse(problem *q, aml_rng *rng) {
    size_t n = q->design.n, width = 12, at = 0;
    q->start = AML_ARRAY(q->arena, n + 1, uint64_t);
    q->sparse_column = AML_ARRAY(q->arena, n * width, uint32_t);
    q->sparse_value = AML_ARRAY(q->arena, n * width, float);
    for (size_t i = 0; i < n; i++) {
        q->start[i] = at;
        for (uint32_t j = 0; j < width; j++) {
            if (aml_rng_below(rng, 4)) continue;
            q->sparse_column[at] = j;
            q->sparse_value[at++] = 1;
        }
    }
    q->start[n] = at;
    q->csr = (aml_csr){n, width, q->start, q->sparse_column, q->sparse_value};
    q->design.csr = &q->csr;
}

/* Sparse column 0 shifts the target too. */
static inline double sparse_effect(const problem *q, size_t i) {
    if (!q->design.csr) return 0;
    return q->start[i] < q->start[i + 1] && q->sparse_column[q->start[i]] == 0 ? 2 : 0;
}

static inline void fill_target(problem *q, aml_task_kind task, aml_rng *rng) {
    for (size_t i = 0; i < q->design.n; i++) {
        double u = q->design.p > 0 ? (double)q->column[0][i] : 0,
               v = q->design.p > 1 ? (double)q->column[1][i] : 0;
        double score = 2 * u + v + sparse_effect(q, i) + 0.3 * aml_rng_normal(rng);
        if (task == AML_REGRESSION) q->y[i] = 5 + score;
        else if (task == AML_BINARY) q->y[i] = score > 0;
        else q->y[i] = score > 1 ? 2 : v > u ? 1 : 0;
    }
}

/* A problem in memory of its own; NULL when memory is short. Call `prepare` once the columns are as wanted. */
static inline problem *problem_new(const aml_learner *learner, aml_task_kind task,
                                   problem_shape shape) {
    aml_arena *arena = aml_arena_new(NULL);
    problem *q = AML_NEW(arena, problem);
    aml_rng rng = aml_rng_stream(7, AML_RNG_TEST, shape.seed, 0);
    size_t n = shape.n, p = shape.p;
    const char **names = AML_ARRAY(arena, p, const char *);
    q->arena = arena;
    q->column = AML_ARRAY(arena, p, float *);
    q->y = AML_ARRAY(arena, n, double);
    q->w = shape.weights ? AML_ARRAY(arena, n, double) : NULL;
    q->rows = AML_ARRAY(arena, n, uint32_t);
    for (size_t j = 0; j < p; j++) {
        q->column[j] = AML_ARRAY(arena, n, float);
        names[j] = aml_printf(arena, "x%zu", j);
    }
    q->design =
        (aml_design){.n = n, .p = p, .names = names, .column = (const float *const *)q->column};
    fill_columns(q, learner->can, &rng);
    if (shape.sparse) fill_sparse(q, &rng);
    fill_target(q, task, &rng);
    for (size_t i = 0; i < n; i++) q->rows[i] = (uint32_t)i;
    for (size_t i = 0; q->w && i < n; i++) q->w[i] = 0.5 + aml_rng_uniform(&rng);
    q->data = (aml_data){.x = &q->design,
                         .rows = q->rows,
                         .n = n,
                         .task = task,
                         .y = q->y,
                         .w = q->w,
                         .n_classes = task == AML_REGRESSION ? 0
                                      : task == AML_BINARY   ? 2
                                                             : CLASSES};
    return q;
}

static inline void problem_free(problem *q) { aml_arena_free(q->arena); }

static inline aml_ctx context(aml_arena *keep, aml_arena *scratch) {
    return (aml_ctx){.keep = keep,
                     .scratch = scratch,
                     .rng = aml_rng_stream(1, AML_RNG_FIT, 0, 0),
                     .n_threads = 1};
}

/* Builds the dense matrix and the bins from the columns as they are now. */
static inline aml_status prepare(problem *q, const aml_learner *learner) {
    aml_arena *scratch = aml_arena_new(NULL);
    aml_ctx ctx = context(q->arena, scratch);
    q->design.dense = NULL;
    q->design.bins = NULL;
    q->design.sparse_bins = NULL;
    aml_status status = aml_design_prepare(&q->design, aml_learner_wants(learner), &ctx);
    aml_arena_free(scratch);
    return status;
}

static inline size_t outputs(const problem *q) {
    return (size_t)aml_task_outputs(q->data.task, q->data.n_classes);
}

/* ---- hyperparameters */

static inline aml_shape shape_of(const problem *q) {
    size_t nnz = q->design.csr ? (size_t)q->design.csr->start[q->design.csr->n] : 0;
    return (aml_shape){q->data.n, q->design.p, nnz, q->data.task, q->data.n_classes};
}

static inline void draw_hp(double *hp, const aml_learner *learner, const problem *q, aml_rng *rng) {
    aml_shape shape = shape_of(q);
    for (size_t i = 0; i < aml_params_count(learner->params); i++) {
        const aml_param *p = &learner->params[i];
        aml_dim d = {.name = p->name, .param = p, .lo = p->lo, .hi = aml_param_hi(p), .parent = -1};
        if (p->kind == AML_CHOICE) d.lo = 0;
        if (learner->bound) learner->bound(&d.lo, &d.hi, i, &shape);
        hp[i] = p->fixed ? p->fallback : aml_dim_decode(&d, aml_rng_uniform(rng));
    }
}

/* Draws again what the learner itself expects to take long. */
static inline void random_hp(double *hp, const aml_learner *learner, const problem *q,
                             aml_rng *rng) {
    aml_shape shape = shape_of(q);
    draw_hp(hp, learner, q, rng);
    for (int k = 0; k < 50 && learner->cost && learner->cost(hp, &shape) > 0.3; k++)
        draw_hp(hp, learner, q, rng);
}

/* The default, or what the learner itself predicts to be cheaper: for tests that fit many times. */
static inline void cheap_hp(double *hp, const aml_learner *learner, const problem *q) {
    aml_rng rng = aml_rng_stream(3, AML_RNG_TEST, 0, 0);
    aml_shape shape = shape_of(q);
    aml_params_defaults(hp, learner->params);
    for (int k = 0; learner->cost && k < 60; k++) {
        double other[MOST_PARAMS];
        draw_hp(other, learner, q, &rng);
        if (learner->cost(other, &shape) < learner->cost(hp, &shape))
            memcpy(hp, other, sizeof other);
    }
}

/* ---- a fit and what it leaves */

typedef struct fitted {
    aml_arena *keep, *scratch;
    aml_ctx ctx;
    void *model;
    double *out; /* predictions of the rows fitted on */
    aml_writer saved;
    aml_status status; /* of fit, predict and save: the first that failed */
} fitted;

static inline void fitted_free(fitted *f) {
    aml_writer_free(&f->saved);
    aml_arena_free(f->keep);
    aml_arena_free(f->scratch);
}

static inline aml_data without_target(const aml_data *d) {
    aml_data x = *d;
    x.y = x.w = NULL;
    x.valid = NULL;
    x.n_valid = 0;
    return x;
}

static inline aml_status fit_and_predict(fitted *f, const aml_learner *learner, const problem *q,
                                         const double *hp) {
    aml_data x = without_target(&q->data);
    AML_TRY(learner->fit(&f->model, &q->data, hp, &f->ctx));
    f->out = AML_ARRAY(f->keep, q->data.n * outputs(q), double);
    if (!f->out) return AML_ENOMEM;
    AML_TRY(learner->predict(f->out, f->model, &x, &f->ctx));
    learner->save(f->model, &f->saved);
    return f->saved.status;
}

static inline fitted fit_with(const aml_learner *learner, const problem *q, const double *hp,
                              int n_threads, const atomic_bool *stop, aml_memory *account) {
    fitted f = {.keep = aml_arena_new(account), .scratch = aml_arena_new(account)};
    f.ctx = context(f.keep, f.scratch);
    f.ctx.n_threads = n_threads;
    f.ctx.stop = stop;
    f.status = f.keep && f.scratch ? fit_and_predict(&f, learner, q, hp) : AML_ENOMEM;
    return f;
}

static inline fitted fit(const aml_learner *learner, const problem *q, const double *hp) {
    return fit_with(learner, q, hp, 1, NULL, NULL);
}

/* Loads saved bytes into arenas of its own and predicts; the same fields as a fit. */
static inline aml_status load_and_predict(fitted *f, const aml_learner *learner, const problem *q,
                                          const void *bytes, size_t size) {
    aml_reader r = {.data = bytes, .size = size, .file = "test"};
    aml_data x = without_target(&q->data);
    AML_TRY(learner->load(&f->model, &r, &f->ctx));
    if (r.status) return r.status;
    f->out = AML_ARRAY(f->keep, q->data.n * outputs(q), double);
    if (!f->out) return AML_ENOMEM;
    AML_TRY(learner->predict(f->out, f->model, &x, &f->ctx));
    learner->save(f->model, &f->saved);
    return f->saved.status;
}

static inline fitted load(const aml_learner *learner, const problem *q, const void *bytes,
                          size_t size, aml_memory *account) {
    fitted f = {.keep = aml_arena_new(account), .scratch = aml_arena_new(account)};
    f.ctx = context(f.keep, f.scratch);
    f.status = f.keep && f.scratch ? load_and_predict(&f, learner, q, bytes, size) : AML_ENOMEM;
    return f;
}

static inline bool same_saved(const fitted *a, const fitted *b) {
    return a->saved.size == b->saved.size && !memcmp(a->saved.data, b->saved.data, a->saved.size);
}

static inline bool same_predictions(const fitted *a, const fitted *b, const problem *q) {
    return !memcmp(a->out, b->out, q->data.n * outputs(q) * sizeof *a->out);
}

/* Finite; probabilities in [0, 1] with rows that sum to 1. */
static inline bool valid_predictions(const double *out, const problem *q) {
    size_t k = outputs(q);
    for (size_t i = 0; i < q->data.n; i++) {
        double sum = 0;
        for (size_t j = 0; j < k; j++) {
            double v = out[i * k + j];
            if (!isfinite(v)) return false;
            if (q->data.task != AML_REGRESSION && (v < 0 || v > 1)) return false;
            sum += v;
        }
        if (q->data.task == AML_MULTICLASS && fabs(sum - 1) > 1e-9) return false;
    }
    return true;
}

/* Squared error, or the share of the true class that is missing: lower is better. */
static inline double mean_loss(const double *out, const problem *q) {
    size_t k = outputs(q);
    double sum = 0;
    for (size_t i = 0; i < q->data.n; i++) {
        double y = q->y[q->rows[i]], v = out[i * k];
        if (q->data.task == AML_REGRESSION) sum += (v - y) * (v - y);
        else if (q->data.task == AML_BINARY) sum += fabs(y - v);
        else sum += 1 - out[i * k + (size_t)y];
    }
    return sum / (double)q->data.n;
}

/* The same for the constant prediction that is best: mean or class shares. */
static inline double constant_loss(const problem *q) {
    double mean = 0, share[CLASSES] = {0}, sum = 0, n = (double)q->data.n;
    for (size_t i = 0; i < q->data.n; i++) {
        mean += q->y[q->rows[i]] / n;
        if (q->data.task != AML_REGRESSION) share[(size_t)q->y[q->rows[i]]] += 1 / n;
    }
    for (size_t i = 0; i < q->data.n; i++) {
        double y = q->y[q->rows[i]];
        sum += q->data.task == AML_REGRESSION ? (y - mean) * (y - mean) : 1 - share[(size_t)y];
    }
    return sum / n;
}

#endif
