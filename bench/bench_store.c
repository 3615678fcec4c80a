/* bench_store.c: what the run store costs.
 *
 *   bench_store FILE append N        N trials, each recorded before the next: milliseconds a trial
 *   bench_store FILE batch N         the same, 25 a transaction
 *   bench_store FILE processes P N   P processes append N trials each: seconds, and what is in the file then
 *   bench_store FILE large N         a run of N trials: CPU seconds to list the runs, and to go on with it
 *
 * FILE is made anew. Real records: those of a search on iris. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "automl/core/par.h"
#include "automl/engine/study.h"
#include "automl/store/store.h"

enum { REAL = 8, BATCH = 25 };

static void check(aml_status status) {
    char text[2048];
    if (!status) return;
    aml_format_error(text, sizeof text, aml_last_error());
    fputs(text, stderr);
    exit(status);
}

static void remove_store(const char *path) {
    char name[1024];
    unlink(path);
    snprintf(name, sizeof name, "%s-wal", path);
    unlink(name);
    snprintf(name, sizeof name, "%s-shm", path);
    unlink(name);
}

/* ---- entries as a search makes them */

static const aml_entry_param params[] = {
    {"learner", NAN, "logistic"},        {"logistic.C", 1.25, NULL},
    {"logistic.features", NAN, "plain"}, {"logistic.scale", NAN, "standard"},
    {"logistic.l1_ratio", 0.5, NULL},    {"logistic.fit_intercept", NAN, "true"}};
static const aml_entry_metric metrics[] = {{"log_loss", 0, -1, 0.11},
                                           {"log_loss", 1, -1, 0.12},
                                           {"log_loss", 2, -1, 0.13},
                                           {"log_loss", 3, -1, 0.14},
                                           {"log_loss", 4, -1, 0.15}};

static aml_entry entry(size_t number, const void *record, size_t size) {
    return (aml_entry){.number = number,
                       .state = "done",
                       .learner = "logistic",
                       .pipeline = "logistic(C=1.25, l1_ratio=0.5) <- impute, scale",
                       .reason = "",
                       .loss = 0.13 + 1e-9 * (double)number,
                       .score = 0.13,
                       .error = 0.01,
                       .folds = 5,
                       .folds_done = 5,
                       .bytes = 1200,
                       .fit_seconds = 0.001,
                       .predict_us = 0.1,
                       .params = params,
                       .n_params = sizeof params / sizeof *params,
                       .metrics = metrics,
                       .n_metrics = sizeof metrics / sizeof *metrics,
                       .record = record,
                       .record_size = size};
}

static const aml_run_start start = {.experiment = "bench",
                                    .verb = "train",
                                    .identity = "bench",
                                    .options = "{}",
                                    .metric = "log_loss",
                                    .data_hash = "0"};

static void append(aml_store *store, const aml_run_handle *run, size_t first, size_t n,
                   size_t batch, const void *record, size_t size) {
    for (size_t i = 0; i < n; i += batch) {
        aml_entry e[BATCH];
        size_t k = n - i < batch ? n - i : batch;
        for (size_t b = 0; b < k; b++) e[b] = entry(first + i + b, record, size);
        check(aml_store_append(store, run, e, k));
    }
}

static void fill(const char *path, size_t n, size_t batch) {
    static const char record[600];
    aml_store *store;
    aml_run_handle run;
    check(aml_store_open(&store, path, AML_STORE_CREATE));
    check(aml_store_begin(&run, store, &start));
    append(store, &run, 0, n, batch, record, sizeof record);
    aml_store_close(store);
}

static void time_append(const char *path, size_t n, size_t batch) {
    double begin = aml_now();
    fill(path, n, batch);
    printf("%zu trials, %zu a transaction: %.3f ms a trial\n", n, batch,
           1e3 * (aml_now() - begin) / (double)n);
}

static void time_processes(const char *path, size_t processes, size_t n) {
    double begin = aml_now();
    aml_store *store;
    aml_runs *runs;
    aml_run_info r = {.size = sizeof r};
    size_t failed = 0, recorded = 0;
    fflush(NULL);
    for (size_t i = 0; i < processes; i++) {
        if (fork()) continue;
        fill(path, n, 1);
        _exit(0);
    }
    for (size_t i = 0; i < processes; i++) {
        int status;
        if (wait(&status) < 0 || status) failed++;
    }
    double seconds = aml_now() - begin;
    check(aml_store_open(&store, path, 0));
    check(aml_store_list(&runs, store, NULL));
    for (size_t i = 0; aml_runs_at(runs, i, &r); i++) recorded += r.trials;
    printf("%zu processes, %zu trials each: %.1f s, %.3f ms a trial, %zu failed, %zu of %zu "
           "recorded\n",
           processes, n, seconds, 1e3 * seconds / (double)(processes * n), failed, recorded,
           processes * n);
    aml_runs_free(runs);
    aml_store_close(store);
}

/* ---- a run of very many trials */

static aml_status take_first(size_t number, const void *record, size_t size, void *arg) {
    aml_writer *w = arg;
    if (!w->size) aml_put_bytes(w, record, size);
    (void)number;
    return w->status;
}

static void grow(const char *path, const aml_train_options *given, const aml_frame *data,
                 size_t n) {
    aml_train_options o = *given;
    aml_model *model;
    aml_writer record = {0};
    aml_runs *runs;
    aml_run_info r = {.size = sizeof r};
    o.trials = REAL;
    check(aml_store_open(&o.store, path, AML_STORE_CREATE));
    check(aml_train(&model, data, &o));
    aml_model_free(model);
    check(aml_store_find(&runs, o.store, "last"));
    aml_runs_at(runs, 0, &r);
    check(aml_store_records(o.store, r.id, false, take_first, &record));
    const aml_run_handle run = {.row = 1, .began = aml_now()};
    append(o.store, &run, REAL, n - REAL, BATCH, record.data, record.size);
    aml_writer_free(&record);
    aml_runs_free(runs);
    aml_store_close(o.store);
}

static double cpu(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double time_list(const char *path) {
    aml_store *store;
    aml_runs *runs;
    double begin = cpu();
    check(aml_store_open(&store, path, 0));
    check(aml_store_list(&runs, store, NULL));
    aml_runs_free(runs);
    aml_store_close(store);
    return cpu() - begin;
}

/* From nothing to the moment when the next trial would be suggested. */
static void time_resume(const char *path, const aml_train_options *given, const aml_frame *data,
                        size_t n) {
    aml_train_options o = *given;
    aml_study s;
    o.trials = n + 1;
    double begin = cpu();
    check(aml_store_open(&o.store, path, 0));
    check(aml_study_init(&s, &o, data));
    check(aml_study_open_run(&s, data));
    double opened = cpu();
    check(aml_study_data(&s, data));
    check(aml_study_bench(&s));
    check(aml_study_begin_run(&s));
    double made = cpu();
    size_t known = 0;
    for (; aml_journal_knows(s.journal, known); known++) {
        aml_trial t = {.id = known};
        t.config = aml_calloc(s.composer.space.n, sizeof(double));
        check(aml_journal_restore(&t, s.journal));
        aml_free(t.fold_loss), aml_free(t.fold_score), aml_free(t.config);
    }
    double restored = cpu();
    printf("a run of %zu trials: list %.1f ms; go on: find and read %.3f s, data and folds %.3f s, "
           "restore %.3f s\n",
           known, 1e3 * time_list(path), opened - begin, made - opened, restored - made);
    aml_study_end_run(&s, AML_ESTOPPED);
    aml_study_clear(&s);
    aml_model_free(s.model);
    aml_store_close(o.store);
}

static void time_large(const char *path, size_t n) {
    static const char *const learners[] = {"logistic", "naive_bayes", NULL};
    const aml_train_options o = {.size = sizeof o, .target = "species", .learners = learners};
    aml_frame *data;
    struct stat st;
    aml_par_init();
    check(aml_frame_read(&data, "datasets/iris.csv", NULL));
    double begin = aml_now();
    grow(path, &o, data, n);
    stat(path, &st);
    printf("filled in %.1f s, %.1f MB\n", aml_now() - begin, 1e-6 * (double)st.st_size);
    time_resume(path, &o, data, n);
    aml_frame_free(data);
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fputs("usage: bench_store FILE append N | batch N | processes P N | large N\n", stderr);
        return 64;
    }
    size_t n = strtoul(argv[3], NULL, 10);
    remove_store(argv[1]);
    if (!strcmp(argv[2], "append")) time_append(argv[1], n, 1);
    else if (!strcmp(argv[2], "batch")) time_append(argv[1], n, BATCH);
    else if (!strcmp(argv[2], "processes") && argc > 4)
        time_processes(argv[1], n, strtoul(argv[4], NULL, 10));
    else if (!strcmp(argv[2], "large")) time_large(argv[1], n);
    else return 64;
    remove_store(argv[1]);
    return 0;
}
