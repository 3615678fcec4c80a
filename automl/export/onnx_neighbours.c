/* onnx_neighbours.c: votes of the nearest rows. Squared distances are summed feature by feature in float, in four sums, as
 * the engine does (lower.h), so that the same rows are the nearest. */
#include "automl/export/onnx_write.h"

/* ---- distances: float [rows, n] */

static aml_onnx_value *columns_of(aml_onnx_writer *w, uint32_t design, size_t p) {
    aml_onnx_graph *g = &w->g;
    aml_onnx_value *column = aml_onnx_room(w, p, sizeof *column), x = aml_onnx_of(w, design);
    if (!column) return NULL;
    x = aml_onnx_op3(g, "Where", aml_onnx_op1(g, "IsNaN", x), aml_onnx_f32(g, 0), x);
    x = aml_onnx_within_f32(g, x, -1e15f, 1e15f);
    const aml_onnx_attribute attributes[] = {
        {.name = "axis", .kind = AML_ATTRIBUTE_INT, .number = 1},
        {.name = "num_outputs", .kind = AML_ATTRIBUTE_INT, .number = (int64_t)p}};
    aml_onnx_add(g,
                 &(aml_onnx_node){.op = "Split",
                                  .n_inputs = 1,
                                  .n_outputs = p,
                                  .n_attributes = 2,
                                  .inputs = &x,
                                  .attributes = attributes},
                 column);
    return column;
}

static aml_onnx_value squares(aml_onnx_writer *w, const aml_op *op, aml_onnx_value x, size_t j,
                              size_t p, size_t n) {
    const float *row = aml_op_attr(op, "row")->v.f32;
    float *feature = aml_onnx_room(w, n, sizeof *feature);
    if (!feature) return "";
    for (size_t i = 0; i < n; i++) feature[i] = row[i * p + j];
    aml_onnx_value d = aml_onnx_op2(&w->g, "Sub", aml_onnx_f32s(&w->g, feature, 1, n), x);
    return aml_onnx_op2(&w->g, "Mul", d, d);
}

static aml_onnx_value distances(aml_onnx_writer *w, const aml_op *op, size_t n) {
    size_t p = w->ir->values[op->in[0]].width;
    aml_onnx_value sum[4] = {NULL}, *x = p ? columns_of(w, op->in[0], p) : NULL;
    float *zero = aml_onnx_room(w, n, sizeof *zero);
    if (w->g.status || !zero) return "";
    aml_onnx_graph *g = &w->g;
    for (size_t j = 0; j < p; j++) {
        aml_onnx_value d = squares(w, op, x[j], j, p, n), *to = &sum[j % 4];
        *to = *to ? aml_onnx_op2(g, "Add", *to, d) : d;
    }
    if (!p) { /* all rows are equal */
        aml_onnx_value size[] = {w->rows, aml_onnx_i64s(g, (int64_t[]){(int64_t)n}, 1)};
        return aml_onnx_op2(g, "Expand", aml_onnx_f32s(g, zero, 1, n),
                            aml_onnx_op_with(g, "Concat", size, 2, "axis", 0));
    }
    for (size_t s = 1; s < 4; s++)
        if (!sum[s]) sum[s] = aml_onnx_f32(g, 0);
    return aml_onnx_op2(g, "Add", aml_onnx_op2(g, "Add", sum[0], sum[1]),
                        aml_onnx_op2(g, "Add", sum[2], sum[3]));
}

/* ---- votes: double [rows, k] */

/* Before their weights: 1 each, for all rows alike, or by distance. */
static aml_onnx_value raw_votes(aml_onnx_writer *w, const aml_op *op, aml_onnx_value distance,
                                size_t k) {
    aml_onnx_graph *g = &w->g;
    aml_onnx_value zero = aml_onnx_f64(g, 0);
    double *one = aml_onnx_room(w, k, sizeof *one);
    for (size_t i = 0; one && i < k; i++) one[i] = 1;
    if (!one) return "";
    if (!(aml_op_real(op, "by_distance") > 0)) return aml_onnx_f64s(g, one, 1, k);
    aml_onnx_value d = aml_onnx_cast(g, distance, AML_ONNX_DOUBLE),
                   same = aml_onnx_op2(g, "LessOrEqual", d, zero),
                   far = aml_onnx_op2(g, "Greater", aml_onnx_column(g, d, 0), zero);
    aml_onnx_value inverse = aml_onnx_op2(g, "Div", aml_onnx_f64(g, 1), aml_onnx_op1(g, "Sqrt", d));
    return aml_onnx_op3(g, "Where", far, inverse, aml_onnx_cast(g, same, AML_ONNX_DOUBLE));
}

static aml_onnx_value of_rows(aml_onnx_writer *w, const aml_op *op, const char *name,
                              aml_onnx_value row) {
    const aml_attr *a = aml_op_attr(op, name);
    return aml_onnx_op2(&w->g, "Gather", aml_onnx_f64s(&w->g, a->v.f64, a->n, 0), row);
}

static aml_onnx_value vote_number(aml_onnx_graph *g, aml_onnx_value vote, aml_onnx_value total,
                                  aml_onnx_value y) {
    aml_onnx_value share = aml_onnx_op2(g, "Div", vote, total);
    return aml_onnx_row_sums(g, aml_onnx_op2(g, "Mul", share, y));
}

/* Class by class: prior and votes, over all votes and one more. */
static aml_onnx_value vote_classes(aml_onnx_writer *w, const aml_op *op, aml_onnx_value vote,
                                   aml_onnx_value total, aml_onnx_value y) {
    aml_onnx_graph *g = &w->g;
    size_t k = w->ir->values[op->first_out].width, first = k == 1;
    const double *prior = aml_op_attr(op, "prior")->v.f64;
    aml_onnx_value *share = aml_onnx_room(w, k, sizeof *share), one = aml_onnx_f64(g, 1);
    if (!share) return "";
    for (size_t c = 0; c < k; c++) {
        aml_onnx_value own = aml_onnx_op2(g, "Equal", y, aml_onnx_f64(g, (double)(c + first)));
        own = aml_onnx_op3(g, "Where", own, vote, aml_onnx_f64(g, 0));
        share[c] =
            aml_onnx_op2(g, "Add", aml_onnx_f64(g, prior[c + first]), aml_onnx_row_sums(g, own));
    }
    aml_onnx_value out =
        aml_onnx_op2(g, "Div", aml_onnx_concat(g, share, k), aml_onnx_op2(g, "Add", total, one));
    return k == 1 ? aml_onnx_op2(g, "Min", out, one) : out;
}

void aml_onnx_neighbours(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    const aml_op *op = ops[0];
    aml_onnx_graph *g = &w->g;
    size_t n_rows = aml_op_attr(op, "y")->n;
    double k = aml_op_real(op, "k");
    aml_onnx_value found[2],
        inputs[] = {distances(w, op, n_rows), aml_onnx_i64s(g, (int64_t[]){(int64_t)k}, 1)};
    const aml_onnx_attribute attributes[] = {
        {.name = "largest", .kind = AML_ATTRIBUTE_INT, .number = 0},
        {.name = "sorted", .kind = AML_ATTRIBUTE_INT, .number = 1}};
    (void)n;
    aml_onnx_add(g,
                 &(aml_onnx_node){.op = "TopK",
                                  .n_inputs = 2,
                                  .n_outputs = 2,
                                  .n_attributes = 2,
                                  .inputs = inputs,
                                  .attributes = attributes},
                 found);
    aml_onnx_value raw = raw_votes(w, op, found[0], (size_t)k);
    aml_onnx_value unit = aml_onnx_op2(g, "Div", aml_onnx_f64(g, k), aml_onnx_row_sums(g, raw));
    aml_onnx_value weight = aml_onnx_op2(g, "Mul", of_rows(w, op, "w", found[1]), unit);
    aml_onnx_value vote = aml_onnx_op2(g, "Mul", raw, weight), total = aml_onnx_row_sums(g, vote),
                   y = of_rows(w, op, "y", found[1]);
    aml_onnx_made(w, op->first_out,
                  aml_op_real(op, "classes") > 0 ? vote_classes(w, op, vote, total, y)
                                                 : vote_number(g, vote, total, y));
}
