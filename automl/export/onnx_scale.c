/* onnx_scale.c: numbers brought to a common scale. */
#include <math.h>

#include "automl/export/onnx_forest.h"

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

/* ---- grids: a tree of a column finds the last point ≤ x, and what is known of points lies in tables, column by column */

/* Points of all columns, one behind the other. A point's width and rise are to the next one; the last of a column has
 * a width of INFINITY and no rise, so that all of [last point, ∞] has its score. */
typedef struct grid_tables {
    size_t n;
    double *from, *to, *width, *rise, *first; /* first: of each column */
} grid_tables;

static bool make_tables(grid_tables *t, aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    size_t size = 0;
    for (size_t j = 0; j < n; j++) size += aml_op_attr(ops[j], "grid")->n;
    *t = (grid_tables){.from = aml_onnx_room(w, size, sizeof *t->from),
                       .to = aml_onnx_room(w, size, sizeof *t->to),
                       .width = aml_onnx_room(w, size, sizeof *t->width),
                       .rise = aml_onnx_room(w, size, sizeof *t->rise),
                       .first = aml_onnx_room(w, n, sizeof *t->first)};
    if (w->g.status) return false;
    for (size_t j = 0; j < n; j++) {
        const aml_attr *grid = aml_op_attr(ops[j], "grid"), *score = aml_op_attr(ops[j], "score");
        t->first[j] = (double)t->n;
        for (size_t i = 0; i < grid->n; i++, t->n++) {
            bool last = i + 1 == grid->n;
            t->from[t->n] = (double)grid->v.f32[i];
            t->to[t->n] = (double)score->v.f32[i];
            t->width[t->n] = last ? INFINITY : (double)grid->v.f32[i + 1] - t->from[t->n];
            t->rise[t->n] = last ? 0 : (double)score->v.f32[i + 1] - t->to[t->n];
        }
    }
    return true;
}

/* Splits the points begin … end - 1 of a column in halves: x < from[middle] goes on in the first. */
static size_t put_halves(aml_onnx_forest *f, const grid_tables *t, size_t column, size_t begin,
                         size_t end) {
    size_t middle = begin + (end - begin) / 2, at = aml_onnx_forest_node(f);
    aml_onnx_branch way[2];
    for (size_t side = 0; side < 2; side++) {
        size_t from = side ? middle : begin, to = side ? end : middle;
        way[side].leaf = to - from == 1;
        way[side].at = way[side].leaf ? aml_onnx_forest_leaf(f, (double)from, column)
                                      : put_halves(f, t, column, from, to);
    }
    aml_onnx_split split = {.mode = AML_ONNX_LESS, .feature = column, .value = t->from[middle]};
    aml_onnx_forest_set(f, at, &split, way[0], way[1]);
    return at;
}

/* int64 [rows, n]: the point in the tables. */
static aml_onnx_value find_points(aml_onnx_writer *w, const grid_tables *t, aml_onnx_value x,
                                  size_t n) {
    aml_onnx_forest f = {0};
    for (int filling = 0; filling < 2; filling++) {
        for (size_t j = 0; j < n; j++) {
            size_t begin = (size_t)t->first[j], end = j + 1 < n ? (size_t)t->first[j + 1] : t->n;
            aml_onnx_forest_root(&f, put_halves(&f, t, j, begin, end));
        }
        if (!filling && !aml_onnx_forest_room(w, &f)) return "";
    }
    return aml_onnx_cast(&w->g, aml_onnx_forest_put(&w->g, &f, x, n), AML_ONNX_INT64);
}

/* Below the first point of a column its score. */
void aml_onnx_scale_grid(aml_onnx_writer *w, const aml_op *const *ops, size_t n) {
    aml_onnx_graph *g = &w->g;
    grid_tables t;
    if (!make_tables(&t, w, ops, n)) return;
    aml_onnx_value x = doubles(w, ops, n), at = find_points(w, &t, x, n);
    const double *tables[] = {t.from, t.to, t.width, t.rise};
    aml_onnx_value of[4];
    for (size_t i = 0; i < 4; i++)
        of[i] = aml_onnx_op2(g, "Gather", aml_onnx_f64s(g, tables[i], t.n, 0), at);
    aml_onnx_value far = aml_onnx_op2(g, "Sub", x, of[0]);
    far = aml_onnx_op2(g, "Max", far, aml_onnx_f64(g, 0));
    aml_onnx_value y = aml_onnx_op2(g, "Mul", aml_onnx_op2(g, "Div", far, of[2]), of[3]);
    finish(w, ops, n, aml_onnx_op2(g, "Add", of[1], y));
}
