/* sampler.h: the contract of a sampler. One constant struct in one file, one line in search/samplers.def. */
#ifndef AML_CORE_SAMPLER_H
#define AML_CORE_SAMPLER_H

#include "automl/core/history.h"

enum {
    AML_SAMPLER_GOALS =
        1 /* looks at the goals itself; others are told one loss, which combines them */
};

typedef struct aml_sampler {
    int abi; /* AML_ABI */
    const char *name, *summary;
    const aml_param *params;
    /* config[0 … space->n-1] for the next trial (number told->n, pending ones counted). A pure function of its arguments
     * and ctx->rng: the state is rebuilt from what is told. problem is NULL for spaces of users. AML_ENOMEM;
     * AML_ESTOPPED: there is nothing left to try. */
    aml_status (*suggest)(double *config, const aml_space *space, const aml_told *told,
                          const aml_problem *problem, const double *hp, aml_ctx *ctx);
    unsigned can;
} aml_sampler;

#endif
