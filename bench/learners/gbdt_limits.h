/* gbdt_limits.h: what a fit of boosted trees had to do at the least, and how fast this machine could have done it.
 *
 * Two limits are measured on as many threads as the fit had: the bandwidth of memory (a[i] = b[i] + s c[i] over arrays
 * beyond the caches), and how many sums a second are added to in random slots of tables that stay in the first-level
 * cache. The work is counted from the finished trees: all rows for a root, the smaller side of every split. */
#ifndef AML_BENCH_GBDT_LIMITS_H
#define AML_BENCH_GBDT_LIMITS_H

#include "automl/core/ctx.h"
#include "automl/core/par.h"
#include "learners/parts/boost.h"

typedef struct gbdt_work {
    double adds;  /* of a row's gradient to a slot of a column */
    double bytes; /* read and written: codes, gradients, positions, scores */
} gbdt_work;

static gbdt_work gbdt_work_of(const aml_boosted *m, double n, double n_columns) {
    gbdt_work w = {0};
    double summed = 0, moved = 0;
    for (uint32_t t = 0; t < m->trees.n_trees; t++) {
        const aml_tree *tree = m->trees.tree + t;
        summed += n;
        for (uint32_t i = 0; i < tree->n_nodes; i++) {
            uint32_t left = tree->node[i].left;
            if (!left) continue;
            double a = (double)tree->cover[left], b = (double)tree->cover[left + 1];
            summed += a < b ? a : b;
            moved += a + b;
        }
    }
    double n_trees = m->trees.n_trees;
    w.adds = summed * n_columns;
    w.bytes = summed * (n_columns + 4 + 4); /* codes, gradient, position */
    w.bytes += moved * (4 + 1 + 4);         /* position, code; position */
    w.bytes += n_trees * n * (8 + 8 + 12);  /* score, target; slope, curvature; packed from them */
    w.bytes += n_trees * n * (12 + 12);     /* leaf values: position, score, target; scores */
    return w;
}

/* ---- limits */

enum { LIMIT_FLOATS = 1 << 24, LIMIT_PARTS = 64, LIMIT_ROWS = 1024, LIMIT_COLUMNS = 32 };

typedef struct limit_job {
    float *a, *b, *c;
    uint8_t *code;                        /* LIMIT_ROWS × LIMIT_COLUMNS */
    uint32_t (*sum)[LIMIT_COLUMNS * 256]; /* one table a thread */
} limit_job;

static void limit_triad(void *arg, size_t block, size_t begin, size_t end, int thread) {
    limit_job *j = arg;
    (void)block, (void)thread;
    for (size_t i = begin; i < end; i++) j->a[i] = j->b[i] + 3.0f * j->c[i];
}

static void limit_adds(void *arg, size_t block, size_t begin, size_t end, int thread) {
    limit_job *j = arg;
    (void)block;
    for (size_t k = begin; k < end; k++)
        for (size_t i = 0; i < LIMIT_ROWS; i++) {
            const uint8_t *code = j->code + i * LIMIT_COLUMNS;
            uint32_t *to = j->sum[thread], g = (uint32_t)i;
            for (size_t c = 0; c < LIMIT_COLUMNS; c++, to += 256) to[code[c]] += g;
        }
}

typedef struct gbdt_limits {
    double bytes, adds; /* a second */
} gbdt_limits;

static gbdt_limits gbdt_limits_of(int n_threads) {
    aml_arena *arena = aml_arena_new(NULL);
    aml_rng rng = aml_rng_stream(1, AML_RNG_FIT, 0, 0);
    limit_job j = {.a = AML_ARRAY(arena, LIMIT_FLOATS, float),
                   .b = AML_ARRAY(arena, LIMIT_FLOATS, float),
                   .c = AML_ARRAY(arena, LIMIT_FLOATS, float),
                   .code = aml_alloc(arena, LIMIT_ROWS, LIMIT_COLUMNS),
                   .sum = aml_alloc(arena, (size_t)n_threads, sizeof *j.sum)};
    gbdt_limits best = {0};
    if (!j.a || !j.b || !j.c || !j.code || !j.sum) return best;
    for (size_t i = 0; i < LIMIT_ROWS * LIMIT_COLUMNS; i++)
        j.code[i] = (uint8_t)aml_rng_below(&rng, 256);
    for (int round = 0; round < 5; round++) { /* the best of five */
        double start = aml_now();
        aml_par_for(n_threads, LIMIT_FLOATS, LIMIT_FLOATS / LIMIT_PARTS, limit_triad, &j);
        double middle = aml_now();
        aml_par_for(n_threads, 16 * LIMIT_PARTS, 16, limit_adds, &j);
        double end = aml_now();
        double bytes = 12.0 * LIMIT_FLOATS / (middle - start);
        double adds = 16.0 * LIMIT_PARTS * LIMIT_ROWS * LIMIT_COLUMNS / (end - middle);
        best.bytes = bytes > best.bytes ? bytes : best.bytes;
        best.adds = adds > best.adds ? adds : best.adds;
    }
    aml_arena_free(arena);
    return best;
}

#endif
