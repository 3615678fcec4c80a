/* bench_honest.c: is the score that a training foretells true? Trains on half of the rows of each table, and looks at the other half.
 *
 *   bench_honest [--trials N] [--threads N] [--split N] [--most-rows N] [TABLE …]
 *
 * Takes the tables of $AUTOML_DATASETS/index.csv (default ../shared/datasets) with 400 to N rows (6000) in random order, without
 * time or group columns. z = (test - foretold) / sqrt(half width² / 1.96² + test error²), > 0 when the test went better; the error of the test
 * by tenths of its rows. Ends with the mean of z (0 = neither flattering nor modest), and how often the 95 % interval, widened by the
 * test's own error, held the test score (19 in 20 would be right). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "automl/core/ctx.h"
#include "automl/core/sort.h"
#include "tables.h"

typedef struct options {
    size_t trials, most_rows;
    int threads;
    uint32_t split;
} options;

typedef struct tally {
    size_t n, held, flattering;
    double z[256];
} tally;

static double error_by_tenths(const aml_model *m, const aml_frame *test, const char *metric,
                              int threads) {
    double sum = 0, square = 0;
    size_t parts = 0;
    for (size_t part = 0; part < 10; part++) {
        uint32_t *rows = aml_calloc(test->n / 10 + 1, sizeof *rows);
        aml_frame *tenth;
        size_t n = 0;
        if (!rows) bench_stop("rows");
        for (size_t i = part; i < test->n; i += 10) rows[n++] = (uint32_t)i;
        if (aml_frame_rows(&tenth, test, rows, n, NULL)) bench_stop("rows");
        double x = bench_score(m, tenth, metric, threads);
        aml_frame_free(tenth);
        aml_free(rows);
        if (!isfinite(x)) continue;
        sum += x;
        square += x * x;
        parts++;
    }
    double mean = sum / (double)parts, k = (double)parts;
    return parts > 1 ? sqrt(fmax(0, square / k - mean * mean) / (k - 1)) : NAN;
}

static void run(tally *all, const char *name, const char *file, const char *target,
                const char *task, const options *opt) {
    bool higher = !strcmp(task, "binary"), regression = !strcmp(task, "regression");
    const char *metric = higher ? "auc" : regression ? "rmse" : "log_loss";
    aml_frame *table = bench_read(file), *train, *test;
    aml_model *m;
    aml_score score;
    bench_split(&train, &test, table, 0.5, opt->split);
    aml_train_options o = {.size = sizeof o,
                           .target = target,
                           .metric = metric,
                           .task = regression ? task : NULL,
                           .trials = opt->trials,
                           .threads = opt->threads,
                           .seed = opt->split,
                           .forget = name};
    if (aml_train(&m, train, &o)) bench_stop(name);
    aml_model_score(m, &score);
    double x = bench_score(m, test, metric, opt->threads),
           error = error_by_tenths(m, test, metric, opt->threads),
           half = (score.high - score.low) / 2;
    double all_error = hypot(half / 1.96, error),
           z = (higher ? 1 : -1) * (x - score.value) / (all_error > 0 ? all_error : 1e-12);
    double below = score.value - score.low, above = score.high - score.value;
    bool held = x >= score.value - hypot(below, 1.96 * error) &&
                x <= score.value + hypot(above, 1.96 * error);
    printf("%-28s %5zu %-9s %9.5g [%.5g, %.5g]  test %9.5g ± %-8.2g z %6.2f %s\n", name, train->n,
           metric, score.value, score.low, score.high, x, 1.96 * error, z,
           held    ? ""
           : z < 0 ? "flattering"
                   : "modest");
    fflush(stdout);
    if (isfinite(z) && all->n < 256) {
        all->z[all->n++] = fmax(-10, fmin(10, z));
        all->held += held;
        all->flattering += !held && z < 0;
    }
    aml_model_free(m);
    aml_frame_free(train);
    aml_frame_free(test);
    aml_frame_free(table);
}

static bool wanted(const char *name, int argc, char **argv, int first) {
    for (int i = first; i < argc; i++)
        if (!strcmp(argv[i], name)) return true;
    return first == argc;
}

int main(int argc, char **argv) {
    options o = {.trials = 20, .most_rows = 6000};
    int at = 1;
    for (; at < argc && !strncmp(argv[at], "--", 2); at += 2) {
        double x = at + 1 < argc ? bench_number(argv[at + 1]) : -1;
        if (x < 0) return fprintf(stderr, "bench_honest: see the first lines of its source\n"), 64;
        if (!strcmp(argv[at], "--trials")) o.trials = (size_t)x;
        else if (!strcmp(argv[at], "--threads")) o.threads = (int)x;
        else if (!strcmp(argv[at], "--split")) o.split = (uint32_t)x;
        else if (!strcmp(argv[at], "--most-rows")) o.most_rows = (size_t)x;
        else return fprintf(stderr, "bench_honest: see the first lines of its source\n"), 64;
    }
    tally all = {0};
    aml_frame *index = bench_read("index.csv");
    char cell[8][256], buffer[64];
    static const char *const columns[] = {"name", "file",        "target",        "task",
                                          "rows", "time_column", "group_columns", NULL};
    for (size_t i = 0; i < index->n; i++) {
        for (size_t c = 0; columns[c]; c++) {
            size_t length;
            int column = aml_frame_find(index, columns[c]);
            if (column < 0) return fprintf(stderr, "index.csv has no column %s\n", columns[c]), 65;
            const char *text = aml_frame_cell(&length, &index->columns[column], i, buffer);
            snprintf(cell[c], sizeof cell[c], "%.*s", (int)length, text);
        }
        double rows = strtod(cell[4], NULL);
        if (rows < 400 || rows > (double)o.most_rows || cell[5][0] || cell[6][0]) continue;
        if (wanted(cell[0], argc, argv, at)) run(&all, cell[0], cell[1], cell[2], cell[3], &o);
    }
    double sum = 0;
    for (size_t i = 0; i < all.n; i++) sum += all.z[i];
    if (aml_sort_f64(all.z, all.n) || !all.n) return 1;
    printf("%zu tables: mean z %.2f, median %.2f; held %zu (%.0f %%), flattering %zu\n", all.n,
           sum / (double)all.n, all.z[all.n / 2], all.held, 100 * (double)all.held / (double)all.n,
           all.flattering);
    aml_frame_free(index);
    return 0;
}
