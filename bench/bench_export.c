/* bench_export.c: models of every learner, and ensembles, on real tables: what the exported C predicts beside the engine, bit by
 * bit, and its size beside the model's.
 *
 *     bench_export FOLDER [--learn-rows 500] [--trials 6] [--most-rows 50000] [TABLE …]
 *
 * FOLDER takes the exported files; the compiler is $CC, default cc. One line a model: rows that differ among those compared,
 * bytes of the model file, of the C source and of the compiled library (-O1, stripped). Exit code 1 when any row differs. */
#include <dlfcn.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "automl/engine/model.h"
#include "bench/tables.h"

extern char **environ;
enum { MOST_COMPARED = 2000 };

typedef struct job {
    const char *folder;
    bench_options options;
    size_t models, rows, different;
    double model_bytes, compiled_bytes;
} job;

/* ---- compiling */

static void *build(const char *folder) {
    char source[512], library[512];
    const char *cc = getenv("CC");
    snprintf(source, sizeof source, "%.400s/m.c", folder);
    snprintf(library, sizeof library, "%.400s/m.so", folder);
    const char *argv[] = {cc && *cc ? cc : "cc",
                          "-std=c99",
                          "-O1",
                          "-Wall",
                          "-Wextra",
                          "-Werror",
                          "-fPIC",
                          "-shared",
                          "-s",
                          "-o",
                          library,
                          source,
                          "-lm",
                          NULL};
    pid_t pid;
    int status;
    if (posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)argv, environ) ||
        waitpid(pid, &status, 0) != pid || status) {
        fprintf(stderr, "%s does not compile\n", source);
        exit(1);
    }
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (handle) return handle;
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
}

static double size_of(const char *folder, const char *name) {
    char path[512];
    struct stat s;
    snprintf(path, sizeof path, "%.400s/%s", folder, name);
    return stat(path, &s) ? 0 : (double)s.st_size;
}

/* ---- comparing */

/* A field of the generated struct. */
typedef union field {
    double number;
    const char *text;
} field;
typedef int (*predict_fn)(const void *row, double *out);

static const char *text_of(const aml_column *c, size_t i, aml_arena *keep) {
    if (c->kind == AML_CATEGORY)
        return c->code[i] >= 0 ? c->levels[c->code[i]] : c->code[i] == -1 ? NULL : "\1never seen";
    return aml_strndup(keep, c->bytes + c->offset[i], (size_t)(c->offset[i + 1] - c->offset[i]));
}

static void put_row(field *row, const aml_frame *view, size_t i, aml_arena *keep) {
    for (size_t j = 0; j < view->p; j++) {
        const aml_column *c = &view->columns[j];
        if (c->kind == AML_NUMBER || c->kind == AML_DATETIME) row++->number = c->number[i];
        else if (c->kind != AML_IDENTIFIER) row++->text = text_of(c, i, keep);
    }
}

static size_t count_different(predict_fn predict, const aml_model *m, const aml_frame *data) {
    aml_arena *keep = aml_arena_new(NULL), *scratch = aml_arena_new(NULL);
    aml_ctx ctx = {.keep = keep, .scratch = scratch, .n_threads = 1};
    size_t k = aml_model_outputs(m), different = 0;
    double *expected = AML_ARRAY(keep, data->n * k + 1, double), *out = AML_ARRAY(keep, k, double);
    field *row = AML_ARRAY(keep, m->inputs.p + 1, field);
    aml_frame view;
    if (!expected || !out || !row || aml_model_predict(expected, m, data, 1) ||
        aml_conform(&view, &m->inputs, data, &ctx))
        bench_stop("predict");
    for (size_t i = 0; i < data->n; i++) {
        aml_mark mark = aml_arena_mark(scratch);
        put_row(row, &view, i, scratch);
        predict(row, out);
        different += memcmp(out, expected + i * k, k * sizeof *out) != 0;
        aml_arena_release(scratch, mark);
    }
    aml_arena_free(keep);
    aml_arena_free(scratch);
    return different;
}

static void check(const char *table, const char *learner, const aml_model *m, const aml_frame *data,
                  job *j) {
    char path[512];
    double bytes;
    snprintf(path, sizeof path, "%.400s/m.c", j->folder);
    if (aml_model_export(m, "c", path) || aml_model_bytes(&bytes, m)) bench_stop("export");
    void *library = build(j->folder), *found = dlsym(library, "m_predict");
    predict_fn predict;
    memcpy(&predict, &found, sizeof predict);
    size_t different = count_different(predict, m, data);
    dlclose(library);
    double compiled = size_of(j->folder, "m.so");
    printf("%-26s %-14s %6zu %9zu %11.0f %11.0f %11.0f\n", table, learner, data->n, different,
           bytes, size_of(j->folder, "m.c"), compiled);
    fflush(stdout);
    j->models++, j->rows += data->n, j->different += different;
    j->model_bytes += bytes, j->compiled_bytes += compiled;
}

/* ---- tables */

static void run(const bench_table *t, const char *learner, const aml_frame *learn,
                const aml_frame *test, job *j) {
    const char *learners[] = {learner, NULL};
    aml_train_options o = {.size = sizeof o,
                           .target = t->target,
                           .task = !strcmp(t->task, "regression") ? t->task : NULL,
                           .trials = learner ? 1 : j->options.trials,
                           .validation = "holdout0.2",
                           .learners = learner ? learners : NULL,
                           .threads = j->options.threads};
    aml_model *m;
    if (aml_train(&m, learn, &o)) bench_stop(t->name);
    check(t->name, learner ? learner : "(ensemble)", m, test, j);
    aml_model_free(m);
}

/* The first rows, for it takes time to compile, not to compare. */
static aml_frame *some(aml_frame *f) {
    uint32_t rows[MOST_COMPARED];
    aml_frame *out;
    for (uint32_t i = 0; i < MOST_COMPARED; i++) rows[i] = i;
    if (f->n <= MOST_COMPARED) return f;
    if (aml_frame_rows(&out, f, rows, MOST_COMPARED, NULL)) bench_stop("rows");
    aml_frame_free(f);
    return out;
}

static void each(const bench_table *t, void *arg) {
    job *j = arg;
    aml_task_kind task;
    aml_frame *all = bench_read(t->file), *learn, *test;
    bench_divide(&learn, &test, all, j->options.learn_rows, 0);
    test = some(test);
    for (const aml_learner *const *l = aml_learners(); *l && aml_task_parse(&task, t->task); l++)
        if ((*l)->tasks & task) run(t, (*l)->name, learn, test, j);
    run(t, NULL, learn, test, j);
    aml_frame_free(learn);
    aml_frame_free(test);
    aml_frame_free(all);
}

int main(int argc, char **argv) {
    if (argc < 2) return fprintf(stderr, "usage: bench_export FOLDER [OPTION…] [TABLE…]\n"), 64;
    job j = {.folder = argv[1],
             .options = {.trials = 6, .learn_rows = 500, .most_rows = 50000, .threads = 1}};
    int at = 1 + bench_options_read(&j.options, argc - 1, argv + 1);
    printf("%-26s %-14s %6s %9s %11s %11s %11s\n", "table", "learner", "rows", "different", "model",
           "source", "compiled");
    bench_each_table(each, &j, 100, j.options.most_rows, argc - at, argv + at);
    printf("\n%zu models, %zu rows, %zu different; compiled bytes to model bytes %.2f\n", j.models,
           j.rows, j.different, j.compiled_bytes / j.model_bytes);
    return j.different != 0;
}
