/* bench_mlp.c: fits and scores `mlp` on a prepared table; bench_mlp.py makes the tables, runs the peer and prints both.
 *
 *   bench_mlp TABLE [--threads N] [--seed N] [--valid SHARE] [NAME=VALUE …]
 *
 * TABLE: little-endian u64 n_train, n_test, p, task (aml_task_kind), n_classes; then (n_train + n_test) × p
 * float32 features row by row; then n_train + n_test float64 targets. Prints one line of JSON: seconds of the
 * fit and of the prediction of the test rows, seconds that cost() predicted, and on learning and on test rows the
 * root of the mean squared error, or the share of wrong classes and the log loss. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "automl/core/learner.h"
#include "automl/core/linalg.h"
#include "automl/core/par.h"

extern const aml_learner aml_learner_mlp;

enum { MOST_PARAMS = 64 };

typedef struct table {
    size_t n_train, n_test, p;
    aml_task_kind task;
    int n_classes;
    float *x;
    double *y;
} table;

static void stop(const char *what) {
    fprintf(stderr, "bench_mlp: %s\n", what);
    exit(1);
}

static void check(aml_status status) {
    char text[2048];
    if (!status) return;
    aml_format_error(text, sizeof text, aml_last_error());
    stop(text);
}

static void take(void *to, size_t size, size_t count, FILE *file) {
    if (fread(to, size, count, file) != count) stop("the table ends too early");
}

static table read_table(const char *path, aml_arena *keep) {
    uint64_t head[5];
    FILE *file = fopen(path, "rb");
    if (!file) stop("cannot open the table");
    take(head, sizeof *head, 5, file);
    table t = {head[0], head[1], head[2], (aml_task_kind)head[3], (int)head[4], NULL, NULL};
    size_t n = t.n_train + t.n_test;
    t.x = AML_ARRAY(keep, n * t.p, float);
    t.y = AML_ARRAY(keep, n, double);
    if (!t.x || !t.y) stop("out of memory");
    take(t.x, sizeof *t.x, n * t.p, file);
    take(t.y, sizeof *t.y, n, file);
    fclose(file);
    return t;
}

/* "name": {"error": …, "loss": …}; regression: both are the root mean squared error. */
static void print_scores(const char *name, const table *t, const double *out, const double *y,
                         size_t n) {
    size_t k = (size_t)aml_task_outputs(t->task, t->n_classes);
    double wrong = 0, loss = 0;
    for (size_t i = 0; i < n; i++) {
        const double *o = out + i * k;
        if (t->task == AML_REGRESSION) {
            loss += (o[0] - y[i]) * (o[0] - y[i]);
            continue;
        }
        size_t best = k == 1 && o[0] > 0.5, class = (size_t)y[i];
        for (size_t j = 1; j < k; j++) best = o[j] > o[best] ? j : best;
        double p = k > 1 ? o[class] : class ? o[0] : 1 - o[0];
        wrong += best != class;
        loss -= log(fmax(p, 1e-15));
    }
    double mean = loss / (double)n;
    if (t->task == AML_REGRESSION) mean = sqrt(mean), wrong = mean * (double)n;
    printf(", \"%s\": {\"error\": %.9g, \"loss\": %.9g}", name, wrong / (double)n, mean);
}

static void set_param(double *hp, const char *text) {
    char name[64];
    const char *equals = strchr(text, '=');
    const aml_param *params = aml_learner_mlp.params;
    if (!equals || equals - text >= (ptrdiff_t)sizeof name) stop("NAME=VALUE expected");
    snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
    for (size_t i = 0; i < aml_params_count(params); i++)
        if (!strcmp(params[i].name, name)) {
            char *end; /* a number is taken as it is, so that equal epochs can be asked for */
            hp[i] = strtod(equals + 1, &end); /* allowed: a bench's own arguments, C locale */
            if (*end) check(aml_param_read(&hp[i], &params[i], equals + 1));
            return;
        }
    stop("no such parameter");
}

static void run(const table *t, const double *hp, uint64_t seed, int threads, double valid_share,
                aml_arena *keep) {
    size_t n = t->n_train + t->n_test, k = (size_t)aml_task_outputs(t->task, t->n_classes);
    uint32_t *rows = AML_ARRAY(keep, n, uint32_t);
    double *out = AML_ARRAY(keep, n * k, double);
    if (!rows || !out) stop("out of memory");
    for (size_t i = 0; i < n; i++) rows[i] = (uint32_t)i;
    size_t n_valid = (size_t)(valid_share * (double)t->n_train), n_fit = t->n_train - n_valid;
    aml_design design = {.n = n, .p = t->p, .dense = t->x};
    aml_data train = {.x = &design,
                      .rows = rows,
                      .n = n_fit,
                      .task = t->task,
                      .n_classes = t->n_classes,
                      .y = t->y,
                      .valid = rows + n_fit,
                      .n_valid = n_valid};
    aml_ctx ctx = {.keep = keep,
                   .scratch = aml_arena_new(NULL),
                   .rng = aml_rng_stream(seed, AML_RNG_FIT, 0, 0),
                   .n_threads = threads};
    void *model;
    double start = aml_now();
    check(aml_learner_mlp.fit(&model, &train, hp, &ctx));
    double fitted = aml_now();
    aml_data test = train;
    test.y = NULL, test.n_valid = 0, test.valid = NULL;
    test.rows = rows + t->n_train, test.n = t->n_test;
    check(aml_learner_mlp.predict(out + t->n_train * k, model, &test, &ctx));
    double predicted = aml_now();
    test.rows = rows, test.n = t->n_train;
    check(aml_learner_mlp.predict(out, model, &test, &ctx));
    aml_shape shape = {.n = n_fit, .p = t->p, .task = t->task, .n_classes = t->n_classes};
    printf("{\"fit\": %.6f, \"predict\": %.6f, \"cost\": %.6f", fitted - start, predicted - fitted,
           aml_learner_mlp.cost(hp, &shape));
    print_scores("train", t, out, t->y, t->n_train);
    print_scores("test", t, out + t->n_train * k, t->y + t->n_train, t->n_test);
    printf("}\n");
    aml_arena_free(ctx.scratch);
}

int main(int argc, char **argv) {
    double hp[MOST_PARAMS], valid = 0;
    int threads = 1;
    uint64_t seed = 1;
    aml_linalg_init();
    aml_par_init();
    if (argc < 2)
        stop("usage: bench_mlp TABLE [--threads N] [--seed N] [--valid SHARE] [NAME=VALUE …]");
    aml_params_defaults(hp, aml_learner_mlp.params);
    for (int i = 2; i < argc; i++) {
        bool more = i + 1 < argc;
        if (!strcmp(argv[i], "--threads") && more) threads = (int)strtol(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--seed") && more) seed = strtoull(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--valid") && more)
            valid = strtod(argv[++i], NULL); /* allowed: a bench's own arguments, C locale */
        else set_param(hp, argv[i]);
    }
    aml_arena *keep = aml_arena_new(NULL);
    if (!keep) stop("out of memory");
    table t = read_table(argv[1], keep);
    run(&t, hp, seed, threads, valid, keep);
    aml_arena_free(keep);
    return 0;
}
