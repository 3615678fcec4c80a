/* bench_linear.c: fits linear models of one case for bench_linear.py, which times the peers on the same
 * numbers in the same run.
 *
 *   bench_linear FOLDER < commands
 *
 * FOLDER/shape holds "n p q nnz task n_classes"; x.f32 the n × p dense features, y.f64 the target, and
 * start.u64, column.u32, value.f32 the q sparse ones. A command is a line
 *
 *   fit LEARNER THREADS HYPERPARAMETER …
 *
 *   ridge_path - THREADS ALPHA …            (upwards)
 *   enet_path - THREADS TOLERANCE L1_RATIO ALPHA …   (downwards)
 *
 * answered by "SECONDS CPU_SECONDS ROWS COLUMNS REACHED" (of the wall and of the processors; the tolerance reached, of
 * the mean loss or the target's variance; of a path the worst) when FOLDER/coef.f64 holds that many coefficients, for
 * paths a column (ridge, with a last row of mean squared leave-one-out errors) or a row a penalty, or by "error". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "automl/core/io.h"
#include "automl/core/linalg.h"
#include "automl/core/par.h"
#include "automl/engine/catalog.h"
#include "learners/parts/enet.h"
#include "learners/parts/linear.h"
#include "learners/parts/ridge_path.h"

enum { MOST_HP = 128 };

typedef struct job {
    const char *folder;
    aml_arena *arena;
    aml_design design;
    aml_csr csr;
    aml_data data;
} job;

static void *array(const job *b, const char *name, size_t count, size_t size) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", b->folder, name);
    void *out = aml_alloc_raw(b->arena, count, size);
    FILE *f = fopen(path, "rb");
    if (!out || !f || fread(out, size, count, f) != count) {
        fprintf(stderr, "cannot read %zu numbers of %s\n", count, path);
        exit(1);
    }
    fclose(f);
    return out;
}

static void load(job *b) {
    char path[4096];
    size_t n, p, q, nnz;
    int task, n_classes;
    snprintf(path, sizeof path, "%s/shape", b->folder);
    FILE *f = fopen(path, "r");
    if (!f || fscanf(f, "%zu %zu %zu %zu %d %d", &n, &p, &q, &nnz, &task, &n_classes) != 6) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(1);
    }
    fclose(f);
    b->design = (aml_design){.n = n, .p = p, .dense = array(b, "x.f32", n * p, sizeof(float))};
    if (q) {
        b->csr = (aml_csr){n, q, array(b, "start.u64", n + 1, sizeof(uint64_t)),
                           array(b, "column.u32", nnz, sizeof(uint32_t)),
                           array(b, "value.f32", nnz, sizeof(float))};
        b->design.csr = &b->csr;
    }
    uint32_t *rows = aml_alloc_raw(b->arena, n, sizeof *rows);
    for (size_t i = 0; i < n; i++) rows[i] = (uint32_t)i;
    b->data = (aml_data){.x = &b->design,
                         .rows = rows,
                         .n = n,
                         .task = (aml_task_kind)task,
                         .n_classes = n_classes,
                         .y = array(b, "y.f64", n, sizeof(double))};
}

typedef struct watch {
    double wall, cpu;
} watch;

static watch now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (watch){aml_now(), (double)t.tv_sec + 1e-9 * (double)t.tv_nsec};
}

static watch since(watch begin) {
    watch end = now();
    return (watch){end.wall - begin.wall, end.cpu - begin.cpu};
}

static void give(const job *b, watch spent, double reached, const double *coef, size_t rows,
                 size_t columns) {
    char path[4096];
    snprintf(path, sizeof path, "%s/coef.f64", b->folder);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(coef, sizeof *coef, rows * columns, f) != rows * columns || fclose(f)) exit(1);
    printf("%.6f %.6f %zu %zu %.3g\n", spent.wall, spent.cpu, rows, columns, reached);
}

static aml_ctx context(int n_threads) {
    return (aml_ctx){.keep = aml_arena_new(NULL),
                     .scratch = aml_arena_new(NULL),
                     .rng = aml_rng_stream(1, AML_RNG_FIT, 0, 0),
                     .n_threads = n_threads};
}

static void fit(const job *b, const char *name, int n_threads, const double *hp, size_t n_hp) {
    const aml_learner *l = aml_learner_find(name);
    double all[MOST_HP];
    void *model = NULL;
    for (size_t i = 0; l && i < aml_params_count(l->params); i++)
        all[i] = i < n_hp ? hp[i] : l->params[i].fallback;
    aml_ctx ctx = context(n_threads);
    watch begin = now();
    if (l && !l->fit(&model, &b->data, all, &ctx)) {
        watch spent = since(begin);
        const aml_linear *m = model; /* the first member of each linear learner's model */
        give(b, spent, m->gain, m->coef, m->p + m->q + 1, m->k);
    } else {
        puts("error");
    }
    aml_arena_free(ctx.keep);
    aml_arena_free(ctx.scratch);
}

static void ridge_path(const job *b, int n_threads, const double *alpha, size_t m) {
    aml_ctx ctx = context(n_threads);
    aml_ridge_path path;
    watch begin = now();
    if (!aml_ridge_path_fit(&path, &b->data, alpha, m, false, &ctx)) {
        watch spent = since(begin);
        size_t rows = b->design.p + 1;
        double *out = aml_alloc_raw(ctx.scratch, (rows + 1) * m, sizeof *out);
        memcpy(out, path.coef, rows * m * sizeof *out);
        memcpy(out + rows * m, path.loo, m * sizeof *out);
        give(b, spent, 0, out, rows + 1, m);
    } else {
        puts("error");
    }
    aml_arena_free(ctx.keep);
    aml_arena_free(ctx.scratch);
}

static aml_status solve_path(double *worst, double *coef, const job *b, const double *number,
                             size_t m, aml_ctx *ctx) {
    aml_enet e;
    AML_TRY(aml_enet_init(&e, &b->data, ctx));
    for (size_t l = 0; l < m; l++) {
        double alpha = number[2 + l] / e.y_sd, l1 = alpha * number[1];
        AML_TRY(aml_enet_solve(&e, l1, number[2 + l] * (1 - number[1]), number[0]));
        aml_enet_coef(coef + l * (e.d + 1), &e);
        if (e.gap > *worst) *worst = e.gap;
    }
    return AML_OK;
}

static void enet_path(const job *b, int n_threads, const double *number, size_t count) {
    aml_ctx ctx = context(n_threads);
    size_t m = count - 2, rows = b->design.p + b->csr.p + 1;
    double *coef = aml_alloc_raw(ctx.keep, rows * m, sizeof *coef), worst = 0;
    watch begin = now();
    if (solve_path(&worst, coef, b, number, m, &ctx)) puts("error");
    else give(b, since(begin), worst, coef, m, rows);
    aml_arena_free(ctx.keep);
    aml_arena_free(ctx.scratch);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: bench_linear FOLDER < commands\n");
        return 64;
    }
    char line[8192], what[64], name[64];
    job b = {.folder = argv[1], .arena = aml_arena_new(NULL)};
    aml_linalg_init();
    aml_par_init();
    load(&b);
    while (fgets(line, sizeof line, stdin)) {
        int n_threads, used = 0, more;
        double hp[MOST_HP];
        size_t n_hp = 0;
        if (sscanf(line, "%63s %63s %d%n", what, name, &n_threads, &used) != 3) continue;
        for (const char *at = line + used;
             n_hp < MOST_HP && sscanf(at, "%lf%n", &hp[n_hp], &more) == 1; at += more)
            n_hp++;
        if (!strcmp(what, "ridge_path")) ridge_path(&b, n_threads, hp, n_hp);
        else if (!strcmp(what, "enet_path") && n_hp > 2) enet_path(&b, n_threads, hp, n_hp);
        else fit(&b, name, n_threads, hp, n_hp);
        fflush(stdout);
    }
    aml_arena_free(b.arena);
    return 0;
}
