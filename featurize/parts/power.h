/* power.h: the Yeo-Johnson transformation. */
#ifndef AML_FEATURIZE_POWER_H
#define AML_FEATURIZE_POWER_H

#include <stddef.h>

/* Yeo and Johnson 2000, "A new family of power transformations", eq. (2.1), for |x| ≤ 3e38 and
 * lambda within ±AML_POWER_MAX: finite and increasing in x. */
double aml_power(double x, double lambda);

enum { AML_POWER_MAX = 3 };

/* The lambda within ±AML_POWER_MAX under which the n values are most like a normal sample: maximum
 * of the profile likelihood (ibid., eq. 3.1), a coarse grid refined by golden section. 1 when no
 * lambda leaves any variance. `work` is room for 2n doubles. */
double aml_power_fit(const float *x, size_t n, double *work);

#endif
