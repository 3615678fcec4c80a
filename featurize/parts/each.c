/* each.c: aml_par_for with a status. */
#include "featurize/parts/each.h"

#include "automl/core/par.h"

typedef struct run {
    const aml_ctx *ctx;
    aml_each_fn fn;
    void *arg;
    atomic_int status;
    aml_error error; /* written by the one thread that set the status */
} run;

static void one(void *arg, size_t block, size_t begin, size_t end, int thread) {
    run *r = arg;
    int none = AML_OK;
    (void)block;
    (void)end;
    if (atomic_load_explicit(&r->status, memory_order_relaxed)) return;
    aml_status s = aml_should_stop(r->ctx) ? aml_stopped() : r->fn(r->arg, begin, thread);
    if (s && atomic_compare_exchange_strong(&r->status, &none, (int)s))
        r->error = *aml_last_error();
}

static aml_status in_turn(aml_ctx *ctx, size_t n, aml_each_fn fn, void *arg) {
    bool asks = ctx->deadline > 0 || ctx->stop || ctx->interrupt;
    for (size_t i = 0; i < n; i++) {
        if (asks && aml_should_stop(ctx)) return aml_stopped();
        AML_TRY(fn(arg, i, 0));
    }
    return AML_OK;
}

aml_status aml_each(aml_ctx *ctx, size_t n, aml_each_fn fn, void *arg) {
    if (ctx->n_threads < 2) return in_turn(ctx, n, fn, arg);
    run r = {.ctx = ctx, .fn = fn, .arg = arg};
    aml_par_for(ctx->n_threads, n, 1, one, &r);
    aml_status status = (aml_status)atomic_load(&r.status);
    if (status) aml_set_error(&r.error);
    return status;
}

void **aml_each_room(size_t n, size_t size, aml_ctx *ctx) {
    size_t threads = ctx->n_threads > 1 ? (size_t)ctx->n_threads : 1;
    void **room = AML_ARRAY(ctx->scratch, threads, void *);
    for (size_t t = 0; room && t < threads; t++)
        if (!(room[t] = aml_alloc_raw(ctx->scratch, n, size))) return NULL;
    return room;
}
