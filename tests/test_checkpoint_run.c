/* test_checkpoint_run.c: a run that is killed in the middle of a fit goes on in the middle of that fit, to the same model. */
#include "automl/engine/journal.h"
#include "tests/store_fixture.h"

enum { EARLIER_SECONDS = 1000000 };

static aml_model *train(const char *learner) {
    const char *const learners[] = {learner, NULL};
    aml_frame *f = NULL;
    aml_model *m = NULL;
    aml_store *s = NULL;
    aml_train_options o = {.size = sizeof o,
                           .target = "diagnosis",
                           .trials = 2,
                           .threads = 1,
                           .seed = 3,
                           .learners = learners,
                           .validation = "cv3"};
    if (aml_frame_read(&f, SOURCE_DIR "/datasets/breast_cancer.csv", NULL) ||
        aml_store_open(&s, path, AML_STORE_CREATE))
        return NULL;
    o.store = s;
    if (aml_train(&m, f, &o)) m = NULL;
    aml_store_close(s);
    aml_frame_free(f);
    return m;
}

static size_t count_states(aml_store *s, const char *which) {
    sqlite3_stmt *st;
    bool more = false;
    size_t n = 0;
    assert_int_equal(
        aml_sql(&st, s, "SELECT count(*) FROM artifacts WHERE name LIKE ?", "t", which), AML_OK);
    if (!aml_sql_row(&more, s, st) && more) n = (size_t)aml_sql_number(st, 0);
    sqlite3_reset(st);
    return n;
}

/* Kills a process that trains once the state of a fit's second fold is in the store. */
static void train_and_kill(const char *learner, const char *which) {
    pid_t child = fork();
    if (!child) { /* a program anew: threads of OpenMP do not come through a fork */
        execl("/proc/self/exe", "test_checkpoint_run", learner, path, (char *)NULL);
        _exit(1);
    }
    aml_store *s = opened();
    int status;
    while (!count_states(s, which) && !waitpid(child, &status, WNOHANG)) usleep(500);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
    assert_true(count_states(s, which) > 0);
    aml_store_close(s);
}

/* Says in the store that the states took long: their header is a byte and the seconds. */
static void lengthen(const char *which) {
    aml_store *s = opened();
    aml_writer w = {0};
    char name[64];
    sqlite3_stmt *st;
    bool more = false;
    aml_put_f64(&w, EARLIER_SECONDS);
    assert_int_equal(
        aml_sql(&st, s, "SELECT name, content FROM artifacts WHERE name LIKE ?", "t", which),
        AML_OK);
    assert_int_equal(aml_sql_row(&more, s, st), AML_OK);
    assert_true(more);
    snprintf(name, sizeof name, "%s", aml_sql_text(st, 0));
    size_t size = (size_t)sqlite3_column_bytes(st, 1);
    unsigned char *content = test_malloc(size);
    memcpy(content, sqlite3_column_blob(st, 1), size);
    sqlite3_reset(st);
    memcpy(content + 1, w.data, w.size);
    assert_int_equal(aml_sql_run(s, "UPDATE artifacts SET content = ? WHERE name = ?", "bt",
                                 content, size, name),
                     AML_OK);
    test_free(content);
    aml_writer_free(&w);
    aml_store_close(s);
}

static void check(const char *learner) {
    aml_leader first = {.size = sizeof first};
    aml_model *whole, *resumed;
    assert_non_null(whole = train(learner));
    fresh(NULL);
    train_and_kill(learner, "checkpoint-%-1");
    lengthen("checkpoint-%-1");
    assert_non_null(resumed = train(learner));
    double seconds = 0;
    for (size_t i = 0; aml_model_leader(resumed, i, &first); i++)
        if (first.trial != SIZE_MAX && first.fit_seconds > seconds) seconds = first.fit_seconds;
    assert_true(seconds >= EARLIER_SECONDS); /* it went on from the state */
    char *a = aml_model_leaderboard_json(whole, AML_NO_TIMINGS),
         *b = aml_model_leaderboard_json(resumed, AML_NO_TIMINGS);
    assert_string_equal(a, b);
    aml_text_free(a);
    aml_text_free(b);
    aml_store *s = opened();
    assert_int_equal(count_states(s, "checkpoint-%"),
                     0); /* none is left when the run is finished */
    aml_store_close(s);
    aml_model_free(whole);
    aml_model_free(resumed);
}

static void boosted_trees(void **state) {
    (void)state;
    check("gbdt");
}

static void networks(void **state) {
    (void)state;
    check("mlp");
}

int main(int argc, char **argv) {
    aml_checkpoint_interval = 0;
    if (argc == 3) { /* the process that is killed */
        snprintf(path, sizeof path, "%s", argv[2]);
        return train(argv[1]) ? 0 : 1;
    }
    const struct CMUnitTest all[] = {cmocka_unit_test_setup(boosted_trees, fresh),
                                     cmocka_unit_test_setup(networks, fresh)};
    return cmocka_run_group_tests(all, begin_all, end_all);
}
