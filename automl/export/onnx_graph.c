/* onnx_graph.c: nodes, constants that are kept once, and the model around them. */
#include "automl/export/onnx_graph.h"

#include <limits.h>
#include <string.h>

#include "automl/automl.h"

void aml_onnx_graph_init(aml_onnx_graph *g, aml_arena *keep) {
    *g = (aml_onnx_graph){.keep = keep, .scope = ""};
}

void aml_onnx_graph_free(aml_onnx_graph *g) {
    aml_writer_free(&g->nodes);
    aml_writer_free(&g->constants);
    aml_writer_free(&g->inputs);
    aml_writer_free(&g->outputs);
    aml_free(g->known);
    g->known = NULL;
}

static aml_onnx_value fail(aml_onnx_graph *g, aml_status status) {
    if (!g->status) g->status = status;
    return "";
}

static aml_onnx_value new_name(aml_onnx_graph *g, const char *op) {
    char *name = aml_printf(g->keep, "%s/%s_%llu", g->scope, op, (unsigned long long)g->n_values++);
    return name ? name : fail(g, AML_ENOMEM);
}

/* ---- in and out: the fields of a GraphProto */

enum { GRAPH_NODE = 1, GRAPH_NAME = 2, GRAPH_CONSTANT = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_OP = 4, NODE_ATTRIBUTE = 5 };
enum { NODE_DOMAIN = 7, TENSOR_NAME = 8 };

void aml_onnx_input(aml_onnx_graph *g, const char *name, aml_onnx_type type, size_t width,
                    const char *about) {
    aml_wire_value(&g->inputs, GRAPH_INPUT, name, type, width, about);
}

static void put_node(aml_onnx_graph *g, const aml_onnx_node *node, const aml_onnx_value *outputs) {
    aml_writer m = {0};
    for (size_t i = 0; i < node->n_inputs; i++) aml_wire_text(&m, NODE_INPUT, node->inputs[i]);
    for (size_t i = 0; i < node->n_outputs; i++) aml_wire_text(&m, NODE_OUTPUT, outputs[i]);
    aml_wire_text(&m, NODE_NAME, outputs[0]);
    aml_wire_text(&m, NODE_OP, node->op);
    for (size_t i = 0; i < node->n_attributes; i++)
        aml_wire_attribute(&m, NODE_ATTRIBUTE, &node->attributes[i]);
    if (node->ml) aml_wire_text(&m, NODE_DOMAIN, "ai.onnx.ml");
    aml_wire_message(&g->nodes, GRAPH_NODE, &m);
    aml_writer_free(&m);
}

void aml_onnx_output(aml_onnx_graph *g, const char *name, aml_onnx_value value, aml_onnx_type type,
                     size_t width, const char *about) {
    put_node(g, &(aml_onnx_node){.op = "Identity", .n_inputs = 1, .n_outputs = 1, .inputs = &value},
             &name);
    aml_wire_value(&g->outputs, GRAPH_OUTPUT, name, type, width, about);
}

/* ---- constants: found again by the hash of their bytes */

typedef struct aml_onnx_known {
    uint64_t hash;
    size_t at, size; /* in g->constants */
    aml_onnx_value name;
} aml_onnx_known;

static aml_onnx_known *slot_of(aml_onnx_known *known, size_t room, uint64_t hash,
                               const aml_writer *constants, const aml_writer *tensor) {
    size_t at = (size_t)hash & (room - 1);
    for (; known[at].name; at = (at + 1) & (room - 1))
        if (tensor && known[at].hash == hash && known[at].size == tensor->size &&
            !memcmp(constants->data + known[at].at, tensor->data, tensor->size))
            break;
    return &known[at];
}

static bool make_room(aml_onnx_graph *g) {
    if (2 * g->n_known < g->known_room) return true;
    size_t room = g->known_room ? 2 * g->known_room : 256;
    aml_onnx_known *known = aml_calloc(room, sizeof *known);
    if (!known) return false;
    for (size_t i = 0; i < g->known_room; i++)
        if (g->known[i].name) *slot_of(known, room, g->known[i].hash, NULL, NULL) = g->known[i];
    aml_free(g->known);
    g->known = known;
    g->known_room = room;
    return true;
}

/* The name comes last, so that what is before it can be compared. */
static void put_constant(aml_onnx_graph *g, aml_onnx_known *k, aml_writer *tensor) {
    k->size = tensor->size;
    k->name = new_name(g, "constant");
    aml_wire_text(tensor, TENSOR_NAME, k->name);
    size_t whole = tensor->size;
    aml_wire_message(&g->constants, GRAPH_CONSTANT, tensor);
    k->at = g->constants.size - whole;
    g->n_known++;
}

aml_onnx_value aml_onnx_constant(aml_onnx_graph *g, const aml_onnx_tensor *t) {
    if (g->status || !make_room(g)) return fail(g, AML_ENOMEM);
    aml_writer m = {0};
    aml_wire_tensor_body(&m, t);
    uint64_t hash = aml_hash(m.data, m.size, 0);
    aml_onnx_known *k = slot_of(g->known, g->known_room, hash, &g->constants, &m);
    k->hash = hash;
    if (!k->name) put_constant(g, k, &m);
    if (m.status || g->constants.status) fail(g, AML_ENOMEM);
    aml_writer_free(&m);
    return g->status ? "" : k->name;
}

static aml_onnx_value constant_of(aml_onnx_graph *g, aml_onnx_type type, const void *data,
                                  size_t rank, size_t rows, size_t width) {
    return aml_onnx_constant(
        g, &(aml_onnx_tensor){
               .type = type, .rank = rank, .dims = {(int64_t)rows, (int64_t)width}, .data = data});
}

aml_onnx_value aml_onnx_f64(aml_onnx_graph *g, double x) {
    return constant_of(g, AML_ONNX_DOUBLE, &x, 0, 0, 0);
}
aml_onnx_value aml_onnx_f32(aml_onnx_graph *g, float x) {
    return constant_of(g, AML_ONNX_FLOAT, &x, 0, 0, 0);
}
aml_onnx_value aml_onnx_i64(aml_onnx_graph *g, int64_t x) {
    return constant_of(g, AML_ONNX_INT64, &x, 0, 0, 0);
}
aml_onnx_value aml_onnx_i64s(aml_onnx_graph *g, const int64_t *x, size_t n) {
    return constant_of(g, AML_ONNX_INT64, x, 1, n, 0);
}
aml_onnx_value aml_onnx_f64s(aml_onnx_graph *g, const double *x, size_t rows, size_t width) {
    return constant_of(g, AML_ONNX_DOUBLE, x, width ? 2 : 1, rows, width);
}
aml_onnx_value aml_onnx_f32s(aml_onnx_graph *g, const float *x, size_t rows, size_t width) {
    return constant_of(g, AML_ONNX_FLOAT, x, width ? 2 : 1, rows, width);
}

/* ---- nodes */

void aml_onnx_add(aml_onnx_graph *g, const aml_onnx_node *node, aml_onnx_value *outputs) {
    for (size_t i = 0; i < node->n_outputs; i++) outputs[i] = new_name(g, node->op);
    if (g->status) return;
    put_node(g, node, outputs);
    if (g->nodes.status) fail(g, g->nodes.status);
}

static aml_onnx_value add_one(aml_onnx_graph *g, const char *op, const aml_onnx_value *inputs,
                              size_t n) {
    aml_onnx_value out;
    aml_onnx_add(g, &(aml_onnx_node){.op = op, .n_inputs = n, .n_outputs = 1, .inputs = inputs},
                 &out);
    return out;
}

aml_onnx_value aml_onnx_op1(aml_onnx_graph *g, const char *op, aml_onnx_value a) {
    return add_one(g, op, &a, 1);
}

aml_onnx_value aml_onnx_op2(aml_onnx_graph *g, const char *op, aml_onnx_value a, aml_onnx_value b) {
    return add_one(g, op, (aml_onnx_value[]){a, b}, 2);
}

aml_onnx_value aml_onnx_op3(aml_onnx_graph *g, const char *op, aml_onnx_value a, aml_onnx_value b,
                            aml_onnx_value c) {
    return add_one(g, op, (aml_onnx_value[]){a, b, c}, 3);
}

aml_onnx_value aml_onnx_op_with(aml_onnx_graph *g, const char *op, const aml_onnx_value *inputs,
                                size_t n, const char *attribute, int64_t x) {
    aml_onnx_attribute a = {.name = attribute, .kind = AML_ATTRIBUTE_INT, .number = x};
    aml_onnx_value out;
    aml_onnx_add(g,
                 &(aml_onnx_node){.op = op,
                                  .n_inputs = n,
                                  .n_outputs = 1,
                                  .n_attributes = 1,
                                  .inputs = inputs,
                                  .attributes = &a},
                 &out);
    return out;
}

aml_onnx_value aml_onnx_cast(aml_onnx_graph *g, aml_onnx_value a, aml_onnx_type to) {
    return aml_onnx_op_with(g, "Cast", &a, 1, "to", to);
}

aml_onnx_value aml_onnx_concat(aml_onnx_graph *g, const aml_onnx_value *columns, size_t n) {
    return n == 1 ? columns[0] : aml_onnx_op_with(g, "Concat", columns, n, "axis", 1);
}

aml_onnx_value aml_onnx_column(aml_onnx_graph *g, aml_onnx_value matrix, size_t j) {
    aml_onnx_value inputs[] = {matrix, aml_onnx_i64s(g, (int64_t[]){(int64_t)j}, 1)};
    return aml_onnx_op_with(g, "Gather", inputs, 2, "axis", 1);
}

/* The parts are complete fields already: a graph is their bytes one after the other. */
static void put_graph(aml_writer *w, const aml_onnx_graph *g, const char *name) {
    const aml_writer *parts[] = {&g->nodes, &g->constants, &g->inputs, &g->outputs};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i]->status && !w->status) w->status = parts[i]->status;
        aml_put_bytes(w, parts[i]->data, parts[i]->size);
    }
    aml_wire_text(w, GRAPH_NAME, name);
}

/* ---- graphs within */

void aml_onnx_body_begin(aml_onnx_graph *body, aml_onnx_graph *from, aml_onnx_value *inputs,
                         size_t n) {
    aml_onnx_graph_init(body, from->keep);
    body->scope = from->scope;
    body->n_values = from->n_values;
    for (size_t i = 0; i < n; i++) {
        inputs[i] = new_name(body, "input");
        aml_wire_value_of_any_shape(&body->inputs, GRAPH_INPUT, inputs[i], AML_ONNX_DOUBLE);
    }
}

void aml_onnx_body_end(aml_writer *out, aml_onnx_graph *body, aml_onnx_graph *from,
                       aml_onnx_value output) {
    aml_wire_value_of_any_shape(&body->outputs, GRAPH_OUTPUT, output, AML_ONNX_DOUBLE);
    put_graph(out, body, "body");
    if (body->status) fail(from, body->status);
    from->n_values = body->n_values;
    aml_onnx_graph_free(body);
}

/* ---- the model */

enum { MODEL_IR = 1, MODEL_PRODUCER = 2, MODEL_VERSION = 3, MODEL_ABOUT = 6 };
enum { MODEL_GRAPH = 7, MODEL_OPSET = 8, MODEL_PROPERTY = 14, OPSET_DOMAIN = 1, OPSET_NUMBER = 2 };
enum { PROPERTY_KEY = 1, PROPERTY_VALUE = 2 };

static void put_opset(aml_writer *model, const char *domain, int64_t number) {
    aml_writer m = {0};
    aml_wire_text(&m, OPSET_DOMAIN, domain);
    aml_wire_int(&m, OPSET_NUMBER, number);
    aml_wire_message(model, MODEL_OPSET, &m);
    aml_writer_free(&m);
}

static void put_properties(aml_writer *model, const aml_onnx_property *p, size_t n) {
    aml_writer m = {0};
    for (size_t i = 0; i < n; i++) {
        if (!p[i].value) continue;
        aml_wire_text(&m, PROPERTY_KEY, p[i].key);
        aml_wire_text(&m, PROPERTY_VALUE, p[i].value);
        aml_wire_message(model, MODEL_PROPERTY, &m);
    }
    aml_writer_free(&m);
}

aml_status aml_onnx_model(aml_writer *out, const aml_onnx_graph *g, const char *name,
                          const char *about, const aml_onnx_property *properties, size_t n) {
    if (g->status) return g->status;
    aml_wire_int(out, MODEL_IR, AML_ONNX_IR);
    aml_wire_text(out, MODEL_PRODUCER, "automl");
    aml_wire_text(out, MODEL_VERSION, aml_version());
    aml_wire_text(out, MODEL_ABOUT, about);
    aml_writer graph = {0};
    put_graph(&graph, g, name);
    aml_wire_message(out, MODEL_GRAPH, &graph);
    aml_writer_free(&graph);
    put_opset(out, "", AML_ONNX_OPSET);
    put_opset(out, "ai.onnx.ml", AML_ONNX_ML_OPSET);
    put_properties(out, properties, n);
    if (out->status) return out->status;
    if (out->size <= INT32_MAX) return AML_OK;
    return aml_help(aml_fail(AML_EDATA, "the ONNX model would be %zu bytes long", out->size),
                    "ONNX files end at 2 GiB", "export a smaller model, or with --format c");
}
