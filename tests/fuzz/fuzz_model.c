/* fuzz_model.c: any bytes as a model file. Inputs are changed within their sections, and length and checksums mended, or nothing
 * behind the checksums would ever be reached. What is loaded predicts finite numbers, the same after saving and loading, and
 * is explained and exported, or that is refused with a message. */
#include <math.h>

#include "automl/core/io.h"
#include "automl/engine/model.h"
#include "fuzz.h"

enum { HEADER = 28, ENTRY = 24, SECTIONS = 2, BEGIN = HEADER + SECTIONS * ENTRY + 4, ROWS = 5 };

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);

static void put_u32(uint8_t *at, uint32_t x) { memcpy(at, &x, 4); }
static void put_u64(uint8_t *at, uint64_t x) { memcpy(at, &x, 8); }
static uint64_t get_u64(const uint8_t *at) {
    uint64_t x;
    memcpy(&x, at, 8);
    return x;
}

/* A whole file with right lengths and checksums; the first section has `first` bytes. */
static void mend(uint8_t *data, size_t size, size_t first) {
    const size_t length[SECTIONS] = {first, size - BEGIN - first};
    size_t offset = BEGIN;
    put_u64(data + 16, size);
    put_u32(data + 24, aml_crc32(0, data, 24));
    for (int i = 0; i < SECTIONS; i++) {
        uint8_t *entry = data + HEADER + i * ENTRY;
        put_u32(entry + 4, aml_crc32(0, data + offset, length[i]));
        put_u64(entry + 8, offset);
        put_u64(entry + 16, length[i]);
        offset += length[i];
    }
    put_u32(data + BEGIN - 4, aml_crc32(0, data + HEADER, SECTIONS * ENTRY));
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed) {
    size_t first = size > BEGIN ? (size_t)get_u64(data + HEADER + 16) : 0;
    if (seed % 16 == 0 || size <= BEGIN || first > size - BEGIN)
        return LLVMFuzzerMutate(data, size, room);
    if (seed % 4 == 1) { /* the manifest; what follows it moves */
        size_t rest = size - BEGIN - first, most = room - BEGIN - rest;
        uint8_t *copy = malloc(most + rest + 1);
        if (!copy) abort();
        memcpy(copy, data + BEGIN, first);
        size_t now = LLVMFuzzerMutate(copy, first, most);
        memmove(data + BEGIN + now, data + BEGIN + first, rest);
        memcpy(data + BEGIN, copy, now);
        free(copy);
        first = now;
        size = BEGIN + now + rest;
    } else {
        size_t begin = BEGIN + first;
        size = begin + LLVMFuzzerMutate(data + begin, size - begin, room - begin);
    }
    mend(data, size, first);
    return size;
}

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
