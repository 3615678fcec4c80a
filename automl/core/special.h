/* special.h: the one door to GSL: distributions and low-discrepancy points. Used by search and training,
 * never by scoring. */
#ifndef AML_CORE_SPECIAL_H
#define AML_CORE_SPECIAL_H

#include "automl/core/status.h"

double aml_normal_cdf(double x);
double aml_normal_pdf(double x);
double aml_normal_quantile(double p); /* p in (0, 1) */
double aml_student_quantile(double p, double degrees_of_freedom);
double aml_student_cdf(double x, double degrees_of_freedom);
double aml_lgamma(double x);

/* Point number `index` (from 0) of the Sobol sequence in `dim` dimensions (1 … 40) into out[dim];
 * beyond 40 dimensions AML_EUSAGE. */
aml_status aml_sobol(double *out, size_t dim, size_t index);

#endif
