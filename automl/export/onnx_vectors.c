/* onnx_vectors.c: what becomes of a learner's outputs. */
#include "automl/export/onnx_write.h"

static aml_onnx_value input(aml_onnx_writer *w, const aml_op *op) {
    return aml_onnx_of(w, op->in[0]);
}

static aml_onnx_value real(aml_onnx_writer *w, const aml_op *op, const char *name) {
    return aml_onnx_f64(&w->g, aml_op_real(op, name));
}

void aml_onnx_affine(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    const aml_attr *offset = aml_op_attr(ops[0], "offset");
    aml_onnx_value z = aml_onnx_op2(&w->g, "Mul", real(w, ops[0], "scale"), input(w, ops[0]));
    (void)n;
    aml_onnx_made(w, ops[0]->first_out,
                  aml_onnx_op2(&w->g, "Add", z, aml_onnx_f64s(&w->g, offset->v.f64, 1, offset->n)));
}

void aml_onnx_clamp(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    (void)n;
    aml_onnx_made(w, ops[0]->first_out,
                  aml_onnx_within_f64(&w->g, input(w, ops[0]), aml_op_real(ops[0], "low"),
                                      aml_op_real(ops[0], "high")));
}

void aml_onnx_divide(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    (void)n;
    aml_onnx_made(w, ops[0]->first_out,
                  aml_onnx_op2(&w->g, "Div", input(w, ops[0]), real(w, ops[0], "by")));
}

void aml_onnx_difference(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    aml_onnx_value z = input(w, ops[0]);
    (void)n;
    aml_onnx_made(
        w, ops[0]->first_out,
        aml_onnx_op2(&w->g, "Sub", aml_onnx_column(&w->g, z, 1), aml_onnx_column(&w->g, z, 0)));
}

void aml_onnx_exp(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    (void)n;
    aml_onnx_made(w, ops[0]->first_out, aml_onnx_op1(&w->g, "Exp", input(w, ops[0])));
}

/* e = exp(-|z|): over 1 + e where z < 0. */
static aml_onnx_value stable_logistic(aml_onnx_graph *g, aml_onnx_value z) {
    aml_onnx_value one = aml_onnx_f64(g, 1), zero = aml_onnx_f64(g, 0);
    aml_onnx_value e = aml_onnx_op1(g, "Exp", aml_onnx_op1(g, "Neg", aml_onnx_op1(g, "Abs", z)));
    aml_onnx_value up = aml_onnx_op2(g, "GreaterOrEqual", z, zero);
    return aml_onnx_op2(g, "Div", aml_onnx_op3(g, "Where", up, one, e),
                        aml_onnx_op2(g, "Add", one, e));
}

void aml_onnx_sigmoid(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    bool stable = aml_op_real(ops[0], "stable") > 0;
    aml_onnx_value z = input(w, ops[0]);
    (void)n;
    aml_onnx_made(w, ops[0]->first_out,
                  stable ? stable_logistic(&w->g, z) : aml_onnx_logistic(&w->g, z));
}

static aml_onnx_value softmax(aml_onnx_graph *g, aml_onnx_value z) {
    return aml_onnx_op_with(g, "Softmax", &z, 1, "axis", 1);
}

void aml_onnx_softmax(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    (void)n;
    aml_onnx_made(w, ops[0]->first_out, softmax(&w->g, input(w, ops[0])));
}

/* keep * z / total + floor; 1 / k where the total is not above 0. */
void aml_onnx_vote(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    const aml_op *op = ops[0];
    aml_onnx_graph *g = &w->g;
    double total = aml_op_real(op, "total"), k = w->ir->values[op->first_out].width;
    aml_onnx_value z = input(w, op), kept = aml_onnx_op2(g, "Mul", real(w, op, "keep"), z),
                   sum = total > 0 ? aml_onnx_f64(g, total) : aml_onnx_row_sums(g, z);
    (void)n;
    aml_onnx_value out =
        aml_onnx_op2(g, "Add", aml_onnx_op2(g, "Div", kept, sum), real(w, op, "floor"));
    if (!(total > 0))
        out = aml_onnx_op3(g, "Where", aml_onnx_op2(g, "Greater", sum, aml_onnx_f64(g, 0)), out,
                           aml_onnx_f64(g, 1 / k));
    aml_onnx_made(w, op->first_out, out);
}

void aml_onnx_mean(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    const double *weight = aml_op_attr(ops[0], "weight")->v.f64;
    aml_onnx_value sum = NULL;
    (void)n;
    for (uint32_t i = 0; i < ops[0]->n_in; i++) {
        aml_onnx_value part = aml_onnx_op2(&w->g, "Mul", aml_onnx_f64(&w->g, weight[i]),
                                           aml_onnx_of(w, ops[0]->in[i]));
        sum = sum ? aml_onnx_op2(&w->g, "Add", sum, part) : part;
    }
    aml_onnx_made(w, ops[0]->first_out, sum);
}

/* ---- calibration */

static const double LEAST = 1e-7; /* of a probability whose logarithm is taken */

void aml_onnx_temperature(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    aml_onnx_value p = aml_onnx_within_f64(&w->g, input(w, ops[0]), LEAST, 1);
    (void)n;
    aml_onnx_made(w, ops[0]->first_out,
                  softmax(&w->g, aml_onnx_op2(&w->g, "Mul", real(w, ops[0], "slope"),
                                              aml_onnx_op1(&w->g, "Log", p))));
}

void aml_onnx_platt(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    aml_onnx_graph *g = &w->g;
    aml_onnx_value p = aml_onnx_within_f64(g, input(w, ops[0]), LEAST, 1 - LEAST);
    aml_onnx_value odds = aml_onnx_op2(g, "Div", p, aml_onnx_op2(g, "Sub", aml_onnx_f64(g, 1), p));
    aml_onnx_value z =
        aml_onnx_op2(g, "Mul", real(w, ops[0], "slope"), aml_onnx_op1(g, "Log", odds));
    (void)n;
    aml_onnx_made(w, ops[0]->first_out,
                  aml_onnx_logistic(g, aml_onnx_op2(g, "Add", z, real(w, ops[0], "offset"))));
}

void aml_onnx_isotonic(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    const aml_attr *from = aml_op_attr(ops[0], "from"), *to = aml_op_attr(ops[0], "to");
    (void)n;
    aml_onnx_made(w, ops[0]->first_out,
                  aml_onnx_follow(&w->g, input(w, ops[0]),
                                  &(aml_onnx_curve){from->n, from->v.f64, to->v.f64}));
}
