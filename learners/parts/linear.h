/* linear.h: linear models with an L2 penalty, on dense and sparse features: fit, margins, save and
 * load. Shared by ridge, logistic and linear_svm.
 *
 * Minimised: sum of w_i * loss(y_i, x_i coef + intercept) + penalty / 2 * |coef|²; the intercept is
 * not penalised. The preconditioner of the L-BFGS is the inverse Hessian of the dense features (from
 * a sample of the rows where the loss is not squared), and its diagonal for sparse ones: an
 * ill-scaled or collinear design costs no extra steps, and for the squared loss on dense features
 * the first step is the closed-form solution. */
#ifndef AML_LEARNERS_PARTS_LINEAR_H
#define AML_LEARNERS_PARTS_LINEAR_H

#include "automl/core/bytes.h"
#include "automl/core/data.h"

typedef struct aml_linear {
    size_t p, q, k;     /* dense features, sparse features, outputs */
    const double *coef; /* (p + q + 1) × k; the last row holds the intercepts */
    const double *sd;   /* p: spread of the dense features where it was fitted */
} aml_linear;

/* A loss on a block of n rows and k margins: z holds the margins and is replaced by w * d loss /
 * dz; h (NULL, or n × k) by w times the curvature. y: the target by position. Returns the sum of w
 * * loss. */
typedef double (*aml_linear_loss)(double *z, double *h, const double *y, const double *w, size_t n,
                                  size_t k);
double aml_loss_squared(double *z, double *h, const double *y, const double *w, size_t n,
                        size_t k); /* r²/2, k = 1 */
double aml_loss_logistic(double *z, double *h, const double *y, const double *w, size_t n,
                         size_t k); /* k = 1 */
double aml_loss_softmax(double *z, double *h, const double *y, const double *w, size_t n, size_t k);
/* max(0, 1 - t z)², t = 1 for the class of the output and -1 for the others (k = 1: for class 1).
 * */
double aml_loss_squared_hinge(double *z, double *h, const double *y, const double *w, size_t n,
                              size_t k);

/* Into ctx->keep. Classes without a row keep a fixed intercept, so that their probability is about
 * that of half a row. Interrupted after a first step: AML_OK and ctx->truncated. */
aml_status aml_linear_fit(aml_linear *model, const aml_data *train, aml_linear_loss loss,
                          double penalty, aml_ctx *ctx);

/* What becomes of the margins of a row, in place. */
typedef void (*aml_linear_link)(double *z, size_t k, const void *arg);
void aml_link_logistic(double *z, size_t k, const void *arg); /* k = 1 */
void aml_link_softmax(double *z, size_t k, const void *arg);

/* out: x->n × k; finite. link may be NULL. The result of a row does not depend on the other rows.
 * */
aml_status aml_linear_predict(double *out, const aml_linear *model, const aml_data *x,
                              aml_linear_link link, const void *arg, aml_ctx *ctx);

void aml_linear_save(const aml_linear *model, aml_writer *w);
aml_status aml_linear_load(aml_linear *model, aml_reader *r, aml_ctx *ctx);

/* |coef| * sd over all outputs, sum 1. */
aml_status aml_linear_importance(double *out, const aml_linear *model, size_t p);

/* Seconds of a fit, roughly. */
double aml_linear_cost(const aml_shape *shape, double passes);

#endif
