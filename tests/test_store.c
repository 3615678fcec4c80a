/* test_store.c: the run store: what is written is read back, by many at once, and what is wrong is said. */
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

static int fresh(void **state) {
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

static int begin_all(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int end_all(void **state) {
    fresh(state);
    return rmdir(folder);
}

static aml_store *opened(void) {
    aml_store *s;
    assert_int_equal(aml_store_open(&s, path, AML_STORE_CREATE), AML_OK);
    return s;
}

static aml_run_start start_of(size_t trials, const char *const *tags) {
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
static aml_status add(aml_store *s, const aml_run_handle *run, size_t i, bool partial) {
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

static aml_status check_record(size_t number, const void *record, size_t size, void *arg) {
    char text[64];
    size_t *seen = arg;
    snprintf(text, sizeof text, "record %zu", number);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(record, text, size);
    ++*seen;
    return AML_OK;
}

static aml_run_info info_of(aml_store *s, const char *id, aml_runs **keep) {
    aml_run_info r = {.size = sizeof r};
    assert_int_equal(aml_store_find(keep, s, id), AML_OK);
    assert_int_equal(aml_runs_at(*keep, 0, &r), 1);
    return r;
}

static const aml_run_end finished = {"finished", NULL, 0.25, 0.2, 0.3, 1, "{}"};

/* ---- what is written is read back */

static void test_a_run(void **state) {
    (void)state;
    static const char *const tags[] = {"team=a", "new", NULL};
    aml_run_handle run;
    aml_runs *found;
    aml_store *s = opened();
    const aml_run_start start = start_of(8, tags);
    assert_int_equal(aml_store_begin(&run, s, &start), AML_OK);
    for (size_t i = 0; i < 8; i++) assert_int_equal(add(s, &run, i, false), AML_OK);
    aml_run_info r = info_of(s, run.id, &found);
    assert_string_equal(r.status, "running");
    assert_int_equal(r.trials, 8);
    assert_int_equal(r.failed, 2);
    assert_int_equal(r.best_trial, 6);
    assert_true(r.best == 1.0 / 7);
    assert_true(isnan(r.best_error) && isnan(r.score));
    assert_string_equal(r.tags, "new, team=a");
    assert_string_equal(r.options, start.options);
    aml_runs_free(found);
    assert_int_equal(aml_store_end(s, &run, &finished), AML_OK);
    aml_store_close(s);

    s = opened();
    r = info_of(s, "last", &found);
    assert_string_equal(r.id, run.id);
    assert_string_equal(r.status, "finished");
    assert_true(r.score == 0.25 && r.low == 0.2 && r.high == 0.3);
    size_t seen = 0;
    assert_int_equal(aml_store_records(s, run.id, true, check_record, &seen), AML_OK);
    assert_int_equal(seen, 8);
    aml_runs_free(found);
    aml_store_close(s);
}

static void test_a_number_is_recorded_once(void **state) {
    (void)state;
    aml_run_handle run;
    aml_store *s = opened();
    const aml_run_start start = start_of(8, NULL);
    assert_int_equal(aml_store_begin(&run, s, &start), AML_OK);
    assert_int_equal(add(s, &run, 1, false), AML_OK);
    assert_int_equal(add(s, &run, 1, false), AML_EINTERNAL);
    assert_int_equal(add(s, &run, 0, false), AML_OK); /* nothing is left of the transaction */
    aml_store_close(s);
}

static void test_resume(void **state) {
    (void)state;
    aml_run_handle run, again;
    const char *validation;
    bool found;
    aml_arena *keep = aml_arena_new(NULL);
    const aml_run_start start = start_of(20, NULL);
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    fflush(NULL);
    pid_t child = fork();
    if (!child) { /* it begins the run and dies */
        aml_store *s;
        bool good = !aml_store_open(&s, path, AML_STORE_CREATE) &&
                    !aml_store_begin(&run, s, &start) && !add(s, &run, 0, false) &&
                    !add(s, &run, 2, false) && !add(s, &run, 1, true);
        (void)!write(fd[1], good ? "y" : "n", 1);
        pause();
        _exit(0);
    }
    char answer = 0;
    assert_int_equal(read(fd[0], &answer, 1), 1);
    assert_int_equal(answer, 'y');
    aml_store *s = opened();
    assert_int_equal(aml_store_resume(&found, &again, &validation, s, &wanted, keep), AML_OK);
    assert_false(found); /* it lives */
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    aml_runs *runs;
    aml_run_info r = info_of(s, "last", &runs);
    assert_string_equal(r.status, "killed");
    aml_runs_free(runs);
    aml_run_wanted less = wanted;
    less.trials_limit = 2;
    assert_int_equal(aml_store_resume(&found, &again, &validation, s, &less, keep), AML_OK);
    assert_false(found); /* it has more trials than are wanted */
    assert_int_equal(aml_store_resume(&found, &again, &validation, s, &wanted, keep), AML_OK);
    assert_true(found);
    assert_string_equal(validation, "cv5");
    assert_int_equal(again.trials, 2);
    size_t seen = 0;
    assert_int_equal(aml_store_records(s, again.id, true, check_record, &seen), AML_OK);
    assert_int_equal(seen, 2); /* what was stopped half-way is repeated */
    assert_int_equal(add(s, &again, 1, false), AML_OK);
    r = info_of(s, "last", &runs);
    assert_int_equal(r.sessions, 2);
    assert_int_equal(r.trials, 3);
    aml_runs_free(runs);
    close(fd[0]), close(fd[1]);
    aml_store_close(s);
    aml_arena_free(keep);
}

/* Only larger limits take up a finished run, and nothing older than the newest that nobody works at. */
static void test_extend(void **state) {
    (void)state;
    const struct {
        size_t trials; /* of the run: 10, all done in 0 seconds */
        double time;
        bool goes_on;
    } cases[] = {{10, 0, false}, {9, 0, false}, {11, 0, true}, {0, 60, true}, {10, 60, false}};
    aml_arena *keep = aml_arena_new(NULL);
    aml_store *s = opened();
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        aml_run_handle run, again;
        const char *validation;
        bool found;
        const aml_run_start start = start_of(10, NULL);
        assert_int_equal(aml_store_begin(&run, s, &start), AML_OK);
        for (size_t i = 0; i < 10; i++) assert_int_equal(add(s, &run, i, false), AML_OK);
        assert_int_equal(aml_store_end(s, &run, &finished), AML_OK);
        aml_run_wanted w = wanted;
        w.trials_limit = cases[c].trials;
        w.time_limit = cases[c].time;
        assert_int_equal(aml_store_resume(&found, &again, &validation, s, &w, keep), AML_OK);
        assert_int_equal(found, cases[c].goes_on);
        if (!found) continue;
        assert_string_equal(again.id, run.id);
        assert_int_equal(aml_store_end(s, &again, &finished), AML_OK);
    }
    aml_store_close(s);
    aml_arena_free(keep);
}

/* ---- lists */

static size_t count_runs(aml_store *s, const aml_run_filter *f) {
    aml_runs *list;
    assert_int_equal(aml_store_list(&list, s, f), AML_OK);
    size_t n = aml_runs_count(list);
    aml_runs_free(list);
    return n;
}

static void test_list(void **state) {
    (void)state;
    static const char *const tags[] = {"k=1", NULL};
    aml_run_handle run[3];
    aml_store *s = opened();
    for (size_t i = 0; i < 3; i++) {
        aml_run_start start = start_of(8, i ? NULL : tags);
        aml_run_end end = finished;
        end.score = i == 1 ? 0.1 : 0.3 + (double)i; /* rmse: lower is better */
        start.experiment = i == 2 ? "f" : "e";
        assert_int_equal(aml_store_begin(&run[i], s, &start), AML_OK);
        if (i) assert_int_equal(aml_store_end(s, &run[i], &end), AML_OK);
    }
    assert_int_equal(count_runs(s, NULL), 3);
    assert_int_equal(count_runs(s, &(aml_run_filter){sizeof(aml_run_filter), .experiment = "f"}),
                     1);
    assert_int_equal(count_runs(s, &(aml_run_filter){sizeof(aml_run_filter), .status = "finished"}),
                     2);
    assert_int_equal(count_runs(s, &(aml_run_filter){sizeof(aml_run_filter), .status = "killed"}),
                     0);
    assert_int_equal(count_runs(s, &(aml_run_filter){sizeof(aml_run_filter), .tag = "k"}), 1);
    assert_int_equal(count_runs(s, &(aml_run_filter){sizeof(aml_run_filter), .tag = "k=2"}), 0);
    assert_int_equal(count_runs(s, &(aml_run_filter){sizeof(aml_run_filter), .limit = 2}), 2);
    assert_int_equal(count_runs(s, &(aml_run_filter){sizeof(aml_run_filter), .since = 9e9}), 0);
    aml_runs *list;
    aml_run_info r = {.size = sizeof r};
    const aml_run_filter by_score = {sizeof by_score, .sort = "score"};
    assert_int_equal(aml_store_list(&list, s, &by_score), AML_OK);
    aml_runs_at(list, 0, &r);
    assert_string_equal(r.id, run[1].id);
    aml_runs_free(list);
    const aml_run_filter bad = {sizeof bad, .sort = "scoer"};
    assert_int_equal(aml_store_list(&list, s, &bad), AML_EUSAGE);
    assert_non_null(strstr(aml_last_error()->help, "score"));
    aml_store_close(s);
}

static void test_names(void **state) {
    (void)state;
    aml_run_handle run[2];
    aml_runs *found;
    char prefix[32];
    aml_store *s = opened();
    const aml_run_start start = start_of(8, NULL);
    for (int i = 0; i < 2; i++) assert_int_equal(aml_store_begin(&run[i], s, &start), AML_OK);
    assert_string_not_equal(run[0].id, run[1].id);
    assert_int_equal(aml_store_find(&found, s, ""), AML_EUSAGE);
    assert_int_equal(aml_store_find(&found, s, "0"), AML_EUSAGE); /* both */
    assert_int_equal(aml_store_find(&found, s, "%"), AML_EUSAGE);
    snprintf(prefix, sizeof prefix, "%s", run[0].id);
    prefix[9] = 0;
    if (!strncmp(prefix, run[1].id, 9)) return aml_store_close(s);
    aml_run_info r = info_of(s, prefix, &found);
    assert_string_equal(r.id, run[0].id);
    aml_runs_free(found);
    aml_store_close(s);
}

static void test_ids_sort_by_time(void **state) {
    (void)state;
    char before[AML_RUN_ID], after[AML_RUN_ID];
    for (double t = 1.8e9; t < 1.8e9 + 1000; t += 7.3) {
        aml_run_id_make(before, t);
        aml_run_id_make(after, t + 0.25);
        assert_true(strcmp(before, after) < 0);
        assert_int_equal(strspn(before, "0123456789abcdefghjkmnpqrstvwxyz"), 10);
    }
}

static void test_tags_and_delete(void **state) {
    (void)state;
    aml_run_handle run, other;
    aml_runs *found;
    aml_store *s = opened();
    const aml_run_start start = start_of(8, NULL);
    assert_int_equal(aml_store_begin(&run, s, &start), AML_OK);
    assert_int_equal(aml_store_begin(&other, s, &start), AML_OK);
    assert_int_equal(add(s, &run, 0, false), AML_OK);
    assert_int_equal(aml_store_tag(s, run.id, "a", "1"), AML_OK);
    assert_int_equal(aml_store_tag(s, run.id, "a", "2"), AML_OK);
    aml_run_info r = info_of(s, run.id, &found);
    assert_string_equal(r.tags, "a=2");
    aml_runs_free(found);
    assert_int_equal(aml_store_tag(s, run.id, "a", NULL), AML_OK);
    assert_int_equal(aml_store_tag(s, run.id, "", "1"), AML_EUSAGE);
    assert_int_equal(aml_store_delete(s, run.id), AML_EAGAIN); /* it runs: it is ours */
    assert_int_equal(aml_store_end(s, &run, &finished), AML_OK);
    assert_int_equal(aml_store_delete(s, run.id), AML_OK);
    assert_int_equal(aml_store_find(&found, s, run.id), AML_EUSAGE);
    sqlite3_stmt *st;
    bool more;
    assert_int_equal(aml_sql(&st, s,
                             "SELECT (SELECT count(*) FROM trials) + (SELECT count(*) FROM params)"
                             " + (SELECT count(*) FROM metrics)",
                             ""),
                     AML_OK);
    assert_int_equal(aml_sql_row(&more, s, st), AML_OK);
    assert_int_equal(sqlite3_column_int64(st, 0), 0);
    sqlite3_reset(st);
    aml_store_close(s);
}

/* ---- export and compare */

static void test_export(void **state) {
    (void)state;
    aml_run_handle run[2];
    aml_runs *runs;
    aml_comparison *c;
    aml_compared line = {.size = sizeof line};
    char *text;
    aml_store *s = opened();
    for (size_t k = 0; k < 2; k++) {
        aml_run_start start = start_of(8, NULL);
        if (k) start.options = "{\"target\":\"y\",\"learners\":[\"ridge\"],\"seed\":\"1\"}";
        assert_int_equal(aml_store_begin(&run[k], s, &start), AML_OK);
        for (size_t i = 0; i < 4; i++) assert_int_equal(add(s, &run[k], i, false), AML_OK);
    }
    assert_int_equal(aml_store_list(&runs, s, NULL), AML_OK);
    assert_int_equal(aml_store_csv(&text, s, runs), AML_OK);
    size_t lines = 0;
    for (const char *t = text; *t; t++) lines += *t == '\n';
    assert_int_equal(lines, 1 + 8 + 2); /* a reason has two lines */
    assert_non_null(strstr(text, ",depth,kind\n"));
    assert_non_null(strstr(text, "\"a,\"\"b\""));
    aml_text_free(text);
    assert_int_equal(aml_store_json(&text, s, runs, 1), AML_OK);
    assert_non_null(strstr(text, "\"fold\": 1,\n"));
    assert_null(strstr(text, "nan"));
    aml_text_free(text);
    aml_runs_free(runs);
    assert_int_equal(aml_store_compare(&c, s, run[0].id, run[1].id), AML_OK);
    size_t found = 0;
    for (size_t i = 0; aml_comparison_at(c, i, &line); i++) {
        if (!strcmp(line.name, "target")) found += !line.differs;
        if (!strcmp(line.name, "learners")) found += !strcmp(line.b, "ridge") && !*line.a;
        if (!strcmp(line.name, "seed")) found += line.differs;
        if (!strcmp(line.name, "depth")) found += !strcmp(line.a, "2") && !line.differs;
    }
    assert_int_equal(found, 4);
    text = aml_comparison_json(c);
    assert_non_null(strstr(text, "\"section\": \"options\""));
    aml_text_free(text);
    aml_comparison_free(c);
    aml_store_close(s);
}

/* ---- many at once */

enum { PROCESSES = 8, TRIALS = 1000, BATCH = 25 };

static int work(int which) {
    aml_store *s;
    aml_run_handle run;
    aml_run_start start = start_of(TRIALS, NULL);
    if (aml_store_open(&s, path, AML_STORE_CREATE)) return 1;
    if (aml_store_begin(&run, s, &start)) return 2;
    for (size_t i = 0; i < TRIALS; i += BATCH) {
        aml_entry e[BATCH] = {{0}};
        uint64_t record[BATCH];
        for (size_t k = 0; k < BATCH; k++) {
            record[k] = (uint64_t)which << 32 | (i + k);
            e[k] = (aml_entry){.number = i + k,
                               .state = "done",
                               .loss = (double)(i + k),
                               .record = &record[k],
                               .record_size = sizeof record[k]};
        }
        if (aml_store_append(s, &run, e, BATCH)) return 3;
    }
    if (aml_store_end(s, &run, &finished)) return 4;
    aml_store_close(s);
    return 0;
}

static aml_status count_record(size_t number, const void *record, size_t size, void *arg) {
    uint64_t x, *last = arg; /* the last of this run + 1, or 0 */
    assert_int_equal(size, sizeof x);
    memcpy(&x, record, sizeof x);
    assert_int_equal((uint32_t)x, number);
    if (*last) assert_int_equal(x, *last);
    *last = x + 1;
    return AML_OK;
}

/* The file does not exist when they begin. */
static void test_many_processes(void **state) {
    (void)state;
    pid_t pid[PROCESSES];
    aml_runs *runs;
    fflush(NULL);
    for (int i = 0; i < PROCESSES; i++) {
        pid[i] = fork();
        if (!pid[i]) _exit(work(i));
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_int_equal(status, 0);
    }
    aml_store *s = opened();
    assert_int_equal(aml_store_list(&runs, s, NULL), AML_OK);
    assert_int_equal(aml_runs_count(runs), PROCESSES);
    aml_run_info r = {.size = sizeof r};
    for (size_t i = 0; aml_runs_at(runs, i, &r); i++) {
        uint64_t last = 0;
        assert_int_equal(r.trials, TRIALS);
        assert_int_equal(r.best_trial, 0);
        assert_int_equal(aml_store_records(s, r.id, true, count_record, &last), AML_OK);
        assert_int_equal((uint32_t)last, TRIALS);
    }
    aml_runs_free(runs);
    sqlite3_stmt *st;
    bool more;
    assert_int_equal(aml_sql(&st, s, "PRAGMA integrity_check", ""), AML_OK);
    assert_int_equal(aml_sql_row(&more, s, st), AML_OK);
    assert_string_equal(aml_sql_text(st, 0), "ok");
    sqlite3_reset(st);
    aml_store_close(s);
}

/* ---- what is wrong is said */

static void put_file(const void *data, size_t size) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    fclose(f);
}

static void execute(const char *sql) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void refused(aml_status status, const char *word) {
    aml_store *s = NULL;
    aml_clear_error();
    assert_int_equal(aml_store_open(&s, path, AML_STORE_CREATE), status);
    assert_null(s);
    if (!strstr(aml_last_error()->message, word)) print_error("%s\n", aml_last_error()->message);
    assert_non_null(strstr(aml_last_error()->message, word));
}

static void test_files_that_are_no_store(void **state) {
    char text[5000];
    aml_store *s;
    memset(text, 'x', sizeof text);
    assert_int_equal(aml_store_open(&s, path, 0), AML_ENOINPUT);
    put_file(text, sizeof text);
    refused(AML_EDATA, "no run store");
    fresh(state);
    execute("CREATE TABLE t(x)");
    refused(AML_EDATA, "no run store");
    fresh(state);
    aml_store_close(opened());
    execute("PRAGMA user_version = 99");
    refused(AML_EDATA, "version 99");
    assert_non_null(strstr(aml_last_error()->why, "newer"));
    fresh(state);
    put_file("", 0); /* an empty file becomes one */
    aml_store_close(opened());
    snprintf(path, sizeof path, "%s/none/runs.db", folder);
    refused(AML_ECANTCREATE, "open");
    snprintf(path, sizeof path, "%s", folder);
    refused(AML_ECANTCREATE, "open");
    assert_int_equal(aml_store_open(&s, "", 0), AML_EUSAGE);
    assert_int_equal(aml_store_open(&s, "-", 0), AML_EUSAGE);
}

/* A store of each version that was ever released is brought up to date with all that is in it. */
static void test_old_versions(void **state) {
    (void)state;
    size_t length, seen = 0;
    char file[512], *sql;
    aml_runs *found;
    snprintf(file, sizeof file, "%s/tests/corpus/store/version_1.sql", SOURCE_DIR);
    FILE *f = fopen(file, "rb");
    assert_non_null(f);
    sql = calloc(1, 1 << 20);
    length = fread(sql, 1, (1 << 20) - 1, f);
    assert_true(length > 1000);
    fclose(f);
    execute(sql);
    free(sql);
    aml_store *s = opened();
    aml_run_info r = info_of(s, "last", &found);
    assert_string_equal(r.id, "0nqyv1test");
    assert_string_equal(r.status, "finished");
    assert_int_equal(r.trials, 2);
    assert_string_equal(r.tags, "team=a");
    aml_runs_free(found);
    assert_int_equal(aml_store_records(s, "last", true, check_record, &seen), AML_OK);
    assert_int_equal(seen, 2);
    aml_run_handle run;
    const aml_run_start start = start_of(8, NULL);
    assert_int_equal(aml_store_begin(&run, s, &start), AML_OK);
    assert_int_equal(add(s, &run, 0, false), AML_OK);
    aml_store_close(s);
}

static void test_locked(void **state) {
    (void)state;
    sqlite3 *db;
    aml_run_handle run;
    const aml_run_start start = start_of(8, NULL);
    aml_store *s = opened();
    s->patience_ms = 50;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(aml_store_begin(&run, s, &start), AML_EAGAIN);
    assert_int_equal(count_runs(s, NULL), 0); /* readers do not wait */
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(aml_store_begin(&run, s, &start), AML_OK);
    aml_store_close(s);
}

/* A limit on the size of files stands for a full disk. */
static void test_full_disk(void **state) {
    (void)state;
    struct rlimit was, small = {.rlim_cur = 400000};
    aml_run_handle run;
    aml_status status = AML_OK;
    size_t n = 0, seen = 0;
    const aml_run_start start = start_of(100000, NULL);
    aml_store *s = opened();
    assert_int_equal(aml_store_begin(&run, s, &start), AML_OK);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &was);
    small.rlim_max = was.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small);
    while (!status && n < 100000)
        if (!(status = add(s, &run, n, false))) n++;
    setrlimit(RLIMIT_FSIZE, &was);
    assert_int_equal(status, AML_EIO);
    aml_store_close(s);
    s = opened();
    assert_int_equal(aml_store_records(s, run.id, true, check_record, &seen), AML_OK);
    assert_int_equal(seen, n); /* what was said to be recorded is */
    aml_store_close(s);
}

/* Wherever a byte is wrong, there is an answer or an error, and never a crash. */
static void test_damaged(void **state) {
    (void)state;
    aml_run_handle run;
    const aml_run_start start = start_of(100, NULL);
    aml_store *s = opened();
    assert_int_equal(aml_store_begin(&run, s, &start), AML_OK);
    for (size_t i = 0; i < 20; i++) assert_int_equal(add(s, &run, i, false), AML_OK);
    assert_int_equal(aml_store_end(s, &run, &finished), AML_OK);
    aml_store_close(s);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    unsigned char *whole = malloc((size_t)st.st_size), *bad = malloc((size_t)st.st_size);
    FILE *f = fopen(path, "rb");
    assert_int_equal(fread(whole, 1, (size_t)st.st_size, f), (size_t)st.st_size);
    fclose(f);
    size_t errors = 0;
    for (unsigned i = 0; i < 300; i++) {
        aml_runs *runs = NULL;
        char *text = NULL;
        memcpy(bad, whole, (size_t)st.st_size);
        for (unsigned k = 0; k < 4; k++)
            bad[(i * 7919u + k * 104729u) % (size_t)st.st_size] ^= (unsigned char)(1 + i % 255);
        put_file(bad, (size_t)st.st_size);
        aml_status status = aml_store_open(&s, path, 0);
        if (!status) status = aml_store_list(&runs, s, NULL);
        if (!status) status = aml_store_json(&text, s, runs, 1);
        if (!status) aml_text_free(text);
        errors += status != AML_OK;
        if (status) assert_true(aml_last_error()->message[0]);
        aml_runs_free(runs);
        aml_store_close(s);
    }
    assert_true(errors > 10);
    free(whole);
    free(bad);
}

/* ---- memory */

static aml_status everything(void) {
    aml_store *s = NULL;
    aml_run_handle run;
    aml_runs *runs = NULL;
    aml_comparison *c = NULL;
    char *text = NULL;
    bool found;
    const char *validation;
    aml_arena *keep = aml_arena_new(NULL);
    const aml_run_start start = start_of(8, NULL);
    aml_status status = keep ? aml_store_open(&s, path, AML_STORE_CREATE) : AML_ENOMEM;
    if (!status) status = aml_store_resume(&found, &run, &validation, s, &wanted, keep);
    if (!status && !found) status = aml_store_begin(&run, s, &start);
    if (!status && !run.trials) status = add(s, &run, 0, false);
    if (!status) status = aml_store_list(&runs, s, NULL);
    if (!status) status = aml_store_json(&text, s, runs, 1);
    if (!status) aml_text_free(text);
    if (!status) status = aml_store_csv(&text, s, runs);
    if (!status) aml_text_free(text);
    if (!status) status = aml_store_compare(&c, s, run.id, run.id);
    if (!status) aml_text_free(aml_comparison_json(c));
    if (!status) status = aml_store_end(s, &run, &finished);
    aml_comparison_free(c);
    aml_runs_free(runs);
    aml_store_close(s);
    aml_arena_free(keep);
    return status;
}

static void test_memory_runs_out(void **state) {
    (void)state;
    aml_fail_alloc(0, false);
    assert_int_equal(everything(), AML_OK);
    uint64_t n = aml_fail_alloc(0, false), failed = 0;
    assert_true(n > 20);
    for (uint64_t i = 1; i <= n; i += i < 40 ? 1 : 3) {
        if (i % 20 == 0) fresh(NULL);
        aml_fail_alloc(i, false);
        aml_status status = everything();
        aml_fail_alloc(0, false);
        assert_true(status == AML_OK || status == AML_ENOMEM);
        failed += status == AML_ENOMEM;
    }
    assert_true(failed > 10);
}

/* ---- where a run comes from */

static void write_text(const char *name, const char *text) {
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void test_git(void **state) {
    (void)state;
    static const char commit[] = "0123456789abcdef0123456789abcdef01234567";
    char back[4096], text[128];
    aml_git g;
    assert_non_null(getcwd(back, sizeof back));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(mkdir(".git", 0700) | mkdir("deep", 0700) | chdir("deep"), 0);
    write_text("../.git/HEAD", commit); /* detached */
    aml_git_read(&g);
    assert_string_equal(g.commit, commit);
    assert_string_equal(g.branch, "");
    assert_int_equal(g.dirty, -1); /* no repository that git would take for one */
    write_text("../.git/HEAD", "ref: refs/heads/main\n");
    snprintf(text, sizeof text, "# pack-refs\n%s refs/heads/main\n", commit);
    write_text("../.git/packed-refs", text);
    aml_git_read(&g);
    assert_string_equal(g.commit, commit);
    assert_string_equal(g.branch, "main");
    write_text("../.git/HEAD", "no commit at all");
    aml_git_read(&g);
    assert_string_equal(g.commit, "");
    assert_int_equal(unlink("../.git/HEAD") | unlink("../.git/packed-refs") | chdir("..") |
                         rmdir(".git") | rmdir("deep") | chdir(back),
                     0);
}

static void test_processes(void **state) {
    (void)state;
    aml_process self, other;
    aml_process_self(&self);
    assert_false(aml_process_is_gone(&self, &self, 0));
    other = self;
    other.start++; /* another process that got the number */
    assert_true(aml_process_is_gone(&other, &self, 0));
    other = self;
    snprintf(other.boot, sizeof other.boot, "before"); /* the machine was started anew */
    assert_true(aml_process_is_gone(&other, &self, 0));
    snprintf(other.host, sizeof other.host, "elsewhere");
    assert_false(aml_process_is_gone(&other, &self, 60));
    assert_true(aml_process_is_gone(&other, &self, 1e6));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_run, fresh),
        cmocka_unit_test_setup(test_a_number_is_recorded_once, fresh),
        cmocka_unit_test_setup(test_resume, fresh),
        cmocka_unit_test_setup(test_extend, fresh),
        cmocka_unit_test_setup(test_list, fresh),
        cmocka_unit_test_setup(test_names, fresh),
        cmocka_unit_test(test_ids_sort_by_time),
        cmocka_unit_test_setup(test_tags_and_delete, fresh),
        cmocka_unit_test_setup(test_export, fresh),
        cmocka_unit_test_setup(test_many_processes, fresh),
        cmocka_unit_test_setup(test_files_that_are_no_store, fresh),
        cmocka_unit_test_setup(test_old_versions, fresh),
        cmocka_unit_test_setup(test_locked, fresh),
        cmocka_unit_test_setup(test_full_disk, fresh),
        cmocka_unit_test_setup(test_damaged, fresh),
        cmocka_unit_test_setup(test_memory_runs_out, fresh),
        cmocka_unit_test(test_git),
        cmocka_unit_test(test_processes),
    };
    return cmocka_run_group_tests(tests, begin_all, end_all);
}
