/* bench_honest.c: is the score that a training foretells true? Learns from some rows of each table, and looks at others.
 *
 *   bench_honest [--trials N] [--threads N] [--splits N] [--first-split N] [--learn-rows N] [--most-rows N] [TABLE …]
 *
 * Takes the tables of $AUTOML_DATASETS/index.csv (default ../shared/datasets) with 350 to N rows (10^6), without time or group
 * columns. Each split learns from half of the rows, at most N (1000), and tests on others, at most 20,000: so the test's own noise
 * is small, and the interval is judged by what it promises, the score of the model on rows without end.
 * z = (test - foretold) / sqrt(half width² / 1.96² + test error²), > 0 when the test went better; the error of the test by tenths
 * of its rows. Held: the test score lies in the 95 % interval, widened by 1.96 times the test's own error. Ends with
 * the mean of z (0 = neither flattering nor modest) and how many were held, flattering (the test is worse than the
 * interval) and modest (better). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "automl/core/ctx.h"
#include "automl/core/sort.h"
#include "tables.h"

enum { LEAST_ROWS = 350, MOST_RUNS = 4096 };

typedef struct tally {
    size_t n, held, flattering, modest;
    double z[MOST_RUNS];
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

static void compare(tally *all, const char *name, const aml_model *m, const aml_frame *test,
                    bool higher, const bench_options *opt) {
    aml_score score = {.size = sizeof score};
    const char *metric = aml_model_metric(m);
    aml_model_score(m, &score);
    double x = bench_score(m, test, metric, opt->threads),
           error = error_by_tenths(m, test, metric, opt->threads), below = score.value - score.low,
           above = score.high - score.value;
    double spread = hypot((below + above) / 2 / 1.96, error),
           z = (higher ? 1 : -1) * (x - score.value) / (spread > 0 ? spread : 1e-12);
    bool held = x >= score.value - hypot(below, 1.96 * error) &&
                x <= score.value + hypot(above, 1.96 * error);
    printf("%-28s %-9s %9.5g [%.5g, %.5g]  test %9.5g ± %-8.2g z %6.2f %s\n", name, metric,
           score.value, score.low, score.high, x, 1.96 * error, z,
           held    ? ""
           : z < 0 ? "flattering"
                   : "modest");
    fflush(stdout);
    if (!isfinite(z) || all->n == MOST_RUNS) return;
    all->z[all->n++] = fmax(-10, fmin(10, z));
    all->held += held;
    all->flattering += !held && z < 0;
    all->modest += !held && z >= 0;
}

static void run(tally *all, const char *name, const char *file, const char *target,
                const char *task, const bench_options *opt) {
    bool higher = !strcmp(task, "binary"), regression = !strcmp(task, "regression");
    aml_frame *table = bench_read(file);
    for (size_t split = opt->first_split; split < opt->first_split + opt->splits; split++) {
        aml_frame *train, *test;
        aml_model *m;
        bench_divide(&train, &test, table, opt->learn_rows, split);
        aml_train_options o = {.size = sizeof o,
                               .target = target,
                               .metric = higher       ? "auc"
                                         : regression ? "rmse"
                                                      : "log_loss",
                               .task = regression ? task : NULL,
                               .trials = opt->trials,
                               .threads = opt->threads,
                               .seed = split,
                               .forget = name};
        if (aml_train(&m, train, &o)) bench_stop(name);
        compare(all, name, m, test, higher, opt);
        aml_model_free(m);
        aml_frame_free(train);
        aml_frame_free(test);
    }
    aml_frame_free(table);
}

static int report(tally *all) {
    double sum = 0, square = 0, n = (double)all->n;
    if (!all->n || aml_sort_f64(all->z, all->n)) return 1;
    for (size_t i = 0; i < all->n; i++) sum += all->z[i], square += all->z[i] * all->z[i];
    printf(
        "%zu runs: z mean %.2f, median %.2f, sd %.2f; held %zu (%.0f %%), flattering %zu, modest "
        "%zu\n",
        all->n, sum / n, all->z[all->n / 2], sqrt(fmax(0, square / n - sum / n * sum / n)),
        all->held, 100 * (double)all->held / n, all->flattering, all->modest);
    return 0;
}

typedef struct runs {
    const bench_options *o;
    tally *all;
} runs;

static void run_table(const bench_table *t, void *arg) {
    runs *r = arg;
    if (strcmp(t->task, "text") != 0) run(r->all, t->name, t->file, t->target, t->task, r->o);
}

int main(int argc, char **argv) {
    bench_options o = {.trials = 20, .most_rows = 1000000, .learn_rows = 1000, .splits = 1};
    int at = bench_options_read(&o, argc, argv);
    static tally all;
    bench_each_table(run_table, &(runs){&o, &all}, LEAST_ROWS, o.most_rows, argc - at, argv + at);
    return report(&all);
}
