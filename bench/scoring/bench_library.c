/* bench_library.c: a model by the engine and by the scoring library: are all bits the same, and what does a row cost?
 *
 *     bench_library MODEL DATA [ROWS]
 *
 * Prints one line: rows, different rows, then microseconds of processor time a row: engine all rows at once, scorer all at once,
 * scorer one by one, engine one by one (200 rows, whose frames were made before). The median of five rounds each. Ends with 1 where a bit differs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "automl/core/frame.h"
#include "automl/engine/model.h"
#include "automl/automl_score.h"
#include "bench/tables.h"

enum { ROUNDS = 5 };

typedef struct bench {
    aml_model *engine;
    aml_score_model *model;
    aml_scorer *scorer;
    aml_frame *data, **single; /* single: the first n_single rows each by itself */
    size_t n, k, p, n_single;
    aml_cell *cells;
    double *expected, *out;
} bench;

/* Of this thread alone: what else runs does not count. */
static double cpu_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void need(aml_status status, const char *what) {
    if (status) bench_stop(what);
}

/* Cells as the frame has them; a level that the model does not know stands as a text that it does not know. */
static void make_cells(bench *b) {
    b->cells = calloc(b->n * b->p + 1, sizeof *b->cells);
    if (!b->cells) bench_stop("memory");
    for (size_t j = 0; j < b->p; j++) {
        const aml_column *c =
            &b->data->columns[aml_frame_find(b->data, b->engine->inputs.columns[j].name)];
        for (size_t i = 0; i < b->n; i++) {
            aml_cell *cell = &b->cells[i * b->p + j];
            if (c->kind == AML_NUMBER || c->kind == AML_DATETIME) cell->number = c->number[i];
            else if (c->kind == AML_CATEGORY)
                cell->text = c->code[i] >= 0 ? c->levels[c->code[i]] : c->code[i] == -1 ? "" : "?!";
            else
                *cell = (aml_cell){.text = c->bytes + c->offset[i],
                                   .size = (size_t)(c->offset[i + 1] - c->offset[i])};
            if (cell->text && c->kind == AML_CATEGORY) cell->size = strlen(cell->text);
        }
    }
}

static double engine_all(bench *b) {
    double start = cpu_now();
    need(aml_model_predict(b->expected, b->engine, b->data, 1), "engine");
    return (cpu_now() - start) / (double)b->n;
}

static double scorer_all(bench *b) {
    double start = cpu_now();
    if (aml_scorer_rows(b->out, b->scorer, b->cells, b->n))
        fprintf(stderr, "%s\n", aml_score_last_error()->message);
    return (cpu_now() - start) / (double)b->n;
}

static double scorer_rows(bench *b, size_t n) {
    double start = cpu_now();
    for (size_t i = 0; i < n; i++)
        if (aml_scorer_row(b->out + i * b->k, b->scorer, b->cells + i * b->p)) bench_stop("scorer");
    return (cpu_now() - start) / (double)n;
}

static double scorer_single(bench *b) { return scorer_rows(b, b->n_single); }

static double engine_single(bench *b) {
    double start = cpu_now();
    for (size_t i = 0; i < b->n_single; i++)
        need(aml_model_predict(b->out, b->engine, b->single[i], 1), "engine");
    return (cpu_now() - start) / (double)b->n_single;
}

static size_t different(const bench *b) {
    size_t rows = 0;
    for (size_t i = 0; i < b->n; i++)
        rows += memcmp(b->expected + i * b->k, b->out + i * b->k, b->k * sizeof *b->out) != 0;
    return rows;
}

static int by_size(const void *a, const void *b) {
    return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static double median(double (*what)(bench *b), bench *b) {
    double seconds[ROUNDS];
    for (int r = 0; r < ROUNDS; r++) seconds[r] = what(b);
    qsort(seconds, ROUNDS, sizeof *seconds, by_size);
    return seconds[ROUNDS / 2] * 1e6;
}

static void open_all(bench *b, const char *path, const char *data, size_t most) {
    need(aml_model_load(&b->engine, path), path);
    need(aml_model_read(&b->data, b->engine, data, NULL, NULL, 0), data);
    if (aml_score_load(&b->model, path) || aml_scorer_new(&b->scorer, b->model)) bench_stop(path);
    b->n = aml_frame_rows_count(b->data);
    if (b->n > most) {
        aml_frame *few;
        uint32_t *rows = calloc(most, sizeof *rows);
        if (!rows) bench_stop("memory");
        for (size_t i = 0; i < most; i++) rows[i] = (uint32_t)(i * b->n / most);
        need(aml_frame_rows(&few, b->data, rows, most, NULL), "rows");
        aml_frame_free(b->data);
        free(rows);
        b->data = few;
        b->n = most;
    }
    b->k = aml_model_outputs(b->engine);
    b->p = b->engine->inputs.p;
    b->n_single = b->n < 200 ? b->n : 200;
    b->expected = calloc(b->n * b->k, sizeof *b->expected);
    b->out = calloc(b->n * b->k, sizeof *b->out);
    b->single = calloc(b->n_single, sizeof *b->single);
    if (!b->expected || !b->out || !b->single) bench_stop("memory");
    for (uint32_t i = 0; i < b->n_single; i++)
        need(aml_frame_rows(&b->single[i], b->data, &i, 1, NULL), "row");
    make_cells(b);
}

int main(int argc, char **argv) {
    bench b = {0};
    if (argc < 3) return 64;
    open_all(&b, argv[1], argv[2], argc > 3 ? (size_t)bench_number(argv[3]) : 2000);
    double engine = median(engine_all, &b), all = median(scorer_all, &b);
    size_t wrong = different(&b);
    scorer_rows(&b, b.n);
    wrong += different(&b);
    double one = median(scorer_single, &b);
    double lone = median(engine_single, &b);
    printf("%zu %zu %.3f %.3f %.3f %.3f\n", b.n, wrong, engine, all, one, lone);
    return wrong != 0;
}
