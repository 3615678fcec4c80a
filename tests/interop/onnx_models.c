/* onnx_models.c: models of every step and every learner that ONNX has a form for, as ONNX files, with rows and what the engine
 * predicts for them, for check_onnx.py.
 *
 *   onnx_models FOLDER        writes FOLDER/m0.onnx … and FOLDER/models.json */
#include <stdlib.h>

#include "automl/core/text.h"
#include "tests/export_cases.h"

/* ---- JSON; numbers that are none are written as Python reads them */

static void put_number(aml_string *s, double x) {
    if (isnan(x)) aml_string_put(s, "NaN");
    else if (isinf(x)) aml_string_put(s, x > 0 ? "Infinity" : "-Infinity");
    else aml_string_printf(s, "%.17g", x);
}

static void put_text(aml_string *s, const char *text) {
    aml_string_put(s, "\"");
    for (; *text; text++) {
        if ((unsigned char)*text < 32 || *text == '"' || *text == '\\')
            aml_string_printf(s, "\\u%04x", (unsigned char)*text);
        else aml_string_add(s, text, 1);
    }
    aml_string_put(s, "\"");
}

static void put_column(aml_string *s, const aml_column *c, size_t n) {
    aml_string_put(s, "{\"name\": ");
    put_text(s, c->name);
    aml_string_put(s, ", \"cells\": [");
    for (size_t i = 0; i < n; i++) {
        if (i) aml_string_put(s, ", ");
        if (c->kind == AML_CATEGORY) put_text(s, c->code[i] < 0 ? "" : c->levels[c->code[i]]);
        else put_number(s, c->number[i]);
    }
    aml_string_put(s, "]}");
}

static void put_frame(aml_string *s, const char *name, const export_rows *x) {
    aml_string_printf(s, "\"%s\": [", name);
    for (size_t j = 0; j < x->frame.p; j++) {
        if (j) aml_string_put(s, ",\n ");
        put_column(s, &x->columns[j], x->n);
    }
    aml_string_put(s, "]");
}

static void put_predictions(aml_string *s, const char *frame, const aml_model *m,
                            const export_rows *x) {
    double out[ROWS * OUTPUTS];
    size_t k = aml_model_outputs(m);
    assert_int_equal(aml_model_predict(out, m, &x->frame, 1), AML_OK);
    aml_string_printf(s, ", \"%s\": [", frame);
    for (size_t i = 0; i < x->n * k; i++) {
        if (i) aml_string_put(s, ", ");
        put_number(s, out[i]);
    }
    aml_string_printf(s, "], \"%s_labels\": [", frame);
    for (size_t i = 0; m->n_classes && i < x->n; i++) {
        if (i) aml_string_put(s, ", ");
        put_text(s, m->classes[aml_model_choose(m, out + i * k)]);
    }
    aml_string_put(s, "]");
}

static void put_case(aml_string *s, const export_case *c, const char *folder) {
    char path[512];
    assert_true(snprintf(path, sizeof path, "%s/%s.onnx", folder, c->name) < (int)sizeof path);
    if (aml_model_export(c->model, "onnx", path))
        fail_msg("%s: %s", c->what, aml_last_error()->message);
    aml_string_printf(s, "{\"file\": \"%s.onnx\", \"what\": \"%s\", \"train\": \"%s\"", c->name,
                      c->what, aml_task_name(c->model->kind));
    put_predictions(s, "seen", c->model, rows_of(c->model->kind));
    put_predictions(s, "new", c->model, &fresh);
    aml_string_put(s, "}");
}

/* ---- all of it, as a test of cmocka, whose assertions the models are made with */

static const char *folder;

static void write_models(void **state) {
    aml_string s = {0};
    char path[512];
    (void)state;
    without_texts = true;
    make_cases();
    aml_string_put(&s, "{\"frames\": {");
    for (size_t t = 0; t < COUNT(tasks); t++) {
        put_frame(&s, aml_task_name(tasks[t]), &train[t]);
        aml_string_put(&s, ",\n");
    }
    put_frame(&s, "new", &fresh);
    aml_string_put(&s, "},\n\"cases\": [");
    for (size_t i = 0; i < n_cases; i++) {
        if (i) aml_string_put(&s, ",\n");
        put_case(&s, &cases[i], folder);
    }
    aml_string_put(&s, "]}\n");
    assert_false(s.failed);
    assert_true(snprintf(path, sizeof path, "%s/models.json", folder) < (int)sizeof path);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(s.text, 1, s.length, f), s.length);
    assert_int_equal(fclose(f), 0);
    aml_string_free(&s);
    free_cases();
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(write_models)};
    if (argc != 2) return 64;
    folder = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
