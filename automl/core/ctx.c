/* ctx.c: the clock, the stop flag, and contexts with arenas of their own. */
#include "automl/core/ctx.h"

#include <time.h>

double aml_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

bool aml_should_stop(const aml_ctx *ctx) {
    if (ctx->stop && atomic_load_explicit(ctx->stop, memory_order_relaxed)) return true;
    if (ctx->interrupt && *ctx->interrupt) return true;
    return ctx->deadline > 0 && aml_now() >= ctx->deadline;
}

aml_status aml_stopped(void) { return aml_fail(AML_ESTOPPED, "stopped at the deadline"); }

aml_status aml_ctx_open(aml_ctx *ctx, int n_threads) {
    *ctx = (aml_ctx){
        .keep = aml_arena_new(NULL), .scratch = aml_arena_new(NULL), .n_threads = n_threads};
    return ctx->keep && ctx->scratch ? AML_OK : AML_ENOMEM;
}

void aml_ctx_close(aml_ctx *ctx) {
    aml_arena_free(ctx->keep);
    aml_arena_free(ctx->scratch);
}
