/* bench_fit.c: one fit of any learner on a table file, for drivers that run it between its peers.
 *
 *   bench_fit LEARNER TRAIN TEST OUT THREADS SEED VALID [NAME=VALUE …]
 *
 * The last VALID rows of TRAIN are kept to stop early on. Writes the predictions of TEST to OUT (float64, row by row)
 * and prints one line of JSON: seconds of the clock and of the processor from the columns to the model (bins or the
 * dense matrix included), of the clock for this preparing alone, of the processor for predicting, the seconds that
 * cost() foretells, and megabytes that the fit adds at its peak. */
#include <time.h>

#include "automl/core/linalg.h"
#include "automl/core/par.h"
#include "bench/learners/table_file.h"

enum { LEARNER = 1, TRAIN, TEST, OUT, THREADS, SEED, VALID, REST };

static double cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double megabytes(const char *key) {
    char line[256];
    double kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, key, strlen(key))) sscanf(line + strlen(key), "%lf", &kb);
    if (f) fclose(f);
    return kb / 1024;
}

static void forget_peak(void) {
    FILE *f = fopen("/proc/self/clear_refs", "w");
    if (f) fputs("5", f), fclose(f);
}

static void set_params(double *hp, const aml_learner *l, char **argument) {
    aml_params_defaults(hp, l->params);
    for (; *argument; argument++) {
        char name[64] = "";
        const char *value = strchr(*argument, '=');
        if (value) snprintf(name, sizeof name, "%.*s", (int)(value - *argument), *argument);
        int i = aml_params_find(l->params, name);
        if (i < 0 || aml_param_read(&hp[i], &l->params[i], value + 1)) table_stop(*argument);
    }
}

static void write_out(const char *path, const double *out, size_t n) {
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(out, sizeof *out, n, f) != n || fclose(f)) table_stop(path);
}

int main(int argc, char **argv) {
    table_file train, test;
    double hp[TABLE_PARAMS] = {0};
    void *model;
    if (argc < REST) table_stop("see the first lines of bench_fit.c");
    const aml_learner *l = table_learner(argv[LEARNER]);
    aml_linalg_init();
    aml_par_init();
    set_params(hp, l, argv + REST);
    aml_ctx ctx = {.keep = aml_arena_new(NULL),
                   .scratch = aml_arena_new(NULL),
                   .rng = aml_rng_stream(strtoull(argv[SEED], NULL, 10), AML_RNG_FIT, 0, 0),
                   .n_threads = (int)strtoul(argv[THREADS], NULL, 10)};
    table_open(&train, argv[TRAIN], strtoull(argv[VALID], NULL, 10), ctx.keep);
    table_open(&test, argv[TEST], 0, ctx.keep);
    size_t n_out = test.data.n * table_outputs(&test);
    double *out = AML_ARRAY(ctx.keep, n_out, double), loaded = megabytes("VmRSS:");
    aml_shape shape = table_shape(&train);
    if (!out) table_stop("memory");
    forget_peak();
    double start = aml_now(), cpu = cpu_seconds();
    if (aml_design_prepare(&train.design, aml_learner_wants(l), &ctx)) table_stop("prepare");
    double prepared = aml_now();
    if (l->fit(&model, &train.data, hp, &ctx)) table_stop("fit");
    double fitted = aml_now(), peak = megabytes("VmHWM:");
    cpu = cpu_seconds() - cpu;
    double before = cpu_seconds();
    if (aml_design_prepare(&test.design, aml_learner_wants(l) & AML_BUILD_DENSE, &ctx))
        table_stop("prepare");
    if (l->predict(out, model, &test.data, &ctx)) table_stop("predict");
    printf(
        "{\"seconds\": %.6f, \"cpu\": %.6f, \"prepare\": %.6f, \"predict\": %.6f, \"cost\": %.6f, "
        "\"megabytes\": %.1f}\n",
        fitted - start, cpu, prepared - start, cpu_seconds() - before,
        l->cost ? l->cost(hp, &shape) : 0.0, peak - loaded);
    write_out(argv[OUT], out, n_out);
    return 0;
}
