/* bench_search.c: samplers on 26 tasks of tuning a neural network, each with the others as past
 * datasets.
 *
 * usage: bench_search DIRECTORY [SEEDS] DIRECTORY holds lcbench_configs.csv and
 * lcbench_errors_dev.csv (LCBenchLite, Apache-2.0): 2,000 configurations of seven hyperparameters.
 * Between them the error is the mean of the 8 nearest, weighted by inverse squared distance. Every
 * 20th configuration is a pipeline of the knowledge. Shown: mean of (best - lowest) / (median -
 * lowest). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "automl/core/linalg.h"
#include "automl/core/par.h"
#include "automl/core/sampler.h"
#include "automl/core/sort.h"
#include "search/parts/prior.h"

#define AML_SAMPLER(name) extern const aml_sampler aml_sampler_##name;
#include "search/samplers.def"
#undef AML_SAMPLER
static const aml_sampler *const samplers[] = {
#define AML_SAMPLER(name) &aml_sampler_##name,
#include "search/samplers.def"
    NULL};

enum {
    DIMS = 7,
    CONFIGS = 2000,
    TASKS = 26,
    STEP = 20,
    PIPELINES = CONFIGS / STEP,
    TRIALS = 100,
    NEAREST = 8
};
static const int shown[] = {1, 3, 5, 10, 25, 50, 100};
enum { N_SHOWN = sizeof shown / sizeof *shown };

static const aml_param params[DIMS] = {
    {.name = "batch_size", .kind = AML_INT, .log = true, .lo = 16, .hi = 512, .fallback = 64},
    {.name = "max_dropout", .kind = AML_REAL, .lo = 0, .hi = 1, .fallback = 0.5},
    {.name = "max_units", .kind = AML_INT, .log = true, .lo = 64, .hi = 1024, .fallback = 256},
    {.name = "num_layers", .kind = AML_INT, .lo = 1, .hi = 4, .fallback = 3},
    {.name = "learning_rate",
     .kind = AML_REAL,
     .log = true,
     .lo = 1e-4,
     .hi = 1e-1,
     .fallback = 1e-2},
    {.name = "momentum", .kind = AML_REAL, .lo = 0.1, .hi = 0.99, .fallback = 0.9},
    {.name = "weight_decay", .kind = AML_REAL, .lo = 1e-5, .hi = 0.1, .fallback = 0.01}};

typedef struct data {
    double config[CONFIGS][DIMS], point[CONFIGS][DIMS];
    double error[TASKS][CONFIGS];
    aml_dim dims[DIMS];
    aml_space space;
} data;

/* Lines of a name and n numbers (further ones ignored); rows × n into out. */
static bool read_table(double *out, size_t rows, size_t n, const char *folder, const char *name) {
    char path[4096], *line = NULL;
    size_t room = 0, row = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "r");
    bool fine = f && getline(&line, &room, f) > 0;
    for (; fine && row < rows && getline(&line, &room, f) > 0; row++) {
        char *cell = line + strcspn(line, ",");
        for (size_t j = 0; j < n && fine; j++) {
            cell += *cell == ',';
            size_t length = strcspn(cell, ",\r\n");
            fine = aml_parse_double(&out[row * n + j], cell, length);
            cell += length;
        }
    }
    if (!fine || row < rows) fprintf(stderr, "cannot read %s\n", path);
    free(line);
    if (f) fclose(f);
    return fine && row == rows;
}

static double error_at(const data *d, size_t task, const double *config) {
    double near[NEAREST], value[NEAREST], u[DIMS], sum = 0, weight = 0;
    size_t n = 0;
    for (size_t j = 0; j < DIMS; j++) u[j] = aml_dim_encode(&d->dims[j], config[j]);
    for (size_t i = 0; i < CONFIGS; i++) {
        double q = 1e-12;
        for (size_t j = 0; j < DIMS; j++) q += (u[j] - d->point[i][j]) * (u[j] - d->point[i][j]);
        if (n == NEAREST && q >= near[n - 1]) continue;
        size_t at = n < NEAREST ? n++ : n - 1;
        for (; at && near[at - 1] > q; at--) near[at] = near[at - 1], value[at] = value[at - 1];
        near[at] = q, value[at] = d->error[task][i];
    }
    for (size_t k = 0; k < n; k++) sum += value[k] / near[k], weight += 1 / near[k];
    return sum / weight;
}

/* The other tasks as a table of knowledge. */
static aml_status make_knowledge(aml_knowledge **out, const data *d, size_t without,
                                 aml_arena *keep) {
    static const char *const metrics[] = {"error"};
    aml_knowledge *k = AML_NEW(keep, aml_knowledge);
    aml_knowledge_table *t = AML_NEW(keep, aml_knowledge_table);
    aml_pipeline *pipelines = AML_ARRAY(keep, PIPELINES, aml_pipeline);
    aml_knowledge_row *rows = AML_ARRAY(keep, TASKS, aml_knowledge_row);
    const double **weights = AML_ARRAY(keep, 1, const double *);
    if (!k || !t || !pipelines || !rows || !weights) return AML_ENOMEM;
    for (size_t p = 0; p < PIPELINES; p++) {
        aml_setting *s = AML_ARRAY(keep, DIMS, aml_setting);
        if (!s) return AML_ENOMEM;
        for (size_t j = 0; j < DIMS; j++) {
            aml_string text = {0};
            aml_param_write(&text, &params[j], d->config[p * STEP][j]);
            s[j] = (aml_setting){params[j].name, text.failed ? "" : aml_strdup(keep, text.text)};
            aml_string_free(&text);
        }
        pipelines[p] = (aml_pipeline){DIMS, s};
    }
    for (size_t i = 0, n = 0; i < TASKS; i++) {
        double *loss = AML_ARRAY(keep, 2 * PIPELINES, double);
        if (!loss) return AML_ENOMEM;
        if (i == without) continue;
        for (size_t p = 0; p < PIPELINES; p++) loss[p] = d->error[i][p * STEP];
        rows[n++] = (aml_knowledge_row){aml_printf(keep, "task%02zu", i), (uint32_t)i, loss, loss,
                                        loss + PIPELINES};
    }
    *t = (aml_knowledge_table){"classification", 1,         PIPELINES, TASKS - 1,
                               metrics,          pipelines, weights,   rows};
    *k = (aml_knowledge){"bench", 0, 1, NULL, t};
    *out = k;
    return AML_OK;
}

static aml_status search(double *best, const data *d, const aml_sampler *s, size_t task,
                         const aml_problem *problem, uint64_t seed, double *seconds) {
    static aml_record records[TRIALS];
    static double configs[TRIALS][DIMS];
    aml_told told = {
        .records = records, .time_left = INFINITY, .trials_left = SIZE_MAX, .concurrency = 1};
    aml_ctx ctx = {.keep = aml_arena_new(NULL), .scratch = aml_arena_new(NULL), .n_threads = 1};
    if (!ctx.keep || !ctx.scratch) return AML_ENOMEM;
    ctx.rng = aml_rng_stream(seed, AML_RNG_SEARCH, task, 0);
    for (size_t i = 0; i < TRIALS; i++) {
        aml_mark mark = aml_arena_mark(ctx.scratch);
        double start = aml_now();
        AML_TRY(s->suggest(configs[i], &d->space, &told, problem, NULL, &ctx));
        *seconds += aml_now() - start;
        aml_arena_release(ctx.scratch, mark);
        double loss = error_at(d, task, configs[i]);
        records[i] = (aml_record){.id = i,
                                  .state = AML_TRIAL_DONE,
                                  .config = configs[i],
                                  .loss = loss,
                                  .n_done = 1,
                                  .n_folds = 1};
        best[i] = i ? fmin(best[i - 1], loss) : loss;
        told.n = i + 1;
    }
    aml_arena_free(ctx.keep);
    aml_arena_free(ctx.scratch);
    return AML_OK;
}

static aml_status run(const data *d, uint64_t seeds) {
    static double regret[8][TRIALS], seconds[8], sorted[CONFIGS], best[TRIALS];
    for (size_t task = 0; task < TASKS; task++) {
        aml_ctx ctx = {.keep = aml_arena_new(NULL), .scratch = aml_arena_new(NULL), .n_threads = 1};
        aml_problem problem = {.task = AML_BINARY, .metric = "error", .baseline_loss = 1};
        aml_knowledge *k;
        const aml_prior *prior;
        if (!ctx.keep || !ctx.scratch) return AML_ENOMEM;
        AML_TRY(make_knowledge(&k, d, task, ctx.keep));
        AML_TRY(aml_prior_new(&prior, k, &problem, NULL, &ctx));
        problem.knowledge = prior;
        memcpy(sorted, d->error[task], sizeof sorted);
        AML_TRY(aml_sort_f64(sorted, CONFIGS));
        for (size_t s = 0; samplers[s]; s++)
            for (uint64_t seed = 0; seed < seeds; seed++) {
                bool blind = samplers[s] == &aml_sampler_bayes;
                AML_TRY(
                    search(best, d, samplers[s], task, blind ? NULL : &problem, seed, &seconds[s]));
                for (size_t i = 0; i < TRIALS; i++)
                    regret[s][i] += (best[i] - sorted[0]) / (sorted[CONFIGS / 2] - sorted[0]) /
                                    TASKS / (double)seeds;
            }
        aml_arena_free(ctx.keep);
        aml_arena_free(ctx.scratch);
    }
    printf("%-12s", "sampler");
    for (size_t i = 0; i < N_SHOWN; i++) printf("   @%-4d", shown[i]);
    printf("  ms a suggestion\n");
    for (size_t s = 0; samplers[s]; s++) {
        printf("%-12s", samplers[s]->name);
        for (size_t i = 0; i < N_SHOWN; i++) printf(" %7.4f", regret[s][shown[i] - 1]);
        printf(" %7.2f\n", 1e3 * seconds[s] / (TASKS * TRIALS * (double)seeds));
    }
    return AML_OK;
}

int main(int argc, char **argv) {
    static data d;
    if (argc < 2) {
        fprintf(stderr, "usage: bench_search DIRECTORY [SEEDS]\n");
        return AML_EUSAGE;
    }
    aml_linalg_init();
    aml_par_init();
    for (size_t j = 0; j < DIMS; j++)
        d.dims[j] = (aml_dim){.name = params[j].name,
                              .param = &params[j],
                              .lo = params[j].lo,
                              .hi = params[j].hi,
                              .parent = -1};
    d.space = (aml_space){.n = DIMS, .dims = d.dims};
    if (!read_table(&d.config[0][0], CONFIGS, DIMS, argv[1], "lcbench_configs.csv") ||
        !read_table(&d.error[0][0], TASKS, CONFIGS, argv[1], "lcbench_errors_dev.csv"))
        return AML_ENOINPUT;
    for (size_t i = 0; i < CONFIGS; i++)
        for (size_t j = 0; j < DIMS; j++)
            d.point[i][j] = aml_dim_encode(&d.dims[j], d.config[i][j]);
    return run(&d, argc > 2 ? (uint64_t)(argv[2][0] - '0') : 1);
}
