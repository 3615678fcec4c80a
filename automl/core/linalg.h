/* linalg.h: the one door to CBLAS and LAPACKE. Row-major. BLAS runs on one thread (results must not depend
 * on the number of threads); callers cut large products into fixed blocks themselves. */
#ifndef AML_CORE_LINALG_H
#define AML_CORE_LINALG_H

#include "automl/core/status.h"

/* Once at the start of the process, before other threads use BLAS. Where OpenBLAS does not know the
 * processor it is made to choose its kernels by what the processor can do. */
void aml_linalg_init(void);
/* OpenBLAS waits for ever when it cannot get the memory that it works in (address space, above all), so that it is got before
 * the first product that needs it, or AML_ENOMEM said. From any thread, as often as one likes. */
aml_status aml_linalg_reserve(void);

/* c (m × n) = alpha * op(a) (m × k) * op(b) (k × n) + beta * c; lda … are row strides. */
void aml_sgemm(bool ta, bool tb, size_t m, size_t n, size_t k, float alpha, const float *a,
               size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc);
void aml_dgemm(bool ta, bool tb, size_t m, size_t n, size_t k, double alpha, const double *a,
               size_t lda, const double *b, size_t ldb, double beta, double *c, size_t ldc);

/* y (m) = alpha * op(a) * x + beta * y for a (m × n), or (n × m) when transposed is asked. */
void aml_dgemv(bool ta, size_t m, size_t n, double alpha, const double *a, size_t lda,
               const double *x, double beta, double *y);

/* c (n × n, upper and lower filled) = a' a for a (m × n) + beta * c. */
void aml_dsyrk(size_t n, size_t m, const double *a, size_t lda, double beta, double *c, size_t ldc);
/* The same with the lower triangle alone; aml_mirror fills the upper one from it. */
void aml_dsyrk_lower(size_t n, size_t m, const double *a, size_t lda, double beta, double *c,
                     size_t ldc);
void aml_ssyrk_lower(size_t n, size_t m, const float *a, size_t lda, float beta, float *c,
                     size_t ldc);
/* c = a a' for a (n × m) + beta * c, the lower triangle. */
void aml_dsyrk_rows_lower(size_t n, size_t m, const double *a, size_t lda, double beta, double *c,
                          size_t ldc);
void aml_ssyrk_rows_lower(size_t n, size_t m, const float *a, size_t lda, float beta, float *c,
                          size_t ldc);
void aml_mirror(double *c, size_t n, size_t ldc);

/* Lower Cholesky factor in place (the strict upper part is left as it was). False when the matrix is
 * not positive definite. */
bool aml_cholesky(double *a, size_t n, size_t lda);
/* factor (n × n) = lower Cholesky factor of scale * s + lambda I on the first n_penalised rows, with as much more of a ridge
 * as rounding asks for; a row of nothing gets a diagonal of 1. False when no ridge helps. */
bool aml_cholesky_ridge(double *factor, const double *s, size_t n, double scale, double lambda,
                        size_t n_penalised);
/* Solves l x = b (or l' x = b) in place for one right-hand side. */
void aml_cholesky_half(const double *l, size_t n, size_t lda, bool transpose, double *b);
/* Solves l X = B in place for m right-hand sides, the columns of b (n × m). */
void aml_cholesky_half_many(const double *l, size_t n, size_t lda, double *b, size_t m);
/* The lower triangle of (l l')⁻¹ in the place of that of l. False when l is singular. */
bool aml_cholesky_invert(double *l, size_t n, size_t lda);
/* Solves (l l') x = b in place. */
void aml_cholesky_solve(const double *l, size_t n, size_t lda, double *b);

/* Symmetric eigenvalues upwards in w, eigenvectors in the columns of a (row-major). AML_EINTERNAL if
 * it does not converge, AML_ENOMEM. */
aml_status aml_eigen(double *a, size_t n, double *w);

/* q' a q = t, tridiagonal (Householder 1958): a becomes q' (row j is column j of q), d and e (n, n - 1
 * used) the diagonal of t and what is beside it. AML_EINTERNAL for values that are not finite,
 * AML_ENOMEM. */
aml_status aml_tridiagonal(double *a, size_t n, double *d, double *e);

/* a (m × n, m ≥ n, row-major) becomes orthonormal columns of the same span; dependent ones become 0. */
aml_status aml_orthonormalise(double *a, size_t m, size_t n);

/* Sums in a fixed order (plain loops, never BLAS). */
double aml_dot(const double *x, const double *y, size_t n);
float aml_dot_f32(const float *x, const float *y, size_t n);

#endif
