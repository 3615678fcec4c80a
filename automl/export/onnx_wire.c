/* onnx_wire.c: protocol buffers by hand. */
#include "automl/export/onnx_wire.h"

#include <string.h>

/* ---- any message */

enum { VARINT = 0, DELIMITED = 2, FIXED32 = 5 };

static void put_varint(aml_writer *w, uint64_t x) {
    for (; x >= 0x80; x >>= 7) aml_put_u8(w, (uint8_t)(x | 0x80));
    aml_put_u8(w, (uint8_t)x);
}

static void put_tag(aml_writer *w, unsigned field, unsigned kind) {
    put_varint(w, (uint64_t)field << 3 | kind);
}

void aml_wire_int(aml_writer *w, unsigned field, int64_t x) {
    put_tag(w, field, VARINT);
    put_varint(w, (uint64_t)x);
}

void aml_wire_float(aml_writer *w, unsigned field, float x) {
    put_tag(w, field, FIXED32);
    aml_put_f32(w, x);
}

void aml_wire_bytes(aml_writer *w, unsigned field, const void *data, size_t size) {
    put_tag(w, field, DELIMITED);
    put_varint(w, size);
    aml_put_bytes(w, data, size);
}

void aml_wire_text(aml_writer *w, unsigned field, const char *text) {
    aml_wire_bytes(w, field, text, strlen(text));
}

void aml_wire_message(aml_writer *w, unsigned field, aml_writer *message) {
    if (message->status && !w->status) w->status = message->status;
    aml_wire_bytes(w, field, message->data, message->size);
    message->size = 0;
}

/* ---- tensors */

enum { TENSOR_DIMS = 1, TENSOR_TYPE = 2, TENSOR_STRINGS = 6, TENSOR_RAW = 9 };

static size_t width_of(aml_onnx_type type) {
    switch (type) {
    case AML_ONNX_FLOAT: return 4;
    case AML_ONNX_INT64:
    case AML_ONNX_UINT64:
    case AML_ONNX_DOUBLE: return 8;
    default: return 1;
    }
}

static void put_items(aml_writer *w, const aml_onnx_tensor *t, size_t n) {
    const double *f64 = t->data;
    const float *f32 = t->data;
    const uint64_t *u64 = t->data;
    switch (t->type) {
    case AML_ONNX_DOUBLE:
        for (size_t i = 0; i < n; i++) aml_put_f64(w, f64[i]);
        return;
    case AML_ONNX_FLOAT:
        for (size_t i = 0; i < n; i++) aml_put_f32(w, f32[i]);
        return;
    case AML_ONNX_INT64:
    case AML_ONNX_UINT64:
        for (size_t i = 0; i < n; i++) aml_put_u64(w, u64[i]);
        return;
    default: aml_put_bytes(w, t->data, n);
    }
}

void aml_wire_tensor_body(aml_writer *w, const aml_onnx_tensor *t) {
    size_t n = 1;
    for (size_t d = 0; d < t->rank; d++) n *= (size_t)t->dims[d];
    for (size_t d = 0; d < t->rank; d++) aml_wire_int(w, TENSOR_DIMS, t->dims[d]);
    aml_wire_int(w, TENSOR_TYPE, t->type);
    if (t->type == AML_ONNX_STRING) {
        const char *const *text = t->data;
        for (size_t i = 0; i < n; i++) aml_wire_text(w, TENSOR_STRINGS, text[i]);
        return;
    }
    put_tag(w, TENSOR_RAW, DELIMITED);
    put_varint(w, n * width_of(t->type));
    put_items(w, t, n);
}

/* ---- attributes */

enum {
    ATTRIBUTE_NAME = 1,
    ATTRIBUTE_INT = 3,
    ATTRIBUTE_TEXT = 4,
    ATTRIBUTE_TENSOR = 5,
    ATTRIBUTE_GRAPH = 6,
    ATTRIBUTE_INTS = 8,
    ATTRIBUTE_KIND = 20
};

void aml_wire_attribute(aml_writer *w, unsigned field, const aml_onnx_attribute *a) {
    aml_writer m = {0}, tensor = {0};
    aml_wire_text(&m, ATTRIBUTE_NAME, a->name);
    switch (a->kind) {
    case AML_ATTRIBUTE_INT: aml_wire_int(&m, ATTRIBUTE_INT, a->number); break;
    case AML_ATTRIBUTE_TEXT: aml_wire_text(&m, ATTRIBUTE_TEXT, a->text); break;
    case AML_ATTRIBUTE_TENSOR:
        aml_wire_tensor_body(&tensor, &a->tensor);
        aml_wire_message(&m, ATTRIBUTE_TENSOR, &tensor);
        break;
    case AML_ATTRIBUTE_GRAPH:
        if (a->graph->status) m.status = a->graph->status;
        aml_wire_bytes(&m, ATTRIBUTE_GRAPH, a->graph->data, a->graph->size);
        break;
    case AML_ATTRIBUTE_INTS:
        for (size_t i = 0; i < a->n; i++) aml_wire_int(&m, ATTRIBUTE_INTS, a->numbers[i]);
        break;
    }
    aml_wire_int(&m, ATTRIBUTE_KIND, a->kind);
    aml_wire_message(w, field, &m);
    aml_writer_free(&m);
    aml_writer_free(&tensor);
}

/* ---- what goes in and comes out */

enum { VALUE_NAME = 1, VALUE_TYPE = 2, VALUE_ABOUT = 3, TYPE_TENSOR = 1 };
enum { TENSOR_TYPE_ITEM = 1, TENSOR_TYPE_SHAPE = 2, SHAPE_DIM = 1, DIM_SIZE = 1, DIM_NAME = 2 };

static void put_value(aml_writer *w, unsigned field, const char *name, aml_writer *tensor,
                      const char *about) {
    aml_writer kind = {0}, value = {0};
    aml_wire_message(&kind, TYPE_TENSOR, tensor);
    aml_wire_text(&value, VALUE_NAME, name);
    aml_wire_message(&value, VALUE_TYPE, &kind);
    if (about) aml_wire_text(&value, VALUE_ABOUT, about);
    aml_wire_message(w, field, &value);
    aml_writer_free(&kind);
    aml_writer_free(&value);
}

void aml_wire_value(aml_writer *w, unsigned field, const char *name, aml_onnx_type type,
                    size_t width, const char *about) {
    aml_writer dim = {0}, shape = {0}, tensor = {0};
    aml_wire_text(&dim, DIM_NAME, "rows");
    aml_wire_message(&shape, SHAPE_DIM, &dim);
    if (width) {
        aml_wire_int(&dim, DIM_SIZE, (int64_t)width);
        aml_wire_message(&shape, SHAPE_DIM, &dim);
    }
    aml_wire_int(&tensor, TENSOR_TYPE_ITEM, type);
    aml_wire_message(&tensor, TENSOR_TYPE_SHAPE, &shape);
    put_value(w, field, name, &tensor, about);
    aml_writer_free(&dim);
    aml_writer_free(&shape);
    aml_writer_free(&tensor);
}

void aml_wire_value_of_any_shape(aml_writer *w, unsigned field, const char *name,
                                 aml_onnx_type type) {
    aml_writer tensor = {0};
    aml_wire_int(&tensor, TENSOR_TYPE_ITEM, type);
    put_value(w, field, name, &tensor, NULL);
    aml_writer_free(&tensor);
}
