/* predict.h: rows through the pipelines of a model, block by block. */
#ifndef AML_ENGINE_PREDICT_H
#define AML_ENGINE_PREDICT_H

#include "automl/engine/model.h"

/* Work on rows begin … end - 1, with arenas of its own that are dropped afterwards, on one thread. */
typedef aml_status (*aml_block_fn)(void *arg, size_t begin, size_t end, aml_ctx *ctx);

/* Calls fn for 0 … n - 1 in blocks of `size`, on so many threads; the first failure, with its text. */
aml_status aml_blocks(size_t n, size_t size, int threads, aml_block_fn fn, void *arg);

/* Rows with the designs that the fits of a model want of them, each made once. Memory in ctx->keep. */
typedef struct aml_batch {
    const aml_model *m;
    const aml_table *rows;
    uint32_t *all; /* 0 … rows->n - 1 */
    size_t n_made;
    struct made *made;
    aml_ctx *ctx;
} aml_batch;

aml_status aml_batch_init(aml_batch *b, const aml_model *m, const aml_table *rows, aml_ctx *ctx);

/* The rows as the fit's learner sees them. */
aml_status aml_batch_data(aml_data *out, aml_batch *b, const aml_fit *fit);

/* out (rows × outputs), not calibrated: the weighted sum of the predictions of all fits but those with skip[fit] (NULL: of all);
 * fits count through the members. */
aml_status aml_batch_predict(double *out, aml_batch *b, const bool *skip);

size_t aml_model_fits(const aml_model *m);

#endif
