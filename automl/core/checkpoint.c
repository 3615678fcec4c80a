/* checkpoint.c: what learners ask of a checkpoint. */
#include "automl/core/checkpoint.h"

bool aml_checkpoint_due(const aml_ctx *ctx) {
    return ctx->checkpoint && aml_now() >= ctx->checkpoint->due;
}

void aml_checkpoint_keep(const aml_ctx *ctx, aml_writer *w) {
    if (!w->status) ctx->checkpoint->keep(ctx->checkpoint, w->data, w->size);
    aml_writer_free(w);
}

bool aml_checkpoint_open(aml_reader *r, const aml_ctx *ctx) {
    const aml_checkpoint *c = ctx->checkpoint;
    if (!c || !c->state) return false;
    *r = (aml_reader){.data = c->state, .size = c->size, .file = "checkpoint"};
    return true;
}
