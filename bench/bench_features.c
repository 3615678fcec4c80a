/* bench_features.c: what each set of added features is worth: learners by their defaults, with and without the set, scored by
 * folds (sets are chosen, and encodings fitted, inside each fold: no row is scored by features that knew its target).
 *
 *   bench_features [--rows N] [--folds K] [--out FILE] [TABLE …]
 *
 * Tables come from $AUTOML_DATASETS (default ../shared/datasets), the first N of their shuffled rows (3000). A line a run is
 * appended to FILE (default features.txt), and runs that FILE has are left out: it may be stopped and started again. Ends with
 * the summary of FILE: for each learner and set, on how many tables it is better and worse than plain, mean rank, the mean
 * relative change of the loss (1 - AUC, log loss, RMSE), and the CPU seconds beside plain's. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "automl/core/linalg.h"
#include "automl/core/par.h"
#include "automl/engine/study.h"
#include "tables.h"

static const struct {
    const char *table, *target, *drop[6];
} tables[] = {
    {"adult_census_income", "class", {0}},    {"bank_marketing", "y", {"duration"}},
    {"chicago_taxi_tip", "tip", {0}},         {"magic_telescope", "Class", {0}},
    {"electricity_elec2", "class", {0}},      {"higgs_sample_7k", "label", {0}},
    {"krkopt_chess", "class", {0}},           {"car_evaluation", "class", {0}},
    {"storm_status", "status", {"category"}}, {"wine_quality", "quality", {0}},
    {"kc_house_sales", "price", {0}},         {"diamonds", "price", {0}},
    {"ames_housing", "Sale_Price", {0}},      {"bike_sharing_hourly", "cnt", {0}},
    {"concrete_strength", "strength", {0}},   {"nyc_taxi_fare_2019", "fare", {"total", "tip"}},
};
enum { N_TABLES = sizeof tables / sizeof *tables };
static const char *const learners[] = {"gbdt", "logistic", "ridge", NULL};
static const char *const sets[] = {"plain",   "arithmetic", "grouped", "crossed",
                                   "missing", "clusters",   "pca",     "all"};
enum { N_SETS = sizeof sets / sizeof *sets, N_LEARNERS = 3 };

typedef struct options {
    size_t rows, folds;
    const char *out;
} options;

/* ---- runs */

static aml_frame *sample(const char *table, size_t rows) {
    char file[256];
    snprintf(file, sizeof file, "%s.csv.gz", table);
    aml_frame *all = bench_read(file), *few;
    uint32_t *order = malloc(all->n * sizeof *order);
    if (!order) bench_stop(table);
    aml_rng rng = aml_rng_stream(1, AML_RNG_SAMPLE, 0, 0);
    for (size_t i = 0; i < all->n; i++) order[i] = (uint32_t)i;
    aml_rng_shuffle(&rng, order, all->n);
    if (aml_frame_rows(&few, all, order, rows < all->n ? rows : all->n, NULL)) bench_stop(table);
    free(order);
    aml_frame_free(all);
    return few;
}

static double cpu_seconds(void) {
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)use.ru_utime.tv_sec + 1e-6 * (double)use.ru_utime.tv_usec;
}

/* The learner's default with the set of features; false when these data have no such set. */
static bool choose(double *config, const aml_composer *c, size_t learner, const char *set) {
    aml_space_default(config, &c->space, (double)learner);
    for (size_t d = 1; d < c->space.n; d++) {
        const aml_dim *dim = &c->space.dims[d];
        const char *dot = strchr(dim->name, '.');
        if (dim->when != (double)learner || !dot || strcmp(dot, ".features") != 0) continue;
        for (size_t k = 0; k < aml_param_choices(dim->param); k++) {
            if (strcmp(dim->param->choices[k], set) != 0) continue;
            config[d] = (double)k;
            return true;
        }
    }
    return !strcmp(set, "plain");
}

static void run(FILE *out, const aml_study *s, size_t table, size_t learner, const char *set) {
    double config[1024];
    if (s->composer.space.n > 1024 || !choose(config, &s->composer, learner, set)) return;
    aml_trial *t = aml_calloc(1, sizeof *t);
    if (!t) bench_stop(set);
    aml_compose(&t->plan, &s->composer, config);
    aml_ctx ctx = {.n_threads = 1};
    double start = cpu_seconds();
    aml_trial_run(t, &s->bench, NULL, NULL, &ctx);
    if (t->state != AML_TRIAL_DONE) fprintf(stderr, "%s: %s\n", tables[table].table, t->reason);
    double loss = t->score;
    if (s->bench.metric->higher_is_better) loss = s->bench.metric->best - t->score;
    fprintf(out, "%s %s %s %.6g %.6g %.2f\n", tables[table].table,
            s->composer.learners[learner]->name, set, t->score, loss, cpu_seconds() - start);
    fflush(out);
    aml_trial_free(t);
}

/* ---- the file of results */

typedef struct result {
    char table[64], learner[32], set[32];
    double score, loss, seconds;
} result;

static size_t read_results(result *r, size_t most, const char *path) {
    FILE *in = fopen(path, "r");
    char line[512];
    size_t n = 0;
    while (in && n < most && fgets(line, sizeof line, in))
        n += sscanf(line, "%63s %31s %31s %lf %lf %lf", r[n].table, r[n].learner, r[n].set,
                    &r[n].score, &r[n].loss, &r[n].seconds) == 6;
    if (in) fclose(in);
    return n;
}

static const result *find(const result *r, size_t n, const char *table, const char *learner,
                          const char *set) {
    for (size_t i = 0; i < n; i++)
        if (!strcmp(r[i].table, table) && !strcmp(r[i].learner, learner) && !strcmp(r[i].set, set))
            return &r[i];
    return NULL;
}

/* Of the sets that a table has: 1 for the lowest loss; ties share the mean. */
static double rank_of(const result *r, size_t n, const result *one) {
    double rank = 1;
    for (size_t s = 0; s < N_SETS; s++) {
        const result *other = find(r, n, one->table, one->learner, sets[s]);
        if (!other || other == one) continue;
        rank += other->loss < one->loss ? 1 : other->loss == one->loss ? 0.5 : 0;
    }
    return rank;
}

static void summarise(const result *r, size_t n) {
    printf("%-10s %-12s %6s %6s %6s %10s %12s %10s\n", "learner", "features", "tables", "better",
           "worse", "mean rank", "loss change", "CPU ratio");
    for (size_t l = 0; l < N_LEARNERS; l++)
        for (size_t s = 0; s < N_SETS; s++) {
            size_t count = 0, better = 0, worse = 0;
            double rank = 0, change = 0, seconds = 0, plain_seconds = 0;
            for (size_t t = 0; t < N_TABLES; t++) {
                const result *one = find(r, n, tables[t].table, learners[l], sets[s]),
                             *plain = find(r, n, tables[t].table, learners[l], "plain");
                if (!one || !plain) continue;
                count++;
                better += one->loss < plain->loss;
                worse += one->loss > plain->loss;
                rank += rank_of(r, n, one);
                change += plain->loss > 0 ? one->loss / plain->loss - 1 : 0;
                seconds += one->seconds;
                plain_seconds += plain->seconds;
            }
            if (count)
                printf("%-10s %-12s %6zu %6zu %6zu %10.2f %11.2f%% %10.2f\n", learners[l], sets[s],
                       count, better, worse, rank / (double)count, 100 * change / (double)count,
                       seconds / plain_seconds);
        }
}

static bool wanted(const char *table, int argc, char **argv, int first) {
    for (int i = first; i < argc; i++)
        if (!strcmp(argv[i], table)) return true;
    return first == argc;
}

static void one_table(FILE *out, size_t t, const result *r, size_t n, const options *o) {
    char validation[32];
    snprintf(validation, sizeof validation, "cv%zu", o->folds);
    aml_train_options train = {.size = sizeof train,
                               .target = tables[t].target,
                               .drop = tables[t].drop,
                               .validation = validation,
                               .learners = learners,
                               .trials = 1,
                               .threads = 1};
    aml_frame *f = sample(tables[t].table, o->rows);
    for (size_t l = 0; l < N_LEARNERS; l++)
        for (size_t k = 0; k < N_SETS; k++) {
            aml_study s;
            if (find(r, n, tables[t].table, learners[l], sets[k])) continue;
            if (aml_study_init(&s, &train, f) || aml_study_data(&s, f) || aml_study_bench(&s))
                bench_stop(tables[t].table);
            for (size_t c = 0; c < s.composer.n_learners; c++)
                if (!strcmp(s.composer.learners[c]->name, learners[l])) run(out, &s, t, c, sets[k]);
            aml_study_clear(&s);
            aml_model_free(s.model);
        }
    aml_frame_free(f);
}

int main(int argc, char **argv) {
    options o = {.rows = 3000, .folds = 5, .out = "features.txt"};
    static result results[4096];
    int at = 1;
    for (; at + 1 < argc && !strncmp(argv[at], "--", 2); at += 2) {
        if (!strcmp(argv[at], "--rows")) o.rows = (size_t)bench_number(argv[at + 1]);
        else if (!strcmp(argv[at], "--folds")) o.folds = (size_t)bench_number(argv[at + 1]);
        else if (!strcmp(argv[at], "--out")) o.out = argv[at + 1];
        else break;
    }
    aml_par_init();
    aml_linalg_init();
    size_t n = read_results(results, 4096, o.out);
    FILE *out = fopen(o.out, "a");
    if (!out) return perror(o.out), 73;
    for (size_t t = 0; t < N_TABLES; t++)
        if (wanted(tables[t].table, argc, argv, at)) one_table(out, t, results, n, &o);
    fclose(out);
    summarise(results, read_results(results, 4096, o.out));
    return 0;
}
