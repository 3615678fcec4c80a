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
#include "automl/core/io.h"
#include "automl/core/text.h"
#include "tables.h"

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
    if (s.failed || aml_write_file(path, s.text, s.length)) bench_stop(table);
    aml_string_free(&s);
}

static void run(const job *j, const options *opt) {
    char file[256];
    aml_frame *train, *test;
    aml_model *m;
    snprintf(file, sizeof file, "%s.csv.gz", j->table);
    bench_split(&train, &test, bench_read(file), 0.8, opt->split);
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
    if (aml_train(&m, train, &o)) bench_stop(j->table);
    double seconds = aml_now() - start;
    aml_score score = {.size = sizeof score};
    aml_model_score(m, &score);
    size_t trials = 0;
    aml_leader leader = {.size = sizeof leader};
    while (aml_model_leader(m, trials, &leader)) trials++;
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    double x = bench_score(m, test, j->metric, opt->threads);
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

int main(int argc, char **argv) {
    options o = {.limit = 60, .forget = true};
    int at = 1;
    for (; at < argc && !strncmp(argv[at], "--", 2); at++) {
        if (!strcmp(argv[at], "--with-knowledge")) o.forget = false;
        else if (at + 1 == argc)
            return fprintf(stderr, "bench_main_job: see the first lines of its source\n"), 64;
        else if (!strcmp(argv[at], "--time-limit")) o.limit = bench_number(argv[++at]);
        else if (!strcmp(argv[at], "--threads")) o.threads = (int)bench_number(argv[++at]);
        else if (!strcmp(argv[at], "--split")) o.split = (uint32_t)bench_number(argv[++at]);
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
