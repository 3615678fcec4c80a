/* calibration.h: probabilities made to mean what they say, fitted on rows that the model has not seen. */
#ifndef AML_ENGINE_CALIBRATION_H
#define AML_ENGINE_CALIBRATION_H

#include "automl/core/ctx.h"
#include "automl/core/status.h"

typedef enum aml_calibrator_kind {
    AML_AS_IT_IS,
    AML_TEMPERATURE, /* p_c^slope, to sum 1 (Guo et al. 2017, "On calibration of modern neural networks") */
    AML_SIGMOID, /* two classes: logistic(slope logit(p) + offset) (Platt 1999, on log-odds) */
    AML_ISOTONIC /* two classes: a rising curve through the means of blocks (Zadrozny and Elkan 2002) */
} aml_calibrator_kind;

/* Keeps the order of the probabilities of two classes. */
typedef struct aml_calibrator {
    aml_calibrator_kind kind;
    double slope, offset; /* slope > 0 */
    size_t n;             /* knots of the curve, both rising from 0 to 1 */
    const double *from, *to;
} aml_calibrator;

/* The names of the kinds, NULL-ended. */
extern const char *const aml_calibrator_names[];

/* Minimises the log loss of n rows of k outputs (see aml_task_outputs), drawn a little towards leaving them as they are.
 * y: class numbers; w may be NULL; rows: n places in y, w and pred. Memory in ctx->keep. AML_ENOMEM. */
aml_status aml_calibrator_fit(aml_calibrator *out, aml_calibrator_kind kind, const double *y,
                              const double *w, const double *pred, size_t k, const uint32_t *rows,
                              size_t n, aml_ctx *ctx);

/* One row of k outputs, in place. An aml_learner's link: values a little outside of 0 … 1 are taken as 0 and 1. */
void aml_calibrator_apply(double *p, const aml_calibrator *c, size_t k);

/* Expected calibration error (Naeini, Cooper and Hauskrecht 2015): mean over rows of the distance, in ten bins of equal
 * width, between the mean probability of the predicted class and how often it was right. NAN when n = 0. */
double aml_calibration_error(const double *y, const double *pred, size_t n, size_t k);

#endif
