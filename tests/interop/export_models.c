/* export_models.c: models as JSON, rows for them, and what the engine predicts: for readers of the JSON in other languages.
 *
 * usage: export_models FOLDER
 *
 * FOLDER/m0.json … are the models; FOLDER/rows.bin has the rows: u32 their number and that of the columns; for each row and
 * column 'n' and a double, or 't', u32 length and the bytes, or 'm' for a missing text; FOLDER/m0.out the predictions as doubles. */
#include "automl/core/io.h"
#include "tests/export_cases.h"

static void put_text(aml_writer *w, const char *text, size_t n) {
    aml_put_u8(w, 't');
    aml_put_u32(w, (uint32_t)n);
    aml_put_bytes(w, text, n);
}

static void put_cell(aml_writer *w, const aml_column *c, size_t i) {
    if (c->kind == AML_NUMBER || c->kind == AML_DATETIME) {
        aml_put_u8(w, 'n');
        aml_put_f64(w, c->number[i]);
    } else if (c->kind == AML_CATEGORY && c->code[i] < 0) aml_put_u8(w, 'm');
    else if (c->kind == AML_CATEGORY)
        put_text(w, c->levels[c->code[i]], strlen(c->levels[c->code[i]]));
    else put_text(w, c->bytes + c->offset[i], (size_t)(c->offset[i + 1] - c->offset[i]));
}

static void write_bytes(const char *folder, const char *name, const aml_writer *w) {
    char path[512];
    snprintf(path, sizeof path, "%.400s/%.60s", folder, name);
    assert_int_equal(w->status, AML_OK);
    assert_int_equal(aml_write_file(path, w->data, w->size), AML_OK);
}

static void write_rows(const char *folder) {
    aml_writer w = {0};
    aml_put_u32(&w, (uint32_t)fresh.n);
    aml_put_u32(&w, COLUMNS);
    for (size_t i = 0; i < fresh.n; i++)
        for (size_t j = 0; j < COLUMNS; j++) put_cell(&w, &fresh.columns[j], i);
    write_bytes(folder, "rows.bin", &w);
    aml_writer_free(&w);
}

static void write_model(const char *folder, const export_case *c) {
    char path[512], name[64];
    double out[ROWS * OUTPUTS];
    aml_writer w = {0};
    snprintf(path, sizeof path, "%.400s/%.20s.json", folder, c->name);
    assert_int_equal(aml_model_export(c->model, "json", path), AML_OK);
    assert_int_equal(aml_model_predict(out, c->model, &fresh.frame, 1), AML_OK);
    for (size_t i = 0; i < fresh.n * aml_model_outputs(c->model); i++) aml_put_f64(&w, out[i]);
    snprintf(name, sizeof name, "%.20s.out", c->name);
    write_bytes(folder, name, &w);
    aml_writer_free(&w);
}

static const char *folder;

static void write_all(void **state) {
    (void)state;
    aml_par_init();
    make_cases();
    write_rows(folder);
    for (size_t i = 0; i < n_cases; i++) write_model(folder, &cases[i]);
    free_cases();
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(write_all)};
    if (argc != 2) return 64;
    folder = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
