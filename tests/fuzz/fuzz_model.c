/* fuzz_model.c: any bytes as a model file. What is loaded predicts finite numbers, the same after saving and loading, and
 * is explained and exported, or that is refused with a message. */
#include <math.h>

#include "automl/engine/model.h"
#include "fuzz.h"
#include "fuzz/model_file.h"

enum { ROWS = 5 };

/* A table with the model's columns, some cells known to it and some not. */
static aml_frame *table_for(const aml_model *m) {
    static const double numbers[ROWS] = {0, -1.5, 1e300, NAN, 7};
    aml_frame_builder *b = aml_frame_builder_new(ROWS, NULL);
    for (size_t j = 0; b && j < m->inputs.p; j++) {
        const aml_schema_column *c = &m->inputs.columns[j];
        const char *texts[ROWS] = {"red", "", "2024-02-29", "12:30", "a longer text, of words"};
        if (c->kind == AML_CATEGORY && c->n_levels) texts[0] = c->levels[0];
        if (c->kind == AML_CATEGORY && c->n_levels) texts[4] = c->levels[c->n_levels - 1];
        if (c->kind == AML_DATETIME) texts[0] = texts[4] = texts[3] = "";
        aml_status status = c->kind == AML_NUMBER ? aml_frame_add_numbers(b, c->name, numbers)
                                                  : aml_frame_add_texts(b, c->name, texts);
        if (status) {
            aml_frame_builder_free(b);
            return NULL;
        }
    }
    return b ? aml_frame_build(b) : NULL;
}

static double *predicted(const aml_model *m, const aml_frame *f, size_t n) {
    double *out = malloc((n + 1) * sizeof *out);
    if (!out) abort();
    if (!aml_model_predict(out, m, f, 1)) return out;
    PROMISE(aml_last_error()->message[0]);
    free(out);
    return NULL;
}

static void again(const aml_model *m, const aml_frame *f, const double *before, size_t n,
                  const char *path) {
    aml_model *copy;
    PROMISE(!aml_model_save(m, path));
    PROMISE(!aml_model_load(&copy, path));
    double *after = predicted(copy, f, n);
    PROMISE(after && !memcmp(before, after, n * sizeof *before));
    free(after);
    aml_model_free(copy);
}

/* What else is made of a model. */
static void used(const aml_model *m, const aml_frame *f, const char *path) {
    const aml_explain_options few = {.size = sizeof few, .draws = 2, .threads = 1};
    static const char *const formats[] = {"json", "c", "onnx"};
    aml_explanation *e;
    char *inspected = aml_model_inspect_json(m);
    PROMISE(inspected);
    aml_text_free(inspected);
    if (aml_model_explain(&e, m, f, &few)) PROMISE(aml_last_error()->message[0]);
    else aml_explanation_free(e);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (aml_model_export(m, formats[i], path)) PROMISE(aml_last_error()->message[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    aml_model *m;
    const char *path = as_file(data, size);
    if (aml_model_load(&m, path)) {
        PROMISE(aml_last_error()->message[0]);
        return 0;
    }
    size_t n = ROWS * aml_model_outputs(m);
    aml_frame *f = n < 10000 && m->inputs.p < 10000 ? table_for(m) : NULL;
    double *out = f ? predicted(m, f, n) : NULL;
    for (size_t i = 0; out && i < n; i++) PROMISE(isfinite(out[i]));
    if (out) again(m, f, out, n, path);
    if (out) used(m, f, path);
    free(out);
    aml_frame_free(f);
    aml_model_free(m);
    return 0;
}
