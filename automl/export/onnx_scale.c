/* onnx_scale.c: numbers brought to a common scale. */
#include "automl/export/onnx_write.h"

/* An attribute of n operations as [1, n]. */
static aml_onnx_value reals(aml_onnx_writer *w, const aml_op *const *ops, size_t n,
                            const char *name) {
    double *x = aml_onnx_room(w, n, sizeof *x);
    for (size_t i = 0; x && i < n; i++) x[i] = aml_op_real(ops[i], name);
    return x ? aml_onnx_f64s(&w->g, x, 1, n) : "";
}

/* v within ±clip, as float. */
static void finish(aml_onnx_writer *w, const aml_op *const *ops, size_t n, aml_onnx_value v) {
    aml_onnx_graph *g = &w->g;
    aml_onnx_value clip = reals(w, ops, n, "clip");
    v = aml_onnx_op2(g, "Max", aml_onnx_op2(g, "Min", v, clip), aml_onnx_op1(g, "Neg", clip));
    aml_onnx_outputs(w, ops, n, aml_onnx_cast(g, v, AML_ONNX_FLOAT));
}

static void center(aml_onnx_writer *w, const aml_op *const *ops, size_t n, aml_onnx_value x) {
    aml_onnx_value v = aml_onnx_op2(&w->g, "Sub", x, reals(w, ops, n, "center"));
    finish(w, ops, n, aml_onnx_op2(&w->g, "Mul", v, reals(w, ops, n, "factor")));
}

static aml_onnx_value doubles(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    return aml_onnx_cast(&w->g, aml_onnx_inputs(w, ops, n, 0), AML_ONNX_DOUBLE);
}

void aml_onnx_scale(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    center(w, ops, n, doubles(w, ops, n));
}

/* Yeo-Johnson of a = log1p |x|, for numbers of one sign: expm1(power a) / power, or a where the power is about 0. */
static aml_onnx_value powered(aml_onnx_graph *g, aml_onnx_value a, aml_onnx_value power) {
    aml_onnx_value flat =
        aml_onnx_op2(g, "Less", aml_onnx_op1(g, "Abs", power), aml_onnx_f64(g, 1e-8));
    aml_onnx_value safe = aml_onnx_op3(g, "Where", flat, aml_onnx_f64(g, 1), power);
    aml_onnx_value y =
        aml_onnx_op2(g, "Div", aml_onnx_expm1(g, aml_onnx_op2(g, "Mul", safe, a)), safe);
    return aml_onnx_op3(g, "Where", flat, a, y);
}

void aml_onnx_scale_power(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    aml_onnx_graph *g = &w->g;
    aml_onnx_value x = doubles(w, ops, n), lambda = reals(w, ops, n, "lambda");
    aml_onnx_value up = aml_onnx_op2(g, "GreaterOrEqual", x, aml_onnx_f64(g, 0));
    aml_onnx_value power =
        aml_onnx_op3(g, "Where", up, lambda, aml_onnx_op2(g, "Sub", aml_onnx_f64(g, 2), lambda));
    aml_onnx_value y = powered(g, aml_onnx_log1p(g, aml_onnx_op1(g, "Abs", x)), power);
    center(w, ops, n, aml_onnx_op3(g, "Where", up, y, aml_onnx_op1(g, "Neg", y)));
}

void aml_onnx_scale_grid(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    const aml_attr *grid = aml_op_attr(ops[0], "grid"), *score = aml_op_attr(ops[0], "score");
    double *from = aml_onnx_room(w, grid->n, sizeof *from),
           *to = aml_onnx_room(w, grid->n, sizeof *to);
    if (!from || !to) return;
    for (size_t i = 0; i < grid->n; i++) {
        from[i] = (double)grid->v.f32[i];
        to[i] = (double)score->v.f32[i];
    }
    finish(w, ops, n,
           aml_onnx_follow(&w->g, doubles(w, ops, n), &(aml_onnx_curve){grid->n, from, to}));
}
