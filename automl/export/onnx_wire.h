/* onnx_wire.h: the messages of an ONNX model in the wire format of protocol buffers, little by little into an aml_writer.
 *
 * Sources: "Encoding" of the protocol buffers documentation (varints, tags, length-delimited fields), and onnx.proto
 * (field numbers). Only what our graphs have is here. Repeated numbers of attributes are written one by one, as proto2
 * does; numbers of tensors as raw_data, which is little-endian.
 *
 * A put that fails leaves its mark in the writer's status (see bytes.h): look once at the end. */
#ifndef AML_EXPORT_ONNX_WIRE_H
#define AML_EXPORT_ONNX_WIRE_H

#include "automl/core/bytes.h"

/* TensorProto.DataType */
typedef enum aml_onnx_type {
    AML_ONNX_FLOAT = 1,
    AML_ONNX_UINT8 = 2,
    AML_ONNX_INT64 = 7,
    AML_ONNX_STRING = 8,
    AML_ONNX_BOOL = 9,
    AML_ONNX_DOUBLE = 11,
    AML_ONNX_UINT64 = 13
} aml_onnx_type;

/* ---- fields of any message */

void aml_wire_int(aml_writer *w, unsigned field, int64_t x);
void aml_wire_float(aml_writer *w, unsigned field, float x);
void aml_wire_bytes(aml_writer *w, unsigned field, const void *data, size_t size);
void aml_wire_text(aml_writer *w, unsigned field, const char *text);
/* A message in a field; empties it for the next one. Its failure becomes the failure of w. */
void aml_wire_message(aml_writer *w, unsigned field, aml_writer *message);

/* ---- ONNX */

/* n values of `type` with dims[0 … rank-1], row-major: float, uint8_t, int64_t, const char *, bool, double,
 * uint64_t. */
typedef struct aml_onnx_tensor {
    aml_onnx_type type;
    size_t rank;
    int64_t dims[4];
    const void *data;
} aml_onnx_tensor;
/* Its fields but the name. */
void aml_wire_tensor_body(aml_writer *w, const aml_onnx_tensor *t);

/* An attribute of a node: a number, a text, a tensor, a graph (its bytes), or a list of n numbers. */
typedef enum aml_onnx_attribute_kind {
    AML_ATTRIBUTE_INT = 2,
    AML_ATTRIBUTE_TEXT = 3,
    AML_ATTRIBUTE_TENSOR = 4,
    AML_ATTRIBUTE_GRAPH = 5,
    AML_ATTRIBUTE_INTS = 7
} aml_onnx_attribute_kind;
typedef struct aml_onnx_attribute {
    const char *name;
    aml_onnx_attribute_kind kind;
    int64_t number;
    const char *text;
    const int64_t *numbers;
    size_t n;
    aml_onnx_tensor tensor;
    const aml_writer *graph;
} aml_onnx_attribute;
void aml_wire_attribute(aml_writer *w, unsigned field, const aml_onnx_attribute *a);

/* ValueInfoProto of a tensor with any number of rows and `width` columns; 0: it has no second dimension. */
void aml_wire_value(aml_writer *w, unsigned field, const char *name, aml_onnx_type type,
                    size_t width, const char *about);
/* Of a tensor of any shape. */
void aml_wire_value_of_any_shape(aml_writer *w, unsigned field, const char *name,
                                 aml_onnx_type type);

#endif
