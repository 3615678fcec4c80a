/* ridge_job.h: what the files of the ridge path share. Products may be made by float arithmetic: they
 * then err by about AML_RIDGE_ERROR / sqrt(sums that were added up in doubles) of the squared lengths,
 * which will do where every eigenvalue + penalty is well above that. */
#ifndef AML_LEARNERS_PARTS_RIDGE_JOB_H
#define AML_LEARNERS_PARTS_RIDGE_JOB_H

#include "learners/parts/ridge_path.h"

#define AML_RIDGE_ERROR 6e-8
#define AML_RIDGE_ENOUGH 2e-3 /* an eigenvalue + penalty has to be known to that */
#define AML_RIDGE_WORTH 1e8   /* multiplications from which on floats pay */

typedef struct aml_ridge_job {
    const aml_data *x;
    const double *w, *y;  /* by position, weights of sum 1, y of mean 0 and spread 1 */
    double *center, *sd;  /* p */
    size_t n, p, m;       /* m: penalties */
    const double *lambda; /* m, upwards: penalties of the mean loss */
    double *left;         /* n × m or NULL */
    aml_ctx *ctx;
} aml_ridge_job;

/* Each fills center and sd, coef (p × m) and loo (m). */
aml_status aml_ridge_by_features(double *coef, double *loo, aml_ridge_job *job);
aml_status aml_ridge_by_rows(double *coef, double *loo, aml_ridge_job *job);

#endif
