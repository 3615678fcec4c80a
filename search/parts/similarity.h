/* similarity.h: how much each past dataset counts for a new one, from their meta-features.
 *
 * The mean of three kernels: leaf proximities of two forests of extremely randomised trees
 * (Geurts, Ernst and Wehenkel 2006) that predict the principal components of a dataset's row of
 * losses (as it is, and centred), and exp(-sum_f m_f (a_f - b_f)²) with weights m learnt by
 * leave-one-family-out kernel regression (Weinberger and Tesauro 2007, diagonal). A fifth is
 * spread evenly over all. */
#ifndef AML_SEARCH_SIMILARITY_H
#define AML_SEARCH_SIMILARITY_H

#include "automl/core/ctx.h"

/* Learns the metric: metric[f] = log m_f. x: n × f meta-features, NaN = unknown; family: datasets
 * of one family never predict each other; rows: n × p losses without gaps. Takes about a second at
 * 300 × 46. AML_ENOMEM, AML_ESTOPPED. */
aml_status aml_similarity_learn(double *metric, const double *x, size_t n, size_t f,
                                const uint32_t *family, const double *rows, size_t p, aml_ctx *ctx);

/* What is prepared once for a matrix. */
typedef struct aml_similarity aml_similarity;

/* metric: f values from aml_similarity_learn, or NULL for equal weights. In ctx->keep. AML_ENOMEM. */
aml_status aml_similarity_new(aml_similarity **out, const double *x, size_t n, size_t f,
                              const double *metric, const double *rows, size_t p, aml_ctx *ctx);

/* weights[n] > 0, sum 1, for a dataset with the meta-features query[f]. Random streams are
 * children of ctx->rng. */
aml_status aml_similarity_weights(double *weights, const aml_similarity *s, const double *query,
                                  aml_ctx *ctx);

#endif
