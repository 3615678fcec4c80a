/* nn_gemm.h: the matrix products of a network, in float32, on one thread.
 *
 * Every element of c is one running sum over k, upwards: it does not depend on where its row stands or on how
 * many rows there are, so neither do predictions. The sum uses fused multiply-adds where the processor has
 * them (AVX2 with FMA and AVX-512 give the same bits); the portable version rounds twice instead, and its
 * results differ in the last places. */
#ifndef AML_PARTS_NN_GEMM_H
#define AML_PARTS_NN_GEMM_H

#include <stdbool.h>
#include <stddef.h>

/* c (m × n) = op(a) (m × k) op(b) (k × n), added to c when asked; row-major, lda … are row strides, op transposes
 * when ta or tb. k = 0 gives 0. No argument may overlap c. */
void aml_nn_gemm(bool ta, bool tb, size_t m, size_t n, size_t k, const float *a, size_t lda,
                 const float *b, size_t ldb, bool add, float *c, size_t ldc);

#endif
