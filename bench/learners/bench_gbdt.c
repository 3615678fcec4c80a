/* bench_gbdt.c: one fit of the boosted trees on files that bench_gbdt.py has written; prints one line of JSON.
 *
 * usage: bench_gbdt TRAIN TEST THREADS BINS [name=value …]    hyperparameters of the learner, and
 *     use_rows=N use_columns=P    the first of the table alone
 *     limits=1                    the least work of the fit beside what the machine could do
 * A file is uint32 n, p, classes (0 = regression), levels[p] (0 = number), then p columns of n float32, then n
 * float32 targets, and, where there are sparse features, uint32 q, uint64 start[n+1], uint32 column[] and float32 value[].
 * "seconds" are from the columns to the model, binning included; "bytes" is the peak of resident
 * memory less what was resident with the data loaded. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "automl/core/learner.h"
#include "automl/core/par.h"
#include "automl/core/sort.h"
#include "automl/core/text.h"
#include "bench/learners/gbdt_limits.h"

extern const aml_learner aml_learner_gbdt;

typedef struct table {
    aml_arena *arena;
    aml_design design;
    aml_csr csr;
    aml_data data;
} table;

static void fail(const char *what) {
    fprintf(stderr, "bench_gbdt: %s\n", what);
    exit(1);
}

static void read_all(void *to, size_t size, FILE *f) {
    if (fread(to, 1, size, f) != size) fail("the file is too short");
}

static void read_sparse(table *t, size_t n, FILE *f) {
    uint32_t q = 0;
    if (fread(&q, sizeof q, 1, f) != 1) return;
    uint64_t *start = AML_ARRAY(t->arena, n + 1, uint64_t);
    read_all(start, (n + 1) * sizeof *start, f);
    size_t nnz = (size_t)start[n];
    uint32_t *column = AML_ARRAY(t->arena, nnz, uint32_t);
    float *value = AML_ARRAY(t->arena, nnz, float);
    read_all(column, nnz * sizeof *column, f);
    read_all(value, nnz * sizeof *value, f);
    t->csr = (aml_csr){n, q, start, column, value};
}

static void table_read(table *t, const char *path) {
    uint32_t head[3];
    FILE *f = fopen(path, "rb");
    if (!f) fail("cannot open the file");
    read_all(head, sizeof head, f);
    size_t n = head[0], p = head[1];
    aml_arena *a = t->arena = aml_arena_new(NULL);
    uint32_t *levels = AML_ARRAY(a, p, uint32_t), *rows = AML_ARRAY(a, n, uint32_t);
    float **column = AML_ARRAY(a, p, float *), *target = AML_ARRAY(a, n, float);
    double *y = AML_ARRAY(a, n, double);
    read_all(levels, p * sizeof *levels, f);
    for (size_t j = 0; j < p; j++) {
        column[j] = AML_ARRAY(a, n, float);
        read_all(column[j], n * sizeof(float), f);
    }
    read_all(target, n * sizeof *target, f);
    t->csr = (aml_csr){0};
    read_sparse(t, n, f);
    fclose(f);
    for (size_t i = 0; i < n; i++) y[i] = (double)target[i], rows[i] = (uint32_t)i;
    aml_task_kind task = head[2] == 0 ? AML_REGRESSION : head[2] == 2 ? AML_BINARY : AML_MULTICLASS;
    t->design =
        (aml_design){.n = n, .p = p, .n_levels = levels, .column = (const float *const *)column};
    if (t->csr.p) t->design.csr = &t->csr;
    t->data = (aml_data){
        .x = &t->design, .rows = rows, .n = n, .task = task, .n_classes = (int)head[2], .y = y};
}

/* ---- scores */

static double loss(const double *out, const aml_data *d) {
    double sum = 0;
    size_t k = d->task == AML_MULTICLASS ? (size_t)d->n_classes : 1;
    for (size_t i = 0; i < d->n; i++) {
        if (d->task == AML_REGRESSION) sum += (out[i] - d->y[i]) * (out[i] - d->y[i]);
        else if (d->task == AML_BINARY)
            sum -= log(fmax(d->y[i] > 0.5 ? out[i] : 1 - out[i], 1e-15));
        else sum -= log(fmax(out[i * k + (size_t)d->y[i]], 1e-15));
    }
    sum /= (double)d->n;
    return d->task == AML_REGRESSION ? sqrt(sum) : sum;
}

/* Share of pairs in order, ties half (Mann and Whitney). */
static double auc(const double *out, const aml_data *d) {
    size_t n = d->n;
    uint32_t *order = AML_ARRAY(d->task == AML_BINARY ? aml_arena_new(NULL) : NULL, n, uint32_t);
    double ranks = 0, positives = 0;
    if (!order || aml_argsort(order, out, n)) fail("no memory");
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && out[order[end]] == out[order[i]];) end++;
        for (size_t k = i; k < end; k++)
            if (d->y[order[k]] > 0.5) ranks += 0.5 * (double)(i + end - 1), positives++;
    }
    return (ranks - positives * (positives - 1) / 2) / (positives * ((double)n - positives));
}

/* ---- time and memory */

static double cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double status_kb(const char *key) {
    char line[256];
    double kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, key, strlen(key))) sscanf(line + strlen(key), "%lf", &kb);
    if (f) fclose(f);
    return kb;
}

static void forget_peak(void) {
    FILE *f = fopen("/proc/self/clear_refs", "w");
    if (f) fputs("5", f);
    if (f) fclose(f);
}

/* ---- main */

typedef struct options {
    double rows, columns, limits; /* 0 = all; all; no */
} options;

static bool set_option(options *o, const char *text, const char *value) {
    static const char *const names[] = {"use_rows=", "use_columns=", "limits="};
    double *const to[] = {&o->rows, &o->columns, &o->limits};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (!strncmp(text, names[k], strlen(names[k])))
            return aml_parse_double(to[k], value, strlen(value));
    return false;
}

static void set_hp(double *hp, options *o, const aml_param *params, int argc, char **argv) {
    aml_params_defaults(hp, params);
    for (int a = 5; a < argc; a++) {
        const char *eq = strchr(argv[a], '=');
        bool known = eq && set_option(o, argv[a], eq + 1);
        for (size_t k = 0; params[k].name && eq; k++) {
            if (strlen(params[k].name) != (size_t)(eq - argv[a])) continue;
            if (strncmp(params[k].name, argv[a], (size_t)(eq - argv[a]))) continue;
            known = aml_parse_double(&hp[k], eq + 1, strlen(eq + 1));
        }
        if (!known) fail("an argument is not known");
    }
}

static void use_first(table *t, const options *o) {
    if (o->rows > 0 && o->rows < (double)t->data.n)
        t->csr.n = t->design.n = t->data.n = (size_t)o->rows;
    if (o->columns > 0 && o->columns < (double)t->design.p) t->design.p = (size_t)o->columns;
}

/* Seconds that the memory, and the adds, would have taken at the machine's limits, as shares of the fit's. */
static void print_limits(const aml_boosted *model, double n, double p, int threads,
                         double seconds) {
    gbdt_work work = gbdt_work_of(model, n, p);
    gbdt_limits limit = gbdt_limits_of(threads);
    printf("\"gigabytes\": %.2f, \"of_bandwidth\": %.3f, \"bandwidth\": %.1f, ", 1e-9 * work.bytes,
           work.bytes / limit.bytes / seconds, 1e-9 * limit.bytes);
    printf("\"gigaadds\": %.2f, \"of_adds\": %.3f, \"adds\": %.2f, ", 1e-9 * work.adds,
           work.adds / limit.adds / seconds, 1e-9 * limit.adds);
}

int main(int argc, char **argv) {
    table train, test;
    double hp[64] = {0}, threads = 1, bins = 255;
    options o = {0};
    void *model;
    if (argc < 5 || !aml_parse_double(&threads, argv[3], strlen(argv[3])) ||
        !aml_parse_double(&bins, argv[4], strlen(argv[4])))
        fail("usage: bench_gbdt TRAIN TEST THREADS BINS [name=value ...]");
    aml_par_init();
    set_hp(hp, &o, aml_learner_gbdt.params, argc, argv);
    table_read(&train, argv[1]);
    use_first(&train, &o);
    double loaded = status_kb("VmRSS:");
    train.design.max_bins = (uint16_t)bins;
    forget_peak();
    double start = aml_now(), cpu = cpu_seconds();
    aml_ctx ctx = {.keep = aml_arena_new(NULL),
                   .scratch = aml_arena_new(NULL),
                   .rng = aml_rng_stream(1, AML_RNG_FIT, 0, 0),
                   .n_threads = (int)threads};
    if (aml_design_prepare(&train.design, AML_BUILD_BINS, &ctx)) fail(aml_last_error()->message);
    double binned = aml_now();
    if (aml_learner_gbdt.fit(&model, &train.data, hp, &ctx)) fail(aml_last_error()->message);
    double fitted = aml_now(), peak = status_kb("VmHWM:");
    cpu = cpu_seconds() - cpu;
    aml_arena_free(ctx.scratch);
    double n = (double)train.data.n, p = (double)train.design.p;
    aml_arena_free(train.arena);
    ctx.scratch = aml_arena_new(NULL);
    table_read(&test, argv[2]);
    use_first(&test, &(options){.columns = o.columns});
    size_t outputs = (size_t)aml_task_outputs(test.data.task, test.data.n_classes);
    double *out = AML_ARRAY(ctx.keep, test.data.n * outputs, double);
    if (aml_learner_gbdt.predict(out, model, &test.data, &ctx)) fail(aml_last_error()->message);
    printf("{\"seconds\": %.4f, \"cpu\": %.4f, \"binning\": %.4f, \"loss\": %.6f, ", fitted - start,
           cpu, binned - start, loss(out, &test.data));
    if (test.data.task == AML_BINARY) printf("\"auc\": %.6f, ", auc(out, &test.data));
    if (o.limits > 0) print_limits(model, n, p, (int)threads, fitted - binned);
    printf("\"megabytes\": %.1f, \"total_megabytes\": %.1f}\n", (peak - loaded) / 1024,
           peak / 1024);
    return 0;
}
