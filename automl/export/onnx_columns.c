/* onnx_columns.c: inputs, missing cells, arithmetic. */
#include "automl/export/onnx_write.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* ---- input */

static aml_onnx_value read_levels(aml_onnx_writer *w, const char *name, const aml_attr *levels) {
    const char **key = aml_onnx_room(w, levels->n + 1, sizeof *key);
    int64_t *code = aml_onnx_room(w, levels->n + 1, sizeof *code);
    if (!key || !code) return "";
    key[0] = "", code[0] = -1;
    for (size_t l = 0; l < levels->n; l++)
        key[l + 1] = levels->v.texts[l], code[l + 1] = (int64_t)l;
    const aml_onnx_tensor keys = {AML_ONNX_STRING, 1, {(int64_t)levels->n + 1}, key};
    return aml_onnx_encode(&w->g, name, &keys, code);
}

/* Numbers come side by side: one conversion for all. */
static void read_numbers(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    aml_onnx_value *name = aml_onnx_room(w, n, sizeof *name);
    for (size_t i = 0; name && i < n; i++) name[i] = aml_op_text(ops[i], "column");
    if (name)
        aml_onnx_outputs(w, ops, n, aml_onnx_to_float(&w->g, aml_onnx_concat(&w->g, name, n)));
}

void aml_onnx_input_op(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    uint32_t out = ops[0]->first_out;
    aml_ir_type type = w->ir->values[out].type;
    if (type == AML_IR_NUMBER) {
        read_numbers(w, ops, n);
        return;
    }
    aml_onnx_value x = aml_op_text(ops[0], "column");
    if (type == AML_IR_CODE) x = read_levels(w, x, aml_op_attr(ops[0], "levels"));
    aml_onnx_made(w, out, x);
}

/* ---- missing cells */

static aml_onnx_value is_missing(aml_onnx_writer *w, uint32_t value) {
    aml_onnx_value x = aml_onnx_of(w, value), nothing = "";
    switch (w->ir->values[value].type) {
    case AML_IR_CODE: return aml_onnx_op2(&w->g, "Equal", x, aml_onnx_i64(&w->g, -1));
    case AML_IR_TEXT: break;
    default: return aml_onnx_op1(&w->g, "IsNaN", x);
    }
    aml_onnx_tensor text = {.type = AML_ONNX_STRING, .data = &nothing};
    return aml_onnx_op2(&w->g, "Equal", x, aml_onnx_constant(&w->g, &text));
}

void aml_onnx_missing(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    bool numbers = w->ir->values[ops[0]->in[0]].type == AML_IR_NUMBER;
    aml_onnx_value is = numbers ? aml_onnx_op1(&w->g, "IsNaN", aml_onnx_inputs(w, ops, n, 0))
                                : is_missing(w, ops[0]->in[0]);
    aml_onnx_outputs(w, ops, n, aml_onnx_cast(&w->g, is, AML_ONNX_FLOAT));
}

/* Of 64 bits, as if unsigned: what alone may be shifted. */
static aml_onnx_value shift_right(aml_onnx_graph *g, aml_onnx_value h, uint64_t bits) {
    const aml_onnx_tensor by = {.type = AML_ONNX_UINT64, .data = &bits};
    const aml_onnx_attribute right = {
        .name = "direction", .kind = AML_ATTRIBUTE_TEXT, .text = "RIGHT"};
    aml_onnx_value inputs[] = {aml_onnx_cast(g, h, AML_ONNX_UINT64), aml_onnx_constant(g, &by)},
                   out;
    aml_onnx_add(g,
                 &(aml_onnx_node){.op = "BitShift",
                                  .n_inputs = 2,
                                  .n_outputs = 1,
                                  .n_attributes = 1,
                                  .inputs = inputs,
                                  .attributes = &right},
                 &out);
    return aml_onnx_cast(g, out, AML_ONNX_INT64);
}

/* h = (h + place + 1) * 0x9FB21C651E98DF25, h ^= h >> 29, where products wrap. */
static aml_onnx_value stir(aml_onnx_graph *g, aml_onnx_value h, uint32_t place) {
    h = aml_onnx_op2(g, "Add", h, aml_onnx_i64(g, (int64_t)place + 1));
    h = aml_onnx_op2(g, "Mul", h, aml_onnx_i64(g, (int64_t)0x9FB21C651E98DF25u));
    return aml_onnx_op2(g, "BitwiseXor", h, shift_right(g, h, 29));
}

void aml_onnx_missing_pattern(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    const aml_op *op = ops[0];
    const aml_attr *place = aml_op_attr(op, "place"), *hash = aml_op_attr(op, "hash");
    aml_onnx_graph *g = &w->g;
    aml_onnx_value count = aml_onnx_i64(g, 0), h = aml_onnx_i64(g, 1);
    (void)n;
    for (uint32_t i = 0; i < op->n_in; i++) {
        aml_onnx_value is = is_missing(w, op->in[i]);
        count = aml_onnx_op2(g, "Add", count, aml_onnx_cast(g, is, AML_ONNX_INT64));
        h = aml_onnx_op3(g, "Where", is, stir(g, h, place->v.u32[i]), h);
    }
    aml_onnx_value key = aml_onnx_cast(g, shift_right(g, h, 12), AML_ONNX_DOUBLE);
    aml_onnx_value equal = aml_onnx_op2(g, "Equal", key, aml_onnx_f64s(g, hash->v.f64, 1, hash->n));
    aml_onnx_made(w, op->first_out, aml_onnx_cast(g, count, AML_ONNX_FLOAT));
    aml_onnx_made(w, op->first_out + 1, aml_onnx_place_among(w, equal, hash->n));
}

/* ---- numbers */

void aml_onnx_impute(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    float *value = aml_onnx_room(w, n, sizeof *value);
    aml_onnx_value x = aml_onnx_inputs(w, ops, n, 0);
    if (!value) return;
    for (size_t i = 0; i < n; i++) value[i] = (float)aml_op_real(ops[i], "value");
    aml_onnx_outputs(w, ops, n,
                     aml_onnx_op3(&w->g, "Where", aml_onnx_op1(&w->g, "IsNaN", x),
                                  aml_onnx_f32s(&w->g, value, 1, n), x));
}

void aml_onnx_arithmetic(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    static const char *const names[][2] = {{"*", "Mul"}, {"+", "Add"}, {"-", "Sub"}, {"/", "Div"}};
    const char *sign = aml_op_text(ops[0], "sign"), *op = NULL;
    for (size_t i = 0; i < 4; i++)
        if (!strcmp(names[i][0], sign)) op = names[i][1];
    assert(op);
    aml_onnx_graph *g = &w->g;
    aml_onnx_value a = aml_onnx_cast(g, aml_onnx_inputs(w, ops, n, 0), AML_ONNX_DOUBLE),
                   b = aml_onnx_cast(g, aml_onnx_inputs(w, ops, n, 1), AML_ONNX_DOUBLE),
                   c = aml_onnx_op2(g, op, a, b);
    if (*sign == '/') {
        aml_onnx_value none = aml_onnx_op2(g, "Equal", b, aml_onnx_f64(g, 0));
        c = aml_onnx_op3(g, "Where", none, aml_onnx_f64(g, NAN), c);
    }
    aml_onnx_outputs(w, ops, n, aml_onnx_to_float(g, c));
}
