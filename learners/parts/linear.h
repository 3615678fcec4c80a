/* linear.h: linear models with an L2 penalty, on dense and sparse features: fit, margins, save and
 * load. Shared by ridge, logistic and linear_svm.
 *
 * Minimised: sum of w_i * loss(y_i, x_i coef + intercept) + penalty / 2 * |coef|²; the intercept is
 * not penalised. Dense features go by L-BFGS, preconditioned with an inverse Hessian (from a sample
 * of the rows where the loss is not squared): an ill-scaled or collinear design costs no extra
 * steps, and for the squared loss the first step is the closed-form solution. With more features
 * than rows the problem is turned into one of as many features as rows. Sparse features, and dense
 * ones too many for a matrix, go by Newton's method with conjugate gradients; classifiers on short
 * sparse rows by coordinate ascent on the dual. */
#ifndef AML_LEARNERS_PARTS_LINEAR_H
#define AML_LEARNERS_PARTS_LINEAR_H

#include "automl/core/bytes.h"
#include "automl/core/data.h"
#include "automl/core/lower.h"

typedef struct aml_linear {
    size_t p, q, k;          /* dense features, sparse features, outputs */
    const double *coef;      /* (p + q + 1) × k; the last row holds the intercepts */
    const double *mean, *sd; /* p: of the dense features where it was fitted */
    double gain; /* what the last step promised, of the mean loss: the tolerance reached */
} aml_linear;

/* A loss on a block of n rows and k margins: z holds the margins and is replaced by w * d loss /
 * dz; h (NULL, or n × k) by w times the curvature. y: the target by position; shape: the loss's own
 * numbers. Returns the sum of w * loss. */
typedef double (*aml_linear_loss)(double *z, double *h, const double *y, const double *w, size_t n,
                                  size_t k, const double *shape);
double aml_loss_squared(double *z, double *h, const double *y, const double *w, size_t n, size_t k,
                        const double *shape); /* r²/2, k = 1 */
double aml_loss_logistic(double *z, double *h, const double *y, const double *w, size_t n, size_t k,
                         const double *shape); /* k = 1 */
double aml_loss_softmax(double *z, double *h, const double *y, const double *w, size_t n, size_t k,
                        const double *shape);
/* max(0, 1 - t z)², t = 1 for the class of the output and -1 for the others (k = 1: for class 1). */
double aml_loss_squared_hinge(double *z, double *h, const double *y, const double *w, size_t n,
                              size_t k, const double *shape);
/* r²/2 up to |r| = shape[0], a straight line beyond (Huber 1964); k = 1. */
double aml_loss_huber(double *z, double *h, const double *y, const double *w, size_t n, size_t k,
                      const double *shape);
/* The loss of the quantile shape[0] (Koenker and Bassett 1978), a parabola where |r| < shape[1]; k = 1. */
double aml_loss_pinball(double *z, double *h, const double *y, const double *w, size_t n, size_t k,
                        const double *shape);
/* exp(z) - y z: minus the log-likelihood of a count y ≥ 0 with mean exp(z); k = 1. */
double aml_loss_poisson(double *z, double *h, const double *y, const double *w, size_t n, size_t k,
                        const double *shape);

/* What is minimised. `tolerance`: a fit ends when a step can gain no more than half of it of the
 * mean loss; for a squared loss of the target's variance. */
typedef struct aml_linear_task {
    aml_linear_loss loss;
    const double *shape;
    double penalty, tolerance;
    const double *y;     /* the target by position instead of the data's own, or NULL */
    const double *start; /* the coefficients of a model to start from, or NULL */
} aml_linear_task;

/* The parameter of learners that leave the tolerance to the caller. */
#define AML_LINEAR_TOLERANCE                                                                    \
    {                                                                                           \
        .name = "tolerance",                                                                    \
        .summary = "the fit ends when a step gains no more than half of it of the mean loss",   \
        .kind = AML_REAL, .log = true, .lo = 1e-14, .hi = 1e-3, .fallback = 1e-8, .fixed = true \
    }

/* Into ctx->keep. Classes without a row keep a fixed intercept, so that their probability is about
 * that of half a row. Interrupted after a first step: AML_OK and ctx->truncated. */
aml_status aml_linear_fit(aml_linear *model, const aml_data *train, const aml_linear_task *task,
                          aml_ctx *ctx);

/* The model whose margins are unit * z + shift where they were z. */
aml_status aml_linear_rescale(aml_linear *model, double unit, double shift, aml_ctx *ctx);

/* What becomes of the margins of a row, in place. */
typedef void (*aml_linear_link)(double *z, size_t k, const void *arg);
void aml_link_logistic(double *z, size_t k, const void *arg); /* k = 1 */
void aml_link_softmax(double *z, size_t k, const void *arg);

/* out: x->n × k; finite. link may be NULL. The result of a row does not depend on the other rows.
 * */
aml_status aml_linear_predict(double *out, const aml_linear *model, const aml_data *x,
                              aml_linear_link link, const void *arg, aml_ctx *ctx);

/* A learner whose model is (or begins with) an aml_linear uses these as they are. */
void aml_linear_save(const void *model, aml_writer *w);
aml_status aml_linear_read(aml_linear *model, aml_reader *r, aml_ctx *ctx);
aml_status aml_linear_load(void **model, aml_reader *r, aml_ctx *ctx);
aml_status aml_linear_load_regression(void **model, aml_reader *r, aml_ctx *ctx); /* one output */
aml_status aml_linear_predict_values(double *out, const void *model, const aml_data *x,
                                     aml_ctx *ctx); /* the margins */
/* coef * (x - mean) of the dense features; the last is the margin at the means, with what sparse features add. */
aml_status aml_linear_contributions(double *out, const void *model, const aml_data *x,
                                    aml_ctx *ctx);
/* As a learner's lower: the margins; and what becomes of margins. */
aml_status aml_linear_lower(uint32_t *out, const void *model, uint32_t x, aml_ir *ir);
uint32_t aml_lower_probabilities(uint32_t z, aml_ir *ir); /* the logistic or softmax link */
/* |coef| * sd over all outputs, sum 1. */
aml_status aml_linear_importance(double *out, const void *model, size_t p);

/* Seconds of a fit, roughly. */
double aml_linear_cost(const aml_shape *shape, double passes);

/* The same of a classifier with a weight c of the losses: seconds for each class and row, value, row and pair of
 * features, sparse entry; all but the third are for c = 1 and grow by the power, those of entries from `easy` on. */
typedef struct aml_linear_prices {
    double row, value, matrix, entry, growth, easy;
} aml_linear_prices;
double aml_linear_class_cost(const aml_shape *shape, const aml_linear_prices *price, double c);

#endif
