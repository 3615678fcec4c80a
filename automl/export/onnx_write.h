/* onnx_write.h: operations of the intermediate form (automl/core/lower.h) as nodes of an ONNX graph.
 *
 * Every value of the form becomes a tensor of [rows, width]:
 *
 *   number   float [rows, 1]                code     int64 [rows, 1], -1 and -2 as in the form
 *   time     double [rows, 1]               text     string [rows, 1]
 *   sparse   int64 [rows, 1]: the column of the row's one entry, which is 1; `width` = it has none
 *   design   float [rows, p], codes as numbers; its sparse values stay where they were made
 *   vector   double [rows, width]
 *
 * Operations of one kind on many columns are made together, on a matrix that has the columns side by side: a graph of a
 * thousand columns stays small. What is float in the form is float here, what is double is double, so that no row takes
 * another branch of a tree; only sums may be in another order. */
#ifndef AML_EXPORT_ONNX_WRITE_H
#define AML_EXPORT_ONNX_WRITE_H

#include "automl/core/lower.h"
#include "automl/export/onnx_graph.h"

/* Where a value of the form is: a column of a matrix, or a tensor of its own. */
typedef struct aml_onnx_place {
    aml_onnx_value matrix; /* [rows, width] */
    uint32_t column, width;
    aml_onnx_value alone; /* the value itself; NULL until somebody asks */
} aml_onnx_place;

typedef struct aml_onnx_writer {
    aml_onnx_graph g;
    const aml_ir *ir;
    aml_onnx_place *place; /* per value */
    const aml_op **maker;  /* per value */
    bool *made;            /* per operation */
    aml_onnx_value rows;   /* [1]: how many */
} aml_onnx_writer;

/* ---- values */

aml_onnx_value aml_onnx_of(aml_onnx_writer *w, uint32_t value);
/* Numbers, and codes as numbers, side by side: float [rows, n]; n ≥ 1. */
aml_onnx_value aml_onnx_beside(aml_onnx_writer *w, const uint32_t *values, size_t n);
void aml_onnx_made(aml_onnx_writer *w, uint32_t value, aml_onnx_value made);
/* values first … first + n - 1 are the columns of the matrix. */
void aml_onnx_made_columns(aml_onnx_writer *w, uint32_t first, size_t n, aml_onnx_value matrix);

/* Input `which` of n operations, side by side; and their first outputs, which are the columns of the matrix. */
aml_onnx_value aml_onnx_inputs(aml_onnx_writer *w, const aml_op *const *ops, size_t n,
                               size_t which);
void aml_onnx_outputs(aml_onnx_writer *w, const aml_op *const *ops, size_t n,
                      aml_onnx_value matrix);

/* Room in the form's arena for arrays that constants are made of; NULL sets the status. */
void *aml_onnx_room(aml_onnx_writer *w, size_t n, size_t size);

/* ---- what many operations need */

/* to_float of lower.h, from double. */
aml_onnx_value aml_onnx_to_float(aml_onnx_graph *g, aml_onnx_value x);
/* x within lo … hi; NaN stays NaN. */
aml_onnx_value aml_onnx_within_f64(aml_onnx_graph *g, aml_onnx_value x, double lo, double hi);
aml_onnx_value aml_onnx_within_f32(aml_onnx_graph *g, aml_onnx_value x, float lo, float hi);
/* row(code) of lower.h, for a table of `width` levels. */
aml_onnx_value aml_onnx_row(aml_onnx_graph *g, aml_onnx_value code, size_t width);
/* The sum of each row, [rows, 1]. */
aml_onnx_value aml_onnx_row_sums(aml_onnx_graph *g, aml_onnx_value matrix);
/* Rows of a table by a column of places: [rows, width]. */
aml_onnx_value aml_onnx_take_rows(aml_onnx_graph *g, aml_onnx_value table, aml_onnx_value place);
/* codes[i] for keys[i] (strings or int64), -2 for others. */
aml_onnx_value aml_onnx_encode(aml_onnx_graph *g, aml_onnx_value x, const aml_onnx_tensor *keys,
                               const int64_t *codes);
/* Where the one true value of each row of `equal` (bool [rows, n]) is: int64 [rows, 1], -2 when there is none. */
aml_onnx_value aml_onnx_place_among(aml_onnx_writer *w, aml_onnx_value equal, size_t n);
/* expm1 and log1p of doubles ≥ 0 (Kahan's way: no digits are lost near 0). */
aml_onnx_value aml_onnx_log1p(aml_onnx_graph *g, aml_onnx_value x);
aml_onnx_value aml_onnx_expm1(aml_onnx_graph *g, aml_onnx_value x);
/* 1 / (1 + exp(-z)). ONNX Runtime's own Sigmoid is 0 where this is 1e-20. */
aml_onnx_value aml_onnx_logistic(aml_onnx_graph *g, aml_onnx_value z);
/* The curve of a grid at x, all double: to[0] up to from[0], to[n-1] from from[n-1] on, else between the last
 * from[i] ≤ x and the next. n ≥ 2, from[] rises strictly. */
typedef struct aml_onnx_curve {
    size_t n;
    const double *from, *to;
} aml_onnx_curve;
aml_onnx_value aml_onnx_follow(aml_onnx_graph *g, aml_onnx_value x, const aml_onnx_curve *c);

/* ---- operations: n of one kind, none of which needs another; kinds that are not `together` come alone */

typedef void (*aml_onnx_rule)(aml_onnx_writer *w, const aml_op *const *ops, size_t n);

/* onnx_columns.c */
void aml_onnx_input_op(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_missing(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_missing_pattern(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_impute(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_arithmetic(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
/* onnx_levels.c */
void aml_onnx_recode(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_lookup(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_one_hot(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_indicator(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_few_values(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_cross(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_within(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
/* onnx_scale.c */
void aml_onnx_scale(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_scale_power(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_scale_grid(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
/* onnx_date.c */
void aml_onnx_date(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
/* onnx_project.c */
void aml_onnx_project(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_project_sparse(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_distances(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
/* onnx_linear.c */
void aml_onnx_design(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_constant_op(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_linear(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_bayes(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
/* onnx_trees.c */
void aml_onnx_trees(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
/* onnx_neighbours.c */
void aml_onnx_neighbours(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
/* onnx_network.c */
void aml_onnx_network(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
/* onnx_vectors.c */
void aml_onnx_affine(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_clamp(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_divide(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_difference(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_exp(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_sigmoid(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_softmax(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_vote(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_mean(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_temperature(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_platt(aml_onnx_writer *w, const aml_op *const *ops, size_t n);
void aml_onnx_isotonic(aml_onnx_writer *w, const aml_op *const *ops, size_t n);

/* ---- for learners */

/* The numbers of a design, double and limited as lower.h says; NULL when it has none. */
aml_onnx_value aml_onnx_limited(aml_onnx_writer *w, uint32_t design);
/* `constant` (k doubles) for every row: [rows, k]. */
aml_onnx_value aml_onnx_every_row(aml_onnx_writer *w, const double *constant, size_t k);
/* Adds to z (NULL: nothing) what the entries of sparse values have in table[columns * k]; n ≥ 1 when z is NULL. */
aml_onnx_value aml_onnx_add_entries(aml_onnx_writer *w, aml_onnx_value z, const uint32_t *sparse,
                                    size_t n, const double *table, size_t k);
/* Adds to z [rows, k] what the sparse values of a design have in table[columns * k]. */
aml_onnx_value aml_onnx_add_sparse(aml_onnx_writer *w, aml_onnx_value z, uint32_t design,
                                   const double *table, size_t k);

#endif
