/* onnx_levels.c: what is made of levels: tables, indicators, crossings; and levels made of numbers. */
#include "automl/export/onnx_write.h"

#include <math.h>
#include <string.h>

/* ---- tables by row(code) */

static aml_onnx_value row_of(aml_onnx_writer *w, uint32_t code) {
    return aml_onnx_row(&w->g, aml_onnx_of(w, code), w->ir->values[code].width);
}

/* Column `which` of a table of [rows, width] at the code's row. */
static aml_onnx_value look_up(aml_onnx_writer *w, aml_onnx_value row, const float *table,
                              size_t rows, size_t width, size_t which) {
    float *column = aml_onnx_room(w, rows, sizeof *column);
    if (!column) return "";
    for (size_t i = 0; i < rows; i++) column[i] = table[i * width + which];
    return aml_onnx_op2(&w->g, "Gather", aml_onnx_f32s(&w->g, column, rows, 0), row);
}

void aml_onnx_recode(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    const aml_attr *table = aml_op_attr(ops[0], "table");
    int64_t *code = aml_onnx_room(w, table->n, sizeof *code);
    (void)n;
    for (size_t l = 0; code && l < table->n; l++) code[l] = table->v.i32[l];
    if (!code) return;
    aml_onnx_made(w, ops[0]->first_out,
                  aml_onnx_op2(&w->g, "Gather", aml_onnx_i64s(&w->g, code, table->n),
                               row_of(w, ops[0]->in[0])));
}

void aml_onnx_lookup(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    const aml_op *op = ops[0];
    const aml_attr *table = aml_op_attr(op, "table");
    aml_onnx_value row = row_of(w, op->in[0]);
    (void)n;
    for (uint32_t k = 0; k < op->n_out; k++)
        aml_onnx_made(w, op->first_out + k,
                      look_up(w, row, table->v.f32, table->n / op->n_out, op->n_out, k));
}

/* The number x of a row within its level: see lower.h. */
static aml_onnx_value rank_of(aml_onnx_writer *w, aml_onnx_value x, aml_onnx_value knots,
                              size_t n) {
    aml_onnx_graph *g = &w->g;
    aml_onnx_value below = aml_onnx_op2(g, "Less", knots, x),
                   equal = aml_onnx_op2(g, "Equal", knots, x);
    aml_onnx_value half = aml_onnx_op3(g, "Where", equal, aml_onnx_f32(g, 0.5f),
                                       aml_onnx_cast(g, below, AML_ONNX_FLOAT));
    aml_onnx_value rank =
        aml_onnx_op2(g, "Div", aml_onnx_row_sums(g, half), aml_onnx_f32(g, (float)n));
    return aml_onnx_op3(g, "Where", aml_onnx_op1(g, "IsNaN", x), aml_onnx_f32(g, NAN), rank);
}

static aml_onnx_value to_mean(aml_onnx_graph *g, aml_onnx_value x, aml_onnx_value mean,
                              bool ratio) {
    aml_onnx_value none = aml_onnx_op2(g, "Equal", mean, aml_onnx_f32(g, 0));
    aml_onnx_value a = aml_onnx_cast(g, x, AML_ONNX_DOUBLE),
                   b = aml_onnx_cast(g, mean, AML_ONNX_DOUBLE);
    if (!ratio) return aml_onnx_to_float(g, aml_onnx_op2(g, "Sub", a, b));
    return aml_onnx_op3(g, "Where", none, aml_onnx_f32(g, NAN),
                        aml_onnx_to_float(g, aml_onnx_op2(g, "Div", a, b)));
}

void aml_onnx_within(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    const aml_op *op = ops[0];
    const aml_attr *table = aml_op_attr(op, "table");
    const char *relation = aml_op_text(op, "relation");
    size_t width = (size_t)aml_op_real(op, "n"), rows = table->n / width;
    aml_onnx_value x = aml_onnx_of(w, op->in[0]), row = row_of(w, op->in[1]), out;
    (void)n;
    if (!strcmp(relation, "rank")) {
        aml_onnx_value knots = aml_onnx_f32s(&w->g, table->v.f32, rows, width);
        out = rank_of(w, x, aml_onnx_take_rows(&w->g, knots, row), width);
    } else
        out = to_mean(&w->g, x, look_up(w, row, table->v.f32, rows, 1, 0),
                      !strcmp(relation, "ratio"));
    aml_onnx_made(w, op->first_out, out);
}

/* ---- indicators */

/* place[row(code)]; `none` for levels without a place, missing and unseen ones. */
static aml_onnx_value place_of(aml_onnx_writer *w, const aml_op *op, int64_t none) {
    const aml_attr *place = aml_op_attr(op, "place");
    int64_t *at = aml_onnx_room(w, place->n + 2, sizeof *at);
    if (!at) return "";
    for (size_t l = 0; l < place->n + 2; l++) {
        bool has = l < place->n && place->v.i32[l] >= 0;
        at[l] = has ? place->v.i32[l] : none;
    }
    return aml_onnx_op2(&w->g, "Gather", aml_onnx_i64s(&w->g, at, place->n + 2),
                        row_of(w, op->in[0]));
}

/* OneHot of [rows, 1] is [rows, 1, n]. */
void aml_onnx_one_hot(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    const aml_op *op = ops[0];
    aml_onnx_graph *g = &w->g;
    const float off_on[] = {0, 1};
    (void)n;
    if (!op->n_out) return;
    aml_onnx_value place = place_of(w, op, op->n_out),
                   depth = aml_onnx_i64s(g, (int64_t[]){op->n_out}, 1);
    aml_onnx_value hot = aml_onnx_op3(g, "OneHot", place, depth, aml_onnx_f32s(g, off_on, 2, 0));
    aml_onnx_made_columns(w, op->first_out, op->n_out,
                          aml_onnx_op2(g, "Squeeze", hot, aml_onnx_i64s(g, (int64_t[]){1}, 1)));
}

void aml_onnx_indicator(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    uint32_t out = ops[0]->first_out;
    (void)n;
    aml_onnx_made(w, out, place_of(w, ops[0], w->ir->values[out].width));
}

/* ---- new levels */

void aml_onnx_few_values(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    const aml_attr *value = aml_op_attr(ops[0], "value");
    aml_onnx_graph *g = &w->g;
    aml_onnx_value x = aml_onnx_of(w, ops[0]->in[0]);
    aml_onnx_value equal = aml_onnx_op2(g, "Equal", x, aml_onnx_f32s(g, value->v.f32, 1, value->n));
    (void)n;
    aml_onnx_made(w, ops[0]->first_out,
                  aml_onnx_op3(g, "Where", aml_onnx_op1(g, "IsNaN", x), aml_onnx_i64(g, -1),
                               aml_onnx_place_among(w, equal, value->n)));
}

/* Keys are row(a) * (levels of b + 2) + row(b). */
void aml_onnx_cross(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    const aml_op *op = ops[0];
    const aml_attr *first = aml_op_attr(op, "first"), *second = aml_op_attr(op, "second");
    aml_onnx_graph *g = &w->g;
    int64_t width = (int64_t)w->ir->values[op->in[1]].width + 2;
    int64_t *key = aml_onnx_room(w, first->n + 1, sizeof *key),
            *level = aml_onnx_room(w, first->n + 1, sizeof *level);
    (void)n;
    if (!key || !level) return;
    key[0] = -1, level[0] = -2; /* so that there is one */
    for (size_t l = 0; l < first->n; l++) {
        key[l + 1] = (int64_t)first->v.u32[l] * width + second->v.u32[l];
        level[l + 1] = (int64_t)l;
    }
    aml_onnx_value a = row_of(w, op->in[0]), b = row_of(w, op->in[1]);
    aml_onnx_value pair =
        aml_onnx_op2(g, "Add", aml_onnx_op2(g, "Mul", a, aml_onnx_i64(g, width)), b);
    const aml_onnx_tensor keys = {AML_ONNX_INT64, 1, {(int64_t)first->n + 1}, key};
    aml_onnx_made(w, op->first_out, aml_onnx_encode(g, pair, &keys, level));
}
