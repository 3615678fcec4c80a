/* neighbours.h: the exact nearest rows by Euclidean distance. Distances are sums of squared
 * differences in float, in a fixed order, so that equal rows are at 0 and a result
 * depends on nothing but the two rows; ties go to the row that came first. */
#ifndef AML_LEARNERS_PARTS_NEIGHBOURS_H
#define AML_LEARNERS_PARTS_NEIGHBOURS_H

#include "automl/core/data.h"
#include "learners/parts/neighbours_kernels.h"

typedef struct aml_neighbour_tree aml_neighbour_tree;
typedef struct aml_coarse_rows aml_coarse_rows;

/* n rows in panels of 16: feature j of row i is panel[(i / 16 * p + j) * 16 + i % 16]; the last
 * panel is padded. */
typedef struct aml_neighbours {
    size_t n, p;
    const float *panel;
    const float *half;              /* for each row, and a panel more: see neighbours_kernels.h */
    const aml_neighbour_tree *tree; /* where it is quicker than a search of all rows, or NULL */
    const aml_coarse_rows *coarse;  /* rows in bytes, or NULL */
} aml_neighbours;

/* Values are brought into ±AML_NEIGHBOURS_LIMIT, so that no distance overflows. */
#define AML_NEIGHBOURS_LIMIT 1e15f

size_t aml_neighbours_floats(size_t n, size_t p); /* the length of panel */
/* The rows of x->rows, in their order, for searches of about k neighbours. */
aml_status aml_neighbours_build(aml_neighbours *out, const aml_data *x, size_t k, aml_ctx *ctx);

/* Makes what is not kept in files, from n, p and panel. */
aml_status aml_neighbours_ready(aml_neighbours *m, size_t k, aml_ctx *ctx);

/* Gets the k nearest rows of each row of x, nearest first, with their squared distances; query is
 * its position. Called from several threads, once for each query; queries with the same query / AML_NEIGHBOURS_BLOCK
 * come from one thread, in their order. */
enum { AML_NEIGHBOURS_BLOCK = 8 * AML_GROUP };
typedef void (*aml_neighbours_fn)(void *arg, size_t query, const uint32_t *row,
                                  const float *distance, size_t k);
/* 1 ≤ k ≤ n. AML_ESTOPPED, AML_ENOMEM. */
aml_status aml_neighbours_find(const aml_neighbours *m, size_t k, const aml_data *x,
                               aml_neighbours_fn fn, void *arg, aml_ctx *ctx);

#endif
