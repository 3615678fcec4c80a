/* linear_block.h: a preconditioner for linear models on sparse features that are not too many: the Hessian taken for a
 * Kronecker product of G, how the outputs curve together in the mean, and S, how the features and the intercept do.
 * Columns of indicators that add up to others' cost conjugate gradients on the diagonal hundreds of products. */
#ifndef AML_LEARNERS_PARTS_LINEAR_BLOCK_H
#define AML_LEARNERS_PARTS_LINEAR_BLOCK_H

#include "learners/parts/linear_matrix.h"

typedef struct aml_linear_block {
    const aml_linear_matrix *matrix;
    size_t size, k; /* features with the intercept; outputs */
    double price;   /* of making it, in products with the Hessian; INFINITY: not to be had */
    double lambda;
    const double *curvature; /* n × k, while it is made */
    double *sum;             /* S: size × size, its lower triangle */
    double *value, *vector;  /* k eigenvalues of G, k × k: its eigenvectors in columns */
    double *factor;          /* k × size × size: of value_c S + lambda I */
    double *side;            /* size × k */
    aml_sum pass;
    bool ready;
} aml_linear_block;

/* Looks at what it would cost; room is taken when it is made for the first time. */
void aml_linear_block_init(aml_linear_block *b, const aml_linear_matrix *m, double lambda);
/* From the losses' curvatures (n × k, weights included) and their mean over rows, outputs with outputs (k × k). Not
 * ready afterwards where there is nothing to factorise. AML_ENOMEM, AML_ESTOPPED. */
aml_status aml_linear_block_make(aml_linear_block *b, const double *curvature, const double *mean,
                                 aml_ctx *ctx);
/* out = the inverse times v, both size × k. A direction of the outputs without curvature (the same for all classes)
 * becomes 0. */
void aml_linear_block_apply(double *out, const aml_linear_block *b, const double *v);

#endif
