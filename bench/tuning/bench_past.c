/* bench_past.c: what earlier searches of a space bring to the next one: neural networks of seven hyperparameters on many
 * datasets (LCBench: 2,000 random configurations of each, whose errors are given).
 *
 *   bench_past FOLDER EARLIER TRIALS SEEDS
 * FOLDER has lcbench_configs.csv and lcbench_errors_dev.csv. Each dataset in turn is the new one; EARLIER others, drawn
 * anew for each seed, were searched before with TRIALS trials each (sampler auto). The error of any point is that of the three nearest
 * configurations, by distance. A line a sampler: mean over datasets and seeds of (best so far - least) / (median - least)
 * after 1, 3, 5, 10, 25 and 50 trials, and the seconds of a suggestion. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "automl/automl.h"

enum { D = 7, MOST_CONFIGS = 2000, MOST_TASKS = 64, LONG_LINE = 1 << 17 };
static const size_t budgets[] = {1, 3, 5, 10, 25, 50};
enum { BUDGETS = 6, LONGEST = 50 };
static const char space[] =
    "batch_size = int(16, 512, log); max_dropout = float(0, 1); max_units = int(64, 1024, log); "
    "num_layers = int(1, 4); learning_rate = loguniform(1e-4, 1e-1); momentum = float(0.1, 0.99); "
    "weight_decay = float(1e-5, 1e-1)";
static const double lo[D] = {16, 0, 64, 1, 1e-4, 0.1, 1e-5},
                    hi[D] = {512, 1, 1024, 4, 1e-1, 0.99, 1e-1};
static const int logarithmic[D] = {1, 0, 1, 0, 1, 0, 0};

static size_t n_configs, n_tasks;
static double points[MOST_CONFIGS][D], errors[MOST_TASKS][MOST_CONFIGS], least[MOST_TASKS],
    median[MOST_TASKS];

static void check(aml_status status) {
    if (!status) return;
    fprintf(stderr, "%s\n", aml_last_error()->message);
    exit(status);
}

static double place(int j, double x) {
    return logarithmic[j] ? log(x / lo[j]) / log(hi[j] / lo[j]) : (x - lo[j]) / (hi[j] - lo[j]);
}

static FILE *open_file(const char *folder, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "r");
    if (!f) perror(path), exit(66);
    return f;
}

static int by_value(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The numbers of a line behind its first cell. */
static size_t read_numbers(double *out, size_t most, char *line) {
    size_t n = 0;
    for (char *at = strchr(line, ','); at && n < most; at = strchr(at + 1, ','))
        out[n++] = strtod(at + 1, NULL);
    return n;
}

static void read_tables(const char *folder) {
    static char line[LONG_LINE];
    static double sorted[MOST_CONFIGS];
    FILE *f = open_file(folder, "lcbench_configs.csv");
    if (!fgets(line, sizeof line, f)) exit(65);
    for (double x[D]; n_configs < MOST_CONFIGS && fgets(line, sizeof line, f); n_configs++) {
        if (read_numbers(x, D, line) < D) exit(65);
        for (int j = 0; j < D; j++) points[n_configs][j] = place(j, x[j]);
    }
    fclose(f);
    f = open_file(folder, "lcbench_errors_dev.csv");
    if (!fgets(line, sizeof line, f)) exit(65);
    for (; n_tasks < MOST_TASKS && fgets(line, sizeof line, f); n_tasks++) {
        if (read_numbers(errors[n_tasks], n_configs, line) < n_configs) exit(65);
        memcpy(sorted, errors[n_tasks], sizeof sorted);
        qsort(sorted, n_configs, sizeof *sorted, by_value);
        least[n_tasks] = sorted[0];
        median[n_tasks] = sorted[n_configs / 2];
    }
    fclose(f);
}

static double error_at(size_t task, const double *x) {
    enum { K = 3 };
    double best[K] = {INFINITY, INFINITY, INFINITY}, value[K] = {0}, sum = 0, weight = 0;
    for (size_t i = 0; i < n_configs; i++) {
        double q = 0;
        for (int j = 0; j < D; j++) q += (x[j] - points[i][j]) * (x[j] - points[i][j]);
        for (int k = 0; k < K; k++) {
            if (!(q < best[k])) continue;
            memmove(best + k + 1, best + k, (size_t)(K - 1 - k) * sizeof *best);
            memmove(value + k + 1, value + k, (size_t)(K - 1 - k) * sizeof *value);
            best[k] = q, value[k] = errors[task][i];
            break;
        }
    }
    for (int k = 0; k < K; k++) {
        double w = 1 / (best[k] + 1e-6);
        sum += w * value[k], weight += w;
    }
    return sum / weight;
}

/* Runs the search; best[i] after i + 1 trials, as normalised regret. */
static void run(aml_tuner *t, size_t task, size_t n, double *best) {
    double so_far = INFINITY;
    for (size_t i = 0; i < n; i++) {
        size_t trial;
        double x[D];
        aml_tuner_value v = {.size = sizeof v};
        check(aml_tuner_ask(t, &trial));
        for (size_t j = 0; j < D && aml_tuner_value_at(t, trial, j, &v); j++)
            x[j] = place((int)j, v.number);
        double loss = error_at(task, x);
        check(aml_tuner_tell(t, trial, AML_OUTCOME_DONE, &loss));
        so_far = fmin(so_far, loss);
        if (best) best[i] = (so_far - least[task]) / (median[task] - least[task]);
    }
}

static aml_tuner *search(const char *sampler, uint64_t seed) {
    aml_tuner *t;
    const aml_tuner_options o = {
        .size = sizeof o, .space = space, .sampler = sampler, .seed = seed};
    check(aml_tuner_new(&t, &o));
    return t;
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv) {
    static const struct {
        const char *name, *sampler;
        int past;
    } kinds[] = {{"auto, learnt", "auto", 1},
                 {"pmf, learnt", "pmf", 1},
                 {"auto", "auto", 0},
                 {"tpe", "tpe", 0},
                 {"random", "random", 0}};
    enum { KINDS = sizeof kinds / sizeof *kinds };
    double mean[KINDS][BUDGETS] = {{0}}, took[KINDS] = {0};
    if (argc != 5) return fprintf(stderr, "bench_past FOLDER EARLIER TRIALS SEEDS\n"), 64;
    size_t earlier = strtoul(argv[2], NULL, 10), trials = strtoul(argv[3], NULL, 10), runs = 0;
    read_tables(argv[1]);
    for (unsigned seed = 0; seed < strtoul(argv[4], NULL, 10); seed++) {
        aml_tuner *all[MOST_TASKS];
        for (size_t k = 0; k < n_tasks; k++)
            run(all[k] = search("auto", 100 + seed), k, trials, NULL);
        for (size_t task = 0; task < n_tasks; task++, runs++)
            for (size_t s = 0; s < KINDS; s++) {
                double best[LONGEST], begun = seconds();
                aml_tuner *t = search(kinds[s].sampler, seed);
                for (size_t k = 1; kinds[s].past && k <= earlier && k < n_tasks; k++)
                    check(aml_tuner_learn(t, all[(task + k * (seed + 1)) % n_tasks == task
                                                     ? (task + 1) % n_tasks
                                                     : (task + k * (seed + 1)) % n_tasks]));
                run(t, task, LONGEST, best);
                for (size_t b = 0; b < BUDGETS; b++) mean[s][b] += best[budgets[b] - 1];
                took[s] += seconds() - begun;
                aml_tuner_free(t);
            }
        for (size_t k = 0; k < n_tasks; k++) aml_tuner_free(all[k]);
    }
    printf("%zu datasets, %s seeds, %zu earlier searches of %zu trials\n\n%-14s", n_tasks, argv[4],
           earlier, trials, "");
    for (size_t b = 0; b < BUDGETS; b++) printf("%8zu", budgets[b]);
    printf("   ms a trial\n");
    for (size_t s = 0; s < KINDS; s++) {
        printf("%-14s", kinds[s].name);
        for (size_t b = 0; b < BUDGETS; b++) printf("%8.4f", mean[s][b] / (double)runs);
        printf("%13.2f\n", 1e3 * took[s] / (double)runs / LONGEST);
    }
    return 0;
}
