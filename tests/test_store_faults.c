/* test_store_faults.c: what is wrong with a run store is said: files, versions, locks, disks and memory. */
#include "tests/store_fixture.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_files_that_are_no_store, fresh),
        cmocka_unit_test_setup(test_old_versions, fresh),
        cmocka_unit_test_setup(test_locked, fresh),
        cmocka_unit_test_setup(test_full_disk, fresh),
        cmocka_unit_test_setup(test_damaged, fresh),
        cmocka_unit_test_setup(test_memory_runs_out, fresh),
    };
    return cmocka_run_group_tests(tests, begin_all, end_all);
}
