/* test_score_threads.c: eight threads predict with one model, by the engine and by the scoring library: each gets what one
 * alone gets. Under ThreadSanitizer (-DAUTOML_TSAN=ON) nothing of it may race. */
#include <pthread.h>

#include "score_fixture.h"

enum { THREADS = 8, TURNS = 3 };

static const recipe ensemble[] = {
    {"gbdt", "datetime multi_hot text_hash text_svd", 0.5},
    {"random_forest", "datetime multi_hot text_hash text_svd", 0.25},
    {"logistic",
     "missing_flags datetime multi_hot rare one_hot.sparse_from=5 impute scale text_hash", 0.125},
    {"knn", "missing_flags datetime multi_hot rare one_hot impute scale text_hash text_svd",
     0.125}};

typedef struct shared {
    rows *all;
    const aml_model *engine;
    const aml_score_model *model;
    const aml_frame *frame;
    size_t k;
    double *expected;
} shared;

typedef struct worker {
    pthread_t thread;
    const shared *s;
    size_t number, wrong;
} worker;

static const char *cell_of(const shared *s, size_t i, size_t j) { return s->all->cell[i][j]; }

/* Rows one by one from another place in each thread, then all at once. */
static size_t by_scorer(const shared *s, size_t number, double *out) {
    static _Thread_local const char *texts[ROWS * WIDTH];
    aml_scorer *scorer;
    size_t wrong = 0;
    if (aml_scorer_new(&scorer, s->model)) return 1;
    for (size_t c = 0; c < ROWS * WIDTH; c++) texts[c] = cell_of(s, c / WIDTH, c % WIDTH);
    for (size_t t = 0; t < ROWS; t++) {
        size_t i = (t + number * 37) % ROWS;
        aml_cell row[WIDTH];
        for (size_t j = 0; j < WIDTH; j++)
            row[j] = (aml_cell){.text = cell_of(s, i, j), .size = strlen(cell_of(s, i, j))};
        wrong += aml_scorer_row(out, scorer, row) != AML_OK;
        wrong += memcmp(out, s->expected + i * s->k, s->k * sizeof *out) != 0;
        /* a failure is the thread's own */
        row[0] = (aml_cell){.text = "wide", .size = 4};
        wrong += aml_scorer_row(out, scorer, row) != AML_EDATA;
        wrong += !strstr(aml_score_last_error()->message, "wide");
    }
    wrong += aml_scorer_texts(out, scorer, texts, ROWS) != AML_OK;
    wrong += memcmp(out, s->expected, ROWS * s->k * sizeof *out) != 0;
    aml_scorer_free(scorer);
    return wrong;
}

static void *work(void *arg) {
    worker *w = arg;
    const shared *s = w->s;
    double *out = aml_calloc(ROWS * s->k, sizeof *out);
    for (int turn = 0; turn < TURNS && out; turn++) {
        w->wrong += by_scorer(s, w->number, out);
        memset(out, 0, ROWS * s->k * sizeof *out);
        w->wrong += aml_model_predict(out, s->engine, s->frame, 1) != AML_OK;
        w->wrong += memcmp(out, s->expected, ROWS * s->k * sizeof *out) != 0;
    }
    w->wrong += !out;
    aml_free(out);
    return NULL;
}

static void one_model_for_eight_threads(void **state) {
    (void)state;
    char path[] = "/tmp/test_score_XXXXXX";
    shared s = {.all = make_rows()};
    world *w = world_new(s.all, AML_MULTICLASS);
    aml_model *made = make_model(ensemble, 4, w), *engine;
    aml_score_model *model;
    close(mkstemp(path));
    assert_int_equal(aml_model_save(made, path), AML_OK);
    assert_int_equal(aml_model_load(&engine, path), AML_OK);
    assert_int_equal(aml_score_load(&model, path), AML_OK);
    unlink(path);
    aml_frame *frame = rows_frame(s.all, 0, ROWS);
    s.engine = engine;
    s.model = model;
    s.frame = frame;
    s.k = aml_model_outputs(engine);
    s.expected = aml_calloc(ROWS * s.k, sizeof *s.expected);
    assert_int_equal(aml_model_predict(s.expected, engine, frame, 1), AML_OK);

    worker workers[THREADS];
    for (size_t t = 0; t < THREADS; t++) {
        workers[t] = (worker){.s = &s, .number = t};
        assert_int_equal(pthread_create(&workers[t].thread, NULL, work, &workers[t]), 0);
    }
    for (size_t t = 0; t < THREADS; t++) {
        pthread_join(workers[t].thread, NULL);
        assert_int_equal(workers[t].wrong, 0);
    }
    aml_free(s.expected);
    aml_frame_free(frame);
    aml_score_free(model);
    aml_model_free(engine);
    aml_model_free(made);
    world_free(w);
    aml_free(s.all);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_model_for_eight_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
