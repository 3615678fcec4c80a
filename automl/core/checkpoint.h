/* checkpoint.h: states of a long fit, from which another process goes on when this one dies. They save time and nothing else: a
 * fit that goes on from one comes to the same bits as if it had never been interrupted. */
#ifndef AML_CORE_CHECKPOINT_H
#define AML_CORE_CHECKPOINT_H

#include "automl/core/bytes.h"
#include "automl/core/ctx.h"

/* Given to learners by ctx->checkpoint; who gives it knows where states are kept. */
struct aml_checkpoint {
    const void *state; /* of an earlier process in this fit, NULL = none */
    size_t size;
    double seconds; /* that it took to come to that */
    double due;     /* on aml_now()'s clock: when the next state is wanted */
    void (*begin)(aml_checkpoint *c, size_t part); /* a fit begins: number `part` of several */
    void (*keep)(aml_checkpoint *c, const void *state, size_t size);
};

/* Is a state wanted now? To be asked after every round or pass. */
AML_PLUGIN bool aml_checkpoint_due(const aml_ctx *ctx);
/* Hands it over and frees the writer; one that failed is dropped. */
AML_PLUGIN void aml_checkpoint_keep(const aml_ctx *ctx, aml_writer *w);
/* Reads the state to go on from; false: there is none. What makes no sense in it is to be ignored, all of it. */
AML_PLUGIN bool aml_checkpoint_open(aml_reader *r, const aml_ctx *ctx);

#endif
