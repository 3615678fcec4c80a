/* store_fixture.h: a store in a folder of its own, and runs and trials to put into it. */
#ifndef AML_TESTS_STORE_FIXTURE_H
#define AML_TESTS_STORE_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "automl/store/sql.h"

static char folder[] = "/tmp/automl_store_XXXXXX";
static char path[128];

static inline int fresh(void **state) {
    char other[160];
    (void)state;
    snprintf(path, sizeof path, "%s/runs.db", folder);
    unlink(path);
    snprintf(other, sizeof other, "%s-wal", path);
    unlink(other);
    snprintf(other, sizeof other, "%s-shm", path);
    unlink(other);
    aml_clear_error();
    return 0;
}

static inline int begin_all(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static inline int end_all(void **state) {
    fresh(state);
    return rmdir(folder);
}

static inline aml_store *opened(void) {
    aml_store *s;
    assert_int_equal(aml_store_open(&s, path, AML_STORE_CREATE), AML_OK);
    return s;
}

static inline aml_run_start start_of(size_t trials, const char *const *tags) {
    return (aml_run_start){.experiment = "e",
                           .verb = "train",
                           .identity = "same",
                           .options = "{\"target\":\"y\",\"seed\":\"0\"}",
                           .task = "regression",
                           .metric = "rmse",
                           .target = "y",
                           .validation = "cv5",
                           .data = "x.csv",
                           .data_hash = "d",
                           .rows = 10,
                           .columns = 2,
                           .trials_limit = trials,
                           .tags = tags};
}

static const aml_run_wanted wanted = {
    .experiment = "e", .identity = "same", .data_hash = "d", .options = "{}", .trials_limit = 100};

/* Trial i, whose values a reader can check. */
static inline aml_status add(aml_store *s, const aml_run_handle *run, size_t i, bool partial) {
    char record[64];
    int n = snprintf(record, sizeof record, "record %zu", i);
    const aml_entry_param params[] = {{"depth", (double)i, NULL}, {"kind", NAN, "a,\"b"}};
    const aml_entry_metric metrics[] = {{"rmse", 0, -1, 0.1 + (double)i}, {"rmse", 1, -1, NAN}};
    const aml_entry e = {.number = i,
                         .state = i % 4 == 3 ? "failed" : "done",
                         .learner = "ridge",
                         .pipeline = "ridge <- scale",
                         .reason = i % 4 == 3 ? "no, \"never\"\n" : "",
                         .loss = i % 4 == 3 ? NAN : 1.0 / (double)(i + 1),
                         .score = i % 4 == 3 ? NAN : 1.0 / (double)(i + 1),
                         .error = NAN,
                         .folds = 2,
                         .folds_done = 2,
                         .fit_seconds = 0.5,
                         .predict_us = 1,
                         .partial = partial,
                         .params = params,
                         .n_params = 2,
                         .metrics = metrics,
                         .n_metrics = 2,
                         .record = record,
                         .record_size = (size_t)n};
    return aml_store_append(s, run, &e, 1);
}

static inline aml_status check_record(size_t number, const void *record, size_t size, void *arg) {
    char text[64];
    size_t *seen = arg;
    snprintf(text, sizeof text, "record %zu", number);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(record, text, size);
    ++*seen;
    return AML_OK;
}

static inline aml_run_info info_of(aml_store *s, const char *id, aml_runs **keep) {
    aml_run_info r = {.size = sizeof r};
    assert_int_equal(aml_store_find(keep, s, id), AML_OK);
    assert_int_equal(aml_runs_at(*keep, 0, &r), 1);
    return r;
}

static const aml_run_end finished = {"finished", NULL, 0.25, 0.2, 0.3, 1, "{}"};

static inline size_t count_runs(aml_store *s, const aml_run_filter *f) {
    aml_runs *list;
    assert_int_equal(aml_store_list(&list, s, f), AML_OK);
    size_t n = aml_runs_count(list);
    aml_runs_free(list);
    return n;
}

#endif
