/* special.c: GSL. */
#include "automl/core/special.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_qrng.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_sf_gamma.h>

#include "automl/core/arena.h"

double aml_normal_cdf(double x) { return gsl_cdf_ugaussian_P(x); }
double aml_normal_pdf(double x) { return gsl_ran_ugaussian_pdf(x); }
double aml_normal_quantile(double p) { return gsl_cdf_ugaussian_Pinv(p); }
double aml_student_quantile(double p, double nu) { return gsl_cdf_tdist_Pinv(p, nu); }
double aml_student_cdf(double x, double nu) { return gsl_cdf_tdist_P(x, nu); }

double aml_lgamma(double x) {
    gsl_sf_result r;
    gsl_error_handler_t *old = gsl_set_error_handler_off();
    int failed = gsl_sf_lngamma_e(x, &r);
    gsl_set_error_handler(old);
    return failed ? 0.0 / 0.0 : r.val;
}

aml_status aml_sobol(double *out, size_t dim, size_t index) {
    if (dim < 1 || dim > 40)
        return aml_fail(AML_EUSAGE, "Sobol points have 1 to 40 dimensions, got %zu", dim);
    /* Its own allocation would end the process where memory is short. */
    const gsl_qrng_type *sobol = gsl_qrng_sobol;
    void *state = aml_malloc(sobol->state_size((unsigned)dim));
    if (!state) return AML_ENOMEM;
    int failed = sobol->init_state(state, (unsigned)dim);
    for (size_t i = 0; i <= index && !failed; i++) failed = sobol->get(state, (unsigned)dim, out);
    aml_free(state);
    return failed ? aml_fail(AML_EINTERNAL, "Sobol point %zu cannot be had", index) : AML_OK;
}
