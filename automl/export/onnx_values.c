/* onnx_values.c: where values of the form are in the graph, and what many operations need. */
#include "automl/export/onnx_write.h"

#include <math.h>
#include <string.h>

/* ---- values */

void aml_onnx_made(aml_onnx_writer *w, uint32_t value, aml_onnx_value made) {
    w->place[value] = (aml_onnx_place){.alone = made};
}

void aml_onnx_made_columns(aml_onnx_writer *w, uint32_t first, size_t n, aml_onnx_value matrix) {
    for (size_t i = 0; i < n; i++)
        w->place[first + i] =
            (aml_onnx_place){.matrix = matrix, .column = (uint32_t)i, .width = (uint32_t)n};
    if (n == 1) w->place[first].alone = matrix;
}

aml_onnx_value aml_onnx_of(aml_onnx_writer *w, uint32_t value) {
    aml_onnx_place *p = &w->place[value];
    if (!p->alone && !w->g.status) p->alone = aml_onnx_column(&w->g, p->matrix, p->column);
    return w->g.status ? "" : p->alone;
}

void *aml_onnx_room(aml_onnx_writer *w, size_t n, size_t size) {
    void *room = w->g.status ? NULL : aml_alloc(w->g.keep, n, size);
    if (!room && !w->g.status) w->g.status = AML_ENOMEM;
    return room;
}

/* Columns of one matrix: all of it, or those. */
static aml_onnx_value pick(aml_onnx_writer *w, const uint32_t *values, size_t n) {
    const aml_onnx_place *p = &w->place[values[0]];
    bool whole = n == p->width;
    int64_t *column = aml_onnx_room(w, n, sizeof *column);
    if (!column) return "";
    for (size_t i = 0; i < n; i++) {
        column[i] = w->place[values[i]].column;
        whole &= (size_t)column[i] == i;
    }
    if (whole) return p->matrix;
    aml_onnx_value inputs[] = {p->matrix, aml_onnx_i64s(&w->g, column, n)};
    return aml_onnx_op_with(&w->g, "Gather", inputs, 2, "axis", 1);
}

static aml_onnx_value as_number(aml_onnx_writer *w, uint32_t value) {
    aml_onnx_value x = aml_onnx_of(w, value);
    if (w->ir->values[value].type != AML_IR_CODE) return x;
    aml_onnx_value missing = aml_onnx_op2(&w->g, "Less", x, aml_onnx_i64(&w->g, 0));
    return aml_onnx_op3(&w->g, "Where", missing, aml_onnx_f32(&w->g, NAN),
                        aml_onnx_cast(&w->g, x, AML_ONNX_FLOAT));
}

aml_onnx_value aml_onnx_beside(aml_onnx_writer *w, const uint32_t *values, size_t n) {
    aml_onnx_value *part = aml_onnx_room(w, n, sizeof *part);
    size_t n_parts = 0;
    if (!part) return "";
    for (size_t i = 0, end; i < n; i = end) {
        aml_onnx_value matrix = w->place[values[i]].matrix;
        for (end = i + 1; matrix && end < n && w->place[values[end]].matrix == matrix;) end++;
        part[n_parts++] = end > i + 1 ? pick(w, values + i, end - i) : as_number(w, values[i]);
    }
    return aml_onnx_concat(&w->g, part, n_parts);
}

aml_onnx_value aml_onnx_inputs(aml_onnx_writer *w, const aml_op *const *ops, size_t n,
                               size_t which) {
    uint32_t *in = aml_onnx_room(w, n, sizeof *in);
    for (size_t i = 0; in && i < n; i++) in[i] = ops[i]->in[which];
    return in ? aml_onnx_beside(w, in, n) : "";
}

void aml_onnx_outputs(aml_onnx_writer *w, const aml_op *const *ops, size_t n,
                      aml_onnx_value matrix) {
    for (size_t i = 0; i < n; i++)
        w->place[ops[i]->first_out] = (aml_onnx_place){.matrix = matrix,
                                                       .column = (uint32_t)i,
                                                       .width = (uint32_t)n,
                                                       .alone = n == 1 ? matrix : NULL};
}

/* ---- ranges, tables, sums */

aml_onnx_value aml_onnx_within_f64(aml_onnx_graph *g, aml_onnx_value x, double lo, double hi) {
    return aml_onnx_op3(g, "Clip", x, aml_onnx_f64(g, lo), aml_onnx_f64(g, hi));
}

aml_onnx_value aml_onnx_within_f32(aml_onnx_graph *g, aml_onnx_value x, float lo, float hi) {
    return aml_onnx_op3(g, "Clip", x, aml_onnx_f32(g, lo), aml_onnx_f32(g, hi));
}

aml_onnx_value aml_onnx_to_float(aml_onnx_graph *g, aml_onnx_value x) {
    return aml_onnx_cast(g, aml_onnx_within_f64(g, x, -3e38, 3e38), AML_ONNX_FLOAT);
}

/* -1 and -2 become width and width + 1: width - 1 - code. */
aml_onnx_value aml_onnx_row(aml_onnx_graph *g, aml_onnx_value code, size_t width) {
    aml_onnx_value none = aml_onnx_op2(g, "Less", code, aml_onnx_i64(g, 0));
    aml_onnx_value last = aml_onnx_i64(g, (int64_t)width - 1);
    return aml_onnx_op3(g, "Where", none, aml_onnx_op2(g, "Sub", last, code), code);
}

static aml_onnx_value over_columns(aml_onnx_graph *g, const char *op, aml_onnx_value matrix) {
    return aml_onnx_op2(g, op, matrix, aml_onnx_i64s(g, (int64_t[]){1}, 1));
}

aml_onnx_value aml_onnx_row_sums(aml_onnx_graph *g, aml_onnx_value matrix) {
    return over_columns(g, "ReduceSum", matrix);
}

/* Gather gives [rows, 1, width]. */
aml_onnx_value aml_onnx_take_rows(aml_onnx_graph *g, aml_onnx_value table, aml_onnx_value place) {
    return over_columns(g, "Squeeze", aml_onnx_op2(g, "Gather", table, place));
}

aml_onnx_value aml_onnx_encode(aml_onnx_graph *g, aml_onnx_value x, const aml_onnx_tensor *keys,
                               const int64_t *codes) {
    const int64_t unseen = -2;
    const aml_onnx_attribute attributes[] = {
        {.name = "keys_tensor", .kind = AML_ATTRIBUTE_TENSOR, .tensor = *keys},
        {.name = "values_tensor",
         .kind = AML_ATTRIBUTE_TENSOR,
         .tensor = {AML_ONNX_INT64, 1, {keys->dims[0]}, codes}},
        {.name = "default_tensor",
         .kind = AML_ATTRIBUTE_TENSOR,
         .tensor = {AML_ONNX_INT64, 1, {1}, &unseen}}};
    aml_onnx_value out;
    aml_onnx_add(g,
                 &(aml_onnx_node){.op = "LabelEncoder",
                                  .ml = true,
                                  .n_inputs = 1,
                                  .n_outputs = 1,
                                  .n_attributes = 3,
                                  .inputs = &x,
                                  .attributes = attributes},
                 &out);
    return out;
}

aml_onnx_value aml_onnx_place_among(aml_onnx_writer *w, aml_onnx_value equal, size_t n) {
    double *number = aml_onnx_room(w, n, sizeof *number);
    if (!number) return "";
    for (size_t i = 0; i < n; i++) number[i] = (double)i + 2;
    aml_onnx_value at = aml_onnx_op2(&w->g, "MatMul", aml_onnx_cast(&w->g, equal, AML_ONNX_DOUBLE),
                                     aml_onnx_f64s(&w->g, number, n, 1));
    return aml_onnx_op2(&w->g, "Sub", aml_onnx_cast(&w->g, at, AML_ONNX_INT64),
                        aml_onnx_i64(&w->g, 2));
}

/* ---- functions */

aml_onnx_value aml_onnx_log1p(aml_onnx_graph *g, aml_onnx_value x) {
    aml_onnx_value one = aml_onnx_f64(g, 1), u = aml_onnx_op2(g, "Add", x, one);
    aml_onnx_value less = aml_onnx_op2(g, "Sub", u, one), tiny = aml_onnx_op2(g, "Equal", u, one),
                   safe = aml_onnx_op3(g, "Where", tiny, one, less);
    aml_onnx_value exact =
        aml_onnx_op2(g, "Div", aml_onnx_op2(g, "Mul", aml_onnx_op1(g, "Log", u), x), safe);
    return aml_onnx_op3(g, "Where", tiny, x, exact);
}

aml_onnx_value aml_onnx_expm1(aml_onnx_graph *g, aml_onnx_value x) {
    aml_onnx_value one = aml_onnx_f64(g, 1), u = aml_onnx_op1(g, "Exp", x);
    aml_onnx_value less = aml_onnx_op2(g, "Sub", u, one), log_u = aml_onnx_op1(g, "Log", u);
    aml_onnx_value tiny = aml_onnx_op2(g, "Equal", u, one),
                   flat = aml_onnx_op2(g, "Equal", less, aml_onnx_f64(g, -1)),
                   huge = aml_onnx_op1(g, "IsInf", u);
    aml_onnx_value safe = aml_onnx_op3(g, "Where", tiny, one, log_u);
    aml_onnx_value exact = aml_onnx_op2(g, "Div", aml_onnx_op2(g, "Mul", less, x), safe);
    exact = aml_onnx_op3(g, "Where", aml_onnx_op2(g, "Or", flat, huge), less, exact);
    return aml_onnx_op3(g, "Where", tiny, x, exact);
}

aml_onnx_value aml_onnx_logistic(aml_onnx_graph *g, aml_onnx_value z) {
    aml_onnx_value one = aml_onnx_f64(g, 1);
    aml_onnx_value e = aml_onnx_op1(g, "Exp", aml_onnx_op1(g, "Neg", z));
    return aml_onnx_op2(g, "Div", one, aml_onnx_op2(g, "Add", one, e));
}

/* ---- curves */

/* Rises from knot to knot; those of width 0 become INFINITY, by which nothing is left of a share. */
static aml_onnx_value steps(aml_onnx_graph *g, const double *x, size_t n, bool divides,
                            aml_onnx_value at) {
    double *step = aml_alloc(g->keep, n, sizeof *step);
    if (!step) {
        g->status = AML_ENOMEM;
        return "";
    }
    for (size_t i = 0; i + 1 < n; i++) {
        step[i] = x[i + 1] - x[i];
        if (divides && !(step[i] > 0)) step[i] = INFINITY;
    }
    return aml_onnx_op2(g, "Gather", aml_onnx_f64s(g, step, n - 1, 0), at);
}

/* The last knot ≤ x but for the very last: how many are, less one, kept in range. */
static aml_onnx_value segment(aml_onnx_graph *g, aml_onnx_value x, const aml_onnx_curve *c) {
    aml_onnx_value reached =
        aml_onnx_op2(g, "GreaterOrEqual", x, aml_onnx_f64s(g, c->from, 1, c->n));
    aml_onnx_value below = aml_onnx_row_sums(g, aml_onnx_cast(g, reached, AML_ONNX_INT64));
    below = aml_onnx_op2(g, "Sub", below, aml_onnx_i64(g, 1));
    return aml_onnx_op3(g, "Clip", below, aml_onnx_i64(g, 0), aml_onnx_i64(g, (int64_t)c->n - 2));
}

aml_onnx_value aml_onnx_follow(aml_onnx_graph *g, aml_onnx_value x, const aml_onnx_curve *c) {
    size_t last = c->n - 1;
    aml_onnx_value at = segment(g, x, c),
                   x0 = aml_onnx_op2(g, "Gather", aml_onnx_f64s(g, c->from, last, 0), at),
                   y0 = aml_onnx_op2(g, "Gather", aml_onnx_f64s(g, c->to, last, 0), at);
    aml_onnx_value share =
        aml_onnx_op2(g, "Div", aml_onnx_op2(g, "Sub", x, x0), steps(g, c->from, c->n, true, at));
    aml_onnx_value y =
        aml_onnx_op2(g, "Add", y0, aml_onnx_op2(g, "Mul", share, steps(g, c->to, c->n, false, at)));
    aml_onnx_value low = aml_onnx_op2(g, "LessOrEqual", x, aml_onnx_f64(g, c->from[0])),
                   high = aml_onnx_op2(g, "GreaterOrEqual", x, aml_onnx_f64(g, c->from[last]));
    y = aml_onnx_op3(g, "Where", high, aml_onnx_f64(g, c->to[last]), y);
    return aml_onnx_op3(g, "Where", low, aml_onnx_f64(g, c->to[0]), y);
}
