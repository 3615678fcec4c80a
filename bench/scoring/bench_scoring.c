/* bench_scoring.c: boosted trees that score rows of a float32 matrix; bench_scoring.py drives it beside its peers.
 *
 * usage: bench_scoring TRAIN TEST MODEL [name=value …]    files as of table_file.h, hyperparameters of the learner
 *
 * MODEL is loaded, or, when it is not there, learnt from TRAIN and written. Then a line on the standard input asks for
 *     batch THREADS ROWS    so many rows of TEST at once: seconds of the clock and of the processor
 *     row ROWS              one row after the other: median and 99th percentile of the microseconds
 *     loss                  of TEST: logarithmic, or the root mean squared error
 * and one on the standard output answers. What is timed goes from the rows as they lie in a matrix to predictions. */
#include <math.h>
#include <time.h>

#include "automl/core/par.h"
#include "automl/core/text.h"
#include "bench/learners/table_file.h"

extern const aml_learner aml_learner_gbdt;

enum { TILE = 1024 };

typedef struct scorer {
    table_file test;
    void *model;
    size_t p, outputs;
    float *matrix; /* n × p, row-major */
    double *out;
    aml_arena *keep;
} scorer;

/* ---- the model */

static void set_hp(double *hp, int argc, char **argv) {
    const aml_param *params = aml_learner_gbdt.params;
    aml_params_defaults(hp, aml_learner_gbdt.params);
    for (int a = 4; a < argc; a++) {
        const char *eq = strchr(argv[a], '=');
        bool known = false;
        for (size_t k = 0; params[k].name && eq; k++)
            if (strlen(params[k].name) == (size_t)(eq - argv[a]) &&
                !strncmp(params[k].name, argv[a], (size_t)(eq - argv[a])))
                known = aml_parse_double(&hp[k], eq + 1, strlen(eq + 1));
        if (!known) table_stop(argv[a]);
    }
}

static void learn(const char *path, const char *train, const double *hp) {
    aml_ctx ctx = {.keep = aml_arena_new(NULL),
                   .scratch = aml_arena_new(NULL),
                   .rng = aml_rng_stream(1, AML_RNG_FIT, 0, 0),
                   .n_threads = aml_par_cores()};
    table_file t;
    void *model;
    aml_writer w = {0};
    table_open(&t, train, 0, ctx.keep);
    if (aml_design_prepare(&t.design, AML_BUILD_BINS, &ctx) ||
        aml_learner_gbdt.fit(&model, &t.data, hp, &ctx))
        table_stop("fit");
    aml_learner_gbdt.save(model, &w);
    FILE *f = fopen(path, "wb");
    if (w.status || !f || fwrite(w.data, 1, w.size, f) != w.size || fclose(f)) table_stop(path);
    aml_writer_free(&w);
    aml_arena_free(ctx.keep);
    aml_arena_free(ctx.scratch);
}

static bool load(scorer *s, const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f) return false;
    fseek(f, 0, SEEK_END);
    size_t size = (size_t)ftell(f);
    rewind(f);
    unsigned char *bytes = aml_malloc(size);
    table_take(bytes, size, f);
    fclose(f);
    aml_reader r = {.data = bytes, .size = size, .file = path};
    aml_ctx ctx = {.keep = s->keep, .scratch = aml_arena_new(NULL), .n_threads = 1};
    double start = aml_now();
    size_t before = aml_arena_bytes(s->keep);
    if (aml_learner_gbdt.load(&s->model, &r, &ctx)) table_stop(path);
    fprintf(stderr, "%s: %.2f MB on disk, %.2f in memory, loaded in %.2f ms\n", path,
            1e-6 * (double)size, 1e-6 * (double)(aml_arena_bytes(s->keep) - before),
            1e3 * (aml_now() - start));
    aml_arena_free(ctx.scratch);
    aml_free(bytes);
    return true;
}

static void open_rows(scorer *s, const char *path) {
    table_open(&s->test, path, 0, s->keep);
    s->p = s->test.design.p;
    s->outputs = table_outputs(&s->test);
    size_t n = s->test.data.n;
    s->matrix = AML_ARRAY(s->keep, n * s->p, float);
    s->out = AML_ARRAY(s->keep, n * s->outputs, double);
    if (!s->matrix || !s->out) table_stop("memory");
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < s->p; j++) s->matrix[i * s->p + j] = s->test.design.column[j][i];
}

/* ---- rows of the matrix as a design */

typedef struct tile {
    float *value;
    const float **column;
    uint32_t *rows;
    aml_design design;
    aml_data data;
} tile;

static void tile_init(tile *t, const scorer *s, size_t n, aml_arena *a) {
    t->value = aml_alloc_raw(a, n * s->p, sizeof *t->value);
    t->column = AML_ARRAY(a, s->p, const float *);
    t->rows = AML_ARRAY(a, n, uint32_t);
    if (!t->value || !t->column || !t->rows) table_stop("memory");
    for (size_t j = 0; j < s->p; j++) t->column[j] = t->value + j * n;
    for (size_t i = 0; i < n; i++) t->rows[i] = (uint32_t)i;
    t->design = s->test.design;
    t->design.n = n;
    t->design.column = t->column;
    t->data = s->test.data;
    t->data.x = &t->design;
    t->data.rows = t->rows;
    t->data.n = n;
    t->data.y = NULL;
}

/* By small squares, so that both sides stay in the cache. */
static void transpose(float *out, size_t room, const float *x, size_t n, size_t p) {
    enum { SIDE = 16 };
    for (size_t i = 0; i < n; i += SIDE)
        for (size_t j = 0; j < p; j += SIDE)
            for (size_t b = j; b < p && b < j + SIDE; b++)
                for (size_t a = i; a < n && a < i + SIDE; a++) out[b * room + a] = x[a * p + b];
}

static void score_tile(void *arg, size_t block, size_t begin, size_t end, int thread) {
    scorer *s = arg;
    (void)block, (void)thread;
    aml_ctx ctx = {.keep = aml_arena_new(NULL), .scratch = aml_arena_new(NULL), .n_threads = 1};
    tile t;
    tile_init(&t, s, TILE, ctx.keep);
    transpose(t.value, TILE, s->matrix + begin * s->p, end - begin, s->p);
    t.data.n = end - begin;
    if (aml_learner_gbdt.predict(s->out + begin * s->outputs, s->model, &t.data, &ctx))
        table_stop("predict");
    aml_arena_free(ctx.keep);
    aml_arena_free(ctx.scratch);
}

/* ---- answers */

static double cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void batch(scorer *s, int threads, size_t n) {
    double start = aml_now(), cpu = cpu_seconds();
    aml_par_for(threads, n < s->test.data.n ? n : s->test.data.n, TILE, score_tile, s);
    printf("%.9f %.9f\n", aml_now() - start, cpu_seconds() - cpu);
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void row(scorer *s, size_t n) {
    aml_ctx ctx = {.keep = aml_arena_new(NULL), .scratch = aml_arena_new(NULL), .n_threads = 1};
    double *took = AML_ARRAY(ctx.keep, n, double);
    tile t;
    tile_init(&t, s, 1, ctx.keep);
    for (size_t i = 0; i < n; i++) {
        size_t at = i % s->test.data.n;
        double start = aml_now();
        memcpy(t.value, s->matrix + at * s->p, s->p * sizeof *t.value);
        aml_mark mark = aml_arena_mark(ctx.scratch);
        if (aml_learner_gbdt.predict(s->out + at * s->outputs, s->model, &t.data, &ctx))
            table_stop("predict");
        aml_arena_release(ctx.scratch, mark);
        took[i] = aml_now() - start;
    }
    qsort(took, n, sizeof *took, by_size);
    printf("%.4f %.4f\n", 1e6 * took[n / 2], 1e6 * took[n * 99 / 100]);
    aml_arena_free(ctx.keep);
    aml_arena_free(ctx.scratch);
}

static void loss(scorer *s) {
    const aml_data *d = &s->test.data;
    double sum = 0;
    aml_par_for(1, d->n, TILE, score_tile, s);
    for (size_t i = 0; i < d->n; i++) {
        const double *out = s->out + i * s->outputs;
        if (d->task == AML_REGRESSION) sum += (out[0] - d->y[i]) * (out[0] - d->y[i]);
        else if (d->task == AML_BINARY) sum -= log(d->y[i] > 0.5 ? out[0] : 1 - out[0]);
        else sum -= log(out[(size_t)d->y[i]]);
    }
    sum /= (double)d->n;
    printf("%.6f\n", d->task == AML_REGRESSION ? sqrt(sum) : sum);
}

int main(int argc, char **argv) {
    if (argc < 4) table_stop("usage: bench_scoring TRAIN TEST MODEL [name=value ...]");
    double hp[TABLE_PARAMS] = {0};
    scorer s = {.keep = aml_arena_new(NULL)};
    char line[100];
    aml_par_init();
    set_hp(hp, argc, argv);
    if (!load(&s, argv[3])) {
        learn(argv[3], argv[1], hp);
        if (!load(&s, argv[3])) table_stop(argv[3]);
    }
    open_rows(&s, argv[2]);
    while (fgets(line, sizeof line, stdin)) {
        int threads;
        size_t n;
        if (sscanf(line, "batch %d %zu", &threads, &n) == 2) batch(&s, threads, n);
        else if (sscanf(line, "row %zu", &n) == 1) row(&s, n);
        else if (!strncmp(line, "loss", 4)) loss(&s);
        else table_stop(line);
        fflush(stdout);
    }
    aml_arena_free(s.keep);
    return 0;
}
