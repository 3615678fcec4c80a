/* linear_dense.h: margins and gradients of one output, straight from rows of floats. Four rows are
 * taken together; the sums go in eight lanes on every processor, so that all give the same bits. */
#ifndef AML_LEARNERS_PARTS_LINEAR_DENSE_H
#define AML_LEARNERS_PARTS_LINEAR_DENSE_H

#include <stddef.h>
#include <stdint.h>

/* z[i] = base + x[rows[i]]' coef for n rows of p finite values. */
void aml_dense_margins(double *z, const float *x, const uint32_t *rows, size_t n, size_t p,
                       const double *coef, double base);
/* g += sum of s[i] x[rows[i]]. */
void aml_dense_gradient(double *g, const float *x, const uint32_t *rows, size_t n, size_t p,
                        const double *s);
/* out (n × p) = x[rows[i]] - center. */
void aml_dense_centered(double *out, const float *x, const uint32_t *rows, size_t n, size_t p,
                        const double *center);

#endif
