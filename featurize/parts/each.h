/* each.h: one call for each item, over threads, with failures passed up. */
#ifndef AML_FEATURIZE_EACH_H
#define AML_FEATURIZE_EACH_H

#include "automl/core/ctx.h"

typedef aml_status (*aml_each_fn)(void *arg, size_t item, int thread);

/* Calls fn for items 0 … n-1 on ctx->n_threads threads, in any order; `thread` is below
 * ctx->n_threads. After a failure, or when ctx says stop (AML_ESTOPPED), further items are left out
 * and that failure is returned with its text. An item must not use an arena that others use. */
aml_status aml_each(aml_ctx *ctx, size_t n, aml_each_fn fn, void *arg);

/* Room for n elements for each of those threads, not set; from ctx->scratch. NULL when memory is short. */
void **aml_each_room(size_t n, size_t size, aml_ctx *ctx);

#endif
