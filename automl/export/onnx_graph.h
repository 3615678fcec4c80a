/* onnx_graph.h: an ONNX graph that grows node by node, each a function of values made before.
 *
 * A value is known by its name. Operators of ai.onnx come first here, those of ai.onnx.ml are asked for with `ml`. After
 * a failure g->status stays set, and what is asked for then is "": look once at the end. */
#ifndef AML_EXPORT_ONNX_GRAPH_H
#define AML_EXPORT_ONNX_GRAPH_H

#include "automl/core/text.h"
#include "automl/export/onnx_wire.h"

enum { AML_ONNX_IR = 10, AML_ONNX_OPSET = 21, AML_ONNX_ML_OPSET = 5 };

typedef const char *aml_onnx_value;

typedef struct aml_onnx_graph {
    aml_arena *keep;
    aml_status status;
    const char *scope; /* names of nodes begin with it: "impute" */
    uint64_t n_values;
    aml_writer nodes, constants, inputs, outputs;
    size_t n_known, known_room; /* constants that are there already */
    struct aml_onnx_known *known;
} aml_onnx_graph;

void aml_onnx_graph_init(aml_onnx_graph *g, aml_arena *keep);
void aml_onnx_graph_free(aml_onnx_graph *g);

/* ---- in and out: tensors of [rows, width]; width 0: of [rows] */

void aml_onnx_input(aml_onnx_graph *g, const char *name, aml_onnx_type type, size_t width,
                    const char *about);
void aml_onnx_output(aml_onnx_graph *g, const char *name, aml_onnx_value value, aml_onnx_type type,
                     size_t width, const char *about);

/* ---- constants; the same one is kept once */

aml_onnx_value aml_onnx_constant(aml_onnx_graph *g, const aml_onnx_tensor *t);
aml_onnx_value aml_onnx_f64(aml_onnx_graph *g, double x); /* scalars */
aml_onnx_value aml_onnx_f32(aml_onnx_graph *g, float x);
aml_onnx_value aml_onnx_i64(aml_onnx_graph *g, int64_t x);
aml_onnx_value aml_onnx_i64s(aml_onnx_graph *g, const int64_t *x, size_t n); /* [n] */
aml_onnx_value aml_onnx_f64s(aml_onnx_graph *g, const double *x, size_t rows,
                             size_t width); /* width 0: [rows] */
aml_onnx_value aml_onnx_f32s(aml_onnx_graph *g, const float *x, size_t rows, size_t width);

/* ---- nodes */

typedef struct aml_onnx_node {
    const char *op;
    bool ml; /* of ai.onnx.ml */
    size_t n_inputs, n_outputs, n_attributes;
    const aml_onnx_value *inputs;
    const aml_onnx_attribute *attributes;
} aml_onnx_node;

/* outputs[0 … n_outputs-1] get names. */
void aml_onnx_add(aml_onnx_graph *g, const aml_onnx_node *node, aml_onnx_value *outputs);

aml_onnx_value aml_onnx_op1(aml_onnx_graph *g, const char *op, aml_onnx_value a);
aml_onnx_value aml_onnx_op2(aml_onnx_graph *g, const char *op, aml_onnx_value a, aml_onnx_value b);
aml_onnx_value aml_onnx_op3(aml_onnx_graph *g, const char *op, aml_onnx_value a, aml_onnx_value b,
                            aml_onnx_value c);
/* One input, or several, and one attribute that is a whole number. */
aml_onnx_value aml_onnx_op_with(aml_onnx_graph *g, const char *op, const aml_onnx_value *inputs,
                                size_t n, const char *attribute, int64_t x);
aml_onnx_value aml_onnx_cast(aml_onnx_graph *g, aml_onnx_value a, aml_onnx_type to);
/* Columns [rows, *] beside each other; n ≥ 1. */
aml_onnx_value aml_onnx_concat(aml_onnx_graph *g, const aml_onnx_value *columns, size_t n);
/* Column j of [rows, width] as [rows, 1]. */
aml_onnx_value aml_onnx_column(aml_onnx_graph *g, aml_onnx_value matrix, size_t j);

/* ---- graphs within: the body of a Scan, of doubles of any shape */

/* A graph of `from`'s names, with inputs[0 … n-1]; its constants are its own. */
void aml_onnx_body_begin(aml_onnx_graph *body, aml_onnx_graph *from, aml_onnx_value *inputs,
                         size_t n);
/* Its GraphProto with this one output; frees the body, and hands the names on to `from`. */
void aml_onnx_body_end(aml_writer *out, aml_onnx_graph *body, aml_onnx_graph *from,
                       aml_onnx_value output);

/* ---- the model */

/* Something to know about a model; left out when its value is NULL. */
typedef struct aml_onnx_property {
    const char *key, *value;
} aml_onnx_property;

/* The ModelProto. AML_EDATA when it would be larger than 2 GiB, which no reader takes. */
aml_status aml_onnx_model(aml_writer *out, const aml_onnx_graph *g, const char *name,
                          const char *about, const aml_onnx_property *properties, size_t n);

#endif
