/* boost_loss.h: what boosting descends: squared error (regression), logistic loss (binary), softmax (multiclass).
 * Slopes and curvatures of the loss are handed over packed (histogram.h). */
#ifndef AML_LEARNERS_PARTS_BOOST_LOSS_H
#define AML_LEARNERS_PARTS_BOOST_LOSS_H

#include "automl/core/data.h"
#include "learners/parts/watch.h"

/* Rows and their present scores. Regression: the target less its mean, over its deviation. */
typedef struct aml_boost_rows {
    const uint32_t *rows; /* n design rows */
    size_t n;
    float *y;     /* standardised target, or class number */
    float *w;     /* weights, or NULL = all 1 */
    float *score; /* one column of n an output */
    double *sums; /* some per block of rows, for sums in a fixed order */
} aml_boost_rows;

typedef struct aml_boost_loss {
    aml_task_kind task;
    size_t n_outputs;
    double center, scale; /* regression: target = center + scale * score */
    double *base;         /* per output: where scores start */
    aml_boost_rows train;
    float *state;     /* per output and row: residual, or probability of the class */
    uint64_t *packed; /* per row, of the output asked for last */
    double slope_unit, curvature_unit;
} aml_boost_loss;

/* Center, scale and base from data->rows, and the scores at the base. In ctx->scratch, but base in ctx->keep. */
aml_status aml_boost_loss_init(aml_boost_loss *l, const aml_data *data, aml_ctx *ctx);

/* Further rows of the same data, to watch the loss on. */
aml_status aml_boost_rows_init(aml_boost_rows *r, const aml_boost_loss *l, const aml_data *data,
                               const uint32_t *rows, size_t n, aml_ctx *ctx);

/* At the start of a round: the state of all outputs from the scores. */
void aml_boost_loss_update(aml_boost_loss *l, int n_threads);

/* packed = gradients of one output, the units such that all sums stay within 31 bits. Rounding is random but fixed:
 * it depends on the position and `salt` alone, and is right on average. False when all slopes are 0. */
bool aml_boost_loss_pack(aml_boost_loss *l, size_t output, uint32_t salt, int n_threads);

/* Loss and weight by parts of the rows. */
aml_watch_sums aml_boost_loss_sums(const aml_boost_loss *l, const aml_boost_rows *r, int n_threads);

/* Scores (n × n_outputs, row-major) to predictions, in place. */
void aml_boost_link(double *out, size_t n, aml_task_kind task, size_t n_outputs, double center,
                    double scale);

#endif
