/* bench_pmf.c: regret of the mixture, the greedy portfolio and random choice on a public matrix of
 * (dataset x pipeline) errors, cross-validated.
 *
 * usage: bench_pmf DIRECTORY [random|family]
 * DIRECTORY holds oboe_errors_dev.csv and its companions (Oboe, github.com/udellgroup/oboe). */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "automl/core/linalg.h"
#include "automl/core/par.h"
#include "automl/core/text.h"
#include "search/parts/mix.h"
#include "search/parts/similarity.h"

enum { STEPS = 50, FOLDS = 5, REPEATS = 20 };
static const int shown[] = {1, 2, 5, 10, 20, 50};

typedef struct matrix {
    size_t n, p;
    double *x;
} matrix;

static bool read_line_cells(double *out, size_t p, char *line) {
    char *cell = line;
    for (size_t j = 0; j <= p; j++) {
        size_t length = strcspn(cell, ",\r\n");
        if (j && !aml_parse_double(&out[j - 1], cell, length)) {
            if (length) return false;
            out[j - 1] = NAN;
        }
        cell += length + (cell[length] == ',');
    }
    return true;
}

/* A table of numbers behind a header line and a first column of names. */
static bool read_matrix(matrix *m, const char *folder, const char *name, aml_arena *arena) {
    char path[4096], *line = NULL;
    size_t room = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "r");
    if (!f || getline(&line, &room, f) < 0) {
        fprintf(stderr, "cannot read %s\n", path);
        return false;
    }
    m->n = m->p = 0;
    for (char *c = line; *c; c++) m->p += *c == ',';
    m->x = AML_ARRAY(arena, 4096 * m->p, double);
    bool fine = m->x != NULL;
    while (fine && m->n < 4096 && getline(&line, &room, f) > 0)
        fine = read_line_cells(m->x + m->n++ * m->p, m->p, line);
    free(line);
    fclose(f);
    if (!fine) fprintf(stderr, "%s is not a table of numbers\n", path);
    return fine;
}

typedef struct bench {
    matrix errors, features, folds, datasets;
    double regret[4][STEPS]; /* random, greedy, mixture without features, mixture */
    double seconds;          /* of suggestions by the mixture */
    uint64_t suggestions;
} bench;

typedef struct fold {
    double *y, *x;
    uint32_t *family;
    size_t n;
} fold;

static void add_regret(double *sum, const double *row, size_t p, const size_t *order,
                       double weight) {
    double lowest = INFINITY, best = INFINITY;
    for (size_t j = 0; j < p; j++) lowest = fmin(lowest, row[j]);
    for (size_t t = 0; t < STEPS; t++) {
        best = fmin(best, row[order[t]]);
        sum[t] += weight * (best - lowest);
    }
}

static aml_status run_random(bench *b, const double *row, size_t dataset) {
    uint32_t order[4096];
    size_t first[STEPS], p = b->errors.p;
    for (uint32_t repeat = 0; repeat < REPEATS; repeat++) {
        aml_rng rng = aml_rng_stream(7, AML_RNG_TEST, dataset, repeat);
        for (uint32_t j = 0; j < p; j++) order[j] = j;
        aml_rng_shuffle(&rng, order, p);
        for (size_t t = 0; t < STEPS; t++) first[t] = order[t];
        add_regret(b->regret[0], row, p, first, 1.0 / REPEATS);
    }
    return AML_OK;
}

static aml_status run_mixture(bench *b, double *sum, const aml_mix_prior *prior, const double *row,
                              const double *weights, aml_arena *arena) {
    aml_mix m;
    size_t order[STEPS];
    aml_mark mark = aml_arena_mark(arena);
    AML_TRY(aml_mix_start(&m, prior, weights, arena));
    double start = aml_now();
    for (size_t t = 0; t < STEPS; t++) {
        order[t] = aml_mix_pick(&m, NULL);
        aml_mix_observe(&m, order[t], row[order[t]]);
    }
    b->seconds += aml_now() - start;
    b->suggestions += STEPS;
    add_regret(sum, row, b->errors.p, order, 1);
    aml_arena_release(arena, mark);
    return AML_OK;
}

static aml_status gather(fold *out, const bench *b, size_t column, int number, aml_arena *arena) {
    size_t n = b->errors.n, p = b->errors.p, f = b->features.p;
    *out = (fold){AML_ARRAY(arena, n * p, double), AML_ARRAY(arena, n * f, double),
                  AML_ARRAY(arena, n, uint32_t), 0};
    if (!out->y || !out->x || !out->family) return AML_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        if ((int)b->folds.x[i * b->folds.p + column] == number) continue;
        memcpy(out->y + out->n * p, b->errors.x + i * p, p * sizeof(double));
        memcpy(out->x + out->n * f, b->features.x + i * f, f * sizeof(double));
        out->family[out->n++] = (uint32_t)b->datasets.x[i * b->datasets.p];
    }
    return AML_OK;
}

static aml_status run_fold(bench *b, size_t column, int number, aml_ctx *ctx) {
    size_t p = b->errors.p, f = b->features.p;
    fold train;
    aml_mix_prior *prior;
    aml_similarity *similarity;
    AML_TRY(gather(&train, b, column, number, ctx->keep));
    size_t *greedy = AML_ARRAY(ctx->keep, p, size_t);
    double *metric = AML_ARRAY(ctx->keep, f, double), *w = AML_ARRAY(ctx->keep, train.n, double);
    if (!greedy || !metric || !w) return AML_ENOMEM;
    AML_TRY(aml_mix_prior_new(&prior, train.y, train.n, p, ctx));
    AML_TRY(aml_greedy_portfolio(greedy, prior, NULL, ctx->keep));
    AML_TRY(aml_similarity_learn(metric, train.x, train.n, f, train.family, prior->rows, p, ctx));
    AML_TRY(aml_similarity_new(&similarity, train.x, train.n, f, metric, prior->rows, p, ctx));
    for (size_t i = 0; i < b->errors.n; i++) {
        const double *row = b->errors.x + i * p;
        if ((int)b->folds.x[i * b->folds.p + column] != number) continue;
        aml_mark mark = aml_arena_mark(ctx->scratch);
        AML_TRY(aml_similarity_weights(w, similarity, b->features.x + i * f, ctx));
        AML_TRY(run_random(b, row, i));
        add_regret(b->regret[1], row, p, greedy, 1);
        AML_TRY(run_mixture(b, b->regret[2], prior, row, NULL, ctx->scratch));
        AML_TRY(run_mixture(b, b->regret[3], prior, row, w, ctx->scratch));
        aml_arena_release(ctx->scratch, mark);
    }
    return AML_OK;
}

static void report(const bench *b) {
    static const char *const names[] = {"random", "greedy portfolio", "mixture, no features",
                                        "mixture"};
    printf("%-22s", "mean regret, points");
    for (size_t s = 0; s < sizeof shown / sizeof *shown; s++) printf("   @%-4d", shown[s]);
    for (int k = 0; k < 4; k++) {
        printf("\n%-22s", names[k]);
        for (size_t s = 0; s < sizeof shown / sizeof *shown; s++)
            printf(" %7.2f", 100 * b->regret[k][shown[s] - 1] / (double)b->errors.n);
    }
    printf("\n%.3f ms a suggestion of the mixture\n", 1e3 * b->seconds / (double)b->suggestions);
}

static aml_status run(const char *folder, size_t column) {
    aml_arena *data = aml_arena_new(NULL);
    bench b = {0};
    if (!data || !read_matrix(&b.errors, folder, "oboe_errors_dev.csv", data) ||
        !read_matrix(&b.features, folder, "oboe_metafeatures_dev.csv", data) ||
        !read_matrix(&b.folds, folder, "oboe_folds_dev.csv", data) ||
        !read_matrix(&b.datasets, folder, "oboe_datasets_dev.csv", data)) {
        aml_arena_free(data);
        return AML_ENOINPUT;
    }
    aml_status status = AML_OK;
    for (int number = 0; number < FOLDS && !status; number++) {
        aml_ctx ctx = {.keep = aml_arena_new(NULL), .scratch = aml_arena_new(NULL), .n_threads = 1};
        ctx.rng = aml_rng_stream(1, AML_RNG_SEARCH, 0, 0);
        status = ctx.keep && ctx.scratch ? run_fold(&b, column, number, &ctx) : AML_ENOMEM;
        aml_arena_free(ctx.keep);
        aml_arena_free(ctx.scratch);
    }
    if (!status) report(&b);
    aml_arena_free(data);
    return status;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: bench_pmf DIRECTORY [random|family]\n");
        return AML_EUSAGE;
    }
    aml_linalg_init();
    aml_par_init();
    return run(argv[1], argc > 2 && !strcmp(argv[2], "family"));
}
