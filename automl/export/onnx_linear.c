/* onnx_linear.c: designs, and learners that are sums over their features. */
#include "automl/export/onnx_write.h"

/* ---- designs: numbers before sparse values among the inputs */

static size_t numbers_of(const aml_onnx_writer *w, const aml_op *design) {
    size_t n = 0;
    while (n < design->n_in && w->ir->values[design->in[n]].type != AML_IR_SPARSE) n++;
    return n;
}

void aml_onnx_design(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    size_t p = numbers_of(w, ops[0]);
    (void)n;
    if (p) aml_onnx_made(w, ops[0]->first_out, aml_onnx_beside(w, ops[0]->in, p));
}

aml_onnx_value aml_onnx_limited(aml_onnx_writer *w, uint32_t design) {
    aml_onnx_graph *g = &w->g;
    if (!w->ir->values[design].width) return NULL;
    aml_onnx_value x = aml_onnx_of(w, design);
    x = aml_onnx_op3(g, "Where", aml_onnx_op1(g, "IsNaN", x), aml_onnx_f32(g, 0), x);
    return aml_onnx_cast(g, aml_onnx_within_f32(g, x, -1e30f, 1e30f), AML_ONNX_DOUBLE);
}

aml_onnx_value aml_onnx_add_entries(aml_onnx_writer *w, aml_onnx_value z, const uint32_t *sparse,
                                    size_t n, const double *table, size_t k) {
    for (size_t i = 0; i < n; i++) {
        size_t width = w->ir->values[sparse[i]].width;
        double *part = aml_onnx_room(w, (width + 1) * k, sizeof *part); /* last: no entry */
        if (!part) return "";
        for (size_t j = 0; j < width * k; j++) part[j] = table[j];
        aml_onnx_value add = aml_onnx_take_rows(&w->g, aml_onnx_f64s(&w->g, part, width + 1, k),
                                                aml_onnx_of(w, sparse[i]));
        z = z ? aml_onnx_op2(&w->g, "Add", z, add) : add;
        table += width * k;
    }
    return z;
}

aml_onnx_value aml_onnx_add_sparse(aml_onnx_writer *w, aml_onnx_value z, uint32_t design,
                                   const double *table, size_t k) {
    const aml_op *op = w->maker[design];
    size_t p = numbers_of(w, op);
    return aml_onnx_add_entries(w, z, op->in + p, op->n_in - p, table, k);
}

aml_onnx_value aml_onnx_every_row(aml_onnx_writer *w, const double *constant, size_t k) {
    aml_onnx_value size[] = {w->rows, aml_onnx_i64s(&w->g, (int64_t[]){(int64_t)k}, 1)};
    return aml_onnx_op2(&w->g, "Expand", aml_onnx_f64s(&w->g, constant, 1, k),
                        aml_onnx_op_with(&w->g, "Concat", size, 2, "axis", 0));
}

/* ---- learners */

void aml_onnx_constant_op(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    const aml_attr *value = aml_op_attr(ops[0], "value");
    (void)n;
    aml_onnx_made(w, ops[0]->first_out, aml_onnx_every_row(w, value->v.f64, value->n));
}

void aml_onnx_linear(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    uint32_t x = ops[0]->in[0], out = ops[0]->first_out;
    const aml_ir_value *d = &w->ir->values[x];
    size_t p = d->width, q = d->sparse, k = w->ir->values[out].width;
    const double *coef = aml_op_attr(ops[0], "coef")->v.f64;
    aml_onnx_value z = aml_onnx_every_row(w, coef + (p + q) * k, k), v = aml_onnx_limited(w, x);
    (void)n;
    if (v)
        z = aml_onnx_op2(&w->g, "Add", z,
                         aml_onnx_op2(&w->g, "MatMul", v, aml_onnx_f64s(&w->g, coef, p, k)));
    aml_onnx_made(w, out, aml_onnx_add_sparse(w, z, x, coef + p * k, k));
}

/* Class c of k: the sum of (x - mean)² scale. */
static aml_onnx_value far_from(aml_onnx_writer *w, const aml_op *op, aml_onnx_value x, size_t p,
                               size_t c, size_t k) {
    const double *mean = aml_op_attr(op, "mean")->v.f64, *scale = aml_op_attr(op, "scale")->v.f64;
    double *m = aml_onnx_room(w, p, sizeof *m), *s = aml_onnx_room(w, p, sizeof *s);
    if (!m || !s) return "";
    for (size_t j = 0; j < p; j++) m[j] = mean[j * k + c], s[j] = scale[j * k + c];
    aml_onnx_graph *g = &w->g;
    aml_onnx_value d = aml_onnx_op2(g, "Sub", x, aml_onnx_f64s(g, m, 1, p));
    d = aml_onnx_op2(g, "Mul", aml_onnx_op2(g, "Mul", d, d), aml_onnx_f64s(g, s, 1, p));
    return aml_onnx_row_sums(g, d);
}

void aml_onnx_bayes(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    const aml_op *op = ops[0];
    uint32_t x = op->in[0];
    size_t p = w->ir->values[x].width, k = w->ir->values[op->first_out].width;
    aml_onnx_value z = aml_onnx_every_row(w, aml_op_attr(op, "constant")->v.f64, k),
                   v = aml_onnx_limited(w, x), *far = aml_onnx_room(w, k, sizeof *far);
    (void)n;
    for (size_t c = 0; far && v && c < k; c++) far[c] = far_from(w, op, v, p, c, k);
    if (far && v) z = aml_onnx_op2(&w->g, "Sub", z, aml_onnx_concat(&w->g, far, k));
    aml_onnx_made(w, op->first_out,
                  aml_onnx_add_sparse(w, z, x, aml_op_attr(op, "count")->v.f64, k));
}
