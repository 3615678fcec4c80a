/* test_arrow_model.c: rows for a model from Arrow: the predictions that the same cells of a file have; truth as the model spells it;
 * and what is handed over is released, whatever happens. */
#include "arrow_table.h"
#include "score_fixture.h"

enum { N = 40 };

static rows *all;
static world *seen; /* what the model has learnt from, and borrows names from */
static aml_model *model;

/* Texts of 0 and 1 as bits. */
static struct ArrowArray truths(const rows *x, size_t column) {
    uint8_t bits[N / 8 + 1] = {0};
    struct ArrowArray a = arrow_array(N, 0, 2);
    for (size_t i = 0; i < N; i++)
        if (x->cell[i][column][0] == '1') bits[i / 8] |= (uint8_t)(1 << i % 8);
    arrow_buffer(&a, 1, bits, sizeof bits);
    return a;
}

/* The first columns, as texts; a stamp is a text, too. */
static void export_rows(struct ArrowArray *array, struct ArrowSchema *schema, size_t width) {
    *array = arrow_array(N, 0, 1);
    *schema = arrow_schema("+s", "");
    for (size_t j = 0; j < width; j++) {
        const char *texts[N];
        for (size_t i = 0; i < N; i++) texts[i] = all->cell[i][j][0] ? all->cell[i][j] : NULL;
        arrow_child(array, arrow_texts_of(texts, N));
        arrow_field(schema, arrow_schema("u", column_names[j]));
    }
}

static void same_as_file(const aml_frame *f, const rows *x) {
    double a[N], b[N];
    aml_frame *file = rows_frame(x, 0, N);
    assert_int_equal(aml_model_predict(a, model, f, 1), AML_OK);
    assert_int_equal(aml_model_predict(b, model, file, 1), AML_OK);
    assert_memory_equal(a, b, sizeof a);
    aml_frame_free(file);
}

static void predicts_from_arrays(void **state) {
    struct ArrowArray array;
    struct ArrowSchema schema;
    aml_frame *f;
    (void)state;
    export_rows(&array, &schema, WIDTH);
    aml_status status = aml_model_read_arrow(&f, model, &array, &schema, NULL, 0);
    if (status) fail_msg("%s", aml_last_error()->message);
    same_as_file(f, all);
    aml_frame_free(f);
}

/* The model knows the column as texts, "0" and "1" among them. */
static void spells_truth_as_the_model(void **state) {
    enum { CODE = 3 };
    rows *x = aml_malloc(sizeof *x);
    struct ArrowArray array = arrow_array(N, 0, 1);
    struct ArrowSchema schema = arrow_schema("+s", "");
    aml_frame *f;
    (void)state;
    memcpy(x, all, sizeof *x);
    for (size_t i = 0; i < N; i++) snprintf(x->cell[i][CODE], CELL, "%d", i % 3 == 0);
    for (size_t j = 0; j < WIDTH; j++) {
        const char *texts[N];
        for (size_t i = 0; i < N; i++) texts[i] = x->cell[i][j][0] ? x->cell[i][j] : NULL;
        arrow_child(&array, j == CODE ? truths(x, j) : arrow_texts_of(texts, N));
        arrow_field(&schema, arrow_schema(j == CODE ? "b" : "u", column_names[j]));
    }
    assert_int_equal(aml_model_read_arrow(&f, model, &array, &schema, NULL, 0), AML_OK);
    same_as_file(f, x);
    aml_frame_free(f);
    aml_free(x);
}

/* ---- a stream of one table */

typedef struct one {
    bool given;
} one;

static int stream_schema(struct ArrowArrayStream *s, struct ArrowSchema *out) {
    struct ArrowArray array;
    (void)s;
    export_rows(&array, out, WIDTH);
    array.release(&array);
    return 0;
}

static int stream_next(struct ArrowArrayStream *s, struct ArrowArray *out) {
    one *o = s->private_data;
    struct ArrowSchema schema;
    *out = (struct ArrowArray){0};
    if (o->given) return 0;
    o->given = true;
    export_rows(out, &schema, WIDTH);
    schema.release(&schema);
    return 0;
}

static const char *stream_error(struct ArrowArrayStream *s) {
    (void)s;
    return NULL;
}

static void stream_close(struct ArrowArrayStream *s) {
    s->release = NULL;
    arrow_live--;
}

static struct ArrowArrayStream stream(one *o) {
    arrow_live++;
    return (struct ArrowArrayStream){stream_schema, stream_next, stream_error, stream_close, o};
}

static void predicts_from_streams(void **state) {
    one o = {0};
    struct ArrowArrayStream s = stream(&o);
    aml_frame *f;
    (void)state;
    aml_status status = aml_model_read_arrow_stream(&f, model, &s, NULL, 0);
    if (status) fail_msg("%s", aml_last_error()->message);
    same_as_file(f, all);
    aml_frame_free(f);
}

/* ---- misuse: named, and nothing stays behind */

static void lacks(aml_status status, const char *name) {
    assert_int_equal(status, AML_EUSAGE);
    if (!strstr(aml_last_error()->message, name))
        fail_msg("%s is not in: %s", name, aml_last_error()->message);
}

static void consumes_what_it_refuses(void **state) {
    struct ArrowArray array;
    struct ArrowSchema schema;
    one o = {0};
    struct ArrowArrayStream s;
    aml_frame *f;
    (void)state;
    export_rows(&array, &schema, WIDTH);
    lacks(aml_model_read_arrow(NULL, model, &array, &schema, NULL, 0), "out");
    lacks(aml_model_read_arrow(&f, model, &array, &schema, NULL, 0), "released");
    export_rows(&array, &schema, WIDTH);
    lacks(aml_model_read_arrow(&f, NULL, &array, &schema, NULL, 0), "m");
    export_rows(&array, &schema, WIDTH);
    lacks(aml_model_read_arrow(&f, model, NULL, &schema, NULL, 0), "array");
    lacks(aml_model_read_arrow(&f, model, &array, NULL, NULL, 0), "schema");
    assert_null(f);
    s = stream(&o);
    lacks(aml_model_read_arrow_stream(NULL, model, &s, NULL, 0), "out");
    lacks(aml_model_read_arrow_stream(&f, model, &s, NULL, 0), "released");
    s = stream(&o);
    lacks(aml_model_read_arrow_stream(&f, NULL, &s, NULL, 0), "m");
    lacks(aml_model_read_arrow_stream(&f, model, NULL, NULL, 0), "stream");
    lacks(aml_frame_from_arrow(&f, NULL, &schema, NULL), "array");
    lacks(aml_frame_from_arrow_stream(&f, NULL, NULL), "stream");
}

static void needs_its_columns(void **state) {
    struct ArrowArray array;
    struct ArrowSchema schema;
    aml_frame *f;
    double out[N];
    (void)state;
    export_rows(&array, &schema, WIDTH - 1);
    aml_status status = aml_model_read_arrow(&f, model, &array, &schema, NULL, 0);
    if (!status) status = aml_model_predict(out, model, f, 1);
    assert_int_equal(status, AML_EDATA);
    assert_non_null(strstr(aml_last_error()->message, column_names[WIDTH - 1]));
    aml_frame_free(f);
}

/* ---- */

static int setup(void **state) {
    (void)state;
    all = make_rows();
    seen = world_new(all, AML_REGRESSION);
    model = make_model(&(recipe){"gbdt", "datetime multi_hot text_hash", 1}, 1, seen);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    aml_model_free(model);
    world_free(seen);
    aml_free(all);
    return 0;
}

static int check_released(void **state) {
    (void)state;
    return arrow_live || arrow_errors;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(predicts_from_arrays, check_released),
        cmocka_unit_test_teardown(spells_truth_as_the_model, check_released),
        cmocka_unit_test_teardown(predicts_from_streams, check_released),
        cmocka_unit_test_teardown(consumes_what_it_refuses, check_released),
        cmocka_unit_test_teardown(needs_its_columns, check_released),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
