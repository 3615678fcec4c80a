/* test_store.c: the run store: what is written is read back, by many at once. */
#include "tests/store_fixture.h"

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
        cmocka_unit_test(test_git),
        cmocka_unit_test(test_processes),
    };
    return cmocka_run_group_tests(tests, begin_all, end_all);
}
