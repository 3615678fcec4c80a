/* bench_cost.c: seconds that cost() foretells beside those that fits take; bench_cost.py makes the tables and sums up.
 *
 *   bench_cost trees|dense DRAWS MOST LEARNER|all TABLE …
 *
 * Fits the learners that take this form of a table by their defaults and by DRAWS - 1 random draws of what is searched,
 * on one thread and four fifths of the rows, and predicts the others; those that stop early watch them. Fits of more
 * than MOST seconds are given up. A line of JSON a fit: seconds of the processor, without bins or dense matrix, which
 * all trials share. */
#include <math.h>
#include <time.h>

#include "automl/core/linalg.h"
#include "automl/core/par.h"
#include "bench/learners/table_file.h"

typedef struct options {
    size_t draws;
    double most;
    const char *learner;
    bool dense;
} options;

static double cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* In the ranges that the engine would search on this table. */
static void draw(double *hp, const aml_learner *l, const aml_shape *shape, aml_rng *rng) {
    for (size_t i = 0; l->params[i].name; i++) {
        const aml_param *p = &l->params[i];
        aml_dim dim = {
            .name = p->name, .param = p, .lo = p->lo, .hi = aml_param_hi(p), .parent = -1};
        if (l->bound) l->bound(&dim.lo, &dim.hi, i, shape);
        hp[i] = p->fixed ? p->fallback : aml_dim_decode(&dim, aml_rng_uniform(rng));
    }
}

static void print_fit(const char *path, const aml_learner *l, const double *hp,
                      const aml_shape *shape, double predicted, double seconds, bool ended) {
    printf("{\"table\": \"%s\", \"learner\": \"%s\", \"n\": %zu, \"p\": %zu, \"task\": \"%s\", "
           "\"classes\": %d, \"predicted\": %.6g, \"seconds\": %.6g, \"ended\": %s, \"hp\": {",
           path, l->name, shape->n, shape->p, aml_task_name(shape->task), shape->n_classes,
           predicted, seconds, ended ? "true" : "false");
    for (size_t i = 0; l->params[i].name; i++)
        printf("%s\"%s\": %.6g", i ? ", " : "", l->params[i].name, hp[i]);
    puts("}}");
    fflush(stdout);
}

static void fit_once(const char *path, const aml_learner *l, const double *hp, const aml_data *data,
                     const aml_data *rest, const aml_shape *shape, const options *o) {
    aml_ctx ctx = {.keep = aml_arena_new(NULL),
                   .scratch = aml_arena_new(NULL),
                   .rng = aml_rng_stream(1, AML_RNG_FIT, 0, 0),
                   .n_threads = 1};
    size_t outputs = (size_t)aml_task_outputs(data->task, data->n_classes);
    double *out = AML_ARRAY(ctx.keep, rest->n * outputs, double);
    void *model;
    if (!out) table_stop("memory");
    ctx.deadline = aml_now() + o->most;
    double start = cpu_seconds();
    aml_status status = l->fit(&model, data, hp, &ctx);
    if (!status) status = l->predict(out, model, rest, &ctx);
    double seconds = cpu_seconds() - start;
    if (status && status != AML_ESTOPPED) table_stop(l->name);
    print_fit(path, l, hp, shape, l->cost(hp, shape), seconds, !status && !ctx.truncated);
    aml_arena_free(ctx.keep);
    aml_arena_free(ctx.scratch);
}

static void fit_learner(const char *path, const aml_learner *l, const table_file *t,
                        const options *o) {
    double hp[TABLE_PARAMS];
    aml_rng rng = aml_rng_stream(7, AML_RNG_SAMPLE, 0, (uint32_t)t->data.n);
    aml_data data = t->data, rest = t->data;
    aml_shape shape = table_shape(t);
    rest.n = data.n / 5;
    shape.n = data.n -= rest.n;
    rest.rows = data.rows + data.n;
    if (l->can & AML_EARLY_STOPS) data.valid = rest.rows, data.n_valid = rest.n;
    aml_params_defaults(hp, l->params);
    for (size_t k = 0; k < o->draws; k++) {
        if (k) draw(hp, l, &shape, &rng);
        fit_once(path, l, hp, &data, &rest, &shape, o);
    }
}

static void run(const char *path, const options *o) {
    table_file t;
    aml_ctx ctx = {.keep = aml_arena_new(NULL), .scratch = aml_arena_new(NULL), .n_threads = 1};
    if (!ctx.keep || !ctx.scratch) table_stop("memory");
    table_open(&t, path, 0, ctx.keep);
    if (aml_design_prepare(&t.design, o->dense ? AML_BUILD_DENSE : AML_BUILD_BIN_ROWS, &ctx))
        table_stop("prepare");
    for (size_t i = 0; table_learners[i]; i++) {
        const aml_learner *l = table_learners[i];
        bool wanted = !strcmp(o->learner, "all") || !strcmp(o->learner, l->name);
        bool dense = l->can & AML_WANTS_DENSE;
        if (!wanted || dense != o->dense || !l->cost || !(l->tasks & (unsigned)t.data.task))
            continue;
        fit_learner(path, l, &t, o);
    }
    aml_arena_free(ctx.keep);
    aml_arena_free(ctx.scratch);
}

int main(int argc, char **argv) {
    options o = {0};
    if (argc < 6 || !aml_parse_double(&o.most, argv[3], strlen(argv[3])))
        table_stop("see the first lines of bench_cost.c");
    o.dense = !strcmp(argv[1], "dense");
    o.draws = strtoull(argv[2], NULL, 10);
    o.learner = argv[4];
    aml_linalg_init();
    aml_par_init();
    for (int i = 5; i < argc; i++) run(argv[i], &o);
    return 0;
}
