#include "tables.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "automl/core/ctx.h"
#include "automl/core/text.h"

_Noreturn void bench_stop(const char *what) {
    char text[2048];
    aml_format_error(text, sizeof text, aml_last_error());
    fprintf(stderr, "%s: %s", what, text);
    exit(1);
}

const char *bench_folder(void) {
    const char *folder = getenv("AUTOML_DATASETS");
    return folder ? folder : "../shared/datasets";
}

aml_frame *bench_read(const char *file) {
    char path[4096];
    aml_frame *f;
    snprintf(path, sizeof path, "%s/%s", bench_folder(), file);
    if (aml_frame_read(&f, path, NULL)) bench_stop(file);
    return f;
}

void bench_split(aml_frame **first, aml_frame **rest, const aml_frame *all, double share,
                 uint32_t number) {
    uint32_t *rows = aml_calloc(all->n, sizeof *rows);
    if (!rows) bench_stop("split");
    for (size_t i = 0; i < all->n; i++) rows[i] = (uint32_t)i;
    aml_rng rng = aml_rng_stream(2026, AML_RNG_TEST, 0, number);
    aml_rng_shuffle(&rng, rows, all->n);
    size_t n = (size_t)(share * (double)all->n + 1e-9);
    if (aml_frame_rows(first, all, rows, n, NULL) ||
        aml_frame_rows(rest, all, rows + n, all->n - n, NULL))
        bench_stop("split");
    aml_free(rows);
}

double bench_score(const aml_model *m, const aml_frame *data, const char *metric, int threads) {
    aml_evaluation *e;
    const char *name;
    double x, found = NAN;
    if (aml_model_evaluate(&e, m, data, threads)) bench_stop(metric);
    for (size_t i = 0; aml_evaluation_metric(e, i, &name, &x); i++)
        if (!strcmp(name, metric)) found = x;
    aml_evaluation_free(e);
    return found;
}

double bench_number(const char *text) {
    double x;
    if (aml_parse_seconds(&x, text)) return x;
    fprintf(stderr, "not a number: %s\n", text);
    exit(64);
}

int bench_options_read(bench_options *o, int argc, char **argv) {
    const struct {
        const char *name;
        size_t *to;
    } counts[] = {{"--trials", &o->trials},
                  {"--learn-rows", &o->learn_rows},
                  {"--most-rows", &o->most_rows},
                  {"--splits", &o->splits},
                  {"--first-split", &o->first_split}};
    int at = 1;
    for (; at < argc && !strncmp(argv[at], "--", 2); at += 2) {
        bool known = !strcmp(argv[at], "--threads");
        double x = at + 1 < argc ? bench_number(argv[at + 1]) : 0;
        if (known) o->threads = (int)x;
        for (size_t i = 0; i < sizeof counts / sizeof *counts && !known; i++)
            if ((known = !strcmp(argv[at], counts[i].name))) *counts[i].to = (size_t)x;
        if (known && at + 1 < argc) continue;
        fprintf(stderr, "%s: see the first lines of the program's source\n", argv[at]);
        exit(64);
    }
    return at;
}

/* ---- the folder's index */

static bool is_wanted(const char *name, int n, char **names) {
    for (int i = 0; i < n; i++)
        if (!strcmp(names[i], name)) return true;
    return !n;
}

void bench_each_table(void (*fn)(const bench_table *table, void *arg), void *arg, size_t least_rows,
                      size_t most_rows, int n, char **names) {
    enum { NAME, FILE_NAME, TARGET, TASK, ROWS, TIME, GROUPS, COLUMNS };
    static const char *const columns[COLUMNS] = {"name", "file",        "target",       "task",
                                                 "rows", "time_column", "group_columns"};
    aml_frame *index = bench_read("index.csv");
    char cell[COLUMNS][256], buffer[64];
    for (size_t i = 0; i < index->n; i++) {
        for (size_t c = 0; c < COLUMNS; c++) {
            size_t length;
            int column = aml_frame_find(index, columns[c]);
            if (column < 0) bench_stop(columns[c]);
            const char *text = aml_frame_cell(&length, &index->columns[column], i, buffer);
            snprintf(cell[c], sizeof cell[c], "%.*s", (int)length, text);
        }
        double rows = bench_number(cell[ROWS]);
        if (rows < (double)least_rows || rows > (double)most_rows || cell[TIME][0]) continue;
        if (cell[GROUPS][0] || strchr(cell[TARGET], ',')) continue;
        const bench_table t = {cell[NAME], cell[FILE_NAME], cell[TARGET], cell[TASK]};
        if (is_wanted(t.name, n, names)) fn(&t, arg);
    }
    aml_frame_free(index);
}

void bench_divide(aml_frame **learn, aml_frame **test, const aml_frame *all, size_t rows,
                  size_t split) {
    enum { TEST_ROWS = 20000 };
    aml_frame *rest, *dropped;
    bench_split(learn, &rest, all, fmin(0.5, (double)rows / (double)all->n), (uint32_t)split);
    *test = rest;
    if (rest->n <= TEST_ROWS) return;
    bench_split(test, &dropped, rest, (double)TEST_ROWS / (double)rest->n, 0);
    aml_frame_free(dropped);
    aml_frame_free(rest);
}
