/* test_score.c: the scoring library says what the engine says, bit for bit, and allocates nothing per row. */
#include "score_fixture.h"

/* ---- counting */

static size_t allocations;
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);

void *__wrap_malloc(size_t size) {
    allocations++;
    return __real_malloc(size);
}
void *__wrap_calloc(size_t n, size_t size) {
    allocations++;
    return __real_calloc(n, size);
}
void *__wrap_realloc(void *p, size_t size) {
    allocations++;
    return __real_realloc(p, size);
}
void *__wrap_aligned_alloc(size_t align, size_t size) {
    allocations++;
    return __real_aligned_alloc(align, size);
}

/* ---- both predictions */

static rows *all;

/* New rows by the engine, as from a file. */
static double *by_engine(const aml_model *m) {
    char path[] = "/tmp/test_score_XXXXXX", *text = rows_csv(all, 0, ROWS);
    aml_frame *f;
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    aml_free(text);
    aml_status status = aml_model_read(&f, m, path, NULL, NULL, 0);
    unlink(path);
    if (status) fail_msg("%s", aml_last_error()->message);
    double *out = aml_calloc(ROWS * aml_model_outputs(m), sizeof *out);
    assert_int_equal(aml_model_predict(out, m, f, 1), AML_OK);
    aml_frame_free(f);
    return out;
}

/* The bytes of the model's file. */
static char *bytes_of(size_t *size, const aml_model *m) {
    char path[] = "/tmp/test_score_XXXXXX", *data;
    close(mkstemp(path));
    assert_int_equal(aml_model_save(m, path), AML_OK);
    assert_int_equal(aml_read_file(&data, size, path, SIZE_MAX, NULL), AML_OK);
    unlink(path);
    return data;
}

static void check_same(const char *what, const double *a, const double *b, size_t n, size_t k) {
    for (size_t i = 0; i < n * k; i++)
        if (memcmp(&a[i], &b[i], sizeof *a) != 0)
            fail_msg("%s: row %zu: %.17g by the engine, %.17g by the scorer", what, i / k, a[i],
                     b[i]);
}

/* Cells with numbers as numbers where the column has plain ones. */
static void typed(aml_cell *cells, const char *const *texts, size_t n) {
    for (size_t i = 0; i < n; i++) {
        cells[i] = (aml_cell){.text = texts[i], .size = strlen(texts[i])};
        bool number = i % WIDTH == 0 || i % WIDTH == 3 || i % WIDTH == 7;
        if (!number || !aml_parse_double(&cells[i].number, texts[i], cells[i].size)) continue;
        cells[i].text = NULL;
    }
}

/* Each way of giving rows gives the same bits; rows one by one allocate nothing once the scorer is warm. */
static void check_scorer(const char *what, const double *expected, aml_scorer *s, size_t k) {
    static const char *texts[ROWS * WIDTH];
    static aml_cell cells[ROWS * WIDTH];
    double *out = aml_calloc(ROWS * k, sizeof *out);
    for (size_t i = 0; i < ROWS * WIDTH; i++) texts[i] = all->cell[i / WIDTH][i % WIDTH];
    typed(cells, texts, ROWS * WIDTH);
    aml_status status = aml_scorer_texts(out, s, texts, ROWS);
    if (status) fail_msg("%s: %s", what, aml_score_last_error()->message);
    check_same(what, expected, out, ROWS, k);
    assert_int_equal(aml_scorer_rows(out, s, cells, ROWS), AML_OK);
    check_same(what, expected, out, ROWS, k);
    size_t before = 0;
    for (int round = 0; round < 2; round++) {
        before = allocations;
        memset(out, 0, ROWS * k * sizeof *out);
        for (size_t i = 0; i < ROWS; i++)
            assert_int_equal(aml_scorer_row(out + i * k, s, cells + i * WIDTH), AML_OK);
        check_same(what, expected, out, ROWS, k);
    }
    if (allocations != before)
        fail_msg("%s: %zu allocations for %d rows", what, allocations - before, ROWS);
    aml_free(out);
}

static void compare(const char *what, const aml_model *m) {
    size_t size, k = aml_model_outputs(m);
    char *data = bytes_of(&size, m);
    aml_model *loaded;
    aml_score_model *model;
    aml_scorer *s;
    assert_int_equal(aml_model_load_memory(&loaded, data, size), AML_OK);
    aml_status status = aml_score_load_memory(&model, data, size);
    if (status) fail_msg("%s: %s", what, aml_score_last_error()->message);
    aml_free(data);
    double *expected = by_engine(m), *again = by_engine(loaded);
    check_same("loaded from memory", expected, again, ROWS, k);
    assert_int_equal(aml_scorer_new(&s, model), AML_OK);
    assert_int_equal(aml_score_outputs(model), k);
    check_scorer(what, expected, s, k);
    for (size_t i = 0; i < ROWS && m->n_classes; i++)
        assert_int_equal(aml_score_choose(model, expected + i * k),
                         aml_model_choose(m, expected + i * k));
    aml_scorer_free(s);
    aml_score_free(model);
    aml_model_free(loaded);
    aml_free(expected);
    aml_free(again);
}

/* ---- what is compared */

#define NATIVE "datetime multi_hot text_hash"
#define DENSE "missing_flags datetime multi_hot rare one_hot.sparse_from=1e9 impute scale text_hash"
#define SPARSE "missing_flags datetime multi_hot rare one_hot.sparse_from=5 impute scale text_hash"

static const char *steps_for(const aml_learner *l) {
    if (l->can & AML_YARDSTICK) return "";
    if (l->can & AML_CAN_CATEGORIES && l->can & AML_CAN_SPARSE) return NATIVE;
    if (l->can & AML_CAN_CATEGORIES) return NATIVE " text_svd";
    return l->can & AML_CAN_SPARSE ? SPARSE : DENSE " text_svd";
}

static void every_learner_and_task(void **state) {
    static const aml_task_kind tasks[] = {AML_BINARY, AML_MULTICLASS, AML_REGRESSION};
    (void)state;
    for (size_t t = 0; t < 3; t++) {
        world *w = world_new(all, tasks[t]);
        for (const aml_learner *const *l = aml_learners(); *l; l++) {
            if (!((*l)->tasks & tasks[t])) continue;
            aml_model *m = make_model(&(recipe){(*l)->name, steps_for(*l), 1}, 1, w);
            compare((*l)->name, m);
            aml_model_free(m);
        }
        world_free(w);
    }
}

/* Every step is in one of these. */
static const recipe featurizations[] = {
    {"gbdt",
     "datetime missing_flags missing_pattern rare few_valued arithmetic cross group_by "
     "target_encode count_encode multi_hot text_hash text_svd",
     1},
    {"gbdt", "datetime drop_constant ordinal multi_hot text_hash.terms=words", 1},
    {"ridge", "datetime impute hash_one_hot multi_hot scale cluster_distance pca text_hash", 1},
    {"ridge",
     "datetime impute.number=mean one_hot scale.method=robust pca.keep_original=true text_hash", 1},
    {"ridge", "datetime impute one_hot scale.method=minmax text_hash.terms=chars", 1},
    {"ridge", "datetime.cyclic=true impute one_hot scale.method=quantile_normal text_hash", 1},
    {"ridge", "datetime impute ordinal scale.method=yeo_johnson text_hash", 1},
};

static void every_step(void **state) {
    world *w = world_new(all, AML_REGRESSION);
    (void)state;
    for (const aml_step *const *s = aml_steps(); *s; s++) {
        bool found = false;
        for (size_t i = 0; i < sizeof featurizations / sizeof *featurizations; i++)
            found |= strstr(featurizations[i].steps, (*s)->name) != NULL;
        if (!found) fail_msg("the step %s is in none of the plans", (*s)->name);
    }
    for (size_t i = 0; i < sizeof featurizations / sizeof *featurizations; i++) {
        aml_model *m = make_model(&featurizations[i], 1, w);
        compare(featurizations[i].steps, m);
        aml_model_free(m);
    }
    world_free(w);
}

static const recipe ensemble[] = {{"gbdt", NATIVE, 0.5},
                                  {"gbdt", NATIVE, 0.125},
                                  {"logistic", SPARSE, 0.25},
                                  {"random_forest", NATIVE " text_svd", 0.125}};

static void ensembles_and_calibration(void **state) {
    static const double from[] = {0, 0.2, 0.2, 0.9, 1}, to[] = {0, 0.1, 0.4, 0.8, 1};
    static const aml_calibrator two[] = {
        {.kind = AML_AS_IT_IS},
        {.kind = AML_SIGMOID, .slope = 1.3, .offset = -0.2},
        {.kind = AML_ISOTONIC, .slope = 1, .n = 5, .from = from, .to = to}};
    (void)state;
    world *w = world_new(all, AML_BINARY);
    aml_model *m = make_model(ensemble, 4, w);
    m->threshold = 0.375;
    for (size_t i = 0; i < 3; i++) {
        m->calibrator = two[i];
        compare("ensemble of two classes", m);
    }
    aml_model_free(m);
    world_free(w);
    w = world_new(all, AML_MULTICLASS);
    m = make_model(ensemble, 4, w);
    m->calibrator = (aml_calibrator){.kind = AML_TEMPERATURE, .slope = 0.7};
    compare("ensemble of three classes", m);
    aml_model_free(m);
    world_free(w);
}

/* ---- what it tells, and refuses */

static char *small_model(size_t *size) {
    world *w = world_new(all, AML_BINARY);
    aml_model *m = make_model(&(recipe){"logistic", SPARSE, 1}, 1, w);
    m->threshold = 0.25;
    char *data = bytes_of(size, m);
    aml_model_free(m);
    world_free(w);
    return data;
}

static void tells_what_it_wants(void **state) {
    size_t size;
    char *data = small_model(&size);
    aml_score_model *m;
    aml_score_input in = {.size = sizeof in};
    (void)state;
    assert_int_equal(aml_score_load_memory(&m, data, size), AML_OK);
    assert_string_equal(aml_score_task(m), "binary");
    assert_string_equal(aml_score_target(m), "y");
    assert_int_equal(aml_score_classes(m), 2);
    assert_string_equal(aml_score_class(m, 0), "so,so");
    assert_null(aml_score_class(m, 2));
    assert_true(aml_score_threshold(m) == 0.25);
    assert_int_equal(aml_score_choose(m, &(double){0.3}), 1);
    assert_int_equal(aml_score_inputs(m), WIDTH);
    for (size_t j = 0; j < WIDTH; j++) {
        assert_true(aml_score_input_at(m, j, &in));
        assert_string_equal(in.name, column_names[j]);
        assert_string_equal(in.kind, aml_kind_name(column_kinds[j]));
        assert_int_equal(aml_score_find(m, in.name), j);
        assert_true((in.levels > 0) == (column_kinds[j] == AML_CATEGORY));
        assert_true((aml_score_level(m, j, 0) != NULL) == (in.levels > 0));
        assert_null(aml_score_level(m, j, in.levels));
    }
    assert_false(aml_score_input_at(m, WIDTH, &in));
    assert_int_equal(aml_score_find(m, "nothing"), -1);
    assert_string_equal(aml_score_version(), aml_version());
    aml_score_free(m);
    aml_free(data);
}

static void refuse(aml_scorer *s, size_t column, aml_cell cell, const char *word) {
    aml_cell row[WIDTH];
    double p;
    for (size_t j = 0; j < WIDTH; j++) row[j] = (aml_cell){.number = NAN};
    assert_int_equal(aml_scorer_row(&p, s, row), AML_OK);
    row[column] = cell;
    assert_int_equal(aml_scorer_row(&p, s, row), AML_EDATA);
    assert_non_null(strstr(aml_score_last_error()->message, column_names[column]));
    assert_non_null(strstr(aml_score_last_error()->message, word));
    assert_int_equal(aml_score_last_error()->status, AML_EDATA);
}

static void refuses_bad_cells(void **state) {
    size_t size;
    char *data = small_model(&size);
    aml_score_model *m;
    aml_scorer *s;
    double p;
    (void)state;
    assert_int_equal(aml_score_load_memory(&m, data, size), AML_OK);
    assert_int_equal(aml_scorer_new(&s, m), AML_OK);
    refuse(s, 0, (aml_cell){.text = "wide", .size = 4}, "wide");
    refuse(s, 0, (aml_cell){.text = "12 kg", .size = 5}, "12 kg");
    refuse(s, 0, (aml_cell){.text = "1e999", .size = 5}, "1e999");
    refuse(s, 0, (aml_cell){.number = INFINITY}, "inf");
    refuse(s, 1, (aml_cell){.text = "5 %", .size = 3}, "5 %");
    refuse(s, 4, (aml_cell){.text = "once", .size = 4}, "once");
    assert_int_equal(aml_scorer_row(&p, s, NULL), AML_EUSAGE);
    aml_scorer_free(s);
    aml_score_free(m);
    aml_free(data);
}

/* Any cut and any changed byte is refused, by both. */
static void refuses_damaged_models(void **state) {
    size_t size;
    char *data = small_model(&size);
    aml_score_model *m;
    aml_model *other;
    (void)state;
    for (size_t cut = 0; cut < size; cut += 1 + cut / 13) {
        assert_int_equal(aml_score_load_memory(&m, data, cut), AML_EDATA);
        assert_int_equal(aml_model_load_memory(&other, data, cut), AML_EDATA);
        assert_string_equal(aml_score_last_error()->message, aml_last_error()->message);
    }
    for (size_t at = 0; at < size; at += 1 + size / 200) {
        data[at] ^= 0x10;
        assert_int_equal(aml_score_load_memory(&m, data, size), AML_EDATA);
        assert_null(m);
        data[at] ^= 0x10;
    }
    assert_int_equal(aml_score_load(&m, "/nonexistent/model"), AML_ENOINPUT);
    assert_int_equal(aml_score_load(&m, "/tmp"), AML_ENOINPUT);
    assert_int_equal(aml_score_load_memory(&m, NULL, 1), AML_EUSAGE);
    assert_non_null(strstr(aml_score_last_error()->message, "aml_score_load_memory"));
    aml_free(data);
}

/* ---- files that look right */

enum { HEADER = 28, ENTRY = 24, BEGIN = HEADER + 2 * ENTRY + 4, DAMAGES = 400, FEW = 20 };

static void put_crc(char *at, const char *data, size_t size) {
    uint32_t crc = aml_crc32(0, data, size);
    memcpy(at, &crc, sizeof crc);
}

/* Makes checksums right again. Returns the length of the manifest, which is followed by the fits. */
static size_t mend(char *data, size_t size) {
    uint64_t first;
    memcpy(&first, data + HEADER + 16, sizeof first);
    put_crc(data + HEADER + 4, data + BEGIN, (size_t)first);
    put_crc(data + HEADER + ENTRY + 4, data + BEGIN + first, size - BEGIN - (size_t)first);
    put_crc(data + BEGIN - 4, data + HEADER, 2 * ENTRY);
    return (size_t)first;
}

static void check_predictions(const aml_model *engine, const aml_score_model *model,
                              const aml_frame *frame) {
    double a[FEW * 3], b[FEW * 3];
    const char *texts[FEW * WIDTH];
    aml_scorer *s;
    size_t k = aml_model_outputs(engine);
    for (size_t c = 0; c < FEW * WIDTH; c++) texts[c] = all->cell[c / WIDTH][c % WIDTH];
    assert_int_equal(aml_scorer_new(&s, model), AML_OK);
    aml_status one = aml_model_predict(a, engine, frame, 1),
               two = aml_scorer_texts(b, s, texts, FEW);
    assert_int_equal(one, two);
    if (!one) check_same("a damaged model", a, b, FEW, k);
    aml_scorer_free(s);
}

/* Bits of the fits are changed: both refuse it, or both predict the same. Of the manifest the scorer reads less, and takes all
 * that the engine takes. */
static void both_take_the_same(void **state) {
    (void)state;
    static const recipe members[] = {{"gbdt", NATIVE, 0.5}, {"logistic", SPARSE, 0.5}};
    world *w = world_new(all, AML_BINARY);
    aml_model *m = make_model(members, 2, w);
    size_t size, taken = 0;
    char *data = bytes_of(&size, m), *copy = aml_malloc(size);
    aml_frame *frame = rows_frame(all, 0, FEW);
    size_t manifest = mend(data, size);
    aml_rng r = aml_rng_stream(11, AML_RNG_TEST, 0, 0);
    for (int d = 0; d < DAMAGES; d++) {
        aml_model *engine = NULL;
        aml_score_model *model = NULL;
        bool fits = d % 4 != 0;
        size_t begin = BEGIN + (fits ? manifest : 0), length = fits ? size - begin : manifest;
        memcpy(copy, data, size);
        for (int bit = 0; bit < 1 + d % 3; bit++)
            copy[begin + aml_rng_below(&r, (uint32_t)length)] ^= (char)(1 << aml_rng_below(&r, 8));
        mend(copy, size);
        aml_status one = aml_model_load_memory(&engine, copy, size),
                   two = aml_score_load_memory(&model, copy, size);
        if (fits || !one) assert_int_equal(one, two);
        else assert_true(two == AML_OK || two == one);
        taken += !one;
        if (!one && fits) check_predictions(engine, model, frame);
        aml_model_free(engine);
        aml_score_free(model);
    }
    assert_true(taken > 10 && taken < DAMAGES - 10);
    aml_frame_free(frame);
    aml_free(data);
    aml_free(copy);
    aml_model_free(m);
    world_free(w);
}

static int setup(void **state) {
    (void)state;
    all = make_rows();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    aml_free(all);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_learner_and_task),    cmocka_unit_test(every_step),
        cmocka_unit_test(ensembles_and_calibration), cmocka_unit_test(tells_what_it_wants),
        cmocka_unit_test(refuses_bad_cells),         cmocka_unit_test(refuses_damaged_models),
        cmocka_unit_test(both_take_the_same),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
