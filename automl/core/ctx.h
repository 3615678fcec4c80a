/* ctx.h: all that a plug-in may reach beside its arguments. */
#ifndef AML_CORE_CTX_H
#define AML_CORE_CTX_H

#include "automl/core/arena.h"
#include "automl/core/rng.h"

#ifdef __cplusplus
typedef struct aml_stop_flag aml_stop_flag;
#else
typedef atomic_bool aml_stop_flag;
#endif

typedef struct aml_checkpoint aml_checkpoint;

typedef struct aml_ctx {
    aml_arena *keep;               /* what outlives the call: models, results */
    aml_arena *scratch;            /* dropped by the caller after the call */
    aml_rng rng;                   /* this call's own stream; children by aml_rng_child */
    int n_threads;                 /* for aml_par_for; at least 1 */
    double deadline;               /* on aml_now()'s clock; 0 = none */
    const aml_stop_flag *stop;     /* may be NULL */
    const volatile int *interrupt; /* the user's stop flag (a signal handler may set it), or NULL */
    bool truncated;                /* out: an anytime plug-in ended early with a usable model */
    aml_checkpoint *checkpoint; /* states of a long fit (checkpoint.h), NULL = nobody wants any */
} aml_ctx;

/* Seconds on the monotonic clock. Plug-ins never call it: they ask aml_should_stop. */
double aml_now(void);

/* True once the deadline has passed or the stop flag is up. To be asked at least every 10 ms of
 * work. A plug-in that cannot deliver what it has returns aml_stopped(). */
AML_PLUGIN bool aml_should_stop(const aml_ctx *ctx);
AML_PLUGIN aml_status aml_stopped(void);

/* For calls of the library itself: arenas of its own and these threads, no more. Close frees them, whether or not open
 * failed (AML_ENOMEM). */
aml_status aml_ctx_open(aml_ctx *ctx, int n_threads);
void aml_ctx_close(aml_ctx *ctx);

#endif
