/* screen.h: which further columns would say something of the target that the columns there are, each by
 * itself, do not say.
 *
 * The target of a sample of the training rows is centred (classes: an indicator each), what an additive model
 * of the columns explains is taken off, and a candidate is worth the share of what is left over that the mean
 * over the other rows of its bin explains: leave-one-out, so that many bins are no advantage. */
#ifndef AML_FEATURIZE_SCREEN_H
#define AML_FEATURIZE_SCREEN_H

#include "automl/core/step.h"

enum { AML_SCREEN_ROWS = 4000, AML_SCREEN_BINS = 24, AML_SCREEN_CLASSES = 8 };

typedef struct aml_screen {
    size_t n;             /* rows of the sample */
    const uint32_t *rows; /* their numbers */
    size_t outputs;
    double *left; /* outputs × n: what no column has explained yet */
} aml_screen;

/* The bins of one column on the sample: bin[n] below n_bins. */
typedef struct aml_screen_bins {
    uint32_t *bin;
    size_t n_bins;
    uint32_t *slot; /* room of a candidate: `slots` of them, a power of two of at least 2 n */
    size_t slots;
} aml_screen_bins;

/* The sample and its centred target; memory from ctx->scratch. Wide tables get fewer rows. */
aml_status aml_screen_init(aml_screen *s, const aml_table *x, const aml_data *target, aml_ctx *ctx);

/* Bins of the n values at their quantiles, missing apart. bin has room for n; work for n floats. AML_ENOMEM. */
aml_status aml_screen_cut(aml_screen_bins *out, const float *v, size_t n, float *work);

/* A bin for each pair of levels that occurs on the sample. */
void aml_screen_pair(aml_screen_bins *out, const aml_screen *s, const aml_feature *f,
                     const aml_feature *g);

/* The `most` columns of the kinds (numbers, categories) that explain most of the target by themselves, best first,
 * and takes off what all of them explain. column has room for `most`; *n becomes their number. */
aml_status aml_screen_columns(uint32_t *column, size_t *n, aml_screen *s, const aml_table *x,
                              unsigned kinds, size_t most, aml_ctx *ctx);

/* Puts candidate k into bins (room for n values at v, n floats at work and n bins at out->bin are given). */
typedef aml_status (*aml_candidate_fn)(aml_screen_bins *out, const void *arg, size_t k, float *v,
                                       float *work);

/* The candidates worth having, at most `most`, best first: each for what those before it leave over, while its share
 * is beyond `errors` standard errors of what a column of chance would have. chosen has room for `most`. */
aml_status aml_screen_choose(uint32_t *chosen, size_t *n_chosen, aml_screen *s, size_t n_candidates,
                             aml_candidate_fn candidate, const void *arg, size_t most,
                             double errors, aml_ctx *ctx);

#endif
