/* boost_loss.h: what boosting descends: an objective (regression), logistic loss (binary), softmax (multiclass).
 * Slopes and curvatures of the loss are handed over packed (histogram.h). */
#ifndef AML_LEARNERS_PARTS_BOOST_LOSS_H
#define AML_LEARNERS_PARTS_BOOST_LOSS_H

#include "learners/parts/boost_objective.h"
#include "learners/parts/histogram.h"
#include "learners/parts/watch.h"

/* Rows a block, and sums kept for each. */
enum { AML_BOOST_BLOCK = 8192, AML_BOOST_SUMS = 2 * AML_WATCH_PARTS };

/* Rows and their present scores. Regression: the target less its mean, over its deviation. */
typedef struct aml_boost_rows {
    const uint32_t *rows; /* n design rows */
    size_t n;
    float *y;       /* regression: standardised target; and the class where there are many */
    uint8_t *class; /* its number, where there are at most 256 */
    float *w;       /* weights, or NULL = all 1 */
    float *score;   /* one column of n an output */
    double *sums;   /* a few per block of rows, for sums in a fixed order */
} aml_boost_rows;

typedef struct aml_boost_loss {
    aml_task_kind task;
    aml_objective objective; /* of regression */
    size_t n_outputs;
    double center, scale; /* regression: target = center + scale * score */
    double *base;         /* per output: where scores start */
    aml_boost_rows train;
    const float *emphasis; /* multiplies slopes and curvatures of rows, or NULL */
    float *top, *total;    /* multiclass: a row's largest score, and its sum of exp(score - top) */
    float *slope, *curvature; /* per row, weights included, until they are packed: 2 n numbers */
    uint32_t *packed;
    aml_gradients gradients;
} aml_boost_loss;

/* Center, scale and base from data->rows, and the scores at the base. In ctx->scratch, but base in ctx->keep. */
aml_status aml_boost_loss_init(aml_boost_loss *l, const aml_data *data, aml_objective objective,
                               aml_ctx *ctx);

/* Further rows of the same data, to watch the loss on. */
aml_status aml_boost_rows_init(aml_boost_rows *r, const aml_boost_loss *l, const aml_data *data,
                               const uint32_t *rows, size_t n, aml_ctx *ctx);

/* At the start of a round: the state of all outputs from the scores. An output's scores may change once its tree is
 * grown. */
void aml_boost_loss_update(aml_boost_loss *l, int n_threads);

/* size[i] = the sum over all outputs of |slope| of row i, weights included; `emphasis` is left aside. */
void aml_boost_loss_sizes(float *size, aml_boost_loss *l, int n_threads);

/* packed and gradients of one output; what lies at `slope` is then free for others. the units are such that sums over all rows stay within 31
 * bits. Packing rounds at random and is right on average: the draw depends on the position and `salt` alone. Many rows
 * are packed coarsely, so that their sums fit narrow words (histogram.h), unless that added more than 3 % to the
 * variance of the slopes. False when all slopes are 0. */
bool aml_boost_loss_pack(aml_boost_loss *l, size_t output, uint32_t salt, int n_threads);

/* Sums of an output's slope and curvature, not rounded, over the rows of each leaf in a fixed order: leaf[position] is
 * its number, and rows of other numbers count nowhere. AML_ENOMEM. */
aml_status aml_boost_loss_leaf_sums(double (*sums)[2], const aml_boost_loss *l, size_t output,
                                    const uint8_t *leaf, size_t n_leaves, int n_threads);

/* What is to be added to the scores of n positions when the objective's best constant is a quantile. AML_ENOMEM. */
aml_status aml_boost_loss_quantile(double *out, const aml_boost_loss *l, const uint32_t *position,
                                   size_t n);

/* Loss and weight by parts of the rows. */
aml_watch_sums aml_boost_loss_by_part(const aml_boost_loss *l, const aml_boost_rows *r,
                                      int n_threads);

/* Scores (n × n_outputs, row-major) to predictions, in place. */
void aml_boost_link(double *out, size_t n, aml_task_kind task, size_t n_outputs, double center,
                    double scale, bool is_log);

#endif
