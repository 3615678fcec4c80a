/* fits.h: fitted pipelines as bytes: chains first, each content once, then every fit: number of its chain, model. */
#ifndef AML_ENGINE_FITS_H
#define AML_ENGINE_FITS_H

#include "automl/engine/trial.h"

typedef struct aml_fit_of {
    aml_fit *fit;
    const aml_learner *learner;
} aml_fit_of;

/* The same bytes whether equal chains are shared or not. AML_ENOMEM. */
aml_status aml_fits_put(aml_writer *w, const aml_fit_of *fits, size_t n);
/* Fills the n fits, which are to be freed in every case. AML_EDATA, AML_ENOMEM. */
aml_status aml_fits_get(const aml_fit_of *fits, size_t n, aml_reader *r, aml_memory *account);

#endif
