/* bench_main_job.c: the main job on real tables: train on a fixed 80 % of the rows within a time limit, score on the other 20 %.
 *
 *   bench_main_job [--time-limit SECONDS] [--threads N] [--split N] [--export FOLDER] [--with-knowledge] [TABLE …]
 *
 * Tables come from $AUTOML_DATASETS (default ../shared/datasets); a table that the built-in knowledge was made with is left out of
 * it, with its family, unless --with-knowledge. --split chooses another 80 %, --export writes its rows for a peer and ends. `scale` is the best of scikit-learn 1.2's default boosting, forests, MLP, SVM and
 * linear model on such a split. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "automl/core/csv.h"
#include "automl/core/ctx.h"
#include "automl/core/frame.h"
#include "automl/core/io.h"
#include "automl/core/split.h"
#include "automl/core/text.h"

typedef struct job {
    const char *table, *target, *metric;
    double goal, scale; /* goal: what is asked for; scale: scikit-learn's best; NAN = not known */
    const char *const *drop;
} job;

static const job jobs[] = {
    {"adult_census_income", "class", "auc", 0.929, 0.9294, NULL},
    {"kin8nm", "y", "rmse", 0.075, 0.0739, NULL},
    {"cpu_act", "usr", "rmse", 2.22, 2.226, NULL},
    {"concrete_strength", "strength", "rmse", 4.4, 4.49, NULL},
    {"diamonds", "price", "rmse", 527, 524, NULL},
    {"letter", "class", "accuracy", 0.973, 0.973, NULL},
    {"satimage", "classes", "accuracy", 0.922, 0.925, NULL},
    {"covertype_20k", "Cover_Type", "accuracy", 0.89, 0.8915, NULL},
    {"mushroom", "class", "auc", 0.9999, NAN, NULL},
    {"sms_spam", "label", "auc", 0.985, NAN, NULL},
};

typedef struct options {
    double limit;
    int threads;
    bool forget;
    uint32_t split;
    const char *export;
} options;

static void stop(const char *table) {
    char text[2048];
    aml_format_error(text, sizeof text, aml_last_error());
    fprintf(stderr, "%s: %s", table, text);
    exit(1);
}

/* A fixed 80/20 split by the rows' own random numbers. */
static void split(aml_frame **train, aml_frame **test, const aml_frame *all, const char *table,
                  uint32_t number) {
    uint32_t *rows = aml_calloc(all->n, sizeof *rows);
    if (!rows) stop(table);
    for (size_t i = 0; i < all->n; i++) rows[i] = (uint32_t)i;
    aml_rng rng = aml_rng_stream(2026, AML_RNG_TEST, 0, number);
    aml_rng_shuffle(&rng, rows, all->n);
    size_t n = all->n * 4 / 5;
    if (aml_frame_rows(train, all, rows, n, NULL) ||
        aml_frame_rows(test, all, rows + n, all->n - n, NULL))
        stop(table);
    aml_free(rows);
}

/* The same rows for a peer: FOLDER/TABLE_train.csv and _test.csv. */
static void export_frame(const aml_frame *f, const char *folder, const char *table,
                         const char *part) {
    char path[4096], buffer[64];
    aml_string s = {0};
    for (size_t i = 0; i <= f->n; i++) {
        for (size_t c = 0; c < f->p; c++) {
            size_t length = strlen(f->columns[c].name);
            const char *cell =
                i ? aml_frame_cell(&length, &f->columns[c], i - 1, buffer) : f->columns[c].name;
            if (c) aml_string_put(&s, ",");
            aml_csv_put(&s, cell, length, false);
        }
        aml_string_put(&s, "\n");
    }
    snprintf(path, sizeof path, "%s/%s_%s.csv", folder, table, part);
    if (s.failed || aml_write_file(path, s.text, s.length)) stop(table);
    aml_string_free(&s);
}

static double value_of(const aml_evaluation *e, const char *metric) {
    const char *name;
    double x;
    for (size_t i = 0; aml_evaluation_metric(e, i, &name, &x); i++)
        if (!strcmp(name, metric)) return x;
    return NAN;
}

static void run(const job *j, const options *opt) {
    const char *folder = getenv("AUTOML_DATASETS");
    char path[4096];
    aml_frame *all, *train, *test;
    aml_model *m;
    aml_evaluation *e;
    snprintf(path, sizeof path, "%s/%s.csv.gz", folder ? folder : "../shared/datasets", j->table);
    if (aml_frame_read(&all, path, NULL)) stop(j->table);
    split(&train, &test, all, j->table, opt->split);
    if (opt->export) {
        export_frame(train, opt->export, j->table, "train");
        export_frame(test, opt->export, j->table, "test");
        return;
    }
    double start = aml_now();
    aml_train_options o = {.size = sizeof o,
                           .target = j->target,
                           .time_limit = opt->limit,
                           .threads = opt->threads,
                           .metric = j->metric,
                           .drop = j->drop,
                           .forget = opt->forget ? j->table : NULL};
    if (aml_train(&m, train, &o)) stop(j->table);
    double seconds = aml_now() - start;
    if (aml_model_evaluate(&e, m, test, opt->threads)) stop(j->table);
    aml_score score;
    aml_model_score(m, &score);
    size_t trials = 0;
    aml_leader leader;
    while (aml_model_leader(m, trials, &leader)) trials++;
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    double x = value_of(e, j->metric);
    bool higher = !strcmp(j->metric, "auc") || !strcmp(j->metric, "accuracy");
    printf("%-22s %-9s %10.5g %10.5g %10.5g  [%.5g, %.5g]  %s %6.1f s %4zu trials %5ld MB\n",
           j->table, j->metric, x, j->goal, j->scale, score.low, score.high,
           (higher ? x >= j->goal : x <= j->goal) ? "reached" : "MISSED ", seconds, trials,
           use.ru_maxrss / 1024);
    fflush(stdout);
}

static bool wanted(const job *j, int argc, char **argv, int first) {
    for (int i = first; i < argc; i++)
        if (!strcmp(argv[i], j->table)) return true;
    return first == argc;
}

static double number(const char *text) {
    double x;
    if (aml_parse_seconds(&x, text)) return x;
    fprintf(stderr, "bench_main_job: not a number: %s\n", text);
    exit(64);
}

int main(int argc, char **argv) {
    options o = {.limit = 60, .forget = true};
    int at = 1;
    for (; at < argc && !strncmp(argv[at], "--", 2); at++) {
        if (!strcmp(argv[at], "--with-knowledge")) o.forget = false;
        else if (at + 1 == argc)
            return fprintf(stderr, "bench_main_job: see the first lines of its source\n"), 64;
        else if (!strcmp(argv[at], "--time-limit")) o.limit = number(argv[++at]);
        else if (!strcmp(argv[at], "--threads")) o.threads = (int)number(argv[++at]);
        else if (!strcmp(argv[at], "--split")) o.split = (uint32_t)number(argv[++at]);
        else if (!strcmp(argv[at], "--export")) o.export = argv[++at];
        else return fprintf(stderr, "bench_main_job: see the first lines of its source\n"), 64;
    }
    printf("%-22s %-9s %10s %10s %10s  %s\n", "table", "metric", "test", "goal", "scale",
           "interval foretold");
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        if (!wanted(&jobs[i], argc, argv, at)) continue;
        fflush(stdout);
        pid_t child = fork(); /* before any thread exists: each table gets a process of its own */
        if (child == 0) {
            run(&jobs[i], &o);
            exit(0);
        }
        int status;
        if (child < 0 || waitpid(child, &status, 0) < 0) return 71;
    }
    return 0;
}
