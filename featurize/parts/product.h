/* product.h: a product of matrices whose sums have one order, on any processor and in any company of rows: for steps
 * that predict with it. */
#ifndef AML_FEATURIZE_PRODUCT_H
#define AML_FEATURIZE_PRODUCT_H

#include <stddef.h>

/* c (n × k) = a (n × m) b (m × k), row-major; each sum goes through m upwards. */
void aml_product(double *c, const double *a, const double *b, size_t n, size_t m, size_t k);

#endif
