/* one_fit.h: fits and applies one learner on a table of floats, with its seconds and memory: what the drivers beside
 * run once for every repeat, between their peers. */
#ifndef AML_BENCH_ONE_FIT_H
#define AML_BENCH_ONE_FIT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "automl/core/learner.h"
#include "automl/core/linalg.h"
#include "automl/core/par.h"

/* A part of a table: FOLDER/PART.x (n × p float32, column by column) and FOLDER/PART.y (n float64). */
typedef struct bench_part {
    aml_design design;
    aml_data data;
} bench_part;

static void bench_die(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static void *bench_read(const char *folder, const char *part, const char *end, size_t bytes,
                        aml_arena *keep) {
    char path[4096];
    void *data = aml_alloc_raw(keep, bytes, 1);
    snprintf(path, sizeof path, "%s/%s.%s", folder, part, end);
    FILE *f = fopen(path, "rb");
    if (!f || !data || fread(data, 1, bytes, f) != bytes) bench_die(path);
    fclose(f);
    return data;
}

/* levels: the first `n_categories` columns are categories with that many levels. */
static void bench_open(bench_part *b, const char *folder, const char *part, size_t n, size_t p,
                       int classes, size_t n_categories, uint32_t levels, aml_arena *keep) {
    const float *x = bench_read(folder, part, "x", n * p * sizeof *x, keep);
    const float **column = AML_ARRAY(keep, p, const float *);
    uint32_t *rows = AML_ARRAY(keep, n, uint32_t), *n_levels = AML_ARRAY(keep, p, uint32_t);
    if (!column || !rows || !n_levels) bench_die("memory");
    for (size_t j = 0; j < p; j++) column[j] = x + j * n;
    for (size_t j = 0; j < n_categories; j++) n_levels[j] = levels;
    for (size_t i = 0; i < n; i++) rows[i] = (uint32_t)i;
    b->design = (aml_design){.n = n, .p = p, .column = column, .n_levels = n_levels};
    b->data = (aml_data){.x = &b->design,
                         .rows = rows,
                         .n = n,
                         .task = !classes       ? AML_REGRESSION
                                 : classes == 2 ? AML_BINARY
                                                : AML_MULTICLASS,
                         .n_classes = classes,
                         .y = bench_read(folder, part, "y", n * sizeof(double), keep)};
}

/* Resident bytes of the process: `key` is VmRSS or VmHWM (the peak). */
static double bench_megabytes(const char *key) {
    char line[256];
    double kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, key, strlen(key))) sscanf(line + strlen(key) + 1, "%lf", &kb);
    if (f) fclose(f);
    return kb / 1024;
}

static void bench_reset_peak(void) {
    FILE *f = fopen("/proc/self/clear_refs", "w");
    if (f) fputs("5", f), fclose(f);
}

static void bench_write(const char *folder, const double *out, size_t n) {
    char path[4096];
    snprintf(path, sizeof path, "%s/ours.out", folder);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(out, sizeof *out, n, f) != n) bench_die(path);
    fclose(f);
}

/* FOLDER N_TRAIN N_TEST P CLASSES CATEGORIES LEVELS THREADS SEED [PARAM=VALUE …] from argv[1] on. Prints
 * "fit SECONDS predict SECONDS memory MEGABYTES" and writes FOLDER/ours.out. Bins count as fitting; the values row by
 * row do not: the peers get them so, too. */
static int bench_one_fit(const aml_learner *l, char **argv) {
    enum { FOLDER = 1, N_TRAIN, N_TEST, P, CLASSES, CATEGORIES, LEVELS, THREADS, SEED, REST };
    size_t v[REST];
    double hp[64];
    for (int i = N_TRAIN; i < REST; i++) {
        if (!argv[i]) bench_die("too few arguments");
        v[i] = strtoull(argv[i], NULL, 10);
    }
    aml_params_defaults(hp, l->params);
    for (char **a = argv + REST; *a; a++) {
        size_t i = 0, length = strcspn(*a, "=");
        while (l->params[i].name &&
               (strlen(l->params[i].name) != length || strncmp(l->params[i].name, *a, length)))
            i++;
        if (!l->params[i].name || !(*a)[length]) bench_die(*a);
        sscanf(*a + length + 1, "%lf", &hp[i]);
    }
    aml_linalg_init();
    aml_par_init();
    aml_arena *keep = aml_arena_new(NULL), *scratch = aml_arena_new(NULL);
    aml_ctx ctx = {.keep = keep,
                   .scratch = scratch,
                   .n_threads = (int)v[THREADS],
                   .rng = aml_rng_stream(v[SEED], AML_RNG_FIT, 0, 0)};
    bench_part train, test;
    bench_open(&train, argv[FOLDER], "train", v[N_TRAIN], v[P], (int)v[CLASSES], v[CATEGORIES],
               (uint32_t)v[LEVELS], keep);
    bench_open(&test, argv[FOLDER], "test", v[N_TEST], v[P], (int)v[CLASSES], v[CATEGORIES],
               (uint32_t)v[LEVELS], keep);
    size_t k = v[CLASSES] > 2 ? v[CLASSES] : 1;
    double *out = AML_ARRAY(keep, v[N_TEST] * k, double);
    void *model;
    unsigned dense = aml_learner_wants(l) & AML_BUILD_DENSE;
    if (aml_design_prepare(&train.design, dense, &ctx) ||
        aml_design_prepare(&test.design, dense, &ctx))
        bench_die("memory");
    bench_reset_peak();
    double before = bench_megabytes("VmRSS:"), start = aml_now();
    if (aml_design_prepare(&train.design, aml_learner_wants(l), &ctx) ||
        l->fit(&model, &train.data, hp, &ctx))
        bench_die("fit failed");
    double fitted = aml_now();
    if (l->predict(out, model, &test.data, &ctx)) bench_die("predict failed");
    double end = aml_now();
    printf("fit %.6f predict %.6f memory %.1f\n", fitted - start, end - fitted,
           bench_megabytes("VmHWM:") - before);
    bench_write(argv[FOLDER], out, v[N_TEST] * k);
    aml_arena_free(keep);
    aml_arena_free(scratch);
    return 0;
}

#endif
