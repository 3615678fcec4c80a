/* onnx_project.c: numbers as a whole: components, distances. */
#include "automl/export/onnx_write.h"

/* (x - center) * factor of all inputs, double; 0 for NaN. */
static aml_onnx_value centered(aml_onnx_writer *w, const aml_op *op) {
    aml_onnx_graph *g = &w->g;
    aml_onnx_value center = aml_onnx_f64s(g, aml_op_attr(op, "center")->v.f64, 1, op->n_in),
                   factor = aml_onnx_f64s(g, aml_op_attr(op, "factor")->v.f64, 1, op->n_in);
    aml_onnx_value x = aml_onnx_cast(g, aml_onnx_beside(w, op->in, op->n_in), AML_ONNX_DOUBLE);
    aml_onnx_value d = aml_onnx_op2(g, "Mul", aml_onnx_op2(g, "Sub", x, center), factor);
    return aml_onnx_op3(g, "Where", aml_onnx_op1(g, "IsNaN", d), aml_onnx_f64(g, 0), d);
}

void aml_onnx_project(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    const aml_op *op = ops[0];
    aml_onnx_value matrix =
        aml_onnx_f64s(&w->g, aml_op_attr(op, "matrix")->v.f64, op->n_in, op->n_out);
    (void)n;
    aml_onnx_value out = aml_onnx_op2(&w->g, "MatMul", centered(w, op), matrix);
    aml_onnx_made_columns(w, op->first_out, op->n_out, aml_onnx_to_float(&w->g, out));
}

void aml_onnx_project_sparse(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    const aml_op *op = ops[0];
    const aml_attr *matrix = aml_op_attr(op, "matrix");
    double *table = aml_onnx_room(w, matrix->n, sizeof *table);
    (void)n;
    if (!table) return;
    for (size_t i = 0; i < matrix->n; i++) table[i] = (double)matrix->v.f32[i];
    aml_onnx_value z = aml_onnx_add_entries(w, NULL, op->in, op->n_in, table, op->n_out);
    aml_onnx_made_columns(w, op->first_out, op->n_out, aml_onnx_to_float(&w->g, z));
}

/* Point by point: all at once would need rows × points × numbers. */
void aml_onnx_distances(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    const aml_op *op = ops[0];
    const double *point = aml_op_attr(op, "point")->v.f64;
    aml_onnx_graph *g = &w->g;
    aml_onnx_value d = centered(w, op), *square = aml_onnx_room(w, op->n_out, sizeof *square);
    (void)n;
    for (uint32_t i = 0; square && i < op->n_out; i++) {
        aml_onnx_value far =
            aml_onnx_op2(g, "Sub", d, aml_onnx_f64s(g, point + (size_t)i * op->n_in, 1, op->n_in));
        square[i] = aml_onnx_row_sums(g, aml_onnx_op2(g, "Mul", far, far));
    }
    if (!square) return;
    aml_onnx_value all = aml_onnx_op1(g, "Sqrt", aml_onnx_concat(g, square, op->n_out));
    aml_onnx_made_columns(w, op->first_out, op->n_out, aml_onnx_to_float(g, all));
}
